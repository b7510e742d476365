/* SPDX-License-Identifier: MIT */
/*
 * test_cache.c - the memory of generated code: never writable and executable at once, both views show the same bytes,
 * what is kept survives a reset, and no room is an answer.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/lower.h"

/* Mappings of code memory by what may be done there, from /proc/self/maps. */
static void count_mappings(unsigned *writable, unsigned *executable, unsigned *both) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(maps);
    *writable = *executable = *both = 0;
    while (fgets(line, sizeof line, maps)) {
        const char *rights = strchr(line, ' ') + 1;
        if (rights[1] == 'w' && rights[2] == 'x') {
            ++*both;
        }
        if (strstr(line, "yado-code")) {
            *writable += rights[1] == 'w';
            *executable += rights[2] == 'x';
        }
    }
    fclose(maps);
}

START_TEST(never_writable_and_executable) {
    unsigned w, x, both;
    Cache *c = cache_new(1 << 20, NULL);
    ck_assert_ptr_nonnull(c);
    count_mappings(&w, &x, &both);
    ck_assert_uint_eq(w, 1);
    ck_assert_uint_eq(x, 1);
    ck_assert_uint_eq(both, 0);
    cache_free(c);
    count_mappings(&w, &x, &both);
    ck_assert_uint_eq(w + x, 0);
}
END_TEST

START_TEST(two_views) {
    Cache *c = cache_new(1 << 20, NULL);
    uint8_t *p = cache_reserve(c, 100);
    const uint8_t *exec = cache_exec(c, p);
    ck_assert_ptr_ne(p, exec);
    memset(p, 0x5a, 100);
    ck_assert_uint_eq(exec[99], 0x5a);
    ck_assert_ptr_eq(cache_writable(c, exec), p);
    cache_commit(c, 100);
    uint8_t *next = cache_reserve(c, 1);
    ck_assert(next >= p + 100 && next < p + 116);
    ck_assert_uint_eq((uintptr_t)next & 15, 0);
    cache_free(c);
}
END_TEST

START_TEST(full_and_reset) {
    Cache *c = cache_new(1 << 16, NULL);
    uint8_t *stubs = cache_reserve(c, 4096);
    cache_commit(c, 4096);
    cache_keep(c);
    uint8_t *first = cache_reserve(c, 1);
    ck_assert_ptr_eq(first, stubs + 4096);
    ck_assert_ptr_nonnull(cache_reserve(c, (1 << 16) - 4096));
    ck_assert_ptr_null(cache_reserve(c, (1 << 16) - 4095));
    cache_commit(c, (1 << 16) - 4096);
    ck_assert_ptr_null(cache_reserve(c, 1));
    cache_reset(c);
    ck_assert_ptr_eq(cache_reserve(c, 1), first);
    cache_free(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cache");
    TCase *tcase = tcase_create("cache");
    tcase_add_test(tcase, never_writable_and_executable);
    tcase_add_test(tcase, two_views);
    tcase_add_test(tcase, full_and_reset);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
