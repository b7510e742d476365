/* SPDX-License-Identifier: MIT */
/*
 * tcg_fake.h - a translator with one Arm vCPU on 64 KiB of RAM, and a device whose every access is counted. For the
 * tests of tcg/.
 */
#ifndef TESTS_UNIT_TCG_FAKE_H
#define TESTS_UNIT_TCG_FAKE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/arm/cpu.h"
#include "tcg/lower.h"
#include "tcg/vcpu.h"

enum { RAM_BASE = 0x40000000, RAM_BYTES = 0x10000, DEVICE_BASE = 0x50000000 };

typedef struct Machine {
    Tcg *tcg;
    Vcpu *cpu;
    Env *env;
    uint8_t *ram;
    unsigned reads, writes; /* of the device */
    uint64_t written;
    void *user;             /* the test's own */
} Machine;

static inline uint8_t *machine_page(void *opaque, uint64_t gpa, bool *writable) {
    Machine *m = opaque;
    *writable = true;
    return gpa - RAM_BASE < RAM_BYTES ? m->ram + ((gpa - RAM_BASE) & ~(uint64_t)(PAGE_SIZE - 1)) : NULL;
}
static inline PhysResult machine_read(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    Machine *m = opaque;
    if (gpa - DEVICE_BASE >= PAGE_SIZE) {
        return PHYS_NONE;
    }
    *value = 0x100 + m->reads++;
    return PHYS_OK;
}
static inline PhysResult machine_write(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    Machine *m = opaque;
    if (gpa - DEVICE_BASE >= PAGE_SIZE) {
        return PHYS_NONE;
    }
    m->writes++;
    m->written = value;
    return PHYS_OK;
}
static inline uint64_t machine_now(void *opaque) {
    return 0;
}
static inline void machine_alarm(void *opaque, unsigned vcpu, uint64_t deadline) {
}
static inline void machine_irq_out(void *opaque, unsigned vcpu, unsigned line, bool level) {
}
static inline void machine_power(void *opaque, unsigned vcpu, TcgPower action, int code) {
}

/* extra: what it says besides memory and callbacks */
static inline Machine *machine_new_with(const TcgConfig *extra) {
    Machine *m = calloc(1, sizeof *m);
    TcgConfig config = *extra;
    m->ram = aligned_alloc(PAGE_SIZE, RAM_BYTES);
    memset(m->ram, 0, RAM_BYTES);
    config.cache_bytes = 256 << 10;
    config.opaque = m;
    config.now = machine_now;
    config.alarm = machine_alarm;
    config.irq_out = machine_irq_out;
    config.power = machine_power;
    config.phys = (PhysMap){.opaque = m, .page = machine_page, .read = machine_read, .write = machine_write};
    m->tcg = tcg_new(&config);
    m->cpu = tcg_add_vcpu(m->tcg, &frontend_arm, "cortex-a72", 0, NULL);
    ck_assert_ptr_nonnull(m->cpu);
    m->env = vcpu_env(m->cpu);
    frontend_arm.set_entry(m->env, RAM_BASE, NULL, 0);
    tlb_context_changed(m->cpu);
    return m;
}
static inline Machine *machine_new(bool interpret) {
    return machine_new_with(&(TcgConfig){.interpret = interpret});
}
static inline void machine_free(Machine *m) {
    tcg_free(m->tcg);
    free(m->ram);
    free(m);
}
static inline void machine_code(Machine *m, uint64_t pa, const uint32_t *insns, size_t bytes) {
    memcpy(m->ram + (pa - RAM_BASE), insns, bytes);
}
static inline uint64_t *machine_x(Machine *m) {
    return arm_cpu(m->env)->x;
}
/* Starts the vCPU at pc, waits for WFI, stops it. */
static inline void machine_run(Machine *m, uint64_t pc) {
    m->env->pc = pc;
    tcg_start(m->tcg);
    for (unsigned i = 0; i < 5000 && !__atomic_load_n(&m->cpu->halted, __ATOMIC_SEQ_CST); i++) {
        g_usleep(1000);
    }
    ck_assert_msg(__atomic_load_n(&m->cpu->halted, __ATOMIC_SEQ_CST), "no WFI in five seconds; pc %#llx",
                  (unsigned long long)m->env->pc);
    tcg_stop(m->tcg);
}
/* The block at pc, made if need be. */
static inline Tb *machine_tb(Machine *m, uint64_t pa) {
    LowerResult result = LOWER_OK;
    uint64_t mode = frontend_arm.mode(m->env);
    bool writable;
    g_mutex_lock(&m->tcg->lock);
    Tb *tb = tb_find(m->tcg, pa, mode);
    if (!tb) {
        tb = tb_translate(m->cpu, pa, pa, mode, machine_page(m, pa, &writable), 64, &result);
    }
    g_mutex_unlock(&m->tcg->lock);
    ck_assert_ptr_nonnull(tb);
    return tb;
}

static inline int machine_main(const char *name, const TTest *const *tests) {
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 30);
    for (size_t i = 0; tests[i]; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
