/* SPDX-License-Identifier: MIT */
/*
 * test_verify.c - --verify: programs that touch devices, call helpers and fault agree, and each access is done once;
 * with a rule exchanged in the backend the difference is found, wherever it shows, and the report says all of it.
 */
#include "frontend/arm/sysreg.h"
#include "tcg/verify.h"
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

static uint64_t never(void *opaque) {
    return UINT64_MAX;
}

/* Without merged checks: a block that touches a device by one would be run by the interpreter. */
static Run *run_new(bool broken) {
    Run *r = g_new0(Run, 1);
    r->m = machine_new_with(&(TcgConfig){.verify = 1, .diverged = diverged, .icount = true, .next_deadline = never,
                                         .forced.no_merge = true});
    r->backend = *r->m->tcg->backend;
    memcpy(r->rules, r->backend.rules, sizeof r->rules);
    if (broken) {
        r->rules[IR_xor] = r->rules[IR_or];
    }
    r->backend.rules = r->rules;
    r->m->tcg->backend = &r->backend;
    return r;
}

/* One table at the end of RAM: the gigabyte that all of it lies in is normal memory, where accesses are fast. */
static void mmu_on(Machine *m) {
    enum { TABLE = 0xf000, AF = 1 << 10, BLOCK = 1, T0SZ = 25, EPD1 = 1 << 23 };
    ArmCold *cold = arm_cold(m->env);
    const uint64_t entry = RAM_BASE | AF | BLOCK;
    memcpy(m->ram + TABLE + 8, &entry, sizeof entry);
    cold->ttbr0_el1 = RAM_BASE + TABLE;
    cold->tcr_el1 = T0SZ | EPD1;
    cold->mair_el1 = 0xff;
    cold->sctlr_el1 |= 1;
    arm_update_mode(m->env);
    tlb_flush_all(m->cpu);
    tlb_context_changed(m->cpu);
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
    ck_assert_msg(strstr(report, first), "'%s' is not in: %.1500s", first, report);
    ck_assert_msg(strstr(report, "* x5         before 0000000000000000 expected 0000000000000002 got 0000000000000003"),
                  "%.1500s", report);
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

START_TEST(finds_device_address) {
    static const uint32_t code[] = {BEGIN, 0xf8657822, 0xd503207f}; /* ldr x2, [x1, x5, lsl #3]; wfi */
    finds(code, sizeof code, "an access to a device");
}
END_TEST

START_TEST(finds_argument) {
    static const uint32_t code[] = {BEGIN, 0xd518c005, 0xd503207f}; /* msr vbar_el1, x5; wfi */
    finds(code, sizeof code, "the call of a helper");
}
END_TEST

START_TEST(finds_before_fault) {
    static const uint32_t code[] = {BEGIN, 0xd2ac0009, 0xf8656926, 0xd503207f}; /* as in fault_code */
    finds(code, sizeof code, "a fault");
}
END_TEST

/* -- one kind of difference each, by a backend that does something else -- */

typedef struct Difference {
    const char *what, *text; /* how it is reported, and what else the report says */
    void (*put_in)(Run *r);
    uint32_t code[10];
    bool mmu;
} Difference;

static void put_vector(Run *r) {
    r->rules[IR_vxor] = r->rules[IR_vor];
}

static void compare_swapped(HostCode *h, IrType type, HostOperand a, HostOperand b) {
    backend_x86_64_best()->compare(h, type, b, a);
}
static void put_flags(Run *r) {
    r->backend.compare = compare_swapped;
}

static int other_condition(unsigned cond, HostPolarity p) {
    return backend_x86_64_best()->flags_cc(cond ^ 1, p);
}
static void put_pc(Run *r) {
    r->backend.flags_cc = other_condition;
}

static void put_inexact(Run *r) {
    r->rules[IR_fadd] = r->rules[IR_fmax];
}

static void store_behind(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend, unsigned ea, int32_t disp,
                         unsigned tmp) {
    backend_x86_64_best()->st(h, type, aux, v, addend, ea, disp + 8, tmp);
}
static void put_store(Run *r) {
    r->backend.st = store_behind;
}

static void cold_write(HostCode *h, const HostCold *c) {
    HostCold other = *c;
    other.desc |= IR_CHECK_W << 8;
    backend_x86_64_best()->cold(h, &other);
}
static void put_syndrome(Run *r) {
    r->backend.cold = cold_write;
}

static void exit_next(HostCode *h, unsigned reason, bool set_pc, int32_t off) {
    backend_x86_64_best()->exit(h, IR_EXIT_NEXT, set_pc, off);
}
static void put_reason(Run *r) {
    r->backend.exit = exit_next;
}

static void put_monitor(Run *r) {
    r->rules[IR_unmon] = r->rules[IR_barrier];
}

static HostFixup budget_more(HostCode *h, unsigned insns, uint32_t *host) {
    return backend_x86_64_best()->budget(h, insns + 1, host);
}
static void put_count(Run *r) {
    r->backend.budget = budget_more;
}

#define FP_ON 0xd2a00607, 0xd5181047, 0xd5033fdf /* mov x7, #0x300000; msr cpacr_el1, x7; isb */
#define WFI 0xd503207f
static const Difference differences[] = {
    /* movi v0.16b, #3; movi v1.16b, #1; eor v2.16b, v0.16b, v1.16b */
    {"guest state", "* v2         before 0000000000000000 expected 0202020202020202 got 0303030303030303", put_vector,
     {FP_ON, 0x4f00e460, 0x4f00e421, 0x6e211c02, WFI}},
    {"guest state", "* nzcv ", put_flags, {0xeb04007f, WFI}}, /* cmp x3, x4 */
    /* b .+16; nop; b .; nop; cmp x3, x4; b.eq .-12; wfi: a block that a branch ends */
    {"pc", "pc         before 0000000040000010 expected 0000000040000018 got 0000000040000008", put_pc,
     {0x14000004, 0xd503201f, 0x14000000, 0xd503201f, 0xeb04007f, 0x54ffffa0, WFI}},
    /* fmov d0, #1.0; fmov d1, x3 (a denormal); fadd d2, d0, d1: what fmax gives, but inexact */
    {"floating-point status", "fp flags   expected 10 qc 0, got 0 qc 0", put_inexact,
     {FP_ON, 0x1e6e1000, 0x9e670061, 0x1e612802, WFI}},
    /* mov x6, #0x40000000; str x3, [x6, #0x1000] */
    {"a store", "* store 0   expected 03 00 00 00 00 00 00 00 got 00 00 00 00 00 00 00 00", put_store,
     {0xd2a80006, 0xf90800c3, WFI}, true},
    /* as in fault_code; add x6, x6, #1; ldxr x2, [x6] */
    {"a fault", "a fault, in the insn at page offset 0x14: kind 1, access 0, address 0x40000801", put_syndrome,
     {0xd2a80006, 0x912000c6, 0xd518c006, 0xd5033fdf, 0x910004c6, 0xc85f7cc2, 0x14000000}},
    {"how the block is left", "has come to the end of the block", put_reason, {WFI}},
    /* mov x6, #0x40000000; ldxr x2, [x6]; clrex */
    {"exclusive monitor", "monitor    expected ffffffffffffffff, got 40000000", put_monitor,
     {0xd2a80006, 0xc85f7cc2, 0xd5033f5f, WFI}},
    {"the number of insns", "has come to the end of the block", put_count, {0xeb04007f, WFI}},
};

START_TEST(finds_each) {
    const Difference *d = &differences[_i];
    const char *report = NULL;
    Run *r = NULL;
    for (unsigned wrong = 0; wrong < 2; wrong++) { /* as it should be; with the difference */
        ck_assert_ptr_null(report);
        r = run_new(false);
        if (d->mmu) {
            mmu_on(r->m);
        }
        if (wrong) {
            d->put_in(r);
        }
        report = run_code(r, d->code, sizeof d->code);
        if (!wrong) {
            run_free(r);
        }
    }
    ck_assert_msg(report, "%u: no difference has been found", _i);
    g_autofree char *first = g_strdup_printf("verify: %s differs in or after the block at 0x", d->what);
    ck_assert_msg(strstr(report, first), "%u: '%s' is not in: %.3000s", _i, first, report);
    ck_assert_msg(strstr(report, d->text), "%u: '%s' is not in: %.3000s", _i, d->text, report);
    run_free(r);
}
END_TEST

/* -- a device's thread writes to RAM -- */

static gpointer write_ram(gpointer opaque) {
    Machine *m = opaque;
    tcg_ram_written(m->tcg, RAM_BASE + 0x800, 8);
    return NULL;
}

static PhysResult read_meanwhile(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    *value = 0;
    g_thread_join(g_thread_new("device", write_ram, opaque));
    return PHYS_OK;
}

/* What differs then may come of it. */
START_TEST(races_are_no_differences) {
    static const uint32_t code[] = {0xd2aa0001, 0xb9400022, 0xca040065, WFI}; /* ldr w2, [x1] is a device; then eor */
    Run *r = run_new(true);
    r->m->tcg->config.phys.read = read_meanwhile;
    ck_assert_ptr_null(run_code(r, code, sizeof code));
    ck_assert_uint_eq(tcg_stats(r->m->tcg).verify_raced, 1);
    run_free(r);
}
END_TEST

/* -- the reference's memory -- */

/* Its own stores are what its loads see, whole, in part and by halves. */
START_TEST(own_stores) {
    static const uint32_t code[] = {
        0xd2a80006, 0x914004c6, /* mov x6, #0x40000000; add x6, x6, #0x1000 */
        0xf90000c3, 0x390008c4, /* str x3, [x6]; strb w4, [x6, #2] */
        0xf94000c2, 0x794004c7, /* ldr x2, [x6]; ldrh w7, [x6, #2] */
        0xf8004cc4, 0xa9400cc8, /* str x4, [x6, #4]!; ldp x8, x3, [x6] */
        WFI,
    };
    Run *r = run_new(false);
    mmu_on(r->m);
    ck_assert_ptr_null(run_code(r, code, sizeof code));
    ck_assert_uint_eq(machine_x(r->m)[2], 0x10003);
    ck_assert_uint_eq(machine_x(r->m)[7], 1);
    ck_assert_uint_eq(machine_x(r->m)[8], 1);
    run_free(r);
}
END_TEST

/* A page that has been read is looked up again after a flush: the new translation counts for the reference too. */
START_TEST(pages_forgotten) {
    Run *r = run_new(false);
    struct Verify *f = r->m->cpu->verify;
    uint64_t gen = f->page_gen;
    tlb_flush_all(r->m->cpu);
    tlb_flush_asid(r->m->cpu, 1);
    tlb_flush_page(r->m->cpu, RAM_BASE, true, 0, true);
    ck_assert_uint_eq(f->page_gen, gen + 3);
    run_free(r);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("verify");
    TCase *tcase = tcase_create("verify");
    const TTest *const tests[] = {devices_once, helpers_once, faults_agree, finds_register, finds_device,
                                  finds_device_address, finds_argument, finds_before_fault, races_are_no_differences,
                                  own_stores, pages_forgotten};
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    tcase_add_loop_test(tcase, finds_each, 0, G_N_ELEMENTS(differences));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
