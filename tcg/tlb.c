/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - two levels of translated addresses for each vCPU.
 *
 * Level 1 is a set of banks, one for each {regime, ASID} seen lately: a switch of address space selects another bank
 * and flushes nothing. Generated code reads the selected one. Level 2 is a set-associative cache of the walker's
 * answers, tagged with regime and ASID; a change of generation empties it.
 * Locking: everything here belongs to the vCPU's thread.
 */
#include "tcg/vcpu.h"

#include <string.h>
#include <sys/mman.h>

#define ANY_ASID UINT64_MAX
enum { HUGE = 1 << 21 }; /* bytes of the host's large pages */

/* Tables are reached all over: large host pages are wished for. */
static void *alloc_tables(size_t size) {
    size = (size + HUGE - 1) & ~(size_t)(HUGE - 1);
    void *memory = g_aligned_alloc(1, size, HUGE);
    madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

static void entry_clear(Bank *b, unsigned i) {
    b->table[i].rtag = b->table[i].wtag = ir_tlb_no_tag(i);
}

static void victim_clear(Bank *b, unsigned i) {
    IrTlbEntry *e = b->table - IR_TLB_VICTIMS + i;
    e->rtag = e->wtag = (uint64_t)(i ^ 1) << IR_PAGE_BITS; /* a page that belongs elsewhere */
}

static void bank_clear(Bank *b) {
    if (b->filled <= BANK_LOG) {
        for (unsigned i = 0; i < b->filled; i++) {
            entry_clear(b, b->log[i]);
        }
    } else {
        for (unsigned i = 0; i < b->entries; i++) {
            entry_clear(b, i);
        }
    }
    for (unsigned i = 0; b->pushed && i < IR_TLB_VICTIMS; i++) {
        victim_clear(b, i);
    }
    b->filled = 0;
    b->pushed = false;
}

void tlb_init(Vcpu *v) {
    hint_init(v);
    const size_t bank = sizeof(IrTlbEntry) * (IR_TLB_VICTIMS + BANK_ENTRIES), l2 = sizeof *v->l2 * L2_SETS;
    uint8_t *memory = v->tlb_memory = alloc_tables(BANKS * bank + l2);
    memset(memory + BANKS * bank, 0, l2);
    v->l2 = (void *)(memory + BANKS * bank);
    v->l2_gen = 1;
    for (unsigned i = 0; i < BANKS; i++) {
        v->banks[i].entries = BANK_ENTRIES;
        v->banks[i].table = v->banks[i].small = (IrTlbEntry *)(void *)(memory + i * bank) + IR_TLB_VICTIMS;
        v->banks[i].filled = BANK_LOG + 1;
        v->banks[i].pushed = true;
        bank_clear(&v->banks[i]);
    }
}

void tlb_free(Vcpu *v) {
    g_aligned_free(v->tlb_memory);
    if (v->large_table) {
        g_aligned_free(v->large_table - IR_TLB_VICTIMS);
    }
}

/* Generated code finds the current banks where they are. */
static void show_banks(Vcpu *v) {
    v->env->bank = (IrTlbBank){(v->bank->entries - 1) << 5, v->bank->table};
    v->env->unpriv = (IrTlbBank){(v->unpriv->entries - 1) << 5, v->unpriv->table};
}

/* The bank is filled again and again: it gets the large table, empty. Who had that goes back to a small one, which is
 * clear: so it was left. */
static void bank_grow(Vcpu *v, Bank *b) {
    bank_clear(b);
    if (!v->large_table) {
        IrTlbEntry *memory = alloc_tables(sizeof *memory * (IR_TLB_VICTIMS + LARGE_ENTRIES));
        v->large_table = memory + IR_TLB_VICTIMS;
    }
    for (unsigned i = 0; i < BANKS; i++) {
        Bank *other = &v->banks[i];
        if (other->table == v->large_table) {
            *other = (Bank){other->regime, other->asid, other->used, other->last_use, .entries = BANK_ENTRIES,
                            .table = other->small, .small = other->small};
        }
    }
    b->table = v->large_table;
    b->entries = LARGE_ENTRIES;
    b->filled = BANK_LOG + 1;
    b->pushed = true;
    bank_clear(b);
    show_banks(v);
}

/* Makes room in an entry: the page it holds moves to its second choice. */
static void push_out(Bank *b, unsigned i) {
    IrTlbEntry *e = &b->table[i];
    uint64_t none = ir_tlb_no_tag(i);
    uint64_t page = e->rtag != none ? e->rtag : e->wtag;
    if (page != none) {
        IrTlbEntry *second = b->table - IR_TLB_VICTIMS + ir_tlb_victim(page);
        uint64_t no = (uint64_t)(ir_tlb_victim(page) ^ 1) << IR_PAGE_BITS;
        *second = *e;
        second->rtag = e->rtag != none ? e->rtag : no;
        second->wtag = e->wtag != none ? e->wtag : no;
        b->pushed = true;
    }
}

void tlb_fill(Vcpu *v, Bank *b, uint64_t va, uint64_t pa, uint8_t *host, bool readable, bool writable) {
    uint64_t tag = va & ~(uint64_t)(PAGE_SIZE - 1);
    if (b->filled > LARGE_FILLS && b->entries == BANK_ENTRIES && v->bank && v->unpriv) {
        bank_grow(v, b);
    }
    unsigned i = (unsigned)(va >> IR_PAGE_BITS) & (b->entries - 1);
    IrTlbEntry *e = &b->table[i];
    if (e->rtag != tag && e->wtag != tag) {
        push_out(b, i);
    }
    if (b->filled < BANK_LOG) {
        b->log[b->filled] = (uint16_t)i;
    }
    b->filled++;
    /* One page is never in both places: its copy there would go stale. */
    IrTlbEntry *second = b->table - IR_TLB_VICTIMS + ir_tlb_victim(tag);
    if (second->rtag == tag || second->wtag == tag) {
        victim_clear(b, ir_tlb_victim(tag));
    }
    e->rtag = readable ? tag : ir_tlb_no_tag(i);
    e->wtag = writable ? tag : ir_tlb_no_tag(i);
    e->addend = (uint64_t)(uintptr_t)host - tag;
    e->info = pa;
    if (writable) {
        page_filter_add(v->written, pa);
    }
    v->stats.tlb_fills++;
}

static bool is_for(const Bank *b, MemContext c) {
    return b->used && b->regime == c.regime && b->asid == c.asid;
}

static Bank *bank_for(Vcpu *v, MemContext c) {
    Bank *const likely[] = {v->bank, v->unpriv};
    for (unsigned i = 0; i < G_N_ELEMENTS(likely); i++) {
        if (likely[i] && is_for(likely[i], c)) {
            likely[i]->last_use = ++v->bank_clock;
            return likely[i];
        }
    }
    Bank *oldest = &v->banks[0];
    for (unsigned i = 0; i < BANKS; i++) {
        Bank *b = &v->banks[i];
        if (is_for(b, c)) {
            b->last_use = ++v->bank_clock;
            return b;
        }
        if (!b->used || (oldest->used && b->last_use < oldest->last_use)) {
            oldest = b;
        }
    }
    bank_clear(oldest);
    oldest->used = true;
    oldest->regime = c.regime;
    oldest->asid = c.asid;
    oldest->last_use = ++v->bank_clock;
    return oldest;
}

/* A flush of one ASID changes its number and so makes its entries of level 2 invalid. */
static inline uint32_t *asid_gen(Vcpu *v, uint64_t asid) {
    return &v->asid_gens[asid == ANY_ASID ? ASID_GENS - 1 : (asid ^ asid >> 8) % (ASID_GENS - 1)];
}

static inline bool valid(Vcpu *v, const L2Entry *e) {
    return e->key && e->gen == v->l2_gen && e->asid_gen == *asid_gen(v, e->asid);
}

bool tlb_entry_valid(Vcpu *v, const L2Entry *e) {
    return valid(v, e);
}

void tlb_context_changed(Vcpu *v) {
    Env *env = v->env;
    v->context = v->frontend->context(env, false);
    v->unpriv_context = v->frontend->context(env, true);
    const Bank *before = v->bank;
    v->bank = bank_for(v, v->context);
    if (v->bank != before) {
        hint_forget_all(v);
    }
    v->unpriv = bank_for(v, v->unpriv_context);
    show_banks(v);
    space_select(v);
    v->fetch_ok = false;
}

void tlb_forget_entries(Vcpu *v) {
    hint_forget_all(v);
    for (unsigned i = 0; i < BANKS; i++) {
        bank_clear(&v->banks[i]);
    }
}

static void forget_tables(Vcpu *v) {
    if (v->frontend->forget_tables) {
        v->frontend->forget_tables(v->env);
    }
}

void tlb_flush_all(Vcpu *v) {
    verify_forget(v);
    forget_tables(v);
    v->stats.tlb_flushes++;
    v->l2_gen++;
    v->large_count = 0;
    hint_forget_all(v);
    v->fetch_ok = false;
    for (unsigned i = 0; i < BANKS; i++) {
        bank_clear(&v->banks[i]);
    }
    space_stale(v, true, 0);
}

void tlb_flush_asid(Vcpu *v, uint64_t asid) {
    verify_forget(v);
    forget_tables(v);
    v->stats.tlb_flushes++;
    v->fetch_ok = false;
    hint_forget_all(v);
    for (unsigned i = 0; i < BANKS; i++) {
        if (v->banks[i].used && v->banks[i].asid == asid) {
            bank_clear(&v->banks[i]);
        }
    }
    (*asid_gen(v, asid))++; /* others that share the slot lose theirs too */
    space_stale(v, false, asid);
}

static unsigned l2_set(uint64_t va) {
    uint64_t page = va >> IR_PAGE_BITS;
    return (unsigned)(page ^ page >> 12) & (L2_SETS - 1);
}

static bool in_large_map(const Vcpu *v, uint64_t va) {
    for (unsigned i = 0; i < v->large_count; i++) {
        if (va - v->large[i].base < v->large[i].size) {
            return true;
        }
    }
    return false;
}

/* Level 1 tags keep the tag byte of the address: compare without it. */
static bool holds(const IrTlbEntry *e, uint64_t va) {
    return ((e->rtag ^ va) << 8) < (uint64_t)PAGE_SIZE << 8 || ((e->wtag ^ va) << 8) < (uint64_t)PAGE_SIZE << 8;
}

void tlb_flush_page(Vcpu *v, uint64_t va, bool any_asid, uint64_t asid, bool last_level) {
    verify_forget(v);
    if (!last_level) {
        forget_tables(v);
    }
    va &= ~(uint64_t)(PAGE_SIZE - 1);
    if (in_large_map(v, va)) {
        tlb_flush_all(v); /* every page cut from the mapping has to go; these are rare */
        return;
    }
    v->stats.tlb_flushes++;
    v->fetch_ok = false;
    hint_forget_page(v, va);
    unsigned second = ir_tlb_victim(va);
    for (unsigned i = 0; i < BANKS; i++) {
        Bank *b = &v->banks[i];
        unsigned first = (unsigned)(va >> IR_PAGE_BITS) & (b->entries - 1);
        if (b->filled && holds(&b->table[first], va)) {
            entry_clear(b, first);
        }
        if (b->pushed && holds(b->table - IR_TLB_VICTIMS + second, va)) {
            victim_clear(b, second);
        }
    }
    L2Entry *set = v->l2[l2_set(va << 8 >> 8)];
    for (unsigned w = 0; w < L2_WAYS; w++) {
        if (((set[w].key ^ va) << 8) < (uint64_t)PAGE_SIZE << 8 &&
            (any_asid || set[w].asid == asid || set[w].asid == ANY_ASID)) {
            set[w].key = 0;
        }
    }
    space_forget_page(v, va);
}

/* No store reaches pa by any of these entries; who can be reached is in `written`. A tag that stands for none is of i ^ 1. */
static void unmap_writes(Vcpu *v, IrTlbEntry *entries, unsigned count, uint64_t pa) {
    for (unsigned i = 0; i < count; i++) {
        uint64_t none = (uint64_t)(i ^ 1) << IR_PAGE_BITS;
        if (entries[i].info == pa) {
            entries[i].wtag = none;
        } else if (entries[i].wtag != none) {
            page_filter_add(v->written, entries[i].info);
        }
    }
}

/* What is looked through takes long, and few pages are there: `written` is made anew meanwhile, with those alone. No hint
 * may know of others: they are forgotten. */
void tlb_unmap_writes(Vcpu *v, uint64_t pa) {
    if (!page_filter_has(v->written, pa)) {
        return;
    }
    hint_forget_all(v);
    memset(v->written, 0, sizeof v->written);
    for (unsigned i = 0; i < BANKS; i++) {
        const Bank *b = &v->banks[i];
        unmap_writes(v, b->table, b->filled ? b->entries : 0, pa);
        unmap_writes(v, b->table - IR_TLB_VICTIMS, b->pushed ? IR_TLB_VICTIMS : 0, pa);
    }
}

static void note_large(Vcpu *v, uint64_t va, unsigned page_bits) {
    uint64_t size = UINT64_C(1) << page_bits;
    uint64_t base = va & ~(size - 1);
    for (unsigned i = 0; i < v->large_count; i++) {
        if (base - v->large[i].base < v->large[i].size && size <= v->large[i].size) {
            return;
        }
    }
    if (v->large_count == LARGE_MAPS) { /* too many: one that covers everything */
        v->large[0] = (LargeMap){0, UINT64_MAX};
        v->large_count = 1;
        return;
    }
    v->large[v->large_count++] = (LargeMap){base, size};
}

static bool l2_allows(uint8_t flags, MemAccess access) {
    return flags & (access == MEM_READ ? L2_R : access == MEM_WRITE ? L2_W : L2_X);
}

bool tlb_translate(Vcpu *v, uint64_t va, MemAccess access, bool unprivileged, MemXlat *x, MemFault *fault) {
    MemContext c = unprivileged ? v->unpriv_context : v->context;
    uint64_t key = (va & ~(uint64_t)(PAGE_SIZE - 1)) | c.regime << 1 | 1;
    L2Entry *set = v->l2[l2_set(va << 8 >> 8)];
    for (unsigned w = 0; w < L2_WAYS; w++) {
        L2Entry *e = &set[w];
        if (e->key == key && (e->asid == c.asid || e->asid == ANY_ASID) && valid(v, e) &&
            l2_allows(e->flags, access)) {
            v->found = e;
            v->stats.tlb_hits++;
            *x = (MemXlat){.pa = e->pa | (va & (PAGE_SIZE - 1)), .readable = e->flags & L2_R,
                           .writable = e->flags & L2_W, .executable = e->flags & L2_X, .device = e->flags & L2_DEVICE,
                           .global = e->asid == ANY_ASID, .page_bits = e->bits};
            return true;
        }
    }
    v->stats.tlb_walks++;
    memset(x, 0, sizeof *x);
    if (!v->frontend->walk(v->env, va, access, unprivileged, x)) {
        *fault = (MemFault){.kind = MEM_FAULT_WALK, .access = access, .va = va, .guest = x->guest_fault};
        return false;
    }
    unsigned way = v->l2_victim++ & (L2_WAYS - 1);
    for (unsigned w = 0; w < L2_WAYS; w++) {
        if (set[w].key == key && (set[w].asid == c.asid || set[w].asid == ANY_ASID)) {
            way = w; /* replace what the walk has overtaken */
            break;
        }
        if (!valid(v, &set[w])) {
            way = w;
        }
    }
    v->found = &set[way];
    set[way] = (L2Entry){key, x->global ? ANY_ASID : c.asid, x->pa & ~(uint64_t)(PAGE_SIZE - 1), NULL, v->l2_gen,
                         *asid_gen(v, x->global ? ANY_ASID : c.asid),
                         (x->readable ? L2_R : 0) | (x->writable ? L2_W : 0) | (x->executable ? L2_X : 0) |
                             (x->device ? L2_DEVICE : 0), x->page_bits};
    if (x->page_bits > IR_PAGE_BITS) {
        note_large(v, va, x->page_bits);
    }
    return true;
}
