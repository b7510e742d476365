/* SPDX-License-Identifier: MIT */
/*
 * trans.h - what the trans*.c files of PowerPC share: register access, condition fields, interrupts, decoded fields.
 */
#ifndef FRONTEND_PPC_TRANS_H
#define FRONTEND_PPC_TRANS_H

#include "frontend/ppc/dfp.h"
#include "frontend/ppc/quad.h"

/* PpcFields (one member per field name of the tables) and the prototypes of all ppc_trans_* come from decode.py. */
#include "ppc_decode.h"

/* Arguments of shapes. */
enum { PPC_ADD_RB, PPC_ADD_ONES, PPC_ADD_ZERO };                /* second operand of adde, subfe and their kind */
enum { PPC_ROTATE_LEFT, PPC_ROTATE_RIGHT, PPC_ROTATE_BOTH };    /* what the mask keeps: to the right of MB, left of ME */
enum { PPC_TO_LR, PPC_TO_CTR, PPC_TO_TAR };
enum { PPC_UPDATE = 1, PPC_SIGNED = 2, PPC_REVERSED = 4 };

enum { PPC_SIGN_KEEP, PPC_SIGN_INVERT, PPC_SIGN_CLEAR, PPC_SIGN_SET };
enum { PPC_LEFT, PPC_RIGHT, PPC_RIGHT_SIGNED };
/* Decimals: see bcd.c. */
enum {
    PPC_BCD_ADD, PPC_BCD_SUB, PPC_BCD_SHIFT, PPC_BCD_SHIFT_UNSIGNED, PPC_BCD_SHIFT_ROUND, PPC_BCD_TRUNCATE,
    PPC_BCD_TRUNCATE_UNSIGNED, PPC_BCD_FROM_NATIONAL, PPC_BCD_TO_NATIONAL, PPC_BCD_FROM_ZONED, PPC_BCD_TO_ZONED,
    PPC_BCD_FROM_QUAD, PPC_BCD_TO_QUAD, PPC_BCD_COPY_SIGN, PPC_BCD_SET_SIGN, PPC_BCDS
};
enum { PPC_MOVE_ALL, PPC_MOVE_SIGNED, PPC_MOVE_LOW };

/* Vectors (offsets), and SRR1 of a program interrupt. */
enum {
    PPC_VEC_RESET = 0x100, PPC_VEC_MACHINE_CHECK = 0x200, PPC_VEC_DATA = 0x300, PPC_VEC_DATA_SEGMENT = 0x380, PPC_VEC_INSN = 0x400,
    PPC_VEC_INSN_SEGMENT = 0x480, PPC_VEC_EXTERNAL = 0x500, PPC_VEC_ALIGN = 0x600, PPC_VEC_PROGRAM = 0x700,
    PPC_VEC_FP = 0x800, PPC_VEC_DECREMENTER = 0x900, PPC_VEC_DOORBELL = 0xa00, PPC_VEC_SYSTEM_CALL = 0xc00, PPC_VEC_TRACE = 0xd00,
    PPC_VEC_VEC = 0xf20, PPC_VEC_VSX = 0xf40, PPC_VEC_FACILITY = 0xf60,
};
enum { PPC_PROGRAM_FP = 1 << 20, PPC_PROGRAM_ILLEGAL = 1 << 19, PPC_PROGRAM_PRIVILEGED = 1 << 18, PPC_PROGRAM_TRAP = 1 << 17 };

/* Emits an interrupt of the current insn, and ends the block. */
void ppc_interrupt(Trans *t, unsigned vector);
void ppc_program(Trans *t, uint32_t srr1);
/* True in supervisor state; else emits the interrupt: `if (!ppc_privileged(t)) return;` */
bool ppc_privileged(Trans *t);
/* Facilities by the numbers that FSCR has for why; those of problem state. */
enum {
    PPC_FACILITY_DSCR = 2, PPC_FACILITY_PM = 3, PPC_FACILITY_BHRB = 4, PPC_FACILITY_TM = 5, PPC_FACILITY_EBB = 7,
    PPC_FACILITY_TAR = 8, PPC_FACILITY_SCV = 12,
};
/* Emits the interrupt that says which facility is missing. In trans_facility.c, like the next. */
void ppc_facility(Trans *t, unsigned which);
/* True if the facility is there; else emits the interrupt. */
bool ppc_allows(Trans *t, unsigned which);
/* In front of an insn with MSR[SE], MSR[BE] or a breakpoint. */
enum { PPC_TRACE_NOT, PPC_TRACE_ALWAYS, PPC_TRACE_COMPARE };
void ppc_trace(Trans *t, uint32_t insn);
/* Ends the block: leaves with `reason` at the next insn. */
void ppc_leave(Trans *t, IrExit reason);

static inline bool ppc_wide(const Trans *t) {
    return t->mode & PPC_MODE_SF;
}
/* The type that CR0, carries and overflow are computed in. */
static inline IrType ppc_type(const Trans *t) {
    return ppc_wide(t) ? IR_I64 : IR_I32;
}
static inline int32_t ppc_sext(uint32_t v, unsigned width) {
    return (int32_t)(v << (32 - width)) >> (32 - width);
}
static inline uint32_t ppc_i64(Trans *t, uint64_t v) {
    return ir_const(t->ir, IR_I64, v);
}
static inline uint32_t ppc_i32(Trans *t, uint32_t v) {
    return ir_const(t->ir, IR_I32, v);
}
static inline uint32_t ppc_op2(Trans *t, IrOp op, IrType type, uint32_t a, uint32_t b) {
    return ir_emit(t->ir, op, type, 0, a, b, 0);
}
static inline uint32_t ppc_op1(Trans *t, IrOp op, IrType type, uint32_t a) {
    return ir_emit(t->ir, op, type, 0, a, 0, 0);
}
static inline uint32_t ppc_flags(Trans *t, IrOp op, uint32_t a, uint32_t b) {
    return ir_emit(t->ir, op, IR_FLAGS, 0, a, b, 0);
}
static inline uint32_t ppc_cset(Trans *t, IrCond cond, uint32_t flags) {
    return ir_emit(t->ir, IR_cset, IR_I32, cond, flags, 0, 0);
}
static inline uint32_t ppc_get(Trans *t, unsigned r) {
    return ir_get(t->ir, PPC_SLOT_GPR + r, IR_I64);
}
static inline uint32_t ppc_get32(Trans *t, unsigned r) {
    return ir_get(t->ir, PPC_SLOT_GPR + r, IR_I32);
}
static inline void ppc_set(Trans *t, unsigned r, uint32_t value) {
    ir_set(t->ir, PPC_SLOT_GPR + r, value);
}
/* A byte slot: CR fields, XER's bits. */
static inline uint32_t ppc_byte(Trans *t, unsigned slot) {
    return ir_get(t->ir, slot, IR_I32);
}
/* v as CR0 and carries see it: its low half in 32-bit mode. */
static inline uint32_t ppc_narrow(Trans *t, uint32_t v) {
    return ppc_wide(t) ? v : ppc_op1(t, IR_trunc, IR_I32, v);
}

/* CR field = the outcome of a comparison, of which `flags` are those of a subtraction, and XER[SO]. What follows in the
 * block may branch on the flags themselves (Trans.known). In trans_branch.c. */
void ppc_set_compare(Trans *t, unsigned field, uint32_t flags, bool is_unsigned);
/* The same of floating-point numbers, whose order `flags` (of fl_fcmp) are, with FPSCR's FPCC. */
void ppc_set_order(Trans *t, unsigned field, uint32_t flags);
/* CR6 of a comparison of vectors: LT when `all`, flags, say EQ, else none, which is PPC_EQ or 0. */
void ppc_set_vector(Trans *t, uint32_t all, uint32_t none);
/* CR field = value. */
void ppc_set_cr(Trans *t, unsigned field, uint32_t value);
/* CR bit 0 ... 31 as 0 or 1. */
uint32_t ppc_cr_bit(Trans *t, unsigned bit);
/* CR0 by comparing v (i64) with 0, if rc. */
void ppc_record(Trans *t, unsigned rc, uint32_t v);
/* Forgets flags of comparisons: behind every skip. */
static inline void ppc_forget(Trans *t) {
    t->known = 0;
}

#endif
