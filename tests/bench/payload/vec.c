/* SPDX-License-Identifier: MIT */
/*
 * vec.c - vectors of 16 bytes, by the compiler's vector types: every machine does the same operations in the same order.
 */
#include "bench.h"

#include <string.h>

typedef float F4 __attribute__((vector_size(16)));
typedef double D2 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
typedef uint16_t U8 __attribute__((vector_size(16)));
typedef uint8_t B16 __attribute__((vector_size(16)));

enum { VECTORS = 4096 };
static F4 x[VECTORS], y[VECTORS];
static D2 p[VECTORS], q[VECTORS];
static B16 m[VECTORS], n[VECTORS], o[VECTORS];

static void make_vectors(void) {
    uint64_t seed = 37;
    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t r = random_next(&seed), s = random_next(&seed);
        memcpy(&m[i], &r, 8);
        memcpy((char *)&m[i] + 8, &s, 8);
        n[i] = m[i] * 3 + 1;
        for (unsigned k = 0; k < 4; k++) {
            x[i][k] = (float)(r >> 16 * k & 0xffff) / 65536;
            y[i][k] = (float)(s >> 16 * k & 0xffff) / 32768;
        }
        p[i] = (D2){x[i][0] + 0.5, x[i][1] + 0.25};
        q[i] = (D2){y[i][0], y[i][1]};
    }
}

static uint64_t sum_of(const void *vectors) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 2 * VECTORS; i++) {
        uint64_t v;
        memcpy(&v, (const char *)vectors + 8 * i, 8);
        sum = fold(sum, v);
    }
    return sum;
}

static uint64_t saxpy(void) {
    make_vectors();
    for (unsigned round = 0; round < 3000; round++) {
        F4 a = {1.0f / (float)(round + 2), 0.5f, -0.25f, 0.125f};
        for (unsigned i = 0; i < VECTORS; i++) {
            y[i] = a * x[i] + y[i];
        }
        __asm__ volatile("" ::: "memory");
    }
    return sum_of(y);
}

static uint64_t doubles(void) {
    make_vectors();
    for (unsigned round = 0; round < 1500; round++) {
        for (unsigned i = 0; i < VECTORS; i++) {
            D2 t = (p[i] - q[i]) * (p[i] + 1.5);
            q[i] = t / (p[i] + 2) * 0.5 + q[i] * 0.25;
        }
        __asm__ volatile("" ::: "memory");
    }
    return sum_of(q);
}

static uint64_t blend(void) {
    make_vectors();
    for (unsigned round = 0; round < 3000; round++) {
        F4 limit = {0.5f, 0.75f, 1.0f, (float)(round & 3)};
        for (unsigned i = 0; i < VECTORS; i++) {
            I4 below = y[i] < limit;
            F4 up = y[i] + x[i] * 0.5f, down = y[i] - limit;
            y[i] = (F4)(((I4)up & below) | ((I4)down & ~below));
        }
        __asm__ volatile("" ::: "memory");
    }
    return sum_of(y);
}

/* Pictures: one faded over another, in bytes and words. */
static uint64_t bytes(void) {
    make_vectors();
    memset(o, 0, sizeof o);
    for (unsigned round = 0; round < 2500; round++) {
        for (unsigned i = 0; i < VECTORS; i++) {
            B16 greater = (B16)(m[i] > n[i]);
            B16 larger = (m[i] & greater) | (n[i] & ~greater);
            U8 words = (U8)larger * 5 + ((U8)o[i] >> 3);
            o[i] = (B16)words ^ (o[i] << 1);
        }
        __asm__ volatile("" ::: "memory");
    }
    return sum_of(o);
}

static uint64_t integers(void) {
    make_vectors();
    I4 sum = {1, 2, 3, 4};
    for (unsigned round = 0; round < 3000; round++) {
        const I4 *v = (const I4 *)m;
        for (unsigned i = 0; i < VECTORS; i++) {
            sum = sum * 5 + (v[i] ^ sum >> 3);
            sum = __builtin_shuffle(sum, (I4){1, 2, 3, 0}) - v[i];
        }
        __asm__ volatile("" ::: "memory");
    }
    memcpy(o, &sum, sizeof sum);
    return sum_of(o);
}

const Kernel vec_kernels[] = {
    {"saxpy", saxpy, NULL}, {"doubles", doubles, NULL}, {"blend", blend, NULL}, {"bytes", bytes, NULL},
    {"integers", integers, NULL}, {NULL, NULL, NULL},
};
