/* SPDX-License-Identifier: MIT */
/*
 * virtio_rng.c - the virtio entropy source: the host's bytes, or, in virtual time, a sequence that repeats.
 * Spec: VIRTIO 1.2, 5.4. Locking: the device's lock.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/virtio.h"
#include "host/entropy.h"

enum { QUEUE, QUEUES, MOST = 64 << 10 /* bytes for one buffer; a device may give fewer than fit */ };

typedef struct VirtioRng {
    VirtioDevice v;
    uint64_t sequence; /* where the repeatable one is */
} VirtioRng;

#define FIRST UINT64_C(0x796164ff5eed)

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next(VirtioRng *s) {
    uint64_t z = s->sequence += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void fill(VirtioRng *s, uint8_t *to, size_t size) {
    if (!s->v.d.clock || !clock_is_virtual(s->v.d.clock)) {
        entropy_fill(to, size);
        return;
    }
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = GUINT64_TO_LE(next(s));
        memcpy(to + i, &word, MIN(8, size - i));
    }
}

static void queue(VirtioDevice *v, unsigned n) {
    VirtioChain *chain;
    bool any = false;
    while ((chain = virtio_queue_pop(v, n))) {
        uint8_t part[4096];
        size_t done = 0, size = MIN(chain->write_size, MOST);
        while (done < size) {
            size_t want = MIN(sizeof part, size - done);
            fill((VirtioRng *)v, part, want);
            size_t put = virtio_chain_write(v, chain, done, part, want);
            done += put;
            if (put < want) {
                break;
            }
        }
        virtio_queue_push(v, chain, (uint32_t)done);
        any = true;
    }
    if (any) {
        virtio_queue_notify(v, n);
    }
}

static const VirtioClass virtio = { .id = VIRTIO_ID_RNG, .queue_size = 64, .queue = queue };

static bool init(Device *d, const void *config, GError **error) {
    const VirtioRngConfig *c = config;
    virtio_init((VirtioDevice *)d, &virtio, c ? &c->virtio : NULL, QUEUES, NULL, 0);
    return true;
}

static void reset(Device *d) {
    virtio_device_reset(d);
    ((VirtioRng *)d)->sequence = FIRST;
}

static const StateField state[] = { VIRTIO_STATE(VirtioRng), STATE(VirtioRng, sequence) };

static const DeviceProp props[] = {
    { "rng", "where its bytes come from (-object rng-random or rng-builtin); default: the host", PROP_BACKEND,
      offsetof(VirtioRngConfig, source), .backend = "rng" },
    VIRTIO_PROPS(VirtioRngConfig),
    { NULL },
};

const DeviceClass device_virtio_rng = {
    .name = "virtio-rng-device",
    .summary = "virtio entropy source",
    VIRTIO_DEVICE(VirtioRng, VirtioRngConfig, state, props),
    .reset = reset,
    .restored = virtio_device_restored,
};
