/* SPDX-License-Identifier: MIT */
/*
 * gicv2.c - Arm generic interrupt controller, version 2: distributor and CPU interfaces of up to eight CPUs.
 * Spec: Arm IHI 0048B, chapters 3 and 4, without the Security Extensions; 32 priority levels; both groups.
 * Locking: one lock for everything, a leaf: outputs only wake CPUs.
 * Missing: interrupt bypass, virtualization extensions (GICH, GICV), v2m.
 */
#include <gio/gio.h>
#include <string.h>

#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/gic.h"
#include "devices/primecell.h"

enum {
    WORDS = 32,         /* of 32 interrupts; word 0 (SGIs and PPIs) exists once for each CPU */
    ID_GROUP1 = 1022,   /* the pending interrupt is one of group 1, which this register does not acknowledge */
    ID_MASK = 0x3ff,

    CTLR_GRP0 = 1 << 0,
    CTLR_GRP1 = 1 << 1,
    CTLR_ACK = 1 << 2,      /* AckCtl */
    CTLR_FIQ = 1 << 3,      /* FIQEn */
    CTLR_CBPR = 1 << 4,
    CTLR_EOIMODE = 1 << 9,  /* EOIR only drops the priority */
    CTLR_WRITABLE = 0x3ff,
};

/* One bit for each interrupt. */
typedef struct Bits {
    uint32_t own[GIC_MAX_CPUS];  /* INTIDs 0-31 */
    uint32_t shared[WORDS];      /* word 0 unused */
} Bits;

typedef struct CpuInterface {
    uint32_t ctlr, pmr, bpr, abpr;
    uint32_t apr, nsapr; /* active priorities of groups 0 and 1, bit n: priority n << 3 */
} CpuInterface;

typedef struct Gic {
    Device d;
    uint32_t cpus, words; /* from the configuration */
    uint32_t ctlr;
    CpuInterface cpu[GIC_MAX_CPUS];
    Bits group, enabled, latched, level, active, edge;
    uint8_t own_priority[GIC_MAX_CPUS][32];
    uint8_t priority[WORDS * 32];
    uint8_t targets[WORDS * 32];
    uint8_t sgi_from[GIC_MAX_CPUS][GIC_SGIS]; /* by receiver: bit per CPU that has sent it */
    uint32_t reserved; /* keeps the struct free of holes */
} Gic;

static uint32_t *word(Bits *bits, unsigned cpu, unsigned w) {
    return w ? &bits->shared[w] : &bits->own[cpu];
}
static bool bit(Bits *bits, unsigned cpu, unsigned id) {
    return *word(bits, cpu, id / 32) >> (id % 32) & 1;
}
static void set_bit(Bits *bits, unsigned cpu, unsigned id, bool on) {
    uint32_t *w = word(bits, cpu, id / 32);
    *w = (*w & ~(1u << (id % 32))) | (uint32_t)on << (id % 32);
}
static uint8_t *priority_of(Gic *gic, unsigned cpu, unsigned id) {
    return id < 32 ? &gic->own_priority[cpu][id] : &gic->priority[id];
}
/* An access by a CPU that the controller does not have is taken as one by CPU 0. */
static unsigned cpu_of(const Gic *gic, const RegAccess *a) {
    return a->cpu < gic->cpus ? a->cpu : 0;
}

static uint32_t sgis_pending(const Gic *gic, unsigned cpu) {
    uint32_t pending = 0;
    for (unsigned i = 0; i < GIC_SGIS; i++) {
        pending |= (uint32_t)(gic->sgi_from[cpu][i] != 0) << i;
    }
    return pending;
}

static uint32_t pending_word(Gic *gic, unsigned cpu, unsigned w) {
    uint32_t pending = *word(&gic->latched, cpu, w) | (*word(&gic->level, cpu, w) & ~*word(&gic->edge, cpu, w));
    return w ? pending : (pending & ~0xffffu) | sgis_pending(gic, cpu);
}

/* -- priorities -- */

typedef struct Candidate {
    unsigned id;       /* GIC_ID_SPURIOUS: none */
    unsigned priority;
    bool group1;
} Candidate;

static bool group_enabled(const Gic *gic, bool group1) {
    return gic->ctlr & (group1 ? CTLR_GRP1 : CTLR_GRP0);
}

/* The pending interrupt of highest priority that the distributor forwards to the CPU; the lowest INTID of equals. */
static Candidate highest(Gic *gic, unsigned cpu) {
    Candidate best = { GIC_ID_SPURIOUS, GIC_PRIORITY_IDLE, false };
    for (unsigned w = 0; w < gic->words; w++) {
        uint32_t left = pending_word(gic, cpu, w) & *word(&gic->enabled, cpu, w) & ~*word(&gic->active, cpu, w);
        for (; left; left &= left - 1) {
            unsigned id = w * 32 + (unsigned)__builtin_ctz(left);
            unsigned priority = *priority_of(gic, cpu, id);
            bool group1 = bit(&gic->group, cpu, id);
            bool here = w == 0 || gic->cpus == 1 || gic->targets[id] >> cpu & 1;
            if (here && priority < best.priority && group_enabled(gic, group1)) {
                best = (Candidate){ id, priority, group1 };
            }
        }
    }
    return best;
}

/* The part of a priority that decides about preemption. */
static unsigned group_priority(const CpuInterface *c, unsigned priority, bool group1) {
    return priority & gic_group_mask(group1 && !(c->ctlr & CTLR_CBPR) ? c->abpr : c->bpr + 1);
}

static unsigned running_priority(const CpuInterface *c) {
    return gic_running(c->apr | c->nsapr);
}

/* Is the interrupt signalled to the CPU now? */
static bool signalled(const CpuInterface *c, const Candidate *best) {
    return best->id != GIC_ID_SPURIOUS && c->ctlr & (best->group1 ? CTLR_GRP1 : CTLR_GRP0) && best->priority < c->pmr &&
           group_priority(c, best->priority, best->group1) < running_priority(c);
}

/* Sets the outputs to one CPU; everything that changes state calls this for the CPUs concerned. */
static void update(Gic *gic, unsigned cpu) {
    const CpuInterface *c = &gic->cpu[cpu];
    Candidate best = highest(gic, cpu);
    bool on = signalled(c, &best);
    bool fiq = !best.group1 && c->ctlr & CTLR_FIQ;
    irq_set(&gic->d.irqs[GIC_OUT_IRQ(cpu)], on && !fiq);
    irq_set(&gic->d.irqs[GIC_OUT_FIQ(cpu)], on && fiq);
}

static void update_all(Gic *gic) {
    for (unsigned i = 0; i < gic->cpus; i++) {
        update(gic, i);
    }
}

/* After a change of one interrupt. */
static void update_for(Gic *gic, unsigned cpu, unsigned id) {
    if (id < 32 || gic->cpus == 1) {
        update(gic, cpu);
        return;
    }
    for (unsigned left = gic->targets[id]; left; left &= left - 1) {
        update(gic, (unsigned)__builtin_ctz(left));
    }
}

/* -- inputs -- */

static void input(Device *d, unsigned n, bool high) {
    Gic *gic = (Gic *)d;
    unsigned cpu = n >> 16 ? (n >> 16) - 1 : 0;
    unsigned id = n & 0xffff;
    bool valid = n >> 16 ? cpu < gic->cpus && id >= GIC_SGIS && id < 32 : id >= 32 && id < gic->words * 32;
    g_assert(valid); /* the machine's wiring */
    if (high && !bit(&gic->level, cpu, id) && bit(&gic->edge, cpu, id)) {
        set_bit(&gic->latched, cpu, id, true);
    }
    set_bit(&gic->level, cpu, id, high);
    update_for(gic, cpu, id);
}

/* -- distributor: control -- */

static void ctlr_written(Device *d, const RegAccess *a, uint64_t value) {
    update_all((Gic *)d);
}

static uint64_t typer_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    return (gic->words - 1) | (gic->cpus - 1) << 5;
}

/* -- distributor: one bit for each interrupt -- */

static bool has_word(const Gic *gic, const RegAccess *a) {
    return a->index < gic->words;
}

static uint64_t read_bits(Device *d, const RegAccess *a, Bits *bits) {
    Gic *gic = (Gic *)d;
    return has_word(gic, a) ? *word(bits, cpu_of(gic, a), a->index) : 0;
}

/* Sets or clears the bits of a word that are set in value. */
static void change_bits(Device *d, const RegAccess *a, Bits *bits, uint32_t value, bool on) {
    Gic *gic = (Gic *)d;
    if (has_word(gic, a)) {
        uint32_t *w = word(bits, cpu_of(gic, a), a->index);
        *w = on ? *w | value : *w & ~value;
        update_all(gic);
    }
}

/* INTIDs 0-15 of the first word are not changed by the register. */
static uint32_t not_sgis(const RegAccess *a, uint64_t value) {
    return (uint32_t)value & ~(a->index ? 0u : 0xffffu);
}

static uint64_t igroupr_read(Device *d, const RegAccess *a) {
    return read_bits(d, a, &((Gic *)d)->group);
}
static void igroupr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    if (has_word(gic, a)) {
        *word(&gic->group, cpu_of(gic, a), a->index) = (uint32_t)value;
        update_all(gic);
    }
}

static uint64_t isenabler_read(Device *d, const RegAccess *a) {
    return read_bits(d, a, &((Gic *)d)->enabled);
}
static void isenabler_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->enabled, (uint32_t)value, true);
}
static void icenabler_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->enabled, not_sgis(a, value), false); /* SGIs are always enabled */
}

static uint64_t ispendr_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    return has_word(gic, a) ? pending_word(gic, cpu_of(gic, a), a->index) : 0;
}
static void ispendr_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->latched, not_sgis(a, value), true);
}
static void icpendr_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->latched, not_sgis(a, value), false);
}

static uint64_t isactiver_read(Device *d, const RegAccess *a) {
    return read_bits(d, a, &((Gic *)d)->active);
}
static void isactiver_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->active, (uint32_t)value, true);
}
static void icactiver_written(Device *d, const RegAccess *a, uint64_t value) {
    change_bits(d, a, &((Gic *)d)->active, (uint32_t)value, false);
}

/* -- distributor: two bits or a byte for each interrupt -- */

static uint64_t icfgr_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    if (a->index / 2 >= gic->words) {
        return 0;
    }
    return gic_icfgr(*word(&gic->edge, cpu_of(gic, a), a->index / 2) >> (a->index % 2 * 16));
}
static void icfgr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    if (a->index == 0 || a->index / 2 >= gic->words) { /* SGIs are always edges */
        return;
    }
    uint32_t *edge = word(&gic->edge, cpu_of(gic, a), a->index / 2);
    unsigned shift = a->index % 2 * 16;
    *edge = (*edge & ~(0xffffu << shift)) | gic_icfgr_edge((uint32_t)value) << shift;
    update_all(gic);
}

static uint64_t ipriorityr_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    return a->index / 8 < gic->words ? gic_priorities(priority_of(gic, cpu_of(gic, a), a->index * 4)) : 0;
}
static void ipriorityr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    if (a->index / 8 < gic->words) {
        gic_set_priorities(priority_of(gic, cpu_of(gic, a), a->index * 4), (uint32_t)value, a->mask);
        update_all(gic);
    }
}

static uint64_t itargetsr_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    if (gic->cpus == 1 || a->index / 8 >= gic->words) {
        return 0; /* with one CPU there is nothing to choose */
    }
    if (a->index < 8) {
        return 0x01010101u << cpu_of(gic, a);
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        value |= (uint32_t)gic->targets[a->index * 4 + i] << (8 * i);
    }
    return value;
}
static void itargetsr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    for (unsigned i = 0; i < 4 && a->index >= 8 && a->index / 8 < gic->words; i++) {
        if (a->mask >> (8 * i) & 0xff) {
            gic->targets[a->index * 4 + i] = value >> (8 * i) & ((1u << gic->cpus) - 1);
        }
    }
    update_all(gic);
}

/* -- distributor: SGIs -- */

static void sgir_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a), id = value & 15;
    unsigned all = (1u << gic->cpus) - 1;
    unsigned to = value >> 16 & 0xff;
    switch (value >> 24 & 3) {
    case 0: break;
    case 1: to = all & ~(1u << cpu); break;
    case 2: to = 1u << cpu; break;
    default: to = 0; break;
    }
    for (unsigned left = to & all; left; left &= left - 1) {
        unsigned receiver = (unsigned)__builtin_ctz(left);
        gic->sgi_from[receiver][id] |= 1u << cpu;
        update(gic, receiver);
    }
}

static uint64_t spendsgir_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        value |= (uint32_t)gic->sgi_from[cpu_of(gic, a)][a->index * 4 + i] << (8 * i);
    }
    return value;
}
static void change_sgis(Device *d, const RegAccess *a, uint64_t value, bool on) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *from = &gic->sgi_from[cpu][a->index * 4 + i];
        uint8_t change = value >> (8 * i) & ((1u << gic->cpus) - 1);
        *from = on ? *from | change : *from & ~change;
    }
    update(gic, cpu);
}
static void spendsgir_written(Device *d, const RegAccess *a, uint64_t value) {
    change_sgis(d, a, value, true);
}
static void cpendsgir_written(Device *d, const RegAccess *a, uint64_t value) {
    change_sgis(d, a, value, false);
}

/* -- CPU interface -- */

static CpuInterface *interface_of(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    return &gic->cpu[cpu_of(gic, a)];
}

static uint64_t cctlr_read(Device *d, const RegAccess *a) {
    return interface_of(d, a)->ctlr;
}
static void cctlr_written(Device *d, const RegAccess *a, uint64_t value) {
    interface_of(d, a)->ctlr = value & CTLR_WRITABLE;
    update((Gic *)d, cpu_of((Gic *)d, a));
}

static uint64_t pmr_read(Device *d, const RegAccess *a) {
    return interface_of(d, a)->pmr;
}
static void pmr_written(Device *d, const RegAccess *a, uint64_t value) {
    interface_of(d, a)->pmr = value & GIC_PRIORITY_MASK;
    update((Gic *)d, cpu_of((Gic *)d, a));
}

static uint64_t bpr_read(Device *d, const RegAccess *a) {
    return interface_of(d, a)->bpr;
}
static void bpr_written(Device *d, const RegAccess *a, uint64_t value) {
    interface_of(d, a)->bpr = gic_bpr(value, GIC_MIN_BPR);
    update((Gic *)d, cpu_of((Gic *)d, a));
}

static uint64_t abpr_read(Device *d, const RegAccess *a) {
    return interface_of(d, a)->abpr;
}
static void abpr_written(Device *d, const RegAccess *a, uint64_t value) {
    interface_of(d, a)->abpr = gic_bpr(value, GIC_MIN_BPR1);
    update((Gic *)d, cpu_of((Gic *)d, a));
}

/* Makes the interrupt active and no longer pending; returns what IAR reads as. */
static uint32_t acknowledge(Gic *gic, unsigned cpu, const Candidate *best) {
    CpuInterface *c = &gic->cpu[cpu];
    uint32_t level = 1u << (group_priority(c, best->priority, best->group1) >> GIC_PRIORITY_SHIFT);
    if (best->group1) {
        c->nsapr |= level;
    } else {
        c->apr |= level;
    }
    uint32_t value = best->id;
    if (best->id < GIC_SGIS) {
        unsigned from = (unsigned)__builtin_ctz(gic->sgi_from[cpu][best->id]);
        gic->sgi_from[cpu][best->id] &= ~(1u << from);
        value |= from << 10;
    } else {
        set_bit(&gic->latched, cpu, best->id, false);
    }
    set_bit(&gic->active, cpu, best->id, true);
    update_for(gic, cpu, best->id);
    if (best->id >= 32) {
        update(gic, cpu); /* its running priority changed, even if it is no target any more */
    }
    return value;
}

static uint64_t iar_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    const CpuInterface *c = &gic->cpu[cpu];
    Candidate best = highest(gic, cpu);
    if (!signalled(c, &best)) {
        return GIC_ID_SPURIOUS;
    }
    if (best.group1 && !(c->ctlr & CTLR_ACK)) {
        return ID_GROUP1;
    }
    return acknowledge(gic, cpu, &best);
}

static uint64_t aiar_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    Candidate best = highest(gic, cpu);
    if (!signalled(&gic->cpu[cpu], &best) || !best.group1) {
        return GIC_ID_SPURIOUS;
    }
    return acknowledge(gic, cpu, &best);
}

/* What HPPIR shows: pending, whatever the mask and the running priority are. */
static uint32_t highest_value(const Gic *gic, unsigned cpu, const Candidate *best) {
    uint32_t value = best->id;
    if (value < GIC_SGIS) {
        value |= (uint32_t)__builtin_ctz(gic->sgi_from[cpu][value]) << 10;
    }
    return value;
}

static uint64_t hppir_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    Candidate best = highest(gic, cpu);
    if (best.group1 && !(gic->cpu[cpu].ctlr & CTLR_ACK)) {
        return ID_GROUP1;
    }
    return highest_value(gic, cpu, &best);
}

static uint64_t ahppir_read(Device *d, const RegAccess *a) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    Candidate best = highest(gic, cpu);
    return best.group1 ? highest_value(gic, cpu, &best) : GIC_ID_SPURIOUS;
}

static uint64_t rpr_read(Device *d, const RegAccess *a) {
    unsigned priority = running_priority(interface_of(d, a));
    return priority == GIC_PRIORITY_IDLE ? 0xff : priority;
}

static void deactivate(Gic *gic, unsigned cpu, unsigned id) {
    if (id < gic->words * 32) {
        set_bit(&gic->active, cpu, id, false);
        update_for(gic, cpu, id);
    }
}

/* Priority drop in one group, then deactivation unless the guest does that separately. */
static void end_interrupt(Gic *gic, unsigned cpu, unsigned id, uint32_t *active) {
    CpuInterface *c = &gic->cpu[cpu];
    if (id >= gic->words * 32) {
        return; /* 1020-1023 are no interrupts */
    }
    *active &= *active - 1;
    if (!(c->ctlr & CTLR_EOIMODE)) {
        deactivate(gic, cpu, id);
    }
    update(gic, cpu);
}

static void eoir_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    CpuInterface *c = &gic->cpu[cpu];
    bool group1 = c->nsapr && (!c->apr || __builtin_ctz(c->nsapr) < __builtin_ctz(c->apr));
    end_interrupt(gic, cpu, value & ID_MASK, group1 ? &c->nsapr : &c->apr);
}

static void aeoir_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    end_interrupt(gic, cpu, value & ID_MASK, &gic->cpu[cpu].nsapr);
}

static void dir_written(Device *d, const RegAccess *a, uint64_t value) {
    Gic *gic = (Gic *)d;
    unsigned cpu = cpu_of(gic, a);
    if (!(gic->cpu[cpu].ctlr & CTLR_EOIMODE)) {
        device_log(d, LOG_GUEST_ERROR, "%s: write to DIR while EOImode is 0", d->name);
        return;
    }
    deactivate(gic, cpu, value & ID_MASK);
}

static uint64_t apr_read(Device *d, const RegAccess *a) {
    return a->index ? 0 : interface_of(d, a)->apr;
}
static void apr_written(Device *d, const RegAccess *a, uint64_t value) {
    if (a->index == 0) {
        interface_of(d, a)->apr = (uint32_t)value;
        update((Gic *)d, cpu_of((Gic *)d, a));
    }
}
static uint64_t nsapr_read(Device *d, const RegAccess *a) {
    return a->index ? 0 : interface_of(d, a)->nsapr;
}
static void nsapr_written(Device *d, const RegAccess *a, uint64_t value) {
    if (a->index == 0) {
        interface_of(d, a)->nsapr = (uint32_t)value;
        update((Gic *)d, cpu_of((Gic *)d, a));
    }
}

/* -- tables -- */

static const Reg distributor[] = {
    { 0x000, "GICD_CTLR", REG_AT(Gic, ctlr), .wmask = CTLR_GRP0 | CTLR_GRP1, .written = ctlr_written },
    { 0x004, "GICD_TYPER", .read = typer_read },
    { 0x008, "GICD_IIDR", .reset = 0x0000043b },
    { 0x080, "GICD_IGROUPR", .count = 32, .read = igroupr_read, .written = igroupr_written },
    { 0x100, "GICD_ISENABLER", .count = 32, .read = isenabler_read, .written = isenabler_written },
    { 0x180, "GICD_ICENABLER", .count = 32, .read = isenabler_read, .written = icenabler_written },
    { 0x200, "GICD_ISPENDR", .count = 32, .read = ispendr_read, .written = ispendr_written },
    { 0x280, "GICD_ICPENDR", .count = 32, .read = ispendr_read, .written = icpendr_written },
    { 0x300, "GICD_ISACTIVER", .count = 32, .read = isactiver_read, .written = isactiver_written },
    { 0x380, "GICD_ICACTIVER", .count = 32, .read = isactiver_read, .written = icactiver_written },
    { 0x400, "GICD_IPRIORITYR", .count = 255, .sizes = 1 | 4, .read = ipriorityr_read, .written = ipriorityr_written },
    { 0x800, "GICD_ITARGETSR", .count = 255, .sizes = 1 | 4, .read = itargetsr_read, .written = itargetsr_written },
    { 0xc00, "GICD_ICFGR", .count = 64, .read = icfgr_read, .written = icfgr_written },
    { 0xe00, "GICD_NSACR", .count = 64, .read = gic_zero, .written = gic_ignored },
    { 0xf00, "GICD_SGIR", .written = sgir_written },
    { 0xf10, "GICD_CPENDSGIR", .count = 4, .sizes = 1 | 4, .read = spendsgir_read, .written = cpendsgir_written },
    { 0xf20, "GICD_SPENDSGIR", .count = 4, .sizes = 1 | 4, .read = spendsgir_read, .written = spendsgir_written },
    { 0xfd0, "GICD_PIDR4", .reset = 0x04 },
    { 0xfd4, "GICD_PIDR5", .count = 3 },
    PRIMECELL_ID(0x90, 0xb4, 0x2b, 0x00),
};

static const Reg interface[] = {
    { 0x0000, "GICC_CTLR", .read = cctlr_read, .written = cctlr_written },
    { 0x0004, "GICC_PMR", .read = pmr_read, .written = pmr_written },
    { 0x0008, "GICC_BPR", .read = bpr_read, .written = bpr_written },
    { 0x000c, "GICC_IAR", .read = iar_read },
    { 0x0010, "GICC_EOIR", .written = eoir_written },
    { 0x0014, "GICC_RPR", .read = rpr_read },
    { 0x0018, "GICC_HPPIR", .read = hppir_read },
    { 0x001c, "GICC_ABPR", .read = abpr_read, .written = abpr_written },
    { 0x0020, "GICC_AIAR", .read = aiar_read },
    { 0x0024, "GICC_AEOIR", .written = aeoir_written },
    { 0x0028, "GICC_AHPPIR", .read = ahppir_read },
    { 0x00d0, "GICC_APR", .count = 4, .read = apr_read, .written = apr_written },
    { 0x00e0, "GICC_NSAPR", .count = 4, .read = nsapr_read, .written = nsapr_written },
    { 0x00fc, "GICC_IIDR", .reset = 0x0002043b },
    { 0x1000, "GICC_DIR", .written = dir_written },
};

static const DeviceBank banks[] = {
    { "distributor", 0x1000, .regs = distributor, .reg_count = G_N_ELEMENTS(distributor) },
    { "interface", 0x2000, .regs = interface, .reg_count = G_N_ELEMENTS(interface) },
};

static const StateField state[] = {
    STATE_NOT_KEPT(Gic, cpus), STATE_NOT_KEPT(Gic, words), /* configuration */
    STATE_ARRAY(Gic, cpu, uint32_t), STATE_ARRAY(Gic, group, uint32_t), STATE_ARRAY(Gic, enabled, uint32_t),
    STATE_ARRAY(Gic, latched, uint32_t), STATE_ARRAY(Gic, level, uint32_t), STATE_ARRAY(Gic, active, uint32_t),
    STATE_ARRAY(Gic, edge, uint32_t), STATE_ARRAY(Gic, own_priority, uint8_t), STATE_ARRAY(Gic, priority, uint8_t),
    STATE_ARRAY(Gic, targets, uint8_t), STATE_ARRAY(Gic, sgi_from, uint8_t),
    STATE(Gic, reserved),
};

static bool init(Device *d, const void *config, GError **error) {
    Gic *gic = (Gic *)d;
    const GicConfig *c = config;
    unsigned irqs = c && c->irqs ? c->irqs : 288;
    gic->cpus = c ? c->cpus : 1;
    if (gic->cpus < 1 || gic->cpus > GIC_MAX_CPUS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "a GICv2 serves 1 to %d CPUs, not %u; more need gic-version=3", GIC_MAX_CPUS, gic->cpus);
        return false;
    }
    if (irqs % 32 || irqs < 32 || irqs > GIC_MAX_IRQS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "a GICv2 has a multiple of 32 interrupts, at most 992, not %u", irqs);
        return false;
    }
    gic->words = irqs / 32;
    return true;
}

/* The levels of the inputs stay: the devices that drive them have a reset of their own. */
static void reset(Device *d) {
    Gic *gic = (Gic *)d;
    memset(&gic->group, 0, sizeof gic->group);
    memset(&gic->enabled, 0, sizeof gic->enabled);
    memset(&gic->latched, 0, sizeof gic->latched);
    memset(&gic->active, 0, sizeof gic->active);
    memset(&gic->edge, 0, sizeof gic->edge);
    memset(gic->own_priority, 0, sizeof gic->own_priority);
    memset(gic->priority, 0, sizeof gic->priority);
    memset(gic->targets, 0, sizeof gic->targets);
    memset(gic->sgi_from, 0, sizeof gic->sgi_from);
    for (unsigned i = 0; i < GIC_MAX_CPUS; i++) {
        gic->enabled.own[i] = gic->edge.own[i] = 0xffff;
        gic->cpu[i] = (CpuInterface){ .bpr = GIC_MIN_BPR, .abpr = GIC_MIN_BPR1 };
    }
    update_all(gic);
}

static void restored(Device *d) {
    Gic *gic = (Gic *)d;
    for (unsigned i = 0; i < GIC_MAX_CPUS; i++) {
        gic->cpu[i].bpr = gic_bpr(gic->cpu[i].bpr, GIC_MIN_BPR);
        gic->cpu[i].abpr = gic_bpr(gic->cpu[i].abpr, GIC_MIN_BPR1);
    }
    update_all(gic);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    gic_fdt_begin(d, fdt, at, "arm,cortex-a15-gic");
    node_end(fdt);
}

const DeviceClass device_gicv2 = {
    .name = "gicv2",
    .summary = "Arm generic interrupt controller v2",
    .size = sizeof(Gic),
    .config_size = sizeof(GicConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 2 * GIC_MAX_CPUS,
    .init = init,
    .reset = reset,
    .input = input,
    .restored = restored,
    .fdt = fdt_node,
};
