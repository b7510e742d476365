/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the generic timer as EL0 and EL1 see it: one counter, a physical and a virtual timer.
 * Spec: Arm DDI 0487, D11 and D13.8. CNTVOFF_EL2 is zero, as there is no EL2.
 * Missing: the event stream (CNTKCTL_EL1.EVNTEN): WFE does not wait.
 */
#include "frontend/arm/sysreg.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4, NS_PER_S = 1000000000 };

uint64_t arm_scale(uint64_t value, uint64_t numerator, uint64_t denominator) {
    unsigned __int128 r = (unsigned __int128)value * numerator / denominator;
    return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

uint64_t arm_counter(Env *env) {
    const ArmCold *cold = arm_cold(env);
    return arm_scale(cold->ports->now(cold->ports->opaque), cold->counter_hz, NS_PER_S);
}

void arm_output(Env *env, unsigned line, bool level) {
    ArmCold *cold = arm_cold(env);
    if ((cold->outputs >> line & 1) != level) {
        cold->outputs ^= 1u << line;
        cold->ports->irq_out(cold->ports->opaque, env, line, level);
    }
}

/* First nanosecond at which the counter has reached `count`. */
static uint64_t time_of(const ArmCold *cold, uint64_t count) {
    unsigned __int128 t = ((unsigned __int128)count * NS_PER_S + cold->counter_hz - 1) / cold->counter_hz;
    return t > UINT64_MAX ? UINT64_MAX : (uint64_t)t;
}

void arm_timer_update(Env *env, unsigned timer) {
    ArmCold *cold = arm_cold(env);
    const ArmTimer *t = &cold->timer[timer];
    bool armed = (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
    bool due = armed && arm_counter(env) >= t->cval;
    cold->ports->timer_set(cold->ports->opaque, env, timer, armed && !due ? time_of(cold, t->cval) : UINT64_MAX);
    arm_output(env, timer, due);
}

void arm_timer_restored(Env *env, unsigned timer) {
    ArmCold *cold = arm_cold(env);
    const ArmTimer *t = &cold->timer[timer];
    bool waits = (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE && !(cold->outputs >> timer & 1);
    cold->ports->timer_set(cold->ports->opaque, env, timer, waits ? time_of(cold, t->cval) : UINT64_MAX);
}

void arm_timer_reset(Env *env) {
    arm_cold(env)->cntfrq_el0 = arm_cold(env)->counter_hz;
    for (unsigned i = 0; i < ARM_TIMERS; i++) {
        arm_timer_update(env, i);
    }
}

/* -- registers: the timer's number is op0..op2's CRm minus 2 ----------------------------------------------- */

static unsigned timer_of(const ArmSysreg *row) {
    return (row->code >> 3 & 15) - 2;
}

static uint64_t counter_read(Env *env, const ArmSysreg *row) {
    return arm_counter(env);
}

static uint64_t ctl_read(Env *env, const ArmSysreg *row) {
    const ArmTimer *t = &arm_cold(env)->timer[timer_of(row)];
    bool met = t->ctl & CTL_ENABLE && arm_counter(env) >= t->cval;
    return t->ctl | (met ? CTL_ISTATUS : 0);
}

static void ctl_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->timer[timer_of(row)].ctl = value & (CTL_ENABLE | CTL_IMASK);
    arm_timer_update(env, timer_of(row));
}

static uint64_t cval_read(Env *env, const ArmSysreg *row) {
    return arm_cold(env)->timer[timer_of(row)].cval;
}

static void cval_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->timer[timer_of(row)].cval = value;
    arm_timer_update(env, timer_of(row));
}

static uint64_t tval_read(Env *env, const ArmSysreg *row) {
    return (uint32_t)(arm_cold(env)->timer[timer_of(row)].cval - arm_counter(env));
}

static void tval_write(Env *env, const ArmSysreg *row, uint64_t value) {
    cval_write(env, row, arm_counter(env) + (uint64_t)(int64_t)(int32_t)value);
}

const ArmSysreg arm_timer_regs[] = {
    {"CNTKCTL_EL1", ARM_SR(3, 0, 14, 1, 0), ARM_RW1, ARM_AT(cntkctl_el1), .mask = 0x3ff},
    {"CNTFRQ_EL0", ARM_SR(3, 3, 14, 0, 0), ARM_RO | ARM_W1, .trap = ARM_TRAP_CNTFRQ, ARM_AT(cntfrq_el0),
     .mask = UINT32_MAX},
    {"CNTPCT_EL0", ARM_SR(3, 3, 14, 0, 1), ARM_RO, .trap = ARM_TRAP_PCT, .read = counter_read},
    {"CNTVCT_EL0", ARM_SR(3, 3, 14, 0, 2), ARM_RO, .trap = ARM_TRAP_VCT, .read = counter_read},
    {"CNTP_TVAL_EL0", ARM_SR(3, 3, 14, 2, 0), ARM_RW, .trap = ARM_TRAP_PTEN, .read = tval_read, .write = tval_write},
    {"CNTP_CTL_EL0", ARM_SR(3, 3, 14, 2, 1), ARM_RW, .trap = ARM_TRAP_PTEN, .read = ctl_read, .write = ctl_write},
    {"CNTP_CVAL_EL0", ARM_SR(3, 3, 14, 2, 2), ARM_RW, .trap = ARM_TRAP_PTEN, .read = cval_read, .write = cval_write},
    {"CNTV_TVAL_EL0", ARM_SR(3, 3, 14, 3, 0), ARM_RW, .trap = ARM_TRAP_VTEN, .read = tval_read, .write = tval_write},
    {"CNTV_CTL_EL0", ARM_SR(3, 3, 14, 3, 1), ARM_RW, .trap = ARM_TRAP_VTEN, .read = ctl_read, .write = ctl_write},
    {"CNTV_CVAL_EL0", ARM_SR(3, 3, 14, 3, 2), ARM_RW, .trap = ARM_TRAP_VTEN, .read = cval_read, .write = cval_write},
    {NULL},
};
