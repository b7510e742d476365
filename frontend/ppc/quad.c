/* SPDX-License-Identifier: MIT */
/*
 * quad.c - floating-point insns of quad precision, all in C: no host computes with it.
 * Spec: Power ISA 3.0B Book I, 7.4 (exceptions), 7.6.3.
 */
#include "frontend/ppc/quad.h"

#include "frontend/ppc/trans.h"
#include "ir/softfloat_quad.h"

void ppc_helper_quad(Env *env, uint32_t op, uint32_t regs);
void ppc_helper_quad_compare(Env *env, uint32_t how, uint32_t regs);
void ppc_helper_quad_class(Env *env, uint32_t field, uint32_t b, uint32_t mask);

enum { EXPONENT_MAX = 0x7fff };

static f128 quad_of(const IrVal *v) {
    return (f128)v->d[0] << 64 | v->d[1];
}

static IrVal val_of(f128 q) {
    return (IrVal){.d = {(uint64_t)(q >> 64), (uint64_t)q}};
}

static unsigned exponent_of(f128 q) {
    return (unsigned)(q >> 112) & EXPONENT_MAX;
}

static f128 compute(unsigned op, f128 t, f128 a, f128 b, FpStatus *s) {
    int options = (op & PPC_QUAD_NEG_ADDEND ? FP_NEG_ADDEND : 0) | (op & PPC_QUAD_NEG_RESULT ? FP_NEG_RESULT : 0);
    uint64_t scalar = (uint64_t)(b >> 64);
    switch (op & PPC_QUAD_KIND) {
    case PPC_QUAD_ADD: return f128_add(a, b, s);
    case PPC_QUAD_SUB: return f128_sub(a, b, s);
    case PPC_QUAD_MUL: return f128_mul(a, b, s);
    case PPC_QUAD_DIV: return f128_div(a, b, s);
    case PPC_QUAD_SQRT: return f128_sqrt(b, s);
    case PPC_QUAD_MADD: return f128_muladd(a, b, t, options, s);
    case PPC_QUAD_FROM_DOUBLE: return f64_to_f128(scalar, s);
    case PPC_QUAD_TO_DOUBLE: return (f128)f128_to_f64(b, s) << 64;
    case PPC_QUAD_FROM_INT: return op & PPC_QUAD_UNSIGNED ? f128_from_uint(scalar) : f128_from_int((int64_t)scalar);
    case PPC_QUAD_TO_INT: return (f128)f128_to_int(b, op & PPC_QUAD_WORD ? 32 : 64, !(op & PPC_QUAD_UNSIGNED), s) << 64;
    case PPC_QUAD_RINT: return f128_round_int(b, s->round, op & PPC_QUAD_EXACT, s);
    default: return f128_round_extended(b, s->round, s);
    }
}

/* A result whose class a quad has as well. */
static f128 told_as(unsigned op, f128 v) {
    if ((op & PPC_QUAD_KIND) != PPC_QUAD_TO_DOUBLE) {
        return v;
    }
    uint64_t d = (uint64_t)(v >> 64);
    bool denormal = !(d >> 52 & 0x7ff) && d << 1;
    return denormal ? (f128)(d >> 63) << 127 | 1 : f64_to_f128(d, &(FpStatus){.rules = FP_RULES_PPC});
}

static unsigned class_of(f128 v) {
    enum { C = 16, L = 8, G = 4, E = 2, U = 1 };
    unsigned sign = v >> 127 ? L : G, exponent = exponent_of(v);
    if (f128_is_nan(v)) {
        return C | U;
    } else if (exponent == EXPONENT_MAX) {
        return sign | U;
    } else if (v << 1 == 0) {
        return v >> 127 ? C | E : E;
    }
    return exponent == 0 ? C | sign : sign;
}

/* regs: bytes T, A, B. */
void ppc_helper_quad(Env *env, uint32_t op, uint32_t regs) {
    IrVal *v = ppc_cpu(env)->vsr;
    FpStatus s = ppc_fp_begin(env);
    unsigned mode = op >> PPC_QUAD_MODE_SHIFT & 7;
    s.round = mode == PPC_QUAD_MODE_RN ? s.round : mode;
    f128 d = compute(op, quad_of(&v[regs & 63]), quad_of(&v[regs >> 8 & 63]), quad_of(&v[regs >> 16 & 63]), &s);
    bool integer = (op & PPC_QUAD_KIND) == PPC_QUAD_TO_INT;
    if (ppc_fp_conclude(env, &s, integer ? PPC_FPRF_KEPT : class_of(told_as(op, d)))) {
        v[regs & 63] = val_of(d);
    }
    ppc_fp_raise(env);
}

/* By the exponents alone; a NaN is not comparable. */
static FpOrder exponents_compared(f128 a, f128 b) {
    if (f128_is_nan(a) || f128_is_nan(b)) {
        return FP_UNORDERED;
    }
    unsigned x = exponent_of(a), y = exponent_of(b);
    return x < y ? FP_LESS : x > y ? FP_GREATER : FP_EQUAL;
}

/* regs: byte 0 the CR field, A, B. */
void ppc_helper_quad_compare(Env *env, uint32_t how, uint32_t regs) {
    const IrVal *v = ppc_cpu(env)->vsr;
    f128 a = quad_of(&v[regs >> 8 & 63]), b = quad_of(&v[regs >> 16 & 63]);
    FpStatus s = ppc_fp_begin(env);
    FpOrder order = how == 2 ? exponents_compared(a, b) : f128_compare(a, b, how, &s);
    ppc_fp_set_order(env, regs & 7, order, &s);
}

/* CR field and FPCC: sign, 0, does b belong to one of the classes of DCMX?, 0 */
void ppc_helper_quad_class(Env *env, uint32_t field, uint32_t b, uint32_t mask) {
    enum { NAN_BIT = 64, MINUS_INF = 16, MINUS_ZERO = 4, MINUS_DENORMAL = 1 };
    PpcCpu *cpu = ppc_cpu(env);
    f128 v = quad_of(&cpu->vsr[b & 63]);
    unsigned plus = v >> 127 ? 0 : 1, exponent = exponent_of(v);
    unsigned class = f128_is_nan(v) ? NAN_BIT : exponent == EXPONENT_MAX ? MINUS_INF << plus : v << 1 == 0 ? MINUS_ZERO << plus
                     : exponent == 0 ? MINUS_DENORMAL << plus : 0;
    ppc_fp_begin(env);
    cpu->cr[field & 7] = (uint8_t)((plus ? 0 : 8) | (mask & class ? 2 : 0));
    cpu->fpscr = (cpu->fpscr & ~(UINT64_C(15) << PPC_FPSCR_FPRF)) | (uint64_t)cpu->cr[field & 7] << PPC_FPSCR_FPRF;
}
