/* SPDX-License-Identifier: MIT */
/*
 * arm_fake.h - an Arm CPU on a machine of one byte array: CpuPorts that record what they are asked, and a small run
 * loop over the IR interpreter. For the tests of frontend/arm.
 */
#ifndef TESTS_UNIT_ARM_FAKE_H
#define TESTS_UNIT_ARM_FAKE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/arm/sysreg.h"

enum { FAKE_RAM = 0x40000000, FAKE_RAM_SIZE = 1 << 20 };

typedef struct Fake {
    Env *env;
    CpuPorts ports;
    IrInterp *interp;
    IrBlock *ir;
    uint8_t *ram;
    uint64_t now;                        /* ns */
    uint64_t deadline[FRONTEND_TIMERS];
    uint32_t outputs;                    /* levels of irq_out */
    unsigned flush_all, flush_asid, flush_page, code_written, code_flush, context_changed;
    uint64_t flushed_va, flushed_asid, written_pa;
    bool flushed_any, flushed_last_level, everywhere;
    int power, power_code;               /* -1: never asked */
    bool halted;
    unsigned logs[4];                    /* lines per CpuLog */
} Fake;

static inline uint8_t *fake_ram(Fake *f, uint64_t pa, uint64_t size) {
    return pa >= FAKE_RAM && pa - FAKE_RAM + size <= FAKE_RAM_SIZE ? f->ram + (pa - FAKE_RAM) : NULL;
}

static inline void fake_put(Fake *f, uint64_t pa, uint64_t value) {
    memcpy(fake_ram(f, pa, 8), &value, 8);
}

static inline uint64_t fake_get(Fake *f, uint64_t pa) {
    uint64_t value;
    memcpy(&value, fake_ram(f, pa, 8), 8);
    return value;
}

static inline void fake_code(Fake *f, uint64_t pa, const uint32_t *insns, size_t bytes) {
    memcpy(fake_ram(f, pa, bytes), insns, bytes);
}

static inline bool fake_phys_read(void *o, Env *env, uint64_t pa, unsigned size, uint64_t *value) {
    const uint8_t *at = fake_ram(o, pa, size);
    *value = 0;
    if (at) {
        memcpy(value, at, size);
    }
    return at != NULL;
}

static inline bool fake_phys_write(void *o, Env *env, uint64_t pa, unsigned size, uint64_t value) {
    uint8_t *at = fake_ram(o, pa, size);
    if (at) {
        memcpy(at, &value, size);
    }
    return at != NULL;
}

/* Host address of [va, va + size), which must not cross a page; NULL with *fault filled. */
static inline uint8_t *fake_at(Fake *f, uint64_t va, uint64_t size, MemAccess access, unsigned aux, MemFault *fault) {
    MemXlat x;
    *fault = (MemFault){.access = access, .va = va, .aux = aux};
    if (!frontend_arm.walk(f->env, va, access, aux & IR_CHECK_UNPRIV, &x)) {
        fault->kind = MEM_FAULT_WALK;
        fault->guest = x.guest_fault;
        return NULL;
    }
    fault->kind = MEM_FAULT_BUS;
    return fake_ram(f, x.pa, size);
}

static inline bool fake_virt(Fake *f, uint64_t va, void *buffer, uint64_t size, bool write) {
    for (uint64_t i = 0; i < size; i++) {
        MemFault fault;
        uint8_t *at = fake_at(f, va + i, 1, write ? MEM_WRITE : MEM_READ, 0, &fault);
        if (!at) {
            return false;
        }
        if (write) {
            *at = ((uint8_t *)buffer)[i];
        } else {
            ((uint8_t *)buffer)[i] = *at;
        }
    }
    return true;
}

static inline bool fake_virt_read(void *o, Env *env, uint64_t va, void *buffer, uint64_t size) {
    return fake_virt(o, va, buffer, size, false);
}

static inline bool fake_virt_write(void *o, Env *env, uint64_t va, const void *buffer, uint64_t size) {
    return fake_virt(o, va, (void *)(uintptr_t)buffer, size, true);
}

static inline void fake_code_written(void *o, Env *env, uint64_t pa, uint64_t size) {
    ((Fake *)o)->code_written++;
    ((Fake *)o)->written_pa = pa;
}

static inline void fake_code_flush(void *o, Env *env) {
    ((Fake *)o)->code_flush++;
}

static inline void fake_flush_all(void *o, Env *env, bool everywhere) {
    ((Fake *)o)->flush_all++;
    ((Fake *)o)->everywhere = everywhere;
}

static inline void fake_flush_asid(void *o, Env *env, uint64_t asid, bool everywhere) {
    ((Fake *)o)->flush_asid++;
    ((Fake *)o)->everywhere = everywhere;
    ((Fake *)o)->flushed_asid = asid;
}

static inline void fake_flush_page(void *o, Env *env, uint64_t va, bool any_asid, uint64_t asid, bool last_level,
                                   bool everywhere) {
    Fake *f = o;
    f->flush_page++;
    f->everywhere = everywhere;
    f->flushed_va = va;
    f->flushed_any = any_asid;
    f->flushed_last_level = last_level;
    f->flushed_asid = asid;
}

static inline void fake_context_changed(void *o, Env *env) {
    ((Fake *)o)->context_changed++;
}

static inline uint64_t fake_now(void *o) {
    return ((Fake *)o)->now;
}

static inline void fake_timer_set(void *o, Env *env, unsigned timer, uint64_t deadline) {
    ((Fake *)o)->deadline[timer] = deadline;
}

static inline void fake_irq_out(void *o, Env *env, unsigned line, bool level) {
    Fake *f = o;
    f->outputs = (f->outputs & ~(1u << line)) | (uint32_t)level << line;
}

static inline void fake_power(void *o, Env *env, int action, int code) {
    ((Fake *)o)->power = action;
    ((Fake *)o)->power_code = code;
}

static inline void G_GNUC_PRINTF(4, 5) fake_log(void *o, Env *env, int item, const char *format, ...) {
    ((Fake *)o)->logs[item]++;
}

/* -- guest memory for the interpreter -- */

static inline Fake *fake_of(Env *env) {
    return env->runtime;
}

static inline bool fake_fault(Env *env, const MemFault *fault) {
    frontend_arm.mem_fault(env, fault);
    return false;
}

static inline bool fake_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    MemAccess access = aux & IR_CHECK_W ? MEM_WRITE : MEM_READ;
    MemFault fault;
    if (frontend_arm.watching(env) && frontend_arm.watch_hit(env, ea, size, access)) {
        return fake_fault(env, &(MemFault){.kind = MEM_FAULT_WATCH, .access = access, .va = ea});
    }
    uint8_t *at = fake_at(fake_of(env), ea, size, access, aux, &fault);
    *addend = (uint64_t)(uintptr_t)at - ea;
    return at || fake_fault(env, &fault);
}

static inline bool fake_load(Env *env, uint64_t ea, unsigned size, IrVal *v) {
    ck_abort_msg("no slow loads here");
    return false;
}

static inline bool fake_store(Env *env, uint64_t ea, unsigned size, const IrVal *v) {
    ck_abort_msg("no slow stores here");
    return false;
}

static inline void fake_misaligned(Env *env, uint64_t value) {
    fake_fault(env, &(MemFault){.kind = MEM_FAULT_STACK, .va = value});
}

static const IrMemOps fake_mem_ops = {fake_check, fake_load, fake_store, fake_misaligned};

/* -- life -- */

static inline Fake *fake_new(const char *model) {
    Fake *f = calloc(1, sizeof(*f));
    f->ram = calloc(1, FAKE_RAM_SIZE);
    f->env = aligned_alloc(64, (sizeof(Env) + 63) & ~(size_t)63);
    memset(f->env, 0, sizeof(Env));
    f->env->runtime = f;
    f->power = -1;
    f->ports = (CpuPorts){
        .opaque = f, .phys_read = fake_phys_read, .phys_write = fake_phys_write, .virt_read = fake_virt_read,
        .virt_write = fake_virt_write, .code_written = fake_code_written, .code_flush = fake_code_flush,
        .tlb_flush_all = fake_flush_all, .tlb_flush_asid = fake_flush_asid, .tlb_flush_page = fake_flush_page,
        .context_changed = fake_context_changed, .now = fake_now, .timer_set = fake_timer_set, .irq_out = fake_irq_out,
        .power = fake_power, .log = fake_log,
    };
    ck_assert(frontend_arm.init(f->env, &(CpuConfig){.model = model, .ports = &f->ports}, NULL));
    frontend_arm.reset(f->env);
    f->ir = ir_block_new(frontend_arm.slots, frontend_arm.slot_count, frontend_arm.helpers, frontend_arm.helper_count);
    f->interp = ir_interp_new(&fake_mem_ops, frontend_arm.helpers, frontend_arm.helper_count);
    return f;
}

static inline void fake_free(Fake *f) {
    frontend_arm.finish(f->env);
    ir_interp_free(f->interp);
    ir_block_free(f->ir);
    free(f->env);
    free(f->ram);
    free(f);
}

/* Runs one insn at env->pc, after any interrupt or fetch fault: then nothing but that exception happens. */
static inline IrExit fake_step(Fake *f) {
    enum { PAGE = 1 << IR_PAGE_BITS };
    Env *env = f->env;
    MemFault fault;
    unsigned end;
    if (frontend_arm.deliverable(env)) {
        frontend_arm.take_interrupt(env);
        return IR_EXIT_PC_SET;
    }
    uint8_t *page = fake_at(f, env->pc & ~(uint64_t)(PAGE - 1), PAGE, MEM_FETCH, 0, &fault);
    if (!page || env->pc & 3) {
        fault.va = env->pc;
        fault.kind = env->pc & 3 ? MEM_FAULT_ALIGN : fault.kind;
        fake_fault(env, &fault);
        return IR_EXIT_FAULT;
    }
    ir_block_reset(f->ir);
    f->ir->optimize = true;
    TransRequest request = {.frontend = &frontend_arm, .env = env, .mode = frontend_arm.mode(env), .page = page,
                            .offset = env->pc & (PAGE - 1), .max_insns = 1, .stop_offset = -1};
    ck_assert_int_eq(frontend_translate(&request, f->ir, &end), TRANS_OK);
    g_autoptr(GError) error = NULL;
    ck_assert_msg(ir_verify(f->ir, &error), "%s", error ? error->message : "");
    env->pcbase = env->pc & ~(uint64_t)(PAGE - 1);
    env->pending = 0;
    IrExit reason = ir_interp_run(f->interp, f->ir, env);
    f->halted = reason == IR_EXIT_HALT;
    return reason;
}

/* Runs until WFI, at most `limit` insns. */
static inline void fake_run(Fake *f, unsigned limit) {
    f->halted = false;
    for (unsigned i = 0; i < limit && !f->halted; i++) {
        fake_step(f);
    }
    ck_assert_msg(f->halted, "no WFI within %u insns; pc %#llx", limit, (unsigned long long)f->env->pc);
}

/* Runs the one insn `word`, placed at the start of RAM. */
static inline IrExit fake_insn(Fake *f, uint32_t word) {
    fake_code(f, FAKE_RAM, &word, 4);
    f->env->pc = FAKE_RAM;
    return fake_step(f);
}

/* Into EL0 (t) or EL1 (h), as if it had always been there. */
static inline void fake_set_el(Fake *f, unsigned el) {
    arm_set_spsel(f->env, el, el);
    arm_update_mode(f->env);
}

static inline uint32_t fake_mrs(unsigned code, unsigned rt) {
    return 0xd5200000 | (uint32_t)code << 5 | rt;
}

static inline uint32_t fake_msr(unsigned code, unsigned rt) {
    return 0xd5000000 | (uint32_t)code << 5 | rt;
}

/* Reads and writes through the registers' insns; the test fails when that raises an exception. */
static inline uint64_t fake_read(Fake *f, unsigned code) {
    fake_insn(f, fake_mrs(code, 9));
    ck_assert_msg(f->env->pc == FAKE_RAM + 4, "MRS of %#x raised an exception: ESR %#llx", code,
                  (unsigned long long)arm_cold(f->env)->esr_el1);
    return arm_cpu(f->env)->x[9];
}

static inline void fake_write(Fake *f, unsigned code, uint64_t value) {
    arm_cpu(f->env)->x[9] = value;
    fake_insn(f, fake_msr(code, 9));
    ck_assert_msg(f->env->pc == FAKE_RAM + 4, "MSR of %#x raised an exception: ESR %#llx", code,
                  (unsigned long long)arm_cold(f->env)->esr_el1);
}

/* Every test file's main. */
static inline int fake_main(const char *name, const TTest *const *tests) {
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    for (size_t i = 0; tests[i]; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
