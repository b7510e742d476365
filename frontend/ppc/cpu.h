/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - the state of a PowerPC CPU. It lives in Env.guest; IR reaches the parts that have a slot.
 * Spec: Power ISA 2.07B and 3.0B, Book I (user), Book II (storage, timers), Book III (system).
 *
 * A CR field is a byte LT GT EQ SO (8 4 2 1); XER's SO, OV, CA, OV32 and CA32 are a byte each, 0 or 1.
 */
#ifndef FRONTEND_PPC_CPU_H
#define FRONTEND_PPC_CPU_H

#include "frontend/frontend.h"

/* Levels and optional parts of the architecture, as decode-table sections name them. */
typedef enum PpcFeature {
    PPC_BASE,   /* Power ISA 2.07, 64 bits; always there */
    PPC_ISA300, /* Power ISA 3.0 */
    PPC_FEATURES
} PpcFeature;

enum { PPC_LT = 8, PPC_GT = 4, PPC_EQ = 2, PPC_SO = 1 };

typedef struct PpcCold PpcCold; /* what generated code never touches; see spr.h */

/* SPRs whose value is storage: one array, a slot each. X(name, number, access, further members of PpcSpr in spr.h) */
#define PPC_PLAIN_SPRS(X)                                                                                              \
    X(TAR, 815, PPC_U, .facility = PPC_FACILITY_TAR) X(VRSAVE, 256, PPC_U) X(DSCR, 17, PPC_S) X(SRR0, 26, PPC_S)       \
    X(SRR1, 27, PPC_S) X(SPRG0, 272, PPC_S) X(SPRG1, 273, PPC_S) X(SPRG2, 274, PPC_S) X(SPRG3, 275, PPC_S)             \
    X(DAR, 19, PPC_S) X(DSISR, 18, PPC_S) X(AMR, 29, PPC_S, .write = write_amr)                                        \
    X(IAMR, 61, PPC_S, .write = write_iamr) X(UAMOR, 157, PPC_S) X(CFAR, 28, PPC_S)                                    \
    X(FSCR, 153, PPC_S, .write = write_fscr) X(PSPB, 159, PPC_S) X(PPR, 896, PPC_U) X(ACOP, 31, PPC_S)                 \
    X(CTRL, 152, PPC_S) X(MMCR0, 795, PPC_S) X(MMCR1, 798, PPC_S) X(MMCR2, 785, PPC_S) X(MMCRA, 786, PPC_S)            \
    X(PMC1, 787, PPC_S) X(PMC2, 788, PPC_S) X(PMC3, 789, PPC_S) X(PMC4, 790, PPC_S) X(PMC5, 791, PPC_S)                \
    X(PMC6, 792, PPC_S) X(SIAR, 796, PPC_S) X(SDAR, 797, PPC_S) X(SIER, 784, PPC_S)                                    \
    X(EBBHR, 804, PPC_U, .facility = PPC_FACILITY_EBB) X(EBBRR, 805, PPC_U, .facility = PPC_FACILITY_EBB)              \
    X(BESCR, 806, PPC_U, .facility = PPC_FACILITY_EBB) X(WORT, 895, PPC_S) X(DAWR0, 180, PPC_H) X(DAWRX0, 188, PPC_H)  \
    X(CIABR, 187, PPC_H) X(IC, 848, PPC_SR) X(MMCRS, 894, PPC_S) X(SPMC1, 892, PPC_S) X(SPMC2, 893, PPC_S)             \
    X(TIDR, 144, PPC_S, .feature = PPC_ISA300) X(PSSCR, 855, PPC_S, .feature = PPC_ISA300)
enum {
#define X(name, number, access, ...) PPC_PLAIN_##name,
    PPC_PLAIN_SPRS(X)
#undef X
    PPC_SPR_PLAIN
};

typedef struct PpcCpu {
    uint64_t gpr[32];
    uint64_t lr, ctr;
    uint8_t cr[8];
    uint8_t so, ov, ca, ov32, ca32;
    uint8_t xer_count;   /* XER's low byte: length for string insns */
    uint16_t pad;
    uint64_t msr;
    uint64_t fpscr;      /* without what is still to be added: see fp.h */
    uint32_t fp_op;      /* the last insn that tells of its result, PpcFpOp, and its operands; 0: fpscr has it all */
    uint8_t fp_order;    /* outcome of a comparison after that, or 16 and of a test; 0: none */
    uint8_t fp_pad[3];
    uint64_t vscr;
    IrVal fp_a, fp_b, fp_c;
    IrVal vsr[64];       /* doubleword 0 is d[0]; its 64 bits are an FPR, 32 ... 63 are the AltiVec registers */
    uint64_t plain[PPC_SPR_PLAIN];
    uint64_t mode;       /* cached value of Frontend.mode, PPC_MODE_* */
    uint64_t features;   /* bit per PpcFeature; from here on not guest state */
    PpcCold *cold;       /* owned */
} PpcCpu;

static inline PpcCpu *ppc_cpu(Env *env) {
    return (PpcCpu *)(void *)env->guest;
}
static inline const PpcCpu *ppc_cpu_const(const Env *env) {
    return (const PpcCpu *)(const void *)env->guest;
}
static inline bool ppc_has(const Env *env, PpcFeature f) {
    return f == PPC_BASE || (ppc_cpu_const(env)->features >> f & 1);
}

enum {
    PPC_SLOT_GPR = 0, /* ... 31 */
    PPC_SLOT_LR = 32,
    PPC_SLOT_CTR,
    PPC_SLOT_CR, /* ... CR7 */
    PPC_SLOT_SO = PPC_SLOT_CR + 8,
    PPC_SLOT_OV,
    PPC_SLOT_CA,
    PPC_SLOT_OV32,
    PPC_SLOT_CA32,
    PPC_SLOT_XER_COUNT,
    PPC_SLOT_MSR,
    PPC_SLOT_FPSCR,
    PPC_SLOT_VSCR,
    PPC_SLOT_FP_OP,
    PPC_SLOT_FP_ORDER,
    PPC_SLOT_FP_A, PPC_SLOT_FP_B, PPC_SLOT_FP_C,
    PPC_SLOT_VSR, /* ... 63 */
    PPC_SLOT_PLAIN = PPC_SLOT_VSR + 64,
    PPC_SLOTS = PPC_SLOT_PLAIN + PPC_SPR_PLAIN,
};

/* MSR. Numbers are those of shifts, not the manual's. */
#define PPC_MSR_SF (UINT64_C(1) << 63)
#define PPC_MSR_HV (UINT64_C(1) << 60)
enum {
    PPC_MSR_VEC = 1 << 25, PPC_MSR_VSX = 1 << 23, PPC_MSR_EE = 1 << 15, PPC_MSR_PR = 1 << 14, PPC_MSR_FP = 1 << 13,
    PPC_MSR_ME = 1 << 12, PPC_MSR_FE0 = 1 << 11, PPC_MSR_SE = 1 << 10, PPC_MSR_BE = 1 << 9, PPC_MSR_FE1 = 1 << 8,
    PPC_MSR_IR = 1 << 5, PPC_MSR_DR = 1 << 4, PPC_MSR_PMM = 1 << 2, PPC_MSR_RI = 1 << 1, PPC_MSR_LE = 1 << 0,
};
#define PPC_MSR_KEPT                                                                                                   \
    (PPC_MSR_SF | PPC_MSR_VEC | PPC_MSR_VSX | PPC_MSR_EE | PPC_MSR_PR | PPC_MSR_FP | PPC_MSR_ME | PPC_MSR_FE0 |        \
     PPC_MSR_SE | PPC_MSR_BE | PPC_MSR_FE1 | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_PMM | PPC_MSR_RI | PPC_MSR_LE)

/* The block key's mode: every bit of state that decoding or generated code depends on. */
enum {
    PPC_MODE_SF = 1 << 0,   /* 64-bit mode */
    PPC_MODE_LE = 1 << 1,   /* little-endian: insns and data */
    PPC_MODE_PR = 1 << 2,   /* problem state */
    PPC_MODE_IR = 1 << 3,   /* insn and data relocation */
    PPC_MODE_DR = 1 << 4,
    PPC_MODE_FP = 1 << 5,   /* the facilities that are available */
    PPC_MODE_VEC = 1 << 6,
    PPC_MODE_VSX = 1 << 7,
    PPC_MODE_SMP = 1 << 8,  /* there are other CPUs */
    PPC_MODE_SE = 1 << 10,   /* trace insns, branches */
    PPC_MODE_BE = 1 << 11,
    PPC_MODE_DSCR = 1 << 12, /* in problem state: what FSCR makes available */
    PPC_MODE_PM = 1 << 13,
    PPC_MODE_BHRB = 1 << 14,
    PPC_MODE_EBB = 1 << 15,
    PPC_MODE_TAR = 1 << 16,
    PPC_MODE_CIABR = 1 << 17, /* a breakpoint is on in this state */
    PPC_MODE_FP_FULL = 1 << 9, /* floating-point exceptions are enabled: insns are done in C */
};

enum {
#define HELPER(name, ret, args, flags) PPC_HELPER_##name,
#include "frontend/ppc/helper.def"
#undef HELPER
    PPC_HELPERS
};

#endif
