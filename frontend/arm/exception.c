/* SPDX-License-Identifier: MIT */
/*
 * exception.c - taking exceptions to EL1 and returning from them.
 * Spec: Arm DDI 0487, D1.10 (entry, return, illegal return), D13.2.37 (ESR_EL1), J1 (pseudocode).
 * Missing: SError is never pending, for nothing here is asynchronous; ISV stays 0 as there is no EL2.
 */
#include "frontend/arm/sysreg.h"
#include <inttypes.h>

enum {
    EC_ILLEGAL_STATE = 0x0e, EC_WFX = 0x01,
    EC_INSN_ABORT = 0x20, EC_PC_ALIGN = 0x22, EC_DATA_ABORT = 0x24, EC_SP_ALIGN = 0x26, EC_STEP = 0x32, EC_WATCH = 0x34,
};

enum { SPSR_SS = 1 << 21, SPSR_IL = 1 << 20, DAIF_ALL = 0x3c0, DAIF_D = 1 << 9, DAIF_I = 1 << 7, DAIF_F = 1 << 6 };

void arm_enter(Env *env, unsigned vector, uint64_t lr) {
    enum { SPAN = 1 << 23 };
    ArmCpu *cpu = arm_cpu(env);
    ArmCold *cold = cpu->cold;
    cold->spsr_el1 = arm_pstate(env) | (cold->stepping ? SPSR_SS : 0);
    cold->elr_el1 = lr;
    vector += cpu->el == 0 ? 0x400 : cpu->spsel ? 0x200 : 0;
    cold->stepping = cold->ss = cold->il = 0;
    if (arm_has(env, ARM_PAN) && !(cold->sctlr_el1 & SPAN)) {
        cold->pan = 1;
    }
    cpu->daif = DAIF_ALL;
    arm_set_spsel(env, 1, 1);
    env->pc = cold->vbar_el1 + vector;
    arm_update_mode(env);
}

void arm_sync_exception(Env *env, unsigned ec, uint32_t iss, uint64_t lr) {
    ArmCold *cold = arm_cold(env);
    cold->esr_el1 = (uint64_t)ec << 26 | 1u << 25 | (iss & 0x1ffffff);
    cold->ports->log(cold->ports->opaque, env, CPU_LOG_INT,
                     "exception class %#x from EL%u at %#" PRIx64 ", ESR %#" PRIx64 ", FAR %#" PRIx64, ec,
                     arm_cpu(env)->el, lr, cold->esr_el1, cold->far_el1);
    arm_enter(env, ARM_VECTOR_SYNC, lr);
}

void arm_raise(Env *env, unsigned ec, uint32_t iss) {
    arm_sync_exception(env, ec, iss, arm_insn_pc(env));
    env->fault = 1;
}

void arm_helper_exception(Env *env, uint32_t kind, uint32_t iss, uint32_t reserved) {
    uint64_t lr = arm_insn_pc(env);
    if (kind == 0x15 || kind == 0x16 || kind == 0x17) { /* SVC, HVC, SMC: the insn is done */
        lr += 4;
        arm_cold(env)->stepping = 0;
    }
    arm_sync_exception(env, kind, iss, lr);
    env->fault = 1;
}

void arm_step_exception(Env *env, uint64_t pc) {
    enum { ISV = 1 << 24 };
    ArmCold *cold = arm_cold(env);
    uint32_t iss = ARM_FSC_DEBUG | (cold->stepping ? ISV : 0);
    cold->stepping = 0;
    arm_sync_exception(env, EC_STEP + arm_cpu(env)->el, iss, pc);
}

/* -- memory -------------------------------------------------------------------------------- */

static uint32_t fault_status(const MemFault *f) {
    switch (f->kind) {
    case MEM_FAULT_WALK:
        return f->guest & 0x3f;
    case MEM_FAULT_BUS:
        return ARM_FSC_EXTERNAL;
    case MEM_FAULT_WATCH:
        return ARM_FSC_DEBUG;
    default:
        return ARM_FSC_ALIGNMENT;
    }
}

static void fetch_fault(Env *env, const MemFault *f) {
    ArmCold *cold = arm_cold(env);
    unsigned same = arm_cpu(env)->el;
    if (arm_cpu(env)->mode & ARM_MODE_STEP && !cold->ss) { /* the step is over: its exception comes first */
        arm_step_exception(env, env->pc);
        return;
    }
    cold->stepping = 0;
    cold->far_el1 = f->va;
    if (f->kind == MEM_FAULT_ALIGN) {
        arm_sync_exception(env, EC_PC_ALIGN, 0, env->pc);
    } else if (cold->il) {
        arm_sync_exception(env, EC_ILLEGAL_STATE, 0, env->pc);
    } else {
        arm_sync_exception(env, EC_INSN_ABORT + same, fault_status(f), env->pc);
    }
}

void arm_mem_fault(Env *env, const MemFault *f) {
    enum { WNR = 1 << 6, CM = 1 << 8 };
    ArmCold *cold = arm_cold(env);
    unsigned same = arm_cpu(env)->el;
    if (f->access == MEM_FETCH && f->kind != MEM_FAULT_STACK) {
        fetch_fault(env, f);
        return;
    }
    if (f->kind == MEM_FAULT_STACK) {
        arm_sync_exception(env, EC_SP_ALIGN, 0, arm_insn_pc(env));
        return;
    }
    uint32_t iss = fault_status(f);
    iss |= f->access == MEM_WRITE || f->check_only ? WNR : 0;
    iss |= f->check_only ? CM : 0;
    cold->far_el1 = f->va;
    arm_sync_exception(env, (f->kind == MEM_FAULT_WATCH ? EC_WATCH : EC_DATA_ABORT) + same, iss, arm_insn_pc(env));
}

/* -- interrupts -------------------------------------------------------------------------------- */

/* Bits of PSTATE.DAIF's layout that are pending and not masked. */
static uint32_t pending(const Env *env) {
    const ArmCpu *cpu = arm_cpu_const(env);
    uint32_t lines = __atomic_load_n(&cpu->cold->lines, __ATOMIC_SEQ_CST);
    uint32_t bits = (lines & 1u << CPU_LINE_IRQ ? DAIF_I : 0) | (lines & 1u << CPU_LINE_FIQ ? DAIF_F : 0);
    return bits & ~cpu->daif;
}

bool arm_deliverable(const Env *env) {
    return pending(env) != 0;
}

void arm_take_interrupt(Env *env) {
    ArmCold *cold = arm_cold(env);
    uint32_t bits = pending(env);
    if (!bits) {
        return;
    }
    cold->stepping = 0;
    cold->ports->log(cold->ports->opaque, env, CPU_LOG_INT, "%s from EL%u at %#" PRIx64, bits & DAIF_F ? "FIQ" : "IRQ",
                     arm_cpu(env)->el, env->pc);
    arm_enter(env, bits & DAIF_F ? ARM_VECTOR_FIQ : ARM_VECTOR_IRQ, env->pc);
}

/* -- ERET -------------------------------------------------------------------------------- */

/* M[4:0]: only EL0t, EL1t and EL1h exist. */
static bool return_is_legal(const ArmCpu *cpu, uint64_t spsr) {
    unsigned m = spsr & 0x1f;
    return m == 0 || ((m == 4 || m == 5) && cpu->el == 1);
}

static void exception_return(Env *env, uint64_t target) {
    enum { MDSCR_SS = 1 };
    ArmCpu *cpu = arm_cpu(env);
    ArmCold *cold = cpu->cold;
    uint64_t spsr = cold->spsr_el1;
    bool legal = return_is_legal(cpu, spsr);
    unsigned el = legal ? spsr >> 2 & 3 : cpu->el;
    bool from = arm_debug_enabled(env, cpu->el, cpu->daif & DAIF_D);
    bool to = legal ? arm_debug_enabled(env, el, spsr & DAIF_D) : from;
    cold->stepping = 0;
    cold->ss = cold->mdscr_el1 & MDSCR_SS && !from && to && spsr & SPSR_SS;
    cold->il = !legal || spsr & SPSR_IL;
    arm_set_nzcv(env, spsr);
    cpu->daif = spsr & DAIF_ALL;
    if (arm_has(env, ARM_PAN)) {
        cold->pan = spsr >> 22 & 1;
    }
    if (legal) {
        arm_set_spsel(env, el, spsr & 1);
    }
    env->pc = arm_clean_pc(env, target);
    env->excl_addr = UINT64_MAX;
    arm_update_mode(env);
    arm_poll_interrupts(env);
}

void arm_helper_eret(Env *env) {
    exception_return(env, arm_cold(env)->elr_el1);
}

void arm_helper_ereta(Env *env, uint64_t target) {
    exception_return(env, target);
}

/* -- masks and selectors -------------------------------------------------------------------------------- */

static void set_daif(Env *env, uint32_t daif) {
    ArmCpu *cpu = arm_cpu(env);
    uint32_t changed = cpu->daif ^ daif;
    cpu->daif = daif;
    if (changed & DAIF_D && cpu->mode & ARM_MODE_DEBUG_EL1) {
        arm_update_mode(env);
    }
    arm_poll_interrupts(env);
}

void arm_helper_daif_set(Env *env, uint32_t bits) {
    set_daif(env, arm_cpu(env)->daif | (bits & DAIF_ALL));
}

void arm_helper_daif_clear(Env *env, uint32_t bits) {
    set_daif(env, arm_cpu(env)->daif & ~bits);
}

void arm_helper_daif_write(Env *env, uint64_t value) {
    set_daif(env, value & DAIF_ALL);
}

void arm_helper_spsel(Env *env, uint32_t value) {
    arm_set_spsel(env, arm_cpu(env)->el, value & 1);
    arm_update_mode(env);
}

void arm_helper_pan(Env *env, uint32_t value) {
    arm_cold(env)->pan = value & 1;
    arm_update_mode(env);
}

void arm_helper_dsb(Env *env) {
    const CpuPorts *ports = arm_ports(env);
    if (ports->barrier) {
        ports->barrier(ports->opaque, env);
    }
}

void arm_helper_wfe(Env *env) {
    const CpuPorts *ports = arm_ports(env);
    if (ports->wait_event) {
        ports->wait_event(ports->opaque, env);
    }
}

void arm_helper_sev(Env *env, uint32_t everywhere) {
    const CpuPorts *ports = arm_ports(env);
    if (ports->send_event) {
        ports->send_event(ports->opaque, env, everywhere);
    }
}

void arm_helper_wfx(Env *env, uint32_t is_wfe) {
    enum { NTWI = 1 << 16, NTWE = 1 << 18 };
    if (!(arm_cold(env)->sctlr_el1 & (is_wfe ? NTWE : NTWI))) {
        arm_raise(env, EC_WFX, 1u << 24 | 0xeu << 20 | (is_wfe & 1));
    }
}
