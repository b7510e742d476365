/* SPDX-License-Identifier: MIT */
/*
 * interp_run.h - what interp.c and interp_mem.c share: the interpreter's state, and guest memory for its loop.
 */
#ifndef IR_INTERP_RUN_H
#define IR_INTERP_RUN_H

#include <ffi.h>
#include <string.h>

#include "ir/ir.h"

enum { IR_CALL_ARGS = 5 };

/* How to call one helper. */
typedef struct InterpCall {
    const IrHelper *helper;
    unsigned count;
    ffi_cif cif;
    ffi_type *types[IR_CALL_ARGS + 1];
} InterpCall;

struct IrInterp {
    const IrMemOps *mem;
    InterpCall *calls; /* by helper index */
    IrVal *vals;       /* by node id */
    uint32_t capacity;
    uint32_t at;       /* node that the last run was left at without a terminator */
};

/* One run of one block. */
typedef struct InterpRun {
    IrInterp *it;
    Env *env;
    const IrNode *nodes;
    IrVal *vals;
    uint64_t insns; /* env.insns, and the insn that has started */
} InterpRun;

/* All return false when the insn has faulted. */
bool run_ll(InterpRun *r, const IrNode *n);
bool run_sc(InterpRun *r, const IrNode *n);
bool run_cas(InterpRun *r, const IrNode *n);
bool run_rmw(InterpRun *r, const IrNode *n);
bool run_check_slow(InterpRun *r, const IrNode *n, IrVal *d);
bool run_ld_slow(InterpRun *r, const IrNode *n, IrVal *d);
bool run_st_slow(InterpRun *r, const IrNode *n);

static inline unsigned interp_bytes(const IrNode *n) {
    return 1u << (n->aux & IR_MEM_SIZE);
}

/* Does the current bank answer the check n of addresses from va on? Then *d is the addend. */
static inline __attribute__((always_inline)) bool run_check_bank(InterpRun *r, const IrNode *n, uint64_t va, IrVal *d) {
    uint64_t range = 0x1000 - (uint64_t)n->c;
    uint64_t align = (UINT64_C(1) << ((n->aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT)) - 1;
    if (!r->it->mem->use_bank) {
        return false;
    }
    const IrTlbBank *bank = n->aux & IR_CHECK_UNPRIV ? &r->env->unpriv : &r->env->bank;
    const IrTlbEntry *e = (const IrTlbEntry *)((const char *)bank->table + (va >> (IR_PAGE_BITS - 5) & bank->mask));
    d->u64 = e->addend;
    return !(va & align) && (!(n->aux & IR_CHECK_R) || (e->rtag ^ va) <= range) &&
           (!(n->aux & IR_CHECK_W) || (e->wtag ^ va) <= range);
}

/* All others go to IrMemOps.check; a merged one gives its insn back. */
static inline __attribute__((always_inline)) bool run_check(InterpRun *r, const IrNode *n, IrVal *d) {
    uint64_t low = n->b ? (uint64_t)(int64_t)IR_CHECK_LOW(n->b) : 0;
    if (__builtin_expect(run_check_bank(r, n, r->vals[n->a].u64 + low, d), 1)) {
        return true;
    }
    return !n->b && run_check_slow(r, n, d);
}

/* Ordinary little-endian loads and stores of up to 8 bytes at a host address; the rest is slow. */
static inline __attribute__((always_inline)) bool run_ld(InterpRun *r, const IrNode *n, IrVal *d) {
    uint64_t addend = r->vals[n->a].u64;
    if (__builtin_expect(addend == IR_ADDEND_SLOW, 0)) {
        return run_ld_slow(r, n, d);
    }
    const void *p = (const void *)(uintptr_t)(r->vals[n->b].u64 + addend);
    switch (n->aux) {
    case 0:
        d->u64 = *(const uint8_t *)p;
        d->d[1] = 0;
        return true;
    case 1: {
        uint16_t v;
        memcpy(&v, p, 2);
        d->u64 = v;
        d->d[1] = 0;
        return true;
    }
    case 2: {
        uint32_t v;
        memcpy(&v, p, 4);
        d->u64 = v;
        d->d[1] = 0;
        return true;
    }
    case 3:
        memcpy(d, p, 8);
        d->d[1] = 0;
        return true;
    case 4:
        memcpy(d, p, 16);
        return true;
    case 2 | IR_MEM_SEXT: {
        int32_t v;
        memcpy(&v, p, 4);
        d->i64 = v;
        return true;
    }
    default:
        return run_ld_slow(r, n, d);
    }
}

static inline __attribute__((always_inline)) bool run_st(InterpRun *r, const IrNode *n) {
    uint64_t addend = r->vals[n->a].u64;
    if (__builtin_expect(addend == IR_ADDEND_SLOW, 0)) {
        return run_st_slow(r, n);
    }
    void *p = (void *)(uintptr_t)(r->vals[n->b].u64 + addend);
    const IrVal *v = &r->vals[n->c];
    switch (n->aux) {
    case 0:
        *(uint8_t *)p = v->b[0];
        return true;
    case 1:
        memcpy(p, v, 2);
        return true;
    case 2:
        memcpy(p, v, 4);
        return true;
    case 3:
        memcpy(p, v, 8);
        return true;
    case 4:
        memcpy(p, v, 16);
        return true;
    default:
        return run_st_slow(r, n);
    }
}

#endif
