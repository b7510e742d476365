/* SPDX-License-Identifier: MIT */
/* test_ir_opt_check.c - which checks one check can stand for, and what it then covers. */
#include <check.h>

#include "tests/unit/ir_random.h"

#define LD(id, addend, ea) "%" #id " = ld.i64 %" #addend ", %" #ea " !3\n"

static const struct {
    const char *what, *before, *after;
} rows[] = {
    {"upwards",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !1\n" LD(3, 2, 1) "set x1, %3\ninsn 4\n%6 = const.i64 0x10\n"
     "%7 = add.i64 %1, %6\n%8 = check.i64 %7, 0, 8 !1\n" LD(9, 8, 7) "set x2, %9\nexit 0\n",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 1, 24 !1\n" LD(3, 2, 1) "set x1, %3\ninsn 4\n%6 = const.i64 0x10\n"
     "%7 = add.i64 %1, %6\n" LD(9, 2, 7) "set x2, %9\nexit 0\n"},
    {"downwards, and a load and a store",
     "%1 = get.i64 x0\n%2 = const.i64 0x10\n%3 = add.i64 %1, %2\n%4 = check.i64 %3, 0, 8 !1\n" LD(5, 4, 3)
     "set x1, %5\ninsn 4\n%8 = check.i64 %1, 0, 8 !2\nst %8, %1, %1 !3\nexit 0\n",
     "%1 = get.i64 x0\n%2 = const.i64 0x10\n%3 = add.i64 %1, %2\n%4 = check.i64 %1, 1, 24 !3\n" LD(5, 4, 3)
     "set x1, %5\ninsn 4\nst %4, %1, %1 !3\nexit 0\n"},
    {"another base",
     "%1 = get.i64 x0\n%2 = get.i64 x1\n%3 = check.i64 %1, 0, 8 !1\n%4 = check.i64 %2, 0, 8 !1\nexit 0\n",
     "%1 = get.i64 x0\n%2 = get.i64 x1\n%3 = check.i64 %1, 0, 8 !1\n%4 = check.i64 %2, 0, 8 !1\nexit 0\n"},
    {"too far",
     "%1 = get.i64 x0\n%2 = const.i64 0x100\n%3 = add.i64 %1, %2\n%4 = check.i64 %1, 0, 8 !1\n%5 = check.i64 %3, 0, 8 !1\n"
     "exit 0\n",
     "%1 = get.i64 x0\n%2 = const.i64 0x100\n%3 = add.i64 %1, %2\n%4 = check.i64 %1, 0, 8 !1\n%5 = check.i64 %3, 0, 8 !1\n"
     "exit 0\n"},
    {"unprivileged, aligned, ordered and read-write ones stay as they are",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !5\n%3 = check.i64 %1, 0, 8 !25\n%4 = check.i64 %1, 0, 8 !65\n"
     "%5 = check.i64 %1, 0, 8 !3\n%6 = check.i64 %1, 0, 8 !3\nexit 0\n",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !5\n%3 = check.i64 %1, 0, 8 !25\n%4 = check.i64 %1, 0, 8 !65\n"
     "%5 = check.i64 %1, 0, 8 !3\n%6 = check.i64 %1, 0, 8 !3\nexit 0\n"},
    {"a call ends the life of an addend",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !1\n%3 = call.i64 peek, -\n%4 = check.i64 %1, 0, 8 !1\nexit 0\n",
     "%1 = get.i64 x0\n%2 = check.i64 %1, 0, 8 !1\n%3 = call.i64 peek, -\n%4 = check.i64 %1, 0, 8 !1\nexit 0\n"},
    {"so do the borders of a region",
     "%1 = get.i64 x0\n%2 = get.flags nzcv\nskip_if %2\n%4 = check.i64 %1, 0, 8 !1\nend\n%6 = check.i64 %1, 0, 8 !1\n"
     "exit 0\n",
     "%1 = get.i64 x0\n%2 = get.flags nzcv\nskip_if %2\n%4 = check.i64 %1, 0, 8 !1\nend\n%6 = check.i64 %1, 0, 8 !1\n"
     "exit 0\n"},
};

START_TEST(test_row) {
    g_autoptr(IrBlock) b = fake_block_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    ck_assert_msg(ir_parse(b, rows[_i].before, &error), "%s: %s", rows[_i].what, error ? error->message : "");
    ir_opt_check(b);
    ck_assert_msg(ir_verify(b, &error), "%s: %s", rows[_i].what, error ? error->message : "");
    ir_print(b, text);
    ck_assert_str_eq(text->str, rows[_i].after);
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/opt_check");
    TCase *t = tcase_create("opt_check");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_row, 0, (int)G_N_ELEMENTS(rows));
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
