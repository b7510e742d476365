/* SPDX-License-Identifier: MIT */
/*
 * mmu_hash.c - translation by a hash table: the search in it, protection, reference and change bits.
 * Spec: Power ISA 2.07B Book III-S, 5.7.7 (hash table, search), 5.7.8 (reference and change), 5.7.9 (protection, keys).
 * The table belongs to the machine's hypervisor, which gives it to all CPUs of the partition (ppc_set_hash_table); entries
 * are in host byte order. Its users clear an entry's V first and call ppc_hash_forget then.
 * Locking: none; entries are read and their R and C set atomically. ppc_hash_forget needs to know at which addresses virtual
 * pages are seen: `seen` holds, for all CPUs, each pair of VSID and ESID that was ever looked up, before it was.
 */
#include "frontend/ppc/mmu_hash.h"

#include "frontend/ppc/mmu.h"
#include "frontend/ppc/ppc.h"

void ppc_set_hash_table(Env *env, uint64_t *table, unsigned bits, uint64_t *seen) {
    PpcCold *cold = ppc_cold(env);
    cold->hash_table = table;
    cold->hash_bits = bits;
    cold->hash_seen = seen;
}

/* -- page sizes: how SLB entries name base pages, and table entries pages of actual sizes with them -- */

static const struct {
    uint16_t slb;
    uint8_t base, count;
    struct { uint8_t bits, code; } actual[3];
} sizes[] = {
    {0, 12, 3, {{12, 0}, {16, 7}, {24, 0x38}}},
    {PPC_SLB_L | 1 << 4, 16, 2, {{16, 1}, {24, 8}}},
    {PPC_SLB_L, 24, 1, {{24, 0}}},
};

unsigned ppc_hash_sizes(unsigned row, PpcPageSize out[PPC_PAGE_SIZES_MAX]) {
    if (row >= G_N_ELEMENTS(sizes)) {
        return 0;
    }
    for (unsigned i = 0; i < sizes[row].count; i++) {
        out[i] = (PpcPageSize){sizes[row].slb, sizes[row].base, sizes[row].actual[i].bits, sizes[row].actual[i].code};
    }
    return sizes[row].count;
}

/* log2 of the actual size of the entry's page, if its base page is that of the row; else 0. */
static unsigned actual_size(unsigned row, uint64_t v, uint64_t r) {
    if (!(v & PPC_HPTE_LARGE)) {
        return sizes[row].base == 12 ? 12 : 0;
    }
    for (unsigned i = 0; i < sizes[row].count; i++) {
        unsigned bits = sizes[row].actual[i].bits;
        uint64_t mask = bits == 12 ? 0 : (UINT64_C(1) << (MIN(bits, 20) - 12)) - 1;
        if (mask && (r >> 12 & mask) == sizes[row].actual[i].code) {
            return bits;
        }
    }
    return 0;
}

unsigned ppc_hash_page_bits(uint64_t v, uint64_t r, unsigned *base) {
    for (unsigned row = 0; row < G_N_ELEMENTS(sizes); row++) {
        unsigned bits = actual_size(row, v, r);
        if (bits) {
            *base = sizes[row].base;
            return bits;
        }
    }
    return 0;
}

/* -- where segments have been seen -- */

enum { SEEN_WAYS = 8, SEEN_CLAIMED = 1 };
_Static_assert(PPC_SEEN_WORDS % (2 * SEEN_WAYS) == 0, "buckets");

/* Never 0: VSID, size, 1 */
static uint64_t seen_key(uint64_t vsid, uint64_t b) {
    return vsid << 3 | b << 1 | 1;
}

static uint64_t *bucket(uint64_t *seen, uint64_t key) {
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return &seen[h % (PPC_SEEN_WORDS / (2 * SEEN_WAYS)) * (2 * SEEN_WAYS)];
}

/* A way is claimed by its segment first, and gets its key then. False: there is no room. */
static bool note_seen(uint64_t *way, uint64_t key, uint64_t esid) {
    for (unsigned i = 0; i < SEEN_WAYS; i++, way += 2) {
        uint64_t old = __atomic_load_n(&way[1], __ATOMIC_SEQ_CST), none = 0;
        if (old == (esid | SEEN_CLAIMED) && __atomic_load_n(&way[0], __ATOMIC_SEQ_CST) == key) {
            return true;
        }
        if (old == 0 && __atomic_compare_exchange_n(&way[1], &none, esid | SEEN_CLAIMED, false, __ATOMIC_SEQ_CST,
                                                    __ATOMIC_SEQ_CST)) {
            __atomic_store_n(&way[0], key, __ATOMIC_SEQ_CST);
            return true;
        }
    }
    return false;
}

/* All pages of the page of `bits` at `offset` of the segment, wherever it has been seen, are forgotten. */
static void forget(Env *env, uint64_t vsid, uint64_t b, uint64_t offset, unsigned bits, bool everywhere) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    uint64_t key = seen_key(vsid, b), *way = bucket(ppc_cold(env)->hash_seen, key);
    bool all = true;
    uint64_t at[SEEN_WAYS];
    unsigned count = 0;
    for (unsigned i = 0; i < SEEN_WAYS; i++, way += 2) {
        uint64_t esid = __atomic_load_n(&way[1], __ATOMIC_SEQ_CST), its = __atomic_load_n(&way[0], __ATOMIC_SEQ_CST);
        all &= esid && its; /* a full bucket may have turned somebody away */
        if (esid && !its) {
            all = true;
            break;
        }
        if (esid && its == key) {
            at[count++] = (esid & PPC_SLB_ESID) + offset;
        }
    }
    if (all || bits > PPC_SMALL_BITS) {
        ports->tlb_flush_all(ports->opaque, env, everywhere);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        ppc_flush_mapping(env, at[i], bits, true, 0, everywhere);
    }
}

/* The virtual page of an entry: what it does not say follows from where it stands. */
void ppc_hash_forget(Env *env, uint64_t index, uint64_t v, uint64_t r, bool everywhere) {
    unsigned base, bits = ppc_hash_page_bits(v, r, &base);
    uint64_t b = v >> PPC_SLB_B_SHIFT, group = index >> 3, avpn = (v & PPC_HPTE_AVPN) >> 7, vsid, offset;
    const CpuPorts *ports = ppc_cold(env)->ports;
    if (!bits) {
        ports->tlb_flush_all(ports->opaque, env, everywhere);
        return;
    }
    group = v & PPC_HPTE_SECONDARY ? ~group : group;
    unsigned segment = b ? 40 : 28;
    vsid = avpn >> (segment - 23);
    offset = avpn << 23 & ((UINT64_C(1) << segment) - 1);
    if (base < 23) {
        uint64_t low = group ^ vsid ^ (b ? vsid << 25 : 0); /* the page's number in the segment, as far as it was hashed */
        offset |= low << base & ((1 << 23) - 1);
    }
    forget(env, vsid, b, offset, bits, everywhere);
}

/* -- protection -- */

/* What PP allows: read 1, write 2; [key][PP with its first bit] */
static unsigned allowed(bool key, uint64_t r) {
    static const uint8_t rights[2][8] = {{3, 3, 3, 1, 0, 0, 1, 0}, {0, 1, 3, 1, 0, 0, 0, 0}};
    return rights[key][(r >> 63) << 2 | (r & 3)];
}

/* Bits of a fault, or 0; fills the rights. */
static uint64_t protect(const Env *env, uint64_t slb, uint64_t r, MemAccess access, MemXlat *x) {
    const PpcCpu *cpu = ppc_cpu_const(env);
    bool user = cpu->mode & PPC_MODE_PR;
    unsigned rights = allowed(slb & (user ? PPC_SLB_KP : PPC_SLB_KS), r);
    unsigned key = (unsigned)((r >> 57 & 0x18) | (r >> 9 & 7)), shift = 62 - 2 * key;
    unsigned amr = cpu->plain[PPC_PLAIN_AMR] >> shift & 3, iamr = cpu->plain[PPC_PLAIN_IAMR] >> shift & 3;
    bool never = slb & PPC_SLB_N || r & (PPC_HPTE_N | PPC_HPTE_G);
    x->readable = rights & 1 && !(amr & 1);
    x->writable = rights & 2 && !(amr & 2);
    x->executable = rights & 1 && !never && !(iamr & 1);
    switch (access) {
    case MEM_FETCH:
        return (never ? PPC_NO_EXECUTE : 0) | (rights & 1 ? 0 : PPC_PROTECTION) | (iamr & 1 ? PPC_KEY : 0);
    case MEM_READ:
        return (rights & 1 ? 0 : PPC_PROTECTION) | (amr & 1 ? PPC_KEY : 0);
    default:
        return (rights & 2 ? 0 : PPC_PROTECTION) | (amr & 2 ? PPC_KEY : 0);
    }
}

/* -- search -- */

typedef struct Found {
    uint64_t *entry, v, r;
    unsigned bits;
} Found;

static bool find_in(uint64_t *group, unsigned row, uint64_t mask, uint64_t want, Found *f) {
    for (unsigned i = 0; i < 8; i++) {
        uint64_t *entry = group + 2 * i, v = __atomic_load_n(entry, __ATOMIC_SEQ_CST);
        if ((v & mask) == (want & mask)) {
            uint64_t r = __atomic_load_n(entry + 1, __ATOMIC_SEQ_CST);
            unsigned bits = actual_size(row, v, r);
            if (bits && __atomic_load_n(entry, __ATOMIC_SEQ_CST) == v) {
                *f = (Found){entry, v, r, bits};
                return true;
            }
        }
    }
    return false;
}

static int row_of(uint64_t slb) {
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        if ((slb & (PPC_SLB_L | PPC_SLB_LP)) == sizes[i].slb) {
            return (int)i;
        }
    }
    return -1;
}

static bool find(Env *env, uint64_t va, const PpcSlbEntry *slb, Found *f) {
    const PpcCold *cold = ppc_cold(env);
    unsigned segment = ppc_segment_bits(slb->vsid);
    uint64_t b = slb->vsid >> PPC_SLB_B_SHIFT, vsid = (slb->vsid & PPC_SLB_VSID) >> (segment == 28 ? 12 : 24);
    uint64_t offset = va & ((UINT64_C(1) << segment) - 1), groups = (UINT64_C(1) << (cold->hash_bits - 7)) - 1;
    int row = row_of(slb->vsid);
    if (row < 0 || !cold->hash_table) {
        return false;
    }
    uint64_t key = seen_key(vsid, b);
    note_seen(bucket(cold->hash_seen, key), key, slb->esid & PPC_SLB_ESID & UINT64_MAX << segment);
    uint64_t hash = vsid ^ (b ? vsid << 25 : 0) ^ offset >> sizes[row].base;
    uint64_t want = b << PPC_SLB_B_SHIFT | (vsid << (segment - 23) | offset >> 23) << 7 | PPC_HPTE_VALID;
    uint64_t mask = PPC_HPTE_MATCH;
    if (sizes[row].base > 23) {
        mask &= ~(((UINT64_C(1) << (sizes[row].base - 23)) - 1) << 7);
    }
    return find_in(cold->hash_table + (hash & groups) * 16, row, mask, want, f) ||
           find_in(cold->hash_table + (~hash & groups) * 16, row, mask, want | PPC_HPTE_SECONDARY, f);
}

uint64_t ppc_hash_walk(Env *env, uint64_t va, MemAccess access, MemXlat *x) {
    int n = ppc_slb_find(env, va);
    const PpcSlbEntry *slb = &ppc_cold(env)->slb[MAX(n, 0)];
    Found f;
    if (n < 0) {
        return PPC_FAULT_SEGMENT;
    }
    if (access == MEM_FETCH && slb->vsid & PPC_SLB_N) {
        return PPC_NO_EXECUTE;
    }
    for (;;) {
        if (!find(env, va, slb, &f)) {
            return PPC_NO_TRANSLATION;
        }
        uint64_t why = protect(env, slb->vsid, f.r, access, x);
        if (why) {
            return why;
        }
        uint64_t r = f.r, new = r | PPC_HPTE_R | (access == MEM_WRITE ? PPC_HPTE_C : 0);
        if (new == r || __atomic_compare_exchange_n(f.entry + 1, &r, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            f.r = new;
            break;
        }
    }
    x->writable &= (f.r & PPC_HPTE_C) != 0; /* the first store is to be seen */
    uint64_t inside = (UINT64_C(1) << f.bits) - 1;
    x->pa = (f.r & PPC_HPTE_RPN & ~inside) | (va & inside);
    x->device = f.r & PPC_HPTE_I;
    x->global = va >> 63;
    ppc_note_page(x, access, f.bits);
    return 0;
}
