/* SPDX-License-Identifier: MIT */
/*
 * pseries_pci.c - PCI of the machine pseries: RTAS calls for configuration spaces and interrupts, hypercalls for TCEs, and the
 * nodes of the bridge and its functions, whose BARs have their addresses already.
 * Spec: LoPAPR 1.1, 7.3.5, 7.3.10.5, 14.5.3, B.6.5 (properties); IEEE 1275 PCI Bus Binding 2.1, 2.2.1 and 4.1.
 * Missing: DDW (ibm,query-pe-dma-window ...), EEH, hotplug.
 */
#include <string.h>

#include "machines/pseries.h"

#define BUID UINT64_C(0x800000020000000)
#define MESSAGES UINT64_C(0x40000000000) /* where functions send them: the source is the data */
#define CPU_MEMORY UINT64_C(0x200080000000)
#define CPU_IO UINT64_C(0x200000000000)

enum {
    LIOBN = 0x80000000, TCE_SHIFT = 12, TCE_MOST = 512, /* of one hypercall */
    H_GET_TCE = 0x1c, H_PUT_TCE = 0x20, H_STUFF_TCE = 0x138, H_PUT_TCE_INDIRECT = 0x13c,
};

static Device *phb(const Machine *m) {
    return machine_device(m, "phb");
}

/* -- TCEs: number of the window, address in it -- */

static bool entry(PseriesCall *c, uint64_t *n) {
    *n = pseries_arg(c, 1) >> TCE_SHIFT;
    return pseries_arg(c, 0) == LIOBN;
}

static int64_t get_tce(PseriesCall *c) {
    uint64_t n, tce;
    if (!entry(c, &n) || !spapr_phb_get_tce(phb(c->machine), n, &tce)) {
        return H_PARAMETER;
    }
    pseries_result(c, 0, tce);
    return H_SUCCESS;
}

static int64_t put_tce(PseriesCall *c) {
    uint64_t n;
    return entry(c, &n) && spapr_phb_put_tce(phb(c->machine), n, pseries_arg(c, 2)) ? H_SUCCESS : H_PARAMETER;
}

static int64_t stuff_tce(PseriesCall *c) {
    uint64_t n, count = pseries_arg(c, 3);
    if (!entry(c, &n) || count > TCE_MOST || n + count > SPAPR_TCES) {
        return H_PARAMETER;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!spapr_phb_put_tce(phb(c->machine), n + i, pseries_arg(c, 2))) {
            return H_PARAMETER;
        }
    }
    return H_SUCCESS;
}

/* The list is a page. */
static int64_t put_tce_indirect(PseriesCall *c) {
    uint64_t n, list = pseries_arg(c, 2), count = pseries_arg(c, 3), tces[TCE_MOST];
    if (!entry(c, &n) || count > TCE_MOST || n + count > SPAPR_TCES || list % sizeof tces ||
        dma_read(c->machine->bus, list, tces, count * sizeof tces[0]) != DMA_OK) {
        return H_PARAMETER;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!spapr_phb_put_tce(phb(c->machine), n + i, GUINT64_FROM_BE(tces[i]))) {
            return H_PARAMETER;
        }
    }
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_GET_TCE, get_tce }, { H_PUT_TCE, put_tce }, { H_STUFF_TCE, stuff_tce }, { H_PUT_TCE_INDIRECT, put_tce_indirect },
};
const PseriesCallTable pseries_calls_pci = { rows, G_N_ELEMENTS(rows) };

/* -- RTAS: the bridge's number stands in two words -- */

static bool is_ours(const PseriesRtas *r) {
    return ((uint64_t)r->in[1] << 32 | r->in[2]) == BUID;
}

/* config_addr: bits 28-31 the upper ones of the register's, then bus, function and register with eight bits each. */
static bool config_place(uint32_t address, uint32_t size, unsigned *at) {
    *at = (address >> 20 & 0xf00) | (address & 0xff);
    return (size == 1 || size == 2 || size == 4) && *at % size == 0;
}

static int32_t config_read(PseriesRtas *r, uint32_t size) {
    unsigned at;
    r->out[1] = UINT32_MAX;
    if (!config_place(r->in[0], size, &at)) {
        return RTAS_PARAMETER;
    }
    r->out[1] = pci_config_read((PciHost *)phb(r->machine), r->in[0] >> 16 & 0xff, r->in[0] >> 8 & 0xff, at, size);
    return RTAS_SUCCESS;
}

static int32_t config_write(PseriesRtas *r, uint32_t size, uint32_t value) {
    unsigned at;
    if (!config_place(r->in[0], size, &at)) {
        return RTAS_PARAMETER;
    }
    pci_config_write((PciHost *)phb(r->machine), r->in[0] >> 16 & 0xff, r->in[0] >> 8 & 0xff, at, size, value);
    return RTAS_SUCCESS;
}

static int32_t read_config(PseriesRtas *r) {
    return config_read(r, r->in[1]);
}
static int32_t write_config(PseriesRtas *r) {
    return config_write(r, r->in[1], r->in[2]);
}
static int32_t ibm_read_config(PseriesRtas *r) {
    return is_ours(r) ? config_read(r, r->in[3]) : RTAS_PARAMETER;
}
static int32_t ibm_write_config(PseriesRtas *r) {
    return is_ours(r) ? config_write(r, r->in[3], r->in[4]) : RTAS_PARAMETER;
}

/* The function that config_addr names, or NULL. */
static PciDevice *function_of(PseriesRtas *r) {
    bool bus0 = (r->in[0] >> 16 & 0xff) == 0;
    return is_ours(r) && bus0 ? pci_function(phb(r->machine), r->in[0] >> 8 & 0xff) : NULL;
}

/* Function, how many, sequence number. There is MSI-X alone. */
static int32_t change_msi(PseriesRtas *r) {
    enum { QUERY, CHANGE, RESET, CHANGE_MSI, CHANGE_MSIX, CHANGE_MSI32, CHANGE_MSIX32, TYPE_MSIX = 2 };
    PciDevice *p = function_of(r);
    unsigned first, what = r->in[3];
    if (!p || what > CHANGE_MSIX32 || what == CHANGE_MSI || what == CHANGE_MSI32) {
        return RTAS_PARAMETER;
    }
    unsigned wanted = what == RESET ? 0 : MIN(r->in[4], p->vectors);
    if (what != QUERY && (wanted || what == RESET || !r->in[4])) {
        spapr_phb_take_irqs(phb(r->machine), p->devfn, wanted);
    }
    unsigned has = spapr_phb_irqs(phb(r->machine), p->devfn, &first);
    for (unsigned i = 0; what != QUERY && i < has; i++) {
        pci_set_message(p, i, MESSAGES, first + i);
    }
    r->out[1] = has;
    r->out[2] = 1;
    r->out[3] = TYPE_MSIX;
    return RTAS_SUCCESS;
}

static int32_t query_source(PseriesRtas *r) {
    PciDevice *p = function_of(r);
    unsigned first = 0, has = p ? spapr_phb_irqs(phb(r->machine), p->devfn, &first) : 0;
    if (r->in[3] >= has) {
        return RTAS_PARAMETER;
    }
    r->out[1] = first + r->in[3];
    r->out[2] = 0; /* a message */
    return RTAS_SUCCESS;
}

static const PseriesRtasRow rtas_rows[] = {
    { "read-pci-config", 2, 2, read_config }, { "write-pci-config", 3, 1, write_config },
    { "ibm,read-pci-config", 4, 2, ibm_read_config }, { "ibm,write-pci-config", 5, 1, ibm_write_config },
    { "ibm,change-msi", 6, 3, change_msi }, { "ibm,query-interrupt-source-number", 4, 3, query_source },
};
const PseriesRtasTable pseries_rtas_pci = { rtas_rows, G_N_ELEMENTS(rtas_rows) };

/* -- wiring -- */

/* The source has edges. */
static bool message(void *machine, const PciDevice *p, uint64_t address, uint32_t data) {
    if (address != MESSAGES || data < SPAPR_IRQ_MSI || data >= SPAPR_IRQ_END) {
        return false;
    }
    pseries_irq(machine, data, true);
    pseries_irq(machine, data, false);
    return true;
}

void pseries_connect_pci(Machine *m) {
    PciHost *h = (PciHost *)phb(m);
    h->message = message;
    h->message_opaque = m;
    for (unsigned i = 0; i < PCI_PINS; i++) {
        irq_connect(device_irq(&h->d, i), pseries_irq, m, SPAPR_IRQ_PCI_LSI + i);
    }
    if (!m->options.bios) { /* which gives addresses itself */
        pci_assign(h);
    }
}

/* -- the device tree -- */

enum { SPACE_IO = 0x01000000, SPACE_32 = 0x02000000, SPACE_64 = 0x03000000, PREFETCH = 0x40000000, FIXED = 0x80000000 };

static uint32_t bar_kind(const PciDevice *p, unsigned bar) {
    unsigned flags = pci_bar_flags(p, bar);
    return (flags & PCI_BAR_IO ? SPACE_IO : flags & PCI_BAR_64 ? SPACE_64 : SPACE_32) |
           (!(flags & PCI_BAR_IO) && flags & PCI_BAR_PREFETCH ? PREFETCH : 0) | (uint32_t)p->devfn << 8 | (PCI_BAR + 4 * bar);
}

/* "reg" begins with the configuration space; BARs follow with their sizes there, and with addresses in the other one. */
static void describe_bars(const PciDevice *p, DevTree *tree, const char *node) {
    uint32_t reg[5 * (1 + PCI_BARS)] = { (uint32_t)p->devfn << 8 }, assigned[5 * PCI_BARS];
    unsigned n = 5, k = 0;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint64_t size = p->bar_size[i], at = size ? pci_bar_address(p, i) : 0;
        const uint32_t room[] = { bar_kind(p, i), 0, 0, (uint32_t)(size >> 32), (uint32_t)size };
        const uint32_t place[] = { bar_kind(p, i) | FIXED, (uint32_t)(at >> 32), (uint32_t)at, (uint32_t)(size >> 32),
                                   (uint32_t)size };
        if (size) {
            memcpy(reg + n, room, sizeof room);
            n += 5;
        }
        if (at) {
            memcpy(assigned + k, place, sizeof place);
            k += 5;
        }
    }
    devtree_cells(tree, node, "reg", n, reg);
    if (k) {
        devtree_cells(tree, node, "assigned-addresses", k, assigned);
    }
}

static void describe_function(const PciDevice *p, DevTree *tree, const char *bridge) {
    static const struct { const char *name; unsigned at, size; } numbers[] = {
        { "vendor-id", PCI_VENDOR, 2 }, { "device-id", PCI_DEVICE, 2 }, { "revision-id", PCI_REVISION, 1 },
        { "class-code", PCI_CLASS, 3 }, { "subsystem-vendor-id", PCI_SUBSYSTEM, 2 }, { "subsystem-id", PCI_SUBSYSTEM + 2, 2 },
    };
    uint32_t base = pci_get(p->standard, PCI_CLASS, 3) >> 16;
    g_autofree char *other = g_strdup_printf("pci%x,%x", pci_get(p->standard, PCI_VENDOR, 2), pci_get(p->standard, PCI_DEVICE, 2));
    g_autofree char *place = p->devfn & 7 ? g_strdup_printf("%x,%x", p->devfn >> 3, p->devfn & 7u) : g_strdup_printf("%x", p->devfn >> 3);
    g_autofree char *node = g_strdup_printf("%s/%s@%s", bridge, base == 1 ? "scsi" : base == 2 ? "ethernet" : other, place);
    g_autofree char *code = g_strdup_printf("Slot %u", p->devfn >> 3);
    devtree_node(tree, node);
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        DEVTREE_CELLS(tree, node, numbers[i].name, pci_get(p->standard, numbers[i].at, numbers[i].size));
    }
    devtree_string(tree, node, "compatible", other);
    devtree_string(tree, node, "ibm,loc-code", code);
    DEVTREE_CELLS(tree, node, "interrupts", 1); /* INTA */
    DEVTREE_CELLS(tree, node, "#address-cells", 3);
    DEVTREE_CELLS(tree, node, "#size-cells", 2);
    if (p->vectors) {
        DEVTREE_CELLS(tree, node, "ibm,req#msi-x", p->vectors);
    }
    describe_bars(p, tree, node);
}

static void describe_lines(const Machine *m, DevTree *tree, const char *node) {
    enum { ENTRY = 7, SLOT_SHIFT = 11, MASK_PIN = 7, LEVEL = 1 };
    uint32_t cells[PCI_PINS * PCI_PINS * ENTRY], *at = cells, parent = devtree_phandle(tree, "/interrupt-controller");
    for (unsigned slot = 0; slot < PCI_PINS; slot++) {
        for (unsigned pin = 0; pin < PCI_PINS; pin++, at += ENTRY) {
            uint32_t irq = SPAPR_IRQ_PCI_LSI + pci_line_of(PCI_DEVFN(slot, 0), pin);
            const uint32_t line[ENTRY] = { slot << SLOT_SHIFT, 0, 0, pin + 1, parent, irq, LEVEL };
            memcpy(at, line, sizeof line);
        }
    }
    devtree_cells(tree, node, "interrupt-map", G_N_ELEMENTS(cells), cells);
    DEVTREE_CELLS(tree, node, "interrupt-map-mask", (PCI_PINS - 1) << SLOT_SHIFT, 0, 0, MASK_PIN);
}

void pseries_describe_pci(const Machine *m, DevTree *tree) {
    const PciHost *h = (const PciHost *)phb(m);
    g_autofree char *node = g_strdup_printf("/pci@%" G_GINT64_MODIFIER "x", BUID);
    const uint64_t io = h->windows[0].size, memory = h->windows[1].size, high = h->windows[2].size;
    const uint32_t ranges[] = {
        SPACE_IO, 0, 0, (uint32_t)(CPU_IO >> 32), (uint32_t)CPU_IO, (uint32_t)(io >> 32), (uint32_t)io,
        SPACE_32, 0, (uint32_t)SPAPR_PHB_MEMORY, (uint32_t)(CPU_MEMORY >> 32), (uint32_t)CPU_MEMORY, (uint32_t)(memory >> 32),
        (uint32_t)memory,
        SPACE_64, (uint32_t)(SPAPR_PHB_HIGH >> 32), (uint32_t)SPAPR_PHB_HIGH, (uint32_t)(SPAPR_PHB_HIGH >> 32),
        (uint32_t)SPAPR_PHB_HIGH, (uint32_t)(high >> 32), (uint32_t)high,
    };
    static const struct { const char *name; uint32_t value; } numbers[] = {
        { "#address-cells", 3 }, { "#size-cells", 2 }, { "#interrupt-cells", 1 }, { "ibm,#dma-address-cells", 2 },
        { "ibm,#dma-size-cells", 2 }, { "ibm,pci-config-space-type", 1 }, { "ibm,pe-total-#msi", SPAPR_IRQ_END - SPAPR_IRQ_MSI },
    };
    devtree_node(tree, node);
    devtree_string(tree, node, "device_type", "pci");
    devtree_string(tree, node, "compatible", "IBM,Logical_PHB");
    devtree_flag(tree, node, "used-by-rtas");
    DEVTREE_CELLS(tree, node, "qemu,phb-enumerated", 1); /* as firmware knows that the functions have their addresses */
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        DEVTREE_CELLS(tree, node, numbers[i].name, numbers[i].value);
    }
    DEVTREE_U64S(tree, node, "reg", BUID, 0);
    DEVTREE_CELLS(tree, node, "bus-range", 0, 0xff);
    devtree_cells(tree, node, "ranges", G_N_ELEMENTS(ranges), ranges);
    DEVTREE_CELLS(tree, node, "ibm,dma-window", LIOBN, 0, 0, 0, SPAPR_TCES * SPAPR_TCE_PAGE);
    describe_lines(m, tree, node);
    for (unsigned f = PCI_FUNCTIONS; f-- > 0;) { /* a new node comes first */
        const PciDevice *p = pci_function(phb(m), f);
        if (p) {
            describe_function(p, tree, node);
        }
    }
}
