/* SPDX-License-Identifier: MIT */
/*
 * ppc.h - the PowerPC front end as other files of it use it: translation, text, and what machines may ask of a CPU.
 */
#ifndef FRONTEND_PPC_PPC_H
#define FRONTEND_PPC_PPC_H

#include "frontend/ppc/cpu.h"

/* Frontend.translate: one insn of four bytes at t->code. */
void ppc_translate(Trans *t);
/* Frontend.disasm. */
unsigned ppc_disasm(const uint8_t *bytes, unsigned avail, uint64_t pc, uint64_t mode, GString *out);

/* -- for whoever plays the hypervisor, within CpuPorts.firmware -- */

uint64_t ppc_gpr(const Env *env, unsigned r);
void ppc_set_gpr(Env *env, unsigned r, uint64_t value);
void ppc_power(Env *env, CpuPower action);
uint64_t ppc_timebase(Env *env);
/* Radix: the process table, of 2^(size + 12) bytes at base; 0, 0: none. */
void ppc_set_process_table(Env *env, uint64_t base, unsigned size);
/* H_CEDE: interrupts are let in, and the CPU waits for one, or to be prodded, behind the insn. */
void ppc_cede(Env *env);
/* The CPU's present or next H_CEDE ends. Any thread; then kick it. */
/* A directed doorbell arrives; the caller kicks the CPU. CpuPorts.irq_out asks for it, line n for thread n of the core. Any
 * thread. */
void ppc_ring(Env *env);
void ppc_prod(Env *env);
/* The CPU waits for a moment behind the insn, for others to get on. */
void ppc_yield(Env *env);
/* Another CPU, which is off, starts at entry with context in r3. */
CpuOnResult ppc_start_cpu(Env *env, uint64_t id, uint64_t entry, uint64_t context);
/* Another CPU, which may run, gets what the hypervisor has set on this one for all. */
void ppc_share_partition(const Env *env, Env *to);
/* What the hypervisor has set for all CPUs survives their resets: forgets it. The CPU is stopped. */
void ppc_leave_partition(Env *env);
/* How interrupts are taken: in which byte order; with relocation on, if it was on, at 0xc000...4000 (3), 0x18000 (2) or
 * as without (0). */
/* The breakpoint of a CPU (CIABR), and its watchpoint (DAWR0, DAWRX0). False: it would be the hypervisor's. */
bool ppc_set_breakpoint(Env *env, uint64_t ciabr);
bool ppc_set_watchpoint(Env *env, uint64_t dawr, uint64_t dawrx);
void ppc_set_interrupt_order(Env *env, bool little);
void ppc_set_interrupt_location(Env *env, unsigned ail);

/* The insn at bytes, in the byte order of the mode. */
static inline uint32_t ppc_insn(const uint8_t *b, uint64_t mode) {
    uint32_t le = b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
    return mode & PPC_MODE_LE ? le : __builtin_bswap32(le);
}

#endif
