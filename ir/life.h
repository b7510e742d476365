/* SPDX-License-Identifier: MIT */
/*
 * life.h - how the builder keeps IrBlock.lives; see life.c.
 */
#ifndef IR_LIFE_H
#define IR_LIFE_H

#include "ir/ir.h"

/* What slots hold is seen from here on: what has been set before was not in vain. */
void ir_new_view(IrBlock *b);
/* The set i is seen by ways out alone. */
void ir_note_pend(IrBlock *b, uint32_t i);
/* Whatever node i is; its operands have been noted, but for an op with IR_APPEND_NO_USES. */
void ir_note_special(IrBlock *b, uint32_t i);
/* The block is empty. */
void ir_lives_reset(IrBlock *b);

static inline struct IrKnown *ir_seen(IrBlock *b, uint32_t slot) {
    struct IrKnown *s = &b->known[slot];
    if (s->view != b->view) {
        s->view = b->view;
        s->set = s->touched = 0;
    }
    return s;
}

static inline void ir_note_get(IrBlock *b, uint32_t slot, uint32_t i) {
    struct IrKnown *s = ir_seen(b, slot);
    s->set = 0;
    s->touched = (uint16_t)i;
}

/* A set, i, of the value v. What it hides was set in vain, or only for ways out in between. If nothing between where
 * v is made and here wants what the slot's register holds, v is made there. Best the last thing that is done. */
static inline void ir_note_set(IrBlock *b, uint32_t slot, uint32_t v, uint32_t i) {
    struct IrKnown *s = ir_seen(b, slot);
    IrLife *lives = b->lives, *x = &lives[v];
    uint32_t hidden = s->set, touched = s->touched;
    uint8_t pin = b->pins[slot];
    bool pends = hidden != 0;
    lives[i].uses = 1;
    if (G_UNLIKELY(i > UINT16_MAX)) {
        return; /* it stays; no host code is made of blocks of that size */
    }
    if (hidden && s->faults == b->faults) {
        IrLife *y = &lives[b->nodes[hidden].b];
        y->hint = y->hint == pin ? IR_NO_PIN : y->hint;
        lives[hidden].uses = 0;
        touched = lives[hidden].next;
        pends = false;
    }
    if (x->hint == IR_NO_PIN) {
        uint32_t from = MAX(touched, b->barrier);
        x->next = (uint16_t)from;
        x->hint = v >= from ? pin : IR_NO_PIN;
    }
    x->last_use = (uint16_t)i;
    x->uses++;
    lives[i].next = (uint16_t)touched; /* what would count if this were in vain */
    b->sets[b->set_count++] = (uint16_t)i;
    s->set = s->touched = (uint16_t)i;
    s->faults = b->faults;
    if (pends) {
        ir_note_pend(b, hidden);
    }
}

static inline void ir_note_fault(IrBlock *b, uint32_t i) {
    b->faults++;
    b->last_fault = (uint16_t)i;
    b->barrier = i;
    b->lives[i].kin = b->last_insn && i - b->last_insn < UINT8_MAX ? (uint8_t)(i - b->last_insn) : 0;
}

/* Node i has been appended. */
static inline void ir_note(IrBlock *b, IrOp op, uint32_t i, uint32_t a, uint32_t b_, uint32_t c) {
    unsigned kind = ir_append_kinds[op], values = kind & IR_APPEND_NO_USES ? 0 : ir_ops[op].values;
    b->lives[i] = ir_life_fresh;
    ir_note_use(b, values & 1 ? a : 0, i); /* nobody looks at what is noted of node 0 */
    ir_note_use(b, values & 2 ? b_ : 0, i);
    ir_note_use(b, values & 4 ? c : 0, i);
    if (kind & IR_APPEND_NOTED) {
        ir_note_special(b, i);
    }
}

#endif
