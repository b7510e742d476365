/* SPDX-License-Identifier: MIT */
/*
 * watch.c - a look at vCPUs from outside, for the watchdog and for reports of our own bugs; and faults put in to test
 * both.
 *
 * Locking: none, on purpose: who looks may be a signal handler, and who is looked at may hold every lock. All is read
 * with plain atomic loads, may be changing meanwhile, and is good for people only.
 */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "tcg/vcpu.h"

enum { SIGNAL_STACK = 64 << 10 };

/* On the thread. */
static void set_signal_stack(Vcpu *v, bool on) {
    stack_t before, stack = { .ss_size = SIGNAL_STACK, .ss_flags = on ? 0 : SS_DISABLE };
    if (on && (sigaltstack(NULL, &before) != 0 || !(before.ss_flags & SS_DISABLE))) {
        return; /* it has one: a sanitizer's */
    }
    stack.ss_sp = on ? (v->signal_stack = g_malloc(SIGNAL_STACK)) : NULL;
    if (v->signal_stack) {
        sigaltstack(&stack, NULL);
    }
    if (!on) {
        g_clear_pointer(&v->signal_stack, g_free);
    }
}

void watch_thread(Vcpu *v, bool running) {
    set_signal_stack(v, running);
    clockid_t clock;
    bool known = running && pthread_getcpuclockid(pthread_self(), &clock) == 0;
    __atomic_store_n(&v->cpu_clock, known ? clock : 0, __ATOMIC_RELAXED);
}

void vcpu_watch(const Vcpu *v, VcpuWatch *w) {
    struct timespec t;
    clockid_t clock = __atomic_load_n(&v->cpu_clock, __ATOMIC_RELAXED);
    *w = (VcpuWatch){
        .pending = __atomic_load_n(&v->env->pending, __ATOMIC_RELAXED) < 0,
        .requests = __atomic_load_n(&v->requests, __ATOMIC_RELAXED),
        .safepoints = __atomic_load_n(&v->safepoints, __ATOMIC_RELAXED),
        .cpu_ns = clock && clock_gettime(clock, &t) == 0 ? (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec : 0,
        .pc = __atomic_load_n(&v->env->pc, __ATOMIC_RELAXED),
    };
}

void vcpu_watch_block(const Vcpu *v, uint64_t *pa, unsigned *insns) {
    const Tb *tb = __atomic_load_n(&v->running, __ATOMIC_ACQUIRE);
    *pa = tb ? tb->pa : 0;
    *insns = tb ? tb->insns : 0;
}

const char *vcpu_request_name(uint32_t requests) {
    static const char *const names[] = {"to stop", "a timer", "an interrupt", "to forget addresses", "to forget code", "to pause", "to be sampled"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (requests >> i & 1) {
            return names[i];
        }
    }
    return "an interrupt";
}

void vcpu_print_last_ir(const Vcpu *v, GString *out) {
    ir_print(v->ir, out);
}

static int fill_stack(const volatile int *more) {
    volatile char frame[16]; /* small: a signal has no room behind it */
    frame[0] = 0;
    return *more ? fill_stack(more) + frame[0] : 0;
}

void watch_inject(const char *how) {
    const volatile int always = 1;
    if (strcmp(how, "stack") == 0) {
        fill_stack(&always);
    }
    if (strcmp(how, "assert") == 0) {
        g_assert(!"put in by x-crash=assert");
    }
    volatile uintptr_t nowhere = 0x40;
    while (strcmp(how, "hang") == 0) {
        nowhere += 0; /* the machine's lock is held, and no request is looked at */
    }
    *(volatile int *)nowhere = 0; /* segv */
    __builtin_unreachable();
}
