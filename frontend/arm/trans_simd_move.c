/* SPDX-License-Identifier: MIT */
/*
 * trans_simd_move.c - A64 Advanced SIMD, integer, to IR: copies, immediates, shifts by immediate, tables, permutations.
 * Spec: Arm DDI 0487, C7.2; AdvSIMDExpandImm and VFPExpandImm in J1.
 */
#include "frontend/arm/trans_simd.h"

/* -- copies: the lowest one of imm5 gives the lane size, the bits above it the index -- */

static unsigned copy_size(const A64Fields *f) {
    return (unsigned)__builtin_ctz(f->imm5 | 16);
}
static unsigned copy_index(const A64Fields *f) {
    return f->imm5 >> (copy_size(f) + 1);
}
void a64_trans_dup_elem_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, IR_vdupl, copy_size(f), a64_get_v(t, f->rn), copy_index(f), 0);
    simd_set(t, f->rd, v, simd_bytes(f));
}
void a64_trans_dup_elem_s(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, IR_vdupl, copy_size(f), a64_get_v(t, f->rn), copy_index(f), 0);
    simd_set(t, f->rd, v, 1u << copy_size(f));
}
void a64_trans_dup_gen_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t x = a64_get(t, f->rn, a64_type(copy_size(f) == 3));
    simd_set(t, f->rd, simd_emit(t, IR_vdup, copy_size(f), x, 0, 0), simd_bytes(f));
}
static void move_out(Trans *t, const A64Fields *f, unsigned aux) {
    uint32_t n = a64_get_v(t, f->rn);
    a64_set(t, f->rd, ir_emit(t->ir, IR_vget, a64_type(f->q), copy_size(f) | aux, n, copy_index(f), 0));
}
void a64_trans_smov_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    move_out(t, f, IR_VEC_SIGNED);
}
void a64_trans_umov_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    move_out(t, f, 0);
}
void a64_trans_ins_gen_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t x = a64_get(t, f->rn, a64_type(copy_size(f) == 3));
    a64_set_v(t, f->rd, simd_emit(t, IR_vput, copy_size(f), a64_get_v(t, f->rd), x, copy_index(f)));
}
void a64_trans_ins_elem_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned from = f->imm4 >> copy_size(f);
    uint32_t d = a64_get_v(t, f->rd);
    uint32_t n = a64_get_v(t, f->rn);
    a64_set_v(t, f->rd, simd_emit(t, IR_vins, copy_size(f), d, n, from << 4 | copy_index(f)));
}

/* -- modified immediates -- */

static uint32_t imm8(const A64Fields *f) {
    return f->abc << 5 | f->defgh;
}
/* IR_nop sets rd, IR_vnot sets it to the complement, IR_vor and IR_vandn change it. */
static void set_immediate(Trans *t, const A64Fields *f, unsigned op, uint64_t value) {
    if (op == IR_nop || op == IR_vnot) {
        value = op == IR_vnot ? ~value : value;
        uint32_t low = ir_const(t->ir, IR_I64, value);
        a64_set_v(t, f->rd, simd_emit(t, IR_vpair, 0, low, f->q ? low : ir_const(t->ir, IR_I64, 0), 0));
        return;
    }
    uint32_t v = simd_emit(t, op, 0, a64_get_v(t, f->rd), simd_const(t, value), 0);
    simd_set(t, f->rd, v, simd_bytes(f));
}
void a64_shape_vimm_lsl(Trans *t, const A64Fields *f, unsigned size, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    set_immediate(t, f, op, simd_replicate((uint64_t)imm8(f) << (8 * f->shift), size));
}
/* Shifted left with ones coming in. */
void a64_shape_vimm_msl(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned n = 8u << f->shift;
    set_immediate(t, f, op, simd_replicate((uint64_t)imm8(f) << n | ((1u << n) - 1), 2));
}
void a64_trans_movi_imm8(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    set_immediate(t, f, IR_nop, simd_replicate(imm8(f), 0));
}
/* Each bit becomes a byte. */
void a64_trans_movi_imm64(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= imm8(f) >> i & 1 ? UINT64_C(0xff) << (8 * i) : 0;
    }
    set_immediate(t, f, IR_nop, value);
}
/* aBbbbbbb cdefgh000...: the sign, an exponent that begins with B = NOT b, the rest zero */
void a64_shape_vimm_fp(Trans *t, const A64Fields *f, unsigned size) {
    static const uint8_t exponent_bits[] = {0, 5, 8, 11};
    if (!a64_fp(t)) {
        return;
    }
    const unsigned width = 8u << size, e = exponent_bits[size & 3], fraction = width - 1 - e;
    const uint64_t b = imm8(f) >> 6 & 1;
    uint64_t exponent = (b ^ 1) << (e - 1) | (imm8(f) >> 4 & 3);
    exponent |= b ? ((UINT64_C(1) << (e - 3)) - 1) << 2 : 0;
    const uint64_t value = (uint64_t)(imm8(f) >> 7) << (width - 1) | exponent << fraction |
                           (uint64_t)(imm8(f) & 15) << (fraction - 4);
    set_immediate(t, f, IR_nop, simd_replicate(value, size));
}

/* -- shifts by immediate: the highest one of immh gives the lane size, immh:immb the amount -- */

static unsigned shift_size(const A64Fields *f) {
    return 31 - (unsigned)__builtin_clz(f->immh | 1);
}
static unsigned shift_right(const A64Fields *f) {
    return (16u << shift_size(f)) - (f->immh << 3 | f->immb);
}
static unsigned shift_left(const A64Fields *f) {
    return (f->immh << 3 | f->immb) - (8u << shift_size(f));
}
static void shift(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc, unsigned bytes) {
    uint32_t v = simd_emit(t, op, shift_size(f) | aux, a64_get_v(t, f->rn), shift_right(f), 0);
    simd_set(t, f->rd, simd_accumulate(t, f, acc, shift_size(f), v), bytes);
}
void a64_shape_vshift(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    shift(t, f, op, aux, acc, simd_bytes(f));
}
void a64_shape_sshift(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned acc) {
    if (!a64_fp(t)) {
        return;
    }
    shift(t, f, op, aux, acc, 8);
}
void a64_shape_vshl(Trans *t, const A64Fields *f, unsigned q) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t v = simd_emit(t, IR_vshl, shift_size(f), a64_get_v(t, f->rn), shift_left(f), 0);
    simd_set(t, f->rd, v, q ? 16 : 8);
}
/* SLI, SRI */
void a64_shape_vinsert(Trans *t, const A64Fields *f, unsigned op, unsigned q) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t d = a64_get_v(t, f->rd);
    const unsigned n = op == IR_vsli ? shift_left(f) : shift_right(f);
    simd_set(t, f->rd, simd_emit(t, op, shift_size(f), d, a64_get_v(t, f->rn), n), q ? 16 : 8);
}
static void shift_saturating(Trans *t, const A64Fields *f, unsigned aux, unsigned bytes) {
    uint32_t n = simd_get(t, f->rn, bytes);
    uint32_t by = simd_const(t, simd_replicate(shift_left(f), 0));
    a64_set_v(t, f->rd, simd_emit(t, IR_vqshl, shift_size(f) | aux, n, by, 0));
}
void a64_shape_vqshift(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    shift_saturating(t, f, aux, simd_bytes(f));
}
void a64_shape_sqshift(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    shift_saturating(t, f, aux, 1u << shift_size(f));
}
/* Shift of wide lanes, then narrowing. */
static uint32_t shift_narrow(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned narrow, unsigned how,
                             uint32_t n) {
    uint32_t v = simd_emit(t, op, (shift_size(f) + 1) | aux, n, shift_right(f), 0);
    return simd_emit(t, narrow, shift_size(f) | how, v, 0, 0);
}
void a64_shape_vshiftn(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned narrow, unsigned how) {
    if (!a64_fp(t)) {
        return;
    }
    simd_set_half(t, f, shift_narrow(t, f, op, aux, narrow, how, a64_get_v(t, f->rn)));
}
void a64_shape_sshiftn(Trans *t, const A64Fields *f, unsigned op, unsigned aux, unsigned narrow, unsigned how) {
    if (!a64_fp(t)) {
        return;
    }
    a64_set_v(t, f->rd, shift_narrow(t, f, op, aux, narrow, how, simd_get(t, f->rn, 2u << shift_size(f))));
}
void a64_shape_vshiftl(Trans *t, const A64Fields *f, unsigned aux) {
    if (!a64_fp(t)) {
        return;
    }
    const unsigned e = shift_size(f);
    uint32_t v = simd_emit(t, IR_vwiden, e | aux | (f->q ? IR_VEC_HIGH : 0), a64_get_v(t, f->rn), 0, 0);
    a64_set_v(t, f->rd, shift_left(f) ? simd_emit(t, IR_vshl, e + 1, v, shift_left(f), 0) : v);
}

/* -- tables, permutations -- */

/* Table registers follow each other modulo 32. Each looks up its sixteen indices and leaves the rest alone. */
void a64_shape_vtable(Trans *t, const A64Fields *f, unsigned extend) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t index = a64_get_v(t, f->rm);
    uint32_t v = extend ? a64_get_v(t, f->rd) : 0;
    for (unsigned i = 0; i <= f->len; i++) {
        uint32_t table = a64_get_v(t, (f->rn + i) & 31);
        if (i == 0 && !extend) {
            v = simd_emit(t, IR_vtbl, 0, table, index, 0);
        } else {
            v = simd_emit(t, IR_vtbx, 16 * i, v, table, index);
        }
    }
    simd_set(t, f->rd, v, simd_bytes(f));
}
void a64_shape_vzip(Trans *t, const A64Fields *f, unsigned part) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = a64_get_v(t, f->rm);
    if (f->q) {
        a64_set_v(t, f->rd, simd_emit(t, part == 1 ? IR_vzip1 : IR_vzip2, f->size, n, m, 0));
        return;
    }
    uint32_t both = simd_emit(t, IR_vzip1, f->size, n, m, 0); /* short vectors: both results one after the other */
    simd_set(t, f->rd, part == 1 ? both : simd_emit(t, IR_vdupl, 3, both, 1, 0), 8);
}
void a64_shape_vunzip(Trans *t, const A64Fields *f, unsigned op) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = a64_get_v(t, f->rm);
    if (!f->q) {
        n = m = simd_emit(t, IR_vzip1, 3, n, m, 0);
    }
    simd_set(t, f->rd, simd_emit(t, op, f->size, n, m, 0), simd_bytes(f));
}
void a64_trans_ext_v(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t n = a64_get_v(t, f->rn);
    uint32_t m = a64_get_v(t, f->rm);
    if (!f->q) {
        n = m = simd_emit(t, IR_vzip1, 3, n, m, 0);
    }
    simd_set(t, f->rd, f->imm4 ? simd_emit(t, IR_vext, 0, n, m, f->imm4) : n, simd_bytes(f));
}
