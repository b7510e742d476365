/* SPDX-License-Identifier: MIT */
/*
 * test_arm_sysreg.c - system registers by their insns: access rules, traps, identification, maintenance; the state
 * table.
 */
#include "tests/unit/arm_fake.h"

enum {
    MIDR = ARM_SR(3, 0, 0, 0, 0),
    SCTLR = ARM_SR(3, 0, 1, 0, 0),
    CPACR = ARM_SR(3, 0, 1, 0, 2),
    TCR = ARM_SR(3, 0, 2, 0, 2),
    TTBR0 = ARM_SR(3, 0, 2, 0, 0),
    SP_EL0 = ARM_SR(3, 0, 4, 1, 0),
    SPSEL = ARM_SR(3, 0, 4, 2, 0),
    NZCV = ARM_SR(3, 3, 4, 2, 0),
    DAIF = ARM_SR(3, 3, 4, 2, 1),
    FPCR = ARM_SR(3, 3, 4, 4, 0),
    FPSR = ARM_SR(3, 3, 4, 4, 1),
    CTR = ARM_SR(3, 3, 0, 0, 1),
    DCZID = ARM_SR(3, 3, 0, 0, 7),
    CSSELR = ARM_SR(3, 2, 0, 0, 0),
    CCSIDR = ARM_SR(3, 1, 0, 0, 0),
    VBAR = ARM_SR(3, 0, 12, 0, 0),
    CURRENTEL = ARM_SR(3, 0, 4, 2, 2),
    PAN = ARM_SR(3, 0, 4, 2, 3),
    TPIDR_EL0 = ARM_SR(3, 3, 13, 0, 2),
    PAR = ARM_SR(3, 0, 7, 4, 0),
    DACR32 = ARM_SR(3, 4, 3, 0, 0),
    VECTOR = 0x40080000,
    EC_SYSREG = 0x18,
};

static uint64_t esr(Fake *f) {
    return arm_cold(f->env)->esr_el1;
}

/* Runs the insn with VBAR set; true when an exception with this class was taken. */
static bool raises(Fake *f, uint32_t insn, unsigned ec) {
    unsigned el = arm_cpu(f->env)->el;
    arm_cold(f->env)->vbar_el1 = VECTOR;
    fake_insn(f, insn);
    bool taken =
        f->env->pc == VECTOR + (el ? 0x200 : 0x400) && esr(f) >> 26 == ec && arm_cold(f->env)->elr_el1 == FAKE_RAM;
    fake_set_el(f, el);
    return taken;
}

START_TEST(test_id_registers) {
    static const struct { const char *model; uint64_t midr, mmfr0; } rows[] = {
        {"cortex-a53", 0x410fd034, 0x122}, {"cortex-a57", 0x411fd070, 0x124}, {"cortex-a72", 0x410fd083, 0x124},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fake *f = fake_new(rows[i].model);
        ck_assert_uint_eq(fake_read(f, MIDR), rows[i].midr);
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 7, 0)), rows[i].mmfr0);
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 4, 0)), 0x11);       /* ID_AA64PFR0: no EL2, EL3, AArch32 */
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 5, 0)), 0x101106);   /* ID_AA64DFR0 */
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 6, 0)), 0x11120);    /* ID_AA64ISAR0 */
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 6, 1)), 0);
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 0, 5)), 0x80000000); /* MPIDR */
        ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 2, 3)), 0);          /* reserved: zero */
        fake_free(f);
    }
}
END_TEST

START_TEST(test_max_promises) {
    Fake *f = fake_new("max");
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 6, 0)), UINT64_C(0x100010211120));
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 6, 1)), 0x01100010);
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 4, 0)), 0x00110011);
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 0, 7, 1)), 0x00100000);
    fake_write(f, PAN, 1 << 22);
    ck_assert_uint_eq(fake_read(f, PAN), 1 << 22);
    ck_assert(arm_cpu(f->env)->mode & ARM_MODE_PAN);
    fake_write(f, ARM_SR(3, 0, 2, 1, 0), 0x1234); /* APIAKeyLo */
    ck_assert_uint_eq(fake_read(f, ARM_SR(3, 0, 2, 1, 0)), 0x1234);
    fake_free(f);
}
END_TEST

START_TEST(test_features_are_absent) {
    Fake *f = fake_new("cortex-a57");
    ck_assert(raises(f, fake_mrs(PAN, 0), 0));
    ck_assert(raises(f, fake_mrs(ARM_SR(3, 0, 2, 1, 0), 0), 0));
    ck_assert(raises(f, fake_mrs(DACR32, 0), 0));
    ck_assert_uint_eq(f->logs[CPU_LOG_UNIMP], 3);
    ck_assert(raises(f, fake_msr(MIDR, 0), 0)); /* read-only */
    ck_assert(raises(f, 0xd503409f, 0));        /* msr pan, #0 */
    ck_assert(raises(f, 0xd52b7420, 0));        /* sysl */
    ck_assert_uint_eq(esr(f) & 0x1ffffff, 0);
    fake_free(f);
}
END_TEST

START_TEST(test_plain_registers) {
    static const struct { unsigned code; uint64_t mask;
    } rows[] = {
        {ARM_SR(3, 0, 4, 0, 1), UINT64_MAX},
        {ARM_SR(3, 0, 4, 0, 0), UINT32_MAX},
        {ARM_SR(3, 0, 5, 2, 0), UINT32_MAX},
        {ARM_SR(3, 0, 6, 0, 0), UINT64_MAX},
        {VBAR, ~UINT64_C(0x7ff)},
        {ARM_SR(3, 0, 10, 2, 0), UINT64_MAX},
        {ARM_SR(3, 0, 13, 0, 1), UINT32_MAX},
        {ARM_SR(3, 0, 13, 0, 4), UINT64_MAX},
        {TPIDR_EL0, UINT64_MAX},
        {ARM_SR(3, 3, 13, 0, 3), UINT64_MAX},
        {SP_EL0, UINT64_MAX},
        {TTBR0, UINT64_MAX},
        {ARM_SR(3, 0, 2, 0, 1), UINT64_MAX},
        {TCR, UINT64_C(0x77ffffffbf)},
        {PAR, UINT64_MAX},
        {CSSELR, 15},
        {ARM_SR(3, 0, 1, 0, 1), 0},
        {ARM_SR(3, 0, 5, 1, 0), 0},
        {ARM_SR(3, 0, 10, 3, 0), 0},
        {CPACR, 3 << 20},
    };
    Fake *f = fake_new("cortex-a57");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fake_write(f, rows[i].code, UINT64_MAX);
        ck_assert_msg(fake_read(f, rows[i].code) == rows[i].mask, "register %#x", rows[i].code);
        fake_write(f, rows[i].code, 0);
        ck_assert_uint_eq(fake_read(f, rows[i].code), 0);
    }
    fake_free(f);
}
END_TEST

START_TEST(test_sctlr) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, SCTLR), 0x30d50818);
    fake_write(f, SCTLR, 0);
    ck_assert_uint_eq(fake_read(f, SCTLR), 0x30d00800);
    fake_write(f, SCTLR, UINT64_MAX & ~UINT64_C(1));
    ck_assert_uint_eq(fake_read(f, SCTLR), 0x37dddA1e);
    ck_assert(arm_cpu(f->env)->mode & ARM_MODE_BIG);
    ck_assert(arm_cpu(f->env)->mode & ARM_MODE_ALIGN);
    ck_assert(!(arm_cpu(f->env)->mode & ARM_MODE_MMU));
    ck_assert_uint_gt(f->flush_all, 0); /* WXN, EE */
    fake_free(f);
}
END_TEST

START_TEST(test_pstate_registers) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, CURRENTEL), 4);
    ck_assert_uint_eq(fake_read(f, DAIF), 0x3c0);
    fake_write(f, NZCV, 0xa0000000);
    ck_assert_uint_eq(fake_read(f, NZCV), 0xa0000000);
    ck_assert_uint_eq(arm_nzcv(f->env), 0xa0000000);
    fake_write(f, DAIF, 0x1c0);
    ck_assert_uint_eq(fake_read(f, DAIF), 0x1c0);
    fake_insn(f, 0xd50342ff); /* msr daifclr, #2 */
    ck_assert_uint_eq(fake_read(f, DAIF), 0x140);
    fake_insn(f, 0xd5034adf); /* msr daifset, #10 */
    ck_assert_uint_eq(fake_read(f, DAIF), 0x3c0);
    fake_free(f);
}
END_TEST

START_TEST(test_stack_pointers) {
    Fake *f = fake_new("cortex-a57");
    arm_cpu(f->env)->sp = 0x1000;
    fake_write(f, SP_EL0, 0x2000);
    ck_assert_uint_eq(fake_read(f, SPSEL), 1);
    ck_assert_int_eq(fake_insn(f, 0xd50040bf), IR_EXIT_SYNC); /* msr spsel, #0 */
    ck_assert_uint_eq(arm_cpu(f->env)->sp, 0x2000);
    ck_assert_uint_eq(fake_read(f, SPSEL), 0);
    arm_cold(f->env)->vbar_el1 = VECTOR;
    fake_insn(f, fake_mrs(SP_EL0, 0)); /* UNDEFINED while it is the current one */
    ck_assert_uint_eq(f->env->pc, VECTOR);
    ck_assert_uint_eq(arm_cpu(f->env)->sp, 0x1000);
    fake_free(f);
}
END_TEST

START_TEST(test_fp_registers) {
    Fake *f = fake_new("cortex-a57");
    arm_cold(f->env)->vbar_el1 = VECTOR;
    ck_assert(raises(f, fake_mrs(FPCR, 0), 7));
    ck_assert_uint_eq(esr(f), 0x1fe00000);
    fake_write(f, CPACR, 3 << 20);
    fake_write(f, FPCR, UINT64_MAX);
    ck_assert_uint_eq(fake_read(f, FPCR), 0x07c00000);
    ck_assert_int_eq(f->env->fp.round, FP_RTZ);
    ck_assert(f->env->fp.flush && f->env->fp.default_nan && f->env->fp.alt_half && !f->env->fp.flush16);
    fake_write(f, FPCR, 1 << 22);
    ck_assert_int_eq(f->env->fp.round, FP_RUP);
    fake_write(f, FPSR, UINT64_MAX);
    ck_assert_uint_eq(fake_read(f, FPSR), 0x0800009f);
    ck_assert_uint_eq(f->env->qc, 1);
    fake_write(f, FPSR, 0);
    ck_assert_uint_eq(f->env->qc | f->env->fp.flags, 0);
    fake_free(f);
}
END_TEST

START_TEST(test_fp_trap_levels) {
    Fake *f = fake_new("cortex-a57");
    fake_write(f, CPACR, 1 << 20);
    ck_assert_uint_eq(fake_read(f, FPCR), 0);
    fake_set_el(f, 0);
    ck_assert(raises(f, fake_mrs(FPCR, 0), 7));
    fake_free(f);
}
END_TEST

/* EL0: what the controls forbid goes to EL1 with the whole encoding in the syndrome. */
START_TEST(test_el0_traps) {
    static const struct { uint32_t insn, iss; unsigned field; uint64_t allow; } rows[] = {
        {0xd53b0020, 0x32c001, offsetof(ArmCold, sctlr_el1), 1 << 15},       /* mrs x0, ctr_el0 */
        {0xd53b4221, 0x32d025, offsetof(ArmCold, sctlr_el1), 1 << 9},        /* mrs x1, daif */
        {0xd50343df, 0x0cd3e6, offsetof(ArmCold, sctlr_el1), 1 << 9},        /* msr daifset, #3 */
        {0xd53be020, 0x32f801, offsetof(ArmCold, cntkctl_el1), 1},           /* mrs x0, cntpct_el0 */
        {0xd53be042, 0x34f841, offsetof(ArmCold, cntkctl_el1), 2},           /* mrs x2, cntvct_el0 */
        {0xd53be000, 0x30f801, offsetof(ArmCold, cntkctl_el1), 1},           /* mrs x0, cntfrq_el0 */
        {0xd51be340, 0x34f806, offsetof(ArmCold, cntkctl_el1), 1 << 8},      /* msr cntv_cval_el0, x0 */
        {0xd51be220, 0x32f804, offsetof(ArmCold, cntkctl_el1), 1 << 9},      /* msr cntp_ctl_el0, x0 */
        {0xd50b7b20, 0x12dc16, offsetof(ArmCold, sctlr_el1), 1 << 26},       /* dc cvau, x0 */
        {0xd50b7520, 0x12dc0a, offsetof(ArmCold, sctlr_el1), 1 << 26},       /* ic ivau, x0 */
        {0xd53b9d00, 0x30e41b, offsetof(ArmCold, pmuserenr_el0), 4},         /* mrs x0, pmccntr_el0 */
        {0xd51b9c20, 0x32e418, offsetof(ArmCold, pmuserenr_el0), 1},         /* msr pmcntenset_el0, x0 */
    };
    Fake *f = fake_new("cortex-a57");
    arm_cold(f->env)->sctlr_el1 = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t *field = (uint64_t *)((char *)arm_cold(f->env) + rows[i].field);
        arm_cpu(f->env)->x[0] = FAKE_RAM;
        *field = 0;
        fake_set_el(f, 0);
        ck_assert_msg(raises(f, rows[i].insn, EC_SYSREG), "row %zu: ESR %#llx", i, (unsigned long long)esr(f));
        ck_assert_msg((esr(f) & 0x1ffffff) == rows[i].iss, "row %zu: ESR %#llx", i, (unsigned long long)esr(f));
        *field = rows[i].allow;
        fake_set_el(f, 0);
        fake_insn(f, rows[i].insn);
        ck_assert_msg(f->env->pc == FAKE_RAM + 4, "row %zu is still trapped", i);
    }
    fake_set_el(f, 0);
    ck_assert(raises(f, fake_mrs(MIDR, 0), 0));
    ck_assert(raises(f, fake_mrs(ARM_SR(3, 0, 0, 4, 0), 0), 0));
    ck_assert(raises(f, fake_mrs(ARM_SR(3, 0, 0, 2, 3), 0), 0));
    ck_assert(raises(f, fake_msr(ARM_SR(3, 3, 13, 0, 3), 0), 0)); /* TPIDRRO_EL0 */
    fake_free(f);
}
END_TEST

START_TEST(test_wfx) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_int_eq(fake_insn(f, 0xd503207f), IR_EXIT_HALT); /* wfi */
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 4);
    arm_cold(f->env)->sctlr_el1 = 0;
    fake_set_el(f, 0);
    ck_assert(raises(f, 0xd503207f, 1));
    ck_assert_uint_eq(esr(f), 0x07e00000);
    ck_assert(raises(f, 0xd503205f, 1)); /* wfe */
    ck_assert_uint_eq(esr(f), 0x07e00001);
    arm_cold(f->env)->sctlr_el1 = 1 << 16;
    ck_assert_int_eq(fake_insn(f, 0xd503207f), IR_EXIT_HALT);
    fake_free(f);
}
END_TEST

START_TEST(test_caches) {
    Fake *f = fake_new("cortex-a57");
    ck_assert_uint_eq(fake_read(f, CTR), 0x8444c004);
    static const uint32_t sizes[] = {0x701fe00a, 0x201fe012, 0x70ffe07a, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        fake_write(f, CSSELR, i);
        ck_assert_uint_eq(fake_read(f, CCSIDR), sizes[i]);
    }
    ck_assert_uint_eq(fake_read(f, DCZID), 4);
    arm_cold(f->env)->sctlr_el1 = 0;
    fake_set_el(f, 0);
    ck_assert_uint_eq(fake_read(f, DCZID), 0x14);
    fake_free(f);
}
END_TEST

START_TEST(test_dc_zva) {
    Fake *f = fake_new("cortex-a57");
    memset(f->ram + 0x1000, 0xaa, 0x200);
    arm_cpu(f->env)->x[3] = FAKE_RAM + 0x1079;
    fake_insn(f, 0xd50b7423); /* dc zva, x3 */
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 4);
    for (unsigned i = 0; i < 0x200; i++) {
        ck_assert_msg(f->ram[0x1000 + i] == (i >= 0x40 && i < 0x80 ? 0 : 0xaa), "byte %#x is %#x", i,
                      f->ram[0x1000 + i]);
    }
    arm_cold(f->env)->sctlr_el1 = 0;
    fake_set_el(f, 0);
    ck_assert(raises(f, 0xd50b7423, EC_SYSREG));
    ck_assert_uint_eq(esr(f) & 0x1ffffff, 0x12dc68);
    fake_free(f);
}
END_TEST

START_TEST(test_maintenance) {
    Fake *f = fake_new("cortex-a57");
    uint64_t *x = arm_cpu(f->env)->x;
    f->flush_all = 0;
    x[0] = FAKE_RAM + 0x1239;
    ck_assert_int_eq(fake_insn(f, 0xd50b7520), IR_EXIT_SYNC); /* ic ivau, x0 */
    ck_assert_uint_eq(f->code_written, 1);
    ck_assert_uint_eq(f->written_pa, FAKE_RAM + 0x1200);
    fake_insn(f, 0xd508751f); /* ic iallu */
    fake_insn(f, 0xd508711f); /* ic ialluis */
    ck_assert_uint_eq(f->code_flush, 2);
    fake_insn(f, 0xd508871f); /* tlbi vmalle1 */
    fake_insn(f, 0xd508831f); /* tlbi vmalle1is */
    ck_assert_uint_eq(f->flush_all, 2);
    arm_cold(f->env)->tcr_el1 = UINT64_C(1) << 36;
    x[0] = UINT64_C(0xabcd) << 48 | UINT64_C(0xff800001234);
    fake_insn(f, 0xd5088740); /* tlbi aside1, x0 */
    ck_assert_uint_eq(f->flush_asid, 1);
    ck_assert_uint_eq(f->flushed_asid, 0xabcd);
    fake_insn(f, 0xd5088720); /* tlbi vae1, x0 */
    ck_assert_uint_eq(f->flushed_va, UINT64_C(0xffff800001234000));
    ck_assert(!f->flushed_any && !f->flushed_last_level);
    fake_insn(f, 0xd50883e0); /* tlbi vaale1is, x0 */
    ck_assert_uint_eq(f->flush_page, 2);
    ck_assert(f->flushed_any && f->flushed_last_level);
    fake_insn(f, 0xd50887a0); /* tlbi vale1, x0 */
    ck_assert(!f->flushed_any && f->flushed_last_level);
    fake_insn(f, 0xd5088760); /* tlbi vaae1, x0 */
    ck_assert(f->flushed_any && !f->flushed_last_level);
    ck_assert(raises(f, 0xd50c871f, 0)); /* tlbi alle2 */
    fake_free(f);
}
END_TEST

START_TEST(test_address_translation) {
    Fake *f = fake_new("cortex-a57");
    arm_cpu(f->env)->x[0] = FAKE_RAM + 0x1239;
    fake_insn(f, 0xd5087800); /* at s1e1r, x0: flat */
    ck_assert_uint_eq(fake_read(f, PAR), (FAKE_RAM + 0x1000) | 0x900);
    arm_cold(f->env)->sctlr_el1 |= 1;
    arm_cold(f->env)->tcr_el1 = 25 | 1 << 7; /* EPD0 */
    uint32_t at[] = {0xd5087820, 0xd5387401}; /* at s1e1w, x0; mrs x1, par_el1 */
    ir_block_reset(f->ir);
    Trans t = {.frontend = &frontend_arm, .env = f->env, .mode = frontend_arm.mode(f->env), .ir = f->ir};
    for (unsigned i = 0; i < 2; i++) {
        t.code = (const uint8_t *)&at[i];
        t.avail = 4;
        t.off = (int32_t)i * 4;
        frontend_arm.translate(&t);
    }
    ir_append(f->ir, IR_jump, IR_VOID, 0, 8, 0, 0);
    ir_interp_run(f->interp, f->ir, f->env);
    ck_assert_uint_eq(arm_cpu(f->env)->x[1], 0x800 | ARM_FSC_TRANSLATION << 1 | 1);
    fake_free(f);
}
END_TEST

/* Every byte between the CPU's struct and what init fixes is named once in the state table. */
START_TEST(test_state_table) {
    Fake *f = fake_new("max");
    enum { SIZE = IR_GUEST_STATE_MAX };
    static uint8_t seen[SIZE];
    const uint8_t *guest = f->env->guest;
    size_t cold = (size_t)((const uint8_t *)arm_cold(f->env) - guest);
    for (const CpuState *s = frontend_arm.state; s->name; s++) {
        if (s->offset < offsetof(Env, guest) || s->offset >= offsetof(Env, guest) + SIZE) {
            continue;
        }
        for (uint32_t i = 0; i < s->size; i++) {
            ck_assert_msg(!seen[s->offset - offsetof(Env, guest) + i]++, "%s is named twice", s->name);
        }
    }
    for (size_t i = 0; i < frontend_arm.state_size; i++) {
        bool fixed = (i >= offsetof(ArmCpu, features) && i < offsetof(ArmCpu, mode)) ||
                     i >= cold + offsetof(ArmCold, id) || (i >= offsetof(ArmCpu, cold) && i < cold);
        bool hole = i >= offsetof(ArmCpu, tpidr_el1) + 8 && i < offsetof(ArmCpu, v); /* alignment */
        ck_assert_msg(seen[i] != (fixed || hole), "byte %zu of the CPU's state", i);
    }
    fake_free(f);
}
END_TEST

/* Reset puts every named byte back. */
START_TEST(test_reset_covers_state) {
    Fake *f = fake_new("max");
    static uint8_t before[sizeof(Env)];
    memcpy(before, f->env, sizeof(Env));
    for (const CpuState *s = frontend_arm.state; s->name; s++) {
        memset((char *)f->env + s->offset, 0x5a, s->size);
    }
    arm_cold(f->env)->lines = arm_cold(f->env)->outputs = 0; /* levels: inputs and outputs are their owners' */
    frontend_arm.reset(f->env);
    for (const CpuState *s = frontend_arm.state; s->name; s++) {
        ck_assert_msg(memcmp(before + s->offset, (char *)f->env + s->offset, s->size) == 0, "%s is not reset", s->name);
    }
    fake_free(f);
}
END_TEST

START_TEST(test_unknown_model) {
    Env *env = aligned_alloc(64, (sizeof(Env) + 63) & ~(size_t)63);
    GError *error = NULL;
    ck_assert(!frontend_arm.init(env, &(CpuConfig){.model = "cortex-a99"}, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "cortex-a72"));
    g_error_free(error);
    free(env);
}
END_TEST

/* -- registers that a device holds -- */

enum { ICC_PMR = ARM_SR(3, 0, 4, 6, 0), ICC_IAR1 = ARM_SR(3, 0, 12, 12, 0), ICC_EOIR1 = ARM_SR(3, 0, 12, 12, 1),
       ICC_SRE = ARM_SR(3, 0, 12, 12, 5), ID_AA64PFR0 = ARM_SR(3, 0, 0, 4, 0) };

typedef struct Held {
    Fake *fake;
    uint64_t value[4];
    unsigned reads, resets;
} Held;

static uint64_t held_read(void *opaque, unsigned arg) {
    Held *h = opaque;
    h->reads++;
    return h->value[arg];
}

static void held_write(void *opaque, unsigned arg, uint64_t value) {
    Held *h = opaque;
    h->value[arg] = value;
    if (value & 1) {
        frontend_arm.set_line(h->fake->env, CPU_LINE_IRQ, true);
        h->fake->env->pending = -1;
    }
}

static const CpuDeviceReg held_regs[] = {
    {"ICC_SRE_EL1", ICC_SRE, 0, held_read, held_write},
    {"ICC_PMR_EL1", ICC_PMR, 1, held_read, held_write},
    {"ICC_IAR1_EL1", ICC_IAR1, 2, held_read, NULL},
    {"ICC_EOIR1_EL1", ICC_EOIR1, 3, NULL, held_write},
};

static void held_reset(void *opaque) {
    ((Held *)opaque)->resets++;
}
#define HELD(held) \
    (CpuDeviceRegs){.regs = held_regs, .count = G_N_ELEMENTS(held_regs), .opaque = held, .reset = held_reset}

START_TEST(test_device_registers) {
    Fake *f = fake_new("cortex-a57");
    Held held = {.fake = f, .value = {7, 0, 42}};
    ck_assert(raises(f, fake_mrs(ICC_PMR, 1), 0)); /* nobody holds them */
    ck_assert(raises(f, fake_msr(ICC_EOIR1, 1), 0));
    ck_assert_uint_eq(fake_read(f, ID_AA64PFR0), 0x11);
    frontend_arm.add_regs(f->env, &(CpuDeviceRegs){.regs = held_regs + 1, .count = 3, .opaque = &held});
    ck_assert_uint_eq(fake_read(f, ID_AA64PFR0), 0x11); /* without ICC_SRE_EL1 they could be anything */
    fake_free(f);
    f = held.fake = fake_new("cortex-a57");
    frontend_arm.add_regs(f->env, &HELD(&held));
    ck_assert_uint_eq(fake_read(f, ID_AA64PFR0), 0x1000011);
    ck_assert_uint_eq(fake_read(f, ICC_SRE), 7);
    fake_write(f, ICC_PMR, 0xf0);
    ck_assert_uint_eq(held.value[1], 0xf0);
    ck_assert_uint_eq(fake_read(f, ICC_PMR), 0xf0);
    held.reads = 0;
    ck_assert_uint_eq(fake_read(f, ICC_IAR1), 42);
    fake_insn(f, fake_mrs(ICC_IAR1, 31)); /* reading has effects: it is done for XZR, too */
    ck_assert_uint_eq(held.reads, 2);
    ck_assert(raises(f, fake_msr(ICC_IAR1, 1), 0)); /* read-only, write-only */
    ck_assert(raises(f, fake_mrs(ICC_EOIR1, 1), 0));
    fake_set_el(f, 0);
    ck_assert(raises(f, fake_mrs(ICC_IAR1, 1), 0));
    ck_assert(raises(f, fake_msr(ICC_PMR, 1), 0));
    ck_assert_uint_eq(held.reads, 2);
    fake_set_el(f, 1);
    ck_assert_uint_eq(held.resets, 0);
    frontend_arm.reset(f->env); /* the rows stay */
    ck_assert_uint_eq(held.resets, 1);
    fake_write(f, ICC_EOIR1, 8);
    ck_assert_uint_eq(held.value[3], 8);
    fake_free(f);
}
END_TEST

/* Behind a write the block ends by a jump that looks for interrupts, so that the next insn comes after them. */
START_TEST(test_device_register_polls) {
    Fake *f = fake_new("cortex-a57");
    Held held = {.fake = f};
    unsigned end;
    frontend_arm.add_regs(f->env, &HELD(&held));
    const uint32_t code[] = {fake_mrs(ICC_IAR1, 1), fake_msr(ICC_PMR, 0), 0xd2800021}; /* MOVZ X1, #1 */
    fake_code(f, FAKE_RAM, code, sizeof(code));
    TransRequest request = {.frontend = &frontend_arm, .env = f->env, .mode = frontend_arm.mode(f->env), .page = f->ram,
                            .max_insns = 3, .stop_offset = -1};
    ck_assert_int_eq(frontend_translate(&request, f->ir, &end), TRANS_OK);
    ck_assert_uint_eq(end, 8);
    f->env->pcbase = FAKE_RAM;
    arm_cpu(f->env)->x[0] = 1;
    ck_assert_int_eq(ir_interp_run(f->interp, f->ir, f->env), IR_EXIT_PENDING);
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 8);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_id_registers,
        test_max_promises,
        test_features_are_absent,
        test_plain_registers,
        test_sctlr,
        test_pstate_registers,
        test_stack_pointers,
        test_fp_registers,
        test_fp_trap_levels,
        test_el0_traps,
        test_wfx,
        test_caches,
        test_dc_zva,
        test_maintenance,
        test_address_translation,
        test_state_table,
        test_reset_covers_state,
        test_unknown_model,
        test_device_registers,
        test_device_register_polls,
        NULL,
    };
    return fake_main("arm sysreg", tests);
}
