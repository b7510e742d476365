/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the benchmark's payload is made of: groups of kernels, each of which does a fixed piece of work.
 *
 * A kernel gives a checksum that is the same on every machine: integers, and floating point of +, -, *, / and sqrt
 * alone, compiled without contraction. What it needs beforehand (tables, buffers touched once) is made by prepare.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Kernel {
    const char *name;
    uint64_t (*run)(void);
    void (*prepare)(void); /* or NULL */
} Kernel;

/* Lists end with a kernel without a name. */
extern const Kernel int_kernels[], call_kernels[], fp_kernels[], vec_kernels[], mem_kernels[], sys_kernels[], jit_kernels[],
    smp_kernels[], fresh_kernels[];

/* Numbers that look random, the same ones everywhere. */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t fold(uint64_t sum, uint64_t value) {
    return (sum << 7 | sum >> 57) ^ value * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t fold_double(uint64_t sum, double value) {
    union {
        double d;
        uint64_t u;
    } bits = {value};
    return fold(sum, bits.u);
}

/* The guest did what no guest should: says so and ends. */
void bench_fail(const char *what) __attribute__((noreturn));

#endif
