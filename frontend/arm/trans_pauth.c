/* SPDX-License-Identifier: MIT */
/*
 * trans_pauth.c - A64 pointer authentication, and the hint space that part of it lives in.
 * Spec: Arm DDI 0487, C4.1.3 (hints), C6.2 (PACIA and its kin), D5.1.5.
 */
#include "frontend/arm/pauth.h"

#include "frontend/arm/sysreg.h"
#include "frontend/arm/trans_mem.h"

static uint32_t pac(Trans *t, uint32_t pointer, uint32_t modifier, unsigned op) {
    return ir_call(t->ir, ARM_HELPER_pac, 3, (uint32_t[]){pointer, modifier, ir_const(t->ir, IR_I32, op)});
}

static uint32_t zero(Trans *t) {
    return ir_const(t->ir, IR_I64, 0);
}

/* HINT number: what it does to which register with which modifier. */
typedef struct PacHint {
    uint8_t rd, op;
    int8_t modifier; /* register; 31: SP; -1: zero */
} PacHint;

static const PacHint pac_hints[32] = {
    [7] = {30, PAC_STRIP, -1},
    [8] = {17, PAC_IA, 16},
    [10] = {17, PAC_IB, 16},
    [12] = {17, PAC_IA | PAC_AUTH, 16},
    [14] = {17, PAC_IB | PAC_AUTH, 16},
    [24] = {30, PAC_IA, -1},
    [25] = {30, PAC_IA, 31},
    [26] = {30, PAC_IB, -1},
    [27] = {30, PAC_IB, 31},
    [28] = {30, PAC_IA | PAC_AUTH, -1},
    [29] = {30, PAC_IA | PAC_AUTH, 31},
    [30] = {30, PAC_IB | PAC_AUTH, -1},
    [31] = {30, PAC_IB | PAC_AUTH, 31},
};

void a64_trans_hint(Trans *t, const A64Fields *f) {
    unsigned number = f->crm << 3 | f->op2;
    if (number >= G_N_ELEMENTS(pac_hints) || !pac_hints[number].rd || !arm_has(t->env, ARM_PAUTH)) {
        return;
    }
    const PacHint *h = &pac_hints[number];
    uint32_t modifier = h->modifier < 0 ? zero(t) : a64_get_sp(t, (unsigned)h->modifier, IR_I64);
    a64_set(t, h->rd, pac(t, a64_get(t, h->rd, IR_I64), modifier, h->op));
}

void a64_trans_pac(Trans *t, const A64Fields *f) {
    uint32_t modifier = f->z ? zero(t) : a64_get_sp(t, f->rn, IR_I64);
    a64_set(t, f->rd, pac(t, a64_get(t, f->rd, IR_I64), modifier, f->key | (f->auth ? PAC_AUTH : 0)));
}

void a64_trans_xpac(Trans *t, const A64Fields *f) {
    a64_set(t, f->rd, pac(t, a64_get(t, f->rd, IR_I64), zero(t), f->data ? PAC_STRIP | PAC_DA : PAC_STRIP));
}

void a64_trans_pacga(Trans *t, const A64Fields *f) {
    uint32_t args[] = {a64_get(t, f->rn, IR_I64), a64_get_sp(t, f->rm, IR_I64)};
    a64_set(t, f->rd, ir_call(t->ir, ARM_HELPER_pacga, 2, args));
}

void a64_trans_bra(Trans *t, const A64Fields *f) {
    uint32_t modifier = f->z ? a64_get_sp(t, f->rm, IR_I64) : zero(t);
    uint32_t target = pac(t, a64_get(t, f->rn, IR_I64), modifier, f->key | PAC_AUTH);
    bool done = frontend_indirect(t, target);
    if (f->l) {
        a64_set(t, 30, ir_emit(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)t->off + 4, 0, 0));
    }
    if (!done) {
        a64_indirect(t, target, f->l ? IR_CALL : IR_JUMP);
    }
}

void a64_trans_reta(Trans *t, const A64Fields *f) {
    uint32_t target = pac(t, a64_get(t, 30, IR_I64), a64_get_sp(t, 31, IR_I64), f->key | PAC_AUTH);
    if (!frontend_indirect(t, target)) {
        a64_indirect(t, target, IR_RET);
    }
}

void a64_trans_ereta(Trans *t, const A64Fields *f) {
    if ((t->mode & ARM_MODE_EL) == 0) {
        a64_undef(t);
        return;
    }
    uint32_t elr = ir_get(t->ir, ARM_SLOT_ELR_EL1, IR_I64);
    uint32_t target = pac(t, elr, a64_get_sp(t, 31, IR_I64), f->key | PAC_AUTH);
    ir_call(t->ir, ARM_HELPER_ereta, 1, &target);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void a64_trans_ldra(Trans *t, const A64Fields *f) {
    int64_t offset = (int64_t)a64_sext(f->s << 9 | f->imm9, 10) * 8;
    uint32_t base = pac(t, a64_base(t, f->rn), zero(t), (PAC_DA + f->key) | PAC_AUTH);
    uint32_t ea = a64_offset(t, base, offset);
    uint32_t addend = a64_check(t, ea, 8, 3, IR_CHECK_R);
    a64_set(t, f->rt, a64_load(t, IR_I64, a64_mem(t, 3), addend, ea));
    if (f->w) {
        a64_set_sp(t, f->rn, ea);
    }
}
