/* SPDX-License-Identifier: MIT */
/*
 * disasm.h - printing A64 insns from the templates of the decode tables.
 * A template's {kind a b} calls a64_fmt_<kind>(p, f, a, b); integer kinds are in disasm.c, vector kinds in disasm_simd.c.
 */
#ifndef FRONTEND_ARM_DISASM_H
#define FRONTEND_ARM_DISASM_H

#include "frontend/arm/trans.h"

struct A64Print {
    GString *out; /* borrowed */
    uint64_t pc;
    uint32_t insn;
};

/* Text of one insn in the assembler's syntax; `.inst` for an unallocated word. Returns 4, or 0 when avail < 4.
 * Insns are little-endian in every mode. */
unsigned a64_disasm(const uint8_t *bytes, unsigned avail, uint64_t pc, uint64_t mode, GString *out);

/* Of ORR (immediate): could MOVZ or MOVN give its value? Then it is not written as `mov`. */
bool a64_move_wide(const A64Fields *f);

#endif
