/* SPDX-License-Identifier: MIT */
/* test_ir_interp.c - the loop's own business: banks, reuse, the table; what ops compute is in tests/ir. */
#include <check.h>

#include "tests/unit/ir_random.h"

static unsigned checks; /* calls of counting_check */

static bool counting_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    checks++;
    return fake_check(env, ea, size, aux, addend);
}

/* An interpreter that uses the banks: page 0x1000 readable and writable, 0x2000 readable for the unprivileged. */
typedef struct Banked {
    IrMemOps mem;
    IrTlbEntry table[2], unpriv[2];
    Env *env;
    IrInterp *it;
    IrBlock *b;
} Banked;

static Banked *banked_new(void) {
    Banked *f = g_new0(Banked, 1);
    f->mem = fake_mem;
    f->mem.check = counting_check;
    f->mem.use_bank = true;
    f->env = fake_env_new();
    uint64_t addend = (uint64_t)(uintptr_t)f->env->runtime - 0x1000;
    f->table[0] = (IrTlbEntry){IR_TLB_NO_TAG, IR_TLB_NO_TAG, 0, 0};
    f->table[1] = (IrTlbEntry){0x1000, 0x1000, addend, 0};
    f->unpriv[0] = (IrTlbEntry){0x2000, IR_TLB_NO_TAG, addend, 0};
    f->unpriv[1] = (IrTlbEntry){IR_TLB_NO_TAG, IR_TLB_NO_TAG, 0, 0};
    f->env->bank = (IrTlbBank){1 << 5, f->table};
    f->env->unpriv = (IrTlbBank){1 << 5, f->unpriv};
    f->it = ir_interp_new(&f->mem, fake_helpers, FAKE_HELPERS);
    f->b = fake_block_new();
    checks = 0;
    return f;
}
static void banked_free(Banked *f) {
    ir_interp_free(f->it);
    ir_block_free(f->b);
    fake_env_free(f->env);
    g_free(f);
}

/* Where an access is made, with which bits of aux, and whether a bank answers. */
static const struct {
    uint64_t ea;
    unsigned size, aux;
    bool hit;
    IrExit exit;
} rows[] = {
    {0x1000, 8, IR_CHECK_R, true, IR_EXIT_NEXT},
    {0x1ff8, 8, IR_CHECK_RW, true, IR_EXIT_NEXT},
    {0x1ff9, 8, IR_CHECK_R, false, IR_EXIT_NEXT},                           /* crosses */
    {0x1ff9, 8, IR_CHECK_W, false, IR_EXIT_FAULT},
    {0x1fff, 1, IR_CHECK_W, true, IR_EXIT_NEXT},
    {0x2000, 8, IR_CHECK_R, false, IR_EXIT_NEXT},                           /* the privileged bank has no such page */
    {0x2000, 8, IR_CHECK_R | IR_CHECK_UNPRIV, true, IR_EXIT_NEXT},
    {0x2000, 8, IR_CHECK_RW | IR_CHECK_UNPRIV, false, IR_EXIT_FAULT},       /* not writable there */
    {0x1004, 8, IR_CHECK_R | 3 << IR_CHECK_ALIGN_SHIFT, false, IR_EXIT_FAULT},
    {0x1008, 8, IR_CHECK_R | 3 << IR_CHECK_ALIGN_SHIFT, true, IR_EXIT_NEXT},
    {0x5000, 8, IR_CHECK_R, false, IR_EXIT_FAULT},                          /* same entry, other page */
};

START_TEST(test_bank) {
    Banked *f = banked_new();
    uint32_t ea = ir_const(f->b, IR_I64, rows[_i].ea);
    uint32_t addend = ir_append(f->b, IR_check, IR_I64, rows[_i].aux, ea, 0, rows[_i].size);
    uint32_t v = ir_append(f->b, IR_ld, IR_I64, 0, addend, ea, 0);
    ir_set(f->b, S_X0, v);
    ir_append(f->b, IR_exit, IR_VOID, IR_EXIT_NEXT, 0, 0, 0);
    memset(f->env->runtime, 0x5a, 0x4000);
    ck_assert_int_eq(ir_interp_run(f->it, f->b, f->env), rows[_i].exit);
    ck_assert_uint_eq(f->env->exit_reason, rows[_i].exit);
    ck_assert_uint_eq(checks, rows[_i].hit ? 0 : 1);
    ck_assert_uint_eq(fake_of(f->env)->x[0], rows[_i].exit == IR_EXIT_NEXT ? 0x5a : 0);
    banked_free(f);
}
END_TEST

START_TEST(test_exclusive_state) {
    Banked *f = banked_new();
    g_autoptr(GError) error = NULL;
    const char *text = "%1 = const.i64 0x1010\n%2 = check.i64 %1, 0, 4 !1\n%3 = ll.i64 %2, %1 !2\nexit 0\n";
    ck_assert(ir_parse(f->b, text, &error));
    memset(f->env->runtime, 0x81, 0x4000);
    ir_interp_run(f->it, f->b, f->env);
    ck_assert_uint_eq(f->env->excl_addr, 0x1010);
    ck_assert_uint_eq(f->env->excl_size, 4);
    ck_assert_uint_eq(f->env->excl_val.u64, 0x81818181);
    banked_free(f);
}
END_TEST

START_TEST(test_blocks_grow) {
    Banked *f = banked_new();
    for (unsigned round = 0; round < 3; round++) {
        ir_block_reset(f->b);
        f->b->optimize = false;
        uint32_t v = ir_const(f->b, IR_I64, 1);
        for (unsigned i = 0; i < 1000u << (2 * round); i++) {
            v = ir_emit(f->b, IR_add, IR_I64, 0, v, v, 0);
            v = ir_emit(f->b, IR_ror, IR_I64, 0, v, ir_const(f->b, IR_I64, 1), 0);
        }
        ir_set(f->b, S_X0, v);
        ir_append(f->b, IR_exit, IR_VOID, IR_EXIT_NEXT, 0, 0, 0);
        ir_interp_run(f->it, f->b, f->env);
        ck_assert_uint_eq(fake_of(f->env)->x[0], 1);
    }
    banked_free(f);
}
END_TEST

/* The table and the loop agree on who runs what. */
START_TEST(test_op_table) {
    for (unsigned i = 0; i < IR_OPS; i++) {
        const IrOpInfo *o = &ir_ops[i];
        bool has = (o->props & (IR_PURE | IR_FP)) && i != IR_const;
        ck_assert_msg((o->interp != NULL) == has, "%s", o->name);
        unsigned imms = 0;
        for (unsigned k = 0; k < 3 && o->operands[k]; k++) {
            imms += o->operands[k] == 'i';
        }
        ck_assert_msg(!has || imms <= 1, "%s has %u immediates", o->name, imms);
    }
}
END_TEST

START_TEST(test_conditions) {
    for (unsigned i = 0; i < 16; i++) {
        bool n = i & 8, z = i & 4, c = i & 2, v = i & 1;
        uint32_t noise = 0xffff0000 | (0xffff & ~IR_FLAG_MASK);
        uint32_t flags = n * IR_FLAG_N | z * IR_FLAG_Z | c * IR_FLAG_C | v * IR_FLAG_V | noise;
        bool hi = c && !z, ge = n == v, gt = !z && ge;
        bool want[16] = {z, !z, c, !c, n, !n, v, !v, hi, !hi, ge, !ge, gt, !gt, true, true};
        for (unsigned cond = 0; cond < 16; cond++) {
            ck_assert_msg(ir_cond_holds(cond, flags) == want[cond], "%s of %x", ir_cond_name(cond), i);
        }
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/interp");
    TCase *t = tcase_create("interp");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_bank, 0, (int)G_N_ELEMENTS(rows));
    tcase_add_test(t, test_exclusive_state);
    tcase_add_test(t, test_blocks_grow);
    tcase_add_test(t, test_op_table);
    tcase_add_test(t, test_conditions);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
