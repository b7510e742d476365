/* SPDX-License-Identifier: MIT */
/*
 * gic.h - what the versions of the Arm generic interrupt controller have in common.
 * Spec: Arm IHI 0048B and IHI 0069.
 */
#ifndef DEVICES_GIC_H
#define DEVICES_GIC_H

#include "devices/device.h"

enum {
    GIC_SGIS = 16,
    GIC_PRIORITY_MASK = 0xf8, /* 32 levels */
    GIC_PRIORITY_SHIFT = 3,   /* priority to bit of an active-priorities register */
    GIC_PRIORITY_IDLE = 0x100,
    GIC_MIN_BPR = 2,          /* binary points: group priority is at most bits 7:3 */
    GIC_MIN_BPR1 = 3,
    GIC_ID_SPURIOUS = 1023,
};

/* What a word of ICFGR reads as, given the edge bits of its 16 interrupts, and the other way round. */
uint32_t gic_icfgr(uint32_t edge);
uint32_t gic_icfgr_edge(uint32_t icfgr);
/* Four priorities as a word of IPRIORITYR; and those that mask selects from such a word. */
uint32_t gic_priorities(const uint8_t *four);
void gic_set_priorities(uint8_t *four, uint32_t value, uint64_t mask);

/* A register that is RAZ/WI. */
uint64_t gic_zero(Device *d, const RegAccess *a);
void gic_ignored(Device *d, const RegAccess *a, uint64_t value);

/* The bits of a priority that decide about preemption, for a binary point of group 0's kind plus one, or group 1's. */
static inline uint32_t gic_group_mask(uint32_t point) {
    return 0xffu << (point & 15) & 0xff;
}
/* The running priority, given the active priorities: bit n for n << GIC_PRIORITY_SHIFT. */
static inline unsigned gic_running(uint32_t active) {
    return active ? (unsigned)__builtin_ctz(active) << GIC_PRIORITY_SHIFT : GIC_PRIORITY_IDLE;
}
/* A binary point as written by somebody. */
static inline uint32_t gic_bpr(uint64_t value, uint32_t min) {
    value &= 7;
    return value < min ? min : (uint32_t)value;
}

/* Begins and fills the controller's node up to `reg`, which names its two banks; the caller adds and ends. */
void gic_fdt_begin(Device *d, void *fdt, const DeviceFdt *at, const char *compatible);

#endif
