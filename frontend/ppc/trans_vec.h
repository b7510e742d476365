/* SPDX-License-Identifier: MIT */
/*
 * trans_vec.h - what the trans_vec*.c files of PowerPC share: registers of 128 bits and their doublewords.
 *
 * Doubleword 0 of a register is lane 0 of its v128, so an FPR is a scalar there; within a doubleword numbers are as ever.
 * Element i, counted from the first, of 2^size bytes is therefore lane i ^ (8 >> size) - 1.
 */
#ifndef FRONTEND_PPC_TRANS_VEC_H
#define FRONTEND_PPC_TRANS_VEC_H

#include "frontend/ppc/trans_mem.h"

enum { PPC_VR = 32 }; /* the first AltiVec register */

/* The number of a VSX register in two fields */
#define PPC_T(f) ((f)->tx << 5 | (f)->t)
#define PPC_A(f) ((f)->ax << 5 | (f)->a)
#define PPC_B(f) ((f)->bx << 5 | (f)->b)
#define PPC_C(f) ((f)->cx << 5 | (f)->c)

/* True when the facility is available; else emits the interrupt: `if (!ppc_vec(t)) return;` */
static inline bool ppc_available(Trans *t, unsigned mode, unsigned vector) {
    if (!(t->mode & mode)) {
        ppc_interrupt(t, vector);
        return false;
    }
    return true;
}
static inline bool ppc_fp(Trans *t) {
    return ppc_available(t, PPC_MODE_FP, PPC_VEC_FP);
}
static inline bool ppc_vec(Trans *t) {
    return ppc_available(t, PPC_MODE_VEC, PPC_VEC_VEC);
}
static inline bool ppc_vsx(Trans *t) {
    return ppc_available(t, PPC_MODE_VSX, PPC_VEC_VSX);
}
/* VSX insns of ISA 3.0: for the upper registers AltiVec is enough. */
static inline bool ppc_upper(Trans *t, const PpcFields *f) {
    return f->tx ? ppc_vec(t) : ppc_vsx(t);
}

static inline uint32_t ppc_get_v(Trans *t, unsigned r) {
    return ir_get(t->ir, PPC_SLOT_VSR + r, IR_V128);
}
static inline void ppc_set_v(Trans *t, unsigned r, uint32_t v) {
    ir_set(t->ir, PPC_SLOT_VSR + r, v);
}
/* By the numbers that insns of AltiVec have */
static inline uint32_t ppc_get_vr(Trans *t, unsigned r) {
    return ppc_get_v(t, PPC_VR + r);
}
static inline void ppc_set_vr(Trans *t, unsigned r, uint32_t v) {
    ppc_set_v(t, PPC_VR + r, v);
}
static inline uint32_t ppc_half(Trans *t, uint32_t v, unsigned n) {
    return ir_emit(t->ir, IR_vget, IR_I64, 3, v, n, 0);
}
static inline uint32_t ppc_halves(Trans *t, uint32_t first, uint32_t second) {
    return ppc_op2(t, IR_vpair, IR_V128, first, second);
}
static inline void ppc_set_halves(Trans *t, unsigned r, uint32_t first, uint32_t second) {
    ppc_set_v(t, r, ppc_halves(t, first, second));
}
/* Scalars leave the other doubleword undefined: zero. */
static inline void ppc_set_scalar(Trans *t, unsigned r, uint32_t v) {
    ppc_set_halves(t, r, v, ppc_i64(t, 0));
}
static inline uint32_t ppc_v128(Trans *t, uint64_t first, uint64_t second) {
    return ppc_halves(t, ppc_i64(t, first), ppc_i64(t, second));
}
/* An op over vectors: aux, and two of them, or one and an immediate. */
static inline uint32_t ppc_v2(Trans *t, IrOp op, unsigned aux, uint32_t a, uint32_t b) {
    return ir_emit(t->ir, op, IR_V128, aux, a, b, 0);
}
static inline uint32_t ppc_v1(Trans *t, IrOp op, unsigned aux, uint32_t a) {
    return ir_emit(t->ir, op, IR_V128, aux, a, 0, 0);
}
/* The doublewords exchanged: between a register and the quadword that it holds as a number. Twice is not at all. */
static inline uint32_t ppc_turn(Trans *t, uint32_t v) {
    const IrNode *n = &t->ir->nodes[v];
    if (t->ir->optimize && n->op == IR_vext && n->a == n->b && n->c == 8) {
        return n->a;
    }
    return ir_emit(t->ir, IR_vext, IR_V128, 0, v, v, 8);
}
/* low bits of v in every lane of 2^size bytes */
static inline uint32_t ppc_dup(Trans *t, uint32_t v, unsigned size) {
    return ppc_v1(t, IR_vdup, size, v);
}

/* CR6 of a comparison's lanes. In trans_vec_int.c. */
void ppc_set_lanes_cr(Trans *t, uint32_t v);

#endif
