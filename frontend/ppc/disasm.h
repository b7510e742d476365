/* SPDX-License-Identifier: MIT */
/*
 * disasm.h - printing PowerPC insns from the templates of the decode tables.
 * A template's {kind a b} calls ppc_fmt_<kind>(p, f, a, b).
 */
#ifndef FRONTEND_PPC_DISASM_H
#define FRONTEND_PPC_DISASM_H

#include "frontend/ppc/trans.h"

struct PpcPrint {
    GString *out; /* borrowed */
    uint64_t pc;
};

#endif
