/* SPDX-License-Identifier: MIT */
/*
 * interp.c - runs blocks: the reference that generated code is compared with, and the only engine where there is none.
 *
 * Values live in an array indexed by node id. Integer ops come from semantics.h straight into the loop's switch, other
 * value ops are called through ir_ops, guest memory stands in interp_mem.c. A pend is executed like a set: what it
 * writes is what the slot architecturally holds at that point, and a later set replaces it unless a fault comes first.
 */
#include "ir/interp_run.h"

#include <string.h>

#include "ir/semantics.h"

/* -- helpers, by libffi -- */

static ffi_type *ffi_type_of(char letter) {
    switch (letter) {
    case 'w':
        return &ffi_type_uint32;
    case 'd':
        return &ffi_type_uint64;
    case '-':
        return &ffi_type_void;
    default:
        return &ffi_type_pointer;
    }
}

static void prepare_call(InterpCall *call, const IrHelper *h) {
    unsigned n = (unsigned)strlen(h->args);
    g_assert(n <= IR_CALL_ARGS);
    call->helper = h;
    call->count = n;
    call->types[0] = &ffi_type_pointer;
    for (unsigned i = 0; i < n; i++) {
        call->types[i + 1] = ffi_type_of(h->args[i]);
    }
    ffi_status status = ffi_prep_cif(&call->cif, FFI_DEFAULT_ABI, n + 1, ffi_type_of(h->ret), call->types);
    g_assert(status == FFI_OK);
}

IrInterp *ir_interp_new(const IrMemOps *mem, const IrHelper *helpers, uint32_t helper_count) {
    IrInterp *it = g_new0(IrInterp, 1);
    it->mem = mem;
    it->calls = g_new0(InterpCall, helper_count);
    for (uint32_t i = 0; i < helper_count; i++) {
        prepare_call(&it->calls[i], &helpers[i]);
    }
    return it;
}

void ir_interp_free(IrInterp *it) {
    if (it) {
        g_free(it->calls);
        g_free(it->vals);
        g_free(it);
    }
}

/* Calls the helper of node n. False: it has raised an exception, and the block is to be left. */
static bool run_call(InterpRun *r, const IrNode *n) {
    InterpCall *call = &r->it->calls[n->a];
    unsigned flags = call->helper->flags;
    Env *env = r->env;
    IrVal *pointers[IR_CALL_ARGS];
    void *values[IR_CALL_ARGS + 1] = {&env};
    uint64_t result = 0; /* libffi widens a result of 32 bits to a register */

    uint32_t chain = n->b;
    for (unsigned i = 0; i < call->count && chain; i++) {
        const IrNode *arg = &r->nodes[chain];
        pointers[i] = &r->vals[arg->a];
        values[i + 1] = call->helper->args[i] == 'V' ? (void *)&pointers[i] : (void *)pointers[i];
        chain = arg->b;
    }
    env->insns = r->insns - 1;
    if (r->it->mem->call && !(flags & IRH_PURE)) {
        if (!r->it->mem->call(env, n->a, values + 1, &result)) {
            return false;
        }
    } else {
        ffi_call(&call->cif, call->helper->fn, &result, values);
    }
    if (call->helper->ret == 'w') {
        result = (uint32_t)result;
    }
    r->vals[n - r->nodes].u64 = result;
    if ((flags & IRH_FAULT) && env->fault) {
        env->fault = 0;
        return false;
    }
    return true;
}

/* -- guest state -- */

static inline __attribute__((always_inline)) void run_get(IrVal *d, const Env *env, const IrSlot *slot) {
    const void *p = (const char *)env + slot->offset;
    switch (slot->type) {
    case IR_I64:
        d->u64 = *(const uint64_t *)p;
        break;
    case IR_I32:
        d->u64 = *(const uint32_t *)p;
        break;
    case IR_I8:
        d->u64 = *(const uint8_t *)p;
        break;
    case IR_I16:
    case IR_FLAGS:
        d->u64 = *(const uint16_t *)p;
        break;
    default:
        memcpy(d, p, 16);
        break;
    }
}

static inline __attribute__((always_inline)) void run_set(Env *env, const IrSlot *slot, const IrVal *v, IrType type) {
    void *p = (char *)env + slot->offset;
    switch (slot->type) {
    case IR_I64:
        *(uint64_t *)p = type == IR_I32 ? v->u32 : v->u64;
        break;
    case IR_I32:
        *(uint32_t *)p = v->u32;
        break;
    case IR_FLAGS:
        *(uint16_t *)p = v->u32 & IR_FLAG_MASK;
        break;
    case IR_I8:
        *(uint8_t *)p = v->b[0];
        break;
    case IR_I16:
        *(uint16_t *)p = v->u16;
        break;
    default:
        memcpy(p, v, 16);
        break;
    }
}

/* -- control -- */

/* The node of the end that belongs to a skip_if. */
static const IrNode *find_end(const IrNode *n) {
    for (unsigned depth = 1; depth > 0;) {
        n++;
        depth += n->op == IR_skip_if;
        depth -= n->op == IR_end;
    }
    return n;
}

static IrExit go_to(Env *env, uint64_t pc, bool poll) {
    env->pc = pc;
    return poll && __atomic_load_n(&env->pending, __ATOMIC_RELAXED) < 0 ? IR_EXIT_PENDING : IR_EXIT_NEXT;
}

static uint64_t page_pc(const Env *env, uint32_t offset) {
    return env->pcbase + (uint64_t)(int64_t)(int32_t)offset;
}

static IrExit run_terminator(InterpRun *r, const IrNode *n) {
    Env *env = r->env;
    switch (n->op) {
    case IR_jump:
        return go_to(env, page_pc(env, n->a), n->aux & 1);
    case IR_leave_if:
        r->insns -= (n->aux & IR_LEAVE_UNDONE) != 0;
        return go_to(env, page_pc(env, n->b), n->aux & IR_LEAVE_POLLS);
    case IR_branch:
        if (sem_cond(n->aux, r->vals[n->a].u32)) {
            return go_to(env, page_pc(env, n->b), n->aux & 16);
        }
        return go_to(env, page_pc(env, n->c), false);
    case IR_indirect:
        return go_to(env, n->aux & IR_JUMP_SEXT ? (uint64_t)(r->vals[n->a].sd[0] << 8 >> 8) : r->vals[n->a].u64, true);
    default:
        g_assert(n->op == IR_exit);
        if (n->aux != IR_EXIT_PC_SET) {
            env->pc = page_pc(env, n->a);
        }
        if (n->aux == IR_EXIT_SLOW) {
            r->insns--; /* it has not been done */
        }
        return (IrExit)n->aux;
    }
}

static bool run_aligned(InterpRun *r, const IrNode *n) {
    uint64_t v = r->vals[n->a].u64;
    if (n->aux && v % n->aux) {
        r->it->mem->misaligned(r->env, v);
        return false;
    }
    return true;
}

/* The ops that are neither hot nor values. False: the block is left with a fault. */
static bool run_rare(InterpRun *r, const IrNode *n) {
    switch (n->op) {
    case IR_call:
        return run_call(r, n);
    case IR_aligned:
        return run_aligned(r, n);
    case IR_ll:
        return run_ll(r, n);
    case IR_sc:
        return run_sc(r, n);
    case IR_cas:
        return run_cas(r, n);
    case IR_rmw:
        return run_rmw(r, n);
    case IR_barrier:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return true;
    case IR_unmon:
        r->env->excl_addr = UINT64_MAX;
        return true;
    default: {
        IrVal *vals = r->vals;
        ir_ops[n->op].interp(r->env, &vals[n - r->nodes], &vals[n->a], &vals[n->b], &vals[n->c], ir_node_info(n));
        return true;
    }
    }
}

/* Runs nodes from n up to a terminator, or a leave_if that leaves, which it returns, or NULL after a fault. */
static const IrNode *run_nodes(InterpRun *r, const IrBlock *b, const IrNode *n) {
    Env *env = r->env;
    IrVal *vals = r->vals, *d = vals;
    const IrSlot *slots = b->slots;

#define IMM_none 0
#define IMM_a n->a
#define IMM_b n->b
#define IMM_c n->c
#define INFO(imm) (n->type | (uint32_t)n->aux << 8 | (uint64_t)(uint32_t)(imm) << 32)
#define INT_OP(name, imm)                                                                                              \
    case IR_##name:                                                                                                    \
        sem_##name(env, d, &vals[n->a], &vals[n->b], &vals[n->c], INFO(IMM_##imm));                                    \
        break;

    for (;; n++) {
        d = &vals[n - b->nodes];
        switch (n->op) {
            IR_INT_OPS(INT_OP)
        case IR_nop:
        case IR_arg:
        case IR_pair:
        case IR_end:
            break;
        case IR_insn:
            env->insn_off = (int32_t)n->a;
            r->insns++;
            break;
        case IR_const:
            d->u64 = n->a | (uint64_t)n->b << 32;
            break;
        case IR_get:
            run_get(d, env, &slots[n->a]);
            break;
        case IR_set:
        case IR_pend:
            run_set(env, &slots[n->a], &vals[n->b], (IrType)b->nodes[n->b].type);
            break;
        case IR_check:
            if (!run_check(r, n, d)) {
                goto left;
            }
            break;
        case IR_ld:
            if (!run_ld(r, n, d)) {
                goto left;
            }
            break;
        case IR_st:
            if (!run_st(r, n)) {
                goto left;
            }
            break;
        case IR_skip_if:
            if (sem_cond(n->aux, vals[n->a].u32)) {
                n = find_end(n);
            }
            break;
        case IR_leave_if:
            if (!sem_cond(n->aux, vals[n->a].u32)) {
                break;
            }
            return n;
        case IR_jump:
        case IR_branch:
        case IR_indirect:
        case IR_exit:
            return n;
        default:
            if (!run_rare(r, n)) {
                goto left;
            }
            break;
        }
    }
left:
    r->it->at = (uint32_t)(n - b->nodes);
    return NULL;
}

static IrExit run_from(IrInterp *it, const IrBlock *b, Env *env, uint32_t at) {
    InterpRun r = {.it = it, .env = env, .nodes = b->nodes, .vals = it->vals, .insns = env->insns};
    const IrNode *last = run_nodes(&r, b, b->nodes + at);
    IrExit reason;
    if (last) {
        reason = run_terminator(&r, last);
    } else {
        const IrNode *left = &b->nodes[it->at];
        reason = IR_EXIT_FAULT;
        r.insns--; /* the one that faulted */
        if (left->op == IR_check && left->b) {
            reason = IR_EXIT_SLOW;
            env->pc = env->pcbase + (uint64_t)(int64_t)env->insn_off;
        }
    }
    env->insns = r.insns;
    env->exit_reason = reason;
    return reason;
}

IrExit ir_interp_run(IrInterp *it, const IrBlock *b, Env *env) {
    if (it->capacity < b->capacity) {
        g_free(it->vals);
        it->vals = g_new0(IrVal, b->capacity); /* 16-byte aligned, as every block of a 64-bit malloc */
        it->capacity = b->capacity;
    }
    return run_from(it, b, env, 1);
}

IrExit ir_interp_resume(IrInterp *it, const IrBlock *b, Env *env) {
    env->insns++; /* the insn that was left is not counted again */
    return run_from(it, b, env, it->at);
}
