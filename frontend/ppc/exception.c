/* SPDX-License-Identifier: MIT */
/*
 * exception.c - interrupts, and returning from them.
 * Spec: Power ISA 3.0B Book III, 6.4 (processing), 6.5 (definitions), 4.3.1 (rfid, mtmsr).
 * Missing: machine checks other than for a bus, hypervisor interrupts.
 */
#include <inttypes.h>

#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "frontend/ppc/trans.h"

void ppc_helper_program(Env *env, uint32_t srr1);
void ppc_helper_interrupt(Env *env, uint32_t vector);
void ppc_helper_system_call(Env *env, uint32_t level);
void ppc_helper_hypercall(Env *env);
void ppc_helper_rfi(Env *env);
void ppc_helper_system_call_vectored(Env *env, uint32_t level);
void ppc_helper_facility(Env *env, uint32_t which);
void ppc_helper_return_vectored(Env *env);
void ppc_helper_msr_write(Env *env, uint64_t value, uint64_t mask);
void ppc_helper_icbi(Env *env, uint64_t ea);
void ppc_helper_barrier(Env *env);

#define SRR1_WHY UINT64_C(0x783f0000)

uint64_t ppc_insn_pc(const Env *env) {
    uint64_t pc = env->pcbase + (uint64_t)(int64_t)env->insn_off;
    return ppc_cpu_const(env)->msr & PPC_MSR_SF ? pc : (uint32_t)pc;
}

/* Interrupts keep relocation on, at an address that LPCR names, when it was on. */
static uint64_t vector_base(const Env *env) {
    static const uint64_t bases[4] = {0, 0, 0x18000, UINT64_C(0xc000000000004000)};
    enum { ON = PPC_MSR_IR | PPC_MSR_DR };
    return (ppc_cpu_const(env)->msr & ON) == ON ? bases[ppc_cold_const(env)->lpcr >> PPC_LPCR_AIL_SHIFT & 3] : 0;
}

static uint64_t msr_within(const Env *env, bool relocated) {
    const PpcCold *cold = ppc_cold_const(env);
    return PPC_MSR_SF | (ppc_cpu_const(env)->msr & PPC_MSR_ME) | (cold->lpcr & PPC_LPCR_ILE ? PPC_MSR_LE : 0) |
           (relocated ? PPC_MSR_IR | PPC_MSR_DR : 0);
}

void ppc_enter(Env *env, unsigned vector, uint64_t srr0, uint64_t srr1) {
    PpcCpu *cpu = ppc_cpu(env);
    PpcCold *cold = cpu->cold;
    uint64_t base = vector == PPC_VEC_RESET || vector == PPC_VEC_MACHINE_CHECK ? 0 : vector_base(env);
    cold->ports->log(cold->ports->opaque, env, CPU_LOG_INT, "interrupt %#x at %#" PRIx64 ", MSR %#" PRIx64, vector, srr0,
                     cpu->msr | srr1);
    cold->trace_due = 0;
    cpu->plain[PPC_PLAIN_SRR0] = srr0;
    cpu->plain[PPC_PLAIN_SRR1] = (cpu->msr & ~SRR1_WHY) | srr1;
    ppc_set_msr(env, msr_within(env, base));
    env->pc = base + vector;
}

static void take(Env *env, unsigned vector, uint64_t srr0, uint64_t srr1) {
    ppc_enter(env, vector, srr0, srr1);
    env->fault = 1;
}

void ppc_raise_program(Env *env, uint32_t srr1) {
    take(env, PPC_VEC_PROGRAM, ppc_insn_pc(env), srr1);
}

void ppc_helper_program(Env *env, uint32_t srr1) {
    ppc_raise_program(env, srr1);
}

void ppc_helper_interrupt(Env *env, uint32_t vector) {
    take(env, vector, ppc_insn_pc(env), 0);
}

void ppc_helper_system_call(Env *env, uint32_t level) {
    take(env, PPC_VEC_SYSTEM_CALL, ppc_insn_pc(env) + 4, 0);
}

/* LR and CTR in place of SRR0 and SRR1, vectors of its own, interrupts as they are. */
void ppc_helper_system_call_vectored(Env *env, uint32_t level) {
    enum { KEPT = PPC_MSR_EE | PPC_MSR_RI };
    PpcCpu *cpu = ppc_cpu(env);
    if (!(cpu->plain[PPC_PLAIN_FSCR] & 1 << PPC_FACILITY_SCV)) {
        ppc_helper_facility(env, PPC_FACILITY_SCV);
        return;
    }
    cpu->cold->trace_due = 0;
    uint64_t base = vector_base(env), kept = cpu->msr & KEPT;
    cpu->lr = ppc_insn_pc(env) + 4;
    cpu->ctr = cpu->msr & ~SRR1_WHY;
    ppc_set_msr(env, msr_within(env, base) | kept);
    env->pc = (base >> 62 ? UINT64_C(0xc000000000003000) : 0x17000) + level * 32;
    env->fault = 1;
}

/* Who plays the hypervisor answers; without one the insn is a system call. */
void ppc_helper_hypercall(Env *env) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (!ports->firmware || !ports->firmware(ports->opaque, env)) {
        ppc_helper_system_call(env, 1);
    }
}

/* -- what the hypervisor does -------------------------------------------------------------------------------- */

uint64_t ppc_gpr(const Env *env, unsigned r) {
    return ppc_cpu_const(env)->gpr[r];
}

void ppc_set_gpr(Env *env, unsigned r, uint64_t value) {
    ppc_cpu(env)->gpr[r] = value;
}

void ppc_power(Env *env, CpuPower action) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    ports->power(ports->opaque, env, action, 0);
}

void ppc_cede(Env *env) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    uint32_t lines = __atomic_fetch_and(&ppc_cold(env)->lines, ~(uint32_t)PPC_LINE_PRODDED, __ATOMIC_SEQ_CST);
    ppc_set_msr(env, ppc_cpu(env)->msr | PPC_MSR_EE);
    ppc_poll_interrupts(env);
    if (!(lines & PPC_LINE_PRODDED) && !ppc_wakes(env) && ports->halt) {
        ports->halt(ports->opaque, env, ppc_insn_pc(env) + 4);
    }
}

void ppc_prod(Env *env) {
    __atomic_fetch_or(&ppc_cold(env)->lines, PPC_LINE_PRODDED, __ATOMIC_SEQ_CST);
}

void ppc_ring(Env *env) {
    __atomic_fetch_or(&ppc_cold(env)->lines, PPC_LINE_DOORBELL, __ATOMIC_SEQ_CST);
}

void ppc_yield(Env *env) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (ports->wait_event) {
        ports->wait_event(ports->opaque, env);
    }
}

CpuOnResult ppc_start_cpu(Env *env, uint64_t id, uint64_t entry, uint64_t context) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    return ports->cpu_on ? ports->cpu_on(ports->opaque, env, id, entry & ~UINT64_C(3), context) : CPU_ON_BAD_ID;
}

void ppc_share_partition(const Env *env, Env *to) {
    PpcCold *cold = ppc_cold(to);
    __atomic_store_n(&cold->lpcr, ppc_cold_const(env)->lpcr, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cold->process_table, ppc_cold_const(env)->process_table, __ATOMIC_SEQ_CST);
}

void ppc_leave_partition(Env *env) {
    PpcCold *cold = ppc_cold(env);
    cold->lpcr = cold->process_table = 0;
}

void ppc_set_interrupt_order(Env *env, bool little) {
    PpcCold *cold = ppc_cold(env);
    cold->lpcr = (cold->lpcr & ~(uint64_t)PPC_LPCR_ILE) | (little ? PPC_LPCR_ILE : 0);
}

void ppc_set_interrupt_location(Env *env, unsigned ail) {
    PpcCold *cold = ppc_cold(env);
    cold->lpcr = (cold->lpcr & ~(UINT64_C(3) << PPC_LPCR_AIL_SHIFT)) | (uint64_t)(ail & 3) << PPC_LPCR_AIL_SHIFT;
}

/* -- memory -------------------------------------------------------------------------------- */

void ppc_mem_fault(Env *env, const MemFault *f) {
    enum { STORE = 1 << 25, DSISR_WATCH = 1 << 22 };
    PpcCpu *cpu = ppc_cpu(env);
    bool wide = cpu->msr & PPC_MSR_SF, segment = f->guest & PPC_FAULT_SEGMENT;
    uint32_t why = (uint32_t)(f->guest & ~(uint64_t)PPC_FAULT_SEGMENT);
    if (f->access == MEM_FETCH) {
        uint64_t pc = wide ? env->pc : (uint32_t)env->pc;
        if (cpu->cold->trace_due) {
            ppc_enter(env, PPC_VEC_TRACE, pc, 0);
            return;
        }
        unsigned vector = f->kind == MEM_FAULT_BUS ? PPC_VEC_MACHINE_CHECK : segment ? PPC_VEC_INSN_SEGMENT : PPC_VEC_INSN;
        ppc_enter(env, vector, pc, segment ? 0 : why & SRR1_WHY);
        return;
    }
    cpu->plain[PPC_PLAIN_DAR] = wide ? f->va : (uint32_t)f->va;
    why = f->kind == MEM_FAULT_WATCH ? DSISR_WATCH : why;
    unsigned vector = f->kind == MEM_FAULT_ALIGN ? PPC_VEC_ALIGN : f->kind == MEM_FAULT_BUS ? PPC_VEC_MACHINE_CHECK
                      : segment ? PPC_VEC_DATA_SEGMENT : PPC_VEC_DATA;
    if (vector == PPC_VEC_DATA || vector == PPC_VEC_ALIGN) {
        cpu->plain[PPC_PLAIN_DSISR] = why | (f->access == MEM_WRITE ? STORE : 0);
    }
    ppc_enter(env, vector, ppc_insn_pc(env), 0);
}

/* -- asynchronous -------------------------------------------------------------------------------- */

bool ppc_wakes(const Env *env) {
    const PpcCold *cold = ppc_cold_const(env);
    return cold->dec_due || __atomic_load_n(&cold->lines, __ATOMIC_SEQ_CST);
}

static bool waits(const Env *env, uint32_t lines) {
    return __atomic_load_n(&ppc_cold_const(env)->lines, __ATOMIC_SEQ_CST) & lines;
}

bool ppc_deliverable(const Env *env) {
    const PpcCold *cold = ppc_cold_const(env);
    return ppc_cpu_const(env)->msr & PPC_MSR_EE && (cold->dec_due || waits(env, PPC_LINES_EXTERNAL | PPC_LINE_DOORBELL));
}

void ppc_take_interrupt(Env *env) {
    PpcCold *cold = ppc_cold(env);
    if (!ppc_deliverable(env)) {
        return;
    }
    unsigned vector = cold->trace_due ? PPC_VEC_TRACE : waits(env, PPC_LINES_EXTERNAL) ? PPC_VEC_EXTERNAL
                      : cold->dec_due ? PPC_VEC_DECREMENTER : PPC_VEC_DOORBELL;
    if (vector == PPC_VEC_DOORBELL) {
        __atomic_fetch_and(&cold->lines, ~(uint32_t)PPC_LINE_DOORBELL, __ATOMIC_SEQ_CST);
    }
    ppc_enter(env, vector, env->pc, 0);
}

/* -- MSR -------------------------------------------------------------------------------- */

/* Problem state has interrupts and relocation on. */
static uint64_t implied(uint64_t msr) {
    return msr & PPC_MSR_PR ? msr | PPC_MSR_EE | PPC_MSR_IR | PPC_MSR_DR : msr;
}

/* An exception that FPSCR has enabled already, in front of the insn at pc. */
static bool raises_late(Env *env, uint64_t pc) {
    enum { BEHIND = 1 << 16 };
    uint64_t fe = ppc_cpu(env)->msr & (PPC_MSR_FE0 | PPC_MSR_FE1);
    if (!fe || !(ppc_cpu(env)->msr & PPC_MSR_FP) || !(ppc_fpscr(env) >> PPC_FPSCR_FEX & 1)) {
        return false;
    }
    ppc_enter(env, PPC_VEC_PROGRAM, pc, PPC_PROGRAM_FP | BEHIND);
    return true;
}

static void go_back(Env *env, uint64_t pc, uint64_t msr) {
    const uint64_t kept = PPC_MSR_ME;
    msr = implied(msr);
    ppc_cold(env)->trace_due = 0;
    ppc_set_msr(env, (msr & ~kept) | (ppc_cpu(env)->msr & kept));
    env->pc = (msr & PPC_MSR_SF ? pc : (uint32_t)pc) & ~UINT64_C(3);
    raises_late(env, env->pc);
    ppc_poll_interrupts(env);
}

void ppc_helper_rfi(Env *env) {
    const PpcCpu *cpu = ppc_cpu(env);
    go_back(env, cpu->plain[PPC_PLAIN_SRR0], cpu->plain[PPC_PLAIN_SRR1]);
}

void ppc_helper_return_vectored(Env *env) {
    const PpcCpu *cpu = ppc_cpu(env);
    go_back(env, cpu->lr, cpu->ctr);
}

void ppc_helper_msr_write(Env *env, uint64_t value, uint64_t mask) {
    uint64_t msr = ppc_cpu(env)->msr;
    ppc_set_msr(env, implied((msr & ~mask) | (value & mask)));
    ppc_cold(env)->trace_due &= (ppc_cpu(env)->mode & (PPC_MODE_SE | PPC_MODE_BE | PPC_MODE_CIABR)) != 0;
    env->fault |= raises_late(env, ppc_insn_pc(env) + 4);
    ppc_poll_interrupts(env);
}

/* -- caches -------------------------------------------------------------------------------- */

/* Code made from the block at ea is stale. */
void ppc_helper_icbi(Env *env, uint64_t ea) {
    enum { BLOCK = 128 };
    const CpuPorts *ports = ppc_cold(env)->ports;
    MemXlat x;
    ea &= ~(uint64_t)(BLOCK - 1);
    if (ppc_walk(env, ea, MEM_READ, false, &x)) {
        ports->code_written(ports->opaque, env, x.pa, BLOCK);
        return;
    }
    MemFault fault = {.kind = MEM_FAULT_WALK, .access = MEM_READ, .va = ea, .guest = x.guest_fault};
    ppc_mem_fault(env, &fault);
    env->fault = 1;
}

void ppc_helper_barrier(Env *env) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (ports->barrier) {
        ports->barrier(ports->opaque, env);
    }
}
