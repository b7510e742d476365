/* SPDX-License-Identifier: MIT */
/*
 * net.c - what all backends share: two queues, the source that pumps them, and the backend that is nothing.
 *
 * Locking: `lock` guards the queue of the guest's frames, which any thread may fill; all else belongs to the main loop.
 */
#include "host/net/net.h"

#include <string.h>

enum { TX_BYTES = 1 << 20, RX_BYTES = 4 << 20, ROUND = 64 /* frames handed on before others have a turn */ };

/* -- a ring of frames. Each is a word with its size, then its bytes without a break; a size of SKIP: go on at the start -- */

#define SKIP UINT64_MAX

static size_t footprint(size_t size) {
    return 8 + ((size + 7) & ~(size_t)7);
}

static void queue_word(NetQueue *q, size_t at, uint64_t value) {
    memcpy(q->ring + at, &value, 8);
}

static bool queue_push(NetQueue *q, const void *frame, size_t size) {
    size_t need = footprint(size), end = (q->first + q->used) % q->capacity;
    if (!q->used) {
        q->first = end = 0;
    }
    size_t tail = end >= q->first ? q->capacity - end : 0; /* bytes up to the ring's end, when they are free */
    size_t skip = q->used < q->capacity && tail && tail < need ? tail : 0;
    if (q->used + skip + need > q->capacity) {
        return false;
    }
    if (skip) {
        queue_word(q, end, SKIP);
        q->used += skip;
        end = 0;
    }
    queue_word(q, end, size);
    memcpy(q->ring + end + 8, frame, size);
    q->used += need;
    q->count++;
    return true;
}

static const uint8_t *queue_peek(NetQueue *q, size_t *size) {
    if (!q->count) {
        return NULL;
    }
    uint64_t word;
    memcpy(&word, q->ring + q->first, 8);
    if (word == SKIP) {
        q->used -= q->capacity - q->first;
        q->first = 0;
        memcpy(&word, q->ring, 8);
    }
    *size = word;
    return q->ring + q->first + 8;
}

static void queue_pop(NetQueue *q) {
    size_t size;
    if (queue_peek(q, &size)) {
        q->first = (q->first + footprint(size)) % q->capacity;
        q->used -= footprint(size);
        q->count--;
    }
}

/* -- the pump -- */

/* Has the pump run soon. Under the lock. */
static void schedule(NetBackend *n) {
    if (!n->scheduled) {
        n->scheduled = true;
        g_source_set_ready_time(n->pump, 0);
    }
}

static void dump_all(NetBackend *n, const void *frame, size_t size) {
    int64_t now = n->dumps->len ? g_get_real_time() : 0;
    for (unsigned i = 0; i < n->dumps->len; i++) {
        net_dump_frame(g_ptr_array_index(n->dumps, i), frame, size, now);
    }
}

/* To the class; main loop, without the lock. */
static bool hand_on(NetBackend *n, const uint8_t *frame, size_t size) {
    if (n->up && !n->cls->send(n, frame, size)) {
        return false;
    }
    n->stats.dropped += !n->up;
    n->stats.sent++;
    n->stats.sent_bytes += size;
    dump_all(n, frame, size);
    return true;
}

/* Hands on what the guest sent. The frame at the head stays valid while others push behind it. */
static void drain(NetBackend *n) {
    g_mutex_lock(&n->lock);
    unsigned round = 0;
    size_t size;
    const uint8_t *frame;
    while (round++ < ROUND && !n->blocked && (frame = queue_peek(&n->tx, &size))) {
        g_mutex_unlock(&n->lock);
        bool done = hand_on(n, frame, size);
        g_mutex_lock(&n->lock);
        if (!done) {
            n->blocked = true;
        } else {
            queue_pop(&n->tx);
        }
    }
    if (n->tx.count && !n->blocked) {
        schedule(n);
    }
    bool tell = n->starved && n->tx.used <= n->tx.capacity / 2;
    n->starved = n->starved && !tell;
    g_mutex_unlock(&n->lock);
    if (tell && n->user.writable) {
        n->user.writable(n->user.opaque);
    }
}

static gboolean pump(gpointer opaque) {
    NetBackend *n = opaque;
    g_mutex_lock(&n->lock);
    g_source_set_ready_time(n->pump, -1);
    n->scheduled = false;
    bool wanted = n->wanted;
    n->wanted = false;
    g_mutex_unlock(&n->lock);
    drain(n);
    if (wanted && n->rx.count && n->user.arrived) {
        n->user.arrived(n->user.opaque);
    }
    for (unsigned i = 0; i < n->dumps->len; i++) {
        net_dump_flush(g_ptr_array_index(n->dumps, i));
    }
    return G_SOURCE_CONTINUE;
}

static gboolean dispatch(GSource *source, GSourceFunc fn, gpointer opaque) {
    return fn(opaque);
}

/* -- the device's side -- */

bool net_send(NetBackend *n, const void *frame, size_t size) {
    if (size < NET_HEADER || size > NET_FRAME_MAX) {
        return true;
    }
    g_mutex_lock(&n->lock);
    bool taken = queue_push(&n->tx, frame, size);
    n->starved |= !taken;
    schedule(n);
    g_mutex_unlock(&n->lock);
    return taken;
}

bool net_room(NetBackend *n) {
    g_mutex_lock(&n->lock);
    bool room = n->tx.capacity - n->tx.used >= 3 * NET_FRAME_MAX;
    n->starved |= !room;
    g_mutex_unlock(&n->lock);
    return room;
}

const uint8_t *net_peek(NetBackend *n, size_t *size) {
    return queue_peek(&n->rx, size);
}

void net_next(NetBackend *n) {
    size_t size;
    if (queue_peek(&n->rx, &size)) {
        n->stats.received++;
        n->stats.received_bytes += size;
        queue_pop(&n->rx);
    }
}

size_t net_waiting(const NetBackend *n) {
    return n->rx.used;
}

void net_accept(NetBackend *n) {
    g_mutex_lock(&n->lock);
    n->wanted = true;
    schedule(n);
    g_mutex_unlock(&n->lock);
}

void net_set_user(NetBackend *n, const NetUser *user) {
    n->user = user ? *user : (NetUser){ 0 };
    if (!user) {
        n->rx.used = n->rx.count = 0;
    }
}

bool net_link_up(const NetBackend *n) {
    return n->up;
}

bool net_takes_large(const NetBackend *n) {
    return n->cls->large;
}

bool net_checked(const NetBackend *n) {
    return n->cls->checked;
}

/* -- the backends' side -- */

static GSourceFuncs pump_funcs = { .dispatch = dispatch };

void net_init(NetBackend *n, const NetClass *cls, const char *id, GMainContext *context) {
    n->cls = cls;
    n->id = g_strdup(id);
    n->context = g_main_context_ref(context ? context : g_main_context_default());
    g_mutex_init(&n->lock);
    n->tx = (NetQueue){ .ring = g_malloc(TX_BYTES), .capacity = TX_BYTES };
    n->rx = (NetQueue){ .ring = g_malloc(RX_BYTES), .capacity = RX_BYTES };
    n->dumps = g_ptr_array_new();
    n->pump = g_source_new(&pump_funcs, sizeof(GSource));
    g_source_set_callback(n->pump, pump, n, NULL);
    g_source_attach(n->pump, n->context);
}

void net_deliver(NetBackend *n, const void *frame, size_t size) {
    if (size < NET_HEADER || size > NET_FRAME_MAX || !n->user.arrived || !queue_push(&n->rx, frame, size)) {
        n->stats.dropped++;
        return;
    }
    dump_all(n, frame, size);
    net_accept(n);
}

void net_writable(NetBackend *n) {
    g_mutex_lock(&n->lock);
    n->blocked = false;
    schedule(n);
    g_mutex_unlock(&n->lock);
}

void net_set_link(NetBackend *n, bool up) {
    if (n->up != up) {
        n->up = up;
        if (n->user.link) {
            n->user.link(n->user.opaque, up);
        }
        net_writable(n); /* what waits goes to the peer, or nowhere */
    }
}

/* -- the user's side -- */

const char *net_id(const NetBackend *n) {
    return n->id;
}

NetStats net_stats(const NetBackend *n) {
    return n->stats;
}

void net_add_dump(NetBackend *n, NetDump *dump) {
    g_ptr_array_add(n->dumps, dump);
}

char *net_text(const NetBackend *n) {
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "%s: type=%s", n->id, n->cls->type);
    if (n->cls->text) {
        n->cls->text(n, out);
    }
    g_string_append_printf(out, ", link %s, sent %" G_GUINT64_FORMAT ", received %" G_GUINT64_FORMAT ", dropped %"
                           G_GUINT64_FORMAT, n->up ? "up" : "down", n->stats.sent, n->stats.received, n->stats.dropped);
    return g_string_free(out, FALSE);
}

char *net_connections(const NetBackend *n) {
    return n->cls->connections ? n->cls->connections(n) : NULL;
}

void net_free(NetBackend *n) {
    if (!n) {
        return;
    }
    drain(n);
    if (n->cls->close) {
        n->cls->close(n);
    }
    g_source_destroy(n->pump);
    g_source_unref(n->pump);
    g_ptr_array_unref(n->dumps);
    g_free(n->tx.ring);
    g_free(n->rx.ring);
    g_mutex_clear(&n->lock);
    g_main_context_unref(n->context);
    g_free(n->id);
    g_free(n);
}

static bool null_send(NetBackend *n, const uint8_t *frame, size_t size) {
    return true;
}

NetBackend *net_null_open(const char *id, GMainContext *context) {
    static const NetClass cls = { .type = "null", .large = true, .send = null_send };
    NetBackend *n = g_new0(NetBackend, 1);
    net_init(n, &cls, id, context);
    n->up = true;
    return n;
}
