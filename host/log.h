/* SPDX-License-Identifier: MIT */
/*
 * log.h - lines for people about what a guest does wrong or what is missing (-d unimp, guest_errors, trace).
 */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

/* The device side's items of -d; the translator has its own bits in tcg.h. */
enum {
    LOG_UNIMP = 1 << 0,       /* the guest uses something that is not written yet */
    LOG_GUEST_ERROR = 1 << 1, /* the guest does what the specification forbids */
    LOG_TRACE = 1 << 2,       /* every register access, with names */
};

/* Set up once before the machine runs; shared by every device. A zero Log is silent. */
typedef struct Log {
    unsigned items; /* LOG_* that are on */
    FILE *out;      /* borrowed; NULL: silent */
} Log;

/* For a test before an expensive argument is made. `log` may be NULL. */
static inline bool log_on(const Log *log, unsigned item) {
    return log && (log->items & item) && log->out;
}

/* Writes one line (the newline is added) when `item` is on. Any thread; a line is never torn. */
void log_line(const Log *log, unsigned item, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
