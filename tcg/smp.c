/* SPDX-License-Identifier: MIT */
/*
 * smp.c - several vCPUs: who may run, maintenance that reaches all of them, events, and CPUs that are off.
 *
 * A vCPU is `inside` while it may run guest code or hold on to a block. Outside (waiting, parked, off) it is as good as
 * at a safepoint: what others want of it stays in its inbox until it comes inside again. A vCPU that does maintenance
 * gathers it in `out`; its barrier hands that to the others and waits, outside, until each has looked or is outside.
 * Blocks and code memory are freed only by one that has the world alone, with all others outside.
 * Locking: Tcg.world guards `alone`, power changes and the waiting; a leaf, like inbox_lock. Nobody waits here with
 * another lock held.
 * Missing: a vCPU that blocks in semihosting input keeps others' barriers waiting.
 */
#include "tcg/vcpu.h"

#include <string.h>

enum { EVENT_LOOKS = 64, EVENT_WAIT_US = 100, SEEN_LOOKS = 1000 };

/* -- inside and outside -- */

static void changed(Tcg *tcg) {
    if (__atomic_load_n(&tcg->waiters, __ATOMIC_SEQ_CST)) {
        g_mutex_lock(&tcg->world);
        g_cond_broadcast(&tcg->world_changed);
        g_mutex_unlock(&tcg->world);
    }
}

void vcpu_leave(Vcpu *v) {
    __atomic_store_n(&v->inside, 0, __ATOMIC_SEQ_CST);
    changed(v->tcg);
}

void vcpu_enter(Vcpu *v) {
    Tcg *tcg = v->tcg;
    for (;;) {
        __atomic_store_n(&v->inside, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&tcg->alone, __ATOMIC_SEQ_CST)) {
            return;
        }
        g_mutex_lock(&tcg->world);
        __atomic_store_n(&v->inside, 0, __ATOMIC_SEQ_CST);
        g_cond_broadcast(&tcg->world_changed);
        while (tcg->alone) {
            g_cond_wait(&tcg->world_changed, &tcg->world);
        }
        g_mutex_unlock(&tcg->world);
    }
}

/* Leaves generated code soon; does not wake one that waits for an interrupt. */
static void nudge(Vcpu *v) {
    __atomic_store_n(&v->env->pending, -1, __ATOMIC_SEQ_CST);
}

void world_stop(Vcpu *v) {
    Tcg *tcg = v->tcg;
    g_mutex_lock(&tcg->world);
    __atomic_fetch_add(&tcg->waiters, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->inside, 0, __ATOMIC_SEQ_CST);
    g_cond_broadcast(&tcg->world_changed);
    while (tcg->alone) {
        g_cond_wait(&tcg->world_changed, &tcg->world);
    }
    __atomic_store_n(&tcg->alone, v, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *other = tcg->vcpus[i];
        if (other != v) {
            nudge(other);
            while (__atomic_load_n(&other->inside, __ATOMIC_SEQ_CST)) {
                g_cond_wait(&tcg->world_changed, &tcg->world);
            }
        }
    }
    __atomic_fetch_sub(&tcg->waiters, 1, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&tcg->world);
}

void world_go(Vcpu *v) {
    Tcg *tcg = v->tcg;
    g_mutex_lock(&tcg->world);
    __atomic_store_n(&v->inside, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&tcg->alone, NULL, __ATOMIC_SEQ_CST);
    g_cond_broadcast(&tcg->world_changed);
    g_mutex_unlock(&tcg->world);
}

/* -- maintenance -- */

static void add(MaintList *list, const Maint *m) {
    if (list->count < MAINT_MAX) {
        list->items[list->count++] = *m;
    } else {
        list->items[0].kind = MAINT_ALL; /* there are so many that one can stand for them */
        list->count = 1;
    }
}

static void do_one(Vcpu *v, const Maint *m) {
    switch (m->kind) {
    case MAINT_ALL:
        tlb_flush_all(v);
        break;
    case MAINT_ASID:
        tlb_flush_asid(v, m->asid);
        break;
    case MAINT_PAGE:
        tlb_flush_page(v, m->addr, false, m->asid, m->last_level);
        break;
    case MAINT_PAGE_ANY:
        tlb_flush_page(v, m->addr, true, 0, m->last_level);
        break;
    case MAINT_UNMAP_WRITES:
        tlb_unmap_writes(v, m->addr);
        break;
    }
}

void smp_tell(Vcpu *v, Maint m) {
    if (v->tcg->vcpu_count > 1) {
        add(&v->out, &m);
        v->unsynced = true;
    }
}

/* Puts a list into another's inbox; the answer is what its `done` will be when it has looked. */
static uint64_t give(Vcpu *to, const Maint *items, unsigned count) {
    g_mutex_lock(&to->inbox_lock);
    for (unsigned i = 0; i < count; i++) {
        add(&to->inbox, &items[i]);
    }
    uint64_t ticket = to->given + 1;
    __atomic_store_n(&to->given, ticket, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&to->inbox_lock);
    nudge(to);
    return ticket;
}

void smp_unmap_writes(Vcpu *v, uint64_t pa) {
    Tcg *tcg = v->tcg;
    const Maint m = {.kind = MAINT_UNMAP_WRITES, .addr = pa};
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i] == v) {
            tlb_unmap_writes(v, pa);
        } else {
            give(tcg->vcpus[i], &m, 1); /* stores that come first are found by the guest's own cache maintenance */
        }
    }
}

static void look_into_inbox(Vcpu *v) {
    if (__atomic_load_n(&v->given, __ATOMIC_SEQ_CST) == v->done) {
        return;
    }
    g_mutex_lock(&v->inbox_lock);
    MaintList list;
    list.count = v->inbox.count;
    memcpy(list.items, v->inbox.items, list.count * sizeof list.items[0]);
    v->inbox.count = 0;
    uint64_t ticket = v->given;
    g_mutex_unlock(&v->inbox_lock);
    for (unsigned i = 0; i < list.count; i++) {
        do_one(v, &list.items[i]);
    }
    __atomic_store_n(&v->done, ticket, __ATOMIC_SEQ_CST);
    changed(v->tcg);
}

static bool seen(const Vcpu *v, uint64_t ticket) {
    return !__atomic_load_n(&v->inside, __ATOMIC_SEQ_CST) || __atomic_load_n(&v->done, __ATOMIC_SEQ_CST) >= ticket;
}

static void wait_seen(Vcpu *other, uint64_t ticket) {
    Tcg *tcg = other->tcg;
    for (unsigned i = 0; i < SEEN_LOOKS; i++) { /* most come to a safepoint sooner than a thread is put to sleep */
        if (seen(other, ticket)) {
            return;
        }
    }
    g_mutex_lock(&tcg->world);
    __atomic_fetch_add(&tcg->waiters, 1, __ATOMIC_SEQ_CST);
    while (!seen(other, ticket)) {
        g_cond_wait(&tcg->world_changed, &tcg->world);
    }
    __atomic_fetch_sub(&tcg->waiters, 1, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&tcg->world);
}

/* The end of a barrier: all others have seen what this vCPU did. */
static void synchronise(Vcpu *v) {
    Tcg *tcg = v->tcg;
    uint64_t tickets[G_N_ELEMENTS(tcg->vcpus)];
    v->unsynced = false;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i] != v) {
            tickets[i] = give(tcg->vcpus[i], v->out.items, v->out.count);
        }
    }
    v->out.count = 0;
    vcpu_leave(v);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i] != v) {
            wait_seen(tcg->vcpus[i], tickets[i]);
        }
    }
    vcpu_enter(v);
}

void smp_barrier(Vcpu *v) {
    if (v->unsynced) {
        v->barrier = true;
        nudge(v);
    }
}

/* -- events -- */

void smp_send_event(Vcpu *v, bool everywhere) {
    Tcg *tcg = v->tcg;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *to = tcg->vcpus[i];
        if (to == v || everywhere) {
            __atomic_store_n(&to->event, 1, __ATOMIC_SEQ_CST);
            if (__atomic_load_n(&to->halted, __ATOMIC_SEQ_CST)) {
                g_mutex_lock(&to->halt_lock);
                g_cond_signal(&to->halt_cond);
                g_mutex_unlock(&to->halt_lock);
            }
        }
    }
}

void smp_wait_event(Vcpu *v) {
    if (!__atomic_exchange_n(&v->event, 0, __ATOMIC_SEQ_CST)) {
        v->wait_event = true;
        nudge(v);
    }
}

/* The bytes that the exclusive monitor holds, or NULL. */
static const uint8_t *monitored(Vcpu *v) {
    const Env *env = v->env;
    const PhysMap *phys = &v->tcg->config.phys;
    MemXlat x;
    MemFault fault;
    bool writable;
    if (env->excl_addr == UINT64_MAX || !tlb_translate(v, env->excl_addr, MEM_READ, false, &x, &fault)) {
        return NULL;
    }
    const uint8_t *page = phys->page(phys->opaque, x.pa, &writable);
    return page ? page + (x.pa & (PAGE_SIZE - 1)) : NULL;
}

static bool something_happened(Vcpu *v, const uint8_t *monitor) {
    return __atomic_load_n(&v->event, __ATOMIC_SEQ_CST) || __atomic_load_n(&v->env->pending, __ATOMIC_SEQ_CST) < 0 ||
           v->frontend->wakes(v->env) || (monitor && memcmp(monitor, &v->env->excl_val, v->env->excl_size) != 0);
}

/* WFE with the event register clear. What a store by another CPU does to the monitor nobody tells, so look now and then;
 * and end after a while, as the event stream would. */
static void await_event(Vcpu *v) {
    v->wait_event = false;
    if (v->tcg->serial) { /* it is somebody else's turn */
        v->turn_over = true;
        return;
    }
    const uint8_t *monitor = monitored(v);
    vcpu_leave(v);
    for (unsigned i = 0; monitor && i < EVENT_LOOKS; i++) {
        if (something_happened(v, monitor)) {
            break;
        }
        g_thread_yield();
    }
    g_mutex_lock(&v->halt_lock);
    __atomic_store_n(&v->halted, 1, __ATOMIC_SEQ_CST);
    if (!something_happened(v, monitor)) {
        g_cond_wait_until(&v->halt_cond, &v->halt_lock, g_get_monotonic_time() + EVENT_WAIT_US);
    }
    __atomic_store_n(&v->halted, 0, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->halt_lock);
    __atomic_store_n(&v->event, 0, __ATOMIC_SEQ_CST);
    vcpu_enter(v);
}

/* -- on and off -- */

CpuRunState vcpu_run_state(const Vcpu *v) {
    return (CpuRunState)__atomic_load_n(&v->power, __ATOMIC_SEQ_CST);
}

Vcpu *smp_find(Tcg *tcg, uint64_t id) {
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        const Vcpu *v = tcg->vcpus[i];
        if (v->frontend->id && v->frontend->id(v->env) == id) {
            return tcg->vcpus[i];
        }
    }
    return NULL;
}

CpuOnResult smp_turn_on(Vcpu *v, uint64_t entry, uint64_t context) {
    Tcg *tcg = v->tcg;
    g_mutex_lock(&tcg->world);
    CpuRunState was = vcpu_run_state(v);
    if (was == CPU_STATE_OFF) {
        v->entry = entry;
        v->entry_context = context;
        __atomic_store_n(&v->power, CPU_STATE_PENDING, __ATOMIC_SEQ_CST);
    }
    g_mutex_unlock(&tcg->world);
    if (was == CPU_STATE_OFF) {
        vcpu_kick(v);
    }
    return was == CPU_STATE_OFF ? CPU_ON_OK : was == CPU_STATE_ON ? CPU_ON_ALREADY_ON : CPU_ON_PENDING;
}

bool smp_turn_off(Vcpu *v) {
    Tcg *tcg = v->tcg;
    unsigned others = 0;
    g_mutex_lock(&tcg->world);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        others += tcg->vcpus[i] != v && vcpu_run_state(tcg->vcpus[i]) != CPU_STATE_OFF;
    }
    if (others) {
        __atomic_store_n(&v->power, CPU_STATE_OFF, __ATOMIC_SEQ_CST);
    }
    g_mutex_unlock(&tcg->world);
    return others;
}

void smp_off(Vcpu *v) {
    if (vcpu_run_state(v) == CPU_STATE_PENDING) {
        v->waits_at = UINT64_MAX;
        v->frontend->reset(v->env);
        v->frontend->set_entry(v->env, v->entry, &v->entry_context, 1);
        tlb_flush_all(v);
        tlb_context_changed(v);
        v->entry = v->entry_context = 0;
        __atomic_store_n(&v->power, CPU_STATE_ON, __ATOMIC_SEQ_CST);
        return;
    }
    vcpu_leave(v);
    g_mutex_lock(&v->halt_lock);
    __atomic_store_n(&v->halted, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) && vcpu_run_state(v) == CPU_STATE_OFF) {
        g_cond_wait(&v->halt_cond, &v->halt_lock);
    }
    __atomic_store_n(&v->halted, 0, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->halt_lock);
    vcpu_enter(v);
}

/* -- the whole -- */

void smp_safepoint(Vcpu *v) {
    Tcg *tcg = v->tcg;
    if (tcg->vcpu_count == 1) {
        return;
    }
    if (__atomic_load_n(&tcg->alone, __ATOMIC_SEQ_CST)) {
        vcpu_leave(v);
        vcpu_enter(v);
    }
    look_into_inbox(v);
    if (v->barrier) {
        v->barrier = false;
        synchronise(v);
    }
    if (v->wait_event) {
        await_event(v);
    }
}

void smp_reset(Vcpu *v) {
    v->power = v->index == 0 ? CPU_STATE_ON : CPU_STATE_OFF;
    v->entry = v->entry_context = 0;
    v->event = 0;
    v->unsynced = v->barrier = false;
    v->out.count = v->inbox.count = 0;
    v->turn_end = 0;
    v->next = v->turn_over = v->wait_event = 0;
}

bool smp_restored(const Vcpu *v, GError **error) {
    const struct { const char *name; uint64_t value, limit; } fields[] = {
        {"power", v->power, CPU_STATE_PENDING}, {"event", v->event, 1}, {"next", v->next, 1},
        {"turn_over", v->turn_over, 1}, {"wait_event", v->wait_event, 1},
        {"turn_end", v->turn_end ? v->turn_end - v->env->insns : 0, TURN_INSNS},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].value > fields[i].limit) {
            g_set_error(error, ir_error_quark(), 0, "%s is %" G_GINT64_MODIFIER "u, which no CPU can have", fields[i].name,
                        fields[i].value);
            return false;
        }
    }
    return true;
}
