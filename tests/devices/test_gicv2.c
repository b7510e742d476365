/* SPDX-License-Identifier: MIT */
/* test_gicv2.c - the interrupt controller, poked without a CPU. */
#include "tests/devices/gic.h"

enum {
    ITARGETSR = 0x800, SGIR = 0xf00, CPENDSGIR = 0xf10, SPENDSGIR = 0xf20,
    C_CTLR = 0x00, C_PMR = 0x04, C_BPR = 0x08, C_IAR = 0x0c, C_EOIR = 0x10, C_RPR = 0x14, C_HPPIR = 0x18, C_ABPR = 0x1c,
    C_AIAR = 0x20, C_AEOIR = 0x24, C_AHPPIR = 0x28, C_APR = 0xd0, C_NSAPR = 0xe0, C_DIR = 0x1000,
};

static uint32_t dist(Poke *p, unsigned cpu, uint32_t offset) {
    return (uint32_t)peek_at(p, POKE_BASE + offset, 4, cpu);
}
static void dist_set(Poke *p, unsigned cpu, uint32_t offset, uint32_t value) {
    poke_at(p, POKE_BASE + offset, 4, cpu, value);
}
static uint32_t cif(Poke *p, unsigned cpu, uint32_t offset) {
    return (uint32_t)peek_at(p, POKE_BASE + POKE_BANK + offset, 4, cpu);
}
static void cif_set(Poke *p, unsigned cpu, uint32_t offset, uint32_t value) {
    poke_at(p, POKE_BASE + POKE_BANK + offset, 4, cpu, value);
}

/* Everything on, all SPIs to CPU 0 with priority 0xa0, as an operating system does it. */
static void gic_new(Poke *p, unsigned cpus) {
    poke_new(p, &device_gicv2, &(GicConfig){ .cpus = cpus });
    dist_set(p, 0, CTLR, 1);
    for (unsigned i = 32; i < 288; i++) {
        poke_at(p, POKE_BASE + IPRIORITYR + i, 1, 0, 0xa0);
        poke_at(p, POKE_BASE + ITARGETSR + i, 1, 0, 1);
    }
    for (unsigned i = 32; i < 288; i += 32) {
        dist_set(p, 0, ISENABLER + i / 8, 0xffffffff);
    }
    for (unsigned c = 0; c < cpus; c++) {
        dist_set(p, c, ISENABLER, 0xffff0000);
        for (unsigned i = 0; i < 32; i += 4) {
            dist_set(p, c, IPRIORITYR + i, 0xa0a0a0a0);
        }
        cif_set(p, c, C_PMR, 0xf0);
        cif_set(p, c, C_CTLR, 1);
    }
}

START_TEST(test_identity) {
    Poke p;
    gic_new(&p, 4);
    ck_assert_uint_eq(dist(&p, 0, TYPER), 8 | 3 << 5);
    ck_assert_uint_eq(dist(&p, 0, 0xfe8), 0x2b);
    ck_assert_uint_eq(cif(&p, 0, 0xfc), 0x0002043b);
    ck_assert_uint_eq(dist(&p, 2, ITARGETSR), 0x04040404);
    ck_assert_uint_eq(dist(&p, 0, ICFGR), 0xaaaaaaaa);
    ck_assert_uint_eq(dist(&p, 1, ISENABLER) & 0xffff, 0xffff);
    ck_assert_uint_eq(dist(&p, 0, ISENABLER + 4 * 9), 0); /* no INTID 288 */
    dist_set(&p, 0, ISENABLER + 4 * 9, 0xffffffff);
    ck_assert_uint_eq(dist(&p, 0, ISENABLER + 4 * 9), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_level) {
    Poke p;
    gic_new(&p, 1);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), SPURIOUS);
    line(&p, 33, true);
    ck_assert(irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_HPPIR), 33);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 33);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0xa0);
    ck_assert_uint_eq(dist(&p, 0, ISACTIVER + 4), 2);
    ck_assert_uint_eq(dist(&p, 0, ISPENDR + 4), 2); /* the line is still high: active and pending */
    cif_set(&p, 0, C_EOIR, 33);
    ck_assert(irq(&p, 0)); /* and comes again */
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 33);
    line(&p, 33, false);
    ck_assert_uint_eq(dist(&p, 0, ISPENDR + 4), 0);
    cif_set(&p, 0, C_EOIR, 33);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0xff);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), SPURIOUS);
    /* Pended by software: stays pending without the line, gone when acknowledged. */
    dist_set(&p, 0, ISPENDR + 4, 1 << 5);
    ck_assert(irq(&p, 0));
    dist_set(&p, 0, ICPENDR + 4, 1 << 5);
    ck_assert(!irq(&p, 0));
    dist_set(&p, 0, ISPENDR + 4, 1 << 5);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 37);
    cif_set(&p, 0, C_EOIR, 37);
    ck_assert(!irq(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_edge) {
    Poke p;
    gic_new(&p, 1);
    dist_set(&p, 0, ICFGR + 4 * 2, 2 << (2 * 8)); /* INTID 40 */
    ck_assert_uint_eq(dist(&p, 0, ICFGR + 4 * 2), 2 << 16);
    line(&p, 40, true);
    line(&p, 40, false);
    ck_assert(irq(&p, 0)); /* remembered */
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 40);
    line(&p, 40, true); /* again while active */
    ck_assert(!irq(&p, 0));
    cif_set(&p, 0, C_EOIR, 40);
    ck_assert(irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 40);
    cif_set(&p, 0, C_EOIR, 40);
    ck_assert(!irq(&p, 0)); /* a high level is no new edge */
    line(&p, 40, true);
    ck_assert(!irq(&p, 0)); /* nor is one that is told again */
    poke_free(&p);
}
END_TEST

START_TEST(test_priorities_and_preemption) {
    Poke p;
    gic_new(&p, 1);
    priority(&p, 50, 0x80);
    priority(&p, 51, 0x40);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + IPRIORITYR + 51, 1, 0), 0x40);
    priority(&p, 52, 0x47); /* low bits are not there */
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + IPRIORITYR + 52, 1, 0), 0x40);
    line(&p, 50, true);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 50);
    line(&p, 34, true); /* 0xa0: waits */
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), SPURIOUS);
    line(&p, 52, true);
    line(&p, 51, true); /* equal priorities: the lower number first */
    ck_assert(irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 51);
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0x40);
    ck_assert_uint_eq(cif(&p, 0, C_APR), 1u << 16 | 1u << 8);
    ck_assert(!irq(&p, 0));
    line(&p, 51, false);
    cif_set(&p, 0, C_EOIR, 51);
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0x80);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 52);
    line(&p, 52, false);
    cif_set(&p, 0, C_EOIR, 52);
    line(&p, 50, false);
    ck_assert(!irq(&p, 0));
    cif_set(&p, 0, C_EOIR, 50);
    ck_assert(irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 34);
    cif_set(&p, 0, C_EOIR, 34);
    /* The mask lets through what is strictly higher. */
    cif_set(&p, 0, C_PMR, 0xa0);
    ck_assert(!irq(&p, 0));
    cif_set(&p, 0, C_PMR, 0xaf);
    ck_assert_uint_eq(cif(&p, 0, C_PMR), 0xa8);
    ck_assert(irq(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_binary_point) {
    Poke p;
    gic_new(&p, 1);
    cif_set(&p, 0, C_BPR, 0);
    ck_assert_uint_eq(cif(&p, 0, C_BPR), 2); /* smallest with five bits */
    cif_set(&p, 0, C_BPR, 6);                /* only bit 7 decides about preemption */
    priority(&p, 60, 0xc0);
    priority(&p, 61, 0x80);
    priority(&p, 62, 0x78);
    line(&p, 60, true);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 60);
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0x80);
    line(&p, 61, true);
    ck_assert(!irq(&p, 0));
    line(&p, 62, true);
    ck_assert(irq(&p, 0));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 62);
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_sgi) {
    Poke p;
    gic_new(&p, 4);
    dist_set(&p, 1, SGIR, 0x4 << 16 | 5);  /* 1 to 2 */
    dist_set(&p, 3, SGIR, 1 << 24 | 5);    /* 3 to all others */
    dist_set(&p, 2, SGIR, 2 << 24 | 9);    /* 2 to itself */
    ck_assert(irq(&p, 0) && irq(&p, 1) && irq(&p, 2) && !irq(&p, 3));
    ck_assert_uint_eq(dist(&p, 2, SPENDSGIR + 4), 0x0a << 8);
    ck_assert_uint_eq(dist(&p, 2, ISPENDR), 1 << 5 | 1 << 9);
    ck_assert_uint_eq(cif(&p, 2, C_IAR), 1 << 10 | 5); /* the lowest sender first */
    cif_set(&p, 2, C_EOIR, 1 << 10 | 5);
    ck_assert_uint_eq(cif(&p, 2, C_IAR), 3 << 10 | 5);
    cif_set(&p, 2, C_EOIR, 3 << 10 | 5);
    ck_assert_uint_eq(cif(&p, 2, C_IAR), 2 << 10 | 9);
    cif_set(&p, 2, C_EOIR, 2 << 10 | 9);
    ck_assert_uint_eq(cif(&p, 2, C_IAR), SPURIOUS);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 3 << 10 | 5);
    dist_set(&p, 1, CPENDSGIR + 4, 0x08 << 8);
    ck_assert(!irq(&p, 1));
    poke_at(&p, POKE_BASE + SPENDSGIR + 3, 1, 1, 1);
    ck_assert_uint_eq(cif(&p, 1, C_IAR), 3);
    dist_set(&p, 0, SGIR, 3 << 24 | 1); /* reserved filter, and a CPU that is not there */
    dist_set(&p, 0, SGIR, 0xf0 << 16 | 1);
    ck_assert(!irq(&p, 3));
    /* SGIs cannot be switched off or pended by the other registers. */
    dist_set(&p, 3, ICENABLER, 0xffff);
    dist_set(&p, 3, ISPENDR, 0xffff);
    ck_assert_uint_eq(dist(&p, 3, ISENABLER) & 0xffff, 0xffff);
    ck_assert(!irq(&p, 3));
    poke_free(&p);
}
END_TEST

START_TEST(test_private_and_targets) {
    Poke p;
    gic_new(&p, 3);
    line(&p, GIC_PPI(1, 27), true);
    ck_assert(!irq(&p, 0) && irq(&p, 1) && !irq(&p, 2));
    ck_assert_uint_eq(dist(&p, 1, ISPENDR), 1u << 27);
    ck_assert_uint_eq(dist(&p, 0, ISPENDR), 0);
    ck_assert_uint_eq(cif(&p, 1, C_IAR), 27);
    line(&p, GIC_PPI(1, 27), false);
    cif_set(&p, 1, C_EOIR, 27);
    poke_at(&p, POKE_BASE + ITARGETSR + 70, 1, 0, 0xff);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + ITARGETSR + 70, 1, 0), 7);
    poke_at(&p, POKE_BASE + ITARGETSR + 70, 1, 0, 6);
    line(&p, 70, true);
    ck_assert(!irq(&p, 0) && irq(&p, 1) && irq(&p, 2));
    ck_assert_uint_eq(cif(&p, 2, C_IAR), 70); /* one takes it, the other sees nothing any more */
    ck_assert(!irq(&p, 1));
    ck_assert_uint_eq(cif(&p, 1, C_IAR), SPURIOUS);
    poke_at(&p, POKE_BASE + ITARGETSR + 70, 1, 0, 1);
    line(&p, 70, false);
    cif_set(&p, 2, C_EOIR, 70);
    ck_assert_uint_eq(cif(&p, 2, C_RPR), 0xff);
    ck_assert_uint_eq(dist(&p, 0, ISACTIVER + 8), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_split_end) {
    Poke p;
    gic_new(&p, 1);
    cif_set(&p, 0, C_CTLR, 1 | 1 << 9);
    line(&p, 80, true);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 80);
    cif_set(&p, 0, C_EOIR, 80);
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0xff);
    ck_assert_uint_eq(dist(&p, 0, ISACTIVER + 8), 1 << 16);
    ck_assert(!irq(&p, 0)); /* active still */
    cif_set(&p, 0, C_DIR, 80);
    ck_assert_uint_eq(dist(&p, 0, ISACTIVER + 8), 0);
    ck_assert(irq(&p, 0));
    cif_set(&p, 0, C_CTLR, 1);
    cif_set(&p, 0, C_DIR, 80);
    ck_assert(poke_logged(&p, "DIR"));
    cif_set(&p, 0, C_EOIR, 1023);
    cif_set(&p, 0, C_EOIR, 1000);
    cif_set(&p, 0, C_EOIR, 80); /* nothing is active */
    ck_assert_uint_eq(cif(&p, 0, C_RPR), 0xff);
    dist_set(&p, 0, ISACTIVER + 8, 1 << 16);
    ck_assert(!irq(&p, 0));
    dist_set(&p, 0, ICACTIVER + 8, 1 << 16);
    ck_assert(irq(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_groups) {
    Poke p;
    gic_new(&p, 1);
    dist_set(&p, 0, IGROUPR + 4, 1 << 4);
    dist_set(&p, 0, CTLR, 3);
    cif_set(&p, 0, C_CTLR, 0xb); /* both groups, group 0 as FIQ */
    line(&p, 36, true);
    ck_assert(irq(&p, 0) && !poke_irq(&p, GIC_OUT_FIQ(0)));
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 1022);
    ck_assert_uint_eq(cif(&p, 0, C_HPPIR), 1022);
    ck_assert_uint_eq(cif(&p, 0, C_AHPPIR), 36);
    priority(&p, 37, 0x20);
    line(&p, 37, true);
    ck_assert(!irq(&p, 0) && poke_irq(&p, GIC_OUT_FIQ(0)));
    ck_assert_uint_eq(cif(&p, 0, C_AIAR), SPURIOUS);
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 37);
    line(&p, 37, false);
    cif_set(&p, 0, C_EOIR, 37);
    ck_assert_uint_eq(cif(&p, 0, C_AIAR), 36);
    ck_assert_uint_eq(cif(&p, 0, C_NSAPR), 1u << 20);
    ck_assert_uint_eq(cif(&p, 0, C_APR), 0);
    cif_set(&p, 0, C_AEOIR, 36);
    ck_assert_uint_eq(cif(&p, 0, C_NSAPR), 0);
    cif_set(&p, 0, C_CTLR, 0xf); /* AckCtl */
    ck_assert_uint_eq(cif(&p, 0, C_IAR), 36);
    dist_set(&p, 0, CTLR, 0);
    ck_assert(!irq(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_enables_reset_and_sizes) {
    Poke p;
    gic_new(&p, 1);
    line(&p, 90, true);
    ck_assert(irq(&p, 0));
    dist_set(&p, 0, ICENABLER + 8, 1 << 26);
    ck_assert(!irq(&p, 0));
    dist_set(&p, 0, ISENABLER + 8, 1 << 26);
    cif_set(&p, 0, C_CTLR, 0);
    ck_assert(!irq(&p, 0));
    cif_set(&p, 0, C_CTLR, 1);
    ck_assert(irq(&p, 0));
    device_reset(p.d);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(dist(&p, 0, ISPENDR + 8), 1 << 26); /* the line is as it was */
    ck_assert_uint_eq(dist(&p, 0, ISENABLER + 8), 0);
    uint64_t v;
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ POKE_BASE + CTLR, 2, 0 }, &v), BUS_REFUSED);
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ POKE_BASE + CTLR, 8, 0 }, &v), BUS_REFUSED);
    ck_assert_int_eq(bus_write(p.bus, (BusAccess){ POKE_BASE + ISENABLER + 1, 1, 0 }, 1), BUS_REFUSED);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + TYPER, 4, 77), 8); /* a CPU that is not there does no harm */
    GError *error = NULL;
    ck_assert(!device_new(&device_gicv2, "gic", &(DeviceEnv){ 0 }, &(GicConfig){ .cpus = 9 }, &error));
    ck_assert(strstr(error->message, "not 9") != NULL);
    g_error_free(error);
    poke_free(&p);
}
END_TEST

POKE_MAIN("gicv2", test_identity, test_level, test_edge, test_priorities_and_preemption, test_binary_point, test_sgi,
          test_private_and_targets, test_split_end, test_groups, test_enables_reset_and_sizes)
