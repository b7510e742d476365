/* SPDX-License-Identifier: MIT */
/* test_net.c - queues, sockets between two backends, captures and the user network, with this process as both ends. */
#include <check.h>
#include <arpa/inet.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/net/net.h"
#include "tests/run.h"

/* A device that keeps what it is given. */
typedef struct Guest {
    NetBackend *n;
    GPtrArray *frames; /* of GBytes */
    unsigned arrivals, writables, ups, downs;
    bool deaf;         /* takes nothing */
} Guest;

static void arrived(void *opaque) {
    Guest *g = opaque;
    size_t size;
    const uint8_t *frame;
    g->arrivals++;
    while (!g->deaf && (frame = net_peek(g->n, &size))) {
        g_ptr_array_add(g->frames, g_bytes_new(frame, size));
        net_next(g->n);
    }
}
static void writable(void *opaque) {
    ((Guest *)opaque)->writables++;
}
static void changed(void *opaque, bool up) {
    Guest *g = opaque;
    ck_assert_int_eq(up, net_link_up(g->n));
    up ? g->ups++ : g->downs++;
}

static void plug(Guest *g, NetBackend *n) {
    *g = (Guest){ .n = n, .frames = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
    net_set_user(n, &(NetUser){ g, arrived, writable, changed });
}
static void unplug(Guest *g) {
    net_set_user(g->n, NULL);
    net_free(g->n);
    g_ptr_array_unref(g->frames);
}

/* Runs the loop until the number is there; a test's time-out ends what never comes. */
#define UNTIL(condition)                              \
    while (!(condition)) {                            \
        g_main_context_iteration(NULL, TRUE);         \
    }
static void settle(void) {
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* A frame whose bytes follow from its number. */
static void fill(uint8_t *frame, size_t size, unsigned number) {
    for (size_t i = 0; i < size; i++) {
        frame[i] = (uint8_t)((i * 7 + number * 31) >> (i & 3));
    }
}
static void is_frame(GBytes *got, size_t size, unsigned number) {
    g_autofree uint8_t *want = g_malloc(size);
    fill(want, size, number);
    size_t n;
    const void *data = g_bytes_get_data(got, &n);
    ck_assert_uint_eq(n, size);
    ck_assert(memcmp(data, want, size) == 0);
}
static size_t size_of(unsigned number) {
    static const size_t sizes[] = { 60, 14, 1514, 15, 65549, 61, 16, 9000, 2048, 17 };
    return sizes[number % G_N_ELEMENTS(sizes)];
}
static bool send_numbered(NetBackend *n, unsigned number) {
    static uint8_t frame[NET_FRAME_MAX];
    fill(frame, size_of(number), number);
    return net_send(n, frame, size_of(number));
}

/* -- the queues, with a class that can be stopped -- */

typedef struct Fake {
    NetBackend n;
    GPtrArray *sent;
    bool stuck;
} Fake;

static bool fake_send(NetBackend *n, const uint8_t *frame, size_t size) {
    Fake *f = (Fake *)n;
    if (f->stuck) {
        return false;
    }
    g_ptr_array_add(f->sent, g_bytes_new(frame, size));
    return true;
}
static void fake_close(NetBackend *n) {
    g_ptr_array_unref(((Fake *)n)->sent);
}
static Fake *fake_new(Guest *g) {
    static const NetClass cls = { .type = "fake", .send = fake_send, .close = fake_close };
    Fake *f = g_new0(Fake, 1);
    f->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    net_init(&f->n, &cls, "net0", NULL);
    plug(g, &f->n);
    net_set_link(&f->n, true);
    return f;
}

START_TEST(test_order) {
    Guest g;
    Fake *f = fake_new(&g);
    ck_assert_uint_eq(g.ups, 1);
    unsigned in = 0, out = 0;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 1 + round % 13; i++) { /* rings wrap many times, at many places */
            ck_assert(send_numbered(&f->n, out++));
            uint8_t frame[NET_FRAME_MAX];
            fill(frame, size_of(in), in);
            net_deliver(&f->n, frame, size_of(in));
            in++;
        }
        settle();
        ck_assert_uint_eq(f->sent->len, out);
        ck_assert_uint_eq(g.frames->len, in);
    }
    for (unsigned i = 0; i < out; i++) {
        is_frame(g_ptr_array_index(f->sent, i), size_of(i), i);
        is_frame(g_ptr_array_index(g.frames, i), size_of(i), i);
    }
    ck_assert_uint_eq(net_stats(&f->n).sent, out);
    ck_assert_uint_eq(net_stats(&f->n).received, in);
    ck_assert_uint_eq(net_stats(&f->n).dropped, 0);
    unplug(&g);
}
END_TEST

START_TEST(test_full) {
    Guest g;
    Fake *f = fake_new(&g);
    f->stuck = true;
    unsigned taken = 0;
    while (send_numbered(&f->n, taken)) {
        taken++;
        ck_assert_uint_lt(taken, 10000);
    }
    settle();
    ck_assert_uint_eq(f->sent->len, 0);
    ck_assert_uint_eq(g.writables, 0);
    f->stuck = false;
    net_writable(&f->n);
    settle();
    ck_assert_uint_eq(f->sent->len, taken);
    ck_assert_uint_eq(g.writables, 1);
    for (unsigned i = 0; i < taken; i++) {
        is_frame(g_ptr_array_index(f->sent, i), size_of(i), i);
    }
    unplug(&g);
}
END_TEST

START_TEST(test_backpressure) {
    Guest g;
    Fake *f = fake_new(&g);
    uint8_t frame[2000];
    g.deaf = true;
    unsigned count = 0;
    for (; net_stats(&f->n).dropped == 0; count++) {
        fill(frame, sizeof frame, count);
        net_deliver(&f->n, frame, sizeof frame);
    }
    settle();
    ck_assert_uint_eq(g.frames->len, 0);
    ck_assert_uint_gt(g.arrivals, 0);
    g.deaf = false;
    settle();
    ck_assert_uint_eq(g.frames->len, 0); /* nothing happens until the device asks */
    net_accept(&f->n);
    settle();
    ck_assert_uint_eq(g.frames->len, count - 1);
    is_frame(g_ptr_array_index(g.frames, count - 2), sizeof frame, count - 2);
    unplug(&g);
}
END_TEST

START_TEST(test_sizes_and_link) {
    Guest g;
    Fake *f = fake_new(&g);
    static uint8_t frame[NET_FRAME_MAX + 1];
    ck_assert(net_send(&f->n, frame, 13));
    ck_assert(net_send(&f->n, frame, sizeof frame));
    net_deliver(&f->n, frame, 13);
    net_deliver(&f->n, frame, sizeof frame);
    settle();
    ck_assert_uint_eq(f->sent->len, 0);
    ck_assert_uint_eq(g.frames->len, 0);
    net_set_link(&f->n, false);
    ck_assert_uint_eq(g.downs, 1);
    f->stuck = true;
    ck_assert(send_numbered(&f->n, 0)); /* without a link frames vanish; nothing waits for it */
    settle();
    f->stuck = false;
    net_set_link(&f->n, true);
    settle();
    ck_assert_uint_eq(f->sent->len, 0);
    g_autofree char *text = net_text(&f->n);
    ck_assert_str_eq(text, "net0: type=fake, link up, sent 1, received 0, dropped 3");
    unplug(&g);
}
END_TEST

START_TEST(test_null) {
    Guest g;
    plug(&g, net_null_open("n", NULL));
    ck_assert(net_link_up(g.n) && send_numbered(g.n, 0));
    settle();
    ck_assert_uint_eq(net_stats(g.n).sent, 1);
    unplug(&g);
}
END_TEST

/* -- sockets -- */

static NetBackend *open_socket(NetSocketKind kind, const char *local, const char *remote, unsigned reconnect) {
    GError *error = NULL;
    NetBackend *n = net_socket_open("s", &(NetSocketConfig){ kind, local, remote, reconnect }, NULL, &error);
    ck_assert_msg(n != NULL, "%s", error ? error->message : "");
    return n;
}

static void exchange(Guest *a, Guest *b) {
    unsigned from_a = a->frames->len, from_b = b->frames->len;
    for (unsigned i = 0; i < 40; i++) {
        ck_assert(send_numbered(a->n, i));
    }
    UNTIL(b->frames->len == from_b + 40);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert(send_numbered(b->n, i + 3));
    }
    UNTIL(a->frames->len == from_a + 40);
    for (unsigned i = 0; i < 40; i++) {
        is_frame(g_ptr_array_index(b->frames, from_b + i), size_of(i), i);
        is_frame(g_ptr_array_index(a->frames, from_a + i), size_of(i + 3), i + 3);
    }
}

static void streams(const char *listen) {
    Guest a, b;
    plug(&a, open_socket(NET_SOCKET_LISTEN, listen, NULL, 0));
    ck_assert(!net_link_up(a.n));
    g_autofree char *there = g_str_has_prefix(listen, "unix:") ? g_strdup(listen)
                                                               : g_strdup_printf("127.0.0.1:%u", net_socket_port(a.n));
    plug(&b, open_socket(NET_SOCKET_CONNECT, NULL, there, 0));
    UNTIL(a.ups == 1 && net_link_up(b.n));
    exchange(&a, &b);
    unplug(&b);
    UNTIL(a.downs == 1);
    ck_assert(send_numbered(a.n, 0)); /* nobody is there: lost */
    plug(&b, open_socket(NET_SOCKET_CONNECT, NULL, there, 1));
    UNTIL(a.ups == 2 && net_link_up(b.n));
    exchange(&a, &b);
    unplug(&a); /* the server goes and comes back */
    UNTIL(!net_link_up(b.n));
    plug(&a, open_socket(NET_SOCKET_LISTEN, there, NULL, 0));
    UNTIL(net_link_up(a.n) && net_link_up(b.n));
    exchange(&a, &b);
    unplug(&a);
    unplug(&b);
}

START_TEST(test_tcp) {
    streams("127.0.0.1:0");
}
END_TEST

static char *temporary(const char *name) {
    g_autofree char *dir = g_dir_make_tmp("yado-net-XXXXXX", NULL);
    return g_strdup_printf("%s/%s", dir, name);
}

START_TEST(test_unix) {
    g_autofree char *path = temporary("socket"), *place = g_strdup_printf("unix:%s", path);
    streams(place);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_wire_format) {
    Guest g;
    plug(&g, open_socket(NET_SOCKET_LISTEN, ":0", NULL, 0));
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)net_socket_port(g.n)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    UNTIL(net_link_up(g.n));
    ck_assert(net_send(g.n, "0123456789abcdef", 16));
    uint8_t got[20];
    settle();
    ck_assert_int_eq(recv(fd, got, sizeof got, MSG_WAITALL), 20);
    ck_assert(memcmp(got, "\0\0\0\x10" "0123456789abcdef", 20) == 0);
    static const char two[] = "\0\0\0\x0e" "ABCDEFGHIJKLMN" "\0\0\0\x0f" "abcdefghijklmno";
    for (size_t i = 0; i < sizeof two - 1; i++) { /* byte by byte */
        ck_assert_int_eq(send(fd, two + i, 1, 0), 1);
        settle();
    }
    UNTIL(g.frames->len == 2);
    ck_assert(memcmp(g_bytes_get_data(g_ptr_array_index(g.frames, 1), NULL), "abcdefghijklmno", 15) == 0);
    ck_assert_int_eq(send(fd, "\0\1\0\x0e", 4, 0), 4); /* 65550: longer than any frame */
    UNTIL(!net_link_up(g.n));
    ck_assert_int_eq(recv(fd, got, 1, 0), 0);
    close(fd);
    unplug(&g);
}
END_TEST

START_TEST(test_slow_peer) {
    Guest a, b;
    plug(&a, open_socket(NET_SOCKET_LISTEN, ":0", NULL, 0));
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)net_socket_port(a.n)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    UNTIL(net_link_up(a.n));
    while (send_numbered(a.n, 4)) { /* until socket and queue are full */
        settle();
    }
    ck_assert_uint_eq(a.writables, 0);
    close(fd); /* what waits goes nowhere, and the sender is not left waiting */
    UNTIL(a.downs == 1 && a.writables == 1);
    g_autofree char *there = g_strdup_printf("127.0.0.1:%u", net_socket_port(a.n));
    plug(&b, open_socket(NET_SOCKET_CONNECT, NULL, there, 0));
    UNTIL(a.ups == 2);
    exchange(&a, &b);
    unplug(&a);
    unplug(&b);
}
END_TEST

static void datagrams(Guest *a, Guest *b) {
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(send_numbered(a->n, i));
        UNTIL(b->frames->len == i + 1);
        is_frame(g_ptr_array_index(b->frames, i), size_of(i), i);
    }
    ck_assert(send_numbered(b->n, 7));
    UNTIL(a->frames->len == 1);
    is_frame(g_ptr_array_index(a->frames, 0), size_of(7), 7);
}

START_TEST(test_datagrams) {
    Guest a, b;
    g_autofree char *one = temporary("one"), *two = temporary("two");
    g_autofree char *a_place = g_strdup_printf("unix:%s", one), *b_place = g_strdup_printf("unix:%s", two);
    plug(&a, open_socket(NET_SOCKET_DATAGRAM, a_place, b_place, 0));
    plug(&b, open_socket(NET_SOCKET_DATAGRAM, b_place, a_place, 0));
    datagrams(&a, &b);
    unplug(&a);
    ck_assert(send_numbered(b.n, 0)); /* nobody there */
    settle();
    ck_assert_uint_eq(net_stats(b.n).dropped, 1);
    unplug(&b);
}
END_TEST

START_TEST(test_multicast) {
    Guest a, b;
    g_autofree char *group = g_strdup_printf("239.192.77.1:%d", 20000 + (int)(getpid() % 20000));
    plug(&a, open_socket(NET_SOCKET_DATAGRAM, "127.0.0.1:0", group, 0));
    plug(&b, open_socket(NET_SOCKET_DATAGRAM, "127.0.0.1:0", group, 0));
    datagrams(&a, &b);
    ck_assert_uint_eq(a.frames->len, 1); /* none of its own */
    ck_assert_uint_eq(b.frames->len, 3);
    unplug(&a);
    unplug(&b);
}
END_TEST

static void fails(const NetSocketConfig *config, int code, const char *text) {
    GError *error = NULL;
    ck_assert_ptr_null(net_socket_open("s", config, NULL, &error));
    ck_assert_msg(strstr(error->message, text) != NULL, "'%s' is not in: %s", text, error->message);
    ck_assert_int_eq(error->code, code);
    g_error_free(error);
}

START_TEST(test_socket_errors) {
    Guest a;
    plug(&a, open_socket(NET_SOCKET_LISTEN, "127.0.0.1:0", NULL, 0));
    g_autofree char *taken = g_strdup_printf("127.0.0.1:%u", net_socket_port(a.n));
    fails(&(NetSocketConfig){ NET_SOCKET_LISTEN, taken, NULL, 0 }, G_IO_ERROR_ADDRESS_IN_USE, taken);
    unplug(&a);
    fails(&(NetSocketConfig){ NET_SOCKET_CONNECT, NULL, taken, 0 }, G_IO_ERROR_CONNECTION_REFUSED, "cannot connect to '127");
    fails(&(NetSocketConfig){ NET_SOCKET_LISTEN, "1234", NULL, 0 }, G_IO_ERROR_INVALID_ARGUMENT, "'1234' is no place");
    fails(&(NetSocketConfig){ NET_SOCKET_LISTEN, ":x", NULL, 0 }, G_IO_ERROR_INVALID_ARGUMENT, "the port is missing");
    fails(&(NetSocketConfig){ NET_SOCKET_LISTEN, "unix:", NULL, 0 }, G_IO_ERROR_INVALID_ARGUMENT, "the path is missing");
    fails(&(NetSocketConfig){ NET_SOCKET_DATAGRAM, NULL, "127.0.0.1:9", 0 }, G_IO_ERROR_INVALID_ARGUMENT, "local place");
    fails(&(NetSocketConfig){ NET_SOCKET_DATAGRAM, "unix:/x", "127.0.0.1:9", 0 }, G_IO_ERROR_INVALID_ARGUMENT,
          "are places of different kinds");
}
END_TEST

START_TEST(test_unix_in_use) {
    g_autofree char *path = temporary("socket"), *place = g_strdup_printf("unix:%s", path);
    Guest a, b;
    plug(&a, open_socket(NET_SOCKET_LISTEN, place, NULL, 0));
    fails(&(NetSocketConfig){ NET_SOCKET_LISTEN, place, NULL, 0 }, G_IO_ERROR_ADDRESS_IN_USE, path);
    ck_assert_int_eq(access(path, F_OK), 0);
    char *kept = g_strdup_printf("%s.kept", path); /* as if the process had died */
    ck_assert(link(path, kept) == 0);
    unplug(&a);
    ck_assert(rename(kept, path) == 0);
    plug(&b, open_socket(NET_SOCKET_LISTEN, place, NULL, 0));
    unplug(&b);
    g_free(kept);
}
END_TEST

/* -- captures -- */

START_TEST(test_pcap) {
    g_autofree char *path = temporary("dump.pcap");
    NetDump *dump = net_dump_open(path, 18, NULL);
    net_dump_frame(dump, "destinsourceTYdata", 18, 1700000000123456);
    net_dump_frame(dump, "destinsourceTYlonger", 20, 1700000001000000);
    net_dump_close(dump);
    static const char want[] =
        "\xd4\xc3\xb2\xa1" "\x02\0\x04\0" "\0\0\0\0" "\0\0\0\0" "\x12\0\0\0" "\x01\0\0\0"
        "\x00\xf1\x53\x65" "\x40\xe2\x01\0" "\x12\0\0\0" "\x12\0\0\0" "destinsourceTYdata"
        "\x01\xf1\x53\x65" "\0\0\0\0" "\x12\0\0\0" "\x14\0\0\0" "destinsourceTYlong";
    g_autofree char *got = NULL;
    gsize size;
    ck_assert(g_file_get_contents(path, &got, &size, NULL));
    ck_assert_uint_eq(size, sizeof want - 1);
    ck_assert(memcmp(got, want, size) == 0);
    GError *error = NULL;
    ck_assert_ptr_null(net_dump_open("/nonexistent/x.pcap", 100, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/nonexistent/x.pcap"));
    g_error_free(error);
}
END_TEST

START_TEST(test_dump_of_backend) {
    g_autofree char *path = temporary("dump.pcap");
    NetDump *dump = net_dump_open(path, 65536, NULL);
    Guest g;
    Fake *f = fake_new(&g);
    net_add_dump(&f->n, dump);
    send_numbered(&f->n, 1);
    net_deliver(&f->n, "destinsourceTY", 14);
    settle();
    g_autofree char *got = NULL; /* readable while it is being written */
    gsize size;
    ck_assert(g_file_get_contents(path, &got, &size, NULL));
    ck_assert_uint_eq(size, 24 + 2 * (16 + 14));
    unplug(&g);
    net_dump_close(dump);
}
END_TEST

/* -- the user network -- */

static NetBackend *open_user(const NetUserConfig *config) {
    GError *error = NULL;
    NetBackend *n = net_user_open("u", config, NULL, &error);
    ck_assert_msg(n != NULL, "%s", error ? error->message : "");
    return n;
}

/* "Who has `address`?", from 10.0.2.15 */
static void arp(uint8_t *frame, const char *address) {
    static const uint8_t head[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 6, 0, 1, 8, 0, 6, 4,
                                    0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 10, 0, 2, 15 };
    memset(frame, 0, 60);
    memcpy(frame, head, sizeof head);
    inet_pton(AF_INET, address, frame + 38);
}

START_TEST(test_user) {
    Guest g;
    plug(&g, open_user(&(NetUserConfig){ .ipv4 = true }));
    uint8_t frame[60];
    arp(frame, "10.0.2.2");
    ck_assert(net_link_up(g.n) && net_send(g.n, frame, sizeof frame));
    UNTIL(g.frames->len == 1);
    const uint8_t *reply = g_bytes_get_data(g_ptr_array_index(g.frames, 0), NULL);
    ck_assert(memcmp(reply, frame + 6, 6) == 0);                             /* to us */
    ck_assert(memcmp(reply + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10) == 0);    /* an answer */
    ck_assert(memcmp(reply + 28, "\x0a\0\2\2", 4) == 0);
    g_autofree char *text = net_text(g.n);
    ck_assert_str_eq(text, "u: type=user, net=10.0.2.0/24, host=10.0.2.2, restrict=off, ipv6=off, link up, sent 1, received 1, "
                           "dropped 0");
    unplug(&g);
}
END_TEST

START_TEST(test_user_network) {
    Guest g;
    plug(&g, open_user(&(NetUserConfig){ .ipv4 = true, .ipv6 = true, .net = "192.168.7.0/25", .host = "192.168.7.9" }));
    uint8_t frame[60];
    arp(frame, "192.168.7.9");
    inet_pton(AF_INET, "192.168.7.15", frame + 28);
    ck_assert(net_send(g.n, frame, sizeof frame));
    for (bool found = false; !found;) { /* router advertisements may come too */
        g_main_context_iteration(NULL, TRUE);
        for (unsigned i = 0; i < g.frames->len; i++) {
            const uint8_t *got = g_bytes_get_data(g_ptr_array_index(g.frames, i), NULL);
            found |= got[12] == 8 && got[13] == 6 && memcmp(got + 28, "\xc0\xa8\x07\x09", 4) == 0;
        }
    }
    unplug(&g);
}
END_TEST

/* A port that this process holds. */
static int hold_port(unsigned *port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0);
    ck_assert(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void user_fails(const NetUserConfig *config, int code, const char *text) {
    GError *error = NULL;
    ck_assert_ptr_null(net_user_open("u", config, NULL, &error));
    ck_assert_msg(strstr(error->message, text) != NULL, "'%s' is not in: %s", text, error->message);
    ck_assert_int_eq(error->code, code);
    g_error_free(error);
}

START_TEST(test_user_errors) {
    enum { BAD = G_IO_ERROR_INVALID_ARGUMENT };
    unsigned port;
    int fd = hold_port(&port);
    g_autofree char *rule = g_strdup_printf("tcp:127.0.0.1:%u-:22", port);
    g_autofree char *named = g_strdup_printf("TCP port %u at 127.0.0.1", port);
    user_fails(&(NetUserConfig){ .ipv4 = true, .hostfwd = (const char *[]){ rule, NULL } }, G_IO_ERROR_ADDRESS_IN_USE, named);
    close(fd);
    static const char *const rules[] = { "", "tcp", "tcp::22", "tcp::22-22", "tcp::-:22", "tcp::70000-:22", "tcp::22-:0",
                                         "sctp::22-:22", "tcp:1.2.3:22-:22", "tcp::22-10.0.2:22", "tcp::22x-:22" };
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autofree char *text = g_strdup_printf("hostfwd: '%s' is no rule", rules[i]);
        user_fails(&(NetUserConfig){ .ipv4 = true, .hostfwd = (const char *[]){ rules[i], NULL } }, BAD, text);
    }
    user_fails(&(NetUserConfig){ .ipv4 = false }, BAD, "cannot both be off");
    user_fails(&(NetUserConfig){ .ipv4 = true, .net = "10.0.2.0/31" }, BAD, "'10.0.2.0/31' is no network");
    user_fails(&(NetUserConfig){ .ipv4 = true, .net = "ten" }, BAD, "'ten' is no network");
    user_fails(&(NetUserConfig){ .ipv4 = true, .net = "10.0.2.0/29" }, BAD, "has no room for its dhcpstart at number 15");
    user_fails(&(NetUserConfig){ .ipv4 = true, .host = "10.0.3.2" }, BAD, "host: '10.0.3.2' is no address of a host in");
    user_fails(&(NetUserConfig){ .ipv4 = true, .dns = "10.0.2.255" }, BAD, "dns: '10.0.2.255' is no address");
    user_fails(&(NetUserConfig){ .ipv4 = true, .dns = "x" }, BAD, "dns: 'x' is no IPv4 address");
    user_fails(&(NetUserConfig){ .ipv4 = true, .host = "10.0.2.3" }, BAD, "other than the host's");
    user_fails(&(NetUserConfig){ .ipv4 = true, .tftp = "/nonexistent" }, G_IO_ERROR_NOT_FOUND, "no directory '/nonexistent'");
}
END_TEST

START_TEST(test_user_forward) {
    Guest g;
    static const char *const rules[] = { "tcp:127.0.0.1:0-:22", "udp::0-10.0.2.77:69", NULL };
    plug(&g, open_user(&(NetUserConfig){ .ipv4 = true, .hostfwd = rules }));
    g_autofree char *table = net_connections(g.n);
    ck_assert_ptr_nonnull(strstr(table, "TCP[HOST_FORWARD]"));
    ck_assert_ptr_nonnull(strstr(table, "10.0.2.15    22"));
    ck_assert_ptr_nonnull(strstr(table, "10.0.2.77    69"));
    unplug(&g);
}
END_TEST

TEST_MAIN("net", 30, test_order, test_full, test_backpressure, test_sizes_and_link, test_null, test_tcp, test_unix,
          test_wire_format, test_slow_peer, test_datagrams, test_multicast, test_socket_errors, test_unix_in_use,
          test_pcap, test_dump_of_backend, test_user, test_user_network, test_user_errors, test_user_forward)
