/* SPDX-License-Identifier: MIT */
/*
 * space.c - for whom the entries of a vCPU's jump cache are valid.
 *
 * An entry says where the code for a guest virtual address is, so it holds as long as that address leads to the same
 * memory. A code map is a list of the pages that entries were made for, and where they are; its id is part of the key of
 * its entries. Maintenance and new address spaces forget nothing: the pages are translated again before the map is used,
 * and where all agree so do the entries. So the kernel keeps its entries in every process.
 * Locking: everything here belongs to the vCPU's thread.
 */
#include "tcg/vcpu.h"

#include <string.h>

enum { CANDIDATES = 3, UNUSED = 0 };

static unsigned filter_bit(uint64_t va) {
    uint64_t page = va >> IR_PAGE_BITS;
    return (unsigned)((page ^ page >> 12 ^ page >> 24) & (CODE_FILTER - 1));
}

static bool covers(const CodeRange *r, uint64_t va) {
    return (r->va ^ va) >> r->bits == 0 && !r->gone;
}

static uint64_t next_id(Vcpu *v) {
    if (v->next_map == IR_SPACES - 1) {
        ir_jumps_clear(v->env);
        memset(v->spaces, 0, sizeof v->spaces);
        for (unsigned i = 0; i < CODE_MAPS; i++) {
            v->maps[i].id = UNUSED;
        }
        v->next_map = 0;
    }
    return ir_space(++v->next_map);
}

/* Does the range lead where it did? Ways around the TLB where nothing depends on it: that large mappings exist must be
 * known to later maintenance. */
static bool leads_there(Vcpu *v, const CodeRange *r) {
    MemXlat x;
    MemFault fault;
    memset(&x, 0, sizeof x);
    bool found = r->bits > IR_PAGE_BITS ? tlb_translate(v, r->va, MEM_FETCH, false, &x, &fault)
                                        : v->frontend->walk(v->env, r->va, MEM_FETCH, false, &x);
    return found && x.pa == r->pa && x.page_bits >= r->bits;
}

/* Do the pages from number `first` on? */
static bool agrees(Vcpu *v, const CodeMap *map, unsigned first) {
    for (unsigned i = first; i < map->count; i++) {
        if (!map->ranges[i].gone && !leads_there(v, &map->ranges[i])) {
            return false;
        }
    }
    return true;
}

/* The map with the most pages among those of the mode that are not in `tried`. */
static CodeMap *best_map(Vcpu *v, uint64_t mode, CodeMap *const *tried, unsigned tries) {
    CodeMap *best = NULL;
    for (unsigned i = 0; i < CODE_MAPS; i++) {
        CodeMap *map = &v->maps[i];
        bool out = map->id == UNUSED || map->mode != mode || map->full;
        for (unsigned k = 0; k < tries; k++) {
            out |= tried[k] == map;
        }
        if (!out && (!best || map->count > best->count)) {
            best = map;
        }
    }
    return best;
}

static CodeMap *new_map(Vcpu *v, uint64_t mode) {
    CodeMap *oldest = &v->maps[0];
    for (unsigned i = 1; i < CODE_MAPS; i++) {
        if (v->maps[i].last_use < oldest->last_use) {
            oldest = &v->maps[i];
        }
    }
    oldest->id = next_id(v);
    oldest->mode = mode;
    oldest->count = 0;
    oldest->full = false;
    return oldest;
}

/* A map for a space that has none or does not agree with it any more: another space's if its pages are the same here. */
static CodeMap *find_map(Vcpu *v, uint64_t mode) {
    CodeMap *tried[CANDIDATES];
    for (unsigned i = 0; i < CANDIDATES; i++) {
        tried[i] = best_map(v, mode, tried, i);
        if (!tried[i]) {
            break;
        }
        if (agrees(v, tried[i], 0)) {
            return tried[i];
        }
    }
    return new_map(v, mode);
}

static void use_map(Vcpu *v, Space *s, CodeMap *map) {
    s->map = map;
    s->id = v->env->space = map->id;
    s->seen = map->count;
    s->stale = false;
}

void space_select(Vcpu *v) {
    uint64_t mode = v->frontend->mode(v->env), asid = v->context.asid;
    uint64_t h = (mode ^ mode >> 12) * 37 + asid;
    Space *s = &v->spaces[(h ^ h >> 8) & (SPACES - 1)];
    bool known = s->map && s->map->id == s->id && s->mode == mode && s->asid == asid;
    if (!known || s->stale || s->seen != s->map->count) {
        bool same = known && !(s->map->full && s->stale) && agrees(v, s->map, s->stale ? 0 : s->seen);
        s->mode = mode;
        s->asid = asid;
        use_map(v, s, same ? s->map : find_map(v, mode));
    }
    v->space = s;
    v->env->space = s->id;
    s->map->last_use = ++v->map_clock;
}

/* What has been learned is of no use any more: the space goes on with an empty map. */
static void start_again(Vcpu *v, Space *s) {
    use_map(v, s, new_map(v, s->mode));
    s->map->last_use = ++v->map_clock;
}

/* What the map says of an address, or NULL. */
static const CodeRange *find_range(CodeMap *map, uint64_t va) {
    uint64_t page = va >> IR_PAGE_BITS;
    uint16_t *slot = &map->slots[(page ^ page >> 10) & (CODE_SLOTS - 1)];
    if (*slot < map->count && covers(&map->ranges[*slot], va)) {
        return &map->ranges[*slot];
    }
    for (unsigned i = map->count; i-- > 0;) {
        if (covers(&map->ranges[i], va)) {
            *slot = (uint16_t)i;
            return &map->ranges[i];
        }
    }
    *slot = (uint16_t)map->count; /* where it will be put */
    return NULL;
}

void space_note_code(Vcpu *v, uint64_t va, uint64_t pa, unsigned bits) {
    if (v->env->space == UNUSED) {
        space_select(v);
    }
    Space *s = v->space;
    uint64_t base = va >> bits << bits;
    unsigned bit = filter_bit(va);
    v->code_filter[bit >> 6] |= UINT64_C(1) << (bit & 63);
    const CodeRange *r = find_range(s->map, va);
    if (r && r->pa + (va - r->va) == pa) {
        return;
    }
    if (r) {
        start_again(v, s); /* the guest has moved the page without telling */
    }
    if (s->map->count == CODE_RANGES) { /* too much to look after: one that holds until the next maintenance */
        start_again(v, s);
        s->map->full = true;
    }
    if (!s->map->full) {
        s->map->ranges[s->map->count++] = (CodeRange){base, pa - (va - base), (uint8_t)bits, false};
        s->seen = s->map->count;
    }
}

/* No entry is found until somebody selects again. */
static void leave(Vcpu *v) {
    if (v->space && v->space->stale) {
        v->env->space = UNUSED;
    }
}

void space_stale(Vcpu *v, bool any_asid, uint64_t asid) {
    for (unsigned i = 0; i < SPACES; i++) {
        v->spaces[i].stale |= any_asid || v->spaces[i].asid == asid;
    }
    leave(v);
}

/* The jump cache forgets what it knows of one page, in whatever space. */
static void forget_jumps(Vcpu *v, uint64_t va) {
    const uint64_t page_bits = (UINT64_C(1) << 48) - (UINT64_C(4) << IR_JUMP_BITS); /* the others are those of the place */
    IrJump *jumps = &v->env->jumps[ir_jump_index(va)];
    for (unsigned i = 0; i < ir_jump_index(PAGE_SIZE); i++) {
        if (((__atomic_load_n(&jumps[i].key, __ATOMIC_RELAXED) ^ va) & page_bits) == 0) {
            __atomic_store_n(&jumps[i].key, ir_jump_empty(ir_jump_index(va) + i), __ATOMIC_RELAXED);
        }
    }
}

void space_forget_page(Vcpu *v, uint64_t va) {
    unsigned bit = filter_bit(va);
    if (!(v->code_filter[bit >> 6] >> (bit & 63) & 1)) {
        return;
    }
    forget_jumps(v, va);
    for (unsigned i = 0; i < CODE_MAPS; i++) {
        for (unsigned k = 0; v->maps[i].id != UNUSED && k < v->maps[i].count; k++) {
            v->maps[i].ranges[k].gone |= covers(&v->maps[i].ranges[k], va);
        }
    }
}
