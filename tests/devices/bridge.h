/* SPDX-License-Identifier: MIT */
/*
 * bridge.h - for tests of PCI functions: a bridge with its windows on the bus of poke.h, and entropy sources in its slots.
 */
#ifndef TESTS_DEVICES_BRIDGE_H
#define TESTS_DEVICES_BRIDGE_H

#include "devices/virtio.h"
#include "tests/devices/poke.h"

enum { BUS_MEMORY = 0x10000000, SLOTS = 3 };
#define BUS_HIGH UINT64_C(0x8000000000)

typedef struct PciTest {
    Poke p;
    Device *functions[SLOTS], *behind[SLOTS]; /* in slots 1, 2 and 5 */
    unsigned messages; /* to the interrupt controller, and the latest */
    uint64_t address;
    uint32_t data;
} PciTest;

enum { DOORBELL = 0x08020040 };

static inline bool pt_message(void *opaque, const PciDevice *p, uint64_t address, uint32_t data) {
    PciTest *t = opaque;
    if (address != DOORBELL) {
        return false;
    }
    t->messages++;
    t->address = address;
    t->data = data;
    return true;
}

static inline void pt_new(PciTest *t, const VirtioPciConfig *config) {
    static const char *const places[SLOTS] = { NULL, NULL, "5" };
    memset(t, 0, sizeof *t);
    poke_new(&t->p, &device_pci_ecam, &(PciHostConfig){ BUS_MEMORY, BUS_HIGH });
    ((PciHost *)t->p.d)->message = pt_message;
    ((PciHost *)t->p.d)->message_opaque = t;
    DeviceEnv env = { t->p.bus, t->p.clk, &t->p.log };
    for (unsigned i = 0; i < SLOTS; i++) {
        VirtioPciConfig c = config ? *config : (VirtioPciConfig){ .vectors = PCI_VECTORS };
        c.pci.addr = places[i];
        t->functions[i] = device_new(&device_virtio_rng_pci, "rng", &env, &c, NULL);
        t->behind[i] = device_new(&device_virtio_rng, "rng.virtio", &env, NULL, NULL);
        ck_assert(pci_plug(t->p.d, t->functions[i]));
        ck_assert(device_virtio_rng_pci.attach(t->functions[i], t->behind[i], NULL));
    }
}

static inline void pt_free(PciTest *t) {
    for (unsigned i = 0; i < SLOTS; i++) {
        device_free(t->behind[i]);
        device_free(t->functions[i]);
    }
    poke_free(&t->p);
}

static inline uint64_t cfg_at(unsigned slot, unsigned at) {
    return POKE_BASE + ((uint64_t)PCI_DEVFN(slot, 0) << 12) + at;
}
static inline uint32_t cfg(PciTest *t, unsigned slot, unsigned at, unsigned size) {
    return (uint32_t)peek_at(&t->p, cfg_at(slot, at), size, 0);
}
static inline void cfg_set(PciTest *t, unsigned slot, unsigned at, unsigned size, uint32_t value) {
    poke_at(&t->p, cfg_at(slot, at), size, 0, value);
}

/* The place of the n-th capability of a kind, or 0. */
static inline unsigned cap(PciTest *t, unsigned slot, uint8_t id, unsigned n) {
    unsigned left = 48;
    for (unsigned at = cfg(t, slot, PCI_CAPABILITIES, 1); at; at = cfg(t, slot, at + 1, 1)) {
        ck_assert(left-- && at >= PCI_HEADER_END);
        if (cfg(t, slot, at, 1) == id && n-- == 0) {
            return at;
        }
    }
    return 0;
}

/* CPU addresses of bus addresses. */
static inline uint64_t memory_at(uint32_t address) {
    return POKE_BASE + POKE_BANK + (address - BUS_MEMORY);
}
static inline uint64_t io_at(uint32_t port) {
    return POKE_BASE + 2 * POKE_BANK + port;
}
static inline uint64_t high_at(uint64_t address) {
    return POKE_BASE + 3 * POKE_BANK + (address - BUS_HIGH);
}

/* As firmware does it: BAR 0 at port 0x1000, 1 at BUS_MEMORY, 4 at BUS_HIGH, each with 64 KiB for every slot. */
enum { BAR_SPAN = 0x10000 };
static inline void pt_map(PciTest *t, unsigned slot) {
    cfg_set(t, slot, PCI_BAR, 4, 0x1000 * slot);
    cfg_set(t, slot, PCI_BAR + 4, 4, BUS_MEMORY + slot * BAR_SPAN);
    cfg_set(t, slot, PCI_BAR + 16, 4, (uint32_t)BUS_HIGH + slot * BAR_SPAN);
    cfg_set(t, slot, PCI_BAR + 20, 4, (uint32_t)(BUS_HIGH >> 32));
    cfg_set(t, slot, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
static inline uint64_t modern(unsigned slot) {
    return high_at(BUS_HIGH + slot * BAR_SPAN);
}
static inline uint64_t msix_table(unsigned slot) {
    return memory_at(BUS_MEMORY + slot * BAR_SPAN);
}

#endif
