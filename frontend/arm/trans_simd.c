/* SPDX-License-Identifier: MIT */
/*
 * trans_simd.c - A64 Advanced SIMD, integer: three registers (same, different, by element) to IR.
 * Shapes v3*: vectors, s3*: scalars, e3*: vector by element, se3*: scalar by element.
 * Spec: Arm DDI 0487, C7.2.
 */
#include "frontend/arm/trans_simd.h"

/* The element of Vm that by-element forms multiply with, in all lanes. */
static uint32_t element(Trans *t, const A64Fields *f) {
    const bool half = f->size == 1;
    const unsigned lane = half ? f->h << 2 | f->l << 1 | f->m : f->h << 1 | f->l;
    return simd_emit(t, IR_vdupl, f->size, a64_get_v(t, half ? f->rm : f->m << 4 | f->rm), lane, 0);
}

/* -- same width -- */

void a64_shape_v3(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, op, f->size | aux, a64_get_v(t, f->rn), a64_get_v(t, f->rm), 0);
    simd_set(t, f->rd, v, simd_bytes(f));
}
void a64_shape_s3(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, op, f->size | aux, a64_get_v(t, f->rn), a64_get_v(t, f->rm), 0);
    simd_set(t, f->rd, v, 1u << f->size);
}
static void saturating(Trans *t, const A64Fields *f, unsigned op, unsigned aux, uint32_t m, unsigned bytes) {
    uint32_t n = simd_get(t, f->rn, bytes);
    a64_set_v(t, f->rd, simd_emit(t, op, f->size | aux, n, simd_clip(t, m, bytes), 0));
}
void a64_shape_v3q(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    saturating(t, f, op, aux, a64_get_v(t, f->rm), simd_bytes(f));
}
void a64_shape_s3q(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    saturating(t, f, op, aux, a64_get_v(t, f->rm), 1u << f->size);
}
void a64_shape_e3qdmulh(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    saturating(t, f, IR_vqdmulh, aux, element(t, f), simd_bytes(f));
}
void a64_shape_se3qdmulh(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    saturating(t, f, IR_vqdmulh, aux, element(t, f), 1u << f->size);
}

/* rd = acc(rd, op(rn, m)) */
static void accumulating(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc, uint32_t m) {
    uint32_t v = simd_emit(t, op, f->size | aux, a64_get_v(t, f->rn), m, 0);
    simd_set(t, f->rd, simd_accumulate(t, f, acc, f->size, v), simd_bytes(f));
}
void a64_shape_v3acc(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    accumulating(t, f, op, aux, acc, a64_get_v(t, f->rm));
}
void a64_shape_e3acc(Trans *t, const A64Fields *f, unsigned op, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    accumulating(t, f, op, 0, acc, element(t, f));
}

/* Neighbours of rm:rn, taken apart into even and odd lanes. */
void a64_shape_v3pair(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = a64_get_v(t, f->rm);
    if (!f->q) {
        n = m = simd_emit(t, IR_vzip1, 3, n, m, 0);
    }
    uint32_t even = simd_emit(t, IR_vuzp1, f->size, n, m, 0);
    uint32_t odd = simd_emit(t, IR_vuzp2, f->size, n, m, 0);
    simd_set(t, f->rd, simd_emit(t, op, f->size, even, odd, 0), simd_bytes(f));
}

static void rounding_accumulate(Trans *t, const A64Fields *f, unsigned aux, uint32_t m, unsigned bytes) {
    uint32_t d = simd_get(t, f->rd, bytes);
    uint32_t n = simd_get(t, f->rn, bytes);
    a64_set_v(t, f->rd, simd_emit(t, IR_vqrdmla, f->size | aux, d, n, simd_clip(t, m, bytes)));
}
void a64_shape_v3rdma(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    rounding_accumulate(t, f, aux, a64_get_v(t, f->rm), simd_bytes(f));
}
void a64_shape_s3rdma(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    rounding_accumulate(t, f, aux, a64_get_v(t, f->rm), 1u << f->size);
}
void a64_shape_e3rdma(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    rounding_accumulate(t, f, aux, element(t, f), simd_bytes(f));
}
void a64_shape_se3rdma(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    rounding_accumulate(t, f, aux, element(t, f), 1u << f->size);
}

static void dot(Trans *t, const A64Fields *f, unsigned aux, uint32_t m) {
    uint32_t v = simd_emit(t, IR_vdot, 2 | aux, a64_get_v(t, f->rd), a64_get_v(t, f->rn), m);
    simd_set(t, f->rd, v, simd_bytes(f));
}
void a64_shape_v3dot(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    dot(t, f, aux, a64_get_v(t, f->rm));
}
void a64_shape_e3dot(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t m = a64_get_v(t, f->m << 4 | f->rm);
    dot(t, f, aux, simd_emit(t, IR_vdupl, 2, m, f->h << 1 | f->l, 0));
}

/* BSL, BIT, BIF select by rd, rm and ~rm. */
static void bit_select(Trans *t, const A64Fields *f, unsigned mask, unsigned where_set, unsigned where_clear) {
    uint32_t m = a64_get_v(t, mask);
    uint32_t one = a64_get_v(t, where_set);
    simd_set(t, f->rd, simd_emit(t, IR_vbsl, 0, m, one, a64_get_v(t, where_clear)), simd_bytes(f));
}
void a64_trans_bsl_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    bit_select(t, f, f->rd, f->rn, f->rm);
}
void a64_trans_bit_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    bit_select(t, f, f->rm, f->rn, f->rd);
}
void a64_trans_bif_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    bit_select(t, f, f->rm, f->rd, f->rn);
}

/* -- widening and narrowing; `size` is the narrow lane -- */

static unsigned half_aux(const A64Fields *f) {
    return f->size | (f->q ? IR_VEC_HIGH : 0);
}
void a64_shape_v3long(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = simd_emit(t, IR_vwiden, half_aux(f) | aux, a64_get_v(t, f->rn), 0, 0);
    uint32_t m = simd_emit(t, IR_vwiden, half_aux(f) | aux, a64_get_v(t, f->rm), 0, 0);
    uint32_t v = simd_emit(t, op, (f->size + 1) | (op == IR_vabd ? aux : 0), n, m, 0);
    a64_set_v(t, f->rd, simd_accumulate(t, f, acc, f->size + 1, v));
}
void a64_shape_v3wide(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t m = simd_emit(t, IR_vwiden, half_aux(f) | aux, a64_get_v(t, f->rm), 0, 0);
    a64_set_v(t, f->rd, simd_emit(t, op, f->size + 1, a64_get_v(t, f->rn), m, 0));
}
static void multiply_long(Trans *t, const A64Fields *f, unsigned aux, unsigned acc, uint32_t m) {
    uint32_t v = simd_emit(t, IR_vmull, half_aux(f) | aux, a64_get_v(t, f->rn), m, 0);
    a64_set_v(t, f->rd, simd_accumulate(t, f, acc, f->size + 1, v));
}
void a64_shape_v3mull(Trans *t, const A64Fields *f, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    multiply_long(t, f, aux, acc, a64_get_v(t, f->rm));
}
void a64_shape_e3mull(Trans *t, const A64Fields *f, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    multiply_long(t, f, aux, acc, element(t, f));
}

/* Doubling, saturating: rn, and rd when it accumulates, clipped to what the form reads. */
static void double_long(Trans *t, const A64Fields *f, unsigned acc, uint32_t m, bool scalar) {
    uint32_t n = scalar ? simd_get(t, f->rn, 1u << f->size) : a64_get_v(t, f->rn);
    uint32_t v = simd_emit(t, IR_vqdmull, scalar ? f->size : half_aux(f), n, m, 0);
    if (acc != IR_nop) {
        uint32_t d = simd_get(t, f->rd, scalar ? 2u << f->size : 16);
        v = simd_emit(t, acc, (f->size + 1) | IR_VEC_SIGNED, d, v, 0);
    }
    a64_set_v(t, f->rd, v);
}
void a64_shape_v3qdmull(Trans *t, const A64Fields *f, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    double_long(t, f, acc, a64_get_v(t, f->rm), false);
}
void a64_shape_s3qdmull(Trans *t, const A64Fields *f, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    double_long(t, f, acc, a64_get_v(t, f->rm), true);
}
void a64_shape_e3qdmull(Trans *t, const A64Fields *f, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    double_long(t, f, acc, element(t, f), false);
}
void a64_shape_se3qdmull(Trans *t, const A64Fields *f, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    double_long(t, f, acc, element(t, f), true);
}

void a64_shape_v3hn(Trans *t, const A64Fields *f, unsigned op, unsigned round) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned wide = f->size + 1, width = 8u << f->size;
    uint32_t v = simd_emit(t, op, wide, a64_get_v(t, f->rn), a64_get_v(t, f->rm), 0);
    if (round) {
        v = simd_emit(t, IR_vadd, wide, v, simd_const(t, simd_replicate(UINT64_C(1) << (width - 1), wide)), 0);
    }
    v = simd_emit(t, IR_vshr, wide, v, width, 0);
    simd_set_half(t, f, simd_emit(t, IR_vnarrow, f->size, v, 0, 0));
}
void a64_shape_v3pmull(Trans *t, const A64Fields *f, unsigned size) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned aux = size | (f->q ? IR_VEC_HIGH : 0);
    a64_set_v(t, f->rd, simd_emit(t, IR_vpmull, aux, a64_get_v(t, f->rn), a64_get_v(t, f->rm), 0));
}
