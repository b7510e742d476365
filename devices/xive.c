/* SPDX-License-Identifier: MIT */
/*
 * xive.c - the interrupt controller of a PAPR partition since POWER9: sources with a page each, event queues in memory by CPU
 * and priority, and a page in which each CPU finds its own context.
 * Spec: LoPAR 2.9, appendix on XIVE exploitation (H_INT_*), Linux Documentation/virt/kvm/devices/xive.rst for the words.
 * A source has two bits: P, an event is on its way, and Q, another came meanwhile; Q alone: it is off.
 * Locking: the device's lock. Missing: escalation, queues that do not always notify, the rings of users and hypervisors.
 */
#include <string.h>

#include "devices/dma.h"
#include "devices/spapr.h"

enum { P = 2, Q = 1, OFF = Q, PRIORITIES = 8, NOTHING = 0xff, EXCEPTION = 0x80 /* in NSR */ };

typedef struct Source {
    uint32_t event;   /* what the queue gets */
    uint8_t cpu, priority; /* XIVE_MASKED: nowhere */
    uint8_t pq;
    uint8_t asserted; /* level sources */
} Source;

typedef struct Queue {
    uint64_t base;    /* gpa; entries of four bytes, big-endian */
    uint32_t index;   /* of the next */
    uint8_t bits;     /* log2 of its bytes; 0: there is none */
    uint8_t turn;     /* the first bit of entries: it changes when the queue starts again */
    uint8_t pad[2];
} Queue;

typedef struct Context {
    uint8_t nsr, cppr, ipb, pipr; /* what is signalled; least priority let in; pending, by bit; the best of them */
    uint8_t pad[4];
    uint64_t line;    /* for reports: kept, not written to */
} Context;

typedef struct Xive {
    Device d;
    uint32_t cpus, pad;
    Source sources[SPAPR_IRQ_END];
    Queue queues[SPAPR_CPUS][PRIORITIES];
    Context contexts[SPAPR_CPUS];
} Xive;

/* -- CPUs -- */

static void update(Xive *s, unsigned cpu) {
    Context *t = &s->contexts[cpu];
    t->pipr = t->ipb ? (uint8_t)(__builtin_clz(t->ipb) - 24) : NOTHING;
    t->nsr = t->pipr < t->cppr ? EXCEPTION : 0;
    irq_set(&s->d.irqs[cpu], t->nsr);
}

static void set_cppr(Xive *s, unsigned cpu, uint8_t priority) {
    s->contexts[cpu].cppr = priority < PRIORITIES ? priority : NOTHING;
    update(s, cpu);
}

/* What was signalled is being served: only better ones come through meanwhile. NSR as it was, and CPPR as it is now. */
static uint16_t acknowledge(Xive *s, unsigned cpu) {
    Context *t = &s->contexts[cpu];
    uint8_t nsr = t->nsr;
    if (nsr & EXCEPTION) {
        t->cppr = t->pipr;
        t->ipb &= (uint8_t)~(0x80 >> t->cppr);
        update(s, cpu);
    }
    return (uint16_t)(nsr << 8 | t->cppr);
}

/* -- events -- */

static bool exists(unsigned irq) {
    return irq < SPAPR_CPUS || (irq >= SPAPR_IRQ_FIRST && irq < SPAPR_IRQ_END);
}

static void enqueue(Xive *s, const Source *from) {
    Queue *q = &s->queues[from->cpu][from->priority];
    if (!q->bits) {
        return;
    }
    uint32_t entry = GUINT32_TO_BE((uint32_t)q->turn << 31 | (from->event & INT32_MAX));
    if (dma_write(s->d.bus, q->base + 4 * (uint64_t)q->index, &entry, sizeof entry) != DMA_OK) {
        device_log(&s->d, LOG_GUEST_ERROR, "xive: the event queue of CPU %u, priority %u is not in memory", from->cpu,
                   from->priority);
    }
    q->index++;
    if (q->index >> (q->bits - 2)) {
        q->index = 0;
        q->turn ^= 1;
    }
    s->contexts[from->cpu].ipb |= (uint8_t)(0x80 >> from->priority);
    update(s, from->cpu);
}

static void send(Xive *s, unsigned irq) {
    const Source *from = &s->sources[irq];
    if (from->priority < PRIORITIES && from->cpu < s->cpus) {
        enqueue(s, from);
    }
}

static void trigger(Xive *s, unsigned irq) {
    Source *from = &s->sources[irq];
    if (from->pq == 0) {
        from->pq = P;
        send(s, irq);
    } else if (from->pq == P) {
        from->pq = P | Q;
    }
}

/* The event has been served; another that came meanwhile is sent now. */
static uint8_t end_of_interrupt(Xive *s, unsigned irq) {
    Source *from = &s->sources[irq];
    uint8_t before = from->pq;
    if (before == OFF) {
        return before;
    }
    from->pq = 0;
    if (before == (P | Q) || (spapr_irq_level(irq) && from->asserted)) {
        trigger(s, irq);
    }
    return before;
}

/* -- a source's page: loads answer with its two bits as they were -- */

enum { PAGE_END = 0x400, PAGE_GET = 0x800, PAGE_SET = 0xc00, PAGE_BITS = XIVE_ESB_SHIFT };

static uint8_t set_pq(Xive *s, unsigned irq, uint8_t pq) {
    Source *from = &s->sources[irq];
    uint8_t before = from->pq;
    from->pq = pq;
    if (spapr_irq_level(irq) && pq == 0 && from->asserted) {
        trigger(s, irq);
    }
    return before;
}

static uint64_t source_load(Xive *s, unsigned irq, uint32_t offset) {
    switch (offset & 0xc00) {
    case PAGE_SET:
        return set_pq(s, irq, offset >> 8 & 3);
    case PAGE_GET:
        return s->sources[irq].pq;
    default:
        return end_of_interrupt(s, irq);
    }
}

static void source_store(Xive *s, unsigned irq, uint32_t offset) {
    switch (offset & 0xc00) {
    case PAGE_SET:
        set_pq(s, irq, offset >> 8 & 3);
        break;
    case PAGE_END:
        end_of_interrupt(s, irq);
        break;
    case PAGE_GET:
        break;
    default:
        trigger(s, irq);
        break;
    }
}

/* Big-endian, however wide the access is: its last byte has the number. */
static BusResult page_read(Device *d, uint64_t offset, unsigned size, uint64_t *value) {
    unsigned irq = (unsigned)(offset >> PAGE_BITS);
    if (!exists(irq)) {
        return BUS_NONE;
    }
    *value = source_load((Xive *)d, irq, (uint32_t)offset & 0xfff) << (8 * size - 8);
    return BUS_OK;
}

static BusResult page_write(Device *d, uint64_t offset, unsigned size, uint64_t value) {
    unsigned irq = (unsigned)(offset >> PAGE_BITS);
    if (!exists(irq)) {
        return BUS_NONE;
    }
    source_store((Xive *)d, irq, (uint32_t)offset & 0xfff);
    return BUS_OK;
}

/* -- the page of the operating system's contexts -- */

static uint64_t context_read(Device *d, const RegAccess *a) {
    Xive *s = (Xive *)d;
    const Context *t = &s->contexts[a->cpu < s->cpus ? a->cpu : 0];
    return a->index ? (uint32_t)t->pipr << 24 : t->nsr | (uint32_t)t->cppr << 8 | (uint32_t)t->ipb << 16;
}

static void cppr_written(Device *d, const RegAccess *a, uint64_t value) {
    Xive *s = (Xive *)d;
    if (a->index == 0 && a->mask & 0xff00 && a->cpu < s->cpus) {
        set_cppr(s, a->cpu, (uint8_t)(value >> 8));
    }
}

static uint64_t ack_read(Device *d, const RegAccess *a) {
    Xive *s = (Xive *)d;
    return a->size == 2 && a->offset == 0x810 && a->cpu < s->cpus ? GUINT16_SWAP_LE_BE(acknowledge(s, a->cpu)) : 0;
}

/* SPC_SET_OS_PENDING, the third byte: a priority becomes pending without an event. */
static void pending_written(Device *d, const RegAccess *a, uint64_t value) {
    Xive *s = (Xive *)d;
    uint8_t priority = (uint8_t)(value >> 16);
    if (a->mask & 0xff0000 && a->cpu < s->cpus && priority < PRIORITIES) {
        s->contexts[a->cpu].ipb |= (uint8_t)(0x80 >> priority);
        update(s, a->cpu);
    }
}

/* In memory's order: NSR, CPPR, IPB ... */
static const Reg regs[] = {
    { 0x10, "QW1", .sizes = 1 | 2 | 4, .count = 2, .read = context_read, .written = cppr_written },
    { 0x810, "SPC_ACK_OS_REG", .sizes = 1 | 2, .read = ack_read, .written = pending_written },
};

/* -- hypercalls -- */

bool xive_source_exists(Device *d, unsigned irq) {
    return exists(irq);
}

bool xive_set_source(Device *d, unsigned irq, unsigned cpu, uint8_t priority, const uint32_t *event) {
    Xive *s = (Xive *)d;
    if (!exists(irq) || (priority != XIVE_MASKED && (priority >= PRIORITIES || cpu >= s->cpus))) {
        return false;
    }
    device_lock(d);
    Source *from = &s->sources[irq];
    from->cpu = priority == XIVE_MASKED ? from->cpu : (uint8_t)cpu;
    from->priority = priority;
    from->event = event ? *event : from->event;
    device_unlock(d);
    return true;
}

bool xive_get_source(Device *d, unsigned irq, XiveSource *source) {
    Xive *s = (Xive *)d;
    if (!exists(irq)) {
        return false;
    }
    device_lock(d);
    const Source *from = &s->sources[irq];
    *source = (XiveSource){ .cpu = from->cpu, .priority = from->priority, .event = from->event };
    device_unlock(d);
    return true;
}

bool xive_access_source(Device *d, unsigned irq, uint32_t offset, bool store, uint64_t *value) {
    Xive *s = (Xive *)d;
    if (!exists(irq) || offset >= 1u << PAGE_BITS) {
        return false;
    }
    device_lock(d);
    if (store) {
        source_store(s, irq, (uint32_t)offset & 0xfff);
    } else {
        *value = source_load(s, irq, (uint32_t)offset & 0xfff);
    }
    device_unlock(d);
    return true;
}

static Queue *queue_of(Xive *s, unsigned cpu, unsigned priority) {
    return cpu < s->cpus && priority < PRIORITIES ? &s->queues[cpu][priority] : NULL;
}

bool xive_set_queue(Device *d, unsigned cpu, unsigned priority, uint64_t base, unsigned bits) {
    Xive *s = (Xive *)d;
    Queue *q = queue_of(s, cpu, priority);
    if (!q || (bits && (bits < 12 || bits > 24 || base & ((UINT64_C(1) << bits) - 1)))) {
        return false;
    }
    device_lock(d);
    *q = (Queue){ .base = bits ? base : 0, .bits = (uint8_t)bits, .turn = bits != 0 };
    device_unlock(d);
    return true;
}

bool xive_get_queue(Device *d, unsigned cpu, unsigned priority, XiveQueue *queue) {
    Xive *s = (Xive *)d;
    const Queue *q = queue_of(s, cpu, priority);
    if (!q) {
        return false;
    }
    device_lock(d);
    *queue = (XiveQueue){ .base = q->base, .bits = q->bits, .index = q->index, .turn = q->turn };
    device_unlock(d);
    return true;
}

uint64_t *xive_line(Device *d, unsigned cpu) {
    Xive *s = (Xive *)d;
    return cpu < s->cpus ? &s->contexts[cpu].line : NULL;
}

/* -- the device -- */

static void input(Device *d, unsigned irq, bool level) {
    Xive *s = (Xive *)d;
    if (!exists(irq)) {
        return;
    }
    if (spapr_irq_level(irq)) {
        s->sources[irq].asserted = level;
        level &= s->sources[irq].pq == 0;
    }
    if (level) {
        trigger(s, irq);
    }
}

static bool init(Device *d, const void *config, GError **error) {
    Xive *s = (Xive *)d;
    const XicsConfig *c = config;
    s->cpus = c && c->cpus && c->cpus <= SPAPR_CPUS ? c->cpus : 1;
    return true;
}

static void clear(Device *d) {
    Xive *s = (Xive *)d;
    for (unsigned i = 0; i < SPAPR_IRQ_END; i++) {
        s->sources[i] = (Source){ .priority = XIVE_MASKED, .pq = OFF, .asserted = s->sources[i].asserted };
    }
    memset(s->queues, 0, sizeof s->queues);
    for (unsigned i = 0; i < SPAPR_CPUS; i++) {
        s->contexts[i] = (Context){ .pipr = NOTHING };
        irq_set(&d->irqs[i], false);
    }
}

void xive_reset(Device *d) {
    device_lock(d);
    clear(d);
    device_unlock(d);
}

static void restored(Device *d) {
    Xive *s = (Xive *)d;
    for (unsigned i = 0; i < SPAPR_CPUS; i++) {
        for (unsigned p = 0; p < PRIORITIES; p++) {
            Queue *q = &s->queues[i][p];
            bool sane = q->bits >= 12 && q->bits <= 24 && q->turn <= 1 && q->index >> (q->bits - 2) == 0;
            *q = sane ? *q : (Queue){ .base = 0 };
        }
        update(s, i);
    }
    for (unsigned i = 0; i < SPAPR_IRQ_END; i++) {
        s->sources[i].pq &= P | Q;
    }
}

static const StateField state[] = {
    STATE_NOT_KEPT(Xive, cpus), STATE(Xive, pad), STATE_ARRAY(Xive, sources, uint32_t), STATE_ARRAY(Xive, queues, uint32_t),
    STATE_ARRAY(Xive, contexts, uint64_t),
};

static const DeviceBank banks[] = {
    { .name = "contexts", .size = 1 << PAGE_BITS, .sizes = 1 | 2 | 4, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
    { .name = "sources", .size = SPAPR_IRQ_END << PAGE_BITS, .sizes = 1 | 2 | 4 | 8, .read = page_read, .write = page_write },
};

const DeviceClass device_xive = {
    .name = "xive",
    .summary = "interrupt controller of a PAPR partition since POWER9",
    .size = sizeof(Xive),
    .config_size = sizeof(XicsConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = SPAPR_CPUS,
    .init = init,
    .reset = clear,
    .input = input,
    .restored = restored,
};
