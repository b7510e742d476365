/* SPDX-License-Identifier: MIT */
/*
 * guest.h - the made-up guest of the random programs: slots of every type, with and without a host register of their
 * own, helpers of every kind, and six pages of memory: RAM, read-only, device, refusing device, RAM, RAM.
 */
#ifndef TESTS_JIT_GUEST_H
#define TESTS_JIT_GUEST_H

#include <string.h>

#include "tests/jit/harness.h"

typedef struct Regs {
    uint64_t x[14];
    uint64_t fva;
    uint32_t w[2];
    uint16_t f[2], h[2];
    uint8_t b[2];
    IrVal v[11];
} Regs;

enum {
    S_X0, S_X_END = 14, S_FVA = S_X_END, S_W0, S_W1, S_F0, S_F1, S_H0, S_H1, S_B0, S_B1, S_V0, S_V_END = S_V0 + 11,
    GUEST_SLOTS = S_V_END,
};
enum { GUEST_BASE = 0x1000, GUEST_PAGES = 6, GUEST_VECTOR = 0x8000 };

#define REG(member) (uint32_t)(offsetof(Env, guest) + offsetof(Regs, member))
#define REG_X(i, rank) {"x" #i, REG(x[i]), IR_I64, rank}
#define REG_V(i, rank) {"v" #i, REG(v[i]), IR_V128, rank}
static const IrSlot guest_slots[GUEST_SLOTS] = {
    REG_X(0, 1), REG_X(1, 2), REG_X(2, 3), REG_X(3, 4), REG_X(4, 5), REG_X(5, 6), REG_X(6, 7), REG_X(7, 8), REG_X(8, 9),
    REG_X(9, 0), REG_X(10, 0), REG_X(11, 0), REG_X(12, 0), REG_X(13, 0), {"fva", REG(fva), IR_I64, 0},
    {"w0", REG(w[0]), IR_I32, 0}, {"w1", REG(w[1]), IR_I32, 0}, {"f0", REG(f[0]), IR_FLAGS, 1},
    {"f1", REG(f[1]), IR_FLAGS, 0}, {"h0", REG(h[0]), IR_I16, 0}, {"h1", REG(h[1]), IR_I16, 0},
    {"b0", REG(b[0]), IR_I8, 0}, {"b1", REG(b[1]), IR_I8, 0}, REG_V(0, 1), REG_V(1, 2), REG_V(2, 3), REG_V(3, 4),
    REG_V(4, 5), REG_V(5, 6), REG_V(6, 7), REG_V(7, 8), REG_V(8, 0), REG_V(9, 0), REG_V(10, 0),
};

static inline Regs *regs_of(Env *env) {
    return (Regs *)(void *)env->guest;
}

static void guest_fault(Env *env, uint64_t va) {
    regs_of(env)->fva = va;
    env->pc = GUEST_VECTOR;
}

/* -- helpers -- */

static uint64_t help_mix(Env *env, uint64_t a, uint32_t b, uint64_t c, uint32_t d, uint64_t e) {
    return (a ^ b) * 3 + (c ^ d) * 5 + e * 7;
}
static uint32_t help_fold(Env *env, const IrVal *v, uint32_t w) {
    return v->s[0] ^ v->s[1] * 3 ^ v->s[2] * 5 ^ v->s[3] * 7 ^ w;
}
/* All slots in one number: whatever is not in its place by now shows. */
static uint64_t help_peek(Env *env) {
    const Regs *r = regs_of(env);
    uint64_t hash = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(r->x); i++) {
        hash = hash * 31 + r->x[i];
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(r->v); i++) {
        hash = hash * 31 + (r->v[i].d[0] ^ r->v[i].d[1] * 7);
    }
    for (unsigned i = 0; i < 2; i++) {
        hash = hash * 31 + r->w[i] + (r->h[i] ^ (unsigned)r->b[i] << 16) + (r->f[i] & IR_FLAG_MASK);
    }
    return hash;
}
static void help_poke(Env *env, uint64_t a, uint32_t b) {
    Regs *r = regs_of(env);
    r->x[a % 14] += a;
    r->w[b & 1] ^= b;
    r->v[b % 11].d[b >> 5 & 1] += a;
    r->f[b >> 7 & 1] = (uint16_t)(a & IR_FLAG_MASK);
    r->b[b & 1] = (uint8_t)a;
    r->h[b & 1] = (uint16_t)a;
}
static uint32_t help_raise(Env *env, uint32_t when) {
    if (when % 8 == 0) {
        regs_of(env)->fva = help_peek(env);
        env->fault = 1;
        env->pc = GUEST_VECTOR + 0x100 + (uint64_t)(int64_t)env->insn_off;
    }
    return when * 3;
}
static void help_trap(Env *env) {
    help_raise(env, regs_of(env)->w[0]);
}
/* Changes what it has not looked at. */
static void help_put(Env *env, uint64_t a) {
    regs_of(env)->x[3] = a;
    regs_of(env)->v[2].d[1] = a;
}
/* The status of floating point may be written too. */
static void help_flip(Env *env, uint32_t a) {
    env->fp.flags = a & 1 ? 0 : env->fp.flags;
    help_poke(env, help_peek(env), a);
}
static uint64_t help_sync(Env *env, uint64_t a) {
    return ~a;
}
static uint32_t help_where(Env *env) {
    return (uint32_t)env->insn_off;
}
static void help_nothing(Env *env, const IrVal *a, uint64_t b, const IrVal *c) {
}

enum { H_MIX, H_FOLD, H_PEEK, H_POKE, H_RAISE, H_SYNC, H_WHERE, H_NOTHING, H_TRAP, H_PUT, H_FLIP, GUEST_HELPERS };
#define HELP(f) (void (*)(void))(f)
static const IrHelper guest_helpers[GUEST_HELPERS] = {
    {"mix", HELP(help_mix), 'd', "dwdwd", IRH_PURE},    {"fold", HELP(help_fold), 'w', "Vw", IRH_PURE},
    {"peek", HELP(help_peek), 'd', "", IRH_READS},      {"poke", HELP(help_poke), '-', "dw", IRH_WRITES | IRH_READS},
    {"raise", HELP(help_raise), 'w', "w", IRH_FAULT},   {"sync", HELP(help_sync), 'd', "d", IRH_SYNC},
    {"where", HELP(help_where), 'w', "", IRH_PC},       {"nothing", HELP(help_nothing), '-', "VdV", IRH_PC},
    {"trap", HELP(help_trap), '-', "", IRH_FAULT | IRH_SYNC}, {"put", HELP(help_put), '-', "d", IRH_WRITES},
    {"flip", HELP(help_flip), '-', "w", IRH_READS | IRH_WRITES | IRH_SYNC},
};

static const JitGuest made_up = {guest_slots, GUEST_SLOTS, guest_helpers, GUEST_HELPERS, GUEST_BASE, "rodxrr",
                                 guest_fault};

static inline IrBlock *guest_block(void) {
    return ir_block_new(guest_slots, GUEST_SLOTS, guest_helpers, GUEST_HELPERS);
}

#endif
