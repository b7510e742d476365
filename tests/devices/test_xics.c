/* SPDX-License-Identifier: MIT */
/* test_xics.c - the interrupt controllers of a PAPR partition: sources, priorities, and what waits. */
#include "devices/spapr.h"
#include "tests/devices/poke.h"

enum { MESSAGE = SPAPR_IRQ_VIO, LEVEL = SPAPR_IRQ_PCI_LSI, OPEN = 0xff };

static void xics_new(Poke *p) {
    poke_new(p, &device_xics, &(XicsConfig){ .cpus = 2 });
    xics_set_cppr(p->d, 0, OPEN);
    xics_set_cppr(p->d, 1, OPEN);
}

static void send(Poke *p, unsigned irq) {
    device_input(p->d, irq - SPAPR_IRQ_FIRST, true);
    device_input(p->d, irq - SPAPR_IRQ_FIRST, false);
}

static bool interrupted(Poke *p, unsigned cpu) {
    return irq_level(device_irq(p->d, cpu));
}

START_TEST(test_message) {
    Poke p;
    xics_new(&p);
    send(&p, MESSAGE); /* masked: it waits */
    ck_assert(!interrupted(&p, 0));
    ck_assert(xics_set_source(p.d, MESSAGE, 1, 5));
    ck_assert(!interrupted(&p, 0) && interrupted(&p, 1));
    ck_assert_uint_eq(xics_accept(p.d, 0), (uint32_t)OPEN << 24);
    ck_assert_uint_eq(xics_accept(p.d, 1), (uint32_t)OPEN << 24 | MESSAGE);
    ck_assert(!interrupted(&p, 1));
    send(&p, MESSAGE); /* its priority is being served */
    ck_assert(!interrupted(&p, 1));
    xics_eoi(p.d, 1, (uint32_t)OPEN << 24 | MESSAGE);
    ck_assert(interrupted(&p, 1));
    poke_free(&p);
}
END_TEST

START_TEST(test_level) {
    Poke p;
    xics_new(&p);
    xics_set_source(p.d, LEVEL, 0, 5);
    device_input(p.d, LEVEL - SPAPR_IRQ_FIRST, true);
    uint32_t xirr = xics_accept(p.d, 0);
    ck_assert_uint_eq(xirr & 0xffffff, LEVEL);
    ck_assert(!interrupted(&p, 0));
    xics_eoi(p.d, 0, xirr); /* still there */
    ck_assert(interrupted(&p, 0));
    xirr = xics_accept(p.d, 0);
    device_input(p.d, LEVEL - SPAPR_IRQ_FIRST, false);
    xics_eoi(p.d, 0, xirr);
    ck_assert(!interrupted(&p, 0));
    poke_free(&p);
}
END_TEST

/* The more urgent one comes first, and what it drives out comes again. */
START_TEST(test_priorities) {
    Poke p;
    xics_new(&p);
    xics_set_source(p.d, MESSAGE, 0, 5);
    send(&p, MESSAGE);
    ck_assert(xics_set_mfrr(p.d, 0, 4));
    uint32_t first = xics_accept(p.d, 0);
    ck_assert_uint_eq(first & 0xffffff, XICS_IPI);
    xics_set_mfrr(p.d, 0, OPEN);
    xics_eoi(p.d, 0, first);
    uint32_t second = xics_accept(p.d, 0);
    ck_assert_uint_eq(second & 0xffffff, MESSAGE);
    xics_eoi(p.d, 0, second);
    ck_assert(!interrupted(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_cppr_and_masks) {
    Poke p;
    uint32_t xirr;
    uint8_t mfrr, priority;
    unsigned cpu;
    xics_new(&p);
    xics_set_source(p.d, MESSAGE, 0, 5);
    send(&p, MESSAGE);
    ck_assert(interrupted(&p, 0));
    xics_set_cppr(p.d, 0, 5); /* taken back */
    ck_assert(!interrupted(&p, 0));
    ck_assert(xics_poll(p.d, 0, &xirr, &mfrr));
    ck_assert_uint_eq(xirr, 5u << 24);
    ck_assert_uint_eq(mfrr, OPEN);
    ck_assert(xics_mask_source(p.d, MESSAGE, true));
    xics_set_cppr(p.d, 0, OPEN);
    ck_assert(!interrupted(&p, 0));
    ck_assert(xics_get_source(p.d, MESSAGE, &cpu, &priority));
    ck_assert_uint_eq(priority, XICS_LEAST);
    ck_assert(xics_mask_source(p.d, MESSAGE, false));
    ck_assert(interrupted(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_what_does_not_exist) {
    Poke p;
    uint32_t xirr;
    uint8_t priority;
    unsigned cpu;
    xics_new(&p);
    ck_assert(!xics_set_source(p.d, MESSAGE, 2, 5));
    ck_assert(!xics_set_source(p.d, SPAPR_IRQ_FIRST - 1, 0, 5));
    ck_assert(!xics_set_source(p.d, SPAPR_IRQ_END, 0, 5));
    ck_assert(!xics_get_source(p.d, 0, &cpu, &priority));
    ck_assert(!xics_mask_source(p.d, 0, true));
    ck_assert(!xics_set_mfrr(p.d, 2, 5));
    ck_assert(!xics_poll(p.d, 2, &xirr, &priority));
    ck_assert_uint_eq(xics_accept(p.d, 2), 0);
    xics_eoi(p.d, 2, 0);
    xics_eoi(p.d, 0, UINT32_MAX);
    xics_set_cppr(p.d, 2, 0);
    device_input(p.d, SPAPR_IRQS, true);
    poke_free(&p);
}
END_TEST

POKE_MAIN("xics", test_message, test_level, test_priorities, test_cppr_and_masks, test_what_does_not_exist)
