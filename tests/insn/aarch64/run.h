/* SPDX-License-Identifier: MIT */
/*
 * run.h - one insn of A64 through the decoder, the builder and the IR interpreter.
 */
#ifndef TESTS_INSN_RUN_H
#define TESTS_INSN_RUN_H

#include "frontend/arm/trans.h"
#include "tests/insn/aarch64/case.h"

typedef struct InsnRunner InsnRunner;

/* A CPU that has every feature. */
InsnRunner *insn_runner_new(void);
void insn_runner_free(InsnRunner *r);
/* Runs the case, and changes it to what it is afterwards. optimize: the builder folds and forwards. False, with a
 * static sentence in *why: the insn is unallocated or its IR is refused. */
bool insn_run(InsnRunner *r, InsnCase *c, bool optimize, const char **why);
/* The row of insn, or NULL. */
const A64Row *insn_row(uint32_t insn, A64Fields *f);

#endif
