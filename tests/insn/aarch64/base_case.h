/* SPDX-License-Identifier: MIT */
/*
 * base_case.h - up to four insns of the base table with the registers before or after them, and memory to work on.
 * Files of cases and of results: BaseCase after BaseCase, little-endian.
 */
#ifndef TESTS_INSN_BASE_CASE_H
#define TESTS_INSN_BASE_CASE_H

#include <stdint.h>

/* The last insn may branch anywhere. The window is what may be accessed; it is filled from the seed. */
enum { BASE_INSNS = 4, BASE_WINDOW = 4096 };
#define BASE_ADDRESS UINT64_C(0x10000000)

typedef struct BaseCase {
    uint32_t count, insn[BASE_INSNS], unused;
    uint64_t seed;
    uint64_t x[31], sp;
    uint64_t nzcv;  /* as the system register holds it */
    uint64_t pc;    /* of the first insn: the start of a page; after: where the last one leads */
    uint64_t v[32][2];
    uint64_t memory; /* after: hash of the window */
} BaseCase;

static inline void base_fill(uint64_t *window, uint64_t seed) {
    uint64_t v = seed | 1;
    for (unsigned i = 0; i < BASE_WINDOW / 8; i++) {
        v ^= v << 13;
        v ^= v >> 7;
        v ^= v << 17;
        window[i] = v;
    }
}

static inline uint64_t base_hash(const uint64_t *window) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < BASE_WINDOW / 8; i++) {
        h = (h ^ window[i]) * UINT64_C(0x100000001b3);
        h ^= h >> 29;
    }
    return h;
}

#endif
