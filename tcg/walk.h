/* SPDX-License-Identifier: MIT */
/*
 * walk.h - what the files of the walk from IR to host code share. lower_X compiles the node that X names.
 */
#ifndef TCG_WALK_H
#define TCG_WALK_H

#include <string.h>

#include "tcg/lower.h"
#include "tcg/pins.h"
#include "tcg/regalloc.h"

enum { MAX_COLD = 256, MAX_LEAVES = 256, MAX_MARKS = 256, MAX_DEPTH = 16 };

typedef struct Walk {
    Lower l;
    Tb *tb;
    bool keep_marks;
    bool own;                /* the block has pins of its own... */
    int32_t head;            /* ...and begins at this page offset */
    const uint8_t *standard; /* Lower.slot_pin of other blocks */
    unsigned exits_used;     /* exits as far as they are in use: a bit for each */
    unsigned cold_count, leave_count, mark_count, depth; /* of what stands below */
    unsigned insn_index;     /* insns begun so far, when somebody wants to know: Lower.lists_insns */
    TbExit exits[TB_EXITS];  /* the terminator's two, and those in front of it */
    HostFixup skip[MAX_DEPTH]; /* open skip_ifs */
    HostCold cold[MAX_COLD];
    HostCold leaves[MAX_LEAVES]; /* of leave_ifs: insn_off is the target, desc tells whether it polls */
    HostColdOp cold_ops[MAX_COLD];
    HostMark marks[MAX_MARKS];
    PinMap pins;             /* of a block that has its own */
    HostStubs own_stubs;
} Walk;

typedef void LowerFn(Walk *w, uint32_t i, const IrNode *n); /* compiles n, the node i */

/* No operands yet. Only what tells so: to clear it all costs more than many a rule. */
static inline void walk_op(HostOp *op, const IrNode *n, IrType type) {
    op->node = n;
    op->type = type;
    op->d.kind = op->s[0].kind = op->s[1].kind = op->s[2].kind = op->s[3].kind = HOST_NONE;
    op->clean = 0;
}

static inline uint32_t walk_here(const Walk *w) {
    return (uint32_t)(w->l.h->p - w->l.h->start);
}

static inline IrType walk_type(const Walk *w, uint32_t v) {
    return (IrType)ra_node(&w->l, v)->type;
}

/* Page offset of the insn that the node belongs to. */
static inline int32_t walk_insn_off(const Walk *w) {
    uint32_t i = w->l.now;
    while (i > 0 && ra_node(&w->l, i)->op != IR_insn) {
        i--;
    }
    return (int32_t)ra_node(&w->l, i)->a;
}
/* The same of a check and what else may leave, which mostly know. */
static inline int32_t walk_leaving_off(const Walk *w) {
    uint32_t i = w->l.now;
    const IrNode *n = ra_node(&w->l, i - w->l.values[i].kin);
    return G_LIKELY(n->op == IR_insn) ? (int32_t)n->a : walk_insn_off(w);
}
static inline uint64_t walk_insn_pa(const Walk *w) {
    return (w->tb->pa & ~(uint64_t)(PAGE_SIZE - 1)) + (uint64_t)(int64_t)walk_leaving_off(w);
}

/* The op at i is folded into its users: its operands live as long as it would. */
void walk_keep_operands(Walk *w, uint32_t i);
/* Under -icount: what C must know to say how many insns have retired. */
static inline uint32_t walk_insns_left(const Walk *w) {
    return w->l.tcg->config.icount ? w->l.ir->insns - w->insn_index + 1 : 0;
}
void walk_store_insns_left(Walk *w);

/* -- lower_flags.c -- */
void flags_keep_value(Walk *w); /* flags_keep, when the host's flags hold a value */
/* The host flags may be about to be lost: keep the value they hold if somebody wants it later. */
static inline void flags_keep(Walk *w) {
    if (w->l.flags_value) {
        flags_keep_value(w);
    }
}
/* The same, and they will be. */
static inline void flags_lose(Walk *w) {
    if (w->l.flags_value) {
        flags_keep_value(w);
        w->l.flags_value = 0;
    }
    w->l.flags_of = 0;
}
/* Host condition code that is true when cond holds in f. Emits what is needed to have it. */
int flags_condition(Walk *w, uint32_t f, unsigned cond);
/* The flags value into memory at `to` (guest slot or spill). */
void flags_store(Walk *w, uint32_t f, HostOperand to);
void lower_set_flags(Walk *w, const IrNode *n);
LowerFn lower_fl_sub;
LowerFn lower_fl_add;
/* if (cond of a) flags = compare; else flags = constant: Arm's CCMP. Both ways end with them in the host's flags. */
LowerFn lower_fl_sel;
LowerFn lower_fl_logic;
/* Leaves the host's flags as a subtraction would that borrows when a < b, and overflows when they are unordered. */
LowerFn lower_fl_fcmp;
/* Is `and` at i wanted for its flags alone, by the very next node? Then fl_logic does all the work. */
bool flags_and_is_test(const Walk *w, uint32_t i);
/* Will fl_logic of the `and` at i follow soon? */
bool flags_of_and(const Walk *w, uint32_t i);
/* Do the host's flags alone hold a value that is wanted after this op? */
bool flags_are_wanted(const Walk *w);
/* The op at i has left the flags of RaValue.flags_at in the host's. */
void flags_made(Walk *w, uint32_t i, HostPolarity p);
LowerFn lower_csel;
LowerFn lower_cset;
LowerFn lower_setc;
/* adc and sbc: bring the carry into the host's flag, then their rule. */
LowerFn lower_adc;
LowerFn lower_fl_carry;
LowerFn lower_fl_nzcv;

/* -- lower_mem.c -- */
LowerFn lower_check;
LowerFn lower_ld;
LowerFn lower_st;
LowerFn lower_aligned;
/* Do all uses of the sum at i stand in the region that it stands in? */
bool mem_add_reaches(const Walk *w, uint32_t i);
/* Is the sum at i, of the constant c, wanted as the address of loads and stores alone? Then it becomes their displacement. */
static inline bool mem_add_is_address(const Walk *w, uint32_t i, int64_t c) {
    const RaValue *x = &w->l.values[i];
    return x->kin == x->uses && c == (int32_t)c && x->last_use - i <= 24 && (!w->l.ir->regions || mem_add_reaches(w, i));
}

/* -- lower_rule.c -- */
/* Result register for a rule whose result replaces s[0]. */
unsigned rule_define_in_place(Walk *w, uint32_t i, HostOp *op);
void rule_fill_in_place(Walk *w, HostOp *op, unsigned d);
/* Emits op with a scratch result that nobody uses: for its flags. */
void rule_emit_named(Walk *w, uint32_t i, IrOp opcode, IrType type, uint32_t a, uint32_t b);
/* The rule r for node i. */
void rule_emit(Walk *w, uint32_t i, const HostRule *r, const IrNode *n);
/* An op in C: operands through env.scratch. */
LowerFn lower_call_op;
LowerFn lower_call;
LowerFn lower_value;
LowerFn lower_sum; /* add and sub: most often of a small constant, which needs no rule's generality */

#endif
