/* SPDX-License-Identifier: MIT */
/*
 * test_arm_debug.c - software step, breakpoints and watchpoints over running insns.
 */
#include "tests/unit/arm_fake.h"

enum {
    MDSCR = ARM_SR(2, 0, 0, 2, 2),
    OSLAR = ARM_SR(2, 0, 1, 0, 4),
    OSLSR = ARM_SR(2, 0, 1, 1, 4),
    DAIF = ARM_SR(3, 3, 4, 2, 1),
    VECTOR = FAKE_RAM + 0x8000,
    CODE = FAKE_RAM + 0x100,
    SS = 1,
    KDE = 1 << 13,
    MDE = 1 << 15,
    NOP = 0xd503201f,
    SVC = 0xd4000001,
    LDR = 0xf9400020 /* ldr x0, [x1] */,
    STR = 0xf9000020,
    ERET = 0xd69f03e0,
};

static unsigned bvr(unsigned n) {
    return ARM_SR(2, 0, 0, n, 4);
}

static unsigned wvr(unsigned n) {
    return ARM_SR(2, 0, 0, n, 6);
}

static uint64_t esr(Fake *f) {
    return arm_cold(f->env)->esr_el1;
}

static Fake *fake_debug(uint64_t mdscr) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, OSLSR), 0x0a);
    fake_write(f, OSLAR, 0);
    ck_assert_uint_eq(fake_read(f, OSLSR), 0x08);
    fake_write(f, MDSCR, mdscr);
    arm_cold(f->env)->vbar_el1 = VECTOR;
    return f;
}

/* Returns to `spsr` at CODE, where the three insns stand. */
static void go(Fake *f, uint32_t a, uint32_t b, uint32_t c, uint64_t spsr) {
    fake_code(f, CODE, (uint32_t[]){a, b, c}, 12);
    arm_cold(f->env)->elr_el1 = CODE;
    arm_cold(f->env)->spsr_el1 = spsr;
    fake_insn(f, ERET);
    ck_assert_uint_eq(f->env->pc, CODE);
}

START_TEST(test_step_one) {
    Fake *f = fake_debug(SS);
    go(f, NOP, NOP, NOP, 1 << 21);
    ck_assert(arm_cpu(f->env)->mode & ARM_MODE_STEP);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 4);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(esr(f), 0xcb000022);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, CODE + 4);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1, 0);
    ck_assert(!(arm_cpu(f->env)->mode & ARM_MODE_STEP));
    fake_free(f);
}
END_TEST

START_TEST(test_step_pending_at_once) {
    Fake *f = fake_debug(SS);
    go(f, NOP, NOP, NOP, 0);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(esr(f), 0xca000022);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, CODE);
    fake_free(f);
}
END_TEST

/* SVC is done and its step with it; a fault has not, and may be stepped again. */
START_TEST(test_step_over_exceptions) {
    Fake *f = fake_debug(SS);
    go(f, SVC, NOP, NOP, 1 << 21);
    fake_step(f);
    ck_assert_uint_eq(esr(f), 0x56000000);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1, 0);
    arm_cpu(f->env)->x[1] = UINT64_C(1) << 60;
    go(f, LDR, NOP, NOP, 1 << 21);
    fake_step(f);
    ck_assert_uint_eq(esr(f), 0x92000000);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1, 1 << 21);
    fake_free(f);
}
END_TEST

START_TEST(test_step_needs) {
    Fake *f = fake_debug(SS);
    go(f, NOP, NOP, NOP, 1 << 21 | 0x3c5); /* EL1 without KDE */
    ck_assert(!(arm_cpu(f->env)->mode & ARM_MODE_STEP));
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 8);
    fake_write(f, MDSCR, SS | KDE);
    go(f, NOP, NOP, NOP, 1 << 21 | 0x1c5); /* EL1 with D clear */
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x200);
    ck_assert_uint_eq(esr(f), 0xcf000022);
    fake_write(f, OSLAR, 1);
    go(f, NOP, NOP, NOP, 1 << 21);
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 8);
    fake_free(f);
}
END_TEST

START_TEST(test_breakpoint) {
    Fake *f = fake_debug(MDE);
    fake_write(f, bvr(0), CODE + 4);
    fake_write(f, bvr(0) + 1, 2 << 1 | 0xf << 5 | 1); /* EL0 */
    go(f, NOP, NOP, NOP, 0);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 4);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(esr(f), 0xc2000022);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, CODE + 4);
    go(f, NOP, NOP, NOP, 0x1c5); /* not for EL1 */
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 8);
    fake_free(f);
}
END_TEST

START_TEST(test_context_breakpoints) {
    Fake *f = fake_debug(MDE);
    fake_write(f, bvr(0), CODE + 4);
    fake_write(f, bvr(0) + 1, 1 << 20 | 1 << 16 | 2 << 1 | 0xf << 5 | 1); /* linked to 1 */
    fake_write(f, bvr(1), 0x77);
    fake_write(f, bvr(1) + 1, 3 << 20 | 2 << 1 | 1);
    go(f, NOP, NOP, NOP, 0);
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 8);
    fake_set_el(f, 1);
    fake_write(f, ARM_SR(3, 0, 13, 0, 1), 0x77); /* CONTEXTIDR */
    go(f, NOP, NOP, NOP, 0);
    fake_step(f);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    fake_write(f, bvr(1) + 1, 2 << 20 | 2 << 1 | 1); /* unlinked: any insn in the context */
    go(f, NOP, NOP, NOP, 0);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, CODE);
    fake_free(f);
}
END_TEST

START_TEST(test_watchpoint) {
    Fake *f = fake_debug(MDE);
    fake_write(f, wvr(0), FAKE_RAM + 0x2000);
    f->flush_all = 0;
    fake_write(f, wvr(0) + 1, 0xf << 5 | 2 << 3 | 2 << 1 | 1); /* stores to the first word, EL0 */
    ck_assert_uint_gt(f->flush_all, 0);
    ck_assert(frontend_arm.watching(f->env));
    arm_cpu(f->env)->x[1] = FAKE_RAM + 0x2000;
    go(f, LDR, STR, NOP, 0);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, CODE + 4);
    fake_step(f);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(esr(f), 0xd2000062);
    ck_assert_uint_eq(arm_cold(f->env)->far_el1, FAKE_RAM + 0x2000);
    fake_set_el(f, 0);
    ck_assert(!frontend_arm.watch_hit(f->env, FAKE_RAM + 0x2004, 4, MEM_WRITE));
    ck_assert(frontend_arm.watch_hit(f->env, FAKE_RAM + 0x2003, 1, MEM_WRITE));
    ck_assert(frontend_arm.watch_hit(f->env, FAKE_RAM + 0x1ff9, 8, MEM_WRITE));
    ck_assert(!frontend_arm.watch_hit(f->env, FAKE_RAM + 0x1ff8, 8, MEM_WRITE));
    arm_cold(f->env)->dbgwcr[0] = 12 << 24 | 0xff << 5 | 1 << 3 | 2 << 1 | 1; /* loads from the page */
    ck_assert(frontend_arm.watch_hit(f->env, FAKE_RAM + 0x2ffc, 4, MEM_READ));
    ck_assert(!frontend_arm.watch_hit(f->env, FAKE_RAM + 0x3000, 4, MEM_READ));
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_step_one, test_step_pending_at_once, test_step_over_exceptions, test_step_needs, test_breakpoint,
        test_context_breakpoints, test_watchpoint, NULL,
    };
    return fake_main("arm debug", tests);
}
