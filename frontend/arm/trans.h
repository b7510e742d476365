/* SPDX-License-Identifier: MIT */
/*
 * trans.h - what the trans_*.c files of A64 share: register access, exceptions, decoded fields.
 */
#ifndef FRONTEND_ARM_TRANS_H
#define FRONTEND_ARM_TRANS_H

#include "frontend/arm/cpu.h"

/* A64Fields (one member per field name of the tables) and the prototypes of all a64_trans_* come from decode.py. */
#include "a64_decode.h"

/* Synchronous exceptions that translated code raises; the value is the exception class (ESR_ELx.EC). */
typedef enum ArmException {
    ARM_EXC_UNKNOWN = 0x00,
    ARM_EXC_WFX = 0x01,
    ARM_EXC_FP_ACCESS = 0x07,
    ARM_EXC_ILLEGAL_STATE = 0x0e,
    ARM_EXC_SVC = 0x15,
    ARM_EXC_HVC = 0x16,
    ARM_EXC_SMC = 0x17,
    ARM_EXC_SYSREG = 0x18,
    ARM_EXC_BRK = 0x3c,
} ArmException;

/* Emits the UNDEFINED exception for the current insn, and ends the block. */
void a64_undef(Trans *t);
/* Emits any synchronous exception, and ends the block. Preferred return address: this insn (SVC, HVC: the next). */
void a64_exception(Trans *t, ArmException kind, uint32_t iss);
/* True when FP/SIMD may be used; else emits the access trap and returns false: `if (!a64_fp(t)) return;` */
bool a64_fp(Trans *t);

/* Emits the jump to a target in a register, after cleaning its tag, and ends the block. kind: IrJumpKind. */
void a64_indirect(Trans *t, uint32_t target, unsigned kind);
/* Software step and hardware breakpoints of the insn about to be translated; called when the mode has their bits. May
 * end the block (t->ended), and then the insn is not translated. In trans_priv.c. */
void a64_debug_hook(Trans *t);

/* rm extended (option as in ADD, extended register) and shifted left. In trans_int.c. */
uint32_t a64_extend(Trans *t, unsigned rm, unsigned option, unsigned shift, IrType type);

/* The 64-bit value of N:imms:immr, which must not be a reserved one. In trans_int.c. */
uint64_t a64_bitmask(unsigned n, unsigned imms, unsigned immr);

/* The low `width` bits of v as a signed number. */
static inline int32_t a64_sext(uint32_t v, unsigned width) {
    return (int32_t)(v << (32 - width)) >> (32 - width);
}
static inline IrType a64_type(unsigned sf) {
    return sf ? IR_I64 : IR_I32;
}
uint32_t a64_zero(Trans *t, IrType type);
/* Register number 31 is the zero register in the first two, the stack pointer in the _sp forms. */
static inline uint32_t a64_get(Trans *t, unsigned r, IrType type) {
    return G_UNLIKELY(r == 31) ? a64_zero(t, type) : ir_get(t->ir, ARM_SLOT_X0 + r, type);
}
static inline void a64_set(Trans *t, unsigned r, uint32_t value) {
    if (r != 31) {
        ir_set(t->ir, ARM_SLOT_X0 + r, value);
    }
}
static inline uint32_t a64_get_sp(Trans *t, unsigned r, IrType type) {
    return ir_get(t->ir, ARM_SLOT_X0 + r, type);
}
static inline void a64_set_sp(Trans *t, unsigned r, uint32_t value) {
    ir_set(t->ir, ARM_SLOT_X0 + r, value);
}
static inline uint32_t a64_get_v(Trans *t, unsigned r) {
    return ir_get(t->ir, ARM_SLOT_V0 + r, IR_V128);
}
static inline void a64_set_v(Trans *t, unsigned r, uint32_t value) {
    ir_set(t->ir, ARM_SLOT_V0 + r, value);
}
static inline uint32_t a64_flags(Trans *t) {
    return ir_get(t->ir, ARM_SLOT_NZCV, IR_FLAGS);
}

#endif
