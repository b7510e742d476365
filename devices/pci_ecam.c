/* SPDX-License-Identifier: MIT */
/*
 * pci_ecam.c - the generic host bridge: the configuration space is memory, and so are the windows.
 * Spec: PCI Express 4.0, 7.2.2; IEEE 1275 PCI Bus Binding 2.1; Linux devicetree binding pci/host-generic-pci.
 * Missing: a root port and its extended configuration space; the bridge itself is no function.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/pci.h"

enum { ECAM_FUNCTION_BITS = 12, ECAM_BUS_BITS = 20 };

typedef struct PciEcam {
    PciHost h;
} PciEcam;

static BusResult ecam_read(Device *d, uint64_t offset, unsigned size, uint64_t *value) {
    *value = pci_config_read((PciHost *)d, (unsigned)(offset >> ECAM_BUS_BITS), offset >> ECAM_FUNCTION_BITS & 0xff,
                             offset & 0xfff, size);
    return BUS_OK;
}

static BusResult ecam_write(Device *d, uint64_t offset, unsigned size, uint64_t value) {
    pci_config_write((PciHost *)d, (unsigned)(offset >> ECAM_BUS_BITS), offset >> ECAM_FUNCTION_BITS & 0xff, offset & 0xfff,
                     size, (uint32_t)value);
    return BUS_OK;
}

PCI_WINDOW(0)
PCI_WINDOW(1)
PCI_WINDOW(2)

static const DeviceBank banks[] = {
    { "ecam", 256 << 20, .sizes = 1 | 2 | 4, .read = ecam_read, .write = ecam_write, .unlocked = true },
    { "memory", 0x2eff0000, .sizes = 1 | 2 | 4 | 8, .read = window0_read, .write = window0_write, .unlocked = true },
    { "io", 0x10000, .sizes = 1 | 2 | 4 | 8, .read = window1_read, .write = window1_write, .unlocked = true },
    { "high", UINT64_C(0x8000000000), .sizes = 1 | 2 | 4 | 8, .read = window2_read, .write = window2_write,
      .unlocked = true },
};
enum { ECAM, MEMORY, IO, HIGH };

static bool init(Device *d, const void *config, GError **error) {
    const PciHostConfig *c = config;
    PciHost *h = (PciHost *)d;
    pci_host_init(h);
    h->windows[0] = (PciWindow){ c ? c->memory : 0, banks[MEMORY].size, false };
    h->windows[1] = (PciWindow){ 0, banks[IO].size, true };
    h->windows[2] = (PciWindow){ c ? c->high : 0, c && c->high ? banks[HIGH].size : 0, false };
    return true;
}

static void finish(Device *d) {
    pci_host_finish((PciHost *)d);
}

/* One entry of "ranges": the kind of space, the bus's address, the CPU's, the size. */
static unsigned range(uint32_t *cells, uint32_t kind, uint64_t bus, uint64_t base, uint64_t size) {
    const uint32_t entry[] = { kind, (uint32_t)(bus >> 32), (uint32_t)bus, (uint32_t)(base >> 32), (uint32_t)base,
                               (uint32_t)(size >> 32), (uint32_t)size };
    for (unsigned i = 0; i < G_N_ELEMENTS(entry); i++) {
        cells[i] = cpu_to_fdt32(entry[i]);
    }
    return G_N_ELEMENTS(entry);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    enum { SPACE_IO = 0x01000000, SPACE_32 = 0x02000000, SPACE_64 = 0x03000000 };
    uint32_t cells[3 * 7];
    uint64_t ecam = at->size[ECAM] ? at->size[ECAM] : banks[ECAM].size;
    unsigned n = range(cells, SPACE_IO, 0, at->base[IO], banks[IO].size);
    n += range(cells + n, SPACE_32, at->base[MEMORY], at->base[MEMORY], banks[MEMORY].size);
    if (at->size[HIGH]) {
        n += range(cells + n, SPACE_64, at->base[HIGH], at->base[HIGH], banks[HIGH].size);
    }
    node_begin(fdt, "pcie", at->base[ECAM]);
    node_string(fdt, "compatible", "pci-host-ecam-generic");
    node_string(fdt, "device_type", "pci");
    node_cells(fdt, "#address-cells", 1, 3u);
    node_cells(fdt, "#size-cells", 1, 2u);
    node_cells(fdt, "#interrupt-cells", 1, 1u);
    node_cells(fdt, "bus-range", 2, 0u, (unsigned)(ecam >> ECAM_BUS_BITS) - 1);
    node_cells(fdt, "linux,pci-domain", 1, 0u);
    node_reg(fdt, at->base[ECAM], ecam);
    node_bytes(fdt, "ranges", cells, n * sizeof cells[0]);
    node_flag(fdt, "dma-coherent");
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

static const StateField state[] = { PCI_HOST_STATE(PciEcam) };

const DeviceClass device_pci_ecam = {
    .name = "pci_ecam",
    .summary = "PCI host bridge with its configuration space in memory",
    .size = sizeof(PciEcam),
    .config_size = sizeof(PciHostConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = PCI_PINS,
    .slots = "pci",
    .init = init,
    .finish = finish,
    .fdt = fdt_node,
};
