/* SPDX-License-Identifier: MIT */
/*
 * int.c - integer work: arithmetic, tables, sorting, strings, compression, long numbers.
 *
 * Spec: SHA-256 is FIPS 180-4, the CRC that of IEEE 802.3 (reflected, 0xedb88320), base64 RFC 4648.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 256 << 10, NUMBERS = 1 << 18, NODES = 1 << 15 };

static uint8_t text[TEXT], packed[2 * TEXT], other[TEXT + 64];
static uint64_t numbers[NUMBERS], scratch[NUMBERS];
static uint32_t crc_table[256];

/* Text of words that repeat, with some noise. */
static void make_text(void) {
    uint64_t seed = 11;
    for (unsigned at = 0; at < TEXT;) {
        uint64_t r = random_next(&seed);
        unsigned word = (unsigned)(r >> 40) & ((r & 7) ? 63 : 4095), length = 2 + word % 9;
        for (unsigned i = 0; i < length && at < TEXT - 1; i++) {
            text[at++] = (uint8_t)('a' + (word * 7 + i * i * 5) % 26);
        }
        text[at++] = (r >> 20 & 15) ? ' ' : '\n';
    }
}

static void make_numbers(void) {
    uint64_t seed = 5;
    for (unsigned i = 0; i < NUMBERS; i++) {
        numbers[i] = random_next(&seed);
    }
}

static uint64_t mix(void) {
    uint64_t a = 1, b = 2, c = 3;
    uint32_t w = 4;
    for (uint64_t i = 0; i < 4000000; i++) {
        a += (b ^ c) * 3 + i;
        b = (b << 9 | b >> 55) - (a >> 3);
        w = w * 1664525u + (uint32_t)a;
        c = (w & 64) ? c + b : c ^ (a | w);
        a ^= (uint64_t)(int16_t)w;
    }
    return fold(fold(a, b), c + w);
}

static uint64_t sieve(void) {
    static uint8_t composite[1 << 21];
    uint64_t sum = 0;
    memset(composite, 0, sizeof composite);
    for (unsigned p = 2; p < sizeof composite; p++) {
        if (!composite[p]) {
            sum = fold(sum, p);
            for (unsigned m = 2 * p; m < sizeof composite; m += p) {
                composite[m] = 1;
            }
        }
    }
    return sum;
}

/* The first 32 bits of the fractional part of the n-th root (2 or 3) of a prime, by bisection in integers. */
static uint32_t root_bits(uint64_t prime, unsigned n) {
    uint64_t low = 0, high = UINT64_C(1) << 36;
    while (high - low > 1) { /* value = middle / 2^32 */
        uint64_t middle = (low + high) / 2;
        unsigned __int128 square = (unsigned __int128)middle * middle; /* scaled by 2^64 */
        bool above = n == 2 ? square > (unsigned __int128)prime << 64
                            : (square >> 32) * middle > (unsigned __int128)prime << 64;
        *(above ? &high : &low) = middle;
    }
    return (uint32_t)low;
}

static uint32_t sha_k[64], sha_h[8];

static void make_sha(void) {
    make_text();
    unsigned count = 0;
    for (unsigned p = 2; count < 64; p++) {
        bool prime = true;
        for (unsigned d = 2; d * d <= p; d++) {
            prime = prime && p % d;
        }
        if (prime) {
            sha_k[count] = root_bits(p, 3);
            if (count < 8) {
                sha_h[count] = root_bits(p, 2);
            }
            count++;
        }
    }
}

static inline uint32_t ror(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static void sha_block(uint32_t *h, const uint8_t *bytes) {
    uint32_t w[64], s[8];
    for (unsigned i = 0; i < 16; i++) {
        w[i] = (uint32_t)bytes[4 * i] << 24 | bytes[4 * i + 1] << 16 | bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
    }
    for (unsigned i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] + (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
    }
    memcpy(s, h, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha_k[i] + w[i];
        uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++) {
        h[i] += s[i];
    }
}

static uint64_t sha256(void) {
    uint32_t h[8];
    uint64_t sum = 0;
    memcpy(h, sha_h, sizeof h);
    for (unsigned i = 0; i < 15; i++) {
        for (unsigned at = 0; at < TEXT; at += 64) {
            sha_block(h, text + at);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        sum = fold(sum, h[i]);
    }
    return sum;
}

static void make_crc(void) {
    make_text();
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        }
        crc_table[i] = c;
    }
}

static uint64_t crc32(void) {
    uint32_t c = ~0u;
    for (unsigned i = 0; i < 60; i++) {
        for (unsigned at = 0; at < TEXT; at++) {
            c = c >> 8 ^ crc_table[(c ^ text[at]) & 255];
        }
    }
    return ~c;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t sort(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(scratch, numbers + i * (NUMBERS / 4), NUMBERS / 4 * sizeof *scratch);
        qsort(scratch, NUMBERS / 4, sizeof *scratch, compare);
        sum = fold(sum, scratch[NUMBERS / 8]);
    }
    return sum;
}

static uint64_t hash(void) {
    static struct {
        uint64_t key, count;
    } table[1 << 17];
    uint64_t seed = 3, sum = 0;
    memset(table, 0, sizeof table);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t key = random_next(&seed) % 90000 + 1;
        unsigned slot = (unsigned)(key * 0x9e3779b1u >> 7) & 0x1ffff;
        while (table[slot].key && table[slot].key != key) {
            slot = (slot + 1) & 0x1ffff;
        }
        table[slot].key = key;
        sum += ++table[slot].count;
    }
    return sum;
}

/* Strings by the C library, which has vector code for them. */
static uint64_t strlib(void) {
    uint64_t sum = 0;
    text[TEXT - 1] = '\0';
    for (unsigned i = 0; i < 400; i++) {
        for (char *line = (char *)text, *next; (next = strchr(line, '\n')); line = next + 1) {
            size_t length = (size_t)(next - line);
            memcpy(other, line, length);
            other[length] = '\0';
            char *z = strstr((char *)other, "qz");
            sum += strlen((char *)other) + (z ? (size_t)(z - (char *)other) : 0) + (size_t)(memcmp(other, text, length) > 0);
        }
    }
    return sum;
}

/* Strings byte by byte. */
static uint64_t strbyte(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 40; i++) {
        unsigned words = 0, vowels = 0;
        bool inside = false;
        for (unsigned at = 0; at < TEXT - 1; at++) {
            uint8_t c = text[at];
            bool letter = c >= 'a' && c <= 'z';
            words += letter && !inside;
            inside = letter;
            vowels += c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
            other[at] = letter ? (uint8_t)('a' + (c - 'a' + i) % 26) : c;
        }
        sum = fold(sum, words * 31 + vowels + other[i * 1000]);
    }
    return sum;
}

/* Compression by repeated strings: a byte below 128 says how many plain bytes follow, another how long a copy is. */
static unsigned lz_pack(const uint8_t *in, unsigned size, uint8_t *out) {
    static uint32_t last[1 << 14];
    unsigned to = 0, plain = 0;
    memset(last, 0, sizeof last);
    for (unsigned at = 0; at < size;) {
        unsigned length = 0, from = 0;
        if (at + 4 < size) {
            uint32_t four;
            memcpy(&four, in + at, 4);
            uint32_t *slot = &last[four * 2654435761u >> 18];
            from = *slot;
            *slot = at;
            while (from < at && at - from < 65536 && length < 127 && at + length < size && in[from + length] == in[at + length]) {
                length++;
            }
        }
        bool copy = length >= 4;
        if (plain && (copy || plain == 127)) {
            out[to++] = (uint8_t)plain;
            memcpy(out + to, in + at - plain, plain);
            to += plain;
            plain = 0;
        }
        if (copy) {
            out[to++] = (uint8_t)(128 | length);
            out[to++] = (uint8_t)(at - from);
            out[to++] = (uint8_t)((at - from) >> 8);
        }
        plain += !copy;
        at += copy ? length : 1;
    }
    out[to++] = (uint8_t)plain;
    memcpy(out + to, in + size - plain, plain);
    return to + plain;
}

static unsigned lz_unpack(const uint8_t *in, unsigned size, uint8_t *out) {
    unsigned to = 0;
    for (unsigned at = 0; at < size;) {
        unsigned length = in[at] & 127;
        if (in[at] & 128) {
            unsigned back = in[at + 1] | in[at + 2] << 8;
            for (unsigned i = 0; i < length; i++, to++) {
                out[to] = out[to - back];
            }
            at += 3;
        } else {
            memcpy(out + to, in + at + 1, length);
            to += length;
            at += 1 + length;
        }
    }
    return to;
}

static uint64_t lz(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 25; i++) {
        unsigned size = lz_pack(text, TEXT, packed);
        unsigned back = lz_unpack(packed, size, other);
        sum = fold(sum, size + back + (unsigned)memcmp(text, other, TEXT));
    }
    return sum;
}

/* Long numbers of 64-bit limbs: times one limb, and squared. */
static uint64_t bignum(void) {
    enum { LIMBS = 96 };
    uint64_t a[LIMBS] = {1}, square[2 * LIMBS], sum = 0;
    for (unsigned n = 0; n < 1800; n++) {
        unsigned __int128 carry = n;
        for (unsigned i = 0; i < LIMBS; i++) {
            carry += (unsigned __int128)a[i] * (n * 2 + 0x1000001);
            a[i] = (uint64_t)carry;
            carry >>= 64;
        }
        memset(square, 0, sizeof square);
        for (unsigned i = 0; i < LIMBS; i++) {
            uint64_t high = 0;
            for (unsigned k = 0; k < LIMBS; k++) {
                unsigned __int128 t = (unsigned __int128)a[i] * a[k] + square[i + k] + high;
                square[i + k] = (uint64_t)t;
                high = (uint64_t)(t >> 64);
            }
            square[i + LIMBS] = high;
        }
        sum = fold(sum, square[n % (2 * LIMBS)]);
    }
    return sum;
}

static uint64_t base64(void) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static uint8_t value[256];
    uint64_t sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        value[(uint8_t)digits[i]] = (uint8_t)i;
    }
    for (unsigned n = 0; n < 60; n++) {
        unsigned to = 0, back = 0;
        for (unsigned at = 0; at + 3 <= TEXT; at += 3) {
            uint32_t bits = (uint32_t)text[at] << 16 | text[at + 1] << 8 | text[at + 2];
            for (int shift = 18; shift >= 0; shift -= 6) {
                packed[to++] = (uint8_t)digits[bits >> shift & 63];
            }
        }
        for (unsigned at = 0; at < to; at += 4) {
            uint32_t bits = (uint32_t)value[packed[at]] << 18 | value[packed[at + 1]] << 12 | value[packed[at + 2]] << 6 | value[packed[at + 3]];
            other[back++] = (uint8_t)(bits >> 16);
            other[back++] = (uint8_t)(bits >> 8);
            other[back++] = (uint8_t)bits;
        }
        sum = fold(sum, (uint64_t)memcmp(text, other, back) + packed[n]);
    }
    return sum;
}

typedef struct Node {
    uint64_t key;
    struct Node *child[2];
} Node;

/* A binary search tree: branches that nobody can foresee, and pointers. */
static uint64_t tree(void) {
    static Node nodes[NODES];
    uint64_t sum = 0;
    Node *root = NULL;
    for (unsigned i = 0; i < NODES; i++) {
        Node **at = &root;
        nodes[i] = (Node){numbers[i], {NULL, NULL}};
        while (*at) {
            at = &(*at)->child[numbers[i] > (*at)->key];
        }
        *at = &nodes[i];
    }
    for (unsigned i = 0; i < 8 * NODES; i++) {
        uint64_t key = numbers[(i * 5) % NUMBERS];
        unsigned depth = 0;
        for (const Node *n = root; n && n->key != key; n = n->child[key > n->key]) {
            depth++;
        }
        sum += depth;
    }
    return sum;
}

static unsigned place(unsigned all, unsigned columns, unsigned left, unsigned right) {
    unsigned count = 0;
    if (columns == all) {
        return 1;
    }
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned bit = free & -free;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

static uint64_t queens(void) {
    return place((1 << 12) - 1, 0, 0, 0) * 1000 + place((1 << 10) - 1, 0, 0, 0);
}

static uint64_t divide(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 160000; i++) {
        uint64_t a = numbers[i] >> 8, b = numbers[i + 1] >> 20;
        while (b) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        sum = fold(sum, a + (uint32_t)numbers[i] / (uint32_t)(i + 3));
    }
    return sum;
}

const Kernel int_kernels[] = {
    {"mix", mix, NULL}, {"sieve", sieve, NULL}, {"sha256", sha256, make_sha}, {"crc32", crc32, make_crc},
    {"sort", sort, make_numbers}, {"hash", hash, NULL}, {"strlib", strlib, make_text}, {"strbyte", strbyte, make_text},
    {"lz", lz, make_text}, {"bignum", bignum, NULL}, {"base64", base64, make_text}, {"tree", tree, make_numbers},
    {"queens", queens, NULL}, {"divide", divide, make_numbers}, {NULL, NULL, NULL},
};
