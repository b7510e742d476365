/* SPDX-License-Identifier: MIT */
/*
 * fresh.c - work that nobody had in view who made the translator fast: written when it was finished, to see whether it
 * is fast or only knows its benchmark. When the translator is changed to please one of these, the kernel moves to
 * another group.
 */
#include "bench.h"

#include <math.h>

/* Edit distance of two strings by dynamic programming. */
static uint64_t editing(void) {
    enum { LENGTH = 2000 };
    static uint8_t a[LENGTH], b[LENGTH];
    static uint16_t row[LENGTH + 1];
    uint64_t seed = 3, sum = 0;
    for (unsigned i = 0; i < LENGTH; i++) {
        a[i] = random_next(&seed) & 7;
        b[i] = random_next(&seed) & 7;
        row[i + 1] = (uint16_t)(i + 1);
    }
    for (unsigned i = 0; i < LENGTH; i++) {
        uint16_t diagonal = row[0];
        row[0] = (uint16_t)(i + 1);
        for (unsigned k = 0; k < LENGTH; k++) {
            uint16_t best = (uint16_t)(diagonal + (a[i] != b[k]));
            diagonal = row[k + 1];
            best = best < row[k] + 1 ? best : (uint16_t)(row[k] + 1);
            row[k + 1] = best < diagonal + 1 ? best : (uint16_t)(diagonal + 1);
        }
        sum = fold(sum, row[LENGTH]);
    }
    return sum;
}

/* Conway's life, 64 cells in a word. */
static uint64_t life(void) {
    enum { ROWS = 256, WORDS = 4 };
    static uint64_t cells[2][ROWS][WORDS];
    uint64_t seed = 5, sum = 0;
    for (unsigned i = 0; i < ROWS * WORDS; i++) {
        cells[0][i / WORDS][i % WORDS] = random_next(&seed);
    }
    for (unsigned round = 0; round < 2500; round++) {
        for (unsigned y = 0; y < ROWS; y++) {
            for (unsigned w = 0; w < WORDS; w++) {
                uint64_t ones = 0, twos = 0, fours = 0, me = cells[round & 1][y][w];
                for (unsigned dy = 0; dy < 3; dy++) {
                    const uint64_t *r = cells[round & 1][(y + dy + ROWS - 1) % ROWS];
                    uint64_t mid = r[w], side[3] = {mid << 1 | r[(w + WORDS - 1) % WORDS] >> 63, mid,
                                                    mid >> 1 | r[(w + 1) % WORDS] << 63};
                    for (unsigned dx = 0; dx < 3; dx++) {
                        uint64_t add = dy == 1 && dx == 1 ? 0 : side[dx], carry = ones & add;
                        ones ^= add;
                        fours |= twos & carry;
                        twos ^= carry;
                    }
                }
                cells[~round & 1][y][w] = twos & ~fours & (ones | me);
            }
        }
        sum = fold(sum, cells[~round & 1][round % ROWS][round % WORDS]);
    }
    return sum;
}

/* A binary heap: put in, taken out in order. */
static uint64_t heap(void) {
    enum { SIZE = 200000 };
    static uint32_t h[SIZE + 1];
    uint64_t seed = 7, sum = 0;
    for (uint32_t n = 1; n <= SIZE; n++) {
        uint32_t at = n, value = (uint32_t)(random_next(&seed) >> 40);
        for (; at > 1 && h[at / 2] > value; at /= 2) {
            h[at] = h[at / 2];
        }
        h[at] = value;
    }
    for (uint32_t n = SIZE; n; n--) {
        uint32_t value = h[n], at = 1;
        sum = fold(sum, h[1]);
        for (uint32_t child; (child = at * 2) < n; at = child) {
            child += child + 1 < n && h[child + 1] < h[child];
            if (h[child] >= value) {
                break;
            }
            h[at] = h[child];
        }
        h[at] = value;
    }
    return sum;
}

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1) {
        result = exponent & 1 ? (uint64_t)((unsigned __int128)result * base % modulus) : result;
        base = (uint64_t)((unsigned __int128)base * base % modulus);
    }
    return result;
}

/* Which numbers of 50 bits pass Fermat's test? */
static uint64_t primes(void) {
    uint64_t sum = 0;
    for (uint64_t n = (UINT64_C(1) << 50) + 1, end = n + 96000; n < end; n += 2) {
        sum = power(2, n - 1, n) == 1 ? fold(sum, n) : sum;
    }
    return sum;
}

/* A keyed hash of add, rotate and xor, of short messages. */
static uint64_t mixing(void) {
#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))
    uint64_t sum = 0;
    for (uint64_t m = 0; m < 1000000; m++) {
        uint64_t a = 0x736f6d6570736575 ^ m, b = 0x646f72616e646f6d, c = 0x6c7967656e657261 ^ sum, d = 0x7465646279746573;
        for (unsigned round = 0; round < 16; round++) {
            a += b;
            c += d;
            b = ROTATE(b, 13) ^ a;
            d = ROTATE(d, 16) ^ c;
            a = ROTATE(a, 32);
            c += b;
            a += d;
            b = ROTATE(b, 17) ^ c;
            d = ROTATE(d, 21) ^ a;
            c = ROTATE(c, 32);
        }
        sum ^= a ^ b ^ c ^ d;
    }
    return sum;
}

/* UTF-8 to code points, with its errors. */
static uint64_t unicode(void) {
    enum { SIZE = 1 << 16 };
    static uint8_t text[SIZE + 4];
    uint64_t seed = 11, sum = 0;
    for (unsigned i = 0; i < SIZE;) {
        uint32_t r = (uint32_t)random_next(&seed), c = r >> 8 & 0x7ff;
        if (r & 3) {
            text[i++] = (uint8_t)(32 + c % 95);
        } else {
            text[i++] = (uint8_t)(0xc2 + c % 30);
            text[i++] = (uint8_t)(0x80 | (c & 63) << (r >> 30 == 0)); /* now and then wrong */
        }
    }
    for (unsigned round = 0; round < 60; round++) {
        for (const uint8_t *p = text; p < text + SIZE;) {
            uint32_t c = *p++;
            if (c >= 0xc2 && c < 0xe0 && (*p & 0xc0) == 0x80) {
                c = (c & 31) << 6 | (*p++ & 63);
            } else if (c >= 0x80) {
                c = 0xfffd;
            }
            sum = sum * 31 + c;
        }
    }
    return sum;
}

/* Shortest ways through a grid, by relaxing until nothing changes. */
static uint64_t ways(void) {
    enum { SIDE = 700 };
    static uint32_t cost[SIDE][SIDE], best[SIDE][SIDE];
    uint64_t seed = 13, sum = 0;
    for (unsigned i = 0; i < SIDE * SIDE; i++) {
        cost[i / SIDE][i % SIDE] = 1 + (random_next(&seed) >> 60);
        best[i / SIDE][i % SIDE] = UINT32_MAX / 2;
    }
    best[0][0] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned y = 0; y < SIDE; y++) {
            for (unsigned x = 0; x < SIDE; x++) {
                uint32_t way = best[y][x];
                uint32_t up = y ? best[y - 1][x] : way, down = y + 1 < SIDE ? best[y + 1][x] : way;
                uint32_t left = x ? best[y][x - 1] : way, right = x + 1 < SIDE ? best[y][x + 1] : way;
                uint32_t v = up < down ? up : down, h = left < right ? left : right, least = (v < h ? v : h) + cost[y][x];
                if (least < way) {
                    best[y][x] = least;
                    changed = true;
                }
            }
        }
        sum = fold(sum, best[SIDE - 1][SIDE - 1]);
    }
    return sum;
}

/* Elimination with pivots: linear equations. */
static uint64_t equations(void) {
    enum { N = 160 };
    static double m[N][N + 1];
    uint64_t seed = 17, sum = 0;
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < N * (N + 1); i++) {
            m[i / (N + 1)][i % (N + 1)] = (double)(random_next(&seed) >> 44) - 524288.0;
        }
        for (unsigned k = 0; k < N; k++) {
            unsigned pivot = k;
            for (unsigned i = k + 1; i < N; i++) {
                pivot = fabs(m[i][k]) > fabs(m[pivot][k]) ? i : pivot;
            }
            for (unsigned j = k; j <= N; j++) {
                double t = m[k][j];
                m[k][j] = m[pivot][j];
                m[pivot][j] = t;
            }
            for (unsigned i = k + 1; i < N; i++) {
                double f = m[i][k] / m[k][k];
                for (unsigned j = k; j <= N; j++) {
                    m[i][j] -= f * m[k][j];
                }
            }
        }
        sum = fold_double(sum, m[N - 1][N] / m[N - 1][N - 1]);
    }
    return sum;
}

/* A filter of 32 taps over floats. */
static uint64_t filter(void) {
    enum { TAPS = 32, SAMPLES = 1 << 16 };
    static float in[SAMPLES + TAPS], taps[TAPS];
    uint64_t seed = 19, sum = 0;
    for (unsigned i = 0; i < SAMPLES + TAPS; i++) {
        in[i] = (float)(random_next(&seed) >> 48) - 32768.0f;
        taps[i % TAPS] = 1.0f / (float)(1 + i % TAPS);
    }
    for (unsigned round = 0; round < 6; round++) {
        float last = 0;
        for (unsigned i = 0; i < SAMPLES; i++) {
            float y = last * 0.25f;
            for (unsigned k = 0; k < TAPS; k++) {
                y += in[i + k] * taps[k];
            }
            last = y;
        }
        sum = fold_double(sum, last);
        in[round] = last * 0.001f;
    }
    return sum;
}

/* Newton's square roots and distances between points. */
static uint64_t distances(void) {
    enum { POINTS = 3000 };
    static double x[POINTS], y[POINTS];
    uint64_t seed = 23, sum = 0;
    for (unsigned i = 0; i < POINTS; i++) {
        x[i] = (double)(random_next(&seed) >> 44);
        y[i] = (double)(random_next(&seed) >> 44);
    }
    for (unsigned i = 0; i < POINTS; i++) {
        double least = 1e300, total = 0;
        for (unsigned k = 0; k < POINTS; k++) {
            double dx = x[i] - x[k], dy = y[i] - y[k], d = sqrt(dx * dx + dy * dy);
            total += d;
            least = k != i && d < least ? d : least;
        }
        sum = fold_double(fold_double(sum, least), total);
    }
    return sum;
}

const Kernel fresh_kernels[] = {
    {"editing", editing, NULL}, {"life", life, NULL}, {"heap", heap, NULL}, {"primes", primes, NULL}, {"mixing", mixing, NULL},
    {"unicode", unicode, NULL}, {"ways", ways, NULL}, {"equations", equations, NULL}, {"filter", filter, NULL},
    {"distances", distances, NULL}, {NULL, NULL, NULL},
};
