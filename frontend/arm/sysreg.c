/* SPDX-License-Identifier: MIT */
/*
 * sysreg.c - the system registers of AArch64 EL0 and EL1: the core rows, look-up, access, traps from EL0.
 * Spec: Arm DDI 0487, C5.1 (encodings), D13.2 (registers).
 * Missing: registers of EL2, EL3 and AArch32 do not exist here; IMPLEMENTATION DEFINED ones (S3_<op1>_C11/C15) are
 * UNDEFINED and logged; ACTLR, AFSR0/1, AMAIR read as zero.
 */
#include "frontend/arm/sysreg.h"

#include <stdlib.h>

static const ArmSysreg *const tables[] = {
    arm_core_regs, arm_maint_regs, arm_timer_regs, arm_pmu_regs, arm_debug_regs, arm_pauth_regs,
};

/* -- look-up ---------------------------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b) {
    return (int)(*(const ArmSysreg *const *)a)->code - (int)(*(const ArmSysreg *const *)b)->code;
}

/* Takes the array over. */
static void set_rows(ArmCold *cold, GPtrArray *rows) {
    cold->row_count = rows->len;
    cold->rows = (const ArmSysreg **)g_ptr_array_free(rows, FALSE);
    qsort(cold->rows, cold->row_count, sizeof(*cold->rows), compare_rows);
    for (uint32_t i = 1; i < cold->row_count; i++) {
        g_assert(cold->rows[i - 1]->code != cold->rows[i]->code);
    }
}

void arm_sysreg_init(Env *env) {
    GPtrArray *rows = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        for (const ArmSysreg *row = tables[i]; row->name; row++) {
            if (arm_has(env, row->feature)) {
                g_ptr_array_add(rows, (gpointer)row);
            }
        }
    }
    set_rows(arm_cold(env), rows);
}

void arm_sysreg_finish(Env *env) {
    ArmCold *cold = arm_cold(env);
    g_clear_pointer(&cold->rows, g_free);
    g_clear_pointer(&cold->device_rows, g_free);
}

/* -- registers of devices -------------------------------------------------------------------------------- */

static const CpuDeviceReg *device_reg(const ArmSysreg *row) {
    return &((const ArmDeviceRow *)(const void *)row)->reg;
}

static uint64_t device_reg_read(Env *env, const ArmSysreg *row) {
    const CpuDeviceReg *reg = device_reg(row);
    return reg->read(arm_cold(env)->device.opaque, reg->arg);
}

static void device_reg_write(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuDeviceReg *reg = device_reg(row);
    reg->write(arm_cold(env)->device.opaque, reg->arg, value);
}

/* ICC_SRE_EL1 among them: the interrupt controller's interface is one of system registers, and ID_AA64PFR0_EL1 tells. */
void arm_sysreg_add(Env *env, const CpuDeviceRegs *bank) {
    enum { ICC_SRE_EL1 = ARM_SR(3, 0, 12, 12, 5), PFR0_GIC = 1 << 24 };
    ArmCold *cold = arm_cold(env);
    g_assert(!cold->device_rows);
    cold->device_rows = g_new0(ArmDeviceRow, bank->count);
    cold->device = *bank;
    cold->device.regs = NULL;
    GPtrArray *rows = g_ptr_array_new();
    for (uint32_t i = 0; i < cold->row_count; i++) {
        g_ptr_array_add(rows, (gpointer)cold->rows[i]);
    }
    for (unsigned i = 0; i < bank->count; i++) {
        const CpuDeviceReg *reg = &bank->regs[i];
        ArmDeviceRow *d = &cold->device_rows[i];
        d->reg = *reg;
        d->row = (ArmSysreg){.name = reg->name, .code = reg->code, .flags = ARM_ROW_POLL,
                             .access = (reg->read ? ARM_R1 : 0) | (reg->write ? ARM_W1 : 0),
                             .read = device_reg_read, .write = device_reg_write};
        g_ptr_array_add(rows, &d->row);
        cold->id.pfr0 |= reg->code == ICC_SRE_EL1 ? PFR0_GIC : 0;
    }
    g_free(cold->rows);
    set_rows(cold, rows);
}

/* -- rows -------------------------------------------------------------------------------- */

void arm_sysreg_reset(Env *env) {
    ArmCold *cold = arm_cold(env);
    for (uint32_t i = 0; i < cold->row_count; i++) {
        if (cold->rows[i]->reset) {
            *(uint64_t *)((char *)cold + cold->rows[i]->offset) = cold->rows[i]->reset;
        }
    }
    if (cold->device.reset) {
        cold->device.reset(cold->device.opaque);
    }
}

int arm_sysreg_find(const Env *env, unsigned code) {
    const ArmCold *cold = arm_cold_const(env);
    uint32_t low = 0, high = cold->row_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cold->rows[middle]->code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < cold->row_count && cold->rows[low]->code == code ? (int)low : -1;
}

bool arm_sysreg_is_raz(unsigned code) {
    return code >= ARM_SR(3, 0, 0, 1, 0) && code <= ARM_SR(3, 0, 0, 7, 7);
}

const char *arm_sysreg_name(unsigned code) {
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        for (const ArmSysreg *row = tables[i]; row->name; row++) {
            if (row->code == code) {
                return row->name;
            }
        }
    }
    return NULL;
}

/* -- access -------------------------------------------------------------------------------- */

uint64_t arm_sysreg_peek(Env *env, const ArmSysreg *row) {
    if (row->read) {
        return row->read(env, row);
    }
    return row->offset ? *(uint64_t *)((char *)arm_cold(env) + row->offset) : 0;
}

uint64_t arm_helper_sysreg_get(Env *env, uint32_t index) {
    return arm_sysreg_peek(env, arm_cold(env)->rows[index]);
}

void arm_helper_sysreg_write(Env *env, uint32_t index, uint64_t value) {
    const ArmSysreg *row = arm_cold(env)->rows[index];
    if (row->write) {
        row->write(env, row, value);
    } else if (row->offset) {
        *(uint64_t *)((char *)arm_cold(env) + row->offset) = row->mask ? value & row->mask : value;
    }
}

void arm_helper_sysreg_unknown(Env *env, uint32_t code) {
    const CpuPorts *ports = arm_ports(env);
    ports->log(ports->opaque, env, CPU_LOG_UNIMP,
               "no system register op0=%u op1=%u CRn=%u CRm=%u op2=%u: UNDEFINED at %#" G_GINT64_MODIFIER "x",
               code >> 14 & 3, code >> 11 & 7, code >> 7 & 15, code >> 3 & 15, code & 7, arm_insn_pc(env));
    arm_raise(env, 0, 0);
}

/* An access from EL0 is trapped unless a bit of `mask` in the register is set (or, with `inverted`, when one is). */
typedef struct TrapRule {
    uint16_t offset;
    bool inverted;
    uint32_t read_mask, write_mask;
} TrapRule;

#define RULE(field, read, write) {offsetof(ArmCold, field), false, read, write}
static const TrapRule trap_rules[ARM_TRAPS] = {
    [ARM_TRAP_UMA] = RULE(sctlr_el1, 1 << 9, 1 << 9),
    [ARM_TRAP_UCT] = RULE(sctlr_el1, 1 << 15, 1 << 15),
    [ARM_TRAP_DZE] = RULE(sctlr_el1, 1 << 14, 1 << 14),
    [ARM_TRAP_UCI] = RULE(sctlr_el1, 1 << 26, 1 << 26),
    [ARM_TRAP_PCT] = RULE(cntkctl_el1, 1 << 0, 1 << 0),
    [ARM_TRAP_VCT] = RULE(cntkctl_el1, 1 << 1, 1 << 1),
    [ARM_TRAP_CNTFRQ] = RULE(cntkctl_el1, 3, 3),
    [ARM_TRAP_PTEN] = RULE(cntkctl_el1, 1 << 9, 1 << 9),
    [ARM_TRAP_VTEN] = RULE(cntkctl_el1, 1 << 8, 1 << 8),
    [ARM_TRAP_PMU] = RULE(pmuserenr_el0, 1, 1),
    [ARM_TRAP_PMU_SW] = RULE(pmuserenr_el0, 3, 3),
    [ARM_TRAP_PMU_CYCLES] = RULE(pmuserenr_el0, 5, 1),
    [ARM_TRAP_PMU_EVENTS] = RULE(pmuserenr_el0, 9, 1),
    [ARM_TRAP_PMU_SELECT] = RULE(pmuserenr_el0, 9, 9),
    [ARM_TRAP_TDCC] = {offsetof(ArmCold, mdscr_el1), true, 1 << 12, 1 << 12},
};

void arm_helper_sysreg_check(Env *env, uint32_t trap, uint32_t iss) {
    const TrapRule *rule = &trap_rules[trap];
    uint64_t value = *(uint64_t *)((char *)arm_cold(env) + rule->offset);
    bool set = value & (iss & 1 ? rule->read_mask : rule->write_mask);
    if (set == rule->inverted) {
        arm_raise(env, 0x18, iss);
    }
}

/* -- floating-point control and status --------------------------------------------------------------------------- */

enum { FPCR_FZ16 = 1 << 19, FPCR_FZ = 1 << 24, FPCR_DN = 1 << 25, FPCR_AHP = 1 << 26 };
enum { FPSR_QC = 1 << 27, FPSR_FLAGS = 0x9f };

uint64_t arm_fpcr(const Env *env) {
    const FpStatus *fp = &env->fp;
    return (uint64_t)(fp->round & 3) << 22 | (fp->flush ? FPCR_FZ : 0) | (fp->flush16 ? FPCR_FZ16 : 0) |
           (fp->default_nan ? FPCR_DN : 0) | (fp->alt_half ? FPCR_AHP : 0);
}

void arm_set_fpcr(Env *env, uint64_t value) {
    FpStatus *fp = &env->fp;
    fp->round = value >> 22 & 3;
    fp->flush = value & FPCR_FZ;
    fp->flush16 = value & FPCR_FZ16 && arm_has(env, ARM_FP16);
    fp->default_nan = value & FPCR_DN;
    fp->alt_half = value & FPCR_AHP;
}

uint64_t arm_fpsr(const Env *env) {
    return (env->fp.flags & FPSR_FLAGS) | (env->qc ? FPSR_QC : 0);
}

void arm_set_fpsr(Env *env, uint64_t value) {
    env->fp.flags = value & FPSR_FLAGS;
    env->qc = value & FPSR_QC ? 1 : 0;
}

static uint64_t fpcr_read(Env *env, const ArmSysreg *row) {
    return arm_fpcr(env);
}

static void fpcr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    bool full = env->fp.flush || env->fp.default_nan;
    arm_set_fpcr(env, value);
    if (full != (env->fp.flush || env->fp.default_nan)) {
        arm_update_mode(env);
    }
}

static uint64_t fpsr_read(Env *env, const ArmSysreg *row) {
    return arm_fpsr(env);
}

static void fpsr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_set_fpsr(env, value);
}

/* -- processor state as registers -------------------------------------------------------------------------------- */

static uint64_t nzcv_read(Env *env, const ArmSysreg *row) {
    return arm_nzcv(env);
}

static void nzcv_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_set_nzcv(env, value);
}

static uint64_t daif_read(Env *env, const ArmSysreg *row) {
    return arm_cpu(env)->daif;
}

static void daif_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_helper_daif_write(env, value);
}

static uint64_t currentel_read(Env *env, const ArmSysreg *row) {
    return (uint64_t)arm_cpu(env)->el << 2;
}

static uint64_t spsel_read(Env *env, const ArmSysreg *row) {
    return arm_cpu(env)->spsel;
}

static void spsel_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_helper_spsel(env, value & 1);
}

static uint64_t pan_read(Env *env, const ArmSysreg *row) {
    return (uint64_t)arm_cold(env)->pan << 22;
}

static void pan_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_helper_pan(env, value >> 22 & 1);
}

static uint64_t isr_read(Env *env, const ArmSysreg *row) {
    uint32_t lines = __atomic_load_n(&arm_cold(env)->lines, __ATOMIC_SEQ_CST);
    return (lines & 1u << CPU_LINE_IRQ ? 1 << 7 : 0) | (lines & 1u << CPU_LINE_FIQ ? 1 << 6 : 0);
}

static uint64_t ccsidr_read(Env *env, const ArmSysreg *row) {
    const ArmCold *cold = arm_cold(env);
    return cold->csselr_el1 < G_N_ELEMENTS(cold->id.ccsidr) ? cold->id.ccsidr[cold->csselr_el1] : 0;
}

static uint64_t dczid_read(Env *env, const ArmSysreg *row) {
    bool prohibited = arm_cpu(env)->el == 0 && !(arm_cold(env)->sctlr_el1 & 1 << 14);
    return arm_cold(env)->id.dczid | (prohibited ? 16 : 0);
}

/* -- translation control -------------------------------------------------------------------------------- */

static void sctlr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    enum {
        BITS = 0x070dd21f,                           /* M A C SA SA0 UMA I DZE UCT nTWI nTWE WXN E0E EE UCI */
        RES1 = 0x30500800, SPAN = 1 << 23,
        FLUSH = 1 << 0 | 1 << 19 | 1 << 25,          /* M, WXN, EE */
    };
    const uint64_t keys = UINT64_C(0xc8002000);      /* EnIA EnIB EnDA EnDB */
    ArmCold *cold = arm_cold(env);
    uint64_t old = cold->sctlr_el1;
    uint64_t bits = BITS | (arm_has(env, ARM_PAUTH) ? keys : 0) | (arm_has(env, ARM_PAN) ? SPAN : 0);
    cold->sctlr_el1 = (value & bits) | RES1 | (arm_has(env, ARM_PAN) ? 0 : SPAN);
    if ((old ^ cold->sctlr_el1) & FLUSH) {
        cold->ports->tlb_flush_all(cold->ports->opaque, env, false);
    }
    arm_update_mode(env);
}

static void cpacr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->cpacr_el1 = value & 3 << 20;
    arm_update_mode(env);
}

static void tcr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->tcr_el1 = value & (UINT64_C(0x77ffffffbf) | (arm_has(env, ARM_PAUTH) ? UINT64_C(3) << 51 : 0));
    arm_update_mode(env);
}

static void ttbr_write(Env *env, const ArmSysreg *row, uint64_t value) {
    ArmCold *cold = arm_cold(env);
    *(uint64_t *)((char *)cold + row->offset) = value;
    cold->ports->context_changed(cold->ports->opaque, env);
}

/* -- the rows -------------------------------------------------------------------------------- */

#define ID(name, crm, op2, ...) {name, ARM_SR(3, 0, 0, crm, op2), ARM_R1, ARM_ROW_CONST, __VA_ARGS__}

const ArmSysreg arm_core_regs[] = {
    ID("MIDR_EL1", 0, 0, ARM_AT(id.midr)),
    {"MPIDR_EL1", ARM_SR(3, 0, 0, 0, 5), ARM_R1, ARM_AT(id.mpidr)},
    ID("REVIDR_EL1", 0, 6, ARM_AT(id.revidr)),
    ID("ID_AA64PFR0_EL1", 4, 0, ARM_AT(id.pfr0)),
    ID("ID_AA64PFR1_EL1", 4, 1, 0),
    ID("ID_AA64DFR0_EL1", 5, 0, ARM_AT(id.dfr0)),
    ID("ID_AA64DFR1_EL1", 5, 1, 0),
    ID("ID_AA64AFR0_EL1", 5, 4, 0),
    ID("ID_AA64AFR1_EL1", 5, 5, 0),
    ID("ID_AA64ISAR0_EL1", 6, 0, ARM_AT(id.isar0)),
    ID("ID_AA64ISAR1_EL1", 6, 1, ARM_AT(id.isar1)),
    ID("ID_AA64MMFR0_EL1", 7, 0, ARM_AT(id.mmfr0)),
    ID("ID_AA64MMFR1_EL1", 7, 1, ARM_AT(id.mmfr1)),
    ID("ID_AA64MMFR2_EL1", 7, 2, 0),
    {"CCSIDR_EL1", ARM_SR(3, 1, 0, 0, 0), ARM_R1, .read = ccsidr_read},
    {"CLIDR_EL1", ARM_SR(3, 1, 0, 0, 1), ARM_R1, ARM_ROW_CONST, ARM_AT(id.clidr)},
    {"AIDR_EL1", ARM_SR(3, 1, 0, 0, 7), ARM_R1, ARM_ROW_CONST},
    {"CSSELR_EL1", ARM_SR(3, 2, 0, 0, 0), ARM_RW1, ARM_AT(csselr_el1), .mask = 15},
    {"CTR_EL0", ARM_SR(3, 3, 0, 0, 1), ARM_RO, ARM_ROW_CONST, .trap = ARM_TRAP_UCT, ARM_AT(id.ctr)},
    {"DCZID_EL0", ARM_SR(3, 3, 0, 0, 7), ARM_RO, .read = dczid_read},
    {"SCTLR_EL1", ARM_SR(3, 0, 1, 0, 0), ARM_RW1, ARM_ROW_SYNC, ARM_AT(sctlr_el1), .reset = 0x30d50818,
     .write = sctlr_write},
    {"ACTLR_EL1", ARM_SR(3, 0, 1, 0, 1), ARM_RW1},
    {"CPACR_EL1", ARM_SR(3, 0, 1, 0, 2), ARM_RW1, ARM_ROW_SYNC, ARM_AT(cpacr_el1), .write = cpacr_write},
    {"TTBR0_EL1", ARM_SR(3, 0, 2, 0, 0), ARM_RW1, ARM_ROW_SYNC, ARM_AT(ttbr0_el1), .write = ttbr_write},
    {"TTBR1_EL1", ARM_SR(3, 0, 2, 0, 1), ARM_RW1, ARM_ROW_SYNC, ARM_AT(ttbr1_el1), .write = ttbr_write},
    {"TCR_EL1", ARM_SR(3, 0, 2, 0, 2), ARM_RW1, ARM_ROW_SYNC, ARM_AT(tcr_el1), .write = tcr_write},
    {"SPSR_EL1", ARM_SR(3, 0, 4, 0, 0), ARM_RW1, .slot = ARM_SLOT_SPSR_EL1, ARM_AT(spsr_el1), .mask = UINT32_MAX},
    {"ELR_EL1", ARM_SR(3, 0, 4, 0, 1), ARM_RW1, .slot = ARM_SLOT_ELR_EL1, ARM_AT(elr_el1)},
    {"SP_EL0", ARM_SR(3, 0, 4, 1, 0), ARM_RW1, .slot = ARM_SLOT_SP_EL0},
    {"SPSel", ARM_SR(3, 0, 4, 2, 0), ARM_RW1, ARM_ROW_SYNC, .read = spsel_read, .write = spsel_write},
    {"CurrentEL", ARM_SR(3, 0, 4, 2, 2), ARM_R1, .read = currentel_read},
    {"PAN", ARM_SR(3, 0, 4, 2, 3), ARM_RW1, ARM_ROW_SYNC, .feature = ARM_PAN, .read = pan_read, .write = pan_write},
    {"NZCV", ARM_SR(3, 3, 4, 2, 0), ARM_RW, .read = nzcv_read, .write = nzcv_write},
    {"DAIF", ARM_SR(3, 3, 4, 2, 1), ARM_RW, ARM_ROW_SYNC, .trap = ARM_TRAP_UMA, .read = daif_read, .write = daif_write},
    {"FPCR", ARM_SR(3, 3, 4, 4, 0), ARM_RW, ARM_ROW_FP | ARM_ROW_SYNC, .read = fpcr_read, .write = fpcr_write},
    {"FPSR", ARM_SR(3, 3, 4, 4, 1), ARM_RW, ARM_ROW_FP, .read = fpsr_read, .write = fpsr_write},
    {"AFSR0_EL1", ARM_SR(3, 0, 5, 1, 0), ARM_RW1},
    {"AFSR1_EL1", ARM_SR(3, 0, 5, 1, 1), ARM_RW1},
    {"ESR_EL1", ARM_SR(3, 0, 5, 2, 0), ARM_RW1, .slot = ARM_SLOT_ESR_EL1, ARM_AT(esr_el1), .mask = UINT32_MAX},
    {"FAR_EL1", ARM_SR(3, 0, 6, 0, 0), ARM_RW1, .slot = ARM_SLOT_FAR_EL1, ARM_AT(far_el1)},
    {"PAR_EL1", ARM_SR(3, 0, 7, 4, 0), ARM_RW1, ARM_AT(par_el1)},
    {"MAIR_EL1", ARM_SR(3, 0, 10, 2, 0), ARM_RW1, ARM_AT(mair_el1)},
    {"AMAIR_EL1", ARM_SR(3, 0, 10, 3, 0), ARM_RW1},
    {"VBAR_EL1", ARM_SR(3, 0, 12, 0, 0), ARM_RW1, ARM_AT(vbar_el1), .mask = ~UINT64_C(0x7ff)},
    {"RVBAR_EL1", ARM_SR(3, 0, 12, 0, 1), ARM_R1, ARM_AT(id.rvbar)},
    {"ISR_EL1", ARM_SR(3, 0, 12, 1, 0), ARM_R1, .read = isr_read},
    {"CONTEXTIDR_EL1", ARM_SR(3, 0, 13, 0, 1), ARM_RW1, .slot = ARM_SLOT_CONTEXTIDR_EL1, ARM_AT(contextidr_el1),
     .mask = UINT32_MAX},
    {"TPIDR_EL1", ARM_SR(3, 0, 13, 0, 4), ARM_RW1, .slot = ARM_SLOT_TPIDR_EL1},
    {"TPIDR_EL0", ARM_SR(3, 3, 13, 0, 2), ARM_RW, .slot = ARM_SLOT_TPIDR_EL0},
    {"TPIDRRO_EL0", ARM_SR(3, 3, 13, 0, 3), ARM_R0 | ARM_RW1, .slot = ARM_SLOT_TPIDRRO_EL0},
    {NULL},
};
