/* SPDX-License-Identifier: MIT */
/*
 * lower_mem.c - guest memory: the check of a group of accesses, what its cold path can do by itself, loads and stores.
 */
#include "tcg/walk.h"

#include <string.h>

/* If only loads, or only a run of stores right behind, use the check at i: what its cold path can do by itself. */
static unsigned check_group(const Walk *w, uint32_t i, uint32_t stores[4], unsigned *part) {
    const Lower *l = &w->l;
    unsigned loads = 0, count = 0;
    bool mixed = false; /* parts of different sizes: a device must see each as it is */
    *part = 0;
    for (uint32_t k = i + 1; k < l->ir->count && k <= l->values[i].last_use; k++) {
        const IrNode *n = ra_node(l, k);
        if (n->op == IR_ld && n->a == i) {
            mixed |= loads + count && *part != (n->aux & IR_MEM_SIZE);
            loads++;
            *part = n->aux & IR_MEM_SIZE;
        } else if (n->op == IR_st && n->a == i) {
            if (count == 4) {
                return 0;
            }
            mixed |= loads + count && *part != (n->aux & IR_MEM_SIZE);
            stores[count++] = k;
            *part = n->aux & IR_MEM_SIZE;
        } else if ((n->op == IR_sc || n->op == IR_ll || n->op == IR_cas || n->op == IR_rmw) && n->a == i) {
            return 0;
        } else if (n->op == IR_check || n->op == IR_call) {
            return 0; /* these use env.bounce too */
        }
    }
    if (mixed) {
        return 0;
    }
    if (*part > 3) {
        *part = 3;
    }
    if (loads && !count) {
        return HOST_SLOW_LOADS;
    }
    return count && !loads ? HOST_SLOW_STORES : 0;
}

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

/* The stores that use a check, for its cold path: it does them all when the fast path cannot. */
static bool cold_stores(Walk *w, HostCold *c, uint32_t check, const uint32_t stores[4], unsigned size) {
    Lower *l = &w->l;
    uint32_t base = ra_node(l, check)->a;
    uint64_t covered = 0; /* bytes of the check that the stores fill: all of them, for all of them are written */
    for (unsigned k = 0; k < 4 && stores[k]; k++) {
        const IrNode *st = ra_node(l, stores[k]);
        int64_t offset;
        if (!ea_offset(w, st->b, base, &offset) || offset < 0 || offset >= size ||
            !cold_value(w, check, st->c, &c->store[c->stores].value)) {
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

/* Does anything but stores of the group, and what feeds them, stand between the check and its last store? The cold path
 * does the stores ahead of it. */
static bool stores_are_adjacent(const Walk *w, uint32_t check, const uint32_t stores[4]) {
    const Lower *l = &w->l;
    uint32_t last = check;
    for (unsigned k = 0; k < 4 && stores[k]; k++) {
        last = stores[k];
    }
    for (uint32_t k = check + 1; k < last; k++) {
        const IrNode *n = ra_node(l, k);
        if (!(ir_ops[n->op].props & IR_PURE) && n->op != IR_get && n->op != IR_nop &&
            !(n->op == IR_st && n->a == check)) {
            return false;
        }
    }
    return true;
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

static void find_streams(Walk *w) {
    const IrBlock *ir = w->l.ir;
    w->streams = 0;
    w->streams_known = true;
    for (unsigned k = 0; k < ir->sum_count; k++) {
        const IrNode *n = ra_node(&w->l, ir->sums[k]);
        bool indexed;
        if (w->l.values[ir->sums[k]].uses && !w->l.values[ir->sums[k]].pended && base_slot(w, n->b, &indexed) == (int)n->a && !indexed) {
            w->streams |= UINT64_C(1) << ir->slots[n->a].base;
        }
    }
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
    bool worth = s->steady || indexed;
    if (!worth) {
        if (!w->streams_known) {
            find_streams(w);
        }
        worth = w->streams >> s->base & 1;
    }
    if (worth) {
        uint64_t insn = walk_insn_pa(w);
        *look = tb_hint_look(w->l.vcpu->tcg, insn);
        if (*look == HOST_LOOK_PAGE && w->l.vcpu->tcg->config.forced.runs) {
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
    HostOp sum;
    walk_op(&sum, n, IR_I64);
    sum.d = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)ea};
    sum.s[0] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)base};
    sum.s[1] = (HostOperand){.kind = HOST_IMM, .imm = IR_CHECK_LOW(n->b)};
    l->be->sum->emit(l->h, &sum);
    return ea;
}

/* Accesses across two pages of a run need no cold path. The reference of --verify waits for it all the same: there what
 * could be such an access does not try the run. */
static HostFixup keep_in_page(const Walk *w, HostOperand ea, unsigned size) {
    const Lower *l = &w->l;
    unsigned round = 1;
    while (round < size) {
        round *= 2;
    }
    l->be->test(l->h, IR_I32, ea, (HostOperand){.kind = HOST_IMM, .imm = (int64_t)round - 1});
    return l->be->jump_if(l->h, l->be->flags_cc(IR_NE, HOST_FLAGS_ADD));
}

void lower_check(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint32_t stores[4] = {0};
    unsigned part = 0;
    HostFixup from[3] = {0};
    HostLook look;

    if (w->cold_count == MAX_COLD) {
        l->failed = true;
        return;
    }
    flags_lose(w);
    bool used = l->values[i].last_use != 0;
    unsigned group = n->b ? HOST_SLOW_MERGED : used ? check_group(w, i, stores, &part) : 0;
    HostOp op;
    walk_op(&op, n, IR_I64);
    op.s[0] = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)check_address(w, n)};
    op.tmp[0] = (uint8_t)ra_alloc(l, false, UINT32_MAX);
    /* Never in a pin, and never in the address's register: both are alive on the cold path. */
    unsigned d = ra_alloc(l, false, UINT32_MAX);
    if (used) {
        ra_attach(l, i, d);
    }
    op.d = (HostOperand){.kind = HOST_REG, .reg = (uint8_t)d};
    unsigned hint = page_hint(w, n, &look);
    /* For loads alone: a store's address keeps nobody waiting. */
    unsigned spare = look == HOST_LOOK_TLB && !(n->aux & IR_CHECK_W) ? ra_spare(l) : RA_NO_REG;
    op.tmp[1] = spare == RA_NO_REG ? op.tmp[0] : (uint8_t)spare;
    if (look == HOST_LOOK_RISING && l->vcpu->verify) {
        from[2] = keep_in_page(w, op.s[0], n->c);
    }
    l->be->check(l->h, &op, look, hint - 1, from);

    HostCold *c = &w->cold[w->cold_count];
    c->stores = 0;
    ra_pends(l, c);
    if (group == HOST_SLOW_STORES && !(stores_are_adjacent(w, i, stores) && cold_stores(w, c, i, stores, n->c))) {
        group = 0;
        c->stores = 0;
    }
    memcpy(c->from, from, sizeof from);
    c->back = walk_here(w);
    c->insn_off = walk_insn_off(w);
    c->rest = walk_insns_left(w);
    c->hint = (uint8_t)hint;
    c->look = (uint8_t)look;
    c->tmp = op.tmp[0];
    c->desc = n->c | (uint32_t)n->aux << 8 | hint << HOST_SLOW_HINT_SHIFT |
              (uint32_t)look << HOST_SLOW_LOOK_SHIFT | group | (group ? part << HOST_SLOW_PART_SHIFT : 0);
    c->ea = op.s[0].reg;
    c->addend = (uint8_t)d;
    w->cold_count++;
}

/* Address of an access as register + displacement: the add of a constant is folded into it. */
static unsigned access_address(Walk *w, uint32_t ea, int32_t *disp) {
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

void lower_ld(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
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

void lower_st(Walk *w, uint32_t i) {
    Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    int32_t disp;
    unsigned addend = ra_use(l, n->a, UINT32_MAX);
    unsigned ea = access_address(w, n->b, &disp);
    IrType type = walk_type(w, n->c);
    HostOperand v = ra_operand(l, n->c, ir_type_is_vec(type) ? "x" : "ri");
    unsigned tmp = n->aux & IR_MEM_BIG ? ra_alloc(l, false, UINT32_MAX) : RA_NO_REG;
    if (n->aux & (IR_MEM_ACQUIRE | IR_MEM_RELEASE | IR_MEM_BIG)) {
        flags_lose(w);
    }
    l->be->st(l->h, type, n->aux, v, addend, ea, disp, tmp);
}

void lower_aligned(Walk *w, const IrNode *n) {
    Lower *l = &w->l;
    if (w->cold_count == MAX_COLD) {
        l->failed = true;
        return;
    }
    flags_lose(w);
    HostOperand a = ra_operand(l, n->a, "r");
    l->be->test(l->h, IR_I32, a, (HostOperand){.kind = HOST_IMM, .imm = n->aux - 1});
    HostCold *c = &w->cold[w->cold_count++];
    c->stores = c->hint = 0;
    ra_pends(l, c);
    c->from[1] = c->from[2] = 0;
    c->from[0] = l->be->jump_if(l->h, l->be->flags_cc(IR_NE, HOST_FLAGS_ADD));
    c->insn_off = walk_insn_off(w);
    c->rest = walk_insns_left(w);
    c->desc = 0; /* leave: the interpreter raises it */
}

bool mem_add_is_address(const Walk *w, uint32_t i) {
    const Lower *l = &w->l;
    const IrNode *n = ra_node(l, i);
    uint64_t c;
    if (!ra_const(l, n->b, &c) || (int64_t)c != (int32_t)c || l->values[i].last_use - i > 24) {
        return false;
    }
    for (uint32_t k = i + 1; l->ir->regions && k <= l->values[i].last_use; k++) {
        const IrNode *m = ra_node(l, k);
        if (m->op == IR_skip_if || m->op == IR_end) {
            return false;
        }
    }
    return l->values[i].kin == l->values[i].uses;
}
