/* SPDX-License-Identifier: MIT */
/* test_offload.c - checksums, cutting and joining, against segments that are built byte by byte. */
#include <stdlib.h>

#include "host/net/offload.h"
#include "tests/run.h"
#include "tests/unit/tcp_frames.h"

enum { MAX = 70000 };

static uint32_t random_state = 12345;
static uint32_t random32(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

START_TEST(test_sum) {
    static uint8_t data[MAX];
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)random32();
    }
    for (unsigned i = 0; i < 3000; i++) {
        size_t size = i < 100 ? i : random32() % (i < 2900 ? 300 : 66000), at = random32() % 64;
        uint16_t start = (uint16_t)random32();
        uint32_t want = plain_sum((start & 0xff) << 8 | start >> 8, data + at, size);
        uint16_t got = net_sum(start, data + at, size);
        ck_assert_uint_eq((uint32_t)(got & 0xff) << 8 | got >> 8, want);
    }
    memset(data, 0xff, sizeof data);
    ck_assert_uint_eq(net_sum(0, data, 65536), 0xffff);
}
END_TEST

/* RFC 1071, section 3, numerical example: the sum is ddf2. */
START_TEST(test_sum_example) {
    static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    uint16_t sum = net_sum(0, data, sizeof data);
    ck_assert(memcmp(&sum, "\xdd\xf2", 2) == 0);
}
END_TEST

START_TEST(test_fill) {
    uint8_t want[2000], got[2000];
    for (unsigned i = 0; i < 64; i++) {
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .extension = i & 8, .seq = random32(), .flags = SEG_ACK,
                      .size = random32() % 1400 };
        size_t size = build_segment(want, &s, false);
        build_segment(got, &s, true);
        ck_assert(net_fill_checksum(got, size, (unsigned)seg_l4(&s), 16));
        same_frame(got, size, want, size);
    }
    memset(got, 0, sizeof got);
    ck_assert(!net_fill_checksum(got, 60, 61, 0));
    ck_assert(!net_fill_checksum(got, 60, 40, 19));
    ck_assert(!net_fill_checksum(got, 60, 40, UINT32_MAX));
    ck_assert(!net_fill_checksum(got, 60, UINT32_MAX, 2));
    ck_assert(net_fill_checksum(got, 60, 40, 18));
    ck_assert(got[58] == 0xff && got[59] == 0xff); /* a sum of 0 */
}
END_TEST

START_TEST(test_find) {
    static uint8_t f[2000];
    NetTcp t;
    for (unsigned i = 0; i < 16; i++) {
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .extension = i & 8, .flags = SEG_ACK, .size = 10 };
        size_t size = build_segment(f, &s, false);
        ck_assert(net_find_tcp(f, size + 6, false, &t)); /* padded */
        ck_assert(t.v6 == s.v6 && t.l3 == seg_l3(&s) && t.l4 == seg_l4(&s) && t.payload == seg_payload(&s) && t.end == size);
        for (size_t cut = 0; cut < size; cut++) {
            ck_assert(!net_find_tcp(f, cut, false, &t));
        }
    }
    Segment s = { .flags = SEG_ACK, .size = 10 };
    size_t size = build_segment(f, &s, false);
    static const struct { unsigned at; uint8_t byte; } bad[] = {
        { 12, 9 }, { 14, 0x44 }, { 14, 0x65 }, { 20, 0x20 }, { 21, 1 }, { 23, 17 }, { 46, 0x40 }, { 46, 0xf0 }, { 16, 0xff },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        uint8_t kept = f[bad[i].at];
        f[bad[i].at] = bad[i].byte;
        ck_assert_msg(!net_find_tcp(f, size, false, &t), "%u", i);
        f[bad[i].at] = kept;
    }
    ck_assert(net_find_tcp(f, size, false, &t));
}
END_TEST

/* -- cutting -- */

typedef struct Cuts {
    Segment whole;
    unsigned mss, count, stop_after;
} Cuts;

static bool check_cut(void *opaque, const uint8_t *frame, size_t size) {
    Cuts *c = opaque;
    static uint8_t want[MAX];
    Segment s = c->whole;
    unsigned at = c->count * c->mss;
    bool last = at + c->mss >= s.size;
    s.id = (uint16_t)(s.id + c->count);
    s.seq += at;
    s.from += at;
    s.size = last ? s.size - at : c->mss;
    s.flags = (uint8_t)(s.flags & ~(at ? SEG_CWR : 0) & ~(last ? 0 : SEG_FIN | SEG_PSH));
    same_frame(frame, size, want, build_segment(want, &s, false));
    return ++c->count != c->stop_after;
}

START_TEST(test_cut) {
    static uint8_t f[MAX], room[MAX];
    for (unsigned i = 0; i < 200; i++) {
        Cuts c = { .whole = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .extension = i & 8, .id = (uint16_t)(65530 + i),
                              .seq = 0xffffff00u + i, .ack = random32(), .window = (uint16_t)i,
                              .flags = SEG_ACK | SEG_PSH | SEG_CWR | (i & 16 ? SEG_FIN : 0),
                              .size = i < 150 ? random32() % 9000 : 65000 },
                   .mss = i == 7 ? 1 : 500 + random32() % 1000 };
        size_t size = build_segment(f, &c.whole, true);
        if (i % 3 == 0) {
            put_be(f + seg_l3(&c.whole) + (c.whole.v6 ? 4 : 2), 2, 0); /* drivers leave odd lengths there */
        }
        ck_assert(net_cut(f, size, c.mss, room, check_cut, &c));
        ck_assert_uint_eq(c.count, MAX(1, (c.whole.size + c.mss - 1) / c.mss));
    }
    Cuts c = { .whole = { .flags = SEG_ACK, .size = 5000 }, .mss = 1000, .stop_after = 2 };
    size_t size = build_segment(f, &c.whole, true);
    ck_assert(net_cut(f, size, 1000, room, check_cut, &c));
    ck_assert_uint_eq(c.count, 2);
    ck_assert(!net_cut(f, size, 0, room, check_cut, &c));
    f[23] = 17;
    ck_assert(!net_cut(f, size, 1000, room, check_cut, &c));
}
END_TEST

START_TEST(test_whole) {
    static uint8_t f[MAX], want[MAX];
    for (unsigned i = 0; i < 32; i++) {
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .extension = i & 8, .id = 7, .seq = i, .flags = SEG_ACK,
                      .size = i & 16 ? 65000 : 3000 };
        size_t size = build_segment(f, &s, true);
        build_segment(want, &s, false);
        put_be(f + seg_l3(&s) + (s.v6 ? 4 : 2), 2, 0x1234);
        ck_assert(net_make_whole(f, size));
        same_frame(f, size, want, size);
    }
    Segment s = { .flags = SEG_ACK, .size = 65535 - 40 + 1 };
    ck_assert(!net_make_whole(f, build_segment(f, &s, true)));
    s.size--;
    ck_assert(net_make_whole(f, build_segment(f, &s, true)));
}
END_TEST

/* -- joining -- */

START_TEST(test_join) {
    static uint8_t f[MAX], want[MAX], joined[MAX];
    for (unsigned i = 0; i < 64; i++) {
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .id = (uint16_t)i, .seq = 0xfffff000u + i, .ack = 77,
                      .window = 1000, .flags = SEG_ACK, .size = 1000 + i };
        Segment all = s;
        NetJoin j = { .frame = joined, .capacity = sizeof joined };
        ck_assert(net_join_first(&j, f, build_segment(f, &s, false)));
        unsigned count = 1 + i % 20;
        for (unsigned k = 1; k < count; k++) {
            s.seq += s.size;
            s.from += s.size;
            s.id++;
            s.window++;
            s.flags = SEG_ACK | (k == count - 1 && i & 8 ? SEG_PSH : 0);
            s.size = k == count - 1 && i & 16 ? 17 : s.size;
            ck_assert(net_join_next(&j, f, build_segment(f, &s, false) + (i & 32 ? 3 : 0)));
            all.size += s.size;
        }
        all.window = s.window;
        all.flags = s.flags;
        net_join_finish(&j);
        ck_assert_uint_eq(j.count, count);
        ck_assert_uint_eq(j.mss, 1000 + i);
        same_frame(j.frame, j.size, want, build_segment(want, &all, true));
        s.seq += s.size;
        s.from += s.size;
        bool closed = count > 1 && i & (8 | 16);
        ck_assert_int_eq(net_join_next(&j, f, build_segment(f, &s, false)), !closed);
    }
}
END_TEST

START_TEST(test_join_refuses) {
    static uint8_t f[MAX], joined[MAX];
    const Segment first = { .options = true, .seq = 1000, .ack = 5, .window = 9, .flags = SEG_ACK, .size = 500 };
    const Segment next = { .options = true, .seq = 1500, .from = 500, .ack = 5, .window = 9, .flags = SEG_ACK, .size = 500 };
    for (unsigned i = 0; i < 14; i++) {
        Segment s = next;
        NetJoin j = { .frame = joined, .capacity = i == 12 ? 1065 : i == 13 ? 1066 : sizeof joined };
        ck_assert(net_join_first(&j, f, build_segment(f, &first, false)));
        s.seq += i == 0;
        s.ack += i == 1;
        s.size += i == 2;
        s.flags |= i == 3 ? SEG_FIN : i == 4 ? SEG_SYN : i == 5 ? SEG_CWR : 0;
        s.size = i == 6 ? 0 : s.size;
        s.options = i != 7;
        s.vlan = i == 8;
        size_t size = build_segment(f, &s, false);
        f[14 + 1] ^= i == 9;  /* type of service */
        f[34 + 1] ^= i == 10; /* port */
        f[34 + 31] ^= i == 11; /* an option */
        ck_assert_msg(net_join_next(&j, f, size) == (i == 13), "%u", i);
        ck_assert_uint_eq(j.count, 1 + (i == 13));
    }
    NetJoin j = { .frame = joined, .capacity = sizeof joined };
    Segment s = first;
    for (unsigned flags = 0; flags < 256; flags++) {
        s.flags = (uint8_t)flags;
        ck_assert_int_eq(net_join_first(&j, f, build_segment(f, &s, false)), (flags & ~8u) == SEG_ACK);
    }
    s = (Segment){ .v6 = true, .extension = true, .flags = SEG_ACK, .size = 100 };
    ck_assert(!net_join_first(&j, f, build_segment(f, &s, false)));
    s = (Segment){ .flags = SEG_ACK, .size = 60000 }; /* never longer than IP can say */
    ck_assert(net_join_first(&j, f, build_segment(f, &s, false)));
    s = (Segment){ .flags = SEG_ACK, .seq = 60000, .from = 60000, .size = 5496 };
    ck_assert(!net_join_next(&j, f, build_segment(f, &s, false)));
    s.size--;
    ck_assert(net_join_next(&j, f, build_segment(f, &s, false)));
}
END_TEST

/* Whatever the bytes are, nothing beyond them is read or written (a sanitizer build sees more than this). */
static bool count_bytes(void *opaque, const uint8_t *frame, size_t size) {
    *(size_t *)opaque += size;
    return *(size_t *)opaque < 1 << 20;
}

START_TEST(test_anything) {
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t base[400];
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .extension = i & 8, .flags = SEG_ACK, .size = i % 200 };
        size_t size = build_segment(base, &s, true), out = 0;
        for (unsigned k = 0; k < 1 + i % 3; k++) {
            base[12 + random32() % 80] = (uint8_t)random32();
        }
        size = random32() & 1 ? size : random32() % size;
        g_autofree uint8_t *f = g_memdup2(base, size), *room = g_malloc(MAX(size, 1)), *joined = g_malloc(1000);
        NetJoin j = { .frame = joined, .capacity = 1000 };
        net_fill_checksum(f, size, random32() % 300, random32() % 300);
        net_cut(f, size, 1 + random32() % 100, room, count_bytes, &out);
        if (net_join_first(&j, f, size)) {
            net_join_next(&j, base, size);
            net_join_finish(&j);
        }
        net_make_whole(f, size);
    }
}
END_TEST

TEST_MAIN("offload", 60, test_sum, test_sum_example, test_fill, test_find, test_cut, test_whole, test_join,
          test_join_refuses, test_anything)
