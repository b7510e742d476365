/* SPDX-License-Identifier: MIT */
/*
 * path.c - which way a region goes: from the insns that were executed, the way that most rounds have taken.
 *
 * A round begins wherever the first insn comes again. The path follows what most of those rounds did that have agreed
 * with it so far; where too few are left, what was done there most often at all.
 */
#include "tcg/region.h"

enum { FEW = 3, WAYS = 8, NONE = UINT16_MAX };

/* How often each insn was the next one; of more than WAYS different ones the first. */
typedef struct Votes {
    unsigned ways;
    uint16_t off[WAYS];
    unsigned count[WAYS];
} Votes;

static void vote(Votes *v, uint16_t off) {
    unsigned i = 0;
    while (i < v->ways && v->off[i] != off) {
        i++;
    }
    if (i == WAYS) {
        return;
    }
    v->count[i] = i == v->ways ? 1 : v->count[i] + 1;
    v->off[i] = off;
    v->ways = MAX(v->ways, i + 1);
}

/* NONE too where there are many ways, as from an interpreter's dispatch, and none is taken one time in four. */
static uint16_t winner(const Votes *v) {
    uint16_t off = NONE;
    unsigned most = 0, all = 0;
    for (unsigned i = 0; i < v->ways; i++) {
        all += v->count[i];
        if (v->count[i] > most) {
            most = v->count[i];
            off = v->off[i];
        }
    }
    return v->ways > 2 && most * 4 < all ? NONE : off;
}

typedef struct History {
    const uint16_t *off;
    unsigned count;
    unsigned rounds[REGION_ROUNDS]; /* where those begin that agree with the path */
    unsigned round_count;
} History;

/* What most of the rounds did at `at`, counted from their beginning; they alone are left. */
static uint16_t most_rounds(History *h, unsigned at) {
    Votes votes = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < h->round_count && h->rounds[i] + at < h->count; i++) {
        vote(&votes, h->off[h->rounds[i] + at]);
    }
    uint16_t off = winner(&votes);
    for (unsigned i = 0; i < h->round_count && h->rounds[i] + at < h->count; i++) {
        if (h->off[h->rounds[i] + at] == off) {
            h->rounds[kept++] = h->rounds[i];
        }
    }
    h->round_count = kept;
    return off;
}

/* What most often came behind the insn at `off`. */
static uint16_t most_often(const History *h, uint16_t off) {
    Votes votes = {0};
    for (unsigned i = 0; i + 1 < h->count; i++) {
        if (h->off[i] == off) {
            vote(&votes, h->off[i + 1]);
        }
    }
    return winner(&votes);
}

static bool is_on(const uint16_t *path, unsigned length, uint16_t off) {
    for (unsigned i = 0; i < length; i++) {
        if (path[i] == off) {
            return true;
        }
    }
    return false;
}

unsigned path_choose(const uint16_t *history, unsigned count, uint16_t *path, unsigned max, PathEnd *end) {
    History h = {.off = history, .count = count};
    unsigned length = 0;
    *end = (PathEnd){false, false};
    for (unsigned i = 0; i < count && h.round_count < REGION_ROUNDS; i++) {
        if (history[i] == history[0]) {
            h.rounds[h.round_count++] = i;
        }
    }
    const unsigned all_rounds = h.round_count;
    for (uint16_t off = history[0]; off != NONE && length < max;) {
        path[length++] = off;
        off = h.round_count >= FEW ? most_rounds(&h, length) : NONE;
        if (off == NONE) { /* the last of the rounds, or few of them */
            off = most_often(&h, path[length - 1]);
            if (off != path[0] && is_on(path, length, off)) {
                break; /* a loop inside, which may go round any number of times */
            }
        }
        if (off == path[0]) {
            end->cycle = true;
            end->steady = h.round_count * 2 >= all_rounds;
            break;
        }
    }
    return length;
}

unsigned path_repeat(uint16_t *path, unsigned length, unsigned max, unsigned rounds) {
    unsigned repeated = length;
    for (unsigned r = 1; r < rounds && repeated + length <= max; r++) {
        for (unsigned i = 0; i < length; i++) {
            path[repeated++] = path[i];
        }
    }
    return repeated;
}
