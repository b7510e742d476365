/* SPDX-License-Identifier: MIT */
/*
 * harness.c - see harness.h.
 */
#include "tests/jit/harness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ir/interp_run.h"
#include "tcg/lower.h"

struct JitSide {
    const JitGuest *guest;
    Env *env;
    uint8_t *memory;
    size_t size;
    IrInterp *interp; /* the interpreter's side */
    Frontend frontend; /* the host's side */
    Tcg *tcg;
    Vcpu *vcpu;
    Tb tb;
    IrBlock *made;     /* what host code is made from: a copy, for that changes it */
    bool compiled;
    LowerPins pins;
    bool varies;
};

static char page_kind(const JitSide *s, uint64_t va) {
    return va - s->guest->base < s->size ? s->guest->pages[(va - s->guest->base) / PAGE_SIZE] : '-';
}

static uint8_t *at(JitSide *s, uint64_t va) {
    return s->memory + (va - s->guest->base);
}

/* -- the interpreter's memory -- */

static JitSide *side_of(Env *env) {
    return env->runtime;
}

static bool refuse(Env *env, uint64_t va) {
    side_of(env)->guest->fault(env, va);
    return false;
}

static bool mem_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    JitSide *s = side_of(env);
    uint64_t align = UINT64_C(1) << ((aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT);
    bool direct = true;
    if (ea % align) {
        return refuse(env, ea);
    }
    for (uint64_t va = ea; va - ea < size; va = (va | (PAGE_SIZE - 1)) + 1) {
        char kind = page_kind(s, va);
        if (kind == '-' || (kind == 'o' && (aux & IR_CHECK_W))) {
            return refuse(env, va);
        }
        direct &= kind != 'd' && kind != 'x';
    }
    direct &= (ea ^ (ea + size - 1)) < PAGE_SIZE;
    *addend = direct ? (uint64_t)(uintptr_t)at(s, ea) - ea : IR_ADDEND_SLOW;
    return true;
}

/* Byte by byte: a page that refuses does so before its first byte is touched, the pages before it have been done. */
static bool mem_load(Env *env, uint64_t ea, unsigned size, IrVal *v) {
    JitSide *s = side_of(env);
    for (unsigned i = 0; i < size; i++) {
        if (page_kind(s, ea + i) == 'x') {
            return refuse(env, ea + i);
        }
        v->b[i] = *at(s, ea + i);
    }
    return true;
}

static bool mem_store(Env *env, uint64_t ea, unsigned size, const IrVal *v) {
    JitSide *s = side_of(env);
    for (unsigned i = 0; i < size; i++) {
        if (page_kind(s, ea + i) == 'x') {
            return refuse(env, ea + i);
        }
        *at(s, ea + i) = v->b[i];
    }
    return true;
}

static void mem_misaligned(Env *env, uint64_t value) {
    refuse(env, value);
}

static const IrMemOps mem_ops = {mem_check, mem_load, mem_store, mem_misaligned};

/* -- the host's machine and front end -- */

static uint8_t *phys_page(void *opaque, uint64_t gpa, bool *writable) {
    JitSide *s = opaque;
    char kind = page_kind(s, gpa);
    *writable = kind == 'r';
    return kind == 'r' || kind == 'o' ? at(s, gpa & ~(uint64_t)(PAGE_SIZE - 1)) : NULL;
}

static PhysResult phys_read(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    if (page_kind(opaque, gpa) != 'd') {
        return PHYS_REFUSED;
    }
    *value = 0;
    memcpy(value, at(opaque, gpa), size);
    return PHYS_OK;
}

static PhysResult phys_write(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    if (page_kind(opaque, gpa) != 'd') {
        return PHYS_REFUSED;
    }
    memcpy(at(opaque, gpa), &value, size);
    return PHYS_OK;
}

static JitSide *host_side(const Env *env) {
    return ((const Vcpu *)env->runtime)->tcg->config.opaque;
}

static bool cpu_init(Env *env, const CpuConfig *config, GError **error) {
    return true;
}
static void cpu_nothing(Env *env) {
}
static uint64_t cpu_mode(const Env *env) {
    return 0;
}
static MemContext cpu_context(const Env *env, bool unprivileged) {
    return (MemContext){.regime = unprivileged};
}
static bool cpu_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *x) {
    char kind = page_kind(host_side(env), va);
    *x = (MemXlat){.pa = va, .readable = true, .writable = kind != 'o', .page_bits = IR_PAGE_BITS};
    return kind != '-' && (access != MEM_WRITE || kind != 'o');
}
static bool cpu_watching(const Env *env) {
    return false;
}
static void cpu_mem_fault(Env *env, const MemFault *fault) {
    host_side(env)->guest->fault(env, fault->va);
}

static void make_host(JitSide *s, const char *level) {
    const JitGuest *g = s->guest;
    s->frontend = (Frontend){
        .name = "made up", .slots = g->slots, .slot_count = g->slot_count, .helpers = g->helpers,
        .helper_count = g->helper_count, .init = cpu_init, .finish = cpu_nothing, .reset = cpu_nothing,
        .mode = cpu_mode, .context = cpu_context, .walk = cpu_walk, .watching = cpu_watching,
        .mem_fault = cpu_mem_fault, .insn_min = 4, .insn_max = 4,
    };
    s->tcg = tcg_new(&(TcgConfig){.cache_bytes = 1 << 20, .opaque = s, .forced = {.host = level, .no_chain = true}, .log_items = TCG_LOG_OUT_ASM,
                                  .phys = {.opaque = s, .page = phys_page, .read = phys_read, .write = phys_write}});
    g_autoptr(GError) error = NULL;
    s->vcpu = tcg_add_vcpu(s->tcg, &s->frontend, "made up", 0, &error);
    if (!s->vcpu) {
        g_error("%s", error->message);
    }
    s->env = vcpu_env(s->vcpu);
}

/* -- sides -- */

static JitSide *side_new(const JitGuest *guest, bool host, const char *level) {
    JitSide *s = g_new0(JitSide, 1);
    s->guest = guest;
    s->size = strlen(guest->pages) * PAGE_SIZE;
    s->memory = g_aligned_alloc0(1, s->size, PAGE_SIZE);
    if (host) {
        make_host(s, level);
    } else {
        s->env = g_aligned_alloc0(1, (sizeof(Env) + 63) & ~(size_t)63, 64);
        s->env->runtime = s;
        s->env->excl_addr = UINT64_MAX;
        s->interp = ir_interp_new(&mem_ops, guest->helpers, guest->helper_count);
    }
    return s;
}

JitSide *jit_side_new(const JitGuest *guest, bool host) {
    return side_new(guest, host, NULL);
}

JitSide *jit_side_at_level(const JitGuest *guest, const char *level) {
    return side_new(guest, true, level);
}

void jit_side_free(JitSide *s) {
    if (s->tcg) {
        tb_drop_extra(&s->tb);
        tcg_free(s->tcg);
    } else {
        ir_interp_free(s->interp);
        g_aligned_free(s->env);
    }
    ir_block_free(s->made);
    g_aligned_free(s->memory);
    g_free(s);
}

Env *jit_env(JitSide *s) {
    return s->env;
}
uint8_t *jit_memory(JitSide *s) {
    return s->memory;
}
size_t jit_memory_size(const JitSide *s) {
    return s->size;
}
Vcpu *jit_vcpu(JitSide *s) {
    return s->vcpu;
}
void jit_own_pins(JitSide *s, bool own) {
    s->pins = own ? LOWER_PINS_FORCED : LOWER_PINS_STANDARD;
}
void jit_vary_pins(JitSide *s) {
    s->varies = true;
}
bool jit_compiled(const JitSide *s) {
    return s->compiled;
}
void jit_forget(JitSide *s) {
    tlb_flush_all(s->vcpu);
}

static void copy_block(JitSide *s, const IrBlock *b) {
    if (!s->made) {
        s->made = ir_block_new(b->slots, b->slot_count, b->helpers, b->helper_count);
    }
    ir_block_reset(s->made);
    for (uint32_t i = 1; i < b->count; i++) {
        const IrNode *n = &b->nodes[i];
        ir_append(s->made, (IrOp)n->op, (IrType)n->type, n->aux, n->a, n->b, n->c);
    }
    s->made->fp_plain = b->fp_plain;
    s->made->rounds = b->rounds;
}

bool jit_compile(JitSide *s, const IrBlock *b) {
    copy_block(s, b);
    tb_drop_extra(&s->tb);
    memset(&s->tb, 0, sizeof s->tb);
    lower_cache_reset(s->tcg);
    s->tb.insns = (uint16_t)b->insns;
    s->tb.valid = true;
    for (uint32_t i = 1; i < b->count && !s->tb.pa; i++) {
        s->tb.pa = b->nodes[i].op == IR_insn ? b->nodes[i].a : 0; /* in its page */
    }
    if (s->varies) {
        jit_own_pins(s, s->pins == LOWER_PINS_STANDARD);
    }
    s->compiled = lower_block(s->vcpu->lowerer, &s->tb, s->made, s->pins) == LOWER_OK;
    return s->compiled;
}

static IrExit run_host(JitSide *s, const IrBlock *b) {
    Env *env = s->env;
    IrBlock made = *b;
    made.fp_plain = !env->fp.flush && !env->fp.default_nan && !env->fp.alt_half;
    if (!jit_compile(s, &made)) {
        env->pc = env->pcbase;
        return IR_EXIT_SLOW;
    }
    return jit_again(s);
}

IrExit jit_again(JitSide *s) {
    Env *env = s->env;
    s->vcpu->running = &s->tb;
    env->space = ir_space(1); /* the run loop selects one before it enters code */
    uint64_t left = s->tcg->stubs.enter(env, s->tb.host);
    if ((uint32_t)left != HOST_LEFT_CHAIN) {
        return (IrExit)(uint32_t)left;
    }
    uint32_t id = (uint32_t)(left >> 32);
    g_assert(id < TB_EXITS);
    unsigned off = s->tb.exits[id].off; /* the block has number 0 */
    env->pc = env->pcbase + (off & ~(unsigned)TB_OFF_PLAIN);
    return off & TB_OFF_PLAIN ? IR_EXIT_SLOW : IR_EXIT_NEXT;
}

IrExit jit_run(JitSide *s, const IrBlock *b) {
    if (s->interp) {
        s->interp->at = 0;
    }
    s->env->exit_reason = s->tcg ? run_host(s, b) : ir_interp_run(s->interp, b, s->env);
    return (IrExit)s->env->exit_reason;
}

const IrVal *jit_values(const JitSide *s) {
    return s->interp->vals;
}
uint32_t jit_left_at(const JitSide *s) {
    return s->interp->at;
}
char jit_page(const JitSide *s, uint64_t va) {
    return page_kind(s, va);
}

void jit_text(JitSide *s, GString *out) {
    log_host_text(&s->tb, s->env->pcbase, out);
}

const uint8_t *jit_host(JitSide *s, size_t *bytes) {
    *bytes = s->tb.host_bytes;
    return s->tb.host;
}

/* -- states -- */

static unsigned slot_bytes(const IrSlot *s) {
    static const uint8_t bytes[IR_TYPES] = {[IR_I8] = 1, [IR_I16] = 2, [IR_I32] = 4, [IR_I64] = 8, [IR_V128] = 16,
                                            [IR_FLAGS] = 2};
    return bytes[s->type];
}

void jit_copy(JitSide *to, JitSide *from) {
    Env *t = to->env;
    const Env *f = from->env;
    memcpy(t->guest, f->guest, sizeof t->guest);
    memcpy(to->memory, from->memory, from->size);
    t->pending = f->pending;
    t->exit_reason = f->exit_reason;
    t->pcbase = f->pcbase;
    t->insn_off = f->insn_off;
    t->fault = f->fault;
    t->pc = f->pc;
    t->excl_addr = f->excl_addr;
    t->insns = f->insns;
    t->excl_val = f->excl_val;
    t->excl_size = f->excl_size;
    t->fp = f->fp;
    t->qc = f->qc;
}

static IrVal slot_value(const Env *env, const IrSlot *s) {
    IrVal v = {.d = {0, 0}};
    memcpy(&v, (const char *)env + s->offset, slot_bytes(s));
    if (s->type == IR_FLAGS) {
        v.u64 &= IR_FLAG_MASK;
    }
    return v;
}

static bool same(GString *out, const char *name, uint64_t got, uint64_t want) {
    if (got != want) {
        g_string_append_printf(out, "  %-8s 0x%" PRIx64 ", expected 0x%" PRIx64 "\n", name, got, want);
    }
    return got == want;
}

bool jit_compare(JitSide *got, JitSide *want, GString *out) {
    const Env *g = got->env, *w = want->env;
    bool ok = true;
    for (unsigned i = 0; i < got->guest->slot_count; i++) {
        const IrSlot *s = &got->guest->slots[i];
        IrVal a = slot_value(g, s), b = slot_value(w, s);
        ok &= same(out, s->name, a.d[0], b.d[0]) & same(out, s->name, a.d[1], b.d[1]);
    }
    bool differ = memcmp(got->memory, want->memory, got->size) != 0;
    for (size_t i = 0; differ && i < got->size; i++) {
        if (got->memory[i] != want->memory[i]) {
            g_string_append_printf(out, "  memory at 0x%" PRIx64 " is 0x%02x, expected 0x%02x\n", got->guest->base + i,
                                   got->memory[i], want->memory[i]);
            ok = false;
        }
    }
    ok &= same(out, "exit", g->exit_reason, w->exit_reason);
    ok &= same(out, "pc", g->pc, w->pc);
    ok &= same(out, "fault", g->fault, w->fault);
    ok &= same(out, "fp.flags", g->fp.flags, w->fp.flags);
    ok &= same(out, "qc", g->qc, w->qc);
    ok &= same(out, "monitor", g->excl_addr, w->excl_addr);
    if (w->excl_addr != UINT64_MAX) {
        ok &= same(out, "exclusive size", g->excl_size, w->excl_size);
        ok &= w->excl_size == 16 ? same(out, "exclusive high", g->excl_val.d[1], w->excl_val.d[1]) : true;
        uint64_t mask = w->excl_size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * w->excl_size) - 1;
        ok &= same(out, "exclusive", g->excl_val.d[0] & mask, w->excl_val.d[0] & mask);
    }
    return ok;
}
