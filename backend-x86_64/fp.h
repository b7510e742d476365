/* SPDX-License-Identifier: MIT */
/*
 * fp.h - what the rules of floating-point ops share: opcodes, and the ways to C.
 * Spec: Intel SDM volume 2; docs/decisions say what goes to C and why.
 */
#ifndef BACKEND_X86_64_FP_H
#define BACKEND_X86_64_FP_H

#include "backend-x86_64/vec.h"
#include "ir/softfloat.h"

enum { ADD = 0x58, MUL = 0x59, SUB = 0x5c, MIN = 0x5d, DIV = 0x5e, MAX = 0x5f, SQRT = 0x51 };
enum { CMP_EQ, CMP_LT, CMP_LE, CMP_UNORD, CMP_EQ_OR_UNORD = 8 };
enum { ONLY_LANE0 = 64, ONLY_LOW = 128 };
enum { FLAGS = HOST_RULE_FP_PLAIN | HOST_RULE_EARLY | HOST_RULE_CLOBBERS };

/* Opcode of a scalar and of a packed instruction; e = log2 of the format's bytes. */
static inline uint32_t scalar(unsigned e, unsigned opcode) {
    return (e == 3 ? PF2(0x0f00) : PF3(0x0f00)) | opcode;
}
static inline uint32_t packed(unsigned e, unsigned opcode) {
    return (e == 3 ? P66(0x0f00) : 0x0f00) | opcode;
}
static inline uint32_t lane0(unsigned e, unsigned opcode) { /* packed, for v3mk */
    return packed(e, opcode) | V_EVEX | (e == 3 ? V_W : 0);
}
/* Format of a scalar; 1: f16. */
static inline unsigned format(IrType type) {
    return type == IR_F64 ? 3 : type == IR_F32 ? 2 : 1;
}

static inline void ucomis(HostCode *h, unsigned e, unsigned a, HostOperand b) {
    v2m(h, packed(e, 0x2e), a, b);
}

/* Forms by the opcode: b9 d = +-(a * b) +- d (operands 2, 3, 1), a9 d = +-(d * a) +- b (2, 1, 3). */
static inline uint32_t fp_fused(unsigned e, unsigned opcode, unsigned options) {
    static const uint8_t by_options[4] = {0, 4, 2, 6}; /* fmadd, fnmadd, fmsub, fnmsub */
    return P66(0x0f3800) | (opcode + by_options[options]) | (e == 3 ? V_W : 0);
}

/* -- scalars: to C if the result is a NaN, or may have been tiny before rounding -- */

static inline void cold_if_nan(HostCode *h, const HostOp *op, unsigned e) {
    ucomis(h, e, op->d.reg, op->d);
    v_cold(h, op, CC_P);
}

/* The comparison says equal of the smallest normal number, and of NaN too. */
static inline void cold_if_nan_or_tiny(HostCode *h, const HostOp *op, unsigned e, unsigned t) {
    v3m(h, PAND, t, op->d.reg, v_pool(POOL_MAX + e));
    ucomis(h, e, t, v_pool(POOL_TINY + e - 2));
    v_cold(h, op, CC_E);
}

/* FpRound to the rounding field of roundsd; 7: as MXCSR says; 8: none. */
static inline unsigned rounding(unsigned round) {
    static const uint8_t fields[8] = {[FP_RNE] = 0, [FP_RDN] = 1, [FP_RUP] = 2, [FP_RTZ] = 3, [FP_RNA] = 8,
                                      [FP_RTO] = 8, [6] = 8, [7] = 4};
    return fields[round & 7];
}

/* -- lanes -- */

static inline unsigned lanes(const HostOp *op) {
    return op->node->aux & 3 ? op->node->aux & 3 : 3;
}

/* An operand whose lanes that are not active hold what active ones do: they raise nothing else. */
static inline unsigned active(HostCode *h, const HostOp *op, unsigned e, unsigned t, unsigned s) {
    if (!(op->node->aux & (ONLY_LANE0 | ONLY_LOW))) {
        return s;
    }
    v2i(h, PSHUFD, t, s, op->node->aux & ONLY_LANE0 && e == 2 ? 0 : 0x44);
    return t;
}

/* Clears the result's lanes that are not active. */
static inline void clear_rest(HostCode *h, const HostOp *op, unsigned e) {
    if (op->node->aux & ONLY_LANE0) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_LANE0 + e));
    } else if (op->node->aux & ONLY_LOW) {
        v2(h, MOVQ, op->d.reg, op->d.reg);
    }
}

static inline void cold_if_any(HostCode *h, const HostOp *op, unsigned t) {
    v2m(h, MOVMSKPS, op->tmp[0], x_reg(t));
    x_rr(h, 0x85, 0, op->tmp[0], op->tmp[0]);
    v_cold(h, op, CC_NE);
}

static inline void cold_if_nans(HostCode *h, const HostOp *op, unsigned e) {
    v3i(h, packed(e, 0xc2), op->tmp[1], op->d.reg, op->d.reg, CMP_UNORD);
    cold_if_any(h, op, op->tmp[1]);
}

static inline void cold_if_nans_or_tiny(HostCode *h, const HostOp *op, unsigned e) {
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

#endif
