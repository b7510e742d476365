/* SPDX-License-Identifier: MIT */
/*
 * pci.c - configuration spaces, base addresses and slots of a PCI bus; see pci.h.
 * Spec: PCI Local Bus 3.0, 6.1, 6.2, 6.7; PCI Express 4.0, 7.2.2.
 * Locking: see pci.h. The functions and their sizes are fixed when the machine runs.
 * Missing: bridges (there is one bus), expansion ROMs, MSI without X, power management, extended configuration space.
 */
#include "devices/pci.h"

#include <gio/gio.h>
#include <inttypes.h>
#include <string.h>

const char *const pci_bus_names[] = { "pci.0", "pcie.0", NULL };

/* -- bytes -- */

uint32_t pci_get(const uint8_t *space, unsigned at, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)space[at + i] << (8 * i);
    }
    return value;
}

void pci_put(uint8_t *space, unsigned at, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size; i++) {
        space[at + i] = (uint8_t)(value >> (8 * i));
    }
}

/* -- making a function -- */

static bool parse_addr(PciDevice *p, const char *text, GError **error) {
    unsigned slot, function = 0;
    int end = 0;
    bool ok = sscanf(text, "%2x%n", &slot, &end) == 1 && slot < PCI_FUNCTIONS / 8;
    if (ok && text[end] == '.') {
        ok = text[end + 1] >= '0' && text[end + 1] <= '7';
        function = ok ? (unsigned)(text[end + 1] - '0') : 0;
        end += 2;
    }
    if (!ok || text[end] || !g_ascii_isxdigit(text[0])) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "addr=%s is no slot of a PCI bus; give SLOT or SLOT.FUNCTION, as in addr=1f.7: 0 to 1f, and 0 to 7",
                    text);
        return false;
    }
    p->fixed = true;
    p->devfn = (uint8_t)PCI_DEVFN(slot, function);
    return true;
}

bool pci_init(PciDevice *p, const PciOps *ops, const PciConfig *config, GError **error) {
    pthread_mutex_init(&p->irq_lock, NULL);
    p->ops = ops;
    p->space_end = PCI_HEADER_END;
    p->standard[PCI_PIN] = 1;
    pci_put(p->writable, PCI_COMMAND, 2,
            PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    p->writable[PCI_LINE] = 0xff;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        atomic_init(&p->mapped[i], PCI_UNMAPPED);
    }
    return !config || !config->addr || parse_addr(p, config->addr, error);
}

void pci_finish(PciDevice *p) {
    pthread_mutex_destroy(&p->irq_lock);
}

void pci_identify(PciDevice *p, const PciIdentity *id) {
    pci_put(p->standard, PCI_VENDOR, 2, id->vendor);
    pci_put(p->standard, PCI_DEVICE, 2, id->device);
    pci_put(p->standard, PCI_REVISION, 1, id->revision);
    pci_put(p->standard, PCI_CLASS, 3, id->class_code);
    pci_put(p->standard, PCI_SUBSYSTEM, 2, id->subsystem_vendor);
    pci_put(p->standard, PCI_SUBSYSTEM + 2, 2, id->subsystem);
}

static unsigned bar_at(unsigned bar) {
    return PCI_BAR + 4 * bar;
}

void pci_add_bar(PciDevice *p, unsigned bar, uint64_t size, unsigned flags) {
    g_assert(bar < PCI_BARS && size >= 16 && (size & (size - 1)) == 0);
    uint64_t mask = ~(size - 1);
    p->bar_size[bar] = size;
    pci_put(p->standard, bar_at(bar), 4, flags);
    pci_put(p->writable, bar_at(bar), 4, (uint32_t)mask);
    if (flags & PCI_BAR_64) {
        g_assert(bar + 1 < PCI_BARS);
        pci_put(p->writable, bar_at(bar + 1), 4, (uint32_t)(mask >> 32));
    }
}

unsigned pci_add_capability(PciDevice *p, uint8_t id, unsigned size) {
    unsigned at = p->space_end;
    g_assert(at + size <= PCI_SPACE - 4);
    p->standard[at] = id;
    p->standard[p->space_last ? p->space_last + 1 : PCI_CAPABILITIES] = (uint8_t)at;
    p->standard[PCI_STATUS] |= PCI_STATUS_LIST;
    p->space_last = (uint8_t)at;
    p->space_end = (uint8_t)((at + size + 3) & ~3u);
    return at;
}

/* -- what follows from the space -- */

uint64_t pci_bar_address(const PciDevice *p, unsigned bar) {
    uint64_t value = pci_get(p->space, bar_at(bar), 4);
    if (p->standard[bar_at(bar)] & PCI_BAR_64) {
        value |= (uint64_t)pci_get(p->space, bar_at(bar + 1), 4) << 32;
    }
    return value & ~(p->bar_size[bar] - 1);
}

static bool bar_io(const PciDevice *p, unsigned bar) {
    return p->standard[bar_at(bar)] & PCI_BAR_IO;
}

unsigned pci_bar_flags(const PciDevice *p, unsigned bar) {
    return p->standard[bar_at(bar)] & 0xf;
}

/* Where the BARs answer now; a base of 0 was never given. */
static void refresh(PciDevice *p) {
    uint32_t command = pci_get(p->space, PCI_COMMAND, 2);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint64_t size = p->bar_size[i], address = size ? pci_bar_address(p, i) : 0;
        bool on = address && (command & (bar_io(p, i) ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY));
        atomic_store_explicit(&p->mapped[i], on ? address : PCI_UNMAPPED, memory_order_release);
    }
    pci_irq_refresh(p);
}

void pci_reset(PciDevice *p) {
    memcpy(p->space, p->standard, PCI_SPACE);
    pci_irq_reset(p);
    refresh(p);
}

/* A loaded state may hold anything. */
void pci_restored(PciDevice *p) {
    for (unsigned i = 0; i < PCI_SPACE; i++) {
        p->space[i] = (uint8_t)((p->standard[i] & ~p->writable[i]) | (p->space[i] & p->writable[i]));
    }
    refresh(p);
}

/* -- addresses in place of firmware -- */

/* The window for a BAR: one above 4 GiB for those that can be there, or the first of the kind. */
static unsigned window_for(const PciHost *h, const PciDevice *p, unsigned bar) {
    unsigned best = PCI_WINDOWS;
    for (unsigned n = PCI_WINDOWS; n-- > 0;) {
        const PciWindow *w = &h->windows[n];
        bool high = w->base > UINT32_MAX;
        if (w->size && w->io == bar_io(p, bar) && (!high || (pci_bar_flags(p, bar) & PCI_BAR_64))) {
            best = best < PCI_WINDOWS && h->windows[best].base > w->base ? best : n;
        }
    }
    return best;
}

static void assign(const PciHost *h, PciDevice *p, unsigned bar, uint64_t *next) {
    unsigned n = window_for(h, p, bar);
    uint64_t size = p->bar_size[bar];
    if (n == PCI_WINDOWS) {
        return;
    }
    uint64_t at = (MAX(next[n], BUS_PAGE) + size - 1) & ~(size - 1);
    if (at - h->windows[n].base > h->windows[n].size - size) {
        return; /* full: it stays without, as from any firmware */
    }
    next[n] = at + size;
    uint32_t flags = pci_bar_flags(p, bar);
    pci_put(p->standard, bar_at(bar), 4, (uint32_t)at | flags);
    if (flags & PCI_BAR_64) {
        pci_put(p->standard, bar_at(bar + 1), 4, (uint32_t)(at >> 32));
    }
}

void pci_assign(PciHost *h) {
    uint64_t next[PCI_WINDOWS];
    for (unsigned n = 0; n < PCI_WINDOWS; n++) {
        next[n] = h->windows[n].base;
    }
    for (unsigned f = 0; f < h->limit; f++) {
        PciDevice *p = h->functions[f];
        for (unsigned i = 0; p && i < PCI_BARS; i++) {
            if (p->bar_size[i]) {
                assign(h, p, i, next);
            }
        }
        if (p) {
            device_lock(&p->d);
            memcpy(p->space + PCI_BAR, p->standard + PCI_BAR, 4 * PCI_BARS);
            refresh(p);
            device_unlock(&p->d);
        }
    }
}

/* -- accesses to the space -- */

PciDevice *pci_function(Device *host, unsigned devfn) {
    return devfn < PCI_FUNCTIONS ? ((PciHost *)host)->functions[devfn] : NULL;
}

static PciDevice *answering(PciHost *h, unsigned bus, unsigned devfn, unsigned at, unsigned size) {
    return bus == 0 && at <= PCI_SPACE - size ? pci_function(&h->d, devfn) : NULL;
}

uint32_t pci_config_read(PciHost *h, unsigned bus, unsigned devfn, unsigned at, unsigned size) {
    PciDevice *p = answering(h, bus, devfn, at, size);
    if (!p) {
        return UINT32_MAX >> (32 - 8 * size);
    }
    device_lock(&p->d);
    if (p->ops->config_read) {
        p->ops->config_read(p, at, size);
    }
    pci_irq_status(p);
    uint32_t value = pci_get(p->space, at, size);
    device_unlock(&p->d);
    return value;
}

void pci_config_write(PciHost *h, unsigned bus, unsigned devfn, unsigned at, unsigned size, uint32_t value) {
    PciDevice *p = answering(h, bus, devfn, at, size);
    if (!p) {
        return;
    }
    device_lock(&p->d);
    device_log(&p->d, LOG_TRACE, "%s: configuration 0x%02x, %u bytes, 0x%x", p->d.name, at, size, value);
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        uint8_t mask = p->writable[at + i];
        p->space[at + i] = (uint8_t)((p->space[at + i] & ~mask) | (value & mask));
    }
    refresh(p);
    if (p->ops->config_written) {
        p->ops->config_written(p, at, size);
    }
    device_unlock(&p->d);
}

/* -- windows -- */

/* Who answers at [address, address + size) of the bus. Where two do, the lower one of the slots. */
static PciDevice *find(const PciHost *h, bool io, uint64_t address, unsigned size, unsigned *bar, uint64_t *offset) {
    for (unsigned f = 0; f < h->limit; f++) {
        PciDevice *p = h->functions[f];
        for (unsigned i = 0; p && i < PCI_BARS; i++) {
            uint64_t base = atomic_load_explicit(&p->mapped[i], memory_order_acquire);
            if (base != PCI_UNMAPPED && address - base <= p->bar_size[i] - size && bar_io(p, i) == io) {
                *bar = i;
                *offset = address - base;
                return p;
            }
        }
    }
    return NULL;
}

BusResult pci_window_read(PciHost *h, unsigned n, uint64_t offset, unsigned size, uint64_t *value) {
    const PciWindow *w = &h->windows[n];
    unsigned bar;
    PciDevice *p = offset < w->size ? find(h, w->io, w->base + offset, size, &bar, &offset) : NULL;
    *value = size == 8 ? UINT64_MAX : UINT32_MAX >> (32 - 8 * size); /* nobody answers */
    if (p) {
        device_lock(&p->d);
        *value = p->msix_cap && bar == p->msix_bar ? pci_msix_read(p, offset, size)
                 : p->ops->read ? p->ops->read(p, bar, offset, size) : 0;
        device_unlock(&p->d);
    }
    return BUS_OK;
}

BusResult pci_window_write(PciHost *h, unsigned n, uint64_t offset, unsigned size, uint64_t value) {
    const PciWindow *w = &h->windows[n];
    unsigned bar;
    PciDevice *p = offset < w->size ? find(h, w->io, w->base + offset, size, &bar, &offset) : NULL;
    if (p) {
        device_lock(&p->d);
        if (p->msix_cap && bar == p->msix_bar) {
            pci_msix_write(p, offset, size, value);
        } else if (p->ops->write) {
            p->ops->write(p, bar, offset, size, value);
        }
        device_unlock(&p->d);
    }
    return BUS_OK;
}

bool pci_translate(void *device, uint64_t address, bool write, uint64_t *gpa, uint64_t *left) {
    PciDevice *p = device;
    if (!(atomic_load_explicit(&p->effect, memory_order_relaxed) & PCI_COMMAND_MASTER)) {
        return false;
    }
    if (p->iommu && p->host && p->host->translate) {
        return p->host->translate(p->host->translate_opaque, address, write, gpa, left);
    }
    *gpa = address;
    *left = UINT64_MAX;
    return true;
}

/* -- slots -- */

void pci_host_init(PciHost *h) {
    pthread_mutex_init(&h->line_lock, NULL);
}

void pci_host_finish(PciHost *h) {
    pthread_mutex_destroy(&h->line_lock);
}

/* Slot 0 is left to a bridge. */
static bool choose(const PciHost *h, PciDevice *p) {
    if (p->fixed) {
        return !h->functions[p->devfn];
    }
    for (unsigned slot = 1; slot < PCI_FUNCTIONS / 8; slot++) {
        bool taken = false;
        for (unsigned f = 0; f < 8; f++) {
            taken |= h->functions[PCI_DEVFN(slot, f)] != NULL;
        }
        if (!taken) {
            p->devfn = (uint8_t)PCI_DEVFN(slot, 0);
            return true;
        }
    }
    return false;
}

bool pci_plug(Device *host, Device *device) {
    enum { SEVERAL = 0x80 };
    PciHost *h = (PciHost *)host;
    PciDevice *p = (PciDevice *)device;
    if (!choose(h, p)) {
        return false;
    }
    h->functions[p->devfn] = p;
    p->host = h;
    h->limit = MAX(h->limit, p->devfn + 1u);
    unsigned first = p->devfn & ~7u;
    for (unsigned f = 1; f < 8; f++) { /* a guest looks for further functions when the first one says so */
        if (h->functions[first] && h->functions[first | f]) {
            h->functions[first]->standard[PCI_HEADER_TYPE] |= SEVERAL;
            h->functions[first]->space[PCI_HEADER_TYPE] |= SEVERAL;
        }
    }
    return true;
}

/* -- for people -- */

static void print_bar(PciDevice *p, unsigned i, GString *out) {
    uint64_t address = pci_bar_address(p, i), size = p->bar_size[i];
    g_string_append_printf(out, "      BAR%u: %s", i, bar_io(p, i) ? "I/O" : p->standard[bar_at(i)] & PCI_BAR_64
                           ? "64 bit memory" : "32 bit memory");
    if (atomic_load(&p->mapped[i]) == PCI_UNMAPPED) {
        g_string_append_printf(out, ", not mapped [0x%" PRIx64 " bytes]\n", size);
    } else {
        g_string_append_printf(out, " at 0x%" PRIx64 " [0x%" PRIx64 "]\n", address, address + size - 1);
    }
}

static void print(PciDevice *p, GString *out) {
    uint32_t command = pci_get(p->space, PCI_COMMAND, 2);
    g_string_append_printf(out, "  Bus 0, device %u, function %u: class %06x, PCI device %04x:%04x\n", p->devfn >> 3,
                           p->devfn & 7, pci_get(p->space, PCI_CLASS, 3), pci_get(p->space, PCI_VENDOR, 2),
                           pci_get(p->space, PCI_DEVICE, 2));
    g_string_append_printf(out, "      id \"%s\", bus master %s, %s\n", p->d.name, command & PCI_COMMAND_MASTER ? "on" : "off",
                           pci_msix_on(p) ? "MSI-X" : "INTA");
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (p->bar_size[i]) {
            print_bar(p, i, out);
        }
    }
}

void pci_print(Device *host, GString *out) {
    for (unsigned f = 0; f < PCI_FUNCTIONS; f++) {
        PciDevice *p = pci_function(host, f);
        if (p) {
            device_lock(&p->d);
            print(p, out);
            device_unlock(&p->d);
        }
    }
}
