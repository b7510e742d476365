/* SPDX-License-Identifier: MIT */
/*
 * sysreg.h - the system side of an Arm CPU: its cold state, the rows of its system-register table, and what the files
 * of this folder offer each other.
 * Spec: Arm DDI 0487, C5 (system registers and insns), D13 (their description).
 */
#ifndef FRONTEND_ARM_SYSREG_H
#define FRONTEND_ARM_SYSREG_H

#include "frontend/arm/cpu.h"

enum { ARM_BREAKPOINTS = 2, ARM_WATCHPOINTS = 2 }; /* what ID_AA64DFR0_EL1 says, plus one */

/* Generic timers, in the order of FRONTEND_TIMERS and of the irq_out lines. */
enum { ARM_TIMER_PHYS, ARM_TIMER_VIRT, ARM_TIMERS, ARM_ALARM_PMU = 2 };
/* irq_out lines; 2 and 3 would be the timers of EL2 and EL3. */
enum { ARM_OUT_PHYS_TIMER = 0, ARM_OUT_VIRT_TIMER = 1, ARM_OUT_PMU = 4 };

typedef struct ArmTimer {
    uint64_t cval;
    uint64_t ctl; /* ENABLE, IMASK; ISTATUS is computed */
} ArmTimer;

/* Identification registers: fixed by init, not state. */
typedef struct ArmId {
    uint64_t midr, revidr, mpidr;
    uint64_t pfr0, dfr0, isar0, isar1, mmfr0, mmfr1;
    uint64_t ctr, clidr, ccsidr[3]; /* L1 data, L1 insn, L2 */
    uint64_t dczid, rvbar, pmcr;
} ArmId;

typedef struct ArmModel {
    const char *name;
    uint64_t features;   /* bit per ArmFeature */
    uint64_t counter_hz;
    ArmId id;
} ArmModel;

typedef struct ArmSysreg ArmSysreg;
typedef struct ArmDeviceRow ArmDeviceRow;
typedef struct ArmPac ArmPac;     /* pointer authentication's cache */
typedef struct ArmTable ArmTable; /* a last-level page table that walks have come to */
typedef struct ArmFiles ArmFiles; /* semihosting's open files */

struct ArmCold {
    /* -- state: every byte is named by the state table in cpu.c -- */
    uint64_t sp[2];        /* SP_EL0, SP_EL1; that of the selected one is stale, see ArmCpu.sp */
    uint64_t elr_el1, spsr_el1, esr_el1, far_el1, vbar_el1;
    uint64_t sctlr_el1, cpacr_el1;
    uint64_t ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, contextidr_el1, par_el1;
    uint64_t csselr_el1;
    uint64_t key[5][2];    /* pointer authentication: APIA, APIB, APDA, APDB, APGA; low, high */
    uint64_t cntkctl_el1, cntfrq_el0;
    ArmTimer timer[ARM_TIMERS];
    uint64_t pmcr_el0, pmcnten, pminten, pmovs, pmuserenr_el0, pmselr_el0, pmccfiltr_el0;
    uint64_t cycles;       /* PMCCNTR_EL0 at cycles_at, while it counts; else its value */
    uint64_t cycles_at;
    uint64_t mdscr_el1, mdccint_el1, osdtrrx_el1, osdtrtx_el1, oseccr_el1, osdlr_el1, oslsr_el1, dbgprcr_el1, dbgclaim;
    uint64_t dbgbvr[ARM_BREAKPOINTS], dbgbcr[ARM_BREAKPOINTS];
    uint64_t dbgwvr[ARM_WATCHPOINTS], dbgwcr[ARM_WATCHPOINTS];
    uint32_t lines;        /* bit per CpuLine; atomic */
    uint32_t outputs;      /* levels last given to irq_out */
    uint8_t pan, il, ss;   /* PSTATE */
    uint8_t stepping;      /* the current insn has used up PSTATE.SS: a fault of it gives it back */
    uint8_t semihost_errno;
    uint8_t pad[3];
    /* -- not state -- */
    ArmId id;
    const ArmModel *model;
    const CpuPorts *ports;
    const ArmSysreg **rows; /* sorted by code; owned */
    ArmDeviceRow *device_rows; /* those that a device has added; owned */
    CpuDeviceRegs device;   /* whose they are; .regs is unused */
    uint32_t row_count;
    uint32_t index;         /* of the CPU */
    bool smp;               /* there are others */
    uint64_t counter_hz;
    ArmPac *pacs;           /* owned; NULL without ARM_PAUTH */
    ArmTable *tables;       /* owned; see mmu.c */
    uint64_t tables_epoch;  /* of those that are valid */
    ArmFiles *files;        /* owned; NULL until the first SYS_OPEN */
};

/* The bits of MPIDR_EL1 that name a CPU. */
#define ARM_AFFINITY UINT64_C(0xff00ffffff)

/* -- the table of system registers, and of SYS insns (op0 = 1) -- */

/* Encoding of a row. */
#define ARM_SR(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

enum { ARM_R0 = 1, ARM_W0 = 2, ARM_R1 = 4, ARM_W1 = 8, ARM_RW1 = 12, ARM_RW = 15, ARM_RO = 5 };

/* Controls that take an access from EL0 to EL1 (EC 0x18); the conditions stand in sysreg.c. */
typedef enum ArmTrap {
    ARM_TRAP_NONE,
    ARM_TRAP_UMA, ARM_TRAP_UCT, ARM_TRAP_DZE, ARM_TRAP_UCI,
    ARM_TRAP_PCT, ARM_TRAP_VCT, ARM_TRAP_CNTFRQ, ARM_TRAP_PTEN, ARM_TRAP_VTEN,
    ARM_TRAP_PMU, ARM_TRAP_PMU_SW, ARM_TRAP_PMU_CYCLES, ARM_TRAP_PMU_EVENTS, ARM_TRAP_PMU_SELECT, ARM_TRAP_TDCC,
    ARM_TRAPS
} ArmTrap;

enum {
    ARM_ROW_CONST = 1,  /* the value never changes and is the same on every CPU of a machine */
    ARM_ROW_SYNC = 2,   /* a write changes what blocks or look-ups depend on: the block ends */
    ARM_ROW_FP = 4,     /* an access traps like an FP insn (CPACR_EL1.FPEN) */
    ARM_ROW_POLL = 8,   /* a write may make an interrupt deliverable, which is then taken at once */
};

/*
 * One register. Reads: `read`, else the uint64_t at `offset` of ArmCold, else zero. Writes: `write`, else the bits of
 * `mask` (0: all) at `offset`, else ignored. With `slot`, translated code reads and writes the slot by itself.
 * Functions may raise an exception (env->fault is set then).
 */
struct ArmSysreg {
    const char *name; /* NULL ends a table */
    uint16_t code;
    uint8_t access;   /* ARM_R0 ... */
    uint8_t flags;    /* ARM_ROW_* */
    uint8_t trap;     /* ArmTrap */
    uint8_t feature;  /* ArmFeature without which the row does not exist */
    uint8_t slot;     /* ARM_SLOT_*, 0: none */
    uint16_t offset;  /* in ArmCold; 0 (sp[0], which has a slot): none */
    uint64_t mask;
    uint64_t reset;   /* of the word at offset */
    uint64_t (*read)(Env *env, const ArmSysreg *row);
    void (*write)(Env *env, const ArmSysreg *row, uint64_t value);
};

/* A register that a device holds. */
struct ArmDeviceRow {
    ArmSysreg row;
    CpuDeviceReg reg;
};

#define ARM_AT(field) .offset = offsetof(ArmCold, field)

/* The tables, one per file; each ends with a NULL name. */
extern const ArmSysreg arm_core_regs[], arm_maint_regs[], arm_timer_regs[], arm_pmu_regs[], arm_debug_regs[],
    arm_pauth_regs[];

/* Makes cold->rows: the rows that this CPU's features give it. */
void arm_sysreg_init(Env *env);
void arm_sysreg_reset(Env *env);
void arm_sysreg_finish(Env *env);
/* Frontend.add_regs. */
void arm_sysreg_add(Env *env, const CpuDeviceRegs *bank);
/* Index into cold->rows, or -1: no such register. */
int arm_sysreg_find(const Env *env, unsigned code);
/* The encoding space of ID registers that reads as zero where nothing is defined. */
bool arm_sysreg_is_raz(unsigned code);
/* Name of a register or SYS insn over all tables, whatever the CPU; NULL: none. For disassembly. */
const char *arm_sysreg_name(unsigned code);
uint64_t arm_sysreg_peek(Env *env, const ArmSysreg *row);
/* The registers that debuggers see. */
enum { ARM_DEBUG_REGS = 103 };
extern const CpuReg arm_debug_reg_table[ARM_DEBUG_REGS];
/* FPCR and FPSR as seen through env->fp and env->qc. */
uint64_t arm_fpcr(const Env *env);
void arm_set_fpcr(Env *env, uint64_t value);
uint64_t arm_fpsr(const Env *env);
void arm_set_fpsr(Env *env, uint64_t value);

static inline ArmCold *arm_cold(Env *env) {
    return arm_cpu(env)->cold;
}
static inline const ArmCold *arm_cold_const(const Env *env) {
    return arm_cpu_const(env)->cold;
}
static inline const CpuPorts *arm_ports(const Env *env) {
    return arm_cpu_const(env)->cold->ports;
}
/* pc of the running insn, for helpers that know env->insn_off. */
static inline uint64_t arm_insn_pc(const Env *env) {
    return env->pcbase + (uint64_t)(int64_t)env->insn_off;
}

/* -- cpu.c -- */
/* Recomputes ArmCpu.mode and tells the runtime. After every change of EL, SCTLR, TCR, TTBR, PAN, CPACR, SPSel, KDE. */
void arm_update_mode(Env *env);
/* Makes a newly deliverable interrupt known to the next poll. After every change of DAIF that clears a bit. */
void arm_poll_interrupts(Env *env);
void arm_set_spsel(Env *env, unsigned el, unsigned spsel); /* also switches the banked SP */
uint64_t arm_nzcv(const Env *env);                         /* as in bits 31..28 of SPSR */
void arm_set_nzcv(Env *env, uint64_t spsr);
uint64_t arm_pstate(const Env *env);                       /* in SPSR's layout */
uint64_t arm_clean_pc(const Env *env, uint64_t pc); /* a branch target with its tag byte removed, if TBI says so */

/* -- exception.c -- */
enum { ARM_VECTOR_SYNC = 0, ARM_VECTOR_IRQ = 0x80, ARM_VECTOR_FIQ = 0x100, ARM_VECTOR_SERROR = 0x180 };
/* Takes an exception to EL1; `lr` is the preferred return address. ESR and FAR are the caller's. */
void arm_enter(Env *env, unsigned vector, uint64_t lr);
/* Synchronous: also sets ESR; raise in a helper: sets env->fault, too. */
void arm_sync_exception(Env *env, unsigned ec, uint32_t iss, uint64_t lr);
void arm_raise(Env *env, unsigned ec, uint32_t iss);
void arm_step_exception(Env *env, uint64_t pc); /* software step, before the insn at pc */
void arm_mem_fault(Env *env, const MemFault *fault);
void arm_take_interrupt(Env *env);
bool arm_deliverable(const Env *env);

/* -- mmu.c -- */
enum { /* fault status codes; a level is added to the first five */
    ARM_FSC_ADDRESS_SIZE = 0x00, ARM_FSC_TRANSLATION = 0x04, ARM_FSC_ACCESS_FLAG = 0x08, ARM_FSC_PERMISSION = 0x0c,
    ARM_FSC_WALK_ABORT = 0x14, ARM_FSC_EXTERNAL = 0x10, ARM_FSC_ALIGNMENT = 0x21, ARM_FSC_DEBUG = 0x22,
};
typedef struct ArmXlat {
    MemXlat x;
    uint8_t attr; /* MAIR byte */
    uint8_t sh;   /* shareability */
} ArmXlat;
/* priv: as EL1, else as EL0; pan: PSTATE.PAN is obeyed. False: out->x.guest_fault is the fault status code. */
bool arm_translate(Env *env, uint64_t va, MemAccess access, bool priv, bool pan, ArmXlat *out);
bool arm_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat);
void arm_forget_tables(Env *env);
void arm_mmu_init(Env *env); /* makes cold->tables */
MemContext arm_context(const Env *env, bool unprivileged);
/* Is the top byte of va ignored? insn: for a fetch or a branch target. */
bool arm_tbi(const Env *env, uint64_t va, bool insn);

/* -- timer.c -- */
uint64_t arm_counter(Env *env);
void arm_timer_reset(Env *env);
/* Asks for the alarm again, even one that is overdue; changes nothing of the state. */
void arm_timer_restored(Env *env, unsigned timer);
void arm_timer_update(Env *env, unsigned timer);
void arm_output(Env *env, unsigned line, bool level); /* irq_out when the level differs */
uint64_t arm_scale(uint64_t value, uint64_t numerator, uint64_t denominator); /* rounds down, saturates */

/* -- pmu.c -- */
void arm_pmu_restored(Env *env);
void arm_pmu_reset(Env *env);
void arm_pmu_update(Env *env);

/* -- debug.c -- */
bool arm_debug_enabled(const Env *env, unsigned el, bool masked); /* debug exceptions from el with PSTATE.D = masked */
uint64_t arm_debug_mode(const Env *env); /* ARM_MODE_STEP, ARM_MODE_BREAK, ARM_MODE_DEBUG_EL1 */
bool arm_watching(const Env *env);
bool arm_watch_hit(Env *env, uint64_t va, unsigned size, MemAccess access);

/* -- psci.c, semihosting.c, pauth.c -- */
void arm_psci_call(Env *env);
void arm_semihosting_finish(Env *env);
void arm_pauth_init(Env *env); /* makes cold->pacs */
uint64_t arm_qarma5(uint64_t data, uint64_t modifier, uint64_t key_low, uint64_t key_high);

extern const IrHelper arm_helpers[ARM_HELPERS];

/* -- helpers, see helper.def -- */
void arm_helper_exception(Env *env, uint32_t kind, uint32_t iss, uint32_t reserved);
uint64_t arm_helper_sysreg_get(Env *env, uint32_t index);
void arm_helper_sysreg_write(Env *env, uint32_t index, uint64_t value);
void arm_helper_sysreg_unknown(Env *env, uint32_t code);
void arm_helper_sysreg_check(Env *env, uint32_t trap, uint32_t iss);
void arm_helper_daif_set(Env *env, uint32_t bits);
void arm_helper_daif_clear(Env *env, uint32_t bits);
void arm_helper_daif_write(Env *env, uint64_t value);
void arm_helper_spsel(Env *env, uint32_t value);
void arm_helper_pan(Env *env, uint32_t value);
void arm_helper_eret(Env *env);
void arm_helper_ereta(Env *env, uint64_t target);
void arm_helper_dsb(Env *env);
void arm_helper_wfe(Env *env);
void arm_helper_sev(Env *env, uint32_t everywhere);
void arm_helper_wfx(Env *env, uint32_t is_wfe);
void arm_helper_psci(Env *env);
void arm_helper_semihosting(Env *env);
void arm_helper_debug_insn(Env *env);
uint64_t arm_helper_pac(Env *env, uint64_t pointer, uint64_t modifier, uint32_t op);
uint64_t arm_helper_pacga(Env *env, uint64_t data, uint64_t modifier);

#endif
