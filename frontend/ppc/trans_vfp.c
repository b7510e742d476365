/* SPDX-License-Identifier: MIT */
/*
 * trans_vfp.c - PowerPC VSX floating point.
 * Spec: Power ISA 3.0B Book I, 7.6.3.
 */
#include "frontend/ppc/trans_fp.h"

/* -- scalars -------------------------------------------------------------------------------- */

void ppc_shape_xs(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vsx(t)) {
        ppc_fp_op(t, op, (PpcFpRegs){PPC_T(f), PPC_A(f), PPC_B(f), PPC_B(f)});
    }
}

/* t = a * b + t, or (multiplier) t = a * t + b */
static PpcFpRegs madd_regs(const PpcFields *f, unsigned multiplier) {
    unsigned t = PPC_T(f), b = PPC_B(f);
    return multiplier ? (PpcFpRegs){t, PPC_A(f), b, t} : (PpcFpRegs){t, PPC_A(f), t, b};
}

void ppc_shape_xs_madd(Trans *t, const PpcFields *f, unsigned op, unsigned multiplier) {
    if (ppc_vsx(t)) {
        ppc_fp_op(t, op, madd_regs(f, multiplier));
    }
}

void ppc_shape_xs_sign(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_vsx(t)) {
        ppc_set_f(t, PPC_T(f), ppc_fp_signed(t, ppc_get_f(t, PPC_B(f)), how));
    }
}

void ppc_trans_xscpsgndp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_scalar(t, PPC_T(f), ppc_fp_copied_sign(t, PPC_A(f), PPC_B(f)));
    }
}

void ppc_shape_xs_cmp(Trans *t, const PpcFields *f, unsigned ordered) {
    if (ppc_vsx(t)) {
        ppc_fp_compare(t, f->bf, PPC_A(f), PPC_B(f), ordered);
    }
}

void ppc_trans_xstdivdp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_fp_tested(t, f->bf, PPC_A(f), PPC_B(f), 0);
    }
}

void ppc_trans_xstsqrtdp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_fp_tested(t, f->bf, PPC_B(f), PPC_B(f), 1);
    }
}

static uint32_t first_half(Trans *t, unsigned r) {
    return ppc_half(t, ppc_get_v(t, r), 0);
}

static uint32_t widened(Trans *t, uint32_t word) {
    return ppc_op1(t, IR_fbits, IR_I64, ir_emit(t->ir, IR_fswiden, IR_F64, 0, word, 0, 0));
}

/* Without exceptions. The single stands in both words. */
void ppc_trans_xscvdpspn(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        uint32_t v = ir_emit(t->ir, IR_fsnarrow, IR_I32, 0, ppc_get_f(t, PPC_B(f)), 0, 0);
        v = ppc_op1(t, IR_zext, IR_I64, v);
        ppc_set_scalar(t, PPC_T(f), ppc_op2(t, IR_or, IR_I64, v, ppc_op2(t, IR_shl, IR_I64, v, ppc_i64(t, 32))));
    }
}

void ppc_trans_xscvspdpn(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        uint32_t v = ppc_op1(t, IR_trunc, IR_I32, ppc_op2(t, IR_shr, IR_I64, first_half(t, PPC_B(f)), ppc_i64(t, 32)));
        ppc_set_f(t, PPC_T(f), ir_emit(t->ir, IR_fswiden, IR_F64, 0, v, 0, 0));
    }
}

static uint32_t exponent(Trans *t, uint32_t v) {
    return ir_emit(t->ir, IR_ubfx, IR_I64, 0, v, 52 | 11 << 8, 0);
}

/* By the exponents alone; a NaN is not comparable. */
void ppc_trans_xscmpexpdp(Trans *t, const PpcFields *f) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t a = first_half(t, PPC_A(f)), b = first_half(t, PPC_B(f)), most = ppc_i64(t, UINT64_C(0x7ff0000000000000));
    uint32_t top = ppc_i64(t, UINT64_C(1) << 63);
    uint32_t flags = ppc_flags(t, IR_fl_sub, exponent(t, a), exponent(t, b));
    uint32_t v = ir_emit(t->ir, IR_csel, IR_I32, IR_HI, flags, ppc_i32(t, PPC_GT), ppc_i32(t, PPC_EQ));
    v = ir_emit(t->ir, IR_csel, IR_I32, IR_CC, flags, ppc_i32(t, PPC_LT), v);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t nan = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_andn, IR_I64, i ? b : a, top), most);
        v = ir_emit(t->ir, IR_csel, IR_I32, IR_HI, nan, ppc_i32(t, 1), v);
    }
    ppc_set_cr(t, f->bf, v);
    ir_set(t->ir, PPC_SLOT_FP_ORDER, ppc_op2(t, IR_or, IR_I32, v, ppc_i32(t, 16)));
}

void ppc_trans_xsxexpdp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set(t, f->rt, exponent(t, first_half(t, PPC_B(f))));
    }
}

/* With the bit that a normal number implies */
static uint32_t significand_of(Trans *t, uint32_t v) {
    uint32_t e = exponent(t, v), fraction = ir_emit(t->ir, IR_ubfx, IR_I64, 0, v, 52 << 8, 0);
    uint32_t rest = ppc_op2(t, IR_and, IR_I64, ppc_op2(t, IR_add, IR_I64, e, ppc_i64(t, 1)), ppc_i64(t, 0x7fe));
    uint32_t normal = ppc_op2(t, IR_or, IR_I64, fraction, ppc_i64(t, UINT64_C(1) << 52));
    return ir_emit(t->ir, IR_csel, IR_I64, IR_NE, ppc_flags(t, IR_fl_logic, rest, 0), normal, fraction);
}

void ppc_trans_xsxsigdp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set(t, f->rt, significand_of(t, first_half(t, PPC_B(f))));
    }
}

void ppc_trans_xsiexpdp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_scalar(t, PPC_T(f), ir_emit(t->ir, IR_bfi, IR_I64, 0, ppc_get(t, f->ra), ppc_get(t, f->rb), 52 | 11 << 8));
    }
}

/* CR: sign, 0, in a class of DCMX, (single) not a single */
void ppc_shape_xs_class(Trans *t, const PpcFields *f, unsigned single) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t v = first_half(t, PPC_B(f)), args[] = {v, ppc_i32(t, f->dcmx), ppc_i32(t, single)};
    uint32_t field = ir_call(t->ir, PPC_HELPER_fp_class, 3, args);
    field = ppc_op2(t, IR_shl, IR_I32, field, ppc_i32(t, 1));
    uint32_t sign = ppc_op1(t, IR_trunc, IR_I32, ppc_op2(t, IR_shr, IR_I64, v, ppc_i64(t, 63)));
    field = ppc_op2(t, IR_or, IR_I32, field, ppc_op2(t, IR_shl, IR_I32, sign, ppc_i32(t, 3)));
    if (single) {
        uint32_t word = ir_emit(t->ir, IR_fsnarrow, IR_I32, 0, ppc_get_f(t, PPC_B(f)), 0, 0);
        uint32_t flags = ppc_flags(t, IR_fl_sub, widened(t, word), v);
        field = ppc_op2(t, IR_or, IR_I32, field, ppc_cset(t, IR_NE, flags));
    }
    ppc_set_cr(t, f->bf, field);
    ir_set(t->ir, PPC_SLOT_FP_ORDER, ppc_op2(t, IR_or, IR_I32, field, ppc_i32(t, 16)));
}

/* -- vectors -------------------------------------------------------------------------------- */

static uint32_t madd(Trans *t, unsigned op, unsigned size, PpcFpRegs r) {
    unsigned aux = size | (op & PPC_FP_NEG_ADDEND ? IR_VFMLA_NEG_ADDEND : 0) | (op & PPC_FP_NEG_RESULT ? IR_VFMLA_NEG_RESULT : 0);
    uint32_t a = ppc_get_v(t, r.a), c = ppc_get_v(t, r.c);
    return ir_emit(t->ir, IR_vfmla, IR_V128, aux, a, c, ppc_get_v(t, r.b));
}

/* Elements of one size by one op; 0: by none. */
static uint32_t inlined(Trans *t, unsigned op, PpcFpRegs r) {
    enum { UNSIGNED = 32, EXACT = 32, WHY = 4 };
    unsigned from = op >> PPC_FP_FROM_SHIFT & 3, size = from == PPC_FP_WORDS ? 2 : 3, mode = op >> PPC_FP_MODE_SHIFT & 7;
    if (from != (op >> PPC_FP_TO_SHIFT & 3) || from == PPC_FP_UPPER_WORDS) {
        return 0;
    }
    uint32_t a = ppc_get_v(t, r.a), b = ppc_get_v(t, r.b);
    switch (op & PPC_FP_KIND) {
    case PPC_FP_ADD: return ppc_v2(t, IR_vfadd, size, a, b);
    case PPC_FP_SUB: return ppc_v2(t, IR_vfsub, size, a, b);
    case PPC_FP_MUL: return ppc_v2(t, IR_vfmul, size, a, b);
    case PPC_FP_DIV: return ppc_v2(t, IR_vfdiv, size, a, b);
    case PPC_FP_SQRT: return ppc_v1(t, IR_vfsqrt, size, b);
    case PPC_FP_MADD: return madd(t, op, size, r);
    case PPC_FP_MAX: return ppc_v2(t, IR_vfmaxnm, size, a, b);
    case PPC_FP_MIN: return ppc_v2(t, IR_vfminnm, size, a, b);
    case PPC_FP_CMP_EQ: return ppc_v2(t, IR_vfcmeq, size | WHY, a, b);
    case PPC_FP_CMP_GT: return ppc_v2(t, IR_vfcmgt, size | WHY, a, b);
    case PPC_FP_CMP_GE: return ppc_v2(t, IR_vfcmge, size | WHY, a, b);
    case PPC_FP_RINT: return ppc_v1(t, IR_vfrint, size | mode << 2 | (op & PPC_FP_EXACT ? EXACT : 0), b);
    case PPC_FP_TO_INT: return ppc_v1(t, IR_vf2i, size | mode << 2 | (op & PPC_FP_UNSIGNED ? UNSIGNED : 0), b);
    case PPC_FP_FROM_INT: return ppc_v1(t, IR_vi2f, size | (op & PPC_FP_UNSIGNED ? UNSIGNED : 0), b);
    default: return 0;
    }
}

static void lanes(Trans *t, const PpcFields *f, unsigned op, PpcFpRegs r) {
    t->ir->fp_plain = true;
    uint32_t v = t->mode & PPC_MODE_FP_FULL ? 0 : inlined(t, op, r);
    if (!v) {
        uint32_t args[] = {ppc_i32(t, op | (f->rc ? PPC_FP_RC : 0)), ppc_i32(t, r.t | r.a << 8 | r.b << 16 | r.c << 24)};
        ir_call(t->ir, PPC_HELPER_fp_lanes, 2, args);
        if (f->rc) {
            ppc_forget(t);
        }
        return;
    }
    ppc_set_v(t, r.t, v);
    if (f->rc) {
        ppc_set_lanes_cr(t, v);
    }
}

void ppc_shape_xv(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vsx(t)) {
        lanes(t, f, op, (PpcFpRegs){PPC_T(f), PPC_A(f), PPC_B(f), PPC_B(f)});
    }
}

void ppc_shape_xv_madd(Trans *t, const PpcFields *f, unsigned op, unsigned multiplier) {
    if (ppc_vsx(t)) {
        lanes(t, f, op, madd_regs(f, multiplier));
    }
}

void ppc_shape_xv_sign(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    if (ppc_vsx(t)) {
        uint32_t v = ppc_get_v(t, PPC_B(f));
        v = how == PPC_SIGN_CLEAR || how == PPC_SIGN_SET ? ppc_v1(t, IR_vfabs, size, v) : v;
        ppc_set_v(t, PPC_T(f), how == PPC_SIGN_CLEAR ? v : ppc_v1(t, IR_vfneg, size, v));
    }
}

static uint32_t splat(Trans *t, unsigned size, uint32_t low) {
    uint64_t v = size == 2 ? low | (uint64_t)low << 32 : low;
    return ppc_v128(t, v, v);
}

static uint32_t top_bits(Trans *t, unsigned size) {
    uint64_t v = size == 2 ? UINT64_C(0x8000000080000000) : UINT64_C(1) << 63;
    return ppc_v128(t, v, v);
}

void ppc_shape_xv_cpsgn(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        uint32_t top = top_bits(t, size), sign = ppc_v2(t, IR_vand, 0, ppc_get_v(t, PPC_A(f)), top);
        uint32_t rest = ppc_v2(t, IR_vandn, 0, ppc_get_v(t, PPC_B(f)), top);
        ppc_set_v(t, PPC_T(f), ppc_v2(t, IR_vor, 0, rest, sign));
    }
}

static uint32_t word_of(Trans *t, uint32_t v, unsigned n) {
    return ir_emit(t->ir, IR_vget, IR_I32, 2, v, n, 0);
}

/* The worst of all elements */
void ppc_shape_xv_test(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t a = ppc_get_v(t, PPC_A(f)), b = ppc_get_v(t, PPC_B(f)), field = 0;
    for (unsigned i = 0; i < 16u >> size; i++) {
        uint32_t args[] = {size == 3 ? ppc_half(t, a, i) : word_of(t, a, i), size == 3 ? ppc_half(t, b, i) : word_of(t, b, i), ppc_i32(t, how)};
        uint32_t v = ir_call(t->ir, size == 3 ? PPC_HELPER_fp_test : PPC_HELPER_fp_test_single, 3, args);
        field = field ? ppc_op2(t, IR_or, IR_I32, field, v) : v;
    }
    ppc_set_cr(t, f->bf, field);
}

/* -- parts of numbers -------------------------------------------------------------------------------- */

/* Element by element: its exponent, which has `bits` bits above `at` */
static uint32_t vector_exponent(Trans *t, unsigned size, uint32_t v) {
    uint32_t down = splat(t, size, size == 2 ? (uint32_t)-23 : 0);
    down = size == 2 ? down : ppc_v128(t, (uint64_t)-52, (uint64_t)-52);
    v = ppc_v2(t, IR_vshlr, size, v, down);
    return ppc_v2(t, IR_vand, 0, v, splat(t, size, size == 2 ? 0xff : 0x7ff));
}

void ppc_shape_xv_xexp(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), vector_exponent(t, size, ppc_get_v(t, PPC_B(f))));
    }
}

void ppc_shape_xv_xsig(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint64_t implied = size == 2 ? UINT64_C(0x0080000000800000) : UINT64_C(1) << 52;
    uint64_t fraction = size == 2 ? UINT64_C(0x007fffff007fffff) : (UINT64_C(1) << 52) - 1;
    uint32_t v = ppc_get_v(t, PPC_B(f)), e = vector_exponent(t, size, v);
    uint32_t none = ppc_v2(t, IR_vcmeq, size, e, splat(t, size, 0));
    uint32_t all = ppc_v2(t, IR_vcmeq, size, e, splat(t, size, size == 2 ? 0xff : 0x7ff));
    uint32_t bit = ppc_v2(t, IR_vandn, 0, ppc_v128(t, implied, implied), ppc_v2(t, IR_vor, 0, none, all));
    ppc_set_v(t, PPC_T(f), ppc_v2(t, IR_vor, 0, ppc_v2(t, IR_vand, 0, v, ppc_v128(t, fraction, fraction)), bit));
}

void ppc_shape_xv_iexp(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint64_t field = size == 2 ? UINT64_C(0x7f8000007f800000) : UINT64_C(0x7ff0000000000000);
    uint32_t up = splat(t, size, size == 2 ? 23 : 52), mask = ppc_v128(t, field, field);
    uint32_t e = ppc_v2(t, IR_vand, 0, ppc_v2(t, IR_vshlr, size, ppc_get_v(t, PPC_B(f)), up), mask);
    ppc_set_v(t, PPC_T(f), ppc_v2(t, IR_vor, 0, ppc_v2(t, IR_vandn, 0, ppc_get_v(t, PPC_A(f)), mask), e));
}

/* All ones where the element is in a class of DCMX */
void ppc_shape_xv_class(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t v = ppc_get_v(t, PPC_B(f)), halves[2], mask = ppc_i32(t, f->dc << 6 | f->dm << 5 | f->dx);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t parts[2];
        for (unsigned k = 0; k < (size == 2 ? 2 : 1); k++) {
            uint32_t word = size == 2 ? word_of(t, v, 2 * i + k) : 0;
            uint32_t args[] = {size == 2 ? widened(t, word) : ppc_half(t, v, i), mask, ppc_i32(t, size == 2)};
            parts[k] = ppc_op1(t, IR_neg, IR_I64, ppc_op1(t, IR_zext, IR_I64, ir_call(t->ir, PPC_HELPER_fp_class, 3, args)));
        }
        halves[i] = size == 2 ? ir_emit(t->ir, IR_bfi, IR_I64, 0, parts[0], parts[1], 32 | 32 << 8) : parts[0];
    }
    ppc_set_halves(t, PPC_T(f), halves[0], halves[1]);
}

/* -- AltiVec: without FPSCR -------------------------------------------------------------------------------- */

void ppc_shape_vfp(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vec(t)) {
        uint32_t regs = (PPC_VR + f->vt) | (PPC_VR + f->va) << 8 | (PPC_VR + f->vb) << 16 | (PPC_VR + f->vc) << 24;
        uint32_t args[] = {ppc_i32(t, op | (f->rc ? PPC_FP_RC : 0)), ppc_i32(t, regs), ppc_i32(t, f->uim)};
        ir_call(t->ir, PPC_HELPER_fp_altivec, 3, args);
        if (f->rc) {
            ppc_forget(t);
        }
    }
}
