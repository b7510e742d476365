/* SPDX-License-Identifier: MIT */
/*
 * trans_facility.c - insns of facilities that may be unavailable, or that belong to the hypervisor; doorbells; tracing.
 * Spec: Power ISA 2.07B Book II, 5 (transactions), 7 (event-based branches); Book III-S, 4.4.1, 6.5.15, 6.5.22, 9.5
 * (branch history), 11 (doorbells).
 * Transactions are not there: their insns find the facility unavailable, as with MSR[TM] clear. Nothing records branches.
 */
#include "frontend/ppc/trans.h"

void ppc_facility(Trans *t, unsigned which) {
    uint32_t arg = ppc_i32(t, which);
    ir_call(t->ir, PPC_HELPER_facility, 1, &arg);
    ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
    t->ended = true;
}

bool ppc_allows(Trans *t, unsigned which) {
    static const uint64_t bits[] = {
        [PPC_FACILITY_DSCR] = PPC_MODE_DSCR, [PPC_FACILITY_PM] = PPC_MODE_PM, [PPC_FACILITY_BHRB] = PPC_MODE_BHRB,
        [PPC_FACILITY_EBB] = PPC_MODE_EBB, [PPC_FACILITY_TAR] = PPC_MODE_TAR,
    };
    if (which != PPC_FACILITY_TM && (!(t->mode & PPC_MODE_PR) || t->mode & bits[which])) {
        return true;
    }
    ppc_facility(t, which);
    return false;
}

void ppc_shape_transaction(Trans *t, const PpcFields *f, unsigned privileged) {
    if (!privileged || ppc_privileged(t)) {
        ppc_facility(t, PPC_FACILITY_TM);
    }
}

/* What only hypervisor state may. */
void ppc_shape_hypervisor(Trans *t, const PpcFields *f) {
    ppc_program(t, PPC_PROGRAM_PRIVILEGED);
}

void ppc_trans_mfbhrbe(Trans *t, const PpcFields *f) {
    if (ppc_allows(t, PPC_FACILITY_BHRB)) {
        ppc_set(t, f->rt, ppc_i64(t, 0));
    }
}

void ppc_trans_clrbhrb(Trans *t, const PpcFields *f) {
    ppc_allows(t, PPC_FACILITY_BHRB);
}

void ppc_trans_rfebb(Trans *t, const PpcFields *f) {
    if (ppc_allows(t, PPC_FACILITY_EBB)) {
        uint32_t enable = ppc_i32(t, f->s);
        ir_call(t->ir, PPC_HELPER_rfebb, 1, &enable);
        ir_append(t->ir, IR_exit, IR_VOID, IR_EXIT_PC_SET, 0, 0, 0);
        t->ended = true;
    }
}

void ppc_shape_doorbell(Trans *t, const PpcFields *f, unsigned ring) {
    if (ppc_privileged(t)) {
        uint32_t args[] = {ppc_get(t, f->rb), ppc_i32(t, ring)};
        ir_call(t->ir, PPC_HELPER_doorbell, 2, args);
        t->sync = true;
    }
}

/* -- trace: MSR[SE] every insn, MSR[BE] branches -- */

static bool is_branch(uint32_t insn) {
    unsigned primary = insn >> 26, extended = insn >> 1 & 1023;
    return primary == 16 || primary == 18 || (primary == 19 && (extended == 16 || extended == 528 || extended == 560));
}

void ppc_trace(Trans *t, uint32_t insn) {
    bool always = t->mode & PPC_MODE_SE || (t->mode & PPC_MODE_BE && is_branch(insn));
    uint32_t counts = ppc_i32(t, always ? PPC_TRACE_ALWAYS : t->mode & PPC_MODE_CIABR ? PPC_TRACE_COMPARE : PPC_TRACE_NOT);
    ir_call(t->ir, PPC_HELPER_trace, 1, &counts);
}
