/* SPDX-License-Identifier: MIT */
/*
 * region.c - heads of regions are found, and what is executed from there is noted. See region.h.
 */
#include "tcg/region.h"

enum {
    SAMPLES = 256,     /* addresses that a vCPU remembers to have been met at */
    HOT = 3,           /* times that makes one a head */
    TRIES = 4,         /* times that one is made a region */
    RECORD_SHORT = 64, /* x-regions=all: insns that are noted, for each block is a head */
};

typedef struct Sample {
    uint64_t pa, mode;
    uint8_t met, tried;
} Sample;

struct RegionSamples {
    Sample sample[SAMPLES];
};

void region_init(Vcpu *v) {
    v->record_pc = UINT64_MAX;
    v->samples = v->tcg->config.tier == 2 && v->tcg->backend ? g_new0(struct RegionSamples, 1) : NULL;
}

void region_free(Vcpu *v) {
    g_free(v->samples);
}

static Sample *sample_of(Vcpu *v, uint64_t pa, uint64_t mode) {
    Sample *s = &v->samples->sample[(pa >> 2 ^ pa >> IR_PAGE_BITS ^ mode) & (SAMPLES - 1)];
    if (s->pa != pa || s->mode != mode) {
        *s = (Sample){.pa = pa, .mode = mode};
    }
    return s;
}

void region_sample(Vcpu *v) {
    const Env *env = v->env;
    if (!v->samples || !v->fetch_ok || v->fetch_va != (env->pc & ~(uint64_t)(PAGE_SIZE - 1))) {
        return;
    }
    Sample *s = sample_of(v, v->fetch_pa | (env->pc & (PAGE_SIZE - 1)), v->frontend->mode(v->env));
    if (s->tried < TRIES && ++s->met >= HOT) {
        s->met = 0;
        s->tried++;
        v->record_pc = env->pc;
    }
}

/* May the insn at env.pc be run and noted? Those of the page alone, in the same state, as long as nobody waits. */
static bool goes_on(const Vcpu *v, uint64_t page, uint64_t mode, unsigned count) {
    const Env *env = v->env;
    return (env->pc & ~(uint64_t)(PAGE_SIZE - 1)) == page && !(env->pc & (v->frontend->insn_min - 1u)) &&
           v->frontend->mode(v->env) == mode && __atomic_load_n(&env->pending, __ATOMIC_RELAXED) >= 0 &&
           (!v->tcg->config.icount || (int32_t)count < env->budget);
}

bool region_record(Vcpu *v, const Tb *tb) {
    Env *env = v->env;
    bool all = v->tcg->config.forced.regions;
    unsigned max = all ? RECORD_SHORT : REGION_HISTORY, count = 0;
    uint16_t history[REGION_HISTORY];
    uint64_t page = env->pc & ~(uint64_t)(PAGE_SIZE - 1);
    RegionPlan plan = {.vcpu = v, .pa = tb->pa, .va = env->pc, .mode = tb->mode, .flushes = v->tcg->flushes};
    bool run = false;
    v->record_pc = UINT64_MAX;
    while (count < max && goes_on(v, page, tb->mode, count)) {
        run = true;
        history[count] = (uint16_t)(env->pc & (PAGE_SIZE - 1));
        IrExit reason = exec_slow_insn(v);
        v->stats.exits[reason]++;
        if (reason != IR_EXIT_NEXT) { /* an exception, or an insn that ends its block: let it be the last */
            count += reason != IR_EXIT_FAULT;
            v->waits_at = reason == IR_EXIT_HALT ? env->pc : v->waits_at;
            break;
        }
        count++;
    }
    if (count) {
        plan.length = path_choose(history, count, plan.path, all ? RECORD_SHORT : REGION_INSNS, &plan.end);
        if (all) {
            region_make_here(v, &plan);
        } else if (plan.end.cycle || plan.length > tb->insns + tb->insns / 2u) {
            regions_add(v->tcg, g_memdup2(&plan, sizeof plan));
        }
    }
    return run;
}
