/* SPDX-License-Identifier: MIT */
/*
 * verify.c - proves that a block is well formed: types, definition before use, regions, restartability, addends, end.
 *
 * One pass from the front. Everything that passes may be run by the interpreter and compiled by a backend without
 * further tests.
 * Missing: whether an access lies inside the range of its check is a property of values and not looked at.
 */
#include <stdarg.h>
#include <string.h>

#include "ir/ir.h"

enum { REGION_DEPTH = 16 };

/* What the pass knows at one node. */
typedef struct Verifier {
    const IrBlock *b;
    GError **error;
    uint32_t id;                     /* the node under test */
    uint8_t *hidden;                 /* per node: in a region that has ended */
    uint32_t regions[REGION_DEPTH];  /* open skip_ifs */
    unsigned depth;
    uint32_t insn;                   /* the node that began this insn, or 0 */
    uint32_t written;                /* its first write, or 0 */
    uint32_t sync;                   /* the last call that ends the life of addends */
    uint32_t *pends;                 /* per slot: a pend that no set has hidden yet, or 0 */
    unsigned pend_count;
} Verifier;

static bool fail(Verifier *v, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(Verifier *v, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    unsigned op = v->b->nodes[v->id].op;
    g_set_error(v->error, ir_error_quark(), 1, "node %u (%s): %s", v->id, op < IR_OPS ? ir_ops[op].name : "?", what);
    return false;
}

static bool is_int(IrType t) {
    return t == IR_I32 || t == IR_I64;
}
static bool is_fp(IrType t) {
    return t == IR_F16 || t == IR_F32 || t == IR_F64;
}
static unsigned type_bytes(IrType t) {
    static const uint8_t bytes[IR_TYPES] = {
        [IR_I8] = 1, [IR_I16] = 2, [IR_I32] = 4, [IR_I64] = 8, [IR_F16] = 2, [IR_F32] = 4, [IR_F64] = 8, [IR_V128] = 16,
    };
    return bytes[t];
}

/* Does a value or result of type t fit a letter of ops.def? own: the node's type. */
static bool fits(char letter, IrType t, IrType own) {
    switch (letter) {
    case '-':
        return t == IR_VOID;
    case 'n':
        return is_int(t) && t == own;
    case 'm':
        return is_int(t);
    case 'd':
        return t == IR_I64;
    case 'w':
        return t == IR_I32;
    case 'F':
        return t == IR_FLAGS;
    case 'p':
        return is_fp(t) && t == own;
    case 'P':
        return is_fp(t);
    case 'V':
        return t == IR_V128;
    default:
        return is_int(t) || is_fp(t) || t == IR_V128 || t == IR_FLAGS;
    }
}

/* -- operands -- */

static bool check_value(Verifier *v, unsigned k, char letter) {
    const IrNode *n = &v->b->nodes[v->id];
    uint32_t id = n->arg[k];
    if (letter == 'A' && id == 0) {
        return true;
    }
    if (id == 0 || id >= v->id) {
        return fail(v, "operand %c is %%%u, which is not defined before it", 'a' + k, id);
    }
    if (v->hidden[id]) {
        return fail(v, "operand %c is %%%u, defined in a skipped region that has ended", 'a' + k, id);
    }
    const IrNode *o = &v->b->nodes[id];
    if (letter == 'A') {
        return o->op == IR_arg || o->op == IR_pair || fail(v, "operand %c must be an arg or a pair", 'a' + k);
    }
    if (!fits(letter, (IrType)o->type, (IrType)n->type)) {
        return fail(v, "operand %c (%%%u) is %s; the letter '%c' of ops.def does not allow that", 'a' + k, id,
                    ir_type_name((IrType)o->type), letter);
    }
    return true;
}

static bool check_operands(Verifier *v) {
    const IrNode *n = &v->b->nodes[v->id];
    const IrOpInfo *info = &ir_ops[n->op];
    if (!fits(info->result, (IrType)n->type, (IrType)n->type) && n->op != IR_call) {
        return fail(v, "type %s is not one the op can yield", ir_type_name((IrType)n->type));
    }
    for (unsigned k = 0; k < 3 && info->operands[k]; k++) {
        char letter = info->operands[k];
        if (letter == 's' && n->arg[k] >= v->b->slot_count) {
            return fail(v, "there is no slot %u", n->arg[k]);
        }
        if (letter == 'h' && n->arg[k] >= v->b->helper_count) {
            return fail(v, "there is no helper %u", n->arg[k]);
        }
        if (ir_operand_is_value((IrOp)n->op, k) && !check_value(v, k, letter)) {
            return false;
        }
    }
    const char *o = info->operands;
    if ((o[0] == 'm' || o[0] == 'P') && o[0] == o[1] && ir_type_of(v->b, n->a) != ir_type_of(v->b, n->b)) {
        return fail(v, "operands a and b differ in type");
    }
    unsigned width = ir_operand_is_value((IrOp)n->op, 0) ? ir_width_aux((IrOp)n->op, ir_type_of(v->b, n->a)) : 0;
    return (n->aux & width) == width || fail(v, "aux does not tell the width of operand a");
}

/* -- ops with rules of their own -- */

static bool check_slot_type(Verifier *v, uint32_t slot, IrType t) {
    IrType storage = (IrType)v->b->slots[slot].type;
    bool small = storage == IR_I8 || storage == IR_I16;
    if (t == storage || (t == IR_I32 && (small || storage == IR_I64))) {
        return !small || t == IR_I32 || fail(v, "values are never %s", ir_type_name(t));
    }
    return fail(v, "slot %s is %s, not %s", v->b->slots[slot].name, ir_type_name(storage), ir_type_name(t));
}

static bool check_call(Verifier *v, const IrNode *n) {
    const IrHelper *h = &v->b->helpers[n->a];
    IrType ret = h->ret == 'w' ? IR_I32 : h->ret == 'd' ? IR_I64 : IR_VOID;
    uint32_t chain = n->b;
    if (n->type != ret) {
        return fail(v, "%s returns %s", h->name, ir_type_name(ret));
    }
    for (const char *a = h->args; *a; a++) {
        IrType want = *a == 'w' ? IR_I32 : *a == 'd' ? IR_I64 : IR_V128;
        if (chain == 0 || v->b->nodes[chain].op != IR_arg) {
            return fail(v, "%s takes %u arguments", h->name, (unsigned)strlen(h->args));
        }
        IrType t = ir_type_of(v->b, v->b->nodes[chain].a);
        if (t != want) {
            return fail(v, "argument %u of %s is %s, not %s", (unsigned)(a - h->args) + 1, h->name, ir_type_name(want),
                        ir_type_name(t));
        }
        chain = v->b->nodes[chain].b;
    }
    return chain == 0 || fail(v, "%s takes %u arguments", h->name, (unsigned)strlen(h->args));
}

static bool check_field(Verifier *v, const IrNode *n, uint32_t imm) {
    unsigned pos = imm & 63, len = imm >> 8, width = 8 * type_bytes((IrType)n->type);
    return (len && pos + len <= width) || fail(v, "bits %u..%u are not all inside the type", pos, pos + len - 1);
}

/* The access of ld, st, ll, sc, cas, rmw: t is the type of the data. */
static bool check_access(Verifier *v, const IrNode *n, IrType t) {
    unsigned size = 1u << (n->aux & IR_MEM_SIZE), bytes = type_bytes(t);
    bool exact = is_fp(t) || n->op == IR_sc || n->op == IR_cas;
    if (size > 16 || size > bytes || (exact && is_fp(t) && size != bytes)) {
        return fail(v, "an access of %u bytes does not suit %s", size, ir_type_name(t));
    }
    if (v->b->nodes[n->a].op != IR_check) {
        return fail(v, "the addend %%%u does not come from a check", n->a);
    }
    return n->a > v->sync || fail(v, "the addend %%%u has died at the call %u", n->a, v->sync);
}

static bool check_cas(Verifier *v, const IrNode *n) {
    const IrNode *pair = &v->b->nodes[n->c];
    if (n->c == 0 || pair->op != IR_pair) {
        return fail(v, "operand c must be a pair");
    }
    if (ir_type_of(v->b, pair->a) != n->type || ir_type_of(v->b, pair->b) != n->type) {
        return fail(v, "both values of the pair must be %s", ir_type_name((IrType)n->type));
    }
    return check_access(v, n, (IrType)n->type);
}

static bool check_undone(Verifier *v, const IrNode *n) {
    if (v->written) {
        return fail(v, "it leaves in front of its insn after node %u has written", v->written);
    }
    return (v->insn && v->b->nodes[v->insn].a == n->b) || fail(v, "b is not the offset of its insn");
}

static bool check_special(Verifier *v) {
    const IrNode *n = &v->b->nodes[v->id];
    switch (n->op) {
    case IR_get:
        return check_slot_type(v, n->a, (IrType)n->type);
    case IR_set:
    case IR_pend:
        return check_slot_type(v, n->a, ir_type_of(v->b, n->b));
    case IR_call:
        return check_call(v, n);
    case IR_const:
        return n->type != IR_I32 || n->b == 0 || fail(v, "an i32 constant has high bits");
    case IR_ubfx:
    case IR_sbfx:
        return check_field(v, n, n->b);
    case IR_bfi:
        return check_field(v, n, n->c);
    case IR_extr:
        return n->c < 8 * type_bytes((IrType)n->type) || fail(v, "the shift is not smaller than the width");
    case IR_sxt:
    case IR_uxt:
        return n->aux == 8 || n->aux == 16 || n->aux == 32 || fail(v, "aux must be 8, 16 or 32");
    case IR_crc32:
        return (n->aux & 3) < 3 || ir_type_of(v->b, n->b) == IR_I64 || fail(v, "operand b has fewer than 8 bytes");
    case IR_csel:
        return (ir_type_of(v->b, n->b) == n->type && ir_type_of(v->b, n->c) == n->type) ||
               fail(v, "both values must be of the node's type");
    case IR_check:
        if (n->b != 0 && (!(n->b & 1) || n->aux & ~IR_CHECK_RW)) {
            return fail(v, "b is neither 0 nor that of a merged check");
        }
        return (n->c >= 1 && n->c <= 1u << IR_PAGE_BITS) || fail(v, "a check covers 1 to 4096 bytes");
    case IR_ld:
    case IR_ll:
        return check_access(v, n, (IrType)n->type);
    case IR_st:
    case IR_sc:
    case IR_rmw:
        return check_access(v, n, ir_type_of(v->b, n->c));
    case IR_cas:
        return check_cas(v, n);
    case IR_leave_if:
        return !(n->aux & IR_LEAVE_UNDONE) || check_undone(v, n);
    case IR_indirect:
        return (n->aux & ~(unsigned)IR_JUMP_SEXT) <= IR_RET || fail(v, "aux is no IrJumpKind");
    case IR_exit:
        return n->aux <= IR_EXIT_SYNC || fail(v, "aux is no IrExit");
    default:
        return true;
    }
}

/* -- order within insns and regions -- */

static bool may_fault(const IrBlock *b, const IrNode *n) {
    return n->op == IR_call ? (b->helpers[n->a].flags & IRH_FAULT) != 0 : (ir_ops[n->op].props & IR_FAULT) != 0;
}

/* A pend is hidden by a set of its slot before anything but a fault could see it. */
static bool check_pends(Verifier *v) {
    const IrNode *n = &v->b->nodes[v->id];
    if (n->op == IR_set || n->op == IR_pend) {
        v->pend_count += (n->op == IR_pend) - (v->pends[n->a] != 0);
        v->pends[n->a] = n->op == IR_pend ? v->id : 0;
        return true;
    }
    uint32_t seen = n->op == IR_get ? v->pends[n->a] : 0;
    for (uint32_t s = 0; v->pend_count && !seen && ir_shows_slots(v->b, n) && s < v->b->slot_count; s++) {
        seen = v->pends[s];
    }
    return !seen || fail(v, "it can see what pend %u has not written", seen);
}

static bool check_order(Verifier *v) {
    const IrNode *n = &v->b->nodes[v->id];
    bool faults = may_fault(v->b, n);
    if (faults && v->written) {
        return fail(v, "it may fault after node %u of the same insn has written", v->written);
    }
    if (!check_pends(v)) {
        return false;
    }
    switch (n->op) {
    case IR_insn:
        v->insn = v->id;
        v->written = 0;
        break;
    case IR_set:
    case IR_st:
    case IR_sc:
    case IR_cas:
    case IR_rmw:
        v->written = v->written ? v->written : v->id;
        break;
    case IR_call:
        if (v->b->helpers[n->a].flags & IRH_SYNC) {
            v->sync = v->id;
        }
        break;
    default:
        break;
    }
    return true;
}

static bool check_region(Verifier *v) {
    const IrNode *n = &v->b->nodes[v->id];
    if (n->op == IR_skip_if) {
        if (v->depth == REGION_DEPTH) {
            return fail(v, "more than %d regions are open", REGION_DEPTH);
        }
        v->regions[v->depth++] = v->id;
    } else if (n->op == IR_end) {
        if (v->depth == 0) {
            return fail(v, "no skip_if is open");
        }
        uint32_t start = v->regions[--v->depth];
        memset(v->hidden + start, 1, v->id - start);
    }
    if (n->op == IR_leave_if && v->depth) {
        return fail(v, "it stands in a region that may be skipped");
    }
    bool last = v->id == v->b->count - 1;
    bool terminator = (ir_ops[n->op].props & IR_TERM) != 0;
    if (last != terminator) {
        return fail(v, last ? "a block must end with a terminator" : "a terminator must be the last node");
    }
    return !last || v->depth == 0 || fail(v, "skip_if %u has no end", v->regions[v->depth - 1]);
}

bool ir_verify(const IrBlock *b, GError **error) {
    g_autofree uint8_t *hidden = g_new0(uint8_t, b->count);
    g_autofree uint32_t *pends = g_new0(uint32_t, b->slot_count + 1);
    Verifier v = {.b = b, .error = error, .hidden = hidden, .pends = pends};
    if (b->count < 2) {
        return fail(&v, "the block is empty");
    }
    for (v.id = 1; v.id < b->count; v.id++) {
        if (b->nodes[v.id].op >= IR_OPS || b->nodes[v.id].type >= IR_TYPES) {
            return fail(&v, "there is no such op or type");
        }
        if (!check_operands(&v) || !check_special(&v) || !check_order(&v) || !check_region(&v)) {
            return false;
        }
    }
    return true;
}
