/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_est.c - the estimates: known values, the error bound over all mantissas, special cases.
 */
#include <check.h>

#include "ir/softfloat.h"
#include "tests/unit/fp_cases.h"

#define INEXACT_OVERFLOW (FP_OVERFLOW | FP_INEXACT)

typedef enum Estimate { RECIP, RSQRT, EXPONENT } Estimate;

static uint64_t estimate(Estimate op, const FpFormat *f, uint64_t a, FpStatus *s) {
    switch (op) {
    case RECIP:
        return f->width == 16   ? f16_recip_estimate((f16)a, s)
               : f->width == 32 ? f32_recip_estimate((f32)a, s)
                                : f64_recip_estimate(a, s);
    case RSQRT:
        return f->width == 16   ? f16_rsqrt_estimate((f16)a, s)
               : f->width == 32 ? f32_rsqrt_estimate((f32)a, s)
                                : f64_rsqrt_estimate(a, s);
    default:
        return f->width == 16   ? f16_recip_exponent((f16)a, s)
               : f->width == 32 ? f32_recip_exponent((f32)a, s)
                                : f64_recip_exponent(a, s);
    }
}

static const struct {
    Estimate op;
    uint32_t a;
    FpStatus modes;
    uint32_t want, flags;
} rows[] = {
    { RECIP, 0x3f800000, { 0 }, 0x3f7f8000, 0 },
    { RECIP, 0x40400000, { 0 }, 0x3eaa8000, 0 },
    { RECIP, 0x00000000, { 0 }, 0x7f800000, FP_DIVZERO },
    { RECIP, 0x80000000, { 0 }, 0xff800000, FP_DIVZERO },
    { RECIP, 0xff800000, { 0 }, 0x80000000, 0 },
    { RECIP, 0x7f800001, { 0 }, 0x7fc00001, FP_INVALID },
    { RECIP, 0x00000001, { 0 }, 0x7f800000, INEXACT_OVERFLOW },
    { RECIP, 0x80000001, { .round = FP_RUP }, 0xff7fffff, INEXACT_OVERFLOW },
    { RECIP, 0x80000001, { .round = FP_RDN }, 0xff800000, INEXACT_OVERFLOW },
    { RECIP, 0x00000001, { .round = FP_RTZ }, 0x7f7fffff, INEXACT_OVERFLOW },
    { RECIP, 0x00000001, { .flush = true }, 0x7f800000, FP_DIVZERO | FP_INPUT_DENORMAL },
    { RECIP, 0x00200000, { 0 }, 0x7f7f8000, 0 }, /* 2^-128 */
    { RECIP, 0x7f000000, { 0 }, 0x003fe000, 0 }, /* 2^127: the result is denormal */
    { RECIP, 0x7e800000, { .flush = true }, 0, FP_UNDERFLOW },
    { RECIP, 0x7e7fffff, { .flush = true }, 0x00800000, 0 },
    { RSQRT, 0x3f800000, { 0 }, 0x3f7f8000, 0 },
    { RSQRT, 0x40000000, { 0 }, 0x3f348000, 0 },
    { RSQRT, 0x00000000, { 0 }, 0x7f800000, FP_DIVZERO },
    { RSQRT, 0x80000000, { 0 }, 0xff800000, FP_DIVZERO },
    { RSQRT, 0xbf800000, { 0 }, 0x7fc00000, FP_INVALID },
    { RSQRT, 0xff800000, { 0 }, 0x7fc00000, FP_INVALID },
    { RSQRT, 0x7f800000, { 0 }, 0x00000000, 0 },
    { RSQRT, 0x00000001, { 0 }, 0x64b48000, 0 },
    { RSQRT, 0xffc00001, { .default_nan = true }, 0x7fc00000, 0 },
    { EXPONENT, 0x3f812345, { 0 }, 0x40000000, 0 },
    { EXPONENT, 0x80000000, { 0 }, 0xff000000, 0 },
    { EXPONENT, 0x00000001, { .flush = true }, 0x7f000000, FP_INPUT_DENORMAL },
    { EXPONENT, 0x7f800000, { 0 }, 0x00000000, 0 },
    { EXPONENT, 0xff800001, { 0 }, 0xffc00001, FP_INVALID },
};

START_TEST(known_values) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FpStatus s = rows[i].modes;
        uint64_t got = estimate(rows[i].op, &fp_formats[1], rows[i].a, &s);
        ck_assert_msg(got == rows[i].want && s.flags == rows[i].flags, "row %zu: %x flags %x", i,
                      (unsigned)got, s.flags);
    }
}
END_TEST

/* Eight bits are right whatever the format, and the low bits of the fraction are zero. */
START_TEST(error_is_bounded) {
    const FpFormat *f = &fp_formats[_i];
    FpCases cases = { .state = 6 };
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t a = fp_case(&cases, f) & ((UINT64_C(1) << (f->width - 1)) - 1);
        double v = fp_value(a, f);
        if (v == 0 || isinf(v) || fp_case_is_nan(a, f)) {
            continue;
        }
        FpStatus s = { 0 };
        uint64_t root = estimate(RSQRT, f, a, &s), recip = estimate(RECIP, f, a, &s);
        ck_assert_double_lt(fabs(fp_value(root, f) * sqrt(v) - 1), 1 / 256.);
        ck_assert_uint_eq(root & ((UINT64_C(1) << (f->fraction_bits - 8)) - 1), 0);
        if (!isinf(fp_value(recip, f))) {
            ck_assert_double_lt(fabs(fp_value(recip, f) * v - 1), 1 / 256.);
            ck_assert_uint_eq(s.flags, 0);
        }
    }
}
END_TEST

START_TEST(fixed_point) {
    ck_assert_uint_eq(fp_urecpe(0x7fffffff), UINT32_MAX);
    ck_assert_uint_eq(fp_urecpe(0x80000000), 0xff800000);
    ck_assert_uint_eq(fp_urecpe(0xffffffff), 0x80000000);
    ck_assert_uint_eq(fp_ursqrte(0x3fffffff), UINT32_MAX);
    ck_assert_uint_eq(fp_ursqrte(0x40000000), 0xff800000);
    ck_assert_uint_eq(fp_ursqrte(0xffffffff), 0x80000000);
    for (uint64_t a = 0x40000000; a <= UINT32_MAX; a += 0x3fff1) {
        double v = ldexp((double)a, -32);
        if (a >> 31) {
            ck_assert_double_lt(fabs(ldexp(fp_urecpe((uint32_t)a), -31) * v - 1), 1 / 256.);
        }
        ck_assert_double_lt(fabs(ldexp(fp_ursqrte((uint32_t)a), -31) * sqrt(v) - 1), 1 / 256.);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat_est");
    TCase *t = tcase_create("all");
    tcase_add_test(t, known_values);
    tcase_add_loop_test(t, error_is_bounded, 0, 3);
    tcase_add_test(t, fixed_point);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
