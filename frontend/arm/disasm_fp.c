/* SPDX-License-Identifier: MIT */
/*
 * disasm_fp.c - what the templates of a64_fp.decode print besides the kinds of disasm.c. `e` is log2 of a lane's bytes.
 * Spec: Arm DDI 0487, C1.2.
 */
#include "frontend/arm/disasm.h"

#include <math.h>

static char letter(unsigned e) {
    return "bhsd"[e & 3];
}

/* A vector of 8 << Q bytes. */
void a64_fmt_fv(A64Print *p, const A64Fields *f, unsigned q, unsigned e, unsigned r) {
    g_string_append_printf(p->out, "v%u.%u%c", r, (8u << q) >> e, letter(e));
}

/* Two lanes. */
void a64_fmt_fv2(A64Print *p, const A64Fields *f, unsigned e, unsigned r) {
    g_string_append_printf(p->out, "v%u.2%c", r, letter(e));
}

/* One lane. */
void a64_fmt_fe(A64Print *p, const A64Fields *f, unsigned e, unsigned r, unsigned lane) {
    g_string_append_printf(p->out, "v%u.%c[%u]", r, letter(e), lane);
}

/* The 2 of names like FCVTN2. */
void a64_fmt_ftwo(A64Print *p, const A64Fields *f, unsigned q) {
    if (q) {
        g_string_append_c(p->out, '2');
    }
}

/* The eight-bit immediate: sign, three bits of exponent from -3 to 4, four of fraction. */
void a64_fmt_fimm(A64Print *p, const A64Fields *f, unsigned imm8) {
    int exponent = (int)((imm8 >> 4 & 7) ^ 4) - 3;
    double value = ldexp(16 + (imm8 & 15), exponent - 4);
    g_string_append_printf(p->out, "#%.18e", imm8 >> 7 ? -value : value);
}
