/* SPDX-License-Identifier: MIT */
/*
 * vring.h - for tests of virtio devices: a slot with a device behind it, and a driver's side of one queue, split or
 * packed, in the RAM of poke.h.
 */
#ifndef TESTS_DEVICES_VRING_H
#define TESTS_DEVICES_VRING_H

#include "devices/virtio.h"
#include "tests/devices/poke.h"

/* Where the driver keeps things: pages for each area of each queue, then buffers. */
enum { VR_QUEUES = 16, VR_RINGS = POKE_RAM, VR_QUEUE = 0x8000, VR_DATA = POKE_RAM + VR_QUEUES * VR_QUEUE };
enum { VR_ACK = 0x064, VR_STATUS = 0x070, VR_NOTIFY = 0x050, VR_INT = 0x060 };

typedef struct Vr {
    Poke p;
    Device *dev;      /* behind the slot p.d */
    bool packed, event, indirect;
    unsigned size;
    struct {
        uint16_t avail, used; /* split: the driver's index, and how far it has seen the device's */
        uint16_t at, seen;    /* packed: positions ... */
        bool wrap, seen_wrap; /* ... and wrap counters */
        unsigned next;        /* vr_next_add: the next descriptor, round and round */
    } q[VIRTIO_QUEUES];
} Vr;

typedef struct VrBuffer {
    uint64_t gpa;
    uint32_t size;
    bool write;
} VrBuffer;

static inline uint8_t *vr_host(Vr *t, uint64_t gpa) {
    return ram_host(t->p.ram) + (gpa - POKE_RAM);
}
static inline uint64_t vr_desc(unsigned n) {
    return VR_RINGS + n * (uint64_t)VR_QUEUE;
}
static inline uint64_t vr_driver(unsigned n) {
    return vr_desc(n) + 0x4000;
}
static inline uint64_t vr_device(unsigned n) {
    return vr_desc(n) + 0x5000;
}
static inline void vr_put(Vr *t, uint64_t gpa, unsigned size, uint64_t value) {
    memcpy(vr_host(t, gpa), &value, size);
}
static inline uint64_t vr_get(Vr *t, uint64_t gpa, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, vr_host(t, gpa), size);
    return value;
}

static inline void vr_new(Vr *t, const DeviceClass *cls, const void *config, unsigned size) {
    memset(t, 0, sizeof *t);
    poke_new(&t->p, &device_virtio_mmio, NULL);
    GError *error = NULL;
    t->dev = device_new(cls, cls->name, &(DeviceEnv){ t->p.bus, t->p.clk, &t->p.log }, config, &error);
    ck_assert_msg(t->dev != NULL, "%s", error ? error->message : "");
    ck_assert(virtio_mmio_plug(t->p.d, t->dev));
    t->size = size;
}
static inline void vr_free(Vr *t) {
    device_free(t->dev);
    poke_free(&t->p);
}

static inline uint64_t vr_offered(Vr *t) {
    uint64_t offered = 0;
    for (unsigned i = 0; i < 2; i++) {
        poke(&t->p, 0x014, i);
        offered |= (uint64_t)peek(&t->p, 0x010) << (32 * i);
    }
    return offered;
}

/* Negotiation up to FEATURES_OK; returns what was agreed on. */
static inline uint64_t vr_negotiate(Vr *t, uint64_t wanted) {
    poke(&t->p, VR_STATUS, 0);
    poke(&t->p, VR_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    uint64_t features = vr_offered(t) & (wanted | VIRTIO_F_VERSION_1);
    for (unsigned i = 0; i < 2; i++) {
        poke(&t->p, 0x024, i);
        poke(&t->p, 0x020, (uint32_t)(features >> (32 * i)));
    }
    poke(&t->p, VR_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    ck_assert_uint_eq(peek(&t->p, VR_STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    t->packed = features & VIRTIO_F_PACKED;
    t->event = features & VIRTIO_F_EVENT_IDX;
    t->indirect = features & VIRTIO_F_INDIRECT;
    return features;
}

static inline void vr_place(Vr *t, unsigned n, uint64_t desc, uint64_t driver, uint64_t device) {
    const uint64_t at[] = { desc, driver, device };
    poke(&t->p, 0x030, n);
    poke(&t->p, 0x038, t->size);
    for (unsigned i = 0; i < 3; i++) {
        poke(&t->p, 0x080 + 0x10 * i, (uint32_t)at[i]);
        poke(&t->p, 0x084 + 0x10 * i, (uint32_t)(at[i] >> 32));
    }
    poke(&t->p, 0x044, 1);
}

static inline void vr_queue(Vr *t, unsigned n) {
    memset(vr_host(t, vr_desc(n)), 0, VR_QUEUE);
    memset(&t->q[n], 0, sizeof t->q[n]);
    t->q[n].wrap = t->q[n].seen_wrap = true;
    vr_place(t, n, vr_desc(n), vr_driver(n), vr_device(n));
    ck_assert_uint_eq(peek(&t->p, 0x044), 1);
}

static inline void vr_go(Vr *t) {
    poke(&t->p, VR_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

static inline void vr_start(Vr *t, uint64_t wanted, unsigned queues) {
    vr_negotiate(t, wanted);
    for (unsigned n = 0; n < queues; n++) {
        vr_queue(t, n);
    }
    vr_go(t);
}

/* A descriptor as either ring has it; word: {flags, next} or {id, flags}. */
static inline void vr_set_desc(Vr *t, uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t w0, uint16_t w1) {
    uint64_t gpa = table + 16 * i;
    vr_put(t, gpa, 8, addr);
    vr_put(t, gpa + 8, 4, len);
    vr_put(t, gpa + 12, 2, w0);
    vr_put(t, gpa + 14, 2, w1);
}

static inline void vr_table(Vr *t, uint64_t table, const VrBuffer *b, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = (uint16_t)((b[i].write ? 2 : 0) | (i + 1 < count ? 1 : 0));
        vr_set_desc(t, table, i, b[i].gpa, b[i].size, t->packed ? 0 : flags, t->packed ? flags : (uint16_t)(i + 1));
    }
}

/* Makes a head available, split: descriptor `head`. */
static inline void vr_avail(Vr *t, unsigned n, uint16_t head) {
    vr_put(t, vr_driver(n) + 4 + 2 * (t->q[n].avail % t->size), 2, head);
    vr_put(t, vr_driver(n) + 2, 2, ++t->q[n].avail);
}

/* Adds a chain whose descriptors begin at `head` (split) or at the next place (packed, where head is the id), without a
 * notification. indirect: through a table at this address, or 0. */
static inline void vr_add(Vr *t, unsigned n, uint16_t head, const VrBuffer *b, unsigned count, uint64_t indirect) {
    VrBuffer table = { indirect, 16 * count, false };
    if (indirect) {
        vr_table(t, indirect, b, count);
    }
    const VrBuffer *use = indirect ? &table : b;
    unsigned slots = indirect ? 1 : count;
    uint16_t first_flags = 0, first = t->q[n].at;
    for (unsigned i = 0; i < slots; i++) {
        uint16_t flags = (uint16_t)((use[i].write ? 2 : 0) | (i + 1 < slots ? 1 : 0) | (indirect ? 4 : 0));
        if (!t->packed) {
            vr_set_desc(t, vr_desc(n), (head + i) % t->size, use[i].gpa, use[i].size, flags,
                        (uint16_t)((head + i + 1) % t->size));
            continue;
        }
        flags |= t->q[n].wrap ? 1 << 7 : 1 << 15;
        first_flags = i ? first_flags : flags;
        vr_set_desc(t, vr_desc(n), t->q[n].at, use[i].gpa, use[i].size, head, i ? flags : (uint16_t)(flags ^ 0x8080));
        if (++t->q[n].at == t->size) {
            t->q[n].at = 0;
            t->q[n].wrap = !t->q[n].wrap;
        }
    }
    if (t->packed) {
        vr_put(t, vr_desc(n) + 16 * first + 14, 2, first_flags);
    } else {
        vr_avail(t, n, head);
    }
}

static inline void vr_kick(Vr *t, unsigned n) {
    poke(&t->p, VR_NOTIFY, n);
}

/* The next used buffer, if there is one. slots: how many places it took in a packed ring. */
static inline bool vr_used(Vr *t, unsigned n, unsigned slots, uint16_t *id, uint32_t *len) {
    if (!t->packed) {
        if ((uint16_t)vr_get(t, vr_device(n) + 2, 2) == t->q[n].used) {
            return false;
        }
        uint64_t at = vr_device(n) + 4 + 8 * (t->q[n].used++ % t->size);
        *id = (uint16_t)vr_get(t, at, 4);
        *len = (uint32_t)vr_get(t, at + 4, 4);
        return true;
    }
    uint64_t at = vr_desc(n) + 16 * t->q[n].seen;
    uint16_t flags = (uint16_t)vr_get(t, at + 14, 2);
    if (!!(flags & 1 << 7) != t->q[n].seen_wrap || !!(flags & 1 << 15) != t->q[n].seen_wrap) {
        return false;
    }
    *id = (uint16_t)vr_get(t, at + 12, 2);
    *len = (uint32_t)vr_get(t, at + 8, 4);
    t->q[n].seen = (uint16_t)(t->q[n].seen + slots);
    if (t->q[n].seen >= t->size) {
        t->q[n].seen = (uint16_t)(t->q[n].seen - t->size);
        t->q[n].seen_wrap = !t->q[n].seen_wrap;
    }
    return true;
}

/* Is an interrupt pending for that reason? Acknowledges it. vr_reasons: all of them. */
static inline bool vr_interrupt(Vr *t, uint32_t bit) {
    uint32_t pending = peek(&t->p, VR_INT);
    ck_assert_int_eq(poke_irq(&t->p, 0), pending != 0);
    poke(&t->p, VR_ACK, bit);
    return pending & bit;
}
static inline uint32_t vr_reasons(Vr *t) {
    uint32_t reasons = peek(&t->p, VR_INT);
    ck_assert_int_eq(poke_irq(&t->p, 0), reasons != 0);
    poke(&t->p, VR_ACK, reasons);
    ck_assert(!poke_irq(&t->p, 0));
    return reasons;
}
static inline uint32_t vr_status(Vr *t) {
    return peek(&t->p, VR_STATUS);
}
static inline uint8_t vr_config(Vr *t, unsigned at) {
    return (uint8_t)peek_at(&t->p, POKE_BASE + 0x100 + at, 1, 0);
}

/* -- for tests that leave the descriptors to it: direct ones of a split ring -- */

/* Makes a chain available, without a notification; returns its head. */
static inline unsigned vr_next_add(Vr *t, unsigned n, const VrBuffer *buffers, unsigned count) {
    unsigned head = t->q[n].next % t->size;
    t->q[n].next += count;
    vr_add(t, n, (uint16_t)head, buffers, count, 0);
    return head;
}
#define VR_ADD(t, n, ...) \
    vr_next_add(t, n, (const VrBuffer[]){ __VA_ARGS__ }, sizeof((const VrBuffer[]){ __VA_ARGS__ }) / sizeof(VrBuffer))

/* The next chain that came back, and how much was written to it; either may be NULL. False: none. */
static inline bool vr_next_used(Vr *t, unsigned n, unsigned *head, uint32_t *written) {
    uint16_t id = 0;
    uint32_t len = 0;
    bool found = vr_used(t, n, 1, &id, &len);
    if (found && head) {
        *head = id;
    }
    if (found && written) {
        *written = len;
    }
    return found;
}

static inline bool vr_broken(Vr *t, const char *part) {
    return poke_logged(&t->p, part) && (peek(&t->p, VR_STATUS) & VIRTIO_NEEDS_RESET);
}

#endif
