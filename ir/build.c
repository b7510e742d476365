/* SPDX-License-Identifier: MIT */
/*
 * build.c - makes blocks: appends nodes, folds constants and identities, forwards guest state within a block.
 *
 * What a slot holds is known by the value last set or got; known[s] counts only while that was done in this generation,
 * so that forgetting everything is one store. Nothing here allocates but the growth of the node array.
 */
#include "ir/life.h"

#include <string.h>

enum { NODES_AT_FIRST = 1024, LOOK_BACK = 24 };

/* -- blocks -- */

static const uint8_t no_pins[IR_PINS_MAX] = {[0 ... IR_PINS_MAX - 1] = IR_NO_PIN};

IrBlock *ir_block_new(const IrSlot *slots, uint32_t slot_count, const IrHelper *helpers, uint32_t helper_count) {
    IrBlock *b = g_new0(IrBlock, 1);
    g_assert(slot_count <= IR_PINS_MAX);
    b->slots = slots;
    b->slot_count = slot_count;
    b->helpers = helpers;
    b->helper_count = helper_count;
    b->capacity = NODES_AT_FIRST;
    b->nodes = g_new(IrNode, b->capacity);
    b->uses = g_new(uint32_t, b->capacity);
    b->code = g_new(uint16_t, b->capacity);
    b->lives = g_new(IrLife, b->capacity);
    b->sets = g_new(uint16_t, b->capacity);
    b->pins = no_pins;
    b->known = g_new0(struct IrKnown, slot_count + 1);
    for (uint32_t s = 0; s < slot_count; s++) {
        b->known[s].keep = slots[s].type == IR_I8 || slots[s].type == IR_I16 ? 0 : UINT32_MAX;
    }
    b->optimize = true;
    ir_lives_fresh(b, 0, b->capacity);
    ir_block_reset(b);
    return b;
}

IrBlock *ir_block_copy(const IrBlock *from) {
    IrBlock *b = g_new0(IrBlock, 1);
    uint32_t *place = g_new0(uint32_t, from->count);
    b->slots = from->slots;
    b->slot_count = from->slot_count;
    b->helpers = from->helpers;
    b->helper_count = from->helper_count;
    b->insns = from->insns;
    b->fp_plain = from->fp_plain;
    b->count = 1;
    for (uint32_t i = 1; i < from->count; i++) {
        if (from->nodes[i].op != IR_nop) {
            place[i] = b->count++;
        }
    }
    b->capacity = b->count;
    b->nodes = g_new0(IrNode, b->capacity);
    for (uint32_t i = 1; i < from->count; i++) {
        if (place[i]) {
            IrNode *n = &b->nodes[place[i]];
            *n = from->nodes[i];
            for (unsigned k = 0; k < 3; k++) {
                n->arg[k] = ir_operand_is_value((IrOp)n->op, k) ? place[n->arg[k]] : n->arg[k];
            }
        }
    }
    g_free(place);
    return b;
}

void ir_block_free(IrBlock *b) {
    if (b) {
        g_free(b->nodes);
        g_free(b->uses);
        g_free(b->code);
        g_free(b->lives);
        g_free(b->sets);
        g_free(b->known);
        g_free(b);
    }
}

void ir_block_reset(IrBlock *b) {
    ir_lives_reset(b);
    b->count = 1;
    b->code_count = 0;
    ir_new_generation(b);
    ir_forget_spans(b);
    b->insns = b->checks = b->first_check = 0;
    b->fp_plain = false;
    b->nodes[0] = (IrNode){.op = IR_nop, .type = IR_VOID};
}

void ir_block_cut(IrBlock *b, uint32_t count) {
    for (uint32_t i = count; i < b->count; i++) {
        b->insns -= b->nodes[i].op == IR_insn;
        b->code_count -= !(ir_append_kinds[b->nodes[i].op] & IR_APPEND_NO_CODE);
    }
    ir_lives_fresh(b, 0, b->count);
    b->count = count;
    if (b->first_check >= count) {
        b->checks = b->first_check = 0;
    }
    ir_forget_spans(b);
    ir_new_generation(b);
    ir_lives_again(b);
}

void ir_grow(IrBlock *b) {
    b->capacity *= 2;
    b->nodes = g_renew(IrNode, b->nodes, b->capacity);
    b->uses = g_renew(uint32_t, b->uses, b->capacity);
    b->code = g_renew(uint16_t, b->code, b->capacity);
    b->lives = g_renew(IrLife, b->lives, b->capacity);
    b->sets = g_renew(uint16_t, b->sets, b->capacity);
    ir_lives_fresh(b, b->capacity / 2, b->capacity);
}

static void count_node(IrBlock *b, IrOp op) {
    if (op == IR_insn) {
        b->insns++;
        b->last_insn = (uint16_t)b->count;
    } else if (b->checks++ == 0) {
        b->first_check = b->count;
    }
}

static G_GNUC_NO_INLINE uint32_t grow_and_append(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c) {
    ir_grow(b);
    return ir_append_headed(b, head, a, b_, c);
}

/* All calls are tail calls, so that nothing need be kept for later. */
uint32_t ir_append_headed(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c) {
    uint32_t id = b->count;
    IrOp op = (IrOp)(head & 0xffff);
    unsigned kind = ir_append_kinds[op];
    if (G_UNLIKELY(id == b->capacity)) {
        return grow_and_append(b, head, a, b_, c);
    }
    b->code[b->code_count] = (uint16_t)id;
    b->code_count += !(kind & IR_APPEND_NO_CODE);
    if (G_UNLIKELY(kind & (IR_APPEND_COUNT | IR_APPEND_WIDE))) {
        if (kind & IR_APPEND_COUNT) {
            count_node(b, op);
        } else {
            head |= ir_width_aux(op, (IrType)(a < id ? b->nodes[a].type : IR_VOID)) << 24;
        }
    }
    b->nodes[id] = (IrNode){.op = (uint16_t)head, .type = (uint8_t)(head >> 16), .aux = (uint8_t)(head >> 24), {{a, b_, c}}};
    b->count = id + 1;
    return ir_note(b, op, id, a, b_, c);
}

static inline void note_address(IrBlock *b, uint32_t ea, uint32_t at) {
    ir_note_use(b, ea, at);
    b->lives[ea].kin += b->lives[ea].kin != UINT8_MAX;
}

static G_GNUC_NO_INLINE uint32_t grow_and_load(IrBlock *b, IrType type, unsigned aux, uint32_t addend, uint32_t ea) {
    ir_grow(b);
    return ir_load(b, type, aux, addend, ea);
}

uint32_t ir_load(IrBlock *b, IrType type, unsigned aux, uint32_t addend, uint32_t ea) {
    if (G_UNLIKELY(b->count == b->capacity)) {
        return grow_and_load(b, type, aux, addend, ea);
    }
    uint32_t id = ir_put_here(b, IR_ld, type, aux, addend, ea, 0);
    ir_note_use(b, addend, id);
    note_address(b, ea, id);
    return id;
}

static G_GNUC_NO_INLINE void grow_and_store(IrBlock *b, unsigned aux, uint32_t addend, uint32_t ea, uint32_t value) {
    ir_grow(b);
    ir_store(b, aux, addend, ea, value);
}

void ir_store(IrBlock *b, unsigned aux, uint32_t addend, uint32_t ea, uint32_t value) {
    if (G_UNLIKELY(b->count == b->capacity)) {
        grow_and_store(b, aux, addend, ea, value);
        return;
    }
    uint32_t id = ir_put_here(b, IR_st, IR_VOID, aux, addend, ea, value);
    ir_note_use(b, addend, id);
    note_address(b, ea, id);
    ir_note_use(b, value, id);
}

/* -- identities: each returns the id of a value that equals the op's result, or 0 -- */

/* A value operation as ir_emit was asked for it, and what is known of its operands. */
typedef struct Request {
    IrOp op;
    IrType type;
    unsigned aux;
    uint32_t a, b, c;
    uint64_t ka, kb; /* constants, when ca or cb says so; of an i32 zero-extended */
    bool ca, cb;
} Request;

static uint64_t type_mask(IrType type) {
    return type == IR_I32 ? UINT32_MAX : UINT64_MAX;
}
static unsigned type_bits(IrType type) {
    return type == IR_I32 ? 32 : 64;
}

static bool is_commutative(IrOp op) {
    return op == IR_add || op == IR_and || op == IR_or || op == IR_xor || op == IR_mul;
}

/* (x + k) + l and (x - k) + l as x + (k + l), and the same within and, or, xor. */
static uint32_t join_constants(IrBlock *b, const Request *r) {
    const IrNode *inner = &b->nodes[r->a];
    uint64_t k;
    if (inner->type != r->type || (inner->op != IR_add && inner->op != IR_sub && inner->op != r->op) ||
        !ir_is_const(b, inner->b, &k)) {
        return 0;
    }
    uint32_t x = inner->a;
    switch (r->op) {
    case IR_add:
    case IR_sub: {
        uint64_t sum = (inner->op == IR_add ? k : -k) + (r->op == IR_add ? r->kb : -r->kb);
        bool joins = inner->op == IR_add || inner->op == IR_sub;
        return joins ? ir_emit(b, IR_add, r->type, 0, x, ir_const(b, r->type, sum), 0) : 0;
    }
    case IR_and:
        return inner->op == IR_and ? ir_emit(b, IR_and, r->type, 0, x, ir_const(b, r->type, k & r->kb), 0) : 0;
    case IR_or:
        return inner->op == IR_or ? ir_emit(b, IR_or, r->type, 0, x, ir_const(b, r->type, k | r->kb), 0) : 0;
    case IR_xor:
        return inner->op == IR_xor ? ir_emit(b, IR_xor, r->type, 0, x, ir_const(b, r->type, k ^ r->kb), 0) : 0;
    default:
        return 0;
    }
}

/* The right operand is a constant. */
static uint32_t constant_right(IrBlock *b, const Request *r) {
    uint64_t all = type_mask(r->type), k = r->kb & all;
    switch (r->op) {
    case IR_add:
    case IR_sub:
    case IR_xor:
        return k == 0 ? r->a : join_constants(b, r);
    case IR_or:
        return k == 0 ? r->a : k == all ? r->b : join_constants(b, r);
    case IR_and:
        return k == all ? r->a : k == 0 ? r->b : join_constants(b, r);
    case IR_andn:
        return k == 0 ? r->a : 0;
    case IR_mul:
        return k == 1 ? r->a : k == 0 ? r->b : 0;
    case IR_shl:
    case IR_shr:
    case IR_sar:
    case IR_ror:
        return (k & (type_bits(r->type) - 1)) == 0 ? r->a : 0;
    default:
        return 0;
    }
}

/* Both operands are the same value. */
static uint32_t same_operands(IrBlock *b, const Request *r) {
    switch (r->op) {
    case IR_and:
    case IR_or:
        return r->a;
    case IR_sub:
    case IR_xor:
    case IR_andn:
        return ir_const(b, r->type, 0);
    default:
        return 0;
    }
}

/* How many low bits of an integer value can be nonzero; an upper bound. */
static unsigned live_bits(const IrBlock *b, uint32_t id) {
    const IrNode *n = &b->nodes[id];
    unsigned all = type_bits((IrType)n->type);
    switch (n->op) {
    case IR_uxt:
        return n->aux;
    case IR_ubfx:
        return n->b >> 8;
    case IR_zext:
        return 32;
    case IR_cset:
    case IR_setc:
    case IR_sc:
        return 1;
    case IR_ld:
        return n->aux & IR_MEM_SEXT || (n->aux & IR_MEM_SIZE) > 3 ? all : 8u << (n->aux & IR_MEM_SIZE);
    case IR_const: {
        uint64_t v = n->a | (uint64_t)n->b << 32;
        return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
    }
    default:
        return all;
    }
}

/* Extensions and fields that change nothing, and conversions of conversions. */
static uint32_t conversion(IrBlock *b, const Request *r) {
    const IrNode *inner = &b->nodes[r->a];
    unsigned bits = type_bits(r->type);
    switch (r->op) {
    case IR_trunc:
        return inner->op == IR_zext || inner->op == IR_sext ? inner->a : 0;
    case IR_uxt:
        return r->aux >= bits || live_bits(b, r->a) <= r->aux ? r->a : 0;
    case IR_sxt:
        return r->aux >= bits || live_bits(b, r->a) < r->aux ? r->a : 0;
    case IR_ubfx:
        return (r->b & 63) == 0 && (r->b >> 8 >= bits || live_bits(b, r->a) <= r->b >> 8) ? r->a : 0;
    case IR_sbfx:
        return (r->b & 63) == 0 && (r->b >> 8 >= bits || live_bits(b, r->a) < r->b >> 8) ? r->a : 0;
    case IR_neg:
    case IR_not:
        return inner->op == r->op && inner->type == r->type ? inner->a : 0;
    case IR_clz:
        return inner->op == IR_rbit && inner->type == r->type ? ir_emit(b, IR_ctz, r->type, 0, inner->a, 0, 0) : 0;
    case IR_vlow:
        return inner->op == IR_vzext && b->nodes[inner->a].type == r->type ? inner->a : 0;
    case IR_fl_nzcv:
        return inner->op == IR_nzcv_of ? inner->a : 0;
    default:
        return 0;
    }
}

/* Runs an op whose operands are all integer constants and whose result is an integer. Returns its constant or 0. */
static uint32_t fold(IrBlock *b, const Request *r) {
    const IrOpInfo *info = &ir_ops[r->op];
    if (!r->ca || !(info->props & IR_PURE) || (r->type != IR_I32 && r->type != IR_I64)) {
        return 0;
    }
    uint32_t arg[3] = {r->a, r->b, r->c};
    IrVal v[3], d;
    uint64_t imm = 0;
    for (int k = 0; k < 3 && info->operands[k]; k++) {
        if (info->operands[k] == 'i') {
            imm = (uint64_t)arg[k] << 32;
        } else if (!ir_is_const(b, arg[k], &v[k].u64)) {
            return 0;
        }
    }
    unsigned aux = r->aux | ir_width_aux(r->op, ir_type_of(b, r->a));
    info->interp(NULL, &d, &v[0], &v[1], &v[2], (uint64_t)r->type | (uint64_t)aux << 8 | imm);
    return ir_const(b, r->type, d.u64);
}

/* The id of an existing or simpler value, or 0 when the op, whose first operand is a value, has to be appended. */
static uint32_t simplify(IrBlock *b, Request *r) {
    const IrOpInfo *info = &ir_ops[r->op];
    bool binary = ir_operand_is_value(r->op, 1);
    r->ca = ir_is_const(b, r->a, &r->ka);
    r->cb = binary && ir_is_const(b, r->b, &r->kb);
    if (r->ca && !r->cb && is_commutative(r->op)) {
        uint32_t t = r->a;
        r->a = r->b;
        r->b = t;
        r->kb = r->ka;
        r->ca = false;
        r->cb = true;
    }
    if (r->ca) {
        uint32_t id = fold(b, r);
        if (id) {
            return id;
        }
    }
    if (!binary || info->operands[1] == 'i') {
        return conversion(b, r);
    }
    if (r->op == IR_csel || r->op == IR_fl_sel) {
        return r->b == r->c ? r->b : (r->aux & 15) >= IR_AL ? r->b : 0;
    }
    if (r->cb) {
        return constant_right(b, r);
    }
    if (r->a == r->b && !ir_ops[r->op].operands[2]) {
        return same_operands(b, r);
    }
    return 0;
}

static G_GNUC_NO_INLINE uint32_t emit_simplified(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c) {
    Request r = {.op = (IrOp)(head & 0xffff), .type = (IrType)(head >> 16 & 0xff), .aux = head >> 24, .a = a, .b = b_, .c = c};
    uint32_t id = simplify(b, &r);
    return id ? id : ir_append_headed(b, head, r.a, r.b, c);
}

uint32_t ir_emit_headed(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c) {
    const IrOpInfo *info = &ir_ops[head & 0xffff];
    if (!(info->props & IR_PURE) || !(info->values & 1) || !b->optimize) {
        return ir_append_headed(b, head, a, b_, c);
    }
    uint32_t second = info->values & 2 ? b_ : a;
    bool special = (ir_append_kinds[head & 0xffff] & IR_APPEND_LOOKS) | (a == b_) | (b->nodes[a].op == IR_const) |
                   (b->nodes[second].op == IR_const);
    return special ? emit_simplified(b, head, a, b_, c) : ir_append_headed(b, head, a, b_, c);
}

static G_GNUC_NO_INLINE uint32_t emit_sum(IrBlock *b, uint32_t a, int64_t k) {
    return ir_emit(b, IR_add, IR_I64, 0, a, ir_const(b, IR_I64, (uint64_t)k), 0);
}

uint32_t ir_add_const(IrBlock *b, uint32_t a, int64_t k) {
    const IrNode *n = &b->nodes[a];
    uint64_t inner;
    if (k == 0) {
        return a;
    }
    if (G_UNLIKELY(n->op == IR_const || !b->optimize || b->count + 2 > b->capacity)) {
        return emit_sum(b, a, k);
    }
    if ((n->op == IR_add || n->op == IR_sub) && ir_is_const(b, n->b, &inner)) {
        k += (int64_t)(n->op == IR_add ? inner : -inner);
        a = n->a;
        if (k == 0) {
            return a;
        }
    }
    uint32_t by = ir_put_here(b, IR_const, IR_I64, 0, (uint32_t)k, (uint32_t)((uint64_t)k >> 32), 0);
    uint32_t id = ir_put_here(b, IR_add, IR_I64, 0, a, by, 0);
    ir_note_use(b, a, id);
    ir_note_use(b, by, id);
    return id;
}

uint32_t ir_emit_once(IrBlock *b, IrOp op, IrType type, uint32_t a, uint32_t b_) {
    uint64_t k = 0, l;
    bool constant = b->optimize && ir_operand_is_value(op, 1) && ir_is_const(b, b_, &k);
    uint32_t first = MAX(b->gen_start, b->count > LOOK_BACK ? b->count - LOOK_BACK : 1);
    for (uint32_t i = b->count - 1; b->optimize && i >= first; i--) {
        const IrNode *n = &b->nodes[i];
        if (n->op == op && n->type == type && n->a == a && (n->b == b_ || (constant && ir_is_const(b, n->b, &l) && k == l))) {
            return i;
        }
    }
    return ir_emit(b, op, type, 0, a, b_, 0);
}

/* -- guest state -- */

/* A get of the low half of a slot tells nothing of the high half. */
static bool is_partial(const IrBlock *b, uint32_t slot, uint32_t value) {
    const IrNode *n = &b->nodes[value];
    return n->op == IR_get && n->a == slot && n->type == IR_I32 && b->slots[slot].type == IR_I64;
}

static inline uint32_t append_get(IrBlock *b, uint32_t slot, IrType type) {
    uint32_t v = ir_put_here(b, IR_get, type, 0, slot, 0, 0);
    ir_note_get(b, slot, v);
    return v;
}

static G_GNUC_NO_INLINE uint32_t grow_and_get(IrBlock *b, uint32_t slot, IrType type) {
    ir_grow(b);
    return append_get(b, slot, type);
}

/* Where all else is a tail call nothing need be kept for later. */
static inline uint32_t get_anew(IrBlock *b, uint32_t slot, IrType type) {
    return G_UNLIKELY(b->count == b->capacity) ? grow_and_get(b, slot, type) : append_get(b, slot, type);
}

/* ir_get where another type is known to be in the slot, or only half of it. */
static G_GNUC_NO_INLINE uint32_t get_converted(IrBlock *b, uint32_t slot, IrType type) {
    struct IrKnown *k = &b->known[slot];
    IrType known = ir_type_of(b, k->value);
    if (known == IR_I64 && type == IR_I32) {
        return ir_emit(b, IR_trunc, IR_I32, 0, k->value, 0, 0);
    }
    if (known == IR_I32 && type == IR_I64 && !is_partial(b, slot, k->value)) {
        return k->value = ir_emit(b, IR_zext, IR_I64, 0, k->value, 0, 0);
    }
    return get_anew(b, slot, type);
}

/* ir_get in a later round: what is known from earlier ones is noted, but not used. */
static G_GNUC_NO_INLINE uint32_t get_in_round(IrBlock *b, uint32_t slot, IrType type) {
    const struct IrKnown *k = &b->known[slot];
    uint32_t known = ir_known_at(b, k->touched) >= (int32_t)b->held ? k->value : 0, v = get_anew(b, slot, type);
    int64_t distance;
    if (known && type == IR_I64 && ir_type_of(b, known) == IR_I64) {
        uint32_t root = ir_root(b, known, &distance);
        if (distance == (int32_t)distance) {
            b->nodes[v].b = root;
            b->nodes[v].c = (uint32_t)distance;
        }
    }
    return v;
}

uint32_t ir_get(IrBlock *b, uint32_t slot, IrType type) {
    const struct IrKnown *k = &b->known[slot];
    if (ir_known_at(b, k->touched) < (int32_t)b->gen_start || !b->optimize) {
        return G_LIKELY(b->held == b->gen_start) ? get_anew(b, slot, type) : get_in_round(b, slot, type);
    }
    return ir_type_of(b, k->value) == type ? k->value : get_converted(b, slot, type);
}

/* Does the slot hold the value already? */
static bool is_held(const IrBlock *b, uint32_t slot, uint32_t value) {
    const struct IrKnown *k = &b->known[slot];
    return k->value == value && ir_known_at(b, k->touched) >= (int32_t)b->gen_start &&
           ir_type_of(b, value) == (IrType)b->slots[slot].type && b->optimize;
}

static G_GNUC_NO_INLINE void grow_and_set(IrBlock *b, uint32_t slot, uint32_t value) {
    ir_grow(b);
    ir_set(b, slot, value);
}

void ir_set(IrBlock *b, uint32_t slot, uint32_t value) {
    if (G_UNLIKELY(b->count == b->capacity)) {
        grow_and_set(b, slot, value); /* a tail call, as above */
    } else if (!is_held(b, slot, value)) {
        ir_note_set(b, slot, value, ir_put_here(b, IR_set, IR_VOID, 0, slot, value, 0));
    }
}

/* -- structure -- */

uint32_t ir_call(IrBlock *b, uint32_t helper, unsigned n, const uint32_t *args) {
    const IrHelper *h = &b->helpers[helper];
    uint32_t chain = 0;
    for (unsigned i = n; i-- > 0;) {
        chain = ir_append(b, IR_arg, IR_VOID, 0, args[i], chain, 0);
    }
    IrType type = h->ret == 'w' ? IR_I32 : h->ret == 'd' ? IR_I64 : IR_VOID;
    uint32_t id = ir_append(b, IR_call, type, 0, helper, chain, 0);
    if (h->flags & (IRH_WRITES | IRH_FAULT)) {
        ir_new_generation(b);
    }
    if (h->flags != IRH_PURE) {
        ir_forget_spans(b);
    }
    return id;
}

void ir_skip_if(IrBlock *b, IrCond cond, uint32_t flags) {
    ir_append(b, IR_skip_if, IR_VOID, cond, flags, 0, 0);
    ir_new_generation(b);
    ir_forget_spans(b);
}

void ir_end_skip(IrBlock *b) {
    ir_append(b, IR_end, IR_VOID, 0, 0, 0, 0);
    ir_new_generation(b);
    ir_forget_spans(b);
}
