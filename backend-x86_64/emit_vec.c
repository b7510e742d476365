/* SPDX-License-Identifier: MIT */
/*
 * emit_vec.c - vectors, and moves between register classes, with SSE2.
 * Spec: Intel SDM volume 2.
 * Missing: most lane ops, and all floating point: they are called in C.
 */
#include "backend-x86_64/asm.h"

#define SSE_66(op) (0x66000000 | (op))
#define SSE_F3(op) (0xf3000000 | (op))

static void movq_xmm_gpr(HostCode *h, unsigned x, unsigned r) {
    x_rr(h, SSE_66(0x0f6e), OP_W, x, r);
}

static void emit_vpair(HostCode *h, const HostOp *op) {
    movq_xmm_gpr(h, op->d.reg, op->s[0].reg);
    movq_xmm_gpr(h, op->tmp[0], op->s[1].reg);
    x_rr(h, SSE_66(0x0f6c), 0, op->d.reg, op->tmp[0]); /* punpcklqdq */
}
const HostRule x64_rule_vpair = {"x", {"r", "r"}, .vtmps = 1, .emit = emit_vpair};

/* A scalar is the low lane of its register. */
static void emit_vlow(HostCode *h, const HostOp *op) {
    x_rr(h, 0x0f28, 0, op->d.reg, op->s[0].reg); /* movaps */
}
const HostRule x64_rule_vlow = {"x", {"x"}, .emit = emit_vlow};

static void emit_vlow64(HostCode *h, const HostOp *op) {
    x_rr(h, SSE_F3(0x0f7e), 0, op->d.reg, op->s[0].reg); /* movq */
}
const HostRule x64_rule_vlow64 = {"x", {"x"}, .emit = emit_vlow64};

/* The node's type is v128: the width of the scalar is the operand's, which lower.c gives in op->type. */
static void emit_vzext(HostCode *h, const HostOp *op) {
    if (op->type == IR_F64) {
        emit_vlow64(h, op);
    } else {
        x_rr(h, SSE_66(0x0f7e), 0, op->s[0].reg, op->tmp[0]); /* movd */
        if (op->type == IR_F16) {
            x_rr(h, 0x0fb7, 0, op->tmp[0], op->tmp[0]);
        }
        x_rr(h, SSE_66(0x0f6e), 0, op->d.reg, op->tmp[0]);
    }
}
const HostRule x64_rule_vzext = {"x", {"x"}, .tmps = 1, .flags = HOST_RULE_TYPE_OF_A, .emit = emit_vzext};

static void emit_fbits(HostCode *h, const HostOp *op) {
    x_rr(h, SSE_66(0x0f7e), op->type == IR_F64 ? OP_W : 0, op->s[0].reg, op->d.reg);
    if (op->type == IR_F16) {
        x_rr(h, 0x0fb7, 0, op->d.reg, op->d.reg);
    }
}
const HostRule x64_rule_fbits = {"r", {"x"}, .flags = HOST_RULE_TYPE_OF_A, .emit = emit_fbits};

static void emit_bitsf(HostCode *h, const HostOp *op) {
    x_rr(h, SSE_66(0x0f6e), op->type == IR_F64 ? OP_W : 0, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_bitsf = {"x", {"r"}, .emit = emit_bitsf};

#define VLOGIC(name, opcode)                                                                                           \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        x_rr(h, SSE_66(opcode), 0, op->d.reg, op->s[1].reg);                                                           \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"0", {"x", "x"}, .flags = HOST_RULE_COMMUTES, .emit = emit_##name};
VLOGIC(vand, 0x0fdb)
VLOGIC(vor, 0x0feb)
VLOGIC(vxor, 0x0fef)

/* Opcodes by log2 of the lane's bytes. */
static void emit_vadd(HostCode *h, const HostOp *op) {
    static const uint16_t opcodes[4] = {0x0ffc, 0x0ffd, 0x0ffe, 0x0fd4};
    x_rr(h, SSE_66(opcodes[op->node->aux & 3]), 0, op->d.reg, op->s[1].reg);
}
const HostRule x64_rule_vadd = {"0", {"x", "x"}, .flags = HOST_RULE_COMMUTES, .emit = emit_vadd};

static void emit_vsub(HostCode *h, const HostOp *op) {
    static const uint16_t opcodes[4] = {0x0ff8, 0x0ff9, 0x0ffa, 0x0ffb};
    x_rr(h, SSE_66(opcodes[op->node->aux & 3]), 0, op->d.reg, op->s[1].reg);
}
const HostRule x64_rule_vsub = {"0", {"x", "x"}, .emit = emit_vsub};

static void emit_vdup(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, lane = op->node->aux & 3;
    movq_xmm_gpr(h, d, op->s[0].reg);
    switch (lane) {
    case 0: x_rr(h, SSE_66(0x0f60), 0, d, d); /* punpcklbw */ /* fall through */
    case 1:
        x_rr(h, 0xf2000f70, 0, d, d); /* pshuflw */
        x_byte(h, 0);                 /* fall through */
    case 2:
        x_rr(h, SSE_66(0x0f70), 0, d, d); /* pshufd */
        x_byte(h, 0);
        break;
    default: x_rr(h, SSE_66(0x0f6c), 0, d, d); break;
    }
}
const HostRule x64_rule_vdup = {"x", {"r"}, .emit = emit_vdup};
