/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - the stage 1 translation of the EL1&0 regime.
 * Spec: Arm DDI 0487, D5 (VMSAv8-64), J1 (AArch64.TranslationTableWalk and its kin).
 * Missing: stage 2, EL2 and EL3 regimes; hardware management of the access flag and dirty state; 52-bit addresses;
 * hierarchical permission disables. The Contiguous bit is a hint that is not taken.
 */
#include "frontend/arm/sysreg.h"

#include <inttypes.h>

enum { SCTLR_M = 1 << 0, SCTLR_WXN = 1 << 19, SCTLR_EE = 1 << 25 };

/* What TCR_EL1 says about the half of the address space that va is in. */
typedef struct Half {
    uint64_t ttbr;
    unsigned input_bits; /* 64 - TnSZ */
    unsigned granule;    /* log2 */
    bool disabled;       /* EPDn */
} Half;

/* The accumulated permissions of a walk. */
typedef struct Leaf {
    uint64_t desc;
    uint64_t base;       /* output address of the block */
    unsigned bits;       /* log2 of the block's size */
    unsigned level;
    bool table_ro, table_no_el0, table_uxn, table_pxn;
} Leaf;

/* A last-level table that a walk has come to, and what the tables above allow. */
struct ArmTable {
    uint64_t region, ttbr, tcr; /* where it is for; the bits of an address above the table's reach */
    uint64_t epoch;             /* valid while it is ArmCold.tables_epoch */
    uint64_t at;                /* its physical address */
    Leaf above;
};
enum { TABLES = 64 };

static unsigned pa_bits(unsigned code) {
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48};
    return bits[MIN(code, 5)];
}

/* Bits of an output address, by TCR_EL1.IPS and what the CPU has. */
static unsigned output_bits(const ArmCold *cold) {
    return pa_bits(MIN(cold->tcr_el1 >> 32 & 7, cold->id.mmfr0 & 15));
}

bool arm_tbi(const Env *env, uint64_t va, bool insn) {
    const ArmCold *cold = arm_cold_const(env);
    unsigned half = va >> 55 & 1;
    if (!(cold->tcr_el1 >> (37 + half) & 1)) {
        return false;
    }
    return !(insn && arm_has(env, ARM_PAUTH) && cold->tcr_el1 >> (51 + half) & 1); /* TBID: data only */
}

static Half half_of(const ArmCold *cold, unsigned upper) {
    static const uint8_t granules[2][4] = {{12, 16, 14, 12}, {12, 14, 12, 16}}; /* TG0, TG1; reserved: 4 KiB */
    uint64_t tcr = cold->tcr_el1;
    unsigned tsz = upper ? tcr >> 16 & 63 : tcr & 63;
    return (Half){
        .ttbr = upper ? cold->ttbr1_el1 : cold->ttbr0_el1,
        .input_bits = 64 - CLAMP(tsz, 16, 39),
        .granule = granules[upper][upper ? tcr >> 30 & 3 : tcr >> 14 & 3],
        .disabled = tcr >> (upper ? 23 : 7) & 1,
    };
}

static bool fail(ArmXlat *out, unsigned code) {
    out->x.guest_fault = code;
    return false;
}

static bool too_big(const ArmCold *cold, uint64_t pa) {
    return pa >> output_bits(cold) != 0;
}

void arm_mmu_init(Env *env) {
    arm_cold(env)->tables = g_new0(ArmTable, TABLES);
    arm_cold(env)->tables_epoch = 1;
}

void arm_forget_tables(Env *env) {
    arm_cold(env)->tables_epoch++;
}

/* Where the last-level table for va is remembered. *known: it is. */
static ArmTable *table_of(const ArmCold *cold, const Half *h, uint64_t va, bool *known) {
    uint64_t region = va >> (2 * h->granule - 3);
    ArmTable *t = &cold->tables[(region ^ region >> 6 ^ region >> 12) & (TABLES - 1)];
    *known = t->region == region && t->ttbr == h->ttbr && t->tcr == cold->tcr_el1 && t->epoch == cold->tables_epoch;
    if (!*known) {
        *t = (ArmTable){.region = region, .ttbr = h->ttbr, .tcr = cold->tcr_el1};
    }
    return t;
}

/* Follows the tables. remember: as far as they are known already, from there. False: out->x.guest_fault. */
static bool walk_tables(Env *env, const Half *h, uint64_t va, bool remember, Leaf *leaf, ArmXlat *out) {
    const uint64_t address_mask = ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << h->granule) - 1);
    ArmCold *cold = arm_cold(env);
    unsigned stride = h->granule - 3;
    unsigned level = 4 - (h->input_bits - h->granule + stride - 1) / stride;
    unsigned shift = (3 - level) * stride + h->granule; /* of the index at this level */
    unsigned top = h->input_bits - shift;               /* bits of the first index */
    uint64_t table = h->ttbr & ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(1) << (top + 3)) - 1);

    if (too_big(cold, table)) {
        return fail(out, ARM_FSC_ADDRESS_SIZE);
    }
    bool known = false;
    ArmTable *last = remember && level < 3 ? table_of(cold, h, va, &known) : NULL;
    if (known) {
        table = last->at;
        *leaf = last->above;
        level = 3;
        shift = h->granule;
        top = stride;
    }
    for (uint64_t index = va >> shift & ((UINT64_C(1) << top) - 1);;
         index = va >> shift & ((UINT64_C(1) << stride) - 1)) {
        uint64_t desc;
        if (!cold->ports->phys_read(cold->ports->opaque, env, table + index * 8, 8, &desc)) {
            return fail(out, ARM_FSC_WALK_ABORT + level);
        }
        if (cold->sctlr_el1 & SCTLR_EE) {
            desc = GUINT64_SWAP_LE_BE(desc);
        }
        bool is_table = (desc & 3) == 3 && level < 3;
        bool is_leaf = level == 3 ? (desc & 3) == 3 : (desc & 3) == 1 && level >= (h->granule == 12 ? 1 : 2);
        if (!is_table && !is_leaf) {
            return fail(out, ARM_FSC_TRANSLATION + level);
        }
        uint64_t address = desc & address_mask;
        if (is_leaf) {
            address &= ~((UINT64_C(1) << shift) - 1);
        }
        if (too_big(cold, address)) {
            return fail(out, ARM_FSC_ADDRESS_SIZE + level);
        }
        if (is_leaf) {
            leaf->desc = desc;
            leaf->base = address;
            leaf->bits = shift;
            leaf->level = level;
            return true;
        }
        leaf->table_ro |= desc >> 62 & 1;
        leaf->table_no_el0 |= desc >> 61 & 1;
        leaf->table_uxn |= desc >> 60 & 1;
        leaf->table_pxn |= desc >> 59 & 1;
        table = address;
        shift -= stride;
        if (++level == 3 && last) {
            last->epoch = cold->tables_epoch;
            last->at = table;
            last->above = *leaf;
        }
    }
}

/* Permissions for the privilege asked about, into out->x. */
static void permissions(const ArmCold *cold, const Leaf *leaf, bool priv, bool pan, MemXlat *x) {
    bool read_only = leaf->desc >> 7 & 1 || leaf->table_ro;
    bool el0 = leaf->desc >> 6 & 1 && !leaf->table_no_el0;
    bool wxn = cold->sctlr_el1 & SCTLR_WXN;
    if (priv) {
        bool pxn = leaf->desc >> 53 & 1 || leaf->table_pxn;
        x->readable = !(pan && el0);
        x->writable = !read_only && !(pan && el0);
        x->executable = !pxn && !(wxn && !read_only) && !(el0 && !read_only);
    } else {
        bool uxn = leaf->desc >> 54 & 1 || leaf->table_uxn;
        x->readable = el0;
        x->writable = el0 && !read_only;
        x->executable = !uxn && !(wxn && x->writable);
    }
}

static bool translate_flat(const ArmCold *cold, uint64_t va, bool tbi, MemAccess access, ArmXlat *out) {
    uint64_t checked = tbi ? va << 8 >> 8 : va;
    if (checked >> pa_bits(cold->id.mmfr0 & 15)) {
        return fail(out, ARM_FSC_ADDRESS_SIZE);
    }
    out->x = (MemXlat){.pa = checked, .readable = true, .writable = true, .executable = true, .global = true,
                       .device = access != MEM_FETCH, .page_bits = IR_PAGE_BITS};
    out->attr = 0;
    out->sh = 2;
    return true;
}

static bool translate(Env *env, uint64_t va, MemAccess access, bool priv, bool pan, bool remember, ArmXlat *out) {
    const ArmCold *cold = arm_cold(env);
    unsigned upper = va >> 55 & 1;
    bool tbi = arm_tbi(env, va, access == MEM_FETCH);
    *out = (ArmXlat){0};
    if (!(cold->sctlr_el1 & SCTLR_M)) {
        return translate_flat(cold, va, tbi, access, out);
    }
    Half h = half_of(cold, upper);
    uint64_t high = (upper ? ~va : va) & (tbi ? (UINT64_C(1) << 56) - 1 : UINT64_MAX);
    if (high >> h.input_bits || h.disabled) {
        return fail(out, ARM_FSC_TRANSLATION);
    }
    Leaf leaf = {0};
    if (!walk_tables(env, &h, va, remember, &leaf, out)) {
        return false;
    }
    if (!(leaf.desc >> 10 & 1)) {
        return fail(out, ARM_FSC_ACCESS_FLAG + leaf.level);
    }
    permissions(cold, &leaf, priv, pan, &out->x);
    if (!(access == MEM_READ ? out->x.readable : access == MEM_WRITE ? out->x.writable : out->x.executable)) {
        return fail(out, ARM_FSC_PERMISSION + leaf.level);
    }
    out->attr = cold->mair_el1 >> (leaf.desc >> 2 & 7) * 8;
    out->x.device = !(out->attr & 0xf0);
    out->sh = out->x.device || out->attr == 0x44 ? 2 : leaf.desc >> 8 & 3;
    out->x.pa = leaf.base | (va & ((UINT64_C(1) << leaf.bits) - 1));
    out->x.global = !(leaf.desc >> 11 & 1);
    out->x.page_bits = leaf.bits;
    return true;
}

bool arm_translate(Env *env, uint64_t va, MemAccess access, bool priv, bool pan, ArmXlat *out) {
    return translate(env, va, access, priv, pan, false, out);
}

bool arm_walk(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat) {
    ArmCold *cold = arm_cold(env);
    bool priv = arm_cpu(env)->el && !unprivileged;
    ArmXlat out;
    bool ok = translate(env, va, access, priv, cold->pan, true, &out);
    if (!ok) {
        cold->ports->log(cold->ports->opaque, env, CPU_LOG_MMU,
                         "no translation of %#" PRIx64 " (access %d, EL%d): status %#" PRIx64, va, access, priv,
                         out.x.guest_fault);
    }
    *xlat = out.x;
    return ok;
}

MemContext arm_context(const Env *env, bool unprivileged) {
    enum { PRIV = 1, PAN = 2, MMU = 4 };
    const ArmCpu *cpu = arm_cpu_const(env);
    const ArmCold *cold = cpu->cold;
    bool priv = cpu->el && !unprivileged;
    MemContext c = {.regime = (priv ? PRIV : 0) | (priv && cold->pan ? PAN : 0)};
    if (cold->sctlr_el1 & SCTLR_M) {
        uint64_t ttbr = cold->tcr_el1 >> 22 & 1 ? cold->ttbr1_el1 : cold->ttbr0_el1;
        c.regime |= MMU;
        c.asid = ttbr >> 48 & (cold->tcr_el1 >> 36 & 1 ? 0xffff : 0xff);
    }
    return c;
}
