/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the machine's clock: an offset from the host's monotonic clock, and a heap of timers behind one timerfd.
 *
 * A timerfd and not a main-loop timeout, because the loop sleeps in milliseconds and guests ask for microseconds.
 * Locking: `lock` guards the heap and the writers of the offset; readers of the time use the sequence counter.
 */
#include "host/clock.h"

#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct ClockTimer {
    Clock *clk;
    void (*fn)(void *opaque);
    void *opaque;
    uint64_t deadline;
    guint slot; /* in the heap + 1; 0: not set */
};

struct Clock {
    _Atomic unsigned sequence; /* odd while base and frozen are changing */
    _Atomic uint64_t base;     /* host time at which the clock read 0 (modulo 2^64) */
    _Atomic uint64_t frozen;   /* what a stopped clock reads; CLOCK_NEVER: it runs */
    uint64_t (*_Atomic source)(void *opaque);
    _Atomic(void *) source_opaque; /* stored before its source: who sees the one sees the other */
    pthread_mutex_t lock;
    GPtrArray *heap; /* of ClockTimer, earliest first */
    int fd;
    GSource *watch;
    unsigned timers; /* alive, set or not */
};

#define WALL_FIXED (INT64_C(1704067200) * 1000000000) /* 2024-01-01 00:00 UTC */

static uint64_t host_time(const Clock *clk) {
    uint64_t (*source)(void *opaque) = atomic_load_explicit(&clk->source, memory_order_acquire);
    if (source) {
        return source(atomic_load_explicit(&clk->source_opaque, memory_order_relaxed));
    }
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_now(const Clock *clk) {
    for (;;) {
        unsigned sequence = atomic_load_explicit(&clk->sequence, memory_order_acquire);
        uint64_t base = atomic_load_explicit(&clk->base, memory_order_relaxed);
        uint64_t frozen = atomic_load_explicit(&clk->frozen, memory_order_relaxed);
        uint64_t now = frozen != CLOCK_NEVER ? frozen : host_time(clk) - base;
        atomic_thread_fence(memory_order_acquire);
        if (!(sequence & 1) && atomic_load_explicit(&clk->sequence, memory_order_relaxed) == sequence) {
            return now;
        }
    }
}

bool clock_running(const Clock *clk) {
    return atomic_load(&clk->frozen) == CLOCK_NEVER;
}

bool clock_is_virtual(const Clock *clk) {
    return clk->source != NULL;
}

int64_t clock_wall_ns(const Clock *clk) {
    if (clk->source) { /* virtual time: the same date for every run */
        return WALL_FIXED + (int64_t)clock_now(clk);
    }
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* -- the heap -- */

static ClockTimer *heap_at(Clock *clk, guint i) {
    return g_ptr_array_index(clk->heap, i);
}

static void heap_put(Clock *clk, guint i, ClockTimer *timer) {
    g_ptr_array_index(clk->heap, i) = timer;
    timer->slot = i + 1;
}

/* Moves the timer that belongs somewhere near i to its place. */
static void heap_settle(Clock *clk, guint i, ClockTimer *timer) {
    while (i > 0 && heap_at(clk, (i - 1) / 2)->deadline > timer->deadline) {
        heap_put(clk, i, heap_at(clk, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    for (;;) {
        guint child = 2 * i + 1;
        if (child + 1 < clk->heap->len && heap_at(clk, child + 1)->deadline < heap_at(clk, child)->deadline) {
            child++;
        }
        if (child >= clk->heap->len || heap_at(clk, child)->deadline >= timer->deadline) {
            break;
        }
        heap_put(clk, i, heap_at(clk, child));
        i = child;
    }
    heap_put(clk, i, timer);
}

static void heap_remove(Clock *clk, ClockTimer *timer) {
    if (!timer->slot) {
        return;
    }
    guint i = timer->slot - 1;
    timer->slot = 0;
    ClockTimer *last = heap_at(clk, clk->heap->len - 1);
    g_ptr_array_set_size(clk->heap, (gint)clk->heap->len - 1);
    if (last != timer) {
        heap_settle(clk, i, last);
    }
}

/* Sets the timerfd to the earliest deadline. Under the lock. */
static void arm(Clock *clk) {
    struct itimerspec when = { 0 };
    uint64_t now = clock_now(clk);
    if (clk->heap->len && clock_running(clk)) {
        uint64_t deadline = heap_at(clk, 0)->deadline;
        uint64_t wait = deadline > now ? deadline - now : 0;
        if (wait == 0) {
            when.it_value.tv_nsec = 1;
        } else if (!clk->source && wait < UINT64_C(1) << 62) {
            when.it_value.tv_sec = (time_t)(wait / 1000000000u);
            when.it_value.tv_nsec = (long)(wait % 1000000000u);
        }
    }
    int failed = timerfd_settime(clk->fd, 0, &when, NULL);
    g_assert(!failed);
}

static gboolean expired(gint fd, GIOCondition condition, gpointer opaque) {
    (void)condition;
    Clock *clk = opaque;
    uint64_t ticks;
    (void)!read(fd, &ticks, sizeof ticks);
    uint64_t until = clock_now(clk); /* a timer that is set again in the past waits for the next round */
    pthread_mutex_lock(&clk->lock);
    while (clock_running(clk) && clk->heap->len && heap_at(clk, 0)->deadline <= until) {
        ClockTimer *timer = heap_at(clk, 0);
        heap_remove(clk, timer);
        pthread_mutex_unlock(&clk->lock);
        timer->fn(timer->opaque);
        pthread_mutex_lock(&clk->lock);
    }
    arm(clk);
    pthread_mutex_unlock(&clk->lock);
    return G_SOURCE_CONTINUE;
}

/* -- the clock -- */

Clock *clock_new(GMainContext *context) {
    Clock *clk = g_new0(Clock, 1);
    atomic_init(&clk->frozen, CLOCK_NEVER);
    atomic_init(&clk->base, host_time(clk));
    pthread_mutex_init(&clk->lock, NULL);
    clk->heap = g_ptr_array_new();
    clk->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (clk->fd < 0) {
        g_error("the host gives no timer: %s", g_strerror(errno));
    }
    clk->watch = g_unix_fd_source_new(clk->fd, G_IO_IN);
    g_source_set_priority(clk->watch, G_PRIORITY_HIGH);
    g_source_set_callback(clk->watch, G_SOURCE_FUNC(expired), clk, NULL);
    g_source_attach(clk->watch, context);
    return clk;
}

void clock_free(Clock *clk) {
    if (!clk) {
        return;
    }
    g_assert(clk->timers == 0);
    g_source_destroy(clk->watch);
    g_source_unref(clk->watch);
    close(clk->fd);
    g_ptr_array_unref(clk->heap);
    pthread_mutex_destroy(&clk->lock);
    g_free(clk);
}

/* Under the lock: what the clock reads (CLOCK_NEVER: as now), whether it runs, and from which source. The time is taken
 * while readers wait, so that none sees it go back. */
typedef struct Change {
    uint64_t now;
    bool run;
    uint64_t (*source)(void *opaque);
    void *opaque;
} Change;

static void change(Clock *clk, const Change *to) {
    atomic_fetch_add(&clk->sequence, 1);
    uint64_t frozen = atomic_load(&clk->frozen);
    uint64_t now = frozen != CLOCK_NEVER ? frozen : host_time(clk) - atomic_load(&clk->base);
    now = to->now != CLOCK_NEVER ? to->now : now;
    atomic_store(&clk->source_opaque, to->opaque);
    atomic_store(&clk->source, to->source);
    atomic_store(&clk->base, host_time(clk) - now);
    atomic_store(&clk->frozen, to->run ? CLOCK_NEVER : now);
    atomic_fetch_add(&clk->sequence, 1);
    arm(clk);
}

static void set_running(Clock *clk, bool run) {
    pthread_mutex_lock(&clk->lock);
    if (clock_running(clk) != run) {
        change(clk, &(Change){ CLOCK_NEVER, run, clk->source, clk->source_opaque });
    }
    pthread_mutex_unlock(&clk->lock);
}

void clock_stop(Clock *clk) {
    set_running(clk, false);
}

void clock_resume(Clock *clk) {
    set_running(clk, true);
}

void clock_set(Clock *clk, uint64_t now) {
    pthread_mutex_lock(&clk->lock);
    change(clk, &(Change){ now, clock_running(clk), clk->source, clk->source_opaque });
    pthread_mutex_unlock(&clk->lock);
}

void clock_use(Clock *clk, uint64_t (*now)(void *opaque), void *opaque) {
    pthread_mutex_lock(&clk->lock);
    change(clk, &(Change){ CLOCK_NEVER, clock_running(clk), now, opaque });
    pthread_mutex_unlock(&clk->lock);
}

void clock_advanced(Clock *clk) {
    pthread_mutex_lock(&clk->lock);
    arm(clk);
    pthread_mutex_unlock(&clk->lock);
}

uint64_t clock_next_deadline(Clock *clk) {
    pthread_mutex_lock(&clk->lock);
    uint64_t deadline = clk->heap->len ? heap_at(clk, 0)->deadline : CLOCK_NEVER;
    pthread_mutex_unlock(&clk->lock);
    return deadline;
}

/* -- timers -- */

ClockTimer *clock_timer_new(Clock *clk, void (*fn)(void *opaque), void *opaque) {
    ClockTimer *timer = g_new0(ClockTimer, 1);
    timer->clk = clk;
    timer->fn = fn;
    timer->opaque = opaque;
    timer->deadline = CLOCK_NEVER;
    pthread_mutex_lock(&clk->lock);
    clk->timers++;
    pthread_mutex_unlock(&clk->lock);
    return timer;
}

void clock_timer_free(ClockTimer *timer) {
    if (!timer) {
        return;
    }
    clock_timer_cancel(timer);
    pthread_mutex_lock(&timer->clk->lock);
    timer->clk->timers--;
    pthread_mutex_unlock(&timer->clk->lock);
    g_free(timer);
}

void clock_timer_set(ClockTimer *timer, uint64_t deadline) {
    Clock *clk = timer->clk;
    pthread_mutex_lock(&clk->lock);
    bool was_first = timer->slot == 1;
    heap_remove(clk, timer);
    timer->deadline = deadline;
    if (deadline != CLOCK_NEVER) {
        g_ptr_array_add(clk->heap, timer);
        heap_settle(clk, clk->heap->len - 1, timer);
    }
    /* A timer that moves away from the front leaves a harmless early wake-up, cheaper than a system call. */
    if (timer->slot == 1 || (was_first && !clk->heap->len)) {
        arm(clk);
    }
    pthread_mutex_unlock(&clk->lock);
}

void clock_timer_cancel(ClockTimer *timer) {
    clock_timer_set(timer, CLOCK_NEVER);
}

uint64_t clock_timer_deadline(ClockTimer *timer) {
    pthread_mutex_lock(&timer->clk->lock);
    uint64_t deadline = timer->slot ? timer->deadline : CLOCK_NEVER;
    pthread_mutex_unlock(&timer->clk->lock);
    return deadline;
}
