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
    *x = (MemXlat){.pa = RAM_BASE + (va + c->offset) % RAM_BYTES, .readable = true, .writable = !c->read_only,
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
    uint64_t space = m.env->space;
    IrTlbEntry *bank = m.env->bank.table;
    enter(2, 0x3000);
    ck_assert_uint_ne(m.env->space, space);
    ck_assert_ptr_ne(m.env->bank.table, bank);
    ck_assert(!fast(0x1000, IR_CHECK_R));
    expect(0x1000, RAM_BASE + 0x4000, 0);
    enter(1, 0); /* nothing has been lost */
    ck_assert_uint_eq(m.env->space, space);
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
    uint64_t space = m.env->space;
    fast(0x1000, IR_CHECK_R);
    fast(0x2000, IR_CHECK_W);
    tlb_flush_all(m.cpu);
    ck_assert_uint_ne(m.env->space, space); /* the jump cache is stale too */
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
    tlb_flush_page(m.cpu, 0x1000, false, 0);
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
    tlb_flush_page(m.cpu, 0x1000, false, 2);
    expect(0x1000, RAM_BASE + 0x1000, 1);
    enter(1, 0);
    expect(0x1000, RAM_BASE + 0x1000, 0);
    tlb_flush_page(m.cpu, 0x1000, true, 0);
    expect(0x1000, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(large_mapping) {
    cpu->page_bits = 21;
    expect(0x200000, RAM_BASE, 1);
    expect(0x3f0000, RAM_BASE, 1);
    cpu->offset = 0x1000;
    tlb_flush_page(m.cpu, 0x234000, false, 0); /* another page of the same mapping */
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
    tlb_flush_page(m.cpu, (UINT64_C(5) << 21) + 0x7000, false, 0);
    expect(UINT64_C(5) << 21, RAM_BASE + 0x1000, 1);
}
END_TEST

START_TEST(no_writes_to_code) {
    fast(0x3000, IR_CHECK_RW);
    ck_assert(fast(0x3000, IR_CHECK_W));
    tlb_unmap_writes(m.cpu, RAM_BASE + 0x3000);
    const IrTlbEntry *e = &m.env->bank.table[3];
    ck_assert_uint_eq(e->rtag, 0x3000);
    ck_assert_uint_ne(e->wtag, 0x3000);
}
END_TEST

START_TEST(code_seen_from_two_spaces) {
    uint64_t space = m.env->space;
    tlb_note_code(m.cpu, 0x7000);
    tlb_flush_page(m.cpu, 0x8000, true, 0);
    ck_assert_uint_eq(m.env->space, space); /* no code there: the jump cache stays */
    tlb_flush_page(m.cpu, 0x7000, true, 0);
    ck_assert_uint_ne(m.env->space, space);
}
END_TEST

START_TEST(code_of_every_page) {
    for (uint64_t va = 0; va < UINT64_C(4200) << 12; va += UINT64_C(1) << 12) {
        uint64_t space = m.env->space;
        tlb_note_code(m.cpu, va);
        tlb_flush_page(m.cpu, va, true, 0);
        ck_assert_msg(m.env->space != space, "code at %#" PRIx64 " is not forgotten", va);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {second_level, address_spaces, global, flush_all, flush_asid, flush_page,
                                  flush_page_of_every_space, large_mapping, many_large_mappings, no_writes_to_code,
                                  code_seen_from_two_spaces, code_of_every_page};
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
