/* SPDX-License-Identifier: MIT */
/*
 * test_ppc_dfp.c - what the vectors of decimal floating point do not tell: FR, enabled exceptions with wrapped or withheld
 * results, exact subnormal numbers, where the result of drdpq stands.
 * Spec: Power ISA 3.0B Book I, 5.5.10, 5.6.4.
 */
#include <check.h>
#include <inttypes.h>
#include <string.h>

#include "frontend/ppc/dfp.h"
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/trans.h"

void ppc_helper_dfp(Env *env, uint32_t op, uint32_t regs, uint32_t immediate);

enum { T = 2, A = 4, B = 6, OLD = 0x1234 };
enum { VE = 1 << PPC_FPSCR_VE, OE = 1 << PPC_FPSCR_OE, UE = 1 << PPC_FPSCR_UE, ZE = 1 << PPC_FPSCR_ZE, XE = 1 << PPC_FPSCR_XE };
#define FX (UINT64_C(1) << PPC_FPSCR_FX)
#define FEX (UINT64_C(1) << PPC_FPSCR_FEX)
#define BIT(name) (UINT64_C(1) << PPC_FPSCR_##name)
#define PLUS (UINT64_C(4) << PPC_FPSCR_FPRF)
#define PLUS_INFINITY (UINT64_C(5) << PPC_FPSCR_FPRF)
#define PLUS_SUBNORMAL (UINT64_C(20) << PPC_FPSCR_FPRF)
#define DRN(mode) ((uint64_t)(mode) << PPC_FPSCR_DRN)

static uint64_t port_now(void *opaque) {
    return 0;
}
static void port_timer(void *opaque, Env *e, unsigned timer, uint64_t deadline) {
}
static void port_changed(void *opaque, Env *e) {
}
static G_GNUC_PRINTF(4, 5) void port_log(void *opaque, Env *e, int item, const char *format, ...) {
}

/* An operand or a result: digits * 10^exponent, or -1: an infinity, -2: what the register held. */
typedef struct Number {
    int64_t digits;
    int exponent;
} Number;

static uint64_t encoded(Number n) {
    PpcDecimal x = ppc_dfp_from_uint(n.digits < 0 ? 0 : (uint64_t)n.digits);
    x.exponent = n.exponent;
    x.class = n.digits == -1 ? PPC_DFP_INFINITY : PPC_DFP_FINITE;
    return n.digits == -2 ? OLD : ppc_dfp_encode(&ppc_dfp_long, &x).low;
}

static Env *new_cpu(void) {
    static const CpuPorts ports = {.now = port_now, .timer_set = port_timer, .context_changed = port_changed, .log = port_log};
    CpuConfig config = {.model = "power9", .ports = &ports, .counter_hz = 1000000000};
    Env *env = g_aligned_alloc0(1, sizeof(*env), 64);
    ck_assert(frontend_ppc.init(env, &config, NULL));
    frontend_ppc.reset(env);
    ppc_cpu(env)->msr &= ~(uint64_t)(PPC_MSR_FE0 | PPC_MSR_FE1);
    return env;
}

START_TEST(results) {
    static const Number infinity = {-1, 0}, old = {-2, 0};
    const int64_t nines = INT64_C(9999999999999999);
    const struct { unsigned op; uint64_t before; Number a, b, result; uint64_t after; } cases[] = {
        {PPC_DFP_DIV, 0, {1, 0}, {3, 0}, {INT64_C(3333333333333333), -16}, FX | BIT(XX) | BIT(FI) | PLUS},
        {PPC_DFP_DIV, 0, {2, 0}, {3, 0}, {INT64_C(6666666666666667), -16}, FX | BIT(XX) | BIT(FI) | BIT(FR) | PLUS},
        {PPC_DFP_DIV, XE, {2, 0}, {3, 0}, {INT64_C(6666666666666667), -16}, FX | FEX | BIT(XX) | BIT(FI) | BIT(FR) | PLUS | XE},
        {PPC_DFP_DIV, DRN(1), {2, 0}, {3, 0}, {INT64_C(6666666666666666), -16}, FX | BIT(XX) | BIT(FI) | PLUS | DRN(1)},
        {PPC_DFP_MUL, 0, {nines, 369}, {10, 0}, infinity, FX | BIT(OX) | BIT(XX) | BIT(FI) | BIT(FR) | PLUS_INFINITY},
        {PPC_DFP_MUL, DRN(1), {nines, 369}, {10, 0}, {nines, 369}, FX | BIT(OX) | BIT(XX) | BIT(FI) | PLUS | DRN(1)},
        {PPC_DFP_MUL, OE, {nines, 369}, {10, 0}, {nines, -206}, FX | FEX | BIT(OX) | PLUS | OE},
        {PPC_DFP_MUL, 0, {1, -398}, {1, 0}, {1, -398}, PLUS_SUBNORMAL},
        {PPC_DFP_MUL, UE, {1, -398}, {1, 0}, {1, 178}, FX | FEX | BIT(UX) | PLUS | UE},
        {PPC_DFP_MUL, 0, {15, -398}, {1, -1}, {2, -398}, FX | BIT(UX) | BIT(XX) | BIT(FI) | BIT(FR) | PLUS_SUBNORMAL},
        {PPC_DFP_SUB, VE | PLUS | BIT(FI), infinity, infinity, old, FX | FEX | BIT(VX) | BIT(VXISI) | PLUS | VE},
        {PPC_DFP_DIV, ZE | PLUS | BIT(FR), {1, 0}, {0, 0}, old, FX | FEX | BIT(ZX) | PLUS | ZE},
        {PPC_DFP_DIV, 0, {1, 0}, {0, 0}, infinity, FX | BIT(ZX) | PLUS_INFINITY},
        {PPC_DFP_NARROW, OE, old, {1, 97}, {1, -95}, FX | FEX | BIT(OX) | PLUS | OE},
        {PPC_DFP_NARROW, UE, old, {123, -300}, {123, -108}, FX | FEX | BIT(UX) | PLUS | UE},
        {PPC_DFP_NARROW, UE, old, {12345678, -300}, {1234568, -107}, FX | FEX | BIT(UX) | BIT(XX) | BIT(FI) | BIT(FR) | PLUS | UE},
        {PPC_DFP_TO_INT, VE | PLUS, old, {1, 19}, old, FX | FEX | BIT(VX) | BIT(VXCVI) | PLUS | VE},
    };
    Env *env = new_cpu();
    PpcCpu *cpu = ppc_cpu(env);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ppc_set_fpscr(env, cases[i].before);
        cpu->vsr[T].d[0] = OLD;
        cpu->vsr[A].d[0] = encoded(cases[i].a);
        cpu->vsr[B].d[0] = encoded(cases[i].b);
        ppc_helper_dfp(env, cases[i].op | PPC_DFP_RC, T | A << 8 | B << 16, 0);
        ck_assert_msg(cpu->vsr[T].d[0] == encoded(cases[i].result), "case %u: %016" PRIx64, (unsigned)i, cpu->vsr[T].d[0]);
        ck_assert_msg(ppc_fpscr(env) == cases[i].after, "case %u: FPSCR %" PRIx64 ", not %" PRIx64, (unsigned)i, ppc_fpscr(env), cases[i].after);
        ck_assert_uint_eq(cpu->cr[1], cases[i].after >> 28 & 15);
    }
    g_aligned_free(env);
}
END_TEST

/* A doubleword, in the first register of the pair; a wrapped result is a quadword. */
START_TEST(pairs) {
    Env *env = new_cpu();
    PpcCpu *cpu = ppc_cpu(env);
    PpcDecimal x = ppc_dfp_from_uint(123), wrapped = ppc_dfp_from_uint(123);
    PpcDfpBits v = ppc_dfp_encode(&ppc_dfp_extended, &x);
    cpu->vsr[B].d[0] = v.high;
    cpu->vsr[B + 1].d[0] = v.low;
    ppc_helper_dfp(env, PPC_DFP_NARROW | PPC_DFP_QUAD, T | B << 16, 0);
    ck_assert_uint_eq(cpu->vsr[T].d[0], encoded((Number){123, 0}));
    ck_assert_uint_eq(cpu->vsr[T + 1].d[0], 0);
    x.exponent = -1000;
    wrapped.exponent = 3072 - 1000;
    v = ppc_dfp_encode(&ppc_dfp_extended, &x);
    cpu->vsr[B].d[0] = v.high;
    cpu->vsr[B + 1].d[0] = v.low;
    ppc_set_fpscr(env, UE);
    ppc_helper_dfp(env, PPC_DFP_NARROW | PPC_DFP_QUAD, T | B << 16, 0);
    v = ppc_dfp_encode(&ppc_dfp_extended, &wrapped);
    ck_assert_uint_eq(cpu->vsr[T].d[0], v.high);
    ck_assert_uint_eq(cpu->vsr[T + 1].d[0], v.low);
    g_aligned_free(env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ppc_dfp");
    TCase *tcase = tcase_create("ppc_dfp");
    tcase_add_test(tcase, results);
    tcase_add_test(tcase, pairs);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
