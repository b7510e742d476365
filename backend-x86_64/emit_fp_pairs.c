/* SPDX-License-Identifier: MIT */
/*
 * emit_fp_pairs.c - rules of floating-point ops on neighbouring lanes and across them, and of Newton's steps; see
 * emit_fp.c.
 * Spec: Intel SDM volume 2; Arm DDI 0487, C7.2 (FADDP, FMAXP, FMAXV, FRECPS, FRSQRTS) and shared pseudocode.
 * Missing: f16; estimates (FRECPE, FRSQRTE, URECPE, URSQRTE), FRECPX, FMULX: the host raises invalid for its 0 * infinity.
 */
#include "backend-x86_64/fp.h"

/* -- pairs -- */

/* x = the even lanes of b:a, y = the odd ones; inactive lanes repeat active ones. */
static void split_pairs(HostCode *h, const HostOp *op, unsigned e, unsigned x, unsigned y) {
    unsigned a = op->s[0].reg, b = op->s[1].reg, aux = op->node->aux;
    if (aux & ONLY_LANE0) {
        v2i(h, PSHUFD, x, a, e == 2 ? 0x00 : 0x44);
        v2i(h, PSHUFD, y, a, e == 2 ? 0x55 : 0xee);
    } else if (aux & ONLY_LOW) {
        v3(h, v_unpack_low[2], x, a, b);
        v2i(h, PSHUFD, y, x, 0xee);
        v2i(h, PSHUFD, x, x, 0x44);
    } else if (e == 2) {
        v3i(h, SHUFPS, x, a, b, 0x88);
        v3i(h, SHUFPS, y, a, b, 0xdd);
    } else {
        v3(h, PUNPCKLQDQ, x, a, b);
        v3(h, PUNPCKHQDQ, y, a, b);
    }
}

static bool pairs_in_c(const HostOp *op, unsigned e) {
    return e == 1 || (e == 3 && op->node->aux & ONLY_LOW);
}

static void emit_vfaddp(HostCode *h, const HostOp *op) {
    unsigned e = lanes(op), x = op->tmp[1], y = op->tmp[2];
    if (pairs_in_c(op, e)) {
        v_call(h, op);
        return;
    }
    split_pairs(h, op, e, x, y);
    v3(h, packed(e, ADD), op->d.reg, x, y);
    cold_if_nans(h, op, e);
    clear_rest(h, op, e);
}
const HostRule x64_rule_vfaddp = {"x", {"x", "x"}, .tmps = 1, .vtmps = 2, .flags = FLAGS, .emit = emit_vfaddp};

/* Of numbers alone; see extremum in emit_fp.c for the zeros. d is none of the others. */
static void lesser_or_greater(HostCode *h, unsigned e, unsigned opcode, unsigned d, unsigned x, unsigned y, unsigned t) {
    v3(h, packed(e, opcode), d, x, y);
    v3(h, packed(e, opcode), t, y, x);
    v3(h, opcode == MIN ? POR : PAND, d, d, t);
}

static void pair_extremum(HostCode *h, const HostOp *op, unsigned opcode) {
    unsigned e = lanes(op), x = op->tmp[1], y = op->tmp[2], t = op->tmp[3];
    if (pairs_in_c(op, e)) {
        v_call(h, op);
        return;
    }
    split_pairs(h, op, e, x, y);
    v3i(h, packed(e, 0xc2), t, x, y, CMP_UNORD);
    cold_if_any(h, op, t);
    lesser_or_greater(h, e, opcode, op->d.reg, x, y, t);
    clear_rest(h, op, e);
    v_cold_back(h, op);
}

static void across_extremum(HostCode *h, const HostOp *op, unsigned opcode) {
    unsigned e = lanes(op), d = op->d.reg, x = op->tmp[1], y = op->tmp[2], t = op->tmp[3];
    if (e != 2 || op->node->aux & (ONLY_LANE0 | ONLY_LOW)) {
        v_call(h, op);
        return;
    }
    v3i(h, packed(e, 0xc2), t, op->s[0].reg, op->s[0].reg, CMP_UNORD);
    cold_if_any(h, op, t);
    v2i(h, PSHUFD, y, op->s[0].reg, 0x4e);
    lesser_or_greater(h, e, opcode, x, op->s[0].reg, y, t);
    v2i(h, PSHUFD, y, x, 0xb1);
    lesser_or_greater(h, e, opcode, d, x, y, t);
    v3m(h, PAND, d, d, v_pool(POOL_LANE0 + e));
    v_cold_back(h, op);
}

#define EXTREMA(extreme, opcode)                                                                                       \
    static void emit_vf##extreme##p(HostCode *h, const HostOp *op) {                                                   \
        pair_extremum(h, op, opcode);                                                                                  \
    }                                                                                                                  \
    static void emit_vf##extreme##v(HostCode *h, const HostOp *op) {                                                   \
        across_extremum(h, op, opcode);                                                                                \
    }
#define EXTREMUM(name, function, second)                                                                               \
    const HostRule x64_rule_##name = {"x", {"x", second}, .tmps = 1, .vtmps = 3, .flags = FLAGS, .emit = function};
EXTREMA(min, MIN)
EXTREMA(max, MAX)
EXTREMUM(vfminp, emit_vfminp, "x")
EXTREMUM(vfminnmp, emit_vfminp, "x")
EXTREMUM(vfmaxp, emit_vfmaxp, "x")
EXTREMUM(vfmaxnmp, emit_vfmaxp, "x")
EXTREMUM(vfminv, emit_vfminv, "")
EXTREMUM(vfminnmv, emit_vfminv, "")
EXTREMUM(vfmaxv, emit_vfmaxv, "")
EXTREMUM(vfmaxnmv, emit_vfmaxv, "")

/* -- Newton's steps: 2 - a * b, and (3 - a * b) / 2, rounded once -- */

enum { NOT_LESS_QUIET = 0x15 };

/* Halving is exact: what cancels leaves a number far from tiny, and factors are small enough that nothing overflows. */
static void step(HostCode *h, const HostOp *op, unsigned e, bool root, unsigned a, unsigned b) {
    static const uint32_t fnmadd[2] = {P66(0x0f38bc), P66(0x0f38bc) | V_W}; /* d = -(a * b) + d */
    unsigned d = op->d.reg;
    v2m(h, MOVAPS, d, v_pool((root ? POOL_THREE : POOL_TWO) + e - 2));
    v3(h, fnmadd[e - 2], d, a, b);
    if (root) {
        v3m(h, packed(e, MUL), d, d, v_pool(POOL_A_HALF + e - 2));
    }
}

/* Infinities and NaNs go to C before anything can be raised. The rest of a scalar's register counts for nothing. */
static void emit_step(HostCode *h, const HostOp *op, bool root) {
    bool is_scalar = op->type != IR_V128;
    unsigned e = is_scalar ? format(op->type) : lanes(op), t = op->tmp[1], u = op->tmp[2];
    if (e == 1) {
        v_call(h, op);
        return;
    }
    unsigned a = op->s[0].reg, b = op->s[1].reg;
    if (is_scalar) {
        v2i(h, PSHUFD, t, a, e == 2 ? 0x00 : 0x44);
        v2i(h, PSHUFD, u, b, e == 2 ? 0x00 : 0x44);
        a = t;
        b = u;
    } else {
        a = active(h, op, e, t, a);
        b = active(h, op, e, u, b);
    }
    unsigned x = op->tmp[3], y = op->d.reg;
    HostOperand limit = v_pool((root ? POOL_LARGE : POOL_INFINITY) + e - 2);
    v3m(h, PAND, x, a, v_pool(POOL_MAX + e));
    v3m(h, PAND, y, b, v_pool(POOL_MAX + e));
    v3mi(h, packed(e, 0xc2), x, x, limit, NOT_LESS_QUIET);
    v3mi(h, packed(e, 0xc2), y, y, limit, NOT_LESS_QUIET);
    v3(h, POR, x, x, y);
    cold_if_any(h, op, x);
    step(h, op, e, root, a, b);
    if (is_scalar) {
        v3m(h, PAND, op->d.reg, op->d.reg, v_pool(POOL_LANE0 + e));
    } else {
        clear_rest(h, op, e);
    }
    v_cold_back(h, op);
}
static void emit_recps(HostCode *h, const HostOp *op) {
    emit_step(h, op, false);
}
static void emit_rsqrts(HostCode *h, const HostOp *op) {
    emit_step(h, op, true);
}
#define STEP(name, function)                                                                                           \
    const HostRule x64_avx2_##name = {"x", {"x", "x"}, .tmps = 1, .vtmps = 3, .rest = HOST_REST_ZERO, .flags = FLAGS,  \
                                      .emit = function};
STEP(frecps, emit_recps)
STEP(vfrecps, emit_recps)
STEP(frsqrts, emit_rsqrts)
STEP(vfrsqrts, emit_rsqrts)
