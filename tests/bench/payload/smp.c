/* SPDX-License-Identifier: MIT */
/*
 * smp.c - two threads: one counter, one table, and a ball that they play to each other.
 */
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void *Body(void *which);

/* Runs body(0) here and body(1) in another thread. */
static void both(Body *body) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, (void *)(uintptr_t)1)) {
        bench_fail("thread");
    }
    body(NULL);
    pthread_join(thread, NULL);
}

static uint64_t counter, swapped;

static void *count(void *which) {
    uintptr_t me = (uintptr_t)which;
    for (unsigned i = 0; i < 1500000; i++) {
        __atomic_fetch_add(&counter, i ^ me, __ATOMIC_RELAXED);
        if (!(i & 7)) {
            uint64_t old = __atomic_load_n(&swapped, __ATOMIC_RELAXED);
            while (!__atomic_compare_exchange_n(&swapped, &old, old + 3, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
            }
        }
    }
    return NULL;
}

static uint64_t atomics(void) {
    counter = swapped = 0;
    both(count);
    return fold(counter, swapped);
}

enum { SIEVE = 1 << 22, PART = 1 << 15 };
static uint8_t composite[SIEVE];
static unsigned next_part;

static void *sieve_parts(void *which) {
    for (unsigned part; (part = __atomic_fetch_add(&next_part, 1, __ATOMIC_SEQ_CST)) < SIEVE / PART;) {
        unsigned begin = part * PART, end = begin + PART;
        memset(composite + begin, 0, PART);
        for (unsigned p = 2; p * p < end; p++) {
            for (unsigned m = p * p > begin ? p * p : (begin + p - 1) / p * p; m < end; m += p) {
                composite[m] = 1;
            }
            p += p > 2; /* then odd numbers */
        }
    }
    return NULL;
}

static uint64_t psieve(void) {
    uint64_t found = 0;
    next_part = 0;
    both(sieve_parts);
    for (unsigned i = 2; i < SIEVE; i++) {
        found += !composite[i];
    }
    return found;
}

static uint32_t ball;

static void *play(void *which) {
    uint32_t me = (uint32_t)(uintptr_t)which;
    for (unsigned i = 0; i < 8000; i++) {
        for (uint32_t now; ((now = __atomic_load_n(&ball, __ATOMIC_SEQ_CST)) & 1) != me;) {
            syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, now, NULL);
        }
        __atomic_fetch_add(&ball, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1);
    }
    return NULL;
}

static uint64_t handoff(void) {
    ball = 0;
    both(play);
    return ball;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t guarded;

static void *lock(void *which) {
    for (unsigned i = 0; i < 300000; i++) {
        pthread_mutex_lock(&mutex);
        guarded += i;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static uint64_t locks(void) {
    guarded = 0;
    both(lock);
    return guarded;
}

const Kernel smp_kernels[] = {
    {"atomics", atomics, NULL}, {"psieve", psieve, NULL}, {"handoff", handoff, NULL}, {"locks", locks, NULL},
    {NULL, NULL, NULL},
};
