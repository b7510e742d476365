/* SPDX-License-Identifier: MIT */
/*
 * entropy.c - unpredictable bytes from the host.
 */
#include "host/entropy.h"

#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <sys/random.h>

void entropy_fill(void *to, size_t size) {
    for (uint8_t *p = to; size;) {
        ssize_t n = getrandom(p, size, 0);
        g_assert(n > 0 || errno == EINTR); /* nothing else can go wrong */
        if (n > 0) {
            p += n;
            size -= (size_t)n;
        }
    }
}
