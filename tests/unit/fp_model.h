/* SPDX-License-Identifier: MIT */
/*
 * fp_model.h - what each operation of ir/softfloat.h must give: numbers by MPFR, and for estimates by real numbers as
 * the architecture once wrote them down; NaNs, flushing and special cases by rules of their own.
 * Spec: Arm DDI 0487, A1.5 (floating-point support) and the shared pseudocode functions FPProcessNaNs, FPRound,
 * FPRecipEstimate and their kind; DDI 0406, A2.7 (estimates in real arithmetic).
 */
#ifndef TESTS_FP_MODEL_H
#define TESTS_FP_MODEL_H

#include "tests/unit/fp_reference.h"

typedef enum FpKind {
    FP_ADD, FP_SUB, FP_MUL, FP_DIV, FP_SQRT, FP_MULADD, FP_RECIP_STEP, FP_RSQRT_STEP, FP_MULX, FP_MIN, FP_MAX,
    FP_MINNUM, FP_MAXNUM, FP_RECIP_ESTIMATE, FP_RSQRT_ESTIMATE, FP_RECIP_EXPONENT, FP_ROUND_INT, FP_COMPARE, FP_TO_INT,
    FP_FROM_INT, FP_FROM_UINT, FP_CONVERT, FP_CONVERT_ODD, FP_URECPE, FP_URSQRTE,
} FpKind;

typedef struct FpCase {
    uint64_t a, b, c;
    int options;                        /* muladd */
    int bits, fbits;                    /* to and from integers */
    bool is_signed, exact, signalling;  /* to_int; round_int; compare */
    FpRound round;                      /* to_int, round_int */
} FpCase;

/* One run of the model. */
typedef struct FpModel {
    FpKind kind;
    const FpFormat *f, *to;
    const FpStatus *s;
    uint32_t flags; /* raised */
} FpModel;

static inline uint64_t model_sign(const FpFormat *f) {
    return UINT64_C(1) << (f->width - 1);
}
static inline uint64_t model_top(const FpFormat *f) {
    return (uint64_t)f->max_exponent << f->fraction_bits;
}
static inline uint64_t model_quiet(const FpFormat *f) {
    return UINT64_C(1) << (f->fraction_bits - 1);
}
static inline bool model_is_half(const FpFormat *f) {
    return f->width == 16;
}
static inline bool model_flushes(const FpModel *m, const FpFormat *f) {
    return model_is_half(f) ? m->s->flush16 : m->s->flush;
}
static inline bool model_signals(uint64_t a, const FpFormat *f) {
    return fp_case_is_nan(a, f) && !(a & model_quiet(f));
}
static inline uint64_t model_invalid(FpModel *m) {
    m->flags |= FP_INVALID;
    return model_top(m->to) | model_quiet(m->to);
}

static inline uint64_t model_flush(FpModel *m, uint64_t a) {
    if (!model_flushes(m, m->f) || !fp_case_is_denormal(a, m->f)) {
        return a;
    }
    m->flags |= model_is_half(m->f) ? 0 : FP_INPUT_DENORMAL;
    return a & model_sign(m->f);
}

/* The first that signals, or else the first quiet one; false: there is no NaN. */
static inline bool model_nan(FpModel *m, const uint64_t *in, int n, uint64_t *r) {
    const uint64_t *found = NULL;
    for (int i = 0; i < n && !found; i++) {
        found = model_signals(in[i], m->f) ? &in[i] : NULL;
    }
    m->flags |= found ? FP_INVALID : 0;
    for (int i = 0; i < n && !found; i++) {
        found = fp_case_is_nan(in[i], m->f) ? &in[i] : NULL;
    }
    if (found) {
        *r = m->s->default_nan ? model_top(m->f) | model_quiet(m->f) : *found | model_quiet(m->f);
    }
    return found;
}

/* -- rounded arithmetic -- */

static inline int model_mpfr(FpKind kind, mpfr_t x, mpfr_t v[3], mpfr_rnd_t round) {
    switch (kind) {
    case FP_ADD: return mpfr_add(x, v[0], v[1], round);
    case FP_SUB: return mpfr_sub(x, v[0], v[1], round);
    case FP_MUL: case FP_MULX: return mpfr_mul(x, v[0], v[1], round);
    case FP_DIV: return mpfr_div(x, v[0], v[1], round);
    case FP_SQRT: return mpfr_sqrt(x, v[0], round);
    default: return mpfr_fma(x, v[0], v[1], v[2], round);
    }
}

/* In the precision of the format with all exponents; the halving of rsqrt_step is exact there. */
static inline int model_wide(FpKind kind, mpfr_t x, mpfr_t v[3], mpfr_rnd_t round) {
    int inexact = model_mpfr(kind, x, v, round);
    if (kind == FP_RSQRT_STEP) {
        mpfr_div_2ui(x, x, 1, MPFR_RNDN);
    }
    return inexact;
}

static inline uint64_t model_rounded(FpModel *m, mpfr_t v[3]) {
    mpfr_t x, zero;
    mpfr_inits2(m->to->fraction_bits + 1, x, zero, (mpfr_ptr)NULL);
    model_wide(m->kind, zero, v, MPFR_RNDZ);
    mpfr_clear_flags();
    int inexact = model_wide(m->kind, x, v, fp_mpfr_round[m->s->round]);
    uint64_t r = fp_reference(x, inexact, zero, m->to, m->s->round, model_flushes(m, m->to), &m->flags);
    mpfr_clears(x, zero, (mpfr_ptr)NULL);
    return r;
}

static inline bool model_inf_by_zero(double a, double b) {
    return (isinf(a) && b == 0) || (a == 0 && isinf(b));
}

static inline uint64_t model_arithmetic(FpModel *m, const FpCase *t) {
    bool step = m->kind == FP_RECIP_STEP || m->kind == FP_RSQRT_STEP, fused = m->kind == FP_MULADD;
    uint64_t sign = model_sign(m->f), in[3] = {t->a, t->b, t->c}, r;
    int n = m->kind == FP_SQRT ? 1 : fused ? 3 : 2;
    in[0] ^= step || (fused && t->options & FP_NEG_PRODUCT) ? sign : 0;
    in[2] ^= fused && t->options & FP_NEG_ADDEND ? sign : 0;
    for (int i = 0; i < n; i++) {
        in[i] = model_flush(m, in[i]);
    }
    double a = fp_value(in[0], m->f), b = fp_value(in[1], m->f);
    bool numbers = !fp_case_is_nan(in[0], m->f) && !fp_case_is_nan(in[1], m->f);
    bool undefined = n > 1 && numbers && model_inf_by_zero(a, b);
    uint64_t order[3] = {fused ? in[2] : in[0], fused ? in[0] : in[1], in[1]};
    if (fused && undefined && fp_case_is_nan(in[2], m->f) && !model_signals(in[2], m->f)) {
        return model_invalid(m);
    }
    if (model_nan(m, order, n, &r)) {
        return r;
    }
    if (m->kind == FP_MULX && undefined) {
        return fp_pattern(copysign(2, copysign(1, a) * copysign(1, b)), m->f);
    }
    if (step && undefined) {
        return fp_pattern(m->kind == FP_RECIP_STEP ? 2 : 1.5, m->f);
    }
    mpfr_t v[3];
    for (int i = 0; i < 3; i++) {
        mpfr_init2(v[i], 64);
        mpfr_set_d(v[i], i < n ? fp_value(in[i], m->f) : m->kind == FP_RECIP_STEP ? 2 : 3, MPFR_RNDN);
    }
    r = model_rounded(m, v);
    mpfr_clears(v[0], v[1], v[2], (mpfr_ptr)NULL);
    return r;
}

/* -- choices -- */

static inline uint64_t model_extremum(FpModel *m, const FpCase *t) {
    uint64_t in[2] = {model_flush(m, t->a), model_flush(m, t->b)}, r;
    bool number = m->kind == FP_MINNUM || m->kind == FP_MAXNUM, greatest = m->kind == FP_MAX || m->kind == FP_MAXNUM;
    bool nan[2] = {fp_case_is_nan(in[0], m->f), fp_case_is_nan(in[1], m->f)};
    if (number && nan[0] != nan[1] && !model_signals(in[nan[1]], m->f)) {
        return in[!nan[1]];
    }
    if (model_nan(m, in, 2, &r)) {
        return r;
    }
    double a = fp_value(in[0], m->f), b = fp_value(in[1], m->f);
    if (a == b) {
        return greatest ? in[0] & in[1] : in[0] | in[1]; /* the same, or zeros of both signs */
    }
    return in[(a < b) == greatest];
}

static inline uint64_t model_compare(FpModel *m, const FpCase *t) {
    uint64_t in[2] = {model_flush(m, t->a), model_flush(m, t->b)};
    if (fp_case_is_nan(in[0], m->f) || fp_case_is_nan(in[1], m->f)) {
        bool signals = t->signalling || model_signals(in[0], m->f) || model_signals(in[1], m->f);
        m->flags |= signals ? FP_INVALID : 0;
        return FP_UNORDERED;
    }
    double a = fp_value(in[0], m->f), b = fp_value(in[1], m->f);
    return a < b ? FP_LESS : a > b ? FP_GREATER : FP_EQUAL;
}

/* -- estimates -- */

/* Of a in [1/2, 1), as 1.xxxxxxxx. */
static inline double model_recip(double a) {
    int q = (int)(a * 512);
    return (int)(256 / ((q + 0.5) / 512) + 0.5) / 256.0;
}
/* Of a in [1/4, 1). */
static inline double model_rsqrt(double a) {
    int steps = a < 0.5 ? 512 : 256, q = (int)(a * steps);
    return (int)(256 / sqrt((q + 0.5) / steps) + 0.5) / 256.0;
}

static inline uint64_t model_too_large(FpModel *m, bool negative) {
    FpRound r = m->s->round;
    bool infinite = r == FP_RNE || (r == FP_RUP && !negative) || (r == FP_RDN && negative);
    m->flags |= FP_OVERFLOW | FP_INEXACT;
    return (negative ? model_sign(m->f) : 0) | (model_top(m->f) - !infinite);
}

static inline uint64_t model_estimate(FpModel *m, const FpCase *t) {
    uint64_t a = model_flush(m, t->a), sign = a & model_sign(m->f), r;
    if (model_nan(m, &a, 1, &r)) {
        return r;
    }
    if (m->kind == FP_RECIP_EXPONENT) {
        uint64_t exponent = a & model_top(m->f);
        return sign | (exponent ? ~exponent & model_top(m->f) : model_top(m->f) - (UINT64_C(1) << m->f->fraction_bits));
    }
    double v = fabs(fp_value(a, m->f));
    if (v == 0) {
        m->flags |= FP_DIVZERO;
        return sign | model_top(m->f);
    }
    int exponent;
    double fraction = frexp(v, &exponent);
    if (m->kind == FP_RSQRT_ESTIMATE) {
        if (sign) {
            return model_invalid(m);
        }
        bool odd = exponent & 1;
        return isinf(v) ? 0 : fp_pattern(ldexp(model_rsqrt(odd ? fraction / 2 : fraction), -(exponent + odd) / 2), m->f);
    }
    if (isinf(v)) {
        return sign;
    }
    if (v < ldexp(1, -m->f->bias - 1)) {
        return model_too_large(m, sign);
    }
    if (model_flushes(m, m->f) && v >= ldexp(1, m->f->bias - 1)) {
        m->flags |= FP_UNDERFLOW;
        return sign;
    }
    return sign | fp_pattern(ldexp(model_recip(fraction), -exponent), m->f);
}

static inline uint64_t model_fixed(FpKind kind, uint32_t a) {
    double v = ldexp(a, -32);
    if (v < (kind == FP_URECPE ? 0.5 : 0.25)) {
        return UINT32_MAX;
    }
    return (uint32_t)ldexp(kind == FP_URECPE ? model_recip(v) : model_rsqrt(v), 31);
}

/* -- integers -- */

static inline void model_to_integral(mpfr_t x, mpfr_t v, FpRound r) {
    if (r == FP_RNA) {
        mpfr_round(x, v);
    } else {
        mpfr_rint(x, v, fp_mpfr_round[r]);
    }
}

static inline uint64_t model_round_int(FpModel *m, const FpCase *t) {
    uint64_t a = model_flush(m, t->a), r;
    if (model_nan(m, &a, 1, &r)) {
        return r;
    }
    mpfr_t v, x;
    mpfr_inits2(64, v, x, (mpfr_ptr)NULL);
    mpfr_set_d(v, fp_value(a, m->f), MPFR_RNDN);
    model_to_integral(x, v, t->round);
    r = fp_pattern(mpfr_get_d(x, MPFR_RNDN), m->f);
    m->flags |= t->exact && r != a ? FP_INEXACT : 0;
    mpfr_clears(v, x, (mpfr_ptr)NULL);
    return r;
}

static inline uint64_t model_to_int(FpModel *m, const FpCase *t) {
    uint64_t in = model_flush(m, t->a);
    if (fp_case_is_nan(in, m->f)) {
        m->flags |= FP_INVALID;
        return 0;
    }
    mpfr_t v, x, limit;
    mpfr_inits2(1200, v, x, limit, (mpfr_ptr)NULL);
    mpfr_set_d(v, fp_value(in, m->f), MPFR_RNDN);
    mpfr_mul_2si(v, v, t->fbits, MPFR_RNDN);
    model_to_integral(x, v, t->round);
    uint32_t raised = mpfr_equal_p(x, v) ? 0 : FP_INEXACT;
    mpfr_set_ui_2exp(limit, 1, t->bits - t->is_signed, MPFR_RNDN);
    mpfr_sub_ui(limit, limit, 1, MPFR_RNDN);
    if (mpfr_cmp(x, limit) > 0) {
        mpfr_set(x, limit, MPFR_RNDN);
        raised = FP_INVALID;
    }
    mpfr_set_si_2exp(limit, t->is_signed ? -1 : 0, t->bits - 1, MPFR_RNDN);
    if (mpfr_cmp(x, limit) < 0) {
        mpfr_set(x, limit, MPFR_RNDN);
        raised = FP_INVALID;
    }
    m->flags |= raised;
    uint64_t i = t->is_signed ? (uint64_t)mpfr_get_sj(x, MPFR_RNDN) : mpfr_get_uj(x, MPFR_RNDN);
    mpfr_clears(v, x, limit, (mpfr_ptr)NULL);
    return i;
}

/* v, exact, in the format of the result. */
static inline uint64_t model_float(FpModel *m, mpfr_t v, FpRound round, bool flush) {
    mpfr_t x, zero;
    mpfr_inits2(m->to->fraction_bits + 1, x, zero, (mpfr_ptr)NULL);
    mpfr_set(zero, v, MPFR_RNDZ);
    mpfr_clear_flags();
    int inexact = mpfr_set(x, v, fp_mpfr_round[round]);
    uint64_t r = fp_reference(x, inexact, zero, m->to, round, flush, &m->flags);
    mpfr_clears(x, zero, (mpfr_ptr)NULL);
    return r;
}

static inline uint64_t model_from_int(FpModel *m, const FpCase *t) {
    mpfr_t v;
    mpfr_init2(v, 64);
    if (m->kind == FP_FROM_INT) {
        mpfr_set_sj(v, (int64_t)t->a, MPFR_RNDN);
    } else {
        mpfr_set_uj(v, t->a, MPFR_RNDN);
    }
    mpfr_mul_2si(v, v, -t->fbits, MPFR_RNDN);
    uint64_t r = model_float(m, v, m->s->round, model_flushes(m, m->to));
    mpfr_clear(v);
    return r;
}

/* -- formats -- */

/* To the alternative half: no infinity, no NaN, twice the range. */
static inline uint64_t model_to_alternative(FpModel *m, mpfr_t v) {
    uint64_t sign = mpfr_signbit(v) ? 0x8000 : 0, r;
    mpfr_t x;
    mpfr_init2(x, m->to->fraction_bits + 1);
    int inexact = mpfr_set(x, v, fp_mpfr_round[m->s->round]);
    double rounded = fabs(mpfr_get_d(x, MPFR_RNDN));
    if (rounded >= 131072) {
        m->flags |= FP_INVALID;
        r = sign | 0x7fff;
    } else if (rounded >= 65536) {
        m->flags |= inexact ? FP_INEXACT : 0;
        r = sign | 0x7c00 | ((uint64_t)(rounded / 64) & 0x3ff);
    } else {
        r = model_float(m, v, m->s->round, false);
    }
    mpfr_clear(x);
    return r;
}

static inline uint64_t model_convert_nan(FpModel *m, uint64_t a) {
    uint64_t sign = a >> (m->f->width - 1) << (m->to->width - 1), fraction = a & (model_quiet(m->f) - 1);
    int wider = m->to->fraction_bits - m->f->fraction_bits;
    if (model_is_half(m->to) && m->s->alt_half) {
        m->flags |= FP_INVALID;
        return sign;
    }
    m->flags |= model_signals(a, m->f) ? FP_INVALID : 0;
    if (m->s->default_nan) {
        return model_top(m->to) | model_quiet(m->to);
    }
    return sign | model_top(m->to) | model_quiet(m->to) | (wider > 0 ? fraction << wider : fraction >> -wider);
}

static inline uint64_t model_convert(FpModel *m, const FpCase *t) {
    bool alternative = m->s->alt_half && model_is_half(m->f), odd = m->kind == FP_CONVERT_ODD;
    uint64_t a = model_is_half(m->f) ? t->a : model_flush(m, t->a), r;
    double value = fp_value(a, m->f);
    if (alternative && (a & 0x7c00) == 0x7c00) {
        value = copysign(ldexp(0x400 | (a & 0x3ff), 6), a & 0x8000 ? -1 : 1);
    } else if (fp_case_is_nan(a, m->f)) {
        return model_convert_nan(m, a);
    }
    mpfr_t v;
    mpfr_init2(v, 64);
    mpfr_set_d(v, value, MPFR_RNDN);
    if (model_is_half(m->to) && m->s->alt_half) {
        r = model_to_alternative(m, v);
    } else {
        r = model_float(m, v, odd ? FP_RTZ : m->s->round, !model_is_half(m->to) && m->s->flush);
        r |= odd && m->flags & FP_INEXACT ? 1 : 0;
    }
    mpfr_clear(v);
    return r;
}

static inline uint64_t model_run(FpModel *m, const FpCase *t) {
    switch (m->kind) {
    case FP_MIN: case FP_MAX: case FP_MINNUM: case FP_MAXNUM: return model_extremum(m, t);
    case FP_RECIP_ESTIMATE: case FP_RSQRT_ESTIMATE: case FP_RECIP_EXPONENT: return model_estimate(m, t);
    case FP_ROUND_INT: return model_round_int(m, t);
    case FP_COMPARE: return model_compare(m, t);
    case FP_TO_INT: return model_to_int(m, t);
    case FP_FROM_INT: case FP_FROM_UINT: return model_from_int(m, t);
    case FP_CONVERT: case FP_CONVERT_ODD: return model_convert(m, t);
    case FP_URECPE: case FP_URSQRTE: return model_fixed(m->kind, (uint32_t)t->a);
    default: return model_arithmetic(m, t);
    }
}

#endif
