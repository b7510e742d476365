/* SPDX-License-Identifier: MIT */
/*
 * ops.c - the table of ops made from ops.def, and the names of types and conditions.
 */
#include "ir/interp.h"

enum { PURE = IR_PURE, FP = IR_FP, STATE = IR_STATE, MEM = IR_MEM, FAULT = IR_FAULT, TERM = IR_TERM, CTRL = IR_CTRL };

/* A constant has its value in two operands, which IrFn cannot see; the loop runs it like the ops of guest state. */
#define INTERP(name, props) (((props) & (PURE | FP)) && IR_##name != IR_const ? interp_##name : NULL)

/* Bit k: operand k is a value. */
#define IS_VALUE(o, k) (sizeof(o) > (k) + 1 && (o)[k] != 's' && (o)[k] != 'i' && (o)[k] != 'h')
#define VALUES(o) (IS_VALUE(o, 0) | (sizeof(o) > 2 && IS_VALUE(o, sizeof(o) > 2 ? 1 : 0)) << 1 | \
                   (sizeof(o) > 3 && IS_VALUE(o, sizeof(o) > 3 ? 2 : 0)) << 2)

/* The uses of some ops' operands life.c notes in another way. */
#define IS_ONE_OF(op, a, b, c, d) ((op) == (a) || (op) == (b) || (op) == (c) || (op) == (d))
#define NOTED_VALUES(op, o)                                                                                            \
    (IS_ONE_OF(op, IR_fl_add, IR_fl_sub, IR_fl_adc, IR_fl_sbc) || IS_ONE_OF(op, IR_set, IR_pend, IR_arg, IR_pair) ? 0 : VALUES(o))

const IrOpInfo ir_ops[IR_OPS] = {
#define OP(name, result, operands, props, meaning)                                                                     \
    [IR_##name] = {#name, (result)[0], operands, props, VALUES(operands), NOTED_VALUES(IR_##name, operands),           \
                   INTERP(name, props), meaning},
#include "ir/ops.def"
#include "ir/ops_fp.def"
#include "ir/ops_vec.def"
#undef OP
};

enum {
    WIDE = IR_APPEND_WIDE, BYTES = IR_APPEND_BYTES, COUNT = IR_APPEND_COUNT, NO_CODE = IR_APPEND_NO_CODE,
    NOTED = IR_APPEND_NOTED, LOOKS = IR_APPEND_LOOKS,
};
const uint16_t ir_append_kinds[IR_OPS] = {
    [IR_fl_add] = WIDE | 7 | NOTED,
    [IR_fl_sub] = WIDE | 7 | NOTED,
    [IR_fl_adc] = WIDE | 7 | NOTED,
    [IR_fl_sbc] = WIDE | 7 | NOTED,
    [IR_fl_logic] = WIDE | 7,
    [IR_setc] = WIDE | 7,
    [IR_i2f] = WIDE | 1,
    [IR_vzext] = BYTES | IR_AUX_FP_SHIFT,
    [IR_fbits] = BYTES | IR_AUX_FP_SHIFT,
    [IR_fl_fcmp] = BYTES | 1,
    [IR_fcvt] = BYTES | 1,
    [IR_f2i] = BYTES | 4,
    [IR_nop] = NO_CODE,
    [IR_const] = NO_CODE,
    [IR_arg] = NO_CODE,
    [IR_pair] = NO_CODE,
    [IR_insn] = COUNT | NO_CODE,
    [IR_check] = COUNT | NOTED,
    [IR_get] = NOTED,
    [IR_set] = NOTED,
    [IR_pend] = NOTED,
    [IR_call] = NOTED,
    [IR_adc] = NOTED,
    [IR_sbc] = NOTED,
    [IR_cset] = NOTED,
    [IR_csel] = NOTED | LOOKS,
    [IR_fl_sel] = LOOKS,
    [IR_trunc] = LOOKS,
    [IR_uxt] = LOOKS,
    [IR_sxt] = LOOKS,
    [IR_ubfx] = LOOKS,
    [IR_sbfx] = LOOKS,
    [IR_neg] = LOOKS,
    [IR_not] = LOOKS,
    [IR_clz] = LOOKS,
    [IR_vlow] = LOOKS,
    [IR_fl_nzcv] = LOOKS,
    [IR_aligned] = NOTED,
    [IR_ld] = NOTED,
    [IR_st] = NOTED,
    [IR_ll] = NOTED,
    [IR_sc] = NOTED,
    [IR_cas] = NOTED,
    [IR_rmw] = NOTED,
    [IR_barrier] = NOTED,
    [IR_unmon] = NOTED,
    [IR_skip_if] = NOTED,
    [IR_end] = NOTED,
    [IR_leave_if] = NOTED,
    [IR_branch] = NOTED,
};

const uint8_t ir_widths[4][IR_TYPES] = {
    [WIDE >> 3] = {[IR_I64] = 1},
    [BYTES >> 3] = {[IR_F16] = 1, [IR_F32] = 2, [IR_F64] = 3},
};

const char *ir_type_name(IrType type) {
    static const char *const names[IR_TYPES] = {
        [IR_VOID] = "void", [IR_I8] = "i8",   [IR_I16] = "i16", [IR_I32] = "i32",   [IR_I64] = "i64",
        [IR_F16] = "f16",   [IR_F32] = "f32", [IR_F64] = "f64", [IR_V128] = "v128", [IR_FLAGS] = "flags",
    };
    return (unsigned)type < IR_TYPES ? names[type] : "?";
}

const char *ir_cond_name(unsigned cond) {
    static const char *const names[16] = {
        "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "al",
    };
    return names[cond & 15];
}

GQuark ir_error_quark(void) {
    return g_quark_from_static_string("ir-error");
}
