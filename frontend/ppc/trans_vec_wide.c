/* SPDX-License-Identifier: MIT */
/*
 * trans_vec_wide.c - PowerPC AltiVec: quadwords, decimals, polynomials, ciphers.
 * Spec: Power ISA 3.0B Book I, 6.9.1 (quadwords), 6.12 (AES, SHA, polynomials), 6.17 (decimals).
 */
#include "frontend/ppc/trans_vec.h"

/* -- quadwords -- */

static uint32_t carry_of(Trans *t, uint32_t flags) {
    return ppc_op1(t, IR_zext, IR_I64, ppc_cset(t, IR_CS, flags));
}

/* how: 1: the carry alone, 2: with a carry in, the last bit of c, 4: subtracts */
void ppc_shape_vadd_quad(Trans *t, const PpcFields *f, unsigned how) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb), all = ppc_i64(t, UINT64_MAX), carry;
    b = how & 4 ? ppc_v1(t, IR_vnot, 0, b) : b;
    if (how & 2) { /* in C: 1 + all ones has a carry */
        uint32_t in = ppc_op2(t, IR_and, IR_I64, ppc_half(t, ppc_get_vr(t, f->vc), 1), ppc_i64(t, 1));
        carry = ppc_flags(t, IR_fl_add, in, all);
    } else {
        carry = ppc_flags(t, IR_fl_add, ppc_i64(t, how & 4 ? 1 : 0), all);
    }
    uint32_t a0 = ppc_half(t, a, 0), a1 = ppc_half(t, a, 1), b0 = ppc_half(t, b, 0), b1 = ppc_half(t, b, 1);
    uint32_t middle = ir_emit(t->ir, IR_fl_adc, IR_FLAGS, 0, a1, b1, carry);
    if (how & 1) {
        uint32_t out = ir_emit(t->ir, IR_fl_adc, IR_FLAGS, 0, a0, b0, middle);
        ppc_set_halves(t, PPC_VR + f->vt, ppc_i64(t, 0), carry_of(t, out));
    } else {
        uint32_t low = ir_emit(t->ir, IR_adc, IR_I64, 0, a1, b1, carry);
        ppc_set_halves(t, PPC_VR + f->vt, ir_emit(t->ir, IR_adc, IR_I64, 0, a0, b0, middle), low);
    }
}

/* Ten times a, plus (extended) the last digit of b: the quadword, or what is carried out of it */
void ppc_shape_vmul10(Trans *t, const PpcFields *f, unsigned carry, unsigned extended) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), ten = ppc_i64(t, 10), a0 = ppc_half(t, a, 0), a1 = ppc_half(t, a, 1), zero = ppc_i64(t, 0);
    uint32_t digit = extended ? ppc_op2(t, IR_and, IR_I64, ppc_half(t, ppc_get_vr(t, f->vb), 1), ppc_i64(t, 15)) : zero;
    uint32_t low = ppc_op2(t, IR_mul, IR_I64, a1, ten), over = ppc_op2(t, IR_umulh, IR_I64, a1, ten);
    uint32_t high = ppc_op2(t, IR_mul, IR_I64, a0, ten), out = ppc_op2(t, IR_umulh, IR_I64, a0, ten);
    uint32_t first = ppc_flags(t, IR_fl_add, low, digit);
    uint32_t second = ir_emit(t->ir, IR_fl_adc, IR_FLAGS, 0, high, over, first);
    if (carry) {
        ppc_set_halves(t, PPC_VR + f->vt, zero, ir_emit(t->ir, IR_adc, IR_I64, 0, out, zero, second));
    } else {
        uint32_t sum = ppc_op2(t, IR_add, IR_I64, low, digit);
        ppc_set_halves(t, PPC_VR + f->vt, ir_emit(t->ir, IR_adc, IR_I64, 0, high, over, first), sum);
    }
}

/* c plus both products of doublewords */
void ppc_trans_vmsumudm(Trans *t, const PpcFields *f) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb), c = ppc_get_vr(t, f->vc);
    uint32_t high = ppc_half(t, c, 0), low = ppc_half(t, c, 1);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t x = ppc_half(t, a, i), y = ppc_half(t, b, i), product = ppc_op2(t, IR_mul, IR_I64, x, y);
        uint32_t flags = ppc_flags(t, IR_fl_add, low, product);
        low = ppc_op2(t, IR_add, IR_I64, low, product);
        high = ir_emit(t->ir, IR_adc, IR_I64, 0, high, ppc_op2(t, IR_umulh, IR_I64, x, y), flags);
    }
    ppc_set_halves(t, PPC_VR + f->vt, high, low);
}

/* -- ciphers -- */

/* Between a register and the state of AES as the IR has it, its first byte lowest */
static uint32_t in_order(Trans *t, uint32_t v) {
    return ir_emit(t->ir, IR_vrev, IR_V128, 0, v, 3, 0);
}

void ppc_shape_vcipher(Trans *t, const PpcFields *f, unsigned inverse, unsigned last) {
    if (!ppc_vec(t)) {
        return;
    }
    unsigned aux = inverse ? IR_VEC_ALT : 0;
    uint32_t key = ppc_get_vr(t, f->vb), v = ppc_v2(t, IR_vaes, aux, in_order(t, ppc_get_vr(t, f->va)), ppc_v128(t, 0, 0));
    if (inverse && !last) { /* the key is mixed too */
        v = ppc_v1(t, IR_vaesmc, aux, ppc_v2(t, IR_vxor, 0, v, in_order(t, key)));
        ppc_set_vr(t, f->vt, in_order(t, v));
        return;
    }
    v = last ? v : ppc_v1(t, IR_vaesmc, aux, v);
    ppc_set_vr(t, f->vt, ppc_v2(t, IR_vxor, 0, in_order(t, v), key));
}

/* SubBytes alone: the rows are shifted back first. Index of lane i, which is row i mod 4 of column i / 4: its byte's lane. */
void ppc_trans_vsbox(Trans *t, const PpcFields *f) {
    if (!ppc_vec(t)) {
        return;
    }
    uint64_t index[2] = {0, 0};
    for (unsigned i = 0; i < 16; i++) {
        unsigned from = (i - 4 * (i & 3)) & 15;
        index[i / 8] |= (uint64_t)(from ^ 7) << i % 8 * 8;
    }
    uint32_t v = ppc_v2(t, IR_vtbl, 0, ppc_get_vr(t, f->va), ppc_v128(t, index[0], index[1]));
    ppc_set_vr(t, f->vt, in_order(t, ppc_v2(t, IR_vaes, 0, v, ppc_v128(t, 0, 0))));
}

static uint32_t shifted(Trans *t, IrOp op, unsigned size, uint32_t v, unsigned n) {
    return ir_emit(t->ir, op, IR_V128, size, v, n, 0);
}

static uint32_t rotated(Trans *t, unsigned size, uint32_t v, unsigned n) {
    return ppc_v2(t, IR_vor, 0, shifted(t, IR_vshr, size, v, n), shifted(t, IR_vshl, size, v, (8u << size) - n));
}

/* FIPS 180-4, 4.1.2 and 4.1.3: sigma 0 and 1 of schedules (their last step shifts), then of rounds */
static uint32_t sigma(Trans *t, unsigned size, unsigned which, uint32_t v) {
    static const uint8_t steps[2][4][3] = {{{7, 18, 3}, {17, 19, 10}, {2, 13, 22}, {6, 11, 25}},
                                           {{1, 8, 7}, {19, 61, 6}, {28, 34, 39}, {14, 18, 41}}};
    const uint8_t *n = steps[size - 2][which];
    uint32_t last = which < 2 ? shifted(t, IR_vshr, size, v, n[2]) : rotated(t, size, v, n[2]);
    return ppc_v2(t, IR_vxor, 0, ppc_v2(t, IR_vxor, 0, rotated(t, size, v, n[0]), rotated(t, size, v, n[1])), last);
}

/* six has a bit for each word or (every second one) doubleword, from the first: sigma 1 */
void ppc_shape_vshasigma(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    unsigned count = 16u >> size, step = size - 1;
    uint64_t mask[2] = {0, 0};
    for (unsigned i = 0; i < count; i++) {
        uint64_t ones = size == 2 ? (uint64_t)UINT32_MAX << (i % 2 ? 0 : 32) : UINT64_MAX;
        mask[i * 2 / count] |= f->six >> (3 - i * step) & 1 ? ones : 0;
    }
    uint32_t v = ppc_get_vr(t, f->va), zero = sigma(t, size, f->st * 2, v), one = sigma(t, size, f->st * 2 + 1, v);
    ppc_set_vr(t, f->vt, ir_emit(t->ir, IR_vbsl, IR_V128, 0, ppc_v128(t, mask[0], mask[1]), one, zero));
}

/* Sums of pairs of carry-less products */
void ppc_shape_vpmsum(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t a = ppc_get_vr(t, f->va), b = ppc_get_vr(t, f->vb), v[2];
    if (size == 3) {
        uint32_t low = ppc_v2(t, IR_vpmull, size, a, b), high = ppc_v2(t, IR_vpmull, size | IR_VEC_HIGH, a, b);
        ppc_set_vr(t, f->vt, ppc_turn(t, ppc_v2(t, IR_vxor, 0, low, high)));
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t args[] = {ppc_half(t, a, i), ppc_half(t, b, i), ppc_i32(t, size)};
        v[i] = ir_call(t->ir, PPC_HELPER_vpmsum, 3, args);
    }
    ppc_set_halves(t, PPC_VR + f->vt, v[0], v[1]);
}

/* -- decimals -- */

void ppc_shape_bcd(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_i32(t, f->vt | f->va << 8 | f->vb << 16), ppc_i32(t, op | f->ps << 8)};
        ir_call(t->ir, PPC_HELPER_bcd, 2, args);
        ppc_forget(t);
    }
}
