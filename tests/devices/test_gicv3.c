/* SPDX-License-Identifier: MIT */
/* test_gicv3.c - the interrupt controller, poked without a CPU: its registers by the bus, ICC_* by their functions. */
#include <libfdt.h>

#include "tests/devices/gicv3.h"

/* Acknowledges, and expects that interrupt. */
static void takes(Poke *p, unsigned cpu, unsigned id) {
    ck_assert_uint_eq(icc(p, cpu, "IAR1"), id);
}
static void ends(Poke *p, unsigned cpu, unsigned id) {
    icc_set(p, cpu, "EOIR1", id);
}

START_TEST(test_identity) {
    Poke p;
    gic_new(&p, 18);
    ck_assert_uint_eq(dist(&p, CTLR), 1 << 6 | 1 << 4 | 3);
    ck_assert_uint_eq(dist(&p, TYPER), 1 << 24 | 9 << 19 | 8);
    ck_assert_uint_eq(dist(&p, 0xffe8), 0x3b); /* architecture revision 3 */
    ck_assert_uint_eq(redist(&p, 17, 0xffe8), 0x3b);
    ck_assert_uint_eq(dist(&p, 0xfff0), 0x0d);
    ck_assert(peek_at(&p, redist_at(0, 8), 8, 0) == (1 << 5));
    ck_assert(peek_at(&p, redist_at(16, 8), 8, 0) == (UINT64_C(0x100) << 32 | 16 << 8 | 1 << 5));
    ck_assert(peek_at(&p, redist_at(17, 8), 8, 0) == (UINT64_C(0x101) << 32 | 17 << 8 | 1 << 5 | 1 << 4));
    ck_assert_uint_eq(redist(&p, 17, 12), 0x101); /* the half of it */
    ck_assert_uint_eq(redist(&p, 18, 8), 0);      /* no such CPU */
    redist_set(&p, 18, WAKER, 0);
    own_set(&p, 122, ISENABLER, 0xffffffff);
    ck_assert_uint_eq(own(&p, 122, ISENABLER), 0);
    ck_assert_uint_eq(icc(&p, 0, "SRE"), 7);
    icc_set(&p, 0, "SRE", 0);
    ck_assert_uint_eq(icc(&p, 0, "SRE"), 7);
    icc_set(&p, 0, "CTLR", 0xffffffff);
    ck_assert_uint_eq(icc(&p, 0, "CTLR"), 1 << 15 | 4 << 8 | 3);
    icc_set(&p, 0, "PMR", 0xff);
    ck_assert_uint_eq(icc(&p, 0, "PMR"), 0xf8);
    for (const GicCpuReg *r = gicv3_cpu_regs; r->name; r++) {
        ck_assert_uint_eq(r->code >> 11, 3 << 3); /* op0 3, op1 0 */
    }
    poke_free(&p);
}
END_TEST

START_TEST(test_reset_values) {
    Poke p;
    poke_new(&p, &device_gicv3, &(GicConfig){ .cpus = 2 });
    ck_assert_uint_eq(dist(&p, CTLR), 1 << 6 | 1 << 4);
    ck_assert_uint_eq(redist(&p, 1, WAKER), 6);
    ck_assert_uint_eq(own(&p, 1, ISENABLER), 0);
    ck_assert_uint_eq(own(&p, 1, IGROUPR), 0);
    ck_assert_uint_eq(own(&p, 1, ICFGR), 0xaaaaaaaa);
    ck_assert_uint_eq(own(&p, 1, ICFGR + 4), 0);
    static const struct { const char *name; uint32_t value; } rows[] = {
        { "PMR", 0 }, { "BPR0", 2 }, { "BPR1", 3 }, { "IGRPEN0", 0 }, { "IGRPEN1", 0 }, { "RPR", 0xff },
        { "AP0R0", 0 }, { "AP1R0", 0 }, { "IAR0", SPURIOUS }, { "IAR1", SPURIOUS }, { "HPPIR0", SPURIOUS },
        { "HPPIR1", SPURIOUS }, { "CTLR", 0x8400 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ck_assert_msg(icc(&p, 1, rows[i].name) == rows[i].value, "%s", rows[i].name);
    }
    poke_free(&p);
}
END_TEST

/* What word 0 of the distributor would be belongs to the redistributors; SPIs beyond the last do not exist. */
START_TEST(test_words_that_are_not_there) {
    static const uint32_t words[] = { IGROUPR, ISENABLER, ISPENDR, ISACTIVER };
    static const uint32_t zero[] = { 0x00c, 0x800, 0x840, 0xd00, 0xd04, 0xe00, 0xe08 };
    Poke p;
    poke_new(&p, &device_gicv3, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        for (unsigned w = 0; w < 32; w++) {
            dist_set(&p, words[i] + 4 * w, 0x55aa55aa);
            ck_assert_uint_eq(dist(&p, words[i] + 4 * w), w >= 1 && w < 9 ? 0x55aa55aa : 0);
            own_set(&p, 0, words[i], 0x55aa55aa);
        }
        ck_assert_uint_eq(own(&p, 0, words[i]), 0x55aa55aa);
    }
    for (unsigned i = 0; i < 255; i++) {
        bool there = i >= 8 && i < 72;
        dist_set(&p, IPRIORITYR + 4 * i, 0x87654321);
        ck_assert_uint_eq(dist(&p, IPRIORITYR + 4 * i), there ? 0x80604020 : 0);
        dist_set(&p, ICFGR + 4 * (i % 64), 0xffffffff);
        ck_assert_uint_eq(dist(&p, ICFGR + 4 * (i % 64)), i % 64 >= 2 && i % 64 < 18 ? 0xaaaaaaaa : 0);
    }
    for (unsigned i = 32; i < 1020; i++) {
        route(&p, i, UINT64_MAX);
        ck_assert(peek_at(&p, POKE_BASE + IROUTER + 8 * i, 8, 0) == (i < 288 ? 0xff80ffffff : 0));
    }
    poke_at(&p, POKE_BASE + IROUTER + 8 * 40, 4, 0, 5); /* one half leaves the other */
    ck_assert(peek_at(&p, POKE_BASE + IROUTER + 8 * 40, 8, 0) == 0xff00000005);
    for (size_t i = 0; i < G_N_ELEMENTS(zero); i++) {
        dist_set(&p, zero[i], 0xffffffff);
        ck_assert_uint_eq(dist(&p, zero[i]), 0);
    }
    own_set(&p, 0, ICFGR, 0);
    ck_assert_uint_eq(own(&p, 0, ICFGR), 0xaaaaaaaa);
    own_set(&p, 0, ICFGR + 4, 0xffff0000);
    ck_assert_uint_eq(own(&p, 0, ICFGR + 4), 0xaaaa0000);
    ck_assert_uint_eq(own(&p, 0, ICFGR), 0xaaaaaaaa);
    own_set(&p, 0, 0xd00, 0xffffffff);
    ck_assert_uint_eq(own(&p, 0, 0xd00), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_level) {
    Poke p;
    gic_new(&p, 1);
    takes(&p, 0, SPURIOUS);
    line(&p, 33, true);
    ck_assert(irq(&p, 0) && !fiq(&p, 0));
    ck_assert_uint_eq(icc(&p, 0, "HPPIR1"), 33);
    ck_assert_uint_eq(icc(&p, 0, "HPPIR0"), SPURIOUS);
    takes(&p, 0, 33);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xa0);
    ck_assert_uint_eq(dist(&p, ISACTIVER + 4), 2);
    ck_assert_uint_eq(dist(&p, ISPENDR + 4), 2); /* the line is still high: active and pending */
    ends(&p, 0, 33);
    ck_assert(irq(&p, 0)); /* and comes again */
    takes(&p, 0, 33);
    line(&p, 33, false);
    ck_assert_uint_eq(dist(&p, ISPENDR + 4), 0);
    ends(&p, 0, 33);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xff);
    takes(&p, 0, SPURIOUS);
    /* Pended by software: stays pending without the line, gone when acknowledged. */
    dist_set(&p, ISPENDR + 4, 1 << 5);
    ck_assert(irq(&p, 0));
    dist_set(&p, ICPENDR + 4, 1 << 5);
    ck_assert(!irq(&p, 0));
    dist_set(&p, ISPENDR + 4, 1 << 5);
    takes(&p, 0, 37);
    ends(&p, 0, 37);
    ck_assert(!irq(&p, 0));
    /* A line that goes away before anybody looks. */
    line(&p, 34, true);
    line(&p, 34, false);
    ck_assert(!irq(&p, 0));
    takes(&p, 0, SPURIOUS);
    poke_free(&p);
}
END_TEST

START_TEST(test_edge) {
    Poke p;
    gic_new(&p, 1);
    dist_set(&p, ICFGR + 4 * 2, 2 << (2 * 8)); /* INTID 40 */
    line(&p, 40, true);
    line(&p, 40, false);
    ck_assert(irq(&p, 0)); /* remembered */
    takes(&p, 0, 40);
    line(&p, 40, true); /* again while active */
    ck_assert(!irq(&p, 0));
    ends(&p, 0, 40);
    ck_assert(irq(&p, 0));
    takes(&p, 0, 40);
    ends(&p, 0, 40);
    ck_assert(!irq(&p, 0)); /* a high level is no new edge */
    line(&p, 40, true);
    ck_assert(!irq(&p, 0)); /* nor is one that is told again */
    ck_assert_uint_eq(dist(&p, ISPENDR + 4), 0);
    /* The same for a PPI, by both of its ways in. */
    own_set(&p, 0, ICFGR + 4, 2 << (2 * 11));
    gicv3_ppi(p.d, 0, 27, true);
    line(&p, GIC_PPI(0, 27), false);
    takes(&p, 0, 27);
    gicv3_ppi(p.d, 0, 27, true);
    ends(&p, 0, 27);
    takes(&p, 0, 27);
    ends(&p, 0, 27);
    takes(&p, 0, SPURIOUS);
    poke_free(&p);
}
END_TEST

START_TEST(test_priorities_and_preemption) {
    Poke p;
    gic_new(&p, 1);
    priority(&p, 50, 0x80);
    priority(&p, 51, 0x40);
    priority(&p, 52, 0x47); /* low bits are not there */
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + IPRIORITYR + 52, 1, 0), 0x40);
    line(&p, 50, true);
    takes(&p, 0, 50);
    line(&p, 34, true); /* 0xa0: waits */
    ck_assert(!irq(&p, 0));
    takes(&p, 0, SPURIOUS);
    ck_assert_uint_eq(icc(&p, 0, "HPPIR1"), 34); /* which masks and running priority do not hide */
    line(&p, 52, true);
    line(&p, 51, true); /* equal priorities: the lower number first */
    ck_assert(irq(&p, 0));
    takes(&p, 0, 51);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0x40);
    ck_assert_uint_eq(icc(&p, 0, "AP1R0"), 1u << 16 | 1u << 8);
    ck_assert_uint_eq(icc(&p, 0, "AP0R0"), 0);
    ck_assert(!irq(&p, 0));
    line(&p, 51, false);
    ends(&p, 0, 51);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0x80);
    takes(&p, 0, 52);
    line(&p, 52, false);
    ends(&p, 0, 52);
    line(&p, 50, false);
    ck_assert(!irq(&p, 0));
    ends(&p, 0, 50);
    ck_assert(irq(&p, 0));
    takes(&p, 0, 34);
    ends(&p, 0, 34);
    /* An SGI of the same priority has the lower number; a PPI of a lower one waits. */
    icc_set(&p, 0, "SGI1R", 3 << 24 | 1);
    own_set(&p, 0, IPRIORITYR + 24, 0xa0a8a0a0);
    gicv3_ppi(p.d, 0, 26, true);
    takes(&p, 0, 3);
    ends(&p, 0, 3);
    takes(&p, 0, 34);
    line(&p, 34, false);
    ends(&p, 0, 34);
    takes(&p, 0, 26);
    gicv3_ppi(p.d, 0, 26, false);
    ends(&p, 0, 26);
    poke_free(&p);
}
END_TEST

START_TEST(test_mask) {
    Poke p;
    gic_new(&p, 1);
    line(&p, 34, true);
    icc_set(&p, 0, "PMR", 0xa0); /* lets through what is strictly higher */
    ck_assert(!irq(&p, 0));
    takes(&p, 0, SPURIOUS);
    icc_set(&p, 0, "PMR", 0xaf);
    ck_assert_uint_eq(icc(&p, 0, "PMR"), 0xa8);
    ck_assert(irq(&p, 0));
    icc_set(&p, 0, "PMR", 0);
    ck_assert(!irq(&p, 0));
    gicv3_ppi(p.d, 0, 20, true);
    ck_assert(!irq(&p, 0));
    icc_set(&p, 0, "PMR", 0xff);
    ck_assert(irq(&p, 0));
    priority(&p, 34, 0xff); /* of the lowest priority no one ever hears */
    own_set(&p, 0, IPRIORITYR + 20, 0xf8);
    ck_assert(!irq(&p, 0));
    ck_assert_uint_eq(icc(&p, 0, "HPPIR1"), 20);
    poke_free(&p);
}
END_TEST

START_TEST(test_binary_point) {
    Poke p;
    gic_new(&p, 1);
    icc_set(&p, 0, "BPR0", 0);
    icc_set(&p, 0, "BPR1", 0);
    ck_assert_uint_eq(icc(&p, 0, "BPR0"), 2); /* smallest with five bits */
    ck_assert_uint_eq(icc(&p, 0, "BPR1"), 3);
    icc_set(&p, 0, "BPR1", 7); /* only bit 7 decides about preemption */
    priority(&p, 60, 0xc0);
    priority(&p, 61, 0x80);
    priority(&p, 62, 0x78);
    line(&p, 60, true);
    takes(&p, 0, 60);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0x80);
    line(&p, 61, true);
    ck_assert(!irq(&p, 0));
    line(&p, 62, true);
    ck_assert(irq(&p, 0));
    takes(&p, 0, 62);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0);
    line(&p, 62, false);
    ends(&p, 0, 62);
    /* The pending interrupt's mask applies to the running priority as well. */
    icc_set(&p, 0, "BPR1", 3);
    ck_assert(!irq(&p, 0)); /* 0x80 against 0x80 */
    priority(&p, 61, 0x78);
    ck_assert(irq(&p, 0));
    icc_set(&p, 0, "AP1R0", 1 << 15); /* 0x78 runs */
    priority(&p, 61, 0x70);
    ck_assert(irq(&p, 0));
    icc_set(&p, 0, "BPR1", 5); /* 7:5 are the same */
    ck_assert(!irq(&p, 0));
    /* One binary point for both groups. */
    icc_set(&p, 0, "BPR0", 4);
    icc_set(&p, 0, "CTLR", 1);
    ck_assert_uint_eq(icc(&p, 0, "BPR1"), 5);
    icc_set(&p, 0, "BPR1", 3);
    ck_assert_uint_eq(icc(&p, 0, "BPR1"), 5);
    icc_set(&p, 0, "BPR0", 7);
    ck_assert_uint_eq(icc(&p, 0, "BPR1"), 7);
    icc_set(&p, 0, "AP1R0", 0);
    takes(&p, 0, 61);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0); /* nothing can preempt */
    icc_set(&p, 0, "CTLR", 0);
    ck_assert_uint_eq(icc(&p, 0, "BPR1"), 5);
    poke_free(&p);
}
END_TEST

START_TEST(test_sgi) {
    Poke p;
    gic_new(&p, 20);
    icc_set(&p, 1, "SGI1R", 5 << 24 | 1 << 2 | 1 << 3);                     /* 1 to 2 and 3 */
    icc_set(&p, 1, "SGI1R", 6 << 24 | UINT64_C(1) << 16 | 1 << 3 | 1 << 4); /* to 19; there is no 20 */
    ck_assert(!irq(&p, 1) && irq(&p, 2) && irq(&p, 3) && !irq(&p, 4) && irq(&p, 19));
    takes(&p, 2, 5); /* without a sender, and only once */
    ends(&p, 2, 5);
    takes(&p, 2, SPURIOUS);
    icc_set(&p, 1, "SGI1R", 5 << 24 | 1 << 3); /* 3 has not looked yet */
    takes(&p, 3, 5);
    icc_set(&p, 1, "SGI1R", 5 << 24 | 1 << 3); /* active and pending */
    ck_assert_uint_eq(own(&p, 3, ISACTIVER), 1 << 5);
    ck_assert_uint_eq(own(&p, 3, ISPENDR), 1 << 5);
    ck_assert(!irq(&p, 3));
    ends(&p, 3, 5);
    takes(&p, 3, 5);
    ends(&p, 3, 5);
    takes(&p, 19, 6);
    ends(&p, 19, 6);
    /* To all others; to nobody: other clusters of levels 1 to 3. */
    icc_set(&p, 7, "SGI1R", UINT64_C(1) << 40 | 9 << 24);
    for (unsigned i = 0; i < 20; i++) {
        takes(&p, i, i == 7 ? SPURIOUS : 9);
        ends(&p, i, 9);
    }
    icc_set(&p, 0, "SGI1R", UINT64_C(2) << 16 | 0xffff);
    icc_set(&p, 0, "SGI1R", UINT64_C(1) << 32 | 0xffff);
    icc_set(&p, 0, "SGI1R", UINT64_C(1) << 48 | 0xffff);
    icc_set(&p, 0, "SGI1R", UINT64_C(0xff) << 48 | UINT64_C(0xff) << 32 | 0xff << 16 | 0xffff);
    icc_set(&p, 0, "ASGI1R", 0xffff);
    icc_set(&p, 0, "SGI0R", 0xffff); /* the receivers' SGI 0 is of group 1 */
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(own(&p, i, ISPENDR), 0);
    }
    own_set(&p, 4, IGROUPR, ~1u);
    icc_set(&p, 0, "SGI1R", 0xffff);
    ck_assert(irq(&p, 0) && irq(&p, 3) && !irq(&p, 4) && !fiq(&p, 4));
    icc_set(&p, 0, "SGI0R", 0xffff);
    ck_assert(!irq(&p, 4) && fiq(&p, 4) && !fiq(&p, 3));
    /* Other than in a GICv2 they can be switched off and pended. */
    own_set(&p, 4, ICENABLER, 1);
    ck_assert(!fiq(&p, 4));
    own_set(&p, 5, ISPENDR, 1 << 15);
    takes(&p, 5, 0);
    ends(&p, 5, 0);
    takes(&p, 5, 15);
    poke_free(&p);
}
END_TEST

START_TEST(test_private) {
    Poke p;
    gic_new(&p, 3);
    line(&p, GIC_PPI(1, 27), true);
    ck_assert(!irq(&p, 0) && irq(&p, 1) && !irq(&p, 2));
    ck_assert_uint_eq(own(&p, 1, ISPENDR), 1u << 27);
    ck_assert_uint_eq(own(&p, 0, ISPENDR), 0);
    takes(&p, 1, 27);
    ck_assert_uint_eq(own(&p, 1, ISACTIVER), 1u << 27);
    own_set(&p, 1, ICACTIVER, 1u << 27);
    ck_assert(!irq(&p, 1)); /* its priority runs still */
    ends(&p, 1, 27);
    ck_assert(irq(&p, 1));
    own_set(&p, 1, ISACTIVER, 1u << 27);
    ck_assert(!irq(&p, 1));
    own_set(&p, 1, ICACTIVER, 1u << 27);
    gicv3_ppi(p.d, 1, 27, false);
    ck_assert(!irq(&p, 1));
    own_set(&p, 1, ISPENDR, 1u << 16);
    own_set(&p, 1, ICENABLER, 1u << 16);
    ck_assert(!irq(&p, 1));
    ck_assert_uint_eq(own(&p, 1, ISENABLER), ~(1u << 16));
    own_set(&p, 1, ISENABLER, 1u << 16);
    ck_assert(irq(&p, 1));
    own_set(&p, 1, ICPENDR, 1u << 16);
    ck_assert(!irq(&p, 1));
    poke_free(&p);
}
END_TEST

START_TEST(test_routes) {
    Poke p;
    gic_new(&p, 20);
    line(&p, 70, true);
    ck_assert(irq(&p, 0));
    route(&p, 70, 0x102); /* 18 */
    ck_assert(!irq(&p, 0) && irq(&p, 18));
    takes(&p, 0, SPURIOUS);
    takes(&p, 18, 70);
    route(&p, 70, 1); /* while active */
    ck_assert(!irq(&p, 1));
    ends(&p, 18, 70);
    ck_assert(irq(&p, 1) && !irq(&p, 18));
    takes(&p, 1, 70);
    line(&p, 70, false);
    icc_set(&p, 1, "CTLR", 2);
    ends(&p, 1, 70);
    icc_set(&p, 2, "CTLR", 2);
    icc_set(&p, 2, "DIR", 70); /* any CPU may */
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 0);
    static const uint64_t nobody[] = { 0x104, 0x200, 0x10, 0xff, 0x10000, UINT64_C(1) << 32, 0xff00ffffff & ~IRM };
    for (size_t i = 0; i < G_N_ELEMENTS(nobody); i++) {
        route(&p, 70, nobody[i]);
        line(&p, 70, true);
        for (unsigned c = 0; c < 20; c++) {
            ck_assert(!irq(&p, c));
        }
    }
    ck_assert_uint_eq(dist(&p, ISPENDR + 8), 1 << 6);
    route(&p, 70, 3);
    ck_assert(irq(&p, 3));
    /* Asleep, it gets nothing, neither SPIs nor its own. */
    gicv3_ppi(p.d, 3, 20, true);
    redist_set(&p, 3, WAKER, 2);
    ck_assert_uint_eq(redist(&p, 3, WAKER), 6);
    ck_assert(!irq(&p, 3));
    takes(&p, 3, SPURIOUS);
    redist_set(&p, 3, WAKER, 0);
    takes(&p, 3, 20);
    poke_free(&p);
}
END_TEST

/* An SPI that may go to any CPU. */
START_TEST(test_one_of_n) {
    Poke p;
    gic_new(&p, 4);
    route(&p, 70, IRM | 3);
    route(&p, 71, IRM);
    line(&p, 70, true);
    ck_assert(irq(&p, 0) && !irq(&p, 1) && !irq(&p, 2) && !irq(&p, 3));
    takes(&p, 0, 70);
    line(&p, 71, true); /* 0 is busy */
    ck_assert(!irq(&p, 0) && irq(&p, 1));
    icc_set(&p, 1, "PMR", 0); /* and 1 does not want it: to 2 */
    ck_assert(!irq(&p, 1) && irq(&p, 2));
    redist_set(&p, 2, 0, 1 << 25); /* GICR_CTLR.DPG1 */
    ck_assert_uint_eq(redist(&p, 2, 0), 1 << 25);
    ck_assert(!irq(&p, 2) && irq(&p, 3));
    redist_set(&p, 3, WAKER, 2);
    ck_assert(!irq(&p, 3));
    takes(&p, 3, SPURIOUS);
    ck_assert_uint_eq(icc(&p, 0, "HPPIR1"), 71); /* nobody can take it: it waits at the first that may */
    icc_set(&p, 1, "PMR", 0xf0);
    ck_assert(irq(&p, 1));
    icc_set(&p, 1, "IGRPEN1", 0);
    ck_assert(!irq(&p, 1));
    line(&p, 70, false);
    ends(&p, 0, 70);
    ck_assert(irq(&p, 0));
    takes(&p, 0, 71);
    /* Two at a time go to two CPUs. */
    icc_set(&p, 1, "IGRPEN1", 1);
    line(&p, 71, false);
    ends(&p, 0, 71);
    line(&p, 70, true);
    line(&p, 71, true);
    ck_assert(irq(&p, 0) && irq(&p, 1) && !irq(&p, 2));
    takes(&p, 0, 70);
    takes(&p, 1, 71);
    /* DPG0 is about the other group. */
    line(&p, 71, false);
    ends(&p, 1, 71);
    dist_set(&p, IGROUPR + 8, ~(1u << 8));
    route(&p, 72, IRM);
    redist_set(&p, 1, 0, 1 << 24);
    line(&p, 72, true);
    ck_assert(!fiq(&p, 0) && !fiq(&p, 1) && fiq(&p, 2));
    route(&p, 72, 1);
    ck_assert(fiq(&p, 1) && !fiq(&p, 2)); /* a route by affinity is not concerned */
    poke_free(&p);
}
END_TEST

START_TEST(test_split_end) {
    Poke p;
    gic_new(&p, 1);
    icc_set(&p, 0, "CTLR", 2);
    line(&p, 80, true);
    takes(&p, 0, 80);
    ends(&p, 0, 80);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xff);
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 1 << 16);
    ck_assert(!irq(&p, 0)); /* active still */
    icc_set(&p, 0, "DIR", 80);
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 0);
    ck_assert(irq(&p, 0));
    icc_set(&p, 0, "SGI1R", 1);
    takes(&p, 0, 0);
    ends(&p, 0, 0);
    ck_assert_uint_eq(own(&p, 0, ISACTIVER), 1);
    icc_set(&p, 0, "DIR", 0);
    ck_assert_uint_eq(own(&p, 0, ISACTIVER), 0);
    icc_set(&p, 0, "DIR", 1023);
    icc_set(&p, 0, "DIR", 288);
    ck_assert(poke_logged(&p, "INTID 288 to DIR"));
    icc_set(&p, 0, "CTLR", 0);
    dist_set(&p, ISACTIVER + 8, 1 << 16);
    icc_set(&p, 0, "DIR", 80);
    ck_assert(poke_logged(&p, "DIR while EOImode"));
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 1 << 16);
    dist_set(&p, ICACTIVER + 8, 1 << 16);
    ck_assert(irq(&p, 0));
    poke_free(&p);
}
END_TEST

/* Ends that do not belong to the highest active interrupt. */
START_TEST(test_wrong_ends) {
    Poke p;
    gic_new(&p, 1);
    line(&p, 80, true);
    takes(&p, 0, 80);
    static const unsigned ids[] = { 1020, 1021, 1022, 1023, 288, 5000, 0xffffff };
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        ends(&p, 0, ids[i]);
        ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xa0);
    }
    ck_assert(poke_logged(&p, "INTID 5000 to EOIR"));
    icc_set(&p, 0, "EOIR0", 80); /* the other group: nothing of that is active */
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xa0);
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 1 << 16);
    ends(&p, 0, UINT64_C(0xff000000) | 80);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xff);
    dist_set(&p, ISACTIVER + 8, 1 << 16);
    ends(&p, 0, 80); /* nothing runs */
    ck_assert_uint_eq(dist(&p, ISACTIVER + 8), 1 << 16);
    poke_free(&p);
}
END_TEST

START_TEST(test_groups) {
    Poke p;
    gic_new(&p, 1);
    dist_set(&p, IGROUPR + 4, ~(1u << 5)); /* 37 */
    line(&p, 36, true);
    ck_assert(irq(&p, 0) && !fiq(&p, 0));
    ck_assert_uint_eq(icc(&p, 0, "IAR0"), SPURIOUS);
    priority(&p, 37, 0x20);
    line(&p, 37, true);
    ck_assert(!irq(&p, 0) && fiq(&p, 0));
    takes(&p, 0, SPURIOUS);
    ck_assert_uint_eq(icc(&p, 0, "HPPIR1"), SPURIOUS);
    ck_assert_uint_eq(icc(&p, 0, "HPPIR0"), 37);
    ck_assert_uint_eq(icc(&p, 0, "IAR0"), 37);
    ck_assert_uint_eq(icc(&p, 0, "AP0R0"), 1 << 4);
    ck_assert_uint_eq(icc(&p, 0, "AP1R0"), 0);
    ends(&p, 0, 37); /* of the wrong group */
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0x20);
    line(&p, 37, false);
    icc_set(&p, 0, "EOIR0", 37);
    takes(&p, 0, 36);
    ck_assert_uint_eq(icc(&p, 0, "AP1R0"), 1u << 20);
    line(&p, 37, true); /* preempts */
    ck_assert_uint_eq(icc(&p, 0, "IAR0"), 37);
    ends(&p, 0, 36); /* not yet */
    ck_assert_uint_eq(icc(&p, 0, "AP1R0"), 1u << 20);
    icc_set(&p, 0, "EOIR0", 37);
    ends(&p, 0, 36);
    ck_assert_uint_eq(icc(&p, 0, "RPR"), 0xff);
    /* A group that is off here or there does not stand in the other's way. */
    ck_assert(fiq(&p, 0));
    icc_set(&p, 0, "IGRPEN0", 0);
    ck_assert(irq(&p, 0) && !fiq(&p, 0));
    icc_set(&p, 0, "IGRPEN0", 1);
    dist_set(&p, CTLR, GRP1);
    ck_assert(irq(&p, 0) && !fiq(&p, 0));
    dist_set(&p, CTLR, GRP0);
    ck_assert(!irq(&p, 0) && fiq(&p, 0));
    gicv3_ppi(p.d, 0, 20, true);
    own_set(&p, 0, IPRIORITYR + 20, 0);
    ck_assert(!irq(&p, 0) && fiq(&p, 0));
    dist_set(&p, CTLR, GRP0 | GRP1);
    ck_assert(irq(&p, 0) && !fiq(&p, 0));
    icc_set(&p, 0, "IGRPEN1", 0);
    ck_assert(!irq(&p, 0) && fiq(&p, 0));
    dist_set(&p, CTLR, 0);
    ck_assert(!irq(&p, 0) && !fiq(&p, 0));
    poke_free(&p);
}
END_TEST

START_TEST(test_reset_and_sizes) {
    Poke p;
    gic_new(&p, 2);
    line(&p, 90, true);
    line(&p, GIC_PPI(1, 30), true);
    ck_assert(irq(&p, 0) && irq(&p, 1));
    device_reset(p.d);
    ck_assert(!irq(&p, 0) && !irq(&p, 1));
    ck_assert_uint_eq(dist(&p, ISPENDR + 8), 1 << 26); /* the lines are as they were */
    ck_assert_uint_eq(own(&p, 1, ISPENDR), 1 << 30);
    ck_assert_uint_eq(dist(&p, ISENABLER + 8), 0);
    ck_assert_uint_eq(icc(&p, 0, "PMR"), 0);
    uint64_t v;
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ POKE_BASE + CTLR, 2, 0 }, &v), BUS_REFUSED);
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ POKE_BASE + CTLR, 8, 0 }, &v), BUS_REFUSED);
    ck_assert_int_eq(bus_write(p.bus, (BusAccess){ POKE_BASE + ISENABLER + 1, 1, 0 }, 1), BUS_REFUSED);
    ck_assert_int_eq(bus_write(p.bus, (BusAccess){ redist_at(1, SGI_BASE + CTLR), 8, 0 }, 1), BUS_REFUSED);
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ redist_at(123, 0), 4, 0 }, &v), BUS_NONE);
    static const struct { GicConfig config; const char *text; } wrong[] = {
        { { .cpus = 65 }, "a GICv3 serves 1 to 64 CPUs here, not 65" },
        { { .cpus = 0 }, "not 0" },
        { { .cpus = 2, .irqs = 1024 }, "a GICv3 has a multiple of 32 interrupts, at most 992, not 1024" },
        { { .cpus = 2, .irqs = 100 }, "not 100" },
        { { .cpus = 2, .cluster = 17 }, "a GICv3 reaches 1 to 16 CPUs in each cluster with SGIs, not 17" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GError *error = NULL;
        ck_assert(!device_new(&device_gicv3, "gic", &(DeviceEnv){ 0 }, &wrong[i].config, &error));
        ck_assert_msg(strstr(error->message, wrong[i].text) != NULL, "%s", error->message);
        g_error_free(error);
    }
    poke_free(&p);
}
END_TEST

static void fill(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    memset(bytes, *(int *)opaque, size);
}

/* State from elsewhere may be anything; what was pending is pending again. */
START_TEST(test_restored) {
    Poke p;
    gic_new(&p, 4);
    for (int byte = 0; byte < 256; byte += 51) {
        device_state_walk(p.d, fill, &byte);
        p.d->cls->restored(p.d);
        for (unsigned c = 0; c < 4; c++) {
            unsigned id = icc(&p, c, "IAR1");
            ck_assert(id < 288 || id == SPURIOUS);
            icc_set(&p, c, "EOIR1", id);
            icc_set(&p, c, "PMR", 0xff);
            ck_assert(icc(&p, c, "BPR0") >= 2 && icc(&p, c, "BPR0") <= 7);
            ck_assert(icc(&p, c, "BPR1") >= 3 && icc(&p, c, "BPR1") <= 7);
        }
    }
    device_reset(p.d);
    line(&p, 40, true);
    dist_set(&p, CTLR, GRP0);
    dist_set(&p, ISENABLER + 4, 1 << 8);
    redist_set(&p, 0, WAKER, 0);
    icc_set(&p, 0, "IGRPEN0", 1);
    icc_set(&p, 0, "PMR", 0xff);
    ck_assert(fiq(&p, 0));
    irq_set(device_irq(p.d, GIC_OUT_FIQ(0)), false); /* as after a reset in front of loading */
    p.d->cls->restored(p.d);
    ck_assert(fiq(&p, 0));
    poke_free(&p);
}
END_TEST

/* A CPU is reset alone: its interface is as at first; redistributor and distributor stay as they are. */
START_TEST(test_reset_cpu) {
    Poke p;
    gic_new(&p, 2);
    gicv3_ppi(p.d, 1, 27, true);
    takes(&p, 1, 27);
    route(&p, 70, IRM);
    route(&p, 71, 1);
    line(&p, 70, true);
    line(&p, 71, true);
    priority(&p, 71, 0x20);
    ck_assert(irq(&p, 0) && irq(&p, 1));
    gicv3_reset_cpu(gicv3_cpu(p.d, 1));
    ck_assert(irq(&p, 0) && !irq(&p, 1));
    static const char *const zero[] = { "PMR", "IGRPEN0", "IGRPEN1", "AP0R0", "AP1R0" };
    for (size_t i = 0; i < G_N_ELEMENTS(zero); i++) {
        ck_assert_uint_eq(icc(&p, 1, zero[i]), 0);
    }
    ck_assert_uint_eq(icc(&p, 1, "BPR0"), 2);
    ck_assert_uint_eq(icc(&p, 1, "BPR1"), 3);
    ck_assert_uint_eq(own(&p, 1, ISACTIVER), 1u << 27);
    ck_assert_uint_eq(own(&p, 1, ISENABLER), 0xffffffff);
    ck_assert_uint_eq(redist(&p, 1, WAKER), 0);
    icc_set(&p, 1, "IGRPEN1", 1);
    icc_set(&p, 1, "PMR", 0xff);
    takes(&p, 1, 71);
    poke_free(&p);
}
END_TEST

/* -- several threads -- */

enum { CROWD = 4, ROUNDS = 300, EDGE = 40, LEVEL = 41 };

typedef struct Crowd {
    Poke p;
    bool stop; /* both: atomic */
    unsigned got[288];
} Crowd;

typedef struct Member {
    Crowd *crowd;
    unsigned cpu;
    GThread *thread;
} Member;

static void serve(Crowd *c, unsigned cpu) {
    unsigned id = icc(&c->p, cpu, "IAR1");
    if (id == SPURIOUS) {
        return;
    }
    if (id == LEVEL) {
        line(&c->p, LEVEL, false);
    }
    ends(&c->p, cpu, id);
    __atomic_fetch_add(&c->got[id], 1, __ATOMIC_SEQ_CST);
}

static gpointer member(gpointer opaque) {
    Member *m = opaque;
    Crowd *c = m->crowd;
    for (unsigned n = 0; !__atomic_load_n(&c->stop, __ATOMIC_SEQ_CST); n++) {
        if (irq(&c->p, m->cpu)) {
            serve(c, m->cpu);
        }
        switch (n % 16) {
        case 3: icc_set(&c->p, m->cpu, "PMR", 0); break;
        case 4: icc_set(&c->p, m->cpu, "PMR", 0xff); break;
        case 7: icc_set(&c->p, m->cpu, "SGI1R", m->cpu << 24 | 1 << n / 16 % CROWD); break;
        case 9: gicv3_ppi(c->p.d, (m->cpu + 1) % CROWD, 20, n & 16); break;
        case 12: icc_set(&c->p, m->cpu, "IGRPEN1", n % 256 != 12); break;
        case 13: icc_set(&c->p, m->cpu, "IGRPEN1", 1); break;
        default: g_thread_yield(); break;
        }
    }
    return NULL;
}

static void wait_for(Crowd *c, unsigned id, unsigned count) {
    while (__atomic_load_n(&c->got[id], __ATOMIC_SEQ_CST) < count) {
        g_thread_yield();
    }
}

/* CPUs that are on their way in and out while lines, routes and SGIs change: nothing is lost, and nothing is left. */
START_TEST(test_threads) {
    Crowd c = { .stop = false };
    Member members[CROWD];
    gic_new(&c.p, CROWD);
    dist_set(&c.p, ICFGR + 4 * 2, 2 << (2 * 8));
    for (unsigned i = 0; i < CROWD; i++) {
        own_set(&c.p, i, ICFGR + 4, 2 << (2 * 4)); /* the PPI: an edge */
        members[i] = (Member){ &c, i, NULL };
        members[i].thread = g_thread_new("cpu", member, &members[i]);
    }
    for (unsigned n = 1; n <= ROUNDS; n++) {
        route(&c.p, EDGE, n % 5 == 4 ? IRM : n % 5);
        route(&c.p, LEVEL, n % 3 == 2 ? IRM : n % 3);
        line(&c.p, EDGE, true);
        line(&c.p, LEVEL, true);
        line(&c.p, EDGE, false);
        route(&c.p, EDGE, n % 4);
        wait_for(&c, EDGE, n);
        wait_for(&c, LEVEL, n);
    }
    __atomic_store_n(&c.stop, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CROWD; i++) {
        g_thread_join(members[i].thread);
    }
    ck_assert_uint_eq(c.got[EDGE], ROUNDS);
    ck_assert_uint_eq(c.got[LEVEL], ROUNDS);
    for (unsigned i = 0; i < CROWD; i++) {
        icc_set(&c.p, i, "PMR", 0xff);
        icc_set(&c.p, i, "IGRPEN1", 1);
        while (irq(&c.p, i)) {
            serve(&c, i);
        }
        ck_assert_uint_eq(own(&c.p, i, ISPENDR), 0);
        ck_assert_uint_eq(own(&c.p, i, ISACTIVER), 0);
        ck_assert_uint_eq(icc(&c.p, i, "RPR"), 0xff);
    }
    ck_assert(c.got[0] && c.got[3] && c.got[20]);
    poke_free(&c.p);
}
END_TEST

START_TEST(test_node) {
    static uint8_t blob[4096];
    Poke p;
    gic_new(&p, 2);
    fdt_create(blob, sizeof blob);
    fdt_finish_reservemap(blob);
    fdt_begin_node(blob, "");
    device_fdt(p.d, blob, &(DeviceFdt){ .base = { 0x8000000, 0x80a0000 }, .phandle = 9 });
    fdt_end_node(blob);
    ck_assert_int_eq(fdt_finish(blob), 0);
    int node = fdt_first_subnode(blob, 0), length;
    ck_assert_str_eq(fdt_get_name(blob, node, NULL), "intc@8000000");
    ck_assert_str_eq(fdt_getprop(blob, node, "compatible", &length), "arm,gic-v3");
    const fdt32_t *reg = fdt_getprop(blob, node, "reg", &length);
    static const uint32_t want[] = { 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000 };
    ck_assert_int_eq(length, sizeof want);
    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        ck_assert_uint_eq(fdt32_to_cpu(reg[i]), want[i]);
    }
    ck_assert_uint_eq(fdt32_to_cpu(*(const fdt32_t *)fdt_getprop(blob, node, "#redistributor-regions", &length)), 1);
    ck_assert_int_lt(fdt_first_subnode(blob, node), 0); /* no ITS */
    poke_free(&p);
}
END_TEST

POKE_MAIN("gicv3", test_identity, test_reset_values, test_words_that_are_not_there, test_level, test_edge,
          test_priorities_and_preemption, test_mask, test_binary_point, test_sgi, test_private, test_routes,
          test_one_of_n, test_split_end, test_wrong_ends, test_groups, test_reset_and_sizes, test_restored, test_reset_cpu, test_threads, test_node)
