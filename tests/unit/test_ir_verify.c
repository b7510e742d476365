/* SPDX-License-Identifier: MIT */
/* test_ir_verify.c - what text cannot say; the rest is in tests/ir/invalid.ir. */
#include <check.h>

#include "tests/unit/ir_random.h"

static void refuse(const IrBlock *b, const char *why) {
    g_autoptr(GError) error = NULL;
    ck_assert(!ir_verify(b, &error));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(test_empty) {
    g_autoptr(IrBlock) b = fake_block_new();
    refuse(b, "empty");
}
END_TEST

START_TEST(test_numbers_out_of_range) {
    g_autoptr(IrBlock) b = fake_block_new();
    uint32_t x = ir_append(b, IR_get, IR_I64, 0, S_X0, 0, 0);
    uint32_t n = ir_append(b, IR_neg, IR_I64, 0, x, 0, 0);
    ir_append(b, IR_exit, IR_VOID, 0, 0, 0, 0);
    ck_assert(ir_verify(b, NULL));
    b->nodes[n].a = n;
    refuse(b, "not defined before it");
    b->nodes[n].a = 1000000;
    refuse(b, "not defined before it");
    b->nodes[n].a = 0;
    refuse(b, "not defined before it");
    b->nodes[n].a = x;
    b->nodes[n].op = IR_OPS;
    refuse(b, "no such op");
    b->nodes[n].op = IR_neg;
    b->nodes[n].type = IR_TYPES;
    refuse(b, "no such op or type");
    b->nodes[n].type = IR_I64;
    b->nodes[x].a = FAKE_SLOTS;
    refuse(b, "no slot");
    b->nodes[x].a = S_X0;
    b->nodes[n] = (IrNode){.op = IR_call, .a = FAKE_HELPERS};
    refuse(b, "no helper");
    b->nodes[n] = (IrNode){.op = IR_fl_logic, .type = IR_FLAGS, .a = x};
    refuse(b, "width of operand a");
}
END_TEST

/* Changes one field of one node of a good program: the verifier must not crash, and what it accepts must run. */
START_TEST(test_damaged_programs) {
    g_autoptr(IrBlock) b = fake_block_new();
    IrInterp *it = ir_interp_new(&fake_mem, fake_helpers, FAKE_HELPERS);
    Env *env = fake_env_new();
    unsigned refused = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        Random r = {seed};
        ir_block_reset(b);
        random_program(b, seed, 20);
        IrNode *n = &b->nodes[1 + random_below(&r, b->count - 1)];
        switch (random_below(&r, 4)) {
        case 0:
            n->op = (uint16_t)random_below(&r, IR_OPS);
            break;
        case 1:
            n->type = (uint8_t)random_below(&r, IR_TYPES);
            break;
        case 2:
            n->aux = (uint8_t)random_below(&r, 256);
            break;
        default:
            n->arg[random_below(&r, 3)] = random_below(&r, 40);
            break;
        }
        if (ir_verify(b, NULL)) {
            random_state(env, seed);
            ir_interp_run(it, b, env);
        } else {
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 300);
    fake_env_free(env);
    ir_interp_free(it);
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/verify");
    TCase *t = tcase_create("verify");
    suite_add_tcase(s, t);
    tcase_add_test(t, test_empty);
    tcase_add_test(t, test_numbers_out_of_range);
    tcase_add_test(t, test_damaged_programs);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
