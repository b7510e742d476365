/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - addresses: real mode.
 * Spec: Power ISA 3.0B Book III, 5.7.3 (real mode addressing of a partition).
 * Missing: relocation, radix and hash: with MSR[IR] or MSR[DR] every address faults.
 */
#include "frontend/ppc/spr.h"

enum { NO_TRANSLATION = 1 << 30 }; /* DSISR and SRR1 bit 33 */

MemContext ppc_context(const Env *env, bool unprivileged) {
    uint64_t mode = ppc_cpu_const(env)->mode;
    MemContext c = {.regime = (mode & PPC_MODE_PR ? 1 : 0) | (mode & PPC_MODE_IR ? 2 : 0) | (mode & PPC_MODE_DR ? 4 : 0)};
    return c;
}

bool ppc_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat) {
    uint64_t mode = ppc_cpu(env)->mode;
    *xlat = (MemXlat){.guest_fault = NO_TRANSLATION};
    if (mode & (access == MEM_FETCH ? PPC_MODE_IR : PPC_MODE_DR)) {
        return false;
    }
    uint64_t mask = mode & PPC_MODE_SF ? UINT64_MAX >> 4 : UINT32_MAX; /* the first four bits do not count */
    *xlat = (MemXlat){.pa = va & mask, .readable = true, .writable = true, .executable = true, .global = true,
                      .page_bits = IR_PAGE_BITS};
    return true;
}
