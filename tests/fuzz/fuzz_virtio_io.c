/* SPDX-License-Identifier: MIT */
/*
 * fuzz_virtio_io.c - network card, console and entropy source under drivers that write anything into rings, descriptors and
 * buffers, while frames and bytes arrive. Nothing must be touched that is not the guest's RAM, and after a reset a card
 * that is used properly works.
 */
/* Sources: devices/device.c devices/irq.c devices/bus.c devices/dma.c devices/ram.c devices/virtio.c devices/virtio_split.c devices/virtio_packed.c devices/virtio_net.c devices/virtio_serial.c devices/virtio_rng.c host/log.c host/clock.c host/entropy.c host/chardev.c host/place.c host/terminal.c host/net/net.c host/net/pcap.c host/net/offload.c */
#include <string.h>

#include "devices/devices.h"
#include "devices/ram.h"
#include "tests/fuzz/fuzz.h"

enum { BASE = 0x40000000, RAM = 64 << 10, QUEUE_BYTES = 0x1000, ENTRIES = 8, STEPS = 400 };

typedef struct World {
    Bus *bus;
    Ram *ram;
    Clock *clk;
    Log log;
    NetBackend *net;
    Chardev *chardev;
    Device *d, *port;
    unsigned queues;
    uint64_t features;
} World;

static bool take(NetBackend *n, const uint8_t *frame, size_t size) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) { /* a sanitizer looks at every byte */
        sum ^= frame[i];
    }
    return true;
}

static const NetClass far_end = { .type = "far", .send = take };
static const NetClass near_end = { .type = "near", .large = true, .checked = true, .send = take };

static uint8_t *at(World *w, uint32_t offset) {
    return (uint8_t *)ram_host(w->ram) + offset % RAM;
}

static void begin(World *w, FuzzIn *in) {
    static const DeviceClass *const classes[] = { &device_virtio_net, &device_virtio_serial, &device_virtio_rng };
    uint8_t choice = fuzz_byte(in);
    w->bus = bus_new();
    w->ram = ram_new(RAM, NULL);
    w->clk = clock_new(NULL);
    bus_add_ram(w->bus, "ram", BASE, RAM, ram_host(w->ram), NULL);
    w->net = g_new0(NetBackend, 1);
    net_init(w->net, choice & 0x80 ? &near_end : &far_end, "net", NULL);
    net_set_link(w->net, true);
    w->chardev = chardev_open("null", NULL, NULL);
    const DeviceClass *cls = classes[choice % 3];
    VirtioNetConfig net = { .virtio.packed = choice & 0x40, .backend = w->net };
    VirtioSerialConfig other = { .virtio.packed = choice & 0x40 };
    DeviceEnv env = { w->bus, w->clk, &w->log };
    w->d = device_new(cls, "it", &env, cls == &device_virtio_net ? (void *)&net : (void *)&other, NULL);
    if (cls == &device_virtio_serial) {
        w->port = device_new(&device_virtconsole, "port", &env, &(SerialPortConfig){ .chardev = w->chardev }, NULL);
        FUZZ_CHECK(virtio_serial_plug(w->d, w->port), "no port");
    }
    w->queues = MIN(((VirtioDevice *)w->d)->queue_count, 4);
    w->features = ((VirtioDevice *)w->d)->offered & (fuzz_word(in) | (uint64_t)fuzz_word(in) << 32 | VIRTIO_F_VERSION_1);
}

static void end(World *w) {
    device_free(w->d);
    device_free(w->port);
    net_free(w->net);
    chardev_close(w->chardev);
    bus_free(w->bus);
    ram_free(w->ram);
    clock_free(w->clk);
}

/* What a driver does before its first buffer. */
static void start(World *w, uint64_t features) {
    VirtioDevice *v = (VirtioDevice *)w->d;
    device_lock(w->d);
    virtio_set_status(v, 0);
    virtio_set_features(v, features);
    virtio_set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    for (unsigned n = 0; n < w->queues; n++) {
        uint64_t base = BASE + n * QUEUE_BYTES;
        v->queues[n].size = ENTRIES;
        v->queues[n].desc = base;
        v->queues[n].driver = base + 0x400;
        v->queues[n].device = base + 0x800;
        virtio_queue_enable(v, n, true);
    }
    virtio_set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    device_unlock(w->d);
}

static void settle(void) {
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static void frame_arrives(World *w, FuzzIn *in) {
    uint8_t frame[1600] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56, [12] = 8, [14] = 0x45, [23] = 6, [46] = 0x50, [47] = 0x10 };
    size_t size = 60 + fuzz_byte(in) * 6;
    frame[16] = (uint8_t)((size - 14) >> 8);
    frame[17] = (uint8_t)(size - 14);
    for (unsigned i = fuzz_byte(in) % 4; i; i--) {
        frame[fuzz_byte(in) % 64] = fuzz_byte(in);
    }
    net_deliver(w->net, frame, size);
}

/* A descriptor that may well be in RAM, made available. */
static void add_buffer(World *w, FuzzIn *in, unsigned n) {
    unsigned i = fuzz_byte(in) % ENTRIES;
    uint8_t *desc = at(w, n * QUEUE_BYTES + 16 * i), *avail = at(w, n * QUEUE_BYTES + 0x400);
    uint64_t gpa = BASE + fuzz_word(in) % RAM;
    uint32_t size = fuzz_byte(in) * 64u;
    uint16_t flags = fuzz_byte(in) | (fuzz_byte(in) & 0x80) << 8, next = fuzz_byte(in) % (ENTRIES + 1);
    memcpy(desc, &gpa, 8);
    memcpy(desc + 8, &size, 4);
    memcpy(desc + 12, &flags, 2);
    memcpy(desc + 14, &next, 2);
    uint16_t index;
    memcpy(&index, avail + 2, 2);
    avail[4 + 2 * (index % ENTRIES)] = (uint8_t)i;
    index++;
    memcpy(avail + 2, &index, 2);
}

static void step(World *w, FuzzIn *in) {
    VirtioDevice *v = (VirtioDevice *)w->d;
    uint8_t what = fuzz_byte(in);
    unsigned n = (what >> 4) % w->queues;
    uint32_t word;
    switch (what & 15) {
    case 0: case 1: case 2: case 3:
        add_buffer(w, in, n);
        break;
    case 4: case 5:
        word = fuzz_word(in);
        memcpy(at(w, (fuzz_word(in) & ~3u) % RAM), &word, 4);
        break;
    case 6:
        frame_arrives(w, in);
        break;
    case 7:
        settle();
        break;
    case 8:
        device_lock(w->d);
        virtio_config_write(v, fuzz_byte(in) % 16, 1u << fuzz_byte(in) % 3, fuzz_word(in));
        device_unlock(w->d);
        break;
    case 9:
        if (w->d->cls->quiesce) {
            (fuzz_byte(in) & 1 ? w->d->cls->quiesce : w->d->cls->resumed)(w->d);
        }
        break;
    case 10:
        start(w, w->features);
        break;
    default:
        device_lock(w->d);
        virtio_queue_kick(v, n);
        device_unlock(w->d);
        break;
    }
}

/* A frame that is received properly after all that. */
static void still_works(World *w) {
    uint64_t gpa = BASE + 0x8000;
    uint32_t size = 2048;
    uint16_t write = 2, one = 1, used;
    uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    if (w->d->cls->resumed) {
        w->d->cls->resumed(w->d);
    }
    memset(ram_host(w->ram), 0, RAM);
    device_reset(w->d);
    settle(); /* frames that wait are lost */
    start(w, VIRTIO_F_VERSION_1);
    memcpy(at(w, 0), &gpa, 8);
    memcpy(at(w, 8), &size, 4);
    memcpy(at(w, 12), &write, 2);
    memcpy(at(w, 0x402), &one, 2);
    net_deliver(w->net, frame, sizeof frame);
    settle();
    memcpy(&used, at(w, 0x802), 2);
    FUZZ_CHECK(used == 1 && *at(w, 0x8000 + 12) == 0xff, "a frame does not arrive after a reset");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzIn in = { data, size };
    World w = { 0 };
    begin(&w, &in);
    start(&w, w.features);
    for (unsigned i = 0; i < STEPS && in.left; i++) {
        step(&w, &in);
    }
    settle();
    if (w.d->cls == &device_virtio_net) {
        still_works(&w);
    }
    end(&w);
    return 0;
}
