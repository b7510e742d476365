/* SPDX-License-Identifier: MIT */
/*
 * agree.h - runs a table of programs by host code and by the interpreter from several states; both must agree.
 * For tests that hold nothing but such a table.
 */
#ifndef TESTS_UNIT_AGREE_H
#define TESTS_UNIT_AGREE_H

#include <check.h>
#include <stdlib.h>

#include "tests/jit/program.h"

#include "tests/jit/harness.c"
#include "tests/jit/program.c"

typedef struct Program {
    const char *name, *text; /* text as ir_parse() takes it */
} Program;

#define AGREE_STATES 50 /* states each program starts from */

static void agrees_on(const Program *p) {
    JitSide *host = jit_side_new(&made_up, true), *want = jit_side_new(&made_up, false);
    g_autoptr(IrBlock) b = guest_block();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) diff = g_string_new(NULL);
    ck_assert_msg(ir_parse(b, p->text, &error), "%s: %s", p->name, error ? error->message : "");
    ck_assert_msg(ir_verify(b, &error), "%s: %s", p->name, error ? error->message : "");
    for (uint64_t seed = 0; seed < AGREE_STATES; seed++) {
        program_state(want, seed);
        jit_copy(host, want);
        jit_run(want, b);
        jit_own_pins(host, seed & 1);
        jit_run(host, b);
        ck_assert_msg(jit_compiled(host), "%s: given up", p->name);
        ck_assert_msg(jit_compare(host, want, diff), "%s, state %u:\n%s", p->name, (unsigned)seed, diff->str);
    }
    jit_side_free(host);
    jit_side_free(want);
}

/* The test program: one test for each row. Returns the exit status. */
static int agree_main(const char *name, const TTest *each, int rows) {
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, each, 0, rows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
