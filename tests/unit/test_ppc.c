/* SPDX-License-Identifier: MIT */
/*
 * test_ppc.c - a PowerPC CPU without a machine: models, registers, interrupts, time, 32-bit mode, damaged states.
 */
#include <check.h>
#include <string.h>

#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

typedef struct Fake {
    uint64_t now, deadline, halted_at;
    unsigned changes;
} Fake;

static Fake fake;
static Env *env;

static uint64_t port_now(void *opaque) {
    return fake.now;
}
static void port_timer(void *opaque, Env *e, unsigned timer, uint64_t deadline) {
    ck_assert_uint_eq(timer, PPC_TIMER_DEC);
    fake.deadline = deadline;
}
static void port_changed(void *opaque, Env *e) {
    fake.changes++;
}
static void port_halt(void *opaque, Env *e, uint64_t pc) {
    fake.halted_at = pc;
}
static G_GNUC_PRINTF(4, 5) void port_log(void *opaque, Env *e, int item, const char *format, ...) {
}

static const CpuPorts ports = {.now = port_now, .timer_set = port_timer, .context_changed = port_changed, .halt = port_halt,
                               .log = port_log};

static void make(const char *model) {
    CpuConfig config = {.model = model, .ports = &ports, .counter_hz = 1000000000};
    memset(&fake, 0, sizeof fake);
    memset(env, 0, sizeof *env);
    ck_assert(frontend_ppc.init(env, &config, NULL));
    frontend_ppc.reset(env);
}

static void setup(void) {
    env = g_aligned_alloc0(1, sizeof *env, 64);
    make("power9");
}

static void teardown(void) {
    g_aligned_free(env);
}

START_TEST(test_models) {
    g_autoptr(GError) error = NULL;
    CpuConfig config = {.model = "power7", .ports = &ports};
    ck_assert(!frontend_ppc.init(env, &config, &error));
    ck_assert_str_eq(error->message, "no PowerPC CPU model 'power7'; there are: power8, power9, max");
    make("power8");
    ck_assert(!ppc_has(env, PPC_ISA300));
    ppc_set_xer(env, UINT64_MAX);
    ck_assert_uint_eq(ppc_xer(env), 0xe000007f);
    make("power9");
    ck_assert(ppc_has(env, PPC_ISA300));
    ppc_set_xer(env, UINT64_MAX);
    ck_assert_uint_eq(ppc_xer(env), 0xe00c007f);
}
END_TEST

/* Every byte of the CPU's state in front of what is not state is in one span of the table. */
START_TEST(test_state_table) {
    static uint8_t seen[IR_GUEST_STATE_MAX];
    for (const CpuState *s = frontend_ppc.state; s->name; s++) {
        for (uint32_t i = 0; i < s->size && s->offset - offsetof(Env, guest) < IR_GUEST_STATE_MAX; i++) {
            ck_assert_msg(!seen[s->offset - offsetof(Env, guest) + i]++, "%s: byte %u is named twice", s->name, i);
        }
    }
    size_t cold = (size_t)((uint8_t *)ppc_cold(env) - env->guest);
    for (size_t i = 0; i < offsetof(PpcCpu, features); i++) {
        ck_assert_msg(seen[i], "byte %zu of PpcCpu has no name", i);
    }
    for (size_t i = 0; i < offsetof(PpcCold, model); i++) {
        ck_assert_msg(seen[cold + i], "byte %zu of PpcCold has no name", i);
    }
}
END_TEST

/* Debuggers change every register, and see what they have written. */
START_TEST(test_registers) {
    for (unsigned i = 0; i < frontend_ppc.reg_count; i++) {
        const CpuReg *r = &frontend_ppc.regs[i];
        IrVal v = {.u64 = UINT64_C(0x800000008000007c)}, got = {.u64 = 0};
        v.d[1] = r->bits == 128 ? UINT64_C(0x123456789abcdef0) : 0;
        uint64_t want = strcmp(r->name, "fpscr") == 0 ? 0x8000007c : strcmp(r->name, "vscr") == 0 ? 0 : strcmp(r->name, "msr") == 0 ? PPC_MSR_SF | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_PMM
                        : strcmp(r->name, "xer") == 0 ? 0x8000007c : r->bits == 32 ? 0x8000007c : v.u64;
        r->poke(env, r->arg, &v);
        r->peek(env, r->arg, &got);
        ck_assert_msg(got.u64 == want && (r->bits < 128 || got.d[1] == v.d[1]), "%s is %llx", r->name, (unsigned long long)got.u64);
    }
    g_autoptr(GString) text = g_string_new(NULL);
    frontend_ppc.dump(env, text);
    ck_assert_ptr_nonnull(strstr(text->str, "64-bit big-endian supervisor"));
}
END_TEST

/* -- interrupts -- */

START_TEST(test_interrupts) {
    PpcCpu *cpu = ppc_cpu(env);
    ppc_set_msr(env, PPC_MSR_SF | PPC_MSR_EE | PPC_MSR_ME | PPC_MSR_PR | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_RI);
    uint64_t before = cpu->msr;
    ppc_enter(env, PPC_VEC_PROGRAM, 0x1234, PPC_PROGRAM_TRAP);
    ck_assert_uint_eq(env->pc, 0x700);
    ck_assert_uint_eq(cpu->plain[PPC_PLAIN_SRR0], 0x1234);
    ck_assert_uint_eq(cpu->plain[PPC_PLAIN_SRR1], before | PPC_PROGRAM_TRAP);
    ck_assert_uint_eq(cpu->msr, PPC_MSR_SF | PPC_MSR_ME);
    ppc_set_interrupt_location(env, 3);
    ppc_set_interrupt_order(env, true);
    ppc_enter(env, PPC_VEC_PROGRAM, 0, 0); /* relocation was off: it stays so */
    ck_assert_uint_eq(env->pc, 0x700);
    ck_assert_uint_eq(cpu->msr, PPC_MSR_SF | PPC_MSR_ME | PPC_MSR_LE);
    ppc_set_msr(env, before);
    ppc_enter(env, PPC_VEC_SYSTEM_CALL, 0, 0);
    ck_assert_uint_eq(env->pc, UINT64_C(0xc000000000004c00));
    ck_assert_uint_eq(cpu->msr, PPC_MSR_SF | PPC_MSR_ME | PPC_MSR_LE | PPC_MSR_IR | PPC_MSR_DR);
    ppc_set_interrupt_location(env, 2);
    ppc_enter(env, PPC_VEC_SYSTEM_CALL, 0, 0);
    ck_assert_uint_eq(env->pc, 0x18c00);
    ppc_enter(env, PPC_VEC_RESET, 0, 0);
    ck_assert_uint_eq(env->pc, 0x100);
}
END_TEST

void ppc_helper_system_call_vectored(Env *e, uint32_t level);
void ppc_helper_return_vectored(Env *e);

START_TEST(test_vectored) {
    PpcCpu *cpu = ppc_cpu(env);
    const uint64_t msr = PPC_MSR_SF | PPC_MSR_EE | PPC_MSR_ME | PPC_MSR_PR | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_RI;
    const uint64_t within = PPC_MSR_SF | PPC_MSR_ME | PPC_MSR_EE | PPC_MSR_RI;
    ppc_set_msr(env, msr);
    env->pcbase = 0x4000;
    env->insn_off = 8;
    cpu->plain[PPC_PLAIN_FSCR] = 1 << 12;
    ppc_helper_system_call_vectored(env, 2);
    ck_assert_uint_eq(env->pc, 0x17040);
    ck_assert_uint_eq(cpu->lr, 0x400c);
    ck_assert_uint_eq(cpu->ctr, msr);
    ck_assert_uint_eq(cpu->msr, within);
    ppc_helper_return_vectored(env);
    ck_assert_uint_eq(env->pc, 0x400c);
    ck_assert_uint_eq(cpu->msr, msr);
    ppc_set_interrupt_location(env, 3);
    ppc_helper_system_call_vectored(env, 0);
    ck_assert_uint_eq(env->pc, UINT64_C(0xc000000000003000));
    ck_assert_uint_eq(cpu->msr, within | PPC_MSR_IR | PPC_MSR_DR);
}
END_TEST

START_TEST(test_memory_faults) {
    static const struct { MemFault fault; unsigned vector; uint64_t dsisr, srr1; } rows[] = {
        {{.kind = MEM_FAULT_WALK, .guest = 1 << 30, .va = 0x5678}, PPC_VEC_DATA, 1 << 30},
        {{.kind = MEM_FAULT_WALK, .access = MEM_WRITE, .guest = 1 << 27, .va = 0x5678}, PPC_VEC_DATA, 1 << 27 | 1 << 25},
        {{.kind = MEM_FAULT_WALK, .access = MEM_FETCH, .guest = 1 << 30, .va = 0x5678}, PPC_VEC_INSN, 0, 1 << 30},
        {{.kind = MEM_FAULT_WALK, .guest = PPC_FAULT_SEGMENT, .va = 0x5678}, PPC_VEC_DATA_SEGMENT},
        {{.kind = MEM_FAULT_WALK, .access = MEM_FETCH, .guest = PPC_FAULT_SEGMENT}, PPC_VEC_INSN_SEGMENT},
        {{.kind = MEM_FAULT_ALIGN, .va = 0x5678}, PPC_VEC_ALIGN},
        {{.kind = MEM_FAULT_BUS, .va = 0x5678}, PPC_VEC_MACHINE_CHECK},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        make("power9");
        env->pcbase = 0x4000;
        env->insn_off = 0x10;
        env->pc = 0x8000;
        frontend_ppc.mem_fault(env, &rows[i].fault);
        const PpcCpu *cpu = ppc_cpu(env);
        bool fetch = rows[i].fault.access == MEM_FETCH;
        ck_assert_uint_eq(env->pc, rows[i].vector);
        ck_assert_uint_eq(cpu->plain[PPC_PLAIN_SRR0], fetch ? 0x8000 : 0x4010);
        ck_assert_uint_eq(cpu->plain[PPC_PLAIN_SRR1], PPC_MSR_SF | PPC_MSR_ME | rows[i].srr1);
        ck_assert_uint_eq(cpu->plain[PPC_PLAIN_DSISR], rows[i].dsisr);
        ck_assert_uint_eq(cpu->plain[PPC_PLAIN_DAR], fetch ? 0 : 0x5678);
    }
}
END_TEST

START_TEST(test_external) {
    ck_assert(!frontend_ppc.wakes(env));
    frontend_ppc.set_line(env, CPU_LINE_IRQ, true);
    ck_assert(frontend_ppc.wakes(env) && !frontend_ppc.deliverable(env));
    ppc_set_msr(env, PPC_MSR_SF | PPC_MSR_EE);
    ck_assert(frontend_ppc.deliverable(env));
    env->pc = 0x4444;
    frontend_ppc.take_interrupt(env);
    ck_assert_uint_eq(env->pc, PPC_VEC_EXTERNAL);
    ck_assert_uint_eq(ppc_cpu(env)->plain[PPC_PLAIN_SRR0], 0x4444);
    frontend_ppc.set_line(env, CPU_LINE_IRQ, false);
    ck_assert(!frontend_ppc.wakes(env));
}
END_TEST

/* The timebase goes at one step a nanosecond here. */
START_TEST(test_decrementer) {
    fake.now = 5000;
    ppc_dec_write(env, 100);
    ck_assert_uint_eq(fake.deadline, 5101);
    fake.now = 5100;
    ck_assert_uint_eq(ppc_dec_read(env), 0);
    frontend_ppc.timer_expired(env, PPC_TIMER_DEC);
    ck_assert(!frontend_ppc.wakes(env));
    fake.now = 5101;
    frontend_ppc.timer_expired(env, PPC_TIMER_DEC);
    ck_assert(frontend_ppc.wakes(env));
    ck_assert_uint_eq(ppc_dec_read(env), UINT64_MAX);
    ppc_set_msr(env, PPC_MSR_SF | PPC_MSR_EE);
    frontend_ppc.take_interrupt(env);
    ck_assert_uint_eq(env->pc, PPC_VEC_DECREMENTER);
    ppc_dec_write(env, UINT64_C(1) << 54); /* the large one */
    ck_assert(!frontend_ppc.wakes(env));
    ck_assert_uint_eq(ppc_dec_read(env), UINT64_C(1) << 54);
    ppc_dec_write(env, UINT64_C(1) << 55);
    ck_assert(frontend_ppc.wakes(env));
    make("power8");
    ppc_dec_write(env, 0x80000000);
    ck_assert(frontend_ppc.wakes(env));
    ck_assert_uint_eq(ppc_dec_read(env), 0x80000000);
}
END_TEST

START_TEST(test_cede) {
    env->pcbase = 0x4000;
    env->insn_off = 8;
    ppc_cede(env);
    ck_assert_uint_eq(fake.halted_at, 0x400c);
    ck_assert(ppc_cpu(env)->msr & PPC_MSR_EE);
    frontend_ppc.set_line(env, CPU_LINE_IRQ, true);
    fake.halted_at = 0;
    ppc_cede(env);
    ck_assert_uint_eq(fake.halted_at, 0);
    ck_assert_int_lt(env->pending, 0);
}
END_TEST

/* -- addresses -- */

START_TEST(test_real_mode) {
    MemXlat x;
    ck_assert(ppc_walk(env, UINT64_C(0xc000000012345678), MEM_READ, false, &x));
    ck_assert_uint_eq(x.pa, 0x12345678);
    ppc_set_msr(env, 0); /* 32-bit mode */
    ck_assert(ppc_walk(env, UINT64_C(0x712345678), MEM_FETCH, false, &x));
    ck_assert_uint_eq(x.pa, 0x12345678);
    ppc_set_msr(env, PPC_MSR_SF | PPC_MSR_DR);
    ck_assert(!ppc_walk(env, 0x1000, MEM_READ, false, &x));
    ck_assert(ppc_walk(env, 0x1000, MEM_FETCH, false, &x));
}
END_TEST

/* -- states from snapshots -- */

START_TEST(test_damaged) {
    static const struct { size_t at; const char *name; } rows[] = {
        {offsetof(PpcCpu, msr) + 3, "msr"}, {offsetof(PpcCpu, so), "so"}, {offsetof(PpcCpu, ca32), "ca32"},
        {offsetof(PpcCpu, cr) + 7, "cr"}, {offsetof(PpcCpu, xer_count), "xer_count"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        make("power9");
        ck_assert(frontend_ppc.restored(env, NULL));
        env->guest[rows[i].at] = 0xff;
        ck_assert(!frontend_ppc.restored(env, &error));
        g_autofree char *start = g_strdup_printf("%s is 0x", rows[i].name);
        ck_assert_msg(g_str_has_prefix(error->message, start), "%s", error->message);
        ck_assert_ptr_nonnull(strstr(error->message, ", which no PowerPC CPU can have"));
    }
}
END_TEST

/* -- text -- */

START_TEST(test_text) {
    static const struct { uint32_t insn; const char *text; } rows[] = {
        {0x38600005, "li r3, 5"}, {0x3863fffe, "addi r3, r3, -2"}, {0x7c0802a6, "mfspr r0, 8"}, {0x4e800020, "blr"},
        {0x48000011, "bl 0x1010"}, {0x4182fffc, "bc 12, eq, 0xffc"}, {0x80610008, "lwz r3, 8(r1)"},
        {0xf821ffc1, "stdu r1, -64(r1)"}, {0x7c632a15, "add. r3, r3, r5"}, {0x60000000, "nop"}, {0x7c832378, "mr r3, r4"},
        {0x78631f24, "rldicr r3, r3, 3, 60"}, {0x2c230000, "cmpdi cr0, r3, 0"}, {0, ".long 0x00000000"},
        {0x7c001fec, "dcbz 0, r3"}, {0x7c0004ac, "sync 0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int little = 0; little < 2; little++) {
            g_autoptr(GString) text = g_string_new(NULL);
            uint32_t bytes = little ? rows[i].insn : __builtin_bswap32(rows[i].insn);
            ck_assert_uint_eq(ppc_disasm((uint8_t *)&bytes, 4, 0x1000, little ? PPC_MODE_LE : 0, text), 4);
            ck_assert_str_eq(text->str, rows[i].text);
        }
    }
    ck_assert_uint_eq(ppc_disasm((const uint8_t *)"abc", 3, 0, 0, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ppc");
    TCase *tcase = tcase_create("ppc");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_models);
    tcase_add_test(tcase, test_state_table);
    tcase_add_test(tcase, test_registers);
    tcase_add_test(tcase, test_interrupts);
    tcase_add_test(tcase, test_vectored);
    tcase_add_test(tcase, test_memory_faults);
    tcase_add_test(tcase, test_external);
    tcase_add_test(tcase, test_decrementer);
    tcase_add_test(tcase, test_cede);
    tcase_add_test(tcase, test_real_mode);
    tcase_add_test(tcase, test_damaged);
    tcase_add_test(tcase, test_text);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
