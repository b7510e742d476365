/* SPDX-License-Identifier: MIT */
/* test_virtio_serial.c - the virtio console and its ports, between a driver made of pokes and chardevs on pipes and files. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/devices/vring.h"

enum { RX, TX, CTRL_RX, CTRL_TX, RX1, TX1, ENTRIES = 64, IN = VR_DATA, OUT = VR_DATA + 0x10000, MESSAGES = VR_DATA + 0x20000 };
enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, CONSOLE_PORT = 4, PORT_OPEN = 6, PORT_NAME = 7 };
#define MULTIPORT VIRTIO_F(1)

typedef struct Serial {
    Vr d;
    Device *console, *line;
    Chardev *typed, *file; /* of the console: stdin and stdout; of the line */
    int to_guest, from_guest;
    char *path;
    unsigned messages;     /* buffers given for control messages */
} Serial;

static void settle(void) {
    for (unsigned i = 0; i < 20; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
}

static Device *port(Serial *t, const DeviceClass *cls, Chardev *chardev, const char *name) {
    GError *error = NULL;
    Device *d = device_new(cls, cls->name, &(DeviceEnv){ t->d.p.bus, t->d.p.clk, &t->d.p.log },
                           &(SerialPortConfig){ chardev, name, 0 }, &error);
    ck_assert_msg(d != NULL, "%s", error ? error->message : "");
    ck_assert(virtio_serial_plug(t->d.dev, d));
    return d;
}

/* A console on pipes and a named port on a file. */
static void serial_new(Serial *t) {
    int in[2], out[2];
    memset(t, 0, sizeof *t);
    ck_assert(pipe(in) == 0 && pipe(out) == 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    t->to_guest = in[1];
    t->from_guest = out[0];
    t->typed = chardev_open("stdio", NULL, NULL);
    close(g_file_open_tmp("yado-serial-XXXXXX", &t->path, NULL));
    g_autofree char *spec = g_strconcat("file:", t->path, NULL);
    t->file = chardev_open(spec, NULL, NULL);
    vr_new(&t->d, &device_virtio_serial, NULL, ENTRIES);
    t->console = port(t, &device_virtconsole, t->typed, NULL);
    t->line = port(t, &device_virtserialport, t->file, "org.example.line");
}
static void serial_end(Serial *t) {
    vr_free(&t->d);
    device_free(t->console);
    device_free(t->line);
    chardev_close(t->typed);
    chardev_close(t->file);
    unlink(t->path);
    g_free(t->path);
}

static void write_out(Serial *t, unsigned queue, const char *text) {
    memcpy(vr_host(&t->d, OUT), text, strlen(text));
    VR_ADD(&t->d, queue, { OUT, 1, false }, { OUT + 1, (uint32_t)strlen(text) - 1, false });
    vr_kick(&t->d, queue);
}

/* A buffer for a control message, and whether one came: the event, or 0. */
static unsigned message(Serial *t, uint32_t *port_number, uint16_t *value, char *name) {
    uint64_t at = MESSAGES + 64 * t->messages++;
    uint32_t written;
    VR_ADD(&t->d, CTRL_RX, { at, 64, true });
    vr_kick(&t->d, CTRL_RX);
    if (!vr_next_used(&t->d, CTRL_RX, NULL, &written)) {
        return 0;
    }
    ck_assert_uint_ge(written, 8);
    memcpy(name, vr_host(&t->d, at + 8), written - 8);
    name[written - 8] = 0;
    *port_number = (uint32_t)vr_get(&t->d, at, 4);
    *value = (uint16_t)vr_get(&t->d, at + 6, 2);
    return (unsigned)vr_get(&t->d, at + 4, 2);
}
static void expect(Serial *t, uint32_t port_number, unsigned event, uint16_t value, const char *name) {
    uint32_t n = 99;
    uint16_t v = 99;
    char got[64] = "";
    ck_assert_uint_eq(message(t, &n, &v, got), event);
    ck_assert_uint_eq(n, port_number);
    ck_assert_uint_eq(v, value);
    ck_assert_str_eq(got, name);
}

static void tell(Serial *t, uint32_t port_number, unsigned event, unsigned value) {
    vr_put(&t->d, OUT, 4, port_number);
    vr_put(&t->d, OUT + 4, 2, event);
    vr_put(&t->d, OUT + 6, 2, value);
    VR_ADD(&t->d, CTRL_TX, { OUT, 8, false });
    vr_kick(&t->d, CTRL_TX);
    ck_assert(vr_next_used(&t->d, CTRL_TX, NULL, NULL));
}

START_TEST(test_console) {
    Serial t;
    serial_new(&t);
    vr_start(&t.d, 0, 2); /* a driver that knows one port */
    write_out(&t, TX, "hello\n");
    ck_assert(vr_next_used(&t.d, TX, NULL, NULL));
    char got[100];
    ck_assert_int_eq(read(t.from_guest, got, sizeof got), 6);
    ck_assert(memcmp(got, "hello\n", 6) == 0);
    ck_assert_int_eq(write(t.to_guest, "typed", 5), 5);
    settle();
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL)); /* no buffer yet */
    VR_ADD(&t.d, RX, { IN, 0, true });         /* of no use: comes back */
    VR_ADD(&t.d, RX, { IN, 3, true });
    VR_ADD(&t.d, RX, { IN + 3, 100, true });
    vr_kick(&t.d, RX);
    settle();
    uint32_t written;
    ck_assert(vr_next_used(&t.d, RX, NULL, &written) && written == 0);
    ck_assert(vr_next_used(&t.d, RX, NULL, &written) && written == 3);
    ck_assert(vr_next_used(&t.d, RX, NULL, &written) && written == 2);
    ck_assert(memcmp(vr_host(&t.d, IN), "typed", 5) == 0);
    ck_assert_uint_eq(vr_reasons(&t.d), VIRTIO_INT_QUEUE);
    poke(&t.d.p, 0x108, 'X'); /* emergency write */
    ck_assert(read(t.from_guest, got, sizeof got) == 1 && got[0] == 'X');
    serial_end(&t);
}
END_TEST

START_TEST(test_ports) {
    Serial t;
    serial_new(&t);
    ck_assert(vr_offered(&t.d) & MULTIPORT);
    vr_start(&t.d, MULTIPORT, 6);
    ck_assert_uint_eq(peek(&t.d.p, 0x104), 2);
    uint32_t n;
    uint16_t v;
    char name[64];
    ck_assert_uint_eq(message(&t, &n, &v, name), 0); /* nothing before it is asked */
    tell(&t, 0, DEVICE_READY, 1);
    ck_assert(vr_next_used(&t.d, CTRL_RX, NULL, NULL));  /* that buffer */
    ck_assert_uint_eq(vr_get(&t.d, MESSAGES + 4, 2), PORT_ADD);
    expect(&t, 1, PORT_ADD, 1, "");
    tell(&t, 0, PORT_READY, 1);
    tell(&t, 1, PORT_READY, 1);
    expect(&t, 0, CONSOLE_PORT, 1, "");
    expect(&t, 0, PORT_OPEN, 1, "");
    expect(&t, 1, PORT_OPEN, 1, "");
    expect(&t, 1, PORT_NAME, 1, "org.example.line");
    ck_assert_uint_eq(message(&t, &n, &v, name), 0);
    tell(&t, 1, PORT_OPEN, 1);
    write_out(&t, TX1, "to the file");
    ck_assert(vr_next_used(&t.d, TX1, NULL, NULL));
    g_autofree char *content = NULL;
    settle();
    ck_assert(g_file_get_contents(t.path, &content, NULL, NULL));
    ck_assert_str_eq(content, "to the file");
    tell(&t, 7, PORT_OPEN, 1); /* no such port */
    ck_assert(poke_logged(&t.d.p, "control message 6 for port 7 makes no sense"));
    tell(&t, 1, 99, 1);
    ck_assert(poke_logged(&t.d.p, "control message 99 for port 1 makes no sense"));
    VR_ADD(&t.d, CTRL_TX, { OUT, 7, false });
    vr_kick(&t.d, CTRL_TX);
    ck_assert(poke_logged(&t.d.p, "a control message is too short"));
    serial_end(&t);
}
END_TEST

/* Output that the host does not take waits in the queue and goes on where it was. */
START_TEST(test_slow_host) {
    Serial t;
    serial_new(&t);
    vr_start(&t.d, 0, 2);
    unsigned taken = 0, added = 0;
    for (; added - taken < 3; added++) {
        ck_assert_uint_lt(added, 60);
        for (unsigned i = 0; i < 8192; i++) {
            vr_put(&t.d, OUT + i, 1, (added * 8192 + i) * 7 >> 4);
        }
        memcpy(vr_host(&t.d, OUT + 0x4000 + added % 8 * 0x2000), vr_host(&t.d, OUT), 8192);
        VR_ADD(&t.d, TX, { OUT + 0x4000 + added % 8 * 0x2000, 8192, false });
        vr_kick(&t.d, TX);
        while (vr_next_used(&t.d, TX, NULL, NULL)) {
            taken++;
        }
    }
    ck_assert_int_eq(fcntl(t.from_guest, F_SETFL, O_NONBLOCK), 0);
    unsigned at = 0;
    for (unsigned idle = 0; at < added * 8192 && idle < 1000;) {
        uint8_t part[5000];
        ssize_t n = read(t.from_guest, part, sizeof part);
        idle = n > 0 ? 0 : idle + 1;
        for (ssize_t i = 0; i < n; i++, at++) {
            ck_assert_msg(part[i] == (uint8_t)(at * 7 >> 4), "byte %u", at);
        }
        settle();
    }
    ck_assert_uint_eq(at, added * 8192);
    while (vr_next_used(&t.d, TX, NULL, NULL)) {
        taken++;
    }
    ck_assert_uint_eq(taken, added);
    serial_end(&t);
}
END_TEST

START_TEST(test_standing) {
    Serial t;
    serial_new(&t);
    vr_start(&t.d, 0, 2);
    VR_ADD(&t.d, RX, { IN, 100, true });
    vr_kick(&t.d, RX);
    device_virtio_serial.quiesce(t.d.dev);
    ck_assert_int_eq(write(t.to_guest, "typed", 5), 5);
    settle();
    ck_assert(!vr_next_used(&t.d, RX, NULL, NULL));
    device_virtio_serial.resumed(t.d.dev);
    settle();
    ck_assert(vr_next_used(&t.d, RX, NULL, NULL));
    serial_end(&t);
}
END_TEST

START_TEST(test_plugging) {
    Vr d;
    vr_new(&d, &device_virtio_serial, NULL, ENTRIES);
    DeviceEnv env = { d.p.bus, d.p.clk, &d.p.log };
    Device *ports[VIRTIO_SERIAL_PORTS];
    for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
        SerialPortConfig c = { .number = i == 0 ? 5 : 0 };
        ports[i] = device_new(i == 1 ? &device_virtconsole : &device_virtserialport, "port", &env, &c, NULL);
        ck_assert(virtio_serial_plug(d.dev, ports[i]));
        ck_assert_uint_eq(vr_config(&d, 4), MAX(i == 0 ? 6 : i < 6 ? 6 : i + 1, 6));
    }
    Device *more = device_new(&device_virtserialport, "port", &env, NULL, NULL);
    ck_assert(!virtio_serial_plug(d.dev, more));
    device_free(more);
    g_autofree char *name = g_strnfill(64, 'x');
    GError *error = NULL;
    ck_assert_ptr_null(device_new(&device_virtserialport, "port", &env, &(SerialPortConfig){ .name = name }, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "is longer than 63 bytes"));
    g_error_free(error);
    vr_free(&d);
    for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
        device_free(ports[i]);
    }
}
END_TEST

POKE_MAIN("virtio_serial", test_console, test_ports, test_slow_host, test_standing, test_plugging)
