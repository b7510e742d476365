/* SPDX-License-Identifier: MIT */
/*
 * hash.c - translation by segments and a hash table: SLB, hypercalls, page sizes, rights, keys, faults, contexts, users.
 */
#include "access.h"

void guest_main(void);

enum { H_REMOVE = 4, H_ENTER = 8, H_READ = 12, H_CLEAR_MOD = 16, H_CLEAR_REF = 20, H_PROTECT = 24, H_BULK_REMOVE = 0x124 };
enum { H_PTEG_FULL = -6, H_NOT_FOUND = -7 };
#define EXACT (UINT64_C(1) << 39)
#define AVPN (UINT64_C(1) << 31)
#define ANDCOND (UINT64_C(1) << 30)
enum { V = 1, SECONDARY = 2, LARGE = 4, R = 0x100, C = 0x80, M = 0x10, N = 4 };
enum { KS = 0x800, KP = 0x400, NOEXEC = 0x200, SLB_64K = 0x110, SLB_16M = 0x100, SLB_V = 1 << 27 };
enum { DSISR_NONE = 1 << 30, DSISR_PROTECTION = 1 << 27, DSISR_STORE = 1 << 25, DSISR_KEY = 1 << 21, SRR1_NO_EXEC = 1 << 28 };
enum { GROUPS = 1 << 15, PAGE = 4096, CODE_VSID = 0x111 };
/* Where the pages under test are. */
#define USER UINT64_C(0x40000000)
#define KERNEL UINT64_C(0xc000000040000000)

static uint64_t pages[4][65536 / 8] __attribute__((aligned(65536)));

static void slbmte(uint64_t esid, unsigned index, uint64_t vsid) {
    __asm__ volatile("slbmte %0, %1; isync" : : "r"(vsid), "r"((esid & ~UINT64_C(0xfffffff)) | SLB_V | index) : "memory");
}

static void slbie(uint64_t esid) {
    __asm__ volatile("slbie %0; isync" : : "r"(esid & ~UINT64_C(0xfffffff)) : "memory");
}

static void fetch_faults(uint64_t va, unsigned vector, uint64_t srr1, int line) {
    uint64_t before = trap.count;
    ((void (*)(void))(uintptr_t)va)();
    guest_equal(trap.count - before, 1, __FILE__, line, "interrupts");
    guest_equal(trap.vector, vector, __FILE__, line, "vector");
    guest_equal(trap.srr0, va, __FILE__, line, "SRR0");
    guest_equal(trap.srr1 & 0x783f0000, srr1, __FILE__, line, "SRR1");
}

/* A virtual page: in a segment of 2^28 or 2^40 bytes, hashed by pages of 2^base. */
typedef struct Where {
    uint64_t vsid, offset;
    unsigned base, big;
} Where;

static uint64_t group_of(Where w) {
    return (w.vsid ^ (w.big ? w.vsid << 25 : 0) ^ w.offset >> w.base) % GROUPS;
}

static uint64_t first_word(Where w, unsigned flags) {
    return (uint64_t)w.big << 62 | (w.vsid << (w.big ? 17 : 5) | w.offset >> 23) << 7 | flags;
}

/* Gives the index, or a status. */
static uint64_t enter(Where w, unsigned flags, uint64_t second) {
    uint64_t group = flags & SECONDARY ? ~group_of(w) % GROUPS : group_of(w);
    uint64_t status = hypercall(H_ENTER, 0, group * 8, first_word(w, flags | V), second);
    return status ? status : hypercall_results[0];
}

static uint64_t address(const void *at) {
    return (uint64_t)(uintptr_t)at;
}

/* Pages of 64 KiB, which the first 4 MiB are mapped by as they are, for everybody. */
static void map_program(void) {
    for (uint64_t at = 0; at < 4 << 20; at += 1 << 16) {
        CHECK((int64_t)enter((Where){CODE_VSID, at, 16, 0}, LARGE, at | 1 << 12 | M | 2) >= 0);
    }
    slbmte(0, 0, (uint64_t)CODE_VSID << 12 | SLB_64K | KP);
}

static void buffers(void) {
    uint64_t esid, vsid;
    slbmte(USER, 3, UINT64_C(0x222) << 12 | KS | KP);
    __asm__ volatile("slbmfee %0, %2; slbmfev %1, %2" : "=&r"(esid), "=r"(vsid) : "r"(UINT64_C(3)));
    EQUAL(esid, USER | SLB_V);
    EQUAL(vsid, 0x222000 | KS | KP);
    uint64_t found, cr;
    __asm__ volatile("slbfee. %0, %2; mfcr %1" : "=&r"(found), "=r"(cr) : "r"(USER + 0x1234000) : "cr0");
    EQUAL(found, vsid);
    EQUAL(cr >> 28, 2);
    __asm__ volatile("slbfee. %0, %2; mfcr %1" : "=&r"(found), "=r"(cr) : "r"(USER << 1) : "cr0");
    EQUAL(found, 0);
    EQUAL(cr >> 28, 0);
    slbie(USER);
    FAULTS(load(USER + 8), 0x380, USER + 8, 0);
    fetch_faults(USER, 0x480, 0, __LINE__);
}

/* What H_ENTER and the others refuse. */
static void hypercalls(void) {
    Where w = {0x333, 0, 12, 0};
    EQUAL(hypercall(H_ENTER, 0, UINT64_C(8) * GROUPS, first_word(w, V), M), H_PARAMETER);
    EQUAL(hypercall(H_ENTER, 0, 8, first_word(w, V), M | UINT64_C(1) << 50), H_PARAMETER); /* no memory there */
    EQUAL(hypercall(H_ENTER, 0, 8, first_word(w, LARGE | V), M | 5 << 12), H_PARAMETER);    /* no such size */
    EQUAL(hypercall(H_REMOVE, 0, UINT64_C(8) * GROUPS, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_READ, 0, UINT64_C(8) * GROUPS, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_PROTECT, 0, ~UINT64_C(0), 0, 0), H_PARAMETER);
    uint64_t group = group_of(w) * 8;
    for (unsigned i = 0; i < 8; i++) {
        EQUAL(enter(w, 0, address(pages) | M), group + i);
    }
    EQUAL(enter(w, 0, address(pages) | M), H_PTEG_FULL);
    EQUAL(hypercall(H_ENTER, EXACT, group + 2, first_word(w, V), M), H_PTEG_FULL);
    EQUAL(hypercall(H_REMOVE, AVPN, group + 2, first_word(w, 0) + 128, 0), H_NOT_FOUND);
    EQUAL(hypercall(H_REMOVE, ANDCOND, group + 2, V, 0), H_NOT_FOUND);
    EQUAL(hypercall(H_REMOVE, AVPN, group + 2, first_word(w, 0), 0), 0);
    EQUAL(hypercall_results[0], first_word(w, V));
    EQUAL(hypercall_results[1], address(pages) | M);
    EQUAL(hypercall(H_REMOVE, 0, group + 2, 0, 0), H_NOT_FOUND);
    EQUAL(hypercall(H_ENTER, EXACT, group + 2, first_word(w, V), address(pages) | M), 0);
    EQUAL(hypercall_results[0], group + 2);
    for (unsigned i = 0; i < 8; i += 2) {
        uint64_t request = UINT64_C(1) << 62 | (group + i);
        EQUAL(hypercall(H_BULK_REMOVE, request | UINT64_C(2) << 56, first_word(w, 0), UINT64_C(1) << 62 | (group + i + 1), 0), H_PARAMETER);
        EQUAL(hypercall_results[0] >> 60, 8);
        EQUAL(hypercall(H_BULK_REMOVE, request, 0, UINT64_C(3) << 62, 0), 0);
        EQUAL(hypercall_results[0] >> 60, 9);
    }
    EQUAL(hypercall(H_BULK_REMOVE, 5, 0, 0, 0), H_PARAMETER);
}

static uint64_t second_word(uint64_t index) {
    EQUAL(hypercall(H_READ, 0, index, 0, 0), 0);
    return hypercall_results[1];
}

/* Rights of the supervisor without and with Ks, which page protection goes by. */
static void rights(void) {
    Where w = {0x222, 0x3000, 12, 0};
    uint64_t at = USER + w.offset;
    pages[0][0] = 11;
    slbmte(USER, 3, w.vsid << 12);
    FAULTS(load(at), 0x300, at, DSISR_NONE);
    FAULTS(store(at, 0), 0x300, at, DSISR_NONE | DSISR_STORE);
    fetch_faults(at, 0x400, DSISR_NONE, __LINE__);
    uint64_t index = enter(w, 0, address(pages[0]) | M | N);
    EQUAL(load(at), 11);
    EQUAL(second_word(index) & (R | C), R);
    store(at + 8, 12);
    EQUAL(pages[0][1], 12);
    EQUAL(second_word(index) & (R | C), R | C);
    fetch_faults(at, 0x400, SRR1_NO_EXEC, __LINE__);
    EQUAL(hypercall(H_CLEAR_MOD, 0, index, 0, 0), 0);
    EQUAL(second_word(index) & (R | C), R);
    store(at + 8, 13);
    EQUAL(second_word(index) & (R | C), R | C);
    EQUAL(hypercall(H_CLEAR_REF, 0, index, 0, 0), 0);
    EQUAL(second_word(index) & (R | C), C);
    EQUAL(hypercall(H_PROTECT, AVPN | 3, index, first_word(w, 0), 0), 0);
    EQUAL(load(at), 11);
    FAULTS(store(at, 0), 0x300, at, DSISR_PROTECTION | DSISR_STORE);
    EQUAL(second_word(index) & (N | 3), 3);
    EQUAL(hypercall(H_PROTECT, 0, index, 0, 0), 0);
    slbmte(USER, 3, w.vsid << 12 | KS);
    FAULTS(load(at), 0x300, at, DSISR_PROTECTION);
    EQUAL(hypercall(H_PROTECT, 2, index, 0, 0), 0);
    store(at, 14);
    EQUAL(hypercall(H_PROTECT, 1, index, 0, 0), 0);
    EQUAL(load(at), 14);
    FAULTS(store(at, 0), 0x300, at, DSISR_PROTECTION | DSISR_STORE);
    slbmte(USER, 3, w.vsid << 12 | NOEXEC);
    fetch_faults(at, 0x400, SRR1_NO_EXEC, __LINE__);
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    FAULTS(load(at), 0x300, at, DSISR_NONE);
    slbie(USER);
}

/* Past caches neither blocks are cleared nor are accesses misaligned. */
static void uncached(void) {
    enum { I = 0x20, W = 0x40 };
    Where w = {0x222, 0x8000, 12, 0};
    uint64_t at = USER + w.offset, index = enter(w, 0, address(pages[0]) | W | I | M | 2), before = trap.count;
    slbmte(USER, 3, w.vsid << 12);
    store(at, 5);
    EQUAL(load(at), 5);
    EQUAL(trap.count, before);
    FAULTS(__asm__ volatile("dcbz 0, %0" : : "r"(at) : "memory"), 0x600, at, 0);
    FAULTS(load(at + 4), 0x600, at + 4, 0);
    EQUAL(load(at), 5);
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    slbie(USER);
}

static void keys(void) {
    Where w = {0x222, 0x4000, 12, 0};
    uint64_t at = USER + w.offset, index = enter(w, 0, address(pages[0]) | M | 5 << 9 | 2); /* key 5 */
    slbmte(USER, 3, w.vsid << 12);
    EQUAL(load(at), pages[0][0]);
    store(at, 21);
    MTSPR(29, UINT64_C(2) << 52); /* no stores */
    __asm__ volatile("isync");
    EQUAL(load(at), 21);
    FAULTS(store(at, 0), 0x300, at, DSISR_KEY | DSISR_STORE);
    MTSPR(29, UINT64_C(1) << 52); /* no loads */
    __asm__ volatile("isync");
    FAULTS(load(at), 0x300, at, DSISR_KEY);
    store(at, 22);
    MTSPR(29, 0);
    MTSPR(61, UINT64_C(1) << 52);
    __asm__ volatile("isync");
    EQUAL(load(at), 22);
    fetch_faults(at, 0x400, DSISR_KEY, __LINE__);
    MTSPR(61, 0);
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    slbie(USER);
}

/* Base pages of 4 KiB with an actual page of 64 KiB, and 16 MiB in a segment of 2^40; the second hash. */
static void page_sizes(void) {
    Where small = {0x444, 0x21000, 12, 0}, huge = {0x555, 0x40000000, 24, 1}, other = {0x444, 0x60000, 12, 0};
    slbmte(USER, 3, small.vsid << 12 | KS | KP);
    uint64_t index = enter(small, LARGE, address(pages[1]) | 7 << 12 | M | 2);
    pages[1][0x1000 / 8] = 31;
    EQUAL(load(USER + 0x21000), 31);
    FAULTS(load(USER + 0x22000), 0x300, USER + 0x22000, DSISR_NONE); /* hashed by itself */
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    FAULTS(load(USER + 0x21000), 0x300, USER + 0x21000, DSISR_NONE);
    index = enter(other, SECONDARY, address(pages[2]) | M | 2);
    pages[2][0] = 32;
    EQUAL(load(USER + 0x60000), 32);
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    FAULTS(load(USER + 0x60000), 0x300, USER + 0x60000, DSISR_NONE);
    slbmte(KERNEL & ~UINT64_C(0xffffffffff), 4, UINT64_C(1) << 62 | huge.vsid << 24 | SLB_16M | KS | KP);
    index = enter(huge, LARGE, M | 2);
    EQUAL(load(KERNEL + address(&pages[2][0])), 32);
    store(KERNEL + address(&pages[2][1]), 33);
    EQUAL(pages[2][1], 33);
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    FAULTS(load(KERNEL + address(&pages[2][0])), 0x300, KERNEL + address(&pages[2][0]), DSISR_NONE);
    enter(huge, LARGE, M | 2);
    EQUAL(load(KERNEL + address(&pages[2][0])), 32);
    slbmte(USER, 4, UINT64_C(0x444) << 12);
    FAULTS(load(KERNEL + address(&pages[2][0])), 0x380, KERNEL + address(&pages[2][0]), 0);
    slbie(USER);
}

/* Two address spaces in turn. */
static void contexts(void) {
    Where a = {0x666, 0x7000, 12, 0}, b = {0x777, 0x7000, 12, 0};
    uint64_t at = USER + a.offset, in_a = enter(a, 0, address(pages[0]) | M | 2);
    enter(b, 0, address(pages[1]) | M | 2);
    pages[0][0] = 41;
    pages[1][0] = 42;
    for (unsigned i = 0; i < 3; i++) {
        slbmte(USER, 5, a.vsid << 12);
        EQUAL(load(at), 41);
        slbie(USER);
        FAULTS(load(at), 0x380, at, 0);
        slbmte(USER, 6, b.vsid << 12);
        EQUAL(load(at), 42);
        slbmte(0, 0, (uint64_t)CODE_VSID << 12 | SLB_64K | KP);
        __asm__ volatile("slbia; isync");
        FAULTS(load(at), 0x380, at, 0);
    }
    EQUAL(hypercall(H_REMOVE, 0, in_a, 0, 0), 0); /* cached, but not in the context at hand */
    slbmte(USER, 5, a.vsid << 12);
    FAULTS(load(at), 0x300, at, DSISR_NONE);
    slbie(USER);
}

/* Relocation of insns alone. */
static void mixed(void) {
    Where w = {CODE_VSID, address(pages[3]), 16, 0};
    uint64_t first = group_of(w) * 8, index = first;
    pages[3][0] = 51;
    pages[0][0] = 52;
    while (hypercall(H_READ, 0, index, 0, 0) == 0 && (hypercall_results[0] & ~UINT64_C(0x7f)) != first_word(w, 0)) {
        index++;
    }
    EQUAL(hypercall(H_REMOVE, 0, index, 0, 0), 0);
    enter(w, LARGE, address(pages[0]) | 1 << 12 | M | 2);
    EQUAL(load(address(pages[3])), 52);
    set_msr(MSR_DR, false);
    EQUAL(load(address(pages[3])), 51);
    set_msr(MSR_DR, true);
    EQUAL(load(address(pages[3])), 52);
}

static void users(void) {
    Where w = {0x888, 0x9000, 12, 0};
    uint64_t at = USER + w.offset;
    enter(w, 0, address(pages[0]) | M | 0);
    slbmte(USER, 7, w.vsid << 12 | KP);
    pages[0][0] = 61;
    EQUAL(load(at), 61);
    set_msr(MSR_PR, true);
    FAULTS(load(at), 0x300, at, DSISR_PROTECTION);
    TRAPS(0x700, "slbie 3");
    EQUAL(trap.srr1 & 0x783f0000, 1 << 18);
    TRAPS(0x700, "slbmte 3, 4");
    TRAPS(0x700, "slbia");
    TRAPS(0xc00, "sc"); /* and the supervisor goes on */
    set_msr(MSR_PR, false);
    EQUAL(load(at), 61);
}

/* Unavailable to users, and FSCR says why. */
#define LACKS(which, insn)                                                                                             \
    do {                                                                                                               \
        TRAPS(0xf60, insn);                                                                                            \
        __asm__ volatile("sc" ::: "memory");                                                                           \
        EQUAL(MFSPR(153) >> 56, which);                                                                                \
        set_msr(MSR_PR, true);                                                                                         \
    } while (0)

static void facilities(void) {
    static uint64_t past;
    enum { FSCR_DSCR = 1 << 2, FSCR_EBB = 1 << 7, FSCR_TAR = 1 << 8 };
    MTSPR(153, 0);
    __asm__ volatile(".long 0x7c60025c; .long 0x7c00035c" ::: "r3"); /* mfbhrbe r3, 0; clrbhrb */
    set_msr(MSR_PR, true);
    LACKS(2, "mfspr 3, 3");
    LACKS(3, "mfspr 3, 779");
    LACKS(4, ".long 0x7c60025c");
    LACKS(4, ".long 0x7c00035c");
    LACKS(7, "mfspr 3, 804");
    LACKS(7, ".long 0x4c000124"); /* rfebb 0 */
    LACKS(8, "mfspr 3, 815");
    LACKS(8, "bctar 20, 0");
    TRAPS(0x700, ".long 0x7c00191c"); /* msgsndp r3 */
    EQUAL(trap.srr1 & 0x783f0000, 1 << 18);
    TRAPS(0x700, ".long 0x7c00195c"); /* msgclrp r3 */
    TRAPS(0xc00, "sc");
    set_msr(MSR_PR, false);
    MTSPR(153, FSCR_DSCR | FSCR_EBB | FSCR_TAR);
    set_msr(MSR_PR, true);
    uint64_t before = trap.count, bescr;
    __asm__ volatile("mtspr 3, %1; mtspr 815, %1; mfspr 3, 815; mtspr 806, %1; bl 1f; 1: mflr 3; addi 3, 3, 20; mtspr 805, 3;"
                     ".long 0x4c000924; trap; mfspr %0, 806" : "=r"(bescr) : "r"(past) : "r3", "lr"); /* rfebb 1 */
    EQUAL(trap.count, before);
    EQUAL(bescr, UINT64_C(1) << 63);
    TRAPS(0xc00, "sc");
    set_msr(MSR_PR, false);
}

/* Any calls with any arguments, and any segments: nothing that is asked brings the machine down. */
static void hostile(void) {
    static const uint16_t calls[] = {H_REMOVE, H_ENTER, H_READ, H_CLEAR_MOD, H_CLEAR_REF, H_PROTECT, H_BULK_REMOVE, 0x37c};
    const uint64_t pages_written = 0xc000; /* zeroing and copying would hit this program */
    uint64_t x = 88172645463325252, args[4];
    for (unsigned i = 0; i < 4000; i++) {
        for (unsigned k = 0; k < 4; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            args[k] = x >> 8 & 1 ? x : x >> 40; /* all sizes of numbers */
        }
        args[1] &= x & 6 ? GROUPS * 16 - 1 : ~UINT64_C(0);
        uint64_t number = calls[x >> 20 & 7];
        if (number != 0x37c || x >> 50 & 1) {
            hypercall(number, number == H_ENTER ? args[0] & ~pages_written : args[0], args[1], args[2], args[3]);
        }
        __asm__ volatile("slbmte %0, %1" : : "r"(args[2]), "r"(args[3] & 15 ? args[3] : 0));
        if (i % 16 == 0) {
            uint64_t found;
            __asm__ volatile("slbfee. %0, %1; slbie %1" : "=r"(found) : "r"(args[0]) : "cr0");
        }
    }
    hypercall(0x37c, 0x10, 0, 0, 0);
    print("still here\n");
}

void guest_main(void) {
    EQUAL(hypercall(H_SET_MODE, big64(1) != 1, 4, 0, 0), 0);
    map_program();
    set_msr(MSR_IR | MSR_DR, true);
    buffers();
    hypercalls();
    rights();
    uncached();
    keys();
    page_sizes();
    contexts();
    mixed();
    users();
    facilities();
    set_msr(MSR_IR | MSR_DR, false);
    hostile();
#ifdef POWER8
    TRAPS(0x700, ".long 0x7c001a64"); /* tlbie r3 */
    EQUAL(trap.srr1 & 0x783f0000, 1 << 18);
    TRAPS(0x700, "tlbiel 3");
#else
    __asm__ volatile(".long 0x7c0003a4 | 3 << 11 | 4 << 21; .long 0x7c0002a4"); /* slbieg r4, r3; slbsync */
#endif
    guest_exit();
}
