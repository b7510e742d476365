/* SPDX-License-Identifier: MIT */
/*
 * test_pins.c - what a block that chooses its pins chooses: x0 to x8 and v0 to v7 of the made-up guest have one everywhere.
 */
#include <check.h>
#include <stdlib.h>

#include "tcg/pins.h"
#include "tests/jit/guest.h"

#define LOOP_X9 "insn 64 !4\n%1 = get.i64 x9\n%2 = add.i64 %1, %1\nset x9, %2\n"

/* What is chosen, as `slot-instead-of`, with ! where the block changes it; "": nothing. */
static const struct {
    const char *text, *pays, *always;
} rows[] = {
    /* what has a pin keeps it */
    {"insn 64 !4\n%1 = get.i64 x0\nset x1, %1\njump 64\n", "", ""},
    /* in a loop a slot that is read and written pays; elsewhere it does not, nor does one use */
    {LOOP_X9 "jump 64\n", "x9!-x0", "x9!-x0"},
    {LOOP_X9 "%3 = fl_sub %1, %2\nbranch %3, 68, 64 !1\n", "x9!-x0", "x9!-x0"},
    {LOOP_X9 "%3 = fl_sub %1, %2\nleave_if %3, 64 !1\njump 68\n", "", "x9!-x0"},
    {LOOP_X9 "jump 68\n", "", "x9!-x0"},
    {"insn 64 !4\n%1 = get.i64 x9\nset x0, %1\njump 64\n", "", "x9-x1"},
    /* not with a call of C in every round */
    {LOOP_X9 "%3 = arg %1, -\n%4 = call.i64 sync, %3\njump 64\n", "", "x9!-x0"},
    /* what is used more gets the pin of what is used less, and what is used least none */
    {"insn 64 !4\n%1 = get.i64 x9\n%2 = get.i64 x10\n%3 = add.i64 %2, %2\n%4 = add.i64 %3, %1\n%5 = add.i64 %4, %3\n"
     "set x10, %5\nset x0, %5\nset x1, %5\nset x2, %5\nset x3, %5\nset x4, %5\nset x5, %5\nset x6, %5\nset x7, %5\n"
     "%14 = get.i64 x8\nset x7, %14\njump 64\n", "x10!-x8", "x10!-x8"},
    /* vectors have pins of their own; narrow slots none */
    {"insn 64 !4\n%1 = get.v128 v9\nset v9, %1\n%3 = get.i32 w0\nset w1, %3\njump 64\n", "v9!-v0", "v9!-v0"},
    /* a set in vain is none, but the register has to be stored all the same */
    {"insn 64 !4\n%1 = get.i64 x9\n%2 = add.i64 %1, %1\n%3 = add.i64 %2, %1\n%4 = add.i64 %3, %1\nset x9, %2\nset x9, %4\n"
     "jump 64\n", "x9!-x0", "x9!-x0"},
};

static const char *slot_at(int32_t disp) {
    for (unsigned i = 0; i < made_up.slot_count; i++) {
        if ((int32_t)made_up.slots[i].offset == disp) {
            return made_up.slots[i].name;
        }
    }
    return "?";
}

static char *chosen(const IrBlock *b, bool always) {
    const Backend *be = backend_x86_64_best();
    uint8_t standard[IR_PINS_MAX];
    PinMap map;
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < made_up.slot_count; i++) {
        const IrSlot *s = &made_up.slots[i];
        bool vec = s->type == IR_V128, has = s->rank && (vec || s->type == IR_I64);
        standard[i] = has ? (vec ? be->vpins : be->pins)[s->rank - 1] : IR_NO_PIN;
    }
    pins_choose(&map, be, standard, b, 64, always);
    for (unsigned k = 0; k < map.moved.count; k++) {
        const HostPin *p = &map.moved.pin[k];
        g_string_append_printf(out, "%s%s%s-%s", k ? " " : "", slot_at(p->own.disp), p->changes ? "!" : "", slot_at(p->other.disp));
    }
    for (unsigned i = 0; i < made_up.slot_count; i++) { /* no register twice */
        for (unsigned j = 0; j < i; j++) {
            ck_assert(map.of[i] == IR_NO_PIN || map.of[i] != map.of[j]);
        }
    }
    return g_string_free(out, FALSE);
}

START_TEST(test_row) {
    g_autoptr(IrBlock) b = guest_block();
    g_autoptr(GError) error = NULL;
    ck_assert_msg(ir_parse(b, rows[_i].text, &error), "%s", error ? error->message : "");
    g_autofree char *pays = chosen(b, false), *always = chosen(b, true);
    ck_assert_str_eq(pays, rows[_i].pays);
    ck_assert_str_eq(always, rows[_i].always);
}
END_TEST

int main(void) {
    Suite *s = suite_create("pins");
    TCase *t = tcase_create("pins");
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, test_row, 0, (int)G_N_ELEMENTS(rows));
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
