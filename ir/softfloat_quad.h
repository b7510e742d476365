/* SPDX-License-Identifier: MIT */
/*
 * softfloat_quad.h - binary128 arithmetic of IEEE 754-2019, as softfloat.h has the shorter formats: modes and traps come
 * from an FpStatus, exceptions go there. NaNs follow FP_RULES_PPC whatever the status says.
 */
#ifndef IR_SOFTFLOAT_QUAD_H
#define IR_SOFTFLOAT_QUAD_H

#include "ir/softfloat.h"

typedef unsigned __int128 f128;

f128 f128_add(f128 a, f128 b, FpStatus *s);
f128 f128_sub(f128 a, f128 b, FpStatus *s);
f128 f128_mul(f128 a, f128 b, FpStatus *s);
f128 f128_div(f128 a, f128 b, FpStatus *s);
f128 f128_sqrt(f128 a, FpStatus *s);
/* a * b + addend, rounded once; options: FP_NEG_ADDEND, FP_NEG_RESULT. */
f128 f128_muladd(f128 a, f128 b, f128 addend, int options, FpStatus *s);
FpOrder f128_compare(f128 a, f128 b, bool signalling, FpStatus *s); /* signalling: a QNaN raises INVALID as well */
/* To integral; exact: raise INEXACT when changed. */
f128 f128_round_int(f128 a, FpRound round, bool exact, FpStatus *s);
/* To 64 bits of precision, that of x87's extended numbers, with the range of f128. */
f128 f128_round_extended(f128 a, FpRound round, FpStatus *s);

f128 f64_to_f128(f64 a, FpStatus *s);
f64 f128_to_f64(f128 a, FpStatus *s);
/* Towards zero to an integer of `bits` (32 or 64), extended to 64; saturates, a NaN gives the least one. */
uint64_t f128_to_int(f128 a, int bits, bool is_signed, FpStatus *s);
f128 f128_from_int(int64_t v);
f128 f128_from_uint(uint64_t v);

bool f128_is_nan(f128 a);

#endif
