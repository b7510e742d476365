/* SPDX-License-Identifier: MIT */
/*
 * softfloat_conv.c - conversions: to integral, to and from integers and fixed point, between formats.
 *
 * Spec: Arm DDI 0487, shared pseudocode, FPRoundInt, FPToFixed, FixedToFP, FPConvert, FPConvertNaN, FPRoundCV.
 */
#include "ir/softfloat_core.h"

/* significand / 2^shift as an integer, rounded; shift >= 1. *inexact is set when something was lost. */
static uint64_t shift_rounded(uint64_t significand, int shift, bool sign, unsigned round, bool *inexact,
                              bool *incremented) {
    uint64_t magnitude = shift < 64 ? significand >> shift : 0;
    uint64_t rest = shift < 64 ? significand << (64 - shift) : shift == 64 ? significand : significand != 0;
    *inexact = rest != 0;
    bool up = fp_rounds_up(round, sign, magnitude & 1, rest);
    *incremented = up;
    return magnitude + up;
}

static uint64_t round_int(const Format *f, uint64_t a, unsigned round, bool exact, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        return fp_nan(f, a, s);
    }
    if (p.class == CLASS_ZERO) {
        return fp_zero(f, p.sign);
    }
    if (p.class == CLASS_INFINITY || p.exponent >= f->fraction_bits) {
        return a;
    }
    bool inexact, up;
    uint64_t magnitude = shift_rounded(p.significand, 63 - p.exponent, p.sign, round, &inexact, &up);
    if (exact && inexact) {
        s->flags |= FP_INEXACT;
        fp_tell_increment(up, s);
    }
    if (!magnitude) {
        return fp_zero(f, p.sign);
    }
    int shift = __builtin_clzll(magnitude);
    return fp_round(f, p.sign, 63 - shift, magnitude << shift, s);
}

/* -- integers and fixed point -- */

/* The integer of `bits` with this sign and magnitude, or the nearest there is. *fits tells which. */
static uint64_t saturate(uint64_t magnitude, bool sign, int bits, bool is_signed, bool *fits) {
    uint64_t limit = UINT64_MAX >> (64 - bits + is_signed);
    if (sign) {
        limit = is_signed ? limit + 1 : 0;
    }
    *fits = magnitude <= limit;
    if (!*fits) {
        magnitude = limit;
    }
    return sign ? -magnitude : magnitude;
}

static uint64_t to_int(const Format *f, uint64_t a, int bits, bool is_signed, int fbits, unsigned round, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        fp_flag_invalid(s, FP_WHY_INTEGER | (p.class == CLASS_SNAN ? FP_WHY_SNAN : 0));
        return s->rules == FP_RULES_PPC && is_signed ? UINT64_MAX << (bits - 1) : 0;
    }
    if (p.class == CLASS_ZERO) {
        return 0;
    }
    uint64_t magnitude = p.significand;
    bool inexact = false, fits = false, up = false;
    int exponent = p.exponent + fbits;
    bool huge = p.class == CLASS_INFINITY || exponent > 63;
    if (huge) {
        magnitude = UINT64_MAX;
    } else if (exponent < 63) {
        magnitude = shift_rounded(p.significand, 63 - exponent, p.sign, round, &inexact, &up);
    }
    uint64_t v = saturate(magnitude, p.sign, bits, is_signed, &fits);
    if (!fits || huge) {
        fp_flag_invalid(s, FP_WHY_INTEGER);
    } else if (inexact) {
        s->flags |= FP_INEXACT;
        fp_tell_increment(up, s);
    }
    return v;
}

static uint64_t from_magnitude(const Format *f, bool sign, uint64_t magnitude, int fbits, FpStatus *s) {
    if (!magnitude) {
        return fp_zero(f, false);
    }
    int shift = __builtin_clzll(magnitude);
    return fp_round(f, sign, 63 - shift - fbits, magnitude << shift, s);
}

/* -- formats -- */

static uint64_t convert_nan(const Format *to, const Format *from, uint64_t a, FpStatus *s) {
    bool alternative = to->width == 16 && s->alt_half;
    if (alternative || fp_is_snan(from, a)) {
        fp_flag_invalid(s, FP_WHY_SNAN);
    }
    if (alternative) {
        return fp_zero(to, fp_sign(from, a));
    }
    if (s->default_nan) {
        return fp_default_nan(to);
    }
    uint64_t fraction = fp_fraction(from, a) << (63 - from->fraction_bits) >> (63 - to->fraction_bits);
    return fp_infinity(to, fp_sign(from, a)) | fp_quiet_bit(to) | fraction;
}

/* Alternative half precision has one more exponent and neither infinities nor NaNs. */
static uint64_t pack_alternative(Parts p, unsigned round, FpStatus *s) {
    const Format *f = &f16_format;
    uint64_t largest = fp_sign_bit(f) - 1;
    int shift = 63 - f->fraction_bits;
    int biased = p.exponent + fp_bias(f);
    if (p.class == CLASS_NUMBER && biased <= 0) {
        return fp_pack_tiny(f, p.sign, biased, p.significand, false, round, s);
    }
    if (p.class == CLASS_NUMBER && biased <= fp_max_exponent(f)) {
        uint64_t rest = p.significand << (64 - shift);
        uint64_t magnitude = ((uint64_t)(biased - 1) << f->fraction_bits) + (p.significand >> shift);
        magnitude += fp_rounds_up(round, p.sign, magnitude & 1, rest);
        if (magnitude <= largest) {
            s->flags |= rest ? FP_INEXACT : 0;
            return fp_zero(f, p.sign) | magnitude;
        }
    }
    s->flags |= FP_INVALID;
    return fp_zero(f, p.sign) | largest;
}

static uint64_t convert(const Format *to, const Format *from, uint64_t a, unsigned round, FpStatus *s) {
    bool from_half = from->width == 16, to_half = to->width == 16;
    /* FZ16 has no part in conversions */
    Parts p = fp_unpack_raw(from, from_half ? a : fp_input(from, a, s), !(from_half && s->alt_half));
    if (p.class >= CLASS_QNAN) {
        return convert_nan(to, from, a, s);
    }
    if (p.class == CLASS_ZERO) {
        return fp_zero(to, p.sign);
    }
    if (to_half && s->alt_half) {
        return pack_alternative(p, round, s);
    }
    if (p.class == CLASS_INFINITY) {
        return fp_infinity(to, p.sign);
    }
    return fp_round_flush(to, p.sign, p.exponent, p.significand, !to_half && s->flush, round, s);
}

#define FP_DEFINE(F)                                                                                                   \
    F F##_round_int(F a, FpRound r, bool exact, FpStatus *s) { return (F)round_int(&F##_format, a, r, exact, s); }     \
    uint64_t F##_to_int(F a, int bits, bool is_signed, int fbits, FpRound r, FpStatus *s) {                            \
        return to_int(&F##_format, a, bits, is_signed, fbits, r, s);                                                   \
    }                                                                                                                  \
    F F##_from_int(int64_t v, int fbits, FpStatus *s) {                                                                \
        return (F)from_magnitude(&F##_format, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v, fbits, s);                    \
    }                                                                                                                  \
    F F##_from_uint(uint64_t v, int fbits, FpStatus *s) {                                                              \
        return (F)from_magnitude(&F##_format, false, v, fbits, s);                                                     \
    }

FP_DEFINE(f16)
FP_DEFINE(f32)
FP_DEFINE(f64)

#define FP_CONVERT(FROM, TO)                                                                                           \
    TO FROM##_to_##TO(FROM a, FpStatus *s) { return (TO)convert(&TO##_format, &FROM##_format, a, s->round, s); }

FP_CONVERT(f16, f32)
FP_CONVERT(f16, f64)
FP_CONVERT(f32, f16)
FP_CONVERT(f32, f64)
FP_CONVERT(f64, f16)
FP_CONVERT(f64, f32)

f32 f64_to_f32_odd(f64 a, FpStatus *s) {
    return (f32)convert(&f32_format, &f64_format, a, FP_RTO, s);
}
