/* SPDX-License-Identifier: MIT */
/*
 * softfloat_core.h - what the parts of the soft float share: formats, taking numbers apart, NaN rules, rounding.
 *
 * Every function takes the format as a pointer to a constant; the public functions pass a literal one, so that the
 * compiler makes a version for each format.
 * Spec: Arm DDI 0487, shared pseudocode, FPUnpackBase, FPProcessNaN(s)(3), FPRoundBase.
 * Power ISA 3.0B Book I, 4.3.2, 4.4 (NaNs, exceptions), 4.6.2 (single as double).
 * Missing: the alternate behaviours of FEAT_AFP.
 */
#ifndef IR_SOFTFLOAT_CORE_H
#define IR_SOFTFLOAT_CORE_H

#include "ir/softfloat.h"

#define FP_INLINE static inline __attribute__((always_inline, unused))
#define FP_LIKELY(x) __builtin_expect(!!(x), 1)

typedef unsigned __int128 Uint128;

typedef struct Format {
    int width, fraction_bits; /* the rest, less the sign, is the exponent */
    bool single;              /* results have the range and precision of f32 */
} Format;

static const Format f16_format __attribute__((unused)) = { 16, 10 };
static const Format f32_format __attribute__((unused)) = { 32, 23 };
static const Format f64_format __attribute__((unused)) = { 64, 52 };
static const Format f64_single_format __attribute__((unused)) = { 64, 52, true };

/* Ordered: >= CLASS_QNAN is a NaN. */
typedef enum FpClass { CLASS_ZERO, CLASS_NUMBER, CLASS_INFINITY, CLASS_QNAN, CLASS_SNAN } FpClass;

/* A number is (-1)^sign * significand * 2^(exponent - 63) with bit 63 of the significand set. */
typedef struct Parts {
    FpClass class;
    bool sign;
    int exponent;
    uint64_t significand;
} Parts;

#define FP_HALF_ULP (UINT64_C(1) << 63) /* of a remainder whose unit is 2^64 */

FP_INLINE uint64_t fp_sign_bit(const Format *f) {
    return UINT64_C(1) << (f->width - 1);
}

FP_INLINE int fp_max_exponent(const Format *f) { /* all ones */
    return (1 << (f->width - 1 - f->fraction_bits)) - 1;
}

FP_INLINE int fp_bias(const Format *f) {
    return fp_max_exponent(f) >> 1;
}

FP_INLINE uint64_t fp_fraction(const Format *f, uint64_t a) {
    return a & ((UINT64_C(1) << f->fraction_bits) - 1);
}

FP_INLINE int fp_exponent(const Format *f, uint64_t a) {
    return (int)(a >> f->fraction_bits) & fp_max_exponent(f);
}

FP_INLINE uint64_t fp_quiet_bit(const Format *f) {
    return UINT64_C(1) << (f->fraction_bits - 1);
}

FP_INLINE bool fp_sign(const Format *f, uint64_t a) {
    return a >> (f->width - 1) & 1;
}

FP_INLINE uint64_t fp_abs(const Format *f, uint64_t a) {
    return a & (fp_sign_bit(f) - 1);
}

FP_INLINE uint64_t fp_zero(const Format *f, bool sign) {
    return (uint64_t)sign << (f->width - 1);
}

FP_INLINE uint64_t fp_infinity(const Format *f, bool sign) {
    return fp_zero(f, sign) | (uint64_t)fp_max_exponent(f) << f->fraction_bits;
}

FP_INLINE uint64_t fp_default_nan(const Format *f) {
    return fp_infinity(f, false) | fp_quiet_bit(f);
}

/* Why matters to some. */
FP_INLINE void fp_flag_invalid(FpStatus *s, uint32_t why) {
    s->flags |= FP_INVALID | (s->rules == FP_RULES_PPC ? why : 0);
}

FP_INLINE uint64_t fp_invalid(const Format *f, uint32_t why, FpStatus *s) {
    fp_flag_invalid(s, why);
    return fp_default_nan(f);
}

FP_INLINE bool fp_is_nan(const Format *f, uint64_t a) {
    return fp_abs(f, a) > fp_infinity(f, false);
}

FP_INLINE bool fp_is_snan(const Format *f, uint64_t a) {
    return fp_is_nan(f, a) && !(a & fp_quiet_bit(f));
}

FP_INLINE bool fp_flushes(const Format *f, const FpStatus *s) {
    return f->width == 16 ? s->flush16 : s->flush;
}

/* An operand as an operation sees it: a denormal is a zero when those are flushed. */
FP_INLINE uint64_t fp_input(const Format *f, uint64_t a, FpStatus *s) {
    if (fp_flushes(f, s) && fp_exponent(f, a) == 0 && fp_fraction(f, a)) {
        if (f->width != 16) {
            s->flags |= FP_INPUT_DENORMAL;
        }
        return fp_zero(f, fp_sign(f, a));
    }
    return a;
}

/* Takes an operand apart as it is, without flushing; `ieee` is false for the alternative half precision. */
FP_INLINE Parts fp_unpack_raw(const Format *f, uint64_t a, bool ieee) {
    Parts p = { CLASS_NUMBER, fp_sign(f, a), fp_exponent(f, a) - fp_bias(f),
                fp_fraction(f, a) << (63 - f->fraction_bits) | FP_HALF_ULP };
    if (FP_LIKELY((unsigned)(fp_exponent(f, a) - 1) < (unsigned)fp_max_exponent(f) - 1)) {
        return p;
    }
    uint64_t fraction = fp_fraction(f, a);
    if (fp_exponent(f, a) == 0) {
        if (!fraction) {
            p.class = CLASS_ZERO;
            p.significand = 0;
        } else {
            int shift = __builtin_clzll(fraction);
            p.significand = fraction << shift;
            p.exponent = 64 - fp_bias(f) - f->fraction_bits - shift;
        }
    } else if (ieee) {
        p.class = !fraction ? CLASS_INFINITY : (a & fp_quiet_bit(f)) ? CLASS_QNAN : CLASS_SNAN;
    }
    return p;
}

/* Arm FPUnpack */
FP_INLINE Parts fp_unpack(const Format *f, uint64_t a, FpStatus *s) {
    return fp_unpack_raw(f, fp_input(f, a, s), true);
}

/* Arm FPProcessNaN, FPProcessNaNs, FPProcessNaNs3; at least one operand is a NaN. */
FP_INLINE uint64_t fp_nan(const Format *f, uint64_t a, FpStatus *s) {
    if (fp_is_snan(f, a)) {
        fp_flag_invalid(s, FP_WHY_SNAN);
    }
    if (s->default_nan) {
        return fp_default_nan(f);
    }
    return (a | fp_quiet_bit(f)) & ~(f->single ? UINT64_C(0x1fffffff) : 0);
}

FP_INLINE uint64_t fp_nan2(const Format *f, uint64_t a, uint64_t b, FpStatus *s) {
    bool second = fp_is_snan(f, a) ? false : fp_is_snan(f, b) ? true : !fp_is_nan(f, a);
    if (s->rules == FP_RULES_PPC && second && fp_is_nan(f, a)) {
        fp_flag_invalid(s, FP_WHY_SNAN);
        second = false;
    }
    return fp_nan(f, second ? b : a, s);
}

FP_INLINE uint64_t fp_nan3(const Format *f, uint64_t a, uint64_t b, uint64_t c, FpStatus *s) {
    if (fp_is_snan(f, a) || (fp_is_nan(f, a) && !fp_is_snan(f, b) && !fp_is_snan(f, c))) {
        return fp_nan(f, a, s);
    }
    if (fp_is_nan(f, b) || fp_is_nan(f, c)) {
        return fp_nan2(f, b, c, s);
    }
    return fp_nan(f, a, s);
}

/* The first NaN of three, by PowerPC's rules. */
FP_INLINE uint64_t fp_first_nan(const Format *f, uint64_t a, uint64_t b, uint64_t c, FpStatus *s) {
    if (fp_is_snan(f, a) || fp_is_snan(f, b) || fp_is_snan(f, c)) {
        fp_flag_invalid(s, FP_WHY_SNAN);
    }
    return fp_nan(f, fp_is_nan(f, a) ? a : fp_is_nan(f, b) ? b : c, s);
}

/* The sign of an exact zero that is the sum of numbers of opposite signs */
FP_INLINE bool fp_zero_sum_sign(const FpStatus *s) {
    return s->round == FP_RDN;
}

FP_INLINE uint64_t fp_shift_right_jam(uint64_t v, int shift) { /* what is lost sets bit 0 */
    return shift == 0 ? v : shift < 64 ? v >> shift | (v << (64 - shift) != 0) : v != 0;
}

/* Whether a magnitude is to be incremented; `rest` is what lies below its last bit in units of 2^-64. */
FP_INLINE bool fp_rounds_up(unsigned round, bool sign, bool odd, uint64_t rest) {
    if (FP_LIKELY(round == FP_RNE)) {
        return rest > FP_HALF_ULP || (rest == FP_HALF_ULP && odd);
    }
    switch (round) {
    case FP_RUP: return rest && !sign;
    case FP_RDN: return rest && sign;
    case FP_RNA: return rest >= FP_HALF_ULP;
    case FP_RTO: return rest && !odd;
    default: return false;
    }
}

/* Whether what is too large for the format becomes an infinity and not the largest number. */
FP_INLINE bool fp_overflows_to_infinity(unsigned round, bool sign) {
    return round == FP_RNE || round == FP_RNA || round == (sign ? FP_RDN : FP_RUP);
}

FP_INLINE void fp_tell_increment(bool up, FpStatus *s) {
    if (s->detail && up) {
        s->flags |= FP_ROUNDED_UP;
    }
}

static __attribute__((unused)) uint64_t fp_overflow(const Format *f, bool sign, unsigned round, FpStatus *s) {
    s->flags |= FP_OVERFLOW | FP_INEXACT;
    fp_tell_increment(fp_overflows_to_infinity(round, sign), s);
    return fp_infinity(f, sign) - !fp_overflows_to_infinity(round, sign);
}

/* What is too large or too small, for a trap: rounded in full precision, with its exponent brought near the middle. */
static __attribute__((unused)) uint64_t fp_wrapped(const Format *f, bool sign, int biased, uint64_t significand, unsigned round,
                                                   FpStatus *s) {
    int adjust = 3 << (f->width - 1 - f->fraction_bits - 2);
    int shift = 63 - f->fraction_bits;
    s->flags |= biased > 0 ? FP_OVERFLOW : FP_UNDERFLOW;
    biased += biased > 0 ? -adjust : adjust;
    uint64_t rest = significand << (64 - shift);
    uint64_t magnitude = ((uint64_t)(biased - 1) << f->fraction_bits) + (significand >> shift);
    if (rest) {
        bool up = fp_rounds_up(round, sign, magnitude & 1, rest);
        fp_tell_increment(up, s);
        magnitude += up;
        s->flags |= FP_INEXACT;
    }
    return fp_zero(f, sign) | (magnitude & (fp_sign_bit(f) - 1));
}

/* Numbers below the normal range: FPRoundBase with biased_exp = 0. Tininess is detected before rounding. */
FP_INLINE uint64_t fp_pack_tiny(const Format *f, bool sign, int biased, uint64_t significand, bool flush,
                                unsigned round, FpStatus *s) {
    if (flush) {
        s->flags |= FP_UNDERFLOW;
        return fp_zero(f, sign);
    }
    int shift = 63 - f->fraction_bits;
    uint64_t v = significand;
    int extra = 1 - biased;
    if (extra + shift < 64) {
        shift += extra;
    } else {
        v = fp_shift_right_jam(v, extra);
    }
    uint64_t rest = v << (64 - shift);
    uint64_t magnitude = v >> shift;
    if (rest) {
        bool up = fp_rounds_up(round, sign, magnitude & 1, rest);
        s->flags |= FP_UNDERFLOW | FP_INEXACT;
        fp_tell_increment(up, s);
        magnitude += up;
    }
    return fp_zero(f, sign) | magnitude; /* a carry makes it the smallest normal number */
}

/*
 * Arm FPRound of a number (bit 63 of significand set, bit 0 sticky). `flush`: a result that is tiny before rounding
 * becomes zero.
 */
FP_INLINE uint64_t fp_round_flush(const Format *f, bool sign, int exponent, uint64_t significand, bool flush,
                                  unsigned round, FpStatus *s) {
    int shift = 63 - f->fraction_bits;
    int biased = exponent + fp_bias(f);
    if (FP_LIKELY((unsigned)(biased - 1) < (unsigned)fp_max_exponent(f) - 1)) {
        uint64_t rest = significand << (64 - shift);
        uint64_t magnitude = ((uint64_t)(biased - 1) << f->fraction_bits) + (significand >> shift);
        if (rest) {
            bool up = fp_rounds_up(round, sign, magnitude & 1, rest);
            magnitude += up;
            if (magnitude >= fp_infinity(f, false)) {
                return s->traps & FP_OVERFLOW ? fp_wrapped(f, sign, biased, significand, round, s)
                                              : fp_overflow(f, sign, round, s);
            }
            fp_tell_increment(up, s);
            s->flags |= FP_INEXACT;
        }
        return fp_zero(f, sign) | magnitude;
    }
    if (s->traps & (biased > 0 ? FP_OVERFLOW : FP_UNDERFLOW)) {
        return fp_wrapped(f, sign, biased, significand, round, s);
    }
    if (biased > 0) {
        return fp_overflow(f, sign, round, s);
    }
    return fp_pack_tiny(f, sign, biased, significand, flush, round, s);
}

/* An f32 as a double: any payload of a NaN is kept. */
FP_INLINE uint64_t fp_widened(uint32_t a) {
    uint64_t sign = (uint64_t)(a >> 31) << 63, exponent = a >> 23 & 0xff, fraction = a & 0x7fffff;
    if (exponent == 0 && fraction) {
        int shift = __builtin_clzll(fraction) - 40;
        fraction = fraction << shift & 0x7fffff;
        exponent = (uint64_t)(1 - shift);
    } else if (exponent == 0) {
        return sign;
    }
    exponent = exponent == 0xff ? 0x7ff : exponent + 1023 - 127;
    return sign | exponent << 52 | fraction << 29;
}

/* What single precision has too few exponents for, for a trap: the double that holds it. */
static __attribute__((unused)) uint64_t fp_wrapped_single(bool sign, int exponent, uint64_t significand, FpStatus *s) {
    enum { ADJUST = 192, SHIFT = 40 };
    uint64_t rest = significand << (64 - SHIFT), magnitude = significand >> SHIFT;
    bool tiny = exponent < 0, up = rest && fp_rounds_up(s->round, sign, magnitude & 1, rest);
    s->flags |= (tiny ? FP_UNDERFLOW : FP_OVERFLOW) | (rest ? FP_INEXACT : 0);
    fp_tell_increment(up, s);
    exponent += tiny ? ADJUST : -ADJUST;
    return fp_zero(&f64_format, sign) | (((uint64_t)(exponent + 1022) << 52) + ((magnitude + up) << 29));
}

static __attribute__((unused)) bool fp_traps_single(bool sign, int exponent, uint64_t significand, const FpStatus *s) {
    uint64_t rest = significand << 24, magnitude = significand >> 40;
    bool carries = magnitude == 0xffffff && rest && fp_rounds_up(s->round, sign, true, rest);
    return exponent < -126 ? s->traps & FP_UNDERFLOW : exponent + carries > 127 ? s->traps & FP_OVERFLOW : false;
}

FP_INLINE uint64_t fp_round(const Format *f, bool sign, int exponent, uint64_t significand, FpStatus *s) {
    if (f->single && s->traps && fp_traps_single(sign, exponent, significand, s)) {
        return fp_wrapped_single(sign, exponent, significand, s);
    } else if (f->single) {
        return fp_widened((uint32_t)fp_round_flush(&f32_format, sign, exponent, significand, s->flush, s->round, s));
    }
    return fp_round_flush(f, sign, exponent, significand, fp_flushes(f, s), s->round, s);
}

#endif
