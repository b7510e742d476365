/* SPDX-License-Identifier: MIT */
/*
 * trans_simd.h - what the trans_simd*.c files share.
 *
 * An insn works on the low `bytes` of its registers: 16 or 8 for a vector, the lane's size for a scalar; the rest of
 * the result is zero. simd_clip makes that so. Operands of saturating ops are clipped too, lest idle lanes set QC.
 */
#ifndef FRONTEND_ARM_TRANS_SIMD_H
#define FRONTEND_ARM_TRANS_SIMD_H

#include "frontend/arm/trans.h"

static inline uint32_t simd_emit(Trans *t, unsigned op, unsigned aux, uint32_t a, uint32_t b, uint32_t c) {
    return ir_emit(t->ir, (IrOp)op, IR_V128, aux, a, b, c);
}
static inline uint32_t simd_clip(Trans *t, uint32_t v, unsigned bytes) {
    switch (bytes) {
    case 16: return v;
    case 8: return simd_emit(t, IR_vlow64, 0, v, 0, 0);
    case 4: return simd_emit(t, IR_vlane0, 2, v, 0, 0);
    case 2: return simd_emit(t, IR_vlane0, 1, v, 0, 0);
    default: return simd_emit(t, IR_vlane0, 0, v, 0, 0);
    }
}
static inline uint32_t simd_get(Trans *t, unsigned r, unsigned bytes) {
    return simd_clip(t, a64_get_v(t, r), bytes);
}
static inline void simd_set(Trans *t, unsigned r, uint32_t v, unsigned bytes) {
    a64_set_v(t, r, simd_clip(t, v, bytes));
}
static inline unsigned simd_bytes(const A64Fields *f) {
    return f->q ? 16 : 8;
}
/* Writes a narrowed result (its high half zero): into the high half of rd and leaving the low one when Q, else low. */
static inline void simd_set_half(Trans *t, const A64Fields *f, uint32_t v) {
    a64_set_v(t, f->rd, f->q ? simd_emit(t, IR_vzip1, 3, a64_get_v(t, f->rd), v, 0) : v);
}
/* low in both 64-bit halves */
static inline uint32_t simd_const(Trans *t, uint64_t low) {
    uint32_t half = ir_const(t->ir, IR_I64, low);
    return simd_emit(t, IR_vpair, 0, half, half, 0);
}
/* The low `e` lanes' bits of x in every lane of 2^e bytes. */
static inline uint64_t simd_replicate(uint64_t x, unsigned e) {
    for (unsigned width = 8u << e; width < 64; width *= 2) {
        x = x << width | (x & ((UINT64_C(1) << width) - 1));
    }
    return x;
}
/* acc(rd, v), or v alone when acc is IR_nop */
static inline uint32_t simd_accumulate(Trans *t, const A64Fields *f, unsigned acc, unsigned aux, uint32_t v) {
    return acc == IR_nop ? v : simd_emit(t, acc, aux, a64_get_v(t, f->rd), v, 0);
}

#endif
