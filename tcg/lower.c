/* SPDX-License-Identifier: MIT */
/*
 * lower.c - from IR to host code: one walk over the nodes of a block. Ops with a rule get their operands where the
 * rule wants them; flags, memory and control, which need more than one node to be compiled well, are handled here.
 */
#include "tcg/lower.h"

#include <string.h>

#include "tcg/regalloc.h"

enum { MAX_COLD = 256, MAX_BLOCK_BYTES = 64 * 1024, MAX_MARKS = 128, MAX_DEPTH = 16 };

typedef struct Walk {
    Lower l;
    Tb *tb;
    int32_t insn_off;
    bool ended;
    HostCold cold[MAX_COLD];
    unsigned cold_count;
    HostMark marks[MAX_MARKS];
    unsigned mark_count;
    unsigned insn_index;     /* insns begun so far */
    HostFixup skip[MAX_DEPTH]; /* open skip_ifs */
    unsigned depth;
} Walk;

static inline uint32_t here(const Walk *w) {
    return (uint32_t)(w->l.h->p - w->l.h->start);
}

/* -- host flags -- */

/* The host flags are about to be lost: keep the value they hold if somebody wants it later. */
static void flags_lose(Walk *w) {
    Lower *l = &w->l;
    uint32_t f = l->flags_value;
    HostOperand mem;
    l->flags_of = 0;
    l->flags_value = 0;
    if (f && l->values[f].last_use > l->now && !ra_memory(l, f, &mem)) {
        bool free = !l->head[l->be->result_reg] && !(l->locked >> l->be->result_reg & 1);
        l->be->flags_save(l->h, l->flags_polarity, ra_spill_slot(l, f), free);
    }
}

static void flags_now_hold(Walk *w, uint32_t f, HostPolarity p) {
    w->l.flags_value = f;
    w->l.flags_polarity = p;
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

/* Host condition code that is true when cond holds in f. Emits what is needed to have it. */
static int flags_condition(Walk *w, uint32_t f, unsigned cond) {
    Lower *l = &w->l;
    HostOperand mem;
    if (l->flags_value == f) {
        int cc = l->be->flags_cc(cond, l->flags_polarity);
        if (cc >= 0) {
            return cc;
        }
        /* Only the carry's sense is in the way. */
        if (!ra_memory(l, f, &mem)) {
            bool free = !l->head[l->be->result_reg] && !(l->locked >> l->be->result_reg & 1);
            l->be->flags_save(l->h, l->flags_polarity, ra_spill_slot(l, f), free);
        }
    }
    flags_lose(w);
    int32_t image;
    if (!ra_memory(l, f, &mem)) {
        if (!flags_const(l, f, &image)) {
            l->failed = true;
            return 0;
        }
        mem = flags_home(w, f, image);
    }
    uint32_t locked = l->locked;
    unsigned tmp = ra_alloc(l, false, 1u << l->be->result_reg);
    int cc = l->be->flags_test(l->h, cond, mem, tmp);
    l->locked = locked;
    return cc;
}

/* The flags value into memory at `to` (guest slot or spill). */
static void flags_store(Walk *w, uint32_t f, HostOperand to) {
    Lower *l = &w->l;
    HostOperand mem;
    int32_t image;
    if (flags_const(l, f, &image)) {
        l->be->store_imm(l->h, IR_FLAGS, to, image);
    } else if (l->flags_value == f) {
        bool free = !l->head[l->be->result_reg] && !(l->locked >> l->be->result_reg & 1);
        l->be->flags_save(l->h, l->flags_polarity, to, free);
        /* flags_save may turn the carry round: what is left is in IR's sense. */
        if (l->flags_polarity == HOST_FLAGS_SUB) {
            l->flags_polarity = HOST_FLAGS_ADD;
        }
    } else if (ra_memory(l, f, &mem)) {
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->load(l->h, IR_FLAGS, tmp, mem);
        l->be->store(l->h, IR_FLAGS, to, tmp);
    } else {
        l->failed = true;
    }
}

static void lower_set_flags(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    const IrSlot *s = &l->ir->slots[n->a];
    RaValue *x = &l->values[n->b];
    HostOperand to = {.kind = HOST_ENV, .disp = (int32_t)s->offset};
    if (x->env == to.disp && l->slot_lazy[n->a][0] == n->b) {
        return;
    }
    uint32_t old = l->slot_lazy[n->a][0];
    if (old && l->values[old].last_use > l->now && l->values[old].spill < 0 && l->flags_value != old) {
        HostOperand from = {.kind = HOST_ENV, .disp = l->values[old].env};
        unsigned tmp = ra_alloc(l, false, UINT32_MAX);
        l->be->load(l->h, IR_FLAGS, tmp, from);
        l->be->store(l->h, IR_FLAGS, ra_spill_slot(l, old), tmp);
    }
    if (old && old != n->b) {
        l->values[old].env = -1;
    }
    flags_store(w, n->b, to);
    x->env = to.disp;
    l->slot_lazy[n->a][0] = n->b;
}

static IrType width_of(const Walk *w, uint32_t v) {
    return (IrType)ra_node(&w->l, v)->type;
}

/* fl_add and fl_sub when an add or sub of the same operands has just left its flags. */
static bool flags_follow(Walk *w, uint32_t i, IrOp arith) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    const IrNode *m = ra_node(l, l->flags_of);
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
    if (l->values[i].uses != 1 || m->op != IR_fl_sel || m->b != i || m->a == i || !flags_const(l, m->c, &image)) {
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

static void keep_operands(Walk *w, uint32_t i);

static void lower_fl_sub(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    if (is_conditional_compare(w, i)) {
        keep_operands(w, i);
        return;
    }
    if (flags_follow(w, i, IR_sub)) {
        return;
    }
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    HostOperand b = ra_operand(l, n->b, "rim");
    l->be->compare(l->h, width_of(w, n->a), a, b);
    flags_now_hold(w, i, HOST_FLAGS_SUB);
}

static void emit_rule_named(Walk *w, uint32_t i, IrOp op, IrType type, uint32_t a, uint32_t b);
static uint32_t insns_left(const Walk *w);
static void store_insns_left(Walk *w);
static void lower_call_op(Walk *w, uint32_t i);

static void lower_fl_add(Walk *w, uint32_t i) {
    const IrNode *n = ra_node(&w->l, i);
    if (!flags_follow(w, i, IR_add)) {
        flags_lose(w);
        emit_rule_named(w, i, IR_add, width_of(w, n->a), n->a, n->b);
        flags_now_hold(w, i, HOST_FLAGS_ADD);
    }
}

/* if (cond of a) flags = compare; else flags = constant: Arm's CCMP. Both ways end with them in the host's flags. */
static void lower_fl_sel(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i), *compare = ra_node(l, n->b);
    int32_t image = 0;
    if (compare->op != IR_fl_sub || l->flags_value == n->b || !is_conditional_compare(w, n->b)) {
        lower_call_op(w, i);
        return;
    }
    flags_const(l, n->c, &image);
    ra_take(l, l->be->result_reg); /* for the constant */
    HostOperand x = ra_operand(l, compare->a, "r");
    HostOperand y = ra_operand(l, compare->b, "ri");
    l->locked &= ~(1u << l->be->result_reg);
    int cc = flags_condition(w, n->a, n->aux ^ 1);
    l->be->flags_select(l->h, cc, width_of(w, compare->a), x, y, image);
    flags_now_hold(w, i, HOST_FLAGS_SUB);
}

static void lower_fl_logic(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
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
        l->be->test(l->h, width_of(w, n->a), a, b);
    } else {
        HostOperand a = ra_operand(l, n->a, "r");
        l->be->test(l->h, width_of(w, n->a), a, a);
    }
    flags_now_hold(w, i, HOST_FLAGS_ADD);
}

/* Is `and` at i wanted for its flags alone, by the very next node? Then fl_logic does all the work. */
static bool and_is_test(const Walk *w, uint32_t i) {
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

/* -- rules -- */

static bool is_commuted_better(const Walk *w, const HostRule *r, const IrNode *n) {
    const Lower *l = &w->l;
    uint64_t imm;
    if (!(r->flags & HOST_RULE_COMMUTES)) {
        return false;
    }
    if (ra_const(l, n->a, &imm) && !ra_const(l, n->b, &imm)) {
        return true;
    }
    /* The operand that dies here, or already sits where the result should be, comes first. */
    const RaValue *b = &l->values[n->b];
    uint8_t hint = l->values[l->now].hint;
    return b->reg != RA_NO_REG && !ra_const(l, n->b, &imm) &&
           ((hint != RA_NO_REG && b->reg == hint) ||
            (hint == RA_NO_REG && !ra_dead_after(l, n->a) && ra_dead_after(l, n->b)));
}

/* Result register for a rule whose result replaces s[0]. */
static unsigned define_in_place(Walk *w, uint32_t i, HostOp *op) {
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
    if (ok) {
        for (uint32_t v = l->head[reg]; v; v = l->values[v].next) {
            ok &= l->values[v].last_use <= l->now;
        }
    }
    if (!ok) {
        reg = RA_NO_REG;
        if (op->s[0].kind == HOST_REG && (ra_class_mask(l, vec) >> op->s[0].reg & 1) &&
            !(others >> op->s[0].reg & 1)) {
            ok = true;
            for (uint32_t v = l->head[op->s[0].reg]; v; v = l->values[v].next) {
                ok &= l->values[v].last_use <= l->now;
            }
            reg = ok ? op->s[0].reg : RA_NO_REG;
        }
    }
    if (reg == RA_NO_REG) {
        reg = ra_alloc(l, vec, UINT32_MAX);
    }
    l->locked |= 1u << reg;
    while (l->head[reg]) {
        uint32_t v = l->head[reg];
        l->head[reg] = l->values[v].next;
        l->values[v].reg = RA_NO_REG;
    }
    ra_attach(l, i, reg);
    x->clean = true;
    return reg;
}

static void fill_in_place(Walk *w, HostOp *op, unsigned d) {
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

static void emit_rule(Walk *w, uint32_t i, const HostRule *r, const IrNode *n) {
    Lower *l = &w->l;
    HostOp op = {.node = n, .type = (IrType)n->type};
    IrNode swapped;
    if (is_commuted_better(w, r, n)) {
        swapped = *n;
        swapped.a = n->b;
        swapped.b = n->a;
        n = &swapped;
        op.node = n;
    }
    if (r->flags & HOST_RULE_CLOBBERS) {
        flags_lose(w);
    }
    for (uint32_t m = r->fixed; m; m &= m - 1) {
        ra_take(l, (unsigned)__builtin_ctz(m));
    }
    /* Registers with a fixed place first, so that nothing else is put there. */
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned k = 0; k < 3; k++) {
            bool fixed = r->s[k] && strchr(r->s[k], 'c');
            if (r->s[k] && fixed == (pass == 0)) {
                op.s[k] = ra_operand(l, n->arg[k], r->s[k]);
            }
        }
    }
    if (n->a && r->s[0] && (n->type == IR_VOID || r->flags & HOST_RULE_TYPE_OF_A)) {
        op.type = width_of(w, n->a);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(op.tmp) && k < r->tmps + r->vtmps; k++) {
        op.tmp[k] = (uint8_t)ra_alloc(l, k >= r->tmps, UINT32_MAX);
    }
    if (r->d) {
        unsigned d;
        if (r->d[0] == '0') {
            d = define_in_place(w, i, &op);
            fill_in_place(w, &op, d);
        } else {
            d = ra_define(l, i, r->flags & HOST_RULE_EARLY);
        }
        op.d = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
    }
    r->emit(l->h, &op);
    if (r->sets) {
        l->flags_of = i;
    }
}

/* Emits op with a scratch result that nobody uses: for its flags. */
static void emit_rule_named(Walk *w, uint32_t i, IrOp opcode, IrType type, uint32_t a, uint32_t b) {
    Lower *l = &w->l;
    IrNode n = {.op = opcode, .type = type, .a = a, .b = b};
    const HostRule *r = l->be->rules[opcode];
    HostOp op = {.node = &n, .type = type};
    op.s[0] = ra_operand(l, a, "r");
    op.s[1] = ra_operand(l, b, r->s[1]);
    unsigned d = ra_alloc(l, false, UINT32_MAX);
    fill_in_place(w, &op, d);
    op.d = op.s[0];
    r->emit(l->h, &op);
}

/* An op in C: operands through env.scratch. */
static void lower_call_op(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    for (unsigned k = 0; k < 3; k++) { /* moves only: host flags stay */
        char c = ir_ops[n->op].operands[k];
        if (!c || !ir_operand_is_value((IrOp)n->op, k)) {
            continue;
        }
        HostOperand to = {.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, scratch) + k * sizeof(IrVal))};
        IrType type = width_of(w, n->arg[k]);
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

static void lower_call(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    const IrHelper *helper = &l->ir->helpers[n->a];
    HostOperand args[5];
    IrType types[5];
    unsigned count = 0;
    unsigned flags = helper->flags | (helper->flags & IRH_FAULT ? IRH_PC | IRH_READS | IRH_WRITES : 0);

    flags_lose(w);
    for (uint32_t chain = n->b; chain && count < 5; chain = ra_node(l, chain)->b) {
        uint32_t v = ra_node(l, chain)->a;
        uint64_t imm;
        types[count] = width_of(w, v);
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
    store_insns_left(w);
    l->be->call_helper(l->h, n->a, flags, args, types, count, w->insn_off);
    if (n->type != IR_VOID && l->values[i].last_use) {
        ra_attach(l, i, l->be->result_reg);
        l->values[i].clean = false;
    }
}

/* -- memory -- */

/* If only loads, or only a run of stores right behind, use the check at i: what its cold path can do by itself. */
static unsigned check_group(const Walk *w, uint32_t i, uint32_t stores[4], unsigned *part) {
    const Lower *l = &w->l;
    unsigned loads = 0, count = 0;
    bool mixed = false; /* parts of different sizes: a device must see each as it is */
    *part = 0;
    for (uint32_t k = i + 1; k < l->ir->count && k <= l->values[i].last_use; k++) {
        const IrNode *n = ra_node(l, k);
        if (n->op == IR_ld && n->a == i) {
            mixed |= loads + count && *part != (n->aux & IR_MEM_SIZE);
            loads++;
            *part = n->aux & IR_MEM_SIZE;
        } else if (n->op == IR_st && n->a == i) {
            if (count == 4) {
                return 0;
            }
            mixed |= loads + count && *part != (n->aux & IR_MEM_SIZE);
            stores[count++] = k;
            *part = n->aux & IR_MEM_SIZE;
        } else if ((n->op == IR_sc || n->op == IR_ll || n->op == IR_cas || n->op == IR_rmw) && n->a == i) {
            return 0;
        } else if (n->op == IR_check || n->op == IR_call) {
            return 0; /* these use env.bounce too */
        }
    }
    if (mixed) {
        return 0;
    }
    if (*part > 3) {
        *part = 3;
    }
    if (loads && !count) {
        return HOST_SLOW_LOADS;
    }
    return count && !loads ? HOST_SLOW_STORES : 0;
}

/* Offset of an access's address from the check's address; false when it is not plain. */
static bool ea_offset(const Walk *w, uint32_t ea, uint32_t base, int64_t *offset) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, ea), *m = ra_node(l, base);
    uint64_t c, d;
    *offset = 0;
    if (ea == base) {
        return true;
    }
    if (n->op == IR_add && n->a == base && ra_const(l, n->b, &c)) {
        *offset = (int64_t)c;
        return true;
    }
    /* The builder folds add(add(x, c), d): compare against the common x. */
    if (n->op == IR_add && ra_const(l, n->b, &c)) {
        if (m->op == IR_add && m->a == n->a && ra_const(l, m->b, &d)) {
            *offset = (int64_t)(c - d);
            return true;
        }
    }
    if (m->op == IR_add && m->a == ea && ra_const(l, m->b, &d)) {
        *offset = -(int64_t)d;
        return true;
    }
    return false;
}

/* Where the value of a store will come from, seen from its check: what is not there yet must be a plain `get`. */
static bool cold_value(const Walk *w, uint32_t check, uint32_t v, HostOperand *value) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, v);
    uint64_t imm;
    if (ra_const(l, v, &imm)) {
        *value = (HostOperand){.kind = HOST_IMM, .imm = (int64_t)imm};
        return true;
    }
    if (l->values[v].reg != RA_NO_REG) {
        *value = (HostOperand){.kind = HOST_REG, .reg = l->values[v].reg};
        return true;
    }
    if (ra_memory(l, v, value)) {
        return true;
    }
    if (n->op != IR_get || v < check || l->ir->slots[n->a].type < IR_I64) {
        return false;
    }
    if (l->slot_pin[n->a] != RA_NO_REG) {
        *value = (HostOperand){.kind = HOST_REG, .reg = l->slot_pin[n->a]};
    } else {
        *value = (HostOperand){.kind = HOST_ENV, .disp = (int32_t)l->ir->slots[n->a].offset};
    }
    return true;
}

/* The stores that use a check, for its cold path: it does them all when the fast path cannot. */
static bool cold_stores(Walk *w, HostCold *c, uint32_t check, const uint32_t stores[4], unsigned size) {
    Lower *l = &w->l;
    uint32_t base = ra_node(l, check)->a;
    uint64_t covered = 0; /* bytes of the check that the stores fill: all of them, for all of them are written */
    for (unsigned k = 0; k < 4 && stores[k]; k++) {
        const IrNode *st = ra_node(l, stores[k]);
        int64_t offset;
        if (!ea_offset(w, st->b, base, &offset) || offset < 0 || offset >= size ||
            !cold_value(w, check, st->c, &c->store[c->stores].value)) {
            return false;
        }
        c->store[c->stores].type = width_of(w, st->c);
        c->store[c->stores].aux = st->aux;
        c->store[c->stores].offset = (uint8_t)offset;
        c->stores++;
        covered |= ((UINT64_C(1) << (1 << (st->aux & IR_MEM_SIZE))) - 1) << offset;
    }
    return size <= sizeof((Env *)NULL)->bounce && covered == UINT64_MAX >> (64 - size);
}

/* Does anything but stores of the group, and what feeds them, stand between the check and its last store? The cold path
 * does the stores ahead of it. */
static bool stores_are_adjacent(const Walk *w, uint32_t check, const uint32_t stores[4]) {
    const Lower *l = &w->l;
    uint32_t last = check;
    for (unsigned k = 0; k < 4 && stores[k]; k++) {
        last = stores[k];
    }
    for (uint32_t k = check + 1; k < last; k++) {
        const IrNode *n = ra_node(l, k);
        if (!(ir_ops[n->op].props & IR_PURE) && n->op != IR_get && n->op != IR_nop &&
            !(n->op == IR_st && n->a == check)) {
            return false;
        }
    }
    return true;
}

static void lower_check(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t stores[4] = {0};
    unsigned part = 0;
    HostFixup from[2] = {0, 0};

    if (w->cold_count == MAX_COLD) {
        l->failed = true;
        return;
    }
    flags_lose(w);
    bool used = l->values[i].last_use != 0;
    unsigned group = used ? check_group(w, i, stores, &part) : 0;
    HostOp op = {.node = n, .type = IR_I64};
    op.s[0] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ra_use(l, n->a, UINT32_MAX)};
    op.tmp[0] = (uint8_t)ra_alloc(l, false, UINT32_MAX);
    /* Never in a pin, and never in the address's register: both are alive on the cold path. */
    unsigned d = ra_alloc(l, false, UINT32_MAX);
    if (used) {
        ra_attach(l, i, d);
    }
    op.d = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
    l->be->check(l->h, &op, from);

    HostCold *c = &w->cold[w->cold_count];
    memset(c, 0, sizeof *c);
    if (group == HOST_SLOW_STORES && !(stores_are_adjacent(w, i, stores) && cold_stores(w, c, i, stores, n->c))) {
        group = 0;
        c->stores = 0;
    }
    c->from[0] = from[0];
    c->from[1] = from[1];
    c->back = here(w);
    c->insn_off = w->insn_off;
    c->rest = insns_left(w);
    c->desc = n->c | (uint32_t)n->aux << 8 | group | (group ? part << HOST_SLOW_PART_SHIFT : 0);
    c->ea = op.s[0].reg;
    c->addend = (uint8_t)d;
    w->cold_count++;
}

/* Address of an access as register + displacement: the add of a constant is folded into it. */
static unsigned access_address(Walk *w, uint32_t ea, int32_t *disp) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, ea);
    uint64_t c;
    HostOperand mem;
    *disp = 0;
    if (n->op == IR_add && l->values[ea].reg == RA_NO_REG && !ra_memory(l, ea, &mem) && ra_const(l, n->b, &c) &&
        (int64_t)c == (int32_t)c && l->values[n->a].last_use >= l->now) {
        *disp = (int32_t)c;
        return ra_use(l, n->a, UINT32_MAX);
    }
    return ra_use(l, ea, UINT32_MAX);
}

static void lower_ld(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    int32_t disp;
    unsigned addend = ra_use(l, n->a, UINT32_MAX);
    unsigned ea = access_address(w, n->b, &disp);
    unsigned d;
    if (n->aux & IR_MEM_BIG) {
        flags_lose(w);
    }
    if (l->values[i].last_use) {
        d = ra_define(l, i, n->aux & IR_MEM_BIG);
    } else {
        d = ra_alloc(l, ir_type_is_vec((IrType)n->type), UINT32_MAX);
    }
    l->be->ld(l->h, (IrType)n->type, n->aux, d, addend, ea, disp);
}

static void lower_st(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    int32_t disp;
    unsigned addend = ra_use(l, n->a, UINT32_MAX);
    unsigned ea = access_address(w, n->b, &disp);
    IrType type = width_of(w, n->c);
    HostOperand v = ra_operand(l, n->c, ir_type_is_vec(type) ? "x" : "ri");
    unsigned tmp = n->aux & IR_MEM_BIG ? ra_alloc(l, false, UINT32_MAX) : RA_NO_REG;
    if (n->aux & (IR_MEM_ACQUIRE | IR_MEM_RELEASE | IR_MEM_BIG)) {
        flags_lose(w);
    }
    l->be->st(l->h, type, n->aux, v, addend, ea, disp, tmp);
}

/* -- control -- */

static void chain_exit(Walk *w, unsigned slot, int32_t off) {
    Lower *l = &w->l;
    HostExit *e = &w->tb->exits[slot];
    if (off < 0 || off >= PAGE_SIZE) {
        l->be->indirect(l->h, (HostOperand){.kind = HOST_IMM, .imm = off});
        return;
    }
    e->off = off;
    e->jump = l->be->chain_jump(l->h);
}

static void chain_stub(Walk *w, unsigned slot) {
    HostExit *e = &w->tb->exits[slot];
    if (e->jump) {
        e->stub = here(w);
        w->l.be->chain_stub(w->l.h, w->tb->index << 1 | slot);
    }
}

static void lower_jump(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    HostFixup poll = n->aux & 1 ? l->be->poll(l->h) : 0;
    chain_exit(w, 0, (int32_t)n->a);
    if (poll) {
        l->be->bind(l->h, poll);
        l->be->pending_exit(l->h, (int32_t)n->a);
    }
}

static void lower_branch(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    HostFixup poll = 0;
    int cc = flags_condition(w, n->a, (n->aux & 15) ^ 1);
    HostFixup other = l->be->jump_if(l->h, cc);
    if (n->aux & 16) {
        poll = l->be->poll(l->h);
    }
    chain_exit(w, 0, (int32_t)n->b);
    l->be->bind(l->h, other);
    chain_exit(w, 1, (int32_t)n->c);
    if (poll) {
        l->be->bind(l->h, poll);
        l->be->pending_exit(l->h, (int32_t)n->b);
    }
}

static void lower_skip(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    uint32_t f = l->flags_value;
    HostOperand mem;
    if (w->depth == MAX_DEPTH) {
        l->failed = true;
        return;
    }
    if (f && l->values[f].last_use > l->now && !ra_memory(l, f, &mem)) {
        flags_store(w, f, ra_spill_slot(l, f)); /* both ways out of here want them in memory */
    }
    int cc = flags_condition(w, n->a, n->aux & 15);
    ra_spill_all(l); /* moves only: host flags stay */
    l->flags_value = l->flags_of = 0;
    w->skip[w->depth++] = l->be->jump_if(l->h, cc);
}

static void lower_end(Walk *w) {
    Lower *l = &w->l;
    flags_lose(w);
    ra_spill_all(l);
    l->be->bind(l->h, w->skip[--w->depth]);
    l->flags_value = l->flags_of = 0;
}

static void lower_csel(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    IrType type = (IrType)n->type;
    if (ir_type_is_vec(type)) {
        lower_call_op(w, i);
        return;
    }
    int cc = flags_condition(w, n->a, n->aux); /* first: what follows only moves */
    unsigned b = ra_use(l, n->b, UINT32_MAX);
    HostOp op = {.node = n, .type = type};
    op.s[0] = ra_operand(l, n->c, "rj");
    op.s[1] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)b};
    unsigned d = define_in_place(w, i, &op);
    fill_in_place(w, &op, d);
    l->be->csel(l->h, type, cc, d, b);
}

static void lower_cset(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    int cc = flags_condition(w, n->a, n->aux);
    unsigned d = ra_define(l, i, false);
    l->be->cset(l->h, cc, d);
}

static void lower_setc(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    HostOperand b = ra_operand(l, n->b, "rim");
    l->be->compare(l->h, width_of(w, n->a), a, b);
    unsigned d = ra_define(l, i, false);
    l->be->cset(l->h, l->be->flags_cc(n->aux & 15, HOST_FLAGS_SUB), d);
}

/* adc and sbc: bring the carry into the host's flag, then their rule. */
static void lower_adc(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    const HostRule *r = l->be->rules[n->op];
    HostPolarity wanted = n->op == IR_adc || n->op == IR_fl_adc ? HOST_FLAGS_ADD : HOST_FLAGS_SUB;
    HostOp op = {.node = n, .type = n->type == IR_FLAGS ? width_of(w, n->a) : (IrType)n->type};
    if (!r) {
        r = l->be->rules[n->op == IR_fl_adc ? IR_adc : IR_sbc];
    }
    op.s[0] = ra_operand(l, n->a, "rj");
    op.s[1] = ra_operand(l, n->b, "ri");
    HostOperand mem;
    HostPolarity have = l->flags_value == n->c ? l->flags_polarity : HOST_FLAGS_NONE;
    if (have != HOST_FLAGS_NONE && l->values[n->c].last_use > l->now && !ra_memory(l, n->c, &mem)) {
        flags_store(w, n->c, ra_spill_slot(l, n->c)); /* others want them after this op */
        have = l->flags_polarity;
    }
    if (have == HOST_FLAGS_NONE && l->flags_value) {
        flags_lose(w);
    }
    unsigned d;
    if (n->type == IR_FLAGS) {
        d = ra_alloc(l, false, UINT32_MAX);
    } else {
        d = define_in_place(w, i, &op);
    }
    fill_in_place(w, &op, d);
    op.d = op.s[0];
    int32_t image;
    if (have != HOST_FLAGS_NONE) {
        l->be->carry_in(l->h, have, wanted);
    } else if (ra_memory(l, n->c, &mem)) {
        l->be->carry_load(l->h, mem, wanted);
    } else if (flags_const(l, n->c, &image)) {
        l->be->carry_load(l->h, flags_home(w, n->c, image), wanted);
    } else {
        l->failed = true;
    }
    l->flags_value = 0;
    r->emit(l->h, &op);
    l->flags_of = i;
    if (n->type == IR_FLAGS) {
        flags_now_hold(w, i, wanted);
    }
}

static void lower_fl_carry(Walk *w, uint32_t i) {
    if (!flags_follow(w, i, ra_node(&w->l, i)->op == IR_fl_adc ? IR_adc : IR_sbc)) {
        lower_adc(w, i);
    }
}

static void lower_aligned(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    if (w->cold_count == MAX_COLD) {
        l->failed = true;
        return;
    }
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    l->be->test(l->h, IR_I32, a, (HostOperand){.kind = HOST_IMM, .imm = n->aux - 1});
    HostCold *c = &w->cold[w->cold_count++];
    memset(c, 0, sizeof *c);
    c->from[0] = l->be->jump_if(l->h, l->be->flags_cc(IR_NE, HOST_FLAGS_ADD));
    c->insn_off = w->insn_off;
    c->rest = insns_left(w);
    c->desc = 0; /* leave: the interpreter raises it */
}

static void lower_get(Walk *w, uint32_t i) {
    ra_get(&w->l, i, ra_node(&w->l, i)->a);
}

static void lower_set(Walk *w, const IrNode *n) {
    if (w->l.ir->slots[n->a].type == IR_FLAGS) {
        lower_set_flags(w, n);
    } else {
        ra_set(&w->l, n->a, n->b);
    }
}

static void lower_pcrel(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    unsigned d = ra_define(l, i, true);
    flags_lose(w);
    l->be->load(l->h, IR_I64, d, (HostOperand){.kind = HOST_ENV, .disp = offsetof(Env, pcbase)});
    const HostRule *r = l->be->rules[IR_add];
    HostOp op = {.node = ra_node(l, i), .type = IR_I64};
    op.d = op.s[0] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
    op.s[1] = (HostOperand){.kind = HOST_IMM, .imm = (int32_t)ra_node(l, i)->a};
    r->emit(l->h, &op);
}

/* zext and trunc cost nothing where the register already is what is wanted. */
static void lower_zext(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    RaValue *x = &l->values[n->a];
    ra_use(l, n->a, UINT32_MAX);
    if (x->clean && l->values[i].hint == RA_NO_REG) {
        ra_alias(l, i, n->a);
    } else {
        unsigned from = x->reg;
        unsigned d = ra_define(l, i, false);
        l->be->zext32(l->h, d, from);
    }
}

/* The op at i is folded into its users: its operands live as long as it would. */
static void keep_operands(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t last = l->values[i].last_use;
    l->values[n->a].last_use = MAX(l->values[n->a].last_use, last);
    l->values[n->b].last_use = MAX(l->values[n->b].last_use, last);
}

/* Is the sum at i wanted as the address of loads and stores alone? Then it becomes their displacement. */
static bool add_is_address(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t seen = 0;
    uint64_t c;
    if (!ra_const(l, n->b, &c) || (int64_t)c != (int32_t)c || l->values[i].last_use - i > 24) {
        return false;
    }
    for (uint32_t k = i + 1; k <= l->values[i].last_use; k++) {
        const IrNode *m = ra_node(l, k);
        if (m->op == IR_skip_if || m->op == IR_end) {
            return false;
        }
        seen += (m->op == IR_ld || m->op == IR_st) && m->b == i && !(m->op == IR_st && m->c == i);
    }
    return seen == l->values[i].uses;
}

/* Will fl_add or fl_sub of the same operands follow, before anything else changes host flags? */
static bool flags_wanted(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    for (uint32_t k = i + 1; k < l->ir->count && k < i + 5; k++) {
        const IrNode *m = ra_node(l, k);
        if ((m->op == IR_fl_add || m->op == IR_fl_sub) && m->a == n->a && m->b == n->b) {
            return (m->op == IR_fl_add) == (n->op == IR_add);
        }
        if (m->op != IR_nop && m->op != IR_const && m->op != IR_set && m->op != IR_get) {
            return false;
        }
    }
    return false;
}

/* Sums that need no flags are made without touching them. */
static const HostRule *lea_rule(const Walk *w, const IrNode *n) {
    const Lower *l = &w->l;
    uint64_t c;
    if (n->op == IR_sub && !(ra_const(l, n->b, &c) && (int64_t)c == (int32_t)c && (int64_t)c != INT32_MIN)) {
        return l->be->rules[IR_sub];
    }
    return n->op == IR_add ? l->be->sum : l->be->difference;
}

/* Exclusives and atomics: of 16 bytes by a rule of their own, big-endian ones by none. */
static const HostRule *access_rule(const Walk *w, const IrNode *n, const HostRule *r) {
    IrType type = n->op == IR_sc ? width_of(w, n->c) : (IrType)n->type;
    if ((n->op == IR_ll || n->op == IR_sc) && n->aux & IR_MEM_BIG && (n->aux & IR_MEM_SIZE)) {
        return NULL;
    }
    return (n->op == IR_ll || n->op == IR_sc) && ir_type_is_vec(type) ? r->wide : r;
}

static void lower_value(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    const HostRule *r = l->be->rules[n->op];
    bool pure = ir_ops[n->op].props & IR_PURE;
    if (pure && !l->values[i].last_use) {
        return;
    }
    if (n->op == IR_and && and_is_test(w, i)) {
        keep_operands(w, i);
        return;
    }
    if (n->op == IR_add && add_is_address(w, i)) {
        keep_operands(w, i);
        return;
    }
    if ((n->op == IR_add || n->op == IR_sub) && !flags_wanted(w, i)) {
        r = lea_rule(w, n);
    }
    if (r && ir_ops[n->op].props & IR_MEM) {
        r = access_rule(w, n, r);
    }
    if (r) {
        emit_rule(w, i, r, n);
    } else if (ir_ops[n->op].interp) {
        lower_call_op(w, i);
    } else { /* an access this backend cannot make: the interpreter runs the insn */
        store_insns_left(w);
        l->be->exit(l->h, IR_EXIT_SLOW, true, w->insn_off);
        if (n->type != IR_VOID) {
            ra_define(l, i, false);
        }
    }
}

static void lower_fl_nzcv(Walk *w, uint32_t i) {
    int32_t image;
    if (!flags_const(&w->l, i, &image) && w->l.values[i].last_use) {
        lower_call_op(w, i);
    }
}

/* Under -icount: what C must know to say how many insns have retired. */
static uint32_t insns_left(const Walk *w) {
    return w->l.vcpu->tcg->config.icount ? w->l.ir->insns - w->insn_index + 1 : 0;
}

static void store_insns_left(Walk *w) {
    if (w->l.vcpu->tcg->config.icount) {
        w->l.be->store_imm(w->l.h, IR_I32, (HostOperand){.kind = HOST_ENV, .disp = offsetof(Env, insn_rest)},
                           (int32_t)insns_left(w));
    }
}

static void lower_insn(Walk *w, const IrNode *n) {
    w->insn_index++;
    w->insn_off = (int32_t)n->a;
    if (w->mark_count < MAX_MARKS) {
        w->marks[w->mark_count++] = (HostMark){here(w), w->insn_off};
    }
}

static void lower_node(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    l->locked = 0;
    switch ((IrOp)n->op) {
    case IR_nop: case IR_const: case IR_arg: case IR_pair: break;
    case IR_insn: lower_insn(w, n); break;
    case IR_pcrel: lower_pcrel(w, i); break;
    case IR_get: lower_get(w, i); break;
    case IR_set: case IR_pend: lower_set(w, n); break;
    case IR_call: lower_call(w, i); break;
    case IR_trunc: ra_alias(l, i, n->a); break;
    case IR_zext: lower_zext(w, i); break;
    case IR_fl_add: lower_fl_add(w, i); break;
    case IR_fl_sub: lower_fl_sub(w, i); break;
    case IR_fl_nzcv: lower_fl_nzcv(w, i); break;
    case IR_fl_sel: lower_fl_sel(w, i); break;
    case IR_fl_logic: lower_fl_logic(w, i); break;
    case IR_fl_adc: case IR_fl_sbc: lower_fl_carry(w, i); break;
    case IR_adc: case IR_sbc: lower_adc(w, i); break;
    case IR_cset: lower_cset(w, i); break;
    case IR_csel: lower_csel(w, i); break;
    case IR_setc: lower_setc(w, i); break;
    case IR_check: lower_check(w, i); break;
    case IR_aligned: lower_aligned(w, n); break;
    case IR_ld: lower_ld(w, i); break;
    case IR_st: lower_st(w, i); break;
    case IR_skip_if: lower_skip(w, n); break;
    case IR_end: lower_end(w); break;
    case IR_jump: lower_jump(w, n); break;
    case IR_branch: lower_branch(w, n); break;
    case IR_indirect:
        l->be->indirect(l->h, (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ra_use(l, n->a, UINT32_MAX)});
        break;
    case IR_exit:
        l->be->exit(l->h, n->aux, n->aux != IR_EXIT_PC_SET, (int32_t)n->a);
        break;
    default: lower_value(w, i); break;
    }
}

/* -- a whole block -- */

static uint8_t *make_slot_pins(Vcpu *v, const Backend *be) {
    const Frontend *fe = v->frontend;
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

static Walk *walk_get(Vcpu *v, const IrBlock *ir) {
    Walk *w = v->lower;
    if (!w) {
        w = v->lower = g_new0(Walk, 1);
        w->l.slot_pin = make_slot_pins(v, v->tcg->backend);
        w->l.slot_lazy = g_malloc0(sizeof *w->l.slot_lazy * v->frontend->slot_count);
    }
    Lower *l = &w->l;
    if (l->capacity < ir->count) {
        l->capacity = ir->count * 2;
        l->values = g_renew(RaValue, l->values, l->capacity);
    }
    memset(l->head, 0, sizeof l->head);
    memset(l->spill_used, 0, sizeof l->spill_used);
    memset(l->slot_lazy, 0, sizeof *l->slot_lazy * v->frontend->slot_count);
    l->vcpu = v;
    l->be = v->tcg->backend;
    l->ir = ir;
    l->occupied = l->locked = l->flags_value = l->flags_of = l->now = 0;
    l->failed = false;
    w->cold_count = w->mark_count = w->insn_index = 0;
    w->depth = 0;
    w->insn_off = 0;
    return w;
}

void lower_vcpu_free(Vcpu *v) {
    Walk *w = v->lower;
    if (w) {
        g_free(w->l.values);
        g_free(w->l.slot_pin);
        g_free(w->l.slot_lazy);
        g_free(w);
    }
}

LowerResult lower_block(Vcpu *v, Tb *tb, const IrBlock *ir) {
    Tcg *tcg = v->tcg;
    uint8_t *start = cache_reserve(tcg->cache, MAX_BLOCK_BYTES);
    if (!start) {
        return LOWER_NO_ROOM;
    }
    HostCode h = {.backend = tcg->backend, .start = start, .p = start, .end = start + MAX_BLOCK_BYTES,
                  .exec = cache_exec(tcg->cache, start), .stubs = &tcg->stubs};
    Walk *w = walk_get(v, ir);
    w->tb = tb;
    w->l.h = &h;
    ra_prepare(&w->l);
    uint32_t host_count = 0;
    HostFixup spent = tcg->config.icount ? tcg->backend->budget(&h, ir->insns, &host_count) : 0;
    for (uint32_t i = 1; i < ir->count && !w->l.failed && !h.overflow; i++) {
        if (ir->nodes[i].op == IR_nop) {
            continue;
        }
        w->l.now = i;
        lower_node(w, i);
        ra_free_dead(&w->l);
    }
    if (spent) {
        memcpy(h.start + host_count, &h.insns, 4);
        tcg->backend->bind(&h, spent);
        tcg->backend->refund(&h, ir->insns);
        tcg->backend->pending_exit(&h, (int32_t)(tb->pa & (PAGE_SIZE - 1)));
    }
    chain_stub(w, 0);
    chain_stub(w, 1);
    for (unsigned k = 0; k < w->cold_count && !h.overflow; k++) {
        tcg->backend->cold(&h, &w->cold[k]);
    }
    if (w->l.failed || h.overflow) {
        memset(tb->exits, 0, sizeof tb->exits);
        return LOWER_TOO_BIG;
    }
    tb->host = h.exec;
    tb->host_bytes = (uint32_t)(h.p - h.start);
    tb->mark_count = w->mark_count;
    tb->marks = g_memdup2(w->marks, sizeof *w->marks * w->mark_count);
    cache_commit(tcg->cache, tb->host_bytes);
    lower_unpatch(tcg, tb, 0);
    lower_unpatch(tcg, tb, 1);
    return LOWER_OK;
}

static uint8_t *exit_site(Tcg *tcg, const Tb *tb, unsigned slot) {
    return cache_writable(tcg->cache, tb->host) + tb->exits[slot].jump;
}

void lower_patch(Tcg *tcg, Tb *tb, unsigned slot, const Tb *to) {
    if (tb->exits[slot].jump) {
        tcg->backend->patch(exit_site(tcg, tb, slot), tb->host + tb->exits[slot].jump, to->host);
    }
}

void lower_unpatch(Tcg *tcg, Tb *tb, unsigned slot) {
    if (tb->exits[slot].jump) {
        tcg->backend->patch(exit_site(tcg, tb, slot), tb->host + tb->exits[slot].jump,
                            tb->host + tb->exits[slot].stub);
    }
}

static bool make_stubs(Tcg *tcg, const Frontend *fe) {
    uint8_t *start = cache_reserve(tcg->cache, MAX_BLOCK_BYTES);
    HostCode h = {.backend = tcg->backend, .start = start, .p = start, .end = start + MAX_BLOCK_BYTES,
                  .exec = cache_exec(tcg->cache, start), .counting = tcg->config.icount};
    if (!tcg->backend->make_stubs(&h, &tcg->stubs, fe->slots, fe->slot_count, ldst_slow)) {
        return false;
    }
    cache_commit(tcg->cache, (size_t)(h.p - h.start));
    cache_keep(tcg->cache);
    return true;
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
    return make_stubs(tcg, fe);
}

void lower_finish(Tcg *tcg) {
    cache_free(tcg->cache);
}

void lower_cache_reset(Tcg *tcg) {
    if (tcg->cache) {
        cache_reset(tcg->cache);
    }
}
