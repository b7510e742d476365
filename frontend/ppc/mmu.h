/* SPDX-License-Identifier: MIT */
/*
 * mmu.h - what the files about translation share: mmu.c, mmu_radix.c, mmu_hash.c, slb.c.
 */
#ifndef FRONTEND_PPC_MMU_H
#define FRONTEND_PPC_MMU_H

#include "frontend/ppc/spr.h"

/* Why there is no translation: DSISR, and SRR1 for fetches */
enum {
    PPC_NO_TRANSLATION = 1 << 30, PPC_NO_EXECUTE = 1 << 28, PPC_PROTECTION = 1 << 27, PPC_KEY = 1 << 21,
    PPC_BAD_TABLE = 1 << 19,
};

/* Translate an address; fill *x. 0, or why not: bits as above, or PPC_FAULT_SEGMENT. */
uint64_t ppc_radix_walk(Env *env, uint64_t va, MemAccess access, MemXlat *x);
uint64_t ppc_hash_walk(Env *env, uint64_t va, MemAccess access, MemXlat *x);

/* Is translation by hash tables? */
static inline bool ppc_hashes(const Env *env) {
    return !(ppc_cold_const(env)->lpcr & PPC_LPCR_HR);
}

/* Pages of up to 64 KiB are remembered as the pieces of 4 KiB that are used, and forgotten piece by piece; larger ones are
 * named as such to fetches alone, of which there are few: forgetting one of them is forgetting everything. */
enum { PPC_SMALL_BITS = 16 };
void ppc_note_page(MemXlat *x, MemAccess access, unsigned bits);
/* All translations of a page at va go. */
void ppc_flush_mapping(Env *env, uint64_t va, unsigned bits, bool any_asid, uint64_t asid, bool everywhere);

/* -- slb.c -- */

/* Segment table entries are as slbmte takes them. */
#define PPC_SLB_ESID UINT64_C(0xfffffffff0000000)
enum { PPC_SLB_VALID = 1 << 27 };
#define PPC_SLB_B_SHIFT 62
#define PPC_SLB_VSID_SHIFT 12
#define PPC_SLB_VSID UINT64_C(0x3ffffffffffff000)
enum {
    PPC_SLB_KS = 1 << 11, PPC_SLB_KP = 1 << 10, PPC_SLB_N = 1 << 9, PPC_SLB_L = 1 << 8, PPC_SLB_CLASS = 1 << 7,
    PPC_SLB_LP = 3 << 4,
};
/* log2 of the segment's size. */
static inline unsigned ppc_segment_bits(uint64_t vsid) {
    return vsid >> PPC_SLB_B_SHIFT == 0 ? 28 : 40;
}
/* The entry that translates va, or negative. */
int ppc_slb_find(const Env *env, uint64_t va);

#endif
