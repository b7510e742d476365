/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_quad.c - binary128 against MPFR: every operation, rounding and trap, with FR.
 * Spec: IEEE 754-2019; Power ISA 3.0B Book I, 7.4.
 */
#include <check.h>
#include <inttypes.h>
#include <mpfr.h>
#include <string.h>

#include "ir/softfloat_quad.h"
#include "tests/unit/fp_reference.h"

enum { ADD, SUB, MUL, DIV, SQRT, MULADD, NARROW, OPS };

typedef struct Shape {
    int fraction, bias, wrap;
} Shape;
static const Shape quad = {112, 16383, 24576}, narrow = {52, 1023, 1536};

static uint64_t next(uint64_t *seed) {
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Near one, near both ends, near those of doubles; fractions long and short, and runs of bits. */
static f128 number(uint64_t *seed, int op) {
    uint64_t v = next(seed), kind = next(seed) % 6, exponent = 16383 - 60 + v % 120;
    exponent = kind == 0 ? v % 130 : kind == 1 ? 32766 - v % 130 : kind == 2 ? 8192 - 60 + v % 120 : kind == 3 ? 24575 - 60 + v % 120 : exponent;
    exponent = op != NARROW || kind > 3 ? exponent : kind & 1 ? 16383 - 1080 + v % 64 : 16383 + 1000 + v % 40;
    f128 fraction = (f128)next(seed) << 64 | next(seed);
    unsigned keep = (unsigned)(next(seed) % 5);
    fraction = keep == 0 ? fraction << (v >> 32) % 128 : keep == 1 ? ~(f128)0 << (v >> 32) % 128 : keep == 2 ? fraction << 60 : fraction;
    fraction = keep == 3 ? (f128)1 << (v >> 32) % 112 : fraction;
    return (f128)(v >> 63) << 127 | (f128)exponent << 112 | (fraction & (((f128)1 << 112) - 1));
}

static void to_mpfr(mpfr_t r, f128 v) {
    int exponent = (int)(v >> 112) & 0x7fff;
    f128 m = (v & (((f128)1 << 112) - 1)) | (f128)(exponent != 0) << 112;
    mpfr_set_ui(r, (uint64_t)(m >> 64), MPFR_RNDN);
    mpfr_mul_2ui(r, r, 64, MPFR_RNDN);
    mpfr_add_ui(r, r, (uint64_t)m, MPFR_RNDN);
    mpfr_mul_2si(r, r, (exponent ? exponent : 1) - 16383 - 112, MPFR_RNDN);
    mpfr_setsign(r, r, v >> 127, MPFR_RNDN);
}

static bool exactly(mpfr_t r, int op, f128 a, f128 b, f128 c) {
    mpfr_t x, y, z;
    mpfr_inits2(128, x, y, z, (mpfr_ptr)NULL);
    to_mpfr(x, a);
    to_mpfr(y, b);
    to_mpfr(z, c);
    int t = op == ADD ? mpfr_add(r, x, y, MPFR_RNDZ) : op == SUB ? mpfr_sub(r, x, y, MPFR_RNDZ) : op == MUL ? mpfr_mul(r, x, y, MPFR_RNDZ)
            : op == DIV ? mpfr_div(r, x, y, MPFR_RNDZ) : op == SQRT ? mpfr_sqrt(r, x, MPFR_RNDZ)
            : op == MULADD ? mpfr_fma(r, x, y, z, MPFR_RNDZ) : mpfr_set(r, x, MPFR_RNDZ);
    mpfr_clears(x, y, z, (mpfr_ptr)NULL);
    return t != 0; /* there is more below the last of very many bits */
}

static f128 magnitude_of(mpfr_t whole) {
    mpfr_t high, low;
    mpfr_inits2(128, high, low, (mpfr_ptr)NULL);
    mpfr_div_2ui(high, whole, 64, MPFR_RNDN);
    mpfr_floor(high, high);
    f128 n = (f128)mpfr_get_ui(high, MPFR_RNDN) << 64;
    mpfr_mul_2ui(high, high, 64, MPFR_RNDN);
    mpfr_sub(low, whole, high, MPFR_RNDN);
    n |= mpfr_get_ui(low, MPFR_RNDN);
    mpfr_clears(high, low, (mpfr_ptr)NULL);
    return n;
}

static bool goes_up(unsigned round, bool sign, bool odd, int half) {
    switch (round) {
    case FP_RNE: return half > 0 || (half == 0 && odd);
    case FP_RUP: return !sign;
    case FP_RDN: return sign;
    case FP_RTO: return !odd;
    default: return false;
    }
}

/* By the definition: a magnitude in units of the last place, and what is cut off. */
static f128 expected(mpfr_t r, bool nearly, const Shape *f, const FpStatus *s, uint32_t *flags) {
    bool sign = mpfr_signbit(r);
    long e = mpfr_get_exp(r) - 1, least = 1 - f->bias; /* 1.f * 2^e */
    bool tiny = e < least;
    long unit = (tiny && !(s->traps & FP_UNDERFLOW) ? least : e) - f->fraction;
    mpfr_t m, whole, rest;
    mpfr_init2(whole, 128);
    mpfr_inits2(70000, m, rest, (mpfr_ptr)NULL);
    mpfr_abs(m, r, MPFR_RNDN);
    mpfr_mul_2si(m, m, -unit, MPFR_RNDN);
    mpfr_rint_floor(whole, m, MPFR_RNDZ);
    mpfr_sub(rest, m, whole, MPFR_RNDN);
    f128 n = magnitude_of(whole);
    int half = mpfr_cmp_d(rest, 0.5);
    half = half == 0 && nearly ? 1 : half;
    bool inexact = !mpfr_zero_p(rest) || nearly, up = inexact && goes_up(s->round, sign, n & 1, half);
    mpfr_clears(m, whole, rest, (mpfr_ptr)NULL);
    n += up;
    *flags = (inexact ? FP_INEXACT : 0) | (up ? FP_ROUNDED_UP : 0);
    bool huge = unit + f->fraction + (n >> (f->fraction + 1) != 0) > f->bias;
    f128 infinite = (f128)(2 * f->bias + 1) << f->fraction, negative = (f128)sign << (f->fraction == 112 ? 127 : 63);
    if (huge && !(s->traps & FP_OVERFLOW)) {
        bool to_infinity = s->round == FP_RNE || s->round == (sign ? FP_RDN : FP_RUP);
        *flags = FP_OVERFLOW | FP_INEXACT | (to_infinity ? FP_ROUNDED_UP : 0);
        return negative | (infinite - !to_infinity);
    }
    long scale = unit + f->bias + f->fraction - 1;
    if (huge || (tiny && s->traps & FP_UNDERFLOW)) {
        *flags |= huge ? FP_OVERFLOW : FP_UNDERFLOW;
        scale += huge ? -f->wrap : f->wrap;
    } else if (tiny && inexact) {
        *flags |= FP_UNDERFLOW;
    }
    f128 v = ((f128)(uint64_t)scale << f->fraction) + n;
    return negative | (v & (((f128)1 << (f->fraction == 112 ? 127 : 63)) - 1));
}

static f128 run(int op, f128 a, f128 b, f128 c, FpStatus *s) {
    switch (op) {
    case ADD: return f128_add(a, b, s);
    case SUB: return f128_sub(a, b, s);
    case MUL: return f128_mul(a, b, s);
    case DIV: return f128_div(a, b, s);
    case SQRT: return f128_sqrt(a, s);
    case MULADD: return f128_muladd(a, b, c, 0, s);
    default: return f128_to_f64(a, s);
    }
}

static f128 close_to(f128 a, uint64_t *seed) {
    return (a ^ (f128)(next(seed) & 1) << 127) + next(seed) % 5 - 2 + ((f128)(next(seed) % 3) << 112);
}

static bool is_number(f128 v) {
    unsigned exponent = (unsigned)(v >> 112) & 0x7fff;
    return exponent != 0x7fff;
}

START_TEST(rounds_once) {
    uint64_t seed = (uint64_t)_i;
    mpfr_t r;
    fp_wide_range();
    mpfr_init2(r, 2000);
    for (unsigned i = 0; i < 10000; i++) {
        static const uint8_t traps[] = {0, 0, FP_OVERFLOW, FP_UNDERFLOW, FP_OVERFLOW | FP_UNDERFLOW};
        static const uint8_t rounds[] = {FP_RNE, FP_RNE, FP_RUP, FP_RDN, FP_RTZ, FP_RTO};
        FpStatus s = {.rules = FP_RULES_PPC, .round = rounds[next(&seed) % 6], .detail = true, .traps = traps[next(&seed) % 5]};
        f128 a = number(&seed, _i), b = next(&seed) % 4 ? number(&seed, _i) : close_to(a, &seed), c = number(&seed, _i);
        if (_i == MULADD && next(&seed) % 2) {
            c = close_to(f128_mul(a, b, &(FpStatus){.rules = FP_RULES_PPC}), &seed);
        }
        a &= _i == SQRT ? ~((f128)1 << 127) : ~(f128)0;
        if (!is_number(b) || !is_number(c) || (_i == DIV && b << 1 == 0)) {
            continue;
        }
        bool nearly = exactly(r, _i, a, b, c);
        if (mpfr_zero_p(r)) {
            continue;
        }
        uint32_t flags;
        f128 want = expected(r, nearly, _i == NARROW ? &narrow : &quad, &s, &flags);
        f128 got = run(_i, a, b, c, &s);
        if (_i == NARROW && (s.flags & s.traps & (FP_OVERFLOW | FP_UNDERFLOW))) { /* too far away to be wrapped into doubles */
            want = got;
        }
        ck_assert_msg(got == want && s.flags == flags,
                      "op %d of %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64
                      ", round %d, traps %x: %016" PRIx64 "%016" PRIx64 " flags %x, not %016" PRIx64 "%016" PRIx64 " %x",
                      _i, (uint64_t)(a >> 64), (uint64_t)a, (uint64_t)(b >> 64), (uint64_t)b, (uint64_t)(c >> 64), (uint64_t)c, s.round,
                      s.traps, (uint64_t)(got >> 64), (uint64_t)got, s.flags, (uint64_t)(want >> 64), (uint64_t)want, flags);
    }
    mpfr_clear(r);
}
END_TEST

START_TEST(integers) {
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t v = next(&seed) >> next(&seed) % 64;
        FpStatus s = {.rules = FP_RULES_PPC};
        ck_assert_uint_eq(f128_to_int(f128_from_uint(v), 64, false, &s), v);
        ck_assert_int_eq((int64_t)f128_to_int(f128_from_int((int64_t)v), 64, true, &s), (int64_t)v);
        ck_assert_uint_eq(s.flags, 0);
        f128 half = f128_from_int((int64_t)(v >> 1)) + (v > 1 ? (f128)1 << 47 : 0); /* a little more */
        ck_assert_uint_eq(f128_to_int(half, 64, true, &s), v >> 1);
        ck_assert_uint_eq(s.flags, v > 1 ? FP_INEXACT : 0);
        ck_assert(f128_round_int(half, FP_RTZ, false, &s) == f128_from_int((int64_t)(v >> 1)));
        double d;
        uint64_t bits = v | (uint64_t)(i & 1) << 63;
        memcpy(&d, &bits, sizeof(d));
        s.flags = 0;
        if (d == d) {
            ck_assert_uint_eq(f128_to_f64(f64_to_f128(bits, &s), &s), bits);
            ck_assert_uint_eq(s.flags, 0);
        }
    }
    FpStatus s = {.rules = FP_RULES_PPC};
    ck_assert_uint_eq(f128_to_int(f128_from_int(INT64_C(1) << 31), 32, true, &s), INT32_MAX);
    ck_assert_uint_eq(f128_to_int(f128_from_int(-(INT64_C(1) << 31) - 1), 32, true, &s), UINT64_C(0xffffffff80000000));
    ck_assert_uint_eq(f128_to_int(f128_from_int(-1), 64, false, &s), 0);
    ck_assert_uint_eq(s.flags, FP_INVALID | FP_WHY_INTEGER);
}
END_TEST

#define F(high, low) ((f128)UINT64_C(high) << 64 | (low))
#define A_SNAN F(0x7fff000000000000, 1)
#define QUIET F(0x7fff800000000000, 1)
#define QNAN F(0x7fff800000000000, 2)
#define OTHER F(0xffff800000000000, 3)
#define DEFAULT F(0x7fff800000000000, 0)
#define INF F(0x7fff000000000000, 0)
#define ONE F(0x3fff000000000000, 0)

START_TEST(knows_why) {
    static const struct { f128 a, b, c; int options; f128 want; uint32_t why; } rows[] = {
        {ONE, QNAN, A_SNAN, 0, QUIET, FP_WHY_SNAN}, /* the addend before the second factor */
        {QNAN, A_SNAN, OTHER, 0, QNAN, FP_WHY_SNAN},
        {INF, 0, OTHER, FP_NEG_ADDEND | FP_NEG_RESULT, OTHER, FP_WHY_INF_MUL},
        {INF, 0, A_SNAN, 0, QUIET, FP_WHY_INF_MUL | FP_WHY_SNAN},
        {INF, 0, ONE, FP_NEG_RESULT, DEFAULT, FP_WHY_INF_MUL},
        {INF, ONE, INF, FP_NEG_ADDEND, DEFAULT, FP_WHY_INF_SUB},
        {ONE, ONE, ONE, FP_NEG_RESULT, F(0xc000000000000000, 0), 0},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FpStatus s = {.rules = FP_RULES_PPC};
        f128 got = f128_muladd(rows[i].a, rows[i].b, rows[i].c, rows[i].options, &s);
        ck_assert_msg(got == rows[i].want && s.flags == (rows[i].why | (rows[i].why ? FP_INVALID : 0)), "row %u: flags %x", i, s.flags);
    }
    FpStatus s = {.rules = FP_RULES_PPC};
    f128_div(0, 0, &s);
    f128_div(INF, INF, &s);
    f128_sqrt(ONE | (f128)1 << 127, &s);
    ck_assert_int_eq(f128_compare(ONE, QNAN, true, &s), FP_UNORDERED);
    ck_assert_uint_eq(s.flags, FP_INVALID | FP_WHY_ZERO_DIV | FP_WHY_INF_DIV | FP_WHY_SQRT | FP_WHY_COMPARE);
    s.flags = 0;
    ck_assert(f128_div(ONE, (f128)1 << 127, &s) == (INF | (f128)1 << 127));
    ck_assert_uint_eq(s.flags, FP_DIVZERO);
}
END_TEST

/* x87's precision: 63 bits of fraction. */
START_TEST(extended) {
    static const struct { f128 v; unsigned round; f128 want; uint32_t flags; } rows[] = {
        {F(0x3fff000000000000, UINT64_C(1) << 48), FP_RNE, ONE, FP_INEXACT},
        {F(0x3fff000000000000, UINT64_C(3) << 48), FP_RNE, F(0x3fff000000000000, UINT64_C(4) << 48), FP_INEXACT | FP_ROUNDED_UP},
        {F(0x3fff000000000000, 1), FP_RUP, F(0x3fff000000000000, UINT64_C(1) << 49), FP_INEXACT | FP_ROUNDED_UP},
        {F(0x7ffeffffffffffff, UINT64_MAX), FP_RNE, INF, FP_INEXACT | FP_OVERFLOW | FP_ROUNDED_UP},
        {1, FP_RNE, 0, FP_INEXACT | FP_UNDERFLOW},
        {F(1, 0), FP_RNE, F(1, 0), 0},
        {F(0xfffeffffffffffff, UINT64_MAX), FP_RTZ, F(0xfffeffffffffffff, UINT64_MAX << 49), FP_INEXACT},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FpStatus s = {.rules = FP_RULES_PPC, .detail = true};
        f128 got = f128_round_extended(rows[i].v, rows[i].round, &s);
        ck_assert_msg(got == rows[i].want && s.flags == rows[i].flags, "row %u: flags %x", i, s.flags);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat_quad");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, rounds_once, 0, OPS);
    tcase_add_test(t, integers);
    tcase_add_test(t, knows_why);
    tcase_add_test(t, extended);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
