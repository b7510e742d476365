/* SPDX-License-Identifier: MIT */
/*
 * case.h - up to two PowerPC insns with the registers before or after them, and memory to work on.
 * Files of cases and of results: PpcCase after PpcCase, little-endian.
 */
#ifndef TESTS_INSN_PPC64_CASE_H
#define TESTS_INSN_PPC64_CASE_H

#include <stdint.h>

#include "tests/insn/aarch64/base_case.h" /* the window: how it is filled and hashed */

enum { PPC_INSNS = 3, PPC_WORDS = PPC_INSNS + 3 };
#define PPC_ADDRESS UINT64_C(0x20000000)

/* How the insns were left: behind the last or by a branch, by a trap, by an alignment interrupt, by a floating-point
 * exception. */
enum { PPC_WENT_ON, PPC_TRAPPED, PPC_MISALIGNED, PPC_FP_RAISED };

typedef struct PpcCase {
    uint32_t count, insn[PPC_INSNS], big, end; /* PPC_WORDS of them; big: the byte order */
    uint64_t seed;
    uint64_t gpr[32];
    uint64_t lr, ctr, xer, cr;
    uint64_t vscr;       /* SAT alone */
    uint64_t vsr[64][2]; /* by doubleword, the first as insns count them */
    uint64_t pc;     /* of the first insn: the start of a page; after: where the last one leads, or its own */
    uint64_t memory; /* after: hash of the window */
    uint64_t fpscr;  /* before: 0; a case that wants another begins with mtfsf */
} PpcCase;

#endif
