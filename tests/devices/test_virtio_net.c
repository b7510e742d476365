/* SPDX-License-Identifier: MIT */
/* test_virtio_net.c - the network card, with a driver made of pokes on one side and a backend that keeps frames. */
#include "tests/devices/vring.h"
#include "tests/unit/tcp_frames.h"

enum { RX, TX, CTRL, QUEUES, ENTRIES = 64, HEAD = 12, BUFFER = 2048, RX_DATA = VR_DATA, TX_DATA = VR_DATA + 0x60000 };
enum { NEEDS_CSUM = 1, DATA_VALID = 2, TCPV4 = 1, TCPV6 = 4 };
#define F(n) VIRTIO_F(n)
#define CSUM F(0)
#define GUEST_CSUM F(1)
#define GUEST_TSO (F(7) | F(8))
#define HOST_TSO (F(11) | F(12))
#define MRG F(15)
#define STATUS F(16)
#define CONTROL (F(2) | F(17) | F(18) | F(19) | F(20) | F(21) | F(23))

/* The far end of the cable. */
typedef struct Far {
    NetBackend n;
    GPtrArray *sent;
    bool stuck;
} Far;

static bool far_send(NetBackend *n, const uint8_t *frame, size_t size) {
    Far *f = (Far *)n;
    if (f->stuck) {
        return false;
    }
    g_ptr_array_add(f->sent, g_bytes_new(frame, size));
    return true;
}
static void far_close(NetBackend *n) {
    g_ptr_array_unref(((Far *)n)->sent);
}
static const NetClass plain = { .type = "far", .send = far_send, .close = far_close };
static const NetClass near_host = { .type = "far", .large = true, .checked = true, .send = far_send, .close = far_close };

typedef struct Net {
    Vr d;
    Far *far;
    VirtioNetConfig config;
} Net;

static void net_new(Net *t, const NetClass *cls) {
    t->far = g_new0(Far, 1);
    t->far->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    net_init(&t->far->n, cls, "far", NULL);
    net_set_link(&t->far->n, true);
    t->config = (VirtioNetConfig){ .backend = &t->far->n, .mac = { 0x52, 0x54, 0, 1, 2, 3 }, .mac_given = 1 };
    vr_new(&t->d, &device_virtio_net, &t->config, ENTRIES);
}
static void net_end(Net *t) {
    vr_free(&t->d);
    net_free(&t->far->n);
}
static void settle(void) {
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* -- transmitting -- */

static void header(Net *t, uint64_t at, unsigned flags, unsigned type, unsigned gso_size, unsigned start, unsigned offset) {
    const unsigned fields[] = { gso_size, start, offset, 0 };
    memset(vr_host(&t->d, at), 0, HEAD);
    vr_put(&t->d, at, 1, flags);
    vr_put(&t->d, at + 1, 1, type);
    for (unsigned i = 0; i < 4; i++) {
        vr_put(&t->d, at + 4 + 2 * i, 2, fields[i]);
    }
}

/* Sends what stands at TX_DATA: header and frame in one buffer. */
static void send_one(Net *t, uint32_t size) {
    uint32_t written = 1;
    unsigned head = VR_ADD(&t->d, TX, { TX_DATA, size, false }), used = 999;
    vr_kick(&t->d, TX);
    ck_assert(vr_next_used(&t->d, TX, &used, &written));
    ck_assert_uint_eq(used, head);
    ck_assert_uint_eq(written, 0);
    settle();
}

static const uint8_t *sent(Net *t, unsigned i, size_t *size) {
    ck_assert_uint_lt(i, t->far->sent->len);
    return g_bytes_get_data(g_ptr_array_index(t->far->sent, i), size);
}

START_TEST(test_configuration) {
    Net t;
    net_new(&t, &plain);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(vr_config(&t.d, i), t.config.mac[i]);
    }
    ck_assert_uint_eq(vr_config(&t.d, 6), 1);
    uint64_t offered = vr_offered(&t.d);
    uint64_t want = CSUM | GUEST_CSUM | GUEST_TSO | HOST_TSO | MRG | STATUS | CONTROL | F(5) | F(9) | F(13) |
                    VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT;
    ck_assert_uint_eq(offered, want);
    net_end(&t);
}
END_TEST

START_TEST(test_switches) {
    static const struct { unsigned no; uint64_t lost; } rows[] = {
        { 0, CSUM | HOST_TSO | F(13) }, { 1, GUEST_CSUM | GUEST_TSO | F(9) }, { 2, F(11) }, { 6, MRG }, { 7, STATUS },
        { 8, F(18) | F(20) }, { 13, CONTROL },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        Vr all, less;
        VirtioNetConfig c = { .mtu = 9000 };
        vr_new(&all, &device_virtio_net, &c, ENTRIES);
        ck_assert_uint_eq(vr_config(&all, 10) | vr_config(&all, 11) << 8, 9000);
        ck_assert(vr_offered(&all) & F(3));
        c.no[rows[i].no] = true;
        vr_new(&less, &device_virtio_net, &c, ENTRIES);
        ck_assert_uint_eq(vr_offered(&all) ^ vr_offered(&less), rows[i].lost);
        vr_free(&all);
        vr_free(&less);
    }
}
END_TEST

START_TEST(test_send) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, 0, 2);
    size_t size;
    for (unsigned i = 0; i < 200; i++) { /* round the ring; the frame in pieces */
        header(&t, TX_DATA, 0, 0, 0, 0, 0);
        for (unsigned k = 0; k < 100; k++) {
            vr_put(&t.d, TX_DATA + HEAD + k, 1, i + k);
        }
        VR_ADD(&t.d, TX, { TX_DATA, 5, false }, { TX_DATA + 5, 20, false }, { TX_DATA + 25, HEAD + 75, false });
        vr_kick(&t.d, TX);
        ck_assert(vr_next_used(&t.d, TX, NULL, NULL));
        settle();
        const uint8_t *got = sent(&t, i, &size);
        ck_assert_uint_eq(size, 100);
        ck_assert(got[0] == (uint8_t)i && got[99] == (uint8_t)(i + 99));
    }
    ck_assert_uint_eq(vr_reasons(&t.d), VIRTIO_INT_QUEUE);
    net_end(&t);
}
END_TEST

START_TEST(test_checksum) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CSUM, 2);
    uint8_t want[2000];
    size_t size;
    Segment s = { .seq = 5, .flags = SEG_ACK, .size = 1001 };
    size_t n = build_segment(vr_host(&t.d, TX_DATA + HEAD), &s, true);
    header(&t, TX_DATA, NEEDS_CSUM, 0, 0, 34, 16);
    send_one(&t, (uint32_t)(HEAD + n));
    const uint8_t *got = sent(&t, 0, &size);
    same_frame(got, size, want, build_segment(want, &s, false));
    net_end(&t);
}
END_TEST

static void send_long(Net *t, const Segment *s, unsigned mss) {
    size_t n = build_segment(vr_host(&t->d, TX_DATA + HEAD), s, true);
    header(t, TX_DATA, NEEDS_CSUM, s->v6 ? TCPV6 : TCPV4, mss, (unsigned)seg_l4(s), 16);
    send_one(t, (uint32_t)(HEAD + n));
}

START_TEST(test_long_is_cut) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CSUM | HOST_TSO, 2);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        Segment s = { .v6 = v6, .id = 3, .seq = 1000, .flags = SEG_ACK | SEG_PSH, .size = 60000 };
        unsigned before = t.far->sent->len;
        send_long(&t, &s, 1448);
        ck_assert_uint_eq(t.far->sent->len - before, 42);
        for (unsigned i = 0; i < 42; i++) {
            Segment part = s;
            part.id = (uint16_t)(3 + i);
            part.seq = 1000 + i * 1448;
            part.from = i * 1448;
            part.size = i == 41 ? 60000 - 41 * 1448 : 1448;
            part.flags = i == 41 ? SEG_ACK | SEG_PSH : SEG_ACK;
            uint8_t want[2000];
            size_t size;
            const uint8_t *got = sent(&t, before + i, &size);
            same_frame(got, size, want, build_segment(want, &part, false));
        }
    }
    net_end(&t);
}
END_TEST

START_TEST(test_long_stays_whole) {
    Net t;
    net_new(&t, &near_host);
    vr_start(&t.d, CSUM | HOST_TSO, 2);
    static uint8_t want[70000];
    Segment s = { .seq = 1000, .flags = SEG_ACK | SEG_PSH, .size = 60000 };
    send_long(&t, &s, 1448);
    ck_assert_uint_eq(t.far->sent->len, 1);
    size_t size;
    const uint8_t *got = sent(&t, 0, &size);
    same_frame(got, size, want, build_segment(want, &s, false));
    net_end(&t);
}
END_TEST

START_TEST(test_bad_frames) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CSUM | F(11), 2);
    header(&t, TX_DATA, 0, 0, 0, 0, 0);
    static const uint32_t sizes[] = { 1, HEAD, HEAD + 13, HEAD + 65550, 100000 };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        send_one(&t, sizes[i]);
        ck_assert_uint_eq(t.far->sent->len, 0);
        ck_assert(poke_logged(&t.d.p, "bytes to send: lost"));
    }
    Segment s = { .flags = SEG_ACK, .size = 3000 };
    size_t n = build_segment(vr_host(&t.d, TX_DATA + HEAD), &s, true);
    static const unsigned fields[][5] = {
        { NEEDS_CSUM, 0, 0, 65535, 16 }, { NEEDS_CSUM, 0, 0, 34, 65535 }, { NEEDS_CSUM, 0, 0, 34, 3019 }, /* checksum */
        { NEEDS_CSUM, TCPV4, 0, 34, 16 }, { 0, TCPV4, 1448, 34, 16 }, { NEEDS_CSUM, TCPV6, 1448, 34, 16 }, /* segments */
        { NEEDS_CSUM, 3, 1448, 34, 16 }, { NEEDS_CSUM, 255, 1448, 34, 16 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        header(&t, TX_DATA, fields[i][0], fields[i][1], fields[i][2], fields[i][3], fields[i][4]);
        send_one(&t, (uint32_t)(HEAD + n));
        ck_assert_msg(t.far->sent->len == 0, "%u", i);
        ck_assert(poke_logged(&t.d.p, "makes no sense"));
    }
    header(&t, TX_DATA, NEEDS_CSUM, 0, 0, 34, 16);
    send_one(&t, (uint32_t)(HEAD + n));
    ck_assert_uint_eq(t.far->sent->len, 1);
    net_end(&t);
}
END_TEST

START_TEST(test_slow_network) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, 0, 2);
    t.far->stuck = true;
    header(&t, TX_DATA, 0, 0, 0, 0, 0);
    unsigned added = 0, taken = 0;
    for (; added - taken < 10; added++) { /* the queue of the host fills, then the guest's */
        VR_ADD(&t.d, TX, { TX_DATA, HEAD + 60000, false });
        vr_kick(&t.d, TX);
        taken += vr_next_used(&t.d, TX, NULL, NULL);
        ck_assert_uint_lt(added, 100);
    }
    ck_assert_uint_gt(taken, 5);
    settle();
    ck_assert_uint_eq(t.far->sent->len, 0);
    t.far->stuck = false;
    net_writable(&t.far->n);
    settle();
    ck_assert_uint_eq(t.far->sent->len, added);
    while (vr_next_used(&t.d, TX, NULL, NULL)) {
        taken++;
    }
    ck_assert_uint_eq(taken, added);
    net_end(&t);
}
END_TEST

/* -- receiving -- */

static void give(Net *t, unsigned first, unsigned count, uint32_t size) {
    for (unsigned i = first; i < first + count; i++) {
        VR_ADD(&t->d, RX, { RX_DATA + i * (uint64_t)BUFFER, size, true });
    }
    vr_kick(&t->d, RX);
    settle();
}

static void from_network(Net *t, const uint8_t *frame, size_t size) {
    net_deliver(&t->far->n, frame, size);
    settle();
}

/* A frame to us that begins with a number. */
static size_t plain_frame(uint8_t *f, unsigned number, size_t size) {
    memset(f, (int)number, size);
    memcpy(f, "\x52\x54\0\1\2\3\x52\x55\0\0\0\1\x88\xb5", 14);
    return size;
}

START_TEST(test_receive) {
    Net t;
    net_new(&t, &near_host);
    vr_start(&t.d, GUEST_CSUM, 2);
    uint8_t f[2000];
    uint32_t written;
    give(&t, 0, 4, BUFFER);
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    for (unsigned i = 0; i < 4; i++) {
        from_network(&t, f, plain_frame(f, i, 60 + i));
        ck_assert(vr_next_used(&t.d, RX, NULL, &written));
        ck_assert_uint_eq(written, HEAD + 60 + i);
        ck_assert_uint_eq(vr_get(&t.d, RX_DATA + i * BUFFER, 8), DATA_VALID);
        ck_assert_uint_eq(vr_get(&t.d, RX_DATA + i * BUFFER + 10, 2), 1); /* num_buffers */
        ck_assert(memcmp(vr_host(&t.d, RX_DATA + i * BUFFER + HEAD), f, 60 + i) == 0);
        ck_assert_uint_eq(vr_reasons(&t.d), VIRTIO_INT_QUEUE);
    }
    from_network(&t, f, plain_frame(f, 9, 60)); /* no room: it waits */
    from_network(&t, f, plain_frame(f, 10, 60));
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    ck_assert_uint_eq(vr_reasons(&t.d), 0);
    give(&t, 4, 2, BUFFER);
    ck_assert(vr_next_used(&t.d, RX, NULL, NULL) && vr_next_used(&t.d, RX, NULL, NULL));
    ck_assert_uint_eq(vr_get(&t.d, RX_DATA + 4 * BUFFER + HEAD + 14, 1), 9);
    ck_assert_uint_eq(vr_get(&t.d, RX_DATA + 5 * BUFFER + HEAD + 14, 1), 10);
    net_end(&t);
}
END_TEST

START_TEST(test_receive_several_buffers) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, MRG, 2);
    uint8_t f[2000];
    uint32_t written;
    unsigned head;
    give(&t, 0, 3, 100);
    from_network(&t, f, plain_frame(f, 1, 380));
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL)); /* 392 bytes do not fit yet; nothing is taken */
    give(&t, 3, 2, 100);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(vr_next_used(&t.d, RX, &head, &written));
        ck_assert_uint_eq(head, i);
        ck_assert_uint_eq(written, i == 3 ? 92 : 100);
        ck_assert_uint_eq(vr_get(&t.d, RX_DATA + i * BUFFER + 91, 1), i == 3 ? 1 : 1);
    }
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    ck_assert_uint_eq(vr_get(&t.d, RX_DATA + 10, 2), 4);
    ck_assert(memcmp(vr_host(&t.d, RX_DATA + HEAD), f, 88) == 0);
    ck_assert(memcmp(vr_host(&t.d, RX_DATA + BUFFER), f + 88, 100) == 0);
    from_network(&t, f, plain_frame(f, 2, 60)); /* the fifth buffer was given back */
    ck_assert(vr_next_used(&t.d, RX, &head, &written));
    ck_assert_uint_eq(head, 4);
    ck_assert_uint_eq(written, 72);
    net_end(&t);
}
END_TEST

START_TEST(test_too_small_buffers) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, 0, 2); /* without MRG one buffer must do */
    uint8_t f[2000];
    give(&t, 0, 2, 100);
    from_network(&t, f, plain_frame(f, 1, 380));
    ck_assert(poke_logged(&t.d.p, "does not fit into receive buffers: lost"));
    from_network(&t, f, plain_frame(f, 2, 60));
    ck_assert(vr_next_used(&t.d, RX, NULL, NULL));
    ck_assert_uint_eq(vr_get(&t.d, RX_DATA + HEAD + 14, 1), 2);
    vr_start(&t.d, MRG, 2);
    give(&t, 0, ENTRIES, 4); /* all buffers there can be */
    from_network(&t, f, plain_frame(f, 3, 380));
    ck_assert(poke_logged(&t.d.p, "does not fit into receive buffers: lost"));
    from_network(&t, f, plain_frame(f, 3, 60)); /* would fit, but for the header */
    ck_assert(vr_status(&t.d) & VIRTIO_NEEDS_RESET);
    net_end(&t);
}
END_TEST

START_TEST(test_not_running) {
    Net t;
    net_new(&t, &plain);
    uint8_t f[100];
    from_network(&t, f, plain_frame(f, 1, 60)); /* lost: nobody listens */
    vr_start(&t.d, 0, 2);
    give(&t, 0, 2, BUFFER);
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    device_virtio_net.quiesce(t.d.dev); /* CPUs stand still: nothing changes memory */
    from_network(&t, f, plain_frame(f, 2, 60));
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    device_virtio_net.resumed(t.d.dev);
    settle();
    ck_assert(vr_next_used(&t.d, RX, NULL, NULL));
    net_end(&t);
}
END_TEST

/* Eight segments and what follows, joined. */
static void joined(uint64_t features, uint32_t buffer, unsigned buffers, unsigned first_count) {
    Net t;
    net_new(&t, &near_host);
    vr_start(&t.d, features, 2);
    static uint8_t f[70000], want[70000], got[70000];
    Segment s = { .seq = 500, .window = 9, .flags = SEG_ACK, .size = 1000 };
    for (unsigned i = 0; i < 8; i++) {
        net_deliver(&t.far->n, f, build_segment(f, &s, false));
        s.seq += 1000;
        s.from += 1000;
    }
    net_deliver(&t.far->n, f, plain_frame(f, 5, 60));
    give(&t, 0, buffers, buffer);
    size_t size = 0;
    uint32_t written;
    unsigned count = (unsigned)vr_get(&t.d, RX_DATA + 10, 2);
    for (unsigned i = 0; i < count; i++) {
        ck_assert(vr_next_used(&t.d, RX, NULL, &written));
        memcpy(got + size, vr_host(&t.d, RX_DATA + i * (uint64_t)BUFFER), written);
        size += written;
    }
    Segment all = { .seq = 500, .window = 9, .flags = SEG_ACK, .size = first_count * 1000 };
    bool one = first_count == 1;
    same_frame(got + HEAD, size - HEAD, want, build_segment(want, &all, !one));
    const uint8_t head[] = { one ? DATA_VALID : NEEDS_CSUM, one ? 0 : TCPV4, one ? 0 : 54, 0, one ? 0 : 1000 & 0xff,
                             one ? 0 : 1000 >> 8, one ? 0 : 34, 0, one ? 0 : 16, 0, (uint8_t)count, 0 };
    same_frame(got, HEAD, head, HEAD);
    net_end(&t);
}

START_TEST(test_join) {
    joined(GUEST_CSUM | GUEST_TSO | MRG, BUFFER, 20, 8);
    joined(GUEST_CSUM | GUEST_TSO | MRG, BUFFER, 2, 4);  /* as many as there are buffers for */
    joined(GUEST_CSUM | GUEST_TSO | MRG, 1100, 1, 1);
    joined(GUEST_CSUM | GUEST_TSO, 65562, 1, 8);         /* one large buffer */
    joined(GUEST_CSUM | F(8) | MRG, BUFFER, 20, 1);      /* IPv6 alone */
    joined(GUEST_CSUM | MRG, BUFFER, 20, 1);
}
END_TEST

/* -- commands -- */

enum { MODE, MACS, VLAN, ANNOUNCE, NOTHING, OFFLOADS };

static unsigned command(Net *t, unsigned cls, unsigned number, const void *data, uint32_t size) {
    vr_put(&t->d, TX_DATA, 2, cls | number << 8);
    memcpy(vr_host(&t->d, TX_DATA + 2), data, size);
    vr_put(&t->d, TX_DATA + 0x8000, 1, 0xee);
    VR_ADD(&t->d, CTRL, { TX_DATA, 2, false }, { TX_DATA + 2, size, false }, { TX_DATA + 0x8000, 1, true });
    vr_kick(&t->d, CTRL);
    uint32_t written;
    ck_assert(vr_next_used(&t->d, CTRL, NULL, &written));
    ck_assert_uint_eq(written, 1);
    return (unsigned)vr_get(&t->d, TX_DATA + 0x8000, 1);
}

/* Does a frame to this address arrive? */
static bool hears(Net *t, const char *mac, unsigned vlan) {
    uint8_t f[60] = { 0 };
    memcpy(f, mac, 6);
    if (vlan) {
        put_be(f + 12, 4, 0x81000000 | vlan);
    }
    VR_ADD(&t->d, RX, { RX_DATA, BUFFER, true });
    vr_kick(&t->d, RX);
    from_network(t, f, sizeof f);
    bool heard = vr_next_used(&t->d, RX, NULL, NULL);
    if (!heard) { /* the buffer goes to a broadcast of another kind */
        t->d.q[RX].avail--;
        t->d.q[RX].next--;
        vr_put(&t->d, vr_driver(RX) + 2, 2, t->d.q[RX].avail);
    }
    return heard;
}

#define OWN "\x52\x54\0\1\2\3"
#define OTHER "\x52\x54\0\1\2\4"
#define GROUP "\x01\0\x5e\0\0\1"
#define GROUP2 "\x01\0\x5e\0\0\2"
#define ALL "\xff\xff\xff\xff\xff\xff"

START_TEST(test_filter) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CONTROL, QUEUES);
    ck_assert(hears(&t, OWN, 0) && hears(&t, OTHER, 0) && hears(&t, GROUP, 0));
    ck_assert_uint_eq(command(&t, MODE, 0, "\0", 1), 0);
    ck_assert(hears(&t, OWN, 0) && !hears(&t, OTHER, 0) && !hears(&t, GROUP, 0) && hears(&t, ALL, 0));
    ck_assert_uint_eq(command(&t, MACS, 0, "\1\0\0\0" OTHER "\1\0\0\0" GROUP, 20), 0);
    ck_assert(hears(&t, OWN, 0) && hears(&t, OTHER, 0) && hears(&t, GROUP, 0) && !hears(&t, GROUP2, 0));
    ck_assert_uint_eq(command(&t, MODE, 1, "\1", 1), 0);
    ck_assert(hears(&t, GROUP2, 0));
    ck_assert_uint_eq(command(&t, MODE, 3, "\1", 1), 0);
    ck_assert(!hears(&t, GROUP2, 0));
    ck_assert_uint_eq(command(&t, MODE, 5, "\1", 1), 0);
    ck_assert(!hears(&t, ALL, 0));
    ck_assert_uint_eq(command(&t, MODE, 4, "\1", 1), 0);
    ck_assert(!hears(&t, OWN, 0));
    ck_assert_uint_eq(command(&t, MODE, 4, "\0", 1), 0);
    ck_assert_uint_eq(command(&t, MACS, 1, OTHER, 6), 0);
    ck_assert_uint_eq(vr_config(&t.d, 5), 4);
    ck_assert_uint_eq(command(&t, MACS, 0, "\0\0\0\0\0\0\0\0", 8), 0);
    ck_assert(hears(&t, OTHER, 0) && !hears(&t, OWN, 0));
    ck_assert_uint_eq(command(&t, MODE, 2, "\1", 1), 0);
    ck_assert(hears(&t, OWN, 0));
    ck_assert(!hears(&t, OWN, 77));
    ck_assert_uint_eq(command(&t, VLAN, 0, "\x4d\0", 2), 0);
    ck_assert(hears(&t, OWN, 77) && hears(&t, OWN, 0x2000 | 77) && !hears(&t, OWN, 78));
    ck_assert_uint_eq(command(&t, VLAN, 1, "\x4d\0", 2), 0);
    ck_assert(!hears(&t, OWN, 77));
    uint8_t many[4 + 65 * 6 + 4] = { 65 }; /* more than fit: everything is let through */
    ck_assert_uint_eq(command(&t, MODE, 2, "\0", 1), 0);
    ck_assert_uint_eq(command(&t, MACS, 0, many, sizeof many), 0);
    ck_assert(hears(&t, "\x52\x54\0\7\7\7", 0));
    vr_start(&t.d, 0, 2); /* a reset brings it all back */
    ck_assert_uint_eq(vr_config(&t.d, 5), 3);
    ck_assert(hears(&t, GROUP2, 5));
    net_end(&t);
}
END_TEST

START_TEST(test_bad_commands) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CONTROL | GUEST_CSUM, QUEUES);
    static const struct { unsigned cls, number; const char *data; uint32_t size; } rows[] = {
        { MODE, 6, "\1", 1 }, { MODE, 0, "\2", 1 }, { MODE, 0, "", 0 }, { MACS, 0, "\1\0\0\0", 4 },
        { MACS, 0, "\1\0\0\0" OTHER, 10 }, { MACS, 0, "\xff\xff\xff\xff" OTHER "\0\0\0\0", 14 },
        { MACS, 0, "\0\0\0\0\x02\0\0\0" OTHER, 14 }, { MACS, 1, OTHER, 5 }, { MACS, 2, OTHER, 6 }, { VLAN, 0, "\0", 1 },
        { VLAN, 0, "\0\x10", 2 }, { VLAN, 2, "\0\0", 2 }, { ANNOUNCE, 1, "", 0 }, { NOTHING, 0, "\1\0", 2 },
        { OFFLOADS, 0, "\x80\0\0\0\0\0\0\0", 8 }, { OFFLOADS, 0, "\2\0\0", 3 }, { OFFLOADS, 1, "\2\0\0\0\0\0\0\0", 8 },
        { 6, 0, "", 0 }, { 255, 255, "", 0 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ck_assert_msg(command(&t, rows[i].cls, rows[i].number, rows[i].data, rows[i].size) == 1, "%u", i);
        ck_assert(poke_logged(&t.d.p, "is refused"));
    }
    ck_assert_uint_eq(command(&t, OFFLOADS, 0, "\2\0\0\0\0\0\0\0", 8), 0);
    ck_assert_uint_eq(command(&t, ANNOUNCE, 0, "", 0), 0);
    VR_ADD(&t.d, CTRL, { TX_DATA, 1, false }); /* too short, and no room for an answer */
    vr_kick(&t.d, CTRL);
    uint32_t written = 9;
    ck_assert(vr_next_used(&t.d, CTRL, NULL, &written) && written == 0);
    net_end(&t);
}
END_TEST

START_TEST(test_link) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, STATUS, 2);
    ck_assert_uint_eq(vr_config(&t.d, 6), 1);
    net_set_link(&t.far->n, false);
    ck_assert_uint_eq(vr_reasons(&t.d), VIRTIO_INT_CONFIG);
    ck_assert_uint_eq(vr_config(&t.d, 6), 0);
    poke(&t.d.p, 0x70, 0);
    ck_assert_uint_eq(vr_config(&t.d, 6), 0);
    net_set_link(&t.far->n, true);
    ck_assert_uint_eq(vr_config(&t.d, 6), 1);
    net_end(&t);
}
END_TEST

static void keep(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    g_byte_array_append(opaque, bytes, (guint)size);
}
static void load(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    GByteArray *from = opaque;
    memcpy(bytes, from->data, size);
    g_byte_array_remove_range(from, 0, (guint)size);
}

START_TEST(test_restored) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CONTROL | STATUS, QUEUES);
    command(&t, MODE, 0, "\0", 1);
    command(&t, MACS, 1, OTHER, 6);
    g_autoptr(GByteArray) state = g_byte_array_new();
    device_state_walk(t.d.dev, keep, state);
    device_reset(t.d.dev);
    device_state_walk(t.d.dev, load, state);
    device_virtio_net.restored(t.d.dev);
    ck_assert_uint_eq(vr_config(&t.d, 6), 3); /* link, and: say where you are */
    ck_assert(vr_reasons(&t.d) & VIRTIO_INT_CONFIG);
    ck_assert(hears(&t, OTHER, 0) && !hears(&t, OWN, 0));
    ck_assert_uint_eq(command(&t, ANNOUNCE, 0, "", 0), 0);
    ck_assert_uint_eq(vr_config(&t.d, 6), 1);
    net_end(&t);
}
END_TEST

START_TEST(test_no_cable) {
    Vr d;
    vr_new(&d, &device_virtio_net, NULL, ENTRIES);
    vr_start(&d, 0, 2);
    ck_assert_uint_eq(vr_config(&d, 6), 0);
    ck_assert_uint_eq(vr_config(&d, 5), 0x56);
    VR_ADD(&d, TX, { TX_DATA, HEAD + 60, false });
    vr_kick(&d, TX);
    vr_kick(&d, RX);
    ck_assert(vr_next_used(&d, TX, NULL, NULL));
    vr_free(&d);
}
END_TEST

/* Any header in front of anything: the chain comes back, and the card goes on. */
START_TEST(test_anything) {
    Net t;
    net_new(&t, &plain);
    vr_start(&t.d, CSUM | HOST_TSO | CONTROL, QUEUES);
    t.d.p.log.items = 0;
    uint32_t random = 1;
    for (unsigned i = 0; i < 5000; i++) {
        Segment s = { .v6 = i & 1, .vlan = i & 2, .options = i & 4, .flags = SEG_ACK, .size = random >> 20 };
        size_t n = build_segment(vr_host(&t.d, TX_DATA + HEAD), &s, true);
        for (unsigned k = 0; k < HEAD + 2; k++) {
            random = random * 1664525 + 1013904223;
            unsigned at = k < HEAD ? k : HEAD + (random >> 8) % 80;
            vr_put(&t.d, TX_DATA + at, 1, random >> 24 & (k < 2 ? 5 : k & 1 ? 3 : 255));
        }
        unsigned queue = i % 16 ? TX : CTRL;
        VR_ADD(&t.d, queue, { TX_DATA, (uint32_t)(random >> 8 & 7 ? HEAD + n : random >> 18), false });
        vr_kick(&t.d, queue);
        ck_assert(vr_next_used(&t.d, queue, NULL, NULL));
        settle();
        g_ptr_array_set_size(t.far->sent, 0);
    }
    ck_assert(!(vr_status(&t.d) & VIRTIO_NEEDS_RESET));
    net_end(&t);
}
END_TEST

POKE_MAIN("virtio_net", test_configuration, test_switches, test_send, test_checksum, test_long_is_cut, test_long_stays_whole,
          test_bad_frames, test_slow_network, test_receive, test_receive_several_buffers, test_too_small_buffers,
          test_not_running, test_join, test_filter, test_bad_commands, test_link, test_restored, test_no_cable, test_anything)
