/* SPDX-License-Identifier: MIT */
/*
 * test_regalloc.c - where values live: pins, slots and their halves, pressure, calls.
 * Each program runs by host code and by the interpreter from several states; both must agree.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/jit/program.h"

#include "tests/jit/harness.c"
#include "tests/jit/program.c"

typedef struct Program {
    const char *name, *text;
} Program;

static const Program programs[] = {
    {"a slot got twice and then set",
     "insn 0 !4\n"
     "%1 = const.i64 0x1e\n"
     "%2 = get.i64 x11\n"
     "%3 = add.i64 %2, %1\n"
     "set x11, %3\n"
     "%4 = get.i64 x11\n"
     "%5 = add.i64 %4, %1\n"
     "set x11, %5\n"
     "%6 = arg %3, -\n"
     "%7 = call.i64 sync, %6\n"
     "set x2, %3\n"
     "jump 4\n"},
    {"a 32-bit slot onto itself",
     "insn 0 !4\n"
     "%1 = get.i32 w0\n"
     "set w0, %1\n"
     "jump 4\n"},
    {"the low half of a slot onto it",
     "insn 0 !4\n"
     "%1 = get.i32 x12\n"
     "set x12, %1\n"
     "%2 = get.i32 x1\n"
     "set x1, %2\n"
     "jump 4\n"},
    {"pins exchanged",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = get.i64 x3\n"
     "set x1, %2\n"
     "set x2, %3\n"
     "set x3, %1\n"
     "%4 = get.v128 v1\n"
     "%5 = get.v128 v2\n"
     "set v1, %5\n"
     "set v2, %4\n"
     "jump 4\n"},
    {"halves of a pin",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i32 x1\n"
     "%3 = sext.i64 %2\n"
     "set x1, %2\n"
     "set x2, %1\n"
     "set x3, %3\n"
     "jump 4\n"},
    {"what leads into a pin stays behind a fault",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i32 w0\n"
     "%3 = add.i64 %1, %1\n"
     "%4 = arg %2, -\n"
     "%5 = call.i32 raise, %4\n"
     "set x1, %3\n"
     "jump 4\n"},
    {"slots in each other",
     "insn 0 !4\n"
     "%1 = get.i64 x9\n"
     "%2 = get.i64 x1\n"
     "set x9, %2\n"
     "set x1, %1\n"
     "%3 = get.i32 b0\n"
     "%4 = get.i32 h0\n"
     "set b0, %4\n"
     "set h0, %3\n"
     "set x5, %3\n"
     "jump 4\n"},
    {"values of a written slot live on",
     "insn 0 !4\n"
     "%1 = get.i64 x9\n"
     "%2 = get.v128 v9\n"
     "%3 = get.flags f1\n"
     "%4 = get.i64 x1\n"
     "%5 = get.i32 x2\n"
     "%6 = arg %5, -\n"
     "%7 = arg %4, %6\n"
     "call poke, %7\n"
     "set x3, %1\n"
     "set v3, %2\n"
     "set f0, %3\n"
     "set x4, %4\n"
     "jump 4\n"},
    {"forty values at once",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = get.i64 x3\n"
     "%4 = get.i64 x4\n"
     "%5 = get.i64 x5\n"
     "%6 = get.i64 x6\n"
     "%7 = get.i64 x7\n"
     "%8 = get.i64 x8\n"
     "%9 = get.i64 x9\n"
     "%10 = get.i64 x10\n"
     "%11 = get.i64 x11\n"
     "%12 = get.i64 x12\n"
     "%13 = get.i64 x13\n"
     "%14 = mul.i64 %1, %4\n"
     "%15 = mul.i64 %2, %9\n"
     "%16 = mul.i64 %3, %1\n"
     "%17 = mul.i64 %4, %6\n"
     "%18 = mul.i64 %5, %11\n"
     "%19 = mul.i64 %6, %3\n"
     "%20 = mul.i64 %7, %8\n"
     "%21 = mul.i64 %8, %13\n"
     "%22 = mul.i64 %9, %5\n"
     "%23 = mul.i64 %10, %10\n"
     "%24 = mul.i64 %11, %2\n"
     "%25 = mul.i64 %12, %7\n"
     "%26 = mul.i64 %13, %12\n"
     "%27 = mul.i64 %1, %4\n"
     "%28 = mul.i64 %2, %9\n"
     "%29 = mul.i64 %3, %1\n"
     "%30 = mul.i64 %4, %6\n"
     "%31 = mul.i64 %5, %11\n"
     "%32 = mul.i64 %6, %3\n"
     "%33 = mul.i64 %7, %8\n"
     "%34 = mul.i64 %8, %13\n"
     "%35 = mul.i64 %9, %5\n"
     "%36 = mul.i64 %10, %10\n"
     "%37 = mul.i64 %11, %2\n"
     "%38 = mul.i64 %12, %7\n"
     "%39 = mul.i64 %13, %12\n"
     "%40 = mul.i64 %1, %4\n"
     "%41 = mul.i64 %2, %9\n"
     "%42 = mul.i64 %3, %1\n"
     "%43 = mul.i64 %4, %6\n"
     "%44 = xor.i64 %14, %15\n"
     "%45 = xor.i64 %44, %16\n"
     "%46 = xor.i64 %45, %17\n"
     "%47 = xor.i64 %46, %18\n"
     "%48 = xor.i64 %47, %19\n"
     "%49 = xor.i64 %48, %20\n"
     "%50 = xor.i64 %49, %21\n"
     "%51 = xor.i64 %50, %22\n"
     "%52 = xor.i64 %51, %23\n"
     "%53 = xor.i64 %52, %24\n"
     "%54 = xor.i64 %53, %25\n"
     "%55 = xor.i64 %54, %26\n"
     "%56 = xor.i64 %55, %27\n"
     "%57 = xor.i64 %56, %28\n"
     "%58 = xor.i64 %57, %29\n"
     "%59 = xor.i64 %58, %30\n"
     "%60 = xor.i64 %59, %31\n"
     "%61 = xor.i64 %60, %32\n"
     "%62 = xor.i64 %61, %33\n"
     "%63 = xor.i64 %62, %34\n"
     "%64 = xor.i64 %63, %35\n"
     "%65 = xor.i64 %64, %36\n"
     "%66 = xor.i64 %65, %37\n"
     "%67 = xor.i64 %66, %38\n"
     "%68 = xor.i64 %67, %39\n"
     "%69 = xor.i64 %68, %40\n"
     "%70 = xor.i64 %69, %41\n"
     "%71 = xor.i64 %70, %42\n"
     "%72 = xor.i64 %71, %43\n"
     "set x1, %72\n"
     "set x9, %21\n"
     "jump 4\n"},
    {"twenty vectors at once",
     "insn 0 !4\n"
     "%1 = get.v128 v0\n"
     "%2 = get.v128 v1\n"
     "%3 = get.v128 v2\n"
     "%4 = get.v128 v3\n"
     "%5 = get.v128 v4\n"
     "%6 = get.v128 v5\n"
     "%7 = get.v128 v6\n"
     "%8 = get.v128 v7\n"
     "%9 = get.v128 v8\n"
     "%10 = get.v128 v9\n"
     "%11 = get.v128 v10\n"
     "%12 = vadd.v128 %1, %2 !2\n"
     "%13 = vadd.v128 %2, %5 !2\n"
     "%14 = vadd.v128 %3, %8 !2\n"
     "%15 = vadd.v128 %4, %11 !2\n"
     "%16 = vadd.v128 %5, %3 !2\n"
     "%17 = vadd.v128 %6, %6 !2\n"
     "%18 = vadd.v128 %7, %9 !2\n"
     "%19 = vadd.v128 %8, %1 !2\n"
     "%20 = vadd.v128 %9, %4 !2\n"
     "%21 = vadd.v128 %10, %7 !2\n"
     "%22 = vadd.v128 %11, %10 !2\n"
     "%23 = vadd.v128 %1, %2 !2\n"
     "%24 = vadd.v128 %2, %5 !2\n"
     "%25 = vadd.v128 %3, %8 !2\n"
     "%26 = vadd.v128 %4, %11 !2\n"
     "%27 = vadd.v128 %5, %3 !2\n"
     "%28 = vadd.v128 %6, %6 !2\n"
     "%29 = vadd.v128 %7, %9 !2\n"
     "%30 = vadd.v128 %8, %1 !2\n"
     "%31 = vadd.v128 %9, %4 !2\n"
     "%32 = vxor.v128 %12, %13\n"
     "%33 = vxor.v128 %32, %14\n"
     "%34 = vxor.v128 %33, %15\n"
     "%35 = vxor.v128 %34, %16\n"
     "%36 = vxor.v128 %35, %17\n"
     "%37 = vxor.v128 %36, %18\n"
     "%38 = vxor.v128 %37, %19\n"
     "%39 = vxor.v128 %38, %20\n"
     "%40 = vxor.v128 %39, %21\n"
     "%41 = vxor.v128 %40, %22\n"
     "%42 = vxor.v128 %41, %23\n"
     "%43 = vxor.v128 %42, %24\n"
     "%44 = vxor.v128 %43, %25\n"
     "%45 = vxor.v128 %44, %26\n"
     "%46 = vxor.v128 %45, %27\n"
     "%47 = vxor.v128 %46, %28\n"
     "%48 = vxor.v128 %47, %29\n"
     "%49 = vxor.v128 %48, %30\n"
     "%50 = vxor.v128 %49, %31\n"
     "set v0, %50\n"
     "set v9, %16\n"
     "jump 4\n"},
};

START_TEST(agrees) {
    const Program *p = &programs[_i];
    JitSide *host = jit_side_new(&made_up, true), *want = jit_side_new(&made_up, false);
    g_autoptr(IrBlock) b = guest_block();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) diff = g_string_new(NULL);
    ck_assert_msg(ir_parse(b, p->text, &error), "%s: %s", p->name, error ? error->message : "");
    ck_assert_msg(ir_verify(b, &error), "%s: %s", p->name, error ? error->message : "");
    for (uint64_t seed = 0; seed < 50; seed++) {
        program_state(want, seed);
        jit_copy(host, want);
        jit_run(want, b);
        jit_run(host, b);
        ck_assert_msg(jit_compiled(host), "%s: given up", p->name);
        ck_assert_msg(jit_compare(host, want, diff), "%s, state %u:\n%s", p->name, (unsigned)seed, diff->str);
    }
    jit_side_free(host);
    jit_side_free(want);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("regalloc");
    TCase *tcase = tcase_create("regalloc");
    tcase_add_loop_test(tcase, agrees, 0, G_N_ELEMENTS(programs));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
