/* SPDX-License-Identifier: MIT */
/*
 * fp_case.c - what cases of PowerPC floating-point insns begin with, and what of their outcome counts.
 */
#include <string.h>

#include "frontend/ppc/fp.h"
#include "tests/insn/ppc64/run.h"

static bool is_quad(const PpcRow *row) {
    return g_str_has_prefix(row->file, "ppc_quad");
}

static bool is_of_quads(const char *name) {
    return name[0] == 'x' && strstr(name, "qp") && strcmp(name, "xscvdpqp") != 0;
}

bool ppc_is_fp(const PpcRow *row) {
    return is_quad(row) || ppc_is_dfp(row) || g_str_has_prefix(row->file, "ppc_fp") || g_str_has_prefix(row->file, "ppc_vfp");
}

/* -- operands -------------------------------------------------------------------------------- */

static uint64_t a_double(uint64_t *seed) {
    static const uint64_t ends[] = {
        0, UINT64_C(0x7ff0000000000000), UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff8123456789abc), UINT64_C(0x7ff0123456789abc),
        UINT64_C(0x7ff4000000000000), 1, UINT64_C(0x000fffffffffffff), UINT64_C(0x0010000000000000), UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x3ff0000000000000), UINT64_C(0x3ff0000000000001), UINT64_C(0x3fe0000000000000), UINT64_C(0x3ff8000000000000),
        UINT64_C(0x41e0000000000000), UINT64_C(0x41efffffffe00000), UINT64_C(0x43e0000000000000), UINT64_C(0x43f0000000000000),
        UINT64_C(0x3810000000000000), UINT64_C(0x36a0000000000000), UINT64_C(0x47efffffe0000000), UINT64_C(0x47effffff0000000),
        UINT64_C(0x380fffffe0000000), UINT64_C(0x3690000000000000), UINT64_C(0x3ff0000010000000), UINT64_C(0x4000000000000000),
        UINT64_C(0x4340000000000001), UINT64_C(0x4008000000000000), UINT64_C(0x41dfffffffe00000),
    };
    uint64_t v = cover_random(seed), kind = cover_random(seed) % 8, sign = cover_random(seed) & UINT64_C(1) << 63;
    uint64_t near = ((v >> 52 & 0x3f) + 0x3e0) << 52 | (v & ((UINT64_C(1) << 52) - 1));
    switch (kind) {
    case 0: case 1: return sign | ends[v % G_N_ELEMENTS(ends)];
    case 2: return sign | (near & ~UINT64_C(0x1fffffff)); /* a single */
    case 3: return sign | (near & ~UINT64_C(0x0fffffff)); /* between two singles */
    case 4: return sign | (near & ~((UINT64_C(1) << (v & 63) % 52) - 1));
    case 5: return v;
    case 6: return sign | f32_as_f64((uint32_t)(v >> 20));
    default: return sign | near;
    }
}

static uint32_t a_single(uint64_t *seed) {
    static const uint32_t ends[] = {0, 0x7f800000, 0x7fc00000, 0x7fc12345, 0x7f812345, 1, 0x7fffff, 0x800000, 0x7f7fffff,
                                    0x3f800000, 0x3f800001, 0x3f000000, 0x3fc00000, 0x4f000000, 0x4f800000, 0x5f000000, 0x5f800000};
    uint64_t v = cover_random(seed), sign = cover_random(seed) & 0x80000000u;
    uint32_t near = ((uint32_t)(v >> 32 & 0x3f) + 0x60) << 23 | (v & 0x7fffff);
    return (uint32_t)sign | (v >> 61 < 3 ? ends[v % G_N_ELEMENTS(ends)] : v >> 61 == 3 ? (uint32_t)v & 0x7fffffff : near);
}

/* Around one, around the range of doubles and of integers, and ends. */
static void a_quad(uint64_t *seed, uint64_t *v) {
    static const uint64_t ends[][2] = {
        {0, 0}, {UINT64_C(0x7fff000000000000), 0}, {UINT64_C(0x7fff800000000000), 0}, {UINT64_C(0x7fff923456789abc), 5},
        {UINT64_C(0x7fff123456789abc), 0}, {UINT64_C(0x7fff000000000000), 1}, {0, 1}, {UINT64_C(0x0000ffffffffffff), UINT64_MAX},
        {UINT64_C(0x0001000000000000), 0}, {UINT64_C(0x7ffeffffffffffff), UINT64_MAX}, {UINT64_C(0x3fff000000000000), 0},
        {UINT64_C(0x3ffe000000000000), 0}, {UINT64_C(0x3fff800000000000), 0}, {UINT64_C(0x401e000000000000), 0},
        {UINT64_C(0x401dffffffe00000), 0}, {UINT64_C(0x403e000000000000), 0}, {UINT64_C(0x403dffffffffffff), UINT64_C(0xfffc000000000000)},
        {UINT64_C(0x403f000000000000), 0}, {UINT64_C(0x43feffffffffffff), UINT64_C(0xf000000000000000)},
        {UINT64_C(0x43feffffffffffff), UINT64_C(0xf800000000000000)}, {UINT64_C(0x3bcd000000000000), 0}, {UINT64_C(0x3bcc000000000000), 0},
    };
    uint64_t r = cover_random(seed), kind = cover_random(seed) % 8, sign = cover_random(seed) & UINT64_C(1) << 63;
    uint64_t fraction = r >> 16, near = 0x3fff - 48 + (r & 127), end = r % G_N_ELEMENTS(ends);
    v[0] = sign | (kind == 0 || kind == 1 ? ends[end][0] : (kind == 2 ? r & 0x7fff : kind == 3 ? 0x3bc0 + (r & 0x7f) : kind == 4
                   ? (r & 1 ? r & 0x7f : 0x7ffe - (r & 0x7f)) : near) << 48 | fraction);
    uint64_t low = cover_random(seed);
    v[1] = kind < 2 ? ends[end][1] : kind == 5 ? 0 : kind == 6 ? low & ~((UINT64_C(1) << (low & 63)) - 1) : low;
}

enum { DOUBLES, SINGLES, WIDE_SINGLES, QUADS };

static uint64_t an_operand(uint64_t *seed, unsigned kind) {
    return kind == SINGLES ? (uint64_t)a_single(seed) << 32 | a_single(seed) : kind == DOUBLES ? a_double(seed) : f32_as_f64(a_single(seed));
}

static const DecodeField *field_of(const DecodeRow *row, const char *name) {
    for (uint32_t i = 0; i < row->field_count; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            return &row->fields[i];
        }
    }
    return NULL;
}

/* Fills the register that a field names, if there is such a field. */
static void fill(uint64_t *seed, PpcCase *c, const DecodeRow *row, uint32_t insn, const char *name, unsigned add, unsigned kind) {
    const DecodeField *f = field_of(row, name);
    if (f) {
        unsigned r = (insn >> f->shift & 31) + add;
        if (kind == QUADS) {
            a_quad(seed, c->vsr[r]);
            return;
        }
        c->vsr[r][0] = an_operand(seed, kind);
        c->vsr[r][1] = an_operand(seed, kind);
    }
}

static unsigned high(const DecodeRow *row, uint32_t insn, const char *name) {
    const DecodeField *f = field_of(row, name);
    return f && insn >> f->shift & 1 ? 32 : 0;
}

/* Begins with FPSCR set from f31, most often without enabled exceptions. */
static void begin(uint64_t *seed, PpcCase *c) {
    enum { MTFSF_ALL = (int)0xfffefd8e };
    uint64_t v = cover_random(seed), enables = v >> 60 < 3 ? v & PPC_FPSCR_ENABLES : 0;
    uint64_t old = v >> 56 & 1 ? v & (PPC_FPSCR_STICKY | UINT64_C(0x7f000)) : 0;
    old |= old & PPC_FPSCR_STICKY ? UINT64_C(1) << PPC_FPSCR_FX : 0;
    uint64_t decimal = ppc_is_dfp((const PpcRow *)ppc_rows_find(c->insn[0])) ? v >> 44 & 7 : 0;
    c->vsr[31][0] = (v >> 40 & 3) | enables | old | decimal << PPC_FPSCR_DRN;
    if (enables && old) { /* nothing is pending */
        c->vsr[31][0] &= ~PPC_FPSCR_STICKY;
    }
    memmove(c->insn + 1, c->insn, c->count * sizeof(c->insn[0]));
    c->insn[0] = (uint32_t)MTFSF_ALL;
    c->count++;
}

/* What reads FPSCR, or changes a part of it, mostly follows an insn whose result it tells of. */
static void compute_before(uint64_t *seed, PpcCase *c, const DecodeRow *row) {
    static const uint32_t insns[] = { /* f26 of f27, f28, f29: fadd fsub fmul fdiv fmadd fmsub fsqrt fcfid */
        0xff5be02a, 0xff5be028, 0xff5b0732, 0xff5be024, 0xff5bef3a, 0xff5bef38, 0xff40e02c, 0xff40ee9c,
    };
    if (strncmp(row->name, "mffs", 4) != 0 && strncmp(row->name, "fcmp", 4) != 0 && strcmp(row->name, "mcrfs") != 0) {
        return;
    }
    for (unsigned r = 27; r < 30; r++) {
        c->vsr[r][0] = a_double(seed);
    }
    c->vsr[31][0] &= ~PPC_FPSCR_ENABLES;
    c->insn[2] = c->insn[1];
    c->insn[1] = insns[cover_random(seed) % G_N_ELEMENTS(insns)];
    c->count = 3;
}

void ppc_fill_fp(uint64_t *seed, PpcCase *c) {
    uint32_t insn = c->insn[c->count - 1];
    const DecodeRow *row = ppc_rows_find(insn);
    if (ppc_is_dfp((const PpcRow *)row)) {
        ppc_fill_dfp(seed, c);
        begin(seed, c);
        return;
    }
    if (field_of(row, "ra")) { /* loads and stores */
        fill(seed, c, row, insn, "ft", 0, DOUBLES);
        return;
    }
    /* To the black box a result of single precision is one of double precision, rounded again. */
    bool singles = strstr(row->name, "sp") && row->name[0] == 'x', scalar = row->name[1] == 's';
    bool rounds = g_str_has_suffix(row->name, "sp") && !strstr(row->name, "cv") && strcmp(row->name, "xsrsp") != 0;
    unsigned kind = !singles ? DOUBLES : !scalar ? SINGLES : rounds ? WIDE_SINGLES : DOUBLES;
    static const char *const scalars[] = {"fa", "fb", "fc", "ft"}, *const vectors[] = {"va", "vb", "vc", "vt"};
    static const char *const vsx[][2] = {{"a", "ax"}, {"b", "bx"}, {"t", "tx"}, {"c", "cx"}};
    for (unsigned i = 0; i < 4; i++) {
        fill(seed, c, row, insn, scalars[i], 0, DOUBLES);
        fill(seed, c, row, insn, vectors[i], 32, is_of_quads(row->name) ? QUADS : row->name[0] == 'x' ? DOUBLES : SINGLES);
        fill(seed, c, row, insn, vsx[i][0], high(row, insn, vsx[i][1]), kind);
    }
    begin(seed, c);
    compute_before(seed, c, row);
}

/* -- what is undefined -------------------------------------------------------------------------------- */

static bool is_tiny_single(uint64_t v) {
    unsigned exponent = v >> 52 & 0x7ff;
    return exponent > 873 && exponent < 897;
}

static bool is_below_singles(uint64_t v) {
    return v << 1 && (v >> 52 & 0x7ff) < 897;
}

static unsigned insn_b(const PpcCase *c) {
    PpcFields f;
    ppc_find(c->insn[c->count - 1], &f);
    return f.bx << 5 | f.b;
}

/* 2^x but for small x, which the black box gets wrong. */
static void settle_exponential(const uint64_t *x, uint64_t *v) {
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = (uint32_t)(x[i / 2] >> 32 * (i % 2));
        if ((word >> 23 & 0xff) > 126) {
            v[i / 2] &= UINT64_C(0xffffffff) << 32 * (1 - i % 2);
        }
    }
}

static bool begins(const PpcRow *row, const char *const names[], size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (g_str_has_prefix(row->name, names[i])) {
            return true;
        }
    }
    return false;
}
#define BEGINS(row, ...) begins(row, (const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))

static bool is_number_single(uint64_t v) {
    unsigned exponent = v >> 52 & 0x7ff;
    return exponent > 896 && exponent < 1151 && !(v & 0x1fffffff);
}

static void forget(PpcCase *after, unsigned t) {
    after->vsr[t][0] = after->vsr[t][1] = after->fpscr = after->end = after->pc = after->cr = 0;
}

/*
 * Of VSX the black box keeps exceptions of earlier insns for minima and maxima, tells of one exception where elements have
 * several, stops at the first element that raises one, and gives what an invalid element gives for those behind it, too.
 */
static void settle_vsx(const PpcCase *before, PpcCase *after, const PpcRow *row, unsigned t) {
    uint64_t enables = before->vsr[31][0] & PPC_FPSCR_ENABLES;
    if (BEGINS(row, "xsmax", "xsmin", "xvmax", "xvmin")) {
        const uint64_t kept = UINT64_C(1) << PPC_FPSCR_VXSNAN | UINT64_C(1) << PPC_FPSCR_FEX;
        after->fpscr &= kept;
        if (enables & ~(UINT64_C(1) << PPC_FPSCR_VE)) {
            forget(after, t);
        }
    } else if (BEGINS(row, "xv")) {
        after->fpscr &= ~(UINT64_C(1) << PPC_FPSCR_FI);
        after->fpscr &= after->fpscr >> PPC_FPSCR_OX & 1 ? ~(UINT64_C(1) << PPC_FPSCR_UX) : UINT64_MAX;
        after->fpscr &= BEGINS(row, "xvre", "xvrsq") ? ~(UINT64_C(1) << PPC_FPSCR_ZX) : UINT64_MAX;
        bool may_stop = enables & UINT64_C(1) << PPC_FPSCR_UE || BEGINS(row, "xvcmp", "xvre", "xvrsq");
        if (after->end == PPC_FP_RAISED || (may_stop && enables)) {
            forget(after, t);
        } else if (after->fpscr >> PPC_FPSCR_VXCVI & 1 && BEGINS(row, "xvcv")) {
            after->vsr[t][0] = after->vsr[t][1] = 0;
        }
    } else if (BEGINS(row, "xststdcsp") && is_below_singles(before->vsr[insn_b(before)][0])) {
        forget(after, t);
    } else if (after->end == PPC_FP_RAISED && g_str_has_suffix(row->name, "sp")) { /* beyond singles, wrapped again */
        after->vsr[t][0] = 0;
    } else if (after->end == PPC_FP_RAISED && BEGINS(row, "xscmp")) {
        after->vsr[t][0] = after->vsr[t][1] = 0;
    } else if (enables && BEGINS(row, "xsre")) {
        forget(after, t);
    }
    if (BEGINS(row, "xscvdpsxw", "xscvdpuxw")) {
        after->vsr[t][0] &= UINT32_MAX;
    }
}

/* Of quads it takes RN 1 for 3 where xsrqpi and xsrqpxp round by it, leaves what they give when
 * that raises, and cuts NaNs of xsrqpxp; xsnmsubqpo rounds as xsnmsubqp does. */
static void settle_quad(const PpcCase *before, PpcCase *after, const PpcFields *f, unsigned t) {
    if (f->rmc == 3 && !f->r && before->vsr[31][0] & 1) {
        forget(after, t);
    } else if (after->end == PPC_FP_RAISED) {
        after->vsr[t][0] = after->vsr[t][1] = 0;
    } else if ((after->vsr[t][0] >> 48 & 0x7fff) == 0x7fff) {
        after->vsr[t][1] &= UINT64_MAX << 49;
    }
}

/* It exchanges the doublewords of little-endian pairs, which the manual does not (Book I, 4.6.2). */
static void settle_pair(const PpcCase *before, PpcCase *after, const PpcRow *row, unsigned t) {
    if (before->big) {
        return;
    } else if (row->name[0] == 's') {
        after->memory = 0;
    } else if (after->vsr[t][0] > after->vsr[t + 1][0]) {
        uint64_t v = after->vsr[t][0];
        after->vsr[t][0] = after->vsr[t + 1][0];
        after->vsr[t + 1][0] = v;
    }
}

/*
 * What the manual leaves undefined, and where the black box (7.2) differs from it: it does not know FR, has FX follow every
 * exception and not only new ones, clears FI and C when numbers are compared, has an estimate of 1/0, has no FPRF for some conversions, negates before it
 * rounds, and when it raises an exception it does not record in CR1, leaves FI and FPRF, and forgets what it has converted.
 */
void ppc_settle_fp(const PpcCase *before, PpcCase *after) {
    const uint64_t fprf = UINT64_C(31) << PPC_FPSCR_FPRF, fi = UINT64_C(1) << PPC_FPSCR_FI, fx = UINT64_C(1) << PPC_FPSCR_FX;
    const uint32_t cr1 = 0x0f000000;
    PpcFields f;
    const PpcRow *row = ppc_find(before->insn[before->count - 1], &f);
    if (!ppc_is_fp(row)) {
        after->fpscr = 0;
        return;
    } else if (ppc_is_dfp(row)) {
        ppc_settle_dfp(before, after, row);
        return;
    }
    unsigned t = is_quad(row) ? f.vt + 32 : f.tx << 5 | f.t | f.ft, b = f.bx << 5 | f.b | f.fb;
    after->fpscr &= ~(UINT64_C(1) << PPC_FPSCR_FR);
    if (is_tiny_single(after->vsr[t][0])) {
        after->fpscr &= ~(UINT64_C(16) << PPC_FPSCR_FPRF); /* of a denormal single: to the black box a normal double */
    }
    if (after->end == PPC_FP_RAISED) {
        after->cr &= ~cr1;
        after->fpscr &= ~(fi | fprf);
        if (BEGINS(row, "fcfi", "frsp", "xscvsx", "xscvux", "xsrsp")) {
            after->vsr[t][0] = after->vsr[t][1] = 0;
        }
    }
    if (BEGINS(row, "lfdp", "stfdp")) {
        settle_pair(before, after, row, t);
    } else if (BEGINS(row, "mffs")) {
        after->vsr[t][0] &= ~(UINT64_C(1) << PPC_FPSCR_FR);
    } else if (strcmp(row->name, "mcrfs") == 0 && f.bfa == 3) {
        after->cr = 0; /* FR among others */
    }
    if (strcmp(row->name, "vexptefp") == 0) {
        settle_exponential(before->vsr[f.vb + 32], after->vsr[f.vt + 32]);
    }
    if (strcmp(row->name, "xsnmsubqp") == 0 && f.odd) {
        forget(after, t);
    } else if (BEGINS(row, "xsrqp")) {
        settle_quad(before, after, &f, t);
    } else if (row->name[0] == 'x') {
        settle_vsx(before, after, row, t);
    }
    if (BEGINS(row, "fcti", "fcfidu", "fcfids", "xscvdpsx", "xscvdpux", "xscvsx", "xscvux")) {
        after->fpscr &= ~fprf;
        after->vsr[t][0] &= BEGINS(row, "fctiw") ? UINT32_MAX : UINT64_MAX;
    } else if (BEGINS(row, "fcmp", "xscmp")) {
        after->fpscr &= ~(fi | UINT64_C(16) << PPC_FPSCR_FPRF);
    } else if (BEGINS(row, "fre", "frsqrte", "xsre", "xsrsqrte")) { /* single results are told of as doubles */
        after->fpscr &= ~(fi | (UINT64_C(1) << PPC_FPSCR_XX) | fx);
        after->cr &= ~cr1;
        if ((BEGINS(row, "fres", "frsqrtes") && !is_number_single(before->vsr[b][0])) || before->vsr[b][0] << 1 == 0) {
            after->vsr[t][0] = after->fpscr = 0;
        }
    } else if (strcmp(row->name, "mtfsb1") == 0) {
        after->fpscr &= ~(fx | UINT64_C(1) << PPC_FPSCR_NI);
        after->cr &= ~cr1;
    } else if (BEGINS(row, "fnm", "xsnm", "xvnm") && before->vsr[31][0] & 2) {
        forget(after, t);
    }
}
