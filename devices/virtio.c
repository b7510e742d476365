/* SPDX-License-Identifier: MIT */
/*
 * virtio.c - status, features and queues of a virtio device, without the layout of the rings; see virtio.h.
 * Spec: VIRTIO 1.2, 2.1 (status), 2.2 (features), 2.5 (configuration space), 2.7.5 and 2.8.5 (chains).
 * Missing: queue reset (VIRTIO_F_RING_RESET), notification data, shared memory regions.
 */
#include "devices/virtio.h"

#include <inttypes.h>
#include <string.h>

#include "devices/dma.h"

/* -- reaching the driver -- */

static void interrupt(VirtioDevice *v, uint32_t bits, unsigned source) {
    v->pending |= bits;
    if (v->link.interrupt && v->link.interrupt(v->link.opaque, v->pending, source)) {
        v->pending = 0;
    }
}

void virtio_acknowledge(VirtioDevice *v, uint32_t bits) {
    v->pending &= ~bits;
    interrupt(v, 0, VIRTIO_SOURCE_NONE);
}

void virtio_config_changed(VirtioDevice *v) {
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK) {
        interrupt(v, VIRTIO_INT_CONFIG, VIRTIO_SOURCE_CONFIG);
    }
}

void virtio_fail(VirtioDevice *v, const char *format, ...) {
    if (v->broken) {
        return;
    }
    v->broken = 1;
    if (log_on(v->d.log, LOG_GUEST_ERROR)) {
        va_list ap;
        va_start(ap, format);
        g_autofree char *text = g_strdup_vprintf(format, ap);
        va_end(ap);
        device_log(&v->d, LOG_GUEST_ERROR, "%s: %s; the device needs a reset", v->d.name, text);
    }
    if (virtio_has(v, VIRTIO_F_VERSION_1)) {
        v->status |= VIRTIO_NEEDS_RESET;
        if (v->status & VIRTIO_DRIVER_OK) {
            interrupt(v, VIRTIO_INT_CONFIG, VIRTIO_SOURCE_CONFIG);
        }
    }
}

/* -- life -- */

void virtio_init(VirtioDevice *v, const VirtioClass *cls, const VirtioConfig *config, unsigned queues, void *space,
                 unsigned space_size) {
    static const VirtioConfig standard = { .legacy = false };
    config = config ? config : &standard;
    g_assert(queues <= VIRTIO_QUEUES && cls->queue_size <= VIRTIO_QUEUE_SIZE);
    v->cls = cls;
    v->dma = (DmaView){ .bus = v->d.bus };
    v->config = space;
    v->config_size = space_size;
    v->queue_count = queues;
    v->queue_size = cls->queue_size;
    v->legacy = config->legacy;
    v->offered = (config->legacy ? 0 : VIRTIO_F_VERSION_1) | (config->no_event ? 0 : VIRTIO_F_EVENT_IDX) |
                 (config->no_indirect ? 0 : VIRTIO_F_INDIRECT) |
                 (config->packed && !config->legacy ? VIRTIO_F_PACKED : 0);
}

void virtio_set_link(VirtioDevice *v, const VirtioLink *link) {
    v->link = *link;
    v->dma = (DmaView){ v->d.bus, link->translate, link->opaque };
}

static void queue_clear(VirtQueue *q) {
    *q = (VirtQueue){ .avail_wrap = 1, .used_wrap = 1, .told_wrap = 1 };
}

void virtio_device_reset(Device *d) {
    VirtioDevice *v = (VirtioDevice *)d;
    v->epoch++;
    v->status = 0; /* nothing is taken while the class waits for its threads */
    if (v->cls->reset) {
        v->cls->reset(v);
    }
    v->features = 0;
    v->generation = 0;
    v->broken = 0;
    for (unsigned n = 0; n < VIRTIO_QUEUES; n++) {
        queue_clear(&v->queues[n]);
        v->queues[n].size = n < v->queue_count && v->legacy ? v->queue_size : 0;
    }
    virtio_acknowledge(v, UINT32_MAX);
}

/* The transport restores the line. Numbers of a state may be anything. */
void virtio_device_restored(Device *d) {
    VirtioDevice *v = (VirtioDevice *)d;
    v->features &= v->offered;
    for (unsigned n = 0; n < VIRTIO_QUEUES; n++) {
        VirtQueue *q = &v->queues[n];
        bool packed = virtio_has(v, VIRTIO_F_PACKED);
        uint64_t limit = packed ? q->size : 1 << 16;
        bool fits = q->size <= v->queue_size && q->next_avail < limit && q->next_used < limit &&
                    q->told < limit && q->avail_wrap <= 1 && q->used_wrap <= 1 && q->told_wrap <= 1;
        bool whole = packed || (q->size & (q->size - 1)) == 0;
        if (q->ready && (n >= v->queue_count || !fits || !whole || !q->size)) {
            virtio_fail(v, "queue %u of the loaded state is damaged", n);
        }
    }
    interrupt(v, 0, VIRTIO_SOURCE_NONE);
}

static void start_queues(VirtioDevice *v) {
    if (v->cls->started) {
        v->cls->started(v);
    }
    for (unsigned n = 0; n < v->queue_count; n++) {
        virtio_queue_kick(v, n);
    }
}

void virtio_set_status(VirtioDevice *v, uint32_t status) {
    status &= 0xff;
    uint32_t before = v->status;
    if (status == 0) {
        device_unlock(&v->d);
        device_reset(&v->d);
        device_lock(&v->d);
        return;
    }
    if ((status & VIRTIO_FEATURES_OK) && (v->features & ~v->offered)) {
        device_log(&v->d, LOG_GUEST_ERROR, "%s: the driver accepts features 0x%" PRIx64 " that are not offered",
                   v->d.name, v->features & ~v->offered);
        status &= ~(uint32_t)VIRTIO_FEATURES_OK;
    }
    if ((status & VIRTIO_FEATURES_OK) && !v->legacy && !virtio_has(v, VIRTIO_F_VERSION_1)) {
        device_log(&v->d, LOG_GUEST_ERROR, "%s: the driver does not accept VERSION_1", v->d.name);
        status &= ~(uint32_t)VIRTIO_FEATURES_OK;
    }
    v->status = status | (before & VIRTIO_NEEDS_RESET);
    if (!(before & VIRTIO_DRIVER_OK) && (status & VIRTIO_DRIVER_OK)) {
        if (!v->legacy && !(status & VIRTIO_FEATURES_OK)) {
            virtio_fail(v, "the driver sets DRIVER_OK without FEATURES_OK");
            return;
        }
        start_queues(v);
    }
}

void virtio_set_features(VirtioDevice *v, uint64_t features) {
    if (v->status & (v->legacy ? VIRTIO_DRIVER_OK : VIRTIO_FEATURES_OK)) {
        device_log(&v->d, LOG_GUEST_ERROR, "%s: the driver changes features after it fixed them", v->d.name);
        return;
    }
    v->features = v->legacy ? features & v->offered : features;
}

/* -- configuration space -- */

uint64_t virtio_config_read(const VirtioDevice *v, unsigned offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size && offset + i < v->config_size; i++) {
        value |= (uint64_t)v->config[offset + i] << (8 * i);
    }
    return value;
}

void virtio_config_write(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value) {
    if (v->cls->config_written && offset + size <= v->config_size) {
        v->cls->config_written(v, offset, size, value);
    } else {
        device_log(&v->d, LOG_GUEST_ERROR, "%s: write to byte %u of the configuration, which is not writable",
                   v->d.name, offset);
    }
}

/* -- queues -- */

static const VirtioRing *ring_of(const VirtioDevice *v) {
    return virtio_has(v, VIRTIO_F_PACKED) ? &virtio_packed : &virtio_split;
}

/* A queue that may be used, or NULL. */
static VirtQueue *ready_queue(VirtioDevice *v, unsigned n) {
    return n < v->queue_count && v->queues[n].ready && virtio_running(v) ? &v->queues[n] : NULL;
}

void virtio_queue_enable(VirtioDevice *v, unsigned n, bool on) {
    g_assert(n < v->queue_count);
    VirtQueue *q = &v->queues[n];
    if (!on && q->ready) {
        q->ready = 0;
        v->epoch++;
        if (v->cls->reset) {
            v->cls->reset(v);
        }
    }
    if (!on) {
        return;
    }
    if (q->ready || v->broken) {
        return;
    }
    if (!q->size || q->size > v->queue_size) {
        virtio_fail(v, "queue %u of %" PRIu64 " entries: 1 to %u are possible", n, q->size, v->queue_size);
        return;
    }
    VirtQueue fresh;
    queue_clear(&fresh);
    fresh.size = q->size;
    fresh.desc = q->desc;
    fresh.driver = q->driver;
    fresh.device = q->device;
    *q = fresh;
    q->ready = ring_of(v)->check(v, q, n);
}

void virtio_queue_kick(VirtioDevice *v, uint32_t n) {
    if (ready_queue(v, n)) {
        v->cls->queue(v, n);
    }
}

VirtioChain *virtio_queue_pop(VirtioDevice *v, unsigned n) {
    VirtQueue *q = ready_queue(v, n);
    return q ? ring_of(v)->pop(v, q, n) : NULL;
}

unsigned virtio_kept_spans(const VirtioDevice *v, const VirtioChain *chain) {
    bool packed = virtio_has(v, VIRTIO_F_PACKED);
    return packed && chain->table.size ? 1 : packed ? (unsigned)chain->reads + chain->writes : 0;
}

unsigned virtio_chain_keep(const VirtioDevice *v, const VirtioChain *chain, VirtioKept *kept, VirtioSpan *spans) {
    unsigned count = virtio_kept_spans(v, chain);
    bool indirect = chain->table.size, direct = count && !indirect;
    *kept = (VirtioKept){ chain->queue, chain->id, chain->slots, direct ? chain->reads : 0, direct ? chain->writes : 0,
                          count && indirect };
    memcpy(spans, indirect ? &chain->table : chain->spans, count * sizeof *spans);
    return count;
}

VirtioChain *virtio_queue_again(VirtioDevice *v, const VirtioKept *kept, const VirtioSpan **spans, uint64_t *count) {
    VirtQueue *q = kept->queue < v->queue_count ? ready_queue(v, (unsigned)kept->queue) : NULL;
    if (!q) {
        return NULL;
    }
    bool whole = kept->id <= UINT16_MAX && kept->slots - 1 < q->size && kept->reads <= kept->slots &&
                 kept->writes <= kept->slots - kept->reads && kept->indirect <= 1;
    uint64_t needed = kept->indirect ? 1 : kept->reads + kept->writes;
    if (!whole || needed > *count) {
        virtio_fail(v, "a request of the loaded state is damaged");
        return NULL;
    }
    const VirtioSpan *first = *spans;
    *spans += needed;
    *count -= needed;
    return virtio_has(v, VIRTIO_F_PACKED) ? virtio_packed_chain(v, q, kept, first)
                                          : virtio_split_chain(v, q, (unsigned)kept->queue, (uint16_t)kept->id);
}

bool virtio_queue_pending(VirtioDevice *v, unsigned n) {
    VirtQueue *q = ready_queue(v, n);
    return q && ring_of(v)->pending(v, q);
}

void virtio_queue_push_all(VirtioDevice *v, VirtioChain *const *chains, const uint32_t *written, unsigned count) {
    VirtQueue *q = ready_queue(v, chains[0]->queue);
    if (q && virtio_chain_alive(v, chains[0])) {
        ring_of(v)->push(v, q, chains, written, count);
    }
    for (unsigned i = 0; i < count; i++) {
        virtio_chain_free(chains[i]);
    }
}

void virtio_queue_push(VirtioDevice *v, VirtioChain *chain, uint32_t written) {
    virtio_queue_push_all(v, &chain, &written, 1);
}

void virtio_queue_unpop(VirtioDevice *v, VirtioChain *chain) {
    VirtQueue *q = ready_queue(v, chain->queue);
    if (q && virtio_chain_alive(v, chain)) {
        bool packed = virtio_has(v, VIRTIO_F_PACKED), wraps = packed && q->next_avail < chain->slots;
        q->next_avail += (wraps ? q->size : 0) - chain->slots;
        q->next_avail = packed ? q->next_avail : (uint16_t)q->next_avail;
        q->avail_wrap ^= wraps;
    }
    virtio_chain_free(chain);
}

void virtio_queue_notify(VirtioDevice *v, unsigned n) {
    VirtQueue *q = ready_queue(v, n);
    if (!q) {
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* what was used is visible before the driver's wish is read */
    if (ring_of(v)->wants_interrupt(v, q)) {
        interrupt(v, VIRTIO_INT_QUEUE, n);
    }
    q->told = q->next_used;
    q->told_wrap = q->used_wrap;
}

void virtio_queue_set_notification(VirtioDevice *v, unsigned n, bool on) {
    VirtQueue *q = ready_queue(v, n);
    if (q) {
        q->quiet = !on;
        ring_of(v)->set_notification(v, q);
    }
}

/* -- memory of rings -- */

bool virtio_ring_load(VirtioDevice *v, uint64_t gpa, uint16_t *value) {
    uint64_t at;
    uint16_t *p = (uint16_t *)(void *)dma_view_memory(&v->dma, gpa, sizeof *p, false, &at);
    if (!p) {
        virtio_fail(v, "a ring at 0x%" PRIx64 " is not in RAM", gpa);
        return false;
    }
    *value = GUINT16_FROM_LE(__atomic_load_n(p, __ATOMIC_ACQUIRE));
    return true;
}

bool virtio_ring_store(VirtioDevice *v, uint64_t gpa, uint16_t value) {
    uint64_t at;
    uint16_t *p = (uint16_t *)(void *)dma_view_memory(&v->dma, gpa, sizeof *p, true, &at);
    if (!p) {
        virtio_fail(v, "a ring at 0x%" PRIx64 " is not in RAM", gpa);
        return false;
    }
    __atomic_store_n(p, GUINT16_TO_LE(value), __ATOMIC_RELEASE);
    bus_ram_written(v->d.bus, at, sizeof *p);
    return true;
}

/* -- chains -- */

bool virtio_load_desc(VirtioDevice *v, uint64_t table, uint32_t i, VirtioDesc *desc) {
    struct { uint64_t addr; uint32_t len; uint16_t word[2]; } raw;
    _Static_assert(sizeof raw == VIRTIO_DESC_SIZE, "a descriptor");
    uint64_t gpa = table + (uint64_t)i * VIRTIO_DESC_SIZE;
    if (dma_view_read(&v->dma, gpa, &raw, sizeof raw) != DMA_OK) {
        virtio_fail(v, "a descriptor at 0x%" PRIx64 " is not in RAM", gpa);
        return false;
    }
    *desc = (VirtioDesc){ GUINT64_FROM_LE(raw.addr), GUINT32_FROM_LE(raw.len),
                          { GUINT16_FROM_LE(raw.word[0]), GUINT16_FROM_LE(raw.word[1]) } };
    return true;
}

bool virtio_add_span(VirtioDevice *v, VirtioWalk *walk, const VirtioDesc *desc, uint16_t flags) {
    bool write = flags & VIRTIO_DESC_WRITE;
    if (!desc->len) {
        return true;
    }
    if (walk->count == VIRTIO_QUEUE_SIZE) {
        virtio_fail(v, "a chain has more than %u buffers", VIRTIO_QUEUE_SIZE);
        return false;
    }
    if (!write && walk->write_size) {
        virtio_fail(v, "a chain has a buffer to read behind one to write");
        return false;
    }
    if (dma_view_check(&v->dma, desc->addr, desc->len, write) != DMA_OK) {
        virtio_fail(v, "a buffer of %u bytes at 0x%" PRIx64 " is not in RAM", desc->len, desc->addr);
        return false;
    }
    walk->spans[walk->count++] = (VirtioSpan){ desc->addr, desc->len };
    walk->reads += !write;
    *(write ? &walk->write_size : &walk->read_size) += desc->len;
    if (walk->read_size + walk->write_size > UINT32_MAX) {
        virtio_fail(v, "a chain has more than 4 GiB");
        return false;
    }
    return true;
}

uint32_t virtio_indirect_count(VirtioDevice *v, const VirtioDesc *desc, uint16_t flags) {
    if (!virtio_has(v, VIRTIO_F_INDIRECT)) {
        virtio_fail(v, "an indirect descriptor, which was not negotiated");
    } else if (flags & VIRTIO_DESC_NEXT) {
        virtio_fail(v, "an indirect descriptor that has a next one");
    } else if (desc->len == 0 || desc->len % VIRTIO_DESC_SIZE || desc->len / VIRTIO_DESC_SIZE > VIRTIO_QUEUE_SIZE) {
        virtio_fail(v, "an indirect table of %u bytes: 1 to %u descriptors of 16 bytes are possible", desc->len,
                    VIRTIO_QUEUE_SIZE);
    } else {
        return desc->len / VIRTIO_DESC_SIZE;
    }
    return 0;
}

VirtioChain *virtio_make_chain(const VirtioDevice *v, unsigned n, const VirtioWalk *walk) {
    VirtioChain *chain = g_malloc(sizeof *chain + walk->count * sizeof walk->spans[0]);
    *chain = (VirtioChain){ .queue = n, .epoch = v->epoch, .reads = (uint16_t)walk->reads,
                            .writes = (uint16_t)(walk->count - walk->reads), .read_size = walk->read_size,
                            .write_size = walk->write_size };
    memcpy(chain->spans, walk->spans, walk->count * sizeof walk->spans[0]);
    return chain;
}

void virtio_chain_free(VirtioChain *chain) {
    g_free(chain);
}

bool virtio_chain_alive(const VirtioDevice *v, const VirtioChain *chain) {
    return chain->epoch == v->epoch;
}

/* Goes over [offset, offset + size) of the spans. */
static size_t copy(VirtioDevice *v, const VirtioSpan *span, unsigned count, uint64_t offset, uint8_t *to,
                   const uint8_t *from, size_t size) {
    size_t done = 0;
    for (unsigned i = 0; i < count && done < size; i++) {
        if (offset >= span[i].size) {
            offset -= span[i].size;
            continue;
        }
        size_t n = MIN(size - done, span[i].size - offset);
        DmaResult r = to ? dma_view_read(&v->dma, span[i].gpa + offset, to + done, n)
                         : dma_view_write(&v->dma, span[i].gpa + offset, from + done, n);
        if (r != DMA_OK) {
            break; /* was checked: memory of a machine does not go away */
        }
        done += n;
        offset = 0;
    }
    return done;
}

size_t virtio_chain_read(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, void *to, size_t size) {
    return virtio_chain_alive(v, chain) ? copy(v, chain->spans, chain->reads, offset, to, NULL, size) : 0;
}

size_t virtio_chain_write(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, const void *from, size_t size) {
    if (!virtio_chain_alive(v, chain)) {
        return 0;
    }
    return copy(v, chain->spans + chain->reads, chain->writes, offset, NULL, from, size);
}
