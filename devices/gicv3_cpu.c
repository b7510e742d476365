/* SPDX-License-Identifier: MIT */
/*
 * gicv3_cpu.c - the GICv3's CPU interfaces: system registers ICC_*_EL1, priorities, and the outputs to the CPUs.
 * Spec: Arm IHI 0069, 4.8 (priorities), 12.2 (registers); system registers only, one Security state, 32 priority levels.
 * Locking: gicv3.h. What concerns SGIs and PPIs alone takes the lock of one CPU, never the device's.
 * Missing: ICC_CTLR_EL1.PMHE is RAZ/WI, SEIS is 0, extended SPI and PPI ranges.
 */
#include "devices/gicv3.h"

enum {
    CTLR_CBPR = 1 << 0,
    CTLR_EOIMODE = 1 << 1,
    CTLR_FIXED = 1 << 15 | 4 << 8, /* A3V; five priority bits; 16 bits of INTID; one range of target lists */
    SRE_FIXED = 7,                 /* system registers only, no bypass */
    SPECIAL_FIRST = 1020,
    SPECIAL_LAST = 1023,
    ID_MASK = 0xffffff,
};

/* -- priorities -- */

static uint32_t mask_of(const Gicv3Cpu *c, unsigned group) {
    return gic_group_mask(group && !(c->ctlr & CTLR_CBPR) ? c->bpr[1] : c->bpr[0] + 1);
}

bool gicv3_takes(const Gicv3Port *p, const GicCandidate *best) {
    const Gicv3Cpu *c = p->cpu;
    if (best->id == GIC_ID_SPURIOUS || best->priority >= c->pmr) {
        return false;
    }
    unsigned running = gic_running(c->ap[0] | c->ap[1]);
    uint32_t mask = mask_of(c, best->group);
    return running == GIC_PRIORITY_IDLE || (best->priority & mask) < (running & mask);
}

unsigned gicv3_groups(const Gicv3Port *p) {
    const Gicv3Cpu *c = p->cpu;
    unsigned here = c->enable[0] | c->enable[1] << 1;
    return c->sleep ? 0 : here & __atomic_load_n(&p->gic->ctlr, __ATOMIC_RELAXED);
}

static GicCandidate highest(const Gicv3Port *p) {
    GicCandidate best = p->spi;
    GicCandidate own = { GIC_ID_SPURIOUS, GIC_PRIORITY_IDLE, 0 };
    gic_word_best(&p->cpu->own, p->priority, 0, gicv3_groups(p), &own);
    return own.priority <= best.priority ? own : best;
}

void gicv3_signal(Gicv3Port *p) {
    GicCandidate best = highest(p);
    bool on = gicv3_takes(p, &best);
    IrqLine *irqs = p->gic->d.irqs;
    irq_set(&irqs[GIC_OUT_IRQ(p->index)], on && best.group);
    irq_set(&irqs[GIC_OUT_FIQ(p->index)], on && !best.group);
}

/* Ends a change of the port's state that may let it take other interrupts than before; releases its lock. */
static void changed(Gicv3Port *p) {
    gicv3_signal(p);
    gicv3_unlock(p);
    Gicv3 *gic = p->gic;
    if (__atomic_load_n(&gic->choosing, __ATOMIC_RELAXED)) {
        device_lock(&gic->d);
        gicv3_offer(gic);
        device_unlock(&gic->d);
    }
}

/* -- acknowledging -- */

/* If the CPU can be interrupted by that group: begins the interrupt, as far as it concerns the CPU. */
static GicCandidate take(Gicv3Port *p, unsigned group) {
    Gicv3Cpu *c = p->cpu;
    GicCandidate best = highest(p);
    if (!gicv3_takes(p, &best) || best.group != group) {
        return (GicCandidate){ .id = GIC_ID_SPURIOUS };
    }
    c->ap[group] |= 1u << ((best.priority & mask_of(c, group)) >> GIC_PRIORITY_SHIFT);
    if (best.id < 32) {
        c->own.latched &= ~(1u << best.id);
        c->own.active |= 1u << best.id;
    }
    return best;
}

static uint64_t iar_read(void *port, unsigned group) {
    Gicv3Port *p = port;
    Gicv3 *gic = p->gic;
    gicv3_lock(p);
    if (p->spi.id == GIC_ID_SPURIOUS) {
        unsigned id = take(p, group).id;
        changed(p);
        return id;
    }
    gicv3_unlock(p); /* the device's lock comes first */
    device_lock(&gic->d);
    gicv3_lock(p);
    unsigned id = take(p, group).id;
    gicv3_signal(p);
    gicv3_unlock(p);
    if (id >= 32 && id != GIC_ID_SPURIOUS) {
        gicv3_set_spi_active(gic, id, true);
    }
    gicv3_offer(gic);
    device_unlock(&gic->d);
    return id;
}

static uint64_t hppir_read(void *port, unsigned group) {
    Gicv3Port *p = port;
    gicv3_lock(p);
    GicCandidate best = highest(p);
    gicv3_unlock(p);
    return best.group == group ? best.id : GIC_ID_SPURIOUS;
}

static uint64_t rpr_read(void *port, unsigned arg) {
    const Gicv3Cpu *c = ((Gicv3Port *)port)->cpu;
    unsigned running = gic_running(c->ap[0] | c->ap[1]);
    return running == GIC_PRIORITY_IDLE ? 0xff : running;
}

/* -- ending -- */

static void deactivate(Gicv3Port *p, unsigned id) {
    Gicv3 *gic = p->gic;
    if (id < 32) {
        gicv3_lock(p);
        p->cpu->own.active &= ~(1u << id);
        gicv3_signal(p);
        gicv3_unlock(p);
    } else {
        device_lock(&gic->d);
        gicv3_set_spi_active(gic, id, false);
        gicv3_offer(gic);
        device_unlock(&gic->d);
    }
}

static bool valid(const Gicv3Port *p, const char *name, unsigned id) {
    if (id < p->gic->words * 32) {
        return true;
    }
    if (id < SPECIAL_FIRST || id > SPECIAL_LAST) {
        device_log(&p->gic->d, LOG_GUEST_ERROR, "%s: CPU %u writes INTID %u to %s, which does not exist", p->gic->d.name,
                   p->index, id, name);
    }
    return false;
}

/* The highest active priority is dropped if it is of the group; only then the write means anything. */
static void eoir_write(void *port, unsigned group, uint64_t value) {
    Gicv3Port *p = port;
    Gicv3Cpu *c = p->cpu;
    unsigned id = value & ID_MASK;
    if (!valid(p, "EOIR", id)) {
        return;
    }
    gicv3_lock(p);
    uint32_t mine = c->ap[group], other = c->ap[!group];
    bool drops = mine && (!other || __builtin_ctz(mine) < __builtin_ctz(other));
    bool ends = drops && !(c->ctlr & CTLR_EOIMODE);
    if (drops) {
        c->ap[group] = mine & (mine - 1);
    }
    if (ends && id < 32) {
        c->own.active &= ~(1u << id);
    }
    changed(p);
    if (ends && id >= 32) {
        deactivate(p, id);
    }
}

static void dir_write(void *port, unsigned arg, uint64_t value) {
    Gicv3Port *p = port;
    unsigned id = value & ID_MASK;
    if (!(p->cpu->ctlr & CTLR_EOIMODE)) {
        device_log(&p->gic->d, LOG_GUEST_ERROR, "%s: CPU %u writes to DIR while EOImode is 0", p->gic->d.name, p->index);
    } else if (valid(p, "DIR", id)) {
        deactivate(p, id);
    }
}

/* -- control -- */

static uint64_t sre_read(void *port, unsigned arg) {
    return SRE_FIXED;
}
static void sre_write(void *port, unsigned arg, uint64_t value) {
}

static uint64_t ctlr_read(void *port, unsigned arg) {
    return ((Gicv3Port *)port)->cpu->ctlr | CTLR_FIXED;
}
static void ctlr_write(void *port, unsigned arg, uint64_t value) {
    Gicv3Port *p = port;
    gicv3_lock(p);
    p->cpu->ctlr = value & (CTLR_CBPR | CTLR_EOIMODE);
    changed(p);
}

static uint64_t pmr_read(void *port, unsigned arg) {
    return ((Gicv3Port *)port)->cpu->pmr;
}
static void pmr_write(void *port, unsigned arg, uint64_t value) {
    Gicv3Port *p = port;
    gicv3_lock(p);
    p->cpu->pmr = value & GIC_PRIORITY_MASK;
    changed(p);
}

static uint64_t bpr_read(void *port, unsigned group) {
    const Gicv3Cpu *c = ((Gicv3Port *)port)->cpu;
    bool common = group && c->ctlr & CTLR_CBPR;
    return common ? MIN(c->bpr[0] + 1, 7) : c->bpr[group];
}
static void bpr_write(void *port, unsigned group, uint64_t value) {
    Gicv3Port *p = port;
    gicv3_lock(p);
    if (!group || !(p->cpu->ctlr & CTLR_CBPR)) {
        p->cpu->bpr[group] = gic_bpr(value, group ? GIC_MIN_BPR1 : GIC_MIN_BPR);
    }
    changed(p);
}

static uint64_t igrpen_read(void *port, unsigned group) {
    return ((Gicv3Port *)port)->cpu->enable[group];
}
/* The distributor offers the CPU what it takes. */
static void igrpen_write(void *port, unsigned group, uint64_t value) {
    Gicv3Port *p = port;
    device_lock(&p->gic->d);
    gicv3_lock(p);
    p->cpu->enable[group] = value & 1;
    gicv3_signal(p);
    gicv3_unlock(p);
    gicv3_offer(p->gic);
    device_unlock(&p->gic->d);
}

static uint64_t ap_read(void *port, unsigned group) {
    return ((Gicv3Port *)port)->cpu->ap[group];
}
static void ap_write(void *port, unsigned group, uint64_t value) {
    Gicv3Port *p = port;
    gicv3_lock(p);
    p->cpu->ap[group] = (uint32_t)value;
    changed(p);
}

/* -- SGIs -- */

static void post_sgi(Gicv3Port *to, unsigned group, unsigned id) {
    gicv3_lock(to);
    if ((to->cpu->own.group >> id & 1) == group) {
        to->cpu->own.latched |= 1u << id;
        gicv3_signal(to);
    }
    gicv3_unlock(to);
}

static void sgi_write(void *port, unsigned group, uint64_t value) {
    Gicv3Port *p = port;
    Gicv3 *gic = p->gic;
    unsigned id = value >> 24 & 15;
    if (value >> 40 & 1) { /* IRM: everybody else */
        for (unsigned i = 0; i < gic->cpus; i++) {
            if (i != p->index) {
                post_sgi(&gic->port[i], group, id);
            }
        }
        return;
    }
    uint32_t cluster = (uint32_t)(value >> 48 & 0xff) << 24 | (value >> 32 & 0xff) << 16 | (value >> 16 & 0xff) << 8;
    for (unsigned left = value & 0xffff; left; left &= left - 1) {
        int to = gicv3_cpu_at(gic, cluster | (unsigned)__builtin_ctz(left));
        if (to != GICV3_NO_CPU) {
            post_sgi(&gic->port[to], group, id);
        }
    }
}
/* SGIs of the other Security state's group 1, which does not exist. */
static void asgi1r_write(void *port, unsigned arg, uint64_t value) {
}

/* -- tables -- */

/* As MRS and MSR name it: op0 3, op1 0. */
#define SR(crn, crm, op2) (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))

const GicCpuReg gicv3_cpu_regs[] = {
    { "ICC_PMR_EL1", SR(4, 6, 0), 0, pmr_read, pmr_write },
    { "ICC_IAR0_EL1", SR(12, 8, 0), 0, iar_read, NULL },
    { "ICC_EOIR0_EL1", SR(12, 8, 1), 0, NULL, eoir_write },
    { "ICC_HPPIR0_EL1", SR(12, 8, 2), 0, hppir_read, NULL },
    { "ICC_BPR0_EL1", SR(12, 8, 3), 0, bpr_read, bpr_write },
    { "ICC_AP0R0_EL1", SR(12, 8, 4), 0, ap_read, ap_write },
    { "ICC_AP1R0_EL1", SR(12, 9, 0), 1, ap_read, ap_write },
    { "ICC_DIR_EL1", SR(12, 11, 1), 0, NULL, dir_write },
    { "ICC_RPR_EL1", SR(12, 11, 3), 0, rpr_read, NULL },
    { "ICC_SGI1R_EL1", SR(12, 11, 5), 1, NULL, sgi_write },
    { "ICC_ASGI1R_EL1", SR(12, 11, 6), 1, NULL, asgi1r_write },
    { "ICC_SGI0R_EL1", SR(12, 11, 7), 0, NULL, sgi_write },
    { "ICC_IAR1_EL1", SR(12, 12, 0), 1, iar_read, NULL },
    { "ICC_EOIR1_EL1", SR(12, 12, 1), 1, NULL, eoir_write },
    { "ICC_HPPIR1_EL1", SR(12, 12, 2), 1, hppir_read, NULL },
    { "ICC_BPR1_EL1", SR(12, 12, 3), 1, bpr_read, bpr_write },
    { "ICC_CTLR_EL1", SR(12, 12, 4), 0, ctlr_read, ctlr_write },
    { "ICC_SRE_EL1", SR(12, 12, 5), 0, sre_read, sre_write },
    { "ICC_IGRPEN0_EL1", SR(12, 12, 6), 0, igrpen_read, igrpen_write },
    { "ICC_IGRPEN1_EL1", SR(12, 12, 7), 1, igrpen_read, igrpen_write },
    { NULL },
};

void *gicv3_cpu(Device *d, unsigned cpu) {
    Gicv3 *gic = (Gicv3 *)d;
    g_assert(cpu < gic->cpus);
    return &gic->port[cpu];
}

void gicv3_cpu_reset(Gicv3Cpu *c) {
    uint32_t level = c->own.level; /* the devices that drive the inputs have a reset of their own */
    *c = (Gicv3Cpu){ .sleep = 1, .bpr = { GIC_MIN_BPR, GIC_MIN_BPR1 }, .own = { .level = level, .edge = 0xffff } };
}

void gicv3_reset_cpu(void *port) {
    Gicv3Port *p = port;
    device_lock(&p->gic->d);
    gicv3_lock(p);
    *p->cpu = (Gicv3Cpu){ .own = p->cpu->own, .rd_ctlr = p->cpu->rd_ctlr, .sleep = p->cpu->sleep,
                          .bpr = { GIC_MIN_BPR, GIC_MIN_BPR1 } };
    gicv3_signal(p);
    gicv3_unlock(p);
    gicv3_offer(p->gic);
    device_unlock(&p->gic->d);
}

void gicv3_cpu_restored(Gicv3Cpu *c) {
    c->own.edge |= 0xffff;
    c->own.level &= 0xffff0000;
    c->sleep &= 1;
    c->ctlr &= CTLR_CBPR | CTLR_EOIMODE;
    c->pmr &= GIC_PRIORITY_MASK;
    for (unsigned group = 0; group < 2; group++) {
        c->bpr[group] = gic_bpr(c->bpr[group], group ? GIC_MIN_BPR1 : GIC_MIN_BPR);
        c->enable[group] &= 1;
    }
}
