/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_conv.c - conversions against MPFR, their special cases by tables.
 */
#include <check.h>
#include <inttypes.h>

#include "tests/unit/fp_reference.h"

static const FpFormat *const half = &fp_formats[0], *const single = &fp_formats[1], *const full = &fp_formats[2];

static uint64_t to_int(const FpFormat *f, uint64_t a, int bits, bool is_signed, int fbits, FpRound r, FpStatus *s) {
    return f == half     ? f16_to_int((f16)a, bits, is_signed, fbits, r, s)
           : f == single ? f32_to_int((f32)a, bits, is_signed, fbits, r, s)
                         : f64_to_int(a, bits, is_signed, fbits, r, s);
}

static uint64_t round_int(const FpFormat *f, uint64_t a, FpRound r, bool exact, FpStatus *s) {
    return f == half     ? f16_round_int((f16)a, r, exact, s)
           : f == single ? f32_round_int((f32)a, r, exact, s)
                         : f64_round_int(a, r, exact, s);
}

static uint64_t from_int(const FpFormat *f, uint64_t v, bool is_signed, int fbits, FpStatus *s) {
    if (is_signed) {
        int64_t i = (int64_t)v;
        return f == half     ? f16_from_int(i, fbits, s)
               : f == single ? f32_from_int(i, fbits, s)
                             : f64_from_int(i, fbits, s);
    }
    return f == half     ? f16_from_uint(v, fbits, s)
           : f == single ? f32_from_uint(v, fbits, s)
                         : f64_from_uint(v, fbits, s);
}

static uint64_t convert(const FpFormat *to, const FpFormat *from, uint64_t a, FpStatus *s) {
    if (from == half) {
        return to == single ? f16_to_f32((f16)a, s) : f16_to_f64((f16)a, s);
    }
    if (from == single) {
        return to == half ? f32_to_f16((f32)a, s) : f32_to_f64((f32)a, s);
    }
    return to == half ? f64_to_f16(a, s) : f64_to_f32(a, s);
}

static void mpfr_to_integral(mpfr_t x, mpfr_t a, FpRound r) {
    if (r == FP_RNA) {
        mpfr_round(x, a);
    } else {
        mpfr_rint(x, a, fp_mpfr_round[r]);
    }
}

/* The integer of a * 2^fbits, saturated. */
static uint64_t expected_int(double a, int bits, bool is_signed, int fbits, FpRound r, uint32_t *flags) {
    mpfr_t v, x, limit;
    mpfr_inits2(2400, v, x, limit, (mpfr_ptr)NULL);
    mpfr_set_d(v, a, MPFR_RNDN);
    mpfr_mul_2si(v, v, fbits, MPFR_RNDN);
    mpfr_to_integral(x, v, r);
    uint32_t raised = mpfr_equal_p(x, v) ? 0 : FP_INEXACT;
    mpfr_set_ui_2exp(limit, 1, bits - is_signed, MPFR_RNDN);
    mpfr_sub_ui(limit, limit, 1, MPFR_RNDN);
    if (mpfr_cmp(x, limit) > 0) {
        mpfr_set(x, limit, MPFR_RNDN);
        raised = FP_INVALID;
    }
    mpfr_set_si_2exp(limit, is_signed ? -1 : 0, bits - 1, MPFR_RNDN);
    if (mpfr_cmp(x, limit) < 0) {
        mpfr_set(x, limit, MPFR_RNDN);
        raised = FP_INVALID;
    }
    *flags |= raised;
    uint64_t i = is_signed ? (uint64_t)mpfr_get_sj(x, MPFR_RNDN) : mpfr_get_uj(x, MPFR_RNDN);
    mpfr_clears(v, x, limit, (mpfr_ptr)NULL);
    return i;
}

START_TEST(to_int_agrees_with_mpfr) {
    static const int widths[] = { 16, 32, 64, 64 };
    FpCases cases = { .state = 1 };
    fp_wide_range();
    for (unsigned long n = fp_case_count(200000); n; n--) {
        const FpFormat *f = &fp_formats[fp_random(&cases) % 3];
        uint64_t r = fp_random(&cases), a = fp_case(&cases, f);
        int bits = widths[r & 3], fbits = r & 4 ? (int)(r >> 8) % (bits + 1) & 0x7f : 0;
        FpRound round = (r >> 4) % 5;
        bool is_signed = r >> 3 & 1;
        if (fp_case_is_nan(a, f)) {
            continue;
        }
        FpStatus s = { 0 };
        uint32_t flags = 0;
        uint64_t want = expected_int(fp_value(a, f), bits, is_signed, fbits, round, &flags);
        uint64_t got = to_int(f, a, bits, is_signed, fbits, round, &s);
        ck_assert_msg(got == want && s.flags == flags,
                      "f%d %" PRIx64 " to %c%d, fbits %d round %d: %" PRIx64 " flags %x, not %" PRIx64 " flags %x",
                      f->width, a, is_signed ? 's' : 'u', bits, fbits, round, got, s.flags, want, flags);
    }
}
END_TEST

START_TEST(round_int_agrees_with_mpfr) {
    FpCases cases = { .state = 2 };
    fp_wide_range();
    mpfr_t v, x;
    mpfr_inits2(64, v, x, (mpfr_ptr)NULL);
    for (unsigned long n = fp_case_count(200000); n; n--) {
        const FpFormat *f = &fp_formats[fp_random(&cases) % 3];
        uint64_t r = fp_random(&cases), a = fp_case(&cases, f);
        FpRound round = (r >> 4) % 5;
        if (fp_case_is_nan(a, f)) {
            continue;
        }
        mpfr_set_d(v, fp_value(a, f), MPFR_RNDN);
        mpfr_to_integral(x, v, round);
        uint64_t want = fp_pattern(mpfr_get_d(x, MPFR_RNDN), f);
        uint32_t flags = (r & 1) && want != a ? FP_INEXACT : 0;
        FpStatus s = { 0 };
        uint64_t got = round_int(f, a, round, r & 1, &s);
        ck_assert_msg(got == want && s.flags == flags, "f%d %" PRIx64 " round %d: %" PRIx64 " flags %x, not %" PRIx64
                      " flags %x", f->width, a, round, got, s.flags, want, flags);
    }
    mpfr_clears(v, x, (mpfr_ptr)NULL);
}
END_TEST

/* v, exact, in a format */
static uint64_t expected_float(mpfr_t v, const FpFormat *f, FpRound round, bool flush, uint32_t *flags) {
    mpfr_t x, zero;
    mpfr_inits2(f->fraction_bits + 1, x, zero, (mpfr_ptr)NULL);
    mpfr_set(zero, v, MPFR_RNDZ);
    int inexact = mpfr_set(x, v, fp_mpfr_round[round]);
    uint64_t r = fp_reference(x, inexact, zero, f, round, flush, flags);
    mpfr_clears(x, zero, (mpfr_ptr)NULL);
    return r;
}

START_TEST(from_int_agrees_with_mpfr) {
    FpCases cases = { .state = 3 };
    fp_wide_range();
    mpfr_t v;
    mpfr_init2(v, 64);
    for (unsigned long n = fp_case_count(200000); n; n--) {
        const FpFormat *f = &fp_formats[fp_random(&cases) % 3];
        uint64_t r = fp_random(&cases);
        unsigned shift = r >> 8 & 63;
        uint64_t i = fp_random(&cases) >> shift;
        i = r & 1 ? i : r & 2 ? UINT64_C(1) << shift : -(UINT64_C(1) << shift);
        int fbits = r & 8 ? (int)(r >> 16) & 63 : 0;
        bool is_signed = r & 16;
        FpStatus s = { .round = r >> 5 & 3, .flush = r & 128, .flush16 = r >> 40 & 1 };
        if (is_signed) {
            mpfr_set_sj(v, (int64_t)i, MPFR_RNDN);
        } else {
            mpfr_set_uj(v, i, MPFR_RNDN);
        }
        mpfr_mul_2si(v, v, -fbits, MPFR_RNDN);
        uint32_t flags = 0;
        uint64_t want = expected_float(v, f, s.round, f == half ? s.flush16 : s.flush, &flags);
        uint64_t got = from_int(f, i, is_signed, fbits, &s);
        ck_assert_msg(got == want && s.flags == flags, "%c %" PRIx64 " to f%d, fbits %d round %d: %" PRIx64
                      " flags %x, not %" PRIx64 " flags %x", is_signed ? 's' : 'u', i, f->width, fbits, s.round, got,
                      s.flags, want, flags);
    }
    mpfr_clear(v);
}
END_TEST

START_TEST(formats_agree_with_mpfr) {
    FpCases cases = { .state = 4 };
    fp_wide_range();
    mpfr_t v;
    mpfr_init2(v, 64);
    for (unsigned long n = fp_case_count(200000); n; n--) {
        uint64_t r = fp_random(&cases);
        const FpFormat *from = &fp_formats[r % 3], *to = &fp_formats[(r % 3 + 1 + (r >> 8 & 1)) % 3];
        uint64_t a = fp_case(&cases, from);
        /* what is near the bounds of the destination is rarely hit by chance */
        if (from == full && r >> 12 & 1) {
            uint64_t exponent = (uint64_t)(1023 - to->bias - to->fraction_bits) + (r >> 20 & 31);
            a = (a & ~(UINT64_C(0x7ff) << 52)) | exponent << 52;
        } else if (from == full && r >> 13 & 1) {
            a = (a & ~(UINT64_C(0x7ff) << 52)) | (uint64_t)(1023 + to->bias + (int)(r >> 20 & 1)) << 52;
        }
        if (fp_case_is_nan(a, from)) {
            continue;
        }
        FpStatus s = { .round = r >> 5 & 3, .flush = (r >> 40 & 3) == 0, .flush16 = r >> 42 & 1 };
        uint32_t flags = 0;
        uint64_t in = a;
        if (from != half && s.flush && fp_case_is_denormal(a, from)) {
            in &= UINT64_C(1) << (from->width - 1);
            flags |= FP_INPUT_DENORMAL;
        }
        mpfr_set_d(v, fp_value(in, from), MPFR_RNDN);
        uint64_t want = expected_float(v, to, s.round, to != half && s.flush, &flags);
        uint64_t got = convert(to, from, a, &s);
        ck_assert_msg(got == want && s.flags == flags, "f%d %" PRIx64 " to f%d, round %d flush %d: %" PRIx64
                      " flags %x, not %" PRIx64 " flags %x", from->width, a, to->width, s.round, s.flush, got, s.flags,
                      want, flags);
    }
    mpfr_clear(v);
}
END_TEST

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
    tcase_add_test(t, to_int_agrees_with_mpfr);
    tcase_add_test(t, round_int_agrees_with_mpfr);
    tcase_add_test(t, from_int_agrees_with_mpfr);
    tcase_add_test(t, formats_agree_with_mpfr);
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
