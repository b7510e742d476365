/* SPDX-License-Identifier: MIT */
/*
 * trans_vec_perm.c - PowerPC AltiVec and VSX: logic, and what moves bits, bytes and elements.
 * Spec: Power ISA 3.0B Book I, 6.8 (permutation), 6.11 (logic), 6.14, 6.15 (bits), 7.6.3 (VSX).
 *
 * Byte i of a register, counted from the first, is byte i ^ 7 of the v128. What takes neighbours across doublewords is
 * done on the quadword as a number (ppc_turn), in which byte i is 15 - i.
 */
#include "frontend/ppc/trans_vec.h"

enum { BYTES = 0, WORDS = 2, DOUBLEWORDS = 3 };

/* Byte i of the result is byte from[i] of v, from the first; NONE: zero */
enum { NONE = 255 };
static uint32_t byte_map(Trans *t, const uint8_t *from) {
    uint64_t v[2] = {0, 0};
    for (unsigned i = 0; i < 16; i++) {
        v[i / 8] = v[i / 8] << 8 | (from[i] == NONE ? NONE : from[i] ^ 7);
    }
    return ppc_v128(t, v[0], v[1]);
}

static uint32_t dup_byte(Trans *t, uint8_t v) {
    return ppc_v128(t, v * UINT64_C(0x0101010101010101), v * UINT64_C(0x0101010101010101));
}

/* -- logic -- */

static uint32_t logic(Trans *t, unsigned op, unsigned invert, unsigned a, unsigned b) {
    uint32_t v = ppc_op2(t, op, IR_V128, ppc_get_v(t, a), ppc_get_v(t, b));
    return invert ? ppc_op1(t, IR_vnot, IR_V128, v) : v;
}

void ppc_shape_vlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, logic(t, op, invert, PPC_VR + f->va, PPC_VR + f->vb));
    }
}

void ppc_shape_xxlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), logic(t, op, invert, PPC_A(f), PPC_B(f)));
    }
}

static uint32_t select_bits(Trans *t, unsigned a, unsigned b, unsigned mask) {
    return ir_emit(t->ir, IR_vbsl, IR_V128, 0, ppc_get_v(t, mask), ppc_get_v(t, b), ppc_get_v(t, a));
}

void ppc_trans_vsel(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, select_bits(t, PPC_VR + f->va, PPC_VR + f->vb, PPC_VR + f->vc));
    }
}

void ppc_trans_xxsel(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), select_bits(t, PPC_A(f), PPC_B(f), PPC_C(f)));
    }
}

/* -- merges, splats, packs -- */

/* Elements by turns. A zip of doubleword 0 has them in order, but its second half first; transposition has not. */
static uint32_t merge(Trans *t, unsigned op, unsigned size, uint32_t a, uint32_t b) {
    uint32_t v = ppc_v2(t, op, size, b, a);
    return op == IR_vzip1 || op == IR_vzip2 ? ppc_turn(t, v) : v;
}

void ppc_shape_vmerge(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, merge(t, op, size, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb)));
    }
}

void ppc_shape_xxmerge(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), merge(t, op, WORDS, ppc_get_v(t, PPC_A(f)), ppc_get_v(t, PPC_B(f))));
    }
}

static uint32_t splat(Trans *t, uint32_t v, unsigned n, unsigned size) {
    return ir_emit(t->ir, IR_vdupl, IR_V128, size, v, n ^ ((8u >> size) - 1), 0);
}

void ppc_shape_vsplat(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, splat(t, ppc_get_vr(t, f->vb), f->uim, size));
    }
}

void ppc_trans_xxspltw(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), splat(t, ppc_get_v(t, PPC_B(f)), f->uim, WORDS));
    }
}

void ppc_shape_vsplat_i(Trans *t, const PpcFields *f, unsigned size) {
    static const uint64_t ones[] = {UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001), UINT64_C(0x100000001)};
    if (ppc_vec(t)) {
        uint64_t v = (uint64_t)(int64_t)ppc_sext(f->sim, 5) & (UINT64_MAX >> (64 - (8u << size)));
        ppc_set_vr(t, f->vt, ppc_v128(t, v * ones[size], v * ones[size]));
    }
}

void ppc_trans_xxspltib(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        ppc_set_v(t, PPC_T(f), dup_byte(t, (uint8_t)f->imm));
    }
}

/* Elements of 2^size bytes, which stand in the order of both registers' lanes: the halves of each doubleword change places. */
static void set_packed(Trans *t, const PpcFields *f, uint32_t v) {
    ppc_set_vr(t, f->vt, ir_emit(t->ir, IR_vrev, IR_V128, WORDS, v, 3, 0));
}

void ppc_shape_vpack(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        set_packed(t, f, ppc_v2(t, IR_vuzp1, size, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb)));
    }
}

void ppc_shape_vpack_saturated(Trans *t, const PpcFields *f, unsigned size, unsigned aux) {
    if (ppc_vec(t)) {
        uint32_t a = ppc_v1(t, IR_vqnarrow, size | aux, ppc_get_vr(t, f->va));
        uint32_t b = ppc_v1(t, IR_vqnarrow, size | aux, ppc_get_vr(t, f->vb));
        set_packed(t, f, ppc_v2(t, IR_vzip1, DOUBLEWORDS, a, b));
    }
}

static uint32_t field(Trans *t, uint32_t v, IrOp op, unsigned n, uint64_t mask) {
    v = n ? ir_emit(t->ir, op, IR_V128, WORDS, v, n, 0) : v;
    return ppc_op2(t, IR_vand, IR_V128, v, ppc_v128(t, mask << 32 | mask, mask << 32 | mask));
}

static uint32_t or3(Trans *t, uint32_t a, uint32_t b, uint32_t c) {
    return ppc_op2(t, IR_vor, IR_V128, a, ppc_op2(t, IR_vor, IR_V128, b, c));
}

/* Pixels of 8 8 8 8 bits to such of 1 5 5 5, and back */
static uint32_t pixels(Trans *t, uint32_t v) {
    return or3(t, field(t, v, IR_vshr, 9, 0xfc00), field(t, v, IR_vshr, 6, 0x3e0), field(t, v, IR_vshr, 3, 0x1f));
}

void ppc_trans_vpkpx(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t a = pixels(t, ppc_get_vr(t, f->va)), b = pixels(t, ppc_get_vr(t, f->vb));
        set_packed(t, f, ppc_v2(t, IR_vuzp1, 1, a, b));
    }
}

static uint32_t unpacked(Trans *t, const PpcFields *f, unsigned size, unsigned low) {
    return ppc_turn(t, ppc_v1(t, IR_vwiden, size | IR_VEC_SIGNED | (low ? IR_VEC_HIGH : 0), ppc_get_vr(t, f->vb)));
}

void ppc_shape_vunpack(Trans *t, const PpcFields *f, unsigned size, unsigned low) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, unpacked(t, f, size, low));
    }
}

void ppc_shape_vunpack_pixel(Trans *t, const PpcFields *f, unsigned low) {
    if (ppc_vec(t)) {
        uint32_t v = unpacked(t, f, 1, low);
        uint32_t ends = field(t, v, IR_vshl, 0, 0xff00001f);
        ppc_set_vr(t, f->vt, or3(t, ends, field(t, v, IR_vshl, 6, 0x1f0000), field(t, v, IR_vshl, 3, 0x1f00)));
    }
}

/* -- permutations -- */

/* Bytes of a and b as the low five bits of those of c say; `flip` makes lanes of them. */
static uint32_t permuted(Trans *t, uint32_t a, uint32_t b, uint32_t c, unsigned flip) {
    uint32_t index = ppc_op2(t, IR_vand, IR_V128, c, dup_byte(t, 31));
    index = ppc_op2(t, IR_vxor, IR_V128, index, dup_byte(t, (uint8_t)flip));
    uint32_t v = ppc_v2(t, IR_vtbl, 0, a, index);
    return ppc_op2(t, IR_vor, IR_V128, v, ppc_v2(t, IR_vtbl, 16, b, index));
}

void ppc_shape_vpermute(Trans *t, const PpcFields *f, unsigned flip) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, permuted(t, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb), ppc_get_vr(t, f->vc), flip));
    }
}

void ppc_shape_xxpermute(Trans *t, const PpcFields *f, unsigned flip) {
    if (ppc_vsx(t)) {
        uint32_t b = ppc_get_v(t, PPC_T(f)), c = ppc_get_v(t, PPC_B(f));
        ppc_set_v(t, PPC_T(f), permuted(t, ppc_get_v(t, PPC_A(f)), b, c, flip));
    }
}

/* Each byte: that of a which the upper half of c's names ^ that of b which the lower one names */
void ppc_trans_vpermxor(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t c = ppc_get_vr(t, f->vc), seven = dup_byte(t, 7);
        uint32_t high = ppc_op2(t, IR_vxor, IR_V128, ir_emit(t->ir, IR_vshr, IR_V128, BYTES, c, 4, 0), seven);
        uint32_t low = ppc_op2(t, IR_vxor, IR_V128, ppc_op2(t, IR_vand, IR_V128, c, dup_byte(t, 15)), seven);
        uint32_t a = ppc_v2(t, IR_vtbl, 0, ppc_get_vr(t, f->va), high);
        ppc_set_vr(t, f->vt, ppc_op2(t, IR_vxor, IR_V128, a, ppc_v2(t, IR_vtbl, 0, ppc_get_vr(t, f->vb), low)));
    }
}

/* The quadword from byte n < 16 of a:b on */
static uint32_t extract(Trans *t, uint32_t a, uint32_t b, unsigned n) {
    if (n == 8 && a == b) {
        return ppc_turn(t, a);
    }
    if (n % 8 == 0) {
        return n ? ir_emit(t->ir, IR_vext, IR_V128, 0, a, b, 8) : a;
    }
    return ppc_turn(t, ir_emit(t->ir, IR_vext, IR_V128, 0, ppc_turn(t, b), ppc_turn(t, a), 16 - n));
}

void ppc_trans_vsldoi(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, extract(t, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb), f->shb));
    }
}

void ppc_trans_xxsldwi(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), extract(t, ppc_get_v(t, PPC_A(f)), ppc_get_v(t, PPC_B(f)), f->shw * 4));
    }
}

void ppc_trans_xxpermdi(Trans *t, const PpcFields *f) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t a = ppc_get_v(t, PPC_A(f)), b = ppc_get_v(t, PPC_B(f));
    uint32_t v = f->dm == 0 ? ppc_v2(t, IR_vzip1, DOUBLEWORDS, a, b) : f->dm == 3 ? ppc_v2(t, IR_vzip2, DOUBLEWORDS, a, b)
                 : f->dm == 2 ? extract(t, a, b, 8) : ir_emit(t->ir, IR_vins, IR_V128, DOUBLEWORDS, a, b, 0x11);
    ppc_set_v(t, PPC_T(f), v);
}

/* Each byte and the next one (right: the one before), shifted by 0 to 7 bits of their own */
void ppc_shape_vshift_bytes(Trans *t, const PpcFields *f, unsigned right) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), zero = ppc_v128(t, 0, 0), eight = dup_byte(t, 8);
    uint32_t n = ppc_op2(t, IR_vand, IR_V128, ppc_get_vr(t, f->vb), dup_byte(t, 7));
    uint32_t other = right ? extract(t, zero, a, 15) : extract(t, a, zero, 1);
    uint32_t there = right ? ppc_v2(t, IR_vsub, BYTES, eight, n) : ppc_v2(t, IR_vsub, BYTES, n, eight);
    n = right ? ppc_v1(t, IR_vneg, BYTES, n) : n;
    a = ppc_v2(t, IR_vshlr, BYTES, a, n);
    ppc_set_vr(t, f->vt, ppc_op2(t, IR_vor, IR_V128, a, ppc_v2(t, IR_vshlr, BYTES, other, there)));
}

void ppc_shape_vshift_all(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb), ppc_i32(t, how)};
        uint32_t first = ir_call(t->ir, PPC_HELPER_vshift, 3, args);
        args[2] = ppc_i32(t, how | 4);
        ppc_set_halves(t, PPC_VR + f->vt, first, ir_call(t->ir, PPC_HELPER_vshift, 3, args));
    }
}

/* Reverses the bytes of each 2^size */
void ppc_shape_xxbr(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), ir_emit(t->ir, IR_vrev, IR_V128, BYTES, ppc_get_v(t, PPC_B(f)), size, 0));
    }
}

/* -- one element -- */

/* 2^size bytes of v from byte `at` on, in doubleword 0 as a number */
static uint32_t taken(Trans *t, uint32_t v, unsigned at, unsigned size) {
    uint8_t from[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned n = i - (8 - (1u << size));
        from[i] = n < 1u << size ? (uint8_t)((at + n) % 16) : NONE;
    }
    return ppc_v2(t, IR_vtbl, 0, v, byte_map(t, from));
}

void ppc_shape_vextract(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, taken(t, ppc_get_vr(t, f->vb), f->uim, size));
    }
}

void ppc_trans_xxextractuw(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), taken(t, ppc_get_v(t, PPC_B(f)), f->uim, WORDS));
    }
}

/* Register r with the bytes from `at` on replaced by the lowest 2^size of doubleword 0 of v */
static void insert(Trans *t, unsigned r, uint32_t v, unsigned at, unsigned size) {
    uint8_t from[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned n = (i - at) % 16;
        from[i] = n < 1u << size ? (uint8_t)(8 - (1u << size) + n) : NONE;
    }
    ppc_set_v(t, r, ir_emit(t->ir, IR_vtbx, IR_V128, 0, ppc_get_v(t, r), v, byte_map(t, from)));
}

void ppc_shape_vinsert(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        insert(t, PPC_VR + f->vt, ppc_get_vr(t, f->vb), f->uim, size);
    }
}

void ppc_trans_xxinsertw(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        insert(t, PPC_T(f), ppc_get_v(t, PPC_B(f)), f->uim, WORDS);
    }
}

/* 2^size bytes from the one that ra names, from the first or (right) the last, to a general register */
void ppc_shape_vextu(Trans *t, const PpcFields *f, unsigned size, unsigned right) {
    if (!ppc_vec(t)) {
        return;
    }
    /* Lanes l of the result: byte n + l from the last, or n + bytes - 1 - l from the first */
    uint32_t n = ppc_op2(t, IR_and, IR_I64, ppc_get(t, f->ra), ppc_i64(t, 15));
    static const uint32_t from_first[] = {0, 0x0001, 0x00010203};
    uint32_t lanes = ppc_v128(t, right ? 0x03020100 : from_first[size], 0);
    uint32_t index = ppc_v2(t, IR_vadd, BYTES, ppc_dup(t, n, BYTES), lanes);
    index = ppc_op2(t, IR_vxor, IR_V128, index, dup_byte(t, right ? 8 : 7));
    uint32_t v = ppc_half(t, ppc_v2(t, IR_vtbl, 0, ppc_get_vr(t, f->vb), index), 0);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_uxt, IR_I64, 8u << size, v, 0, 0));
}

/* -- bits -- */

void ppc_trans_vbpermq(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb)};
        ppc_set_scalar(t, PPC_VR + f->vt, ir_call(t->ir, PPC_HELPER_vbpermq, 2, args));
    }
}

void ppc_trans_vbpermd(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v[2];
        for (unsigned i = 0; i < 2; i++) {
            uint32_t args[] = {ppc_half(t, ppc_get_vr(t, f->vb), i), ppc_half(t, ppc_get_vr(t, f->va), i)};
            v[i] = ir_call(t->ir, PPC_HELPER_bpermd, 2, args);
        }
        ppc_set_halves(t, PPC_VR + f->vt, v[0], v[1]);
    }
}

void ppc_trans_vgbbd(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_get_vr(t, f->vb), first = ppc_half(t, v, 0), second = ppc_half(t, v, 1);
        first = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &first);
        second = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &second);
        ppc_set_halves(t, PPC_VR + f->vt, first, second);
    }
}
