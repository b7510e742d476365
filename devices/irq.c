/* SPDX-License-Identifier: MIT */
/*
 * irq.c - interrupt lines; see irq.h.
 */
#include "devices/irq.h"

void irq_change(IrqLine *line, bool level) {
    bool before = atomic_exchange(&line->level, level);
    if (before != level && line->handler) {
        line->handler(line->opaque, line->n, level);
    }
}

void irq_connect(IrqLine *line, IrqHandler *handler, void *opaque, unsigned n) {
    line->handler = handler;
    line->opaque = opaque;
    line->n = n;
    if (handler && irq_level(line)) {
        handler(opaque, n, true);
    }
}
