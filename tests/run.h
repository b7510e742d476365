/* SPDX-License-Identifier: MIT */
/* run.h - for tests: the main program of a list of them. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <check.h>
#include <stddef.h>

/* The exit code. seconds: that each test may take. */
static inline int run_tests(const char *name, const TTest *const *tests, size_t count, double seconds) {
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, seconds);
    for (size_t i = 0; i < count; i++) {
        tcase_add_test(tc, tests[i]);
    }
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* main() of a test file: the tests by name. */
#define TEST_MAIN(name, seconds, ...)                                                  \
    int main(void) {                                                                   \
        const TTest *tests[] = { __VA_ARGS__ };                                        \
        return run_tests(name, tests, sizeof tests / sizeof tests[0], seconds);        \
    }

#endif
