/* SPDX-License-Identifier: MIT */
/*
 * emit_vec_crypto.c - rules of carry-less products, AES, SHA-1 and SHA-256.
 * Spec: Intel SDM volume 2; FIPS 197, FIPS 180-4.
 * Missing: vpmul, and vpmull of bytes: called in C.
 */
#include "backend-x86_64/vec.h"

static void emit_vpmull(HostCode *h, const HostOp *op) {
    if (v_lane(op) == 3) {
        v3i(h, P66(0x0f3a44), op->d.reg, op->s[0].reg, op->s[1].reg, op->node->aux & IR_VEC_HIGH ? 0x11 : 0);
    } else {
        v_call(h, op);
    }
}
const HostRule x64_avx2_vpmull = {"x", {"x", "x"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_vpmull};

/* -- AES: the last round of either direction, with a key of zero -- */

static void emit_vaes(HostCode *h, const HostOp *op) {
    v3(h, PXOR, op->d.reg, op->s[0].reg, op->s[1].reg);
    v_zero(h, op->tmp[0]);
    v3(h, op->node->aux & IR_VEC_ALT ? P66(0x0f38df) : P66(0x0f38dd), op->d.reg, op->d.reg, op->tmp[0]);
}
const HostRule x64_avx2_vaes = {"x", {"x", "x"}, .vtmps = 1, .emit = emit_vaes};

/* MixColumns: undo the last round's steps, then a whole round. */
static void emit_vaesmc(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0];
    if (op->node->aux & IR_VEC_ALT) {
        v2(h, P66(0x0f38db), d, op->s[0].reg); /* aesimc */
        return;
    }
    v_zero(h, t);
    v3(h, P66(0x0f38df), d, op->s[0].reg, t);
    v3(h, P66(0x0f38dc), d, d, t);
}
const HostRule x64_avx2_vaesmc = {"x", {"x"}, .vtmps = 1, .emit = emit_vaesmc};

/* -- SHA-1 -- */

/* The host wants the first word highest, the fifth one added to the first of the schedule, and adds the constant. */
static void emit_vsha1(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0], u = op->tmp[1], f = op->node->aux & 3;
    f = f < 2 ? f : 2;
    v2i(h, PSHUFD, t, op->s[2].reg, 0x1b);
    v3m(h, P66(0x0ffa), t, t, v_pool(POOL_SHA1_K + f));
    v_group(h, P66(0x0f73), SHIFT_BYTES_LEFT, u, op->s[1].reg, 12);
    v3(h, PADDD, t, t, u);
    v2i(h, PSHUFD, d, op->s[0].reg, 0x1b);
    v3i(h, 0x0f3acc | V_LEGACY, d, d, t, f);
    v2i(h, PSHUFD, d, d, 0x1b);
}
const HostRule x64_avx512_vsha1 = {"x", {"x", "x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vsha1};

/* d = a rotated left, 32-bit lanes. */
static void rotate(HostCode *h, unsigned d, unsigned a, unsigned n, unsigned t) {
    if (v_has(h, X64_AVX512)) {
        v_group(h, EVEX0(0x0f72), 1, d, a, n);
        return;
    }
    v_shr(h, 2, t, a, 32 - n);
    v_shl(h, 2, d, a, n);
    v3(h, POR, d, d, t);
}
static void emit_vsha1h(HostCode *h, const HostOp *op) {
    v3m(h, PAND, op->d.reg, op->s[0].reg, v_pool(POOL_LANE0 + 2));
    rotate(h, op->d.reg, op->d.reg, 30, op->tmp[0]);
}
const HostRule x64_rule_vsha1h = {"x", {"x"}, .vtmps = 1, .emit = emit_vsha1h};

static void emit_vsha1s0(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg;
    v3i(h, SHUFPD, d, a, op->s[1].reg, 1);
    v3(h, PXOR, d, d, a);
    v3(h, PXOR, d, d, op->s[2].reg);
}
const HostRule x64_rule_vsha1s0 = {"x", {"x", "x", "x"}, .flags = HOST_RULE_EARLY, .emit = emit_vsha1s0};

/* The highest lane depends on the lowest of the result. */
static void emit_vsha1s1(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0], u = op->tmp[1];
    v_group(h, P66(0x0f73), SHIFT_BYTES_RIGHT, d, op->s[1].reg, 4);
    v3(h, PXOR, d, d, op->s[0].reg);
    rotate(h, d, d, 1, t);
    v_group(h, P66(0x0f73), SHIFT_BYTES_LEFT, t, d, 12);
    rotate(h, t, t, 1, u);
    v3(h, PXOR, d, d, t);
}
const HostRule x64_rule_vsha1s1 = {"x", {"x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .emit = emit_vsha1s1};

/* -- SHA-256: the host has abef and cdgh, the first word highest, two rounds at a time, the schedule in xmm0 -- */

static void emit_vsha2(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0], u = op->tmp[1];
    v_mov(h, XMM0, op->s[2].reg);
    v2i(h, PSHUFD, t, op->s[0].reg, 0xb1);
    v2i(h, PSHUFD, u, op->s[1].reg, 0xb1);
    v3(h, PUNPCKLQDQ, d, u, t);                 /* abef */
    v3(h, PUNPCKHQDQ, t, u, t);                 /* cdgh */
    v3(h, 0x0f38cb | V_LEGACY, t, t, d);        /* sha256rnds2: the new abef, the old one is the new cdgh */
    v2i(h, PSHUFD, XMM0, XMM0, 0x0e);
    v3(h, 0x0f38cb | V_LEGACY, d, d, t);
    v3(h, op->node->aux & IR_VEC_ALT ? PUNPCKLQDQ : PUNPCKHQDQ, d, d, t);
    v2i(h, PSHUFD, d, d, 0xb1);
}
const HostRule x64_avx512_vsha2 = {"x", {"x", "x", "x"}, .vtmps = 2, .flags = HOST_RULE_EARLY, .fixed = 1u << XMM0,
                                   .emit = emit_vsha2};

static void emit_vsha2s0(HostCode *h, const HostOp *op) {
    v3(h, 0x0f38cc | V_LEGACY, op->d.reg, op->s[0].reg, op->s[1].reg);
}
const HostRule x64_avx512_vsha2s0 = {"0", {"x", "x"}, .emit = emit_vsha2s0};

static void emit_vsha2s1(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg;
    v3i(h, PALIGNR, d, op->s[2].reg, op->s[1].reg, 4);
    v3(h, PADDD, d, d, op->s[0].reg);
    v3(h, 0x0f38cd | V_LEGACY, d, d, op->s[2].reg);
}
const HostRule x64_avx512_vsha2s1 = {"x", {"x", "x", "x"}, .flags = HOST_RULE_EARLY, .emit = emit_vsha2s1};
