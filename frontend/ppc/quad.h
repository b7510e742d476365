/* SPDX-License-Identifier: MIT */
/*
 * quad.h - what an insn of quad precision computes, as a word.
 */
#ifndef FRONTEND_PPC_QUAD_H
#define FRONTEND_PPC_QUAD_H

#include "frontend/ppc/fp.h"

typedef enum PpcQuadOp {
    PPC_QUAD_ADD, PPC_QUAD_SUB, PPC_QUAD_MUL, PPC_QUAD_DIV, PPC_QUAD_SQRT,
    PPC_QUAD_MADD,        /* a * b + t */
    PPC_QUAD_FROM_DOUBLE, /* b, like the next */
    PPC_QUAD_TO_DOUBLE,
    PPC_QUAD_FROM_INT, PPC_QUAD_TO_INT, /* towards zero */
    PPC_QUAD_RINT,        /* to integral */
    PPC_QUAD_EXTENDED,    /* to 64 bits of precision */
    PPC_QUAD_KIND = 0xf,
    PPC_QUAD_NEG_ADDEND = 1 << 4,
    PPC_QUAD_NEG_RESULT = 1 << 5,
    PPC_QUAD_UNSIGNED = 1 << 6,
    PPC_QUAD_WORD = 1 << 7,   /* integers of 32 bits */
    PPC_QUAD_EXACT = 1 << 8,  /* RINT may be inexact */
    PPC_QUAD_MODE_SHIFT = 9,  /* three bits: FpRound, or as FPSCR says */
    PPC_QUAD_MODE_RN = 7,
} PpcQuadOp;

#endif
