/* SPDX-License-Identifier: MIT */
/*
 * verify.c - --verify: every block runs twice, its IR before any pass in the interpreter on a second state with stores
 * kept in a buffer, and its host code; what the guest can see must agree whenever the two meet.
 *
 * The interpreter goes first, up to what can be done only once: an access to a device, a call of a helper, a fault, a
 * check that the fast path cannot answer. There it waits for the host code to come to the same point in C, where both
 * are compared. Host code does it, the interpreter is told the result and goes on.
 *
 * Missing: insns that host code gives back are run by the interpreter alone (the state in front of them is compared,
 * unless a merged check gave it back: such a run is not compared);
 * what helpers, exceptions and interrupts do is done once, for both.
 */
#include "tcg/verify.h"

#include <string.h>

#include "tcg/lower.h"

/* -- calls of helpers by the reference -- */

/* Argument i of a call, as the values that libffi points to. */
static void copy_arg(uint64_t to[2], char letter, void *at) {
    to[0] = to[1] = 0;
    if (letter == 'V') {
        memcpy(to, *(void **)at, 16);
    } else {
        memcpy(to, at, letter == 'w' ? 4 : 8);
    }
}

bool verify_call(Env *env, uint32_t helper, void **args, uint64_t *result) {
    Vcpu *v = vcpu_of(env);
    struct Verify *f = v->verify;
    if (f->called) {
        f->called = false;
        *result = f->result;
        return true;
    }
    const char *letters = v->frontend->helpers[helper].args;
    f->helper = helper;
    for (unsigned i = 0; letters[i]; i++) {
        copy_arg(f->args[i], letters[i], args[i]);
    }
    return verify_wait(f, POINT_CALL);
}

/* Host code gives such an insn to the interpreter behind its check. */
int32_t verify_first_given(const Vcpu *v, const IrBlock *ir) {
    const HostRule *const *rules = v->tcg->backend->rules;
    int32_t off = -1;
    for (uint32_t i = 1; i < ir->count; i++) {
        const IrNode *n = &ir->nodes[i];
        bool exclusive = n->op == IR_ll || n->op == IR_sc || n->op == IR_cas;
        if (n->op == IR_insn) {
            off = (int32_t)n->a;
        } else if ((n->op == IR_rmw && !rules[n->op]) ||
                   (exclusive && (!rules[n->op] || (n->aux & IR_MEM_BIG && n->aux & IR_MEM_SIZE) ||
                                  (n->op == IR_cas && ir_type_is_vec((IrType)n->type) && !rules[n->op]->wide)))) {
            return off;
        }
    }
    return -1;
}

/* -- the two meet -- */

static void stores_done(struct Verify *f) {
    f->store_count = 0;
    f->store_filter = 0;
}

/* Stores so far; they are in RAM now, and whoever acts next may change them. */
static bool compare_stores(Vcpu *v) {
    struct Verify *f = v->verify;
    if (!verify_stores_agree(f)) {
        verify_report(v, "a store");
        return false;
    }
    stores_done(f);
    return true;
}

/* Everything, with the host's registers in their slots. */
static bool compare(Vcpu *v, bool pc) {
    const char *what = verify_state_difference(v, pc);
    if (!what && v->tcg->config.icount && icount_retired(v) - v->verify->insns != v->verify->env->insns) {
        what = "the number of insns";
    }
    if (what) {
        verify_report(v, what);
        return false;
    }
    return compare_stores(v);
}

/* The reference has stopped. */
static void came_to(Vcpu *v) {
    struct Verify *f = v->verify;
    if (f->point == POINT_NONE) {
        f->point = POINT_END;
    } else if (f->point == POINT_LOST) {
        f->active = false;
        v->stats.verify_lost++;
    }
}

/* Lets the reference go on. */
static void resume(Vcpu *v) {
    struct Verify *f = v->verify;
    verify_mem_begin(v);
    f->point = POINT_NONE;
    f->reason = ir_interp_resume(f->interp, f->tb->extra->plain_ir, f->env);
    came_to(v);
}

static bool same_insn(const struct Verify *f, const Env *env) {
    return f->env->insn_off == env->insn_off;
}

/* Does the block, a region, have the insn that host code has come to more than once? */
static bool comes_again(const struct Verify *f, const Env *env) {
    const IrBlock *ir = f->tb->extra->plain_ir;
    unsigned times = 0;
    for (uint32_t i = 1; f->tb->kind == TB_REGION && i < ir->count; i++) {
        times += ir->nodes[i].op == IR_insn && ir->nodes[i].a == (uint32_t)env->insn_off;
    }
    return times > 1;
}

void verify_unmerged(Vcpu *v) {
    struct Verify *f = v->verify;
    bool waits = f && f->active && (f->point == POINT_CHECK || f->point == POINT_FAULT) && same_insn(f, v->env) &&
                 !comes_again(f, v->env);
    if (f && f->active && !waits) {
        f->active = false; /* the reference, which knows nothing of merged checks, is further on */
        v->stats.verify_lost++;
    }
}

void verify_slow(Vcpu *v) {
    struct Verify *f = v->verify;
    while (f->active && f->point == POINT_CHECK && same_insn(f, v->env)) {
        f->go = true;
        resume(v);
    }
}

void verify_fault(Vcpu *v, const MemFault *fault) {
    struct Verify *f = v->verify;
    const MemFault *want = &f->fault;
    if (!f->active) {
        return;
    }
    if (f->point != POINT_FAULT || !same_insn(f, v->env) || want->kind != fault->kind ||
        want->access != fault->access || want->va != fault->va || want->guest != fault->guest) {
        verify_report(v, "a fault");
    } else if (compare(v, false)) {
        f->active = false; /* the exception is taken by one engine */
        v->stats.verified++;
        v->stats.verify_faults++;
    }
}

void verify_device(Vcpu *v, uint64_t pa, unsigned size, bool write, uint64_t value, bool refused) {
    struct Verify *f = v->verify;
    if (!f->active) {
        return;
    }
    if (f->point != (write ? POINT_WRITE : POINT_READ) || f->want_pa != pa || f->want_size != size ||
        (write && f->want_value != value) || f->have == VERIFY_PIECES) {
        verify_report(v, "an access to a device");
    } else if (compare_stores(v)) {
        v->stats.verify_devices++;
        f->refused = refused;
        if (!refused) {
            f->data[f->have++] = value;
        }
        resume(v);
    }
}

/* Host code calls a helper. */
static void on_call(ffi_cif *cif, void *ret, void **args, void *opaque) {
    const Hook *hook = opaque;
    Vcpu *v = hook->v;
    struct Verify *f = v->verify;
    const IrHelper *h = &v->frontend->helpers[hook->helper];
    bool state = h->flags & (IRH_READS | IRH_WRITES | IRH_FAULT);
    if (f->active) {
        bool same = f->point == POINT_CALL && f->helper == hook->helper;
        for (unsigned i = 0; same && h->args[i]; i++) {
            uint64_t got[2];
            copy_arg(got, h->args[i], args[i + 1]);
            same = memcmp(got, f->args[i], sizeof got) == 0;
        }
        if (!same) {
            verify_report(v, "the call of a helper");
        } else if (state ? compare(v, false) : compare_stores(v)) {
            v->stats.verify_calls++;
        }
    }
    ffi_arg result = 0;
    ffi_call(cif, h->fn, &result, args);
    *(ffi_arg *)ret = result;
    if (f->active) {
        if (state) {
            verify_state_copy(v);
        }
        f->result = result;
        f->called = true;
        resume(v);
    }
}

static void make_hook(Vcpu *v, unsigned helper) {
    struct Verify *f = v->verify;
    Hook *hook = &f->hooks[helper];
    const IrHelper *h = &v->frontend->helpers[helper];
    unsigned n = (unsigned)strlen(h->args);
    void *code;
    g_assert(n <= VERIFY_ARGS);
    hook->v = v;
    hook->helper = helper;
    hook->types[0] = &ffi_type_pointer;
    for (unsigned i = 0; i < n; i++) {
        hook->types[i + 1] = h->args[i] == 'w'   ? &ffi_type_uint32
                             : h->args[i] == 'd' ? &ffi_type_uint64
                                                 : &ffi_type_pointer;
    }
    ffi_type *ret = h->ret == 'w' ? &ffi_type_uint32 : h->ret == 'd' ? &ffi_type_uint64 : &ffi_type_void;
    hook->closure = ffi_closure_alloc(sizeof *hook->closure, &code);
    if (hook->closure && ffi_prep_cif(&hook->cif, FFI_DEFAULT_ABI, n + 1, ret, hook->types) == FFI_OK &&
        ffi_prep_closure_loc(hook->closure, &hook->cif, on_call, hook, code) == FFI_OK) {
        memcpy(&f->helpers[helper].fn, &code, sizeof code);
    }
}

void verify_init(Vcpu *v) {
    const Frontend *fe = v->frontend;
    struct Verify *f = v->verify = g_new0(struct Verify, 1);
    f->interp = ir_interp_new(&verify_ops, fe->helpers, fe->helper_count);
    f->env = aligned_alloc(64, (sizeof(Env) + 63) & ~(size_t)63);
    memset(f->env, 0, sizeof *f->env);
    f->env->runtime = v;
    f->page_gen = 1;
    verify_state_init(v);
    f->helpers = g_memdup2(fe->helpers, sizeof *fe->helpers * fe->helper_count);
    f->hooks = g_new0(Hook, fe->helper_count);
    for (unsigned i = 0; i < fe->helper_count; i++) {
        if (!(fe->helpers[i].flags & IRH_PURE)) {
            make_hook(v, i);
        }
    }
    v->env->helper_table = f->helpers;
}

void verify_free(Vcpu *v) {
    struct Verify *f = v->verify;
    if (f) {
        for (unsigned i = 0; i < v->frontend->helper_count; i++) {
            if (f->hooks[i].closure) {
                ffi_closure_free(f->hooks[i].closure);
            }
        }
        g_free(f->hooks);
        g_free(f->helpers);
        ir_interp_free(f->interp);
        free(f->env);
        g_free(f);
    }
}

bool verify_before(Vcpu *v, const Tb *tb) {
    struct Verify *f = v->verify;
    if (v->tcg->config.icount && tb->insns > v->env->budget) {
        return false; /* insn by insn up to the deadline, all by the interpreter */
    }
    if (f->countdown) {
        f->countdown--;
        return false;
    }
    f->countdown = v->tcg->config.verify - 1;
    if (!tb->extra || !tb->extra->plain_ir || v->tcg->debug.watches) {
        v->stats.verify_debugged++;
        return false;
    }
    f->tb = tb;
    f->active = true;
    f->have = 0;
    f->refused = f->called = f->go = false;
    f->ram_writes = __atomic_load_n(&v->tcg->ram_writes, __ATOMIC_SEQ_CST);
    stores_done(f);
    verify_mem_begin(v);
    verify_state_copy(v);
    verify_state_before(v);
    f->env->insns = 0;
    f->insns = v->env->insns;
    f->point = POINT_NONE;
    f->reason = ir_interp_run(f->interp, tb->extra->plain_ir, f->env);
    came_to(v);
    return f->active;
}

void verify_after(Vcpu *v, const Tb *tb, IrExit reason) {
    struct Verify *f = v->verify;
    if (!f->active) {
        return; /* it is decided */
    }
    bool ended = f->point == POINT_END;
    if (reason == IR_EXIT_SLOW &&
        (f->point == POINT_CHECK || f->point == POINT_FAULT || f->point == POINT_GIVEN)) {
        f->env->pc = f->env->pcbase + (uint64_t)(int64_t)f->env->insn_off; /* host code has given the insn back */
        ended = true;
    } else {
        IrExit got = reason == IR_EXIT_PENDING ? IR_EXIT_NEXT : reason;
        ended = ended && got == (f->reason == IR_EXIT_PENDING ? IR_EXIT_NEXT : f->reason);
    }
    if (!ended) {
        verify_report(v, "how the block is left");
    } else if (compare(v, true)) {
        v->stats.verified++;
    }
    f->active = false;
}
