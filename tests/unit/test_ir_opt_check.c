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

/* A check of 8 bytes, in a new round or not, off a slot that has been moved. */
static uint32_t check_moved(IrBlock *b, bool next_round, uint32_t base, int64_t by) {
    if (next_round) {
        ir_new_round(b);
    }
    if (by) {
        ir_set(b, base, ir_add_const(b, ir_get(b, base, IR_I64), by));
    }
    return ir_check(b, IR_CHECK_R, ir_get(b, base, IR_I64), 8);
}

/* From round to round a base moves by constants; what is not known to do so is another base. */
START_TEST(test_rounds) {
    g_autoptr(IrBlock) b = fake_block_new();
    b->merges = b->rounds = true;
    uint32_t first = check_moved(b, false, 0, 0);
    ck_assert_uint_eq(check_moved(b, true, 0, 16), first);
    ck_assert_uint_eq(check_moved(b, true, 0, 0), first);
    uint32_t got = ir_get(b, 0, IR_I64);
    ck_assert_uint_ne(got, ir_get(b, 1, IR_I64));
    ck_assert_uint_eq(b->nodes[got].op, IR_get); /* nothing of an earlier round is used */
    ck_assert_uint_gt(got, first);
    ck_assert_uint_eq(check_moved(b, true, 0, -24), first);
    ck_assert_int_eq(IR_CHECK_LOW(b->nodes[first].b), -8);
    ck_assert_uint_eq(b->nodes[first].c, 32);
    uint32_t far = check_moved(b, true, 0, 400);
    ck_assert_uint_ne(far, first);
    ck_assert_uint_eq(check_moved(b, true, 0, 8), far); /* whose address is its own, not the first round's */
    ck_assert_int_eq(IR_CHECK_LOW(b->nodes[far].b), 0);
    ck_assert_uint_ne(b->nodes[far].a, b->nodes[first].a);
    ir_new_round(b);
    ir_set(b, 0, ir_get(b, 1, IR_I64));
    uint32_t other = check_moved(b, true, 0, 0);
    ck_assert_uint_ne(other, far);
    ir_new_round(b);
    ir_new_generation(b); /* a call may have written it */
    ck_assert_uint_ne(check_moved(b, true, 0, 8), other);
}
END_TEST

/* check of base + (index << shift) */
static uint32_t check_indexed(IrBlock *b, unsigned shift) {
    uint32_t index = ir_get(b, 1, IR_I64);
    index = shift ? ir_emit(b, IR_shl, IR_I64, 0, index, ir_const(b, IR_I64, shift), 0) : index;
    return ir_check(b, IR_CHECK_R, ir_emit(b, IR_add, IR_I64, 0, ir_get(b, 0, IR_I64), index, 0), 8);
}

START_TEST(test_indexed_rounds) {
    static const unsigned shifts[] = {0, 3};
    for (unsigned k = 0; k < G_N_ELEMENTS(shifts); k++) {
        g_autoptr(IrBlock) b = fake_block_new();
        b->merges = b->rounds = true;
        uint32_t first = check_indexed(b, shifts[k]);
        ir_set(b, 1, ir_add_const(b, ir_get(b, 1, IR_I64), 2));
        ir_new_round(b);
        ck_assert_uint_eq(check_indexed(b, shifts[k]), first);
        ck_assert_uint_eq(b->nodes[first].c, 8 + (2 << shifts[k]));
        ir_set(b, 0, ir_add_const(b, ir_get(b, 0, IR_I64), -2));
        ir_new_round(b);
        ck_assert_uint_eq(check_indexed(b, shifts[k]), first);
        ck_assert_uint_ne(check_indexed(b, shifts[k] ^ 1), first);
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/opt_check");
    TCase *t = tcase_create("opt_check");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_row, 0, (int)G_N_ELEMENTS(rows));
    tcase_add_test(t, test_rounds);
    tcase_add_test(t, test_indexed_rounds);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
