/* SPDX-License-Identifier: MIT */
/*
 * test_verify.c - --verify: programs that touch devices, call helpers and fault agree, and each access is done once;
 * with a rule exchanged in the backend the difference is found, wherever it shows, and the report says all of it.
 */
#include "tests/unit/tcg_fake.h"

typedef struct Run {
    Machine *m;
    Backend backend;
    const HostRule *rules[IR_OPS];
    char *report;
} Run;

static void diverged(void *opaque, const char *report) {
    Machine *m = opaque;
    __atomic_store_n(&m->user, g_strdup(report), __ATOMIC_SEQ_CST);
}

static Run *run_new(bool broken) {
    Run *r = g_new0(Run, 1);
    r->m = machine_new_with(&(TcgConfig){.verify = 1, .diverged = diverged});
    r->backend = *r->m->tcg->backend;
    memcpy(r->rules, r->backend.rules, sizeof r->rules);
    if (broken) {
        r->rules[IR_xor] = r->rules[IR_or];
    }
    r->backend.rules = r->rules;
    r->m->tcg->backend = &r->backend;
    return r;
}

/* Runs to WFI or to a difference. */
static const char *run_code(Run *r, const uint32_t *code, size_t bytes) {
    Machine *m = r->m;
    machine_code(m, RAM_BASE, code, bytes);
    memcpy(m->ram + 0xa00, (uint32_t[]){0xd503207f}, 4); /* wfi: the vector of fault_code */
    machine_x(m)[3] = 3;
    machine_x(m)[4] = 1;
    m->env->pc = RAM_BASE;
    tcg_start(m->tcg);
    for (unsigned i = 0; i < 5000 && !__atomic_load_n(&m->cpu->halted, __ATOMIC_SEQ_CST) &&
                         !__atomic_load_n(&m->user, __ATOMIC_SEQ_CST); i++) {
        g_usleep(1000);
    }
    tcg_stop(m->tcg);
    r->report = m->user;
    return r->report;
}

static void run_free(Run *r) {
    machine_free(r->m);
    g_free(r->report);
    g_free(r);
}

/* x5 = 3 ^ 1, from registers so that nothing is folded; then what the test is about. */
#define BEGIN 0xca040065, 0xd2aa0001 /* eor x5, x3, x4; mov x1, #0x50000000 */

static const uint32_t device_code[] = {
    BEGIN, 0xb9400022, /* ldr w2, [x1] */
    0xf9000425,        /* str x5, [x1, #8] */
    0xa9402027,        /* ldp x7, x8, [x1] */
    0xd503207f,        /* wfi */
};
static const uint32_t helper_code[] = {
    BEGIN, 0xd5184025, /* msr elr_el1, x5 */
    0xd5384026,        /* mrs x6, elr_el1 */
    0xd50343df,        /* msr daifset, #3 */
    0xd503207f,        /* wfi */
};
static const uint32_t fault_code[] = {
    BEGIN, 0xd2a80006, /* mov x6, #0x40000000 */
    0x912000c6,        /* add x6, x6, #0x800 */
    0xd518c006,        /* msr vbar_el1, x6 */
    0xd5033fdf,        /* isb */
    0xd2ac0009,        /* mov x9, #0x60000000: nothing is there */
    0xf8656926,        /* ldr x6, [x9, x5] */
    0x14000000,        /* b . */
};

START_TEST(devices_once) {
    Run *r = run_new(false);
    ck_assert_ptr_null(run_code(r, device_code, sizeof device_code));
    TcgStats s = tcg_stats(r->m->tcg);
    ck_assert_uint_eq(r->m->reads, 3);
    ck_assert_uint_eq(r->m->writes, 1);
    ck_assert_uint_eq(r->m->written, 2);
    ck_assert_uint_eq(machine_x(r->m)[2], 0x100);
    ck_assert_uint_eq(machine_x(r->m)[8], 0x102);
    ck_assert_uint_eq(s.verify_devices, 4);
    ck_assert_uint_ge(s.verified, 1);
    ck_assert_uint_eq(s.verify_alone + s.verify_lost + s.verify_debugged, 0);
    run_free(r);
}
END_TEST

START_TEST(helpers_once) {
    Run *r = run_new(false);
    ck_assert_ptr_null(run_code(r, helper_code, sizeof helper_code));
    ck_assert_uint_eq(machine_x(r->m)[6], 2);
    ck_assert_uint_ge(tcg_stats(r->m->tcg).verified, 1);
    run_free(r);
}
END_TEST

START_TEST(faults_agree) {
    Run *r = run_new(false);
    ck_assert_ptr_null(run_code(r, fault_code, sizeof fault_code));
    TcgStats s = tcg_stats(r->m->tcg);
    ck_assert_uint_ge(s.verify_faults, 1);
    run_free(r);
}
END_TEST

/* What is reported first, and that everything a reader needs stands there. */
static void finds(const uint32_t *code, size_t bytes, const char *what) {
    Run *r = run_new(true);
    const char *report = run_code(r, code, bytes);
    ck_assert_msg(report, "no difference has been found");
    g_autofree char *first = g_strdup_printf("verify: %s differs in or after the block at 0x40000000", what);
    ck_assert_msg(strstr(report, first), "'%s' is not in: %s", first, report);
    ck_assert_msg(strstr(report, "* x5         before 0000000000000000 expected 0000000000000002 got 0000000000000003"),
                  "%s", report);
    ck_assert_ptr_nonnull(strstr(report, "xor.i64"));
    ck_assert_ptr_nonnull(strstr(report, "Host code:\n"));
    ck_assert_ptr_nonnull(strstr(report, "or r"));
    run_free(r);
}

START_TEST(finds_register) {
    static const uint32_t code[] = {BEGIN, 0xd503207f};
    finds(code, sizeof code, "guest state");
}
END_TEST

START_TEST(finds_device) {
    finds(device_code, sizeof device_code, "an access to a device");
}
END_TEST

START_TEST(finds_before_fault) {
    static const uint32_t code[] = {BEGIN, 0xd2ac0009, 0xf8656926, 0xd503207f}; /* as in fault_code */
    finds(code, sizeof code, "a fault");
}
END_TEST

/* Results that are the same, by an op that raises what the right one does not. */
START_TEST(finds_fp_status) {
    static const uint32_t code[] = {
        0xd2a00600, 0xd5181040, 0xd5033fdf, /* mov x0, #0x300000; msr cpacr_el1, x0; isb */
        0x1e6e1000, 0xd2e60001, 0x9e670021, /* fmov d0, #1.0; mov x1, #0x3000000000000000; fmov d1, x1 */
        0x1e616802, 0xd503207f,             /* fmaxnm d2, d0, d1; wfi */
    };
    Run *r = run_new(false);
    r->rules[IR_fmaxnm] = r->rules[IR_fadd];
    const char *report = run_code(r, code, sizeof code);
    ck_assert_msg(report, "no difference has been found");
    ck_assert_msg(strstr(report, "verify: floating-point status differs in or after the block"), "%s", report);
    run_free(r);
}
END_TEST

int main(void) {
    return machine_main("verify", (const TTest *const[]){devices_once, helpers_once, faults_agree, finds_register,
                                                         finds_device, finds_before_fault, finds_fp_status, NULL});
}
