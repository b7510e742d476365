/* SPDX-License-Identifier: MIT */
/*
 * start.S - entry, vectors and the two ways to run code that may trap.
 *
 * Every exception is taken down in `trap` and ends the innermost run_el1() or run_el0() as if it had returned; without
 * one it ends the program.
 */
    .section .start, "ax"
    .globl _start
_start:
    adrp    x1, stack_top
    add     x1, x1, :lo12:stack_top
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    bl      guest_main
    bl      guest_exit
1:  b       1b

    .macro VECTOR number
    .balign 0x80
    msr     tpidr_el1, x0
    adrp    x0, trap
    add     x0, x0, :lo12:trap
    stp     x1, x2, [x0, #8]
    mov     w1, #\number
    b       take_down
    .endm

    .text
    .balign 0x800
    .globl vectors
vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    VECTOR  \n
    .endr

take_down:
    stp     x3, x4, [x0, #24]
    stp     x5, x6, [x0, #40]
    stp     x7, x8, [x0, #56]
    stp     x9, x10, [x0, #72]
    stp     x11, x12, [x0, #88]
    stp     x13, x14, [x0, #104]
    stp     x15, x16, [x0, #120]
    stp     x17, x18, [x0, #136]
    stp     x19, x20, [x0, #152]
    stp     x21, x22, [x0, #168]
    stp     x23, x24, [x0, #184]
    stp     x25, x26, [x0, #200]
    stp     x27, x28, [x0, #216]
    stp     x29, x30, [x0, #232]
    mrs     x2, tpidr_el1
    str     x2, [x0]
    mov     x2, sp
    mrs     x3, sp_el0
    stp     x2, x3, [x0, #248]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [x0, #264]
    mrs     x2, esr_el1
    mrs     x3, far_el1
    stp     x2, x3, [x0, #280]
    str     x1, [x0, #296]
    ldr     x2, [x0, #304]
    cbz     x2, unexpected
    add     x3, x0, #312
    b       resume

unexpected:
    adrp    x1, stack_top
    add     x1, x1, :lo12:stack_top
    mov     sp, x1
    bl      guest_unexpected
1:  b       1b

/* x3: the context. Returns to who called run_el1() or run_el0(). */
resume:
    str     xzr, [x0, #304]
    ldp     x19, x20, [x3]
    ldp     x21, x22, [x3, #16]
    ldp     x23, x24, [x3, #32]
    ldp     x25, x26, [x3, #48]
    ldp     x27, x28, [x3, #64]
    ldp     x29, x30, [x3, #80]
    ldr     x4, [x3, #96]
    mov     sp, x4
    ret

/* x9: the trap record. */
    .macro KEEP
    adrp    x9, trap
    add     x9, x9, :lo12:trap
    stp     x19, x20, [x9, #312]
    stp     x21, x22, [x9, #328]
    stp     x23, x24, [x9, #344]
    stp     x25, x26, [x9, #360]
    stp     x27, x28, [x9, #376]
    stp     x29, x30, [x9, #392]
    mov     x10, sp
    str     x10, [x9, #408]
    mov     x10, #1
    str     x10, [x9, #304]
    mov     x10, #-1
    str     x10, [x9, #296]
    msr     esr_el1, xzr
    msr     far_el1, x10
    .endm

/* Trap *run_el1(code, a, b, c): calls code(a, b, c) at EL1. Without an exception trap.vector stays -1. */
    .globl run_el1
run_el1:
    KEEP
    mov     x16, x0
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    blr     x16
    adrp    x9, trap
    add     x9, x9, :lo12:trap
    stp     x0, x1, [x9]
    stp     x2, x3, [x9, #16]
    stp     x4, x5, [x9, #32]
    mov     x0, x9
    add     x3, x9, #312
    b       resume

/* Trap *run_el0(code, a, b, c): runs code(a, b, c) at EL0 until an exception. */
    .globl run_el0
run_el0:
    mov     x11, #0x3c0
/* x11: the SPSR. */
go:
    KEEP
    adrp    x10, user_stack_top
    add     x10, x10, :lo12:user_stack_top
    msr     sp_el0, x10
    msr     spsr_el1, x11
    msr     elr_el1, x0
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    eret

/* Trap *run_with(spsr, code, a, b): ERET to code(a, b) with this SPSR. */
    .globl run_with
run_with:
    mov     x11, x0
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    b       go

/* void run_again(void): ERET to EL0 with every general register, SP_EL0, ELR and SPSR from the trap record. */
    .globl run_again
run_again:
    KEEP
    mov     x0, x9
    ldr     x1, [x0, #256]
    msr     sp_el0, x1
    ldp     x1, x2, [x0, #264]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    ldp     x1, x2, [x0, #8]
    ldp     x3, x4, [x0, #24]
    ldp     x5, x6, [x0, #40]
    ldp     x7, x8, [x0, #56]
    ldp     x9, x10, [x0, #72]
    ldp     x11, x12, [x0, #88]
    ldp     x13, x14, [x0, #104]
    ldp     x15, x16, [x0, #120]
    ldp     x17, x18, [x0, #136]
    ldp     x19, x20, [x0, #152]
    ldp     x21, x22, [x0, #168]
    ldp     x23, x24, [x0, #184]
    ldp     x25, x26, [x0, #200]
    ldp     x27, x28, [x0, #216]
    ldp     x29, x30, [x0, #232]
    ldr     x0, [x0]
    eret

    .bss
    .balign 16
    .skip   0x8000
    .globl stack_top
stack_top:
    .balign 4096
    .skip   0x4000
    .globl user_stack_top
user_stack_top:
    .balign 4096
