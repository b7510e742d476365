/* SPDX-License-Identifier: MIT */
/* start.S - entry and vectors of guest.c: a synchronous exception is counted, and its insn skipped. */
    .text
    .global _start
_start:
    adr x0, vectors
    msr vbar_el1, x0
    mov x0, #3 << 20
    msr cpacr_el1, x0
    isb
    adr x0, stack_top
    mov sp, x0
    mov x29, #0
    mov x30, #0
    bl guest_main
    b .

    .balign 2048
    .global vectors
vectors:
    .skip 0x200
    .global sync_vector
sync_vector:
    sub sp, sp, #16
    str x30, [sp]
    bl faulted
    mrs x9, elr_el1
    add x9, x9, #4
    msr elr_el1, x9
    ldr x30, [sp]
    add sp, sp, #16
    eret
    .balign 2048

    .bss
    .balign 16
    .skip 4096
stack_top:
