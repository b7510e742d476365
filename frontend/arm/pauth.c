/* SPDX-License-Identifier: MIT */
/*
 * pauth.c - pointer authentication: the QARMA5 cipher, adding, checking and stripping codes, and the key registers.
 * Spec: Arm DDI 0487, D5.1.5, J1 (AddPAC, Auth, Strip, ComputePAC); R. Avanzi, "The QARMA block cipher family" (2017).
 * FEAT_PAuth as first defined: a failed check puts an error code in the pointer.
 */
#include "frontend/arm/pauth.h"

#include "frontend/arm/sysreg.h"

/*
 * -- QARMA-64, five rounds, s-box 2. Cell 0 is the most significant nibble. Everything works on all 16 cells of a word
 * at once: a permutation of cells is a few rotations under masks, the s-box its algebraic normal form on bit planes. --
 */

enum { ROUNDS = 5 };

static const uint64_t alpha = UINT64_C(0xc0ac29b7c97c50dd);
static const uint64_t round_constant[ROUNDS] = {
    0,
    UINT64_C(0x13198a2e03707344),
    UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};
static const uint64_t ones = UINT64_C(0x1111111111111111); /* bit 0 of each cell */

static uint64_t left(uint64_t v, unsigned by) {
    return v << by | v >> (64 - by);
}

/* Each cell rotated left. */
static uint64_t cells_left(uint64_t v, unsigned by) {
    uint64_t low = ones * (15u >> by);
    return (v & low) << by | (v & ~low) >> (4 - by);
}

/* New cell i is old cell {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2}[i]. */
static uint64_t shuffle(uint64_t v) {
    return (v & UINT64_C(0xf000000f00000000)) | (left(v, 12) & 0xf00f) | (left(v, 16) & UINT64_C(0xf0000000000000)) |
           (left(v, 20) & 0xf000000) | (left(v, 24) & UINT64_C(0xf0f000000000)) | (left(v, 28) & 0xf00) |
           (left(v, 36) & 0xf00000) | (left(v, 40) & UINT64_C(0xf0f000000000000)) | (left(v, 44) & 0xf0) |
           (left(v, 48) & UINT64_C(0xf0000000000)) | (left(v, 52) & 0xf00f0000);
}

static uint64_t shuffle_back(uint64_t v) {
    return (v & UINT64_C(0xf000000f00000000)) | (left(v, 12) & UINT64_C(0xf00f0000000)) |
           (left(v, 16) & UINT64_C(0xf00000000000000)) | (left(v, 20) & 0xf000000) | (left(v, 24) & 0xf0f00) |
           (left(v, 28) & UINT64_C(0xf000000000000)) | (left(v, 36) & UINT64_C(0xf00000000000)) |
           (left(v, 40) & 0xf0f000) | (left(v, 44) & 0xf0) | (left(v, 48) & UINT64_C(0xf000000000)) |
           (left(v, 52) & UINT64_C(0xf000000000000f));
}

/* Each column times the circulant matrix (0, r, r^2, r), r being a rotation by one. Its own inverse. */
static uint64_t mix(uint64_t v) {
    return cells_left(left(v, 16) ^ left(v, 48), 1) ^ cells_left(left(v, 32), 2);
}

/* {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10} of each cell. */
static uint64_t substitute(uint64_t v) {
    uint64_t a = v & ones, b = v >> 1 & ones, c = v >> 2 & ones, d = v >> 3 & ones;
    uint64_t ab = a & b, ad = a & d, bc = b & c, cd = c & d, abd = ab & d, acd = a & cd, bcd = b & cd;
    uint64_t r0 = ones ^ a ^ b ^ c ^ (a & c) ^ (a & bc) ^ ad ^ abd ^ cd ^ bcd;
    uint64_t r1 = ones ^ b ^ ab ^ c ^ bc ^ abd ^ acd;
    uint64_t r2 = a ^ c ^ bc ^ (b & d) ^ abd ^ bcd;
    uint64_t r3 = ones ^ a ^ ab ^ d ^ ad ^ abd ^ cd ^ acd ^ bcd;
    return r0 | r1 << 1 | r2 << 2 | r3 << 3;
}

static uint64_t substitute_back(uint64_t v) {
    uint64_t a = v & ones, b = v >> 1 & ones, c = v >> 2 & ones, d = v >> 3 & ones;
    uint64_t ab = a & b, ac = a & c, ad = a & d, bc = b & c, bd = b & d, cd = c & d;
    uint64_t abc = ab & c, abd = ab & d, acd = a & cd, bcd = b & cd;
    uint64_t r0 = ones ^ a ^ c ^ bc ^ abc ^ d ^ ad ^ bd ^ abd ^ cd ^ bcd;
    uint64_t r1 = a ^ ab ^ c ^ ac ^ bc ^ abc ^ d ^ ad ^ acd;
    uint64_t r2 = ones ^ ab ^ c ^ abc ^ d ^ ad ^ bd ^ abd ^ acd ^ bcd;
    uint64_t r3 = a ^ b ^ ab ^ c ^ ac ^ ad ^ cd ^ bcd;
    return r0 | r1 << 1 | r2 << 2 | r3 << 3;
}

/* Cells of the tweak that also step a linear feedback register: 0, 1, 3, 4, 8, 11, 13. */
static const uint64_t stepped = UINT64_C(0xff0ff000f00f0f00);

/* New cell i is old cell {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11}[i]. */
static uint64_t tweak_forward(uint64_t v) {
    v = (left(v, 12) & 0xff00000) | (left(v, 16) & UINT64_C(0xf00000000000000)) |
        (left(v, 24) & UINT64_C(0xf000000000000000)) | (left(v, 36) & 0xf0000) |
        (left(v, 48) & UINT64_C(0xffffff0000ffff)) | (left(v, 60) & 0xf0000000);
    uint64_t next = (v >> 1 & ones * 7) | ((v ^ v >> 1) & ones) << 3;
    return (v & ~stepped) | (next & stepped);
}

static uint64_t tweak_back(uint64_t v) {
    uint64_t next = (v & ones * 7) << 1 | ((v >> 3 ^ v) & ones);
    v = (v & ~stepped) | (next & stepped);
    return (left(v, 4) & UINT64_C(0xf00000000)) | (left(v, 16) & UINT64_C(0xffff0000ffff00ff)) |
           (left(v, 28) & UINT64_C(0xf00000000000)) | (left(v, 40) & UINT64_C(0xf000000000)) |
           (left(v, 48) & UINT64_C(0xf0000000000)) | (left(v, 52) & 0xff00);
}

uint64_t arm_qarma5(uint64_t data, uint64_t tweak, uint64_t key_low, uint64_t key_high) {
    uint64_t w1 = left(key_high, 63) ^ key_high >> 63;
    uint64_t v = data ^ key_high;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v ^= key_low ^ tweak ^ round_constant[i];
        v = substitute(i ? mix(shuffle(v)) : v);
        tweak = tweak_forward(tweak);
    }
    v = substitute(mix(shuffle(v ^ w1 ^ tweak)));
    v = mix(shuffle(v)) ^ key_low;
    v = substitute_back(shuffle_back(v));
    v = shuffle_back(mix(v)) ^ key_high ^ tweak;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v = substitute_back(v);
        if (i < ROUNDS - 1) {
            v = shuffle_back(mix(v));
        }
        tweak = tweak_back(tweak);
        v ^= key_low ^ tweak ^ round_constant[ROUNDS - 1 - i] ^ alpha;
    }
    return v ^ w1;
}

/* -- pointers -------------------------------------------------------------------------------- */

/* A code that was computed lately: what a function signs on entry it checks on return. A code of 0 is none. */
struct ArmPac {
    uint64_t data, modifier, low, high, code;
};

enum { PAC_CACHE_BITS = 8 };

void arm_pauth_init(Env *env) {
    if (arm_has(env, ARM_PAUTH)) {
        arm_cold(env)->pacs = g_new0(ArmPac, 1 << PAC_CACHE_BITS);
    }
}

static uint64_t compute(const ArmCold *cold, unsigned key, uint64_t data, uint64_t modifier) {
    uint64_t low = cold->key[key][0], high = cold->key[key][1];
    uint64_t hash = (data ^ left(modifier, 20) ^ low) * UINT64_C(0x9e3779b97f4a7c15);
    ArmPac *p = &cold->pacs[hash >> (64 - PAC_CACHE_BITS)];
    if (((p->data ^ data) | (p->modifier ^ modifier) | (p->low ^ low) | (p->high ^ high)) != 0 || !p->code) {
        *p = (ArmPac){data, modifier, low, high, arm_qarma5(data, modifier, low, high)};
    }
    return p->code;
}

/* The bits that a code occupies: from the top of the translated address, without bit 55 and, with a tag, above it. */
static uint64_t code_field(const ArmCold *cold, bool upper, bool tagged) {
    unsigned tsz = upper ? cold->tcr_el1 >> 16 & 63 : cold->tcr_el1 & 63;
    unsigned bottom = 64 - CLAMP(tsz, 16, 39);
    uint64_t bits = ~((UINT64_C(1) << bottom) - 1) & ~(UINT64_C(1) << 55);
    return tagged ? bits & ((UINT64_C(1) << 55) - 1) : bits;
}

/* Pointer with its extension bits put back to copies of `upper`. */
static uint64_t extend(uint64_t pointer, uint64_t field, bool upper) {
    field |= UINT64_C(1) << 55;
    return upper ? pointer | field : pointer & ~field;
}

static uint64_t add_code(Env *env, uint64_t pointer, uint64_t modifier, unsigned key) {
    const ArmCold *cold = arm_cold(env);
    bool insn = key < PAC_DA;
    bool tagged = arm_tbi(env, pointer, insn);
    bool any_tag = arm_tbi(env, 0, insn) || arm_tbi(env, UINT64_MAX, insn);
    bool upper = pointer >> (any_tag ? 55 : 63) & 1;
    uint64_t field = code_field(cold, upper, tagged), all = field | UINT64_C(1) << 55;
    uint64_t code = compute(cold, key, extend(pointer, field, upper), modifier);
    if ((pointer & all) != 0 && (pointer & all) != all) {
        code ^= UINT64_C(1) << (tagged ? 54 : 62); /* not a proper pointer: its code shall not check */
    }
    return (extend(pointer, field, upper) & ~field) | (code & field);
}

static uint64_t check_code(Env *env, uint64_t pointer, uint64_t modifier, unsigned key) {
    const ArmCold *cold = arm_cold(env);
    bool tagged = arm_tbi(env, pointer, key < PAC_DA), upper = pointer >> 55 & 1;
    uint64_t field = code_field(cold, upper, tagged);
    uint64_t original = extend(pointer, field, upper);
    if (((compute(cold, key, original, modifier) ^ pointer) & field) == 0) {
        return original;
    }
    uint64_t error = key & 1 ? 2 : 1;
    unsigned at = tagged ? 53 : 61;
    return (original & ~(UINT64_C(3) << at)) | error << at;
}

uint64_t arm_helper_pac(Env *env, uint64_t pointer, uint64_t modifier, uint32_t op) {
    static const uint8_t enables[] = {31, 30, 27, 13}; /* EnIA EnIB EnDA EnDB of SCTLR_EL1 */
    unsigned key = op & PAC_KEY;
    if (op & PAC_STRIP) {
        bool upper = pointer >> 55 & 1;
        return extend(pointer, code_field(arm_cold(env), upper, arm_tbi(env, pointer, key < PAC_DA)), upper);
    }
    if (!(arm_cold(env)->sctlr_el1 >> enables[key] & 1)) {
        return pointer;
    }
    return op & PAC_AUTH ? check_code(env, pointer, modifier, key) : add_code(env, pointer, modifier, key);
}

uint64_t arm_helper_pacga(Env *env, uint64_t data, uint64_t modifier) {
    enum { GA = 4 };
    return compute(arm_cold(env), GA, data, modifier) & ~UINT64_C(0xffffffff);
}

/* -- key registers -------------------------------------------------------------------------------- */

#define KEY(name, crm, op2, n, half)                                                                                   \
    { name, ARM_SR(3, 0, 2, crm, op2), ARM_RW1, .feature = ARM_PAUTH, ARM_AT(key[n][half]) }

const ArmSysreg arm_pauth_regs[] = {
    KEY("APIAKeyLo_EL1", 1, 0, 0, 0), KEY("APIAKeyHi_EL1", 1, 1, 0, 1),
    KEY("APIBKeyLo_EL1", 1, 2, 1, 0), KEY("APIBKeyHi_EL1", 1, 3, 1, 1),
    KEY("APDAKeyLo_EL1", 2, 0, 2, 0), KEY("APDAKeyHi_EL1", 2, 1, 2, 1),
    KEY("APDBKeyLo_EL1", 2, 2, 3, 0), KEY("APDBKeyHi_EL1", 2, 3, 3, 1),
    KEY("APGAKeyLo_EL1", 3, 0, 4, 0), KEY("APGAKeyHi_EL1", 3, 1, 4, 1),
    {NULL},
};
