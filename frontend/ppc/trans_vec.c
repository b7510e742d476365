/* SPDX-License-Identifier: MIT */
/*
 * trans_vec.c - PowerPC floating-point, AltiVec and VSX registers: moves, logic, and vectors of integers.
 * Spec: Power ISA 3.0B Book I, 4.6 (floating point), 6.7 to 6.11 (vector), 7.6.3 (VSX).
 * Missing: arithmetic; VSX insns of ISA 3.0; FEX and VX in FPSCR.
 *
 * Doubleword 0 of a register is lane 0 of its v128, so an FPR is a scalar there; within a doubleword numbers are as ever.
 * What insns do lane by lane needs no thought of order; what moves lanes works on the two doublewords.
 */
#include "frontend/ppc/trans_mem.h"

/* -- availability and access -- */

static bool available(Trans *t, unsigned mode, unsigned vector) {
    if (!(t->mode & mode)) {
        ppc_interrupt(t, vector);
        return false;
    }
    return true;
}

static bool fp(Trans *t) {
    return available(t, PPC_MODE_FP, PPC_VEC_FP);
}
static bool vec(Trans *t) {
    return available(t, PPC_MODE_VEC, PPC_VEC_VEC);
}
static bool vsx(Trans *t) {
    return available(t, PPC_MODE_VSX, PPC_VEC_VSX);
}

enum { VR = 32 }; /* the first AltiVec register */

static uint32_t get(Trans *t, unsigned r) {
    return ir_get(t->ir, PPC_SLOT_VSR + r, IR_V128);
}
static void set(Trans *t, unsigned r, uint32_t v) {
    ir_set(t->ir, PPC_SLOT_VSR + r, v);
}
static uint32_t half(Trans *t, uint32_t v, unsigned n) {
    return ir_emit(t->ir, IR_vget, IR_I64, 3, v, n, 0);
}
static void set_halves(Trans *t, unsigned r, uint32_t first, uint32_t second) {
    set(t, r, ppc_op2(t, IR_vpair, IR_V128, first, second));
}
/* Scalars leave the other doubleword undefined: zero. */
static void set_scalar(Trans *t, unsigned r, uint32_t v) {
    set_halves(t, r, v, ppc_i64(t, 0));
}
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
    set_scalar(t, f->ft, fetch(t, 3, 0, ea));
    update(t, f, how, ea);
}

static void lfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    uint32_t v = fetch(t, 2, 0, ea);
    set_scalar(t, f->ft, ir_call(t->ir, PPC_HELPER_widen, 1, &v));
    update(t, f, how, ea);
}

static void stfd(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    put(t, 3, ea, half(t, get(t, f->ft), 0));
    update(t, f, how, ea);
}

static void stfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    uint32_t v = half(t, get(t, f->ft), 0);
    put(t, 2, ea, ir_call(t->ir, PPC_HELPER_narrow, 1, &v));
    update(t, f, how, ea);
}

#define FORMS(name)                                                                                                    \
    void ppc_shape_##name##_d(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (fp(t)) {                                                                                                   \
            name(t, f, displaced(t, f), how);                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void ppc_shape_##name##_x(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (fp(t)) {                                                                                                   \
            name(t, f, ppc_ea_x(t, f), how);                                                                           \
        }                                                                                                              \
    }
FORMS(lfd)
FORMS(lfs)
FORMS(stfd)
FORMS(stfs)

/* Word to the low half of the register, sign- or zero-extended */
void ppc_shape_lfiw(Trans *t, const PpcFields *f, unsigned sign) {
    if (fp(t)) {
        uint32_t v = fetch(t, 2, sign ? PPC_SIGNED : 0, ppc_ea_x(t, f));
        set_scalar(t, f->ft, sign ? v : ppc_op1(t, IR_zext, IR_I64, v));
    }
}

void ppc_trans_stfiwx(Trans *t, const PpcFields *f) {
    if (fp(t)) {
        put(t, 2, ppc_ea_x(t, f), ppc_op1(t, IR_trunc, IR_I32, half(t, get(t, f->ft), 0)));
    }
}

/* -- floating-point moves -- */

void ppc_shape_fsign(Trans *t, const PpcFields *f, unsigned how) {
    if (!fp(t)) {
        return;
    }
    uint32_t v = half(t, get(t, f->fb), 0), sign = ppc_i64(t, UINT64_C(1) << 63);
    v = how == PPC_SIGN_INVERT ? ppc_op2(t, IR_xor, IR_I64, v, sign) : how == PPC_SIGN_SET ? ppc_op2(t, IR_or, IR_I64, v, sign)
        : how == PPC_SIGN_CLEAR ? ppc_op2(t, IR_andn, IR_I64, v, sign) : v;
    set_scalar(t, f->ft, v);
}

void ppc_trans_mffs(Trans *t, const PpcFields *f) {
    if (fp(t)) {
        set_scalar(t, f->ft, ir_get(t->ir, PPC_SLOT_FPSCR, IR_I64));
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
    if (fp(t)) {
        uint32_t v = ppc_op2(t, IR_and, IR_I64, half(t, get(t, f->fb), 0), ppc_i64(t, mask));
        uint32_t old = ppc_op2(t, IR_and, IR_I64, ir_get(t->ir, PPC_SLOT_FPSCR, IR_I64), ppc_i64(t, ~mask));
        ir_set(t->ir, PPC_SLOT_FPSCR, ppc_op2(t, IR_or, IR_I64, v, old));
    }
}

/* -- vector loads and stores -- */

/* Two doublewords at ea; `turned`: in the order of a quadword of this byte order */
static void load_halves(Trans *t, unsigned r, uint32_t ea, bool turned) {
    uint32_t addend = ppc_check(t, ea, 16, IR_CHECK_R);
    uint32_t low = ppc_fetch(t, ppc_mem(t, 3, 0), addend, ea);
    uint32_t high = ppc_fetch(t, ppc_mem(t, 3, 0), addend, ppc_op2(t, IR_add, IR_I64, ea, ppc_i64(t, 8)));
    bool swap = turned && t->mode & PPC_MODE_LE;
    set_halves(t, r, swap ? high : low, swap ? low : high);
}

static void store_halves(Trans *t, unsigned r, uint32_t ea, bool turned) {
    bool swap = turned && t->mode & PPC_MODE_LE;
    uint32_t v = get(t, r), first = half(t, v, swap), second = half(t, v, !swap);
    uint32_t addend = ppc_check(t, ea, 16, IR_CHECK_W);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 3, 0), addend, ea, first);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 3, 0), addend, ppc_op2(t, IR_add, IR_I64, ea, ppc_i64(t, 8)), second);
}

static uint32_t quad_ea(Trans *t, const PpcFields *f) {
    return ppc_op2(t, IR_and, IR_I64, ppc_ea_x(t, f), ppc_i64(t, ~UINT64_C(15)));
}

void ppc_shape_lvx(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        load_halves(t, VR + f->vt, quad_ea(t, f), true);
    }
}

void ppc_shape_stvx(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        store_halves(t, VR + f->vt, quad_ea(t, f), true);
    }
}

/* Bytes n, n + 1 ..., n the low four bits of the address, or (right) 16 less them */
void ppc_shape_lvs(Trans *t, const PpcFields *f, unsigned right) {
    if (!vec(t)) {
        return;
    }
    uint32_t n = ppc_op2(t, IR_and, IR_I64, ppc_ea_x(t, f), ppc_i64(t, 15));
    n = right ? ppc_op2(t, IR_sub, IR_I64, ppc_i64(t, 16), n) : n;
    n = ppc_op2(t, IR_mul, IR_I64, n, ppc_i64(t, UINT64_C(0x0101010101010101)));
    set_halves(t, VR + f->vt, ppc_op2(t, IR_add, IR_I64, n, ppc_i64(t, UINT64_C(0x0001020304050607))),
               ppc_op2(t, IR_add, IR_I64, n, ppc_i64(t, UINT64_C(0x08090a0b0c0d0e0f))));
}

/* -- AltiVec -- */

/* There are no data streams to stop. */
void ppc_trans_dss(Trans *t, const PpcFields *f) {
}

void ppc_trans_mfvscr(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        set_halves(t, VR + f->vt, ppc_i64(t, 0), ir_get(t->ir, PPC_SLOT_VSCR, IR_I64));
    }
}

void ppc_trans_mtvscr(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        uint32_t v = half(t, get(t, VR + f->vb), 1);
        ir_set(t->ir, PPC_SLOT_VSCR, ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, 0x10001)));
    }
}

static uint32_t logic(Trans *t, unsigned op, unsigned invert, unsigned a, unsigned b) {
    uint32_t v = ppc_op2(t, op, IR_V128, get(t, a), get(t, b));
    return invert ? ppc_op1(t, IR_vnot, IR_V128, v) : v;
}

void ppc_shape_vlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (vec(t)) {
        set(t, VR + f->vt, logic(t, op, invert, VR + f->va, VR + f->vb));
    }
}

static uint32_t lanes(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    return ir_emit(t->ir, op, IR_V128, size, get(t, VR + f->va), get(t, VR + f->vb), 0);
}

void ppc_shape_vlanes(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (vec(t)) {
        set(t, VR + f->vt, lanes(t, f, op, size));
    }
}

/* rc: CR6 says whether all lanes are true, or all false */
static void compared(Trans *t, const PpcFields *f, uint32_t v) {
    set(t, VR + f->vt, v);
    if (f->rc) {
        uint32_t a = half(t, v, 0), b = half(t, v, 1), ones = ppc_i64(t, UINT64_MAX), zero = ppc_i64(t, 0);
        uint32_t all = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_and, IR_I64, a, b), ones);
        uint32_t none = ppc_flags(t, IR_fl_sub, ppc_op2(t, IR_or, IR_I64, a, b), zero);
        uint32_t field = ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, none, ppc_i32(t, PPC_EQ), ppc_i32(t, 0));
        ppc_set_cr(t, 6, ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, all, ppc_i32(t, PPC_LT), field));
    }
}

void ppc_shape_vcompare(Trans *t, const PpcFields *f, unsigned op, unsigned size) {
    if (vec(t)) {
        compared(t, f, lanes(t, f, op, size));
    }
}

/* or_zero: true too where either is zero */
void ppc_shape_vcompare_not(Trans *t, const PpcFields *f, unsigned or_zero, unsigned size) {
    if (!vec(t)) {
        return;
    }
    uint32_t v = ppc_op1(t, IR_vnot, IR_V128, lanes(t, f, IR_vcmeq, size));
    if (or_zero) {
        uint32_t zero = ppc_op2(t, IR_vpair, IR_V128, ppc_i64(t, 0), ppc_i64(t, 0));
        uint32_t a = ir_emit(t->ir, IR_vcmeq, IR_V128, size, get(t, VR + f->va), zero, 0);
        uint32_t b = ir_emit(t->ir, IR_vcmeq, IR_V128, size, get(t, VR + f->vb), zero, 0);
        v = ppc_op2(t, IR_vor, IR_V128, v, ppc_op2(t, IR_vor, IR_V128, a, b));
    }
    compared(t, f, v);
}

void ppc_shape_vcount(Trans *t, const PpcFields *f, unsigned from_last) {
    if (vec(t)) {
        uint32_t args[] = {get(t, VR + f->vb), ppc_i32(t, from_last)};
        ppc_set(t, f->rt, ir_call(t->ir, PPC_HELPER_vcount, 2, args));
    }
}

/* The byte that ra names, from the first or (right) the last */
void ppc_shape_vextub(Trans *t, const PpcFields *f, unsigned right) {
    if (!vec(t)) {
        return;
    }
    uint32_t v = get(t, VR + f->vb), n = ppc_op2(t, IR_and, IR_I64, ppc_get(t, f->ra), ppc_i64(t, 15));
    n = right ? n : ppc_op2(t, IR_xor, IR_I64, n, ppc_i64(t, 15)); /* from the last, which is the lowest */
    uint32_t flags = ppc_flags(t, IR_fl_logic, ppc_op2(t, IR_and, IR_I64, n, ppc_i64(t, 8)), 0);
    uint32_t part = ir_emit(t->ir, IR_csel, IR_I64, IR_EQ, flags, half(t, v, 1), half(t, v, 0));
    uint32_t down = ppc_op2(t, IR_shl, IR_I64, ppc_op2(t, IR_and, IR_I64, n, ppc_i64(t, 7)), ppc_i64(t, 3));
    part = ppc_op2(t, IR_shr, IR_I64, part, down);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_uxt, IR_I64, 8, part, 0, 0));
}

/* Counts are taken modulo the lane; to the right they are negative for the IR. */
void ppc_shape_vshift(Trans *t, const PpcFields *f, unsigned how, unsigned size) {
    static const uint64_t masks[4] = {UINT64_C(0x0707070707070707), UINT64_C(0x000f000f000f000f), UINT64_C(0x1f0000001f), 63};
    if (!vec(t)) {
        return;
    }
    uint32_t mask = ppc_op2(t, IR_vpair, IR_V128, ppc_i64(t, masks[size]), ppc_i64(t, masks[size]));
    uint32_t n = ppc_op2(t, IR_vand, IR_V128, get(t, VR + f->vb), mask);
    n = how == PPC_LEFT ? n : ir_emit(t->ir, IR_vneg, IR_V128, size, n, 0, 0);
    unsigned aux = size | (how == PPC_RIGHT_SIGNED ? IR_VEC_SIGNED : 0);
    set(t, VR + f->vt, ir_emit(t->ir, IR_vshlr, IR_V128, aux, get(t, VR + f->va), n, 0));
}

void ppc_shape_vshift_all(Trans *t, const PpcFields *f, unsigned how) {
    if (vec(t)) {
        uint32_t args[] = {get(t, VR + f->va), get(t, VR + f->vb), ppc_i32(t, how)};
        uint32_t first = ir_call(t->ir, PPC_HELPER_vshift, 3, args);
        args[2] = ppc_i32(t, how | 4);
        set_halves(t, VR + f->vt, first, ir_call(t->ir, PPC_HELPER_vshift, 3, args));
    }
}

void ppc_trans_vgbbd(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        uint32_t v = get(t, VR + f->vb), first = half(t, v, 0), second = half(t, v, 1);
        first = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &first);
        second = ir_call(t->ir, PPC_HELPER_vgbbd, 1, &second);
        set_halves(t, VR + f->vt, first, second);
    }
}

/* v, which is of 2^size bytes, in every lane */
static void splat(Trans *t, unsigned r, uint32_t v, unsigned size) {
    static const uint64_t ones[] = {UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001), UINT64_C(0x100000001)};
    v = ppc_op2(t, IR_mul, IR_I64, v, ppc_i64(t, ones[size]));
    set_halves(t, r, v, v);
}

/* Element n, counted from the first, of 2^size bytes */
static uint32_t element(Trans *t, uint32_t v, unsigned n, unsigned size) {
    unsigned bits = 8u << size, in_half = 64 / bits;
    unsigned at = 64 - bits * (n % in_half + 1);
    return ir_emit(t->ir, IR_ubfx, IR_I64, 0, half(t, v, n / in_half), at | bits << 8, 0);
}

void ppc_shape_vsplat(Trans *t, const PpcFields *f, unsigned size) {
    if (vec(t)) {
        splat(t, VR + f->vt, element(t, get(t, VR + f->vb), f->uim, size), size);
    }
}

void ppc_shape_vsplat_i(Trans *t, const PpcFields *f, unsigned size) {
    if (vec(t)) {
        uint64_t v = (uint64_t)(int64_t)ppc_sext(f->sim, 5) & (UINT64_MAX >> (64 - (8u << size)));
        splat(t, VR + f->vt, ppc_i64(t, v), size);
    }
}

void ppc_trans_vperm(Trans *t, const PpcFields *f) {
    if (!vec(t)) {
        return;
    }
    uint32_t args[] = {get(t, VR + f->va), get(t, VR + f->vb), get(t, VR + f->vc), ppc_i32(t, 0)};
    uint32_t first = ir_call(t->ir, PPC_HELPER_vperm, 4, args);
    args[3] = ppc_i32(t, 8);
    set_halves(t, VR + f->vt, first, ir_call(t->ir, PPC_HELPER_vperm, 4, args));
}

static uint32_t select_bits(Trans *t, uint32_t a, uint32_t b, uint32_t mask) {
    uint32_t ones = ppc_op2(t, IR_vand, IR_V128, b, mask), zeros = ppc_op2(t, IR_vandn, IR_V128, a, mask);
    return ppc_op2(t, IR_vor, IR_V128, ones, zeros);
}

void ppc_trans_vsel(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        set(t, VR + f->vt, select_bits(t, get(t, VR + f->va), get(t, VR + f->vb), get(t, VR + f->vc)));
    }
}

/* The quadword from byte n of a:b on */
static void extract(Trans *t, unsigned r, uint32_t a, uint32_t b, unsigned n) {
    uint32_t parts[4] = {half(t, a, 0), half(t, a, 1), half(t, b, 0), half(t, b, 1)}, v[2];
    unsigned from = n / 8, left = n % 8 * 8;
    for (unsigned i = 0; i < 2; i++) {
        v[i] = parts[from + i];
        if (left) {
            v[i] = ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, v[i], left), shift(t, IR_shr, parts[from + i + 1], 64 - left));
        }
    }
    set_halves(t, r, v[0], v[1]);
}

void ppc_trans_vsldoi(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        extract(t, VR + f->vt, get(t, VR + f->va), get(t, VR + f->vb), f->shb);
    }
}

void ppc_trans_vbpermq(Trans *t, const PpcFields *f) {
    if (vec(t)) {
        uint32_t args[] = {get(t, VR + f->va), get(t, VR + f->vb)};
        set_scalar(t, VR + f->vt, ir_call(t->ir, PPC_HELPER_vbpermq, 2, args));
    }
}

/* -- VSX -- */

#define T(f) ((f)->tx << 5 | (f)->t)
#define A(f) ((f)->ax << 5 | (f)->a)
#define B(f) ((f)->bx << 5 | (f)->b)
#define C(f) ((f)->cx << 5 | (f)->c)

void ppc_shape_lxs(Trans *t, const PpcFields *f, unsigned size, unsigned how) {
    if (vsx(t)) {
        uint32_t v = fetch(t, size, how, ppc_ea_x(t, f));
        set_scalar(t, T(f), size == 3 || how ? v : ppc_op1(t, IR_zext, IR_I64, v));
    }
}

void ppc_shape_stxs(Trans *t, const PpcFields *f, unsigned size) {
    if (vsx(t)) {
        uint32_t v = half(t, get(t, T(f)), 0);
        put(t, size, ppc_ea_x(t, f), size == 3 ? v : ppc_op1(t, IR_trunc, IR_I32, v));
    }
}

void ppc_trans_lxvd2x(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        load_halves(t, T(f), ppc_ea_x(t, f), false);
    }
}

void ppc_trans_stxvd2x(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        store_halves(t, T(f), ppc_ea_x(t, f), false);
    }
}

void ppc_trans_lxvdsx(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        uint32_t v = fetch(t, 3, 0, ppc_ea_x(t, f));
        set_halves(t, T(f), v, v);
    }
}

static uint32_t plus(Trans *t, uint32_t ea, unsigned n) {
    return n ? ppc_op2(t, IR_add, IR_I64, ea, ppc_i64(t, n)) : ea;
}

void ppc_trans_lxvw4x(Trans *t, const PpcFields *f) {
    if (!vsx(t)) {
        return;
    }
    uint32_t ea = ppc_ea_x(t, f), addend = ppc_check(t, ea, 16, IR_CHECK_R), v[4];
    for (unsigned i = 0; i < 4; i++) {
        v[i] = ppc_op1(t, IR_zext, IR_I64, ppc_fetch(t, ppc_mem(t, 2, 0), addend, plus(t, ea, 4 * i)));
    }
    set_halves(t, T(f), ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, v[0], 32), v[1]),
               ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, v[2], 32), v[3]));
}

void ppc_trans_stxvw4x(Trans *t, const PpcFields *f) {
    if (!vsx(t)) {
        return;
    }
    uint32_t v = get(t, T(f)), ea = ppc_ea_x(t, f), addend = ppc_check(t, ea, 16, IR_CHECK_W);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = ppc_op1(t, IR_trunc, IR_I32, element(t, v, i, 2));
        ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 2, 0), addend, plus(t, ea, 4 * i), word);
    }
}

/* The upper registers are AltiVec's. */
static bool movable(Trans *t, const PpcFields *f) {
    return f->tx ? vec(t) : fp(t);
}

void ppc_shape_mfvsr(Trans *t, const PpcFields *f, unsigned word) {
    if (movable(t, f)) {
        uint32_t v = half(t, get(t, T(f)), 0);
        ppc_set(t, f->ra, word ? ir_emit(t->ir, IR_uxt, IR_I64, 32, v, 0, 0) : v);
    }
}

void ppc_shape_mtvsr(Trans *t, const PpcFields *f, unsigned how) {
    if (movable(t, f)) {
        uint32_t v = how == PPC_MOVE_ALL ? ppc_get(t, f->ra)
                                         : ppc_op1(t, how == PPC_MOVE_SIGNED ? IR_sext : IR_zext, IR_I64, ppc_get32(t, f->ra));
        set_scalar(t, T(f), v);
    }
}

void ppc_shape_xxlogic(Trans *t, const PpcFields *f, unsigned op, unsigned invert) {
    if (vsx(t)) {
        set(t, T(f), logic(t, op, invert, A(f), B(f)));
    }
}

void ppc_trans_xxpermdi(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        set_halves(t, T(f), half(t, get(t, A(f)), f->dm >> 1), half(t, get(t, B(f)), f->dm & 1));
    }
}

void ppc_trans_xxsldwi(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        extract(t, T(f), get(t, A(f)), get(t, B(f)), f->shw * 4);
    }
}

void ppc_trans_xxspltw(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        splat(t, T(f), element(t, get(t, B(f)), f->uim, 2), 2);
    }
}

/* The words of one doubleword of each, by turns */
void ppc_shape_xxmrg(Trans *t, const PpcFields *f, unsigned second) {
    if (!vsx(t)) {
        return;
    }
    uint32_t a = half(t, get(t, A(f)), second), b = half(t, get(t, B(f)), second);
    uint32_t high = ppc_op2(t, IR_and, IR_I64, a, ppc_i64(t, UINT64_C(0xffffffff00000000)));
    uint32_t low = ir_emit(t->ir, IR_uxt, IR_I64, 32, b, 0, 0);
    set_halves(t, T(f), ppc_op2(t, IR_or, IR_I64, high, shift(t, IR_shr, b, 32)),
               ppc_op2(t, IR_or, IR_I64, shift(t, IR_shl, a, 32), low));
}

void ppc_trans_xxsel(Trans *t, const PpcFields *f) {
    if (vsx(t)) {
        set(t, T(f), select_bits(t, get(t, A(f)), get(t, B(f)), get(t, C(f))));
    }
}

/* -- VSX of ISA 3.0: for the upper registers AltiVec is enough -- */

static bool upper(Trans *t, const PpcFields *f) {
    return f->tx ? vec(t) : vsx(t);
}

static uint32_t quad_displaced(Trans *t, const PpcFields *f) {
    return ppc_ea_d(t, f->ra, ppc_sext(f->dq, 12) * 16);
}

void ppc_trans_lxv(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        load_halves(t, T(f), quad_displaced(t, f), true);
    }
}

void ppc_trans_stxv(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        store_halves(t, T(f), quad_displaced(t, f), true);
    }
}

void ppc_trans_lxvx(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        load_halves(t, T(f), ppc_ea_x(t, f), true);
    }
}

void ppc_trans_stxvx(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        store_halves(t, T(f), ppc_ea_x(t, f), true);
    }
}

void ppc_trans_mfvsrld(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        ppc_set(t, f->ra, half(t, get(t, T(f)), 1));
    }
}

void ppc_trans_mtvsrdd(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        set_halves(t, T(f), f->ra ? ppc_get(t, f->ra) : ppc_i64(t, 0), ppc_get(t, f->rb));
    }
}

void ppc_trans_xxspltib(Trans *t, const PpcFields *f) {
    if (upper(t, f)) {
        splat(t, T(f), ppc_i64(t, f->imm), 0);
    }
}
