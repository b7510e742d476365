/* SPDX-License-Identifier: MIT */
/*
 * fp.c - floating point, one number at a time. Results are exact: IEEE 754 leaves nothing open here.
 */
#include "bench.h"

#include <math.h>

enum { N = 128, FFT = 1 << 13 };

static double a[N][N], b[N][N], c[N][N];

static void make_matrices(void) {
    uint64_t seed = 29;
    for (unsigned i = 0; i < N * N; i++) {
        a[i / N][i % N] = (double)(int64_t)random_next(&seed) * 0x1p-63;
        b[i / N][i % N] = (double)(int64_t)random_next(&seed) * 0x1p-63;
    }
}

static uint64_t matmul(void) {
    for (unsigned round = 0; round < 15; round++) {
        for (unsigned i = 0; i < N; i++) {
            for (unsigned j = 0; j < N; j++) {
                double sum = round ? c[i][j] : 0;
                for (unsigned k = 0; k < N; k++) {
                    sum += a[i][k] * b[k][j];
                }
                c[i][j] = sum;
            }
        }
    }
    return fold_double(fold_double(0, c[3][5]), c[N - 1][N - 2]);
}

typedef struct Body {
    double x[3], v[3], mass;
} Body;

static uint64_t nbody(void) {
    Body body[5];
    for (unsigned i = 0; i < 5; i++) { /* a heavy one and four around it */
        body[i] = (Body){{i * 5.25, i * 1.5 - 2, i * 0.125}, {0.25 / (i + 1), i ? 2.5 / (i + 1) : 0, 0.01 * i}, i ? 0.01 * i : 40};
    }
    for (unsigned step = 0; step < 150000; step++) {
        for (unsigned i = 0; i < 5; i++) {
            for (unsigned k = i + 1; k < 5; k++) {
                double d[3], square = 0.001;
                for (unsigned n = 0; n < 3; n++) {
                    d[n] = body[i].x[n] - body[k].x[n];
                    square += d[n] * d[n];
                }
                double pull = 0.001 / (square * sqrt(square));
                for (unsigned n = 0; n < 3; n++) {
                    body[i].v[n] -= d[n] * body[k].mass * pull;
                    body[k].v[n] += d[n] * body[i].mass * pull;
                }
            }
        }
        for (unsigned i = 0; i < 5; i++) {
            for (unsigned n = 0; n < 3; n++) {
                body[i].x[n] += 0.001 * body[i].v[n];
            }
        }
    }
    return fold_double(fold_double(0, body[0].x[0]), body[4].v[1]);
}

static uint64_t mandelbrot(void) {
    uint64_t sum = 0;
    for (unsigned row = 0; row < 160; row++) {
        for (unsigned column = 0; column < 200; column++) {
            double x0 = column / 70.0 - 2.1, y0 = row / 70.0 - 1.15, x = 0, y = 0;
            unsigned n = 0;
            while (n < 400 && x * x + y * y < 4) {
                double t = x * x - y * y + x0;
                y = 2 * x * y + y0;
                x = t;
                n++;
            }
            sum += n * (row + 1);
        }
    }
    return sum;
}

static double re[FFT], im[FFT], turn_re[FFT / 2], turn_im[FFT / 2];

/* Points of the circle by halving angles: no library function whose last bit differs. */
static void make_turns(void) {
    for (unsigned i = 0; i < FFT / 2; i++) {
        double c1 = 1, s1 = 0, half_c = 0, half_s = 1; /* a quarter */
        for (unsigned bit = FFT / 4; bit; bit >>= 1) {
            if (i & bit) {
                double t = c1 * half_c - s1 * half_s;
                s1 = s1 * half_c + c1 * half_s;
                c1 = t;
            }
            double c2 = sqrt((1 + half_c) / 2);
            half_s = half_s / (2 * c2);
            half_c = c2;
        }
        turn_re[i] = c1;
        turn_im[i] = -s1;
    }
}

static uint64_t fft(void) {
    for (unsigned i = 0; i < FFT; i++) {
        re[i] = (double)(i * 7919 % 1009) / 1009 - 0.5;
        im[i] = (double)(i * 31 % 257) / 257;
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 1, k = 0; i < FFT; i++) { /* into the order of reversed bits */
            unsigned bit = FFT >> 1;
            for (; k & bit; bit >>= 1) {
                k ^= bit;
            }
            k ^= bit;
            if (i < k) {
                double t = re[i], u = im[i];
                re[i] = re[k], im[i] = im[k];
                re[k] = t, im[k] = u;
            }
        }
        for (unsigned size = 2; size <= FFT; size <<= 1) {
            for (unsigned at = 0; at < FFT; at += size) {
                for (unsigned i = 0; i < size / 2; i++) {
                    unsigned p = at + i, q = p + size / 2, w = i * (FFT / size);
                    double x = re[q] * turn_re[w] - im[q] * turn_im[w], y = re[q] * turn_im[w] + im[q] * turn_re[w];
                    re[q] = (re[p] - x) * 0.5, im[q] = (im[p] - y) * 0.5;
                    re[p] = (re[p] + x) * 0.5, im[p] = (im[p] + y) * 0.5;
                }
            }
        }
        re[round] += 1;
    }
    return fold_double(fold_double(0, re[1]), im[FFT - 1]);
}

static double element(unsigned i, unsigned j) {
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double *from, double *to, bool transposed) {
    for (unsigned i = 0; i < 200; i++) {
        double sum = 0;
        for (unsigned j = 0; j < 200; j++) {
            sum += (transposed ? element(j, i) : element(i, j)) * from[j];
        }
        to[i] = sum;
    }
}

static uint64_t spectral(void) {
    double u[200], v[200], w[200], uv = 0, vv = 0;
    for (unsigned i = 0; i < 200; i++) {
        u[i] = 1;
    }
    for (unsigned i = 0; i < 40; i++) {
        times(u, w, false);
        times(w, v, true);
        times(v, w, false);
        times(w, u, true);
    }
    for (unsigned i = 0; i < 200; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return fold_double(0, sqrt(uv / vv));
}

/* Between integers and both kinds of floating point. */
static uint64_t convert(void) {
    uint64_t seed = 31, sum = 0;
    for (unsigned i = 0; i < 3000000; i++) {
        int64_t n = (int64_t)random_next(&seed) >> (i & 31);
        double d = (double)n * 0.375;
        float f = (float)d + (float)(uint32_t)n;
        sum = fold(sum, (uint64_t)(int64_t)(d * 0.5) + (uint64_t)(int64_t)f + (uint64_t)(int32_t)(f * 0x1p-34f));
    }
    return sum;
}

static uint64_t single(void) {
    float x = 0.5f, y = 0.25f, sum = 0;
    for (unsigned i = 0; i < 5000000; i++) {
        float t = x * 3.7f * (1 - x);
        y = sqrtf(y * y + t * 0.125f) * 0.75f;
        x = t > 0.999f ? 0.5f : t;
        sum += y < x ? y : -x * 0.5f;
    }
    return fold_double(fold_double(0, sum), x);
}

const Kernel fp_kernels[] = {
    {"matmul", matmul, make_matrices}, {"nbody", nbody, NULL}, {"mandelbrot", mandelbrot, NULL}, {"fft", fft, make_turns},
    {"spectral", spectral, NULL}, {"convert", convert, NULL}, {"single", single, NULL}, {NULL, NULL, NULL},
};
