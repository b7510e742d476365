/* SPDX-License-Identifier: MIT */
/*
 * stream.c - loops that step through memory, over the ends of pages: what comes out where both pages are there, and where the
 * second is not, exact addresses and registers at the fault. They run often enough for a block of several rounds.
 */
#include "guest.h"

int guest_main(void);

#define HIGH UINT64_C(0xffffff8000000000)
enum { COUNT = 100, PAGE = 4096 };

/* x0: where; x1: how many; x3: a sum of what is loaded; x5: rounds done. */
#define LOOP(name, text)                                                                                               \
    CODE(name, "mov x3, #0\n mov x5, #0\n 1: " text "\n add x5, x5, #1\n subs x1, x1, #1\n b.ne 1b" RET)
#define SUM "\n eor x3, x4, x3, ror #1"
LOOP(ld_b, "ldrb w4, [x0], #1" SUM);
LOOP(ld_w, "ldr w4, [x0], #4" SUM);
LOOP(ld_x_pre, "ldr x4, [x0, #8]!" SUM);
LOOP(ld_x_index, "ldr x4, [x0, x5, lsl #3]" SUM);
LOOP(ld_w_moved, "ldr w4, [x0]\n add x0, x0, #4" SUM);
LOOP(ld_b_down, "ldrb w4, [x0, #-1]!" SUM);
LOOP(ld_x_down, "ldr x4, [x0], #-8" SUM);
LOOP(st_b, "strb w1, [x0], #1");
LOOP(st_x_index, "str x1, [x0, x5, lsl #3]");
LOOP(st_x_moved, "str x1, [x0]\n add x0, x0, #8");
LOOP(st_x_down, "str x1, [x0, #-8]!");
LOOP(st_q, "dup v0.2d, x1\n str q0, [x0], #16");
LOOP(st_pair, "stp x1, x1, [x0], #16");
LOOP(copy_b, "ldrb w4, [x0], #1\n strb w4, [x2], #1");

typedef struct Stream {
    const void *code;
    int step;       /* from one access to the next */
    unsigned size;  /* of each */
    int first;      /* where the first one is, from x0 */
    bool stores, indexed;
} Stream;
static const Stream streams[] = {
    {ld_b, 1, 1, 0, false, false},        {ld_w, 4, 4, 0, false, false},        {ld_x_pre, 8, 8, 8, false, false},
    {ld_x_index, 8, 8, 0, false, true},   {ld_w_moved, 4, 4, 0, false, false},  {ld_b_down, -1, 1, -1, false, false},
    {ld_x_down, -8, 8, 0, false, false},  {st_b, 1, 1, 0, true, false},         {st_x_index, 8, 8, 0, true, true},
    {st_x_moved, 8, 8, 0, true, false},   {st_x_down, -8, 8, -8, true, false},  {st_q, 16, 16, 0, true, false},
    {st_pair, 16, 16, 0, true, false},
};

/* Three pages in a row that are none in memory; between them and others there is nothing. */
static const uint64_t va = HIGH + 0x80000;
static uint64_t pages[3];

static uint8_t *byte_at(uint64_t address) {
    return (uint8_t *)(pages[(address - va) / PAGE] + address % PAGE);
}

static uint64_t word(uint64_t address) {
    return (address >> 3) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill(void) {
    for (uint64_t a = va; a < va + 3 * PAGE; a += 8) {
        *(uint64_t *)(void *)byte_at(a) = word(a);
    }
}

/* Of the first `done` accesses. */
static void expect(const Stream *s, uint64_t start, unsigned done) {
    uint64_t sum = 0;
    for (unsigned n = 0; n < done; n++) {
        uint64_t at = start + (uint64_t)((int64_t)n * s->step), value = 0;
        for (unsigned k = 0; k < s->size && s->stores; k++) {
            EQUAL(*byte_at(at + k), (uint8_t)((uint64_t)(COUNT - n) >> k % 8 * 8));
        }
        for (unsigned k = 0; k < s->size && !s->stores; k++) {
            value |= (uint64_t)*byte_at(at + k) << 8 * k;
        }
        sum = value ^ (sum >> 1 | sum << 63);
    }
    EQUAL(trap.x[1], COUNT - done);
    EQUAL(trap.x[5], done);
    if (!s->stores) {
        EQUAL(trap.x[3], sum);
    }
}

/* `done` accesses are on the page, or begin there. */
static void run(const Stream *s, unsigned done, unsigned aside) {
    uint64_t end = s->step > 0 ? va + 2 * PAGE : va + PAGE; /* what lies behind, in the loop's direction, may be missing */
    uint64_t start = end - (uint64_t)((int64_t)done * s->step) - aside - (s->step > 0 ? 0 : s->size);
    uint64_t moved = s->indexed ? 0 : (uint64_t)s->step, last = start + (uint64_t)((int64_t)done * s->step);
    uint64_t missing = s->step > 0 ? end : end - PAGE;
    guest_note("stream, accesses, bytes aside", (uint64_t)(s - streams) << 16 | done << 8 | aside);
    for (unsigned i = 0; i < 3; i++) {
        map(va + i * PAGE, pages[i] | PTE_RW);
    }
    flush_tlb();
    fill();
    run_el1(s->code, start - (uint64_t)(int64_t)s->first, COUNT, 0);
    FINISHED();
    EQUAL(trap.x[0], start - (uint64_t)(int64_t)s->first + COUNT * moved);
    expect(s, start, COUNT);
    map(missing, 0);
    flush_tlb();
    fill();
    run_el1(s->code, start - (uint64_t)(int64_t)s->first, COUNT, 0);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 7u | (s->stores ? WNR : 0));
    EQUAL(trap.far, s->step > 0 ? end : last);
    EQUAL(trap.x[0], start - (uint64_t)(int64_t)s->first + done * moved);
    expect(s, start, done);
    if (s->stores) { /* nothing of what comes behind */
        for (uint64_t a = last; s->step > 0 && a < end; a++) {
            EQUAL(*byte_at(a), (uint8_t)(word(a) >> a % 8 * 8));
        }
        map(missing, pages[(missing - va) / PAGE] | PTE_RW | PTE_RO);
        flush_tlb();
        run_el1(s->code, start - (uint64_t)(int64_t)s->first, COUNT, 0);
        TRAPPED(SYNC_SPX, EC_DABT + 1, 15 | WNR);
        EQUAL(trap.x[0], start - (uint64_t)(int64_t)s->first + done * moved);
        expect(s, start, done);
    }
}

/* Two streams, of which the second comes to the end of its page: x0 has moved on, or not, as the first says. */
static void two(unsigned done) {
    const uint64_t from = va + 16, end = va + 2 * PAGE, to = end - done;
    guest_note("copy, bytes", done);
    for (unsigned i = 0; i < 3; i++) {
        map(va + i * PAGE, i == 2 ? 0 : pages[i] | PTE_RW);
    }
    flush_tlb();
    fill();
    run_el1(copy_b, from, COUNT, to);
    TRAPPED(SYNC_SPX, EC_DABT + 1, 7 | WNR);
    EQUAL(trap.far, end);
    EQUAL(trap.x[0], from + done + 1);
    EQUAL(trap.x[1], COUNT - done);
    EQUAL(trap.x[2], end);
    for (unsigned i = 0; i < done; i++) {
        EQUAL(*byte_at(to + i), *byte_at(from + i));
    }
}

int guest_main(void) {
    mmu_on();
    MSR(cpacr_el1, 3 << 20);
    for (unsigned i = 0; i < 3; i++) {
        pages[i] = new_pages(1);
        new_pages(1);
    }
    for (unsigned n = 0; n < sizeof(streams) / sizeof(*streams); n++) {
        for (unsigned done = 61; done < 65; done++) {
            run(&streams[n], done, 0);
            for (unsigned aside = 1; streams[n].step > 0 && aside < streams[n].size; aside = aside * 2 + 1) {
                run(&streams[n], done, aside);
            }
        }
    }
    for (unsigned done = 61; done < 65; done++) {
        two(done);
    }
    guest_exit();
}
