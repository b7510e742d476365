/* SPDX-License-Identifier: MIT */
/*
 * test_arm_timer.c - the counter, both timers, their lines and deadlines.
 */
#include "tests/unit/arm_fake.h"

enum {
    CNTFRQ = ARM_SR(3, 3, 14, 0, 0),
    CNTPCT = ARM_SR(3, 3, 14, 0, 1),
    CNTVCT = ARM_SR(3, 3, 14, 0, 2),
    TVAL = ARM_SR(3, 3, 14, 2, 0),
    CTL = ARM_SR(3, 3, 14, 2, 1),
    CVAL = ARM_SR(3, 3, 14, 2, 2),
    VIRT = ARM_SR(0, 0, 0, 1, 0),
};

START_TEST(test_counter) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, CNTFRQ), 62500000);
    f->now = 1000000000;
    ck_assert_uint_eq(fake_read(f, CNTPCT), 62500000);
    f->now = 1000000015;
    ck_assert_uint_eq(fake_read(f, CNTVCT), 62500000);
    f->now = 1000000016;
    ck_assert_uint_eq(fake_read(f, CNTVCT), 62500001);
    f->now = UINT64_C(100) * 365 * 86400 * 1000000000;
    ck_assert_uint_eq(fake_read(f, CNTVCT), UINT64_C(100) * 365 * 86400 * 62500000);
    fake_free(f);
    f = fake_new("max");
    f->now = 12345;
    ck_assert_uint_eq(fake_read(f, CNTFRQ), 1000000000);
    ck_assert_uint_eq(fake_read(f, CNTPCT), 12345);
    fake_free(f);
}
END_TEST

START_TEST(test_timer) {
    for (unsigned timer = 0; timer < ARM_TIMERS; timer++) {
        Fake *f = fake_new("cortex-a57");
        unsigned at = timer * VIRT;
        f->now = 1600;
        fake_write(f, CVAL + at, 200);
        ck_assert_uint_eq(f->deadline[timer], UINT64_MAX);
        fake_write(f, CTL + at, 1);
        ck_assert_uint_eq(f->deadline[timer], 3200);
        ck_assert_uint_eq(fake_read(f, CTL + at), 1);
        ck_assert_uint_eq(fake_read(f, TVAL + at), 100);
        ck_assert_uint_eq(f->outputs, 0);
        f->now = 3199;
        frontend_arm.timer_expired(f->env, timer); /* too early: asks again */
        ck_assert_uint_eq(f->outputs, 0);
        ck_assert_uint_eq(f->deadline[timer], 3200);
        f->now = 3200;
        frontend_arm.timer_expired(f->env, timer);
        ck_assert_uint_eq(f->outputs, 1u << timer);
        ck_assert_uint_eq(f->deadline[timer], UINT64_MAX);
        ck_assert_uint_eq(fake_read(f, CTL + at), 5);
        fake_write(f, CTL + at, 3);
        ck_assert_uint_eq(f->outputs, 0);
        ck_assert_uint_eq(fake_read(f, CTL + at), 7);
        fake_write(f, CTL + at, 1);
        ck_assert_uint_eq(f->outputs, 1u << timer);
        fake_write(f, TVAL + at, (uint32_t)-5); /* in the past */
        ck_assert_uint_eq(fake_read(f, CVAL + at), 195);
        ck_assert_uint_eq(f->outputs, 1u << timer);
        fake_write(f, TVAL + at, 10);
        ck_assert_uint_eq(fake_read(f, CVAL + at), 210);
        ck_assert_uint_eq(f->outputs, 0);
        ck_assert_uint_eq(f->deadline[timer], 3360);
        fake_write(f, CTL + at, 0);
        ck_assert_uint_eq(f->deadline[timer], UINT64_MAX);
        fake_free(f);
    }
}
END_TEST

/* A deadline is the first nanosecond at which the counter has the value. */
START_TEST(test_deadline_is_exact) {
    Fake *f = fake_new("cortex-a57");
    arm_cold(f->env)->counter_hz = 19200000;
    fake_write(f, CTL, 1);
    for (uint64_t count = 1; count < 1000000; count = count * 7 + 3) {
        f->now = 0;
        fake_write(f, CVAL, count);
        uint64_t deadline = f->deadline[0];
        f->now = deadline - 1;
        ck_assert_uint_eq(fake_read(f, CNTPCT), count - 1);
        f->now = deadline;
        ck_assert_uint_eq(fake_read(f, CNTPCT), count);
    }
    f->now = 0;
    fake_write(f, CVAL, UINT64_MAX);
    ck_assert_uint_eq(f->deadline[0], UINT64_MAX);
    fake_free(f);
}
END_TEST

START_TEST(test_reset_lowers_the_line) {
    Fake *f = fake_new("cortex-a57");
    f->now = 5000;
    fake_write(f, CTL, 1);
    ck_assert_uint_eq(f->outputs, 1);
    frontend_arm.reset(f->env);
    ck_assert_uint_eq(f->outputs, 0);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_counter, test_timer, test_deadline_is_exact, test_reset_lowers_the_line, NULL};
    return fake_main("arm timer", tests);
}
