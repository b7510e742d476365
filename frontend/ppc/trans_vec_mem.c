/* SPDX-License-Identifier: MIT */
/*
 * trans_vec_mem.c - PowerPC AltiVec and VSX: loads, stores, and moves to and from general registers.
 * Spec: Power ISA 3.0B Book I, 6.7 (vector), 7.6.3 (VSX).
 * Missing: data streams, which are hints. trans_fp_mem.c has what converts.
 *
 * A quadword is loaded as its bytes stand, the first one lowest, and then turned within its doublewords: reversing what is
 * as long as an element in a little-endian guest, or a doubleword in a big-endian one.
 */
#include "frontend/ppc/trans_vec.h"

enum { BYTES = 0, DOUBLEWORDS = 3, QUADWORD = 4 };

/* Between a register and memory of elements of 2^size bytes: the same both ways */
static uint32_t turned(Trans *t, uint32_t v, unsigned size) {
    if (!(t->mode & PPC_MODE_LE)) {
        return ir_emit(t->ir, IR_vrev, IR_V128, BYTES, v, 3, 0);
    }
    return size == QUADWORD ? ppc_turn(t, v) : size == DOUBLEWORDS ? v : ir_emit(t->ir, IR_vrev, IR_V128, size, v, 3, 0);
}

static void load(Trans *t, unsigned r, uint32_t ea, unsigned size) {
    uint32_t addend = ppc_check(t, ea, 16, IR_CHECK_R);
    ppc_set_v(t, r, turned(t, ir_append(t->ir, IR_ld, IR_V128, QUADWORD, addend, ea, 0), size));
}

static void store(Trans *t, unsigned r, uint32_t ea, unsigned size) {
    uint32_t v = turned(t, ppc_get_v(t, r), size), addend = ppc_check(t, ea, 16, IR_CHECK_W);
    ir_append(t->ir, IR_st, IR_VOID, QUADWORD, addend, ea, v);
}

static uint32_t masked(Trans *t, uint32_t v, uint64_t mask) {
    return ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, mask));
}

static uint32_t quad_ea(Trans *t, const PpcFields *f) {
    return masked(t, ppc_ea_x(t, f), ~UINT64_C(15));
}

static uint32_t quad_displaced(Trans *t, const PpcFields *f) {
    return ppc_ea_d(t, f->ra, ppc_sext(f->dq, 12) * 16);
}

static uint32_t displaced(Trans *t, const PpcFields *f) {
    return ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4);
}

/* -- quadwords -- */

void ppc_shape_lvx(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        load(t, PPC_VR + f->vt, quad_ea(t, f), QUADWORD);
    }
}

void ppc_shape_stvx(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        store(t, PPC_VR + f->vt, quad_ea(t, f), QUADWORD);
    }
}

/* Two doublewords or four words */
void ppc_shape_lxv_elements(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        load(t, PPC_T(f), ppc_ea_x(t, f), size);
    }
}

void ppc_shape_stxv_elements(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        store(t, PPC_T(f), ppc_ea_x(t, f), size);
    }
}

/* The same of ISA 3.0, whose upper registers are AltiVec's: bytes, halfwords, or all of it */
void ppc_shape_lxv_upper(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_upper(t, f)) {
        load(t, PPC_T(f), ppc_ea_x(t, f), size);
    }
}

void ppc_shape_stxv_upper(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_upper(t, f)) {
        store(t, PPC_T(f), ppc_ea_x(t, f), size);
    }
}

void ppc_trans_lxv(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        load(t, PPC_T(f), quad_displaced(t, f), QUADWORD);
    }
}

void ppc_trans_stxv(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        store(t, PPC_T(f), quad_displaced(t, f), QUADWORD);
    }
}

/* -- as many bytes as the top byte of rb says, at most 16 -- */

typedef struct Length {
    uint32_t n, ea, at;   /* how many bytes; where; that in its block of 16 */
    uint32_t addend[2];   /* of the blocks that the first and the last byte lie in */
    uint32_t block[2];
} Length;

static uint32_t length(Trans *t, const PpcFields *f) {
    uint32_t n = ppc_op2(t, IR_shr, IR_I64, ppc_get(t, f->rb), ppc_i64(t, 56)), most = ppc_i64(t, 16);
    return ir_emit(t->ir, IR_csel, IR_I64, IR_HI, ppc_flags(t, IR_fl_sub, n, most), most, n);
}

/* Skips to the matching end when there are no bytes. Whole blocks are proved: there is nothing else to fault in them. */
static Length begin(Trans *t, const PpcFields *f, unsigned access) {
    Length l = {.n = length(t, f), .ea = ppc_ea_d(t, f->ra, 0)};
    uint32_t last = ppc_op2(t, IR_sub, IR_I64, ppc_op2(t, IR_add, IR_I64, l.ea, l.n), ppc_i64(t, 1));
    l.at = masked(t, l.ea, 15);
    l.block[0] = masked(t, l.ea, ~UINT64_C(15));
    l.block[1] = masked(t, last, ~UINT64_C(15));
    ir_skip_if(t->ir, IR_EQ, ppc_flags(t, IR_fl_sub, l.n, ppc_i64(t, 0)));
    for (unsigned i = 0; i < 2; i++) {
        l.addend[i] = ppc_check(t, l.block[i], 16, access);
    }
    return l;
}

/* `left`: bytes go to the register from its first one on, whatever the byte order */
void ppc_shape_lxvl(Trans *t, const PpcFields *f, unsigned left) {
    if (!ppc_upper(t, f)) {
        return;
    }
    bool reversed = t->mode & PPC_MODE_LE && !left;
    uint64_t up = UINT64_C(0x0706050403020100), down = UINT64_C(0x0001020304050607), eight = UINT64_C(0x0808080808080808);
    uint32_t from = reversed ? ppc_v128(t, up + eight, up) : ppc_v128(t, down, down + eight);
    Length l = begin(t, f, IR_CHECK_R);
    uint32_t first = ir_append(t->ir, IR_ld, IR_V128, QUADWORD, l.addend[0], l.block[0], 0);
    uint32_t second = ir_append(t->ir, IR_ld, IR_V128, QUADWORD, l.addend[1], l.block[1], 0);
    uint32_t valid = ppc_v2(t, IR_vcmhi, 0, ppc_dup(t, l.n, 0), from);
    uint32_t index = ppc_v2(t, IR_vadd, 0, from, ppc_dup(t, l.at, 0));
    uint32_t v = ppc_v2(t, IR_vor, 0, ppc_v2(t, IR_vtbl, 0, first, index), ppc_v2(t, IR_vtbl, 16, second, index));
    ppc_set_v(t, PPC_T(f), ppc_v2(t, IR_vand, 0, v, valid));
    ir_end_skip(t->ir);
    ir_skip_if(t->ir, IR_NE, ppc_flags(t, IR_fl_sub, l.n, ppc_i64(t, 0)));
    ppc_set_v(t, PPC_T(f), ppc_v128(t, 0, 0));
    ir_end_skip(t->ir);
    ppc_forget(t);
}

void ppc_shape_stxvl(Trans *t, const PpcFields *f, unsigned left) {
    if (!ppc_upper(t, f)) {
        return;
    }
    bool reversed = t->mode & PPC_MODE_LE && !left;
    uint32_t v = ppc_get_v(t, PPC_T(f));
    Length l = begin(t, f, IR_CHECK_W);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t ea = i ? ppc_op2(t, IR_add, IR_I64, l.ea, ppc_i64(t, i)) : l.ea;
        ir_skip_if(t->ir, IR_LS, ppc_flags(t, IR_fl_sub, l.n, ppc_i64(t, i)));
        uint32_t byte = ir_emit(t->ir, IR_vget, IR_I32, BYTES, v, i ^ (reversed ? 8 : 7), 0);
        for (unsigned block = 0; block < (i ? 2 : 1); block++) {
            ir_skip_if(t->ir, block ? IR_CC : IR_CS, ppc_flags(t, IR_fl_sub, l.at, ppc_i64(t, 16 - i)));
            ir_append(t->ir, IR_st, IR_VOID, BYTES, l.addend[block], ea, byte);
            ir_end_skip(t->ir);
        }
        ir_end_skip(t->ir);
    }
    ir_end_skip(t->ir);
    ppc_forget(t);
}

/* -- elements -- */

static uint32_t fetch(Trans *t, unsigned size, unsigned how, uint32_t ea) {
    return ppc_fetch(t, ppc_mem(t, size, how), ppc_check(t, ea, 1u << size, IR_CHECK_R), ea);
}

static void put(Trans *t, unsigned size, uint32_t ea, uint32_t v) {
    v = size == DOUBLEWORDS ? v : ppc_op1(t, IR_trunc, IR_I32, v);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, size, 0), ppc_check(t, ea, 1u << size, IR_CHECK_W), ea, v);
}

static uint32_t aligned_ea(Trans *t, const PpcFields *f, unsigned size) {
    uint32_t ea = ppc_ea_x(t, f);
    return size ? masked(t, ea, ~((UINT64_C(1) << size) - 1)) : ea;
}

/* One element, where it lies in its quadword; the others are undefined: the same. */
void ppc_shape_lve(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_vr(t, f->vt, ppc_dup(t, fetch(t, size, 0, aligned_ea(t, f, size)), size));
    }
}

void ppc_shape_stve(Trans *t, const PpcFields *f, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    bool little = t->mode & PPC_MODE_LE;
    uint32_t v = ppc_get_vr(t, f->vt), ea = aligned_ea(t, f, size), first = ppc_half(t, v, 0), second = ppc_half(t, v, 1);
    uint32_t flags = ppc_flags(t, IR_fl_logic, masked(t, ea, 8), 0);
    uint32_t part = ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, flags, little ? second : first, little ? first : second);
    uint32_t at = masked(t, ea, 7); /* from the lowest, or from the highest */
    at = little ? at : ppc_op2(t, IR_xor, IR_I64, at, ppc_i64(t, 8 - (1u << size)));
    part = ppc_op2(t, IR_shr, IR_I64, part, ppc_op2(t, IR_shl, IR_I64, at, ppc_i64(t, 3)));
    put(t, size, ea, part);
}

/* Bytes n, n + 1 ..., n the low four bits of the address, or (right) 16 less them */
void ppc_shape_lvs(Trans *t, const PpcFields *f, unsigned right) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t n = masked(t, ppc_ea_x(t, f), 15);
    n = right ? ppc_op2(t, IR_sub, IR_I64, ppc_i64(t, 16), n) : n;
    uint32_t up = ppc_v128(t, UINT64_C(0x0001020304050607), UINT64_C(0x08090a0b0c0d0e0f));
    ppc_set_vr(t, f->vt, ppc_v2(t, IR_vadd, 0, ppc_dup(t, n, 0), up));
}

static void load_scalar(Trans *t, unsigned r, uint32_t ea, unsigned size, unsigned how) {
    uint32_t v = fetch(t, size, how, ea);
    ppc_set_scalar(t, r, size == DOUBLEWORDS || how ? v : ppc_op1(t, IR_zext, IR_I64, v));
}

void ppc_shape_lxs(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    if (ppc_vsx(t)) {
        load_scalar(t, PPC_T(f), ppc_ea_x(t, f), size, how);
    }
}

void ppc_shape_stxs(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vsx(t)) {
        put(t, size, ppc_ea_x(t, f), ppc_half(t, ppc_get_v(t, PPC_T(f)), 0));
    }
}

void ppc_trans_lxsd(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        load_scalar(t, PPC_VR + f->vt, displaced(t, f), DOUBLEWORDS, 0);
    }
}

void ppc_trans_stxsd(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        put(t, DOUBLEWORDS, displaced(t, f), ppc_half(t, ppc_get_vr(t, f->vt), 0));
    }
}

void ppc_trans_lxvdsx(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), ppc_dup(t, fetch(t, 3, 0, ppc_ea_x(t, f)), 3));
    }
}

void ppc_trans_lxvwsx(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        ppc_set_v(t, PPC_T(f), ppc_dup(t, fetch(t, 2, 0, ppc_ea_x(t, f)), 2));
    }
}

/* -- from and to general registers -- */

/* The upper registers are AltiVec's. */
static bool movable(Trans *t, const PpcFields *f) {
    return f->tx ? ppc_vec(t) : ppc_fp(t);
}

void ppc_shape_mfvsr(Trans *t, const PpcFields *f, unsigned word) {
    if (movable(t, f)) {
        uint32_t v = ppc_half(t, ppc_get_v(t, PPC_T(f)), 0);
        ppc_set(t, f->ra, word ? ir_emit(t->ir, IR_uxt, IR_I64, 32, v, 0, 0) : v);
    }
}

void ppc_shape_mtvsr(Trans *t, const PpcFields *f, unsigned how) {
    if (movable(t, f)) {
        uint32_t v = how == PPC_MOVE_ALL ? ppc_get(t, f->ra)
                                         : ppc_op1(t, how == PPC_MOVE_SIGNED ? IR_sext : IR_zext, IR_I64, ppc_get32(t, f->ra));
        ppc_set_scalar(t, PPC_T(f), v);
    }
}

void ppc_trans_mfvsrld(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        ppc_set(t, f->ra, ppc_half(t, ppc_get_v(t, PPC_T(f)), 1));
    }
}

void ppc_trans_mtvsrdd(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        ppc_set_halves(t, PPC_T(f), f->ra ? ppc_get(t, f->ra) : ppc_i64(t, 0), ppc_get(t, f->rb));
    }
}

void ppc_trans_mtvsrws(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        ppc_set_v(t, PPC_T(f), ppc_dup(t, ppc_get(t, f->ra), 2));
    }
}
