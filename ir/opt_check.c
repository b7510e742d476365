/* SPDX-License-Identifier: MIT */
/*
 * opt_check.c - lets one check stand for several: those of the same base, a short way apart, with nothing between them
 * that ends the life of an addend. The first is widened to cover all (IR_CHECK_MERGED), and its addend is used for all.
 * The builder does so as they come (ir_check); a pass from the front does it to a block that was made otherwise.
 *
 * A widened check never faults: where it cannot be satisfied as a whole the insn is given to the interpreter, which
 * runs it with the check it had.
 */
#include <string.h>

#include "ir/life.h"

enum { SPAN_MAX = 192 };

uint32_t ir_root(const IrBlock *b, uint32_t v, int64_t *distance) {
    uint64_t k;
    *distance = 0;
    for (;;) {
        const IrNode *n = &b->nodes[v];
        if (n->op == IR_get && n->b) {
            *distance += (int32_t)n->c;
            v = n->b;
        } else if ((n->op == IR_add || n->op == IR_sub) && ir_is_const(b, n->b, &k)) {
            *distance += (int64_t)(n->op == IR_add ? k : -k);
            v = n->a;
        } else {
            return v;
        }
    }
}

/* Of an address in a loop's round: a root of its own and that of the index, both from the first round. */
static G_GNUC_NO_INLINE void find_roots(const IrBlock *b, IrSpan *s) {
    int64_t far = 0;
    s->base = ir_root(b, s->address, &s->at);
    const IrNode *n = &b->nodes[s->base];
    if (n->op == IR_add) { /* of what is no constant */
        const IrNode *by = &b->nodes[n->b];
        uint64_t shift;
        bool scaled = by->op == IR_shl && ir_is_const(b, by->b, &shift);
        s->shift = scaled ? shift & 63 : 0;
        s->index = ir_root(b, scaled ? by->a : n->b, &far);
        s->at += (int64_t)((uint64_t)far << s->shift);
        s->base = ir_root(b, n->a, &far);
        s->at += far;
    }
}

/* An address as a base and a distance. */
static void base_of(const IrBlock *b, uint32_t ea, IrSpan *s) {
    const IrNode *n = &b->nodes[ea];
    const IrNode *by = &b->nodes[n->b];
    bool is_sum = n->op == IR_add && by->op == IR_const;
    s->base = s->address = is_sum ? n->a : ea;
    s->low = is_sum ? (int64_t)(by->a | (uint64_t)by->b << 32) : 0;
    s->index = s->shift = 0;
    s->at = 0;
    if (G_UNLIKELY(b->rounds)) {
        find_roots(b, s);
        s->low += s->at;
    }
}

/* Those of loads or stores. Of read-write accesses, which are atomic ones, each keeps its own: they need many registers
 * as it is. */
static bool is_plain(unsigned aux, uint32_t b) {
    return (aux == IR_CHECK_R || aux == IR_CHECK_W) && b == 0;
}

/* Where the next one is made, behind those that are live: to copy it would be to wait until all its parts are written. */
static IrSpan *new_span(IrBlock *b, uint32_t check) {
    IrSpan *s = &b->spans[b->span_count];
    s->check = check;
    return s;
}

/* Makes one of the live checks cover the new span s too, and returns it; 0: none is of its base, or near enough. Then s is
 * live. */
static uint32_t merge(IrBlock *b, const IrSpan *s, unsigned aux) {
    for (IrSpan *t = b->spans; t < s; t++) {
        int64_t low = MIN(t->low, s->low), high = MAX(t->high, s->high);
        if (t->base != s->base || high - low > SPAN_MAX || t->index != s->index || t->shift != s->shift) {
            continue;
        }
        IrNode *first = &b->nodes[t->check];
        bool stays = b->rounds && low == t->own; /* base registers move: the address may be what is left of theirs */
        if (first->a != t->address && !stays) {
            IrLife *x = &b->lives[t->address];
            b->lives[first->a].uses--;
            x->uses++;
            x->last_use = MAX(x->last_use, (uint16_t)t->check);
        }
        t->low = low;
        t->high = high;
        first->aux |= aux;
        first->a = stays ? first->a : t->address;
        first->b = IR_CHECK_MERGED(stays ? 0 : low - t->at);
        first->c = (uint32_t)(high - low);
        return t->check;
    }
    unsigned most = G_UNLIKELY(b->rounds) ? IR_SPANS_ROUNDS : IR_SPANS;
    if (G_LIKELY(b->span_count < most)) {
        b->span_count++;
    } else {
        b->spans[b->next_span++ % most] = *s;
    }
    return 0;
}

/* The bytes of a plain check; false: too far from any base. */
static bool span_of(const IrBlock *b, uint32_t ea, uint32_t bytes, IrSpan *s) {
    base_of(b, ea, s);
    s->own = s->low;
    s->high = s->low + (int64_t)bytes;
    return ABS(s->low) < 1 << 24 && ABS(s->at) < 1 << 24;
}

uint32_t ir_check(IrBlock *b, unsigned aux, uint32_t ea, uint32_t bytes) {
    IrSpan *s = new_span(b, b->count);
    uint32_t by = b->merges && is_plain(aux, 0) && span_of(b, ea, bytes, s) ? merge(b, s, aux) : 0;
    if (by) {
        return by;
    }
    b->first_check = b->checks++ ? b->first_check : b->count;
    uint32_t id = ir_put(b, IR_check, IR_I64, aux, ea, 0, bytes);
    ir_note_use(b, ea, id);
    ir_note_fault(b, id);
    return id;
}

static void use_merged(IrBlock *b, IrNode *n) {
    if (n->op == IR_ld || n->op == IR_st || n->op == IR_ll || n->op == IR_sc || n->op == IR_cas || n->op == IR_rmw) {
        n->a = b->uses[n->a] ? b->uses[n->a] : n->a;
    }
}

void ir_opt_check(IrBlock *b) {
    if (b->checks < 2) {
        return;
    }
    ir_forget_spans(b);
    memset(b->uses, 0, sizeof b->uses[0] * b->count); /* here: the check that stands for one that is gone */
    for (uint32_t i = b->first_check; i < b->count; i++) {
        IrNode *n = &b->nodes[i];
        if (!(ir_ops[n->op].props & (IR_MEM | IR_FAULT | IR_CTRL))) {
            continue;
        }
        if (n->op == IR_check && is_plain(n->aux, n->b)) {
            IrSpan *s = new_span(b, i);
            uint32_t by = span_of(b, n->a, n->c, s) ? merge(b, s, n->aux) : 0;
            if (by) {
                b->uses[i] = by;
                *n = (IrNode){.op = IR_nop};
            }
        } else if (n->op == IR_skip_if || n->op == IR_end ||
                   (n->op == IR_call && b->helpers[n->a].flags != IRH_PURE)) {
            ir_forget_spans(b);
        } else {
            use_merged(b, n);
        }
    }
    ir_lives_again(b);
}
