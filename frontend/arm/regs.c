/* SPDX-License-Identifier: MIT */
/*
 * regs.c - the registers of an Arm CPU as debuggers see them, read and written without side effects.
 * Spec: Debugging with GDB, appendix G.5.1 (AArch64 features); Arm DDI 0487, D13 (system registers).
 * Missing: a debugger cannot change the exception level; system registers of features that a CPU lacks read as zero.
 */
#include <string.h>

#include "frontend/arm/sysreg.h"

static void peek_x(const Env *env, unsigned n, IrVal *v) {
    v->u64 = n == 31 ? arm_cpu_const(env)->sp : arm_cpu_const(env)->x[n];
}

static void poke_x(Env *env, unsigned n, const IrVal *v) {
    *(n == 31 ? &arm_cpu(env)->sp : &arm_cpu(env)->x[n]) = v->u64;
}

static void peek_pc(const Env *env, unsigned n, IrVal *v) {
    v->u64 = env->pc;
}

static void poke_pc(Env *env, unsigned n, const IrVal *v) {
    env->pc = v->u64;
}

static void peek_cpsr(const Env *env, unsigned n, IrVal *v) {
    v->u64 = arm_pstate(env);
}

/* A debugger may change the flags and the masks, not the exception level. */
static void poke_cpsr(Env *env, unsigned n, const IrVal *v) {
    arm_set_nzcv(env, v->u64);
    arm_cpu(env)->daif = v->u32 & 0x3c0;
    arm_update_mode(env);
    arm_poll_interrupts(env);
}

static void peek_v(const Env *env, unsigned n, IrVal *v) {
    *v = arm_cpu_const(env)->v[n];
}

static void poke_v(Env *env, unsigned n, const IrVal *v) {
    arm_cpu(env)->v[n] = *v;
}

static void peek_fp(const Env *env, unsigned control, IrVal *v) {
    v->u64 = control ? arm_fpcr(env) : arm_fpsr(env);
}

static void poke_fp(Env *env, unsigned control, const IrVal *v) {
    if (control) {
        arm_set_fpcr(env, v->u64);
        arm_update_mode(env);
    } else {
        arm_set_fpsr(env, v->u64);
    }
}

/* -- system registers -- */

/* Name and encoding; in rows of their kind: those that may be written, those that may not. */
#define WRITABLE(X)                                                                                                   \
    X(SCTLR_EL1, 0, 1, 0, 0) X(CPACR_EL1, 0, 1, 0, 2) X(TTBR0_EL1, 0, 2, 0, 0) X(TTBR1_EL1, 0, 2, 0, 1)                  \
    X(TCR_EL1, 0, 2, 0, 2) X(SPSR_EL1, 0, 4, 0, 0) X(ELR_EL1, 0, 4, 0, 1) X(SP_EL0, 0, 4, 1, 0)                          \
    X(ESR_EL1, 0, 5, 2, 0) X(FAR_EL1, 0, 6, 0, 0) X(PAR_EL1, 0, 7, 4, 0) X(MAIR_EL1, 0, 10, 2, 0)                        \
    X(VBAR_EL1, 0, 12, 0, 0) X(CONTEXTIDR_EL1, 0, 13, 0, 1) X(TPIDR_EL1, 0, 13, 0, 4) X(TPIDR_EL0, 3, 13, 0, 2)          \
    X(TPIDRRO_EL0, 3, 13, 0, 3)
#define READABLE(X)                                                                                                   \
    X(MIDR_EL1, 0, 0, 0, 0) X(MPIDR_EL1, 0, 0, 0, 5) X(CurrentEL, 0, 4, 2, 2) X(DAIF, 3, 4, 2, 1) X(SPSel, 0, 4, 2, 0)   \
    X(ISR_EL1, 0, 12, 1, 0) X(CNTKCTL_EL1, 0, 14, 1, 0) X(CNTFRQ_EL0, 3, 14, 0, 0) X(CNTV_CTL_EL0, 3, 14, 3, 1)          \
    X(CNTV_CVAL_EL0, 3, 14, 3, 2) X(CNTP_CTL_EL0, 3, 14, 2, 1) X(CNTP_CVAL_EL0, 3, 14, 2, 2) X(MDSCR_EL1, 2, 0, 2, 2)    \
    X(ID_AA64PFR0_EL1, 0, 0, 4, 0) X(ID_AA64ISAR0_EL1, 0, 0, 6, 0) X(ID_AA64ISAR1_EL1, 0, 0, 6, 1)                       \
    X(ID_AA64MMFR0_EL1, 0, 0, 7, 0) X(ID_AA64MMFR1_EL1, 0, 0, 7, 1)

enum { DEBUG_SPACE = 2 }; /* op1 column: MDSCR_EL1 is the one of op0 = 2 */
#define CODE(op1, crn, crm, op2) \
    ((op1) == DEBUG_SPACE ? ARM_SR(2, 0, crn, crm, op2) : ARM_SR(3, op1, crn, crm, op2))

static const ArmSysreg *row_of(const Env *env, unsigned code) {
    int index = arm_sysreg_find(env, code);
    return index < 0 ? NULL : arm_cold_const(env)->rows[index];
}

/* SP_EL0 in use is the current stack pointer. */
static bool is_current_sp(const Env *env, const ArmSysreg *row) {
    const ArmCpu *cpu = arm_cpu_const(env);
    return row->slot == ARM_SLOT_SP_EL0 && (cpu->el == 0 || !cpu->spsel);
}

static void peek_system(const Env *env, unsigned code, IrVal *v) {
    const ArmSysreg *row = row_of(env, code);
    if (!row) {
        v->u64 = 0;
    } else if (is_current_sp(env, row)) {
        v->u64 = arm_cpu_const(env)->sp;
    } else if (row->slot) {
        memcpy(&v->u64, (const char *)env + frontend_arm.slots[row->slot].offset, 8);
    } else {
        v->u64 = arm_sysreg_peek((Env *)(uintptr_t)env, row);
    }
}

static void poke_system(Env *env, unsigned code, const IrVal *v) {
    const ArmSysreg *row = row_of(env, code);
    if (row && is_current_sp(env, row)) {
        arm_cpu(env)->sp = v->u64;
    } else if (row && row->slot) {
        uint64_t value = row->mask ? v->u64 & row->mask : v->u64;
        memcpy((char *)env + frontend_arm.slots[row->slot].offset, &value, 8);
    } else if (row) {
        arm_helper_sysreg_write(env, (uint32_t)arm_sysreg_find(env, code), v->u64);
    }
}

/* -- the table -- */

#define CORE "org.gnu.gdb.aarch64.core"
#define FPU "org.gnu.gdb.aarch64.fpu"
#define SYSTEM "org.yado.aarch64.sysregs"
#define RX(n) {"x" #n, CORE, 64, peek_x, poke_x, n}
#define RV(n) {"v" #n, FPU, 128, peek_v, poke_v, n}
#define RW(name, op1, crn, crm, op2) {#name, SYSTEM, 64, peek_system, poke_system, CODE(op1, crn, crm, op2)},
#define RO(name, op1, crn, crm, op2) {#name, SYSTEM, 64, peek_system, NULL, CODE(op1, crn, crm, op2)},
#define ONE(name, op1, crn, crm, op2) +1

_Static_assert(ARM_DEBUG_REGS == 34 + 34 WRITABLE(ONE) READABLE(ONE), "count the registers");

const CpuReg arm_debug_reg_table[ARM_DEBUG_REGS] = {
    RX(0), RX(1), RX(2), RX(3), RX(4), RX(5), RX(6), RX(7),
    RX(8), RX(9), RX(10), RX(11), RX(12), RX(13), RX(14), RX(15),
    RX(16), RX(17), RX(18), RX(19), RX(20), RX(21), RX(22), RX(23),
    RX(24), RX(25), RX(26), RX(27), RX(28), RX(29), RX(30),
    {"sp", CORE, 64, peek_x, poke_x, 31},
    {"pc", CORE, 64, peek_pc, poke_pc, 0},
    {"cpsr", CORE, 32, peek_cpsr, poke_cpsr, 0},
    RV(0), RV(1), RV(2), RV(3), RV(4), RV(5), RV(6), RV(7),
    RV(8), RV(9), RV(10), RV(11), RV(12), RV(13), RV(14), RV(15),
    RV(16), RV(17), RV(18), RV(19), RV(20), RV(21), RV(22), RV(23),
    RV(24), RV(25), RV(26), RV(27), RV(28), RV(29), RV(30), RV(31),
    {"fpsr", FPU, 32, peek_fp, poke_fp, 0},
    {"fpcr", FPU, 32, peek_fp, poke_fp, 1},
    WRITABLE(RW) READABLE(RO)
};
