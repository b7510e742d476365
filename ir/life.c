/* SPDX-License-Identifier: MIT */
/*
 * life.c - what the builder notes as a block grows: how often and how long values are wanted, which sets nobody sees or
 * only ways out do, and in which register a value that is going to be set is best made. Ops with nothing but operands
 * are noted where they are appended (life.h); here stands what asks for more.
 *
 * All of it holds for the block as far as it has been built, and stays right however it goes on. Sets that turn out to be
 * in vain have been counted as users all the same; when the block is finished ra_prepare in tcg/ takes their uses back.
 */
#include "ir/life.h"

#include <string.h>

enum { AT_ONCE = 32 }; /* as many nodes as most blocks have: no branch is missed */

void ir_lives_fresh(IrBlock *b, uint32_t from, uint32_t to) {
    for (IrLife *x = b->lives + from, *end = b->lives + to; x < end; x += AT_ONCE) {
#pragma GCC unroll 32
        for (unsigned k = 0; k < AT_ONCE; k++) {
            memcpy(&x[k], &ir_life_fresh, sizeof *x);
        }
    }
}

uint32_t ir_kin_operand(const IrNode *n) {
    switch (n->op) {
    case IR_ld: case IR_st:
        return n->b;
    case IR_adc: case IR_sbc: case IR_fl_adc: case IR_fl_sbc:
        return n->c;
    case IR_cset: case IR_csel: case IR_branch: case IR_skip_if: case IR_leave_if:
        return (n->aux & 14) == IR_CS && n->type != IR_V128 ? n->a : 0; /* that select is made in C */
    default:
        return 0;
    }
}

/* The op in front of the flags at i that leaves them in the host's flags, or 0. In between nothing may change those, and
 * nothing but the op's own result be set, for the operands of both are used where the op stands. */
static uint32_t arith_of(const IrBlock *b, uint32_t i) {
    static const uint16_t arith[IR_OPS] = {
        [IR_fl_add] = IR_add, [IR_fl_sub] = IR_sub, [IR_fl_adc] = IR_adc, [IR_fl_sbc] = IR_sbc};
    const IrNode *n = &b->nodes[i];
    uint32_t set = 0;
    for (uint32_t k = i - 1; k > 0 && i - k < 8; k--) {
        const IrNode *m = &b->nodes[k];
        if (m->op == arith[n->op]) {
            return m->a == n->a && m->b == n->b && m->c == n->c && (!set || set == k) ? k : 0;
        }
        if ((m->op == IR_set || m->op == IR_pend) && b->slots[m->a].type != IR_FLAGS && (!set || set == m->b)) {
            set = m->b;
        } else if (m->op != IR_nop && m->op != IR_const && m->op != IR_get) {
            return 0;
        }
    }
    return 0;
}

/* Flags of a sum or difference: where the op stands before them that leaves them too, the operands are used there. */
static void note_flags(IrBlock *b, uint32_t i, const IrNode *n) {
    uint32_t at = arith_of(b, i);
    unsigned values = ir_ops[n->op].values;
    if (at) {
        b->lives[i].follows = true;
        b->lives[at].flags_at = (i - at) & 7;
    }
    for (unsigned k = 0; k < 3; k++) {
        if (values >> k & 1) {
            b->lives[n->arg[k]].uses++;
            b->lives[n->arg[k]].last_use = at ? b->lives[n->arg[k]].last_use : (uint16_t)i;
        }
    }
}

/* A chain of arg nodes is used where its call stands, a pair where its op does. */
static void note_chain(IrBlock *b, uint32_t i, uint32_t chain) {
    if (chain && b->nodes[chain].op == IR_pair) {
        ir_note_use(b, b->nodes[chain].a, i);
        ir_note_use(b, b->nodes[chain].b, i);
        return;
    }
    for (; chain; chain = b->nodes[chain].b) {
        ir_note_use(b, b->nodes[chain].a, i);
    }
}

bool ir_is_remade(const IrBlock *b, uint32_t flags) {
    const IrNode *f = &b->nodes[flags];
    uint64_t c;
    return f->op == IR_fl_sub && !ir_is_const(b, f->a, &c) &&
           (!ir_is_const(b, f->b, &c) || b->nodes[f->b].type == IR_I32 || (int64_t)c == (int32_t)c);
}

bool ir_pends_lazily(const IrBlock *b, uint32_t slot) {
    IrType t = (IrType)b->slots[slot].type;
    return b->pins[slot] == IR_NO_PIN && (t == IR_I64 || t == IR_V128 || t == IR_FLAGS);
}

void ir_note_pend(IrBlock *b, uint32_t i) {
    const IrNode *n = &b->nodes[i];
    uint16_t until = (uint16_t)b->last_fault;
    b->lives[i].pended = true;
    if (b->slots[n->a].type == IR_FLAGS && ir_is_remade(b, n->b)) {
        const IrNode *f = &b->nodes[n->b];
        for (unsigned k = 0; k < 2; k++) {
            IrLife *x = &b->lives[f->arg[k]];
            x->last_use = MAX(x->last_use, until);
            x->uses++; /* nobody folds it into what uses it otherwise */
        }
    } else if (ir_pends_lazily(b, n->a)) {
        b->lives[n->b].last_use = MAX(b->lives[n->b].last_use, until);
    }
}

void ir_note_hiding(IrBlock *b, uint32_t slot, uint32_t v, uint32_t i) {
    int32_t touched = ir_known_at(b, b->known[slot].set);
    uint32_t hidden = (uint32_t)touched;
    if (hidden > b->last_fault) {
        IrLife *y = &b->lives[b->nodes[hidden].b];
        y->hint = y->hint == b->pins[slot] ? IR_NO_PIN : y->hint;
        b->lives[hidden].uses = 0;
        touched = b->lives[hidden].next;
    } else {
        ir_note_pend(b, hidden);
    }
    ir_note_newest(b, slot, v, i, touched);
}

/* Of an op that has shown slots to somebody, or begins or ends a region, all that is in front is settled. */
static void note_barrier(IrBlock *b, uint32_t i, const IrNode *n) {
    bool shows = ir_shows_slots(b, n);
    if (shows || ir_ops[n->op].props & IR_FAULT) {
        b->barrier = i;
    }
    b->view = shows ? i : b->view;
}

uint32_t ir_note_special(IrBlock *b, uint32_t i) {
    const IrNode *n = &b->nodes[i];
    IrLife *kin = &b->lives[ir_kin_operand(n)];
    kin->kin += kin->kin != UINT8_MAX;
    switch (n->op) {
    case IR_ld: case IR_st: case IR_adc: case IR_sbc: case IR_cset: case IR_csel: case IR_branch:
        break;
    case IR_get:
        ir_note_get(b, n->a, i);
        break;
    case IR_set: case IR_pend:
        ir_note_set(b, n->a, n->b, i);
        break;
    case IR_fl_add: case IR_fl_sub: case IR_fl_adc: case IR_fl_sbc:
        note_flags(b, i, n);
        break;
    case IR_check: case IR_aligned: case IR_leave_if:
        ir_note_fault(b, i);
        break;
    case IR_call:
        note_chain(b, i, n->b);
        b->lives[i].uses += b->helpers[n->a].flags != IRH_PURE; /* it is done in any case */
        note_barrier(b, i, n);
        break;
    case IR_cas:
        note_chain(b, i, n->c);
        note_barrier(b, i, n);
        break;
    default:
        b->regions |= n->op == IR_skip_if;
        note_barrier(b, i, n);
        break;
    }
    return i;
}

void ir_lives_reset(IrBlock *b) {
    ir_lives_fresh(b, 0, b->count);
    b->age += b->capacity;
    if (G_UNLIKELY(b->age > INT32_MAX)) { /* what is known of old blocks would become new again */
        b->age = 1;
        for (uint32_t s = 0; s < b->slot_count; s++) {
            b->known[s].touched = b->known[s].set = 0;
        }
    }
    b->view = b->barrier = b->last_fault = 0;
    b->set_count = b->last_insn = 0;
    b->regions = false;
}

void ir_lives_again(IrBlock *b) {
    ir_lives_reset(b);
    for (uint32_t i = 1; i < b->count; i++) {
        const IrNode *n = &b->nodes[i];
        b->last_insn = n->op == IR_insn ? (uint16_t)i : b->last_insn;
        ir_note(b, (IrOp)n->op, i, n->a, n->b, n->c);
    }
}
