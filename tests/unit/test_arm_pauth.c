/* SPDX-License-Identifier: MIT */
/*
 * test_arm_pauth.c - the cipher against the paper's vector; signing, checking and stripping pointers.
 */
#include "tests/unit/arm_fake.h"

#include "frontend/arm/pauth.h"

enum { APIA_LO = ARM_SR(3, 0, 2, 1, 0), APIB_LO = ARM_SR(3, 0, 2, 1, 2), APGA_LO = ARM_SR(3, 0, 2, 3, 0) };
static const uint64_t w0 = UINT64_C(0x84be85ce9804e94b), k0 = UINT64_C(0xec2802d4e0a488e9);
static const uint64_t plain = UINT64_C(0xfb623599da6e8127), tweak = UINT64_C(0x477d469dec0b8762);

/* QARMA-64, five rounds, s-box 2. */
START_TEST(test_cipher) {
    ck_assert_uint_eq(arm_qarma5(plain, tweak, k0, w0), UINT64_C(0xc003b93999b33765));
}
END_TEST

static Fake *fake_keys(uint64_t tcr) {
    Fake *f = fake_new("max");
    for (unsigned key = 0; key < 5; key++) {
        fake_write(f, APIA_LO + (key / 2) * ARM_SR(0, 0, 0, 1, 0) + (key % 2) * 2, k0 + key);
        fake_write(f, APIA_LO + (key / 2) * ARM_SR(0, 0, 0, 1, 0) + (key % 2) * 2 + 1, w0 - key);
    }
    arm_cold(f->env)->tcr_el1 = tcr;
    arm_cold(f->env)->sctlr_el1 |= UINT64_C(0xc8002000);
    return f;
}

START_TEST(test_sign_and_check) {
    static const uint64_t pointers[] = {0x12345678, UINT64_C(0xffffff8012345678), UINT64_C(0xffffffffffffffff), 0};
    static const uint64_t tcrs[] = {25 | 16 << 16, 16 | 16 << 16 | UINT64_C(3) << 37,
                                    16 | 25 << 16 | UINT64_C(1) << 37};
    for (size_t c = 0; c < G_N_ELEMENTS(tcrs); c++) {
        Fake *f = fake_keys(tcrs[c]);
        for (unsigned i = 0; i < 4 * G_N_ELEMENTS(pointers); i++) {
            uint64_t p = pointers[i / 4], m = 0x1122334455667788 + i;
            unsigned key = i % 4;
            uint64_t code = arm_helper_pac(f->env, p, m, key);
            ck_assert_uint_eq(code >> 55 & 1, p >> 55 & 1);
            ck_assert_uint_eq(code & 0xffffffff, p & 0xffffffff);
            ck_assert_uint_eq(arm_helper_pac(f->env, code, m, key | PAC_AUTH), p);
            ck_assert_uint_eq(arm_helper_pac(f->env, code, 0, key | PAC_STRIP), p);
            uint64_t bad = arm_helper_pac(f->env, code ^ UINT64_C(1) << 54, m, key | PAC_AUTH);
            bool tagged = arm_tbi(f->env, p, key < 2);
            uint64_t code_bits = (p >> (tagged ? 53 : 61) & ~UINT64_C(3)) | (key & 1 ? 2 : 1);
            ck_assert_uint_eq(bad >> (tagged ? 53 : 61), code_bits);
        }
        fake_free(f);
    }
}
END_TEST

START_TEST(test_bad_pointer_never_checks) {
    Fake *f = fake_keys(16 | 16 << 16);
    uint64_t p = UINT64_C(0x0012000012345678);
    uint64_t code = arm_helper_pac(f->env, p, 1, PAC_IA);
    ck_assert_uint_ne(arm_helper_pac(f->env, code, 1, PAC_IA | PAC_AUTH) & ~UINT64_C(0xffffffffffff), 0);
    fake_free(f);
}
END_TEST

START_TEST(test_enables) {
    Fake *f = fake_keys(25 | 25 << 16);
    arm_cold(f->env)->sctlr_el1 &= ~(UINT64_C(1) << 30);
    ck_assert_uint_eq(arm_helper_pac(f->env, 0x1000, 5, PAC_IB), 0x1000);
    ck_assert_uint_ne(arm_helper_pac(f->env, 0x1000, 5, PAC_IA), 0x1000);
    fake_free(f);
}
END_TEST

/* The insns: hints, PACIA, AUTIA, XPACI, PACGA, RETAA, BLRAAZ, LDRAA. */
START_TEST(test_insns) {
    Fake *f = fake_keys(25 | 25 << 16);
    uint64_t *x = arm_cpu(f->env)->x;
    arm_cpu(f->env)->sp = 0x7000;
    x[30] = 0x4444;
    fake_insn(f, 0xd503233f); /* paciasp */
    ck_assert_uint_eq(x[30], arm_helper_pac(f->env, 0x4444, 0x7000, PAC_IA));
    ck_assert_uint_ne(x[30], 0x4444);
    fake_insn(f, 0xd65f0bff); /* retaa */
    ck_assert_uint_eq(f->env->pc, 0x4444);
    fake_insn(f, 0xd50323bf); /* autiasp */
    ck_assert_uint_eq(x[30], 0x4444);
    x[1] = 0x9000;
    x[2] = 0x55;
    fake_insn(f, 0xdac10841); /* pacda x1, x2 */
    ck_assert_uint_eq(x[1], arm_helper_pac(f->env, 0x9000, 0x55, PAC_DA));
    fake_insn(f, 0xdac147e1); /* xpacd x1 */
    ck_assert_uint_eq(x[1], 0x9000);
    fake_insn(f, 0x9ac23023); /* pacga x3, x1, x2 */
    ck_assert_uint_eq(x[3], arm_qarma5(0x9000, 0x55, k0 + 4, w0 - 4) & ~UINT64_C(0xffffffff));
    x[5] = arm_helper_pac(f->env, 0x5550, 0, PAC_IA);
    fake_insn(f, 0xd63f08bf); /* blraaz x5 */
    ck_assert_uint_eq(f->env->pc, 0x5550);
    ck_assert_uint_eq(x[30], FAKE_RAM + 4);
    fake_put(f, FAKE_RAM + 0x1008, 0xfeed);
    x[6] = arm_helper_pac(f->env, FAKE_RAM + 0x1000, 0, PAC_DA);
    fake_insn(f, 0xf8201cc7); /* ldraa x7, [x6, #8]! */
    ck_assert_uint_eq(x[7], 0xfeed);
    ck_assert_uint_eq(x[6], FAKE_RAM + 0x1008);
    fake_free(f);
}
END_TEST

START_TEST(test_absent) {
    Fake *f = fake_new("cortex-a57");
    uint64_t *x = arm_cpu(f->env)->x;
    arm_cold(f->env)->vbar_el1 = FAKE_RAM + 0x8000;
    x[30] = 0x4444;
    fake_insn(f, 0xd503233f); /* a hint */
    ck_assert_uint_eq(x[30], 0x4444);
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 4);
    fake_insn(f, 0xdac10841);
    ck_assert_uint_eq(f->env->pc, FAKE_RAM + 0x8200);
    fake_free(f);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_cipher, test_sign_and_check, test_bad_pointer_never_checks, test_enables, test_insns, test_absent, NULL,
    };
    return fake_main("arm pauth", tests);
}
