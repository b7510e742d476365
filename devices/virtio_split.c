/* SPDX-License-Identifier: MIT */
/*
 * virtio_split.c - split rings: a table of descriptors, a ring of heads from the driver and one back to it.
 * Spec: VIRTIO 1.2, 2.7.
 */
#include <inttypes.h>

#include "devices/dma.h"
#include "devices/virtio.h"

/* The driver's area is {flags, idx, ring[size], used_event}, the device's {flags, idx, {id, len}[size], avail_event}. */
enum { FLAGS = 0, IDX = 2, RING = 4, USED_ENTRY = 8, NO_INTERRUPT = 1, NO_NOTIFY = 1 };

static uint64_t used_event(const VirtQueue *q) {
    return q->driver + RING + 2 * q->size;
}
static uint64_t avail_event(const VirtQueue *q) {
    return q->device + RING + USED_ENTRY * q->size;
}

static bool area(VirtioDevice *v, unsigned n, const char *name, uint64_t gpa, uint64_t size, unsigned align, bool write) {
    if (gpa % align == 0 && dma_view_check(&v->dma, gpa, size, write) == DMA_OK) {
        return true;
    }
    virtio_fail(v, "the %s of queue %u at 0x%" PRIx64 " is not in RAM or not aligned to %u", name, n, gpa, align);
    return false;
}

static bool check(VirtioDevice *v, VirtQueue *q, unsigned n) {
    if (q->size & (q->size - 1)) {
        virtio_fail(v, "queue %u has %" PRIu64 " entries, which is no power of two", n, q->size);
        return false;
    }
    return area(v, n, "descriptors", q->desc, VIRTIO_DESC_SIZE * q->size, 16, false) &&
           area(v, n, "available ring", q->driver, RING + 2 * q->size + 2, 2, false) &&
           area(v, n, "used ring", q->device, RING + USED_ENTRY * q->size + 2, 4, true);
}

/* Number of chains that the driver has added and that were not taken. */
static bool added(VirtioDevice *v, VirtQueue *q, uint16_t *count) {
    uint16_t idx;
    if (!virtio_ring_load(v, q->driver + IDX, &idx)) {
        return false;
    }
    *count = (uint16_t)(idx - q->next_avail);
    if (*count > q->size) {
        virtio_fail(v, "the driver's index is %u ahead in a queue of %" PRIu64, *count, q->size);
        return false;
    }
    return true;
}

static bool pending(VirtioDevice *v, VirtQueue *q) {
    uint16_t count;
    return added(v, q, &count) && count;
}

static void set_notification(VirtioDevice *v, VirtQueue *q) {
    uint16_t flags, wanted = q->quiet ? NO_NOTIFY : 0;
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        if (virtio_ring_load(v, q->device + FLAGS, &flags) && flags != wanted) {
            virtio_ring_store(v, q->device + FLAGS, wanted);
        }
    } else if (!q->quiet) {
        virtio_ring_store(v, avail_event(q), (uint16_t)q->next_avail);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Collects what the table of `count` descriptors has from `i` on. */
static bool walk_table(VirtioDevice *v, VirtioWalk *walk, uint64_t table, uint32_t count, uint32_t i, bool indirect) {
    for (uint32_t seen = 0; seen < count; seen++) {
        VirtioDesc desc;
        if (!virtio_load_desc(v, table, i, &desc)) {
            return false;
        }
        uint16_t flags = desc.word[0];
        if (flags & VIRTIO_DESC_INDIRECT) {
            uint32_t inner = indirect ? 0 : virtio_indirect_count(v, &desc, flags);
            if (!inner) {
                virtio_fail(v, "an indirect table inside another");
            }
            return inner && walk_table(v, walk, desc.addr, inner, 0, true);
        }
        if (!virtio_add_span(v, walk, &desc, flags)) {
            return false;
        }
        if (!(flags & VIRTIO_DESC_NEXT)) {
            return true;
        }
        i = desc.word[1];
        if (i >= count) {
            virtio_fail(v, "descriptor %u is named in a table of %u", i, count);
            return false;
        }
    }
    virtio_fail(v, "a chain of descriptors is a loop");
    return false;
}

VirtioChain *virtio_split_chain(VirtioDevice *v, VirtQueue *q, unsigned n, uint16_t head) {
    VirtioWalk walk;
    walk.count = walk.reads = 0;
    walk.read_size = walk.write_size = 0;
    if (head >= q->size) {
        virtio_fail(v, "descriptor %u is made available in a queue of %" PRIu64, head, q->size);
        return NULL;
    }
    if (!walk_table(v, &walk, q->desc, (uint32_t)q->size, head, false)) {
        return NULL;
    }
    VirtioChain *chain = virtio_make_chain(v, n, &walk);
    chain->id = head;
    chain->slots = 1;
    return chain;
}

static VirtioChain *pop(VirtioDevice *v, VirtQueue *q, unsigned n) {
    uint16_t count, head;
    if (!added(v, q, &count)) {
        return NULL;
    }
    if (!count) {
        set_notification(v, q); /* and look again: one may have been added before the driver saw that */
        if (!added(v, q, &count) || !count) {
            return NULL;
        }
    }
    if (!virtio_ring_load(v, q->driver + RING + 2 * (q->next_avail % q->size), &head)) {
        return NULL;
    }
    VirtioChain *chain = virtio_split_chain(v, q, n, head);
    if (chain) {
        q->next_avail = (uint16_t)(q->next_avail + 1);
    }
    return chain;
}

static void push(VirtioDevice *v, VirtQueue *q, VirtioChain *const *chains, const uint32_t *written, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const uint32_t entry[] = { GUINT32_TO_LE(chains[i]->id), GUINT32_TO_LE(written[i]) };
        uint64_t gpa = q->device + RING + USED_ENTRY * ((q->next_used + i) % q->size);
        if (dma_view_write(&v->dma, gpa, entry, sizeof entry) != DMA_OK) {
            virtio_fail(v, "the used ring is not in RAM");
            return;
        }
    }
    q->next_used = (uint16_t)(q->next_used + count);
    virtio_ring_store(v, q->device + IDX, (uint16_t)q->next_used);
}

static bool wants_interrupt(VirtioDevice *v, VirtQueue *q) {
    uint16_t word;
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return virtio_ring_load(v, q->driver + FLAGS, &word) && !(word & NO_INTERRUPT);
    }
    uint16_t now = (uint16_t)q->next_used, before = (uint16_t)q->told;
    return virtio_ring_load(v, used_event(q), &word) && (uint16_t)(now - word - 1) < (uint16_t)(now - before);
}

const VirtioRing virtio_split = { check, pop, pending, push, wants_interrupt, set_notification };
