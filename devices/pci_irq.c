/* SPDX-License-Identifier: MIT */
/*
 * pci_irq.c - how a PCI function interrupts: by its INTA line, which slots share, or by MSI-X messages.
 * Spec: PCI Local Bus 3.0, 2.2.6 (lines), 6.2.2 and 6.2.3 (command and status), 6.8.2 and 6.8.3 (MSI-X).
 * Locking: irq_lock of the function, then line_lock of the bridge; both are leaves but for the interrupt controller.
 */
#include <inttypes.h>
#include <string.h>

#include "devices/pci.h"

enum {
    CONTROL = 2, TABLE = 4, PENDING = 8, CAP_SIZE = 12, /* of the capability */
    CONTROL_ON = 1 << 15, CONTROL_MASK = 1 << 14,
    ENTRY = 16, ADDRESS_LOW = 0, ADDRESS_HIGH, DATA, VECTOR_MASK, WORDS,
    BAR_SIZE = 0x1000, PENDING_AT = 0x800,
};

void pci_add_msix(PciDevice *p, unsigned bar, unsigned vectors) {
    g_assert(vectors && vectors <= PCI_VECTORS);
    unsigned at = pci_add_capability(p, PCI_CAP_MSIX, CAP_SIZE);
    pci_add_bar(p, bar, BAR_SIZE, 0);
    pci_put(p->standard, at + CONTROL, 2, vectors - 1);
    pci_put(p->writable, at + CONTROL, 2, CONTROL_ON | CONTROL_MASK);
    pci_put(p->standard, at + TABLE, 4, bar);
    pci_put(p->standard, at + PENDING, 4, PENDING_AT | bar);
    p->msix_cap = (uint8_t)at;
    p->msix_bar = (uint8_t)bar;
    p->vectors = (uint8_t)vectors;
}

static uint32_t effect(const PciDevice *p) {
    return atomic_load_explicit(&p->effect, memory_order_relaxed);
}

bool pci_msix_on(const PciDevice *p) {
    return effect(p) & PCI_EFFECT_MSIX;
}

/* -- the line; irq_lock is held -- */

static void update_line(PciDevice *p) {
    PciHost *h = p->host;
    if (!h) {
        return;
    }
    bool level = p->intx && !(effect(p) & (PCI_COMMAND_NO_INTX | PCI_EFFECT_MSIX));
    unsigned line = pci_line_of(p->devfn, 0);
    uint64_t *set = h->asserted[line], bit = UINT64_C(1) << (p->devfn % 64), any = 0;
    pthread_mutex_lock(&h->line_lock);
    set[p->devfn / 64] = level ? set[p->devfn / 64] | bit : set[p->devfn / 64] & ~bit;
    for (unsigned i = 0; i < PCI_FUNCTIONS / 64; i++) {
        any |= set[i];
    }
    irq_set(device_irq(&h->d, line), any != 0);
    pthread_mutex_unlock(&h->line_lock);
}

void pci_set_intx(PciDevice *p, bool level) {
    pthread_mutex_lock(&p->irq_lock);
    p->intx = level;
    update_line(p);
    pthread_mutex_unlock(&p->irq_lock);
}

void pci_irq_status(PciDevice *p) {
    pthread_mutex_lock(&p->irq_lock);
    uint8_t others = p->space[PCI_STATUS] & (uint8_t)~PCI_STATUS_INTX;
    p->space[PCI_STATUS] = (uint8_t)(others | (p->intx ? PCI_STATUS_INTX : 0));
    pthread_mutex_unlock(&p->irq_lock);
}

/* -- messages; irq_lock is held -- */

/* A message is a write of the function's; where no interrupt controller listens it goes to memory. */
static void message(PciDevice *p, unsigned vector) {
    const uint32_t *entry = p->table + WORDS * vector;
    uint64_t address = entry[ADDRESS_LOW] | (uint64_t)entry[ADDRESS_HIGH] << 32;
    PciHost *h = p->host;
    if (!h || !(effect(p) & PCI_COMMAND_MASTER)) {
        return;
    }
    if (h->message && h->message(h->message_opaque, p, address, entry[DATA])) {
        return;
    }
    uint32_t data = GUINT32_TO_LE(entry[DATA]);
    if (dma_write(p->d.bus, address, &data, sizeof data) != DMA_OK) {
        device_log(&p->d, LOG_GUEST_ERROR, "%s: the message of vector %u goes to 0x%" PRIx64 ", where nobody takes it",
                   p->d.name, vector, address);
    }
}

static bool masked(const PciDevice *p, unsigned vector) {
    return (effect(p) & PCI_EFFECT_MASKED) || (p->table[WORDS * vector + VECTOR_MASK] & 1);
}

static uint64_t *pending_of(PciDevice *p, unsigned vector, uint64_t *bit) {
    *bit = UINT64_C(1) << (vector % 64);
    return &p->pending[vector / 64];
}

/* What waited for its mask. */
static void release(PciDevice *p) {
    for (unsigned i = 0; pci_msix_on(p) && i < p->vectors; i++) {
        uint64_t bit, *pending = pending_of(p, i, &bit);
        if ((*pending & bit) && !masked(p, i)) {
            *pending &= ~bit;
            message(p, i);
        }
    }
}

void pci_send(PciDevice *p, unsigned vector) {
    pthread_mutex_lock(&p->irq_lock);
    if (vector < p->vectors && pci_msix_on(p)) {
        uint64_t bit, *pending = pending_of(p, vector, &bit);
        if (masked(p, vector)) {
            *pending |= bit;
        } else {
            message(p, vector);
        }
    }
    pthread_mutex_unlock(&p->irq_lock);
}

void pci_set_message(PciDevice *p, unsigned vector, uint64_t address, uint32_t data) {
    pthread_mutex_lock(&p->irq_lock);
    if (vector < p->vectors) {
        uint32_t *entry = p->table + WORDS * vector;
        entry[ADDRESS_LOW] = (uint32_t)address & ~3u;
        entry[ADDRESS_HIGH] = (uint32_t)(address >> 32);
        entry[DATA] = data;
    }
    pthread_mutex_unlock(&p->irq_lock);
}

/* -- from the space and the BAR -- */

void pci_irq_refresh(PciDevice *p) {
    uint32_t command = pci_get(p->space, PCI_COMMAND, 2), control = 0;
    if (p->msix_cap) {
        control = pci_get(p->space, p->msix_cap + CONTROL, 2);
    }
    pthread_mutex_lock(&p->irq_lock);
    atomic_store(&p->effect, command | (control & CONTROL_ON ? PCI_EFFECT_MSIX : 0) |
                                 (control & CONTROL_MASK ? PCI_EFFECT_MASKED : 0));
    update_line(p);
    release(p);
    pthread_mutex_unlock(&p->irq_lock);
}

void pci_irq_reset(PciDevice *p) {
    pthread_mutex_lock(&p->irq_lock);
    memset(p->table, 0, sizeof p->table);
    for (unsigned i = 0; i < PCI_VECTORS; i++) {
        p->table[WORDS * i + VECTOR_MASK] = 1;
    }
    memset(p->pending, 0, sizeof p->pending);
    p->intx = 0;
    pthread_mutex_unlock(&p->irq_lock);
}

static uint32_t word_at(const PciDevice *p, uint64_t offset) {
    if (offset < (uint64_t)ENTRY * p->vectors) {
        return p->table[offset / 4];
    }
    uint64_t word = (offset - PENDING_AT) / 4;
    return offset >= PENDING_AT && word < 4 ? (uint32_t)(p->pending[word / 2] >> (32 * (word % 2))) : 0;
}

/* Other sizes are not defined: 0. */
uint64_t pci_msix_read(PciDevice *p, uint64_t offset, unsigned size) {
    pthread_mutex_lock(&p->irq_lock);
    uint64_t value = size >= 4 ? word_at(p, offset) : 0;
    value |= size == 8 ? (uint64_t)word_at(p, offset + 4) << 32 : 0;
    pthread_mutex_unlock(&p->irq_lock);
    return value;
}

void pci_msix_write(PciDevice *p, uint64_t offset, unsigned size, uint64_t value) {
    static const uint32_t writable[WORDS] = { ~3u, UINT32_MAX, UINT32_MAX, 1 };
    pthread_mutex_lock(&p->irq_lock);
    for (unsigned i = 0; i < size / 4 && offset + 4 * i < (uint64_t)ENTRY * p->vectors; i++) {
        p->table[offset / 4 + i] = (uint32_t)(value >> (32 * i)) & writable[(offset / 4 + i) % WORDS];
    }
    release(p);
    pthread_mutex_unlock(&p->irq_lock);
}
