/* SPDX-License-Identifier: MIT */
/*
 * softfloat.h - IEEE 754-2019 binary arithmetic by integer code: the reference of every guest and the cold path of
 * every host. Values are bit patterns in the low bits of an unsigned integer of the format's width.
 *
 * Each operation takes an FpStatus: it reads the modes and ors exception flags into `flags`.
 */
#ifndef IR_SOFTFLOAT_H
#define IR_SOFTFLOAT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum FpRound {
    FP_RNE, /* to nearest, ties to even */
    FP_RUP, /* towards plus infinity */
    FP_RDN, /* towards minus infinity */
    FP_RTZ, /* towards zero */
    FP_RNA, /* to nearest, ties away from zero */
    FP_RTO, /* to odd (Arm FCVTXN) */
} FpRound;

/* Exception flags; the values are those of Arm's FPSR cumulative bits. */
enum {
    FP_INVALID = 1 << 0,
    FP_DIVZERO = 1 << 1,
    FP_OVERFLOW = 1 << 2,
    FP_UNDERFLOW = 1 << 3,
    FP_INEXACT = 1 << 4,
    FP_INPUT_DENORMAL = 1 << 7,
    /* Why an operation is invalid, beside FP_INVALID; for FP_RULES_PPC. */
    FP_WHY_SNAN = 1 << 8,      /* a signalling NaN */
    FP_WHY_INF_SUB = 1 << 9,   /* infinity - infinity */
    FP_WHY_INF_DIV = 1 << 10,  /* infinity / infinity */
    FP_WHY_ZERO_DIV = 1 << 11, /* 0 / 0 */
    FP_WHY_INF_MUL = 1 << 12,  /* infinity * 0 */
    FP_WHY_COMPARE = 1 << 13,  /* a NaN compared by order */
    FP_WHY_SQRT = 1 << 14,     /* of a negative number */
    FP_WHY_INTEGER = 1 << 15,  /* no such integer */
    FP_ROUNDED_UP = 1 << 16,   /* FpStatus.detail: the magnitude was incremented */
};

/* Whose NaN propagation, default NaN and tininess rules apply. */
typedef enum FpRules {
    FP_RULES_ARM, /* SNaN first, then QNaN, in operand order; positive default NaN; tininess before rounding */
    FP_RULES_PPC, /* the first NaN, an addend before the second factor; the rest as Arm; no NaN is negated */
} FpRules;

typedef struct FpStatus {
    uint8_t round;       /* FpRound */
    uint8_t rules;       /* FpRules */
    bool flush;          /* Arm FPCR.FZ: flush denormal inputs (sets INPUT_DENORMAL) and outputs (f32, f64) */
    bool flush16;        /* Arm FPCR.FZ16: the same for f16, but without INPUT_DENORMAL */
    bool default_nan;    /* Arm FPCR.DN */
    bool alt_half;       /* Arm FPCR.AHP: alternative half precision in conversions */
    uint8_t traps;       /* FP_OVERFLOW, FP_UNDERFLOW: gives the result with its exponent wrapped, as for a trap (f32, f64) */
    bool detail;         /* tell FP_ROUNDED_UP */
    uint32_t flags;      /* sticky FP_* bits */
} FpStatus;

typedef uint16_t f16;
typedef uint32_t f32;
typedef uint64_t f64;

/* Result of a comparison. */
typedef enum FpOrder { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED } FpOrder;

/* Options of muladd: a, or the addend, is negated before anything else, which shows when it is a NaN; the result is
 * negated after rounding, unless it is one. */
enum { FP_NEG_PRODUCT = 1, FP_NEG_ADDEND = 2, FP_NEG_RESULT = 4 };

/* Every operation exists for the three formats: f16_add, f32_add, f64_add, ... */
#define FP_DECLARE(F)                                                                                                  \
    F F##_add(F a, F b, FpStatus *s);                                                                                  \
    F F##_sub(F a, F b, FpStatus *s);                                                                                  \
    F F##_mul(F a, F b, FpStatus *s);                                                                                  \
    F F##_div(F a, F b, FpStatus *s);                                                                                  \
    F F##_sqrt(F a, FpStatus *s);                                                                                      \
    F F##_muladd(F a, F b, F addend, int options, FpStatus *s); /* a * b + addend, rounded once */                     \
    F F##_min(F a, F b, FpStatus *s);                                                                                  \
    F F##_max(F a, F b, FpStatus *s);                                                                                  \
    F F##_minnum(F a, F b, FpStatus *s); /* Arm FMINNM: a quiet NaN loses against a number */                          \
    F F##_maxnum(F a, F b, FpStatus *s);                                                                               \
    F F##_mulx(F a, F b, FpStatus *s);      /* Arm FMULX: 0 * infinity = 2 with the sign of the product */             \
    F F##_recip_step(F a, F b, FpStatus *s);  /* Arm FRECPS: 2 - a * b, fused */                                       \
    F F##_rsqrt_step(F a, F b, FpStatus *s);  /* Arm FRSQRTS: (3 - a * b) / 2, fused */                                \
    F F##_recip_estimate(F a, FpStatus *s);   /* Arm FRECPE */                                                         \
    F F##_rsqrt_estimate(F a, FpStatus *s);   /* Arm FRSQRTE */                                                        \
    F F##_recip_exponent(F a, FpStatus *s);   /* Arm FRECPX */                                                         \
    F F##_round_int(F a, FpRound r, bool exact, FpStatus *s); /* to integral; exact: raise INEXACT when changed */     \
    FpOrder F##_compare(F a, F b, bool signalling, FpStatus *s); /* signalling: a QNaN raises INVALID as well */       \
    /* To integer of `bits` (16, 32 or 64) with `fbits` fraction bits; saturates; NaN gives 0; the result is */        \
    /* sign- or zero-extended to 64 bits. */                                                                           \
    uint64_t F##_to_int(F a, int bits, bool is_signed, int fbits, FpRound r, FpStatus *s);                             \
    F F##_from_int(int64_t v, int fbits, FpStatus *s);   /* v / 2^fbits */                                             \
    F F##_from_uint(uint64_t v, int fbits, FpStatus *s);

FP_DECLARE(f16)
FP_DECLARE(f32)
FP_DECLARE(f64)
#undef FP_DECLARE

/* Format conversions. Those from and to f16 honour alt_half; `f64_to_f32_odd` rounds to odd (Arm FCVTXN). */
f32 f16_to_f32(f16 a, FpStatus *s);
f64 f16_to_f64(f16 a, FpStatus *s);
f16 f32_to_f16(f32 a, FpStatus *s);
f64 f32_to_f64(f32 a, FpStatus *s);
f16 f64_to_f16(f64 a, FpStatus *s);
f32 f64_to_f32(f64 a, FpStatus *s);
f32 f64_to_f32_odd(f64 a, FpStatus *s);

/* Of doubles, rounded once to the range and precision of f32, and held as a double. */
f64 f64_single_add(f64 a, f64 b, FpStatus *s);
f64 f64_single_sub(f64 a, f64 b, FpStatus *s);
f64 f64_single_mul(f64 a, f64 b, FpStatus *s);
f64 f64_single_div(f64 a, f64 b, FpStatus *s);
f64 f64_single_sqrt(f64 a, FpStatus *s);
f64 f64_single_muladd(f64 a, f64 b, f64 addend, int options, FpStatus *s);
f64 f64_single_round(f64 a, FpStatus *s);
/* A single as a double and back as PowerPC's loads and stores do: NaNs as they are, without exceptions. */
f64 f32_as_f64(f32 a);
f32 f64_as_f32(f64 a);

/* Arm URECPE and URSQRTE: fixed-point estimates. */
uint32_t fp_urecpe(uint32_t a);
uint32_t fp_ursqrte(uint32_t a);

#endif
