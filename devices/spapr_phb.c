/* SPDX-License-Identifier: MIT */
/*
 * spapr_phb.c - the PCI host bridge of a PAPR partition: windows to the bus, translation of addresses by TCEs, and which
 * interrupt sources the messages of a function have. The machine's hypercalls and RTAS calls do the rest.
 * Spec: LoPAPR 1.1, 3.2.2.2 (TCEs), 7.3.5 (PCI configuration), 7.3.10.5 (ibm,change-msi), 14.5.3 (TCE hypercalls).
 * Locking: the device's lock for interrupt sources; TCEs are single words, which functions read without locks.
 * Missing: windows above 4 GiB for functions (DDW), isolation of errors (EEH).
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/spapr.h"

typedef struct SpaprPhb {
    PciHost h;
    uint16_t first[PCI_FUNCTIONS], count[PCI_FUNCTIONS]; /* interrupt sources by function */
    uint64_t tces[SPAPR_TCES];
} SpaprPhb;

PCI_WINDOW(0)
PCI_WINDOW(1)
PCI_WINDOW(2)

#define BANK(word, bytes, n) \
    { word, bytes, .sizes = 1 | 2 | 4 | 8, .read = window##n##_read, .write = window##n##_write, .unlocked = true }
static const DeviceBank banks[] = {
    BANK("io", 0x10000, 0), BANK("memory", 0x80000000, 1), BANK("high", UINT64_C(0x10000000000), 2),
};

/* -- TCEs -- */

bool spapr_phb_put_tce(Device *d, uint64_t n, uint64_t tce) {
    SpaprPhb *s = (SpaprPhb *)d;
    uint64_t page = tce & ~(uint64_t)(SPAPR_TCE_PAGE - 1);
    bool maps = tce & (SPAPR_TCE_READ | SPAPR_TCE_WRITE);
    if (n >= SPAPR_TCES || (maps && dma_check(d->bus, page, SPAPR_TCE_PAGE, false) != DMA_OK)) {
        return false;
    }
    __atomic_store_n(&s->tces[n], tce, __ATOMIC_RELEASE);
    return true;
}

bool spapr_phb_get_tce(Device *d, uint64_t n, uint64_t *tce) {
    SpaprPhb *s = (SpaprPhb *)d;
    if (n >= SPAPR_TCES) {
        return false;
    }
    *tce = __atomic_load_n(&s->tces[n], __ATOMIC_ACQUIRE);
    return true;
}

/* A DmaTranslate. */
static bool translate(void *opaque, uint64_t address, bool write, uint64_t *gpa, uint64_t *left) {
    uint64_t tce, inside = address % SPAPR_TCE_PAGE;
    if (!spapr_phb_get_tce(opaque, address / SPAPR_TCE_PAGE, &tce) || !(tce & (write ? SPAPR_TCE_WRITE : SPAPR_TCE_READ))) {
        return false;
    }
    *gpa = (tce & ~(uint64_t)(SPAPR_TCE_PAGE - 1)) | inside;
    *left = SPAPR_TCE_PAGE - inside;
    return true;
}

/* -- interrupt sources -- */

static bool is_free(const SpaprPhb *s, unsigned irq, unsigned count) {
    for (unsigned f = 0; f < PCI_FUNCTIONS; f++) {
        if (s->count[f] && irq < s->first[f] + s->count[f] && s->first[f] < irq + count) {
            return false;
        }
    }
    return true;
}

unsigned spapr_phb_take_irqs(Device *d, unsigned devfn, unsigned count) {
    SpaprPhb *s = (SpaprPhb *)d;
    device_lock(d);
    s->count[devfn] = 0;
    for (; count && !s->count[devfn]; count--) {
        for (unsigned irq = SPAPR_IRQ_MSI; irq + count <= SPAPR_IRQ_END; irq++) {
            if (is_free(s, irq, count)) {
                s->first[devfn] = (uint16_t)irq;
                s->count[devfn] = (uint16_t)count;
                break;
            }
        }
    }
    unsigned has = s->count[devfn];
    device_unlock(d);
    return has;
}

unsigned spapr_phb_irqs(Device *d, unsigned devfn, unsigned *first) {
    SpaprPhb *s = (SpaprPhb *)d;
    device_lock(d);
    *first = s->first[devfn];
    unsigned has = s->count[devfn];
    device_unlock(d);
    return has;
}

/* -- the device -- */

static bool init(Device *d, const void *config, GError **error) {
    PciHost *h = (PciHost *)d;
    pci_host_init(h);
    h->windows[0] = (PciWindow){ 0, banks[0].size, true };
    h->windows[1] = (PciWindow){ SPAPR_PHB_MEMORY, banks[1].size, false };
    h->windows[2] = (PciWindow){ SPAPR_PHB_HIGH, banks[2].size, false };
    h->translate = translate;
    h->translate_opaque = d;
    return true;
}

static void finish(Device *d) {
    pci_host_finish((PciHost *)d);
}

static void reset(Device *d) {
    SpaprPhb *s = (SpaprPhb *)d;
    memset(s->first, 0, sizeof s->first);
    memset(s->count, 0, sizeof s->count);
    for (unsigned i = 0; i < SPAPR_TCES; i++) {
        __atomic_store_n(&s->tces[i], 0, __ATOMIC_RELAXED);
    }
}

/* A loaded state may hold anything. */
static void restored(Device *d) {
    SpaprPhb *s = (SpaprPhb *)d;
    for (unsigned f = 0; f < PCI_FUNCTIONS; f++) {
        if (s->first[f] < SPAPR_IRQ_MSI || s->first[f] + s->count[f] > SPAPR_IRQ_END) {
            s->first[f] = s->count[f] = 0;
        }
    }
}

static const StateField state[] = {
    PCI_HOST_STATE(SpaprPhb), STATE_ARRAY(SpaprPhb, first, uint16_t), STATE_ARRAY(SpaprPhb, count, uint16_t),
    STATE_ARRAY(SpaprPhb, tces, uint64_t),
};

const DeviceClass device_spapr_phb = {
    .name = "spapr_phb",
    .summary = "PCI host bridge of a partition",
    .size = sizeof(SpaprPhb),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = PCI_PINS,
    .slots = "pci",
    .init = init,
    .finish = finish,
    .reset = reset,
    .restored = restored,
};
