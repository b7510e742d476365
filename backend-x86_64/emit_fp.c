/* SPDX-License-Identifier: MIT */
/*
 * emit_fp.c - rules of floating-point ops, for plain IEEE 754: see docs/decisions about what they may rely on.
 * Spec: Intel SDM volume 1, 11.5 and 14.5 (exceptions, NaNs), volume 2; Arm DDI 0487, A1.5 (floating point).
 * Missing: f16; unsigned conversions but from 32 bits; packed minimum, maximum and rounding; see ops_fp.def for the rest.
 *
 * The host's instruction gives the guest's result and exceptions but where the result is a NaN, or where it is the
 * smallest normal number: Arm says underflow of what was tiny before rounding, the host of what is tiny after it. Then
 * the op is done again in C, from the same operands; exceptions are sticky, so that those of both are those of C.
 */
#include "backend-x86_64/vec.h"
#include "ir/softfloat.h"

enum { ADD = 0x58, MUL = 0x59, SUB = 0x5c, MIN = 0x5d, DIV = 0x5e, MAX = 0x5f, SQRT = 0x51 };
enum { CMP_EQ, CMP_LT, CMP_LE, CMP_UNORD, CMP_EQ_OR_UNORD = 8 };
enum { ONLY_LANE0 = 64, ONLY_LOW = 128 };
enum { FLAGS = HOST_RULE_FP_PLAIN | HOST_RULE_EARLY | HOST_RULE_CLOBBERS };

/* Opcode of a scalar and of a packed instruction; e = log2 of the format's bytes. */
static uint32_t scalar(unsigned e, unsigned opcode) {
    return (e == 3 ? PF2(0x0f00) : PF3(0x0f00)) | opcode;
}
static uint32_t packed(unsigned e, unsigned opcode) {
    return (e == 3 ? P66(0x0f00) : 0x0f00) | opcode;
}
/* Format of a scalar; 1: f16. */
static unsigned format(IrType type) {
    return type == IR_F64 ? 3 : type == IR_F32 ? 2 : 1;
}

static void ucomis(HostCode *h, unsigned e, unsigned a, HostOperand b) {
    v2m(h, packed(e, 0x2e), a, b);
}

/* -- scalars -- */

static void cold_if_nan(HostCode *h, const HostOp *op, unsigned e) {
    ucomis(h, e, op->d.reg, op->d);
    v_cold(h, op, CC_P);
}

/* The comparison says equal of the smallest normal number, and of NaN too. */
static void cold_if_nan_or_tiny(HostCode *h, const HostOp *op, unsigned e, unsigned t) {
    v3m(h, PAND, t, op->d.reg, v_pool(POOL_MAX + e));
    ucomis(h, e, t, v_pool(POOL_TINY + e - 2));
    v_cold(h, op, CC_E);
}

static bool commutes(unsigned opcode) {
    return opcode == ADD || opcode == MUL;
}

static void arithmetic(HostCode *h, const HostOp *op, unsigned opcode, unsigned b, bool tiny) {
    unsigned e = format(op->type);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = op->s[0].reg;
    if (opcode != SQRT && !(op->clean & 1) && op->clean & 2 && commutes(opcode)) {
        a = b;
        b = op->s[0].reg;
    }
    v3(h, scalar(e, opcode), op->d.reg, a, b);
    if (tiny) {
        cold_if_nan_or_tiny(h, op, e, op->tmp[0]);
    } else {
        cold_if_nan(h, op, e);
    }
}

static void emit_fadd(HostCode *h, const HostOp *op) {
    arithmetic(h, op, ADD, op->s[1].reg, false);
}
const HostRule x64_rule_fadd = {"x", {"x", "x"}, .rest = 3, .flags = FLAGS, .emit = emit_fadd};

static void emit_fsub(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SUB, op->s[1].reg, false);
}
const HostRule x64_rule_fsub = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fsub};

static void emit_fmul(HostCode *h, const HostOp *op) {
    arithmetic(h, op, MUL, op->s[1].reg, true);
}
const HostRule x64_rule_fmul = {"x", {"x", "x"}, .vtmps = 1, .rest = 3, .flags = FLAGS, .emit = emit_fmul};

static void emit_fdiv(HostCode *h, const HostOp *op) {
    arithmetic(h, op, DIV, op->s[1].reg, true);
}
const HostRule x64_rule_fdiv = {"x", {"x", "x"}, .vtmps = 1, .rest = 1, .flags = FLAGS, .emit = emit_fdiv};

static void emit_fsqrt(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SQRT, op->s[0].reg, false);
}
const HostRule x64_rule_fsqrt = {"x", {"x"}, .rest = 1, .flags = FLAGS, .emit = emit_fsqrt};

static void emit_fabd(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SUB, op->s[1].reg, false);
    if (format(op->type) != 1) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_MAX + format(op->type)));
        v_cold_back(h);
    }
}
const HostRule x64_rule_fabd = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fabd};

/* Which of two that are equal, or of which one is a NaN, is where the four ops differ. */
static void extremum(HostCode *h, const HostOp *op, unsigned opcode) {
    unsigned e = format(op->type);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    ucomis(h, e, op->s[0].reg, op->s[1]);
    v_cold(h, op, CC_E);
    v3(h, scalar(e, opcode), op->d.reg, op->s[0].reg, op->s[1].reg);
    v_cold_back(h);
}
static void emit_fmin(HostCode *h, const HostOp *op) {
    extremum(h, op, MIN);
}
const HostRule x64_rule_fmin = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fmin};
const HostRule x64_rule_fminnm = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fmin};
static void emit_fmax(HostCode *h, const HostOp *op) {
    extremum(h, op, MAX);
}
const HostRule x64_rule_fmax = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fmax};
const HostRule x64_rule_fmaxnm = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fmax};

static void emit_fneg(HostCode *h, const HostOp *op) {
    v3m(h, PXOR, op->d.reg, op->s[0].reg, v_pool(POOL_TOP0 + format(op->type)));
}
const HostRule x64_rule_fneg = {"x", {"x"}, .rest = 1, .emit = emit_fneg};

static void emit_fabs(HostCode *h, const HostOp *op) {
    v3m(h, PAND, op->d.reg, op->s[0].reg, v_pool(POOL_MAX0 + format(op->type)));
}
const HostRule x64_rule_fabs = {"x", {"x"}, .rest = HOST_REST_ZERO, .emit = emit_fabs};

/* Forms by the opcode: b9 d = +-(a * b) +- d (operands 2, 3, 1), a9 d = +-(d * a) +- b (2, 1, 3). */
static uint32_t fused(unsigned e, unsigned opcode, unsigned options) {
    static const uint8_t by_options[4] = {0, 4, 2, 6}; /* fmadd, fnmadd, fmsub, fnmsub */
    return P66(0x0f3800) | (opcode + by_options[options]) | (e == 3 ? V_W : 0);
}

static void emit_fmuladd(HostCode *h, const HostOp *op) {
    unsigned e = format(op->type);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, c = op->s[2].reg, options = op->node->aux & 3;
    if (op->clean & 4 || !(op->clean & 3)) {
        v_mov(h, d, c);
        v3(h, fused(e, 0xb9, options), d, a, b);
    } else { /* d = d * b + c */
        v_mov(h, d, op->clean & 1 ? a : b);
        v3(h, fused(e, 0xa9, options), d, op->clean & 1 ? b : a, c);
    }
    cold_if_nan_or_tiny(h, op, e, op->tmp[0]);
}
const HostRule x64_avx2_fmuladd = {"x", {"x", "x", "x"}, .vtmps = 1, .rest = 7, .flags = FLAGS, .emit = emit_fmuladd};

/* FpRound to the rounding field of roundsd; 7: as MXCSR says; 8: none. */
static unsigned rounding(unsigned round) {
    static const uint8_t fields[8] = {[FP_RNE] = 0, [FP_RDN] = 1, [FP_RUP] = 2, [FP_RTZ] = 3, [FP_RNA] = 8,
                                      [FP_RTO] = 8, [6] = 8, [7] = 4};
    return fields[round & 7];
}

static void emit_frint(HostCode *h, const HostOp *op) {
    unsigned e = format(op->type), field = rounding(op->node->aux);
    if (e == 1 || field == 8) {
        v_call(h, op);
        return;
    }
    field |= op->node->aux & 8 ? 0 : 8; /* says nothing of inexact */
    v3i(h, e == 3 ? P66(0x0f3a0b) : P66(0x0f3a0a), op->d.reg, op->s[0].reg, op->s[0].reg, field);
    cold_if_nan(h, op, e);
}
const HostRule x64_avx2_frint = {"x", {"x"}, .rest = 1, .flags = FLAGS, .emit = emit_frint};

static void emit_fcvt(HostCode *h, const HostOp *op) {
    unsigned to = format(op->type), from = op->node->aux >> 1 & 3;
    if (to == 1 || from < 2 || to == from || op->node->aux & 1) {
        v_call(h, op);
        return;
    }
    v_zero(h, op->d.reg);
    v3(h, scalar(from, 0x5a), op->d.reg, op->d.reg, op->s[0].reg);
    if (to == 3) {
        cold_if_nan(h, op, to);
    } else {
        cold_if_nan_or_tiny(h, op, to, op->tmp[0]);
    }
}
const HostRule x64_rule_fcvt = {"x", {"x"}, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fcvt};

/* What does not fit, and NaN, gives the most negative integer. */
static void emit_f2i(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 8, TO_16 = 64 };
    unsigned aux = op->node->aux, e = aux >> 4 & 3, round = aux & 7;
    if (e < 2 || aux & (UNSIGNED | TO_16) || op->node->b || (round != FP_RTZ && round != 7)) {
        v_call(h, op);
        return;
    }
    v2m(h, scalar(e, round == 7 ? 0x2d : 0x2c) | (op->type == IR_I64 ? V_W : 0), op->d.reg, op->s[0]);
    x_group1(h, 7, x_w(op->type), op->d, 1);
    v_cold(h, op, CC_O);
}
const HostRule x64_rule_f2i = {"r", {"x"}, .flags = FLAGS, .emit = emit_f2i};

static void emit_i2f(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 1, WIDE = 2 };
    unsigned aux = op->node->aux, e = format(op->type);
    if (e == 1 || op->node->b || (aux & UNSIGNED && aux & WIDE)) {
        v_call(h, op);
        return;
    }
    unsigned from = op->s[0].reg;
    if (aux & UNSIGNED) {
        from = op->tmp[0];
        x_mov(h, 0, from, op->s[0].reg);
    }
    v_zero(h, op->d.reg);
    v3m(h, scalar(e, 0x2a) | (aux & (UNSIGNED | WIDE) ? V_W : 0), op->d.reg, op->d.reg, x_reg(from));
}
const HostRule x64_rule_i2f = {"x", {"r"}, .tmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_i2f};

/* Less, equal, greater: -1, 0, 1 as a byte, with the flags of the subtraction that made it. */
static void emit_fl_fcmp(HostCode *h, const HostOp *op) {
    unsigned t = op->tmp[0], signalling = op->node->aux & 1;
    v2m(h, packed(op->node->aux >> 1 & 3, 0x2e | signalling), op->s[0].reg, op->s[1]);
    v_cold(h, op, CC_P);
    x_rr(h, 0x0f97, OP_BYTE, 0, t); /* seta */
    x_rr(h, 0x80, OP_BYTE, 3, t);   /* sbb t, 0 */
    x_byte(h, 0);
    v_cold_back(h);
}
const HostRule x64_rule_fl_fcmp = {NULL, {"x", "x"}, .tmps = 1, .flags = HOST_RULE_FP_PLAIN | HOST_RULE_CLOBBERS,
                                   .emit = emit_fl_fcmp};

void x64_unordered(HostCode *h, const HostOp *op) {
    x_rr(h, 0xc6, OP_BYTE, 0, op->tmp[0]);
    x_byte(h, 0x80);
    x_rr(h, 0x80, OP_BYTE, 7, op->tmp[0]); /* -128 - 1 overflows, without a borrow */
    x_byte(h, 1);
}

/* Through integer registers: what is selected by data is not predicted well. */
void x64_csel_fp(HostCode *h, IrType type, int cc, unsigned d, const uint8_t s[2], const uint8_t tmp[2]) {
    uint32_t w = type == IR_F64 ? V_W : 0;
    v2m(h, MOVD_TO | w, s[0], x_reg(tmp[0]));
    v2m(h, MOVD_TO | w, s[1], x_reg(tmp[1]));
    x_rr(h, 0x0f40 | (unsigned)cc, w ? OP_W : 0, tmp[1], tmp[0]); /* cmov */
    v2m(h, MOVD_FROM | w, d, x_reg(tmp[1]));
}

/* -- lanes -- */

static unsigned lanes(const HostOp *op) {
    return op->node->aux & 3 ? op->node->aux & 3 : 3;
}

/* An operand whose lanes that are not active hold what active ones do: they raise nothing else. */
static unsigned active(HostCode *h, const HostOp *op, unsigned e, unsigned t, unsigned s) {
    if (!(op->node->aux & (ONLY_LANE0 | ONLY_LOW))) {
        return s;
    }
    v2i(h, PSHUFD, t, s, op->node->aux & ONLY_LANE0 && e == 2 ? 0 : 0x44);
    return t;
}

/* Clears the result's lanes that are not active. */
static void clear_rest(HostCode *h, const HostOp *op, unsigned e) {
    if (op->node->aux & ONLY_LANE0) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_LANE0 + e));
    } else if (op->node->aux & ONLY_LOW) {
        v2(h, MOVQ, op->d.reg, op->d.reg);
    }
}

static void cold_if_any(HostCode *h, const HostOp *op, unsigned t) {
    v2m(h, MOVMSKPS, op->tmp[0], x_reg(t));
    x_rr(h, 0x85, 0, op->tmp[0], op->tmp[0]);
    v_cold(h, op, CC_NE);
}

static void cold_if_nans(HostCode *h, const HostOp *op, unsigned e) {
    v3i(h, packed(e, 0xc2), op->tmp[1], op->d.reg, op->d.reg, CMP_UNORD);
    cold_if_any(h, op, op->tmp[1]);
}

static void cold_if_nans_or_tiny(HostCode *h, const HostOp *op, unsigned e) {
    unsigned t = op->tmp[1], u = op->tmp[2];
    HostOperand tiny = v_pool(POOL_TINY + e - 2);
    v3m(h, PAND, t, op->d.reg, v_pool(POOL_MAX + e));
    if (v_has(h, X64_AVX2)) {
        v3mi(h, packed(e, 0xc2), t, t, tiny, CMP_EQ_OR_UNORD);
    } else {
        v3mi(h, packed(e, 0xc2), t, t, tiny, CMP_EQ);
        v3i(h, packed(e, 0xc2), u, op->d.reg, op->d.reg, CMP_UNORD);
        v3(h, POR, t, t, u);
    }
    cold_if_any(h, op, t);
}

static void packed_arithmetic(HostCode *h, const HostOp *op, unsigned opcode, bool tiny) {
    unsigned e = lanes(op);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg);
    if (opcode == SQRT) {
        v2(h, packed(e, opcode), op->d.reg, a);
    } else {
        v3(h, packed(e, opcode), op->d.reg, a, active(h, op, e, op->tmp[2], op->s[1].reg));
    }
    if (tiny) {
        cold_if_nans_or_tiny(h, op, e);
    } else {
        cold_if_nans(h, op, e);
    }
    clear_rest(h, op, e);
}

#define PACKED(name, opcode, tiny)                                                                                     \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        packed_arithmetic(h, op, opcode, tiny);                                                                        \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"x", {"x", opcode == SQRT ? NULL : "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS,  \
                                      .emit = emit_##name};
PACKED(vfadd, ADD, false)
PACKED(vfsub, SUB, false)
PACKED(vfmul, MUL, true)
PACKED(vfdiv, DIV, true)
PACKED(vfsqrt, SQRT, false)

static void emit_vfabd(HostCode *h, const HostOp *op) {
    packed_arithmetic(h, op, SUB, false);
    if (lanes(op) != 1) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_MAX + lanes(op)));
        v_cold_back(h);
    }
}
const HostRule x64_rule_vfabd = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfabd};

static void emit_vfneg(HostCode *h, const HostOp *op) {
    v3m(h, PXOR, op->d.reg, op->s[0].reg, v_pool(POOL_TOP + lanes(op)));
    clear_rest(h, op, lanes(op));
}
const HostRule x64_rule_vfneg = {"x", {"x"}, .emit = emit_vfneg};

static void emit_vfabs(HostCode *h, const HostOp *op) {
    v3m(h, PAND, op->d.reg, op->s[0].reg, v_pool(POOL_MAX + lanes(op)));
    clear_rest(h, op, lanes(op));
}
const HostRule x64_rule_vfabs = {"x", {"x"}, .emit = emit_vfabs};

static void emit_vfmla(HostCode *h, const HostOp *op) {
    unsigned e = lanes(op), d = op->d.reg;
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg), b = active(h, op, e, op->tmp[2], op->s[1].reg);
    v_mov(h, d, active(h, op, e, d, op->s[2].reg));
    v3(h, fused(e, 0xb8, op->node->aux & 4 ? FP_NEG_PRODUCT : 0), d, a, b);
    cold_if_nans_or_tiny(h, op, e);
    clear_rest(h, op, e);
}
const HostRule x64_avx2_vfmla = {"x", {"x", "x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfmla};

/* Horizontal sums are the pairs' of a, then b's. */
static void emit_vfaddp(HostCode *h, const HostOp *op) {
    unsigned e = lanes(op), aux = op->node->aux;
    if (e == 1 || (aux & ONLY_LOW && (e == 3 || !(aux & ONLY_LANE0)))) {
        v_call(h, op);
        return;
    }
    unsigned a = op->s[0].reg, b = op->s[1].reg;
    if (aux & ONLY_LANE0) { /* the one pair, everywhere */
        v2i(h, PSHUFD, op->tmp[1], a, e == 2 ? 0x44 : 0xe4);
        a = b = op->tmp[1];
    }
    v3(h, e == 3 ? P66(0x0f7c) : PF2(0x0f7c), op->d.reg, a, b);
    cold_if_nans(h, op, e);
    clear_rest(h, op, e);
}
const HostRule x64_avx2_vfaddp = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfaddp};

/* The host's comparisons signal as Arm's do. */
static void packed_compare(HostCode *h, const HostOp *op, unsigned predicate) {
    unsigned e = lanes(op);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[0], op->s[0].reg), b = active(h, op, e, op->tmp[1], op->s[1].reg);
    v3i(h, packed(e, 0xc2), op->d.reg, predicate == CMP_EQ ? a : b, predicate == CMP_EQ ? b : a, predicate);
    clear_rest(h, op, e);
}
#define COMPARE(name, predicate)                                                                                       \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        packed_compare(h, op, predicate);                                                                              \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"x", {"x", "x"}, .vtmps = 2, .flags = FLAGS, .emit = emit_##name};
COMPARE(vfcmeq, CMP_EQ)
COMPARE(vfcmge, CMP_LE)
COMPARE(vfcmgt, CMP_LT)

/* Integer lanes: signed words. */
static void emit_vi2f(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 32 };
    unsigned e = lanes(op);
    if (e != 2 || op->node->b || op->node->aux & UNSIGNED) {
        v_call(h, op);
        return;
    }
    v2(h, 0x0f5b, op->d.reg, active(h, op, e, op->tmp[0], op->s[0].reg));
    clear_rest(h, op, e);
}
const HostRule x64_rule_vi2f = {"x", {"x"}, .vtmps = 1, .flags = FLAGS, .emit = emit_vi2f};

static void emit_vf2i(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 32 };
    unsigned e = lanes(op), round = op->node->aux >> 2 & 7, t = op->tmp[1];
    if (e != 2 || op->node->b || op->node->aux & UNSIGNED || (round != FP_RTZ && round != 7)) {
        v_call(h, op);
        return;
    }
    v2(h, round == 7 ? P66(0x0f5b) : PF3(0x0f5b), op->d.reg, active(h, op, e, t, op->s[0].reg));
    v3m(h, PCMPEQD, t, op->d.reg, v_pool(POOL_TOP + 2));
    cold_if_any(h, op, t);
    clear_rest(h, op, e);
}
const HostRule x64_rule_vf2i = {"x", {"x"}, .tmps = 1, .vtmps = 1, .flags = FLAGS, .emit = emit_vf2i};

static void emit_vfcvtl(HostCode *h, const HostOp *op) {
    enum { HIGH = 4 };
    unsigned aux = op->node->aux, a = op->s[0].reg;
    if ((aux & 3) == 1 || aux & (ONLY_LANE0 | ONLY_LOW)) {
        v_call(h, op);
        return;
    }
    if (aux & HIGH) {
        v2i(h, PSHUFD, op->tmp[1], a, 0xee);
        a = op->tmp[1];
    }
    v2(h, 0x0f5a, op->d.reg, a);
    cold_if_nans(h, op, 3);
}
const HostRule x64_rule_vfcvtl = {"x", {"x"}, .tmps = 1, .vtmps = 1, .flags = FLAGS, .emit = emit_vfcvtl};

static void emit_vfcvtn(HostCode *h, const HostOp *op) {
    enum { TO_ODD = 4 };
    unsigned aux = op->node->aux;
    if ((aux & 3) == 2 || aux & (ONLY_LANE0 | ONLY_LOW | TO_ODD)) {
        v_call(h, op);
        return;
    }
    v2(h, P66(0x0f5a), op->d.reg, op->s[0].reg);
    cold_if_nans_or_tiny(h, op, 2);
}
const HostRule x64_rule_vfcvtn = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfcvtn};
