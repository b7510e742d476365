/* SPDX-License-Identifier: MIT */
/*
 * emit_bits.c - rules of integer ops that count bits or change their order, and of CRC-32.
 * Spec: Intel SDM volume 2; Arm DDI 0487, C6.2 (CRC32*); RFC 3385 (polynomials).
 */
#include "backend-x86_64/vec.h"

static unsigned width(const HostOp *op) {
    return op->type == IR_I32 ? 32 : 64;
}

/* -- counting -- */

static void emit_clz(HostCode *h, const HostOp *op) {
    unsigned w = x_w(op->type), bits = width(op);
    x_load_imm(h, op->tmp[0], 2 * bits - 1); /* xor with bits - 1 makes it `bits`: the answer for 0 */
    x_rr(h, 0x0fbd, w, op->d.reg, op->s[0].reg);
    x_rr(h, 0x0f44, w, op->d.reg, op->tmp[0]);
    x_group1(h, 6, 0, x_reg(op->d.reg), (int32_t)bits - 1);
}
const HostRule x64_rule_clz = {"r", {"r"}, .tmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_clz};

static void emit_lzcnt(HostCode *h, const HostOp *op) {
    x_rr(h, 0xf3000fbd, x_w(op->type), op->d.reg, op->s[0].reg);
}
const HostRule x64_avx2_clz = {"r", {"r"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_lzcnt};

static void emit_ctz(HostCode *h, const HostOp *op) {
    x_load_imm(h, op->tmp[0], width(op));
    x_rr(h, 0x0fbc, x_w(op->type), op->d.reg, op->s[0].reg);
    x_rr(h, 0x0f44, x_w(op->type), op->d.reg, op->tmp[0]);
}
const HostRule x64_rule_ctz = {"r", {"r"}, .tmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_ctz};

static void emit_tzcnt(HostCode *h, const HostOp *op) {
    x_rr(h, 0xf3000fbc, x_w(op->type), op->d.reg, op->s[0].reg);
}
const HostRule x64_avx2_ctz = {"r", {"r"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_tzcnt};

/* -- order -- */

static void bswap(HostCode *h, const HostOp *op) {
    x_opcode(h, 0x0fc8 | (op->d.reg & 7), x_w(op->type), 0, 0, op->d.reg);
}

/* Neighbouring groups of n bits change places; the mask, repeated, has the lower of each two. */
static void swap_groups(HostCode *h, const HostOp *op, unsigned n, uint64_t mask) {
    unsigned w = x_w(op->type), d = op->d.reg, t = op->tmp[0], m = op->tmp[1];
    x_load_imm(h, m, w ? mask : (uint32_t)mask);
    x_mov(h, w, t, d);
    x_shift(h, 5, w, t, n);
    x_rr(h, 0x23, w, t, m);
    x_rr(h, 0x23, w, d, m);
    x_shift(h, 4, w, d, n);
    x_rr(h, 0x0b, w, d, t);
}

static void emit_rbit(HostCode *h, const HostOp *op) {
    swap_groups(h, op, 1, UINT64_C(0x5555555555555555));
    swap_groups(h, op, 2, UINT64_C(0x3333333333333333));
    swap_groups(h, op, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    bswap(h, op);
}
const HostRule x64_rule_rbit = {"0", {"r"}, .tmps = 2, .flags = HOST_RULE_CLOBBERS, .emit = emit_rbit};

static void emit_rbit_affine(HostCode *h, const HostOp *op) {
    uint32_t w = op->type == IR_I64 ? V_W : 0;
    v2m(h, MOVD_FROM | w, op->tmp[0], op->s[0]);
    v3mi(h, AFFINE, op->tmp[0], op->tmp[0], v_pool(POOL_GF_REVERSE), 0);
    v2m(h, MOVD_TO | w, op->tmp[0], op->d);
    bswap(h, op);
}
const HostRule x64_avx512_rbit = {"r", {"r"}, .vtmps = 1, .emit = emit_rbit_affine};

static void emit_rev16(HostCode *h, const HostOp *op) {
    if (op->type == IR_I32) {
        bswap(h, op);
        x_shift(h, 1, 0, op->d.reg, 16);
    } else {
        swap_groups(h, op, 8, UINT64_C(0x00ff00ff00ff00ff));
    }
}
const HostRule x64_rule_rev16 = {"0", {"r"}, .tmps = 2, .flags = HOST_RULE_CLOBBERS, .emit = emit_rev16};

/* -- CRC -- */

static void castagnoli(HostCode *h, const HostOp *op, unsigned size) {
    x_rr(h, 0xf2000000 | (size ? 0x0f38f1 : 0x0f38f0),
         size == 3 ? OP_W : size == 1 ? OP_16 : size == 0 ? OP_BYTE : 0, op->d.reg, op->s[1].reg);
}

/*
 * Barrett's reduction, bits reversed as CRC-32 has them. x = the message's polynomial of degree < 64, its highest power in
 * bit 0. Quotient of x * 2^32 and P: x + the high half of x * (floor(2^96 / P) - 2^64); the rest: quotient * P modulo 2^32.
 * Both constants are in the pool's row; the second one is shifted so that the rest stands in the third word.
 */
static void emit_crc32(HostCode *h, const HostOp *op) {
    enum { PCLMUL = P66(0x0f3a44), PEXTRD = P66(0x0f3a16) };
    unsigned size = op->node->aux & 3, bits = 8u << size, d = op->d.reg, old = op->tmp[0], x = op->tmp[1], q = op->tmp[2];
    if (op->node->aux & 4) {
        castagnoli(h, op, size);
        return;
    }
    if (bits < 32) {
        x_mov(h, 0, old, d);
        x_shift(h, 5, 0, old, bits);
    }
    if (bits == 64) {
        x_mov(h, 0, d, d);
    }
    x_rr(h, 0x33, OP_W, d, op->s[1].reg);
    if (bits < 64) {
        x_shift(h, 4, OP_W, d, 64 - bits);
    }
    v2m(h, MOVD_FROM | V_W, x, x_reg(d));
    v3mi(h, PCLMUL, q, x, v_pool(POOL_CRC), 0x00);
    v3(h, PADDQ, q, q, q);
    v3(h, PXOR, q, q, x);
    v3mi(h, PCLMUL, q, q, v_pool(POOL_CRC), 0x10);
    v2m(h, PEXTRD, q, op->d);
    x_byte(h, 2);
    if (bits < 32) {
        x_rr(h, 0x33, 0, d, old);
    }
}
const HostRule x64_avx2_crc32 = {"0", {"r", "r"}, .tmps = 1, .vtmps = 2, .flags = HOST_RULE_CLOBBERS, .emit = emit_crc32};
