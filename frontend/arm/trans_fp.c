/* SPDX-License-Identifier: MIT */
/*
 * trans_fp.c - A64 scalar floating point to IR. The shapes serve the rows of a64_fp.decode; an argument `e` is log2 of
 * the bytes of the format: 1 half, 2 single, 3 double.
 * Spec: Arm DDI 0487, C7.2; the pseudocode's rounding and NaN rules are those of the IR ops under FP_RULES_ARM.
 */
#include "frontend/arm/trans.h"

static IrType type_of(unsigned e) {
    return (IrType)(IR_F16 + e - 1);
}

static uint32_t get_f(Trans *t, unsigned r, unsigned e) {
    return ir_emit(t->ir, IR_vlow, type_of(e), 0, a64_get_v(t, r), 0, 0);
}

/* Writing a scalar clears the rest of the vector register. */
static void set_f(Trans *t, unsigned r, uint32_t value) {
    a64_set_v(t, r, ir_emit(t->ir, IR_vzext, IR_V128, 0, value, 0, 0));
}

static uint32_t const_f(Trans *t, uint64_t bits, unsigned e) {
    uint32_t value = ir_const(t->ir, e == 3 ? IR_I64 : IR_I32, bits);
    return ir_emit(t->ir, IR_bitsf, type_of(e), 0, value, 0, 0);
}

static uint32_t lane_f(Trans *t, unsigned r, unsigned lane, unsigned e) {
    uint32_t v = a64_get_v(t, r);
    return ir_emit(t->ir, IR_vlow, type_of(e), 0, lane ? ir_emit(t->ir, IR_vdupl, IR_V128, e, v, lane, 0) : v, 0, 0);
}

/* -- arithmetic -- */

void a64_shape_fmov(Trans *t, const A64Fields *f, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, get_f(t, f->rn, e));
}

void a64_shape_f1(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, ir_emit(t->ir, (IrOp)op, type_of(e), aux, get_f(t, f->rn, e), 0, 0));
}

void a64_shape_f2(Trans *t, const A64Fields *f, unsigned op, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, ir_emit(t->ir, (IrOp)op, type_of(e), 0, get_f(t, f->rn, e), get_f(t, f->rm, e), 0));
}

/* FNMUL negates the rounded product, a NaN's sign included. */
void a64_shape_fnmul(Trans *t, const A64Fields *f, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t product = ir_emit(t->ir, IR_fmul, type_of(e), 0, get_f(t, f->rn, e), get_f(t, f->rm, e), 0);
    set_f(t, f->rd, ir_emit(t->ir, IR_fneg, type_of(e), 0, product, 0, 0));
}

void a64_shape_f3(Trans *t, const A64Fields *f, unsigned options, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = get_f(t, f->rn, e);
    uint32_t m = get_f(t, f->rm, e);
    set_f(t, f->rd, ir_emit(t->ir, IR_fmuladd, type_of(e), options, n, m, get_f(t, f->ra, e)));
}

void a64_shape_f2_e(Trans *t, const A64Fields *f, unsigned op, unsigned lane, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, ir_emit(t->ir, (IrOp)op, type_of(e), 0, get_f(t, f->rn, e), lane_f(t, f->rm, lane, e), 0));
}

void a64_shape_fmla_e(Trans *t, const A64Fields *f, unsigned options, unsigned lane, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = get_f(t, f->rn, e);
    uint32_t m = lane_f(t, f->rm, lane, e);
    set_f(t, f->rd, ir_emit(t->ir, IR_fmuladd, type_of(e), options, n, m, get_f(t, f->rd, e)));
}

/* -- compares and selects -- */

static uint32_t compare(Trans *t, uint32_t a, uint32_t b, unsigned signalling) {
    return ir_emit(t->ir, IR_fl_fcmp, IR_FLAGS, signalling, a, b, 0);
}

void a64_shape_fcmp(Trans *t, const A64Fields *f, unsigned signalling, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    ir_set(t->ir, ARM_SLOT_NZCV, compare(t, get_f(t, f->rn, e), get_f(t, f->rm, e), signalling));
}

void a64_shape_fcmpz(Trans *t, const A64Fields *f, unsigned signalling, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    ir_set(t->ir, ARM_SLOT_NZCV, compare(t, get_f(t, f->rn, e), const_f(t, 0, e), signalling));
}

void a64_shape_fccmp(Trans *t, const A64Fields *f, unsigned signalling, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t a = get_f(t, f->rn, e);
    uint32_t b = get_f(t, f->rm, e);
    if (f->cond >= IR_AL) {
        ir_set(t->ir, ARM_SLOT_NZCV, compare(t, a, b, signalling));
        return;
    }
    /* Where the condition fails nothing is compared, so nothing may be raised: zeros are compared instead. */
    uint32_t flags = a64_flags(t);
    uint32_t zero = const_f(t, 0, e);
    a = ir_emit(t->ir, IR_csel, type_of(e), f->cond, flags, a, zero);
    b = ir_emit(t->ir, IR_csel, type_of(e), f->cond, flags, b, zero);
    uint32_t given = ir_emit(t->ir, IR_fl_nzcv, IR_FLAGS, 0, ir_const(t->ir, IR_I32, (uint64_t)f->nzcv << 28), 0, 0);
    uint32_t result = compare(t, a, b, signalling);
    ir_set(t->ir, ARM_SLOT_NZCV, ir_emit(t->ir, IR_fl_sel, IR_FLAGS, f->cond, flags, result, given));
}

void a64_shape_fcsel(Trans *t, const A64Fields *f, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t a = get_f(t, f->rn, e);
    if (f->cond < IR_AL) {
        a = ir_emit(t->ir, IR_csel, type_of(e), f->cond, a64_flags(t), a, get_f(t, f->rm, e));
    }
    set_f(t, f->rd, a);
}

/* -- moves and conversions -- */

/* The manual's VFPExpandImm: sign, exponent NOT(b6):b6...b6:b5 b4, fraction b3..b0. */
void a64_shape_fmov_i(Trans *t, const A64Fields *f, unsigned e) {
    static const struct {
        uint8_t exponent, fraction; /* bits */
    } format[] = {[1] = {5, 10}, [2] = {8, 23}, [3] = {11, 52}};

    if (!a64_fp(t)) {
        return;
    }
    unsigned exponent = format[e].exponent;
    unsigned fraction = format[e].fraction;
    uint64_t repeated = f->imm8 >> 6 & 1 ? (UINT64_C(1) << (exponent - 3)) - 1 : UINT64_C(1) << (exponent - 3);
    uint64_t bits = (uint64_t)(f->imm8 >> 7) << (exponent + fraction) | repeated << (fraction + 2) |
                    (uint64_t)(f->imm8 & 0x3f) << (fraction - 4);
    set_f(t, f->rd, const_f(t, bits, e));
}

void a64_shape_fmov_to_g(Trans *t, const A64Fields *f, unsigned type, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set(t, f->rd, ir_emit(t->ir, IR_fbits, (IrType)type, 0, get_f(t, f->rn, e), 0, 0));
}

void a64_shape_fmov_from_g(Trans *t, const A64Fields *f, unsigned type, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, ir_emit(t->ir, IR_bitsf, type_of(e), 0, a64_get(t, f->rn, (IrType)type), 0, 0));
}

void a64_trans_fmov_xv(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set(t, f->rd, ir_emit(t->ir, IR_vget, IR_I64, 3, a64_get_v(t, f->rn), 1, 0));
}

void a64_trans_fmov_vx(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t x = a64_get(t, f->rn, IR_I64);
    a64_set_v(t, f->rd, ir_emit(t->ir, IR_vput, IR_V128, 3, a64_get_v(t, f->rd), x, 1));
}

/* Format `from` to format `to`; odd: rounded to odd. */
void a64_shape_fcvt(Trans *t, const A64Fields *f, unsigned to, unsigned from, unsigned odd) {
    if (!a64_fp(t)) {
        return;
    }
    set_f(t, f->rd, ir_emit(t->ir, IR_fcvt, type_of(to), odd | from << 1, get_f(t, f->rn, from), 0, 0));
}

void a64_shape_ftoi_g(Trans *t, const A64Fields *f, unsigned round, unsigned is_signed, unsigned fbits, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned aux = round | !is_signed << 3 | e << 4;
    a64_set(t, f->rd, ir_emit(t->ir, IR_f2i, a64_type(f->sf), aux, get_f(t, f->rn, e), fbits, 0));
}

void a64_shape_itof_g(Trans *t, const A64Fields *f, unsigned is_signed, unsigned fbits, unsigned e) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned aux = (is_signed ? 0 : 1) | f->sf << 1;
    set_f(t, f->rd, ir_emit(t->ir, IR_i2f, type_of(e), aux, a64_get(t, f->rn, a64_type(f->sf)), fbits, 0));
}
