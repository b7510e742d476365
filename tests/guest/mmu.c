/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - translation: every granule and level with each kind of fault, permissions, AT, ASIDs, TLB maintenance.
 */
#include "guest.h"

int guest_main(void);

CODE(load, "ldr x0, [x0]" RET);
CODE(store, "str x1, [x0]" RET);
CODE(load_0, "ldr x0, [x0]" DONE);
CODE(store_0, "str x1, [x0]" DONE);
CODE(jump, "br x0");
CODE(unaligned, "ldr x0, [x0, #1]" RET);
CODE(unaligned_store, "str w1, [x0, #2]" RET);
CODE(unaligned_exclusive, "ldxr x1, [x0]" RET);
CODE(unaligned_release, "stlr w1, [x0]" RET);
CODE(zva, "dc zva, x0" RET);
CODE(zva_0, "dc zva, x0" DONE);
CODE(civac_code, "dc civac, x0" RET);
CODE(ivau_code, "ic ivau, x0" RET);
CODE(call_0, "mov x1, #5\n br x0");
CODE(unprivileged, "ldtr x0, [x0]" RET);
CODE(unprivileged_store, "sttr x1, [x0]" RET);

enum { TRANSLATION = 4, ACCESS = 8, PERMISSION = 12, WALK = 0x14, SAME = 1 };

/* -- granules and levels -- */

typedef struct Shape {
    unsigned granule, bits, tg1; /* log2; TCR_EL1.TG1 */
} Shape;

static unsigned level_shift(const Shape *s, unsigned level) {
    return s->granule + (3 - level) * (s->granule - 3);
}

static unsigned first_level(const Shape *s) {
    unsigned level = 3;
    while (s->bits > level_shift(s, level) + s->granule - 3) {
        level--;
    }
    return level;
}

static uint64_t *big_table(const Shape *s) {
    const uint64_t size = UINT64_C(1) << s->granule;
    static uint64_t next = 0x43000000;
    next = (next + size - 1) & ~(size - 1);
    uint64_t *table = (uint64_t *)next;
    next += size;
    for (uint64_t i = 0; i < size / 8; i++) {
        table[i] = 0;
    }
    return table;
}

/* Tables that map va at this level by desc; the entry that leads to the level is *link (NULL: TTBR). */
static uint64_t *build(const Shape *s, uint64_t va, unsigned level, uint64_t **link, uint64_t **top) {
    uint64_t *table = big_table(s);
    *top = table;
    *link = NULL;
    for (unsigned at = first_level(s);; at++) {
        unsigned shift = level_shift(s, at);
        unsigned bits = at == first_level(s) ? s->bits - shift : s->granule - 3;
        uint64_t *entry = &table[va >> shift & ((UINT64_C(1) << bits) - 1)];
        if (at == level) {
            return entry;
        }
        table = big_table(s);
        *entry = (uint64_t)table | PTE_TABLE;
        *link = entry;
    }
}

static void set(uint64_t *entry, uint64_t desc) {
    *(volatile uint64_t *)entry = desc;
    flush_tlb();
}

static void one_level(const Shape *s, unsigned level) {
    const uint64_t pattern = UINT64_C(0x5a5a5a5a5a5a5a5a), size = UINT64_C(1) << level_shift(s, level);
    uint64_t va = (~UINT64_C(0) << s->bits) | (pattern & ((UINT64_C(1) << s->bits) - 1) & ~UINT64_C(7));
    uint64_t *link, *top, *entry = build(s, va, level, &link, &top);
    const bool small = size < 1 << 26;
    uint64_t pa = small ? 0x46000000 & ~(size - 1) : RAM, offset = small ? va & (size - 1) : 0x6012340;
    uint64_t leaf = level == 3 ? PTE_PAGE : PTE_BLOCK;
    const uint64_t data = va + size;
    va = (va & ~(size - 1)) | offset;
    write64(pa + offset, data);
    MSR(ttbr1_el1, top);
    set(entry, pa | leaf | PTE_AF);
    run_el1(load, va, 0, 0);
    FINISHED();
    EQUAL(trap.x[0], data);
    run_el1(store, va, ~data, 0);
    EQUAL(read64(pa + offset), ~data);
    SYS("at s1e1r", va);
    EQUAL(MRS(par_el1) & UINT64_C(0xfffffffff001), (pa + offset) & ~UINT64_C(0xfff));

    set(entry, pa | leaf);
    run_el1(load, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, ACCESS + level);
    EQUAL(trap.far, va);
    EQUAL(trap.elr, (uint64_t)load);
    set(entry, pa | leaf | PTE_AF | PTE_RO);
    run_el1(store, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, (PERMISSION + level) | WNR);
    SYS("at s1e1w", va);
    EQUAL(MRS(par_el1) & 0xfff, 0x801 | (PERMISSION + level) << 1);
    run_el0(load_0, va, 0, 0);
    TRAPPED(SYNC_EL0, EC_DABT, PERMISSION + level);
    set(entry, pa | leaf | PTE_AF | PTE_PXN);
    run_el1(jump, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + SAME, PERMISSION + level);
    EQUAL(trap.far, va);
    EQUAL(trap.elr, va);
    set(entry, 0);
    run_el1(load, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION + level);
    SYS("at s1e1r", va);
    EQUAL(MRS(par_el1) & 0xfff, 0x801 | (TRANSLATION + level) << 1);
    run_el1(jump, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + SAME, TRANSLATION + level);
    run_el0(jump, va, 0, 0);
    TRAPPED(SYNC_EL0, EC_IABT, TRANSLATION + level);
    EQUAL(trap.elr, va);
    if (level == 3) {
        set(entry, pa | PTE_BLOCK | PTE_AF); /* reserved at the last level */
        run_el1(store, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, (TRANSLATION + level) | WNR);
    }
    set(entry, UINT64_C(1) << 41 | leaf | PTE_AF); /* beyond IPS */
    run_el1(load, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, level);
    EQUAL(trap.far, va);
    if (link) {
        const uint64_t old = *link;
        set(link, (uint64_t)HOLE | PTE_TABLE);
        run_el1(load, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, WALK + level);
        EQUAL(trap.far, va);
        run_el1(jump, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_IABT + SAME, WALK + level);
        set(link, UINT64_C(1) << 41 | PTE_TABLE);
        run_el1(load, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, level - 1);
        set(entry, pa | leaf | PTE_AF | PTE_EL0);
        set(link, old | UINT64_C(1) << 62); /* APTable: read only */
        run_el1(store, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, (PERMISSION + level) | WNR);
        set(link, old | UINT64_C(1) << 61); /* APTable: not EL0 */
        run_el0(load_0, va, 0, 0);
        TRAPPED(SYNC_EL0, EC_DABT, PERMISSION + level);
        set(link, old | UINT64_C(1) << 60); /* UXNTable */
        run_el0(jump, va, 0, 0);
        TRAPPED(SYNC_EL0, EC_IABT, PERMISSION + level);
        set(link, old | UINT64_C(1) << 59); /* PXNTable */
        set(entry, pa | leaf | PTE_AF | PTE_RO);
        run_el1(jump, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_IABT + SAME, PERMISSION + level);
        run_el1(load, va, 0, 0);
        FINISHED();
    }
    uint64_t outside = va ^ UINT64_C(1) << s->bits;
    run_el1(load, outside, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION);
    EQUAL(trap.far, outside);
}

static void granules(void) {
    static const Shape shapes[] = {
        {12, 48, 2}, {12, 40, 2}, {12, 39, 2}, {12, 31, 2}, {12, 30, 2}, {12, 25, 2},
        {16, 48, 3}, {16, 43, 3}, {16, 42, 3}, {16, 30, 3}, {16, 29, 3}, {16, 25, 3},
        {14, 48, 1}, {14, 47, 1}, {14, 37, 1}, {14, 36, 1}, {14, 26, 1}, {14, 25, 1},
    };
    const uint64_t old_tcr = MRS(tcr_el1), old_ttbr = MRS(ttbr1_el1);
    const bool has_16k = MRS(id_aa64mmfr0_el1) >> 20 & 15;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        const Shape *s = &shapes[i];
        if (s->granule == 14 && !has_16k) {
            continue;
        }
        MSR(tcr_el1, (old_tcr & UINT64_C(0xffffffff3f00ffff)) | TCR_T1(s->bits) | TCR_TG1(s->tg1));
        for (unsigned level = first_level(s); level < 4; level++) {
            if (level >= (s->granule == 12 ? 1 : 2)) {
                guest_note("granule, bits, level", s->granule << 16 | s->bits << 8 | level);
                one_level(s, level);
            }
        }
        uint64_t *link, *top, va = ~UINT64_C(0) << s->bits;
        *build(s, va, first_level(s), &link, &top) = 0;
        MSR(ttbr1_el1, top);
        flush_tlb();
        run_el1(load, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION + first_level(s));
        MSR(tcr_el1, MRS(tcr_el1) | 1 << 23); /* EPD1 */
        flush_tlb();
        run_el1(load, va, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION);
    }
    guest_note(NULL, 0);
    MSR(tcr_el1, old_tcr);
    MSR(ttbr1_el1, old_ttbr);
    flush_tlb();
}

/* The program itself by blocks of TTBR0 in another granule and another size of the address space. */
static void lower_half(void) {
    static const Shape shapes[] = {
        {12, 48, 0}, {12, 33, 0}, {12, 32, 0}, {16, 48, 1}, {16, 36, 1}, {16, 32, 1}, {14, 36, 2},
    };
    const uint64_t old_tcr = MRS(tcr_el1), old_ttbr = MRS(ttbr0_el1);
    const bool has_16k = MRS(id_aa64mmfr0_el1) >> 20 & 15;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        const Shape *s = &shapes[i];
        if (s->granule == 14 && !has_16k) {
            continue;
        }
        guest_note("TTBR0 granule, bits", s->granule << 8 | s->bits);
        const unsigned level = s->granule == 12 ? 1 : 2, shift = level_shift(s, level);
        uint64_t *link, *top, *entry = build(s, 0, level, &link, &top);
        for (uint64_t pa = 0; pa < 0x48000000; pa += UINT64_C(1) << shift) {
            entry[pa >> shift] = pa | PTE_BLOCK | PTE_AF | (pa + (UINT64_C(1) << shift) <= RAM ? PTE_DEVICE : PTE_SH);
        }
        /* The switch itself happens with the MMU off: both maps cannot be right at once. */
        mmu_off();
        MSR(tcr_el1, (old_tcr & ~UINT64_C(0xc03f)) | TCR_T0(s->bits) | (uint64_t)s->tg1 << 14);
        MSR(ttbr0_el1, top);
        flush_tlb();
        MSR(sctlr_el1, MRS(sctlr_el1) | 1);
        write64(0x46123458, s->bits);
        EQUAL(read64(0x46123458), s->bits);
        run_el1(load, UINT64_C(1) << s->bits, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION);
        run_el1(load, 0x80000000, 0, 0);
        TRAPPED(SYNC_SPX, EC_DABT + SAME, TRANSLATION + level);
        mmu_off();
        MSR(tcr_el1, old_tcr);
        MSR(ttbr0_el1, old_ttbr);
        flush_tlb();
        MSR(sctlr_el1, MRS(sctlr_el1) | 1);
    }
    guest_note(NULL, 0);
}

/* -- permissions -- */

static void permissions(void) {
    const uint64_t va = UINT64_C(0xffffff8000400000), page = new_pages(1);
    write32(page, 0xd65f03c0); /* ret */
    sync_code(page, 4);
    for (unsigned bits = 0; bits < 32; bits++) {
        bool el0 = bits & 1, ro = bits & 2, pxn = bits & 4, uxn = bits & 8, wxn = bits & 16;
        const uint64_t old = MRS(sctlr_el1);
        guest_note("EL0 RO PXN UXN WXN", bits);
        map(va, page | PTE_RW | (el0 ? PTE_EL0 : 0) | (ro ? PTE_RO : 0) | (pxn ? PTE_PXN : 0) | (uxn ? PTE_UXN : 0));
        flush_tlb();
        run_el1(load, va, 0, 0);
        FINISHED();
        run_el1(store, va, 0x14000000d65f03c0, 0);
        CHECK((trap.vector == (uint64_t)NO_TRAP) == !ro);
        run_el0(load_0, va, 0, 0);
        guest_trap(SYNC_EL0, el0 ? ESR(EC_SVC, 0x7ff) : ESR(EC_DABT, PERMISSION + 3), __FILE__, __LINE__);
        run_el0(store_0, va, 0x14000000d65f03c0, 0);
        const uint64_t refused = ESR(EC_DABT, (PERMISSION + 3) | WNR);
        guest_trap(SYNC_EL0, el0 && !ro ? ESR(EC_SVC, 0x7ff) : refused, __FILE__, __LINE__);
        run_el1(unprivileged, va, 0, 0);
        CHECK((trap.vector == (uint64_t)NO_TRAP) == el0);
        CHECK(el0 || trap.esr == ESR(EC_DABT + SAME, PERMISSION + 3));
        run_el1(unprivileged_store, va, 0x14000000d65f03c0, 0);
        CHECK((trap.vector == (uint64_t)NO_TRAP) == (el0 && !ro));
        if (wxn) {
            /* Every writable page that the program itself runs from must be read only: it is. */
            MSR(sctlr_el1, old | 1 << 19);
            flush_tlb();
        }
        run_el1(jump, va, 0, 0);
        bool el1_runs = !pxn && !(el0 && !ro) && !(wxn && !ro);
        guest_trap(el1_runs ? (uint64_t)NO_TRAP : SYNC_SPX, ESR(EC_IABT + SAME, PERMISSION + 3), __FILE__, __LINE__);
        run_el0(call_0, va, 0, 0);
        bool el0_runs = !uxn && !(wxn && el0 && !ro);
        if (el0_runs) { /* returns to x30, which is the program's own and which EL0 may not run beyond its svc */
            CHECK(trap.elr != va);
        } else {
            TRAPPED(SYNC_EL0, EC_IABT, PERMISSION + 3);
            EQUAL(trap.elr, va);
        }
        MSR(sctlr_el1, old);
        flush_tlb();
    }
    guest_note(NULL, 0);
}

/* -- AT -- */

static uint64_t at(unsigned kind, uint64_t va) {
    switch (kind) {
    case 0:
        SYS("at s1e1r", va);
        break;
    case 1:
        SYS("at s1e1w", va);
        break;
    case 2:
        SYS("at s1e0r", va);
        break;
    default:
        SYS("at s1e0w", va);
    }
    return MRS(par_el1);
}

static void address_translation(void) {
    const uint64_t va = UINT64_C(0xffffff8000800123), page = new_pages(1);
    const uint64_t attr[] = {UINT64_C(0xff00000000000b80), UINT64_C(0x0000000000000900), UINT64_C(0x4400000000000900)};
    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned type = 0; type < 3; type++) {
            map(va, page | PTE_RW | PTE_EL0 | type << 2);
            flush_tlb();
            EQUAL(at(kind, va) & ~UINT64_C(0x600), (attr[type] | page) & ~UINT64_C(0x600));
        }
        map(va, page | PTE_RW | PTE_RO);
        flush_tlb();
        EQUAL(at(kind, va) & 0x9ff, kind == 0 ? 0x980 : 0x81f);
        map(va, 0);
        flush_tlb();
        EQUAL(at(kind, va) & 0xfff, 0x80f);
    }
    EQUAL(at(0, 0x09000123) & UINT64_C(0xff00fffffffff001), UINT64_C(0x0000000009000000));
    *pte_of(va - 0x200000) = 0; /* makes the table */
    uint64_t *l1 = (uint64_t *)MRS(ttbr1_el1), old = l1[0];
    l1[0] = (uint64_t)HOLE | PTE_TABLE;
    flush_tlb();
    run_el1(load, va, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, WALK + 2);
    l1[0] = old;
    flush_tlb();
    mmu_off();
    EQUAL(at(0, 0x40001234) & UINT64_C(0xff00fffffffff001), UINT64_C(0x0000000040001000));
    MSR(sctlr_el1, MRS(sctlr_el1) | 1);
}

/* -- alignment, external aborts, cache maintenance -- */

static void alignment(void) {
    const uint64_t page = new_pages(1), device = UINT64_C(0xffffff8000c00000);
    const void *const always[] = {unaligned_exclusive, unaligned_release};
    map(device, page | PTE_RW | PTE_DEVICE);
    flush_tlb();
    for (unsigned i = 0; i < 2; i++) {
        run_el1(always[i], page + 2, 0, 0);
        CHECK(trap.esr == ESR(EC_DABT + SAME, 0x21 | (i ? WNR : 0)));
        EQUAL(trap.far, page + 2);
    }
    run_el1(unaligned, page, 0, 0);
    FINISHED();
    run_el1(unaligned, device, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21);
    EQUAL(trap.far, device + 1);
    run_el1(unaligned_store, device, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21 | WNR);
    run_el1(zva, device, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21 | WNR);
    MSR(sctlr_el1, MRS(sctlr_el1) | 2);
    run_el1(unaligned, page, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21);
    EQUAL(trap.far, page + 1);
    run_el1(unaligned, UINT64_C(0xffffff8001000000), 0, 0); /* before the translation */
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21);
    run_el1(load, page, 0, 0);
    FINISHED();
    MSR(sctlr_el1, MRS(sctlr_el1) & ~UINT64_C(2));
    mmu_off();
    run_el1(unaligned, page, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x21);
    MSR(sctlr_el1, MRS(sctlr_el1) | 1);
}

static void external(void) {
    run_el1(load, HOLE, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x10);
    EQUAL(trap.far, HOLE);
    run_el1(store, HOLE + 8, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x10 | WNR);
    EQUAL(trap.far, HOLE + 8);
    const uint64_t va = UINT64_C(0xffffff8001400000);
    map(va, (uint64_t)HOLE | PTE_RW); /* as normal memory, and to run */
    flush_tlb();
    run_el1(load, va + 16, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, 0x10);
    EQUAL(trap.far, va + 16);
    run_el1(jump, va + 16, 0, 0);
    TRAPPED(SYNC_SPX, EC_IABT + SAME, 0x10);
    EQUAL(trap.elr, va + 16);
    EQUAL(trap.far, va + 16);
}

static void maintenance(void) {
    const uint64_t va = UINT64_C(0xffffff8001800000), page = new_pages(1);
    for (unsigned i = 0; i < 64; i++) {
        write64(page + 8 * i, ~UINT64_C(0));
    }
    map(va, page | PTE_RW);
    flush_tlb();
    run_el1(zva, va + 64 + 13, 0, 0);
    FINISHED();
    for (unsigned i = 0; i < 64; i++) {
        EQUAL(read64(page + 8 * i), i / 8 == 1 ? 0 : ~UINT64_C(0));
    }
    map(va, page | PTE_RW | PTE_RO);
    flush_tlb();
    run_el1(zva, va + 128, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, (PERMISSION + 3) | WNR);
    EQUAL(trap.far, va + 128);
    const uint64_t old = MRS(sctlr_el1);
    MSR(sctlr_el1, old | 1 << 14);
    run_el0(zva_0, va + 128, 0, 0);
    TRAPPED(SYNC_EL0, EC_DABT, (PERMISSION + 3) | WNR);
    MSR(sctlr_el1, old);
    run_el1(civac_code, va, 0, 0);
    FINISHED();
    map(va, 0);
    flush_tlb();
    run_el1(civac_code, va + 5, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, (TRANSLATION + 3) | WNR | CM);
    EQUAL(trap.far, va + 5);
    run_el1(ivau_code, va + 5, 0, 0);
    TRAPPED(SYNC_SPX, EC_DABT + SAME, (TRANSLATION + 3) | WNR | CM);
}

int guest_main(void) {
    mmu_on();
    granules();
    lower_half();
    permissions();
    address_translation();
    alignment();
    external();
    maintenance();
    guest_exit();
}
