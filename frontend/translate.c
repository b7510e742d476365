/* SPDX-License-Identifier: MIT */
/*
 * translate.c - the one loop of translation: fetch, call the front end, stop rules, page crossing.
 */
#include "frontend/frontend.h"

#include <string.h>

enum { PAGE = 1 << IR_PAGE_BITS, LEAVES = 4, LEAVING_INSNS = 24 };

/* Bytes of the insn at `offset`, which may run into the next page, gathered into `buffer`. */
static G_GNUC_NO_INLINE const uint8_t *fetch(const TransRequest *r, unsigned offset, uint8_t *buffer, unsigned *avail) {
    unsigned left = PAGE - offset;
    unsigned max = r->frontend->insn_max;
    memcpy(buffer, r->page + offset, left);
    *avail = left;
    if (r->next_page) {
        memcpy(buffer + left, r->next_page, max - left);
        *avail = max;
    }
    return buffer;
}

void frontend_branch(Trans *t, IrCond cond, uint32_t flags, int32_t displacement, int32_t next) {
    int32_t to = t->off + displacement;
    if (t->rounds > 1 && to == t->start) {
        ir_append(t->ir, IR_leave_if, IR_VOID, cond ^ 1, flags, (uint32_t)next, 0);
        t->again = true;
    } else if (t->leaves && displacement > 0 && to < PAGE && next < PAGE) {
        ir_append(t->ir, IR_leave_if, IR_VOID, cond, flags, (uint32_t)to, 0);
        t->leaves--;
    } else {
        unsigned aux = cond | (displacement <= 0 ? 16 : 0);
        ir_append(t->ir, IR_branch, IR_VOID, aux, flags, (uint32_t)to, (uint32_t)next);
        t->ended = true;
    }
}

TransResult frontend_translate(const TransRequest *r, IrBlock *ir, unsigned *end) {
    const Frontend *fe = r->frontend;
    uint8_t buffer[16];
    Trans t = {.frontend = fe, .env = r->env, .mode = r->mode, .ir = ir, .start = (int32_t)r->offset,
               .rounds = r->rounds, .leaves = LEAVES};
    unsigned offset = r->offset;
    unsigned count = 0, round = 0, last = 0;

    for (;;) {
        t.code = r->page + offset;
        t.avail = fe->insn_max;
        if (G_UNLIKELY(offset + fe->insn_max > PAGE)) {
            t.code = fetch(r, offset, buffer, &t.avail);
        }
        if (t.avail < fe->insn_min) {
            if (count == 0) {
                return TRANS_NEEDS_NEXT_PAGE;
            }
            break;
        }
        t.off = (int32_t)offset;
        t.insn_len = 0;
        if (count + 1 >= MIN(r->max_insns, LEAVING_INSNS)) {
            t.leaves = 0;
        }
        uint32_t before = ir->count;
        fe->translate(&t);
        if (t.insn_len == 0) { /* a variable-length insn needs bytes of the next page */
            ir_block_cut(ir, before);
            if (count == 0) {
                return TRANS_NEEDS_NEXT_PAGE;
            }
            break;
        }
        offset += t.insn_len;
        count++;
        if (t.ended) {
            break;
        }
        if (t.again) {
            t.again = false;
            t.rounds--;
            round = round ? round : count;
            last = offset;
            offset = r->offset;
            if (count + 2 * round > r->max_insns) {
                t.rounds = 1;
            }
            ir_new_generation(ir); /* what is known of slots would keep values of this round alive */
            continue;
        }
        if (t.sync) {
            ir_put(ir, IR_exit, IR_VOID, IR_EXIT_SYNC, offset, 0, 0);
            t.ended = true;
            break;
        }
        if (count >= r->max_insns || offset >= PAGE || (int32_t)offset == r->stop_offset) {
            break;
        }
    }
    if (!t.ended) {
        ir_put(ir, IR_jump, IR_VOID, 0, offset, 0, 0);
    }
    *end = MAX(offset, last);
    return TRANS_OK;
}
