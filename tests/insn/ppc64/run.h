/* SPDX-License-Identifier: MIT */
/*
 * run.h - cases of the PowerPC tables through the decoder, the builder, and the IR interpreter or host code.
 */
#ifndef TESTS_INSN_PPC64_RUN_H
#define TESTS_INSN_PPC64_RUN_H

#include "frontend/ppc/disasm.h"
#include "tests/insn/cover.h"
#include "tests/insn/ppc64/case.h"
#include "tests/jit/harness.h"

/* How to run. */
enum {
    PPC_OPTIMIZE = 1, /* the builder folds and forwards, dead code is removed */
    PPC_SLOW = 2,     /* every access goes through the callbacks; of host code: to a device */
    PPC_HOST = 4,     /* by host code; what it gives back is interpreted */
    PPC_WAYS = 8,
};

typedef struct PpcRunner {
    Env *env;
    IrBlock *block;
    IrInterp *interp;
    JitGuest guest[2];
    JitSide *host[2];    /* made when first wanted; the second with a window that is a device */
    unsigned given_back; /* runs that host code left to the interpreter */
    uint64_t window[BASE_WINDOW / 8];
    bool slow, faulted;
    uint64_t mode;       /* beside the byte order; 0: a user's, of 64 bits */
} PpcRunner;

/* A CPU of that model. */
PpcRunner *ppc_runner_new(const char *model);
void ppc_runner_free(PpcRunner *r);
/* The window as a case finds it. */
void ppc_fill(PpcRunner *r, const PpcCase *c);
/* Runs the case over r->window as it is, and changes the case to what it is afterwards (memory: hash). False: *why,
 * static, tells what is wrong. */
bool ppc_run(PpcRunner *r, PpcCase *c, unsigned how, const char **why);
/* Clears what the architecture leaves undefined after the last insn of a case. */
void ppc_settle(const PpcCase *before, PpcCase *after);

/* The same of floating-point insns; in fp_case.c, like: is the row one of them? Operands and FPSCR for such a case. */
void ppc_settle_fp(const PpcCase *before, PpcCase *after);
bool ppc_is_fp(const PpcRow *row);
void ppc_fill_fp(uint64_t *seed, PpcCase *c);
/* Of those the decimal ones, in dfp_case.c. */
bool ppc_is_dfp(const PpcRow *row);
void ppc_fill_dfp(uint64_t *seed, PpcCase *c);
void ppc_settle_dfp(const PpcCase *before, PpcCase *after, const PpcRow *row);

static inline const DecodeRow *ppc_rows_find(uint32_t insn) {
    PpcFields f;
    return (const DecodeRow *)ppc_find(insn, &f);
}

#endif
