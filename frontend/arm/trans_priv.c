/* SPDX-License-Identifier: MIT */
/*
 * trans_priv.c - A64 exceptions, hints, barriers, system registers and SYS insns.
 * Spec: Arm DDI 0487, C4.1.3, C5, C6.2; traps from EL0 D1.15.
 * Registers that are slots, or that the mode decides, are read and written by the IR, the rest by helpers.
 * Missing: HVC is the PSCI conduit and nothing else; SMC is UNDEFINED.
 */
#include "frontend/arm/trans_mem.h"

#include "frontend/arm/sysreg.h"

static unsigned el_of(const Trans *t) {
    return t->mode & ARM_MODE_EL;
}

static uint32_t w(Trans *t, uint32_t value) {
    return ir_const(t->ir, IR_I32, value);
}

static uint32_t call1(Trans *t, unsigned helper, uint32_t arg) {
    return ir_call(t->ir, helper, 1, &arg);
}

/* To the next insn by a direct jump that looks for interrupts on the way. */
static void poll(Trans *t) {
    ir_append(t->ir, IR_jump, IR_VOID, 1, (uint32_t)t->off + 4, 0, 0);
    t->ended = true;
}

static void leave(Trans *t, IrExit reason, uint32_t offset) {
    ir_append(t->ir, IR_exit, IR_VOID, reason, offset, 0, 0);
    t->ended = true;
}

/* -- exceptions -------------------------------------------------------------------------------- */

void a64_trans_svc(Trans *t, const A64Fields *f) {
    a64_exception(t, ARM_EXC_SVC, f->imm16);
}

/* Without EL2, HVC is UNDEFINED; the machine's firmware interface takes its place. */
void a64_trans_hvc(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0 || f->imm16 != 0) {
        a64_undef(t);
        return;
    }
    ir_call(t->ir, ARM_HELPER_psci, 0, NULL);
    t->sync = true;
}

void a64_trans_smc(Trans *t, const A64Fields *f) {
    a64_undef(t);
}

void a64_trans_brk(Trans *t, const A64Fields *f) {
    a64_exception(t, ARM_EXC_BRK, f->imm16);
}

void a64_trans_hlt(Trans *t, const A64Fields *f) {
    if (f->imm16 != 0xf000 || el_of(t) == 0 || !arm_ports(t->env)->semihosting) {
        a64_undef(t);
        return;
    }
    ir_call(t->ir, ARM_HELPER_semihosting, 0, NULL);
    t->sync = true;
}

void a64_trans_dcps(Trans *t, const A64Fields *f) {
    a64_undef(t);
}

void a64_trans_drps(Trans *t, const A64Fields *f) {
    a64_undef(t);
}

void a64_trans_eret(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0) {
        a64_undef(t);
        return;
    }
    ir_call(t->ir, ARM_HELPER_eret, 0, NULL);
    leave(t, IR_EXIT_PC_SET, 0);
}

void a64_debug_hook(Trans *t) {
    ir_call(t->ir, ARM_HELPER_debug_insn, 0, NULL);
    if (t->mode & ARM_MODE_STEP) {
        t->sync = true;
    }
}

/* -- hints and barriers -------------------------------------------------------------------------------- */

void a64_trans_nop(Trans *t, const A64Fields *f) {
}

void a64_trans_yield(Trans *t, const A64Fields *f) {
}

/* One CPU alone has nobody to wait for: its WFE is over at once. */
static bool smp(const Trans *t) {
    return t->mode & ARM_MODE_SMP;
}

void a64_trans_sev(Trans *t, const A64Fields *f) {
    if (smp(t)) {
        call1(t, ARM_HELPER_sev, w(t, 1));
    }
}

void a64_trans_sevl(Trans *t, const A64Fields *f) {
    if (smp(t)) {
        call1(t, ARM_HELPER_sev, w(t, 0));
    }
}

void a64_trans_wfe(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0) {
        call1(t, ARM_HELPER_wfx, w(t, 1));
    }
    if (smp(t)) {
        ir_call(t->ir, ARM_HELPER_wfe, 0, NULL);
    }
    poll(t);
}

void a64_trans_wfi(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0) {
        call1(t, ARM_HELPER_wfx, w(t, 0));
    }
    leave(t, IR_EXIT_HALT, (uint32_t)t->off + 4);
}

void a64_trans_clrex(Trans *t, const A64Fields *f) {
    ir_append(t->ir, IR_unmon, IR_VOID, 0, 0, 0, 0);
}

void a64_trans_dmb(Trans *t, const A64Fields *f) {
    static const uint8_t kinds[] = {IR_BARRIER_FULL, IR_BARRIER_LOAD, IR_BARRIER_STORE, IR_BARRIER_FULL};
    ir_append(t->ir, IR_barrier, IR_VOID, kinds[f->crm & 3], 0, 0, 0);
}

void a64_trans_dsb(Trans *t, const A64Fields *f) {
    ir_append(t->ir, IR_barrier, IR_VOID, IR_BARRIER_FULL, 0, 0, 0);
    if (smp(t)) {
        ir_call(t->ir, ARM_HELPER_dsb, 0, NULL);
        poll(t);
    }
}

/* Whatever changes what later insns mean has already ended its block. */
void a64_trans_isb(Trans *t, const A64Fields *f) {
}

/* -- accesses to system registers -------------------------------------------------------------------------------- */

static uint32_t trap_iss(unsigned code, unsigned rt, bool read) {
    return (code >> 14 & 3) << 20 | (code & 7) << 17 | (code >> 11 & 7) << 14 | (code >> 7 & 15) << 10 | rt << 5 |
           (code >> 3 & 15) << 1 | read;
}

static void check_trap(Trans *t, unsigned trap, uint32_t iss) {
    ir_call(t->ir, ARM_HELPER_sysreg_check, 2, (uint32_t[]){w(t, trap), w(t, iss)});
}

/* The row that an access may use, or NULL: an exception has been emitted. */
static const ArmSysreg *access_row(Trans *t, unsigned code, unsigned rt, bool read, uint32_t *index) {
    int found = arm_sysreg_find(t->env, code);
    if (found < 0) {
        call1(t, ARM_HELPER_sysreg_unknown, w(t, code));
        leave(t, IR_EXIT_PC_SET, 0);
        return NULL;
    }
    const ArmSysreg *row = arm_cold(t->env)->rows[found];
    bool el0 = el_of(t) == 0;
    bool selected = row->slot == ARM_SLOT_SP_EL0 && !(t->mode & ARM_MODE_SPSEL);
    if (!(row->access & (read ? el0 ? ARM_R0 : ARM_R1 : el0 ? ARM_W0 : ARM_W1)) || selected) {
        a64_undef(t);
        return NULL;
    }
    if ((row->flags & ARM_ROW_FP) && !a64_fp(t)) {
        return NULL;
    }
    if (el0 && row->trap && !(row->trap == ARM_TRAP_DZE && t->mode & ARM_MODE_DZE)) {
        check_trap(t, row->trap, trap_iss(code, rt, read));
    }
    *index = (uint32_t)found;
    return row;
}

static unsigned code_of(const A64Fields *f, unsigned op0) {
    return ARM_SR(op0, f->op1, f->crn, f->crm, f->op2);
}

/* Values that the block's mode or its slots hold; 0: ask the helper. */
static uint32_t read_inline(Trans *t, const ArmSysreg *row) {
    if (row->slot) {
        return ir_get(t->ir, row->slot, IR_I64);
    }
    if (row->flags & ARM_ROW_CONST) {
        return ir_const(t->ir, IR_I64, arm_sysreg_peek(t->env, row));
    }
    switch (row->code) {
    case ARM_SR(3, 0, 4, 2, 2): /* CurrentEL */
        return ir_const(t->ir, IR_I64, el_of(t) << 2);
    case ARM_SR(3, 3, 4, 2, 0): /* NZCV */
        return ir_emit(t->ir, IR_zext, IR_I64, 0, ir_emit(t->ir, IR_nzcv_of, IR_I32, 0, a64_flags(t), 0, 0), 0, 0);
    case ARM_SR(3, 3, 4, 2, 1): /* DAIF */
        return ir_emit(t->ir, IR_zext, IR_I64, 0, ir_get(t->ir, ARM_SLOT_DAIF, IR_I32), 0, 0);
    default:
        return 0;
    }
}

void a64_trans_mrs(Trans *t, const A64Fields *f) {
    unsigned code = code_of(f, 2 + f->o0);
    uint32_t index, value;
    if (el_of(t) && arm_sysreg_is_raz(code) && arm_sysreg_find(t->env, code) < 0) {
        a64_set(t, f->rt, ir_const(t->ir, IR_I64, 0));
        return;
    }
    const ArmSysreg *row = access_row(t, code, f->rt, true, &index);
    if (!row) {
        return;
    }
    value = read_inline(t, row);
    if (!value) {
        value = call1(t, ARM_HELPER_sysreg_get, w(t, index));
    }
    a64_set(t, f->rt, value);
}

/* Writes of `bits` to PSTATE.DAIF by the helper; then interrupts may be deliverable. */
static void write_daif(Trans *t, unsigned helper, uint32_t arg, bool touches_d) {
    call1(t, helper, arg);
    if (touches_d && t->mode & ARM_MODE_DEBUG_EL1) {
        t->sync = true;
    } else {
        poll(t);
    }
}

static void write_register(Trans *t, const ArmSysreg *row, uint32_t index, uint32_t value) {
    if (row->slot) {
        ir_set(t->ir, row->slot,
               row->mask ? ir_emit(t->ir, IR_and, IR_I64, 0, value, ir_const(t->ir, IR_I64, row->mask), 0) : value);
        return;
    }
    switch (row->code) {
    case ARM_SR(3, 3, 4, 2, 0): /* NZCV */
        ir_set(t->ir, ARM_SLOT_NZCV,
               ir_emit(t->ir, IR_fl_nzcv, IR_FLAGS, 0, ir_emit(t->ir, IR_trunc, IR_I32, 0, value, 0, 0), 0, 0));
        return;
    case ARM_SR(3, 3, 4, 2, 1): /* DAIF */
        write_daif(t, ARM_HELPER_daif_write, value, true);
        return;
    default:
        ir_call(t->ir, ARM_HELPER_sysreg_write, 2, (uint32_t[]){w(t, index), value});
        if (row->code == ARM_SR(3, 3, 4, 4, 0)) { /* FPCR: a rounding mode for the host too */
            leave(t, IR_EXIT_NEXT, (uint32_t)t->off + 4);
        } else if (row->flags & ARM_ROW_SYNC) {
            t->sync = true;
        } else if (row->flags & ARM_ROW_POLL) {
            poll(t);
        }
    }
}

void a64_trans_msr(Trans *t, const A64Fields *f) {
    uint32_t index;
    const ArmSysreg *row = access_row(t, code_of(f, 2 + f->o0), f->rt, false, &index);
    if (row) {
        write_register(t, row, index, a64_get(t, f->rt, IR_I64));
    }
}

/* -- SYS -------------------------------------------------------------------------------- */

/* DC ZVA: zeros for the 64-byte block that contains the address. */
static void zero_block(Trans *t, uint32_t address) {
    enum { BLOCK = 64, LANE = 16 };
    uint32_t ea = ir_emit(t->ir, IR_and, IR_I64, 0, address, ir_const(t->ir, IR_I64, ~(uint64_t)(BLOCK - 1)), 0);
    uint32_t addend = ir_append(t->ir, IR_check, IR_I64, IR_CHECK_W | IR_CHECK_NO_DEVICE, ea, 0, BLOCK);
    uint32_t zero = ir_const(t->ir, IR_I64, 0);
    uint32_t value = ir_emit(t->ir, IR_vpair, IR_V128, 0, zero, zero, 0);
    for (unsigned i = 0; i < BLOCK; i += LANE) {
        a64_store(t, 4, addend, a64_offset(t, ea, i), value);
    }
}

void a64_trans_sys(Trans *t, const A64Fields *f) {
    enum { DC_ZVA = ARM_SR(1, 3, 7, 4, 1) };
    unsigned code = code_of(f, 1);
    uint32_t index;
    const ArmSysreg *row = access_row(t, code, f->rt, false, &index);
    if (!row) {
        return;
    }
    if (code == DC_ZVA) {
        zero_block(t, a64_get(t, f->rt, IR_I64));
    } else {
        write_register(t, row, index, a64_get(t, f->rt, IR_I64));
    }
}

void a64_trans_sysl(Trans *t, const A64Fields *f) {
    access_row(t, code_of(f, 1), f->rt, true, &(uint32_t){0});
}

/* -- MSR (immediate) -------------------------------------------------------------------------------- */

void a64_trans_msr_spsel(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0) {
        a64_undef(t);
    } else if ((f->crm & 1) != !!(t->mode & ARM_MODE_SPSEL)) {
        call1(t, ARM_HELPER_spsel, w(t, f->crm & 1));
        t->sync = true;
    }
}

void a64_trans_msr_pan(Trans *t, const A64Fields *f) {
    if (el_of(t) == 0) {
        a64_undef(t);
    } else if ((f->crm & 1) != !!(t->mode & ARM_MODE_PAN)) {
        call1(t, ARM_HELPER_pan, w(t, f->crm & 1));
        t->sync = true;
    }
}

static void check_uma(Trans *t, const A64Fields *f, unsigned op2) {
    if (el_of(t) == 0) {
        check_trap(t, ARM_TRAP_UMA, trap_iss(ARM_SR(0, 3, 4, f->crm, op2), 31, false));
    }
}

void a64_trans_msr_daifset(Trans *t, const A64Fields *f) {
    check_uma(t, f, 6);
    if (t->mode & ARM_MODE_DEBUG_EL1 && f->crm & 8) {
        write_daif(t, ARM_HELPER_daif_set, w(t, f->crm << 6), true);
        return;
    }
    uint32_t masks = ir_get(t->ir, ARM_SLOT_DAIF, IR_I32);
    ir_set(t->ir, ARM_SLOT_DAIF, ir_emit(t->ir, IR_or, IR_I32, 0, masks, w(t, f->crm << 6), 0));
}

void a64_trans_msr_daifclr(Trans *t, const A64Fields *f) {
    check_uma(t, f, 7);
    write_daif(t, ARM_HELPER_daif_clear, w(t, f->crm << 6), f->crm & 8);
}
