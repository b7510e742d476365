/* SPDX-License-Identifier: MIT */
/*
 * opt_dead.c - removes from the back what nobody sees: sets that a later set of the same slot hides, and
 * values without uses. Removed nodes become nops; a set that only faults in between can see becomes a pend.
 *
 * Which sets are hidden, and from whom, the builder has noted (life.c): what observes a slot is a get, a helper that reads
 * or faults, or writes (a pend stored behind it would undo that), an atomic access (the insn may be given back), the border
 * of a skipped region, the end. Blocks that become host code go by those notes alone; this is for blocks that are
 * interpreted, compared or printed.
 * Missing: flags that the next block on the page overwrites.
 */
#include <string.h>

#include "ir/ir.h"

static inline void count_operands(IrBlock *b, const IrNode *n, unsigned values) {
    if (values & 1) {
        b->uses[n->a]++;
    }
    if (values & 2) {
        b->uses[n->b]++;
    }
    if (values & 4) {
        b->uses[n->c]++;
    }
}

/* May node n, with no uses of its value, go? */
static bool is_removable(const IrBlock *b, const IrNode *n) {
    switch (n->op) {
    case IR_get:
    case IR_arg:
    case IR_pair:
        return true;
    case IR_call:
        return b->helpers[n->a].flags == IRH_PURE;
    default:
        return (ir_ops[n->op].props & IR_PURE) != 0;
    }
}

bool ir_shows_slots(const IrBlock *b, const IrNode *n) {
    switch (n->op) {
    case IR_call:
        return (b->helpers[n->a].flags & (IRH_READS | IRH_WRITES | IRH_FAULT | IRH_SYNC)) != 0;
    case IR_check:
    case IR_aligned:
    case IR_ld:
    case IR_st:
        return false;
    case IR_skip_if:
    case IR_end:
        return true;
    default:
        return (ir_ops[n->op].props & (IR_FAULT | IR_MEM | IR_TERM)) != 0;
    }
}

static void drop(IrBlock *b) {
    memset(b->uses, 0, sizeof b->uses[0] * b->count);
    for (uint32_t i = b->count - 1; i > 0; i--) {
        IrNode *n = &b->nodes[i];
        bool is_set = n->op == IR_set || n->op == IR_pend;
        if (is_set ? !b->lives[i].uses : b->uses[i] == 0 && is_removable(b, n)) {
            *n = (IrNode){.op = IR_nop};
            continue;
        }
        if (is_set && b->lives[i].pended) {
            n->op = IR_pend;
        }
        count_operands(b, n, ir_ops[n->op].values);
    }
    ir_lives_again(b);
}

void ir_opt_dead(IrBlock *b) {
    drop(b);
    drop(b); /* and sets that only gets without uses had kept */
}
