/* SPDX-License-Identifier: MIT */
/*
 * emit_vec_sat.c - rules of saturating vector ops. What saturates is found by comparing with the wrapped result, or by
 * looking for the operands that do; then env.qc is set. The code for it stands behind a branch that is hardly taken.
 * Spec: Intel SDM volume 2.
 * Missing: vqaddx, vqshl, vqrdmla: called in C.
 */
#include "backend-x86_64/vec.h"

/* Skips what follows unless a sign bit of lanes of 2^e bytes (e > 1) of t is set; then sets env.qc. */
static HostFixup unless_any(HostCode *h, unsigned e, unsigned t, unsigned r) {
    v2(h, e == 2 ? MOVMSKPS : MOVMSKPD, r, t);
    x_rr(h, 0x85, 0, r, r);
    HostFixup none = x_jcc(h, CC_E);
    x_ro(h, 0xc7, 0, 0, ENV_AT(qc));
    x_32(h, 1);
    return none;
}

/* Bytes and words: tmp[0] integer, tmp[1] vector. */
static void saturate_small(HostCode *h, const HostOp *op, uint32_t wrapped, uint32_t saturated) {
    v3(h, wrapped, op->tmp[1], op->s[0].reg, op->s[1].reg);
    v3(h, saturated, op->d.reg, op->s[0].reg, op->s[1].reg);
    v_qc_if_differ(h, op->tmp[1], op->d.reg, op->tmp[1], op->tmp[0]);
}

/* A sum overflows when its sign is that of neither operand; a difference when a's is neither b's nor its own. */
static void saturate_signed(HostCode *h, const HostOp *op, bool minus) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[1], u = op->tmp[2], e = v_lane(op);
    v3(h, minus ? v_sub[e] : v_add[e], d, a, b);
    v3(h, PXOR, t, a, d);
    v3(h, PXOR, u, b, minus ? a : d);
    v3(h, PAND, t, t, u);
    HostFixup none = unless_any(h, e, t, op->tmp[0]);
    v_sign(h, e, t, t);
    v_sign(h, e, u, a);
    v3m(h, PXOR, u, u, v_pool(POOL_MAX + e)); /* the limit on a's side */
    v3(h, PXOR, d, d, u);
    v3(h, PANDN, t, t, d);
    v3(h, PXOR, d, t, u);
    x_bind(h, none);
}
static void saturate_unsigned(HostCode *h, const HostOp *op, bool minus) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[1], u = op->tmp[2], e = v_lane(op);
    v3(h, minus ? v_sub[e] : v_add[e], d, a, b);
    v_gt(h, e, false, t, minus ? b : a, minus ? a : d, u);
    HostFixup none = unless_any(h, e, t, op->tmp[0]);
    if (minus) {
        v3(h, PANDN, t, t, d);
        v_mov(h, d, t);
    } else {
        v3(h, POR, d, d, t);
    }
    x_bind(h, none);
}

static void saturate(HostCode *h, const HostOp *op, bool minus) {
    /* [signed][minus][e] */
    static const uint32_t small[2][2][2] = {{{PADDUSB, P66(0x0fdd)}, {P66(0x0fd8), P66(0x0fd9)}},
                                            {{P66(0x0fec), P66(0x0fed)}, {P66(0x0fe8), P66(0x0fe9)}}};
    unsigned e = v_lane(op);
    if (e < 2) {
        saturate_small(h, op, minus ? v_sub[e] : v_add[e], small[v_signed(op)][minus][e]);
    } else if (v_signed(op)) {
        saturate_signed(h, op, minus);
    } else {
        saturate_unsigned(h, op, minus);
    }
}
static void emit_vqadd(HostCode *h, const HostOp *op) {
    saturate(h, op, false);
}
static void emit_vqsub(HostCode *h, const HostOp *op) {
    saturate(h, op, true);
}
enum { SATURATES = HOST_RULE_EARLY | HOST_RULE_CLOBBERS };
const HostRule x64_rule_vqadd = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = SATURATES, .emit = emit_vqadd};
const HostRule x64_rule_vqsub = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = SATURATES, .emit = emit_vqsub};

/* The most negative number has no negation: all its bits are turned over. */
static void emit_vqneg(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[1], u = op->tmp[2], e = v_lane(op);
    v2m(h, MOVAPS, u, v_pool(POOL_TOP + e));
    v_eq(h, e, t, op->s[0].reg, u, d);
    v_zero(h, d);
    v3(h, v_sub[e], d, d, op->s[0].reg);
    v3(h, PXOR, d, d, t);
    v_qc_if_any(h, t, op->tmp[0]);
}
static void emit_vqabs(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[1], u = op->tmp[2], e = v_lane(op);
    v_sign(h, e, t, op->s[0].reg);
    v3(h, PXOR, d, op->s[0].reg, t);
    v3(h, v_sub[e], d, d, t);
    v2m(h, MOVAPS, u, v_pool(POOL_TOP + e));
    if (e < 3 || v_has(h, X64_AVX2)) {
        v_eq(h, e, t, d, u, t);
    } else { /* |a| is negative for it alone */
        v_sign(h, e, t, d);
    }
    v3(h, PXOR, d, d, t);
    v_qc_if_any(h, t, op->tmp[0]);
}
const HostRule x64_rule_vqneg = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = SATURATES, .emit = emit_vqneg};
const HostRule x64_rule_vqabs = {"x", {"x"}, .tmps = 1, .vtmps = 2, .flags = SATURATES, .emit = emit_vqabs};

/* Of words: bits 62 to 31 of products of even lanes, then of odd ones. */
static void high_words(HostCode *h, const HostOp *op) {
    enum { PBLENDW = P66(0x0f3a0e) };
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[1], u = op->tmp[2];
    v_shr(h, 3, t, a, 32);
    v_shr(h, 3, u, b, 32);
    v3(h, PMULDQ, t, t, u);
    v3(h, PMULDQ, d, a, b);
    if (op->node->aux & IR_VEC_ROUND) {
        v2m(h, MOVAPS, u, v_pool(POOL_ONE + 3));
        v_shl(h, 3, u, u, 30);
        v3(h, PADDQ, t, t, u);
        v3(h, PADDQ, d, d, u);
    }
    v_shl(h, 3, t, t, 1);
    v_shr(h, 3, d, d, 31);
    v3i(h, PBLENDW, d, d, t, 0xcc);
}

/* Only the product of two most negative numbers is out of range, and gives the most negative one. */
static void emit_vqdmulh(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[1], e = v_lane(op);
    if (e != 1 && e != 2) {
        v_call(h, op);
        return;
    }
    if (e == 2) {
        high_words(h, op);
    } else if (op->node->aux & IR_VEC_ROUND) {
        v3(h, PMULHRSW, d, a, b);
    } else {
        v3(h, PMULHW, d, a, b);
        v3(h, PADDW, d, d, d);
        v3(h, PMULLW, t, a, b);
        v_shr(h, 1, t, t, 15);
        v3(h, POR, d, d, t);
    }
    v3m(h, e == 1 ? PCMPEQW : PCMPEQD, t, d, v_pool(POOL_TOP + e));
    v3(h, PXOR, d, d, t);
    v_qc_if_any(h, t, op->tmp[0]);
}
const HostRule x64_avx2_vqdmulh = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = SATURATES, .emit = emit_vqdmulh};

static void emit_vqdmull(HostCode *h, const HostOp *op) {
    enum { PCMPEQQ = P66(0x0f3829) };
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[1], e = v_lane(op) < 2 ? 1 : 2;
    bool high = op->node->aux & IR_VEC_HIGH;
    if (e == 1) {
        v3(h, PMULHW, t, a, b);
        v3(h, PMULLW, d, a, b);
        v3(h, high ? PUNPCKHWD : PUNPCKLWD, d, d, t);
    } else {
        v2i(h, PSHUFD, d, a, high ? 0xfa : 0x50);
        v2i(h, PSHUFD, t, b, high ? 0xfa : 0x50);
        v3(h, PMULDQ, d, d, t);
    }
    v3(h, v_add[e + 1], d, d, d);
    v3m(h, e == 1 ? PCMPEQD : PCMPEQQ, t, d, v_pool(POOL_TOP + e + 1));
    v3(h, PXOR, d, d, t);
    v_qc_if_any(h, t, op->tmp[0]);
}
const HostRule x64_avx2_vqdmull = {"x", {"x", "x"}, .tmps = 1, .vtmps = 1, .flags = SATURATES, .emit = emit_vqdmull};

/* Packs, widens again and compares. */
static void emit_vqnarrow(HostCode *h, const HostOp *op) {
    /* [from unsigned, to unsigned, signed][e]: pack or, from unsigned, minimum and pack */
    static const uint32_t pack_signed[2] = {PACKSSWB, PACKSSDW}, pack_unsigned[2] = {PACKUSWB, PACKUSDW};
    static const uint32_t min_unsigned[2] = {PMINUW, P66(0x0f383b)};
    static const uint32_t truncate[3] = {PF3(0x0f3825) | V_EVEX, PF3(0x0f3815) | V_EVEX, 0};
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[1], e = v_lane(op);
    bool to_unsigned = op->node->aux & IR_VEC_ALT, from_signed = to_unsigned || v_signed(op);
    if (e > 1) {
        if (!v_has(h, X64_AVX512)) {
            v_call(h, op);
            return;
        }
        if (to_unsigned) { /* negative to 0 first */
            v_zero(h, t);
            v3(h, EVEX1(0x0f383d), t, a, t);
        }
        /* vpmovsqd, vpmovusqd: the source is in reg */
        v2m(h, (from_signed && !to_unsigned ? truncate[0] : truncate[1]), to_unsigned ? t : a, op->d);
    } else if (!from_signed) {
        v3m(h, min_unsigned[e], t, a, v_pool(POOL_HALF + e));
        v3(h, pack_unsigned[e], d, t, t);
        v2(h, MOVQ, d, d);
    } else {
        v3(h, (to_unsigned ? pack_unsigned : pack_signed)[e], d, a, a);
        v2(h, MOVQ, d, d);
    }
    v_widen(h, e, from_signed && !to_unsigned, false, t, d);
    v_qc_if_differ(h, t, a, t, op->tmp[0]);
}
const HostRule x64_avx2_vqnarrow = {"x", {"x"}, .tmps = 1, .vtmps = 1, .flags = SATURATES, .emit = emit_vqnarrow};
