/* SPDX-License-Identifier: MIT */
/*
 * test_region_path.c - the way that a region takes, of histories made by hand: letters are insns.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/region.h"

/* The path of a history of letters as letters, with '*' behind it where it is a cycle, '+' where most rounds were others. */
static const char *path_of(const char *letters, unsigned max) {
    static char text[REGION_INSNS + 2];
    uint16_t history[REGION_HISTORY], path[REGION_INSNS];
    unsigned count = (unsigned)strlen(letters);
    PathEnd end;
    for (unsigned i = 0; i < count; i++) {
        history[i] = (uint16_t)((letters[i] - 'a') * 4);
    }
    unsigned length = path_choose(history, count, path, max, &end);
    for (unsigned i = 0; i < length; i++) {
        text[i] = (char)('a' + path[i] / 4);
    }
    strcpy(text + length, !end.cycle ? "" : end.steady ? "*" : "+");
    return text;
}

START_TEST(straight) {
    ck_assert_str_eq(path_of("abcdef", 64), "abcdef");
    ck_assert_str_eq(path_of("abcdef", 4), "abcd");
    ck_assert_str_eq(path_of("a", 64), "a");
}
END_TEST

START_TEST(loops) {
    ck_assert_str_eq(path_of("abcabcabcabcab", 64), "abc*");
    ck_assert_str_eq(path_of("aaaaaaaaaa", 64), "a*");
    ck_assert_str_eq(path_of("abcab", 64), "abc*"); /* once around is enough to see it */
}
END_TEST

START_TEST(most_rounds_decide) {
    ck_assert_str_eq(path_of("abdacdacdabdacdacd", 64), "acd*");
    /* what goes with what: b is mostly followed by e, but not where d was in front */
    ck_assert_str_eq(path_of("adbfadbfadbfadbfacbeacbeacbeacbeacbe", 64), "acbe+");
}
END_TEST

START_TEST(many_ways) {
    ck_assert_str_eq(path_of("abvabwabxabyabzabvabwabxabyabzabvabwabxabyabz", 64), "ab");
    ck_assert_str_eq(path_of("abxabyabzabxabyabzabxabyabz", 64), "abx+"); /* one in four is enough */
    ck_assert_str_eq(path_of("abxabyabxabxabxabzabxabxabx", 64), "abx*");
}
END_TEST

START_TEST(calls_come_twice) {
    ck_assert_str_eq(path_of("axybxycaxybxycaxybxycaxybxyc", 64), "axybxyc*");
}
END_TEST

START_TEST(inner_loops) {
    /* any number of rounds inside: the path ends where it would come back */
    ck_assert_str_eq(path_of("abcbcbcbcbcbcbcbcbcd", 64), "abc");
    /* a few, always as many, are followed */
    ck_assert_str_eq(path_of("abcbcdabcbcdabcbcdabcbcd", 64), "abcbcd*");
}
END_TEST

START_TEST(repeats) {
    uint16_t path[REGION_INSNS] = {0, 4, 8};
    ck_assert_uint_eq(path_repeat(path, 3, 10, 8), 9);
    ck_assert_uint_eq(path[8], 8);
    ck_assert_uint_eq(path_repeat(path, 3, 64, 2), 6);
    ck_assert_uint_eq(path_repeat(path, 3, 5, 8), 3);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("region_path");
    TCase *tcase = tcase_create("region_path");
    tcase_add_test(tcase, straight);
    tcase_add_test(tcase, loops);
    tcase_add_test(tcase, most_rounds_decide);
    tcase_add_test(tcase, many_ways);
    tcase_add_test(tcase, calls_come_twice);
    tcase_add_test(tcase, inner_loops);
    tcase_add_test(tcase, repeats);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
