/* SPDX-License-Identifier: MIT */
/*
 * run.h - one insn of A64 through the decoder, the builder, and the IR interpreter or host code.
 */
#ifndef TESTS_INSN_RUN_H
#define TESTS_INSN_RUN_H

#include "frontend/arm/trans.h"
#include "tests/insn/aarch64/case.h"

typedef struct InsnRunner InsnRunner;

/* A CPU that has every feature. */
InsnRunner *insn_runner_new(void);
void insn_runner_free(InsnRunner *r);
/* How to run: the builder folds and forwards; by host code. */
enum { INSN_OPTIMIZE = 1, INSN_HOST = 2, INSN_WAYS = 4 };
/* Runs the case, and changes it to what it is afterwards. False, with a static sentence in *why: the insn is
 * unallocated, its IR is refused, or host code does not run it to its end. */
bool insn_run(InsnRunner *r, InsnCase *c, unsigned how, const char **why);
/* The row of insn, or NULL. */
const A64Row *insn_row(uint32_t insn, A64Fields *f);

#endif
