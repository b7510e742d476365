/* SPDX-License-Identifier: MIT */
/*
 * mmu_radix.c - radix tables of processes, which partitions with one of POWER9 and later choose.
 * Spec: Power ISA 3.0B Book III, 5.7.6 (process table), 5.7.10 (radix), 5.7.12 (reference and change), 5.9.3 (tlbie).
 * A partition has its real addresses for itself: there are no partition-scoped tables. Kernel addresses (quadrant 3) are
 * those of process 0 whatever PIDR says: their translations are global.
 */
#include "frontend/ppc/mmu.h"
#include "frontend/ppc/ppc.h"

#define VALID (UINT64_C(1) << 63)
#define LEAF (UINT64_C(1) << 62)
#define TABLE_ADDRESS UINT64_C(0x0fffffffffffff00)
#define LEAF_ADDRESS UINT64_C(0x01fffffffffff000)
enum { REFERENCED = 1 << 8, CHANGED = 1 << 7, ATTRIBUTES = 3 << 4, NOT_IDEMPOTENT = 2 << 4, PRIVILEGED = 8, READ = 4, WRITE = 2, EXECUTE = 1 };

void ppc_helper_tlbie(Env *env, uint64_t rb, uint64_t rs, uint32_t how);

static bool read_big(Env *env, uint64_t pa, uint64_t *value) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    bool ok = ports->phys_read(ports->opaque, env, pa, 8, value);
    *value = __builtin_bswap64(*value);
    return ok;
}

typedef struct Leaf {
    uint64_t entry, at; /* and where it stands */
    unsigned bits;      /* log2 of what it maps */
} Leaf;

/* Follows a tree whose root is `tables` (a process table entry) for an address without its quadrant. 0, or why not. */
static uint64_t find_leaf(Env *env, uint64_t tables, uint64_t offset, Leaf *leaf) {
    unsigned bits = (unsigned)(tables >> 61 & 3) << 3 | (unsigned)(tables >> 5 & 7), shift = bits + 31;
    if (shift < 64 && offset >> shift) {
        return PPC_FAULT_SEGMENT;
    }
    for (uint64_t table = tables;; table = leaf->entry) {
        unsigned stride = table & 31;
        if (stride < 5 || stride > 16 || stride + 12 > shift) {
            return PPC_BAD_TABLE;
        }
        shift -= stride;
        leaf->at = (table & TABLE_ADDRESS) + (offset >> shift & ((UINT64_C(1) << stride) - 1)) * 8;
        if (!read_big(env, leaf->at, &leaf->entry)) {
            return PPC_BAD_TABLE;
        }
        if (!(leaf->entry & VALID)) {
            return PPC_NO_TRANSLATION;
        }
        if (leaf->entry & LEAF) {
            leaf->bits = shift;
            return 0;
        }
    }
}

/* The root of the tables of a process. */
static uint64_t find_tables(Env *env, uint64_t pid, uint64_t *tables) {
    const PpcCold *cold = ppc_cold(env);
    unsigned size = (cold->process_table & 31) + 12;
    if (!cold->process_table || pid >> (size - 4)) {
        return PPC_NO_TRANSLATION;
    }
    return read_big(env, (cold->process_table & ~UINT64_C(0xfff)) + pid * 16, tables) ? 0 : PPC_BAD_TABLE;
}

/* The hardware keeps the bits by itself. False: the entry has changed meanwhile. */
static bool record(Env *env, const Leaf *leaf, uint64_t bits) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    uint64_t entry = leaf->entry | bits;
    return entry == leaf->entry || ports->phys_cas64(ports->opaque, env, leaf->at, __builtin_bswap64(leaf->entry),
                                                     __builtin_bswap64(entry));
}

/* What key 0 takes from the supervisor at pages of users. */
static unsigned denied_by_keys(const PpcCpu *cpu) {
    unsigned amr = cpu->plain[PPC_PLAIN_AMR] >> 62, iamr = cpu->plain[PPC_PLAIN_IAMR] >> 62 & 1;
    return (amr & 1 ? READ : 0) | (amr & 2 ? WRITE : 0) | (iamr ? EXECUTE : 0);
}

uint64_t ppc_radix_walk(Env *env, uint64_t va, MemAccess access, MemXlat *x) {
    const PpcCold *cold = ppc_cold(env);
    bool user = ppc_cpu(env)->mode & PPC_MODE_PR;
    uint64_t quadrant = va >> 62, offset = va << 2 >> 2, tables, why;
    Leaf leaf;
    if (quadrant == 1 || quadrant == 2) {
        return PPC_FAULT_SEGMENT;
    }
    why = find_tables(env, quadrant ? 0 : cold->pid, &tables);
    why = why ? why : find_leaf(env, tables, offset, &leaf);
    if (why) {
        return why;
    }
    bool device = (leaf.entry & ATTRIBUTES) >= NOT_IDEMPOTENT, allowed = !(user && leaf.entry & PRIVILEGED);
    unsigned denied = !user && !(leaf.entry & PRIVILEGED) ? denied_by_keys(ppc_cpu(env)) : 0;
    x->readable = allowed && leaf.entry & (READ | WRITE) && !(denied & READ);
    x->writable = allowed && leaf.entry & WRITE && !(denied & WRITE);
    x->executable = allowed && leaf.entry & EXECUTE && !device && !(denied & EXECUTE);
    if (access == MEM_FETCH ? !x->executable : access == MEM_WRITE ? !x->writable : !x->readable) {
        return access == MEM_FETCH && allowed && !(denied & EXECUTE) ? PPC_NO_EXECUTE : PPC_PROTECTION;
    }
    if (!record(env, &leaf, REFERENCED | (access == MEM_WRITE ? CHANGED : 0))) {
        return ppc_radix_walk(env, va, access, x);
    }
    x->writable &= access == MEM_WRITE || leaf.entry & CHANGED; /* the first store is to be seen */
    uint64_t inside = (UINT64_C(1) << leaf.bits) - 1;
    x->pa = (leaf.entry & LEAF_ADDRESS & ~inside) | (offset & inside);
    x->device = device;
    x->global = quadrant == 3;
    ppc_note_page(x, access, leaf.bits);
    return 0;
}

void ppc_pid_write(Env *env, uint64_t value) {
    PpcCold *cold = ppc_cold(env);
    cold->pid = value & 0xfffff;
    cold->ports->context_changed(cold->ports->opaque, env);
}

void ppc_set_process_table(Env *env, uint64_t base, unsigned size) {
    PpcCold *cold = ppc_cold(env);
    cold->process_table = base ? (base & ~UINT64_C(0xfff)) | (size & 31) : 0;
    cold->lpcr = (cold->lpcr & ~(uint64_t)PPC_LPCR_HR) | (base ? PPC_LPCR_HR : 0);
    cold->ports->tlb_flush_all(cold->ports->opaque, env, true);
    cold->ports->context_changed(cold->ports->opaque, env);
}

/* AP, actual page size; one that is none is taken as large. */
static unsigned page_bits(uint64_t rb) {
    static const uint8_t bits[8] = {12, 21, 30, 30, 30, 16, 30, 30};
    return bits[rb >> 5 & 7];
}

/* IS, bits 10 and 11 of RB: one page, all of a process, all. RIC 1 is for caches of tables, of which there is none. */
void ppc_helper_tlbie(Env *env, uint64_t rb, uint64_t rs, uint32_t how) {
    const CpuPorts *ports = ppc_cold(env)->ports;
    bool everywhere = how & 4;
    uint64_t pid = rs >> 32;
    if ((how & 3) == 1) {
        return;
    }
    if ((rb >> 10 & 3) == 0) {
        ppc_flush_mapping(env, rb & ~UINT64_C(0xfff), page_bits(rb), false, pid, everywhere);
    } else if ((rb >> 10 & 3) == 1 && pid) {
        ports->tlb_flush_asid(ports->opaque, env, pid, everywhere);
    } else {
        ports->tlb_flush_all(ports->opaque, env, everywhere);
    }
}
