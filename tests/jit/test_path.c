/* SPDX-License-Identifier: MIT */
/*
 * test_path.c - blocks that follow a path do what their insns do one by one, wherever they are left, and end where they must.
 *
 * A path is recorded from a run, insn by insn. Its block is then run from other states too, in which the guest goes elsewhere,
 * and what it has done by the end, in the interpreter and as host code, is compared with as many single insns.
 */
#include <string.h>

#include "frontend/arm/sysreg.h"
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "tests/jit/harness.h"
#include "tests/run.h"

enum { PAGE = 1 << IR_PAGE_BITS, BASE = 0x40000000, PATH_MAX_INSNS = 512 };

static G_GNUC_PRINTF(4, 5) void port_log(void *opaque, Env *e, int item, const char *format, ...) {
}
static void port_changed(void *opaque, Env *e) {
}
static uint64_t port_now(void *opaque) {
    return 0;
}
static void port_timer(void *opaque, Env *e, unsigned timer, uint64_t deadline) {
}
static void port_irq(void *opaque, Env *e, unsigned line, bool level) {
}
static const CpuPorts ports = {.log = port_log, .context_changed = port_changed, .now = port_now, .timer_set = port_timer,
                               .irq_out = port_irq};

static bool no_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    ck_abort_msg("no memory here");
    return false;
}
static void no_fault(Env *env, uint64_t va) {
    ck_abort_msg("no memory here");
}
static const IrMemOps mem = {.check = no_check};

/* A CPU, its page of code, and where the registers that the tests set stand in Env. */
typedef struct Side {
    const Frontend *fe;
    Env *env, *saved;
    IrBlock *ir;
    IrInterp *interp;
    JitGuest guest;
    JitSide *host;
    uint8_t page[PAGE];
    uint64_t *regs, *ctr;
} Side;

static Side side;
static uint16_t path[PATH_MAX_INSNS];
static unsigned path_len, begin, end;

static void make(const Frontend *fe, const char *model) {
    CpuConfig config = {.model = model, .ports = &ports, .counter_hz = 1000000000};
    side = (Side){.fe = fe};
    side.env = g_aligned_alloc0(1, sizeof *side.env, 64);
    side.saved = g_aligned_alloc0(1, sizeof *side.env, 64);
    ck_assert(fe->init(side.env, &config, NULL));
    fe->reset(side.env);
    side.ir = ir_block_new(fe->slots, fe->slot_count, fe->helpers, fe->helper_count);
    side.interp = ir_interp_new(&mem, fe->helpers, fe->helper_count);
    side.env->pcbase = BASE;
    side.guest = (JitGuest){fe->slots, fe->slot_count, fe->helpers, fe->helper_count, BASE, "-", no_fault};
    side.host = jit_side_new(&side.guest, true);
    jit_vary_pins(side.host);
    jit_env(side.host)->pcbase = BASE;
}

static void teardown(void) {
    side.fe->finish(side.env);
    ir_block_free(side.ir);
    ir_interp_free(side.interp);
    jit_side_free(side.host);
    g_aligned_free(side.env);
    g_aligned_free(side.saved);
}

/* Insns from page offset `at` on, as objdump shows them. */
static void code(unsigned at, const uint32_t *words, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint32_t word = side.fe == &frontend_ppc ? GUINT32_TO_BE(words[i]) : words[i];
        memcpy(side.page + at + 4 * i, &word, 4);
    }
}

/* The insn at env->pc. */
static void step(void) {
    Env *env = side.env;
    unsigned last;
    TransRequest r = {.frontend = side.fe, .env = env, .mode = side.fe->mode(env), .page = side.page, .max_insns = 1,
                      .offset = env->pc & (PAGE - 1), .stop_offset = -1};
    ir_block_reset(side.ir);
    ck_assert_uint_eq(env->pc & ~(uint64_t)(PAGE - 1), BASE);
    ck_assert_int_eq(frontend_translate(&r, side.ir, &last), TRANS_OK);
    ir_interp_run(side.interp, side.ir, env);
}

/* Registers 0, 1, ... and the CTR of PowerPC. */
static void state(unsigned at, uint64_t ctr, const uint64_t *values, unsigned count) {
    side.env->pc = BASE + at;
    side.env->pending = 0;
    if (side.ctr) {
        *side.ctr = ctr;
    }
    for (unsigned i = 0; i < 32; i++) {
        side.regs[i] = i < count ? values[i] : i * 1000;
    }
}

static void record(unsigned count) {
    path_len = count;
    for (unsigned i = 0; i < count; i++) {
        path[i] = side.env->pc & (PAGE - 1);
        step();
    }
}

/* The block of the path; returns how many insns it has. */
static unsigned follow(bool cycle, bool optimize, unsigned max_insns) {
    g_autoptr(GError) error = NULL;
    TransRequest r = {.frontend = side.fe, .env = side.env, .mode = side.fe->mode(side.env), .page = side.page,
                      .offset = path[0], .max_insns = max_insns, .stop_offset = -1, .path = path, .path_len = path_len,
                      .cycle = cycle};
    ir_block_reset(side.ir);
    side.ir->optimize = optimize;
    ck_assert_int_eq(frontend_translate_path(&r, side.ir, &begin, &end), TRANS_OK);
    ck_assert_msg(ir_verify(side.ir, &error), "%s", error ? error->message : "");
    ck_assert_uint_le(side.ir->insns, MIN(path_len, max_insns));
    unsigned lowest = PAGE, highest = 0;
    for (unsigned i = 1, n = 0; i < side.ir->count; i++) {
        if (side.ir->nodes[i].op == IR_insn) {
            ck_assert_uint_eq(side.ir->nodes[i].a, path[n++]);
            lowest = MIN(lowest, side.ir->nodes[i].a);
            highest = MAX(highest, side.ir->nodes[i].a + 4);
        }
    }
    ck_assert_uint_eq(begin, lowest);
    ck_assert_uint_eq(end, highest);
    return side.ir->insns;
}

static unsigned count_of(IrOp op) {
    unsigned n = 0;
    for (unsigned i = 1; i < side.ir->count; i++) {
        n += side.ir->nodes[i].op == op;
    }
    return n;
}

static const IrNode *last_node(void) {
    return &side.ir->nodes[side.ir->count - 1];
}

/* What cannot be seen of flags goes. */
static void tidy(Env *env) {
    for (unsigned i = 0; i < side.fe->slot_count; i++) {
        if (side.fe->slots[i].type == IR_FLAGS) {
            *(uint16_t *)(void *)((uint8_t *)env + side.fe->slots[i].offset) &= IR_FLAG_MASK;
        }
    }
}

/* Host code of the block does the same from side.saved as has been done in side.env, and stops at a poll if that did. */
static void host_agrees(const IrBlock *block, IrExit polled) {
    Env *env = side.env, *host = jit_env(side.host);
    for (int pending = -1; pending <= 0; pending++) {
        memcpy(host->guest, side.saved->guest, sizeof host->guest);
        host->pending = pending;
        IrExit reason = jit_run(side.host, block);
        ck_assert(jit_compiled(side.host));
        if (pending) { /* a way out that shares the jump of another may poll as that does */
            ck_assert(reason == IR_EXIT_PENDING || reason == polled);
        } else {
            ck_assert_int_eq(reason, IR_EXIT_NEXT);
        }
        tidy(host);
        ck_assert_uint_eq(host->pc, env->pc);
        ck_assert_mem_eq(host->guest, env->guest, sizeof env->guest);
    }
}

/* The block in side.ir, which begins at env->pc, does what its insns do; returns how many it did. Where the CPU is wanted it
 * stops at a poll, and nowhere else. */
static unsigned agrees(void) {
    Env *env = side.env;
    env->insns = 0;
    memcpy(side.saved, env, offsetof(Env, excl_val));
    g_autoptr(IrBlock) block = ir_block_copy(side.ir);
    env->pending = -1;
    IrExit polled = ir_interp_run(side.interp, block, env);
    memcpy(env, side.saved, offsetof(Env, excl_val));
    IrExit reason = ir_interp_run(side.interp, block, env);
    ck_assert_int_eq(reason, IR_EXIT_NEXT);
    tidy(env);
    host_agrees(block, polled);
    unsigned insns = (unsigned)env->insns;
    uint64_t pc = env->pc;
    g_autofree uint8_t *guest = g_memdup2(env->guest, sizeof env->guest);
    memcpy(env, side.saved, offsetof(Env, excl_val));
    bool back = false;
    for (unsigned i = 0; i < insns; i++) {
        uint64_t at = env->pc;
        step();
        back |= env->pc <= at;
    }
    tidy(env);
    ck_assert_uint_eq(env->pc, pc);
    ck_assert_mem_eq(env->guest, guest, sizeof env->guest);
    if (back && polled == IR_EXIT_NEXT) { /* an indirect jump, which looks for them itself, in front of which it was left */
        step();
        ck_assert_msg(last_node()->op == IR_indirect, "a way back at which nobody looks for interrupts");
    }
    return insns;
}

/* Blocks of all lengths of the path, run to the ends of all of them. */
static void all_lengths(unsigned at, const uint64_t (*states)[4], unsigned count) {
    for (unsigned optimize = 0; optimize < 2; optimize++) {
        for (unsigned max = 1; max <= path_len; max++) {
            for (unsigned i = 0; i < count; i++) {
                state(at, states[i][3], states[i], 3);
                follow(max & 1, optimize, max);
                ck_assert_uint_ge(agrees(), i == 0 ? side.ir->insns : 0);
            }
        }
    }
}

static uint32_t below(uint64_t *r, uint32_t n) {
    *r = *r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*r >> 33) % n);
}

/* What random words translate to, in all the modes in turn. */
enum { WORDS = 40000 };
static void translations(const uint64_t *modes, unsigned count, uint64_t *hashes) {
    uint64_t r = 1;
    unsigned last;
    for (unsigned k = 0; k < WORDS; k++) {
        TransRequest request = {.frontend = side.fe, .env = side.env, .mode = modes[k % count], .page = side.page,
                                .max_insns = 1, .stop_offset = -1};
        uint32_t word = below(&r, 1u << 16) << 16 | below(&r, 1u << 16);
        memcpy(side.page, &word, 4);
        ir_block_reset(side.ir);
        ck_assert_int_eq(frontend_translate(&request, side.ir, &last), TRANS_OK);
        hashes[k] = side.ir->count;
        for (size_t i = 0; i < side.ir->count * sizeof(IrNode) / 4; i++) {
            hashes[k] = hashes[k] * 31 + ((const uint32_t *)(const void *)side.ir->nodes)[i];
        }
    }
}

/* Nothing that changes while the CPU runs is looked at but the mode: blocks may be made by another thread. */
static void ignores_state(const uint64_t *modes, unsigned count, uint8_t *cpu, size_t cpu_size, uint8_t *cold, size_t cold_size) {
    g_autofree uint64_t *before = g_new(uint64_t, WORDS), *after = g_new(uint64_t, WORDS);
    translations(modes, count, before);
    memset(side.env, 0xa5, offsetof(Env, guest));
    memset(&side.env->excl_val, 0xa5, offsetof(Env, op_table) - offsetof(Env, excl_val));
    memset(cpu, 0xa5, cpu_size);
    memset(cold, 0xa5, cold_size);
    translations(modes, count, after);
    for (unsigned k = 0; k < WORDS; k++) {
        ck_assert_msg(before[k] == after[k], "word %u depends on the CPU's state", k);
    }
    side.fe->reset(side.env);
}

/* -- Arm -- */

enum { A64_OUT = 0x28, A64_LEAF = 0x40 };
static const uint32_t a64_code[] = {
    0xf1000400, /* 00 loop: subs x0, x0, #1 */
    0x54000120, /* 04 b.eq out */
    0x36000060, /* 08 tbz w0, #0, even */
    0x91000c21, /* 0c add x1, x1, #3 */
    0x14000002, /* 10 b join */
    0x8b000021, /* 14 even: add x1, x1, x0 */
    0x9400000a, /* 18 join: bl leaf */
    0xaa1e03e5, /* 1c mov x5, x30 */
    0x9400000a, /* 20 bl nonleaf */
    0xb5fffee0, /* 24 cbnz x0, loop */
    0xb4000062, /* 28 out: cbz x2, 34 */
    0x10fffea3, /* 2c adr x3, loop */
    0xd61f0060, /* 30 br x3 */
    0xd1000442, /* 34 sub x2, x2, #1 */
    0xd63f0120, /* 38 blr x9 */
    0xd65f0140, /* 3c ret x10 */
    0x91001c84, /* 40 leaf: add x4, x4, #7 */
    0xd65f03c0, /* 44 ret */
    0xaa1e03e6, /* 48 nonleaf: mov x6, x30 */
    0x97fffffd, /* 4c bl leaf */
    0xaa0603fe, /* 50 mov x30, x6 */
    0xd65f03c0, /* 54 ret */
};

static void setup_arm(void) {
    make(&frontend_arm, "cortex-a57");
    side.regs = arm_cpu(side.env)->x;
    code(0, a64_code, G_N_ELEMENTS(a64_code));
}

static const uint64_t states[][4] = {{10, 0, 0, 9}, {9, 1, 0, 8}, {1, 0, 1, 1}, {2, 7, 1, 1}, {3, 0, 0, 3}, {4, 0, 0, 2}};

START_TEST(test_loop) {
    state(0, states[0][3], states[0], 3);
    record(40);
    all_lengths(0, states, G_N_ELEMENTS(states));
}
END_TEST

/* A conditional branch is a way out to where the path does not go; a direct jump is nothing. */
START_TEST(test_branches) {
    state(0, 9, states[0], 3); /* 9, then 8: odd */
    record(6);
    ck_assert_uint_eq(follow(false, true, 64), 6);
    ck_assert_uint_eq(count_of(IR_leave_if), 2);
    ck_assert_uint_eq(count_of(IR_branch), 0);
    ck_assert_uint_eq(last_node()->op, IR_jump);
    ck_assert_uint_eq(begin, 0);
    path_len = 3; /* ends with the branch itself */
    ck_assert_uint_eq(follow(false, true, 64), 3);
    ck_assert_uint_eq(last_node()->op, IR_branch);
    path[2] = 0x30; /* it never goes there */
    ck_assert_uint_eq(follow(false, true, 64), 2);
    static const uint64_t past[][4] = {{0}, {1}};
    state(0x24, 0, past[0], 3); /* past the end of the loop: back is the way out */
    record(3);
    all_lengths(0x24, past, G_N_ELEMENTS(past));
}
END_TEST

/* The destination of a return behind its call is known, that of others is compared. */
START_TEST(test_returns) {
    state(0x18, 0, states[0], 3);
    record(12); /* up to 0x24: a call of a leaf, then of what calls it */
    ck_assert_uint_eq(path[11], 0x24);
    ck_assert_uint_eq(follow(false, true, 64), 12);
    ck_assert_uint_eq(count_of(IR_leave_if), 1); /* of CBNZ: behind calls both its ways look for interrupts */
    ck_assert_uint_eq(last_node()->aux, 1);
    ck_assert_uint_eq(count_of(IR_indirect), 0);
    state(A64_LEAF, 0, states[0], 3); /* a path that begins behind the call */
    side.regs[30] = BASE + 0x28;
    record(4);
    ck_assert_uint_eq(path[3], 0x34);
    ck_assert_uint_eq(follow(false, true, 64), 4);
    ck_assert_uint_eq(count_of(IR_leave_if), 2);
    side.regs[30] = BASE + 0x1c; /* its guard fails, and the return itself is not done */
    state(A64_LEAF, 0, states[0], 3);
    ck_assert_uint_eq(agrees(), 1);
    ck_assert_uint_eq(side.env->pc, BASE + A64_LEAF + 4);
    path[0] = 0x18, path[1] = A64_LEAF, path[2] = A64_LEAF + 4, path[3] = 0x34; /* known to go elsewhere */
    ck_assert_uint_eq(follow(false, true, 64), 4);
    state(0x18, 0, states[0], 3);
    ck_assert_uint_eq(agrees(), 2);
    state(A64_LEAF + 4, 0, states[0], 3); /* nor is it followed where it would lead back to the block itself */
    side.regs[30] = BASE + 0x28;
    record(3);
    ck_assert_uint_eq(follow(true, true, 64), 1);
    ck_assert_uint_eq(last_node()->op, IR_indirect);
}
END_TEST

/* At the loop of BLR X9 and RET X10. */
static void call_state(uint64_t x9) {
    state(0x34, 0, states[0], 3);
    side.regs[9] = x9;
    side.regs[10] = BASE + 0x34;
}

/* BLR: to what X9 was before, then X30 is the address behind it. */
START_TEST(test_indirect_calls) {
    enum { ROUND = 5, ROUNDS = 2 };
    for (unsigned tbi = 0; tbi < 4; tbi++) {
        arm_cold(side.env)->tcr_el1 = (uint64_t)tbi << 37;
        arm_update_mode(side.env);
        call_state(BASE + A64_LEAF);
        record(ROUND * ROUNDS);
        ck_assert_uint_eq(path[2], A64_LEAF);
        ck_assert_uint_eq(path[ROUND], 0x34);
        for (unsigned max = 1; max <= path_len; max++) {
            call_state(BASE + A64_LEAF);
            ck_assert_uint_eq(follow(true, true, max), max);
            ck_assert_uint_eq(count_of(IR_leave_if), (max + 3) / ROUND + max / ROUND); /* of BLR and of RET X10 */
            ck_assert_uint_eq(agrees(), max);
        }
        static const uint64_t elsewhere[] = {BASE + A64_LEAF + 4, (BASE + A64_LEAF) | UINT64_C(0xff) << 56};
        for (unsigned i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
            call_state(elsewhere[i]);
            follow(true, true, path_len);
            ck_assert_uint_eq(agrees(), 1);
            ck_assert_uint_eq(side.env->pc, BASE + 0x38);
        }
    }
}
END_TEST

enum { RANDOM_AT = 0x800, RANDOM_INSNS = 48, RANDOM_SEEDS = 400, RANDOM_PATH = 256 };

/* Insn i of a program that never ends and writes X0 to X7 and X30; X8 to X15 have addresses in it. */
static uint32_t random_insn(uint64_t *r, unsigned i) {
    uint32_t to = below(r, RANDOM_INSNS) - i, x = below(r, 8), imm19 = (to & 0x7ffff) << 5;
    switch (below(r, 16)) {
    case 0: return 0xb4000000 | below(r, 2) << 24 | imm19 | x;        /* cbz, cbnz */
    case 1: case 2: return 0x54000000 | imm19 | below(r, 15);         /* b.cond */
    case 3: return 0x36000000 | below(r, 2) << 24 | below(r, 4) << 19 | (to & 0x3fff) << 5 | x; /* tbz, tbnz */
    case 4: return 0x14000000 | (to & 0x3ffffff);                     /* b */
    case 5: case 6: return 0x94000000 | (to & 0x3ffffff);             /* bl */
    case 7: return 0xd65f03c0;                                        /* ret */
    case 8: return 0xd61f0000 | below(r, 2) << 21 | (8 + below(r, 8)) << 5; /* br, blr */
    case 9: return 0xaa0003fe | (8 + below(r, 8)) << 16;              /* mov x30 */
    case 10: return 0xf1000000 | below(r, 3) << 10 | x << 5 | x;      /* subs */
    case 11: return 0xaa1e03e0 | x;                                   /* mov from x30 */
    default: return 0x8b000000 | below(r, 8) << 16 | x << 5 | below(r, 8); /* add */
    }
}

static void random_state(uint64_t *r, unsigned at) {
    state(at, 0, NULL, 0);
    for (unsigned i = 0; i < 31; i++) {
        uint64_t address = BASE + RANDOM_AT + 4 * below(r, RANDOM_INSNS);
        side.regs[i] = i < 8 ? below(r, 4) : address;
    }
    arm_cpu(side.env)->nzcv = below(r, 2) ? IR_FLAG_Z | IR_FLAG_C : IR_FLAG_N;
}

START_TEST(test_random) {
    unsigned long whole = 0, early = 0;
    for (uint64_t seed = 1; seed <= RANDOM_SEEDS; seed++) {
        uint64_t r = seed, from;
        uint32_t words[RANDOM_INSNS + 1] = {[RANDOM_INSNS] = 0x14000000 | (-RANDOM_INSNS & 0x3ffffff)};
        for (unsigned i = 0; i < RANDOM_INSNS; i++) {
            words[i] = random_insn(&r, i);
        }
        code(RANDOM_AT, words, RANDOM_INSNS + 1);
        unsigned at = RANDOM_AT + 4 * below(&r, RANDOM_INSNS);
        from = r;
        random_state(&r, at);
        record(1 + below(&r, RANDOM_PATH));
        bool cycle = (side.env->pc & (PAGE - 1)) == path[0];
        for (unsigned i = 0; i < 8; i++) {
            uint64_t again = from;
            unsigned insns = follow(cycle, i & 1, RANDOM_PATH);
            random_state(i < 2 ? &again : &r, at);
            unsigned ran = agrees();
            ck_assert_uint_eq(i < 2 ? ran : insns, insns);
            whole += ran == insns && insns == path_len;
            early += ran != insns;
        }
    }
    ck_assert_uint_ge(whole, RANDOM_SEEDS);
    ck_assert_uint_ge(early, RANDOM_SEEDS);
}
END_TEST

START_TEST(test_arm_state) {
    uint64_t modes[4];
    for (unsigned el = 0; el < 2; el++) {
        for (unsigned fp = 0; fp < 2; fp++) {
            arm_set_spsel(side.env, el, el);
            arm_cold(side.env)->cpacr_el1 = fp ? 3 << 20 : 0;
            arm_update_mode(side.env);
            modes[2 * el + fp] = frontend_arm.mode(side.env);
        }
    }
    ArmCold *cold = arm_cold(side.env);
    ignores_state(modes, G_N_ELEMENTS(modes), side.env->guest, offsetof(ArmCpu, features), (uint8_t *)cold, offsetof(ArmCold, id));
}
END_TEST

/* -- PowerPC -- */

enum { PPC_LEAF = 0x40 };
static const uint32_t ppc_code[] = {
    0x3863ffff, /* 00 loop: addi 3, 3, -1 */
    0x2c230000, /* 04 cmpdi 3, 0 */
    0x41820028, /* 08 beq out */
    0x70650001, /* 0c andi. 5, 3, 1 */
    0x4182000c, /* 10 beq even */
    0x38840003, /* 14 addi 4, 4, 3 */
    0x48000008, /* 18 b join */
    0x7c841a14, /* 1c even: add 4, 4, 3 */
    0x48000021, /* 20 join: bl leaf */
    0x7ce802a6, /* 24 mflr 7 */
    0x48000021, /* 28 bl nonleaf */
    0x4200ffd4, /* 2c bdnz loop */
    0x4d820020, /* 30 out: beqlr */
    0x7d2903a6, /* 34 mtctr 9 */
    0x4e800421, /* 38 bctrl */
    0x4e800420, /* 3c bctr */
    0x38c60007, /* 40 leaf: addi 6, 6, 7 */
    0x4e800020, /* 44 blr */
    0x7d0802a6, /* 48 nonleaf: mflr 8 */
    0x4bfffff5, /* 4c bl leaf */
    0x7d0803a6, /* 50 mtlr 8 */
    0x4e800020, /* 54 blr */
};

static void setup_ppc(void) {
    make(&frontend_ppc, "power9");
    side.regs = ppc_cpu(side.env)->gpr;
    side.ctr = &ppc_cpu(side.env)->ctr;
    code(0, ppc_code, G_N_ELEMENTS(ppc_code));
}

START_TEST(test_ppc_loop) {
    static const uint64_t from[][4] = {{0, 0, 0, 9}, {0, 0, 0, 2}, {0, 0, 0, 1}};
    for (unsigned narrow = 0; narrow < 2; narrow++) {
        uint64_t msr = ppc_cpu(side.env)->msr;
        ppc_set_msr(side.env, narrow ? msr & ~PPC_MSR_SF : msr);
        state(0, from[0][3], from[0], 3); /* r3: 3000 */
        record(40);
        all_lengths(0, from, G_N_ELEMENTS(from));
        state(0, 9, from[0], 3);
        ck_assert_uint_eq(follow(false, true, 40), 40);
        ck_assert_uint_eq(count_of(IR_indirect), 0);
    }
}
END_TEST

/* beqlr */
START_TEST(test_ppc_register) {
    PpcCpu *cpu = ppc_cpu(side.env);
    for (unsigned taken = 0; taken < 2; taken++) {
        for (unsigned other = 0; other < 4; other++) {
            for (unsigned pass = 0; pass < 2; pass++) { /* records, then runs */
                bool takes = pass && other & 1 ? !taken : taken;
                state(4, 9, states[0], 0);
                side.regs[3] = takes ? 0 : 1;
                side.regs[9] = BASE + PPC_LEAF;
                cpu->lr = BASE + (pass && other & 2 ? 0x24 : PPC_LEAF);
                code(8, &(uint32_t){0x48000028}, 1); /* b out */
                if (!pass) {
                    record(5);
                    ck_assert_uint_eq(path[3], taken ? PPC_LEAF : 0x34);
                }
            }
            ck_assert_uint_eq(follow(false, true, 64), 5);
            unsigned ran = agrees();
            ck_assert_uint_eq(ran, other == 0 || (!taken && other == 2) ? 5 : 2);
        }
    }
}
END_TEST

START_TEST(test_ppc_state) {
    const uint64_t most = PPC_MSR_SF | PPC_MSR_FP | PPC_MSR_VEC | PPC_MSR_VSX, msrs[] = {0, most, PPC_MSR_LE, most | PPC_MSR_PR};
    uint64_t modes[G_N_ELEMENTS(msrs)];
    for (unsigned i = 0; i < G_N_ELEMENTS(msrs); i++) {
        ppc_set_msr(side.env, msrs[i]);
        modes[i] = frontend_ppc.mode(side.env);
    }
    PpcCold *cold = ppc_cold(side.env);
    ignores_state(modes, G_N_ELEMENTS(modes), side.env->guest, offsetof(PpcCpu, features), (uint8_t *)cold, offsetof(PpcCold, model));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("path");
    TCase *arm = tcase_create("arm");
    tcase_add_checked_fixture(arm, setup_arm, teardown);
    tcase_add_test(arm, test_loop);
    tcase_add_test(arm, test_branches);
    tcase_add_test(arm, test_returns);
    tcase_add_test(arm, test_indirect_calls);
    tcase_add_test(arm, test_random);
    tcase_add_test(arm, test_arm_state);
    suite_add_tcase(suite, arm);
    TCase *ppc = tcase_create("ppc");
    tcase_add_checked_fixture(ppc, setup_ppc, teardown);
    tcase_add_test(ppc, test_ppc_loop);
    tcase_add_test(ppc, test_ppc_register);
    tcase_add_test(ppc, test_ppc_state);
    suite_add_tcase(suite, ppc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
