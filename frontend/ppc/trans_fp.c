/* SPDX-License-Identifier: MIT */
/*
 * trans_fp.c - PowerPC scalar floating point and FPSCR.
 * Spec: Power ISA 3.0B Book I, 4.6.
 *
 * What computes is IR while no exception is enabled; the insn and its operands are kept for who asks about its result.
 * Everything else is done in C (fp_helper.c).
 */
#include "frontend/ppc/trans_fp.h"

/* -- arithmetic -------------------------------------------------------------------------------- */

uint32_t ppc_get_f(Trans *t, unsigned r) {
    return ppc_op1(t, IR_vlow, IR_F64, ppc_get_v(t, r));
}

void ppc_set_f(Trans *t, unsigned r, uint32_t v) {
    ppc_set_v(t, r, ppc_op1(t, IR_vzext, IR_V128, v));
}

/* The result of regs.t, which others may ask about. */
static void note(Trans *t, unsigned op, PpcFpRegs r) {
    IrBlock *b = t->ir;
    static const uint8_t operands[] = { /* 1: a, 2: b, 4: c */
        [PPC_FP_ADD] = 3, [PPC_FP_SUB] = 3, [PPC_FP_MUL] = 3, [PPC_FP_DIV] = 3, [PPC_FP_SQRT] = 2, [PPC_FP_MADD] = 7,
        [PPC_FP_ROUND] = 2, [PPC_FP_RINT] = 2, [PPC_FP_TO_INT] = 2, [PPC_FP_FROM_INT] = 2,
    };
    unsigned which = operands[op & PPC_FP_KIND];
    ir_set(b, PPC_SLOT_FP_OP, ppc_i32(t, op));
    ir_set(b, PPC_SLOT_FP_ORDER, ppc_i32(t, 0));
    if (which & 1) {
        ir_set(b, PPC_SLOT_FP_A, ppc_get_v(t, r.a));
    }
    if (which & 2) {
        ir_set(b, PPC_SLOT_FP_B, ppc_get_v(t, r.b));
    }
    if (which & 4) {
        ir_set(b, PPC_SLOT_FP_C, ppc_get_v(t, r.c));
    }
}

static uint32_t f2(Trans *t, IrOp op, unsigned aux, unsigned a, unsigned b) {
    uint32_t x = ppc_get_f(t, a);
    return ir_emit(t->ir, op, IR_F64, aux, x, ppc_get_f(t, b), 0);
}

/* Is the f64 known to be a single? */
static bool is_single(const Trans *t, uint32_t v) {
    unsigned op = t->ir->nodes[v].op;
    return op == IR_fswiden || (op >= IR_fsadd && op <= IR_fsmuladd) ||
           (op == IR_fcvt && ir_type_of(t->ir, t->ir->nodes[v].a) == IR_F32);
}

static uint32_t f2s(Trans *t, unsigned op, IrOp plain, IrOp single, unsigned a, unsigned b) {
    uint32_t x = ppc_get_f(t, a), y = ppc_get_f(t, b);
    if (!(op & PPC_FP_SINGLE)) {
        return ir_emit(t->ir, plain, IR_F64, 0, x, y, 0);
    }
    return ir_emit(t->ir, single, IR_F64, is_single(t, x) && is_single(t, y) ? IR_FP_OF_SINGLES : 0, x, y, 0);
}

static uint32_t f1(Trans *t, IrOp op, unsigned aux, unsigned b) {
    return ir_emit(t->ir, op, IR_F64, aux, ppc_get_f(t, b), 0, 0);
}

static uint32_t madd(Trans *t, unsigned op, PpcFpRegs r) {
    uint32_t a = ppc_get_f(t, r.a), c = ppc_get_f(t, r.c);
    unsigned aux = (op & PPC_FP_NEG_ADDEND ? FP_NEG_ADDEND : 0) | (op & PPC_FP_NEG_RESULT ? FP_NEG_RESULT : 0);
    return ir_emit(t->ir, op & PPC_FP_SINGLE ? IR_fsmuladd : IR_fmuladd, IR_F64, aux, a, c, ppc_get_f(t, r.b));
}

static uint32_t from_int(Trans *t, unsigned op, PpcFpRegs r) {
    enum { UNSIGNED = 1, WIDE = 2 };
    uint32_t v = ppc_half(t, ppc_get_v(t, r.b), 0);
    unsigned aux = WIDE | (op & PPC_FP_UNSIGNED ? UNSIGNED : 0);
    if (op & PPC_FP_SINGLE) {
        v = ir_emit(t->ir, IR_i2f, IR_F32, aux, v, 0, 0);
        return ppc_op1(t, IR_fcvt, IR_F64, v);
    }
    return ir_emit(t->ir, IR_i2f, IR_F64, aux, v, 0, 0);
}

static uint32_t to_int(Trans *t, unsigned op, PpcFpRegs r) {
    enum { UNSIGNED = 8, DOUBLE = 3 << 4 };
    unsigned aux = (op >> PPC_FP_MODE_SHIFT & 7) | (op & PPC_FP_UNSIGNED ? UNSIGNED : 0) | DOUBLE;
    uint32_t v = ir_emit(t->ir, IR_f2i, op & PPC_FP_WORD ? IR_I32 : IR_I64, aux, ppc_get_f(t, r.b), 0, 0);
    if (!(op & PPC_FP_WORD)) {
        return v;
    } else if (op & PPC_FP_SPLAT) {
        v = ppc_op1(t, IR_zext, IR_I64, v);
        return ppc_op2(t, IR_or, IR_I64, v, ppc_op2(t, IR_shl, IR_I64, v, ppc_i64(t, 32)));
    }
    return ppc_op1(t, op & PPC_FP_UNSIGNED ? IR_zext : IR_sext, IR_I64, v);
}

static uint32_t to_integral(Trans *t, unsigned op, PpcFpRegs r) {
    return f1(t, IR_frint, (op >> PPC_FP_MODE_SHIFT & 7) | (op & PPC_FP_EXACT ? 8 : 0), r.b);
}

/* The value, an f64 or an i64; 0: by no op. */
static uint32_t inlined(Trans *t, unsigned op, PpcFpRegs r) {
    switch (op & PPC_FP_KIND) {
    case PPC_FP_ADD: return f2s(t, op, IR_fadd, IR_fsadd, r.a, r.b);
    case PPC_FP_SUB: return f2s(t, op, IR_fsub, IR_fssub, r.a, r.b);
    case PPC_FP_MUL: return f2s(t, op, IR_fmul, IR_fsmul, r.a, r.b);
    case PPC_FP_DIV: return f2s(t, op, IR_fdiv, IR_fsdiv, r.a, r.b);
    case PPC_FP_SQRT: return f1(t, op & PPC_FP_SINGLE ? IR_fssqrt : IR_fsqrt, 0, r.b);
    case PPC_FP_MADD: return madd(t, op, r);
    case PPC_FP_ROUND: return ppc_op1(t, IR_fcvt, IR_F64, ir_emit(t->ir, IR_fcvt, IR_F32, 0, ppc_get_f(t, r.b), 0, 0));
    case PPC_FP_RINT: return to_integral(t, op, r);
    case PPC_FP_TO_INT: return to_int(t, op, r);
    case PPC_FP_FROM_INT: return from_int(t, op, r);
    case PPC_FP_MAX: return f2(t, IR_fmaxnm, 0, r.a, r.b);
    case PPC_FP_MIN: return f2(t, IR_fminnm, 0, r.a, r.b);
    default: return 0;
    }
}

static bool is_noted(unsigned op) {
    unsigned kind = op & PPC_FP_KIND;
    return kind != PPC_FP_MAX && kind != PPC_FP_MIN;
}

void ppc_fp_op(Trans *t, unsigned op, PpcFpRegs r) {
    bool in_c = t->mode & PPC_MODE_FP_FULL || op & (PPC_FP_RC | PPC_FP_FROM(3) | PPC_FP_TO(3));
    uint32_t v = in_c ? 0 : inlined(t, op, r);
    t->ir->fp_plain = true;
    if (!v) {
        uint32_t args[] = {ppc_i32(t, op), ppc_i32(t, r.t | r.a << 8 | r.b << 16 | r.c << 24)};
        ir_call(t->ir, PPC_HELPER_fp, 2, args);
        return;
    }
    if (is_noted(op)) {
        note(t, op, r);
    }
    if (ir_type_of(t->ir, v) == IR_I64) {
        ppc_set_scalar(t, r.t, v);
    } else {
        ppc_set_f(t, r.t, v);
    }
}

static unsigned recorded(const PpcFields *f) {
    return f->rc ? PPC_FP_RC : 0;
}

void ppc_shape_farith(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_fp(t)) {
        ppc_fp_op(t, op | recorded(f), (PpcFpRegs){f->ft, f->fa, f->fb, f->fc});
    }
}

void ppc_shape_fmultiply(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_fp(t)) {
        ppc_fp_op(t, op | recorded(f), (PpcFpRegs){f->ft, f->fa, f->fc, f->fc});
    }
}

/* -- comparison -------------------------------------------------------------------------------- */

void ppc_fp_compare(Trans *t, unsigned field, unsigned a, unsigned b, unsigned ordered) {
    t->ir->fp_plain = true;
    if (t->mode & PPC_MODE_FP_FULL) {
        uint32_t args[] = {ppc_i32(t, ordered), ppc_i32(t, field | a << 8 | b << 16)};
        ir_call(t->ir, PPC_HELPER_fp_compare, 2, args);
        ppc_forget(t);
        return;
    }
    uint32_t x = ppc_get_f(t, a);
    ppc_set_order(t, field, ir_emit(t->ir, IR_fl_fcmp, IR_FLAGS, ordered | IR_FP_WHY, x, ppc_get_f(t, b), 0));
}

void ppc_shape_fcmp(Trans *t, const PpcFields *f, unsigned ordered) {
    if (ppc_fp(t)) {
        ppc_fp_compare(t, f->bf, f->fa, f->fb, ordered);
    }
}

void ppc_trans_ftdiv(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        ppc_fp_tested(t, f->bf, f->fa, f->fb, 0);
    }
}

void ppc_trans_ftsqrt(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        ppc_fp_tested(t, f->bf, f->fb, f->fb, 1);
    }
}

void ppc_fp_tested(Trans *t, unsigned field, unsigned a, unsigned b, unsigned how) {
    uint32_t args[] = {ppc_half(t, ppc_get_v(t, a), 0), ppc_half(t, ppc_get_v(t, b), 0), ppc_i32(t, how)};
    ppc_set_cr(t, field, ir_call(t->ir, PPC_HELPER_fp_test, 3, args));
}

/* -- moves -------------------------------------------------------------------------------- */

static void record(Trans *t, const PpcFields *f) {
    if (f->rc) {
        ppc_set_cr(t, 1, ir_call(t->ir, PPC_HELPER_fp_cr1, 0, NULL));
    }
}

uint32_t ppc_fp_signed(Trans *t, uint32_t v, unsigned how) {
    v = how == PPC_SIGN_CLEAR || how == PPC_SIGN_SET ? ppc_op1(t, IR_fabs, IR_F64, v) : v;
    return how == PPC_SIGN_INVERT || how == PPC_SIGN_SET ? ppc_op1(t, IR_fneg, IR_F64, v) : v;
}

void ppc_shape_fsign(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_fp(t)) {
        ppc_set_f(t, f->ft, ppc_fp_signed(t, ppc_get_f(t, f->fb), how));
        record(t, f);
    }
}

uint32_t ppc_fp_copied_sign(Trans *t, unsigned a, unsigned b) {
    uint32_t top = ppc_i64(t, UINT64_C(1) << 63);
    uint32_t sign = ppc_op2(t, IR_and, IR_I64, ppc_half(t, ppc_get_v(t, a), 0), top);
    return ppc_op2(t, IR_or, IR_I64, ppc_op2(t, IR_andn, IR_I64, ppc_half(t, ppc_get_v(t, b), 0), top), sign);
}

void ppc_trans_fcpsgn(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        ppc_set_scalar(t, f->ft, ppc_fp_copied_sign(t, f->fa, f->fb));
        record(t, f);
    }
}

/* fc where fa >= 0, -0 as well; else, and for a NaN, fb */
void ppc_trans_fsel(Trans *t, const PpcFields *f) {
    if (!ppc_fp(t)) {
        return;
    }
    uint32_t a = ppc_half(t, ppc_get_v(t, f->fa), 0), b = ppc_half(t, ppc_get_v(t, f->fb), 0);
    uint32_t c = ppc_half(t, ppc_get_v(t, f->fc), 0);
    uint32_t positive = ppc_flags(t, IR_fl_sub, a, ppc_i64(t, UINT64_C(0x7ff0000000000000)));
    uint32_t v = ir_emit(t->ir, IR_csel, IR_I64, IR_LS, positive, c, b);
    uint32_t zero = ppc_flags(t, IR_fl_sub, a, ppc_i64(t, UINT64_C(1) << 63));
    ppc_set_scalar(t, f->ft, ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, zero, c, v));
    record(t, f);
}

/* The even or odd words of both */
void ppc_shape_fmrg(Trans *t, const PpcFields *f, unsigned even) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t a = ppc_half(t, ppc_get_v(t, f->fa), 0), b = ppc_half(t, ppc_get_v(t, f->fb), 0);
    if (even) {
        b = ppc_op2(t, IR_shr, IR_I64, b, ppc_i64(t, 32));
        ppc_set_scalar(t, f->ft, ir_emit(t->ir, IR_bfi, IR_I64, 0, a, b, 32 << 8));
    } else {
        ppc_set_scalar(t, f->ft, ir_emit(t->ir, IR_bfi, IR_I64, 0, b, a, 32 | 32 << 8));
    }
}

/* -- FPSCR -------------------------------------------------------------------------------- */

/* Rounding and enabled exceptions may be others: generated code is entered anew. */
static void write_fpscr(Trans *t, const PpcFields *f, uint32_t value, uint64_t mask) {
    uint32_t args[] = {value, ppc_i64(t, mask)};
    ir_call(t->ir, PPC_HELPER_fpscr_write, 2, args);
    record(t, f);
    ppc_leave(t, IR_EXIT_NEXT);
}

void ppc_trans_mffs(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        ppc_set_scalar(t, f->ft, ir_call(t->ir, PPC_HELPER_fpscr_read, 0, NULL));
        record(t, f);
    }
}

void ppc_shape_mffs_and(Trans *t, const PpcFields *f, unsigned what) {
    const uint64_t control = UINT64_C(0x7000000ff), drn = UINT64_C(7) << PPC_FPSCR_DRN;
    if (!ppc_fp(t)) {
        return;
    } else if (!ppc_has(t->env, PPC_ISA300)) {
        ppc_set_scalar(t, f->ft, ir_call(t->ir, PPC_HELPER_fpscr_read, 0, NULL));
        return;
    }
    uint32_t v = ir_call(t->ir, PPC_HELPER_fpscr_read, 0, NULL), from = ppc_half(t, ppc_get_v(t, f->fb), 0);
    uint64_t told = what == PPC_FPSCR_CLEAR_ENABLES ? UINT64_MAX : what == PPC_FPSCR_LIGHT ? control | UINT64_C(0x7f000) : control;
    ppc_set_scalar(t, f->ft, ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, told)));
    const uint64_t masks[] = {[PPC_FPSCR_CLEAR_ENABLES] = PPC_FPSCR_ENABLES, [PPC_FPSCR_LIGHT] = 0, [PPC_FPSCR_SET_DRN] = drn,
                              [PPC_FPSCR_SET_DRNI] = drn, [PPC_FPSCR_SET_RN] = 3, [PPC_FPSCR_SET_RNI] = 3};
    if (masks[what]) {
        uint64_t immediate = (uint64_t)f->drm << PPC_FPSCR_DRN | f->rm;
        bool by_register = what == PPC_FPSCR_SET_DRN || what == PPC_FPSCR_SET_RN;
        uint32_t args[] = {by_register ? from : ppc_i64(t, immediate), ppc_i64(t, masks[what])};
        ir_call(t->ir, PPC_HELPER_fpscr_control, 2, args);
        ppc_leave(t, IR_EXIT_NEXT);
    }
}

/* Fields of flm (bit 7: the first of the half that w names), or everything */
void ppc_trans_mtfsf(Trans *t, const PpcFields *f) {
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        mask |= (uint64_t)(f->flm >> i & 1 ? 15 : 0) << 4 * i;
    }
    if (ppc_fp(t)) {
        write_fpscr(t, f, ppc_half(t, ppc_get_v(t, f->fb), 0), f->l ? PPC_FPSCR_ALL : f->w ? mask << 32 : mask);
    }
}

void ppc_trans_mtfsfi(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        unsigned at = 28 - 4 * f->bf + 32 * f->w;
        write_fpscr(t, f, ppc_i64(t, (uint64_t)f->u << at), UINT64_C(15) << at);
    }
}

void ppc_shape_mtfsb(Trans *t, const PpcFields *f, unsigned value) {
    if (ppc_fp(t)) {
        uint64_t bit = UINT64_C(1) << (31 - f->bt);
        write_fpscr(t, f, ppc_i64(t, value ? bit : 0), bit | PPC_FPSCR_NEW);
    }
}

void ppc_trans_mcrfs(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        uint32_t field = ppc_i32(t, f->bfa);
        ppc_set_cr(t, f->bf, ir_call(t->ir, PPC_HELPER_fpscr_field, 1, &field));
    }
}
