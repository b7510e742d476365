/* SPDX-License-Identifier: MIT */
/*
 * test_emit_fp.c - every rule of a floating-point op, at every level this host has, against the op in C: results and
 * exception flags, in the four rounding modes, for all pairs of special values and for random ones.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backend-x86_64/x64.h"
#include "ir/softfloat.h"
#include "tests/jit/guest.h"

enum { LOW = 128, FIRST = 64, RANDOM = 2000 };

/* An op with operands and result of one format ('p'), or between formats, integers, flags or vectors. */
typedef struct Row {
    IrOp op;
    IrType from, to;
    unsigned operands;
    unsigned aux;
    uint32_t fbits;
} Row;

#define BOTH(op, n, aux) {op, IR_F32, IR_F32, n, aux}, {op, IR_F64, IR_F64, n, aux}
#define ONE(op, n, aux) {op, IR_F64, IR_F64, n, aux}
#define TO_FIXED(aux, n32, n64)                                                                                        \
    {IR_f2i, IR_F32, IR_I32, 1, (aux) | 2 << 4, n32}, {IR_f2i, IR_F32, IR_I64, 1, (aux) | 2 << 4, n64},                \
    {IR_f2i, IR_F64, IR_I32, 1, (aux) | 3 << 4, n32}, {IR_f2i, IR_F64, IR_I64, 1, (aux) | 3 << 4, n64}
#define TO_INT(aux) TO_FIXED(aux, 0, 0), TO_FIXED((aux) | 8, 0, 0)
#define FROM_FIXED(aux, n32, n64)                                                                                      \
    {IR_i2f, IR_I32, IR_F32, 1, aux, n32}, {IR_i2f, IR_I32, IR_F64, 1, aux, n32},                                      \
    {IR_i2f, IR_I64, IR_F32, 1, (aux) | 2, n64}, {IR_i2f, IR_I64, IR_F64, 1, (aux) | 2, n64}
#define ROUND(aux) BOTH(IR_frint, 1, (aux)), BOTH(IR_frint, 1, (aux) | 8)
#define PACKED_1(op, n, aux)                                                                                           \
    {op, IR_V128, IR_V128, n, (aux)}, {op, IR_V128, IR_V128, n, (aux) | LOW},                                          \
    {op, IR_V128, IR_V128, n, (aux) | FIRST}, {op, IR_V128, IR_V128, n, (aux) | LOW | FIRST}
#define PACKED(op, n, aux) PACKED_1(op, n, (aux) | 2), PACKED_1(op, n, (aux) | 3)
#define PACKED_TO_INT(round) PACKED(IR_vf2i, 1, (round) << 2), PACKED(IR_vf2i, 1, (round) << 2 | 32)
#define PACKED_ROUND(round) PACKED(IR_vfrint, 1, (round) << 2), PACKED(IR_vfrint, 1, (round) << 2 | 32)

static const Row rows[] = {
    BOTH(IR_fadd, 2, 0), BOTH(IR_fsub, 2, 0), BOTH(IR_fmul, 2, 0), BOTH(IR_fdiv, 2, 0), BOTH(IR_fsqrt, 1, 0),
    BOTH(IR_fabd, 2, 0), BOTH(IR_fmin, 2, 0), BOTH(IR_fmax, 2, 0), BOTH(IR_fminnm, 2, 0), BOTH(IR_fmaxnm, 2, 0),
    BOTH(IR_fneg, 1, 0), BOTH(IR_fabs, 1, 0), {IR_fneg, IR_F16, IR_F16, 1, 0}, {IR_fabs, IR_F16, IR_F16, 1, 0},
    {IR_fadd, IR_F16, IR_F16, 2, 0},
    BOTH(IR_fmuladd, 3, 0), BOTH(IR_fmuladd, 3, 1), BOTH(IR_fmuladd, 3, 2), BOTH(IR_fmuladd, 3, 3),
    BOTH(IR_fmuladd, 3, 4), BOTH(IR_fmuladd, 3, 6), BOTH(IR_fmuladd, 3, 7),
    ONE(IR_fsadd, 2, 0), ONE(IR_fssub, 2, 0), ONE(IR_fsmul, 2, 0), ONE(IR_fsdiv, 2, 0), ONE(IR_fssqrt, 1, 0), ONE(IR_fsmuladd, 3, 0),
    ONE(IR_fsmuladd, 3, 2), ONE(IR_fsmuladd, 3, 4), ONE(IR_fsmuladd, 3, 6), {IR_fswiden, IR_I32, IR_F64, 1, 0},
    {IR_fsnarrow, IR_F64, IR_I32, 1, 0},
    ROUND(FP_RNE), ROUND(FP_RUP), ROUND(FP_RDN), ROUND(FP_RTZ), ROUND(FP_RNA), ROUND(7),
    {IR_fcvt, IR_F32, IR_F64, 1, 2 << 1}, {IR_fcvt, IR_F64, IR_F32, 1, 3 << 1}, {IR_fcvt, IR_F64, IR_F32, 1, 3 << 1 | 1},
    TO_INT(FP_RTZ), TO_INT(7), TO_INT(FP_RNE), TO_INT(FP_RUP), TO_INT(FP_RDN), TO_INT(FP_RNA), TO_INT(FP_RTZ | 64),
    TO_FIXED(FP_RTZ, 1, 1), TO_FIXED(FP_RTZ, 31, 63), TO_FIXED(FP_RTZ, 32, 64), TO_FIXED(FP_RTZ | 8, 1, 1),
    TO_FIXED(FP_RTZ | 8, 32, 64), TO_FIXED(FP_RDN, 16, 40), TO_FIXED(7 | 8, 16, 40),
    FROM_FIXED(0, 0, 0), FROM_FIXED(1, 0, 0), FROM_FIXED(0, 1, 1), FROM_FIXED(1, 32, 64), FROM_FIXED(1, 1, 63),
    {IR_fl_fcmp, IR_F32, IR_FLAGS, 2, 2 << 1}, {IR_fl_fcmp, IR_F32, IR_FLAGS, 2, 2 << 1 | 1},
    {IR_fl_fcmp, IR_F64, IR_FLAGS, 2, 3 << 1}, {IR_fl_fcmp, IR_F64, IR_FLAGS, 2, 3 << 1 | 1},
    PACKED(IR_vfadd, 2, 0), PACKED(IR_vfsub, 2, 0), PACKED(IR_vfmul, 2, 0), PACKED(IR_vfdiv, 2, 0),
    PACKED(IR_vfsqrt, 1, 0), PACKED(IR_vfabd, 2, 0), PACKED(IR_vfneg, 1, 0), PACKED(IR_vfabs, 1, 0),
    PACKED(IR_vfcmeq, 2, 0), PACKED(IR_vfcmge, 2, 0), PACKED(IR_vfcmgt, 2, 0), PACKED(IR_vfmla, 3, 0),
    PACKED(IR_vfmla, 3, 4), PACKED(IR_vfmla, 3, 8), PACKED(IR_vfmla, 3, 24), PACKED(IR_vfcmgt, 2, 4), PACKED(IR_vfcmeq, 2, 4), PACKED(IR_vfaddp, 2, 0), PACKED(IR_vi2f, 1, 0), PACKED(IR_vi2f, 1, 32),
    PACKED_TO_INT(FP_RTZ), PACKED_TO_INT(7), PACKED_TO_INT(FP_RNE), PACKED_TO_INT(FP_RUP), PACKED_TO_INT(FP_RNA),
    PACKED_ROUND(FP_RNE), PACKED_ROUND(FP_RDN), PACKED_ROUND(FP_RTZ), PACKED_ROUND(7), PACKED_ROUND(FP_RNA),
    PACKED(IR_vfmin, 2, 0), PACKED(IR_vfmax, 2, 0), PACKED(IR_vfminnm, 2, 0), PACKED(IR_vfmaxnm, 2, 0),
    {IR_vfcvtl, IR_V128, IR_V128, 1, 2}, {IR_vfcvtl, IR_V128, IR_V128, 1, 2 | 4}, {IR_vfcvtn, IR_V128, IR_V128, 1, 3},
    {IR_vfcvtn, IR_V128, IR_V128, 1, 3 | 4}, PACKED_1(IR_vfadd, 2, 1), PACKED_1(IR_vfneg, 1, 1),
};

/* Magnitudes worth a try, as f64 and as f32; each with both signs. */
static const uint64_t doubles[] = {
    0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x3ff0000000000000, 0x3ff0000000000001,
    0x3fefffffffffffff, 0x3fe0000000000000, 0x3ff8000000000000, 0x4008000000000000, 0x7fefffffffffffff,
    0x7ff0000000000000, 0x7ff8000000000000, 0x7ff8000000000123, 0x7ff0000000000001, 0x7ff4000000000000,
    0x41dfffffffc00000, 0x41e0000000000000, 0x41e0000000100000, 0x41efffffffe00000, 0x43e0000000000000,
    0x43dfffffffffffff, 0x2000000000000000, 0x1fffffffffffffff, 0x2000000000000001, 0x3810000000000000,
    0x380fffffffffffff, 0x380ffffff0000000, 0x36a0000000000000, 0x47efffffe0000000, 0x47efffffefffffff,
    0x47f0000000000000, 0x47effffff0000000, 0x3ff0000010000000, 0x3ff0000030000000, 0x3810000000000001, 0x3ce0000000000000,
    0x3ca0000000000001, 0x0020000000000001, 0x3fd0000000000000,
};
static const uint32_t floats[] = {
    0, 1, 0x007fffff, 0x00800000, 0x00800001, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x3f000000, 0x3fc00000, 0x40400000,
    0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7fc00123, 0x7f800001, 0x7fa00000, 0x4effffff, 0x4f000000, 0x4f000001,
    0x4f7fffff, 0x5f000000, 0x5effffff, 0x20000000, 0x1fffffff, 0x20000001, 0x01000001, 0x3e800000, 0x4b000001,
};

static uint64_t seed = 1;
static uint64_t rnd(void) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed ^ seed >> 31;
}

static uint64_t special(bool wide, unsigned i) {
    unsigned n = wide ? G_N_ELEMENTS(doubles) : G_N_ELEMENTS(floats);
    uint64_t sign = (i / n) & 1;
    return wide ? doubles[i % n] | sign << 63 : floats[i % n] | sign << 31;
}
static unsigned specials(bool wide) {
    return 2 * (wide ? G_N_ELEMENTS(doubles) : G_N_ELEMENTS(floats));
}

/* Any bits; numbers near 1, whose sums and products are halfway now and then; special ones; products near the smallest
 * normal number. */
static uint64_t number(bool wide, unsigned k) {
    uint64_t x = rnd(), few = rnd() & rnd() & rnd();
    unsigned near = (unsigned)(rnd() >> 20) % 8;
    switch ((rnd() >> 40) % 5) {
    case 0: return x;
    case 1: return special(wide, (unsigned)(x >> 33));
    case 2:
        return wide ? (UINT64_C(1020) + near) << 52 | few >> 12 | x << 63 : (124u + near) << 23 | few >> 41 | x >> 63 << 31;
    case 3:
        return wide ? (UINT64_C(509) + near / 2 + 2 * (k & 1)) << 52 | few >> 12
                    : (61u + near / 2 + 2 * (k & 1)) << 23 | few >> 41;
    default:
        return wide ? (UINT64_C(1) + near) << 52 | few >> 12 : (1u + near) << 23 | few >> 41;
    }
}

/* Random cases for each row. */
static unsigned cases(void) {
    const char *n = getenv("YADO_TEST_CASES");
    return n ? (unsigned)strtoul(n, NULL, 10) : RANDOM;
}

typedef struct Sides {
    JitSide *host, *want;
} Sides;

static void fault(Env *env, uint64_t va) {
    env->pc = 0;
}
static const JitGuest guest = {.slots = guest_slots, .slot_count = GUEST_SLOTS, .base = GUEST_BASE, .pages = "r",
                               .fault = fault};

static unsigned row_e(const Row *row) {
    return row->from == IR_F64 ? 3 : row->from == IR_F32 ? 2 : 1;
}

/* clean: the rest of a scalar's register is known to be zero. */
static uint32_t operand(IrBlock *b, const Row *row, unsigned k, bool clean) {
    if (row->from == IR_I32 || row->from == IR_I64) {
        uint32_t x = ir_append(b, IR_get, IR_I64, 0, S_X0, 0, 0);
        return row->from == IR_I64 ? x : ir_append(b, IR_trunc, IR_I32, 0, x, 0, 0);
    }
    uint32_t v = ir_append(b, IR_get, IR_V128, 0, S_V0 + k, 0, 0);
    if (row->from == IR_V128) {
        return v;
    }
    uint32_t x = ir_append(b, IR_vlow, row->from, 0, v, 0, 0);
    uint32_t bits = clean ? ir_append(b, IR_fbits, row->from == IR_F64 ? IR_I64 : IR_I32, row_e(row) << 6, x, 0, 0) : 0;
    return clean ? ir_append(b, IR_bitsf, row->from, 0, bits, 0, 0) : x;
}

/* v3, x1 or f0 = op of v0, v1, v2 or x0; `clean`: bit per operand. */
static void make(IrBlock *b, const Row *row, unsigned clean) {
    uint32_t arg[3] = {0};
    ir_block_reset(b);
    ir_insn(b, 0, 4);
    for (unsigned k = 0; k < row->operands; k++) {
        arg[k] = operand(b, row, k, clean >> k & 1);
    }
    if (row->fbits) {
        arg[1] = row->fbits;
    }
    uint32_t d = ir_append(b, row->op, row->to, row->aux, arg[0], arg[1], arg[2]);
    unsigned slot = S_V0 + 3;
    if (row->to == IR_FLAGS) {
        slot = S_F0;
    } else if (row->to == IR_I32 || row->to == IR_I64) {
        slot = S_X0 + 1;
        d = row->to == IR_I32 ? ir_append(b, IR_zext, IR_I64, 0, d, 0, 0) : d;
    } else if (row->to != IR_V128) {
        d = ir_append(b, IR_vzext, IR_V128, 0, d, 0, 0);
    }
    ir_append(b, IR_set, IR_VOID, 0, slot, d, 0);
    ir_append(b, IR_exit, IR_VOID, IR_EXIT_SYNC, 4, 0, 0);
}

static void prepare(Env *env, const IrVal in[3], unsigned round) {
    Regs *r = regs_of(env);
    memset(r, 0, sizeof *r);
    memcpy(r->v, in, 3 * sizeof *in);
    memset(&r->v[3], 0xee, sizeof r->v[3]);
    r->x[0] = in[0].u64;
    env->fp = (FpStatus){.round = (uint8_t)round};
    env->pcbase = env->pc = 0x7f001000;
}

static void run(Sides *s, IrBlock *b, const Row *row, const IrVal in[3], unsigned round) {
    Env *got = jit_env(s->host), *want = jit_env(s->want);
    prepare(got, in, round);
    prepare(want, in, round);
    jit_again(s->host);
    jit_run(s->want, b);
    const Regs *g = regs_of(got), *w = regs_of(want);
    uint16_t flags = (g->f[0] ^ w->f[0]) & IR_FLAG_MASK;
    ck_assert_msg(memcmp(&g->v[3], &w->v[3], 16) == 0 && g->x[1] == w->x[1] && !flags && got->fp.flags == want->fp.flags,
                  "%s from type %u to %u, aux %#x, fraction %u, round %u of %016lx%016lx %016lx%016lx %016lx%016lx: v3 %016lx%016lx, "
                  "not %016lx%016lx; x1 %lx, not %lx; f0 %x, not %x; exceptions %x, not %x",
                  ir_ops[row->op].name, row->from, row->to, row->aux, row->fbits, round, in[0].d[1], in[0].d[0], in[1].d[1],
                  in[1].d[0], in[2].d[1], in[2].d[0], g->v[3].d[1], g->v[3].d[0], w->v[3].d[1], w->v[3].d[0], g->x[1],
                  w->x[1], g->f[0], w->f[0], got->fp.flags, want->fp.flags);
}

static bool is_wide(const Row *row) {
    return row->from == IR_V128 ? (row->aux & 3) == 3 : row->from == IR_F64 || row->from == IR_I64;
}

static void set_lanes(IrVal *v, bool wide, unsigned lane, uint64_t x) {
    if (wide) {
        v->d[lane & 1] = x;
    } else {
        v->s[lane & 3] = (uint32_t)x;
    }
}

/* All pairs of special values; in vectors in one lane, the others hold what raises nothing. */
static void try_specials(Sides *s, IrBlock *b, const Row *row) {
    bool wide = is_wide(row);
    unsigned n = specials(wide), second = row->operands > 1 ? n : 1;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < second; k++) {
            IrVal in[3];
            for (unsigned j = 0; j < 3; j++) {
                for (unsigned lane = 0; lane < 4; lane++) {
                    set_lanes(&in[j], wide, lane, wide ? UINT64_C(0x3ff0000000000000) : 0x3f800000);
                }
            }
            unsigned lane = (unsigned)(rnd() >> 33);
            lane = row->from == IR_V128 ? lane : 0;
            set_lanes(&in[0], wide, lane, special(wide, i));
            set_lanes(&in[1], wide, lane, special(wide, k));
            set_lanes(&in[2], wide, lane, special(wide, (unsigned)(rnd() >> 33)));
            for (unsigned round = 0; round < 4; round++) {
                run(s, b, row, in, round);
            }
        }
    }
}

static void try_random(Sides *s, IrBlock *b, const Row *row, unsigned n) {
    bool wide = is_wide(row);
    for (unsigned i = 0; i < n; i++) {
        IrVal in[3];
        for (unsigned j = 0; j < 3; j++) {
            for (unsigned lane = 0; lane < 4; lane++) {
                set_lanes(&in[j], wide, lane, number(wide, j));
            }
        }
        run(s, b, row, in, i & 3);
    }
}

START_TEST(test_rules) {
    if ((X64Level)_i > x64_host_level()) {
        return;
    }
    static const char *const levels[X64_LEVELS] = {"sse2", "avx2", "avx512"};
    Sides s = {jit_side_at_level(&guest, levels[_i]), jit_side_new(&guest, false)};
    IrBlock *b = ir_block_new(guest_slots, GUEST_SLOTS, NULL, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool scalar = rows[i].from >= IR_F16 && rows[i].from <= IR_F64;
        unsigned forms = scalar ? 1u << rows[i].operands : 1;
        for (unsigned clean = 0; clean < forms; clean++) {
            make(b, &rows[i], clean);
            prepare(jit_env(s.host), (IrVal[3]){{.d = {0, 0}}}, 0);
            b->fp_plain = true;
            ck_assert(jit_compile(s.host, b));
            if (clean == 0 || clean == forms - 1) {
                try_specials(&s, b, &rows[i]);
            }
            try_random(&s, b, &rows[i], cases() / forms);
        }
    }
    ir_block_free(b);
    jit_side_free(s.host);
    jit_side_free(s.want);
}
END_TEST

/* Where flushing or default NaNs are asked for, plain rules are not taken. */
START_TEST(test_full_mode) {
    static const Row row = {IR_fmul, IR_F64, IR_F64, 2, 0};
    Sides s = {jit_side_new(&guest, true), jit_side_new(&guest, false)};
    IrBlock *b = ir_block_new(guest_slots, GUEST_SLOTS, NULL, 0);
    make(b, &row, 0);
    IrVal in[3] = {{.d = {1, 0}}, {.d = {0x3ff0000000000000, 0}}};
    for (unsigned i = 0; i < 2; i++) {
        prepare(jit_env(s.host), in, 0);
        prepare(jit_env(s.want), in, 0);
        jit_env(s.host)->fp.flush = jit_env(s.want)->fp.flush = i;
        jit_run(s.host, b);
        jit_run(s.want, b);
        ck_assert_uint_eq(regs_of(jit_env(s.host))->v[3].d[0], i ? 0 : 1);
        ck_assert_uint_eq(regs_of(jit_env(s.want))->v[3].d[0], i ? 0 : 1);
        ck_assert_uint_eq(jit_env(s.host)->fp.flags, jit_env(s.want)->fp.flags);
    }
    ir_block_free(b);
    jit_side_free(s.host);
    jit_side_free(s.want);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("emit_fp");
    TCase *rules = tcase_create("rules"), *modes = tcase_create("modes");
    tcase_set_timeout(rules, getenv("YADO_TEST_CASES") ? 24 * 3600 : 120);
    tcase_add_loop_test(rules, test_rules, 0, X64_LEVELS);
    tcase_add_test(modes, test_full_mode);
    suite_add_tcase(suite, rules);
    suite_add_tcase(suite, modes);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
