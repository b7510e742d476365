/* SPDX-License-Identifier: MIT */
/*
 * test_interp_fp.c - the IR's floating-point ops: each lane-wise op against its scalar, active lanes, the ops that
 * move between lanes, and how aux and immediates reach the soft float.
 */
#include <check.h>
#include <string.h>

#include "ir/interp.h"
#include "tests/unit/fp_cases.h"

static uint64_t info(IrType type, unsigned aux, int imm) {
    return type | (uint64_t)aux << 8 | (uint64_t)(uint32_t)imm << 32;
}

static Env *env_new(void) {
    Env *env = g_malloc0(sizeof *env);
    return env;
}

static uint64_t lane(const IrVal *v, unsigned size, unsigned i) {
    return size == 1 ? v->h[i] : size == 2 ? v->s[i] : v->d[i];
}

static IrVal random_vector(FpCases *cases, unsigned size) {
    IrVal v;
    for (unsigned i = 0; i < 16u >> size; i++) {
        uint64_t x = fp_case(cases, &fp_formats[size - 1]);
        memcpy(v.b + (i << size), &x, 1u << size);
    }
    return v;
}

/* A lane-wise op and the scalar op with its aux that computes one lane of it. */
static const struct {
    const char *name;
    IrFn *vector, *scalar;
    unsigned vector_aux, scalar_aux;
} pairs[] = {
#define PAIR(name) { #name, interp_v##name, interp_##name, 0, 0 }
    PAIR(fadd), PAIR(fsub), PAIR(fmul), PAIR(fdiv), PAIR(fsqrt), PAIR(fmin), PAIR(fmax), PAIR(fminnm), PAIR(fmaxnm),
    PAIR(fmulx), PAIR(fneg), PAIR(fabs), PAIR(fabd), PAIR(frecps), PAIR(frsqrts), PAIR(frecpe), PAIR(frsqrte),
    { "fmla", interp_vfmla, interp_fmuladd, 0, 0 },
    { "fmls", interp_vfmla, interp_fmuladd, 4, FP_NEG_PRODUCT },
    { "frintp", interp_vfrint, interp_frint, FP_RUP << 2, FP_RUP },
    { "frinti", interp_vfrint, interp_frint, 7 << 2, 7 },
    { "frintx", interp_vfrint, interp_frint, 7 << 2 | 32, 7 | 8 },
};

/* The flags of a vector are those of its active lanes together; what is not active is zero. */
START_TEST(lanes_are_scalars) {
    g_autofree Env *env = env_new();
    FpCases cases = { .state = 8 };
    for (unsigned n = 0; n < 2000; n++) {
        uint64_t r = fp_random(&cases);
        unsigned size = 1 + r % 3, part = r >> 8 & 3; /* all, low half, lane 0 */
        unsigned active = part == 1 ? 8u >> size : part == 2 ? 1 : 16u >> size;
        unsigned aux = size | (part == 1 ? 128 : part == 2 ? 64 : 0);
        FpStatus modes = { .round = r >> 16 & 3, .flush = r >> 18 & 1, .flush16 = r >> 19 & 1 };
        modes.default_nan = r >> 20 & 1;
        IrVal a = random_vector(&cases, size), b = random_vector(&cases, size), c = random_vector(&cases, size);
        IrVal d, x, y, z, w;
        env->fp = modes;
        pairs[_i].vector(env, &d, &a, &b, &c, info(IR_V128, aux | pairs[_i].vector_aux, 0));
        uint32_t flags = env->fp.flags;
        env->fp = modes;
        for (unsigned i = 0; i < 16u >> size; i++) {
            x.u64 = lane(&a, size, i);
            y.u64 = lane(&b, size, i);
            z.u64 = lane(&c, size, i);
            w.u64 = 0;
            if (i < active) {
                pairs[_i].scalar(env, &w, &x, &y, &z, info(IR_F16 + size - 1, pairs[_i].scalar_aux, 0));
            }
            ck_assert_msg(lane(&d, size, i) == lane(&w, size, 0), "%s size %u lane %u", pairs[_i].name, size, i);
        }
        ck_assert_uint_eq(flags, env->fp.flags);
    }
}
END_TEST

START_TEST(result_may_be_an_operand) {
    g_autofree Env *env = env_new();
    IrVal a = { .s = { 0x3f800000, 0x40000000, 0x40400000, 0x40800000 } }; /* 1 2 3 4 */
    interp_vfaddp(env, &a, &a, &a, NULL, info(IR_V128, 2, 0));
    IrVal want = { .s = { 0x40400000, 0x40e00000, 0x40400000, 0x40e00000 } };
    ck_assert_mem_eq(&a, &want, 16);
}
END_TEST

START_TEST(neighbours) {
    g_autofree Env *env = env_new();
    IrVal a = { .s = { 0x3f800000, 0x40000000, 0x40400000, 0x40800000 } };
    IrVal b = { .s = { 0x40a00000, 0x40c00000, 0x7fc00000, 0x7f800001 } }; /* 5 6 QNaN SNaN */
    IrVal d;
    interp_vfaddp(env, &d, &a, &b, NULL, info(IR_V128, 2, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x40400000, 0x40e00000, 0x41300000, 0x7fc00001 } }), 16);
    ck_assert_uint_eq(env->fp.flags, FP_INVALID);
    env->fp.flags = 0;
    interp_vfmaxp(env, &d, &a, &b, NULL, info(IR_V128, 2 | 128, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x40000000, 0x40c00000, 0, 0 } }), 16);
    interp_vfminnmp(env, &d, &b, &a, NULL, info(IR_V128, 2 | 64, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x40a00000, 0, 0, 0 } }), 16);
    ck_assert_uint_eq(env->fp.flags, 0);
}
END_TEST

START_TEST(across) {
    g_autofree Env *env = env_new();
    /* which NaN wins shows the order: SNaN of the pair first, its quiet form then as the first operand */
    IrVal a = { .s = { 0x3f800000, 0x7fc00001, 0x7f800002, 0x7fc00003 } }, d;
    interp_vfmaxv(env, &d, &a, NULL, NULL, info(IR_V128, 2, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x7fc00001, 0, 0, 0 } }), 16);
    ck_assert_uint_eq(env->fp.flags, FP_INVALID);
    env->fp.flags = 0;
    IrVal h = { .h = { 0x3c00, 0xbc00, 0x7e00, 0x4000, 0x7c01, 0x7c00, 0xfc00, 0 } };
    interp_vfminnmv(env, &d, &h, NULL, NULL, info(IR_V128, 1 | 128, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .h = { 0xbc00 } }), 16);
    ck_assert_uint_eq(env->fp.flags, 0);
}
END_TEST

START_TEST(widens_and_narrows) {
    g_autofree Env *env = env_new();
    IrVal a = { .h = { 0x3c00, 0x4000, 0x4200, 0x4400, 0xbc00, 0xc000, 0x7e01, 0x7c00 } }, d;
    interp_vfcvtl(env, &d, &a, NULL, NULL, info(IR_V128, 1, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x3f800000, 0x40000000, 0x40400000, 0x40800000 } }), 16);
    interp_vfcvtl(env, &d, &a, NULL, NULL, info(IR_V128, 1 | 4, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0xbf800000, 0xc0000000, 0x7fc02000, 0x7f800000 } }), 16);
    interp_vfcvtn(env, &d, &d, NULL, NULL, info(IR_V128, 2, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .h = { 0xbc00, 0xc000, 0x7e01, 0x7c00 } }), 16);
    ck_assert_uint_eq(env->fp.flags, 0);
    IrVal f = { .d = { UINT64_C(0x3ff0000000000001), UINT64_C(0x7ff0000000000000) } };
    interp_vfcvtn(env, &d, &f, NULL, NULL, info(IR_V128, 3 | 4, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0x3f800001, 0x7f800000 } }), 16);
    ck_assert_uint_eq(env->fp.flags, FP_INEXACT);
}
END_TEST

START_TEST(integers) {
    g_autofree Env *env = env_new();
    IrVal a = { .u64 = 0xbfc00000 }, d; /* f32 -1.5 */
    interp_f2i(env, &d, &a, NULL, NULL, info(IR_I64, FP_RTZ | 2 << 4, 1));
    ck_assert_int_eq(d.i64, -3);
    interp_f2i(env, &d, &a, NULL, NULL, info(IR_I32, FP_RDN | 2 << 4, 0));
    ck_assert_int_eq(d.i32, -2);
    env->fp.round = FP_RUP;
    interp_f2i(env, &d, &a, NULL, NULL, info(IR_I32, 7 | 2 << 4, 0));
    ck_assert_int_eq(d.i32, -1);
    ck_assert_uint_eq(env->fp.flags, FP_INEXACT);
    interp_f2i(env, &d, &a, NULL, NULL, info(IR_I32, FP_RTZ | 8 | 2 << 4, 0));
    ck_assert_uint_eq(d.u32, 0);
    ck_assert_uint_eq(env->fp.flags, FP_INEXACT | FP_INVALID);
    IrVal h = { .u64 = 0x7bff }; /* f16 65504 */
    interp_f2i(env, &d, &h, NULL, NULL, info(IR_I32, FP_RTZ | 1 << 4 | 64, 0));
    ck_assert_uint_eq(d.u32, 0x7fff);
    IrVal i = { .u64 = UINT64_C(0xffffffff80000000) };
    interp_i2f(env, &d, &i, NULL, NULL, info(IR_F64, 0, 0));
    ck_assert_uint_eq(d.u64, UINT64_C(0xc1e0000000000000));
    interp_i2f(env, &d, &i, NULL, NULL, info(IR_F64, 1, 31));
    ck_assert_uint_eq(d.u64, UINT64_C(0x3ff0000000000000));
    interp_i2f(env, &d, &i, NULL, NULL, info(IR_F64, 1 | 2, 0));
    ck_assert_uint_eq(d.u64, UINT64_C(0x43effffffff00000));
    IrVal v = { .s = { 0x3f800000, 0xbf800000, 0x4f800000, 0x7fc00000 } };
    interp_vf2i(env, &d, &v, NULL, NULL, info(IR_V128, 2 | FP_RTZ << 2, 4));
    ck_assert_mem_eq(&d, (&(IrVal){ .ss = { 16, -16, INT32_MAX, 0 } }), 16);
    interp_vf2i(env, &d, &v, NULL, NULL, info(IR_V128, 2 | FP_RTZ << 2 | 32, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 1, 0, UINT32_MAX, 0 } }), 16);
    IrVal w = { .sh = { -1, 1, -2, 2 } };
    interp_vi2f(env, &d, &w, NULL, NULL, info(IR_V128, 1 | 128, 1));
    ck_assert_mem_eq(&d, (&(IrVal){ .h = { 0xb800, 0x3800, 0xbc00, 0x3c00 } }), 16);
}
END_TEST

START_TEST(order) {
    static const struct {
        uint32_t a, b, nzcv;
        uint32_t eq, ge, gt;
    } rows[] = {
        { 0x3f800000, 0x40000000, IR_FLAG_N, 0, 0, 0 },
        { 0x00000000, 0x80000000, IR_FLAG_Z | IR_FLAG_C, ~0u, ~0u, 0 },
        { 0x40000000, 0x3f800000, IR_FLAG_C, 0, ~0u, ~0u },
        { 0x40000000, 0x7fc00000, IR_FLAG_C | IR_FLAG_V, 0, 0, 0 },
    };
    g_autofree Env *env = env_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        IrVal a = { .s = { rows[i].a } }, b = { .s = { rows[i].b } }, d;
        uint32_t invalid = rows[i].nzcv & IR_FLAG_V ? FP_INVALID : 0;
        env->fp.flags = 0;
        interp_fl_fcmp(env, &d, &a, &b, NULL, info(IR_FLAGS, 2 << 1, 0));
        ck_assert_uint_eq(d.u32 & IR_FLAG_MASK, rows[i].nzcv);
        interp_vfcmeq(env, &d, &a, &b, NULL, info(IR_V128, 2 | 64, 0));
        ck_assert_mem_eq(&d, (&(IrVal){ .s = { rows[i].eq } }), 16);
        ck_assert_uint_eq(env->fp.flags, 0);
        interp_fl_fcmp(env, &d, &a, &b, NULL, info(IR_FLAGS, 1 | 2 << 1, 0));
        ck_assert_uint_eq(env->fp.flags, invalid);
        env->fp.flags = 0;
        interp_vfcmge(env, &d, &a, &b, NULL, info(IR_V128, 2 | 64, 0));
        ck_assert_mem_eq(&d, (&(IrVal){ .s = { rows[i].ge } }), 16);
        ck_assert_uint_eq(env->fp.flags, invalid);
        interp_vfcmgt(env, &d, &a, &b, NULL, info(IR_V128, 2 | 64, 0));
        ck_assert_mem_eq(&d, (&(IrVal){ .s = { rows[i].gt } }), 16);
    }
}
END_TEST

START_TEST(converts) {
    g_autofree Env *env = env_new();
    IrVal a = { .u64 = UINT64_C(0x3ff0000000000001) }, d;
    interp_fcvt(env, &d, &a, NULL, NULL, info(IR_F32, 3 << 1, 0));
    ck_assert_uint_eq(d.u32, 0x3f800000);
    interp_fcvt(env, &d, &a, NULL, NULL, info(IR_F32, 1 | 3 << 1, 0));
    ck_assert_uint_eq(d.u32, 0x3f800001);
    interp_fcvt(env, &d, &d, NULL, NULL, info(IR_F16, 2 << 1, 0));
    ck_assert_uint_eq(d.u16, 0x3c00);
    interp_fcvt(env, &d, &d, NULL, NULL, info(IR_F64, 1 << 1, 0));
    ck_assert_uint_eq(d.u64, UINT64_C(0x3ff0000000000000));
    IrVal u = { .s = { 0x80000000, 0xffffffff, 0, 0x40000000 } };
    interp_vurecpe(env, &d, &u, NULL, NULL, info(IR_V128, 2, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { 0xff800000, 0x80000000, ~0u, ~0u } }), 16);
    interp_vursqrte(env, &d, &u, NULL, NULL, info(IR_V128, 2 | 128, 0));
    ck_assert_mem_eq(&d, (&(IrVal){ .s = { fp_ursqrte(0x80000000), 0x80000000, 0, 0 } }), 16);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("interp_fp");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, lanes_are_scalars, 0, G_N_ELEMENTS(pairs));
    tcase_add_test(t, result_may_be_an_operand);
    tcase_add_test(t, neighbours);
    tcase_add_test(t, across);
    tcase_add_test(t, widens_and_narrows);
    tcase_add_test(t, integers);
    tcase_add_test(t, order);
    tcase_add_test(t, converts);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
