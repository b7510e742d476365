/* SPDX-License-Identifier: MIT */
/* test_clock.c - time that stops and goes, and timers in order. */
#include <check.h>
#include <pthread.h>
#include <string.h>

#include "host/clock.h"

typedef struct Bell {
    Clock *clk;
    ClockTimer *timer;
    GString *order;
    char name;
    uint64_t at;
    uint64_t again; /* set the timer again, this much later */
} Bell;

static void ring(void *opaque) {
    Bell *b = opaque;
    b->at = clock_now(b->clk);
    g_string_append_c(b->order, b->name);
    if (b->again) {
        clock_timer_set(b->timer, b->at + b->again);
    }
}

static void run(GMainContext *context, unsigned ms) {
    gint64 end = g_get_monotonic_time() + ms * 1000;
    while (g_get_monotonic_time() < end) {
        if (!g_main_context_iteration(context, FALSE)) {
            g_usleep(50);
        }
    }
}

START_TEST(test_stop_and_go) {
    GMainContext *context = g_main_context_new();
    Clock *clk = clock_new(context);
    uint64_t a = clock_now(clk);
    ck_assert_uint_lt(a, 1000000000);
    g_usleep(2000);
    ck_assert_uint_ge(clock_now(clk), a + 2000000);
    clock_stop(clk);
    clock_stop(clk);
    a = clock_now(clk);
    g_usleep(2000);
    ck_assert_uint_eq(clock_now(clk), a);
    ck_assert(!clock_running(clk));
    clock_resume(clk);
    uint64_t b = clock_now(clk);
    ck_assert(b >= a && b < a + 2000000);
    clock_set(clk, 5000000000);
    ck_assert_uint_ge(clock_now(clk), 5000000000);
    ck_assert_uint_lt(clock_now(clk), 5500000000);
    ck_assert_int_gt(clock_wall_ns(clk), INT64_C(1600000000) * 1000000000);
    clock_free(clk);
    g_main_context_unref(context);
}
END_TEST

START_TEST(test_timers) {
    GMainContext *context = g_main_context_new();
    Clock *clk = clock_new(context);
    g_autoptr(GString) order = g_string_new(NULL);
    Bell bells[5];
    static const unsigned ms[5] = { 9, 3, 6, 1, 12 };
    uint64_t start = clock_now(clk);
    for (unsigned i = 0; i < 5; i++) {
        bells[i] = (Bell){ clk, NULL, order, (char)('a' + i), 0, 0 };
        bells[i].timer = clock_timer_new(clk, ring, &bells[i]);
        clock_timer_set(bells[i].timer, start + ms[i] * 1000000);
    }
    clock_timer_cancel(bells[4].timer);
    ck_assert_uint_eq(clock_timer_deadline(bells[4].timer), CLOCK_NEVER);
    ck_assert_uint_eq(clock_next_deadline(clk), start + 1000000);
    clock_timer_set(bells[3].timer, start + 7000000); /* moved */
    run(context, 15);
    ck_assert_str_eq(order->str, "bcda");
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_ge(bells[i].at, start + (i == 3 ? 7 : ms[i]) * 1000000);
    }
    /* None while stopped; the rest of the wait afterwards. */
    g_string_truncate(order, 0);
    clock_timer_set(bells[0].timer, clock_now(clk) + 2000000);
    clock_stop(clk);
    run(context, 5);
    ck_assert_str_eq(order->str, "");
    clock_resume(clk);
    run(context, 5);
    ck_assert_str_eq(order->str, "a");
    /* In the past: at once. Again and again: each time once, and the loop is not held up. */
    bells[1].again = 1;
    clock_timer_set(bells[1].timer, 0);
    for (unsigned i = 0; i < 50 && order->len < 4; i++) {
        g_main_context_iteration(context, TRUE);
    }
    ck_assert_str_eq(order->str, "abbb");
    for (unsigned i = 0; i < 5; i++) {
        clock_timer_free(bells[i].timer);
    }
    clock_free(clk);
    g_main_context_unref(context);
}
END_TEST

START_TEST(test_heap) {
    GMainContext *context = g_main_context_new();
    Clock *clk = clock_new(context);
    g_autoptr(GString) order = g_string_new(NULL);
    enum { N = 200 };
    static Bell bells[N];
    uint32_t random = 7;
    clock_stop(clk);
    for (unsigned i = 0; i < N; i++) {
        bells[i] = (Bell){ clk, NULL, order, 'x', 0, 0 };
        bells[i].timer = clock_timer_new(clk, ring, &bells[i]);
    }
    for (unsigned round = 0; round < 2000; round++) {
        random = random * 1664525 + 1013904223;
        clock_timer_set(bells[random >> 8 & 127].timer, random & 1 ? CLOCK_NEVER : UINT64_C(1) << 40 | random >> 16);
        uint64_t first = CLOCK_NEVER;
        for (unsigned i = 0; i < N; i++) {
            first = MIN(first, clock_timer_deadline(bells[i].timer));
        }
        ck_assert_uint_eq(clock_next_deadline(clk), first);
    }
    for (unsigned i = 0; i < N; i++) {
        clock_timer_free(bells[i].timer);
    }
    clock_free(clk);
    g_main_context_unref(context);
}
END_TEST

static uint64_t virtual_time(void *opaque) {
    return *(uint64_t *)opaque;
}

START_TEST(test_other_source) {
    GMainContext *context = g_main_context_new();
    Clock *clk = clock_new(context);
    g_autoptr(GString) order = g_string_new(NULL);
    uint64_t now = 1000;
    clock_stop(clk);
    clock_set(clk, 0);
    clock_use(clk, virtual_time, &now);
    clock_resume(clk);
    ck_assert_uint_eq(clock_now(clk), 0);
    Bell bell = { clk, NULL, order, 'a', 0, 0 };
    bell.timer = clock_timer_new(clk, ring, &bell);
    clock_timer_set(bell.timer, 500);
    run(context, 2);
    ck_assert_str_eq(order->str, "");
    now += 499;
    clock_advanced(clk);
    run(context, 2);
    ck_assert_str_eq(order->str, "");
    now += 1;
    clock_advanced(clk);
    run(context, 2);
    ck_assert_str_eq(order->str, "a");
    clock_timer_free(bell.timer);
    clock_free(clk);
    g_main_context_unref(context);
}
END_TEST

static void *watch(void *opaque) {
    Clock *clk = opaque;
    uint64_t last = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t now = clock_now(clk);
        if (now < last) {
            return clk;
        }
        last = now;
    }
    return NULL;
}

START_TEST(test_never_back) {
    Clock *clk = clock_new(NULL);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, clk), 0);
    for (unsigned i = 0; i < 2000; i++) {
        clock_stop(clk);
        clock_resume(clk);
    }
    void *result;
    pthread_join(thread, &result);
    ck_assert_ptr_null(result);
    clock_free(clk);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host/clock");
    TCase *tc = tcase_create("clock");
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, test_stop_and_go);
    tcase_add_test(tc, test_timers);
    tcase_add_test(tc, test_heap);
    tcase_add_test(tc, test_other_source);
    tcase_add_test(tc, test_never_back);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
