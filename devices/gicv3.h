/* SPDX-License-Identifier: MIT */
/*
 * gicv3.h - what the three files of the GICv3 share: the distributor's state, and that of every CPU's redistributor and
 * CPU interface.
 *
 * Locking: the device's lock guards the distributor, and which SPI each CPU is offered. Gicv3Port.lock guards what
 * belongs to one CPU (redistributor, CPU interface, outputs); it is taken inside the device's, one at a time, and is a
 * leaf: outputs only wake CPUs. Whoever holds both may read what either guards and writes what both guard: the groups
 * that a CPU takes, and the SPI it is offered.
 */
#ifndef DEVICES_GICV3_H
#define DEVICES_GICV3_H

#include "devices/devices.h"
#include "devices/gic.h"

enum { GICV3_WORDS = 32, GICV3_NO_CPU = -1 };

/* One bit for each of 32 interrupts. */
typedef struct GicWord {
    uint32_t group, enabled, latched, level, active, edge;
} GicWord;

/* The guest's state of one CPU. Indices of pairs: the group. */
typedef struct Gicv3Cpu {
    GicWord own;         /* INTIDs 0-31 */
    uint32_t rd_ctlr;    /* GICR_CTLR */
    uint32_t sleep;      /* GICR_WAKER.ProcessorSleep */
    uint32_t ctlr, pmr;  /* ICC_* */
    uint32_t bpr[2], enable[2];
    uint32_t ap[2];      /* active priorities, bit n: priority n << 3 */
} Gicv3Cpu;

typedef struct GicCandidate {
    uint16_t id;       /* GIC_ID_SPURIOUS: none */
    uint16_t priority;
    uint32_t group;
} GicCandidate;

typedef struct Gicv3 Gicv3;

/* One CPU as the controller sees it; nothing here is state. */
typedef struct Gicv3Port {
    Gicv3 *gic;
    Gicv3Cpu *cpu;
    uint8_t *priority; /* of INTIDs 0-31 */
    unsigned index;
    uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0 */
    pthread_mutex_t lock;
    GicCandidate spi;  /* the best that the distributor offers it */
} Gicv3Port;

struct Gicv3 {
    Device d;
    uint32_t cpus, words, cluster; /* from the configuration */
    uint32_t ctlr;                 /* GICD_CTLR's group enables; written under the device's lock, read anywhere */
    uint32_t choosing;             /* a pending SPI may go to any CPU: look again when one changes; atomic */
    uint32_t reserved;             /* keeps the struct free of holes */
    GicWord spi[GICV3_WORDS];      /* word 0 unused */
    uint64_t router[GICV3_WORDS * 32];
    uint8_t priority[GICV3_WORDS * 32];
    Gicv3Cpu cpu[GICV3_MAX_CPUS];
    uint8_t own_priority[GICV3_MAX_CPUS][32];
    Gicv3Port port[GICV3_MAX_CPUS];
};

static inline void gicv3_lock(Gicv3Port *p) {
    pthread_mutex_lock(&p->lock);
}
static inline void gicv3_unlock(Gicv3Port *p) {
    pthread_mutex_unlock(&p->lock);
}

/* -- one word of interrupts -- */
static inline uint32_t gic_word_pending(const GicWord *w) {
    return w->latched | (w->level & ~w->edge);
}
/* A line changes; returns whether that can matter. */
static inline bool gic_word_input(GicWord *w, unsigned n, bool high) {
    uint32_t bit = 1u << n, before = w->level;
    w->level = high ? w->level | bit : w->level & ~bit;
    if (w->level & ~before & w->edge) {
        w->latched |= bit;
    }
    return before != w->level;
}
/* The registers from IGROUPR to ICACTIVER, which stand 128 bytes apart; offset: of any of them, in its frame. */
uint32_t gic_word_read(const GicWord *w, uint32_t offset);
void gic_word_write(GicWord *w, uint32_t offset, uint32_t value);
/* The best of the word that is pending, enabled, inactive and of an enabled group (bit n: group n), if it is better
 * than *best; the lowest INTID of equals. */
void gic_word_best(const GicWord *w, const uint8_t *priority, unsigned first_id, unsigned groups, GicCandidate *best);

/* -- gicv3.c, with the device's lock -- */
/* Offers the pending SPIs anew. After every change of them, and of what CPUs take. */
void gicv3_offer(Gicv3 *gic);
/* Nothing is active any more, or the interrupt is: the distributor's part of acknowledging and deactivating an SPI. */
void gicv3_set_spi_active(Gicv3 *gic, unsigned id, bool active);
/* The CPU with that affinity, or GICV3_NO_CPU. No lock. */
int gicv3_cpu_at(const Gicv3 *gic, uint32_t affinity);

/* -- gicv3_redist.c -- */
enum { GICV3_REDISTRIBUTOR_REGS = 25 };
extern const Reg gicv3_redistributor[GICV3_REDISTRIBUTOR_REGS];

/* -- gicv3_cpu.c, with the port's lock -- */
/* Would the CPU be interrupted by it now? */
bool gicv3_takes(const Gicv3Port *p, const GicCandidate *candidate);
/* Sets the outputs; after every change of the port's state. */
void gicv3_signal(Gicv3Port *p);
/* Bit n: interrupts of group n go to the CPU. */
unsigned gicv3_groups(const Gicv3Port *p);
void gicv3_cpu_reset(Gicv3Cpu *cpu);
/* Makes state from elsewhere one that the registers could be in. */
void gicv3_cpu_restored(Gicv3Cpu *cpu);

#endif
