/* SPDX-License-Identifier: MIT */
/*
 * vec_seq.c - sequences of vector instructions that several rules share: shifts, compares, minima, widening, env.qc.
 * Spec: Intel SDM volume 2.
 */
#include "backend-x86_64/vec.h"

const uint32_t v_add[4] = {PADDB, PADDW, PADDD, PADDQ};
const uint32_t v_sub[4] = {PSUBB, PSUBW, P66(0x0ffa), P66(0x0ffb)};
const uint32_t v_unpack_low[4] = {PUNPCKLBW, PUNPCKLWD, P66(0x0f62), PUNPCKLQDQ};
const uint32_t v_unpack_high[4] = {P66(0x0f68), PUNPCKHWD, P66(0x0f6a), PUNPCKHQDQ};

/* -- shifts -- */

static void shift(HostCode *h, unsigned e, unsigned extension, unsigned d, unsigned a, unsigned n) {
    static const uint32_t group[4] = {P66(0x0f71), P66(0x0f71), P66(0x0f72), P66(0x0f73)};
    v_group(h, group[e], extension, d, a, n);
}

/* Bytes are shifted as words, and what comes over from the neighbour is cut off. */
static void shift_logical(HostCode *h, unsigned e, bool left, unsigned d, unsigned a, unsigned n) {
    if (n == 0) {
        v_mov(h, d, a);
    } else if (n >= 8u << e) {
        v_zero(h, d);
    } else if (e == 0 && v_has(h, X64_AVX512)) {
        v3mi(h, AFFINE, d, a, v_pool((left ? POOL_GF_LEFT : POOL_GF_RIGHT) + n), 0);
    } else {
        shift(h, e, left ? SHIFT_LEFT : SHIFT_RIGHT, d, a, n);
        if (e == 0) {
            v3m(h, PAND, d, d, v_pool(left ? POOL_HIGH + n : POOL_LOW + 8 - n));
        }
    }
}
void v_shl(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n) {
    shift_logical(h, e, true, d, a, n);
}
void v_shr(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n) {
    shift_logical(h, e, false, d, a, n);
}

void v_sar(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned n, unsigned t) {
    n = n < 8u << e ? n : (8u << e) - 1;
    if (n == 0) {
        v_mov(h, d, a);
    } else if (e == 0 && v_has(h, X64_AVX512)) {
        v3mi(h, AFFINE, d, a, v_pool(POOL_GF_SIGNED + n), 0);
    } else if (e == 0) {
        shift(h, 0, SHIFT_RIGHT, d, a, n);
        v3m(h, PAND, d, d, v_pool(POOL_LOW + 8 - n));
        v3m(h, PXOR, d, d, v_pool(POOL_BIT + 7 - n));
        v3m(h, PSUBB, d, d, v_pool(POOL_BIT + 7 - n));
    } else if (e < 3) {
        shift(h, e, SHIFT_SIGNED, d, a, n);
    } else if (v_has(h, X64_AVX512)) {
        v_group(h, EVEX1(0x0f72), SHIFT_SIGNED, d, a, n);
    } else {
        v_sign(h, 3, t, a);
        shift(h, 3, SHIFT_RIGHT, d, a, n);
        shift(h, 3, SHIFT_LEFT, t, t, 64 - n);
        v3(h, POR, d, d, t);
    }
}

void v_sign(HostCode *h, unsigned e, unsigned d, unsigned a) {
    if (e == 0) {
        v_zero(h, d);
        v3(h, PCMPGTB, d, d, a);
    } else if (e == 3) {
        v2i(h, PSHUFD, d, a, 0xf5);
        shift(h, 2, SHIFT_SIGNED, d, d, 31);
    } else {
        shift(h, e, SHIFT_SIGNED, d, a, (8u << e) - 1);
    }
}

/* -- compares -- */

void v_eq(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned b, unsigned t) {
    static const uint32_t op[4] = {PCMPEQB, PCMPEQW, PCMPEQD, P66(0x0f3829)};
    if (e < 3 || v_has(h, X64_AVX2)) {
        v3(h, op[e], d, a, b);
    } else {
        v3(h, PCMPEQD, d, a, b);
        v2i(h, PSHUFD, t, d, 0xb1);
        v3(h, PAND, d, d, t);
    }
}

static void gt_signed(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned b, unsigned t) {
    static const uint32_t op[4] = {PCMPGTB, P66(0x0f65), PCMPGTD, P66(0x0f3837)};
    if (e < 3 || v_has(h, X64_AVX2)) {
        v3(h, op[e], d, a, b);
    } else { /* high words greater, or equal and b - a borrows */
        v3(h, PCMPEQD, t, a, b);
        v3(h, v_sub[3], d, b, a);
        v3(h, PAND, t, t, d);
        v3(h, PCMPGTD, d, a, b);
        v3(h, POR, d, d, t);
        v2i(h, PSHUFD, d, d, 0xf5);
    }
}

static void gt_mask(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned b) {
    static const uint32_t compare[4] = {EVEX0(0x0f3a3e), EVEX1(0x0f3a3e), EVEX0(0x0f3a1e), EVEX1(0x0f3a1e)};
    static const uint32_t spread[4] = {PF3(0x0f3828), PF3(0x0f3828) | V_W, PF3(0x0f3838), PF3(0x0f3838) | V_W};
    v3i(h, compare[e], 1, a, b, 6);
    v2(h, spread[e] | V_EVEX, d, 1);
}

static void gt_unsigned(HostCode *h, unsigned e, unsigned d, unsigned a, unsigned b, unsigned t) {
    static const uint32_t min[3] = {PMINUB, PMINUW, P66(0x0f383b)};
    if (v_has(h, X64_AVX512)) {
        gt_mask(h, e, d, a, b);
    } else if (e == 0 || (e < 3 && v_has(h, X64_AVX2))) {
        v3(h, min[e], d, a, b);
        v_eq(h, e, d, d, a, t);
        v_not(h, d, d);
    } else if (e == 1) {
        v3(h, P66(0x0fd9), d, a, b); /* psubusw */
        v_zero(h, t);
        v3(h, PCMPEQW, d, d, t);
        v_not(h, d, d);
    } else if (e == 2 || v_has(h, X64_AVX2)) {
        v3m(h, PXOR, d, a, v_pool(POOL_TOP + e));
        v3m(h, PXOR, t, b, v_pool(POOL_TOP + e));
        gt_signed(h, e, d, d, t, t);
    } else { /* the borrow of b - a: ~b & a | ~(b ^ a) & (b - a) */
        v3(h, v_sub[3], t, b, a);
        v3(h, PXOR, d, b, a);
        v3(h, PANDN, d, d, t);
        v3(h, PANDN, t, b, a);
        v3(h, POR, d, d, t);
        v_sign(h, 3, d, d);
    }
}

void v_gt(HostCode *h, unsigned e, bool is_signed, unsigned d, unsigned a, unsigned b, unsigned t) {
    (is_signed ? gt_signed : gt_unsigned)(h, e, d, a, b, t);
}

void v_minmax(HostCode *h, unsigned e, bool is_signed, bool min, unsigned d, unsigned a, unsigned b, unsigned t) {
    /* [signed][min][e] */
    static const uint32_t op[2][2][4] = {
        {{P66(0x0fde), P66(0x0f383e), P66(0x0f383f), EVEX1(0x0f383f)},
         {PMINUB, PMINUW, P66(0x0f383b), EVEX1(0x0f383b)}},
        {{P66(0x0f383c), PMAXSW, PMAXSD, EVEX1(0x0f383d)},
         {P66(0x0f3838), P66(0x0fea), P66(0x0f3839), EVEX1(0x0f3839)}},
    };
    bool always = e == (is_signed ? 1 : 0);
    if (always || (e < 3 && v_has(h, X64_AVX2)) || v_has(h, X64_AVX512)) {
        v3(h, op[is_signed][min][e], d, a, b);
        return;
    }
    v_gt(h, e, is_signed, t, a, b, d);
    v3(h, PXOR, d, a, b);
    v3(h, PAND, d, d, t);
    v3(h, PXOR, d, d, min ? a : b); /* where a > b, this exchanges them */
}

/* -- widths -- */

void v_widen(HostCode *h, unsigned e, bool is_signed, bool high, unsigned d, unsigned a) {
    static const uint32_t extend[2][3] = {{P66(0x0f3830), P66(0x0f3833), P66(0x0f3835)},
                                          {P66(0x0f3820), P66(0x0f3823), P66(0x0f3825)}};
    const uint32_t *unpack = high ? v_unpack_high : v_unpack_low;
    if (v_has(h, X64_AVX2) && (is_signed || !high)) {
        if (high) {
            v2i(h, PSHUFD, d, a, 0xee);
        }
        v2(h, extend[is_signed][e], d, high ? d : a);
    } else if (!is_signed && v_has(h, X64_AVX2)) {
        v_zero(h, d);
        v3(h, unpack[e], d, a, d);
    } else if (is_signed && e < 2) { /* each lane twice, then the copy above is the value */
        v3(h, unpack[e], d, a, a);
        v_group(h, e == 0 ? P66(0x0f71) : P66(0x0f72), SHIFT_SIGNED, d, d, 8u << e);
    } else if (is_signed) { /* (x ^ top) - top, lanes of 64 bits */
        v3(h, unpack[2], d, a, a);
        v_shr(h, 3, d, d, 32);
        v3m(h, PXOR, d, d, v_pool(POOL_SIGN_32));
        v3m(h, v_sub[3], d, d, v_pool(POOL_SIGN_32));
    } else {
        v3(h, unpack[e], d, a, a);
        v_shr(h, e + 1, d, d, 8u << e);
    }
}

/* -- env.qc -- */

static void set_qc(HostCode *h) {
    x_ro(h, 0xc7, 0, 0, ENV_AT(qc));
    x_32(h, 1);
}

void v_qc_if_any(HostCode *h, unsigned t, unsigned r) {
    if (v_has(h, X64_AVX2)) {
        v2(h, PTEST, t, t);
    } else {
        v2(h, PMOVMSKB, r, t);
        x_rr(h, 0x85, 0, r, r);
    }
    HostFixup none = x_jcc(h, CC_E);
    set_qc(h);
    x_bind(h, none);
}

void v_qc_if_differ(HostCode *h, unsigned x, unsigned y, unsigned t, unsigned r) {
    if (v_has(h, X64_AVX2)) {
        v3(h, PXOR, t, x, y);
        v_qc_if_any(h, t, r);
        return;
    }
    v3(h, PCMPEQB, t, x, y);
    v2(h, PMOVMSKB, r, t);
    x_group1(h, 7, 0, x_reg(r), 0xffff);
    HostFixup none = x_jcc(h, CC_E);
    set_qc(h);
    x_bind(h, none);
}
