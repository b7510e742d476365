/* SPDX-License-Identifier: MIT */
/*
 * test_emit_vec.c - every rule of a vector op, at every level this host has, against the op in C: random and extreme
 * values, all lane sizes and variants, operands and result in random registers that are shared where a rule allows it.
 * Registers that a rule was not given must keep what they hold.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend-x86_64/vec.h"
#include "ir/interp.h"

enum { S = IR_VEC_SIGNED, R = IR_VEC_ROUND, H = IR_VEC_HIGH, A = IR_VEC_ALT };
/* What the immediate may be. */
typedef enum Imm { NO_IMM, SHIFT, SHIFT_1, LANE, LANES, BYTE, BOX } Imm;

typedef struct Row {
    IrOp op;
    unsigned first, last; /* log2 lane bytes */
    unsigned aux;         /* bits that may be set besides */
    Imm imm;
} Row;

static const Row rows[] = {
    {IR_vpair}, {IR_vlow}, {IR_vzext}, {IR_fbits}, {IR_bitsf},
    {IR_vand}, {IR_vor}, {IR_vxor}, {IR_vandn}, {IR_vorn}, {IR_vnot}, {IR_vbsl},
    {IR_vadd, 0, 3}, {IR_vsub, 0, 3}, {IR_vmul, 0, 3}, {IR_vneg, 0, 3}, {IR_vabs, 0, 3}, {IR_vabd, 0, 3, S},
    {IR_vhadd, 0, 3, S | R}, {IR_vhsub, 0, 3, S},
    {IR_vcmeq, 0, 3}, {IR_vcmgt, 0, 3}, {IR_vcmge, 0, 3}, {IR_vcmhi, 0, 3}, {IR_vcmhs, 0, 3}, {IR_vcmtst, 0, 3},
    {IR_vsmax, 0, 3}, {IR_vsmin, 0, 3}, {IR_vumax, 0, 3}, {IR_vumin, 0, 3},
    {IR_vshl, 0, 3, 0, SHIFT}, {IR_vshr, 0, 3, 0, SHIFT}, {IR_vsar, 0, 3, 0, SHIFT}, {IR_vrshr, 0, 3, S, SHIFT_1},
    {IR_vsli, 0, 3, 0, SHIFT}, {IR_vsri, 0, 3, 0, SHIFT}, {IR_vshlr, 0, 3, S | R}, {IR_vshm, 0, 3, S | A},
    {IR_vqadd, 0, 3, S}, {IR_vqsub, 0, 3, S}, {IR_vqaddx, 0, 3, S}, {IR_vqabs, 0, 3}, {IR_vqneg, 0, 3},
    {IR_vqshl, 0, 3, S | R | A}, {IR_vqdmulh, 1, 2, R}, {IR_vqrdmla, 1, 2, A}, {IR_vqdmull, 1, 2, H},
    {IR_vqnarrow, 0, 2, S | A},
    {IR_vwiden, 0, 2, S | H}, {IR_vnarrow, 0, 2}, {IR_vmull, 0, 2, S | H}, {IR_vaddlp, 0, 2, S}, {IR_vaddv, 0, 3},
    {IR_vmaxv, 0, 3, S | A}, {IR_vdot, 2, 2, S},
    {IR_vclz, 0, 3}, {IR_vcls, 0, 3}, {IR_vcnt}, {IR_vrbit}, {IR_vrev, 0, 3, 0, BOX},
    {IR_vdup, 0, 3}, {IR_vdupl, 0, 3, 0, LANE}, {IR_vget, 0, 3, S, LANE}, {IR_vput, 0, 3, 0, LANE},
    {IR_vins, 0, 3, 0, LANES}, {IR_vlow64}, {IR_vlane0, 0, 3}, {IR_vext, 0, 0, 0, BYTE},
    {IR_vzip1, 0, 3}, {IR_vzip2, 0, 3}, {IR_vuzp1, 0, 3}, {IR_vuzp2, 0, 3}, {IR_vtrn1, 0, 3}, {IR_vtrn2, 0, 3},
    {IR_vtbl, 0, 0, 0x70}, {IR_vtbx, 0, 0, 0x70}, {IR_vtbl, 0, 0, 0xff}, {IR_vtbx, 0, 0, 0xff},
    {IR_vpmul}, {IR_vpmull, 0, 3, H}, {IR_vaes, 0, 0, A}, {IR_vaesmc, 0, 0, A},
    {IR_vsha1, 0, 2}, {IR_vsha1h}, {IR_vsha1s0}, {IR_vsha1s1}, {IR_vsha2, 0, 0, A}, {IR_vsha2s0}, {IR_vsha2s1},
};

static uint64_t seed = 1;
static unsigned rnd(unsigned n) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

/* -- the machine: code, and an Env whose guest words are operands and registers -- */

enum { CODE_BYTES = 1 << 16, REGISTERS = 32, AT_OPERANDS = 0, AT_BEFORE = 64, AT_AFTER = AT_BEFORE + REGISTERS * 16 };

typedef struct Machine {
    uint8_t *code;
    uint32_t rules_at; /* where the stubs end */
    const Backend *backend;
    HostStubs stubs;
    Env *env;
} Machine;

static unsigned no_slow(Env *env, uint64_t ea, uint32_t desc) {
    return HOST_SLOW_LEAVE;
}

static HostCode code_at(Machine *m, uint32_t offset) {
    return (HostCode){.backend = m->backend, .start = m->code + offset, .p = m->code + offset,
                      .end = m->code + CODE_BYTES - HOST_CODE_SPARE, .exec = m->code + offset, .stubs = &m->stubs};
}

static Machine machine_new(X64Level level) {
    Machine m = {.backend = x64_backend(level)};
    m.code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(m.code != MAP_FAILED);
    m.env = aligned_alloc(64, (sizeof(Env) + 63) & ~(size_t)63);
    memset(m.env, 0, sizeof(Env));
    m.env->op_table = ir_ops;
    HostCode h = code_at(&m, 0);
    ck_assert(m.backend->make_stubs(&h, &m.stubs, NULL, 0, no_slow));
    m.rules_at = (uint32_t)(h.p - h.start);
    return m;
}

static void machine_free(Machine *m) {
    munmap(m->code, CODE_BYTES);
    free(m->env);
}

static HostOperand guest_at(int32_t byte) {
    return (HostOperand){.kind = HOST_ENV, .disp = (int32_t)offsetof(Env, guest) + byte};
}
static bool is_loaded(unsigned reg) {
    return reg != RSP && reg != RBP && reg != RBX && !(reg >= R12 && reg <= R15);
}

/* All registers from or to the words at `at`. */
static void move_all(HostCode *h, int32_t at, bool load) {
    for (unsigned reg = 0; reg < REGISTERS; reg++) {
        if (reg >= XMM0) {
            x_ro(h, load ? 0x0f28 : 0x0f29, 0, reg, guest_at(at + (int32_t)reg * 16));
        } else if (is_loaded(reg)) {
            x_ro(h, load ? 0x8b : 0x89, OP_W, reg, guest_at(at + (int32_t)reg * 16));
        }
    }
}

static void run(Machine *m) {
    union {
        uint8_t *data;
        void (*fn)(Env *env);
    } code = {.data = m->code + m->rules_at};
    code.fn(m->env);
}

/* -- one case -- */

typedef struct Case {
    const HostRule *rule;
    IrNode node;
    IrType operand_type[3];
    HostOp op;
    unsigned value_reg[3]; /* where each operand's value is put first */
    uint32_t used;         /* registers taken */
    uint32_t changed;      /* registers that the rule may change */
} Case;

static unsigned take(Case *c, bool vec) {
    static const uint8_t ints[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};
    unsigned reg;
    do {
        reg = vec ? XMM0 + rnd(16) : ints[rnd(sizeof ints)];
    } while (c->used >> reg & 1);
    c->used |= 1u << reg;
    return reg;
}

static IrType type_of(char c) {
    static const IrType scalars[] = {IR_F16, IR_F32, IR_F64};
    switch (c) {
    case 'V': return IR_V128;
    case 'd': return IR_I64;
    case 'p': case 'P': return scalars[rnd(3)];
    default: return rnd(2) ? IR_I64 : IR_I32;
    }
}

static int choose_imm(const Row *row, unsigned e) {
    unsigned width = 8u << e, lanes = 16u >> e;
    switch (row->imm) {
    case SHIFT: return (int)rnd(width + 1);
    case SHIFT_1: return 1 + (int)rnd(width);
    case LANE: return (int)rnd(lanes);
    case LANES: return (int)(rnd(lanes) | rnd(lanes) << 4);
    case BYTE: return (int)rnd(16);
    case BOX: return (int)rnd(5);
    default: return 0;
    }
}

static void choose_node(Case *c, const Row *row) {
    const IrOpInfo *info = &ir_ops[row->op];
    unsigned e = row->first + rnd(row->last - row->first + 1);
    if (row->op == IR_vpmull && e != 3) {
        e = 0;
    }
    c->node = (IrNode){.op = row->op, .aux = (uint8_t)(e | ((unsigned)rnd(256) & row->aux))};
    for (unsigned k = 0; k < 3; k++) {
        c->operand_type[k] = info->values >> k & 1 ? type_of(info->operands[k]) : IR_VOID;
        c->node.arg[k] = info->operands[k] == 'i' ? (uint32_t)choose_imm(row, e) : k + 1;
    }
    c->node.type = type_of(info->result);
    if (row->op == IR_bitsf && c->node.type == IR_F64) {
        c->operand_type[0] = IR_I64;
    } else if (row->op == IR_fbits && c->operand_type[0] == IR_F64) {
        c->node.type = IR_I64;
    } else if (row->op == IR_vdup && e == 3) {
        c->operand_type[0] = IR_I64;
    } else if (row->op == IR_vput && e == 3) {
        c->operand_type[1] = IR_I64;
    } else if (row->op == IR_vget && e == 3) {
        c->node.type = IR_I64;
    }
    c->node.aux |= ir_width_aux(row->op, c->operand_type[0]);
    c->op.node = &c->node;
    c->op.type = c->rule->flags & HOST_RULE_TYPE_OF_A ? c->operand_type[0] : (IrType)c->node.type;
}

static void choose_registers(Case *c) {
    const HostRule *r = c->rule;
    bool vec_d = ir_type_is_vec((IrType)c->node.type);
    c->used = c->changed = r->fixed;
    for (unsigned k = 0; k < 3; k++) {
        if (!c->operand_type[k]) {
            continue;
        }
        bool vec = ir_type_is_vec(c->operand_type[k]);
        bool shared = k > 0 && rnd(4) == 0 && c->operand_type[0] == c->operand_type[k];
        c->value_reg[k] = shared ? c->value_reg[0] : take(c, vec);
        c->op.s[k] = x_reg(c->value_reg[k]);
        if (!shared && k > 0 && strchr(r->s[k], 'm') && rnd(3) == 0) {
            c->op.s[k] = guest_at(AT_OPERANDS + (int32_t)k * 16);
        }
    }
    uint32_t operands = c->used & ~r->fixed;
    for (unsigned k = 0; k < (unsigned)(r->tmps + r->vtmps); k++) {
        c->op.tmp[k] = (uint8_t)take(c, k >= r->tmps);
        c->changed |= 1u << c->op.tmp[k];
    }
    unsigned d = take(c, vec_d);
    if (rnd(2) && !(r->flags & HOST_RULE_EARLY)) { /* an operand's register, as lower.c may choose it */
        unsigned k = r->d[0] == '0' ? 0 : rnd(3);
        if (c->operand_type[k] && operands >> c->value_reg[k] & 1 && (c->value_reg[k] >= XMM0) == vec_d) {
            d = c->value_reg[k];
        }
    }
    c->changed |= 1u << d;
    c->op.d = x_reg(d);
}

/* Entered as a C function. */
static void compile(Machine *m, Case *c) {
    HostCode h = code_at(m, m->rules_at);
    x_byte(&h, 0x55); /* push rbp: the stack is aligned then */
    x_rm(&h, 0x8d, OP_W, RBP, RDI, RSP, 0, ENV_BIAS);
    move_all(&h, AT_BEFORE, true);
    if (c->rule->d[0] == '0' && c->op.d.reg != c->op.s[0].reg) {
        m->backend->mov(&h, IR_V128, c->op.d.reg, c->op.s[0].reg);
    }
    if (c->rule->d[0] == '0') {
        c->op.s[0] = c->op.d;
    }
    c->rule->emit(&h, &c->op);
    move_all(&h, AT_AFTER, false);
    x_byte(&h, 0x5d);
    x_byte(&h, 0xc3);
    ck_assert(!h.overflow);
}

static IrVal random_value(unsigned e) {
    IrVal v;
    unsigned mode = rnd(4);
    for (unsigned i = 0; i < 16u >> e; i++) {
        uint64_t top = UINT64_C(1) << ((8 << e) - 1), any = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
        uint64_t choice[8] = {any, any >> 5, 0, 1, top, top - 1, UINT64_MAX, top + 1};
        uint64_t x = mode == 0 ? any : mode == 1 ? (uint64_t)((int64_t)rnd(160) - 80) : choice[rnd(8)];
        memcpy(v.b + (i << e), &x, (size_t)1 << e);
    }
    return v;
}

static bool same(IrType type, const IrVal *x, const IrVal *y) {
    static const uint8_t bytes[IR_TYPES] = {[IR_I32] = 4, [IR_I64] = 8, [IR_F16] = 2, [IR_F32] = 4, [IR_F64] = 8,
                                            [IR_V128] = 16};
    return memcmp(x, y, bytes[type]) == 0;
}

static IrVal *guest_word(Machine *m, int32_t at) {
    return (IrVal *)(void *)(m->env->guest + at);
}

/* Runs what has been compiled on new values. Is all as it should be? `twin` is the op that it is compared with. */
static bool run_case(Machine *m, Case *c, IrOp twin) {
    IrVal operand[3], want = {0}, before[REGISTERS];
    unsigned e = c->node.aux & 3;
    for (unsigned reg = 0; reg < REGISTERS; reg++) {
        *guest_word(m, AT_BEFORE + (int32_t)reg * 16) = random_value(3);
    }
    for (unsigned k = 0; k < 3; k++) {
        operand[k] = random_value(rnd(3) ? e : rnd(4));
        if (k > 0 && c->operand_type[k] && c->value_reg[k] == c->value_reg[0]) {
            operand[k] = operand[0];
        }
        if (c->operand_type[k]) {
            *guest_word(m, AT_BEFORE + (int32_t)c->value_reg[k] * 16) = operand[k];
        }
        *guest_word(m, AT_OPERANDS + (int32_t)k * 16) = operand[k];
    }
    memcpy(before, guest_word(m, AT_BEFORE), sizeof before);
    uint32_t qc = m->env->qc = rnd(4) == 0;
    run(m);
    uint32_t got_qc = m->env->qc;
    m->env->qc = qc;
    ir_ops[twin].interp(m->env, &want, &operand[0], &operand[1], &operand[2], ir_node_info(&c->node));
    bool ok = got_qc == m->env->qc;
    for (unsigned reg = 0; reg < XMM0 + 8; reg++) { /* calls of C may change the others here: they have no slots */
        const IrVal *after = guest_word(m, AT_AFTER + (int32_t)reg * 16);
        if (reg == c->op.d.reg) {
            ok &= same((IrType)c->node.type, after, &want);
        } else if (is_loaded(reg) && !(c->changed >> reg & 1) && (reg < R8 || reg >= XMM0)) {
            ok &= same(reg < XMM0 ? IR_I64 : IR_V128, after, &before[reg]);
        }
    }
    if (c->op.d.reg >= XMM0 + 8) {
        ok &= same((IrType)c->node.type, guest_word(m, AT_AFTER + c->op.d.reg * 16), &want);
    }
    return ok;
}

/* Number of wrong runs among n. */
static unsigned try_rule(Machine *m, const Row *row, const HostRule *rule, IrOp twin, unsigned n) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < n; i++) {
        Case c = {.rule = rule};
        choose_node(&c, row);
        choose_registers(&c);
        compile(m, &c);
        for (unsigned k = 0; k < 4; k++) {
            if (!run_case(m, &c, twin)) {
                if (wrong++ == 0 && rule == m->backend->rules[row->op] && twin == row->op) {
                    printf("%s at level %u: aux %#x, imm %u %u %u, d %u, s %u %u %u\n", ir_ops[row->op].name,
                           m->backend->level, c.node.aux, c.node.a, c.node.b, c.node.c, c.op.d.reg, c.op.s[0].reg,
                           c.op.s[1].reg, c.op.s[2].reg);
                }
            }
        }
    }
    return wrong;
}

START_TEST(test_rules) {
    unsigned tried = 0, failed = 0;
    if ((X64Level)_i > x64_host_level()) {
        return;
    }
    Machine m = machine_new((X64Level)_i);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const HostRule *rule = m.backend->rules[rows[i].op];
        if (rule) {
            tried++;
            failed += try_rule(&m, &rows[i], rule, rows[i].op, 1500) > 0;
        }
    }
    machine_free(&m);
    ck_assert_uint_ge(tried, 60);
    ck_assert_uint_eq(failed, 0);
}
END_TEST

START_TEST(test_names) {
    GError *error = NULL;
    ck_assert_ptr_eq(backend_x86_64_named("sse2", &error), x64_backend(X64_SSE2));
    ck_assert_ptr_null(backend_x86_64_named("mmx", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "mmx"));
    g_clear_error(&error);
    if (x64_host_level() < X64_AVX512) {
        ck_assert_ptr_null(backend_x86_64_named("avx512", &error));
        ck_assert_ptr_nonnull(strstr(error->message, "this machine"));
        g_clear_error(&error);
    }
}
END_TEST

/* Every vector op with a rule stands in the table above. */
START_TEST(test_complete) {
    const Backend *b = x64_backend(X64_AVX512);
    for (unsigned op = IR_vand; op < IR_OPS; op++) {
        bool found = false;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
            found |= rows[i].op == op;
        }
        ck_assert_msg(found || !b->rules[op], "%s", ir_ops[op].name);
    }
}
END_TEST

/* The checks see a rule that computes another op. */
START_TEST(test_faults) {
    static const IrOp pairs[][2] = {{IR_vadd, IR_vsub}, {IR_vcmgt, IR_vcmge}, {IR_vcmhi, IR_vcmgt},
                                    {IR_vsmax, IR_vumax}, {IR_vshr, IR_vsar}, {IR_vzip1, IR_vtrn1},
                                    {IR_vqneg, IR_vneg}, {IR_vand, IR_vandn}};
    Machine m = machine_new(X64_SSE2);
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
            if (rows[k].op == pairs[i][0]) {
                ck_assert_uint_gt(try_rule(&m, &rows[k], m.backend->rules[pairs[i][0]], pairs[i][1], 200), 0);
            }
        }
    }
    machine_free(&m);
}
END_TEST

/* A register changed behind the rule's back is seen too. */
static void emit_spoiling(HostCode *h, const HostOp *op) {
    h->backend->rules[IR_vand]->emit(h, op);
    x_rr(h, 0x0f57, 0, XMM0 + 3, XMM0 + 3);
}
START_TEST(test_spoiled) {
    static const Row row = {IR_vand};
    Machine m = machine_new(X64_SSE2);
    HostRule rule = *m.backend->rules[IR_vand];
    rule.emit = emit_spoiling;
    ck_assert_uint_gt(try_rule(&m, &row, &rule, IR_vand, 200), 0);
    machine_free(&m);
}
END_TEST

int main(void) {
    Suite *s = suite_create("emit_vec");
    TCase *t = tcase_create("emit_vec");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_rules, 0, X64_LEVELS);
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_complete);
    tcase_add_test(t, test_faults);
    tcase_add_test(t, test_spoiled);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
