/* SPDX-License-Identifier: MIT */
/*
 * test_exec.c - small guest programs from start to WFI, by host code and by the interpreter: loops, calls, devices,
 * code that changes itself, a code cache that runs full.
 */
#include "tests/unit/tcg_fake.h"

static const bool interpret[] = {false, true};

START_TEST(loop) {
    static const uint32_t code[] = {
        0xd2800000, /* mov x0, #0 */
        0xd2807d01, /* mov x1, #1000 */
        0x8b010000, /* 1: add x0, x0, x1 */
        0xf1000421, /* subs x1, x1, #1 */
        0x54ffffc1, /* b.ne 1b */
        0xd503207f, /* wfi */
    };
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        machine_code(m, RAM_BASE, code, sizeof code);
        machine_run(m, RAM_BASE);
        ck_assert_uint_eq(machine_x(m)[0], 500500);
        ck_assert_uint_eq(m->env->pc, RAM_BASE + sizeof code);
        machine_free(m);
    }
}
END_TEST

START_TEST(calls) {
    static const uint32_t code[] = {
        0xd2800080, /* mov x0, #4 */
        0xd2800022, /* mov x2, #1 */
        0x94000003, /* bl 2f */
        0xd503207f, /* wfi */
        0xd503201f, /* nop */
        0x9b007c42, /* 2: mul x2, x2, x0 */
        0xf1000400, /* subs x0, x0, #1 */
        0x54ffffc1, /* b.ne 2b */
        0xd65f03c0, /* ret */
    };
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        machine_code(m, RAM_BASE + 0x1000, code, sizeof code);
        machine_run(m, RAM_BASE + 0x1000);
        ck_assert_uint_eq(machine_x(m)[2], 24);
        machine_free(m);
    }
}
END_TEST

START_TEST(device) {
    static const uint32_t code[] = {
        0xd2aa0001, /* mov x1, #0x50000000 */
        0xb9400022, /* ldr w2, [x1] */
        0xb9000422, /* str w2, [x1, #4] */
        0xa9400c24, /* ldp x4, x3, [x1] */
        0xf9000823, /* str x3, [x1, #16] */
        0xd503207f, /* wfi */
    };
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        machine_code(m, RAM_BASE, code, sizeof code);
        machine_run(m, RAM_BASE);
        ck_assert_uint_eq(machine_x(m)[2], 0x100);
        ck_assert_uint_eq(machine_x(m)[4], 0x101);
        ck_assert_uint_eq(machine_x(m)[3], 0x102);
        ck_assert_uint_eq(m->reads, 3); /* each access once, whoever does it */
        ck_assert_uint_eq(m->writes, 2);
        ck_assert_uint_eq(m->written, 0x102);
        machine_free(m);
    }
}
END_TEST

START_TEST(code_that_changes_itself) {
    static const uint32_t code[] = {
        0xd2800000, /* mov x0, #0 */
        0x10000083, /* adr x3, 1f */
        0xd2800044, /* mov x4, #2 */
        0x18000102, /* ldr w2, 3f */
        0xd503201f, /* nop */
        0x91000400, /* 1: add x0, x0, #1 */
        0xb9000062, /* str w2, [x3] */
        0xd5033fdf, /* isb */
        0xf1000484, /* subs x4, x4, #1 */
        0x54ffff81, /* b.ne 1b */
        0xd503207f, /* wfi */
        0x91004000, /* 3: add x0, x0, #16 */
    };
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        machine_code(m, RAM_BASE, code, sizeof code);
        machine_run(m, RAM_BASE);
        ck_assert_uint_eq(machine_x(m)[0], 17);
        ck_assert_uint_gt(tcg_stats(m->tcg).invalidated, 0);
        machine_free(m);
    }
}
END_TEST

/* 8000 blocks, twice, in a cache of 256 KiB. */
START_TEST(full_cache) {
    Machine *m = machine_new(false);
    uint32_t *at = (uint32_t *)(void *)m->ram;
    for (unsigned i = 0; i < 0x3f00; i++) {
        at[i] = i & 1 ? 0x14000001 : 0x91000400; /* add x0, x0, #1; b .+4 */
    }
    at[0x3f00] = 0xd503207f;
    machine_run(m, RAM_BASE);
    ck_assert_uint_eq(machine_x(m)[0], 0x3f00 / 2);
    ck_assert_uint_ge(tcg_stats(m->tcg).blocks, 0x3f00 / 2);
    unsigned left = 0;
    for (const Tb *tb = tb_next(m->tcg, NULL); tb; tb = tb_next(m->tcg, tb)) {
        left++;
    }
    ck_assert_uint_lt(left, 0x3f00 / 2);
    machine_x(m)[0] = 0;
    machine_run(m, RAM_BASE);
    ck_assert_uint_eq(machine_x(m)[0], 0x3f00 / 2);
    machine_free(m);
}
END_TEST

/* A program that never ends can be stopped and goes on where it was. */
START_TEST(stop_and_go) {
    static const uint32_t code[] = {0x91000400, 0x17ffffff}; /* 1: add x0, x0, #1; b 1b */
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        uint64_t before = 0;
        machine_code(m, RAM_BASE, code, sizeof code);
        m->env->pc = RAM_BASE;
        for (unsigned k = 0; k < 3; k++) {
            for (unsigned tries = 0; tries < 1000 && machine_x(m)[0] == before; tries++) {
                tcg_start(m->tcg);
                g_usleep(20000); /* on a busy host the thread may not have begun by then */
                tcg_stop(m->tcg);
            }
            ck_assert_uint_gt(machine_x(m)[0], before);
            ck_assert_uint_le(m->env->pc - RAM_BASE, 4);
            before = machine_x(m)[0];
        }
        machine_free(m);
    }
}
END_TEST

int main(void) {
    return machine_main("exec", (const TTest *const[]){loop, calls, device, code_that_changes_itself, full_cache,
                                                       stop_and_go, NULL});
}
