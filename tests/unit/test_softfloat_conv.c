/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_conv.c - special cases of conversions by tables. All numbers: test_softfloat_ops.c.
 */
#include <check.h>

#include "ir/softfloat.h"
#include "tests/unit/fp_cases.h"

static const FpFormat *const full = &fp_formats[2];

/* Round to odd in between leaves the second rounding right. */
START_TEST(odd_rounding_is_safe) {
    FpCases cases = { .state = 5 };
    for (unsigned long n = fp_case_count(200000); n; n--) {
        f64 a = fp_case(&cases, full);
        a = (a & ~(UINT64_C(0x7ff) << 52)) | (1023 + fp_random(&cases) % 30 - 20) << 52;
        FpStatus s = { .round = fp_random(&cases) & 3 }, t = s;
        ck_assert_uint_eq(f32_to_f16(f64_to_f32_odd(a, &s), &s), f64_to_f16(a, &t));
        ck_assert_uint_eq(s.flags, t.flags);
    }
    FpStatus s = { 0 };
    ck_assert_uint_eq(f64_to_f32_odd(UINT64_C(0x47f0000000000000), &s), 0x7f7fffff); /* 2^128 */
    ck_assert_uint_eq(s.flags, FP_OVERFLOW | FP_INEXACT);
}
END_TEST

START_TEST(special_to_int) {
    static const struct {
        uint32_t a;
        int bits;
        bool is_signed;
        uint64_t want;
        uint32_t flags;
    } rows[] = {
        { 0x7fc00000, 64, true, 0, FP_INVALID },
        { 0xff800001, 32, false, 0, FP_INVALID },
        { 0x7f800000, 32, true, 0x7fffffff, FP_INVALID },
        { 0xff800000, 32, true, UINT64_C(0xffffffff80000000), FP_INVALID },
        { 0x7f800000, 64, false, UINT64_MAX, FP_INVALID },
        { 0xff800000, 64, false, 0, FP_INVALID },
        { 0x4f000000, 32, true, 0x7fffffff, FP_INVALID },  /* 2^31 */
        { 0xcf000000, 32, true, UINT64_C(0xffffffff80000000), 0 },
        { 0xbf000000, 32, false, 0, FP_INEXACT },          /* -1/2 */
        { 0xbf800000, 32, false, 0, FP_INVALID },
        { 0xbfc00000, 64, true, UINT64_MAX, FP_INEXACT },  /* -3/2 */
        { 0x80000000, 32, true, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FpStatus s = { 0 };
        ck_assert_uint_eq(f32_to_int(rows[i].a, rows[i].bits, rows[i].is_signed, 0, FP_RTZ, &s), rows[i].want);
        ck_assert_uint_eq(s.flags, rows[i].flags);
    }
    FpStatus s = { .flush = true };
    ck_assert_uint_eq(f32_to_int(1, 32, true, 0, FP_RUP, &s), 0);
    ck_assert_uint_eq(s.flags, FP_INPUT_DENORMAL);
}
END_TEST

START_TEST(alternative_half) {
    static const struct {
        uint32_t a;
        uint16_t want;
        uint32_t flags;
    } rows[] = {
        { 0x3f800000, 0x3c00, 0 },          { 0x47800000, 0x7c00, 0 },          /* 1, 65536 */
        { 0x47ffe000, 0x7fff, 0 },          { 0x47fff000, 0x7fff, FP_INVALID }, /* 131008; rounds up: too large */
        { 0x47ffefff, 0x7fff, FP_INEXACT }, { 0x477ff000, 0x7c00, FP_INEXACT }, /* the latter 65520 */
        { 0x7f800000, 0x7fff, FP_INVALID }, { 0xff800000, 0xffff, FP_INVALID },
        { 0xffc00001, 0x8000, FP_INVALID }, { 0x33800000, 0x0001, 0 },          /* 2^-24 */
        { 0x33000000, 0x0000, FP_UNDERFLOW | FP_INEXACT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FpStatus s = { .alt_half = true };
        uint16_t got = f32_to_f16(rows[i].a, &s);
        ck_assert_msg(got == rows[i].want && s.flags == rows[i].flags, "%x: %x flags %x", rows[i].a, got, s.flags);
    }
    FpStatus s = { .alt_half = true };
    ck_assert_uint_eq(f16_to_f32(0x7fff, &s), 0x47ffe000);
    ck_assert_uint_eq(f16_to_f64(0xfc00, &s), UINT64_C(0xc0f0000000000000));
    ck_assert_uint_eq(f16_add(0x7c00, 0x3c00, &s), 0x7c00); /* in conversions only */
    ck_assert_uint_eq(s.flags, 0);
}
END_TEST

START_TEST(converts_nans) {
    FpStatus s = { 0 };
    ck_assert_uint_eq(f32_to_f64(0xffc12345, &s), UINT64_C(0xfff82468a0000000));
    ck_assert_uint_eq(f64_to_f32(UINT64_C(0xfff82468a0000000), &s), 0xffc12345);
    ck_assert_uint_eq(f16_to_f32(0x7e01, &s), 0x7fc02000);
    ck_assert_uint_eq(s.flags, 0);
    ck_assert_uint_eq(f64_to_f32(UINT64_C(0x7ff0000000000001), &s), 0x7fc00000);
    ck_assert_uint_eq(s.flags, FP_INVALID);
    s = (FpStatus){ .default_nan = true };
    ck_assert_uint_eq(f32_to_f64(0xffc12345, &s), UINT64_C(0x7ff8000000000000));
    ck_assert_uint_eq(s.flags, 0);
    ck_assert_uint_eq(f64_round_int(UINT64_C(0xfff0000000000001), FP_RNE, true, &s), UINT64_C(0x7ff8000000000000));
    ck_assert_uint_eq(s.flags, FP_INVALID);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat_conv");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, odd_rounding_is_safe);
    tcase_add_test(t, special_to_int);
    tcase_add_test(t, alternative_half);
    tcase_add_test(t, converts_nans);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
