/* SPDX-License-Identifier: MIT */
/*
 * facility.c - transactions, what is the hypervisor's, tracing, doorbells, atomic memory operations, strings.
 */
#include "guest.h"

void guest_main(void);

enum { MSR_EE = 1 << 15, MSR_SE = 1 << 10, MSR_BE = 1 << 9, PRIVILEGED = 1 << 18, WHY = 0x783f0000 };

static void set_msr(uint64_t bits, bool on) {
    uint64_t v = on ? mfmsr() | bits : mfmsr() & ~bits;
    __asm__ volatile("mtmsrd %0; isync" : : "r"(v) : "memory");
}

/* Unavailable, and FSCR says why. */
#define LACKS(which, insn)                                                                                             \
    do {                                                                                                               \
        TRAPS(0xf60, insn);                                                                                            \
        EQUAL(MFSPR(153) >> 56, which);                                                                                    \
    } while (0)
#define HYPERVISOR(insn)                                                                                               \
    do {                                                                                                               \
        TRAPS(0x700, insn);                                                                                            \
        EQUAL(trap.srr1 & WHY, PRIVILEGED);                                                                            \
    } while (0)

static void transactions(void) {
    LACKS(5, ".long 0x7c00051d"); /* tbegin. */
    LACKS(5, ".long 0x7c00055d"); /* tend. */
    LACKS(5, ".long 0x7c00059c"); /* tcheck */
    LACKS(5, ".long 0x7c0005dd"); /* tsr. */
    LACKS(5, ".long 0x7c00071d"); /* tabort. */
    LACKS(5, ".long 0x7c00061d"); /* tabortwc. */
    LACKS(5, ".long 0x7c00065d"); /* tabortdc. */
    LACKS(5, ".long 0x7c00069d"); /* tabortwci. */
    LACKS(5, ".long 0x7c0006dd"); /* tabortdci. */
    LACKS(5, ".long 0x7c00075d"); /* treclaim. */
    LACKS(5, ".long 0x7c0007dd"); /* trechkpt. */
    LACKS(5, "mfspr 3, 128");
    LACKS(5, "mtspr 131, 3");
}

static void hypervisor(void) {
    HYPERVISOR(".long 0x7c00019c"); /* msgsnd r0 */
    HYPERVISOR(".long 0x7c0001dc"); /* msgclr r0 */
    HYPERVISOR(".long 0x7c6006aa"); /* lbzcix r3, 0, r0 */
    HYPERVISOR(".long 0x7c60066a");
    HYPERVISOR(".long 0x7c60062a");
    HYPERVISOR(".long 0x7c6006ea");
    HYPERVISOR(".long 0x7c6007aa"); /* stbcix */
    HYPERVISOR(".long 0x7c60076a");
    HYPERVISOR(".long 0x7c60072a");
    HYPERVISOR(".long 0x7c6007ea");
    HYPERVISOR("mfspr 3, 318");
    HYPERVISOR("mtspr 304, 3");
#ifndef POWER8
    HYPERVISOR(".long 0x4c0002e4"); /* stop */
    HYPERVISOR(".long 0x7c0006ec"); /* msgsync */
#endif
}

static void traces(void) {
    uint64_t before = trap.count, after;
    __asm__ volatile("mtmsrd %1; nop; nop; b 1f; nop; 1: nop; mtmsrd %2" : : "r"(0), "r"(mfmsr() | MSR_SE), "r"(mfmsr()));
    after = trap.count;
    EQUAL(after - before, 4);
    EQUAL(trap.vector, 0xd00);
    before = trap.count;
    __asm__ volatile("mtmsrd %1; nop; nop; b 1f; nop; 1: nop; mtmsrd %2" : : "r"(0), "r"(mfmsr() | MSR_BE), "r"(mfmsr()));
    EQUAL(trap.count - before, 1);
}

static __attribute__((noinline)) void doorbell(bool send, uint64_t rb) {
    register uint64_t r3 __asm__("r3") = rb;
    if (send) {
        __asm__ volatile(".long 0x7c00191c; isync" : : "r"(r3) : "memory"); /* msgsndp r3 */
    } else {
        __asm__ volatile(".long 0x7c00195c" : : "r"(r3) : "memory"); /* msgclrp r3 */
    }
}

static void doorbells(void) {
    enum { DIRECTED = 5 << 27 };
    uint64_t before = trap.count;
    doorbell(true, 0);
    doorbell(true, DIRECTED | 1); /* there is no such thread */
    doorbell(true, DIRECTED);
    doorbell(false, DIRECTED);
    set_msr(MSR_EE, true);
    EQUAL(trap.count, before);
    doorbell(true, DIRECTED);
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0xa00);
    set_msr(MSR_EE, false);
    doorbell(true, DIRECTED);
    EQUAL(trap.count - before, 1);
    set_msr(MSR_EE, true);
    set_msr(MSR_EE, false);
    EQUAL(trap.count - before, 2);
}

/* H_SET_MODE: a watchpoint on one doubleword, a breakpoint. */
static void points(void) {
    enum { CIABR = 1, DAWR, SUPERVISOR = 2, WTI = 8, READS = 32, WRITES = 64, H_P3 = -56, H_P4 = -57 };
    static volatile uint64_t words[4];
    uint64_t at = (uint64_t)(uintptr_t)&words[1], before = trap.count;
    words[1] = 5;
    EQUAL(hypercall(H_SET_MODE, 0, DAWR, at, 4), H_P4);
    EQUAL(hypercall(H_SET_MODE, 0, DAWR, at, SUPERVISOR | WTI | WRITES), 0);
    EQUAL(words[1], 5);
    words[0] = words[2] = 7;
    EQUAL(trap.count, before);
    words[1] = 6;
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x300);
    EQUAL(trap.dar, at);
    EQUAL(trap.dsisr, 1 << 22 | 1 << 25);
    EQUAL(words[1], 5); /* not done */
    EQUAL(hypercall(H_SET_MODE, 0, DAWR, at, WTI | READS | WRITES), 0); /* of nobody */
    words[1] = 6;
    EQUAL(words[1], 6);
    EQUAL(hypercall(H_SET_MODE, 0, DAWR, 0, 0), 0);
    EQUAL(hypercall(H_SET_MODE, 0, CIABR, 3, 0), H_P3);
    before = trap.count;
    EQUAL(hypercall(H_SET_MODE, 0, CIABR, (uint64_t)(uintptr_t)written | 1, 0), 0);
    ((void (*)(void))(uintptr_t)written)();
    EQUAL(trap.count, before);
    EQUAL(hypercall(H_SET_MODE, 0, CIABR, (uint64_t)(uintptr_t)written | 2, 0), 0);
    ((void (*)(void))(uintptr_t)written)();
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0xd00);
    EQUAL(hypercall(H_SET_MODE, 0, CIABR, 0, 0), 0);
}

#ifndef POWER8
static uint64_t cells[16] __attribute__((aligned(128)));

/* rt = r4, operands r5, r6; address r7 */
#define AMO(base, fc, a, b)                                                                                            \
    ({                                                                                                                 \
        register uint64_t r4_ __asm__("r4") = 7, r5_ __asm__("r5") = (a), r6_ __asm__("r6") = (b);                     \
        register uint64_t r7_ __asm__("r7") = (uint64_t)(uintptr_t)&cells[1];                                          \
        __asm__ volatile(".long %4 | %5 << 11" : "+r"(r4_) : "r"(r5_), "r"(r6_), "r"(r7_), "i"(base), "i"(fc) : "memory");\
        r4_;                                                                                                           \
    })
enum { LDAT = 0x7c8704cc, LWAT = 0x7c87048c, STDAT = 0x7c8705cc, STWAT = 0x7c87058c };
#define LOAD_OP(fc, was, a, b, is)                                                                                     \
    do {                                                                                                               \
        cells[1] = (was);                                                                                              \
        EQUAL(AMO(LDAT, fc, a, b), was);                                                                               \
        EQUAL(cells[1], is);                                                                                           \
        *(uint32_t *)&cells[1] = (uint32_t)(was);                                                                      \
        EQUAL(AMO(LWAT, fc, a, b), (uint32_t)(was));                                                                   \
        EQUAL(*(uint32_t *)&cells[1], (uint32_t)(is));                                                                 \
    } while (0)

static void memory_operations(void) {
    const uint64_t minus = ~UINT64_C(0);
    LOAD_OP(0, 5, 6, 0, 11);
    LOAD_OP(1, 5, 6, 0, 3);
    LOAD_OP(2, 5, 6, 0, 7);
    LOAD_OP(3, 5, 6, 0, 4);
    LOAD_OP(4, 5, minus, 0, minus);
    LOAD_OP(5, 5, minus, 0, 5);
    LOAD_OP(6, 5, minus, 0, 5);
    LOAD_OP(7, 5, minus, 0, minus);
    LOAD_OP(8, 5, 6, 0, 6);
    LOAD_OP(16, 5, 6, 9, 9);
    LOAD_OP(16, 5, 5, 9, 5);
    cells[2] = 8;
    cells[1] = 5;
    EQUAL(AMO(LDAT, 24, 0, 0), 5);
    EQUAL(cells[1], 6);
    EQUAL(AMO(LDAT, 25, 0, 0), UINT64_C(1) << 63);
    EQUAL(cells[1], 6);
    cells[0] = 6;
    EQUAL(AMO(LDAT, 28, 0, 0), UINT64_C(1) << 63);
    cells[0] = 4;
    EQUAL(AMO(LDAT, 28, 0, 0), 6);
    EQUAL(cells[1], 5);
    cells[1] = 5;
    AMO(STDAT, 0, 0, 0); /* RS is r4: 7 */
    EQUAL(cells[1], 12);
    *(uint32_t *)&cells[1] = 5;
    AMO(STWAT, 2, 0, 0);
    EQUAL(*(uint32_t *)&cells[1], 7);
    cells[1] = cells[2] = 3;
    AMO(STDAT, 24, 0, 0);
    EQUAL(cells[1] + cells[2], 14);
    uint64_t before = trap.count;
    AMO(LDAT, 9, 0, 0);
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x300);
    EQUAL(trap.dsisr, 4);
    EQUAL(trap.dar, (uint64_t)(uintptr_t)&cells[1]);
}

static void copies(void) {
    uint64_t cr, before = trap.count;
    register uint64_t at __asm__("r3") = (uint64_t)(uintptr_t)cells;
    __asm__ volatile(".long 0x7c20060c | 3 << 11; .long 0x7c20070d | 3 << 11; mfcr %0; .long 0x7c00068c" /* copy, paste., cpabort */
                     : "=r"(cr) : "r"(at) : "cr0", "memory");
    EQUAL(cr >> 29, 0);
    EQUAL(trap.count, before);
    at += 8;
    TRAPS(0x600, ".long 0x7c20060c | 3 << 11");
}
#endif

/* Five bytes of two registers. */
static __attribute__((noinline)) void store_string(uint64_t first, uint64_t second, uint8_t *to) {
    register uint64_t a __asm__("r5") = first, b __asm__("r6") = second;
    register uint64_t at __asm__("r7") = (uint64_t)(uintptr_t)to, n __asm__("r8") = 5, none __asm__("r9") = 0;
    __asm__ volatile("mtxer %3; .long 0x7ca03d2a; mtxer %4" /* stswx r5, 0, r7 */
                     : : "r"(a), "r"(b), "r"(at), "r"(n), "r"(none) : "memory");
}

/* Big-endian order only. */
static void strings(void) {
    static const uint8_t from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static uint8_t to[8];
    register uint64_t a __asm__("r5") = 0, b __asm__("r6") = 0;
    register uint64_t at __asm__("r7") = (uint64_t)(uintptr_t)from, n __asm__("r8") = 6, none __asm__("r9") = 0;
    uint64_t before = trap.count;
    __asm__ volatile("mtxer %3; .long 0x7ca03c2a; mtxer %4" /* lswx r5, 0, r7 */
                     : "+r"(a), "+r"(b) : "r"(at), "r"(n), "r"(none) : "memory");
    if (big64(1) != 1) {
        EQUAL(trap.count - before, 1);
        EQUAL(trap.vector, 0x600);
        TRAPS(0x600, ".long 0x7ca03d2a");
        return;
    }
    uint64_t first = a, second = b;
    EQUAL(first, 0x01020304);
    EQUAL(second, 0x05060000);
    store_string(first, second, to);
    EQUAL(to[0] | to[3] << 8 | to[4] << 16 | to[5] << 24, 1 | 4 << 8 | 5 << 16);
}

void guest_main(void) {
    EQUAL(hypercall(H_SET_MODE, big64(1) != 1, 4, 0, 0), 0);
    transactions();
    hypervisor();
    traces();
    doorbells();
    points();
    strings();
#ifndef POWER8
    memory_operations();
    copies();
#endif
    guest_exit();
}
