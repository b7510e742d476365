/* SPDX-License-Identifier: MIT */
/*
 * rows.h - the rows of the A64 tables, as cover.h wants them.
 */
#ifndef TESTS_INSN_AARCH64_ROWS_H
#define TESTS_INSN_AARCH64_ROWS_H

#include "frontend/arm/disasm.h"
#include "tests/insn/cover.h"

static inline const DecodeRow *rows_find(uint32_t insn) {
    A64Fields f;
    return (const DecodeRow *)a64_find(insn, &f);
}

static inline void rows_cover(Cover *c, const A64Row *row) {
    cover_init(c, (const DecodeRow *)row, rows_find);
}

#endif
