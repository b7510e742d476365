/* SPDX-License-Identifier: MIT */
/*
 * vec.c - encodes vector instructions, makes the pool of constants, and calls C from within a rule.
 * Spec: Intel SDM volume 2, 2.3 (VEX), 2.7 (EVEX).
 */
#include "backend-x86_64/vec.h"

/* ModRM and what follows; imm_bytes stand behind it. */
static void put_rm(HostCode *h, unsigned reg, HostOperand rm, unsigned imm_bytes) {
    unsigned r = (reg & 7) << 3;
    switch (rm.kind) {
    case HOST_REG: x_byte(h, 0xc0 | r | (rm.reg & 7)); break;
    case HOST_ENV:
        x_byte(h, 0x85 | r);
        x_32(h, (uint32_t)(rm.disp - ENV_BIAS));
        break;
    case HOST_STACK:
        x_byte(h, 0x84 | r);
        x_byte(h, 0x24);
        x_32(h, (uint32_t)rm.disp);
        break;
    default:
        x_byte(h, 0x05 | r);
        x_32(h, (uint32_t)(h->stubs->pool + rm.disp - (h->exec + x_offset(h) + 4 + imm_bytes)));
        break;
    }
}

static unsigned high_bit(HostOperand rm) {
    return rm.kind == HOST_REG ? rm.reg >> 3 & 1 : 0;
}
static unsigned opcode_map(uint32_t op) {
    return (op >> 16 & 0xf) == 0 ? 1 : (op >> 8 & 0xff) == 0x38 ? 2 : 3;
}
static unsigned opcode_prefix(uint32_t op) {
    switch (op >> 24) {
    case 0x66: return 1;
    case 0xf3: return 2;
    case 0xf2: return 3;
    default: return 0;
    }
}

static void vex(HostCode *h, uint32_t op, unsigned reg, unsigned vvvv, HostOperand rm) {
    unsigned map = opcode_map(op), b = high_bit(rm), r = reg >> 3 & 1;
    unsigned last = (~vvvv & 15) << 3 | opcode_prefix(op);
    if (map == 1 && !b && !(op & V_W)) {
        x_byte(h, 0xc5);
        x_byte(h, (r ^ 1) << 7 | last);
    } else {
        x_byte(h, 0xc4);
        x_byte(h, (r ^ 1) << 7 | 1 << 6 | (b ^ 1) << 5 | map);
        x_byte(h, (op & V_W ? 0x80 : 0) | last);
    }
    x_byte(h, op & 0xff);
}

/* 128 bits; lanes of d outside mask register k stay, or with 0x80 are zero (k = 0: no mask). Displacements are never of 8 bits here. */
static void evex(HostCode *h, uint32_t op, unsigned reg, unsigned vvvv, HostOperand rm, unsigned k) {
    unsigned b = high_bit(rm), r = reg >> 3 & 1;
    x_byte(h, 0x62);
    x_byte(h, (r ^ 1) << 7 | 1 << 6 | (b ^ 1) << 5 | 1 << 4 | opcode_map(op));
    x_byte(h, (op & V_W ? 0x80 : 0) | (~vvvv & 15) << 3 | 4 | opcode_prefix(op));
    x_byte(h, 8 | k);
    x_byte(h, op & 0xff);
}

/* imm < 0: none. Register numbers with or without the base of vector registers. */
static void put(HostCode *h, uint32_t op, unsigned reg, unsigned vvvv, HostOperand rm, int imm, unsigned k) {
    reg &= 15;
    if (op & V_EVEX) {
        x_begin(h);
        evex(h, op, reg, vvvv & 15, rm, k);
    } else if (v_has(h, X64_AVX2) && !(op & V_LEGACY)) {
        x_begin(h);
        vex(h, op, reg, vvvv & 15, rm);
    } else {
        x_opcode(h, op & ~(uint32_t)V_ENCODING, op & V_W ? OP_W : 0, reg, 0, rm.kind == HOST_REG ? rm.reg & 15 : 0);
    }
    put_rm(h, reg, rm, imm >= 0);
    if (imm >= 0) {
        x_byte(h, (unsigned)imm);
    }
}

void v2m(HostCode *h, uint32_t op, unsigned d, HostOperand s) {
    put(h, op, d, 0, s, -1, 0);
}
void v2i(HostCode *h, uint32_t op, unsigned d, unsigned s, unsigned imm) {
    put(h, op, d, 0, x_reg(s), (int)imm, 0);
}

/* The first operand of a two-operand form into its place. */
static void first(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b) {
    if (d != a && (!v_has(h, X64_AVX2) || op & V_LEGACY)) {
        g_assert(b.kind != HOST_REG || b.reg != d);
        v2(h, MOVAPS, d, a);
    }
}
void v3m(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b) {
    first(h, op, d, a, b);
    put(h, op, d, a, b, -1, 0);
}
void v3mi(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b, unsigned imm) {
    first(h, op, d, a, b);
    put(h, op, d, a, b, (int)imm, 0);
}
void v3k(HostCode *h, uint32_t op, unsigned d, unsigned a, unsigned b, unsigned k) {
    put(h, op, d, a, x_reg(b), -1, k);
}
void v3mk(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b, int imm, unsigned k) {
    put(h, op, d, a, b, imm, k);
}

void v_lane0_mask(HostCode *h) {
    static const uint8_t ones[] = {0xc5, 0xc5, 0x46, 0xff}, shift[] = {0xc4, 0xe3, 0x79, 0x30, 0xff, 7};
    if (v_has(h, X64_AVX512)) {
        x_begin(h); /* kxnorb k7, k7, k7 */
        for (unsigned i = 0; i < sizeof ones; i++) {
            x_byte(h, ones[i]);
        }
        x_begin(h); /* kshiftrb k7, k7, 7 */
        for (unsigned i = 0; i < sizeof shift; i++) {
            x_byte(h, shift[i]);
        }
    }
}

void v_group(HostCode *h, uint32_t op, unsigned extension, unsigned d, unsigned a, unsigned imm) {
    if (!v_has(h, X64_AVX2)) {
        v_mov(h, d, a);
        a = d;
    }
    put(h, op, extension, d, x_reg(a), (int)imm, 0);
}

/* -- the pool -- */

static uint64_t repeat(uint64_t x, unsigned e) { /* x in every lane of 2^e bytes */
    for (unsigned bits = 8u << e; bits < 64; bits *= 2) {
        x |= x << bits;
    }
    return x;
}

/* Matrix of GF2P8AFFINEQB: byte 7 - i says which bits of the source make bit i of the result. */
static uint64_t matrix(int left, bool is_signed) {
    uint64_t m = 0;
    for (int i = 0; i < 8; i++) {
        int from = i - left;
        from = from > 7 && is_signed ? 7 : from;
        m |= from >= 0 && from < 8 ? (uint64_t)1 << from << 8 * (7 - i) : 0;
    }
    return m;
}

static void reverse_row(unsigned e, unsigned b, uint8_t bytes[16]) {
    for (unsigned i = 0; i < 16; i++) {
        bytes[i] = (uint8_t)(i ^ (((1u << b) - 1) & ~((1u << e) - 1)));
    }
}

static uint64_t repeated_row(unsigned row) {
    static const uint32_t sha1_k[3] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc};
    if (row == POOL_ONES) {
        return UINT64_MAX;
    } else if (row < POOL_TOP) {
        return repeat(1, row - POOL_ONE);
    } else if (row < POOL_MAX) {
        return repeat(UINT64_C(0x80) << ((8u << (row - POOL_TOP)) - 8), row - POOL_TOP);
    } else if (row < POOL_LANE0) {
        return ~repeat(UINT64_C(0x80) << ((8u << (row - POOL_MAX)) - 8), row - POOL_MAX);
    } else if (row >= POOL_HALF && row < POOL_UPPER) {
        return repeat((UINT64_C(1) << (8u << (row - POOL_HALF))) - 1, row - POOL_HALF + 1);
    } else if (row >= POOL_UPPER && row < POOL_NARROW) {
        return ~repeat((UINT64_C(1) << (8u << (row - POOL_UPPER))) - 1, row - POOL_UPPER + 1);
    } else if (row >= POOL_LOW && row < POOL_HIGH) {
        return repeat((1u << (row - POOL_LOW)) - 1, 0);
    } else if (row >= POOL_HIGH && row < POOL_BIT) {
        return ~repeat((1u << (row - POOL_HIGH)) - 1, 0);
    } else if (row >= POOL_BIT && row < POOL_GF_LEFT) {
        return repeat(1u << (row - POOL_BIT), 0);
    } else if (row >= POOL_GF_LEFT && row < POOL_GF_RIGHT) {
        return matrix((int)(row - POOL_GF_LEFT), false);
    } else if (row >= POOL_GF_RIGHT && row < POOL_GF_SIGNED) {
        return matrix((int)POOL_GF_RIGHT - (int)row, false);
    } else if (row >= POOL_GF_SIGNED && row < POOL_GF_REVERSE) {
        return matrix((int)POOL_GF_SIGNED - (int)row, true);
    } else if (row == POOL_GF_REVERSE) {
        return UINT64_C(0x8040201008040201);
    } else if (row >= POOL_BYTES && row < POOL_WORDS_16) {
        return repeat(16 * (row - POOL_BYTES), 0);
    } else if (row == POOL_WORDS_16) {
        return repeat(16, 1);
    } else if (row == POOL_SIGN_32) {
        return UINT64_C(0x80000000);
    }
    if (row == POOL_TINY_HALF) {
        return repeat(0x0400, 1);
    } else if (row >= POOL_TINY && row < POOL_SHA1_K) {
        static const uint64_t numbers[] = {0x00800000, UINT64_C(1) << 52, 0xbf800000, UINT64_C(0xbff) << 52,
                                           0x4f800000, UINT64_C(0x41f) << 52, 0x5f000000, UINT64_C(0x43e) << 52,
                                           0x7f800000, UINT64_C(0x7ff) << 52, 0x3f000000, UINT64_C(0x3fe) << 52,
                                           0x3f800000, UINT64_C(0x3ff) << 52, 0x40000000, UINT64_C(0x400) << 52,
                                           0x40400000, UINT64_C(0x4008) << 48, 0x5d800000, UINT64_C(0x5f3) << 52};
        return repeat(numbers[row - POOL_TINY], (row - POOL_TINY) % 2 + 2);
    }
    return row >= POOL_SHA1_K ? repeat(sha1_k[row - POOL_SHA1_K], 2) : 0;
}

void x64_pool_row(unsigned row, uint8_t bytes[16]) {
    static const char *const nibbles[] = {
        "\0\1\1\2\1\2\2\3\1\2\2\3\2\3\3\4",
        "\x00\x80\x40\xc0\x20\xa0\x60\xe0\x10\x90\x50\xd0\x30\xb0\x70\xf0",
        "\x00\x08\x04\x0c\x02\x0a\x06\x0e\x01\x09\x05\x0d\x03\x0b\x07\x0f",
        "\x08\x07\x06\x06\x05\x05\x05\x05\x04\x04\x04\x04\x04\x04\x04\x04",
        "\xff\x03\x02\x02\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00",
    };
    if (row >= POOL_LANE0 && row < POOL_HALF) {
        memset(bytes, 0, 16);
        memset(bytes, 0xff, (size_t)1 << (row - POOL_LANE0));
    } else if (row >= POOL_TOP0 && row < POOL_TINY) {
        unsigned size = 1u << ((row - POOL_TOP0) & 3);
        memset(bytes, 0, 16);
        memset(bytes, row < POOL_MAX0 ? 0 : 0xff, size);
        bytes[size - 1] ^= 0x80;
    } else if (row >= POOL_NARROW && row < POOL_LOW) {
        unsigned e = row - POOL_NARROW;
        for (unsigned i = 0; i < 16; i++) {
            bytes[i] = i < 8 ? (uint8_t)((i >> e << (e + 1)) | (i & ((1u << e) - 1))) : 0x80;
        }
    } else if (row >= POOL_REVERSE && row < POOL_BYTES) {
        reverse_row((row - POOL_REVERSE) / 4, (row - POOL_REVERSE) % 4 + 1, bytes);
    } else if (row >= POOL_NIBBLE_ONES && row <= POOL_NIBBLE_CLZ_HIGH) {
        memcpy(bytes, nibbles[row - POOL_NIBBLE_ONES], 16);
    } else if (row == POOL_CRC) {
        static const uint64_t crc[2] = {UINT64_C(0x5a72d812fb808b20), UINT64_C(0x1db710640)};
        memcpy(bytes, crc, 16);
    } else {
        uint64_t x = repeated_row(row);
        memcpy(bytes, &x, 8);
        memcpy(bytes + 8, &x, 8);
    }
}

/* -- calls of C -- */

static const uint8_t kept[] = {RAX, RCX, RDX, RSI, RDI};
enum { KEPT_XMM = 8 };

static HostOperand scratch_at(unsigned k, int32_t byte) {
    return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, scratch) + k * sizeof(IrVal)) + byte};
}

/* Number and info of the op stand in the result's place. 8 + 5 * 8 + 128 bytes: the stack stays aligned. */
static void kept_call_stub(HostCode *h, HostStubs *s) {
    s->op_call_kept = h->exec + x_offset(h);
    for (unsigned i = 0; i < sizeof kept; i++) {
        x_opcode(h, 0x50u | kept[i], 0, 0, 0, 0);
    }
    x_group1(h, 5, OP_W, x_reg(RSP), KEPT_XMM * 16);
    for (unsigned i = 0; i < KEPT_XMM; i++) {
        x_rm(h, 0x0f29, 0, XMM0 + i, RSP, RSP, 0, (int32_t)i * 16);
    }
    x_ro(h, 0x8b, OP_W, RAX, scratch_at(3, 0));
    x_ro(h, 0x8b, OP_W, RCX, scratch_at(3, 8));
    x_call_stub(h, s->op_call);
    for (unsigned i = 0; i < KEPT_XMM; i++) {
        x_rm(h, 0x0f28, 0, XMM0 + i, RSP, RSP, 0, (int32_t)i * 16);
    }
    x_group1(h, 0, OP_W, x_reg(RSP), KEPT_XMM * 16);
    for (unsigned i = sizeof kept; i-- > 0;) {
        x_opcode(h, 0x58u | kept[i], 0, 0, 0, 0);
    }
    x_byte(h, 0xc3);
}

void x64_make_pool(HostCode *h, HostStubs *stubs) {
    kept_call_stub(h, stubs);
    while ((uintptr_t)(h->exec + x_offset(h)) & 15) {
        x_begin(h);
        x_byte(h, 0xcc);
    }
    stubs->pool = h->exec + x_offset(h);
    for (unsigned row = 0; row < POOL_ROWS; row++) {
        x_begin(h);
        x64_pool_row(row, h->p);
        h->p += 16;
    }
}

static void store_imm32(HostCode *h, HostOperand at, uint32_t value) {
    x_ro(h, 0xc7, 0, 0, at);
    x_32(h, value);
}

void v_call(HostCode *h, const HostOp *op) {
    const IrNode *n = op->node;
    uint64_t info = ir_node_info(n);
    for (unsigned k = 0; k < 3; k++) {
        if (op->s[k].kind == HOST_REG) {
            bool vec = op->s[k].reg >= XMM0;
            x_ro(h, vec ? 0x0f29 : 0x89, vec ? 0 : OP_W, op->s[k].reg, scratch_at(k, 0));
        }
    }
    store_imm32(h, scratch_at(3, 0), n->op * (uint32_t)sizeof(IrOpInfo) + (uint32_t)offsetof(IrOpInfo, interp));
    store_imm32(h, scratch_at(3, 4), 0);
    store_imm32(h, scratch_at(3, 8), (uint32_t)info);
    store_imm32(h, scratch_at(3, 12), (uint32_t)(info >> 32));
    x_call_stub(h, h->stubs->op_call_kept);
    if (op->d.kind == HOST_REG) {
        h->backend->load(h, op->d.reg < XMM0 && n->type != IR_I32 ? IR_I64 : (IrType)n->type, op->d.reg, scratch_at(3, 0));
    }
}

void v_cold(HostCode *h, const HostOp *op, unsigned cc) {
    HostFixup from = x_jcc(h, cc);
    if (h->cold_op_count == h->cold_op_max) {
        h->overflow = true;
        return;
    }
    h->cold_ops[h->cold_op_count++] = (HostColdOp){.from = from, .back = x_offset(h), .node = *op->node, .op = *op};
}

void v_cold_back(HostCode *h, const HostOp *op) {
    for (unsigned k = h->cold_op_count; k-- > 0 && h->cold_ops[k].op.node == op->node;) {
        h->cold_ops[k].back = x_offset(h);
    }
}

void x64_cold_op(HostCode *h, const HostColdOp *c) {
    HostOp op = c->op;
    IrNode node = c->node;
    op.node = &node;
    x_bind(h, c->from);
    if (c->node.op == IR_fsmuladd) {
        x64_cold_fsmuladd(h, &op, &node);
    } else if (c->node.op != IR_fl_fcmp || c->node.aux & IR_FP_WHY) {
        v_call(h, &op);
    }
    if (c->node.op == IR_fl_fcmp) {
        x64_unordered(h, &op);
    }
    x_bind_to(h, x_jmp(h), c->back);
}
