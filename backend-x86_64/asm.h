/* SPDX-License-Identifier: MIT */
/*
 * asm.h - encodes x86-64 instructions into a HostCode.
 * Spec: Intel SDM volume 2, chapter 2 (instruction format) and the opcode maps of appendix A.
 */
#ifndef BACKEND_X86_64_ASM_H
#define BACKEND_X86_64_ASM_H

#include <string.h>

#include "ir/host.h"

enum {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0 = 16, /* vector registers: 16 + number */
};

/* Condition codes, as in the low four bits of Jcc. */
enum { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* Opcodes: low byte last; 0x0fxx and 0x0f38xx stand for themselves; a mandatory prefix goes into bits 24..31. */
enum {
    OP_W = 1,     /* 64-bit operand size */
    OP_BYTE = 2,  /* byte registers: needs a REX prefix for sil, dil, ... */
    OP_16 = 4,    /* operand-size prefix */
};

enum { ENV_BIAS = 128 }; /* rbp = env + ENV_BIAS, so that the first 256 bytes take short displacements */

#define ENV_AT(field) ((HostOperand){.kind = HOST_ENV, .disp = (int32_t)offsetof(Env, field)})

static inline void x_byte(HostCode *h, unsigned b) {
    *h->p++ = (uint8_t)b;
}
static inline void x_32(HostCode *h, uint32_t v) {
    memcpy(h->p, &v, 4);
    h->p += 4;
}
static inline void x_64(HostCode *h, uint64_t v) {
    memcpy(h->p, &v, 8);
    h->p += 8;
}
static inline bool x_fits8(int64_t v) {
    return v == (int8_t)v;
}

/* Every instruction starts here: gives up in time when the room ends. */
static inline void x_begin(HostCode *h) {
    h->insns++;
    if (G_UNLIKELY(h->p > h->end)) {
        h->overflow = true;
        h->p = h->start; /* keep writing where it does no harm */
    }
}

/* The same for n instructions that are then written by a_X, which advance a pointer: x_end takes it back. */
static inline uint8_t *x_begin_n(HostCode *h, unsigned n) {
    h->insns += n;
    if (G_UNLIKELY(h->p + 16 * n > h->end)) {
        h->overflow = true;
        h->p = h->start;
    }
    return h->p;
}
static inline void x_end(HostCode *h, uint8_t *p) {
    h->p = p;
}

static inline uint8_t *a_32(uint8_t *p, uint32_t v) {
    memcpy(p, &v, 4);
    return p + 4;
}

/* Registers are below 16. May write a few bytes behind the instruction. */
static inline uint8_t *a_opcode(uint8_t *p, uint32_t op, unsigned flags, unsigned reg, unsigned index, unsigned base) {
    unsigned rex = 0x40 | (flags & OP_W ? 8 : 0) | reg >> 3 << 2 | index >> 3 << 1 | base >> 3;
    if (flags & OP_16) {
        *p++ = 0x66;
    }
    if (op >> 24) {
        *p++ = (uint8_t)(op >> 24);
    }
    *p = (uint8_t)rex;
    p += rex != 0x40 || (flags & OP_BYTE && (reg >= 4 || base >= 4));
    if (op >> 16 & 0xff) {
        *p++ = (uint8_t)(op >> 16);
    }
    if (op >> 8 & 0xff) {
        *p++ = (uint8_t)(op >> 8);
    }
    *p++ = (uint8_t)op;
    return p;
}

/* op reg, rm: both registers (numbers of vector registers may be given with or without their base). */
static inline uint8_t *a_rr(uint8_t *p, uint32_t op, unsigned flags, unsigned reg, unsigned rm) {
    p = a_opcode(p, op, flags, reg & 15, 0, rm & 15);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p;
}

/* op reg, [base + index * 2^scale + disp]; index RSP = none. */
static inline uint8_t *a_rm(uint8_t *p, uint32_t op, unsigned flags, unsigned reg, unsigned base, unsigned index,
                            unsigned scale, int32_t disp) {
    bool sib = index != RSP || (base & 7) == RSP;
    unsigned wide = !x_fits8(disp);
    unsigned mod = wide + ((disp != 0) | ((base & 7) == RBP)); /* 0, 1 or 4 bytes of displacement */
    p = a_opcode(p, op, flags, reg & 15, index == RSP ? 0 : index, base);
    *p = (uint8_t)(mod << 6 | (reg & 7) << 3 | (index == RSP ? base & 7 : 4));
    p[1] = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
    p += 1 + sib;
    a_32(p, (uint32_t)disp);
    return p + mod + 2 * wide;
}

/* op reg, [env + disp] */
static inline uint8_t *a_env(uint8_t *p, uint32_t op, unsigned flags, unsigned reg, int32_t disp) {
    return a_rm(p, op, flags, reg, RBP, RSP, 0, disp - ENV_BIAS);
}

/* op reg, operand: a register, or memory of env or the spill area. */
static inline uint8_t *a_ro(uint8_t *p, uint32_t op, unsigned flags, unsigned reg, HostOperand o) {
    if (o.kind == HOST_REG) {
        return a_rr(p, op, flags, reg, o.reg);
    }
    return o.kind == HOST_ENV ? a_env(p, op, flags, reg, o.disp) : a_rm(p, op, flags, reg, RSP, RSP, 0, o.disp);
}
static inline uint8_t *a_64(uint8_t *p, uint64_t v) {
    memcpy(p, &v, 8);
    return p + 8;
}

static inline void x_opcode(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned index, unsigned base) {
    x_begin(h);
    h->p = a_opcode(h->p, op, flags, reg, index, base);
}
static inline void x_rr(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned rm) {
    x_begin(h);
    h->p = a_rr(h->p, op, flags, reg, rm);
}
static inline void x_rm(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned base, unsigned index,
                        unsigned scale, int32_t disp) {
    x_begin(h);
    h->p = a_rm(h->p, op, flags, reg, base, index, scale, disp);
}
static inline void x_env(HostCode *h, uint32_t op, unsigned flags, unsigned reg, int32_t disp) {
    x_begin(h);
    h->p = a_env(h->p, op, flags, reg, disp);
}
static inline void x_ro(HostCode *h, uint32_t op, unsigned flags, unsigned reg, HostOperand o) {
    x_begin(h);
    h->p = a_ro(h->p, op, flags, reg, o);
}

/* Group 1 arithmetic (add 0, or 1, adc 2, sbb 3, and 4, sub 5, xor 6, cmp 7) with an immediate. */
static inline uint8_t *a_group1(uint8_t *p, unsigned n, unsigned flags, HostOperand o, int32_t imm) {
    bool fits = x_fits8(imm);
    p = a_ro(p, fits ? 0x83 : 0x81, flags, n, o);
    memcpy(p, &imm, 4);
    return p + (fits ? 1 : 4);
}
static inline void x_group1(HostCode *h, unsigned n, unsigned flags, HostOperand o, int32_t imm) {
    x_begin(h);
    h->p = a_group1(h->p, n, flags, o, imm);
}

static inline HostOperand x_reg(unsigned r) {
    return (HostOperand){.kind = HOST_REG, .reg = (uint8_t)r};
}
static inline unsigned x_w(IrType t) {
    return t == IR_I64 ? OP_W : 0;
}
/* d op= s, where s is a register, memory or immediate: n as in x_group1. */
static inline void x_alu(HostCode *h, unsigned n, unsigned flags, unsigned d, HostOperand s) {
    if (s.kind == HOST_IMM) {
        x_group1(h, n, flags, x_reg(d), (int32_t)s.imm);
    } else {
        x_ro(h, n << 3 | 3, flags, d, s);
    }
}
static inline void x_mov(HostCode *h, unsigned flags, unsigned d, unsigned s) {
    x_rr(h, 0x8b, flags, d, s);
}
static inline void x_shift(HostCode *h, unsigned n, unsigned flags, unsigned d, unsigned count) { /* rol 0 ror 1 shl 4 shr 5 sar 7 */
    x_rr(h, 0xc1, flags, n, d);
    x_byte(h, count);
}

/* Jumps to shared stubs and to addresses known only later. */
static inline uint32_t x_offset(const HostCode *h) {
    return (uint32_t)(h->p - h->start);
}
static inline uint8_t *a_jcc(uint8_t *p, unsigned cc) { /* its displacement is what precedes the result */
    *p++ = 0x0f;
    *p++ = (uint8_t)(0x80 | cc);
    return a_32(p, 0);
}
static inline uint8_t *a_rel_to(const HostCode *h, uint8_t *p, const uint8_t *exec_address) {
    return a_32(p, (uint32_t)(exec_address - (h->exec + (p - h->start) + 4)));
}
static inline uint8_t *a_jmp_stub(const HostCode *h, uint8_t *p, const uint8_t *stub) {
    *p++ = 0xe9;
    return a_rel_to(h, p, stub);
}
static inline uint8_t *a_jcc_stub(const HostCode *h, uint8_t *p, unsigned cc, const uint8_t *stub) {
    *p++ = 0x0f;
    *p++ = (uint8_t)(0x80 | cc);
    return a_rel_to(h, p, stub);
}
static inline HostFixup x_jcc(HostCode *h, unsigned cc) {
    x_begin(h);
    h->p = a_jcc(h->p, cc);
    return x_offset(h) - 4;
}
static inline HostFixup x_jmp(HostCode *h) {
    x_begin(h);
    *h->p = 0xe9;
    h->p = a_32(h->p + 1, 0);
    return x_offset(h) - 4;
}
static inline void x_bind_to(HostCode *h, HostFixup f, uint32_t offset) {
    int32_t rel = (int32_t)(offset - (f + 4));
    memcpy(h->start + f, &rel, 4);
}
static inline void x_bind(HostCode *h, HostFixup f) {
    x_bind_to(h, f, x_offset(h));
}
static inline void x_jmp_stub(HostCode *h, const uint8_t *stub) {
    x_begin(h);
    h->p = a_jmp_stub(h, h->p, stub);
}
static inline void x_call_stub(HostCode *h, const uint8_t *stub) {
    x_begin(h);
    *h->p = 0xe8;
    h->p = a_rel_to(h, h->p + 1, stub);
}
static inline void x_jcc_stub(HostCode *h, unsigned cc, const uint8_t *stub) {
    x_begin(h);
    h->p = a_jcc_stub(h, h->p, cc, stub);
}
static inline uint8_t *a_mov_imm32(uint8_t *p, unsigned d, uint32_t v) {
    *p = 0x41;
    p += d >= 8;
    *p = (uint8_t)(0xb8 | (d & 7));
    return a_32(p + 1, v);
}
static inline void x_load_imm(HostCode *h, unsigned d, uint64_t v) {
    x_begin(h);
    if (v == (uint32_t)v) {
        h->p = a_mov_imm32(h->p, d, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        x_rr(h, 0xc7, OP_W, 0, d);
        x_32(h, (uint32_t)v);
    } else {
        x_byte(h, 0x48 | (d >> 3));
        x_byte(h, 0xb8 | (d & 7));
        x_64(h, v);
    }
}

/* -- the rules, by file -- */
/* emit_int.c */
#define X64_INT_RULES(RULE)                                                                                            \
    RULE(add) RULE(sub) RULE(mul) RULE(umulh) RULE(smulh) RULE(udiv) RULE(sdiv) RULE(and) RULE(or) RULE(xor)           \
    RULE(andn) RULE(neg) RULE(not) RULE(shl) RULE(shr) RULE(sar) RULE(ror) RULE(extr) RULE(ubfx) RULE(sbfx) RULE(bfi)  \
    RULE(bswap) RULE(sext) RULE(sxt) RULE(uxt) RULE(adc) RULE(sbc)
/* emit_bits.c */
#define X64_BITS_RULES(RULE) RULE(clz) RULE(ctz) RULE(rbit) RULE(rev16)
#define X64_BITS_AVX2_RULES(RULE) RULE(clz) RULE(ctz) RULE(crc32)
#define X64_BITS_AVX512_RULES(RULE) RULE(rbit)
#define X64_INT_AVX2_RULES(RULE) RULE(mul) RULE(umulh) RULE(andn) RULE(ror)
#define X64_VEC_RULES(RULE)                                                                                            \
    RULE(vpair) RULE(vlow) RULE(vlow64) RULE(vlane0) RULE(vzext) RULE(fbits) RULE(bitsf) RULE(vandn) RULE(vorn)        \
    RULE(vnot) RULE(vbsl) RULE(vdup) RULE(vdupl) RULE(vget) RULE(vput) RULE(vins) RULE(vext) RULE(vuzp1) RULE(vuzp2)   \
    RULE(vtrn1) RULE(vtrn2) RULE(vrev) RULE(vadd) RULE(vsub) RULE(vmul) RULE(vneg) RULE(vabs) RULE(vabd) RULE(vhadd)   \
    RULE(vhsub) RULE(vcmeq) RULE(vcmgt) RULE(vcmge) RULE(vcmhi) RULE(vcmhs) RULE(vcmtst) RULE(vshl) RULE(vshr)         \
    RULE(vsar) RULE(vrshr) RULE(vsli) RULE(vsri) RULE(vwiden) RULE(vnarrow) RULE(vmull) RULE(vaddlp) RULE(vaddv)       \
    RULE(vmaxv) RULE(vdot) RULE(vqadd) RULE(vqsub) RULE(vqneg) RULE(vqabs) RULE(vsha1h) RULE(vsha1s0) RULE(vsha1s1)    \
    RULE(vand) RULE(vor) RULE(vxor) RULE(vzip1) RULE(vzip2) RULE(vsmax) RULE(vsmin) RULE(vumax) RULE(vumin)
/* In place of those from a level on. */
#define X64_AVX2_RULES(RULE)                                                                                           \
    RULE(vpair) RULE(vandn) RULE(vget) RULE(vput) RULE(vins) RULE(vext) RULE(vrev) RULE(vtbl) RULE(vtbx) RULE(vadd)    \
    RULE(vsub) RULE(vmul) RULE(vcmeq) RULE(vcmgt) RULE(vcmge) RULE(vshlr) RULE(vshm) RULE(vmull) RULE(vcnt) RULE(vrbit)           \
    RULE(vclz) RULE(vqdmulh) RULE(vqdmull) RULE(vqnarrow) RULE(vpmull) RULE(vaes) RULE(vaesmc) RULE(vand) RULE(vor)    \
    RULE(vxor) RULE(vzip1) RULE(vzip2)
#define X64_AVX512_RULES(RULE)                                                                                         \
    RULE(vbsl) RULE(vorn) RULE(vcmtst) RULE(vsar) RULE(vcnt) RULE(vrbit) RULE(vclz) RULE(vsha1) RULE(vsha2)            \
    RULE(vsha2s0) RULE(vsha2s1) RULE(vsmax) RULE(vsmin) RULE(vumax) RULE(vumin)
#define X64_MEM_RULES(RULE) RULE(ll) RULE(sc) RULE(cas) RULE(rmw) RULE(unmon) RULE(barrier)
/* emit_fp.c */
#define X64_FP_RULES(RULE)                                                                                             \
    RULE(fadd) RULE(fsub) RULE(fmul) RULE(fdiv) RULE(fsqrt) RULE(fmin) RULE(fmax) RULE(fminnm) RULE(fmaxnm)            \
    RULE(fneg) RULE(fabs) RULE(fabd) RULE(fcvt) RULE(f2i) RULE(i2f) RULE(fl_fcmp)                                      \
    RULE(fsadd) RULE(fssub) RULE(fsmul) RULE(fsdiv) RULE(fssqrt) RULE(fswiden) RULE(fsnarrow)                          \
    RULE(vfadd) RULE(vfsub) RULE(vfmul) RULE(vfdiv) RULE(vfsqrt) RULE(vfneg) RULE(vfabs) RULE(vfabd) RULE(vfcmeq)      \
    RULE(vfcmge) RULE(vfcmgt) RULE(vi2f) RULE(vf2i) RULE(vfcvtl) RULE(vfcvtn) RULE(vfmin) RULE(vfmax) RULE(vfminnm) RULE(vfmaxnm)
/* emit_fp_pairs.c */
#define X64_FP_PAIRS_RULES(RULE)                                                                                       \
    RULE(vfaddp) RULE(vfminp) RULE(vfmaxp) RULE(vfminnmp) RULE(vfmaxnmp) RULE(vfminv) RULE(vfmaxv) RULE(vfminnmv)      \
    RULE(vfmaxnmv)
#define X64_FP_PAIRS_AVX2_RULES(RULE) RULE(frecps) RULE(vfrecps) RULE(frsqrts) RULE(vfrsqrts)
#define X64_FP_AVX512_RULES(RULE) RULE(fadd) RULE(fsub) RULE(fmul) RULE(fdiv) RULE(fsqrt) RULE(fabd) RULE(fneg) RULE(fmuladd) \
    RULE(frint)
#define X64_FP_AVX2_RULES(RULE) RULE(fmuladd) RULE(fsmuladd) RULE(frint) RULE(vfmla) RULE(vfrint)
#define RULE(name) extern const HostRule x64_rule_##name;
X64_FP_RULES(RULE)
X64_FP_PAIRS_RULES(RULE)
X64_INT_RULES(RULE)
X64_BITS_RULES(RULE)
X64_VEC_RULES(RULE)
X64_MEM_RULES(RULE)
#undef RULE
#define RULE(name) extern const HostRule x64_avx2_##name;
X64_INT_AVX2_RULES(RULE)
X64_FP_AVX2_RULES(RULE)
X64_FP_PAIRS_AVX2_RULES(RULE)
X64_AVX2_RULES(RULE)
X64_BITS_AVX2_RULES(RULE)
#undef RULE
#define RULE(name) extern const HostRule x64_avx512_##name;
X64_AVX512_RULES(RULE)
X64_FP_AVX512_RULES(RULE)
X64_BITS_AVX512_RULES(RULE)
#undef RULE
extern const HostRule x64_rule_sum, x64_rule_scaled_sum;

#endif
