/* SPDX-License-Identifier: MIT */
/* test_pci.c - slots, configuration spaces, base addresses, lines and messages, with guests that do what they like. */
#include "tests/devices/bridge.h"

START_TEST(test_empty_slots) {
    PciTest t;
    pt_new(&t, NULL);
    ck_assert_uint_eq(cfg(&t, 3, PCI_VENDOR, 4), UINT32_MAX);
    ck_assert_uint_eq(cfg(&t, 3, PCI_VENDOR, 2), 0xffff);
    ck_assert_uint_eq(cfg(&t, 0, PCI_VENDOR, 1), 0xff);
    ck_assert_uint_eq(cfg(&t, 1, PCI_VENDOR, 2), 0x1af4);
    ck_assert_uint_eq(cfg(&t, 5, PCI_VENDOR, 2), 0x1af4);
    ck_assert_uint_eq(cfg(&t, 1, 0x100, 4), UINT32_MAX); /* no extended space */
    ck_assert_uint_eq(peek_at(&t.p, POKE_BASE + (1 << 20) + (1 << 15), 4, 0), UINT32_MAX); /* bus 1 */
    cfg_set(&t, 3, PCI_COMMAND, 2, 7);
    ck_assert_uint_eq(peek_at(&t.p, high_at(BUS_HIGH), 8, 0), UINT64_MAX);
    ck_assert_uint_eq(peek_at(&t.p, io_at(0x10), 1, 0), 0xff);
    poke_at(&t.p, memory_at(BUS_MEMORY), 4, 0, 1);
    pt_free(&t);
}
END_TEST

START_TEST(test_header) {
    PciTest t;
    pt_new(&t, NULL);
    ck_assert_uint_eq(cfg(&t, 1, PCI_DEVICE, 2), 0x1005);
    ck_assert_uint_eq(cfg(&t, 1, PCI_REVISION, 4), 0x00ff0000);
    ck_assert_uint_eq(cfg(&t, 1, PCI_SUBSYSTEM + 2, 2), VIRTIO_ID_RNG);
    ck_assert_uint_eq(cfg(&t, 1, PCI_HEADER_TYPE, 1), 0);
    ck_assert_uint_eq(cfg(&t, 1, PCI_PIN, 1), 1);
    ck_assert(cfg(&t, 1, PCI_STATUS, 2) & PCI_STATUS_LIST);
    for (unsigned at = 0; at < PCI_HEADER_END; at += 4) { /* only what may change does */
        cfg_set(&t, 1, at, 4, UINT32_MAX);
    }
    ck_assert_uint_eq(cfg(&t, 1, PCI_VENDOR, 4), 0x10051af4);
    ck_assert_uint_eq(cfg(&t, 1, PCI_COMMAND, 2), 0x407);
    ck_assert_uint_eq(cfg(&t, 1, PCI_LINE, 2), 0x01ff);
    static const uint32_t sizes[PCI_BARS] = { 0xffffff81, 0xfffff000, 0, 0, 0xffffc00c, UINT32_MAX };
    for (unsigned i = 0; i < PCI_BARS; i++) {
        ck_assert_uint_eq(cfg(&t, 1, PCI_BAR + 4 * i, 4), sizes[i]);
    }
    cfg_set(&t, 1, PCI_BAR + 17, 1, 0x55); /* a byte alone */
    ck_assert_uint_eq(cfg(&t, 1, PCI_BAR + 16, 4), 0xffff400c);
    pt_free(&t);
}
END_TEST

enum { QUEUE_SIZE_AT = 0x18 };

START_TEST(test_base_addresses) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    ck_assert_uint_eq(peek_at(&t.p, modern(1) + QUEUE_SIZE_AT, 2, 0), 64);
    ck_assert_uint_eq(peek_at(&t.p, io_at(0x1000) + 12, 2, 0), 64);
    ck_assert_uint_eq(peek_at(&t.p, modern(1) + 0x4000, 4, 0), UINT32_MAX); /* behind it */
    cfg_set(&t, 1, PCI_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(peek_at(&t.p, modern(1) + QUEUE_SIZE_AT, 2, 0), 0xffff);
    ck_assert_uint_eq(peek_at(&t.p, io_at(0x1000) + 12, 2, 0), 64);
    cfg_set(&t, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(peek_at(&t.p, io_at(0x1000) + 12, 2, 0), 0xffff);
    cfg_set(&t, 1, PCI_BAR + 16, 4, (uint32_t)BUS_HIGH + 0x31234); /* rounded down to its size */
    ck_assert_uint_eq(peek_at(&t.p, high_at(BUS_HIGH + 0x30000) + QUEUE_SIZE_AT, 2, 0), 64);
    pt_free(&t);
}
END_TEST

/* A base address in RAM, in another's, or at the end of everything takes nothing from anybody. */
START_TEST(test_bad_base_addresses) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    pt_map(&t, 2);
    cfg_set(&t, 1, PCI_BAR + 4, 4, POKE_RAM);
    poke_at(&t.p, POKE_RAM, 4, 0, 0x1234);
    ck_assert_uint_eq(peek_at(&t.p, POKE_RAM, 4, 0), 0x1234);
    cfg_set(&t, 2, PCI_BAR + 16, 4, (uint32_t)BUS_HIGH + BAR_SPAN); /* where slot 1's is, which wins */
    poke_at(&t.p, modern(1), 4, 0, 1);
    ck_assert_uint_eq(peek_at(&t.p, modern(1), 4, 0), 1);
    cfg_set(&t, 1, PCI_BAR + 16, 4, 0);
    cfg_set(&t, 1, PCI_BAR + 20, 4, 0);
    ck_assert_uint_eq(peek_at(&t.p, modern(1), 4, 0), 0); /* slot 2's now */
    cfg_set(&t, 1, PCI_BAR + 16, 4, UINT32_MAX);
    cfg_set(&t, 1, PCI_BAR + 20, 4, UINT32_MAX);
    ck_assert_uint_eq(peek_at(&t.p, high_at(BUS_HIGH) + 0x7fffffff00, 4, 0), UINT32_MAX);
    pt_free(&t);
}
END_TEST

static void set_vector(PciTest *t, unsigned slot, unsigned n, uint64_t address, uint32_t data, bool masked) {
    poke_at(&t->p, msix_table(slot) + 16 * n, 8, 0, address);
    poke_at(&t->p, msix_table(slot) + 16 * n + 8, 4, 0, data);
    poke_at(&t->p, msix_table(slot) + 16 * n + 12, 4, 0, masked);
}

START_TEST(test_messages) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    unsigned at = cap(&t, 1, PCI_CAP_MSIX, 0);
    PciDevice *p = (PciDevice *)t.functions[0];
    ck_assert_uint_eq(cfg(&t, 1, at + 2, 2), 1); /* two vectors */
    ck_assert_uint_eq(peek_at(&t.p, msix_table(1) + 12, 4, 0), 1);
    set_vector(&t, 1, 1, DOORBELL, 77, true);
    pci_send(p, 1);
    ck_assert_uint_eq(peek_at(&t.p, msix_table(1) + 0x800, 4, 0), 0); /* off: not even pending */
    cfg_set(&t, 1, at + 2, 2, 0x8000);
    pci_send(p, 1);
    ck_assert_uint_eq(t.messages, 0);
    ck_assert_uint_eq(peek_at(&t.p, msix_table(1) + 0x800, 8, 0), 2);
    set_vector(&t, 1, 1, DOORBELL, 78, false);
    ck_assert(t.messages == 1 && t.data == 78);
    ck_assert_uint_eq(peek_at(&t.p, msix_table(1) + 0x800, 8, 0), 0);
    cfg_set(&t, 1, at + 2, 2, 0xc000); /* all masked */
    pci_send(p, 1);
    ck_assert_uint_eq(t.messages, 1);
    cfg_set(&t, 1, at + 2, 2, 0x8000);
    ck_assert_uint_eq(t.messages, 2);
    cfg_set(&t, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); /* no bus master: lost */
    pci_send(p, 1);
    cfg_set(&t, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    ck_assert_uint_eq(t.messages, 2);
    pci_send(p, 2);
    pci_send(p, 0xffff);
    ck_assert_uint_eq(t.messages, 2);
    pt_free(&t);
}
END_TEST

/* A message elsewhere is a write to memory, or nothing: never an access to a device. */
START_TEST(test_strange_messages) {
    PciTest t;
    pt_new(&t, NULL);
    pt_map(&t, 1);
    PciDevice *p = (PciDevice *)t.functions[0];
    cfg_set(&t, 1, cap(&t, 1, PCI_CAP_MSIX, 0) + 2, 2, 0x8000);
    set_vector(&t, 1, 0, POKE_RAM + 0x100, 0xabcd1234, false);
    pci_send(p, 0);
    ck_assert_uint_eq(peek_at(&t.p, POKE_RAM + 0x100, 4, 0), 0xabcd1234);
    ck_assert(t.p.dirty_gpa == POKE_RAM + 0x100 && t.p.dirty_size == 4);
    const uint64_t nowhere[] = { 0, msix_table(1), modern(1) + 0x3000, UINT64_MAX, POKE_RAM + POKE_RAM_SIZE - 2 };
    for (unsigned i = 0; i < G_N_ELEMENTS(nowhere); i++) {
        set_vector(&t, 1, 0, nowhere[i], 1, false);
        pci_send(p, 0);
        ck_assert(poke_logged(&t.p, "where nobody takes it") || nowhere[i] > UINT64_MAX - 4 ||
                  nowhere[i] == POKE_RAM + POKE_RAM_SIZE - 2);
    }
    ck_assert_uint_eq(t.messages, 0);
    pt_free(&t);
}
END_TEST

/* Slots 1 and 5 share a line, 2 has the next. */
START_TEST(test_lines) {
    PciTest t;
    pt_new(&t, NULL);
    PciDevice *one = (PciDevice *)t.functions[0], *two = (PciDevice *)t.functions[1], *five = (PciDevice *)t.functions[2];
    pci_set_intx(one, true);
    ck_assert(poke_irq(&t.p, 1) && !poke_irq(&t.p, 2) && !poke_irq(&t.p, 0));
    ck_assert(cfg(&t, 1, PCI_STATUS, 2) & PCI_STATUS_INTX);
    pci_set_intx(five, true);
    pci_set_intx(two, true);
    ck_assert(poke_irq(&t.p, 2));
    pci_set_intx(one, false);
    ck_assert(poke_irq(&t.p, 1));
    cfg_set(&t, 5, PCI_COMMAND, 2, PCI_COMMAND_NO_INTX);
    ck_assert(!poke_irq(&t.p, 1));
    ck_assert(cfg(&t, 5, PCI_STATUS, 1) & PCI_STATUS_INTX);
    cfg_set(&t, 5, PCI_COMMAND, 2, 0);
    ck_assert(poke_irq(&t.p, 1));
    cfg_set(&t, 5, cap(&t, 5, PCI_CAP_MSIX, 0) + 2, 2, 0x8000);
    ck_assert(!poke_irq(&t.p, 1));
    device_reset(t.functions[1]);
    ck_assert(!poke_irq(&t.p, 2));
    pt_free(&t);
}
END_TEST

START_TEST(test_places) {
    static const char *const bad[] = { "", "20", "1.8", "x", "1.", "1.1x", " 1", "-1", "001", "1..1" };
    Poke p;
    poke_new(&p, NULL, NULL);
    DeviceEnv env = { p.bus, p.clk, &p.log };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        VirtioPciConfig c = { .pci.addr = bad[i] };
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!device_new(&device_virtio_rng_pci, "rng", &env, &c, &error), "%s", bad[i]);
        ck_assert(strstr(error->message, "is no slot of a PCI bus; give SLOT or SLOT.FUNCTION"));
    }
    poke_free(&p);
    PciTest t;
    pt_new(&t, NULL);
    VirtioPciConfig taken = { .pci.addr = "5.0" }, beside = { .pci.addr = "5.7" };
    Device *d = device_new(&device_virtio_rng_pci, "rng", &env, &taken, NULL);
    ck_assert(!pci_plug(t.p.d, d));
    device_free(d);
    d = device_new(&device_virtio_rng_pci, "rng", &env, &beside, NULL);
    ck_assert(pci_plug(t.p.d, d));
    ck_assert_uint_eq(cfg(&t, 5, PCI_HEADER_TYPE, 1), 0x80);
    ck_assert(pci_function(t.p.d, PCI_DEVFN(5, 7)) == (PciDevice *)d);
    pt_free(&t);
    device_free(d);
}
END_TEST

static void collect(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    g_byte_array_append(opaque, bytes, (guint)size);
}
static void replace(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    GByteArray *from = opaque;
    memcpy(bytes, from->data, size);
    g_byte_array_remove_range(from, 0, (guint)size);
}

/* A loaded state brings base addresses, messages and lines back; one of random bytes does no harm. */
START_TEST(test_state) {
    PciTest t, other;
    pt_new(&t, NULL);
    pt_new(&other, NULL);
    pt_map(&t, 1);
    set_vector(&t, 1, 1, DOORBELL, 5, false);
    cfg_set(&t, 1, cap(&t, 1, PCI_CAP_MSIX, 0) + 2, 2, 0x8000);
    GByteArray *kept = g_byte_array_new();
    device_state_walk(t.functions[0], collect, kept);
    device_state_walk(other.functions[0], replace, kept);
    ck_assert_uint_eq(kept->len, 0);
    device_virtio_rng_pci.restored(other.functions[0]);
    ck_assert_uint_eq(peek_at(&other.p, modern(1) + QUEUE_SIZE_AT, 2, 0), 64);
    pci_send((PciDevice *)other.functions[0], 1);
    ck_assert(other.messages == 1 && other.data == 5);
    uint32_t random = 7;
    device_state_walk(t.functions[0], collect, kept);
    for (unsigned round = 0; round < 200; round++) {
        g_autoptr(GByteArray) wild = g_byte_array_new();
        for (guint i = 0; i < kept->len; i++) {
            random = random * 1664525 + 1013904223;
            uint8_t byte = (uint8_t)(random >> 24);
            g_byte_array_append(wild, &byte, 1);
        }
        device_state_walk(other.functions[0], replace, wild);
        device_virtio_rng_pci.restored(other.functions[0]);
        ck_assert_uint_eq(cfg(&other, 1, PCI_VENDOR, 4), 0x10051af4);
        pci_send((PciDevice *)other.functions[0], round % 3);
    }
    g_byte_array_unref(kept);
    pt_free(&t);
    pt_free(&other);
}
END_TEST

/* Any access anywhere: nothing happens but in the functions and, by messages that the guest asked for, in RAM. */
START_TEST(test_wild_guest) {
    PciTest t;
    pt_new(&t, NULL);
    t.p.log.items = 0;
    uint32_t random = 3;
    const uint64_t bases[] = { cfg_at(1, 0), cfg_at(2, 0), cfg_at(5, 0), memory_at(BUS_MEMORY + BAR_SPAN), modern(1),
                               modern(2), io_at(0x1000) };
    for (unsigned i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        uint64_t gpa = bases[(random >> 4) % G_N_ELEMENTS(bases)] + (random >> 12) % (random & 1 ? 256 : 0x4100);
        unsigned size = 1u << (random >> 28 & 3);
        uint64_t value = random & 2 ? (uint64_t)random * random * random : random >> 20;
        (void)bus_write(t.p.bus, (BusAccess){ gpa & ~(uint64_t)(size - 1), size, 0 }, value);
        (void)bus_read(t.p.bus, (BusAccess){ gpa & ~(uint64_t)(size - 1), size, 0 }, &value);
        if (i % 1000 == 0) {
            pt_map(&t, 1);
            pt_map(&t, 2);
        }
        pci_send((PciDevice *)t.functions[i % SLOTS], i % 4);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        device_reset(t.functions[i]);
    }
    for (unsigned n = 0; n < PCI_PINS; n++) {
        ck_assert(!poke_irq(&t.p, n));
    }
    pt_free(&t);
}
END_TEST

POKE_MAIN("pci", test_empty_slots, test_header, test_base_addresses, test_bad_base_addresses, test_messages,
          test_strange_messages, test_lines, test_places, test_state, test_wild_guest)
