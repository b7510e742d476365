/* SPDX-License-Identifier: MIT */
/*
 * dfp.h - decimal floating point of PowerPC: numbers unpacked, their formats, and arithmetic that rounds once.
 * Spec: Power ISA 3.0B Book I, chapter 5.
 */
#ifndef FRONTEND_PPC_DFP_H
#define FRONTEND_PPC_DFP_H

#include <stdbool.h>
#include <stdint.h>

enum { PPC_DFP_DIGITS = 128 }; /* enough for exact sums that matter and exact products of 34 digits */

typedef enum PpcDfpClass { PPC_DFP_FINITE, PPC_DFP_INFINITY, PPC_DFP_QNAN, PPC_DFP_SNAN } PpcDfpClass;

/* (-1)^negative * digits * 10^exponent; of a NaN or an infinity the digits are its trailing ones. */
typedef struct PpcDecimal {
    PpcDfpClass class;
    bool negative;
    int exponent;
    int count;                      /* of digits; the highest is not 0 */
    uint8_t digit[PPC_DFP_DIGITS]; /* lowest first; 0 from count on */
} PpcDecimal;

typedef struct PpcDfpFormat {
    int precision, bias, largest; /* largest: biased exponent */
    int bits;                     /* 32, 64, 128 */
    int wrap;                     /* what exponents are adjusted by for an enabled overflow or underflow */
} PpcDfpFormat;
extern const PpcDfpFormat ppc_dfp_short, ppc_dfp_long, ppc_dfp_extended;

/* As DRN counts them. */
typedef enum PpcDfpRound {
    PPC_DFP_EVEN, PPC_DFP_ZERO, PPC_DFP_UP, PPC_DFP_DOWN, PPC_DFP_AWAY_TIES, PPC_DFP_ZERO_TIES, PPC_DFP_AWAY, PPC_DFP_SHORTER
} PpcDfpRound;

/* What rounding asks and tells. Bits are those of FPSCR: OX, UX, XX, VX..., ZX, FR and FI. */
typedef struct PpcDfpStatus {
    PpcDfpRound round;
    bool overflow_traps, underflow_traps;
    int wrap;      /* 0: the format's; else instead of it, for conversions to a shorter format */
    uint64_t bits;
    bool wrapped;  /* the exponent was adjusted */
} PpcDfpStatus;

typedef struct PpcDfpBits {
    uint64_t high, low; /* of 32 and 64 bits: low */
} PpcDfpBits;

/* Three digits of a densely packed declet, as nibbles; and back. */
unsigned ppc_dpd_unpack(unsigned declet);
unsigned ppc_dpd_pack(unsigned bcd);

PpcDecimal ppc_dfp_decode(const PpcDfpFormat *f, PpcDfpBits bits);
/* The canonical encoding; of a finite number with at most f->precision digits and an exponent that f has. */
PpcDfpBits ppc_dfp_encode(const PpcDfpFormat *f, const PpcDecimal *x);

static inline int ppc_dfp_least(const PpcDfpFormat *f) {
    return -f->bias;
}
static inline int ppc_dfp_most(const PpcDfpFormat *f) {
    return f->largest - f->bias;
}
/* Is the highest digit of a finite number below the least normal one? Not of 0. */
bool ppc_dfp_is_subnormal(const PpcDfpFormat *f, const PpcDecimal *x);

PpcDecimal ppc_dfp_from_uint(unsigned __int128 v);
/* Multiplies by 10^n, or (n < 0) divides, cutting digits; the exponent stays. */
void ppc_dfp_shift(PpcDecimal *x, int n);
/* Keeps the lowest n digits. */
void ppc_dfp_keep(PpcDecimal *x, int n);
/* Raises the exponent to `exponent`, rounding; true if that was inexact, *up if the magnitude grew. */
bool ppc_dfp_raise_exponent(PpcDecimal *x, int exponent, PpcDfpRound round, bool *up);
/* x rounded to the format, with the exponent nearest to ideal where it is exact. */
void ppc_dfp_fit(const PpcDfpFormat *f, PpcDecimal *x, int ideal, PpcDfpStatus *s);
/* -1, 0, 1 of finite numbers and infinities. */
int ppc_dfp_order(const PpcDecimal *a, const PpcDecimal *b);

/* Exact, or with digits behind those that any format keeps that say in which direction it is not; of finite numbers. *ideal:
 * the exponent that is preferred. div: b is not 0. */
PpcDecimal ppc_dfp_sum(const PpcDecimal *a, const PpcDecimal *b, PpcDfpRound round, int *ideal);
PpcDecimal ppc_dfp_product(const PpcDecimal *a, const PpcDecimal *b, int *ideal);
PpcDecimal ppc_dfp_quotient(const PpcDecimal *a, const PpcDecimal *b, int *ideal);

/* What insns compute. */
typedef enum PpcDfpOp {
    PPC_DFP_ADD, PPC_DFP_SUB, PPC_DFP_MUL, PPC_DFP_DIV,
    PPC_DFP_QUANTIZE_TO,   /* dquai */
    PPC_DFP_QUANTIZE, PPC_DFP_REROUND, PPC_DFP_RINTX, PPC_DFP_RINTN,
    PPC_DFP_WIDEN,         /* dctdp, dctqpq */
    PPC_DFP_NARROW,        /* drsp, drdpq */
    PPC_DFP_FROM_INT, PPC_DFP_TO_INT, PPC_DFP_TO_BCD, PPC_DFP_FROM_BCD, PPC_DFP_EXTRACT, PPC_DFP_INSERT,
    PPC_DFP_SHIFT_LEFT, PPC_DFP_SHIFT_RIGHT,
    PPC_DFP_CMPU, PPC_DFP_CMPO, PPC_DFP_TEST_CLASS, PPC_DFP_TEST_GROUP, PPC_DFP_TEST_EXPONENT,
    PPC_DFP_TEST_SIGNIFICANCE, PPC_DFP_TEST_SIGNIFICANCE_TO, /* dtstsf, dtstsfi */
    PPC_DFP_KIND = 0x1f,
    PPC_DFP_QUAD = 1 << 5,
    PPC_DFP_RC = 1 << 6,
    PPC_DFP_IMMEDIATE = 8, /* what stands from here on */
} PpcDfpOp;

#endif
