/* SPDX-License-Identifier: MIT */
/*
 * emit_int.c - integer ops on x86-64: each rule is the constraint of an op beside the code it becomes.
 * Spec: Intel SDM volume 2.
 */
#include "backend-x86_64/vec.h"

static unsigned width(const HostOp *op) {
    return op->type == IR_I64 ? 64 : 32;
}

/* -- sums -- */

static void emit_add(HostCode *h, const HostOp *op) {
    x_alu(h, 0, x_w(op->type), op->d.reg, op->s[1]);
}
const HostRule x64_rule_add = {"0", {"rj", "rim"}, .flags = HOST_RULE_CLOBBERS | HOST_RULE_COMMUTES,
                               .sets = HOST_FLAGS_ADD, .emit = emit_add};

static void emit_sum(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg;
    if (op->s[1].kind == HOST_IMM) {
        x_rm(h, 0x8d, x_w(op->type), d, a, RSP, 0, (int32_t)op->s[1].imm);
    } else {
        x_rm(h, 0x8d, x_w(op->type), d, a, op->s[1].reg, 0, 0);
    }
}
const HostRule x64_rule_sum = {"r", {"r", "ri"}, .flags = HOST_RULE_COMMUTES, .emit = emit_sum};

/* The node's c: log2 of what s[1] is multiplied by. */
static void emit_scaled_sum(HostCode *h, const HostOp *op) {
    x_rm(h, 0x8d, x_w(op->type), op->d.reg, op->s[0].reg, op->s[1].reg, op->node->c, 0);
}
const HostRule x64_rule_scaled_sum = {"r", {"r", "r"}, .emit = emit_scaled_sum};

static void emit_sub(HostCode *h, const HostOp *op) {
    x_alu(h, 5, x_w(op->type), op->d.reg, op->s[1]);
}
const HostRule x64_rule_sub = {"0", {"rj", "rim"}, .flags = HOST_RULE_CLOBBERS, .sets = HOST_FLAGS_SUB,
                               .emit = emit_sub};

/* The carry flag is set up by lower.c. */
static void emit_adc(HostCode *h, const HostOp *op) {
    x_alu(h, 2, x_w(op->type), op->d.reg, op->s[1]);
}
const HostRule x64_rule_adc = {"0", {"rj", "ri"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_adc};

static void emit_sbc(HostCode *h, const HostOp *op) {
    x_alu(h, 3, x_w(op->type), op->d.reg, op->s[1]);
}
const HostRule x64_rule_sbc = {"0", {"rj", "ri"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_sbc};

static void emit_neg(HostCode *h, const HostOp *op) {
    x_rr(h, 0xf7, x_w(op->type), 3, op->d.reg);
}
const HostRule x64_rule_neg = {"0", {"r"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_neg};

/* -- products -- */

static void emit_mul(HostCode *h, const HostOp *op) {
    if (op->s[1].kind == HOST_IMM) {
        x_rr(h, 0x69, x_w(op->type), op->d.reg, op->d.reg);
        x_32(h, (uint32_t)op->s[1].imm);
    } else {
        x_ro(h, 0x0faf, x_w(op->type), op->d.reg, op->s[1]);
    }
}
const HostRule x64_rule_mul = {"0", {"rj", "rim"}, .flags = HOST_RULE_CLOBBERS | HOST_RULE_COMMUTES,
                               .emit = emit_mul};

static void mul_high(HostCode *h, const HostOp *op, unsigned n) {
    x_mov(h, x_w(op->type), RAX, op->s[0].reg);
    x_rr(h, 0xf7, x_w(op->type), n, op->s[1].reg);
    x_mov(h, x_w(op->type), op->d.reg, RDX);
}
static void emit_umulh(HostCode *h, const HostOp *op) {
    mul_high(h, op, 4);
}
static void emit_smulh(HostCode *h, const HostOp *op) {
    mul_high(h, op, 5);
}
const HostRule x64_rule_umulh = {"r", {"r", "r"}, .flags = HOST_RULE_CLOBBERS, .fixed = 1 << RAX | 1 << RDX,
                                 .emit = emit_umulh};
const HostRule x64_rule_smulh = {"r", {"r", "r"}, .flags = HOST_RULE_CLOBBERS, .fixed = 1 << RAX | 1 << RDX,
                                 .emit = emit_smulh};

/* Both halves by BMI2's mulx, which keeps flags; equal registers get the high one. */
static void mulx(HostCode *h, const HostOp *op, unsigned high, unsigned low) {
    x_ro(h, 0x8b, x_w(op->type), RDX, op->s[0]);
    v3m(h, PF2(0x0f38f6) | (op->type == IR_I64 ? V_W : 0), high, low, op->s[1]);
}
static void emit_mulx_low(HostCode *h, const HostOp *op) {
    mulx(h, op, RDX, op->d.reg);
}
static void emit_mulx_high(HostCode *h, const HostOp *op) {
    mulx(h, op, op->d.reg, op->d.reg);
}
static const HostRule mulx_low = {"r", {"rm", "rm"}, .fixed = 1 << RDX, .emit = emit_mulx_low};
const HostRule x64_avx2_mul = {"0", {"rj", "rim"}, .flags = HOST_RULE_CLOBBERS | HOST_RULE_COMMUTES, .emit = emit_mul,
                               .keeps = &mulx_low};
const HostRule x64_avx2_umulh = {"r", {"rm", "rm"}, .fixed = 1 << RDX, .emit = emit_mulx_high};

/* -- quotients: x / 0 = 0, most negative / -1 = most negative -- */

static void emit_udiv(HostCode *h, const HostOp *op) {
    unsigned w = x_w(op->type), b = op->s[1].reg;
    x_load_imm(h, RDX, 0);
    x_mov(h, w, RAX, op->s[0].reg);
    x_rr(h, 0x85, w, b, b);
    HostFixup zero = x_jcc(h, CC_E);
    x_rr(h, 0xf7, w, 6, b);
    x_mov(h, OP_W, RDX, RAX);
    x_bind(h, zero);
    x_mov(h, w, op->d.reg, RDX);
}
const HostRule x64_rule_udiv = {"r", {"r", "r"}, .flags = HOST_RULE_CLOBBERS, .fixed = 1 << RAX | 1 << RDX,
                                .emit = emit_udiv};

static void emit_sdiv(HostCode *h, const HostOp *op) {
    unsigned w = x_w(op->type), b = op->s[1].reg;
    x_load_imm(h, RDX, 0);
    x_mov(h, w, RAX, op->s[0].reg);
    x_rr(h, 0x85, w, b, b);
    HostFixup zero = x_jcc(h, CC_E);
    x_mov(h, w, RDX, RAX);
    x_rr(h, 0xf7, w, 3, RDX); /* neg: the answer for b = -1 */
    x_group1(h, 7, w, x_reg(b), -1);
    HostFixup minus_one = x_jcc(h, CC_E);
    x_opcode(h, 0x99, w, 0, 0, 0); /* cdq, cqo */
    x_rr(h, 0xf7, w, 7, b);
    x_mov(h, OP_W, RDX, RAX);
    x_bind(h, zero);
    x_bind(h, minus_one);
    x_mov(h, w, op->d.reg, RDX);
}
const HostRule x64_rule_sdiv = {"r", {"r", "r"}, .flags = HOST_RULE_CLOBBERS, .fixed = 1 << RAX | 1 << RDX,
                                .emit = emit_sdiv};

/* -- logic -- */

#define LOGIC(name, n)                                                                                                 \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        x_alu(h, n, x_w(op->type), op->d.reg, op->s[1]);                                                               \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"0", {"rj", "rim"}, .flags = HOST_RULE_CLOBBERS | HOST_RULE_COMMUTES,            \
                                      .sets = HOST_FLAGS_ADD, .emit = emit_##name};
LOGIC(and, 4)
LOGIC(or, 1)
LOGIC(xor, 6)

static void emit_andn(HostCode *h, const HostOp *op) {
    x_mov(h, x_w(op->type), op->tmp[0], op->s[1].reg);
    x_rr(h, 0xf7, x_w(op->type), 2, op->tmp[0]);
    x_rr(h, 0x23, x_w(op->type), op->d.reg, op->tmp[0]);
}
const HostRule x64_rule_andn = {"0", {"rj", "r"}, .tmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_andn};

/* BMI1 */
static void emit_andn_avx2(HostCode *h, const HostOp *op) {
    v3m(h, 0x0f38f2 | (op->type == IR_I64 ? V_W : 0), op->d.reg, op->s[1].reg, op->s[0]);
}
const HostRule x64_avx2_andn = {"r", {"rm", "r"}, .flags = HOST_RULE_CLOBBERS, .sets = HOST_FLAGS_ADD, .emit = emit_andn_avx2};

static void emit_not(HostCode *h, const HostOp *op) {
    x_rr(h, 0xf7, x_w(op->type), 2, op->d.reg);
}
const HostRule x64_rule_not = {"0", {"r"}, .emit = emit_not};

/* -- shifts -- */

static void shift(HostCode *h, const HostOp *op, unsigned n) {
    if (op->s[1].kind == HOST_IMM) {
        unsigned count = (unsigned)op->s[1].imm & (width(op) - 1);
        if (count) {
            x_shift(h, n, x_w(op->type), op->d.reg, count);
        } else if (op->type == IR_I32) {
            x_mov(h, 0, op->d.reg, op->d.reg);
        }
    } else {
        x_rr(h, 0xd3, x_w(op->type), n, op->d.reg);
    }
}
#define SHIFT(name, n)                                                                                                 \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        shift(h, op, n);                                                                                               \
    }                                                                                                                  \
    const HostRule x64_rule_##name = {"0", {"rj", "ic"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_##name};
SHIFT(shl, 4)
SHIFT(shr, 5)
SHIFT(sar, 7)
SHIFT(ror, 1)

/* By BMI2's rorx, which leaves its operand as it is. Counts in a register are where the result may go: by way of memory. */
static void emit_ror_avx2(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, w = x_w(op->type);
    if (op->s[1].kind == HOST_IMM) {
        unsigned count = (unsigned)op->s[1].imm & (width(op) - 1);
        v3mi(h, PF2(0x0f3af0) | (op->type == IR_I64 ? V_W : 0), d, 0, op->s[0], count);
    } else if (d != RCX) {
        x_mov(h, w, d, op->s[0].reg);
        x_rr(h, 0xd3, w, 1, d);
    } else {
        HostOperand tmp = {.kind = HOST_ENV, .disp = offsetof(Env, host_tmp)};
        x_ro(h, 0x89, w, op->s[0].reg, tmp);
        x_ro(h, 0xd3, w, 1, tmp);
        x_ro(h, 0x8b, w, d, tmp);
    }
}
const HostRule x64_avx2_ror = {"r", {"r", "ic"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_ror_avx2};

static void emit_extr(HostCode *h, const HostOp *op) {
    unsigned w = x_w(op->type);
    x_mov(h, w, op->tmp[0], op->s[1].reg);
    if (op->node->c) {
        x_rr(h, 0x0fac, w, op->s[0].reg, op->tmp[0]); /* shrd */
        x_byte(h, op->node->c);
    }
    x_mov(h, w, op->d.reg, op->tmp[0]);
}
const HostRule x64_rule_extr = {"r", {"r", "r"}, .tmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_extr};

/* -- bit fields: lsb in the low byte of the immediate, length above it -- */

/* What will be changed in d, where it may be already: the upper half of an i32 does not matter yet. */
static void to_place(HostCode *h, unsigned w, unsigned d, unsigned a) {
    if (d != a) {
        x_mov(h, w, d, a);
    }
}

static void emit_ubfx(HostCode *h, const HostOp *op) {
    unsigned lsb = op->node->b & 63, len = op->node->b >> 8, w = x_w(op->type), d = op->d.reg, a = op->s[0].reg;
    if (lsb == 0 && len == 8) {
        x_rr(h, 0x0fb6, OP_BYTE, d, a);
    } else if (lsb == 0 && len == 16) {
        x_rr(h, 0x0fb7, 0, d, a);
    } else if (lsb == 0 && len == 32) {
        x_mov(h, 0, d, a);
    } else if (lsb + len == width(op)) {
        to_place(h, w, d, a);
        x_shift(h, 5, w, d, lsb);
    } else if (len < 32) {
        to_place(h, w, d, a);
        if (lsb) {
            x_shift(h, 5, w, d, lsb);
        }
        x_group1(h, 4, 0, x_reg(d), (int32_t)((1u << len) - 1));
    } else {
        to_place(h, w, d, a);
        x_shift(h, 4, w, d, width(op) - lsb - len);
        x_shift(h, 5, w, d, width(op) - len);
    }
}
const HostRule x64_rule_ubfx = {"r", {"r"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_ubfx};

static void emit_sbfx(HostCode *h, const HostOp *op) {
    unsigned lsb = op->node->b & 63, len = op->node->b >> 8, w = x_w(op->type), d = op->d.reg, a = op->s[0].reg;
    if (lsb == 0 && len == 8) {
        x_rr(h, 0x0fbe, w | OP_BYTE, d, a);
    } else if (lsb == 0 && len == 16) {
        x_rr(h, 0x0fbf, w, d, a);
    } else if (lsb == 0 && len == 32) {
        x_rr(h, w ? 0x63 : 0x8b, w, d, a);
    } else {
        to_place(h, w, d, a);
        if (width(op) - lsb - len) {
            x_shift(h, 4, w, d, width(op) - lsb - len);
        }
        if (width(op) - len) {
            x_shift(h, 7, w, d, width(op) - len);
        }
    }
}
const HostRule x64_rule_sbfx = {"r", {"r"}, .flags = HOST_RULE_CLOBBERS, .emit = emit_sbfx};

/* Rotates the field to the bottom, replaces it, rotates back. */
static void emit_bfi(HostCode *h, const HostOp *op) {
    unsigned lsb = op->node->c & 63, len = op->node->c >> 8, w = x_w(op->type), d = op->d.reg, t = op->tmp[0];
    unsigned bits = width(op);
    if (len == bits) {
        x_mov(h, w, d, op->s[1].reg);
        return;
    }
    x_mov(h, w, t, op->s[1].reg);
    x_shift(h, 4, w, t, bits - len);
    if (lsb + len == bits) {
        x_shift(h, 4, w, d, len);
        x_shift(h, 5, w, d, len);
        x_rr(h, 0x0b, w, d, t);
        return;
    }
    x_shift(h, 5, w, t, bits - len);
    if (lsb) {
        x_shift(h, 1, w, d, lsb);
    }
    x_shift(h, 5, w, d, len);
    x_shift(h, 4, w, d, len);
    x_rr(h, 0x0b, w, d, t);
    if (lsb) {
        x_shift(h, 0, w, d, lsb);
    }
}
const HostRule x64_rule_bfi = {"0", {"rj", "r"}, .tmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_bfi};

static void emit_bswap(HostCode *h, const HostOp *op) {
    x_opcode(h, 0x0fc8 | (op->d.reg & 7), x_w(op->type), 0, 0, op->d.reg);
}
const HostRule x64_rule_bswap = {"0", {"r"}, .emit = emit_bswap};

/* -- widths -- */

static void emit_sext(HostCode *h, const HostOp *op) {
    x_rr(h, 0x63, OP_W, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_sext = {"r", {"r"}, .emit = emit_sext};

static void emit_sxt(HostCode *h, const HostOp *op) {
    unsigned w = x_w(op->type);
    switch (op->node->aux & 0x3f) {
    case 8: x_rr(h, 0x0fbe, w | OP_BYTE, op->d.reg, op->s[0].reg); break;
    case 16: x_rr(h, 0x0fbf, w, op->d.reg, op->s[0].reg); break;
    default: x_rr(h, w ? 0x63 : 0x8b, w, op->d.reg, op->s[0].reg); break;
    }
}
const HostRule x64_rule_sxt = {"r", {"r"}, .emit = emit_sxt};

static void emit_uxt(HostCode *h, const HostOp *op) {
    switch (op->node->aux & 0x3f) {
    case 8: x_rr(h, 0x0fb6, OP_BYTE, op->d.reg, op->s[0].reg); break;
    case 16: x_rr(h, 0x0fb7, 0, op->d.reg, op->s[0].reg); break;
    default: x_mov(h, 0, op->d.reg, op->s[0].reg); break;
    }
}
const HostRule x64_rule_uxt = {"r", {"r"}, .emit = emit_uxt};
