/* SPDX-License-Identifier: MIT */
/*
 * start.S - entry in big-endian order, interrupt vectors, and code that only assembly can be.
 *
 * Every interrupt is taken down in `trap`. Those of an insn go on behind it, the others where they came from.
 */
#define SWAPPED(x) (((x) & 0xff) << 24 | ((x) & 0xff00) << 8 | ((x) >> 8 & 0xff00) | ((x) >> 24 & 0xff))
/* An insn in the other byte order than the program's. */
#define OTHER(x) .long SWAPPED(x)

    .section .start, "ax"
    .globl _start
_start:
#ifdef __LITTLE_ENDIAN__
    OTHER(0x7d6000a6)       /* mfmsr r11 */
    OTHER(0x616b0001)       /* ori   r11, r11, 1: MSR[LE] */
    OTHER(0x39400040)       /* li    r10, 0x40 */
    OTHER(0x7d5a03a6)       /* mtsrr0 r10 */
    OTHER(0x7d7b03a6)       /* mtsrr1 r11 */
    OTHER(0x4c000024)       /* rfid */
#endif
    .org    0x40
    lis     1, stack_top@ha
    addi    1, 1, stack_top@l
    lis     2, .TOC.@ha
    addi    2, 2, .TOC.@l
    li      0, 0
    stdu    0, -64(1)
    bl      guest_main
    nop
1:  b       1b

    .macro VECTOR at
    .org    \at
    mtsprg  0, 3
    mtsprg  1, 4
    li      3, \at
    b       take_down
    .endm
    .irp at, 0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0xa00, 0xc00, 0xd00, 0xe00, 0xf20, 0xf40, 0xf60
    VECTOR  \at
    .endr

    .org    0x1000
take_down:
    lis     4, trap@ha
    addi    4, 4, trap@l
    std     3, 0(4)
    std     5, 64(4)
    mfcr    5
    std     5, 72(4)
    mfsrr0  5
    std     5, 8(4)
    mfsrr1  5
    std     5, 16(4)
    mfdar   5
    std     5, 24(4)
    mfdsisr 5
    std     5, 32(4)
    mfmsr   5
    std     5, 40(4)
    ld      5, 48(4)
    addi    5, 5, 1
    std     5, 48(4)
    cmpwi   3, 0x900
    bne     1f
    lis     5, 0x7fff       /* the decrementer has nothing more to say for a while */
    mtdec   5
    b       2f
1:  cmpwi   3, 0x500
    beq     2f
    cmpwi   3, 0xa00
    beq     2f
    cmpwi   3, 0xd00
    beq     2f
    cmpwi   3, 0xc00
    bne     3f
    mfsrr1  5               /* a user becomes the supervisor */
    rlwinm  4, 5, 0, 18, 16
    rldimi  5, 4, 0, 32
    mtsrr1  5
    lis     4, trap@ha
    addi    4, 4, trap@l
    b       2f
3:  rlwinm  5, 3, 0, 0, 23
    cmpwi   5, 0x400        /* no insn there: as if a function had returned */
    mflr    5
    beq     4f
    mfsrr0  5
    addi    5, 5, 4
4:  mtsrr0  5
    mfsrr1  5               /* a floating-point exception would be taken again: without MSR[FE0] and [FE1] */
    li      3, 0x900
    andc    5, 5, 3
    mtsrr1  5
2:  ld      5, 72(4)
    mtcrf   0xff, 5
    ld      5, 64(4)
    mfsprg  3, 0
    mfsprg  4, 1
    rfid

    .text
/* uint64_t hypercall(number, a, b, c, d) */
    .globl hypercall, hypercall_results
hypercall:
    sc      1
    lis     12, hypercall_results@ha
    addi    12, 12, hypercall_results@l
    std     4, 0(12)
    std     5, 8(12)
    std     6, 16(12)
    blr

/* uint64_t load_other(const void *at): a doubleword in the other byte order, by code in that order */
    .globl load_other
load_other:
    mfmsr   4
    xori    5, 4, 1
    lis     6, 1f@ha
    addi    6, 6, 1f@l
    mtsrr0  6
    mtsrr1  5
    rfid
1:  OTHER(0xe8630000)       /* ld     r3, 0(r3) */
    OTHER(0x38c60014)       /* addi   r6, r6, 2f - 1b */
    OTHER(0x7cda03a6)       /* mtsrr0 r6 */
    OTHER(0x7c9b03a6)       /* mtsrr1 r4 */
    OTHER(0x4c000024)       /* rfid */
2:  blr

/* uint64_t load_narrow(uint64_t at, uint64_t *sum): a word in 32-bit mode; *sum is r4 + r4 there, compared with 0 */
    .globl load_narrow
load_narrow:
    mfmsr   5
    clrldi  6, 5, 1         /* without MSR[SF] */
    lis     7, 1f@ha
    addi    7, 7, 1f@l
    mtsrr0  7
    mtsrr1  6
    rfid
1:  lwz     3, 0(3)
    lis     6, 0x4000
    sldi    6, 6, 2         /* 2^32: zero for a comparison in this mode */
    add.    6, 6, 6
    mfcr    6
    addi    7, 7, 2f - 1b
    mtsrr0  7
    mtsrr1  5
    rfid
2:  std     6, 0(4)
    blr

/* void insns(uint64_t a): room for an insn that a program writes here; its argument is r3, its result too */
    .globl written, multiple
written:
    li      3, 1
    blr
/* uint64_t multiple(const uint32_t *from): lmw r30 */
multiple:
    std     30, -16(1)
    std     31, -8(1)
    li      30, 0
    li      31, 0
    .long   0xbbc30000      /* lmw r30, 0(r3), which the assembler refuses when little-endian */
    sldi    3, 30, 32
    or      3, 3, 31
    ld      30, -16(1)
    ld      31, -8(1)
    blr

    .section .bss, "aw", @nobits
    .balign 16
    .globl trap
trap:
    .space  128
hypercall_results:
    .space  32
    .space  16384
stack_top:
    .space  512
