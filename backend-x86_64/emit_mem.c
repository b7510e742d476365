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

/* d = the part of ea outside the page that an entry's tag names: above 2^12 - size means not that page. */
static uint8_t *compare_page(uint8_t *p, unsigned d, unsigned size) {
    p = a_rr(p, 0x81, OP_W, 7, d); /* cmp d, imm32 */
    return a_jcc(a_32(p, (1u << IR_PAGE_BITS) - size), CC_A);
}

enum { LOOK_UP_INSNS = 8 };

/* t = the entry of ea in the first-level TLB, with `table` where that starts: RSP (none) unless a register is given for
 * it, which keeps the sum of both out of the way of who waits for the addend. Ends with a jump when the entry is another
 * page's. Changes d. */
static uint8_t *look_up(uint8_t *p, unsigned ea, unsigned t, unsigned table, unsigned d, unsigned aux, unsigned size) {
    int32_t bank = aux & IR_CHECK_UNPRIV ? offsetof(Env, unpriv) : offsetof(Env, bank);
    bool apart = table != RSP;
    p = a_rr(p, 0x8b, OP_W, t, ea);
    p = a_rr(p, 0xc1, OP_W, 5, t); /* shr; entries have 2^5 bytes */
    *p++ = IR_PAGE_BITS - 5;
    p = a_rm(p, 0x23, OP_W, t, RBP, RSP, 0, bank + (int32_t)offsetof(IrTlbBank, mask) - ENV_BIAS);
    p = a_rm(p, apart ? 0x8b : 0x03, OP_W, apart ? table : t, RBP, RSP, 0,
             bank + (int32_t)offsetof(IrTlbBank, table) - ENV_BIAS);
    p = a_rm(p, 0x8b, OP_W, d, t, table, 0,
             aux & IR_CHECK_W ? (int32_t)offsetof(IrTlbEntry, wtag) : (int32_t)offsetof(IrTlbEntry, rtag));
    p = a_rr(p, 0x33, OP_W, d, ea);
    return compare_page(p, d, size);
}

static HostOperand in_hint(unsigned hint, size_t field) {
    return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, hints) + hint * sizeof(IrPageHint) + field)};
}
#define HINT(hint, field) in_hint(hint, offsetof(IrPageHint, field))

static HostOperand in_run(unsigned run, size_t field) {
    return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)(offsetof(Env, runs) + run * sizeof(IrPageRun) + field)};
}
#define RUN(run, field) in_run(run, offsetof(IrPageRun, field))

/* The address's distance from the run's start tells whether it lies within. */
static void check_run(HostCode *h, const HostOp *op, HostLook look, unsigned run, HostFixup from[3]) {
    unsigned ea = op->s[0].reg, t = op->tmp[0], d = op->d.reg, aux = op->node->aux, size = op->node->c;
    bool write = aux & IR_CHECK_W, rising = look == HOST_LOOK_RISING;
    HostOperand limit = rising ? RUN(run, rising[write][ir_run_size(size)]) : RUN(run, either[write]);

    if (!rising && size > 1u << (aux >> IR_CHECK_ALIGN_SHIFT & 7)) {
        x64_test(h, IR_I32, op->s[0], (HostOperand){.kind = HOST_IMM, .imm = size - 1});
        from[2] = x_jcc(h, CC_NE);
    }
    uint8_t *p = x_begin_n(h, 8);
    p = a_rr(p, 0x8b, OP_W, d, ea);
    p = a_ro(p, 0x2b, OP_W, d, RUN(run, low));
    p = a_ro(p, 0x3b, OP_W, d, limit);
    p = a_jcc(p, CC_AE);
    from[0] = (HostFixup)(p - h->start) - 4;
    p = a_ro(p, 0x8b, OP_W, d, RUN(run, addend));
    if (!rising) {
        p = a_rm(p, 0x8d, OP_W, t, ea, ea, 0, 0);
        p = a_ro(p, 0x23, OP_W, t, RUN(run, fall));
        p = a_rr(p, 0x2b, OP_W, d, t);
    }
    x_end(h, p);
}

void x64_check(HostCode *h, const HostOp *op, HostLook look, unsigned hint, HostFixup from[3]) {
    unsigned ea = op->s[0].reg, t = op->tmp[0], d = op->d.reg, aux = op->node->aux, size = op->node->c;
    unsigned align = aux >> IR_CHECK_ALIGN_SHIFT & 7;

    if (align) {
        x64_test(h, IR_I32, op->s[0], (HostOperand){.kind = HOST_IMM, .imm = (1 << align) - 1});
        from[1] = x_jcc(h, CC_NE);
    }
    if (look == HOST_LOOK_RISING || look == HOST_LOOK_EITHER) {
        check_run(h, op, look, hint, from);
        return;
    }
    uint8_t *p = x_begin_n(h, look == HOST_LOOK_TLB ? LOOK_UP_INSNS + 1 : 6);
    if (look == HOST_LOOK_TLB) {
        unsigned table = op->tmp[1] == t ? RSP : op->tmp[1];
        p = look_up(p, ea, t, table, d, aux, size);
        from[0] = (HostFixup)(p - h->start) - 4;
        p = a_rm(p, 0x8b, OP_W, d, t, table, 0, offsetof(IrTlbEntry, addend));
    } else {
        p = a_ro(p, 0x8b, OP_W, d, aux & IR_CHECK_W ? HINT(hint, wtag) : HINT(hint, rtag));
        p = a_rr(p, 0x33, OP_W, d, ea);
        p = a_ro(p, 0x0b, OP_W, d, aux & IR_CHECK_W ? HINT(hint, wbad) : HINT(hint, rbad));
        p = compare_page(p, d, size);
        from[0] = (HostFixup)(p - h->start) - 4;
        p = a_ro(p, 0x8b, OP_W, d, HINT(hint, addend));
    }
    x_end(h, p);
}

/* The hint takes over what the TLB's entry at t says. */
static uint8_t *move_hint(uint8_t *p, unsigned hint, bool write, unsigned t, unsigned d) {
    p = a_rm(p, 0x8b, OP_W, d, t, RSP, 0, offsetof(IrTlbEntry, wtag));
    p = a_ro(p, 0x89, OP_W, d, HINT(hint, wtag));
    p = a_rm(p, 0x33, OP_W, d, t, RSP, 0, offsetof(IrTlbEntry, rtag));
    p = a_rr(p, 0xf7, OP_W, 3, d); /* neg: carry unless both tags are the page's */
    p = a_rr(p, 0x1b, OP_W, d, d); /* sbb */
    p = a_ro(p, 0x89, OP_W, d, write ? HINT(hint, rbad) : HINT(hint, wbad));
    p = a_32(a_ro(p, 0xc7, OP_W, 0, write ? HINT(hint, wbad) : HINT(hint, rbad)), 0);
    p = a_rm(p, 0x8b, OP_W, d, t, RSP, 0, offsetof(IrTlbEntry, rtag));
    return a_ro(p, 0x89, OP_W, d, HINT(hint, rtag));
}

/* Another page than the hint's, or none of the run's: looks into the TLB, counts, and goes back with its addend; a hint
 * moves there. What it binds the jump to is the way to C. */
static void cold_hint(HostCode *h, const HostCold *c) {
    unsigned t = c->tmp, d = c->addend, aux = c->desc >> 8 & 0xff;
    unsigned hint = c->hint - 1u;
    bool page = c->look == HOST_LOOK_PAGE;
    uint8_t *p = x_begin_n(h, LOOK_UP_INSNS + 14);
    p = look_up(p, c->ea, t, RSP, d, aux, c->desc & 0xff);
    HostFixup miss = (HostFixup)(p - h->start) - 4;
    p = a_group1(p, 5, 0, page ? HINT(hint, misses) : RUN(hint, misses), 1);
    p = a_jcc(p, CC_S);
    HostFixup enough = (HostFixup)(p - h->start) - 4;
    if (page) {
        p = move_hint(p, hint, aux & IR_CHECK_W, t, d);
    }
    p = a_rm(p, 0x8b, OP_W, d, t, RSP, 0, offsetof(IrTlbEntry, addend));
    if (page) {
        p = a_ro(p, 0x89, OP_W, d, HINT(hint, addend));
    }
    *p++ = 0xe9;
    x_end(h, a_32(p, c->back - ((uint32_t)(p - h->start) + 4)));
    x_bind(h, miss);
    x_bind(h, enough);
}

void x64_ld(HostCode *h, IrType type, unsigned aux, unsigned d, unsigned addend, unsigned ea, int32_t disp) {
    static const struct {
        uint32_t op[2];    /* zero-extending, sign-extending */
        unsigned flags[2];
    } ints[] = {{{0x0fb6, 0x0fbe}, {0, 0}}, {{0x0fb7, 0x0fbf}, {0, 0}}, {{0x8b, 0x63}, {0, OP_W}},
                {{0x8b, 0x8b}, {OP_W, OP_W}}};
    unsigned size = aux & IR_MEM_SIZE;
    if (ir_type_is_vec(type)) {
        h->overflow |= (aux & IR_MEM_BIG) != 0;
        if (size == 4) {
            x_rm(h, 0x0f10, 0, d, addend, ea, 0, disp); /* movups */
        } else if (size == 3) {
            x_rm(h, 0xf3000f7e, 0, d, addend, ea, 0, disp); /* movq */
        } else if (size == 2) {
            x_rm(h, 0x66000f6e, 0, d, addend, ea, 0, disp); /* movd */
        } else {
            h->overflow = true; /* lower.c keeps narrow vector loads away */
        }
        return;
    }
    bool sext = (aux & IR_MEM_SEXT) && !(size == 2 && type == IR_I32) && size < 3;
    unsigned flags = ints[size].flags[sext];
    if (sext && type == IR_I64) {
        flags |= OP_W;
    }
    x_rm(h, ints[size].op[sext], flags, d, addend, ea, 0, disp);
    if (aux & IR_MEM_BIG && size) {
        bool wide = size == 3;
        if (size == 1) {
            x_opcode(h, 0xc1, OP_16, 0, 0, d); /* rol d16, 8 */
            x_byte(h, 0xc0 | (d & 7));
            x_byte(h, 8);
        } else {
            x_opcode(h, 0x0fc8 | (d & 7), wide ? OP_W : 0, 0, 0, d);
        }
        if (sext) {
            x_rr(h, size == 1 ? 0x0fbf : 0x63, type == IR_I64 ? OP_W : 0, d, d);
        }
    }
}

void x64_st(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend, unsigned ea, int32_t disp,
            unsigned tmp) {
    unsigned size = aux & IR_MEM_SIZE;
    if (ir_type_is_vec(type)) {
        static const uint32_t ops[] = {[2] = 0x66000f7e, [3] = 0x66000fd6, [4] = 0x0f11};
        h->overflow |= size < 2 || (aux & IR_MEM_BIG); /* front ends do those as integers */
        x_rm(h, ops[size], 0, v.reg, addend, ea, 0, disp);
    } else if (v.kind == HOST_IMM && (!(aux & IR_MEM_BIG) || size == 0)) {
        x_rm(h, size ? 0xc7 : 0xc6, size == 3 ? OP_W : size == 1 ? OP_16 : 0, 0, addend, ea, 0, disp);
        if (size == 0) {
            x_byte(h, (uint8_t)v.imm);
        } else if (size == 1) {
            x_byte(h, (uint8_t)v.imm);
            x_byte(h, (uint8_t)(v.imm >> 8));
        } else {
            x_32(h, (uint32_t)v.imm);
        }
    } else {
        unsigned r = v.reg;
        if (aux & IR_MEM_BIG && size) {
            if (v.kind == HOST_IMM) {
                x_load_imm(h, tmp, (uint64_t)v.imm);
            } else {
                x_mov(h, OP_W, tmp, r);
            }
            r = tmp;
            x_opcode(h, 0x0fc8 | (r & 7), size == 3 ? OP_W : 0, 0, 0, r);
            if (size == 1) {
                x_shift(h, 5, 0, r, 16);
            }
        }
        x_rm(h, size ? 0x89 : 0x88, size == 3 ? OP_W : size == 1 ? OP_16 : size == 0 ? OP_BYTE : 0, r, addend, ea, 0,
             disp);
    }
    if (aux & IR_MEM_RELEASE) {
        fence(h);
    }
}

static void emit_barrier(HostCode *h, const HostOp *op) {
    if (op->node->aux == IR_BARRIER_FULL) {
        fence(h);
    }
}
const HostRule x64_rule_barrier = {NULL, {NULL}, .flags = HOST_RULE_CLOBBERS, .emit = emit_barrier};

/* -- exclusives: the monitor holds {va, size, value}; a store compares and swaps -- */

static void emit_unmon(HostCode *h, const HostOp *op) {
    x_ro(h, 0xc7, OP_W, 0, ENV_AT(excl_addr));
    x_32(h, UINT32_MAX);
}
const HostRule x64_rule_unmon = {NULL, {NULL}, .emit = emit_unmon};

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

static void cold_store(HostCode *h, const HostCold *c, unsigned k) {
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

void x64_cold(HostCode *h, const HostCold *c) {
    if (c->from[0]) {
        x_bind(h, c->from[0]);
    }
    if (c->from[2]) {
        x_bind(h, c->from[2]);
    }
    if (c->hint) {
        cold_hint(h, c);
    }
    if (c->from[1]) {
        x_bind(h, c->from[1]);
    }
    x64_cold_state(h, c);
    if (c->rest) {
        x_ro(h, 0xc7, 0, 0, ENV_AT(insn_rest));
        x_32(h, c->rest);
    }
    if (!c->desc) {
        x64_exit(h, IR_EXIT_SLOW, true, c->insn_off);
        return;
    }
    HostOperand desc = ENV_AT(scratch[0]);
    desc.disp += 8;
    for (unsigned k = 0; k < c->stores; k++) {
        cold_store(h, c, k);
    }
    uint8_t *p = x_begin_n(h, 6);
    p = a_ro(p, 0x89, OP_W, c->ea, ENV_AT(scratch[0]));
    p = a_32(a_ro(p, 0xc7, 0, 0, desc), c->desc);
    p = a_32(a_ro(p, 0xc7, 0, 0, ENV_AT(insn_off)), (uint32_t)c->insn_off);
    *p++ = 0xe8;
    p = a_rel_to(h, p, h->stubs->slow);
    p = a_ro(p, 0x8b, OP_W, c->addend, ENV_AT(scratch[3]));
    *p++ = 0xe9;
    x_end(h, a_32(p, c->back - ((uint32_t)(p - h->start) + 4)));
}
