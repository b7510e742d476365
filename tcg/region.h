/* SPDX-License-Identifier: MIT */
/*
 * region.h - tier 2: what runs often is translated again, as far as it is executed in one go.
 *
 * A thread looks once in a while where the vCPUs are. An address that is met again and again is a head: the vCPU runs
 * the insns from there by the interpreter for a few hundred insns and notes their addresses (region.c). Of what it has
 * seen the usual way is chosen (path.c), and the thread makes one long block of it, which takes the place of the
 * head's (region_make.c).
 */
#ifndef TCG_REGION_H
#define TCG_REGION_H

#include "tcg/vcpu.h"

enum {
    REGION_INSNS = 256,   /* of a region, all its rounds taken together */
    REGION_ROUNDS = 16,   /* that are noted: enough to tell which is the usual one */
    REGION_HISTORY = 512, /* insns that are run and noted before it is made */
};

/* What is said of a path. */
typedef struct PathEnd {
    bool cycle;  /* it leads back to its beginning... */
    bool steady; /* ...and half of the rounds or more were the same from beginning to end */
} PathEnd;

/* A region to be made. */
typedef struct RegionPlan {
    Vcpu *vcpu;           /* that has run it */
    uint64_t pa, va, mode; /* of the head */
    uint64_t flushes;     /* Tcg.flushes when it was noted */
    PathEnd end;          /* of the path */
    unsigned length;
    uint16_t path[REGION_INSNS]; /* page offsets of its insns, in order */
} RegionPlan;

/* -- path.c -- */

/* The usual way, from history[0] on, by the offsets of `count` insns that were executed one after the other: as many as
 * were written to `path`, at most `max`. */
unsigned path_choose(const uint16_t *history, unsigned count, uint16_t *path, unsigned max, PathEnd *end);
/* Repeats a cycle of `length` insns in `path` while there are no more than `max`. Returns the new length. */
unsigned path_repeat(uint16_t *path, unsigned length, unsigned max, unsigned rounds);

/* -- region.c: on the vCPU's thread -- */

void region_init(Vcpu *v);
void region_free(Vcpu *v);
/* The vCPU was asked where it is when it was at env.pc, to which tb belongs. True: that is a head, and some insns have been
 * run. */
bool region_met(Vcpu *v, const Tb *tb);
static inline bool region_asked(const Vcpu *v) {
    return G_UNLIKELY(v->env->pc == v->met_pc);
}

/* -- region_make.c -- */

/* The thread; between tcg_start and tcg_stop, if there are regions at all. */
void regions_start(Tcg *tcg);
void regions_stop(Tcg *tcg);
/* Has it made, sooner or later; takes the plan. */
void regions_add(Tcg *tcg, RegionPlan *plan);
/* Makes it now, on the vCPU's thread. */
void region_make_here(Vcpu *v, RegionPlan *plan);

#endif
