/* SPDX-License-Identifier: MIT */
/*
 * verify.c - --verify: every block runs twice, its IR before any pass in the interpreter on a second state with stores
 * kept in a buffer, and its host code; what the guest can see must agree whenever the two meet.
 *
 * The interpreter goes first, up to what can be done only once: an access to a device, a call of a helper, a fault, a
 * check that the fast path cannot answer. There it waits for the host code to come to the same point in C, where both
 * are compared. Host code does it, the interpreter is told the result and goes on.
 *
 * Missing: insns that host code gives back are run by the interpreter alone (the state in front of them is compared).
 */
#include <ffi.h>
#include <inttypes.h>
#include <string.h>

#include "tcg/lower.h"
#include "tcg/vcpu.h"

enum { MAX_STORES = 1024, MAX_PIECES = 64, MAX_ARGS = 5 };

/* Where the reference is. */
typedef enum Point {
    POINT_NONE, POINT_END, POINT_CHECK, POINT_READ, POINT_WRITE, POINT_FAULT, POINT_CALL, POINT_GIVEN, POINT_LOST
} Point;
static const char *const point_names[] = {
    [POINT_NONE] = "nowhere", [POINT_END] = "the end of the block", [POINT_CHECK] = "an access that is not simple",
    [POINT_READ] = "a read of a device", [POINT_WRITE] = "a write to a device", [POINT_FAULT] = "a fault",
    [POINT_CALL] = "a call of a helper", [POINT_GIVEN] = "an insn without host code", [POINT_LOST] = "too many stores",
};

typedef struct Store {
    uint8_t *host;
    uint8_t size;
    uint8_t bytes[16];
} Store;

/* What one run of a block leaves behind. */
typedef struct Outcome {
    uint8_t guest[IR_GUEST_STATE_MAX];
    IrVal excl_val;
    uint64_t pc, excl_addr;
    uint32_t excl_size, fp_flags, qc;
} Outcome;

/* A helper as host code calls it: through `code`, which compares and then calls the real one. */
typedef struct Hook {
    Vcpu *v;
    unsigned helper;
    ffi_cif cif;
    ffi_type *types[MAX_ARGS + 1];
    ffi_closure *closure;
} Hook;

struct Verify {
    IrInterp *interp;
    Env *env;            /* the reference's */
    const Tb *tb;
    bool active;         /* a comparison is under way */
    Outcome before, expected, actual;
    Store stores[MAX_STORES];
    unsigned store_count;
    Point point;
    IrExit reason;       /* POINT_END: how the block was left */
    int64_t given_off;   /* page offset of the first insn that host code has no rule for, or -1 */
    bool go;             /* POINT_CHECK: host code has come to it */
    MemFault fault;      /* POINT_FAULT */
    /* Device accesses of the running node: what the first `have` pieces gave, and the piece that is wanted. */
    unsigned have, piece;
    uint64_t data[MAX_PIECES];
    bool refused;        /* piece `have` was */
    uint64_t want_pa, want_value;
    unsigned want_size;
    /* POINT_CALL */
    unsigned helper;
    uint64_t args[MAX_ARGS][2], result;
    bool called;
    uint64_t countdown;
    IrHelper *helpers;
    Hook *hooks;
};

static Vcpu *vcpu_checked(Env *env) {
    return env->runtime;
}

static bool wait_at(struct Verify *f, Point point) {
    f->point = point;
    return false;
}

/* -- the reference's memory -- */

static bool fault_at(struct Verify *f, MemFaultKind kind, MemAccess access, uint64_t va) {
    f->fault = (MemFault){.kind = kind, .access = access, .va = va};
    return wait_at(f, POINT_FAULT);
}

/* Will the fast path, or the filling of its table, answer the access? */
static bool simple(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, const MemXlat *x) {
    const PhysMap *phys = &v->tcg->config.phys;
    uint64_t pa = x->pa & ~(uint64_t)(PAGE_SIZE - 1);
    bool writable;
    if ((ea & (PAGE_SIZE - 1)) + size > PAGE_SIZE || x->device || v->frontend->watching(v->env) ||
        !phys->page(phys->opaque, pa, &writable)) {
        return false;
    }
    if (!(aux & IR_CHECK_W)) {
        return true;
    }
    g_mutex_lock(&v->tcg->lock);
    const CodePage *code = tb_page(v->tcg, pa);
    bool guarded = code && code->tbs && !code->unprotected;
    g_mutex_unlock(&v->tcg->lock);
    return writable && !guarded;
}

static bool verify_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    Vcpu *v = vcpu_checked(env);
    struct Verify *f = v->verify;
    MemXlat x;
    *addend = IR_ADDEND_SLOW;
    f->have = 0;
    if (f->go) {
        f->go = false;
        return env->insn_off != f->given_off || wait_at(f, POINT_GIVEN);
    }
    if (!ldst_probe(v, ea, size, aux, &x, &f->fault)) {
        f->fault.aux = aux;
        return wait_at(f, POINT_FAULT);
    }
    if (!simple(v, ea, size, aux, &x)) {
        return wait_at(f, POINT_CHECK);
    }
    return env->insn_off != f->given_off || wait_at(f, POINT_GIVEN);
}

/* RAM as the reference sees it: with its own stores. */
static void read_ram(const struct Verify *f, const uint8_t *at, unsigned size, uint8_t *bytes) {
    memcpy(bytes, at, size);
    for (unsigned i = 0; i < f->store_count; i++) {
        const Store *s = &f->stores[i];
        for (unsigned k = 0; k < s->size; k++) {
            if (s->host + k >= at && s->host + k < at + size) {
                bytes[s->host + k - at] = s->bytes[k];
            }
        }
    }
}

static bool write_ram(struct Verify *f, uint8_t *at, unsigned size, const uint8_t *bytes) {
    if (f->store_count == MAX_STORES) {
        return wait_at(f, POINT_LOST);
    }
    Store *s = &f->stores[f->store_count++];
    s->host = at;
    s->size = (uint8_t)size;
    memcpy(s->bytes, bytes, size);
    return true;
}

/* A device, or nothing, in naturally aligned pieces as ldst.c makes them. */
static bool use_device(struct Verify *f, uint64_t va, uint64_t pa, unsigned size, uint8_t *bytes, bool write) {
    for (unsigned done = 0, piece; done < size; done += piece) {
        for (piece = 8; piece > size - done || ((pa + done) & (piece - 1));) {
            piece >>= 1;
        }
        if (f->piece < f->have) {
            if (!write) {
                memcpy(bytes + done, &f->data[f->piece], piece);
            }
            f->piece++;
            continue;
        }
        if (f->refused) {
            f->refused = false;
            return fault_at(f, MEM_FAULT_BUS, write ? MEM_WRITE : MEM_READ, va + done);
        }
        f->want_pa = pa + done;
        f->want_size = piece;
        f->want_value = 0;
        if (write) {
            memcpy(&f->want_value, bytes + done, piece);
        }
        return wait_at(f, write ? POINT_WRITE : POINT_READ);
    }
    return true;
}

/* The whole access is done again when a piece has been waited for; RAM gives the same again. */
static bool use_memory(Env *env, uint64_t ea, unsigned size, uint8_t *bytes, bool write) {
    Vcpu *v = vcpu_checked(env);
    struct Verify *f = v->verify;
    const PhysMap *phys = &v->tcg->config.phys;
    MemAccess access = write ? MEM_WRITE : MEM_READ;
    f->piece = 0;
    for (unsigned done = 0, piece; done < size; done += piece) {
        MemXlat x;
        uint64_t va = ea + done;
        bool writable;
        piece = MIN(size - done, 8 - done % 8); /* as host code does */
        piece = MIN(piece, (unsigned)(PAGE_SIZE - (va & (PAGE_SIZE - 1))));
        if (!tlb_translate(v, va, access, false, &x, &f->fault) && !tlb_translate(v, va, access, true, &x, &f->fault)) {
            return wait_at(f, POINT_FAULT);
        }
        uint8_t *page = phys->page(phys->opaque, x.pa & ~(uint64_t)(PAGE_SIZE - 1), &writable);
        uint8_t *at = page + (page ? x.pa & (PAGE_SIZE - 1) : 0);
        if (!page || (write && !writable)) {
            if (!use_device(f, va, x.pa, piece, bytes + done, write)) {
                return false;
            }
        } else if (!write) {
            read_ram(f, at, piece, bytes + done);
        } else if (!write_ram(f, at, piece, bytes + done)) {
            return false;
        }
    }
    f->have = 0;
    return true;
}

static bool verify_load(Env *env, uint64_t ea, unsigned size, IrVal *value) {
    memset(value, 0, sizeof *value);
    return use_memory(env, ea, size, value->b, false);
}

static bool verify_store(Env *env, uint64_t ea, unsigned size, const IrVal *value) {
    return use_memory(env, ea, size, (uint8_t *)(uintptr_t)value->b, true);
}

static void verify_misaligned(Env *env, uint64_t value) {
    fault_at(vcpu_checked(env)->verify, MEM_FAULT_STACK, MEM_READ, value);
}

/* Argument i of a call, as the values that libffi points to. */
static void copy_arg(uint64_t to[2], char letter, void *at) {
    to[0] = to[1] = 0;
    if (letter == 'V') {
        memcpy(to, *(void **)at, 16);
    } else {
        memcpy(to, at, letter == 'w' ? 4 : 8);
    }
}

static bool verify_call(Env *env, uint32_t helper, void **args, uint64_t *result) {
    Vcpu *v = vcpu_checked(env);
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
    return wait_at(f, POINT_CALL);
}

static const IrMemOps verify_ops = {.check = verify_check, .load = verify_load, .store = verify_store,
                                    .misaligned = verify_misaligned, .call = verify_call};

/* Host code gives such an insn to the interpreter behind its check. */
static int64_t first_given(const Vcpu *v, const IrBlock *ir) {
    const HostRule *const *rules = v->tcg->backend->rules;
    int64_t off = -1;
    for (uint32_t i = 1; i < ir->count; i++) {
        const IrNode *n = &ir->nodes[i];
        bool exclusive = n->op == IR_ll || n->op == IR_sc || n->op == IR_cas;
        if (n->op == IR_insn) {
            off = n->a;
        } else if ((n->op == IR_rmw && !rules[n->op]) ||
                   (exclusive && (!rules[n->op] || (n->aux & IR_MEM_BIG && n->aux & IR_MEM_SIZE) ||
                                  (n->op == IR_cas && ir_type_is_vec((IrType)n->type) && !rules[n->op]->wide)))) {
            return off;
        }
    }
    return -1;
}

/* -- state -- */

/* Copies what the guest can see, without what other threads write; flags slots without their unspecified bits. */
static void capture(const Vcpu *v, const Env *env, Outcome *o) {
    const CpuState *inputs = &v->frontend->inputs;
    memcpy(o->guest, env->guest, v->frontend->state_size);
    if (inputs->size) {
        memset(o->guest + (inputs->offset - offsetof(Env, guest)), 0, inputs->size);
    }
    for (unsigned i = 0; i < v->frontend->slot_count; i++) {
        const IrSlot *s = &v->frontend->slots[i];
        if (s->type == IR_FLAGS) {
            uint16_t flags;
            uint8_t *at = o->guest + s->offset - offsetof(Env, guest);
            memcpy(&flags, at, 2);
            flags &= IR_FLAG_MASK;
            memcpy(at, &flags, 2);
        }
    }
    o->pc = env->pc;
    o->excl_addr = env->excl_addr;
    o->excl_val = env->excl_val;
    o->excl_size = env->excl_size;
    o->fp_flags = env->fp.flags;
    o->qc = env->qc;
}

/* The reference takes over the vCPU's state. */
static void copy_state(Vcpu *v) {
    const Env *from = v->env;
    Env *to = v->verify->env;
    memcpy(to->guest, from->guest, v->frontend->state_size);
    to->pc = from->pc;
    to->pcbase = from->pcbase;
    to->excl_addr = from->excl_addr;
    to->excl_val = from->excl_val;
    to->excl_size = from->excl_size;
    to->fp = from->fp;
    to->qc = from->qc;
    to->fault = from->fault;
}

/* -- reports -- */

static void report_slots(Vcpu *v, GString *out) {
    const struct Verify *f = v->verify;
    for (unsigned i = 0; i < v->frontend->slot_count; i++) {
        const IrSlot *s = &v->frontend->slots[i];
        uint32_t at = s->offset - (uint32_t)offsetof(Env, guest);
        static const uint8_t sizes[IR_TYPES] = {[IR_V128] = 16, [IR_I64] = 8, [IR_I32] = 4, [IR_I16] = 2, [IR_I8] = 1,
                                                 [IR_FLAGS] = 2};
        unsigned size = sizes[s->type];
        uint64_t want[2] = {0}, got[2] = {0}, was[2] = {0};
        memcpy(want, f->expected.guest + at, size);
        memcpy(got, f->actual.guest + at, size);
        memcpy(was, f->before.guest + at, size);
        g_string_append_printf(out, "%c %-10s before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                               memcmp(want, got, size) ? '*' : ' ', s->name, was[0], want[0], got[0]);
        if (size == 16) {
            g_string_append_printf(out, "  %-10s        %016" PRIx64 "          %016" PRIx64 "     %016" PRIx64 "\n",
                                   "(high)", was[1], want[1], got[1]);
        }
    }
    g_string_append_printf(out, "  pc         before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                           f->before.pc, f->expected.pc, f->actual.pc);
    g_string_append_printf(out, "  fp flags   expected %x qc %x, got %x qc %x\n", f->expected.fp_flags, f->expected.qc,
                           f->actual.fp_flags, f->actual.qc);
}

/* Ends the comparison and the run. */
static void report(Vcpu *v, const char *what) {
    struct Verify *f = v->verify;
    g_autoptr(GString) out = g_string_new(NULL);
    f->active = false;
    g_string_append_printf(out, "verify: %s differs in or after the block at 0x%" PRIx64 " (%u insns, comparison %"
                                PRIu64 ")\n", what, f->before.pc, f->tb->insns, v->stats.verified + 1);
    g_string_append_printf(out, "The interpreter has come to %s, in the insn at page offset 0x%x\n",
                           point_names[f->point], (unsigned)f->env->insn_off);
    report_slots(v, out);
    g_string_append(out, "\nIR before passes:\n");
    ir_print(f->tb->plain_ir, out);
    g_string_append(out, "\nHost code:\n");
    log_host_text(f->tb, f->before.pc, out);
    v->stop = true;
    v->env->pending = -1;
    v->tcg->config.diverged(v->tcg->config.opaque, out->str);
}

/* Is byte k of store i overwritten by a later one? */
static bool overwritten(const struct Verify *f, unsigned i, unsigned k) {
    for (unsigned j = i + 1; j < f->store_count; j++) {
        const Store *s = &f->stores[j];
        if (f->stores[i].host + k >= s->host && f->stores[i].host + k < s->host + s->size) {
            return true;
        }
    }
    return false;
}

/* Stores so far; they are in RAM now, and whoever acts next may change them. */
static bool compare_stores(Vcpu *v) {
    struct Verify *f = v->verify;
    for (unsigned i = 0; i < f->store_count; i++) {
        for (unsigned k = 0; k < f->stores[i].size; k++) {
            if (f->stores[i].host[k] != f->stores[i].bytes[k] && !overwritten(f, i, k)) {
                report(v, "a store");
                return false;
            }
        }
    }
    f->store_count = 0;
    return true;
}

/* Everything, with the host's registers in their slots. */
static bool compare(Vcpu *v, bool pc) {
    struct Verify *f = v->verify;
    const Outcome *want = &f->expected, *got = &f->actual;
    capture(v, f->env, &f->expected);
    capture(v, v->env, &f->actual);
    const char *what = NULL;
    if (memcmp(want->guest, got->guest, v->frontend->state_size) != 0) {
        what = "guest state";
    } else if (pc && want->pc != got->pc) {
        what = "pc";
    } else if (want->fp_flags != got->fp_flags || want->qc != got->qc) {
        what = "floating-point status";
    } else if (want->excl_addr != got->excl_addr ||
               (want->excl_addr != UINT64_MAX && (want->excl_size != got->excl_size ||
                                                  memcmp(&want->excl_val, &got->excl_val, MIN(want->excl_size, 16))))) {
        what = "exclusive monitor";
    }
    if (what) {
        report(v, what);
        return false;
    }
    return compare_stores(v);
}

static void wrong(Vcpu *v, const char *what) {
    capture(v, v->verify->env, &v->verify->expected);
    capture(v, v->env, &v->verify->actual);
    report(v, what);
}

/* -- the two meet -- */

/* Lets the reference go on. */
static void resume(Vcpu *v) {
    struct Verify *f = v->verify;
    f->point = POINT_NONE;
    f->reason = ir_interp_resume(f->interp, f->tb->plain_ir, f->env);
    if (f->point == POINT_NONE) {
        f->point = POINT_END;
    } else if (f->point == POINT_LOST) {
        f->active = false;
        v->stats.verify_lost++;
    }
}

static bool same_insn(const struct Verify *f, const Env *env) {
    return f->env->insn_off == env->insn_off;
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
        wrong(v, "a fault");
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
        (write && f->want_value != value) || f->have == MAX_PIECES) {
        wrong(v, "an access to a device");
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
            wrong(v, "the call of a helper");
        } else if (state ? compare(v, false) : compare_stores(v)) {
            v->stats.verify_calls++;
        }
    }
    ffi_arg result = 0;
    ffi_call(cif, h->fn, &result, args);
    *(ffi_arg *)ret = result;
    if (f->active) {
        if (state) {
            copy_state(v);
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
    g_assert(n <= MAX_ARGS);
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
    if (!tb->plain_ir || v->tcg->debug.watches) {
        v->stats.verify_debugged++;
        return false;
    }
    f->tb = tb;
    f->active = true;
    f->store_count = f->have = 0;
    f->refused = f->called = f->go = false;
    f->given_off = first_given(v, tb->plain_ir);
    copy_state(v);
    capture(v, v->env, &f->before);
    f->point = POINT_NONE;
    f->reason = ir_interp_run(f->interp, tb->plain_ir, f->env);
    if (f->point == POINT_NONE) {
        f->point = POINT_END;
    } else if (f->point == POINT_LOST) {
        f->active = false;
        v->stats.verify_lost++;
    }
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
        wrong(v, "how the block is left");
    } else if (compare(v, true)) {
        v->stats.verified++;
    }
    f->active = false;
}
