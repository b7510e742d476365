/* SPDX-License-Identifier: MIT */
/*
 * emit_fp_conv.c - rules that convert between floating-point formats and integers, and that round; see emit_fp.c.
 * Spec: Intel SDM volume 2; Arm DDI 0487, C7.2 (FCVT*, FRINT*, SCVTF, UCVTF).
 * Missing: lanes rounded to nearest with ties away, unsigned or long ones below AVX-512; f64 to f16; rounding to odd.
 *
 * Where a number does not fit Arm says invalid, and not inexact: what rounds in a way that the host's conversion does
 * not, or to a range that it does not know, is tested before anything can raise inexact.
 */
#include "backend-x86_64/fp.h"

enum { CVT = 0x2d, CVTT = 0x2c };

enum { QUIET = 8, AWAY = 16 };

/* FpRound to the rounding field of roundsd, AWAY for ties away from zero; 8: the host has none. */
static unsigned rounding_or_away(unsigned round) {
    return (round & 7) == FP_RNA ? AWAY : rounding(round);
}

/* Without telling of inexact, as everything here is exact: of the magnitude, what has been cut
 * off counts for 1 if it is a half or more. Infinities and NaNs go to C. */
static void round_away(HostCode *h, const HostOp *op, unsigned e, unsigned d, unsigned x, unsigned t) {
    enum { GREATER_OR_EQUAL_QUIET = 0x1d };
    v3m(h, PAND, t, x, v_pool(POOL_MAX0 + e));
    ucomis(h, e, t, v_pool(POOL_INFINITY + e - 2));
    v_cold(h, op, CC_E);
    v3i(h, e == 3 ? P66(0x0f3a0b) : P66(0x0f3a0a), d, t, t, 3 | QUIET);
    v3(h, scalar(e, SUB), t, t, d);
    v3mi(h, scalar(e, 0xc2), t, t, v_pool(POOL_A_HALF + e - 2), GREATER_OR_EQUAL_QUIET);
    v3m(h, PAND, t, t, v_pool(POOL_UNITY + e - 2));
    v3(h, scalar(e, ADD), d, d, t);
    v3m(h, PAND, t, x, v_pool(POOL_TOP0 + e));
    v3(h, POR, d, d, t);
}

static void emit_frint(HostCode *h, const HostOp *op) {
    unsigned e = format(op->type), field = rounding_or_away(op->node->aux), x = op->s[0].reg;
    if (e == 1 || field == 8 || (field == AWAY && op->node->aux & 8)) {
        v_call(h, op);
    } else if (field == AWAY) {
        round_away(h, op, e, op->d.reg, x, op->tmp[0]);
        v_cold_back(h, op);
    } else {
        field |= op->node->aux & 8 ? 0 : QUIET;
        if (op->clean & 1 || !v_has(h, X64_AVX512)) {
            v3i(h, e == 3 ? P66(0x0f3a0b) : P66(0x0f3a0a), op->d.reg, x, x, field);
        } else {
            v3mk(h, e == 3 ? EVEX1(0x0f3a09) : EVEX0(0x0f3a08), op->d.reg, 0, x_reg(x), (int)field, LANE0);
        }
        cold_if_nan(h, op, e);
    }
}
const HostRule x64_avx2_frint = {"x", {"x"}, .vtmps = 1, .rest = 1, .flags = FLAGS, .emit = emit_frint};
const HostRule x64_avx512_frint = {"x", {"x"}, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_frint};

/* -- half precision: F16C -- */

enum { FROM_HALF = P66(0x0f3813), TO_HALF = P66(0x0f3a1d), AS_MXCSR = 4 };

/* The other lanes are cleared, lest they raise something. */
static void from_half(HostCode *h, const HostOp *op, unsigned to) {
    unsigned d = op->d.reg, t = op->tmp[1];
    v3m(h, PAND, t, op->s[0].reg, v_pool(POOL_LANE0 + 1));
    v2(h, FROM_HALF, d, t);
    if (to == 3) {
        v3(h, scalar(2, 0x5a), d, d, d);
    }
    cold_if_nan(h, op, to);
}

static void to_half(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[1], r = op->tmp[0];
    v3m(h, PAND, t, op->s[0].reg, v_pool(POOL_LANE0 + 2));
    ucomis(h, 2, t, x_reg(t));
    v_cold(h, op, CC_P);
    v2m(h, TO_HALF, t, op->d);
    x_byte(h, AS_MXCSR);
    v2m(h, MOVD_TO, d, x_reg(r));
    x_group1(h, 4, 0, x_reg(r), 0x7fff);
    x_group1(h, 7, 0, x_reg(r), 0x0400);
    v_cold(h, op, CC_E);
}

static void emit_fcvt(HostCode *h, const HostOp *op) {
    unsigned to = format(op->type), from = op->node->aux >> 1 & 3;
    if (to == from || op->node->aux & 1 || (to == 1 && from == 3) || ((to == 1 || from == 1) && !v_has(h, X64_AVX2))) {
        v_call(h, op);
        return;
    } else if (from == 1) {
        from_half(h, op, to);
        return;
    } else if (to == 1) {
        to_half(h, op);
        return;
    }
    if (v_has(h, X64_AVX512)) {
        v3mk(h, lane0(from, 0x5a), op->d.reg, 0, op->s[0], -1, LANE0);
    } else {
        v_zero(h, op->d.reg);
        v3(h, scalar(from, 0x5a), op->d.reg, op->d.reg, op->s[0].reg);
    }
    if (to == 3) {
        cold_if_nan(h, op, to);
    } else {
        cold_if_nan_or_tiny(h, op, to, op->tmp[1]);
    }
}
const HostRule x64_rule_fcvt = {"x", {"x"}, .tmps = 1, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_fcvt};

/* -- scalars from and to integers -- */

/* d = 2^n in format e, by way of r. */
static void load_power(HostCode *h, unsigned e, unsigned d, unsigned r, int n) {
    x_load_imm(h, r, e == 3 ? (uint64_t)(n + 1023) << 52 : (uint64_t)(n + 127) << 23);
    v2m(h, MOVD_FROM | (e == 3 ? V_W : 0), d, x_reg(r));
}

/* To C unless |x| * 2^fbits surely fits; then this product, which is exact. tmp: integer, and two vector registers. */
static unsigned scaled(HostCode *h, const HostOp *op, unsigned e, unsigned x, unsigned fbits) {
    unsigned t = op->tmp[1], limit = op->tmp[2];
    load_power(h, e, limit, op->tmp[0], (op->type == IR_I64 ? 63 : 31) - (int)fbits);
    v3m(h, PAND, t, x, v_pool(POOL_MAX + e));
    ucomis(h, e, limit, x_reg(t));
    v_cold(h, op, CC_BE);
    load_power(h, e, limit, op->tmp[0], (int)fbits);
    v3(h, scalar(e, MUL), t, x, limit);
    return t;
}

/* To C unless -1 < x < 2^32 or 2^63. */
static void cold_unless_unsigned(HostCode *h, const HostOp *op, unsigned e, unsigned x) {
    ucomis(h, e, x, v_pool(POOL_MINUS_ONE + e - 2));
    v_cold(h, op, CC_BE);
    ucomis(h, e, x, v_pool((op->type == IR_I64 ? POOL_2_63 : POOL_2_32) + e - 2));
    v_cold(h, op, CC_AE);
}

/* What does not fit, and NaN, gives the most negative integer. */
static void emit_f2i(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 8, TO_16 = 64 };
    unsigned aux = op->node->aux, e = aux >> 4 & 3, field = rounding_or_away(aux), x = op->s[0].reg;
    unsigned w = op->type == IR_I64 ? V_W : 0;
    bool direct = (field == 3 || (field == 4 && !(aux & UNSIGNED))) && !op->node->b; /* the host has the conversion */
    if (e < 2 || aux & TO_16 || field == 8 || (field == AWAY && op->node->b) || (field != 3 && !direct && !v_has(h, X64_AVX2))) {
        v_call(h, op);
        return;
    }
    if (op->node->b) {
        x = scaled(h, op, e, x, op->node->b);
    }
    unsigned y = x;
    if (field == AWAY) {
        y = op->tmp[2];
        round_away(h, op, e, y, x, op->tmp[1]);
    } else if (field != 3 && !direct) {
        y = op->tmp[2];
        v3i(h, e == 3 ? P66(0x0f3a0b) : P66(0x0f3a0a), y, x, x, field | QUIET);
    }
    if (aux & UNSIGNED) {
        cold_unless_unsigned(h, op, e, y);
        v2m(h, scalar(e, CVTT) | V_W, op->d.reg, x_reg(y));
    } else {
        v2m(h, scalar(e, direct && field == 4 ? CVT : CVTT) | w, op->d.reg, x_reg(y));
        x_group1(h, 7, x_w(op->type), op->d, 1);
        v_cold(h, op, CC_O);
    }
    if (y != x) { /* for inexact */
        v2m(h, scalar(e, CVTT) | V_W, op->tmp[0], x_reg(x));
    }
    v_cold_back(h, op);
}
const HostRule x64_rule_f2i = {"r", {"x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_f2i};

static void emit_i2f(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 1, WIDE = 2 };
    unsigned aux = op->node->aux, e = format(op->type), from = op->s[0].reg, d = op->d.reg;
    if (e == 1) {
        v_call(h, op);
        return;
    }
    if ((aux & 3) == UNSIGNED) {
        from = op->tmp[0];
        x_mov(h, 0, from, op->s[0].reg);
    } else if ((aux & 3) == (UNSIGNED | WIDE) && !v_has(h, X64_AVX512)) {
        x_rr(h, 0x85, OP_W, from, from);
        v_cold(h, op, CC_S);
    }
    v_zero(h, d);
    if ((aux & 3) == (UNSIGNED | WIDE) && v_has(h, X64_AVX512)) {
        v3m(h, scalar(e, 0x7b) | V_EVEX | V_W, d, d, x_reg(from));
    } else {
        v3m(h, scalar(e, 0x2a) | (aux & (UNSIGNED | WIDE) ? V_W : 0), d, d, x_reg(from));
    }
    if (op->node->b) {
        load_power(h, e, op->tmp[1], op->tmp[0], -(int)op->node->b);
        v3(h, scalar(e, MUL), d, d, op->tmp[1]);
    }
    v_cold_back(h, op);
}
const HostRule x64_rule_i2f = {"x", {"r"}, .tmps = 1, .vtmps = 1, .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_i2f};

/* -- lanes -- */

static void emit_vfrint(HostCode *h, const HostOp *op) {
    unsigned e = lanes(op), aux = op->node->aux, field = rounding(aux >> 2);
    if (e == 1 || field == 8) {
        v_call(h, op);
        return;
    }
    field |= aux & 32 ? 0 : 8;
    v2i(h, e == 3 ? P66(0x0f3a09) : P66(0x0f3a08), op->d.reg, active(h, op, e, op->tmp[1], op->s[0].reg), field);
    cold_if_nans(h, op, e);
    clear_rest(h, op, e);
}
const HostRule x64_avx2_vfrint = {"x", {"x"}, .tmps = 1, .vtmps = 1, .flags = FLAGS, .emit = emit_vfrint};

/* d's lanes times 2^n, exactly. */
static void scale_lanes(HostCode *h, const HostOp *op, unsigned e, unsigned d, unsigned t, int n) {
    load_power(h, e, t, op->tmp[0], n);
    v2i(h, PSHUFD, t, t, e == 3 ? 0x44 : 0);
    v3(h, packed(e, MUL), d, d, t);
}

/* Long lanes one by one, where the host has no packed conversion. */
static void longs_to_doubles(HostCode *h, const HostOp *op, unsigned a) {
    unsigned d = op->d.reg, t = op->tmp[2], r = op->tmp[0];
    v2m(h, MOVD_TO | V_W, a, x_reg(r));
    v_zero(h, d);
    v3m(h, scalar(3, 0x2a) | V_W, d, d, x_reg(r));
    if (!(op->node->aux & ONLY_LANE0)) {
        v2i(h, PSHUFD, t, a, 0xee);
        v2m(h, MOVD_TO | V_W, t, x_reg(r));
        v_zero(h, t);
        v3m(h, scalar(3, 0x2a) | V_W, t, t, x_reg(r));
        v3(h, PUNPCKLQDQ, d, d, t);
    }
}

/* Integer lanes: signed everywhere, all with AVX-512. */
static void emit_vi2f(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 32 };
    unsigned e = lanes(op), is_unsigned = op->node->aux & UNSIGNED;
    if (e == 1 || (is_unsigned && !v_has(h, X64_AVX512))) {
        v_call(h, op);
        return;
    }
    static const uint32_t opcodes[2][2] = {{0x0f5b, PF3(0x0fe6) | V_EVEX | V_W},
                                           {PF2(0x0f7a) | V_EVEX, PF3(0x0f7a) | V_EVEX | V_W}};
    unsigned a = active(h, op, e, op->tmp[1], op->s[0].reg);
    if (e == 3 && !v_has(h, X64_AVX512)) {
        longs_to_doubles(h, op, a);
    } else {
        v2(h, opcodes[is_unsigned ? 1 : 0][e - 2], op->d.reg, a);
    }
    if (op->node->b) {
        scale_lanes(h, op, e, op->d.reg, op->tmp[2], -(int)op->node->b);
    }
    clear_rest(h, op, e);
}
const HostRule x64_rule_vi2f = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vi2f};

/* By lane, signedness, and truncation or the current mode. */
static uint32_t vf2i_opcode(unsigned e, bool is_unsigned, bool trunc) {
    static const uint32_t words[2][2] = {{P66(0x0f5b), PF3(0x0f5b)}, {0x0f79 | V_EVEX, 0x0f78 | V_EVEX}};
    static const uint32_t doubles[2][2] = {{EVEX1(0x0f7b), EVEX1(0x0f7a)}, {EVEX1(0x0f79), EVEX1(0x0f78)}};
    return e == 3 ? doubles[is_unsigned][trunc] : words[is_unsigned][trunc];
}

/* t = x * 2^fbits, which is exact for what fits; to C unless every lane surely does. */
static unsigned scaled_lanes(HostCode *h, const HostOp *op, unsigned e, unsigned t, unsigned x) {
    enum { NOT_LESS_QUIET = 0x15 };
    unsigned u = op->tmp[2], d = op->d.reg;
    load_power(h, e, u, op->tmp[0], (e == 3 ? 63 : 31) - (int)op->node->b);
    v2i(h, PSHUFD, u, u, e == 3 ? 0x44 : 0);
    v3m(h, PAND, d, x, v_pool(POOL_MAX + e));
    v3i(h, packed(e, 0xc2), u, d, u, NOT_LESS_QUIET);
    cold_if_any(h, op, u);
    v_mov(h, t, x);
    scale_lanes(h, op, e, t, u, (int)op->node->b);
    return t;
}

/* What does not fit gives the most negative integer, or ones. */
static void emit_vf2i(HostCode *h, const HostOp *op) {
    enum { UNSIGNED = 32 };
    unsigned e = lanes(op), field = rounding(op->node->aux >> 2), t = op->tmp[1], u = op->tmp[2], d = op->d.reg;
    bool is_unsigned = op->node->aux & UNSIGNED, trunc = field != 4;
    if (e == 1 || field == 8 || (op->node->b && !v_has(h, X64_AVX2)) || ((e == 3 || is_unsigned) && !v_has(h, X64_AVX512)) ||
        (field < 3 && !v_has(h, X64_AVX2))) {
        v_call(h, op);
        return;
    }
    unsigned x = active(h, op, e, t, op->s[0].reg), y = x;
    if (op->node->b) {
        x = y = scaled_lanes(h, op, e, t, x);
    }
    if (field < 3) {
        y = u;
        v2i(h, e == 3 ? P66(0x0f3a09) : P66(0x0f3a08), y, x, field | 8);
    }
    v2(h, vf2i_opcode(e, is_unsigned, trunc), d, y);
    HostOperand bad = v_pool(is_unsigned ? POOL_ONES : POOL_TOP + e);
    v3m(h, e == 3 ? P66(0x0f3829) : PCMPEQD, u, d, bad);
    cold_if_any(h, op, u);
    if (field < 3) { /* for inexact */
        v2(h, vf2i_opcode(e, is_unsigned, true), u, x);
    }
    clear_rest(h, op, e);
    v_cold_back(h, op);
}
const HostRule x64_rule_vf2i = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vf2i};

static void emit_vfcvtl(HostCode *h, const HostOp *op) {
    enum { HIGH = 4 };
    unsigned aux = op->node->aux, a = op->s[0].reg;
    unsigned from = aux & 3;
    if ((from == 1 && !v_has(h, X64_AVX2)) || aux & (ONLY_LANE0 | ONLY_LOW)) {
        v_call(h, op);
        return;
    }
    if (aux & HIGH) {
        v2i(h, PSHUFD, op->tmp[1], a, 0xee);
        a = op->tmp[1];
    }
    v2(h, from == 1 ? FROM_HALF : 0x0f5a, op->d.reg, a);
    cold_if_nans(h, op, from + 1);
}
const HostRule x64_rule_vfcvtl = {"x", {"x"}, .tmps = 1, .vtmps = 1, .flags = FLAGS, .emit = emit_vfcvtl};

/* To C for NaNs, and for lanes that are the smallest normal number. */
static void narrow_to_halves(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[1], u = op->tmp[2];
    v2m(h, TO_HALF, a, op->d);
    x_byte(h, AS_MXCSR);
    v3i(h, packed(2, 0xc2), t, a, a, CMP_UNORD);
    v3m(h, PAND, u, d, v_pool(POOL_MAX + 1));
    v3m(h, PCMPEQW, u, u, v_pool(POOL_TINY_HALF));
    v3(h, POR, t, t, u);
    v2m(h, PMOVMSKB, op->tmp[0], x_reg(t));
    x_rr(h, 0x85, 0, op->tmp[0], op->tmp[0]);
    v_cold(h, op, CC_NE);
}

static void emit_vfcvtn(HostCode *h, const HostOp *op) {
    enum { TO_ODD = 4 };
    unsigned aux = op->node->aux;
    if (((aux & 3) == 2 && !v_has(h, X64_AVX2)) || aux & (ONLY_LANE0 | ONLY_LOW | TO_ODD)) {
        v_call(h, op);
        return;
    } else if ((aux & 3) == 2) {
        narrow_to_halves(h, op);
        return;
    }
    v2(h, P66(0x0f5a), op->d.reg, op->s[0].reg);
    cold_if_nans_or_tiny(h, op, 2);
}
const HostRule x64_rule_vfcvtn = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfcvtn};
