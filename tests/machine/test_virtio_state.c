/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_state.c - machines with virtio devices at work that move: stopped, saved, freed, loaded into new ones. What the
 * guest writes and reads before and after comes out as if there had been one machine. Backends stay, as they would for
 * whoever resumes a saved machine.
 */
#include <check.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/block/block.h"
#include "host/net/net.h"
#include "machines/machine.h"

#define KERNEL "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux"
enum { SECONDS = 120, DISK = 64 << 10, ROUNDS = 20, STEP = 5, SECTOR = 512, LINES = 3000, PINGS = 8, MOVES = 10 };

static char *folder;

static void setup(void) {
    folder = g_dir_make_tmp("yado-test-XXXXXX", NULL);
}

static void teardown(void) {
    g_rmdir(folder);
    g_free(folder);
}

/* What a line of python prints, or an assertion. sys.argv[1]: tests/, sys.argv[2]: the folder. Caller frees. */
static char *python(const char *code) {
    const char *argv[] = { "python3", "-B", "-c", code, SOURCE "/tests", folder, NULL };
    g_autoptr(GError) error = NULL;
    char *out = NULL;
    int status = -1;
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, &status, &error);
    ck_assert_msg(status == 0, "no guest could be made%s%s", error ? ": " : "", error ? error->message : "");
    return g_strchomp(out);
}

/* -- a guest, whatever machine it is in at the moment -- */

typedef struct Guest {
    MachineOptions options;
    MachineBackend backends[3]; /* used by each machine anew */
    unsigned backend_count;
    Machine *machine;
    bool ended;
    int code;
    gint stopped;               /* a disk wants a pause */
    const char *output;         /* no moves before this file has something in it; NULL: from the beginning on */
    bool announces;             /* a network card that was moved says so: the state differs */
    unsigned moves, held;       /* moves, and those of them for a disk's sake */
} Guest;

static void ended(void *opaque, const MachineEnd *end) {
    Guest *g = opaque;
    ck_assert(end->kind == MACHINE_END_OFF || end->kind == MACHINE_END_EXIT);
    g->ended = true;
    g->code = end->code;
}

static void open_machine(Guest *g) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) backends = g_ptr_array_new();
    for (unsigned i = 0; i < g->backend_count; i++) {
        g->backends[i].user = NULL;
        g_ptr_array_add(backends, &g->backends[i]);
    }
    g->options.backends = backends;
    g->options.ended = ended;
    g->options.opaque = g;
    g->machine = machine_new(machine_class_find("virt", NULL), &g->options, &error);
    ck_assert_msg(g->machine != NULL, "%s", error ? error->message : "");
}

/* Sections are {name size, 0, size, content's size, hash}, name and content. */
static void same(GBytes *one, GBytes *other) {
    gsize size, other_size;
    const uint8_t *a = g_bytes_get_data(one, &size), *b = g_bytes_get_data(other, &other_size);
    for (gsize at = 16; at < size && at < other_size;) {
        uint32_t name_size;
        uint64_t packed;
        memcpy(&name_size, a + at, 4);
        memcpy(&packed, a + at + 16, 8);
        ck_assert_msg(memcmp(a + at, b + at, 32) == 0, "'%.*s' changes when it is loaded", (int)name_size, a + at + 32);
        at += 32 + name_size + packed;
    }
    ck_assert(g_bytes_equal(one, other));
}

static void move(Guest *g) {
    g_autoptr(GError) error = NULL;
    machine_pause(g->machine);
    GBytes *state = machine_save_state(g->machine);
    machine_free(g->machine);
    open_machine(g);
    ck_assert_msg(machine_load_state(g->machine, state, &error), "%s", error ? error->message : "");
    GBytes *again = machine_save_state(g->machine);
    if (!g->announces) {
        same(state, again);
    }
    g_bytes_unref(again);
    g_bytes_unref(state);
    g->moves++;
    machine_start(g->machine);
}

static gboolean tick(gpointer opaque) {
    return G_SOURCE_CONTINUE;
}

static bool has_output(const Guest *g) {
    GStatBuf st;
    return g_stat(g->output, &st) == 0 && st.st_size;
}

/* Moves it each so many ms, MOVES times, and lets it end. */
static void run(Guest *g, unsigned ms) {
    guint source = g_timeout_add(1, tick, NULL);
    gint64 limit = g_get_monotonic_time() + (SECONDS - 15) * G_TIME_SPAN_SECOND;
    open_machine(g);
    machine_start(g->machine);
    while (!g->ended) {
        gint64 next = g_get_monotonic_time() + 1000 * ms;
        while (!g->ended && !g_atomic_int_get(&g->stopped) && g_get_monotonic_time() < next) {
            g_main_context_iteration(NULL, TRUE);
        }
        ck_assert_msg(g_get_monotonic_time() < limit, "the guest hangs after %u moves, %u of them held", g->moves, g->held);
        if (!g->ended && (g_atomic_int_get(&g->stopped) || (g->moves < MOVES && (!g->output || has_output(g))))) {
            g->held += (unsigned)g_atomic_int_exchange(&g->stopped, 0);
            move(g);
        }
    }
    g_source_remove(source);
    machine_free(g->machine);
}

static GPtrArray *devices(const char *const *specs, const char *more) {
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)keylist_free);
    for (; *specs; specs++) {
        g_autofree char *text = g_strconcat(*specs, more, NULL);
        g_ptr_array_add(list, keylist_parse("-device", "driver", text, NULL));
    }
    return list;
}

/* -- a disk that is full now and then: tests/guest/disk.c checks what it reads -- */

typedef struct Medium {
    uint8_t bytes[DISK];
    gint requests;
} Medium;

static int image_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    memcpy(buffer, ((Medium *)opaque)->bytes + offset, size);
    return 0;
}

static int image_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    Medium *image = opaque;
    if (g_atomic_int_add(&image->requests, 1) % 7 == 3) {
        return ENOSPC;
    }
    memcpy(image->bytes + offset, buffer, size);
    return 0;
}

static int image_flush(void *opaque) {
    return 0;
}

static void image_close(void *opaque) {
}

static const BlockDriver image_driver = { .name = "test", .read = image_read, .write = image_write, .flush = image_flush,
                                          .close = image_close };

static void disk_stopped(void *opaque, const char *message) {
    g_atomic_int_set(&((Guest *)opaque)->stopped, 1);
}

START_TEST(test_disk) {
    g_autofree Medium *image = g_new0(Medium, 1);
    g_autofree char *kernel = python("import os, sys; sys.path.insert(0, sys.argv[1] + '/guest'); import test_guest; "
                                     "test_guest.FOLDER = type('Folder', (), {'name': sys.argv[2]}); "
                                     "print(test_guest.build('disk'))");
    static const char *const specs[] = { "virtio-blk-device,drive=d", NULL };
    g_autoptr(GPtrArray) list = devices(specs, "");
    Block *block = block_new(&image_driver, image, DISK, &(BlockOptions){ .id = "d", .path = "d", .write_error = BLOCK_STOP });
    Guest g = { .options = { .kernel = kernel, .semihosting = true, .devices = list, .interpret = _i == 1 },
                .backends = { { "drive", "d", block, NULL } }, .backend_count = 1 };
    block_set_user(block, disk_stopped, &g);
    run(&g, 300);
    ck_assert_int_eq(g.code, 0);
    ck_assert_uint_gt(g.moves, 5);
    ck_assert_uint_gt(g.held, 5);
    for (uint64_t sector = 1; sector < STEP * (ROUNDS - 1) + 16; sector++) {
        uint64_t last = MIN(ROUNDS - 1, sector / STEP), word;
        memcpy(&word, image->bytes + SECTOR * sector, 8);
        ck_assert_uint_eq(word, last << 32 | (sector - STEP * last) * SECTOR);
    }
    block_free(block);
    g_remove(kernel);
}
END_TEST

/* -- Linux with a console, a network and a source of random bytes -- */

#define MODULES "virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_mmio failover net_failover virtio_net virtio-rng virtio_console"

static const char init[] =
    "#!/bin/sh\nmount -t proc proc /proc\nmount -t devtmpfs dev /dev\nmount -t sysfs sysfs /sys\n"
    "for m in " MODULES "; do busybox insmod /lib/$m.ko; done\n"
    "until [ -c /dev/hvc0 ]; do :; done\n"
    "busybox ip link set eth0 up; busybox ip addr add 10.0.2.15/24 dev eth0\n"
    "seq 1 3000 > /dev/hvc0\n"
    "for i in 1 2 3 4 5 6 7 8; do until busybox ping -c 1 -W 2 10.0.2.2 > /tmp/p; do :; done; echo answer $i > /dev/hvc0\n"
    "[ $(head -c 200 /dev/hwrng | busybox wc -c) = 200 ] && echo random > /dev/hvc0; done\n"
    "poweroff -f\n";

static char *make_initrd(void) {
    g_autofree char *path = g_build_filename(folder, "init", NULL);
    ck_assert(g_file_set_contents(path, init, -1, NULL));
    char *made = python("import sys; sys.path.insert(0, sys.argv[1] + '/boot'); import guests; f = sys.argv[2]; "
                        "guests.make_small_initrd(f + '/initrd', open(f + '/init').read(), '" MODULES "'.split()); print(f + '/initrd')");
    g_remove(path);
    return made;
}

START_TEST(test_linux) {
    static const char *const specs[][4] = {
        { "virtio-serial-device", "virtio-net-device,netdev=n", "virtio-rng-device", NULL },
        { "virtio-serial-device", "virtio-net-device,netdev=n", "virtio-rng-device", NULL },
        { "virtio-serial-pci", "virtio-net-pci,netdev=n", "virtio-rng-pci", NULL },
    };
    g_autofree char *initrd = make_initrd(), *path = g_build_filename(folder, "hvc0", NULL);
    g_autofree char *spec = g_strconcat("file:", path, NULL), *said = NULL;
    g_autoptr(GPtrArray) list = devices(specs[_i], _i ? ",packed=on" : "");
    g_autoptr(GString) wanted = g_string_new(NULL);
    g_ptr_array_insert(list, 1, keylist_parse("-device", "driver", "virtconsole,chardev=c", NULL));
    Chardev *console = chardev_open(spec, NULL, NULL);
    NetBackend *net = net_user_open("n", &(NetUserConfig){ .ipv4 = true, .net = "10.0.2.0/24" }, NULL, NULL);
    ck_assert(console && net);
    Guest g = { .options = { .kernel = KERNEL, .initrd = initrd, .append = "quiet console=ttyAMA0", .ram = 128 << 20,
                             .devices = list },
                .announces = true, .output = path, .backends = { { "chardev", "c", console, NULL }, { "netdev", "n", net, NULL } }, .backend_count = 2 };
    run(&g, 10);
    ck_assert_uint_gt(g.moves, 5);
    chardev_close(console);
    net_free(net);
    for (unsigned i = 1; i <= LINES; i++) {
        g_string_append_printf(wanted, "%u\r\n", i);
    }
    for (unsigned i = 1; i <= PINGS; i++) {
        g_string_append_printf(wanted, "answer %u\r\nrandom\r\n", i);
    }
    ck_assert(g_file_get_contents(path, &said, NULL, NULL));
    size_t at = 0;
    while (said[at] && said[at] == wanted->str[at]) {
        at++;
    }
    ck_assert_msg(at == wanted->len && !said[at], "at byte %zu of %zu: '%.60s' rather than '%.60s'", at, strlen(said), said + at,
                  wanted->str + at);
    g_remove(path);
    g_remove(initrd);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("virtio_state");
    tcase_set_timeout(tests, SECONDS);
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_disk, 0, 2);  /* generated code, interpreter */
    tcase_add_loop_test(tests, test_linux, 0, 3); /* split rings, packed rings, packed rings and MSI-X */
    Suite *suite = suite_create("virtio_state");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
