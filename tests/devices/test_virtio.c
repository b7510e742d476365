/* SPDX-License-Identifier: MIT */
/*
 * test_virtio.c - the core of virtio devices, its rings and its transport, poked by a driver without a CPU: everything
 * a driver may do right, and everything that it must not.
 */
#include "tests/devices/vring.h"

/* -- a device that gives back what it gets, byte by byte plus one -- */

enum { QUEUES = 2, SIZE = 8 };
typedef struct Echo {
    VirtioDevice v;
    uint32_t space[2];
    uint32_t hold;     /* takes nothing */
    uint32_t taken;
    VirtioChain *kept; /* with hold == 2: takes one and keeps it */
} Echo;

static void echo(VirtioDevice *v, unsigned n) {
    Echo *s = (Echo *)v;
    while (s->hold != 1) {
        VirtioChain *c = virtio_queue_pop(v, n);
        if (!c) {
            return;
        }
        s->taken++;
        if (s->hold == 2) {
            s->kept = c;
            return;
        }
        uint8_t bytes[64];
        size_t size = virtio_chain_read(v, c, 0, bytes, sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i]++;
        }
        virtio_queue_push(v, c, (uint32_t)virtio_chain_write(v, c, 0, bytes, size));
        virtio_queue_notify(v, n);
    }
}

static void space_written(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value) {
    memcpy((uint8_t *)((Echo *)v)->space + offset, &value, size);
}

static const VirtioClass echo_class = { .id = 42, .queue_size = SIZE, .queue = echo, .config_written = space_written };

static bool echo_init(Device *d, const void *config, GError **error) {
    Echo *s = (Echo *)d;
    virtio_init(&s->v, &echo_class, config, QUEUES, s->space, 7);
    s->v.offered |= VIRTIO_F(3) | VIRTIO_F(50);
    s->space[0] = 0x11223344;
    return true;
}

static const DeviceClass echo_device = {
    .name = "echo", .size = sizeof(Echo), .init = echo_init, .reset = virtio_device_reset,
    .restored = virtio_device_restored,
};

static Echo *echo_of(Vr *t) {
    return (Echo *)t->dev;
}

/* Every kind of ring: packed, event index, indirect. */
#define ALL (VIRTIO_F_PACKED | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT)
static uint64_t kind_of(int i) {
    return (i & 1 ? VIRTIO_F_PACKED : 0) | (i & 2 ? VIRTIO_F_EVENT_IDX : 0) | (i & 4 ? VIRTIO_F_INDIRECT : 0);
}

static void echo_new(Vr *t, uint64_t features) {
    static const VirtioConfig config = { .packed = true };
    vr_new(t, &echo_device, &config, SIZE);
    if (features) {
        vr_start(t, features, QUEUES);
    }
}

/* "abc" in two buffers, and two buffers for the answer. */
static const VrBuffer abc[] = { { VR_DATA, 2, false }, { VR_DATA + 16, 1, false },
                                { VR_DATA + 32, 1, true }, { VR_DATA + 48, 5, true } };

static void ask(Vr *t, unsigned n, uint16_t head, uint64_t indirect) {
    memcpy(vr_host(t, VR_DATA), "ab", 2);
    memcpy(vr_host(t, VR_DATA + 16), "c", 1);
    memset(vr_host(t, VR_DATA + 32), '-', 32);
    vr_add(t, n, head, abc, 4, indirect);
}

static void check_answer(Vr *t, unsigned n, uint16_t head, unsigned slots) {
    uint16_t id;
    uint32_t len;
    ck_assert(vr_used(t, n, slots, &id, &len));
    ck_assert_uint_eq(id, head);
    ck_assert_uint_eq(len, 3);
    ck_assert(!memcmp(vr_host(t, VR_DATA + 32), "b-", 2) && !memcmp(vr_host(t, VR_DATA + 48), "cd-", 3));
    ck_assert(!vr_used(t, n, slots, &id, &len));
}

/* -- what a driver does right -- */

START_TEST(test_negotiation) {
    Vr t;
    echo_new(&t, 0);
    ck_assert_uint_eq(peek(&t.p, 0x004), 2);
    ck_assert_uint_eq(peek(&t.p, 0x008), 42);
    ck_assert_uint_eq(vr_negotiate(&t, UINT64_MAX), VIRTIO_F(3) | VIRTIO_F(50) | VIRTIO_F_VERSION_1 | ALL);
    poke(&t.p, 0x024, 0); /* too late */
    poke(&t.p, 0x020, 0);
    ck_assert(poke_logged(&t.p, "after it fixed them"));
    ck_assert(virtio_has(&echo_of(&t)->v, VIRTIO_F(3)));
    poke(&t.p, VR_STATUS, 0);
    ck_assert_uint_eq(peek(&t.p, VR_STATUS), 0);
    poke(&t.p, 0x024, 1);
    poke(&t.p, 0x020, 1 << 5 | 1); /* not offered */
    poke(&t.p, VR_STATUS, 11);
    ck_assert_uint_eq(peek(&t.p, VR_STATUS), 3);
    ck_assert(poke_logged(&t.p, "not offered"));
    poke(&t.p, 0x020, 0); /* no VERSION_1 */
    poke(&t.p, VR_STATUS, 11);
    ck_assert_uint_eq(peek(&t.p, VR_STATUS), 3);
    poke(&t.p, VR_STATUS, 7);
    ck_assert(poke_logged(&t.p, "without FEATURES_OK"));
    vr_free(&t);
}
END_TEST

START_TEST(test_config_space) {
    Vr t;
    echo_new(&t, ALL);
    ck_assert_uint_eq(peek(&t.p, 0x100), 0x11223344);
    ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + 0x102, 1, 0), 0x22);
    ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + 0x102, 2, 0), 0x1122);
    poke_at(&t.p, POKE_BASE + 0x105, 1, 0, 0xaa);
    ck_assert_uint_eq(peek(&t.p, 0x104), 0xaa00);
    poke_at(&t.p, POKE_BASE + 0x106, 2, 0, 0xffff); /* ends at 7 */
    ck_assert(poke_logged(&t.p, "not writable"));
    poke(&t.p, 0x1fc, 1);
    ck_assert_uint_eq(peek(&t.p, 0x104), 0xaa00);
    uint32_t generation = peek(&t.p, 0x0fc);
    device_lock(t.dev);
    virtio_config_changed(&echo_of(&t)->v);
    device_unlock(t.dev);
    ck_assert_uint_ne(peek(&t.p, 0x0fc), generation);
    ck_assert(vr_interrupt(&t, VIRTIO_INT_CONFIG) && !poke_irq(&t.p, 0));
    vr_free(&t);
}
END_TEST

START_TEST(test_echo) {
    for (int i = 0; i < 8; i++) {
        Vr t;
        echo_new(&t, kind_of(i) | VIRTIO_F(3));
        ck_assert_int_eq(t.packed, i & 1);
        for (unsigned n = 0; n < 40; n++) { /* around the ring and, packed, in all positions */
            unsigned q = n % QUEUES;
            uint16_t head = (uint16_t)(n * 3 % SIZE);
            bool indirect = i & 4 && n % 3;
            ask(&t, q, head, indirect ? VR_DATA + 0x1000 : 0);
            if (t.event) { /* tell me of the next one */
                vr_put(&t, vr_driver(q) + (t.packed ? 2 : 4 + 2 * SIZE), 2, t.packed ? 0 : t.q[q].used);
            }
            vr_kick(&t, q);
            ck_assert(vr_interrupt(&t, VIRTIO_INT_QUEUE) && !poke_irq(&t.p, 0));
            check_answer(&t, q, head, indirect ? 1 : 4);
        }
        ck_assert_uint_eq(echo_of(&t)->taken, 40);
        vr_free(&t);
    }
}
END_TEST

/* Every index of a split ring and many turns of a packed one. */
START_TEST(test_many_turns) {
    for (int i = 0; i < 2; i++) {
        Vr t;
        echo_new(&t, kind_of(i) | VIRTIO_F(3));
        for (unsigned n = 0; n < 70000; n++) {
            uint16_t id;
            uint32_t len;
            vr_add(&t, 0, n % SIZE, abc, 1 + n % 3, 0);
            vr_kick(&t, 0);
            ck_assert(vr_used(&t, 0, 1 + n % 3, &id, &len) && id == n % SIZE && len == (n % 3 == 2 ? 1 : 0));
        }
        vr_free(&t);
    }
}
END_TEST

START_TEST(test_dirty_memory) {
    Vr t;
    echo_new(&t, VIRTIO_F(3));
    ask(&t, 0, 0, 0);
    t.p.dirty_gpa = 0;
    vr_kick(&t, 0);
    ck_assert_uint_eq(t.p.dirty_gpa, vr_device(0) + 2); /* the last that was written */
    vr_free(&t);
}
END_TEST

/* The driver says when it wants an interrupt ... */
START_TEST(test_no_interrupt) {
    for (int i = 0; i < 2; i++) {
        Vr t;
        echo_new(&t, kind_of(i) | VIRTIO_F(3));
        vr_put(&t, vr_driver(0) + (t.packed ? 2 : 0), 2, 1);
        ask(&t, 0, 0, 0);
        vr_kick(&t, 0);
        check_answer(&t, 0, 0, 4);
        ck_assert(!vr_interrupt(&t, VIRTIO_INT_QUEUE));
        vr_put(&t, vr_driver(0) + (t.packed ? 2 : 0), 2, 0);
        ask(&t, 0, 0, 0);
        vr_kick(&t, 0);
        ck_assert(vr_interrupt(&t, VIRTIO_INT_QUEUE));
        vr_free(&t);
    }
}
END_TEST

/* ... with the event index to the very buffer. */
START_TEST(test_event_index) {
    for (int i = 2; i < 4; i++) {
        for (unsigned wanted = 0; wanted < 5; wanted++) {
            Vr t;
            echo_new(&t, kind_of(i) | VIRTIO_F(3));
            if (t.packed) { /* position and wrap counter; each chain takes two places */
                unsigned at = 2 * wanted;
                vr_put(&t, vr_driver(0), 2, at < SIZE ? at | 0x8000 : at - SIZE);
                vr_put(&t, vr_driver(0) + 2, 2, 2);
            } else {
                vr_put(&t, vr_driver(0) + 4 + 2 * SIZE, 2, wanted);
            }
            for (unsigned n = 0; n < 5; n++) {
                uint16_t id;
                uint32_t len;
                vr_add(&t, 0, 0, abc, 2, 0);
                vr_kick(&t, 0);
                ck_assert(vr_used(&t, 0, 2, &id, &len));
                ck_assert_msg(vr_interrupt(&t, VIRTIO_INT_QUEUE) == (n == wanted), "kind %d, %u, wanted %u", i, n, wanted);
            }
            vr_free(&t);
        }
    }
}
END_TEST

/* ... and the device when it wants a notification. */
START_TEST(test_notifications) {
    for (int i = 0; i < 4; i++) {
        Vr t;
        echo_new(&t, kind_of(i) | VIRTIO_F(3));
        VirtioDevice *v = &echo_of(&t)->v;
        uint64_t at = t.packed ? vr_device(0) + 2 : vr_device(0);
        ask(&t, 0, 0, 0);
        vr_kick(&t, 0);
        if (t.event && !t.packed) {
            ck_assert_uint_eq(vr_get(&t, vr_device(0) + 4 + 8 * SIZE, 2), 1);
        } else if (t.event) {
            ck_assert_uint_eq(vr_get(&t, at, 2), 2);
            ck_assert_uint_eq(vr_get(&t, vr_device(0), 2), 0x8004);
        }
        device_lock(t.dev);
        virtio_queue_set_notification(v, 0, false);
        ck_assert(t.event && !t.packed ? true : vr_get(&t, at, 2) == 1);
        virtio_queue_set_notification(v, 0, true);
        ck_assert_uint_eq(vr_get(&t, at, 2), t.event && t.packed ? 2 : 0);
        ck_assert(!virtio_queue_pending(v, 0));
        device_unlock(t.dev);
        vr_free(&t);
    }
}
END_TEST

START_TEST(test_before_driver_ok) {
    Vr t;
    echo_new(&t, 0);
    vr_negotiate(&t, VIRTIO_F(3));
    vr_queue(&t, 0);
    ask(&t, 0, 2, 0);
    vr_kick(&t, 0);
    ck_assert_uint_eq(echo_of(&t)->taken, 0);
    vr_go(&t);
    check_answer(&t, 0, 2, 4);
    vr_free(&t);
}
END_TEST

/* What is left pending when something is acknowledged makes a new edge. */
static unsigned edges;
static void count_edges(void *opaque, unsigned n, bool level) {
    edges += level;
}

START_TEST(test_edges) {
    Vr t;
    edges = 0;
    echo_new(&t, VIRTIO_F(3));
    irq_connect(device_irq(t.p.d, 0), count_edges, NULL, 0);
    ask(&t, 0, 0, 0);
    vr_kick(&t, 0);
    device_lock(t.dev);
    virtio_config_changed(&echo_of(&t)->v);
    device_unlock(t.dev);
    ck_assert_uint_eq(edges, 1);
    poke(&t.p, VR_ACK, VIRTIO_INT_QUEUE);
    ck_assert_uint_eq(edges, 2);
    ck_assert(poke_irq(&t.p, 0));
    poke(&t.p, VR_ACK, VIRTIO_INT_CONFIG);
    ck_assert(!poke_irq(&t.p, 0));
    vr_free(&t);
}
END_TEST

START_TEST(test_reset_in_between) {
    for (int way = 0; way < 3; way++) {
        Vr t;
        echo_new(&t, VIRTIO_F(3));
        Echo *s = echo_of(&t);
        s->hold = 2;
        ask(&t, 0, 0, 0);
        vr_kick(&t, 0);
        ck_assert_ptr_nonnull(s->kept);
        if (way == 0) {
            poke(&t.p, VR_STATUS, 0);
        } else if (way == 1) {
            device_reset(t.p.d);
        } else {
            poke(&t.p, 0x030, 0);
            poke(&t.p, 0x044, 0);
            ck_assert_uint_eq(peek(&t.p, 0x044), 0);
        }
        uint8_t byte = 'x';
        device_lock(t.dev);
        ck_assert(!virtio_chain_alive(&s->v, s->kept));
        ck_assert_uint_eq(virtio_chain_read(&s->v, s->kept, 0, &byte, 1), 0);
        ck_assert_uint_eq(virtio_chain_write(&s->v, s->kept, 0, "!", 1), 0);
        virtio_queue_push(&s->v, s->kept, 1);
        virtio_queue_notify(&s->v, 0);
        device_unlock(t.dev);
        ck_assert_uint_eq(*vr_host(&t, VR_DATA + 32), '-');
        ck_assert_uint_eq(vr_get(&t, vr_device(0) + 2, 2), 0);
        ck_assert(!poke_irq(&t.p, 0));
        s->hold = 0;
        vr_start(&t, VIRTIO_F(3), QUEUES);
        ask(&t, 1, 0, 0);
        vr_kick(&t, 1);
        check_answer(&t, 1, 0, 4);
        vr_free(&t);
    }
}
END_TEST

START_TEST(test_legacy) {
    Vr t;
    static const VirtioConfig config = { .legacy = true, .packed = true };
    vr_new(&t, &echo_device, &config, 4);
    ck_assert_uint_eq(peek(&t.p, 0x004), 1);
    poke(&t.p, 0x028, 4096);
    poke(&t.p, VR_STATUS, 0);
    poke(&t.p, VR_STATUS, 3);
    poke(&t.p, 0x014, 1);
    ck_assert_uint_eq(peek(&t.p, 0x010) & 7, 0); /* neither VERSION_1 nor packed */
    poke(&t.p, 0x024, 0);
    poke(&t.p, 0x020, UINT32_MAX); /* what is not offered counts for nothing */
    poke(&t.p, 0x030, 0);
    ck_assert_uint_eq(peek(&t.p, 0x034), SIZE);
    ck_assert_uint_eq(peek(&t.p, 0x040), 0);
    poke(&t.p, 0x038, 4);
    poke(&t.p, 0x03c, 4096);
    poke(&t.p, 0x040, (POKE_RAM + 0x4000) / 4096);
    ck_assert_uint_eq(peek(&t.p, 0x040), (POKE_RAM + 0x4000) / 4096);
    poke(&t.p, VR_STATUS, 7);
    memcpy(vr_host(&t, VR_DATA), "m", 1);
    vr_set_desc(&t, POKE_RAM + 0x4000, 0, VR_DATA, 1, 1, 1);
    vr_set_desc(&t, POKE_RAM + 0x4000, 1, VR_DATA + 1, 1, 2, 0);
    vr_put(&t, POKE_RAM + 0x4040 + 2, 2, 1);
    vr_kick(&t, 0);
    ck_assert_uint_eq(*vr_host(&t, VR_DATA + 1), 'n');
    ck_assert_uint_eq(vr_get(&t, POKE_RAM + 0x5000 + 2, 2), 1);
    ck_assert(vr_interrupt(&t, VIRTIO_INT_QUEUE));
    poke(&t.p, 0x040, 0);
    ck_assert_uint_eq(peek(&t.p, 0x040), 0);
    poke(&t.p, 0x040, 1); /* not RAM */
    ck_assert(poke_logged(&t.p, "not in RAM"));
    vr_free(&t);
}
END_TEST

/* -- what it must not do: the device wants a reset, and works again after one -- */

static void check_broken(Vr *t, const char *part) {
    ck_assert_msg(vr_broken(t, part), "no '%s': %s", part, t->p.text);
    ck_assert(vr_interrupt(t, VIRTIO_INT_CONFIG) || true);
    unsigned taken = echo_of(t)->taken;
    vr_kick(t, 0);
    ck_assert_uint_eq(echo_of(t)->taken, taken);
    vr_start(t, VIRTIO_F(3) | (t->packed ? VIRTIO_F_PACKED : 0) | (t->indirect ? VIRTIO_F_INDIRECT : 0), QUEUES);
    ask(t, 0, 0, 0);
    vr_kick(t, 0);
    check_answer(t, 0, 0, 4);
}

/* One bad descriptor, in either kind of ring. */
typedef struct Bad {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
    const char *text;
} Bad;

START_TEST(test_bad_descriptors) {
    static const Bad bad[] = {
        { 0, 16, 0, 0, "not in RAM" },
        { POKE_BASE, 16, 0, 0, "not in RAM" },                  /* the device's own registers */
        { POKE_RAM - 1, 16, 2, 0, "not in RAM" },
        { POKE_RAM + POKE_RAM_SIZE - 15, 16, 2, 0, "not in RAM" },
        { POKE_RAM, POKE_RAM_SIZE + 1, 0, 0, "not in RAM" },
        { UINT64_MAX, 2, 0, 0, "not in RAM" },
        { UINT64_MAX - 1, UINT32_MAX, 2, 0, "not in RAM" },
        { VR_DATA, 16, 4, 0, "which was not negotiated" },
    };
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(bad); k++) {
            Vr t;
            echo_new(&t, kind_of(i) | VIRTIO_F(3));
            uint16_t flags = (uint16_t)(bad[k].flags | (t.packed ? 1 << 7 : 0));
            vr_set_desc(&t, vr_desc(0), 0, bad[k].addr, bad[k].len, t.packed ? 0 : flags, t.packed ? flags : bad[k].next);
            if (!t.packed) {
                vr_avail(&t, 0, 0);
            }
            vr_kick(&t, 0);
            check_broken(&t, bad[k].text);
            vr_free(&t);
        }
    }
}
END_TEST

START_TEST(test_bad_indirect) {
    static const Bad bad[] = {
        { VR_DATA + 0x1000, 16, 4 | 1, 1, "has a next one" },
        { VR_DATA + 0x1000, 0, 4, 0, "table of 0 bytes" },
        { VR_DATA + 0x1000, 17, 4, 0, "table of 17 bytes" },
        { VR_DATA + 0x1000, 16 * 1025, 4, 0, "table of 16400 bytes" },
        { VR_DATA + 0x1000, UINT32_MAX & ~15u, 4, 0, "descriptors of 16 bytes are possible" },
        { POKE_BASE, 16, 4, 0, "not in RAM" },
        { UINT64_MAX - 7, 32, 4, 0, "not in RAM" },
    };
    for (int i = 4; i < 6; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(bad); k++) {
            Vr t;
            echo_new(&t, kind_of(i) | VIRTIO_F(3));
            uint16_t flags = (uint16_t)(bad[k].flags | (t.packed ? 1 << 7 : 0));
            vr_set_desc(&t, vr_desc(0), 0, bad[k].addr, bad[k].len, t.packed ? 0 : flags, t.packed ? flags : bad[k].next);
            if (!t.packed) {
                vr_avail(&t, 0, 0);
            }
            vr_kick(&t, 0);
            check_broken(&t, bad[k].text);
            vr_free(&t);
        }
    }
}
END_TEST

START_TEST(test_bad_chains) {
    Vr t;
    echo_new(&t, VIRTIO_F_INDIRECT);
    vr_set_desc(&t, vr_desc(0), 0, VR_DATA, 1, 1, 0); /* a loop of one */
    vr_avail(&t, 0, 0);
    vr_kick(&t, 0);
    check_broken(&t, "is a loop");
    for (unsigned i = 0; i < SIZE; i++) { /* of all */
        vr_set_desc(&t, vr_desc(0), i, VR_DATA, 1, 1, (uint16_t)((i + 1) % SIZE));
    }
    vr_avail(&t, 0, 3);
    vr_kick(&t, 0);
    check_broken(&t, "is a loop");
    vr_set_desc(&t, vr_desc(0), 0, VR_DATA, 1, 1, SIZE);
    vr_avail(&t, 0, 0);
    vr_kick(&t, 0);
    check_broken(&t, "descriptor 8 is named");
    vr_avail(&t, 0, SIZE);
    vr_kick(&t, 0);
    check_broken(&t, "descriptor 8 is made available");
    vr_set_desc(&t, vr_desc(0), 0, VR_DATA, 1, 3, 1); /* to read behind to write */
    vr_set_desc(&t, vr_desc(0), 1, VR_DATA, 1, 0, 0);
    vr_avail(&t, 0, 0);
    vr_kick(&t, 0);
    check_broken(&t, "to read behind one to write");
    vr_set_desc(&t, VR_DATA + 0x1000, 0, VR_DATA + 0x1000, 16, 4, 0); /* a table in itself */
    vr_set_desc(&t, vr_desc(0), 0, VR_DATA + 0x1000, 16, 4, 0);
    vr_avail(&t, 0, 0);
    vr_kick(&t, 0);
    check_broken(&t, "inside another");
    vr_set_desc(&t, VR_DATA + 0x1000, 0, VR_DATA, 1, 1, 2); /* a next one outside the table */
    vr_set_desc(&t, vr_desc(0), 0, VR_DATA + 0x1000, 32, 4, 0);
    vr_avail(&t, 0, 0);
    vr_kick(&t, 0);
    check_broken(&t, "descriptor 2 is named");
    vr_put(&t, vr_driver(0) + 2, 2, (uint16_t)(t.q[0].avail + SIZE + 1));
    vr_kick(&t, 0);
    check_broken(&t, "index is 9 ahead");
    vr_put(&t, vr_driver(0) + 2, 2, (uint16_t)(t.q[0].avail - 1));
    vr_kick(&t, 0);
    check_broken(&t, "index is 65535 ahead");
    vr_free(&t);
}
END_TEST

/* The same memory a thousand times is allowed, and costs nothing. */
START_TEST(test_many_bytes) {
    for (int i = 4; i < 6; i++) {
        Vr t;
        VrBuffer many[1024];
        echo_new(&t, kind_of(i) | VIRTIO_F(3));
        for (unsigned k = 0; k < 1024; k++) {
            many[k] = (VrBuffer){ POKE_RAM, POKE_RAM_SIZE, false };
        }
        vr_add(&t, 0, 0, many, 1024, VR_DATA + 0x1000);
        vr_kick(&t, 0);
        ck_assert_uint_eq(echo_of(&t)->taken, 1);
        ck_assert(!(peek(&t.p, VR_STATUS) & VIRTIO_NEEDS_RESET));
        vr_free(&t);
    }
}
END_TEST

START_TEST(test_bad_packed) {
    Vr t;
    echo_new(&t, VIRTIO_F_PACKED | VIRTIO_F_INDIRECT);
    for (unsigned i = 0; i < SIZE; i++) {
        vr_set_desc(&t, vr_desc(0), i, VR_DATA, 1, 0, 1 | 1 << 7);
    }
    vr_kick(&t, 0);
    check_broken(&t, "is a loop");
    unsigned at = t.q[0].at;
    vr_set_desc(&t, vr_desc(0), at, VR_DATA, 1, 0, 1 | 1 << 7);
    vr_set_desc(&t, vr_desc(0), at + 1, VR_DATA, 16, 0, 4 | 1 << 7);
    vr_kick(&t, 0);
    check_broken(&t, "one in front of it");
    vr_free(&t);
}
END_TEST

START_TEST(test_bad_rings) {
    static const struct { uint64_t desc, driver, device; unsigned size; bool packed; const char *text; } bad[] = {
        { 0, 1, 2, SIZE, false, "descriptors of queue 0 at 0x0" },
        { 1, 1, 2, SIZE, false, "not aligned to 16" },
        { 0, 1, 2, 2 * SIZE, false, "queue 0 of 16 entries" },
        { 0, 1, 2, 0, false, "queue 0 of 0 entries" },
        { 0, 1, 2, 7, false, "no power of two" },
        { 0, 1, 2, UINT32_MAX, false, "of 4294967295 entries" },
    };
    for (size_t k = 0; k < G_N_ELEMENTS(bad); k++) {
        Vr t;
        echo_new(&t, 0);
        vr_negotiate(&t, VIRTIO_F(3));
        t.size = bad[k].size;
        vr_place(&t, 0, k == 1 ? POKE_RAM + 8 : k ? POKE_RAM : 0, POKE_RAM + 0x1000, POKE_RAM + 0x2000);
        ck_assert_uint_eq(peek(&t.p, 0x044), 0);
        ck_assert_msg(vr_broken(&t, bad[k].text), "%s", t.p.text);
        vr_free(&t);
    }
    static const uint64_t places[] = { POKE_BASE, POKE_RAM + POKE_RAM_SIZE - 2, UINT64_MAX - 3, 0 };
    for (unsigned packed = 0; packed < 2; packed++) {
        for (unsigned area = 0; area < 3; area++) {
            for (size_t k = 0; k < G_N_ELEMENTS(places); k++) {
                Vr t;
                uint64_t at[] = { POKE_RAM, POKE_RAM + 0x1000, POKE_RAM + 0x2000 };
                echo_new(&t, 0);
                vr_negotiate(&t, VIRTIO_F(3) | (packed ? VIRTIO_F_PACKED : 0));
                at[area] = places[k];
                vr_place(&t, 0, at[0], at[1], at[2]);
                ck_assert_uint_eq(peek(&t.p, 0x044), 0);
                ck_assert_msg(vr_broken(&t, "is not in RAM"), "%s", t.p.text);
                vr_free(&t);
            }
        }
    }
}
END_TEST

START_TEST(test_odd_registers) {
    Vr t;
    echo_new(&t, ALL);
    poke(&t.p, VR_NOTIFY, 2);
    poke(&t.p, VR_NOTIFY, UINT32_MAX);
    poke(&t.p, 0x030, QUEUES);
    ck_assert_uint_eq(peek(&t.p, 0x034), 0);
    poke(&t.p, 0x044, 1);
    poke(&t.p, 0x080, 1);
    poke(&t.p, 0x030, 0);
    poke(&t.p, 0x038, 4); /* of a queue in use */
    ck_assert(poke_logged(&t.p, "which is in use"));
    poke(&t.p, 0x014, 2);
    ck_assert_uint_eq(peek(&t.p, 0x010), 0);
    ask(&t, 0, 0, 0);
    vr_kick(&t, 0);
    check_answer(&t, 0, 0, 4);
    vr_free(&t);
}
END_TEST

POKE_MAIN("virtio", test_negotiation, test_config_space, test_echo, test_many_turns, test_dirty_memory, test_no_interrupt,
          test_event_index, test_notifications, test_before_driver_ok, test_edges, test_reset_in_between, test_legacy,
          test_bad_descriptors, test_bad_indirect, test_bad_chains, test_many_bytes, test_bad_packed, test_bad_rings,
          test_odd_registers)
