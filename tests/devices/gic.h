/* SPDX-License-Identifier: MIT */
/*
 * gic.h - for tests of interrupt controllers: what both versions have in the same places, and their wires.
 */
#ifndef TESTS_DEVICES_GIC_H
#define TESTS_DEVICES_GIC_H

#include "tests/devices/poke.h"

enum {
    CTLR = 0x000, TYPER = 0x004, IGROUPR = 0x080, ISENABLER = 0x100, ICENABLER = 0x180, ISPENDR = 0x200,
    ICPENDR = 0x280, ISACTIVER = 0x300, ICACTIVER = 0x380, IPRIORITYR = 0x400, ICFGR = 0xc00,
    SPURIOUS = 1023,
};

static inline bool irq(Poke *p, unsigned cpu) {
    return poke_irq(p, GIC_OUT_IRQ(cpu));
}
static inline bool fiq(Poke *p, unsigned cpu) {
    return poke_irq(p, GIC_OUT_FIQ(cpu));
}
static inline void line(Poke *p, unsigned id, bool level) {
    device_input(p->d, id, level);
}
static inline void priority(Poke *p, unsigned id, uint8_t value) {
    poke_at(p, POKE_BASE + IPRIORITYR + id, 1, 0, value);
}

#endif
