/* SPDX-License-Identifier: MIT */
/*
 * test_lower.c - what is compiled by more than one node: flags, regions, memory, constants.
 * Each program runs by host code and by the interpreter from several states; both must agree.
 */
#include "tests/unit/agree.h"

static const Program programs[] = {
    {"flags used in C alone",
     "insn 0 !4\n"
     "%1 = get.i64 x0\n"
     "%2 = fl_logic %1\n"
     "%3 = nzcv_of.i32 %2\n"
     "set w0, %3\n"
     "jump 4\n"},
    {"flags used on both sides of a region",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = fl_sub %1, %2\n"
     "skip_if %3 !8\n"
     "set x3, %1\n"
     "end\n"
     "%4 = cset.i64 %3 !9\n"
     "set x4, %4\n"
     "branch %3, 64, 128 !2\n"},
    {"regions in a region",
     "insn 0 !4\n"
     "%1 = get.flags f0\n"
     "%2 = get.flags f1\n"
     "%3 = get.i64 x1\n"
     "skip_if %1 !0\n"
     "set x2, %3\n"
     "skip_if %2 !2\n"
     "set x3, %3\n"
     "end\n"
     "set x9, %3\n"
     "end\n"
     "set x4, %3\n"
     "jump 4\n"},
    {"big-endian store between comparison and use",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = const.i64 0x5100\n"
     "%4 = check.i64 %3, 0, 2 !2\n"
     "%5 = fl_sub %1, %2\n"
     "st %4, %3, %1 !17\n"
     "set f1, %5\n"
     "jump 4\n"},
    {"big-endian load between comparison and use",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = const.i64 0x5100\n"
     "%4 = check.i64 %3, 0, 2 !1\n"
     "%5 = fl_sub %1, %2\n"
     "%6 = ld.i64 %4, %3 !17\n"
     "set f1, %5\n"
     "set x3, %6\n"
     "jump 4\n"},
    {"big-endian byte of a constant",
     "insn 0 !4\n"
     "%1 = const.i64 0x5101\n"
     "%2 = const.i32 0xa4\n"
     "%3 = check.i64 %1, 0, 1 !2\n"
     "st %3, %1, %2 !16\n"
     "jump 4\n"},
    {"the same flags twice",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = add.i64 %1, %2\n"
     "%4 = fl_add %1, %2\n"
     "%5 = fl_add %1, %2\n"
     "set f0, %5\n"
     "set x3, %3\n"
     "branch %4, 64, 128 !10\n"},
    {"a flags slot into another and back",
     "insn 0 !4\n"
     "%1 = get.flags f0\n"
     "set f1, %1\n"
     "set f0, %1\n"
     "jump 1536\n"},
    {"a mask tested late",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = and.i64 %1, %2\n"
     "%4 = get.v128 v0\n"
     "%5 = vmull.v128 %4, %4 !1\n"
     "set v0, %5\n"
     "%6 = fl_logic %3\n"
     "branch %6, 64, 128\n"},
    {"constant flags as a carry",
     "insn 0 !4\n"
     "%1 = const.i32 0x20000000\n"
     "%2 = fl_nzcv %1\n"
     "%3 = get.i64 x1\n"
     "%4 = get.i64 x2\n"
     "%5 = adc.i64 %3, %4, %2\n"
     "%6 = sbc.i64 %3, %4, %2\n"
     "set x1, %5\n"
     "set x10, %6\n"
     "jump 4\n"},
    {"constant flags in a region and behind it",
     "insn 0 !4\n"
     "%1 = const.i32 0x20000000\n"
     "%2 = fl_nzcv %1\n"
     "%3 = get.flags f0\n"
     "%4 = get.i64 x1\n"
     "skip_if %3 !0\n"
     "%5 = adc.i64 %4, %4, %2\n"
     "set x2, %5\n"
     "end\n"
     "%6 = adc.i64 %4, %4, %2\n"
     "set x3, %6\n"
     "jump 4\n"},
    {"a big constant in a region and behind it",
     "insn 0 !4\n"
     "%1 = const.i64 0xb6c8c8a38be2f8fd\n"
     "%2 = get.flags f0\n"
     "skip_if %2 !0\n"
     "set x9, %1\n"
     "end\n"
     "%3 = get.i64 x1\n"
     "%4 = mul.i64 %3, %1\n"
     "set x2, %4\n"
     "jump 4\n"},
    {"carry chains",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "%2 = get.i64 x2\n"
     "%3 = add.i64 %1, %2\n"
     "%4 = fl_add %1, %2\n"
     "%5 = adc.i64 %2, %1, %4\n"
     "%6 = fl_adc %2, %1, %4\n"
     "%7 = sbc.i64 %3, %5, %6\n"
     "%8 = fl_sbc %3, %5, %6\n"
     "set x3, %7\n"
     "set f0, %8\n"
     "branch %8, 64, 128 !9\n"},
    /* x1 points anywhere, or the check is of a page that faults: what the pends say must be in place then */
    {"pends of a register, a constant, another slot, a vector",
     "insn 0 !4\n"
     "%1 = get.i64 x2\n"
     "%2 = const.i64 0x123456789abc\n"
     "%3 = get.i64 x10\n"
     "%4 = get.v128 v9\n"
     "%5 = add.i64 %1, %3\n"
     "pend x9, %5\n"
     "pend x11, %2\n"
     "pend x12, %3\n"
     "pend v8, %4\n"
     "pend x13, %1\n"
     "insn 4 !4\n"
     "%6 = get.i64 x1\n"
     "%7 = check.i64 %6, 0, 8 !1\n"
     "%8 = ld.i64 %7, %6 !3\n"
     "set x9, %8\n"
     "set x11, %8\n"
     "set x12, %8\n"
     "set x13, %8\n"
     "set v8, %4\n"
     "jump 8\n"},
    {"a pend whose value has to leave its register",
     "insn 0 !4\n"
     "%1 = get.i64 x9\n"
     "%2 = neg.i64 %1\n"
     "pend x10, %2\n"
     "%3 = mul.i64 %2, %1\n"
     "%4 = mul.i64 %3, %2\n"
     "%5 = mul.i64 %4, %3\n"
     "%6 = mul.i64 %5, %4\n"
     "%7 = mul.i64 %6, %5\n"
     "insn 4 !4\n"
     "%8 = get.i64 x1\n"
     "%9 = check.i64 %8, 0, 8 !1\n"
     "%10 = ld.i64 %9, %8 !3\n"
     "%11 = xor.i64 %3, %4\n"
     "%12 = xor.i64 %5, %6\n"
     "%13 = xor.i64 %11, %12\n"
     "%14 = xor.i64 %13, %7\n"
     "%15 = xor.i64 %14, %10\n"
     "set x10, %15\n"
     "jump 8\n"},
    {"a slot that gave its old value, pended twice",
     "insn 0 !4\n"
     "%1 = get.i64 x9\n"
     "%2 = get.i64 x1\n"
     "pend x9, %2\n"
     "insn 4 !4\n"
     "%6 = check.i64 %2, 0, 1 !1\n"
     "%7 = ld.i32 %6, %2 !0\n"
     "set w0, %7\n"
     "pend x9, %1\n"
     "insn 8 !4\n"
     "%8 = check.i64 %2, 0, 8 !1\n"
     "%9 = ld.i64 %8, %2 !3\n"
     "%10 = add.i64 %9, %1\n"
     "set x9, %10\n"
     "jump 12\n"},
    {"jumps out of the page",
     "insn 0 !4\n"
     "%1 = get.i64 x1\n"
     "set x2, %1\n"
     "indirect %1\n"},
};

START_TEST(agrees) {
    agrees_on(&programs[_i]);
}
END_TEST

int main(void) {
    return agree_main("lower", agrees, G_N_ELEMENTS(programs));
}
