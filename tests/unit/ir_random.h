/* SPDX-License-Identifier: MIT */
/*
 * ir_random.h - random integer programs over the slots of tests/ir/fixture.h, the same for the same seed.
 *
 * A program is made by calls of the builder only, so that two blocks that differ in `optimize` must behave alike.
 */
#ifndef TESTS_UNIT_IR_RANDOM_H
#define TESTS_UNIT_IR_RANDOM_H

#include "tests/ir/fixture.h"

typedef struct Random {
    uint64_t state;
} Random;

static inline uint32_t random_below(Random *r, uint32_t n) {
    r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((r->state >> 33) % n);
}

static inline uint64_t random_value(Random *r) {
    static const uint64_t corners[] = {
        0, 1, 2, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
        INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1,
    };
    if (random_below(r, 3)) {
        return corners[random_below(r, G_N_ELEMENTS(corners))];
    }
    uint64_t high = random_below(r, 1u << 31), middle = random_below(r, 1u << 31);
    return high << 33 ^ middle << 10 ^ random_below(r, 1024);
}

/* The values made so far, by type. */
typedef struct Pool {
    uint32_t ids[3][256];
    unsigned count[3];
} Pool;
enum { POOL_W, POOL_D, POOL_F };

static inline unsigned pool_of(IrType type) {
    return type == IR_I32 ? POOL_W : type == IR_I64 ? POOL_D : POOL_F;
}
static inline void pool_add(Pool *p, const IrBlock *b, uint32_t id) {
    unsigned k = pool_of(ir_type_of(b, id));
    if (p->count[k] < 256) {
        p->ids[k][p->count[k]++] = id;
    }
}
static inline uint32_t pool_pick(const Pool *p, Random *r, IrType type) {
    unsigned k = pool_of(type);
    return p->ids[k][random_below(r, p->count[k])];
}

/* A random field (pos | len << 8) or shift for the ops that take one. */
static inline uint32_t random_imm(Random *r, IrOp op, IrType type) {
    unsigned width = type == IR_I32 ? 32 : 64, pos = random_below(r, width);
    return op == IR_extr ? pos : pos | (1 + random_below(r, width - pos)) << 8;
}

static inline void random_op(IrBlock *b, Random *r, Pool *p) {
    static const IrOp ops[] = {
        IR_add, IR_sub, IR_mul, IR_umulh, IR_smulh, IR_udiv, IR_sdiv, IR_and, IR_or, IR_xor, IR_andn, IR_neg, IR_not,
        IR_shl, IR_shr, IR_sar, IR_ror, IR_extr, IR_ubfx, IR_sbfx, IR_bfi, IR_clz, IR_ctz, IR_rbit, IR_bswap, IR_rev16,
        IR_trunc, IR_zext, IR_sext, IR_sxt, IR_uxt, IR_crc32, IR_fl_add, IR_fl_sub, IR_fl_adc, IR_fl_sbc, IR_fl_logic,
        IR_fl_nzcv, IR_fl_sel, IR_nzcv_of, IR_adc, IR_sbc, IR_cset, IR_csel, IR_setc, IR_add, IR_and, IR_sub, IR_or,
    };
    IrOp op = ops[random_below(r, G_N_ELEMENTS(ops))];
    const IrOpInfo *info = &ir_ops[op];
    IrType wide = random_below(r, 2) ? IR_I32 : IR_I64;
    IrType type = info->result == 'F' ? IR_FLAGS : info->result == 'w' ? IR_I32 : info->result == 'd' ? IR_I64 : wide;
    uint32_t arg[3] = {0, 0, 0};
    for (int k = 0; k < 3 && info->operands[k]; k++) {
        switch (info->operands[k]) {
        case 'i':
            arg[k] = random_imm(r, op, type);
            break;
        case 'F':
            arg[k] = pool_pick(p, r, IR_FLAGS);
            break;
        case 'w':
            arg[k] = pool_pick(p, r, IR_I32);
            break;
        case 'd':
            arg[k] = pool_pick(p, r, IR_I64);
            break;
        default:
            arg[k] = pool_pick(p, r, wide);
            break;
        }
    }
    unsigned aux = op == IR_crc32 ? random_below(r, wide == IR_I64 ? 4 : 3) | random_below(r, 2) * 4 : random_below(r, 15);
    if (op == IR_sxt || op == IR_uxt) {
        aux = 8u << random_below(r, 3);
    } else if (info->result != 'F' && op != IR_crc32 && op != IR_cset && op != IR_csel && op != IR_setc) {
        aux = 0;
    } else if (info->result == 'F' && op != IR_fl_sel) {
        aux = 0;
    }
    pool_add(p, b, ir_emit(b, op, type, aux, arg[0], arg[1], arg[2]));
}

static inline void random_slot_op(IrBlock *b, Random *r, Pool *p) {
    static const uint32_t narrow[] = {S_W0, S_H0, S_B0};
    uint32_t x = S_X0 + random_below(r, 8), n = narrow[random_below(r, 3)];
    switch (random_below(r, 7)) {
    case 0:
        pool_add(p, b, ir_get(b, x, IR_I64));
        break;
    case 1:
        pool_add(p, b, ir_get(b, x, IR_I32));
        break;
    case 2:
        pool_add(p, b, ir_get(b, n, IR_I32));
        break;
    case 3:
        ir_set(b, x, pool_pick(p, r, IR_I64));
        break;
    case 4:
        ir_set(b, x, pool_pick(p, r, IR_I32));
        break;
    case 5:
        ir_set(b, n, pool_pick(p, r, IR_I32));
        break;
    default:
        ir_set(b, S_NZCV, pool_pick(p, r, IR_FLAGS));
        pool_add(p, b, ir_get(b, S_NZCV, IR_FLAGS));
        break;
    }
}

/* Fills an empty block; `length` operations. */
static inline void random_program(IrBlock *b, uint64_t seed, unsigned length) {
    Random r = {seed * 2 + 1};
    Pool p = {0};
    ir_insn(b, 0, 4);
    pool_add(&p, b, ir_get(b, S_X0, IR_I64));
    pool_add(&p, b, ir_get(b, S_X0 + 1, IR_I32));
    pool_add(&p, b, ir_get(b, S_NZCV, IR_FLAGS));
    for (unsigned i = 0; i < length; i++) {
        switch (random_below(&r, 8)) {
        case 0:
        case 1:
            random_slot_op(b, &r, &p);
            break;
        case 2:
            pool_add(&p, b, ir_const(b, IR_I32, (uint32_t)random_value(&r)));
            pool_add(&p, b, ir_const(b, IR_I64, random_value(&r)));
            break;
        default:
            random_op(b, &r, &p);
            break;
        }
    }
    ir_append(b, IR_jump, IR_VOID, 0, 4, 0, 0);
}

/* The same random slots for the same seed. */
static inline void random_state(Env *env, uint64_t seed) {
    Random r = {seed * 2 + 1};
    Fake *f = fake_of(env);
    for (unsigned i = 0; i < 8; i++) {
        f->x[i] = random_value(&r);
    }
    f->w0 = (uint32_t)random_value(&r);
    f->h0 = (uint16_t)random_value(&r);
    f->b0 = (uint8_t)random_value(&r);
    f->nzcv = (uint32_t)random_value(&r) & IR_FLAG_MASK;
}

#endif
