/* SPDX-License-Identifier: MIT */
/*
 * trans_fp_mem.c - PowerPC floating-point loads and stores.
 * Spec: Power ISA 3.0B Book I, 4.6.2, 4.6.3 (formats in registers and memory), 7.6.3 (lxsspx, lxssp, stxsspx, stxssp).
 * Pairs are doublewords in either byte order: the even register is that at the lower address.
 */
#include "frontend/ppc/trans_vec.h"

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

static void load_double(Trans *t, unsigned r, uint32_t ea) {
    if (t->mode & PPC_MODE_LE) {
        uint32_t addend = ppc_check(t, ea, 8, IR_CHECK_R);
        ppc_set_v(t, r, ppc_op1(t, IR_vzext, IR_V128, ir_append(t->ir, IR_ld, IR_F64, 3, addend, ea, 0)));
    } else {
        ppc_set_scalar(t, r, fetch(t, 3, 0, ea));
    }
}

static void store_double(Trans *t, unsigned r, uint32_t ea) {
    uint32_t v = ppc_get_v(t, r);
    put(t, 3, ea, t->mode & PPC_MODE_LE ? ppc_op1(t, IR_vlow, IR_F64, v) : ppc_half(t, v, 0));
}

static void load_single(Trans *t, unsigned r, uint32_t ea) {
    uint32_t v = ir_emit(t->ir, IR_fswiden, IR_F64, 0, fetch(t, 2, 0, ea), 0, 0);
    ppc_set_v(t, r, ppc_op1(t, IR_vzext, IR_V128, v));
}

static void store_single(Trans *t, unsigned r, uint32_t ea) {
    put(t, 2, ea, ir_emit(t->ir, IR_fsnarrow, IR_I32, 0, ppc_op1(t, IR_vlow, IR_F64, ppc_get_v(t, r)), 0, 0));
}

static void lfd(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    load_double(t, f->ft, ea);
    update(t, f, how, ea);
}

static void lfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    load_single(t, f->ft, ea);
    update(t, f, how, ea);
}

static void stfd(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    store_double(t, f->ft, ea);
    update(t, f, how, ea);
}

static void stfs(Trans *t, const PpcFields *f, uint32_t ea, unsigned how) {
    store_single(t, f->ft, ea);
    update(t, f, how, ea);
}

#define FORMS(name)                                                                                                    \
    void ppc_shape_##name##_d(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (ppc_fp(t)) {                                                                                               \
            name(t, f, displaced(t, f), how);                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void ppc_shape_##name##_x(Trans *t, const PpcFields *f, unsigned how) {                                            \
        if (ppc_fp(t)) {                                                                                               \
            name(t, f, ppc_ea_x(t, f), how);                                                                           \
        }                                                                                                              \
    }
FORMS(lfd)
FORMS(lfs)
FORMS(stfd)
FORMS(stfs)

/* -- pairs -- */

static uint32_t following(Trans *t, uint32_t ea) {
    return ppc_op2(t, IR_add, IR_I64, ea, ppc_i64(t, 8));
}

static void load_pair(Trans *t, unsigned r, uint32_t ea) {
    uint32_t addend = ppc_check(t, ea, 16, IR_CHECK_R), even = ppc_fetch(t, ppc_mem(t, 3, 0), addend, ea);
    uint32_t odd = ppc_fetch(t, ppc_mem(t, 3, 0), addend, following(t, ea));
    ppc_set_scalar(t, r, even);
    ppc_set_scalar(t, r + 1, odd);
}

static void store_pair(Trans *t, unsigned r, uint32_t ea) {
    uint32_t addend = ppc_check(t, ea, 16, IR_CHECK_W), even = ppc_half(t, ppc_get_v(t, r), 0);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 3, 0), addend, ea, even);
    ir_append(t->ir, IR_st, IR_VOID, ppc_mem(t, 3, 0), addend, following(t, ea), ppc_half(t, ppc_get_v(t, r + 1), 0));
}

static void pair(Trans *t, const PpcFields *f, uint32_t ea, unsigned store) {
    if (store) {
        store_pair(t, f->ft, ea);
    } else {
        load_pair(t, f->ft, ea);
    }
}

void ppc_shape_fpair_ds(Trans *t, const PpcFields *f, unsigned store) {
    if (ppc_fp(t)) {
        pair(t, f, ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4), store);
    }
}

void ppc_shape_fpair_x(Trans *t, const PpcFields *f, unsigned store) {
    if (ppc_fp(t)) {
        pair(t, f, ppc_ea_x(t, f), store);
    }
}

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

/* -- VSX -- */

void ppc_trans_lxsspx(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        load_single(t, PPC_T(f), ppc_ea_x(t, f));
    }
}

void ppc_trans_stxsspx(Trans *t, const PpcFields *f) {
    if (ppc_vsx(t)) {
        store_single(t, PPC_T(f), ppc_ea_x(t, f));
    }
}

void ppc_trans_lxssp(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        load_single(t, PPC_VR + f->vt, ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4));
    }
}

void ppc_trans_stxssp(Trans *t, const PpcFields *f) {
    if (ppc_vec(t)) {
        store_single(t, PPC_VR + f->vt, ppc_ea_d(t, f->ra, ppc_sext(f->ds, 14) * 4));
    }
}
