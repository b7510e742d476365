/* SPDX-License-Identifier: MIT */
/*
 * trans_amo.c - PowerPC's atomic memory operations, copy and paste, strings whose length is in XER.
 * Spec: Power ISA 3.0B Book II, 4.5 (lwat, ldat, stwat, stdat), 4.4 (copy, paste.); Book I, 3.3.6 (lswx, stswx).
 * An operation loads, combines, compares and swaps; when another store came between, the insn starts again.
 * Missing: those on two neighbouring operands (fetch and increment bounded, equal, decrement bounded; store twin) are not
 * atomic to other CPUs; nothing can be pasted to: paste. always fails.
 */
#include "frontend/ppc/trans_mem.h"

/* Function codes. Loads have all, stores the first eight but CAS_NE, and TWIN. */
enum {
    FC_ADD, FC_XOR, FC_OR, FC_AND, FC_UMAX, FC_SMAX, FC_UMIN, FC_SMIN, FC_SWAP, FC_SWAP_NE = 16,
    FC_INC_BOUNDED = 24, FC_INC_EQUAL, FC_DEC_BOUNDED = 28, FC_TWIN = 24,
};

static uint32_t get(Trans *t, unsigned size, unsigned r) {
    return ir_get(t->ir, PPC_SLOT_GPR + r % 32, size == 3 ? IR_I64 : IR_I32);
}

static uint32_t number(Trans *t, unsigned size, uint64_t v) {
    return ir_const(t->ir, size == 3 ? IR_I64 : IR_I32, size == 3 ? v : (uint32_t)v);
}

static uint32_t combine(Trans *t, unsigned fc, unsigned size, uint32_t old, unsigned r) {
    static const uint16_t ops[] = {IR_add, IR_xor, IR_or, IR_and};
    static const uint8_t conds[] = {[FC_UMAX] = IR_HI, [FC_SMAX] = IR_GT, [FC_UMIN] = IR_CC, [FC_SMIN] = IR_LT};
    IrType type = size == 3 ? IR_I64 : IR_I32;
    uint32_t v = get(t, size, r);
    if (fc <= FC_AND) {
        return ppc_op2(t, ops[fc], type, old, v);
    }
    if (fc == FC_SWAP) {
        return v;
    }
    uint32_t flags = ppc_flags(t, IR_fl_sub, old, v);
    if (fc == FC_SWAP_NE) {
        return ir_emit(t->ir, IR_csel, type, IR_NE, flags, get(t, size, r + 1), old);
    }
    return ir_emit(t->ir, IR_csel, type, conds[fc], flags, old, v);
}

/* To memory at ea what follows from `old` there; `rt` gets the old value unless it is negative. */
static void swap(Trans *t, unsigned size, uint32_t addend, uint32_t ea, unsigned fc, unsigned r, bool load) {
    IrType type = size == 3 ? IR_I64 : IR_I32;
    unsigned aux = ppc_mem(t, size, 0);
    uint32_t seen = ppc_fetch(t, aux, addend, ea);
    uint32_t value = combine(t, fc, size, seen, load ? r + 1 : r);
    uint32_t pair = ir_append(t->ir, IR_pair, IR_VOID, 0, seen, value, 0);
    uint32_t old = ir_append(t->ir, IR_cas, type, aux, addend, ea, pair), same = ppc_flags(t, IR_fl_sub, old, seen);
    if (load) {
        uint32_t wide = size == 3 ? old : ppc_op1(t, IR_zext, IR_I64, old);
        ppc_set(t, r, ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, same, wide, ppc_get(t, r)));
    }
    ir_append(t->ir, IR_branch, IR_VOID, IR_NE | 16, same, (uint32_t)t->off, (uint32_t)t->off + 4);
    t->ended = true;
}

/* Two neighbouring operands: the lower one changes if the other, before or behind it, allows. */
static void bounded(Trans *t, unsigned size, uint32_t addend, uint32_t ea, uint32_t other, unsigned fc, unsigned rt) {
    IrType type = size == 3 ? IR_I64 : IR_I32;
    unsigned aux = ppc_mem(t, size, 0);
    uint32_t v = ppc_fetch(t, aux, addend, ea), bound = ppc_fetch(t, aux, addend, other);
    uint32_t least = number(t, size, size == 3 ? UINT64_C(1) << 63 : UINT32_C(1) << 31);
    uint32_t step = ppc_op2(t, fc == FC_DEC_BOUNDED ? IR_sub : IR_add, type, v, number(t, size, 1));
    uint32_t flags = ppc_flags(t, IR_fl_sub, v, bound);
    IrCond changes = fc == FC_INC_EQUAL ? IR_EQ : IR_NE;
    ir_append(t->ir, IR_st, IR_VOID, aux, addend, ea, ir_emit(t->ir, IR_csel, type, changes, flags, step, v));
    uint32_t result = ir_emit(t->ir, IR_csel, type, changes, flags, v, least);
    ppc_set(t, rt, size == 3 ? result : ppc_op1(t, IR_zext, IR_I64, result));
}

/* A data storage interrupt that says: no such function. */
static void no_function(Trans *t, uint32_t ea) {
    ir_call(t->ir, PPC_HELPER_bad_function, 1, &ea);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

static uint32_t amo_check(Trans *t, uint32_t ea, unsigned size) {
    return ppc_check(t, ea, 1u << size, IR_CHECK_RW | size << IR_CHECK_ALIGN_SHIFT | IR_CHECK_ORDERED);
}

void ppc_shape_load_atomic(Trans *t, const PpcFields *f, unsigned size) {
    uint32_t ea = ppc_ea_d(t, f->ra, 0);
    unsigned bytes = 1u << size;
    if (f->fc <= FC_SWAP || f->fc == FC_SWAP_NE) {
        swap(t, size, amo_check(t, ea, size), ea, f->fc, f->rt, true);
    } else if (f->fc == FC_INC_BOUNDED || f->fc == FC_INC_EQUAL || f->fc == FC_DEC_BOUNDED) {
        uint32_t step = ppc_i64(t, bytes), addend = amo_check(t, ea, size);
        uint32_t first = f->fc == FC_DEC_BOUNDED ? ppc_op2(t, IR_sub, IR_I64, ea, step) : ea;
        uint32_t other = f->fc == FC_DEC_BOUNDED ? first : ppc_op2(t, IR_add, IR_I64, ea, step);
        addend = ppc_check(t, first, 2 * bytes, IR_CHECK_RW);
        bounded(t, size, addend, ea, other, f->fc, f->rt);
    } else {
        no_function(t, ea);
    }
}

/* TWIN: both operands become RS, if they are equal. */
void ppc_shape_store_atomic(Trans *t, const PpcFields *f, unsigned size) {
    uint32_t ea = ppc_ea_d(t, f->ra, 0);
    unsigned bytes = 1u << size, aux = ppc_mem(t, size, 0);
    if (f->fc <= FC_SMIN) {
        swap(t, size, amo_check(t, ea, size), ea, f->fc, f->rs, false);
    } else if (f->fc == FC_TWIN) {
        IrType type = size == 3 ? IR_I64 : IR_I32;
        amo_check(t, ea, size);
        uint32_t addend = ppc_check(t, ea, 2 * bytes, IR_CHECK_RW), next = ppc_op2(t, IR_add, IR_I64, ea, ppc_i64(t, bytes));
        uint32_t a = ppc_fetch(t, aux, addend, ea), b = ppc_fetch(t, aux, addend, next), v = get(t, size, f->rs);
        uint32_t flags = ppc_flags(t, IR_fl_sub, a, b);
        ir_append(t->ir, IR_st, IR_VOID, aux, addend, ea, ir_emit(t->ir, IR_csel, type, IR_EQ, flags, v, a));
        ir_append(t->ir, IR_st, IR_VOID, aux, addend, next, ir_emit(t->ir, IR_csel, type, IR_EQ, flags, v, b));
    } else {
        no_function(t, ea);
    }
}

/* -- copy and paste: blocks of 128 bytes -- */

enum { COPY_ALIGN = 7 << IR_CHECK_ALIGN_SHIFT };

void ppc_trans_copy(Trans *t, const PpcFields *f) {
    ppc_check(t, ppc_ea_x(t, f), 128, IR_CHECK_R | COPY_ALIGN | IR_CHECK_ORDERED | IR_CHECK_NO_DEVICE);
}

void ppc_trans_paste(Trans *t, const PpcFields *f) {
    ppc_check(t, ppc_ea_x(t, f), 128, IR_CHECK_W | COPY_ALIGN | IR_CHECK_ORDERED | IR_CHECK_NO_DEVICE);
    ppc_set_cr(t, 0, ppc_byte(t, PPC_SLOT_SO));
}

void ppc_trans_cpabort(Trans *t, const PpcFields *f) {
}

/* -- strings -- */

void ppc_shape_string(Trans *t, const PpcFields *f, unsigned store) {
    if (t->mode & PPC_MODE_LE) {
        ppc_interrupt(t, PPC_VEC_ALIGN);
        return;
    }
    uint32_t args[] = {ppc_ea_x(t, f), ppc_i32(t, f->rt | store << 5)};
    ir_call(t->ir, PPC_HELPER_string, 2, args);
    t->sync = true;
}
