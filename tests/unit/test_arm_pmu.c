/* SPDX-License-Identifier: MIT */
/*
 * test_arm_pmu.c - the cycle counter and its overflow.
 */
#include "tests/unit/arm_fake.h"

enum {
    PMCR = ARM_SR(3, 3, 9, 12, 0), CNTENSET = ARM_SR(3, 3, 9, 12, 1), CNTENCLR = ARM_SR(3, 3, 9, 12, 2),
    OVSCLR = ARM_SR(3, 3, 9, 12, 3), PMSELR = ARM_SR(3, 3, 9, 12, 5), PMCEID0 = ARM_SR(3, 3, 9, 12, 6),
    PMCCNTR = ARM_SR(3, 3, 9, 13, 0), XEVTYPER = ARM_SR(3, 3, 9, 13, 1), OVSSET = ARM_SR(3, 3, 9, 14, 3),
    PMCCFILTR = ARM_SR(3, 3, 14, 15, 7), INTENSET = ARM_SR(3, 0, 9, 14, 1), INTENCLR = ARM_SR(3, 0, 9, 14, 2),
    E = 1, C = 4, D = 8, LC = 64, LINE = 1 << ARM_OUT_PMU,
};
static const uint64_t cycle = UINT64_C(1) << 31;

START_TEST(test_counts) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, PMCR), 0x41010000); /* no event counters */
    ck_assert_uint_eq(fake_read(f, PMCEID0), 1 << 17);
    f->now = 1000;
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 0);
    fake_write(f, PMCR, E | LC);
    fake_write(f, CNTENSET, UINT64_MAX);
    ck_assert_uint_eq(fake_read(f, CNTENCLR), cycle);
    f->now = 1500;
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 500);
    fake_write(f, CNTENCLR, cycle);
    f->now = 9000;
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 500);
    fake_write(f, CNTENSET, cycle);
    f->now = 9001;
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 501);
    fake_write(f, PMCR, E | LC | C);
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 0);
    ck_assert_uint_eq(fake_read(f, PMCR), 0x41010041);
    fake_write(f, PMCR, E | D);
    f->now += 640;
    ck_assert_uint_eq(fake_read(f, PMCCNTR), 10);
    fake_free(f);
}
END_TEST

START_TEST(test_overflow) {
    for (unsigned wide = 0; wide < 2; wide++) {
        Fake *f = fake_new("cortex-a57");
        fake_write(f, PMCR, E | (wide ? LC : 0));
        fake_write(f, CNTENSET, cycle);
        fake_write(f, INTENSET, cycle);
        fake_write(f, PMCCNTR, wide ? UINT64_MAX - 99 : UINT32_MAX - 99);
        ck_assert_uint_eq(f->deadline[ARM_ALARM_PMU], 100);
        f->now = 99;
        frontend_arm.timer_expired(f->env, ARM_ALARM_PMU);
        ck_assert_uint_eq(f->outputs, 0);
        f->now = 100;
        frontend_arm.timer_expired(f->env, ARM_ALARM_PMU);
        ck_assert_uint_eq(f->outputs, LINE);
        ck_assert_uint_eq(fake_read(f, OVSSET), cycle);
        ck_assert_uint_eq(fake_read(f, PMCCNTR), wide ? 0 : UINT64_C(1) << 32);
        fake_write(f, INTENCLR, cycle);
        ck_assert_uint_eq(f->outputs, 0);
        fake_write(f, INTENSET, cycle);
        fake_write(f, OVSCLR, cycle);
        ck_assert_uint_eq(f->outputs, 0);
        fake_free(f);
    }
}
END_TEST

START_TEST(test_filter_by_selector) {
    Fake *f = fake_new("cortex-a57");
    fake_write(f, PMSELR, 31);
    fake_write(f, XEVTYPER, UINT64_MAX);
    ck_assert_uint_eq(fake_read(f, PMCCFILTR), 0xfc000000);
    fake_write(f, PMSELR, 0);
    ck_assert_uint_eq(fake_read(f, XEVTYPER), 0);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_counts, test_overflow, test_filter_by_selector, NULL};
    return fake_main("arm pmu", tests);
}
