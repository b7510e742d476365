/* SPDX-License-Identifier: MIT */
/*
 * test_fdt.c - device trees written, read back by libfdt, and refused when damaged.
 */
#include <check.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "machines/fdt.h"
#include "machines/names.h"

START_TEST(written) {
    g_autoptr(DevTree) tree = devtree_new();
    devtree_node(tree, "/a");
    devtree_node(tree, "/a/b@10");
    devtree_node(tree, "/a");
    DEVTREE_CELLS(tree, "/a", "cells", 1, 0x80000000u);
    DEVTREE_U64S(tree, "/a/b@10", "reg", UINT64_C(0x4010000000), 0x200);
    devtree_strings(tree, "/a", "compatible", "one\0two\0");
    devtree_flag(tree, "/a", "flag");
    devtree_string(tree, "/a", "s", "first");
    devtree_string(tree, "/a", "s", "second");
    uint32_t handle = devtree_phandle(tree, "/a/b@10");
    ck_assert_uint_ne(handle, devtree_phandle(tree, "/a"));
    ck_assert_uint_eq(handle, devtree_phandle(tree, "/a/b@10"));
    size_t size;
    const void *blob = devtree_blob(tree, &size);
    ck_assert_int_eq(fdt_check_full(blob, size), 0);
    int n, a = fdt_path_offset(blob, "/a"), b = fdt_path_offset(blob, "/a/b@10");
    ck_assert_int_ge(a, 0);
    ck_assert_mem_eq(fdt_getprop(blob, a, "cells", &n), "\0\0\0\1\x80\0\0", 8);
    ck_assert_mem_eq(fdt_getprop(blob, b, "reg", &n), "\0\0\0\x40\x10\0\0\0\0\0\0\0\0\0\2\0", 16);
    ck_assert_mem_eq(fdt_getprop(blob, a, "compatible", &n), "one\0two", 8);
    ck_assert_int_eq(n, 8);
    ck_assert_str_eq(fdt_getprop(blob, a, "s", &n), "second");
    ck_assert_ptr_nonnull(fdt_getprop(blob, a, "flag", &n));
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(fdt_node_offset_by_phandle(blob, handle), fdt_path_offset(blob, "/a/b@10"));
}
END_TEST

START_TEST(grows) {
    g_autoptr(DevTree) tree = devtree_new();
    char data[1000];
    memset(data, 'x', sizeof data);
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *path = g_strdup_printf("/n%u", i);
        devtree_node(tree, path);
        devtree_bytes(tree, path, "data", data, sizeof data);
    }
    size_t size;
    const void *blob = devtree_blob(tree, &size);
    ck_assert_uint_gt(size, 200000);
    ck_assert_int_eq(fdt_check_full(blob, size), 0);
    devtree_flag(tree, "/n199", "after-packing");
    ck_assert(devtree_has(tree, "/n199"));
    ck_assert(!devtree_has(tree, "/n200"));
}
END_TEST

/* No cut and no flipped byte of a tree may do more than give an error or a tree. */
START_TEST(damaged) {
    g_autoptr(DevTree) tree = devtree_new();
    devtree_node(tree, "/memory@0");
    devtree_string(tree, "/memory@0", "device_type", "memory");
    size_t size;
    g_autofree uint8_t *copy = g_memdup2(devtree_blob(tree, &size), fdt_totalsize(devtree_blob(tree, &size)));
    for (size_t cut = 0; cut < size; cut++) {
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(devtree_open(copy, cut, "cut", &error));
        ck_assert(g_error_matches(error, YADO_ERROR, YADO_ERROR_IMAGE));
    }
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            copy[i] ^= (uint8_t)(1 << bit);
            g_autoptr(GError) error = NULL;
            DevTree *opened = devtree_open(copy, size, "flipped", &error);
            if (opened) {
                devtree_node(opened, "/chosen");
                devtree_string(opened, "/chosen", "bootargs", "x");
                size_t n;
                ck_assert(devtree_blob(opened, &n) && (devtree_broken(opened) || fdt_check_full(devtree_blob(opened, &n), n) == 0));
                devtree_free(opened);
            }
            copy[i] ^= (uint8_t)(1 << bit);
        }
    }
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("fdt");
    tcase_add_test(tests, written);
    tcase_add_test(tests, grows);
    tcase_add_test(tests, damaged);
    Suite *suite = suite_create("fdt");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
