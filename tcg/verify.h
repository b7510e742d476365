/* SPDX-License-Identifier: MIT */
/*
 * verify.h - what the files of --verify share: verify.c lets reference and host code meet, verify_mem.c is the
 * reference's memory, verify_state.c copies and compares, verify_report.c says what differs.
 * Locking: everything belongs to the vCPU's thread.
 */
#ifndef TCG_VERIFY_H
#define TCG_VERIFY_H

#include <ffi.h>

#include "tcg/vcpu.h"

enum { VERIFY_STORES = 1024, VERIFY_PIECES = 64, VERIFY_ARGS = 5, VERIFY_PAGES = 512, VERIFY_SPANS = 16 };

/* Where the reference is. */
typedef enum Point {
    POINT_NONE, POINT_END, POINT_CHECK, POINT_READ, POINT_WRITE, POINT_FAULT, POINT_CALL, POINT_GIVEN, POINT_LOST
} Point;

typedef struct Store {
    uint8_t *host;
    uint8_t size;
    uint8_t bytes[16];
} Store;

/* A page of RAM or ROM that an access has been allowed to: the reference's own TLB. */
typedef struct VerifyPage {
    uint64_t key;     /* va page | regime << 1 | 1 */
    uint64_t asid, pa;
    uint8_t *host;
    uint64_t gen;     /* valid while it is Verify.page_gen */
    bool readable, writable;
} VerifyPage;

/* A part of Env.guest. */
typedef struct VerifySpan {
    uint32_t at, size;
} VerifySpan;

/* A helper as host code calls it: through `code`, which compares and then calls the real one. */
typedef struct Hook {
    Vcpu *v;
    unsigned helper;
    ffi_cif cif;
    ffi_type *types[VERIFY_ARGS + 1];
    ffi_closure *closure;
} Hook;

struct Verify {
    IrInterp *interp;
    Env *env;            /* the reference's */
    const Tb *tb;
    bool active;         /* a comparison is under way */
    Point point;
    IrExit reason;       /* POINT_END: how the block was left */
    bool go;             /* POINT_CHECK: host code has come to it */
    MemFault fault;      /* POINT_FAULT */
    uint64_t countdown;
    /* What is compared of Env.guest byte by byte, and where flags stand in it; `slots_size` bytes hold all slots. */
    VerifySpan spans[VERIFY_SPANS];
    uint32_t flags[VERIFY_SPANS];
    unsigned span_count, flags_count, slots_size;
    uint64_t insns;      /* -icount: retired in front of the block */
    uint64_t ram_writes; /* Tcg.ram_writes in front of the block */
    uint64_t before_pc;
    uint8_t before[IR_GUEST_STATE_MAX];
    /* verify_mem.c */
    Store stores[VERIFY_STORES];
    unsigned store_count;
    uint64_t store_filter;  /* bit per hash of 8-byte words that stores[] may reach */
    VerifyPage pages[VERIFY_PAGES];
    uint64_t page_gen;
    const VerifyPage *page; /* of the last check, or NULL */
    bool watching;
    bool walks;          /* the reference walks page tables: its stores count */
    /* Device accesses of the running node: what the first `have` pieces gave, and the piece that is wanted. */
    unsigned have, piece;
    uint64_t data[VERIFY_PIECES];
    bool refused;        /* piece `have` was */
    uint64_t want_pa, want_value;
    unsigned want_size;
    /* POINT_CALL */
    unsigned helper;
    uint64_t args[VERIFY_ARGS][2], result;
    bool called;
    IrHelper *helpers;
    Hook *hooks;
};

/* -- verify.c -- */
/* The reference waits at a point: what a function of IrMemOps returns then. */
static inline bool verify_wait(struct Verify *f, Point point) {
    f->point = point;
    return false;
}
bool verify_call(Env *env, uint32_t helper, void **args, uint64_t *result);

/* -- verify_mem.c -- */
extern const IrMemOps verify_ops;
void verify_mem_begin(Vcpu *v);         /* a block, or what follows a call: nothing is known of pages */
bool verify_stores_agree(const struct Verify *f); /* those so far, with RAM */

/* -- verify_state.c -- */
void verify_state_init(Vcpu *v);
void verify_state_copy(Vcpu *v);        /* the reference takes over the vCPU's state */
void verify_state_before(Vcpu *v);      /* keeps it for a report */
/* What differs between the two that the guest can see, or NULL. */
const char *verify_state_difference(const Vcpu *v, bool pc);

/* -- verify_report.c -- */
/* A difference: ends the comparison and the run. */
void verify_report(Vcpu *v, const char *what);

#endif
