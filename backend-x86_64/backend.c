/* SPDX-License-Identifier: MIT */
/*
 * backend.c - the x86-64 host as tcg/ sees it: registers, moves, the table of rules. README.md has the contract.
 */
#include "backend-x86_64/asm.h"
#include "backend-x86_64/x64.h"

static const HostRule *const rules[IR_OPS] = {
#define RULE(name) [IR_##name] = &x64_rule_##name,
    X64_INT_RULES(RULE) X64_VEC_RULES(RULE) X64_MEM_RULES(RULE)
#undef RULE
};

static void mov(HostCode *h, IrType type, unsigned d, unsigned s) {
    if (ir_type_is_vec(type)) {
        x_rr(h, 0x0f28, 0, d, s); /* movaps */
    } else {
        x_mov(h, type == IR_I32 ? 0 : OP_W, d, s);
    }
}

static void load(HostCode *h, IrType type, unsigned d, HostOperand mem) {
    switch (type) {
    case IR_I8: x_ro(h, 0x0fb6, 0, d, mem); break;
    case IR_I16: case IR_FLAGS: x_ro(h, 0x0fb7, 0, d, mem); break;
    case IR_I32: x_ro(h, 0x8b, 0, d, mem); break;
    case IR_V128: x_ro(h, 0x0f28, 0, d, mem); break;
    case IR_F64: x_ro(h, 0xf3000f7e, 0, d, mem); break;
    case IR_F32: case IR_F16: x_ro(h, 0x66000f6e, 0, d, mem); break;
    default: x_ro(h, 0x8b, OP_W, d, mem); break;
    }
}

static void store(HostCode *h, IrType type, HostOperand mem, unsigned s) {
    switch (type) {
    case IR_I8: x_ro(h, 0x88, OP_BYTE, s, mem); break;
    case IR_I16: case IR_FLAGS: x_ro(h, 0x89, OP_16, s, mem); break;
    case IR_I32: x_ro(h, 0x89, 0, s, mem); break;
    case IR_V128: x_ro(h, 0x0f29, 0, s, mem); break;
    case IR_F64: case IR_F32: case IR_F16: x_ro(h, 0x66000fd6, 0, s, mem); break;
    default: x_ro(h, 0x89, OP_W, s, mem); break;
    }
}

static void store_imm(HostCode *h, IrType type, HostOperand mem, int32_t imm) {
    x_ro(h, type == IR_I8 ? 0xc6 : 0xc7, type == IR_I64 ? OP_W : type == IR_I16 || type == IR_FLAGS ? OP_16 : 0, 0, mem);
    if (type == IR_I8) {
        x_byte(h, (uint8_t)imm);
    } else if (type == IR_I16 || type == IR_FLAGS) {
        x_byte(h, (uint8_t)imm);
        x_byte(h, (uint8_t)(imm >> 8));
    } else {
        x_32(h, (uint32_t)imm);
    }
}

static void load_imm(HostCode *h, IrType type, unsigned d, uint64_t value) {
    x_load_imm(h, d, type == IR_I32 ? (uint32_t)value : value);
}

static void zext32(HostCode *h, unsigned d, unsigned s) {
    x_mov(h, 0, d, s);
}

static HostFixup jump_if(HostCode *h, int cc) {
    return x_jcc(h, (unsigned)cc);
}

static void bind(HostCode *h, HostFixup f) {
    x_bind(h, f);
}

const Backend backend_x86_64 = {
    .name = "x86_64",
    .vec_base = XMM0,
    .scratch = 1 << RAX | 1 << RCX | 1 << RDX | 1 << RSI | 1 << RDI | 0xffu << XMM0,
    .pins = x64_pins,
    .vpins = x64_vpins,
    .pin_count = X64_PINS,
    .vpin_count = X64_VPINS,
    .shift_reg = RCX,
    .result_reg = RAX,
    .rules = rules,
    .sum = &x64_rule_sum,
    .difference = &x64_rule_difference,
    .make_stubs = x64_make_stubs,
    .mov = mov,
    .load = load,
    .store = store,
    .store_imm = store_imm,
    .load_imm = load_imm,
    .zext32 = zext32,
    .flags_save = x64_flags_save,
    .flags_cc = x64_flags_cc,
    .flags_test = x64_flags_test,
    .compare = x64_compare,
    .test = x64_test,
    .flags_select = x64_flags_select,
    .carry_in = x64_carry_in,
    .carry_load = x64_carry_load,
    .csel = x64_csel,
    .cset = x64_cset,
    .check = x64_check,
    .ld = x64_ld,
    .st = x64_st,
    .cold = x64_cold,
    .jump_if = jump_if,
    .bind = bind,
    .poll = x64_poll,
    .pending_exit = x64_pending_exit,
    .chain_jump = x64_chain_jump,
    .chain_stub = x64_chain_stub,
    .indirect = x64_indirect,
    .exit = x64_exit,
    .patch = x64_patch,
    .call_op = x64_call_op,
    .call_helper = x64_call_helper,
    .store_insn_off = x64_store_insn_off,
};
