/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat.c - arithmetic against MPFR, against the host's own, and Arm's NaN and flushing rules by tables.
 */
#include <check.h>
#include <fenv.h>
#include <inttypes.h>

#include "tests/unit/fp_reference.h"

enum { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_SQRT, OP_MULADD, OP_RECIP_STEP, OP_RSQRT_STEP, ROUNDED_OPS,
       OP_MIN = ROUNDED_OPS, OP_MAX, OP_MINNUM, OP_MAXNUM, OP_MULX };

static const char *const op_names[] = { "add", "sub", "mul", "div", "sqrt", "muladd", "recip_step", "rsqrt_step",
                                        "min", "max", "minnum", "maxnum", "mulx" };

typedef struct Case {
    int op;
    uint64_t a, b, c;
    int options; /* of muladd */
} Case;

#define RUN(F)                                                                                                         \
    static uint64_t run_##F(const Case *t, FpStatus *s) {                                                              \
        F a = (F)t->a, b = (F)t->b, c = (F)t->c;                                                                       \
        switch (t->op) {                                                                                               \
        case OP_ADD: return F##_add(a, b, s);                                                                          \
        case OP_SUB: return F##_sub(a, b, s);                                                                          \
        case OP_MUL: return F##_mul(a, b, s);                                                                          \
        case OP_DIV: return F##_div(a, b, s);                                                                          \
        case OP_SQRT: return F##_sqrt(a, s);                                                                           \
        case OP_MULADD: return F##_muladd(a, b, c, t->options, s);                                                     \
        case OP_RECIP_STEP: return F##_recip_step(a, b, s);                                                            \
        case OP_RSQRT_STEP: return F##_rsqrt_step(a, b, s);                                                            \
        case OP_MIN: return F##_min(a, b, s);                                                                          \
        case OP_MAX: return F##_max(a, b, s);                                                                          \
        case OP_MINNUM: return F##_minnum(a, b, s);                                                                    \
        case OP_MAXNUM: return F##_maxnum(a, b, s);                                                                    \
        default: return F##_mulx(a, b, s);                                                                             \
        }                                                                                                              \
    }
RUN(f16)
RUN(f32)
RUN(f64)

static uint64_t run(const FpFormat *f, const Case *t, FpStatus *s) {
    return f->width == 16 ? run_f16(t, s) : f->width == 32 ? run_f32(t, s) : run_f64(t, s);
}

/* -- against MPFR -- */

static int mpfr_result(mpfr_t x, const Case *t, mpfr_t a, mpfr_t b, mpfr_t c, mpfr_rnd_t round) {
    int inexact;
    switch (t->op) {
    case OP_ADD: return mpfr_add(x, a, b, round);
    case OP_SUB: return mpfr_sub(x, a, b, round);
    case OP_MUL: return mpfr_mul(x, a, b, round);
    case OP_DIV: return mpfr_div(x, a, b, round);
    case OP_SQRT: return mpfr_sqrt(x, a, round);
    case OP_MULADD: return mpfr_fma(x, a, b, c, round);
    default:
        inexact = mpfr_fma(x, a, b, c, round);
        if (t->op == OP_RSQRT_STEP) {
            mpfr_div_2ui(x, x, 1, MPFR_RNDN); /* exact: the range is wide */
        }
        return inexact;
    }
}

static uint64_t expected(const FpFormat *f, const Case *t, const FpStatus *s, uint32_t *flags) {
    uint64_t in[3] = { t->a, t->b, t->c };
    bool flush = f->width == 16 ? s->flush16 : s->flush;
    int operands = t->op == OP_SQRT ? 1 : t->op == OP_MULADD ? 3 : 2;
    mpfr_t v[3], x, zero;
    for (int i = 0; i < 3; i++) {
        if (flush && i < operands && fp_case_is_denormal(in[i], f)) {
            in[i] &= UINT64_C(1) << (f->width - 1);
            *flags |= f->width == 16 ? 0 : FP_INPUT_DENORMAL;
        }
        mpfr_init2(v[i], 64);
        mpfr_set_d(v[i], fp_value(in[i], f), MPFR_RNDN);
    }
    mpfr_init2(x, f->fraction_bits + 1);
    mpfr_init2(zero, f->fraction_bits + 1);
    if (t->op == OP_MULADD) {
        mpfr_setsign(v[0], v[0], mpfr_signbit(v[0]) ^ (t->options & FP_NEG_PRODUCT), MPFR_RNDN);
        mpfr_setsign(v[2], v[2], mpfr_signbit(v[2]) ^ !!(t->options & FP_NEG_ADDEND), MPFR_RNDN);
    } else if (t->op == OP_RECIP_STEP || t->op == OP_RSQRT_STEP) {
        mpfr_neg(v[0], v[0], MPFR_RNDN);
        mpfr_set_ui(v[2], t->op == OP_RECIP_STEP ? 2 : 3, MPFR_RNDN);
        if ((mpfr_inf_p(v[0]) && mpfr_zero_p(v[1])) || (mpfr_zero_p(v[0]) && mpfr_inf_p(v[1]))) {
            mpfr_set_zero(v[0], 1);
            mpfr_set_zero(v[1], 1);
        }
    }
    mpfr_result(zero, t, v[0], v[1], v[2], MPFR_RNDZ);
    mpfr_clear_flags();
    int inexact = mpfr_result(x, t, v[0], v[1], v[2], fp_mpfr_round[s->round]);
    uint64_t r = fp_reference(x, inexact, zero, f, s->round, flush, flags);
    mpfr_clears(v[0], v[1], v[2], x, zero, (mpfr_ptr)NULL);
    return r;
}

START_TEST(agrees_with_mpfr) {
    FpCases cases = { .state = 1 + (uint64_t)_i };
    fp_wide_range();
    for (unsigned long n = fp_case_count(200000); n; n--) {
        const FpFormat *f = &fp_formats[fp_random(&cases) % 3];
        uint64_t r = fp_random(&cases);
        Case t = { _i, fp_case(&cases, f), fp_case(&cases, f), fp_case(&cases, f), r & 3 };
        if (fp_case_is_nan(t.a, f) || fp_case_is_nan(t.b, f) || fp_case_is_nan(t.c, f)) {
            continue;
        }
        FpStatus s = { .round = r >> 2 & 3, .flush = (r >> 4 & 7) == 0, .flush16 = (r >> 7 & 7) == 0 };
        uint32_t flags = 0;
        uint64_t want = expected(f, &t, &s, &flags), got = run(f, &t, &s);
        ck_assert_msg(got == want && s.flags == flags,
                      "f%d_%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") options %d round %d flush %d %d: "
                      "%" PRIx64 " flags %x, not %" PRIx64 " flags %x",
                      f->width, op_names[_i], t.a, t.b, t.c, t.options, s.round, s.flush, s.flush16, got, s.flags,
                      want, flags);
    }
}
END_TEST

/* -- against the host -- */

#define HOST(F, T, SQRT, FMA)                                                                                          \
    static uint64_t host_##F(const Case *t) {                                                                          \
        union { F u; T t; } a = { (F)t->a }, b = { (F)t->b }, c = { (F)t->c }, r;                                      \
        volatile T x = a.t, y = b.t, z = c.t, v;                                                                       \
        switch (t->op) {                                                                                               \
        case OP_ADD: v = x + y; break;                                                                                 \
        case OP_SUB: v = x - y; break;                                                                                 \
        case OP_MUL: v = x * y; break;                                                                                 \
        case OP_DIV: v = x / y; break;                                                                                 \
        case OP_SQRT: v = SQRT(x); break;                                                                              \
        default: v = FMA(x, y, z);                                                                                     \
        }                                                                                                              \
        r.t = v;                                                                                                       \
        return r.u;                                                                                                    \
    }
HOST(f32, float, sqrtf, fmaf)
HOST(f64, double, sqrt, fma)

static uint32_t host_flags(void) {
    int x = fetestexcept(FE_ALL_EXCEPT);
    return (x & FE_INVALID ? FP_INVALID : 0) | (x & FE_DIVBYZERO ? FP_DIVZERO : 0) |
           (x & FE_OVERFLOW ? FP_OVERFLOW : 0) | (x & FE_UNDERFLOW ? FP_UNDERFLOW : 0) |
           (x & FE_INEXACT ? FP_INEXACT : 0);
}

START_TEST(agrees_with_host) {
    static const int modes[] = { [FP_RNE] = FE_TONEAREST, [FP_RUP] = FE_UPWARD, [FP_RDN] = FE_DOWNWARD,
                                 [FP_RTZ] = FE_TOWARDZERO };
    FpCases cases = { .state = 100 + (uint64_t)_i };
    for (unsigned long n = fp_case_count(200000); n; n--) {
        uint64_t r = fp_random(&cases);
        const FpFormat *f = &fp_formats[1 + (r & 1)];
        Case t = { _i, fp_case(&cases, f), fp_case(&cases, f), fp_case(&cases, f), 0 };
        FpStatus s = { .round = r >> 2 & 3 };
        fesetround(modes[s.round]);
        feclearexcept(FE_ALL_EXCEPT);
        uint64_t want = f->width == 32 ? host_f32(&t) : host_f64(&t);
        uint32_t flags = host_flags();
        fesetround(FE_TONEAREST);
        uint64_t got = run(f, &t, &s);
        if (fp_case_is_nan(want, f)) { /* which NaN, and 0 * infinity + NaN, are the host's own business */
            ck_assert(fp_case_is_nan(got, f));
            continue;
        }
        uint32_t mask = ~0u;
        if ((want & ((UINT64_C(1) << (f->width - 1)) - 1)) == UINT64_C(1) << f->fraction_bits) {
            mask &= ~(uint32_t)FP_UNDERFLOW; /* the host may detect tininess after rounding */
        }
        ck_assert_msg(got == want && !((s.flags ^ flags) & mask),
                      "f%d_%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") round %d: %" PRIx64 " flags %x, host has %" PRIx64
                      " flags %x", f->width, op_names[_i], t.a, t.b, t.c, s.round, got, s.flags, want, flags);
    }
}
END_TEST

START_TEST(orders_as_the_host) {
    FpCases cases = { .state = 77 };
    for (unsigned long n = fp_case_count(200000); n; n--) {
        union { f64 u; double d; } a, b;
        a.u = fp_case(&cases, &fp_formats[2]);
        b.u = fp_random(&cases) & 7 ? fp_case(&cases, &fp_formats[2]) : a.u ^ (fp_random(&cases) & 1) << 63;
        FpStatus s = { 0 };
        FpOrder want = a.d < b.d ? FP_LESS : a.d > b.d ? FP_GREATER : a.d == b.d ? FP_EQUAL : FP_UNORDERED;
        ck_assert_int_eq(f64_compare(a.u, b.u, false, &s), want);
        if (want != FP_UNORDERED) {
            f64 least = f64_min(a.u, b.u, &s), greatest = f64_max(a.u, b.u, &s);
            ck_assert_uint_eq(s.flags, 0);
            ck_assert(least == a.u ? greatest == b.u : least == b.u && greatest == a.u);
            ck_assert(want == FP_EQUAL ? least >= greatest : (least == a.u) == (want == FP_LESS));
        }
    }
}
END_TEST

/* -- tables: f32 unless said otherwise -- */

#define SNAN1 0x7f800001
#define QNAN1 0x7fc00001
#define SNAN2 0xff812345
#define QNAN2 0xffc12345
#define QUIET1 QNAN1
#define QUIET2 QNAN2
#define DEFAULT_NAN 0x7fc00000
#define INF 0x7f800000
#define NEG_INF 0xff800000
#define ZERO 0
#define NEG_ZERO 0x80000000
#define ONE 0x3f800000
#define NEG_ONE 0xbf800000
#define TWO 0x40000000
#define DENORMAL 0x00000001
#define MIN_NORMAL 0x00800000
#define MAX_NORMAL 0x7f7fffff

enum { DN = 1, FZ = 2 };

typedef struct Row {
    Case in;
    int modes;
    uint32_t want, flags;
} Row;

static const Row nan_rows[] = {
    { { OP_ADD, QNAN1, SNAN2, 0, 0 }, 0, QUIET2, FP_INVALID },
    { { OP_ADD, SNAN1, SNAN2, 0, 0 }, 0, QUIET1, FP_INVALID },
    { { OP_ADD, QNAN1, QNAN2, 0, 0 }, 0, QNAN1, 0 },
    { { OP_ADD, ONE, QNAN2, 0, 0 }, 0, QNAN2, 0 },
    { { OP_SUB, ONE, QNAN2, 0, 0 }, 0, QNAN2, 0 },
    { { OP_ADD, ONE, QNAN2, 0, 0 }, DN, DEFAULT_NAN, 0 },
    { { OP_ADD, ONE, SNAN2, 0, 0 }, DN, DEFAULT_NAN, FP_INVALID },
    { { OP_SUB, INF, INF, 0, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_MUL, ZERO, NEG_INF, 0, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_DIV, INF, NEG_INF, 0, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_DIV, ZERO, NEG_ZERO, 0, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_SQRT, NEG_ONE, 0, 0, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_SQRT, SNAN2, 0, 0, 0 }, 0, QUIET2, FP_INVALID },
    /* the addend comes first */
    { { OP_MULADD, QNAN1, ONE, QNAN2, 0 }, 0, QNAN2, 0 },
    { { OP_MULADD, SNAN1, ONE, QNAN2, 0 }, 0, QUIET1, FP_INVALID },
    { { OP_MULADD, SNAN1, SNAN2, ONE, 0 }, 0, QUIET1, FP_INVALID },
    { { OP_MULADD, ONE, SNAN2, QNAN1, 0 }, 0, QUIET2, FP_INVALID },
    { { OP_MULADD, ONE, QNAN2, ONE, 0 }, 0, QNAN2, 0 },
    { { OP_MULADD, QNAN1, ONE, ONE, FP_NEG_PRODUCT }, 0, QNAN1 ^ NEG_ZERO, 0 },
    { { OP_MULADD, ONE, QNAN1, ONE, FP_NEG_PRODUCT }, 0, QNAN1, 0 },
    { { OP_MULADD, ONE, ONE, QNAN1, FP_NEG_ADDEND }, 0, QNAN1 ^ NEG_ZERO, 0 },
    /* zero by infinity beats a quiet NaN addend, not a signalling one */
    { { OP_MULADD, INF, ZERO, QNAN2, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_MULADD, ZERO, INF, SNAN2, 0 }, 0, QUIET2, FP_INVALID },
    { { OP_MULADD, INF, ONE, NEG_INF, 0 }, 0, DEFAULT_NAN, FP_INVALID },
    { { OP_MULADD, INF, ONE, NEG_INF, FP_NEG_ADDEND }, 0, INF, 0 },
    /* the first operand is negated before it is looked at */
    { { OP_RECIP_STEP, QNAN1, ONE, 0, 0 }, 0, QNAN1 ^ NEG_ZERO, 0 },
    { { OP_RECIP_STEP, ZERO, INF, 0, 0 }, 0, TWO, 0 },
    { { OP_RSQRT_STEP, NEG_INF, ZERO, 0, 0 }, 0, 0x3fc00000, 0 },
    { { OP_RECIP_STEP, INF, ONE, 0, 0 }, 0, NEG_INF, 0 },
    { { OP_MIN, ONE, QNAN1, 0, 0 }, 0, QNAN1, 0 },
    { { OP_MAX, SNAN1, ONE, 0, 0 }, 0, QUIET1, FP_INVALID },
    { { OP_MINNUM, ONE, QNAN1, 0, 0 }, 0, ONE, 0 },
    { { OP_MAXNUM, QNAN1, NEG_ONE, 0, 0 }, 0, NEG_ONE, 0 },
    { { OP_MAXNUM, QNAN1, NEG_INF, 0, 0 }, 0, NEG_INF, 0 },
    { { OP_MAXNUM, QNAN1, QNAN2, 0, 0 }, 0, QNAN1, 0 },
    { { OP_MINNUM, QNAN1, SNAN2, 0, 0 }, 0, QUIET2, FP_INVALID },
    { { OP_MINNUM, SNAN1, ONE, 0, 0 }, DN, DEFAULT_NAN, FP_INVALID },
    { { OP_MULX, NEG_ZERO, INF, 0, 0 }, 0, TWO ^ NEG_ZERO, 0 },
    { { OP_MULX, NEG_INF, NEG_ZERO, 0, 0 }, 0, TWO, 0 },
    { { OP_MULX, SNAN1, ONE, 0, 0 }, 0, QUIET1, FP_INVALID },
};

static const Row flush_rows[] = {
    { { OP_ADD, DENORMAL, ONE, 0, 0 }, FZ, ONE, FP_INPUT_DENORMAL },
    { { OP_ADD, DENORMAL, ONE, 0, 0 }, 0, ONE, FP_INEXACT },
    { { OP_ADD, DENORMAL, QNAN1, 0, 0 }, FZ, QNAN1, FP_INPUT_DENORMAL },
    { { OP_MAX, DENORMAL, ZERO, 0, 0 }, FZ, ZERO, FP_INPUT_DENORMAL },
    { { OP_MAX, DENORMAL, ZERO, 0, 0 }, 0, DENORMAL, 0 },
    { { OP_MIN, NEG_ZERO, ZERO, 0, 0 }, 0, NEG_ZERO, 0 },
    { { OP_MAX, NEG_ZERO, ZERO, 0, 0 }, 0, ZERO, 0 },
    { { OP_MAXNUM, NEG_ZERO, ZERO, 0, 0 }, 0, ZERO, 0 },
    { { OP_DIV, ONE, DENORMAL, 0, 0 }, FZ, INF, FP_DIVZERO | FP_INPUT_DENORMAL },
    { { OP_SUB, MIN_NORMAL + 1, MIN_NORMAL, 0, 0 }, FZ, ZERO, FP_UNDERFLOW },
    { { OP_SUB, MIN_NORMAL + 1, MIN_NORMAL, 0, 0 }, 0, DENORMAL, 0 },
    /* tiny before rounding though the rounded value is not */
    { { OP_MUL, MIN_NORMAL | 0x7fffff, 0x3f000000, 0, 0 }, 0, MIN_NORMAL, FP_UNDERFLOW | FP_INEXACT },
    { { OP_MUL, MIN_NORMAL | 0x7fffff, 0x3f000000, 0, 0 }, FZ, ZERO, FP_UNDERFLOW },
    { { OP_MUL, MAX_NORMAL, TWO, 0, 0 }, 0, INF, FP_OVERFLOW | FP_INEXACT },
};

static void check_rows(const Row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const Row *r = &rows[i];
        FpStatus s = { .default_nan = r->modes & DN, .flush = r->modes & FZ };
        uint64_t got = run(&fp_formats[1], &r->in, &s);
        ck_assert_msg(got == r->want && s.flags == r->flags,
                      "row %zu, f32_%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 "): %" PRIx64 " flags %x, not %x flags %x",
                      i, op_names[r->in.op], r->in.a, r->in.b, r->in.c, got, s.flags, r->want, r->flags);
    }
}

START_TEST(propagates_nans) {
    check_rows(nan_rows, sizeof nan_rows / sizeof *nan_rows);
}
END_TEST

START_TEST(flushes) {
    check_rows(flush_rows, sizeof flush_rows / sizeof *flush_rows);
}
END_TEST

/* 2 - 2^-52 and 2^-52 + 2^-104: the carry must not push out what has been shifted below the last bit. */
START_TEST(carry_keeps_what_is_lost) {
    FpStatus s = { .round = FP_RUP };
    ck_assert_uint_eq(f64_add(UINT64_C(0x3fffffffffffffff), UINT64_C(0x3cb0000000000001), &s),
                      UINT64_C(0x4000000000000001));
    ck_assert_uint_eq(s.flags, FP_INEXACT);
}
END_TEST

START_TEST(half_flushes_by_its_own_mode) {
    FpStatus s = { .flush = true };
    ck_assert_uint_eq(f16_add(0x0001, 0x0001, &s), 0x0002);
    s.flush16 = true;
    ck_assert_uint_eq(f16_add(0x0001, 0x3c00, &s), 0x3c00);
    ck_assert_uint_eq(s.flags, 0); /* no INPUT_DENORMAL */
    ck_assert_uint_eq(f16_sub(0x0401, 0x0400, &s), 0);
    ck_assert_uint_eq(s.flags, FP_UNDERFLOW);
}
END_TEST

START_TEST(compare_signals) {
    static const struct {
        uint32_t a, b;
        bool signalling;
        uint32_t flags;
    } rows[] = {
        { ONE, QNAN1, false, 0 },         { ONE, QNAN1, true, FP_INVALID }, { SNAN1, ONE, false, FP_INVALID },
        { QNAN1, SNAN2, true, FP_INVALID },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FpStatus s = { 0 };
        ck_assert_int_eq(f32_compare(rows[i].a, rows[i].b, rows[i].signalling, &s), FP_UNORDERED);
        ck_assert_uint_eq(s.flags, rows[i].flags);
    }
    FpStatus s = { .flush = true };
    ck_assert_int_eq(f32_compare(DENORMAL, NEG_ZERO, true, &s), FP_EQUAL);
    ck_assert_uint_eq(s.flags, FP_INPUT_DENORMAL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, agrees_with_mpfr, 0, ROUNDED_OPS);
    tcase_add_loop_test(t, agrees_with_host, 0, OP_MULADD + 1);
    tcase_add_test(t, orders_as_the_host);
    tcase_add_test(t, propagates_nans);
    tcase_add_test(t, flushes);
    tcase_add_test(t, carry_keeps_what_is_lost);
    tcase_add_test(t, half_flushes_by_its_own_mode);
    tcase_add_test(t, compare_signals);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
