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

void x64_check(HostCode *h, const HostOp *op, HostFixup from[2]) {
    unsigned ea = op->s[0].reg, t = op->tmp[0], d = op->d.reg, aux = op->node->aux, size = op->node->c;
    unsigned align = aux >> IR_CHECK_ALIGN_SHIFT & 7;
    size_t bank = aux & IR_CHECK_UNPRIV ? offsetof(Env, unpriv) : offsetof(Env, bank);
    HostOperand mask = {.kind = HOST_ENV, .disp = (int32_t)(bank + offsetof(IrTlbBank, mask))};
    HostOperand table = {.kind = HOST_ENV, .disp = (int32_t)(bank + offsetof(IrTlbBank, table))};

    if (align) {
        x64_test(h, IR_I32, op->s[0], (HostOperand){.kind = HOST_IMM, .imm = (1 << align) - 1});
        from[1] = x_jcc(h, CC_NE);
    }
    x_mov(h, OP_W, t, ea);
    x_shift(h, 5, OP_W, t, IR_PAGE_BITS - 5); /* entries have 2^5 bytes */
    x_ro(h, 0x23, OP_W, t, mask);
    x_ro(h, 0x03, OP_W, t, table);
    x_rm(h, 0x8b, OP_W, d, t, RSP, 0,
         aux & IR_CHECK_W ? (int32_t)offsetof(IrTlbEntry, wtag) : (int32_t)offsetof(IrTlbEntry, rtag));
    x_rr(h, 0x33, OP_W, d, ea);
    x_group1(h, 7, OP_W, x_reg(d), (1 << IR_PAGE_BITS) - (int32_t)size);
    from[0] = x_jcc(h, CC_A);
    x_rm(h, 0x8b, OP_W, d, t, RSP, 0, offsetof(IrTlbEntry, addend));
}

void x64_ld(HostCode *h, IrType type, unsigned aux, unsigned d, unsigned addend, unsigned ea, int32_t disp) {
    static const struct {
        uint32_t op[2];    /* zero-extending, sign-extending */
        unsigned flags[2];
    } ints[] = {{{0x0fb6, 0x0fbe}, {0, 0}}, {{0x0fb7, 0x0fbf}, {0, 0}}, {{0x8b, 0x63}, {0, OP_W}},
                {{0x8b, 0x8b}, {OP_W, OP_W}}};
    unsigned size = aux & IR_MEM_SIZE;
    if (ir_type_is_vec(type)) {
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
        x_rm(h, ops[size], 0, v.reg, addend, ea, 0, disp);
    } else if (v.kind == HOST_IMM && !(aux & IR_MEM_BIG)) {
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

static void emit_ll(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE;
    if (ir_type_is_vec(op->type) || op->node->aux & IR_MEM_BIG) {
        h->overflow = true;
        return;
    }
    x64_ld(h, op->type, size, op->d.reg, op->s[0].reg, op->s[1].reg, 0);
    x_ro(h, 0x89, OP_W, op->s[1].reg, ENV_AT(excl_addr));
    x_ro(h, 0x89, OP_W, op->d.reg, ENV_AT(excl_val));
    x_ro(h, 0xc7, 0, 0, ENV_AT(excl_size));
    x_32(h, 1u << size);
}
const HostRule x64_rule_ll = {"r", {"r", "r"}, .flags = HOST_RULE_EARLY, .emit = emit_ll};

static void emit_sc(HostCode *h, const HostOp *op) {
    unsigned size = op->node->aux & IR_MEM_SIZE, d = op->d.reg;
    x_load_imm(h, d, 1);
    x_ro(h, 0x3b, OP_W, op->s[1].reg, ENV_AT(excl_addr));
    HostFixup other = x_jcc(h, CC_NE);
    x_group1(h, 7, 0, ENV_AT(excl_size), 1 << size);
    HostFixup odd = x_jcc(h, CC_NE);
    x_ro(h, 0x8b, OP_W, RAX, ENV_AT(excl_val));
    x_begin(h);
    x_byte(h, 0xf0);
    x_rm(h, size ? 0x0fb1 : 0x0fb0, size == 3 ? OP_W : size == 1 ? OP_16 : size == 0 ? OP_BYTE : 0, op->s[2].reg,
         op->s[0].reg, op->s[1].reg, 0, 0);
    HostFixup lost = x_jcc(h, CC_NE);
    x_load_imm(h, d, 0);
    x_bind(h, other);
    x_bind(h, odd);
    x_bind(h, lost);
    emit_unmon(h, op);
}
const HostRule x64_rule_sc = {"r", {"r", "r", "r"}, .fixed = 1 << RAX,
                              .flags = HOST_RULE_CLOBBERS | HOST_RULE_EARLY, .emit = emit_sc};

/* -- the cold path -- */

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
    for (unsigned k = 0; k < 2; k++) {
        if (c->from[k]) {
            x_bind(h, c->from[k]);
        }
    }
    if (!c->desc) {
        x64_exit(h, IR_EXIT_SLOW, true, c->insn_off);
        return;
    }
    HostOperand desc = ENV_AT(scratch[0]), status = ENV_AT(scratch[0]);
    desc.disp += 8;
    status.disp += 12;
    for (unsigned k = 0; k < c->stores; k++) {
        cold_store(h, c, k);
    }
    x_ro(h, 0x89, OP_W, c->ea, ENV_AT(scratch[0]));
    x_ro(h, 0xc7, 0, 0, desc);
    x_32(h, c->desc);
    x64_store_insn_off(h, c->insn_off);
    x_call_stub(h, h->stubs->slow);
    if (c->stores) {
        x_group1(h, 7, 0, status, HOST_SLOW_DONE);
        x_bind_to(h, x_jcc(h, CC_E), c->done);
    }
    x_ro(h, 0x8b, OP_W, c->addend, ENV_AT(scratch[3]));
    x_bind_to(h, x_jmp(h), c->back);
}
