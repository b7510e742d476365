/* SPDX-License-Identifier: MIT */
/*
 * semantics.h - what the integer, flags and move ops of ops.def compute, as inline functions.
 *
 * Written once for two users: interp_int.c makes the interp_<op> of each, interp.c puts them into its loop.
 * Bits of a value above its type are unspecified on the way in and on the way out.
 */
#ifndef IR_SEMANTICS_H
#define IR_SEMANTICS_H

#include "ir/ir.h"

/* Every op defined here, and which operand is its `i` (a, b, c, or none). */
#define IR_INT_OPS(X)                                                                                                  \
    X(add, none) X(sub, none) X(mul, none) X(umulh, none) X(smulh, none) X(udiv, none) X(sdiv, none) X(and, none)      \
    X(or, none) X(xor, none) X(andn, none) X(neg, none) X(not, none) X(shl, none) X(shr, none) X(sar, none)            \
    X(ror, none) X(extr, c) X(ubfx, b) X(sbfx, b) X(bfi, c) X(clz, none) X(ctz, none) X(rbit, none) X(bswap, none)     \
    X(rev16, none) X(trunc, none) X(zext, none) X(sext, none) X(sxt, none) X(uxt, none) X(crc32, none)                 \
    X(fl_add, none) X(fl_sub, none) X(fl_adc, none) X(fl_sbc, none) X(fl_logic, none) X(fl_nzcv, none)                 \
    X(fl_sel, none) X(nzcv_of, none) X(adc, none) X(sbc, none) X(cset, none) X(csel, none) X(setc, none) X(pcrel, a)   \
    X(vpair, none) X(vlow, none) X(vzext, none) X(fbits, none) X(bitsf, none)

#define SEM(name)                                                                                                      \
    static inline __attribute__((always_inline)) void sem_##name(Env *env, IrVal *d, const IrVal *a, const IrVal *b,   \
                                                                 const IrVal *c, uint64_t info)

/* True when the node's type is i32. */
static inline bool sem_narrow(uint64_t info) {
    return IR_INFO_TYPE(info) == IR_I32;
}

/* -- conditions and flags -- */

static inline bool sem_cond(unsigned cond, uint32_t flags) {
    /* Bit i of a row: does the condition hold when NZCV, as a four-bit number, is i? */
    static const uint16_t holds[16] = {
        0xf0f0, 0x0f0f, 0xcccc, 0x3333, 0xff00, 0x00ff, 0xaaaa, 0x5555,
        0x0c0c, 0xf3f3, 0xaa55, 0x55aa, 0x0a05, 0xf5fa, 0xffff, 0xffff,
    };
    return holds[cond & 15] >> ((flags >> 12 & 0xc) | (flags >> 7 & 2) | (flags & 1)) & 1;
}

static inline unsigned sem_carry(const IrVal *flags) {
    return flags->u32 / IR_FLAG_C & 1;
}

/* Flags of a + b + carry; a subtraction passes ~b. */
static inline uint32_t sem_flags64(uint64_t a, uint64_t b, unsigned carry) {
    uint64_t r = a + b + carry;
    uint32_t c = r < a || (carry && r == a);
    uint32_t v = (uint32_t)(((a ^ r) & (b ^ r)) >> 63);
    return (uint32_t)(r >> 63) * IR_FLAG_N | (r == 0) * IR_FLAG_Z | c * IR_FLAG_C | v * IR_FLAG_V;
}
static inline uint32_t sem_flags32(uint32_t a, uint32_t b, unsigned carry) {
    uint32_t r = a + b + carry;
    uint32_t c = r < a || (carry && r == a);
    uint32_t v = ((a ^ r) & (b ^ r)) >> 31;
    return (r >> 31) * IR_FLAG_N | (r == 0) * IR_FLAG_Z | c * IR_FLAG_C | v * IR_FLAG_V;
}
static inline __attribute__((always_inline)) uint32_t sem_flags(const IrVal *a, uint64_t b, unsigned carry,
                                                                uint64_t info) {
    return IR_INFO_AUX(info) & IR_AUX_WIDE ? sem_flags64(a->u64, b, carry) : sem_flags32(a->u32, (uint32_t)b, carry);
}

SEM(fl_add) { d->u64 = sem_flags(a, b->u64, 0, info); }
SEM(fl_sub) { d->u64 = sem_flags(a, ~b->u64, 1, info); }
SEM(fl_adc) { d->u64 = sem_flags(a, b->u64, sem_carry(c), info); }
SEM(fl_sbc) { d->u64 = sem_flags(a, ~b->u64, sem_carry(c), info); }
SEM(fl_logic) {
    uint64_t v = IR_INFO_AUX(info) & IR_AUX_WIDE ? a->u64 : (uint64_t)a->u32 << 32;
    d->u64 = (v >> 63) * IR_FLAG_N | (uint64_t)(v == 0) * IR_FLAG_Z;
}
SEM(fl_nzcv) {
    uint32_t v = a->u32;
    d->u64 = (v >> 16 & (IR_FLAG_N | IR_FLAG_Z)) | (v >> 21 & IR_FLAG_C) | (v >> 28 & IR_FLAG_V);
}
SEM(nzcv_of) {
    uint32_t f = a->u32;
    d->u64 = (f & (IR_FLAG_N | IR_FLAG_Z)) << 16 | (f & IR_FLAG_C) << 21 | (f & IR_FLAG_V) << 28;
}
SEM(fl_sel) { d->u64 = sem_cond(IR_INFO_AUX(info), a->u32) ? b->u64 : c->u64; }
SEM(adc) { d->u64 = a->u64 + b->u64 + sem_carry(c); }
SEM(sbc) { d->u64 = a->u64 + ~b->u64 + sem_carry(c); }
SEM(cset) { d->u64 = sem_cond(IR_INFO_AUX(info), a->u32); }
SEM(csel) { *d = sem_cond(IR_INFO_AUX(info), a->u32) ? *b : *c; }
SEM(setc) { d->u64 = sem_cond(IR_INFO_AUX(info), sem_flags(a, ~b->u64, 1, info)); }

/* -- arithmetic and logic -- */

SEM(add) { d->u64 = a->u64 + b->u64; }
SEM(sub) { d->u64 = a->u64 - b->u64; }
SEM(mul) { d->u64 = a->u64 * b->u64; }
SEM(and) { d->u64 = a->u64 & b->u64; }
SEM(or) { d->u64 = a->u64 | b->u64; }
SEM(xor) { d->u64 = a->u64 ^ b->u64; }
SEM(andn) { d->u64 = a->u64 & ~b->u64; }
SEM(neg) { d->u64 = -a->u64; }
SEM(not) { d->u64 = ~a->u64; }

SEM(umulh) {
    d->u64 = sem_narrow(info) ? (uint64_t)a->u32 * b->u32 >> 32
                              : (uint64_t)((unsigned __int128)a->u64 * b->u64 >> 64);
}
SEM(smulh) {
    d->u64 = sem_narrow(info) ? (uint64_t)((int64_t)a->i32 * b->i32 >> 32)
                              : (uint64_t)((__int128)a->i64 * b->i64 >> 64);
}
SEM(udiv) {
    if (sem_narrow(info)) {
        d->u64 = b->u32 ? a->u32 / b->u32 : 0;
    } else {
        d->u64 = b->u64 ? a->u64 / b->u64 : 0;
    }
}
SEM(sdiv) { /* dividing by -1 is negation, which wraps where the host's division would trap */
    if (sem_narrow(info)) {
        d->u64 = b->i32 == 0 ? 0 : b->i32 == -1 ? -a->u32 : (uint32_t)(a->i32 / b->i32);
    } else {
        d->u64 = b->i64 == 0 ? 0 : b->i64 == -1 ? -a->u64 : (uint64_t)(a->i64 / b->i64);
    }
}

/* -- shifts and fields -- */

SEM(shl) { d->u64 = sem_narrow(info) ? a->u32 << (b->u32 & 31) : a->u64 << (b->u32 & 63); }
SEM(shr) { d->u64 = sem_narrow(info) ? a->u32 >> (b->u32 & 31) : a->u64 >> (b->u32 & 63); }
SEM(sar) { d->i64 = sem_narrow(info) ? a->i32 >> (b->u32 & 31) : a->i64 >> (b->u32 & 63); }
SEM(ror) {
    unsigned n = b->u32;
    d->u64 = sem_narrow(info) ? a->u32 >> (n & 31) | a->u32 << (-n & 31) : a->u64 >> (n & 63) | a->u64 << (-n & 63);
}
SEM(extr) {
    unsigned n = (unsigned)IR_INFO_IMM(info);
    if (sem_narrow(info)) {
        d->u64 = (uint32_t)(((uint64_t)a->u32 << 32 | b->u32) >> (n & 31));
    } else {
        d->u64 = n & 63 ? b->u64 >> (n & 63) | a->u64 << (64 - (n & 63)) : b->u64;
    }
}

/* The low `bits` bits set, 0 <= bits <= 64. */
static inline uint64_t sem_ones(unsigned bits) {
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}
static inline uint64_t sem_sign(uint64_t v, unsigned bits) {
    unsigned n = bits - 1 < 64 ? 64 - bits : 0;
    return (uint64_t)((int64_t)(v << n) >> n);
}
#define SEM_POS(info) (IR_INFO_IMM(info) & 63)
#define SEM_LEN(info) ((unsigned)IR_INFO_IMM(info) >> 8)

SEM(ubfx) { d->u64 = a->u64 >> SEM_POS(info) & sem_ones(SEM_LEN(info)); }
SEM(sbfx) { d->u64 = sem_sign(a->u64 >> SEM_POS(info), SEM_LEN(info)); }
SEM(bfi) {
    uint64_t mask = sem_ones(SEM_LEN(info)) << SEM_POS(info);
    d->u64 = (a->u64 & ~mask) | (b->u64 << SEM_POS(info) & mask);
}
SEM(sxt) { d->u64 = sem_sign(a->u64, IR_INFO_AUX(info)); }
SEM(uxt) { d->u64 = a->u64 & sem_ones(IR_INFO_AUX(info)); }
SEM(trunc) { d->u64 = a->u32; }
SEM(zext) { d->u64 = a->u32; }
SEM(sext) { d->i64 = a->i32; }

/* -- bit and byte order -- */

SEM(clz) {
    if (sem_narrow(info)) {
        d->u64 = a->u32 ? (uint64_t)__builtin_clz(a->u32) : 32;
    } else {
        d->u64 = a->u64 ? (uint64_t)__builtin_clzll(a->u64) : 64;
    }
}
SEM(ctz) {
    if (sem_narrow(info)) {
        d->u64 = a->u32 ? (uint64_t)__builtin_ctz(a->u32) : 32;
    } else {
        d->u64 = a->u64 ? (uint64_t)__builtin_ctzll(a->u64) : 64;
    }
}
SEM(bswap) { d->u64 = sem_narrow(info) ? __builtin_bswap32(a->u32) : __builtin_bswap64(a->u64); }
SEM(rev16) {
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
    d->u64 = (a->u64 & even) << 8 | (a->u64 >> 8 & even);
}
SEM(rbit) {
    uint64_t v = __builtin_bswap64(a->u64);
    v = (v >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (v & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    v = (v >> 2 & UINT64_C(0x3333333333333333)) | (v & UINT64_C(0x3333333333333333)) << 2;
    v = (v >> 1 & UINT64_C(0x5555555555555555)) | (v & UINT64_C(0x5555555555555555)) << 1;
    d->u64 = sem_narrow(info) ? v >> 32 : v;
}
SEM(crc32) {
    uint32_t polynomial = IR_INFO_AUX(info) & 4 ? 0x82f63b78 : 0xedb88320; /* bit-reversed */
    unsigned bytes = 1u << (IR_INFO_AUX(info) & 3);
    uint32_t crc = a->u32;
    for (unsigned i = 0; i < bytes; i++) {
        crc ^= b->b[i];
        for (unsigned k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (-(crc & 1) & polynomial);
        }
    }
    d->u64 = crc;
}

/* -- moves between register classes -- */

SEM(pcrel) { d->u64 = env->pcbase + (uint64_t)(int64_t)IR_INFO_IMM(info); }
SEM(vpair) {
    d->d[0] = a->u64;
    d->d[1] = b->u64;
}
SEM(vlow) { d->u64 = a->u64; }
SEM(vzext) {
    d->d[0] = a->u64 & sem_ones(8u << (IR_INFO_AUX(info) >> IR_AUX_FP_SHIFT));
    d->d[1] = 0;
}
SEM(fbits) { d->u64 = a->u64 & sem_ones(8u << (IR_INFO_AUX(info) >> IR_AUX_FP_SHIFT)); }
SEM(bitsf) { d->u64 = a->u64; }

#endif
