/* SPDX-License-Identifier: MIT */
/*
 * stubs.c - the code shared by all blocks: entry, exits, and the ways into C.
 *
 * In generated code rbp = env + ENV_BIAS, rsp points at the spill area (16-byte aligned), the pins hold guest slots.
 * Around C, pins that C may change are stored to their slots and loaded again. Blocks with pins of their own have stubs of
 * their own, which go by way of these. With AVX-512, mask register k7 says lane 0.
 */
#include "backend-x86_64/asm.h"
#include "backend-x86_64/vec.h"

const uint8_t x64_pins[9] = {RBX, R12, R13, R14, R15, R8, R9, R10, R11};
const uint8_t x64_vpins[8] = {XMM0 + 8, XMM0 + 9, XMM0 + 10, XMM0 + 11, XMM0 + 12, XMM0 + 13, XMM0 + 14, XMM0 + 15};

enum { FIRST_CALLER_SAVED = 5, FRAME = HOST_SPILL_BYTES + 8, SAVED_XMM = 8 * 16 };

/* Where each pin's slot is. */
typedef struct PinSlots {
    HostOperand pin[X64_PINS], vpin[8];
    bool has[X64_PINS], vhas[8];
    unsigned vpins;
} PinSlots;

static PinSlots find_slots(const IrSlot *slots, unsigned count) {
    PinSlots p = {.vpins = X64_VPINS};
    for (unsigned i = 0; i < count; i++) {
        unsigned k = slots[i].rank;
        HostOperand at = {.kind = HOST_ENV, .disp = (int32_t)slots[i].offset};
        if (slots[i].type == IR_I64 && k >= 1 && k <= X64_PINS) {
            p.pin[k - 1] = at;
            p.has[k - 1] = true;
        } else if (slots[i].type == IR_V128 && k >= 1 && k <= p.vpins) {
            p.vpin[k - 1] = at;
            p.vhas[k - 1] = true;
        }
    }
    return p;
}

/* Loads or stores the pins from number `first` on, and all vector pins. */
static void move_pins(HostCode *h, const PinSlots *p, unsigned first, bool load) {
    for (unsigned i = first; i < X64_PINS; i++) {
        if (p->has[i]) {
            x_ro(h, load ? 0x8b : 0x89, OP_W, x64_pins[i], p->pin[i]);
        }
    }
    for (unsigned i = 0; i < p->vpins; i++) {
        if (p->vhas[i]) {
            x_ro(h, load ? 0x0f28 : 0x0f29, 0, x64_vpins[i], p->vpin[i]);
        }
    }
    if (load) {
        v_lane0_mask(h);
    }
}

static void count_call(HostCode *h) {
    if (h->counting) {
        x_group1(h, 0, OP_W, ENV_AT(calls), 1);
    }
}

static const uint8_t *stub_start(HostCode *h) {
    x_begin(h);
    while (x_offset(h) & 15) {
        x_byte(h, 0xcc);
    }
    return h->exec + x_offset(h);
}

static void push(HostCode *h, unsigned r) {
    x_opcode(h, 0x50 | (r & 7), 0, 0, 0, r);
}
static void pop(HostCode *h, unsigned r) {
    x_opcode(h, 0x58 | (r & 7), 0, 0, 0, r);
}
static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

/* -- MXCSR: in generated code guest rounding and the guest's new exception flags; in C what C had -- */

static void mxcsr_load(HostCode *h, HostOperand from) {
    x_ro(h, 0x0fae, 0, 2, from);
}
static void mxcsr_store(HostCode *h, HostOperand to) {
    x_ro(h, 0x0fae, 0, 3, to);
}

/* FpRound to MXCSR.RC by a table of two-bit fields. Uses rax and rcx. */
static void fp_begin(HostCode *h) {
    mxcsr_store(h, ENV_AT(host_fp_c));
    x_ro(h, 0x0fb6, 0, RCX, ENV_AT(fp.round));
    x_rr(h, 0x03, 0, RCX, RCX);
    x_load_imm(h, RAX, 0 << 2 * FP_RNE | 2 << 2 * FP_RUP | 1 << 2 * FP_RDN | 3 << 2 * FP_RTZ);
    x_rr(h, 0xd3, 0, 5, RAX); /* shr eax, cl */
    x_group1(h, 4, 0, x_reg(RAX), 3);
    x_shift(h, 4, 0, RAX, 13);
    x_group1(h, 1, 0, x_reg(RAX), 0x1f80);
    x_ro(h, 0x89, 0, RAX, ENV_AT(host_fp));
    mxcsr_load(h, ENV_AT(host_fp));
}

/* What the host has noticed goes to env.fp.flags, and is gone from env.host_fp. IE ZE OE UE PE are bits 0 and 2 to 5;
 * bit 1, a denormal operand, is nothing to a guest. Uses r8 and r9. */
static void fp_fold(HostCode *h) {
    mxcsr_store(h, ENV_AT(host_fp));
    mxcsr_load(h, ENV_AT(host_fp_c));
    x_ro(h, 0x0fb6, 0, R8, ENV_AT(host_fp));
    x_group1(h, 4, 0, x_reg(R8), 0x3d);
    HostFixup none = x_jcc(h, CC_E);
    x_mov(h, 0, R9, R8);
    x_shift(h, 5, 0, R9, 1);
    x_group1(h, 4, 0, x_reg(R9), 0x1e);
    x_group1(h, 4, 0, x_reg(R8), 1);
    x_rr(h, 0x0b, 0, R8, R9);
    x_ro(h, 0x09, 0, R8, ENV_AT(fp.flags));
    x_group1(h, 4, 0, ENV_AT(host_fp), ~0x3f);
    x_bind(h, none);
}

static void *entry(HostCode *h, const PinSlots *p) {
    const uint8_t *at = stub_start(h);
    for (unsigned i = 0; i < G_N_ELEMENTS(callee_saved); i++) {
        push(h, callee_saved[i]);
    }
    x_group1(h, 5, OP_W, x_reg(RSP), FRAME);
    x_rm(h, 0x8d, OP_W, RBP, RDI, RSP, 0, ENV_BIAS);
    fp_begin(h);
    move_pins(h, p, 0, true);
    x_rr(h, 0xff, 0, 4, RSI);
    return (void *)(uintptr_t)at;
}

/* Ends the stay in generated code; rax = what `enter` returns. */
static const uint8_t *unwind(HostCode *h) {
    const uint8_t *at = stub_start(h);
    fp_fold(h);
    x_group1(h, 0, OP_W, x_reg(RSP), FRAME);
    for (unsigned i = G_N_ELEMENTS(callee_saved); i-- > 0;) {
        pop(h, callee_saved[i]);
    }
    x_byte(h, 0xc3);
    return at;
}

/* The target of a jump loses its tag byte. */
static void sext_va(HostCode *h) {
    x_shift(h, 4, OP_W, RDI, 8);
    x_shift(h, 7, OP_W, RDI, 8);
}

/* Exits that store the pins first: `leave` (rax set), `chain`, `pending`, `miss`, `pending_va`, the last two
 * also for targets with tags and for jumps out of the page. And ways on without leaving, by the jump cache, to env.pc (`resume_pc`) or rdi (`resume`). */
static void exits(HostCode *h, HostStubs *s, const PinSlots *p, const uint8_t *out) {
    s->leave = stub_start(h);
    move_pins(h, p, 0, false);
    x_jmp_stub(h, out);

    s->chain = stub_start(h);
    x_shift(h, 4, OP_W, RAX, 32);
    x_group1(h, 1, OP_W, x_reg(RAX), HOST_LEFT_CHAIN);
    x_jmp_stub(h, s->leave);

    s->pending = stub_start(h);
    x_rr(h, 0x63, OP_W, RAX, RAX); /* movsxd */
    x_ro(h, 0x03, OP_W, RAX, ENV_AT(pcbase));
    x_ro(h, 0x89, OP_W, RAX, ENV_AT(pc));
    x_load_imm(h, RAX, IR_EXIT_PENDING);
    x_jmp_stub(h, s->leave);

    s->miss_sext = stub_start(h);
    sext_va(h);
    s->miss = h->exec + x_offset(h);
    x_ro(h, 0x89, OP_W, RDI, ENV_AT(pc));
    x_load_imm(h, RAX, IR_EXIT_NEXT);
    x_jmp_stub(h, s->leave);

    s->miss_far = stub_start(h);
    x_mov(h, OP_W, RDI, RSI);
    x_ro(h, 0x33, OP_W, RDI, ENV_AT(space));
    x_jmp_stub(h, s->miss);

    s->pending_sext = stub_start(h);
    sext_va(h);
    s->pending_va = h->exec + x_offset(h);
    x_ro(h, 0x89, OP_W, RDI, ENV_AT(pc));
    x_load_imm(h, RAX, IR_EXIT_PENDING);
    x_jmp_stub(h, s->leave);

    s->pending_far = stub_start(h);
    x_mov(h, OP_W, RDI, RSI);
    x_jmp_stub(h, s->pending_va);

    s->resume_pc = stub_start(h);
    x_ro(h, 0x8b, OP_W, RDI, ENV_AT(pc));
    s->resume = h->exec + (h->p - h->start);
    h->stubs = s;
    x64_indirect(h, RDI, false);
}

static const uint8_t scratch[] = {RAX, RCX, RDX, RSI, RDI};

/* Looks where a page goes that another one has pushed out of its entry: returns from the stub when it is there, but for
 * one time in many. Touches no pin and calls no C. */
static void second_choice(HostCode *h) {
    HostOperand size = ENV_AT(scratch[0]), aux = ENV_AT(scratch[0]);
    size.disp += 8;
    aux.disp += 9;
    x_ro(h, 0xf6, 0, 0, aux); /* test byte: misaligned accesses and other banks are C's */
    x_byte(h, IR_CHECK_ALIGN | IR_CHECK_UNPRIV);
    HostFixup other = x_jcc(h, CC_NE);
    push(h, RAX);
    push(h, RCX);
    push(h, RDX);
    x_ro(h, 0x8b, OP_W, RAX, ENV_AT(scratch[0]));
    x_mov(h, OP_W, RCX, RAX);
    x_shift(h, 5, OP_W, RCX, IR_PAGE_BITS);
    x_mov(h, OP_W, RDX, RCX);
    x_shift(h, 5, OP_W, RDX, IR_TLB_VICTIM_BITS);
    x_rr(h, 0x33, 0, RCX, RDX);
    x_group1(h, 4, 0, x_reg(RCX), IR_TLB_VICTIMS - 1);
    x_shift(h, 4, 0, RCX, 5);
    x_ro(h, 0x03, OP_W, RCX, (HostOperand){.kind = HOST_ENV, .disp = offsetof(Env, bank) + offsetof(IrTlbBank, table)});
    const int32_t base = -(int32_t)(IR_TLB_VICTIMS * sizeof(IrTlbEntry));
    x_rm(h, 0x8b, OP_W, RDX, RCX, RSP, 0, base + (int32_t)offsetof(IrTlbEntry, rtag));
    x_ro(h, 0xf6, 0, 0, aux);
    x_byte(h, IR_CHECK_W);
    x_rm(h, 0x0f45, OP_W, RDX, RCX, RSP, 0, base + (int32_t)offsetof(IrTlbEntry, wtag)); /* cmovne */
    x_rr(h, 0x33, OP_W, RDX, RAX);
    x_ro(h, 0x0fb6, 0, RAX, size);
    x_rr(h, 0xf7, OP_W, 3, RAX); /* neg */
    x_group1(h, 0, OP_W, x_reg(RAX), 1 << IR_PAGE_BITS);
    x_rr(h, 0x3b, OP_W, RDX, RAX);
    HostFixup miss = x_jcc(h, CC_A);
    x_group1(h, 5, 0, ENV_AT(second_hits), 1);
    HostFixup enough = x_jcc(h, CC_S);
    x_rm(h, 0x8b, OP_W, RDX, RCX, RSP, 0, base + (int32_t)offsetof(IrTlbEntry, addend));
    x_ro(h, 0x89, OP_W, RDX, ENV_AT(scratch[3]));
    pop(h, RDX);
    pop(h, RCX);
    pop(h, RAX);
    x_byte(h, 0xc3);
    x_bind(h, miss);
    x_bind(h, enough);
    pop(h, RDX);
    pop(h, RCX);
    pop(h, RAX);
    x_bind(h, other);
}

/* The cold path of a check: keeps every register; see HostSlow. Input and output in env.scratch. */
static void slow_stub(HostCode *h, HostStubs *s, const PinSlots *p, const uint8_t *out, HostSlowFn *slow) {
    HostOperand desc = ENV_AT(scratch[0]);
    desc.disp += 8;
    s->slow = stub_start(h);
    second_choice(h);
    for (unsigned i = 0; i < G_N_ELEMENTS(scratch); i++) {
        push(h, scratch[i]);
    }
    x_group1(h, 5, OP_W, x_reg(RSP), SAVED_XMM); /* 8 + 5 * 8 + 128: aligned */
    for (unsigned i = 0; i < 8; i++) {
        x_rm(h, 0x0f29, 0, XMM0 + i, RSP, RSP, 0, (int32_t)i * 16);
    }
    move_pins(h, p, 0, false);
    x_rm(h, 0x8d, OP_W, RDI, RBP, RSP, 0, -ENV_BIAS);
    x_ro(h, 0x8b, OP_W, RSI, ENV_AT(scratch[0]));
    x_ro(h, 0x8b, 0, RDX, desc);
    x_load_imm(h, RAX, (uint64_t)(uintptr_t)slow);
    fp_fold(h);
    x_rr(h, 0xff, 0, 2, RAX);
    mxcsr_load(h, ENV_AT(host_fp));
    x_group1(h, 7, 0, x_reg(RAX), HOST_SLOW_LEAVE);
    HostFixup leave = x_jcc(h, CC_E);
    move_pins(h, p, FIRST_CALLER_SAVED, true);
    for (unsigned i = 0; i < 8; i++) {
        x_rm(h, 0x0f28, 0, XMM0 + i, RSP, RSP, 0, (int32_t)i * 16);
    }
    x_group1(h, 0, OP_W, x_reg(RSP), SAVED_XMM);
    for (unsigned i = G_N_ELEMENTS(scratch); i-- > 0;) {
        pop(h, scratch[i]);
    }
    x_byte(h, 0xc3);
    x_bind(h, leave); /* C has changed guest registers in their slots: the pins are not stored again */
    x_group1(h, 0, OP_W, x_reg(RSP), SAVED_XMM + (int32_t)sizeof scratch * 8 + 8);
    x_ro(h, 0x8b, 0, RAX, ENV_AT(exit_reason));
    x_jmp_stub(h, out);
}

/* Helpers: rax = byte offset into the table, arguments 1 to 3 in place, 4 and 5 in env.bounce. */
static const uint8_t *helper_stub(HostCode *h, const HostStubs *s, const PinSlots *p, const uint8_t *out, bool state) {
    HostOperand fourth = ENV_AT(bounce), fifth = ENV_AT(bounce);
    fourth.disp += 48;
    fifth.disp += 64;
    unsigned first = state ? 0 : FIRST_CALLER_SAVED;
    const uint8_t *at = stub_start(h);
    count_call(h);
    move_pins(h, p, first, false);
    fp_fold(h);
    x_rm(h, 0x8d, OP_W, RDI, RBP, RSP, 0, -ENV_BIAS);
    x_ro(h, 0x8b, OP_W, R8, fourth);
    x_ro(h, 0x8b, OP_W, R9, fifth);
    x_ro(h, 0x8b, OP_W, R10, ENV_AT(helper_table));
    x_group1(h, 5, OP_W, x_reg(RSP), 8);
    x_rm(h, 0xff, 0, 2, R10, RAX, 0, 0);
    x_group1(h, 0, OP_W, x_reg(RSP), 8);
    mxcsr_load(h, ENV_AT(host_fp));
    if (state) {
        x_group1(h, 7, 0, ENV_AT(fault), 0);
        HostFixup fault = x_jcc(h, CC_NE);
        move_pins(h, p, first, true);
        x_byte(h, 0xc3);
        x_bind(h, fault);
        x_ro(h, 0xc7, 0, 0, ENV_AT(fault));
        x_32(h, 0);
        x_group1(h, 0, OP_W, x_reg(RSP), 8);
        if (h->stays) {
            move_pins(h, p, first, true);
            x_jmp_stub(h, s->resume_pc);
        } else {
            x_load_imm(h, RAX, IR_EXIT_FAULT);
            x_jmp_stub(h, out);
        }
    } else {
        move_pins(h, p, first, true);
        x_byte(h, 0xc3);
    }
    return at;
}

/* Ops in C: rax = byte offset into the op table, rcx = info; operands and result in env.scratch. */
static const uint8_t *op_stub(HostCode *h, const PinSlots *p) {
    static const uint8_t regs[] = {RDX, RCX, R8, RSI}; /* scratch[0..2] = operands, scratch[3] = result */
    const uint8_t *at = stub_start(h);
    count_call(h);
    move_pins(h, p, FIRST_CALLER_SAVED, false);
    x_mov(h, OP_W, R9, RCX);
    x_rm(h, 0x8d, OP_W, RDI, RBP, RSP, 0, -ENV_BIAS);
    for (unsigned k = 0; k < 4; k++) {
        int32_t disp = (int32_t)(offsetof(Env, scratch) + k * sizeof(IrVal)) - ENV_BIAS;
        x_rm(h, 0x8d, OP_W, regs[k], RBP, RSP, 0, disp);
    }
    x_ro(h, 0x8b, OP_W, R10, ENV_AT(op_table));
    x_group1(h, 5, OP_W, x_reg(RSP), 8);
    x_rm(h, 0xff, 0, 2, R10, RAX, 0, 0);
    x_group1(h, 0, OP_W, x_reg(RSP), 8);
    move_pins(h, p, FIRST_CALLER_SAVED, true);
    x_byte(h, 0xc3);
    return at;
}

bool x64_make_stubs(HostCode *h, HostStubs *s, const IrSlot *slots, unsigned slot_count, HostSlowFn *slow) {
    PinSlots p = find_slots(slots, slot_count);
    union {
        void *data;
        uint64_t (*fn)(Env *, const void *);
    } enter;
    enter.data = entry(h, &p);
    s->enter = enter.fn;
    const uint8_t *out = unwind(h);
    exits(h, s, &p, out);
    slow_stub(h, s, &p, out, slow);
    s->call_state = helper_stub(h, s, &p, out, true);
    s->call_pure = helper_stub(h, s, &p, out, false);
    s->op_call = op_stub(h, &p);
    return !h->overflow;
}

/* -- a block with pins of its own -- */

/* Of registers that C keeps, only who reads or writes guest state wants to know. */
static bool is_lost(const HostPin *p) {
    return p->type == IR_V128 || (p->reg >= R8 && p->reg <= R11);
}

/* A call of `stub`, on the very stack that it would find without this: the way back waits in env. */
static const uint8_t *own_call(HostCode *h, const HostPins *pins, const uint8_t *stub, bool state) {
    const uint8_t *at = stub_start(h);
    x_ro(h, 0x8f, 0, 0, ENV_AT(host_tmp)); /* pop */
    for (unsigned k = 0; k < pins->count; k++) {
        if (state || is_lost(&pins->pin[k])) {
            host_pins_leave_one(h, &pins->pin[k]);
        }
    }
    x_call_stub(h, stub);
    for (unsigned k = 0; k < pins->count; k++) {
        if (state || is_lost(&pins->pin[k])) {
            host_pins_load_own(h, &pins->pin[k]);
        }
    }
    x_ro(h, 0xff, 0, 4, ENV_AT(host_tmp));
    return at;
}

static const uint8_t *own_jump(HostCode *h, const HostPins *pins, const uint8_t *stub) {
    const uint8_t *at = stub_start(h);
    host_pins_leave(h, pins);
    x_jmp_stub(h, stub);
    return at;
}

void x64_own_stubs(HostCode *h, HostStubs *own, const HostStubs *stubs, const HostPins *pins) {
    *own = *stubs;
    own->slow = own_call(h, pins, stubs->slow, true);
    own->call_state = own_call(h, pins, stubs->call_state, true);
    own->call_pure = own_call(h, pins, stubs->call_pure, false);
    own->op_call = own_call(h, pins, stubs->op_call, false);
    own->op_call_kept = own_call(h, pins, stubs->op_call_kept, false);
    own->leave = own_jump(h, pins, stubs->leave);
    own->resume = own_jump(h, pins, stubs->resume);
    own->resume_pc = own_jump(h, pins, stubs->resume_pc);
    stub_start(h);
}
