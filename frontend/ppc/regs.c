/* SPDX-License-Identifier: MIT */
/*
 * regs.c - the registers of a PowerPC CPU as debuggers see them, read and written without side effects.
 * Spec: Debugging with GDB, appendix G.5.11 (PowerPC features).
 */
#include "frontend/ppc/fp.h"
#include "frontend/ppc/spr.h"

static void peek_r(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_cpu_const(env)->gpr[n];
}
static void poke_r(Env *env, unsigned n, const IrVal *v) {
    ppc_cpu(env)->gpr[n] = v->u64;
}

static void peek_pc(const Env *env, unsigned n, IrVal *v) {
    v->u64 = env->pc;
}
static void poke_pc(Env *env, unsigned n, const IrVal *v) {
    env->pc = v->u64 & ~UINT64_C(3);
}

static void peek_msr(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_cpu_const(env)->msr;
}
static void poke_msr(Env *env, unsigned n, const IrVal *v) {
    ppc_set_msr(env, v->u64);
    ppc_poll_interrupts(env);
}

static void peek_cr(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_cr(env);
}
static void poke_cr(Env *env, unsigned n, const IrVal *v) {
    ppc_set_cr_word(env, v->u32);
}

static void peek_lr(const Env *env, unsigned ctr, IrVal *v) {
    v->u64 = ctr ? ppc_cpu_const(env)->ctr : ppc_cpu_const(env)->lr;
}
static void poke_lr(Env *env, unsigned ctr, const IrVal *v) {
    *(ctr ? &ppc_cpu(env)->ctr : &ppc_cpu(env)->lr) = v->u64;
}

static void peek_xer(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_xer(env);
}
static void poke_xer(Env *env, unsigned n, const IrVal *v) {
    ppc_set_xer(env, v->u64);
}

static void peek_plain(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_cpu_const(env)->plain[n];
}
static void poke_plain(Env *env, unsigned n, const IrVal *v) {
    ppc_cpu(env)->plain[n] = v->u64;
}

/* Doubleword `half` of VSR n. */
static void peek_half(const Env *env, unsigned arg, IrVal *v) {
    v->u64 = ppc_cpu_const(env)->vsr[arg & 63].d[arg >> 6];
}
static void poke_half(Env *env, unsigned arg, const IrVal *v) {
    ppc_cpu(env)->vsr[arg & 63].d[arg >> 6] = v->u64;
}

/* As a number of 128 bits: the less significant half first. */
static void peek_vector(const Env *env, unsigned n, IrVal *v) {
    v->d[0] = ppc_cpu_const(env)->vsr[n].d[1];
    v->d[1] = ppc_cpu_const(env)->vsr[n].d[0];
}
static void poke_vector(Env *env, unsigned n, const IrVal *v) {
    ppc_cpu(env)->vsr[n].d[1] = v->d[0];
    ppc_cpu(env)->vsr[n].d[0] = v->d[1];
}

static void peek_fpscr(const Env *env, unsigned n, IrVal *v) {
    v->u64 = ppc_fpscr(env);
}
static void poke_fpscr(Env *env, unsigned n, const IrVal *v) {
    ppc_set_fpscr(env, v->u32);
}

static void peek_vrsave(const Env *env, unsigned n, IrVal *v) {
    v->u64 = (uint32_t)ppc_cpu_const(env)->plain[PPC_PLAIN_VRSAVE];
}
static void poke_vrsave(Env *env, unsigned n, const IrVal *v) {
    ppc_cpu(env)->plain[PPC_PLAIN_VRSAVE] = v->u32;
}

enum { VSCR_NJ = 1 << 16, VSCR_SAT = 1 };
static void peek_vscr(const Env *env, unsigned n, IrVal *v) {
    v->u64 = (ppc_cpu_const(env)->vscr & VSCR_NJ) | (env->qc ? VSCR_SAT : 0);
}
static void poke_vscr(Env *env, unsigned n, const IrVal *v) {
    ppc_cpu(env)->vscr = v->u32 & VSCR_NJ;
    env->qc = v->u32 & VSCR_SAT;
}

#define CORE "org.gnu.gdb.power.core"
#define FPU "org.gnu.gdb.power.fpu"
#define ALTIVEC "org.gnu.gdb.power.altivec"
#define VSX "org.gnu.gdb.power.vsx"
#define SYSTEM "org.yado.power.sprs"
#define F(n) {"f" #n, FPU, 64, peek_half, poke_half, n}
#define V(n) {"vr" #n, ALTIVEC, 128, peek_vector, poke_vector, 32 + (n)}
#define H(n) {"vs" #n "h", VSX, 64, peek_half, poke_half, 64 | (n)}
#define ALL(R)                                                                                                         \
    R(0), R(1), R(2), R(3), R(4), R(5), R(6), R(7), R(8), R(9), R(10), R(11), R(12), R(13), R(14), R(15), R(16), R(17),  \
        R(18), R(19), R(20), R(21), R(22), R(23), R(24), R(25), R(26), R(27), R(28), R(29), R(30), R(31)
#define R(n) {"r" #n, CORE, 64, peek_r, poke_r, n}
#define PLAIN(name, number, access, ...) {#name, SYSTEM, 64, peek_plain, poke_plain, PPC_PLAIN_##name},

const CpuReg ppc_debug_regs[PPC_DEBUG_REGS] = {
    ALL(R),
    {"pc", CORE, 64, peek_pc, poke_pc, 0},
    {"msr", CORE, 64, peek_msr, poke_msr, 0},
    {"cr", CORE, 32, peek_cr, poke_cr, 0},
    {"lr", CORE, 64, peek_lr, poke_lr, 0},
    {"ctr", CORE, 64, peek_lr, poke_lr, 1},
    {"xer", CORE, 32, peek_xer, poke_xer, 0},
    ALL(F),
    {"fpscr", FPU, 32, peek_fpscr, poke_fpscr, 0},
    ALL(V),
    {"vscr", ALTIVEC, 32, peek_vscr, poke_vscr, 0},
    {"vrsave", ALTIVEC, 32, peek_vrsave, poke_vrsave, 0},
    ALL(H),
    PPC_PLAIN_SPRS(PLAIN)
};
