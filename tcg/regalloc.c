/* SPDX-License-Identifier: MIT */
/*
 * regalloc.c - register allocation of one block: see regalloc.h.
 */
#include "tcg/regalloc.h"

#include <string.h>

enum { SOON = 32 }; /* nodes: what stays in a register that long is likely to lose it */

static bool is_vec_value(const Lower *l, uint32_t v) {
    return ir_type_is_vec((IrType)ra_node(l, v)->type);
}

/* -- the backward pass -- */

/* What the pass has to do for an op: one of a few cases, so that one jump tells all that is not known beforehand. */
enum {
    PREP_UNARY,    /* operand a is a value */
    PREP_BINARY,   /* a and b are */
    PREP_IN_PLACE, /* the same, or a alone; where the result should be is where an operand should be */
    PREP_GET,
    PREP_SET,
    PREP_LOAD,
    PREP_STORE,
    PREP_OTHER,    /* by what follows */
    PREP_REMOVABLE = 8,  /* nothing but its value is wanted; as a bit of the case: and nobody wants it */
    PREP_BARRIER = 32,   /* may leave the insn with what the insns before it have set, or begins or ends a region */
    PREP_SPECIAL = 64,
    PREP_A = 128,        /* operand a is a value... */
    PREP_B = 256,
    PREP_C = 512,
    PREP_FLAGS = 1024,   /* makes flags of a sum or difference, or wants some flags for less than all they are */
};
#define LETTER(o, k) (sizeof(o) > (k) + 1 ? (o)[sizeof(o) > (k) + 1 ? (k) : 0] : 's')
#define IS_VALUE(o, k) (LETTER(o, k) != 's' && LETTER(o, k) != 'i' && LETTER(o, k) != 'h' && LETTER(o, k) != 'A')
#define IS_ANY(op, a, b, c, d, e, f) ((op) == (a) || (op) == (b) || (op) == (c) || (op) == (d) || (op) == (e) || (op) == (f))
#define IS_IN_PLACE(op)                                                                                                \
    (IS_ANY(op, IR_and, IR_or, IR_xor, IR_mul, IR_shl, IR_vzext) || (op) == IR_bfi ||                                  \
     IS_ANY(op, IR_shr, IR_sar, IR_ror, IR_neg, IR_not, IR_andn))
#define IS_BARRIER(op) (IS_ANY(op, IR_skip_if, IR_end, IR_cas, IR_rmw, IR_ll, IR_sc) || (op) == IR_leave_if)
#define IS_FLAGS(op)                                                                                                   \
    (IS_ANY(op, IR_fl_add, IR_fl_sub, IR_fl_adc, IR_fl_sbc, IR_adc, IR_sbc) ||                                         \
     IS_ANY(op, IR_cset, IR_csel, IR_branch, IR_skip_if, IR_csel, IR_csel))
#define PREP_OF(op, o, props)                                                                                          \
    ((op) == IR_get ? PREP_GET | PREP_REMOVABLE : (op) == IR_set || (op) == IR_pend ? PREP_SET :                       \
     (op) == IR_ld ? PREP_LOAD : (op) == IR_st ? PREP_STORE : (op) == IR_nop ? PREP_OTHER | PREP_REMOVABLE :           \
     ((props) & PREP_REMOVABLE) | (IS_IN_PLACE(op) ? PREP_IN_PLACE : (props) & ~PREP_REMOVABLE || IS_BARRIER(op) ||    \
      IS_VALUE(o, 2) || !IS_VALUE(o, 0) || IS_FLAGS(op) ? PREP_OTHER | ((props) & ~PREP_REMOVABLE) |                   \
          (IS_BARRIER(op) ? PREP_BARRIER | PREP_SPECIAL : 0) | (IS_FLAGS(op) ? PREP_FLAGS : 0) : IS_VALUE(o, 1) ? PREP_BINARY : PREP_UNARY) |            \
     (IS_VALUE(o, 0) ? PREP_A : 0) | (IS_VALUE(o, 1) ? PREP_B : 0) | (IS_VALUE(o, 2) ? PREP_C : 0))
static const uint16_t prep[IR_OPS] = {
#define PURE PREP_REMOVABLE
#define FP 0
#define STATE 0
#define MEM PREP_SPECIAL
#define TERM PREP_SPECIAL
#define CTRL 0
#define FAULT (PREP_BARRIER | PREP_SPECIAL)
#define OP(name, result, o, props, meaning) [IR_##name] = PREP_OF(IR_##name, o, props),
#include "ir/ops.def"
#include "ir/ops_fp.def"
#include "ir/ops_vec.def"
#undef OP
};

static inline void note_use(RaValue *values, uint32_t v, uint32_t at) {
    RaValue *x = &values[v];
    x->uses++;
    unsigned last = x->last_use;
    x->last_use = (uint16_t)(last ? last : at);
}

/* A chain of arg nodes is used where its call stands, a pair where its op does. */
static void note_chain(Lower *l, uint32_t i) {
    const IrNode *n = ra_node(l, i);
    uint32_t chain = n->op == IR_call ? n->b : n->c;
    if (chain && ra_node(l, chain)->op == IR_pair) {
        note_use(l->values, ra_node(l, chain)->a, i);
        note_use(l->values, ra_node(l, chain)->b, i);
        return;
    }
    for (; chain; chain = ra_node(l, chain)->b) {
        note_use(l->values, ra_node(l, chain)->a, i);
    }
}

/* Is a pend of the slot left to the cold paths? What is pinned is set as usual, and needs no store. */
static bool pends_lazily(const Lower *l, uint32_t slot) {
    IrType t = (IrType)l->ir->slots[slot].type;
    return l->slot_pin[slot] == RA_NO_REG && (t == IR_I64 || t == IR_V128 || t == IR_FLAGS);
}

/* Flags that cold paths can make again: of a comparison of what is no constant with what fits an insn. */
static bool is_remade(const Lower *l, uint32_t flags) {
    const IrNode *f = ra_node(l, flags);
    uint64_t c;
    return f->op == IR_fl_sub && !ra_const(l, f->a, &c) &&
           (!ra_const(l, f->b, &c) || ra_node(l, f->b)->type == IR_I32 || (int64_t)c == (int32_t)c);
}

/* A pend is wanted by the faults up to the node `until`. */
static void note_pend(Lower *l, const IrNode *n, uint16_t until) {
    if (l->ir->slots[n->a].type == IR_FLAGS && is_remade(l, n->b)) {
        const IrNode *f = ra_node(l, n->b);
        for (unsigned k = 0; k < 2; k++) {
            RaValue *x = &l->values[f->arg[k]];
            x->last_use = MAX(x->last_use, until);
            x->uses++; /* nobody folds it into what uses it otherwise */
        }
    } else if (pends_lazily(l, n->a)) {
        l->values[n->b].last_use = MAX(l->values[n->b].last_use, until);
    }
}

static void note_fault(Lower *l, uint32_t at) {
    if (l->fault_count < RA_FAULTS) {
        l->faults[l->fault_count++] = (uint16_t)at;
    } else {
        l->failed = true;
    }
}

/* What the backward pass knows of the pins, of which RA_NO_REG is one. */
typedef struct Hints {
    uint32_t barrier;              /* nearest barrier behind the node looked at */
    uint32_t value[RA_NO_REG + 1]; /* by pin register: value that is going to be set into it, its def not yet seen... */
    uint32_t set_at[RA_NO_REG + 1]; /* ...and where */
} Hints;

/* The same number, of which the compiler makes no branches. */
static inline uint32_t opaque(uint32_t v) {
    __asm__("" : "+r"(v));
    return v;
}

/* A set, or pend, that is seen: the value of a pend is wanted up to the last fault that can see it. */
static inline void note_set(Lower *l, uint32_t i, const IrNode *n, RaValue *x, unsigned pin, uint32_t behind, Hints *h) {
    if (n->op == IR_pend && behind < l->fault_count) {
        note_pend(l, n, l->faults[behind]);
    }
    unsigned sums = l->sum_count;
    l->sums[sums] = (uint16_t)i;
    l->sum_count = sums + ((n[(int32_t)(n->b - i)].op == IR_add) & (sums < RA_SUMS));
    h->value[pin] = n->b;
    h->set_at[pin] = i;
    uint32_t none = -opaque(pin == RA_NO_REG);
    x->hint = (uint8_t)((x->hint & none) | (pin & ~none));
}

/* What else is no pure op. False: nobody wants it. */
static G_GNUC_NO_INLINE bool note_special(Lower *l, uint32_t i, IrNode *n) {
    if (n->op == IR_check || n->op == IR_aligned || n->op == IR_leave_if) {
        note_fault(l, i);
        return true;
    }
    if (n->op == IR_call && !l->values[i].uses && l->ir->helpers[n->a].flags == IRH_PURE) {
        *n = (IrNode){.op = IR_nop};
        return false;
    }
    if (ir_shows_slots(l->ir, n)) {
        ir_new_generation(l->ir);
    }
    if (n->op == IR_skip_if) {
        l->regions = true;
    } else if (n->op == IR_call || n->op == IR_cas) {
        note_chain(l, i);
    }
    return true;
}

/* Is v made by an op, and wanted only once? */
static bool is_made_for(const Lower *l, uint32_t v) {
    IrOp op = (IrOp)ra_node(l, v)->op;
    return l->values[v].uses == 1 && op != IR_get && op != IR_const;
}

/* n is best made in `pin`: the operand that its result replaces, in an insn of two operands, too. */
static G_GNUC_NO_INLINE void pass_hint(Lower *l, const IrNode *n, unsigned pin, Hints *h) { /* n is PREP_IN_PLACE */
    uint32_t origin = 0;
    switch (n->op) {
    case IR_vzext:
        origin = n->a;
        break;
    case IR_and: case IR_or: case IR_xor: case IR_mul:
        origin = is_made_for(l, n->a) ? n->a : is_made_for(l, n->b) ? n->b : 0;
        break;
    case IR_shl: case IR_shr: case IR_sar: case IR_ror: case IR_neg: case IR_not: case IR_andn: case IR_bfi:
        origin = is_made_for(l, n->a) ? n->a : 0;
        break;
    default:
        break;
    }
    if (origin) {
        l->values[origin].hint = (uint8_t)pin;
        h->value[pin] = origin;
    }
}

/* The hint of node i, now that all that stands behind it is known: is it the last that goes into the register, and does
 * nothing in between want what the register holds before? Nobody knows the answer beforehand: no branches. */
static inline void judge_hint(RaValue *x, uint32_t i, Hints *h) {
    unsigned pin = x->hint;
    uint32_t value = h->value[pin], other = opaque(value != i), late = opaque(h->barrier < h->set_at[pin]);
    x->hint = (uint8_t)(pin | -(other | late)); /* RA_NO_REG has all bits */
    h->value[pin] = value & -other;
}

/* The op in front of the flags at i that leaves them in the host's flags, or 0. In between nothing may change those, and
 * nothing but the op's own result be set, for the operands of both are used where the op stands. */
static uint32_t arith_of(const Lower *l, uint32_t i) {
    static const uint16_t arith[IR_OPS] = {
        [IR_fl_add] = IR_add, [IR_fl_sub] = IR_sub, [IR_fl_adc] = IR_adc, [IR_fl_sbc] = IR_sbc};
    const IrNode *n = ra_node(l, i);
    uint32_t set = 0;
    for (uint32_t k = i - 1; k > 0 && i - k < 8; k--) {
        const IrNode *m = ra_node(l, k);
        if (m->op == arith[n->op]) {
            return m->a == n->a && m->b == n->b && m->c == n->c && (!set || set == k) ? k : 0;
        }
        if ((m->op == IR_set || m->op == IR_pend) && l->ir->slots[m->a].type != IR_FLAGS && (!set || set == m->b)) {
            set = m->b;
        } else if (m->op != IR_nop && m->op != IR_const && m->op != IR_get) {
            return 0;
        }
    }
    return 0;
}

static void note_kin(RaValue *x) {
    x->kin += x->kin != UINT8_MAX;
}

/* Where the operands of a PREP_FLAGS op are used. */
static G_GNUC_NO_INLINE uint32_t note_flags(Lower *l, uint32_t i, const IrNode *n) {
    uint32_t k;
    switch (n->op) {
    case IR_adc: case IR_sbc:
        note_kin(&l->values[n->c]);
        return i;
    case IR_fl_adc: case IR_fl_sbc:
        note_kin(&l->values[n->c]);
        break;
    case IR_fl_add: case IR_fl_sub:
        break;
    default:
        if ((n->aux & 14) == IR_CS && n->type != IR_V128) { /* that select is made in C */
            note_kin(&l->values[n->a]);
        }
        return i;
    }
    k = arith_of(l, i);
    if (k) {
        l->values[i].follows = true;
        l->values[k].flags_at = (i - k) & 7;
        return k;
    }
    return i;
}

static const RaValue fresh = {.env = -1, .spill = -1, .reg = RA_NO_REG, .hint = RA_NO_REG};

/* Many at once: most blocks need one round, so that its end is foreseen. */
static void make_fresh(RaValue *values, uint32_t count) {
    typedef uint32_t Four __attribute__((vector_size(16)));
    Four four;
    memcpy(&four, &fresh, sizeof four);
    for (uint32_t i = 0; i < count; i += RA_FRESH) {
#pragma GCC unroll 32
        for (unsigned k = 0; k < RA_FRESH; k++) {
            memcpy(&values[i + k], &four, sizeof four);
        }
    }
}

/* The nodes that may become code, with insns. */
static uint16_t *list_with_insns(Lower *l) {
    const IrBlock *ir = l->ir;
    uint16_t *at = l->work;
    for (uint32_t i = 1; i < ir->count; i++) {
        if (ir->nodes[i].op == IR_insn || !(ir_append_kinds[ir->nodes[i].op] & IR_APPEND_NO_CODE)) {
            *at++ = (uint16_t)i;
        }
    }
    return at;
}

/* An op that is none of the frequent ones. */
static bool note_other(Lower *l, uint32_t i, IrNode *n, unsigned todo, Hints *h) {
    judge_hint(&l->values[i], i, h);
    if (todo & PREP_SPECIAL) {
        if (!note_special(l, i, n)) {
            return false;
        }
        h->barrier = todo & PREP_BARRIER ? i : h->barrier;
    }
    uint32_t use = todo & PREP_FLAGS ? note_flags(l, i, n) : i;
    for (unsigned k = 0; k < 3; k++) {
        if (todo & PREP_A << k) {
            note_use(l->values, n->arg[k], use);
        }
    }
    return true;
}

/* The op at i goes, which was to leave flags that are wanted: they are made where they stand, after all. */
static void make_flags_alone(Lower *l, uint32_t i) {
    uint32_t at = i + l->values[i].flags_at;
    const IrNode *n = ra_node(l, at);
    l->values[at].follows = false;
    for (unsigned k = 0; k < 3; k++) {
        if (prep[n->op] & PREP_A << k) {
            l->values[n->arg[k]].last_use = MAX(l->values[n->arg[k]].last_use, (uint16_t)at);
        }
    }
}

/* The walk: returns where, in work, it has got to. */
static uint16_t *walk_back(Lower *l, const uint16_t *first, const uint16_t *at, uint16_t *work, Hints *h) {
    IrBlock *ir = l->ir;
    IrNode *nodes = ir->nodes;
    RaValue *values = l->values;
    struct IrDead *dead = ir->dead, *d;
    const uint8_t *slot_pin = l->slot_pin;
    uint32_t gen = ir->gen;
    while (at > first) {
        uint32_t i = *--at;
        IrNode *n = &nodes[i];
        RaValue *x = &values[i];
        unsigned todo = prep[n->op];
        uint32_t behind;
        *--work = (uint16_t)i;
        switch (todo & (opaque(x->uses == 0) * PREP_REMOVABLE | 7)) {
        case PREP_BINARY:
            note_use(values, n->b, i);
            /* fall through */
        case PREP_UNARY:
            note_use(values, n->a, i);
            judge_hint(x, i, h);
            break;
        case PREP_IN_PLACE:
            note_use(values, n->a, i);
            if (todo & PREP_B) {
                note_use(values, n->b, i);
            }
            judge_hint(x, i, h);
            if (x->hint != RA_NO_REG) {
                pass_hint(l, n, x->hint, h);
            }
            break;
        case PREP_GET:
            judge_hint(x, i, h);
            h->value[slot_pin[n->a]] = 0;
            dead[n->a].gen = gen - 1;
            break;
        case PREP_SET:
            d = &dead[n->a];
            behind = d->faults;
            if (ir_dead_set(d, gen, n, l->fault_count)) {
                note_use(values, n->b, i);
                note_set(l, i, n, &values[n->b], slot_pin[n->a], behind, h);
            } else {
                work++;
            }
            break;
        case PREP_STORE:
            note_use(values, n->c, i);
            /* fall through */
        case PREP_LOAD:
            note_use(values, n->a, i);
            note_use(values, n->b, i);
            note_kin(&values[n->b]);
            judge_hint(x, i, h);
            break;
        case PREP_OTHER:
            work += !note_other(l, i, n, todo, h);
            gen = ir->gen;
            break;
        case PREP_REMOVABLE ... PREP_REMOVABLE + 7:
            work++;
            if (x->flags_at) {
                make_flags_alone(l, i);
            }
            *n = (IrNode){.op = IR_nop};
            break;
        }
    }
    return work;
}

void ra_prepare(Lower *l) {
    IrBlock *ir = l->ir;
    Hints h; /* a register that is somebody's hint has been written there */

    l->fault_count = l->pend_count = 0;
    l->regions = false;
    l->sum_count = 0;
    h.barrier = UINT32_MAX;
    h.value[RA_NO_REG] = h.set_at[RA_NO_REG] = 0;
    make_fresh(l->values, ir->count);
    ir_new_generation(ir);
    l->work_end = l->work + l->capacity * 2;
    if (l->lists_insns) {
        l->work_begin = walk_back(l, l->work, list_with_insns(l), l->work_end, &h);
    } else {
        l->work_begin = walk_back(l, ir->code, ir->code + ir->code_count, l->work_end, &h);
    }
    l->values[0] = fresh;
}

void ra_extend(Lower *l, uint32_t v, uint32_t last_use) {
    RaValue *x = &l->values[v];
    if (x->last_use < last_use) {
        x->last_use = (uint16_t)last_use;
        if (x->reg != RA_NO_REG && l->until[x->reg] < last_use) {
            l->until[x->reg] = (uint16_t)last_use;
        }
    }
}

/* -- registers -- */

static void link_reg(Lower *l, uint32_t v, unsigned reg) {
    RaValue *x = &l->values[v];
    l->until[reg] = l->occupied >> reg & 1 ? MAX(l->until[reg], x->last_use) : x->last_use;
    l->occupied |= 1u << reg;
    if (l->until[reg] < l->next_death && (l->scratch[0] | l->scratch[1]) >> reg & 1) {
        l->next_death = l->until[reg];
    }
    x->reg = (uint8_t)reg;
    x->next = l->head[reg];
    l->head[reg] = (uint16_t)v;
}

static void unlink_reg(Lower *l, uint32_t v) {
    RaValue *x = &l->values[v];
    unsigned reg = x->reg;
    if (reg == RA_NO_REG) {
        return;
    }
    x->reg = RA_NO_REG;
    uint16_t *at = &l->head[reg];
    if (*at == v && !x->next) { /* alone */
        *at = 0;
        l->occupied &= ~(1u << reg);
        return;
    }
    uint16_t until = 0;
    for (uint32_t u = *at; u; u = *at) {
        if (u == v) {
            *at = x->next;
        } else {
            until = MAX(until, l->values[u].last_use);
            at = &l->values[u].next;
        }
    }
    l->until[reg] = until;
}

void ra_release(Lower *l, unsigned reg) {
    for (uint32_t v = l->head[reg]; v; v = l->values[v].next) {
        l->values[v].reg = RA_NO_REG;
    }
    l->head[reg] = 0;
    l->occupied &= ~(1u << reg);
}

void ra_attach(Lower *l, uint32_t v, unsigned reg) {
    unlink_reg(l, v);
    link_reg(l, v, reg);
}

HostOperand ra_spill_slot(Lower *l, uint32_t v) {
    RaValue *x = &l->values[v];
    if (x->spill < 0) {
        unsigned words = G_N_ELEMENTS(l->spill_used);
        unsigned w = 0;
        while (w < words && l->spill_used[w] == UINT64_MAX) {
            w++;
        }
        if (w == words) {
            l->failed = true;
            x->spill = 0;
        } else {
            unsigned bit = (unsigned)__builtin_ctzll(~l->spill_used[w]);
            l->spill_used[w] |= UINT64_C(1) << bit;
            x->spill = (int16_t)((w * 64 + bit) * 16);
        }
    }
    return (HostOperand){.kind = HOST_STACK, .disp = x->spill};
}

static void free_spill(Lower *l, RaValue *x) {
    if (x->spill >= 0) {
        unsigned n = (unsigned)x->spill / 16;
        l->spill_used[n / 64] &= ~(UINT64_C(1) << (n % 64));
        x->spill = -1;
    }
}

static IrType storage_type(const Lower *l, uint32_t v) {
    IrType t = (IrType)ra_node(l, v)->type;
    return t == IR_I32 ? IR_I64 : t; /* whole registers: an i32 may share one with an i64 */
}

static void drop_pend(Lower *l, unsigned k) {
    l->pend[k] = l->pend[--l->pend_count];
}

/* The slot's memory holds v from now on. */
static void lives_in_slot(Lower *l, uint32_t slot, uint32_t v) {
    l->values[v].env = (int32_t)l->ir->slots[slot].offset;
    ra_lazy(l, slot, ra_node(l, v)->type == IR_I32, v);
}

/* A value that cold paths would store into its slot is best spilled there. */
HostOperand ra_home(Lower *l, uint32_t v) {
    for (unsigned k = 0; k < l->pend_count; k++) {
        uint32_t slot = l->pend[k].slot;
        if (l->pend[k].value == v) {
            lives_in_slot(l, slot, v);
            drop_pend(l, k);
            return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)l->ir->slots[slot].offset};
        }
    }
    return ra_spill_slot(l, v);
}

/* Gives v a memory home, so that its register can be taken away. */
static void spill_value(Lower *l, uint32_t v) {
    HostOperand mem;
    uint64_t imm;
    if (ra_memory(l, v, &mem) || ra_const(l, v, &imm)) {
        return;
    }
    unsigned reg = l->values[v].reg;
    l->be->store(l->h, storage_type(l, v), ra_home(l, v), reg);
}

bool ra_vacate(Lower *l, unsigned reg) {
    uint32_t others = l->scratch[reg >= l->be->vec_base] & ~l->occupied & ~l->locked & ~(1u << reg);
    uint32_t plain = others & ~l->special;
    if (!(l->occupied >> reg & 1) || !others) {
        return !(l->occupied >> reg & 1);
    }
    unsigned to = (unsigned)__builtin_ctz(plain ? plain : others);
    l->be->mov(l->h, reg >= l->be->vec_base ? IR_V128 : IR_I64, to, reg);
    while (l->head[reg]) {
        ra_attach(l, l->head[reg], to);
    }
    return true;
}

bool ra_is_pended(const Lower *l, uint32_t v) {
    for (unsigned k = 0; k < l->pend_count; k++) {
        if (l->pend[k].value == v) {
            return !is_remade(l, v);
        }
    }
    return false;
}

/* Takes a register away from all values in it. */
static void evict(Lower *l, unsigned reg) {
    while (l->head[reg]) {
        uint32_t v = l->head[reg];
        if (l->values[v].last_use >= l->now) {
            spill_value(l, v);
        }
        unlink_reg(l, v);
    }
}

/* All registers of the class and mask are in use: takes the one away that is wanted last. */
static unsigned take_away(Lower *l, uint32_t candidates, uint32_t any) {
    unsigned best = RA_NO_REG;
    for (uint32_t m = candidates; m; m &= m - 1) {
        unsigned reg = (unsigned)__builtin_ctz(m);
        if (best == RA_NO_REG || l->until[reg] > l->until[best]) {
            best = reg;
        }
    }
    if (best == RA_NO_REG) { /* a rule asks for more registers than there are: a bug of the backend */
        l->failed = true;
        return (unsigned)__builtin_ctz(any);
    }
    evict(l, best);
    l->locked |= 1u << best;
    return best;
}

unsigned ra_alloc(Lower *l, bool vec, uint32_t mask) {
    uint32_t any = ra_class_mask(l, vec) & mask, candidates = any & ~l->locked, empty = candidates & ~l->occupied;
    if (!empty) {
        return take_away(l, candidates, any);
    }
    uint32_t plain = empty & ~l->special; /* registers with a use of their own come last */
    unsigned reg = (unsigned)__builtin_ctz(plain ? plain : empty);
    l->locked |= 1u << reg;
    return reg;
}

unsigned ra_spare(Lower *l) {
    uint32_t empty = ra_class_mask(l, false) & ~l->locked & ~l->occupied;
    if (!empty) {
        return RA_NO_REG;
    }
    unsigned reg = (unsigned)__builtin_ctz(empty);
    l->locked |= 1u << reg;
    return reg;
}

void ra_take(Lower *l, unsigned reg) {
    if (!ra_vacate(l, reg)) {
        evict(l, reg);
    }
    l->locked |= 1u << reg;
}

unsigned ra_fetch(Lower *l, uint32_t v, uint32_t mask) {
    RaValue *x = &l->values[v];
    bool vec = is_vec_value(l, v);
    uint64_t imm;
    HostOperand mem;
    IrType type = (IrType)ra_node(l, v)->type;
    unsigned reg;
    mask &= l->all[vec];
    if (x->reg != RA_NO_REG) { /* in the wrong register: a copy for this use */
        unsigned from = x->reg;
        l->locked |= 1u << from;
        reg = ra_alloc(l, vec, mask);
        l->be->mov(l->h, storage_type(l, v), reg, from);
        return reg;
    }
    reg = ra_alloc(l, vec, mask);
    if (ra_const(l, v, &imm)) {
        l->be->load_imm(l->h, type, reg, imm);
        x->clean = true;
    } else if (ra_memory(l, v, &mem)) {
        l->be->load(l->h, type, reg, mem);
        x->clean = true;
    } else {
        l->failed = true;
    }
    link_reg(l, v, reg);
    return reg;
}

HostOperand ra_operand_in(Lower *l, uint32_t v, uint32_t letters) {
    const IrNode *n = ra_node(l, v);
    HostOperand mem;
    if (n->op == IR_const && letters & (RA_LETTER('i') | RA_LETTER('j'))) {
        int64_t value = n->type == IR_I32 ? (int64_t)(int32_t)n->a : (int64_t)(n->a | (uint64_t)n->b << 32);
        if (letters & RA_LETTER('j') || value == (int32_t)value) {
            return (HostOperand){.kind = HOST_IMM, .imm = value};
        }
    }
    if (l->values[v].reg == RA_NO_REG && letters & RA_LETTER('m') && ra_memory(l, v, &mem) &&
        (ra_dead_after(l, v) || (mem.kind == HOST_ENV && l->values[v].last_use > l->now + SOON))) {
        return mem;
    }
    uint32_t mask = letters & RA_LETTER('c') ? 1u << l->be->shift_reg : UINT32_MAX;
    return (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ra_use(l, v, mask)};
}

unsigned ra_define(Lower *l, uint32_t v, bool early) {
    RaValue *x = &l->values[v];
    bool vec = is_vec_value(l, v);
    unsigned reg = x->hint;
    if (reg != RA_NO_REG && (l->all[vec] >> reg & 1) && (early ? l->until[reg] < l->now || !(l->occupied >> reg & 1) : ra_is_ending(l, reg))) {
        ra_release(l, reg);
        l->locked |= 1u << reg;
    } else {
        reg = RA_NO_REG;
        /* An operand that dies here may give its register. */
        for (uint32_t m = early ? 0 : l->locked & ra_class_mask(l, vec); m && reg == RA_NO_REG; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctz(m);
            if ((l->occupied >> r & 1) && l->until[r] <= l->now) {
                reg = r;
            }
        }
        if (reg == RA_NO_REG) {
            reg = ra_alloc(l, vec, UINT32_MAX);
        }
        ra_release(l, reg);
    }
    link_reg(l, v, reg);
    x->clean = true;
    return reg;
}

void ra_alias(Lower *l, uint32_t v, uint32_t of) {
    const RaValue *y = &l->values[of];
    RaValue *x = &l->values[v];
    HostOperand mem;
    if (y->reg == RA_NO_REG && ra_memory(l, of, &mem)) {
        if (y->env >= 0) {
            ra_use(l, of, UINT32_MAX); /* the slot may be set while v lives */
        } else {
            ra_use(l, of, UINT32_MAX);
        }
    } else if (y->reg == RA_NO_REG) {
        ra_use(l, of, UINT32_MAX);
    }
    link_reg(l, v, y->reg);
    x->clean = false;
}

/* -- guest slots -- */

/* The memory of a slot is about to change: values that live only there move away. */
static void save_lazy(Lower *l, uint32_t slot, uint32_t except) {
    for (unsigned k = 0; k < 2; k++) {
        uint32_t v = l->slot_lazy[slot][k];
        l->slot_lazy[slot][k] = 0;
        if (!v || v == except) {
            continue;
        }
        RaValue *x = &l->values[v];
        if (x->last_use > l->now && x->reg == RA_NO_REG && x->spill < 0) {
            if (ra_node(l, v)->type == IR_FLAGS) {
                HostOperand from = {.kind = HOST_ENV, .disp = x->env};
                uint32_t locked = l->locked;
                unsigned reg = ra_alloc(l, false, UINT32_MAX);
                l->be->load(l->h, IR_FLAGS, reg, from);
                l->be->store(l->h, IR_FLAGS, ra_spill_slot(l, v), reg);
                l->locked = locked;
            } else {
                ra_use(l, v, UINT32_MAX);
            }
        }
        x->env = -1;
    }
}

void ra_get(Lower *l, uint32_t v, uint32_t slot) {
    const IrSlot *s = &l->ir->slots[slot];
    IrType type = (IrType)ra_node(l, v)->type;
    RaValue *x = &l->values[v];
    if (!x->last_use) {
        return;
    }
    if (l->slot_pin[slot] != RA_NO_REG) {
        link_reg(l, v, l->slot_pin[slot]);
        x->clean = false;
        return;
    }
    if (s->type == IR_I8 || s->type == IR_I16) {
        unsigned reg = ra_define(l, v, false);
        l->be->load(l->h, (IrType)s->type, reg, (HostOperand){.kind = HOST_ENV, .disp = (int32_t)s->offset});
        return;
    }
    if (l->slot_lazy[slot][type == IR_I32]) {
        save_lazy(l, slot, 0); /* only one value of a kind is known to live there */
    }
    x->env = (int32_t)s->offset;
    ra_lazy(l, slot, type == IR_I32, v);
}

void ra_set_pin(Lower *l, unsigned pin, uint32_t v) {
    RaValue *x = &l->values[v];
    IrType type = (IrType)ra_node(l, v)->type;
    bool narrow = type == IR_I32;
    uint64_t imm;
    HostOperand mem;
    if (x->reg == pin) {
        if (narrow && !x->clean) {
            /* Others that share the register may need its upper half. */
            for (uint32_t u = l->head[pin], next; u; u = next) {
                next = l->values[u].next;
                if (u != v && l->values[u].last_use > l->now && ra_node(l, u)->type == IR_I64) {
                    uint32_t locked = l->locked;
                    l->locked |= 1u << pin;
                    unsigned reg = ra_alloc(l, false, UINT32_MAX);
                    l->be->mov(l->h, IR_I64, reg, pin);
                    ra_attach(l, u, reg);
                    l->locked = locked;
                }
            }
            l->be->zext32(l->h, pin, pin);
            x->clean = true;
        }
        return;
    }
    l->locked |= 1u << pin;
    if (x->reg != RA_NO_REG) {
        l->locked |= 1u << x->reg;
    }
    bool vec = pin >= l->be->vec_base;
    unsigned refuge = RA_NO_REG;
    while (l->head[pin]) {
        uint32_t u = l->head[pin];
        unlink_reg(l, u);
        if (l->values[u].last_use > l->now) {
            if (refuge == RA_NO_REG) {
                refuge = ra_alloc(l, vec, UINT32_MAX);
                l->be->mov(l->h, vec ? IR_V128 : IR_I64, refuge, pin);
            }
            link_reg(l, u, refuge);
        }
    }
    if (x->reg != RA_NO_REG) {
        if (narrow) {
            l->be->zext32(l->h, pin, x->reg);
        } else {
            l->be->mov(l->h, type, pin, x->reg);
        }
    } else if (ra_const(l, v, &imm)) {
        l->be->load_imm(l->h, type, pin, imm);
    } else if (ra_memory(l, v, &mem)) {
        l->be->load(l->h, type, pin, mem);
    } else {
        l->failed = true;
    }
    /* From now on v lives in the pin; a scratch register it had becomes free. */
    if (x->last_use > l->now && (x->reg == RA_NO_REG || ra_class_mask(l, vec) >> x->reg & 1)) {
        ra_attach(l, v, pin);
        x->clean = true;
    }
}

void ra_forget_pend(Lower *l, uint32_t slot) {
    for (unsigned k = 0; k < l->pend_count; k++) {
        if (l->pend[k].slot == slot) {
            drop_pend(l, k);
            return;
        }
    }
}

void ra_set(Lower *l, uint32_t slot, uint32_t v) {
    const IrSlot *s = &l->ir->slots[slot];
    RaValue *x = &l->values[v];
    IrType type = (IrType)ra_node(l, v)->type;
    HostOperand mem = {.kind = HOST_ENV, .disp = (int32_t)s->offset};
    uint64_t imm;
    if (l->slot_pin[slot] != RA_NO_REG) {
        ra_set_pin(l, l->slot_pin[slot], v);
        return;
    }
    ra_forget_pend(l, slot);
    if (x->env == mem.disp && l->slot_lazy[slot][type == IR_I32] == v && type == (IrType)s->type) {
        return; /* it is there already */
    }
    if (x->env == mem.disp) {
        ra_use(l, v, UINT32_MAX); /* it is about to lose this home */
    }
    save_lazy(l, slot, 0);
    if (ra_const(l, v, &imm) && x->reg == RA_NO_REG &&
        ((int64_t)imm == (int32_t)imm || s->type == IR_I32 || s->type == IR_I16 || s->type == IR_I8)) {
        l->be->store_imm(l->h, (IrType)s->type, mem, (int32_t)imm);
        return;
    }
    unsigned reg = ra_use(l, v, UINT32_MAX);
    if (type == IR_I32 && s->type == IR_I64 && !x->clean) {
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->zext32(l->h, tmp, reg);
        reg = tmp;
    }
    l->be->store(l->h, (IrType)s->type, mem, reg);
    if (x->env < 0 && (type == (IrType)s->type || (type == IR_I32 && s->type == IR_I64))) {
        lives_in_slot(l, slot, v);
    }
}

void ra_pend(Lower *l, uint32_t slot, uint32_t v) {
    RaValue *x = &l->values[v];
    HostOperand mem;
    uint64_t imm;
    if (!pends_lazily(l, slot) || l->pend_count == HOST_COLD_PENDS || x->last_use <= l->now ||
        (ra_node(l, v)->type == IR_I32 && !x->clean && !ra_const(l, v, &imm))) {
        ra_set(l, slot, v);
        return;
    }
    ra_forget_pend(l, slot);
    save_lazy(l, slot, 0); /* cold paths are going to write there */
    if (x->reg == RA_NO_REG && !ra_const(l, v, &imm) && !ra_memory(l, v, &mem)) {
        l->failed = true;
    }
    l->pend[l->pend_count++] = (RaPend){slot, v};
}

bool ra_pend_flags(Lower *l, uint32_t slot, uint32_t v) {
    const IrNode *f = ra_node(l, v);
    uint64_t c;
    ra_forget_pend(l, slot);
    if (l->pend_count == HOST_COLD_PENDS || f->op == IR_fl_nzcv) { /* of a constant they may be: those are nowhere */
        return false;
    } else if (is_remade(l, v)) {
        if (l->values[f->a].last_use <= l->now || (!ra_const(l, f->b, &c) && l->values[f->b].last_use <= l->now)) {
            return false;
        }
    } else if (l->values[v].last_use <= l->now) {
        return false;
    }
    save_lazy(l, slot, 0); /* cold paths are going to write there */
    l->pend[l->pend_count++] = (RaPend){slot, v};
    return true;
}

/* Where a value is, for a cold path made here. */
static HostOperand cold_operand(Lower *l, uint32_t v) {
    HostOperand o = {.kind = HOST_REG, .reg = l->values[v].reg};
    uint64_t imm;
    if (ra_const(l, v, &imm)) {
        o = (HostOperand){.kind = HOST_IMM, .imm = ra_node(l, v)->type == IR_I32 ? (int32_t)imm : (int64_t)imm};
    } else if (o.reg == RA_NO_REG && !ra_memory(l, v, &o)) {
        l->failed = true;
    }
    return o;
}

/* Flags that the host's hold here, or that are made again. False: they are stored like other values. */
static bool tell_flags(Lower *l, HostCold *c, const RaPend *p) {
    const IrNode *f = ra_node(l, p->value);
    if (l->flags_value == p->value) {
        c->compare[0].kind = HOST_NONE;
        c->flags_polarity = l->flags_polarity;
    } else if (!is_remade(l, p->value)) {
        return false;
    } else if (l->values[f->a].last_use < l->now) {
        return true; /* its set is near */
    } else {
        c->compare[0] = cold_operand(l, f->a);
        c->compare[1] = cold_operand(l, f->b);
        c->compare_type = (IrType)ra_node(l, f->a)->type;
    }
    c->flags_to = (HostOperand){.kind = HOST_ENV, .disp = (int32_t)l->ir->slots[p->slot].offset};
    return true;
}

void ra_pends(Lower *l, HostCold *c) {
    c->pends = 0;
    c->flags_to.kind = HOST_NONE;
    for (unsigned k = 0; k < l->pend_count; k++) {
        uint32_t v = l->pend[k].value;
        uint64_t imm;
        if (ra_node(l, v)->type == IR_FLAGS && tell_flags(l, c, &l->pend[k])) {
            continue;
        }
        if (l->values[v].last_use < l->now) {
            continue; /* its set is near */
        }
        HostOperand value = {.kind = HOST_REG, .reg = l->values[v].reg};
        if (ra_const(l, v, &imm)) {
            value = (HostOperand){.kind = HOST_IMM, .imm = (int64_t)imm};
        } else if (value.reg == RA_NO_REG && !ra_memory(l, v, &value)) {
            l->failed = true;
        }
        c->pend[c->pends].value = value;
        c->pend[c->pends].to = (HostOperand){.kind = HOST_ENV, .disp = (int32_t)l->ir->slots[l->pend[k].slot].offset};
        IrType type = (IrType)l->ir->slots[l->pend[k].slot].type, from = (IrType)ra_node(l, v)->type;
        bool extended = value.kind == HOST_REG && l->values[v].clean;
        c->pend[c->pends].type = type;
        c->pend[c->pends++].from = type == IR_I64 && from == IR_I32 && !extended ? IR_I32 : type;
    }
}

/* -- bookkeeping between nodes -- */

void ra_bury(Lower *l) {
    uint32_t next = UINT32_MAX;
    for (uint32_t m = l->occupied & (l->scratch[0] | l->scratch[1]); m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctz(m);
        if (l->until[r] > l->now) {
            next = MIN(next, l->until[r]);
            continue;
        }
        for (uint32_t v = l->head[r]; v; v = l->values[v].next) {
            l->values[v].reg = RA_NO_REG;
            free_spill(l, &l->values[v]);
        }
        l->head[r] = 0;
        l->occupied &= ~(1u << r);
    }
    l->next_death = next;
}

void ra_spill_scratch(Lower *l) {
    for (uint32_t m = l->be->scratch; m; m &= m - 1) {
        evict(l, (unsigned)__builtin_ctz(m));
    }
}

/* What lives in the memory of a slot moves into the spill area. */
static void spill_lazy(Lower *l, uint32_t slot) {
    for (unsigned k = 0; k < 2; k++) {
        uint32_t v = l->slot_lazy[slot][k];
        RaValue *x = &l->values[v];
        uint64_t imm;
        if (!v) {
            continue;
        }
        if (x->last_use > l->now && x->spill < 0 && !ra_const(l, v, &imm)) {
            uint32_t locked = l->locked;
            IrType type = (IrType)ra_node(l, v)->type;
            unsigned reg = ra_alloc(l, is_vec_value(l, v), UINT32_MAX);
            l->be->load(l->h, type, reg, (HostOperand){.kind = HOST_ENV, .disp = x->env});
            l->be->store(l->h, type, ra_spill_slot(l, v), reg);
            l->locked = locked;
        }
        x->env = -1;
        l->slot_lazy[slot][k] = 0;
    }
}

void ra_spill_all(Lower *l) {
    for (uint32_t m = l->occupied; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctz(m);
        for (uint32_t v = l->head[r]; v; v = l->values[v].next) {
            uint64_t imm;
            if (l->values[v].last_use > l->now && l->values[v].spill < 0 && !ra_const(l, v, &imm)) {
                l->be->store(l->h, storage_type(l, v), ra_spill_slot(l, v), r);
            }
        }
        ra_release(l, r);
    }
    for (unsigned word = 0; word <= l->ir->slot_count / 64; word++) {
        for (; l->lazy_slots[word]; l->lazy_slots[word] &= l->lazy_slots[word] - 1) {
            spill_lazy(l, word * 64 + (unsigned)__builtin_ctzll(l->lazy_slots[word]));
        }
    }
}

void ra_forget_lazy(Lower *l) {
    for (unsigned word = 0; word <= l->ir->slot_count / 64; word++) {
        for (; l->lazy_slots[word]; l->lazy_slots[word] &= l->lazy_slots[word] - 1) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(l->lazy_slots[word]);
            l->slot_lazy[slot][0] = l->slot_lazy[slot][1] = 0;
        }
    }
}
