/* SPDX-License-Identifier: MIT */
/*
 * spapr.h - the parts of a PAPR partition that have state of their own: what the hypervisor keeps for it (spapr.c), and
 * the interrupt controllers that it reaches by hypercalls (xics.c).
 */
#ifndef DEVICES_SPAPR_H
#define DEVICES_SPAPR_H

#include "devices/device.h"
#include "devices/pci.h"

enum { SPAPR_CPUS = 64, SPAPR_TREE = 256 << 10, SPAPR_CLAIMS = 64, SPAPR_NVRAM = 64 << 10 };

/* -- interrupt sources, the same for both controllers -- */

enum {
    SPAPR_IRQ_FIRST = 0x1000,
    SPAPR_IRQ_EPOW = 0x1000,
    SPAPR_IRQ_VIO = 0x1100,     /* the terminal's */
    SPAPR_IRQ_PCI_LSI = 0x1200, /* level: from here ... */
    SPAPR_IRQ_MSI = 0x1300,     /* ... to here; all others are messages */
    SPAPR_IRQ_END = 0x1800,
    SPAPR_IRQS = SPAPR_IRQ_END - SPAPR_IRQ_FIRST,
};
static inline bool spapr_irq_level(unsigned irq) {
    return irq >= SPAPR_IRQ_PCI_LSI && irq < SPAPR_IRQ_MSI;
}

/* -- what the hypervisor keeps for a partition; no banks. Fields are for the machine, under the device's lock unless it
 * says otherwise -- */

typedef struct SpaprCpu {
    uint64_t vpa, slb_shadow, dispatch_log, dispatch_log_size; /* as registered; 0: none */
} SpaprCpu;

typedef struct SpaprClaim {
    uint64_t base, size;
} SpaprClaim;

typedef struct Spapr {
    Device d;
    int64_t time_base;       /* ns: time of day when the machine's clock reads 0; survives resets */
    uint64_t random;         /* where H_RANDOM's sequence is; survives resets */
    uint32_t tree_size;      /* of the device tree that the client interface shows; 0: there is none any more */
    uint32_t claim_count;
    SpaprClaim claims[SPAPR_CLAIMS]; /* memory that belongs to somebody */
    SpaprCpu cpus[SPAPR_CPUS];
    uint8_t nvram[SPAPR_NVRAM];      /* survives resets */
    uint8_t tree[SPAPR_TREE];        /* flattened; by the first CPU alone, before others run */
} Spapr;
extern const DeviceClass device_spapr;

/* -- XICS: sources and the presentation controllers of CPUs; no banks. Inputs: source - SPAPR_IRQ_FIRST; outputs: by CPU.
 * A message is a rising edge. All calls from any thread; a server or source that does not exist: false, or nothing -- */

typedef struct XicsConfig {
    unsigned cpus; /* 1 ... SPAPR_CPUS */
} XicsConfig;
extern const DeviceClass device_xics; /* config may be NULL: one CPU */
enum { XICS_IPI = 2, XICS_LEAST = 0xff /* priority: never */ };

/* H_XIRR: takes what is pending. CPPR << 24 | source (0: nothing). */
uint32_t xics_accept(Device *d, unsigned cpu);
/* H_EOI with what H_XIRR gave. */
void xics_eoi(Device *d, unsigned cpu, uint32_t xirr);
void xics_set_cppr(Device *d, unsigned cpu, uint8_t priority);
/* H_IPI: the most favoured request of other CPUs. */
bool xics_set_mfrr(Device *d, unsigned cpu, uint8_t priority);
/* H_IPOLL: looks without taking. */
bool xics_poll(Device *d, unsigned cpu, uint32_t *xirr, uint8_t *mfrr);
/* Where a source goes, and how urgent it is. */
bool xics_set_source(Device *d, unsigned irq, unsigned cpu, uint8_t priority);
bool xics_get_source(Device *d, unsigned irq, unsigned *cpu, uint8_t *priority);
/* ibm,int-off and -on: the priority is kept meanwhile. */
bool xics_mask_source(Device *d, unsigned irq, bool masked);

/* -- XIVE: bank 0 the page of the operating system's contexts, bank 1 a page of 2^XIVE_ESB_SHIFT bytes for each source.
 * Inputs: sources (the first SPAPR_CPUS are for messages between CPUs); outputs: by CPU. Calls as those of XICS -- */

extern const DeviceClass device_xive; /* configured by XicsConfig, or NULL: one CPU */
enum { XIVE_ESB_SHIFT = 16, XIVE_MASKED = 0xff };

typedef struct XiveSource {
    unsigned cpu;
    uint8_t priority;
    uint32_t event;
} XiveSource;
typedef struct XiveQueue {
    uint64_t base;
    uint32_t bits, index, turn; /* log2 of its bytes, 0: none; the next entry; the first bit that it will have */
} XiveQueue;

bool xive_source_exists(Device *d, unsigned irq);
/* event: what the queue gets; NULL: as before. False: it, the CPU or the priority does not exist. */
bool xive_set_source(Device *d, unsigned irq, unsigned cpu, uint8_t priority, const uint32_t *event);
bool xive_get_source(Device *d, unsigned irq, XiveSource *source);
/* An access of eight bytes to the source's page. */
bool xive_access_source(Device *d, unsigned irq, uint32_t offset, bool store, uint64_t *value);
/* Of 2^bits bytes at base, or none (0). */
bool xive_set_queue(Device *d, unsigned cpu, unsigned priority, uint64_t base, unsigned bits);
bool xive_get_queue(Device *d, unsigned cpu, unsigned priority, XiveQueue *queue);
/* The CPU's reporting line, which is only kept. NULL: no such CPU. Under the device's lock. */
uint64_t *xive_line(Device *d, unsigned cpu);
/* H_INT_RESET. */
void xive_reset(Device *d);

/* -- PCI host bridge: banks are I/O ports, memory below 4 GiB and high memory of the bus; four outputs for the lines. The
 * configuration space is reached by pci_config_read and pci_config_write. Its table of translations holds a TCE for each 4 KiB
 * page of the bus's first 256 MiB: a page of memory, and whether a function may read (1) or write (2) it -- */

extern const DeviceClass device_spapr_phb;
enum { SPAPR_TCE_READ = 1, SPAPR_TCE_WRITE = 2, SPAPR_TCES = 64 << 10, SPAPR_TCE_PAGE = 4096 };
#define SPAPR_PHB_MEMORY UINT64_C(0x80000000) /* bus addresses; memory above 4 GiB has the CPU's */
#define SPAPR_PHB_HIGH UINT64_C(0x210000000000)

/* A TCE by its number. False: there is none with that number, or `tce` names a page that is not memory. Any thread. */
bool spapr_phb_put_tce(Device *d, uint64_t n, uint64_t tce);
bool spapr_phb_get_tce(Device *d, uint64_t n, uint64_t *tce);

/* Interrupt sources for a function's messages: takes `count` of them in a row, in place of those it had; 0 gives them back.
 * Returns how many it has: fewer when there are no more. */
unsigned spapr_phb_take_irqs(Device *d, unsigned devfn, unsigned count);
/* How many it has, and the first one. */
unsigned spapr_phb_irqs(Device *d, unsigned devfn, unsigned *first);

#endif
