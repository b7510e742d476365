/* SPDX-License-Identifier: MIT */
/*
 * smp.c - several CPUs: on and off, atomics, ordering, TLB and cache maintenance for others, events, interrupts.
 * Spec: Arm DDI 0487 B2.3, B2.9, D5.10, D7.5 and K11 (litmus tests); Arm DEN 0022 (PSCI); IHI 0048B (SGIs).
 * Runs with as many CPUs as answer AFFINITY_INFO, up to CPUS; only CPU 0 prints and checks.
 */
#include "guest.h"

enum { CPUS = 4, ROUNDS = 3000, CPU_OFF = 0x84000002 };
enum { OFF = 1, INVALID = -2, ALREADY_ON = -4, INVALID_ADDRESS = -9 };
#define CPU_ON 0xc4000003
#define AFFINITY_INFO 0xc4000004
#define HIGH UINT64_C(0xffffff8000000000)

#define UNUSED __attribute__((unused))

int guest_main(void);
void secondary_main(uint64_t cpu);
extern const uint32_t secondary[];

/* What CPU 0 tells another that it turns on. */
typedef struct Start {
    uint64_t sp; /* secondary: offset 0 */
    void (*run)(uint64_t cpu, uint64_t arg);
    uint64_t arg;
} Start;
Start starts[CPUS];
static unsigned cpus;

__asm__(".pushsection .text\n.globl secondary\nsecondary:\n"
        "adrp x1, starts\n add x1, x1, :lo12:starts\n mov x2, #24\n madd x1, x0, x2, x1\n ldr x2, [x1]\n mov sp, x2\n"
        "adrp x1, vectors\n add x1, x1, :lo12:vectors\n msr vbar_el1, x1\n bl secondary_main\n.popsection");

/* -- words that CPUs share -- */

#define FENCE() ASM("dmb ish")
static inline uint64_t acquire(const uint64_t *p) {
    uint64_t v;
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}
static inline void release(uint64_t *p, uint64_t v) {
    __asm__ volatile("stlr %0, [%1]" : : "r"(v), "r"(p) : "memory");
}
#define GET(p) (*(volatile uint64_t *)(p))
#define SET(p, v) (*(volatile uint64_t *)(p) = (v))

/* Each on a line of its own. */
typedef struct Line {
    uint64_t v[8];
} __attribute__((aligned(64))) Line;
typedef struct Shared {
    Line go, ready, stop, epoch, errors, x, y, count[8], seen[CPUS];
} Shared;
static Shared *s;

static void clear(void) {
    for (uint64_t *p = (uint64_t *)s; p < (uint64_t *)(s + 1); p++) {
        SET(p, 0);
    }
    FENCE();
}

static void wrong(void) {
    uint64_t v, fail;
    __asm__ volatile("1: ldxr %0, [%2]\n add %0, %0, #1\n stxr %w1, %0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(v), "=&r"(fail) : "r"(s->errors.v) : "memory");
}

/* All CPUs that take part begin at the same time. */
static void meet(uint64_t others) {
    if (others) { /* CPU 0 */
        while (acquire(s->ready.v) != others) {
        }
        release(s->go.v, 1);
    } else {
        uint64_t v, fail;
        __asm__ volatile("1: ldaxr %0, [%2]\n add %0, %0, #1\n stlxr %w1, %0, [%2]\n cbnz %w1, 1b"
                         : "=&r"(v), "=&r"(fail) : "r"(s->ready.v) : "memory");
        while (!acquire(s->go.v)) {
        }
    }
}

/* -- on and off -- */

static uint64_t registers[5]; /* TTBR0, TTBR1, TCR, MAIR, SCTLR of CPU 0 */

void secondary_main(uint64_t cpu) {
    MSR(ttbr0_el1, registers[0]);
    MSR(ttbr1_el1, registers[1]);
    MSR(tcr_el1, registers[2]);
    MSR(mair_el1, registers[3]);
    flush_tlb();
    MSR(sctlr_el1, registers[4]);
    starts[cpu].run(cpu, starts[cpu].arg);
    FENCE();
    psci(CPU_OFF, 0, 0, 0);
    for (;;) {
        wrong();
    }
}

static void turn_on(uint64_t cpu, void (*run)(uint64_t cpu, uint64_t arg), uint64_t arg) {
    starts[cpu].run = run;
    starts[cpu].arg = arg;
    FENCE();
    EQUAL(psci(CPU_ON, cpu, (uint64_t)secondary, cpu), 0);
}

static void wait_off(uint64_t cpu) {
    while (psci(AFFINITY_INFO, cpu, 0, 0) != OFF) {
        ASM("yield");
    }
}

/* The function on all CPUs; each gets `arg`. */
static void on_all(void (*run)(uint64_t cpu, uint64_t arg), uint64_t arg) {
    for (uint64_t i = 1; i < cpus; i++) {
        turn_on(i, run, arg);
    }
    run(0, arg);
    for (uint64_t i = 1; i < cpus; i++) {
        wait_off(i);
    }
    EQUAL(GET(s->errors.v), 0);
}

static void say_hello(uint64_t cpu, uint64_t arg) {
    SET(&s->seen[cpu].v[0], MRS(mpidr_el1) & 0xffffff);
    SET(&s->seen[cpu].v[1], arg);
    SET(&s->seen[cpu].v[2], MRS(daif) | MRS(currentel));
}

static void power(void) {
    for (uint64_t i = 0; i < 20; i++) {
        for (uint64_t cpu = 1; cpu < cpus; cpu++) {
            clear();
            EQUAL(psci(AFFINITY_INFO, cpu, 0, 0), OFF);
            turn_on(cpu, say_hello, i + cpu);
            wait_off(cpu);
            EQUAL(GET(&s->seen[cpu].v[0]), cpu);
            EQUAL(GET(&s->seen[cpu].v[1]), i + cpu);
            EQUAL(GET(&s->seen[cpu].v[2]), 0x3c4);
        }
    }
    EQUAL(psci(CPU_ON, 0, (uint64_t)secondary, 0), ALREADY_ON);
    EQUAL(psci(CPU_ON, 1, (uint64_t)secondary + 2, 0), INVALID_ADDRESS);
    EQUAL(psci(CPU_ON, 0x12345, (uint64_t)secondary, 0), INVALID);
    EQUAL(psci(AFFINITY_INFO, 0x12345, 0, 0), INVALID);
    EQUAL(psci(AFFINITY_INFO, 0, 0, 0), 0);
}

static void stay(uint64_t cpu UNUSED, uint64_t arg UNUSED) {
    release(s->ready.v, 1);
    while (!acquire(s->stop.v)) {
    }
}

static void already_on(void) {
    clear();
    turn_on(1, stay, 0);
    while (!acquire(s->ready.v)) {
    }
    EQUAL(psci(CPU_ON, 1, (uint64_t)secondary, 0), ALREADY_ON);
    EQUAL(psci(AFFINITY_INFO, 1, 0, 0), 0);
    release(s->stop.v, 1);
    wait_off(1);
}

/* -- atomics: every CPU adds ROUNDS to each counter -- */

#define LLSC(suffix, w, p)                                                                                             \
    __asm__ volatile("1: ldxr" suffix " %" w "0, [%2]\n add %" w "0, %" w "0, #1\n stxr" suffix " %w1, %" w "0, [%2]\n" \
                     " cbnz %w1, 1b" : "=&r"(v), "=&r"(fail) : "r"(p) : "memory")

static void pair_add(uint64_t *p) {
    uint64_t a, b, fail;
    __asm__ volatile("1: ldaxp %0, %1, [%3]\n add %0, %0, #1\n sub %1, %1, #1\n stlxp %w2, %0, %1, [%3]\n cbnz %w2, 1b"
                     : "=&r"(a), "=&r"(b), "=&r"(fail) : "r"(p) : "memory");
    if (a + b) {
        wrong();
    }
}

static void count_exclusive(uint64_t cpu, uint64_t in_code) {
    uint64_t v, fail;
    meet(cpu ? 0 : cpus - 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        LLSC("b", "w", s->count[0].v);
        LLSC("h", "w", s->count[1].v);
        LLSC("", "w", s->count[2].v);
        LLSC("", "x", s->count[3].v);
        pair_add(s->count[4].v);
        LLSC("", "x", in_code); /* beside code that runs */
    }
}

__asm__(".arch armv8-a+lse");
static void count_lse(uint64_t cpu, uint64_t in_code) {
    const uint64_t one = 1;
    uint64_t v, mask = UINT64_C(1) << (cpu * 8 + 7);
    meet(cpu ? 0 : cpus - 1);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        __asm__ volatile("ldaddb %w1, %w0, [%2]" : "=r"(v) : "r"(one), "r"(s->count[0].v) : "memory");
        __asm__ volatile("ldaddalh %w1, %w0, [%2]" : "=r"(v) : "r"(one), "r"(s->count[1].v) : "memory");
        __asm__ volatile("ldadd %w1, %w0, [%2]" : "=r"(v) : "r"(one), "r"(s->count[2].v) : "memory");
        __asm__ volatile("stadd %0, [%1]" : : "r"(one), "r"(s->count[3].v) : "memory");
        __asm__ volatile("stadd %0, [%1]" : : "r"(one), "r"(in_code) : "memory");
        register uint64_t a __asm__("x2") = GET(s->count[4].v), b __asm__("x3");
        for (;;) {
            b = -a;
            register uint64_t na __asm__("x4") = a + 1, nb __asm__("x5") = b - 1;
            const uint64_t was = a;
            __asm__ volatile("casp %0, %1, %2, %3, [%4]" : "+r"(a), "+r"(b) : "r"(na), "r"(nb), "r"(s->count[4].v)
                             : "memory");
            if (a + b) {
                wrong();
            }
            if (a == was) {
                break;
            }
        }
        __asm__ volatile("stset %0, [%1]" : : "r"(mask), "r"(s->count[5].v) : "memory");
        __asm__ volatile("ldclr %1, %0, [%2]" : "=r"(v) : "r"(mask), "r"(s->count[5].v) : "memory");
        if (!(v & mask)) {
            wrong();
        }
        __asm__ volatile("stumax %0, [%1]" : : "r"(i * cpus + cpu), "r"(s->count[6].v) : "memory");
        uint64_t seen = GET(s->count[7].v), old;
        do {
            old = seen;
            __asm__ volatile("cas %0, %1, [%2]" : "+r"(seen) : "r"(old + 1), "r"(s->count[7].v) : "memory");
        } while (seen != old);
    }
}

static void counters(bool lse) {
    const uint64_t total = (uint64_t)cpus * ROUNDS, page = new_pages(1), in_code = page + 0x800;
    write32(page, 0xd65f03c0); /* ret: the page holds code */
    sync_code(page, 4);
    write64(in_code, 0);
    clear();
    ((void (*)(void))page)();
    on_all(lse ? count_lse : count_exclusive, in_code);
    EQUAL(GET(s->count[0].v), total & 0xff);
    EQUAL(GET(s->count[1].v), total & 0xffff);
    EQUAL(GET(s->count[2].v), total);
    EQUAL(GET(s->count[3].v), total);
    EQUAL(GET(&s->count[4].v[0]), total);
    EQUAL(GET(&s->count[4].v[1]), -total);
    EQUAL(read64(in_code), total);
    if (lse) {
        EQUAL(GET(s->count[5].v), 0);
        EQUAL(GET(s->count[6].v), total - 1);
        EQUAL(GET(s->count[7].v), total);
    }
}

static void lock_and_count(uint64_t cpu, uint64_t arg UNUSED) {
    uint64_t v, fail;
    meet(cpu ? 0 : cpus - 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("sevl\n1: wfe\n2: ldaxr %0, [%2]\n cbnz %0, 1b\n stxr %w1, %3, [%2]\n cbnz %w1, 2b"
                         : "=&r"(v), "=&r"(fail) : "r"(s->x.v), "r"(UINT64_C(1)) : "memory");
        SET(s->y.v, GET(s->y.v) + 1);
        release(s->x.v, 0);
    }
}

static void lock(void) {
    clear();
    on_all(lock_and_count, 0);
    EQUAL(GET(s->y.v), (uint64_t)cpus * ROUNDS);
}

/* -- ordering: CPUs 0 and 1 -- */

enum { LITMUS = 20000 };
static uint64_t *x, *y, *r[2];

static void store_buffering(uint64_t cpu, uint64_t ordered) {
    uint64_t *mine = cpu ? y : x, *other = cpu ? x : y;
    if (cpu > 1) {
        return;
    }
    meet(cpu ? 0 : 1);
    for (unsigned i = 0; i < LITMUS; i++) {
        if (ordered) {
            release(&mine[i], 1);
            r[cpu][i] = acquire(&other[i]);
        } else {
            SET(&mine[i], 1);
            FENCE();
            r[cpu][i] = GET(&other[i]);
        }
    }
}

static void message_passing(uint64_t cpu, uint64_t ordered) {
    if (cpu > 1) {
        return;
    }
    meet(cpu ? 0 : 1);
    for (uint64_t i = 1, seen = 0; seen < LITMUS; i++) {
        if (cpu == 0) {
            seen = i;
            SET(s->x.v, i);
            if (ordered) {
                release(s->y.v, i);
            } else {
                ASM("dmb ishst");
                SET(s->y.v, i);
            }
            continue;
        }
        uint64_t before = seen;
        if (ordered) {
            seen = acquire(s->y.v);
        } else {
            seen = GET(s->y.v);
            ASM("dmb ishld");
        }
        if (GET(s->x.v) < seen || seen < before) { /* the flag without the message; or back in time */
            wrong();
        }
    }
}

static void ordering(void) {
    const uint64_t pages = (LITMUS * 8 + 4095) / 4096;
    x = (uint64_t *)new_pages(pages);
    y = (uint64_t *)new_pages(pages);
    r[0] = (uint64_t *)new_pages(pages);
    r[1] = (uint64_t *)new_pages(pages);
    for (uint64_t ordered = 0; ordered < 2; ordered++) {
        unsigned bad = 0;
        for (unsigned i = 0; i < LITMUS; i++) {
            x[i] = y[i] = 0;
        }
        clear();
        on_all(store_buffering, ordered);
        for (unsigned i = 0; i < LITMUS; i++) {
            bad += !r[0][i] && !r[1][i];
        }
        EQUAL(bad, 0);
        clear();
        on_all(message_passing, ordered);
    }
}

/* -- TLB maintenance: what CPU 0 maps the others see when the barrier is over -- */

static void watch_page(uint64_t cpu, uint64_t va) {
    if (cpu == 0) {
        return;
    }
    meet(0);
    while (!acquire(s->stop.v)) {
        uint64_t epoch = acquire(s->epoch.v);
        if (read64(va) < epoch) {
            wrong();
        }
        write64(va + 8 * cpu, read64(va + 8 * cpu) + 1);
    }
}

/* Each round waits for all others, which take a host's time slice each when they are more than its processors. */
static uint64_t rounds(void) {
    return cpus == 2 ? ROUNDS : 60;
}

static void invalidate(uint64_t va, unsigned how) {
    const uint64_t page = va >> 12 & UINT64_C(0xfffffffffff);
    ASM("dsb ishst");
    switch (how) {
    case 0: SYS("tlbi vae1is", page); break;
    case 1: SYS("tlbi vaae1is", page); break;
    case 2: SYS("tlbi vale1is", page); break;
    case 3: SYS("tlbi vaale1is", page); break;
    case 4: SYS("tlbi aside1is", 0); break;
    default: ASM("tlbi vmalle1is\n dsb ish\n isb"); break;
    }
}

static uint64_t sum_of(uint64_t page) {
    uint64_t sum = 0;
    for (uint64_t cpu = 1; cpu < cpus; cpu++) {
        sum += read64(page + 8 * cpu);
    }
    return sum;
}

static void remap(void) {
    const uint64_t va = HIGH + 0x100000, pages[2] = {new_pages(1), new_pages(1)};
    clear();
    write64(pages[0], 0);
    map(va, pages[0] | PTE_RW | PTE_NG);
    for (uint64_t i = 1; i < cpus; i++) {
        turn_on(i, watch_page, va);
    }
    meet(cpus - 1);
    for (uint64_t i = 1; i < rounds(); i++) {
        const uint64_t old = pages[~i & 1], new = pages[i & 1];
        write64(new, i);
        *(volatile uint64_t *)pte_of(va) = new | PTE_RW | PTE_NG;
        invalidate(va, (unsigned)(i % 6));
        release(s->epoch.v, i);
        const uint64_t sum = sum_of(old); /* nobody writes to the old page any more */
        for (unsigned k = 0; k < 50; k++) {
            ASM("yield");
        }
        EQUAL(sum_of(old), sum);
    }
    release(s->stop.v, 1);
    for (uint64_t i = 1; i < cpus; i++) {
        wait_off(i);
    }
    EQUAL(GET(s->errors.v), 0);
    map(va, 0);
    flush_tlb();
}

/* -- code: what CPU 0 writes the others run when the barrier is over -- */

static void run_code(uint64_t cpu UNUSED, uint64_t code) {
    meet(0);
    while (!acquire(s->stop.v)) {
        uint64_t epoch = acquire(s->epoch.v);
        ASM("isb");
        if (((uint64_t(*)(void))code)() < epoch) {
            wrong();
        }
    }
}

static void patch(void) {
    const uint64_t code = new_pages(1) + 0x40;
    clear();
    write32(code, 0xd2800000); /* mov x0, #0 */
    write32(code + 4, 0xd65f03c0);
    sync_code(code, 8);
    for (uint64_t i = 1; i < cpus; i++) {
        turn_on(i, run_code, code);
    }
    meet(cpus - 1);
    for (uint64_t i = 1; i < rounds(); i++) {
        write32(code, (uint32_t)(0xd2800000 | i << 5));
        sync_code(code, 4);
        release(s->epoch.v, i);
        EQUAL(((uint64_t(*)(void))code)(), i);
    }
    release(s->stop.v, 1);
    for (uint64_t i = 1; i < cpus; i++) {
        wait_off(i);
    }
    EQUAL(GET(s->errors.v), 0);
}

/* Functions whose code goes to and fro between few versions, at places of which a jump cache with few entries holds one:
 * CPUs that have seen an epoch run its version, or the one that is being written. */
enum { FUNCTIONS = 6, VERSIONS = 5, APART = 16 << 10 };

static void run_versions(uint64_t cpu UNUSED, uint64_t code) {
    meet(0);
    for (uint64_t i = 0; !acquire(s->stop.v); i++) {
        const uint64_t before = acquire(s->epoch.v);
        ASM("isb");
        const uint64_t got = ((uint64_t(*)(void))(code + i % FUNCTIONS * APART))();
        const uint64_t after = acquire(s->epoch.v);
        if (after + 1 - before < VERSIONS && (got + VERSIONS - before % VERSIONS) % VERSIONS > after + 1 - before) {
            wrong();
        }
    }
}

static void write_version(uint64_t code, uint64_t version) {
    write32(code, (uint32_t)(0xd2800000 | version << 5)); /* mov x0, #version */
    write32(code + 4, 0xd65f03c0);
    sync_code(code, 8);
}

static void versions(void) {
    const uint64_t code = new_pages(FUNCTIONS * APART / 4096) + 0x80;
    clear();
    for (unsigned k = 0; k < FUNCTIONS; k++) {
        write_version(code + k * APART, 0);
    }
    for (uint64_t i = 1; i < cpus; i++) {
        turn_on(i, run_versions, code);
    }
    meet(cpus - 1);
    for (uint64_t i = 1; i < rounds() / 2; i++) {
        for (unsigned k = 0; k < FUNCTIONS; k++) {
            write_version(code + k * APART, i % VERSIONS);
        }
        release(s->epoch.v, i);
        for (unsigned k = 0; k < FUNCTIONS; k++) {
            EQUAL(((uint64_t(*)(void))(code + k * APART))(), i % VERSIONS);
        }
    }
    release(s->stop.v, 1);
    for (uint64_t i = 1; i < cpus; i++) {
        wait_off(i);
    }
    EQUAL(GET(s->errors.v), 0);
}

/* -- a change of the physical map, which empties the translator's cache, while the others run -- */

static void work(uint64_t cpu UNUSED, uint64_t code) {
    meet(0);
    for (uint64_t i = 1; !acquire(s->stop.v); i++) {
        if (((uint64_t(*)(void))code)() != 7) {
            wrong();
        }
    }
}

static void flash_modes(void) {
    const uint64_t code = new_pages(1), va = HIGH + 0x200000;
    clear();
    write32(code, 0xd28000e0); /* mov x0, #7 */
    write32(code + 4, 0xd65f03c0);
    sync_code(code, 8);
    map(va, 0 | PTE_PAGE | PTE_AF | PTE_DEVICE); /* the first flash */
    const uint32_t array = read32(va + 0x20);
    for (uint64_t i = 1; i < cpus; i++) {
        turn_on(i, work, code);
    }
    meet(cpus - 1);
    for (unsigned i = 0; i < 50; i++) {
        write32(va, 0x900090); /* identifiers */
        EQUAL(read32(va) & 0xff, 0x89);
        write32(va, 0xff00ff);
        EQUAL(read32(va + 0x20), array);
        EQUAL(((uint64_t(*)(void))code)(), 7);
    }
    release(s->stop.v, 1);
    for (uint64_t i = 1; i < cpus; i++) {
        wait_off(i);
    }
    EQUAL(GET(s->errors.v), 0);
}

/* -- events and interrupts -- */

static void event_turns(uint64_t cpu, uint64_t arg UNUSED) {
    if (cpu > 1) {
        return;
    }
    for (uint64_t i = 0; i < ROUNDS / 4; i++) {
        while (acquire(s->x.v) != 2 * i + cpu) {
            ASM("wfe");
        }
        release(s->x.v, 2 * i + cpu + 1);
        ASM("dsb ish\n sev");
    }
}

enum { SGIR = 0xf00, ISENABLER = 0x100, IAR = 0xc, EOIR = 0x10, PMR = 4, CTLR = 0, TARGETS = 0x800 };

static uint32_t await_sgi(void) {
    uint32_t id;
    while (((id = read32(GICC + IAR)) & 0x3ff) == 1023) {
        ASM("wfi");
    }
    write32(GICC + EOIR, id);
    return id;
}

static void sgi_turns(uint64_t cpu, uint64_t arg UNUSED) {
    if (cpu > 1) {
        return;
    }
    const uint32_t other = 1 - (uint32_t)cpu;
    write32(GICC + PMR, 0xff);
    write32(GICC + CTLR, 1);
    write32(GICD + ISENABLER, 0xffff);
    if ((read32(GICD + TARGETS) & 0xff) != 1u << cpu) { /* banked */
        wrong();
    }
    for (uint32_t i = 0; i < ROUNDS / 4; i++) {
        if (cpu == 1 && await_sgi() != (other << 10 | (i & 15))) {
            wrong();
        }
        ASM("dsb ish");
        write32(GICD + SGIR, 1u << (16 + other) | (i & 15));
        if (cpu == 0 && await_sgi() != (other << 10 | (i & 15))) {
            wrong();
        }
    }
}

int guest_main(void) {
    mmu_on();
    const uint64_t keep[] = {MRS(ttbr0_el1), MRS(ttbr1_el1), MRS(tcr_el1), MRS(mair_el1), MRS(sctlr_el1)};
    for (unsigned i = 0; i < 5; i++) {
        registers[i] = keep[i];
    }
    s = (Shared *)new_pages(2);
    for (cpus = 1; cpus < CPUS && psci(AFFINITY_INFO, cpus, 0, 0) == OFF; cpus++) {
        starts[cpus].sp = new_pages(4) + 4 * 4096;
    }
    CHECK(cpus > 1);
    print("%d CPUs\n", (uint64_t)cpus);
    write32(GICD, 1);
    power();
    already_on();
    counters(false);
    if (MRS(id_aa64isar0_el1) >> 20 & 15) {
        print("LSE\n");
        counters(true);
    }
    lock();
    ordering();
    remap();
    patch();
    versions();
    flash_modes();
    clear();
    on_all(event_turns, 0);
    clear();
    on_all(sgi_turns, 0);
    print("done\n");
    return 0;
}
