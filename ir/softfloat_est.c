/* SPDX-License-Identifier: MIT */
/*
 * softfloat_est.c - Arm's reciprocal and reciprocal square root estimates of eight fraction bits, and FRECPX.
 *
 * Spec: Arm DDI 0487, shared pseudocode, RecipEstimate, RecipSqrtEstimate, FPRecipEstimate, FPRSqrtEstimate, FPRecpX,
 * UnsignedRecipEstimate, UnsignedRSqrtEstimate.
 */
#include "ir/softfloat_core.h"

/* a in units of 1/512, 256 to 511; the result is about 1 / a in units of 1/256, 256 to 511 */
static unsigned recip_estimate(unsigned a) {
    a = a * 2 + 1;
    return ((1u << 19) / a + 1) / 2;
}

/* a in units of 1/512, 128 to 511; the result is about 1 / sqrt(a) in units of 1/256, 256 to 511 */
static unsigned rsqrt_estimate(unsigned a) {
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    unsigned root = 512;
    for (unsigned bit = 256; bit; bit >>= 1) { /* the largest with a * root^2 < 2^28 */
        unsigned next = root + bit;
        if ((uint64_t)a * next * next < UINT64_C(1) << 28) {
            root = next;
        }
    }
    return (root + 1) / 2;
}

static uint64_t recip_estimate_fp(const Format *f, uint64_t a, FpStatus *s) {
    int bias = fp_bias(f);
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        return fp_nan(f, a, s);
    }
    if (p.class == CLASS_INFINITY) {
        return fp_zero(f, p.sign);
    }
    if (p.class == CLASS_ZERO) {
        s->flags |= FP_DIVZERO;
        return fp_infinity(f, p.sign);
    }
    if (p.exponent < -bias - 1) {
        return fp_overflow(f, p.sign, s->round, s);
    }
    if (fp_flushes(f, s) && p.exponent >= bias - 1) {
        s->flags |= FP_UNDERFLOW;
        return fp_zero(f, p.sign);
    }
    unsigned estimate = recip_estimate((unsigned)(p.significand >> 55));
    int biased = bias - 1 - p.exponent;
    uint64_t fraction = (uint64_t)(estimate & 0xff) << (f->fraction_bits - 8);
    if (biased <= 0) { /* denormal: the leading one becomes part of the fraction */
        fraction = (fraction | UINT64_C(1) << f->fraction_bits) >> (1 - biased);
        biased = 0;
    }
    return fp_zero(f, p.sign) | (uint64_t)biased << f->fraction_bits | fraction;
}

static uint64_t rsqrt_estimate_fp(const Format *f, uint64_t a, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        return fp_nan(f, a, s);
    }
    if (p.class == CLASS_ZERO) {
        s->flags |= FP_DIVZERO;
        return fp_infinity(f, p.sign);
    }
    if (p.sign) {
        return fp_invalid(f, FP_WHY_SQRT, s);
    }
    if (p.class == CLASS_INFINITY) {
        return fp_zero(f, false);
    }
    /* The operand is scaled by a power of four into 1/4 to 1. */
    bool odd = p.exponent & 1;
    unsigned estimate = rsqrt_estimate((unsigned)(p.significand >> (odd ? 55 : 56)));
    int biased = fp_bias(f) - 1 - (p.exponent - odd) / 2;
    return (uint64_t)biased << f->fraction_bits | (uint64_t)(estimate & 0xff) << (f->fraction_bits - 8);
}

static uint64_t recip_exponent(const Format *f, uint64_t a, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        return fp_nan(f, a, s);
    }
    uint64_t exponents = fp_infinity(f, false);
    uint64_t v = fp_exponent(f, a) ? ~a & exponents : exponents - (UINT64_C(1) << f->fraction_bits);
    return fp_zero(f, p.sign) | v;
}

#define FP_DEFINE(F)                                                                                                   \
    F F##_recip_estimate(F a, FpStatus *s) { return (F)recip_estimate_fp(&F##_format, a, s); }                         \
    F F##_rsqrt_estimate(F a, FpStatus *s) { return (F)rsqrt_estimate_fp(&F##_format, a, s); }                         \
    F F##_recip_exponent(F a, FpStatus *s) { return (F)recip_exponent(&F##_format, a, s); }

FP_DEFINE(f16)
FP_DEFINE(f32)
FP_DEFINE(f64)

uint32_t fp_urecpe(uint32_t a) {
    return a >> 31 ? recip_estimate(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_ursqrte(uint32_t a) {
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : UINT32_MAX;
}
