/* SPDX-License-Identifier: MIT */
/*
 * trans_logic.c - PowerPC logic, rotates and shifts, decimal assists.
 * Spec: Power ISA 3.0B Book I, 3.3.13 to 3.3.16.
 */
#include "frontend/ppc/trans.h"

static void result(Trans *t, const PpcFields *f, uint32_t v) {
    ppc_set(t, f->ra, v);
    ppc_record(t, f->rc, v);
}

/* -- logic -- */

void ppc_shape_logic_i(Trans *t, const PpcFields *f, unsigned op, unsigned shift, unsigned rc) {
    uint32_t v = ppc_op2(t, op, IR_I64, ppc_get(t, f->rs), ppc_i64(t, (uint64_t)f->ui << shift));
    ppc_set(t, f->ra, v);
    ppc_record(t, rc, v);
}

void ppc_shape_logic(Trans *t, const PpcFields *f, unsigned op, unsigned invert_b, unsigned invert) {
    uint32_t a = ppc_get(t, f->rs), b = ppc_get(t, f->rb), v;
    if (f->rs == f->rb && !invert_b && op != IR_xor) { /* moves */
        v = a;
    } else if (op == IR_and && invert_b) {
        v = ppc_op2(t, IR_andn, IR_I64, a, b);
    } else {
        v = ppc_op2(t, op, IR_I64, a, invert_b ? ppc_op1(t, IR_not, IR_I64, b) : b);
    }
    result(t, f, invert ? ppc_op1(t, IR_not, IR_I64, v) : v);
}

void ppc_shape_exts(Trans *t, const PpcFields *f, unsigned bits) {
    uint32_t v = bits == 32 ? ppc_op1(t, IR_sext, IR_I64, ppc_get32(t, f->rs))
                            : ir_emit(t->ir, IR_sxt, IR_I64, bits, ppc_get(t, f->rs), 0, 0);
    result(t, f, v);
}

/* Zeros at the upper or (trailing) lower end */
void ppc_shape_cnt(Trans *t, const PpcFields *f, unsigned type, unsigned trailing) {
    uint32_t v = ir_get(t->ir, PPC_SLOT_GPR + f->rs, type);
    v = ppc_op1(t, IR_clz, type, trailing ? ppc_op1(t, IR_rbit, type, v) : v);
    result(t, f, type == IR_I64 ? v : ppc_op1(t, IR_zext, IR_I64, v));
}

/* v with each field of 2n bits the sum of its halves */
static uint32_t add_halves(Trans *t, uint32_t v, unsigned n, uint64_t mask) {
    uint32_t m = ppc_i64(t, mask), high = ppc_op2(t, IR_shr, IR_I64, v, ppc_i64(t, n));
    return ppc_op2(t, IR_add, IR_I64, ppc_op2(t, IR_and, IR_I64, v, m), ppc_op2(t, IR_and, IR_I64, high, m));
}

/* Ones in each field of `bits` */
void ppc_shape_popcnt(Trans *t, const PpcFields *f, unsigned bits) {
    static const uint64_t masks[] = {
        UINT64_C(0x5555555555555555), UINT64_C(0x3333333333333333), UINT64_C(0x0f0f0f0f0f0f0f0f),
        UINT64_C(0x00ff00ff00ff00ff), UINT64_C(0x0000ffff0000ffff), UINT64_C(0x00000000ffffffff),
    };
    uint32_t v = ppc_get(t, f->rs);
    for (unsigned i = 0; 1u << i < bits; i++) {
        v = add_halves(t, v, 1u << i, masks[i]);
    }
    ppc_set(t, f->ra, v);
}

/* Parity of the bytes' lowest bits, in each word or in all */
void ppc_shape_prty(Trans *t, const PpcFields *f, unsigned wide) {
    uint32_t v = ppc_get(t, f->rs);
    for (unsigned n = wide ? 32 : 16; n >= 8; n /= 2) {
        v = ppc_op2(t, IR_xor, IR_I64, v, ppc_op2(t, IR_shr, IR_I64, v, ppc_i64(t, n)));
    }
    ppc_set(t, f->ra, ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, wide ? 1 : UINT64_C(0x100000001))));
}

/* -- rotate -- */

/* Ones from bit mb to bit me, counted from the highest; from mb to 63 and 0 to me where mb > me */
static uint64_t mask_of(unsigned mb, unsigned me) {
    uint64_t from = UINT64_MAX >> mb, to = UINT64_MAX << (63 - me);
    return mb <= me ? from & to : from | to;
}

static uint32_t masked(Trans *t, uint32_t v, uint64_t mask) {
    return mask == UINT64_MAX ? v : ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, mask));
}

static uint32_t rotl(Trans *t, uint32_t v, unsigned n) {
    return n ? ppc_op2(t, IR_ror, IR_I64, v, ppc_i64(t, 64 - n)) : v;
}

/* The low word of r twice, for rotates whose mask reaches the high one */
static uint32_t doubled(Trans *t, unsigned r) {
    uint32_t v = ppc_op1(t, IR_zext, IR_I64, ppc_get32(t, r));
    return ppc_op2(t, IR_or, IR_I64, v, ppc_op2(t, IR_shl, IR_I64, v, ppc_i64(t, 32)));
}

static uint32_t rotl_word(Trans *t, unsigned r, unsigned n) {
    uint32_t v = ppc_get32(t, r);
    v = n ? ppc_op2(t, IR_ror, IR_I32, v, ppc_i32(t, 32 - n)) : v;
    return ppc_op1(t, IR_zext, IR_I64, v);
}

/* ra = (rs rotated left by sh) & mask of words */
void ppc_trans_rlwinm(Trans *t, const PpcFields *f) {
    unsigned sh = f->sh, mb = f->mb, me = f->me;
    uint32_t v;
    if (mb > me) {
        v = masked(t, rotl(t, doubled(t, f->rs), sh), mask_of(mb + 32, me + 32));
    } else if (me == 31 && sh && 32 - sh == mb) { /* srwi */
        v = ppc_op1(t, IR_zext, IR_I64, ppc_op2(t, IR_shr, IR_I32, ppc_get32(t, f->rs), ppc_i32(t, mb)));
    } else if (mb == 0 && me == 31 - sh) { /* slwi */
        v = ppc_op1(t, IR_zext, IR_I64, ppc_op2(t, IR_shl, IR_I32, ppc_get32(t, f->rs), ppc_i32(t, sh)));
    } else if (me == 31 && mb && ((32 - sh) & 31) + 32 - mb <= 32) { /* a field, moved down */
        unsigned at = (32 - sh) & 31;
        v = ir_emit(t->ir, IR_ubfx, IR_I64, 0, ppc_get(t, f->rs), at | (32 - mb) << 8, 0);
    } else {
        v = masked(t, rotl_word(t, f->rs, sh), mask_of(mb + 32, me + 32));
    }
    result(t, f, v);
}

void ppc_trans_rlwnm(Trans *t, const PpcFields *f) {
    uint32_t n = ppc_op2(t, IR_sub, IR_I64, ppc_i64(t, 0), ppc_op2(t, IR_and, IR_I64, ppc_get(t, f->rb), ppc_i64(t, 31)));
    uint32_t v = ppc_op2(t, IR_ror, IR_I64, doubled(t, f->rs), n);
    result(t, f, masked(t, v, mask_of(f->mb + 32, f->me + 32)));
}

void ppc_trans_rlwimi(Trans *t, const PpcFields *f) {
    uint64_t mask = mask_of(f->mb + 32, f->me + 32);
    uint32_t v = masked(t, rotl(t, doubled(t, f->rs), f->sh), mask);
    result(t, f, ppc_op2(t, IR_or, IR_I64, v, masked(t, ppc_get(t, f->ra), ~mask)));
}

static unsigned wide_field(unsigned m) {
    return m >> 1 | (m & 1) << 5;
}

/* Rotated left by sh; what the mask keeps: from MB on, up to ME, or from MB to 63 - sh */
void ppc_shape_rld(Trans *t, const PpcFields *f, unsigned side) {
    unsigned sh = f->h << 5 | f->sh, m = wide_field(f->m);
    uint32_t rs = ppc_get(t, f->rs), v;
    if (side == PPC_ROTATE_LEFT && ((64 - sh) & 63) + 64 - m <= 64) { /* a field, moved down; clrldi, srdi */
        unsigned at = (64 - sh) & 63, length = 64 - m;
        v = at + length == 64 && m ? ppc_op2(t, IR_shr, IR_I64, rs, ppc_i64(t, m))
            : m                    ? ir_emit(t->ir, IR_ubfx, IR_I64, 0, rs, at | length << 8, 0)
                                   : rotl(t, rs, sh);
    } else if (side == PPC_ROTATE_RIGHT && m == 63 - sh) { /* sldi */
        v = ppc_op2(t, IR_shl, IR_I64, rs, ppc_i64(t, sh));
    } else {
        uint64_t mask = side == PPC_ROTATE_LEFT ? mask_of(m, 63) : side == PPC_ROTATE_RIGHT ? mask_of(0, m) : mask_of(m, 63 - sh);
        v = masked(t, rotl(t, rs, sh), mask);
    }
    result(t, f, v);
}

void ppc_trans_rldimi(Trans *t, const PpcFields *f) {
    unsigned sh = f->h << 5 | f->sh;
    uint64_t mask = mask_of(wide_field(f->m), 63 - sh);
    uint32_t v = masked(t, rotl(t, ppc_get(t, f->rs), sh), mask);
    result(t, f, ppc_op2(t, IR_or, IR_I64, v, masked(t, ppc_get(t, f->ra), ~mask)));
}

void ppc_shape_rldc(Trans *t, const PpcFields *f, unsigned side) {
    uint32_t n = ppc_op2(t, IR_sub, IR_I64, ppc_i64(t, 0), ppc_get(t, f->rb));
    uint32_t v = ppc_op2(t, IR_ror, IR_I64, ppc_get(t, f->rs), n);
    unsigned m = wide_field(f->m);
    result(t, f, masked(t, v, side == PPC_ROTATE_LEFT ? mask_of(m, 63) : mask_of(0, m)));
}

/* -- shift; counts are taken modulo twice the width -- */

static uint32_t zext_word(Trans *t, unsigned r) {
    return ppc_op1(t, IR_zext, IR_I64, ppc_get32(t, r));
}

void ppc_trans_slw(Trans *t, const PpcFields *f) {
    uint32_t v = ppc_op2(t, IR_shl, IR_I64, zext_word(t, f->rs), ppc_get(t, f->rb));
    result(t, f, ir_emit(t->ir, IR_uxt, IR_I64, 32, v, 0, 0));
}

void ppc_trans_srw(Trans *t, const PpcFields *f) {
    result(t, f, ppc_op2(t, IR_shr, IR_I64, zext_word(t, f->rs), ppc_get(t, f->rb)));
}

/* Flags: EQ when bit 6 of the count is clear */
static uint32_t count_flags(Trans *t, uint32_t count) {
    return ppc_flags(t, IR_fl_logic, ppc_op2(t, IR_and, IR_I64, count, ppc_i64(t, 64)), 0);
}

void ppc_shape_shift_d(Trans *t, const PpcFields *f, unsigned op) {
    uint32_t n = ppc_get(t, f->rb), v = ppc_op2(t, op, IR_I64, ppc_get(t, f->rs), n);
    result(t, f, ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, count_flags(t, n), v, ppc_i64(t, 0)));
}

/* An arithmetic shift of `from` by n has given v: CA when it was negative and ones are gone. */
static void shifted_right(Trans *t, const PpcFields *f, uint32_t from, uint32_t n, uint32_t v, uint32_t gone) {
    uint32_t back = ppc_op2(t, IR_shl, IR_I64, v, n);
    uint32_t lost = ir_emit(t->ir, IR_setc, IR_I32, IR_NE, back, from, 0);
    lost = gone ? ppc_op2(t, IR_or, IR_I32, lost, gone) : lost;
    uint32_t sign = ppc_op1(t, IR_trunc, IR_I32, ppc_op2(t, IR_shr, IR_I64, from, ppc_i64(t, 63)));
    uint32_t ca = ppc_op2(t, IR_and, IR_I32, lost, sign);
    ir_set(t->ir, PPC_SLOT_CA, ca);
    if (ppc_has(t->env, PPC_ISA300)) {
        ir_set(t->ir, PPC_SLOT_CA32, ca);
    }
    result(t, f, v);
}

static void shift_right(Trans *t, const PpcFields *f, uint32_t from, uint32_t n, uint32_t gone) {
    shifted_right(t, f, from, n, ppc_op2(t, IR_sar, IR_I64, from, n), gone);
}

static uint32_t sext_word(Trans *t, unsigned r) {
    return ppc_op1(t, IR_sext, IR_I64, ppc_get32(t, r));
}

void ppc_trans_sraw(Trans *t, const PpcFields *f) {
    shift_right(t, f, sext_word(t, f->rs), ppc_get(t, f->rb), 0);
}

void ppc_trans_srawi(Trans *t, const PpcFields *f) {
    shift_right(t, f, sext_word(t, f->rs), ppc_i64(t, f->sh), 0);
}

void ppc_trans_sradi(Trans *t, const PpcFields *f) {
    shift_right(t, f, ppc_get(t, f->rs), ppc_i64(t, f->h << 5 | f->sh), 0);
}

/* 64 and more: nothing but the sign is left. */
void ppc_trans_srad(Trans *t, const PpcFields *f) {
    uint32_t count = ppc_get(t, f->rb), flags = count_flags(t, count);
    uint32_t n = ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, flags, count, ppc_i64(t, 63));
    shift_right(t, f, ppc_get(t, f->rs), n, ppc_cset(t, IR_NE, flags));
}

void ppc_trans_extswsli(Trans *t, const PpcFields *f) {
    uint32_t n = ppc_i64(t, f->h << 5 | f->sh);
    result(t, f, ppc_op2(t, IR_shl, IR_I64, sext_word(t, f->rs), n));
}

/* -- by helpers -- */

void ppc_shape_pure_s(Trans *t, const PpcFields *f, unsigned helper) {
    uint32_t v = ppc_get(t, f->rs);
    ppc_set(t, f->ra, ir_call(t->ir, helper, 1, &v));
}

void ppc_shape_pure_sb(Trans *t, const PpcFields *f, unsigned helper) {
    uint32_t args[] = {ppc_get(t, f->rs), ppc_get(t, f->rb)};
    ppc_set(t, f->ra, ir_call(t->ir, helper, 2, args));
}

/* 6 in each digit out of which the addition of ra and rb does not carry */
void ppc_trans_addg6s(Trans *t, const PpcFields *f) {
    uint32_t a = ppc_get(t, f->ra), b = ppc_get(t, f->rb);
    uint32_t sum = ppc_op2(t, IR_add, IR_I64, a, b);
    uint32_t carries = ppc_op2(t, IR_xor, IR_I64, ppc_op2(t, IR_xor, IR_I64, a, b), sum); /* into each bit */
    carries = ppc_op2(t, IR_and, IR_I64, carries, ppc_i64(t, UINT64_C(0x1111111111111110)));
    carries = ppc_op2(t, IR_shr, IR_I64, carries, ppc_i64(t, 4));
    uint32_t out = ppc_op1(t, IR_zext, IR_I64, ppc_cset(t, IR_CS, ppc_flags(t, IR_fl_add, a, b)));
    carries = ppc_op2(t, IR_or, IR_I64, carries, ppc_op2(t, IR_shl, IR_I64, out, ppc_i64(t, 60)));
    uint32_t none = ppc_op2(t, IR_xor, IR_I64, carries, ppc_i64(t, UINT64_C(0x1111111111111111)));
    ppc_set(t, f->rt, ppc_op2(t, IR_mul, IR_I64, none, ppc_i64(t, 6)));
}

void ppc_trans_darn(Trans *t, const PpcFields *f) {
    uint32_t l = ppc_i32(t, f->l);
    ppc_set(t, f->rt, ir_call(t->ir, PPC_HELPER_random, 1, &l));
}
