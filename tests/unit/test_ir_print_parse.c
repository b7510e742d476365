/* SPDX-License-Identifier: MIT */
/* test_ir_print_parse.c - every op survives printing and parsing; mistakes are named with their line. */
#include <check.h>

#include "tests/unit/ir_random.h"

static void check_round_trip(const IrBlock *b) {
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    g_autoptr(IrBlock) again = fake_block_new();
    g_autoptr(GError) error = NULL;
    ir_print(b, first);
    ck_assert_msg(ir_parse(again, first->str, &error), "%s\n%s", error ? error->message : "", first->str);
    ir_print(again, second);
    ck_assert_str_eq(first->str, second->str);
    ck_assert_uint_eq(b->count, again->count);
    ck_assert(memcmp(b->nodes, again->nodes, b->count * sizeof(IrNode)) == 0);
}

/* A value of the type that a letter of ops.def asks for. */
static uint32_t value_for(IrBlock *b, char letter) {
    uint32_t v = ir_get(b, S_V0, IR_V128), x = ir_get(b, S_X0, IR_I64);
    switch (letter) {
    case 'w':
        return ir_get(b, S_W0, IR_I32);
    case 'F':
        return ir_get(b, S_NZCV, IR_FLAGS);
    case 'p':
    case 'P':
        return ir_append(b, IR_vlow, IR_F64, 0, v, 0, 0);
    case 'V':
        return v;
    case 'A':
        return ir_append(b, IR_pair, IR_VOID, 0, x, x, 0);
    default:
        return x;
    }
}

static IrType type_for(char letter) {
    switch (letter) {
    case '-':
        return IR_VOID;
    case 'w':
        return IR_I32;
    case 'F':
        return IR_FLAGS;
    case 'p':
        return IR_F64;
    case 'V':
        return IR_V128;
    default:
        return IR_I64;
    }
}

START_TEST(test_every_op) {
    g_autoptr(IrBlock) b = fake_block_new();
    const IrOpInfo *info = &ir_ops[_i];
    if (_i == IR_nop || _i == IR_arg) {
        return;
    }
    uint32_t arg[3] = {0, 0, 0};
    for (int k = 0; k < 3 && info->operands[k]; k++) {
        char c = info->operands[k];
        arg[k] = c == 's' ? S_X7 : c == 'h' ? H_PEEK : c == 'i' ? (uint32_t)-5 : value_for(b, c);
    }
    ir_append(b, (IrOp)_i, type_for(info->result), 0x2a, arg[0], arg[1], arg[2]);
    check_round_trip(b);
}
END_TEST

START_TEST(test_random_programs) {
    g_autoptr(IrBlock) b = fake_block_new();
    for (uint64_t seed = 0; seed < 200; seed++) {
        ir_block_reset(b);
        b->optimize = seed & 1;
        random_program(b, seed, 40);
        check_round_trip(b);
    }
}
END_TEST

START_TEST(test_removed_nodes_keep_ids) {
    g_autoptr(IrBlock) b = fake_block_new();
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    random_program(b, 7, 60);
    ir_opt_dead(b);
    ir_print(b, first);
    g_autoptr(IrBlock) again = fake_block_new();
    ck_assert(ir_parse(again, first->str, NULL));
    ir_print(again, second);
    ck_assert_str_eq(first->str, second->str);
}
END_TEST

START_TEST(test_text) {
    g_autoptr(IrBlock) b = fake_block_new();
    g_autoptr(GString) out = g_string_new(NULL);
    const char *text = "  insn 16 !4 ; a comment\n\n%7=get.i64 x1\n%9 = fl_sub %7,%7\nbranch %9, 0x40, -8 !1";
    ck_assert(ir_parse(b, text, NULL));
    ir_print(b, out);
    ck_assert_str_eq(out->str, "insn 16 !4\n%7 = get.i64 x1\n%9 = fl_sub %7, %7\nbranch %9, 64, -8 !1\n");
    ck_assert_uint_eq(b->nodes[9].aux, IR_AUX_WIDE);
}
END_TEST

static const struct {
    const char *text, *error;
} mistakes[] = {
    {"exit 0\nfrob 1\n", "line 2: no op is called 'frob'"},
    {"%1 = get.i63 x0\n", "line 1: no type is called 'i63'"},
    {"%1 = get.i64 y0\n", "line 1: no slot is called 'y0'"},
    {"call frob, -\n", "line 1: no helper is called 'frob'"},
    {"\n\n%1 = neg.i64 %2\n", "line 3: %2 is not defined"},
    {"%1 = get.i64 x0\n%1 = get.i64 x0\n", "line 2: %1 is defined a second time"},
    {"%1 = get.i64 x0\n%2 = add.i64 %1\n", "line 2: add has 2 operands"},
    {"%1 = get.i64 x0 x1\n", "line 1: unexpected 'x1'"},
    {"%1 get.i64 x0\n", "line 1: expected '='"},
    {"exit 0 !256\n", "line 1: aux is at most 255"},
    {"exit 0x100000000\n", "line 1: the immediate does not fit"},
    {"exit -\n", "line 1: expected a number"},
    {"%1 = const.i64 0x10000000000000000\n", "line 1: the number does not fit"},
    {"%1 = get.i64 x0\nset x1, 5\n", "line 2: expected a value"},
};

START_TEST(test_mistake) {
    g_autoptr(IrBlock) b = fake_block_new();
    g_autoptr(GError) error = NULL;
    ck_assert(!ir_parse(b, mistakes[_i].text, &error));
    ck_assert_msg(strstr(error->message, mistakes[_i].error) == error->message, "%s", error->message);
}
END_TEST

int main(void) {
    Suite *s = suite_create("ir/print, ir/parse");
    TCase *t = tcase_create("text");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_every_op, 1, IR_OPS);
    tcase_add_test(t, test_random_programs);
    tcase_add_test(t, test_removed_nodes_keep_ids);
    tcase_add_test(t, test_text);
    tcase_add_loop_test(t, test_mistake, 0, (int)G_N_ELEMENTS(mistakes));
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
