/* SPDX-License-Identifier: MIT */
/*
 * trans_fp.h - what the trans_fp*.c files of PowerPC share. Registers are VSX's numbers: an FPR is its own.
 */
#ifndef FRONTEND_PPC_TRANS_FP_H
#define FRONTEND_PPC_TRANS_FP_H

#include "frontend/ppc/fp.h"
#include "frontend/ppc/trans_vec.h"

typedef struct PpcFpRegs {
    unsigned t, a, b, c;
} PpcFpRegs;

/* The scalar of a register, f64. Setting it clears the other doubleword. */
uint32_t ppc_get_f(Trans *t, unsigned r);
void ppc_set_f(Trans *t, unsigned r, uint32_t v);
/* t = op of a, b and c (PpcFpOp), with FPSCR. */
void ppc_fp_op(Trans *t, unsigned op, PpcFpRegs r);
/* CR field and FPCC = the order of a and b; ordered: a quiet NaN is invalid. */
void ppc_fp_compare(Trans *t, unsigned field, unsigned a, unsigned b, unsigned ordered);
/* CR field of ftdiv (how 0) or ftsqrt (1). */
void ppc_fp_tested(Trans *t, unsigned field, unsigned a, unsigned b, unsigned how);
/* An f64 with its sign changed: PPC_SIGN_*. */
uint32_t ppc_fp_signed(Trans *t, uint32_t v, unsigned how);
/* b (an i64) with the sign of a. */
uint32_t ppc_fp_copied_sign(Trans *t, unsigned a, unsigned b);

#endif
