/* SPDX-License-Identifier: MIT */
/*
 * mem.c - memory: bandwidth, latency, and more pages than any TLB holds.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DOUBLES = 1 << 19, COPY = 16 << 20, CHASE = 1 << 19, PAGES = 16384, PAGE = 4096 };

static double *x, *y, *z;
static char *from, *to, *pages;
static uint32_t *ring;

/* Memory that is there: every page has been written to. */
static void *memory(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        bench_fail("mmap");
    }
    memset(p, 1, size);
    return p;
}

static void make_doubles(void) {
    x = memory(DOUBLES * sizeof *x);
    y = memory(DOUBLES * sizeof *y);
    z = memory(DOUBLES * sizeof *z);
    for (unsigned i = 0; i < DOUBLES; i++) {
        x[i] = i;
        y[i] = i * 0.5;
    }
}

static uint64_t triad(void) {
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < DOUBLES; i++) {
            z[i] = x[i] + 3.0 * y[i];
        }
        double *t = y;
        y = z;
        z = t;
        y[round] = 1;
    }
    uint64_t sum = fold_double(0, z[DOUBLES - 1]);
    make_doubles();
    return sum;
}

static void make_copy(void) {
    from = memory(COPY);
    to = memory(COPY);
}

static uint64_t copy(void) {
    uint64_t sum = 0;
    for (unsigned round = 0; round < 10; round++) {
        from[round * 1000] = (char)round;
        memcpy(to, from, COPY);
        memmove(from + 64, from, COPY / 4);
        sum = fold(sum, (uint8_t)to[round * 1000] + (uint64_t)from[COPY / 8]);
    }
    return sum;
}

/* One ring through all of `count` places, in no order. */
static void make_ring(uint32_t *next, unsigned count, unsigned step) {
    uint64_t seed = 41;
    uint32_t *order = malloc(count * sizeof *order);
    for (unsigned i = 0; i < count; i++) {
        order[i] = i;
    }
    for (unsigned i = count - 1; i; i--) {
        unsigned k = (unsigned)(random_next(&seed) >> 32) % i;
        uint32_t t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (unsigned i = 0; i < count; i++) {
        next[(size_t)order[i] * step] = order[(i + 1) % count];
    }
    free(order);
}

static void make_chase(void) {
    ring = memory(CHASE * 16 * sizeof *ring);
    make_ring(ring, CHASE, 16);
}

/* A cache line each time. */
static uint64_t chase(void) {
    uint32_t at = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < 600000; i++) {
        at = ring[at * 16];
        sum += at;
    }
    return sum;
}

static void make_pages(void) {
    pages = memory((size_t)PAGES * (PAGE + 64));
    make_ring((uint32_t *)pages, PAGES, PAGE / 4 + 16);
}

/* A page each time: 16384 of them, each with a line of its own in the caches. */
static uint64_t chasepage(void) {
    uint32_t at = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < 1500000; i++) {
        at = ((uint32_t *)pages)[(size_t)at * (PAGE / 4 + 16)];
        sum += at;
    }
    return sum;
}

static uint64_t map(void) {
    uint64_t sum = 0;
    for (unsigned round = 0; round < 150; round++) {
        char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            bench_fail("mmap");
        }
        for (unsigned i = 0; i < 64; i++) {
            p[i * PAGE] = (char)(i + round);
        }
        sum = fold(sum, (uint8_t)p[17 * PAGE] + (uint8_t)p[18 * PAGE + 1]);
        mprotect(p, 32 * PAGE, PROT_READ);
        munmap(p, 64 * PAGE);
    }
    return sum;
}

const Kernel mem_kernels[] = {
    {"triad", triad, make_doubles}, {"copy", copy, make_copy}, {"chase", chase, make_chase},
    {"chasepage", chasepage, make_pages}, {"map", map, NULL}, {NULL, NULL, NULL},
};
