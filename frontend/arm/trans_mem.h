/* SPDX-License-Identifier: MIT */
/*
 * trans_mem.h - what trans_mem.c, trans_atomic.c and trans_vmem.c share: addresses, checks, access flags.
 *
 * UNPREDICTABLE cases. Where a load or store is CONSTRAINED UNPREDICTABLE because registers coincide (write-back to the
 * register transferred, the two registers of a load pair equal, status register equal to data or base), the insn
 * executes as its pseudocode reads: registers are written in the order data, second data, write-back.
 */
#ifndef FRONTEND_ARM_TRANS_MEM_H
#define FRONTEND_ARM_TRANS_MEM_H

#include "frontend/arm/trans.h"

/* How the base register of an immediate form is used. */
enum { A64_OFFSET, A64_POST, A64_PRE };

/* The stack pointer's alignment check, for a base that is one. */
void a64_check_sp(Trans *t, uint32_t base);
/* Base register, after the stack pointer's alignment check when it is one. */
static inline uint32_t a64_base(Trans *t, unsigned rn) {
    uint32_t base = a64_get_sp(t, rn, IR_I64);
    if (rn == 31 && (t->mode & ARM_MODE_SP_ALIGN)) {
        a64_check_sp(t, base);
    }
    return base;
}
/* Sets the base register after an access by `base` (A64_POST) or ea, if the mode says so. */
void a64_write_back(Trans *t, unsigned rn, unsigned mode, uint32_t base, uint32_t ea, int64_t offset);
/* The index of a register form, extended as `option` says and shifted. */
uint32_t a64_index(Trans *t, A64Insn f, unsigned shift);
/* v + offset */
static inline uint32_t a64_offset(Trans *t, uint32_t v, int64_t offset) {
    return ir_add_const(t->ir, v, offset);
}
/* Proves that `bytes` at ea may be accessed; align: log2 of what SCTLR.A demands. Yields the addend. aux: IrCheck */
static inline uint32_t a64_check(Trans *t, uint32_t ea, unsigned bytes, unsigned align, unsigned aux) {
    if (G_UNLIKELY(t->mode & ARM_MODE_ALIGN) && !(aux & IR_CHECK_ALIGN)) {
        aux |= align << IR_CHECK_ALIGN_SHIFT;
    }
    return ir_check(t->ir, aux, ea, bytes);
}

/* aux of an access of 2^size bytes in the current byte order. */
static inline unsigned a64_mem(const Trans *t, unsigned size) {
    return size | (t->mode & ARM_MODE_BIG ? IR_MEM_BIG : 0);
}
/* aux of the check of an access that must be aligned whatever SCTLR.A says. */
static inline unsigned a64_aligned(unsigned size, unsigned aux) {
    return size << IR_CHECK_ALIGN_SHIFT | aux;
}
static inline uint32_t a64_load(Trans *t, IrType type, unsigned aux, uint32_t addend, uint32_t ea) {
    return ir_load(t->ir, type, aux, addend, ea);
}
static inline void a64_store(Trans *t, unsigned aux, uint32_t addend, uint32_t ea, uint32_t value) {
    ir_store(t->ir, aux, addend, ea, value);
}

#endif
