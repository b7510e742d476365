/* SPDX-License-Identifier: MIT */
/*
 * test_trans_fp.c - what the vectors of tests/insn cannot show of trans_fp.c and trans_vfp.c: every row of a64_fp.decode
 * obeys the access trap and its feature, and IR carries the FP ops that it must.
 */
#include <check.h>
#include <string.h>

#include "frontend/arm/trans.h"

static Env *env;
static IrBlock *block;

static void setup(void) {
    env = g_aligned_alloc0(1, sizeof(Env), 64);
    arm_cpu(env)->features = UINT64_MAX;
    const Frontend *arm = &frontend_arm;
    block = ir_block_new(arm->slots, arm->slot_count, arm->helpers, arm->helper_count);
}

static void teardown(void) {
    ir_block_free(block);
    g_aligned_free(env);
}

static Trans start(uint64_t mode) {
    ir_block_reset(block);
    ir_insn(block, 0, 4);
    return (Trans){.frontend = &frontend_arm, .env = env, .mode = mode, .ir = block, .insn_len = 4};
}

static unsigned count_op(IrOp op) {
    unsigned n = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        n += block->nodes[i].op == op;
    }
    return n;
}

/* A word of the row: all its fields ones, or rd alone where a guard refuses that. */
static uint32_t word_of(const A64Row *row, A64Fields *f) {
    uint32_t insn = row->value | ~row->mask;
    if (a64_find(insn, f) != row) {
        insn = row->value | 0x1f;
    }
    ck_assert_msg(a64_find(insn, f) == row, "no word for %s", row->name);
    return insn;
}

START_TEST(every_row_obeys_the_access_trap) {
    for (unsigned i = 0; i < A64_ROWS; i++) {
        const A64Row *row = &a64_rows[i];
        A64Fields f;
        if (strcmp(row->file, "a64_fp.decode") != 0) {
            continue;
        }
        Trans t = start(ARM_MODE_FP_TRAP);
        uint32_t insn = word_of(row, &f);
        ck_assert_msg(a64_decode(&t, insn), "%s is not decoded", row->name);
        ck_assert_msg(t.ended && count_op(IR_call) == 1 && count_op(IR_set) == 0, "%s does not trap", row->name);
        t = start(0);
        a64_decode(&t, insn);
        ck_assert_msg(!t.ended && count_op(IR_call) == 0, "%s traps", row->name);
    }
}
END_TEST

START_TEST(half_precision_is_a_feature) {
    static const struct {
        uint32_t insn;
        bool without;
    } cases[] = {
        {0x1ee22820, false}, /* fadd h0, h1, h2 */
        {0x0e421420, false}, /* fadd v0.4h, v1.4h, v2.4h */
        {0x1ee70020, false}, /* fmov h0, w1 */
        {0x1ee24020, true},  /* fcvt s0, h1 */
        {0x0e217820, true},  /* fcvtl v0.4s, v1.4h */
        {0x1e622820, true},  /* fadd d0, d1, d2 */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        arm_cpu(env)->features = UINT64_MAX;
        Trans t = start(0);
        ck_assert_msg(a64_decode(&t, cases[i].insn), "%08x with", cases[i].insn);
        arm_cpu(env)->features = UINT64_MAX & ~(UINT64_C(1) << ARM_FP16);
        t = start(0);
        ck_assert_msg(a64_decode(&t, cases[i].insn) == cases[i].without, "%08x without", cases[i].insn);
    }
}
END_TEST

START_TEST(unallocated) {
    static const uint32_t words[] = {
        0x1ea22820, /* fadd with type 2 */
        0x1e229820, /* two sources, opcode 9 */
        0x0e62d420, /* fadd v.1d */
        0x1e020000, /* scvtf s0, w0 with 64 fraction bits */
        0x9ea60020, /* fmov x, v.d[1] without the 1 of its lane */
        0x0fc01000, /* fmla by element, double, 64-bit vector */
        0x4fe01000, /* fmla by element, double, L set */
        0x2e30c800, /* fmaxnmv of two lanes */
        0x0f40fc00, /* fcvtzs, 64-bit lanes in a 64-bit vector */
    };
    A64Fields f;
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        ck_assert_msg(a64_find(words[i], &f) == NULL, "%08x", words[i]);
    }
}
END_TEST

START_TEST(a_false_conditional_compare_compares_zeros) {
    Trans t = start(0);
    ck_assert(a64_decode(&t, 0x1e620434)); /* fccmpe... of d1, d2 under eq */
    ck_assert_uint_eq(count_op(IR_csel), 2);
    ck_assert_uint_eq(count_op(IR_fl_sel), 1);
    t = start(0);
    ck_assert(a64_decode(&t, 0x1e62e434)); /* under al */
    ck_assert_uint_eq(count_op(IR_csel), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trans_fp");
    TCase *tcase = tcase_create("rows");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_row_obeys_the_access_trap);
    tcase_add_test(tcase, half_precision_is_a_feature);
    tcase_add_test(tcase, unallocated);
    tcase_add_test(tcase, a_false_conditional_compare_compares_zeros);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
