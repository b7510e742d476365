/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_ppc.c - what PowerPC adds to the soft float: results of single precision in the format of doubles, FR, exponents
 * wrapped for traps (against MPFR), its NaNs, why an operation is invalid.
 * Spec: Power ISA 3.0B Book I, 4.3.5, 4.4.
 */
#include <check.h>
#include <inttypes.h>
#include <mpfr.h>
#include <string.h>

#include "ir/softfloat.h"
#include "tests/unit/fp_reference.h"

static uint64_t next(uint64_t *seed) {
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Around the range of singles and around ties. */
static double number(uint64_t *seed) {
    uint64_t v = next(seed), spread = next(seed) % 4, keep = next(seed) % 3;
    uint64_t exponent = spread == 0 ? 1023 - 160 + v % 320 : spread == 1 ? 1023 - 75 + v % 8 : spread == 2 ? 1023 + 61 + v % 8 : 1020 + v % 8;
    uint64_t fraction = next(seed) >> 12;
    fraction &= keep == 0 ? ~UINT64_C(0) : keep == 1 ? ~UINT64_C(0x1fffffff) : ~UINT64_C(0x0fffffff);
    uint64_t bits = (v >> 63) << 63 | exponent << 52 | fraction;
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static uint64_t bits_of(double d) {
    uint64_t v;
    memcpy(&v, &d, sizeof(v));
    return v;
}

enum { ADD, SUB, MUL, DIV, SQRT, MULADD, ROUND, OPS };

static void exactly(mpfr_t r, int op, double a, double b, double c, bool *nearly) {
    mpfr_t x, y, z;
    mpfr_inits2(53, x, y, z, (mpfr_ptr)NULL);
    mpfr_set_d(x, a, MPFR_RNDN);
    mpfr_set_d(y, b, MPFR_RNDN);
    mpfr_set_d(z, c, MPFR_RNDN);
    int t = op == ADD ? mpfr_add(r, x, y, MPFR_RNDZ) : op == SUB ? mpfr_sub(r, x, y, MPFR_RNDZ) : op == MUL ? mpfr_mul(r, x, y, MPFR_RNDZ)
            : op == DIV ? mpfr_div(r, x, y, MPFR_RNDZ) : op == SQRT ? mpfr_sqrt(r, x, MPFR_RNDZ)
            : op == MULADD ? mpfr_fma(r, x, y, z, MPFR_RNDZ) : mpfr_set(r, x, MPFR_RNDZ);
    *nearly = t != 0; /* there is more below the last of very many bits */
    mpfr_clears(x, y, z, (mpfr_ptr)NULL);
}

/* The result and its flags by the definition: a magnitude in units of the last place, and what is cut off. */
static uint64_t expected(mpfr_t r, bool nearly, unsigned round, unsigned traps, uint32_t *flags) {
    bool sign = mpfr_signbit(r);
    long e = mpfr_get_exp(r) - 1; /* 1.f * 2^e */
    bool tiny = e < -126;
    long unit = (tiny && !(traps & FP_UNDERFLOW) ? -126 : e) - 23;
    mpfr_t m, whole, rest;
    mpfr_inits2(4000, m, whole, rest, (mpfr_ptr)NULL);
    mpfr_abs(m, r, MPFR_RNDN);
    mpfr_mul_2si(m, m, -unit, MPFR_RNDN);
    mpfr_floor(whole, m);
    mpfr_sub(rest, m, whole, MPFR_RNDN);
    uint64_t n = mpfr_get_ui(whole, MPFR_RNDN);
    int half = mpfr_cmp_d(rest, 0.5);
    half = half == 0 && nearly ? 1 : half;
    bool inexact = !mpfr_zero_p(rest) || nearly;
    bool up = inexact && (round == FP_RNE ? half > 0 || (half == 0 && n & 1) : round == FP_RUP ? !sign : round == FP_RDN ? sign : false);
    mpfr_clears(m, whole, rest, (mpfr_ptr)NULL);
    n += up;
    *flags = (inexact ? FP_INEXACT : 0) | (up ? FP_ROUNDED_UP : 0);
    bool huge = unit + 23 + (n == UINT64_C(1) << 24) > 127;
    double d = (double)n;
    uint64_t v = bits_of(d);
    long scale = unit;
    if (huge && !(traps & FP_OVERFLOW)) {
        bool infinite = round == FP_RNE || round == (sign ? FP_RDN : FP_RUP);
        *flags = FP_OVERFLOW | FP_INEXACT | (infinite ? FP_ROUNDED_UP : 0);
        return (uint64_t)sign << 63 | (infinite ? UINT64_C(0x7ff0000000000000) : UINT64_C(0x47efffffe0000000));
    }
    if (huge || (tiny && traps & FP_UNDERFLOW)) {
        *flags |= huge ? FP_OVERFLOW : FP_UNDERFLOW;
        scale += huge ? -192 : 192;
    } else if (tiny && inexact) {
        *flags |= FP_UNDERFLOW;
    }
    return (uint64_t)sign << 63 | (n ? v + ((uint64_t)scale << 52) : 0);
}

static uint64_t run(int op, uint64_t a, uint64_t b, uint64_t c, FpStatus *s) {
    switch (op) {
    case ADD: return f64_single_add(a, b, s);
    case SUB: return f64_single_sub(a, b, s);
    case MUL: return f64_single_mul(a, b, s);
    case DIV: return f64_single_div(a, b, s);
    case SQRT: return f64_single_sqrt(a, s);
    case MULADD: return f64_single_muladd(a, b, c, 0, s);
    default: return f64_single_round(a, s);
    }
}

START_TEST(rounds_once) {
    uint64_t seed = (uint64_t)_i;
    mpfr_t r;
    fp_wide_range();
    mpfr_init2(r, 3000);
    for (unsigned i = 0; i < 20000; i++) {
        static const uint8_t traps[] = {0, 0, FP_OVERFLOW, FP_UNDERFLOW, FP_OVERFLOW | FP_UNDERFLOW};
        FpStatus s = {.rules = FP_RULES_PPC, .round = next(&seed) % 4, .detail = true, .traps = traps[next(&seed) % 5]};
        double a = number(&seed), b = number(&seed), c = number(&seed);
        a = _i == SQRT && a < 0 ? -a : a;
        bool nearly;
        exactly(r, _i, a, b, c, &nearly);
        if (mpfr_zero_p(r)) {
            continue;
        }
        uint32_t flags;
        uint64_t want = expected(r, nearly, s.round, s.traps, &flags);
        uint64_t got = run(_i, bits_of(a), bits_of(b), bits_of(c), &s);
        ck_assert_msg(got == want && s.flags == flags, "op %d of %a %a %a, round %d, traps %x: %" PRIx64 " flags %x, not %" PRIx64 " %x",
                      _i, a, b, c, s.round, s.traps, got, s.flags, want, flags);
    }
    mpfr_clear(r);
}
END_TEST

#define A_SNAN UINT64_C(0x7ff0000000000001)
#define QNAN UINT64_C(0x7ff8000000000002)
#define OTHER UINT64_C(0xfff8000000000003)
#define QUIET UINT64_C(0x7ff8000000000001)
#define DEFAULT UINT64_C(0x7ff8000000000000)
#define INF UINT64_C(0x7ff0000000000000)
#define ONE UINT64_C(0x3ff0000000000000)

START_TEST(knows_why) {
    static const struct { uint64_t a, b, c; int options; uint64_t want; uint32_t why; } rows[] = {
        {ONE, QNAN, A_SNAN, 0, QUIET, FP_WHY_SNAN},          /* the addend before the second factor */
        {QNAN, A_SNAN, OTHER, 0, QNAN, FP_WHY_SNAN},
        {INF, 0, OTHER, FP_NEG_ADDEND | FP_NEG_RESULT, OTHER, FP_WHY_INF_MUL},
        {INF, 0, A_SNAN, 0, QUIET, FP_WHY_INF_MUL | FP_WHY_SNAN},
        {INF, 0, ONE, FP_NEG_RESULT, DEFAULT, FP_WHY_INF_MUL},
        {INF, ONE, INF, FP_NEG_ADDEND, DEFAULT, FP_WHY_INF_SUB},
        {ONE, ONE, ONE, FP_NEG_RESULT, UINT64_C(0xc000000000000000), 0},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FpStatus s = {.rules = FP_RULES_PPC};
        uint64_t got = f64_muladd(rows[i].a, rows[i].b, rows[i].c, rows[i].options, &s);
        ck_assert_msg(got == rows[i].want && s.flags == (rows[i].why | (rows[i].why ? FP_INVALID : 0)), "row %u: %" PRIx64 " flags %x",
                      i, got, s.flags);
    }
    FpStatus s = {.rules = FP_RULES_PPC};
    ck_assert_uint_eq(f64_add(OTHER, A_SNAN, &s), OTHER);
    ck_assert_uint_eq(f64_maxnum(OTHER, A_SNAN, &s), OTHER);
    ck_assert_uint_eq(f64_maxnum(ONE, OTHER, &s), ONE);
    ck_assert_uint_eq(s.flags, FP_INVALID | FP_WHY_SNAN);
    s.flags = 0;
    ck_assert_uint_eq(f64_to_int(QNAN, 32, true, 0, FP_RTZ, &s), (uint64_t)INT32_MIN);
    ck_assert_uint_eq(s.flags, FP_INVALID | FP_WHY_INTEGER);
    s.flags = 0;
    f64_div(0, 0, &s);
    f64_div(INF, INF, &s);
    f64_sqrt(ONE | UINT64_C(1) << 63, &s);
    f64_compare(ONE, QNAN, true, &s);
    ck_assert_uint_eq(s.flags, FP_INVALID | FP_WHY_ZERO_DIV | FP_WHY_INF_DIV | FP_WHY_SQRT | FP_WHY_COMPARE);
    FpStatus arm = {.rules = FP_RULES_ARM};
    f64_div(0, 0, &arm);
    ck_assert_uint_eq(arm.flags, FP_INVALID);
}
END_TEST

START_TEST(singles_as_doubles) {
    uint64_t seed = 1;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t v = (uint32_t)next(&seed) >> (next(&seed) % 12 ? 0 : 9);
        float x;
        memcpy(&x, &v, sizeof(x));
        uint64_t wide = f32_as_f64(v);
        ck_assert_uint_eq(f64_as_f32(wide), v);
        if (x == x) {
            ck_assert_uint_eq(wide, bits_of(x));
        }
    }
    ck_assert_uint_eq(f32_as_f64(0x7f812345), UINT64_C(0x7ff02468a0000000));
    ck_assert_uint_eq(f64_as_f32(UINT64_C(0x3690000000000000)), 0);
    ck_assert_uint_eq(f64_as_f32(UINT64_C(0x3fffffffffffffff)), 0x3fffffff);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat_ppc");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, rounds_once, 0, OPS);
    tcase_add_test(t, knows_why);
    tcase_add_test(t, singles_as_doubles);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
