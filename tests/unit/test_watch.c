/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - what vCPUs show from outside while their guests loop, wait or are paused: the watchdog builds on it.
 */
#include "tests/unit/tcg_fake.h"

static const bool interpret[] = {false, true};

static VcpuWatch look(const Machine *m) {
    VcpuWatch w;
    vcpu_watch(m->cpu, &w);
    return w;
}

/* Waits until the vCPU has used so much CPU time. */
static void burn(const Machine *m, uint64_t ns) {
    while (look(m).cpu_ns < ns) {
        g_usleep(1000);
    }
}

/* A request is always followed by a safepoint. */
START_TEST(loop_has_safepoints) {
    static const uint32_t code[] = {
        0x91000400, /* 1: add x0, x0, #1 */
        0x17ffffff, /* b 1b */
    };
    for (unsigned i = 0; i < 2; i++) {
        Machine *m = machine_new(interpret[i]);
        machine_code(m, RAM_BASE, code, sizeof code);
        m->env->pc = RAM_BASE;
        tcg_start(m->tcg);
        burn(m, 10000000);
        for (unsigned k = 0; k < 50; k++) {
            uint64_t before = look(m).safepoints;
            vcpu_kick(m->cpu);
            while (look(m).safepoints == before) {
                g_usleep(100);
            }
        }
        uint64_t block;
        unsigned insns;
        vcpu_watch_block(m->cpu, &block, &insns);
        ck_assert_uint_eq(block, RAM_BASE);
        ck_assert_uint_eq(insns, 2);
        tcg_stop(m->tcg);
        ck_assert_uint_eq(look(m).cpu_ns, 0); /* its thread has ended */
        machine_free(m);
    }
}
END_TEST

/* Whoever waits or is paused uses no CPU time, whatever is pending. */
START_TEST(waiting_uses_nothing) {
    static const uint32_t code[] = {
        0xd503207f, /* 1: wfi */
        0x17ffffff, /* b 1b */
    };
    Machine *m = machine_new(false);
    machine_code(m, RAM_BASE, code, sizeof code);
    m->env->pc = RAM_BASE;
    tcg_start(m->tcg);
    while (!__atomic_load_n(&m->cpu->halted, __ATOMIC_SEQ_CST)) {
        g_usleep(1000);
    }
    uint64_t waiting = look(m).cpu_ns;
    g_usleep(50000);
    ck_assert_uint_lt(look(m).cpu_ns - waiting, 40000000);
    tcg_pause(m->tcg);
    uint64_t paused = look(m).cpu_ns;
    vcpu_kick(m->cpu);
    g_usleep(50000);
    ck_assert_uint_lt(look(m).cpu_ns - paused, 40000000);
    tcg_stop(m->tcg);
    machine_free(m);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("watch");
    TCase *tests = tcase_create("watch");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, loop_has_safepoints);
    tcase_add_test(tests, waiting_uses_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
