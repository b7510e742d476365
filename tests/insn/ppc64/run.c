/* SPDX-License-Identifier: MIT */
/*
 * run.c - see run.h.
 */
#include "tests/insn/ppc64/run.h"

#include <string.h>

#include "frontend/ppc/fp.h"
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"

static PpcRunner *runner_of(Env *env) {
    return env->runtime;
}

static bool in_window(uint64_t ea, unsigned size) {
    return ea >= PPC_ADDRESS && ea + size <= PPC_ADDRESS + BASE_WINDOW;
}

static bool mem_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    PpcRunner *r = runner_of(env);
    uint64_t alignment = UINT64_C(1) << ((aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT);
    if (!in_window(ea, size) || ea % alignment != 0) {
        MemFault fault = {.kind = ea % alignment ? MEM_FAULT_ALIGN : MEM_FAULT_WALK, .va = ea};
        ppc_mem_fault(env, &fault);
        return false;
    }
    *addend = r->slow ? IR_ADDEND_SLOW : (uint64_t)(uintptr_t)r->window - PPC_ADDRESS;
    return true;
}

static bool mem_load(Env *env, uint64_t ea, unsigned size, IrVal *v) {
    memcpy(v, (uint8_t *)runner_of(env)->window + (ea - PPC_ADDRESS), size);
    return true;
}

static bool mem_store(Env *env, uint64_t ea, unsigned size, const IrVal *v) {
    memcpy((uint8_t *)runner_of(env)->window + (ea - PPC_ADDRESS), v, size);
    return true;
}

static void mem_misaligned(Env *env, uint64_t value) {
}

static uint64_t port_now(void *opaque) {
    return 0;
}
static void port_timer(void *opaque, Env *env, unsigned timer, uint64_t deadline) {
}
static void port_changed(void *opaque, Env *env) {
}
static G_GNUC_PRINTF(4, 5) void port_log(void *opaque, Env *env, int item, const char *format, ...) {
}

static const CpuPorts ports = {.now = port_now, .timer_set = port_timer, .context_changed = port_changed, .log = port_log};

PpcRunner *ppc_runner_new(const char *model) {
    static const IrMemOps mem = {mem_check, mem_load, mem_store, mem_misaligned};
    const Frontend *ppc = &frontend_ppc;
    CpuConfig config = {.model = model, .ports = &ports};
    PpcRunner *r = g_new0(PpcRunner, 1);
    r->env = g_aligned_alloc0(1, sizeof(Env), 64);
    r->env->runtime = r;
    if (!ppc->init(r->env, &config, NULL)) {
        g_assert_not_reached();
    }
    ppc->reset(r->env);
    r->block = ir_block_new(ppc->slots, ppc->slot_count, ppc->helpers, ppc->helper_count);
    r->interp = ir_interp_new(&mem, ppc->helpers, ppc->helper_count);
    return r;
}

void ppc_runner_free(PpcRunner *r) {
    for (unsigned i = 0; i < 2; i++) {
        if (r->host[i]) {
            jit_side_free(r->host[i]);
        }
    }
    ir_interp_free(r->interp);
    ir_block_free(r->block);
    g_aligned_free(r->env);
    g_free(r);
}

static void turn(uint64_t *window) {
    for (unsigned i = 0; i < BASE_WINDOW / 8; i++) {
        window[i] = __builtin_bswap64(window[i]);
    }
}

/* The oracle fills and hashes by words of its own byte order. */
void ppc_fill(PpcRunner *r, const PpcCase *c) {
    base_fill(r->window, c->seed);
    if (c->big) {
        turn(r->window);
    }
}

static uint64_t hash(PpcRunner *r, bool big) {
    if (big) {
        turn(r->window);
    }
    uint64_t h = base_hash(r->window);
    if (big) {
        turn(r->window);
    }
    return h;
}

static uint64_t msr_of(const PpcRunner *r, const PpcCase *c) {
    const uint64_t user = PPC_MSR_SF | PPC_MSR_PR | PPC_MSR_EE | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_FP | PPC_MSR_VEC | PPC_MSR_VSX |
                          PPC_MSR_FE0 | PPC_MSR_FE1;
    return r->mode ? r->mode : user | (c->big ? 0 : PPC_MSR_LE);
}

/* The insns from number `i` on, as many as make a block. */
static bool translate(PpcRunner *r, const PpcCase *c, unsigned i, bool optimize, const char **why) {
    Trans t = {.frontend = &frontend_ppc, .env = r->env, .mode = frontend_ppc.mode(r->env), .ir = r->block, .avail = 4};
    ir_block_reset(r->block);
    r->block->optimize = optimize;
    for (; i < c->count && !t.ended; i++) {
        uint32_t insn = t.mode & PPC_MODE_LE ? c->insn[i] : __builtin_bswap32(c->insn[i]);
        t.code = (const uint8_t *)&insn;
        t.off = (int32_t)i * 4;
        ppc_translate(&t);
    }
    if (!t.ended) {
        ir_append(r->block, IR_jump, IR_VOID, 0, i * 4, 0, 0);
    }
    if (!ir_verify(r->block, NULL)) {
        *why = "the verifier refuses its IR";
        return false;
    }
    if (optimize) {
        ir_opt_dead(r->block);
    }
    return true;
}

/* -- host code -- */

static void host_fault(Env *env, uint64_t va) {
    MemFault fault = {.kind = in_window(va, 1) ? MEM_FAULT_ALIGN : MEM_FAULT_WALK, .va = va};
    ppc_mem_fault(env, &fault);
}

static JitSide *host_side(PpcRunner *r) {
    const Frontend *ppc = &frontend_ppc;
    JitSide **s = &r->host[r->slow];
    if (!*s) {
        r->guest[r->slow] = (JitGuest){.slots = ppc->slots, .slot_count = ppc->slot_count, .helpers = ppc->helpers,
                                       .helper_count = ppc->helper_count, .base = PPC_ADDRESS,
                                       .pages = r->slow ? "d" : "r", .fault = host_fault};
        *s = jit_side_new(&r->guest[r->slow], true);
        jit_vary_pins(*s);
    }
    return *s;
}

static bool left(IrExit reason) {
    return reason == IR_EXIT_NEXT || reason == IR_EXIT_FAULT || reason == IR_EXIT_PC_SET || reason == IR_EXIT_SYNC;
}

/* True when host code has run the block to its end; else nothing has happened. */
static bool run_on_host(PpcRunner *r, uint64_t pcbase) {
    JitSide *s = host_side(r);
    Env *env = jit_env(s);
    memcpy(env->guest, r->env->guest, sizeof env->guest);
    memcpy(jit_memory(s), r->window, sizeof r->window);
    env->excl_addr = UINT64_MAX;
    env->pcbase = pcbase;
    env->qc = r->env->qc;
    env->fault = 0;
    env->fp = r->env->fp;
    if (!left(jit_run(s, r->block))) {
        r->given_back++;
        return false;
    }
    memcpy(r->env->guest, env->guest, sizeof env->guest);
    r->env->qc = env->qc;
    memcpy(r->window, jit_memory(s), sizeof r->window);
    r->env->pc = env->pc;
    r->env->fp = env->fp;
    return true;
}

/* Where a block has led, seen from outside: an interrupt is not taken, but told of. */
static bool outcome(PpcRunner *r, PpcCase *c) {
    const PpcCpu *cpu = ppc_cpu(r->env);
    c->end = PPC_WENT_ON;
    c->pc = r->env->pc;
    if (cpu->msr & PPC_MSR_PR) {
        return true;
    }
    c->pc = cpu->plain[PPC_PLAIN_SRR0];
    if (r->env->pc == PPC_VEC_PROGRAM) {
        uint64_t why = cpu->plain[PPC_PLAIN_SRR1];
        c->end = why & PPC_PROGRAM_TRAP ? PPC_TRAPPED : why & PPC_PROGRAM_FP ? PPC_FP_RAISED : PPC_WENT_ON;
        return true;
    }
    c->end = PPC_MISALIGNED;
    return r->env->pc == PPC_VEC_ALIGN;
}

bool ppc_run(PpcRunner *r, PpcCase *c, unsigned how, const char **why) {
    PpcCpu *cpu = ppc_cpu(r->env);
    ppc_set_fpscr(r->env, c->fpscr);
    ppc_cpu(r->env)->plain[PPC_PLAIN_FSCR] = 1 << PPC_FACILITY_DSCR | 1 << PPC_FACILITY_TAR;
    ppc_set_msr(r->env, msr_of(r, c));
    memcpy(cpu->gpr, c->gpr, sizeof(cpu->gpr));
    memcpy(cpu->vsr, c->vsr, sizeof(cpu->vsr));
    cpu->lr = c->lr;
    cpu->ctr = c->ctr;
    ppc_set_xer(r->env, c->xer);
    ppc_set_cr_word(r->env, (uint32_t)c->cr);
    r->env->qc = (uint32_t)c->vscr; /* VSCR[SAT] */
    r->slow = how & PPC_SLOW;
    r->env->excl_addr = UINT64_MAX;
    r->env->fault = 0;
    r->env->pcbase = c->pc;
    r->env->pc = c->pc;
    for (unsigned i = 0; i < c->count && !r->env->fault; ) {
        if (!translate(r, c, i, how & PPC_OPTIMIZE, why)) {
            return false;
        }
        bool done = (how & PPC_HOST) && run_on_host(r, c->pc);
        if (!done && !left(ir_interp_run(r->interp, r->block, r->env))) {
            *why = "the block was not left as it should be";
            return false;
        }
        uint64_t next = (r->env->pc - c->pc) / 4;
        if (next <= i) {
            break;
        }
        i = next < c->count ? (unsigned)next : c->count;
    }
    if (!outcome(r, c)) {
        *why = "an access outside the window";
        return false;
    }
    memcpy(c->gpr, cpu->gpr, sizeof(cpu->gpr));
    memcpy(c->vsr, cpu->vsr, sizeof(cpu->vsr));
    c->vscr = r->env->qc != 0;
    c->lr = cpu->lr;
    c->ctr = cpu->ctr;
    c->xer = ppc_xer(r->env);
    c->cr = ppc_cr(r->env);
    c->fpscr = ppc_fpscr(r->env);
    c->memory = hash(r, c->big);
    return true;
}

/* -- what is undefined -- */

enum { WIDE = 1, UNSIGNED = 2, EXTENDED = 4, MODULO = 8 };
static const struct { const char *name; unsigned kind; } divisions[] = {
    {"divw", 0}, {"divwu", UNSIGNED}, {"divd", WIDE}, {"divdu", WIDE | UNSIGNED}, {"divwe", EXTENDED},
    {"divweu", EXTENDED | UNSIGNED}, {"divde", WIDE | EXTENDED}, {"divdeu", WIDE | EXTENDED | UNSIGNED},
    {"modsw", MODULO}, {"moduw", MODULO | UNSIGNED}, {"modsd", WIDE | MODULO}, {"modud", WIDE | UNSIGNED | MODULO},
};

static unsigned __int128 magnitude(__int128 v) {
    return v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
}

static bool can_divide(unsigned kind, uint64_t a, uint64_t b) {
    unsigned bits = kind & WIDE ? 64 : 32;
    a = kind & WIDE ? a : (uint32_t)a;
    b = kind & WIDE ? b : (uint32_t)b;
    bool negative = false;
    unsigned __int128 x = a, y = b;
    if (!(kind & UNSIGNED)) {
        __int128 sa = bits == 64 ? (int64_t)a : (int32_t)a, sb = bits == 64 ? (int64_t)b : (int32_t)b;
        negative = (sa < 0) != (sb < 0);
        x = magnitude(sa);
        y = magnitude(sb);
    }
    x <<= kind & EXTENDED ? bits : 0;
    if (y == 0) {
        return false;
    }
    unsigned __int128 most = (unsigned __int128)1 << (kind & UNSIGNED ? bits : bits - 1);
    return x / y < most + (!(kind & UNSIGNED) && negative);
}

/* A quotient from 2^63 to 2^64, whose overflow the black box does not see */
static bool unseen(unsigned kind, uint64_t a, uint64_t b) {
    uint64_t x = (int64_t)a < 0 ? -a : a, y = (int64_t)b < 0 ? -b : b;
    return kind == (WIDE | EXTENDED) && x < y && ((unsigned __int128)x << 64) / y >> 63;
}

static void settle_division(const PpcCase *before, PpcCase *after, const PpcFields *f, unsigned kind) {
    if (!can_divide(kind, before->gpr[f->ra], before->gpr[f->rb])) {
        after->gpr[f->rt] = 0;
        after->cr &= f->rc ? 0x1fffffff : UINT32_MAX;
        if (unseen(kind, before->gpr[f->ra], before->gpr[f->rb])) {
            after->cr &= f->rc ? 0x0fffffff : UINT32_MAX;
            after->xer &= UINT32_C(0x2004007f);
        }
    } else if (!(kind & (WIDE | MODULO))) {
        after->gpr[f->rt] = (uint32_t)after->gpr[f->rt];
        after->cr &= f->rc ? 0x1fffffff : UINT32_MAX;
    }
}

/* Loads of one element of a vector leave the others undefined. */
static void settle_element(const PpcCase *before, PpcCase *after, const PpcFields *f, unsigned bytes) {
    uint64_t ea = ((f->ra ? before->gpr[f->ra] : 0) + before->gpr[f->rb]) & (16 - bytes), *v = after->vsr[f->vt + 32];
    uint64_t mask = bytes == 4 ? UINT32_MAX : bytes == 2 ? UINT16_MAX : UINT8_MAX;
    unsigned at = (unsigned)(before->big ? 16 - bytes - ea : ea);
    v[0] &= at >= 8 ? mask << (at - 8) * 8 : 0;
    v[1] &= at < 8 ? mask << at * 8 : 0;
}

/* What the black box does wrong with decimals; see README.md */
static void settle_decimal(const PpcRow *row, const PpcCase *before, PpcCase *after, const PpcFields *f) {
    int8_t n = (int8_t)(uint8_t)before->vsr[f->va + 32][0];
    bool signs = strcmp(row->name, "bcdcpsgn") == 0 && f->vt == f->vb, rounds = strcmp(row->name, "bcdsr") == 0 && n < -31;
    if (signs || rounds) {
        after->vsr[f->vt + 32][0] = after->vsr[f->vt + 32][1] = 0;
        after->cr &= ~UINT32_C(0xf0);
    } else if (strcmp(row->name, "bcdus") == 0) {
        after->cr &= n > 31 ? ~UINT32_C(0xf0) : ~UINT32_C(0xe0);
    } else if (strcmp(row->name, "bcdadd") == 0 || strcmp(row->name, "bcdsub") == 0) {
        bool zero = after->cr & 0x20; /* a sum of zeros is positive */
        after->cr &= zero ? ~UINT32_C(0xc0) : UINT32_MAX;
        after->vsr[f->vt + 32][1] &= zero ? ~UINT64_C(15) : UINT64_MAX;
    } else if (strcmp(row->name, "bcdctsq") == 0) {
        after->cr &= ~UINT32_C(0xc0);
    }
}

/* Elements that go beyond the register's end, and decimals that are none */
static void settle_vector(const PpcRow *row, const PpcCase *before, PpcCase *after, const PpcFields *f) {
    static const struct { const char *name; unsigned last; } elements[] = {
        {"vextractuh", 14}, {"vextractuw", 12}, {"vextractd", 8}, {"vinserth", 14}, {"vinsertw", 12}, {"vinsertd", 8},
        {"xxextractuw", 12}, {"xxinsertw", 12}, {"vextuhlx", 14}, {"vextuhrx", 14}, {"vextuwlx", 12}, {"vextuwrx", 12},
    };
    unsigned cr6 = after->cr >> 4 & 15;
    bool lost = g_str_has_prefix(row->name, "bcd") && (cr6 == PPC_SO || (strcmp(row->name, "bcdcfsq") == 0 && cr6 & PPC_SO));
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        bool by_register = g_str_has_prefix(row->name, "vextu");
        unsigned at = by_register ? before->gpr[f->ra] & 15 : f->uim;
        if (strcmp(row->name, elements[i].name) == 0 && at > elements[i].last) {
            lost = !by_register;
            after->gpr[f->rt] = by_register ? 0 : after->gpr[f->rt];
        }
    }
    if (lost) {
        uint64_t *v = after->vsr[row->name[0] == 'x' ? f->tx << 5 | f->t : f->vt + 32];
        v[0] = v[1] = 0;
    }
}

/* The reserved bits of XER may or may not keep what is written. */
void ppc_settle(const PpcCase *before, PpcCase *after) {
    PpcFields f;
    ppc_settle_fp(before, after);
    after->xer &= UINT32_C(0xe00c007f);
    const PpcRow *row = ppc_find(before->insn[before->count - 1], &f);
    for (size_t i = 0; i < G_N_ELEMENTS(divisions); i++) {
        if (strcmp(row->name, divisions[i].name) == 0) {
            settle_division(before, after, &f, divisions[i].kind);
        }
    }
    if (g_str_has_prefix(row->name, "mulhw")) {
        after->gpr[f.rt] = (uint32_t)after->gpr[f.rt];
        after->cr &= f.rc ? 0x1fffffff : UINT32_MAX;
    }
    if (g_str_has_prefix(row->name, "lxs") || g_str_has_prefix(row->name, "mtvsr")) {
        after->vsr[f.tx << 5 | f.t][1] = 0;
    }
    if (strcmp(row->name, "vsl") == 0 || strcmp(row->name, "vsr") == 0) {
        const uint64_t *n = before->vsr[f.vb + 32], low = n[1] & 7, all = low * UINT64_C(0x0101010101010101);
        if (((n[0] ^ all) | (n[1] ^ all)) & UINT64_C(0x0707070707070707)) { /* the bytes must agree */
            after->vsr[f.vt + 32][0] = after->vsr[f.vt + 32][1] = 0;
        }
    }
    if (g_str_has_prefix(row->name, "lve")) {
        settle_element(before, after, &f, row->name[3] == 'b' ? 1 : row->name[3] == 'h' ? 2 : 4);
    }
    settle_vector(row, before, after, &f);
    settle_decimal(row, before, after, &f);
    bool one = f.fxm && !(f.fxm & (f.fxm - 1));
    if (strcmp(row->name, "mtocrf") == 0) {
        after->cr &= one ? UINT32_MAX : 0;
    } else if (strcmp(row->name, "mfocrf") == 0) {
        unsigned at = one ? 4 * (unsigned)__builtin_ctz(f.fxm) : 0;
        after->gpr[f.rt] &= one ? UINT64_C(15) << at : 0;
    }
}
