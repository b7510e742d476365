/* SPDX-License-Identifier: MIT */
/*
 * fp_altivec.c - AltiVec's floating point, which rounds to nearest and tells of nothing but saturation.
 * Spec: Power ISA 3.0B Book I, 6.10, 6.6 (exceptions, the non-Java mode).
 * Estimates are nearer than is asked for.
 */
#include <math.h>
#include <string.h>

#include "frontend/ppc/fp.h"
#include "frontend/ppc/spr.h"

void ppc_helper_fp_altivec(Env *env, uint32_t op, uint32_t regs, uint32_t scale);

enum { NOT_JAVA = 1 << 16, ONE = 0x3f800000 };

static bool is_nan(uint32_t v) {
    return v << 1 > 0xff000000u;
}

static bool is_above(uint32_t a, uint32_t b, FpStatus *s) {
    return f32_compare(a, b, false, s) == FP_GREATER;
}

/* Bit 31: above b; bit 30: below -b. A NaN is both. */
static uint32_t bounds(uint32_t a, uint32_t b, FpStatus *s) {
    FpOrder high = f32_compare(a, b, false, s), low = f32_compare(a, b ^ 0x80000000u, false, s);
    bool above = high == FP_GREATER || high == FP_UNORDERED, below = low == FP_LESS || low == FP_UNORDERED;
    return (above ? 1u << 31 : 0) | (below ? 1u << 30 : 0);
}

static uint32_t mask(bool yes) {
    return yes ? UINT32_MAX : 0;
}

/* Of 2: its power, or (logarithm) the reverse; what is no number, and what the host's library would signal, apart. */
static uint32_t by_library(uint32_t v, bool logarithm, FpStatus *s) {
    if (is_nan(v)) {
        return v | 0x00400000;
    } else if (logarithm && v << 1 == 0) {
        return 0xff800000;
    } else if (logarithm && v >> 31) {
        return 0x7fc00000;
    }
    float x;
    memcpy(&x, &v, sizeof(x));
    double y = logarithm ? log2(x) : exp2(x);
    uint64_t bits;
    memcpy(&bits, &y, sizeof(bits));
    return f64_to_f32(bits, s);
}

static uint32_t to_int(unsigned op, uint32_t b, uint32_t scale, FpStatus *s, uint32_t *saturated) {
    bool is_signed = !(op & PPC_FP_UNSIGNED);
    s->flags = 0;
    uint32_t v = is_nan(b) ? 0 : (uint32_t)f32_to_int(b, 32, is_signed, (int)scale, FP_RTZ, s);
    *saturated |= s->flags & FP_INVALID ? 1 : 0;
    return v;
}

static uint32_t from_int(unsigned op, uint32_t b, uint32_t scale, FpStatus *s) {
    return op & PPC_FP_UNSIGNED ? f32_from_uint(b, (int)scale, s) : f32_from_int((int32_t)b, (int)scale, s);
}

static uint32_t madd(unsigned op, uint32_t a, uint32_t b, uint32_t c, FpStatus *s) {
    int options = (op & PPC_FP_NEG_ADDEND ? FP_NEG_ADDEND : 0) | (op & PPC_FP_NEG_RESULT ? FP_NEG_RESULT : 0);
    return f32_muladd(a, c, b, options, s);
}

static uint32_t compute(unsigned op, uint32_t a, uint32_t b, uint32_t c, FpStatus *s) {
    unsigned mode = op >> PPC_FP_MODE_SHIFT & 7;
    switch (op & PPC_FP_KIND) {
    case PPC_FP_ADD: return f32_add(a, b, s);
    case PPC_FP_SUB: return f32_sub(a, b, s);
    case PPC_FP_MADD: return madd(op, a, b, c, s);
    case PPC_FP_MAX: return f32_max(a, b, s);
    case PPC_FP_MIN: return f32_min(a, b, s);
    case PPC_FP_RE: return f32_div(ONE, b, s);
    case PPC_FP_RSQRTE: return f32_div(ONE, f32_sqrt(b, s), s);
    case PPC_FP_EXP2: return by_library(b, false, s);
    case PPC_FP_LOG2: return by_library(b, true, s);
    case PPC_FP_RINT: return f32_round_int(b, mode, false, s);
    case PPC_FP_CMP_EQ: return mask(f32_compare(a, b, false, s) == FP_EQUAL);
    case PPC_FP_CMP_GT: return mask(is_above(a, b, s));
    case PPC_FP_CMP_GE: return mask(is_above(a, b, s) || f32_compare(a, b, false, s) == FP_EQUAL);
    default: return bounds(a, b, s);
    }
}

void ppc_helper_fp_altivec(Env *env, uint32_t op, uint32_t regs, uint32_t scale) {
    PpcCpu *cpu = ppc_cpu(env);
    const IrVal *a = &cpu->vsr[regs >> 8 & 63], *b = &cpu->vsr[regs >> 16 & 63], *c = &cpu->vsr[regs >> 24 & 63];
    FpStatus s = {.rules = FP_RULES_PPC, .flush = cpu->vscr & NOT_JAVA};
    unsigned kind = op & PPC_FP_KIND;
    uint32_t saturated = 0;
    IrVal d;
    for (unsigned i = 0; i < 4; i++) {
        d.s[i] = kind == PPC_FP_TO_INT ? to_int(op, b->s[i], scale, &s, &saturated)
                 : kind == PPC_FP_FROM_INT ? from_int(op, b->s[i], scale, &s) : compute(op, a->s[i], b->s[i], c->s[i], &s);
    }
    cpu->vsr[regs & 63] = d;
    env->qc |= saturated;
    if (op & PPC_FP_RC) {
        bool none = (d.d[0] | d.d[1]) == 0, all = (d.d[0] & d.d[1]) == UINT64_MAX;
        cpu->cr[6] = (none ? PPC_EQ : 0) | (all && kind != PPC_FP_CMP_BOUNDS ? PPC_LT : 0);
    }
}
