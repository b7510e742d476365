/* SPDX-License-Identifier: MIT */
/*
 * pseries_mmu.c - hypercalls about translation: the process table.
 * Spec: LoPAPR 1.1, 14.5 (hypercalls about page frame tables); Power ISA 3.0B Book III, 5.7.6 (process table).
 * Missing: hash tables.
 */
#include "machines/pseries.h"

enum {
    H_REGISTER_PROC_TBL = 0x37c,
    PROC_TBL_RADIX = 4, PROC_TBL_NEW = 0x18, PROC_TBL_FLAGS = 0x1f, /* its flags */
};

/* Radix alone: flags, base, page size (of hash tables), log2 of the size - 12. */
static int64_t register_process_table(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0), base = pseries_arg(c, 1), size = pseries_arg(c, 3);
    if (flags & ~(uint64_t)PROC_TBL_FLAGS || !(flags & PROC_TBL_RADIX) || (flags & PROC_TBL_NEW) != PROC_TBL_NEW ||
        base % 4096 || base >> 60 || size > 24) {
        return H_PARAMETER;
    }
    ppc_set_process_table(c->env, base, (unsigned)size);
    pseries_share(c);
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_REGISTER_PROC_TBL, register_process_table },
};
const PseriesCallTable pseries_calls_mmu = { rows, G_N_ELEMENTS(rows) };
