/* SPDX-License-Identifier: MIT */
/*
 * fuzz_pci.c - PCI functions under random accesses to configuration spaces and windows, with virtio rings at random places
 * behind them, and loaded states. After each step the shared lines are what the spaces say, no vector is pending that could go
 * out, what cannot be written is as it was, and nobody answers where no BAR is.
 */
/* Sources: devices/device.c devices/bus.c devices/irq.c devices/dma.c devices/ram.c devices/pci*.c devices/virtio*.c host/log.c host/clock.c host/entropy.c host/late.c host/block/?*.c host/net/net.c host/net/pcap.c host/net/offload.c host/chardev.c host/place.c host/terminal.c */
#include <string.h>

#include "devices/devices.h"
#include "devices/ram.h"
#include "tests/fuzz/fuzz.h"

enum { RAM = 0x40000000, RAM_SIZE = 64 << 10, SLOTS = 3, STEPS = 200, DOORBELL = 0x08020040, MEMORY = 0x10000000 };
#define WINDOWS UINT64_C(0x10000000000) /* bank n of the bridge is n times that */
#define HIGH UINT64_C(0x8000000000)

typedef struct Target {
    Bus *bus;
    Ram *ram;
    Clock *clk;
    GMainContext *context;
    Log log;
    Device *host, *functions[SLOTS], *behind[SLOTS];
} Target;

static uint64_t now(void *opaque) {
    return 0;
}

static bool message(void *opaque, const PciDevice *p, uint64_t address, uint32_t data) {
    return address == DOORBELL;
}

static void make(Target *t) {
    memset(t, 0, sizeof *t);
    t->context = g_main_context_new();
    t->clk = clock_new(t->context);
    clock_use(t->clk, now, NULL);
    t->bus = bus_new();
    t->ram = ram_new(RAM_SIZE, NULL);
    bus_add_ram(t->bus, "ram", RAM, RAM_SIZE, ram_host(t->ram), NULL);
    DeviceEnv env = { t->bus, t->clk, &t->log };
    t->host = device_new(&device_pci_ecam, "pcie", &env, &(PciHostConfig){ MEMORY, HIGH }, NULL);
    ((PciHost *)t->host)->message = message;
    for (unsigned i = 0; i < t->host->cls->bank_count; i++) {
        bus_add_device(t->bus, (i + 1) * WINDOWS, t->host, i, NULL);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        VirtioPciConfig c = { .pci.addr = i == 2 ? "5" : NULL, .vectors = i * PCI_VECTORS };
        t->functions[i] = device_new(&device_virtio_rng_pci, "rng", &env, &c, NULL);
        t->behind[i] = device_new(&device_virtio_rng, "rng.virtio", &env, NULL, NULL);
        pci_plug(t->host, t->functions[i]);
        device_virtio_rng_pci.attach(t->functions[i], t->behind[i], NULL);
    }
}

static void drop(Target *t) {
    for (unsigned i = 0; i < SLOTS; i++) {
        device_free(t->behind[i]);
        device_free(t->functions[i]);
    }
    device_free(t->host);
    bus_free(t->bus);
    ram_free(t->ram);
    clock_free(t->clk);
    g_main_context_unref(t->context);
}

static PciDevice *function(Target *t, unsigned i) {
    return (PciDevice *)t->functions[i];
}

static uint32_t cfg(Target *t, unsigned i, unsigned at, unsigned size) {
    return pci_config_read((PciHost *)t->host, 0, function(t, i)->devfn, at, size);
}

static bool msix(Target *t, unsigned i, uint32_t bit) {
    unsigned at = cfg(t, i, PCI_CAPABILITIES, 1);
    return cfg(t, i, at, 1) == PCI_CAP_MSIX && (cfg(t, i, at + 2, 2) & bit);
}

static void check(Target *t) {
    bool lines[PCI_PINS] = { false };
    for (unsigned i = 0; i < SLOTS; i++) {
        PciDevice *p = function(t, i);
        FUZZ_CHECK(cfg(t, i, 0, 4) == 0x10051af4 && cfg(t, i, PCI_PIN, 1) == 1, "slot %u: its identity has changed", i);
        bool wants = cfg(t, i, PCI_STATUS, 2) & PCI_STATUS_INTX, may = !(cfg(t, i, PCI_COMMAND, 2) & PCI_COMMAND_NO_INTX);
        lines[pci_line_of(p->devfn, 0)] |= wants && may && !msix(t, i, 0x8000);
        for (unsigned n = 0; n < PCI_VECTORS; n++) {
            bool pending = p->pending[n / 64] >> (n % 64) & 1;
            bool masked = p->table[4 * n + 3] & 1 || msix(t, i, 0x4000) || !msix(t, i, 0x8000);
            FUZZ_CHECK(!pending || masked || n >= p->vectors, "slot %u: vector %u waits for nothing", i, n);
        }
    }
    for (unsigned n = 0; n < PCI_PINS; n++) {
        FUZZ_CHECK(irq_level(device_irq(t->host, n)) == lines[n], "line %u is %d", n, !lines[n]);
    }
}

/* An address in a BAR, most of the time; and whether one has to answer there. */
static uint64_t place(Target *t, FuzzIn *in, unsigned size, bool *answered) {
    static const struct { unsigned bar, bank, command; uint64_t base; } spaces[] = {
        { 0, 2, PCI_COMMAND_IO, 0 }, { 1, 1, PCI_COMMAND_MEMORY, MEMORY }, { 4, 3, PCI_COMMAND_MEMORY, HIGH } };
    unsigned n = fuzz_byte(in) % G_N_ELEMENTS(spaces), i = fuzz_byte(in) % SLOTS;
    uint64_t offset = fuzz_word(in) % (fuzz_byte(in) & 1 ? 0x5000 : 64) & ~(uint64_t)(size - 1);
    uint64_t at = pci_bar_address(function(t, i), spaces[n].bar) + offset - spaces[n].base;
    at = at < t->host->cls->banks[spaces[n].bank].size - 8 ? at : offset;
    *answered = false;
    for (unsigned k = 0; k < SLOTS; k++) {
        uint64_t base = pci_bar_address(function(t, k), spaces[n].bar);
        bool on = base && cfg(t, k, PCI_COMMAND, 2) & spaces[n].command && function(t, k)->bar_size[spaces[n].bar];
        *answered |= on && at + spaces[n].base - base < function(t, k)->bar_size[spaces[n].bar];
        base = pci_bar_address(function(t, k), 4); /* which may be among the lower ones */
        on = cfg(t, k, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
        *answered |= spaces[n].bar == 1 && on && at + MEMORY - base < function(t, k)->bar_size[4];
    }
    return (spaces[n].bank + 1) * WINDOWS + at;
}

static void load(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = fuzz_byte(opaque);
    }
}

/* Where firmware would put it. */
static void assign(Target *t, unsigned i) {
    const uint32_t values[] = { 0x1000 * (i + 1), MEMORY + 0x10000 * i, 0, 0, 0x10000 * i, HIGH >> 32, };
    for (unsigned b = 0; b < PCI_BARS; b++) {
        pci_config_write((PciHost *)t->host, 0, function(t, i)->devfn, PCI_BAR + 4 * b, 4, values[b]);
    }
    pci_config_write((PciHost *)t->host, 0, function(t, i)->devfn, PCI_COMMAND, 2, 7);
}

/* Writes that switch something. */
static void flip(Target *t, FuzzIn *in, unsigned i) {
    PciHost *h = (PciHost *)t->host;
    unsigned devfn = function(t, i)->devfn, at = cfg(t, i, PCI_CAPABILITIES, 1), bits = fuzz_byte(in);
    switch (bits & 0x80 ? 4 : bits % 4) {
    case 4: pci_msix_write(function(t, i), 12 + 16 * (bits % 2), 4, bits >> 1 & 1); break;
    case 0: pci_config_write(h, 0, devfn, PCI_COMMAND, 2, 7 | (bits & 4 ? PCI_COMMAND_NO_INTX : 0)); break;
    case 1: pci_config_write(h, 0, devfn, at + 2, 2, (bits & 4 ? 0x8000 : 0) | (bits & 8 ? 0x4000 : 0)); break;
    case 2: pci_set_intx(function(t, i), bits & 4); break;
    default: pci_config_write(h, 0, devfn, PCI_COMMAND, 2, bits >> 2); break;
    }
}

static void step(Target *t, FuzzIn *in) {
    unsigned i = fuzz_byte(in) % SLOTS, size = 1u << fuzz_byte(in) % 4;
    uint64_t value = 0;
    bool answered;
    switch (fuzz_byte(in) % 16) {
    case 0: assign(t, i); break;
    case 1: device_reset(t->functions[i]); break;
    case 2: pci_send(function(t, i), fuzz_byte(in) % 4); break;
    case 3:
        device_state_walk(t->functions[i], load, in);
        device_virtio_rng_pci.restored(t->functions[i]);
        device_virtio_rng.restored(t->behind[i]);
        break;
    case 4: case 5: case 6:
        size = size == 8 ? 4 : size;
        pci_config_write((PciHost *)t->host, 0, function(t, i)->devfn, fuzz_byte(in) & ~(size - 1), size, fuzz_word(in));
        break;
    case 7: case 8: case 9: {
        uint64_t gpa = place(t, in, size, &answered);
        (void)bus_read(t->bus, (BusAccess){ gpa, size, 0 }, &value);
        uint64_t ones = UINT64_MAX >> (64 - 8 * size);
        FUZZ_CHECK(answered || value == ones, "0x%llx is read at 0x%llx, where nobody is", (unsigned long long)value,
                   (unsigned long long)gpa);
        break;
    }
    case 10: case 11: flip(t, in, i); break;
    case 12: memset(ram_host(t->ram) + fuzz_word(in) % RAM_SIZE, fuzz_byte(in), 1); break;
    default: {
        uint64_t gpa = place(t, in, size, &answered);
        value = fuzz_byte(in) & 1 ? RAM + fuzz_word(in) % RAM_SIZE : fuzz_byte(in) & 1 ? fuzz_byte(in) % 16 : fuzz_word(in);
        (void)bus_write(t->bus, (BusAccess){ gpa, size, 0 }, value);
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzIn in = { data, size };
    Target t;
    make(&t);
    for (unsigned i = 0; i < STEPS && in.left; i++) {
        step(&t, &in);
        check(&t);
    }
    drop(&t);
    return 0;
}
