/* SPDX-License-Identifier: MIT */
/*
 * vec_helper.c - helpers of AltiVec insns.
 * Spec: Power ISA 3.0B Book I, 6.3.2 (VSCR), 6.9 (sums), 6.10 (rotations), 6.12 (polynomials), 6.14, 6.15 (bits).
 *
 * Registers are as trans_vec.h says. Helpers that name registers have them in one word: the result's lowest, then a, b, c.
 */
#include "frontend/ppc/spr.h"
#include "frontend/ppc/vec_helper.h"

uint64_t ppc_helper_vscr_read(Env *env);
void ppc_helper_vscr_write(Env *env, uint64_t v);
uint64_t ppc_helper_vrotate_mask(Env *env, uint64_t b, uint32_t size);
void ppc_helper_vmsum(Env *env, uint32_t regs, uint32_t is_signed);
uint64_t ppc_helper_vpmsum(Env *env, uint64_t a, uint64_t b, uint32_t size);
uint64_t ppc_helper_vbpermq(Env *env, const IrVal *a, const IrVal *b);
uint64_t ppc_helper_vgbbd(Env *env, uint64_t v);
uint64_t ppc_helper_vshift(Env *env, const IrVal *a, const IrVal *b, uint32_t how);

/* -- VSCR: SAT is env.qc -- */

enum { SAT = 1, NON_JAVA = 1 << 16 };

uint64_t ppc_helper_vscr_read(Env *env) {
    return (ppc_cpu(env)->vscr & NON_JAVA) | (env->qc ? SAT : 0);
}

void ppc_helper_vscr_write(Env *env, uint64_t v) {
    ppc_cpu(env)->vscr = v & NON_JAVA;
    env->qc = v & SAT;
}

/* -- sums, rotations, products -- */

void ppc_helper_vmsum(Env *env, uint32_t regs, uint32_t is_signed) {
    const IrVal *a = ppc_vr(env, regs >> 8), *b = ppc_vr(env, regs >> 16), *c = ppc_vr(env, regs >> 24);
    IrVal r;
    for (unsigned i = 0; i < 4; i++) {
        int64_t sum = is_signed ? (int64_t)c->ss[i] : (int64_t)c->s[i];
        int64_t least = is_signed ? INT32_MIN : 0, most = is_signed ? INT32_MAX : (int64_t)UINT32_MAX;
        for (unsigned k = 2 * i; k < 2 * i + 2; k++) {
            sum += is_signed ? (int64_t)a->sh[k] * b->sh[k] : (int64_t)a->h[k] * b->h[k];
        }
        env->qc |= sum < least || sum > most;
        r.s[i] = (uint32_t)(sum < least ? least : sum > most ? most : sum);
    }
    *ppc_vr(env, regs) = r;
}

/* In each lane of a doubleword ones from bit mb to me, counted from the highest, or around the ends */
uint64_t ppc_helper_vrotate_mask(Env *env, uint64_t b, uint32_t size) {
    unsigned width = 8u << size;
    uint64_t all = UINT64_MAX >> (64 - width), r = 0;
    for (unsigned i = 0; i < 64; i += width) {
        unsigned mb = b >> (i + 16) & (width - 1), me = b >> (i + 8) & (width - 1);
        uint64_t from = all >> mb, to = all << (width - 1 - me) & all;
        r |= (mb <= me ? from & to : from | to) << i;
    }
    return r;
}

uint64_t ppc_helper_vpmsum(Env *env, uint64_t a, uint64_t b, uint32_t size) {
    unsigned width = 8u << size;
    uint64_t mask = UINT64_MAX >> (64 - width), r = 0;
    for (unsigned i = 0; i < 64; i += width) {
        uint64_t x = a >> i & mask, y = b >> i & mask, product = 0;
        for (unsigned k = 0; k < width; k++) {
            product ^= y >> k & 1 ? x << k : 0;
        }
        r ^= product << i / (2 * width) * (2 * width);
    }
    return r;
}

/* -- bits; bytes are counted from the first -- */

static uint8_t byte_of(const IrVal *v, unsigned n) {
    return v->b[n ^ 7];
}

/* Each byte of b picks a bit of a. */
uint64_t ppc_helper_vbpermq(Env *env, const IrVal *a, const IrVal *b) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned n = byte_of(b, i);
        v = v << 1 | (n < 128 ? a->d[n / 64] >> (63 - n % 64) & 1 : 0);
    }
    return v;
}

/* Bits of eight bytes, transposed */
uint64_t ppc_helper_vgbbd(Env *env, uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i++) {
        r |= (v >> i & 1) << (i % 8 * 8 + i / 8);
    }
    return r;
}

/* Of the whole register, by bits or bytes that the last byte of b counts */
uint64_t ppc_helper_vshift(Env *env, const IrVal *a, const IrVal *b, uint32_t how) {
    unsigned n = how & 2 ? byte_of(b, 15) & 0x78 : byte_of(b, 15) & 7;
    unsigned __int128 v = (unsigned __int128)a->d[0] << 64 | a->d[1];
    v = how & 1 ? v >> n : v << n;
    return how & 4 ? (uint64_t)v : (uint64_t)(v >> 64);
}
