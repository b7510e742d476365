/* SPDX-License-Identifier: MIT */
/*
 * fuzz_virtio.c - virtio devices behind their registers, with a driver that does what it likes: registers, rings and
 * descriptors at random, in between requests that are in order, errors of the host, resets and loaded states. Nothing but
 * RAM and the image may change, and the interrupt line follows the pending bits. Virtual time: one thread, repeatable.
 */
/* Sources: devices/device.c devices/bus.c devices/irq.c devices/dma.c devices/ram.c devices/virtio.c devices/virtio_blk.c devices/virtio_mmio.c devices/virtio_packed.c devices/virtio_rng.c devices/virtio_split.c host/log.c host/clock.c host/entropy.c host/late.c host/block/?*.c */
#include <errno.h>
#include <string.h>

#include "devices/devices.h"
#include "devices/ram.h"
#include "tests/fuzz/fuzz.h"

enum {
    RAM = 0x40000000, RAM_SIZE = 256 << 10, ROM = 0x1000, SLOT = 0x0a000000, SECTORS = 32, STEPS = 300,
    QUEUE_SPACE = 0x4000, DATA = RAM + 4 * QUEUE_SPACE, ENTRIES = 8,
};

typedef struct Target {
    Bus *bus;
    Ram *ram;
    Clock *clk;
    GMainContext *context;
    uint8_t *rom;
    Device *slot, *dev;
    Block *block;
    bool packed;
    uint8_t image[SECTORS * 512];
    int error;            /* what the image answers */
    uint16_t avail[4];
} Target;

static uint64_t virtual_now;

static uint64_t now(void *opaque) {
    return virtual_now;
}

/* -- the image -- */

static int image_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    Target *t = opaque;
    FUZZ_CHECK(offset + size <= sizeof t->image, "read outside the image");
    memcpy(buffer, t->image + offset, size);
    return t->error;
}
static int image_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    Target *t = opaque;
    FUZZ_CHECK(offset + size <= sizeof t->image, "write outside the image");
    memcpy(t->image + offset, buffer, size);
    return t->error;
}
static int image_flush(void *opaque) {
    return ((Target *)opaque)->error;
}
static int image_discard(void *opaque, uint64_t offset, uint64_t size) {
    return image_read(opaque, offset, (uint8_t[SECTORS * 512]){ 0 }, size);
}
static int image_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    return image_write(opaque, offset, (uint8_t[SECTORS * 512]){ 0 }, size);
}
static void image_close(void *opaque) {
}
static void image_stopped(void *opaque, const char *message) {
}
static const BlockDriver image_driver = { "fuzz", image_read, image_write, image_flush, image_discard, image_zero,
                                          image_close };

/* -- the machine -- */

static void open_target(Target *t, uint8_t kind) {
    memset(t, 0, sizeof *t);
    virtual_now = 0;
    t->context = g_main_context_new();
    t->clk = clock_new(t->context);
    clock_use(t->clk, now, NULL);
    clock_set(t->clk, 0);
    t->bus = bus_new();
    t->ram = ram_new(RAM_SIZE, NULL);
    t->rom = g_aligned_alloc0(1, 4096, 4096);
    GError *error = NULL;
    bool ok = bus_add_ram(t->bus, "ram", RAM, RAM_SIZE, ram_host(t->ram), &error) &&
              bus_add_rom(t->bus, "rom", ROM, 4096, t->rom, &error);
    DeviceEnv env = { t->bus, t->clk, NULL };
    t->slot = device_new(&device_virtio_mmio, "slot", &env, NULL, &error);
    ok = ok && bus_add_device(t->bus, SLOT, t->slot, 0, &error);
    t->block = block_new(&image_driver, t, sizeof t->image,
                         &(BlockOptions){ .id = "d", .path = "i", .discard = true, .write_error = BLOCK_STOP,
                                          .read_error = kind & 16 ? BLOCK_STOP : BLOCK_REPORT });
    block_set_user(t->block, image_stopped, NULL);
    VirtioBlkConfig config = { .block = t->block, .queues = 3, .queue_size = ENTRIES, .logical = 512, .physical = 512,
                               .discard = true, .write_zeroes = true,
                               .virtio = { .legacy = (kind & 12) == 12, .packed = true } };
    t->dev = kind & 3 ? device_new(&device_virtio_blk, "blk", &env, &config, &error)
                      : device_new(&device_virtio_rng, "rng", &env, NULL, &error);
    FUZZ_CHECK(ok && t->dev && virtio_mmio_plug(t->slot, t->dev), "set-up");
}

static void close_target(Target *t) {
    device_free(t->slot);
    device_free(t->dev);
    block_free(t->block);
    for (unsigned i = 0; i < 4096; i++) {
        FUZZ_CHECK(!t->rom[i], "ROM is written");
    }
    bus_free(t->bus);
    ram_free(t->ram);
    g_aligned_free(t->rom);
    clock_free(t->clk);
    g_main_context_unref(t->context);
}

/* -- what a driver does -- */

static void put(Target *t, uint64_t gpa, uint64_t value, unsigned size) {
    if (gpa >= RAM && gpa - RAM <= RAM_SIZE - size) {
        memcpy(ram_host(t->ram) + (gpa - RAM), &value, size);
    }
}

static uint32_t get_reg(Target *t, uint32_t offset) {
    uint64_t value = 0;
    (void)bus_read(t->bus, (BusAccess){ SLOT + offset, 4, 0 }, &value);
    return (uint32_t)value;
}

static void set_reg(Target *t, uint32_t offset, uint32_t value) {
    (void)bus_write(t->bus, (BusAccess){ SLOT + offset, 4, 0 }, value);
}

/* An address: mostly in RAM, some at its ends, some anywhere. */
static uint64_t address(FuzzIn *in) {
    uint32_t w = fuzz_word(in);
    switch (w & 7) {
    case 0: return RAM + RAM_SIZE - (w >> 3 & 0x3f);
    case 1: return ROM + (w >> 3 & 0xfff);
    case 2: return SLOT + (w >> 3 & 0x1ff);
    case 3: return ((uint64_t)w << 32) | w;
    default: return RAM + (w >> 3) % RAM_SIZE;
    }
}

static uint64_t area(unsigned n, unsigned which) {
    return RAM + n * QUEUE_SPACE + which * 0x1000;
}

/* As a driver of this kind begins. */
static void start(Target *t, FuzzIn *in) {
    uint8_t wanted = fuzz_byte(in);
    set_reg(t, 0x070, 0);
    set_reg(t, 0x070, 3);
    for (unsigned i = 0; i < 2; i++) {
        set_reg(t, 0x014, i);
        set_reg(t, 0x024, i);
        uint32_t drop = i ? (wanted & 1 ? 0 : 4) : (wanted & 2 ? 0 : 1u << 28) | (wanted & 4 ? 0 : 1u << 29);
        set_reg(t, 0x020, get_reg(t, 0x010) & ~drop);
    }
    t->packed = wanted & 1;
    set_reg(t, 0x070, 11);
    set_reg(t, 0x028, 4096);
    memset(t->avail, 0, sizeof t->avail);
    for (unsigned n = 0; n < 3; n++) {
        memset(ram_host(t->ram) + n * QUEUE_SPACE, 0, QUEUE_SPACE);
        set_reg(t, 0x030, n);
        set_reg(t, 0x038, ENTRIES);
        for (unsigned i = 0; i < 3; i++) {
            set_reg(t, 0x080 + 16 * i, (uint32_t)area(n, i));
            set_reg(t, 0x084 + 16 * i, 0);
        }
        set_reg(t, 0x044, 1);
        set_reg(t, 0x03c, 64);
        set_reg(t, 0x040, (uint32_t)(area(n, 0) / 4096));
    }
    set_reg(t, 0x070, 15);
}

static void set_desc(Target *t, uint64_t at, uint64_t addr, uint32_t len, uint16_t flags, uint16_t other) {
    put(t, at, addr, 8);
    put(t, at + 8, len, 4);
    put(t, at + 12, t->packed ? other : flags, 2);
    put(t, at + 14, t->packed ? flags : other, 2);
}

/* A request, in order but for what the bytes change. */
static void request(Target *t, FuzzIn *in) {
    static const uint32_t types[] = { 0, 1, 4, 8, 11, 13, 0, 1 };
    uint8_t what = fuzz_byte(in), odd = fuzz_byte(in), n = (what >> 3) % 3, count = (uint8_t)(2 + (what >> 5) % 4);
    uint64_t head = DATA + (what & 7) * 0x1000;
    uint16_t at = (uint16_t)(t->avail[n] * 3 % ENTRIES);
    bool in_order = odd & 1, indirect = odd & 2;
    put(t, head, types[what & 7], 4);
    put(t, head + 8, fuzz_byte(in) % (SECTORS + 2), 8);
    put(t, head + 0x200, fuzz_byte(in) % (SECTORS + 2), 8);
    put(t, head + 0x208, fuzz_byte(in) % 8, 8);
    uint64_t table = indirect ? head + 0x800 : area(n, 0);
    for (unsigned i = 0; i < count; i++) {
        bool last = i + 1 == count, write = last || ((what & 7) % 6 == 0 && i) || (what & 7) == 3;
        uint64_t addr = i == 0 ? head : last ? head + 0x100 : in_order ? head + 0x200 : address(in);
        bool erase = (what & 7) == 4 || (what & 7) == 5;
        uint32_t len = i == 0 ? 16 : last ? 1 : erase ? 16 : in_order ? 512 : fuzz_word(in) >> (odd >> 3);
        uint16_t flags = (uint16_t)((write && i ? 2 : 0) | (last ? 0 : 1) | (t->packed && !indirect ? 0x80 : 0));
        unsigned place = indirect ? i : (at + i) % ENTRIES;
        set_desc(t, table + 16 * place, addr, len, flags, (uint16_t)(indirect ? i + 1 : (at + i + 1) % ENTRIES));
    }
    if (indirect) {
        set_desc(t, area(n, 0) + 16 * at, table, 16u * count, t->packed ? 0x84 : 4, 0);
    }
    put(t, area(n, 1) + 4 + 2 * (t->avail[n] % ENTRIES), at, 2);
    put(t, area(n, 1) + 2, ++t->avail[n], 2);
    set_reg(t, 0x050, n);
}

/* -- other things that happen -- */

static void pass_time(Target *t, FuzzIn *in) {
    virtual_now += (uint64_t)fuzz_byte(in) * 4000;
    clock_advanced(t->clk);
    while (g_main_context_iteration(t->context, FALSE)) {
    }
}

static void scramble(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    FuzzIn *in = opaque;
    unsigned count = fuzz_byte(in) & 3;
    for (unsigned i = 0; i < count && in->left; i++) {
        uint32_t at = fuzz_word(in);
        ((uint8_t *)bytes)[at % size] = fuzz_byte(in);
    }
}

/* A state of the file's own making is loaded. */
static void reload(Target *t, FuzzIn *in) {
    device_reset(t->dev);
    device_state_walk(t->dev, scramble, in);
    device_lock(t->dev);
    t->dev->cls->restored(t->dev);
    device_unlock(t->dev);
}

static void step(Target *t, FuzzIn *in) {
    uint8_t op = fuzz_byte(in);
    switch (op & 15) {
    case 0: set_reg(t, (op >> 4) % 2 ? fuzz_byte(in) & ~3u : 0x100u + (fuzz_byte(in) & 0x3cu), fuzz_word(in)); break;
    case 1: set_reg(t, fuzz_byte(in) & ~3u, fuzz_byte(in)); break;
    case 2: set_reg(t, 0x080 + (op >> 4) % 3 * 16, (uint32_t)address(in)); break;
    case 3: (void)get_reg(t, fuzz_byte(in) * 2u & ~3u); break;
    case 4: put(t, area((op >> 4) % 3, 0) + (fuzz_word(in) % 0x3000), fuzz_word(in), 1 + (op >> 6)); break;
    case 5: put(t, area((op >> 4) % 3, op >> 7) + fuzz_byte(in) % 0x90, fuzz_byte(in), 2); break;
    case 6:
        if (op < 0xe0) {
            set_reg(t, 0x050, op >> 4);
        } else { /* the configuration, by bytes */
            (void)bus_write(t->bus, (BusAccess){ SLOT + 0x100 + fuzz_byte(in) % 64, 1, 0 }, op >> 4 & 1);
        }
        break;
    case 7: case 8: pass_time(t, in); break;
    case 9: start(t, in); break;
    case 10:
        t->error = op & 16 ? op & 32 ? ENOSPC : EIO : 0;
        break;
    case 11:
        if (t->dev->cls->quiesce) {
            t->dev->cls->quiesce(t->dev);
            t->dev->cls->resumed(t->dev);
        }
        break;
    case 12:
        if (op >= 0xe0) {
            device_reset(op & 16 ? t->slot : t->dev);
        } else if (op >= 0xc0) {
            reload(t, in);
        }
        break;
    default: request(t, in); break;
    }
    VirtioDevice *v = (VirtioDevice *)t->dev;
    FUZZ_CHECK(irq_level(device_irq(t->slot, 0)) == (v->pending != 0), "the line is %d, pending 0x%x",
               irq_level(device_irq(t->slot, 0)), v->pending);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzIn in = { data, size };
    static Target t;
    uint8_t kind = fuzz_byte(&in);
    open_target(&t, kind);
    if (kind & 128) {
        start(&t, &in);
    }
    for (unsigned n = 0; in.left && n < STEPS; n++) {
        step(&t, &in);
    }
    close_target(&t);
    return 0;
}
