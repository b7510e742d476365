/* SPDX-License-Identifier: MIT */
/* late.c - a few places, each with a request that is on its way. */
#include "host/late.h"

#include <stddef.h>
#include <unistd.h>

enum { CLAIMED = 1 }; /* a serial of a place that is being filled */

int late_begin(LateList *list, const char *what, const char *whom) {
    for (int i = 0; list && i < LATE_PLACES; i++) {
        LateRequest *r = &list->places[i];
        uint64_t nobody = 0;
        if (__atomic_load_n(&r->serial, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(&r->serial, &nobody, CLAIMED, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_store_n(&r->what, what, __ATOMIC_RELAXED);
            __atomic_store_n(&r->whom, whom, __ATOMIC_RELAXED);
            __atomic_store_n(&r->serial, __atomic_add_fetch(&list->last, 1, __ATOMIC_RELAXED) + CLAIMED, __ATOMIC_RELEASE);
            return i;
        }
    }
    return -1;
}

void late_end(LateList *list, int place) {
    if (list && place >= 0) {
        __atomic_store_n(&list->places[place].serial, 0, __ATOMIC_RELEASE);
    }
}

bool late_look(const LateList *list, unsigned place, LateRequest *request) {
    const LateRequest *r = &list->places[place];
    request->serial = __atomic_load_n(&r->serial, __ATOMIC_ACQUIRE);
    request->what = __atomic_load_n(&r->what, __ATOMIC_RELAXED);
    request->whom = __atomic_load_n(&r->whom, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return request->serial > CLAIMED && __atomic_load_n(&r->serial, __ATOMIC_RELAXED) == request->serial;
}

bool late_wait(const LateList *list, unsigned seconds, LateRequest *left) {
    enum { LOOKS = 50 }; /* in a second */
    for (unsigned looks = 0; looks <= LOOKS * seconds; looks++) {
        unsigned place = 0;
        while (place < LATE_PLACES && !late_look(list, place, left)) {
            place++;
        }
        if (place == LATE_PLACES) {
            return true;
        }
        usleep(1000000 / LOOKS);
    }
    return false;
}
