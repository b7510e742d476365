/* SPDX-License-Identifier: MIT */
/*
 * trans_vec.c - PowerPC floating-point registers: loads, stores, moves.
 * Spec: Power ISA 3.0B Book I, 4.6.
 * Missing: arithmetic; FEX and VX in FPSCR.
 */
#include "frontend/ppc/trans_vec.h"

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
