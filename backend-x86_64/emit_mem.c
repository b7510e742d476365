/* SPDX-License-Identifier: MIT */
/*
 * emit_mem.c - guest memory: the TLB check, loads, stores, exclusives, barriers, and the cold path of a check.
 * Ordering: x86 keeps loads in order and stores in order; only a full barrier and a release store followed by an
 * acquire load need an instruction.
 */
#include "backend-x86_64/asm.h"
#include "backend-x86_64/x64.h"

/* Full fence; clobbers flags. */
static void fence(HostCode *h) {
    x_begin(h);
    x_byte(h, 0xf0); /* lock or dword [rsp], 0 */
    x_rm(h, 0x83, 0, 1, RSP, RSP, 0, 0);
    x_byte(h, 0);
}

/*
 * What looks up an address is long, and made for every access. Its insns are nearly all of one kind, and each is put
 * together as a word that has, from its low byte up, REX.W, the opcode (0x8b mov, 0x89 mov to memory, 0x33 xor, ...),
 * ModRM, and what follows. All registers but the address's are scratch registers, which need no bit of REX.
 */
#define WORD(opcode, modrm) (0x48u | (opcode) << 8 | (uint32_t)(modrm) << 16)
#define REG(r) ((uint32_t)(r) << 19) /* in such a word: of a scratch register, or opcode extension */
#define RM(r) ((uint32_t)(r) << 16)
static inline uint32_t any_reg(unsigned r) {
    return REG(r & 7) | r >> 3 << 2;
}
static inline uint32_t any_rm(unsigned r) {
    return RM(r & 7) | r >> 3;
}
/* op reg, rm */
static inline uint8_t *w_rr(uint8_t *p, unsigned opcode, uint32_t regs) {
    return a_32(p, WORD(opcode, 0xc0) | regs) - 1;
}
/* op reg, [rm + disp]; disp is at most 127 */
static inline uint8_t *w_rm(uint8_t *p, unsigned opcode, uint32_t regs, unsigned disp) {
    unsigned has_disp = disp != 0;
    return a_32(p, WORD(opcode, has_disp << 6) | regs | disp << 24) - 1 + has_disp;
}
/* op reg, [base + index + disp] */
static inline uint8_t *w_sum(uint8_t *p, unsigned opcode, uint32_t reg, unsigned base, unsigned index, unsigned disp) {
    unsigned has_disp = disp != 0;
    p[4] = (uint8_t)disp;
    return a_32(p, WORD(opcode, has_disp << 6 | 4) | reg | base << 24 | index << 27) + has_disp;
}
/* op reg, [env + at] */
static inline uint8_t *w_near(uint8_t *p, unsigned opcode, uint32_t reg, unsigned at) {
    return a_32(p, (WORD(opcode, 0x45) | reg) + ((at - ENV_BIAS) << 24));
}
/* The same further away than 256 bytes. */
static inline uint8_t *w_far(uint8_t *p, unsigned opcode, uint32_t reg, unsigned at) {
    return a_64(p, (WORD(opcode, 0x85) | reg) | (uint64_t)(at - ENV_BIAS) << 24) - 1;
}
static inline uint8_t *w_jmp(const HostCode *h, uint8_t *p, uint32_t to) {
    *p++ = 0xe9;
    return a_32(p, to - ((uint32_t)(p - h->start) + 4));
}
G_STATIC_ASSERT(offsetof(Env, unpriv) + sizeof(IrTlbBank) <= 2 * ENV_BIAS && offsetof(Env, insn_off) < 2 * ENV_BIAS);
G_STATIC_ASSERT(offsetof(Env, hints) >= 2 * ENV_BIAS && offsetof(Env, scratch) >= 2 * ENV_BIAS);
G_STATIC_ASSERT(offsetof(Env, unpriv) == offsetof(Env, bank) + sizeof(IrTlbBank));

/* d = the part of ea outside the page that an entry's tag names: above 2^12 - size means not that page. */
static inline uint8_t *compare_page(uint8_t *p, unsigned d, unsigned size) {
    uint64_t most = (1u << IR_PAGE_BITS) - size;
    p = a_64(p, (WORD(0x81, 0xf8) | RM(d)) | most << 24) - 1; /* cmp d, imm32 */
    return a_jcc(p, CC_A);
}

enum { LOOK_UP_INSNS = 8 };

/* t = the entry of ea in the first-level TLB. `table`, if it is another register, holds where that starts, which keeps the
 * sum of both out of the way of who waits for the addend: for loads alone. Ends with a jump when the entry is another
 * page's. Changes d. */
static inline uint8_t *look_up(uint8_t *p, unsigned ea, unsigned t, unsigned table, unsigned d, unsigned aux,
                               unsigned size) {
    unsigned bank = offsetof(Env, bank) + (aux / IR_CHECK_UNPRIV & 1) * sizeof(IrTlbBank);
    p = w_rr(p, 0x8b, REG(t) | any_rm(ea));
    p = a_32(p, WORD(0xc1, 0xe8) | RM(t) | (IR_PAGE_BITS - 5) << 24); /* shr; entries have 2^5 bytes */
    p = w_near(p, 0x23, REG(t), bank + offsetof(IrTlbBank, mask));
    if (table == t) {
        p = w_near(p, 0x03, REG(t), bank + offsetof(IrTlbBank, table));
        p = w_rm(p, 0x8b, REG(d) | RM(t), (aux / IR_CHECK_W & 1) * offsetof(IrTlbEntry, wtag));
    } else {
        p = w_near(p, 0x8b, REG(table), bank + offsetof(IrTlbBank, table));
        p = w_sum(p, 0x8b, REG(d), t, table, offsetof(IrTlbEntry, rtag));
    }
    p = w_rr(p, 0x33, REG(d) | any_rm(ea));
    return compare_page(p, d, size);
}

#define HINT(hint, field) (offsetof(Env, hints) + (hint) * sizeof(IrPageHint) + offsetof(IrPageHint, field))
static HostOperand in_env(size_t at) {
    return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)at};
}
#define RUN(run, field) in_env(offsetof(Env, runs) + (run) * sizeof(IrPageRun) + offsetof(IrPageRun, field))

/* The address's distance from the run's start tells whether it lies within. */
static G_GNUC_NO_INLINE void check_run(HostCode *h, HostCold *c) {
    unsigned ea = c->ea, t = c->tmp, d = c->addend, aux = c->desc >> 8 & 0xff, size = c->desc & 0xff, run = c->hint - 1u;
    bool write = aux & IR_CHECK_W, rising = c->look == HOST_LOOK_RISING;
    HostOperand limit = rising ? RUN(run, rising[write][ir_run_size(size)]) : RUN(run, either[write]);

    if (!rising && size > 1u << (aux >> IR_CHECK_ALIGN_SHIFT & 7)) {
        x64_test(h, IR_I32, x_reg(ea), (HostOperand){.kind = HOST_IMM, .imm = size - 1});
        c->from[2] = x_jcc(h, CC_NE);
    }
    uint8_t *p = x_begin_n(h, 8);
    p = a_rr(p, 0x8b, OP_W, d, ea);
    p = a_ro(p, 0x2b, OP_W, d, RUN(run, low));
    p = a_ro(p, 0x3b, OP_W, d, limit);
    p = a_jcc(p, CC_AE);
    c->from[0] = (HostFixup)(p - h->start) - 4;
    p = a_ro(p, 0x8b, OP_W, d, RUN(run, addend));
    if (!rising) {
        p = a_rm(p, 0x8d, OP_W, t, ea, ea, 0, 0);
        p = a_ro(p, 0x23, OP_W, t, RUN(run, fall));
        p = a_rr(p, 0x2b, OP_W, d, t);
    }
    x_end(h, p);
}

static G_GNUC_NO_INLINE void check_alignment(HostCode *h, HostCold *c) {
    unsigned align = c->desc >> (8 + IR_CHECK_ALIGN_SHIFT) & 7;
    x64_test(h, IR_I32, x_reg(c->ea), (HostOperand){.kind = HOST_IMM, .imm = (1 << align) - 1});
    c->from[1] = x_jcc(h, CC_NE);
}

static G_GNUC_NO_INLINE void check_page(HostCode *h, HostCold *c) {
    unsigned hint = c->hint - 1u, write = c->desc >> 8 & IR_CHECK_W;
    uint32_t d = REG(c->addend);
    uint8_t *p = x_begin_n(h, 6);
    p = w_far(p, 0x8b, d, write ? HINT(hint, wtag) : HINT(hint, rtag));
    p = w_rr(p, 0x33, d | any_rm(c->ea));
    p = w_far(p, 0x0b, d, write ? HINT(hint, wbad) : HINT(hint, rbad));
    p = compare_page(p, c->addend, c->desc & 0xff);
    c->from[0] = (HostFixup)(p - h->start) - 4;
    x_end(h, w_far(p, 0x8b, d, HINT(hint, addend)));
}

static G_GNUC_NO_INLINE void check_tlb(HostCode *h, HostCold *c, unsigned table) {
    unsigned t = c->tmp, d = c->addend;
    uint8_t *p = look_up(x_begin_n(h, LOOK_UP_INSNS + 1), c->ea, t, table, d, c->desc >> 8, c->desc & 0xff);
    c->from[0] = (HostFixup)(p - h->start) - 4;
    x_end(h, table == t ? w_rm(p, 0x8b, REG(d) | RM(t), offsetof(IrTlbEntry, addend))
                        : w_sum(p, 0x8b, REG(d), t, table, offsetof(IrTlbEntry, addend)));
}

void x64_check(HostCode *h, HostCold *c, unsigned table) {
    if (c->desc & IR_CHECK_ALIGN << 8) {
        check_alignment(h, c);
    }
    if (c->look == HOST_LOOK_TLB) {
        check_tlb(h, c, table);
    } else if (c->look == HOST_LOOK_PAGE) {
        check_page(h, c);
    } else {
        check_run(h, c);
    }
}

/* The hint takes over what the TLB's entry at t says. */
static uint8_t *move_hint(uint8_t *p, unsigned hint, bool write, unsigned t, unsigned d) {
    uint32_t dt = REG(d) | RM(t);
    p = w_rm(p, 0x8b, dt, offsetof(IrTlbEntry, wtag));
    p = w_far(p, 0x89, REG(d), HINT(hint, wtag));
    p = w_rm(p, 0x33, dt, offsetof(IrTlbEntry, rtag));
    p = w_rr(p, 0xf7, REG(3) | RM(d)); /* neg: carry unless both tags are the page's */
    p = w_rr(p, 0x1b, REG(d) | RM(d)); /* sbb */
    p = w_far(p, 0x89, REG(d), write ? HINT(hint, rbad) : HINT(hint, wbad));
    p = a_32(w_far(p, 0xc7, REG(0), write ? HINT(hint, wbad) : HINT(hint, rbad)), 0);
    p = w_rm(p, 0x8b, dt, offsetof(IrTlbEntry, rtag));
    return w_far(p, 0x89, REG(d), HINT(hint, rtag));
}

/* Another page than the hint's, or none of the run's: looks into the TLB, counts, and goes back with its addend; a hint
 * moves there. What it binds the jump to is the way to C. */
static G_GNUC_NO_INLINE void cold_hint(HostCode *h, const HostCold *c) {
    unsigned t = c->tmp, d = c->addend, aux = c->desc >> 8 & 0xff;
    unsigned hint = c->hint - 1u;
    bool page = c->look == HOST_LOOK_PAGE;
    uint8_t *p = x_begin_n(h, LOOK_UP_INSNS + 14);
    p = look_up(p, c->ea, t, t, d, aux, c->desc & 0xff);
    HostFixup miss = (HostFixup)(p - h->start) - 4;
    p = a_group1(p, 5, 0, page ? in_env(HINT(hint, misses)) : RUN(hint, misses), 1);
    p = a_jcc(p, CC_S);
    HostFixup enough = (HostFixup)(p - h->start) - 4;
    if (page) {
        p = move_hint(p, hint, aux & IR_CHECK_W, t, d);
    }
    p = w_rm(p, 0x8b, REG(d) | RM(t), offsetof(IrTlbEntry, addend));
    if (page) {
        p = w_far(p, 0x89, REG(d), HINT(hint, addend));
    }
    x_end(h, w_jmp(h, p, c->back));
    x_bind(h, miss);
    x_bind(h, enough);
}

/* An insn that accesses memory, up to its ModRM. */
typedef struct Access {
    uint8_t opcode[2];
    uint8_t length;   /* of it; 0: there is no such access */
    uint8_t prefix;   /* 0: none */
    uint8_t rex;      /* bits that are set for all registers */
    uint8_t byte;     /* 12: of byte registers, of which those with one of these bits need a REX prefix */
    uint8_t unused[2];
} Access;
#define MOV(opcode) {{opcode}, 1}
#define MOV_8(opcode) {{opcode}, 1, .byte = 12}
#define MOV_16(opcode) {{opcode}, 1, .prefix = 0x66}
#define MOV_W(opcode) {{opcode}, 1, .rex = 8}
#define MOVX(opcode) {{0x0f, opcode}, 2} /* movzx, movsx, movups */
#define MOVX_W(opcode) {{0x0f, opcode}, 2, .rex = 8}
#define MOV_V(prefix, opcode) {{0x0f, opcode}, 2, prefix} /* movd, movq */

/* The insn on [addend + ea + disp], the addend being in a scratch register. */
static inline uint8_t *a_access(uint8_t *p, const Access *a, unsigned reg, unsigned byte, unsigned addend, unsigned ea,
                                int32_t disp) {
    unsigned rex = a->rex | (reg & 8) >> 1 | (ea & 8) >> 2;
    unsigned has_disp = disp != 0, wide = !x_fits8(disp);
    *p = a->prefix;
    p += a->prefix != 0;
    *p = (uint8_t)(0x40 | rex);
    p += (rex | ((reg | addend) & byte)) != 0;
    memcpy(p, a->opcode, 2);
    p += a->length;
    a_64(p, (4 | (has_disp + wide) << 6 | (reg & 7) << 3 | addend << 8 | (ea & 7) << 11) | (uint64_t)(uint32_t)disp << 16);
    return p + 2 + has_disp + 3 * wide;
}

/* d = what has been loaded into it, in the other byte order. */
static G_GNUC_NO_INLINE void turn_loaded(HostCode *h, IrType type, unsigned aux, unsigned d) {
    unsigned size = aux & IR_MEM_SIZE, w = x_w(type);
    if (size == 1) {
        x_opcode(h, 0xc1, OP_16, 0, 0, d); /* rol d16, 8 */
        x_byte(h, 0xc0 | (d & 7));
        x_byte(h, 8);
    } else if (size) {
        x_opcode(h, 0x0fc8 | (d & 7), size == 3 ? OP_W : 0, 0, 0, d);
    }
    if (aux & IR_MEM_SEXT && (size == 1 || (size == 2 && w))) {
        x_rr(h, size == 1 ? 0x0fbf : 0x63, w, d, d);
    }
}

void x64_ld(HostCode *h, IrType type, unsigned aux, unsigned d, unsigned addend, unsigned ea, int32_t disp) {
    static const Access loads[][16] = {
        [IR_I32] = {MOVX(0xb6), MOVX(0xb7), MOV(0x8b), [IR_MEM_SEXT] = MOVX(0xbe), MOVX(0xbf), MOV(0x8b)},
        [IR_I64] = {MOVX(0xb6), MOVX(0xb7), MOV(0x8b), MOV_W(0x8b),
                    [IR_MEM_SEXT] = MOVX_W(0xbe), MOVX_W(0xbf), MOV_W(0x63), MOV_W(0x8b)},
        [IR_F16 ... IR_V128] = {[2] = MOV_V(0x66, 0x6e), MOV_V(0xf3, 0x7e), MOVX(0x10)}, /* lower.c avoids narrower ones */
    };
    const Access *a = &loads[type][aux & (IR_MEM_SIZE | IR_MEM_SEXT)];
    x_begin(h);
    h->p = a_access(h->p, a, d, 0, addend, ea, disp);
    if (aux & IR_MEM_BIG || !a->length) {
        h->overflow |= !a->length || type > IR_I64;
        turn_loaded(h, type, aux, d);
    }
}

/* tmp = what is to be stored, in the other byte order. */
static G_GNUC_NO_INLINE HostOperand turn_stored(HostCode *h, unsigned size, HostOperand v, unsigned tmp) {
    if (v.kind == HOST_IMM) {
        x_load_imm(h, tmp, (uint64_t)v.imm);
    } else {
        x_mov(h, OP_W, tmp, v.reg);
    }
    x_opcode(h, 0x0fc8 | (tmp & 7), size == 3 ? OP_W : 0, 0, 0, tmp);
    if (size == 1) {
        x_shift(h, 5, 0, tmp, 16);
    }
    return x_reg(tmp);
}

/* The constant v. */
static uint8_t *store_const(uint8_t *p, unsigned size, int64_t v, unsigned addend, unsigned ea, int32_t disp) {
    static const Access stores[] = {MOV(0xc6), MOV_16(0xc7), MOV(0xc7), MOV_W(0xc7)};
    p = a_access(p, &stores[size], 0, 0, addend, ea, disp);
    a_32(p, (uint32_t)v);
    return p + (size > 2 ? 4 : 1u << size);
}

static const Access stores[][8] = {
    [IR_I32 ... IR_I64] = {MOV_8(0x88), MOV_16(0x89), MOV(0x89), MOV_W(0x89)},
    [IR_F16 ... IR_V128] = {[2] = MOV_V(0x66, 0x7e), MOV_V(0x66, 0xd6), MOVX(0x11)}, /* front ends do narrower ones as integers */
};

/* What few stores are: of a constant, in the other byte order, or followed by a fence. */
static G_GNUC_NO_INLINE void store_other(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend,
                                         unsigned ea, int32_t disp, unsigned tmp) {
    unsigned size = aux & IR_MEM_SIZE;
    if (aux & IR_MEM_BIG && size) {
        h->overflow |= ir_type_is_vec(type);
        v = turn_stored(h, size, v, tmp);
    }
    const Access *a = &stores[type][size];
    h->overflow |= !a->length;
    x_begin(h);
    h->p = v.kind == HOST_IMM ? store_const(h->p, size, v.imm, addend, ea, disp)
                              : a_access(h->p, a, v.reg, a->byte, addend, ea, disp);
    if (aux & IR_MEM_RELEASE) {
        fence(h);
    }
}

void x64_st(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend, unsigned ea, int32_t disp,
            unsigned tmp) {
    const Access *a = &stores[type][aux & IR_MEM_SIZE];
    if (v.kind == HOST_IMM || aux & (IR_MEM_BIG | IR_MEM_RELEASE) || !a->length) {
        store_other(h, type, aux, v, addend, ea, disp, tmp);
    } else {
        x_begin(h);
        h->p = a_access(h->p, a, v.reg, a->byte, addend, ea, disp);
    }
}

static void emit_barrier(HostCode *h, const HostOp *op) {
    if (op->node->aux == IR_BARRIER_FULL) {
        fence(h);
    }
}
const HostRule x64_rule_barrier = {"", {""}, .flags = HOST_RULE_CLOBBERS, .emit = emit_barrier};

/* -- exclusives: the monitor holds {va, size, value}; a store compares and swaps -- */

static void emit_unmon(HostCode *h, const HostOp *op) {
    x_ro(h, 0xc7, OP_W, 0, ENV_AT(excl_addr));
    x_32(h, UINT32_MAX);
}
const HostRule x64_rule_unmon = {"", {""}, .emit = emit_unmon};

static void arm_monitor(HostCode *h, const HostOp *op, unsigned bytes) {
    x_ro(h, 0x89, OP_W, op->s[1].reg, ENV_AT(excl_addr));
    x_ro(h, 0xc7, 0, 0, ENV_AT(excl_size));
    x_32(h, bytes);
}

static void emit_ll(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE;
    x64_ld(h, op->type, size, op->d.reg, op->s[0].reg, op->s[1].reg, 0);
    x_ro(h, 0x89, OP_W, op->d.reg, ENV_AT(excl_val));
    arm_monitor(h, op, 1u << size);
}
static void emit_ll16(HostCode *h, const HostOp *op) {
    x64_ld(h, IR_V128, 4, op->d.reg, op->s[0].reg, op->s[1].reg, 0);
    x_ro(h, 0x0f29, 0, op->d.reg, ENV_AT(excl_val));
    arm_monitor(h, op, 16);
}
static const HostRule ll16 = {"x", {"r", "r"}, .emit = emit_ll16};
const HostRule x64_rule_ll = {"r", {"r", "r"}, .flags = HOST_RULE_EARLY, .emit = emit_ll, .wide = &ll16};

/* Jumps away when the monitor does not hold this address and size. */
static void test_monitor(HostCode *h, const HostOp *op, unsigned bytes, HostFixup fail[2]) {
    x_ro(h, 0x3b, OP_W, op->s[1].reg, ENV_AT(excl_addr));
    fail[0] = x_jcc(h, CC_NE);
    x_group1(h, 7, 0, ENV_AT(excl_size), (int32_t)bytes);
    fail[1] = x_jcc(h, CC_NE);
}

static void emit_sc(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE, d = op->d.reg;
    HostFixup fail[2];
    x_load_imm(h, d, 1);
    test_monitor(h, op, 1u << size, fail);
    x_ro(h, 0x8b, OP_W, RAX, ENV_AT(excl_val));
    x_begin(h);
    x_byte(h, 0xf0);
    x_rm(h, size ? 0x0fb1 : 0x0fb0, size == 3 ? OP_W : size == 1 ? OP_16 : size == 0 ? OP_BYTE : 0, op->s[2].reg,
         op->s[0].reg, op->s[1].reg, 0, 0);
    HostFixup lost = x_jcc(h, CC_NE);
    x_load_imm(h, d, 0);
    x_bind(h, fail[0]);
    x_bind(h, fail[1]);
    x_bind(h, lost);
    emit_unmon(h, op);
}

/* cmpxchg16b wants rdx:rax and rcx:rbx; rbx is a pin, and may even be the address: that is added into s[0] first. */
static void emit_sc16(HostCode *h, const HostOp *op) {
    unsigned addend = op->s[0].reg, ea = op->s[1].reg;
    HostFixup fail[2];
    test_monitor(h, op, 16, fail);
    x_rr(h, 0x0f12, 0, op->tmp[0], op->s[2].reg);          /* movhlps */
    x_rr(h, 0x66000f7e, OP_W, op->tmp[0], RCX);            /* movq */
    x_ro(h, 0x89, OP_W, RBX, ENV_AT(host_tmp));
    x_rr(h, 0x03, OP_W, addend, ea);
    x_rr(h, 0x66000f7e, OP_W, op->s[2].reg, RBX);
    HostOperand high = ENV_AT(excl_val);
    x_ro(h, 0x8b, OP_W, RAX, high);
    high.disp += 8;
    x_ro(h, 0x8b, OP_W, RDX, high);
    x_begin(h);
    x_byte(h, 0xf0);
    x_rm(h, 0x0fc7, OP_W, 1, addend, RSP, 0, 0);
    x_ro(h, 0x8b, OP_W, RBX, ENV_AT(host_tmp));
    x_load_imm(h, RAX, 0);
    x_rr(h, 0x0f95, 0, 0, RAX); /* setne al */
    x_rr(h, 0x2b, OP_W, addend, ea);
    HostFixup done = x_jmp(h);
    x_bind(h, fail[0]);
    x_bind(h, fail[1]);
    x_load_imm(h, RAX, 1);
    x_bind(h, done);
    emit_unmon(h, op);
    x_mov(h, 0, op->d.reg, RAX);
}
static const HostRule sc16 = {"r", {"r", "r", "x"}, .vtmps = 1, .fixed = 1 << RAX | 1 << RCX | 1 << RDX,
                              .flags = HOST_RULE_CLOBBERS, .emit = emit_sc16};
const HostRule x64_rule_sc = {"r", {"r", "r", "r"}, .fixed = 1 << RAX, .flags = HOST_RULE_CLOBBERS | HOST_RULE_EARLY,
                              .emit = emit_sc, .wide = &sc16};

/* -- atomics -- */

/* Operand size of an insn on 1 << size bytes. */
static unsigned width(unsigned size) {
    return size == 3 ? OP_W : size == 1 ? OP_16 : size == 0 ? OP_BYTE : 0;
}

/* op [addend + ea], r, which exists for bytes as op - 1; locked or not. */
static void on_memory(HostCode *h, const HostOp *op, bool lock, uint32_t opcode, unsigned size, unsigned r) {
    x_begin(h);
    if (lock) {
        x_byte(h, 0xf0);
    }
    x_rm(h, size ? opcode : opcode - 1, width(size), r, op->s[0].reg, op->s[1].reg, 0, 0);
}

/* d = r, of which 1 << size bytes are old memory, zero-extended */
static void zero_extend(HostCode *h, unsigned size, unsigned d, unsigned r) {
    if (size < 2) {
        x_rr(h, size ? 0x0fb7 : 0x0fb6, size ? 0 : OP_BYTE, d, r);
    } else if (d != r) {
        x_mov(h, width(size), d, r);
    }
}

/* d = what memory shall hold, of rax = what it holds and v */
static void combine(HostCode *h, unsigned rmw, unsigned size, unsigned d, unsigned v) {
    static const uint8_t ccs[] = {[IR_RMW_SMAX] = CC_L, [IR_RMW_SMIN] = CC_G, [IR_RMW_UMAX] = CC_B, [IR_RMW_UMIN] = CC_A};
    x_mov(h, OP_W, d, rmw == IR_RMW_CLR ? v : RAX);
    if (rmw == IR_RMW_CLR) {
        x_rr(h, 0xf7, OP_W, 2, d); /* not */
        x_rr(h, 0x23, OP_W, d, RAX);
    } else if (rmw == IR_RMW_EOR || rmw == IR_RMW_SET) {
        x_rr(h, rmw == IR_RMW_EOR ? 0x33 : 0x0b, OP_W, d, v);
    } else {
        x_rr(h, size ? 0x3b : 0x3a, width(size), RAX, v);
        x_rr(h, 0x0f40 | ccs[rmw], OP_W, d, v);
    }
}

static void emit_rmw(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE, rmw = op->node->aux >> 3 & 15, d = op->d.reg, v = op->s[2].reg;
    if (rmw == IR_RMW_ADD || rmw == IR_RMW_SWP) {
        x_mov(h, OP_W, d, v);
        on_memory(h, op, rmw == IR_RMW_ADD, rmw == IR_RMW_ADD ? 0x0fc1 : 0x87, size, d); /* xadd, xchg */
        zero_extend(h, size, d, d);
        return;
    }
    on_memory(h, op, false, 0x8b, size, RAX);
    uint32_t again = x_offset(h);
    combine(h, rmw, size, d, v);
    on_memory(h, op, true, 0x0fb1, size, d); /* cmpxchg */
    HostFixup lost = x_jcc(h, CC_NE);
    x_bind_to(h, lost, again);
    zero_extend(h, size, d, RAX);
}
const HostRule x64_rule_rmw = {"r", {"r", "r", "r"}, .fixed = 1 << RAX, .flags = HOST_RULE_CLOBBERS | HOST_RULE_EARLY,
                               .emit = emit_rmw};

static void emit_cas(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE;
    x_mov(h, OP_W, RAX, op->s[2].reg);
    on_memory(h, op, true, 0x0fb1, size, op->s[3].reg);
    zero_extend(h, size, op->d.reg, RAX);
}
const HostRule x64_rule_cas = {"r", {"r", "r", "r", "r"}, .fixed = 1 << RAX, .flags = HOST_RULE_CLOBBERS, .emit = emit_cas};

/* -- the cold path -- */

/* A slot of env that the hot code has left to the cold path. */
static void cold_pend(HostCode *h, HostOperand value, HostOperand to, IrType type, IrType from) {
    bool vec = ir_type_is_vec(type);
    if (value.kind == HOST_REG && from == type) {
        h->backend->store(h, type, to, value.reg);
    } else if (vec) {
        x_ro(h, 0x0f11, 0, XMM0, ENV_AT(scratch[2])); /* borrow a register */
        h->backend->load(h, type, XMM0, value);
        h->backend->store(h, type, to, XMM0);
        x_ro(h, 0x0f10, 0, XMM0, ENV_AT(scratch[2]));
    } else {
        x_ro(h, 0x89, OP_W, RAX, ENV_AT(host_tmp));
        if (value.kind == HOST_IMM) {
            x_load_imm(h, RAX, (uint64_t)value.imm);
        } else if (value.kind == HOST_REG) {
            h->backend->zext32(h, RAX, value.reg);
        } else {
            h->backend->load(h, from, RAX, value);
        }
        h->backend->store(h, type, to, RAX);
        x_ro(h, 0x8b, OP_W, RAX, ENV_AT(host_tmp));
    }
}

/* Flags that the hot code has not kept. */
static void cold_flags(HostCode *h, const HostCold *c) {
    HostOperand a = c->compare[0];
    if (a.kind == HOST_NONE) {
        x64_flags_save(h, c->flags_polarity, c->flags_to, c->leaves);
        return;
    }
    unsigned tmp = c->compare[1].kind == HOST_REG && c->compare[1].reg == RAX ? RCX : RAX;
    if (c->compare[0].kind != HOST_REG) {
        x_ro(h, 0x89, OP_W, tmp, ENV_AT(scratch[2])); /* borrow a register */
        h->backend->load(h, c->compare_type, tmp, a);
        a = x_reg(tmp);
    }
    x64_compare(h, c->compare_type, a, c->compare[1]);
    x64_flags_save(h, HOST_FLAGS_SUB, c->flags_to, false);
    if (c->compare[0].kind != HOST_REG) {
        x_ro(h, 0x8b, OP_W, tmp, ENV_AT(scratch[2]));
    }
}

void x64_cold_state(HostCode *h, const HostCold *c) {
    for (unsigned k = 0; k < c->pends; k++) {
        cold_pend(h, c->pend[k].value, c->pend[k].to, c->pend[k].type, c->pend[k].from);
    }
    if (c->flags_to.kind != HOST_NONE) {
        cold_flags(h, c);
    }
}

HostFixup x64_one_page(HostCode *h, const HostCold *c) {
    h->backend->add_imm(h, IR_I64, c->tmp, c->ea, (int32_t)(c->desc & 0xff) - 1);
    x_rr(h, 0x33, OP_W, c->tmp, c->ea);
    x_group1(h, 7, OP_W, x_reg(c->tmp), (1 << IR_PAGE_BITS) - 1);
    return x_jcc(h, CC_BE);
}

static G_GNUC_NO_INLINE void cold_store(HostCode *h, const HostCold *c, unsigned k) {
    HostOperand v = c->store[k].value;
    unsigned size = c->store[k].aux & IR_MEM_SIZE;
    HostOperand to = ENV_AT(bounce);
    to.disp += c->store[k].offset;
    if (ir_type_is_vec(c->store[k].type)) {
        if (v.kind != HOST_REG) {
            x_ro(h, 0x0f11, 0, XMM0, ENV_AT(scratch[2])); /* borrow a register */
            x_ro(h, 0x0f10, 0, XMM0, v);
            v = x_reg(XMM0);
            x_ro(h, 0x0f11, 0, XMM0, to);
            x_ro(h, 0x0f10, 0, XMM0, ENV_AT(scratch[2]));
        } else {
            x_ro(h, 0x0f11, 0, v.reg, to);
        }
        return;
    }
    if (v.kind != HOST_REG) {
        x_ro(h, 0x89, OP_W, RAX, ENV_AT(host_tmp));
        if (v.kind == HOST_IMM) {
            x_load_imm(h, RAX, (uint64_t)v.imm);
        } else {
            x_ro(h, 0x8b, OP_W, RAX, v);
        }
    } else if (c->store[k].aux & IR_MEM_BIG) {
        x_ro(h, 0x89, OP_W, RAX, ENV_AT(host_tmp));
        x_mov(h, OP_W, RAX, v.reg);
    }
    unsigned r = v.kind == HOST_REG && !(c->store[k].aux & IR_MEM_BIG) ? v.reg : RAX;
    if (c->store[k].aux & IR_MEM_BIG && size) {
        x_opcode(h, 0x0fc8, size == 3 ? OP_W : 0, 0, 0, RAX);
        if (size == 1) {
            x_shift(h, 5, 0, RAX, 16);
        }
    }
    x_ro(h, 0x89, OP_W, r, to); /* wider than needed: later parts overwrite */
    if (r == RAX && (v.kind != HOST_REG || c->store[k].aux & IR_MEM_BIG)) {
        x_ro(h, 0x8b, OP_W, RAX, ENV_AT(host_tmp));
    }
}

/* mov dword o, imm */
static inline uint8_t *a_ro_32(uint8_t *p, HostOperand o, uint32_t imm) {
    return a_32(a_ro(p, 0xc7, 0, 0, o), imm);
}

void x64_cold(HostCode *h, const HostCold *c) {
    x_bind(h, c->from[0]);
    if (c->from[2]) {
        x_bind(h, c->from[2]);
    }
    if (c->hint) {
        cold_hint(h, c);
    }
    if (c->from[1]) {
        x_bind(h, c->from[1]);
    }
    if (c->pends || c->flags_to.kind != HOST_NONE) {
        x64_cold_state(h, c);
    }
    if (c->rest) {
        x_ro(h, 0xc7, 0, 0, ENV_AT(insn_rest));
        x_32(h, c->rest);
    }
    if (!c->desc) {
        x64_exit(h, IR_EXIT_SLOW, true, c->insn_off);
        return;
    }
    for (unsigned k = 0; k < c->stores; k++) {
        cold_store(h, c, k);
    }
    uint8_t *p = x_begin_n(h, 6);
    p = w_far(p, 0x89, any_reg(c->ea), offsetof(Env, scratch[0]));
    p = a_ro_32(p, ENV_AT(scratch[0].d[1]), c->desc);
    p = a_ro_32(p, ENV_AT(insn_off), (uint32_t)c->insn_off);
    *p++ = 0xe8;
    p = a_rel_to(h, p, h->stubs->slow);
    p = w_far(p, 0x8b, REG(c->addend), offsetof(Env, scratch[3]));
    x_end(h, w_jmp(h, p, c->back));
}
