/* SPDX-License-Identifier: MIT */
/*
 * gicv3.h - for tests of the GICv3: offsets, and the CPU interface's registers by name.
 */
#ifndef TESTS_DEVICES_GICV3_H
#define TESTS_DEVICES_GICV3_H

#include "tests/devices/gic.h"

enum {
    IROUTER = 0x6000,
    FRAME = 0x20000, WAKER = 0x14, SGI_BASE = 0x10000, /* of redistributors */
    GRP0 = 1, GRP1 = 2,
};
#define IRM (UINT64_C(1) << 31)

static const GicCpuReg *icc_row(const char *name) {
    for (const GicCpuReg *r = gicv3_cpu_regs; r->name; r++) {
        if (strncmp(r->name, "ICC_", 4) == 0 && strncmp(r->name + 4, name, strlen(name)) == 0 &&
            strcmp(r->name + 4 + strlen(name), "_EL1") == 0) {
            return r;
        }
    }
    ck_abort_msg("no ICC_%s_EL1", name);
    return NULL;
}
static inline uint32_t icc(Poke *p, unsigned cpu, const char *name) {
    const GicCpuReg *r = icc_row(name);
    ck_assert(r->read != NULL);
    return (uint32_t)r->read(gicv3_cpu(p->d, cpu), r->arg);
}
static inline void icc_set(Poke *p, unsigned cpu, const char *name, uint64_t value) {
    const GicCpuReg *r = icc_row(name);
    ck_assert(r->write != NULL);
    r->write(gicv3_cpu(p->d, cpu), r->arg, value);
}
static inline uint32_t dist(Poke *p, uint32_t offset) {
    return (uint32_t)peek_at(p, POKE_BASE + offset, 4, 0);
}
static inline void dist_set(Poke *p, uint32_t offset, uint32_t value) {
    poke_at(p, POKE_BASE + offset, 4, 0, value);
}
/* A redistributor, whoever accesses it. */
static inline uint64_t redist_at(unsigned cpu, uint32_t offset) {
    return POKE_BASE + POKE_BANK + cpu * (uint64_t)FRAME + offset;
}
static inline uint32_t redist(Poke *p, unsigned cpu, uint32_t offset) {
    return (uint32_t)peek_at(p, redist_at(cpu, offset), 4, 0);
}
static inline void redist_set(Poke *p, unsigned cpu, uint32_t offset, uint32_t value) {
    poke_at(p, redist_at(cpu, offset), 4, 0, value);
}
static inline uint32_t own(Poke *p, unsigned cpu, uint32_t offset) {
    return redist(p, cpu, SGI_BASE + offset);
}
static inline void own_set(Poke *p, unsigned cpu, uint32_t offset, uint32_t value) {
    redist_set(p, cpu, SGI_BASE + offset, value);
}
static inline void route(Poke *p, unsigned id, uint64_t value) {
    poke_at(p, POKE_BASE + IROUTER + 8 * id, 8, 0, value);
}

/* Everything on and of group 1, all SPIs to CPU 0 with priority 0xa0, as an operating system does it. */
static inline void gic_new(Poke *p, unsigned cpus) {
    poke_new(p, &device_gicv3, &(GicConfig){ .cpus = cpus });
    dist_set(p, CTLR, GRP0 | GRP1);
    for (unsigned i = 32; i < 288; i++) {
        priority(p, i, 0xa0);
    }
    for (unsigned i = 32; i < 288; i += 32) {
        dist_set(p, IGROUPR + i / 8, 0xffffffff);
        dist_set(p, ISENABLER + i / 8, 0xffffffff);
    }
    for (unsigned c = 0; c < cpus; c++) {
        redist_set(p, c, WAKER, 0);
        own_set(p, c, IGROUPR, 0xffffffff);
        own_set(p, c, ISENABLER, 0xffffffff);
        for (unsigned i = 0; i < 32; i += 4) {
            own_set(p, c, IPRIORITYR + i, 0xa0a0a0a0);
        }
        icc_set(p, c, "PMR", 0xf0);
        icc_set(p, c, "IGRPEN0", 1);
        icc_set(p, c, "IGRPEN1", 1);
    }
}

#endif
