/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - the PowerPC front end as others see it: models, slots, state, reset, mode.
 * Spec: Power ISA 2.07B (POWER8) and 3.0B (POWER9).
 * Missing: hypervisor state; transactional memory; little-endian
 * and 64-bit are what debuggers are told, whatever the mode.
 */
#include <inttypes.h>
#include <string.h>

#include "frontend/ppc/fp.h"
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

enum { COLD_AT = (sizeof(PpcCpu) + 15) & ~15u };

_Static_assert(COLD_AT + sizeof(PpcCold) <= IR_GUEST_STATE_MAX, "the PowerPC CPU does not fit Env.guest");

/* -- models -------------------------------------------------------------------------------- */

#define F(name) (UINT64_C(1) << PPC_##name)

static const PpcModel models[] = {
    {"power8", 0x004d0200, F(BASE), 32},
    {"power9", 0x004e1202, F(BASE) | F(ISA300), 56},
    {"max", 0x004e1202, F(BASE) | F(ISA300), 56},
};

static const char *const model_names[] = {"power8", "power9", "max", NULL};

/* -- slots -------------------------------------------------------------------------------- */

#define CPU_AT(field) (offsetof(Env, guest) + offsetof(PpcCpu, field))
#define COLD_FIELD(field) (offsetof(Env, guest) + COLD_AT + offsetof(PpcCold, field))
#define R(n, rank) [PPC_SLOT_GPR + (n)] = {"r" #n, CPU_AT(gpr) + 8 * (n), IR_I64, rank, .base = (n) + 1, .steady = (n) == 1}
#define CR(n) [PPC_SLOT_CR + (n)] = {"cr" #n, CPU_AT(cr) + (n), IR_I8, 0}
#define BYTE(NAME, name) [PPC_SLOT_##NAME] = {#name, CPU_AT(name), IR_I8, 0}
/* As compilers take them: f0, f12 ... and v0, v1, v13 ... first, then all others in order. */
#define VECTOR_RANK(n)                                                                                                 \
    ((n) == 0 ? 1 : (n) == 32 ? 2 : (n) == 12 ? 3 : (n) == 33 ? 4 : (n) == 1 ? 5 : (n) == 11 ? 6 : (n) == 45 ? 7        \
     : (n) == 44 ? 8 : (n) == 10 ? 9 : (n) == 43 ? 10 : (n) + 10)
#define V(n) [PPC_SLOT_VSR + (n)] = {"vs" #n, CPU_AT(vsr) + 16 * (n), IR_V128, VECTOR_RANK(n)}
#define V8(n) V(n), V((n) + 1), V((n) + 2), V((n) + 3), V((n) + 4), V((n) + 5), V((n) + 6), V((n) + 7)
#define PLAIN_AT(i) (CPU_AT(plain) + 8 * (i))
#define PLAIN(name, number, access, ...) [PPC_SLOT_PLAIN + PPC_PLAIN_##name] = {#name, PLAIN_AT(PPC_PLAIN_##name), IR_I64, 0},

/* Ranks by how often compiled code names the register. */
static const IrSlot slots[PPC_SLOTS] = {
    R(0, 9), R(1, 2), R(2, 10), R(3, 1), R(4, 4), R(5, 5), R(6, 11), R(7, 12), R(8, 13), R(9, 3), R(10, 6), R(11, 16),
    R(12, 17), R(13, 18), R(14, 32), R(15, 31), R(16, 30), R(17, 29), R(18, 28), R(19, 27), R(20, 26), R(21, 25),
    R(22, 24), R(23, 23), R(24, 22), R(25, 21), R(26, 20), R(27, 19), R(28, 15), R(29, 14), R(30, 8), R(31, 7),
    [PPC_SLOT_LR] = {"lr", CPU_AT(lr), IR_I64, 0},
    [PPC_SLOT_CTR] = {"ctr", CPU_AT(ctr), IR_I64, 0},
    CR(0), CR(1), CR(2), CR(3), CR(4), CR(5), CR(6), CR(7),
    BYTE(SO, so), BYTE(OV, ov), BYTE(CA, ca), BYTE(OV32, ov32), BYTE(CA32, ca32), BYTE(XER_COUNT, xer_count),
    [PPC_SLOT_MSR] = {"msr", CPU_AT(msr), IR_I64, 0},
    [PPC_SLOT_FPSCR] = {"fpscr", CPU_AT(fpscr), IR_I64, 0},
    [PPC_SLOT_VSCR] = {"vscr", CPU_AT(vscr), IR_I64, 0},
    [PPC_SLOT_FP_OP] = {"fp_op", CPU_AT(fp_op), IR_I32, 0},
    [PPC_SLOT_FP_ORDER] = {"fp_order", CPU_AT(fp_order), IR_I8, 0},
    [PPC_SLOT_FP_A] = {"fp_a", CPU_AT(fp_a), IR_V128, 0},
    [PPC_SLOT_FP_B] = {"fp_b", CPU_AT(fp_b), IR_V128, 0},
    [PPC_SLOT_FP_C] = {"fp_c", CPU_AT(fp_c), IR_V128, 0},
    V8(0), V8(8), V8(16), V8(24), V8(32), V8(40), V8(48), V8(56),
    PPC_PLAIN_SPRS(PLAIN)
};

/* -- state -------------------------------------------------------------------------------- */

#define ENV_STATE(field) {#field, offsetof(Env, field), sizeof(((Env *)0)->field)}
#define CPU_STATE(field) {#field, CPU_AT(field), sizeof(((PpcCpu *)0)->field)}
#define COLD_STATE(field) {#field, COLD_FIELD(field), sizeof(((PpcCold *)0)->field)}

static const CpuState state[] = {
    ENV_STATE(pc), ENV_STATE(fp), ENV_STATE(qc), ENV_STATE(excl_addr), ENV_STATE(excl_val), ENV_STATE(excl_size),
    CPU_STATE(gpr), CPU_STATE(lr), CPU_STATE(ctr), CPU_STATE(cr), CPU_STATE(so), CPU_STATE(ov), CPU_STATE(ca),
    CPU_STATE(ov32), CPU_STATE(ca32), CPU_STATE(xer_count), CPU_STATE(pad), CPU_STATE(msr), CPU_STATE(fpscr), CPU_STATE(vsr),
    CPU_STATE(fp_op), CPU_STATE(fp_order), CPU_STATE(fp_pad), CPU_STATE(fp_a), CPU_STATE(fp_b), CPU_STATE(fp_c),
    CPU_STATE(plain), CPU_STATE(vscr), CPU_STATE(mode),
    COLD_STATE(lpcr), COLD_STATE(dec), COLD_STATE(dec_at), COLD_STATE(pid),
    COLD_STATE(process_table), COLD_STATE(random), COLD_STATE(slb), COLD_STATE(trace_due), COLD_STATE(even),
    COLD_STATE(dec_due), COLD_STATE(lines),
    {NULL},
};

/* -- CR, XER, MSR -------------------------------------------------------------------------------- */

uint32_t ppc_cr(const Env *env) {
    uint32_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 4 | (ppc_cpu_const(env)->cr[i] & 15);
    }
    return v;
}

void ppc_set_cr_word(Env *env, uint32_t value) {
    for (unsigned i = 0; i < 8; i++) {
        ppc_cpu(env)->cr[i] = value >> (28 - 4 * i) & 15;
    }
}

uint64_t ppc_xer(const Env *env) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    return (uint64_t)cpu->so << 31 | (uint64_t)cpu->ov << 30 | (uint64_t)cpu->ca << 29 | (uint64_t)cpu->ov32 << 19 |
           (uint64_t)cpu->ca32 << 18 | (cpu->xer_count & 127);
}

void ppc_set_xer(Env *env, uint64_t value) {
    PpcCpu *cpu = ppc_cpu(env);
    bool isa300 = ppc_has(env, PPC_ISA300);
    cpu->so = value >> 31 & 1;
    cpu->ov = value >> 30 & 1;
    cpu->ca = value >> 29 & 1;
    cpu->ov32 = isa300 && value >> 19 & 1;
    cpu->ca32 = isa300 && value >> 18 & 1;
    cpu->xer_count = value & 127;
}

void ppc_poll_interrupts(Env *env) {
    if (ppc_deliverable(env)) {
        __atomic_store_n(&env->pending, -1, __ATOMIC_RELEASE);
    }
}

/* FSCR: what users may use. */
static uint64_t available(uint64_t fscr) {
    return (fscr & 1 << PPC_FACILITY_DSCR ? PPC_MODE_DSCR : 0) | (fscr & 1 << PPC_FACILITY_PM ? PPC_MODE_PM : 0) |
           (fscr & 1 << PPC_FACILITY_BHRB ? PPC_MODE_BHRB : 0) | (fscr & 1 << PPC_FACILITY_EBB ? PPC_MODE_EBB : 0) |
           (fscr & 1 << PPC_FACILITY_TAR ? PPC_MODE_TAR : 0);
}

void ppc_update_mode(Env *env) {
    PpcCpu *cpu = ppc_cpu(env);
    uint64_t msr = cpu->msr;
    uint64_t mode = (msr & PPC_MSR_SF ? PPC_MODE_SF : 0) | (msr & PPC_MSR_LE ? PPC_MODE_LE : 0) |
                    (msr & PPC_MSR_PR ? PPC_MODE_PR : 0) | (msr & PPC_MSR_IR ? PPC_MODE_IR : 0) |
                    (msr & PPC_MSR_DR ? PPC_MODE_DR : 0) | (msr & PPC_MSR_FP ? PPC_MODE_FP : 0) |
                    (msr & PPC_MSR_VEC ? PPC_MODE_VEC : 0) | (msr & PPC_MSR_VSX ? PPC_MODE_VSX : 0) |
                    (cpu->cold->smp ? PPC_MODE_SMP : 0) | (cpu->fpscr & PPC_FPSCR_ENABLES ? PPC_MODE_FP_FULL : 0) |
                    (msr & PPC_MSR_SE ? PPC_MODE_SE : 0) |
                    (msr & PPC_MSR_BE ? PPC_MODE_BE : 0) | (msr & PPC_MSR_PR ? available(cpu->plain[PPC_PLAIN_FSCR]) : 0) |
                    (ppc_breaking(cpu) ? PPC_MODE_CIABR : 0);
    if (mode != cpu->mode) {
        cpu->mode = mode;
        cpu->cold->ports->context_changed(cpu->cold->ports->opaque, env);
    }
}

void ppc_set_msr(Env *env, uint64_t value) {
    ppc_cpu(env)->msr = value & PPC_MSR_KEPT;
    ppc_update_mode(env);
}

static uint64_t ppc_mode(const Env *env) {
    return ppc_cpu_const(env)->mode;
}

static uint64_t ppc_id(const Env *env) {
    return ppc_cold_const(env)->index;
}

/* -- life -------------------------------------------------------------------------------- */

static bool ppc_init(Env *env, const CpuConfig *config, GError **error) {
    const PpcModel *model = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        model = g_str_equal(models[i].name, config->model) ? &models[i] : model;
    }
    if (!model) {
        g_autofree char *names = g_strjoinv(", ", (char **)model_names);
        g_set_error(error, ir_error_quark(), 0, "no PowerPC CPU model '%s'; there are: %s", config->model, names);
        return false;
    }
    memset(env->guest, 0, sizeof(env->guest));
    PpcCpu *cpu = ppc_cpu(env);
    PpcCold *cold = (PpcCold *)(void *)(env->guest + COLD_AT);
    cpu->cold = cold;
    cpu->features = model->features;
    cold->model = model;
    cold->index = config->index;
    cold->threads = config->cluster ? config->cluster : 1;
    cold->smp = config->smp;
    cold->ports = config->ports;
    cold->timebase_hz = config->counter_hz ? config->counter_hz : 512000000;
    return true;
}

static void ppc_finish(Env *env) {
}

/* No device holds registers of this CPU. */
static void ppc_add_regs(Env *env, const CpuDeviceRegs *bank) {
    g_assert_not_reached();
}

static void ppc_reset(Env *env) {
    PpcCpu *cpu = ppc_cpu(env);
    PpcCold *cold = cpu->cold;
    uint32_t lines = __atomic_load_n(&cold->lines, __ATOMIC_RELAXED) & PPC_LINES_EXTERNAL; /* inputs: whoever drives them resets them */
    memset(cpu, 0, offsetof(PpcCpu, features));
    uint64_t lpcr = cold->lpcr, process_table = cold->process_table; /* those of the partition */
    memset(cold, 0, offsetof(PpcCold, model));
    cold->lpcr = lpcr;
    cold->process_table = process_table;
    __atomic_store_n(&cold->lines, lines, __ATOMIC_RELAXED);
    env->fp = (FpStatus){.rules = FP_RULES_PPC};
    env->qc = 0;
    env->excl_addr = UINT64_MAX;
    env->excl_size = 0;
    memset(&env->excl_val, 0, sizeof(env->excl_val));
    env->pc = 0x100;
    cpu->msr = PPC_MSR_SF | PPC_MSR_ME;
    cold->dec_at = ppc_timebase(env);
    cold->dec = INT32_MAX;
    ppc_slb_recompute(env);
    ppc_update_mode(env);
    ppc_dec_update(env);
}

static void ppc_set_entry(Env *env, uint64_t pc, const uint64_t *args, unsigned count) {
    env->pc = pc;
    for (unsigned i = 0; i < count && i < 8; i++) {
        ppc_cpu(env)->gpr[3 + i] = args[i];
    }
}

static void ppc_set_line(Env *env, unsigned line, bool level) {
    PpcCold *cold = ppc_cold(env);
    if (level) {
        __atomic_fetch_or(&cold->lines, 1u << line & PPC_LINES_EXTERNAL, __ATOMIC_SEQ_CST);
    } else {
        __atomic_fetch_and(&cold->lines, ~(1u << line & PPC_LINES_EXTERNAL), __ATOMIC_SEQ_CST);
    }
}

static void ppc_timer_expired(Env *env, unsigned timer) {
    if (timer == PPC_TIMER_DEC) {
        ppc_dec_update(env);
    }
}

static bool ppc_restored(Env *env, GError **error) {
    const PpcCpu *cpu = ppc_cpu(env);
    const PpcCold *cold = cpu->cold;
    struct { const char *name; uint64_t value, allowed; } fields[] = {
        {"msr", cpu->msr, PPC_MSR_KEPT}, {"so", cpu->so, 1}, {"ov", cpu->ov, 1}, {"ca", cpu->ca, 1},
        {"ov32", cpu->ov32, 1}, {"ca32", cpu->ca32, 1}, {"xer_count", cpu->xer_count, 127}, {"dec_due", cold->dec_due, 1},
        {"trace_due", cold->trace_due, 1},
        {"fp.rules", env->fp.rules != FP_RULES_PPC, 0}, {"excl_size", env->excl_size, 31},
        {"fp.round", env->fp.round, FP_RTZ}, {"fp modes", env->fp.flush | env->fp.default_nan | env->fp.alt_half, 0},
        {"fpscr", cpu->fpscr, PPC_FPSCR_ALL}, {"fp_op", cpu->fp_op, PPC_FP_OP_BITS}, {"fp_order", cpu->fp_order, 31},
        {"cr", 0, 0},
    };
    for (unsigned i = 0; i < 8; i++) {
        fields[G_N_ELEMENTS(fields) - 1].value |= cpu->cr[i] & ~15u;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (fields[i].value & ~fields[i].allowed) {
            g_set_error(error, ir_error_quark(), 0, "%s is 0x%" PRIx64 ", which no PowerPC CPU can have", fields[i].name,
                        fields[i].value);
            return false;
        }
    }
    ppc_slb_recompute(env);
    ppc_update_mode(env);
    ppc_dec_alarm(env);
    return true;
}

/* -- registers for people -------------------------------------------------------------------------------- */

static void dump_translation(const PpcCold *cold, GString *out) {
    g_string_append_printf(out, "lpcr %016" PRIx64 "  pidr %" PRIx64 "  process table %016" PRIx64 "\n", cold->lpcr, cold->pid,
                           cold->process_table);
    for (unsigned i = 0; i < PPC_SLB_ENTRIES; i++) {
        if (cold->slb[i].esid) {
            g_string_append_printf(out, "slb %-2u %016" PRIx64 " %016" PRIx64 "\n", i, cold->slb[i].esid, cold->slb[i].vsid);
        }
    }
}

static void ppc_dump(const Env *env, GString *out) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    g_string_append_printf(out, "pc  %016" PRIx64 "  msr %016" PRIx64 "  %d-bit %s-endian %s\n", env->pc, cpu->msr,
                           cpu->msr & PPC_MSR_SF ? 64 : 32, cpu->msr & PPC_MSR_LE ? "little" : "big",
                           cpu->msr & PPC_MSR_PR ? "user" : "supervisor");
    g_string_append_printf(out, "lr  %016" PRIx64 "  ctr %016" PRIx64 "  cr %08" PRIx32 "  xer %08" PRIx64 "\n", cpu->lr,
                           cpu->ctr, ppc_cr(env), ppc_xer(env));
    for (unsigned i = 0; i < 32; i++) {
        g_string_append_printf(out, "%-3s %016" PRIx64 "%s", slots[PPC_SLOT_GPR + i].name, cpu->gpr[i],
                               i % 4 == 3 ? "\n" : "  ");
    }
    static const uint8_t rows[] = {PPC_PLAIN_SRR0, PPC_PLAIN_SRR1, PPC_PLAIN_DAR, PPC_PLAIN_DSISR, PPC_PLAIN_SPRG0,
                                   PPC_PLAIN_SPRG1, PPC_PLAIN_SPRG2, PPC_PLAIN_SPRG3, PPC_PLAIN_CFAR, PPC_PLAIN_AMR,
                                   PPC_PLAIN_FSCR, PPC_PLAIN_TAR};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_string_append_printf(out, "%-6s %016" PRIx64 "%s", slots[PPC_SLOT_PLAIN + rows[i]].name, cpu->plain[rows[i]],
                               i % 4 == 3 ? "\n" : "  ");
    }
    dump_translation(cpu->cold, out);
    for (unsigned i = 0; i < 64; i++) {
        g_string_append_printf(out, "vs%-2u %016" PRIx64 " %016" PRIx64 "%s", i, cpu->vsr[i].d[0], cpu->vsr[i].d[1],
                               i % 2 ? "\n" : "  ");
    }
    g_string_append_printf(out, "fpscr %08" PRIx64 "  vscr %08" PRIx64 "\n", ppc_fpscr(env), cpu->vscr | (env->qc ? 1 : 0));
}

const Frontend frontend_ppc = {
    .name = "ppc",
    .slots = slots,
    .slot_count = PPC_SLOTS,
    .helpers = ppc_helpers,
    .helper_count = PPC_HELPERS,
    .models = model_names,
    .state_size = COLD_AT + sizeof(PpcCold),
    .state = state,
    .inputs = COLD_STATE(lines),
    .regs = ppc_debug_regs,
    .reg_count = PPC_DEBUG_REGS,
    .gdb_architecture = "powerpc:common64",
    .init = ppc_init,
    .finish = ppc_finish,
    .add_regs = ppc_add_regs,
    .reset = ppc_reset,
    .set_entry = ppc_set_entry,
    .id = ppc_id,
    .mode = ppc_mode,
    .context = ppc_context,
    .walk = ppc_walk,
    .coherent_fetch = true,
    .watching = ppc_watching,
    .watch_hit = ppc_watch_hit,
    .mem_fault = ppc_mem_fault,
    .set_line = ppc_set_line,
    .deliverable = ppc_deliverable,
    .wakes = ppc_wakes,
    .take_interrupt = ppc_take_interrupt,
    .timer_expired = ppc_timer_expired,
    .restored = ppc_restored,
    .translate = ppc_translate,
    .insn_min = 4,
    .insn_max = 4,
    .disasm = ppc_disasm,
    .dump = ppc_dump,
};
