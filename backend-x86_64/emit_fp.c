/* SPDX-License-Identifier: MIT */
/*
 * emit_fp.c - rules of floating-point ops, for plain IEEE 754: see docs/decisions about what they may rely on.
 * Spec: Intel SDM volume 1, 11.5 and 14.5 (exceptions, NaNs), volume 2; Arm DDI 0487, A1.5 (floating point).
 * emit_fp_conv.c has conversions and roundings, fp.h what both share.
 * emit_fp_pairs.c has neighbouring lanes and Newton's steps.
 * Missing: f16.
 *
 * The host's instruction gives the guest's result and exceptions but where the result is a NaN, or where it is the
 * smallest normal number: Arm says underflow of what was tiny before rounding, the host of what is tiny after it. Then
 * the op is done again in C, from the same operands; exceptions are sticky, so that those of both are those of C.
 */
#include "backend-x86_64/fp.h"

/* -- scalars -- */

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
    bool clean = op->clean & 1;
    if (opcode != SQRT && !clean && op->clean & 2 && commutes(opcode)) {
        clean = true;
        a = b;
        b = op->s[0].reg;
    }
    if (!clean && v_has(h, X64_AVX512)) {
        v3mk(h, lane0(e, opcode), op->d.reg, opcode == SQRT ? 0 : a, x_reg(b), -1, LANE0);
    } else {
        v3(h, scalar(e, opcode), op->d.reg, a, b);
    }
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
const HostRule x64_avx512_fadd = {"x", {"x", "x"}, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fadd};

static void emit_fsub(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SUB, op->s[1].reg, false);
}
const HostRule x64_rule_fsub = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fsub};
const HostRule x64_avx512_fsub = {"x", {"x", "x"}, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fsub};

static void emit_fmul(HostCode *h, const HostOp *op) {
    arithmetic(h, op, MUL, op->s[1].reg, true);
}
const HostRule x64_rule_fmul = {"x", {"x", "x"}, .vtmps = 1, .rest = 3, .flags = FLAGS, .emit = emit_fmul};
const HostRule x64_avx512_fmul = {"x", {"x", "x"}, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fmul};

static void emit_fdiv(HostCode *h, const HostOp *op) {
    arithmetic(h, op, DIV, op->s[1].reg, true);
}
const HostRule x64_rule_fdiv = {"x", {"x", "x"}, .vtmps = 1, .rest = 1, .flags = FLAGS, .emit = emit_fdiv};
const HostRule x64_avx512_fdiv = {"x", {"x", "x"}, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fdiv};

static void emit_fsqrt(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SQRT, op->s[0].reg, false);
}
const HostRule x64_rule_fsqrt = {"x", {"x"}, .rest = 1, .flags = FLAGS, .emit = emit_fsqrt};
const HostRule x64_avx512_fsqrt = {"x", {"x"}, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fsqrt};

static void emit_fabd(HostCode *h, const HostOp *op) {
    arithmetic(h, op, SUB, op->s[1].reg, false);
    if (format(op->type) != 1) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_MAX + format(op->type)));
        v_cold_back(h, op);
    }
}
const HostRule x64_rule_fabd = {"x", {"x", "x"}, .rest = 1, .flags = FLAGS, .emit = emit_fabd};
const HostRule x64_avx512_fabd = {"x", {"x", "x"}, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fabd};

/* Equal operands differ in nothing but the sign of zero: of a < b and b < a, minima are or-ed, maxima and-ed. */
static void extremum(HostCode *h, const HostOp *op, unsigned opcode) {
    unsigned e = format(op->type), a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0];
    if (e == 1) {
        v_call(h, op);
        return;
    }
    ucomis(h, e, a, op->s[1]);
    v_cold(h, op, CC_P);
    v3(h, scalar(e, opcode), op->d.reg, a, b);
    v3(h, scalar(e, opcode), t, b, a);
    v3(h, opcode == MIN ? POR : PAND, op->d.reg, op->d.reg, t);
    v_cold_back(h, op);
}
static void emit_fmin(HostCode *h, const HostOp *op) {
    extremum(h, op, MIN);
}
const HostRule x64_rule_fmin = {"x", {"x", "x"}, .vtmps = 1, .flags = FLAGS, .emit = emit_fmin};
const HostRule x64_rule_fminnm = {"x", {"x", "x"}, .vtmps = 1, .flags = FLAGS, .emit = emit_fmin};
static void emit_fmax(HostCode *h, const HostOp *op) {
    extremum(h, op, MAX);
}
const HostRule x64_rule_fmax = {"x", {"x", "x"}, .vtmps = 1, .flags = FLAGS, .emit = emit_fmax};
const HostRule x64_rule_fmaxnm = {"x", {"x", "x"}, .vtmps = 1, .flags = FLAGS, .emit = emit_fmax};

static void emit_fneg(HostCode *h, const HostOp *op) {
    v3m(h, PXOR, op->d.reg, op->s[0].reg, v_pool(POOL_TOP0 + format(op->type)));
}
const HostRule x64_rule_fneg = {"x", {"x"}, .rest = 1, .emit = emit_fneg};

static void emit_fneg_lane0(HostCode *h, const HostOp *op) {
    enum { XOR = 0x57 };
    unsigned e = format(op->type);
    HostOperand sign = v_pool(POOL_TOP0 + e);
    if (e == 1 || op->clean & 1) {
        v3m(h, PXOR, op->d.reg, op->s[0].reg, sign);
        if (!(op->clean & 1)) {
            v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_LANE0 + e));
        }
    } else {
        v3mk(h, lane0(e, XOR), op->d.reg, op->s[0].reg, sign, -1, LANE0);
    }
}
const HostRule x64_avx512_fneg = {"x", {"x"}, .rest = HOST_REST_ZERO, .emit = emit_fneg_lane0};

static void emit_fabs(HostCode *h, const HostOp *op) {
    v3m(h, PAND, op->d.reg, op->s[0].reg, v_pool(POOL_MAX0 + format(op->type)));
}
const HostRule x64_rule_fabs = {"x", {"x"}, .rest = HOST_REST_ZERO, .emit = emit_fabs};

static void emit_fmuladd(HostCode *h, const HostOp *op) {
    unsigned e = format(op->type);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, c = op->s[2].reg, options = op->node->aux & 3;
    bool negate = op->node->aux & FP_NEG_RESULT;
    if (!op->clean && v_has(h, X64_AVX512)) {
        v_mov(h, d, c);
        v3mk(h, fp_fused(e, 0xb8, options) | V_EVEX, d, a, x_reg(b), -1, LANE0);
    } else if (op->clean & 4 || !(op->clean & 3)) {
        v_mov(h, d, c);
        v3(h, fp_fused(e, 0xb9, options), d, a, b);
    } else { /* d = d * b + c */
        v_mov(h, d, op->clean & 1 ? a : b);
        v3(h, fp_fused(e, 0xa9, options), d, op->clean & 1 ? b : a, c);
    }
    cold_if_nan_or_tiny(h, op, e, op->tmp[0]);
    if (negate) {
        v3m(h, PXOR, d, d, v_pool(POOL_TOP0 + e));
        v_cold_back(h, op);
    }
}
const HostRule x64_avx2_fmuladd = {"x", {"x", "x", "x"}, .vtmps = 1, .rest = 7, .flags = FLAGS, .emit = emit_fmuladd};
const HostRule x64_avx512_fmuladd = {"x", {"x", "x", "x"}, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS,
                                     .emit = emit_fmuladd};

/* Less, equal, greater: -1, 0, 1 as a byte, with the flags of the subtraction that made it. */
static void emit_fl_fcmp(HostCode *h, const HostOp *op) {
    unsigned t = op->tmp[0], signalling = op->node->aux & 1;
    v2m(h, packed(op->node->aux >> 1 & 3, 0x2e | signalling), op->s[0].reg, op->s[1]);
    v_cold(h, op, CC_P);
    x_rr(h, 0x0f97, OP_BYTE, 0, t); /* seta */
    x_rr(h, 0x80, OP_BYTE, 3, t);   /* sbb t, 0 */
    x_byte(h, 0);
    v_cold_back(h, op);
}
const HostRule x64_rule_fl_fcmp = {"", {"x", "x"}, .tmps = 1, .flags = HOST_RULE_FP_PLAIN | HOST_RULE_CLOBBERS,
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
    const HostRule x64_rule_##name = {"x", {"x", {opcode == SQRT ? 0 : 'x'}}, .tmps = 1, .vtmps = 2, .flags = FLAGS,  \
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
        v_cold_back(h, op);
    }
}
const HostRule x64_rule_vfabd = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfabd};

/* Minima and maxima raise invalid for every NaN: lanes with one go to C before. */
static void packed_extremum(HostCode *h, const HostOp *op, unsigned opcode) {
    unsigned e = lanes(op), d = op->d.reg, t = op->tmp[3];
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg), b = active(h, op, e, op->tmp[2], op->s[1].reg);
    v3i(h, packed(e, 0xc2), t, a, b, CMP_UNORD);
    cold_if_any(h, op, t);
    v3(h, packed(e, opcode), d, a, b);
    v3(h, packed(e, opcode), t, b, a);
    v3(h, opcode == MIN ? POR : PAND, d, d, t);
    clear_rest(h, op, e);
    v_cold_back(h, op);
}
static void emit_vfmin(HostCode *h, const HostOp *op) {
    packed_extremum(h, op, MIN);
}
static void emit_vfmax(HostCode *h, const HostOp *op) {
    packed_extremum(h, op, MAX);
}
#define EXTREMUM(name, function)                                                                                       \
    const HostRule x64_rule_##name = {"x", {"x", "x"}, .tmps = 1, .vtmps = 3, .flags = FLAGS, .emit = function};
EXTREMUM(vfmin, emit_vfmin)
EXTREMUM(vfminnm, emit_vfmin)
EXTREMUM(vfmax, emit_vfmax)
EXTREMUM(vfmaxnm, emit_vfmax)

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
    unsigned e = lanes(op), d = op->d.reg, aux = op->node->aux;
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg), b = active(h, op, e, op->tmp[2], op->s[1].reg);
    v_mov(h, d, active(h, op, e, d, op->s[2].reg));
    v3(h, fp_fused(e, 0xb8, (aux & 4 ? FP_NEG_PRODUCT : 0) | (aux & IR_VFMLA_NEG_ADDEND ? FP_NEG_ADDEND : 0)), d, a, b);
    cold_if_nans_or_tiny(h, op, e);
    if (aux & IR_VFMLA_NEG_RESULT) {
        v3m(h, PXOR, d, d, v_pool(POOL_TOP + e));
    }
    clear_rest(h, op, e);
    v_cold_back(h, op);
}
const HostRule x64_avx2_vfmla = {"x", {"x", "x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfmla};

/* The host's comparisons signal as Arm's do. */
static void packed_compare(HostCode *h, const HostOp *op, unsigned predicate) {
    unsigned e = lanes(op);
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg), b = active(h, op, e, op->tmp[2], op->s[1].reg);
    if (op->node->aux & 4) { /* why: C tells */
        v3i(h, packed(e, 0xc2), op->d.reg, a, b, CMP_UNORD);
        cold_if_any(h, op, op->d.reg);
    }
    v3i(h, packed(e, 0xc2), op->d.reg, predicate == CMP_EQ ? a : b, predicate == CMP_EQ ? b : a, predicate);
    clear_rest(h, op, e);
    v_cold_back(h, op);
}
#define COMPARE(name, predicate)                                                                                       \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        packed_compare(h, op, predicate);                                                                              \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_##name};
COMPARE(vfcmeq, CMP_EQ)
COMPARE(vfcmge, CMP_LE)
COMPARE(vfcmgt, CMP_LT)
