/* SPDX-License-Identifier: MIT */
/*
 * late.h - requests to the host that are on their way, for a watchdog that looks for those which take too long.
 *
 * Locking: none. begin and end may be called on any thread; each place is claimed and given back by one atomic write. A
 * list that is full loses requests from sight, nothing else.
 */
#ifndef HOST_LATE_H
#define HOST_LATE_H

#include <stdbool.h>
#include <stdint.h>

enum { LATE_PLACES = 64 };

typedef struct LateRequest {
    uint64_t serial;  /* 0: the place is free */
    const char *what; /* "read", "flush"...: static */
    const char *whom; /* the file or place, for people; as long as the request */
} LateRequest;

typedef struct LateList {
    uint64_t last;    /* serial given out last */
    LateRequest places[LATE_PLACES];
} LateList;

/* The place, for late_end; -1: none was free (late_end ignores it). list may be NULL: nobody watches. */
int late_begin(LateList *list, const char *what, const char *whom);
void late_end(LateList *list, int place);
/* A copy of the place; false: it is free, or is changing. */
bool late_look(const LateList *list, unsigned place, LateRequest *request);
/* Returns true when no request is on its way; false after so many seconds: *left is one that is. */
bool late_wait(const LateList *list, unsigned seconds, LateRequest *left);

#endif
