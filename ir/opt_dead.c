/* SPDX-License-Identifier: MIT */
/*
 * opt_dead.c - one pass from the back that removes what nobody sees: sets that a later set of the same slot hides, and
 * values without uses. Removed nodes become nops.
 *
 * A slot is dead at a point when a set follows before anything observes it: a get, an op that may leave the insn, a
 * helper that reads, the border of a skipped region, the end. The stamp slot_dead[s] == gen says so, and a new
 * generation makes all slots live at once.
 * Missing: sinking sets below faults (pend); flags that the next block on the page overwrites.
 */
#include <string.h>

#include "ir/ir.h"

static void count_operands(IrBlock *b, const IrNode *n) {
    unsigned values = ir_ops[n->op].values;
    for (unsigned k = 0; values; k++, values >>= 1) {
        if (values & 1) {
            b->uses[n->arg[k]]++;
        }
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

/* Can what n does depend on guest slots other than through its operands, or show them to somebody? */
static bool observes_all(const IrBlock *b, const IrNode *n) {
    if (n->op == IR_call) {
        return (b->helpers[n->a].flags & (IRH_READS | IRH_FAULT | IRH_SYNC)) != 0;
    }
    return (ir_ops[n->op].props & (IR_FAULT | IR_MEM | IR_TERM)) != 0 || n->op == IR_skip_if || n->op == IR_end;
}

void ir_opt_dead(IrBlock *b) {
    memset(b->uses, 0, sizeof b->uses[0] * b->count);
    ir_new_generation(b);
    for (uint32_t i = b->count - 1; i > 0; i--) {
        IrNode *n = &b->nodes[i];
        if (n->op == IR_set) {
            if (b->slot_dead[n->a] == b->gen) {
                *n = (IrNode){.op = IR_nop};
                continue;
            }
            b->slot_dead[n->a] = b->gen;
        } else if (b->uses[i] == 0 && is_removable(b, n)) {
            *n = (IrNode){.op = IR_nop};
            continue;
        } else if (n->op == IR_get) {
            b->slot_dead[n->a] = b->gen - 1;
        } else if (observes_all(b, n)) {
            ir_new_generation(b);
        }
        count_operands(b, n);
    }
}
