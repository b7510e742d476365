/* SPDX-License-Identifier: MIT */
/*
 * xics.c - the interrupt controllers of a PAPR partition before POWER9: sources, each of which goes to one CPU with a
 * priority, and a presentation controller for each CPU, which holds one interrupt and lets only better ones in.
 * Spec: LoPAPR 1.1, 14.5.2 (H_CPPR, H_EOI, H_IPI, H_IPOLL, H_XIRR), 7.3.10 (ibm,set-xive ...). Smaller is more urgent.
 * Locking: the device's lock. Missing: global servers (queues of several CPUs).
 */
#include "devices/spapr.h"

#include <string.h>

typedef struct Server {
    uint32_t source;   /* presented: XICS_IPI, a source, or 0 */
    uint8_t cppr, mfrr;
    uint8_t pending;   /* priority of what is presented; XICS_LEAST: nothing is */
    uint8_t pad;
} Server;

enum { ASSERTED = 1, SENT = 2, REJECTED = 4, WAITING = 8 /* came while it was masked */ };
typedef struct Source {
    uint8_t server, priority, saved; /* saved: what ibm,int-on brings back */
    uint8_t status;
} Source;

typedef struct Xics {
    Device d;
    uint32_t cpus, pad;
    Server servers[SPAPR_CPUS];
    Source sources[SPAPR_IRQS];
} Xics;

static void deliver(Xics *s, unsigned n);

static void drive(Xics *s, unsigned cpu) {
    irq_set(&s->d.irqs[cpu], s->servers[cpu].source != 0);
}

static bool is_level(unsigned n) {
    return spapr_irq_level(SPAPR_IRQ_FIRST + n);
}

/* What was presented has to wait: level sources are sent again as long as they are asserted. */
static void reject(Xics *s, uint32_t source) {
    if (source >= SPAPR_IRQ_FIRST && source < SPAPR_IRQ_END) {
        Source *from = &s->sources[source - SPAPR_IRQ_FIRST];
        if (is_level(source - SPAPR_IRQ_FIRST)) {
            from->status &= (uint8_t)~SENT;
        } else {
            from->status |= REJECTED;
        }
    }
}

static void present(Xics *s, unsigned cpu, uint32_t source, uint8_t priority) {
    Server *to = &s->servers[cpu];
    uint32_t before = to->source;
    to->source = source;
    to->pending = priority;
    reject(s, before);
    drive(s, cpu);
}

/* May an interrupt of that priority be presented now? */
static bool takes(const Server *to, uint8_t priority) {
    return priority < to->cppr && !(to->source && to->pending <= priority);
}

static void deliver(Xics *s, unsigned n) {
    const Source *from = &s->sources[n];
    if (takes(&s->servers[from->server], from->priority)) {
        present(s, from->server, SPAPR_IRQ_FIRST + n, from->priority);
    } else {
        reject(s, SPAPR_IRQ_FIRST + n);
    }
}

static void send_again(Xics *s, unsigned n) {
    Source *from = &s->sources[n];
    if (from->priority == XICS_LEAST) {
        return;
    }
    if (is_level(n) && (from->status & (ASSERTED | SENT)) == ASSERTED) {
        from->status |= SENT;
        deliver(s, n);
    } else if (!is_level(n) && from->status & (REJECTED | WAITING)) {
        from->status &= (uint8_t)~(REJECTED | WAITING);
        deliver(s, n);
    }
}

static void offer_ipi(Xics *s, unsigned cpu) {
    Server *to = &s->servers[cpu];
    if (takes(to, to->mfrr)) {
        present(s, cpu, XICS_IPI, to->mfrr);
    }
}

/* The CPU takes interrupts again that it did not take. */
static void offer_all(Xics *s, unsigned cpu) {
    offer_ipi(s, cpu);
    for (unsigned n = 0; n < SPAPR_IRQS; n++) {
        if (s->sources[n].status && s->sources[n].server == cpu) {
            send_again(s, n);
        }
    }
}

/* -- presentation -- */

uint32_t xics_accept(Device *d, unsigned cpu) {
    Xics *s = (Xics *)d;
    if (cpu >= s->cpus) {
        return 0;
    }
    device_lock(d);
    Server *to = &s->servers[cpu];
    uint32_t xirr = (uint32_t)to->cppr << 24 | to->source;
    if (to->source) {
        to->cppr = to->pending;
        to->source = 0;
        to->pending = XICS_LEAST;
        drive(s, cpu);
    }
    device_unlock(d);
    return xirr;
}

void xics_eoi(Device *d, unsigned cpu, uint32_t xirr) {
    Xics *s = (Xics *)d;
    uint32_t source = xirr & 0xffffff;
    if (cpu >= s->cpus) {
        return;
    }
    device_lock(d);
    s->servers[cpu].cppr = (uint8_t)(xirr >> 24);
    if (source >= SPAPR_IRQ_FIRST && source < SPAPR_IRQ_END) {
        unsigned n = source - SPAPR_IRQ_FIRST;
        if (is_level(n)) {
            s->sources[n].status &= (uint8_t)~SENT;
            send_again(s, n);
        }
    }
    offer_all(s, cpu);
    device_unlock(d);
}

void xics_set_cppr(Device *d, unsigned cpu, uint8_t priority) {
    Xics *s = (Xics *)d;
    if (cpu >= s->cpus) {
        return;
    }
    device_lock(d);
    Server *to = &s->servers[cpu];
    to->cppr = priority;
    if (to->source && priority <= to->pending) {
        uint32_t before = to->source;
        to->source = 0;
        to->pending = XICS_LEAST;
        reject(s, before);
        drive(s, cpu);
    }
    offer_all(s, cpu);
    device_unlock(d);
}

bool xics_set_mfrr(Device *d, unsigned cpu, uint8_t priority) {
    Xics *s = (Xics *)d;
    if (cpu >= s->cpus) {
        return false;
    }
    device_lock(d);
    s->servers[cpu].mfrr = priority;
    offer_ipi(s, cpu);
    device_unlock(d);
    return true;
}

bool xics_poll(Device *d, unsigned cpu, uint32_t *xirr, uint8_t *mfrr) {
    Xics *s = (Xics *)d;
    if (cpu >= s->cpus) {
        return false;
    }
    device_lock(d);
    *xirr = (uint32_t)s->servers[cpu].cppr << 24 | s->servers[cpu].source;
    *mfrr = s->servers[cpu].mfrr;
    device_unlock(d);
    return true;
}

/* -- sources -- */

static Source *source_of(Xics *s, unsigned irq) {
    return irq >= SPAPR_IRQ_FIRST && irq < SPAPR_IRQ_END ? &s->sources[irq - SPAPR_IRQ_FIRST] : NULL;
}

bool xics_set_source(Device *d, unsigned irq, unsigned cpu, uint8_t priority) {
    Xics *s = (Xics *)d;
    Source *from = source_of(s, irq);
    if (!from || cpu >= s->cpus) {
        return false;
    }
    device_lock(d);
    from->server = (uint8_t)cpu;
    from->priority = from->saved = priority;
    send_again(s, irq - SPAPR_IRQ_FIRST);
    device_unlock(d);
    return true;
}

bool xics_get_source(Device *d, unsigned irq, unsigned *cpu, uint8_t *priority) {
    Xics *s = (Xics *)d;
    const Source *from = source_of(s, irq);
    if (!from) {
        return false;
    }
    device_lock(d);
    *cpu = from->server;
    *priority = from->priority;
    device_unlock(d);
    return true;
}

bool xics_mask_source(Device *d, unsigned irq, bool masked) {
    Xics *s = (Xics *)d;
    Source *from = source_of(s, irq);
    if (!from) {
        return false;
    }
    device_lock(d);
    if (masked) {
        from->saved = from->priority == XICS_LEAST ? from->saved : from->priority;
        from->priority = XICS_LEAST;
    } else {
        from->priority = from->saved;
        send_again(s, irq - SPAPR_IRQ_FIRST);
    }
    device_unlock(d);
    return true;
}

static void input(Device *d, unsigned n, bool level) {
    Xics *s = (Xics *)d;
    if (n >= SPAPR_IRQS) {
        return;
    }
    Source *from = &s->sources[n];
    if (is_level(n)) {
        from->status = level ? from->status | ASSERTED : from->status & (uint8_t)~ASSERTED;
    } else if (level) {
        from->status |= WAITING;
    }
    send_again(s, n);
}

/* -- the device -- */

static bool init(Device *d, const void *config, GError **error) {
    Xics *s = (Xics *)d;
    const XicsConfig *c = config;
    s->cpus = c && c->cpus && c->cpus <= SPAPR_CPUS ? c->cpus : 1;
    return true;
}

/* Levels are those of the devices, which say when they change. */
static void reset(Device *d) {
    Xics *s = (Xics *)d;
    for (unsigned i = 0; i < SPAPR_CPUS; i++) {
        s->servers[i] = (Server){ .mfrr = XICS_LEAST, .pending = XICS_LEAST };
        drive(s, i);
    }
    for (unsigned n = 0; n < SPAPR_IRQS; n++) {
        uint8_t asserted = s->sources[n].status & ASSERTED;
        s->sources[n] = (Source){ .priority = XICS_LEAST, .saved = XICS_LEAST, .status = asserted };
    }
}

static void restored(Device *d) {
    Xics *s = (Xics *)d;
    for (unsigned n = 0; n < SPAPR_IRQS; n++) {
        s->sources[n].server = s->sources[n].server < s->cpus ? s->sources[n].server : 0;
    }
    for (unsigned i = 0; i < SPAPR_CPUS; i++) {
        drive(s, i);
    }
}

static const StateField state[] = {
    STATE_NOT_KEPT(Xics, cpus), STATE(Xics, pad), STATE_ARRAY(Xics, servers, uint8_t), STATE_ARRAY(Xics, sources, uint8_t),
};

const DeviceClass device_xics = {
    .name = "xics",
    .summary = "interrupt controllers of a PAPR partition",
    .size = sizeof(Xics),
    .config_size = sizeof(XicsConfig),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = SPAPR_CPUS,
    .init = init,
    .reset = reset,
    .input = input,
    .restored = restored,
};
