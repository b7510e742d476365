/* SPDX-License-Identifier: MIT */
/*
 * gicv3.c - the GICv3 as a program at EL1 sees it: identification, timer PPIs, SPIs of the serial port and the clock,
 * SGIs, priorities and preemption, both groups, both ways to end an interrupt.
 */
#include "guest.h"

int guest_main(void);

enum {
    REDIST = 0x080a0000, SGI = REDIST + 0x10000, SPURIOUS = 1023, SPI_RTC = 34,
    GROUP = 0x80, SET_ENABLE = 0x100, CLEAR_ENABLE = 0x180, SET_PENDING = 0x200, CLEAR_PENDING = 0x280,
    SET_ACTIVE = 0x300, CLEAR_ACTIVE = 0x380, PRIORITY = 0x400, CONFIG = 0xc00, ROUTER = 0x6000,
};

#define ICC_PMR s3_0_c4_c6_0
#define ICC_IAR0 s3_0_c12_c8_0
#define ICC_EOIR0 s3_0_c12_c8_1
#define ICC_HPPIR0 s3_0_c12_c8_2
#define ICC_BPR0 s3_0_c12_c8_3
#define ICC_AP0R0 s3_0_c12_c8_4
#define ICC_AP1R0 s3_0_c12_c9_0
#define ICC_DIR s3_0_c12_c11_1
#define ICC_RPR s3_0_c12_c11_3
#define ICC_SGI1R s3_0_c12_c11_5
#define ICC_ASGI1R s3_0_c12_c11_6
#define ICC_SGI0R s3_0_c12_c11_7
#define ICC_IAR1 s3_0_c12_c12_0
#define ICC_EOIR1 s3_0_c12_c12_1
#define ICC_HPPIR1 s3_0_c12_c12_2
#define ICC_BPR1 s3_0_c12_c12_3
#define ICC_CTLR s3_0_c12_c12_4
#define ICC_SRE s3_0_c12_c12_5
#define ICC_IGRPEN0 s3_0_c12_c12_6
#define ICC_IGRPEN1 s3_0_c12_c12_7
#define READ(reg) READ_(reg)
#define READ_(reg) MRS(reg)
#define WRITE(reg, value) WRITE_(reg, value)
#define WRITE_(reg, value) MSR(reg, value)

/* Takes at most one interrupt: comes back when it is taken, or after a second or so. */
CODE(wait_irq, "mov x3, #0x20000000\n msr daifclr, #2\n 0: sub x3, x3, #1\n cbnz x3, 0b\n msr daifset, #2" RET);
CODE(take_now, "msr daifclr, #2\n nop\n nop\n msr daifset, #2" RET);
CODE(take_fiq, "msr daifclr, #1\n nop\n nop\n msr daifset, #1" RET);
CODE(wfi_unmasked, "msr daifclr, #2\n 0: wfi\n b 0b");
CODE(spin_0, "0: b 0b");
/* Unmasked all the time: what the MSR makes deliverable is taken in front of the next insn. */
CODE(unmask_by_pmr, "msr s3_0_c4_c6_0, xzr\n isb\n msr daifclr, #2\n mov x1, #0\n msr s3_0_c4_c6_0, x0\n"
                    " mov x1, #1\n msr daifset, #2" RET);
CODE(unmask_by_sgi, "msr daifclr, #2\n mov x1, #0\n msr s3_0_c12_c11_5, x0\n isb\n nop\n mov x1, #1\n msr daifset, #2" RET);
CODE(unmask_by_end, "msr daifclr, #2\n mov x1, #0\n msr s3_0_c12_c12_1, x0\n isb\n mov x1, #1\n msr daifset, #2" RET);
CODE(at_el0, "mrs x0, s3_0_c12_c12_0" DONE);
CODE(write_iar, "msr s3_0_c12_c12_0, x0" RET);
CODE(read_eoir, "mrs x0, s3_0_c12_c12_1" RET);
CODE(ap1r1, "mrs x0, s3_0_c12_c9_1" RET);

/* The words of SGIs and PPIs stand in the redistributor. */
static uint64_t word(unsigned id, unsigned reg) {
    return (id < 32 ? SGI : GICD) + reg + id / 32 * 4;
}
static void bit(unsigned id, unsigned reg) {
    write32(word(id, reg), 1u << id % 32);
}
static bool is(unsigned id, unsigned reg) {
    return read32(word(id, reg)) >> id % 32 & 1;
}
static void enable(unsigned id, unsigned priority) {
    __asm__ volatile("strb %w0, [%1]" : : "r"(priority), "r"((id < 32 ? (uint64_t)SGI : GICD) + PRIORITY + id) : "memory");
    write32(word(id, GROUP), read32(word(id, GROUP)) | 1u << id % 32);
    bit(id, SET_ENABLE);
}
static void sgi(unsigned id) {
    WRITE(ICC_SGI1R, (uint64_t)id << 24 | 1);
}

static void took(unsigned vector, unsigned id) {
    EQUAL(trap.vector, vector);
    EQUAL(READ(ICC_IAR1), id);
    WRITE(ICC_EOIR1, id);
}
static void nothing(void) {
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    EQUAL(READ(ICC_IAR1), SPURIOUS);
}

static void identity(void) {
    EQUAL(MRS(id_aa64pfr0_el1) >> 24 & 15, 1);
    EQUAL(read32(GICD + 0xffe8) >> 4 & 15, 3);
    EQUAL(read32(REDIST + 0xffe8) >> 4 & 15, 3);
    EQUAL(read32(GICD + 4) & 31, 8);
    EQUAL(read32(GICD) & 0x50, 0x50); /* affinity routing, one Security state */
    EQUAL(read64(REDIST + 8) & 0xffffff11, 1 << 4); /* the last; no LPIs */
    EQUAL(read64(REDIST + 8) >> 32, MRS(mpidr_el1) & 0xffffff);
    EQUAL(READ(ICC_SRE) & 7, 7);
    EQUAL(READ(ICC_CTLR) >> 8 & 7, 4);
    const void *const undefined[] = {write_iar, read_eoir, ap1r1};
    for (unsigned i = 0; i < 3; i++) {
        run_el1(undefined[i], 0, 0, 0);
        TRAPPED(SYNC_SPX, EC_UNKNOWN, 0);
    }
    run_el0(at_el0, 0, 0, 0);
    TRAPPED(SYNC_EL0, EC_UNKNOWN, 0);
}

static void init(void) {
    write32(GICD, 0x12); /* group 1 */
    write32(REDIST + 0x14, 0);
    while (read32(REDIST + 0x14) & 4) {
    }
    for (unsigned i = 0; i < 288; i += 32) {
        write32(word(i, CLEAR_ENABLE), UINT32_MAX);
        write32(word(i, CLEAR_PENDING), UINT32_MAX);
        write32(word(i, CLEAR_ACTIVE), UINT32_MAX);
        write32(word(i, GROUP), UINT32_MAX);
    }
    WRITE(ICC_SRE, 7);
    WRITE(ICC_CTLR, 0);
    WRITE(ICC_PMR, 0xff);
    EQUAL(READ(ICC_PMR), 0xf8);
    WRITE(ICC_BPR0, 0);
    WRITE(ICC_BPR1, 0);
    EQUAL(READ(ICC_BPR0), 2);
    EQUAL(READ(ICC_BPR1), 3);
    WRITE(ICC_IGRPEN0, 1);
    WRITE(ICC_IGRPEN1, 1);
    EQUAL(READ(ICC_IAR1), SPURIOUS);
    EQUAL(READ(ICC_HPPIR1), SPURIOUS);
    EQUAL(READ(ICC_RPR), 0xff);
}

static void timer(void) {
    const uint64_t ms = MRS(cntfrq_el0) / 1000;
    enable(PPI_VIRT, 0x80);
    MSR(cntv_tval_el0, ms);
    MSR(cntv_ctl_el0, 1);
    run_el1(wait_irq, 0, 0, 0);
    CHECK(MRS(cntvct_el0) >= MRS(cntv_cval_el0));
    took(IRQ_SPX, PPI_VIRT);
    run_el1(take_now, 0, 0, 0); /* the level is still there */
    took(IRQ_SPX, PPI_VIRT);
    CHECK(is(PPI_VIRT, SET_PENDING));
    MSR(cntv_ctl_el0, 3);
    CHECK(!is(PPI_VIRT, SET_PENDING));
    nothing();
    MSR(cntv_tval_el0, ms);
    MSR(cntv_ctl_el0, 1);
    run_with(0x340, spin_0, 0, 0);
    took(IRQ_EL0, PPI_VIRT);
    MSR(cntv_tval_el0, 5 * ms);
    run_el1(wfi_unmasked, 0, 0, 0);
    took(IRQ_SPX, PPI_VIRT);
    MSR(cntv_ctl_el0, 0);
    EQUAL(MRS(isr_el1), 0);
    bit(PPI_VIRT, CLEAR_ENABLE);
}

static void sgis(void) {
    enable(1, 0x80);
    enable(2, 0x40);
    enable(3, 0xc0);
    sgi(1);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 1);
    nothing();
    sgi(3);
    sgi(1);
    sgi(2);
    EQUAL(READ(ICC_HPPIR1), 2);
    EQUAL(READ(ICC_HPPIR0), SPURIOUS);
    EQUAL(READ(ICC_IAR1), 2);
    EQUAL(READ(ICC_RPR), 0x40);
    EQUAL(READ(ICC_AP1R0), 1 << 8);
    EQUAL(READ(ICC_IAR1), SPURIOUS);
    run_el1(take_now, 0, 0, 0); /* lower ones do not preempt */
    FINISHED();
    WRITE(ICC_EOIR1, 2);
    run_el1(take_now, 0, 0, 0);
    EQUAL(trap.vector, IRQ_SPX);
    EQUAL(READ(ICC_IAR1), 1);
    sgi(2); /* a higher one does */
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 2);
    EQUAL(READ(ICC_RPR), 0x80);
    run_el1(unmask_by_end, 1, 0, 0); /* the end of this one lets the next in at once */
    EQUAL(trap.vector, IRQ_SPX);
    EQUAL(trap.x[1], 0);
    took(IRQ_SPX, 3);
    EQUAL(READ(ICC_RPR), 0xff);
    sgi(1);
    run_el1(unmask_by_pmr, 0xff, 0, 0);
    EQUAL(trap.vector, IRQ_SPX);
    EQUAL(trap.x[1], 0);
    EQUAL(READ(ICC_PMR), 0xf8);
    took(IRQ_SPX, 1);
    run_el1(unmask_by_sgi, 1 << 24 | 1, 0, 0);
    EQUAL(trap.x[1], 0);
    took(IRQ_SPX, 1);
    sgi(3);
    WRITE(ICC_PMR, 0xc0);
    nothing();
    WRITE(ICC_PMR, 0xc8);
    WRITE(ICC_IGRPEN1, 0);
    nothing();
    WRITE(ICC_IGRPEN1, 1);
    write32(GICD, 0x10);
    nothing();
    write32(GICD, 0x12);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 3);
    WRITE(ICC_SGI1R, UINT64_C(1) << 40 | 1 << 24); /* to all others */
    WRITE(ICC_SGI1R, 1 << 24 | 2);                 /* to CPUs that are not there */
    WRITE(ICC_SGI1R, UINT64_C(1) << 16 | 1 << 24 | 1);
    WRITE(ICC_SGI0R, 1 << 24 | 1);                 /* the SGI is of group 1 */
    nothing();
    WRITE(ICC_PMR, 0xff);
}

static void ends(void) {
    WRITE(ICC_CTLR, 2);
    sgi(1);
    EQUAL(READ(ICC_IAR1), 1);
    WRITE(ICC_EOIR1, 1);
    EQUAL(READ(ICC_RPR), 0xff);
    CHECK(is(1, SET_ACTIVE));
    sgi(1);
    nothing(); /* active and pending */
    WRITE(ICC_DIR, 1);
    CHECK(!is(1, SET_ACTIVE));
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 1);
    WRITE(ICC_DIR, 1);
    WRITE(ICC_CTLR, 0);
    sgi(1);
    EQUAL(READ(ICC_IAR1), 1);
    WRITE(ICC_EOIR0, 1); /* not of that group */
    WRITE(ICC_EOIR1, SPURIOUS);
    EQUAL(READ(ICC_RPR), 0x80);
    WRITE(ICC_EOIR1, 1);
    EQUAL(READ(ICC_RPR), 0xff);
}

static void groups(void) {
    write32(GICD, 0x13);
    write32(word(2, GROUP), ~(1u << 2));
    sgi(2); /* now of group 0 */
    nothing();
    WRITE(ICC_SGI0R, 2 << 24 | 1);
    EQUAL(MRS(isr_el1), 0x40);
    EQUAL(READ(ICC_HPPIR0), 2);
    run_el1(take_fiq, 0, 0, 0);
    EQUAL(trap.vector, FIQ_SPX);
    EQUAL(READ(ICC_IAR1), SPURIOUS);
    EQUAL(READ(ICC_IAR0), 2);
    EQUAL(READ(ICC_AP0R0), 1 << 8);
    EQUAL(READ(ICC_AP1R0), 0);
    sgi(1);
    nothing();
    WRITE(ICC_EOIR0, 2);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 1);
    WRITE(ICC_IGRPEN0, 0);
    WRITE(ICC_SGI0R, 2 << 24 | 1);
    EQUAL(MRS(isr_el1), 0);
    bit(2, CLEAR_PENDING);
    write32(GICD, 0x12);
    write32(word(2, GROUP), UINT32_MAX);
}

static void shared(void) {
    enable(40, 0x80);
    __asm__ volatile("str xzr, [%0]" : : "r"((uint64_t)GICD + ROUTER + 8 * 40) : "memory");
    bit(40, SET_PENDING);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 40);
    nothing();
    write64(GICD + ROUTER + 8 * 40, 1); /* to a CPU that is not there */
    bit(40, SET_PENDING);
    nothing();
    CHECK(is(40, SET_PENDING));
    write64(GICD + ROUTER + 8 * 40, UINT64_C(1) << 31); /* to any */
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 40);
    /* the serial port */
    enable(SPI_UART, 0x80);
    write32(UART + 0x30, 0x301);
    write32(UART + 0x38, 1 << 5);
    write32(UART, '.');
    run_el1(wait_irq, 0, 0, 0);
    took(IRQ_SPX, SPI_UART);
    write32(UART + 0x44, 1 << 5);
    nothing();
    write32(UART + 0x38, 0);
    bit(SPI_UART, CLEAR_ENABLE);
    write32(UART, '\n');
    /* the clock, with the trigger of an edge: once for each */
    enable(SPI_RTC, 0x80);
    write32(GICD + CONFIG + SPI_RTC / 16 * 4, 2u << SPI_RTC % 16 * 2);
    write32(RTC + 0x10, 1);
    write32(RTC + 8, 1000);
    write32(RTC + 4, 1001);
    run_el1(wfi_unmasked, 0, 0, 0);
    took(IRQ_SPX, SPI_RTC);
    CHECK(read32(RTC + 0x18) & 1);
    nothing();
    write32(RTC + 0x1c, 1);
    bit(SPI_RTC, CLEAR_ENABLE);
}

int guest_main(void) {
    mmu_on();
    identity();
    init();
    timer();
    sgis();
    ends();
    groups();
    shared();
    guest_exit();
}
