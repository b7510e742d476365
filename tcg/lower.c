/* SPDX-License-Identifier: MIT */
/*
 * lower.c - from IR to host code: one walk over the nodes of a block. Ops with a rule get their operands where the
 * rule wants them (lower_rule.c); flags (lower_flags.c), memory (lower_mem.c) and control, which need more than one node
 * to be compiled well, have functions of their own.
 */
#include "tcg/walk.h"

#include <string.h>

enum { MAX_BLOCK_BYTES = 64 * 1024, LOOP_ALIGN = 16 };

/* The op at i is folded into its users: its operands live as long as it would. */
void walk_keep_operands(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t last = l->values[i].last_use;
    ra_extend(l, n->a, last);
    ra_extend(l, n->b, last);
}

void walk_store_insns_left(Walk *w) {
    if (w->l.tcg->config.icount) {
        w->l.be->store_imm(w->l.h, IR_I32, (HostOperand){.kind = HOST_ENV, .disp = offsetof(Env, insn_rest)},
                           (int32_t)walk_insns_left(w));
    }
}

/* -- control -- */

/* Can a jump to the insn at `off` be chained? */
static bool on_page(int32_t off) {
    return off >= 0 && off < PAGE_SIZE;
}

/* A block with pins of its own has to bring back the standard ones, which everything but its own head wants. Keeps host
 * flags. */
static G_GNUC_NO_INLINE void leave_pins(Walk *w) {
    host_pins_leave(w->l.h, &w->pins.moved);
}

/* Can a jump to the insn at `off` be chained as it is, with nothing to be done first? */
static bool chains_plainly(const Walk *w, int32_t off) {
    return on_page(off) && (G_LIKELY(!w->own) || off == w->head);
}

/* A jump to the insn at `off`, on the page, that can be chained, if cc holds. */
static void chain_jump(Walk *w, unsigned slot, int32_t off, int cc) {
    w->exits[slot] = (TbExit){.off = (uint16_t)off, .jump = (uint16_t)w->l.be->chain_jump(w->l.h, cc)};
    w->exits_used |= 1u << slot;
}

/* The end of a block with standard pins, at which it goes to the insn at `off`. */
static inline void leave_standard(Walk *w, unsigned slot, int32_t off, bool poll) {
    Lower *l = &w->l;
    if (!on_page(off)) {
        l->be->far_jump(l->h, off, poll);
    } else if (poll) {
        chain_jump(w, slot, off, l->be->poll(l->h));
        l->be->pending_exit(l->h, off);
    } else {
        chain_jump(w, slot, off, HOST_ALWAYS);
    }
}

static G_GNUC_NO_INLINE void leave_own(Walk *w, unsigned slot, int32_t off, bool poll) {
    Lower *l = &w->l;
    if (off != w->head) {
        leave_pins(w);
        leave_standard(w, slot, off, poll);
    } else {
        chain_jump(w, slot, off, poll ? l->be->poll(l->h) : HOST_ALWAYS);
        if (poll) {
            leave_pins(w);
            l->be->pending_exit(l->h, off);
        }
    }
}

static void leave_to(Walk *w, unsigned slot, int32_t off, bool poll) {
    if (G_UNLIKELY(w->own)) {
        leave_own(w, slot, off, poll);
    } else {
        leave_standard(w, slot, off, poll);
    }
}

/* What exits do that are not chained; from here on they are the block's. */
static inline __attribute__((always_inline)) void chain_stubs(Walk *w, bool own) {
    Tb *tb = w->tb;
    for (unsigned used = w->exits_used; used; used &= used - 1) {
        const TbExit *from = &w->exits[__builtin_ctz(used)];
        TbExit *e = &tb->exits[tb->exit_count];
        *e = (TbExit){.jump = from->jump, .stub = (uint16_t)walk_here(w), .off = from->off}; /* it may be just written */
        w->l.be->bind(w->l.h, e->jump);
        if (own && e->off == w->head) {
            leave_pins(w);
        }
        w->l.be->chain_stub(w->l.h, tb_exit_ref(tb, tb->exit_count++));
    }
}

static void lower_jump(Walk *w, uint32_t i, const IrNode *n) {
    leave_to(w, 0, (int32_t)n->a, n->aux & 1);
}

static void lower_branch(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    int32_t then = (int32_t)n->b, otherwise = (int32_t)n->c;
    bool poll = n->aux & 16;
    if (chains_plainly(w, then) && !poll) {
        chain_jump(w, 0, then, flags_condition(w, n->a, n->aux & 15));
        leave_to(w, 1, otherwise, false);
        return;
    }
    int cc = flags_condition(w, n->a, (n->aux & 15) ^ 1);
    if (chains_plainly(w, otherwise)) {
        chain_jump(w, 1, otherwise, cc);
        leave_to(w, 0, then, poll);
        return;
    }
    HostFixup skip = l->be->jump_if(l->h, cc);
    leave_to(w, 0, then, poll);
    l->be->bind(l->h, skip);
    leave_to(w, 1, otherwise, false);
}

/* An exit of the block, in front of its end, that is not in use: TB_EXITS if there is none. */
static unsigned free_exit(const Walk *w) {
    return (unsigned)__builtin_ctz(~(w->exits_used | 3) | 1u << TB_EXITS);
}

/* Where nothing is to be done on the way out the jump itself can be chained. */
static void lower_leave_if(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    int cc = flags_condition(w, n->a, n->aux & 15);
    if (w->leave_count == MAX_LEAVES) {
        ra_fail(l);
        return;
    }
    HostCold *c = &w->leaves[w->leave_count];
    c->insn_off = (int32_t)n->b;
    c->desc = n->aux & IR_LEAVE_POLLS;
    c->leaves = true;
    c->done = false;
    c->rest = l->tcg->config.icount ? l->ir->insns - w->insn_index + (n->aux & IR_LEAVE_UNDONE ? 1 : 0) : 0;
    ra_pends(l, c);
    unsigned slot = free_exit(w);
    if (slot < TB_EXITS && chains_plainly(w, c->insn_off) && !c->desc && !c->rest && !c->pends && c->flags_to.kind == HOST_NONE) {
        chain_jump(w, slot, c->insn_off, cc);
    } else {
        c->from[0] = l->be->jump_if(l->h, cc);
        w->leave_count++;
    }
}

/* The way out of the leave_if k, up to its jump. */
static void leave_state(Walk *w, unsigned k) {
    const HostCold *c = &w->leaves[k];
    w->l.be->bind(w->l.h, c->from[0]);
    w->l.be->cold_state(w->l.h, c);
    if (c->rest) {
        w->l.be->refund(w->l.h, c->rest);
    }
}

/* The ways out of leave_ifs. Those to one target share its jump, which can be chained as long as there are exits. */
static void leave_early(Walk *w) {
    Lower *l = &w->l;
    for (unsigned first = 0; first < w->leave_count; first++) {
        const HostCold *c = &w->leaves[first];
        unsigned slot = free_exit(w), last = first;
        uint32_t poll = c->desc;
        if (c->done) {
            continue;
        }
        for (unsigned k = w->leave_count - 1; k > first; k--) {
            if (w->leaves[k].insn_off == c->insn_off) {
                leave_state(w, k);
                w->leaves[k].from[1] = l->be->jump_if(l->h, HOST_ALWAYS);
                poll |= w->leaves[k].desc;
                w->leaves[k].done = true;
                last = MAX(last, k);
            }
        }
        leave_state(w, first); /* the last one falls through to the jump */
        for (unsigned k = first + 1; k <= last; k++) {
            if (w->leaves[k].insn_off == c->insn_off) {
                l->be->bind(l->h, w->leaves[k].from[1]);
            }
        }
        if (slot < TB_EXITS) {
            leave_to(w, slot, c->insn_off, poll != 0);
        } else {
            if (w->own) {
                leave_pins(w);
            }
            l->be->far_jump(l->h, c->insn_off, poll != 0);
        }
    }
}

/* Where the bytes of a merged check are on two pages a loop's next round goes another way: each failure of a stream at the
 * end of a page would be dearer by C. */
static void leave_merged(Walk *w) {
    Lower *l = &w->l;
    for (unsigned k = 0; k < w->cold_count; k++) {
        HostCold *c = &w->cold[k];
        unsigned slot = free_exit(w);
        if (c->desc & HOST_SLOW_MERGED && slot < TB_EXITS && on_page(c->insn_off)) {
            l->be->bind(l->h, c->from[0]);
            c->from[0] = l->be->one_page(l->h, c);
            l->be->cold_state(l->h, c);
            if (w->own) {
                leave_pins(w);
            }
            chain_jump(w, slot, c->insn_off | TB_OFF_PLAIN, HOST_ALWAYS);
        }
    }
}

static void lower_skip(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    if (w->depth == MAX_DEPTH) {
        ra_fail(l);
        return;
    }
    flags_keep(w); /* both ways out of here want them in memory */
    int cc = flags_condition(w, n->a, n->aux & 15);
    ra_spill_all(l); /* moves only: host flags stay */
    l->flags_value = l->flags_of = 0;
    w->skip[w->depth++] = l->be->jump_if(l->h, cc);
}

static void lower_end(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    flags_lose(w);
    ra_spill_all(l);
    l->be->bind(l->h, w->skip[--w->depth]);
    l->flags_value = l->flags_of = 0;
}

static void lower_get(Walk *w, uint32_t i, const IrNode *n) {
    ra_get(&w->l, i, n->a);
}

static void lower_set(Walk *w, uint32_t i, const IrNode *n) {
    bool pended = w->l.values[i].pended;
    unsigned pin = w->l.slot_pin[n->a];
    const RaValue *x = &w->l.values[n->b];
    if (pin != RA_NO_REG) {
        if (x->reg != pin || (!x->clean && walk_type(w, n->b) == IR_I32)) {
            ra_set_pin(&w->l, pin, n->b);
        }
    } else if (w->l.ir->slots[n->a].type == IR_FLAGS) {
        if (!pended || !ra_pend_flags(&w->l, n->a, n->b)) {
            lower_set_flags(w, n);
        }
    } else if (pended) {
        ra_pend(&w->l, n->a, n->b);
    } else {
        ra_set(&w->l, n->a, n->b);
    }
}

static void lower_pcrel(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    unsigned d = ra_define(l, i, true);
    flags_lose(w);
    l->be->pcrel(l->h, d, (int32_t)n->a);
}

/* zext and trunc cost nothing where the register already is what is wanted. */
static void lower_zext(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    RaValue *x = &l->values[n->a];
    ra_use(l, n->a, UINT32_MAX);
    if (x->clean && (l->values[i].hint == RA_NO_REG || l->values[i].hint == x->reg)) {
        ra_alias(l, i, n->a);
    } else {
        unsigned from = x->reg;
        unsigned d = ra_define(l, i, false);
        l->be->zext32(l->h, d, from);
    }
}

/* A scalar into a vector of its own: nothing to do where the rest of its register is zero already. */
static void lower_vzext(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    uint32_t a = n->a;
    if (!l->values[i].last_use) {
        return;
    }
    ra_use(l, a, UINT32_MAX);
    if (l->values[a].clean && walk_type(w, a) != IR_F16) { /* an f16 is moved as 32 bits */
        ra_alias(l, i, a);
    } else {
        lower_value(w, i, n);
    }
}

static void lower_insn(Walk *w, uint32_t i, const IrNode *n) {
    w->insn_index++;
    if (w->keep_marks && w->mark_count < MAX_MARKS) {
        w->marks[w->mark_count++] = (HostMark){walk_here(w), (int32_t)n->a};
    }
}

/* An op in vain. */
static void lower_nothing(Walk *w, uint32_t i, const IrNode *n) {
    ra_drop(&w->l, i);
}

/* v is the same bits as its operand. */
static void lower_same(Walk *w, uint32_t i, const IrNode *n) {
    ra_alias(&w->l, i, n->a);
}

static void lower_indirect(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    unsigned va = ra_use(l, n->a, w->own ? l->scratch[0] : UINT32_MAX); /* not in a pin that changes */
    if (w->own) {
        leave_pins(w);
    }
    l->be->indirect(l->h, va, n->aux & IR_JUMP_SEXT);
}

static void lower_exit(Walk *w, uint32_t i, const IrNode *n) {
    w->l.be->exit(w->l.h, n->aux, n->aux != IR_EXIT_PC_SET, (int32_t)n->a);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static LowerFn *const lowers[IR_OPS] = {
    [0 ... IR_OPS - 1] = lower_value, /* but for: */
    [IR_nop] = lower_nothing,
    [IR_insn] = lower_insn,       [IR_pcrel] = lower_pcrel,       [IR_get] = lower_get,
    [IR_set] = lower_set,         [IR_pend] = lower_set,          [IR_call] = lower_call,
    [IR_add] = lower_sum,         [IR_sub] = lower_sum,           [IR_trunc] = lower_same,
    [IR_vlow] = lower_same,       [IR_zext] = lower_zext,         [IR_vzext] = lower_vzext,
    [IR_fl_add] = lower_fl_add,   [IR_fl_sub] = lower_fl_sub,     [IR_fl_fcmp] = lower_fl_fcmp,
    [IR_fl_nzcv] = lower_fl_nzcv, [IR_fl_sel] = lower_fl_sel,     [IR_fl_logic] = lower_fl_logic,
    [IR_fl_adc] = lower_fl_carry, [IR_fl_sbc] = lower_fl_carry,   [IR_adc] = lower_adc,
    [IR_sbc] = lower_adc,         [IR_cset] = lower_cset,         [IR_csel] = lower_csel,
    [IR_setc] = lower_setc,       [IR_check] = lower_check,       [IR_aligned] = lower_aligned,
    [IR_ld] = lower_ld,           [IR_st] = lower_st,             [IR_skip_if] = lower_skip,
    [IR_end] = lower_end,         [IR_jump] = lower_jump,         [IR_branch] = lower_branch,
    [IR_leave_if] = lower_leave_if, [IR_indirect] = lower_indirect, [IR_exit] = lower_exit,
};
#pragma GCC diagnostic pop

static inline LowerFn *lower_of(const Lower *l, uint32_t i) {
    unsigned op = ra_node(l, i)->op;
    bool wanted = l->values[i].uses | (ra_kinds[op] & RA_NEEDED);
    return lowers[op & -(unsigned)wanted]; /* no branch: hosts guess it badly */
}

/* What compiles a node is looked up before the one in front of it is compiled: a host that has guessed it wrong finds out
 * the sooner. */
static G_GNUC_NO_INLINE void lower_nodes(Walk *w) {
    Lower *l = &w->l;
    LowerFn *next = lower_of(l, *l->work_begin);
    for (const uint16_t *at = l->work_begin; at < l->work_end; at++) {
        LowerFn *lower = next;
        uint32_t i = l->now = *at;
        next = lower_of(l, at[1]);
        lower(w, i, ra_node(l, i));
        l->locked = 0;
    }
}

/* -- a whole block -- */

static uint8_t *make_slot_pins(const Frontend *fe, const Backend *be) {
    uint8_t *pins = g_malloc(fe->slot_count ? fe->slot_count : 1);
    for (unsigned s = 0; s < fe->slot_count; s++) {
        const IrSlot *slot = &fe->slots[s];
        pins[s] = RA_NO_REG;
        if (slot->rank && slot->type == IR_I64 && slot->rank <= be->pin_count) {
            pins[s] = be->pins[slot->rank - 1];
        } else if (slot->rank && slot->type == IR_V128 && slot->rank <= be->vpin_count) {
            pins[s] = be->vpins[slot->rank - 1];
        }
    }
    return pins;
}

Lowerer *lowerer_new(Tcg *tcg, const Frontend *fe) {
    const Backend *be = tcg->backend;
    if (!be) {
        return NULL;
    }
    g_assert(fe->slot_count <= IR_PINS_MAX);
    Walk *w = g_new0(Walk, 1);
    w->l.tcg = tcg;
    w->l.all[0] = (1u << be->vec_base) - 1;
    w->l.all[1] = ~w->l.all[0];
    w->l.scratch[0] = be->scratch & w->l.all[0];
    w->l.scratch[1] = be->scratch & w->l.all[1];
    w->l.special = 1u << be->result_reg | 1u << be->shift_reg;
    w->l.slot_pin = w->standard = make_slot_pins(fe, be);
    w->l.slot_lazy = g_malloc0(sizeof *w->l.slot_lazy * fe->slot_count);
    return w;
}

void lowerer_free(Lowerer *w) {
    if (w) {
        g_free(w->l.work);
        g_free((void *)(uintptr_t)w->standard);
        g_free(w->l.slot_lazy);
        g_free(w);
    }
}

static void walk_begin(Walk *w, IrBlock *ir) {
    Lower *l = &w->l;
    l->be = l->tcg->backend; /* which tests exchange */
    if (ir->pins != l->slot_pin) { /* the first block made here */
        ir->pins = l->slot_pin;
        ir_lives_again(ir);
    }
    l->ir = ir;
    l->nodes = ir->nodes;
    l->values = ir->lives;
    memset(l->until, 0, sizeof l->until);
    memset(l->spill_used, 0, sizeof l->spill_used);
    ra_forget_lazy(l);
    l->occupied = l->locked = l->flags_value = l->flags_of = l->now = 0;
    l->failed = l->spills = false;
    w->exits_used = 0;
    w->cold_count = w->leave_count = w->mark_count = w->insn_index = 0;
    w->depth = 0;
}

/* May exceptions and maintenance go on without coming back to the run loop? */
static bool stays(const Tcg *tcg) {
    return !tcg->one_by_one && !tcg->config.icount;
}

/* The code of ir, where h begins. */
static inline __attribute__((always_inline)) LowerResult lower_here(Walk *w, Tb *tb, IrBlock *ir, HostCode *h, bool own) {
    Tcg *tcg = w->l.tcg;
    walk_begin(w, ir);
    w->tb = tb;
    w->keep_marks = tcg->config.verify || tcg->config.log_items & TCG_LOG_OUT_ASM;
    w->l.lists_insns = w->keep_marks || tcg->config.icount;
    w->l.h = h;
    h->cold_ops = w->cold_ops;
    h->cold_op_max = G_N_ELEMENTS(w->cold_ops);
    ra_prepare(&w->l);
    if (own) {
        host_pins_enter(h, &w->pins.moved);
        tcg->backend->align(h, LOOP_ALIGN);
        tb->inner = (uint16_t)walk_here(w);
    }
    uint32_t host_count = 0;
    HostFixup spent = tcg->config.icount ? tcg->backend->budget(h, ir->insns, &host_count) : 0;
    lower_nodes(w);
    if (spent) {
        memcpy(h->start + host_count, &h->insns, 4);
        tcg->backend->bind(h, spent);
        tcg->backend->refund(h, ir->insns);
        if (own) {
            leave_pins(w);
        }
        tcg->backend->pending_exit(h, (int32_t)(tb->pa & (PAGE_SIZE - 1)));
    }
    if (w->leave_count) {
        leave_early(w);
    }
    if (G_UNLIKELY(ir->rounds) && !tcg->config.verify && !tcg->config.icount) { /* there C has to know where it is left */
        leave_merged(w);
    }
    chain_stubs(w, own);
    for (unsigned k = 0; k < w->cold_count && !h->overflow; k++) {
        tcg->backend->cold(h, &w->cold[k]);
    }
    for (unsigned k = 0; k < h->cold_op_count && !h->overflow; k++) {
        tcg->backend->cold_op(h, &w->cold_ops[k]);
    }
    if (w->l.failed || h->overflow) {
        return LOWER_TOO_BIG;
    }
    tb->host = h->exec;
    tb->host_bytes = (uint32_t)(h->p - h->start);
    if (w->keep_marks) {
        tb_extra(tb)->mark_count = w->mark_count;
        tb->extra->marks = g_memdup2(w->marks, sizeof *w->marks * w->mark_count);
    }
    return LOWER_OK;
}

/* Chooses pins for ir and makes the stubs for them, in front of its code. */
static G_GNUC_NO_INLINE void take_pins(Walk *w, const Tb *tb, const IrBlock *ir, HostCode *h, bool always) {
    Tcg *tcg = w->l.tcg;
    w->head = (int32_t)(tb->pa & (PAGE_SIZE - 1));
    pins_choose(&w->pins, tcg->backend, w->standard, ir, w->head, always);
    if (w->pins.moved.count) {
        w->own = true;
        w->l.slot_pin = w->pins.of;
        tcg->backend->own_stubs(h, &w->own_stubs, &tcg->stubs, &w->pins.moved);
        h->stubs = &w->own_stubs;
        h->exec += h->p - h->start;
        h->start = h->p;
    }
}

static inline HostCode code_at(const Tcg *tcg, uint8_t *start) {
    return (HostCode){.backend = tcg->backend, .start = start, .p = start, .end = start + MAX_BLOCK_BYTES - HOST_CODE_SPARE,
                      .exec = cache_exec(tcg->cache, start), .stubs = &tcg->stubs, .stays = stays(tcg)};
}

/* Both ways to make a block, each without the other's tests. */
static inline __attribute__((always_inline)) LowerResult lower_as(Walk *w, Tb *tb, IrBlock *ir, bool may_own, bool always) {
    Tcg *tcg = w->l.tcg;
    uint8_t *start = cache_reserve(tcg->cache, MAX_BLOCK_BYTES);
    if (!start) {
        return LOWER_NO_ROOM;
    }
    if (ir->count > RA_NODES) {
        return LOWER_TOO_BIG;
    }
    HostCode h = code_at(tcg, start);
    if (may_own) {
        take_pins(w, tb, ir, &h, always);
    }
    LowerResult result = lower_here(w, tb, ir, &h, may_own && w->own);
    if (may_own) {
        ir->pins = w->l.slot_pin = w->standard;
        w->own = false;
    }
    if (result == LOWER_OK) {
        cache_commit(tcg->cache, (size_t)(h.p - start));
    }
    return result;
}

LowerResult lower_own(Lowerer *w, Tb *tb, IrBlock *ir, bool always) {
    return lower_as(w, tb, ir, true, always);
}

LowerResult lower_standard(Lowerer *w, Tb *tb, IrBlock *ir) {
    return lower_as(w, tb, ir, false, false);
}

void lower_patch(Tcg *tcg, const Tb *tb, unsigned slot, const uint8_t *to) {
    const uint8_t *at = tb->host + tb->exits[slot].jump;
    tcg->backend->patch(cache_writable(tcg->cache, at), at, to);
}

static bool make_stubs(Tcg *tcg, const Frontend *fe) {
    uint8_t *start = cache_reserve(tcg->cache, MAX_BLOCK_BYTES);
    HostCode h = {.backend = tcg->backend, .start = start, .p = start, .end = start + MAX_BLOCK_BYTES - HOST_CODE_SPARE,
                  .exec = cache_exec(tcg->cache, start), .counting = tcg->config.icount, .stays = stays(tcg)};
    if (!tcg->backend->make_stubs(&h, &tcg->stubs, fe->slots, fe->slot_count, ldst_slow)) {
        return false;
    }
    cache_commit(tcg->cache, (size_t)(h.p - h.start));
    cache_keep(tcg->cache);
    return true;
}

/* x-break: makes one op wrong. */
static const Backend *break_rule(const Backend *be, unsigned op, unsigned by) {
    Backend *copy = g_memdup2(be, sizeof *be);
    const HostRule **rules = g_memdup2(be->rules, sizeof *rules * IR_OPS);
    rules[op] = rules[by];
    copy->rules = rules;
    return copy;
}

bool lower_init(Tcg *tcg, const Frontend *fe, GError **error) {
    tcg->cache = cache_new(tcg->config.cache_bytes, error);
    if (!tcg->cache) {
        return false;
    }
    tcg->backend = tcg->config.forced.host ? backend_x86_64_named(tcg->config.forced.host, error) : backend_x86_64_best();
    if (!tcg->backend) {
        return false;
    }
    const TcgForced *f = &tcg->config.forced;
    if (f->broken != f->broken_by) {
        tcg->backend = tcg->broken = break_rule(tcg->backend, f->broken, f->broken_by);
    }
    return make_stubs(tcg, fe);
}

void lower_finish(Tcg *tcg) {
    if (tcg->broken) {
        g_free((void *)(uintptr_t)tcg->broken->rules);
        g_free((void *)(uintptr_t)tcg->broken);
    }
    cache_free(tcg->cache);
}

void lower_cache_reset(Tcg *tcg) {
    if (tcg->cache) {
        cache_reset(tcg->cache);
    }
}
