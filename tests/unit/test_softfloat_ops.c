/* SPDX-License-Identifier: MIT */
/*
 * test_softfloat_ops.c - every operation of ir/softfloat.h in every format and rounding mode against a model (MPFR and
 * the rules of the architecture), results and flags, and against this host's own arithmetic where it has the operation.
 * Each operation of each format is tried YADO_TEST_CASES times, with pairs of special values first; the numbers are
 * printed. An operation that the header declares and no row here tries is an error.
 */
#include <check.h>
#include <fenv.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/fp_model.h"

enum { USUAL = 10000, SPECIALS = 24 };

/* -- rows -- */

typedef struct Row {
    const char *name;
    FpKind kind;
    uint8_t from, to; /* index into fp_formats */
    uint64_t (*run)(const FpCase *t, FpStatus *s);
    uint64_t (*host)(const FpCase *t);
} Row;

#define UNARY(F, op)                                                                                                   \
    static uint64_t run_##F##_##op(const FpCase *t, FpStatus *s) { return F##_##op((F)t->a, s); }
#define BINARY(F, op)                                                                                                  \
    static uint64_t run_##F##_##op(const FpCase *t, FpStatus *s) { return F##_##op((F)t->a, (F)t->b, s); }
#define RUN(F)                                                                                                         \
    BINARY(F, add) BINARY(F, sub) BINARY(F, mul) BINARY(F, div) UNARY(F, sqrt) BINARY(F, min) BINARY(F, max)           \
    BINARY(F, minnum) BINARY(F, maxnum) BINARY(F, mulx) BINARY(F, recip_step) BINARY(F, rsqrt_step)                    \
    UNARY(F, recip_estimate) UNARY(F, rsqrt_estimate) UNARY(F, recip_exponent)                                         \
    static uint64_t run_##F##_muladd(const FpCase *t, FpStatus *s) {                                                   \
        return F##_muladd((F)t->a, (F)t->b, (F)t->c, t->options, s);                                                   \
    }                                                                                                                  \
    static uint64_t run_##F##_round_int(const FpCase *t, FpStatus *s) {                                                \
        return F##_round_int((F)t->a, t->round, t->exact, s);                                                          \
    }                                                                                                                  \
    static uint64_t run_##F##_compare(const FpCase *t, FpStatus *s) {                                                  \
        return F##_compare((F)t->a, (F)t->b, t->signalling, s);                                                        \
    }                                                                                                                  \
    static uint64_t run_##F##_to_int(const FpCase *t, FpStatus *s) {                                                   \
        return F##_to_int((F)t->a, t->bits, t->is_signed, t->fbits, t->round, s);                                      \
    }                                                                                                                  \
    static uint64_t run_##F##_from_int(const FpCase *t, FpStatus *s) {                                                 \
        return F##_from_int((int64_t)t->a, t->fbits, s);                                                               \
    }                                                                                                                  \
    static uint64_t run_##F##_from_uint(const FpCase *t, FpStatus *s) { return F##_from_uint(t->a, t->fbits, s); }
RUN(f16)
RUN(f32)
RUN(f64)
UNARY(f16, to_f32)
UNARY(f16, to_f64)
UNARY(f32, to_f16)
UNARY(f32, to_f64)
UNARY(f64, to_f16)
UNARY(f64, to_f32)
UNARY(f64, to_f32_odd)
static uint64_t run_urecpe(const FpCase *t, FpStatus *s) {
    return fp_urecpe((uint32_t)t->a);
}
static uint64_t run_ursqrte(const FpCase *t, FpStatus *s) {
    return fp_ursqrte((uint32_t)t->a);
}

/* -- this host's own -- */

#define HOST_OP(F, op, expression)                                                                                     \
    static uint64_t host_##F##_##op(const FpCase *t) {                                                                 \
        union { F u; host_##F t; } a = {(F)t->a}, b = {(F)t->b}, c = {(F)t->c}, r;                                     \
        a.u ^= t->options & FP_NEG_PRODUCT ? (F)1 << (sizeof(F) * 8 - 1) : 0;                                          \
        c.u ^= t->options & FP_NEG_ADDEND ? (F)1 << (sizeof(F) * 8 - 1) : 0;                                           \
        volatile host_##F x = a.t, y = b.t, z = c.t, v;                                                                \
        v = expression;                                                                                                \
        (void)x, (void)y, (void)z;                                                                                          \
        r.t = v;                                                                                                       \
        return r.u;                                                                                                    \
    }
typedef float host_f32;
typedef double host_f64;
#define HOST(F, SQRT, FMA, RINT)                                                                                       \
    HOST_OP(F, add, x + y) HOST_OP(F, sub, x - y) HOST_OP(F, mul, x * y) HOST_OP(F, div, x / y)                        \
    HOST_OP(F, sqrt, SQRT(x)) HOST_OP(F, muladd, FMA(x, y, z)) HOST_OP(F, round_int, RINT(x))                          \
    HOST_OP(F, from_int, (host_##F)(int64_t)t->a)                                                                      \
    static uint64_t host_##F##_compare(const FpCase *t) {                                                              \
        union { F u; host_##F t; } a = {(F)t->a}, b = {(F)t->b};                                                       \
        volatile host_##F x = a.t, y = b.t;                                                                            \
        if (t->signalling) {                                                                                           \
            return x < y ? FP_LESS : x > y ? FP_GREATER : x == y ? FP_EQUAL : FP_UNORDERED;                            \
        }                                                                                                              \
        return isless(x, y) ? FP_LESS : isgreater(x, y) ? FP_GREATER : x == y ? FP_EQUAL : FP_UNORDERED;               \
    }
/* Not to be made of other arithmetic by a compiler that believes in one rounding mode. */
static float (*volatile host_rintf)(float) = rintf;
static double (*volatile host_rint)(double) = rint;
HOST(f32, sqrtf, fmaf, host_rintf)
HOST(f64, sqrt, fma, host_rint)
static uint64_t host_f32_to_f64(const FpCase *t) {
    union { f32 u; float t; } a = {(f32)t->a};
    union { f64 u; double t; } r;
    volatile float x = a.t;
    volatile double v = x;
    r.t = v;
    return r.u;
}
static uint64_t host_f64_to_f32(const FpCase *t) {
    union { f64 u; double t; } a = {t->a};
    union { f32 u; float t; } r;
    volatile double x = a.t;
    volatile float v = (float)x;
    r.t = v;
    return r.u;
}
#define host_f16_add NULL
#define host_f16_sub NULL
#define host_f16_mul NULL
#define host_f16_div NULL
#define host_f16_sqrt NULL
#define host_f16_muladd NULL
#define host_f16_round_int NULL
#define host_f16_from_int NULL
#define host_f16_compare NULL

#define ROW(F, f, op, KIND, host) {#F "_" #op, KIND, f, f, run_##F##_##op, host}
#define ROWS(F, f)                                                                                                     \
    ROW(F, f, add, FP_ADD, host_##F##_add), ROW(F, f, sub, FP_SUB, host_##F##_sub),                                    \
    ROW(F, f, mul, FP_MUL, host_##F##_mul), ROW(F, f, div, FP_DIV, host_##F##_div),                                    \
    ROW(F, f, sqrt, FP_SQRT, host_##F##_sqrt), ROW(F, f, muladd, FP_MULADD, host_##F##_muladd),                        \
    ROW(F, f, min, FP_MIN, NULL), ROW(F, f, max, FP_MAX, NULL), ROW(F, f, minnum, FP_MINNUM, NULL),                    \
    ROW(F, f, maxnum, FP_MAXNUM, NULL), ROW(F, f, mulx, FP_MULX, NULL),                                                \
    ROW(F, f, recip_step, FP_RECIP_STEP, NULL), ROW(F, f, rsqrt_step, FP_RSQRT_STEP, NULL),                            \
    ROW(F, f, recip_estimate, FP_RECIP_ESTIMATE, NULL), ROW(F, f, rsqrt_estimate, FP_RSQRT_ESTIMATE, NULL),            \
    ROW(F, f, recip_exponent, FP_RECIP_EXPONENT, NULL),                                                                \
    ROW(F, f, round_int, FP_ROUND_INT, host_##F##_round_int), ROW(F, f, compare, FP_COMPARE, host_##F##_compare),      \
    ROW(F, f, to_int, FP_TO_INT, NULL), ROW(F, f, from_int, FP_FROM_INT, host_##F##_from_int),                         \
    ROW(F, f, from_uint, FP_FROM_UINT, NULL)

enum { HALF, SINGLE, DOUBLE };
static const Row rows[] = {
    ROWS(f16, HALF), ROWS(f32, SINGLE), ROWS(f64, DOUBLE),
    {"f16_to_f32", FP_CONVERT, HALF, SINGLE, run_f16_to_f32, NULL},
    {"f16_to_f64", FP_CONVERT, HALF, DOUBLE, run_f16_to_f64, NULL},
    {"f32_to_f16", FP_CONVERT, SINGLE, HALF, run_f32_to_f16, NULL},
    {"f32_to_f64", FP_CONVERT, SINGLE, DOUBLE, run_f32_to_f64, host_f32_to_f64},
    {"f64_to_f16", FP_CONVERT, DOUBLE, HALF, run_f64_to_f16, NULL},
    {"f64_to_f32", FP_CONVERT, DOUBLE, SINGLE, run_f64_to_f32, host_f64_to_f32},
    {"f64_to_f32_odd", FP_CONVERT_ODD, DOUBLE, SINGLE, run_f64_to_f32_odd, NULL},
    {"fp_urecpe", FP_URECPE, SINGLE, SINGLE, run_urecpe, NULL},
    {"fp_ursqrte", FP_URSQRTE, SINGLE, SINGLE, run_ursqrte, NULL},
};

/* -- cases -- */

static uint64_t special(const FpFormat *f, unsigned i) {
    uint64_t one = (uint64_t)f->bias << f->fraction_bits, unit = UINT64_C(1) << f->fraction_bits;
    const uint64_t all[SPECIALS / 2] = {0, 1, unit - 1, unit, unit + 1, one, one + 1, one - 1, model_top(f) - 1,
                                        model_top(f), model_top(f) | 5, model_top(f) | model_quiet(f) | 9};
    return all[i / 2 % (SPECIALS / 2)] | (i & 1 ? model_sign(f) : 0);
}

/* What is near the ends of the format that a conversion goes to is rarely hit by chance. */
static uint64_t near_ends(uint64_t a, uint64_t r, const FpFormat *from, const FpFormat *to) {
    uint64_t exponent = (uint64_t)from->bias + (r & 1 ? (uint64_t)to->bias + (r >> 8 & 3) - 1
                                                      : (r >> 8 & 31) - (uint64_t)(to->bias + to->fraction_bits));
    return (a & ~model_top(from)) | exponent << from->fraction_bits;
}

static void make_integer(FpCases *cases, FpCase *t, uint64_t r) {
    unsigned shift = r >> 8 & 63;
    t->a = fp_random(cases) >> shift;
    t->a = r & 1 ? t->a : r & 2 ? UINT64_C(1) << shift : -(UINT64_C(1) << shift);
    t->fbits = r & 8 ? (int)(r >> 16) & 63 : 0;
}

static FpCase make_case(FpCases *cases, const Row *row, unsigned long i) {
    static const int widths[] = {16, 32, 64, 64};
    const FpFormat *f = &fp_formats[row->from], *to = &fp_formats[row->to];
    uint64_t r = fp_random(cases);
    FpCase t = {.a = fp_case(cases, f), .b = fp_case(cases, f), .c = fp_case(cases, f), .exact = r & 1,
                .signalling = r & 1, .is_signed = r & 2, .round = (r >> 2) % 5, .bits = widths[r >> 8 & 3]};
    t.b = (r >> 12 & 15) == 0 ? t.a ^ (r >> 16 & 1 ? model_sign(f) : 0) : t.b;
    t.options = row->kind == FP_MULADD ? (int)(r >> 20 & 3) : 0;
    if (i < SPECIALS * SPECIALS) {
        t.a = special(f, (unsigned)i);
        t.b = special(f, (unsigned)i / SPECIALS);
        t.c = special(f, (unsigned)(r >> 32));
    } else if (f->width > to->width && r & 1) {
        t.a = near_ends(t.a, r >> 24, f, to);
    }
    if (row->kind == FP_TO_INT) {
        t.fbits = r >> 24 & 1 ? (int)(r >> 32 & 127) % (t.bits + 1) : 0;
    } else if (row->kind == FP_FROM_INT || row->kind == FP_FROM_UINT) {
        make_integer(cases, &t, r >> 24);
    } else if (row->kind == FP_URECPE || row->kind == FP_URSQRTE) {
        t.a = (uint32_t)(r >> 32);
    }
    return t;
}

/* Half of the cases are in plain modes, of which the host knows. */
static FpStatus make_status(FpCases *cases) {
    uint64_t r = fp_random(cases);
    FpStatus s = {.round = r & 3};
    if (r >> 2 & 1) {
        s.flush = r >> 3 & 1;
        s.flush16 = r >> 4 & 1;
        s.default_nan = r >> 5 & 1;
        s.alt_half = r >> 6 & 1;
        s.flags = r >> 7 & 1 ? r >> 8 & 0x9f : 0;
    }
    return s;
}

/* -- against the model, and against the host -- */

typedef struct Counts {
    unsigned long round[5], flush, default_nan, nan, host;
} Counts;

static uint32_t host_flags(void) {
    int x = fetestexcept(FE_ALL_EXCEPT);
    return (x & FE_INVALID ? FP_INVALID : 0) | (x & FE_DIVBYZERO ? FP_DIVZERO : 0) |
           (x & FE_OVERFLOW ? FP_OVERFLOW : 0) | (x & FE_UNDERFLOW ? FP_UNDERFLOW : 0) |
           (x & FE_INEXACT ? FP_INEXACT : 0);
}

/* Does the host have this very case? */
static bool host_can(const Row *row, const FpCase *t, const FpStatus *s) {
    if (!row->host || s->flush || s->flush16 || s->default_nan || s->alt_half || s->flags) {
        return false;
    }
    if (row->kind == FP_ROUND_INT) {
        return t->exact && t->round == (FpRound)s->round;
    }
    return row->kind != FP_FROM_INT || t->fbits == 0;
}

static void compare_with_host(const Row *row, const FpCase *t, const FpStatus *s, uint64_t got, uint32_t got_flags) {
    static const int modes[] = {[FP_RNE] = FE_TONEAREST, [FP_RUP] = FE_UPWARD, [FP_RDN] = FE_DOWNWARD,
                                [FP_RTZ] = FE_TOWARDZERO};
    const FpFormat *f = &fp_formats[row->to];
    fesetround(modes[s->round]);
    feclearexcept(FE_ALL_EXCEPT);
    uint64_t want = row->host(t);
    uint32_t flags = host_flags(), mask = ~0u;
    fesetround(FE_TONEAREST);
    if (row->kind != FP_COMPARE && fp_case_is_nan(want, f)) { /* which NaN is the host's own business */
        ck_assert(fp_case_is_nan(got, f));
        return;
    }
    if ((want & (model_sign(f) - 1)) == UINT64_C(1) << f->fraction_bits) {
        mask &= ~(uint32_t)FP_UNDERFLOW; /* the host may detect tininess after rounding */
    }
    ck_assert_msg(got == want && !((got_flags ^ flags) & mask),
                  "%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") round %d: %" PRIx64 " flags %x, host has %" PRIx64
                  " flags %x", row->name, t->a, t->b, t->c, s->round, got, got_flags, want, flags);
}

static void count(Counts *n, const Row *row, const FpCase *t, const FpStatus *s) {
    bool by_case = row->kind == FP_TO_INT || row->kind == FP_ROUND_INT;
    FpRound round = by_case ? t->round : (FpRound)s->round;
    n->round[round]++;
    n->flush += s->flush || s->flush16;
    n->default_nan += s->default_nan;
    n->nan += row->kind != FP_FROM_INT && row->kind != FP_FROM_UINT && fp_case_is_nan(t->a, &fp_formats[row->from]);
}

START_TEST(agrees) {
    const Row *row = &rows[_i];
    FpCases cases = {.state = 1 + (uint64_t)_i};
    Counts n = {{0}};
    unsigned long total = fp_case_count(USUAL);
    fp_wide_range();
    for (unsigned long i = 0; i < total; i++) {
        FpCase t = make_case(&cases, row, i);
        FpStatus before = make_status(&cases), s = before;
        FpModel m = {.kind = row->kind, .f = &fp_formats[row->from], .to = &fp_formats[row->to], .s = &before};
        uint64_t want = model_run(&m, &t), got = row->run(&t, &s);
        uint32_t flags = before.flags | m.flags;
        ck_assert_msg(got == want && s.flags == flags,
                      "%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ") options %d, %c%d fbits %d, rounds %d %d, exact %d, "
                      "flush %d %d, default NaN %d, alternative %d: %" PRIx64 " flags %x, not %" PRIx64 " flags %x",
                      row->name, t.a, t.b, t.c, t.options, t.is_signed ? 's' : 'u', t.bits, t.fbits, before.round,
                      t.round, t.exact, before.flush, before.flush16, before.default_nan, before.alt_half, got, s.flags,
                      want, flags);
        count(&n, row, &t, &before);
        if (host_can(row, &t, &before)) {
            compare_with_host(row, &t, &before, got, s.flags);
            n.host++;
        }
    }
    printf("%-18s %8lu cases: RNE %lu RUP %lu RDN %lu RTZ %lu RNA %lu, flushing %lu, default NaN %lu, of a NaN %lu, "
           "host %lu\n", row->name, total, n.round[FP_RNE], n.round[FP_RUP], n.round[FP_RDN], n.round[FP_RTZ],
           n.round[FP_RNA], n.flush, n.default_nan, n.nan, n.host);
    for (unsigned r = 0; r < 4; r++) {
        ck_assert_uint_ge(n.round[r], total / 10);
    }
    ck_assert_uint_ge(n.flush, total / 10);
    ck_assert(!row->host || n.host >= total / 100);
}
END_TEST

/* -- are these all? -- */

static bool has_row(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* How many names match in the header; each must have its rows. */
static unsigned check_names(const char *header, const char *pattern, const char *const *formats) {
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    unsigned found = 0;
    for (g_regex_match(regex, header, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *op = g_match_info_fetch(match, 1);
        for (unsigned i = 0; formats[i]; i++) {
            g_autofree char *name = g_strconcat(formats[i], op, NULL);
            ck_assert_msg(has_row(name), "%s is declared in ir/softfloat.h and not tested here", name);
            found++;
        }
    }
    return found;
}

START_TEST(has_all_operations) {
    static const char *const formats[] = {"f16", "f32", "f64", NULL}, *const once[] = {"", NULL};
    g_autofree char *header = NULL;
    ck_assert(g_file_get_contents(SOURCE "/ir/softfloat.h", &header, NULL, NULL));
    unsigned found = check_names(header, "\\bF##(_\\w+)\\(", formats) +
                     check_names(header, "\\n\\w+ (f(?:16|32|64)_to_f\\w+|fp_\\w+)\\(", once);
    ck_assert_uint_eq(found, G_N_ELEMENTS(rows));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("softfloat_ops");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, has_all_operations);
    tcase_add_loop_test(t, agrees, 0, G_N_ELEMENTS(rows));
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
