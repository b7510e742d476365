/* SPDX-License-Identifier: MIT */
/*
 * interp.h - one function for every op of ops.def, ops_fp.def and ops_vec.def whose properties contain PURE or FP.
 *
 * `void interp_<op>(Env *env, IrVal *d, const IrVal *a, const IrVal *b, const IrVal *c, uint64_t info)`, see IrFn.
 * interp_int.c has those of ops.def (fl_fcmp excepted: interp_fp.c), interp_fp.c and interp_vec.c the rest. The
 * declarations of other ops (memory, control, const) name functions that do not exist; nothing refers to them.
 *
 * d never overlaps a, b or c. Bits of d above the result's type may hold anything.
 */
#ifndef IR_INTERP_H
#define IR_INTERP_H

#include "ir/ir.h"

#define OP(name, result, operands, props, meaning) IrFn interp_##name;
#include "ir/ops.def"
#include "ir/ops_fp.def"
#include "ir/ops_vec.def"
#undef OP

#endif
