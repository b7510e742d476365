/* SPDX-License-Identifier: MIT */
/*
 * trans_vec_int.c - PowerPC AltiVec: integers, element by element.
 * Spec: Power ISA 3.0B Book I, 6.9 (arithmetic, comparison), 6.10 (shifts), 6.13 (counts), 6.16 (status).
 *
 * What saturates sets env.qc, which is VSCR[SAT]. Even elements, counted from the first, are odd lanes.
 */
#include "frontend/ppc/trans_vec.h"

enum { BYTES = 0, HALFWORDS = 1, WORDS = 2, DOUBLEWORDS = 3 };

static uint32_t shifted(Trans *t, IrOp op, unsigned size, uint32_t v, unsigned n) {
    return ir_emit(t->ir, op, IR_V128, size, v, n, 0);
}

static uint32_t both(Trans *t, uint64_t v) {
    return ppc_v128(t, v, v);
}

/* -- status -- */

/* There are no data streams to stop. */
void ppc_trans_dss(Trans *t, const PpcFields *f) {
}

void ppc_trans_mfvscr(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v = ir_call(t->ir, PPC_HELPER_vscr_read, 0, NULL);
        ppc_set_halves(t, PPC_VR + f->vt, ppc_i64(t, 0), v);
    }
}

void ppc_trans_mtvscr(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_half(t, ppc_get_vr(t, f->vb), 1);
        ir_call(t->ir, PPC_HELPER_vscr_write, 1, &v);
    }
}

/* -- addition, subtraction, whatever works lane by lane -- */

static uint32_t lanes(Trans *t, const PpcFields *f, unsigned op, unsigned aux) {
    return ppc_v2(t, op, aux, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb));
}

void ppc_shape_vlanes(Trans *t, const PpcFields *f, unsigned op, unsigned aux) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, lanes(t, f, op, aux));
    }
}

/* The carry of a + b is that b exceeds ~a; a - b has one when it does not borrow. */
void ppc_shape_vcarry(Trans *t, const PpcFields *f, unsigned subtract) {
    if (ppc_vec(t)) {
        uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb);
        uint32_t v = subtract ? ppc_v2(t, IR_vcmhs, WORDS, a, b) : ppc_v2(t, IR_vcmhi, WORDS, b, ppc_v1(t, IR_vnot, 0, a));
        ppc_set_vr(t, f->vt, shifted(t, IR_vshr, WORDS, v, 31));
    }
}

void ppc_shape_vneg(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, ppc_v1(t, IR_vneg, size, ppc_get_vr(t, f->vb)));
    }
}

/* Sign-extends the low 2^from bytes of each lane. */
void ppc_shape_vexts(Trans *t, const PpcFields *f, unsigned size, unsigned from) {
    if (ppc_vec(t)) {
        unsigned n = (8u << size) - (8u << from);
        uint32_t v = shifted(t, IR_vshl, size, ppc_get_vr(t, f->vb), n);
        ppc_set_vr(t, f->vt, shifted(t, IR_vsar, size, v, n));
    }
}

/* -- comparisons -- */

/* CR6 says whether all lanes are true, or all false. */
void ppc_set_lanes_cr(Trans *t, uint32_t v) {
    uint32_t a = ppc_half(t, v, 0), b = ppc_half(t, v, 1);
    uint32_t or_flags = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_or, IR_I64, a, b), ppc_i64(t, 0));
    uint32_t none = ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, or_flags, ppc_i32(t, PPC_EQ), ppc_i32(t, 0));
    ppc_set_vector(t, ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_and, IR_I64, a, b), ppc_i64(t, UINT64_MAX)), none);
}

static void compared(Trans *t, const PpcFields *f, uint32_t v) {
    ppc_set_vr(t, f->vt, v);
    if (f->rc) {
        ppc_set_lanes_cr(t, v);
    }
}

void ppc_shape_vcompare(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (ppc_vec(t)) {
        compared(t, f, lanes(t, f, op, size));
    }
}

/* or_zero: true too where either is zero */
void ppc_shape_vcompare_not(Trans *t, const PpcFields *f, unsigned or_zero, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = ppc_v1(t, IR_vnot, 0, lanes(t, f, IR_vcmeq, size));
    if (or_zero) {
        uint32_t zero = ppc_v128(t, 0, 0);
        uint32_t a = ppc_v2(t, IR_vcmeq, size, ppc_get_vr(t, f->va), zero);
        uint32_t b = ppc_v2(t, IR_vcmeq, size, ppc_get_vr(t, f->vb), zero);
        v = ppc_v2(t, IR_vor, 0, v, ppc_v2(t, IR_vor, 0, a, b));
    }
    compared(t, f, v);
}

/* -- shifts, rotations -- */

void ppc_shape_vshift(Trans *t, const PpcFields *f, unsigned how, unsigned size) {
    if (ppc_vec(t)) {
        unsigned aux = size | (how == PPC_LEFT ? 0 : IR_VEC_ALT) | (how == PPC_RIGHT_SIGNED ? IR_VEC_SIGNED : 0);
        ppc_set_vr(t, f->vt, lanes(t, f, IR_vshm, aux));
    }
}

static uint32_t rotated(Trans *t, const PpcFields *f, unsigned size) {
    uint32_t back = ppc_v1(t, IR_vneg, size, ppc_get_vr(t, f->vb));
    back = ppc_v2(t, IR_vshm, size | IR_VEC_ALT, ppc_get_vr(t, f->va), back);
    return ppc_v2(t, IR_vor, 0, lanes(t, f, IR_vshm, size), back);
}

void ppc_shape_vrotate(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, rotated(t, f, size));
    }
}

/* What the mask in b leaves out is zero, or (insert) as it was. */
void ppc_shape_vrotate_mask(Trans *t, const PpcFields *f, unsigned size, unsigned insert) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = rotated(t, f, size), halves[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t args[] = {ppc_half(t, ppc_get_vr(t, f->vb), i), ppc_i32(t, size)};
        halves[i] = ir_call(t->ir, PPC_HELPER_vrotate_mask, 2, args);
    }
    uint32_t mask = ppc_halves(t, halves[0], halves[1]);
    v = insert ? ir_emit(t->ir, IR_vbsl, IR_V128, 0, mask, v, ppc_get_vr(t, f->vt)) : ppc_v2(t, IR_vand, 0, v, mask);
    ppc_set_vr(t, f->vt, v);
}

/* -- multiplication, sums -- */

/* The even or odd elements, in lanes of twice their size */
static uint32_t widened(Trans *t, uint32_t v, unsigned size, unsigned is_signed, unsigned even) {
    unsigned bits = 8u << size;
    v = even ? v : shifted(t, IR_vshl, size + 1, v, bits);
    return shifted(t, is_signed ? IR_vsar : IR_vshr, size + 1, v, bits);
}

static uint32_t multiplied(Trans *t, uint32_t a, uint32_t b, unsigned size, unsigned is_signed, unsigned even) {
    if (size == WORDS) {
        IrOp op = even ? IR_vuzp2 : IR_vuzp1;
        return ppc_v2(t, IR_vmull, size | is_signed, ppc_v2(t, op, size, a, a), ppc_v2(t, op, size, b, b));
    }
    return ppc_v2(t, IR_vmul, size + 1, widened(t, a, size, is_signed, even), widened(t, b, size, is_signed, even));
}

void ppc_shape_vmultiply(Trans *t, const PpcFields *f, unsigned size, unsigned is_signed, unsigned even) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, multiplied(t, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb), size, is_signed, even));
    }
}

void ppc_trans_vmladduhm(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, ppc_v2(t, IR_vadd, HALFWORDS, lanes(t, f, IR_vmul, HALFWORDS), ppc_get_vr(t, f->vc)));
    }
}

/* Half of the lanes: (a * b >> 15) + c in words, then saturated to the low half */
static uint32_t high_product(Trans *t, const PpcFields *f, unsigned rounded, unsigned high) {
    unsigned aux = HALFWORDS | IR_VEC_SIGNED | high;
    uint32_t v = lanes(t, f, IR_vmull, aux);
    v = rounded ? ppc_v2(t, IR_vadd, WORDS, v, both(t, UINT64_C(0x400000004000))) : v;
    v = ppc_v2(t, IR_vadd, WORDS, shifted(t, IR_vsar, WORDS, v, 15), ppc_v1(t, IR_vwiden, aux, ppc_get_vr(t, f->vc)));
    return ppc_v1(t, IR_vqnarrow, HALFWORDS | IR_VEC_SIGNED, v);
}

void ppc_shape_vmhadd(Trans *t, const PpcFields *f, unsigned rounded) {
    if (ppc_vec(t)) {
        uint32_t low = high_product(t, f, rounded, 0), high = high_product(t, f, rounded, IR_VEC_HIGH);
        ppc_set_vr(t, f->vt, ppc_v2(t, IR_vzip1, DOUBLEWORDS, low, high));
    }
}

void ppc_trans_vmsumubm(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t c = ppc_get_vr(t, f->vc);
        ppc_set_vr(t, f->vt, ir_emit(t->ir, IR_vdot, IR_V128, BYTES, c, ppc_get_vr(t, f->va), ppc_get_vr(t, f->vb)));
    }
}

/* Signed bytes by unsigned ones */
void ppc_trans_vmsummbm(Trans *t, const PpcFields *f) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb), sum = ppc_get_vr(t, f->vc);
    for (unsigned even = 0; even < 2; even++) {
        uint32_t v = ppc_v2(t, IR_vmul, HALFWORDS, widened(t, a, BYTES, 1, even), widened(t, b, BYTES, 0, even));
        sum = ppc_v2(t, IR_vadd, WORDS, sum, ppc_v1(t, IR_vaddlp, HALFWORDS | IR_VEC_SIGNED, v));
    }
    ppc_set_vr(t, f->vt, sum);
}

void ppc_shape_vmsum_halves(Trans *t, const PpcFields *f, unsigned is_signed) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb), sum = ppc_get_vr(t, f->vc);
    for (unsigned even = 0; even < 2; even++) {
        sum = ppc_v2(t, IR_vadd, WORDS, sum, multiplied(t, a, b, HALFWORDS, is_signed, even));
    }
    ppc_set_vr(t, f->vt, sum);
}

void ppc_shape_vmsum_saturated(Trans *t, const PpcFields *f, unsigned is_signed) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_i32(t, f->vt | f->va << 8 | f->vb << 16 | f->vc << 24), ppc_i32(t, is_signed)};
        ir_call(t->ir, PPC_HELPER_vmsum, 2, args);
    }
}

/* Words of b plus the elements in the same words of a */
void ppc_shape_vsum4(Trans *t, const PpcFields *f, unsigned size, unsigned is_signed) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_get_vr(t, f->va);
        for (unsigned e = size; e < WORDS; e++) {
            v = ppc_v1(t, IR_vaddlp, e | is_signed, v);
        }
        ppc_set_vr(t, f->vt, ppc_v2(t, IR_vqadd, WORDS | is_signed, v, ppc_get_vr(t, f->vb)));
    }
}

/* The low word of each doubleword of b plus both words of that of a; across: of the last one plus all of a */
void ppc_shape_vsum(Trans *t, const PpcFields *f, unsigned across) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = ppc_v1(t, IR_vaddlp, WORDS | IR_VEC_SIGNED, ppc_get_vr(t, f->va));
    v = across ? ppc_v2(t, IR_vadd, DOUBLEWORDS, v, ppc_turn(t, v)) : v;
    v = ppc_v2(t, IR_vadd, DOUBLEWORDS, v, widened(t, ppc_get_vr(t, f->vb), WORDS, 1, 0));
    v = across ? ppc_v2(t, IR_vand, 0, v, ppc_v128(t, 0, UINT64_MAX)) : v;
    v = ppc_v1(t, IR_vqnarrow, WORDS | IR_VEC_SIGNED, v);
    ppc_set_vr(t, f->vt, ppc_v1(t, IR_vwiden, WORDS, v));
}

/* -- counts -- */

void ppc_shape_vclz(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, ppc_v1(t, IR_vclz, size, ppc_get_vr(t, f->vb)));
    }
}

/* Ones of each lane of 2^size bytes */
static uint32_t ones(Trans *t, uint32_t v, unsigned size) {
    v = ppc_v1(t, IR_vcnt, 0, v);
    for (unsigned e = 0; e < size; e++) {
        v = ppc_v1(t, IR_vaddlp, e, v);
    }
    return v;
}

void ppc_shape_vpopcnt(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, ones(t, ppc_get_vr(t, f->vb), size));
    }
}

/* Trailing zeros are the ones of ~v & v - 1. */
void ppc_shape_vctz(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_get_vr(t, f->vb), below = ppc_v2(t, IR_vadd, size, v, both(t, UINT64_MAX));
        ppc_set_vr(t, f->vt, ones(t, ppc_v2(t, IR_vandn, 0, below, v), size));
    }
}

/* Of the low bits of the bytes; size 4: of all of them */
void ppc_shape_vparity(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = ppc_v2(t, IR_vand, 0, ppc_get_vr(t, f->vb), both(t, UINT64_C(0x0101010101010101)));
    v = ones(t, v, MIN(size, DOUBLEWORDS));
    v = size == 4 ? ppc_v2(t, IR_vadd, DOUBLEWORDS, v, ppc_turn(t, v)) : v;
    uint64_t one = size == WORDS ? UINT64_C(0x100000001) : 1;
    ppc_set_vr(t, f->vt, ppc_v2(t, IR_vand, 0, v, ppc_v128(t, size == 4 ? 0 : one, one)));
}

/* Bytes with a clear low bit, from the first or the last: of that half, or of all of it and the other one */
void ppc_shape_vcount(Trans *t, const PpcFields *f, unsigned from_last) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t ones = ppc_i64(t, UINT64_C(0x0101010101010101)), three = ppc_i64(t, 3), half[2], n[2];
    for (unsigned i = 0; i < 2; i++) {
        half[i] = ppc_op2(t, IR_and, IR_I64, ppc_half(t, ppc_get_vr(t, f->vb), i ^ from_last), ones);
        n[i] = ppc_op2(t, IR_shr, IR_I64, ppc_op1(t, from_last ? IR_ctz : IR_clz, IR_I64, half[i]), three);
    }
    uint32_t both = ppc_op2(t, IR_add, IR_I64, n[0], n[1]), flags = ppc_flags(t, IR_fl_sub, half[0], ppc_i64(t, 0));
    ppc_set(t, f->rt, ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, flags, both, n[0]));
}
