/* SPDX-License-Identifier: MIT */
/* test_ir_opt_dead.c - what the pass removes, what it must keep, and that results stay. */
#include <check.h>

#include "tests/unit/ir_random.h"

/* Blocks before and after the pass, as text. */
static const struct {
    const char *before, *after;
} rows[] = {
    /* a set that a later one hides, and the value that only it used */
    {"%1 = get.i64 x0\n%2 = neg.i64 %1\nset x1, %2\nset x1, %1\nexit 0\n", "%1 = get.i64 x0\nset x1, %1\nexit 0\n"},
    /* a get between keeps it */
    {"%1 = get.i64 x0\nset x1, %1\n%3 = get.i64 x1\nset x2, %3\nset x1, %3\nexit 0\n",
     "%1 = get.i64 x0\nset x1, %1\n%3 = get.i64 x1\nset x2, %3\nset x1, %3\nexit 0\n"},
    /* a get that nobody uses does not */
    {"%1 = get.i64 x0\nset x1, %1\n%3 = get.i64 x1\nset x1, %1\nexit 0\n", "%1 = get.i64 x0\nset x1, %1\nexit 0\n"},
    /* a check between leaves it to the cold paths, and stays although its addend is not used */
    {"%1 = get.i64 x0\nset x1, %1\ninsn 4\n%4 = check.i64 %1, 0, 8 !1\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\npend x1, %1\ninsn 4\n%4 = check.i64 %1, 0, 8 !1\nset x1, %1\nexit 0\n"},
    {"%1 = get.i64 x0\nset x1, %1\ninsn 4\naligned %1 !16\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\npend x1, %1\ninsn 4\naligned %1 !16\nset x1, %1\nexit 0\n"},
    /* what stands in front of a pend without a fault between is gone; with one it is a pend too */
    {"%1 = get.i64 x0\n%2 = neg.i64 %1\nset x1, %2\nset x1, %1\ninsn 4\naligned %1 !16\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\npend x1, %1\ninsn 4\naligned %1 !16\nset x1, %1\nexit 0\n"},
    {"%1 = get.i64 x0\n%2 = neg.i64 %1\nset x1, %2\ninsn 4\naligned %1 !16\nset x1, %1\ninsn 8\naligned %1 !8\nset x1, %1\n"
     "exit 0\n",
     "%1 = get.i64 x0\n%2 = neg.i64 %1\npend x1, %2\ninsn 4\naligned %1 !16\npend x1, %1\ninsn 8\naligned %1 !8\nset x1, %1\n"
     "exit 0\n"},
    /* a fault behind the hiding set is none of its business */
    {"%1 = get.i64 x0\nset x1, %1\nset x1, %1\ninsn 4\naligned %1 !16\nexit 0\n",
     "%1 = get.i64 x0\nset x1, %1\ninsn 4\naligned %1 !16\nexit 0\n"},
    /* an atomic access may give its insn back: it sees all that is set */
    {"%1 = get.i64 x0\nset x1, %1\ninsn 4\n%4 = check.i64 %1, 0, 8 !3\n%5 = ll.i64 %4, %1 !3\nset x1, %5\nexit 0\n",
     "%1 = get.i64 x0\nset x1, %1\ninsn 4\n%4 = check.i64 %1, 0, 8 !3\n%5 = ll.i64 %4, %1 !3\nset x1, %5\nexit 0\n"},
    /* so does a load, which may come from a device */
    {"%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !1\n%3 = ld.i64 %2, %1 !3\nexit 0\n",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !1\n%3 = ld.i64 %2, %1 !3\nexit 0\n"},
    /* a helper that reads keeps sets, as does one that writes: a pend behind it would undo that */
    {"%1 = get.i64 x0\nset x1, %1\n%3 = call.i64 peek, -\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\nset x1, %1\n%3 = call.i64 peek, -\nset x1, %1\nexit 0\n"},
    {"%1 = get.i64 x0\nset x1, %1\n%3 = arg %1, -\ncall poke, %3\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\nset x1, %1\n%3 = arg %1, -\ncall poke, %3\nset x1, %1\nexit 0\n"},
    /* a pure helper whose result is not used goes with its arguments */
    {"%1 = get.v128 v0\n%2 = arg %1, -\n%3 = call.i32 top, %2\nexit 0\n", "exit 0\n"},
    /* both borders of a skipped region observe */
    {"%1 = get.flags nzcv\n%2 = const.i64 0x1\nset x0, %2\nskip_if %1\nset x0, %2\nend\nset x0, %2\nexit 0\n",
     "%1 = get.flags nzcv\n%2 = const.i64 0x1\nset x0, %2\nskip_if %1\nset x0, %2\nend\nset x0, %2\nexit 0\n"},
    /* flags that are set twice cost one computation */
    {"%1 = get.i64 x0\n%2 = fl_logic %1\nset nzcv, %2\ninsn 4\n%5 = fl_sub %1, %1\nset nzcv, %5\nexit 0\n",
     "%1 = get.i64 x0\ninsn 4\n%5 = fl_sub %1, %1\nset nzcv, %5\nexit 0\n"},
    /* floating point may raise flags */
    {"%1 = get.v128 v0\n%2 = vlow.f64 %1\n%3 = fadd.f64 %2, %2\nexit 0\n",
     "%1 = get.v128 v0\n%2 = vlow.f64 %1\n%3 = fadd.f64 %2, %2\nexit 0\n"},
    /* a pend keeps its value alive */
    {"%1 = get.i64 x0\n%2 = neg.i64 %1\npend x1, %2\n%4 = check.i64 %1, 0, 8 !1\nset x1, %1\nexit 0\n",
     "%1 = get.i64 x0\n%2 = neg.i64 %1\npend x1, %2\n%4 = check.i64 %1, 0, 8 !1\nset x1, %1\nexit 0\n"},
};

START_TEST(test_row) {
    g_autoptr(IrBlock) b = fake_block_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    ck_assert_msg(ir_parse(b, rows[_i].before, &error), "%s", error ? error->message : "");
    ir_opt_dead(b);
    ck_assert_msg(ir_verify(b, &error), "%s", error ? error->message : "");
    ir_print(b, text);
    ck_assert_str_eq(text->str, rows[_i].after);
}
END_TEST

START_TEST(test_results_stay) {
    g_autoptr(IrBlock) plain = fake_block_new();
    g_autoptr(IrBlock) lean = fake_block_new();
    IrInterp *it = ir_interp_new(&fake_mem, fake_helpers, FAKE_HELPERS);
    Env *a = fake_env_new(), *b = fake_env_new();
    for (uint64_t seed = 0; seed < 2000; seed++) {
        ir_block_reset(plain);
        ir_block_reset(lean);
        plain->optimize = lean->optimize = seed & 1;
        random_program(plain, seed, 60);
        random_program(lean, seed, 60);
        ir_opt_dead(lean);
        g_autoptr(GError) error = NULL;
        ck_assert_msg(ir_verify(lean, &error), "seed %u: %s", (unsigned)seed, error ? error->message : "");
        random_state(a, seed);
        random_state(b, seed);
        ir_interp_run(it, plain, a);
        ir_interp_run(it, lean, b);
        ck_assert_msg(memcmp(fake_of(a), fake_of(b), sizeof(Fake)) == 0, "seed %u", (unsigned)seed);
    }
    fake_env_free(a);
    fake_env_free(b);
    ir_interp_free(it);
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/opt_dead");
    TCase *t = tcase_create("opt_dead");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_row, 0, (int)G_N_ELEMENTS(rows));
    tcase_add_test(t, test_results_stay);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
