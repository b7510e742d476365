/* SPDX-License-Identifier: MIT */
/*
 * fp_reference.h - a rounding reference from MPFR: a result computed without bounds on the exponent is brought into a
 * format, with tininess detected before rounding and optional flushing as Arm does.
 */
#ifndef TESTS_FP_REFERENCE_H
#define TESTS_FP_REFERENCE_H

#include <mpfr.h>

#include "ir/softfloat.h"
#include "tests/unit/fp_cases.h"

enum { FP_WIDE_EXPONENT = 100000 };

static const mpfr_rnd_t fp_mpfr_round[] = {
    [FP_RNE] = MPFR_RNDN, [FP_RUP] = MPFR_RNDU, [FP_RDN] = MPFR_RNDD, [FP_RTZ] = MPFR_RNDZ,
};

static inline void fp_wide_range(void) {
    mpfr_set_emin(-FP_WIDE_EXPONENT);
    mpfr_set_emax(FP_WIDE_EXPONENT);
    mpfr_clear_flags();
}

/*
 * x was rounded with `inexact` as its ternary value, `toward_zero` is the same result rounded towards zero, both to
 * the precision of the format and in the wide range.
 */
static inline uint64_t fp_reference(mpfr_t x, int inexact, mpfr_t toward_zero, const FpFormat *f, FpRound round,
                                    bool flush, uint32_t *flags) {
    if (mpfr_nan_p(x)) {
        *flags |= FP_INVALID;
        return fp_pattern(NAN, f);
    }
    *flags |= mpfr_divby0_p() ? FP_DIVZERO : 0;
    bool tiny = false;
    if (mpfr_regular_p(toward_zero)) {
        tiny = mpfr_get_exp(toward_zero) - 1 < 1 - f->bias;
    }
    if (tiny && flush) {
        *flags |= FP_UNDERFLOW;
        return fp_pattern(mpfr_signbit(x) ? -0.0 : 0.0, f);
    }
    mpfr_set_emin(2 - f->bias - f->fraction_bits);
    mpfr_set_emax(f->bias + 1);
    mpfr_clear_flags();
    inexact = mpfr_check_range(x, inexact, fp_mpfr_round[round]);
    inexact = mpfr_subnormalize(x, inexact, fp_mpfr_round[round]);
    *flags |= mpfr_overflow_p() ? FP_OVERFLOW | FP_INEXACT : 0;
    *flags |= inexact ? FP_INEXACT | (tiny ? FP_UNDERFLOW : 0) : 0;
    uint64_t v = fp_pattern(mpfr_get_d(x, MPFR_RNDZ), f);
    fp_wide_range();
    return v;
}

#endif
