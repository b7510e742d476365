/* SPDX-License-Identifier: MIT */
/*
 * a64.c - entry to the translation of A64 insns, and the exceptions that translated code raises.
 * Spec: Arm DDI 0487, C4.1 (encoding), D1.11 (exceptions), C6.2 BR, BLR, RET with D5.1.4 (address tagging of branches).
 */
#include "frontend/arm/a64.h"

#include "frontend/arm/trans.h"

void a64_exception(Trans *t, ArmException kind, uint32_t iss) {
    uint32_t args[3] = {
        ir_const(t->ir, IR_I32, kind),
        ir_const(t->ir, IR_I32, iss),
        ir_const(t->ir, IR_I32, 0),
    };
    ir_call(t->ir, ARM_HELPER_exception, 3, args);
    ir_put(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void a64_undef(Trans *t) {
    a64_exception(t, ARM_EXC_UNKNOWN, 0);
}

bool a64_fp(Trans *t) {
    enum { ISS_CV = 1 << 24, ISS_COND_ALWAYS = 0xe << 20 };
    if (t->mode & ARM_MODE_FP_TRAP) {
        a64_exception(t, ARM_EXC_FP_ACCESS, ISS_CV | ISS_COND_ALWAYS);
        return false;
    }
    t->ir->fp_plain = !(t->mode & ARM_MODE_FP_FULL);
    return true;
}

/* As BranchTo makes it: where the top byte is ignored, bits 63..56 become copies of bit 55 (EL2, EL3: zeros). *kind tells
 * when the jump itself has to do that. */
static uint32_t clean_target(Trans *t, uint32_t target, unsigned *kind) {
    bool low = t->mode & ARM_MODE_TBI0, high = t->mode & ARM_MODE_TBI1;
    if ((t->mode & ARM_MODE_EL) >= 2) {
        return low ? ir_emit(t->ir, IR_ubfx, IR_I64, 0, target, 0 | 56 << 8, 0) : target;
    }
    if (!low && !high) {
        return target;
    }
    if (low && high) {
        *kind |= IR_JUMP_SEXT;
        return target;
    }
    uint32_t clean = ir_emit(t->ir, IR_sbfx, IR_I64, 0, target, 0 | 56 << 8, 0);
    uint32_t bit55 = ir_emit(t->ir, IR_and, IR_I64, 0, target, ir_const(t->ir, IR_I64, UINT64_C(1) << 55), 0);
    uint32_t flags = ir_emit(t->ir, IR_fl_logic, IR_FLAGS, 0, bit55, 0, 0);
    return ir_emit(t->ir, IR_csel, IR_I64, low ? IR_EQ : IR_NE, flags, clean, target);
}

void a64_indirect(Trans *t, uint32_t target, unsigned kind) {
    target = clean_target(t, target, &kind);
    ir_append(t->ir, IR_indirect, IR_VOID, kind, target, 0, 0);
    t->ended = true;
}

/* Any insn, in any mode. */
static G_GNUC_NO_INLINE void translate_any(Trans *t, uint32_t insn) {
    ir_insn(t->ir, t->off, 4);
    if (t->mode & (ARM_MODE_STEP | ARM_MODE_BREAK)) {
        a64_debug_hook(t);
        if (t->ended) {
            return;
        }
    }
    if (!a64_decode(t, insn)) {
        a64_undef(t);
    }
}

static inline uint32_t word_at(const uint8_t *p) {
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What translates an insn is looked up while the one in front of it is translated: a host that has guessed it wrong finds
 * out the sooner. */
static inline const A64Candidate *look_up(Trans *t, uint32_t insn) {
    const A64Candidate *c = t->ahead;
    if (G_UNLIKELY(!c || insn != t->ahead_of)) {
        c = a64_candidate(insn);
    }
    t->ahead_of = word_at(t->code + ((unsigned)t->off + 8 <= 1u << IR_PAGE_BITS ? 4 : 0)); /* not of another page */
    t->ahead = a64_candidate(t->ahead_of);
    return c;
}

void a64_translate(Trans *t) {
    uint32_t insn = word_at(t->code);
    const A64Candidate *c = look_up(t, insn);
    t->insn_len = 4;
    if (G_UNLIKELY(c->feature || t->mode & (ARM_MODE_STEP | ARM_MODE_BREAK) || t->ir->count == t->ir->capacity)) {
        translate_any(t, insn);
        return;
    }
    ir_insn(t->ir, t->off, 4); /* calls nothing, for there is room, so that nothing need be kept */
    c->translate(t, (A64Insn){insn});
}
