/* SPDX-License-Identifier: MIT */
/*
 * emit_vec_int.c - rules of vector ops: arithmetic, compares, shifts, widths, counting.
 * Spec: Intel SDM volume 2.
 * Missing: vcls; vshlr of bytes, and without AVX-512 of 16 bits and signed 64 bits (called in C).
 */
#include "backend-x86_64/vec.h"

/* -- arithmetic -- */

static void emit_vadd(HostCode *h, const HostOp *op) {
    v3m(h, v_add[v_lane(op)], op->d.reg, op->s[0].reg, op->s[1]);
}
const HostRule x64_rule_vadd = {"0", {"x", "xm"}, .flags = HOST_RULE_COMMUTES, .emit = emit_vadd};
const HostRule x64_avx2_vadd = {"x", {"x", "xm"}, .flags = HOST_RULE_COMMUTES, .emit = emit_vadd};

static void emit_vsub(HostCode *h, const HostOp *op) {
    v3m(h, v_sub[v_lane(op)], op->d.reg, op->s[0].reg, op->s[1]);
}
const HostRule x64_rule_vsub = {"0", {"x", "xm"}, .emit = emit_vsub};
const HostRule x64_avx2_vsub = {"x", {"x", "xm"}, .emit = emit_vsub};

static void multiply_bytes(HostCode *h, unsigned d, unsigned a, unsigned b, unsigned t, unsigned u) {
    v_shr(h, 1, t, a, 8);
    v_shr(h, 1, u, b, 8);
    v3(h, PMULLW, t, t, u);
    v_shl(h, 1, t, t, 8);
    v3(h, PMULLW, d, a, b);
    v3m(h, PAND, d, d, v_pool(POOL_HALF));
    v3(h, POR, d, d, t);
}
static void multiply_words(HostCode *h, unsigned d, unsigned a, unsigned b, unsigned t, unsigned u) {
    if (v_has(h, X64_AVX2)) {
        v3(h, PMULLD, d, a, b);
        return;
    }
    v2i(h, PSHUFD, t, a, 0xf5);
    v2i(h, PSHUFD, u, b, 0xf5);
    v3(h, PMULUDQ, t, t, u);
    v3(h, PMULUDQ, d, a, b);
    v2i(h, PSHUFD, d, d, 0x08);
    v2i(h, PSHUFD, t, t, 0x08);
    v3(h, v_unpack_low[2], d, d, t);
}
static void multiply_longs(HostCode *h, unsigned d, unsigned a, unsigned b, unsigned t, unsigned u) {
    if (v_has(h, X64_AVX512)) {
        v3(h, EVEX1(0x0f3840), d, a, b);
        return;
    }
    v_shr(h, 3, t, a, 32);
    v3(h, PMULUDQ, t, t, b);
    v_shr(h, 3, u, b, 32);
    v3(h, PMULUDQ, u, u, a);
    v3(h, PADDQ, t, t, u);
    v_shl(h, 3, t, t, 32);
    v3(h, PMULUDQ, d, a, b);
    v3(h, PADDQ, d, d, t);
}
static void emit_vmul(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], u = op->tmp[1];
    switch (v_lane(op)) {
    case 0: multiply_bytes(h, d, a, b, t, u); break;
    case 1: v3(h, PMULLW, d, a, b); break;
    case 2: multiply_words(h, d, a, b, t, u); break;
    default: multiply_longs(h, d, a, b, t, u); break;
    }
}
const HostRule x64_rule_vmul = {"x", {"x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vmul};
/* The last instruction that reads an operand is also the first to write d. */
const HostRule x64_avx2_vmul = {"x", {"x", "x"}, .vtmps = 2, .emit = emit_vmul};

static void emit_vneg(HostCode *h, const HostOp *op) {
    v_zero(h, op->d.reg);
    v3(h, v_sub[v_lane(op)], op->d.reg, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vneg = {"x", {"x"}, .flags = HOST_RULE_EARLY, .emit = emit_vneg};

static void absolute(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned t) {
    static const uint32_t direct[4] = {P66(0x0f381c), P66(0x0f381d), P66(0x0f381e), EVEX1(0x0f381f)};
    if (v_has(h, X64_AVX512) || (e < 3 && v_has(h, X64_AVX2))) {
        v2(h, direct[e], d, a);
    } else {
        v_sign(h, e, t, a);
        v3(h, PXOR, d, a, t);
        v3(h, v_sub[e], d, d, t);
    }
}
static void emit_vabs(HostCode *h, const HostOp *op) {
    absolute(h, v_lane(op), op->d.reg, op->s[0].reg, op->tmp[0]);
}
const HostRule x64_rule_vabs = {"x", {"x"}, .vtmps = 1, .emit = emit_vabs};

static void emit_vabd(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    if (e < 2 && !v_signed(op)) { /* one of the saturated differences is zero */
        uint32_t psubus = e == 0 ? P66(0x0fd8) : P66(0x0fd9);
        v3(h, psubus, t, a, b);
        v3(h, psubus, d, b, a);
        v3(h, POR, d, d, t);
    } else if ((e < 3 && v_has(h, X64_AVX2)) || v_has(h, X64_AVX512)) {
        v_minmax(h, e, v_signed(op), true, t, a, b, 0);
        v_minmax(h, e, v_signed(op), false, d, a, b, 0);
        v3(h, v_sub[e], d, d, t);
    } else {
        v_gt(h, e, v_signed(op), t, b, a, d);
        v3(h, v_sub[e], d, a, b);
        v3(h, PXOR, d, d, t);
        v3(h, v_sub[e], d, d, t);
    }
}
const HostRule x64_rule_vabd = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vabd};

static void shift_right(HostCode *h, const HostOp *op, unsigned d, unsigned a, unsigned n, unsigned t) {
    if (v_signed(op)) {
        v_sar(h, v_lane(op), d, a, n, t);
    } else {
        v_shr(h, v_lane(op), d, a, n);
    }
}

/* a + b = 2 * (a & b) + (a ^ b) = 2 * (a | b) - (a ^ b) */
static void emit_vhadd(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    bool round = op->node->aux & IR_VEC_ROUND;
    if (round && e < 2 && !v_signed(op)) {
        v3(h, e == 0 ? P66(0x0fe0) : P66(0x0fe3), d, a, b); /* pavg */
        return;
    }
    v3(h, PXOR, d, a, b);
    shift_right(h, op, d, d, 1, t);
    v3(h, round ? POR : PAND, t, a, b);
    if (round) {
        v3(h, v_sub[e], t, t, d);
        v_mov(h, d, t);
    } else {
        v3(h, v_add[e], d, d, t);
    }
}
const HostRule x64_rule_vhadd = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vhadd};

/* a - b = (a ^ b) - 2 * (~a & b) */
static void emit_vhsub(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0];
    v3(h, PXOR, d, a, b);
    shift_right(h, op, d, d, 1, t);
    v3(h, PANDN, t, a, b);
    v3(h, v_sub[v_lane(op)], d, d, t);
}
const HostRule x64_rule_vhsub = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vhsub};

/* -- compares -- */

static void emit_vcmeq(HostCode *h, const HostOp *op) {
    v_eq(h, v_lane(op), op->d.reg, op->s[0].reg, op->s[1].reg, op->tmp[0]);
}
const HostRule x64_rule_vcmeq = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vcmeq};
const HostRule x64_avx2_vcmeq = {"x", {"x", "x"}, .emit = emit_vcmeq};

static void emit_vcmgt(HostCode *h, const HostOp *op) {
    v_gt(h, v_lane(op), true, op->d.reg, op->s[0].reg, op->s[1].reg, op->tmp[0]);
}
const HostRule x64_rule_vcmgt = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vcmgt};
const HostRule x64_avx2_vcmgt = {"x", {"x", "x"}, .emit = emit_vcmgt};

static void emit_vcmge(HostCode *h, const HostOp *op) {
    v_gt(h, v_lane(op), true, op->d.reg, op->s[1].reg, op->s[0].reg, op->tmp[0]);
    v_not(h, op->d.reg, op->d.reg);
}
const HostRule x64_rule_vcmge = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vcmge};
const HostRule x64_avx2_vcmge = {"x", {"x", "x"}, .emit = emit_vcmge};

static void emit_vcmhi(HostCode *h, const HostOp *op) {
    v_gt(h, v_lane(op), false, op->d.reg, op->s[0].reg, op->s[1].reg, op->tmp[0]);
}
const HostRule x64_rule_vcmhi = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vcmhi};

static void emit_vcmhs(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    if (e == 0 || (e < 3 && v_has(h, X64_AVX2)) || v_has(h, X64_AVX512)) {
        v_minmax(h, e, false, false, d, a, b, t);
        v_eq(h, e, d, d, a, t);
    } else {
        v_gt(h, e, false, d, b, a, t);
        v_not(h, d, d);
    }
}
const HostRule x64_rule_vcmhs = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vcmhs};

static void emit_vcmtst(HostCode *h, const HostOp *op) {
    static const uint32_t test[4] = {EVEX0(0x0f3826), EVEX1(0x0f3826), EVEX0(0x0f3827), EVEX1(0x0f3827)};
    static const uint32_t mask[4] = {PF3(0x0f3828), PF3(0x0f3828) | V_W, PF3(0x0f3838), PF3(0x0f3838) | V_W};
    unsigned d = op->d.reg, t = op->tmp[0], u = op->tmp[1], e = v_lane(op);
    if (v_has(h, X64_AVX512)) {
        v3(h, test[e], 1, op->s[0].reg, op->s[1].reg);
        v2(h, mask[e] | V_EVEX, d, 1);
        return;
    }
    v3(h, PAND, u, op->s[0].reg, op->s[1].reg);
    v_zero(h, t);
    v_eq(h, e, d, u, t, t);
    v_not(h, d, d);
}
const HostRule x64_rule_vcmtst = {"x", {"x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vcmtst};
const HostRule x64_avx512_vcmtst = {"x", {"x", "x"}, .emit = emit_vcmtst};

#define MINMAX(name, is_signed, min)                                                                                   \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        v_minmax(h, v_lane(op), is_signed, min, op->d.reg, op->s[0].reg, op->s[1].reg, op->tmp[0]);                    \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_##name};     \
    const HostRule x64_avx512_##name = {"x", {"x", "x"}, .emit = emit_##name};
MINMAX(vsmax, true, false)
MINMAX(vsmin, true, true)
MINMAX(vumax, false, false)
MINMAX(vumin, false, true)

/* -- shifts -- */

static void emit_vshl(HostCode *h, const HostOp *op) {
    v_shl(h, v_lane(op), op->d.reg, op->s[0].reg, op->node->b & 127);
}
const HostRule x64_rule_vshl = {"x", {"x"}, .emit = emit_vshl};

static void emit_vshr(HostCode *h, const HostOp *op) {
    v_shr(h, v_lane(op), op->d.reg, op->s[0].reg, op->node->b & 127);
}
const HostRule x64_rule_vshr = {"x", {"x"}, .emit = emit_vshr};

static void emit_vsar(HostCode *h, const HostOp *op) {
    v_sar(h, v_lane(op), op->d.reg, op->s[0].reg, op->node->b & 127, op->tmp[0]);
}
const HostRule x64_rule_vsar = {"x", {"x"}, .vtmps = 1, .emit = emit_vsar};
const HostRule x64_avx512_vsar = {"x", {"x"}, .emit = emit_vsar};

/* (a >> n) plus the last bit shifted out */
static void emit_vrshr(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], e = v_lane(op), n = op->node->b & 127;
    n = n < 8u << e ? n : 8u << e;
    shift_right(h, op, d, a, n, t);
    if (e == 0) {
        v_shr(h, 0, t, a, n - 1);
        v3m(h, PAND, t, t, v_pool(POOL_ONE));
    } else {
        v_shl(h, e, t, a, (8u << e) - n);
        v_shr(h, e, t, t, (8u << e) - 1);
    }
    v3(h, v_add[e], d, d, t);
}
const HostRule x64_rule_vrshr = {"x", {"x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vrshr};

/* The bits of a that stay are a mask in t. */
static void emit_vsli(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0], e = v_lane(op), n = op->node->c & 127;
    if (e == 0) {
        v3m(h, PAND, t, op->s[0].reg, v_pool(POOL_LOW + (n < 8 ? n : 8)));
    } else {
        v2m(h, MOVAPS, t, v_pool(POOL_ONES));
        v_shr(h, e, t, t, n < 8u << e ? (8u << e) - n : 0);
        v3(h, PAND, t, t, op->s[0].reg);
    }
    v_shl(h, e, d, op->s[1].reg, n);
    v3(h, POR, d, d, t);
}
static void emit_vsri(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0], e = v_lane(op), n = op->node->c & 127;
    if (e == 0) {
        v3m(h, PAND, t, op->s[0].reg, v_pool(POOL_HIGH + (n < 8 ? 8 - n : 0)));
    } else {
        v2m(h, MOVAPS, t, v_pool(POOL_ONES));
        v_shl(h, e, t, t, n < 8u << e ? (8u << e) - n : 0);
        v3(h, PAND, t, t, op->s[0].reg);
    }
    v_shr(h, e, d, op->s[1].reg, n);
    v3(h, POR, d, d, t);
}
const HostRule x64_rule_vsli = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vsli};
const HostRule x64_rule_vsri = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vsri};

/* Shifts by counts in lanes: t = the count, sign-extended; counts beyond the width give zero (or the sign). */
static void counts(HostCode *h, unsigned e, unsigned t, unsigned b, unsigned u) {
    v_shl(h, e, t, b, (8u << e) - 8);
    v_sar(h, e, t, t, (8u << e) - 8, u);
}
static void emit_vshlr(HostCode *h, const HostOp *op) {
    static const uint32_t left[4] = {0, EVEX1(0x0f3812), P66(0x0f3847), P66(0x0f3847) | V_W};
    static const uint32_t right[4] = {0, EVEX1(0x0f3810), P66(0x0f3845), P66(0x0f3845) | V_W};
    static const uint32_t right_signed[4] = {0, EVEX1(0x0f3811), P66(0x0f3846), EVEX1(0x0f3846)};
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], u = op->tmp[1], e = v_lane(op);
    bool can = e == 2 || (e == 3 && !v_signed(op)) || v_has(h, X64_AVX512);
    uint32_t shift = v_signed(op) ? right_signed[e] : right[e];
    if (e == 0 || !can) {
        v_call(h, op);
        return;
    }
    counts(h, e, t, op->s[1].reg, u);
    v_zero(h, u);
    v3(h, v_sub[e], u, u, t);
    v3(h, shift, u, a, u);
    if (op->node->aux & IR_VEC_ROUND) { /* plus the last bit shifted out, by -count - 1; none for counts of 0 and more */
        v_not(h, d, t);
        v3(h, shift, d, a, d);
        v3m(h, PAND, d, d, v_pool(POOL_ONE + e));
        v3(h, v_add[e], u, u, d);
    }
    v3(h, left[e], d, a, t);
    if (!v_signed(op)) { /* the wrong direction gives zero, but for a count of 0, where both are a */
        v3(h, POR, d, d, u);
    } else if (e >= 2) {
        v3i(h, e == 2 ? BLENDVPS : BLENDVPD, d, d, u, (t & 15) << 4);
    } else {
        v_group(h, P66(0x0f71), SHIFT_SIGNED, t, t, 15);
        v3i(h, PBLENDVB, d, d, u, (t & 15) << 4);
    }
}
const HostRule x64_avx2_vshlr = {"x", {"x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS,
                                 .emit = emit_vshlr};

/* Counts modulo the width: their low bits alone, by shifts */
static void emit_vshm(HostCode *h, const HostOp *op) {
    static const uint32_t shifts[3][4] = {{0, EVEX1(0x0f3812), P66(0x0f3847), P66(0x0f3847) | V_W},
                                          {0, EVEX1(0x0f3810), P66(0x0f3845), P66(0x0f3845) | V_W},
                                          {0, EVEX1(0x0f3811), P66(0x0f3846), EVEX1(0x0f3846)}};
    unsigned d = op->d.reg, t = op->tmp[0], e = v_lane(op), unused = (8u << e) - (3 + e);
    unsigned how = op->node->aux & IR_VEC_ALT ? (v_signed(op) ? 2 : 1) : 0;
    bool can = e == 2 || (e == 3 && how < 2) || v_has(h, X64_AVX512);
    if (e == 0 || !can) {
        v_call(h, op);
        return;
    }
    v_shl(h, e, t, op->s[1].reg, unused);
    v_shr(h, e, t, t, unused);
    v3(h, shifts[how][e], d, op->s[0].reg, t);
}
const HostRule x64_avx2_vshm = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_vshm};

/* -- widths -- */

static void emit_vwiden(HostCode *h, const HostOp *op) {
    v_widen(h, v_lane(op), v_signed(op), op->node->aux & IR_VEC_HIGH, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vwiden = {"x", {"x"}, .flags = HOST_RULE_EARLY, .emit = emit_vwiden};

static void emit_vnarrow(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, e = v_lane(op);
    if (v_has(h, X64_AVX2)) {
        v3m(h, PSHUFB, d, a, v_pool(POOL_NARROW + e));
        return;
    }
    if (e == 0) {
        v3m(h, PAND, d, a, v_pool(POOL_HALF));
        v3(h, PACKUSWB, d, d, d);
    } else if (e == 1) {
        v_shl(h, 2, d, a, 16);
        v_group(h, P66(0x0f72), SHIFT_SIGNED, d, d, 16);
        v3(h, PACKSSDW, d, d, d);
    } else {
        v2i(h, PSHUFD, d, a, 0x08);
    }
    v2(h, MOVQ, d, d);
}
const HostRule x64_rule_vnarrow = {"x", {"x"}, .emit = emit_vnarrow};

static void emit_vmull(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    bool high = op->node->aux & IR_VEC_HIGH;
    if (e == 0) {
        v_widen(h, 0, v_signed(op), high, d, a);
        v_widen(h, 0, v_signed(op), high, t, b);
        v3(h, PMULLW, d, d, t);
    } else if (e == 1) {
        v3(h, v_signed(op) ? PMULHW : PMULHUW, t, a, b);
        v3(h, PMULLW, d, a, b);
        v3(h, high ? PUNPCKHWD : PUNPCKLWD, d, d, t);
    } else if (!v_signed(op) || v_has(h, X64_AVX2)) {
        v2i(h, PSHUFD, d, a, high ? 0xfa : 0x50);
        v2i(h, PSHUFD, t, b, high ? 0xfa : 0x50);
        v3(h, v_signed(op) ? PMULDQ : PMULUDQ, d, d, t);
    } else {
        v_call(h, op);
    }
}
const HostRule x64_rule_vmull = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS,
                                 .emit = emit_vmull};
const HostRule x64_avx2_vmull = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vmull};

static void emit_vaddlp(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], u = op->tmp[1], e = v_lane(op), bits = 8u << e;
    if (e == 0 && v_has(h, X64_AVX2) && v_signed(op)) { /* the unsigned factor comes first */
        v2m(h, MOVAPS, d, v_pool(POOL_ONE));
        v3(h, PMADDUBSW, d, d, a);
    } else if (e == 0 && v_has(h, X64_AVX2)) {
        v3m(h, PMADDUBSW, d, a, v_pool(POOL_ONE));
    } else if (e == 1 && v_signed(op)) {
        v3m(h, PMADDWD, d, a, v_pool(POOL_ONE + 1));
    } else if (v_signed(op)) {
        v_sar(h, e + 1, t, a, bits, u);
        v_shl(h, e + 1, d, a, bits);
        v_sar(h, e + 1, d, d, bits, u);
        v3(h, v_add[e + 1], d, d, t);
    } else {
        v_shr(h, e + 1, t, a, bits);
        v3m(h, PAND, d, a, v_pool(POOL_HALF + e));
        v3(h, v_add[e + 1], d, d, t);
    }
}
const HostRule x64_rule_vaddlp = {"x", {"x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vaddlp};

/* The lanes of a folded upon themselves. */
static void fold(HostCode *h, unsigned k, unsigned t, unsigned d) {
    switch (k) {
    case 3: v2i(h, PSHUFD, t, d, 0xee); break;
    case 2: v2i(h, PSHUFD, t, d, 0x55); break;
    case 1: v_shr(h, 2, t, d, 16); break;
    default: v_shr(h, 1, t, d, 8); break;
    }
}
static void emit_vaddv(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], e = v_lane(op);
    if (e == 0) {
        v_zero(h, t);
        v3(h, PSADBW, d, a, t);
        fold(h, 3, t, d);
        v3(h, PADDB, d, d, t);
    } else {
        for (unsigned k = 3; k >= e; k--) {
            fold(h, k, t, a);
            v3(h, v_add[e], d, a, t);
            a = d;
        }
    }
    v3m(h, PAND, d, d, v_pool(POOL_LANE0 + e));
}
const HostRule x64_rule_vaddv = {"x", {"x"}, .vtmps = 1, .emit = emit_vaddv};

/* Lanes that the op has, or that the level has an instruction for. */
static void emit_vmaxv(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], e = v_lane(op);
    for (unsigned k = 4; k-- > e;) {
        unsigned to = a == d ? op->tmp[1] : d; /* v_minmax wants its result apart */
        fold(h, k, t, a);
        v_minmax(h, e, v_signed(op), op->node->aux & IR_VEC_ALT, to, a, t, op->tmp[2]);
        a = to;
    }
    v3m(h, PAND, d, a, v_pool(POOL_LANE0 + e));
}
const HostRule x64_rule_vmaxv = {"x", {"x"}, .vtmps = 3, .flags = HOST_RULE_EARLY, .emit = emit_vmaxv};

/* Even bytes as words and odd ones, products summed in pairs. */
static void emit_vdot(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, b = op->s[1].reg, c = op->s[2].reg, t = op->tmp[0], u = op->tmp[1];
    if (v_signed(op)) {
        v_shl(h, 1, d, b, 8);
        v_sar(h, 1, d, d, 8, 0);
        v_shl(h, 1, t, c, 8);
        v_sar(h, 1, t, t, 8, 0);
    } else {
        v3m(h, PAND, d, b, v_pool(POOL_HALF));
        v3m(h, PAND, t, c, v_pool(POOL_HALF));
    }
    v3(h, PMADDWD, d, d, t);
    v_group(h, P66(0x0f71), v_signed(op) ? SHIFT_SIGNED : SHIFT_RIGHT, t, b, 8);
    v_group(h, P66(0x0f71), v_signed(op) ? SHIFT_SIGNED : SHIFT_RIGHT, u, c, 8);
    v3(h, PMADDWD, t, t, u);
    v3(h, PADDD, d, d, t);
    v3(h, PADDD, d, d, op->s[0].reg);
}
const HostRule x64_rule_vdot = {"x", {"x", "x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vdot};

/* -- counting: tables over the halves of bytes -- */

/* u = the upper half's; join puts both together. */
static void nibbles(HostCode *h, const HostOp *op, unsigned low, unsigned high, uint32_t join) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], u = op->tmp[1];
    v3m(h, PAND, t, a, v_pool(POOL_LOW + 4));
    v2m(h, MOVAPS, d, v_pool(low));
    v3(h, PSHUFB, d, d, t);
    v_group(h, P66(0x0f71), SHIFT_RIGHT, t, a, 4);
    v3m(h, PAND, t, t, v_pool(POOL_LOW + 4));
    v2m(h, MOVAPS, u, v_pool(high));
    v3(h, PSHUFB, u, u, t);
    v3(h, join, d, d, u);
}

static void emit_vcnt(HostCode *h, const HostOp *op) {
    nibbles(h, op, POOL_NIBBLE_ONES, POOL_NIBBLE_ONES, PADDB);
}
const HostRule x64_avx2_vcnt = {"x", {"x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vcnt};

static void emit_vpopcnt(HostCode *h, const HostOp *op) {
    v2(h, EVEX0(0x0f3854), op->d.reg, op->s[0].reg);
}
const HostRule x64_avx512_vcnt = {"x", {"x"}, .emit = emit_vpopcnt};

static void emit_vrbit(HostCode *h, const HostOp *op) {
    nibbles(h, op, POOL_NIBBLE_REVERSE_HIGH, POOL_NIBBLE_REVERSE_LOW, POR);
}
const HostRule x64_avx2_vrbit = {"x", {"x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vrbit};

static void emit_affine_vrbit(HostCode *h, const HostOp *op) {
    v3mi(h, AFFINE, op->d.reg, op->s[0].reg, v_pool(POOL_GF_REVERSE), 0);
}
const HostRule x64_avx512_vrbit = {"x", {"x"}, .emit = emit_affine_vrbit};

static void emit_vclz(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], e = v_lane(op);
    if (e == 0) { /* the upper half answers 255 when it is zero */
        nibbles(h, op, POOL_NIBBLE_CLZ_LOW, POOL_NIBBLE_CLZ_HIGH, PMINUB);
    } else if (!v_has(h, X64_AVX512)) {
        v_call(h, op);
    } else if (e >= 2) {
        v2(h, e == 2 ? EVEX0(0x0f3844) : EVEX1(0x0f3844), d, a);
    } else { /* as 32 bits, which have 16 more zeros */
        v_zero(h, d);
        v3(h, PUNPCKHWD, t, a, d);
        v3(h, PUNPCKLWD, d, a, d);
        v2(h, EVEX0(0x0f3844), t, t);
        v2(h, EVEX0(0x0f3844), d, d);
        v3(h, PACKUSDW, d, d, t);
        v3m(h, PSUBW, d, d, v_pool(POOL_WORDS_16));
    }
}
const HostRule x64_avx2_vclz = {"x", {"x"}, .vtmps = 2, .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS,
                                .emit = emit_vclz};
const HostRule x64_avx512_vclz = {"x", {"x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vclz};
