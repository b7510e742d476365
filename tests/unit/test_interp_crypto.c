/* SPDX-License-Identifier: MIT */
/*
 * test_interp_crypto.c - the cryptographic IR ops put together to whole algorithms, against the published examples:
 * FIPS 197 appendices B and C.1 (AES-128), FIPS 180-4's examples of "abc" (SHA-1, SHA-256).
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ir/interp.h"

static uint64_t info(unsigned aux) {
    return IR_V128 | (uint64_t)aux << 8;
}
static IrVal bytes16(const char *hex) {
    IrVal v = {.d = {0, 0}};
    for (unsigned i = 0; i < 16; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte);
        v.b[i] = (uint8_t)byte;
    }
    return v;
}

/* The S-box by way of the op: SubBytes of a state whose bytes are all equal is not touched by ShiftRows. */
static uint8_t substitute(uint8_t x) {
    IrVal state, zero = {.d = {0, 0}};
    memset(&state, x, sizeof(state));
    interp_vaes(NULL, &state, &state, &zero, NULL, info(0));
    return state.b[5];
}
static void expand_key(IrVal *key) {
    uint8_t round = 1;
    for (unsigned k = 1; k <= 10; k++) {
        const uint8_t *last = key[k - 1].b + 12;
        const uint8_t turned[4] = {(uint8_t)(substitute(last[1]) ^ round), substitute(last[2]), substitute(last[3]),
                                   substitute(last[0])};
        uint32_t word;
        memcpy(&word, turned, 4);
        for (unsigned i = 0; i < 4; i++) {
            word ^= key[k - 1].s[i];
            key[k].s[i] = word;
        }
        round = (uint8_t)(round << 1 ^ (round >> 7) * 0x1b);
    }
}

START_TEST(aes_of_fips_197) {
    static const char *const rows[][3] = {
        {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"},
        {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"},
    };
    IrVal key[11] = {bytes16(rows[_i][0])}, v = bytes16(rows[_i][1]), plain = v, cipher = bytes16(rows[_i][2]);
    expand_key(key);
    for (unsigned k = 0; k < 10; k++) {
        interp_vaes(NULL, &v, &v, &key[k], NULL, info(0));
        if (k < 9) {
            interp_vaesmc(NULL, &v, &v, NULL, NULL, info(0));
        }
    }
    interp_vxor(NULL, &v, &v, &key[10], NULL, info(0));
    ck_assert_mem_eq(&v, &cipher, 16);
    for (unsigned k = 10; k > 0; k--) {
        IrVal by = key[k];
        if (k < 10) {
            interp_vaesmc(NULL, &v, &v, NULL, NULL, info(IR_VEC_ALT));
            interp_vaesmc(NULL, &by, &by, NULL, NULL, info(IR_VEC_ALT));
        }
        interp_vaes(NULL, &v, &v, &by, NULL, info(IR_VEC_ALT));
    }
    interp_vxor(NULL, &v, &v, &key[0], NULL, info(0));
    ck_assert_mem_eq(&v, &plain, 16);
}
END_TEST

/* The one block of "abc": the text, a one bit, zeros, the length of 24 bits. */
static void abc(IrVal w[4]) {
    memset(w, 0, 4 * sizeof(*w));
    w[0].s[0] = 0x61626380;
    w[3].s[3] = 24;
}

START_TEST(sha1_of_abc) {
    static const uint32_t constant[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static const unsigned kind[4] = {0, 1, 2, 1};
    const IrVal start = {.s = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    IrVal w[20], state = start, e = {.s = {0xc3d2e1f0}};
    abc(w);
    for (unsigned i = 4; i < 20; i++) {
        interp_vsha1s0(NULL, &w[i], &w[i - 4], &w[i - 3], &w[i - 2], info(0));
        interp_vsha1s1(NULL, &w[i], &w[i], &w[i - 1], NULL, info(0));
    }
    for (unsigned i = 0; i < 20; i++) {
        IrVal in, next_e;
        for (unsigned k = 0; k < 4; k++) {
            in.s[k] = w[i].s[k] + constant[i / 5];
        }
        interp_vsha1h(NULL, &next_e, &state, NULL, NULL, info(0));
        interp_vsha1(NULL, &state, &state, &e, &in, info(kind[i / 5]));
        e = next_e;
    }
    ck_assert_uint_eq(state.s[0] + start.s[0], 0xa9993e36);
    ck_assert_uint_eq(state.s[1] + start.s[1], 0x4706816a);
    ck_assert_uint_eq(state.s[2] + start.s[2], 0xba3e2571);
    ck_assert_uint_eq(state.s[3] + start.s[3], 0x7850c26c);
    ck_assert_uint_eq(e.s[0] + 0xc3d2e1f0, 0x9cd0d89d);
}
END_TEST

/* floor(frac(root(p)) * 2^32) of the first primes, the third root or the square root, by search. */
static uint32_t root_fraction(unsigned prime, unsigned degree) {
    unsigned __int128 low = 0, high = (unsigned __int128)32 << 32;
    while (high - low > 1) {
        unsigned __int128 mid = (low + high) / 2;
        unsigned __int128 power = mid * mid, limit = (unsigned __int128)prime << 64;
        if (degree == 3) {
            power = power * mid; /* below 2^111 */
            limit <<= 32;
        }
        if (power <= limit) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return (uint32_t)low;
}

START_TEST(sha256_of_abc) {
    static const uint32_t want[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                     0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    IrVal w[16], state[2], start[2];
    unsigned prime = 1, primes[64];
    for (unsigned n = 0; n < 64; n++) {
        for (bool composite = true; composite;) {
            prime++;
            composite = false;
            for (unsigned k = 0; k < n; k++) {
                composite |= prime % primes[k] == 0;
            }
        }
        primes[n] = prime;
        if (n < 8) {
            start[n / 4].s[n % 4] = root_fraction(prime, 2);
        }
    }
    memcpy(state, start, sizeof(state));
    abc(w);
    for (unsigned i = 4; i < 16; i++) {
        interp_vsha2s0(NULL, &w[i], &w[i - 4], &w[i - 3], NULL, info(0));
        interp_vsha2s1(NULL, &w[i], &w[i], &w[i - 2], &w[i - 1], info(0));
    }
    for (unsigned i = 0; i < 16; i++) {
        IrVal in, abcd;
        for (unsigned k = 0; k < 4; k++) {
            in.s[k] = w[i].s[k] + root_fraction(primes[4 * i + k], 3);
        }
        interp_vsha2(NULL, &abcd, &state[0], &state[1], &in, info(0));
        interp_vsha2(NULL, &state[1], &state[0], &state[1], &in, info(IR_VEC_ALT));
        state[0] = abcd;
    }
    for (unsigned n = 0; n < 8; n++) {
        ck_assert_uint_eq((uint32_t)(state[n / 4].s[n % 4] + start[n / 4].s[n % 4]), want[n]);
    }
}
END_TEST

/* (x + 1) * (x^63 + x^62 + ... + 1) = x^64 + 1, for polynomials over two elements */
START_TEST(carryless_products) {
    IrVal a = {.d = {3, 5}}, b = {.d = {UINT64_MAX, 7}}, r;
    interp_vpmull(NULL, &r, &a, &b, NULL, info(3));
    ck_assert_uint_eq(r.d[0], 1);
    ck_assert_uint_eq(r.d[1], 1);
    interp_vpmull(NULL, &r, &a, &b, NULL, info(3 | IR_VEC_HIGH));
    ck_assert_uint_eq(r.d[0], 0x1b);
    ck_assert_uint_eq(r.d[1], 0);
    interp_vpmull(NULL, &r, &a, &b, NULL, info(0));
    ck_assert_uint_eq(r.h[0], 0x101);
    ck_assert_uint_eq(r.h[1], 0);
    interp_vpmul(NULL, &r, &a, &b, NULL, info(0));
    ck_assert_uint_eq(r.b[0], 1);
    ck_assert_uint_eq(r.b[8], 0x1b);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("interp_crypto");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, aes_of_fips_197, 0, 2);
    tcase_add_test(t, sha1_of_abc);
    tcase_add_test(t, sha256_of_abc);
    tcase_add_test(t, carryless_products);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
