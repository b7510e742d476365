/* SPDX-License-Identifier: MIT */
/*
 * slb.c - the segment lookaside buffer of hash translation.
 * Spec: Power ISA 2.07B Book III-S, 5.7.6 (SLB), 5.9.3.1 (slbie, slbia, slbmte, slbmfev, slbmfee, slbfee.); 3.0B Book III,
 * 5.9.3.2.
 * What is cached of translations is told apart by what the segments of the lower half are (see mmu.c): putting in an old
 * set of segments again finds what was cached under it. Segments of the upper half are in no context; when one that may
 * have been used is changed or goes, everything is forgotten.
 * Missing: the segment tables of version 3.0, to which slbieg and slbsync belong.
 */
#include <inttypes.h>

#include "frontend/ppc/mmu.h"
#include "frontend/ppc/ppc.h"

void ppc_helper_slbmte(Env *env, uint64_t rs, uint64_t rb);
void ppc_helper_slbie(Env *env, uint64_t rb);
void ppc_helper_slbia(Env *env, uint32_t how);
uint64_t ppc_helper_slbmf(Env *env, uint64_t rb, uint32_t esid);
uint64_t ppc_helper_slbfee(Env *env, uint64_t rb);

#define HIGH_HALF (UINT64_C(1) << 63)
#define VSID_WORD (UINT64_MAX ^ 0x4f)

static uint64_t mask_of(const PpcSlbEntry *e) {
    return UINT64_MAX << ppc_segment_bits(e->vsid);
}

static bool covers(const PpcSlbEntry *e, uint64_t va) {
    return e->esid & PPC_SLB_VALID && ((e->esid ^ va) & mask_of(e) & PPC_SLB_ESID) == 0;
}

int ppc_slb_find(const Env *env, uint64_t va) {
    const PpcSlbEntry *slb = ppc_cold_const(env)->slb;
    for (int i = 0; i < PPC_SLB_ENTRIES; i++) {
        if (covers(&slb[i], va)) {
            return i;
        }
    }
    return -1;
}

/* -- contexts -- */

/* Any good mixture: its results are added up, so that order does not matter. */
static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t h = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + UINT64_C(0x632be59bd9b4e019)) * UINT64_C(0xd6e8feb86659fd93);
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

static bool is_low(const PpcSlbEntry *e) {
    return e->esid & PPC_SLB_VALID && !(e->esid & HIGH_HALF);
}

void ppc_slb_recompute(Env *env) {
    PpcCold *cold = ppc_cold(env);
    uint64_t sum = 0;
    for (unsigned i = 0; i < PPC_SLB_ENTRIES; i++) {
        const PpcSlbEntry *e = &cold->slb[i];
        sum += is_low(e) ? mix(e->esid & mask_of(e), e->vsid) : 0;
    }
    cold->slb_context = sum >> 1; /* never the number of all contexts */
}

uint64_t ppc_slb_context_with_keys(const Env *env) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    return (cpu->cold->slb_context + mix(cpu->plain[PPC_PLAIN_AMR], cpu->plain[PPC_PLAIN_IAMR])) >> 1;
}

/* Before the entry becomes another one: true if it is of the upper half, and what is cached of it has to go. */
static bool drop(PpcSlbEntry *e) {
    bool high = e->esid & PPC_SLB_VALID && e->esid & HIGH_HALF;
    *e = (PpcSlbEntry){0};
    return high;
}

static void changed(Env *env, bool forget) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (forget) {
        ports->tlb_flush_all(ports->opaque, env, false);
    }
    ppc_slb_recompute(env);
    ports->context_changed(ports->opaque, env);
}

/* -- insns -- */

void ppc_helper_slbmte(Env *env, uint64_t rs, uint64_t rb) {
    PpcCold *cold = ppc_cold(env);
    unsigned index = rb & 0xfff;
    if (index >= PPC_SLB_ENTRIES) {
        cold->ports->log(cold->ports->opaque, env, CPU_LOG_GUEST_ERROR, "slbmte: there is no entry %u", index);
        return;
    }
    PpcSlbEntry *e = &cold->slb[index], new = {rb & (PPC_SLB_ESID | PPC_SLB_VALID), rs & VSID_WORD};
    bool same = e->esid == new.esid && e->vsid == new.vsid;
    if (!same) {
        bool forget = drop(e);
        *e = new;
        changed(env, forget);
    }
}

/* RB: segment, class, size */
void ppc_helper_slbie(Env *env, uint64_t rb) {
    PpcCold *cold = ppc_cold(env);
    bool forget = false;
    for (unsigned i = 0; i < PPC_SLB_ENTRIES; i++) {
        if (covers(&cold->slb[i], rb)) {
            forget |= drop(&cold->slb[i]);
        }
    }
    changed(env, forget);
}

/* IH: 3: entries of class 1; 4: all; 7: none; else all but the first */
void ppc_helper_slbia(Env *env, uint32_t how) {
    PpcCold *cold = ppc_cold(env);
    bool forget = false, isa300 = ppc_has(env, PPC_ISA300);
    bool class1 = isa300 && how == 3, none = isa300 && how == 7;
    for (unsigned i = isa300 && (how == 3 || how == 4) ? 0 : 1; i < PPC_SLB_ENTRIES && !none; i++) {
        if (!class1 || cold->slb[i].vsid & PPC_SLB_CLASS) {
            forget |= drop(&cold->slb[i]);
        }
    }
    changed(env, forget);
}

uint64_t ppc_helper_slbmf(Env *env, uint64_t rb, uint32_t esid) {
    unsigned index = rb & 0xfff;
    if (index >= PPC_SLB_ENTRIES) {
        return 0;
    }
    const PpcSlbEntry *e = &ppc_cold(env)->slb[index];
    return esid ? e->esid : e->vsid;
}

/* All ones, which no entry is: nothing is found. */
uint64_t ppc_helper_slbfee(Env *env, uint64_t rb) {
    int i = ppc_slb_find(env, rb);
    return i < 0 ? UINT64_MAX : ppc_cold(env)->slb[i].vsid;
}
