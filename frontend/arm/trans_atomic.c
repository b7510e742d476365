/* SPDX-License-Identifier: MIT */
/*
 * trans_atomic.c - A64 exclusive, ordered and atomic accesses. All demand natural alignment (no FEAT_LSE2).
 * Spec: Arm DDI 0487, B2.9 (exclusives), B2.3.11 (acquire, release), C6.2 CAS, CASP, LD<op>, SWP, LDAPR.
 */
#include "frontend/arm/trans_mem.h"

static IrType data_type(unsigned size) {
    return size == 3 ? IR_I64 : IR_I32;
}

/* Two registers as one memory value of twice their size, the first at the lower address. */
static uint32_t join(Trans *t, unsigned sf, unsigned first, unsigned second) {
    unsigned lo = t->mode & ARM_MODE_BIG ? second : first, hi = t->mode & ARM_MODE_BIG ? first : second;
    if (sf) {
        return ir_emit(t->ir, IR_vpair, IR_V128, 0, a64_get(t, lo, IR_I64), a64_get(t, hi, IR_I64), 0);
    }
    uint32_t l = ir_emit(t->ir, IR_zext, IR_I64, 0, a64_get(t, lo, IR_I32), 0, 0);
    uint32_t h = ir_emit(t->ir, IR_zext, IR_I64, 0, a64_get(t, hi, IR_I32), 0, 0);
    h = ir_emit(t->ir, IR_shl, IR_I64, 0, h, ir_const(t->ir, IR_I64, 32), 0);
    return ir_emit(t->ir, IR_or, IR_I64, 0, l, h, 0);
}

static void split(Trans *t, unsigned sf, uint32_t v, unsigned first, unsigned second) {
    unsigned lo = t->mode & ARM_MODE_BIG ? second : first, hi = t->mode & ARM_MODE_BIG ? first : second;
    uint32_t l, h;
    if (sf) {
        l = ir_emit(t->ir, IR_vget, IR_I64, 3, v, 0, 0);
        h = ir_emit(t->ir, IR_vget, IR_I64, 3, v, 1, 0);
    } else {
        l = ir_emit(t->ir, IR_trunc, IR_I32, 0, v, 0, 0);
        h = ir_emit(t->ir, IR_shr, IR_I64, 0, v, ir_const(t->ir, IR_I64, 32), 0);
    }
    a64_set(t, lo, l);
    a64_set(t, hi, h);
}

static IrType pair_type(unsigned sf) {
    return sf ? IR_V128 : IR_I64;
}

/* -- exclusive -- */

static uint32_t exclusive_check(Trans *t, uint32_t ea, unsigned size, unsigned access) {
    return a64_check(t, ea, 1u << size, size, a64_aligned(size, access | IR_CHECK_ORDERED));
}

void a64_trans_ldxr(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, f->size, IR_CHECK_R);
    unsigned aux = a64_mem(t, f->size) | (f->a ? IR_MEM_ACQUIRE : 0);
    a64_set(t, f->rt, ir_append(t->ir, IR_ll, data_type(f->size), aux, addend, ea, 0));
}

void a64_trans_stxr(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, f->size, IR_CHECK_W);
    unsigned aux = a64_mem(t, f->size) | (f->a ? IR_MEM_RELEASE : 0);
    uint32_t v = a64_get(t, f->rt, data_type(f->size));
    a64_set(t, f->rs, ir_append(t->ir, IR_sc, IR_I32, aux, addend, ea, v));
}

void a64_trans_ldxp(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, 3 + f->sf, IR_CHECK_R);
    unsigned aux = a64_mem(t, 3 + f->sf) | (f->a ? IR_MEM_ACQUIRE : 0);
    split(t, f->sf, ir_append(t->ir, IR_ll, pair_type(f->sf), aux, addend, ea, 0), f->rt, f->rt2);
}

void a64_trans_stxp(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, 3 + f->sf, IR_CHECK_W);
    unsigned aux = a64_mem(t, 3 + f->sf) | (f->a ? IR_MEM_RELEASE : 0);
    uint32_t v = join(t, f->sf, f->rt, f->rt2);
    a64_set(t, f->rs, ir_append(t->ir, IR_sc, IR_I32, aux, addend, ea, v));
}

/* -- ordered -- */

void a64_trans_ldar(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = a64_check(t, ea, 1u << f->size, f->size, a64_aligned(f->size, IR_CHECK_R));
    a64_set(t, f->rt, a64_load(t, data_type(f->size), a64_mem(t, f->size) | IR_MEM_ACQUIRE, addend, ea));
}

void a64_trans_ldapr(Trans *t, const A64Fields *f) {
    a64_trans_ldar(t, f); /* stronger than need be */
}

void a64_trans_stlr(Trans *t, const A64Fields *f) {
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = a64_check(t, ea, 1u << f->size, f->size, a64_aligned(f->size, IR_CHECK_W));
    a64_store(t, a64_mem(t, f->size) | IR_MEM_RELEASE, addend, ea, a64_get(t, f->rt, data_type(f->size)));
}

/* -- atomic (LSE) -- */

static uint32_t narrow(Trans *t, unsigned size, uint32_t v) {
    return size < 2 ? ir_emit(t->ir, IR_uxt, IR_I32, 8u << size, v, 0, 0) : v;
}

static uint32_t compare_swap(Trans *t, IrType type, unsigned aux, uint32_t addend, uint32_t ea, uint32_t expected,
                             uint32_t value) {
    uint32_t pair = ir_append(t->ir, IR_pair, IR_VOID, 0, expected, value, 0);
    return ir_append(t->ir, IR_cas, type, aux, addend, ea, pair);
}

/* if [rn] == rs then [rn] = rt; rs = old value */
void a64_trans_cas(Trans *t, const A64Fields *f) {
    IrType type = data_type(f->size);
    unsigned aux = a64_mem(t, f->size) | (f->a ? IR_MEM_ACQUIRE : 0) | (f->r ? IR_MEM_RELEASE : 0);
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, f->size, IR_CHECK_RW);
    uint32_t expected = narrow(t, f->size, a64_get(t, f->rs, type));
    uint32_t value = narrow(t, f->size, a64_get(t, f->rt, type));
    a64_set(t, f->rs, compare_swap(t, type, aux, addend, ea, expected, value));
}

void a64_trans_casp(Trans *t, const A64Fields *f) {
    unsigned size = 3 + f->sf;
    unsigned aux = a64_mem(t, size) | (f->a ? IR_MEM_ACQUIRE : 0) | (f->r ? IR_MEM_RELEASE : 0);
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, size, IR_CHECK_RW);
    uint32_t expected = join(t, f->sf, f->rs, f->rs + 1);
    uint32_t value = join(t, f->sf, f->rt, f->rt + 1);
    split(t, f->sf, compare_swap(t, pair_type(f->sf), aux, addend, ea, expected, value), f->rs, f->rs + 1);
}

/* What rmw stores, of values zero-extended from `size` */
static uint32_t combine(Trans *t, IrRmw op, unsigned size, uint32_t a, uint32_t b) {
    static const uint16_t ops[] = {
        [IR_RMW_ADD] = IR_add, [IR_RMW_CLR] = IR_andn, [IR_RMW_EOR] = IR_xor, [IR_RMW_SET] = IR_or};
    static const uint8_t conds[] = {
        [IR_RMW_SMAX] = IR_GT, [IR_RMW_SMIN] = IR_LT, [IR_RMW_UMAX] = IR_HI, [IR_RMW_UMIN] = IR_CC};
    IrType type = data_type(size);
    if (op == IR_RMW_SWP) {
        return b;
    }
    if (op < IR_RMW_SMAX) {
        return narrow(t, size, ir_emit(t->ir, ops[op], type, 0, a, b, 0));
    }
    uint32_t x = a, y = b;
    if (size < 2 && op <= IR_RMW_SMIN) {
        x = ir_emit(t->ir, IR_sxt, IR_I32, 8u << size, a, 0, 0);
        y = ir_emit(t->ir, IR_sxt, IR_I32, 8u << size, b, 0, 0);
    }
    uint32_t flags = ir_emit(t->ir, IR_fl_sub, IR_FLAGS, 0, x, y, 0);
    return ir_emit(t->ir, IR_csel, type, conds[op], flags, a, b);
}

/* rmw knows no byte order: load, combine, compare and swap; when another write came between, the insn starts again. */
static void big_endian_rmw(Trans *t, const A64Fields *f, IrRmw op, uint32_t addend, uint32_t ea) {
    IrType type = data_type(f->size);
    unsigned aux = a64_mem(t, f->size);
    uint32_t seen = a64_load(t, type, aux, addend, ea);
    uint32_t value = combine(t, op, f->size, seen, narrow(t, f->size, a64_get(t, f->rs, type)));
    uint32_t old = compare_swap(t, type, aux, addend, ea, seen, value);
    uint32_t same = ir_emit(t->ir, IR_fl_sub, IR_FLAGS, 0, old, seen, 0);
    if (f->rt != 31) {
        a64_set(t, f->rt, ir_emit(t->ir, IR_csel, type, IR_EQ, same, old, a64_get(t, f->rt, type)));
    }
    ir_append(t->ir, IR_branch, IR_VOID, IR_NE | 16, same, (uint32_t)t->off, (uint32_t)t->off + 4);
    t->ended = true;
}

/* [rn] = [rn] op rs; rt = old value */
static void rmw(Trans *t, const A64Fields *f, IrRmw op) {
    IrType type = data_type(f->size);
    uint32_t ea = a64_base(t, f->rn);
    uint32_t addend = exclusive_check(t, ea, f->size, IR_CHECK_RW);
    if ((t->mode & ARM_MODE_BIG) && f->size > 0) {
        big_endian_rmw(t, f, op, addend, ea);
        return;
    }
    uint32_t v = a64_get(t, f->rs, type);
    a64_set(t, f->rt, ir_append(t->ir, IR_rmw, type, f->size | op << 3, addend, ea, v));
}

void a64_trans_ldop(Trans *t, const A64Fields *f) {
    rmw(t, f, (IrRmw)f->op); /* encoded in IrRmw's order */
}

void a64_trans_swp(Trans *t, const A64Fields *f) {
    rmw(t, f, IR_RMW_SWP);
}
