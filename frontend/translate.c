/* SPDX-License-Identifier: MIT */
/*
 * translate.c - the one loop of translation: fetch, call the front end, stop rules, page crossing.
 */
#include "frontend/frontend.h"

#include <string.h>

enum { PAGE = 1 << IR_PAGE_BITS, LEAVES = 4, LEAVING_INSNS = 24 };

/* Bytes of the insn at `offset`, which may run into the next page, gathered into `buffer`. */
static G_GNUC_NO_INLINE const uint8_t *gather(const TransRequest *r, unsigned offset, uint8_t *buffer, unsigned *avail) {
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

/* The insn leads where the path goes on; there is nothing left to be done for it. */
static void go_on(Trans *t) {
    t->again = true;
    t->owes |= *t->follow <= t->off;
}

bool frontend_follow_jump(Trans *t, int32_t displacement) {
    int32_t to = t->off + displacement;
    if (t->follow && to == *t->follow) {
        go_on(t);
        return true;
    }
    if (t->owes) {
        ir_append(t->ir, IR_jump, IR_VOID, 1, (uint32_t)to, 0, 0);
        t->ended = true;
    }
    return t->owes;
}

/* A branch to `to` or `next` of a block that follows a path: goes on along it with a way out to the other. False: the path
 * goes to neither. */
static G_GNUC_NO_INLINE bool follow_branch(Trans *t, IrCond cond, uint32_t flags, int32_t to, int32_t next) {
    unsigned poll = t->owes ? IR_LEAVE_POLLS : 0, poll_back = to <= t->off ? IR_LEAVE_POLLS : poll;
    int32_t on = t->follow ? *t->follow : INT32_MIN;
    if (on == to || on == next) {
        if (to == next) {
            return true;
        }
        ir_append(t->ir, IR_leave_if, IR_VOID, on == to ? (cond ^ 1) | poll : cond | poll_back, flags,
                  (uint32_t)(on == to ? next : to), 0);
        go_on(t);
    } else if (t->owes) { /* the terminator would poll on one way alone */
        ir_append(t->ir, IR_leave_if, IR_VOID, cond | IR_LEAVE_POLLS, flags, (uint32_t)to, 0);
        ir_append(t->ir, IR_jump, IR_VOID, 1, (uint32_t)next, 0, 0);
        t->ended = true;
    } else {
        return false;
    }
    return true;
}

bool frontend_leave(Trans *t, IrCond cond, uint32_t flags) {
    if (t->off == t->start) {
        return false;
    }
    ir_append(t->ir, IR_leave_if, IR_VOID, cond | IR_LEAVE_UNDONE, flags, (uint32_t)t->off, 0); /* indirect jumps poll */
    return true;
}

bool frontend_follow_to(Trans *t, uint32_t va) {
    const IrNode *n = &t->ir->nodes[va];
    /* Where it is known to be another the guard stands too: --verify's reference, which knows nothing, leaves there. */
    if (n->op != IR_pcrel || n->a != *t->follow) {
        uint32_t on = ir_put(t->ir, IR_pcrel, IR_I64, 0, *t->follow, 0, 0);
        uint32_t flags = ir_emit(t->ir, IR_fl_sub, IR_FLAGS, 0, va, on, 0);
        if (!frontend_leave(t, IR_NE, flags)) {
            return false;
        }
    }
    go_on(t);
    return true;
}

void frontend_branch(Trans *t, IrCond cond, uint32_t flags, int32_t displacement, int32_t next) {
    int32_t to = t->off + displacement;
    if (t->rounds > 1 && to == t->start) {
        ir_append(t->ir, IR_leave_if, IR_VOID, cond ^ 1, flags, (uint32_t)next, 0);
        t->again = true;
    } else if (t->leaves && t->ir->insns < t->leaving && displacement > 0 && to < PAGE && next < PAGE) {
        ir_append(t->ir, IR_leave_if, IR_VOID, cond, flags, (uint32_t)to, 0);
        t->leaves--;
    } else if (G_LIKELY(!t->follows) || !follow_branch(t, cond, flags, to, next)) {
        unsigned aux = cond | (displacement <= 0 ? 16 : 0);
        ir_append(t->ir, IR_branch, IR_VOID, aux, flags, (uint32_t)to, (uint32_t)next);
        t->ended = true;
    }
}

/* The bytes of the insn at t->off and how many are there; false: too few for any. */
static inline bool fetch(const TransRequest *r, const Frontend *fe, Trans *t, uint8_t *buffer) {
    t->code = r->page + t->off;
    if (G_LIKELY((unsigned)t->off + fe->insn_max <= PAGE)) {
        return true;
    }
    t->code = gather(r, (unsigned)t->off, buffer, &t->avail);
    return t->avail >= fe->insn_min;
}

/* Has the insn just translated set any of these? (Read one by one: hosts keep what reads several waiting until all that
 * has been written of them is in their cache.) */
static inline bool stops(const Trans *t) {
    return t->ended | t->again | t->sync;
}

/* The insn just translated leads back to the first: on with the next round, `round` insns long. */
static void begin_round(const TransRequest *r, Trans *t, unsigned count, unsigned round) {
    t->again = false;
    t->rounds = count + 2 * round > r->max_insns ? 1 : t->rounds - 1;
    t->avail = r->frontend->insn_max;
    t->off = t->start;
    ir_new_round(t->ir);
}

TransResult frontend_translate(const TransRequest *r, IrBlock *ir, unsigned *end) {
    const Frontend *fe = r->frontend;
    const int32_t stop = r->stop_offset > (int32_t)r->offset ? r->stop_offset : PAGE;
    uint8_t buffer[16];
    Trans t = {.frontend = fe, .env = r->env, .mode = r->mode, .ir = ir, .off = (int32_t)r->offset, .start = (int32_t)r->offset,
               .avail = fe->insn_max, .rounds = r->rounds, .leaves = LEAVES, .leaving = MIN(r->max_insns, LEAVING_INSNS)};
    unsigned count = 0, round = 0;
    int32_t last = 0;
    ir->rounds = r->rounds > 1;

    while (fetch(r, fe, &t, buffer)) {
        uint32_t before = ir->count;
        t.insn_len = 0;
        fe->translate(&t);
        if (G_UNLIKELY(t.insn_len == 0)) { /* a variable-length insn needs bytes of the next page */
            ir_block_cut(ir, before);
            break;
        }
        t.off += (int32_t)t.insn_len;
        count++;
        if (stops(&t)) {
            if (t.ended || !t.again) {
                break;
            }
            round = round ? round : count;
            last = t.off;
            begin_round(r, &t, count, round);
        } else if (t.off >= stop || count >= r->max_insns) {
            break;
        }
    }
    if (count == 0) {
        return TRANS_NEEDS_NEXT_PAGE;
    }
    if (!t.ended) {
        ir_put(ir, t.sync ? IR_exit : IR_jump, IR_VOID, t.sync ? IR_EXIT_SYNC : 0, (uint32_t)t.off, 0, 0);
    }
    *end = (unsigned)MAX(t.off, last);
    return TRANS_OK;
}

TransResult frontend_translate_path(const TransRequest *r, IrBlock *ir, unsigned *begin, unsigned *end) {
    const Frontend *fe = r->frontend;
    const unsigned max = MIN(r->path_len, r->max_insns);
    uint8_t buffer[16];
    Trans t = {.frontend = fe, .env = r->env, .mode = r->mode, .ir = ir, .off = r->path[0], .start = r->path[0], .follows = true};
    unsigned count = 0;

    ir->rounds = true;
    *begin = PAGE;
    *end = 0;
    while (count < max) {
        uint32_t before = ir->count;
        t.follow = count + 1 < r->path_len ? &r->path[count + 1] : r->cycle ? r->path : NULL;
        t.avail = fe->insn_max;
        t.insn_len = 0;
        if (!fetch(r, fe, &t, buffer) || (fe->translate(&t), t.insn_len == 0)) {
            ir_block_cut(ir, before);
            break;
        }
        count++;
        *begin = MIN(*begin, (unsigned)t.off);
        *end = MAX(*end, (unsigned)t.off + t.insn_len);
        t.off = t.again ? *t.follow : t.off + (int32_t)t.insn_len;
        t.again = false;
        if (stops(&t) || !t.follow || t.off != *t.follow || t.off == r->stop_offset) {
            break;
        }
        if (t.off == t.start) {
            ir_new_round(ir);
        }
    }
    if (count == 0) {
        return TRANS_NEEDS_NEXT_PAGE;
    }
    if (!t.ended) {
        ir_put(ir, t.sync ? IR_exit : IR_jump, IR_VOID, t.sync ? IR_EXIT_SYNC : t.owes, (uint32_t)t.off, 0, 0);
    }
    return TRANS_OK;
}
