/* SPDX-License-Identifier: MIT */
/*
 * trans_vmem.c - A64 loads and stores of SIMD&FP registers, and of structures (LD1 to LD4, ST1 to ST4).
 * Spec: Arm DDI 0487, C4.1.5, C7.2; byte order of elements: B2.6.2.
 */
#include "frontend/arm/trans_mem.h"

/* 2^size bytes into a vector register's low end, the rest zero */
static uint32_t load_scalar(Trans *t, unsigned size, unsigned aux, uint32_t addend, uint32_t ea) {
    static const IrType types[] = {IR_I32, IR_I32, IR_F32, IR_F64, IR_V128};
    uint32_t v = a64_load(t, types[size], aux, addend, ea);
    if (size == 4) {
        return v;
    }
    if (size < 2) {
        v = ir_emit(t->ir, IR_bitsf, IR_F32, 0, v, 0, 0);
    }
    return ir_emit(t->ir, IR_vzext, IR_V128, 0, v, 0, 0);
}

static void store_scalar(Trans *t, unsigned size, unsigned aux, uint32_t addend, uint32_t ea, uint32_t v) {
    if (size < 4) {
        v = ir_emit(t->ir, IR_vlow, size == 3 ? IR_F64 : IR_F32, 0, v, 0, 0);
    }
    if (size < 2) {
        v = ir_emit(t->ir, IR_fbits, IR_I32, 0, v, 0, 0);
    }
    a64_store(t, aux, addend, ea, v);
}

/* size and opc as in the rows: opc bit 0 load, bit 1 makes it 16 bytes */
static unsigned scalar_size(A64Insn f) {
    return f.size | (f.opc & 2) << 1;
}

static void access_one(Trans *t, A64Insn f, uint32_t ea, uint32_t addend) {
    unsigned size = scalar_size(f), aux = a64_mem(t, size);
    if (f.opc & 1) {
        a64_set_v(t, f.rt, load_scalar(t, size, aux, addend, ea));
    } else {
        store_scalar(t, size, aux, addend, ea, a64_get_v(t, f.rt));
    }
}

static uint32_t scalar_check(Trans *t, A64Insn f, uint32_t ea) {
    unsigned size = scalar_size(f);
    return a64_check(t, ea, 1u << size, size, f.opc & 1 ? IR_CHECK_R : IR_CHECK_W);
}

void a64_shape_vldst_i9(Trans *t, A64Insn f, unsigned mode) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t base = a64_base(t, f.rn);
    uint32_t ea = mode == A64_POST ? base : a64_offset(t, base, a64_sext(f.imm9, 9));
    access_one(t, f, ea, scalar_check(t, f, ea));
    a64_write_back(t, f.rn, mode, base, ea, a64_sext(f.imm9, 9));
}

void a64_trans_vldst_uimm(Trans *t, A64Insn f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t ea = a64_offset(t, a64_base(t, f.rn), (int64_t)f.imm12 << scalar_size(f));
    access_one(t, f, ea, scalar_check(t, f, ea));
}

void a64_trans_vldst_reg(Trans *t, A64Insn f) {
    if (!a64_fp(t)) {
        return;
    }
    uint32_t base = a64_base(t, f.rn);
    uint32_t offset = a64_index(t, f, f.s ? scalar_size(f) : 0);
    uint32_t ea = ir_emit_once(t->ir, IR_add, IR_I64, base, offset);
    access_one(t, f, ea, scalar_check(t, f, ea));
}

void a64_trans_vldr_lit(Trans *t, A64Insn f) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned size = f.top + 2;
    int32_t at = t->off + a64_sext(f.imm19, 19) * 4;
    uint32_t ea = ir_append(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)at, 0, 0);
    uint32_t addend = a64_check(t, ea, 1u << size, size, IR_CHECK_R);
    a64_set_v(t, f.rt, load_scalar(t, size, a64_mem(t, size), addend, ea));
}

void a64_shape_vldstp(Trans *t, A64Insn f, unsigned mode) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned size = f.top + 2, aux = a64_mem(t, size);
    uint32_t base = a64_base(t, f.rn);
    int64_t offset = (int64_t)a64_sext(f.imm7, 7) * (1 << size);
    uint32_t ea = mode == A64_POST ? base : a64_offset(t, base, offset);
    uint32_t addend = a64_check(t, ea, 2u << size, size, f.l ? IR_CHECK_R : IR_CHECK_W);
    uint32_t ea2 = a64_offset(t, ea, 1 << size);
    if (f.l) {
        uint32_t v = load_scalar(t, size, aux, addend, ea);
        uint32_t v2 = load_scalar(t, size, aux, addend, ea2);
        a64_set_v(t, f.rt, v);
        a64_set_v(t, f.rt2, v2);
    } else {
        store_scalar(t, size, aux, addend, ea, a64_get_v(t, f.rt));
        store_scalar(t, size, aux, addend, ea2, a64_get_v(t, f.rt2));
    }
    a64_write_back(t, f.rn, mode, base, ea, offset);
}

/* -- structures -- */

/* Base + transfer size, or + rm, after a post-indexed access of `bytes` */
static void post_index(Trans *t, const A64Fields *f, uint32_t base, unsigned bytes) {
    if (!f->p) {
        return;
    }
    uint32_t moved = f->rm == 31 ? a64_offset(t, base, bytes)
                                 : ir_emit(t->ir, IR_add, IR_I64, 0, base, a64_get(t, f->rm, IR_I64), 0);
    a64_set_sp(t, f->rn, moved);
}

static uint32_t vec(Trans *t, IrOp op, unsigned size, uint32_t a, uint32_t b) {
    return ir_emit(t->ir, op, IR_V128, size, a, b, 0);
}

static uint32_t vec_const(Trans *t, const uint8_t *bytes) {
    uint64_t lo = 0, hi = 0;
    for (unsigned i = 0; i < 8; i++) {
        lo |= (uint64_t)bytes[i] << (i * 8);
        hi |= (uint64_t)bytes[i + 8] << (i * 8);
    }
    return ir_emit(t->ir, IR_vpair, IR_V128, 0, ir_const(t->ir, IR_I64, lo), ir_const(t->ir, IR_I64, hi), 0);
}

/* Byte `index` of the concatenation of three vectors, for each of 16 indices; 255: zero */
static uint32_t shuffle3(Trans *t, const uint32_t *v, const uint8_t *index) {
    uint32_t mask = vec_const(t, index);
    uint32_t r = ir_emit(t->ir, IR_vtbl, IR_V128, 0, v[0], mask, 0);
    r = vec(t, IR_vor, 0, r, ir_emit(t->ir, IR_vtbl, IR_V128, 16, v[1], mask, 0));
    return vec(t, IR_vor, 0, r, ir_emit(t->ir, IR_vtbl, IR_V128, 32, v[2], mask, 0));
}

/* m: memory in order, 16 bytes each; r: registers. Element i of memory belongs to register i mod n. */
static void deinterleave3(Trans *t, unsigned size, unsigned q, const uint32_t *m, uint32_t *r) {
    for (unsigned k = 0; k < 3; k++) {
        uint8_t index[16];
        for (unsigned i = 0; i < 16; i++) {
            index[i] = i < 8u << q ? (((i >> size) * 3 + k) << size) + (i & ((1 << size) - 1)) : 255;
        }
        r[k] = shuffle3(t, m, index);
    }
}

static void interleave3(Trans *t, unsigned size, unsigned q, const uint32_t *r, uint32_t *m) {
    for (unsigned k = 0; k < 3; k++) {
        uint8_t index[16];
        for (unsigned i = 0; i < 16; i++) {
            unsigned element = (k * 16 + i) >> size;
            unsigned in_register = ((element / 3) << size) + (i & ((1 << size) - 1));
            index[i] = k * 16 + i < 24u << q ? (element % 3) * 16 + in_register : 255;
        }
        m[k] = shuffle3(t, r, index);
    }
}

static void deinterleave(Trans *t, unsigned n, unsigned size, unsigned q, const uint32_t *m, uint32_t *r) {
    if (n == 2) {
        r[0] = vec(t, IR_vuzp1, size, m[0], m[1]);
        r[1] = vec(t, IR_vuzp2, size, m[0], m[1]);
    } else if (n == 3) {
        deinterleave3(t, size, q, m, r);
    } else {
        uint32_t zero = m[2]; /* with 8-byte registers m[2] and m[3] are zero, and one step gives all there is */
        uint32_t even = vec(t, IR_vuzp1, size, m[0], m[1]), odd = vec(t, IR_vuzp2, size, m[0], m[1]);
        uint32_t even2 = q ? vec(t, IR_vuzp1, size, m[2], m[3]) : zero;
        uint32_t odd2 = q ? vec(t, IR_vuzp2, size, m[2], m[3]) : zero;
        r[0] = vec(t, IR_vuzp1, size, even, even2);
        r[1] = vec(t, IR_vuzp1, size, odd, odd2);
        r[2] = vec(t, IR_vuzp2, size, even, even2);
        r[3] = vec(t, IR_vuzp2, size, odd, odd2);
    }
}

static void interleave(Trans *t, unsigned n, unsigned size, unsigned q, const uint32_t *r, uint32_t *m) {
    if (n == 2) {
        m[0] = vec(t, IR_vzip1, size, r[0], r[1]);
        m[1] = vec(t, IR_vzip2, size, r[0], r[1]);
    } else if (n == 3) {
        interleave3(t, size, q, r, m);
    } else {
        uint32_t a = vec(t, IR_vzip1, size, r[0], r[2]), c = vec(t, IR_vzip1, size, r[1], r[3]);
        m[0] = vec(t, IR_vzip1, size, a, c);
        m[1] = vec(t, IR_vzip2, size, a, c);
        if (q) {
            uint32_t b = vec(t, IR_vzip2, size, r[0], r[2]), d = vec(t, IR_vzip2, size, r[1], r[3]);
            m[2] = vec(t, IR_vzip1, size, b, d);
            m[3] = vec(t, IR_vzip2, size, b, d);
        }
    }
}

/* Elements in memory are in guest byte order, registers hold values. */
static uint32_t swap_elements(Trans *t, unsigned size, uint32_t v) {
    return (t->mode & ARM_MODE_BIG) && size ? ir_emit(t->ir, IR_vrev, IR_V128, 0, v, size, 0) : v;
}

/* Memory as vectors of 16 bytes, the last perhaps of 8; the rest of m zero */
static void load_vectors(Trans *t, unsigned bytes, unsigned size, uint32_t addend, uint32_t ea, uint32_t m[4]) {
    static const uint8_t zeros[16];
    for (unsigned at = 0, i = 0; i < 4; i++, at += 16) {
        if (at < bytes) {
            unsigned step = bytes - at >= 16 ? 4 : 3;
            m[i] = swap_elements(t, size, load_scalar(t, step, step, addend, a64_offset(t, ea, at)));
        } else {
            m[i] = vec_const(t, zeros);
        }
    }
}

static void store_vectors(Trans *t, unsigned bytes, unsigned size, uint32_t addend, uint32_t ea, const uint32_t m[4]) {
    for (unsigned at = 0, i = 0; at < bytes; i++, at += 16) {
        unsigned step = bytes - at >= 16 ? 4 : 3;
        store_scalar(t, step, step, addend, a64_offset(t, ea, at), swap_elements(t, size, m[i]));
    }
}

/* LD1, ST1 of several registers: no interleaving, each register by itself */
static void plain_registers(Trans *t, const A64Fields *f, unsigned regs, uint32_t addend, uint32_t ea) {
    unsigned step = 3 + f->q;
    uint32_t v[4];
    for (unsigned i = 0; i < regs; i++) {
        uint32_t at = a64_offset(t, ea, i << step);
        if (f->l) {
            v[i] = swap_elements(t, f->size, load_scalar(t, step, step, addend, at));
        } else {
            store_scalar(t, step, step, addend, at, swap_elements(t, f->size, a64_get_v(t, (f->rt + i) % 32)));
        }
    }
    for (unsigned i = 0; f->l && i < regs; i++) {
        a64_set_v(t, (f->rt + i) % 32, v[i]);
    }
}

/* regs registers from rt on; n: registers that take turns in memory (1: none do) */
void a64_shape_vmulti(Trans *t, const A64Fields *f, unsigned regs, unsigned n) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned bytes = regs << (3 + f->q);
    uint32_t base = a64_base(t, f->rn);
    uint32_t addend = a64_check(t, base, bytes, f->size, f->l ? IR_CHECK_R : IR_CHECK_W);
    uint32_t m[4], r[4];
    if (n == 1) {
        plain_registers(t, f, regs, addend, base);
    } else if (f->l) {
        load_vectors(t, bytes, f->size, addend, base, m);
        deinterleave(t, n, f->size, f->q, m, r);
        for (unsigned i = 0; i < n; i++) {
            a64_set_v(t, (f->rt + i) % 32, r[i]);
        }
    } else {
        for (unsigned i = 0; i < n; i++) {
            r[i] = a64_get_v(t, (f->rt + i) % 32);
        }
        interleave(t, n, f->size, f->q, r, m);
        store_vectors(t, bytes, f->size, addend, base, m);
    }
    post_index(t, f, base, bytes);
}

/* One element of 2^size bytes for each of 1 + (e:r) registers, to or from `lane` */
void a64_shape_vlane(Trans *t, const A64Fields *f, unsigned size, unsigned lane) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned n = (f->e << 1 | f->r) + 1, aux = a64_mem(t, size);
    IrType type = size == 3 ? IR_I64 : IR_I32;
    uint32_t base = a64_base(t, f->rn);
    uint32_t addend = a64_check(t, base, n << size, size, f->l ? IR_CHECK_R : IR_CHECK_W);
    uint32_t v[4];
    for (unsigned i = 0; i < n; i++) {
        uint32_t ea = a64_offset(t, base, i << size);
        if (f->l) {
            v[i] = a64_load(t, type, aux, addend, ea);
        } else {
            uint32_t e = ir_emit(t->ir, IR_vget, type, size, a64_get_v(t, (f->rt + i) % 32), lane, 0);
            a64_store(t, aux, addend, ea, e);
        }
    }
    for (unsigned i = 0; f->l && i < n; i++) {
        unsigned rt = (f->rt + i) % 32;
        a64_set_v(t, rt, ir_emit(t->ir, IR_vput, IR_V128, size, a64_get_v(t, rt), v[i], lane));
    }
    post_index(t, f, base, n << size);
}

/* LD1R ... LD4R: one element to all lanes */
void a64_trans_vrep(Trans *t, const A64Fields *f) {
    if (!a64_fp(t)) {
        return;
    }
    unsigned n = (f->e << 1 | f->r) + 1, size = f->size;
    uint32_t base = a64_base(t, f->rn);
    uint32_t addend = a64_check(t, base, n << size, size, IR_CHECK_R);
    uint32_t v[4];
    for (unsigned i = 0; i < n; i++) {
        v[i] = a64_load(t, size == 3 ? IR_I64 : IR_I32, a64_mem(t, size), addend, a64_offset(t, base, i << size));
    }
    for (unsigned i = 0; i < n; i++) {
        uint32_t d = ir_emit(t->ir, IR_vdup, IR_V128, size, v[i], 0, 0);
        a64_set_v(t, (f->rt + i) % 32, f->q ? d : ir_emit(t->ir, IR_vlow64, IR_V128, 0, d, 0, 0));
    }
    post_index(t, f, base, n << size);
}
