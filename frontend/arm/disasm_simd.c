/* SPDX-License-Identifier: MIT */
/*
 * disasm_simd.c - what the templates of a64_simd.decode print besides the kinds of disasm.c and disasm_fp.c. `size` is
 * log2 of a lane's bytes.
 * Spec: Arm DDI 0487, C1.2.
 */
#include "frontend/arm/disasm.h"

static char letter(unsigned size) {
    return "bhsdq"[size < 5 ? size : 4];
}
static unsigned lowest(unsigned bits) {
    return (unsigned)__builtin_ctz(bits | 1u << 31);
}
static unsigned highest(unsigned bits) {
    return 31 - (unsigned)__builtin_clz(bits | 1);
}

/* -- registers -- */

/* v1.4s: 8 << q bytes of lanes */
void a64_fmt_v(A64Print *p, const A64Fields *f, unsigned r, unsigned size, unsigned q) {
    g_string_append_printf(p->out, "v%u.%u%c", r, (8u << q) >> size, letter(size));
}
/* v1.2d: all the lanes of twice the size */
void a64_fmt_vl(A64Print *p, const A64Fields *f, unsigned r, unsigned size) {
    a64_fmt_v(p, f, r, size + 1, 1);
}
/* v1.1d or v1.2d */
void a64_fmt_v1d(A64Print *p, const A64Fields *f, unsigned r, unsigned q) {
    a64_fmt_v(p, f, r, 3, q);
}
/* s1: a scalar */
void a64_fmt_vs(A64Print *p, const A64Fields *f, unsigned r, unsigned size) {
    g_string_append_printf(p->out, "%c%u", letter(size), r);
}
void a64_fmt_vqreg(A64Print *p, const A64Fields *f, unsigned r) {
    a64_fmt_vs(p, f, r, 4);
}
/* The same with the size from immh (shifts): its highest one. */
void a64_fmt_vh(A64Print *p, const A64Fields *f, unsigned r, unsigned immh, unsigned q) {
    a64_fmt_v(p, f, r, highest(immh), q);
}
void a64_fmt_vhs(A64Print *p, const A64Fields *f, unsigned r, unsigned immh) {
    a64_fmt_vs(p, f, r, highest(immh));
}
/* The same with the size from imm5 (copies): its lowest one. */
void a64_fmt_vx(A64Print *p, const A64Fields *f, unsigned r, unsigned imm5, unsigned q) {
    a64_fmt_v(p, f, r, lowest(imm5), q);
}
void a64_fmt_vxs(A64Print *p, const A64Fields *f, unsigned r, unsigned imm5) {
    a64_fmt_vs(p, f, r, lowest(imm5));
}
/* v1.s[2], the index above imm5's lowest one */
void a64_fmt_vxe(A64Print *p, const A64Fields *f, unsigned r, unsigned imm5) {
    g_string_append_printf(p->out, "v%u.%c[%u]", r, letter(lowest(imm5)), imm5 >> (lowest(imm5) + 1));
}
/* v1.s[2], the size from imm5, the index from imm4 */
void a64_fmt_vxf(A64Print *p, const A64Fields *f, unsigned r, unsigned imm5, unsigned imm4) {
    g_string_append_printf(p->out, "v%u.%c[%u]", r, letter(lowest(imm5)), imm4 >> lowest(imm5));
}
/* v1.h[7]: the element of by-element forms */
void a64_fmt_vel(A64Print *p, const A64Fields *f, unsigned size, unsigned l, unsigned m, unsigned r, unsigned h) {
    if (size == 1) {
        g_string_append_printf(p->out, "v%u.h[%u]", r, h << 2 | l << 1 | m);
    } else {
        g_string_append_printf(p->out, "v%u.%c[%u]", m << 4 | r, letter(size), h << 1 | l);
    }
}
/* A general register, x when wide, else w. */
void a64_fmt_vgpr(A64Print *p, const A64Fields *f, unsigned r, unsigned wide) {
    if (r == 31) {
        g_string_append(p->out, wide ? "xzr" : "wzr");
    } else {
        g_string_append_printf(p->out, "%c%u", wide ? 'x' : 'w', r);
    }
}
/* The general register that a copy of imm5's size reads. */
void a64_fmt_vxr(A64Print *p, const A64Fields *f, unsigned r, unsigned imm5) {
    a64_fmt_vgpr(p, f, r, lowest(imm5) == 3);
}

/* -- names and numbers -- */

/* The 2 of names like XTN2. */
void a64_fmt_v2(A64Print *p, const A64Fields *f, unsigned q) {
    g_string_append(p->out, q ? "2" : "");
}
void a64_fmt_vint(A64Print *p, const A64Fields *f, unsigned n) {
    g_string_append_printf(p->out, "%u", n);
}
void a64_fmt_vhex(A64Print *p, const A64Fields *f, unsigned n) {
    g_string_append_printf(p->out, "0x%x", n);
}
void a64_fmt_vlsl(A64Print *p, const A64Fields *f, unsigned n) {
    if (n) {
        g_string_append_printf(p->out, ", lsl #%u", n);
    }
}
/* Shift amounts of immh:immb. */
void a64_fmt_vshr(A64Print *p, const A64Fields *f, unsigned immh, unsigned immb) {
    g_string_append_printf(p->out, "%u", (16u << highest(immh)) - (immh << 3 | immb));
}
void a64_fmt_vshl(A64Print *p, const A64Fields *f, unsigned immh, unsigned immb) {
    g_string_append_printf(p->out, "%u", (immh << 3 | immb) - (8u << highest(immh)));
}
/* Each bit as a byte. */
void a64_fmt_vmask(A64Print *p, const A64Fields *f, unsigned imm8) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= imm8 >> i & 1 ? UINT64_C(0xff) << (8 * i) : 0;
    }
    g_string_append_printf(p->out, "0x%" G_GINT64_MODIFIER "x", value);
}
