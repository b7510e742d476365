/* SPDX-License-Identifier: MIT */
/*
 * debug.c - software step, breakpoints, watchpoints.
 */
#include "guest.h"

int guest_main(void);

enum { SS = 1, KDE = 1 << 13, MDE = 1 << 15, SPSR_SS = 1 << 21, BAS = 0xf << 5, EL1 = 1 << 1, EL0 = 2 << 1 };

CODE(walk, "mov x1, #1\n add x1, x1, #2\n cbz xzr, 1f\n nop\n 1: ldr x2, [x0]\n svc #4\n nop\n");
CODE(walk_el1, "msr daifclr, #8\n mov x1, #1\n mov x1, #2\n msr daifset, #8" RET);
CODE(load_0, "ldr x1, [x0]" DONE);
CODE(store_0, "str x1, [x0]" DONE);
CODE(store_byte, "strb w1, [x0]" DONE);
CODE(load_pair, "ldp q0, q1, [x0]" DONE);
CODE(load_el1, "msr daifclr, #8\n isb\n ldr x1, [x0]\n msr daifset, #8" RET);
CODE(zva_0, "dc zva, x0" DONE);
CODE(atomic_0, "0: ldxr x1, [x0]\n add x1, x1, #1\n stxr w2, x1, [x0]\n cbnz w2, 0b" DONE);

static void step(void) {
    const uint64_t data = (uint64_t)user_stack_top - 128;
    static const uint8_t next[] = {4, 8, 16, 20};
    MSR(mdscr_el1, SS);
    uint64_t at = (uint64_t)walk, x1 = 0;
    for (unsigned i = 0; i < 4; i++) {
        run_with(0x1c0 | SPSR_SS, (const void *)at, data, x1);
        TRAPPED(SYNC_EL0, EC_STEP, 1 << 24 | 0x22);
        EQUAL(trap.elr, (uint64_t)walk + next[i]);
        EQUAL(trap.spsr & SPSR_SS, 0);
        at = trap.elr;
        x1 = trap.x[1];
    }
    EQUAL(x1, 3);
    run_with(0x1c0 | SPSR_SS, (const void *)at, data, 0); /* the SVC: its own exception, with SS clear or set */
    TRAPPED(SYNC_EL0, EC_SVC, 4);
    EQUAL(trap.elr, (uint64_t)walk + 24);
    run_with(0x1c0, walk, data, 0); /* pending at once: nothing runs */
    CHECK(trap.esr >> 26 == EC_STEP);
    EQUAL(trap.elr, (uint64_t)walk);
    run_with(0x1c0 | SPSR_SS, &walk[4], 8, 0); /* the stepped insn faults: it comes back with SS set */
    CHECK(trap.esr >> 26 == EC_DABT);
    EQUAL(trap.spsr & SPSR_SS, SPSR_SS);
    MSR(mdscr_el1, SS | KDE);
    run_with(0x1c5 | SPSR_SS, walk, data, 0); /* at EL1, unmasked */
    TRAPPED(SYNC_SPX, EC_STEP + 1, 1 << 24 | 0x22);
    EQUAL(trap.elr, (uint64_t)walk + 4);
    run_with(0x3c5 | SPSR_SS, walk, data, 0); /* masked: runs on */
    TRAPPED(SYNC_SPX, EC_SVC, 4);
    run_el1(walk_el1, 0, 0, 0); /* unmasked on the way: the next insn is in front of the step */
    CHECK(trap.esr >> 26 == EC_STEP + 1);
    EQUAL(trap.elr, (uint64_t)walk_el1 + 4);
    MSR(mdscr_el1, 0);
}

static void breakpoints(void) {
    const uint64_t data = (uint64_t)user_stack_top - 128;
    MSR(dbgbvr0_el1, (uint64_t)walk + 4);
    MSR(dbgbcr0_el1, 1 | BAS | EL0);
    MSR(mdscr_el1, MDE | KDE);
    run_el0(walk, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_BREAK, 0x22);
    EQUAL(trap.elr, (uint64_t)walk + 4);
    EQUAL(trap.x[1], 1);
    run_with(0x1c5, walk, data, 0); /* EL0 only */
    TRAPPED(SYNC_SPX, EC_SVC, 4);
    MSR(dbgbcr0_el1, 1 | BAS | EL1);
    run_with(0x1c5, walk, data, 0);
    TRAPPED(SYNC_SPX, EC_BREAK + 1, 0x22);
    run_with(0x3c5, walk, data, 0); /* masked */
    TRAPPED(SYNC_SPX, EC_SVC, 4);
    MSR(dbgbvr1_el1, 0x1234);
    MSR(dbgbcr1_el1, 1 | BAS | EL0 | 3 << 20);
    MSR(dbgbcr0_el1, 1 | BAS | EL0 | 1 << 20 | 1 << 16); /* linked to a context */
    MSR(contextidr_el1, 0x1235);
    run_el0(walk, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_SVC, 4);
    MSR(contextidr_el1, 0x1234);
    run_el0(walk, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_BREAK, 0x22);
    MSR(dbgbcr1_el1, 0);
    MSR(dbgbcr0_el1, 0);
    run_el0(walk, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_SVC, 4);
    MSR(mdscr_el1, 0);
}

static void watchpoints(void) {
    enum { LOAD = 1 << 3, STORE = 2 << 3 };
    const uint64_t data = (uint64_t)user_stack_top - 256;
    write64(data, 7);
    run_el0(load_0, data, 0, 0); /* the page is in the TLB before it is watched */
    FINISHED_EL0();
    MSR(dbgwvr0_el1, data);
    MSR(dbgwcr0_el1, 1 | EL0 | STORE | 0xff << 5);
    MSR(mdscr_el1, MDE | KDE);
    run_el0(load_0, data, 0, 0);
    FINISHED_EL0();
    run_el0(store_0, data, 9, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22 | WNR);
    EQUAL(trap.far, data);
    EQUAL(trap.elr, (uint64_t)store_0);
    EQUAL(read64(data), 7);
    run_el0(store_0, data + 8, 9, 0);
    FINISHED_EL0();
    run_el0(store_0, data - 4, 9, 0); /* overlaps */
    CHECK(trap.esr == ESR(EC_WATCH, 0x22 | WNR));
    CHECK(trap.far >= data - 4 && trap.far < data + 8);
    run_el0(atomic_0, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22 | WNR);
    MSR(sctlr_el1, MRS(sctlr_el1) | 1 << 14);
    run_el0(zva_0, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22 | WNR);
    MSR(dbgwcr0_el1, 1 | EL0 | LOAD | 0x20 << 5); /* one byte, loads */
    run_el0(load_0, data, 0, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22);
    run_el0(load_pair, data - 16, 0, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22);
    run_el0(store_byte, data + 5, 1, 0);
    FINISHED_EL0();
    run_el0(load_0, data - 3, 0, 0);
    FINISHED_EL0();
    MSR(dbgwcr0_el1, 1 | EL1 | LOAD | 0xff << 5);
    run_el0(load_0, data, 0, 0);
    FINISHED_EL0();
    run_el1(load_el1, data, 0, 0);
    TRAPPED(SYNC_SPX, EC_WATCH + 1, 0x22);
    MSR(dbgwvr0_el1, data & ~UINT64_C(0xff)); /* 256 bytes by MASK */
    MSR(dbgwcr0_el1, UINT64_C(1) | EL0 | LOAD | 0xff << 5 | 8 << 24);
    run_el0(load_0, (data & ~UINT64_C(0xff)) + 0xf8, 0, 0);
    TRAPPED(SYNC_EL0, EC_WATCH, 0x22);
    run_el0(load_0, (data & ~UINT64_C(0xff)) - 8, 0, 0);
    FINISHED_EL0();
    MSR(dbgwcr0_el1, 0);
    MSR(mdscr_el1, 0);
    run_el0(load_0, data, 0, 0);
    FINISHED_EL0();
}

int guest_main(void) {
    mmu_on();
    MSR(cpacr_el1, 3 << 20);
    MSR(oslar_el1, 0);
    step();
    breakpoints();
    watchpoints();
    guest_exit();
}
