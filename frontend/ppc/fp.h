/* SPDX-License-Identifier: MIT */
/*
 * fp.h - floating point of PowerPC: FPSCR, and what an insn computes, as a word.
 *
 * Generated code leaves FPSCR alone: exceptions gather in env.fp.flags, and what the last insn says about its result is
 * kept as the insn and its operands (PpcCpu.fp_*), to be found out when somebody asks.
 * Spec: Power ISA 3.0B Book I, 4.2 (registers), 4.4 (exceptions).
 */
#ifndef FRONTEND_PPC_FP_H
#define FRONTEND_PPC_FP_H

#include "frontend/ppc/cpu.h"

/* FPSCR by shifts, not the manual's numbers. */
enum {
    PPC_FPSCR_FX = 31, PPC_FPSCR_FEX = 30, PPC_FPSCR_VX = 29, PPC_FPSCR_OX = 28, PPC_FPSCR_UX = 27, PPC_FPSCR_ZX = 26,
    PPC_FPSCR_XX = 25, PPC_FPSCR_VXSNAN = 24, PPC_FPSCR_VXISI = 23, PPC_FPSCR_VXIDI = 22, PPC_FPSCR_VXZDZ = 21,
    PPC_FPSCR_VXIMZ = 20, PPC_FPSCR_VXVC = 19, PPC_FPSCR_FR = 18, PPC_FPSCR_FI = 17, PPC_FPSCR_FPRF = 12, PPC_FPSCR_VXSOFT = 10,
    PPC_FPSCR_VXSQRT = 9, PPC_FPSCR_VXCVI = 8, PPC_FPSCR_VE = 7, PPC_FPSCR_OE = 6, PPC_FPSCR_UE = 5, PPC_FPSCR_ZE = 4,
    PPC_FPSCR_XE = 3, PPC_FPSCR_NI = 2, PPC_FPSCR_RN = 0, PPC_FPSCR_DRN = 32,
};
#define PPC_FPSCR_VX_ALL UINT64_C(0x01f80700)
#define PPC_FPSCR_ENABLES UINT64_C(0xf8)
#define PPC_FPSCR_STICKY (UINT64_C(0x1e000000) | PPC_FPSCR_VX_ALL)
#define PPC_FPSCR_ALL UINT64_C(0x7fffff7ff)
/* In the mask of what is written: FX is set if an exception bit was not. */
#define PPC_FPSCR_NEW (UINT64_C(1) << 63)

/* What a scalar insn, or one lane of a vector, computes of a, b and c. */
typedef enum PpcFpKind {
    PPC_FP_NONE, PPC_FP_ADD, PPC_FP_SUB, PPC_FP_MUL, PPC_FP_DIV, PPC_FP_SQRT,
    PPC_FP_MADD,   /* a * c + b */
    PPC_FP_ROUND,  /* b to single precision */
    PPC_FP_RINT,   /* b to integral */
    PPC_FP_TO_INT, /* b to an integer */
    PPC_FP_FROM_INT,
    PPC_FP_RE, PPC_FP_RSQRTE, PPC_FP_MAX, PPC_FP_MIN,
    PPC_FP_CMP_EQ, PPC_FP_CMP_GT, PPC_FP_CMP_GE, /* all ones where it holds */
    PPC_FP_MAX_C, PPC_FP_MIN_C, PPC_FP_MAX_J, PPC_FP_MIN_J, /* as conditional expressions of C and Math.max of Java */
    PPC_FP_FROM_HALF, PPC_FP_TO_HALF,
    PPC_FP_EXP2, PPC_FP_LOG2, PPC_FP_CMP_BOUNDS, /* AltiVec alone */
    PPC_FP_KIND = 0x1f,
    PPC_FP_SINGLE = 1 << 5,      /* scalars: the result has single precision. Lanes: are singles */
    PPC_FP_NEG_ADDEND = 1 << 6,
    PPC_FP_NEG_RESULT = 1 << 7,
    PPC_FP_MODE_SHIFT = 8,       /* three bits: FpRound, or PPC_FP_MODE_RN: as FPSCR says */
    PPC_FP_MODE_RN = 7,
    PPC_FP_UNSIGNED = 1 << 11,
    PPC_FP_WORD = 1 << 12,       /* integers of 32 bits */
    PPC_FP_EXACT = 1 << 13,      /* RINT may be inexact */
    PPC_FP_RC = 1 << 14,         /* CR1 = FX FEX VX OX; vectors: CR6 */
    PPC_FP_CLASS_KEPT = 1 << 15, /* FPRF is not changed */
    PPC_FP_SPLAT = 1 << 16,      /* a word result stands in both halves of the doubleword */
    PPC_FP_FRESH = 1 << 17,      /* FR and FI become 0 */
    PPC_FP_FROM_SHIFT = 18,      /* where operands stand, and results: PPC_FP_DOUBLES ... */
    PPC_FP_TO_SHIFT = 20,
    PPC_FP_OP_BITS = (1 << 22) - 1,
} PpcFpOp;
enum { PPC_FP_DOUBLES, PPC_FP_WORDS, PPC_FP_UPPER_WORDS }; /* elements: doublewords, words, the first word of each doubleword */
#define PPC_FP_FROM(elements) ((elements) << PPC_FP_FROM_SHIFT)
#define PPC_FP_TO(elements) ((elements) << PPC_FP_TO_SHIFT)
#define PPC_FP_SINGLES (PPC_FP_SINGLE | PPC_FP_FROM(PPC_FP_WORDS) | PPC_FP_TO(PPC_FP_WORDS))
enum {
    PPC_FP_TIES_AWAY = FP_RNA << PPC_FP_MODE_SHIFT, PPC_FP_UP = FP_RUP << PPC_FP_MODE_SHIFT, PPC_FP_DOWN = FP_RDN << PPC_FP_MODE_SHIFT,
};
/* What insns that read FPSCR do to it besides. */
enum { PPC_FPSCR_CLEAR_ENABLES, PPC_FPSCR_LIGHT, PPC_FPSCR_SET_DRN, PPC_FPSCR_SET_DRNI, PPC_FPSCR_SET_RN, PPC_FPSCR_SET_RNI };
enum { PPC_FP_TO_ZERO = FP_RTZ << PPC_FP_MODE_SHIFT, PPC_FP_CURRENT = PPC_FP_MODE_RN << PPC_FP_MODE_SHIFT };

/* FPSCR as a reader sees it; nothing changes. */
uint64_t ppc_fpscr(const Env *env);
/* FPSCR = value, but for FEX and VX, which follow; with the rounding and the mode that it asks for. */
void ppc_set_fpscr(Env *env, uint64_t value);
/* FPSCR changes: exceptions, or control. Raises where that enables one: FEX and MSR[FE0] or [FE1]. */
void ppc_fp_raise(Env *env);

/* For insns computed outside fp_helper.c: FPSCR is brought up to date; its modes and traps. */
FpStatus ppc_fp_begin(Env *env);
/* The outcome's exceptions, FI, FR and FPRF go to FPSCR. False: an enabled exception keeps the result from being written.
 * ppc_fp_raise is to follow. */
bool ppc_fp_conclude(Env *env, const FpStatus *s, unsigned fprf);
enum { PPC_FPRF_KEPT = 32 };
/* CR field and FPCC = the order, with exceptions and what they raise. */
void ppc_fp_set_order(Env *env, unsigned field, FpOrder order, FpStatus *s);

#endif
