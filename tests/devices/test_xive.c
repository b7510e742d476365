/* SPDX-License-Identifier: MIT */
/* test_xive.c - the interrupt controller of a PAPR partition since POWER9, by its pages and as hypercalls reach it. */
#include "devices/spapr.h"
#include "tests/devices/poke.h"

enum { MESSAGE = SPAPR_IRQ_VIO, LEVEL = SPAPR_IRQ_PCI_LSI, QUEUE = POKE_RAM + 0x1000, PRIORITY = 6, EVENT = 0x1234 };
enum { CPPR = 0x11, ACK = 0x810, PENDING = 0x812, TRIGGER = 0, GET = 0x800, SET_00 = 0xc00, SET_01 = 0xd00 };
enum { PENDING_P = 2, PENDING_Q = 1 };

static uint64_t page(Poke *p, unsigned irq, uint32_t offset) {
    uint64_t v = 0;
    uint64_t gpa = POKE_BASE + POKE_BANK + ((uint64_t)irq << XIVE_ESB_SHIFT) + offset;
    ck_assert_int_eq(bus_read(p->bus, (BusAccess){ gpa, 8, 0 }, &v), BUS_OK);
    return GUINT64_SWAP_LE_BE(v);
}

static void store(Poke *p, unsigned irq, uint32_t offset) {
    uint64_t gpa = POKE_BASE + POKE_BANK + ((uint64_t)irq << XIVE_ESB_SHIFT) + offset;
    ck_assert_int_eq(bus_write(p->bus, (BusAccess){ gpa, 8, 0 }, 0), BUS_OK);
}

static void context(Poke *p, unsigned cpu, uint32_t offset, uint8_t v) {
    ck_assert_int_eq(bus_write(p->bus, (BusAccess){ POKE_BASE + offset, 1, cpu }, v), BUS_OK);
}

static uint16_t acknowledge(Poke *p, unsigned cpu) {
    uint64_t v = 0;
    ck_assert_int_eq(bus_read(p->bus, (BusAccess){ POKE_BASE + ACK, 2, cpu }, &v), BUS_OK);
    return GUINT16_SWAP_LE_BE((uint16_t)v);
}

static uint32_t entry(Poke *p, unsigned n) {
    uint32_t v;
    ck_assert_int_eq(dma_read(p->bus, QUEUE + 4 * n, &v, 4), DMA_OK);
    return GUINT32_FROM_BE(v);
}

static bool interrupted(Poke *p, unsigned cpu) {
    return irq_level(device_irq(p->d, cpu));
}

/* Two CPUs, a queue of the second, two sources that go there and are on. */
static void xive_new(Poke *p) {
    const uint32_t events[] = { EVENT, EVENT + 1 };
    poke_new(p, &device_xive, &(XicsConfig){ .cpus = 2 });
    ck_assert(xive_set_queue(p->d, 1, PRIORITY, QUEUE, 12));
    ck_assert(xive_set_source(p->d, MESSAGE, 1, PRIORITY, &events[0]));
    ck_assert(xive_set_source(p->d, LEVEL, 1, PRIORITY, &events[1]));
    context(p, 1, CPPR, 0xff);
    ck_assert_uint_eq(page(p, MESSAGE, SET_00), PENDING_Q); /* it was off */
    ck_assert_uint_eq(page(p, LEVEL, SET_00), PENDING_Q);
}

static void pulse(Poke *p, unsigned irq) {
    device_input(p->d, irq, true);
    device_input(p->d, irq, false);
}

START_TEST(test_message) {
    Poke p;
    xive_new(&p);
    pulse(&p, MESSAGE);
    ck_assert(interrupted(&p, 1) && !interrupted(&p, 0));
    ck_assert_uint_eq(entry(&p, 0), 1u << 31 | EVENT);
    ck_assert_uint_eq(acknowledge(&p, 1), 0x8000 | PRIORITY);
    ck_assert(!interrupted(&p, 1));
    ck_assert_uint_eq(acknowledge(&p, 1), PRIORITY); /* nothing more */
    pulse(&p, MESSAGE); /* before the end of the first */
    ck_assert_uint_eq(page(&p, MESSAGE, GET), PENDING_P | PENDING_Q);
    ck_assert_uint_eq(entry(&p, 1), 0);
    ck_assert_uint_eq(page(&p, MESSAGE, SET_00), PENDING_P | PENDING_Q);
    store(&p, MESSAGE, TRIGGER);
    ck_assert_uint_eq(entry(&p, 1), 1u << 31 | EVENT);
    ck_assert(!interrupted(&p, 1)); /* the priority is being served */
    context(&p, 1, CPPR, 0xff);
    ck_assert(interrupted(&p, 1));
    poke_free(&p);
}
END_TEST

START_TEST(test_level) {
    Poke p;
    uint64_t before;
    xive_new(&p);
    device_input(p.d, LEVEL, true);
    ck_assert_uint_eq(entry(&p, 0), 1u << 31 | (EVENT + 1));
    ck_assert(xive_access_source(p.d, LEVEL, 0, false, &before)); /* end of interrupt: still asserted */
    ck_assert_uint_eq(before, PENDING_P);
    ck_assert_uint_eq(entry(&p, 1), 1u << 31 | (EVENT + 1));
    device_input(p.d, LEVEL, false);
    page(&p, LEVEL, 0);
    ck_assert_uint_eq(page(&p, LEVEL, GET), 0);
    ck_assert_uint_eq(entry(&p, 2), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_queue_turns) {
    Poke p;
    XiveQueue queue;
    xive_new(&p);
    for (unsigned i = 0; i < 1025; i++) {
        pulse(&p, MESSAGE);
        page(&p, MESSAGE, SET_00);
    }
    ck_assert_uint_eq(entry(&p, 0), EVENT); /* the second time round */
    ck_assert_uint_eq(entry(&p, 1), 1u << 31 | EVENT);
    ck_assert(xive_get_queue(p.d, 1, PRIORITY, &queue));
    ck_assert_uint_eq(queue.index, 1);
    ck_assert_uint_eq(queue.turn, 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_masks) {
    Poke p;
    xive_new(&p);
    page(&p, MESSAGE, SET_01);
    pulse(&p, MESSAGE); /* off: lost */
    ck_assert_uint_eq(entry(&p, 0), 0);
    context(&p, 1, CPPR, PRIORITY);
    context(&p, 1, PENDING, PRIORITY);
    ck_assert(!interrupted(&p, 1));
    context(&p, 1, CPPR, PRIORITY + 1);
    ck_assert(interrupted(&p, 1));
    xive_reset(p.d);
    ck_assert(!interrupted(&p, 1));
    poke_free(&p);
}
END_TEST

START_TEST(test_what_does_not_exist) {
    Poke p;
    uint64_t v;
    XiveSource source;
    XiveQueue queue;
    xive_new(&p);
    ck_assert(!xive_source_exists(p.d, SPAPR_CPUS) && !xive_source_exists(p.d, SPAPR_IRQ_END));
    ck_assert(!xive_set_source(p.d, SPAPR_CPUS, 0, 0, NULL));
    ck_assert(!xive_set_source(p.d, MESSAGE, 2, 0, NULL));
    ck_assert(!xive_set_source(p.d, MESSAGE, 0, 8, NULL));
    ck_assert(!xive_get_source(p.d, SPAPR_IRQ_END, &source));
    ck_assert(!xive_access_source(p.d, SPAPR_IRQ_END, 0, false, &v));
    ck_assert(!xive_access_source(p.d, 0, 1 << XIVE_ESB_SHIFT, false, &v));
    ck_assert(!xive_set_queue(p.d, 2, 0, QUEUE, 12));
    ck_assert(!xive_set_queue(p.d, 0, 8, QUEUE, 12));
    ck_assert(!xive_set_queue(p.d, 0, 0, QUEUE + 4, 12));
    ck_assert(!xive_set_queue(p.d, 0, 0, QUEUE, 11));
    ck_assert(!xive_get_queue(p.d, 2, 0, &queue));
    ck_assert_ptr_null(xive_line(p.d, 2));
    ck_assert(xive_set_queue(p.d, 1, PRIORITY, UINT64_C(1) << 40, 12)); /* not memory: logged */
    pulse(&p, MESSAGE);
    uint64_t gpa = POKE_BASE + POKE_BANK + ((uint64_t)SPAPR_CPUS << XIVE_ESB_SHIFT);
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ gpa, 8, 0 }, &v), BUS_NONE);
    poke_free(&p);
}
END_TEST

POKE_MAIN("xive", test_message, test_level, test_queue_turns, test_masks, test_what_does_not_exist)
