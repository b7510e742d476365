/* SPDX-License-Identifier: MIT */
/*
 * emit_vec.c - rules of vector ops, first part: moves between register classes, bits, moves of lanes.
 * Spec: Intel SDM volume 2. emit_vec_int.c has arithmetic, emit_vec_sat.c saturation, emit_vec_crypto.c the rest.
 *
 * Names: x64_rule_<op> works on every host and may take better forms where the level has them; x64_avx2_<op> and
 * x64_avx512_<op> replace it from that level on, as a rule with other constraints.
 */
#include "backend-x86_64/vec.h"

/* -- between classes -- */

/* A row of the pool, as it has been made, that is v twice; POOL_ROWS: none of those where it is likely */
static unsigned pool_row(const HostCode *h, uint64_t v) {
    const uint64_t *words = (const uint64_t *)(const void *)h->stubs->pool;
    for (unsigned row = 0; row < POOL_GF_LEFT; row++) {
        if (words[2 * row] == v && words[2 * row + 1] == v) {
            return row;
        }
    }
    return POOL_ROWS;
}

static HostOperand in_register(HostCode *h, HostOperand s, unsigned tmp) {
    if (s.kind != HOST_IMM) {
        return s;
    }
    x_load_imm(h, tmp, (uint64_t)s.imm);
    return x_reg(tmp);
}

/* d = v, twice */
static void load_twice(HostCode *h, unsigned d, uint64_t v, unsigned tmp) {
    unsigned row = pool_row(h, v);
    if (v == 0) {
        v_zero(h, d);
    } else if (row < POOL_ROWS) {
        v2m(h, MOVAPS, d, v_pool(row));
    } else if (v >> 32 == (uint32_t)v) {
        x_load_imm(h, tmp, (uint32_t)v);
        v2m(h, MOVD_FROM, d, x_reg(tmp));
        v2i(h, PSHUFD, d, d, 0);
    } else {
        x_load_imm(h, tmp, v);
        v2m(h, MOVD_FROM | V_W, d, x_reg(tmp));
        v3(h, PUNPCKLQDQ, d, d, d);
    }
}

static void emit_vpair(HostCode *h, const HostOp *op) {
    HostOperand low = op->s[0], high = op->s[1];
    unsigned d = op->d.reg, tmp = op->tmp[0];
    if (low.kind == HOST_IMM && high.kind == HOST_IMM && low.imm == high.imm) {
        load_twice(h, d, (uint64_t)low.imm, tmp);
        return;
    }
    v2m(h, MOVD_FROM | V_W, d, in_register(h, low, tmp));
    if (high.kind == HOST_IMM && high.imm == 0) {
        return;
    }
    high = in_register(h, high, tmp);
    if (v_has(h, X64_AVX2)) {
        v3mi(h, P66(0x0f3a22) | V_W, d, d, high, 1); /* pinsrq */
    } else {
        v2m(h, MOVD_FROM | V_W, op->tmp[1], high);
        v3(h, PUNPCKLQDQ, d, d, op->tmp[1]);
    }
}
const HostRule x64_rule_vpair = {"x", {"rj", "rj"}, .tmps = 1, .vtmps = 1, .emit = emit_vpair};
const HostRule x64_avx2_vpair = {"x", {"rj", "rj"}, .tmps = 1, .emit = emit_vpair};

/* A scalar is the low lane of its register. */
static void emit_vlow(HostCode *h, const HostOp *op) {
    v_mov(h, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vlow = {"x", {"x"}, .emit = emit_vlow};

static void emit_vlow64(HostCode *h, const HostOp *op) {
    v2(h, MOVQ, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vlow64 = {"x", {"x"}, .emit = emit_vlow64};

static void emit_lane0(HostCode *h, const HostOp *op, unsigned e) {
    if (e == 3) {
        emit_vlow64(h, op);
    } else {
        v3m(h, PAND, op->d.reg, op->s[0].reg, v_pool(POOL_LANE0 + e));
    }
}
static void emit_vlane0(HostCode *h, const HostOp *op) {
    emit_lane0(h, op, v_lane(op));
}
const HostRule x64_rule_vlane0 = {"x", {"x"}, .emit = emit_vlane0};

/* The node's type is v128: the width of the scalar is the operand's, which lower.c gives in op->type. */
static void emit_vzext(HostCode *h, const HostOp *op) {
    emit_lane0(h, op, op->type == IR_F64 ? 3 : op->type == IR_F32 ? 2 : 1);
}
const HostRule x64_rule_vzext = {"x", {"x"}, .flags = HOST_RULE_TYPE_OF_A, .emit = emit_vzext};

static void emit_fbits(HostCode *h, const HostOp *op) {
    v2m(h, MOVD_TO | (op->type == IR_F64 ? V_W : 0), op->s[0].reg, op->d);
    if (op->type == IR_F16) {
        x_rr(h, 0x0fb7, 0, op->d.reg, op->d.reg);
    }
}
const HostRule x64_rule_fbits = {"r", {"x"}, .flags = HOST_RULE_TYPE_OF_A, .emit = emit_fbits};

static void emit_bitsf(HostCode *h, const HostOp *op) {
    HostOperand s = op->s[0];
    if (s.kind == HOST_IMM && s.imm == 0) {
        v_zero(h, op->d.reg);
        return;
    } else if (s.kind == HOST_IMM) {
        s = x_reg(op->tmp[0]);
        x_load_imm(h, s.reg, (uint64_t)op->s[0].imm);
    }
    v2m(h, MOVD_FROM | (op->type == IR_F64 ? V_W : 0), op->d.reg, s);
}
const HostRule x64_rule_bitsf = {"x", {"rj"}, .tmps = 1, .rest = HOST_REST_ZERO, .emit = emit_bitsf};

/* -- bits -- */

/* One instruction of two operands. */
#define SIMPLE(name, opcode)                                                                                           \
    static void emit_##name(HostCode *h, const HostOp *op) {                                                           \
        v3m(h, opcode, op->d.reg, op->s[0].reg, op->s[1]);                                                             \
    }
#define SIMPLE_COMMUTES(name, opcode)                                                                                  \
    SIMPLE(name, opcode)                                                                                               \
    const HostRule x64_rule_##name = {"0", {"x", "xm"}, .flags = HOST_RULE_COMMUTES, .emit = emit_##name};             \
    const HostRule x64_avx2_##name = {"x", {"x", "xm"}, .flags = HOST_RULE_COMMUTES, .emit = emit_##name};
#define SIMPLE_ORDERED(name, opcode)                                                                                   \
    SIMPLE(name, opcode)                                                                                               \
    const HostRule x64_rule_##name = {"0", {"x", "xm"}, .emit = emit_##name};                                          \
    const HostRule x64_avx2_##name = {"x", {"x", "xm"}, .emit = emit_##name};
SIMPLE_COMMUTES(vand, PAND)
SIMPLE_COMMUTES(vor, POR)
SIMPLE_COMMUTES(vxor, PXOR)
SIMPLE_ORDERED(vzip1, v_unpack_low[v_lane(op)])
SIMPLE_ORDERED(vzip2, v_unpack_high[v_lane(op)])

static void emit_vandn(HostCode *h, const HostOp *op) {
    v3(h, PANDN, op->d.reg, op->s[1].reg, op->s[0].reg);
}
const HostRule x64_rule_vandn = {"x", {"x", "x"}, .flags = HOST_RULE_EARLY, .emit = emit_vandn};
const HostRule x64_avx2_vandn = {"x", {"x", "x"}, .emit = emit_vandn};

static void emit_vorn(HostCode *h, const HostOp *op) {
    v_not(h, op->d.reg, op->s[1].reg);
    v3(h, POR, op->d.reg, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vorn = {"x", {"x", "x"}, .flags = HOST_RULE_EARLY, .emit = emit_vorn};

static void emit_vnot(HostCode *h, const HostOp *op) {
    v_not(h, op->d.reg, op->s[0].reg);
}
const HostRule x64_rule_vnot = {"x", {"x"}, .emit = emit_vnot};

static void emit_vbsl(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg;
    v3(h, PXOR, d, op->s[1].reg, op->s[2].reg);
    v3(h, PAND, d, d, op->s[0].reg);
    v3(h, PXOR, d, d, op->s[2].reg);
}
const HostRule x64_rule_vbsl = {"x", {"x", "x", "x"}, .flags = HOST_RULE_EARLY, .emit = emit_vbsl};

/* vpternlog: bit 4 * d + 2 * a + b of the immediate is the result. */
static void emit_ternary_vbsl(HostCode *h, const HostOp *op) {
    v3mi(h, EVEX1(0x0f3a25), op->d.reg, op->s[1].reg, op->s[2], 0xca);
}
const HostRule x64_avx512_vbsl = {"0", {"x", "x", "x"}, .emit = emit_ternary_vbsl};

static void emit_ternary_vorn(HostCode *h, const HostOp *op) {
    v3mi(h, EVEX1(0x0f3a25), op->d.reg, op->s[1].reg, op->s[1], 0xf5);
}
const HostRule x64_avx512_vorn = {"0", {"x", "x"}, .emit = emit_ternary_vorn};

/* -- one lane -- */

/* All lanes of d = the lowest of d, with SSE2; nothing to do for e = 0 when it stands there twice. */
static void spread(HostCode *h, unsigned e, unsigned d) {
    if (e == 0) {
        v3(h, PUNPCKLBW, d, d, d);
    }
    if (e <= 1) {
        v2i(h, PSHUFLW, d, d, 0);
    }
    v2i(h, PSHUFD, d, d, e == 3 ? 0x44 : 0);
}

static void emit_vdup(HostCode *h, const HostOp *op) {
    static const uint32_t from_int[4] = {EVEX0(0x0f387a), EVEX0(0x0f387b), EVEX0(0x0f387c), EVEX1(0x0f387c)};
    static const uint32_t broadcast[4] = {P66(0x0f3878), P66(0x0f3879), P66(0x0f3858), P66(0x0f3859)};
    unsigned d = op->d.reg, e = v_lane(op);
    if (v_has(h, X64_AVX512)) {
        v2m(h, from_int[e], d, op->s[0]);
        return;
    }
    v2m(h, MOVD_FROM | (e == 3 ? V_W : 0), d, op->s[0]);
    if (v_has(h, X64_AVX2)) {
        v2(h, broadcast[e], d, d);
    } else {
        spread(h, e, d);
    }
}
const HostRule x64_rule_vdup = {"x", {"r"}, .emit = emit_vdup};

static void emit_vdupl(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, e = v_lane(op), lane = op->node->b & ((16u >> e) - 1);
    if (e == 0) { /* twice in a word, then as words */
        v3(h, (lane & 8 ? v_unpack_high : v_unpack_low)[0], d, a, a);
        a = d;
        lane &= 7;
    }
    if (e <= 1) {
        v2i(h, lane & 4 ? PSHUFHW : PSHUFLW, d, a, (lane & 3) * 0x55);
        v2i(h, PSHUFD, d, d, lane & 4 ? 0xaa : 0);
    } else {
        v2i(h, PSHUFD, d, a, e == 2 ? lane * 0x55 : lane ? 0xee : 0x44);
    }
}
const HostRule x64_rule_vdupl = {"x", {"x"}, .emit = emit_vdupl};

/* Lane of a vector into an integer register, zero-extended. t: a vector register, for SSE2 only. */
static void get_lane(HostCode *h, unsigned e, unsigned lane, HostOperand d, unsigned a, unsigned t) {
    if (e >= 2) {
        if (lane == 0) {
            v2m(h, MOVD_TO | (e == 3 ? V_W : 0), a, d);
        } else if (v_has(h, X64_AVX2)) {
            v3mi(h, P66(0x0f3a16) | (e == 3 ? V_W : 0), a, 0, d, lane);
        } else {
            v2i(h, PSHUFD, t, a, e == 3 ? 0xee : lane);
            v2m(h, MOVD_TO | (e == 3 ? V_W : 0), t, d);
        }
    } else if (e == 1) {
        v2i(h, P66(0x0fc5), d.reg, a, lane);
    } else if (v_has(h, X64_AVX2)) {
        v3mi(h, P66(0x0f3a14), a, 0, d, lane);
    } else {
        v2i(h, P66(0x0fc5), d.reg, a, lane / 2);
        if (lane & 1) {
            x_shift(h, 5, 0, d.reg, 8);
        } else {
            x_rr(h, 0x0fb6, OP_BYTE, d.reg, d.reg);
        }
    }
}

static void emit_vget(HostCode *h, const HostOp *op) {
    static const uint32_t extend[3] = {0x0fbe, 0x0fbf, 0x63};
    unsigned e = v_lane(op), lane = op->node->b & ((16u >> e) - 1);
    get_lane(h, e, lane, op->d, op->s[0].reg, op->tmp[0]);
    if (v_signed(op) && e < (op->type == IR_I64 ? 3 : 2)) {
        x_rr(h, extend[e], (op->type == IR_I64 ? OP_W : 0) | (e == 0 ? OP_BYTE : 0), op->d.reg, op->d.reg);
    }
}
const HostRule x64_rule_vget = {"r", {"x"}, .vtmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_vget};
const HostRule x64_avx2_vget = {"r", {"x"}, .emit = emit_vget};

/* d = a with a lane = the low bits of integer register r; both may be changed only through d. */
static void put_lane(HostCode *h, unsigned e, unsigned lane, unsigned d, unsigned a, unsigned r) {
    static const uint32_t insert[4] = {P66(0x0f3a20), P66(0x0fc4), P66(0x0f3a22), P66(0x0f3a22) | V_W};
    v3i(h, insert[e], d, a, r, lane);
}

/* SSE2 has words only. */
static void emit_vput(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, e = v_lane(op), lane = op->node->c & ((16u >> e) - 1), r = op->s[1].reg;
    unsigned t = op->tmp[0], u = op->tmp[1];
    switch (e) {
    case 0:
        v2i(h, P66(0x0fc5), t, d, lane / 2);
        x_rr(h, 0x0fb6, OP_BYTE, u, r);
        if (lane & 1) {
            x_rr(h, 0x0fb6, OP_BYTE, t, t);
            x_shift(h, 4, 0, u, 8);
        } else {
            x_group1(h, 4, 0, x_reg(t), 0xff00);
        }
        x_alu(h, 1, 0, t, x_reg(u));
        put_lane(h, 1, lane / 2, d, d, t);
        break;
    case 1: put_lane(h, 1, lane, d, d, r); break;
    case 2:
        put_lane(h, 1, 2 * lane, d, d, r);
        x_mov(h, 0, t, r);
        x_shift(h, 5, 0, t, 16);
        put_lane(h, 1, 2 * lane + 1, d, d, t);
        break;
    default:
        v2m(h, MOVD_FROM | V_W, op->tmp[2], op->s[1]);
        v3i(h, SHUFPD, d, d, op->tmp[2], 0); /* low halves of both */
        break;
    }
}
/* The high half of lane 0's case is kept by movsd. */
static void emit_vput_sse2(HostCode *h, const HostOp *op) {
    if (v_lane(op) == 3 && !(op->node->c & 1)) {
        v2m(h, MOVD_FROM | V_W, op->tmp[2], op->s[1]);
        v3(h, PF2(0x0f10), op->d.reg, op->d.reg, op->tmp[2]);
    } else {
        emit_vput(h, op);
    }
}
const HostRule x64_rule_vput = {"0", {"x", "r"}, .tmps = 2, .vtmps = 1, .flags = HOST_RULE_CLOBBERS,
                                .emit = emit_vput_sse2};
static void emit_vput_avx2(HostCode *h, const HostOp *op) {
    unsigned e = v_lane(op);
    put_lane(h, e, op->node->c & ((16u >> e) - 1), op->d.reg, op->s[0].reg, op->s[1].reg);
}
const HostRule x64_avx2_vput = {"x", {"x", "r"}, .emit = emit_vput_avx2};

/* Two halves of 64 bits. */
static void insert_half(HostCode *h, unsigned to, unsigned from, unsigned d, unsigned a, unsigned b) {
    if (to) {
        v3i(h, SHUFPD, d, a, b, from ? 2 : 0);
    } else if (from) {
        v3(h, 0x0f12, d, a, b); /* movhlps */
    } else {
        v3(h, PF2(0x0f10), d, a, b); /* movsd */
    }
}
static void emit_vins(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, e = v_lane(op), mask = (16u >> e) - 1;
    unsigned to = op->node->c & 15 & mask, from = op->node->c >> 4 & mask, t = op->tmp[0];
    if (e == 3) {
        insert_half(h, to, from, d, a, b);
    } else if (e == 2 && v_has(h, X64_AVX2)) {
        v3i(h, P66(0x0f3a21), d, a, b, from << 6 | to << 4); /* insertps */
    } else if (e == 2) {
        get_lane(h, 1, 2 * from, x_reg(t), b, 0);
        put_lane(h, 1, 2 * to, d, a, t);
        get_lane(h, 1, 2 * from + 1, x_reg(t), b, 0);
        put_lane(h, 1, 2 * to + 1, d, d, t);
    } else if (e == 1 || v_has(h, X64_AVX2)) {
        get_lane(h, e, from, x_reg(t), b, 0);
        put_lane(h, e, to, d, a, t);
    } else {
        v_call(h, op);
    }
}
const HostRule x64_rule_vins = {"x", {"x", "x"}, .tmps = 1, .flags = HOST_RULE_EARLY | HOST_RULE_CLOBBERS,
                                .emit = emit_vins};
const HostRule x64_avx2_vins = {"x", {"x", "x"}, .tmps = 1, .emit = emit_vins};

/* -- all lanes -- */

static void emit_vext(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, n = op->node->c & 15;
    if (n == 0) {
        v_mov(h, d, a);
    } else if (a == b && !(n & 3)) {
        v2i(h, PSHUFD, d, a, (0xe4e4u >> n / 4 * 2) & 0xff);
    } else if (v_has(h, X64_AVX2)) {
        v3i(h, PALIGNR, d, b, a, n);
    } else if (n == 8) {
        v3i(h, SHUFPD, d, a, b, 1);
    } else {
        v_group(h, P66(0x0f73), SHIFT_BYTES_RIGHT, d, a, n);
        v_group(h, P66(0x0f73), SHIFT_BYTES_LEFT, op->tmp[0], b, 16 - n);
        v3(h, POR, d, d, op->tmp[0]);
    }
}
const HostRule x64_rule_vext = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vext};
const HostRule x64_avx2_vext = {"x", {"x", "x"}, .emit = emit_vext};

static void emit_vuzp(HostCode *h, const HostOp *op, bool odd) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    bool pack_unsigned = e == 0 || v_has(h, X64_AVX2);
    if (e == 3) {
        v3(h, odd ? PUNPCKHQDQ : PUNPCKLQDQ, d, a, b);
    } else if (e == 2) {
        v3i(h, SHUFPS, d, a, b, odd ? 0xdd : 0x88);
    } else if (odd) { /* for SSE2, words are packed as signed */
        v_group(h, P66(e == 0 ? 0x0f71 : 0x0f72), pack_unsigned ? SHIFT_RIGHT : SHIFT_SIGNED, d, a, 8u << e);
        v_group(h, P66(e == 0 ? 0x0f71 : 0x0f72), pack_unsigned ? SHIFT_RIGHT : SHIFT_SIGNED, t, b, 8u << e);
        v3(h, e == 0 ? PACKUSWB : pack_unsigned ? PACKUSDW : PACKSSDW, d, d, t);
    } else if (pack_unsigned) {
        v3m(h, PAND, d, a, v_pool(POOL_HALF + e));
        v3m(h, PAND, t, b, v_pool(POOL_HALF + e));
        v3(h, e == 0 ? PACKUSWB : PACKUSDW, d, d, t);
    } else {
        v_shl(h, 2, d, a, 16);
        v_shl(h, 2, t, b, 16);
        v_group(h, P66(0x0f72), SHIFT_SIGNED, d, d, 16);
        v_group(h, P66(0x0f72), SHIFT_SIGNED, t, t, 16);
        v3(h, PACKSSDW, d, d, t);
    }
}
static void emit_vuzp1(HostCode *h, const HostOp *op) {
    emit_vuzp(h, op, false);
}
static void emit_vuzp2(HostCode *h, const HostOp *op) {
    emit_vuzp(h, op, true);
}
const HostRule x64_rule_vuzp1 = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vuzp1};
const HostRule x64_rule_vuzp2 = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vuzp2};

static void emit_vtrn(HostCode *h, const HostOp *op, bool odd) {
    unsigned d = op->d.reg, a = op->s[0].reg, b = op->s[1].reg, t = op->tmp[0], e = v_lane(op);
    if (e == 3) {
        v3(h, odd ? PUNPCKHQDQ : PUNPCKLQDQ, d, a, b);
    } else if (e == 2) {
        v3i(h, SHUFPS, d, a, b, odd ? 0xdd : 0x88);
        v2i(h, PSHUFD, d, d, 0xd8);
    } else if (odd) {
        v_shr(h, e + 1, d, a, 8u << e);
        v3m(h, PAND, t, b, v_pool(POOL_UPPER + e));
        v3(h, POR, d, d, t);
    } else {
        v3m(h, PAND, d, a, v_pool(POOL_HALF + e));
        v_shl(h, e + 1, t, b, 8u << e);
        v3(h, POR, d, d, t);
    }
}
static void emit_vtrn1(HostCode *h, const HostOp *op) {
    emit_vtrn(h, op, false);
}
static void emit_vtrn2(HostCode *h, const HostOp *op) {
    emit_vtrn(h, op, true);
}
const HostRule x64_rule_vtrn1 = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vtrn1};
const HostRule x64_rule_vtrn2 = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_EARLY, .emit = emit_vtrn2};

/* Boxes of 2^b bytes. SSE2: bytes within words by shifts, then words and above by shuffles. */
static void emit_vrev(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, a = op->s[0].reg, t = op->tmp[0], e = v_lane(op), b = op->node->b & 7;
    if (b <= e) {
        v_mov(h, d, a);
    } else if (e == 2 || e == 3) {
        v2i(h, PSHUFD, d, a, e == 3 ? 0x4e : b == 3 ? 0xb1 : 0x1b);
    } else if (v_has(h, X64_AVX2)) {
        v3m(h, PSHUFB, d, a, v_pool(POOL_REVERSE + 4 * e + b - 1));
    } else {
        if (e == 0) {
            v_shr(h, 1, t, a, 8);
            v_shl(h, 1, d, a, 8);
            v3(h, POR, d, d, t);
            a = d;
        }
        if (b >= 2) {
            v2i(h, PSHUFLW, d, a, b == 2 ? 0xb1 : 0x1b);
            v2i(h, PSHUFHW, d, d, b == 2 ? 0xb1 : 0x1b);
        }
        if (b == 4) {
            v2i(h, PSHUFD, d, d, 0x4e);
        }
    }
}
const HostRule x64_rule_vrev = {"x", {"x"}, .vtmps = 1, .emit = emit_vrev};
const HostRule x64_avx2_vrev = {"x", {"x"}, .emit = emit_vrev};

/* Indices so that pshufb answers 0 for those beyond the table: 16 and more get their top bit by saturation. */
static void table_index(HostCode *h, unsigned t, unsigned index, unsigned base) {
    if (base) {
        v3m(h, PSUBB, t, index, v_pool(POOL_BYTES + base / 16));
        index = t;
    }
    v3m(h, PADDUSB, t, index, v_pool(POOL_BYTES + 7));
}
static bool table_has(unsigned base) {
    return base % 16 == 0 && base < 128;
}
static void emit_vtbl(HostCode *h, const HostOp *op) {
    if (!table_has(op->node->aux)) {
        v_call(h, op);
        return;
    }
    table_index(h, op->tmp[0], op->s[1].reg, op->node->aux);
    v3(h, PSHUFB, op->d.reg, op->s[0].reg, op->tmp[0]);
}
const HostRule x64_avx2_vtbl = {"x", {"x", "x"}, .vtmps = 1, .flags = HOST_RULE_CLOBBERS, .emit = emit_vtbl};

static void emit_vtbx(HostCode *h, const HostOp *op) {
    unsigned d = op->d.reg, t = op->tmp[0];
    if (!table_has(op->node->aux)) {
        v_call(h, op);
        return;
    }
    table_index(h, t, op->s[2].reg, op->node->aux);
    v3(h, PSHUFB, d, op->s[1].reg, t);
    v3i(h, PBLENDVB, d, d, op->s[0].reg, (t & 15) << 4);
}
const HostRule x64_avx2_vtbx = {"x", {"x", "x", "x"}, .vtmps = 1, .flags = HOST_RULE_CLOBBERS | HOST_RULE_EARLY,
                                .emit = emit_vtbx};
