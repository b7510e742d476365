/* SPDX-License-Identifier: MIT */
/*
 * test_tlb.c - the two levels of translated addresses: hits, address spaces, large mappings, every way of flushing,
 * and guards on pages of code; with a front end whose walker counts its calls.
 */
#include <inttypes.h>

#include "tests/unit/tcg_fake.h"

/* The made-up CPU: va maps to RAM_BASE + (va + offset) % RAM_BYTES, where offset depends on the address space. */
typedef struct Cpu {
    uint64_t asid, offset;
    uint32_t regime;
    uint8_t page_bits;
    bool global, read_only;
    bool falls; /* neighbouring pages lie the other way round */
    unsigned walks;
} Cpu;

static Cpu *cpu_of(const Env *env) {
    return (Cpu *)(uintptr_t)env->guest;
}
static bool cpu_init(Env *env, const CpuConfig *config, GError **error) {
    cpu_of(env)->page_bits = IR_PAGE_BITS;
    return true;
}
static void cpu_nothing(Env *env) {
}
static uint64_t cpu_mode(const Env *env) {
    return cpu_of(env)->regime;
}
static MemContext cpu_context(const Env *env, bool unprivileged) {
    return (MemContext){.regime = cpu_of(env)->regime + unprivileged, .asid = cpu_of(env)->asid};
}
static bool cpu_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *x) {
    Cpu *c = cpu_of(env);
    c->walks++;
    uint64_t back = c->falls ? 2 * (va & ~(uint64_t)(PAGE_SIZE - 1)) : 0;
    *x = (MemXlat){.pa = RAM_BASE + (va + c->offset - back) % RAM_BYTES, .readable = true, .writable = !c->read_only,
                   .executable = true, .global = c->global, .page_bits = c->page_bits, .guest_fault = 7};
    return va < UINT64_C(1) << 40 && (access != MEM_WRITE || !c->read_only);
}
static bool cpu_watching(const Env *env) {
    return false;
}
static void cpu_mem_fault(Env *env, const MemFault *fault) {
}

static const IrSlot slots[] = {{"x", offsetof(Env, guest) + 1024, IR_I64, 1}};
static const Frontend frontend = {
    .name = "tlb", .slots = slots, .slot_count = 1, .init = cpu_init, .finish = cpu_nothing, .reset = cpu_nothing,
    .mode = cpu_mode, .context = cpu_context, .walk = cpu_walk, .watching = cpu_watching, .mem_fault = cpu_mem_fault,
    .insn_min = 4, .insn_max = 4,
};

static Machine m;
static Cpu *cpu;

static void setup(void) {
    m.ram = aligned_alloc(PAGE_SIZE, RAM_BYTES);
    memset(m.ram, 0, RAM_BYTES);
    m.tcg = tcg_new(&(TcgConfig){.interpret = true, .phys = {.opaque = &m, .page = machine_page, .read = machine_read,
                                                             .write = machine_write}});
    m.cpu = tcg_add_vcpu(m.tcg, &frontend, "tlb", 0, NULL);
    m.env = vcpu_env(m.cpu);
    cpu = cpu_of(m.env);
}
static void teardown(void) {
    tcg_free(m.tcg);
    free(m.ram);
}

/* Physical address of va now; walks tells how often the walker was asked. */
static uint64_t translate(uint64_t va, unsigned *walks) {
    MemXlat x;
    MemFault fault;
    unsigned before = cpu->walks;
    ck_assert(tlb_translate(m.cpu, va, MEM_READ, false, &x, &fault));
    *walks = cpu->walks - before;
    return x.pa;
}

static void expect(uint64_t va, uint64_t pa, unsigned walks) {
    unsigned n;
    ck_assert_uint_eq(translate(va, &n), pa);
    ck_assert_uint_eq(n, walks);
}

static void enter(uint64_t asid, uint64_t offset) {
    cpu->asid = asid;
    cpu->offset = offset;
    tlb_context_changed(m.cpu);
}

/* Fills the first level, and tells whether an access would have hit it. */
static bool fast(uint64_t va, unsigned aux) {
    uint64_t addend;
    const IrTlbEntry *e = &m.env->bank.table[va >> IR_PAGE_BITS & (BANK_ENTRIES - 1)];
    bool hit = ((aux & IR_CHECK_W ? e->wtag : e->rtag) ^ va) <= PAGE_SIZE - 1;
    ck_assert(ldst_check(m.env, va, 1, aux, &addend));
    return hit;
}

/* Fills the first level with twice as many pages as a small bank holds, until it has grown, and once more. */
static void fill_much(void) {
    for (unsigned i = 0; i < LARGE_FILLS + 2 * BANK_ENTRIES + 1; i++) {
        tlb_fill(m.cpu, m.cpu->bank, (uint64_t)(i % (2 * BANK_ENTRIES)) << IR_PAGE_BITS, RAM_BASE, m.ram, true, true);
    }
}

static bool holds(uint64_t va) {
    return tlb_entry(&m.env->bank, va)->rtag == va;
}

START_TEST(large_bank) {
    enter(1, 0);
    const IrTlbEntry *small = m.env->bank.table;
    uint64_t addend = 0;
    for (unsigned i = 0; i <= LARGE_FILLS; i++) {
        tlb_fill(m.cpu, m.cpu->bank, (uint64_t)i << IR_PAGE_BITS, RAM_BASE, m.ram, true, true);
    }
    ck_assert_ptr_eq(m.env->bank.table, small);
    ck_assert(ldst_check(m.env, 0x3000, 1, IR_CHECK_R, &addend)); /* grows under the feet of whoever checks */
    ck_assert_ptr_eq((void *)(uintptr_t)(addend + 0x3000), m.ram + 0x3000);
    ck_assert_ptr_ne(m.env->bank.table, small);
    fill_much();
    const IrTlbEntry *large = m.env->bank.table;
    ck_assert_ptr_ne(large, small);
    ck_assert_uint_eq(m.env->bank.mask, (LARGE_ENTRIES - 1) << 5);
    for (unsigned i = 0; i < 2 * BANK_ENTRIES; i++) {
        ck_assert(holds((uint64_t)i << IR_PAGE_BITS));
    }
    tlb_flush_page(m.cpu, 0x1001000, true, 0, true);
    ck_assert(!holds(0x1001000) && holds(0x1002000) && holds(0x1000));
    tlb_unmap_writes(m.cpu, RAM_BASE);
    ck_assert_uint_ne(tlb_entry(&m.env->bank, 0x1002000)->wtag, 0x1002000);
    ck_assert(holds(0x1002000));
    enter(2, 0); /* takes it away; what was in the small one is gone for long */
    ck_assert(!holds(0x1000));
    fill_much();
    ck_assert_ptr_eq(m.env->bank.table, large);
    ck_assert(holds(0x1000) && holds(0x1001000));
    enter(1, 0);
    ck_assert_ptr_eq(m.env->bank.table, small);
    ck_assert_uint_eq(m.env->bank.mask, (BANK_ENTRIES - 1) << 5);
    for (unsigned i = 0; i < 2 * BANK_ENTRIES; i++) {
        ck_assert(!holds((uint64_t)i << IR_PAGE_BITS));
    }
    enter(2, 0);
    tlb_flush_all(m.cpu);
    ck_assert(!holds(0x1000) && !holds(0x1001000));
}
END_TEST

START_TEST(second_level) {
    MemXlat x;
    MemFault fault;
    expect(0x1234, RAM_BASE + 0x1234, 1);
    expect(0x1ff0, RAM_BASE + 0x1ff0, 0);
    expect(0x2000, RAM_BASE + 0x2000, 1);
    ck_assert(!tlb_translate(m.cpu, UINT64_C(1) << 40, MEM_WRITE, false, &x, &fault));
    ck_assert_int_eq(fault.kind, MEM_FAULT_WALK);
    ck_assert_int_eq(fault.access, MEM_WRITE);
    ck_assert_uint_eq(fault.guest, 7);
    cpu->read_only = true;
    expect(0x9000, RAM_BASE + 0x9000, 1);
    ck_assert(!tlb_translate(m.cpu, 0x9000, MEM_WRITE, false, &x, &fault));
    cpu->read_only = false; /* permission has grown: no flush is needed for that */
    ck_assert(tlb_translate(m.cpu, 0x9000, MEM_WRITE, false, &x, &fault));
}
END_TEST

START_TEST(address_spaces) {
    enter(1, 0);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    IrTlbEntry *bank = m.env->bank.table;
    enter(2, 0x3000);
    ck_assert_ptr_ne(m.env->bank.table, bank);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    expect(0x1000, RAM_BASE + 0x4000, 0);
    enter(1, 0); /* nothing has been lost */
    ck_assert_ptr_eq(m.env->bank.table, bank);
    ck_assert(fast(0x1000, IR_CHECK_R));
    expect(0x1000, RAM_BASE + 0x1000, 0);
    for (unsigned i = 3; i < 3 + 2 * BANKS; i++) { /* more than there are banks */
        enter(i, 0x1000 * (i % 16));
        ck_assert(!fast(0x1000, IR_CHECK_R));
        expect(0x1000, RAM_BASE + (0x1000 + 0x1000 * (i % 16)) % RAM_BYTES, 0);
    }
    enter(1, 0);
    ck_assert(!fast(0x1000, IR_CHECK_R));
}
END_TEST

START_TEST(global) {
    enter(1, 0);
    cpu->global = true;
    expect(0x1000, RAM_BASE + 0x1000, 1);
    enter(2, 0x5000);
    expect(0x1000, RAM_BASE + 0x1000, 0);
}
END_TEST

START_TEST(flush_all) {
    fast(0x1000, IR_CHECK_R);
    fast(0x2000, IR_CHECK_W);
    tlb_flush_all(m.cpu);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    ck_assert(!fast(0x2000, IR_CHECK_W));
    tlb_flush_all(m.cpu);
    expect(0x1000, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(flush_asid) {
    enter(1, 0);
    fast(0x1000, IR_CHECK_R);
    enter(2, 0);
    fast(0x1000, IR_CHECK_R);
    tlb_flush_asid(m.cpu, 1);
    ck_assert(fast(0x1000, IR_CHECK_R));
    enter(1, 0);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    tlb_flush_asid(m.cpu, 1);
    ck_assert(!fast(0x1000, IR_CHECK_R));
}
END_TEST

START_TEST(flush_page) {
    fast(0x1000, IR_CHECK_R);
    fast(0x2000, IR_CHECK_R);
    cpu->offset = 0x4000;
    tlb_flush_page(m.cpu, 0x1000, false, 0, true);
    expect(0x1000, RAM_BASE + 0x5000, 1);
    expect(0x2000, RAM_BASE + 0x2000, 0);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    ck_assert(fast(0x2000, IR_CHECK_R));
}
END_TEST

START_TEST(flush_page_of_every_space) {
    enter(1, 0);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    enter(2, 0);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    tlb_flush_page(m.cpu, 0x1000, false, 2, true);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    enter(1, 0);
    expect(0x1000, RAM_BASE + 0x1000, 0);
    tlb_flush_page(m.cpu, 0x1000, true, 0, true);
    expect(0x1000, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(large_mapping) {
    cpu->page_bits = 21;
    expect(0x200000, RAM_BASE, 1);
    expect(0x3f0000, RAM_BASE, 1);
    cpu->offset = 0x1000;
    tlb_flush_page(m.cpu, 0x234000, false, 0, true); /* another page of the same mapping */
    expect(0x200000, RAM_BASE + 0x1000, 1);
    expect(0x3f0000, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(many_large_mappings) {
    unsigned walks;
    cpu->page_bits = 21;
    for (uint64_t i = 0; i < 2 * LARGE_MAPS; i++) {
        translate(i << 21, &walks);
    }
    cpu->offset = 0x1000;
    tlb_flush_page(m.cpu, (UINT64_C(5) << 21) + 0x7000, false, 0, true);
    expect(UINT64_C(5) << 21, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(no_writes_to_code) {
    for (uint64_t va = 0x3000; va < 0x6000; va += PAGE_SIZE) {
        fast(va, IR_CHECK_RW);
        ck_assert(fast(va, IR_CHECK_W));
    }
    tlb_flush_page(m.cpu, 0x4000, true, 0, true);
    tlb_unmap_writes(m.cpu, RAM_BASE + 0x3000);
    const IrTlbEntry *e = &m.env->bank.table[3];
    ck_assert_uint_eq(e->rtag, 0x3000);
    ck_assert_uint_ne(e->wtag, 0x3000);
    ck_assert_uint_eq(e[2].wtag, 0x5000);
    ck_assert(page_filter_has(m.cpu->written, RAM_BASE + 0x5000));
    ck_assert(!page_filter_has(m.cpu->written, RAM_BASE + 0x4000)); /* nobody has to look for it any more... */
    fast(0x4000, IR_CHECK_RW);
    ck_assert(page_filter_has(m.cpu->written, RAM_BASE + 0x4000)); /* ...but for what is new */
}
END_TEST

/* Where generated code would go by run 3, or NULL. */
static const uint8_t *by_run(uint64_t va, unsigned size, unsigned aux, bool either) {
    const IrPageRun *r = &m.env->runs[3];
    unsigned write = aux & IR_CHECK_W ? 1 : 0;
    if (va - r->low >= (either ? r->either[write] : r->rising[write][ir_run_size(size)])) {
        return NULL;
    }
    return (const uint8_t *)(uintptr_t)(va + r->addend - (2 * va & r->fall));
}

/* Pages 2 to 6 are in the first level, the last for reading only; an access to page 4 misses the run once too often. */
static void find_run(unsigned aux) {
    for (uint64_t va = 0x2000; va < 0x7000; va += PAGE_SIZE) {
        fast(va, va == 0x6000 ? IR_CHECK_R : IR_CHECK_RW);
    }
    tlb_unmap_writes(m.cpu, RAM_BASE + (0x6000 + cpu->offset - (cpu->falls ? 0xc000 : 0)) % RAM_BYTES);
    m.env->runs[3].misses = -1;
    hint_missed(m.cpu, 3, HOST_LOOK_EITHER, 0x4321, aux & IR_CHECK_W);
}

START_TEST(page_run) {
    static const unsigned sizes[] = {1, 2, 8, 9, 16, 32, IR_RUN_BYTES_MAX};
    for (unsigned aux = IR_CHECK_R; aux <= IR_CHECK_W; aux++) {
        uint64_t end = aux == IR_CHECK_W ? 0x6000 : 0x7000;
        enter(aux, 0);
        find_run(aux);
        for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
            unsigned slack = sizes[i] <= 8 ? 8 : sizes[i] <= 16 ? 16 : IR_RUN_BYTES_MAX;
            ck_assert_ptr_null(by_run(0x1fff, sizes[i], aux, false));
            ck_assert_ptr_eq(by_run(0x2000, sizes[i], aux, false), m.ram + 0x2000);
            ck_assert_ptr_eq(by_run(end - slack, sizes[i], aux, false), m.ram + end - slack);
            ck_assert_ptr_null(by_run(end - slack + 1, sizes[i], aux, false));
        }
        ck_assert_ptr_eq(by_run(end - 1, 1, aux, true), m.ram + end - 1);
        ck_assert_ptr_null(by_run(end, 1, aux, true));
    }
    ck_assert_ptr_eq(by_run(0x5000, 8, IR_CHECK_R, false), m.ram + 0x5000); /* one for writing is for reading too */
}
END_TEST

/* One for reading that has a page that cannot be written; and one whose pages fall, where nothing may go across. */
START_TEST(page_run_rights) {
    enter(1, 0);
    find_run(IR_CHECK_R);
    ck_assert_ptr_null(by_run(0x2000, 1, IR_CHECK_W, false));
    ck_assert_ptr_null(by_run(0x2000, 1, IR_CHECK_W, true));
    cpu->falls = true;
    enter(2, 0);
    find_run(IR_CHECK_W);
    for (uint64_t va = 0x2000; va < 0x6000; va += 0x218) {
        ck_assert_ptr_eq(by_run(va, 8, IR_CHECK_W, true), m.ram + (RAM_BYTES - (va & ~0xfffull)) + (va & 0xfff));
        ck_assert_ptr_null(by_run(va, 8, IR_CHECK_W, false));
    }
    ck_assert_ptr_null(by_run(0x1ff8, 8, IR_CHECK_W, true));
    ck_assert_ptr_null(by_run(0x6000, 8, IR_CHECK_W, true));
}
END_TEST

/* Everything that takes an entry out of the first level voids a run it is in. */
START_TEST(page_run_forgotten) {
    const uint64_t tag = UINT64_C(0x5a) << 56;
    enter(1, 0);
    for (unsigned way = 0; way < 8; way++) {
        find_run(IR_CHECK_W);
        tlb_flush_page(m.cpu, 0x6000, true, 0, true); /* next to it */
        tlb_flush_page(m.cpu, 0x1000, true, 0, true);
        ck_assert_ptr_nonnull(by_run(0x2000, 8, IR_CHECK_W, false));
        ck_assert_ptr_nonnull(by_run(0x2000, 8, IR_CHECK_R, true));
        switch (way) {
        case 0: tlb_flush_page(m.cpu, 0x2000, false, 1, true); break;
        case 1: tlb_flush_page(m.cpu, tag | 0x5000, true, 0, true); break;
        case 2: tlb_flush_all(m.cpu); break;
        case 3: tlb_flush_asid(m.cpu, 1); break;
        case 4: tlb_unmap_writes(m.cpu, RAM_BASE + 0x3000); break;
        case 5: tlb_forget_entries(m.cpu); break;
        case 6: enter(2, 0), enter(1, 0); break;
        case 7: cpu->regime = 2, tlb_context_changed(m.cpu); break;
        }
        for (unsigned k = 0; k < 4; k++) {
            ck_assert_ptr_null(by_run(0x4000, 8, k & 1 ? IR_CHECK_W : IR_CHECK_R, k & 2));
        }
    }
}
END_TEST

/* No run: a page alone, or one whose neighbours lie elsewhere. */
START_TEST(no_page_run) {
    fast(0x2000, IR_CHECK_R);
    cpu->offset = 0x3000;
    fast(0x3000, IR_CHECK_R);
    m.env->runs[3].misses = -1;
    hint_missed(m.cpu, 3, HOST_LOOK_EITHER, 0x2000, false);
    ck_assert_ptr_null(by_run(0x2000, 1, IR_CHECK_R, true));
    ck_assert_int_gt(m.env->runs[3].misses, 0);
    m.env->runs[3].misses = -1; /* unless the page is not there at all */
    hint_missed(m.cpu, 3, HOST_LOOK_EITHER, 0x9000, false);
    ck_assert_ptr_null(by_run(0x9000, 1, IR_CHECK_R, true));
    /* The insn at 0 gives up... */
    for (unsigned i = 0; i < 10000 && tb_hint_look(m.tcg, RAM_BASE + 0x3000) != HOST_LOOK_TLB; i++) {
        ck_assert_int_eq(tb_hint_look(m.tcg, RAM_BASE + 0x3000), HOST_LOOK_PAGE);
        m.env->runs[3].misses = -1;
        hint_missed(m.cpu, 3, HOST_LOOK_EITHER, 0x2000, false);
    }
    ck_assert_int_eq(tb_hint_look(m.tcg, RAM_BASE + 0x3000), HOST_LOOK_TLB);
}
END_TEST

/* ...but not one whose run is forgotten again and again. */
START_TEST(page_run_comes_back) {
    enter(1, 0);
    cpu->offset = 0x3000;
    for (unsigned i = 0; i < 100; i++) {
        find_run(IR_CHECK_R);
        ck_assert_ptr_nonnull(by_run(0x2000, 1, IR_CHECK_R, true));
        hint_forget_all(m.cpu);
    }
    ck_assert_int_eq(tb_hint_look(m.tcg, RAM_BASE + 0x3000), HOST_LOOK_PAGE);
}
END_TEST

/* An entry of the jump cache for code at va, and whether generated code would find it now. */
static void learn(uint64_t va) {
    space_note_code(m.cpu, va & ~(uint64_t)(PAGE_SIZE - 1), RAM_BASE + (va + cpu->offset) % RAM_BYTES / PAGE_SIZE * PAGE_SIZE,
                    cpu->page_bits);
    m.env->jumps[ir_jump_index(va)] = (IrJump){va ^ m.env->space, "code"};
}
static bool known(uint64_t va) {
    if (!m.env->space) {
        space_select(m.cpu); /* as for the next block found in C */
    }
    return m.env->jumps[ir_jump_index(va)].key == (va ^ m.env->space);
}

START_TEST(code_of_two_spaces) {
    enter(1, 0);
    learn(0x7004);
    enter(2, 0); /* the same page is there too */
    ck_assert(known(0x7004));
    learn(0x8008);
    enter(1, 0);
    ck_assert(known(0x8008));
    enter(3, 0x1000); /* another one */
    ck_assert(!known(0x7004));
    learn(0x9010);
    enter(1, 0);
    ck_assert(known(0x7004) && !known(0x9010));
    cpu->regime = 2; /* another mode */
    tlb_context_changed(m.cpu);
    ck_assert(!known(0x7004));
}
END_TEST

START_TEST(code_learned_elsewhere) {
    enter(1, 0);
    learn(0x7004);
    enter(2, 0);
    learn(0x8008);
    tlb_flush_asid(m.cpu, 1);
    enter(1, 0x1000); /* what 2 has learned since is not so here, nor what was known */
    ck_assert(!known(0x7004) && !known(0x8008));
    enter(2, 0);
    ck_assert(known(0x7004) && known(0x8008));
}
END_TEST

START_TEST(code_after_maintenance) {
    learn(0x7004);
    learn(0x8008);
    tlb_flush_page(m.cpu, 0x9000, true, 0, true);
    ck_assert(known(0x7004) && known(0x8008));
    tlb_flush_page(m.cpu, 0x7000, true, 0, true);
    ck_assert(!known(0x7004) && known(0x8008));
    tlb_flush_all(m.cpu);
    ck_assert_uint_eq(m.env->space, 0); /* nothing is found until the pages have been looked at */
    ck_assert(known(0x8008));
    tlb_flush_asid(m.cpu, 0);
    ck_assert(known(0x8008));
    cpu->offset = 0x1000;
    tlb_flush_asid(m.cpu, 0);
    ck_assert(!known(0x8008));
    learn(0xa000);
    ck_assert(known(0xa000));
    cpu->offset = 0x2000;
    tlb_flush_all(m.cpu);
    ck_assert(!known(0xa000));
}
END_TEST

START_TEST(code_moved_silently) {
    learn(0x7004);
    learn(0x8008);
    cpu->offset = 0x1000; /* no maintenance, but a walk has come by */
    learn(0x700c);
    ck_assert(known(0x700c) && !known(0x7004) && !known(0x8008));
}
END_TEST

START_TEST(code_of_large_mappings) {
    cpu->page_bits = 21;
    learn(0x204004);
    expect(0x204004, RAM_BASE + 0x4004, 1);
    learn(0x205008);
    tlb_flush_all(m.cpu);
    ck_assert(known(0x205008));
    cpu->page_bits = IR_PAGE_BITS; /* it has been split; the page that is asked for may be the same, others not */
    tlb_flush_page(m.cpu, 0x2ff000, true, 0, true);
    ck_assert(!known(0x205008));
}
END_TEST

START_TEST(more_code_than_a_map_lists) {
    for (uint64_t i = 0; i < 2 * CODE_RANGES; i++) {
        learn(i << 12);
        ck_assert(known(i << 12));
    }
    enter(2, 0);
    ck_assert(!known((2 * CODE_RANGES - 1) << 12)); /* who knows */
    enter(0, 0);
    ck_assert(known((2 * CODE_RANGES - 1) << 12));
    tlb_flush_page(m.cpu, (2 * CODE_RANGES - 2) << 12, true, 0, true);
    ck_assert(!known((2 * CODE_RANGES - 2) << 12) && known((2 * CODE_RANGES - 1) << 12));
    tlb_flush_asid(m.cpu, 0);
    ck_assert(!known((2 * CODE_RANGES - 1) << 12));
}
END_TEST

START_TEST(more_spaces_than_maps) {
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 1; i <= 2 * CODE_MAPS; i++) {
            enter(i, i * 0x1000);
            ck_assert(!known(0x7004));
            learn(0x7004);
            ck_assert(known(0x7004));
        }
    }
    enter(2 * CODE_MAPS - 1, (2 * CODE_MAPS - 1) * 0x1000);
    learn(0x7004);
    enter(2 * CODE_MAPS, 2 * CODE_MAPS * 0x1000);
    enter(2 * CODE_MAPS - 1, (2 * CODE_MAPS - 1) * 0x1000);
    ck_assert(known(0x7004));
}
END_TEST

/* No address that a guest may make up finds what another space has learned: one that differs from it as the spaces do. */
START_TEST(no_other_space) {
    for (unsigned i = 1; i < 30; i++) {
        enter(i, 0x1000 * (i % 16));
        learn(0x7004);
        uint64_t own = m.env->space;
        for (unsigned k = 1; k < 30; k++) {
            enter(k, 0x1000 * (k % 16));
            ck_assert(m.env->space == own || !known(0x7004 ^ own ^ m.env->space));
        }
        m.env->space = UINT64_C(0); /* none */
        for (unsigned k = 0; k < 64; k++) {
            uint64_t va = 0x7004 ^ UINT64_C(1) << k;
            ck_assert_uint_ne(m.env->jumps[ir_jump_index(va)].key, va);
        }
    }
    ir_jumps_clear(m.env);
    for (unsigned i = 0; i < 1u << IR_JUMP_BITS; i++) {
        uint64_t key = m.env->jumps[i].key;
        for (unsigned n = 0; n < IR_SPACES; n += 97) {
            bool found = ir_jump_index(key ^ ir_space(n)) == i;
            if (found) {
                ck_abort_msg("space %u finds the empty entry %u", n, i);
            }
        }
    }
}
END_TEST

START_TEST(ids_run_out) {
    for (unsigned i = 0; i < 1 << 15; i++) {
        cpu->offset = (i & 7) * 0x1000;
        tlb_flush_all(m.cpu);
        ck_assert_msg(!known(0x7004), "code is taken for another's after %u changes", i);
        learn(0x7004);
    }
}
END_TEST

START_TEST(code_of_every_page) {
    for (uint64_t va = UINT64_C(4200) << 12; va; va -= UINT64_C(1) << 12) { /* downwards: no neighbour stands in for it */
        learn(va);
        ck_assert(known(va));
        tlb_flush_page(m.cpu, va, true, 0, true);
        ck_assert_msg(!known(va), "code at %#" PRIx64 " is not forgotten", va);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {large_bank, second_level, address_spaces, global, flush_all, flush_asid, flush_page,
                                  flush_page_of_every_space, large_mapping, many_large_mappings, no_writes_to_code,
                                  page_run, page_run_rights, page_run_forgotten, no_page_run,
                                  page_run_comes_back, code_of_two_spaces,
                                  code_learned_elsewhere, code_after_maintenance, code_moved_silently,
                                  code_of_large_mappings, more_code_than_a_map_lists, more_spaces_than_maps, no_other_space, ids_run_out,
                                  code_of_every_page};
    Suite *suite = suite_create("tlb");
    TCase *tcase = tcase_create("tlb");
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
