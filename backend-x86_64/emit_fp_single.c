/* SPDX-License-Identifier: MIT */
/*
 * emit_fp_single.c - rules of ops on doubles that round once to single precision, and of PowerPC's loads and stores of singles.
 *
 * The host computes in double precision and rounds again. That is one rounding too many where the double lies between two
 * singles and was itself rounded. Of singles a sum never does; else, and for fused products always, such doubles go
 * to C, as do NaNs and what is tiny before rounding. Until a result is sure to stay, only exceptions that C will raise, too,
 * are.
 * Spec: Intel SDM volume 2; S. Figueroa, When is double rounding innocuous?
 */
#include "backend-x86_64/fp.h"

/* To C unless x is a single but for its exponent. */
static void cold_unless_single(HostCode *h, const HostOp *op, unsigned x) {
    v2m(h, MOVD_TO | V_W, x, x_reg(op->tmp[0]));
    x_group1(h, 4, 0, x_reg(op->tmp[0]), 0x1fffffff);
    v_cold(h, op, CC_NE);
}

/* To C if x lies between two singles. */
static void cold_if_tie(HostCode *h, const HostOp *op, unsigned x) {
    v2m(h, MOVD_TO | V_W, x, x_reg(op->tmp[0]));
    x_group1(h, 4, 0, x_reg(op->tmp[0]), 0x1fffffff);
    x_group1(h, 7, 0, x_reg(op->tmp[0]), 0x10000000);
    v_cold(h, op, CC_E);
}

/* d = t, a double, in single precision; uses t. To C what may be tiny before rounding, zeros apart, by the upper half. */
static void round_to_single(HostCode *h, const HostOp *op, unsigned t) {
    unsigned d = op->d.reg, r = op->tmp[0];
    ucomis(h, 3, t, x_reg(t));
    v_cold(h, op, CC_P);
    v2m(h, MOVD_TO | V_W, t, x_reg(r));
    x_shift(h, 5, OP_W, r, 32);
    x_rm(h, 0x8d, 0, r, r, r, 0, -1);
    x_group1(h, 7, 0, x_reg(r), 0x70200000);
    v_cold(h, op, CC_B);
    v3(h, scalar(3, 0x5a), t, t, t);
    v_zero(h, d);
    v3(h, scalar(2, 0x5a), d, d, t);
}

static void arithmetic(HostCode *h, const HostOp *op, unsigned opcode, unsigned b) {
    unsigned t = op->tmp[1], a = op->s[0].reg;
    bool sum = opcode == ADD || opcode == SUB, singles = op->node->aux & IR_FP_OF_SINGLES;
    if (format(op->type) != 3) {
        v_call(h, op);
        return;
    }
    if (sum && !singles) {
        cold_unless_single(h, op, a);
        cold_unless_single(h, op, b);
    }
    v3(h, scalar(3, opcode), t, a, b);
    if (!sum && !singles) {
        cold_if_tie(h, op, t);
    }
    round_to_single(h, op, t);
    v_cold_back(h, op);
}

#define SINGLE(name, opcode)                                                                                           \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        arithmetic(h, op, opcode, op->s[opcode == SQRT ? 0 : 1].reg);                                                  \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"x", {"x", {opcode == SQRT ? 0 : 'x'}}, .tmps = 1, .vtmps = 1,                  \
                                      .rest = HOST_REST_ZERO, .flags = FLAGS, .emit = emit_##name};
SINGLE(fsadd, ADD)
SINGLE(fssub, SUB)
SINGLE(fsmul, MUL)
SINGLE(fsdiv, DIV)
SINGLE(fssqrt, SQRT)

enum { TIE = 0x80 }; /* in aux of an op that waits for its cold path */

static void emit_fsmuladd(HostCode *h, const HostOp *op) {
    unsigned t = op->tmp[1], options = op->node->aux;
    if (format(op->type) != 3) {
        v_call(h, op);
        return;
    }
    v_mov(h, t, op->s[2].reg);
    v3(h, fp_fused(3, 0xb9, options & 3), t, op->s[0].reg, op->s[1].reg);
    cold_if_tie(h, op, t);
    if (!h->overflow) {
        h->cold_ops[h->cold_op_count - 1].node.aux |= TIE;
    }
    round_to_single(h, op, t);
    if (options & FP_NEG_RESULT) {
        v3m(h, PXOR, op->d.reg, op->d.reg, v_pool(POOL_TOP0 + 3));
    }
    v_cold_back(h, op);
}
const HostRule x64_avx2_fsmuladd = {"x", {"x", "x", "x"}, .tmps = 1, .vtmps = 2, .rest = HOST_REST_ZERO, .flags = FLAGS,
                                    .emit = emit_fsmuladd};

/* Of normal singles, whose product is common between two singles: with operands and a product of single precision. */
void x64_cold_fsmuladd(HostCode *h, HostOp *op, IrNode *node) {
    HostFixup to_c[7];
    unsigned n = 0, d = op->d.reg, r = op->tmp[0];
    const uint8_t into[3] = {op->tmp[1], op->tmp[2], (uint8_t)d};
    bool tie = node->aux & TIE;
    node->aux &= (uint8_t)~TIE;
    for (unsigned k = 0; k < 3 && tie; k++) {
        v2m(h, MOVD_TO | V_W, op->s[k].reg, x_reg(r));
        x_group1(h, 4, 0, x_reg(r), 0x1fffffff);
        to_c[n++] = x_jcc(h, CC_NE);
        v2m(h, MOVD_TO | V_W, op->s[k].reg, x_reg(r));
        x_shift(h, 5, OP_W, r, 32);
        x_rm(h, 0x8d, 0, r, r, r, 0, -0x70200000);
        x_group1(h, 7, 0, x_reg(r), 0x1fc00000);
        to_c[n++] = x_jcc(h, CC_AE);
    }
    if (tie) {
        for (unsigned k = 0; k < 3; k++) {
            v3(h, scalar(3, 0x5a), into[k], op->s[k].reg, op->s[k].reg);
        }
        v3(h, fp_fused(2, 0xb9, node->aux & 3), d, into[0], into[1]);
        v2m(h, MOVD_TO, d, x_reg(r));
        x_rm(h, 0x8d, 0, r, r, r, 0, -1);
        x_group1(h, 7, 0, x_reg(r), 0x01000000);
        to_c[n++] = x_jcc(h, CC_B);
        v_zero(h, into[0]);
        v3(h, scalar(2, 0x5a), d, into[0], d);
        if (node->aux & FP_NEG_RESULT) {
            v3m(h, PXOR, d, d, v_pool(POOL_TOP0 + 3));
        }
    }
    HostFixup done = tie ? x_jmp(h) : 0;
    for (unsigned i = 0; i < n; i++) {
        x_bind(h, to_c[i]);
    }
    v_call(h, op);
    if (tie) {
        x_bind(h, done);
    }
}

/* -- as they are -- */

static void emit_fswiden(HostCode *h, const HostOp *op) {
    unsigned r = op->tmp[0], d = op->d.reg;
    x_rm(h, 0x8d, 0, r, op->s[0].reg, op->s[0].reg, 0, 0);
    x_group1(h, 7, 0, x_reg(r), (int32_t)0xff000000);
    v_cold(h, op, CC_A);
    v_zero(h, d);
    v2m(h, MOVD_FROM, op->tmp[1], op->s[0]);
    v3(h, scalar(2, 0x5a), d, d, op->tmp[1]);
    v_cold_back(h, op);
}
const HostRule x64_rule_fswiden = {"x", {"r"}, .tmps = 1, .vtmps = 1, .rest = HOST_REST_ZERO,
                                   .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS, .emit = emit_fswiden};

/* Zeros, and what is normal as a single, by moving its bits; the top two of the exponent are apart. */
static void emit_fsnarrow(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, r = op->tmp[0], u = op->tmp[1];
    v2m(h, MOVD_TO | V_W, op->s[0].reg, x_reg(r));
    x_rm(h, 0x8d, OP_W, d, r, r, 0, -1);
    x_load_imm(h, u, UINT64_C(0x7020000000000000) - 1);
    x_rr(h, 0x3b, OP_W, d, u);
    v_cold(h, op, CC_B);
    x_mov(h, OP_W, d, r);
    x_shift(h, 5, OP_W, d, 29);
    x_group1(h, 4, 0, x_reg(d), 0x3fffffff);
    x_shift(h, 5, OP_W, r, 32);
    x_group1(h, 4, 0, x_reg(r), (int32_t)0xc0000000);
    x_rr(h, 0x0b, 0, d, r);
    v_cold_back(h, op);
}
const HostRule x64_rule_fsnarrow = {"r", {"x"}, .tmps = 2, .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS, .emit = emit_fsnarrow};
