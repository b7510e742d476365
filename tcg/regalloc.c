/* SPDX-License-Identifier: MIT */
/*
 * regalloc.c - register allocation of one block: see regalloc.h.
 */
#include "tcg/regalloc.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SOON = 32 }; /* nodes: what stays in a register that long is likely to lose it */

static bool is_vec_value(const Lower *l, uint32_t v) {
    return ir_type_is_vec((IrType)ra_node(l, v)->type);
}

/* -- before the walk -- */

enum { /* see RA_NEEDED */
    IN_PLACE = 2, /* an insn of two operands: where the result should be is where the first operand should be... */
    EITHER = 4,   /* ...or the second */
};
#define IS_ANY(op, a, b, c, d) ((op) == (a) || (op) == (b) || (op) == (c) || (op) == (d))
#define IS_REMOVABLE(op, props) ((props) & IR_PURE || IS_ANY(op, IR_get, IR_set, IR_pend, IR_nop) || (op) == IR_call)
#define IS_EITHER(op) IS_ANY(op, IR_and, IR_or, IR_xor, IR_mul)
#define IS_IN_PLACE(op)                                                                                                \
    (IS_EITHER(op) || IS_ANY(op, IR_shl, IR_shr, IR_sar, IR_ror) || IS_ANY(op, IR_neg, IR_not, IR_andn, IR_bfi) || (op) == IR_vzext)
const uint8_t ra_kinds[IR_OPS] = {
#define PURE IR_PURE
#define FP 0
#define STATE 0
#define MEM 0
#define TERM 0
#define CTRL 0
#define FAULT 0
#define OP(name, result, o, props, meaning)                                                                            \
    [IR_##name] = (IS_REMOVABLE(IR_##name, props) ? 0 : RA_NEEDED) | (IS_IN_PLACE(IR_##name) ? IN_PLACE : 0) | \
                  (IS_EITHER(IR_##name) ? EITHER : 0),
#include "ir/ops.def"
#include "ir/ops_fp.def"
#include "ir/ops_vec.def"
#undef OP
};

/* The op at i goes, which was to leave flags that are wanted: they are made where they stand, after all. */
static void make_flags_alone(Lower *l, uint32_t i) {
    uint32_t at = i + l->values[i].flags_at;
    const IrNode *n = ra_node(l, at);
    unsigned values = ir_ops[n->op].values;
    l->values[at].follows = false;
    l->values[i].flags_at = 0;
    for (unsigned k = 0; k < 3; k++) {
        if (values >> k & 1) {
            ra_extend(l, n->arg[k], at);
        }
    }
}

/* The flags at i go, which an op in front of them was to leave. */
static void make_no_flags(Lower *l, uint32_t i) {
    l->values[i].follows = false;
    for (uint32_t k = i - 1; k > 0 && i - k < 8; k--) {
        if (l->values[k].flags_at == i - k) {
            l->values[k].flags_at = 0;
        }
    }
}

void ra_drop(Lower *l, uint32_t i) {
    if (l->values[i].flags_at) {
        make_flags_alone(l, i);
    }
    if (l->values[i].follows) {
        make_no_flags(l, i);
    }
}

static void forget_op(Lower *l, uint32_t i);

static void forget_use(Lower *l, uint32_t v) {
    RaValue *x = &l->values[v];
    if (--x->uses == 0) {
        x->last_use = 0;
        if (!(ra_kinds[ra_node(l, v)->op] & RA_NEEDED)) {
            forget_op(l, v);
        }
    }
}

/* Nobody wants what the op at i does, nor, then, what it alone wanted. */
static void forget_op(Lower *l, uint32_t i) {
    const IrNode *n = ra_node(l, i);
    RaValue *kin = &l->values[ir_kin_operand(n)];
    unsigned values = ir_ops[n->op].values;
    ra_drop(l, i);
    kin->kin -= kin->kin != UINT8_MAX;
    if (n->op == IR_call) {
        for (uint32_t chain = n->b; chain; chain = ra_node(l, chain)->b) {
            forget_use(l, ra_node(l, chain)->a);
        }
        return;
    }
    for (unsigned k = 0; k < 3; k++) {
        if (values >> k & 1) {
            forget_use(l, n->arg[k]);
        }
    }
}

/* Is v made by an op behind the node `from`, for nothing else, and wanted by the node `by` for the last time? */
static bool is_made_for(const Lower *l, uint32_t v, uint32_t by, uint32_t from) {
    IrOp op = (IrOp)ra_node(l, v)->op;
    const RaValue *x = &l->values[v];
    return v >= from && x->hint == RA_NO_REG && (x->last_use == by || ra_node(l, by)->op == IR_vzext) && op != IR_get &&
           op != IR_const;
}

/* v is best made where it has its hint: so is the operand that its result replaces, or is the same as, and so on. */
static G_GNUC_NO_INLINE void pass_hint(Lower *l, uint32_t v) {
    const IrNode *n = ra_node(l, v);
    unsigned hint = l->values[v].hint, from = l->values[v].next;
    for (; ra_kinds[n->op] & IN_PLACE; n = ra_node(l, v)) {
        bool first = is_made_for(l, n->a, v, from);
        bool second = !first && ra_kinds[n->op] & EITHER && is_made_for(l, n->b, v, from);
        if (!first && !second) {
            return;
        }
        v = first ? n->a : n->b;
        l->values[v].hint = (uint8_t)hint;
        l->values[v].next = (uint16_t)from;
    }
}

/* The nodes that may become code, with insns. */
static void list_insns(Lower *l) {
    const IrBlock *ir = l->ir;
    if (l->capacity < ir->count) {
        l->capacity = ir->count * 2;
        l->work = g_renew(uint16_t, l->work, l->capacity);
    }
    uint32_t count = 0;
    for (uint32_t i = 1; i < ir->count; i++) {
        if (ir->nodes[i].op == IR_insn || !(ir_append_kinds[ir->nodes[i].op] & IR_APPEND_NO_CODE)) {
            l->work[count++] = (uint16_t)i;
        }
    }
    l->work[count] = 0;
    l->work_begin = l->work;
    l->work_end = l->work + count;
}

void ra_prepare(Lower *l) {
    const IrBlock *ir = l->ir;
    l->pend_count = 0;
    for (uint32_t k = ir->set_count; k-- > 0;) {
        uint32_t set = ir->sets[k], v = ra_node(l, set)->b;
        if (!l->values[set].uses) {
            forget_use(l, v);
        } else if (ra_kinds[ra_node(l, v)->op] & IN_PLACE && l->values[v].hint != RA_NO_REG) {
            pass_hint(l, v);
        }
    }
    ir->code[ir->code_count] = 0;
    l->work_begin = ir->code;
    l->work_end = ir->code + ir->code_count;
    if (l->lists_insns) {
        list_insns(l);
    }
    l->values[0] = ir_life_fresh;
}

void ra_extend(Lower *l, uint32_t v, uint32_t last_use) {
    RaValue *x = &l->values[v];
    x->last_use = (uint16_t)MAX(x->last_use, last_use);
    if (x->reg != RA_NO_REG) {
        l->until[x->reg] = (uint16_t)MAX(l->until[x->reg], last_use);
    }
}

/* -- registers -- */

/* Bit per register: nothing in it is wanted after node `last`, or it is empty. Without a branch for each, which hosts
 * guess badly. (Nodes' numbers are below 2^15: RA_NODES.) */
static inline uint32_t ended(const Lower *l, uint32_t last) {
    uint32_t set = 0;
#ifdef __SSE2__
    for (unsigned k = 0; k < RA_REGS; k += 16) {
        const __m128i *until = (const __m128i *)&l->until[k], limit = _mm_set1_epi16((short)last);
        __m128i low = _mm_subs_epu16(_mm_loadu_si128(until), limit), high = _mm_subs_epu16(_mm_loadu_si128(until + 1), limit);
        set |= (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_packus_epi16(low, high), _mm_setzero_si128())) << k;
    }
#else
    for (unsigned reg = 0; reg < RA_REGS; reg++) {
        set |= (uint32_t)(l->until[reg] <= last) << reg;
    }
#endif
    return set;
}

static inline void link_reg(Lower *l, uint32_t v, unsigned reg) {
    RaValue *x = &l->values[v];
    uint16_t others = (uint16_t)-(l->occupied >> reg & 1);
    l->until[reg] = MAX(l->until[reg] & others, x->last_use);
    l->occupied |= 1u << reg;
    x->reg = (uint8_t)reg;
    x->next = l->head[reg] & others;
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
        l->occupied &= ~(1u << reg);
        l->until[reg] = 0;
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
    uint32_t v = l->head[reg] & -(l->occupied >> reg & 1);
    l->values[v].reg = RA_NO_REG; /* most often the only one, or that of node 0, which is never in one */
    while (G_UNLIKELY(l->values[v].next)) {
        v = l->values[v].next;
        l->values[v].reg = RA_NO_REG;
    }
    l->occupied &= ~(1u << reg);
    l->until[reg] = 0;
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
            ra_fail(l);
            x->spill = 0;
        } else {
            unsigned bit = (unsigned)__builtin_ctzll(~l->spill_used[w]);
            l->spill_used[w] |= UINT64_C(1) << bit;
            l->spills = true;
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
    ra_bury(l);
    if (!(l->occupied >> reg & 1)) {
        return true;
    }
    uint32_t others = l->scratch[reg >= l->be->vec_base] & ~l->occupied & ~l->locked & ~(1u << reg);
    uint32_t plain = others & ~l->special;
    if (!others) {
        return false;
    }
    unsigned to = (unsigned)__builtin_ctz(plain ? plain : others);
    l->be->mov(l->h, reg >= l->be->vec_base ? IR_V128 : IR_I64, to, reg);
    while (l->occupied >> reg & 1) {
        ra_attach(l, l->head[reg], to);
    }
    return true;
}

bool ra_is_pended(const Lower *l, uint32_t v) {
    for (unsigned k = 0; k < l->pend_count; k++) {
        if (l->pend[k].value == v) {
            return !ir_is_remade(l->ir, v);
        }
    }
    return false;
}

/* Takes a register away from all values in it. */
static void evict(Lower *l, unsigned reg) {
    while (l->occupied >> reg & 1) {
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
        ra_fail(l);
        best = (unsigned)__builtin_ctz(any);
    }
    evict(l, best);
    l->locked |= 1u << best;
    return best;
}

/* No register of the mask is empty: perhaps one holds nothing but what is dead. */
static G_GNUC_NO_INLINE unsigned alloc_used(Lower *l, uint32_t any) {
    uint32_t candidates = any & ~l->locked;
    ra_bury(l);
    uint32_t empty = candidates & ~l->occupied, plain = empty & ~l->special;
    if (!empty) {
        return take_away(l, candidates, any);
    }
    unsigned reg = (unsigned)__builtin_ctz(plain ? plain : empty);
    l->locked |= 1u << reg;
    return reg;
}

static inline unsigned alloc(Lower *l, uint32_t any) {
    uint32_t free = any & ~(l->locked | l->occupied | l->special); /* registers with a use of their own come last */
    if (!free) {
        return alloc_used(l, any);
    }
    l->locked |= free & -free;
    return (unsigned)__builtin_ctz(free);
}

unsigned ra_alloc(Lower *l, bool vec, uint32_t mask) {
    return alloc(l, ra_class_mask(l, vec) & mask);
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
        ra_fail(l);
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

/* a unless it is 0; without a branch. */
static inline uint32_t prefer(uint32_t a, uint32_t b) {
    return a | (b & -(uint32_t)(a == 0));
}

unsigned ra_define(Lower *l, uint32_t v, bool early) {
    RaValue *x = &l->values[v];
    bool vec = is_vec_value(l, v);
    uint32_t scratch = ra_class_mask(l, vec), end = ended(l, l->now - early);
    uint32_t hinted = (uint32_t)(x->hint != RA_NO_REG) << (x->hint & 31) & l->all[vec] & end;
    /* An operand that dies here may give its register. */
    uint32_t dying = early ? 0 : l->locked & l->occupied & scratch & end;
    uint32_t free = scratch & ~(l->locked | l->occupied | l->special);
    uint32_t best = prefer(hinted, prefer(dying, free));
    unsigned reg = G_LIKELY(best) ? (unsigned)__builtin_ctz(best) : alloc_used(l, scratch);
    l->locked |= 1u << reg;
    ra_release(l, reg);
    link_reg(l, v, reg);
    x->clean = true;
    return reg;
}

void ra_alias(Lower *l, uint32_t v, uint32_t of) {
    const RaValue *y = &l->values[of];
    RaValue *x = &l->values[v];
    if (y->reg == RA_NO_REG) {
        ra_use(l, of, UINT32_MAX); /* a slot that it is in may be set while v lives */
    }
    link_reg(l, v, y->reg);
    x->clean = false;
}

/* -- guest slots -- */

static G_GNUC_NO_INLINE void save_lazy_values(Lower *l, uint32_t slot) {
    for (unsigned k = 0; k < 2; k++) {
        uint32_t v = l->slot_lazy[slot].of[k];
        l->slot_lazy[slot].of[k] = 0;
        if (!v) {
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

/* The memory of a slot is about to change: values that live only there move away. */
static inline void save_lazy(Lower *l, uint32_t slot) {
    if (l->slot_lazy[slot].any) {
        save_lazy_values(l, slot);
    }
}

static G_GNUC_NO_INLINE void get_memory(Lower *l, uint32_t v, uint32_t slot) {
    const IrSlot *s = &l->ir->slots[slot];
    bool narrow = ra_node(l, v)->type == IR_I32;
    if (s->type == IR_I8 || s->type == IR_I16) {
        unsigned reg = ra_define(l, v, false);
        l->be->load(l->h, (IrType)s->type, reg, (HostOperand){.kind = HOST_ENV, .disp = (int32_t)s->offset});
        return;
    }
    if (l->slot_lazy[slot].of[narrow]) {
        save_lazy_values(l, slot); /* only one value of a kind is known to live there */
    }
    l->values[v].env = (int32_t)s->offset;
    ra_lazy(l, slot, narrow, v);
}

void ra_get(Lower *l, uint32_t v, uint32_t slot) {
    unsigned pin = l->slot_pin[slot];
    if (pin == RA_NO_REG) {
        get_memory(l, v, slot);
    } else {
        link_reg(l, v, pin);
        l->values[v].clean = false;
    }
}

/* What lives on in a pin moves into another register. */
static G_GNUC_NO_INLINE void move_away(Lower *l, unsigned pin, bool vec) {
    unsigned refuge = ra_alloc(l, vec, UINT32_MAX);
    l->be->mov(l->h, vec ? IR_V128 : IR_I64, refuge, pin);
    for (uint32_t u = l->head[pin], next; u; u = next) {
        next = l->values[u].next;
        l->values[u].reg = RA_NO_REG;
        if (l->values[u].last_use > l->now) {
            link_reg(l, u, refuge);
        }
    }
    l->occupied &= ~(1u << pin);
    l->until[pin] = 0;
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
    if (l->until[pin] > l->now) {
        move_away(l, pin, vec);
    } else {
        ra_release(l, pin);
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
        ra_fail(l);
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
    IrType type = (IrType)ra_node(l, v)->type, to = (IrType)s->type;
    bool narrow = type == IR_I32;
    HostOperand mem = {.kind = HOST_ENV, .disp = (int32_t)s->offset};
    uint64_t imm;
    ra_forget_pend(l, slot);
    if (x->env == mem.disp) {
        if (l->slot_lazy[slot].of[narrow] == v && type == to) {
            return; /* it is there already */
        }
        ra_use(l, v, UINT32_MAX); /* it is about to lose this home */
    }
    save_lazy(l, slot);
    if (ra_const(l, v, &imm) && x->reg == RA_NO_REG &&
        ((int64_t)imm == (int32_t)imm || to == IR_I32 || to == IR_I16 || to == IR_I8)) {
        l->be->store_imm(l->h, to, mem, (int32_t)imm);
        return;
    }
    unsigned reg = ra_use(l, v, UINT32_MAX);
    if (narrow && to == IR_I64 && !x->clean) {
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->zext32(l->h, tmp, reg);
        reg = tmp;
    }
    l->be->store(l->h, to, mem, reg);
    if (x->env < 0 && (type == to || (narrow && to == IR_I64))) {
        x->env = mem.disp;
        ra_lazy(l, slot, narrow, v);
    }
}

void ra_pend(Lower *l, uint32_t slot, uint32_t v) {
    RaValue *x = &l->values[v];
    HostOperand mem;
    uint64_t imm;
    if (!ir_pends_lazily(l->ir, slot) || l->pend_count == HOST_COLD_PENDS || x->last_use <= l->now ||
        (ra_node(l, v)->type == IR_I32 && !x->clean && !ra_const(l, v, &imm))) {
        ra_set(l, slot, v);
        return;
    }
    ra_forget_pend(l, slot);
    save_lazy(l, slot); /* cold paths are going to write there */
    if (x->reg == RA_NO_REG && !ra_const(l, v, &imm) && !ra_memory(l, v, &mem)) {
        ra_fail(l);
    }
    l->pend[l->pend_count++] = (RaPend){slot, v};
}

bool ra_pend_flags(Lower *l, uint32_t slot, uint32_t v) {
    const IrNode *f = ra_node(l, v);
    uint64_t c;
    ra_forget_pend(l, slot);
    if (l->pend_count == HOST_COLD_PENDS || f->op == IR_fl_nzcv) { /* of a constant they may be: those are nowhere */
        return false;
    } else if (ir_is_remade(l->ir, v)) {
        if (l->values[f->a].last_use <= l->now || (!ra_const(l, f->b, &c) && l->values[f->b].last_use <= l->now)) {
            return false;
        }
    } else if (l->values[v].last_use <= l->now) {
        return false;
    }
    save_lazy(l, slot); /* cold paths are going to write there */
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
        ra_fail(l);
    }
    return o;
}

/* Flags that the host's hold here, or that are made again. False: they are stored like other values. */
static bool tell_flags(Lower *l, HostCold *c, const RaPend *p) {
    const IrNode *f = ra_node(l, p->value);
    if (l->flags_value == p->value) {
        c->compare[0].kind = HOST_NONE;
        c->flags_polarity = l->flags_polarity;
    } else if (!ir_is_remade(l->ir, p->value)) {
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
            ra_fail(l);
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

static G_GNUC_NO_INLINE void free_spills(Lower *l, uint32_t regs) {
    for (; regs; regs &= regs - 1) {
        for (uint32_t v = l->head[__builtin_ctz(regs)]; v; v = l->values[v].next) {
            free_spill(l, &l->values[v]);
        }
    }
}

void ra_bury(Lower *l) {
    uint32_t dead = l->occupied & (l->scratch[0] | l->scratch[1]) & ended(l, l->now - 1);
    if (l->spills) {
        free_spills(l, dead);
    }
    l->occupied &= ~dead;
}

void ra_spill_scratch(Lower *l) {
    for (uint32_t m = l->be->scratch; m; m &= m - 1) {
        evict(l, (unsigned)__builtin_ctz(m));
    }
}

/* What lives in the memory of a slot moves into the spill area. */
static void spill_lazy(Lower *l, uint32_t slot) {
    for (unsigned k = 0; k < 2; k++) {
        uint32_t v = l->slot_lazy[slot].of[k];
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
        l->slot_lazy[slot].of[k] = 0;
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

void ra_forget_lazy(Lower *l) { /* of all slots: to look for those that have some takes longer */
    memset(l->slot_lazy, 0, l->ir->slot_count * sizeof *l->slot_lazy);
    memset(l->lazy_slots, 0, (l->ir->slot_count / 64 + 1) * sizeof l->lazy_slots[0]);
}
