/* SPDX-License-Identifier: MIT */
/*
 * trans_simd_misc.c - A64 Advanced SIMD, integer: one source register, and cryptography, to IR.
 * Shapes v2*: vectors, s2*: scalars.
 * Spec: Arm DDI 0487, C7.2.
 */
#include "frontend/arm/trans_simd.h"

void a64_shape_v2(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    simd_set(t, f->rd, simd_emit(t, op, f->size, a64_get_v(t, f->rn), 0, 0), simd_bytes(f));
}
void a64_shape_s2(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    simd_set(t, f->rd, simd_emit(t, op, f->size, a64_get_v(t, f->rn), 0, 0), 1u << f->size);
}
void a64_shape_v2q(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, op, f->size, simd_get(t, f->rn, simd_bytes(f)), 0, 0));
}
void a64_shape_s2q(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, op, f->size, simd_get(t, f->rn, 1u << f->size), 0, 0));
}
static void add_mixed(Trans *t, const A64Fields *f, unsigned aux, unsigned bytes) {
    uint32_t d = simd_get(t, f->rd, bytes);
    a64_set_v(t, f->rd, simd_emit(t, IR_vqaddx, f->size | aux, d, simd_get(t, f->rn, bytes), 0));
}
void a64_shape_v2qaddx(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    add_mixed(t, f, aux, simd_bytes(f));
}
void a64_shape_s2qaddx(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    add_mixed(t, f, aux, 1u << f->size);
}

/* Compare with zero; swap: zero stands on the left. */
static void compare_zero(Trans *t, const A64Fields *f, unsigned op, unsigned swap, unsigned bytes) {
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t zero = simd_const(t, 0);
    simd_set(t, f->rd, simd_emit(t, op, f->size, swap ? zero : n, swap ? n : zero, 0), bytes);
}
void a64_shape_v2cmp0(Trans *t, const A64Fields *f, unsigned op, unsigned swap) {
    if (!a64_fp(t)) {
        return;
    }
    compare_zero(t, f, op, swap, simd_bytes(f));
}
void a64_shape_s2cmp0(Trans *t, const A64Fields *f, unsigned op, unsigned swap) {
    if (!a64_fp(t)) {
        return;
    }
    compare_zero(t, f, op, swap, 8);
}

void a64_shape_v2rev(Trans *t, const A64Fields *f, unsigned box) {
    if (!a64_fp(t)) {
        return;
    }
    simd_set(t, f->rd, simd_emit(t, IR_vrev, f->size, a64_get_v(t, f->rn), box, 0), simd_bytes(f));
}
void a64_shape_v2addlp(Trans *t, const A64Fields *f, unsigned aux, unsigned accumulate) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, IR_vaddlp, f->size | aux, a64_get_v(t, f->rn), 0, 0);
    simd_set(t, f->rd, simd_accumulate(t, f, accumulate ? IR_vadd : IR_nop, f->size + 1, v), simd_bytes(f));
}
void a64_shape_v2xtn(Trans *t, const A64Fields *f, unsigned op, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    simd_set_half(t, f, simd_emit(t, op, f->size | aux, a64_get_v(t, f->rn), 0, 0));
}
void a64_shape_s2xtn(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vqnarrow, f->size | aux, simd_get(t, f->rn, 2u << f->size), 0, 0));
}
void a64_trans_shll_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned aux = f->size | (f->q ? IR_VEC_HIGH : 0);
    uint32_t v = simd_emit(t, IR_vwiden, aux, a64_get_v(t, f->rn), 0, 0);
    a64_set_v(t, f->rd, simd_emit(t, IR_vshl, f->size + 1, v, 8u << f->size, 0));
}

/* -- across lanes -- */

/* Zeros above a short vector do not change a sum. */
void a64_shape_v2addv(Trans *t, const A64Fields *f, unsigned q) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vaddv, f->size, simd_get(t, f->rn, q ? 16 : 8), 0, 0));
}
void a64_shape_v2addlv(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, IR_vaddlp, f->size | aux, simd_get(t, f->rn, simd_bytes(f)), 0, 0);
    a64_set_v(t, f->rd, simd_emit(t, IR_vaddv, f->size + 1, v, 0, 0));
}
/* Nor does a short vector twice change an extreme. */
void a64_shape_v2maxv(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = a64_get_v(t, f->rn);
    if (!f->q) {
        v = simd_emit(t, IR_vdupl, 3, v, 0, 0);
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vmaxv, f->size | aux, v, 0, 0));
}

/* -- cryptography -- */

void a64_shape_vaes(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vaes, aux, a64_get_v(t, f->rd), a64_get_v(t, f->rn), 0));
}
void a64_shape_vaesmc(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vaesmc, aux, a64_get_v(t, f->rn), 0, 0));
}
static void update(Trans *t, const A64Fields *f, unsigned op, unsigned aux, bool three) {
    uint32_t d = a64_get_v(t, f->rd);
    uint32_t n = a64_get_v(t, f->rn);
    a64_set_v(t, f->rd, simd_emit(t, op, aux, d, n, three ? a64_get_v(t, f->rm) : 0));
}
void a64_shape_vsha1(Trans *t, const A64Fields *f, unsigned which) {
    if (!a64_fp(t)) {
        return;
    }
    update(t, f, IR_vsha1, which, true);
}
void a64_shape_vd3(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    update(t, f, op, 0, true);
}
void a64_shape_vd2(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    update(t, f, op, 0, false);
}
void a64_trans_sha1h(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, simd_emit(t, IR_vsha1h, 0, a64_get_v(t, f->rn), 0, 0));
}
/* Here rn holds abcd and rd efgh. */
void a64_trans_sha256h2(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t abcd = a64_get_v(t, f->rn);
    uint32_t efgh = a64_get_v(t, f->rd);
    a64_set_v(t, f->rd, simd_emit(t, IR_vsha2, IR_VEC_ALT, abcd, efgh, a64_get_v(t, f->rm)));
}
