/* SPDX-License-Identifier: MIT */
/*
 * region.c - heads of regions are found, and what is executed from there is noted. See region.h.
 */
#include "tcg/region.h"

enum {
    SAMPLES = 256,     /* addresses that a vCPU remembers to have been met at */
    HOT = 3,           /* times that makes one a head */
    TRIES = 8,         /* times that one is made a region, which checks that want to be apart may end */
    WASTED = 4,        /* tries that one counts for whose way is no better than its block */
    RECORD_SHORT = 64, /* x-regions=all: insns that are noted, for each block is a head */
};

typedef struct Sample {
    uint64_t pa, mode;
    uint8_t met, tried;
} Sample;

struct RegionSamples {
    uint64_t flushes; /* Tcg.flushes when the first was taken */
    Sample sample[SAMPLES];
};

void region_init(Vcpu *v) {
    v->met_pc = UINT64_MAX;
    v->samples = v->tcg->config.tier == 2 && v->tcg->backend ? g_new0(struct RegionSamples, 1) : NULL;
}

void region_free(Vcpu *v) {
    g_free(v->samples);
}

static Sample *sample_of(Vcpu *v, const Tb *tb) {
    struct RegionSamples *all = v->samples;
    Sample *s = &all->sample[(tb->pa >> 2 ^ tb->pa >> IR_PAGE_BITS ^ tb->mode) & (SAMPLES - 1)];
    if (all->flushes != v->tcg->flushes) { /* regions have gone with all blocks */
        *all = (struct RegionSamples){.flushes = v->tcg->flushes};
    }
    if (s->pa != tb->pa || s->mode != tb->mode) {
        *s = (Sample){.pa = tb->pa, .mode = tb->mode};
    }
    return s;
}

/* The vCPU has been met there once more. Often enough to make it a head? */
static bool is_hot(Sample *s, const Tb *tb) {
    if (tb->kind == TB_REGION || s->tried >= TRIES || ++s->met < HOT) {
        return false;
    }
    s->met = 0;
    s->tried++;
    return true;
}

/* May the insn at env.pc be run and noted? Those of the page alone, in the same state, as long as nobody waits. */
static bool goes_on(const Vcpu *v, uint64_t page, uint64_t mode, unsigned count) {
    const Env *env = v->env;
    return (env->pc & ~(uint64_t)(PAGE_SIZE - 1)) == page && !(env->pc & (v->frontend->insn_min - 1u)) &&
           v->frontend->mode(v->env) == mode && __atomic_load_n(&env->pending, __ATOMIC_RELAXED) >= 0 &&
           (!v->tcg->config.icount || (int32_t)count < env->budget);
}

/* Runs insns from tb on, up to `max`, and notes their page offsets. *run: there were some, if only one that failed. */
static unsigned record(Vcpu *v, const Tb *tb, uint16_t *history, unsigned max, bool *run) {
    Env *env = v->env;
    uint64_t page = env->pc & ~(uint64_t)(PAGE_SIZE - 1), head = env->pc;
    unsigned count = 0, rounds = 0;
    while (count < max && goes_on(v, page, tb->mode, count) && (env->pc != head || rounds++ < REGION_ROUNDS)) {
        *run = true;
        history[count] = (uint16_t)(env->pc & (PAGE_SIZE - 1));
        IrExit reason = exec_slow_insn(v);
        v->stats.exits[reason]++;
        if (reason != IR_EXIT_NEXT) { /* an exception, or an insn that ends its block: let it be the last */
            v->waits_at = reason == IR_EXIT_HALT ? env->pc : v->waits_at;
            return count + (reason != IR_EXIT_FAULT);
        }
        count++;
    }
    return count;
}

bool region_met(Vcpu *v, const Tb *tb) {
    bool all = v->tcg->config.forced.regions, run = false;
    uint16_t history[REGION_HISTORY];
    RegionPlan plan = {.vcpu = v, .pa = tb->pa, .va = v->env->pc, .mode = tb->mode, .flushes = v->tcg->flushes};
    Sample *s = sample_of(v, tb);
    v->met_pc = UINT64_MAX;
    if (!all && !is_hot(s, tb)) {
        return false;
    }
    unsigned count = record(v, tb, history, all ? RECORD_SHORT : REGION_HISTORY, &run);
    plan.length = count ? path_choose(history, count, plan.path, all ? RECORD_SHORT : REGION_INSNS, &plan.end) : 0;
    if (all && count) {
        region_make_here(v, &plan);
    } else if (plan.end.cycle || plan.length > tb->insns + tb->insns / 2u) {
        regions_add(v->tcg, g_memdup2(&plan, sizeof plan));
    } else {
        s->tried += WASTED;
    }
    return run;
}
