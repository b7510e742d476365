/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - the Arm front end as others see it: models, slots, state, registers for debuggers, reset, mode.
 * Spec: Arm DDI 0487, D1 (exception model), D13; the Cortex-A53, A57 and A72 technical reference manuals for their
 * identification registers, reduced to what is there.
 * Missing: AArch32, EL2, EL3; affinity levels 2 and 3 (Aff0 = index mod the cluster, Aff1 = index / the cluster).
 */
#include "frontend/arm/sysreg.h"

#include <inttypes.h>
#include <string.h>

#include "frontend/arm/a64.h"
#include "frontend/arm/disasm.h"

enum { COLD_AT = (sizeof(ArmCpu) + 15) & ~15u };

_Static_assert(COLD_AT + sizeof(ArmCold) <= IR_GUEST_STATE_MAX, "the Arm CPU does not fit Env.guest");
_Static_assert(offsetof(ArmCold, sp) == 0, "a row's offset 0 means none");

/* -- models -------------------------------------------------------------------------------- */

#define F(name) (UINT64_C(1) << ARM_##name)
#define FEATURES_V8 (F(BASE) | F(FP) | F(ASIMD) | F(AES) | F(PMULL) | F(SHA1) | F(SHA256) | F(CRC32))
#define FEATURES_MAX (FEATURES_V8 | F(LSE) | F(RDM) | F(RCPC) | F(FP16) | F(DOTPROD) | F(PAUTH) | F(PAN))

enum {
    ISAR0_V8 = 0x00011120,  /* AES and PMULL, SHA1, SHA256, CRC32 */
    PFR0_V8 = 0x00000011,   /* EL0 and EL1 in AArch64 only; FP and SIMD */
    DFR0_V8 = 0x00101106,   /* two watchpoints, two breakpoints (one context-aware), PMUv3, Armv8 debug */
    DCZID_64 = 4,
};

#define COMMON_V8 .pfr0 = PFR0_V8, .dfr0 = DFR0_V8, .isar0 = ISAR0_V8, .clidr = 0x0a200023, .dczid = DCZID_64

static const ArmModel models[] = {
    {"cortex-a53", FEATURES_V8, 62500000,
     {COMMON_V8, .midr = 0x410fd034, .mmfr0 = 0x00000122, .pmcr = 0x41030000,
      .ctr = 0x84448004, .ccsidr = {0x700fe01a, 0x201fe00a, 0x707fe07a}}},
    {"cortex-a57", FEATURES_V8, 62500000,
     {COMMON_V8, .midr = 0x411fd070, .mmfr0 = 0x00000124, .pmcr = 0x41010000,
      .ctr = 0x8444c004, .ccsidr = {0x701fe00a, 0x201fe012, 0x70ffe07a}}},
    {"cortex-a72", FEATURES_V8, 62500000,
     {COMMON_V8, .midr = 0x410fd083, .mmfr0 = 0x00000124, .pmcr = 0x41020000,
      .ctr = 0x8444c004, .ccsidr = {0x701fe00a, 0x201fe012, 0x707fe07a}}},
    {"max", FEATURES_MAX, 1000000000,
     {.midr = 0x000f7a10, .pfr0 = PFR0_V8 | 0x00110000, .dfr0 = DFR0_V8, .mmfr0 = 0x00100125, .mmfr1 = 0x00100000,
      .isar0 = ISAR0_V8 | UINT64_C(0x100010200000), .isar1 = 0x01100010, .clidr = 0x0a200023, .dczid = DCZID_64,
      .ctr = 0x8444c004, .ccsidr = {0x701fe00a, 0x201fe012, 0x707fe07a}}},
};

static const char *const model_names[] = {"cortex-a53", "cortex-a57", "cortex-a72", "max", NULL};

/* -- slots -------------------------------------------------------------------------------- */

#define CPU_AT(field) (offsetof(Env, guest) + offsetof(ArmCpu, field))
#define COLD_FIELD(field) (offsetof(Env, guest) + COLD_AT + offsetof(ArmCold, field))
#define X(n, rank) [ARM_SLOT_X0 + (n)] = {"x" #n, CPU_AT(x) + 8 * (n), IR_I64, rank, .base = (n) + 1, .steady = (n) == 29}
#define V(n, rank) [ARM_SLOT_V0 + (n)] = {"v" #n, CPU_AT(v) + 16 * (n), IR_V128, rank}
#define SYS(NAME, name, field, type) [ARM_SLOT_##NAME] = {name, field, type, 0}

/* Ranks by how often compiled code names the register. */
static const IrSlot slots[ARM_SLOTS] = {
    X(0, 1), X(1, 2), X(2, 4), X(3, 6), X(4, 9), X(5, 10), X(6, 12), X(7, 18), X(8, 17), X(9, 19),
    X(10, 20), X(11, 21), X(12, 22), X(13, 23), X(14, 24), X(15, 25), X(16, 26), X(17, 27), X(18, 31), X(19, 5),
    X(20, 7), X(21, 8), X(22, 11), X(23, 15), X(24, 16), X(25, 28), X(26, 29), X(27, 30), X(28, 32), X(29, 14),
    X(30, 13),
    [ARM_SLOT_SP] = {"sp", CPU_AT(sp), IR_I64, 3, .base = 32, .steady = true},
    [ARM_SLOT_NZCV] = {"nzcv", CPU_AT(nzcv), IR_FLAGS, 1},
    SYS(TPIDR_EL0, "tpidr_el0", CPU_AT(tpidr_el0), IR_I64),
    SYS(TPIDRRO_EL0, "tpidrro_el0", CPU_AT(tpidrro_el0), IR_I64),
    SYS(TPIDR_EL1, "tpidr_el1", CPU_AT(tpidr_el1), IR_I64),
    V(0, 1), V(1, 2), V(2, 3), V(3, 4), V(4, 5), V(5, 6), V(6, 7), V(7, 8), V(8, 25), V(9, 26), V(10, 27),
    V(11, 28), V(12, 29), V(13, 30), V(14, 31), V(15, 32), V(16, 9), V(17, 10), V(18, 11), V(19, 12), V(20, 13),
    V(21, 14), V(22, 15), V(23, 16), V(24, 17), V(25, 18), V(26, 19), V(27, 20), V(28, 21), V(29, 22), V(30, 23),
    V(31, 24),
    SYS(SP_EL0, "sp_el0", COLD_FIELD(sp), IR_I64),
    SYS(ELR_EL1, "elr_el1", COLD_FIELD(elr_el1), IR_I64),
    SYS(SPSR_EL1, "spsr_el1", COLD_FIELD(spsr_el1), IR_I64),
    SYS(ESR_EL1, "esr_el1", COLD_FIELD(esr_el1), IR_I64),
    SYS(FAR_EL1, "far_el1", COLD_FIELD(far_el1), IR_I64),
    SYS(CONTEXTIDR_EL1, "contextidr_el1", COLD_FIELD(contextidr_el1), IR_I64),
    SYS(DAIF, "daif", CPU_AT(daif), IR_I32),
};

/* -- state -------------------------------------------------------------------------------- */

#define ENV_STATE(field) {#field, offsetof(Env, field), sizeof(((Env *)0)->field)}
#define CPU_STATE(field) {#field, CPU_AT(field), sizeof(((ArmCpu *)0)->field)}
#define COLD_STATE(field) {#field, COLD_FIELD(field), sizeof(((ArmCold *)0)->field)}

static const CpuState state[] = {
    ENV_STATE(pc), ENV_STATE(fp), ENV_STATE(qc), ENV_STATE(excl_addr), ENV_STATE(excl_val), ENV_STATE(excl_size),
    CPU_STATE(x), CPU_STATE(sp), {"nzcv", CPU_AT(nzcv), sizeof(((ArmCpu *)0)->nzcv), IR_FLAG_MASK},
    CPU_STATE(el), CPU_STATE(spsel), CPU_STATE(daif),
    CPU_STATE(tpidr_el0), CPU_STATE(tpidrro_el0), CPU_STATE(tpidr_el1), CPU_STATE(v), CPU_STATE(mode),
    {"sp_banked", COLD_FIELD(sp), sizeof(((ArmCold *)0)->sp)},
    COLD_STATE(elr_el1), COLD_STATE(spsr_el1), COLD_STATE(esr_el1), COLD_STATE(far_el1), 
    COLD_STATE(vbar_el1), COLD_STATE(sctlr_el1), COLD_STATE(cpacr_el1),
    COLD_STATE(ttbr0_el1), COLD_STATE(ttbr1_el1), COLD_STATE(tcr_el1), COLD_STATE(mair_el1), 
    COLD_STATE(contextidr_el1), COLD_STATE(par_el1), COLD_STATE(csselr_el1), COLD_STATE(key), COLD_STATE(cntkctl_el1),
    COLD_STATE(cntfrq_el0), COLD_STATE(timer), COLD_STATE(pmcr_el0), COLD_STATE(pmcnten), COLD_STATE(pminten),
    COLD_STATE(pmovs), COLD_STATE(pmuserenr_el0), COLD_STATE(pmselr_el0), COLD_STATE(pmccfiltr_el0),
    COLD_STATE(cycles), COLD_STATE(cycles_at), COLD_STATE(mdscr_el1), COLD_STATE(mdccint_el1),
    COLD_STATE(osdtrrx_el1), COLD_STATE(osdtrtx_el1), COLD_STATE(oseccr_el1), COLD_STATE(osdlr_el1),
    COLD_STATE(oslsr_el1), COLD_STATE(dbgprcr_el1), COLD_STATE(dbgclaim), COLD_STATE(dbgbvr), COLD_STATE(dbgbcr),
    COLD_STATE(dbgwvr), COLD_STATE(dbgwcr), COLD_STATE(lines), COLD_STATE(outputs), COLD_STATE(pan), COLD_STATE(il),
    COLD_STATE(ss), COLD_STATE(stepping), COLD_STATE(semihost_errno), COLD_STATE(pad),
    {NULL},
};

/* -- mode and processor state -------------------------------------------------------------------------------- */

static bool fp_traps(const ArmCold *cold, unsigned el) {
    unsigned fpen = cold->cpacr_el1 >> 20 & 3;
    return fpen == 3 ? false : fpen == 1 ? el == 0 : true;
}

void arm_update_mode(Env *env) {
    enum { M = 1 << 0, A = 1 << 1, SA = 1 << 3, SA0 = 1 << 4, DZE = 1 << 14, E0E = 1 << 24, EE = 1 << 25 };
    ArmCpu *cpu = arm_cpu(env);
    const ArmCold *cold = cpu->cold;
    uint64_t sctlr = cold->sctlr_el1;
    bool el0 = cpu->el == 0;
    uint64_t mode = cpu->el;
    mode |= fp_traps(cold, cpu->el) ? ARM_MODE_FP_TRAP : 0;
    mode |= sctlr & A ? ARM_MODE_ALIGN : 0;
    mode |= sctlr & (el0 ? SA0 : SA) ? ARM_MODE_SP_ALIGN : 0;
    mode |= sctlr & (el0 ? E0E : EE) ? ARM_MODE_BIG : 0;
    mode |= arm_tbi(env, 0, true) ? ARM_MODE_TBI0 : 0;
    mode |= arm_tbi(env, UINT64_MAX, true) ? ARM_MODE_TBI1 : 0;
    mode |= sctlr & M ? ARM_MODE_MMU : 0;
    mode |= cold->pan && !el0 ? ARM_MODE_PAN : 0;
    mode |= cpu->spsel && !el0 ? ARM_MODE_SPSEL : 0;
    mode |= el0 && sctlr & DZE ? ARM_MODE_DZE : 0;
    mode |= env->fp.flush || env->fp.default_nan || env->fp.alt_half ? ARM_MODE_FP_FULL : 0;
    mode |= cold->smp ? ARM_MODE_SMP : 0;
    mode |= arm_debug_mode(env);
    cpu->mode = mode;
    cold->ports->context_changed(cold->ports->opaque, env);
}

void arm_poll_interrupts(Env *env) {
    if (arm_deliverable(env)) {
        __atomic_store_n(&env->pending, -1, __ATOMIC_RELEASE);
    }
}

static unsigned sp_bank(unsigned el, unsigned spsel) {
    return el && spsel;
}

void arm_set_spsel(Env *env, unsigned el, unsigned spsel) {
    ArmCpu *cpu = arm_cpu(env);
    unsigned from = sp_bank(cpu->el, cpu->spsel), to = sp_bank(el, spsel);
    if (from != to) {
        cpu->cold->sp[from] = cpu->sp;
        cpu->sp = cpu->cold->sp[to];
    }
    cpu->el = el;
    cpu->spsel = spsel;
}

uint64_t arm_nzcv(const Env *env) {
    uint32_t f = arm_cpu_const(env)->nzcv;
    return (f & IR_FLAG_N ? 1u << 31 : 0) | (f & IR_FLAG_Z ? 1u << 30 : 0) | (f & IR_FLAG_C ? 1u << 29 : 0) |
           (f & IR_FLAG_V ? 1u << 28 : 0);
}

void arm_set_nzcv(Env *env, uint64_t spsr) {
    arm_cpu(env)->nzcv = (spsr >> 31 & 1 ? IR_FLAG_N : 0) | (spsr >> 30 & 1 ? IR_FLAG_Z : 0) |
                         (spsr >> 29 & 1 ? IR_FLAG_C : 0) | (spsr >> 28 & 1 ? IR_FLAG_V : 0);
}

uint64_t arm_pstate(const Env *env) {
    const ArmCpu *cpu = arm_cpu_const(env);
    const ArmCold *cold = cpu->cold;
    return arm_nzcv(env) | (uint64_t)cold->pan << 22 | (uint64_t)cold->ss << 21 | (uint64_t)cold->il << 20 | cpu->daif |
           (unsigned)cpu->el << 2 | (cpu->el ? cpu->spsel : 0);
}

uint64_t arm_clean_pc(const Env *env, uint64_t pc) {
    if (!arm_tbi(env, pc, true)) {
        return pc;
    }
    return (uint64_t)((int64_t)(pc << 8) >> 8);
}

static uint64_t arm_id(const Env *env) {
    return arm_cold_const(env)->id.mpidr & ARM_AFFINITY;
}

static uint64_t arm_mode(const Env *env) {
    return arm_cpu_const(env)->mode;
}

/* -- life -------------------------------------------------------------------------------- */

static const ArmModel *find_model(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (g_str_equal(models[i].name, name)) {
            return &models[i];
        }
    }
    return NULL;
}

static bool arm_init(Env *env, const CpuConfig *config, GError **error) {
    const ArmModel *model = find_model(config->model);
    if (!model) {
        g_autofree char *names = g_strjoinv(", ", (char **)model_names);
        g_set_error(error, ir_error_quark(), 0, "no Arm CPU model '%s'; there are: %s", config->model, names);
        return false;
    }
    memset(env->guest, 0, sizeof(env->guest));
    ArmCpu *cpu = arm_cpu(env);
    ArmCold *cold = (ArmCold *)(void *)(env->guest + COLD_AT);
    cpu->cold = cold;
    cpu->features = model->features;
    cold->model = model;
    cold->id = model->id;
    cold->index = config->index;
    cold->smp = config->smp;
    unsigned cluster = config->cluster ? config->cluster : 8;
    cold->id.mpidr = UINT64_C(1) << 31 | (uint64_t)(config->index / cluster) << 8 | config->index % cluster;
    cold->ports = config->ports;
    cold->counter_hz = config->counter_hz ? config->counter_hz : model->counter_hz;
    arm_sysreg_init(env);
    arm_pauth_init(env);
    arm_mmu_init(env);
    return true;
}

static void arm_finish(Env *env) {
    ArmCold *cold = arm_cold(env);
    if (cold) {
        arm_semihosting_finish(env);
        arm_sysreg_finish(env);
        g_clear_pointer(&cold->pacs, g_free);
        g_clear_pointer(&cold->tables, g_free);
    }
}

static void arm_reset(Env *env) {
    ArmCpu *cpu = arm_cpu(env);
    ArmCold *cold = cpu->cold;
    uint32_t lines = __atomic_load_n(&cold->lines, __ATOMIC_RELAXED); /* inputs: whoever drives them resets them */
    uint32_t outputs = cold->outputs;
    memset(cpu, 0, offsetof(ArmCpu, features));
    memset(cold, 0, offsetof(ArmCold, id));
    __atomic_store_n(&cold->lines, lines, __ATOMIC_RELAXED);
    cold->outputs = outputs;
    env->fp = (FpStatus){.rules = FP_RULES_ARM};
    env->qc = 0;
    env->excl_addr = UINT64_MAX;
    env->excl_size = 0;
    memset(&env->excl_val, 0, sizeof(env->excl_val));
    cpu->el = 1;
    cpu->spsel = 1;
    cpu->daif = 0x3c0;
    env->pc = cold->id.rvbar;
    arm_sysreg_reset(env);
    arm_timer_reset(env);
    arm_pmu_reset(env);
    arm_update_mode(env);
}

static void arm_set_entry(Env *env, uint64_t pc, const uint64_t *args, unsigned count) {
    env->pc = pc;
    for (unsigned i = 0; i < count && i < 8; i++) {
        arm_cpu(env)->x[i] = args[i];
    }
}

static void arm_set_line(Env *env, unsigned line, bool level) {
    ArmCold *cold = arm_cold(env);
    if (line > CPU_LINE_FIQ) {
        return;
    }
    if (level) {
        __atomic_fetch_or(&cold->lines, 1u << line, __ATOMIC_SEQ_CST);
    } else {
        __atomic_fetch_and(&cold->lines, ~(1u << line), __ATOMIC_SEQ_CST);
    }
}

static bool arm_wakes(const Env *env) {
    return __atomic_load_n(&arm_cold_const(env)->lines, __ATOMIC_SEQ_CST) != 0;
}

static void arm_timer_expired(Env *env, unsigned timer) {
    if (timer < ARM_TIMERS) {
        arm_timer_update(env, timer);
    } else if (timer == ARM_ALARM_PMU) {
        arm_pmu_update(env);
    }
}

static bool arm_restored(Env *env, GError **error) {
    ArmCpu *cpu = arm_cpu(env);
    const ArmCold *cold = cpu->cold;
    const uint8_t *fp = (const uint8_t *)&env->fp;
    const struct { const char *name; uint64_t value, limit; } fields[] = {
        {"el", cpu->el, 1}, {"spsel", cpu->spsel, 1}, {"daif", cpu->daif, 0x3c0}, {"pan", cold->pan, 1},
        {"il", cold->il, 1}, {"ss", cold->ss, 1}, {"stepping", cold->stepping, 1},
        {"fp.rules", env->fp.rules != FP_RULES_ARM, 0}, {"excl_size", env->excl_size, 16},
        {"outputs", cold->outputs, (2 << ARM_OUT_PMU) - 1}, {"fp.round", env->fp.round, FP_RTZ},
        {"fp.flush", fp[offsetof(FpStatus, flush)], 1}, {"fp.flush16", fp[offsetof(FpStatus, flush16)], 1},
        {"fp.default_nan", fp[offsetof(FpStatus, default_nan)], 1},
        {"fp.alt_half", fp[offsetof(FpStatus, alt_half)], 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].value > fields[i].limit) {
            g_set_error(error, ir_error_quark(), 0, "%s is 0x%" PRIx64 ", which no Arm CPU can have", fields[i].name,
                        fields[i].value);
            return false;
        }
    }
    arm_update_mode(env);
    for (unsigned i = 0; i < ARM_TIMERS; i++) {
        arm_timer_restored(env, i);
    }
    arm_pmu_restored(env);
    return true;
}

/* -- registers for people -------------------------------------------------------------------------- */

static void arm_dump(const Env *env, GString *out) {
    const ArmCpu *cpu = arm_cpu_const(env);
    const ArmCold *cold = cpu->cold;
    uint64_t pstate = arm_pstate(env);
    g_string_append_printf(out, "pc  %016" PRIx64 "  pstate %08" PRIx64 "  EL%u%c  %c%c%c%c  %c%c%c%c\n", env->pc,
                           pstate, cpu->el, cpu->el && cpu->spsel ? 'h' : 't', pstate >> 31 & 1 ? 'N' : '-',
                           pstate >> 30 & 1 ? 'Z' : '-', pstate >> 29 & 1 ? 'C' : '-', pstate >> 28 & 1 ? 'V' : '-',
                           pstate >> 9 & 1 ? 'D' : '-', pstate >> 8 & 1 ? 'A' : '-', pstate >> 7 & 1 ? 'I' : '-',
                           pstate >> 6 & 1 ? 'F' : '-');
    for (unsigned i = 0; i < 32; i++) {
        uint64_t value = i == 31 ? cpu->sp : cpu->x[i];
        g_string_append_printf(out, "%-3s %016" PRIx64 "%s", slots[ARM_SLOT_X0 + i].name, value,
                               i % 4 == 3 ? "\n" : "  ");
    }
    const struct { const char *name; uint64_t value; } rows[] = {
        {"sctlr", cold->sctlr_el1}, {"tcr", cold->tcr_el1}, {"ttbr0", cold->ttbr0_el1}, {"ttbr1", cold->ttbr1_el1},
        {"vbar", cold->vbar_el1}, {"elr", cold->elr_el1}, {"spsr", cold->spsr_el1}, {"esr", cold->esr_el1},
        {"far", cold->far_el1}, {"mair", cold->mair_el1}, {"cpacr", cold->cpacr_el1}, {"sp_el0", cold->sp[0]},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_string_append_printf(out, "%-6s %016" PRIx64 "%s", rows[i].name, rows[i].value, i % 4 == 3 ? "\n" : "  ");
    }
}

const Frontend frontend_arm = {
    .name = "arm",
    .slots = slots,
    .slot_count = ARM_SLOTS,
    .helpers = arm_helpers,
    .helper_count = ARM_HELPERS,
    .models = model_names,
    .state_size = COLD_AT + sizeof(ArmCold),
    .state = state,
    .inputs = COLD_STATE(lines),
    .regs = arm_debug_reg_table,
    .reg_count = ARM_DEBUG_REGS,
    .gdb_architecture = "aarch64",
    .init = arm_init,
    .finish = arm_finish,
    .add_regs = arm_sysreg_add,
    .reset = arm_reset,
    .set_entry = arm_set_entry,
    .id = arm_id,
    .mode = arm_mode,
    .context = arm_context,
    .walk = arm_walk, .forget_tables = arm_forget_tables,
    .watching = arm_watching,
    .watch_hit = arm_watch_hit,
    .mem_fault = arm_mem_fault,
    .set_line = arm_set_line,
    .deliverable = arm_deliverable,
    .wakes = arm_wakes,
    .take_interrupt = arm_take_interrupt,
    .timer_expired = arm_timer_expired,
    .restored = arm_restored,
    .translate = a64_translate,
    .insn_min = 4,
    .insn_max = 4,
    .disasm = a64_disasm,
    .dump = arm_dump,
};
