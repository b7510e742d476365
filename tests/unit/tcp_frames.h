/* SPDX-License-Identifier: MIT */
/*
 * tcp_frames.h - TCP segments for tests, built and checked byte by byte from the RFCs, with none of the code under test.
 */
#ifndef TESTS_UNIT_TCP_FRAMES_H
#define TESTS_UNIT_TCP_FRAMES_H

#include <check.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What a segment says. */
typedef struct Segment {
    bool v6, vlan, options, extension; /* TCP options: a timestamp; IPv6: a hop-by-hop header */
    uint16_t id, window;
    uint32_t seq, ack;
    uint8_t flags;
    unsigned from, size; /* data: bytes of the stream from there on */
} Segment;

enum { SEG_FIN = 1, SEG_SYN = 2, SEG_PSH = 8, SEG_ACK = 16, SEG_CWR = 0x80 };

static inline uint8_t stream_byte(unsigned at) {
    return (uint8_t)(at * 13 + (at >> 8) * 7 + 5);
}

/* RFC 1071, straight: 16-bit words, most significant byte first. */
static inline uint32_t plain_sum(uint32_t sum, const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i++) {
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline void put_be(uint8_t *p, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

/* The pseudo header of a segment whose TCP part has `size` bytes. */
static inline uint32_t pseudo_header(const Segment *s, const uint8_t *ip, size_t size) {
    uint32_t sum = plain_sum(0, ip + (s->v6 ? 8 : 12), s->v6 ? 32 : 8);
    sum += 6 + (uint32_t)(size >> 16) + (uint32_t)(size & 0xffff);
    return (sum & 0xffff) + (sum >> 16);
}

/* Offsets of a segment's parts. */
static inline size_t seg_l3(const Segment *s) {
    return s->vlan ? 18 : 14;
}
static inline size_t seg_l4(const Segment *s) {
    return seg_l3(s) + (s->v6 ? (s->extension ? 48 : 40) : 20);
}
static inline size_t seg_payload(const Segment *s) {
    return seg_l4(s) + (s->options ? 32 : 20);
}

/* The frame's size. partial: only the pseudo header's sum stands where the checksum belongs. */
static inline size_t build_segment(uint8_t *f, const Segment *s, bool partial) {
    size_t l3 = seg_l3(s), l4 = seg_l4(s), payload = seg_payload(s), size = payload + s->size;
    memset(f, 0, payload);
    memcpy(f, "\x52\x54\x00\x12\x34\x56\x52\x55\x0a\x00\x02\x02", 12);
    if (s->vlan) {
        put_be(f + 12, 4, 0x81000007);
    }
    put_be(f + l3 - 2, 2, s->v6 ? 0x86dd : 0x0800);
    uint8_t *ip = f + l3, *tcp = f + l4;
    if (s->v6) {
        put_be(ip, 4, 0x60000000);
        put_be(ip + 4, 2, (uint32_t)(size - l3 - 40));
        ip[6] = s->extension ? 0 : 6;
        ip[7] = 64;
        ip[8] = 0xfe;
        ip[23] = 2;
        ip[24] = 0xfe;
        ip[39] = 0x15;
        if (s->extension) {
            memcpy(ip + 40, "\x06\x00\x01\x04\0\0\0\0", 8);
        }
    } else {
        put_be(ip, 4, 0x45000000 | (uint32_t)(size - l3));
        put_be(ip + 4, 4, (uint32_t)s->id << 16 | 0x4000);
        memcpy(ip + 8, "\x40\x06\0\0\x0a\x00\x02\x02\x0a\x00\x02\x0f", 12);
        put_be(ip + 10, 2, ~plain_sum(0, ip, 20) & 0xffff);
    }
    put_be(tcp, 4, 0x1f90c001);
    put_be(tcp + 4, 4, s->seq);
    put_be(tcp + 8, 4, s->ack);
    tcp[12] = (uint8_t)(s->options ? 0x80 : 0x50);
    tcp[13] = s->flags;
    put_be(tcp + 14, 2, s->window);
    if (s->options) {
        memcpy(tcp + 20, "\x01\x01\x08\x0a\0\0\x12\x34\0\0\x56\x78", 12);
    }
    for (unsigned i = 0; i < s->size; i++) {
        f[payload + i] = stream_byte(s->from + i);
    }
    uint32_t sum = pseudo_header(s, ip, size - l4);
    put_be(tcp + 16, 2, partial ? sum : ~plain_sum(sum, tcp, size - l4) & 0xffff);
    return size;
}

static inline void same_frame(const uint8_t *got, size_t got_size, const uint8_t *want, size_t want_size) {
    ck_assert_uint_eq(got_size, want_size);
    for (size_t i = 0; i < want_size; i++) {
        ck_assert_msg(got[i] == want[i], "byte %zu is 0x%02x, not 0x%02x", i, got[i], want[i]);
    }
}

#endif
