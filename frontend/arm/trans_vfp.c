/* SPDX-License-Identifier: MIT */
/*
 * trans_vfp.c - A64 Advanced SIMD floating point to IR. Here `aux` is that of the lane op (ir/ops_fp.def): log2 of the
 * lane's bytes, options, bit 6 for the scalar form (only lane 0), bit 7 for Q = 0 (only the low half).
 * Spec: Arm DDI 0487, C7.2.
 */
#include "frontend/arm/trans.h"

enum { LANES = 0xc3 }; /* the part of aux that every lane op understands alike */

static uint32_t emit(Trans *t, unsigned op, unsigned aux, uint32_t a, uint32_t b, uint32_t c) {
    return ir_emit(t->ir, (IrOp)op, IR_V128, aux, a, b, c);
}

void a64_shape_fv1(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, emit(t, op, aux, a64_get_v(t, f->rn), 0, 0));
}

/* Conversions from and to integers with fbits fraction bits. */
void a64_shape_fv1i(Trans *t, const A64Fields *f, unsigned op, unsigned fbits, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, emit(t, op, aux, a64_get_v(t, f->rn), fbits, 0));
}

void a64_shape_fv2(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, emit(t, op, aux, a64_get_v(t, f->rn), a64_get_v(t, f->rm), 0));
}

/* Lane `lane` of rm for all lanes of rn. */
static uint32_t element(Trans *t, const A64Fields *f, unsigned lane, unsigned aux) {
    return emit(t, IR_vdupl, aux & 3, a64_get_v(t, f->rm), lane, 0);
}

void a64_shape_fv2_e(Trans *t, const A64Fields *f, unsigned op, unsigned lane, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, emit(t, op, aux, a64_get_v(t, f->rn), element(t, f, lane, aux), 0));
}

void a64_shape_fvmla(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = a64_get_v(t, f->rm);
    a64_set_v(t, f->rd, emit(t, IR_vfmla, aux, n, m, a64_get_v(t, f->rd)));
}

void a64_shape_fvmla_e(Trans *t, const A64Fields *f, unsigned lane, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = element(t, f, lane, aux);
    a64_set_v(t, f->rd, emit(t, IR_vfmla, aux, n, m, a64_get_v(t, f->rd)));
}

/* Compares of absolute values. */
void a64_shape_fvcmpa(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = emit(t, IR_vfabs, aux & LANES, a64_get_v(t, f->rn), 0, 0);
    uint32_t m = emit(t, IR_vfabs, aux & LANES, a64_get_v(t, f->rm), 0, 0);
    a64_set_v(t, f->rd, emit(t, op, aux, n, m, 0));
}

/* Compares with zero; less is: zero is greater. */
void a64_shape_fvcmpz(Trans *t, const A64Fields *f, unsigned op, unsigned less, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t zero = emit(t, IR_vdup, 3, ir_const(t->ir, IR_I64, 0), 0, 0);
    a64_set_v(t, f->rd, less ? emit(t, op, aux, zero, n, 0) : emit(t, op, aux, n, zero, 0));
}

/* The scalar result of the first two lanes. */
void a64_shape_fvpair(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    a64_set_v(t, f->rd, emit(t, op, aux, n, n, 0));
}

/* Q = 0: into the low half, clearing the other; Q = 1 (FCVTN2): into the high half, the other stays. */
void a64_shape_fvnarrow(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = emit(t, IR_vfcvtn, aux, a64_get_v(t, f->rn), 0, 0);
    a64_set_v(t, f->rd, f->Q ? emit(t, IR_vins, 3, a64_get_v(t, f->rd), v, 1) : v);
}
