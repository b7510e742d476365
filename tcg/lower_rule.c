/* SPDX-License-Identifier: MIT */
/*
 * lower_rule.c - ops that are compiled by a rule of the backend, and those in C for want of one: helpers, calls.
 */
#include "tcg/walk.h"

#include <string.h>

/* Is it better to exchange a and b, the operands of this op? */
static bool is_commuted_better(const Walk *w, uint32_t a, uint32_t b) {
    const Lower *l = &w->l;
    const RaValue *y = &l->values[b];
    if (ra_node(l, b)->op == IR_const) {
        return false;
    }
    if (ra_node(l, a)->op == IR_const) {
        return true;
    }
    /* The operand that dies here, or already sits where the result should be, comes first. */
    uint8_t hint = l->values[l->now].hint;
    return y->reg != RA_NO_REG &&
           (hint != RA_NO_REG ? y->reg == hint : !ra_dead_after(l, a) && ra_dead_after(l, b));
}

/* Result register for a rule whose result replaces s[0]. */
unsigned rule_define_in_place(Walk *w, uint32_t i, HostOp *op) {
    Lower *l = &w->l;
    RaValue *x = &l->values[i];
    bool vec = ir_type_is_vec((IrType)ra_node(l, i)->type);
    uint32_t others = 0;
    for (unsigned k = 1; k < 3; k++) {
        if (op->s[k].kind == HOST_REG && !(op->s[0].kind == HOST_REG && op->s[0].reg == op->s[k].reg)) {
            others |= 1u << op->s[k].reg;
        }
    }
    unsigned reg = x->hint;
    bool ok = reg != RA_NO_REG && !(others >> reg & 1);
    if (!ok || !ra_is_ending(l, reg)) {
        reg = RA_NO_REG;
        if (op->s[0].kind == HOST_REG && (ra_class_mask(l, vec) >> op->s[0].reg & 1) &&
            !(others >> op->s[0].reg & 1) && ra_is_ending(l, op->s[0].reg)) {
            reg = op->s[0].reg;
        }
    }
    if (reg == RA_NO_REG) {
        reg = ra_alloc(l, vec, UINT32_MAX);
    }
    l->locked |= 1u << reg;
    ra_release(l, reg);
    ra_attach(l, i, reg);
    x->clean = true;
    return reg;
}

void rule_fill_in_place(Walk *w, HostOp *op, unsigned d) {
    Lower *l = &w->l;
    IrType type = op->type;
    if (op->s[0].kind == HOST_REG) {
        if (op->s[0].reg != d) {
            l->be->mov(l->h, ir_type_is_vec(type) ? IR_V128 : type, d, op->s[0].reg);
        }
    } else if (op->s[0].kind == HOST_IMM) {
        l->be->load_imm(l->h, type, d, (uint64_t)op->s[0].imm);
    } else {
        l->be->load(l->h, type, d, op->s[0]);
    }
    op->s[0] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
}

/* The letters of a constraint, and bit 0, which is none. */
static uint32_t rule_letters(const char constraint[4]) {
    return RA_LETTER(constraint[0]) | RA_LETTER(constraint[1]) | RA_LETTER(constraint[2]);
}

static void rule_operand(Walk *w, HostOp *op, unsigned k, uint32_t v, uint32_t letters) {
    Lower *l = &w->l;
    op->s[k] = ra_operand_in(l, v, letters);
    if (letters & RA_LETTER('x') && op->s[k].kind == HOST_REG && ir_type_is_float(walk_type(w, v))) {
        op->clean |= l->values[v].clean ? 1 << k : 0;
    }
}

static void rule_operands(Walk *w, HostOp *op, const HostRule *r, const uint32_t args[4]) {
    uint32_t first = rule_letters(r->s[0]), second = rule_letters(r->s[1]);
    if (r->d[0] == '0' && r->s[0][0] == 'r') { /* may be loaded where the result is going to be */
        first |= RA_LETTER('j') | RA_LETTER('m');
    }
    if (second & RA_LETTER('c')) { /* before the other one, so that nothing else is put there */
        rule_operand(w, op, 1, args[1], second);
        rule_operand(w, op, 0, args[0], first);
        return;
    }
    rule_operand(w, op, 0, args[0], first);
    if (r->s[1][0]) {
        rule_operand(w, op, 1, args[1], second);
        for (unsigned k = 2; k < G_N_ELEMENTS(r->s) && r->s[k][0]; k++) {
            rule_operand(w, op, k, args[k], rule_letters(r->s[k]));
        }
    }
}

void rule_emit(Walk *w, uint32_t i, const HostRule *r, const IrNode *n) {
    Lower *l = &w->l;
    HostOp op;
    walk_op(&op, n, (IrType)n->type);
    const uint32_t *args = n->arg;
    uint32_t changed[4];
    if (r->flags & HOST_RULE_COMMUTES && is_commuted_better(w, n->a, n->b)) {
        changed[0] = n->b;
        changed[1] = n->a;
        args = changed;
    } else if (n->op == IR_cas) {
        changed[0] = n->a;
        changed[1] = n->b;
        changed[2] = ra_node(l, n->c)->a;
        changed[3] = ra_node(l, n->c)->b;
        args = changed;
    }
    if (r->flags & HOST_RULE_CLOBBERS) {
        flags_lose(w);
    }
    l->locked |= r->fixed;
    for (uint32_t m = r->fixed; m; m &= m - 1) {
        ra_take(l, (unsigned)__builtin_ctz(m));
    }
    if (r->s[0][0]) {
        rule_operands(w, &op, r, args);
        if (n->type == IR_VOID || r->flags & HOST_RULE_TYPE_OF_A) {
            op.type = walk_type(w, args[0]);
        }
    }
    for (unsigned k = 0; k < r->tmps + r->vtmps; k++) {
        op.tmp[k] = (uint8_t)ra_alloc(l, k >= r->tmps, UINT32_MAX);
    }
    if (r->d[0]) {
        unsigned d;
        if (r->d[0] == '0') {
            d = rule_define_in_place(w, i, &op);
            rule_fill_in_place(w, &op, d);
        } else {
            d = ra_define(l, i, r->flags & HOST_RULE_EARLY);
        }
        op.d = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
    }
    if (ir_type_is_float((IrType)n->type)) {
        l->values[i].clean = r->rest == HOST_REST_ZERO || r->rest & op.clean;
    }
    r->emit(l->h, &op);
    if (r->sets) {
        l->flags_of = i;
    }
}

void rule_emit_named(Walk *w, uint32_t i, IrOp opcode, IrType type, uint32_t a, uint32_t b) {
    Lower *l = &w->l;
    IrNode n = {.op = opcode, .type = type, .a = a, .b = b};
    const HostRule *r = l->be->rules[opcode];
    HostOp op;
    walk_op(&op, &n, type);
    op.s[0] = ra_operand(l, a, "r");
    op.s[1] = ra_operand(l, b, r->s[1]);
    unsigned d = ra_alloc(l, false, UINT32_MAX);
    rule_fill_in_place(w, &op, d);
    op.d = op.s[0];
    r->emit(l->h, &op);
}

void lower_call_op(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    for (unsigned k = 0; k < 3; k++) { /* moves only: host flags stay */
        char c = ir_ops[n->op].operands[k];
        if (!c || !ir_operand_is_value((IrOp)n->op, k)) {
            continue;
        }
        HostOperand to = {.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, scratch) + k * sizeof(IrVal))};
        IrType type = walk_type(w, n->arg[k]);
        if (type == IR_FLAGS) {
            flags_store(w, n->arg[k], to);
        } else {
            unsigned reg = ra_use(l, n->arg[k], UINT32_MAX);
            l->be->store(l->h, type == IR_I32 ? IR_I64 : type, to, reg);
        }
        l->locked = 0;
    }
    flags_lose(w);
    ra_spill_scratch(l);
    l->be->call_op(l->h, n->op, ir_node_info(n));
    if (n->type == IR_VOID || !l->values[i].last_use) {
        return;
    }
    HostOperand from = {.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, scratch) + 3 * sizeof(IrVal))};
    if (n->type == IR_FLAGS) {
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->load(l->h, IR_FLAGS, tmp, from);
        l->be->store(l->h, IR_FLAGS, ra_spill_slot(l, i), tmp);
    } else {
        unsigned d = ra_define(l, i, false);
        l->be->load(l->h, (IrType)n->type, d, from);
    }
}

void lower_call(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const IrHelper *helper = &l->ir->helpers[n->a];
    HostOperand args[5];
    IrType types[5];
    unsigned count = 0;
    unsigned flags = helper->flags | (helper->flags & IRH_FAULT ? IRH_PC | IRH_READS | IRH_WRITES : 0);

    flags_lose(w);
    for (uint32_t chain = n->b; chain && count < 5; chain = ra_node(l, chain)->b) {
        uint32_t v = ra_node(l, chain)->a;
        uint64_t imm;
        types[count] = walk_type(w, v);
        if (ra_const(l, v, &imm)) {
            args[count] = (HostOperand){.kind = HOST_IMM, .imm = (int64_t)imm};
        } else { /* through memory: argument registers are pins and scratch registers of others */
            HostOperand to = {.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, bounce) + count * 16)};
            unsigned reg = ra_use(l, v, UINT32_MAX);
            l->be->store(l->h, types[count] == IR_I32 ? IR_I64 : types[count], to, reg);
            args[count] = to;
        }
        l->locked = 0;
        count++;
    }
    if (flags & IRH_WRITES) {
        ra_spill_all(l);
    } else {
        ra_spill_scratch(l);
    }
    walk_store_insns_left(w);
    l->be->call_helper(l->h, n->a, flags, args, types, count, walk_insn_off(w));
    if (n->type != IR_VOID && l->values[i].last_use) {
        ra_attach(l, i, l->be->result_reg);
        l->values[i].clean = false;
    }
}

/* Is the shift at i wanted by the next sum alone, which can do it on the side? */
static bool shift_is_scale(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t k = l->values[i].last_use;
    const IrNode *m = ra_node(l, k);
    uint64_t c;
    if (n->op != IR_shl || l->values[i].uses != 1 || k > i + 4 || m->op != IR_add || m->type != n->type || m->b != i ||
        !ra_const(l, n->b, &c) || c < 1 || c > 3 || l->values[k].flags_at) {
        return false;
    }
    for (uint32_t j = i + 1; j < k; j++) {
        IrOp op = (IrOp)ra_node(l, j)->op;
        if (op != IR_nop && op != IR_const && op != IR_get) {
            return false;
        }
    }
    return true;
}

/* a + (b << c) */
static bool lower_scaled_sum(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i), *shift = ra_node(l, n->b);
    HostOperand mem;
    uint64_t c;
    if (shift->op != IR_shl || l->values[n->b].reg != RA_NO_REG || ra_memory(l, n->b, &mem) ||
        !ra_const(l, shift->b, &c)) {
        return false;
    }
    IrNode sum = {.op = IR_add, .type = n->type, .a = n->a, .b = shift->a, .c = (uint32_t)c};
    rule_emit(w, i, l->be->scaled_sum, &sum);
    return true;
}

/* a & 0xff, a & 0xffff and a & 0xffffffff, unless for flags */
static bool lower_zero_extension(Walk *w, uint32_t i) {
    const IrNode *n = ra_node(&w->l, i);
    uint64_t mask;
    if (!ra_const(&w->l, n->b, &mask) || (mask != 0xff && mask != 0xffff && mask != UINT32_MAX) || flags_of_and(w, i)) {
        return false;
    }
    IrNode uxt = {.op = IR_uxt, .type = n->type, .a = n->a, .aux = mask == 0xff ? 8 : mask == 0xffff ? 16 : 32};
    rule_emit(w, i, w->l.be->rules[IR_uxt], &uxt);
    return true;
}

/* Exclusives and atomics: of 16 bytes by a rule of their own, big-endian ones by none. */
static const HostRule *access_rule(const Walk *w, const IrNode *n, const HostRule *r) {
    IrType type = n->op == IR_sc ? walk_type(w, n->c) : (IrType)n->type;
    bool ordered = n->op == IR_ll || n->op == IR_sc || n->op == IR_cas;
    if (ordered && n->aux & IR_MEM_BIG && (n->aux & IR_MEM_SIZE)) {
        return NULL;
    }
    return ordered && ir_type_is_vec(type) ? r->wide : r;
}

/* a + c, for somebody who wants no flags. Out of line: most sums of constants are addresses and need no registers saved. */
static G_GNUC_NO_INLINE void lower_constant_sum(Walk *w, uint32_t i, int32_t c) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    unsigned a = ra_use(l, n->a, UINT32_MAX);
    l->be->add_imm(l->h, (IrType)n->type, ra_define(l, i, false), a, c);
}

void lower_sum(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const RaValue *x = &l->values[i];
    uint64_t k;
    if (ra_const(l, n->b, &k) && x->last_use && !x->flags_at) {
        bool add = n->op == IR_add;
        int64_t c = !add ? (int64_t)-k : n->type == IR_I32 ? (int32_t)k : (int64_t)k;
        if (add && mem_add_is_address(w, i, (int64_t)k)) {
            ra_extend(l, n->a, x->last_use);
            return;
        }
        if (c == (int32_t)c) {
            lower_constant_sum(w, i, (int32_t)c);
            return;
        }
    }
    lower_value(w, i, n);
}

void lower_value(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    const RaValue *x = &l->values[i];
    const HostRule *r = l->be->rules[n->op];
    unsigned props = ir_ops[n->op].props;
    if (x->flags_at) {
        rule_emit(w, i, r, n);
        flags_made(w, i, (HostPolarity)r->sets);
        return;
    }
    if (!x->last_use && props & IR_PURE) {
        return;
    }
    if (n->op == IR_and) {
        if (flags_and_is_test(w, i)) {
            walk_keep_operands(w, i);
            return;
        }
        if (lower_zero_extension(w, i)) {
            return;
        }
    } else if (n->op == IR_shl) {
        if (shift_is_scale(w, i)) {
            walk_keep_operands(w, i);
            return;
        }
    } else if (n->op == IR_add) {
        if (lower_scaled_sum(w, i)) {
            return;
        }
        r = l->be->sum; /* nobody wants its flags: made without touching the host's */
    } else if (props & IR_MEM && r) {
        r = access_rule(w, n, r);
    }
    if (r && r->flags & HOST_RULE_FP_PLAIN && !l->ir->fp_plain) {
        r = NULL;
    }
    if (r && r->keeps && flags_are_wanted(w)) {
        r = r->keeps;
    }
    if (r) {
        rule_emit(w, i, r, n);
    } else if (ir_ops[n->op].interp) {
        lower_call_op(w, i, n);
    } else { /* an access this backend cannot make: the interpreter runs the insn */
        walk_store_insns_left(w);
        l->be->exit(l->h, IR_EXIT_SLOW, true, walk_insn_off(w));
        if (n->type != IR_VOID) {
            ra_define(l, i, false);
        }
    }
}
