/* SPDX-License-Identifier: MIT */
/*
 * interp_vec.c - the meaning of the integer vector operations in ops_vec.def, in C.
 *
 * Every function is an IrFn. The destination may be one of the sources, so each computes into `r` first. The common
 * operations are plain loops per lane size, which the compiler turns into vector code; the others walk over lanes
 * with lane_u, lane_s and lane_set.
 */
#include "ir/interp.h"

#include <string.h>

#define FN(name)                                                                                                       \
    void interp_##name(Env *env, IrVal *d, const IrVal *a, const IrVal *b, const IrVal *c, uint64_t info)

/* Lane-wise E of x (lane of a) and y (lane of b): the loops of one lane type, then the op over the four types. */
#define LOOP2(T, M, N, E)                                                                                              \
    for (unsigned i = 0; i < (N); i++) {                                                                               \
        const T x = a->M[i], y = b->M[i];                                                                              \
        r.M[i] = (T)(E);                                                                                               \
    }                                                                                                                  \
    break
#define LOOP1(T, M, N, E)                                                                                              \
    for (unsigned i = 0; i < (N); i++) {                                                                               \
        const T x = a->M[i];                                                                                           \
        r.M[i] = (T)(E);                                                                                               \
    }                                                                                                                  \
    break
#define OVER_U(LOOP, E)                                                                                                \
    switch (IR_INFO_AUX(info) & IR_VEC_LANE) {                                                                         \
    case 0: LOOP(uint8_t, b, 16, E);                                                                                   \
    case 1: LOOP(uint16_t, h, 8, E);                                                                                   \
    case 2: LOOP(uint32_t, s, 4, E);                                                                                   \
    default: LOOP(uint64_t, d, 2, E);                                                                                  \
    }
#define OVER_S(LOOP, E)                                                                                                \
    switch (IR_INFO_AUX(info) & IR_VEC_LANE) {                                                                         \
    case 0: LOOP(int8_t, sb, 16, E);                                                                                   \
    case 1: LOOP(int16_t, sh, 8, E);                                                                                   \
    case 2: LOOP(int32_t, ss, 4, E);                                                                                   \
    default: LOOP(int64_t, sd, 2, E);                                                                                  \
    }
#define DEFINE(name, OVER, LOOP, E)                                                                                    \
    FN(name) {                                                                                                         \
        IrVal r;                                                                                                       \
        OVER(LOOP, E)                                                                                                  \
        *d = r;                                                                                                        \
    }
/* Signed or unsigned as aux says, E the same text. */
#define DEFINE_SU(name, LOOP, E)                                                                                       \
    FN(name) {                                                                                                         \
        IrVal r;                                                                                                       \
        if (IR_INFO_AUX(info) & IR_VEC_SIGNED) {                                                                       \
            OVER_S(LOOP, E)                                                                                            \
        } else {                                                                                                       \
            OVER_U(LOOP, E)                                                                                            \
        }                                                                                                              \
        *d = r;                                                                                                        \
    }
#define DEFINE_BITS(name, E)                                                                                           \
    FN(name) {                                                                                                         \
        for (unsigned i = 0; i < 2; i++) {                                                                             \
            d->d[i] = (E);                                                                                             \
        }                                                                                                              \
    }

/* -- one lane -- */

static unsigned lane_log2(uint64_t info) {
    return IR_INFO_AUX(info) & IR_VEC_LANE;
}
static uint64_t lane_u(const IrVal *v, unsigned e, unsigned i) {
    switch (e) {
    case 0: return v->b[i & 15];
    case 1: return v->h[i & 7];
    case 2: return v->s[i & 3];
    default: return v->d[i & 1];
    }
}
static int64_t lane_s(const IrVal *v, unsigned e, unsigned i) {
    switch (e) {
    case 0: return v->sb[i & 15];
    case 1: return v->sh[i & 7];
    case 2: return v->ss[i & 3];
    default: return v->sd[i & 1];
    }
}
static void lane_set(IrVal *v, unsigned e, unsigned i, uint64_t x) {
    switch (e) {
    case 0: v->b[i & 15] = (uint8_t)x; break;
    case 1: v->h[i & 7] = (uint16_t)x; break;
    case 2: v->s[i & 3] = (uint32_t)x; break;
    default: v->d[i & 1] = x; break;
    }
}
static int64_t lane_max_s(unsigned e) {
    return INT64_MAX >> (64 - (8 << e));
}
static uint64_t lane_max_u(unsigned e) {
    return UINT64_MAX >> (64 - (8 << e));
}

/* x as a signed (or unsigned) lane of 2^e bytes, saturated. */
static uint64_t saturate(Env *env, __int128 x, unsigned e, bool is_signed) {
    __int128 high = is_signed ? (__int128)lane_max_s(e) : (__int128)lane_max_u(e);
    __int128 low = is_signed ? -(__int128)lane_max_s(e) - 1 : 0;
    if (x > high || x < low) {
        env->qc = 1;
        return (uint64_t)(x > high ? high : low);
    }
    return (uint64_t)x;
}

/* -- bits -- */

DEFINE_BITS(vand, a->d[i] & b->d[i])
DEFINE_BITS(vor, a->d[i] | b->d[i])
DEFINE_BITS(vxor, a->d[i] ^ b->d[i])
DEFINE_BITS(vandn, a->d[i] & ~b->d[i])
DEFINE_BITS(vorn, a->d[i] | ~b->d[i])
DEFINE_BITS(vnot, ~a->d[i])
DEFINE_BITS(vbsl, (a->d[i] & b->d[i]) | (~a->d[i] & c->d[i]))

/* -- arithmetic -- */

DEFINE(vadd, OVER_U, LOOP2, x + y)
DEFINE(vsub, OVER_U, LOOP2, x - y)
DEFINE(vmul, OVER_U, LOOP2, (uint64_t)x * y)
DEFINE(vneg, OVER_U, LOOP1, 0 - x)
DEFINE(vabs, OVER_S, LOOP1, x < 0 ? -x : x)
DEFINE_SU(vabd, LOOP2, x > y ? x - y : y - x)
DEFINE_SU(vhsub, LOOP2, (x >> 1) - (y >> 1) - (~x & y & 1))
DEFINE_SU(vhadd, LOOP2,
          IR_INFO_AUX(info) & IR_VEC_ROUND ? (x >> 1) + (y >> 1) + ((x | y) & 1) : (x >> 1) + (y >> 1) + (x & y & 1))

/* -- compares -- */

DEFINE(vcmeq, OVER_U, LOOP2, x == y ? -1 : 0)
DEFINE(vcmgt, OVER_S, LOOP2, x > y ? -1 : 0)
DEFINE(vcmge, OVER_S, LOOP2, x >= y ? -1 : 0)
DEFINE(vcmhi, OVER_U, LOOP2, x > y ? -1 : 0)
DEFINE(vcmhs, OVER_U, LOOP2, x >= y ? -1 : 0)
DEFINE(vcmtst, OVER_U, LOOP2, (x & y) != 0 ? -1 : 0)
DEFINE(vsmax, OVER_S, LOOP2, x > y ? x : y)
DEFINE(vsmin, OVER_S, LOOP2, x < y ? x : y)
DEFINE(vumax, OVER_U, LOOP2, x > y ? x : y)
DEFINE(vumin, OVER_U, LOOP2, x < y ? x : y)

/* -- shifts -- */

/* Shifts by the whole width are split in two; n - 1 is not negative where it is used. */
#define BY(info) ((unsigned)IR_INFO_IMM(info) & 127)

FN(vshl) {
    IrVal r = {.d = {0, 0}};
    const unsigned n = BY(info);
    if (n < 8u << lane_log2(info)) {
        OVER_U(LOOP1, (uint64_t)x << n)
    }
    *d = r;
}
FN(vshr) {
    IrVal r = {.d = {0, 0}};
    const unsigned n = BY(info);
    if (n < 8u << lane_log2(info)) {
        OVER_U(LOOP1, x >> n)
    }
    *d = r;
}
FN(vsar) {
    IrVal r;
    const unsigned width = 8u << lane_log2(info);
    const unsigned n = BY(info) < width ? BY(info) : width - 1;
    OVER_S(LOOP1, x >> n)
    *d = r;
}
FN(vrshr) {
    const unsigned width = 8u << lane_log2(info);
    const unsigned n = ((BY(info) < width ? BY(info) : width) - 1) & 63;
    IrVal r;
    if (IR_INFO_AUX(info) & IR_VEC_SIGNED) {
        OVER_S(LOOP1, (x >> n >> 1) + (x >> n & 1))
    } else {
        OVER_U(LOOP1, (x >> n >> 1) + (x >> n & 1))
    }
    *d = r;
}
FN(vsli) {
    const unsigned e = lane_log2(info), width = 8u << e, n = BY(info);
    const uint64_t low = n >= width ? lane_max_u(e) : ((uint64_t)1 << n) - 1;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const uint64_t shifted = n >= width ? 0 : lane_u(b, e, i) << n;
        lane_set(&r, e, i, shifted | (lane_u(a, e, i) & low));
    }
    *d = r;
}
FN(vsri) {
    const unsigned e = lane_log2(info), width = 8u << e, n = BY(info);
    const uint64_t low = n >= width ? 0 : lane_max_u(e) >> n;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const uint64_t shifted = n >= width ? 0 : lane_u(b, e, i) >> n;
        lane_set(&r, e, i, shifted | (lane_u(a, e, i) & ~low));
    }
    *d = r;
}

/* x >> n for n > 0, exact also where n exceeds the width; rounding adds 2^(n-1) without loss. */
static int64_t shift_right_s(int64_t x, unsigned n, bool round) {
    if (round) {
        return n > 64 ? 0 : (x >> (n - 1) >> 1) + (x >> (n - 1) & 1);
    }
    return x >> (n > 63 ? 63 : n);
}
static uint64_t shift_right_u(uint64_t x, unsigned n, bool round) {
    if (round) {
        return n > 64 ? 0 : (x >> (n - 1) >> 1) + (x >> (n - 1) & 1);
    }
    return n > 63 ? 0 : x >> n;
}

FN(vshlr) {
    const unsigned e = lane_log2(info), aux = IR_INFO_AUX(info);
    const int width = 8 << e;
    const bool round = aux & IR_VEC_ROUND;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const int n = (int8_t)lane_u(b, e, i);
        uint64_t x = aux & IR_VEC_SIGNED ? (uint64_t)lane_s(a, e, i) : lane_u(a, e, i);
        if (n >= 0) {
            x = n >= width ? 0 : x << n;
        } else if (aux & IR_VEC_SIGNED) {
            x = (uint64_t)shift_right_s((int64_t)x, (unsigned)-n, round);
        } else {
            x = shift_right_u(x, (unsigned)-n, round);
        }
        lane_set(&r, e, i, x);
    }
    *d = r;
}

FN(vshm) {
    const unsigned e = lane_log2(info), aux = IR_INFO_AUX(info);
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const unsigned n = (unsigned)lane_u(b, e, i) & ((8u << e) - 1);
        const uint64_t x = lane_u(a, e, i);
        lane_set(&r, e, i, !(aux & IR_VEC_ALT) ? x << n : aux & IR_VEC_SIGNED ? (uint64_t)(lane_s(a, e, i) >> n) : x >> n);
    }
    *d = r;
}

/* -- saturating -- */

/* The built-in F tells that a result does not fit T. A signed one that overflows has the sign of x. */
#define LOOP_Q(T, M, N, F, LIMIT)                                                                                      \
    for (unsigned i = 0; i < (N); i++) {                                                                               \
        const T x = a->M[i], y = b->M[i];                                                                              \
        T z;                                                                                                           \
        if (F(x, y, &z)) {                                                                                             \
            z = (T)(LIMIT);                                                                                            \
            env->qc = 1;                                                                                               \
        }                                                                                                              \
        (void)x;                                                                                                       \
        r.M[i] = z;                                                                                                    \
    }                                                                                                                  \
    break
#define SIGNED_LIMIT(max) (x < 0 ? -(max)-1 : (max))
#define DEFINE_Q(name, F, UNSIGNED_LIMIT)                                                                              \
    FN(name) {                                                                                                         \
        IrVal r;                                                                                                       \
        switch (IR_INFO_AUX(info) & (IR_VEC_LANE | IR_VEC_SIGNED)) {                                                   \
        case 0: LOOP_Q(uint8_t, b, 16, F, UNSIGNED_LIMIT);                                                             \
        case 1: LOOP_Q(uint16_t, h, 8, F, UNSIGNED_LIMIT);                                                             \
        case 2: LOOP_Q(uint32_t, s, 4, F, UNSIGNED_LIMIT);                                                             \
        case 3: LOOP_Q(uint64_t, d, 2, F, UNSIGNED_LIMIT);                                                             \
        case 4: LOOP_Q(int8_t, sb, 16, F, SIGNED_LIMIT(INT8_MAX));                                                     \
        case 5: LOOP_Q(int16_t, sh, 8, F, SIGNED_LIMIT(INT16_MAX));                                                    \
        case 6: LOOP_Q(int32_t, ss, 4, F, SIGNED_LIMIT(INT32_MAX));                                                    \
        default: LOOP_Q(int64_t, sd, 2, F, SIGNED_LIMIT(INT64_MAX));                                                   \
        }                                                                                                              \
        *d = r;                                                                                                        \
    }

DEFINE_Q(vqadd, __builtin_add_overflow, UINT64_MAX)
DEFINE_Q(vqsub, __builtin_sub_overflow, 0)

FN(vqaddx) {
    const unsigned e = lane_log2(info);
    const bool is_signed = IR_INFO_AUX(info) & IR_VEC_SIGNED;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const __int128 x = is_signed ? (__int128)lane_s(a, e, i) : (__int128)lane_u(a, e, i);
        const __int128 y = is_signed ? (__int128)lane_u(b, e, i) : (__int128)lane_s(b, e, i);
        lane_set(&r, e, i, saturate(env, x + y, e, is_signed));
    }
    *d = r;
}
FN(vqabs) {
    const unsigned e = lane_log2(info);
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const __int128 x = lane_s(a, e, i);
        lane_set(&r, e, i, saturate(env, x < 0 ? -x : x, e, true));
    }
    *d = r;
}
FN(vqneg) {
    const unsigned e = lane_log2(info);
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        lane_set(&r, e, i, saturate(env, -(__int128)lane_s(a, e, i), e, true));
    }
    *d = r;
}

/* x << n, 0 <= n <= 127, saturated to a lane of 2^e bytes. */
static uint64_t shift_left_saturate(Env *env, __int128 x, unsigned n, unsigned e, bool is_signed) {
    if (n > 63 && x != 0) { /* beyond any lane */
        x = x < 0 ? -1 : 1;
        n = 100;
    }
    return x ? saturate(env, x * ((__int128)1 << n), e, is_signed) : 0;
}
FN(vqshl) {
    const unsigned e = lane_log2(info), aux = IR_INFO_AUX(info);
    const bool signed_in = aux & (IR_VEC_SIGNED | IR_VEC_ALT);
    const bool signed_out = (aux & (IR_VEC_SIGNED | IR_VEC_ALT)) == IR_VEC_SIGNED;
    const bool round = aux & IR_VEC_ROUND;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const int n = (int8_t)lane_u(b, e, i);
        uint64_t z;
        if (n >= 0) {
            const __int128 x = signed_in ? (__int128)lane_s(a, e, i) : (__int128)lane_u(a, e, i);
            z = shift_left_saturate(env, x, (unsigned)n, e, signed_out);
        } else if (signed_in) {
            z = saturate(env, shift_right_s(lane_s(a, e, i), (unsigned)-n, round), e, signed_out);
        } else {
            z = shift_right_u(lane_u(a, e, i), (unsigned)-n, round);
        }
        lane_set(&r, e, i, z);
    }
    *d = r;
}

/* The high half of 2p is p >> (width - 1); halving first keeps p inside 64 bits. */
FN(vqdmulh) {
    const unsigned e = lane_log2(info), width = 8u << e;
    const int64_t round = IR_INFO_AUX(info) & IR_VEC_ROUND ? (int64_t)1 << (width - 2) : 0;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const int64_t p = lane_s(a, e, i) * lane_s(b, e, i) + round;
        lane_set(&r, e, i, saturate(env, p >> (width - 1), e, true));
    }
    *d = r;
}
FN(vqrdmla) {
    const unsigned e = lane_log2(info), width = 8u << e;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const int64_t p = lane_s(b, e, i) * lane_s(c, e, i);
        const int64_t acc = (int64_t)((uint64_t)lane_s(a, e, i) << (width - 1)) + ((int64_t)1 << (width - 2));
        const int64_t sum = IR_INFO_AUX(info) & IR_VEC_ALT ? acc - p : acc + p;
        lane_set(&r, e, i, saturate(env, sum >> (width - 1), e, true));
    }
    *d = r;
}
FN(vqdmull) {
    const unsigned e = lane_log2(info) < 2 ? 1 : 2, n = 8u >> e;
    const unsigned first = IR_INFO_AUX(info) & IR_VEC_HIGH ? n : 0;
    IrVal r;
    for (unsigned i = 0; i < n; i++) {
        const __int128 p = (__int128)lane_s(a, e, first + i) * lane_s(b, e, first + i) * 2;
        lane_set(&r, e + 1, i, saturate(env, p, e + 1, true));
    }
    *d = r;
}
FN(vqnarrow) {
    const unsigned e = lane_log2(info), aux = IR_INFO_AUX(info);
    const bool signed_in = aux & (IR_VEC_SIGNED | IR_VEC_ALT);
    const bool signed_out = (aux & (IR_VEC_SIGNED | IR_VEC_ALT)) == IR_VEC_SIGNED;
    IrVal r = {.d = {0, 0}};
    for (unsigned i = 0; e < 3 && i < 8u >> e; i++) {
        const __int128 x = signed_in ? (__int128)lane_s(a, e + 1, i) : (__int128)lane_u(a, e + 1, i);
        lane_set(&r, e, i, saturate(env, x, e, signed_out));
    }
    *d = r;
}

/* -- changing width: E of lane `first + i` (x, y) of N wide lanes -- */

#define LOOP_WIDEN(T, M, W, WM, N, E)                                                                                  \
    for (unsigned i = 0; i < (N); i++) {                                                                               \
        const W x = (W)a->M[i + high * (N)], y = (W)b->M[i + high * (N)];                                              \
        (void)y;                                                                                                       \
        r.WM[i] = (W)(E);                                                                                              \
    }                                                                                                                  \
    break
#define WIDEN(E)                                                                                                       \
    const unsigned high = IR_INFO_AUX(info) & IR_VEC_HIGH ? 1 : 0;                                                     \
    IrVal r = {.d = {0, 0}};                                                                                           \
    switch (IR_INFO_AUX(info) & (IR_VEC_LANE | IR_VEC_SIGNED)) {                                                       \
    case 0: LOOP_WIDEN(uint8_t, b, uint16_t, h, 8, E);                                                                 \
    case 1: LOOP_WIDEN(uint16_t, h, uint32_t, s, 4, E);                                                                \
    case 2: LOOP_WIDEN(uint32_t, s, uint64_t, d, 2, E);                                                                \
    case 4: LOOP_WIDEN(int8_t, sb, int16_t, sh, 8, E);                                                                 \
    case 5: LOOP_WIDEN(int16_t, sh, int32_t, ss, 4, E);                                                                \
    case 6: LOOP_WIDEN(int32_t, ss, int64_t, sd, 2, E);                                                                \
    }                                                                                                                  \
    *d = r

FN(vwiden) {
    b = a;
    WIDEN(x);
}
FN(vmull) {
    WIDEN(x * y);
}
FN(vnarrow) {
    IrVal r = {.d = {0, 0}};
    switch (lane_log2(info)) {
    case 0:
        for (unsigned i = 0; i < 8; i++) {
            r.b[i] = (uint8_t)a->h[i];
        }
        break;
    case 1:
        for (unsigned i = 0; i < 4; i++) {
            r.h[i] = (uint16_t)a->s[i];
        }
        break;
    case 2:
        r.s[0] = (uint32_t)a->d[0];
        r.s[1] = (uint32_t)a->d[1];
        break;
    }
    *d = r;
}
FN(vaddlp) {
    const unsigned e = lane_log2(info);
    const bool is_signed = IR_INFO_AUX(info) & IR_VEC_SIGNED;
    IrVal r = {.d = {0, 0}};
    for (unsigned i = 0; e < 3 && i < 8u >> e; i++) {
        const uint64_t sum = is_signed ? (uint64_t)(lane_s(a, e, 2 * i) + lane_s(a, e, 2 * i + 1))
                                       : lane_u(a, e, 2 * i) + lane_u(a, e, 2 * i + 1);
        lane_set(&r, e + 1, i, sum);
    }
    *d = r;
}
FN(vaddv) {
    const unsigned e = lane_log2(info);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 16u >> e; i++) {
        sum += lane_u(a, e, i);
    }
    *d = (IrVal){.d = {0, 0}};
    lane_set(d, e, 0, sum);
}
FN(vmaxv) {
    const unsigned e = lane_log2(info), aux = IR_INFO_AUX(info);
    /* Flipping the sign bit orders signed lanes as unsigned, all bits reverses the order. */
    const uint64_t sign = aux & IR_VEC_SIGNED ? (uint64_t)lane_max_s(e) + 1 : 0;
    const uint64_t flip = sign ^ (aux & IR_VEC_ALT ? lane_max_u(e) : 0);
    uint64_t best = 0;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const uint64_t x = lane_u(a, e, i) ^ flip;
        best = x > best ? x : best;
    }
    *d = (IrVal){.d = {0, 0}};
    lane_set(d, e, 0, best ^ flip);
}
FN(vdot) {
    const bool is_signed = IR_INFO_AUX(info) & IR_VEC_SIGNED;
    IrVal r;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t sum = a->s[i];
        for (unsigned k = 4 * i; k < 4 * i + 4; k++) {
            sum += is_signed ? (uint32_t)(b->sb[k] * c->sb[k]) : (uint32_t)b->b[k] * c->b[k];
        }
        r.s[i] = sum;
    }
    *d = r;
}

/* -- counting and order -- */

static unsigned leading_zeros(uint64_t x, unsigned e) {
    const unsigned width = 8u << e;
    return x ? (unsigned)__builtin_clzll(x) - (64 - width) : width;
}
FN(vclz) {
    const unsigned e = lane_log2(info);
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        lane_set(&r, e, i, leading_zeros(lane_u(a, e, i), e));
    }
    *d = r;
}
FN(vcls) {
    const unsigned e = lane_log2(info);
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        const int64_t x = lane_s(a, e, i);
        lane_set(&r, e, i, leading_zeros((uint64_t)(x ^ x >> 1) & lane_max_u(e), e) - 1);
    }
    *d = r;
}
FN(vcnt) {
    IrVal r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = (uint8_t)__builtin_popcount(a->b[i]);
    }
    *d = r;
}
FN(vrbit) {
    IrVal r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned x = a->b[i];
        x = (x & 0x0f) << 4 | x >> 4;
        x = (x & 0x33) << 2 | (x >> 2 & 0x33);
        r.b[i] = (uint8_t)((x & 0x55) << 1 | (x >> 1 & 0x55));
    }
    *d = r;
}
FN(vrev) {
    const unsigned e = lane_log2(info), box = (unsigned)IR_INFO_IMM(info) & 7;
    const unsigned flip = box > e ? (1u << (box - e)) - 1 : 0;
    IrVal r;
    for (unsigned i = 0; i < 16u >> e; i++) {
        lane_set(&r, e, i, lane_u(a, e, i ^ flip));
    }
    *d = r;
}

/* -- moving lanes -- */

FN(vdup) {
    IrVal r;
    const uint64_t x = a->u64;
    switch (lane_log2(info)) {
    case 0: r.d[0] = (uint8_t)x * UINT64_C(0x0101010101010101); break;
    case 1: r.d[0] = (uint16_t)x * UINT64_C(0x0001000100010001); break;
    case 2: r.d[0] = (uint32_t)x * UINT64_C(0x0000000100000001); break;
    default: r.d[0] = x; break;
    }
    r.d[1] = r.d[0];
    *d = r;
}
FN(vdupl) {
    const IrVal x = {.u64 = lane_u(a, lane_log2(info), (unsigned)IR_INFO_IMM(info))};
    interp_vdup(env, d, &x, NULL, NULL, info);
}
FN(vget) {
    const unsigned e = lane_log2(info), i = (unsigned)IR_INFO_IMM(info);
    const uint64_t x = IR_INFO_AUX(info) & IR_VEC_SIGNED ? (uint64_t)lane_s(a, e, i) : lane_u(a, e, i);
    d->u64 = IR_INFO_TYPE(info) == IR_I64 ? x : (uint32_t)x;
}
FN(vput) {
    IrVal r = *a;
    lane_set(&r, lane_log2(info), (unsigned)IR_INFO_IMM(info), b->u64);
    *d = r;
}
FN(vins) {
    const unsigned e = lane_log2(info), i = (unsigned)IR_INFO_IMM(info);
    IrVal r = *a;
    lane_set(&r, e, i & 15, lane_u(b, e, i >> 4));
    *d = r;
}
FN(vlow64) {
    *d = (IrVal){.d = {a->d[0], 0}};
}
FN(vlane0) {
    *d = (IrVal){.d = {lane_u(a, lane_log2(info), 0), 0}};
}
FN(vext) {
    uint8_t both[32];
    memcpy(both, a, 16);
    memcpy(both + 16, b, 16);
    memcpy(d, both + (IR_INFO_IMM(info) & 15), 16);
}

/* Result lane i is lane FROM of a where FIRST holds, else of b; n is the number of lanes. */
#define LOOP_MOVE(T, M, N, FIRST, FROM)                                                                                \
    for (unsigned i = 0, n = (N); i < n; i++) {                                                                        \
        r.M[i] = (FIRST) ? a->M[FROM] : b->M[FROM];                                                                    \
    }                                                                                                                  \
    break
#define DEFINE_MOVE(name, FIRST, FROM)                                                                                 \
    FN(name) {                                                                                                         \
        IrVal r;                                                                                                       \
        switch (lane_log2(info)) {                                                                                     \
        case 0: LOOP_MOVE(uint8_t, b, 16, FIRST, FROM);                                                                \
        case 1: LOOP_MOVE(uint16_t, h, 8, FIRST, FROM);                                                                \
        case 2: LOOP_MOVE(uint32_t, s, 4, FIRST, FROM);                                                                \
        default: LOOP_MOVE(uint64_t, d, 2, FIRST, FROM);                                                               \
        }                                                                                                              \
        *d = r;                                                                                                        \
    }
DEFINE_MOVE(vzip1, !(i & 1), i / 2)
DEFINE_MOVE(vzip2, !(i & 1), n / 2 + i / 2)
DEFINE_MOVE(vuzp1, i < n / 2, 2 * i % n)
DEFINE_MOVE(vuzp2, i < n / 2, 2 * i % n + 1)
DEFINE_MOVE(vtrn1, !(i & 1), i & ~1u)
DEFINE_MOVE(vtrn2, !(i & 1), i | 1)

FN(vtbl) {
    const unsigned base = IR_INFO_AUX(info);
    IrVal r;
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t k = (uint8_t)(b->b[i] - base);
        r.b[i] = k < 16 ? a->b[k] : 0;
    }
    *d = r;
}
FN(vtbx) {
    const unsigned base = IR_INFO_AUX(info);
    IrVal r;
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t k = (uint8_t)(c->b[i] - base);
        r.b[i] = k < 16 ? b->b[k] : a->b[i];
    }
    *d = r;
}
