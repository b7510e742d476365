/* SPDX-License-Identifier: MIT */
/*
 * random.c - random insn words at EL0, each trap skipped. Prints a hash of the state after each run, so that two ways
 * of running can be compared; runs that a timer ends have none. -DSEED=n, -DRUNS=n; -DTRACE prints each trap.
 */
#include "guest.h"

int guest_main(void);

#ifndef SEED
#define SEED 1
#endif
#ifndef RUNS
#define RUNS 100
#endif
enum { CODE_WORDS = 256, DATA_WORDS = 512, TRAPS = 150 };
#define CODE_AT UINT64_C(0x80000000)
#define DATA_AT UINT64_C(0x80010000)

static uint64_t state, hash;
static uint64_t vectors_of[64], fpsr;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Words that name existing groups, most of them computations and accesses to memory. */
static uint32_t word(void) {
    static const uint8_t groups[] = {8, 9, 9, 10, 11, 5, 5, 13, 13, 7, 7, 7, 15, 15, 15, 4, 6, 12, 14};
    uint32_t w = (uint32_t)(next() >> 32);
    unsigned kind = (unsigned)(next() >> 40) % 20;
    if (kind == 19) {
        return w; /* anything */
    }
    w = (w & ~(15u << 25)) | (uint32_t)groups[kind] << 25;
    if ((w & 0x1c000000) == 0x14000000 && next() >> 62) { /* branches: most of them short and forward */
        w = (w & 0xff00001f) | (uint32_t)(next() >> 58) << 5;
    }
    return w;
}

static void mix(uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
}

static void load_vectors(void) {
    __asm__ volatile(".irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28\n"
                     "ldr q\\n, [%0, #\\n * 16]\n .endr\n"
                     ".irp n, 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,30,31\n"
                     "ldr q\\n, [%0, #\\n * 16]\n .endr\n"
                     "msr fpsr, xzr\n"
                     :
                     : "r"(vectors_of)
                     : "memory");
}

static void save_vectors(void) {
    __asm__ volatile(".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                     "str q\\n, [%1, #\\n * 16]\n .endr\n"
                     "mrs %0, fpsr\n"
                     : "=&r"(fpsr)
                     : "r"(vectors_of)
                     : "memory");
}

static uint64_t value(void) {
    switch (next() >> 60) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) << (next() >> 58);
    case 2:
        return ~UINT64_C(0) << (next() >> 58);
    case 3:
        return next() >> 32;
    case 4:
    case 5:
        return next();
    case 6:
        return next() % 64;
    default:
        return DATA_AT + 64 + (next() % (DATA_WORDS * 8 - 128));
    }
}

static void prepare(uint64_t code, uint64_t data) {
    for (unsigned i = 0; i < CODE_WORDS; i++) {
        write32(code + 4 * i, word());
    }
    sync_code(code, 4 * CODE_WORDS);
    for (unsigned i = 0; i < DATA_WORDS; i++) {
        write64(data + 8 * i, value());
    }
    for (unsigned i = 0; i < 31; i++) {
        trap.x[i] = value();
    }
    for (unsigned i = 0; i < 64; i++) {
        vectors_of[i] = next() >> 61 ? next() : UINT64_C(0x3ff0000000000000);
    }
    MSR(fpcr, next() >> 60 ? 0 : next() & 0x3c00000);
    MSR(tpidr_el0, 0);
    trap.sp_el0 = DATA_AT + DATA_WORDS * 4;
    trap.elr = CODE_AT;
    trap.spsr = (next() >> 60) << 28 | 0x340;
    load_vectors();
}

static void one_run(uint64_t number, uint64_t code, uint64_t data) {
    prepare(code, data);
    hash = 0;
    for (unsigned i = 0; i < TRAPS; i++) {
        MSR(cntv_tval_el0, MRS(cntfrq_el0) / 100);
        MSR(cntv_ctl_el0, 1);
        run_again();
        MSR(cntv_ctl_el0, 0);
        if (trap.vector == IRQ_EL0) {
            print("run %d: timer\n", number);
            uint32_t id = read32(GICC + 0xc);
            write32(GICC + 0x10, id);
            return;
        }
        CHECK(trap.vector == SYNC_EL0);
        mix(trap.esr);
        mix(trap.elr);
        uint64_t class = trap.esr >> 26;
        mix(class == EC_DABT || class == EC_IABT || class == EC_PC ? trap.far : 0);
#ifdef TRACE
        uint64_t at = trap.elr - CODE_AT;
        print("  %d.%d esr %x at %x insn %x far %x\n", number, (uint64_t)i, trap.esr, at,
              at < 4 * CODE_WORDS ? (uint64_t)read32(code + at) : 0, trap.far);
#endif
        bool away = trap.elr - CODE_AT >= 4 * (CODE_WORDS - 1) || class == EC_PC;
        trap.elr = away ? CODE_AT + next() % CODE_WORDS * 4 : class == EC_SVC ? trap.elr : trap.elr + 4;
        trap.spsr = (trap.spsr & 0xf0000000) | 0x340;
    }
    save_vectors();
    for (unsigned i = 0; i < 31; i++) {
        mix(trap.x[i]);
    }
    mix(trap.sp_el0);
    mix(trap.spsr);
    mix(fpsr);
    for (unsigned i = 0; i < 64; i++) {
        mix(vectors_of[i]);
    }
    for (unsigned i = 0; i < DATA_WORDS; i++) {
        mix(read64(data + 8 * i));
    }
    print("run %d: %x\n", number, hash);
}

int guest_main(void) {
    mmu_on();
    MSR(cpacr_el1, 3 << 20);
    MSR(sctlr_el1, MRS(sctlr_el1) | 1 << 14);
    MSR(cntkctl_el1, 0);
    MSR(pmuserenr_el0, 0);
    write32(GICD, 1);
    write32(GICC + 4, 0xff);
    write32(GICC, 1);
    write32(GICD + 0x100, 1u << PPI_VIRT);
    const uint64_t code = new_pages(1), data = new_pages(1);
    map(CODE_AT, code | PTE_PAGE | PTE_AF | PTE_SH | PTE_EL0 | PTE_RO | PTE_NG);
    map(DATA_AT, data | PTE_RW | PTE_EL0 | PTE_NG | PTE_UXN);
    flush_tlb();
    for (uint64_t i = 0; i < RUNS; i++) {
        state = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)SEED * UINT64_C(0xd1342543de82ef95);
        next();
        one_run(i, code, data);
    }
    guest_exit();
}
