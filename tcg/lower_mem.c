/* SPDX-License-Identifier: MIT */
/*
 * lower_mem.c - guest memory: the check of a group of accesses, what its cold path can do by itself, loads and stores.
 */
#include "tcg/walk.h"

#include <string.h>

/* What an op has to do with the addend of a check that stands before it. */
enum {
    GROUP_LOAD = 1,
    GROUP_STORE = 2,
    GROUP_ATOMIC = 4,
    GROUP_BOUNCE = 8, /* nothing, but uses env.bounce too */
};
static const uint8_t group_kinds[IR_OPS] = {
    [IR_ld] = GROUP_LOAD,   [IR_st] = GROUP_STORE,   [IR_sc] = GROUP_ATOMIC,    [IR_ll] = GROUP_ATOMIC,
    [IR_cas] = GROUP_ATOMIC, [IR_rmw] = GROUP_ATOMIC, [IR_check] = GROUP_BOUNCE, [IR_call] = GROUP_BOUNCE,
};

/* If only loads, or only stores, use the check at i, all of one size: what its cold path may be able to do by itself. */
static inline uint32_t check_group(const Lower *l, uint32_t i) {
    const IrNode *n = ra_node(l, i + 1), *last = ra_node(l, l->values[i].last_use);
    unsigned kinds = group_kinds[n->op], sizes = 1u << (n->aux & IR_MEM_SIZE); /* sets of what there is */
    if (n != last) { /* not simply an access right behind its check */
        kinds = sizes = 0;
        for (; n <= last; n++) {
            unsigned kind = group_kinds[n->op], is_user = n->a == i && kind < GROUP_BOUNCE;
            kinds |= kind & (GROUP_BOUNCE - is_user);
            sizes |= (is_user && kind) << (n->aux & IR_MEM_SIZE);
        }
    }
    if (sizes & (sizes - 1) || (kinds != GROUP_LOAD && kinds != GROUP_STORE)) {
        return 0; /* a device must see each part as it is */
    }
    unsigned part = MIN((unsigned)__builtin_ctz(sizes), 3);
    return part << HOST_SLOW_PART_SHIFT | kinds * HOST_SLOW_LOADS;
}
G_STATIC_ASSERT(GROUP_LOAD * HOST_SLOW_LOADS == HOST_SLOW_LOADS && GROUP_STORE * HOST_SLOW_LOADS == HOST_SLOW_STORES);

/* Offset of an access's address from the check's address; false when it is not plain. */
static bool ea_offset(const Walk *w, uint32_t ea, uint32_t base, int64_t *offset) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, ea), *m = ra_node(l, base);
    uint64_t c, d;
    *offset = 0;
    if (ea == base) {
        return true;
    }
    if (n->op == IR_add && n->a == base && ra_const(l, n->b, &c)) {
        *offset = (int64_t)c;
        return true;
    }
    /* The builder folds add(add(x, c), d): compare against the common x. */
    if (n->op == IR_add && ra_const(l, n->b, &c)) {
        if (m->op == IR_add && m->a == n->a && ra_const(l, m->b, &d)) {
            *offset = (int64_t)(c - d);
            return true;
        }
    }
    if (m->op == IR_add && m->a == ea && ra_const(l, m->b, &d)) {
        *offset = -(int64_t)d;
        return true;
    }
    return false;
}

/* Where the value of a store will come from, seen from its check: what is not there yet must be a plain `get`. */
static bool cold_value(const Walk *w, uint32_t check, uint32_t v, HostOperand *value) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, v);
    uint64_t imm;
    if (ra_const(l, v, &imm)) {
        *value = (HostOperand){.kind = HOST_IMM, .imm = (int64_t)imm};
        return true;
    }
    if (l->values[v].reg != RA_NO_REG) {
        *value = (HostOperand){.kind = HOST_REG, .reg = l->values[v].reg};
        return true;
    }
    if (ra_memory(l, v, value)) {
        return true;
    }
    if (n->op != IR_get || v < check || l->ir->slots[n->a].type < IR_I64) {
        return false;
    }
    if (l->slot_pin[n->a] != RA_NO_REG) {
        *value = (HostOperand){.kind = HOST_REG, .reg = l->slot_pin[n->a]};
    } else {
        *value = (HostOperand){.kind = HOST_ENV, .disp = (int32_t)l->ir->slots[n->a].offset};
    }
    return true;
}

/* The stores that use a check, for its cold path: it does them all, ahead of what stands between them, when the fast path
 * cannot. */
static bool cold_stores(Walk *w, HostCold *c, uint32_t check) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, check);
    uint32_t base = n->a, size = n->c;
    uint64_t covered = 0; /* bytes of the check that the stores fill: all of them, for all of them are written */
    for (uint32_t k = check + 1; k <= l->values[check].last_use; k++) {
        const IrNode *st = ra_node(l, k);
        int64_t offset;
        if (st->op != IR_st || st->a != check) {
            if (!(ir_ops[st->op].props & IR_PURE) && st->op != IR_get && st->op != IR_nop) {
                return false;
            }
            continue;
        }
        if (c->stores == G_N_ELEMENTS(c->store) || !ea_offset(w, st->b, base, &offset) || offset < 0 ||
            offset >= size || !cold_value(w, check, st->c, &c->store[c->stores].value)) {
            return false;
        }
        c->store[c->stores].type = walk_type(w, st->c);
        c->store[c->stores].aux = st->aux;
        c->store[c->stores].offset = (uint8_t)offset;
        c->stores++;
        covered |= ((UINT64_C(1) << (1 << (st->aux & IR_MEM_SIZE))) - 1) << offset;
    }
    return size <= sizeof((Env *)NULL)->bounce && covered == UINT64_MAX >> (64 - size);
}

/* The slot that an address is computed from, or -1: base + constant, base + index. */
static int base_slot(const Walk *w, uint32_t ea, bool *indexed) {
    const IrNode *n = ra_node(&w->l, ea);
    uint64_t c;
    *indexed = false;
    while (n->op == IR_add && ra_node(&w->l, n->a)->type == IR_I64) {
        *indexed |= !ra_const(&w->l, n->b, &c);
        n = ra_node(&w->l, n->a);
    }
    return n->op == IR_get && n->type == IR_I64 ? (int)n->a : -1;
}

/* Does the block itself move the base register by constants? */
static bool is_stream(const Walk *w, uint32_t slot) {
    const IrBlock *ir = w->l.ir;
    for (unsigned k = 0; k < ir->set_count; k++) {
        const IrNode *n = ra_node(&w->l, ir->sets[k]);
        const RaValue *x = &w->l.values[ir->sets[k]];
        bool indexed;
        if (n->a == slot && ra_node(&w->l, n->b)->op == IR_add && x->uses && !x->pended &&
            base_slot(w, n->b, &indexed) == (int)slot && !indexed) {
            return true;
        }
    }
    return false;
}

/* Page hint for a check, or 0: for addresses that, by the look of them, stay on one page for a while. *look: what is known
 * to do for the insn in its place. */
static unsigned page_hint(Walk *w, const IrNode *check, HostLook *look) {
    bool indexed;
    *look = HOST_LOOK_TLB;
    int slot = check->aux & IR_CHECK_UNPRIV ? -1 : base_slot(w, check->a, &indexed);
    if (slot < 0) {
        return 0;
    }
    const IrSlot *s = &w->l.ir->slots[slot];
    if (!s->base) {
        return 0;
    }
    if (s->steady || indexed || is_stream(w, (uint32_t)slot)) {
        uint64_t insn = walk_insn_pa(w);
        *look = tb_hint_look(w->l.tcg, insn);
        if (*look == HOST_LOOK_PAGE && w->l.tcg->config.forced.runs) {
            *look = insn & 4 || check->c > 8 ? HOST_LOOK_RISING : HOST_LOOK_EITHER;
        }
    }
    if (*look == HOST_LOOK_EITHER && (check->c > 8 || check->c & (check->c - 1))) {
        *look = HOST_LOOK_TLB; /* could go across two pages */
    }
    return *look == HOST_LOOK_TLB ? 0 : s->base;
}

/* Register with the lowest address of a check. */
static unsigned check_address(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    unsigned base = ra_use(l, n->a, UINT32_MAX);
    if (!IR_CHECK_LOW(n->b)) {
        return base;
    }
    unsigned ea = ra_alloc(l, false, UINT32_MAX);
    l->be->add_imm(l->h, IR_I64, ea, base, IR_CHECK_LOW(n->b));
    return ea;
}

/* Accesses across two pages of a run need no cold path. The reference of --verify waits for it all the same: there what
 * could be such an access does not try the run. */
static HostFixup keep_in_page(const Walk *w, unsigned ea, unsigned size) {
    const Lower *l = &w->l;
    unsigned round = 1;
    while (round < size) {
        round *= 2;
    }
    l->be->test(l->h, IR_I32, (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ea},
                (HostOperand){.kind = HOST_IMM, .imm = (int64_t)round - 1});
    return l->be->jump_if(l->h, l->be->flags_cc(IR_NE, HOST_FLAGS_ADD));
}

/* What every cold path has to know of the place where it starts. */
static inline HostCold *begin_cold(Walk *w) {
    Lower *l = &w->l;
    HostCold *c = &w->cold[w->cold_count++];
    memset(c->from, 0, sizeof c->from);
    c->insn_off = walk_leaving_off(w);
    c->rest = walk_insns_left(w);
    c->hint = c->pends = c->stores = 0;
    c->flags_to.kind = HOST_NONE;
    if (l->pend_count) {
        ra_pends(l, c);
    }
    return c;
}

/* Two registers that are free to be written. */
static void alloc_two(Lower *l, uint8_t regs[2]) {
    uint32_t free = ra_empty(l, false) & ~l->special, others = free & (free - 1);
    if (others) {
        regs[0] = (uint8_t)__builtin_ctz(free);
        regs[1] = (uint8_t)__builtin_ctz(others);
        l->locked |= 1u << regs[0] | 1u << regs[1];
    } else {
        regs[0] = (uint8_t)ra_alloc(l, false, UINT32_MAX);
        regs[1] = (uint8_t)ra_alloc(l, false, UINT32_MAX);
    }
}

/* Another one that is empty, if there is one, after alloc_two; or this one. */
static unsigned spare_register(const Lower *l, unsigned otherwise) {
    uint32_t empty = l->scratch[0] & ~(l->locked | l->occupied);
    return empty ? (unsigned)__builtin_ctz(empty) : otherwise;
}

void lower_check(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    bool used = l->values[i].last_use != 0;
    uint8_t regs[2];
    HostLook look;

    if (w->cold_count == MAX_COLD) {
        ra_fail(l);
        return;
    }
    flags_lose(w);
    unsigned ea = check_address(w, n);
    /* Never in a pin, and never in the address's register: both are alive on the cold path. */
    alloc_two(l, regs);
    if (used) {
        ra_attach(l, i, regs[1]);
    }
    unsigned hint = page_hint(w, n, &look);
    /* For loads alone: a store's address keeps nobody waiting. */
    unsigned spare = look == HOST_LOOK_TLB && !(n->aux & IR_CHECK_W) ? spare_register(l, regs[0]) : regs[0];
    HostCold *c = begin_cold(w);
    if (look == HOST_LOOK_RISING && l->tcg->config.verify) {
        c->from[2] = keep_in_page(w, ea, n->c);
    }
    c->ea = (uint8_t)ea;
    c->tmp = regs[0];
    c->addend = regs[1];
    c->hint = (uint8_t)hint;
    c->look = (uint8_t)look;
    c->desc = n->c | (uint32_t)n->aux << 8 | hint << HOST_SLOW_HINT_SHIFT | (uint32_t)look << HOST_SLOW_LOOK_SHIFT;
    l->be->check(l->h, c, spare);
    c->back = walk_here(w);
    uint32_t group = n->b ? HOST_SLOW_MERGED : used ? check_group(l, i) : 0;
    if (group & HOST_SLOW_STORES && !cold_stores(w, c, i)) {
        group = 0;
        c->stores = 0;
    }
    c->desc |= group;
}

/* Address of an access as register + displacement: the add of a constant is folded into it. */
static inline unsigned access_address(Walk *w, uint32_t ea, int32_t *disp) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, ea);
    uint64_t c;
    HostOperand mem;
    *disp = 0;
    if (n->op == IR_add && l->values[ea].reg == RA_NO_REG && !ra_memory(l, ea, &mem) && ra_const(l, n->b, &c) &&
        (int64_t)c == (int32_t)c && l->values[n->a].last_use >= l->now) {
        *disp = (int32_t)c;
        return ra_use(l, n->a, UINT32_MAX);
    }
    return ra_use(l, ea, UINT32_MAX);
}

void lower_ld(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    int32_t disp;
    unsigned addend = ra_use(l, n->a, UINT32_MAX);
    unsigned ea = access_address(w, n->b, &disp);
    unsigned d;
    if (n->aux & IR_MEM_BIG) {
        flags_lose(w);
    }
    if (l->values[i].last_use) {
        d = ra_define(l, i, n->aux & IR_MEM_BIG);
    } else {
        d = ra_alloc(l, ir_type_is_vec((IrType)n->type), UINT32_MAX);
    }
    l->be->ld(l->h, (IrType)n->type, n->aux, d, addend, ea, disp);
}

void lower_st(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    int32_t disp;
    unsigned addend = ra_use(l, n->a, UINT32_MAX);
    unsigned ea = access_address(w, n->b, &disp);
    const IrNode *value = ra_node(l, n->c);
    HostOperand v = {.kind = HOST_REG};
    if (value->op == IR_const) {
        v = ra_operand(l, n->c, "ri");
    } else {
        v.reg = (uint8_t)ra_use(l, n->c, UINT32_MAX);
    }
    unsigned tmp = n->aux & IR_MEM_BIG ? ra_alloc(l, false, UINT32_MAX) : RA_NO_REG;
    if (n->aux & (IR_MEM_ACQUIRE | IR_MEM_RELEASE | IR_MEM_BIG)) {
        flags_lose(w);
    }
    l->be->st(l->h, (IrType)value->type, n->aux, v, addend, ea, disp, tmp);
}

void lower_aligned(Walk *w, uint32_t i, const IrNode *n) {
    Lower *l = &w->l;
    if (w->cold_count == MAX_COLD) {
        ra_fail(l);
        return;
    }
    flags_lose(w);
    HostOperand a = {.kind = HOST_REG, .reg = (uint8_t)ra_use(l, n->a, UINT32_MAX)};
    l->be->test(l->h, IR_I32, a, (HostOperand){.kind = HOST_IMM, .imm = n->aux - 1});
    HostCold *c = begin_cold(w);
    c->from[0] = l->be->jump_if(l->h, l->be->flags_cc(IR_NE, HOST_FLAGS_ADD));
    c->desc = 0; /* leave: the interpreter raises it */
}

bool mem_add_reaches(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    for (uint32_t k = i + 1; l->ir->regions && k <= l->values[i].last_use; k++) {
        const IrNode *m = ra_node(l, k);
        if (m->op == IR_skip_if || m->op == IR_end) {
            return false;
        }
    }
    return true;
}
