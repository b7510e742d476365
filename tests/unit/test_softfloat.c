/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat.c - Arm's NaN and flushing rules by tables. All numbers: test_softfloat_ops.c.
 */
#include <check.h>
#include <inttypes.h>

#include "ir/softfloat.h"
#include "tests/unit/fp_cases.h"

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
