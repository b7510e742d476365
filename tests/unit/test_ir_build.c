/* SPDX-License-Identifier: MIT */
/* test_ir_build.c - folding, identities, forwarding, and reuse of blocks. */
#include <check.h>

#include "tests/unit/ir_random.h"

START_TEST(test_folding_changes_no_result) {
    g_autoptr(IrBlock) plain = fake_block_new();
    g_autoptr(IrBlock) folded = fake_block_new();
    IrInterp *it = ir_interp_new(&fake_mem, fake_helpers, FAKE_HELPERS);
    Env *a = fake_env_new(), *b = fake_env_new();
    uint64_t plain_nodes = 0, folded_nodes = 0;
    plain->optimize = false;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        ir_block_reset(plain);
        ir_block_reset(folded);
        random_program(plain, seed, 60);
        random_program(folded, seed, 60);
        g_autoptr(GError) error = NULL;
        ck_assert_msg(ir_verify(folded, &error), "seed %u: %s", (unsigned)seed, error ? error->message : "");
        random_state(a, seed);
        random_state(b, seed);
        ir_interp_run(it, plain, a);
        ir_interp_run(it, folded, b);
        ck_assert_msg(memcmp(fake_of(a), fake_of(b), sizeof(Fake)) == 0, "seed %u", (unsigned)seed);
        plain_nodes += plain->count;
        folded_nodes += folded->count;
    }
    ck_assert_uint_lt(folded_nodes, plain_nodes * 95 / 100);
    fake_env_free(a);
    fake_env_free(b);
    ir_interp_free(it);
}
END_TEST

START_TEST(test_set_then_get) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_get(b, S_X0, IR_I64);
    ir_set(b, S_X7, x);
    uint32_t count = b->count;
    ck_assert_uint_eq(ir_get(b, S_X7, IR_I64), x);
    ck_assert_uint_eq(ir_get(b, S_X0, IR_I64), x);
    ir_set(b, S_X7, x); /* it holds that already */
    ck_assert_uint_eq(b->count, count);
    uint32_t low = ir_get(b, S_X7, IR_I32);
    ck_assert_uint_eq(b->nodes[low].op, IR_trunc);
    ir_set(b, S_X0, low);
    ck_assert_uint_eq(b->nodes[ir_get(b, S_X0, IR_I64)].op, IR_zext);
    ck_assert_uint_eq(ir_get(b, S_X0, IR_I32), low); /* trunc of zext */
}
END_TEST

START_TEST(test_low_half_is_partial) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t low = ir_get(b, S_X0, IR_I32);
    uint32_t all = ir_get(b, S_X0, IR_I64);
    ck_assert_uint_eq(b->nodes[low].op, IR_get);
    ck_assert_uint_eq(b->nodes[all].op, IR_get);
    ck_assert_uint_eq(ir_get(b, S_X0, IR_I64), all);
}
END_TEST

START_TEST(test_calls_and_skips_forget) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_get(b, S_X0, IR_I64), flags = ir_get(b, S_NZCV, IR_FLAGS);
    ir_call(b, H_PEEK, 0, NULL);
    ck_assert_uint_eq(ir_get(b, S_X0, IR_I64), x); /* it only reads */
    ir_call(b, H_POKE, 1, &x);
    uint32_t y = ir_get(b, S_X0, IR_I64);
    ck_assert_uint_ne(y, x);
    ir_skip_if(b, IR_EQ, flags);
    uint32_t z = ir_get(b, S_X0, IR_I64);
    ck_assert_uint_ne(z, y);
    ir_end_skip(b);
    ck_assert_uint_ne(ir_get(b, S_X0, IR_I64), z);
}
END_TEST

/* What an op becomes when its operands are a value x and a constant. */
START_TEST(test_identities) {
    static const struct {
        IrOp op;
        uint64_t k;
        bool gives_x;
        uint64_t gives; /* else this constant */
    } rows[] = {
        {IR_add, 0, true, 0}, {IR_sub, 0, true, 0},          {IR_or, 0, true, 0},   {IR_xor, 0, true, 0},
        {IR_and, UINT64_MAX, true, 0}, {IR_and, 0, false, 0}, {IR_mul, 1, true, 0},  {IR_mul, 0, false, 0},
        {IR_shl, 0, true, 0}, {IR_shr, 64, true, 0},         {IR_sar, 0, true, 0},  {IR_ror, 128, true, 0},
        {IR_or, UINT64_MAX, false, UINT64_MAX},              {IR_andn, 0, true, 0},
    };
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_get(b, S_X0, IR_I64);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t value;
        uint32_t id = ir_emit(b, rows[i].op, IR_I64, 0, x, ir_const(b, IR_I64, rows[i].k), 0);
        if (rows[i].gives_x) {
            ck_assert_msg(id == x, "%s", ir_ops[rows[i].op].name);
        } else {
            ck_assert_msg(ir_is_const(b, id, &value) && value == rows[i].gives, "%s", ir_ops[rows[i].op].name);
        }
    }
    uint32_t eight = ir_const(b, IR_I64, 8);
    uint32_t sum = ir_emit(b, IR_add, IR_I64, 0, ir_emit(b, IR_add, IR_I64, 0, eight, x, 0), eight, 0);
    uint64_t sixteen;
    ck_assert_uint_eq(b->nodes[sum].a, x);
    ck_assert(ir_is_const(b, b->nodes[sum].b, &sixteen) && sixteen == 16);
    uint32_t difference = ir_emit(b, IR_sub, IR_I64, 0, x, ir_const(b, IR_I64, 24), 0);
    sum = ir_emit(b, IR_add, IR_I64, 0, difference, eight, 0);
    ck_assert_uint_eq(b->nodes[sum].a, x);
    ck_assert(ir_is_const(b, b->nodes[sum].b, &sixteen) && sixteen == (uint64_t)-16);
    b->optimize = false;
    ck_assert_uint_ne(ir_emit(b, IR_sub, IR_I64, 0, x, ir_const(b, IR_I64, 0), 0), x);
}
END_TEST

START_TEST(test_width_in_aux) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_get(b, S_X0, IR_I64), w = ir_get(b, S_W0, IR_I32), v = ir_get(b, S_V0, IR_V128);
    ck_assert_uint_eq(b->nodes[ir_emit(b, IR_fl_sub, IR_FLAGS, 0, x, x, 0)].aux, IR_AUX_WIDE);
    ck_assert_uint_eq(b->nodes[ir_emit(b, IR_fl_sub, IR_FLAGS, 0, w, w, 0)].aux, 0);
    ck_assert_uint_eq(b->nodes[ir_emit(b, IR_setc, IR_I32, IR_HI, x, x, 0)].aux, IR_HI | IR_AUX_WIDE);
    uint32_t f = ir_emit(b, IR_vlow, IR_F32, 0, v, 0, 0);
    ck_assert_uint_eq(b->nodes[ir_emit(b, IR_fbits, IR_I32, 0, f, 0, 0)].aux, 2 << IR_AUX_FP_SHIFT);
    ir_emit(b, IR_fl_fcmp, IR_FLAGS, 1, f, f, 0);
    ck_assert_uint_eq(b->nodes[b->count - 1].aux, 1 | 2 << 1);
}
END_TEST

START_TEST(test_reset_cut_and_growth) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_get(b, S_X0, IR_I64);
    ir_insn(b, 0, 4);
    uint32_t mark = b->count;
    ir_insn(b, 4, 4);
    ir_set(b, S_X7, x);
    ir_block_cut(b, mark);
    ck_assert_uint_eq(b->insns, 1);
    ck_assert_uint_eq(b->nodes[ir_get(b, S_X7, IR_I64)].op, IR_get); /* the set is gone */
    b->age = INT32_MAX; /* ages start anew: what is known of old blocks must not count */
    b->known[S_X0].touched = 5;
    ir_block_reset(b);
    ck_assert_uint_lt(b->age, 5);
    ck_assert_uint_eq(b->known[S_X0].touched, 0);
    ck_assert_uint_eq(b->count, 1);
    ck_assert_uint_eq(b->insns, 0);
    ir_insn(b, 0, 4);
    ck_assert_uint_eq(ir_get(b, S_X0, IR_I64), 2);
    for (unsigned i = 0; i < 5000; i++) {
        ck_assert_uint_eq(ir_const(b, IR_I64, i), i + 3);
    }
    uint64_t v;
    ck_assert(ir_is_const(b, 3 + 1234, &v) && v == 1234);
    ck_assert_uint_ge(b->capacity, b->count);
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/build");
    TCase *t = tcase_create("build");
    suite_add_tcase(s, t);
    tcase_add_test(t, test_folding_changes_no_result);
    tcase_add_test(t, test_set_then_get);
    tcase_add_test(t, test_low_half_is_partial);
    tcase_add_test(t, test_calls_and_skips_forget);
    tcase_add_test(t, test_identities);
    tcase_add_test(t, test_width_in_aux);
    tcase_add_test(t, test_reset_cut_and_growth);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
