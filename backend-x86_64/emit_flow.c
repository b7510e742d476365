/* SPDX-License-Identifier: MIT */
/*
 * emit_flow.c - condition flags, jumps between blocks, leaving, and calls into C.
 */
#include "backend-x86_64/asm.h"
#include "backend-x86_64/x64.h"

/* -- flags -- */

void x64_compare(HostCode *h, IrType type, HostOperand a, HostOperand b) {
    if (b.kind == HOST_IMM && b.imm == 0) {
        x_rr(h, 0x85, x_w(type), a.reg, a.reg); /* carry and overflow are those of a - 0 */
    } else {
        x_alu(h, 7, x_w(type), a.reg, b);
    }
}

void x64_test(HostCode *h, IrType type, HostOperand a, HostOperand b) {
    if (b.kind == HOST_IMM) {
        unsigned w = b.imm >= 0 ? 0 : x_w(type); /* a positive mask cannot reach the sign */
        if (b.imm >= 0 && b.imm < 0x80) {
            x_rr(h, 0xf6, OP_BYTE, 0, a.reg);
            x_byte(h, (uint8_t)b.imm);
        } else {
            x_rr(h, 0xf7, w, 0, a.reg);
            x_32(h, (uint32_t)b.imm);
        }
    } else {
        x_rr(h, 0x85, x_w(type), b.reg, a.reg);
    }
}

void x64_flags_save(HostCode *h, HostPolarity p, HostOperand to, bool rax_free) {
    if (!rax_free) {
        x_ro(h, 0x89, OP_W, RAX, ENV_AT(host_tmp));
    }
    x_begin(h);
    if (p == HOST_FLAGS_SUB) {
        x_byte(h, 0xf5); /* cmc */
    }
    x_byte(h, 0x9f);             /* lahf */
    x_rr(h, 0x0f90, 0, 0, RAX);  /* seto al */
    if (to.kind != HOST_REG) {
        x_ro(h, 0x89, OP_16, RAX, to);
    }
    if (!rax_free) {
        x_ro(h, 0x8b, OP_W, RAX, ENV_AT(host_tmp));
    }
}

int x64_flags_cc(unsigned cond, HostPolarity p) {
    static const int8_t sub[] = {CC_E, CC_NE, CC_AE, CC_B, CC_S, CC_NS, CC_O, CC_NO, CC_A, CC_BE, CC_GE, CC_L, CC_G, CC_LE};
    if (cond >= G_N_ELEMENTS(sub)) {
        return -1;
    }
    if (p == HOST_FLAGS_ADD) {
        switch (cond) {
        case IR_CS: return CC_B;
        case IR_CC: return CC_AE;
        case IR_HI: case IR_LS: return -1;
        default: break;
        }
    }
    return sub[cond];
}

int x64_flags_test(HostCode *h, unsigned cond, HostOperand from, unsigned tmp) {
    static const struct {
        uint8_t byte, mask;
    } simple[] = {[IR_EQ >> 1] = {1, 0x40}, [IR_CS >> 1] = {1, 0x01}, [IR_MI >> 1] = {1, 0x80}, [IR_VS >> 1] = {0, 1}};
    if (cond >= 14) { /* always */
        x_rr(h, 0x3b, 0, RSP, RSP);
        return CC_E;
    }
    if (cond <= IR_VC && from.kind == HOST_REG) {
        x_rr(h, 0xf7, 0, 0, from.reg);
        x_32(h, (uint32_t)simple[cond >> 1].mask << simple[cond >> 1].byte * 8);
        return cond & 1 ? CC_E : CC_NE;
    } else if (cond <= IR_VC) {
        from.disp += simple[cond >> 1].byte;
        x_ro(h, 0xf6, 0, 0, from);
        x_byte(h, simple[cond >> 1].mask);
        return cond & 1 ? CC_E : CC_NE;
    }
    if (from.kind != HOST_REG) {
        x_ro(h, 0x0fb7, 0, tmp, from);
    } else if (from.reg != tmp) {
        x_mov(h, 0, tmp, from.reg);
    }
    x_begin(h);
    x_byte(h, 0x04); /* add al, 0x7f: overflows when al = 1 */
    x_byte(h, 0x7f);
    x_byte(h, 0x9e); /* sahf */
    if (cond == IR_HI || cond == IR_LS) {
        x_byte(h, 0xf5);
        return cond == IR_HI ? CC_A : CC_BE;
    }
    return x64_flags_cc(cond, HOST_FLAGS_SUB);
}

void x64_flags_select(HostCode *h, int cc, IrType type, HostOperand a, HostOperand b, int32_t image) {
    HostFixup constant = x_jcc(h, (unsigned)cc);
    x64_compare(h, type, a, b);
    HostFixup done = x_jmp(h);
    x_bind(h, constant);
    x_load_imm(h, RAX, (uint32_t)(image ^ IR_FLAG_C)); /* the carry is a borrow here */
    x_begin(h);
    x_byte(h, 0x04); /* add al, 0x7f: overflows when al = 1 */
    x_byte(h, 0x7f);
    x_byte(h, 0x9e); /* sahf */
    x_bind(h, done);
}

void x64_carry_in(HostCode *h, HostPolarity from, HostPolarity wanted) {
    if (from != wanted) {
        x_begin(h);
        x_byte(h, 0xf5);
    }
}

void x64_carry_load(HostCode *h, HostOperand from, bool bit, HostPolarity wanted) {
    x_ro(h, 0x0fba, from.kind == HOST_REG ? 0 : OP_16, 4, from); /* bt */
    x_byte(h, bit ? 0 : 8);
    x64_carry_in(h, HOST_FLAGS_ADD, wanted);
}

void x64_carry_save(HostCode *h, HostPolarity p, HostOperand to) {
    x_ro(h, 0x0f90 | (p == HOST_FLAGS_ADD ? CC_B : CC_AE), OP_BYTE, 0, to);
}

int x64_carry_test(HostCode *h, unsigned cond, HostOperand from) {
    x_ro(h, 0xf6, OP_BYTE, 0, from);
    x_byte(h, 1);
    return cond == IR_CS ? CC_NE : CC_E;
}

void x64_csel(HostCode *h, IrType type, int cc, unsigned d, unsigned s) {
    x_rr(h, 0x0f40 | (unsigned)cc, x_w(type), d, s);
}

void x64_cset(HostCode *h, int cc, unsigned d) {
    x_load_imm(h, d, 0);
    x_rr(h, 0x0f90 | (unsigned)cc, OP_BYTE, 0, d);
}

/* -- jumps between blocks -- */

void x64_align(HostCode *h, unsigned bytes) {
    static const uint8_t nops[] = {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}; /* nop [rax + rax + disp32], with prefixes up to 15 bytes */
    unsigned n = -x_offset(h) & (bytes - 1);
    while (n) {
        unsigned some = MIN(n, 11);
        x_begin(h);
        if (some < sizeof nops) {
            memset(h->p, 0x90, some);
        } else {
            memset(h->p, 0x66, some - sizeof nops);
            memcpy(h->p + some - sizeof nops, nops, sizeof nops);
        }
        h->p += some;
        n -= some;
    }
}

int x64_poll(HostCode *h) {
    x_group1(h, 7, 0, ENV_AT(pending), 0);
    return CC_GE;
}

HostFixup x64_budget(HostCode *h, unsigned insns, uint32_t *host) {
    x_group1(h, 5, 0, ENV_AT(budget), (int32_t)insns);
    HostFixup spent = x_jcc(h, CC_L);
    x_ro(h, 0x81, OP_W, 0, ENV_AT(host_insns)); /* add qword, imm32 */
    x_32(h, 0);
    *host = x_offset(h) - 4;
    h->insns = 0;
    return spent;
}

void x64_refund(HostCode *h, unsigned insns) {
    x_group1(h, 0, 0, ENV_AT(budget), (int32_t)insns);
}

/* eax = value; jmp stub */
static void jump_with(HostCode *h, uint32_t value, const uint8_t *stub) {
    uint8_t *p = x_begin_n(h, 2);
    p = a_mov_imm32(p, RAX, value);
    x_end(h, a_jmp_stub(h, p, stub));
}

void x64_pending_exit(HostCode *h, int32_t off) {
    jump_with(h, (uint32_t)off, h->stubs->pending);
}

/* The displacement is aligned, so that it changes in one piece under a running CPU: prefixes without a meaning here (CS)
 * move it. */
uint32_t x64_chain_jump(HostCode *h, int cc) {
    enum { CS = 0x2e2e2e2e };
    uint8_t *p = x_begin_n(h, 1);
    unsigned opcode = cc == HOST_ALWAYS ? 1 : 2;
    a_32(p, CS);
    p += -((uintptr_t)(h->exec + (p - h->start)) + opcode) & 3;
    if (cc == HOST_ALWAYS) {
        *p++ = 0xe9;
        x_end(h, a_32(p, 0));
    } else {
        x_end(h, a_jcc(p, (unsigned)cc));
    }
    return x_offset(h) - 4;
}

void x64_chain_stub(HostCode *h, uint32_t id) {
    jump_with(h, id, h->stubs->chain);
}

void x64_patch(uint8_t *displacement, const uint8_t *exec_of_it, const uint8_t *to) {
    uint32_t rel = (uint32_t)(to - (exec_of_it + 4));
    __atomic_store_n((uint32_t *)(void *)displacement, rel, __ATOMIC_RELEASE);
}

enum { JUMP_INDEX = ((1 << IR_JUMP_BITS) - 1) << 2, PAGE_MASK = -(1 << IR_PAGE_BITS) };

/* Goes to the code for rsi ^ env.space if the jump cache's entry at rax * 4 (entries have 16 bytes) + disp knows it. rdi: the
 * page it is on, or with `whole` the address itself. */
static uint8_t *jump_cached(HostCode *h, uint8_t *p, int32_t disp, bool whole, const uint8_t *miss) {
    disp += (int32_t)offsetof(Env, jumps) - ENV_BIAS;
    p = a_rm(p, 0x3b, OP_W, RSI, RBP, RAX, 2, disp);
    p = a_jcc_stub(h, p, CC_NE, miss);
    if (whole) {
        p = a_group1(p, 4, OP_W, x_reg(RDI), PAGE_MASK);
    }
    p = a_ro(p, 0x89, OP_W, RDI, ENV_AT(pcbase));
    return a_rm(p, 0xff, 0, 4, RBP, RAX, 2, disp + (int32_t)offsetof(IrJump, host));
}

/* Everything is dead by now except the pins. What stands in the cache is no tagged address, so that only one that is not
 * found need be cleaned. */
void x64_indirect(HostCode *h, unsigned va, bool sext) {
    const HostStubs *s = h->stubs;
    uint8_t *p = x_begin_n(h, 11 + (va != RDI));
    if (va != RDI) {
        p = a_rr(p, 0x8b, OP_W, RDI, va);
    }
    p = a_group1(p, 7, 0, ENV_AT(pending), 0);
    p = a_jcc_stub(h, p, CC_L, sext ? s->pending_sext : s->pending_va);
    p = a_ro(p, 0x8b, OP_W, RSI, ENV_AT(space));
    p = a_rr(p, 0x33, OP_W, RSI, RDI);
    p = a_rr(p, 0x8b, 0, RAX, RDI);
    p = a_group1(p, 4, 0, x_reg(RAX), JUMP_INDEX);
    x_end(h, jump_cached(h, p, 0, true, sext ? s->miss_sext : s->miss));
}

/* The same where the place in a page is known: that page alone is looked after. */
void x64_far_jump(HostCode *h, int32_t off, bool poll) {
    int32_t page = off & PAGE_MASK, in_page = off & ~PAGE_MASK;
    uint8_t *p = x_begin_n(h, 9 + (page ? 1 : 0) + (poll ? 2 : 0));
    p = a_ro(p, 0x8b, OP_W, RDI, ENV_AT(pcbase));
    if (page) {
        p = a_group1(p, 0, OP_W, x_reg(RDI), page);
    }
    p = a_rm(p, 0x8d, OP_W, RSI, RDI, RSP, 0, in_page);
    if (poll) {
        p = a_group1(p, 7, 0, ENV_AT(pending), 0);
        p = a_jcc_stub(h, p, CC_L, h->stubs->pending_far);
    }
    p = a_ro(p, 0x33, OP_W, RSI, ENV_AT(space));
    p = a_rr(p, 0x8b, 0, RAX, RDI);
    p = a_group1(p, 4, 0, x_reg(RAX), JUMP_INDEX & PAGE_MASK);
    x_end(h, jump_cached(h, p, in_page * 4, false, h->stubs->miss_far));
}
G_STATIC_ASSERT(sizeof(IrJump) == 16);

void x64_exit(HostCode *h, unsigned reason, bool set_pc, int32_t off) {
    bool stays = h->stays && (reason == IR_EXIT_SYNC || reason == IR_EXIT_PC_SET);
    uint8_t *p = x_begin_n(h, (set_pc ? 2 : 0) + (stays ? 1 : set_pc ? 3 : 2));
    if (set_pc) {
        p = a_ro(p, 0x8b, OP_W, RDI, ENV_AT(pcbase));
        p = a_rm(p, 0x8d, OP_W, RDI, RDI, RSP, 0, off);
    }
    if (stays) {
        x_end(h, a_jmp_stub(h, p, set_pc ? h->stubs->resume : h->stubs->resume_pc));
        return;
    }
    if (set_pc) {
        p = a_ro(p, 0x89, OP_W, RDI, ENV_AT(pc));
    }
    x_end(h, a_jmp_stub(h, a_mov_imm32(p, RAX, reason), h->stubs->leave));
}

/* -- calls -- */

void x64_store_insn_off(HostCode *h, int32_t off) {
    x_ro(h, 0xc7, 0, 0, ENV_AT(insn_off));
    x_32(h, (uint32_t)off);
}

void x64_call_op(HostCode *h, unsigned op, uint64_t info) {
    x_load_imm(h, RAX, op * sizeof(IrOpInfo) + offsetof(IrOpInfo, interp));
    x_load_imm(h, RCX, info);
    x_call_stub(h, h->stubs->op_call);
}

/* Arguments are immediates or stand in env.bounce; the fourth and fifth are loaded by the stub. */
void x64_call_helper(HostCode *h, unsigned helper, unsigned flags, const HostOperand *args, const IrType *types,
                     unsigned n, int32_t insn_off) {
    static const uint8_t regs[] = {RSI, RDX, RCX};
    for (unsigned k = 0; k < n; k++) {
        HostOperand memory = ENV_AT(bounce);
        memory.disp += (int32_t)k * 16;
        unsigned to = k < G_N_ELEMENTS(regs) ? regs[k] : RAX;
        if (types[k] == IR_V128) {
            x_rm(h, 0x8d, OP_W, to, RBP, RSP, 0, memory.disp - ENV_BIAS);
        } else if (args[k].kind == HOST_IMM) {
            x_load_imm(h, to, (uint64_t)args[k].imm);
        } else {
            x_ro(h, 0x8b, OP_W, to, args[k]);
        }
        if (to == RAX) {
            x_ro(h, 0x89, OP_W, RAX, memory);
        }
    }
    if (flags & IRH_PC) {
        x64_store_insn_off(h, insn_off);
    }
    x_load_imm(h, RAX, helper * sizeof(IrHelper) + offsetof(IrHelper, fn));
    x_call_stub(h, flags & (IRH_READS | IRH_WRITES) ? h->stubs->call_state : h->stubs->call_pure);
}
