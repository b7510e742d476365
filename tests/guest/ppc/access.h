/* SPDX-License-Identifier: MIT */
/*
 * access.h - for programs about translation: accesses, and what is expected of those that are interrupted.
 */
#ifndef TESTS_GUEST_PPC_ACCESS_H
#define TESTS_GUEST_PPC_ACCESS_H

#include "guest.h"

static void set_msr(uint64_t bits, bool on) {
    uint64_t v = on ? mfmsr() | bits : mfmsr() & ~bits;
    __asm__ volatile("mtmsrd %0; isync" : : "r"(v) : "memory");
}

static uint64_t load(uint64_t va) {
    return *(volatile uint64_t *)va;
}

static void store(uint64_t va, uint64_t v) {
    *(volatile uint64_t *)va = v;
}

static void faults(uint64_t count, unsigned vector, uint64_t dar, uint64_t dsisr, int line) {
    guest_equal(trap.count - count, 1, __FILE__, line, "interrupts");
    guest_equal(trap.vector, vector, __FILE__, line, "vector");
    guest_equal(trap.dar, dar, __FILE__, line, "DAR");
    if (vector == 0x300) {
        guest_equal(trap.dsisr, dsisr, __FILE__, line, "DSISR");
    }
}
#define FAULTS(access, vector, dar, dsisr)                                                                             \
    do {                                                                                                               \
        uint64_t before_ = trap.count;                                                                                 \
        access;                                                                                                        \
        faults(before_, vector, dar, dsisr, __LINE__);                                                                 \
    } while (0)

#endif
