/* SPDX-License-Identifier: MIT */
/*
 * copy.h - guest memory is copied so that an aligned access of up to 8 bytes is a single one on the host: other CPUs see
 * all of it or nothing.
 */
#ifndef IR_COPY_H
#define IR_COPY_H

#include <string.h>

static inline void ir_copy(void *to, const void *from, unsigned size) {
    switch (size) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    default:
        memcpy(to, from, size);
        break;
    }
}

#endif
