/* SPDX-License-Identifier: MIT */
/*
 * time.c - the generic timer, WFI, the interrupt controller, the clock, GPIO, the cycle counter.
 */
#include "guest.h"

int guest_main(void);

enum { SPURIOUS = 1023, GROUP1 = 0 };

/* Takes at most one interrupt: comes back when it is taken, or after a second or so. */
CODE(wait_irq, "mov x3, #0x20000000\n msr daifclr, #2\n 0: sub x3, x3, #1\n cbnz x3, 0b\n msr daifset, #2" RET);
CODE(take_now, "msr daifclr, #2\n nop\n nop\n msr daifset, #2" RET);
CODE(wfi_unmasked, "msr daifclr, #2\n 0: wfi\n b 0b");
CODE(spin_0, "0: b 0b");
CODE(fiq_masked, "msr daifclr, #1\n nop\n msr daifset, #1" RET);

static void gic_init(void) {
    write32(GICD, 0);
    for (unsigned i = 0; i < 288; i += 4) {
        write32(GICD + 0x400 + i, 0xa0a0a0a0);
    }
    write32(GICD + 0x180, UINT32_MAX);
    write32(GICD + 0x280, UINT32_MAX);
    write32(GICD, 1);
    write32(GICC + 4, 0xff);
    write32(GICC + 8, 0);
    write32(GICC, 1);
}

static void enable(unsigned id, unsigned priority) {
    __asm__ volatile("strb %w0, [%1]" : : "r"(priority), "r"((uint64_t)GICD + 0x400 + id) : "memory");
    write32(GICD + 0x100 + id / 32 * 4, 1u << id % 32);
}

static void disable(unsigned id) {
    write32(GICD + 0x180 + id / 32 * 4, 1u << id % 32);
}

static void took(unsigned vector, unsigned id) {
    EQUAL(trap.vector, vector);
    uint32_t have = read32(GICC + 0xc);
    EQUAL(have & 1023, id);
    write32(GICC + 0x10, have);
}

/* -- counter and timers -- */

static void counter(void) {
    uint64_t last = MRS(cntvct_el0), first = last;
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t now = MRS(cntvct_el0), physical = MRS(cntpct_el0);
        CHECK(now >= last);
        CHECK(physical >= now);
        last = physical;
    }
    CHECK(last > first);
    CHECK(MRS(cntfrq_el0) == 62500000 || MRS(cntfrq_el0) == 1000000000);
    const uint64_t hz = MRS(cntfrq_el0);
    MSR(cntfrq_el0, 1000);
    EQUAL(MRS(cntfrq_el0), 1000);
    MSR(cntfrq_el0, hz);
}

#define TIMER(letter, ppi)                                                                                             \
    static void timer_##letter(void) {                                                                                 \
        const uint64_t ms = MRS(cntfrq_el0) / 1000;                                                                    \
        enable(ppi, 0x80);                                                                                             \
        MSR(cnt##letter##_tval_el0, ms);                                                                               \
        MSR(cnt##letter##_ctl_el0, 1);                                                                                 \
        CHECK((int32_t)MRS(cnt##letter##_tval_el0) <= (int64_t)ms);                                                    \
        EQUAL(MRS(cnt##letter##_ctl_el0) & 3, 1);                                                                      \
        run_el1(wait_irq, 0, 0, 0);                                                                                    \
        CHECK(MRS(cntpct_el0) >= MRS(cnt##letter##_cval_el0));                                                         \
        EQUAL(MRS(cnt##letter##_ctl_el0), 5);                                                                          \
        took(IRQ_SPX, ppi);                                                                                            \
        run_el1(take_now, 0, 0, 0); /* the level is still there */                                                     \
        took(IRQ_SPX, ppi);                                                                                            \
        MSR(cnt##letter##_ctl_el0, 3); /* masked: the condition stays, the interrupt goes */                           \
        EQUAL(MRS(cnt##letter##_ctl_el0), 7);                                                                          \
        run_el1(take_now, 0, 0, 0);                                                                                    \
        FINISHED();                                                                                                    \
        MSR(cnt##letter##_ctl_el0, 0);                                                                                 \
        EQUAL(MRS(cnt##letter##_ctl_el0), 0);                                                                          \
        MSR(cnt##letter##_tval_el0, -1); /* already over */                                                            \
        MSR(cnt##letter##_ctl_el0, 1);                                                                                 \
        run_with(0x340, spin_0, 0, 0); /* from EL0, which does nothing but loop */                                     \
        took(IRQ_EL0, ppi);                                                                                            \
        MSR(cnt##letter##_tval_el0, ms);                                                                               \
        run_with(0x340, spin_0, 0, 0);                                                                                 \
        took(IRQ_EL0, ppi);                                                                                            \
        /* WFI, unmasked and masked */                                                                                 \
        MSR(cnt##letter##_tval_el0, 5 * ms);                                                                           \
        run_el1(wfi_unmasked, 0, 0, 0);                                                                                \
        took(IRQ_SPX, ppi);                                                                                            \
        MSR(cnt##letter##_tval_el0, 5 * ms);                                                                           \
        const uint64_t due = MRS(cnt##letter##_cval_el0);                                                              \
        while (MRS(cntpct_el0) < due) {                                                                                \
            ASM("wfi");                                                                                                \
        }                                                                                                              \
        CHECK(MRS(isr_el1) & 0x80);                                                                                    \
        ASM("wfi"); /* a pending interrupt: no wait */                                                                 \
        MSR(cnt##letter##_ctl_el0, 0);                                                                                 \
        EQUAL(MRS(isr_el1), 0);                                                                                        \
        disable(ppi);                                                                                                  \
    }
TIMER(v, PPI_VIRT)
TIMER(p, PPI_PHYS)

/* -- the interrupt controller -- */

static void sgi(unsigned id) {
    write32(GICD + 0xf00, 2u << 24 | id); /* to itself */
}

static void gic(void) {
    enable(1, 0x80);
    enable(2, 0x40);
    enable(3, 0xc0);
    sgi(1);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 1);
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    EQUAL(read32(GICC + 0xc) & 1023, SPURIOUS);
    sgi(3);
    sgi(1);
    sgi(2);
    EQUAL(read32(GICC + 0x18) & 1023, 2); /* highest priority pending */
    uint32_t two = read32(GICC + 0xc);
    EQUAL(two, 2);
    EQUAL(read32(GICC + 0x14), 0x40); /* running */
    EQUAL(read32(GICC + 0xc) & 1023, SPURIOUS);
    run_el1(take_now, 0, 0, 0); /* lower ones do not preempt */
    FINISHED();
    write32(GICC + 0x10, two);
    run_el1(take_now, 0, 0, 0);
    EQUAL(trap.vector, IRQ_SPX);
    EQUAL(read32(GICC + 0xc), 1);
    sgi(2); /* a higher one does */
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 2);
    EQUAL(read32(GICC + 0x14), 0x80);
    write32(GICC + 0x10, 1);
    write32(GICC + 4, 0xc0); /* the mask lets nothing of 0xc0 through */
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    write32(GICC + 4, 0xff);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 3);
    EQUAL(read32(GICC + 0x14), 0xff);
    sgi(1);
    write32(GICC, 0); /* the interface off: it stays pending */
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    write32(GICD + 0xf10, 1u << 8); /* pending is cleared by source: from CPU 0 */
    write32(GICC, 1);
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    /* a shared one, by software and by the serial port */
    enable(40, 0x80);
    write32(GICD + 0x828, 0x01010101);
    write32(GICD + 0x204, 1u << 8);
    run_el1(take_now, 0, 0, 0);
    took(IRQ_SPX, 40);
    disable(40);
    enable(SPI_UART, 0x80);
    write32(GICD + 0x820, 0x01010101);
    write32(UART + 0x30, 0x301);
    write32(UART + 0x38, 1 << 5);
    write32(UART, '.');
    run_el1(wait_irq, 0, 0, 0);
    took(IRQ_SPX, SPI_UART);
    write32(UART + 0x38, 0);
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    disable(SPI_UART);
    write32(UART, '\n');
}

/* -- other devices -- */

static void devices(void) {
    const uint32_t ids[][2] = {{UART, 0x00341011}, {RTC, 0x00041031}, {GPIO, 0x00041061}};
    for (unsigned i = 0; i < 3; i++) {
        uint32_t id = 0, cell = 0;
        for (unsigned k = 0; k < 4; k++) {
            id |= (read32(ids[i][0] + 0xfe0 + 4 * k) & 0xff) << 8 * k;
            cell |= (read32(ids[i][0] + 0xff0 + 4 * k) & 0xff) << 8 * k;
        }
        EQUAL(id & 0xfff0ffff, ids[i][1] & 0xfff0ffff);
        EQUAL(cell, 0xb105f00d);
    }
    CHECK(read32(RTC) > 1600000000);
    write32(RTC + 8, 1000);
    CHECK(read32(RTC) >= 1000 && read32(RTC) < 1005);
    write32(GPIO + 0x400, 0xf0);
    write32(GPIO + 0x3fc, 0xa5);
    EQUAL(read32(GPIO + 0x3fc) & 0xf0, 0xa0);
    EQUAL(read32(GPIO + (0x20 << 2)), 0x20);
    EQUAL(read32(GPIO + 0x400), 0xf0);
    EQUAL(read32(VIRTIO), 0x74726976);
    EQUAL(read32(VIRTIO + 8), 0);
}

static void pmu(void) {
    MSR(pmcr_el0, 0x47);
    MSR(pmcntenset_el0, UINT64_C(1) << 31);
    uint64_t first = MRS(pmccntr_el0), last = first;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t now = MRS(pmccntr_el0);
        CHECK(now >= last);
        last = now;
    }
    CHECK(last > first);
    MSR(pmcntenclr_el0, UINT64_C(1) << 31);
    last = MRS(pmccntr_el0);
    EQUAL(MRS(pmccntr_el0), last);
    MSR(pmccntr_el0, 12345);
    EQUAL(MRS(pmccntr_el0), 12345);
    enable(PPI_PMU, 0x80);
    MSR(pmovsclr_el0, UINT64_C(1) << 31);
    MSR(pmccntr_el0, ~UINT64_C(0) - 1000);
    MSR(pmintenset_el1, UINT64_C(1) << 31);
    MSR(pmcntenset_el0, UINT64_C(1) << 31);
    run_el1(wait_irq, 0, 0, 0);
    EQUAL(MRS(pmovsset_el0), UINT64_C(1) << 31);
    took(IRQ_SPX, PPI_PMU);
    MSR(pmovsclr_el0, UINT64_C(1) << 31);
    run_el1(take_now, 0, 0, 0);
    FINISHED();
    MSR(pmcr_el0, 0);
}

int guest_main(void) {
    mmu_on();
    gic_init();
    counter();
    timer_v();
    timer_p();
    gic();
    devices();
    pmu();
    run_el1(fiq_masked, 0, 0, 0);
    FINISHED();
    guest_exit();
}
