/* SPDX-License-Identifier: MIT */
/*
 * case.h - one insn with the registers before or after it. Files of cases and of results: InsnCase after
 * InsnCase, little-endian.
 */
#ifndef TESTS_INSN_CASE_H
#define TESTS_INSN_CASE_H

#include <stdint.h>

enum { CASE_X = 16 }; /* X0 to X15: the others belong to the harness */

typedef struct InsnCase {
    uint32_t insn;
    uint32_t fpcr, fpsr, nzcv; /* as the system registers hold them */
    uint64_t x[CASE_X];
    uint64_t v[32][2];
} InsnCase;

#endif
