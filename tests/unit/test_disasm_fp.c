/* SPDX-License-Identifier: MIT */
/*
 * test_disasm_fp.c - texts of floating-point insns, one for each kind of operand.
 */
#include <check.h>

#include "frontend/arm/disasm.h"

static const struct {
    uint32_t insn;
    const char *text;
} cases[] = {
    {0x1e622820, "fadd d0, d1, d2"},
    {0x1ee22820, "fadd h0, h1, h2"},
    {0x1e22c020, "fcvt d0, s1"},
    {0x1fc20c20, "fmadd h0, h1, h2, h3"},
    {0x1e202028, "fcmp s1, #0.0"},
    {0x1e620c20, "fcsel d0, d1, d2, eq"},
    {0x9e780020, "fcvtzs x0, d1"},
    {0x1e18fc20, "fcvtzs w0, s1, #1"},
    {0x9eae0020, "fmov x0, v1.d[1]"},
    {0x9eaf0020, "fmov v0.d[1], x1"},
    {0x4e62d420, "fadd v0.2d, v1.2d, v2.2d"},
    {0x0e421420, "fadd v0.4h, v1.4h, v2.4h"},
    {0x5fa29820, "fmul s0, s1, v2.s[3]"},
    {0x4f329820, "fmul v0.8h, v1.8h, v2.h[7]"},
    {0x4ea0c820, "fcmgt v0.4s, v1.4s, #0.0"},
    {0x7e70d820, "faddp d0, v1.2d"},
    {0x6e30f820, "fmaxv s0, v1.4s"},
    {0x4e616820, "fcvtn2 v0.4s, v1.2d"},
    {0x0e217820, "fcvtl v0.4s, v1.4h"},
    {0x7f40e420, "ucvtf d0, d1, #64"},
    {0x1e6e1000, "fmov d0, #1.000000000000000000e+00"},
    {0x1e301000, "fmov s0, #-2.000000000000000000e+00"},
};

START_TEST(texts) {
    GString *out = g_string_new(NULL);
    uint8_t bytes[4] = {(uint8_t)cases[_i].insn, (uint8_t)(cases[_i].insn >> 8), (uint8_t)(cases[_i].insn >> 16),
                        (uint8_t)(cases[_i].insn >> 24)};
    ck_assert_uint_eq(a64_disasm(bytes, 4, 0, 0, out), 4);
    ck_assert_str_eq(out->str, cases[_i].text);
    g_string_free(out, TRUE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("disasm_fp");
    TCase *tcase = tcase_create("texts");
    tcase_add_loop_test(tcase, texts, 0, G_N_ELEMENTS(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
