/* SPDX-License-Identifier: MIT */
/*
 * test_interp_vec.c - properties of the integer vector ops: lane by lane against 128-bit arithmetic for every lane
 * size, in place, and the saturation flag. What Arm insns make of them is in tests/insn/aarch64/simd.txt.gz.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ir/interp.h"

typedef __int128 Wide;
enum { S = IR_VEC_SIGNED, R = IR_VEC_ROUND, ALT = IR_VEC_ALT };

static uint64_t info(unsigned aux, unsigned imm) {
    return IR_V128 | (uint64_t)aux << 8 | (uint64_t)imm << 32;
}
static Wide lane(const IrVal *v, unsigned e, unsigned i, bool is_signed) {
    uint64_t x = 0;
    memcpy(&x, v->b + (i << e), (size_t)1 << e);
    const unsigned up = 64 - (8u << e);
    return is_signed ? (Wide)((int64_t)(x << up) >> up) : (Wide)x;
}
static uint64_t low_lane(Wide x, unsigned e) {
    return (uint64_t)x & UINT64_MAX >> (64 - (8 << e));
}
/* Random, with many extremes. */
static IrVal random_value(uint64_t *seed, unsigned e) {
    IrVal v = {.d = {0, 0}};
    for (unsigned i = 0; i < 16u >> e; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t top = UINT64_C(1) << ((8 << e) - 1);
        const uint64_t choice[8] = {*seed >> 7, *seed >> 3, 0, 1, top, top - 1, UINT64_MAX, top + 1};
        memcpy(v.b + (i << e), &choice[*seed >> 61], (size_t)1 << e);
    }
    return v;
}

/* floor(x / 2^n) */
static Wide floor_shift(Wide x, int n) {
    const Wide by = (Wide)1 << n;
    return x >= 0 ? x / by : -((-x + by - 1) / by);
}
static Wide add(Wide x, Wide y, unsigned width) { return x + y; }
static Wide subtract(Wide x, Wide y, unsigned width) { return x - y; }
static Wide multiply(Wide x, Wide y, unsigned width) { return x * y; }
static Wide distance(Wide x, Wide y, unsigned width) { return x < y ? y - x : x - y; }
static Wide half_add(Wide x, Wide y, unsigned width) { return floor_shift(x + y, 1); }
static Wide half_add_up(Wide x, Wide y, unsigned width) { return floor_shift(x + y + 1, 1); }
static Wide half_subtract(Wide x, Wide y, unsigned width) { return floor_shift(x - y, 1); }
static Wide equal(Wide x, Wide y, unsigned width) { return x == y ? -1 : 0; }
static Wide greater(Wide x, Wide y, unsigned width) { return x > y ? -1 : 0; }
static Wide not_less(Wide x, Wide y, unsigned width) { return x < y ? 0 : -1; }
static Wide larger(Wide x, Wide y, unsigned width) { return x > y ? x : y; }
static Wide smaller(Wide x, Wide y, unsigned width) { return x > y ? y : x; }
static Wide shifted(Wide x, Wide y, unsigned width) {
    const int n = (int8_t)y;
    return n >= 0 ? (n >= (int)width ? 0 : x * ((Wide)1 << n)) : floor_shift(x, -n > 100 ? 100 : -n);
}
static Wide shifted_round(Wide x, Wide y, unsigned width) {
    const int n = -(int8_t)y > 100 ? 100 : -(int8_t)y;
    return n <= 0 ? shifted(x, y, width) : floor_shift(x + ((Wide)1 << (n - 1)), n);
}
static Wide shifted_left(Wide x, Wide y, unsigned width) { return x * ((Wide)1 << (y & (width - 1))); }
static Wide shifted_right(Wide x, Wide y, unsigned width) { return floor_shift(x, (int)(y & (width - 1))); }
static Wide double_high(Wide x, Wide y, unsigned width) { return floor_shift(2 * x * y, (int)width); }
static Wide double_high_round(Wide x, Wide y, unsigned width) {
    return floor_shift(2 * x * y + ((Wide)1 << (width - 1)), (int)width);
}

typedef struct Row {
    const char *name;
    IrFn *fn;
    Wide (*want)(Wide x, Wide y, unsigned width);
    unsigned aux;
    bool x_signed, y_signed, saturates;
    unsigned first, last; /* log2 lane bytes */
} Row;

static const Row rows[] = {
    {"vadd", interp_vadd, add, 0, 0, 0, 0, 0, 3},
    {"vsub", interp_vsub, subtract, 0, 0, 0, 0, 0, 3},
    {"vmul", interp_vmul, multiply, 0, 1, 1, 0, 0, 2},
    {"vabd s", interp_vabd, distance, S, 1, 1, 0, 0, 3},
    {"vabd u", interp_vabd, distance, 0, 0, 0, 0, 0, 3},
    {"vhadd s", interp_vhadd, half_add, S, 1, 1, 0, 0, 3},
    {"vhadd u", interp_vhadd, half_add, 0, 0, 0, 0, 0, 3},
    {"vhadd sr", interp_vhadd, half_add_up, S | R, 1, 1, 0, 0, 3},
    {"vhadd ur", interp_vhadd, half_add_up, R, 0, 0, 0, 0, 3},
    {"vhsub s", interp_vhsub, half_subtract, S, 1, 1, 0, 0, 3},
    {"vhsub u", interp_vhsub, half_subtract, 0, 0, 0, 0, 0, 3},
    {"vcmeq", interp_vcmeq, equal, 0, 0, 0, 0, 0, 3},
    {"vcmgt", interp_vcmgt, greater, 0, 1, 1, 0, 0, 3},
    {"vcmge", interp_vcmge, not_less, 0, 1, 1, 0, 0, 3},
    {"vcmhi", interp_vcmhi, greater, 0, 0, 0, 0, 0, 3},
    {"vcmhs", interp_vcmhs, not_less, 0, 0, 0, 0, 0, 3},
    {"vsmax", interp_vsmax, larger, 0, 1, 1, 0, 0, 3},
    {"vsmin", interp_vsmin, smaller, 0, 1, 1, 0, 0, 3},
    {"vumax", interp_vumax, larger, 0, 0, 0, 0, 0, 3},
    {"vumin", interp_vumin, smaller, 0, 0, 0, 0, 0, 3},
    {"vshlr s", interp_vshlr, shifted, S, 1, 1, 0, 0, 3},
    {"vshlr u", interp_vshlr, shifted, 0, 0, 1, 0, 0, 3},
    {"vshlr sr", interp_vshlr, shifted_round, S | R, 1, 1, 0, 0, 3},
    {"vshlr ur", interp_vshlr, shifted_round, R, 0, 1, 0, 0, 3},
    {"vshm", interp_vshm, shifted_left, 0, 0, 0, 0, 0, 3},
    {"vshm u", interp_vshm, shifted_right, ALT, 0, 0, 0, 0, 3},
    {"vshm s", interp_vshm, shifted_right, ALT | S, 1, 0, 0, 0, 3},
    {"vqadd s", interp_vqadd, add, S, 1, 1, 1, 0, 3},
    {"vqadd u", interp_vqadd, add, 0, 0, 0, 1, 0, 3},
    {"vqsub s", interp_vqsub, subtract, S, 1, 1, 1, 0, 3},
    {"vqsub u", interp_vqsub, subtract, 0, 0, 0, 1, 0, 3},
    {"vqaddx s", interp_vqaddx, add, S, 1, 0, 1, 0, 3},
    {"vqaddx u", interp_vqaddx, add, 0, 0, 1, 1, 0, 3},
    {"vqdmulh", interp_vqdmulh, double_high, S, 1, 1, 1, 1, 2},
    {"vqdmulh r", interp_vqdmulh, double_high_round, S | R, 1, 1, 1, 1, 2},
};

/* What row makes of one lane; *saturated is set when it has to. */
static uint64_t want_lane(const Row *row, const IrVal *a, const IrVal *b, unsigned e, unsigned i, bool *saturated) {
    const unsigned width = 8u << e;
    Wide z = row->want(lane(a, e, i, row->x_signed), lane(b, e, i, row->y_signed), width);
    if (row->saturates) {
        const Wide high = ((Wide)1 << (row->aux & S ? width - 1 : width)) - 1;
        const Wide low = row->aux & S ? -high - 1 : 0;
        *saturated |= z > high || z < low;
        z = z > high ? high : z < low ? low : z;
    }
    return low_lane(z, e);
}

START_TEST(lane_by_lane) {
    const Row *row = &rows[_i];
    uint64_t seed = 1;
    for (unsigned n = 0; n < 2000; n++) {
        const unsigned e = row->first + n % (row->last - row->first + 1);
        const IrVal a = random_value(&seed, e), b = random_value(&seed, e);
        IrVal d = n & 1 ? a : b;
        Env *env = calloc(1, sizeof(*env));
        row->fn(env, &d, n & 1 ? &d : &a, n & 1 ? &b : &d, NULL, info(e | row->aux, 0));
        bool saturated = false;
        for (unsigned i = 0; i < 16u >> e; i++) {
            const uint64_t want = want_lane(row, &a, &b, e, i, &saturated);
            ck_assert_msg(low_lane(lane(&d, e, i, false), e) == want, "%s: lane %u of size %u", row->name, i, e);
        }
        ck_assert_uint_eq(env->qc, saturated);
        free(env);
    }
}
END_TEST

/* Shifts by every amount there is. */
START_TEST(shifts_by_immediate) {
    uint64_t seed = 2;
    for (unsigned e = 0; e < 4; e++) {
        for (unsigned n = 0; n <= 8u << e; n++) {
            const IrVal a = random_value(&seed, e), b = random_value(&seed, e);
            IrVal r[6];
            interp_vshl(NULL, &r[0], &a, NULL, NULL, info(e, n));
            interp_vshr(NULL, &r[1], &a, NULL, NULL, info(e, n));
            interp_vsar(NULL, &r[2], &a, NULL, NULL, info(e, n));
            interp_vrshr(NULL, &r[3], &a, NULL, NULL, info(e | S, n ? n : 1));
            interp_vsli(NULL, &r[4], &b, &a, NULL, info(e, n));
            interp_vsri(NULL, &r[5], &b, &a, NULL, info(e, n));
            for (unsigned i = 0; i < 16u >> e; i++) {
                const Wide x = lane(&a, e, i, true), u = lane(&a, e, i, false), y = lane(&b, e, i, false);
                const Wide ones = ((Wide)1 << n) - 1, width_ones = ((Wide)1 << (8u << e)) - 1;
                const int k = n ? (int)n : 1;
                const Wide want[6] = {
                    u * ((Wide)1 << n), u >> n, floor_shift(x, (int)n), floor_shift(x + ((Wide)1 << (k - 1)), k),
                    u * ((Wide)1 << n) + (y & ones), (u >> n) | (y & ~(width_ones >> n)),
                };
                for (unsigned k2 = 0; k2 < 6; k2++) {
                    ck_assert_uint_eq(low_lane(lane(&r[k2], e, i, false), e), low_lane(want[k2], e));
                }
            }
        }
    }
}
END_TEST

/* Taking apart what was put together gives it back. */
START_TEST(moves_undo_each_other) {
    uint64_t seed = 3;
    for (unsigned e = 0; e < 4; e++) {
        const IrVal a = random_value(&seed, 0), b = random_value(&seed, 0);
        IrVal z1, z2, r;
        interp_vzip1(NULL, &z1, &a, &b, NULL, info(e, 0));
        interp_vzip2(NULL, &z2, &a, &b, NULL, info(e, 0));
        interp_vuzp1(NULL, &r, &z1, &z2, NULL, info(e, 0));
        ck_assert_mem_eq(&r, &a, 16);
        interp_vuzp2(NULL, &r, &z1, &z2, NULL, info(e, 0));
        ck_assert_mem_eq(&r, &b, 16);
        interp_vtrn1(NULL, &z1, &a, &b, NULL, info(e, 0));
        interp_vtrn2(NULL, &z2, &a, &b, NULL, info(e, 0));
        interp_vtrn1(NULL, &r, &z1, &z2, NULL, info(e, 0));
        ck_assert_mem_eq(&r, &a, 16);
        for (unsigned box = e; box <= 3; box++) {
            interp_vrev(NULL, &r, &a, NULL, NULL, info(e, box));
            interp_vrev(NULL, &r, &r, NULL, NULL, info(e, box));
            ck_assert_mem_eq(&r, &a, 16);
        }
        const IrVal x = {.u64 = (uint64_t)lane(&b, e, 0, false)};
        interp_vput(NULL, &r, &a, &x, NULL, info(e, (16u >> e) - 1));
        ck_assert_mem_eq(r.b + 16 - (1u << e), &x, (size_t)1 << e);
        ck_assert_mem_eq(&r, &a, 16 - (1u << e));
    }
}
END_TEST

START_TEST(tables_look_up) {
    IrVal table, index = {.b = {0, 15, 16, 31, 32, 255, 7, 20}}, old, r;
    for (unsigned i = 0; i < 16; i++) {
        table.b[i] = (uint8_t)(0x80 + i);
        old.b[i] = (uint8_t)i;
    }
    interp_vtbl(NULL, &r, &table, &index, NULL, info(0, 0));
    ck_assert_mem_eq(&r, ((uint8_t[]){0x80, 0x8f, 0, 0, 0, 0, 0x87, 0}), 8);
    interp_vtbx(NULL, &r, &old, &table, &index, info(16, 0));
    ck_assert_mem_eq(&r, ((uint8_t[]){0, 1, 0x80, 0x8f, 4, 5, 6, 0x84}), 8);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("interp_vec");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, lane_by_lane, 0, (int)(sizeof(rows) / sizeof(*rows)));
    tcase_add_test(t, shifts_by_immediate);
    tcase_add_test(t, moves_undo_each_other);
    tcase_add_test(t, tables_look_up);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
