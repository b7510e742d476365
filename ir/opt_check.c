/* SPDX-License-Identifier: MIT */
/*
 * opt_check.c - one pass from the front that lets one check stand for several: those of the same base, a short way apart,
 * with nothing between them that ends the life of an addend. The first is widened to cover all (IR_CHECK_MERGED), the
 * others become nops, and what used their addends uses its.
 *
 * A widened check never faults: where it cannot be satisfied as a whole the insn is given to the interpreter, which
 * runs it with the check it had.
 */
#include <string.h>

#include "ir/ir.h"

enum { LIVE = 4, SPAN_MAX = 192 };

typedef struct Span {
    uint32_t check; /* 0: none */
    uint32_t base;
    int64_t low, high; /* bytes from the base */
} Span;

/* An address as a base and a distance. */
static uint32_t base_of(const IrBlock *b, uint32_t ea, int64_t *distance) {
    const IrNode *n = &b->nodes[ea];
    const IrNode *by = &b->nodes[n->b];
    *distance = 0;
    if (n->op != IR_add || by->op != IR_const) {
        return ea;
    }
    *distance = (int64_t)(by->a | (uint64_t)by->b << 32);
    return n->a;
}

/* Those of loads or stores. Of read-write accesses, which are atomic ones, each keeps its own: they need many registers
 * as it is. */
static bool is_plain(const IrNode *n) {
    return (n->aux == IR_CHECK_R || n->aux == IR_CHECK_W) && n->b == 0;
}

/* Makes one of the spans' checks cover the one at i too. False: none is of its base, or near enough. */
static bool merge(IrBlock *b, Span spans[LIVE], uint32_t i, const Span *s) {
    for (unsigned k = 0; k < LIVE; k++) {
        int64_t low = MIN(spans[k].low, s->low), high = MAX(spans[k].high, s->high);
        if (!spans[k].check || spans[k].base != s->base || high - low > SPAN_MAX) {
            continue;
        }
        IrNode *first = &b->nodes[spans[k].check];
        spans[k].low = low;
        spans[k].high = high;
        first->aux |= b->nodes[i].aux;
        first->a = s->base;
        first->b = IR_CHECK_MERGED(low);
        first->c = (uint32_t)(high - low);
        b->uses[i] = spans[k].check;
        b->nodes[i] = (IrNode){.op = IR_nop};
        return true;
    }
    return false;
}

static void use_merged(IrBlock *b, IrNode *n) {
    if (n->op == IR_ld || n->op == IR_st || n->op == IR_ll || n->op == IR_sc || n->op == IR_cas || n->op == IR_rmw) {
        n->a = b->uses[n->a] ? b->uses[n->a] : n->a;
    }
}

void ir_opt_check(IrBlock *b) {
    Span spans[LIVE] = {{0}};
    unsigned next = 0;
    if (b->checks < 2) {
        return;
    }
    memset(b->uses, 0, sizeof b->uses[0] * b->count); /* here: the check that stands for one that is gone */
    for (uint32_t i = b->first_check; i < b->count; i++) {
        IrNode *n = &b->nodes[i];
        if (!(ir_ops[n->op].props & (IR_MEM | IR_FAULT | IR_CTRL))) {
            continue;
        }
        if (n->op == IR_check && is_plain(n)) {
            Span s = {.check = i};
            s.base = base_of(b, n->a, &s.low);
            s.high = s.low + (int64_t)n->c;
            if (ABS(s.low) < 1 << 24 && !merge(b, spans, i, &s)) {
                spans[next++ % LIVE] = s;
            }
        } else if (n->op == IR_skip_if || n->op == IR_end ||
                   (n->op == IR_call && b->helpers[n->a].flags != IRH_PURE)) {
            memset(spans, 0, sizeof spans);
        } else {
            use_merged(b, n);
        }
    }
}
