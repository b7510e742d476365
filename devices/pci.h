/* SPDX-License-Identifier: MIT */
/*
 * pci.h - what PCI functions and host bridges share. A function is a struct that begins with a PciDevice and a DeviceClass
 * whose bus is "pci"; a host bridge is one that begins with a PciHost and has slots "pci".
 * Spec: PCI Local Bus 3.0, 6 (configuration space), 6.2.5 (base addresses), 6.8.2 (MSI-X); PCI Express 4.0, 7.2.2 (ECAM).
 * Locking: a function's own lock (device_lock) for its configuration space and its BARs; irq_lock, which is taken after
 * every device's lock and under which messages go out, for what decides about interrupts. Which function answers at an
 * address is found without locks.
 */
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H

#include <stdatomic.h>

#include "devices/device.h"
#include "devices/dma.h"

typedef struct PciDevice PciDevice;
typedef struct PciHost PciHost;

enum { PCI_SPACE = 256, PCI_BARS = 6, PCI_VECTORS = 65, PCI_FUNCTIONS = 256, PCI_PINS = 4, PCI_WINDOWS = 3 };
#define PCI_DEVFN(slot, function) ((slot) << 3 | (function))
#define PCI_UNMAPPED UINT64_MAX

/* The first part of the configuration space, and bits in it. */
enum {
    PCI_VENDOR = 0x00, PCI_DEVICE = 0x02, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_REVISION = 0x08, PCI_CLASS = 0x09,
    PCI_HEADER_TYPE = 0x0e, PCI_BAR = 0x10, PCI_SUBSYSTEM = 0x2c, PCI_CAPABILITIES = 0x34, PCI_LINE = 0x3c, PCI_PIN = 0x3d,
    PCI_HEADER_END = 0x40,
    PCI_COMMAND_IO = 1, PCI_COMMAND_MEMORY = 2, PCI_COMMAND_MASTER = 4, PCI_COMMAND_NO_INTX = 1 << 10,
    PCI_STATUS_INTX = 1 << 3, PCI_STATUS_LIST = 1 << 4,
    PCI_BAR_IO = 1, PCI_BAR_64 = 4, PCI_BAR_PREFETCH = 8,
    PCI_CAP_VENDOR = 0x09, PCI_CAP_MSIX = 0x11,
};

/* What a user may say about any function: the first member of the configuration of each class. */
typedef struct PciConfig {
    const char *addr; /* SLOT[.FUNCTION] in hexadecimal; NULL: the first free slot */
    unsigned bus;     /* there is one; it has two names */
} PciConfig;
extern const char *const pci_bus_names[];
#define PCI_PROPS(Config)                                                                                          \
    { "addr", "its slot, SLOT[.FUNCTION] in hexadecimal (default: the next free one)", PROP_STRING,                \
      offsetof(Config, pci.addr) },                                                                                \
    { "bus", "the bus; every machine has one", PROP_WORD, offsetof(Config, pci.bus), .words = pci_bus_names }

/* What a function does. All under its lock; any may be NULL. */
typedef struct PciOps {
    /* Naturally aligned, of 1, 2, 4 or 8 bytes, in the BAR; little-endian numbers. */
    uint64_t (*read)(PciDevice *p, unsigned bar, uint64_t offset, unsigned size);
    void (*write)(PciDevice *p, unsigned bar, uint64_t offset, unsigned size, uint64_t value);
    void (*config_read)(PciDevice *p, unsigned at, unsigned size); /* before these bytes are read */
    void (*config_written)(PciDevice *p, unsigned at, unsigned size);
} PciOps;

struct PciDevice {
    Device d;
    const PciOps *ops;
    PciHost *host;          /* NULL: not plugged */
    pthread_mutex_t irq_lock;
    uint64_t bar_size[PCI_BARS]; /* 0: none, or the upper half of a 64-bit one */
    _Atomic uint64_t mapped[PCI_BARS]; /* the bus address at which it answers, or PCI_UNMAPPED */
    uint8_t standard[PCI_SPACE]; /* after a reset */
    uint8_t writable[PCI_SPACE];
    uint8_t space_end, space_last; /* capabilities: where the next one goes, where the latest one is */
    bool iommu;             /* its addresses are translated where the bridge does that */
    bool fixed;             /* the user has said where it is: at ... */
    uint8_t devfn;
    uint8_t msix_cap, msix_bar; /* msix_cap 0: none */
    uint8_t vectors;
    _Atomic uint32_t effect; /* bits of the command register, and PCI_EFFECT_*, as they are now */
    uint32_t host_reserved;
    /* guest state */
    uint8_t space[PCI_SPACE];
    uint32_t table[PCI_VECTORS * 4]; /* address low, high, data, mask */
    uint32_t intx, reserved; /* intx: it asks for its interrupt */
    uint64_t pending[2];    /* one bit for each vector */
};
enum { PCI_EFFECT_MSIX = 1 << 16, PCI_EFFECT_MASKED = 1 << 17 };

/* Rows for the state table of a class whose struct's first member is the PciDevice `p`. */
#define PCI_STATE(Type)                                                                                             \
    STATE_NOT_KEPT(Type, p.ops), STATE_NOT_KEPT(Type, p.host), STATE_NOT_KEPT(Type, p.irq_lock),                    \
        STATE_NOT_KEPT(Type, p.bar_size), STATE_NOT_KEPT(Type, p.mapped), STATE_NOT_KEPT(Type, p.standard),         \
        STATE_NOT_KEPT(Type, p.writable), STATE_NOT_KEPT(Type, p.space_end), STATE_NOT_KEPT(Type, p.space_last),    \
        STATE_NOT_KEPT(Type, p.iommu), STATE_NOT_KEPT(Type, p.fixed), STATE_NOT_KEPT(Type, p.devfn),                \
        STATE_NOT_KEPT(Type, p.msix_cap), STATE_NOT_KEPT(Type, p.msix_bar), STATE_NOT_KEPT(Type, p.vectors),        \
        STATE_NOT_KEPT(Type, p.effect), STATE_NOT_KEPT(Type, p.host_reserved), STATE_ARRAY(Type, p.space, uint8_t), \
        STATE_ARRAY(Type, p.table, uint32_t), STATE(Type, p.intx), STATE(Type, p.reserved), STATE_ARRAY(Type, p.pending, uint64_t)

/* -- for classes of functions -- */

typedef struct PciIdentity {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_code; /* 24 bits */
    uint8_t revision;
} PciIdentity;

/* From DeviceClass.init, before everything else. config: may be NULL. Error: the address. */
bool pci_init(PciDevice *p, const PciOps *ops, const PciConfig *config, GError **error);
void pci_identify(PciDevice *p, const PciIdentity *identity);
/* size: a power of two; flags: PCI_BAR_*. */
void pci_add_bar(PciDevice *p, unsigned bar, uint64_t size, unsigned flags);
/* Returns the place of a capability of `size` bytes; its first two are filled in. */
unsigned pci_add_capability(PciDevice *p, uint8_t id, unsigned size);
/* The MSI-X capability, with table and pending bits in a BAR of its own, which the function's ops never see. */
void pci_add_msix(PciDevice *p, unsigned bar, unsigned vectors);
/* Parts of DeviceClass.finish, .reset and .restored. */
void pci_finish(PciDevice *p);
void pci_reset(PciDevice *p);
void pci_restored(PciDevice *p);

/* Little-endian numbers in a space. */
uint32_t pci_get(const uint8_t *space, unsigned at, unsigned size);
void pci_put(uint8_t *space, unsigned at, unsigned size, uint32_t value);

/* Any thread; device locks may be held, irq_lock not. */
void pci_set_intx(PciDevice *p, bool level);
bool pci_msix_on(const PciDevice *p);
void pci_send(PciDevice *p, unsigned vector); /* nothing for a vector that is not there */
/* A DmaTranslate whose opaque is a PciDevice. */
bool pci_translate(void *device, uint64_t address, bool write, uint64_t *gpa, uint64_t *left);

/* -- for host bridges -- */

/* A range of CPU addresses behind which a range of the bus's is: bank `1 + its number` of the bridge. */
typedef struct PciWindow {
    uint64_t base; /* bus address */
    uint64_t size; /* 0: none */
    bool io;
} PciWindow;

struct PciHost {
    Device d;
    pthread_mutex_t line_lock;
    PciDevice *functions[PCI_FUNCTIONS];
    uint64_t limit; /* above the last one */
    PciWindow windows[PCI_WINDOWS];
    uint64_t asserted[PCI_PINS][PCI_FUNCTIONS / 64]; /* by output line: which functions */
    /* A message that a function sends; false: it is none for an interrupt controller. Any thread. NULL: none are. */
    bool (*message)(void *opaque, const PciDevice *p, uint64_t address, uint32_t data);
    void *message_opaque;
    DmaTranslate *translate; /* for functions with `iommu`; NULL: addresses are those of memory */
    void *translate_opaque;
};
#define PCI_HOST_STATE(Type)                                                                                       \
    STATE_NOT_KEPT(Type, h.line_lock), STATE_NOT_KEPT(Type, h.functions), STATE_NOT_KEPT(Type, h.limit), STATE_NOT_KEPT(Type, h.windows), \
        STATE_NOT_KEPT(Type, h.asserted), STATE_NOT_KEPT(Type, h.message), STATE_NOT_KEPT(Type, h.message_opaque), \
        STATE_NOT_KEPT(Type, h.translate), STATE_NOT_KEPT(Type, h.translate_opaque)

/* Parts of DeviceClass.init and .finish. Outputs 0-3 are the lines that INTx of the slots go to, in turn. */
void pci_host_init(PciHost *h);
void pci_host_finish(PciHost *h);
/* Configuration space: 1, 2 or 4 bytes, aligned; all ones where nothing is. */
uint32_t pci_config_read(PciHost *h, unsigned bus, unsigned devfn, unsigned at, unsigned size);
void pci_config_write(PciHost *h, unsigned bus, unsigned devfn, unsigned at, unsigned size, uint32_t value);
/* DeviceBank.read and .write of window `n`. */
BusResult pci_window_read(PciHost *h, unsigned n, uint64_t offset, unsigned size, uint64_t *value);
BusResult pci_window_write(PciHost *h, unsigned n, uint64_t offset, unsigned size, uint64_t value);
/* The functions of the bank that is window n, for a host bridge's table. */
#define PCI_WINDOW(n)                                                                                \
    static BusResult window##n##_read(Device *d, uint64_t offset, unsigned size, uint64_t *value) {  \
        return pci_window_read((PciHost *)d, n, offset, size, value);                                 \
    }                                                                                                 \
    static BusResult window##n##_write(Device *d, uint64_t offset, unsigned size, uint64_t value) {  \
        return pci_window_write((PciHost *)d, n, offset, size, value);                                \
    }

/* What firmware does before a guest without firmware starts: gives every BAR its address, at set-up and for resets too. */
void pci_assign(PciHost *h);
/* Firmware sets a vector's message. Any thread. */
void pci_set_message(PciDevice *p, unsigned vector, uint64_t address, uint32_t data);
/* The bus address that a BAR has, mapped or not; 0: it has none. */
uint64_t pci_bar_address(const PciDevice *p, unsigned bar);
/* PCI_BAR_* of a BAR. */
unsigned pci_bar_flags(const PciDevice *p, unsigned bar);

/* -- between pci.c and pci_irq.c; the function's lock is held -- */

void pci_irq_refresh(PciDevice *p); /* the space has changed */
void pci_irq_reset(PciDevice *p);
void pci_irq_status(PciDevice *p);  /* brings the status register up to date */
uint64_t pci_msix_read(PciDevice *p, uint64_t offset, unsigned size);
void pci_msix_write(PciDevice *p, uint64_t offset, unsigned size, uint64_t value);

/* -- for machines -- */

/* At set-up: puts a function into its slot, or a free one; borrowed. False: the slot is taken, or none is free. */
bool pci_plug(Device *host, Device *device);
/* The function at an address, or NULL. */
PciDevice *pci_function(Device *host, unsigned devfn);
/* The bridge's output that pin `pin` (0-3) of a slot goes to. */
static inline unsigned pci_line_of(unsigned devfn, unsigned pin) {
    return ((devfn >> 3) + pin) % PCI_PINS;
}
/* What is in the slots, for people. */
void pci_print(Device *host, GString *out);

#endif
