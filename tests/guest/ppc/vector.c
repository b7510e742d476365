/* SPDX-License-Identifier: MIT */
/*
 * vector.c - when floating point, AltiVec and VSX are unavailable, their status registers, floating-point exceptions.
 */
#include "guest.h"

void guest_main(void);

enum { MSR_FP = 1 << 13, MSR_VEC = 1 << 25, MSR_VSX = 1 << 23 };

static void set_msr(uint64_t bits, bool on) {
    uint64_t v = on ? mfmsr() | bits : mfmsr() & ~bits;
    __asm__ volatile("mtmsrd %0; isync" : : "r"(v) : "memory");
}

#define LFD ".long 0xc8030000"      /* lfd f0, 0(r3) */
#define VXOR ".long 0x10000000 | 1220" /* vxor v0, v0, v0 */
#define XXLXOR ".long 0xf00004d0"   /* xxlxor vs0, vs0, vs0 */
#define MFVSRD_V0 ".long 0x7c030067" /* mfvsrd r3, vs32 */
#define XSADDQP ".long 0xfc611008"  /* xsaddqp v3, v1, v2 */
#define MFVSRD_F0 ".long 0x7c030066" /* mfvsrd r3, vs0 */

static void availability(void) {
    uint64_t before = trap.count;
    TRAPS(0x800, "li 3, 0; " LFD);
    TRAPS(0xf20, VXOR);
    TRAPS(0xf40, XXLXOR);
    TRAPS(0xf20, MFVSRD_V0);
    TRAPS(0x800, MFVSRD_F0);
    TRAPS(0xf40, XSADDQP);
    EQUAL(trap.count - before, 6);
    set_msr(MSR_FP | MSR_VEC | MSR_VSX, true);
    before = trap.count;
    __asm__ volatile("li 3, 0; " LFD "; " VXOR "; " XXLXOR "; " MFVSRD_V0 "; " MFVSRD_F0 ::: "r3");
    EQUAL(trap.count, before);
}

/* status: FPSCR by fields and whole, VSCR */
static void status(void) {
    register uint64_t r3 __asm__("r3") = UINT64_C(0x00000000000000f3);
    /* mtvsrd vs1, r3; mtfsf 255, f1, 1, 0; li r3, 0; mtvsrd vs1, r3; mtfsf 2, f1; mffs f1; mfvsrd r3, vs1 */
    __asm__ volatile(".long 0x7c230166, 0xfffe0d8e; li 3, 0; .long 0x7c230166, 0xfc040d8e, 0xfc20048e, 0x7c230066" : "+r"(r3));
    EQUAL(r3, 0x3);
    r3 = 0x12345;
    /* mtvsrd vs33, r3; vsldoi v1, v1, v1, 8; mtvscr v1; mfvscr v2; vsldoi v2, v2, v2, 8; mfvsrd r3, vs34 */
    __asm__ volatile(".long 0x7c230167, 0x10210a2c, 0x10000e44, 0x10400604, 0x1042122c, 0x7c430067" : "+r"(r3));
    EQUAL(r3, 0x10001);
}

#define SET_F1 ".long 0x7c230166; "            /* mtvsrd vs1, r3 */
#define SET_FPSCR SET_F1 ".long 0xfffe0d8e; " /* mtfsf 255, f1, 1, 0 */
#define SUBTRACT ".long 0xfc410828; "          /* fsub f2, f1, f1 */
#define FE0_ON "mfmsr 3; ori 3, 3, 0x800; mtmsrd 3; "

/* Exceptions are taken where MSR lets them: late, or at the insn itself. */
static void exceptions(void) {
    enum { WHY = 0x783f0000, FP = 1 << 20, BEHIND = 1 << 16 };
    uint64_t before = trap.count;
    /* FPSCR[VE]; infinity - infinity */
    __asm__ volatile("li 3, 0x80; " SET_FPSCR "li 3, 0x7ff; sldi 3, 3, 52; " SET_F1 SUBTRACT : : : "r3", "memory");
    EQUAL(trap.count, before);
    __asm__ volatile(FE0_ON "nop; nop" : : : "r3", "memory");
    EQUAL(trap.count, before + 1);
    EQUAL(trap.vector, 0x700);
    EQUAL(trap.srr1 & WHY, FP | BEHIND);
    EQUAL(*(const uint32_t *)trap.srr0, 0x60000000);
    __asm__ volatile("li 3, 0x80; " SET_FPSCR "li 3, 0x7ff; sldi 3, 3, 52; " SET_F1 FE0_ON SUBTRACT : : : "r3", "memory");
    EQUAL(trap.count, before + 2);
    EQUAL(trap.srr1 & WHY, FP);
    EQUAL(*(const uint32_t *)trap.srr0, 0xfc410828);
    __asm__ volatile("li 3, 0; " SET_FPSCR : : : "r3", "memory");
    TRAPS(0x700, "li 3, 0x80; " SET_FPSCR FE0_ON ".long 0xfee0004c"); /* mtfsb1 23: that an integer was invalid */
    __asm__ volatile("li 3, 0; " SET_FPSCR : : : "r3", "memory");
}

/* rotation under a mask, which leaves the rest as it was: vrldmi */
static void rotation(void) {
    uint64_t control = 16 << 16 | 47 << 8 | 8, from = UINT64_C(0x0123456789abcdef), to = UINT64_C(0x1111222233334444);
    register uint64_t r3 __asm__("r3") = control, r4 __asm__("r4") = from, r5 __asm__("r5") = to;
    /* mtvsrdd vs33, r3, r3; mtvsrdd vs34, r4, r4; mtvsrdd vs35, r5, r5; vrldmi v3, v2, v1; mfvsrd r4, vs35; mfvsrld r5, vs35 */
    __asm__ volatile(".long 0x7c231b67, 0x7c442367, 0x7c652b67, 0x106208c5, 0x7c640067, 0x7c650267" : "+r"(r3), "+r"(r4), "+r"(r5));
    from = r4;
    to = r5;
    EQUAL(from, UINT64_C(0x11116789abcd4444));
    EQUAL(to, UINT64_C(0x11116789abcd4444));
}

/* A sum that is rounded up, and infinity - infinity where that is enabled. */
static void quads(void) {
    register uint64_t r3 __asm__("r3") = UINT64_C(0x3fff) << 48, r4 __asm__("r4") = UINT64_C(0x3f8e8) << 44, r5 __asm__("r5") = 0;
    /* mtvsrdd vs33, r3, r5; mtvsrdd vs34, r4, r5; xsaddqp; mffs f1; mfvsrd r3, vs1; mfvsrld r4, vs35 */
    __asm__ volatile(".long 0x7c232b67, 0x7c442b67; " XSADDQP "; .long 0xfc20048e, 0x7c230066, 0x7c640267" : "+r"(r3), "+r"(r4) : "r"(r5));
    uint64_t fpscr = r3, low = r4;
    EQUAL(fpscr, 0x82064000);
    EQUAL(low, 1);
    TRAPS(0x700, "li 3, 0x80; " SET_FPSCR "li 3, 0x7fff; sldi 3, 3, 48; li 5, 0; .long 0x7c232b67; " FE0_ON ".long 0xfc610c08");
    EQUAL(*(const uint32_t *)trap.srr0, 0xfc610c08); /* xssubqp v3, v1, v1 */
    r3 = 0;
    __asm__ volatile(SET_FPSCR ".long 0x7c630267" : "+r"(r3) : : "memory"); /* mfvsrld r3, vs35 */
    EQUAL(r3, 1);
}

/* The even register has the doubleword at the lower address, in either byte order. */
static void pairs(void) {
    uint64_t from[2] = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)}, to[2] = {0, 0};
    register const uint64_t *r3 __asm__("r3") = from;
    register uint64_t *r4 __asm__("r4") = to;
    register uint64_t r5 __asm__("r5");
    /* lfdp f2, 0(r3); stfdp f2, 0(r4); mfvsrd r5, vs2 */
    __asm__ volatile(".long 0xe4430000, 0xf4440000, 0x7c450066" : "=r"(r5) : "r"(r3), "r"(r4) : "memory");
    uint64_t even = r5;
    EQUAL(even, from[0]);
    EQUAL(to[0], from[0]);
    EQUAL(to[1], from[1]);
}

void guest_main(void) {
    EQUAL(hypercall(H_SET_MODE, big64(1) != 1, 4, 0, 0), 0);
    availability();
    status();
    exceptions();
    rotation();
    quads();
    pairs();
    guest_exit();
}
