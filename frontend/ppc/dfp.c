/* SPDX-License-Identifier: MIT */
/*
 * dfp.c - decimal floating-point insns of PowerPC: operands in FPRs or even-odd pairs of them, results, and FPSCR.
 * Spec: Power ISA 3.0B Book I, 5.5 (exceptions), 5.6 (insns).
 */
#include "frontend/ppc/dfp.h"

#include "frontend/ppc/fp.h"
#include "frontend/ppc/trans.h"

void ppc_helper_dfp(Env *env, uint32_t op, uint32_t regs, uint32_t immediate);
void ppc_helper_dfp_test(Env *env, uint32_t op, uint32_t regs, uint32_t immediate);

#define BIT(name) (UINT64_C(1) << PPC_FPSCR_##name)

typedef struct Insn {
    unsigned op, immediate;
    const PpcDfpFormat *f, *to;    /* of operands, of the result */
    PpcDfpBits raw_a, raw_b, bits; /* bits: the result where it is no decimal */
    PpcDecimal a, b, result;
    PpcDfpStatus s;
} Insn;

/* -- operands and results -------------------------------------------------------------------------------- */

static PpcDfpBits read_register(const PpcCpu *cpu, unsigned r, bool pair) {
    return pair ? (PpcDfpBits){cpu->vsr[r & 30].d[0], cpu->vsr[r | 1].d[0]} : (PpcDfpBits){0, cpu->vsr[r].d[0]};
}

static void write_register(PpcCpu *cpu, unsigned r, bool pair, PpcDfpBits v) {
    if (pair) {
        cpu->vsr[r & 30] = (IrVal){.d = {v.high, 0}};
        cpu->vsr[r | 1] = (IrVal){.d = {v.low, 0}};
    } else {
        cpu->vsr[r] = (IrVal){.d = {v.low, 0}};
    }
}

static void invalid(Insn *d, uint64_t why) {
    d->s.bits |= why;
    d->result = (PpcDecimal){.class = PPC_DFP_QNAN};
}

static void infinite(Insn *d, bool negative) {
    d->result = (PpcDecimal){.class = PPC_DFP_INFINITY, .negative = negative};
}

static bool is_nan(const PpcDecimal *x) {
    return x->class >= PPC_DFP_QNAN;
}

static bool is_finite(const PpcDecimal *x) {
    return x->class == PPC_DFP_FINITE;
}

/* A NaN of the operands is the result: an SNaN first, and of two of a kind a. */
static bool propagates(Insn *d, bool both) {
    const PpcDecimal *a = both ? &d->a : &d->b, *b = &d->b;
    if (!is_nan(a) && !is_nan(b)) {
        return false;
    }
    bool signals = a->class == PPC_DFP_SNAN || b->class == PPC_DFP_SNAN;
    d->result = signals ? (a->class == PPC_DFP_SNAN ? *a : *b) : is_nan(a) ? *a : *b;
    d->result.class = PPC_DFP_QNAN;
    ppc_dfp_keep(&d->result, d->to->precision - 1);
    d->s.bits |= signals ? BIT(VXSNAN) : 0;
    return true;
}

/* -- arithmetic -------------------------------------------------------------------------------- */

static void sum(Insn *d) {
    int ideal;
    if ((d->op & PPC_DFP_KIND) == PPC_DFP_SUB) {
        d->b.negative = !d->b.negative;
    }
    if (!is_finite(&d->a) && !is_finite(&d->b) && d->a.negative != d->b.negative) {
        invalid(d, BIT(VXISI));
    } else if (!is_finite(&d->a) || !is_finite(&d->b)) {
        infinite(d, is_finite(&d->a) ? d->b.negative : d->a.negative);
    } else {
        d->result = ppc_dfp_sum(&d->a, &d->b, d->s.round, &ideal);
        ppc_dfp_fit(d->to, &d->result, ideal, &d->s);
    }
}

static void product(Insn *d) {
    int ideal;
    if (is_finite(&d->a) && is_finite(&d->b)) {
        d->result = ppc_dfp_product(&d->a, &d->b, &ideal);
        ppc_dfp_fit(d->to, &d->result, ideal, &d->s);
    } else if ((is_finite(&d->a) && !d->a.count) || (is_finite(&d->b) && !d->b.count)) {
        invalid(d, BIT(VXIMZ));
    } else {
        infinite(d, d->a.negative != d->b.negative);
    }
}

static void quotient(Insn *d) {
    int ideal;
    bool negative = d->a.negative != d->b.negative;
    if (!is_finite(&d->a)) {
        if (is_finite(&d->b)) {
            infinite(d, negative);
        } else {
            invalid(d, BIT(VXIDI));
        }
    } else if (!is_finite(&d->b)) {
        d->result = (PpcDecimal){.negative = negative, .exponent = ppc_dfp_least(d->to)};
    } else if (d->b.count) {
        d->result = ppc_dfp_quotient(&d->a, &d->b, &ideal);
        ppc_dfp_fit(d->to, &d->result, ideal, &d->s);
    } else if (d->a.count == 0) {
        invalid(d, BIT(VXZDZ));
    } else {
        infinite(d, negative);
        d->s.bits |= BIT(ZX);
    }
}

/* -- rounding -------------------------------------------------------------------------------- */

/* RMC, or with R the second set of modes */
static PpcDfpRound mode_of(const Insn *d, bool second) {
    static const uint8_t modes[2][4] = {{PPC_DFP_EVEN, PPC_DFP_ZERO, PPC_DFP_AWAY_TIES, 0},
                                        {PPC_DFP_UP, PPC_DFP_DOWN, PPC_DFP_AWAY, PPC_DFP_ZERO_TIES}};
    unsigned rmc = d->immediate >> 5 & 3;
    return !second && rmc == 3 ? d->s.round : (PpcDfpRound)modes[second][rmc];
}

static void raise_exponent(Insn *d, int exponent, PpcDfpRound mode) {
    bool up;
    if (ppc_dfp_raise_exponent(&d->result, exponent, mode, &up)) {
        d->s.bits |= BIT(XX) | BIT(FI) | (up ? BIT(FR) : 0);
    }
}

static void quantize(Insn *d) {
    bool by_a = (d->op & PPC_DFP_KIND) == PPC_DFP_QUANTIZE;
    int exponent = by_a ? d->a.exponent : ppc_sext(d->immediate & 31, 5);
    bool by_number = !by_a || is_finite(&d->a);
    if (by_number != is_finite(&d->b)) {
        invalid(d, BIT(VXCVI));
        return;
    } else if (!is_finite(&d->b)) {
        infinite(d, d->b.negative);
        return;
    }
    d->result = d->b;
    if (d->b.count == 0) {
        d->result.exponent = exponent;
    } else if (d->b.exponent >= exponent) {
        int n = d->b.exponent - exponent;
        if (n + d->b.count > d->to->precision) {
            invalid(d, BIT(VXCVI));
            return;
        }
        ppc_dfp_shift(&d->result, n);
        d->result.exponent = exponent;
    } else {
        raise_exponent(d, exponent, mode_of(d, false));
    }
}

/* To as many digits as FRA says */
static void reround(Insn *d) {
    int digits = (int)(d->raw_a.low & 63), exponent;
    if (!is_finite(&d->b)) {
        infinite(d, d->b.negative);
        return;
    }
    d->result = d->b;
    if (digits == 0 || d->b.count <= digits) {
        return;
    }
    exponent = d->b.exponent + d->b.count - digits;
    raise_exponent(d, exponent, mode_of(d, false));
    if (d->result.count > digits) { /* the digits were all 9 */
        ppc_dfp_shift(&d->result, -1);
        d->result.exponent++;
    }
    if (d->result.exponent > ppc_dfp_most(d->to)) {
        d->s.bits = 0;
        invalid(d, BIT(VXCVI));
    }
}

static void to_integral(Insn *d) {
    if (!is_finite(&d->b)) {
        infinite(d, d->b.negative);
        return;
    }
    d->result = d->b;
    if (d->b.exponent < 0) {
        raise_exponent(d, 0, mode_of(d, d->immediate >> 7 & 1));
    }
    if ((d->op & PPC_DFP_KIND) == PPC_DFP_RINTN) {
        d->s.bits = 0;
    }
}

/* -- conversions -------------------------------------------------------------------------------- */

static void convert(Insn *d) {
    d->result = d->b;
    if (is_nan(&d->b)) { /* an SNaN stays one: from and to singles */
        ppc_dfp_keep(&d->result, d->to->precision - 1);
    } else if (!is_finite(&d->b)) {
        infinite(d, d->b.negative);
    } else if (d->to->bits < d->f->bits) {
        d->s.wrap = d->f->bits == 64 ? 192 : 3072;
        ppc_dfp_fit(d->to, &d->result, d->b.exponent, &d->s);
    }
}

static void from_int(Insn *d) {
    int64_t v = (int64_t)d->raw_b.low;
    d->result = ppc_dfp_from_uint(v < 0 ? -(uint64_t)v : (uint64_t)v);
    d->result.negative = v < 0;
    ppc_dfp_fit(d->to, &d->result, 0, &d->s);
}

static void to_int(Insn *d) {
    uint64_t limit = d->b.negative ? UINT64_C(1) << 63 : INT64_MAX;
    unsigned __int128 v = 0;
    if (is_nan(&d->b)) {
        d->s.bits |= BIT(VXCVI) | (d->b.class == PPC_DFP_SNAN ? BIT(VXSNAN) : 0);
        d->bits.low = UINT64_C(1) << 63;
        return;
    }
    d->result = d->b;
    bool large = !is_finite(&d->b) || (d->b.count && d->b.exponent + d->b.count > 20);
    if (!large && d->b.exponent < 0) {
        raise_exponent(d, 0, d->s.round);
    }
    for (int i = d->result.count - 1; i >= 0 && !large; i--) {
        v = v * 10 + d->result.digit[i];
    }
    for (int i = 0; i < d->result.exponent && v && !large; i++) {
        v *= 10;
    }
    if (large || v > limit) {
        d->s.bits = BIT(VXCVI);
        d->bits.low = limit;
    } else {
        d->bits.low = d->b.negative ? -(uint64_t)v : (uint64_t)v;
    }
}

static void to_bcd(Insn *d) {
    unsigned sp = d->immediate >> 8 & 3, from = sp >> 1;
    unsigned __int128 v = sp & 2 ? (d->b.negative ? 0xd : sp & 1 ? 0xf : 0xc) : 0;
    for (unsigned i = from; i < (unsigned)d->to->bits / 4; i++) {
        v |= (unsigned __int128)d->b.digit[i - from] << 4 * i;
    }
    d->bits = (PpcDfpBits){(uint64_t)(v >> 64), (uint64_t)v};
}

static void from_bcd(Insn *d) {
    unsigned from = d->immediate >> 8 & 1, sign = d->raw_b.low & 15, count = (unsigned)d->to->bits / 4;
    unsigned __int128 v = (unsigned __int128)d->raw_b.high << 64 | d->raw_b.low;
    bool valid = !from || sign > 9;
    d->result = (PpcDecimal){.negative = from && (sign == 0xb || sign == 0xd)};
    for (unsigned i = from; i < count; i++) {
        unsigned digit = (unsigned)(v >> 4 * i) & 15;
        valid &= digit < 10;
        d->result.digit[i - from] = (uint8_t)digit;
        d->result.count = digit ? (int)(i - from + 1) : d->result.count;
    }
    if (!valid) {
        invalid(d, BIT(VXCVI));
    }
}

/* -- parts -------------------------------------------------------------------------------- */

static void extract(Insn *d) {
    d->bits.low = is_finite(&d->b) ? (uint64_t)(d->b.exponent + d->f->bias) : -(uint64_t)d->b.class;
}

/* What is no exponent makes a NaN; a number that becomes one loses its first digit. */
static void insert(Insn *d) {
    int64_t exponent = (int64_t)d->raw_a.low;
    d->result = d->b;
    if (exponent >= 0 && exponent <= d->f->largest) {
        d->result.class = PPC_DFP_FINITE;
        d->result.exponent = (int)exponent - d->f->bias;
    } else {
        d->result.class = exponent >= -3 && exponent < 0 ? (PpcDfpClass)-exponent : PPC_DFP_QNAN;
        ppc_dfp_keep(&d->result, d->to->precision - 1);
    }
}

static void shift_digits(Insn *d) {
    int n = (int)(d->immediate >> 10 & 63);
    d->result = d->a;
    ppc_dfp_shift(&d->result, (d->op & PPC_DFP_KIND) == PPC_DFP_SHIFT_LEFT ? n : -n);
    ppc_dfp_keep(&d->result, d->to->precision - !is_finite(&d->a));
}

/* -- insns -------------------------------------------------------------------------------- */

enum {
    READS_A = 1,    /* a is a decimal */
    QUIETS = 2,     /* NaNs become the result, and an SNaN is invalid */
    QUIETS_QUAD = 4, /* of quadwords alone */
    TELLS = 8,      /* changes FPSCR */
    CLASSED = 16,   /* FPRF */
    SINGLE_A = 32,  /* a register, and no pair */
    SINGLE_B = 64,
    INTEGER = 128,  /* the result is a doubleword */
};
static const struct {
    void (*compute)(Insn *d);
    uint8_t how;
} insns[] = {
    [PPC_DFP_ADD] = {sum, READS_A | QUIETS | TELLS | CLASSED},
    [PPC_DFP_SUB] = {sum, READS_A | QUIETS | TELLS | CLASSED},
    [PPC_DFP_MUL] = {product, READS_A | QUIETS | TELLS | CLASSED},
    [PPC_DFP_DIV] = {quotient, READS_A | QUIETS | TELLS | CLASSED},
    [PPC_DFP_QUANTIZE_TO] = {quantize, QUIETS | TELLS | CLASSED},
    [PPC_DFP_QUANTIZE] = {quantize, READS_A | QUIETS | TELLS | CLASSED},
    [PPC_DFP_REROUND] = {reround, QUIETS | TELLS | CLASSED | SINGLE_A},
    [PPC_DFP_RINTX] = {to_integral, QUIETS | TELLS | CLASSED},
    [PPC_DFP_RINTN] = {to_integral, QUIETS | TELLS | CLASSED},
    [PPC_DFP_WIDEN] = {convert, QUIETS_QUAD | TELLS | CLASSED | SINGLE_B},
    [PPC_DFP_NARROW] = {convert, QUIETS_QUAD | TELLS | CLASSED},
    [PPC_DFP_FROM_INT] = {from_int, TELLS | CLASSED | SINGLE_B},
    [PPC_DFP_TO_INT] = {to_int, TELLS | INTEGER},
    [PPC_DFP_TO_BCD] = {to_bcd, 0},
    [PPC_DFP_FROM_BCD] = {from_bcd, TELLS | CLASSED},
    [PPC_DFP_EXTRACT] = {extract, INTEGER},
    [PPC_DFP_INSERT] = {insert, SINGLE_A},
    [PPC_DFP_SHIFT_LEFT] = {shift_digits, READS_A},
    [PPC_DFP_SHIFT_RIGHT] = {shift_digits, READS_A},
};

static unsigned class_of(const PpcDfpFormat *f, const PpcDecimal *x) {
    enum { C = 16, L = 8, G = 4, E = 2, U = 1 };
    unsigned sign = x->negative ? L : G;
    switch (x->class) {
    case PPC_DFP_QNAN: return C | U;
    case PPC_DFP_SNAN: return U;
    case PPC_DFP_INFINITY: return sign | U;
    default: break;
    }
    if (x->count == 0) {
        return x->negative ? C | E : E;
    }
    return ppc_dfp_is_subnormal(f, x) ? C | sign : sign;
}

static Insn insn_of(const Env *env, unsigned op, unsigned regs, unsigned immediate, unsigned how) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    unsigned kind = op & PPC_DFP_KIND;
    bool quad = op & PPC_DFP_QUAD, widens = kind == PPC_DFP_WIDEN;
    uint64_t v = cpu->fpscr;
    Insn d = {.op = op, .immediate = immediate};
    d.f = quad ? (widens ? &ppc_dfp_long : &ppc_dfp_extended) : widens ? &ppc_dfp_short : &ppc_dfp_long;
    d.to = quad ? (kind == PPC_DFP_NARROW ? &ppc_dfp_long : &ppc_dfp_extended) : kind == PPC_DFP_NARROW ? &ppc_dfp_short : &ppc_dfp_long;
    d.raw_a = read_register(cpu, regs >> 8 & 31, quad && !(how & SINGLE_A));
    d.raw_b = read_register(cpu, regs >> 16 & 31, quad && !(how & SINGLE_B));
    d.raw_b.low &= widens && !quad ? UINT32_MAX : UINT64_MAX;
    if (how & READS_A) {
        d.a = ppc_dfp_decode(d.f, d.raw_a);
    }
    d.b = ppc_dfp_decode(d.f, d.raw_b);
    d.s = (PpcDfpStatus){.round = v >> PPC_FPSCR_DRN & 7, .overflow_traps = v & BIT(OE), .underflow_traps = v & BIT(UE)};
    return d;
}

/* FPSCR with what the insn tells; false: an enabled exception keeps the result back. */
static bool tell(Env *env, const Insn *d, unsigned how) {
    uint64_t v = ppc_fpscr(env), new = d->s.bits;
    bool stops = (new & PPC_FPSCR_VX_ALL && v & BIT(VE)) || (new & BIT(ZX) && v & BIT(ZE));
    v |= new & PPC_FPSCR_STICKY & ~v ? BIT(FX) : 0;
    v = (v & ~(BIT(FR) | BIT(FI))) | new;
    if (how & CLASSED && !stops) {
        unsigned class = d->s.wrapped ? (d->result.negative ? 8 : 4) : class_of(d->to, &d->result);
        v = (v & ~(UINT64_C(31) << PPC_FPSCR_FPRF)) | (uint64_t)class << PPC_FPSCR_FPRF;
    }
    ppc_set_fpscr(env, v);
    return !stops;
}

static PpcDfpBits encoded(const Insn *d, unsigned how) {
    bool narrows = (d->op & PPC_DFP_KIND) == PPC_DFP_NARROW, quad = d->op & PPC_DFP_QUAD;
    if (how & INTEGER || (d->op & PPC_DFP_KIND) == PPC_DFP_TO_BCD) {
        return d->bits;
    }
    PpcDfpBits bits = ppc_dfp_encode(narrows && d->s.wrapped ? d->f : d->to, &d->result);
    return narrows && quad && !d->s.wrapped ? (PpcDfpBits){bits.low, 0} : bits;
}

/* regs: bytes T, A, B. */
void ppc_helper_dfp(Env *env, uint32_t op, uint32_t regs, uint32_t immediate) {
    PpcCpu *cpu = ppc_cpu(env);
    unsigned how = insns[op & PPC_DFP_KIND].how;
    Insn d = insn_of(env, op, regs, immediate, how);
    bool quiets = how & QUIETS || (how & QUIETS_QUAD && op & PPC_DFP_QUAD);
    if (!quiets || !propagates(&d, how & READS_A)) {
        insns[op & PPC_DFP_KIND].compute(&d);
    }
    if (!(how & TELLS) || tell(env, &d, how)) {
        write_register(cpu, regs & 31, op & PPC_DFP_QUAD && !(how & INTEGER), encoded(&d, how));
    }
    if (op & PPC_DFP_RC) {
        cpu->cr[1] = ppc_fpscr(env) >> 28 & 15;
    }
    if (how & TELLS) {
        ppc_fp_raise(env);
    }
}

/* -- comparisons and tests -------------------------------------------------------------------------------- */

static unsigned field_of_order(int order) {
    return order < 0 ? PPC_LT : order > 0 ? PPC_GT : PPC_EQ;
}

static unsigned compare(Insn *d) {
    if (!is_nan(&d->a) && !is_nan(&d->b)) {
        return field_of_order(ppc_dfp_order(&d->a, &d->b));
    }
    d->s.bits |= d->a.class == PPC_DFP_SNAN || d->b.class == PPC_DFP_SNAN ? BIT(VXSNAN) : 0;
    d->s.bits |= (d->op & PPC_DFP_KIND) == PPC_DFP_CMPO ? BIT(VXVC) : 0;
    return PPC_SO;
}

/* Sign, and whether a is of one of the classes, of which the first is the highest bit */
static unsigned test_class(Insn *d) {
    unsigned class = !is_finite(&d->a) ? 2u + d->a.class : d->a.count == 0 ? 0 : ppc_dfp_is_subnormal(d->f, &d->a) ? 1 : 2;
    return (d->a.negative ? PPC_LT : 0) | (d->immediate >> 10 & 32u >> class ? PPC_EQ : 0);
}

static unsigned test_group(Insn *d) {
    bool extreme = d->a.exponent == ppc_dfp_least(d->f) || d->a.exponent == ppc_dfp_most(d->f);
    unsigned group = !is_finite(&d->a) ? 5 : d->a.count == 0 ? (extreme ? 1 : 0)
                     : extreme || ppc_dfp_is_subnormal(d->f, &d->a) ? 2 : d->a.count < d->f->precision ? 3 : 4;
    return (d->a.negative ? PPC_LT : 0) | (d->immediate >> 10 & 32u >> group ? PPC_EQ : 0);
}

static unsigned test_exponent(Insn *d) {
    if (is_finite(&d->a) && is_finite(&d->b)) {
        return field_of_order(d->a.exponent - d->b.exponent);
    }
    bool same = is_nan(&d->a) == is_nan(&d->b) && is_finite(&d->a) == is_finite(&d->b);
    return same ? PPC_EQ : PPC_SO;
}

static unsigned test_significance(Insn *d) {
    bool immediate = (d->op & PPC_DFP_KIND) == PPC_DFP_TEST_SIGNIFICANCE_TO;
    int n = (int)(immediate ? d->immediate >> 10 & 63 : d->raw_a.low & 63);
    return !is_finite(&d->b) ? PPC_SO : n == 0 ? PPC_GT : field_of_order(n - d->b.count);
}

/* regs: byte 0 the CR field, A, B. */
void ppc_helper_dfp_test(Env *env, uint32_t op, uint32_t regs, uint32_t immediate) {
    static unsigned (*const tests[])(Insn *d) = {
        [PPC_DFP_CMPU] = compare, [PPC_DFP_CMPO] = compare, [PPC_DFP_TEST_CLASS] = test_class, [PPC_DFP_TEST_GROUP] = test_group,
        [PPC_DFP_TEST_EXPONENT] = test_exponent, [PPC_DFP_TEST_SIGNIFICANCE] = test_significance,
        [PPC_DFP_TEST_SIGNIFICANCE_TO] = test_significance,
    };
    unsigned kind = op & PPC_DFP_KIND;
    Insn d = insn_of(env, op, regs, immediate, kind >= PPC_DFP_TEST_SIGNIFICANCE ? SINGLE_A : READS_A);
    unsigned field = tests[kind](&d);
    uint64_t v = ppc_fpscr(env);
    if (d.s.bits & BIT(VXSNAN) && v & BIT(VE)) { /* VXVC does not follow where VXSNAN traps */
        d.s.bits &= ~BIT(VXVC);
    }
    v |= d.s.bits & ~v ? BIT(FX) : 0;
    v = (v & ~(UINT64_C(15) << PPC_FPSCR_FPRF)) | (uint64_t)field << PPC_FPSCR_FPRF | d.s.bits;
    ppc_set_fpscr(env, v);
    ppc_cpu(env)->cr[regs & 7] = (uint8_t)field;
    ppc_fp_raise(env);
}
