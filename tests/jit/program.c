/* SPDX-License-Identifier: MIT */
/*
 * program.c - see program.h.
 */
#include "tests/jit/program.h"

static uint32_t below(Random *r, uint32_t n) {
    r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((r->state >> 33) % n);
}
static bool one_in(Random *r, uint32_t n) {
    return below(r, n) == 0;
}

static uint64_t any_bits(Random *r) {
    uint64_t high = below(r, 1u << 31), middle = below(r, 1u << 31);
    return high << 33 ^ middle << 10 ^ below(r, 1024);
}

static uint64_t any_value(Random *r) {
    static const uint64_t corners[] = {
        0, 1, 2, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
        INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1, 0x3ff0000000000000, 0xbff0000000000000,
        0x7ff0000000000000, 0x7ff8000000000001, 0x3f800000, 0x7f800000, 0x7fa00000, 0x3c00, 0x4030000000000000,
    };
    return below(r, 3) ? corners[below(r, G_N_ELEMENTS(corners))] : any_bits(r);
}

/* -- what a program has at hand -- */

enum { POOL = 512, KINDS = 7 };

/* Values made so far, by type. */
typedef struct Maker {
    IrBlock *b;
    Random r;
    uint32_t ids[KINDS][POOL];
    unsigned count[KINDS];
    int32_t off;
    uint32_t base; /* slot that the last access was off: often the next one's too */
} Maker;

static unsigned kind_of(IrType t) {
    static const uint8_t kinds[IR_TYPES] = {[IR_I32] = 0, [IR_I64] = 1, [IR_FLAGS] = 2, [IR_V128] = 3,
                                            [IR_F16] = 4, [IR_F32] = 5, [IR_F64] = 6};
    return kinds[t];
}

static uint32_t add(Maker *m, uint32_t id) {
    unsigned k = kind_of(ir_type_of(m->b, id));
    if (m->count[k] < POOL) {
        m->ids[k][m->count[k]++] = id;
    } else {
        m->ids[k][below(&m->r, POOL)] = id;
    }
    return id;
}

/* A recent value as often as any. */
static uint32_t pick(Maker *m, IrType t) {
    unsigned k = kind_of(t), n = m->count[k], last = MIN(n, 4);
    return m->ids[k][below(&m->r, 2) ? n - 1 - below(&m->r, last) : below(&m->r, n)];
}

static IrType one_of(Random *r, const char *letters) {
    switch (letters[below(r, (uint32_t)strlen(letters))]) {
    case 'w': return IR_I32;
    case 'd': return IR_I64;
    case 'F': return IR_FLAGS;
    case 'V': return IR_V128;
    case 'h': return IR_F16;
    case 's': return IR_F32;
    default: return IR_F64;
    }
}

/* -- value ops -- */

/* Extra bits of aux that vector ops may have, and the lanes (bit k: 2^k bytes) they are defined for. */
typedef struct VecRule {
    IrOp op;
    uint8_t lanes, bits;
} VecRule;

static const VecRule vec_rules[] = {
    {IR_vmul, 7, 0}, {IR_vabd, 7, 4}, {IR_vhadd, 7, 12}, {IR_vhsub, 7, 4}, {IR_vrshr, 15, 4}, {IR_vshlr, 15, 12}, {IR_vshm, 15, 36},
    {IR_vqadd, 15, 4}, {IR_vqsub, 15, 4}, {IR_vqaddx, 15, 4}, {IR_vqshl, 15, 44}, {IR_vqdmulh, 6, 8},
    {IR_vqrdmla, 6, 32}, {IR_vqdmull, 6, 16}, {IR_vqnarrow, 7, 36}, {IR_vwiden, 7, 20}, {IR_vnarrow, 7, 0},
    {IR_vmull, 7, 20}, {IR_vaddlp, 7, 4}, {IR_vaddv, 7, 0}, {IR_vmaxv, 7, 36}, {IR_vdot, 4, 4}, {IR_vclz, 7, 0},
    {IR_vcls, 7, 0}, {IR_vcnt, 1, 0}, {IR_vrbit, 1, 0}, {IR_vget, 15, 4}, {IR_vpmul, 1, 0}, {IR_vpmull, 9, 16},
    {IR_vaes, 1, 32}, {IR_vaesmc, 1, 32}, {IR_vsha1, 7, 0}, {IR_vsha2, 1, 32}, {IR_vtbl, 1, 48}, {IR_vtbx, 1, 48},
    {IR_vrev, 7, 0}, {IR_vfcvtl, 6, 4}, {IR_vfcvtn, 12, 0}, {IR_vurecpe, 4, 0}, {IR_vursqrte, 4, 0},
    {IR_vand, 1, 0}, {IR_vor, 1, 0}, {IR_vxor, 1, 0}, {IR_vandn, 1, 0}, {IR_vorn, 1, 0}, {IR_vnot, 1, 0},
    {IR_vbsl, 1, 0},
    {IR_vlow64, 1, 0}, {IR_vext, 1, 0},
};

static unsigned vec_aux(Maker *m, IrOp op) {
    bool fp = op >= IR_vfadd && op <= IR_vfmaxnmv;
    VecRule rule = {op, fp ? 14 : 15, fp && op < IR_vfminv ? 0xc0 : 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(vec_rules); i++) {
        rule = vec_rules[i].op == op ? vec_rules[i] : rule;
    }
    unsigned lane;
    do {
        lane = below(&m->r, 4);
    } while (!(rule.lanes >> lane & 1));
    unsigned aux = lane | (below(&m->r, 256) & rule.bits);
    if (op == IR_vfmla) {
        aux |= below(&m->r, 8) << 2;
    } else if (op == IR_vfrint || op == IR_vf2i) {
        aux |= (one_in(&m->r, 3) ? 7 : below(&m->r, 5)) << 2 | below(&m->r, 2) << 5;
    } else if (op == IR_vi2f) {
        aux |= below(&m->r, 2) << 5;
    }
    return aux;
}

static uint32_t vec_imm(Maker *m, IrOp op, unsigned aux) {
    unsigned lane = aux & 3, width = 8u << lane, lanes = 16u >> lane;
    switch (op) {
    case IR_vshl: case IR_vshr: case IR_vsar: case IR_vsli: case IR_vsri: return below(&m->r, width + 1);
    case IR_vrshr: return 1 + below(&m->r, width);
    case IR_vrev: return lane + 1 + below(&m->r, 3 - lane);
    case IR_vdupl: case IR_vget: case IR_vput: return below(&m->r, lanes);
    case IR_vins: return below(&m->r, lanes) | below(&m->r, lanes) << 4;
    case IR_vext: return below(&m->r, 16);
    default: return below(&m->r, 20); /* fraction bits */
    }
}

static unsigned scalar_aux(Maker *m, IrOp op, IrType type) {
    switch (op) {
    case IR_sxt: case IR_uxt: return 8u << below(&m->r, type == IR_I64 ? 3 : 2);
    case IR_crc32: return below(&m->r, 8);
    case IR_cset: case IR_setc: return below(&m->r, 14);
    case IR_csel: case IR_fl_sel: return below(&m->r, 15);
    case IR_fl_fcmp: return below(&m->r, 2);
    case IR_fmuladd: case IR_fsmuladd: return below(&m->r, 8);
    case IR_frint: return (one_in(&m->r, 3) ? 7 : below(&m->r, 5)) | below(&m->r, 2) << 3;
    case IR_f2i: return (one_in(&m->r, 3) ? 7 : below(&m->r, 5)) | below(&m->r, 2) << 3;
    case IR_i2f: return below(&m->r, 2);
    default: return 0;
    }
}

static uint32_t scalar_imm(Maker *m, IrOp op, IrType type) {
    unsigned width = type == IR_I32 ? 32 : 64, pos = below(&m->r, width);
    switch (op) {
    case IR_extr: return pos;
    case IR_ubfx: case IR_sbfx: case IR_bfi: return pos | (1 + below(&m->r, width - pos)) << 8;
    case IR_pcrel: return below(&m->r, 1u << 31) - (1u << 30);
    default: return below(&m->r, 33);
    }
}

static IrType fp_type(Maker *m) {
    return (IrType)(IR_F16 + below(&m->r, 3));
}

static IrType result_type(Maker *m, char letter) {
    switch (letter) {
    case 'n': return one_of(&m->r, "wd");
    case 'p': return fp_type(m);
    case '*': return one_of(&m->r, "wdV");
    default: return one_of(&m->r, (char[]){letter, 0});
    }
}

/* The type of operand k; all m, and all P, of an op are of one type, as are the two values of csel. */
static IrType operand_type(Maker *m, char letter, IrType type, IrType m_type, IrType p_type) {
    switch (letter) {
    case 'n': case 'p': case '*': return type;
    case 'm': return m_type;
    case 'P': return p_type;
    default: return one_of(&m->r, (char[]){letter, 0});
    }
}

static void value_op(Maker *m, IrOp op) {
    const IrOpInfo *info = &ir_ops[op];
    IrType type = result_type(m, info->result);
    IrType m_type = one_of(&m->r, "wd"), p_type = fp_type(m);
    bool vec = info->result == 'V' || info->operands[0] == 'V';
    unsigned aux = vec && op != IR_vlow && op != IR_vpair && op != IR_vzext ? vec_aux(m, op) : scalar_aux(m, op, type);
    uint32_t arg[3] = {0};
    if (op == IR_fcvt) {
        while (p_type == type) {
            p_type = fp_type(m);
        }
        aux = p_type == IR_F64 && type == IR_F32 ? below(&m->r, 2) : 0;
    } else if (op == IR_fbits && p_type == IR_F64) {
        type = IR_I64;
    } else if (op == IR_fswiden || op == IR_fsnarrow) {
        type = op == IR_fswiden ? IR_F64 : type;
        p_type = IR_F64;
    } else if (op == IR_bitsf && type == IR_F64) {
        m_type = IR_I64;
    } else if (op == IR_crc32 && (aux & 3) == 3) {
        m_type = IR_I64;
    } else if (op == IR_vdup || op == IR_vput) {
        m_type = (aux & 3) == 3 ? IR_I64 : m_type;
    } else if (op == IR_vget && (aux & 3) == 3) {
        type = IR_I64;
    }
    for (unsigned k = 0; k < 3 && info->operands[k]; k++) {
        if (info->operands[k] == 'i') {
            arg[k] = vec ? vec_imm(m, op, aux) : scalar_imm(m, op, type);
        } else {
            arg[k] = pick(m, operand_type(m, info->operands[k], type, m_type, p_type));
        }
    }
    add(m, ir_emit(m->b, op, type, aux, arg[0], arg[1], arg[2]));
}

static void any_value_op(Maker *m) {
    static const IrOp hot[] = {
        IR_add, IR_sub, IR_and, IR_or, IR_xor, IR_shl, IR_shr, IR_sar, IR_ror, IR_adc, IR_sbc, IR_cset, IR_csel,
        IR_setc, IR_fl_add, IR_fl_sub, IR_fl_adc, IR_fl_sbc, IR_fl_logic, IR_fl_sel, IR_trunc, IR_zext, IR_ubfx, IR_bfi,
        IR_mul, IR_udiv, IR_sdiv, IR_umulh,
    };
    IrOp op;
    do {
        op = one_in(&m->r, 4) ? hot[below(&m->r, G_N_ELEMENTS(hot))] : (IrOp)below(&m->r, IR_OPS);
    } while (!(ir_ops[op].props & (IR_PURE | IR_FP)) || op == IR_const);
    value_op(m, op);
}

/* An arithmetic op and the flags of the same operands, in either order. */
static void flags_pair(Maker *m) {
    static const IrOp pairs[][2] = {{IR_add, IR_fl_add}, {IR_sub, IR_fl_sub}, {IR_adc, IR_fl_adc}, {IR_sbc, IR_fl_sbc}};
    unsigned k = below(&m->r, 5), first = below(&m->r, 2);
    IrType t = one_of(&m->r, "wd");
    uint32_t x = pick(m, t), y = pick(m, t), f = pick(m, IR_FLAGS);
    if (k == 4) {
        static const IrOp logic[] = {IR_and, IR_or, IR_xor, IR_andn};
        add(m, ir_emit(m->b, IR_fl_logic, IR_FLAGS, 0, ir_emit(m->b, logic[below(&m->r, 4)], t, 0, x, y, 0), 0, 0));
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        IrOp op = pairs[k][i ^ first];
        add(m, ir_emit(m->b, op, i ^ first ? IR_FLAGS : t, 0, x, y, k >= 2 ? f : 0));
    }
}

static void constant(Maker *m) {
    if (one_in(&m->r, 2)) {
        add(m, ir_const(m->b, IR_I32, (uint32_t)any_value(&m->r)));
    } else {
        add(m, ir_const(m->b, IR_I64, any_value(&m->r)));
    }
}

/* -- slots -- */

static const char *const slot_letters[IR_TYPES] = {[IR_I8] = "w", [IR_I16] = "w", [IR_I32] = "w", [IR_I64] = "wdd",
                                                   [IR_V128] = "V", [IR_FLAGS] = "F"};

static void get(Maker *m) {
    uint32_t slot = below(&m->r, GUEST_SLOTS);
    IrType t = one_of(&m->r, slot_letters[guest_slots[slot].type]);
    add(m, ir_get(m->b, slot, t));
}

/* Slots from 10 to 13 hold addresses, and 9 an index: they are set to sums of themselves alone. */
static void set(Maker *m) {
    uint32_t slot = below(&m->r, GUEST_SLOTS);
    IrType t = one_of(&m->r, slot_letters[guest_slots[slot].type]);
    if (slot == 0 || (slot >= 9 && slot < S_X_END)) {
        uint32_t c = ir_const(m->b, IR_I64, below(&m->r, 32));
        ir_set(m->b, slot, add(m, ir_emit(m->b, IR_add, IR_I64, 0, ir_get(m->b, slot, IR_I64), c, 0)));
    } else {
        ir_set(m->b, slot, pick(m, t));
    }
}

/* -- memory -- */

/* An access that has been checked: `parts` of 2^size bytes each from ea on. */
typedef struct Access {
    uint32_t addend, ea;
    unsigned size, parts, aux, mode; /* mode: IR_CHECK_R, _W or _RW; of _RW: one part */
} Access;

static uint32_t address(Maker *m) {
    static const uint8_t slots[] = {0, 10, 11, 12, 13};
    m->base = one_in(&m->r, 2) ? slots[below(&m->r, 5)] : m->base;
    uint32_t base = ir_get(m->b, m->base, IR_I64);
    if (one_in(&m->r, 6)) {
        uint32_t shift = ir_const(m->b, IR_I64, below(&m->r, 4)), index = ir_get(m->b, 9, IR_I64);
        base = ir_emit(m->b, IR_add, IR_I64, 0, base, ir_emit(m->b, IR_shl, IR_I64, 0, index, shift, 0), 0);
    }
    if (one_in(&m->r, 2)) {
        return base;
    }
    uint32_t by = ir_const(m->b, IR_I64, (uint64_t)below(&m->r, 64) - 32);
    return ir_emit(m->b, IR_add, IR_I64, 0, base, by, 0);
}

static Access check(Maker *m) {
    static const uint8_t modes[] = {IR_CHECK_R, IR_CHECK_W, IR_CHECK_RW};
    Access a = {.size = below(&m->r, 5), .mode = modes[below(&m->r, G_N_ELEMENTS(modes))]};
    a.size = a.mode == IR_CHECK_RW && one_in(&m->r, 3) ? 4 : a.size;
    a.parts = a.mode == IR_CHECK_RW || one_in(&m->r, 2) ? 1 : 1 + below(&m->r, 4);
    a.ea = address(m);
    if (a.mode == IR_CHECK_RW && a.size == 4 && !one_in(&m->r, 4)) {
        a.ea = ir_emit(m->b, IR_and, IR_I64, 0, a.ea, ir_const(m->b, IR_I64, ~UINT64_C(15)), 0);
    }
    unsigned aux = a.mode | (one_in(&m->r, 8) ? IR_CHECK_UNPRIV : 0);
    unsigned align = a.mode == IR_CHECK_RW && a.size == 4 ? 4 : one_in(&m->r, 8) ? below(&m->r, 4) : 0;
    aux |= align << IR_CHECK_ALIGN_SHIFT | (one_in(&m->r, 8) ? IR_CHECK_ORDERED : 0);
    a.addend = ir_check(m->b, aux, a.ea, a.parts << a.size);
    a.aux = a.size | (one_in(&m->r, 6) && a.size < 4 ? IR_MEM_BIG : 0);
    return a;
}

static uint32_t part_address(Maker *m, const Access *a, unsigned part) {
    uint32_t by = ir_const(m->b, IR_I64, (uint64_t)part << a->size);
    return part ? ir_emit(m->b, IR_add, IR_I64, 0, a->ea, by, 0) : a->ea;
}

/* A type that `size` suits; scalars of floating point want exactly theirs. */
static IrType data_type(Maker *m, unsigned size, bool fp) {
    static const char *const letters[] = {"wd", "wd", "wds", "ddD", "V"};
    static const char *const plain[] = {"wd", "wd", "wd", "d", "V"};
    const char *set_of = fp ? letters[size] : plain[size];
    char c = set_of[below(&m->r, (uint32_t)strlen(set_of))];
    return c == 'D' ? IR_F64 : one_of(&m->r, (char[]){c, 0});
}

static void loads(Maker *m, const Access *a) {
    for (unsigned i = 0; i < a->parts; i++) {
        IrType t = data_type(m, a->size, !(a->aux & IR_MEM_BIG));
        bool is_int = t == IR_I32 || t == IR_I64;
        unsigned aux = a->aux;
        aux |= is_int && (8u << a->size) < (t == IR_I32 ? 32u : 64u) && one_in(&m->r, 2) ? IR_MEM_SEXT : 0;
        aux |= one_in(&m->r, 8) ? IR_MEM_ACQUIRE : 0;
        add(m, ir_emit(m->b, IR_ld, t, aux, a->addend, part_address(m, a, i), 0));
        if (one_in(&m->r, 4)) {
            any_value_op(m);
        }
    }
}

static void stores(Maker *m, const Access *a) {
    for (unsigned i = 0; i < a->parts; i++) {
        uint32_t ea = part_address(m, a, i);
        uint32_t v = pick(m, data_type(m, a->size, !(a->aux & IR_MEM_BIG)));
        unsigned aux = a->aux | (one_in(&m->r, 8) ? IR_MEM_RELEASE : 0);
        ir_append(m->b, IR_st, IR_VOID, aux, a->addend, ea, v);
    }
}

static void atomic(Maker *m, const Access *a) {
    IrType t = data_type(m, a->size, false);
    uint32_t pair;
    static const uint8_t wide[] = {0, 0, 1, 1, 2, 5};
    static const uint8_t narrow[] = {0, 1, 2, 3, 3, 3, 4, 5};
    switch (a->size == 4 ? wide[below(&m->r, G_N_ELEMENTS(wide))] : narrow[below(&m->r, G_N_ELEMENTS(narrow))]) {
    case 0:
        add(m, ir_emit(m->b, IR_ll, t, a->aux, a->addend, a->ea, 0));
        break;
    case 1:
        add(m, ir_emit(m->b, IR_sc, IR_I32, a->aux, a->addend, a->ea, pick(m, t)));
        break;
    case 2:
        pair = one_in(&m->r, 2) ? pick(m, t) : add(m, ir_emit(m->b, IR_ld, t, a->aux, a->addend, a->ea, 0));
        pair = ir_append(m->b, IR_pair, IR_VOID, 0, pair, pick(m, t), 0);
        add(m, ir_emit(m->b, IR_cas, t, a->aux, a->addend, a->ea, pair));
        break;
    case 3:
        if (a->size < 4) {
            unsigned aux = a->size | below(&m->r, 9) << 3;
            add(m, ir_emit(m->b, IR_rmw, t, aux, a->addend, a->ea, pick(m, t)));
        }
        break;
    case 4: /* a load and a store by one check */
        add(m, ir_emit(m->b, IR_ld, t, a->aux, a->addend, a->ea, 0));
        ir_append(m->b, IR_st, IR_VOID, a->aux, a->addend, a->ea, pick(m, t));
        break;
    default: /* load-linked and store-conditional together */
        add(m, ir_emit(m->b, IR_ll, t, a->aux, a->addend, a->ea, 0));
        add(m, ir_emit(m->b, IR_sc, IR_I32, a->aux, a->addend, a->ea, pick(m, t)));
        break;
    }
}

/* -- calls -- */

static void call(Maker *m, unsigned helper) {
    const IrHelper *h = &guest_helpers[helper];
    uint32_t args[5];
    unsigned n = 0;
    for (const char *a = h->args; *a; a++) {
        args[n++] = pick(m, one_of(&m->r, (char[]){*a, 0}));
    }
    uint32_t id = ir_call(m->b, helper, n, args);
    if (h->ret != '-') {
        add(m, id);
    }
}

/* -- insns -- */

static void work(Maker *m, unsigned n) {
    static const uint8_t calls[] = {H_MIX, H_FOLD, H_PEEK, H_WHERE, H_NOTHING};
    for (unsigned i = 0; i < n; i++) {
        switch (below(&m->r, 12)) {
        case 0: constant(m); break;
        case 1: case 2: get(m); break;
        case 3: case 4: flags_pair(m); break;
        case 5:
            if (one_in(&m->r, 3)) {
                call(m, calls[below(&m->r, G_N_ELEMENTS(calls))]);
            }
            break;
        default: any_value_op(m); break;
        }
    }
}

/* What may fault without touching memory. */
static void traps(Maker *m) {
    if (one_in(&m->r, 12)) {
        ir_append(m->b, IR_aligned, IR_VOID, 1u << below(&m->r, 5), ir_get(m->b, 0, IR_I64), 0, 0);
    }
    if (one_in(&m->r, 12)) {
        call(m, one_in(&m->r, 3) ? H_TRAP : H_RAISE);
    }
    if (one_in(&m->r, 20)) {
        call(m, H_SYNC);
    }
}

/* What may fault, and then what writes. */
static void body(Maker *m) {
    Access a = {0};
    bool access = one_in(&m->r, 2);
    work(m, below(&m->r, 5));
    traps(m);
    if (access) {
        a = check(m);
        work(m, one_in(&m->r, 2) ? 0 : below(&m->r, 3));
        if (a.mode == IR_CHECK_R) {
            loads(m, &a);
        }
    }
    work(m, below(&m->r, 3));
    if (access && a.mode == IR_CHECK_W) {
        stores(m, &a);
    } else if (access && a.mode == IR_CHECK_RW) {
        atomic(m, &a);
    }
    for (unsigned i = below(&m->r, 4); i > 0; i--) {
        set(m);
    }
    if (one_in(&m->r, 12)) {
        static const uint8_t calls[] = {H_POKE, H_PUT, H_FLIP};
        call(m, calls[below(&m->r, G_N_ELEMENTS(calls))]);
    }
    if (one_in(&m->r, 16)) {
        IrOp op = one_in(&m->r, 2) ? IR_barrier : IR_unmon;
        ir_append(m->b, op, IR_VOID, op == IR_barrier ? below(&m->r, 3) : 0, 0, 0, 0);
    }
}

static uint32_t target(Maker *m) {
    static const int32_t far[] = {-4, 0x1000, 0x1010, -0x10000};
    return (uint32_t)(one_in(&m->r, 6) ? far[below(&m->r, 4)] : (int32_t)below(&m->r, 1024) * 4);
}

static void insn(Maker *m) {
    if (one_in(&m->r, 6)) {
        ir_new_round(m->b);
    }
    ir_insn(m->b, m->off, 4);
    m->off += 4;
    work(m, below(&m->r, 3));
    if (one_in(&m->r, 24)) {
        unsigned aux = below(&m->r, 14) | below(&m->r, 2) << 4 | IR_LEAVE_UNDONE;
        ir_append(m->b, IR_leave_if, IR_VOID, aux, pick(m, IR_FLAGS), (uint32_t)m->off - 4, 0);
    }
    if (below(&m->r, 5)) {
        body(m);
        if (one_in(&m->r, 24)) {
            ir_append(m->b, IR_leave_if, IR_VOID, below(&m->r, 14) | below(&m->r, 2) << 4, pick(m, IR_FLAGS), target(m), 0);
        }
        return;
    }
    ir_skip_if(m->b, (IrCond)below(&m->r, 14), pick(m, IR_FLAGS));
    unsigned count[KINDS];
    memcpy(count, m->count, sizeof count);
    bool full = false;
    for (unsigned k = 0; k < KINDS; k++) {
        full |= count[k] > POOL - 64;
    }
    if (!full) {
        body(m);
    }
    memcpy(m->count, count, sizeof count); /* what was made in the region is gone */
    ir_end_skip(m->b);
}

static void terminator(Maker *m) {
    static const uint8_t exits[] = {IR_EXIT_NEXT, IR_EXIT_PC_SET, IR_EXIT_HALT, IR_EXIT_SYNC, IR_EXIT_FAULT};
    switch (below(&m->r, 6)) {
    case 0: case 1:
        ir_append(m->b, IR_jump, IR_VOID, below(&m->r, 2), target(m), 0, 0);
        break;
    case 2: case 3: {
        uint32_t f = pick(m, IR_FLAGS);
        ir_append(m->b, IR_branch, IR_VOID, below(&m->r, 14) | below(&m->r, 2) << 4, f, target(m), 0);
        m->b->nodes[m->b->count - 1].c = target(m);
        break;
    }
    case 4:
        ir_append(m->b, IR_indirect, IR_VOID, below(&m->r, 3) | (one_in(&m->r, 2) ? IR_JUMP_SEXT : 0), pick(m, IR_I64), 0, 0);
        break;
    default:
        ir_append(m->b, IR_exit, IR_VOID, exits[below(&m->r, G_N_ELEMENTS(exits))], target(m), 0, 0);
        break;
    }
}

void program_make(IrBlock *b, uint64_t seed) {
    Maker m = {.b = b, .r = {seed * 2 + 1}};
    ir_insn(b, 0, 4);
    m.off = 4;
    add(&m, ir_get(b, 1, IR_I32));
    add(&m, ir_get(b, 2, IR_I64));
    add(&m, ir_get(b, S_F0, IR_FLAGS));
    uint32_t v = add(&m, ir_get(b, S_V0, IR_V128));
    for (unsigned t = 0; t < 3; t++) {
        add(&m, ir_emit(b, IR_vlow, (IrType)(IR_F16 + t), 0, v, 0, 0));
    }
    unsigned insns = 1 + below(&m.r, one_in(&m.r, 4) ? 24 : 8);
    for (unsigned i = 0; i < insns; i++) {
        insn(&m);
    }
    terminator(&m);
}

/* -- states -- */

static uint64_t any_address(Random *r) {
    uint64_t page = GUEST_BASE + below(r, 5) * 0x1000;
    page = one_in(r, 6) ? GUEST_BASE + below(r, GUEST_PAGES + 2) * 0x1000 - 0x1000 : page;
    page = one_in(r, 2) ? GUEST_BASE + (one_in(r, 2) ? 4 : 0) * 0x1000 : page;
    switch (below(r, 3)) {
    case 0: return page + 0x1000 - below(r, one_in(r, 4) ? 40 : 16);
    case 1: return page + below(r, 256) * 16;
    default: return page + below(r, 0x1000);
    }
}

void program_state(JitSide *s, uint64_t seed) {
    static const uint8_t addresses[] = {0, 10, 11, 12, 13};
    Random r = {seed * 2 + 1};
    Env *env = jit_env(s);
    Regs *g = regs_of(env);
    memset(env->guest, 0, sizeof env->guest);
    for (unsigned i = 0; i < G_N_ELEMENTS(g->x); i++) {
        g->x[i] = any_value(&r);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g->x[addresses[i]] = any_address(&r);
    }
    g->x[9] = below(&r, 16);
    for (unsigned i = 0; i < G_N_ELEMENTS(g->v); i++) {
        g->v[i] = (IrVal){.d = {any_value(&r), any_value(&r)}};
    }
    for (unsigned i = 0; i < 2; i++) {
        g->w[i] = (uint32_t)any_value(&r);
        g->h[i] = (uint16_t)any_value(&r);
        g->b[i] = (uint8_t)any_value(&r);
        g->f[i] = (uint16_t)(below(&r, 65536) & (IR_FLAG_MASK | 0x3e00));
    }
    g->fva = 0;
    uint8_t *memory = jit_memory(s);
    for (size_t i = 0; i + 8 <= jit_memory_size(s); i += 8) {
        uint64_t v = i & 0x1f0 ? any_bits(&r) : any_value(&r);
        memcpy(memory + i, &v, 8);
    }
    env->pcbase = 0x7f001000;
    env->pc = env->pcbase;
    env->pending = one_in(&r, 3) ? -1 : 0;
    env->fault = 0;
    env->insn_off = 0;
    env->fp = (FpStatus){.round = (uint8_t)below(&r, 4)};
    if (one_in(&r, 2)) {
        env->fp.flush = one_in(&r, 2);
        env->fp.flush16 = one_in(&r, 2);
        env->fp.default_nan = one_in(&r, 2);
        env->fp.alt_half = one_in(&r, 4);
    }
    env->fp.flags = one_in(&r, 4) ? below(&r, 256) & 0x9f : 0;
    env->qc = one_in(&r, 8);
    env->excl_addr = one_in(&r, 2) ? g->x[addresses[below(&r, 5)]] : UINT64_MAX;
    env->excl_size = 1u << below(&r, 5);
    env->excl_val = (IrVal){.d = {0, 0}};
    if (env->excl_addr - GUEST_BASE < 0x5ff0) {
        memcpy(&env->excl_val, memory + (env->excl_addr - GUEST_BASE), env->excl_size);
    }
}
