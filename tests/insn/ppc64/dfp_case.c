/* SPDX-License-Identifier: MIT */
/*
 * dfp_case.c - operands of cases of PowerPC decimal floating-point insns, and what of their outcome counts.
 */
#include <string.h>

#include "frontend/ppc/dfp.h"
#include "frontend/ppc/fp.h"
#include "tests/insn/ppc64/run.h"

bool ppc_is_dfp(const PpcRow *row) {
    return g_str_has_prefix(row->file, "ppc_dfp");
}

/* -- operands -------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *seed) {
    return cover_random(seed);
}

/* Near 0, at the ends, or anywhere */
static int an_exponent(uint64_t *seed, const PpcDfpFormat *f) {
    int least = ppc_dfp_least(f), most = ppc_dfp_most(f), n = (int)(next(seed) % 48);
    switch (next(seed) % 8) {
    case 0: return least + n % 20;
    case 1: return most - n % 20;
    case 2: return least + (int)(next(seed) % (unsigned)(f->largest + 1));
    case 3: return least / 2 + n - 24;
    case 4: return most / 2 + n - 24;
    default: return n - 24;
    }
}

static PpcDfpBits a_decimal(uint64_t *seed, const PpcDfpFormat *f) {
    uint64_t kind = next(seed) % 16;
    PpcDecimal x = {.negative = next(seed) & 1, .exponent = an_exponent(seed, f)};
    int count = (int)(next(seed) % (unsigned)(f->precision + 1)), zeros = kind < 4 ? (int)(next(seed) % 8) : 0;
    for (int i = 0; i < count; i++) {
        x.digit[i] = i < zeros ? 0 : kind == 4 ? 9 : (uint8_t)(next(seed) % 10);
    }
    if (kind == 5 && count) { /* halfway, where few digits are cut */
        memset(x.digit, 0, (size_t)count / 2);
        x.digit[count / 2] = 5;
    }
    if (kind == 6) { /* the other operand's neighbour by chance: one digit */
        memset(x.digit + 1, 0, sizeof(x.digit) - 1);
    }
    if (kind == 7) {
        x.class = (PpcDfpClass)(next(seed) % 4);
        x.digit[f->precision - 1] = 0;
        memset(x.digit, 0, x.class == PPC_DFP_INFINITY ? sizeof(x.digit) : 0); /* which the black box does not see */
    }
    PpcDfpBits v = ppc_dfp_encode(f, &x);
    if (kind == 8) {
        PpcDfpBits random = {next(seed), next(seed)};
        return ppc_dfp_decode(f, random).class == PPC_DFP_INFINITY ? v : random;
    }
    return v;
}

static uint64_t some_digits(uint64_t *seed, bool sign) {
    uint64_t v = next(seed), r = 0;
    for (unsigned i = 0; i < 64; i += 4) {
        r |= (v >> i & 15) % 10 << i;
    }
    return sign ? (r & ~UINT64_C(15)) | (10 + next(seed) % 6) : r;
}

static unsigned field(const DecodeRow *row, uint32_t insn, const char *name, bool *there) {
    for (uint32_t i = 0; i < row->field_count; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            *there = true;
            return insn >> row->fields[i].shift & ((1u << row->fields[i].width) - 1);
        }
    }
    *there = false;
    return 0;
}

static bool starts(const DecodeRow *row, const char *prefix) {
    return g_str_has_prefix(row->name, prefix);
}

static void put(PpcCase *c, unsigned r, bool quad, PpcDfpBits v) {
    if (quad) {
        c->vsr[r & 30][0] = v.high;
        c->vsr[r | 1][0] = v.low;
    } else {
        c->vsr[r][0] = v.low;
    }
}

/* Most often such that both are of one size: sums that cancel, exponents that are near */
static void put_near(uint64_t *seed, PpcCase *c, const PpcDfpFormat *f, unsigned a, unsigned b, bool quad) {
    PpcDfpBits from = quad ? (PpcDfpBits){c->vsr[a & 30][0], c->vsr[a | 1][0]} : (PpcDfpBits){0, c->vsr[a][0]};
    PpcDecimal x = ppc_dfp_decode(f, from), y = ppc_dfp_decode(f, a_decimal(seed, f));
    int exponent = x.exponent + (int)(next(seed) % 9) - 4;
    if (x.class != PPC_DFP_FINITE || y.class != PPC_DFP_FINITE || exponent < ppc_dfp_least(f) || exponent > ppc_dfp_most(f)) {
        return;
    }
    y.exponent = next(seed) % 2 ? x.exponent : exponent;
    put(c, b, quad, ppc_dfp_encode(f, &y));
}

void ppc_fill_dfp(uint64_t *seed, PpcCase *c) {
    static const int64_t exponents[] = {0, 1, 398, 767, 768, 12287, 12288, 6176, -1, -2, -3, -4, INT64_MAX, INT64_MIN};
    uint32_t insn = c->insn[c->count - 1];
    const DecodeRow *row = ppc_rows_find(insn);
    bool part = starts(row, "diex") || starts(row, "dsc"); /* the black box leaves what is not canonical, and the rest */
    bool has_a, has_b, has_t, quad = insn >> 26 == 63;
    const PpcDfpFormat *f = quad ? &ppc_dfp_extended : &ppc_dfp_long;
    unsigned a = field(row, insn, "fa", &has_a), b = field(row, insn, "fb", &has_b), t = field(row, insn, "ft", &has_t);
    if (has_t) {
        put(c, t, quad, a_decimal(seed, f));
    }
    if (has_a) {
        put(c, a, quad, a_decimal(seed, f));
    }
    if (has_b) {
        put(c, b, quad, a_decimal(seed, f));
    }
    if (has_a && has_b && next(seed) % 4) {
        put_near(seed, c, f, a, b, quad);
    }
    if (starts(row, "drrnd") || starts(row, "dtstsf")) {
        c->vsr[a][0] = has_a ? (next(seed) & ~UINT64_C(63)) | next(seed) % (quad ? 40 : 20) : c->vsr[a][0];
    } else if (starts(row, "diex")) {
        c->vsr[a][0] = next(seed) % 4 ? next(seed) % 800 : (uint64_t)exponents[next(seed) % G_N_ELEMENTS(exponents)];
    }
    if (part) {
        unsigned r = has_b ? b : a;
        PpcDecimal x = ppc_dfp_decode(f, quad ? (PpcDfpBits){c->vsr[r & 30][0], c->vsr[r | 1][0]} : (PpcDfpBits){0, c->vsr[r][0]});
        put(c, r, quad, ppc_dfp_encode(f, &x));
    } else if (strcmp(row->name, "dctdp") == 0) {
        c->vsr[b][0] = a_decimal(seed, &ppc_dfp_short).low | next(seed) << 32;
    } else if (strcmp(row->name, "dctqpq") == 0) {
        c->vsr[b][0] = a_decimal(seed, &ppc_dfp_long).low;
    } else if (starts(row, "dcffix")) {
        c->vsr[b][0] = (uint64_t)((int64_t)next(seed) >> next(seed) % 64);
    } else if (starts(row, "denbcd")) { /* digits that are none pass the black box; some signs are none */
        put(c, b, quad, (PpcDfpBits){some_digits(seed, false), some_digits(seed, insn >> 20 & 1 && next(seed) % 8)});
    }
}

/* -- what is undefined -------------------------------------------------------------------------------- */

/*
 * Of decimals the black box never raises an enabled exception, nor does it keep back or wrap the result; it does not know FR, never
 * clears FI, has FEX without enabled exceptions, and after VXCVI no FPRF for denbcd; it has the result of drdpq in the second
 * register, and drops a NaN that is too long.
 */
void ppc_settle_dfp(const PpcCase *before, PpcCase *after, const PpcRow *row) {
    const uint64_t one = 1, fi = one << PPC_FPSCR_FI, fex = one << PPC_FPSCR_FEX, start = before->vsr[31][0];
    PpcFields f;
    ppc_find(before->insn[before->count - 1], &f);
    uint64_t *t = after->vsr[f.ft], *second = after->vsr[f.ft | 1];
    bool narrows = strcmp(row->name, "drsp") == 0 || strcmp(row->name, "drdpq") == 0;
    after->fpscr &= ~(one << PPC_FPSCR_FR | (start & fi));
    if (!(start & PPC_FPSCR_ENABLES)) {
        after->fpscr &= ~fex;
        after->cr &= f.rc ? ~UINT32_C(0x04000000) : UINT32_MAX;
    }
    if (after->fpscr >> PPC_FPSCR_VXCVI & 1 && g_str_has_prefix(row->name, "denbcd")) {
        after->fpscr &= ~(UINT64_C(31) << PPC_FPSCR_FPRF);
    }
    if (strcmp(row->name, "drdpq") == 0) {
        t[0] |= second[0];
        second[0] = 0;
    }
    bool lost = narrows && (before->vsr[f.fb][0] >> 58 & 31) == 31, traps = start & PPC_FPSCR_ENABLES && after->fpscr & PPC_FPSCR_STICKY;
    traps |= start >> PPC_FPSCR_UE & 1 && !g_str_has_prefix(row->name, "dt"); /* also of what is tiny and exact */
    if (lost || traps) {
        t[0] = t[1] = second[0] = second[1] = after->fpscr = after->end = after->pc = after->cr = 0;
    }
}
