/* SPDX-License-Identifier: MIT */
/*
 * disasm.c - PowerPC insns as text.
 * Spec: Power ISA 3.0B Book I, 1.6 and appendix C (extended mnemonics, of which the commonest are used).
 */
#include "frontend/ppc/disasm.h"

#include <inttypes.h>

#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"

unsigned ppc_disasm(const uint8_t *bytes, unsigned avail, uint64_t pc, uint64_t mode, GString *out) {
    if (avail < 4) {
        return 0;
    }
    PpcFields f;
    PpcPrint p = {.out = out, .pc = pc};
    uint32_t insn = ppc_insn(bytes, mode);
    const PpcRow *row = ppc_find(insn, &f);
    if (!row) {
        g_string_append_printf(out, ".long 0x%08" PRIx32, insn);
    } else if (row->print) {
        row->print(&p, &f);
    } else {
        g_string_append(out, row->name);
    }
    return 4;
}

void ppc_fmt_text(PpcPrint *p, const char *text) {
    g_string_append(p->out, text);
}

void ppc_fmt_r(PpcPrint *p, const PpcFields *f, unsigned r) {
    g_string_append_printf(p->out, "r%u", r);
}

/* Where register 0 means the number 0 */
void ppc_fmt_r0(PpcPrint *p, const PpcFields *f, unsigned r) {
    if (r) {
        ppc_fmt_r(p, f, r);
    } else {
        g_string_append_c(p->out, '0');
    }
}

void ppc_fmt_n(PpcPrint *p, const PpcFields *f, unsigned v) {
    g_string_append_printf(p->out, "%u", v);
}

void ppc_fmt_s(PpcPrint *p, const PpcFields *f, unsigned v, unsigned width) {
    g_string_append_printf(p->out, "%d", ppc_sext(v, width));
}

/* A bit of CR. */
void ppc_fmt_cb(PpcPrint *p, const PpcFields *f, unsigned bit) {
    static const char *const names[] = {"lt", "gt", "eq", "so"};
    if (bit / 4) {
        g_string_append_printf(p->out, "4*cr%u+", bit / 4);
    }
    g_string_append(p->out, names[bit % 4]);
}

void ppc_fmt_oe(PpcPrint *p, const PpcFields *f, unsigned oe) {
    g_string_append(p->out, oe ? "o" : "");
}

void ppc_fmt_rc(PpcPrint *p, const PpcFields *f, unsigned rc) {
    g_string_append(p->out, rc ? "." : "");
}

void ppc_fmt_lk(PpcPrint *p, const PpcFields *f, unsigned lk) {
    g_string_append(p->out, lk ? "l" : "");
}

void ppc_fmt_aa(PpcPrint *p, const PpcFields *f, unsigned aa) {
    g_string_append(p->out, aa ? "a" : "");
}

void ppc_fmt_wd(PpcPrint *p, const PpcFields *f, unsigned wide) {
    g_string_append_c(p->out, wide ? 'd' : 'w');
}

/* Of a branch by v words from here, or from 0 */
void ppc_fmt_target(PpcPrint *p, const PpcFields *f, unsigned v, unsigned width, unsigned absolute) {
    int64_t offset = ppc_sext(v, width) * INT64_C(4);
    g_string_append_printf(p->out, "0x%" PRIx64, (absolute ? 0 : p->pc) + (uint64_t)offset);
}

void ppc_fmt_spr(PpcPrint *p, const PpcFields *f, unsigned spr) {
    g_string_append_printf(p->out, "%u", ppc_spr_number(spr));
}
