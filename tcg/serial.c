/* SPDX-License-Identifier: MIT */
/*
 * serial.c - several vCPUs in turn on one thread, for -icount and --verify: a run depends on the guest alone, and nobody
 * stores between a block and the reference it is compared with.
 *
 * A turn ends after a number of insns (-icount, exactly) or of stays in blocks, or when the vCPU has to wait. Whoever
 * comes next follows from the guest's state. When all wait, the thread does: for a request, an interrupt or a timer.
 * Locking: the first vCPU's halt_lock while it waits; everything else belongs to the thread.
 */
#include "tcg/vcpu.h"

enum { TURN_STAYS = 1 << 10 };

bool serial_turn_over(Vcpu *v) {
    if (v->tcg->config.icount) {
        return v->turn_over || icount_retired(v) >= v->turn_end;
    }
    return v->turn_over || v->stays++ >= TURN_STAYS;
}

uint64_t serial_insns_left(const Vcpu *v) {
    uint64_t done = icount_retired(v);
    return !v->tcg->serial ? UINT64_MAX : v->turn_end > done ? v->turn_end - done : 1;
}

bool serial_asked(const Vcpu *v) {
    const Tcg *tcg = v->tcg;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        const Vcpu *each = tcg->vcpus[i];
        CpuRunState power = vcpu_run_state(each);
        if (__atomic_load_n(&each->requests, __ATOMIC_SEQ_CST) || power == CPU_STATE_PENDING ||
            (power == CPU_STATE_ON && each->frontend->wakes(each->env))) {
            return true;
        }
    }
    return false;
}

/* --verify: until somebody asks for something, or the nearest alarm. */
static void idle(Tcg *tcg) {
    const TcgConfig *c = &tcg->config;
    Vcpu *first = tcg->vcpus[0];
    uint64_t alarm = UINT64_MAX;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        alarm = MIN(alarm, tcg->vcpus[i]->alarm);
    }
    g_mutex_lock(&first->halt_lock);
    __atomic_store_n(&first->halted, 1, __ATOMIC_SEQ_CST);
    uint64_t now = c->now(c->opaque);
    while (!serial_asked(first) && now < alarm) {
        gint64 limit = g_get_monotonic_time() + (gint64)((alarm - now) / 1000) + 1;
        if (alarm == UINT64_MAX) {
            g_cond_wait(&first->halt_cond, &first->halt_lock);
        } else if (!g_cond_wait_until(&first->halt_cond, &first->halt_lock, limit)) {
            break;
        }
        now = c->now(c->opaque);
    }
    __atomic_store_n(&first->halted, 0, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&first->halt_lock);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i]->alarm <= c->now(c->opaque)) {
            vcpu_run_timers(tcg->vcpus[i]);
        }
    }
}

static RunEnd turn(Vcpu *v) {
    if (v->debug.hold) { /* another is stepped */
        return RUN_IDLE;
    }
    if (!v->turn_end) {
        v->turn_end = icount_retired(v) + TURN_INSNS;
    }
    v->stays = 0;
    v->tcg->current = v;
    vcpu_enter(v);
    tlb_context_changed(v);
    RunEnd end = exec_run(v);
    vcpu_leave(v);
    v->granted = v->env->budget = 0;
    if (end != RUN_STOPPED) {
        v->turn_end = v->turn_over = 0;
    }
    return end;
}

void serial_run(Tcg *tcg) {
    unsigned at = 0, waiting = 0;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        at = tcg->vcpus[i]->next ? i : at;
    }
    for (;;) {
        Vcpu *v = tcg->vcpus[at];
        v->next = 1;
        RunEnd end = turn(v);
        if (end == RUN_STOPPED) {
            return;
        }
        v->next = 0;
        at = (at + 1) % tcg->vcpu_count;
        tcg->vcpus[at]->next = 1;
        waiting = end == RUN_IDLE ? waiting + 1 : 0;
        if (waiting >= tcg->vcpu_count) {
            waiting = 0;
            tcg->config.icount ? icount_warp(tcg->vcpus[0]) : idle(tcg);
        }
    }
}
