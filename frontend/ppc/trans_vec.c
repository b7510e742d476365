/* SPDX-License-Identifier: MIT */
/*
 * trans_vec.c - PowerPC floating-point, AltiVec and VSX registers: moves, logic, and vectors of integers.
 * Spec: Power ISA 3.0B Book I, 4.6 (floating point), 6.7 to 6.11 (vector), 7.6.3 (VSX).
 * Missing: arithmetic; VSX insns of ISA 3.0; FEX and VX in FPSCR.
 *
 * Doubleword 0 of a register is lane 0 of its v128, so an FPR is a scalar there; within a doubleword numbers are as ever.
 * What insns do lane by lane needs no thought of order; what moves lanes works on the two doublewords.
 */
#include "frontend/ppc/trans_vec.h"


static uint32_t shift(Trans *t, IrOp op, uint32_t v, unsigned n) {
    return n ? ppc_op2(t, op, IR_I64, v, ppc_i64(t, n)) : v;
}

/* -- floating-point loads and stores -- */

static void update(Trans *t, const PpcFields *f, unsigned how, uint32_t ea) {
    if (how & PPC_UPDATE) {
        ppc_set(t, f->ra, ea);
    }
}

static uint32_t fetch(Trans *t, unsigned size, unsigned how, uint32_t ea) {
    return ppc_fetch(t, ppc_mem(t, size, how), ppc_check(t, ea, 1u << size, IR_CHECK_R), ea);
}

static void put(Trans *t, unsigned size, uint32_t ea, uint32_t v) {
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, size, 0), ppc_check(t, ea, 1u << size, IR_CHECK_W), ea, v);
}

static uint32_t displaced(Trans *t, const PpcFields *f) {
    return ppc_ea_d(t, f->ra, ppc_sext(f->d, 16));
}

static void lfd(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    ppc_set_scalar(t, f->ft, fetch(t, 3, 0, ea));
    update(t, f, how, ea);
}

static void lfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    uint32_t v = fetch(t, 2, 0, ea);
    ppc_set_scalar(t, f->ft, ir_call(t->ir, PPC_HELPER_widen, 1, &v));
    update(t, f, how, ea);
}

static void stfd(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    put(t, 3, ea, ppc_half(t, ppc_get_v(t, f->ft), 0));
    update(t, f, how, ea);
}

static void stfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    uint32_t v = ppc_half(t, ppc_get_v(t, f->ft), 0);
    put(t, 2, ea, ir_call(t->ir, PPC_HELPER_narrow, 1, &v));
    update(t, f, how, ea);
}

#define FORMS(name)                                                                                                    \
    void ppc_shape_##name##_d(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (ppc_fp(t)) {                                                                                                   \
            name(t, f, displaced(t, f), how);                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void ppc_shape_##name##_x(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (ppc_fp(t)) {                                                                                                   \
            name(t, f, ppc_ea_x(t, f), how);                                                                           \
        }                                                                                                              \
    }
FORMS(lfd)
FORMS(lfs)
FORMS(stfd)
FORMS(stfs)

/* Word to the low half of the register, sign- or zero-extended */
void ppc_shape_lfiw(Trans *t, const PpcFields *f, unsigned sign) {
    if (ppc_fp(t)) {
        uint32_t v = fetch(t, 2, sign ? PPC_SIGNED : 0, ppc_ea_x(t, f));
        ppc_set_scalar(t, f->ft, sign ? v : ppc_op1(t, IR_zext, IR_I64, v));
    }
}

void ppc_trans_stfiwx(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        put(t, 2, ppc_ea_x(t, f), ppc_op1(t, IR_trunc, IR_I32, ppc_half(t, ppc_get_v(t, f->ft), 0)));
    }
}

/* -- floating-point moves -- */

void ppc_shape_fsign(Trans *t, const PpcFields *f, unsigned how) {
    if (!ppc_fp(t)) {
        return;
    }
    uint32_t v = ppc_half(t, ppc_get_v(t, f->fb), 0), sign = ppc_i64(t, UINT64_C(1) << 63);
    v = how == PPC_SIGN_INVERT ? ppc_op2(t, IR_xor, IR_I64, v, sign) : how == PPC_SIGN_SET ? ppc_op2(t, IR_or, IR_I64, v, sign)
        : how == PPC_SIGN_CLEAR ? ppc_op2(t, IR_andn, IR_I64, v, sign) : v;
    ppc_set_scalar(t, f->ft, v);
}

void ppc_trans_mffs(Trans *t, const PpcFields *f) {
    if (ppc_fp(t)) {
        ppc_set_scalar(t, f->ft, ir_get(t->ir, PPC_SLOT_FPSCR, IR_I64));
    }
}

/* Fields of flm (bit 7: the first of the low word), or everything */
void ppc_trans_mtfsf(Trans *t, const PpcFields *f) {
    const uint64_t settable = UINT64_C(0x79fffffff) & ~UINT64_C(0x00000800);
    uint64_t mask = f->l ? UINT64_MAX : 0;
    for (unsigned i = 0; i < 8; i++) {
        mask |= (uint64_t)(f->flm >> i & 1 ? 15 : 0) << 4 * i;
    }
    mask &= settable;
    if (ppc_fp(t)) {
        uint32_t v = ppc_op2(t, IR_and, IR_I64, ppc_half(t, ppc_get_v(t, f->fb), 0), ppc_i64(t, mask));
        uint32_t old = ppc_op2(t, IR_and, IR_I64, ir_get(t->ir, PPC_SLOT_FPSCR, IR_I64), ppc_i64(t, ~mask));
        ir_set(t->ir, PPC_SLOT_FPSCR, ppc_op2(t, IR_or, IR_I64, v, old));
    }
}

/* -- AltiVec -- */

/* There are no data streams to stop. */
void ppc_trans_dss(Trans *t, const PpcFields *f) {
}

void ppc_trans_mfvscr(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        ppc_set_halves(t, PPC_VR + f->vt, ppc_i64(t, 0), ir_get(t->ir, PPC_SLOT_VSCR, IR_I64));
    }
}

void ppc_trans_mtvscr(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_half(t, ppc_get_v(t, PPC_VR + f->vb), 1);
        ir_set(t->ir, PPC_SLOT_VSCR, ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, 0x10001)));
    }
}

static uint32_t logic(Trans *t, unsigned op, unsigned invert, unsigned a, unsigned b) {
    uint32_t v = ppc_op2(t, op, IR_V128, ppc_get_v(t, a), ppc_get_v(t, b));
    return invert ? ppc_op1(t, IR_vnot, IR_V128, v) : v;
}

void ppc_shape_vlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (ppc_vec(t)) {
        ppc_set_v(t, PPC_VR + f->vt, logic(t, op, invert, PPC_VR + f->va, PPC_VR + f->vb));
    }
}

static uint32_t lanes(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    return ir_emit(t->ir, op, IR_V128, size, ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb), 0);
}

void ppc_shape_vlanes(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (ppc_vec(t)) {
        ppc_set_v(t, PPC_VR + f->vt, lanes(t, f, op, size));
    }
}

/* rc: CR6 says whether all lanes are true, or all false */
static void compared(Trans *t, const PpcFields *f, uint32_t v) {
    ppc_set_v(t, PPC_VR + f->vt, v);
    if (f->rc) {
        uint32_t a = ppc_half(t, v, 0), b = ppc_half(t, v, 1), ones = ppc_i64(t, UINT64_MAX), zero = ppc_i64(t, 0);
        uint32_t all = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_and, IR_I64, a, b), ones);
        uint32_t none = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_or, IR_I64, a, b), zero);
        uint32_t field = ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, none, ppc_i32(t, PPC_EQ), ppc_i32(t, 0));
        ppc_set_cr(t, 6, ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, all, ppc_i32(t, PPC_LT), field));
    }
}

void ppc_shape_vcompare(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (ppc_vec(t)) {
        compared(t, f, lanes(t, f, op, size));
    }
}

/* or_zero: true too where either is zero */
void ppc_shape_vcompare_not(Trans *t, const PpcFields *f, unsigned or_zero, unsigned size) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = ppc_op1(t, IR_vnot, IR_V128, lanes(t, f, IR_vcmeq, size));
    if (or_zero) {
        uint32_t zero = ppc_op2(t, IR_vpair, IR_V128, ppc_i64(t, 0), ppc_i64(t, 0));
        uint32_t a = ir_emit(t->ir, IR_vcmeq, IR_V128, size, ppc_get_v(t, PPC_VR + f->va), zero, 0);
        uint32_t b = ir_emit(t->ir, IR_vcmeq, IR_V128, size, ppc_get_v(t, PPC_VR + f->vb), zero, 0);
        v = ppc_op2(t, IR_vor, IR_V128, v, ppc_op2(t, IR_vor, IR_V128, a, b));
    }
    compared(t, f, v);
}

void ppc_shape_vcount(Trans *t, const PpcFields *f, unsigned from_last) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_get_v(t, PPC_VR + f->vb), ppc_i32(t, from_last)};
        ppc_set(t, f->rt, ir_call(t->ir, PPC_HELPER_vcount, 2, args));
    }
}

/* The byte that ra names, from the first or (right) the last */
void ppc_shape_vextub(Trans *t, const PpcFields *f, unsigned right) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t v = ppc_get_v(t, PPC_VR + f->vb), n = ppc_op2(t, IR_and, IR_I64, ppc_get(t, f->ra), ppc_i64(t, 15));
    n = right ? n : ppc_op2(t, IR_xor, IR_I64, n, ppc_i64(t, 15)); /* from the last, which is the lowest */
    uint32_t flags = ppc_flags(t, IR_fl_logic, ppc_op2(t, IR_and, IR_I64, n, ppc_i64(t, 8)), 0);
    uint32_t part = ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, flags, ppc_half(t, v, 1), ppc_half(t, v, 0));
    uint32_t down = ppc_op2(t, IR_shl, IR_I64, ppc_op2(t, IR_and, IR_I64, n, ppc_i64(t, 7)), ppc_i64(t, 3));
    part = ppc_op2(t, IR_shr, IR_I64, part, down);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_uxt, IR_I64, 8, part, 0, 0));
}

/* Counts are taken modulo the lane; to the right they are negative for the IR. */
void ppc_shape_vshift(Trans *t, const PpcFields *f, unsigned how, unsigned size) {
    static const uint64_t masks[4] = {UINT64_C(0x0707070707070707), UINT64_C(0x000f000f000f000f), UINT64_C(0x1f0000001f), 63};
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t mask = ppc_op2(t, IR_vpair, IR_V128, ppc_i64(t, masks[size]), ppc_i64(t, masks[size]));
    uint32_t n = ppc_op2(t, IR_vand, IR_V128, ppc_get_v(t, PPC_VR + f->vb), mask);
    n = how == PPC_LEFT ? n : ir_emit(t->ir, IR_vneg, IR_V128, size, n, 0, 0);
    unsigned aux = size | (how == PPC_RIGHT_SIGNED ? IR_VEC_SIGNED : 0);
    ppc_set_v(t, PPC_VR + f->vt, ir_emit(t->ir, IR_vshlr, IR_V128, aux, ppc_get_v(t, PPC_VR + f->va), n, 0));
}

void ppc_shape_vshift_all(Trans *t, const PpcFields *f, unsigned how) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb), ppc_i32(t, how)};
        uint32_t first = ir_call(t->ir, PPC_HELPER_vshift, 3, args);
        args[2] = ppc_i32(t, how | 4);
        ppc_set_halves(t, PPC_VR + f->vt, first, ir_call(t->ir, PPC_HELPER_vshift, 3, args));
    }
}

void ppc_trans_vgbbd(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t v = ppc_get_v(t, PPC_VR + f->vb), first = ppc_half(t, v, 0), second = ppc_half(t, v, 1);
        first = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &first);
        second = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &second);
        ppc_set_halves(t, PPC_VR + f->vt, first, second);
    }
}

/* v, which is of 2^size bytes, in every lane */
static void splat(Trans *t, unsigned r, uint32_t v, unsigned size) {
    static const uint64_t ones[] = {UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001), UINT64_C(0x100000001)};
    v = ppc_op2(t, IR_mul, IR_I64, v, ppc_i64(t, ones[size]));
    ppc_set_halves(t, r, v, v);
}

/* Element n, counted from the first, of 2^size bytes */
static uint32_t element(Trans *t, uint32_t v, unsigned n, unsigned size) {
    unsigned bits = 8u << size, in_half = 64 / bits;
    unsigned at = 64 - bits * (n % in_half + 1);
    return ir_emit(t->ir, IR_ubfx, IR_I64, 0, ppc_half(t, v, n / in_half), at | bits << 8, 0);
}

void ppc_shape_vsplat(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        splat(t, PPC_VR + f->vt, element(t, ppc_get_v(t, PPC_VR + f->vb), f->uim, size), size);
    }
}

void ppc_shape_vsplat_i(Trans *t, const PpcFields *f, unsigned size) {
    if (ppc_vec(t)) {
        uint64_t v = (uint64_t)(int64_t)ppc_sext(f->sim, 5) & (UINT64_MAX >> (64 - (8u << size)));
        splat(t, PPC_VR + f->vt, ppc_i64(t, v), size);
    }
}

void ppc_trans_vperm(Trans *t, const PpcFields *f) {
    if (!ppc_vec(t)) {
        return;
    }
    uint32_t args[] = {ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb), ppc_get_v(t, PPC_VR + f->vc), ppc_i32(t, 0)};
    uint32_t first = ir_call(t->ir, PPC_HELPER_vperm, 4, args);
    args[3] = ppc_i32(t, 8);
    ppc_set_halves(t, PPC_VR + f->vt, first, ir_call(t->ir, PPC_HELPER_vperm, 4, args));
}

static uint32_t select_bits(Trans *t, uint32_t a, uint32_t b, uint32_t mask) {
    uint32_t ones = ppc_op2(t, IR_vand, IR_V128, b, mask), zeros = ppc_op2(t, IR_vandn, IR_V128, a, mask);
    return ppc_op2(t, IR_vor, IR_V128, ones, zeros);
}

void ppc_trans_vsel(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        ppc_set_v(t, PPC_VR + f->vt, select_bits(t, ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb), ppc_get_v(t, PPC_VR + f->vc)));
    }
}

/* The quadword from byte n of a:b on */
static void extract(Trans *t, unsigned r, uint32_t a, uint32_t b, unsigned n) {
    uint32_t parts[4] = {ppc_half(t, a, 0), ppc_half(t, a, 1), ppc_half(t, b, 0), ppc_half(t, b, 1)}, v[2];
    unsigned from = n / 8, left = n % 8 * 8;
    for (unsigned i = 0; i < 2; i++) {
        v[i] = parts[from + i];
        if (left) {
            v[i] = ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, v[i], left), shift(t, IR_shr, parts[from + i + 1], 64 - left));
        }
    }
    ppc_set_halves(t, r, v[0], v[1]);
}

void ppc_trans_vsldoi(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        extract(t, PPC_VR + f->vt, ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb), f->shb);
    }
}

void ppc_trans_vbpermq(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        uint32_t args[] = {ppc_get_v(t, PPC_VR + f->va), ppc_get_v(t, PPC_VR + f->vb)};
        ppc_set_scalar(t, PPC_VR + f->vt, ir_call(t->ir, PPC_HELPER_vbpermq, 2, args));
    }
}

/* -- VSX -- */

void ppc_shape_xxlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), logic(t, op, invert, PPC_A(f), PPC_B(f)));
    }
}

void ppc_trans_xxpermdi(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_halves(t, PPC_T(f), ppc_half(t, ppc_get_v(t, PPC_A(f)), f->dm >> 1), ppc_half(t, ppc_get_v(t, PPC_B(f)), f->dm & 1));
    }
}

void ppc_trans_xxsldwi(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        extract(t, PPC_T(f), ppc_get_v(t, PPC_A(f)), ppc_get_v(t, PPC_B(f)), f->shw * 4);
    }
}

void ppc_trans_xxspltw(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        splat(t, PPC_T(f), element(t, ppc_get_v(t, PPC_B(f)), f->uim, 2), 2);
    }
}

/* The words of one doubleword of each, by turns */
void ppc_shape_xxmrg(Trans *t, const PpcFields *f, unsigned second) {
    if (!ppc_vsx(t)) {
        return;
    }
    uint32_t a = ppc_half(t, ppc_get_v(t, PPC_A(f)), second), b = ppc_half(t, ppc_get_v(t, PPC_B(f)), second);
    uint32_t high = ppc_op2(t, IR_and, IR_I64, a, ppc_i64(t, UINT64_C(0xffffffff00000000)));
    uint32_t low = ir_emit(t->ir, IR_uxt, IR_I64, 32, b, 0, 0);
    ppc_set_halves(t, PPC_T(f), ppc_op2(t, IR_or, IR_I64, high, shift(t, IR_shr, b, 32)),
               ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, a, 32), low));
}

void ppc_trans_xxsel(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        ppc_set_v(t, PPC_T(f), select_bits(t, ppc_get_v(t, PPC_A(f)), ppc_get_v(t, PPC_B(f)), ppc_get_v(t, PPC_C(f))));
    }
}

void ppc_trans_xxspltib(Trans *t, const PpcFields *f) {
    if (ppc_upper(t, f)) {
        splat(t, PPC_T(f), ppc_i64(t, f->imm), 0);
    }
}
