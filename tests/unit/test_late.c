/* SPDX-License-Identifier: MIT */
/* test_late.c - requests on their way: seen while they are, not after, and lost from sight when there are too many. */
#include "host/late.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

static unsigned count(const LateList *list) {
    LateRequest r;
    unsigned found = 0;
    for (unsigned i = 0; i < LATE_PLACES; i++) {
        found += late_look(list, i, &r);
    }
    return found;
}

START_TEST(one) {
    static LateList list;
    LateRequest r;
    ck_assert_uint_eq(count(&list), 0);
    int place = late_begin(&list, "read", "disk.img");
    ck_assert_int_ge(place, 0);
    ck_assert(late_look(&list, (unsigned)place, &r));
    ck_assert_str_eq(r.what, "read");
    ck_assert_str_eq(r.whom, "disk.img");
    uint64_t serial = r.serial;
    late_end(&list, place);
    ck_assert_uint_eq(count(&list), 0);
    ck_assert_int_eq(late_begin(&list, "write", "disk.img"), place);
    ck_assert(late_look(&list, (unsigned)place, &r));
    ck_assert_uint_ne(r.serial, serial); /* another request */
}
END_TEST

START_TEST(full) {
    static LateList list;
    for (unsigned i = 0; i < LATE_PLACES; i++) {
        ck_assert_int_eq(late_begin(&list, "read", ""), (int)i);
    }
    ck_assert_int_eq(late_begin(&list, "read", ""), -1);
    late_end(&list, -1);
    ck_assert_uint_eq(count(&list), LATE_PLACES);
    late_end(&list, 7);
    ck_assert_int_eq(late_begin(&list, "read", ""), 7);
}
END_TEST

START_TEST(nobody_watches) {
    ck_assert_int_eq(late_begin(NULL, "read", ""), -1);
    late_end(NULL, -1);
}
END_TEST

static void *work(void *list) {
    for (unsigned i = 0; i < 20000; i++) {
        int place = late_begin(list, "read", "x");
        ck_assert_int_ge(place, 0);
        late_end(list, place);
    }
    return NULL;
}

START_TEST(threads) {
    static LateList list;
    pthread_t workers[4];
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&workers[i], NULL, work, &list), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(workers[i], NULL);
    }
    ck_assert_uint_eq(count(&list), 0);
    ck_assert_uint_eq(list.last, 80000);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("late");
    TCase *tests = tcase_create("late");
    tcase_add_test(tests, one);
    tcase_add_test(tests, full);
    tcase_add_test(tests, nobody_watches);
    tcase_add_test(tests, threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
