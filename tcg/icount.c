/* SPDX-License-Identifier: MIT */
/*
 * icount.c - virtual time from retired insns (-icount): one insn takes 2^shift ns, and timers come due at exact insns.
 *
 * Generated code takes the insns of a block from env.budget when it enters and leaves when the budget is spent; what
 * is left in front of a deadline is run insn by insn. While the guest waits for an interrupt the vCPU sleeps about as
 * long in real time and then sets virtual time to the deadline exactly: a run without input depends on the guest alone.
 */
#include "tcg/vcpu.h"

enum { GRANT_MAX = 1 << 24 };

uint64_t icount_retired(const Vcpu *v) {
    const Env *env = v->env;
    return env->insns + (uint64_t)(v->granted - env->budget) - env->insn_rest;
}

/* Insns of all vCPUs take their time one after the other. */
static uint64_t icount_ns(const Tcg *tcg) {
    uint64_t insns = 0;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        insns += icount_retired(tcg->vcpus[i]);
    }
    return (insns << tcg->config.icount_shift) + tcg->vcpus[0]->warp;
}

uint64_t tcg_icount_now(const Tcg *tcg) {
    const Vcpu *v = tcg->vcpus[0];
    if (!v) {
        return 0;
    }
    return v->self == g_thread_self() ? icount_ns(tcg) : __atomic_load_n(&v->published, __ATOMIC_SEQ_CST);
}

void icount_publish(Vcpu *v) {
    if (!v->tcg->config.icount) {
        return;
    }
    __atomic_store_n(&v->tcg->vcpus[0]->published, icount_ns(v->tcg), __ATOMIC_SEQ_CST);
}

void icount_fold(Vcpu *v, IrExit reason) {
    Env *env = v->env;
    if (!v->tcg->config.icount) {
        return;
    }
    uint32_t rest = reason == IR_EXIT_FAULT || reason == IR_EXIT_SLOW ? env->insn_rest : 0;
    env->insns += (uint64_t)(v->granted - env->budget) - rest;
    env->budget += (int32_t)rest;
    v->granted = env->budget;
    env->insn_rest = 0;
}

/* The machine's clock, which is made of icount_ns. */
static uint64_t clock_ns(const Vcpu *v) {
    return v->tcg->config.now(v->tcg->config.opaque);
}

static uint64_t next_deadline(const Vcpu *v) {
    const TcgConfig *c = &v->tcg->config;
    uint64_t first = c->next_deadline(c->opaque);
    for (unsigned k = 0; k < v->tcg->vcpu_count; k++) {
        for (unsigned i = 0; i < FRONTEND_TIMERS; i++) {
            first = MIN(first, v->tcg->vcpus[k]->deadlines[i]);
        }
    }
    return first;
}

/* Lets everything happen that is due. */
static void run_due(Vcpu *v) {
    const TcgConfig *c = &v->tcg->config;
    icount_publish(v);
    for (unsigned i = 0; i < v->tcg->vcpu_count; i++) {
        vcpu_run_timers(v->tcg->vcpus[i]);
    }
    if (c->next_deadline(c->opaque) <= clock_ns(v)) {
        c->advance(c->opaque);
    }
}

bool icount_grant(Vcpu *v) {
    Env *env = v->env;
    uint64_t now = clock_ns(v), deadline = next_deadline(v);
    bool due = deadline <= now;
    icount_publish(v);
    if (due) {
        run_due(v);
        now = clock_ns(v);
        deadline = next_deadline(v);
    }
    uint64_t step = UINT64_C(1) << v->tcg->config.icount_shift;
    uint64_t insns = deadline <= now ? 1 : (deadline - now + step - 1) >> v->tcg->config.icount_shift;
    insns = MIN(insns, serial_insns_left(v));
    env->budget = v->granted = (int32_t)MIN(insns, GRANT_MAX);
    return !due;
}

/* Blocks chained to the running one would not ask for another grant before this one is spent. */
void tcg_deadline_moved(Tcg *tcg) {
    if (!tcg->config.icount || tcg->vcpus[0]->self != g_thread_self()) {
        return;
    }
    Vcpu *v = tcg->current;
    Env *env = v->env;
    uint64_t now = clock_ns(v), deadline = next_deadline(v), step = UINT64_C(1) << tcg->config.icount_shift;
    uint64_t insns = deadline <= now ? 0 : (deadline - now + step - 1) >> tcg->config.icount_shift;
    int32_t after = insns > env->insn_rest ? (int32_t)MIN(insns - env->insn_rest, GRANT_MAX) : 0; /* behind the block */
    if (env->budget > after) {
        v->granted -= env->budget - after;
        env->budget = after;
    }
}

/* Sleeps as long as the warp is, in real time. False: somebody wants something meanwhile. */
static bool sleep_until(Vcpu *v, uint64_t ns) {
    gint64 limit = g_get_monotonic_time() + (gint64)(ns / 1000);
    bool asked = false;
    g_mutex_lock(&v->halt_lock);
    __atomic_store_n(&v->halted, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        asked = serial_asked(v);
        if (asked) {
            break;
        }
        if (ns == UINT64_MAX) {
            g_cond_wait(&v->halt_cond, &v->halt_lock);
        } else if (!g_cond_wait_until(&v->halt_cond, &v->halt_lock, limit)) {
            break;
        }
    }
    __atomic_store_n(&v->halted, 0, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->halt_lock);
    return !asked;
}

void icount_warp(Vcpu *v) {
    for (;;) {
        uint64_t now = clock_ns(v), deadline = next_deadline(v);
        uint64_t gap = deadline == UINT64_MAX ? UINT64_MAX : deadline > now ? deadline - now : 0;
        if (!sleep_until(v, gap)) {
            return;
        }
        v->warp += gap;
        run_due(v);
    }
}
