/* SPDX-License-Identifier: MIT */
/*
 * verify.c - --verify: every block runs twice, first its IR before any pass in the interpreter, with stores kept in a
 * buffer, then its host code; registers, flags, FP status, pc and stores must agree.
 *
 * Missing: blocks that touch devices, fault, or call helpers that change more than guest registers are run by host
 * code alone (they are counted as skipped); device reads are not replayed.
 */
#include <inttypes.h>
#include <string.h>

#include "tcg/lower.h"
#include "tcg/vcpu.h"

enum { MAX_STORES = 1024 };

typedef struct Store {
    uint8_t *host;
    uint8_t size;
    uint8_t bytes[16];
} Store;

/* What one run of a block leaves behind. */
typedef struct Outcome {
    uint8_t guest[IR_GUEST_STATE_MAX];
    uint64_t pc, excl_addr;
    uint32_t fp_flags, qc;
} Outcome;

struct Verify {
    IrInterp *interp;
    Outcome before, expected, actual;
    Store stores[MAX_STORES];
    unsigned store_count;
    bool skip;          /* the block did something that cannot be done twice */
    uint64_t countdown;
    uint64_t checked, skipped;
};

static bool give_up(Env *env) {
    vcpu_of(env)->verify->skip = true;
    return false;
}

/* Host address of [ea, ea + size) when it is plain RAM within a page. */
static uint8_t *locate(Vcpu *v, uint64_t ea, unsigned size, MemAccess access, bool unprivileged) {
    const PhysMap *phys = &v->tcg->config.phys;
    MemXlat x;
    MemFault fault;
    bool writable;
    if ((ea & (PAGE_SIZE - 1)) + size > PAGE_SIZE || !tlb_translate(v, ea, access, unprivileged, &x, &fault) ||
        x.device) {
        return NULL;
    }
    uint8_t *page = phys->page(phys->opaque, x.pa, &writable);
    if (!page || (access == MEM_WRITE && !writable)) {
        return NULL;
    }
    return page + (x.pa & (PAGE_SIZE - 1));
}

static bool verify_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    unsigned align = aux >> IR_CHECK_ALIGN_SHIFT & 7;
    MemAccess access = aux & IR_CHECK_W ? MEM_WRITE : MEM_READ;
    if ((ea & ((UINT64_C(1) << align) - 1)) || !locate(vcpu_of(env), ea, size, access, aux & IR_CHECK_UNPRIV)) {
        return give_up(env);
    }
    *addend = IR_ADDEND_SLOW;
    return true;
}

static uint8_t *locate_any(Env *env, uint64_t ea, unsigned size, MemAccess access) {
    uint8_t *at = locate(vcpu_of(env), ea, size, access, false);
    return at ? at : locate(vcpu_of(env), ea, size, access, true);
}

static bool verify_load(Env *env, uint64_t ea, unsigned size, IrVal *value) {
    struct Verify *f = vcpu_of(env)->verify;
    const uint8_t *at = locate_any(env, ea, size, MEM_READ);
    if (!at) {
        return give_up(env);
    }
    memset(value, 0, sizeof *value);
    memcpy(value, at, size);
    for (unsigned i = 0; i < f->store_count; i++) {
        const Store *s = &f->stores[i];
        for (unsigned k = 0; k < s->size; k++) {
            if (s->host + k >= at && s->host + k < at + size) {
                value->b[s->host + k - at] = s->bytes[k];
            }
        }
    }
    return true;
}

static bool verify_store(Env *env, uint64_t ea, unsigned size, const IrVal *value) {
    struct Verify *f = vcpu_of(env)->verify;
    uint8_t *at = locate_any(env, ea, size, MEM_WRITE);
    if (!at || f->store_count == MAX_STORES) {
        return give_up(env);
    }
    Store *s = &f->stores[f->store_count++];
    s->host = at;
    s->size = (uint8_t)size;
    memcpy(s->bytes, value, size);
    return true;
}

static void verify_misaligned(Env *env, uint64_t value) {
    give_up(env);
}

static const IrMemOps verify_ops = {.check = verify_check, .load = verify_load, .store = verify_store,
                                    .misaligned = verify_misaligned};

void verify_init(Vcpu *v) {
    v->verify = g_new0(struct Verify, 1);
    v->verify->interp = ir_interp_new(&verify_ops, v->frontend->helpers, v->frontend->helper_count);
}

void verify_free(Vcpu *v) {
    if (v->verify) {
        ir_interp_free(v->verify->interp);
        g_free(v->verify);
    }
}

/* Copies what the guest can see, without what other threads write; flags slots without their unspecified bits. */
static void capture(Vcpu *v, Outcome *o) {
    const Env *env = v->env;
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
    o->fp_flags = env->fp.flags;
    o->qc = env->qc;
}

static void restore(Vcpu *v, const Outcome *o) {
    Env *env = v->env;
    const CpuState *inputs = &v->frontend->inputs;
    size_t size = v->frontend->state_size, from = size, to = size; /* the inputs keep what they hold now */
    if (inputs->size) {
        from = inputs->offset - offsetof(Env, guest);
        to = from + inputs->size;
    }
    memcpy(env->guest, o->guest, from);
    memcpy(env->guest + to, o->guest + to, size - to);
    env->pc = o->pc;
    env->excl_addr = o->excl_addr;
    env->fp.flags = o->fp_flags;
    env->qc = o->qc;
}

static bool repeatable(const Vcpu *v, const IrBlock *ir) {
    for (uint32_t i = 1; i < ir->count; i++) {
        const IrNode *n = &ir->nodes[i];
        if ((n->op == IR_call && !(v->frontend->helpers[n->a].flags & IRH_PURE)) || n->op == IR_exit) {
            return false;
        }
    }
    return true;
}

bool verify_before(Vcpu *v, const Tb *tb) {
    struct Verify *f = v->verify;
    Env *env = v->env;
    if (f->countdown) {
        f->countdown--;
        return false;
    }
    f->countdown = v->tcg->config.verify - 1;
    if (!tb->plain_ir || !repeatable(v, tb->plain_ir)) {
        f->skipped++;
        return false;
    }
    f->store_count = 0;
    f->skip = false;
    uint64_t insns = env->insns;
    IrVal excl_val = env->excl_val;
    uint32_t excl_size = env->excl_size;
    capture(v, &f->before);
    ir_interp_run(f->interp, tb->plain_ir, env);
    capture(v, &f->expected);
    restore(v, &f->before);
    env->insns = insns;
    env->excl_val = excl_val;
    env->excl_size = excl_size;
    env->fault = 0;
    f->skipped += f->skip;
    return !f->skip;
}

static void report_slots(Vcpu *v, GString *out) {
    struct Verify *f = v->verify;
    for (unsigned i = 0; i < v->frontend->slot_count; i++) {
        const IrSlot *s = &v->frontend->slots[i];
        uint32_t at = s->offset - (uint32_t)offsetof(Env, guest);
        unsigned size = s->type == IR_V128 ? 16 : s->type == IR_I64 ? 8 : s->type == IR_I32 ? 4 : s->type == IR_I8 ? 1 : 2;
        uint64_t want[2] = {0}, got[2] = {0}, was[2] = {0};
        memcpy(want, f->expected.guest + at, size);
        memcpy(got, f->actual.guest + at, size);
        memcpy(was, f->before.guest + at, size);
        bool same = memcmp(want, got, size) == 0;
        g_string_append_printf(out, "%c %-10s before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                               same ? ' ' : '*', s->name, was[0], want[0], got[0]);
    }
    g_string_append_printf(out, "  pc         before %016" PRIx64 " expected %016" PRIx64 " got %016" PRIx64 "\n",
                           f->before.pc, f->expected.pc, f->actual.pc);
    g_string_append_printf(out, "  fp flags   expected %x qc %x, got %x qc %x\n", f->expected.fp_flags, f->expected.qc,
                           f->actual.fp_flags, f->actual.qc);
}

static void report(Vcpu *v, const Tb *tb, const char *what) {
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(out, "verify: %s differs after the block at 0x%" PRIx64 " (%u insns, %" PRIu64
                                " blocks agreed before)\n", what, v->verify->before.pc, tb->insns, v->verify->checked);
    report_slots(v, out);
    g_string_append(out, "\nIR before passes:\n");
    ir_print(tb->plain_ir, out);
    g_string_append(out, "\nHost code:\n");
    log_host_text(tb, v->verify->before.pc, out);
    g_string_append(out, "\nTo see it again: the same command with -d in_asm,op,op_opt,out_asm -D FILE\n");
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

void verify_after(Vcpu *v, const Tb *tb, IrExit reason) {
    struct Verify *f = v->verify;
    if (reason == IR_EXIT_SLOW || reason == IR_EXIT_FAULT) {
        f->skipped++; /* host code has given the insn back: the interpreter runs it */
        return;
    }
    capture(v, &f->actual);
    if (memcmp(f->expected.guest, f->actual.guest, v->frontend->state_size) != 0) {
        report(v, tb, "guest state");
    } else if (f->expected.pc != f->actual.pc) {
        report(v, tb, "pc");
    } else if (f->expected.fp_flags != f->actual.fp_flags || f->expected.qc != f->actual.qc) {
        report(v, tb, "floating-point status");
    } else if (f->expected.excl_addr != f->actual.excl_addr) {
        report(v, tb, "exclusive monitor");
    } else {
        for (unsigned i = 0; i < f->store_count; i++) {
            for (unsigned k = 0; k < f->stores[i].size; k++) {
                if (f->stores[i].host[k] != f->stores[i].bytes[k] && !overwritten(f, i, k)) {
                    report(v, tb, "a store");
                    return;
                }
            }
        }
        f->checked++;
    }
}
