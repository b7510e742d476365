/* SPDX-License-Identifier: MIT */
/*
 * virtio.h - what all virtio devices share: a VirtioDevice (status, features, queues) behind a transport, and the API of
 * its queues. A device is a struct that begins with a VirtioDevice, a VirtioClass and a DeviceClass without banks.
 * Spec: VIRTIO 1.2, 2 (split and packed rings, indirect descriptors, event index) and 6.
 * Locking: everything here, and every function of a VirtioClass, is called under the device's own lock (device_lock),
 * except where said. A transport takes it after its own. A thread of the host takes it when it finishes a request.
 */
#ifndef DEVICES_VIRTIO_H
#define DEVICES_VIRTIO_H

#include "devices/device.h"
#include "devices/dma.h"

typedef struct VirtioDevice VirtioDevice;

enum {
    VIRTIO_QUEUES = 64,       /* of a device, at most */
    VIRTIO_QUEUE_SIZE = 1024, /* entries of a queue, and buffers of a chain, at most */
};

/* Device IDs (5). */
enum { VIRTIO_ID_NET = 1, VIRTIO_ID_BLOCK = 2, VIRTIO_ID_CONSOLE = 3, VIRTIO_ID_RNG = 4 };

/* Bits of the device status (2.1). */
enum {
    VIRTIO_ACKNOWLEDGE = 1, VIRTIO_DRIVER = 2, VIRTIO_DRIVER_OK = 4, VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64, VIRTIO_FAILED = 128,
};

/* Feature bits (6) that the core serves. */
#define VIRTIO_F(n) (UINT64_C(1) << (n))
#define VIRTIO_F_INDIRECT VIRTIO_F(28)
#define VIRTIO_F_EVENT_IDX VIRTIO_F(29)
#define VIRTIO_F_VERSION_1 VIRTIO_F(32)
#define VIRTIO_F_PLATFORM VIRTIO_F(33) /* its addresses are translated */
#define VIRTIO_F_PACKED VIRTIO_F(34)

/* Reasons of an interrupt (InterruptStatus). */
enum { VIRTIO_INT_QUEUE = 1, VIRTIO_INT_CONFIG = 2 };
/* ... and where one comes from, if not from a queue. */
enum { VIRTIO_SOURCE_CONFIG = VIRTIO_QUEUES, VIRTIO_SOURCE_NONE };

/* What a user may say about any virtio device: the first member of the configuration of each class. */
typedef struct VirtioConfig {
    bool legacy;      /* the interface from before version 1 */
    bool packed;      /* offer packed rings */
    bool no_event;    /* do not offer the event index ... */
    bool no_indirect; /* ... and indirect descriptors */
} VirtioConfig;

/* Rows for a class's props; Config begins with a VirtioConfig `virtio`. */
#define VIRTIO_PROPS(Config)                                                                                       \
    { "force-legacy", "the interface from before version 1", PROP_BOOL, offsetof(Config, virtio.legacy) },         \
    { "packed", "offer packed rings", PROP_BOOL, offsetof(Config, virtio.packed) },                                \
    { "event_idx", "offer the event index", PROP_BOOL_NOT, offsetof(Config, virtio.no_event), .standard = "on" },  \
    { "indirect_desc", "offer indirect descriptors", PROP_BOOL_NOT, offsetof(Config, virtio.no_indirect),          \
      .standard = "on" }

/* The guest's memory of one buffer: RAM, checked. */
typedef struct VirtioSpan {
    uint64_t gpa;
    uint64_t size; /* not 0 */
} VirtioSpan;

/* A chain of buffers that the driver has made available: first those that the device reads, then those it writes. */
typedef struct VirtioChain {
    uint32_t queue;
    uint32_t epoch;      /* of the device when it was taken: after a reset the chain is dead */
    uint16_t id;         /* what the driver knows it by */
    uint16_t slots;      /* packed: places of the ring that it takes */
    uint16_t reads, writes; /* number of spans of each kind */
    uint64_t read_size, write_size; /* bytes, below 4 GiB */
    VirtioSpan table;    /* packed: of the indirect descriptor that names the spans; size 0: none */
    VirtioSpan spans[];
} VirtioChain;

/* A chain in a saved state. A packed ring may overwrite descriptors of chains that are under way, so that they are kept. */
typedef struct VirtioKept {
    uint64_t queue, id, slots;
    uint64_t reads, writes, indirect; /* packed: number of spans; or one span, which is an indirect table */
} VirtioKept;

/* State of a queue; all fields of one size for the state table. Transports fill the first five. */
typedef struct VirtQueue {
    uint64_t size;                 /* entries, as the driver chose */
    uint64_t desc, driver, device; /* gpa of the three areas */
    uint64_t ready;
    uint64_t next_avail, avail_wrap; /* split: index modulo 2^16; packed: position and wrap counter */
    uint64_t next_used, used_wrap;
    uint64_t told, told_wrap;      /* next_used when the driver was last interrupted */
    uint64_t quiet;                /* the device wants no notifications */
} VirtQueue;

/* A kind of device. All functions but `queue` may be NULL. */
typedef struct VirtioClass {
    uint16_t id;
    uint16_t queue_size; /* entries that a queue may have: a power of two, at most VIRTIO_QUEUE_SIZE */
    /* The driver has made buffers available in queue n. Also called for each ready queue after DRIVER_OK. */
    void (*queue)(VirtioDevice *v, unsigned n);
    /* The driver wrote `size` bytes at `offset` of the configuration, in range; they are not stored. */
    void (*config_written)(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value);
    /* The driver has finished its negotiation: v->features are valid. */
    void (*started)(VirtioDevice *v);
    /* Chains taken so far are dead: a thread of the host that works for one touches nothing of the guest's any more. */
    void (*reset)(VirtioDevice *v);
} VirtioClass;

/* How a device reaches its driver. */
typedef struct VirtioLink {
    /* pending, VIRTIO_INT_*, changed because of a queue, or VIRTIO_SOURCE_*; device lock held. True: the driver has been
     * told by a message, and nothing is pending any more. */
    bool (*interrupt)(void *opaque, uint32_t pending, unsigned source);
    void *opaque;
    DmaTranslate *translate; /* NULL: its addresses are those of memory */
} VirtioLink;

struct VirtioDevice {
    Device d;
    const VirtioClass *cls;
    VirtioLink link;
    DmaView dma;
    uint8_t *config;      /* configuration space, little-endian; in the struct of the class */
    uint32_t config_size;
    uint32_t queue_count;
    uint32_t queue_size;  /* entries that each may have: the class's, unless init says something else */
    uint32_t host_reserved2;
    uint64_t offered;     /* feature bits; classes add theirs in init */
    bool legacy;
    uint8_t host_reserved[3];
    uint32_t epoch;
    /* guest state */
    uint64_t features;    /* accepted by the driver */
    uint32_t status;
    uint32_t pending;     /* VIRTIO_INT_* */
    uint32_t generation;  /* of the configuration space */
    uint32_t broken;      /* needs a reset; nothing is done until then */
    VirtQueue queues[VIRTIO_QUEUES];
};

/* Rows for the state table of a class whose struct's first member is the VirtioDevice `v`. */
#define VIRTIO_STATE(Type)                                                                                        \
    STATE_NOT_KEPT(Type, v.cls), STATE_NOT_KEPT(Type, v.link), STATE_NOT_KEPT(Type, v.dma), STATE_NOT_KEPT(Type, v.config),                    \
        STATE_NOT_KEPT(Type, v.config_size), STATE_NOT_KEPT(Type, v.queue_count), STATE_NOT_KEPT(Type, v.offered), \
        STATE_NOT_KEPT(Type, v.queue_size), STATE_NOT_KEPT(Type, v.host_reserved2),                               \
        STATE_NOT_KEPT(Type, v.legacy), STATE_NOT_KEPT(Type, v.host_reserved), STATE_NOT_KEPT(Type, v.epoch),     \
        STATE(Type, v.features), STATE(Type, v.status), STATE(Type, v.pending), STATE(Type, v.generation),         \
        STATE(Type, v.broken), STATE_ARRAY(Type, v.queues, uint64_t)

/* Lines of the DeviceClass of a class with these tables; it has an `init`. */
#define VIRTIO_DEVICE(Type, Config, fields, properties)                                                           \
    .size = sizeof(Type), .config_size = sizeof(Config), .state = fields, .state_count = G_N_ELEMENTS(fields),     \
    .bus = "virtio", .props = properties, .init = init

/* -- for classes -- */

/* From DeviceClass.init, in which no lock is needed. config: may be NULL. space: the configuration space, in the struct;
 * fill it and add to v->offered afterwards. */
void virtio_init(VirtioDevice *v, const VirtioClass *cls, const VirtioConfig *config, unsigned queues, void *space,
                 unsigned space_size);
/* For DeviceClass.reset and DeviceClass.restored. */
void virtio_device_reset(Device *d);
void virtio_device_restored(Device *d);

static inline bool virtio_has(const VirtioDevice *v, uint64_t feature) {
    return (v->features & feature) == feature;
}
/* Does the driver run, on a device that is in order? */
static inline bool virtio_running(const VirtioDevice *v) {
    return (v->status & VIRTIO_DRIVER_OK) && !v->broken;
}
/* The next chain of queue n, or NULL: none is there, the queue is not ready, or the driver broke a rule. Notifications
 * are asked for again when it is NULL. The caller owns the chain: virtio_queue_push or virtio_chain_free. */
VirtioChain *virtio_queue_pop(VirtioDevice *v, unsigned n);
/* For a state that is saved: describes a chain, with up to virtio_kept_spans of spans; returns their number. */
unsigned virtio_chain_keep(const VirtioDevice *v, const VirtioChain *chain, VirtioKept *kept, VirtioSpan *spans);
unsigned virtio_kept_spans(const VirtioDevice *v, const VirtioChain *chain);
/* The chain again, in a loaded state, which may hold anything: takes its spans from the `*count` at `*spans`, moving both.
 * NULL as for pop. */
VirtioChain *virtio_queue_again(VirtioDevice *v, const VirtioKept *kept, const VirtioSpan **spans, uint64_t *count);
/* Is there something to pop? */
bool virtio_queue_pending(VirtioDevice *v, unsigned n);
/* Gives a chain back, with the number of bytes written to its writable part from the beginning on; frees it. A dead
 * chain is only freed. The driver is told by virtio_queue_notify. */
void virtio_queue_push(VirtioDevice *v, VirtioChain *chain, uint32_t written);
/* The same for `count` chains of one queue, at least one: the driver sees all of them or none. written: of each. */
void virtio_queue_push_all(VirtioDevice *v, VirtioChain *const *chains, const uint32_t *written, unsigned count);
/* Takes back the latest pop of the chain's queue; frees the chain. */
void virtio_queue_unpop(VirtioDevice *v, VirtioChain *chain);
/* Interrupts the driver, unless it does not want that now. */
void virtio_queue_notify(VirtioDevice *v, unsigned n);
/* Whether the driver should say when it adds buffers (on after a reset): a hint. */
void virtio_queue_set_notification(VirtioDevice *v, unsigned n, bool on);
void virtio_chain_free(VirtioChain *chain); /* NULL is allowed */

/* False: a reset came in between; memory of the chain must not be touched. */
bool virtio_chain_alive(const VirtioDevice *v, const VirtioChain *chain);
/* Copies from the readable part, or to the writable part, beginning at byte `offset` of it. Returns the number of bytes:
 * fewer than `size` when the part ends before, 0 for a dead chain. */
size_t virtio_chain_read(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, void *to, size_t size);
size_t virtio_chain_write(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, const void *from, size_t size);

/* The class has changed its configuration space: next generation, and an interrupt when the driver runs. */
void virtio_config_changed(VirtioDevice *v);
/* The driver broke a rule: logged; the device wants to be reset and does nothing until then. */
void virtio_fail(VirtioDevice *v, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* -- for transports -- */

void virtio_set_link(VirtioDevice *v, const VirtioLink *link);
/* A write of the status register; 0 resets. */
void virtio_set_status(VirtioDevice *v, uint32_t status);
/* The driver's choice; bits that were not offered are refused when it sets FEATURES_OK. */
void virtio_set_features(VirtioDevice *v, uint64_t features);
/* The areas of queue n are filled in: checks them and begins (or, off, ends) to use them. */
void virtio_queue_enable(VirtioDevice *v, unsigned n, bool on);
/* The driver's notification. Any n. */
void virtio_queue_kick(VirtioDevice *v, uint32_t n);
void virtio_acknowledge(VirtioDevice *v, uint32_t bits);
/* 1, 2 or 4 bytes of the configuration space; 0 beyond its end. */
uint64_t virtio_config_read(const VirtioDevice *v, unsigned offset, unsigned size);
void virtio_config_write(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value);

/* -- between virtio.c and the rings -- */

/* An aligned 16-bit word of a ring. False (and the device is broken): not in RAM. */
bool virtio_ring_load(VirtioDevice *v, uint64_t gpa, uint16_t *value);
bool virtio_ring_store(VirtioDevice *v, uint64_t gpa, uint16_t value);

/* A chain while it is collected. */
typedef struct VirtioWalk {
    uint32_t count, reads;
    uint64_t read_size, write_size;
    VirtioSpan spans[VIRTIO_QUEUE_SIZE];
} VirtioWalk;

/* A descriptor of either kind of ring, as it lies in memory but for byte order. */
typedef struct VirtioDesc {
    uint64_t addr;
    uint32_t len;
    uint16_t word[2]; /* split: flags, next; packed: id, flags */
} VirtioDesc;
enum { VIRTIO_DESC_NEXT = 1, VIRTIO_DESC_WRITE = 2, VIRTIO_DESC_INDIRECT = 4, VIRTIO_DESC_SIZE = 16 };

/* All false: the device is broken. */
bool virtio_load_desc(VirtioDevice *v, uint64_t table, uint32_t i, VirtioDesc *desc);
bool virtio_add_span(VirtioDevice *v, VirtioWalk *walk, const VirtioDesc *desc, uint16_t flags);
/* Number of descriptors of the table that an indirect descriptor names; 0: it breaks a rule. */
uint32_t virtio_indirect_count(VirtioDevice *v, const VirtioDesc *desc, uint16_t flags);
VirtioChain *virtio_make_chain(const VirtioDevice *v, unsigned n, const VirtioWalk *walk);

typedef struct VirtioRing {
    bool (*check)(VirtioDevice *v, VirtQueue *q, unsigned n);
    VirtioChain *(*pop)(VirtioDevice *v, VirtQueue *q, unsigned n);
    bool (*pending)(VirtioDevice *v, VirtQueue *q);
    void (*push)(VirtioDevice *v, VirtQueue *q, VirtioChain *const *chains, const uint32_t *written, unsigned count);
    bool (*wants_interrupt)(VirtioDevice *v, VirtQueue *q);
    void (*set_notification)(VirtioDevice *v, VirtQueue *q);
} VirtioRing;
extern const VirtioRing virtio_split, virtio_packed;
/* Begins at a descriptor of a split ring. */
VirtioChain *virtio_split_chain(VirtioDevice *v, VirtQueue *q, unsigned n, uint16_t head);
/* As it was kept. spans: as many as `kept` says. */
VirtioChain *virtio_packed_chain(VirtioDevice *v, VirtQueue *q, const VirtioKept *kept, const VirtioSpan *spans);

#endif
