/* SPDX-License-Identifier: MIT */
/*
 * trans_dfp.c - PowerPC decimal floating point: every insn is a call (dfp.c).
 * Spec: Power ISA 3.0B Book I, 5.6.
 */
#include "frontend/ppc/dfp.h"
#include "frontend/ppc/trans_fp.h"

/* Immediates, as dfp.c takes them apart; an insn has few of them. */
static uint32_t immediate_of(const PpcFields *f) {
    return f->te | f->rmc << 5 | f->dr << 7 | (f->dsp | f->ds1) << 8 | (f->dsh | f->dcm | f->duim) << 10;
}

static void call(Trans *t, unsigned helper, unsigned op, unsigned regs, const PpcFields *f) {
    uint32_t args[] = {ppc_i32(t, op | (f->rc ? PPC_DFP_RC : 0)), ppc_i32(t, regs | f->fa << 8 | f->fb << 16),
                       ppc_i32(t, immediate_of(f))};
    t->ir->fp_plain = true;
    ir_call(t->ir, helper, 3, args);
    ppc_forget(t);
}

void ppc_shape_dfp(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_fp(t)) {
        call(t, PPC_HELPER_dfp, op, f->ft, f);
    }
}

void ppc_shape_dfp_test(Trans *t, const PpcFields *f, unsigned op) {
    if (ppc_fp(t)) {
        call(t, PPC_HELPER_dfp_test, op, f->bf, f);
    }
}
