/* SPDX-License-Identifier: MIT */
/*
 * spr.h - special-purpose registers, and the rest of a PowerPC CPU's state that generated code never touches.
 */
#ifndef FRONTEND_PPC_SPR_H
#define FRONTEND_PPC_SPR_H

#include "frontend/ppc/cpu.h"

typedef struct PpcModel {
    const char *name;
    uint32_t pvr;
    uint64_t features;
    unsigned dec_bits; /* of the large decrementer; 32: there is none */
} PpcModel;

/* As slbmte takes them: ESID and V; B, VSID, flags. See mmu.h. */
typedef struct PpcSlbEntry {
    uint64_t esid, vsid;
} PpcSlbEntry;
enum { PPC_SLB_ENTRIES = 32 };

struct PpcCold {
    uint64_t lpcr;       /* logical-partition control, which the machine's hypervisor sets: PPC_LPCR_* */
    uint64_t dec;        /* DEC when time was ... */
    uint64_t dec_at;     /* ... this (timebase) */
    uint64_t pid;        /* PIDR */
    uint64_t process_table; /* radix: base | log2 of its size - 12, which the machine's hypervisor sets; 0: none */
    uint64_t random;     /* where darn's sequence is */
    PpcSlbEntry slb[PPC_SLB_ENTRIES];
    uint32_t trace_due;  /* the insn in hand is followed by a trace interrupt */
    uint32_t even;       /* 0 */
    uint32_t dec_due;    /* DEC is negative: its interrupt waits */
    uint32_t lines;      /* inputs, bit per CpuLine, and PPC_LINE_*; atomic */
    /* -- from here on not guest state -- */
    const PpcModel *model;
    const CpuPorts *ports;
    uint64_t timebase_hz;
    unsigned index, threads; /* threads of a core, of which this is number index % threads */
    bool smp;
    uint64_t slb_context;              /* a number for what the SLB says of the lower half; follows from it */
    uint64_t *hash_table, *hash_seen;  /* borrowed from the machine: see mmu_hash.h */
    unsigned hash_bits;
};

/* MemFault.guest: bits of DSISR, or of SRR1 for fetches; or no segment maps the address. */
#define PPC_FAULT_SEGMENT (UINT64_C(1) << 32)

enum { PPC_LPCR_ILE = 1 << 25, PPC_LPCR_HR = 1 << 20, PPC_LPCR_AIL_SHIFT = 23 };
enum { PPC_TIMER_DEC };
/* Interrupt controllers drive either input: both are the external interrupt. */
enum { PPC_LINES_EXTERNAL = 1 << CPU_LINE_IRQ | 1 << CPU_LINE_FIQ, PPC_LINE_PRODDED = 1 << 8,
       PPC_LINE_DOORBELL = 1 << 9 /* a directed privileged doorbell waits */ };

static inline PpcCold *ppc_cold(Env *env) {
    return ppc_cpu(env)->cold;
}
static inline const PpcCold *ppc_cold_const(const Env *env) {
    return ppc_cpu_const(env)->cold;
}

/* -- spr.c -- */

/* Access: who may, and how. */
enum { PPC_H = 0 /* the hypervisor */, PPC_UR = 1, PPC_UW = 2, PPC_SR = 4, PPC_SW = 8, PPC_U = 15, PPC_S = 12 };

typedef struct PpcSpr {
    const char *name;
    uint16_t number;
    uint8_t access;
    int8_t plain;   /* PPC_PLAIN_*, or -1: by functions, or LR, CTR and XER, which are translated */
    uint64_t mask;  /* bits that can be written; 0: all */
    uint64_t (*read)(Env *env);
    void (*write)(Env *env, uint64_t value);
    uint8_t feature;
    uint8_t facility; /* PPC_FACILITY_*, which a user may lack; 0: none */
} PpcSpr;

extern const PpcSpr ppc_sprs[];
extern const unsigned ppc_spr_count;
/* Row of a register that the CPU has, by number; negative: none. */
int ppc_spr_find(const Env *env, unsigned number);
/* The number that the field of an insn names, whose halves are swapped. */
static inline unsigned ppc_spr_number(unsigned field) {
    return (field & 31) << 5 | field >> 5;
}

/* -- cpu.c -- */

uint32_t ppc_cr(const Env *env);
void ppc_set_cr_word(Env *env, uint32_t value);
uint64_t ppc_xer(const Env *env);
void ppc_set_xer(Env *env, uint64_t value);
/* Recomputes the mode from MSR; tells the translator when it has changed. */
void ppc_update_mode(Env *env);
/* MSR = value, with what cannot be set left out, and what follows from it. */
void ppc_set_msr(Env *env, uint64_t value);
/* The generated code is to look for interrupts. */
void ppc_poll_interrupts(Env *env);

/* -- exception.c -- */

/* Takes an interrupt: SRR0 = srr0, SRR1 = MSR with the bits that tell why. */
void ppc_enter(Env *env, unsigned vector, uint64_t srr0, uint64_t srr1);
/* The insn that a helper runs for. */
uint64_t ppc_insn_pc(const Env *env);
void ppc_raise_program(Env *env, uint32_t srr1);
void ppc_mem_fault(Env *env, const MemFault *fault);
bool ppc_deliverable(const Env *env);
bool ppc_wakes(const Env *env);
void ppc_take_interrupt(Env *env);

/* -- mmu.c -- */

MemContext ppc_context(const Env *env, bool unprivileged);
void ppc_pid_write(Env *env, uint64_t value);
bool ppc_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat);

/* -- facility.c: watchpoint and breakpoint, which the machine's hypervisor sets -- */

bool ppc_watching(const Env *env);
bool ppc_watch_hit(Env *env, uint64_t va, unsigned size, MemAccess access);
/* Does CIABR compare in the current state? */
bool ppc_breaking(const PpcCpu *cpu);

/* -- slb.c -- */

/* cold->slb_context, after the SLB was changed from outside. */
void ppc_slb_recompute(Env *env);
uint64_t ppc_slb_context_with_keys(const Env *env);

/* -- timer.c -- */

uint64_t ppc_dec_read(Env *env);
void ppc_dec_write(Env *env, uint64_t value);
void ppc_dec_update(Env *env);
/* Asks for the alarm that follows from DEC and whether its interrupt waits already. */
void ppc_dec_alarm(Env *env);

/* -- helper.c -- */

extern const IrHelper ppc_helpers[PPC_HELPERS];

/* -- regs.c -- */

enum { PPC_DEBUG_REGS = 38 + 3 * 32 + 3 + PPC_SPR_PLAIN };
extern const CpuReg ppc_debug_regs[PPC_DEBUG_REGS];

#endif
