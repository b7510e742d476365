/* SPDX-License-Identifier: MIT */
/*
 * test_state.c - a boot of the installer's kernel that moves from machine to machine: stopped, saved, loaded into a new
 * machine, the old one freed. Under -icount that changes nothing at all. And what is said of states that are damaged.
 */
#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "machines/machine.h"

#define KERNEL "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux"
#define PPC "/usr/lib/debian-installer/images/12/ppc64el/text/debian-installer/ppc64el/"
#define PROMPT " # \x1b[6n"
enum { MOVES = 20, BYTES_PER_MOVE = 600, SECONDS = 120, RAM = 128 << 20 };

static char *folder, *shell, *script;

static char *make_initrd(const char *name, const char *init) {
    char *path = g_build_filename(folder, name, NULL);
    const char *code = "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; import guests; "
                       "guests.make_small_initrd(*sys.argv[2:])";
    const char *argv[] = { "python3", "-c", code, VECTORS, path, init, NULL };
    g_autoptr(GError) error = NULL;
    int status = -1;
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
    ck_assert_msg(status == 0, "no initrd could be made%s%s", error ? ": " : "", error ? error->message : "");
    return path;
}

static void setup(void) {
    folder = g_dir_make_tmp("yado-test-XXXXXX", NULL);
    ck_assert_msg(g_file_test(KERNEL, G_FILE_TEST_EXISTS),
                  KERNEL " is missing: apt-get install debian-installer-12-netboot-arm64");
    ck_assert_msg(g_file_test(PPC "vmlinux", G_FILE_TEST_EXISTS),
                  PPC " is missing: apt-get install debian-installer-12-netboot-ppc64el");
    shell = make_initrd("shell.gz", NULL);
    script = make_initrd("script.gz", "#!/bin/sh\nmount -t proc proc /proc\ncat /proc/interrupts\nseq 1 3000 | md5sum\n"
                                      "sleep 1\ncat /proc/uptime\npoweroff -f\n");
}

static void teardown(void) {
    g_remove(shell);
    g_remove(script);
    g_rmdir(folder);
    g_free(shell);
    g_free(script);
    g_free(folder);
}

/* One boot, whatever machine it is in at the moment. */
typedef struct Boot {
    Machine *machine;
    Chardev *console;
    char *path;        /* where the console goes now */
    bool icount;
    bool gicv3;
    const char *ppc;   /* pseries with this CPU in place of virt */
    const char *power; /* pseries with these keys, without an initrd: the kernel gives up when it has started */
    unsigned cpus;
    GString *text;     /* what it wrote in machines that are gone */
    bool ended;
    uint64_t insns, hash; /* at the end */
} Boot;

static void ended(void *opaque, const MachineEnd *end) {
    Boot *b = opaque;
    b->ended = true;
    ck_assert_int_eq(end->kind, b->power ? MACHINE_END_PANIC : MACHINE_END_OFF);
    b->insns = machine_insns(b->machine);
    b->hash = machine_state_hash(b->machine);
}

static Machine *make_machine(Boot *b, Chardev *console, uint64_t ram) {
    g_autoptr(GError) error = NULL;
    const char *board = b->ppc ? "pseries" : b->gicv3 ? "virt,gic-version=3" : "virt";
    g_autoptr(KeyList) keys = keylist_parse("-M", "type", board, &error);
    MachineOptions o = { .machine = keys, .kernel = KERNEL, .initrd = b->icount ? script : shell, .ram = ram, .serial = console,
                         .cpus = b->cpus, .append = b->icount ? "console=ttyAMA0" : "console=ttyAMA0 rdinit=/bin/sh",
                         .icount = b->icount, .ended = ended, .opaque = b };
    if (b->ppc) {
        o.cpu = b->ppc;
        o.kernel = PPC "vmlinux";
        o.initrd = PPC "initrd.gz";
        o.append = "console=hvc0 rdinit=/bin/sh";
        o.ram = 4 * ram; /* files take pages of 64 KiB */
    }
    Machine *m = machine_new(machine_class_find(b->ppc ? "pseries" : "virt", NULL), &o, &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    return m;
}

static Machine *make_power(Boot *b, Chardev *console) {
    g_autoptr(GError) error = NULL;
    g_autoptr(KeyList) keys = keylist_parse("-M", "type", b->power, &error);
    MachineOptions o = { .machine = keys, .kernel = PPC "vmlinux", .ram = 2 * RAM, .serial = console, .cpus = b->cpus,
                         .append = "console=hvc0 rdinit=/none", .icount = true, .icount_shift = 1, .ended = ended, .opaque = b };
    Machine *m = machine_new(machine_class_find("pseries", NULL), &o, &error);
    ck_assert_msg(m != NULL, "%s", error ? error->message : "");
    return m;
}

static void open_machine(Boot *b) {
    b->path = g_build_filename(folder, "console", NULL);
    g_autofree char *spec = g_strconcat("file:", b->path, NULL);
    b->console = chardev_open(spec, NULL, NULL);
    ck_assert_ptr_nonnull(b->console);
    b->machine = b->power ? make_power(b, b->console) : make_machine(b, b->console, RAM);
}

static void append_file(GString *text, const char *path) {
    g_autofree char *content = NULL;
    gsize size = 0;
    if (g_file_get_contents(path, &content, &size, NULL)) {
        g_string_append_len(text, content, (gssize)size);
    }
}

static void close_machine(Boot *b) {
    machine_free(b->machine);
    chardev_close(b->console);
    append_file(b->text, b->path);
    g_remove(b->path);
    g_free(b->path);
}

static gboolean tick(gpointer opaque) {
    return G_SOURCE_CONTINUE;
}

/* Until the console has brought that many bytes since the boot, or this text, or the machine has ended. */
static void run(Boot *b, size_t bytes, const char *wanted) {
    guint source = g_timeout_add(1, tick, NULL);
    gint64 limit = g_get_monotonic_time() + SECONDS * G_TIME_SPAN_SECOND;
    for (bool done = false; !done && !b->ended;) {
        g_main_context_iteration(NULL, TRUE);
        g_autoptr(GString) text = g_string_new_len(b->text->str, (gssize)b->text->len);
        append_file(text, b->path);
        done = text->len >= bytes || (wanted && strstr(text->str, wanted));
        ck_assert_msg(g_get_monotonic_time() < limit, "the boot hangs after:\n%s", text->str);
    }
    g_source_remove(source);
}

/* Into a new machine. */
static void move(Boot *b) {
    g_autoptr(GError) error = NULL;
    machine_pause(b->machine);
    GBytes *state = machine_save_state(b->machine);
    uint64_t hash = machine_state_hash(b->machine), insns = machine_insns(b->machine);
    Boot old = *b;
    b->path = g_strconcat(old.path, "+", NULL);
    g_rename(old.path, b->path);
    old.path = b->path;
    open_machine(b);
    bool loaded = machine_load_state(b->machine, state, &error);
    ck_assert_msg(loaded, "%s", error ? error->message : "");
    ck_assert_uint_eq(machine_state_hash(b->machine), hash);
    ck_assert_uint_eq(machine_insns(b->machine), insns);
    GBytes *again = machine_save_state(b->machine);
    ck_assert(g_bytes_equal(state, again));
    g_bytes_unref(again);
    g_bytes_unref(state);
    close_machine(&old);
    machine_start(b->machine);
}

START_TEST(test_moves) {
    static const char *const ppc[] = { NULL, NULL, "power8", "power9" };
    Boot b = { .text = g_string_new(NULL), .cpus = _i == 1 || _i == 2 ? 3 : 1, .ppc = ppc[_i] };
    open_machine(&b);
    machine_start(b.machine);
    for (unsigned i = 1; i <= MOVES; i++) {
        run(&b, i * BYTES_PER_MOVE, NULL);
        move(&b);
    }
    run(&b, SIZE_MAX, PROMPT);
    close_machine(&b);
    ck_assert_ptr_nonnull(strstr(b.text->str, "Linux version 6.1"));
    ck_assert_ptr_nonnull(strstr(b.text->str, PROMPT));
    g_string_free(b.text, TRUE);
}
END_TEST

static Boot boot_counted(unsigned moves, bool gicv3, const char *power, unsigned cpus) {
    Boot b = { .text = g_string_new(NULL), .icount = true, .gicv3 = gicv3, .power = power, .cpus = cpus };
    open_machine(&b);
    machine_start(b.machine);
    for (unsigned i = 1; i <= moves; i++) {
        run(&b, i * (MOVES * BYTES_PER_MOVE / moves), NULL);
        move(&b);
    }
    while (!b.ended) {
        run(&b, SIZE_MAX, NULL);
    }
    close_machine(&b);
    return b;
}

/* Being moved leaves no trace: the same text, the same insns, the same end. */
START_TEST(test_moves_unseen) {
    Boot one = boot_counted(0, _i == 1, NULL, _i == 2 ? 3 : 1), other = boot_counted(5, _i == 1, NULL, _i == 2 ? 3 : 1);
    ck_assert_int_eq(strstr(one.text->str, "SMP: Total of 3 processors") != NULL, _i == 2);
    ck_assert_ptr_nonnull(strstr(one.text->str, "arch_timer"));
    ck_assert_ptr_nonnull(strstr(one.text->str, _i == 1 ? "GICv3" : "GIC-0"));
    ck_assert_str_eq(one.text->str, other.text->str);
    ck_assert_uint_eq(one.insns, other.insns);
    ck_assert_uint_eq(one.hash, other.hash);
    g_string_free(one.text, TRUE);
    g_string_free(other.text, TRUE);
}
END_TEST

START_TEST(test_power_moves_unseen) {
    static const char *const machines[] = { "pseries", "pseries,ic-mode=xics" };
    Boot one = boot_counted(0, false, machines[_i], 2), other = boot_counted(5, false, machines[_i], 2);
    ck_assert_ptr_nonnull(strstr(one.text->str, "smp: Brought up 1 node, 2 CPUs"));
    ck_assert_int_eq(strstr(one.text->str, "xive: Interrupt handling initialized") != NULL, _i == 0);
    ck_assert_str_eq(one.text->str, other.text->str);
    ck_assert_uint_eq(one.insns, other.insns);
    ck_assert_uint_eq(one.hash, other.hash);
    g_string_free(one.text, TRUE);
    g_string_free(other.text, TRUE);
}
END_TEST

/* -- damaged states -- */

static void refused(Machine *m, const uint8_t *bytes, size_t size, const char *why) {
    g_autoptr(GBytes) state = g_bytes_new(bytes, size);
    g_autoptr(GError) error = NULL;
    ck_assert(!machine_load_state(m, state, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->code, YADO_ERROR_IMAGE);
    ck_assert_msg(!why || strstr(error->message, why), "'%s' is not in '%s'", why, error->message);
}

/* Where a section's head is: {name size, 0, size, content's size, hash}, then name and content. */
static size_t section(const uint8_t *bytes, size_t size, const char *name) {
    for (size_t at = 16; at + 32 < size;) {
        uint32_t name_size;
        uint64_t packed;
        memcpy(&name_size, bytes + at, 4);
        memcpy(&packed, bytes + at + 16, 8);
        if (name_size == strlen(name) && memcmp(bytes + at + 32, name, name_size) == 0) {
            return at;
        }
        at += 32 + name_size + packed;
    }
    ck_abort_msg("no section '%s'", name);
    return 0;
}

static size_t section_size(const uint8_t *at) {
    uint32_t name_size;
    uint64_t packed;
    memcpy(&name_size, at, 4);
    memcpy(&packed, at + 16, 8);
    return 32 + name_size + packed;
}

static void sign(uint8_t *at) {
    uint64_t hash = 0;
    machine_hash_bytes(&hash, at + 32, section_size(at) - 32);
    memcpy(at + 24, &hash, 8);
}

START_TEST(test_damaged) {
    Boot b = { .text = g_string_new(NULL) };
    Machine *m = make_machine(&b, NULL, RAM);
    GBytes *state = machine_save_state(m);
    gsize size;
    const uint8_t *good = g_bytes_get_data(state, &size);
    g_autofree uint8_t *bad = g_malloc(2 * size + 4096);
    refused(m, good, 0, "does not begin");
    refused(m, good, 15, "does not begin");
    refused(m, good, 16, "'machine' is missing");
    refused(m, good, size - 1, "cut off");
    for (size_t cut = 17; cut < size; cut += 1 + size / 300) {
        refused(m, good, cut, NULL);
    }
    for (size_t at = 0; at < size; at += 1 + size / 300) {
        memcpy(bad, good, size);
        bad[at] ^= 1 << at % 8;
        refused(m, bad, size, NULL);
    }
    size_t at = section(good, size, "cpu0/x"), n = section_size(good + at);
    memcpy(bad, good, size);
    memmove(bad + at, bad + at + n, size - at - n);
    refused(m, bad, size - n, "'cpu0/x' is missing");
    memcpy(bad, good, size);
    memcpy(bad + size, good + at, n);
    refused(m, bad, size + n, "'cpu0/x' is there twice");
    bad[at + 32] = 'g';
    sign(bad + at);
    refused(m, bad, size, "nothing that is called 'gpu0/x'");
    memcpy(bad, good, size);
    bad[at + 8]++;
    refused(m, bad, size, "'cpu0/x' is of 249 bytes; the machine has 248");
    memcpy(bad, good, size);
    bad[at + 32 + 6] = 2; /* two pages where there is one */
    sign(bad + at);
    refused(m, bad, size, "do not add up");
    at = section(good, size, "cpu0/el");
    memcpy(bad, good, size);
    bad[at + 32 + 7 + 4] = 3; /* a run of one byte: its value */
    sign(bad + at);
    refused(m, bad, size, "el is 0x3");
    machine_free(m);
    m = make_machine(&b, NULL, 2 * (uint64_t)RAM);
    refused(m, good, size, "memory");
    machine_free(m);
    b.gicv3 = true;
    m = make_machine(&b, NULL, RAM);
    refused(m, good, size, "128 MiB of memory and interrupt controller 'gicv2', this one 'virt' with 1 CPU(s) "
                           "'cortex-a57', 128 MiB and 'gicv3'");
    machine_free(m);
    g_bytes_unref(state);
    g_string_free(b.text, TRUE);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, SECONDS);
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_moves, 0, 4); /* one CPU, three; POWER8 with three, POWER9 */
    tcase_add_loop_test(tests, test_moves_unseen, 0, 3); /* GICv2, GICv3, three CPUs */
    tcase_add_loop_test(tests, test_power_moves_unseen, 0, 2); /* XIVE, XICS */
    tcase_add_test(tests, test_damaged);
    Suite *suite = suite_create("state");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
