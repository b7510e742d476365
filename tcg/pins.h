/* SPDX-License-Identifier: MIT */
/*
 * pins.h - the guest slots that host registers hold in one block, where they are others than everywhere: see pins.c.
 */
#ifndef TCG_PINS_H
#define TCG_PINS_H

#include "ir/host.h"

typedef struct PinMap {
    uint8_t of[IR_PINS_MAX]; /* the register of each slot, or IR_NO_PIN */
    HostPins moved;          /* what differs from the standard */
} PinMap;

/* Chooses pins for a block whose first insn is at page offset `head`. standard: the pins of other blocks, by slot. `always`:
 * every slot that is used more than another one gets its register, whether that pays or not. */
void pins_choose(PinMap *map, const Backend *be, const uint8_t *standard, const IrBlock *ir, int32_t head, bool always);

#endif
