/* SPDX-License-Identifier: MIT */
/*
 * trans_quad.c - PowerPC quad-precision floating point: calls of quad.c, and moves of parts.
 * Spec: Power ISA 3.0B Book I, 7.6.3.
 */
#include "frontend/ppc/quad.h"
#include "frontend/ppc/trans_fp.h"

enum { EXPONENT_AT = 48, EXPONENT_BITS = 15, ALL_EXPONENT = EXPONENT_AT | EXPONENT_BITS << 8 }; /* in the first doubleword */

static void compute(Trans *t, const PpcFields *f, unsigned op, unsigned mode) {
    t->ir->fp_plain = true;
    uint32_t args[] = {ppc_i32(t, op | mode << PPC_QUAD_MODE_SHIFT),
                       ppc_i32(t, (PPC_VR + f->vt) | (PPC_VR + f->va) << 8 | (PPC_VR + f->vb) << 16)};
    ir_call(t->ir, PPC_HELPER_quad, 2, args);
}

void ppc_shape_xq(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_vsx(t)) {
        compute(t, f, op, f->odd ? FP_RTO : PPC_QUAD_MODE_RN);
    }
}

void ppc_shape_xq_round(Trans *t, const PpcFields *f, unsigned op) {
    static const uint8_t modes[2][4] = {{FP_RNA, PPC_QUAD_MODE_RN, PPC_QUAD_MODE_RN, PPC_QUAD_MODE_RN}, {FP_RNE, FP_RTZ, FP_RUP, FP_RDN}};
    if (ppc_vsx(t)) {
        compute(t, f, op | (f->ex ? PPC_QUAD_EXACT : 0), modes[f->r][f->rmc]);
    }
}

void ppc_shape_xq_cmp(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_vsx(t)) {
        t->ir->fp_plain = true;
        uint32_t args[] = {ppc_i32(t, how), ppc_i32(t, f->bf | (PPC_VR + f->va) << 8 | (PPC_VR + f->vb) << 16)};
        ir_call(t->ir, PPC_HELPER_quad_compare, 2, args);
        ppc_forget(t);
    }
}

void ppc_trans_xststdcqp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        t->ir->fp_plain = true;
        uint32_t args[] = {ppc_i32(t, f->bf), ppc_i32(t, PPC_VR + f->vb), ppc_i32(t, f->dcmx)};
        ir_call(t->ir, PPC_HELPER_quad_class, 3, args);
        ppc_forget(t);
    }
}

/* -- parts of numbers -------------------------------------------------------------------------------- */

static uint32_t first(Trans *t, unsigned r) {
    return ppc_half(t, ppc_get_vr(t, r), 0);
}

static uint32_t second(Trans *t, unsigned r) {
    return ppc_half(t, ppc_get_vr(t, r), 1);
}

static uint32_t sign_bit(Trans *t) {
    return ppc_i64(t, UINT64_C(1) << 63);
}

void ppc_trans_xscpsgnqp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        uint32_t sign = ppc_op2(t, IR_and, IR_I64, first(t, f->va), sign_bit(t));
        uint32_t rest = ppc_op2(t, IR_andn, IR_I64, first(t, f->vb), sign_bit(t));
        ppc_set_halves(t, PPC_VR + f->vt, ppc_op2(t, IR_or, IR_I64, rest, sign), second(t, f->vb));
    }
}

void ppc_shape_xq_sign(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_vsx(t)) {
        IrOp op = how == PPC_SIGN_CLEAR ? IR_andn : how == PPC_SIGN_SET ? IR_or : IR_xor;
        ppc_set_halves(t, PPC_VR + f->vt, ppc_op2(t, op, IR_I64, first(t, f->vb), sign_bit(t)), second(t, f->vb));
    }
}

static uint32_t exponent(Trans *t, unsigned r) {
    return ir_emit(t->ir, IR_ubfx, IR_I64, 0, first(t, r), ALL_EXPONENT, 0);
}

void ppc_trans_xsxexpqp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_scalar(t, PPC_VR + f->vt, exponent(t, f->vb));
    }
}

/* With the bit that a normal number implies */
void ppc_trans_xsxsigqp(Trans *t, const PpcFields *f) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t fraction = ir_emit(t->ir, IR_ubfx, IR_I64, 0, first(t, f->vb), EXPONENT_AT << 8, 0);
    uint32_t next = ppc_op2(t, IR_add, IR_I64, exponent(t, f->vb), ppc_i64(t, 1));
    uint32_t flags = ppc_flags(t, IR_fl_logic, ppc_op2(t, IR_and, IR_I64, next, ppc_i64(t, 0x7ffe)), 0);
    uint32_t normal = ppc_op2(t, IR_or, IR_I64, fraction, ppc_i64(t, UINT64_C(1) << EXPONENT_AT));
    ppc_set_halves(t, PPC_VR + f->vt, ir_emit(t->ir, IR_csel, IR_I64, IR_NE, flags, normal, fraction), second(t, f->vb));
}

void ppc_trans_xsiexpqp(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        uint32_t v = ir_emit(t->ir, IR_bfi, IR_I64, 0, first(t, f->va), first(t, f->vb), ALL_EXPONENT);
        ppc_set_halves(t, PPC_VR + f->vt, v, second(t, f->va));
    }
}
