/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - a small made-up guest for tests of the IR: slots, helpers and 16 KiB of memory.
 *
 * Guest addresses: 0x1000 RAM; 0x2000 RAM, read-only; 0x3000 behind callbacks; 0x4000 behind callbacks that fail;
 * everything else faults. A fault sets slot fva to the address and env.pc to 0x8000.
 */
#ifndef TESTS_IR_FIXTURE_H
#define TESTS_IR_FIXTURE_H

#include <string.h>

#include "ir/ir.h"

typedef struct Fake {
    uint64_t x[8];
    uint64_t fva;
    uint32_t w0, nzcv;
    uint16_t h0;
    uint8_t b0;
    IrVal v[2];
} Fake;

enum { S_X0, S_X7 = 7, S_FVA, S_W0, S_NZCV, S_H0, S_B0, S_V0, S_V1, FAKE_SLOTS };

#define FAKE_AT(member) (uint32_t)(offsetof(Env, guest) + offsetof(Fake, member))
static const IrSlot fake_slots[FAKE_SLOTS] = {
    {"x0", FAKE_AT(x[0]), IR_I64, 1}, {"x1", FAKE_AT(x[1]), IR_I64, 2},     {"x2", FAKE_AT(x[2]), IR_I64, 3},
    {"x3", FAKE_AT(x[3]), IR_I64, 0}, {"x4", FAKE_AT(x[4]), IR_I64, 0},     {"x5", FAKE_AT(x[5]), IR_I64, 0},
    {"x6", FAKE_AT(x[6]), IR_I64, 0}, {"x7", FAKE_AT(x[7]), IR_I64, 0},     {"fva", FAKE_AT(fva), IR_I64, 0},
    {"w0", FAKE_AT(w0), IR_I32, 0},   {"nzcv", FAKE_AT(nzcv), IR_FLAGS, 4}, {"h0", FAKE_AT(h0), IR_I16, 0},
    {"b0", FAKE_AT(b0), IR_I8, 0},    {"v0", FAKE_AT(v[0]), IR_V128, 1},    {"v1", FAKE_AT(v[1]), IR_V128, 2},
};

static inline Fake *fake_of(Env *env) {
    return (Fake *)(void *)env->guest;
}

/* -- helpers -- */

static uint64_t fake_mix(Env *env, uint64_t a, uint32_t b, uint64_t c, uint32_t d, uint64_t e) {
    return a + 3 * (uint64_t)b + 5 * c + 7 * (uint64_t)d + 11 * e;
}
static uint32_t fake_top(Env *env, const IrVal *v) {
    return v->s[3];
}
static void fake_raise(Env *env, uint32_t when) {
    if (when) {
        env->fault = 1;
        env->pc = 0x9000 + (uint64_t)env->insn_off;
    }
}
static void fake_poke(Env *env, uint64_t v) {
    fake_of(env)->x[7] = v;
}
static uint64_t fake_peek(Env *env) {
    return fake_of(env)->x[7];
}
static void fake_sync(Env *env) {
}
static uint32_t fake_where(Env *env) {
    return (uint32_t)env->insn_off + ((uint32_t)env->insns << 16);
}

enum { H_MIX, H_TOP, H_RAISE, H_POKE, H_PEEK, H_SYNC, H_WHERE, FAKE_HELPERS };
#define FAKE_FN(f) (void (*)(void))(f)
static const IrHelper fake_helpers[FAKE_HELPERS] = {
    {"mix", FAKE_FN(fake_mix), 'd', "dwdwd", IRH_PURE},
    {"top", FAKE_FN(fake_top), 'w', "V", IRH_PURE},
    {"raise", FAKE_FN(fake_raise), '-', "w", IRH_FAULT},
    {"poke", FAKE_FN(fake_poke), '-', "d", IRH_WRITES},
    {"peek", FAKE_FN(fake_peek), 'd', "", IRH_READS},
    {"sync", FAKE_FN(fake_sync), '-', "", IRH_SYNC},
    {"where", FAKE_FN(fake_where), 'w', "", IRH_PC},
};

/* -- memory -- */

static inline uint8_t *fake_ram(Env *env, uint64_t va) {
    return (uint8_t *)env->runtime + (va - 0x1000);
}
static inline void fake_fault(Env *env, uint64_t va) {
    fake_of(env)->fva = va;
    env->pc = 0x8000;
}

static bool fake_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    unsigned align = 1u << ((aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT);
    uint64_t last = ea + size - 1;
    if (ea % align || ea < 0x1000 || last > 0x4fff || ((aux & IR_CHECK_W) && ea < 0x3000 && last >= 0x2000)) {
        bool second = ea % align == 0 && ea >= 0x1000 && ea < 0x2000; /* the first byte that is refused */
        fake_fault(env, second ? 0x2000 : ea);
        return false;
    }
    *addend = last < 0x3000 ? (uint64_t)(uintptr_t)fake_ram(env, ea) - ea : IR_ADDEND_SLOW;
    return true;
}
static bool fake_load(Env *env, uint64_t ea, unsigned size, IrVal *v) {
    if (ea >= 0x4000) {
        fake_fault(env, ea);
        return false;
    }
    memcpy(v, fake_ram(env, ea), size);
    return true;
}
static bool fake_store(Env *env, uint64_t ea, unsigned size, const IrVal *v) {
    if (ea >= 0x4000) {
        fake_fault(env, ea);
        return false;
    }
    memcpy(fake_ram(env, ea), v, size);
    return true;
}
static void fake_misaligned(Env *env, uint64_t value) {
    fake_fault(env, value);
}

static const IrMemOps fake_mem = {
    .check = fake_check, .load = fake_load, .store = fake_store, .misaligned = fake_misaligned};

/* An Env whose banks never hit, with its memory in `runtime`. Free with fake_env_free. */
static inline Env *fake_env_new(void) {
    static const IrTlbEntry miss = {IR_TLB_NO_TAG, IR_TLB_NO_TAG, 0, 0};
    Env *env = g_new0(Env, 1);
    env->runtime = g_malloc0(0x4000);
    env->bank = env->unpriv = (IrTlbBank){0, (IrTlbEntry *)&miss};
    env->op_table = ir_ops;
    env->helper_table = fake_helpers;
    env->excl_addr = UINT64_MAX;
    env->pcbase = 0x7000;
    return env;
}
static inline void fake_env_free(Env *env) {
    g_free(env->runtime);
    g_free(env);
}
static inline IrBlock *fake_block_new(void) {
    return ir_block_new(fake_slots, FAKE_SLOTS, fake_helpers, FAKE_HELPERS);
}

#endif
