/* SPDX-License-Identifier: MIT */
/*
 * base_oracle.c - runs cases of the base table for real: an AArch64 Linux program that reads cases from its input and
 * writes what the registers then hold. All registers belong to the case: what must survive stands in memory, and the
 * way out borrows TPIDR_EL0 to hold X0. Build: aarch64-linux-gnu-gcc -O1 -static -I<root> base_oracle.c
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/insn/aarch64/base_case.h"

BaseCase *base_current;
uint64_t base_saved[32];
extern uint32_t base_slot[];
void base_run(void);

/* Offsets of x, sp, nzcv, taken, v in BaseCase */
__asm__(".equ X, 32\n .equ SP, 280\n .equ NZCV, 288\n .equ TAKEN, 296\n .equ V, 304\n"
        ".macro pairs op, lo, hi, next:vararg\n"
        "\\op x\\lo, x\\hi, [x0, #X + 8 * \\lo]\n .ifnb \\next\n pairs \\op, \\next\n .endif\n .endm\n"
        ".macro vectors op, lo, hi, next:vararg\n"
        "\\op q\\lo, q\\hi, [x1], #32\n .ifnb \\next\n vectors \\op, \\next\n .endif\n .endm\n"
        ".macro current\n ldr x0, =base_current\n ldr x0, [x0]\n .endm\n"
        ".text\n .globl base_run\n .globl base_slot\n"
        "base_run:\n"
        "ldr x0, =base_saved\n"
        "stp x19, x20, [x0]\n stp x21, x22, [x0, #16]\n stp x23, x24, [x0, #32]\n stp x25, x26, [x0, #48]\n"
        "stp x27, x28, [x0, #64]\n stp x29, x30, [x0, #80]\n mov x1, sp\n mrs x2, tpidr_el0\n stp x1, x2, [x0, #96]\n"
        "stp d8, d9, [x0, #112]\n stp d10, d11, [x0, #128]\n stp d12, d13, [x0, #144]\n stp d14, d15, [x0, #160]\n"
        "current\n add x1, x0, #V\n"
        "vectors ldp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldr x1, [x0, #SP]\n mov sp, x1\n ldr x1, [x0, #NZCV]\n msr nzcv, x1\n ldr x30, [x0, #X + 240]\n"
        "pairs ldp, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n"
        "ldp x0, x1, [x0, #X]\n clrex\n b base_slot\n .ltorg\n"
        ".balign 4096\n"
        "base_slot: nop\n nop\n nop\n nop\n b base_leave0\n b base_leave1\n"
        ".balign 4096\n"
        ".macro leave taken\n"
        "msr tpidr_el0, x0\n current\n str x30, [x0, #X + 240]\n str x1, [x0, #X + 8]\n"
        "pairs stp, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29\n"
        "mrs x1, tpidr_el0\n str x1, [x0, #X]\n mov x1, sp\n str x1, [x0, #SP]\n mrs x1, nzcv\n str x1, [x0, #NZCV]\n"
        "mov x1, #\\taken\n str x1, [x0, #TAKEN]\n add x1, x0, #V\n"
        "vectors stp, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldr x0, =base_saved\n"
        "ldp x19, x20, [x0]\n ldp x21, x22, [x0, #16]\n ldp x23, x24, [x0, #32]\n ldp x25, x26, [x0, #48]\n"
        "ldp x27, x28, [x0, #64]\n ldp x29, x30, [x0, #80]\n ldp x1, x2, [x0, #96]\n mov sp, x1\n msr tpidr_el0, x2\n"
        "ldp d8, d9, [x0, #112]\n ldp d10, d11, [x0, #128]\n ldp d12, d13, [x0, #144]\n ldp d14, d15, [x0, #160]\n"
        "ret\n .ltorg\n .endm\n"
        "base_leave0: leave 0\n"
        "base_leave1: leave 1\n");

int main(void) {
    enum { NOP = 0xd503201f };
    int rw = PROT_READ | PROT_WRITE, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    uint64_t *window = mmap((void *)(uintptr_t)BASE_ADDRESS, BASE_WINDOW, rw, how, -1, 0);
    if (window == MAP_FAILED || mprotect(base_slot, 4096, rw | PROT_EXEC) != 0) {
        return 1;
    }
    static BaseCase c;
    base_current = &c;
    while (fread(&c, sizeof(c), 1, stdin) == 1) {
        base_fill(window, c.seed);
        for (unsigned i = 0; i < BASE_INSNS; i++) {
            base_slot[i] = i < c.count ? c.insn[i] : NOP;
        }
        __builtin___clear_cache((char *)base_slot, (char *)(base_slot + 6));
        base_run();
        c.memory = base_hash(window);
        if (fwrite(&c, sizeof(c), 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
