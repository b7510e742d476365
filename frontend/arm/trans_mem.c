/* SPDX-License-Identifier: MIT */
/*
 * trans_mem.c - A64 loads and stores of general registers.
 * Spec: Arm DDI 0487, C4.1.5, C6.2; alignment B2.5, stack pointer D1.8.2.
 */
#include "frontend/arm/trans_mem.h"

/* Follows additions of multiples of 16 back to where the value came from: equal roots are equally aligned. */
static uint32_t align_root(const IrBlock *b, uint32_t id) {
    for (;;) {
        const IrNode *n = &b->nodes[id];
        uint64_t c;
        if ((n->op != IR_add && n->op != IR_sub) || !ir_is_const(b, n->b, &c) || c % 16 != 0) {
            return id;
        }
        id = n->a;
    }
}

void a64_check_sp(Trans *t, uint32_t base) {
    uint32_t root = align_root(t->ir, base);
    if (root != t->known) {
        ir_append(t->ir, IR_aligned, IR_VOID, 16, base, 0, 0);
        t->known = root;
    }
}

void a64_write_back(Trans *t, unsigned rn, unsigned mode, uint32_t base, uint32_t ea, int64_t offset) {
    if (mode == A64_POST) { /* made here, it can be made in the register's place */
        a64_set_sp(t, rn, a64_offset(t, base, offset));
    } else if (mode == A64_PRE) {
        a64_set_sp(t, rn, ea);
    }
}

/* One access by the fields size and opc. */
static void access_one(Trans *t, A64Insn f, uint32_t ea, unsigned check) {
    unsigned size = f.size, aux = a64_mem(t, size);
    uint32_t addend = a64_check(t, ea, 1u << size, size, check | (f.opc == 0 ? IR_CHECK_W : IR_CHECK_R));
    IrType type = size == 3 || f.opc == 2 ? IR_I64 : IR_I32;
    if (f.opc == 0) {
        a64_store(t, aux, addend, ea, a64_get(t, f.rt, type));
    } else {
        a64_set(t, f.rt, a64_load(t, type, aux | (f.opc >= 2 ? IR_MEM_SEXT : 0), addend, ea));
    }
}

void a64_shape_ldst_i9(Trans *t, A64Insn f, unsigned mode, unsigned unpriv) {
    /* LDTR and STTR differ from LDUR and STUR at EL1 only */
    unsigned check = unpriv && (t->mode & ARM_MODE_EL) == 1 ? IR_CHECK_UNPRIV : 0;
    uint32_t base = a64_base(t, f.rn);
    uint32_t ea = mode == A64_POST ? base : a64_offset(t, base, a64_sext(f.imm9, 9));
    access_one(t, f, ea, check);
    a64_write_back(t, f.rn, mode, base, ea, a64_sext(f.imm9, 9));
}

void a64_trans_ldst_uimm(Trans *t, A64Insn f) {
    access_one(t, f, a64_offset(t, a64_base(t, f.rn), (int64_t)f.imm12 << f.size), 0);
}

uint32_t a64_index(Trans *t, A64Insn f, unsigned shift) {
    uint32_t v;
    if (f.option & 1) { /* UXTX, SXTX; the rows let no byte or halfword through */
        v = a64_get(t, f.rm, IR_I64);
    } else {
        v = ir_emit_once(t->ir, f.option & 4 ? IR_sext : IR_zext, IR_I64, a64_get(t, f.rm, IR_I32), 0);
    }
    return shift ? ir_emit_once(t->ir, IR_shl, IR_I64, v, ir_const(t->ir, IR_I64, shift)) : v;
}

void a64_trans_ldst_reg(Trans *t, A64Insn f) {
    uint32_t base = a64_base(t, f.rn);
    uint32_t offset = a64_index(t, f, f.s ? f.size : 0);
    access_one(t, f, ir_emit_once(t->ir, IR_add, IR_I64, base, offset), 0);
}

/* top: 0 W, 1 X, 2 sign-extended word */
void a64_trans_ldr_lit(Trans *t, A64Insn f) {
    unsigned size = f.top == 1 ? 3 : 2;
    int32_t at = t->off + a64_sext(f.imm19, 19) * 4;
    uint32_t ea = ir_put(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)at, 0, 0);
    uint32_t addend = a64_check(t, ea, 1u << size, size, IR_CHECK_R);
    unsigned aux = a64_mem(t, size) | (f.top == 2 ? IR_MEM_SEXT : 0);
    a64_set(t, f.rt, a64_load(t, f.top == 0 ? IR_I32 : IR_I64, aux, addend, ea));
}

/* top: 0 W, 1 LDPSW, 2 X */
void a64_shape_ldstp(Trans *t, A64Insn f, unsigned mode) {
    unsigned size = f.top == 2 ? 3 : 2, aux = a64_mem(t, size);
    IrType type = f.top ? IR_I64 : IR_I32;
    uint32_t base = a64_base(t, f.rn);
    int64_t offset = (int64_t)a64_sext(f.imm7, 7) * (1 << size);
    uint32_t ea = mode == A64_POST ? base : a64_offset(t, base, offset);
    uint32_t addend = a64_check(t, ea, 2u << size, size, f.l ? IR_CHECK_R : IR_CHECK_W);
    uint32_t ea2 = a64_offset(t, ea, 1 << size);
    if (f.l) {
        aux |= f.top == 1 ? IR_MEM_SEXT : 0;
        uint32_t v = a64_load(t, type, aux, addend, ea);
        uint32_t v2 = a64_load(t, type, aux, addend, ea2);
        a64_set(t, f.rt, v);
        a64_set(t, f.rt2, v2);
    } else {
        a64_store(t, aux, addend, ea, a64_get(t, f.rt, type));
        a64_store(t, aux, addend, ea2, a64_get(t, f.rt2, type));
    }
    a64_write_back(t, f.rn, mode, base, ea, offset);
}
