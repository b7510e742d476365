/* SPDX-License-Identifier: MIT */
/*
 * radix.c - translation by radix tables: processes, permissions, faults, reference and change bits, tlbie, users.
 */
#include "access.h"

void guest_main(void);

#define VALID (UINT64_C(1) << 63)
#define LEAF (UINT64_C(1) << 62)
enum { R = 0x100, C = 0x80, PRIV = 8, READ = 4, WRITE = 2, EXEC = 1, ALL = READ | WRITE | EXEC };
enum { DSISR_NONE = 1 << 30, DSISR_PROTECTION = 1 << 27, DSISR_STORE = 1 << 25, SRR1_NO_EXEC = 1 << 28 };
enum { TOP = 13, BELOW = 9, PAGE = 4096, PROCESSES = 256 };
#define RTS (UINT64_C(2) << 61 | 5 << 5) /* 52 bits: 31 + 21 */

/* Where the pages under test are: in quadrant 0, of process 0 or 1, and in quadrant 3. */
#define USER UINT64_C(0x40001000)
#define KERNEL UINT64_C(0xc000000040001000)

static uint64_t process_table[2 * PROCESSES] __attribute__((aligned(PAGE)));
static uint64_t top[2][1 << TOP] __attribute__((aligned(65536)));
static uint64_t second[2][512], third[2][2][512], fourth[2][512] __attribute__((aligned(PAGE)));
static uint64_t pages[4][PAGE / 8] __attribute__((aligned(PAGE)));

static uint64_t entry(const void *table, unsigned bits) {
    return big64(VALID | (uint64_t)(uintptr_t)table | bits);
}

static uint64_t leaf(const void *page, unsigned rights) {
    return big64(VALID | LEAF | (uint64_t)(uintptr_t)page | rights);
}

/* Tables of two processes: the first 2 MiB as they are, and the 2 MiB from 1 GiB on by pages. */
static void make_tables(void) {
    for (unsigned p = 0; p < 2; p++) {
        top[p][0] = entry(second[p], BELOW);
        second[p][0] = entry(third[p][0], BELOW);
        second[p][1] = entry(third[p][1], BELOW);
        third[p][0][0] = leaf(0, ALL | R | C);
        third[p][1][0] = entry(fourth[p], BELOW);
        process_table[2 * p] = big64(RTS | (uint64_t)(uintptr_t)top[p] | TOP);
    }
}

#define FLUSH(va, pid)                                                                                                 \
    do {                                                                                                               \
        register uint64_t rb_ __asm__("r3") = (va);                                                                    \
        register uint64_t rs_ __asm__("r4") = (uint64_t)(pid) << 32;                                                   \
        __asm__ volatile("ptesync; .long 0x7c000264 | 3 << 11 | 4 << 21 | 3 << 16; eieio; tlbsync; ptesync"            \
                         : : "r"(rb_), "r"(rs_) : "memory");                                                           \
    } while (0)

static void pte(uint64_t *at, uint64_t v) {
    *at = v;
    __asm__ volatile("ptesync" ::: "memory");
}

static void pages_and_rights(void) {
    pages[0][0] = 11;
    pages[1][0] = 22;
    pte(&fourth[0][1], leaf(pages[0], READ | WRITE | PRIV));
    EQUAL(load(USER), 11);
    EQUAL(load(KERNEL), 11); /* process 0 is the kernel too */
    EQUAL(big64(fourth[0][1]) & (R | C), R);
    store(USER + 8, 5);
    EQUAL(pages[0][1], 5);
    EQUAL(big64(fourth[0][1]) & (R | C), R | C);
    pte(&fourth[0][1], leaf(pages[1], READ | PRIV));
    FLUSH(USER, 0);
    EQUAL(load(USER), 22);
    FAULTS(store(USER, 1), 0x300, USER, DSISR_PROTECTION | DSISR_STORE);
    EQUAL(pages[1][0], 22);
    FAULTS(load(USER + PAGE), 0x300, USER + PAGE, DSISR_NONE);
    FAULTS(store(USER + PAGE, 1), 0x300, USER + PAGE, DSISR_NONE | DSISR_STORE);
    FAULTS(load(UINT64_C(0x4000000000000000)), 0x380, UINT64_C(0x4000000000000000), 0);
    FAULTS(load(UINT64_C(1) << 52), 0x380, UINT64_C(1) << 52, 0);
    uint64_t before = trap.count;
    ((void (*)(void))(uintptr_t)USER)();
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x400);
    EQUAL(trap.srr0, USER);
    EQUAL(trap.srr1 & 0x783f0000, SRR1_NO_EXEC);
}

static void processes(void) {
    pages[2][0] = 33;
    pages[3][0] = 44;
    pte(&fourth[0][2], leaf(pages[2], READ | WRITE));
    pte(&fourth[1][2], leaf(pages[3], READ | WRITE));
    EQUAL(load(USER + PAGE), 33);
    for (unsigned i = 0; i < 3; i++) {
        MTSPR(48, 1);
        __asm__ volatile("isync" ::: "memory");
        EQUAL(MFSPR(48), 1);
        EQUAL(load(USER + PAGE), 44);
        EQUAL(load(KERNEL + PAGE), 33);
        MTSPR(48, 0);
        __asm__ volatile("isync" ::: "memory");
        EQUAL(load(USER + PAGE), 33);
    }
    pte(&fourth[1][2], leaf(pages[2], READ | WRITE));
    FLUSH(USER + PAGE, 1);
    MTSPR(48, 1);
    EQUAL(load(USER + PAGE), 33);
    MTSPR(48, 0);
}

/* A user may neither reach privileged pages nor use privileged insns. */
static void users(void) {
    pte(&fourth[0][1], leaf(pages[1], READ | PRIV));
    FLUSH(USER, 0);
    set_msr(MSR_PR, true);
    uint64_t before = trap.count;
    EQUAL(load(USER + PAGE), 33); /* its own */
    EQUAL(trap.count, before);
    FAULTS(load(USER), 0x300, USER, DSISR_PROTECTION);
    TRAPS(0x700, "mtmsrd 3");
    EQUAL(trap.srr1 & 0x783f0000, 1 << 18);
    TRAPS(0x700, "mfspr 3, 26");
    EQUAL(trap.srr1 & 0x783f0000, 1 << 18);
    TRAPS(0x700, "mfspr 3, 1001");
    EQUAL(trap.srr1 & 0x783f0000, 1 << 19);
    TRAPS(0xc00, "sc"); /* and the supervisor goes on */
    set_msr(MSR_PR, false);
}

/* Key 0 keeps the supervisor from pages of users, and from no others. */
static void keys(void) {
    uint64_t at = USER + PAGE;
    pte(&third[0][0][0], leaf(0, ALL | R | C | PRIV)); /* the program itself */
    FLUSH(0xc00, 0); /* all */
    MTSPR(29, UINT64_C(3) << 62);
    __asm__ volatile("isync");
    FAULTS(load(at), 0x300, at, DSISR_PROTECTION);
    FAULTS(store(at, 1), 0x300, at, DSISR_PROTECTION | DSISR_STORE);
    EQUAL(load(USER), 22);
    MTSPR(29, UINT64_C(2) << 62);
    __asm__ volatile("isync");
    EQUAL(load(at), 33);
    FAULTS(store(at, 1), 0x300, at, DSISR_PROTECTION | DSISR_STORE);
    MTSPR(29, 0);
    __asm__ volatile("isync");
    store(at + 8, 35);
    EQUAL(pages[2][1], 35);
    MTSPR(61, UINT64_C(1) << 62);
    pages[0][0] = 0;
    pte(&fourth[0][1], leaf(pages[0], ALL));
    FLUSH(USER, 0);
    uint64_t before = trap.count;
    ((void (*)(void))(uintptr_t)USER)();
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x400);
    EQUAL(trap.srr1 & 0x783f0000, DSISR_PROTECTION);
    MTSPR(61, 0);
}

/* translation on, the tests, and off again; tlbsync, slbia, tlbie and tlbiel by the way */
void guest_main(void) {
    make_tables();
    EQUAL(hypercall(H_REGISTER_PROC_TBL, 0x18, (uint64_t)(uintptr_t)process_table, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_REGISTER_PROC_TBL, 0x1d, (uint64_t)(uintptr_t)process_table, 0, 0), 0);
    EQUAL(hypercall(H_SET_MODE, big64(1) != 1, 4, 0, 0), 0);
    set_msr(MSR_IR | MSR_DR, true);
    pages_and_rights();
    processes();
    users();
    keys();
    __asm__ volatile("slbia; isync");
    set_msr(MSR_IR | MSR_DR, false);
    guest_exit();
}
