/* SPDX-License-Identifier: MIT */
/*
 * test_arm_exception.c - entry to EL1 with its syndromes, ERET, interrupts, masks.
 */
#include "tests/unit/arm_fake.h"

enum { VECTOR = 0x40080000, SVC_7 = 0xd40000e1, ERET = 0xd69f03e0, NOP = 0xd503201f, N = 1u << 31, C = 1 << 29 };

static Fake *fake_with_vectors(const char *model, unsigned el) {
    Fake *f = fake_new(model);
    arm_cold(f->env)->vbar_el1 = VECTOR;
    fake_set_el(f, el);
    return f;
}

START_TEST(test_svc_from_el0) {
    Fake *f = fake_with_vectors("cortex-a57", 0);
    ArmCpu *cpu = arm_cpu(f->env);
    cpu->daif = 0;
    cpu->sp = 0x100;
    cpu->cold->sp[1] = 0x200;
    arm_set_nzcv(f->env, N | C);
    ck_assert_int_eq(fake_insn(f, SVC_7), IR_EXIT_FAULT);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x400);
    ck_assert_uint_eq(cpu->cold->esr_el1, 0x56000007);
    ck_assert_uint_eq(cpu->cold->elr_el1, FAKE_RAM + 4);
    ck_assert_uint_eq(cpu->cold->spsr_el1, N | C);
    ck_assert_uint_eq(cpu->daif, 0x3c0);
    ck_assert_uint_eq(cpu->el, 1);
    ck_assert_uint_eq(cpu->sp, 0x200);
    ck_assert_uint_eq(cpu->cold->sp[0], 0x100);
    ck_assert_uint_eq(cpu->mode & (ARM_MODE_EL | ARM_MODE_SPSEL), 1 | ARM_MODE_SPSEL);
    fake_free(f);
}
END_TEST

START_TEST(test_vectors_of_el1) {
    Fake *f = fake_with_vectors("cortex-a57", 1);
    fake_insn(f, SVC_7);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x200);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1, 0x3c5);
    fake_insn(f, 0xd50040bf); /* msr spsel, #0 */
    fake_insn(f, SVC_7);
    ck_assert_uint_eq(f->env->pc, VECTOR);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1, 0x3c4);
    ck_assert_uint_eq(arm_cpu(f->env)->spsel, 1);
    fake_free(f);
}
END_TEST

START_TEST(test_other_insns) {
    static const struct { uint32_t insn; uint64_t esr; } rows[] = {
        {0xd4202460, 0xf2000123}, /* brk #0x123 */
        {0x00000000, 0x02000000}, /* udf */
        {0xd4000003, 0x02000000}, /* smc #0 */
        {0xd4000022, 0x02000000}, /* hvc #1 */
        {0xd45e0000, 0x02000000}, /* hlt #0xf000 without semihosting */
        {0xd4a00001, 0x02000000}, /* dcps1 */
        {0xd6bf03e0, 0x02000000}, /* drps */
        {0xd503251f, 0},          /* a hint without meaning */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fake *f = fake_with_vectors("cortex-a57", 1);
        fake_insn(f, rows[i].insn);
        ck_assert_msg(arm_cold(f->env)->esr_el1 == rows[i].esr, "insn %#x: ESR %#llx", rows[i].insn,
                      (unsigned long long)arm_cold(f->env)->esr_el1);
        ck_assert_uint_eq(f->env->pc, rows[i].esr ? VECTOR + 0x200 : FAKE_RAM + 4);
        ck_assert(!rows[i].esr || arm_cold(f->env)->elr_el1 == FAKE_RAM);
        fake_free(f);
    }
    Fake *f = fake_with_vectors("cortex-a57", 0);
    fake_insn(f, ERET);
    ck_assert_uint_eq(arm_cold(f->env)->esr_el1, 0x02000000);
    fake_free(f);
}
END_TEST

START_TEST(test_memory_syndromes) {
    static const struct { MemFault fault; uint64_t esr_el1, esr_el0; } rows[] = {
        {{MEM_FAULT_WALK, MEM_READ, 0x1238, ARM_FSC_TRANSLATION + 2}, 0x96000006, 0x92000006},
        {{MEM_FAULT_WALK, MEM_WRITE, 0x1238, ARM_FSC_PERMISSION + 3}, 0x9600004f, 0x9200004f},
        {{MEM_FAULT_WALK, MEM_READ, 0x1238, ARM_FSC_TRANSLATION + 1, .check_only = true}, 0x96000145, 0x92000145},
        {{MEM_FAULT_WALK, MEM_FETCH, 0x1238, ARM_FSC_TRANSLATION + 3}, 0x86000007, 0x82000007},
        {{MEM_FAULT_BUS, MEM_READ, 0x1238}, 0x96000010, 0x92000010},
        {{MEM_FAULT_BUS, MEM_FETCH, 0x1238}, 0x86000010, 0x82000010},
        {{MEM_FAULT_ALIGN, MEM_WRITE, 0x1238}, 0x96000061, 0x92000061},
        {{MEM_FAULT_ALIGN, MEM_FETCH, 0x1238}, 0x8a000000, 0x8a000000},
        {{MEM_FAULT_WATCH, MEM_WRITE, 0x1238}, 0xd6000062, 0xd2000062},
    };
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        unsigned el = i & 1;
        Fake *f = fake_with_vectors("cortex-a57", el);
        const MemFault *fault = &rows[i / 2].fault;
        f->env->pc = 0x5554;
        f->env->pcbase = 0x5000;
        f->env->insn_off = 0x120;
        frontend_arm.mem_fault(f->env, fault);
        ck_assert_msg(arm_cold(f->env)->esr_el1 == (el ? rows[i / 2].esr_el1 : rows[i / 2].esr_el0),
                      "row %zu: ESR %#llx", i / 2, (unsigned long long)arm_cold(f->env)->esr_el1);
        ck_assert_uint_eq(arm_cold(f->env)->far_el1, 0x1238);
        ck_assert_uint_eq(arm_cold(f->env)->elr_el1, fault->access == MEM_FETCH ? 0x5554 : 0x5120);
        ck_assert_uint_eq(f->env->pc, VECTOR + (el ? 0x200 : 0x400));
        fake_free(f);
    }
}
END_TEST

START_TEST(test_stack_alignment) {
    Fake *f = fake_with_vectors("cortex-a57", 1);
    arm_cpu(f->env)->sp = FAKE_RAM + 0x1008;
    fake_insn(f, 0xf94003e0); /* ldr x0, [sp] */
    ck_assert_uint_eq(arm_cold(f->env)->esr_el1, 0x9a000000);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, FAKE_RAM);
    fake_free(f);
}
END_TEST

/* A cache operation on an address without a mapping. */
START_TEST(test_maintenance_faults) {
    Fake *f = fake_with_vectors("cortex-a57", 1);
    arm_cpu(f->env)->x[0] = UINT64_C(1) << 60 | 0x123;
    fake_insn(f, 0xd50b7b20); /* dc cvau, x0 */
    ck_assert_uint_eq(arm_cold(f->env)->esr_el1, 0x96000140);
    ck_assert_uint_eq(arm_cold(f->env)->far_el1, UINT64_C(1) << 60 | 0x123);
    ck_assert_uint_eq(arm_cold(f->env)->elr_el1, FAKE_RAM);
    fake_free(f);
}
END_TEST

START_TEST(test_eret) {
    Fake *f = fake_with_vectors("cortex-a57", 1);
    ArmCpu *cpu = arm_cpu(f->env);
    cpu->cold->sp[0] = 0x700;
    cpu->cold->elr_el1 = 0x123400;
    cpu->cold->spsr_el1 = N | 0x80;
    f->env->excl_addr = 0x40;
    ck_assert_int_eq(fake_insn(f, ERET), IR_EXIT_PC_SET);
    ck_assert_uint_eq(f->env->pc, 0x123400);
    ck_assert_uint_eq(cpu->el, 0);
    ck_assert_uint_eq(cpu->sp, 0x700);
    ck_assert_uint_eq(cpu->daif, 0x80);
    ck_assert_uint_eq(arm_nzcv(f->env), N);
    ck_assert_uint_eq(f->env->excl_addr, UINT64_MAX);
    ck_assert_uint_eq(cpu->mode & ARM_MODE_EL, 0);
    fake_free(f);
}
END_TEST

START_TEST(test_eret_cleans_tags) {
    Fake *f = fake_with_vectors("cortex-a57", 1);
    arm_cold(f->env)->elr_el1 = UINT64_C(0xaa00000012345678);
    arm_cold(f->env)->spsr_el1 = 0x3c5;
    fake_insn(f, ERET);
    ck_assert_uint_eq(f->env->pc, UINT64_C(0xaa00000012345678));
    arm_cold(f->env)->tcr_el1 = UINT64_C(1) << 37;
    fake_insn(f, ERET);
    ck_assert_uint_eq(f->env->pc, 0x12345678);
    arm_cold(f->env)->elr_el1 = UINT64_C(0xaaff800012345678);
    fake_insn(f, ERET);
    ck_assert_uint_eq(f->env->pc, UINT64_C(0xaaff800012345678)); /* TBI1 is clear */
    fake_free(f);
}
END_TEST

START_TEST(test_illegal_return) {
    static const uint8_t modes[] = {0x10, 0x13, 0x01, 0x02, 0x06, 0x08, 0x09, 0x0c, 0x0d};
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        Fake *f = fake_with_vectors("cortex-a57", 1);
        ArmCpu *cpu = arm_cpu(f->env);
        cpu->cold->elr_el1 = FAKE_RAM + 0x100;
        cpu->cold->spsr_el1 = C | 0x40 | modes[i];
        fake_insn(f, ERET);
        ck_assert_uint_eq(f->env->pc, FAKE_RAM + 0x100);
        ck_assert_uint_eq(cpu->el, 1);
        ck_assert_uint_eq(cpu->spsel, 1);
        ck_assert_uint_eq(cpu->daif, 0x40);
        fake_put(f, FAKE_RAM + 0x100, NOP);
        fake_step(f); /* the next insn does not run */
        ck_assert_uint_eq(f->env->pc, VECTOR + 0x200);
        ck_assert_uint_eq(cpu->cold->esr_el1, 0x3a000000);
        ck_assert_uint_eq(cpu->cold->elr_el1, FAKE_RAM + 0x100);
        ck_assert_uint_eq(cpu->cold->spsr_el1, C | 1 << 20 | 0x45);
        ck_assert(!cpu->cold->il && !(cpu->mode & ARM_MODE_BREAK));
        fake_free(f);
    }
}
END_TEST

START_TEST(test_interrupts) {
    Fake *f = fake_with_vectors("cortex-a57", 0);
    ArmCpu *cpu = arm_cpu(f->env);
    cpu->daif = 0;
    ck_assert(!frontend_arm.deliverable(f->env) && !frontend_arm.wakes(f->env));
    frontend_arm.set_line(f->env, CPU_LINE_IRQ, true);
    ck_assert(frontend_arm.deliverable(f->env) && frontend_arm.wakes(f->env));
    f->env->pc = 0x8888;
    frontend_arm.take_interrupt(f->env);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x480);
    ck_assert_uint_eq(cpu->cold->elr_el1, 0x8888);
    ck_assert(!frontend_arm.deliverable(f->env) && frontend_arm.wakes(f->env));
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 12, 1, 0)), 0x80);
    frontend_arm.set_line(f->env, CPU_LINE_FIQ, true);
    cpu->daif = 0x80;
    frontend_arm.take_interrupt(f->env);
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x300);
    cpu->daif = 0;
    frontend_arm.take_interrupt(f->env); /* FIQ before IRQ */
    ck_assert_uint_eq(f->env->pc, VECTOR + 0x300);
    frontend_arm.set_line(f->env, CPU_LINE_FIQ, false);
    frontend_arm.set_line(f->env, CPU_LINE_IRQ, false);
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 12, 1, 0)), 0);
    fake_free(f);
}
END_TEST

/* Whatever unmasks makes the next poll look. */
START_TEST(test_unmasking_polls) {
    static const uint32_t insns[] = {0xd50342ff, 0xd51b4220, ERET}; /* msr daifclr, #2; msr daif, x0; eret */
    for (size_t i = 0; i < G_N_ELEMENTS(insns); i++) {
        Fake *f = fake_with_vectors("cortex-a57", 1);
        frontend_arm.set_line(f->env, CPU_LINE_IRQ, true);
        arm_cold(f->env)->spsr_el1 = 5;
        fake_insn(f, insns[i]);
        ck_assert_msg(f->env->pending < 0, "insn %#x", insns[i]);
        ck_assert(frontend_arm.deliverable(f->env));
        fake_free(f);
    }
}
END_TEST

START_TEST(test_pan_on_entry) {
    Fake *f = fake_with_vectors("max", 0);
    arm_cold(f->env)->sctlr_el1 &= ~UINT64_C(1 << 23); /* SPAN */
    fake_insn(f, SVC_7);
    ck_assert_uint_eq(arm_cold(f->env)->pan, 1);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1 >> 22 & 1, 0);
    arm_cold(f->env)->sctlr_el1 |= 1 << 23;
    fake_insn(f, SVC_7);
    ck_assert_uint_eq(arm_cold(f->env)->spsr_el1 >> 22 & 1, 1);
    ck_assert_uint_eq(arm_cold(f->env)->pan, 1);
    arm_cold(f->env)->spsr_el1 = 0x3c5;
    fake_insn(f, ERET);
    ck_assert_uint_eq(arm_cold(f->env)->pan, 0);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_svc_from_el0,
        test_vectors_of_el1,
        test_other_insns,
        test_memory_syndromes,
        test_stack_alignment,
        test_maintenance_faults,
        test_eret,
        test_eret_cleans_tags,
        test_illegal_return,
        test_interrupts,
        test_unmasking_polls,
        test_pan_on_entry,
        NULL,
    };
    return fake_main("arm exception", tests);
}
