/* SPDX-License-Identifier: MIT */
/*
 * facility.c - facilities that may be unavailable, event-based branches, doorbells, trace interrupts, break- and watchpoint,
 * strings.
 * Spec: Power ISA 2.07B Book III-S, 6.2.10 (FSCR), 6.5.15 (trace), 6.5.22 (facility unavailable), 11 (doorbells); Book II, 7
 * (event-based branches); Book I, 3.3.6 (lswx, stswx).
 * A traced insn notes that it began; what begins next, be it an insn, an interrupt from outside or a fetch that fails, finds
 * the note and is preceded by the trace interrupt. An interrupt of the insn itself removes the note.
 */
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

void ppc_helper_facility(Env *env, uint32_t which);
void ppc_helper_bad_function(Env *env, uint64_t ea);
void ppc_helper_rfebb(Env *env, uint32_t enable);
void ppc_helper_doorbell(Env *env, uint64_t rb, uint32_t ring);
void ppc_helper_trace(Env *env, uint32_t counts);
void ppc_helper_string(Env *env, uint64_t ea, uint32_t how);

static void take(Env *env, unsigned vector) {
    ppc_enter(env, vector, ppc_insn_pc(env), 0);
    env->fault = 1;
}

void ppc_helper_facility(Env *env, uint32_t which) {
    uint64_t *fscr = &ppc_cpu(env)->plain[PPC_PLAIN_FSCR];
    *fscr = *fscr << 8 >> 8 | (uint64_t)which << 56;
    take(env, PPC_VEC_FACILITY);
}

/* An atomic memory operation that there is not. */
void ppc_helper_bad_function(Env *env, uint64_t ea) {
    enum { DSISR_BAD_FUNCTION = 1 << 2 };
    ppc_cpu(env)->plain[PPC_PLAIN_DAR] = ea;
    ppc_cpu(env)->plain[PPC_PLAIN_DSISR] = DSISR_BAD_FUNCTION;
    take(env, PPC_VEC_DATA);
}

void ppc_helper_rfebb(Env *env, uint32_t enable) {
    uint64_t *plain = ppc_cpu(env)->plain;
    plain[PPC_PLAIN_BESCR] = plain[PPC_PLAIN_BESCR] << 1 >> 1 | (uint64_t)enable << 63;
    env->pc = (ppc_cpu(env)->msr & PPC_MSR_SF ? plain[PPC_PLAIN_EBBRR] : (uint32_t)plain[PPC_PLAIN_EBBRR]) & ~UINT64_C(3);
}

/* To a thread of this core, which the machine knows; one's own is cleared. */
void ppc_helper_doorbell(Env *env, uint64_t rb, uint32_t ring) {
    enum { TYPE_DIRECTED = 5 };
    PpcCold *cold = ppc_cold(env);
    unsigned to = rb & 127;
    if ((rb >> 27 & 31) != TYPE_DIRECTED || (ring && to >= cold->threads)) {
        return;
    }
    if (!ring) {
        __atomic_fetch_and(&cold->lines, ~(uint32_t)PPC_LINE_DOORBELL, __ATOMIC_SEQ_CST);
    } else if (to == cold->index % cold->threads) {
        ppc_ring(env);
        ppc_poll_interrupts(env);
    } else {
        cold->ports->irq_out(cold->ports->opaque, env, to, true);
    }
}

void ppc_helper_trace(Env *env, uint32_t counts) {
    if (ppc_cold(env)->trace_due) {
        take(env, PPC_VEC_TRACE);
    } else if (counts == PPC_TRACE_COMPARE) {
        ppc_cold(env)->trace_due = ppc_insn_pc(env) == (ppc_cpu(env)->plain[PPC_PLAIN_CIABR] & ~UINT64_C(3));
    } else {
        ppc_cold(env)->trace_due = counts;
    }
}

/* -- breakpoint and watchpoint -------------------------------------------------------------------------------- */

enum { USER = 1, SUPERVISOR = 2, HYPERVISOR = 3 /* CIABR's states */ };
enum { DAWRX_USER = 1, DAWRX_SUPERVISOR = 2, DAWRX_HYPERVISOR = 4, DAWRX_ANY_MODE = 8, DAWRX_RELOCATED = 16, DAWRX_READ = 32,
       DAWRX_WRITE = 64, DAWRX_LENGTH_SHIFT = 10 };

bool ppc_breaking(const PpcCpu *cpu) {
    unsigned state = cpu->plain[PPC_PLAIN_CIABR] & 3;
    return state == (cpu->msr & PPC_MSR_PR ? USER : SUPERVISOR);
}

bool ppc_set_breakpoint(Env *env, uint64_t ciabr) {
    if ((ciabr & 3) == HYPERVISOR) {
        return false;
    }
    ppc_cpu(env)->plain[PPC_PLAIN_CIABR] = ciabr;
    ppc_update_mode(env);
    return true;
}

bool ppc_set_watchpoint(Env *env, uint64_t dawr, uint64_t dawrx) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (dawrx & DAWRX_HYPERVISOR) {
        return false;
    }
    ppc_cpu(env)->plain[PPC_PLAIN_DAWR0] = dawr;
    ppc_cpu(env)->plain[PPC_PLAIN_DAWRX0] = dawrx;
    ports->tlb_flush_all(ports->opaque, env, false); /* accesses that are remembered are not looked at */
    return true;
}

bool ppc_watching(const Env *env) {
    return ppc_cpu_const(env)->plain[PPC_PLAIN_DAWRX0] & (DAWRX_READ | DAWRX_WRITE);
}

bool ppc_watch_hit(Env *env, uint64_t va, unsigned size, MemAccess access) {
    const PpcCpu *cpu = ppc_cpu(env);
    uint64_t x = cpu->plain[PPC_PLAIN_DAWRX0], first = cpu->plain[PPC_PLAIN_DAWR0] & ~UINT64_C(7);
    uint64_t bytes = ((x >> DAWRX_LENGTH_SHIFT & 63) + 1) * 8;
    bool state = x & (cpu->msr & PPC_MSR_PR ? DAWRX_USER : DAWRX_SUPERVISOR);
    bool relocated = x & DAWRX_ANY_MODE || !(x & DAWRX_RELOCATED) == !(cpu->msr & PPC_MSR_DR);
    bool kind = access == MEM_FETCH ? false : x & (access == MEM_WRITE ? DAWRX_WRITE : DAWRX_READ);
    return state && relocated && kind && va < first + bytes && va + size > first;
}

/* -- strings: how: first register, store << 5 -- */

static void fail(Env *env, uint64_t ea, uint64_t size, MemAccess access) {
    for (uint64_t at = ea; at < ea + size; at = (at | 4095) + 1) {
        MemXlat x;
        if (!ppc_walk(env, at, access, false, &x)) {
            MemFault fault = {.kind = MEM_FAULT_WALK, .access = access, .va = at, .guest = x.guest_fault};
            ppc_mem_fault(env, &fault);
            env->fault = 1;
            return;
        }
    }
    MemFault fault = {.kind = MEM_FAULT_BUS, .access = access, .va = ea};
    ppc_mem_fault(env, &fault);
    env->fault = 1;
}

void ppc_helper_string(Env *env, uint64_t ea, uint32_t how) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    PpcCpu *cpu = ppc_cpu(env);
    unsigned n = cpu->xer_count & 127, r = how & 31;
    bool store = how & 32;
    uint8_t bytes[128] = {0};
    for (unsigned i = 0; i < n && store; i++) {
        bytes[i] = (uint8_t)(cpu->gpr[(r + i / 4) % 32] >> (24 - 8 * (i % 4)));
    }
    if (n && !(store ? ports->virt_write(ports->opaque, env, ea, bytes, n) : ports->virt_read(ports->opaque, env, ea, bytes, n))) {
        fail(env, ea, n, store ? MEM_WRITE : MEM_READ);
        return;
    }
    for (unsigned i = 0; i < n && !store; i += 4) {
        cpu->gpr[(r + i / 4) % 32] = (uint32_t)bytes[i] << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3];
    }
}
