/* SPDX-License-Identifier: MIT */
/*
 * test_arm_psci.c - firmware calls by HVC.
 */
#include "tests/unit/arm_fake.h"

enum { HVC = 0xd4000002 };

static int64_t call(Fake *f, uint64_t id, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t *x = arm_cpu(f->env)->x;
    x[0] = id;
    x[1] = a;
    x[2] = b;
    x[3] = c;
    ck_assert_int_eq(fake_insn(f, HVC), IR_EXIT_SYNC);
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 4);
    return (int64_t)x[0];
}

static uint64_t asked_id, asked_entry, asked_context;

static int fake_cpu_on(void *o, Env *env, uint64_t id, uint64_t entry, uint64_t context) {
    asked_id = id;
    asked_entry = entry;
    asked_context = context;
    return id == 1 ? CPU_ON_OK : id == 2 ? CPU_ON_ALREADY_ON : id == 3 ? CPU_ON_PENDING : CPU_ON_BAD_ID;
}

static int fake_cpu_state(void *o, Env *env, uint64_t id) {
    return id == 1 ? CPU_STATE_OFF : id == 2 ? CPU_STATE_ON : id == 3 ? CPU_STATE_PENDING : -1;
}

START_TEST(test_versions) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_int_eq(call(f, 0x84000000, 0, 0, 0), 0x10001);
    ck_assert_int_eq(call(f, 0xffffffff84000000, 0, 0, 0), 0x10001); /* the function is in W0 */
    ck_assert_int_eq(call(f, 0x80000000, 0, 0, 0), 0x10001);
    ck_assert_int_eq(call(f, 0x84000006, 0, 0, 0), 2);
    ck_assert_int_eq(call(f, 0x84000007, 0, 0, 0), -1);
    ck_assert_int_eq(call(f, 0xc4000000, 0, 0, 0), -1); /* no 64-bit twin */
    ck_assert_int_eq(call(f, 0x12345678, 0, 0, 0), -1);
    ck_assert_uint_eq(f->logs[CPU_LOG_UNIMP], 3);
    fake_free(f);
}
END_TEST

START_TEST(test_features) {
    static const struct { uint32_t id; int answer; } rows[] = {
        {0x84000000, 0}, {0x84000001, 0},  {0xc4000001, 0},  {0x84000003, 0}, {0xc4000003, 0},
        {0xc4000004, 0}, {0x84000008, 0},  {0x84000009, 0},  {0x8400000a, 0}, {0x84000012, 0},
        {0x80000000, 0}, {0x84000007, -1}, {0x8400000e, -1}, {0, -1},
    };
    Fake *f = fake_new("cortex-a57");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ck_assert_msg(call(f, 0x8400000a, rows[i].id, 0, 0) == rows[i].answer, "feature %#x", rows[i].id);
    }
    ck_assert_int_eq(call(f, 0x80000001, 0x80000000, 0, 0), 0);
    ck_assert_int_eq(call(f, 0x80000001, 0x80008000, 0, 0), -1); /* no workaround to call */
    fake_free(f);
}
END_TEST

START_TEST(test_cpu_on) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_int_eq(call(f, 0xc4000003, 0, FAKE_RAM, 0), -4); /* itself */
    ck_assert_int_eq(call(f, 0xc4000003, 1, FAKE_RAM, 0), -2); /* no such CPU: no port */
    f->ports.cpu_on = fake_cpu_on;
    ck_assert_int_eq(call(f, 0xc4000003, 1, UINT64_C(0x140000000), UINT64_MAX), 0);
    ck_assert_uint_eq(asked_entry, UINT64_C(0x140000000));
    ck_assert_uint_eq(asked_context, UINT64_MAX);
    ck_assert_int_eq(call(f, 0x84000003, UINT64_C(0x100000001), UINT64_C(0x140000000), UINT64_MAX), 0);
    ck_assert_uint_eq(asked_id, 1);
    ck_assert_uint_eq(asked_entry, 0x40000000);
    ck_assert_uint_eq(asked_context, UINT32_MAX);
    ck_assert_int_eq(call(f, 0xc4000003, 2, FAKE_RAM, 0), -4);
    ck_assert_int_eq(call(f, 0xc4000003, 3, FAKE_RAM, 0), -5);
    ck_assert_int_eq(call(f, 0xc4000003, 4, FAKE_RAM, 0), -2);
    ck_assert_int_eq(call(f, 0xc4000003, 1 << 24, FAKE_RAM, 0), -2);
    ck_assert_int_eq(call(f, 0xc4000003, 1, FAKE_RAM + 2, 0), -9);
    fake_free(f);
}
END_TEST

START_TEST(test_affinity) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_int_eq(call(f, 0xc4000004, 0, 0, 0), 0);
    ck_assert_int_eq(call(f, 0xc4000004, 1, 0, 0), -2);
    f->ports.cpu_state = fake_cpu_state;
    ck_assert_int_eq(call(f, 0xc4000004, 1, 0, 0), 1);
    ck_assert_int_eq(call(f, 0xc4000004, 2, 0, 0), 0);
    ck_assert_int_eq(call(f, 0xc4000004, 3, 0, 0), 2);
    ck_assert_int_eq(call(f, 0xc4000004, 4, 0, 0), -2);
    ck_assert_int_eq(call(f, 0xc4000004, 1, 1, 0), -2);
    fake_free(f);
}
END_TEST

START_TEST(test_power) {
    static const struct { uint32_t id; CpuPower action; } rows[] = {
        {0x84000002, CPU_POWER_CPU_OFF},
        {0x84000008, CPU_POWER_OFF},
        {0x84000009, CPU_POWER_RESET},
        {0x84000012, CPU_POWER_RESET},
    };
    Fake *f = fake_new("cortex-a57");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        f->power = -1;
        call(f, rows[i].id, 0, 0, 0);
        ck_assert_int_eq(f->power, (int)rows[i].action);
    }
    f->power = -1;
    ck_assert_int_eq(call(f, 0x84000012, 5, 0, 0), -2);
    ck_assert_int_eq(f->power, -1);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_versions, test_features, test_cpu_on, test_affinity, test_power, NULL};
    return fake_main("arm psci", tests);
}
