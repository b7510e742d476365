/* SPDX-License-Identifier: MIT */
/*
 * trans_branch.c - PowerPC branches and the condition register.
 * Spec: Power ISA 3.0B Book I, 2.3 (CR), 2.4 (branches), 2.5 (CR logic), 3.3.17 (moves).
 *
 * A branch behind a comparison in the same block takes the comparison's flags in place of the CR field. Trans.known says
 * of which: the flags' id, the field, whether the comparison was unsigned.
 */
#include "frontend/ppc/trans.h"

enum { KNOWN_ID = (1 << 24) - 1, KNOWN_FIELD_SHIFT = 24, KNOWN_UNSIGNED = 1 << 27, KNOWN_ORDER = 1 << 28, KNOWN_VECTOR = 1 << 29 };

static uint32_t slot_of(unsigned field) {
    return PPC_SLOT_CR + field;
}

/* -- fields -------------------------------------------------------------------------------- */

void ppc_set_cr(Trans *t, unsigned field, uint32_t value) {
    if (t->known && (t->known >> KNOWN_FIELD_SHIFT & 7) == field) {
        ppc_forget(t);
    }
    ir_set(t->ir, slot_of(field), value);
}

void ppc_set_compare(Trans *t, unsigned field, uint32_t flags, bool is_unsigned) {
    IrBlock *b = t->ir;
    uint32_t other = ir_emit(b, IR_csel, IR_I32, is_unsigned ? IR_HI : IR_GT, flags, ppc_i32(t, PPC_GT), ppc_i32(t, PPC_EQ));
    uint32_t v = ir_emit(b, IR_csel, IR_I32, is_unsigned ? IR_CC : IR_LT, flags, ppc_i32(t, PPC_LT), other);
    ppc_set_cr(t, field, ppc_op2(t, IR_add, IR_I32, v, ppc_byte(t, PPC_SLOT_SO))); /* hosts add without touching flags */
    uint64_t constant;
    if (flags <= KNOWN_ID && !ir_is_const(b, flags, &constant)) {
        t->known = flags | field << KNOWN_FIELD_SHIFT | (is_unsigned ? KNOWN_UNSIGNED : 0);
    }
}

void ppc_set_order(Trans *t, unsigned field, uint32_t flags) {
    enum { UNORDERED = 1 };
    IrBlock *b = t->ir;
    uint32_t v = ir_emit(b, IR_csel, IR_I32, IR_VS, flags, ppc_i32(t, UNORDERED), ppc_i32(t, PPC_EQ));
    v = ir_emit(b, IR_csel, IR_I32, IR_GT, flags, ppc_i32(t, PPC_GT), v);
    v = ir_emit(b, IR_csel, IR_I32, IR_MI, flags, ppc_i32(t, PPC_LT), v);
    ppc_set_cr(t, field, v);
    ir_set(b, PPC_SLOT_FP_ORDER, v);
    if (flags <= KNOWN_ID) {
        t->known = flags | field << KNOWN_FIELD_SHIFT | KNOWN_ORDER;
    }
}

void ppc_set_vector(Trans *t, uint32_t all, uint32_t none) {
    uint32_t v = ir_emit(t->ir, IR_csel, IR_I32, IR_EQ, all, ppc_i32(t, PPC_LT), none);
    uint64_t constant;
    ppc_set_cr(t, 6, v);
    if (all <= KNOWN_ID && !ir_is_const(t->ir, all, &constant)) {
        t->known = all | 6 << KNOWN_FIELD_SHIFT | KNOWN_VECTOR;
    }
}

void ppc_record(Trans *t, unsigned rc, uint32_t v) {
    if (rc) {
        ppc_set_compare(t, 0, ppc_flags(t, IR_fl_logic, ppc_narrow(t, v), 0), false);
    }
}

uint32_t ppc_cr_bit(Trans *t, unsigned bit) {
    uint32_t v = ppc_byte(t, slot_of(bit / 4));
    unsigned down = 3 - bit % 4;
    v = down ? ppc_op2(t, IR_shr, IR_I32, v, ppc_i32(t, down)) : v;
    return ppc_op2(t, IR_and, IR_I32, v, ppc_i32(t, 1));
}

static void set_bit(Trans *t, unsigned bit, uint32_t v) {
    uint32_t field = ppc_byte(t, slot_of(bit / 4));
    ppc_set_cr(t, bit / 4, ir_emit(t->ir, IR_bfi, IR_I32, 0, field, v, (3 - bit % 4) | 1 << 8));
}

/* Flags and the condition over them that say CR bit `bit` is 1. */
static uint32_t bit_flags(Trans *t, unsigned bit, IrCond *cond) {
    static const uint8_t conds[4][4] = {
        {IR_LT, IR_GT, IR_EQ}, {IR_CC, IR_HI, IR_EQ}, {IR_MI, IR_GT, IR_EQ, IR_VS}, {IR_EQ}};
    static const uint8_t told[4] = {3, 3, 4, 1}; /* how many of the field's bits the flags tell */
    unsigned kind = t->known & KNOWN_VECTOR ? 3 : t->known & KNOWN_ORDER ? 2 : t->known & KNOWN_UNSIGNED ? 1 : 0;
    if (t->known && (t->known >> KNOWN_FIELD_SHIFT & 7) == bit / 4 && bit % 4 < told[kind]) {
        *cond = conds[kind][bit % 4];
        return t->known & KNOWN_ID;
    }
    uint32_t v = ppc_op2(t, IR_and, IR_I32, ppc_byte(t, slot_of(bit / 4)), ppc_i32(t, 8u >> bit % 4));
    *cond = IR_NE;
    return ppc_flags(t, IR_fl_logic, v, 0);
}

/* -- branches -------------------------------------------------------------------------------- */

static uint32_t pcrel(Trans *t, int32_t offset) {
    uint32_t v = ir_append(t->ir, IR_pcrel, IR_I64, 0, (uint32_t)(t->off + offset), 0, 0);
    return ppc_wide(t) ? v : ir_emit(t->ir, IR_uxt, IR_I64, 32, v, 0, 0);
}

static void link_return(Trans *t, unsigned lk) {
    if (lk) {
        ir_set(t->ir, PPC_SLOT_LR, pcrel(t, 4));
    }
}

/* The address that a branch goes to: absolute, of a register, or 0: relative by `displacement`. */
typedef struct Where {
    uint32_t address;
    int32_t displacement;
    unsigned kind; /* IrJumpKind */
} Where;

static void go(Trans *t, const Where *w) {
    if (w->address) {
        ir_append(t->ir, IR_indirect, IR_VOID, w->kind, w->address, 0, 0);
        t->ended = true;
    } else {
        frontend_jump(t, w->displacement);
    }
}

/* Branches where `cond` holds of flags, else goes on behind the insn. */
static void go_if(Trans *t, IrCond cond, uint32_t flags, const Where *w) {
    if (w->address) {
        uint32_t address = ir_emit(t->ir, IR_csel, IR_I64, cond, flags, w->address, pcrel(t, 4));
        ir_append(t->ir, IR_indirect, IR_VOID, w->kind, address, 0, 0);
    } else {
        frontend_branch(t, cond, flags, w->displacement, t->off + 4);
        return;
    }
    t->ended = true;
}

/* A branch to the address in a register that the block's path goes through, or passes by. */
static bool follow_register(Trans *t, IrCond cond, uint32_t flags, const Where *w) {
    if (cond == IR_AL) {
        return frontend_indirect(t, w->address);
    }
    bool passes = *t->follow == t->off + 4;
    if (!frontend_leave(t, passes ? cond : cond ^ 1, flags)) {
        return false;
    }
    return passes || frontend_indirect(t, w->address);
}

/* As BO and BI say. CTR is counted down before LR is set and the condition is looked at. */
static void branch(Trans *t, const PpcFields *f, const Where *w) {
    enum { NO_COND = 16, COND_TRUE = 8, NO_COUNT = 4, COUNT_ZERO = 2 };
    IrCond cond = IR_AL;
    uint32_t flags = 0;
    if (!(f->bo & NO_COND)) {
        flags = bit_flags(t, f->bi, &cond);
        cond = f->bo & COND_TRUE ? cond : cond ^ 1;
    }
    bool done = G_UNLIKELY(t->follow) && w->address && f->bo & NO_COUNT && follow_register(t, cond, flags, w);
    if (!(f->bo & NO_COUNT)) {
        uint32_t ctr = ppc_op2(t, IR_sub, IR_I64, ir_get(t->ir, PPC_SLOT_CTR, IR_I64), ppc_i64(t, 1));
        ir_set(t->ir, PPC_SLOT_CTR, ctr);
        uint32_t zero = ppc_flags(t, IR_fl_logic, ppc_narrow(t, ctr), 0);
        IrCond count = f->bo & COUNT_ZERO ? IR_EQ : IR_NE;
        if (cond != IR_AL) { /* both must hold */
            uint32_t a = ppc_cset(t, cond, flags), b = ppc_cset(t, count, zero);
            zero = ppc_flags(t, IR_fl_logic, ppc_op2(t, IR_and, IR_I32, a, b), 0);
            count = IR_NE;
        }
        flags = zero;
        cond = count;
    }
    link_return(t, f->lk);
    if (done) {
        return;
    }
    if (cond == IR_AL) {
        go(t, w);
    } else {
        go_if(t, cond, flags, w);
    }
}

static Where direct(Trans *t, const PpcFields *f, int32_t offset) {
    if (f->aa) {
        uint64_t address = (uint64_t)(int64_t)offset;
        return (Where){.address = ppc_i64(t, ppc_wide(t) ? address : (uint32_t)address), .kind = f->lk ? IR_CALL : IR_JUMP};
    }
    return (Where){.displacement = offset};
}

void ppc_trans_b(Trans *t, const PpcFields *f) {
    Where w = direct(t, f, ppc_sext(f->li, 24) * 4);
    link_return(t, f->lk);
    go(t, &w);
}

void ppc_trans_bc(Trans *t, const PpcFields *f) {
    Where w = direct(t, f, ppc_sext(f->bd, 14) * 4);
    branch(t, f, &w);
}

void ppc_shape_bc_reg(Trans *t, const PpcFields *f, unsigned to) {
    if (to == PPC_TO_TAR && !ppc_allows(t, PPC_FACILITY_TAR)) {
        return;
    }
    unsigned slot = to == PPC_TO_LR ? PPC_SLOT_LR : to == PPC_TO_CTR ? PPC_SLOT_CTR : PPC_SLOT_PLAIN + PPC_PLAIN_TAR;
    uint64_t mask = ppc_wide(t) ? ~UINT64_C(3) : UINT32_MAX - 3;
    uint32_t address = ir_get(t->ir, slot, IR_I64);
    if (!ppc_wide(t) || t->ir->nodes[address].op != IR_pcrel) { /* that of an insn has no low bits */
        address = ppc_op2(t, IR_and, IR_I64, address, ppc_i64(t, mask));
    }
    Where w = {.address = address, .kind = f->lk ? IR_CALL : to == PPC_TO_LR ? IR_RET : IR_JUMP};
    branch(t, f, &w);
}

/* -- CR logic and moves -------------------------------------------------------------------------------- */

void ppc_trans_mcrf(Trans *t, const PpcFields *f) {
    ppc_set_cr(t, f->bf, ppc_byte(t, slot_of(f->bfa)));
}

/* invert_b: of the second operand; invert: of the result */
void ppc_shape_crop(Trans *t, const PpcFields *f, unsigned op, unsigned invert_b, unsigned invert) {
    uint32_t one = ppc_i32(t, 1), a = ppc_cr_bit(t, f->ba), b = ppc_cr_bit(t, f->bb);
    b = invert_b ? ppc_op2(t, IR_xor, IR_I32, b, one) : b;
    uint32_t v = ppc_op2(t, op, IR_I32, a, b);
    set_bit(t, f->bt, invert ? ppc_op2(t, IR_xor, IR_I32, v, one) : v);
}

/* Fields of mask (bit 7: CR0) in their places. */
static uint32_t gather(Trans *t, unsigned mask) {
    uint32_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (mask & (0x80u >> i)) {
            uint32_t field = ppc_byte(t, slot_of(i));
            field = i == 7 ? field : ppc_op2(t, IR_shl, IR_I32, field, ppc_i32(t, 28 - 4 * i));
            v = v ? ppc_op2(t, IR_or, IR_I32, v, field) : field;
        }
    }
    return v ? v : ppc_i32(t, 0);
}

void ppc_trans_mfcr(Trans *t, const PpcFields *f) {
    ppc_set(t, f->rt, ppc_op1(t, IR_zext, IR_I64, gather(t, 0xff)));
}

/* With other than one field named the result is undefined: all of CR. */
void ppc_trans_mfocrf(Trans *t, const PpcFields *f) {
    bool one = f->fxm && !(f->fxm & (f->fxm - 1));
    ppc_set(t, f->rt, ppc_op1(t, IR_zext, IR_I64, gather(t, one ? f->fxm : 0xff)));
}

void ppc_shape_mtcrf(Trans *t, const PpcFields *f, unsigned one) {
    uint32_t v = ppc_get32(t, f->rs);
    for (unsigned i = 0; i < 8; i++) {
        if (f->fxm & (0x80u >> i)) {
            ppc_set_cr(t, i, ir_emit(t->ir, IR_ubfx, IR_I32, 0, v, (28 - 4 * i) | 4 << 8, 0));
        }
    }
}

void ppc_trans_mcrxrx(Trans *t, const PpcFields *f) {
    static const uint8_t slots[4] = {PPC_SLOT_OV, PPC_SLOT_OV32, PPC_SLOT_CA, PPC_SLOT_CA32};
    uint32_t v = ppc_byte(t, slots[3]);
    for (unsigned i = 0; i < 3; i++) {
        v = ppc_op2(t, IR_or, IR_I32, v, ppc_op2(t, IR_shl, IR_I32, ppc_byte(t, slots[i]), ppc_i32(t, 3 - i)));
    }
    ppc_set_cr(t, f->bf, v);
}

void ppc_trans_setb(Trans *t, const PpcFields *f) {
    uint32_t field = ppc_byte(t, slot_of(f->bfa));
    uint32_t lt = ppc_op2(t, IR_and, IR_I32, field, ppc_i32(t, PPC_LT));
    uint32_t gt = ir_emit(t->ir, IR_ubfx, IR_I32, 0, field, 2 | 1 << 8, 0);
    uint32_t flags = ppc_flags(t, IR_fl_logic, lt, 0);
    uint32_t wide = ppc_op1(t, IR_zext, IR_I64, gt);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_csel, IR_I64, IR_NE, flags, ppc_i64(t, UINT64_MAX), wide));
}

void ppc_trans_isel(Trans *t, const PpcFields *f) {
    IrCond cond;
    uint32_t flags = bit_flags(t, f->bc, &cond);
    uint32_t a = f->ra ? ppc_get(t, f->ra) : ppc_i64(t, 0);
    ppc_set(t, f->rt, ir_emit(t->ir, IR_csel, IR_I64, cond, flags, a, ppc_get(t, f->rb)));
}
