/* SPDX-License-Identifier: MIT */
/*
 * watchdog.h - says on a stream that something hangs which must not: a vCPU that does not look at its requests, a
 * request to the host that is not answered. It changes nothing.
 */
#ifndef SYSTEM_WATCHDOG_H
#define SYSTEM_WATCHDOG_H

#include <stdio.h>

#include "host/late.h"
#include "machines/machine.h"

typedef struct Watchdog Watchdog;

/* A thread of its own looks each second. All three are borrowed until watchdog_free. */
Watchdog *watchdog_new(const Machine *machine, const LateList *late, FILE *out);
void watchdog_free(Watchdog *watchdog);

/* -- what it decides by, for tests -- */

enum { WATCHDOG_CPU_SECONDS = 5, WATCHDOG_IO_SECONDS = 30 };

/* What is remembered of a vCPU; zeroed at first. */
typedef struct WatchedCpu {
    uint64_t safepoints, since; /* as of the look at which the request was pending first; CPU time, ns */
    bool pending, told;
} WatchedCpu;
typedef enum WatchdogNews { WATCHDOG_NO_NEWS, WATCHDOG_HANGS, WATCHDOG_GOES_ON } WatchdogNews;
/* One look. */
WatchdogNews watchdog_look_cpu(WatchedCpu *watched, const VcpuWatch *now);

/* What is remembered of a place of a LateList; zeroed at first. */
typedef struct WatchedIo {
    uint64_t serial;
    unsigned looks; /* that found the same request there */
    bool told;
} WatchedIo;
/* now: NULL when the place is free */
WatchdogNews watchdog_look_io(WatchedIo *watched, const LateRequest *now);

#endif
