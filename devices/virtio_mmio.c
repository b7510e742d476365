/* SPDX-License-Identifier: MIT */
/*
 * virtio_mmio.c - a virtio device seen through registers: version 2, or version 1 for a device with force-legacy=on.
 * An empty slot has DeviceID 0, and a driver looks no further then.
 * Spec: VIRTIO 1.2, 4.2.2 and 4.2.4 (legacy).
 * Locking: registers take the lock of the device behind after the slot's own; the interrupt line changes under it.
 * Missing: shared memory regions, queue reset.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/virtio.h"

typedef struct VirtioMmio {
    Device d;
    VirtioDevice *v; /* borrowed; NULL: empty */
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint32_t driver_features[2];
    uint32_t page_size, align; /* legacy */
    uint32_t reserved;
} VirtioMmio;

enum { MAGIC = 0x74726976 /* "virt" */, VERSION = 2, LEGACY = 1, NO_DEVICE = 0, VENDOR = 0x6f646179 /* "yado" */,
       CONFIG = 0x100 };

static VirtioMmio *slot(Device *d) {
    return (VirtioMmio *)d;
}

/* The queue that QueueSel names, or NULL. */
static VirtQueue *selected(Device *d) {
    VirtioMmio *s = slot(d);
    return s->v && s->queue_sel < s->v->queue_count ? &s->v->queues[s->queue_sel] : NULL;
}

static bool is_legacy(Device *d) {
    return slot(d)->v && slot(d)->v->legacy;
}

/* Reading and writing functions see the device behind, locked. */
#define READ(name)                                                                                                    \
    static uint64_t name##_of(Device *d, VirtioDevice *v, const RegAccess *a);                                        \
    static uint64_t name##_read(Device *d, const RegAccess *a) {                                                      \
        VirtioDevice *v = slot(d)->v;                                                                                 \
        if (!v) {                                                                                                     \
            return 0;                                                                                                 \
        }                                                                                                             \
        device_lock(&v->d);                                                                                           \
        uint64_t value = name##_of(d, v, a);                                                                          \
        device_unlock(&v->d);                                                                                         \
        return value;                                                                                                 \
    }                                                                                                                 \
    static uint64_t name##_of(Device *d, VirtioDevice *v, const RegAccess *a)
#define WRITE(name)                                                                                                   \
    static void name##_to(Device *d, VirtioDevice *v, const RegAccess *a, uint64_t value);                            \
    static void name##_written(Device *d, const RegAccess *a, uint64_t value) {                                       \
        VirtioDevice *v = slot(d)->v;                                                                                 \
        if (v) {                                                                                                      \
            device_lock(&v->d);                                                                                       \
            name##_to(d, v, a, value);                                                                                \
            device_unlock(&v->d);                                                                                     \
        }                                                                                                             \
    }                                                                                                                 \
    static void name##_to(Device *d, VirtioDevice *v, const RegAccess *a, uint64_t value)

/* -- the device as a whole -- */

static uint64_t version_read(Device *d, const RegAccess *a) {
    return is_legacy(d) ? LEGACY : VERSION;
}

static uint64_t id_read(Device *d, const RegAccess *a) {
    return slot(d)->v ? slot(d)->v->cls->id : NO_DEVICE;
}

READ(features) {
    uint32_t sel = slot(d)->device_features_sel;
    return sel < 2 ? (uint32_t)(v->offered >> (32 * sel)) : 0;
}

WRITE(device_features_sel) {
    slot(d)->device_features_sel = (uint32_t)value;
}

WRITE(driver_features_sel) {
    slot(d)->driver_features_sel = (uint32_t)value;
}

WRITE(driver_features) {
    VirtioMmio *s = slot(d);
    if (s->driver_features_sel < 2) {
        s->driver_features[s->driver_features_sel] = (uint32_t)value;
        virtio_set_features(v, s->driver_features[0] | (uint64_t)s->driver_features[1] << 32);
    }
}

READ(status) {
    return v->status;
}

static void clear_selections(VirtioMmio *s) {
    s->device_features_sel = s->driver_features_sel = s->queue_sel = 0;
    memset(s->driver_features, 0, sizeof s->driver_features);
}

WRITE(status) {
    if (!(value & 0xff)) {
        clear_selections(slot(d));
    }
    virtio_set_status(v, (uint32_t)value);
}

READ(interrupt_status) {
    return v->pending;
}

/* What is left is a new edge, as the node in the device tree promises. */
WRITE(interrupt_ack) {
    virtio_acknowledge(v, (uint32_t)value);
    if (v->pending) {
        irq_set(device_irq(d, 0), false);
        irq_set(device_irq(d, 0), true);
    }
}

READ(generation) {
    return v->generation;
}

READ(config) {
    return virtio_config_read(v, (a->offset - CONFIG) & ~3u, 4);
}

WRITE(config) {
    virtio_config_write(v, a->offset - CONFIG, a->size, value >> (8 * (a->offset & 3)));
}

/* -- queues -- */

WRITE(queue_sel) {
    slot(d)->queue_sel = (uint32_t)value;
}

READ(queue_num_max) {
    return selected(d) ? v->queue_size : 0;
}

/* The address fields of a queue in use stand still. */
static VirtQueue *changeable(Device *d) {
    VirtQueue *q = selected(d);
    if (q && q->ready) {
        device_log(d, LOG_GUEST_ERROR, "%s: the driver changes queue %u, which is in use", d->name, slot(d)->queue_sel);
        return NULL;
    }
    return q;
}

WRITE(queue_num) {
    VirtQueue *q = changeable(d);
    if (q) {
        q->size = value;
    }
}

READ(queue_ready) {
    return selected(d) ? selected(d)->ready : 0;
}

WRITE(queue_ready) {
    if (selected(d)) {
        virtio_queue_enable(v, slot(d)->queue_sel, value & 1);
    }
}

WRITE(queue_notify) {
    virtio_queue_kick(v, (uint32_t)value);
}

/* Low and high halves of desc, driver and device, by their place. */
WRITE(queue_address) {
    VirtQueue *q = changeable(d);
    if (q) {
        uint64_t *at = a->offset < 0x90 ? &q->desc : a->offset < 0xa0 ? &q->driver : &q->device;
        *at = a->offset & 4 ? (*at & UINT32_MAX) | value << 32 : (*at & ~(uint64_t)UINT32_MAX) | value;
    }
}

/* -- legacy only -- */

WRITE(page_size) {
    slot(d)->page_size = v->legacy ? (uint32_t)value : 0;
}

WRITE(queue_align) {
    slot(d)->align = v->legacy ? (uint32_t)value : 0;
}

READ(pfn) {
    VirtQueue *q = selected(d);
    return v->legacy && q && q->ready && slot(d)->page_size ? q->desc / slot(d)->page_size : 0;
}

/* The three areas follow each other; the last is aligned. */
WRITE(pfn) {
    VirtioMmio *s = slot(d);
    VirtQueue *q = selected(d);
    if (!v->legacy || !q) {
        return;
    }
    if (!value) {
        virtio_queue_enable(v, s->queue_sel, false);
        return;
    }
    uint32_t align = s->align;
    if (q->ready || !s->page_size || !align || (align & (align - 1))) {
        virtio_fail(v, "QueuePFN for queue %u, with page size %u and alignment %u", s->queue_sel, s->page_size, align);
        return;
    }
    q->size = MIN(q->size, VIRTIO_QUEUE_SIZE);
    q->desc = value * s->page_size;
    q->driver = q->desc + VIRTIO_DESC_SIZE * q->size;
    q->device = (q->driver + 2 * q->size + 6 + align - 1) & ~(uint64_t)(align - 1);
    virtio_queue_enable(v, s->queue_sel, true);
}

/* -- tables -- */

static uint64_t zero_read(Device *d, const RegAccess *a) {
    return 0;
}
static void ignored(Device *d, const RegAccess *a, uint64_t value) {
}

#define RW(name) .read = name##_read, .written = name##_written
#define WO(name) .read = zero_read, .written = name##_written
static const Reg regs[] = {
    { 0x000, "MagicValue", .reset = MAGIC },
    { 0x004, "Version", .read = version_read },
    { 0x008, "DeviceID", .read = id_read },
    { 0x00c, "VendorID", .reset = VENDOR },
    { 0x010, "DeviceFeatures", .read = features_read },
    { 0x014, "DeviceFeaturesSel", WO(device_features_sel) },
    { 0x020, "DriverFeatures", WO(driver_features) },
    { 0x024, "DriverFeaturesSel", WO(driver_features_sel) },
    { 0x028, "GuestPageSize", WO(page_size) },
    { 0x030, "QueueSel", WO(queue_sel) },
    { 0x034, "QueueNumMax", .read = queue_num_max_read },
    { 0x038, "QueueNum", WO(queue_num) },
    { 0x03c, "QueueAlign", WO(queue_align) },
    { 0x040, "QueuePFN", RW(pfn) },
    { 0x044, "QueueReady", RW(queue_ready) },
    { 0x050, "QueueNotify", WO(queue_notify) },
    { 0x060, "InterruptStatus", .read = interrupt_status_read },
    { 0x064, "InterruptACK", WO(interrupt_ack) },
    { 0x070, "Status", RW(status) },
    { 0x080, "QueueDescLow", WO(queue_address) },
    { 0x084, "QueueDescHigh", WO(queue_address) },
    { 0x090, "QueueDriverLow", WO(queue_address) },
    { 0x094, "QueueDriverHigh", WO(queue_address) },
    { 0x0a0, "QueueDeviceLow", WO(queue_address) },
    { 0x0a4, "QueueDeviceHigh", WO(queue_address) },
    { 0x0ac, "SHMSel", .read = zero_read, .written = ignored },
    { 0x0b0, "SHMLenLow", .reset = 0xffffffff }, /* no shared memory region */
    { 0x0b4, "SHMLenHigh", .reset = 0xffffffff },
    { 0x0b8, "SHMBaseLow", .reset = 0xffffffff },
    { 0x0bc, "SHMBaseHigh", .reset = 0xffffffff },
    { 0x0c0, "QueueReset", .read = zero_read, .written = ignored },
    { 0x0fc, "ConfigGeneration", .read = generation_read },
    { CONFIG, "Config", .sizes = 1 | 2 | 4, .count = 64, RW(config) },
};

static const DeviceBank banks[] = {
    { NULL, 0x200, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

static const StateField state[] = {
    STATE_NOT_KEPT(VirtioMmio, v), STATE(VirtioMmio, device_features_sel), STATE(VirtioMmio, driver_features_sel),
    STATE(VirtioMmio, queue_sel), STATE_ARRAY(VirtioMmio, driver_features, uint32_t), STATE(VirtioMmio, page_size),
    STATE(VirtioMmio, align), STATE(VirtioMmio, reserved),
};

static bool interrupt(void *opaque, uint32_t pending, unsigned source) {
    irq_set(device_irq(opaque, 0), pending != 0);
    return false;
}

bool virtio_mmio_plug(Device *d, Device *device) {
    VirtioMmio *s = slot(d);
    if (s->v) {
        return false;
    }
    s->v = (VirtioDevice *)device;
    virtio_set_link(s->v, &(VirtioLink){ .interrupt = interrupt, .opaque = d });
    return true;
}

static void reset(Device *d) {
    VirtioMmio *s = slot(d);
    clear_selections(s);
    s->page_size = s->align = 0; /* not by the driver's own reset, which comes after it has set them */
    if (s->v) {
        device_reset(&s->v->d);
    }
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "virtio_mmio", at->base[0]);
    node_string(fdt, "compatible", "virtio,mmio");
    node_reg(fdt, at->base[0], banks[0].size);
    node_spi(fdt, at->irq, NODE_EDGE_RISING);
    node_flag(fdt, "dma-coherent");
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_virtio_mmio = {
    .name = "virtio_mmio",
    .summary = "slot for a virtio device",
    .size = sizeof(VirtioMmio),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 1,
    .slots = "virtio",
    .reset = reset,
    .fdt = fdt_node,
};
