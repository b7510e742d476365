/* SPDX-License-Identifier: MIT */
/*
 * pauth.c - pointer authentication: the QARMA5 cipher, adding, checking and stripping codes, and the key registers.
 * Spec: Arm DDI 0487, D5.1.5, J1 (AddPAC, Auth, Strip, ComputePAC); R. Avanzi, "The QARMA block cipher family" (2017).
 * FEAT_PAuth as first defined: a failed check puts an error code in the pointer.
 */
#include "frontend/arm/pauth.h"

#include "frontend/arm/sysreg.h"

/* -- QARMA-64, five rounds, s-box 2. Cell 0 is the most significant nibble. -- */

enum { CELLS = 16, ROUNDS = 5 };

typedef struct State {
    uint8_t cell[CELLS];
} State;

static const uint8_t sbox[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
static const uint8_t cell_order[CELLS] = {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2};
static const uint8_t tweak_order[CELLS] = {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11};
enum { TWEAK_CELLS = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 8 | 1 << 11 | 1 << 13 };

static const uint64_t alpha = UINT64_C(0xc0ac29b7c97c50dd);
static const uint64_t round_constant[ROUNDS] = {
    0,
    UINT64_C(0x13198a2e03707344),
    UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89),
    UINT64_C(0x452821e638d01377),
};

static State unpack(uint64_t v) {
    State s;
    for (unsigned i = 0; i < CELLS; i++) {
        s.cell[i] = v >> (60 - 4 * i) & 15;
    }
    return s;
}

static uint64_t pack(const State *s) {
    uint64_t v = 0;
    for (unsigned i = 0; i < CELLS; i++) {
        v = v << 4 | s->cell[i];
    }
    return v;
}

static uint64_t permute(uint64_t v, const uint8_t *order, bool inverse) {
    State in = unpack(v), out;
    for (unsigned i = 0; i < CELLS; i++) {
        if (inverse) {
            out.cell[order[i]] = in.cell[i];
        } else {
            out.cell[i] = in.cell[order[i]];
        }
    }
    return pack(&out);
}

static uint64_t substitute(uint64_t v, bool inverse) {
    State s = unpack(v);
    uint8_t table[16];
    for (unsigned i = 0; i < 16; i++) {
        table[inverse ? sbox[i] : i] = inverse ? i : sbox[i];
    }
    for (unsigned i = 0; i < CELLS; i++) {
        s.cell[i] = table[s.cell[i]];
    }
    return pack(&s);
}

static unsigned rotate(unsigned cell, unsigned by) {
    return (cell << by | cell >> (4 - by)) & 15;
}

/* Each column times the circulant matrix (0, r, r^2, r), r being a rotation by one. Its own inverse. */
static uint64_t mix(uint64_t v) {
    State in = unpack(v), out;
    for (unsigned i = 0; i < CELLS; i++) {
        out.cell[i] =
            rotate(in.cell[(i + 4) % 16], 1) ^ rotate(in.cell[(i + 8) % 16], 2) ^ rotate(in.cell[(i + 12) % 16], 1);
    }
    return pack(&out);
}

static uint64_t tweak_forward(uint64_t tweak) {
    State s = unpack(permute(tweak, tweak_order, false));
    for (unsigned i = 0; i < CELLS; i++) {
        if (TWEAK_CELLS >> i & 1) {
            unsigned c = s.cell[i];
            s.cell[i] = c >> 1 | ((c ^ c >> 1) & 1) << 3;
        }
    }
    return pack(&s);
}

static uint64_t tweak_back(uint64_t tweak) {
    State s = unpack(tweak);
    for (unsigned i = 0; i < CELLS; i++) {
        if (TWEAK_CELLS >> i & 1) {
            unsigned c = s.cell[i];
            s.cell[i] = (c << 1 & 15) | ((c >> 3 ^ c) & 1);
        }
    }
    return permute(pack(&s), tweak_order, true);
}

uint64_t arm_qarma5(uint64_t data, uint64_t tweak, uint64_t key_low, uint64_t key_high) {
    uint64_t w1 = (key_high >> 1 | key_high << 63) ^ key_high >> 63;
    uint64_t v = data ^ key_high;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v ^= key_low ^ tweak ^ round_constant[i];
        if (i) {
            v = mix(permute(v, cell_order, false));
        }
        v = substitute(v, false);
        tweak = tweak_forward(tweak);
    }
    v = substitute(mix(permute(v ^ w1 ^ tweak, cell_order, false)), false);
    v = mix(permute(v, cell_order, false)) ^ key_low;
    v = substitute(permute(v, cell_order, true), true);
    v = permute(mix(v), cell_order, true) ^ key_high ^ tweak;
    for (unsigned i = 0; i < ROUNDS; i++) {
        v = substitute(v, true);
        if (i < ROUNDS - 1) {
            v = permute(mix(v), cell_order, true);
        }
        tweak = tweak_back(tweak);
        v ^= key_low ^ tweak ^ round_constant[ROUNDS - 1 - i] ^ alpha;
    }
    return v ^ w1;
}

/* -- pointers -------------------------------------------------------------------------------- */

static uint64_t compute(const ArmCold *cold, unsigned key, uint64_t data, uint64_t modifier) {
    return arm_qarma5(data, modifier, cold->key[key][0], cold->key[key][1]);
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
