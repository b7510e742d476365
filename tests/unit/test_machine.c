/* SPDX-License-Identifier: MIT */
/*
 * test_machine.c - machines made, run, reset and freed: two at a time, and with a guest of a few insns.
 */
#include <check.h>
#include <glib/gstdio.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "machines/machine.h"

enum { COUNTER = 0x400000 }; /* offset into RAM of a word that the guest increments; no image covers it */

/* Increments the word at RAM + COUNTER, then asks PSCI for what the last insns say. */
static const uint32_t program[] = {
    0xd2a80800, /* movz x0, #0x4040, lsl #16 */
    0xb9400001, /* ldr w1, [x0] */
    0x11000421, /* add w1, w1, #1 */
    0xb9000001, /* str w1, [x0] */
    0x7100083f, /* cmp w1, #2 */
    0xd2800120, /* movz x0, #9: SYSTEM_RESET */
    0x54000041, /* b.ne .+8 */
    0xd2800100, /* movz x0, #8: SYSTEM_OFF */
    0xf2b08000, /* movk x0, #0x8400, lsl #16 */
    0xd4000002, /* hvc #0 */
    0x14000000, /* b . */
};

typedef struct Seen {
    unsigned ends;
    MachineEndKind kind;
} Seen;

static char *folder, *kernel;

static void setup(void) {
    struct {
        uint32_t code[2];
        uint64_t text_offset, size, flags, reserved[3];
        char magic[4];
        uint32_t pe;
        uint32_t program[G_N_ELEMENTS(program)];
    } image = { .code = { 0x14000010 }, .size = 4096, .flags = 10, .magic = "ARMd" };
    memcpy(image.program, program, sizeof program);
    folder = g_dir_make_tmp("yado-test-XXXXXX", NULL);
    kernel = g_build_filename(folder, "Image", NULL);
    ck_assert(g_file_set_contents(kernel, (const char *)&image, sizeof image, NULL));
}

static void teardown(void) {
    g_remove(kernel);
    g_rmdir(folder);
    g_free(kernel);
    g_free(folder);
}

static void ended(void *opaque, const MachineEnd *end) {
    Seen *seen = opaque;
    seen->ends++;
    seen->kind = end->kind;
}

static Machine *make(const char *name, Seen *seen, bool interpret, bool no_reboot) {
    g_autoptr(GError) error = NULL;
    const MachineClass *cls = machine_class_find(name, &error);
    ck_assert_ptr_nonnull(cls);
    MachineOptions options = { .kernel = kernel, .append = "one two", .ram = 16 << 20, .interpret = interpret,
                               .no_reboot = no_reboot, .ended = ended, .opaque = seen };
    Machine *machine = machine_new(cls, &options, &error);
    ck_assert_msg(machine != NULL, "%s", error ? error->message : "");
    return machine;
}

static void wait_for(const Seen *seen, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        while (!seen[i].ends) {
            g_main_context_iteration(NULL, TRUE);
        }
    }
}

static uint32_t counter(const Machine *machine) {
    uint32_t value;
    memcpy(&value, ram_host(machine->ram) + COUNTER, 4);
    return value;
}

/* Two at once, one translated and one interpreted, with their own memory. */
START_TEST(two) {
    Seen seen[2] = { { 0 } };
    Machine *a = make("virt", &seen[0], false, false), *b = make("virt", &seen[1], true, true);
    machine_start(a);
    machine_start(b);
    wait_for(seen, 2);
    ck_assert_uint_eq(seen[0].ends, 1);
    ck_assert_uint_eq(seen[0].kind, MACHINE_END_OFF);
    ck_assert_uint_eq(seen[1].kind, MACHINE_END_RESET);
    ck_assert_uint_eq(counter(a), 2);
    ck_assert_uint_eq(counter(b), 1);
    machine_free(a);
    machine_free(b);
}
END_TEST

/* Ended machines can be reset and started again; running ones can be reset and freed. */
START_TEST(again) {
    Seen seen = { 0 };
    Machine *machine = make("virt", &seen, _i, true);
    machine_start(machine);
    wait_for(&seen, 1);
    seen.ends = 0;
    machine_reset(machine);
    machine_start(machine);
    wait_for(&seen, 1);
    ck_assert_uint_eq(seen.kind, MACHINE_END_OFF);
    ck_assert_uint_eq(counter(machine), 2);
    machine_reset(machine);
    machine_start(machine);
    machine_reset(machine);
    machine_free(machine);
}
END_TEST

START_TEST(made_and_freed) {
    for (unsigned i = 0; i < 20; i++) {
        Seen seen = { 0 };
        machine_free(make("virt", &seen, i & 1, true));
        ck_assert_uint_eq(seen.ends, 0);
    }
}
END_TEST

/* What a kernel reads first. */
START_TEST(device_tree) {
    Seen seen = { 0 };
    Machine *machine = make("virt", &seen, true, true);
    size_t size;
    const void *blob = g_bytes_get_data(machine->dtb, &size);
    ck_assert_int_eq(fdt_check_full(blob, size), 0);
    int chosen = fdt_path_offset(blob, "/chosen"), memory = fdt_path_offset(blob, "/memory@40000000");
    ck_assert_str_eq(fdt_getprop(blob, chosen, "bootargs", NULL), "one two");
    ck_assert_ptr_nonnull(fdt_getprop(blob, chosen, "kaslr-seed", NULL));
    ck_assert_mem_eq(fdt_getprop(blob, memory, "reg", NULL), "\0\0\0\0\x40\0\0\0\0\0\0\0\1\0\0\0", 16);
    const char *console = fdt_getprop(blob, chosen, "stdout-path", NULL);
    ck_assert_int_ge(fdt_path_offset(blob, console), 0);
    const fdt32_t *parent = fdt_getprop(blob, 0, "interrupt-parent", NULL);
    int gic = fdt_node_offset_by_phandle(blob, fdt32_to_cpu(*parent));
    ck_assert_int_ge(gic, 0);
    ck_assert_ptr_nonnull(fdt_getprop(blob, gic, "interrupt-controller", NULL));
    unsigned slots = 0;
    for (int n = -1; (n = fdt_node_offset_by_compatible(blob, n, "virtio,mmio")) >= 0;) {
        slots++;
    }
    ck_assert_uint_eq(slots, 32);
    machine_free(machine);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("machine");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, two);
    tcase_add_loop_test(tests, again, 0, 2);
    tcase_add_test(tests, made_and_freed);
    tcase_add_test(tests, device_tree);
    Suite *suite = suite_create("machine");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
