/* SPDX-License-Identifier: MIT */
/*
 * debug.c - self-hosted debug: software step, breakpoints, watchpoints, OS lock.
 * Spec: Arm DDI 0487, D2 (self-hosted debug), D13.3 (debug registers).
 * Missing: ESR.EX of a stepped exclusive load reads 0; watchpoints judge LDTR and STTR as EL1 accesses; there is no
 * external debugger, so the DCC never transfers and MDSCR_EL1.HDE, TDA do nothing.
 */
#include "frontend/arm/sysreg.h"

enum { SS = 1 << 0, KDE = 1 << 13, MDE = 1 << 15, OSLK = 1 << 1, DAIF_D = 1 << 9 };
enum { ENABLE = 1, SSC_SECURE = 2 };
enum { EC_ILLEGAL_STATE = 0x0e, EC_BREAKPOINT = 0x30 };
static const uint64_t address_bits = ((UINT64_C(1) << 49) - 1) & ~UINT64_C(3);

static bool locked(const ArmCold *cold) {
    return cold->oslsr_el1 & OSLK || cold->osdlr_el1 & 1;
}

bool arm_debug_enabled(const Env *env, unsigned el, bool masked) {
    const ArmCold *cold = arm_cold_const(env);
    return !locked(cold) && (el == 0 || (cold->mdscr_el1 & KDE && !masked));
}

static bool enabled_here(const Env *env) {
    const ArmCpu *cpu = arm_cpu_const(env);
    return arm_debug_enabled(env, cpu->el, cpu->daif & DAIF_D);
}

uint64_t arm_debug_mode(const Env *env) {
    const ArmCpu *cpu = arm_cpu_const(env);
    const ArmCold *cold = cpu->cold;
    uint64_t mode = cold->il ? ARM_MODE_BREAK : 0; /* illegal state: the next insn does not run */
    if (cpu->el && cold->mdscr_el1 & KDE && !locked(cold)) {
        mode |= ARM_MODE_DEBUG_EL1;
    }
    if (!enabled_here(env)) {
        return mode;
    }
    mode |= cold->mdscr_el1 & SS ? ARM_MODE_STEP : 0;
    for (unsigned i = 0; i < ARM_BREAKPOINTS && cold->mdscr_el1 & MDE; i++) {
        mode |= cold->dbgbcr[i] & ENABLE ? ARM_MODE_BREAK : 0;
    }
    return mode;
}

/* Do the privilege and security fields of a control word allow a match now? PMC, PAC: bit 0 EL1, bit 1 EL0. */
static bool state_matches(const Env *env, uint64_t control) {
    return (control >> 14 & 3) != SSC_SECURE && control >> (arm_cpu_const(env)->el ? 1 : 2) & 1;
}

/* -- breakpoints -------------------------------------------------------------------------------- */

enum { BT_ADDRESS = 0, BT_CONTEXT = 2, BT_LINKED = 1 };

static bool context_matches(const ArmCold *cold, unsigned n) {
    return (uint32_t)cold->dbgbvr[n] == (uint32_t)cold->contextidr_el1;
}

/* n must be an enabled breakpoint of the linked context kind; only the last one compares contexts. */
static bool link_matches(const ArmCold *cold, unsigned n) {
    return n == ARM_BREAKPOINTS - 1 && cold->dbgbcr[n] & ENABLE &&
           (cold->dbgbcr[n] >> 20 & 15) == (BT_CONTEXT | BT_LINKED) && context_matches(cold, n);
}

static bool breakpoint_hits(const Env *env, unsigned n, uint64_t pc) {
    const ArmCold *cold = arm_cold_const(env);
    uint64_t control = cold->dbgbcr[n];
    if (!(control & ENABLE) || !state_matches(env, control)) {
        return false;
    }
    switch (control >> 20 & 15) {
    case BT_ADDRESS:
        return !((pc ^ cold->dbgbvr[n]) & address_bits);
    case BT_ADDRESS | BT_LINKED:
        return !((pc ^ cold->dbgbvr[n]) & address_bits) && link_matches(cold, control >> 16 & 15);
    case BT_CONTEXT:
        return n == ARM_BREAKPOINTS - 1 && context_matches(cold, n);
    default:
        return false;
    }
}

void arm_helper_debug_insn(Env *env) {
    ArmCpu *cpu = arm_cpu(env);
    ArmCold *cold = cpu->cold;
    uint64_t pc = arm_insn_pc(env);
    if (cpu->mode & ARM_MODE_STEP) {
        if (!cold->ss) {
            arm_step_exception(env, pc);
            env->fault = 1;
            return;
        }
        cold->ss = 0;
        cold->stepping = 1;
    }
    if (cold->mdscr_el1 & MDE && enabled_here(env)) {
        for (unsigned i = 0; i < ARM_BREAKPOINTS; i++) {
            if (breakpoint_hits(env, i, pc)) {
                arm_raise(env, EC_BREAKPOINT + cpu->el, ARM_FSC_DEBUG);
                return;
            }
        }
    }
    if (cold->il) {
        arm_raise(env, EC_ILLEGAL_STATE, 0);
    }
}

/* -- watchpoints -------------------------------------------------------------------------------- */

bool arm_watching(const Env *env) {
    const ArmCold *cold = arm_cold_const(env);
    if (!(cold->mdscr_el1 & MDE) || locked(cold)) {
        return false;
    }
    for (unsigned i = 0; i < ARM_WATCHPOINTS; i++) {
        if (cold->dbgwcr[i] & ENABLE) {
            return true;
        }
    }
    return false;
}

/* The bytes a watchpoint watches, as [*start, *start + result) of the low 49 address bits. */
static uint64_t watched_range(uint64_t value, uint64_t control, uint64_t *start) {
    unsigned mask = control >> 24 & 31, bytes = control >> 5 & 255;
    value &= address_bits;
    if (mask >= 3) {
        *start = value & ~((UINT64_C(1) << mask) - 1);
        return UINT64_C(1) << mask;
    }
    if (value & 4) {
        bytes &= 15;
    }
    if (!bytes) {
        return 0;
    }
    unsigned first = (unsigned)__builtin_ctz(bytes);
    *start = value + first;
    return 32 - (unsigned)__builtin_clz(bytes) - first;
}

bool arm_watch_hit(Env *env, uint64_t va, unsigned size, MemAccess access) {
    enum { LSC_LOAD = 1 << 3, LSC_STORE = 1 << 4, WT = 1 << 20 };
    const ArmCold *cold = arm_cold(env);
    if (!enabled_here(env) || !arm_watching(env)) {
        return false;
    }
    va &= (UINT64_C(1) << 49) - 1;
    for (unsigned i = 0; i < ARM_WATCHPOINTS; i++) {
        uint64_t control = cold->dbgwcr[i], start = 0;
        if (!(control & ENABLE) || !state_matches(env, control) ||
            !(control & (access == MEM_WRITE ? LSC_STORE : LSC_LOAD)) ||
            (control & WT && !link_matches(cold, control >> 16 & 15))) {
            continue;
        }
        uint64_t length = watched_range(cold->dbgwvr[i], control, &start);
        if (va < start + length && start < va + size) {
            return true;
        }
    }
    return false;
}

/* -- registers -------------------------------------------------------------------------------- */

/* After any change of what is watched or enabled: fast paths must not hide watched pages. */
static void changed(Env *env) {
    const CpuPorts *ports = arm_ports(env);
    if (arm_watching(env)) {
        ports->tlb_flush_all(ports->opaque, env, false);
    }
    arm_update_mode(env);
}

static void control_write(Env *env, const ArmSysreg *row, uint64_t value) {
    *(uint64_t *)((char *)arm_cold(env) + row->offset) = value & row->mask;
    changed(env);
}

static void oslar_write(Env *env, const ArmSysreg *row, uint64_t value) {
    ArmCold *cold = arm_cold(env);
    cold->oslsr_el1 = (cold->oslsr_el1 & ~(uint64_t)OSLK) | (value & 1 ? OSLK : 0);
    changed(env);
}

static uint64_t claims_read(Env *env, const ArmSysreg *row) {
    return 0xff;
}

static void claims_set(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->dbgclaim |= value & 0xff;
}

static void claims_clear(Env *env, const ArmSysreg *row, uint64_t value) {
    arm_cold(env)->dbgclaim &= ~value;
}

static uint64_t authstatus_read(Env *env, const ArmSysreg *row) {
    return 0x0f; /* non-secure debug implemented and enabled */
}

#define DEBUG(name, crn, crm, op2) {name, ARM_SR(2, 0, crn, crm, op2), ARM_RW1
#define SYNCED(field, bits) ARM_ROW_SYNC, ARM_AT(field), .mask = bits, .write = control_write}
#define PAIR(n, kind, op2, control_bits)                                                                               \
    DEBUG("DBG" kind "VR" #n "_EL1", 0, n, op2), SYNCED(PAIR_##op2##_VALUE[n], UINT64_MAX),                            \
    DEBUG("DBG" kind "CR" #n "_EL1", 0, n, op2 + 1), SYNCED(PAIR_##op2##_CONTROL[n], control_bits)
#define PAIR_4_VALUE dbgbvr
#define PAIR_4_CONTROL dbgbcr
#define PAIR_6_VALUE dbgwvr
#define PAIR_6_CONTROL dbgwcr

const ArmSysreg arm_debug_regs[] = {
    DEBUG("OSDTRRX_EL1", 0, 0, 2), ARM_AT(osdtrrx_el1), .mask = UINT32_MAX},
    DEBUG("MDCCINT_EL1", 0, 2, 0), ARM_AT(mdccint_el1), .mask = 3 << 29},
    DEBUG("MDSCR_EL1", 0, 2, 2), SYNCED(mdscr_el1, 0xf001),
    DEBUG("OSDTRTX_EL1", 0, 3, 2), ARM_AT(osdtrtx_el1), .mask = UINT32_MAX},
    DEBUG("OSECCR_EL1", 0, 6, 2), ARM_AT(oseccr_el1), .mask = UINT32_MAX},
    PAIR(0, "B", 4, 0xffe1e7),
    PAIR(1, "B", 4, 0xffe1e7),
    PAIR(0, "W", 6, 0x1f1fffff),
    PAIR(1, "W", 6, 0x1f1fffff),
    {"MDRAR_EL1", ARM_SR(2, 0, 1, 0, 0), ARM_R1},
    {"OSLAR_EL1", ARM_SR(2, 0, 1, 0, 4), ARM_W1, ARM_ROW_SYNC, .write = oslar_write},
    {"OSLSR_EL1", ARM_SR(2, 0, 1, 1, 4), ARM_R1, ARM_AT(oslsr_el1), .reset = 0x0a},
    DEBUG("OSDLR_EL1", 1, 3, 4), SYNCED(osdlr_el1, 1),
    DEBUG("DBGPRCR_EL1", 1, 4, 4), ARM_AT(dbgprcr_el1), .mask = 1},
    DEBUG("DBGCLAIMSET_EL1", 7, 8, 6), .read = claims_read, .write = claims_set},
    DEBUG("DBGCLAIMCLR_EL1", 7, 9, 6), ARM_AT(dbgclaim), .write = claims_clear},
    {"DBGAUTHSTATUS_EL1", ARM_SR(2, 0, 7, 14, 6), ARM_R1, .read = authstatus_read},
    {"MDCCSR_EL0", ARM_SR(2, 3, 0, 1, 0), ARM_RO, .trap = ARM_TRAP_TDCC},
    {"DBGDTR_EL0", ARM_SR(2, 3, 0, 4, 0), ARM_RW, .trap = ARM_TRAP_TDCC},
    {"DBGDTRRX_EL0", ARM_SR(2, 3, 0, 5, 0), ARM_RW, .trap = ARM_TRAP_TDCC},
    {NULL},
};
