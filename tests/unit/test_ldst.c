/* SPDX-License-Identifier: MIT */
/*
 * test_ldst.c - accesses that the fast path cannot do: devices, two pages, pages of code, faults, and what the cold
 * path of generated code is told.
 */
#include "tests/jit/guest.h"
#include "tests/unit/tcg_fake.h"

#include "tests/jit/harness.c"

static JitSide *s;

static void setup(void) {
    s = jit_side_new(&made_up, true);
    jit_env(s)->pcbase = 0x7000;
    jit_env(s)->insn_off = 0x24;
}
static void teardown(void) {
    jit_side_free(s);
}

/* What a check answers: the address of host memory, NULL for slow. */
static uint8_t *checked(uint64_t ea, unsigned size, unsigned aux) {
    uint64_t addend;
    ck_assert(ldst_ops.check(jit_env(s), ea, size, aux, &addend));
    return addend == IR_ADDEND_SLOW ? NULL : (uint8_t *)(uintptr_t)(ea + addend);
}

static void refused(uint64_t ea, unsigned size, unsigned aux, uint64_t fva) {
    uint64_t addend;
    jit_env(s)->pc = 0;
    ck_assert(!ldst_ops.check(jit_env(s), ea, size, aux, &addend));
    ck_assert_uint_eq(jit_env(s)->pc, GUEST_VECTOR);
    ck_assert_uint_eq(regs_of(jit_env(s))->fva, fva);
}

START_TEST(checks) {
    uint8_t *ram = jit_memory(s);
    ck_assert_ptr_eq(checked(0x1010, 8, IR_CHECK_RW), ram + 0x10);
    ck_assert_ptr_eq(checked(0x1ff8, 8, IR_CHECK_R), ram + 0xff8);
    ck_assert_ptr_eq(checked(0x2000, 4096, IR_CHECK_R), ram + 0x1000);
    ck_assert_ptr_null(checked(0x1ff9, 8, IR_CHECK_R)); /* two pages */
    ck_assert_ptr_null(checked(0x3000, 1, IR_CHECK_R));
    ck_assert_ptr_null(checked(0x3000, 1, IR_CHECK_W));
    refused(0x2000, 1, IR_CHECK_W, 0x2000);
    refused(0x1ff9, 8, IR_CHECK_W, 0x2000);
    refused(0xfff, 2, IR_CHECK_R, 0xfff);
    refused(0x6fff, 2, IR_CHECK_R, 0x7000);
    refused(0x1004, 8, IR_CHECK_R | 3 << IR_CHECK_ALIGN_SHIFT, 0x1004);
    refused(0x9004, 8, IR_CHECK_R | 3 << IR_CHECK_ALIGN_SHIFT, 0x9004);
}
END_TEST

START_TEST(loads_and_stores) {
    uint8_t *ram = jit_memory(s);
    IrVal v;
    for (unsigned i = 0; i < 0x6000; i++) {
        ram[i] = (uint8_t)(i * 7);
    }
    for (unsigned size = 1; size <= 16; size *= 2) { /* RAM to read-only, to a device; within the device */
        static const uint64_t places[] = {0x1ff9, 0x2ff9, 0x3011, 0x3018};
        for (unsigned k = 0; k < G_N_ELEMENTS(places); k++) {
            ck_assert(ldst_ops.load(jit_env(s), places[k], size, &v));
            ck_assert_mem_eq(&v, ram + (places[k] - GUEST_BASE), size);
        }
    }
    v = (IrVal){.d = {0x1122334455667788, 0x99}};
    ck_assert(ldst_ops.store(jit_env(s), 0x5ffd, 8, &v));
    ck_assert_mem_eq(ram + 0x4ffd, &v, 8);
    ck_assert_uint_eq(ram[0x5005], (uint8_t)(0x5005 * 7));
    ck_assert(ldst_ops.store(jit_env(s), 0x3003, 4, &v));
    ck_assert_mem_eq(ram + 0x2003, &v, 4);
    ck_assert(!ldst_ops.load(jit_env(s), 0x4000, 4, &v));
    ck_assert_uint_eq(regs_of(jit_env(s))->fva, 0x4000);
    ck_assert(!ldst_ops.store(jit_env(s), 0x3ffe, 4, &v)); /* its first half has been done */
    ck_assert_uint_eq(regs_of(jit_env(s))->fva, 0x4000);
    ck_assert_mem_eq(ram + 0x2ffe, &v, 2);
}
END_TEST

static uint32_t desc(unsigned size, unsigned aux, unsigned group, unsigned part) {
    return size | aux << 8 | group | part << HOST_SLOW_PART_SHIFT;
}

START_TEST(cold_path) {
    Env *env = jit_env(s);
    uint8_t *ram = jit_memory(s);
    memset(ram, 0x11, 0x6000);
    memset(ram + 0x2000, 0x33, 0x1000);
    ck_assert_uint_eq(ldst_slow(env, 0x1008, desc(8, IR_CHECK_R, HOST_SLOW_LOADS, 3)), HOST_SLOW_ADDEND);
    ck_assert_uint_eq(env->scratch[3].u64 + 0x1008, (uintptr_t)ram + 8);
    /* loads of a device go into the bounce buffer */
    ck_assert_uint_eq(ldst_slow(env, 0x3008, desc(16, IR_CHECK_R, HOST_SLOW_LOADS, 3)), HOST_SLOW_ADDEND);
    ck_assert_uint_eq(env->scratch[3].u64 + 0x3008, (uintptr_t)env->bounce);
    ck_assert_mem_eq(env->bounce, ram + 0x2008, 16);
    /* stores come from there */
    memset(env->bounce, 0x77, 64);
    ck_assert_uint_eq(ldst_slow(env, 0x5ffc, desc(8, IR_CHECK_W, HOST_SLOW_STORES, 2)), HOST_SLOW_ADDEND);
    ck_assert_mem_eq(ram + 0x4ffc, env->bounce, 8);
    ck_assert_uint_eq(ram[0x5004], 0x11);
    /* neither: the interpreter has to do the insn */
    ck_assert_uint_eq(ldst_slow(env, 0x3008, desc(8, IR_CHECK_RW, 0, 0)), HOST_SLOW_LEAVE);
    ck_assert_uint_eq(env->exit_reason, IR_EXIT_SLOW);
    ck_assert_uint_eq(env->pc, 0x7024);
    ck_assert_uint_eq(ldst_slow(env, 0x9000, desc(8, IR_CHECK_R, HOST_SLOW_LOADS, 3)), HOST_SLOW_LEAVE);
    ck_assert_uint_eq(env->exit_reason, IR_EXIT_FAULT);
    ck_assert_uint_eq(env->pc, GUEST_VECTOR);
    ck_assert_uint_eq(ldst_slow(env, 0x4000, desc(8, IR_CHECK_R, HOST_SLOW_LOADS, 3)), HOST_SLOW_LEAVE);
    ck_assert_uint_eq(env->exit_reason, IR_EXIT_FAULT);
}
END_TEST

/* A page that another one has pushed out of its entry is found without C, and soon has its entry again; the other one
 * then is where it was. */
START_TEST(second_choice) {
    const uint64_t page = 0x1000, other = page + ((uint64_t)BANK_ENTRIES << IR_PAGE_BITS);
    Vcpu *v = jit_vcpu(s);
    Env *env = jit_env(s);
    Regs *regs = regs_of(env);
    const IrTlbEntry *first = tlb_entry(&env->bank, page), *second = env->bank.table - IR_TLB_VICTIMS;
    g_autoptr(GError) error = NULL;
    g_autoptr(IrBlock) b = guest_block();
    ck_assert_msg(ir_parse(b, "insn 0\n%2 = get.i64 x0\n%3 = check.i64 %2, 0, 8 !1\n%4 = ld.i64 %3, %2 !3\nset x1, %4\n"
                              "exit 4 !6\n", &error), "%s", error ? error->message : "");
    ck_assert(jit_compile(s, b));
    memset(jit_memory(s) + 0x10, 0x11, 8);
    regs->x[0] = page + 0x10;
    jit_again(s);
    for (unsigned round = 0; round < 3; round++) {
        tlb_fill(v, v->bank, other, 0x5000, jit_memory(s) + 0x4000, true, true);
        ck_assert_uint_eq(second[ir_tlb_victim(page)].rtag, page);
        v->stats.tlb_slow = 0;
        for (unsigned i = 0; i < SECOND_HITS; i++) {
            regs->x[1] = 0;
            ck_assert_int_eq(jit_again(s), IR_EXIT_SYNC);
            ck_assert_uint_eq(regs->x[1], UINT64_C(0x1111111111111111));
            ck_assert_uint_eq(v->stats.tlb_slow, first->rtag == page);
        }
        ck_assert_uint_eq(first->rtag, page);
        ck_assert_uint_ne(second[ir_tlb_victim(page)].rtag, page);
        ck_assert_uint_eq(second[ir_tlb_victim(other)].rtag, other);
    }
}
END_TEST

/* A store into a page of code kills the block, and the running one is left. */
START_TEST(stores_into_code) {
    static const uint32_t code[] = {0x91000400, 0x14000000};
    Machine *m = machine_new(false);
    uint64_t addend;
    IrVal v = {.d = {0xd503201f, 0}};
    ck_assert(ldst_ops.check(m->env, RAM_BASE, 4, IR_CHECK_RW, &addend));
    machine_code(m, RAM_BASE, code, sizeof code);
    Tb *tb = machine_tb(m, RAM_BASE);
    m->cpu->running = tb;
    const IrTlbEntry *e = &m->env->bank.table[(RAM_BASE >> IR_PAGE_BITS) & (BANK_ENTRIES - 1)];
    ck_assert_uint_ne(e->wtag, RAM_BASE);
    ck_assert(ldst_ops.store(m->env, RAM_BASE + 0x100, 4, &v));
    ck_assert(tb->valid && m->env->pending == 0);
    ck_assert(ldst_ops.store(m->env, RAM_BASE + 4, 4, &v));
    ck_assert(!tb->valid);
    ck_assert_int_lt(m->env->pending, 0);
    machine_free(m);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ldst");
    TCase *tcase = tcase_create("ldst");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, checks);
    tcase_add_test(tcase, loads_and_stores);
    tcase_add_test(tcase, cold_path);
    tcase_add_test(tcase, second_choice);
    tcase_add_test(tcase, stores_into_code);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
