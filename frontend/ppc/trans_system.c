/* SPDX-License-Identifier: MIT */
/*
 * trans_system.c - PowerPC special-register moves, system insns, barriers.
 * Spec: Power ISA 3.0B Book I, 2.3.2 (XER, LR, CTR); Book II, 4.6.3 (sync, eieio, isync, wait); Book III, 4.3, 5.4.
 */
#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

/* -- special registers -------------------------------------------------------------------------------- */

enum { SPR_XER = 1, SPR_LR = 8, SPR_CTR = 9 };

static const struct { uint8_t slot, bit; } xer_bits[] = {
    {PPC_SLOT_SO, 31}, {PPC_SLOT_OV, 30}, {PPC_SLOT_CA, 29}, {PPC_SLOT_OV32, 19}, {PPC_SLOT_CA32, 18},
};

static uint32_t get_xer(Trans *t) {
    uint32_t v = ppc_byte(t, PPC_SLOT_XER_COUNT);
    for (unsigned i = 0; i < G_N_ELEMENTS(xer_bits); i++) {
        uint32_t bit = ppc_op2(t, IR_shl, IR_I32, ppc_byte(t, xer_bits[i].slot), ppc_i32(t, xer_bits[i].bit));
        v = ppc_op2(t, IR_or, IR_I32, v, bit);
    }
    return ppc_op1(t, IR_zext, IR_I64, v);
}

static void set_xer(Trans *t, uint32_t v) {
    unsigned bits = ppc_has(t->env, PPC_ISA300) ? G_N_ELEMENTS(xer_bits) : 3;
    for (unsigned i = 0; i < bits; i++) {
        ir_set(t->ir, xer_bits[i].slot, ir_emit(t->ir, IR_ubfx, IR_I32, 0, v, xer_bits[i].bit | 1 << 8, 0));
    }
    ir_set(t->ir, PPC_SLOT_XER_COUNT, ir_emit(t->ir, IR_ubfx, IR_I32, 0, v, 7 << 8, 0));
}

static void unknown(Trans *t, unsigned number) {
    uint32_t arg = ppc_i32(t, number);
    ir_call(t->ir, PPC_HELPER_spr_unknown, 1, &arg);
}

/* The row that may be read (or written) in this state, or NULL, and then the insn is done. */
static const PpcSpr *row_of(Trans *t, unsigned number, bool write) {
    int n = ppc_spr_find(t->env, number);
    bool user = t->mode & PPC_MODE_PR;
    unsigned need = write ? (user ? PPC_UW : PPC_SW) : (user ? PPC_UR : PPC_SR);
    if (n >= 0 && ppc_sprs[n].access == PPC_H) {
        ppc_program(t, PPC_PROGRAM_PRIVILEGED);
        return NULL;
    }
    if (n < 0 || !(ppc_sprs[n].access & need)) {
        unknown(t, number);
        return NULL;
    }
    return !ppc_sprs[n].facility || ppc_allows(t, ppc_sprs[n].facility) ? &ppc_sprs[n] : NULL;
}

static uint32_t read_row(Trans *t, const PpcSpr *row) {
    switch (row->number) {
    case SPR_XER:
        return get_xer(t);
    case SPR_LR:
        return ir_get(t->ir, PPC_SLOT_LR, IR_I64);
    case SPR_CTR:
        return ir_get(t->ir, PPC_SLOT_CTR, IR_I64);
    default:
        break;
    }
    if (row->plain >= 0) {
        return ir_get(t->ir, (uint32_t)(PPC_SLOT_PLAIN + row->plain), IR_I64);
    }
    uint32_t n = ppc_i32(t, (uint32_t)(row - ppc_sprs));
    return ir_call(t->ir, PPC_HELPER_spr_read, 1, &n);
}

void ppc_trans_mfspr(Trans *t, const PpcFields *f) {
    const PpcSpr *row = row_of(t, ppc_spr_number(f->spr), false);
    if (row) {
        ppc_set(t, f->rt, read_row(t, row));
    }
}

void ppc_trans_mftb(Trans *t, const PpcFields *f) {
    unsigned number = ppc_spr_number(f->spr);
    if (number != 268 && number != 269) {
        ppc_program(t, PPC_PROGRAM_ILLEGAL);
        return;
    }
    ppc_trans_mfspr(t, f);
}

static void write_row(Trans *t, const PpcSpr *row, uint32_t v) {
    if (row->number == SPR_XER) {
        set_xer(t, ppc_op1(t, IR_trunc, IR_I32, v));
    } else if (row->number == SPR_LR || row->number == SPR_CTR) {
        ir_set(t->ir, row->number == SPR_LR ? PPC_SLOT_LR : PPC_SLOT_CTR, v);
    } else if (!row->write) {
        v = row->mask ? ppc_op2(t, IR_and, IR_I64, v, ppc_i64(t, row->mask)) : v;
        ir_set(t->ir, (uint32_t)(PPC_SLOT_PLAIN + row->plain), v);
    } else {
        uint32_t args[] = {ppc_i32(t, (uint32_t)(row - ppc_sprs)), v};
        ir_call(t->ir, PPC_HELPER_spr_write, 2, args);
        t->sync = true;
    }
}

void ppc_trans_mtspr(Trans *t, const PpcFields *f) {
    const PpcSpr *row = row_of(t, ppc_spr_number(f->spr), true);
    if (row) {
        write_row(t, row, ppc_get(t, f->rs));
    }
}

/* -- MSR, interrupts -------------------------------------------------------------------------------- */

void ppc_trans_mfmsr(Trans *t, const PpcFields *f) {
    if (ppc_privileged(t)) {
        ppc_set(t, f->rt, ir_get(t->ir, PPC_SLOT_MSR, IR_I64));
    }
}

/* l: EE and RI alone; word: the low half */
void ppc_shape_mtmsr(Trans *t, const PpcFields *f, unsigned wide) {
    const uint64_t little = PPC_MSR_EE | PPC_MSR_RI, never = PPC_MSR_HV | PPC_MSR_ME | (wide ? 0 : ~(uint64_t)UINT32_MAX);
    if (!ppc_privileged(t)) {
        return;
    }
    uint32_t args[] = {ppc_get(t, f->rs), ppc_i64(t, f->l ? little : ~(never | PPC_MSR_LE))};
    ir_call(t->ir, PPC_HELPER_msr_write, 2, args);
    ppc_leave(t, IR_EXIT_SYNC);
}

void ppc_trans_sc(Trans *t, const PpcFields *f) {
    if (f->lev == 1 && !(t->mode & PPC_MODE_PR)) {
        ir_call(t->ir, PPC_HELPER_hypercall, 0, NULL);
        t->sync = true;
        return;
    }
    uint32_t level = ppc_i32(t, f->lev);
    ir_call(t->ir, PPC_HELPER_system_call, 1, &level);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void ppc_trans_scv(Trans *t, const PpcFields *f) {
    uint32_t level = ppc_i32(t, f->lev);
    ir_call(t->ir, PPC_HELPER_system_call_vectored, 1, &level);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void ppc_trans_rfscv(Trans *t, const PpcFields *f) {
    if (ppc_privileged(t)) {
        ir_call(t->ir, PPC_HELPER_return_vectored, 0, NULL);
        ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
        t->ended = true;
    }
}

void ppc_shape_rfi(Trans *t, const PpcFields *f, unsigned hypervisor) {
    if (!ppc_privileged(t)) {
        return;
    }
    if (hypervisor) {
        ppc_program(t, PPC_PROGRAM_PRIVILEGED);
        return;
    }
    ir_call(t->ir, PPC_HELPER_rfi, 0, NULL);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void ppc_trans_attn(Trans *t, const PpcFields *f) {
    ppc_program(t, PPC_PROGRAM_ILLEGAL);
}

/* -- translation -------------------------------------------------------------------------------- */

void ppc_trans_slbmte(Trans *t, const PpcFields *f) {
    if (ppc_privileged(t)) {
        uint32_t args[] = {ppc_get(t, f->rs), ppc_get(t, f->rb)};
        ir_call(t->ir, PPC_HELPER_slbmte, 2, args);
        t->sync = true;
    }
}

void ppc_trans_slbie(Trans *t, const PpcFields *f) {
    if (ppc_privileged(t)) {
        uint32_t rb = ppc_get(t, f->rb);
        ir_call(t->ir, PPC_HELPER_slbie, 1, &rb);
        t->sync = true;
    }
}

void ppc_trans_slbia(Trans *t, const PpcFields *f) {
    if (ppc_privileged(t)) {
        uint32_t ih = ppc_i32(t, f->ih);
        ir_call(t->ir, PPC_HELPER_slbia, 1, &ih);
        t->sync = true;
    }
}

void ppc_shape_slbmf(Trans *t, const PpcFields *f, unsigned esid) {
    if (ppc_privileged(t)) {
        uint32_t args[] = {ppc_get(t, f->rb), ppc_i32(t, esid)};
        ppc_set(t, f->rt, ir_call(t->ir, PPC_HELPER_slbmf, 2, args));
    }
}

/* RT = VSID and CR0[EQ] set, or 0 and clear. */
void ppc_trans_slbfee(Trans *t, const PpcFields *f) {
    if (!ppc_privileged(t)) {
        return;
    }
    uint32_t rb = ppc_get(t, f->rb), v = ir_call(t->ir, PPC_HELPER_slbfee, 1, &rb);
    uint32_t found = ir_emit(t->ir, IR_setc, IR_I32, IR_NE, v, ppc_i64(t, UINT64_MAX), 0);
    uint32_t mask = ppc_op2(t, IR_sub, IR_I64, ppc_i64(t, 0), ppc_op1(t, IR_zext, IR_I64, found));
    ppc_set(t, f->rt, ppc_op2(t, IR_and, IR_I64, v, mask));
    uint32_t cr = ppc_op2(t, IR_shl, IR_I32, found, ppc_i32(t, 1));
    ppc_set_cr(t, 0, ppc_op2(t, IR_or, IR_I32, cr, ppc_byte(t, PPC_SLOT_SO)));
}

/* These belong to segment tables. */
void ppc_trans_slbieg(Trans *t, const PpcFields *f) {
    ppc_trans_slbie(t, f);
}

void ppc_trans_slbsync(Trans *t, const PpcFields *f) {
    ppc_privileged(t);
}

void ppc_trans_tlbsync(Trans *t, const PpcFields *f) {
    ppc_privileged(t);
}

/* In 2.07 it is the hypervisor's. */
void ppc_shape_tlbie(Trans *t, const PpcFields *f, unsigned everywhere) {
    if (!ppc_privileged(t)) {
        return;
    }
    if (!ppc_has(t->env, PPC_ISA300)) {
        ppc_program(t, f->ric || f->prs || f->r ? PPC_PROGRAM_ILLEGAL : PPC_PROGRAM_PRIVILEGED);
        return;
    }
    uint32_t args[] = {ppc_get(t, f->rb), ppc_get(t, f->rs), ppc_i32(t, f->ric | everywhere << 2)};
    ir_call(t->ir, PPC_HELPER_tlbie, 3, args);
    t->sync = true;
}

/* -- barriers -------------------------------------------------------------------------------- */

static void barrier(Trans *t, IrBarrier kind) {
    ir_append(t->ir, IR_barrier, IR_VOID, kind, 0, 0, 0);
}

void ppc_trans_isync(Trans *t, const PpcFields *f) {
    if (t->mode & PPC_MODE_SMP) {
        barrier(t, IR_BARRIER_LOAD);
    }
    t->sync = true;
}

/* l: 0 sync, 1 lwsync, 2 ptesync, behind which walks see what was stored: it ends the block. The first and the last wait for
 * what other CPUs do with TLBs and code. */
void ppc_trans_sync(Trans *t, const PpcFields *f) {
    if (f->l == 1) {
        barrier(t, IR_BARRIER_LOAD);
        barrier(t, IR_BARRIER_STORE);
        return;
    }
    barrier(t, IR_BARRIER_FULL);
    if (t->mode & PPC_MODE_SMP) {
        ir_call(t->ir, PPC_HELPER_barrier, 0, NULL);
    }
    t->sync = f->l == 2 || t->mode & PPC_MODE_SMP;
}

void ppc_trans_eieio(Trans *t, const PpcFields *f) {
    barrier(t, IR_BARRIER_FULL);
}

/* It may end for any reason, or none. */
void ppc_trans_wait(Trans *t, const PpcFields *f) {
}
