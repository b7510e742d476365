/* SPDX-License-Identifier: MIT */
/*
 * virtio_blk.c - a virtio block device.
 * Spec: VIRTIO 1.2, 5.2.
 * Requests run in threads of the image (host/block/block.h), a piece at a time, so that nothing of a size that the guest
 * chose is allocated. Under virtual time they run at once and are completed at a time that depends on the guest alone.
 * A request that the host could not serve may be held until the machine goes on (werror, rerror).
 * A host that does not answer stops neither a pause nor a reset: what is under way then touches nothing of the guest's
 * until the machine goes on, is begun anew in a loaded state, and after a reset goes before new requests.
 * Missing: secure erase, zones, life time; under virtual time the CPU waits for a host that does not answer.
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/devices.h"
#include "devices/virtio.h"

enum {
    F_SEG_MAX = 2, F_GEOMETRY = 4, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10, F_CONFIG_WCE = 11, F_MQ = 12,
    F_DISCARD = 13, F_WRITE_ZEROES = 14,

    T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13,
    T_BARRIER = INT32_MIN, /* a bit that drivers from before version 1 set, and firmware to this day */
    S_OK = 0, S_IOERR = 1, S_UNSUPP = 2,

    ID_SIZE = 20, HEAD_SIZE = 16, CONFIG_SIZE = 60,
    SECTOR = 512,
    PIECE = 256 << 10,     /* bytes that are copied at once */
    SPARES = 4,
    ACTIVE_MAX = 256,      /* requests taken and not answered */
    SEGMENTS = 16,         /* of a discard or a write of zeros ... */
    SEGMENT_SECTORS = 1 << 22, /* ... each of at most that many */
    UNMAP = 1,
    DELAY = 100000,        /* ns of virtual time that a request takes, and one more for each byte */
    KEPT_SPANS = 2 * VIRTIO_QUEUE_SIZE, /* of all requests taken and not answered, as a saved state needs them */
    PATIENCE = 1,          /* seconds that a pause waits for the host */
};

typedef struct BlkConfigSpace {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, sectors;
    uint32_t blk_size;
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
    uint32_t end;
} BlkConfigSpace;
_Static_assert(offsetof(BlkConfigSpace, end) == CONFIG_SIZE, "the layout of the specification");

/* A request that is kept in a saved state. */
typedef struct Kept {
    VirtioKept chain;
    uint64_t due; /* virtual time, or 0: begins again when the machine goes on */
} Kept;

typedef struct VirtioBlk {
    VirtioDevice v;
    BlkConfigSpace space;
    Block *block;           /* borrowed; NULL: every request fails */
    ClockTimer *timer;      /* virtual time only */
    pthread_cond_t idle, gate; /* nothing is in threads; `gated` or the epoch has changed */
    GQueue held, delayed;   /* of BlkRequest */
    GQueue active;          /* of BlkRequest, in threads */
    uint64_t orphans;       /* of these, from before the last reset */
    uint64_t spans;         /* of all three, in a saved state */
    void *spare[SPARES];    /* buffers of PIECE bytes that nobody uses now, or NULL; exchanged without the lock */
    char serial[ID_SIZE];
    uint32_t virtual_time;
    uint32_t write_cache;   /* as the driver wants it */
    uint32_t gated;         /* the machine is paused, and threads may not touch the guest's memory */
    uint64_t kept_count;
    uint64_t last_due;
    Kept kept[ACTIVE_MAX];
    VirtioSpan kept_spans[KEPT_SPANS];
} VirtioBlk;

typedef struct BlkRequest {
    VirtioBlk *s;
    VirtioChain *chain;
    uint32_t type;
    int error;         /* of errno, or a REPLY */
    uint64_t sector;
    uint64_t size;     /* bytes of data */
    uint64_t due;
    unsigned spans;    /* in a saved state */
    GList link;        /* in `active` */
} BlkRequest;
enum { REPLY_UNSUPP = -1, REPLY_DEAD = -2 };

static VirtioBlk *blk(VirtioDevice *v) {
    return (VirtioBlk *)v;
}

static uint64_t capacity_of(const VirtioBlk *s) {
    return s->block ? block_size(s->block) / SECTOR : 0;
}

static bool writes(const BlkRequest *r) {
    return r->type != T_IN && r->type != T_GET_ID;
}

/* -- doing it: without the lock, except where the guest's memory is touched -- */

/* With the lock: waits while the machine is paused. */
static void pass_gate(BlkRequest *r) {
    VirtioBlk *s = r->s;
    while (s->gated && virtio_chain_alive(&s->v, r->chain)) {
        pthread_cond_wait(&s->gate, &s->v.d.lock);
    }
}

static bool copy(BlkRequest *r, bool in, uint64_t offset, void *buffer, size_t size) {
    VirtioDevice *v = &r->s->v;
    device_lock(&v->d);
    pass_gate(r);
    size_t n = in ? virtio_chain_write(v, r->chain, offset, buffer, size)
                  : virtio_chain_read(v, r->chain, HEAD_SIZE + offset, buffer, size);
    device_unlock(&v->d);
    return n == size;
}

/* A fresh buffer for each request would cost a page fault for each page. */
static void *take_buffer(VirtioBlk *s) {
    void *buffer = NULL;
    for (unsigned i = 0; i < SPARES && !buffer; i++) {
        buffer = __atomic_exchange_n(&s->spare[i], NULL, __ATOMIC_ACQ_REL);
    }
    return buffer || posix_memalign(&buffer, BLOCK_ALIGN, PIECE) == 0 ? buffer : NULL;
}

static void give_buffer(VirtioBlk *s, void *buffer) {
    for (unsigned i = 0; i < SPARES && buffer; i++) {
        buffer = __atomic_exchange_n(&s->spare[i], buffer, __ATOMIC_ACQ_REL);
    }
    free(buffer);
}

static int transfer(BlkRequest *r) {
    uint64_t start = r->sector * SECTOR;
    bool in = r->type == T_IN;
    size_t piece = MIN(r->size, PIECE);
    uint64_t capacity = capacity_of(r->s);
    if (r->sector > capacity || r->size / SECTOR > capacity - r->sector || r->size % SECTOR) {
        return EINVAL;
    }
    void *buffer = take_buffer(r->s);
    if (!buffer) {
        return ENOMEM;
    }
    int error = 0;
    for (uint64_t done = 0; done < r->size && !error; done += piece) {
        size_t n = MIN(piece, r->size - done);
        if (in) {
            error = block_read(r->s->block, start + done, buffer, n);
        }
        if (!error && !copy(r, in, done, buffer, n)) {
            error = REPLY_DEAD;
        }
        if (!error && !in) {
            error = block_write(r->s->block, start + done, buffer, n);
        }
    }
    give_buffer(r->s, buffer);
    return error;
}

/* Discards and writes of zeros. */
static int erase(BlkRequest *r) {
    struct { uint64_t sector; uint32_t count, flags; } segments[SEGMENTS];
    _Static_assert(sizeof segments == SEGMENTS * 16, "the layout of the specification");
    uint64_t capacity = capacity_of(r->s), n = r->size / sizeof segments[0];
    bool zero = r->type == T_WRITE_ZEROES;
    int error = 0;
    if (!n || n > SEGMENTS || r->size % sizeof segments[0]) {
        return EINVAL;
    }
    if (!copy(r, false, 0, segments, r->size)) {
        return REPLY_DEAD;
    }
    for (unsigned i = 0; i < n && !error; i++) {
        uint64_t sector = GUINT64_FROM_LE(segments[i].sector);
        uint32_t count = GUINT32_FROM_LE(segments[i].count), flags = GUINT32_FROM_LE(segments[i].flags);
        if (flags & ~(zero ? (uint32_t)UNMAP : 0)) {
            return REPLY_UNSUPP;
        }
        if (count > SEGMENT_SECTORS || sector > capacity || count > capacity - sector) {
            return EINVAL;
        }
        error = zero ? block_zero(r->s->block, sector * SECTOR, (uint64_t)count * SECTOR, flags & UNMAP)
                     : block_discard(r->s->block, sector * SECTOR, (uint64_t)count * SECTOR);
    }
    return error;
}

static int identify(BlkRequest *r) {
    char id[ID_SIZE];
    memcpy(id, r->s->serial, ID_SIZE);
    size_t n = MIN(r->size, ID_SIZE);
    return copy(r, true, 0, id, n) ? 0 : REPLY_DEAD;
}

/* A cache that the driver cannot flush, or has turned off, is none. */
static bool writes_through(const VirtioBlk *s) {
    return virtio_has(&s->v, VIRTIO_F(F_CONFIG_WCE)) ? !s->write_cache : !virtio_has(&s->v, VIRTIO_F(F_FLUSH));
}

static int perform(BlkRequest *r) {
    VirtioBlk *s = r->s;
    int error;
    device_lock(&s->v.d);
    bool alive = virtio_chain_alive(&s->v, r->chain), through = writes_through(s);
    device_unlock(&s->v.d);
    if (!alive) {
        return REPLY_DEAD;
    }
    if (!s->block) {
        return EIO;
    }
    switch (r->type) {
    case T_IN: return transfer(r);
    case T_OUT: error = transfer(r); break;
    case T_DISCARD:
    case T_WRITE_ZEROES: error = erase(r); break;
    case T_FLUSH: return block_flush(s->block);
    case T_GET_ID: return identify(r);
    default: return REPLY_UNSUPP;
    }
    return error || !through ? error : block_flush(s->block);
}

/* -- answering: with the lock -- */

static void free_request(BlkRequest *r) {
    r->s->spans -= r->spans;
    virtio_chain_free(r->chain);
    g_free(r);
}

static void answer(BlkRequest *r) {
    VirtioBlk *s = r->s;
    uint8_t status = r->error == 0 ? S_OK : r->error == REPLY_UNSUPP ? S_UNSUPP : S_IOERR;
    uint32_t written = r->type == T_IN || r->type == T_GET_ID ? (uint32_t)r->chain->write_size : 1;
    unsigned n = r->chain->queue;
    virtio_chain_write(&s->v, r->chain, r->chain->write_size - 1, &status, 1);
    virtio_queue_push(&s->v, g_steal_pointer(&r->chain), written);
    virtio_queue_notify(&s->v, n);
    free_request(r);
}

/* An error of the host, rather than of the request: false when the request waits for better times. */
static bool accept_error(BlkRequest *r) {
    VirtioBlk *s = r->s;
    if (r->error <= 0 || r->error == EINVAL || !s->block) {
        return true;
    }
    switch (block_failed(s->block, writes(r), r->error)) {
    case BLOCK_STOP: g_queue_push_tail(&s->held, r); return false;
    case BLOCK_IGNORE: r->error = 0; return true;
    default: return true;
    }
}

static void finished(BlkRequest *r) {
    if (r->error == REPLY_DEAD || !virtio_chain_alive(&r->s->v, r->chain)) {
        free_request(r);
    } else if (accept_error(r)) {
        answer(r);
    }
}

/* Is there room for one more? */
static bool has_room(const VirtioBlk *s) {
    return s->active.length + s->held.length + s->delayed.length < ACTIVE_MAX &&
           s->spans + VIRTIO_QUEUE_SIZE <= KEPT_SPANS;
}

static void take_requests(VirtioBlk *s);
static void go_on(VirtioBlk *s);

static void work(void *job) {
    BlkRequest *r = job;
    VirtioBlk *s = r->s;
    r->error = perform(r);
    device_lock(&s->v.d);
    pass_gate(r);
    bool full = !has_room(s), last = s->orphans == 1;
    g_queue_unlink(&s->active, &r->link);
    s->orphans -= !virtio_chain_alive(&s->v, r->chain);
    finished(r);
    if (last && !s->orphans) {
        go_on(s);
    } else if (full) {
        take_requests(s);
    }
    if (!s->active.length) {
        pthread_cond_broadcast(&s->idle);
    }
    device_unlock(&s->v.d);
}

/* -- virtual time -- */

static void due(void *opaque) {
    VirtioBlk *s = opaque;
    device_lock(&s->v.d);
    uint64_t now = clock_now(s->v.d.clock);
    while (s->delayed.head && ((BlkRequest *)s->delayed.head->data)->due <= now) {
        finished(g_queue_pop_head(&s->delayed));
    }
    take_requests(s);
    if (s->delayed.head) {
        clock_timer_set(s->timer, ((BlkRequest *)s->delayed.head->data)->due);
    }
    device_unlock(&s->v.d);
}

/* Nobody else can ask the device for anything while the only CPU is here. */
static void perform_now(BlkRequest *r) {
    VirtioBlk *s = r->s;
    device_unlock(&s->v.d);
    r->error = perform(r);
    device_lock(&s->v.d);
    g_queue_push_tail(&s->delayed, r);
    if (s->delayed.length == 1) {
        clock_timer_set(s->timer, r->due);
    }
}

/* -- taking requests -- */

static void submit(BlkRequest *r) {
    VirtioBlk *s = r->s;
    if (s->virtual_time) {
        s->last_due = r->due = MAX(clock_now(s->v.d.clock), s->last_due) + DELAY + r->size;
        perform_now(r);
    } else if (s->block) {
        r->link = (GList){ .data = r };
        g_queue_push_tail_link(&s->active, &r->link);
        block_run(s->block, work, r);
    } else {
        r->error = EIO;
        finished(r);
    }
}

/* NULL: the driver broke a rule; the chain is freed. */
static BlkRequest *parse(VirtioBlk *s, VirtioChain *chain) {
    struct { uint32_t type, reserved; uint64_t sector; } head;
    if (virtio_chain_read(&s->v, chain, 0, &head, HEAD_SIZE) != HEAD_SIZE || chain->write_size == 0) {
        virtio_fail(&s->v, "a request without a header or without a place for its status");
        virtio_chain_free(chain);
        return NULL;
    }
    BlkRequest *r = g_new0(BlkRequest, 1);
    r->s = s;
    r->chain = chain;
    r->type = GUINT32_FROM_LE(head.type) & ~(uint32_t)T_BARRIER;
    r->sector = GUINT64_FROM_LE(head.sector);
    r->size = writes(r) ? chain->read_size - HEAD_SIZE : chain->write_size - 1;
    r->spans = virtio_kept_spans(&s->v, chain);
    s->spans += r->spans;
    return r;
}

static void take_from(VirtioBlk *s, unsigned n) {
    while (!s->orphans && has_room(s)) {
        VirtioChain *chain = virtio_queue_pop(&s->v, n);
        BlkRequest *r = chain ? parse(s, chain) : NULL;
        if (!r) {
            return;
        }
        submit(r);
    }
}

static void take_requests(VirtioBlk *s) {
    for (unsigned n = 0; n < s->v.queue_count; n++) {
        take_from(s, n);
    }
}

static void kicked(VirtioDevice *v, unsigned n) {
    take_from(blk(v), n);
}

/* -- stopping and going on -- */

/* Held requests are tried again. Requests from before a reset may be about to write what newer ones will write: they come
 * first. */
static void go_on(VirtioBlk *s) {
    if (s->orphans || s->gated) {
        return;
    }
    GQueue held = s->held;
    g_queue_init(&s->held);
    for (BlkRequest *r; (r = g_queue_pop_head(&held));) {
        submit(r);
    }
    take_requests(s);
}

static void open_gate(VirtioBlk *s) {
    s->gated = 0;
    pthread_cond_broadcast(&s->gate);
}

static void drop(GQueue *queue) {
    for (BlkRequest *r; (r = g_queue_pop_head(queue));) {
        free_request(r);
    }
}

static void forget_kept(VirtioBlk *s) {
    s->kept_count = 0;
    memset(s->kept, 0, sizeof s->kept);
    memset(s->kept_spans, 0, sizeof s->kept_spans);
}

static void virtio_reset(VirtioDevice *v) {
    VirtioBlk *s = blk(v);
    s->orphans = s->active.length;
    pthread_cond_broadcast(&s->gate);
    drop(&s->held);
    drop(&s->delayed);
    forget_kept(s);
    if (s->timer) {
        clock_timer_cancel(s->timer);
    }
}

/* Returns the number of spans kept so far. */
static unsigned keep(VirtioBlk *s, const GQueue *queue, bool due, unsigned spans) {
    for (const GList *at = queue->head; at; at = at->next) {
        const BlkRequest *r = at->data;
        if (virtio_chain_alive(&s->v, r->chain)) {
            Kept *k = &s->kept[s->kept_count++];
            spans += virtio_chain_keep(&s->v, r->chain, &k->chain, s->kept_spans + spans);
            k->due = due ? r->due : 0;
        }
    }
    return spans;
}

/* False: the host needs longer than it is waited for. */
static bool wait_idle(VirtioBlk *s) {
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += PATIENCE;
    int error = 0;
    while (s->active.length && !s->gated && !error) {
        error = pthread_cond_timedwait(&s->idle, &s->v.d.lock, &limit);
    }
    return !s->active.length;
}

static void quiesce(Device *d) {
    VirtioBlk *s = (VirtioBlk *)d;
    device_lock(d);
    s->gated = !wait_idle(s);
    forget_kept(s);
    unsigned spans = keep(s, &s->delayed, true, 0);
    spans = keep(s, &s->active, false, spans);
    keep(s, &s->held, false, spans);
    device_unlock(d);
}

static void resumed(Device *d) {
    VirtioBlk *s = (VirtioBlk *)d;
    device_lock(d);
    forget_kept(s);
    open_gate(s);
    go_on(s);
    device_unlock(d);
}

/* What was under way when the state was saved begins again; to do it twice does no harm. */
static void restored(Device *d) {
    VirtioBlk *s = (VirtioBlk *)d;
    virtio_device_restored(d);
    s->space.writeback = s->write_cache & 1;
    const VirtioSpan *spans = s->kept_spans;
    uint64_t count = KEPT_SPANS;
    for (unsigned i = 0; i < MIN(s->kept_count, ACTIVE_MAX); i++) {
        const Kept *k = &s->kept[i];
        VirtioChain *chain = virtio_queue_again(&s->v, &k->chain, &spans, &count);
        BlkRequest *r = chain ? parse(s, chain) : NULL;
        if (r && k->due && s->virtual_time) {
            r->due = k->due;
            perform_now(r);
        } else if (r) {
            g_queue_push_tail(&s->held, r);
        }
    }
}

/* -- making -- */

static void config_written(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value) {
    VirtioBlk *s = blk(v);
    if (offset == offsetof(BlkConfigSpace, writeback) && size == 1 && virtio_has(v, VIRTIO_F(F_CONFIG_WCE))) {
        s->write_cache = s->space.writeback = value & 1;
    }
}

/* Cylinders, heads and sectors for those who ask: up to 16383 * 16 * 63. */
static void fill_geometry(BlkConfigSpace *c, uint64_t sectors) {
    uint64_t cylinders = sectors / (16 * 63);
    c->cylinders = GUINT16_TO_LE((uint16_t)CLAMP(cylinders, 2, 16383));
    c->heads = 16;
    c->sectors = 63;
}

static void fill_space(VirtioBlk *s, const VirtioBlkConfig *c) {
    BlkConfigSpace *space = &s->space;
    uint64_t sectors = capacity_of(s);
    uint32_t logical = c ? (uint32_t)c->logical : SECTOR, physical = c ? (uint32_t)c->physical : SECTOR;
    space->capacity = GUINT64_TO_LE(sectors);
    space->seg_max = GUINT32_TO_LE(s->v.queue_size - 2);
    fill_geometry(space, sectors);
    space->blk_size = GUINT32_TO_LE(logical);
    space->physical_block_exp = (uint8_t)(physical > logical ? __builtin_ctz(physical / logical) : 0);
    space->num_queues = GUINT16_TO_LE((uint16_t)s->v.queue_count);
    space->max_discard_sectors = space->max_write_zeroes_sectors = GUINT32_TO_LE(SEGMENT_SECTORS);
    space->max_discard_seg = space->max_write_zeroes_seg = GUINT32_TO_LE(SEGMENTS);
    space->discard_sector_alignment = GUINT32_TO_LE(logical / SECTOR);
    space->write_zeroes_may_unmap = s->block && block_options(s->block)->discard;
}

static bool check_config(const VirtioBlkConfig *c, GError **error) {
    const char *wrong = !c->block ? "a drive is missing: give drive=ID"
                        : c->queue_size & (c->queue_size - 1) ? "queue-size must be a power of two"
                        : (c->logical & (c->logical - 1)) || (c->physical & (c->physical - 1)) || c->physical < c->logical
                            ? "block sizes are powers of two, and the physical one is not the smaller"
                        : c->serial && strlen(c->serial) > ID_SIZE ? "serial: at most 20 bytes are possible" : NULL;
    if (!wrong && block_size(c->block) % c->logical) {
        wrong = "the size of the image is no multiple of logical_block_size";
    }
    if (wrong) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, wrong);
    }
    return !wrong;
}

static const VirtioClass blk_class = {
    .id = VIRTIO_ID_BLOCK, .queue_size = 256, .queue = kicked, .config_written = config_written, .reset = virtio_reset,
};

static bool init(Device *d, const void *config, GError **error) {
    VirtioBlk *s = (VirtioBlk *)d;
    const VirtioBlkConfig *c = config;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->idle, &monotonic);
    pthread_cond_init(&s->gate, NULL);
    pthread_condattr_destroy(&monotonic);
    if (c && !check_config(c, error)) {
        return false;
    }
    virtio_init(&s->v, &blk_class, c ? &c->virtio : NULL, c ? (unsigned)c->queues : 1, &s->space, CONFIG_SIZE);
    s->block = c ? c->block : NULL;
    if (c) {
        s->v.queue_size = (uint32_t)c->queue_size;
        memcpy(s->serial, c->serial ? c->serial : "", c->serial ? strlen(c->serial) : 0);
    }
    s->virtual_time = d->clock && clock_is_virtual(d->clock);
    s->timer = s->virtual_time ? clock_timer_new(d->clock, due, s) : NULL;
    fill_space(s, c);
    const BlockOptions *o = s->block ? block_options(s->block) : NULL;
    bool through = o && (o->cache == BLOCK_WRITETHROUGH || o->cache == BLOCK_DIRECTSYNC);
    s->v.offered |= VIRTIO_F(F_SEG_MAX) | VIRTIO_F(F_GEOMETRY) | VIRTIO_F(F_BLK_SIZE) | VIRTIO_F(F_FLUSH) |
                    VIRTIO_F(F_TOPOLOGY) | (o && o->read_only ? VIRTIO_F(F_RO) : 0) |
                    (through ? 0 : VIRTIO_F(F_CONFIG_WCE)) | (s->v.queue_count > 1 ? VIRTIO_F(F_MQ) : 0) |
                    (!c || c->discard ? VIRTIO_F(F_DISCARD) : 0) | (!c || c->write_zeroes ? VIRTIO_F(F_WRITE_ZEROES) : 0);
    return true;
}

static void finish(Device *d) {
    VirtioBlk *s = (VirtioBlk *)d;
    device_lock(d);
    s->v.epoch++;
    s->orphans = s->active.length;
    open_gate(s);
    while (s->active.length) {
        pthread_cond_wait(&s->idle, &d->lock);
    }
    device_unlock(d);
    drop(&s->held);
    drop(&s->delayed);
    for (unsigned i = 0; i < SPARES; i++) {
        free(s->spare[i]);
    }
    clock_timer_free(s->timer);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->gate);
}

static void reset(Device *d) {
    virtio_device_reset(d);
    VirtioBlk *s = (VirtioBlk *)d;
    s->write_cache = s->space.writeback = 1;
    s->last_due = 0;
}

static const StateField state[] = {
    VIRTIO_STATE(VirtioBlk), STATE_NOT_KEPT(VirtioBlk, space), STATE_NOT_KEPT(VirtioBlk, block),
    STATE_NOT_KEPT(VirtioBlk, timer), STATE_NOT_KEPT(VirtioBlk, idle), STATE_NOT_KEPT(VirtioBlk, gate),
    STATE_NOT_KEPT(VirtioBlk, held), STATE_NOT_KEPT(VirtioBlk, delayed), STATE_NOT_KEPT(VirtioBlk, active),
    STATE_NOT_KEPT(VirtioBlk, orphans), STATE_NOT_KEPT(VirtioBlk, spans), STATE_NOT_KEPT(VirtioBlk, spare),
    STATE_NOT_KEPT(VirtioBlk, serial), STATE_NOT_KEPT(VirtioBlk, virtual_time), STATE(VirtioBlk, write_cache),
    STATE_NOT_KEPT(VirtioBlk, gated), STATE(VirtioBlk, kept_count), STATE(VirtioBlk, last_due),
    STATE_ARRAY(VirtioBlk, kept, uint64_t), STATE_ARRAY(VirtioBlk, kept_spans, uint64_t),
};

static const DeviceProp props[] = {
    { "drive", "the image: id of a -drive, or node-name of a -blockdev", PROP_BACKEND, offsetof(VirtioBlkConfig, block),
      .backend = "drive" },
    { "serial", "what the guest reads as the serial number", PROP_STRING, offsetof(VirtioBlkConfig, serial) },
    { "num-queues", "request queues", PROP_NUMBER, offsetof(VirtioBlkConfig, queues), 1, 16, "1" },
    { "queue-size", "entries of each", PROP_NUMBER, offsetof(VirtioBlkConfig, queue_size), 4, VIRTIO_QUEUE_SIZE, "256" },
    { "logical_block_size", "bytes of a block, as the guest may address them", PROP_SIZE,
      offsetof(VirtioBlkConfig, logical), 512, 32768, "512" },
    { "physical_block_size", "bytes of a block, as the guest had better write them", PROP_SIZE,
      offsetof(VirtioBlkConfig, physical), 512, 32768, "512" },
    { "discard", "offer discards", PROP_BOOL, offsetof(VirtioBlkConfig, discard), .standard = "on" },
    { "write-zeroes", "offer writes of zeros", PROP_BOOL, offsetof(VirtioBlkConfig, write_zeroes), .standard = "on" },
    VIRTIO_PROPS(VirtioBlkConfig),
    { NULL },
};

const DeviceClass device_virtio_blk = {
    .name = "virtio-blk-device",
    .summary = "disk (virtio)",
    VIRTIO_DEVICE(VirtioBlk, VirtioBlkConfig, state, props),
    .finish = finish,
    .reset = reset,
    .restored = restored,
    .quiesce = quiesce,
    .resumed = resumed,
};
