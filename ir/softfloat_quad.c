/* SPDX-License-Identifier: MIT */
/*
 * softfloat_quad.c - binary128: significands of 113 bits, sums and products in 256, plain rather than fast.
 * Spec: IEEE 754-2019; Power ISA 3.0B Book I, 7.4 (exceptions), 7.6.3 (NaNs, round to odd).
 * Missing: the NaN rules, flushing and default NaNs of Arm; integers by other roundings than towards zero.
 */
#include "ir/softfloat_quad.h"

#include "ir/softfloat_core.h"

enum { FRACTION = 112, MAX_EXPONENT = 0x7fff, BIAS = 0x3fff, SHIFT = 127 - FRACTION, WRAP = 24576, EXTENDED_CUT = 112 - 63 };

#define ONE ((f128)1)
#define SIGN_BIT (ONE << 127)
#define TOP_BIT (ONE << 127)
#define QUIET_BIT (ONE << (FRACTION - 1))
#define INFINITE ((f128)MAX_EXPONENT << FRACTION)
#define DEFAULT_NAN (INFINITE | QUIET_BIT)

/* (-1)^sign * significand * 2^(exponent - 127) with bit 127 of the significand set. */
typedef struct Quad {
    FpClass class;
    bool sign;
    int exponent;
    Uint128 significand;
} Quad;

/* The same, by 2^(exponent - 255), of 256 bits. */
typedef struct Wide {
    bool sign;
    int exponent;
    Uint128 high, low;
} Wide;

static int leading_zeros(Uint128 v) {
    uint64_t high = (uint64_t)(v >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v | 1);
}

static f128 signed_as(bool sign, f128 magnitude) {
    return (f128)sign << 127 | magnitude;
}

bool f128_is_nan(f128 a) {
    return (a & ~SIGN_BIT) > INFINITE;
}

static bool is_snan(f128 a) {
    return f128_is_nan(a) && !(a & QUIET_BIT);
}

static Quad unpack(f128 a) {
    f128 fraction = a & ((ONE << FRACTION) - 1);
    int exponent = (int)(a >> FRACTION) & MAX_EXPONENT;
    Quad q = {CLASS_NUMBER, a >> 127, exponent - BIAS, fraction << SHIFT | TOP_BIT};
    if (exponent == MAX_EXPONENT) {
        q.class = !fraction ? CLASS_INFINITY : a & QUIET_BIT ? CLASS_QNAN : CLASS_SNAN;
    } else if (exponent == 0 && fraction) {
        int shift = leading_zeros(fraction);
        q.significand = fraction << shift;
        q.exponent = 1 - BIAS - (shift - SHIFT);
    } else if (exponent == 0) {
        q.class = CLASS_ZERO;
        q.significand = 0;
    }
    return q;
}

static f128 invalid(uint32_t why, FpStatus *s) {
    s->flags |= FP_INVALID | why;
    return DEFAULT_NAN;
}

/* The first NaN of three. */
static f128 first_nan(f128 a, f128 b, f128 c, FpStatus *s) {
    if (is_snan(a) || is_snan(b) || is_snan(c)) {
        s->flags |= FP_INVALID | FP_WHY_SNAN;
    }
    return (f128_is_nan(a) ? a : f128_is_nan(b) ? b : c) | QUIET_BIT;
}

/* -- rounding -------------------------------------------------------------------------------- */

static Uint128 shift_right_jam(Uint128 v, int shift) {
    return shift == 0 ? v : shift < 128 ? v >> shift | (v << (128 - shift) != 0) : v != 0;
}

/* v / 2^shift, 0 < shift < 128; whether that was exact, and whether it was incremented, go to s. */
static Uint128 rounded(Uint128 v, int shift, bool sign, unsigned round, FpStatus *s) {
    Uint128 rest = v << (128 - shift), magnitude = v >> shift;
    if (!rest) {
        return magnitude;
    }
    bool up = fp_rounds_up(round, sign, magnitude & 1, (uint64_t)(rest >> 64) | ((uint64_t)rest != 0));
    s->flags |= FP_INEXACT;
    fp_tell_increment(up, s);
    return magnitude + up;
}

static f128 overflow(bool sign, f128 largest, unsigned round, FpStatus *s) {
    bool infinite = fp_overflows_to_infinity(round, sign);
    s->flags |= FP_OVERFLOW | FP_INEXACT;
    fp_tell_increment(infinite, s);
    return signed_as(sign, infinite ? INFINITE : largest);
}

/* The significand is rounded as if there were no end of exponents; `biased` brings it near the middle. */
static f128 wrapped(bool sign, int biased, Uint128 significand, FpStatus *s) {
    s->flags |= biased > 0 ? FP_OVERFLOW : FP_UNDERFLOW;
    biased += biased > 0 ? -WRAP : WRAP;
    f128 magnitude = ((f128)(unsigned)(biased - 1) << FRACTION) + rounded(significand, SHIFT, sign, s->round, s);
    return signed_as(sign, magnitude & ~SIGN_BIT);
}

/* Tininess is detected before rounding. */
static f128 pack(bool sign, int exponent, Uint128 significand, FpStatus *s) {
    int biased = exponent + BIAS;
    if (biased <= 0) {
        if (s->traps & FP_UNDERFLOW) {
            return wrapped(sign, biased, significand, s);
        }
        FpStatus tiny = {.detail = s->detail};
        f128 magnitude = rounded(shift_right_jam(significand, 1 - biased), SHIFT, sign, s->round, &tiny);
        s->flags |= tiny.flags | (tiny.flags & FP_INEXACT ? FP_UNDERFLOW : 0);
        return signed_as(sign, magnitude); /* a carry makes it the smallest normal number */
    }
    if (biased < MAX_EXPONENT) {
        FpStatus normal = {.detail = s->detail};
        f128 magnitude = ((f128)(unsigned)(biased - 1) << FRACTION) + rounded(significand, SHIFT, sign, s->round, &normal);
        if (magnitude < INFINITE) {
            s->flags |= normal.flags;
            return signed_as(sign, magnitude);
        }
    }
    return s->traps & FP_OVERFLOW ? wrapped(sign, biased, significand, s) : overflow(sign, INFINITE - 1, s->round, s);
}

static f128 pack_wide(const Wide *w, FpStatus *s) {
    return pack(w->sign, w->exponent, w->high | (w->low != 0), s);
}

/* -- sums and products -------------------------------------------------------------------------------- */

static Wide widened(const Quad *q) {
    return (Wide){q->sign, q->exponent, q->significand, 0};
}

static void shift_right(Wide *w, int shift) {
    if (shift >= 128) {
        w->low = shift_right_jam(w->high, shift - 128) | (w->low != 0);
        w->high = 0;
    } else if (shift > 0) {
        bool lost = w->low << (128 - shift) != 0;
        w->low = w->low >> shift | w->high << (128 - shift) | lost;
        w->high >>= shift;
    }
}

static void normalize(Wide *w) {
    if (!w->high) {
        w->high = w->low;
        w->low = 0;
        w->exponent -= 128;
    }
    int shift = leading_zeros(w->high);
    if (shift) {
        w->high = w->high << shift | w->low >> (128 - shift);
        w->low <<= shift;
        w->exponent -= shift;
    }
}

static bool is_greater(const Wide *a, const Wide *b) {
    return a->exponent != b->exponent ? a->exponent > b->exponent : a->high != b->high ? a->high > b->high : a->low > b->low;
}

/* Of two numbers, whose lowest bits are zeros. */
static f128 sum(Wide a, Wide b, FpStatus *s) {
    if (is_greater(&b, &a)) {
        Wide t = a;
        a = b;
        b = t;
    }
    shift_right(&b, a.exponent - b.exponent + 1);
    shift_right(&a, 1);
    a.exponent++;
    if (a.sign == b.sign) {
        a.low += b.low;
        a.high += b.high + (a.low < b.low);
    } else {
        a.high -= b.high + (a.low < b.low);
        a.low -= b.low;
    }
    if (!a.high && !a.low) {
        return signed_as(fp_zero_sum_sign(s), 0);
    }
    normalize(&a);
    return pack_wide(&a, s);
}

static f128 sum_of(f128 a, f128 b, f128 flip, FpStatus *s) {
    if (f128_is_nan(a) || f128_is_nan(b)) {
        return first_nan(a, b, b, s);
    }
    Quad x = unpack(a), y = unpack(b ^ flip);
    if (x.class == CLASS_INFINITY && y.class == CLASS_INFINITY && x.sign != y.sign) {
        return invalid(FP_WHY_INF_SUB, s);
    } else if (x.class == CLASS_INFINITY || y.class == CLASS_INFINITY) {
        return signed_as(x.class == CLASS_INFINITY ? x.sign : y.sign, INFINITE);
    } else if (x.class == CLASS_ZERO && y.class == CLASS_ZERO) {
        return signed_as(x.sign == y.sign ? x.sign : fp_zero_sum_sign(s), 0);
    } else if (x.class == CLASS_ZERO || y.class == CLASS_ZERO) {
        const Quad *q = x.class == CLASS_ZERO ? &y : &x;
        return pack(q->sign, q->exponent, q->significand, s);
    }
    return sum(widened(&x), widened(&y), s);
}

f128 f128_add(f128 a, f128 b, FpStatus *s) {
    return sum_of(a, b, 0, s);
}

f128 f128_sub(f128 a, f128 b, FpStatus *s) {
    return sum_of(a, b, SIGN_BIT, s);
}

static Wide product(const Quad *a, const Quad *b) {
    Uint128 ah = a->significand >> 64, al = (uint64_t)a->significand, bh = b->significand >> 64, bl = (uint64_t)b->significand;
    Uint128 middle = ah * bl, other = al * bh, low = al * bl;
    Uint128 carry = (low >> 64) + (uint64_t)middle + (uint64_t)other;
    Wide w = {a->sign != b->sign, a->exponent + b->exponent + 1, 0, carry << 64 | (uint64_t)low};
    w.high = ah * bh + (middle >> 64) + (other >> 64) + (carry >> 64);
    normalize(&w);
    return w;
}

static bool is_inf_by_zero(const Quad *a, const Quad *b) {
    return (a->class == CLASS_INFINITY && b->class == CLASS_ZERO) || (a->class == CLASS_ZERO && b->class == CLASS_INFINITY);
}

f128 f128_mul(f128 a, f128 b, FpStatus *s) {
    Quad x = unpack(a), y = unpack(b);
    if (x.class >= CLASS_QNAN || y.class >= CLASS_QNAN) {
        return first_nan(a, b, b, s);
    } else if (is_inf_by_zero(&x, &y)) {
        return invalid(FP_WHY_INF_MUL, s);
    } else if (x.class != CLASS_NUMBER || y.class != CLASS_NUMBER) {
        bool infinite = x.class == CLASS_INFINITY || y.class == CLASS_INFINITY;
        return signed_as(x.sign != y.sign, infinite ? INFINITE : 0);
    }
    Wide w = product(&x, &y);
    return pack_wide(&w, s);
}

static f128 negated(f128 v, int options) {
    return options & FP_NEG_RESULT ? v ^ SIGN_BIT : v;
}

f128 f128_muladd(f128 a, f128 b, f128 addend, int options, FpStatus *s) {
    Quad x = unpack(a), y = unpack(b), z = unpack(addend ^ (options & FP_NEG_ADDEND ? SIGN_BIT : 0));
    bool sign = x.sign != y.sign, infinite = x.class == CLASS_INFINITY || y.class == CLASS_INFINITY;
    if (x.class >= CLASS_QNAN || y.class >= CLASS_QNAN || z.class >= CLASS_QNAN) {
        s->flags |= is_inf_by_zero(&x, &y) ? FP_INVALID | FP_WHY_INF_MUL : 0;
        return first_nan(a, addend, b, s);
    } else if (is_inf_by_zero(&x, &y)) {
        return invalid(FP_WHY_INF_MUL, s);
    } else if (infinite && z.class == CLASS_INFINITY && z.sign != sign) {
        return invalid(FP_WHY_INF_SUB, s);
    } else if (infinite || z.class == CLASS_INFINITY) {
        return negated(signed_as(infinite ? sign : z.sign, INFINITE), options);
    } else if (x.class == CLASS_ZERO || y.class == CLASS_ZERO) {
        f128 zero = signed_as(sign == z.sign ? sign : fp_zero_sum_sign(s), 0);
        return negated(z.class == CLASS_ZERO ? zero : pack(z.sign, z.exponent, z.significand, s), options);
    }
    Wide w = product(&x, &y);
    return negated(z.class == CLASS_ZERO ? pack_wide(&w, s) : sum(w, widened(&z), s), options);
}

/* -- quotients and roots -------------------------------------------------------------------------------- */

f128 f128_div(f128 a, f128 b, FpStatus *s) {
    Quad x = unpack(a), y = unpack(b);
    bool sign = x.sign != y.sign;
    if (x.class >= CLASS_QNAN || y.class >= CLASS_QNAN) {
        return first_nan(a, b, b, s);
    } else if (x.class == y.class && x.class != CLASS_NUMBER) {
        return invalid(x.class == CLASS_ZERO ? FP_WHY_ZERO_DIV : FP_WHY_INF_DIV, s);
    } else if (x.class == CLASS_INFINITY || y.class == CLASS_ZERO) {
        s->flags |= x.class == CLASS_NUMBER ? FP_DIVZERO : 0;
        return signed_as(sign, INFINITE);
    } else if (x.class == CLASS_ZERO || y.class == CLASS_INFINITY) {
        return signed_as(sign, 0);
    }
    Uint128 rest = x.significand >> SHIFT, divisor = y.significand >> SHIFT, quotient = 0;
    int exponent = x.exponent - y.exponent - (rest < divisor);
    rest <<= rest < divisor;
    for (unsigned i = 0; i < 128; i++) {
        bool fits = rest >= divisor;
        quotient = quotient << 1 | fits;
        rest = (rest - (fits ? divisor : 0)) << 1;
    }
    return pack(sign, exponent, quotient | (rest != 0), s);
}

f128 f128_sqrt(f128 a, FpStatus *s) {
    enum { BITS = 120 };
    Quad x = unpack(a);
    if (x.class >= CLASS_QNAN) {
        return first_nan(a, a, a, s);
    } else if (x.class == CLASS_ZERO) {
        return a;
    } else if (x.sign) {
        return invalid(FP_WHY_SQRT, s);
    } else if (x.class == CLASS_INFINITY) {
        return a;
    }
    int odd = x.exponent & 1;
    Uint128 from = x.significand >> !odd, rest = 0, root = 0;
    for (unsigned i = 0; i < BITS; i++) {
        rest = rest << 2 | from >> 126;
        from <<= 2;
        Uint128 trial = root << 2 | 1;
        bool fits = rest >= trial;
        rest -= fits ? trial : 0;
        root = root << 1 | fits;
    }
    return pack(false, (x.exponent - odd) / 2, root << (128 - BITS) | (rest != 0), s);
}

/* -- the rest -------------------------------------------------------------------------------- */

FpOrder f128_compare(f128 a, f128 b, bool signalling, FpStatus *s) {
    if (f128_is_nan(a) || f128_is_nan(b)) {
        bool snan = is_snan(a) || is_snan(b);
        s->flags |= snan ? FP_INVALID | FP_WHY_SNAN : 0;
        s->flags |= signalling ? FP_INVALID | FP_WHY_COMPARE : 0;
        return FP_UNORDERED;
    } else if (a == b || !((a | b) & ~SIGN_BIT)) {
        return FP_EQUAL;
    } else if (a >> 127 != b >> 127) {
        return a >> 127 ? FP_LESS : FP_GREATER;
    }
    return (a < b) != (bool)(a >> 127) ? FP_LESS : FP_GREATER;
}

f128 f128_round_int(f128 a, FpRound round, bool exact, FpStatus *s) {
    int exponent = ((int)(a >> FRACTION) & MAX_EXPONENT) - BIAS;
    bool sign = a >> 127;
    f128 magnitude = a & ~SIGN_BIT;
    if (f128_is_nan(a)) {
        return first_nan(a, a, a, s);
    } else if (exponent >= FRACTION || !magnitude) {
        return a;
    }
    FpStatus here = {.detail = true};
    if (exponent < 0) {
        f128 half = exponent == -1 ? TOP_BIT >> 1 | (magnitude << (128 - FRACTION) != 0) : 1;
        magnitude = rounded(half, 127, sign, round, &here) ? (f128)BIAS << FRACTION : 0;
    } else {
        magnitude = rounded(magnitude, FRACTION - exponent, sign, round, &here) << (FRACTION - exponent);
    }
    s->flags |= exact ? here.flags & (FP_INEXACT | (s->detail ? FP_ROUNDED_UP : 0)) : 0;
    return signed_as(sign, magnitude);
}

f128 f128_round_extended(f128 a, FpRound round, FpStatus *s) {
    bool sign = a >> 127;
    f128 magnitude = a & ~SIGN_BIT;
    if (f128_is_nan(a)) {
        return first_nan(a, a, a, s);
    } else if (magnitude == INFINITE) {
        return a;
    }
    bool tiny = magnitude && magnitude >> FRACTION == 0;
    if (tiny && s->traps & FP_UNDERFLOW) {
        Quad q = unpack(a);
        s->flags |= FP_UNDERFLOW;
        magnitude = rounded(q.significand, 64, sign, round, s) << EXTENDED_CUT;
        return signed_as(sign, ((f128)(unsigned)(q.exponent + BIAS + WRAP - 1) << FRACTION) + magnitude);
    }
    FpStatus here = {.detail = s->detail};
    magnitude = rounded(magnitude, EXTENDED_CUT, sign, round, &here) << EXTENDED_CUT;
    if (magnitude < INFINITE) {
        s->flags |= here.flags | (tiny && here.flags ? FP_UNDERFLOW : 0);
        return signed_as(sign, magnitude);
    } else if (s->traps & FP_OVERFLOW) {
        s->flags |= here.flags | FP_OVERFLOW;
        return signed_as(sign, magnitude - ((f128)WRAP << FRACTION));
    }
    return overflow(sign, INFINITE - (ONE << EXTENDED_CUT), round, s);
}

f128 f64_to_f128(f64 a, FpStatus *s) {
    Parts p = fp_unpack_raw(&f64_format, a, true);
    if (p.class >= CLASS_QNAN) {
        f128 nan = signed_as(p.sign, INFINITE | (f128)fp_fraction(&f64_format, a) << (FRACTION - 52));
        return first_nan(nan, nan, nan, s);
    } else if (p.class != CLASS_NUMBER) {
        return signed_as(p.sign, p.class == CLASS_ZERO ? 0 : INFINITE);
    }
    return signed_as(p.sign, ((f128)(unsigned)(p.exponent + BIAS - 1) << FRACTION) + ((f128)p.significand << (FRACTION - 63)));
}

f64 f128_to_f64(f128 a, FpStatus *s) {
    Quad q = unpack(a);
    if (q.class >= CLASS_QNAN) {
        f128 nan = first_nan(a, a, a, s) & ((ONE << FRACTION) - 1);
        return fp_infinity(&f64_format, q.sign) | (uint64_t)(nan >> (FRACTION - 52));
    } else if (q.class != CLASS_NUMBER) {
        return q.class == CLASS_ZERO ? fp_zero(&f64_format, q.sign) : fp_infinity(&f64_format, q.sign);
    }
    uint64_t significand = (uint64_t)(q.significand >> 64) | ((uint64_t)q.significand != 0);
    return fp_round(&f64_format, q.sign, q.exponent, significand, s);
}

uint64_t f128_to_int(f128 a, int bits, bool is_signed, FpStatus *s) {
    Quad q = unpack(a);
    uint64_t most = (bits == 64 ? UINT64_MAX : UINT32_MAX) >> is_signed, least = is_signed ? most + 1 : 0;
    if (q.class == CLASS_ZERO) {
        return 0;
    } else if (q.class >= CLASS_QNAN) {
        s->flags |= FP_INVALID | FP_WHY_INTEGER | (q.class == CLASS_SNAN ? FP_WHY_SNAN : 0);
        return -least;
    }
    uint64_t limit = q.sign ? least : most, v = limit;
    bool fits = q.class == CLASS_NUMBER && q.exponent < 64;
    if (fits) {
        v = q.exponent < 0 ? 0 : (uint64_t)(q.significand >> (127 - q.exponent));
        fits = v <= limit;
    }
    if (!fits) {
        s->flags |= FP_INVALID | FP_WHY_INTEGER;
        v = limit;
    } else if (q.exponent < 0 || q.significand << (q.exponent + 1)) {
        s->flags |= FP_INEXACT;
    }
    return q.sign ? -v : v;
}

f128 f128_from_uint(uint64_t v) {
    int shift = v ? __builtin_clzll(v) : 0;
    return v ? ((f128)(unsigned)(BIAS + 63 - shift - 1) << FRACTION) + ((f128)(v << shift) << (FRACTION - 63)) : 0;
}

f128 f128_from_int(int64_t v) {
    return signed_as(v < 0, f128_from_uint(v < 0 ? -(uint64_t)v : (uint64_t)v));
}
