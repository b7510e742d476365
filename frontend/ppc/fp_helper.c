/* SPDX-License-Identifier: MIT */
/*
 * fp_helper.c - FPSCR, and floating-point insns done in C: all that can trap, and those that are rare.
 * Spec: Power ISA 3.0B Book I, 4.2.2 (FPSCR), 4.4 (exceptions), 4.6 (insns), 7.6.3 (VSX).
 * Missing: the non-IEEE mode, which may give the same results. Estimates are those of a division, which is nearer than is asked for.
 */
#include "frontend/ppc/fp.h"

#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

void ppc_helper_fp(Env *env, uint32_t op, uint32_t regs);
void ppc_helper_fp_lanes(Env *env, uint32_t op, uint32_t regs);
void ppc_helper_fp_compare(Env *env, uint32_t op, uint32_t regs);
uint64_t ppc_helper_fpscr_read(Env *env);
void ppc_helper_fpscr_write(Env *env, uint64_t value, uint64_t mask);
void ppc_helper_fpscr_control(Env *env, uint64_t value, uint64_t mask);
uint32_t ppc_helper_fpscr_field(Env *env, uint32_t field);
uint32_t ppc_helper_fp_test(Env *env, uint64_t a, uint64_t b, uint32_t how);
uint32_t ppc_helper_fp_cr1(Env *env);
uint32_t ppc_helper_fp_class(Env *env, uint64_t v, uint32_t mask, uint32_t words);
uint32_t ppc_helper_fp_test_single(Env *env, uint32_t a, uint32_t b, uint32_t how);

#define BIT(name) (UINT64_C(1) << PPC_FPSCR_##name)

/* -- one result -------------------------------------------------------------------------------- */

static uint64_t to_int(unsigned op, uint64_t b, FpStatus *s) {
    unsigned mode = op >> PPC_FP_MODE_SHIFT & 7, bits = op & PPC_FP_WORD ? 32 : 64;
    uint64_t v = f64_to_int(b, (int)bits, !(op & PPC_FP_UNSIGNED), 0, mode == PPC_FP_MODE_RN ? s->round : mode, s);
    return op & PPC_FP_SPLAT ? (uint32_t)v | v << 32 : v;
}

static uint64_t from_int(unsigned op, uint64_t b, FpStatus *s) {
    if (op & PPC_FP_SINGLE) {
        return f32_as_f64(op & PPC_FP_UNSIGNED ? f32_from_uint(b, 0, s) : f32_from_int((int64_t)b, 0, s));
    }
    return op & PPC_FP_UNSIGNED ? f64_from_uint(b, 0, s) : f64_from_int((int64_t)b, 0, s);
}

static uint64_t estimate(unsigned op, uint64_t b, FpStatus *s) {
    const uint64_t one = UINT64_C(0x3ff0000000000000);
    bool words = op >> PPC_FP_FROM_SHIFT & 3;
    uint64_t d = (op & PPC_FP_KIND) != PPC_FP_RSQRTE ? b : words ? f64_single_sqrt(b, s) : f64_sqrt(b, s);
    return op & PPC_FP_SINGLE ? f64_single_div(one, d, s) : f64_div(one, d, s);
}

static uint64_t compared(FpOrder order, FpOrder one, FpOrder other) {
    return order == one || order == other ? UINT64_MAX : 0;
}

static bool is_nan(uint64_t v) {
    return v << 1 > UINT64_C(0xffe0000000000000);
}

/* One of both as it is, SNaN or not. */
static uint64_t chosen(unsigned kind, uint64_t a, uint64_t b, FpStatus *s) {
    bool max = kind == PPC_FP_MAX_C || kind == PPC_FP_MAX_J, java = kind == PPC_FP_MAX_J || kind == PPC_FP_MIN_J;
    FpOrder order = f64_compare(a, b, false, s);
    if (order == FP_UNORDERED) {
        return java && is_nan(a) ? a : b;
    } else if (java && order == FP_EQUAL) {
        return max ? a & b : a | b;
    }
    return order == (max ? FP_GREATER : FP_LESS) ? a : b;
}

/* Singles held as doubles, and doubles. */
static uint64_t compute(unsigned op, uint64_t a, uint64_t b, uint64_t c, FpStatus *s) {
    unsigned single = op & PPC_FP_SINGLE, mode = op >> PPC_FP_MODE_SHIFT & 7;
    int options = (op & PPC_FP_NEG_ADDEND ? FP_NEG_ADDEND : 0) | (op & PPC_FP_NEG_RESULT ? FP_NEG_RESULT : 0);
    switch (op & PPC_FP_KIND) {
    case PPC_FP_ADD: return single ? f64_single_add(a, b, s) : f64_add(a, b, s);
    case PPC_FP_SUB: return single ? f64_single_sub(a, b, s) : f64_sub(a, b, s);
    case PPC_FP_MUL: return single ? f64_single_mul(a, b, s) : f64_mul(a, b, s);
    case PPC_FP_DIV: return single ? f64_single_div(a, b, s) : f64_div(a, b, s);
    case PPC_FP_SQRT: return single ? f64_single_sqrt(b, s) : f64_sqrt(b, s);
    case PPC_FP_MADD: return single ? f64_single_muladd(a, c, b, options, s) : f64_muladd(a, c, b, options, s);
    case PPC_FP_ROUND: return single || is_nan(b) ? f64_single_round(b, s) : b;
    case PPC_FP_RINT: return f64_round_int(b, mode == PPC_FP_MODE_RN ? s->round : mode, op & PPC_FP_EXACT, s);
    case PPC_FP_TO_INT: return to_int(op, b, s);
    case PPC_FP_FROM_INT: return from_int(op, b, s);
    case PPC_FP_RE: case PPC_FP_RSQRTE: return estimate(op, b, s);
    case PPC_FP_MAX: return f64_maxnum(a, b, s);
    case PPC_FP_MIN: return f64_minnum(a, b, s);
    case PPC_FP_CMP_EQ: return compared(f64_compare(a, b, false, s), FP_EQUAL, FP_EQUAL);
    case PPC_FP_CMP_GT: return compared(f64_compare(a, b, true, s), FP_GREATER, FP_GREATER);
    case PPC_FP_CMP_GE: return compared(f64_compare(a, b, true, s), FP_GREATER, FP_EQUAL);
    case PPC_FP_FROM_HALF: return f16_to_f64((uint16_t)b, s);
    case PPC_FP_TO_HALF: return f64_to_f16(b, s);
    default: return chosen(op & PPC_FP_KIND, a, b, s);
    }
}

/* FPRF of a result in a format whose least normal number has that exponent, as a double. */
static unsigned class_of(uint64_t v, unsigned least) {
    enum { C = 16, L = 8, G = 4, E = 2, U = 1 };
    unsigned exponent = v >> 52 & 0x7ff, sign = v >> 63 ? L : G;
    if (v << 1 == 0) {
        return v >> 63 ? C | E : E;
    }
    if (exponent == 0x7ff) {
        return v << 12 ? C | U : sign | U;
    }
    return exponent < least ? C | sign : sign;
}

/* -- FPSCR -------------------------------------------------------------------------------- */

/* Exception bits of a status. */
static uint64_t exceptions(uint32_t flags) {
    static const struct { uint32_t flag; uint8_t bit; } table[] = {
        {FP_OVERFLOW, PPC_FPSCR_OX}, {FP_UNDERFLOW, PPC_FPSCR_UX}, {FP_DIVZERO, PPC_FPSCR_ZX}, {FP_INEXACT, PPC_FPSCR_XX},
        {FP_WHY_SNAN, PPC_FPSCR_VXSNAN}, {FP_WHY_INF_SUB, PPC_FPSCR_VXISI}, {FP_WHY_INF_DIV, PPC_FPSCR_VXIDI},
        {FP_WHY_ZERO_DIV, PPC_FPSCR_VXZDZ}, {FP_WHY_INF_MUL, PPC_FPSCR_VXIMZ}, {FP_WHY_COMPARE, PPC_FPSCR_VXVC},
        {FP_WHY_SQRT, PPC_FPSCR_VXSQRT}, {FP_WHY_INTEGER, PPC_FPSCR_VXCVI},
    };
    uint64_t v = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        v |= (uint64_t)(flags & table[i].flag ? 1 : 0) << table[i].bit;
    }
    return v;
}

/* VX and FEX follow from the others. */
static uint64_t summed(uint64_t v) {
    v &= ~(BIT(VX) | BIT(FEX));
    v |= v & PPC_FPSCR_VX_ALL ? BIT(VX) : 0;
    uint64_t enabled = v >> (PPC_FPSCR_VX - PPC_FPSCR_VE) & v & PPC_FPSCR_ENABLES; /* VX OX UX ZX XX, VE OE UE ZE XE */
    return v | (enabled ? BIT(FEX) : 0);
}

/* New exceptions, and FX if there are any. */
static uint64_t added(uint64_t v, uint64_t bits) {
    return v | bits | (bits & ~v ? BIT(FX) : 0);
}

static uint64_t with_result(uint64_t v, unsigned op, uint64_t result, uint32_t flags) {
    bool none = (flags & (FP_INVALID | FP_DIVZERO)) || op & PPC_FP_FRESH;
    v &= ~(BIT(FI) | BIT(FR));
    v |= (!none && flags & FP_INEXACT ? BIT(FI) : 0) | (!none && flags & FP_ROUNDED_UP ? BIT(FR) : 0);
    if (!(op & PPC_FP_CLASS_KEPT)) {
        v &= ~(UINT64_C(31) << PPC_FPSCR_FPRF);
        bool wrapped = flags & FP_UNDERFLOW && v & BIT(UE);
        unsigned least = (op & PPC_FP_KIND) == PPC_FP_TO_HALF ? 1009 : op & PPC_FP_SINGLE && !wrapped ? 897 : 1;
        v |= (uint64_t)class_of(result, least) << PPC_FPSCR_FPRF;
    }
    return v;
}

uint64_t ppc_fpscr(const Env *env) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    uint64_t v = cpu->fpscr;
    if (cpu->fp_op) {
        FpStatus s = {.rules = FP_RULES_PPC, .round = env->fp.round, .detail = true};
        uint64_t result = compute(cpu->fp_op, cpu->fp_a.d[0], cpu->fp_b.d[0], cpu->fp_c.d[0], &s);
        v = with_result(v, cpu->fp_op, result, s.flags);
    }
    if (cpu->fp_order) {
        v = (v & ~(UINT64_C(15) << PPC_FPSCR_FPRF)) | (uint64_t)(cpu->fp_order & 15) << PPC_FPSCR_FPRF;
    }
    return summed(added(v, exceptions(env->fp.flags)));
}

/* Brings FPSCR up to date. */
static uint64_t settle(Env *env) {
    PpcCpu *cpu = ppc_cpu(env);
    cpu->fpscr = ppc_fpscr(env);
    cpu->fp_op = 0;
    cpu->fp_order = 0;
    env->fp.flags = 0;
    return cpu->fpscr;
}

void ppc_set_fpscr(Env *env, uint64_t value) {
    static const uint8_t rounding[4] = {FP_RNE, FP_RTZ, FP_RUP, FP_RDN};
    PpcCpu *cpu = ppc_cpu(env);
    cpu->fpscr = summed(value & PPC_FPSCR_ALL);
    cpu->fp_op = 0;
    cpu->fp_order = 0;
    env->fp.flags = 0;
    env->fp.round = rounding[value & 3];
    ppc_update_mode(env);
}

void ppc_fp_raise(Env *env) {
    const PpcCpu *cpu = ppc_cpu(env);
    if (cpu->fpscr & BIT(FEX) && cpu->msr & (PPC_MSR_FE0 | PPC_MSR_FE1)) {
        ppc_raise_program(env, PPC_PROGRAM_FP);
    }
}

uint64_t ppc_helper_fpscr_read(Env *env) {
    return settle(env);
}

void ppc_helper_fpscr_write(Env *env, uint64_t value, uint64_t mask) {
    uint64_t old = settle(env);
    if (mask & PPC_FPSCR_NEW && value & mask & PPC_FPSCR_STICKY & ~old) {
        mask |= BIT(FX);
        value |= BIT(FX);
    }
    mask &= ~(BIT(FEX) | BIT(VX));
    ppc_set_fpscr(env, (old & ~mask) | (value & mask));
    ppc_fp_raise(env);
}

void ppc_helper_fpscr_control(Env *env, uint64_t value, uint64_t mask) {
    uint64_t old = settle(env);
    ppc_set_fpscr(env, (old & ~mask) | (value & mask));
}

/* mcrfs: the field, whose exceptions are cleared. */
uint32_t ppc_helper_fpscr_field(Env *env, uint32_t field) {
    unsigned down = 28 - 4 * (field & 7);
    uint64_t v = settle(env);
    ppc_set_fpscr(env, v & ~((UINT64_C(15) << down) & (PPC_FPSCR_STICKY | BIT(FX))));
    return v >> down & 15;
}

uint32_t ppc_helper_fp_cr1(Env *env) {
    return ppc_fpscr(env) >> 28 & 15;
}

/* -- insns -------------------------------------------------------------------------------- */

static FpStatus status_of(const Env *env) {
    uint64_t v = ppc_cpu_const(env)->fpscr;
    uint8_t traps = (v & BIT(OE) ? FP_OVERFLOW : 0) | (v & BIT(UE) ? FP_UNDERFLOW : 0);
    return (FpStatus){.rules = FP_RULES_PPC, .round = env->fp.round, .detail = true, .traps = traps};
}

/* An enabled exception keeps the result from being written. */
static bool suppresses(uint64_t fpscr, uint32_t flags) {
    return (flags & FP_INVALID && fpscr & BIT(VE)) || (flags & FP_DIVZERO && fpscr & BIT(ZE));
}

FpStatus ppc_fp_begin(Env *env) {
    settle(env);
    return status_of(env);
}

bool ppc_fp_conclude(Env *env, const FpStatus *s, unsigned fprf) {
    PpcCpu *cpu = ppc_cpu(env);
    bool kept = suppresses(cpu->fpscr, s->flags), none = s->flags & (FP_INVALID | FP_DIVZERO);
    uint64_t v = added(cpu->fpscr, exceptions(s->flags)) & ~(BIT(FI) | BIT(FR));
    v |= (!none && s->flags & FP_INEXACT ? BIT(FI) : 0) | (!none && s->flags & FP_ROUNDED_UP ? BIT(FR) : 0);
    if (!kept && fprf != PPC_FPRF_KEPT) {
        v = (v & ~(UINT64_C(31) << PPC_FPSCR_FPRF)) | (uint64_t)fprf << PPC_FPSCR_FPRF;
    }
    cpu->fpscr = summed(v);
    return !kept;
}

static void record(Env *env, unsigned op) {
    if (op & PPC_FP_RC) {
        ppc_cpu(env)->cr[1] = ppc_cpu(env)->fpscr >> 28 & 15;
    }
    ppc_fp_raise(env);
}

/* Element n as compute() wants it. */
static uint64_t operand(const IrVal *v, unsigned elements, unsigned n, unsigned op) {
    unsigned kind = op & PPC_FP_KIND;
    if (elements == PPC_FP_DOUBLES) {
        return v->d[n];
    }
    uint32_t word = v->s[elements == PPC_FP_WORDS ? n : 2 * n + 1];
    if (kind == PPC_FP_FROM_INT) {
        return op & PPC_FP_UNSIGNED ? word : (uint64_t)(int64_t)(int32_t)word;
    }
    return kind == PPC_FP_FROM_HALF ? word : f32_as_f64(word);
}

static bool gives_bits(unsigned op) {
    unsigned kind = op & PPC_FP_KIND;
    return kind == PPC_FP_TO_INT || kind == PPC_FP_TO_HALF || (kind >= PPC_FP_CMP_EQ && kind <= PPC_FP_CMP_GE);
}

/* A word that has half a doubleword for itself is in both: software counts on it. */
static void put(IrVal *d, unsigned elements, unsigned n, unsigned op, uint64_t v) {
    if (elements == PPC_FP_DOUBLES) {
        d->d[n] = v;
        return;
    }
    uint32_t word = gives_bits(op) ? (uint32_t)v : f64_as_f32(v);
    if (elements == PPC_FP_WORDS) {
        d->s[n] = word;
    } else {
        d->d[n] = word | (uint64_t)word << 32;
    }
}

/* `lanes` results, with the exceptions of all in s. */
static IrVal compute_lanes(Env *env, unsigned op, unsigned regs, unsigned lanes, FpStatus *s) {
    const IrVal *v = ppc_cpu(env)->vsr, *a = &v[regs >> 8 & 63], *b = &v[regs >> 16 & 63], *c = &v[regs >> 24 & 63];
    unsigned from = op >> PPC_FP_FROM_SHIFT & 3, to = op >> PPC_FP_TO_SHIFT & 3;
    IrVal d = {.d = {0, 0}};
    for (unsigned i = 0; i < lanes; i++) {
        put(&d, to, i, op, compute(op, operand(a, from, i, op), operand(b, from, i, op), operand(c, from, i, op), s));
    }
    return d;
}

/* All true, none true. */
static unsigned cr_of_lanes(const IrVal *v) {
    return ((v->d[0] & v->d[1]) == UINT64_MAX ? 8 : 0) | ((v->d[0] | v->d[1]) == 0 ? 2 : 0);
}

static bool is_classed(unsigned op) {
    unsigned kind = op & PPC_FP_KIND;
    return !(kind >= PPC_FP_MAX && kind <= PPC_FP_MIN_J);
}

/* Of a comparison with NaNs, VXVC does not follow where VXSNAN traps. */
static void forget_order(uint64_t fpscr, FpStatus *s) {
    if (s->flags & FP_WHY_SNAN && fpscr & BIT(VE)) {
        s->flags &= ~(uint32_t)FP_WHY_COMPARE;
    }
}

/* regs: bytes T, A, B, C. */
void ppc_helper_fp(Env *env, uint32_t op, uint32_t regs) {
    PpcCpu *cpu = ppc_cpu(env);
    settle(env);
    FpStatus s = status_of(env);
    IrVal d = compute_lanes(env, op, regs, 1, &s);
    forget_order(cpu->fpscr, &s);
    bool kept = suppresses(cpu->fpscr, s.flags);
    cpu->fpscr = added(cpu->fpscr, exceptions(s.flags));
    if (is_classed(op)) {
        bool half = (op & PPC_FP_KIND) == PPC_FP_TO_HALF;
        uint64_t result = half ? f16_to_f64((uint16_t)d.d[0], &(FpStatus){0})
                          : op >> PPC_FP_TO_SHIFT & 3 ? f32_as_f64((uint32_t)d.d[0]) : d.d[0];
        cpu->fpscr = with_result(cpu->fpscr, op | (kept ? PPC_FP_CLASS_KEPT : 0), result, s.flags);
    }
    cpu->fpscr = summed(cpu->fpscr);
    if (!kept) {
        cpu->vsr[regs & 63] = d;
    }
    record(env, op);
}

/* The same of all elements; FPSCR tells of no single result. */
void ppc_helper_fp_lanes(Env *env, uint32_t op, uint32_t regs) {
    PpcCpu *cpu = ppc_cpu(env);
    settle(env);
    FpStatus s = status_of(env);
    unsigned words = op >> PPC_FP_TO_SHIFT & 3;
    IrVal d = compute_lanes(env, op, regs, words == PPC_FP_WORDS ? 4 : 2, &s);
    forget_order(cpu->fpscr, &s);
    cpu->fpscr = summed(added(cpu->fpscr, exceptions(s.flags)));
    if (!suppresses(cpu->fpscr, s.flags)) {
        cpu->vsr[regs & 63] = d;
    }
    if (op & PPC_FP_RC) {
        cpu->cr[6] = cr_of_lanes(&d);
    }
    ppc_fp_raise(env);
}

void ppc_fp_set_order(Env *env, unsigned field, FpOrder order, FpStatus *s) {
    static const uint8_t fields[] = {[FP_LESS] = 8, [FP_GREATER] = 4, [FP_EQUAL] = 2, [FP_UNORDERED] = 1};
    PpcCpu *cpu = ppc_cpu(env);
    forget_order(cpu->fpscr, s);
    uint64_t v = cpu->fpscr & ~(UINT64_C(15) << PPC_FPSCR_FPRF);
    cpu->fpscr = summed(added(v | (uint64_t)fields[order] << PPC_FPSCR_FPRF, exceptions(s->flags)));
    cpu->cr[field] = fields[order];
    ppc_fp_raise(env);
}

/* regs: byte 0 the CR field, A, B. */
void ppc_helper_fp_compare(Env *env, uint32_t op, uint32_t regs) {
    const PpcCpu *cpu = ppc_cpu(env);
    settle(env);
    FpStatus s = status_of(env);
    FpOrder order = f64_compare(cpu->vsr[regs >> 8 & 63].d[0], cpu->vsr[regs >> 16 & 63].d[0], op, &s);
    ppc_fp_set_order(env, regs & 7, order, &s);
}

/* Does v belong to one of the classes of DCMX? */
uint32_t ppc_helper_fp_class(Env *env, uint64_t v, uint32_t mask, uint32_t words) {
    enum { NAN_BIT = 64, PLUS_INF = 32, MINUS_INF = 16, PLUS_ZERO = 8, MINUS_ZERO = 4, PLUS_DENORMAL = 2, MINUS_DENORMAL = 1 };
    unsigned exponent = v >> 52 & 0x7ff, plus = v >> 63 ? 0 : 1;
    unsigned class = is_nan(v) ? NAN_BIT : exponent == 0x7ff ? MINUS_INF << plus : v << 1 == 0 ? MINUS_ZERO << plus
                     : exponent < (words ? 897u : 1u) ? MINUS_DENORMAL << plus : 0;
    return (mask & class) != 0;
}

/* ftdiv (how 0), ftsqrt (1): a CR field that says whether a software division, or root, needs care. */
uint32_t ppc_helper_fp_test(Env *env, uint64_t a, uint64_t b, uint32_t how) {
    int ea = (int)(a >> 52 & 0x7ff) - 1023, eb = (int)(b >> 52 & 0x7ff) - 1023;
    bool nan = is_nan(a), infinite = eb == 1024 && b << 12 == 0, zero = b << 1 == 0;
    bool nan_b = eb == 1024 && b << 12, denormal = eb == -1023 && !zero;
    if (how) {
        bool fe = zero || nan_b || infinite || b >> 63 || eb <= -970;
        return 8 | (zero || infinite || denormal ? 4 : 0) | (fe ? 2 : 0);
    }
    bool a_infinite = ea == 1024 && a << 12 == 0, a_zero = a << 1 == 0;
    bool fe = zero || nan || nan_b || infinite || a_infinite || eb <= -1022 || eb >= 1021 ||
              (!a_zero && (ea - eb >= 1023 || ea - eb <= -1021 || ea <= -970));
    return 8 | (a_infinite || zero || infinite || denormal ? 4 : 0) | (fe ? 2 : 0);
}

/* The same of singles. */
uint32_t ppc_helper_fp_test_single(Env *env, uint32_t a, uint32_t b, uint32_t how) {
    int ea = (int)(a >> 23 & 0xff) - 127, eb = (int)(b >> 23 & 0xff) - 127;
    bool nan = a << 1 > 0xff000000u, nan_b = b << 1 > 0xff000000u, infinite = b << 1 == 0xff000000u, zero = b << 1 == 0;
    bool denormal = eb == -127 && !zero, a_infinite = a << 1 == 0xff000000u, a_zero = a << 1 == 0;
    if (how) {
        bool fe = zero || nan_b || infinite || b >> 31 || eb <= -103;
        return 8 | (zero || infinite || denormal ? 4 : 0) | (fe ? 2 : 0);
    }
    bool fe = zero || nan || nan_b || infinite || a_infinite || eb <= -126 || eb >= 125 ||
              (!a_zero && (ea - eb >= 127 || ea - eb <= -125 || ea <= -103));
    return 8 | (a_infinite || zero || infinite || denormal ? 4 : 0) | (fe ? 2 : 0);
}
