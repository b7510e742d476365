/* SPDX-License-Identifier: MIT */
/*
 * trans_int.c - A64 data processing on general registers, and branches.
 * Spec: Arm DDI 0487, C4.1.2 to C4.1.4, C6.2.
 */
#include "frontend/arm/trans.h"

uint32_t a64_zero(Trans *t, IrType type) {
    return ir_const(t->ir, type, 0);
}

static uint32_t emit2(Trans *t, IrOp op, IrType type, uint32_t a, uint32_t b) {
    return ir_emit(t->ir, op, type, 0, a, b, 0);
}

static void set_flags(Trans *t, uint32_t flags) {
    ir_set(t->ir, ARM_SLOT_NZCV, flags);
}

/* fl_op(a, b) into NZCV */
static void set_flags_of(Trans *t, IrOp op, uint32_t a, uint32_t b) {
    set_flags(t, ir_emit(t->ir, op, IR_FLAGS, 0, a, b, 0));
}

static uint32_t shift_const(Trans *t, IrOp op, IrType type, uint32_t v, unsigned amount) {
    return amount ? emit2(t, op, type, v, ir_const(t->ir, type, amount)) : v;
}

/* -- immediate -- */

/* rd = pc + imm */
void a64_trans_adr(Trans *t, A64Insn f) {
    int32_t imm = a64_sext(f.immhi << 2 | f.immlo, 21);
    a64_set(t, f.rd, ir_put(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)(t->off + imm), 0, 0));
}

/* rd = page of pc + imm pages. The reach of +-4 GiB is one more than what pcrel's offset holds, hence the add. */
void a64_trans_adrp(Trans *t, A64Insn f) {
    int64_t pages = a64_sext(f.immhi << 2 | f.immlo, 21);
    int64_t offset = pages * 4096;
    uint32_t v;
    if (offset == (int32_t)offset) {
        v = ir_put(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)offset, 0, 0);
    } else {
        v = ir_put(t->ir, IR_pcrel, IR_I64, 0, 0, 0, 0);
        v = emit2(t, IR_add, IR_I64, v, ir_const(t->ir, IR_I64, (uint64_t)offset));
    }
    a64_set(t, f.rd, v);
}

/* rd = a +- b; with `flags`, NZCV too. sp: rd = 31 is the stack pointer */
static void addsub(Trans *t, unsigned sf, unsigned rd, uint32_t a, uint32_t b, bool sub, bool flags, bool sp) {
    IrType type = a64_type(sf);
    if (flags) {
        if (rd != 31) {
            a64_set(t, rd, emit2(t, sub ? IR_sub : IR_add, type, a, b));
        }
        set_flags_of(t, sub ? IR_fl_sub : IR_fl_add, a, b);
        return;
    }
    uint32_t v = emit2(t, sub ? IR_sub : IR_add, type, a, b);
    if (sp) {
        a64_set_sp(t, rd, v);
    } else {
        a64_set(t, rd, v);
    }
}

void a64_shape_addsub_i(Trans *t, A64Insn f, unsigned sub, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t imm = f.imm12 << (f.sh ? 12 : 0);
    uint32_t a = a64_get_sp(t, f.rn, type);
    if (!flags && imm == 0) { /* mov to or from sp */
        a64_set_sp(t, f.rd, a);
        return;
    }
    if (!flags && f.sf) {
        a64_set_sp(t, f.rd, ir_add_const(t->ir, a, sub ? -(int64_t)imm : (int64_t)imm));
        return;
    }
    addsub(t, f.sf, f.rd, a, ir_const(t->ir, type, imm), sub, flags, true);
}

/* a rotated run of ones, repeated */
uint64_t a64_bitmask(unsigned n, unsigned imms, unsigned immr) {
    unsigned len = 31 - (unsigned)__builtin_clz(n << 6 | (~imms & 63));
    unsigned size = 1u << len;
    unsigned ones = (imms & (size - 1)) + 1;
    unsigned rot = immr & (size - 1);
    uint64_t mask = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
    uint64_t v = (UINT64_C(1) << ones) - 1;
    if (rot) {
        v = (v >> rot | v << (size - rot)) & mask;
    }
    for (; size < 64; size *= 2) {
        v |= v << size;
    }
    return v;
}

void a64_shape_logic_i(Trans *t, A64Insn f, unsigned op, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t imm = ir_const(t->ir, type, a64_bitmask(f.n, f.imms, f.immr) & (f.sf ? UINT64_MAX : UINT32_MAX));
    uint32_t v = op == IR_or && f.rn == 31 ? imm : emit2(t, op, type, a64_get(t, f.rn, type), imm);
    if (flags) {
        a64_set(t, f.rd, v);
        set_flags(t, ir_emit(t->ir, IR_fl_logic, IR_FLAGS, 0, v, 0, 0));
    } else {
        a64_set_sp(t, f.rd, v);
    }
}

void a64_trans_movz(Trans *t, A64Insn f) {
    a64_set(t, f.rd, ir_const(t->ir, IR_I64, (uint64_t)f.imm16 << (f.hw * 16)));
}

void a64_trans_movn(Trans *t, A64Insn f) {
    uint64_t v = ~((uint64_t)f.imm16 << (f.hw * 16));
    a64_set(t, f.rd, ir_const(t->ir, IR_I64, f.sf ? v : (uint32_t)v));
}

/* rd<16hw+15:16hw> = imm16 */
void a64_trans_movk(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    uint32_t v = ir_const(t->ir, type, f.imm16);
    a64_set(t, f.rd, ir_emit(t->ir, IR_bfi, type, 0, a64_get(t, f.rd, type), v, f.hw * 16 | 16 << 8));
}

/* Field of rn: from bit immr, or from bit 0 and moved up to bit width - immr */
void a64_trans_sbfm(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    unsigned width = f.sf ? 64 : 32, len = f.imms + 1;
    if (f.imms == width - 1) {
        a64_set(t, f.rd, shift_const(t, IR_sar, type, a64_get(t, f.rn, type), f.immr));
    } else if (f.imms >= f.immr) {
        uint32_t v;
        len -= f.immr;
        if (f.immr == 0 && len == 32) {
            v = ir_emit(t->ir, IR_sext, IR_I64, 0, a64_get(t, f.rn, IR_I32), 0, 0);
        } else if (f.immr == 0 && (len == 8 || len == 16)) {
            v = ir_emit(t->ir, IR_sxt, type, len, a64_get(t, f.rn, type), 0, 0);
        } else {
            v = ir_emit(t->ir, IR_sbfx, type, 0, a64_get(t, f.rn, type), f.immr | len << 8, 0);
        }
        a64_set(t, f.rd, v);
    } else {
        uint32_t v = ir_emit(t->ir, IR_sbfx, type, 0, a64_get(t, f.rn, type), len << 8, 0);
        a64_set(t, f.rd, shift_const(t, IR_shl, type, v, width - f.immr));
    }
}

void a64_trans_ubfm(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    unsigned width = f.sf ? 64 : 32, len = f.imms + 1;
    if (f.imms == width - 1) {
        a64_set(t, f.rd, shift_const(t, IR_shr, type, a64_get(t, f.rn, type), f.immr));
    } else if (len == f.immr) {
        a64_set(t, f.rd, shift_const(t, IR_shl, type, a64_get(t, f.rn, type), width - f.immr));
    } else if (f.imms >= f.immr) {
        uint32_t v;
        len -= f.immr;
        if (f.immr == 0 && len == 32) {
            v = a64_get(t, f.rn, IR_I32); /* its set extends */
        } else if (f.immr == 0 && (len == 8 || len == 16)) {
            v = ir_emit(t->ir, IR_uxt, IR_I32, len, a64_get(t, f.rn, IR_I32), 0, 0);
        } else {
            v = ir_emit(t->ir, IR_ubfx, type, 0, a64_get(t, f.rn, type), f.immr | len << 8, 0);
        }
        a64_set(t, f.rd, v);
    } else {
        uint32_t v = ir_emit(t->ir, IR_ubfx, type, 0, a64_get(t, f.rn, type), len << 8, 0);
        a64_set(t, f.rd, shift_const(t, IR_shl, type, v, width - f.immr));
    }
}

void a64_trans_bfm(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    unsigned width = f.sf ? 64 : 32, len = f.imms + 1, at = width - f.immr;
    uint32_t v = a64_get(t, f.rn, type);
    if (f.imms >= f.immr) {
        len -= f.immr;
        at = 0;
        v = shift_const(t, IR_shr, type, v, f.immr);
    }
    if (len < width) {
        v = ir_emit(t->ir, IR_bfi, type, 0, a64_get(t, f.rd, type), v, at | len << 8);
    }
    a64_set(t, f.rd, v);
}

/* rd = low half of rn:rm >> imms */
void a64_trans_extr(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    uint32_t lo = a64_get(t, f.rm, type);
    if (f.imms == 0) {
        a64_set(t, f.rd, lo);
    } else if (f.rn == f.rm) {
        a64_set(t, f.rd, shift_const(t, IR_ror, type, lo, f.imms));
    } else {
        a64_set(t, f.rd, ir_emit(t->ir, IR_extr, type, 0, a64_get(t, f.rn, type), lo, f.imms));
    }
}

/* -- branches -- */

static void branch(Trans *t, IrCond cond, uint32_t flags, int32_t displacement) {
    frontend_branch(t, cond, flags, displacement, t->off + 4);
}

static void link_return(Trans *t) {
    a64_set(t, 30, ir_put(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)(t->off + 4), 0, 0));
}

void a64_trans_b(Trans *t, A64Insn f) {
    frontend_jump(t, a64_sext(f.imm26, 26) * 4);
}

void a64_trans_bl(Trans *t, A64Insn f) {
    link_return(t);
    frontend_jump(t, a64_sext(f.imm26, 26) * 4);
}

/* if rt == 0 (cond EQ) or rt != 0 */
void a64_shape_cb(Trans *t, A64Insn f, unsigned cond) {
    uint32_t v = a64_get(t, f.rt, a64_type(f.sf));
    branch(t, cond, ir_emit(t->ir, IR_fl_logic, IR_FLAGS, 0, v, 0, 0), a64_sext(f.imm19, 19) * 4);
}

/* if rt<b5:b40> == 0 (cond EQ) or 1 */
void a64_shape_tb(Trans *t, A64Insn f, unsigned cond) {
    IrType type = a64_type(f.b5);
    uint32_t bit = ir_const(t->ir, type, UINT64_C(1) << (f.b5 << 5 | f.b40));
    uint32_t v = emit2(t, IR_and, type, a64_get(t, f.rt, type), bit);
    branch(t, cond, ir_emit(t->ir, IR_fl_logic, IR_FLAGS, 0, v, 0, 0), a64_sext(f.imm14, 14) * 4);
}

void a64_trans_b_cond(Trans *t, A64Insn f) {
    int32_t displacement = a64_sext(f.imm19, 19) * 4;
    if (f.bcond >= IR_AL) {
        frontend_jump(t, displacement);
    } else {
        branch(t, f.bcond, a64_flags(t), displacement);
    }
}

void a64_shape_indirect(Trans *t, A64Insn f, unsigned kind, unsigned link) {
    uint32_t to = a64_get(t, f.rn, IR_I64);
    bool done = frontend_indirect(t, to); /* a tagged address is another one */
    if (link) {
        link_return(t);
    }
    if (!done) {
        a64_indirect(t, to, kind);
    }
}

/* -- register -- */

void a64_shape_rrr(Trans *t, A64Insn f, unsigned op) {
    IrType type = a64_type(f.sf);
    a64_set(t, f.rd, emit2(t, op, type, a64_get(t, f.rn, type), a64_get(t, f.rm, type)));
}

void a64_shape_rr(Trans *t, A64Insn f, unsigned op) {
    IrType type = a64_type(f.sf);
    a64_set(t, f.rd, ir_emit(t->ir, op, type, 0, a64_get(t, f.rn, type), 0, 0));
}

/* the bytes of each word swapped: of the doubleword, then the words exchanged */
void a64_trans_rev32(Trans *t, A64Insn f) {
    uint32_t v = ir_emit(t->ir, IR_bswap, IR_I64, 0, a64_get(t, f.rn, IR_I64), 0, 0);
    a64_set(t, f.rd, shift_const(t, IR_ror, IR_I64, v, 32));
}

/* copies of the sign below it: leading zeros of x ^ (x >> 1), whose top bit is 0, less one */
void a64_trans_cls(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    uint32_t v = a64_get(t, f.rn, type);
    v = emit2(t, IR_xor, type, v, shift_const(t, IR_sar, type, v, 1));
    v = ir_emit(t->ir, IR_clz, type, 0, v, 0, 0);
    a64_set(t, f.rd, emit2(t, IR_sub, type, v, ir_const(t->ir, type, 1)));
}

void a64_trans_crc32(Trans *t, A64Insn f) {
    uint32_t v = a64_get(t, f.rm, a64_type(f.sf));
    a64_set(t, f.rd, ir_emit(t->ir, IR_crc32, IR_I32, f.sz | f.c << 2, a64_get(t, f.rn, IR_I32), v, 0));
}

static uint32_t shifted_rm(Trans *t, A64Insn f, IrType type) {
    static const IrOp ops[4] = {IR_shl, IR_shr, IR_sar, IR_ror};
    return shift_const(t, ops[f.shift], type, a64_get(t, f.rm, type), f.imm6);
}

/* rd = rn op (invert ? ~ : ) shifted rm */
static G_GNUC_NO_INLINE void logic_sr(Trans *t, A64Insn f, unsigned op, unsigned invert, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t b = shifted_rm(t, f, type);
    uint32_t v;
    if (invert && op == IR_and) {
        v = emit2(t, IR_andn, type, a64_get(t, f.rn, type), b);
    } else {
        if (invert) {
            b = ir_emit(t->ir, IR_not, type, 0, b, 0, 0);
        }
        v = op == IR_or && f.rn == 31 ? b : emit2(t, op, type, a64_get(t, f.rn, type), b);
    }
    a64_set(t, f.rd, v);
    if (flags) {
        set_flags(t, ir_emit(t->ir, IR_fl_logic, IR_FLAGS, 0, v, 0, 0));
    }
}

void a64_shape_logic_sr(Trans *t, A64Insn f, unsigned op, unsigned invert, unsigned flags) {
    if (op == IR_or && !invert && f.rn == 31 && f.imm6 == 0) { /* mov, which most of them are: kept apart, so that it is quick */
        a64_set(t, f.rd, a64_get(t, f.rm, a64_type(f.sf)));
    } else {
        logic_sr(t, f, op, invert, flags);
    }
}

void a64_shape_addsub_sr(Trans *t, A64Insn f, unsigned sub, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t b = shifted_rm(t, f, type);
    if (sub && !flags && f.rn == 31) {
        a64_set(t, f.rd, ir_emit(t->ir, IR_neg, type, 0, b, 0, 0));
        return;
    }
    addsub(t, f.sf, f.rd, a64_get(t, f.rn, type), b, sub, flags, false);
}

uint32_t a64_extend(Trans *t, unsigned rm, unsigned option, unsigned shift, IrType type) {
    unsigned bits = 8u << (option & 3);
    bool sign = option & 4;
    uint32_t v;
    if (bits == 64 || (bits == 32 && type == IR_I32)) {
        v = a64_get(t, rm, type);
    } else if (bits == 32) {
        v = ir_emit(t->ir, sign ? IR_sext : IR_zext, IR_I64, 0, a64_get(t, rm, IR_I32), 0, 0);
    } else {
        v = ir_emit(t->ir, sign ? IR_sxt : IR_uxt, type, bits, a64_get(t, rm, type), 0, 0);
    }
    return shift_const(t, IR_shl, type, v, shift);
}

void a64_shape_addsub_er(Trans *t, A64Insn f, unsigned sub, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t b = a64_extend(t, f.rm, f.option, f.imm3, type);
    addsub(t, f.sf, f.rd, a64_get_sp(t, f.rn, type), b, sub, flags, true);
}

void a64_shape_adcsbc(Trans *t, A64Insn f, unsigned sub, unsigned flags) {
    IrType type = a64_type(f.sf);
    uint32_t a = a64_get(t, f.rn, type), b = a64_get(t, f.rm, type), carry = a64_flags(t);
    if (!flags || f.rd != 31) {
        a64_set(t, f.rd, ir_emit(t->ir, sub ? IR_sbc : IR_adc, type, 0, a, b, carry));
    }
    if (flags) {
        set_flags(t, ir_emit(t->ir, sub ? IR_fl_sbc : IR_fl_adc, IR_FLAGS, 0, a, b, carry));
    }
}

/* NZCV = cond ? flags of rn op (rm or imm5) : nzcv */
void a64_shape_ccmp(Trans *t, A64Insn f, unsigned op, unsigned immediate) {
    IrType type = a64_type(f.sf);
    uint32_t b = immediate ? ir_const(t->ir, type, f.imm5) : a64_get(t, f.rm, type);
    uint32_t then = ir_emit(t->ir, op, IR_FLAGS, 0, a64_get(t, f.rn, type), b, 0);
    if (f.cond < IR_AL) {
        uint32_t nzcv = ir_const(t->ir, IR_I32, (uint64_t)f.nzcv << 28);
        uint32_t otherwise = ir_emit(t->ir, IR_fl_nzcv, IR_FLAGS, 0, nzcv, 0, 0);
        then = ir_emit(t->ir, IR_fl_sel, IR_FLAGS, f.cond, a64_flags(t), then, otherwise);
    }
    set_flags(t, then);
}

/* rd = cond ? a : b */
static void select_by_cond(Trans *t, A64Insn f, IrType type, uint32_t a, uint32_t b) {
    a64_set(t, f.rd, f.cond >= IR_AL ? a : ir_emit(t->ir, IR_csel, type, f.cond, a64_flags(t), a, b));
}

void a64_trans_csel(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    select_by_cond(t, f, type, a64_get(t, f.rn, type), a64_get(t, f.rm, type));
}

void a64_trans_csinc(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    if (f.rn == 31 && f.rm == 31 && f.cond < IR_AL) {
        a64_set(t, f.rd, ir_emit(t->ir, IR_cset, type, f.cond ^ 1, a64_flags(t), 0, 0));
        return;
    }
    uint32_t b = emit2(t, IR_add, type, a64_get(t, f.rm, type), ir_const(t->ir, type, 1));
    select_by_cond(t, f, type, a64_get(t, f.rn, type), b);
}

void a64_trans_csinv(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    if (f.rn == 31 && f.rm == 31 && f.cond < IR_AL) {
        uint32_t one = ir_emit(t->ir, IR_cset, type, f.cond ^ 1, a64_flags(t), 0, 0);
        a64_set(t, f.rd, ir_emit(t->ir, IR_neg, type, 0, one, 0, 0));
        return;
    }
    uint32_t b = ir_emit(t->ir, IR_not, type, 0, a64_get(t, f.rm, type), 0, 0);
    select_by_cond(t, f, type, a64_get(t, f.rn, type), b);
}

void a64_trans_csneg(Trans *t, A64Insn f) {
    IrType type = a64_type(f.sf);
    uint32_t b = ir_emit(t->ir, IR_neg, type, 0, a64_get(t, f.rm, type), 0, 0);
    select_by_cond(t, f, type, a64_get(t, f.rn, type), b);
}

/* rd = ra +- product */
static void accumulate(Trans *t, A64Insn f, IrType type, uint32_t product, bool sub) {
    if (f.ra != 31) {
        product = emit2(t, sub ? IR_sub : IR_add, type, a64_get(t, f.ra, type), product);
    } else if (sub) {
        product = ir_emit(t->ir, IR_neg, type, 0, product, 0, 0);
    }
    a64_set(t, f.rd, product);
}

void a64_shape_mac(Trans *t, A64Insn f, unsigned sub) {
    IrType type = a64_type(f.sf);
    accumulate(t, f, type, emit2(t, IR_mul, type, a64_get(t, f.rn, type), a64_get(t, f.rm, type)), sub);
}

/* the same with a product of words, extended by `extend` */
void a64_shape_macl(Trans *t, A64Insn f, unsigned extend, unsigned sub) {
    uint32_t a = ir_emit(t->ir, extend, IR_I64, 0, a64_get(t, f.rn, IR_I32), 0, 0);
    uint32_t b = ir_emit(t->ir, extend, IR_I64, 0, a64_get(t, f.rm, IR_I32), 0, 0);
    accumulate(t, f, IR_I64, emit2(t, IR_mul, IR_I64, a, b), sub);
}

void a64_shape_nop(Trans *t, A64Insn f) {
}
