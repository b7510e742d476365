/* SPDX-License-Identifier: MIT */
/*
 * base_run.h - cases of the base table through the decoder, the builder, and the IR interpreter or host code.
 */
#ifndef TESTS_INSN_BASE_RUN_H
#define TESTS_INSN_BASE_RUN_H

#include "frontend/arm/disasm.h"
#include "tests/insn/aarch64/base_case.h"
#include "tests/jit/harness.h"

/* How to run. */
enum {
    BASE_OPTIMIZE = 1, /* the builder folds and forwards, dead code is removed */
    BASE_SLOW = 2,     /* every access goes through the callbacks; of host code: to a device */
    BASE_HOST = 4,     /* by host code; what it gives back is interpreted */
    BASE_WAYS = 8,
};

typedef struct BaseRunner {
    Env *env;
    IrBlock *block;
    IrInterp *interp;
    JitGuest guest[2];
    JitSide *host[2];      /* made when first wanted; the second with a window that is a device */
    unsigned given_back;   /* runs that host code left to the interpreter */
    uint64_t window[BASE_WINDOW / 8];
    unsigned misaligned;   /* SP checks that have failed */
    unsigned out_of_reach; /* checks outside the window, or misaligned where the check forbids it */
    bool slow;
    uint64_t mode; /* for the next run */
} BaseRunner;

/* A CPU that has every feature. */
BaseRunner *base_runner_new(void);
void base_runner_free(BaseRunner *r);
/* Runs the case over r->window as it is, and changes the case to what it is afterwards (memory: hash). False: *why,
 * static, tells what is wrong. */
bool base_run(BaseRunner *r, BaseCase *c, unsigned how, const char **why);

#endif
