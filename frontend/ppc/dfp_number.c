/* SPDX-License-Identifier: MIT */
/*
 * dfp_number.c - decimal floating-point numbers: their formats (densely packed decimals), sums, products, quotients and rounding.
 * A digit is a byte: this is meant to be right, not fast.
 * Spec: Power ISA 3.0B Book I, 5.4 (formats), 5.5.2 (rounding), 5.5.10 (exceptions).
 */
#include <glib.h>
#include <string.h>

#include "frontend/ppc/dfp.h"
#include "frontend/ppc/fp.h"

#define BIT(name) (UINT64_C(1) << PPC_FPSCR_##name)

const PpcDfpFormat ppc_dfp_short = {7, 101, 191, 32, 192}, ppc_dfp_long = {16, 398, 767, 64, 576},
                   ppc_dfp_extended = {34, 6176, 12287, 128, 9216};

/* -- digits -------------------------------------------------------------------------------- */

static void trim(PpcDecimal *x) {
    while (x->count && x->digit[x->count - 1] == 0) {
        x->count--;
    }
}

void ppc_dfp_shift(PpcDecimal *x, int n) {
    if (x->count == 0 || n == 0) {
        return;
    } else if (n > 0) {
        n = MIN(n, PPC_DFP_DIGITS - x->count);
        memmove(x->digit + n, x->digit, (size_t)x->count);
        memset(x->digit, 0, (size_t)n);
        x->count += n;
        return;
    }
    n = MIN(-n, x->count);
    memmove(x->digit, x->digit + n, (size_t)(x->count - n));
    memset(x->digit + x->count - n, 0, (size_t)n);
    x->count -= n;
}

void ppc_dfp_keep(PpcDecimal *x, int n) {
    if (x->count > n) {
        memset(x->digit + n, 0, (size_t)(x->count - n));
        x->count = n;
        trim(x);
    }
}

PpcDecimal ppc_dfp_from_uint(unsigned __int128 v) {
    PpcDecimal x = {.class = PPC_DFP_FINITE};
    for (; v; v /= 10) {
        x.digit[x.count++] = (uint8_t)(v % 10);
    }
    return x;
}

static void increment(PpcDecimal *x) {
    int i = 0;
    while (i < PPC_DFP_DIGITS - 1 && x->digit[i] == 9) {
        x->digit[i++] = 0;
    }
    x->digit[i]++;
    x->count = MAX(x->count, i + 1);
}

static int compare_digits(const PpcDecimal *a, const PpcDecimal *b) {
    for (int i = MAX(a->count, b->count) - 1; i >= 0; i--) {
        if (a->digit[i] != b->digit[i]) {
            return a->digit[i] < b->digit[i] ? -1 : 1;
        }
    }
    return 0;
}

/* a += sign * b; with sign -1 a is not less than b. */
static void add_digits(PpcDecimal *a, const PpcDecimal *b, int sign) {
    int carry = 0;
    for (int i = 0; i < PPC_DFP_DIGITS; i++) {
        int v = a->digit[i] + sign * b->digit[i] + carry;
        carry = v > 9 ? 1 : v < 0 ? -1 : 0;
        a->digit[i] = (uint8_t)(v - 10 * carry);
    }
    a->count = PPC_DFP_DIGITS;
    trim(a);
}

/* -- formats -------------------------------------------------------------------------------- */

static int trailing_bits(const PpcDfpFormat *f) {
    return (f->precision - 1) / 3 * 10;
}

static unsigned __int128 whole(PpcDfpBits bits) {
    return (unsigned __int128)bits.high << 64 | bits.low;
}

PpcDecimal ppc_dfp_decode(const PpcDfpFormat *f, PpcDfpBits bits) {
    unsigned __int128 v = whole(bits);
    int trailing = trailing_bits(f), more = f->bits - 6 - trailing; /* bits of the exponent behind the first two */
    PpcDecimal x = {.negative = (unsigned)(v >> (f->bits - 1)) & 1};
    unsigned first = (unsigned)(v >> (f->bits - 6)) & 31, low = (unsigned)(v >> trailing) & ((1u << more) - 1);
    for (int i = 0; i < f->precision - 1; i += 3) {
        unsigned three = ppc_dpd_unpack((unsigned)(v >> i / 3 * 10) & 0x3ff);
        for (int k = 0; k < 3; k++) {
            x.digit[i + k] = (uint8_t)(three >> 4 * k & 15);
        }
    }
    x.count = f->precision - 1;
    if (first >= 30) {
        x.class = first == 30 ? PPC_DFP_INFINITY : low >> (more - 1) ? PPC_DFP_SNAN : PPC_DFP_QNAN;
    } else {
        bool large = first >= 24;
        x.digit[x.count++] = (uint8_t)(large ? 8 + (first & 1) : first & 7);
        x.exponent = (int)((large ? first >> 1 & 3 : first >> 3) << more | low) - f->bias;
    }
    trim(&x);
    return x;
}

PpcDfpBits ppc_dfp_encode(const PpcDfpFormat *f, const PpcDecimal *x) {
    unsigned __int128 v = 0;
    int trailing = trailing_bits(f), more = f->bits - 6 - trailing;
    for (int i = 0; i < f->precision - 1; i += 3) {
        unsigned three = x->digit[i] | (unsigned)x->digit[i + 1] << 4 | (unsigned)x->digit[i + 2] << 8;
        v |= (unsigned __int128)ppc_dpd_pack(three) << i / 3 * 10;
    }
    unsigned first = x->class == PPC_DFP_INFINITY ? 30 : 31, low = x->class == PPC_DFP_SNAN ? 1u << (more - 1) : 0;
    if (x->class == PPC_DFP_FINITE) {
        unsigned biased = (unsigned)(x->exponent + f->bias), digit = x->digit[f->precision - 1], upper = biased >> more & 3;
        first = digit > 7 ? 24 | upper << 1 | (digit & 1) : upper << 3 | digit;
        low = biased & ((1u << more) - 1);
    }
    v |= (unsigned __int128)low << trailing | (unsigned __int128)(first | (x->negative ? 32u : 0)) << (f->bits - 6);
    return (PpcDfpBits){(uint64_t)(v >> 64), (uint64_t)v};
}

bool ppc_dfp_is_subnormal(const PpcDfpFormat *f, const PpcDecimal *x) {
    return x->count && x->exponent + x->count < ppc_dfp_least(f) + f->precision;
}

/* -- rounding -------------------------------------------------------------------------------- */

/* Does a magnitude grow whose last kept digit is `last`, where what is cut is `half` compared with half a unit (-1, 0, 1)? */
static bool rounds_up(PpcDfpRound round, bool negative, unsigned last, int half) {
    switch (round) {
    case PPC_DFP_EVEN: return half > 0 || (half == 0 && last & 1);
    case PPC_DFP_ZERO: return false;
    case PPC_DFP_UP: return !negative;
    case PPC_DFP_DOWN: return negative;
    case PPC_DFP_AWAY_TIES: return half >= 0;
    case PPC_DFP_ZERO_TIES: return half > 0;
    case PPC_DFP_AWAY: return true;
    default: return last == 0 || last == 5;
    }
}

bool ppc_dfp_raise_exponent(PpcDecimal *x, int exponent, PpcDfpRound round, bool *up) {
    int n = exponent - x->exponent, below = 0, at = 0;
    *up = false;
    x->exponent = exponent;
    for (int i = 0; i < MIN(n - 1, x->count); i++) {
        below |= x->digit[i];
    }
    at = n > 0 && n <= x->count ? x->digit[n - 1] : 0;
    ppc_dfp_shift(x, -n);
    if (!at && !below) {
        return false;
    }
    *up = rounds_up(round, x->negative, x->digit[0], at != 5 ? (at > 5 ? 1 : -1) : below ? 1 : 0);
    if (*up) {
        increment(x);
    }
    return true;
}

/* An exact x takes the exponent that is nearest to ideal. */
static void prefer(const PpcDfpFormat *f, PpcDecimal *x, int ideal) {
    int zeros = 0;
    while (zeros < x->count && x->digit[zeros] == 0) {
        zeros++;
    }
    int n = ideal > x->exponent ? -MIN(ideal - x->exponent, zeros) : MIN(x->exponent - ideal, f->precision - x->count);
    ppc_dfp_shift(x, n);
    x->exponent -= n;
}

static void overflow(const PpcDfpFormat *f, PpcDecimal *x, PpcDfpStatus *s) {
    bool infinite = s->round != PPC_DFP_ZERO && s->round != PPC_DFP_SHORTER && s->round != (x->negative ? PPC_DFP_UP : PPC_DFP_DOWN);
    s->bits |= BIT(OX) | BIT(XX) | BIT(FI);
    s->bits = infinite ? s->bits | BIT(FR) : s->bits & ~BIT(FR);
    memset(x->digit, 0, sizeof(x->digit));
    x->class = infinite ? PPC_DFP_INFINITY : PPC_DFP_FINITE;
    x->count = infinite ? 0 : f->precision;
    memset(x->digit, 9, (size_t)x->count);
    x->exponent = ppc_dfp_most(f);
}

void ppc_dfp_fit(const PpcDfpFormat *f, PpcDecimal *x, int ideal, PpcDfpStatus *s) {
    enum { ANY_EXPONENT = 1 << 20 }; /* wrapped results of conversions stand in the wider format */
    int least = ppc_dfp_least(f), most = ppc_dfp_most(f), wrap = s->wrap ? s->wrap : f->wrap;
    if (x->count == 0) {
        x->exponent = CLAMP(ideal, least, most);
        return;
    }
    bool tiny = ppc_dfp_is_subnormal(f, x), up;
    if (tiny && s->underflow_traps) {
        x->exponent += wrap;
        ideal += wrap;
        s->bits |= BIT(UX);
        s->wrapped = true;
        tiny = false;
        least = -ANY_EXPONENT;
        most = ANY_EXPONENT;
    }
    int to = MAX(x->exponent + x->count - f->precision, least);
    bool inexact = to > x->exponent && ppc_dfp_raise_exponent(x, to, s->round, &up);
    if (inexact) {
        s->bits |= BIT(XX) | BIT(FI) | (up ? BIT(FR) : 0) | (tiny ? BIT(UX) : 0);
    }
    if (x->count > f->precision) { /* the digits were all 9 */
        ppc_dfp_shift(x, -1);
        x->exponent++;
    }
    bool over = x->count && x->exponent + x->count > most + f->precision;
    if (over && !s->overflow_traps) {
        overflow(f, x, s);
        return;
    } else if (over) {
        x->exponent -= wrap;
        ideal -= wrap;
        s->bits |= BIT(OX);
        s->wrapped = true;
        least = -ANY_EXPONENT;
        most = ANY_EXPONENT;
    }
    if (!inexact) {
        prefer(f, x, CLAMP(ideal, least, most));
    }
    if (x->exponent > most) {
        int n = x->exponent - most;
        ppc_dfp_shift(x, n);
        x->exponent = most;
    }
}

/* -- arithmetic -------------------------------------------------------------------------------- */

int ppc_dfp_order(const PpcDecimal *a, const PpcDecimal *b) {
    bool a_finite = a->class == PPC_DFP_FINITE, b_finite = b->class == PPC_DFP_FINITE;
    int sign = a->negative ? -1 : 1;
    if (a_finite && b_finite && a->count == 0 && b->count == 0) {
        return 0;
    } else if (a_finite && a->count == 0) {
        return b->negative ? 1 : -1;
    } else if ((b_finite && b->count == 0) || a->negative != b->negative) {
        return sign;
    } else if (!a_finite || !b_finite) {
        return a_finite == b_finite ? 0 : a_finite ? -sign : sign;
    }
    int top = a->exponent + a->count - b->exponent - b->count;
    if (top) {
        return top < 0 ? -sign : sign;
    }
    PpcDecimal x = *a, y = *b;
    ppc_dfp_shift(&x, MAX(a->exponent - b->exponent, 0));
    ppc_dfp_shift(&y, MAX(b->exponent - a->exponent, 0));
    return sign * compare_digits(&x, &y);
}

PpcDecimal ppc_dfp_sum(const PpcDecimal *a, const PpcDecimal *b, PpcDfpRound round, int *ideal) {
    enum { FAR = 75 }; /* one operand is beyond all digits of the other, and of the result */
    PpcDecimal x = a->exponent >= b->exponent ? *a : *b, y = a->exponent >= b->exponent ? *b : *a;
    *ideal = y.exponent;
    if (x.count == 0 || y.count == 0) {
        PpcDecimal r = x.count ? x : y;
        r.negative = x.count || y.count || x.negative == y.negative ? r.negative : round == PPC_DFP_DOWN;
        return r;
    }
    if (x.exponent - y.exponent > FAR) {
        ppc_dfp_keep(&y, 0);
        y.digit[0] = 1;
        y.count = 1;
        y.exponent = x.exponent - FAR;
    }
    ppc_dfp_shift(&x, x.exponent - y.exponent);
    x.exponent = y.exponent;
    if (x.negative == y.negative) {
        add_digits(&x, &y, 1);
        return x;
    }
    int order = compare_digits(&x, &y);
    PpcDecimal *larger = order < 0 ? &y : &x;
    add_digits(larger, order < 0 ? &x : &y, -1);
    larger->negative = order ? larger->negative : round == PPC_DFP_DOWN;
    return *larger;
}

PpcDecimal ppc_dfp_product(const PpcDecimal *a, const PpcDecimal *b, int *ideal) {
    PpcDecimal r = {.negative = a->negative != b->negative, .exponent = a->exponent + b->exponent};
    unsigned sums[PPC_DFP_DIGITS + 1] = {0};
    for (int i = 0; i < a->count; i++) {
        for (int k = 0; k < b->count; k++) {
            sums[i + k] += a->digit[i] * b->digit[k];
        }
    }
    for (int i = 0; i < PPC_DFP_DIGITS; i++) {
        r.digit[i] = (uint8_t)(sums[i] % 10);
        sums[i + 1] += sums[i] / 10;
    }
    r.count = PPC_DFP_DIGITS;
    trim(&r);
    *ideal = r.exponent;
    return r;
}

PpcDecimal ppc_dfp_quotient(const PpcDecimal *a, const PpcDecimal *b, int *ideal) {
    enum { QUOTIENT = 37 }; /* digits, at least: those of any format, one to round by, one that says whether there are more */
    PpcDecimal r = {.negative = a->negative != b->negative}, rest = {.class = PPC_DFP_FINITE};
    int more = MAX(QUOTIENT + b->count - a->count, 0);
    *ideal = a->exponent - b->exponent;
    r.exponent = *ideal - more;
    if (a->count == 0) {
        return r;
    }
    for (int i = a->count + more - 1; i >= 0; i--) {
        ppc_dfp_shift(&rest, 1);
        rest.digit[0] = i >= more ? a->digit[i - more] : 0;
        rest.count = MAX(rest.count, rest.digit[0] ? 1 : 0);
        while (compare_digits(&rest, b) >= 0) {
            add_digits(&rest, b, -1);
            r.digit[i]++;
        }
    }
    r.count = a->count + more;
    trim(&r);
    if (rest.count) { /* a digit that is only there to be no 0 */
        ppc_dfp_shift(&r, 1);
        r.digit[0] = 1;
        r.exponent--;
    }
    return r;
}
