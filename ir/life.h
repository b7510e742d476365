/* SPDX-License-Identifier: MIT */
/*
 * life.h - how the builder keeps IrBlock.lives; see life.c.
 */
#ifndef IR_LIFE_H
#define IR_LIFE_H

#include "ir/ir.h"

/* The value that v, an i64, is the sum of and a constant, through rounds. */
uint32_t ir_root(const IrBlock *b, uint32_t v, int64_t *distance);
/* The set i is seen by ways out alone. */
void ir_note_pend(IrBlock *b, uint32_t i);
/* Whatever node i is; IrOpInfo.noted has been done. Returns i. */
uint32_t ir_note_special(IrBlock *b, uint32_t i);
/* ir_note_set where there is a set that it hides, from all that follows at least. */
void ir_note_hiding(IrBlock *b, uint32_t slot, uint32_t v, uint32_t i);
/* Of nodes that are not there yet. From a multiple of 32 on, and up to one. */
void ir_lives_fresh(IrBlock *b, uint32_t from, uint32_t to);
/* The block is empty, and is so again after what is in it. */
void ir_lives_reset(IrBlock *b);

/* The node that an entry of `known` tells of; none of this block: less than 1. */
static inline int32_t ir_known_at(const IrBlock *b, uint32_t stamp) {
    return (int32_t)(stamp - b->age);
}

static inline void ir_note_get(IrBlock *b, uint32_t slot, uint32_t i) {
    struct IrKnown *k = &b->known[slot];
    k->touched = b->age + i;
    k->set = 0;
    k->value = i;
}

/* The set i, of the value v; `touched` has got or set the slot in front of it, if there is such a node. If nothing between
 * where v is made and here wants what the slot's register holds, v is made there. */
static inline void ir_note_newest(IrBlock *b, uint32_t slot, uint32_t v, uint32_t i, int32_t touched) {
    struct IrKnown *k = &b->known[slot];
    IrLife *x = &b->lives[v], *set = &b->lives[i];
    uint32_t from = (uint32_t)MAX(touched, (int32_t)b->barrier);
    k->touched = b->age + i;
    k->value = v & k->keep;
    k->set = k->touched;
    set->uses = 1;
    set->next = (uint16_t)from; /* what would count if this were in vain */
    if (x->hint == IR_NO_PIN) {
        x->next = (uint16_t)from;
        x->hint = v >= from ? b->pins[slot] : IR_NO_PIN;
    }
    x->last_use = (uint16_t)i;
    x->uses++;
    b->sets[b->set_count++] = (uint16_t)i;
}

/* A set, i, of the value v. What it hides was set in vain, or only for ways out in between. Best the last thing that is
 * done. */
static inline void ir_note_set(IrBlock *b, uint32_t slot, uint32_t v, uint32_t i) {
    const struct IrKnown *k = &b->known[slot];
    if (ir_known_at(b, k->set) > (int32_t)b->view) {
        ir_note_hiding(b, slot, v, i);
    } else {
        ir_note_newest(b, slot, v, i, ir_known_at(b, k->touched));
    }
}

static inline void ir_note_fault(IrBlock *b, uint32_t i) {
    b->last_fault = b->barrier = i;
    b->lives[i].kin = b->last_insn && i - b->last_insn < UINT8_MAX ? (uint8_t)(i - b->last_insn) : 0;
}

/* Node i has been appended. Returns i. */
static inline uint32_t ir_note(IrBlock *b, IrOp op, uint32_t i, uint32_t a, uint32_t b_, uint32_t c) {
    unsigned noted = ir_ops[op].noted;
    ir_note_use(b, a * (noted & 1), i); /* without branches: nobody looks at what is noted of node 0 */
    ir_note_use(b, b_ * (noted >> 1 & 1), i);
    if (G_UNLIKELY(noted & 4)) {
        ir_note_use(b, c, i);
    }
    return ir_append_kinds[op] & IR_APPEND_NOTED ? ir_note_special(b, i) : i;
}

#endif
