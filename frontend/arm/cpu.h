/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - the state of an Arm CPU. It lives in Env.guest; IR reaches the parts that have a slot.
 * Spec: Arm DDI 0487, B1 (application level), D1 and D17 (system level, AArch64).
 */
#ifndef FRONTEND_ARM_CPU_H
#define FRONTEND_ARM_CPU_H

#include "frontend/frontend.h"

/* Optional parts of the architecture, as decode-table sections and ID registers name them. */
typedef enum ArmFeature {
    ARM_BASE, /* Armv8.0-A; always there */
    ARM_FP, ARM_ASIMD,
    ARM_AES, ARM_PMULL, ARM_SHA1, ARM_SHA256, ARM_CRC32,
    ARM_LSE, ARM_RDM, ARM_RCPC, ARM_FP16, ARM_DOTPROD, ARM_PAUTH, ARM_PAN,
    ARM_FEATURES
} ArmFeature;

typedef struct ArmCold ArmCold; /* what generated code never touches: system registers, timers, debug; see sysreg.h */

typedef struct ArmCpu {
    uint64_t x[31];
    uint64_t sp;         /* the current stack pointer, whichever SPSel and EL select */
    uint16_t nzcv;       /* IR_FLAG_* */
    uint8_t el;          /* current exception level */
    uint8_t spsel;
    uint32_t daif;       /* D A I F in bits 9..6, as in SPSR */
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    IrVal v[32];
    uint64_t features;   /* bit per ArmFeature */
    uint64_t mode;       /* cached value of Frontend.mode, ARM_MODE_* */
    ArmCold *cold;       /* owned */
} ArmCpu;

static inline ArmCpu *arm_cpu(Env *env) {
    return (ArmCpu *)(void *)env->guest;
}
static inline const ArmCpu *arm_cpu_const(const Env *env) {
    return (const ArmCpu *)(const void *)env->guest;
}
static inline bool arm_has(const Env *env, ArmFeature f) {
    return f == ARM_BASE || (arm_cpu_const(env)->features >> f & 1);
}

/* Slots of the IR. V0.. are v128. */
enum {
    ARM_SLOT_X0 = 0, /* ... X30 = 30 */
    ARM_SLOT_SP = 31,
    ARM_SLOT_NZCV,
    ARM_SLOT_TPIDR_EL0,
    ARM_SLOT_TPIDRRO_EL0,
    ARM_SLOT_TPIDR_EL1,
    ARM_SLOT_V0,     /* ... V31 */
    ARM_SLOT_SP_EL0 = ARM_SLOT_V0 + 32, /* banked: valid while another SP is selected */
    ARM_SLOT_ELR_EL1,
    ARM_SLOT_SPSR_EL1,
    ARM_SLOT_ESR_EL1,
    ARM_SLOT_FAR_EL1,
    ARM_SLOT_CONTEXTIDR_EL1,
    ARM_SLOT_DAIF,
    ARM_SLOTS
};

/* The block key's mode: every bit of state that decoding or generated code depends on. */
enum {
    ARM_MODE_EL = 3,              /* current EL */
    ARM_MODE_FP_TRAP = 1 << 2,    /* FP and SIMD insns trap (CPACR_EL1.FPEN) */
    ARM_MODE_ALIGN = 1 << 3,      /* SCTLR_EL1.A: all data accesses must be aligned */
    ARM_MODE_SP_ALIGN = 1 << 4,   /* SCTLR_EL1.SA / SA0: SP must be 16-byte aligned when used as a base */
    ARM_MODE_STEP = 1 << 5,       /* software step active: blocks of one insn */
    ARM_MODE_BIG = 1 << 6,        /* data accesses are big-endian (SCTLR_EL1.EE / E0E) */
    ARM_MODE_TBI0 = 1 << 7,       /* top byte ignored, lower / upper half: branch targets are cleaned */
    ARM_MODE_TBI1 = 1 << 8,
    ARM_MODE_MMU = 1 << 9,        /* stage 1 translation on */
    ARM_MODE_PAN = 1 << 10,
    ARM_MODE_BREAK = 1 << 11,     /* a hardware breakpoint is enabled: every insn looks */
    ARM_MODE_SPSEL = 1 << 12,
    ARM_MODE_DZE = 1 << 13,       /* EL0: DC ZVA is allowed (SCTLR_EL1.DZE) */
    ARM_MODE_FP_FULL = 1 << 15,   /* FPCR has FZ, DN or AHP set: FP insns are not plain IEEE 754 */
    ARM_MODE_SMP = 1 << 16,       /* there are other CPUs: DSB, WFE and SEV have work to do */
    ARM_MODE_DEBUG_EL1 = 1 << 14, /* EL1: PSTATE.D decides about debug exceptions (MDSCR_EL1.KDE): changing it ends the block */
};

/* Helpers: HELPER(name, ret, args, flags) rows in helper.def give arm_helper_<name> and ARM_HELPER_<name>. */
enum {
#define HELPER(name, ret, args, flags) ARM_HELPER_##name,
#include "frontend/arm/helper.def"
#undef HELPER
    ARM_HELPERS
};

#endif
