/* SPDX-License-Identifier: MIT */
/*
 * fp_cases.h - operands for tests of floating point, biased towards what goes wrong: special values, denormals, the
 * ends of the range, exponents close to each other, long runs of equal bits.
 */
#ifndef TESTS_FP_CASES_H
#define TESTS_FP_CASES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct FpFormat {
    int width, fraction_bits, max_exponent, bias;
} FpFormat;

static const FpFormat fp_formats[] = { { 16, 10, 31, 15 }, { 32, 23, 255, 127 }, { 64, 52, 2047, 1023 } };

typedef struct FpCases {
    uint64_t state;
    uint64_t exponent; /* of the operand before */
} FpCases;

/* How many cases each property is tried with. */
static inline unsigned long fp_case_count(unsigned long usual) {
    const char *n = getenv("YADO_TEST_CASES");
    return n ? strtoul(n, NULL, 0) : usual;
}

static inline uint64_t fp_random(FpCases *c) { /* splitmix64 */
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t fp_case_fraction(FpCases *c, const FpFormat *f) {
    uint64_t ones = (UINT64_C(1) << f->fraction_bits) - 1;
    unsigned n = fp_random(c) % (unsigned)f->fraction_bits;
    switch (fp_random(c) % 7) {
    case 0: return 0;
    case 1: return ones;
    case 2: return fp_random(c) & ones << n & ones;
    case 3: return UINT64_C(1) << n;
    default: return fp_random(c) & ones;
    }
}

static inline uint64_t fp_case(FpCases *c, const FpFormat *f) {
    uint64_t r = fp_random(c), fraction = fp_case_fraction(c, f), top = (uint64_t)f->max_exponent;
    uint64_t near = (r >> 16 & 7) - 3, bias = (uint64_t)f->bias, exponent;
    switch (r >> 1 & 15) {
    case 0: exponent = 0; break;
    case 1: exponent = 0; fraction = 0; break;
    case 2: exponent = top; fraction &= r >> 8 & 1 ? 0 : ~UINT64_C(0); break;
    case 3: exponent = top - 1 - (r >> 16 & 3); break;
    case 4: exponent = 1 + (r >> 16 & 3); break;
    case 5: case 6: exponent = bias + near; break;
    case 7: exponent = bias + (r >> 16) % (unsigned)(f->fraction_bits + 12) - 4; break;
    case 8: case 9: case 10: exponent = c->exponent + near; break;
    case 11: exponent = (r >> 24 & 1 ? bias / 2 : bias / 2 * 3) + near; break;
    case 12: exponent = c->exponent - (uint64_t)f->fraction_bits + near; break; /* an operand of the last bits */
    default: exponent = r >> 16;
    }
    c->exponent = exponent &= top;
    return (r & 1) << (f->width - 1) | exponent << f->fraction_bits | fraction;
}

static inline bool fp_case_is_nan(uint64_t a, const FpFormat *f) {
    uint64_t magnitude = a & ((UINT64_C(1) << (f->width - 1)) - 1);
    return magnitude > (uint64_t)f->max_exponent << f->fraction_bits;
}

static inline bool fp_case_is_denormal(uint64_t a, const FpFormat *f) {
    uint64_t magnitude = a & ((UINT64_C(1) << (f->width - 1)) - 1);
    return magnitude && !(magnitude >> f->fraction_bits);
}

/* The number that a pattern other than a NaN stands for. */
static inline double fp_value(uint64_t a, const FpFormat *f) {
    uint64_t fraction = a & ((UINT64_C(1) << f->fraction_bits) - 1);
    int exponent = (int)(a >> f->fraction_bits) & f->max_exponent;
    double v = exponent == f->max_exponent ? HUGE_VAL
               : ldexp((double)(fraction | (uint64_t)!!exponent << f->fraction_bits),
                       (exponent ? exponent : 1) - f->bias - f->fraction_bits);
    return a >> (f->width - 1) & 1 ? -v : v;
}

/* The pattern of a number that the format has; NaN becomes the default NaN. */
static inline uint64_t fp_pattern(double v, const FpFormat *f) {
    uint64_t sign = (uint64_t)!!signbit(v) << (f->width - 1), top = (uint64_t)f->max_exponent << f->fraction_bits;
    if (isnan(v)) {
        return top | UINT64_C(1) << (f->fraction_bits - 1);
    }
    if (isinf(v)) {
        return sign | top;
    }
    if (v == 0) {
        return sign;
    }
    int exponent;
    frexp(v, &exponent);
    int biased = exponent - 1 + f->bias;
    if (biased <= 0) {
        return sign | (uint64_t)ldexp(fabs(v), f->bias - 1 + f->fraction_bits);
    }
    return sign + ((uint64_t)(biased - 1) << f->fraction_bits) +
           (uint64_t)ldexp(fabs(v), f->fraction_bits + 1 - exponent);
}

#endif
