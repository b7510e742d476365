/* SPDX-License-Identifier: MIT */
/*
 * disasm_priv.c - the placeholder kinds of system insns.
 * Spec: Arm DDI 0487, C5.1.5 (names of registers without one), C6.2 (aliases of SYS and HINT).
 */
#include "frontend/arm/disasm.h"
#include "frontend/arm/sysreg.h"

void a64_fmt_num(A64Print *p, const A64Fields *f, unsigned v) {
    g_string_append_printf(p->out, "%u", v);
}

void a64_fmt_hint(A64Print *p, const A64Fields *f, unsigned number) {
    static const char *const names[32] = {
        [7] = "xpaclri", [8] = "pacia1716", [10] = "pacib1716", [12] = "autia1716", [14] = "autib1716", [20] = "csdb",
        [24] = "paciaz", [25] = "paciasp", [26] = "pacibz", [27] = "pacibsp", [28] = "autiaz", [29] = "autiasp",
        [30] = "autibz", [31] = "autibsp",
    };
    if (number < G_N_ELEMENTS(names) && names[number]) {
        g_string_append(p->out, names[number]);
    } else {
        g_string_append_printf(p->out, "hint #%u", number);
    }
}

void a64_fmt_barrier(A64Print *p, const A64Fields *f, unsigned crm) {
    static const char *const names[16] = {
        [1] = "oshld", [2] = "oshst", [3] = "osh", [5] = "nshld", [6] = "nshst", [7] = "nsh",
        [9] = "ishld", [10] = "ishst", [11] = "ish", [13] = "ld", [14] = "st", [15] = "sy",
    };
    if (names[crm]) {
        g_string_append(p->out, names[crm]);
    } else {
        g_string_append_printf(p->out, "#%u", crm);
    }
}

void a64_fmt_sysreg(A64Print *p, const A64Fields *f) {
    const char *name = arm_sysreg_name(ARM_SR(2 + f->o0, f->op1, f->crn, f->crm, f->op2));
    if (name) {
        g_string_append(p->out, name);
    } else {
        g_string_append_printf(p->out, "S%u_%u_C%u_C%u_%u", 2 + f->o0, f->op1, f->crn, f->crm, f->op2);
    }
}

/* "TLBI VAE1IS" becomes `tlbi vae1is, x0`; operations without an address have no register. */
void a64_fmt_sys(A64Print *p, const A64Fields *f) {
    const char *name = arm_sysreg_name(ARM_SR(1, f->op1, f->crn, f->crm, f->op2));
    if (name) {
        g_autofree char *lower = g_ascii_strdown(name, -1);
        g_string_append(p->out, lower);
        if (!strstr(name, "ALL") || strstr(name, "VAAL")) {
            g_string_append(p->out, ", ");
            a64_fmt_x(p, f, f->rt);
        }
        return;
    }
    g_string_append_printf(p->out, "sys #%u, c%u, c%u, #%u", f->op1, f->crn, f->crm, f->op2);
    if (f->rt != 31) {
        g_string_append(p->out, ", ");
        a64_fmt_x(p, f, f->rt);
    }
}

void a64_fmt_pac(A64Print *p, const A64Fields *f, unsigned auth, unsigned key) {
    g_string_append_printf(p->out, "%s%c", auth ? "aut" : "pac", "iidd"[key]);
}

void a64_fmt_pacend(A64Print *p, const A64Fields *f, unsigned key) {
    g_string_append_c(p->out, "abab"[key]);
}

void a64_fmt_ab(A64Print *p, const A64Fields *f, unsigned key) {
    g_string_append_c(p->out, "ab"[key]);
}

void a64_fmt_l(A64Print *p, const A64Fields *f, unsigned link) {
    g_string_append(p->out, link ? "l" : "");
}

void a64_fmt_base_ldra(A64Print *p, const A64Fields *f) {
    int offset = a64_sext(f->s << 9 | f->imm9, 10) * 8;
    g_string_append_c(p->out, '[');
    a64_fmt_xsp(p, f, f->rn);
    if (offset) {
        g_string_append_printf(p->out, ", #%d", offset);
    }
    g_string_append(p->out, f->w ? "]!" : "]");
}
