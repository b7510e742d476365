/* SPDX-License-Identifier: MIT */
/*
 * irq.h - interrupt lines: levels between an output of one device and an input of another or of a CPU.
 *
 * Locking: a line has one driver, which sets it under its own lock, so that changes reach the other end in order.
 * The other end may take its lock (the interrupt controller's is a leaf: its outputs only wake CPUs).
 */
#ifndef DEVICES_IRQ_H
#define DEVICES_IRQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef void IrqHandler(void *opaque, unsigned n, bool level);

typedef struct IrqLine {
    IrqHandler *handler; /* NULL: not connected */
    void *opaque;
    unsigned n;          /* the receiver's number for the line */
    _Atomic bool level;
} IrqLine;

/* Connects an output, at set-up; a level that is already high is passed on. */
void irq_connect(IrqLine *line, IrqHandler *handler, void *opaque, unsigned n);
/* Passes a change on; does nothing when the level stays the same. */
void irq_change(IrqLine *line, bool level);

static inline bool irq_level(const IrqLine *line) {
    return atomic_load_explicit(&line->level, memory_order_relaxed);
}
static inline void irq_set(IrqLine *line, bool level) {
    if (irq_level(line) != level) {
        irq_change(line, level);
    }
}

#endif
