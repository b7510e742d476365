/* SPDX-License-Identifier: MIT */
/*
 * opt_dead.c - one pass from the back that removes what nobody sees: sets that a later set of the same slot hides, and
 * values without uses. Removed nodes become nops; a set that only faults in between can see becomes a pend.
 *
 * A slot is dead at a point when a set follows before anything observes it: a get, a helper that reads or faults, or
 * writes (a pend stored behind it would undo that), an atomic access (the insn may be given back), the border of a
 * skipped region, the end. The stamp dead[s].gen == gen says so, and a new generation makes all slots live at once.
 * dead[s].faults tells the faults behind that set from those in front of it.
 * For blocks that become host code life.c knows the same as they are built.
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

void ir_opt_dead(IrBlock *b) {
    uint32_t faults = 0; /* behind the node looked at */
    memset(b->uses, 0, sizeof b->uses[0] * b->count);
    ir_new_generation(b);
    for (uint32_t i = b->count - 1; i > 0; i--) {
        IrNode *n = &b->nodes[i];
        const IrOpInfo *info = &ir_ops[n->op];
        if (n->op == IR_set || n->op == IR_pend) {
            if (!ir_dead_set(&b->dead[n->a], b->gen, n, faults)) {
                continue;
            }
        } else if (b->uses[i] == 0 && (info->props & IR_PURE || is_removable(b, n))) {
            *n = (IrNode){.op = IR_nop};
            continue;
        } else if (n->op == IR_get) {
            b->dead[n->a].gen = b->gen - 1;
        } else if (n->op == IR_check || n->op == IR_aligned || n->op == IR_leave_if) {
            faults++; /* of a way out all say `fault` here */
        } else if (!(info->props & IR_PURE) && ir_shows_slots(b, n)) {
            ir_new_generation(b);
        }
        count_operands(b, n, info->values);
    }
    ir_lives_again(b);
}
