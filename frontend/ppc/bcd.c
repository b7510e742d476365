/* SPDX-License-Identifier: MIT */
/*
 * bcd.c - decimals in AltiVec registers: 31 digits and a sign, or 32 digits, a nibble each, the sign lowest.
 * Spec: Power ISA 3.0B Book I, 6.17.
 *
 * CR6: LT GT EQ by comparing the result with 0, and SO: too large; 0001: an operand that is none, the result is undefined.
 */
#include <string.h>

#include "frontend/ppc/trans.h"
#include "frontend/ppc/vec_helper.h"

void ppc_helper_bcd(Env *env, uint32_t regs, uint32_t op);

enum { DIGITS = 32, SIGNED_DIGITS = 31, INVALID = PPC_SO };

typedef unsigned __int128 Quad;

typedef struct Decimal {
    uint8_t digit[DIGITS]; /* lowest first */
    bool negative, overflow;
} Decimal;

/* What an op has: it reads a and b, and gives the register and CR6. */
typedef struct Bcd {
    Quad a, b, result;
    unsigned ps;
    Decimal x, y; /* a and b, where they are decimals */
} Bcd;

static Quad quad(const IrVal *v) {
    return (Quad)v->d[0] << 64 | v->d[1];
}

static unsigned nibble(Quad v, unsigned n) {
    return (unsigned)(v >> 4 * n) & 15;
}

static bool read_digits(Quad v, unsigned from, Decimal *x) {
    bool valid = true;
    *x = (Decimal){.negative = false};
    for (unsigned i = from; i < DIGITS; i++) {
        x->digit[i - from] = (uint8_t)nibble(v, i);
        valid &= nibble(v, i) < 10;
    }
    return valid;
}

/* 10 to 15; plus: A, C, E, F */
static bool read_sign(unsigned sign, bool *negative) {
    *negative = sign == 0xb || sign == 0xd;
    return sign >= 10;
}

static bool read_signed(Quad v, Decimal *x) {
    bool valid = read_digits(v, 1, x);
    return read_sign(nibble(v, 0), &x->negative) && valid;
}

static bool is_zero(const Decimal *x) {
    static const uint8_t zeros[DIGITS];
    return memcmp(x->digit, zeros, DIGITS) == 0;
}

static unsigned order(const Decimal *x) {
    return (is_zero(x) ? PPC_EQ : x->negative ? PPC_LT : PPC_GT) | (x->overflow ? PPC_SO : 0);
}

static Quad digits(const Decimal *x, unsigned count) {
    Quad v = 0;
    for (unsigned i = count; i-- > 0;) {
        v = v << 4 | x->digit[i];
    }
    return v;
}

static Quad with_sign(const Decimal *x, unsigned ps) {
    return digits(x, SIGNED_DIGITS) << 4 | (x->negative ? 0xd : ps ? 0xf : 0xc);
}

/* -- addition -- */

static int compare(const Decimal *x, const Decimal *y) {
    for (unsigned i = DIGITS; i-- > 0;) {
        if (x->digit[i] != y->digit[i]) {
            return x->digit[i] < y->digit[i] ? -1 : 1;
        }
    }
    return 0;
}

/* |x| + |y|, or |x| - |y| where |x| >= |y|; digit 31 takes the carry. */
static void add_digits(Decimal *r, const Decimal *x, const Decimal *y, bool subtract) {
    int carry = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        int v = subtract ? x->digit[i] - y->digit[i] - carry : x->digit[i] + y->digit[i] + carry;
        carry = v < 0 || v > 9;
        r->digit[i] = (uint8_t)(v < 0 ? v + 10 : v % 10);
    }
}

static unsigned add(Bcd *b, bool subtract) {
    if (!read_signed(b->a, &b->x) || !read_signed(b->b, &b->y)) {
        return INVALID;
    }
    Decimal r = {.negative = b->x.negative};
    b->y.negative ^= subtract;
    if (b->x.negative == b->y.negative) {
        add_digits(&r, &b->x, &b->y, false);
    } else if (compare(&b->x, &b->y) >= 0) {
        add_digits(&r, &b->x, &b->y, true);
    } else {
        add_digits(&r, &b->y, &b->x, true);
        r.negative = b->y.negative;
    }
    r.negative &= !is_zero(&r);
    r.overflow = r.digit[SIGNED_DIGITS] != 0;
    b->result = with_sign(&r, b->ps);
    return order(&r);
}

static unsigned op_add(Bcd *b) {
    return add(b, false);
}
static unsigned op_sub(Bcd *b) {
    return add(b, true);
}

/* -- shifts, truncation -- */

/* Moves x by n digits to the left, to the right where n < 0; digits beyond `count` are lost, and tell of it. */
static Decimal moved(const Decimal *x, int n, unsigned count) {
    Decimal r = {.negative = x->negative};
    for (int i = 0; i < (int)count; i++) {
        if (i + n >= (int)count) {
            r.overflow |= x->digit[i] != 0;
        } else if (i + n >= 0) {
            r.digit[i + n] = x->digit[i];
        }
    }
    return r;
}

/* How far: the last byte of a's first doubleword */
static int distance(const Bcd *b) {
    return (int8_t)(uint8_t)(b->a >> 64);
}

static unsigned op_shift(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    Decimal r = moved(&b->y, distance(b), SIGNED_DIGITS);
    b->result = with_sign(&r, b->ps);
    return order(&r);
}

static unsigned op_shift_unsigned(Bcd *b) {
    if (!read_digits(b->b, 0, &b->y)) {
        return INVALID;
    }
    Decimal r = moved(&b->y, distance(b), DIGITS);
    b->result = digits(&r, DIGITS);
    return order(&r);
}

/* To the right, the last digit that is lost rounds. */
static unsigned op_shift_round(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    int n = distance(b);
    Decimal r = moved(&b->y, n, SIGNED_DIGITS);
    if (n < 0 && n >= -SIGNED_DIGITS && b->y.digit[-n - 1] >= 5) {
        static const Decimal one = {.digit = {1}};
        add_digits(&r, &r, &one, false);
    }
    b->result = with_sign(&r, b->ps);
    return order(&r);
}

/* To as many digits as the last halfword of a's first doubleword says */
static unsigned cut(Decimal *x, const Bcd *b, unsigned count) {
    for (unsigned i = (uint16_t)(b->a >> 64); i < count; i++) {
        x->overflow |= x->digit[i] != 0;
        x->digit[i] = 0;
    }
    return order(x);
}

static unsigned op_truncate(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    unsigned cr = cut(&b->y, b, SIGNED_DIGITS);
    b->result = with_sign(&b->y, b->ps);
    return cr;
}

static unsigned op_truncate_unsigned(Bcd *b) {
    if (!read_digits(b->b, 0, &b->y)) {
        return INVALID;
    }
    unsigned cr = cut(&b->y, b, DIGITS);
    b->result = digits(&b->y, DIGITS);
    return cr;
}

/* -- other formats -- */

enum { NATIONAL_DIGITS = 7, NATIONAL_ZERO = 0x30, NATIONAL_PLUS = 0x2b, NATIONAL_MINUS = 0x2d, ZONED_DIGITS = 16 };

/* Halfwords: digits, and the sign in the last */
static unsigned op_from_national(Bcd *b) {
    Decimal x = {.negative = (uint16_t)b->b == NATIONAL_MINUS};
    bool valid = x.negative || (uint16_t)b->b == NATIONAL_PLUS;
    for (unsigned i = 0; i < NATIONAL_DIGITS; i++) {
        unsigned v = (uint16_t)(b->b >> 16 * (i + 1)) - (unsigned)NATIONAL_ZERO;
        valid &= v < 10;
        x.digit[i] = (uint8_t)(v & 15);
    }
    b->result = with_sign(&x, b->ps);
    return valid ? order(&x) : (unsigned)INVALID;
}

static unsigned op_to_national(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    Decimal *x = &b->y;
    b->result = x->negative ? NATIONAL_MINUS : NATIONAL_PLUS;
    for (unsigned i = 0; i < SIGNED_DIGITS; i++) {
        x->overflow |= i >= NATIONAL_DIGITS && x->digit[i] != 0;
        b->result |= i < NATIONAL_DIGITS ? (Quad)(x->digit[i] + (unsigned)NATIONAL_ZERO) << 16 * (i + 1) : 0;
    }
    return order(x);
}

/* Bytes: a zone and a digit; the last zone is the sign. ps: zones are F and signs as in registers, else 3, and bit 4 a sign. */
static unsigned op_from_zoned(Bcd *b) {
    Decimal x = {.negative = false};
    unsigned sign = nibble(b->b, 1), zone = b->ps ? 0xf : 3;
    bool valid = true;
    if (b->ps) {
        valid = read_sign(sign, &x.negative);
    } else {
        x.negative = sign & 4;
    }
    for (unsigned i = 0; i < ZONED_DIGITS; i++) {
        x.digit[i] = (uint8_t)nibble(b->b, 2 * i);
        valid &= x.digit[i] < 10 && (i == 0 || nibble(b->b, 2 * i + 1) == zone);
    }
    b->result = with_sign(&x, 0);
    return valid ? order(&x) : (unsigned)INVALID;
}

static unsigned op_to_zoned(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    Decimal *x = &b->y;
    unsigned plus = b->ps ? 0xc : 3, minus = b->ps ? 0xd : 7;
    b->result = 0;
    for (unsigned i = 0; i < SIGNED_DIGITS; i++) {
        unsigned zone = i ? (b->ps ? 0xf : 3) : x->negative ? minus : plus;
        x->overflow |= i >= ZONED_DIGITS && x->digit[i] != 0;
        b->result |= i < ZONED_DIGITS ? (Quad)(zone << 4 | x->digit[i]) << 8 * i : 0;
    }
    return order(x);
}

static unsigned op_from_quad(Bcd *b) {
    Decimal x = {.negative = (__int128)b->b < 0};
    Quad v = x.negative ? -b->b : b->b;
    for (unsigned i = 0; i < SIGNED_DIGITS; i++, v /= 10) {
        x.digit[i] = (uint8_t)(v % 10);
    }
    x.overflow = v != 0;
    b->result = with_sign(&x, b->ps);
    return order(&x);
}

static unsigned op_to_quad(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    Quad v = 0;
    for (unsigned i = SIGNED_DIGITS; i-- > 0;) {
        v = v * 10 + b->y.digit[i];
    }
    b->result = b->y.negative ? -v : v;
    return order(&b->y);
}

/* -- signs -- */

static unsigned op_copy_sign(Bcd *b) {
    if (!read_signed(b->a, &b->x) || !read_signed(b->b, &b->y)) {
        return INVALID;
    }
    b->x.negative = b->y.negative;
    b->result = (b->a & ~(Quad)15) | (b->b & 15);
    return order(&b->x);
}

static unsigned op_set_sign(Bcd *b) {
    if (!read_signed(b->b, &b->y)) {
        return INVALID;
    }
    b->result = with_sign(&b->y, b->ps);
    return order(&b->y);
}

static unsigned (*const ops[PPC_BCDS])(Bcd *b) = {
    [PPC_BCD_ADD] = op_add, [PPC_BCD_SUB] = op_sub, [PPC_BCD_SHIFT] = op_shift, [PPC_BCD_SHIFT_UNSIGNED] = op_shift_unsigned,
    [PPC_BCD_SHIFT_ROUND] = op_shift_round, [PPC_BCD_TRUNCATE] = op_truncate,
    [PPC_BCD_TRUNCATE_UNSIGNED] = op_truncate_unsigned, [PPC_BCD_FROM_NATIONAL] = op_from_national,
    [PPC_BCD_TO_NATIONAL] = op_to_national, [PPC_BCD_FROM_ZONED] = op_from_zoned, [PPC_BCD_TO_ZONED] = op_to_zoned,
    [PPC_BCD_FROM_QUAD] = op_from_quad, [PPC_BCD_TO_QUAD] = op_to_quad, [PPC_BCD_COPY_SIGN] = op_copy_sign,
    [PPC_BCD_SET_SIGN] = op_set_sign,
};

/* op: PPC_BCD_* | PS << 8 */
void ppc_helper_bcd(Env *env, uint32_t regs, uint32_t op) {
    Bcd b = {.a = quad(ppc_vr(env, regs >> 8)), .b = quad(ppc_vr(env, regs >> 16)), .ps = op >> 8};
    ppc_cpu(env)->cr[6] = (uint8_t)ops[op & 0xff](&b);
    *ppc_vr(env, regs) = (IrVal){.d = {(uint64_t)(b.result >> 64), (uint64_t)b.result}};
}
