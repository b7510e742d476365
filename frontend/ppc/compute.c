/* SPDX-License-Identifier: MIT */
/*
 * compute.c - helpers that only compute.
 * Spec: Power ISA 3.0B Book I, 3.3.10 (divide extended), 3.3.13 (bpermd), 3.3.16 (decimal assists), 3.3.9 (darn), 4.6.2 and 4.6.3 (formats in
 * registers and memory).
 */
#include "frontend/ppc/dfp.h"
#include "frontend/ppc/spr.h"

uint64_t ppc_helper_divde(Env *env, uint64_t a, uint64_t b);
uint32_t ppc_helper_divde_fits(Env *env, uint64_t a, uint64_t b);
uint64_t ppc_helper_divdeu(Env *env, uint64_t a, uint64_t b);
uint64_t ppc_helper_bpermd(Env *env, uint64_t selectors, uint64_t from);
uint64_t ppc_helper_cdtbcd(Env *env, uint64_t v);
uint64_t ppc_helper_cbcdtd(Env *env, uint64_t v);
uint64_t ppc_helper_random(Env *env, uint32_t kind);

/* a << 64 by b; false: the quotient does not fit. */
static bool divide(uint64_t a, uint64_t b, int64_t *quotient) {
    bool negative = (int64_t)(a ^ b) < 0;
    uint64_t x = (int64_t)a < 0 ? -a : a, y = (int64_t)b < 0 ? -b : b;
    if (x >= y) { /* also where y is 0 */
        return false;
    }
    uint64_t q = (uint64_t)(((unsigned __int128)x << 64) / y);
    *quotient = negative ? (int64_t)-q : (int64_t)q;
    return negative ? q <= UINT64_C(1) << 63 : q <= INT64_MAX;
}

uint64_t ppc_helper_divde(Env *env, uint64_t a, uint64_t b) {
    int64_t quotient;
    return divide(a, b, &quotient) ? (uint64_t)quotient : 0;
}

uint32_t ppc_helper_divde_fits(Env *env, uint64_t a, uint64_t b) {
    int64_t quotient;
    return divide(a, b, &quotient);
}

uint64_t ppc_helper_divdeu(Env *env, uint64_t a, uint64_t b) {
    return a < b ? (uint64_t)(((unsigned __int128)a << 64) / b) : 0;
}

/* Each byte of selectors picks a bit, counted from the highest. */
uint64_t ppc_helper_bpermd(Env *env, uint64_t selectors, uint64_t from) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = selectors >> 8 * i & 0xff;
        v |= n < 64 ? (from >> (63 - n) & 1) << i : 0;
    }
    return v;
}

/* Which digits of three are 8 or 9 (4 2 1 from the highest), by bits s t of a declet where v w x are 1. */
static const uint8_t large_by_st[4] = {6, 5, 3, 7};

/* A densely packed decimal of ten bits, p q r s t u v w x y, to three digits */
unsigned ppc_dpd_unpack(unsigned d) {
    unsigned pq = d >> 8 & 3, st = d >> 5 & 3, wx = d >> 1 & 3;
    unsigned large = !(d >> 3 & 1) ? 0 : wx == 3 ? large_by_st[st] : 1u << wx;
    unsigned parts[3] = {pq, st, wx}; /* the upper two bits of the digits that are below 8 */
    if (large == 4 || large == 6) {
        parts[2] = pq;
    } else if (large == 2) {
        parts[2] = st;
    } else if (large == 5) {
        parts[1] = pq;
    }
    unsigned v = 0;
    for (unsigned i = 0; i < 3; i++) {
        unsigned low = d >> (7 - (i == 0 ? 0 : i == 1 ? 3 : 7)) & 1;
        v = v << 4 | (large & 4 >> i ? 8 : parts[i] << 1) | low;
    }
    return v;
}

unsigned ppc_dpd_pack(unsigned bcd) {
    unsigned digit[3] = {bcd >> 8 & 15, bcd >> 4 & 15, bcd & 15}, large = 0, parts[3];
    for (unsigned i = 0; i < 3; i++) {
        large |= digit[i] & 8 ? 4u >> i : 0;
        parts[i] = digit[i] >> 1 & 3;
    }
    unsigned pq = large & 4 ? (large == 5 ? parts[1] : large == 7 ? 0 : parts[2]) : parts[0];
    unsigned st = large & 2 ? parts[2] : parts[1], wx = large == 4 ? 2 : large == 2 ? 1 : large == 1 ? 0 : parts[2];
    if (large & (large - 1)) {
        wx = 3;
        st = large == 6 ? 0 : large == 5 ? 1 : large == 3 ? 2 : 3;
    }
    return pq << 8 | (digit[0] & 1) << 7 | st << 5 | (digit[1] & 1) << 4 | (large ? 8 : 0) | wx << 1 | (digit[2] & 1);
}

/* Two declets of each word to six digits, and back */
uint64_t ppc_helper_cdtbcd(Env *env, uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += 32) {
        r |= (uint64_t)(ppc_dpd_unpack(v >> i & 0x3ff) | ppc_dpd_unpack(v >> (i + 10) & 0x3ff) << 12) << i;
    }
    return r;
}

uint64_t ppc_helper_cbcdtd(Env *env, uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += 32) {
        r |= (uint64_t)(ppc_dpd_pack(v >> i & 0xfff) | ppc_dpd_pack(v >> (i + 12) & 0xfff) << 10) << i;
    }
    return r;
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). kind: 0: 32 bits, 1 and 2: 64;
 * 3 is reserved, and gives the answer that means failure. */
uint64_t ppc_helper_random(Env *env, uint32_t kind) {
    uint64_t z = ppc_cold(env)->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return kind == 0 ? (uint32_t)z : kind == 3 ? UINT64_MAX : z;
}

