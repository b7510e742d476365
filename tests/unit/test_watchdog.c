/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog.c - the watchdog's decisions over looks made up here. What real vCPUs show it is in test_watch.c; a real
 * hang in tests/cli/test_cli.py.
 */
#include "system/watchdog.h"

#include <check.h>
#include <stdlib.h>

static const uint64_t second = 1000000000;

static WatchdogNews look_cpu(WatchedCpu *w, bool pending, uint64_t safepoints, uint64_t cpu_ns) {
    VcpuWatch now = {.pending = pending, .requests = pending, .safepoints = safepoints, .cpu_ns = cpu_ns};
    return watchdog_look_cpu(w, &now);
}

START_TEST(hangs) {
    WatchedCpu w = {0};
    ck_assert_int_eq(look_cpu(&w, false, 10, 1 * second), WATCHDOG_NO_NEWS);
    ck_assert_int_eq(look_cpu(&w, true, 10, 50 * second), WATCHDOG_NO_NEWS); /* pending now: five seconds from here */
    ck_assert_int_eq(look_cpu(&w, true, 10, 55 * second - 1), WATCHDOG_NO_NEWS);
    ck_assert_int_eq(look_cpu(&w, true, 10, 55 * second), WATCHDOG_HANGS);
    ck_assert_int_eq(look_cpu(&w, true, 10, 90 * second), WATCHDOG_NO_NEWS); /* once */
    ck_assert_int_eq(look_cpu(&w, true, 11, 91 * second), WATCHDOG_GOES_ON);
    ck_assert_int_eq(look_cpu(&w, true, 11, 95 * second), WATCHDOG_NO_NEWS);
    ck_assert_int_eq(look_cpu(&w, true, 11, 96 * second), WATCHDOG_HANGS); /* and anew */
}
END_TEST

START_TEST(does_not_hang) {
    WatchedCpu w = {0};
    for (uint64_t i = 0; i < 100; i++) { /* busy, nothing pending */
        ck_assert_int_eq(look_cpu(&w, false, 10, i * second), WATCHDOG_NO_NEWS);
    }
    for (uint64_t i = 100; i < 200; i++) { /* always something pending, always a safepoint */
        ck_assert_int_eq(look_cpu(&w, true, i, i * second), WATCHDOG_NO_NEWS);
    }
    for (uint64_t i = 0; i < 100; i++) { /* pending, but no CPU time goes by: it waits or is stopped */
        ck_assert_int_eq(look_cpu(&w, true, 200, 200 * second), WATCHDOG_NO_NEWS);
    }
    for (uint64_t i = 0; i < 100; i++) { /* a new thread, whose CPU time begins anew */
        ck_assert_int_eq(look_cpu(&w, true, 201, (100 - i) * second), WATCHDOG_NO_NEWS);
    }
}
END_TEST

START_TEST(host_is_late) {
    WatchedIo w = {0};
    LateRequest r = {.serial = 7, .what = "flush", .whom = "disk.img"};
    ck_assert_int_eq(watchdog_look_io(&w, NULL), WATCHDOG_NO_NEWS);
    for (unsigned i = 0; i < WATCHDOG_IO_SECONDS; i++) {
        ck_assert_int_eq(watchdog_look_io(&w, &r), WATCHDOG_NO_NEWS);
    }
    ck_assert_int_eq(watchdog_look_io(&w, &r), WATCHDOG_HANGS);
    ck_assert_int_eq(watchdog_look_io(&w, &r), WATCHDOG_NO_NEWS);
    ck_assert_int_eq(watchdog_look_io(&w, NULL), WATCHDOG_GOES_ON);
    for (uint64_t i = 0; i < 100; i++) { /* busy, but each is another request */
        r.serial = 8 + i / 20;
        ck_assert_int_eq(watchdog_look_io(&w, &r), WATCHDOG_NO_NEWS);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("watchdog");
    TCase *tests = tcase_create("watchdog");
    tcase_add_test(tests, hangs);
    tcase_add_test(tests, does_not_hang);
    tcase_add_test(tests, host_is_late);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
