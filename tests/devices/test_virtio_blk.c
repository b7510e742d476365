/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_blk.c - the block device with an image in memory that fails and waits when it is told to: requests, their
 * errors, resets and saved states in the middle of them, and virtual time.
 */
#include <errno.h>

#include "tests/devices/vring.h"

enum { SECTORS = 64, SIZE = 16, IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, NONE = 0xee };

/* -- the image -- */

typedef struct Image {
    uint8_t bytes[SECTORS * 512];
    int write_error, read_error; /* what every access fails with */
    unsigned writes, flushes, discards, zeros, unmapped;
    unsigned flushed_writes;     /* writes when the last flush came */
    GMutex lock;
    GCond cond;
    bool wait, waiting;          /* a read waits at the gate */
    unsigned stops;
    char *message;
} Image;

static int image_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    Image *i = opaque;
    g_mutex_lock(&i->lock);
    while (i->wait) {
        i->waiting = true;
        g_cond_broadcast(&i->cond);
        g_cond_wait(&i->cond, &i->lock);
    }
    g_mutex_unlock(&i->lock);
    memcpy(buffer, i->bytes + offset, size);
    return i->read_error;
}

static int image_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    Image *i = opaque;
    if (i->write_error) {
        return i->write_error;
    }
    memcpy(i->bytes + offset, buffer, size);
    i->writes++;
    return 0;
}

static int image_flush(void *opaque) {
    Image *i = opaque;
    i->flushes++;
    i->flushed_writes = i->writes;
    return 0;
}

static int image_discard(void *opaque, uint64_t offset, uint64_t size) {
    ((Image *)opaque)->discards++;
    return 0;
}

static int image_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    Image *i = opaque;
    i->zeros++;
    i->unmapped += unmap;
    memset(i->bytes + offset, 0, size);
    return i->write_error;
}

static void image_close(void *opaque) {
}

static const BlockDriver image_driver = { "test", image_read, image_write, image_flush, image_discard, image_zero,
                                          image_close };

static void stopped(void *opaque, const char *message) {
    Image *i = opaque;
    i->stops++;
    g_free(i->message);
    i->message = g_strdup(message);
}

/* -- a disk with it -- */

typedef struct Disk {
    Vr t;
    Image image;
    Block *block;
    unsigned next; /* slot of the next request */
} Disk;

static void disk_new(Disk *d, const BlockOptions *options, const VirtioBlkConfig *config) {
    BlockOptions o = options ? *options : (BlockOptions){ .write_error = BLOCK_REPORT, .read_error = BLOCK_REPORT };
    VirtioBlkConfig c = { .queues = 1, .queue_size = SIZE, .logical = 512, .physical = 512, .serial = "disk-1",
                          .discard = true, .write_zeroes = true };
    memset(d, 0, sizeof *d);
    o.id = "d0";
    o.path = "/image";
    c = config ? *config : c;
    d->block = c.block = block_new(&image_driver, &d->image, sizeof d->image.bytes, &o);
    block_set_user(d->block, stopped, &d->image);
    for (unsigned i = 0; i < sizeof d->image.bytes; i++) {
        d->image.bytes[i] = (uint8_t)(i / 512);
    }
    vr_new(&d->t, &device_virtio_blk, &c, SIZE);
}

static void disk_free(Disk *d) {
    vr_free(&d->t);
    block_free(d->block);
    g_free(d->image.message);
}

static void settle(Disk *d) {
    d->t.dev->cls->quiesce(d->t.dev);
}

/* A place in RAM for each request: head, data, status. */
static uint64_t place(unsigned slot) {
    return VR_DATA + 0x4000 * slot;
}
static uint8_t *data(Disk *d, unsigned slot) {
    return vr_host(&d->t, place(slot) + 0x1000);
}
static uint8_t status(Disk *d, unsigned slot) {
    return *vr_host(&d->t, place(slot) + 0x3000);
}

/* Adds a request and notifies; returns its slot. */
static unsigned request(Disk *d, uint32_t type, uint64_t sector, uint32_t size) {
    unsigned slot = d->next++ % 8;
    bool in = type == IN || type == GET_ID;
    uint64_t table = d->t.indirect ? place(slot) + 0x3800 : 0;
    vr_put(&d->t, place(slot), 4, type);
    vr_put(&d->t, place(slot) + 8, 8, sector);
    *vr_host(&d->t, place(slot) + 0x3000) = NONE;
    const VrBuffer b[] = { { place(slot), 16, false }, { place(slot) + 0x1000, size, in }, { place(slot) + 0x3000, 1, true } };
    if (size) {
        vr_add(&d->t, 0, (uint16_t)(3 * slot % SIZE), b, 3, table);
    } else {
        const VrBuffer two[] = { b[0], b[2] };
        vr_add(&d->t, 0, (uint16_t)(3 * slot % SIZE), two, 2, table);
    }
    vr_kick(&d->t, 0);
    return slot;
}

/* The same, and waits: the status. */
static unsigned done(Disk *d, uint32_t type, uint64_t sector, uint32_t size) {
    unsigned slot = request(d, type, sector, size);
    uint16_t id;
    uint32_t len;
    settle(d);
    ck_assert(vr_used(&d->t, 0, 1, &id, &len));
    ck_assert_uint_eq(id, 3 * slot % SIZE);
    ck_assert_uint_eq(len, type == IN || type == GET_ID ? size + 1 : 1);
    vr_interrupt(&d->t, VIRTIO_INT_QUEUE);
    return status(d, slot);
}

#define WANTED (VIRTIO_F_INDIRECT | VIRTIO_F(9) | VIRTIO_F(13) | VIRTIO_F(14))

/* -- requests -- */

START_TEST(test_config) {
    Disk d;
    VirtioBlkConfig c = { .queues = 3, .queue_size = 64, .logical = 4096, .physical = 16384 };
    disk_new(&d, NULL, &c);
    ck_assert_uint_eq(peek(&d.t.p, 0x100), SECTORS);
    ck_assert_uint_eq(peek(&d.t.p, 0x10c), 62);
    ck_assert_uint_eq(peek(&d.t.p, 0x114), 4096);
    ck_assert_uint_eq(peek_at(&d.t.p, POKE_BASE + 0x118, 1, 0), 2);
    ck_assert_uint_eq(peek_at(&d.t.p, POKE_BASE + 0x122, 2, 0), 3);
    ck_assert_uint_eq(peek_at(&d.t.p, POKE_BASE + 0x120, 1, 0), 1);
    ck_assert_uint_eq(peek(&d.t.p, 0x034), 64);
    uint64_t offered = ((VirtioDevice *)d.t.dev)->offered;
    ck_assert(!(offered & VIRTIO_F(5)) && (offered & VIRTIO_F(12)) && !(offered & VIRTIO_F(13)));
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .read_only = true, .cache = BLOCK_WRITETHROUGH }, NULL);
    offered = ((VirtioDevice *)d.t.dev)->offered;
    ck_assert((offered & VIRTIO_F(5)) && !(offered & VIRTIO_F(11)) && !(offered & VIRTIO_F(12)));
    disk_free(&d);
}
END_TEST

START_TEST(test_requests) {
    for (int packed = 0; packed < 2; packed++) {
        Disk d;
        VirtioBlkConfig c = { .queues = 1, .queue_size = SIZE, .logical = 512, .physical = 512, .serial = "disk-1",
                              .discard = true, .write_zeroes = true, .virtio.packed = packed };
        disk_new(&d, NULL, &c);
        vr_start(&d.t, WANTED | VIRTIO_F_PACKED, 1);
        ck_assert_int_eq(d.t.packed, packed);
        for (unsigned n = 0; n < 50; n++) {
            unsigned sector = n * 7 % (SECTORS - 4);
            ck_assert_uint_eq(done(&d, IN, sector, 2048), OK);
            ck_assert(!memcmp(data(&d, (d.next - 1) & 7), d.image.bytes + 512 * sector, 2048));
            memset(data(&d, d.next & 7), (int)n + 100, 1024);
            ck_assert_uint_eq(done(&d, OUT, sector + 1, 1024), OK);
            ck_assert(d.image.bytes[512 * (sector + 1)] == n + 100 && d.image.bytes[512 * (sector + 3) - 1] == n + 100);
        }
        ck_assert_uint_eq(d.image.flushes, 0);
        ck_assert_uint_eq(done(&d, FLUSH, 0, 0), OK);
        ck_assert_uint_eq(d.image.flushes, 1);
        memset(data(&d, d.next & 7), 'x', 21);
        ck_assert_uint_eq(done(&d, GET_ID, 0, 20), OK);
        ck_assert(!memcmp(data(&d, (d.next - 1) & 7), "disk-1\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 21));
        disk_free(&d);
    }
}
END_TEST

START_TEST(test_large) {
    Disk d; /* more than one piece: the same 32 KiB of RAM again and again */
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, WANTED, 1);
    VrBuffer b[40] = { { VR_DATA, 16, false } };
    vr_put(&d.t, VR_DATA, 4, OUT);
    vr_put(&d.t, VR_DATA + 8, 8, 0);
    for (unsigned i = 1; i < 3; i++) {
        b[i] = (VrBuffer){ VR_DATA + 0x1000, sizeof d.image.bytes / 2, false };
    }
    b[3] = (VrBuffer){ VR_DATA + 16, 1, true };
    memset(vr_host(&d.t, VR_DATA + 0x1000), 'L', sizeof d.image.bytes / 2);
    vr_add(&d.t, 0, 0, b, 4, VR_DATA + 0x800);
    vr_kick(&d.t, 0);
    settle(&d);
    ck_assert_uint_eq(*vr_host(&d.t, VR_DATA + 16), OK);
    ck_assert(d.image.bytes[0] == 'L' && d.image.bytes[sizeof d.image.bytes - 1] == 'L');
    disk_free(&d);
}
END_TEST

START_TEST(test_bad_requests) {
    Disk d;
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(done(&d, IN, SECTORS, 512), IOERR);
    ck_assert_uint_eq(done(&d, IN, SECTORS - 1, 1024), IOERR);
    ck_assert_uint_eq(done(&d, OUT, UINT64_MAX, 512), IOERR);
    ck_assert_uint_eq(done(&d, OUT, UINT64_MAX / 512 + 1, 512), IOERR);
    ck_assert_uint_eq(done(&d, OUT, 0, 513), IOERR);
    ck_assert_uint_eq(done(&d, OUT, 0, 511), IOERR);
    ck_assert_uint_eq(done(&d, 77, 0, 0), UNSUPP);
    ck_assert_uint_eq(done(&d, 0x80000000, 0, 512), OK); /* a read; the bit does not count */
    ck_assert_uint_eq(done(&d, UINT32_MAX, 0, 512), UNSUPP);
    ck_assert_uint_eq(done(&d, DISCARD, 0, 15), IOERR);
    ck_assert_uint_eq(done(&d, DISCARD, 0, 0), IOERR);
    ck_assert_uint_eq(done(&d, ZEROES, 0, 16 * 17), IOERR);
    ck_assert_uint_eq(d.image.writes, 0);
    ck_assert_uint_eq(done(&d, IN, 0, 512), OK);
    const VrBuffer short_head = { VR_DATA, 15, false }, no_status = { VR_DATA, 16, false };
    vr_add(&d.t, 0, 0, &short_head, 1, 0);
    vr_kick(&d.t, 0);
    ck_assert(vr_broken(&d.t, "without a header"));
    vr_start(&d.t, WANTED, 1);
    vr_add(&d.t, 0, 0, &no_status, 1, 0);
    vr_kick(&d.t, 0);
    ck_assert(vr_broken(&d.t, "a place for its status"));
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .read_only = true }, NULL);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(done(&d, OUT, 0, 512), IOERR);
    ck_assert_uint_eq(done(&d, IN, 0, 512), OK);
    disk_free(&d);
}
END_TEST

static unsigned erase(Disk *d, uint32_t type, uint64_t sector, uint32_t count, uint32_t flags) {
    unsigned slot = d->next & 7;
    vr_put(&d->t, place(slot) + 0x1000, 8, sector);
    vr_put(&d->t, place(slot) + 0x1008, 4, count);
    vr_put(&d->t, place(slot) + 0x100c, 4, flags);
    return done(d, type, 0, 16);
}

START_TEST(test_erasing) {
    Disk d;
    disk_new(&d, &(BlockOptions){ .discard = true }, NULL);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(erase(&d, ZEROES, 3, 2, 0), OK);
    ck_assert(d.image.bytes[512 * 3] == 0 && d.image.bytes[512 * 5 - 1] == 0 && d.image.bytes[512 * 5] == 5);
    ck_assert_uint_eq(erase(&d, ZEROES, 3, 2, 1), OK);
    ck_assert_uint_eq(d.image.unmapped, 1);
    ck_assert_uint_eq(erase(&d, DISCARD, 10, 2, 0), OK);
    ck_assert_uint_eq(d.image.discards, 1);
    ck_assert_uint_eq(erase(&d, DISCARD, 10, 2, 1), UNSUPP);
    ck_assert_uint_eq(erase(&d, ZEROES, 10, 2, 2), UNSUPP);
    ck_assert_uint_eq(erase(&d, ZEROES, SECTORS - 1, 2, 0), IOERR);
    ck_assert_uint_eq(erase(&d, DISCARD, UINT64_MAX, 2, 0), IOERR);
    ck_assert_uint_eq(erase(&d, ZEROES, 0, UINT32_MAX, 0), IOERR);
    disk_free(&d);
    disk_new(&d, NULL, NULL); /* discard=ignore */
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(erase(&d, DISCARD, 10, 2, 0), OK);
    ck_assert_uint_eq(erase(&d, ZEROES, 3, 2, 1), OK);
    ck_assert_uint_eq(d.image.discards + d.image.unmapped, 0);
    disk_free(&d);
}
END_TEST

/* A driver that cannot flush, or has turned the cache off, gets every write durable. */
START_TEST(test_cache) {
    Disk d;
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, VIRTIO_F_INDIRECT, 1);
    ck_assert_uint_eq(done(&d, OUT, 0, 512), OK);
    ck_assert_uint_eq(d.image.flushed_writes, 1);
    vr_start(&d.t, VIRTIO_F_INDIRECT | VIRTIO_F(11), 1);
    ck_assert_uint_eq(done(&d, OUT, 0, 512), OK);
    ck_assert_uint_eq(d.image.flushed_writes, 1);
    poke_at(&d.t.p, POKE_BASE + 0x120, 1, 0, 0);
    ck_assert_uint_eq(peek_at(&d.t.p, POKE_BASE + 0x120, 1, 0), 0);
    ck_assert_uint_eq(done(&d, OUT, 0, 512), OK);
    ck_assert_uint_eq(d.image.flushed_writes, 3);
    poke(&d.t.p, VR_STATUS, 0);
    ck_assert_uint_eq(peek_at(&d.t.p, POKE_BASE + 0x120, 1, 0), 1);
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .cache = BLOCK_WRITETHROUGH }, NULL);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(done(&d, OUT, 0, 512), OK);
    ck_assert_uint_eq(d.image.flushed_writes, 1);
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .cache = BLOCK_UNSAFE }, NULL);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(done(&d, FLUSH, 0, 0), OK);
    ck_assert_uint_eq(d.image.flushes, 0);
    disk_free(&d);
}
END_TEST

/* -- the host fails -- */

START_TEST(test_report_and_ignore) {
    Disk d;
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, WANTED, 1);
    d.image.write_error = ENOSPC;
    ck_assert_uint_eq(done(&d, OUT, 0, 512), IOERR);
    d.image.read_error = EIO;
    ck_assert_uint_eq(done(&d, IN, 0, 512), IOERR);
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .write_error = BLOCK_IGNORE, .read_error = BLOCK_IGNORE }, NULL);
    vr_start(&d.t, WANTED, 1);
    d.image.write_error = d.image.read_error = EIO;
    ck_assert_uint_eq(done(&d, OUT, 0, 512), OK);
    ck_assert_uint_eq(done(&d, IN, 0, 512), OK);
    ck_assert_uint_eq(d.image.stops, 0);
    disk_free(&d);
    disk_new(&d, &(BlockOptions){ .write_error = BLOCK_ON_ENOSPC }, NULL);
    vr_start(&d.t, WANTED, 1);
    d.image.write_error = EIO;
    ck_assert_uint_eq(done(&d, OUT, 0, 512), IOERR);
    disk_free(&d);
}
END_TEST

START_TEST(test_stop_and_go_on) {
    Disk d;
    uint16_t id;
    uint32_t len;
    disk_new(&d, &(BlockOptions){ .write_error = BLOCK_ON_ENOSPC, .read_error = BLOCK_STOP }, NULL);
    vr_start(&d.t, WANTED, 1);
    d.image.write_error = ENOSPC;
    memset(data(&d, 0), 'a', 512);
    memset(data(&d, 1), 'b', 512);
    request(&d, OUT, 1, 512);
    request(&d, OUT, 2, 512);
    settle(&d);
    ck_assert_uint_eq(d.image.stops, 2);
    ck_assert_ptr_nonnull(strstr(d.image.message, "drive 'd0': cannot write to '/image': No space left on device; the "
                                                  "machine is paused\nmake room on the host"));
    ck_assert(!vr_used(&d.t, 0, 1, &id, &len));
    d.t.dev->cls->resumed(d.t.dev); /* still full */
    settle(&d);
    ck_assert_uint_eq(d.image.stops, 4);
    d.image.write_error = 0;
    d.t.dev->cls->resumed(d.t.dev);
    settle(&d);
    ck_assert(vr_used(&d.t, 0, 1, &id, &len) && vr_used(&d.t, 0, 1, &id, &len));
    ck_assert(status(&d, 0) == OK && status(&d, 1) == OK);
    ck_assert(d.image.bytes[512] == 'a' && d.image.bytes[1024] == 'b');
    d.image.read_error = EIO;
    request(&d, IN, 1, 512);
    settle(&d);
    ck_assert_ptr_nonnull(strstr(d.image.message, "cannot read from '/image': Input/output error"));
    poke(&d.t.p, VR_STATUS, 0); /* forgets it */
    vr_start(&d.t, WANTED, 1);
    d.image.read_error = 0;
    d.t.dev->cls->resumed(d.t.dev);
    settle(&d);
    ck_assert(!vr_used(&d.t, 0, 1, &id, &len));
    ck_assert_uint_eq(status(&d, 2), NONE);
    ck_assert_uint_eq(done(&d, IN, 0, 512), OK);
    disk_free(&d);
}
END_TEST

/* A flush that failed once never succeeds: what the host dropped then is lost. */
static int bad_flush(void *opaque) {
    return ((Image *)opaque)->flushes++ ? 0 : EIO;
}

START_TEST(test_failed_flush) {
    static const BlockDriver driver = { "test", image_read, image_write, bad_flush, image_discard, image_zero, image_close };
    static Image image;
    Block *b = block_new(&driver, &image, 1024, &(BlockOptions){ .id = "x" });
    block_set_user(b, stopped, &image);
    ck_assert_int_eq(block_failed(b, true, ENOSPC), BLOCK_STOP);
    ck_assert_int_eq(block_flush(b), EIO);
    ck_assert_int_eq(block_flush(b), EIO);
    ck_assert_uint_eq(image.flushes, 1);
    ck_assert_int_eq(block_failed(b, true, EIO), BLOCK_REPORT);
    ck_assert_int_eq(block_failed(b, true, ENOSPC), BLOCK_REPORT);
    ck_assert_uint_eq(image.stops, 1);
    block_free(b);
}
END_TEST

/* -- in the middle of a request -- */

/* A read that does not come back, until `open_gate`. */
static void stuck(Disk *d) {
    d->image.wait = true;
    d->image.waiting = false;
    memset(data(d, d->next % 8), '-', 512);
    request(d, IN, 1, 512);
    g_mutex_lock(&d->image.lock);
    while (!d->image.waiting) {
        g_cond_wait(&d->image.cond, &d->image.lock);
    }
    g_mutex_unlock(&d->image.lock);
}

static void open_gate(Disk *d) {
    g_mutex_lock(&d->image.lock);
    d->image.wait = false;
    g_cond_broadcast(&d->image.cond);
    g_mutex_unlock(&d->image.lock);
}

/* A reset does not wait for the host; requests that follow do: an old write must not come after a new one. */
START_TEST(test_reset_in_the_middle) {
    Disk d;
    uint16_t id;
    uint32_t len;
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, WANTED, 1);
    stuck(&d);
    poke(&d.t.p, VR_STATUS, 0);
    vr_start(&d.t, WANTED, 1);
    memset(data(&d, 1), 'n', 512);
    request(&d, OUT, 1, 512);
    g_usleep(50000);
    ck_assert_uint_eq(status(&d, 1), NONE);
    ck_assert_uint_eq(d.image.writes, 0);
    open_gate(&d);
    settle(&d);
    ck_assert(*data(&d, 0) == '-' && status(&d, 0) == NONE);
    ck_assert(vr_used(&d.t, 0, 1, &id, &len) && status(&d, 1) == OK);
    ck_assert_uint_eq(d.image.bytes[512], 'n');
    ck_assert_uint_eq(done(&d, IN, 1, 512), OK);
    disk_free(&d);
}
END_TEST

/* A pause waits for the host a little and no longer. Until the machine goes on the guest sees nothing of the answer. */
START_TEST(test_pause_in_the_middle) {
    Disk d;
    uint16_t id;
    uint32_t len;
    disk_new(&d, NULL, NULL);
    vr_start(&d.t, WANTED, 1);
    stuck(&d);
    settle(&d);
    settle(&d);
    open_gate(&d);
    g_usleep(50000);
    ck_assert(*data(&d, 0) == '-' && status(&d, 0) == NONE);
    ck_assert_uint_eq(vr_get(&d.t, vr_device(0) + 2, 2), 0);
    d.t.dev->cls->resumed(d.t.dev);
    settle(&d);
    ck_assert(vr_used(&d.t, 0, 1, &id, &len) && status(&d, 0) == OK);
    ck_assert_uint_eq(*data(&d, 0), 1);
    stuck(&d); /* a reset while it is paused */
    settle(&d);
    poke(&d.t.p, VR_STATUS, 0);
    open_gate(&d);
    d.t.dev->cls->resumed(d.t.dev);
    vr_start(&d.t, WANTED, 1);
    ck_assert_uint_eq(done(&d, IN, 2, 512), OK);
    ck_assert_uint_eq(*data(&d, 1), '-');
    disk_free(&d);
}
END_TEST

static void append(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    g_byte_array_append(opaque, bytes, (guint)size);
}
typedef struct Input {
    const uint8_t *at;
} Input;
static void take(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    Input *in = opaque;
    memcpy(bytes, in->at, size);
    in->at += size;
}

/* RAM and state of one disk in another, whose image is its own. */
static void move_state(Disk *from, Disk *to) {
    GByteArray *state = g_byte_array_new();
    device_state_walk(from->t.dev, append, state);
    Input in = { state->data };
    device_state_walk(to->t.dev, take, &in);
    memcpy(ram_host(to->t.p.ram), ram_host(from->t.p.ram), POKE_RAM_SIZE);
    device_lock(to->t.dev);
    to->t.dev->cls->restored(to->t.dev);
    device_unlock(to->t.dev);
    memcpy(to->t.q, from->t.q, sizeof to->t.q);
    to->t.size = SIZE;
    to->t.packed = from->t.packed;
    to->t.event = from->t.event;
    to->t.indirect = from->t.indirect;
    to->next = from->next;
    g_byte_array_unref(state);
}

/* A pair of disks with split or packed rings, direct or indirect descriptors. */
static void pair_new(Disk *d, Disk *e, unsigned kind) {
    const BlockOptions o = { .write_error = BLOCK_STOP };
    VirtioBlkConfig c = { .queues = 1, .queue_size = SIZE, .logical = 512, .physical = 512, .virtio.packed = kind & 1 };
    disk_new(d, &o, &c);
    disk_new(e, &o, &c);
    vr_start(&d->t, (kind & 2 ? VIRTIO_F_INDIRECT : 0) | VIRTIO_F(9) | VIRTIO_F_PACKED, 1);
    ck_assert_int_eq(d->t.packed, kind & 1);
}

static unsigned slots(const Disk *d) {
    return d->t.indirect ? 1 : 3;
}

/* What is held begins again in another machine. The reads that came back in between have overwritten descriptors of a
 * packed ring. */
static void saved_in_the_middle(unsigned kind) {
    Disk d, e;
    uint16_t id;
    uint32_t len;
    pair_new(&d, &e, kind);
    d.image.write_error = EIO;
    for (unsigned n = 0; n < 2; n++) {
        memset(data(&d, 2 * n), 'S' + (int)n, 512);
        request(&d, OUT, 1 + n, 512);
        settle(&d);
        ck_assert_uint_eq(d.image.stops, n + 1);
        unsigned slot = request(&d, IN, 1, 512);
        settle(&d);
        ck_assert(vr_used(&d.t, 0, slots(&d), &id, &len) && id == 3 * slot % SIZE);
    }
    move_state(&d, &e);
    ck_assert_uint_eq(e.image.bytes[512], 1);
    e.t.dev->cls->resumed(e.t.dev);
    settle(&e);
    uint32_t ids = 0;
    for (unsigned n = 0; n < 2; n++) {
        ck_assert(vr_used(&e.t, 0, slots(&e), &id, &len));
        ids |= 1u << id;
    }
    ck_assert_uint_eq(ids, 1u << 0 | 1u << 6);
    ck_assert(status(&e, 0) == OK && status(&e, 2) == OK);
    ck_assert(e.image.bytes[512] == 'S' && e.image.bytes[1023] == 'S' && e.image.bytes[1024] == 'T');
    for (unsigned n = 0; n < 20; n++) {
        unsigned slot = request(&e, IN, n % 3, 512);
        settle(&e);
        ck_assert(vr_used(&e.t, 0, slots(&e), &id, &len) && status(&e, slot) == OK);
    }
    disk_free(&e);
    disk_free(&d);
}

START_TEST(test_saved_in_the_middle) {
    for (unsigned kind = 0; kind < 4; kind++) {
        saved_in_the_middle(kind);
    }
}
END_TEST

/* The same of what the host works on: it does not answer at all. */
static void saved_while_stuck(unsigned kind) {
    Disk d, e;
    uint16_t id;
    uint32_t len;
    pair_new(&d, &e, kind);
    stuck(&d);
    settle(&d);
    move_state(&d, &e);
    e.t.dev->cls->resumed(e.t.dev);
    settle(&e);
    ck_assert(vr_used(&e.t, 0, slots(&e), &id, &len) && id == 0 && len == 513 && status(&e, 0) == OK);
    ck_assert_uint_eq(*data(&e, 0), 1);
    ck_assert_uint_eq(*data(&d, 0), '-');
    open_gate(&d);
    disk_free(&e);
    disk_free(&d);
}

START_TEST(test_saved_while_stuck) {
    for (unsigned kind = 0; kind < 4; kind++) {
        saved_while_stuck(kind);
    }
}
END_TEST

/* Whatever a file says, a loaded device does no harm. */
START_TEST(test_damaged_states) {
    uint32_t random = 7;
    for (unsigned n = 0; n < 2000; n++) {
        Disk d, e;
        disk_new(&d, NULL, NULL);
        disk_new(&e, NULL, NULL);
        vr_start(&d.t, WANTED, 1);
        request(&d, IN, 1, 512);
        settle(&d);
        GByteArray *state = g_byte_array_new();
        device_state_walk(d.t.dev, append, state);
        for (unsigned k = 0; k < 40; k++) {
            random = random * 1664525 + 1013904223;
            uint32_t limit = n % 2 ? 400 : state->len; /* the first queues, or anything */
            state->data[(random >> 8) % limit] = (uint8_t)(random >> 4 & 1 ? random : random & 3);
        }
        Input in = { state->data };
        device_state_walk(e.t.dev, take, &in);
        device_lock(e.t.dev);
        e.t.dev->cls->restored(e.t.dev);
        device_unlock(e.t.dev);
        e.t.dev->cls->resumed(e.t.dev);
        for (unsigned q = 0; q < 3; q++) {
            poke(&e.t.p, VR_NOTIFY, q);
        }
        settle(&e);
        g_byte_array_unref(state);
        disk_free(&e);
        disk_free(&d);
    }
}
END_TEST

/* -- virtual time -- */

static uint64_t virtual_now;
static uint64_t now(void *opaque) {
    return virtual_now;
}

static void pass(Disk *d, uint64_t to) {
    virtual_now = to;
    clock_advanced(d->t.p.clk);
    while (g_main_context_iteration(d->t.p.context, FALSE)) {
    }
}

START_TEST(test_virtual_time) {
    Disk d;
    uint16_t id;
    uint32_t len;
    VirtioBlkConfig c = { .queues = 1, .queue_size = SIZE, .logical = 512, .physical = 512 };
    memset(&d, 0, sizeof d);
    d.block = c.block = block_new(&image_driver, &d.image, sizeof d.image.bytes, &(BlockOptions){ .id = "d" });
    poke_new(&d.t.p, &device_virtio_mmio, NULL);
    virtual_now = 0;
    clock_use(d.t.p.clk, now, NULL);
    clock_set(d.t.p.clk, 0);
    d.t.dev = device_new(&device_virtio_blk, "d", &(DeviceEnv){ d.t.p.bus, d.t.p.clk, &d.t.p.log }, &c, NULL);
    ck_assert(virtio_mmio_plug(d.t.p.d, d.t.dev));
    d.t.size = SIZE;
    vr_start(&d.t, WANTED, 1);
    request(&d, IN, 0, 512);
    request(&d, IN, 4, 1024);
    ck_assert_uint_eq(clock_next_deadline(d.t.p.clk), 100512);
    pass(&d, 100511);
    ck_assert(!vr_used(&d.t, 0, 1, &id, &len));
    pass(&d, 100512);
    ck_assert(vr_used(&d.t, 0, 1, &id, &len) && id == 0 && !vr_used(&d.t, 0, 1, &id, &len));
    ck_assert_uint_eq(clock_next_deadline(d.t.p.clk), 100512 + 101024);
    settle(&d);
    pass(&d, 300000);
    ck_assert(vr_used(&d.t, 0, 1, &id, &len) && id == 3);
    request(&d, OUT, 0, 512);
    ck_assert_uint_eq(clock_next_deadline(d.t.p.clk), 400512);
    poke(&d.t.p, VR_STATUS, 0);
    ck_assert_uint_eq(clock_next_deadline(d.t.p.clk), CLOCK_NEVER);
    disk_free(&d);
}
END_TEST

POKE_MAIN("virtio_blk", test_config, test_requests, test_large, test_bad_requests, test_erasing, test_cache,
          test_report_and_ignore, test_stop_and_go_on, test_failed_flush, test_reset_in_the_middle,
          test_pause_in_the_middle, test_saved_in_the_middle, test_saved_while_stuck, test_damaged_states, test_virtual_time)
