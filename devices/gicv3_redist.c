/* SPDX-License-Identifier: MIT */
/*
 * gicv3_redist.c - the GICv3's redistributors: a frame of 128 KiB for each CPU, RD_base and SGI_base.
 * Spec: Arm IHI 0069, 12.10 and 12.11.
 * Locking: gicv3.h; register functions run under the device's lock.
 * Missing: LPIs (GICR_TYPER.PLPIS is 0), GICR_STATUSR.
 */
#include "devices/gicv3.h"

#include "devices/primecell.h"

enum {
    SGI_BASE = 0x10000,
    CTLR_DPG0 = 1 << 24, /* group 0 SPIs that may go to any CPU do not come to this one; and so for group 1 */
    CTLR_DPG1 = 1 << 25,
    WAKER_SLEEP = 1 << 1,
    WAKER_ASLEEP = 1 << 2,
};

/* NULL: there is no CPU for the frame. */
static Gicv3Port *port_of(Device *d, const RegAccess *a) {
    Gicv3 *gic = (Gicv3 *)d;
    return a->frame < gic->cpus ? &gic->port[a->frame] : NULL;
}

/* After a change of what the distributor looks at. */
static void changed(Gicv3Port *p) {
    gicv3_signal(p);
    gicv3_unlock(p);
    gicv3_offer(p->gic);
}

/* -- RD_base -- */

static uint64_t ctlr_read(Device *d, const RegAccess *a) {
    const Gicv3Port *p = port_of(d, a);
    return p ? p->cpu->rd_ctlr : 0;
}
static void ctlr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3Port *p = port_of(d, a);
    if (p) {
        gicv3_lock(p);
        p->cpu->rd_ctlr = value & (CTLR_DPG0 | CTLR_DPG1);
        changed(p);
    }
}

static uint64_t typer_read(Device *d, const RegAccess *a) {
    enum { DPGS = 1 << 5, LAST = 1 << 4 };
    const Gicv3Port *p = port_of(d, a);
    return p ? (uint64_t)p->affinity << 32 | p->index << 8 | DPGS | (p->index == p->gic->cpus - 1 ? LAST : 0) : 0;
}

static uint64_t waker_read(Device *d, const RegAccess *a) {
    const Gicv3Port *p = port_of(d, a);
    return p && p->cpu->sleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
}
static void waker_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3Port *p = port_of(d, a);
    if (p) {
        gicv3_lock(p);
        p->cpu->sleep = !!(value & WAKER_SLEEP);
        changed(p);
    }
}

/* -- SGI_base -- */

static uint64_t word_read(Device *d, const RegAccess *a) {
    Gicv3Port *p = port_of(d, a);
    if (!p) {
        return 0;
    }
    gicv3_lock(p);
    uint32_t value = gic_word_read(&p->cpu->own, a->offset - SGI_BASE);
    gicv3_unlock(p);
    return value;
}
static void word_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3Port *p = port_of(d, a);
    if (p) {
        gicv3_lock(p);
        gic_word_write(&p->cpu->own, a->offset - SGI_BASE, (uint32_t)value);
        gicv3_signal(p);
        gicv3_unlock(p);
    }
}

static uint64_t ipriorityr_read(Device *d, const RegAccess *a) {
    const Gicv3Port *p = port_of(d, a);
    return p ? gic_priorities(p->priority + 4 * a->index) : 0;
}
static void ipriorityr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3Port *p = port_of(d, a);
    if (p) {
        gicv3_lock(p);
        gic_set_priorities(p->priority + 4 * a->index, (uint32_t)value, a->mask);
        gicv3_signal(p);
        gicv3_unlock(p);
    }
}

static uint64_t icfgr_read(Device *d, const RegAccess *a) {
    const Gicv3Port *p = port_of(d, a);
    return p ? gic_icfgr(p->cpu->own.edge >> (16 * a->index)) : 0;
}
static void icfgr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3Port *p = port_of(d, a);
    if (p && a->index) { /* SGIs are always edges */
        gicv3_lock(p);
        p->cpu->own.edge = gic_icfgr_edge((uint32_t)value) << 16 | 0xffff;
        gicv3_signal(p);
        gicv3_unlock(p);
    }
}

/* -- the frame -- */

#define WORD(at, name) { SGI_BASE + (at), name, .read = word_read, .written = word_written }

const Reg gicv3_redistributor[GICV3_REDISTRIBUTOR_REGS] = {
    { 0x0000, "GICR_CTLR", .read = ctlr_read, .written = ctlr_written },
    { 0x0004, "GICR_IIDR", .reset = 0x0000043b },
    { 0x0008, "GICR_TYPER", .width = 8, .sizes = 4 | 8, .read = typer_read },
    { 0x0014, "GICR_WAKER", .read = waker_read, .written = waker_written },
    { 0xffd0, "GICR_PIDR4", .reset = 0x44 },
    { 0xffd4, "GICR_PIDR5", .count = 3 },
    PRIMECELL_ID_AT(0xf000, 0x93, 0xb4, 0x3b, 0x00),
    WORD(0x080, "GICR_IGROUPR0"),
    WORD(0x100, "GICR_ISENABLER0"),
    WORD(0x180, "GICR_ICENABLER0"),
    WORD(0x200, "GICR_ISPENDR0"),
    WORD(0x280, "GICR_ICPENDR0"),
    WORD(0x300, "GICR_ISACTIVER0"),
    WORD(0x380, "GICR_ICACTIVER0"),
    { SGI_BASE + 0x400, "GICR_IPRIORITYR", .count = 8, .sizes = 1 | 4, .read = ipriorityr_read,
      .written = ipriorityr_written },
    { SGI_BASE + 0xc00, "GICR_ICFGR", .count = 2, .read = icfgr_read, .written = icfgr_written },
    { SGI_BASE + 0xd00, "GICR_IGRPMODR0", .read = gic_zero, .written = gic_ignored },
    { SGI_BASE + 0xe00, "GICR_NSACR", .read = gic_zero, .written = gic_ignored },
};
