/* SPDX-License-Identifier: MIT */
/*
 * maint.c - SYS insns: cache and TLB maintenance, address translation.
 * Spec: Arm DDI 0487, C5.3 (cache), C5.4 (AT), C5.5 (TLBI), D13.2.107 (PAR_EL1).
 * Caches are not modelled: data cache maintenance checks its address and then does nothing. TLB maintenance of the
 * Inner Shareable forms goes to all CPUs, and is finished there by a DSB.
 */
#include "frontend/arm/sysreg.h"

/* -- caches -------------------------------------------------------------------------------- */

/* The address of maintenance by va must be mapped. False: the fault has been taken. */
static bool maint_translate(Env *env, uint64_t va, MemAccess access, uint64_t *pa) {
    const CpuPorts *ports = arm_ports(env);
    ArmXlat out;
    if (ports->known && ports->known(ports->opaque, env, va, access, pa)) {
        return true;
    }
    if (!arm_translate(env, va, access, arm_cpu(env)->el, false, &out)) {
        arm_mem_fault(env, &(MemFault){.kind = MEM_FAULT_WALK, .access = access, .va = va, .guest = out.x.guest_fault,
                                       .check_only = true});
        env->fault = 1;
        return false;
    }
    *pa = out.x.pa;
    return true;
}

static void dc_clean(Env *env, const ArmSysreg *row, uint64_t va) {
    uint64_t pa;
    maint_translate(env, va, MEM_READ, &pa);
}

static void dc_invalidate(Env *env, const ArmSysreg *row, uint64_t va) {
    uint64_t pa;
    maint_translate(env, va, MEM_WRITE, &pa);
}

static void dc_set_way(Env *env, const ArmSysreg *row, uint64_t value) {
}

static void ic_va(Env *env, const ArmSysreg *row, uint64_t va) {
    enum { LINE = 64 };
    const CpuPorts *ports = arm_ports(env);
    uint64_t pa;
    if (maint_translate(env, va, MEM_READ, &pa)) {
        ports->code_written(ports->opaque, env, pa & ~(uint64_t)(LINE - 1), LINE);
    }
}

static void ic_all(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuPorts *ports = arm_ports(env);
    ports->code_flush(ports->opaque, env);
}

/* -- TLBs -------------------------------------------------------------------------------- */

/* Bits 43..0 of the operand are bits 55..12 of the address. */
static uint64_t tlbi_va(uint64_t value) {
    return (uint64_t)((int64_t)(value << 20) >> 8) & ~UINT64_C(0xfff);
}

static uint64_t tlbi_asid(Env *env, uint64_t value) {
    return value >> 48 & (arm_cold(env)->tcr_el1 >> 36 & 1 ? 0xffff : 0xff);
}

/* Op2 of the forms that are about last levels only, of one or of all ASIDs. */
static bool last_level(const ArmSysreg *row) {
    return (row->code & 5) == 5;
}

/* The Inner Shareable forms have another CRm. */
static bool shareable(const ArmSysreg *row) {
    return (row->code >> 3 & 15) == 3;
}

static void tlbi_all(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuPorts *ports = arm_ports(env);
    ports->tlb_flush_all(ports->opaque, env, shareable(row));
}

static void tlbi_by_asid(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuPorts *ports = arm_ports(env);
    ports->tlb_flush_asid(ports->opaque, env, tlbi_asid(env, value), shareable(row));
}

static void tlbi_by_va(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuPorts *ports = arm_ports(env);
    ports->tlb_flush_page(ports->opaque, env, tlbi_va(value), false, tlbi_asid(env, value), last_level(row),
                          shareable(row));
}

static void tlbi_by_va_all(Env *env, const ArmSysreg *row, uint64_t value) {
    const CpuPorts *ports = arm_ports(env);
    ports->tlb_flush_page(ports->opaque, env, tlbi_va(value), true, 0, last_level(row), shareable(row));
}

/* -- AT: the result goes to PAR_EL1 -------------------------------------------------------------------------------- */

static void address_translate(Env *env, const ArmSysreg *row, uint64_t va) {
    enum { F = 1, RES1 = 1 << 11 };
    ArmCold *cold = arm_cold(env);
    unsigned op2 = row->code & 7;
    ArmXlat out;
    if (arm_translate(env, va, op2 & 1 ? MEM_WRITE : MEM_READ, op2 < 2, false, &out)) {
        cold->par_el1 = (uint64_t)out.attr << 56 | (out.x.pa & UINT64_C(0xfffffffff000)) | RES1 | (uint64_t)out.sh << 7;
        return;
    }
    if ((out.x.guest_fault & 0x3c) == ARM_FSC_WALK_ABORT) {
        arm_mem_fault(env,
                      &(MemFault){.kind = MEM_FAULT_WALK, .va = va, .guest = out.x.guest_fault, .check_only = true});
        env->fault = 1;
        return;
    }
    cold->par_el1 = RES1 | out.x.guest_fault << 1 | F;
}

/* -- the rows -------------------------------------------------------------------------------- */

enum { W01 = ARM_W0 | ARM_W1 };
#define TLBI(name, op2, fn)                                                                                            \
    {"TLBI " name "IS", ARM_SR(1, 0, 8, 3, op2), ARM_W1, ARM_ROW_SYNC, .write = fn},                                   \
    {"TLBI " name, ARM_SR(1, 0, 8, 7, op2), ARM_W1, ARM_ROW_SYNC, .write = fn}

const ArmSysreg arm_maint_regs[] = {
    {"IC IALLUIS", ARM_SR(1, 0, 7, 1, 0), ARM_W1, ARM_ROW_SYNC, .write = ic_all},
    {"IC IALLU", ARM_SR(1, 0, 7, 5, 0), ARM_W1, ARM_ROW_SYNC, .write = ic_all},
    {"IC IVAU", ARM_SR(1, 3, 7, 5, 1), W01, ARM_ROW_SYNC, .trap = ARM_TRAP_UCI, .write = ic_va},
    {"DC IVAC", ARM_SR(1, 0, 7, 6, 1), ARM_W1, .write = dc_invalidate},
    {"DC ISW", ARM_SR(1, 0, 7, 6, 2), ARM_W1, .write = dc_set_way},
    {"DC CSW", ARM_SR(1, 0, 7, 10, 2), ARM_W1, .write = dc_set_way},
    {"DC CISW", ARM_SR(1, 0, 7, 14, 2), ARM_W1, .write = dc_set_way},
    {"DC ZVA", ARM_SR(1, 3, 7, 4, 1), W01, .trap = ARM_TRAP_DZE}, /* translated */
    {"DC CVAC", ARM_SR(1, 3, 7, 10, 1), W01, .trap = ARM_TRAP_UCI, .write = dc_clean},
    {"DC CVAU", ARM_SR(1, 3, 7, 11, 1), W01, .trap = ARM_TRAP_UCI, .write = dc_clean},
    {"DC CIVAC", ARM_SR(1, 3, 7, 14, 1), W01, .trap = ARM_TRAP_UCI, .write = dc_clean},
    {"AT S1E1R", ARM_SR(1, 0, 7, 8, 0), ARM_W1, .write = address_translate},
    {"AT S1E1W", ARM_SR(1, 0, 7, 8, 1), ARM_W1, .write = address_translate},
    {"AT S1E0R", ARM_SR(1, 0, 7, 8, 2), ARM_W1, .write = address_translate},
    {"AT S1E0W", ARM_SR(1, 0, 7, 8, 3), ARM_W1, .write = address_translate},
    TLBI("VMALLE1", 0, tlbi_all),
    TLBI("VAE1", 1, tlbi_by_va),
    TLBI("ASIDE1", 2, tlbi_by_asid),
    TLBI("VAAE1", 3, tlbi_by_va_all),
    TLBI("VALE1", 5, tlbi_by_va),
    TLBI("VAALE1", 7, tlbi_by_va_all),
    {NULL},
};
