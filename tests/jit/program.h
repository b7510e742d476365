/* SPDX-License-Identifier: MIT */
/*
 * program.h - random valid programs of IR and random states to run them from, the same for the same seed.
 *
 * Programs are made by the builder alone and no choice looks at an id, so that a block made with `optimize` and one
 * made without mean the same. Each insn keeps to the order that restartability wants: what may fault comes first.
 * Missing: regions inside regions; pend, which ir_opt_dead makes of sets.
 */
#ifndef TESTS_JIT_PROGRAM_H
#define TESTS_JIT_PROGRAM_H

#include "tests/jit/guest.h"

typedef struct Random {
    uint64_t state;
} Random;

/* Fills an empty block. */
void program_make(IrBlock *b, uint64_t seed);
/* Slots, memory, pending, FP modes and the monitor. */
void program_state(JitSide *s, uint64_t seed);

#endif
