/* SPDX-License-Identifier: MIT */
/* test_virtio_pci.c - an entropy source behind PCI, as drivers of both interfaces use it. */
#include "tests/devices/bridge.h"

enum {
    ISR_AT = 0x1000, NOTIFY_AT = 0x3000, DRIVER_BITS = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER,
    RING = POKE_RAM, USED = POKE_RAM + 0x1000, DATA = POKE_RAM + 0x8000, WANTED = 256, ENTRIES = 64,
};

static uint32_t get(PciTest *t, unsigned at, unsigned size) {
    return (uint32_t)peek_at(&t->p, modern(1) + at, size, 0);
}
static void put(PciTest *t, unsigned at, unsigned size, uint64_t value) {
    poke_at(&t->p, modern(1) + at, size, 0, value);
}

static void ram(PciTest *t, uint64_t gpa, unsigned size, uint64_t value) {
    memcpy(ram_host(t->p.ram) + (gpa - POKE_RAM), &value, size);
}

/* One buffer of WANTED bytes in a split ring whose areas follow each other as in the legacy interface. */
static void make_ring(PciTest *t) {
    ram(t, RING, 8, DATA);
    ram(t, RING + 8, 4, WANTED);
    ram(t, RING + 12, 2, 2); /* for the device to write */
    ram(t, RING + 16 * ENTRIES + 4, 2, 0);
    ram(t, RING + 16 * ENTRIES + 2, 2, 1);
}

static bool filled(PciTest *t) {
    return peek_at(&t->p, USED + 2, 2, 0) == 1 && peek_at(&t->p, USED + 8, 4, 0) == WANTED &&
           (peek_at(&t->p, DATA, 8, 0) || peek_at(&t->p, DATA + 8, 8, 0));
}

static void negotiate(PciTest *t) {
    put(t, 0x14, 1, 0);
    put(t, 0x14, 1, DRIVER_BITS);
    put(t, 0x00, 4, 1);
    ck_assert_uint_eq(get(t, 0x04, 4) & 1, 1); /* VERSION_1 */
    put(t, 0x08, 4, 1);
    put(t, 0x0c, 4, 1);
    put(t, 0x14, 1, DRIVER_BITS | VIRTIO_FEATURES_OK);
    ck_assert_uint_eq(get(t, 0x14, 1), DRIVER_BITS | VIRTIO_FEATURES_OK);
}

static void start(PciTest *t) {
    memset(ram_host(t->p.ram), 0, POKE_RAM_SIZE);
    negotiate(t);
    ck_assert_uint_eq(get(t, 0x12, 2), 1);
    put(t, 0x16, 2, 0);
    ck_assert_uint_eq(get(t, 0x18, 2), ENTRIES);
    put(t, 0x20, 8, RING);
    put(t, 0x28, 4, RING + 16 * ENTRIES);
    put(t, 0x2c, 4, 0);
    put(t, 0x30, 8, USED);
    put(t, 0x1c, 2, 1);
    ck_assert_uint_eq(get(t, 0x1c, 2), 1);
    ck_assert_uint_eq(get(t, 0x20, 4), RING);
    put(t, 0x14, 1, DRIVER_BITS | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* A buffer, and word of it. */
static void offer(PciTest *t) {
    make_ring(t);
    put(t, NOTIFY_AT, 2, 0);
}

START_TEST(test_capabilities) {
    static const struct { uint8_t type, size; uint32_t offset; } wanted[] = {
        { 1, 16, 0 }, { 3, 16, 0x1000 }, { 4, 16, 0x2000 }, { 2, 20, 0x3000 }, { 5, 20, 0 } };
    PciTest t;
    pt_new(&t, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        unsigned at = cap(&t, 1, PCI_CAP_VENDOR, i);
        ck_assert(at && cfg(&t, 1, at + 3, 1) == wanted[i].type && cfg(&t, 1, at + 2, 1) == wanted[i].size);
        ck_assert_uint_eq(cfg(&t, 1, at + 4, 1), i < 4 ? 4 : 0);
        ck_assert_uint_eq(cfg(&t, 1, at + 8, 4), wanted[i].offset);
    }
    ck_assert_uint_eq(cfg(&t, 1, cap(&t, 1, PCI_CAP_VENDOR, 3) + 16, 4), 4);
    ck_assert_uint_eq(cap(&t, 1, PCI_CAP_VENDOR, 5), 0);
    pt_free(&t);
    pt_new(&t, &(VirtioPciConfig){ .no_legacy = true });
    ck_assert_uint_eq(cfg(&t, 1, PCI_DEVICE, 2), 0x1044);
    ck_assert_uint_eq(cfg(&t, 1, PCI_REVISION, 1), 1);
    ck_assert_uint_eq(cap(&t, 1, PCI_CAP_MSIX, 0), 0); /* vectors=0 */
    cfg_set(&t, 1, PCI_BAR, 4, UINT32_MAX);
    ck_assert_uint_eq(cfg(&t, 1, PCI_BAR, 4), 0);
    pt_free(&t);
    pt_new(&t, &(VirtioPciConfig){ .no_modern = true });
    ck_assert_uint_eq(cfg(&t, 1, PCI_CAPABILITIES, 1), 0);
    pt_free(&t);
}
END_TEST

START_TEST(test_line) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    start(&t);
    offer(&t);
    ck_assert(filled(&t) && poke_irq(&t.p, 1));
    ck_assert_uint_eq(get(&t, ISR_AT, 1), VIRTIO_INT_QUEUE);
    ck_assert(!poke_irq(&t.p, 1));
    ck_assert_uint_eq(get(&t, ISR_AT, 1), 0);
    put(&t, 0x20, 8, 0); /* in use: stays */
    ck_assert_uint_eq(get(&t, 0x20, 4), RING);
    ck_assert(poke_logged(&t.p, "the driver changes queue 0, which is in use"));
    put(&t, 0x14, 1, 0);
    ck_assert_uint_eq(get(&t, 0x1c, 2), 0);
    pt_free(&t);
}
END_TEST

START_TEST(test_vectors) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    ck_assert(get(&t, 0x10, 2) == 0xffff && get(&t, 0x1a, 2) == 0xffff);
    cfg_set(&t, 1, cap(&t, 1, PCI_CAP_MSIX, 0) + 2, 2, 0x8000);
    poke_at(&t.p, msix_table(1) + 16, 8, 0, DOORBELL);
    poke_at(&t.p, msix_table(1) + 24, 8, 0, 99); /* and the mask off */
    put(&t, 0x10, 2, 2); /* there are two */
    ck_assert_uint_eq(get(&t, 0x10, 2), 0xffff);
    put(&t, 0x1a, 2, 1);
    ck_assert_uint_eq(get(&t, 0x1a, 2), 1);
    negotiate(&t); /* a reset takes the vector back */
    ck_assert_uint_eq(get(&t, 0x1a, 2), 0xffff);
    start(&t);
    put(&t, 0x1a, 2, 1);
    offer(&t);
    ck_assert(filled(&t) && t.messages == 1 && t.data == 99);
    ck_assert(!poke_irq(&t.p, 1) && get(&t, ISR_AT, 1) == 0);
    put(&t, 0x16, 2, 7); /* no such queue */
    ck_assert(get(&t, 0x18, 2) == 0 && get(&t, 0x1a, 2) == 0xffff && get(&t, 0x1c, 2) == 0);
    pt_free(&t);
}
END_TEST

START_TEST(test_legacy) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    uint64_t io = io_at(0x1000);
    poke_at(&t.p, io + 0x12, 1, 0, 0);
    poke_at(&t.p, io + 0x12, 1, 0, DRIVER_BITS);
    ck_assert(peek_at(&t.p, io, 4, 0) & VIRTIO_F_EVENT_IDX);
    poke_at(&t.p, io + 4, 4, 0, 0);
    ck_assert_uint_eq(peek_at(&t.p, io + 0xc, 2, 0), ENTRIES);
    poke_at(&t.p, io + 8, 4, 0, RING / 4096);
    ck_assert_uint_eq(peek_at(&t.p, io + 8, 4, 0), RING / 4096);
    poke_at(&t.p, io + 0x12, 1, 0, DRIVER_BITS | VIRTIO_DRIVER_OK);
    make_ring(&t);
    poke_at(&t.p, io + 0x10, 2, 0, 0);
    ck_assert(filled(&t) && poke_irq(&t.p, 1));
    ck_assert_uint_eq(peek_at(&t.p, io + 0x13, 1, 0), 1);
    ck_assert(!poke_irq(&t.p, 1));
    poke_at(&t.p, io + 8, 4, 0, 0);
    ck_assert_uint_eq(peek_at(&t.p, io + 8, 4, 0), 0);
    poke_at(&t.p, io + 0x12, 1, 0, 0);
    start(&t); /* and then a driver of version 1 */
    offer(&t);
    ck_assert(filled(&t));
    pt_free(&t);
}
END_TEST

/* Without BAR: through the configuration space (4.1.4.9). */
START_TEST(test_window) {
    PciTest t;
    pt_new(&t, NULL);
    unsigned at = cap(&t, 1, PCI_CAP_VENDOR, 4);
    cfg_set(&t, 1, at + 4, 1, 4);
    cfg_set(&t, 1, at + 8, 4, 0x18);
    cfg_set(&t, 1, at + 12, 4, 2);
    ck_assert_uint_eq(cfg(&t, 1, at + 16, 4), ENTRIES);
    cfg_set(&t, 1, at + 8, 4, 0x14);
    cfg_set(&t, 1, at + 12, 4, 1);
    cfg_set(&t, 1, at + 16, 1, DRIVER_BITS);
    ck_assert_uint_eq(cfg(&t, 1, at + 16, 1), DRIVER_BITS);
    cfg_set(&t, 1, at + 12, 4, 3); /* no such size: nothing */
    cfg_set(&t, 1, at + 16, 1, 0);
    cfg_set(&t, 1, at + 12, 4, 1);
    ck_assert_uint_eq(cfg(&t, 1, at + 16, 1), DRIVER_BITS);
    cfg_set(&t, 1, at + 8, 4, UINT32_MAX);
    cfg_set(&t, 1, at + 16, 1, 0);
    cfg_set(&t, 1, at + 4, 1, 5);
    cfg_set(&t, 1, at + 8, 4, 0x14);
    cfg_set(&t, 1, at + 16, 1, 0);
    cfg_set(&t, 1, at + 4, 1, 4);
    ck_assert_uint_eq(cfg(&t, 1, at + 16, 1), DRIVER_BITS);
    pt_free(&t);
}
END_TEST

/* A function that may not be master reaches no memory. */
START_TEST(test_no_master) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    start(&t);
    cfg_set(&t, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    offer(&t);
    ck_assert(!filled(&t));
    ck_assert(get(&t, 0x14, 1) & VIRTIO_NEEDS_RESET);
    ck_assert(poke_logged(&t.p, "is not in RAM; the device needs a reset"));
    pt_free(&t);
}
END_TEST

/* The bridge's translation: every page somewhere else, and one that is nowhere. */
typedef struct Pages {
    uint64_t moved;
    bool fault;
} Pages;

static bool translate(void *opaque, uint64_t address, bool write, uint64_t *gpa, uint64_t *left) {
    Pages *p = opaque;
    *gpa = (address + POKE_RAM) ^ p->moved;
    *left = 4096 - (address & 4095);
    return address < POKE_RAM_SIZE && !(p->fault && address >= DATA - POKE_RAM);
}

START_TEST(test_translated) {
    for (unsigned fault = 0; fault < 2; fault++) {
        PciTest t;
        Pages pages = { 0x10000, fault };
        pt_new(&t, &(VirtioPciConfig){ .iommu = true });
        ((PciHost *)t.p.d)->translate = translate;
        ((PciHost *)t.p.d)->translate_opaque = &pages;
        pt_map(&t, 1);
        negotiate(&t);
        put(&t, 0x20, 8, 0);
        put(&t, 0x28, 8, 16 * ENTRIES);
        put(&t, 0x30, 8, USED - POKE_RAM);
        put(&t, 0x1c, 2, 1);
        make_ring(&t);
        ram(&t, RING, 8, DATA + 4000 - POKE_RAM); /* over a page's end */
        memcpy(ram_host(t.p.ram) + 0x10000, ram_host(t.p.ram), 0x4000);
        memset(ram_host(t.p.ram), 0, 0x10000);
        put(&t, 0x14, 1, DRIVER_BITS | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
        put(&t, NOTIFY_AT, 2, 0);
        bool done = peek_at(&t.p, USED + 0x10000 + 2, 2, 0) == 1;
        bool before = peek_at(&t.p, DATA + 0x10000 + 4000, 8, 0) != 0, after = peek_at(&t.p, DATA + 0x10000 + 4096, 8, 0) != 0;
        ck_assert(fault ? !done && !before && !after : done && before && after);
        ck_assert_uint_eq(!!(get(&t, 0x14, 1) & VIRTIO_NEEDS_RESET), fault);
        ck_assert_uint_eq(peek_at(&t.p, DATA + 4000, 8, 0), 0);
        pt_free(&t);
    }
}
END_TEST

POKE_MAIN("virtio_pci", test_capabilities, test_line, test_vectors, test_legacy, test_window, test_no_master,
          test_translated)
