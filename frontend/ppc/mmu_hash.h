/* SPDX-License-Identifier: MIT */
/*
 * mmu_hash.h - hash tables as their owner, who plays the hypervisor, uses them.
 * Spec: Power ISA 2.07B Book III-S, 5.7.7.1 (entries).
 * An entry is two doublewords in host byte order, eight are a group; both are read by CPUs at any time.
 */
#ifndef FRONTEND_PPC_MMU_HASH_H
#define FRONTEND_PPC_MMU_HASH_H

#include "frontend/frontend.h"

/* First doubleword: size of the segment, abbreviated virtual page, software's bits, large, secondary hash, valid. */
#define PPC_HPTE_AVPN UINT64_C(0x3fffffffffffff80)
/* ... what a search compares */
#define PPC_HPTE_MATCH (UINT64_C(0xffffffffffffff80) | PPC_HPTE_SECONDARY | PPC_HPTE_VALID)
enum { PPC_HPTE_LARGE = 4, PPC_HPTE_SECONDARY = 2, PPC_HPTE_VALID = 1 };
/* Second: PP0, key, real page with the size's code in its low bits, R, C, WIMG, N, PP. */
#define PPC_HPTE_PP0 (UINT64_C(1) << 63)
#define PPC_HPTE_KEY_HIGH (UINT64_C(3) << 60)
#define PPC_HPTE_RPN UINT64_C(0x0ffffffffffff000)
enum {
    PPC_HPTE_KEY_LOW = 7 << 9, PPC_HPTE_R = 1 << 8, PPC_HPTE_C = 1 << 7, PPC_HPTE_W = 1 << 6, PPC_HPTE_I = 1 << 5,
    PPC_HPTE_M = 1 << 4, PPC_HPTE_G = 1 << 3, PPC_HPTE_N = 1 << 2, PPC_HPTE_PP = 3,
};

/* A page size: how an SLB entry names the base page, and how an entry of the table an actual page with it. */
typedef struct PpcPageSize {
    unsigned slb, base, bits, code; /* base, bits: log2 */
} PpcPageSize;
enum { PPC_PAGE_SIZES_MAX = 3 };
/* The sizes that go with base page size 0, 1 ...; how many they are; 0 behind the last. */
unsigned ppc_hash_sizes(unsigned row, PpcPageSize out[PPC_PAGE_SIZES_MAX]);

enum { PPC_SEEN_WORDS = 1 << 15 };
/* From now on, and for ever: the table of 2^bits bytes that hash translation uses, and PPC_SEEN_WORDS words of 0 for what
 * the CPUs of the partition note of it. Borrowed, the same for all CPUs. */
void ppc_set_hash_table(Env *env, uint64_t *table, unsigned bits, uint64_t *seen);
/* log2 of the size of the page that an entry maps, and of its base page; 0: there is no such size. */
unsigned ppc_hash_page_bits(uint64_t v, uint64_t r, unsigned *base);
/* The entry that stood there, of which CPUs may know, has gone. */
void ppc_hash_forget(Env *env, uint64_t index, uint64_t v, uint64_t r, bool everywhere);

#endif
