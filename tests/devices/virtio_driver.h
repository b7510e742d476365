/* SPDX-License-Identifier: MIT */
/*
 * virtio_driver.h - for tests of virtio devices: the guest's side, with registers poked and split rings written by hand.
 *
 * Queue n's rings stand at DRV_RINGS + n * DRV_STRIDE; a test puts its buffers behind DRV_DATA.
 */
#ifndef TESTS_DEVICES_VIRTIO_DRIVER_H
#define TESTS_DEVICES_VIRTIO_DRIVER_H

#include "tests/devices/poke.h"

enum {
    DRV_RINGS = POKE_RAM, DRV_STRIDE = 0x4000, DRV_AVAIL = 0x1000, DRV_USED = 0x2000, DRV_ENTRIES = 64, DRV_QUEUES = 16,
    DRV_DATA = DRV_RINGS + DRV_QUEUES * DRV_STRIDE,
};
enum { DRV_DESC_NEXT = 1, DRV_DESC_WRITE = 2, DRV_NO_INTERRUPT = 1 };

typedef struct Driver {
    Poke p;      /* p.d is the slot */
    Device *dev;
    unsigned free_desc[DRV_QUEUES];          /* the next descriptor, round and round */
    uint16_t added[DRV_QUEUES], seen[DRV_QUEUES];
} Driver;

/* One buffer of a chain. */
typedef struct DriverBuffer {
    uint64_t gpa;
    uint32_t size;
    bool write;
} DriverBuffer;

static inline uint8_t *drv_ram(Driver *d, uint64_t gpa) {
    return (uint8_t *)ram_host(d->p.ram) + (gpa - POKE_RAM);
}
static inline void drv_put(Driver *d, uint64_t gpa, unsigned bytes, uint64_t value) {
    for (unsigned i = 0; i < bytes; i++) {
        drv_ram(d, gpa)[i] = (uint8_t)(value >> 8 * i);
    }
}
static inline uint64_t drv_get(Driver *d, uint64_t gpa, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)drv_ram(d, gpa)[i] << 8 * i;
    }
    return value;
}

static inline void drv_new(Driver *d, const DeviceClass *cls, const void *config) {
    GError *error = NULL;
    memset(d, 0, sizeof *d);
    poke_new(&d->p, &device_virtio_mmio, NULL);
    d->dev = device_new(cls, cls->name, &(DeviceEnv){ d->p.bus, d->p.clk, &d->p.log }, config, &error);
    ck_assert_msg(d->dev != NULL, "%s", error ? error->message : "");
    ck_assert(virtio_mmio_plug(d->p.d, d->dev));
}
static inline void drv_free(Driver *d) {
    poke_free(&d->p);
    device_free(d->dev);
}

static inline uint64_t drv_offered(Driver *d) {
    poke(&d->p, 0x14, 0);
    uint64_t low = peek(&d->p, 0x10);
    poke(&d->p, 0x14, 1);
    return low | (uint64_t)peek(&d->p, 0x10) << 32;
}

static inline void drv_queue(Driver *d, unsigned n) {
    uint64_t at = DRV_RINGS + n * (uint64_t)DRV_STRIDE;
    memset(drv_ram(d, at), 0, DRV_STRIDE);
    d->free_desc[n] = d->added[n] = d->seen[n] = 0;
    poke(&d->p, 0x30, n);
    ck_assert_uint_ge(peek(&d->p, 0x34), DRV_ENTRIES);
    poke(&d->p, 0x38, DRV_ENTRIES);
    poke(&d->p, 0x80, (uint32_t)at);
    poke(&d->p, 0x90, (uint32_t)at + DRV_AVAIL);
    poke(&d->p, 0xa0, (uint32_t)at + DRV_USED);
    poke(&d->p, 0x44, 1);
    ck_assert_uint_eq(peek(&d->p, 0x44), 1);
}

/* The whole negotiation, with `features` and VERSION_1, and all queues. */
static inline void drv_start(Driver *d, uint64_t features, unsigned queues) {
    features |= VIRTIO_F_VERSION_1;
    poke(&d->p, 0x70, 0);
    poke(&d->p, 0x70, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        poke(&d->p, 0x24, i);
        poke(&d->p, 0x20, (uint32_t)(features >> 32 * i));
    }
    uint32_t status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK;
    poke(&d->p, 0x70, status);
    ck_assert_uint_eq(peek(&d->p, 0x70), status);
    for (unsigned n = 0; n < queues; n++) {
        drv_queue(d, n);
    }
    poke(&d->p, 0x70, status | VIRTIO_DRIVER_OK);
    ck_assert_uint_eq(peek(&d->p, 0x70), status | VIRTIO_DRIVER_OK);
}

static inline void drv_kick(Driver *d, unsigned n) {
    poke(&d->p, 0x50, n);
}

/* Makes a chain available, without a notification; returns its head. */
static inline unsigned drv_add(Driver *d, unsigned n, const DriverBuffer *buffers, unsigned count) {
    uint64_t rings = DRV_RINGS + n * (uint64_t)DRV_STRIDE;
    unsigned head = d->free_desc[n] % DRV_ENTRIES;
    for (unsigned i = 0; i < count; i++) {
        uint64_t desc = rings + 16 * (d->free_desc[n] % DRV_ENTRIES);
        d->free_desc[n]++;
        drv_put(d, desc, 8, buffers[i].gpa);
        drv_put(d, desc + 8, 4, buffers[i].size);
        drv_put(d, desc + 12, 2, (i + 1 < count ? DRV_DESC_NEXT : 0) | (buffers[i].write ? DRV_DESC_WRITE : 0));
        drv_put(d, desc + 14, 2, d->free_desc[n] % DRV_ENTRIES);
    }
    drv_put(d, rings + DRV_AVAIL + 4 + 2 * (d->added[n] % DRV_ENTRIES), 2, head);
    d->added[n]++;
    drv_put(d, rings + DRV_AVAIL + 2, 2, d->added[n]);
    return head;
}
#define DRV_ADD(d, n, ...) \
    drv_add(d, n, (const DriverBuffer[]){ __VA_ARGS__ }, sizeof((const DriverBuffer[]){ __VA_ARGS__ }) / sizeof(DriverBuffer))

/* The next chain that came back, and how much was written to it. False: none. */
static inline bool drv_used(Driver *d, unsigned n, unsigned *head, uint32_t *written) {
    uint64_t used = DRV_RINGS + n * (uint64_t)DRV_STRIDE + DRV_USED;
    if ((uint16_t)drv_get(d, used + 2, 2) == d->seen[n]) {
        return false;
    }
    uint64_t entry = used + 4 + 8 * (d->seen[n]++ % DRV_ENTRIES);
    if (head) {
        *head = (unsigned)drv_get(d, entry, 4);
    }
    if (written) {
        *written = (uint32_t)drv_get(d, entry + 4, 4);
    }
    return true;
}

/* Takes the interrupt: its reasons. */
static inline uint32_t drv_interrupt(Driver *d) {
    uint32_t reasons = peek(&d->p, 0x60);
    ck_assert_int_eq(poke_irq(&d->p, 0), reasons != 0);
    poke(&d->p, 0x64, reasons);
    ck_assert(!poke_irq(&d->p, 0));
    return reasons;
}

static inline uint32_t drv_status(Driver *d) {
    return peek(&d->p, 0x70);
}
static inline uint8_t drv_config(Driver *d, unsigned at) {
    return (uint8_t)peek_at(&d->p, POKE_BASE + 0x100 + at, 1, 0);
}

#endif
