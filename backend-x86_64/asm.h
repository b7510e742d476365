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
    if (h->end - h->p < 64) {
        h->overflow = true;
        h->p = h->start; /* keep writing where it does no harm */
    }
}

static inline void x_opcode(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned index, unsigned base) {
    unsigned rex = (flags & OP_W ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);
    x_begin(h);
    if (flags & OP_16) {
        x_byte(h, 0x66);
    }
    if (op >> 24) {
        x_byte(h, op >> 24);
    }
    if (rex || (flags & OP_BYTE && ((reg & 15) >= 4 || (base & 15) >= 4))) {
        x_byte(h, 0x40 | rex);
    }
    if (op >> 16 & 0xff) {
        x_byte(h, op >> 16 & 0xff);
    }
    if (op >> 8 & 0xff) {
        x_byte(h, op >> 8 & 0xff);
    }
    x_byte(h, op & 0xff);
}

/* op reg, rm: both registers (numbers of vector registers may be given with or without their base). */
static inline void x_rr(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned rm) {
    x_opcode(h, op, flags, reg & 15, 0, rm & 15);
    x_byte(h, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* op reg, [base + index * 2^scale + disp]; index RSP = none. */
static inline void x_rm(HostCode *h, uint32_t op, unsigned flags, unsigned reg, unsigned base, unsigned index,
                        unsigned scale, int32_t disp) {
    bool sib = index != RSP || (base & 7) == RSP;
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : x_fits8(disp) ? 1 : 2;
    x_opcode(h, op, flags, reg & 15, index == RSP ? 0 : index, base);
    x_byte(h, mod << 6 | (reg & 7) << 3 | (sib ? 4 : (base & 7)));
    if (sib) {
        x_byte(h, scale << 6 | (index & 7) << 3 | (base & 7));
    }
    if (mod == 1) {
        x_byte(h, (uint8_t)disp);
    } else if (mod == 2) {
        x_32(h, (uint32_t)disp);
    }
}

/* op reg, operand: a register, or memory of env or the spill area. */
static inline void x_ro(HostCode *h, uint32_t op, unsigned flags, unsigned reg, HostOperand o) {
    if (o.kind == HOST_REG) {
        x_rr(h, op, flags, reg, o.reg);
    } else if (o.kind == HOST_ENV) {
        x_rm(h, op, flags, reg, RBP, RSP, 0, o.disp - ENV_BIAS);
    } else {
        x_rm(h, op, flags, reg, RSP, RSP, 0, o.disp);
    }
}

/* Group 1 arithmetic (add 0, or 1, adc 2, sbb 3, and 4, sub 5, xor 6, cmp 7) with an immediate. */
static inline void x_group1(HostCode *h, unsigned n, unsigned flags, HostOperand o, int32_t imm) {
    if (x_fits8(imm)) {
        x_ro(h, 0x83, flags, n, o);
        x_byte(h, (uint8_t)imm);
    } else {
        x_ro(h, 0x81, flags, n, o);
        x_32(h, (uint32_t)imm);
    }
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
static inline HostFixup x_jcc(HostCode *h, unsigned cc) {
    x_begin(h);
    x_byte(h, 0x0f);
    x_byte(h, 0x80 | cc);
    x_32(h, 0);
    return x_offset(h) - 4;
}
static inline HostFixup x_jmp(HostCode *h) {
    x_begin(h);
    x_byte(h, 0xe9);
    x_32(h, 0);
    return x_offset(h) - 4;
}
static inline void x_bind_to(HostCode *h, HostFixup f, uint32_t offset) {
    int32_t rel = (int32_t)(offset - (f + 4));
    memcpy(h->start + f, &rel, 4);
}
static inline void x_bind(HostCode *h, HostFixup f) {
    x_bind_to(h, f, x_offset(h));
}
static inline void x_rel_to(HostCode *h, const uint8_t *exec_address) { /* displacement field to an address outside */
    x_32(h, (uint32_t)(exec_address - (h->exec + x_offset(h) + 4)));
}
static inline void x_jmp_stub(HostCode *h, const uint8_t *stub) {
    x_begin(h);
    x_byte(h, 0xe9);
    x_rel_to(h, stub);
}
static inline void x_call_stub(HostCode *h, const uint8_t *stub) {
    x_begin(h);
    x_byte(h, 0xe8);
    x_rel_to(h, stub);
}
static inline void x_jcc_stub(HostCode *h, unsigned cc, const uint8_t *stub) {
    x_begin(h);
    x_byte(h, 0x0f);
    x_byte(h, 0x80 | cc);
    x_rel_to(h, stub);
}
static inline void x_load_imm(HostCode *h, unsigned d, uint64_t v) {
    x_begin(h);
    if (v == (uint32_t)v) {
        if (d >= 8) {
            x_byte(h, 0x41);
        }
        x_byte(h, 0xb8 | (d & 7));
        x_32(h, (uint32_t)v);
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
    RULE(clz) RULE(bswap) RULE(sext) RULE(sxt) RULE(uxt) RULE(adc) RULE(sbc)
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
    RULE(vsub) RULE(vmul) RULE(vcmeq) RULE(vcmgt) RULE(vcmge) RULE(vshlr) RULE(vmull) RULE(vcnt) RULE(vrbit)           \
    RULE(vclz) RULE(vqdmulh) RULE(vqnarrow) RULE(vpmull) RULE(vaes) RULE(vaesmc) RULE(vand) RULE(vor) RULE(vxor)       \
    RULE(vzip1) RULE(vzip2)
#define X64_AVX512_RULES(RULE)                                                                                         \
    RULE(vbsl) RULE(vorn) RULE(vcmtst) RULE(vsar) RULE(vcnt) RULE(vrbit) RULE(vclz) RULE(vsha1) RULE(vsha2)            \
    RULE(vsha2s0) RULE(vsha2s1) RULE(vsmax) RULE(vsmin) RULE(vumax) RULE(vumin)
#define X64_MEM_RULES(RULE) RULE(ll) RULE(sc) RULE(cas) RULE(rmw) RULE(unmon) RULE(barrier)
/* emit_fp.c */
#define X64_FP_RULES(RULE)                                                                                             \
    RULE(fadd) RULE(fsub) RULE(fmul) RULE(fdiv) RULE(fsqrt) RULE(fmin) RULE(fmax) RULE(fminnm) RULE(fmaxnm)            \
    RULE(fneg) RULE(fabs) RULE(fabd) RULE(fcvt) RULE(f2i) RULE(i2f) RULE(fl_fcmp)                                      \
    RULE(vfadd) RULE(vfsub) RULE(vfmul) RULE(vfdiv) RULE(vfsqrt) RULE(vfneg) RULE(vfabs) RULE(vfabd) RULE(vfcmeq)      \
    RULE(vfcmge) RULE(vfcmgt) RULE(vi2f) RULE(vf2i) RULE(vfcvtl) RULE(vfcvtn) RULE(vfmin) RULE(vfmax) RULE(vfminnm) RULE(vfmaxnm)
#define X64_FP_AVX2_RULES(RULE) RULE(fmuladd) RULE(frint) RULE(vfmla) RULE(vfaddp) RULE(vfrint)
#define RULE(name) extern const HostRule x64_rule_##name;
X64_FP_RULES(RULE)
X64_INT_RULES(RULE)
X64_VEC_RULES(RULE)
X64_MEM_RULES(RULE)
#undef RULE
#define RULE(name) extern const HostRule x64_avx2_##name;
X64_FP_AVX2_RULES(RULE)
X64_AVX2_RULES(RULE)
#undef RULE
#define RULE(name) extern const HostRule x64_avx512_##name;
X64_AVX512_RULES(RULE)
#undef RULE
extern const HostRule x64_rule_sum, x64_rule_scaled_sum, x64_rule_difference;

#endif
