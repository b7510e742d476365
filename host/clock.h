/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the machine's one clock. All time that a guest can see comes from here.
 *
 * Time is nanoseconds since the machine started. It stands still while the clock is stopped (machine paused). It
 * is taken from the host's monotonic clock, or from a source of the owner's (retired insns) given to clock_use.
 */
#ifndef HOST_CLOCK_H
#define HOST_CLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Clock Clock;
typedef struct ClockTimer ClockTimer;

#define CLOCK_NEVER UINT64_MAX

/* A running clock that reads 0 now. Timer callbacks run in `context` (NULL: the default one), of which a reference is
 * kept. */
Clock *clock_new(GMainContext *context);
/* All timers must have been freed. */
void clock_free(Clock *clk);

/* Nanoseconds since start, never going back. Any thread; takes no lock. */
uint64_t clock_now(const Clock *clk);
/* Stop and go: idempotent. Timers do not expire while the clock is stopped. Any thread. */
void clock_stop(Clock *clk);
void clock_resume(Clock *clk);
bool clock_running(const Clock *clk);
/* Has it a source of its owner's? */
bool clock_is_virtual(const Clock *clk);
/* Seconds (and ns) since 1970 UTC of the host, for real-time clocks at start and reset. */
int64_t clock_wall_ns(const Clock *clk);
/* Sets what clock_now reads (a loaded snapshot). Timers are looked at again. */
void clock_set(Clock *clk, uint64_t now);

/* Replaces the host's monotonic clock as the source of time, before anything runs: now(opaque) must never go back.
 * The owner calls clock_advanced when the time has moved far enough for a timer to expire. */
void clock_use(Clock *clk, uint64_t (*now)(void *opaque), void *opaque);
void clock_advanced(Clock *clk);
/* The earliest deadline of any timer, or CLOCK_NEVER: how far a virtual source may run. */
uint64_t clock_next_deadline(Clock *clk);

/* A timer that is not set. fn runs in the main loop at or after the deadline, once for each clock_timer_set, with no
 * lock held. It may also run when the timer was changed by another thread a moment before: fn takes its own lock and
 * looks at its own state. */
ClockTimer *clock_timer_new(Clock *clk, void (*fn)(void *opaque), void *opaque);
/* Only from the main loop's thread, or when the loop is not running. NULL is allowed. */
void clock_timer_free(ClockTimer *timer);
/* Any thread. A later call replaces an earlier one; CLOCK_NEVER cancels. */
void clock_timer_set(ClockTimer *timer, uint64_t deadline);
void clock_timer_cancel(ClockTimer *timer);
/* The deadline, or CLOCK_NEVER when not set. */
uint64_t clock_timer_deadline(ClockTimer *timer);

#endif
