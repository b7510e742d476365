/* SPDX-License-Identifier: MIT */
/* test_late.c - requests on their way: seen while they are, not after, and lost from sight when there are too many. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "host/block/block.h"

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

START_TEST(waits) {
    LateList list = { 0 };
    LateRequest r;
    ck_assert(late_wait(&list, 0, &r));
    int place = late_begin(&list, "flush", "x");
    ck_assert(!late_wait(&list, 0, &r));
    ck_assert_str_eq(r.what, "flush");
    late_end(&list, place);
    ck_assert(late_wait(&list, 0, &r));
}
END_TEST

/* An image whose driver looks at the list. */
static LateList watched;
static const char *seen;

static int note(void) {
    LateRequest r;
    ck_assert_uint_eq(count(&watched), 1);
    ck_assert(late_look(&watched, 0, &r));
    ck_assert_str_eq(r.whom, "'disk.img' (drive 'd')");
    seen = r.what;
    return 0;
}

static int on_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    return note();
}

static int on_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    return note();
}

static int on_flush(void *opaque) {
    return note();
}

static int on_discard(void *opaque, uint64_t offset, uint64_t size) {
    return note();
}

static int on_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    return note();
}

static void on_close(void *opaque) {
}

START_TEST(disks) {
    static const BlockDriver driver = {"test", on_read, on_write, on_flush, on_discard, on_zero, on_close};
    char buffer[BLOCK_SECTOR];
    Block *b = block_new(&driver, NULL, 1 << 20, &(BlockOptions){.id = "d", .path = "disk.img", .discard = true});
    block_set_late(b, &watched);
    ck_assert_int_eq(block_read(b, 0, buffer, sizeof buffer), 0);
    ck_assert_str_eq(seen, "read");
    ck_assert_int_eq(block_write(b, 0, buffer, sizeof buffer), 0);
    ck_assert_str_eq(seen, "write");
    ck_assert_int_eq(block_flush(b), 0);
    ck_assert_str_eq(seen, "flush");
    ck_assert_int_eq(block_discard(b, 0, sizeof buffer), 0);
    ck_assert_str_eq(seen, "discard");
    ck_assert_int_eq(block_zero(b, 0, sizeof buffer, true), 0);
    ck_assert_str_eq(seen, "zeroing");
    ck_assert_uint_eq(count(&watched), 0);
    block_free(b);
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
    tcase_add_test(tests, disks);
    tcase_add_test(tests, waits);
    tcase_add_test(tests, threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
