/* SPDX-License-Identifier: MIT */
/*
 * watchdog.c - looks each second at the CPUs and at requests to the host, and says which of them hangs.
 *
 * A CPU hangs when a request has been pending for five seconds of its thread's own CPU time and it has come to no
 * safepoint: guest code that loops comes to one for each request, and who waits, is paused or is stopped uses no CPU time.
 * A request to the host hangs when thirty looks in a row find it: while the whole process is stopped nothing is looked at.
 * Locking: none of the machine's; see tcg/watch.c and host/late.h. The thread ends in watchdog_free.
 */
#include "system/watchdog.h"

#include <unistd.h>

struct Watchdog {
    const Machine *machine;
    const LateList *late;
    FILE *out;
    GThread *thread;
    GMutex lock;
    GCond changed;
    bool over; /* under lock */
    WatchedCpu *cpus;
    WatchedIo io[LATE_PLACES];
};

WatchdogNews watchdog_look_cpu(WatchedCpu *w, const VcpuWatch *now) {
    bool same = w->pending && now->pending && now->safepoints == w->safepoints && now->cpu_ns >= w->since;
    if (!same) {
        bool told = w->told;
        *w = (WatchedCpu){.pending = now->pending, .safepoints = now->safepoints, .since = now->cpu_ns};
        return told ? WATCHDOG_GOES_ON : WATCHDOG_NO_NEWS;
    }
    if (w->told || now->cpu_ns - w->since < WATCHDOG_CPU_SECONDS * UINT64_C(1000000000)) {
        return WATCHDOG_NO_NEWS;
    }
    w->told = true;
    return WATCHDOG_HANGS;
}

WatchdogNews watchdog_look_io(WatchedIo *w, const LateRequest *now) {
    if (!now || now->serial != w->serial) {
        bool told = w->told;
        *w = (WatchedIo){.serial = now ? now->serial : 0};
        return told ? WATCHDOG_GOES_ON : WATCHDOG_NO_NEWS;
    }
    if (w->told || ++w->looks < WATCHDOG_IO_SECONDS) {
        return WATCHDOG_NO_NEWS;
    }
    w->told = true;
    return WATCHDOG_HANGS;
}

static void look_cpu(Watchdog *w, unsigned cpu, const Vcpu *v) {
    VcpuWatch now;
    uint64_t block;
    unsigned insns;
    vcpu_watch(v, &now);
    WatchdogNews news = watchdog_look_cpu(&w->cpus[cpu], &now);
    if (news == WATCHDOG_HANGS) {
        vcpu_watch_block(v, &block, &insns);
        fprintf(w->out, "yado: watchdog: cpu %u hangs: for %d s of its CPU time it has not looked at a request (%s); guest pc "
                "0x%" G_GINT64_MODIFIER "x when generated code was left last; the block entered then has %u insns at 0x%"
                G_GINT64_MODIFIER "x\nyado: hint: this is a bug in yado, not in the guest: 'kill -ABRT %d' ends it with a "
                "report; -accel interp may run the guest, --verify may find the wrong block\n", cpu, WATCHDOG_CPU_SECONDS,
                vcpu_request_name(now.requests), now.pc, insns, block, (int)getpid());
    } else if (news == WATCHDOG_GOES_ON) {
        fprintf(w->out, "yado: watchdog: cpu %u goes on\n", cpu);
    }
}

static void look_io(Watchdog *w, unsigned place) {
    LateRequest now;
    bool found = late_look(w->late, place, &now);
    WatchdogNews news = watchdog_look_io(&w->io[place], found ? &now : NULL);
    if (news == WATCHDOG_HANGS) {
        fprintf(w->out, "yado: watchdog: the host has not answered for %d s: %s of %s\nyado: hint: the guest waits for it; see "
                "whether the disk or the network behind it is there and has room ('dmesg', 'df')\n", WATCHDOG_IO_SECONDS,
                now.what, now.whom);
    } else if (news == WATCHDOG_GOES_ON) {
        fprintf(w->out, "yado: watchdog: the host has answered the late request\n");
    }
}

static void look(Watchdog *w) {
    for (unsigned i = 0; i < w->machine->vcpus->len; i++) {
        look_cpu(w, i, w->machine->vcpus->pdata[i]);
    }
    for (unsigned i = 0; i < LATE_PLACES; i++) {
        look_io(w, i);
    }
    fflush(w->out);
}

static gpointer watch(gpointer opaque) {
    Watchdog *w = opaque;
    g_mutex_lock(&w->lock);
    while (!w->over) {
        gint64 next = g_get_monotonic_time() + G_USEC_PER_SEC;
        while (!w->over && g_cond_wait_until(&w->changed, &w->lock, next)) {
        }
        if (!w->over) {
            look(w);
        }
    }
    g_mutex_unlock(&w->lock);
    return NULL;
}

Watchdog *watchdog_new(const Machine *machine, const LateList *late, FILE *out) {
    Watchdog *w = g_new0(Watchdog, 1);
    w->machine = machine;
    w->late = late;
    w->out = out;
    w->cpus = g_new0(WatchedCpu, machine->vcpus->len);
    g_mutex_init(&w->lock);
    g_cond_init(&w->changed);
    w->thread = g_thread_new("watchdog", watch, w);
    return w;
}

void watchdog_free(Watchdog *w) {
    g_mutex_lock(&w->lock);
    w->over = true;
    g_cond_signal(&w->changed);
    g_mutex_unlock(&w->lock);
    g_thread_join(w->thread);
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->changed);
    g_free(w->cpus);
    g_free(w);
}
