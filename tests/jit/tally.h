/* SPDX-License-Identifier: MIT */
/*
 * tally.h - how often the random programs have executed what: each op, and scenes that no list of ops shows. Counted are
 * runs in which host code and interpreter agreed.
 */
#ifndef TESTS_JIT_TALLY_H
#define TESTS_JIT_TALLY_H

#include "tests/jit/guest.h"

/* Name and meaning; each must be seen as often as an op. */
#define TALLY_SCENES(X)                                                                                                \
    X(READ_UNMAPPED, "check of a read: nothing there")                                                                 \
    X(WRITE_UNMAPPED, "check of a write: nothing there")                                                               \
    X(RW_UNMAPPED, "check for an atomic: nothing there")                                                               \
    X(WRITE_READ_ONLY, "check of a write: read-only page")                                                             \
    X(RW_READ_ONLY, "check for an atomic: read-only page")                                                             \
    X(CHECK_MISALIGNED, "check: misaligned")                                                                           \
    X(CHECK_SECOND_PAGE, "check: only the second page refuses")                                                        \
    X(CHECK_UNPRIVILEGED, "check as the unprivileged level, refused")                                                  \
    X(LD_REFUSED, "a device refuses a load")                                                                           \
    X(ST_REFUSED, "a device refuses a store")                                                                          \
    X(HELPER_RAISES, "a helper that may fault raises")                                                                 \
    X(HELPER_SYNC_RAISES, "a helper that may fault and synchronise raises")                                            \
    X(PEND_SEEN, "an insn leaves early while a set is pending")                                                                         \
    X(SP_GIVEN_BACK, "`aligned` refuses: host code gives the insn to the interpreter")                                  \
    X(ACCESS_GIVEN_BACK, "an access is not simple: host code gives the insn to the interpreter")                       \
    X(LD_CROSSES, "load across pages")                                                                                 \
    X(ST_CROSSES, "store across pages")                                                                                \
    X(LD_DEVICE, "load from a device")                                                                                 \
    X(ST_DEVICE, "store to a device")                                                                                  \
    X(LD_BIG, "big-endian load")                                                                                       \
    X(ST_BIG, "big-endian store")                                                                                      \
    X(LD_128, "16-byte load")                                                                                          \
    X(ST_128, "16-byte store")                                                                                         \
    X(LL_128, "16-byte load-linked")                                                                                   \
    X(SC_128, "16-byte store-conditional")                                                                             \
    X(CAS_128, "16-byte compare and swap, given back")                                                                           \
    X(SC_DONE, "store-conditional succeeds")                                                                           \
    X(SC_FAILED, "store-conditional fails")                                                                            \
    X(CAS_DONE, "compare and swap finds what it expects")                                                              \
    X(CAS_FAILED, "compare and swap finds something else")                                                             \
    X(SKIP, "skip_if skips")                                                                                           \
    X(NO_SKIP, "skip_if does not skip")                                                                                \
    X(LEAVE, "leave_if leaves")                                                                                        \
    X(LEAVE_UNDONE, "leave_if leaves in front of its insn")                                                            \
    X(NO_LEAVE, "leave_if does not leave")                                                                             \
    X(POLL_JUMP, "a poll leaves at a jump")                                                                            \
    X(POLL_BRANCH, "a poll leaves at a branch")                                                                        \
    X(POLL_INDIRECT, "a poll leaves at an indirect jump")                                                              \
    X(NO_POLL, "a jump does not poll though it could leave")                                                           \
    X(FP_INVALID_RAISED, "INVALID raised")                                                                             \
    X(FP_DIVZERO_RAISED, "DIVZERO raised")                                                                             \
    X(FP_OVERFLOW_RAISED, "OVERFLOW raised")                                                                           \
    X(FP_UNDERFLOW_RAISED, "UNDERFLOW raised")                                                                         \
    X(FP_INEXACT_RAISED, "INEXACT raised")                                                                             \
    X(FP_DENORMAL_RAISED, "INPUT_DENORMAL raised")                                                                     \
    X(QC_RAISED, "saturation noted")

typedef enum Scene {
#define TALLY_ID(name, meaning) SCENE_##name,
    TALLY_SCENES(TALLY_ID)
#undef TALLY_ID
    SCENES
} Scene;

enum { TALLY_MODES = 32, TALLY_RMW = IR_RMW_SWP + 1 };

typedef struct Tally {
    uint64_t runs;
    uint64_t ops[IR_OPS];
    uint64_t scenes[SCENES];
    uint64_t helpers[GUEST_HELPERS];
    uint64_t rmw[TALLY_RMW];
    uint64_t modes[TALLY_MODES]; /* FP ops by rounding, flush, flush16 and default_nan */
    uint64_t exits[IR_EXIT_SYNC + 1];
} Tally;

/* A run that agreed. */
typedef struct TallyRun {
    const IrBlock *written; /* what the interpreter has run, from the start on */
    const IrBlock *made;    /* the same program as host code was made from */
    JitSide *start, *want, *host;
    bool given_back;        /* host code gave an insn back */
    int32_t off;            /* and then its page offset */
} TallyRun;
void tally_add(Tally *t, const TallyRun *run);

/* Prints what has been seen fewer than `least` times (a kind of rmw: a quarter), but for ops that no program can have; true when there is nothing. */
bool tally_complete(const Tally *t, const char *level, uint64_t least);
/* One line for each op: how often at each of `n` levels. */
void tally_print(const Tally *t, unsigned n);

#endif
