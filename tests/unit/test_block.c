/* SPDX-License-Identifier: MIT */
/*
 * test_block.c - images on the host: what opening says, odd sizes, locks, temporary layers, and that a flush is honest:
 * every write and fdatasync of raw.c is recorded here, and after a crash at any moment the image holds what was flushed.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/block/block.h"

static char *folder;

static void setup(void) {
    folder = g_dir_make_tmp("yado-test-XXXXXX", NULL);
}

static void teardown(void) {
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_remove(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
}

static char *make(const char *name, const char *content, off_t size) {
    char *path = g_build_filename(folder, name, NULL);
    ck_assert(g_file_set_contents(path, content, -1, NULL) && truncate(path, size) == 0);
    return path;
}

static Block *open_it(const char *path, BlockOptions o) {
    g_autoptr(GError) error = NULL;
    o.id = "d";
    o.path = path;
    Block *b = block_open(&o, &error);
    ck_assert_msg(b != NULL, "%s", error ? error->message : "");
    return b;
}

static void fails(const char *path, BlockOptions o, int code, const char *part) {
    g_autoptr(GError) error = NULL;
    o.id = "d";
    o.path = path;
    ck_assert_ptr_null(block_open(&o, &error));
    ck_assert_msg(strstr(error->message, part) && strstr(error->message, path), "%s", error->message);
    ck_assert_msg(g_error_matches(error, G_IO_ERROR, code), "%d: %s", error->code, error->message);
}

/* -- opening -- */

START_TEST(test_refused) {
    const BlockOptions o = { .cache = BLOCK_WRITEBACK };
    g_autofree char *empty = make("empty", "", 0), *qcow2 = make("a", "QFI\xfb", 4096), *vmdk = make("b", "KDMV", 4096);
    g_autofree char *fifo = g_build_filename(folder, "fifo", NULL);
    mkfifo(fifo, 0600);
    fails("/nonexistent/x", o, G_IO_ERROR_NOT_FOUND, "for writing: No such file or directory\n'truncate");
    fails(folder, o, G_IO_ERROR_IS_DIRECTORY, "is a directory");
    fails(empty, o, G_IO_ERROR_INVALID_DATA, "is empty");
    fails(fifo, o, G_IO_ERROR_INVALID_DATA, "neither a file nor a block device");
    fails("/dev/null", o, G_IO_ERROR_INVALID_DATA, "neither a file nor a block device");
    fails(qcow2, o, G_IO_ERROR_INVALID_DATA, "begins like format qcow2, which does not exist yet");
    fails(vmdk, o, G_IO_ERROR_INVALID_DATA, "begins like format VMDK");
    block_free(open_it(qcow2, (BlockOptions){ .any_content = true }));
}
END_TEST

START_TEST(test_locks) {
    g_autofree char *path = make("image", "x", 4096);
    const BlockOptions rw = { .read_only = false }, ro = { .read_only = true }, snapshot = { .snapshot = true };
    Block *b = open_it(path, rw);
    fails(path, rw, G_IO_ERROR_BUSY, "is in use by");
    fails(path, ro, G_IO_ERROR_BUSY, "is in use by");
    fails(path, snapshot, G_IO_ERROR_BUSY, "readonly=on or snapshot=on for all");
    block_free(b);
    b = open_it(path, ro);
    Block *c = open_it(path, snapshot);
    fails(path, rw, G_IO_ERROR_BUSY, "is in use by");
    block_free(b);
    fails(path, rw, G_IO_ERROR_BUSY, "is in use by");
    block_free(c);
    block_free(open_it(path, rw));
}
END_TEST

/* -- data -- */

START_TEST(test_odd_size) {
    g_autofree char *path = make("image", "abc", 1000);
    uint8_t buffer[1024], sector[512];
    struct stat st;
    Block *b = open_it(path, (BlockOptions){ .cache = BLOCK_WRITEBACK });
    ck_assert_uint_eq(block_size(b), 1024);
    memset(buffer, 0xff, sizeof buffer);
    ck_assert_int_eq(block_read(b, 0, buffer, 1024), 0);
    ck_assert(!memcmp(buffer, "abc\0", 4) && buffer[999] == 0 && buffer[1000] == 0 && buffer[1023] == 0);
    ck_assert_int_eq(block_read(b, 512, buffer, 1024), EIO);
    ck_assert_int_eq(block_read(b, 1, buffer, 512), EIO);
    ck_assert_int_eq(block_read(b, UINT64_MAX - 511, buffer, 512), EIO);
    memset(sector, 'z', 512);
    ck_assert_int_eq(block_write(b, 512, sector, 512), 0);
    ck_assert_int_eq(block_write(b, 1024, sector, 512), EIO);
    block_free(b);
    ck_assert(stat(path, &st) == 0 && st.st_size == 1024);
    b = open_it(path, (BlockOptions){ .read_only = true });
    ck_assert_int_eq(block_write(b, 0, sector, 512), EROFS);
    ck_assert_int_eq(block_zero(b, 0, 512, false), EROFS);
    ck_assert_int_eq(block_read(b, 512, buffer, 512), 0);
    ck_assert(!memcmp(buffer, sector, 512));
    block_free(b);
}
END_TEST

/* The same random accesses to an image and to an array. */
static void exercise(Block *b, uint8_t *model, uint64_t size, unsigned count) {
    g_autofree uint8_t *buffer = g_malloc(64 << 10);
    GRand *random = g_rand_new_with_seed(5);
    for (unsigned n = 0; n < count; n++) {
        uint64_t sectors = size / 512, at = (uint64_t)g_rand_int_range(random, 0, (gint32)sectors);
        uint64_t wanted = (uint64_t)g_rand_int_range(random, 1, 128), length = MIN(wanted, sectors - at) * 512;
        at *= 512;
        switch (g_rand_int_range(random, 0, 4)) {
        case 0:
            ck_assert_int_eq(block_zero(b, at, length, n & 1), 0);
            memset(model + at, 0, length);
            break;
        case 1:
            memset(buffer, (int)n, length);
            ck_assert_int_eq(block_write(b, at, buffer, length), 0);
            memcpy(model + at, buffer, length);
            break;
        default:
            ck_assert_int_eq(block_read(b, at, buffer, length), 0);
            ck_assert_msg(!memcmp(buffer, model + at, length), "%u: %" G_GUINT64_FORMAT, n, at);
        }
    }
    g_rand_free(random);
}

START_TEST(test_model) {
    static const BlockCache modes[] = { BLOCK_WRITEBACK, BLOCK_NONE, BLOCK_WRITETHROUGH, BLOCK_DIRECTSYNC, BLOCK_UNSAFE };
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        for (int snapshot = 0; snapshot < 2; snapshot++) {
            off_t size = (1 << 20) - 512 * 3;
            g_autofree char *path = make("image", "base", size), *after = NULL;
            g_autofree uint8_t *model = g_malloc0((size_t)size);
            memcpy(model, "base", 4);
            gsize n;
            Block *b = open_it(path, (BlockOptions){ .cache = modes[i], .snapshot = snapshot, .discard = true });
            exercise(b, model, (uint64_t)size, i > 1 ? 200 : 2000);
            block_free(b);
            ck_assert(g_file_get_contents(path, &after, &n, NULL) && n == (gsize)size);
            if (snapshot) {
                memset(model, 0, (size_t)size);
                memcpy(model, "base", 4);
            }
            ck_assert(!memcmp(after, model, (size_t)size));
        }
    }
}
END_TEST

/* -- honest flushes -- */

typedef struct Event {
    bool sync;
    uint64_t offset, size;
    uint8_t *bytes;
} Event;

static GArray *events; /* of Event; NULL: nothing is recorded */
static GMutex events_lock;

/* In place of the C library's (pwrite is pwrite64 here). */
ssize_t pwrite(int fd, const void *buffer, size_t size, off_t offset) {
    if (events) {
        Event e = { .offset = (uint64_t)offset, .size = size, .bytes = g_memdup2(buffer, size) };
        g_mutex_lock(&events_lock);
        g_array_append_val(events, e);
        g_mutex_unlock(&events_lock);
    }
    return syscall(SYS_pwrite64, fd, buffer, size, offset);
}

int fdatasync(int fd) {
    int result = (int)syscall(SYS_fdatasync, fd);
    if (events) {
        Event e = { .sync = true };
        g_mutex_lock(&events_lock);
        g_array_append_val(events, e);
        g_mutex_unlock(&events_lock);
    }
    return result;
}

static void event_clear(gpointer event) {
    g_free(((Event *)event)->bytes);
}

static void record(void) {
    events = g_array_new(FALSE, FALSE, sizeof(Event));
    g_array_set_clear_func(events, event_clear);
}

enum { CRASH_SECTORS = 64, CRASHES = 1000 };

/* The image after a crash behind event `last`: writes in front of the last sync are there; of the others each sector may
 * be there or not. */
static void crash(uint8_t *image, unsigned last, GRand *random) {
    unsigned safe = 0;
    for (unsigned i = 0; i < last; i++) {
        safe = g_array_index(events, Event, i).sync ? i : safe;
    }
    for (unsigned i = 0; i < last; i++) {
        const Event *e = &g_array_index(events, Event, i);
        for (uint64_t at = 0; !e->sync && at < e->size; at += 512) {
            if (i < safe || g_rand_boolean(random)) {
                memcpy(image + e->offset + at, e->bytes + at, 512);
            }
        }
    }
}

/* What a program that waits for its flushes knows: content of sectors, by the number of events when the flush was over. */
typedef struct Promise {
    unsigned events;
    uint8_t sectors[CRASH_SECTORS]; /* the first byte of each */
} Promise;

START_TEST(test_crashes) {
    g_autofree char *path = make("image", "", CRASH_SECTORS * 512);
    GRand *random = g_rand_new_with_seed(11);
    GArray *promises = g_array_new(FALSE, FALSE, sizeof(Promise));
    uint8_t now[CRASH_SECTORS] = { 0 }, buffer[4 * 512];
    Block *b = open_it(path, (BlockOptions){ .cache = BLOCK_WRITEBACK });
    record();
    for (unsigned round = 1; round < 200; round++) {
        for (unsigned k = 0; k < 1 + round % 5; k++) {
            unsigned at = (unsigned)g_rand_int_range(random, 0, CRASH_SECTORS - 3), n = (unsigned)g_rand_int_range(random, 1, 5);
            n = MIN(n, CRASH_SECTORS - at);
            memset(buffer, (int)round, sizeof buffer);
            ck_assert_int_eq(block_write(b, at * 512, buffer, n * 512), 0);
            memset(now + at, (int)round, n);
        }
        ck_assert_int_eq(block_flush(b), 0);
        Promise p = { .events = events->len };
        memcpy(p.sectors, now, sizeof now);
        g_array_append_val(promises, p);
    }
    block_free(b);
    for (unsigned n = 0; n < CRASHES; n++) {
        uint8_t image[CRASH_SECTORS * 512] = { 0 };
        unsigned last = (unsigned)g_rand_int_range(random, 1, (gint32)events->len + 1);
        const Promise *p = NULL;
        crash(image, last, random);
        for (unsigned i = 0; i < promises->len && g_array_index(promises, Promise, i).events <= last; i++) {
            p = &g_array_index(promises, Promise, i);
        }
        for (unsigned s = 0; p && s < CRASH_SECTORS; s++) { /* as promised, or written again since */
            ck_assert_msg(image[s * 512] == p->sectors[s] || (int8_t)(image[s * 512] - p->sectors[s]) > 0,
                          "crash %u behind %u: sector %u is %u, %u was flushed", n, last, s, image[s * 512], p->sectors[s]);
        }
    }
    g_rand_free(random);
    g_array_unref(promises);
    g_array_unref(events);
    events = NULL;
}
END_TEST

/* In modes that promise it, no write returns before it is durable; in unsafe mode nothing is ever synced. */
START_TEST(test_modes_sync) {
    static const struct { BlockCache cache; bool each, flush; } modes[] = {
        { BLOCK_WRITEBACK, false, true }, { BLOCK_NONE, false, true }, { BLOCK_WRITETHROUGH, true, true },
        { BLOCK_DIRECTSYNC, true, true }, { BLOCK_UNSAFE, false, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *path = make("image", "", 8192);
        uint8_t buffer[512] = { 1 };
        Block *b = open_it(path, (BlockOptions){ .cache = modes[i].cache });
        record();
        ck_assert_int_eq(block_write(b, 512, buffer, 512), 0);
        ck_assert_uint_eq(events->len, modes[i].each ? 2 : 1);
        ck_assert_int_eq(block_flush(b), 0);
        ck_assert_int_eq(g_array_index(events, Event, events->len - 1).sync, modes[i].flush);
        g_array_unref(events);
        events = NULL;
        block_free(b);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("block");
    TCase *tc = tcase_create("block");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_refused);
    tcase_add_test(tc, test_locks);
    tcase_add_test(tc, test_odd_size);
    tcase_add_test(tc, test_model);
    tcase_add_test(tc, test_crashes);
    tcase_add_test(tc, test_modes_sync);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
