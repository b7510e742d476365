/* SPDX-License-Identifier: MIT */
/*
 * oracle.c - runs insns for real: an AArch64 Linux program that reads cases from its input, executes each, and writes
 * what the registers then hold. Build: aarch64-linux-gnu-gcc -O2 -static -I<root> oracle.c
 * Missing: insns that access memory, branch, or touch registers beyond X15.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "tests/insn/aarch64/case.h"

void oracle_run(InsnCase *c, const void *code);

__asm__(".text\n"
        ".macro each op, lo, hi, next:vararg\n"
        "\\op q\\lo, q\\hi, [x17], #32\n"
        ".ifnb \\next\n each \\op, \\next\n .endif\n"
        ".endm\n"
        ".macro general op, lo, hi, next:vararg\n"
        "\\op x\\lo, x\\hi, [x19, #16 + 8 * \\lo]\n"
        ".ifnb \\next\n general \\op, \\next\n .endif\n"
        ".endm\n"
        "oracle_run:\n"
        "stp x29, x30, [sp, #-112]!\n stp x19, x20, [sp, #16]\n"
        "stp d8, d9, [sp, #32]\n stp d10, d11, [sp, #48]\n stp d12, d13, [sp, #64]\n stp d14, d15, [sp, #80]\n"
        "mov x19, x0\n mov x20, x1\n add x17, x19, #144\n"
        "each ldp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldp w2, w3, [x19, #4]\n ldr w4, [x19, #12]\n msr fpcr, x2\n msr fpsr, x3\n msr nzcv, x4\n"
        "general ldp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "blr x20\n"
        "general stp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "mrs x2, fpsr\n str w2, [x19, #8]\n mrs x2, nzcv\n str w2, [x19, #12]\n msr fpcr, xzr\n add x17, x19, #144\n"
        "each stp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldp x19, x20, [sp, #16]\n ldp d8, d9, [sp, #32]\n ldp d10, d11, [sp, #48]\n"
        "ldp d12, d13, [sp, #64]\n ldp d14, d15, [sp, #80]\n ldp x29, x30, [sp], #112\n ret\n");

int main(void) {
    enum { RET = 0xd65f03c0, PAGE = 4096 };
    InsnCase c;
    int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;
    uint32_t *code = mmap(NULL, PAGE, rwx, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        return 1;
    }
    while (fread(&c, sizeof(c), 1, stdin) == 1) {
        code[0] = c.insn;
        code[1] = RET;
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        oracle_run(&c, code);
        if (fwrite(&c, sizeof(c), 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
