/* SPDX-License-Identifier: MIT */
/*
 * trans_int.c - PowerPC fixed-point arithmetic, comparisons and traps.
 * Spec: Power ISA 3.0B Book I, 3.3.9 to 3.3.13.
 *
 * Carries and overflows are the flags of IR subtractions and additions, of 32 bits in 32-bit mode; OV32 and CA32, which
 * ISA 3.0 has added, are always those of the low halves. A subtraction's CA is the flags' C: no borrow.
 */
#include "frontend/ppc/trans.h"

static void put(Trans *t, unsigned slot, uint32_t v) {
    ir_set(t->ir, slot, v);
}

static bool isa300(const Trans *t) {
    return ppc_has(t->env, PPC_ISA300);
}

/* OV = v (0 or 1), and SO with it. */
static void set_overflow(Trans *t, uint32_t v, uint32_t v32) {
    put(t, PPC_SLOT_OV, v);
    put(t, PPC_SLOT_SO, ppc_op2(t, IR_or, IR_I32, ppc_byte(t, PPC_SLOT_SO), v));
    if (isa300(t)) {
        put(t, PPC_SLOT_OV32, v32);
    }
}

static uint32_t low(Trans *t, uint32_t v) {
    return ppc_op1(t, IR_trunc, IR_I32, v);
}

/* One addition or subtraction: a + b, a - b, with a carry in (flags) or without (0). */
typedef struct Sum {
    IrOp op, flags; /* add and fl_add, ... */
    uint32_t a, b, carry;
} Sum;

static uint32_t sum_flags(Trans *t, const Sum *s, bool wide) {
    uint32_t a = wide ? s->a : low(t, s->a), b = wide ? s->b : low(t, s->b);
    return ir_emit(t->ir, s->flags, IR_FLAGS, 0, a, b, s->carry);
}

/* Sets rt, and CA and OV where asked for. */
static void sum(Trans *t, unsigned rt, const Sum *s, bool ca, bool oe, unsigned rc) {
    uint32_t v = ir_emit(t->ir, s->op, IR_I64, 0, s->a, s->b, s->carry);
    if (ca || oe) {
        uint32_t flags = sum_flags(t, s, ppc_wide(t)); /* read before the others are made: hosts have but one set */
        uint32_t carry = ca ? ppc_cset(t, IR_CS, flags) : 0, overflow = oe ? ppc_cset(t, IR_VS, flags) : 0;
        flags = isa300(t) && ppc_wide(t) ? sum_flags(t, s, false) : flags;
        if (ca) {
            put(t, PPC_SLOT_CA, carry);
            if (isa300(t)) {
                put(t, PPC_SLOT_CA32, ppc_cset(t, IR_CS, flags));
            }
        }
        if (oe) {
            set_overflow(t, overflow, ppc_cset(t, IR_VS, flags));
        }
    }
    ppc_set(t, rt, v);
    ppc_record(t, rc, v);
}

/* Flags whose C is the byte at `slot`. */
static uint32_t carry_of(Trans *t, unsigned slot) {
    return ppc_flags(t, IR_fl_sub, ppc_byte(t, slot), ppc_i32(t, 1));
}

static uint32_t signed_imm(Trans *t, uint32_t v) {
    return ppc_i64(t, (uint64_t)(int64_t)ppc_sext(v, 16));
}

static uint32_t second(Trans *t, const PpcFields *f, unsigned kind) {
    return kind == PPC_ADD_RB ? ppc_get(t, f->rb) : ppc_i64(t, kind == PPC_ADD_ONES ? UINT64_MAX : 0);
}

/* -- add and subtract -- */

static void add_imm(Trans *t, const PpcFields *f, int64_t imm) {
    uint32_t v = ppc_i64(t, (uint64_t)imm);
    ppc_set(t, f->rt, f->ra ? ppc_op2(t, IR_add, IR_I64, ppc_get(t, f->ra), v) : v);
}

void ppc_trans_addi(Trans *t, const PpcFields *f) {
    add_imm(t, f, ppc_sext(f->si, 16));
}

void ppc_trans_addis(Trans *t, const PpcFields *f) {
    add_imm(t, f, (int64_t)ppc_sext(f->si, 16) * 65536);
}

void ppc_trans_addpcis(Trans *t, const PpcFields *f) {
    int64_t d = (int64_t)ppc_sext(f->d0 << 6 | f->d1 << 1 | f->d2, 16) * 65536;
    uint32_t next = ir_append(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)t->off + 4, 0, 0);
    next = ppc_wide(t) ? next : ir_emit(t->ir, IR_uxt, IR_I64, 32, next, 0, 0);
    ppc_set(t, f->rt, ppc_op2(t, IR_add, IR_I64, next, ppc_i64(t, (uint64_t)d)));
}

void ppc_shape_addic(Trans *t, const PpcFields *f, unsigned rc) {
    sum(t, f->rt, &(Sum){IR_add, IR_fl_add, ppc_get(t, f->ra), signed_imm(t, f->si)}, true, false, rc);
}

void ppc_trans_subfic(Trans *t, const PpcFields *f) {
    sum(t, f->rt, &(Sum){IR_sub, IR_fl_sub, signed_imm(t, f->si), ppc_get(t, f->ra)}, true, false, 0);
}

/* rt = ra + rb, or rb - ra */
void ppc_shape_add(Trans *t, const PpcFields *f, unsigned subtract, unsigned ca) {
    Sum s = subtract ? (Sum){IR_sub, IR_fl_sub, ppc_get(t, f->rb), ppc_get(t, f->ra)}
                     : (Sum){IR_add, IR_fl_add, ppc_get(t, f->ra), ppc_get(t, f->rb)};
    sum(t, f->rt, &s, ca, f->oe, f->rc);
}

/* rt = ra + (rb, -1 or 0) + CA */
void ppc_shape_adde(Trans *t, const PpcFields *f, unsigned kind) {
    sum(t, f->rt, &(Sum){IR_adc, IR_fl_adc, ppc_get(t, f->ra), second(t, f, kind), carry_of(t, PPC_SLOT_CA)}, true, f->oe,
        f->rc);
}

/* rt = ~ra + (rb, -1 or 0) + CA */
void ppc_shape_subfe(Trans *t, const PpcFields *f, unsigned kind) {
    sum(t, f->rt, &(Sum){IR_sbc, IR_fl_sbc, second(t, f, kind), ppc_get(t, f->ra), carry_of(t, PPC_SLOT_CA)}, true, f->oe,
        f->rc);
}

void ppc_trans_neg(Trans *t, const PpcFields *f) {
    sum(t, f->rt, &(Sum){IR_sub, IR_fl_sub, ppc_i64(t, 0), ppc_get(t, f->ra)}, false, f->oe, f->rc);
}

/* As adde with OV in CA's place, and SO alone. */
void ppc_trans_addex(Trans *t, const PpcFields *f) {
    Sum s = {IR_adc, IR_fl_adc, ppc_get(t, f->ra), ppc_get(t, f->rb), carry_of(t, PPC_SLOT_OV)};
    uint32_t v = ir_emit(t->ir, s.op, IR_I64, 0, s.a, s.b, s.carry);
    uint32_t flags = sum_flags(t, &s, ppc_wide(t)), flags32 = sum_flags(t, &s, false);
    put(t, PPC_SLOT_OV, ppc_cset(t, IR_CS, flags));
    put(t, PPC_SLOT_OV32, ppc_cset(t, IR_CS, flags32));
    ppc_set(t, f->rt, v);
}

/* -- multiply -- */

static void multiplied(Trans *t, const PpcFields *f, uint32_t v, uint32_t high, uint32_t want) {
    if (f->oe) {
        uint32_t over = ir_emit(t->ir, IR_setc, IR_I32, IR_NE, high, want, 0);
        set_overflow(t, over, over);
    }
    ppc_set(t, f->rt, v);
    ppc_record(t, f->rc, v);
}

void ppc_trans_mulli(Trans *t, const PpcFields *f) {
    ppc_set(t, f->rt, ppc_op2(t, IR_mul, IR_I64, ppc_get(t, f->ra), signed_imm(t, f->si)));
}

static uint32_t sext32(Trans *t, unsigned r) {
    return ppc_op1(t, IR_sext, IR_I64, ppc_get32(t, r));
}

void ppc_trans_mullw(Trans *t, const PpcFields *f) {
    uint32_t v = ppc_op2(t, IR_mul, IR_I64, sext32(t, f->ra), sext32(t, f->rb));
    multiplied(t, f, v, v, f->oe ? ppc_op1(t, IR_sext, IR_I64, low(t, v)) : v);
}

void ppc_trans_mulld(Trans *t, const PpcFields *f) {
    uint32_t a = ppc_get(t, f->ra), b = ppc_get(t, f->rb), v = ppc_op2(t, IR_mul, IR_I64, a, b);
    uint32_t high = f->oe ? ppc_op2(t, IR_smulh, IR_I64, a, b) : v;
    multiplied(t, f, v, high, f->oe ? ppc_op2(t, IR_sar, IR_I64, v, ppc_i64(t, 63)) : v);
}

/* The high half of rt is undefined: zero. */
void ppc_shape_mulhw(Trans *t, const PpcFields *f, unsigned is_unsigned) {
    uint32_t v = ppc_op2(t, is_unsigned ? IR_umulh : IR_smulh, IR_I32, ppc_get32(t, f->ra), ppc_get32(t, f->rb));
    ppc_set(t, f->rt, ppc_op1(t, IR_zext, IR_I64, v));
    if (f->rc) { /* in 64-bit mode CR0 is undefined but for SO */
        ppc_set_compare(t, 0, ppc_flags(t, IR_fl_logic, v, 0), false);
    }
}

void ppc_shape_mulhd(Trans *t, const PpcFields *f, unsigned op) {
    uint32_t v = ppc_op2(t, op, IR_I64, ppc_get(t, f->ra), ppc_get(t, f->rb));
    ppc_set(t, f->rt, v);
    ppc_record(t, f->rc, v);
}

void ppc_trans_maddld(Trans *t, const PpcFields *f) {
    uint32_t v = ppc_op2(t, IR_mul, IR_I64, ppc_get(t, f->ra), ppc_get(t, f->rb));
    ppc_set(t, f->rt, ppc_op2(t, IR_add, IR_I64, v, ppc_get(t, f->rc)));
}

/* High half of ra * rb + rc, all of a kind */
void ppc_shape_maddh(Trans *t, const PpcFields *f, unsigned op) {
    uint32_t a = ppc_get(t, f->ra), b = ppc_get(t, f->rb), c = ppc_get(t, f->rc);
    uint32_t high = ppc_op2(t, op, IR_I64, a, b);
    uint32_t sign = op == IR_smulh ? ppc_op2(t, IR_sar, IR_I64, c, ppc_i64(t, 63)) : ppc_i64(t, 0);
    uint32_t carry = ppc_flags(t, IR_fl_add, ppc_op2(t, IR_mul, IR_I64, a, b), c);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_adc, IR_I64, 0, high, sign, carry));
}

/* -- divide; where the quotient is undefined it is what the IR's division gives, or zero -- */

/* b == 0, or the most negative number by -1 */
static uint32_t cannot_divide(Trans *t, IrType type, bool is_unsigned, uint32_t a, uint32_t b) {
    uint32_t v = ir_emit(t->ir, IR_setc, IR_I32, IR_EQ, b, ir_const(t->ir, type, 0), 0);
    if (!is_unsigned) {
        uint64_t least = type == IR_I64 ? UINT64_C(1) << 63 : UINT32_C(1) << 31;
        uint32_t x = ir_emit(t->ir, IR_setc, IR_I32, IR_EQ, a, ir_const(t->ir, type, least), 0);
        uint32_t y = ir_emit(t->ir, IR_setc, IR_I32, IR_EQ, b,
                             ir_const(t->ir, type, type == IR_I64 ? UINT64_MAX : UINT32_MAX), 0);
        v = ppc_op2(t, IR_or, IR_I32, v, ppc_op2(t, IR_and, IR_I32, x, y));
    }
    return v;
}

static uint32_t operand(Trans *t, unsigned r, unsigned wide) {
    return wide ? ppc_get(t, r) : ppc_get32(t, r);
}

void ppc_shape_div(Trans *t, const PpcFields *f, unsigned wide, unsigned is_unsigned) {
    IrType type = wide ? IR_I64 : IR_I32;
    uint32_t a = operand(t, f->ra, wide), b = operand(t, f->rb, wide);
    uint32_t v = ppc_op2(t, is_unsigned ? IR_udiv : IR_sdiv, type, a, b);
    if (f->oe) {
        uint32_t over = cannot_divide(t, type, is_unsigned, a, b);
        set_overflow(t, over, over);
    }
    v = wide ? v : ppc_op1(t, IR_zext, IR_I64, v);
    ppc_set(t, f->rt, v);
    ppc_record(t, f->rc, v);
}

void ppc_shape_mod(Trans *t, const PpcFields *f, unsigned wide, unsigned is_unsigned) {
    IrType type = wide ? IR_I64 : IR_I32;
    uint32_t a = operand(t, f->ra, wide), b = operand(t, f->rb, wide);
    uint32_t q = ppc_op2(t, is_unsigned ? IR_udiv : IR_sdiv, type, a, b);
    uint32_t v = ppc_op2(t, IR_sub, type, a, ppc_op2(t, IR_mul, type, q, b));
    ppc_set(t, f->rt, wide ? v : ppc_op1(t, is_unsigned ? IR_zext : IR_sext, IR_I64, v));
}

/* ra << 32 by rb, words */
static uint32_t divide_extended_word(Trans *t, const PpcFields *f, bool is_unsigned, uint32_t *over) {
    IrOp extend = is_unsigned ? IR_zext : IR_sext;
    uint32_t a = ppc_op2(t, IR_shl, IR_I64, ppc_get(t, f->ra), ppc_i64(t, 32));
    uint32_t b = ppc_op1(t, extend, IR_I64, ppc_get32(t, f->rb));
    uint32_t q = ppc_op2(t, is_unsigned ? IR_udiv : IR_sdiv, IR_I64, a, b);
    uint32_t zero = ir_emit(t->ir, IR_setc, IR_I32, IR_EQ, b, ppc_i64(t, 0), 0);
    uint32_t wrong = ir_emit(t->ir, IR_setc, IR_I32, IR_NE, q, ppc_op1(t, extend, IR_I64, low(t, q)), 0);
    *over = ppc_op2(t, IR_or, IR_I32, zero, wrong);
    return ppc_op1(t, IR_zext, IR_I64, low(t, q));
}

static uint32_t divide_extended(Trans *t, const PpcFields *f, bool is_unsigned, uint32_t *over) {
    uint32_t args[] = {ppc_get(t, f->ra), ppc_get(t, f->rb)};
    if (is_unsigned) { /* fits when ra < rb */
        *over = ir_emit(t->ir, IR_setc, IR_I32, IR_CS, args[0], args[1], 0);
        return ir_call(t->ir, PPC_HELPER_divdeu, 2, args);
    }
    *over = ppc_op2(t, IR_xor, IR_I32, ir_call(t->ir, PPC_HELPER_divde_fits, 2, args), ppc_i32(t, 1));
    return ir_call(t->ir, PPC_HELPER_divde, 2, args);
}

/* A quotient that does not fit is undefined: zero. */
void ppc_shape_dive(Trans *t, const PpcFields *f, unsigned wide, unsigned is_unsigned) {
    uint32_t over;
    uint32_t v = wide ? divide_extended(t, f, is_unsigned, &over) : divide_extended_word(t, f, is_unsigned, &over);
    uint32_t flags = ppc_flags(t, IR_fl_logic, over, 0);
    v = ir_emit(t->ir, IR_csel, IR_I64, IR_NE, flags, ppc_i64(t, 0), v);
    if (f->oe) {
        set_overflow(t, over, over);
    }
    ppc_set(t, f->rt, v);
    ppc_record(t, f->rc, v);
}

/* -- compare -- */

/* l: 64 bits, else 32 */
void ppc_shape_cmp_i(Trans *t, const PpcFields *f, unsigned is_unsigned) {
    uint64_t imm = is_unsigned ? f->si : (uint64_t)(int64_t)ppc_sext(f->si, 16);
    uint32_t a = operand(t, f->ra, f->l), b = ir_const(t->ir, f->l ? IR_I64 : IR_I32, f->l ? imm : (uint32_t)imm);
    ppc_set_compare(t, f->bf, ppc_flags(t, IR_fl_sub, a, b), is_unsigned);
}

void ppc_shape_cmp_r(Trans *t, const PpcFields *f, unsigned is_unsigned) {
    uint32_t a = operand(t, f->ra, f->l), b = operand(t, f->rb, f->l);
    ppc_set_compare(t, f->bf, ppc_flags(t, IR_fl_sub, a, b), is_unsigned);
}

static uint32_t byte_of(Trans *t, uint32_t v, unsigned n) {
    return ir_emit(t->ir, IR_ubfx, IR_I32, 0, v, n * 8 | 8 << 8, 0);
}

/* low <= v <= high */
static uint32_t in_range(Trans *t, uint32_t v, uint32_t range, unsigned n) {
    uint32_t least = ir_emit(t->ir, IR_setc, IR_I32, IR_CS, v, byte_of(t, range, n), 0);
    uint32_t most = ir_emit(t->ir, IR_setc, IR_I32, IR_CS, byte_of(t, range, n + 1), v, 0);
    return ppc_op2(t, IR_and, IR_I32, least, most);
}

/* rb holds one or (l) two pairs of bounds. */
void ppc_trans_cmprb(Trans *t, const PpcFields *f) {
    uint32_t v = byte_of(t, ppc_get32(t, f->ra), 0), range = ppc_get32(t, f->rb), in = in_range(t, v, range, 0);
    if (f->l) {
        in = ppc_op2(t, IR_or, IR_I32, in, in_range(t, v, range, 2));
    }
    ppc_set_cr(t, f->bf, ppc_op2(t, IR_shl, IR_I32, in, ppc_i32(t, 2)));
}

/* 0x80 in each byte of v that is zero, and nothing else */
static uint32_t zero_bytes(Trans *t, uint32_t v) {
    const uint64_t rest = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint32_t x = ppc_op2(t, IR_add, IR_I64, ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, rest)), ppc_i64(t, rest));
    x = ppc_op2(t, IR_or, IR_I64, x, v);
    return ppc_op2(t, IR_andn, IR_I64, ppc_i64(t, ~rest), x);
}

void ppc_trans_cmpeqb(Trans *t, const PpcFields *f) {
    uint32_t byte = ppc_op2(t, IR_and, IR_I64, ppc_get(t, f->ra), ppc_i64(t, 0xff));
    uint32_t all = ppc_op2(t, IR_mul, IR_I64, byte, ppc_i64(t, UINT64_C(0x0101010101010101)));
    uint32_t equal = zero_bytes(t, ppc_op2(t, IR_xor, IR_I64, all, ppc_get(t, f->rb)));
    uint32_t flags = ppc_flags(t, IR_fl_logic, equal, 0);
    ppc_set_cr(t, f->bf, ir_emit(t->ir, IR_csel, IR_I32, IR_NE, flags, ppc_i32(t, PPC_GT), ppc_i32(t, 0)));
}

void ppc_trans_cmpb(Trans *t, const PpcFields *f) {
    uint32_t equal = zero_bytes(t, ppc_op2(t, IR_xor, IR_I64, ppc_get(t, f->rs), ppc_get(t, f->rb)));
    uint32_t ones = ppc_op2(t, IR_shr, IR_I64, equal, ppc_i64(t, 7));
    ppc_set(t, f->ra, ppc_op2(t, IR_mul, IR_I64, ones, ppc_i64(t, 0xff)));
}

/* -- trap -- */

static void trap(Trans *t, const PpcFields *f, uint32_t a, uint32_t b) {
    static const uint8_t conds[5] = {IR_HI, IR_CC, IR_EQ, IR_GT, IR_LT}; /* by bit of TO from the lowest */
    if (!f->to) {
        return;
    }
    if (f->to == 31) {
        ppc_program(t, PPC_PROGRAM_TRAP);
        return;
    }
    uint32_t flags = ppc_flags(t, IR_fl_sub, a, b), any = 0;
    for (unsigned i = 0; i < 5; i++) {
        if (f->to >> i & 1) {
            uint32_t one = ppc_cset(t, conds[i], flags);
            any = any ? ppc_op2(t, IR_or, IR_I32, any, one) : one;
        }
    }
    uint32_t srr1 = ppc_i32(t, PPC_PROGRAM_TRAP);
    ir_skip_if(t->ir, IR_EQ, ppc_flags(t, IR_fl_logic, any, 0));
    ir_call(t->ir, PPC_HELPER_program, 1, &srr1);
    ir_end_skip(t->ir);
    ppc_forget(t);
}

void ppc_shape_trap_i(Trans *t, const PpcFields *f, unsigned wide) {
    uint64_t imm = (uint64_t)(int64_t)ppc_sext(f->si, 16);
    trap(t, f, operand(t, f->ra, wide), ir_const(t->ir, wide ? IR_I64 : IR_I32, wide ? imm : (uint32_t)imm));
}

void ppc_shape_trap_r(Trans *t, const PpcFields *f, unsigned wide) {
    trap(t, f, operand(t, f->ra, wide), operand(t, f->rb, wide));
}
