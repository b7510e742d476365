/* SPDX-License-Identifier: MIT */
/*
 * lower_flags.c - guest flags as host flags: comparisons, conditions, carries. A flags value stays in the host's flags
 * until an op that changes them is in the way; then it goes to a register or memory if somebody wants it later, whole
 * or its carry alone.
 */
#include "tcg/walk.h"

/* The image of the flags that the host holds, into a register or memory. */
static void save_image(Walk *w, HostOperand to) {
    Lower *l = &w->l;
    bool free = ra_is_empty(l, l->be->result_reg) && !(l->locked >> l->be->result_reg & 1);
    l->be->flags_save(l->h, l->flags_polarity, to, free);
    l->flags_polarity = HOST_FLAGS_ADD; /* flags_save may turn the carry round: what is left is in IR's sense */
}

/* Somebody will want f after this op: its image, or its carry where that is all they want, goes into a register if one
 * is free. */
static G_GNUC_NO_INLINE void save_flags(Walk *w, uint32_t f) {
    Lower *l = &w->l;
    RaValue *x = &l->values[f];
    uint32_t locked = l->locked;
    unsigned result = l->be->result_reg;
    HostOperand to;
    x->bit = x->kin == x->uses && x->kin != UINT8_MAX;
    if (x->bit && ra_empty(l, false)) {
        to = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ra_alloc(l, false, UINT32_MAX)};
    } else if (!x->bit && !(locked >> result & 1) && ra_vacate(l, result)) {
        to = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)result};
    } else {
        to = ra_home(l, f);
    }
    if (x->bit) {
        l->be->carry_save(l->h, l->flags_polarity, to);
    } else {
        save_image(w, to);
    }
    if (to.kind == HOST_REG) {
        ra_attach(l, f, to.reg);
        l->locked = locked;
    }
}

bool flags_are_wanted(const Walk *w) {
    const Lower *l = &w->l;
    uint32_t f = l->flags_value;
    HostOperand mem;
    return f && l->values[f].last_use > l->now && l->values[f].reg == RA_NO_REG && !ra_memory(l, f, &mem);
}

void flags_keep_value(Walk *w) {
    Lower *l = &w->l;
    uint32_t f = l->flags_value;
    const RaValue *x = &l->values[f];
    HostOperand mem;
    if (x->last_use >= l->now && x->reg == RA_NO_REG && !ra_memory(l, f, &mem) &&
        (x->last_use > l->now || ra_is_pended(l, f))) {
        save_flags(w, f);
    }
}

static void flags_now_hold(Walk *w, uint32_t f, HostPolarity p) {
    w->l.flags_value = f;
    w->l.flags_polarity = p;
}

void flags_made(Walk *w, uint32_t i, HostPolarity p) {
    flags_now_hold(w, i + w->l.values[i].flags_at, p);
}

/* Register or memory that has the image of f, or its carry if RaValue.bit says so. */
static bool flags_where(const Lower *l, uint32_t f, HostOperand *where) {
    *where = (HostOperand){.kind = HOST_REG, .reg = l->values[f].reg};
    return where->reg != RA_NO_REG || ra_memory(l, f, where);
}

/* Flags known at translation time, in the form that memory holds. */
static bool flags_const(const Lower *l, uint32_t f, int32_t *image) {
    uint64_t v;
    if (ra_node(l, f)->op != IR_fl_nzcv || !ra_const(l, ra_node(l, f)->a, &v)) {
        return false;
    }
    *image = (v >> 31 & 1 ? IR_FLAG_N : 0) | (v >> 30 & 1 ? IR_FLAG_Z : 0) | (v >> 29 & 1 ? IR_FLAG_C : 0) |
             (v >> 28 & 1 ? IR_FLAG_V : 0);
    return true;
}

/* Puts constant flags into memory. What a region has put there is not there when the region is skipped. */
static HostOperand flags_home(Walk *w, uint32_t f, int32_t image) {
    HostOperand mem = ra_spill_slot(&w->l, f);
    w->l.be->store_imm(w->l.h, IR_FLAGS, mem, image);
    if (w->depth) {
        w->l.values[f].spill = -1;
    }
    return mem;
}

/* A condition of flags that the host's do not hold, or one that always holds. */
static G_GNUC_NO_INLINE int test_condition(Walk *w, uint32_t f, unsigned cond) {
    Lower *l = &w->l;
    HostOperand from;
    int32_t image;
    unsigned tmp = l->be->result_reg;
    uint32_t locked = l->locked;
    flags_lose(w);
    if (cond >= IR_AL) {
        return l->be->flags_test(l->h, cond, (HostOperand){.kind = HOST_NONE}, 0);
    }
    if (!flags_where(l, f, &from)) {
        if (!flags_const(l, f, &image)) {
            ra_fail(l);
            return 0;
        }
        from = flags_home(w, f, image);
    }
    if (l->values[f].bit) {
        return l->be->carry_test(l->h, cond, from);
    }
    bool here = from.kind == HOST_REG && from.reg == tmp;
    bool last = ra_dead_after(l, f) && ra_is_ending(l, tmp) && ra_node(l, l->now)->op != IR_fl_sel;
    if (cond > IR_VC && !(here && last)) { /* what is in tmp is going to be destroyed */
        l->locked |= from.kind == HOST_REG && !here ? 1u << from.reg : 0;
        ra_take(l, tmp);
        flags_where(l, f, &from);
    }
    int cc = l->be->flags_test(l->h, cond, from, tmp);
    l->locked = locked;
    return cc;
}

int flags_condition(Walk *w, uint32_t f, unsigned cond) {
    Lower *l = &w->l;
    if (l->flags_value != f || cond >= IR_AL) {
        return test_condition(w, f, cond);
    }
    int cc = l->be->flags_cc(cond, l->flags_polarity);
    if (cc < 0) { /* only the carry's sense is in the way */
        l->be->carry_in(l->h, HOST_FLAGS_ADD, HOST_FLAGS_SUB);
        l->flags_polarity = HOST_FLAGS_SUB;
        cc = l->be->flags_cc(cond, HOST_FLAGS_SUB);
    }
    return cc;
}

void flags_store(Walk *w, uint32_t f, HostOperand to) {
    Lower *l = &w->l;
    HostOperand from;
    int32_t image;
    if (flags_const(l, f, &image)) {
        l->be->store_imm(l->h, IR_FLAGS, to, image);
    } else if (l->values[f].reg == RA_NO_REG && l->flags_value == f) {
        save_image(w, to);
    } else if (flags_where(l, f, &from)) {
        unsigned tmp = from.reg;
        if (from.kind != HOST_REG) {
            tmp = ra_alloc(l, false, UINT32_MAX);
            l->be->load(l->h, IR_FLAGS, tmp, from);
        }
        l->be->store(l->h, IR_FLAGS, to, tmp);
    } else {
        ra_fail(l);
    }
}

void lower_set_flags(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    const IrSlot *s = &l->ir->slots[n->a];
    RaValue *x = &l->values[n->b];
    HostOperand to = {.kind = HOST_ENV, .disp = (int32_t)s->offset};
    if (x->env == to.disp && l->slot_lazy[n->a].of[0] == n->b) {
        return;
    }
    ra_forget_pend(l, n->a);
    uint32_t old = l->slot_lazy[n->a].of[0];
    if (old && l->values[old].last_use > l->now && l->values[old].spill < 0 && l->flags_value != old &&
        l->values[old].reg == RA_NO_REG) {
        HostOperand from = {.kind = HOST_ENV, .disp = l->values[old].env};
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->load(l->h, IR_FLAGS, tmp, from);
        l->be->store(l->h, IR_FLAGS, ra_spill_slot(l, old), tmp);
    }
    if (old && old != n->b) {
        l->values[old].env = -1;
    }
    if (l->flags_value == n->b) {
        flags_keep(w); /* in a register too, if others want them later */
    }
    flags_store(w, n->b, to);
    x->env = to.disp;
    ra_lazy(l, n->a, false, n->b);
}

/* fl_add and fl_sub when an add or sub of the same operands has just left its flags. */
static bool flags_follow(Walk *w, uint32_t i, IrOp arith) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    const IrNode *m = ra_node(l, l->flags_of);
    if (l->flags_value == i) {
        return true;
    }
    if (!l->flags_of || l->flags_value || m->op != arith || m->a != n->a || m->b != n->b || (arith == IR_adc && m->c != n->c) ||
        (arith == IR_sbc && m->c != n->c)) {
        return false;
    }
    flags_now_hold(w, i, arith == IR_sub || arith == IR_sbc ? HOST_FLAGS_SUB : HOST_FLAGS_ADD);
    return true;
}

/* Is the comparison at i wanted by a conditional comparison alone (fl_sel with constant flags else)? That makes it. */
static bool is_conditional_compare(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    uint32_t k = l->values[i].last_use;
    const IrNode *m = ra_node(l, k);
    int32_t image;
    if (l->values[i].uses != 1 || l->values[i].follows || m->op != IR_fl_sel || m->b != i || m->a == i || !flags_const(l, m->c, &image)) {
        return false;
    }
    for (uint32_t j = i + 1; j < k; j++) {
        IrOp op = (IrOp)ra_node(l, j)->op;
        if (op != IR_nop && op != IR_const && op != IR_get && op != IR_fl_nzcv) {
            return false;
        }
    }
    return true;
}

void lower_fl_sub(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    if (is_conditional_compare(w, i)) {
        walk_keep_operands(w, i);
        return;
    }
    if (flags_follow(w, i, IR_sub)) {
        return;
    }
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    HostOperand b = ra_operand(l, n->b, "rim");
    l->be->compare(l->h, walk_type(w, n->a), a, b);
    flags_now_hold(w, i, HOST_FLAGS_SUB);
}

void lower_fl_add(Walk *w, uint32_t i, const IrNode *n) {
    if (!flags_follow(w, i, IR_add)) {
        flags_lose(w);
        rule_emit_named(w, i, IR_add, walk_type(w, n->a), n->a, n->b);
        flags_now_hold(w, i, HOST_FLAGS_ADD);
    }
}

/* One of two flags values, as memory holds them. */
static void select_images(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    unsigned reg[2];
    HostOperand from;
    if (l->flags_value == n->b || l->flags_value == n->c) {
        flags_store(w, l->flags_value, ra_spill_slot(l, l->flags_value));
    }
    int cc = flags_condition(w, n->a, n->aux);
    for (unsigned k = 0; k < 2; k++) {
        int32_t image;
        reg[k] = ra_alloc(l, false, UINT32_MAX);
        if (flags_const(l, n->arg[k + 1], &image)) {
            l->be->load_imm(l->h, IR_I64, reg[k], (uint32_t)image);
        } else if (flags_where(l, n->arg[k + 1], &from) && from.kind == HOST_REG) {
            l->be->mov(l->h, IR_I32, reg[k], from.reg);
        } else if (from.kind != HOST_REG) {
            l->be->load(l->h, IR_FLAGS, reg[k], from);
        } else {
            ra_fail(l);
        }
    }
    l->be->csel(l->h, IR_I64, cc, reg[1], reg[0]);
    l->be->store(l->h, IR_FLAGS, ra_spill_slot(l, i), reg[1]);
}

void lower_fl_sel(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const IrNode *compare = ra_node(l, n->b);
    int32_t image = 0;
    if (compare->op != IR_fl_sub || l->flags_value == n->b || !is_conditional_compare(w, n->b)) {
        select_images(w, i);
        return;
    }
    flags_const(l, n->c, &image);
    ra_take(l, l->be->result_reg); /* for the constant */
    HostOperand x = ra_operand(l, compare->a, "r");
    HostOperand y = ra_operand(l, compare->b, "ri");
    l->locked &= ~(1u << l->be->result_reg);
    int cc = flags_condition(w, n->a, n->aux ^ 1);
    l->be->flags_select(l->h, cc, walk_type(w, compare->a), x, y, image);
    flags_now_hold(w, i, HOST_FLAGS_SUB);
}

void lower_fl_logic(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const IrNode *m = ra_node(l, n->a);
    if (l->flags_of == n->a && !l->flags_value && (m->op == IR_and || m->op == IR_or || m->op == IR_xor)) {
        flags_now_hold(w, i, HOST_FLAGS_ADD); /* no carry, no overflow: the same in both senses of IR */
        return;
    }
    flags_lose(w);
    HostOperand mem;
    if (m->op == IR_and && l->values[n->a].uses == 1 && l->values[n->a].reg == RA_NO_REG && !ra_memory(l, n->a, &mem)) {
        HostOperand a = ra_operand(l, m->a, "r");
        HostOperand b = ra_operand(l, m->b, "ri");
        l->be->test(l->h, walk_type(w, n->a), a, b);
    } else {
        HostOperand a = ra_operand(l, n->a, "r");
        l->be->test(l->h, walk_type(w, n->a), a, a);
    }
    flags_now_hold(w, i, HOST_FLAGS_ADD);
}

bool flags_and_is_test(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    uint32_t k = i + 1;
    if (l->values[i].uses != 1) {
        return false;
    }
    while (k < l->ir->count && (ra_node(l, k)->op == IR_nop || ra_node(l, k)->op == IR_const)) {
        k++;
    }
    return k < l->ir->count && ra_node(l, k)->op == IR_fl_logic && ra_node(l, k)->a == i;
}

bool flags_of_and(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    for (uint32_t k = i + 1; k < l->ir->count && k < i + 5; k++) {
        const IrNode *m = ra_node(l, k);
        if (m->op == IR_fl_logic) {
            return m->a == i;
        }
    }
    return false;
}

static void csel_fp(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    int cc = flags_condition(w, n->a, n->aux);
    uint8_t s[2], tmp[2];
    for (unsigned k = 0; k < 2; k++) {
        s[k] = (uint8_t)ra_use(l, n->arg[k + 1], UINT32_MAX);
        tmp[k] = (uint8_t)ra_alloc(l, false, UINT32_MAX);
    }
    l->be->csel_fp(l->h, (IrType)n->type, cc, ra_define(l, i, false), s, tmp);
}

void lower_csel(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    IrType type = (IrType)n->type;
    if (type == IR_V128) {
        lower_call_op(w, i, n);
        return;
    } else if (ir_type_is_vec(type)) {
        csel_fp(w, i);
        return;
    }
    int cc = flags_condition(w, n->a, n->aux); /* first: what follows only moves */
    unsigned b = ra_use(l, n->b, UINT32_MAX);
    HostOp op;
    walk_op(&op, n, type);
    op.s[0] = ra_operand(l, n->c, "rj");
    op.s[1] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)b};
    unsigned d = rule_define_in_place(w, i, &op);
    rule_fill_in_place(w, &op, d);
    l->be->csel(l->h, type, cc, d, b);
}

void lower_cset(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    int cc = flags_condition(w, n->a, n->aux);
    unsigned d = ra_define(l, i, false);
    l->be->cset(l->h, cc, d);
}

void lower_setc(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    HostOperand b = ra_operand(l, n->b, "rim");
    l->be->compare(l->h, walk_type(w, n->a), a, b);
    unsigned d = ra_define(l, i, false);
    l->be->cset(l->h, l->be->flags_cc(n->aux & 15, HOST_FLAGS_SUB), d);
}

void lower_adc(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const HostRule *r = l->be->rules[n->op];
    HostPolarity wanted = n->op == IR_adc || n->op == IR_fl_adc ? HOST_FLAGS_ADD : HOST_FLAGS_SUB;
    HostOp op;
    walk_op(&op, n, n->type == IR_FLAGS ? walk_type(w, n->a) : (IrType)n->type);
    if (!r) {
        r = l->be->rules[n->op == IR_fl_adc ? IR_adc : IR_sbc];
    }
    op.s[0] = ra_operand(l, n->a, "rjm");
    op.s[1] = ra_operand(l, n->b, "rim");
    HostOperand from;
    flags_keep(w); /* others may want them after this op */
    bool have = l->flags_value == n->c;
    unsigned d;
    if (n->type == IR_FLAGS) {
        d = ra_alloc(l, false, UINT32_MAX);
    } else {
        d = rule_define_in_place(w, i, &op);
    }
    rule_fill_in_place(w, &op, d);
    op.d = op.s[0];
    int32_t image;
    if (have) {
        l->be->carry_in(l->h, l->flags_polarity, wanted);
    } else if (flags_where(l, n->c, &from)) {
        l->be->carry_load(l->h, from, l->values[n->c].bit, wanted);
    } else if (flags_const(l, n->c, &image)) {
        l->be->carry_load(l->h, flags_home(w, n->c, image), false, wanted);
    } else {
        ra_fail(l);
    }
    l->flags_value = 0;
    r->emit(l->h, &op);
    l->flags_of = i;
    if (n->type == IR_FLAGS) {
        flags_now_hold(w, i, wanted);
    } else if (l->values[i].flags_at) {
        flags_made(w, i, wanted);
    }
}

void lower_fl_carry(Walk *w, uint32_t i, const IrNode *n) {
    if (!flags_follow(w, i, ra_node(&w->l, i)->op == IR_fl_adc ? IR_adc : IR_sbc)) {
        lower_adc(w, i, n);
    }
}

void lower_fl_fcmp(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const HostRule *r = l->be->rules[IR_fl_fcmp];
    if (r && l->ir->fp_plain && walk_type(w, n->a) != IR_F16) {
        rule_emit(w, i, r, n);
        flags_now_hold(w, i, HOST_FLAGS_SUB);
    } else {
        lower_call_op(w, i, n);
    }
}

void lower_fl_nzcv(Walk *w, uint32_t i, const IrNode *n) {
    int32_t image;
    if (!flags_const(&w->l, i, &image) && w->l.values[i].last_use) {
        lower_call_op(w, i, n);
    }
}
