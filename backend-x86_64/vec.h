/* SPDX-License-Identifier: MIT */
/*
 * vec.h - the vector instructions: an encoder that takes legacy SSE, VEX or EVEX form by the level of the backend, the
 * pool of 16-byte constants, and sequences that several rules share.
 * Spec: Intel SDM volume 2, chapter 2, and the instruction pages.
 *
 * Without AVX a three-operand form is a move and a two-operand form: then d must not be b, unless it is a too.
 */
#ifndef BACKEND_X86_64_VEC_H
#define BACKEND_X86_64_VEC_H

#include "backend-x86_64/asm.h"
#include "backend-x86_64/x64.h"

/* Opcodes as in asm.h, and besides: */
enum {
    V_W = 1 << 20,    /* W bit of VEX and EVEX, REX.W of legacy forms */
    V_EVEX = 1 << 21, /* exists with AVX-512 only */
    V_LEGACY = 1 << 22, /* exists without VEX only */
    V_ENCODING = V_W | V_EVEX | V_LEGACY,
};
#define P66(op) (0x66000000 | (op))
#define PF3(op) (0xf3000000 | (op))
#define PF2(op) (0xf2000000 | (op))
#define EVEX0(op) (P66(op) | V_EVEX)
#define EVEX1(op) (P66(op) | V_EVEX | V_W)

#define MOVAPS 0x0f28
#define MOVQ PF3(0x0f7e)
#define MOVD_FROM P66(0x0f6e) /* xmm from r32; V_W: r64 */
#define MOVD_TO P66(0x0f7e)   /* r/m is the integer register */
#define PAND P66(0x0fdb)
#define PANDN P66(0x0fdf)
#define POR P66(0x0feb)
#define PXOR P66(0x0fef)
#define PADDB P66(0x0ffc)
#define PADDW P66(0x0ffd)
#define PADDD P66(0x0ffe)
#define PADDQ P66(0x0fd4)
#define PSUBB P66(0x0ff8)
#define PSUBW P66(0x0ff9)
#define PMULLW P66(0x0fd5)
#define PMULHW P66(0x0fe5)
#define PMULHUW P66(0x0fe4)
#define PMULUDQ P66(0x0ff4)
#define PMULDQ P66(0x0f3828)
#define PMULLD P66(0x0f3840)
#define PMADDWD P66(0x0ff5)
#define PMADDUBSW P66(0x0f3804)
#define PMULHRSW P66(0x0f380b)
#define PSADBW P66(0x0ff6)
#define PSHUFD P66(0x0f70)
#define PSHUFLW PF2(0x0f70)
#define PSHUFHW PF3(0x0f70)
#define PSHUFB P66(0x0f3800)
#define SHUFPS 0x0fc6
#define SHUFPD P66(0x0fc6)
#define PALIGNR P66(0x0f3a0f)
#define PUNPCKLBW P66(0x0f60)
#define PUNPCKLWD P66(0x0f61)
#define PUNPCKHWD P66(0x0f69)
#define PUNPCKLQDQ P66(0x0f6c)
#define PUNPCKHQDQ P66(0x0f6d)
#define PACKSSWB P66(0x0f63)
#define PACKUSWB P66(0x0f67)
#define PACKSSDW P66(0x0f6b)
#define PACKUSDW P66(0x0f382b)
#define PMINUB P66(0x0fda)
#define PMINUW P66(0x0f383a)
#define PMAXSW P66(0x0fee)
#define PMAXSD P66(0x0f383d)
#define PCMPEQB P66(0x0f74)
#define PCMPEQW P66(0x0f75)
#define PCMPEQD P66(0x0f76)
#define PCMPGTB P66(0x0f64)
#define PCMPGTD P66(0x0f66)
#define PMOVMSKB P66(0x0fd7)
#define MOVMSKPS 0x0f50
#define MOVMSKPD P66(0x0f50)
#define PTEST P66(0x0f3817)
#define AFFINE (P66(0x0f3ace) | V_W)
#define PADDUSB P66(0x0fdc)
#define PBLENDVB P66(0x0f3a4c)   /* VEX: the selector's register in the immediate */
#define BLENDVPS P66(0x0f3a4a)
#define BLENDVPD P66(0x0f3a4b)

/* Shifts by an immediate: the opcode by lane, and the extension. */
enum { SHIFT_RIGHT = 2, SHIFT_BYTES_RIGHT = 3, SHIFT_SIGNED = 4, SHIFT_LEFT = 6, SHIFT_BYTES_LEFT = 7 };

/* Rows of the pool. */
enum {
    POOL_ONES,
    POOL_ONE,                          /* + log2 of the lane's bytes: 1 in each lane */
    POOL_TOP = POOL_ONE + 4,           /* the sign bit of each lane */
    POOL_MAX = POOL_TOP + 4,           /* all others */
    POOL_LANE0 = POOL_MAX + 4,         /* all bits of lane 0 */
    POOL_HALF = POOL_LANE0 + 4,        /* the low half of lanes of twice the size, e < 3 */
    POOL_UPPER = POOL_HALF + 3,        /* the high half */
    POOL_NARROW = POOL_UPPER + 3,      /* shuffle: low halves of lanes of twice the size, then zeros */
    POOL_LOW = POOL_NARROW + 3,        /* + n: the low n bits of each byte, n < 9 */
    POOL_HIGH = POOL_LOW + 9,          /* + n: all but these, n < 9 */
    POOL_BIT = POOL_HIGH + 9,          /* + n: bit n of each byte */
    POOL_GF_LEFT = POOL_BIT + 8,       /* + n: matrix that shifts bytes left by n, n < 8 */
    POOL_GF_RIGHT = POOL_GF_LEFT + 8,
    POOL_GF_SIGNED = POOL_GF_RIGHT + 8,
    POOL_GF_REVERSE = POOL_GF_SIGNED + 8,
    POOL_REVERSE,                      /* + 4 * e + b: shuffle of vrev, 0 < b < 5 */
    POOL_BYTES = POOL_REVERSE + 20,    /* + k: bytes 16 * k, k < 8 */
    POOL_WORDS_16 = POOL_BYTES + 8,
    POOL_SIGN_32,                      /* bit 31 of 64-bit lanes */
    POOL_NIBBLE_ONES, POOL_NIBBLE_REVERSE_HIGH, POOL_NIBBLE_REVERSE_LOW, POOL_NIBBLE_CLZ_LOW, POOL_NIBBLE_CLZ_HIGH,
    POOL_TOP0,                         /* + e: the sign bit of lane 0 */
    POOL_MAX0 = POOL_TOP0 + 4,         /* + e: all others of lane 0 */
    POOL_TINY = POOL_MAX0 + 4,                         /* + 0, 1: the smallest normal f32, f64 */
    POOL_MINUS_ONE = POOL_TINY + 2,    /* + 0, 1: as f32, f64 */
    POOL_2_32 = POOL_MINUS_ONE + 2,
    POOL_2_63 = POOL_2_32 + 2,
    POOL_INFINITY = POOL_2_63 + 2,
    POOL_A_HALF = POOL_INFINITY + 2,
    POOL_UNITY = POOL_A_HALF + 2,
    POOL_TWO = POOL_UNITY + 2,
    POOL_THREE = POOL_TWO + 2,
    POOL_LARGE = POOL_THREE + 2,       /* its square is far from infinity */
    POOL_TINY_HALF = POOL_LARGE + 2,   /* the smallest normal f16 */
    POOL_SHA1_K,                       /* + 0, 1, 2 */
    POOL_CRC = POOL_SHA1_K + 3,         /* see emit_crc32 */
    POOL_ROWS
};

/* Behind the stubs: the pool, and the way into C that keeps all registers. */
void x64_make_pool(HostCode *h, HostStubs *stubs);
/* One row, 16 bytes. */
void x64_pool_row(unsigned row, uint8_t bytes[16]);

enum { X64_POOL = 100 }; /* HostOperand.kind: disp = offset in the pool */
static inline HostOperand v_pool(unsigned row) {
    return (HostOperand){.kind = X64_POOL, .disp = (int32_t)row * 16};
}
static inline bool v_has(const HostCode *h, X64Level level) {
    return h->backend->level >= (unsigned)level;
}

/* d = op(s), with and without an immediate. */
void v2m(HostCode *h, uint32_t op, unsigned d, HostOperand s);
void v2i(HostCode *h, uint32_t op, unsigned d, unsigned s, unsigned imm);
/* d = a op b */
void v3m(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b);
void v3mi(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b, unsigned imm);
/* AVX-512: lanes of d where mask register k is set. */
void v3k(HostCode *h, uint32_t op, unsigned d, unsigned a, unsigned b, unsigned k);
/* The same with an operand of any kind; LANE0: lane 0 alone is computed, and raises, and the rest of d is zero. */
void v3mk(HostCode *h, uint32_t op, unsigned d, unsigned a, HostOperand b, int imm, unsigned k);
enum { LANE0 = 0x87 };         /* mask register 7, zeroing */
void v_lane0_mask(HostCode *h); /* sets it, where there is one: after C */
/* d = a shifted by an immediate: group opcode 0x0f71 ... 0x0f73 */
void v_group(HostCode *h, uint32_t op, unsigned extension, unsigned d, unsigned a, unsigned imm);

static inline void v2(HostCode *h, uint32_t op, unsigned d, unsigned s) {
    v2m(h, op, d, x_reg(s));
}
static inline void v3(HostCode *h, uint32_t op, unsigned d, unsigned a, unsigned b) {
    v3m(h, op, d, a, x_reg(b));
}
static inline void v3i(HostCode *h, uint32_t op, unsigned d, unsigned a, unsigned b, unsigned imm) {
    v3mi(h, op, d, a, x_reg(b), imm);
}
static inline void v_mov(HostCode *h, unsigned d, unsigned s) {
    if (d != s) {
        v2(h, MOVAPS, d, s);
    }
}
static inline void v_zero(HostCode *h, unsigned d) {
    v3(h, PXOR, d, d, d);
}
static inline void v_not(HostCode *h, unsigned d, unsigned a) {
    v3m(h, PXOR, d, a, v_pool(POOL_ONES));
}

/* Shared sequences; e = log2 of the lane's bytes. d and t are none of the operands unless it says so. */
extern const uint32_t v_add[4], v_sub[4], v_unpack_low[4], v_unpack_high[4];
void v_shl(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n); /* d may be a; n up to the width */
void v_shr(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n); /* the same */
void v_sar(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n, unsigned t); /* the same */
void v_sign(HostCode *h, unsigned e, unsigned d, unsigned a); /* lanes of a < 0; d may be a when e > 0 */
void v_eq(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned b, unsigned t);
void v_gt(HostCode *h, unsigned e, bool is_signed, unsigned d, unsigned a, unsigned b, unsigned t);
void v_minmax(HostCode *h, unsigned e, bool is_signed, bool min, unsigned d, unsigned a, unsigned b, unsigned t);
/* Lanes of the low or high half of a, to twice the size. */
void v_widen(HostCode *h, unsigned e, bool is_signed, bool high, unsigned d, unsigned a);
/* Sets env.qc when t is not zero, where x and y differ. r is an integer register. */
void v_qc_if_any(HostCode *h, unsigned t, unsigned r);
void v_qc_if_differ(HostCode *h, unsigned x, unsigned y, unsigned t, unsigned r); /* t may be x */
/* The op in C, for the forms that a rule has no sequence for. Keeps all registers but d; host flags are lost. */
void v_call(HostCode *h, const HostOp *op);

/* The op in C when cc holds, from behind the block: as v_call, and back to here, or to where v_cold_back is called.
 * Operands must be in their registers still. */
void v_cold(HostCode *h, const HostOp *op, unsigned cc);
void v_cold_back(HostCode *h, const HostOp *op);

static inline unsigned v_lane(const HostOp *op) {
    return op->node->aux & IR_VEC_LANE;
}
static inline bool v_signed(const HostOp *op) {
    return op->node->aux & IR_VEC_SIGNED;
}

#endif
