/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - addresses: real mode, and which way translation goes; how translations are told apart and forgotten.
 * Spec: Power ISA 3.0B Book III, 5.7.3 (real mode), 5.7.4 to 5.7.6.
 * A context (MemContext) of radix is a process; that of hash tables is what the segments of the lower half of addresses
 * are: those of the upper half are the same in all contexts, and everything is forgotten when they change.
 * Missing: real mode of a partition ends with its memory, not with a smaller real-mode area.
 */
#include "frontend/ppc/mmu.h"

#include <inttypes.h>

#include "frontend/ppc/ppc.h"

/* Protection keys make a difference to hash tables when one is set; to radix the first two bits do. */
static unsigned keys_in_regime(const Env *env) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    uint64_t amr = cpu->plain[PPC_PLAIN_AMR];
    return ppc_hashes(env) ? (amr | cpu->plain[PPC_PLAIN_IAMR]) != 0 : (unsigned)(amr >> 62);
}

MemContext ppc_context(const Env *env, bool unprivileged) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    uint64_t mode = cpu->mode;
    MemContext c = {.regime = (mode & PPC_MODE_PR ? 1 : 0) | (mode & PPC_MODE_IR ? 2 : 0) | (mode & PPC_MODE_DR ? 4 : 0) |
                              (mode & PPC_MODE_SF ? 8 : 0)};
    if (mode & (PPC_MODE_IR | PPC_MODE_DR)) {
        unsigned keys = keys_in_regime(env);
        c.regime |= keys << 4;
        c.asid = !ppc_hashes(env) ? cpu->cold->pid : keys ? ppc_slb_context_with_keys(env) : cpu->cold->slb_context;
    }
    return c;
}

void ppc_note_page(MemXlat *x, MemAccess access, unsigned bits) {
    bool large = bits > PPC_SMALL_BITS;
    x->page_bits = (uint8_t)(large && access == MEM_FETCH ? bits : IR_PAGE_BITS);
    x->executable &= !large || access == MEM_FETCH; /* so that fetches come here for the size */
}

void ppc_flush_mapping(Env *env, uint64_t va, unsigned bits, bool any_asid, uint64_t asid, bool everywhere) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (bits > PPC_SMALL_BITS) {
        ports->tlb_flush_all(ports->opaque, env, everywhere);
        return;
    }
    va = va >> bits << bits;
    for (uint64_t at = 0; at < UINT64_C(1) << bits; at += 1 << IR_PAGE_BITS) {
        ports->tlb_flush_page(ports->opaque, env, va + at, any_asid, asid, true, everywhere);
    }
}

/* The first four bits do not count. */
static void real_mode(uint64_t va, MemXlat *x) {
    *x = (MemXlat){.pa = va & UINT64_MAX >> 4, .readable = true, .writable = true, .executable = true,
                   .page_bits = IR_PAGE_BITS};
}

bool ppc_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *x) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    uint64_t mode = ppc_cpu(env)->mode, why = 0;
    bool fetch = access == MEM_FETCH;
    *x = (MemXlat){.guest_fault = 0};
    va = mode & PPC_MODE_SF ? va : (uint32_t)va;
    if (mode & (fetch ? PPC_MODE_IR : PPC_MODE_DR)) {
        why = ppc_hashes(env) ? ppc_hash_walk(env, va, access, x) : ppc_radix_walk(env, va, access, x);
    } else {
        real_mode(va, x);
    }
    if (why) {
        x->guest_fault = why;
        ports->log(ports->opaque, env, CPU_LOG_MMU, "no translation of %#" PRIx64 " (access %d): %#" PRIx64, va, access, why);
        return false;
    }
    if (!(mode & PPC_MODE_IR) != !(mode & PPC_MODE_DR)) { /* what is true for data is not for insns */
        x->readable &= !fetch;
        x->writable &= !fetch;
        x->executable &= fetch;
    }
    return true;
}
