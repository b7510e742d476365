/* SPDX-License-Identifier: MIT */
/*
 * test_names.c - suggestions, key=value lists, sizes and numbers.
 */
#include <check.h>
#include <stdlib.h>

#include "machines/names.h"

static const char *const fruit[] = { "apple", "banana", "cherry", "fig", NULL };

START_TEST(nearest) {
    static const struct { const char *word, *near; } rows[] = {
        { "aple", "apple" },   { "aplpe", "apple" }, { "APPLE", "apple" },  { "bananas", "banana" },
        { "cherri", "cherry" }, { "gif", NULL },      { "zzzzzz", NULL },    { "", NULL },
        { "fog", "fig" },
    };
    const char *near = names_nearest(rows[_i].word, fruit);
    ck_assert_pstr_eq(near, rows[_i].near);
}
END_TEST

START_TEST(hint) {
    g_autofree char *near = names_hint("appel", fruit), *all = names_hint("xylophone", fruit);
    ck_assert_str_eq(near, "; did you mean 'apple'?");
    ck_assert_str_eq(all, "; there are apple, banana, cherry, fig");
}
END_TEST

START_TEST(key_list) {
    g_autoptr(KeyList) list = keylist_parse("-M", "type", "vi,,rt,a=1,flag,c=x=y", NULL);
    ck_assert_ptr_nonnull(list);
    ck_assert_str_eq(keylist_get(list, "type"), "vi,rt");
    ck_assert_str_eq(keylist_get(list, "a"), "1");
    ck_assert_str_eq(keylist_get(list, "flag"), "on");
    ck_assert_str_eq(keylist_get(list, "c"), "x=y");
    ck_assert_ptr_null(keylist_get(list, "d"));
    g_autoptr(GError) error = NULL;
    ck_assert(!keylist_check(list, (const char *const[]){ "type", "a", "flags", "c", NULL }, &error));
    ck_assert_str_eq(error->message, "-M: no key 'flag'; did you mean 'flags'?");
}
END_TEST

START_TEST(key_list_refused) {
    static const char *const bad[] = { "virt,a=1,a=2", "virt,type=virt", "virt,", "", "virt,=1", "a=1,,,=2" };
    g_autoptr(GError) error = NULL;
    KeyList *list = keylist_parse("-M", "type", bad[_i], &error);
    ck_assert_ptr_null(list);
    ck_assert(g_error_matches(error, YADO_ERROR, YADO_ERROR_USAGE));
}
END_TEST

START_TEST(sizes) {
    static const struct { const char *text; uint64_t bytes; } rows[] = {
        { "1", 1 << 20 },          { "1k", 1 << 10 },           { "1K", 1 << 10 },  { "64M", 64 << 20 },
        { "4TB", UINT64_C(4) << 40 }, { "2GiB", UINT64_C(2) << 30 }, { "0x10", 16 << 20 }, { "0", 0 },
        { "17b", 17 },
    };
    uint64_t bytes = 99;
    ck_assert(value_size("-m", rows[_i].text, 1 << 20, &bytes, NULL));
    ck_assert_uint_eq(bytes, rows[_i].bytes);
}
END_TEST

START_TEST(sizes_refused) {
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "M", "1x", "1MM", "1.5G", "99999999999999999999",
                                       "16777216T", "0x", "1bb" };
    uint64_t bytes;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!value_size("-m", bad[_i], 1 << 20, &bytes, &error), "%s", bad[_i]);
    ck_assert(g_error_matches(error, YADO_ERROR, YADO_ERROR_USAGE));
}
END_TEST

START_TEST(numbers) {
    uint64_t n;
    bool b;
    ck_assert(value_number("n", "8", 1, 8, &n, NULL));
    ck_assert_uint_eq(n, 8);
    ck_assert(!value_number("n", "9", 1, 8, &n, NULL));
    ck_assert(!value_number("n", "0", 1, 8, &n, NULL));
    ck_assert(!value_number("n", "3x", 1, 8, &n, NULL));
    ck_assert(value_bool("k", "on", &b, NULL) && b);
    ck_assert(value_bool("k", "off", &b, NULL) && !b);
    ck_assert(!value_bool("k", "ON!", &b, NULL));
    g_autofree char *text = value_size_text(UINT64_C(255) << 30), *odd = value_size_text((1 << 20) + 1);
    ck_assert_str_eq(text, "255 GiB");
    ck_assert_str_eq(odd, "1048577 bytes");
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("names");
    tcase_add_loop_test(tests, nearest, 0, 9);
    tcase_add_test(tests, hint);
    tcase_add_test(tests, key_list);
    tcase_add_loop_test(tests, key_list_refused, 0, 6);
    tcase_add_loop_test(tests, sizes, 0, 9);
    tcase_add_loop_test(tests, sizes_refused, 0, 13);
    tcase_add_test(tests, numbers);
    Suite *suite = suite_create("names");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
