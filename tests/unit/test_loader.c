/* SPDX-License-Identifier: MIT */
/*
 * test_loader.c - where images are put, and what refuses to be put anywhere. image.c is tested through it.
 */
#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machines/loader.h"
#include "machines/names.h"

enum { BASE = 0x40000000, MB = 1 << 20, DTB = 5000 };

static char *folder;

static char *file(const char *name, const void *data, size_t size) {
    char *path = g_build_filename(folder, name, NULL);
    ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

/* An Image whose code is all `fill`. */
static char *image(const char *name, uint64_t text_offset, uint64_t image_size, size_t file_size, uint8_t fill) {
    g_autofree uint8_t *data = g_malloc(file_size);
    memset(data, fill, file_size);
    memset(data, 0, 64);
    memcpy(data + 8, &text_offset, 8);
    memcpy(data + 16, &image_size, 8);
    memcpy(data + 56, "ARM\x64", 4);
    return file(name, data, file_size);
}

START_TEST(kernel_initrd_dtb) {
    g_autofree char *kernel = image("k", 0x80000, 3 * MB, 2 * MB, 0xaa);
    g_autofree uint8_t *content = g_malloc(MB + 1);
    memset(content, 0xbb, MB + 1);
    g_autofree char *initrd = file("i", content, MB + 1);
    LoaderRam ram = { BASE, 16 * MB };
    g_autoptr(Loader) loader = loader_new(&image_aarch64, kernel, initrd, NULL, 0, ram, NULL);
    ck_assert_ptr_nonnull(loader);
    ck_assert(loader_place(loader, DTB, NULL));
    LoaderEntry e = loader_entry(loader);
    ck_assert(e.kernel);
    ck_assert_uint_eq(e.pc, BASE + 0x80000);
    ck_assert_uint_eq(e.initrd_size, MB + 1);
    ck_assert_uint_ge(e.initrd, BASE + 0x80000 + 3 * MB);
    g_autofree uint8_t *memory = g_malloc(16 * MB);
    memset(memory, 0xee, 16 * MB);
    char dtb[DTB];
    memset(dtb, 0xdd, sizeof dtb);
    loader_copy(loader, memory, dtb, sizeof dtb);
    ck_assert_uint_eq(memory[0x80000 + 2 * MB - 1], 0xaa);
    ck_assert_uint_eq(memory[0x80000 + 2 * MB], 0); /* what the file does not have and the image covers */
    ck_assert_uint_eq(memory[0x80000 + 3 * MB - 1], 0);
    ck_assert_uint_eq(memory[0x80000 + 3 * MB], 0xee);
    ck_assert_uint_eq(memory[e.initrd - BASE], 0xbb);
    ck_assert_uint_eq(memory[e.initrd - BASE + MB], 0xbb);
    ck_assert_uint_eq(memory[e.initrd - BASE + MB + 1], 0xee);
    ck_assert_uint_eq(memory[e.dtb - BASE], 0xdd);
    ck_assert_uint_eq(e.dtb % 8, 0);
}
END_TEST

/* Every memory size either holds all or gives an error: nothing overlaps and nothing lies outside. */
START_TEST(every_size) {
    g_autofree char *kernel = image("k", 0, 3 * MB, 100, 1);
    g_autofree char *initrd = file("i", "0123456789", 10);
    bool fits_before = false;
    for (uint64_t size = 4096; size < 16 * MB; size += 64 * 1024 + 4096) {
        g_autoptr(GError) error = NULL;
        Loader *loader = loader_new(&image_aarch64, kernel, initrd, NULL, 0, (LoaderRam){ BASE, size }, &error);
        bool fits = loader && loader_place(loader, DTB, &error);
        ck_assert(fits != (error != NULL));
        ck_assert(fits || !fits_before);
        if (fits) {
            LoaderEntry e = loader_entry(loader);
            ck_assert_uint_ge(e.initrd, BASE + 3 * MB);
            ck_assert_uint_ge(e.dtb, e.initrd + e.initrd_size);
            ck_assert_uint_le(e.dtb + DTB, BASE + size);
        } else {
            ck_assert(g_error_matches(error, YADO_ERROR, YADO_ERROR_IMAGE));
        }
        fits_before = fits;
        g_clear_pointer(&loader, loader_free);
    }
    ck_assert(fits_before);
}
END_TEST

START_TEST(firmware) {
    g_autofree char *bios = file("b", "\x1f\x20\x03\xd5", 4);
    g_autoptr(Loader) loader = loader_new(&image_aarch64, NULL, NULL, bios, 4, (LoaderRam){ BASE, 4 * MB }, NULL);
    ck_assert_ptr_nonnull(loader);
    ck_assert(loader_place(loader, DTB, NULL));
    ck_assert_uint_eq(loader_entry(loader).dtb, BASE);
    ck_assert_uint_eq(loader_entry(loader).pc, 0);
    ck_assert(!loader_entry(loader).kernel);
    size_t size;
    ck_assert_mem_eq(loader_bios(loader, &size), "\x1f\x20\x03\xd5", 4);
    ck_assert_uint_eq(size, 4);
    ck_assert_ptr_null(loader_new(&image_aarch64, NULL, NULL, bios, 3, (LoaderRam){ BASE, 4 * MB }, NULL));
}
END_TEST

/* Sizes and offsets near 2^64 must not wrap into something that looks as if it fitted. */
START_TEST(wraps) {
    static const uint64_t rows[][2] = {
        { UINT64_MAX, 4096 }, { UINT64_MAX - 4095, 8192 }, { 0, UINT64_MAX }, { 4096, UINT64_MAX - 4095 },
        { UINT64_C(1) << 63, UINT64_C(1) << 63 }, { UINT64_MAX - BASE + 1, 4096 }, { 4 * MB, 1 }, { 4 * MB - 64, 4096 },
    };
    g_autofree char *kernel = image("k", rows[_i][0], rows[_i][1], 100, 1);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(loader_new(&image_aarch64, kernel, NULL, NULL, 0, (LoaderRam){ BASE, 4 * MB }, &error));
    ck_assert(g_error_matches(error, YADO_ERROR, YADO_ERROR_IMAGE));
}
END_TEST

static void setup(void) {
    folder = g_dir_make_tmp("yado-test-XXXXXX", NULL);
    ck_assert_ptr_nonnull(folder);
}

static void teardown(void) {
    static const char *const names[] = { "k", "i", "b" };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_remove(path);
    }
    g_rmdir(folder);
    g_free(folder);
}

int main(void) {
    TCase *tests = tcase_create("loader");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, kernel_initrd_dtb);
    tcase_add_test(tests, every_size);
    tcase_add_test(tests, firmware);
    tcase_add_loop_test(tests, wraps, 0, 8);
    Suite *suite = suite_create("loader");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
