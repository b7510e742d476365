/* SPDX-License-Identifier: MIT */
/*
 * softfloat.c - the arithmetic operations of softfloat.h: sums, products, quotients, roots, minima and comparisons.
 *
 * Each function takes apart, computes a result that is exact but for a sticky bit, and rounds once. Two numbers are
 * the first and only case the common path tests for.
 * Spec: Arm DDI 0487, shared pseudocode, FPAdd, FPSub, FPMul, FPMulX, FPDiv, FPSqrt, FPMulAdd, FPRecipStepFused,
 * FPRSqrtStepFused, FPMax, FPMin, FPMaxNum, FPMinNum, FPCompare.
 */
#include "ir/softfloat_core.h"

FP_INLINE bool either_is(FpClass class, Parts a, Parts b) {
    return a.class == class || b.class == class;
}

/* 0 * infinity */
FP_INLINE bool is_zero_by_infinity(Parts a, Parts b) {
    return either_is(CLASS_ZERO, a, b) && either_is(CLASS_INFINITY, a, b);
}

/* -- sums -- */

static uint64_t add_special(const Format *f, uint64_t a, uint64_t b, Parts p, Parts q, FpStatus *s) {
    if (p.class >= CLASS_QNAN || q.class >= CLASS_QNAN) {
        return fp_nan2(f, a, b, s);
    }
    if (either_is(CLASS_INFINITY, p, q)) {
        if (p.class == q.class && p.sign != q.sign) {
            return fp_invalid(f, FP_WHY_INF_SUB, s);
        }
        return fp_infinity(f, p.class == CLASS_INFINITY ? p.sign : q.sign);
    }
    if (p.class == q.class) {
        return fp_zero(f, p.sign == q.sign ? p.sign : fp_zero_sum_sign(s));
    }
    return p.class == CLASS_ZERO ? fp_round(f, q.sign, q.exponent, q.significand, s)
                                 : fp_round(f, p.sign, p.exponent, p.significand, s);
}

/* b_flip inverts the sign of b as a number, but not as a NaN */
FP_INLINE uint64_t add(const Format *f, uint64_t a, uint64_t b, bool b_flip, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    Parts q = fp_unpack(f, b, s);
    q.sign ^= b_flip;
    if (!FP_LIKELY(p.class == CLASS_NUMBER && q.class == CLASS_NUMBER)) {
        return add_special(f, a, b, p, q, s);
    }
    if (p.exponent < q.exponent || (p.exponent == q.exponent && p.significand < q.significand)) {
        Parts t = p;
        p = q;
        q = t;
    }
    q.significand = fp_shift_right_jam(q.significand, p.exponent - q.exponent);
    if (p.sign == q.sign) {
        uint64_t sum = p.significand + q.significand;
        if (sum < p.significand) {
            sum = sum >> 1 | (sum & 1) | FP_HALF_ULP;
            p.exponent++;
        }
        return fp_round(f, p.sign, p.exponent, sum, s);
    }
    uint64_t difference = p.significand - q.significand;
    if (!difference) {
        return fp_zero(f, fp_zero_sum_sign(s));
    }
    int shift = __builtin_clzll(difference);
    return fp_round(f, p.sign, p.exponent - shift, difference << shift, s);
}

/* -- products -- */

enum { MUL_PLAIN, MUL_EXTENDED };

static uint64_t mul_special(const Format *f, uint64_t a, uint64_t b, Parts p, Parts q, int kind, FpStatus *s) {
    bool sign = p.sign ^ q.sign;
    if (p.class >= CLASS_QNAN || q.class >= CLASS_QNAN) {
        return fp_nan2(f, a, b, s);
    }
    if (is_zero_by_infinity(p, q)) {
        if (kind == MUL_EXTENDED) {
            return fp_zero(f, sign) | (uint64_t)(fp_bias(f) + 1) << f->fraction_bits; /* 2 */
        }
        return fp_invalid(f, FP_WHY_INF_MUL, s);
    }
    return either_is(CLASS_INFINITY, p, q) ? fp_infinity(f, sign) : fp_zero(f, sign);
}

FP_INLINE uint64_t mul(const Format *f, uint64_t a, uint64_t b, int kind, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    Parts q = fp_unpack(f, b, s);
    if (!FP_LIKELY(p.class == CLASS_NUMBER && q.class == CLASS_NUMBER)) {
        return mul_special(f, a, b, p, q, kind, s);
    }
    Uint128 product = (Uint128)p.significand * q.significand;
    int exponent = p.exponent + q.exponent + 1;
    if (!(uint64_t)(product >> 127)) {
        product <<= 1;
        exponent--;
    }
    return fp_round(f, p.sign ^ q.sign, exponent, (uint64_t)(product >> 64) | ((uint64_t)product != 0), s);
}

/* A number with a 128-bit significand: its value is significand * 2^(exponent - 127); zero when significand is 0. */
typedef struct Wide {
    bool sign;
    int exponent;
    Uint128 significand;
} Wide;

FP_INLINE Uint128 shift_right_jam128(Uint128 v, int shift) {
    return shift == 0 ? v : shift < 128 ? v >> shift | (v << (128 - shift) != 0) : v != 0;
}

FP_INLINE int clz128(Uint128 v) { /* v is not 0 */
    uint64_t high = (uint64_t)(v >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* The rounded value of (p + q) / 2^halvings; at most one is zero. */
FP_INLINE uint64_t add_wide(const Format *f, Wide p, Wide q, int halvings, FpStatus *s) {
    if (!p.significand || (q.significand && (p.exponent < q.exponent ||
                                             (p.exponent == q.exponent && p.significand < q.significand)))) {
        Wide t = p;
        p = q;
        q = t;
    }
    Uint128 sum = p.significand;
    if (q.significand) {
        q.significand = shift_right_jam128(q.significand, p.exponent - q.exponent);
        if (p.sign != q.sign) {
            sum -= q.significand;
            if (!sum) {
                return fp_zero(f, fp_zero_sum_sign(s));
            }
        } else {
            sum += q.significand;
            if (sum < q.significand) {
                sum = sum >> 1 | (sum & 1) | (Uint128)1 << 127;
                p.exponent++;
            }
        }
    }
    int shift = clz128(sum);
    sum <<= shift;
    return fp_round(f, p.sign, p.exponent - shift - halvings, (uint64_t)(sum >> 64) | ((uint64_t)sum != 0), s);
}

FP_INLINE Wide multiply_wide(Parts p, Parts q) {
    Wide w = { p.sign ^ q.sign, p.exponent + q.exponent + 1, (Uint128)p.significand * q.significand };
    if (w.significand && !(uint64_t)(w.significand >> 127)) {
        w.significand <<= 1;
        w.exponent--;
    }
    return w;
}

static uint64_t muladd_special(const Format *f, Parts p, Parts q, Parts c, FpStatus *s) {
    bool sign = p.sign ^ q.sign;
    bool product_infinite = either_is(CLASS_INFINITY, p, q);
    if (is_zero_by_infinity(p, q)) {
        return fp_invalid(f, FP_WHY_INF_MUL, s);
    }
    if (product_infinite && c.class == CLASS_INFINITY && sign != c.sign) {
        return fp_invalid(f, FP_WHY_INF_SUB, s);
    }
    return fp_infinity(f, product_infinite ? sign : c.sign);
}

/* PowerPC: NaNs are not negated, and an addend that is one does not hide 0 * infinity. */
static uint64_t muladd_nan(const Format *f, uint64_t a, uint64_t b, uint64_t addend, int options, FpStatus *s) {
    FpStatus none = { .rules = s->rules };
    if (is_zero_by_infinity(fp_unpack(f, a, &none), fp_unpack(f, b, &none))) {
        fp_flag_invalid(s, FP_WHY_INF_MUL);
    }
    addend ^= fp_zero(f, (options & FP_NEG_ADDEND) != 0);
    a ^= fp_zero(f, options & FP_NEG_PRODUCT);
    return fp_first_nan(f, a, addend, b, s);
}

FP_INLINE uint64_t muladd_rounded(const Format *f, uint64_t a, uint64_t b, uint64_t addend, int options, FpStatus *s) {
    a ^= fp_zero(f, options & FP_NEG_PRODUCT);
    addend ^= fp_zero(f, (options & FP_NEG_ADDEND) != 0);
    Parts c = fp_unpack(f, addend, s);
    Parts p = fp_unpack(f, a, s);
    Parts q = fp_unpack(f, b, s);
    if (c.class >= CLASS_QNAN || p.class >= CLASS_QNAN || q.class >= CLASS_QNAN) {
        if (s->rules == FP_RULES_PPC) {
            return muladd_nan(f, a, b, addend, options, s);
        }
        if (c.class == CLASS_QNAN && is_zero_by_infinity(p, q)) {
            return fp_invalid(f, FP_WHY_INF_MUL, s);
        }
        return fp_nan3(f, addend, a, b, s);
    }
    if (c.class == CLASS_INFINITY || either_is(CLASS_INFINITY, p, q)) {
        return muladd_special(f, p, q, c, s);
    }
    Wide product = multiply_wide(p, q);
    Wide w = { c.sign, c.exponent, (Uint128)c.significand << 64 };
    if (!product.significand && !w.significand) {
        return fp_zero(f, product.sign == c.sign ? c.sign : fp_zero_sum_sign(s));
    }
    return add_wide(f, product, w, 0, s);
}

FP_INLINE uint64_t muladd(const Format *f, uint64_t a, uint64_t b, uint64_t addend, int options, FpStatus *s) {
    uint64_t d = muladd_rounded(f, a, b, addend, options, s);
    return options & FP_NEG_RESULT && !fp_is_nan(f, d) ? d ^ fp_sign_bit(f) : d;
}

/*
 * (constant - a * b) / 2^halvings: steps of Newton's method. constant is 2 or 3 and stands for itself in units of
 * 2^126 with exponent 1; zero by infinity gives constant / 2^halvings.
 */
static uint64_t newton_step(const Format *f, uint64_t a, uint64_t b, unsigned constant, int halvings, FpStatus *s) {
    a ^= fp_sign_bit(f);
    Parts p = fp_unpack(f, a, s);
    Parts q = fp_unpack(f, b, s);
    if (p.class >= CLASS_QNAN || q.class >= CLASS_QNAN) {
        return fp_nan2(f, a, b, s);
    }
    Wide product = { false, 0, 0 };
    Wide w = { false, 1, (Uint128)constant << 126 };
    if (!is_zero_by_infinity(p, q)) {
        if (either_is(CLASS_INFINITY, p, q)) {
            return fp_infinity(f, p.sign ^ q.sign);
        }
        product = multiply_wide(p, q);
    }
    return add_wide(f, w, product, halvings, s);
}

/* -- quotients and roots -- */

static uint64_t div_special(const Format *f, uint64_t a, uint64_t b, Parts p, Parts q, FpStatus *s) {
    bool sign = p.sign ^ q.sign;
    if (p.class >= CLASS_QNAN || q.class >= CLASS_QNAN) {
        return fp_nan2(f, a, b, s);
    }
    if (p.class == q.class) {
        return fp_invalid(f, p.class == CLASS_ZERO ? FP_WHY_ZERO_DIV : FP_WHY_INF_DIV, s);
    }
    if (p.class == CLASS_INFINITY) {
        return fp_infinity(f, sign);
    }
    if (q.class == CLASS_ZERO) {
        s->flags |= FP_DIVZERO;
        return fp_infinity(f, sign);
    }
    return fp_zero(f, sign);
}

FP_INLINE uint64_t divide(const Format *f, uint64_t a, uint64_t b, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    Parts q = fp_unpack(f, b, s);
    if (!FP_LIKELY(p.class == CLASS_NUMBER && q.class == CLASS_NUMBER)) {
        return div_special(f, a, b, p, q, s);
    }
    bool less = p.significand < q.significand;
    uint64_t quotient;
    bool rest;
    if (f->width < 64) { /* the low halves of the significands are zero */
        uint64_t n = p.significand >> (less ? 0 : 1);
        uint64_t d = q.significand >> 32;
        quotient = n / d << 32;
        rest = n % d != 0;
    } else {
        Uint128 n = (Uint128)p.significand << (less ? 64 : 63);
        quotient = (uint64_t)(n / q.significand);
        rest = quotient * q.significand != (uint64_t)n;
    }
    return fp_round(f, p.sign ^ q.sign, p.exponent - q.exponent - less, quotient | rest, s);
}

typedef struct Root {
    Uint128 root, rest; /* n = root^2 + rest, rest <= 2 * root */
} Root;

/*
 * The integer root of n < 2^bits, one of whose two highest bits is set: digit by digit for 16 bits; else from the root
 * of the upper half, as in long division (the method known as Karatsuba square root).
 */
static Root integer_root(Uint128 n, int bits) {
    Root r = { 0, 0 };
    if (bits == 16) {
        unsigned root = 0;
        for (unsigned bit = 0x80; bit; bit >>= 1) {
            if ((root | bit) * (root | bit) <= (unsigned)n) {
                root |= bit;
            }
        }
        r.root = root;
        r.rest = n - root * root;
        return r;
    }
    int quarter = bits / 4;
    Uint128 digit = ((Uint128)1 << quarter) - 1;
    Root high = integer_root(n >> 2 * quarter, bits / 2);
    Uint128 numerator = high.rest << quarter | (n >> quarter & digit);
    Uint128 q = numerator / (2 * high.root);
    Uint128 left = (numerator - q * 2 * high.root) << quarter | (n & digit);
    r.root = (high.root << quarter) + q;
    r.rest = left - q * q;
    if (left < q * q) {
        r.rest += 2 * r.root - 1;
        r.root--;
    }
    return r;
}

static uint64_t square_root(const Format *f, uint64_t a, FpStatus *s) {
    Parts p = fp_unpack(f, a, s);
    if (p.class >= CLASS_QNAN) {
        return fp_nan(f, a, s);
    }
    if (p.class == CLASS_ZERO) {
        return fp_zero(f, p.sign);
    }
    if (p.sign) {
        return fp_invalid(f, FP_WHY_SQRT, s);
    }
    if (p.class == CLASS_INFINITY) {
        return fp_infinity(f, false);
    }
    bool odd = p.exponent & 1;
    Root r;
    if (f->width < 64) { /* 32 bits of the root do */
        r = integer_root(odd ? p.significand : p.significand >> 1, 64);
        r.root <<= 32;
    } else {
        r = integer_root((Uint128)p.significand << (odd ? 64 : 63), 128);
    }
    return fp_round(f, false, (p.exponent - odd) / 2, (uint64_t)r.root | (r.rest != 0), s);
}

/* -- order -- */

/* Order of what is neither NaN nor a denormal to flush, with -0 = +0 */
FP_INLINE FpOrder order(const Format *f, uint64_t a, uint64_t b) {
    if (a == b || fp_abs(f, a | b) == 0) {
        return FP_EQUAL;
    }
    bool sign = fp_sign(f, a);
    if (sign != fp_sign(f, b)) {
        return sign ? FP_LESS : FP_GREATER;
    }
    return (a < b) != sign ? FP_LESS : FP_GREATER;
}

FP_INLINE FpOrder compare(const Format *f, uint64_t a, uint64_t b, bool signalling, FpStatus *s) {
    a = fp_input(f, a, s);
    b = fp_input(f, b, s);
    if (fp_is_nan(f, a) || fp_is_nan(f, b)) {
        bool snan = fp_is_snan(f, a) || fp_is_snan(f, b);
        if (signalling || snan) {
            fp_flag_invalid(s, (snan ? FP_WHY_SNAN : 0) | (signalling ? FP_WHY_COMPARE : 0));
        }
        return FP_UNORDERED;
    }
    return order(f, a, b);
}

/* The lesser or greater of a and b; -0 is less than +0. */
FP_INLINE uint64_t extremum(const Format *f, uint64_t a, uint64_t b, FpOrder wanted, FpStatus *s) {
    a = fp_input(f, a, s);
    b = fp_input(f, b, s);
    if (fp_is_nan(f, a) || fp_is_nan(f, b)) {
        return fp_nan2(f, a, b, s);
    }
    FpOrder found = order(f, a, b);
    if (found == FP_EQUAL) {
        return wanted == FP_LESS ? a | b : a & b;
    }
    return found == wanted ? a : b;
}

/* The same where a quiet NaN counts as the infinity that loses. */
FP_INLINE uint64_t extremum_number(const Format *f, uint64_t a, uint64_t b, FpOrder wanted, FpStatus *s) {
    bool a_quiet = fp_is_nan(f, a) && !fp_is_snan(f, a);
    bool b_quiet = fp_is_nan(f, b) && !fp_is_snan(f, b);
    if (s->rules == FP_RULES_PPC && fp_is_nan(f, a) && fp_is_nan(f, b)) {
        return fp_nan2(f, a, b, s);
    }
    if (a_quiet && !b_quiet) {
        a = fp_infinity(f, wanted == FP_GREATER);
    } else if (b_quiet && !a_quiet) {
        b = fp_infinity(f, wanted == FP_GREATER);
    }
    return extremum(f, a, b, wanted, s);
}

/* -- the three formats -- */

#define FP_DEFINE(F)                                                                                                   \
    F F##_add(F a, F b, FpStatus *s) { return (F)add(&F##_format, a, b, false, s); }                                   \
    F F##_sub(F a, F b, FpStatus *s) { return (F)add(&F##_format, a, b, true, s); }                                    \
    F F##_mul(F a, F b, FpStatus *s) { return (F)mul(&F##_format, a, b, MUL_PLAIN, s); }                               \
    F F##_mulx(F a, F b, FpStatus *s) { return (F)mul(&F##_format, a, b, MUL_EXTENDED, s); }                           \
    F F##_div(F a, F b, FpStatus *s) { return (F)divide(&F##_format, a, b, s); }                                       \
    F F##_sqrt(F a, FpStatus *s) { return (F)square_root(&F##_format, a, s); }                                         \
    F F##_muladd(F a, F b, F addend, int options, FpStatus *s) {                                                       \
        return (F)muladd(&F##_format, a, b, addend, options, s);                                                       \
    }                                                                                                                  \
    F F##_recip_step(F a, F b, FpStatus *s) { return (F)newton_step(&F##_format, a, b, 2, 0, s); }                     \
    F F##_rsqrt_step(F a, F b, FpStatus *s) { return (F)newton_step(&F##_format, a, b, 3, 1, s); }                     \
    F F##_min(F a, F b, FpStatus *s) { return (F)extremum(&F##_format, a, b, FP_LESS, s); }                            \
    F F##_max(F a, F b, FpStatus *s) { return (F)extremum(&F##_format, a, b, FP_GREATER, s); }                         \
    F F##_minnum(F a, F b, FpStatus *s) { return (F)extremum_number(&F##_format, a, b, FP_LESS, s); }                  \
    F F##_maxnum(F a, F b, FpStatus *s) { return (F)extremum_number(&F##_format, a, b, FP_GREATER, s); }               \
    FpOrder F##_compare(F a, F b, bool signalling, FpStatus *s) {                                                      \
        return compare(&F##_format, a, b, signalling, s);                                                              \
    }

FP_DEFINE(f16)
FP_DEFINE(f32)
FP_DEFINE(f64)

/* -- single precision in the format of doubles -- */

f64 f64_single_add(f64 a, f64 b, FpStatus *s) {
    return add(&f64_single_format, a, b, false, s);
}
f64 f64_single_sub(f64 a, f64 b, FpStatus *s) {
    return add(&f64_single_format, a, b, true, s);
}
f64 f64_single_mul(f64 a, f64 b, FpStatus *s) {
    return mul(&f64_single_format, a, b, MUL_PLAIN, s);
}
f64 f64_single_div(f64 a, f64 b, FpStatus *s) {
    return divide(&f64_single_format, a, b, s);
}
f64 f64_single_sqrt(f64 a, FpStatus *s) {
    return square_root(&f64_single_format, a, s);
}
f64 f64_single_muladd(f64 a, f64 b, f64 addend, int options, FpStatus *s) {
    return muladd(&f64_single_format, a, b, addend, options, s);
}
f64 f64_single_round(f64 a, FpStatus *s) {
    const Format *f = &f64_single_format;
    Parts p = fp_unpack(f, a, s);
    return p.class == CLASS_NUMBER ? fp_round(f, p.sign, p.exponent, p.significand, s) : p.class >= CLASS_QNAN ? fp_nan(f, a, s) : a;
}

f64 f32_as_f64(f32 a) {
    return fp_widened(a);
}

/* What single precision has no bits for is cut off; what is too small for it gives zero. */
f32 f64_as_f32(f64 a) {
    unsigned exponent = a >> 52 & 0x7ff;
    f32 sign = (f32)(a >> 32) & 0x80000000u;
    if (exponent > 896 || (a << 1) == 0) {
        return ((f32)(a >> 32) & 0xc0000000u) | ((f32)(a >> 29) & 0x3fffffff);
    }
    return exponent < 874 ? sign : sign | (f32)(((a & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52) >> (30 + 896 - exponent));
}
