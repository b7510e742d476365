/* SPDX-License-Identifier: MIT */
/*
 * interp_mem.c - guest memory for the interpreter: what interp_run.h does not do inline, exclusives and atomics.
 *
 * Direct accesses use the addend that check gave; with IR_ADDEND_SLOW everything goes through IrMemOps, and then
 * exclusives and atomics are a load followed by a store: such memory is a device's, or watched.
 * Missing: a misaligned 16-byte compare-and-swap on RAM, and one on hosts without a 16-byte one, is not atomic.
 */
#include "ir/copy.h"
#include "ir/interp_run.h"
#include "ir/semantics.h"

bool run_check_slow(InterpRun *r, const IrNode *n, IrVal *d) {
    return r->it->mem->check(r->env, r->vals[n->a].u64, n->c, n->aux, &d->u64);
}

/* -- plain loads and stores of any kind -- */

static void swap_bytes(IrVal *v, unsigned size) {
    for (unsigned i = 0; i < size / 2; i++) {
        uint8_t t = v->b[i];
        v->b[i] = v->b[size - 1 - i];
        v->b[size - 1 - i] = t;
    }
}

static void *host_address(const InterpRun *r, const IrNode *n) {
    return (void *)(uintptr_t)(r->vals[n->a].u64 + r->vals[n->b].u64);
}

static bool is_slow(const InterpRun *r, const IrNode *n) {
    return r->vals[n->a].u64 == IR_ADDEND_SLOW;
}

/* Memory as it stands, zero-extended: no byte order, no sign. */
static bool load_raw(InterpRun *r, const IrNode *n, unsigned size, IrVal *v) {
    v->d[0] = v->d[1] = 0;
    if (is_slow(r, n)) {
        r->env->insns = r->insns - 1; /* a device may ask what time it is */
        return r->it->mem->load(r->env, r->vals[n->b].u64, size, v);
    }
    ir_copy(v, host_address(r, n), size);
    return true;
}

static bool store_raw(InterpRun *r, const IrNode *n, unsigned size, const IrVal *v) {
    if (is_slow(r, n)) {
        r->env->insns = r->insns - 1;
        return r->it->mem->store(r->env, r->vals[n->b].u64, size, v);
    }
    ir_copy(host_address(r, n), v, size);
    return true;
}

bool run_ld_slow(InterpRun *r, const IrNode *n, IrVal *d) {
    unsigned size = interp_bytes(n);
    if (!load_raw(r, n, size, d)) {
        return false;
    }
    if (n->aux & IR_MEM_BIG) {
        swap_bytes(d, size);
    }
    if ((n->aux & IR_MEM_SEXT) && size < 8) {
        d->u64 = sem_sign(d->u64, 8 * size);
    }
    if (n->aux & IR_MEM_ACQUIRE) {
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    }
    return true;
}

bool run_st_slow(InterpRun *r, const IrNode *n) {
    unsigned size = interp_bytes(n);
    IrVal v = r->vals[n->c];
    if (n->aux & IR_MEM_BIG) {
        swap_bytes(&v, size);
    }
    if (n->aux & IR_MEM_RELEASE) {
        __atomic_thread_fence(__ATOMIC_RELEASE);
    }
    bool ok = store_raw(r, n, size, &v);
    if (n->aux & IR_MEM_RELEASE) { /* a later acquiring load of the same vCPU must not pass it */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    return ok;
}

/* -- compare and swap -- */

static bool cas16(void *p, IrVal *expected, const IrVal *value) {
    if ((uintptr_t)p & 15) { /* the host's would fault */
        IrVal old;
        memcpy(&old, p, 16);
        bool same = memcmp(&old, expected, 16) == 0;
        if (same) {
            memcpy(p, value, 16);
        }
        *expected = old;
        return same;
    }
#ifdef __x86_64__
    bool same;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(same), "+m"(*(IrVal *)p), "+a"(expected->d[0]), "+d"(expected->d[1])
                     : "b"(value->d[0]), "c"(value->d[1])
                     : "memory");
    return same;
#else
    unsigned __int128 old, new_value;
    memcpy(&old, expected, 16);
    memcpy(&new_value, value, 16);
    unsigned __int128 was = __sync_val_compare_and_swap((unsigned __int128 *)p, old, new_value);
    memcpy(expected, &was, 16);
    return was == old;
#endif
}

/* If the `size` bytes at p are *expected, makes them *value, atomically; *expected receives what was there. */
static bool cas_host(void *p, unsigned size, IrVal *expected, const IrVal *value) {
    switch (size) {
    case 1:
        return __atomic_compare_exchange_n((uint8_t *)p, &expected->b[0], value->b[0], false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_compare_exchange_n((uint16_t *)p, &expected->u16, value->u16, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_compare_exchange_n((uint32_t *)p, &expected->u32, value->u32, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case 8:
        return __atomic_compare_exchange_n((uint64_t *)p, &expected->u64, value->u64, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    default:
        return cas16(p, expected, value);
    }
}

/* The same on guest memory. False: a fault; otherwise *swapped tells what happened. */
static bool cas_guest(InterpRun *r, const IrNode *n, unsigned size, IrVal *expected, const IrVal *value,
                      bool *swapped) {
    if (!is_slow(r, n)) {
        *swapped = cas_host(host_address(r, n), size, expected, value);
        return true;
    }
    IrVal old;
    if (!load_raw(r, n, size, &old)) {
        return false;
    }
    *swapped = memcmp(&old, expected, size) == 0;
    *expected = old;
    return !*swapped || store_raw(r, n, size, value);
}

/* The low `size` bytes of v in memory's order, the rest zero. */
static IrVal memory_order(const IrVal *v, const IrNode *n, unsigned size) {
    IrVal m = {.d = {0, 0}};
    ir_copy(&m, v, size);
    if (n->aux & IR_MEM_BIG) {
        swap_bytes(&m, size);
    }
    return m;
}

/* -- exclusives -- */

bool run_ll(InterpRun *r, const IrNode *n) {
    Env *env = r->env;
    IrVal *d = &r->vals[n - r->nodes];
    if (!run_ld_slow(r, n, d)) {
        return false;
    }
    env->excl_addr = r->vals[n->b].u64;
    env->excl_val = *d;
    env->excl_size = interp_bytes(n);
    return true;
}

bool run_sc(InterpRun *r, const IrNode *n) {
    Env *env = r->env;
    unsigned size = interp_bytes(n);
    bool armed = env->excl_addr == r->vals[n->b].u64 && env->excl_size == size;
    bool stored = false;
    env->excl_addr = UINT64_MAX;
    if (armed) {
        IrVal expected = memory_order(&env->excl_val, n, size);
        IrVal value = memory_order(&r->vals[n->c], n, size);
        if (!cas_guest(r, n, size, &expected, &value, &stored)) {
            return false;
        }
    }
    r->vals[n - r->nodes].u64 = !stored;
    return true;
}

/* -- atomics -- */

bool run_cas(InterpRun *r, const IrNode *n) {
    unsigned size = interp_bytes(n);
    const IrNode *pair = &r->nodes[n->c];
    IrVal expected = memory_order(&r->vals[pair->a], n, size);
    IrVal value = memory_order(&r->vals[pair->b], n, size);
    bool swapped;
    if (!cas_guest(r, n, size, &expected, &value, &swapped)) {
        return false;
    }
    r->vals[n - r->nodes] = memory_order(&expected, n, size);
    return true;
}

/* What memory holds after the operation; `old` is zero-extended from `bits` bits. */
static uint64_t rmw_value(unsigned op, uint64_t old, uint64_t v, unsigned bits) {
    uint64_t low = v & sem_ones(bits);
    switch (op) {
    case IR_RMW_ADD:
        return old + v;
    case IR_RMW_CLR:
        return old & ~v;
    case IR_RMW_EOR:
        return old ^ v;
    case IR_RMW_SET:
        return old | v;
    case IR_RMW_SMAX:
        return (int64_t)sem_sign(old, bits) > (int64_t)sem_sign(v, bits) ? old : low;
    case IR_RMW_SMIN:
        return (int64_t)sem_sign(old, bits) < (int64_t)sem_sign(v, bits) ? old : low;
    case IR_RMW_UMAX:
        return old > low ? old : low;
    case IR_RMW_UMIN:
        return old < low ? old : low;
    default:
        return v; /* swap */
    }
}

bool run_rmw(InterpRun *r, const IrNode *n) {
    unsigned size = interp_bytes(n), op = n->aux >> 3 & 15;
    uint64_t v = r->vals[n->c].u64;
    IrVal old, value = {.d = {0, 0}};
    bool swapped = false;
    if (!load_raw(r, n, size, &old)) {
        return false;
    }
    if (is_slow(r, n)) { /* one load, one store: a device counts them */
        value.u64 = rmw_value(op, old.u64, v, 8 * size);
        swapped = true;
        if (!store_raw(r, n, size, &value)) {
            return false;
        }
    }
    while (!swapped) {
        value.u64 = rmw_value(op, old.u64, v, 8 * size);
        swapped = cas_host(host_address(r, n), size, &old, &value);
    }
    r->vals[n - r->nodes] = old;
    return true;
}
