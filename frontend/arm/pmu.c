/* SPDX-License-Identifier: MIT */
/*
 * pmu.c - PMUv3 with the cycle counter and no event counters. A cycle is a nanosecond of the machine's clock.
 * Spec: Arm DDI 0487, D7 (performance monitors), D13.4.
 * Missing: PMCCFILTR_EL0 is kept but does not filter; event counters (PMCR_EL0.N = 0), hence SWINC counts nothing.
 */
#include "frontend/arm/sysreg.h"

enum { E = 1, C = 4, D = 8, LC = 64, PMCR_BITS = 0x79, DIVIDER = 64 };
static const uint64_t cycle_bit = UINT64_C(1) << 31;

static bool counting(const ArmCold *cold) {
    return cold->pmcr_el0 & E && cold->pmcnten & cycle_bit;
}

static uint64_t ns_per_count(const ArmCold *cold) {
    return (cold->pmcr_el0 & (D | LC)) == D ? DIVIDER : 1;
}

/* Brings `cycles` up to now, and notes an overflow. */
static void catch_up(Env *env) {
    ArmCold *cold = arm_cold(env);
    uint64_t now = cold->ports->now(cold->ports->opaque);
    if (!counting(cold)) {
        cold->cycles_at = now;
        return;
    }
    uint64_t step = ns_per_count(cold);
    uint64_t counts = (now - cold->cycles_at) / step;
    uint64_t next = cold->cycles + counts;
    if (next < cold->cycles || (!(cold->pmcr_el0 & LC) && next >> 32 != cold->cycles >> 32)) {
        cold->pmovs |= cycle_bit;
    }
    cold->cycles = next;
    cold->cycles_at += counts * step;
}

/* Sets the interrupt line, and the alarm for the next overflow. */
static void settle(Env *env) {
    ArmCold *cold = arm_cold(env);
    uint64_t deadline = UINT64_MAX;
    if (counting(cold) && cold->pminten & cycle_bit && !(cold->pmovs & cycle_bit)) {
        uint64_t left = cold->pmcr_el0 & LC ? -cold->cycles : (UINT64_C(1) << 32) - (uint32_t)cold->cycles;
        unsigned __int128 at = (unsigned __int128)left * ns_per_count(cold) + cold->cycles_at;
        deadline = left && at < UINT64_MAX ? (uint64_t)at : UINT64_MAX;
    }
    cold->ports->timer_set(cold->ports->opaque, env, ARM_ALARM_PMU, deadline);
    arm_output(env, ARM_OUT_PMU, cold->pmcr_el0 & E && cold->pmovs & cold->pminten);
}

void arm_pmu_update(Env *env) {
    catch_up(env);
    settle(env);
}

void arm_pmu_restored(Env *env) {
    settle(env);
}

void arm_pmu_reset(Env *env) {
    arm_pmu_update(env);
}

/* -- registers -------------------------------------------------------------------------------- */

static uint64_t pmcr_read(Env *env, const ArmSysreg *row) {
    return arm_cold(env)->id.pmcr | arm_cold(env)->pmcr_el0;
}

static void pmcr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    ArmCold *cold = arm_cold(env);
    catch_up(env);
    cold->pmcr_el0 = value & PMCR_BITS;
    if (value & C) {
        cold->cycles = 0;
    }
    settle(env);
}

static uint64_t *word(Env *env, const ArmSysreg *row) {
    return (uint64_t *)((char *)arm_cold(env) + row->offset);
}

/* Registers in set and clear pairs: only the cycle counter's bit is there. */
static uint64_t bits_read(Env *env, const ArmSysreg *row) {
    catch_up(env);
    return *word(env, row);
}

static void bits_set(Env *env, const ArmSysreg *row, uint64_t value) {
    catch_up(env);
    *word(env, row) |= value & cycle_bit;
    settle(env);
}

static void bits_clear(Env *env, const ArmSysreg *row, uint64_t value) {
    catch_up(env);
    *word(env, row) &= ~value;
    settle(env);
}

static uint64_t cycles_read(Env *env, const ArmSysreg *row) {
    catch_up(env);
    return arm_cold(env)->cycles;
}

static void cycles_write(Env *env, const ArmSysreg *row, uint64_t value) {
    catch_up(env);
    arm_cold(env)->cycles = value;
    settle(env);
}

/* PMSELR_EL0 31 selects the cycle counter's filter; there is nothing else to select. */
static uint64_t type_read(Env *env, const ArmSysreg *row) {
    return arm_cold(env)->pmselr_el0 == 31 ? arm_cold(env)->pmccfiltr_el0 : 0;
}

static void type_write(Env *env, const ArmSysreg *row, uint64_t value) {
    if (arm_cold(env)->pmselr_el0 == 31) {
        arm_cold(env)->pmccfiltr_el0 = value & 0xfc000000;
    }
}

static uint64_t events_read(Env *env, const ArmSysreg *row) {
    return 1 << 0x11; /* CPU_CYCLES */
}

#define PMU(name, crn, crm, op2, access, trap_) {name, ARM_SR(3, 3, crn, crm, op2), access, .trap = ARM_TRAP_##trap_
#define BITS(field, fn) ARM_AT(field), .read = bits_read, .write = fn}

const ArmSysreg arm_pmu_regs[] = {
    PMU("PMCR_EL0", 9, 12, 0, ARM_RW, PMU), .read = pmcr_read, .write = pmcr_write},
    PMU("PMCNTENSET_EL0", 9, 12, 1, ARM_RW, PMU), BITS(pmcnten, bits_set),
    PMU("PMCNTENCLR_EL0", 9, 12, 2, ARM_RW, PMU), BITS(pmcnten, bits_clear),
    PMU("PMOVSCLR_EL0", 9, 12, 3, ARM_RW, PMU), BITS(pmovs, bits_clear),
    PMU("PMSWINC_EL0", 9, 12, 4, ARM_W0 | ARM_W1, PMU_SW)},
    PMU("PMSELR_EL0", 9, 12, 5, ARM_RW, PMU_SELECT), ARM_AT(pmselr_el0), .mask = 31},
    PMU("PMCEID0_EL0", 9, 12, 6, ARM_RO, PMU), .read = events_read},
    PMU("PMCEID1_EL0", 9, 12, 7, ARM_RO, PMU)},
    PMU("PMCCNTR_EL0", 9, 13, 0, ARM_RW, PMU_CYCLES), .read = cycles_read, .write = cycles_write},
    PMU("PMXEVTYPER_EL0", 9, 13, 1, ARM_RW, PMU), .read = type_read, .write = type_write},
    PMU("PMXEVCNTR_EL0", 9, 13, 2, ARM_RW, PMU_EVENTS)},
    {"PMUSERENR_EL0", ARM_SR(3, 3, 9, 14, 0), ARM_RO | ARM_W1, ARM_AT(pmuserenr_el0), .mask = 15},
    PMU("PMOVSSET_EL0", 9, 14, 3, ARM_RW, PMU), BITS(pmovs, bits_set),
    PMU("PMCCFILTR_EL0", 14, 15, 7, ARM_RW, PMU), ARM_AT(pmccfiltr_el0), .mask = 0xfc000000},
    {"PMINTENSET_EL1", ARM_SR(3, 0, 9, 14, 1), ARM_RW1, BITS(pminten, bits_set),
    {"PMINTENCLR_EL1", ARM_SR(3, 0, 9, 14, 2), ARM_RW1, BITS(pminten, bits_clear),
    {NULL},
};
