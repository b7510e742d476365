/* SPDX-License-Identifier: MIT */
/*
 * virtio_packed.c - packed rings: one ring of descriptors that both sides write.
 * Spec: VIRTIO 1.2, 2.8.
 */
#include <inttypes.h>

#include "devices/dma.h"
#include "devices/virtio.h"

enum {
    AVAIL = 1 << 7, USED = 1 << 15,         /* of a descriptor's flags, which stand ... */
    DESC_FLAGS = 14,                        /* ... at that offset in it */
    EVENT_OFF = 0, EVENT_FLAGS = 2, EVENT_SIZE = 4, /* an event suppression area (2.8.10) */
    EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2, EVENT_WRAP = 1 << 15,
};

static bool check(VirtioDevice *v, VirtQueue *q, unsigned n) {
    if (q->desc % 16 || q->driver % 4 || q->device % 4 ||
        dma_view_check(&v->dma, q->desc, VIRTIO_DESC_SIZE * q->size, true) != DMA_OK ||
        dma_view_check(&v->dma, q->driver, EVENT_SIZE, false) != DMA_OK ||
        dma_view_check(&v->dma, q->device, EVENT_SIZE, true) != DMA_OK) {
        virtio_fail(v, "queue %u at 0x%" PRIx64 ", 0x%" PRIx64 " and 0x%" PRIx64 " is not in RAM or not aligned", n,
                    q->desc, q->driver, q->device);
        return false;
    }
    return true;
}

static uint64_t flags_at(const VirtQueue *q, uint64_t position) {
    return q->desc + VIRTIO_DESC_SIZE * position + DESC_FLAGS;
}

static bool pending(VirtioDevice *v, VirtQueue *q) {
    uint16_t flags;
    return virtio_ring_load(v, flags_at(q, q->next_avail), &flags) && !!(flags & AVAIL) == q->avail_wrap &&
           !!(flags & USED) != q->avail_wrap;
}

/* With the event index the driver is asked for the very next buffer. */
static void set_notification(VirtioDevice *v, VirtQueue *q) {
    bool index = virtio_has(v, VIRTIO_F_EVENT_IDX) && !q->quiet;
    if (index) {
        virtio_ring_store(v, q->device + EVENT_OFF, (uint16_t)(q->next_avail | (q->avail_wrap ? EVENT_WRAP : 0)));
    }
    virtio_ring_store(v, q->device + EVENT_FLAGS, index ? EVENT_DESC : q->quiet ? EVENT_DISABLE : EVENT_ENABLE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void advance(const VirtQueue *q, uint64_t *position, uint64_t *wrap, uint64_t by) {
    *position += by;
    if (*position >= q->size) {
        *position -= q->size;
        *wrap ^= 1;
    }
}

/* All descriptors of a table are used, in turn; of their flags only WRITE counts. */
static bool walk_indirect(VirtioDevice *v, VirtioWalk *walk, const VirtioDesc *desc) {
    uint32_t count = virtio_indirect_count(v, desc, desc->word[1]);
    for (uint32_t i = 0; i < count; i++) {
        VirtioDesc inner;
        if (!virtio_load_desc(v, desc->addr, i, &inner) || !virtio_add_span(v, walk, &inner, inner.word[1])) {
            return false;
        }
    }
    return count;
}

static VirtioChain *take(VirtioDevice *v, VirtQueue *q, unsigned n) {
    VirtioWalk walk;
    VirtioDesc desc;
    walk.count = walk.reads = 0;
    walk.read_size = walk.write_size = 0;
    uint64_t at = q->next_avail, wrap = q->avail_wrap, slots = 0;
    do {
        if (slots == q->size) {
            virtio_fail(v, "a chain of descriptors is a loop");
            return NULL;
        }
        if (!virtio_load_desc(v, q->desc, (uint32_t)at, &desc)) {
            return NULL;
        }
        uint16_t flags = desc.word[1];
        if (slots && (flags & VIRTIO_DESC_INDIRECT)) {
            virtio_fail(v, "an indirect descriptor that has one in front of it");
            return NULL;
        }
        if (!(flags & VIRTIO_DESC_INDIRECT ? walk_indirect(v, &walk, &desc) : virtio_add_span(v, &walk, &desc, flags))) {
            return NULL;
        }
        slots++;
        advance(q, &at, &wrap, 1);
    } while (desc.word[1] & VIRTIO_DESC_NEXT);
    VirtioChain *chain = virtio_make_chain(v, n, &walk);
    chain->id = desc.word[0];
    chain->slots = (uint16_t)slots;
    if (desc.word[1] & VIRTIO_DESC_INDIRECT) {
        chain->table = (VirtioSpan){ desc.addr, desc.len };
    }
    q->next_avail = at;
    q->avail_wrap = wrap;
    return chain;
}

static bool walk_kept(VirtioDevice *v, VirtioWalk *walk, const VirtioKept *kept, const VirtioSpan *spans) {
    for (unsigned i = 0; i < kept->reads + kept->writes; i++) {
        const VirtioDesc desc = { spans[i].gpa, (uint32_t)spans[i].size, { 0 } };
        if (!virtio_add_span(v, walk, &desc, i < kept->reads ? 0 : VIRTIO_DESC_WRITE)) {
            return false;
        }
    }
    return true;
}

VirtioChain *virtio_packed_chain(VirtioDevice *v, VirtQueue *q, const VirtioKept *kept, const VirtioSpan *spans) {
    VirtioWalk walk;
    VirtioDesc table = { 0 };
    walk.count = walk.reads = 0;
    walk.read_size = walk.write_size = 0;
    if (kept->indirect) {
        table = (VirtioDesc){ spans->gpa, (uint32_t)spans->size, { 0, VIRTIO_DESC_INDIRECT } };
    }
    if (!(kept->indirect ? walk_indirect(v, &walk, &table) : walk_kept(v, &walk, kept, spans))) {
        return NULL;
    }
    VirtioChain *chain = virtio_make_chain(v, (unsigned)kept->queue, &walk);
    chain->id = (uint16_t)kept->id;
    chain->slots = (uint16_t)kept->slots;
    chain->table = kept->indirect ? *spans : (VirtioSpan){ 0 };
    return chain;
}

static VirtioChain *pop(VirtioDevice *v, VirtQueue *q, unsigned n) {
    if (!pending(v, q)) {
        set_notification(v, q);
        if (!pending(v, q)) {
            return NULL;
        }
    }
    return take(v, q, n);
}

/* The flags of the first chain come last: with them the driver sees all. */
static void push(VirtioDevice *v, VirtQueue *q, VirtioChain *const *chains, const uint32_t *written, unsigned count) {
    uint64_t first = q->next_used;
    uint16_t first_flags = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct { uint32_t len; uint16_t id; } used = { GUINT32_TO_LE(written[i]), GUINT16_TO_LE(chains[i]->id) };
        if (dma_view_write(&v->dma, q->desc + VIRTIO_DESC_SIZE * q->next_used + 8, &used, 6) != DMA_OK) {
            virtio_fail(v, "the ring is not in RAM");
            return;
        }
        uint16_t flags = (uint16_t)((q->used_wrap ? AVAIL | USED : 0) | (written[i] ? VIRTIO_DESC_WRITE : 0));
        if (i == 0) {
            first_flags = flags;
        } else {
            virtio_ring_store(v, flags_at(q, q->next_used), flags);
        }
        advance(q, &q->next_used, &q->used_wrap, chains[i]->slots);
    }
    virtio_ring_store(v, flags_at(q, first), first_flags);
}

static bool wants_interrupt(VirtioDevice *v, VirtQueue *q) {
    uint16_t flags, event;
    if (!virtio_ring_load(v, q->driver + EVENT_FLAGS, &flags)) {
        return false;
    }
    if (flags != EVENT_DESC || !virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return flags != EVENT_DISABLE;
    }
    if (!virtio_ring_load(v, q->driver + EVENT_OFF, &event)) {
        return false;
    }
    uint16_t now = (uint16_t)q->next_used, before = (uint16_t)q->told, size = (uint16_t)q->size;
    uint16_t at = event & (EVENT_WRAP - 1);
    before = (uint16_t)(q->told_wrap != q->used_wrap ? before - size : before);
    at = (uint16_t)(!!(event & EVENT_WRAP) != q->used_wrap ? at - size : at);
    return (uint16_t)(now - at - 1) < (uint16_t)(now - before);
}

const VirtioRing virtio_packed = { check, pop, pending, push, wants_interrupt, set_notification };
