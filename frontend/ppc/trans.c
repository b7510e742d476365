/* SPDX-License-Identifier: MIT */
/*
 * trans.c - entry to the translation of PowerPC insns, and the interrupts that translated code raises.
 * Spec: Power ISA 3.0B Book I, 1.8 (insn fetching in either byte order); Book III, 6.5.
 */
#include "frontend/ppc/trans.h"

#include "frontend/ppc/ppc.h"

void ppc_interrupt(Trans *t, unsigned vector) {
    uint32_t arg = ppc_i32(t, vector);
    ir_call(t->ir, PPC_HELPER_interrupt, 1, &arg);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

void ppc_program(Trans *t, uint32_t srr1) {
    uint32_t arg = ppc_i32(t, srr1);
    ir_call(t->ir, PPC_HELPER_program, 1, &arg);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

bool ppc_privileged(Trans *t) {
    if (t->mode & PPC_MODE_PR) {
        ppc_program(t, PPC_PROGRAM_PRIVILEGED);
        return false;
    }
    return true;
}

void ppc_leave(Trans *t, IrExit reason) {
    ir_append(t->ir, IR_exit, IR_VOID, reason, (uint32_t)t->off + 4, 0, 0);
    t->ended = true;
}

void ppc_translate(Trans *t) {
    uint32_t insn = ppc_insn(t->code, t->mode);
    t->insn_len = 4;
    ir_insn(t->ir, t->off, 4);
    if (t->mode & (PPC_MODE_SE | PPC_MODE_BE | PPC_MODE_CIABR)) {
        ppc_trace(t, insn);
    }
    if (!ppc_decode(t, insn)) {
        ppc_program(t, PPC_PROGRAM_ILLEGAL);
    }
}
