/* SPDX-License-Identifier: MIT */
/*
 * trans_mem.c - PowerPC fixed-point loads and stores, reservations, caches.
 * Spec: Power ISA 3.0B Book I, 3.3.2 to 3.3.7; Book II, 4.3 (caches), 4.6 (larx, stcx.), Book III, 6.5.8 (alignment).
 */
#include "frontend/ppc/trans_mem.h"

/* An address as the mode makes it. */
static uint32_t clean(Trans *t, uint32_t v) {
    return ppc_wide(t) ? v : ir_emit(t->ir, IR_uxt, IR_I64, 32, v, 0, 0);
}

static uint32_t plus(Trans *t, uint32_t v, int64_t offset) {
    return offset ? ppc_op2(t, IR_add, IR_I64, v, ppc_i64(t, (uint64_t)offset)) : v;
}

uint32_t ppc_ea_d(Trans *t, unsigned ra, int64_t d) {
    return clean(t, ra ? plus(t, ppc_get(t, ra), d) : ppc_i64(t, (uint64_t)d));
}

uint32_t ppc_ea_x(Trans *t, const PpcFields *f) {
    uint32_t b = ppc_get(t, f->rb);
    return clean(t, f->ra ? ppc_op2(t, IR_add, IR_I64, ppc_get(t, f->ra), b) : b);
}

unsigned ppc_mem(const Trans *t, unsigned size, unsigned how) {
    bool big = !(t->mode & PPC_MODE_LE) != !!(how & PPC_REVERSED);
    return size | (big ? IR_MEM_BIG : 0) | (how & PPC_SIGNED ? IR_MEM_SEXT : 0);
}

uint32_t ppc_check(Trans *t, uint32_t ea, unsigned bytes, unsigned aux) {
    return ir_check(t->ir, aux, ea, bytes);
}

uint32_t ppc_fetch(Trans *t, unsigned aux, uint32_t addend, uint32_t ea) {
    IrType type = (aux & IR_MEM_SIZE) == 3 || (aux & IR_MEM_SEXT) ? IR_I64 : IR_I32;
    return ir_append(t->ir, IR_ld, type, aux, addend, ea, 0);
}

static void load(Trans *t, const PpcFields *f, uint32_t ea, unsigned size, unsigned how) {
    uint32_t v = ppc_fetch(t, ppc_mem(t, size, how), ppc_check(t, ea, 1u << size, IR_CHECK_R), ea);
    ppc_set(t, f->rt, v);
    if (how & PPC_UPDATE) {
        ppc_set(t, f->ra, ea);
    }
}

static void put(Trans *t, unsigned aux, uint32_t addend, uint32_t ea, unsigned r) {
    uint32_t v = ir_get(t->ir, PPC_SLOT_GPR + r, (aux & IR_MEM_SIZE) == 3 ? IR_I64 : IR_I32);
    ir_append(t->ir, IR_st, IR_VOID, aux, addend, ea, v);
}

static void store(Trans *t, const PpcFields *f, uint32_t ea, unsigned size, unsigned how) {
    put(t, ppc_mem(t, size, how), ppc_check(t, ea, 1u << size, IR_CHECK_W), ea, f->rs);
    if (how & PPC_UPDATE) {
        ppc_set(t, f->ra, ea);
    }
}

void ppc_shape_load_d(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    load(t, f, ppc_ea_d(t, f->ra, ppc_sext(f->d, 16)), size, how);
}

void ppc_shape_load_ds(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    load(t, f, ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4), size, how);
}

void ppc_shape_load_x(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    load(t, f, ppc_ea_x(t, f), size, how);
}

void ppc_shape_store_d(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    store(t, f, ppc_ea_d(t, f->ra, ppc_sext(f->d, 16)), size, how);
}

void ppc_shape_store_ds(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    store(t, f, ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4), size, how);
}

void ppc_shape_store_x(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    store(t, f, ppc_ea_x(t, f), size, how);
}

/* -- several registers -- */

/* Moves of words and strings are for big-endian mode alone: else an alignment interrupt. */
static bool refused(Trans *t) {
    if (t->mode & PPC_MODE_LE) {
        ppc_interrupt(t, PPC_VEC_ALIGN);
        return true;
    }
    return false;
}

void ppc_trans_lmw(Trans *t, const PpcFields *f) {
    if (refused(t)) {
        return;
    }
    unsigned n = 32 - f->rt;
    uint32_t ea = ppc_ea_d(t, f->ra, ppc_sext(f->d, 16)), addend = ppc_check(t, ea, n * 4, IR_CHECK_R), v[32];
    for (unsigned i = 0; i < n; i++) {
        v[i] = ppc_fetch(t, ppc_mem(t, 2, 0), addend, plus(t, ea, i * 4));
    }
    for (unsigned i = 0; i < n; i++) {
        ppc_set(t, f->rt + i, v[i]);
    }
}

void ppc_trans_stmw(Trans *t, const PpcFields *f) {
    if (refused(t)) {
        return;
    }
    unsigned n = 32 - f->rs;
    uint32_t ea = ppc_ea_d(t, f->ra, ppc_sext(f->d, 16)), addend = ppc_check(t, ea, n * 4, IR_CHECK_W);
    for (unsigned i = 0; i < n; i++) {
        put(t, ppc_mem(t, 2, 0), addend, plus(t, ea, i * 4), f->rs + i);
    }
}

/* Bytes [at, at + n) of the string as the top of a word */
static uint32_t string_word(Trans *t, uint32_t addend, uint32_t ea, unsigned at, unsigned n) {
    if (n == 4) {
        return ppc_fetch(t, ppc_mem(t, 2, 0), addend, plus(t, ea, at));
    }
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t byte = ppc_fetch(t, ppc_mem(t, 0, 0), addend, plus(t, ea, at + i));
        byte = ppc_op2(t, IR_shl, IR_I32, byte, ppc_i32(t, 24 - 8 * i));
        v = v ? ppc_op2(t, IR_or, IR_I32, v, byte) : byte;
    }
    return v;
}

/* nb 0 is 32. Registers go on at 0 behind 31. */
void ppc_trans_lswi(Trans *t, const PpcFields *f) {
    if (refused(t)) {
        return;
    }
    unsigned n = f->nb ? f->nb : 32, words = (n + 3) / 4;
    uint32_t ea = ppc_ea_d(t, f->ra, 0), addend = ppc_check(t, ea, n, IR_CHECK_R), v[8];
    for (unsigned i = 0; i < words; i++) {
        v[i] = string_word(t, addend, ea, i * 4, MIN(n - i * 4, 4));
    }
    for (unsigned i = 0; i < words; i++) {
        ppc_set(t, (f->rt + i) % 32, v[i]);
    }
}

void ppc_trans_stswi(Trans *t, const PpcFields *f) {
    if (refused(t)) {
        return;
    }
    unsigned n = f->nb ? f->nb : 32;
    uint32_t ea = ppc_ea_d(t, f->ra, 0), addend = ppc_check(t, ea, n, IR_CHECK_W);
    for (unsigned i = 0; i < n; i += 4) {
        unsigned r = (f->rs + i / 4) % 32, left = MIN(n - i, 4);
        for (unsigned k = 0; k < left && left < 4; k++) {
            uint32_t byte = ppc_op2(t, IR_shr, IR_I32, ppc_get32(t, r), ppc_i32(t, 24 - 8 * k));
            ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 0, 0), addend, plus(t, ea, i + k), byte);
        }
        if (left == 4) {
            put(t, ppc_mem(t, 2, 0), addend, plus(t, ea, i), r);
        }
    }
}

/* -- quadwords: the even register holds the more significant half -- */

enum { ALIGN_16 = 4 << IR_CHECK_ALIGN_SHIFT };

static uint32_t quad_check(Trans *t, uint32_t ea, unsigned access) {
    return ppc_check(t, ea, 16, access | ALIGN_16 | IR_CHECK_ORDERED | IR_CHECK_NO_DEVICE);
}

static void set_quad(Trans *t, unsigned r, uint32_t v) {
    ppc_set(t, r, ir_emit(t->ir, IR_vget, IR_I64, 3, v, 1, 0));
    ppc_set(t, r + 1, ir_emit(t->ir, IR_vget, IR_I64, 3, v, 0, 0));
}

static uint32_t get_quad(Trans *t, unsigned r) {
    return ppc_op2(t, IR_vpair, IR_V128, ppc_get(t, r + 1), ppc_get(t, r));
}

void ppc_trans_lq(Trans *t, const PpcFields *f) {
    uint32_t ea = ppc_ea_d(t, f->ra, ppc_sext(f->dq, 12) * 16), addend = quad_check(t, ea, IR_CHECK_R);
    set_quad(t, f->rt, ir_append(t->ir, IR_ld, IR_V128, ppc_mem(t, 4, 0), addend, ea, 0));
}

void ppc_trans_stq(Trans *t, const PpcFields *f) {
    uint32_t ea = ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4), addend = quad_check(t, ea, IR_CHECK_W);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 4, 0), addend, ea, get_quad(t, f->rs));
}

/* -- reservations -- */

static uint32_t reserve_check(Trans *t, uint32_t ea, unsigned size, unsigned access) {
    return ppc_check(t, ea, 1u << size, access | size << IR_CHECK_ALIGN_SHIFT | IR_CHECK_ORDERED);
}

void ppc_shape_larx(Trans *t, const PpcFields *f, unsigned size) {
    uint32_t ea = ppc_ea_x(t, f), addend = reserve_check(t, ea, size, IR_CHECK_R);
    ppc_set(t, f->rt, ir_append(t->ir, IR_ll, size == 3 ? IR_I64 : IR_I32, ppc_mem(t, size, 0), addend, ea, 0));
}

void ppc_trans_lqarx(Trans *t, const PpcFields *f) {
    uint32_t ea = ppc_ea_x(t, f), addend = reserve_check(t, ea, 4, IR_CHECK_R);
    set_quad(t, f->rt, ir_append(t->ir, IR_ll, IR_V128, ppc_mem(t, 4, 0), addend, ea, 0));
}

/* CR0 = 0 0 stored SO */
static void store_conditional(Trans *t, const PpcFields *f, unsigned size, uint32_t v) {
    uint32_t ea = ppc_ea_x(t, f), addend = reserve_check(t, ea, size, IR_CHECK_W);
    uint32_t failed = ir_append(t->ir, IR_sc, IR_I32, ppc_mem(t, size, 0), addend, ea, v);
    uint32_t stored = ppc_op2(t, IR_xor, IR_I32, failed, ppc_i32(t, 1));
    stored = ppc_op2(t, IR_shl, IR_I32, stored, ppc_i32(t, 1));
    ppc_set_cr(t, 0, ppc_op2(t, IR_or, IR_I32, stored, ppc_byte(t, PPC_SLOT_SO)));
}

void ppc_shape_stcx(Trans *t, const PpcFields *f, unsigned size) {
    store_conditional(t, f, size, size == 3 ? ppc_get(t, f->rs) : ppc_get32(t, f->rs));
}

void ppc_trans_stqcx(Trans *t, const PpcFields *f) {
    store_conditional(t, f, 4, get_quad(t, f->rs));
}

/* -- caches; a block is 128 bytes -- */

void ppc_shape_cache_hint(Trans *t, const PpcFields *f) {
}

/* There is nothing to write back, but the address must be one. */
void ppc_shape_cache_data(Trans *t, const PpcFields *f) {
    ppc_check(t, ppc_ea_x(t, f), 1, IR_CHECK_R);
}

void ppc_trans_dcbz(Trans *t, const PpcFields *f) {
    enum { BLOCK = 128 };
    uint32_t ea = ppc_op2(t, IR_and, IR_I64, ppc_ea_x(t, f), ppc_i64(t, ~(uint64_t)(BLOCK - 1)));
    uint32_t addend = ppc_check(t, ea, BLOCK, IR_CHECK_W | IR_CHECK_NO_DEVICE), zero = ppc_i64(t, 0);
    uint32_t pair = ppc_op2(t, IR_vpair, IR_V128, zero, zero);
    for (unsigned i = 0; i < BLOCK; i += 16) {
        ir_append(t->ir, IR_st, IR_VOID, 4, addend, plus(t, ea, i), pair);
    }
}

void ppc_trans_icbi(Trans *t, const PpcFields *f) {
    uint32_t ea = ppc_ea_x(t, f);
    ir_call(t->ir, PPC_HELPER_icbi, 1, &ea);
    t->sync = true;
}
