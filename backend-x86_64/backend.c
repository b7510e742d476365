/* SPDX-License-Identifier: MIT */
/*
 * backend.c - the x86-64 host as tcg/ sees it: registers, moves, the table of rules. README.md has the contract.
 */
#include <cpuid.h>

#include "backend-x86_64/asm.h"
#include "backend-x86_64/vec.h"

/* -- the rules of each level: later rows replace earlier ones -- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define RULE(name) [IR_##name] = &x64_rule_##name,
#define RULE_AVX2(name) [IR_##name] = &x64_avx2_##name,
#define RULE_AVX512(name) [IR_##name] = &x64_avx512_##name,
#define BASE_RULES                                                                                                     \
    X64_INT_RULES(RULE) X64_BITS_RULES(RULE) X64_VEC_RULES(RULE) X64_MEM_RULES(RULE) X64_FP_RULES(RULE)                \
    X64_FP_PAIRS_RULES(RULE)
#define AVX2_RULES                                                                                                     \
    BASE_RULES X64_INT_AVX2_RULES(RULE_AVX2) X64_BITS_AVX2_RULES(RULE_AVX2) X64_AVX2_RULES(RULE_AVX2)                  \
    X64_FP_AVX2_RULES(RULE_AVX2)                                                                                       \
    X64_FP_PAIRS_AVX2_RULES(RULE_AVX2)
#define AVX512_RULES                                                                                                   \
    AVX2_RULES X64_BITS_AVX512_RULES(RULE_AVX512) X64_AVX512_RULES(RULE_AVX512) X64_FP_AVX512_RULES(RULE_AVX512)
static const HostRule *const rules[X64_LEVELS][IR_OPS] = {
    [X64_SSE2] = {BASE_RULES},
    [X64_AVX2] = {AVX2_RULES},
    [X64_AVX512] = {AVX512_RULES},
};
#pragma GCC diagnostic pop

static void mov(HostCode *h, IrType type, unsigned d, unsigned s) {
    if (ir_type_is_vec(type)) {
        x_rr(h, 0x0f28, 0, d, s); /* movaps */
    } else {
        x_mov(h, type == IR_I32 ? 0 : OP_W, d, s);
    }
}

/* How values of a type are loaded and stored: opcodes of asm.h. */
typedef struct Access {
    uint32_t load, store;
    uint8_t load_flags, store_flags;
} Access;
static const Access accesses[IR_TYPES] = {
    [IR_I8] = {0x0fb6, 0x88, 0, OP_BYTE},
    [IR_I16] = {0x0fb7, 0x89, 0, OP_16},
    [IR_I32] = {0x8b, 0x89, 0, 0},
    [IR_I64] = {0x8b, 0x89, OP_W, OP_W},
    [IR_F16] = {0x66000f6e, 0x66000fd6, 0, 0},
    [IR_F32] = {0x66000f6e, 0x66000fd6, 0, 0},
    [IR_F64] = {0xf3000f7e, 0x66000fd6, 0, 0},
    [IR_V128] = {0x0f28, 0x0f29, 0, 0},
    [IR_FLAGS] = {0x0fb7, 0x89, 0, OP_16},
};

static G_GNUC_NO_INLINE void access_memory(HostCode *h, uint32_t op, unsigned flags, unsigned reg, HostOperand mem) {
    x_ro(h, op, flags, reg, mem);
}

/* The common case in code of its own: what is constant there makes it short. */
static inline bool is_word_in_env(IrType type, HostOperand mem) {
    return mem.kind == HOST_ENV && (type == IR_I32 || type == IR_I64);
}

static void load(HostCode *h, IrType type, unsigned d, HostOperand mem) {
    if (G_LIKELY(is_word_in_env(type, mem))) {
        x_env(h, 0x8b, x_w(type), d, mem.disp);
    } else {
        access_memory(h, accesses[type].load, accesses[type].load_flags, d, mem);
    }
}

static void store(HostCode *h, IrType type, HostOperand mem, unsigned s) {
    if (G_LIKELY(is_word_in_env(type, mem))) {
        x_env(h, 0x89, x_w(type), s, mem.disp);
    } else {
        access_memory(h, accesses[type].store, accesses[type].store_flags, s, mem);
    }
}

static void store_imm(HostCode *h, IrType type, HostOperand mem, int32_t imm) {
    x_ro(h, type == IR_I8 ? 0xc6 : 0xc7, type == IR_I64 ? OP_W : type == IR_I16 || type == IR_FLAGS ? OP_16 : 0, 0, mem);
    if (type == IR_I8) {
        x_byte(h, (uint8_t)imm);
    } else if (type == IR_I16 || type == IR_FLAGS) {
        x_byte(h, (uint8_t)imm);
        x_byte(h, (uint8_t)(imm >> 8));
    } else {
        x_32(h, (uint32_t)imm);
    }
}

static void load_imm(HostCode *h, IrType type, unsigned d, uint64_t value) {
    x_load_imm(h, d, type == IR_I32 ? (uint32_t)value : value);
}

static void zext32(HostCode *h, unsigned d, unsigned s) {
    x_mov(h, 0, d, s);
}

static void add_imm(HostCode *h, IrType type, unsigned d, unsigned s, int32_t imm) {
    x_rm(h, 0x8d, x_w(type), d, s, RSP, 0, imm); /* lea */
}

static void pcrel(HostCode *h, unsigned d, int32_t off) {
    uint8_t *p = x_begin_n(h, 2);
    p = a_env(p, 0x8b, OP_W, d, offsetof(Env, pcbase));
    x_end(h, a_group1(p, 0, OP_W, x_reg(d), off));
}

static HostFixup jump_if(HostCode *h, int cc) {
    return cc == HOST_ALWAYS ? x_jmp(h) : x_jcc(h, (unsigned)cc);
}

static void bind(HostCode *h, HostFixup f) {
    x_bind(h, f);
}

static bool make_stubs(HostCode *h, HostStubs *stubs, const IrSlot *slots, unsigned slot_count, HostSlowFn *slow) {
    if (!x64_make_stubs(h, stubs, slots, slot_count, slow)) {
        return false;
    }
    x64_make_pool(h, stubs);
    return !h->overflow;
}

#define BACKEND(which)                                                                                                 \
    [which] = {                                                                                                        \
        .level = which,                                                                                                \
        .rules = rules[which],                                                                                         \
        .name = "x86_64",                                                                                              \
        .vec_base = XMM0,                                                                                              \
        .scratch = 1 << RAX | 1 << RCX | 1 << RDX | 1 << RSI | 1 << RDI | 0xffu << XMM0,                               \
        .pins = x64_pins,                                                                                              \
        .vpins = x64_vpins,                                                                                            \
        .pin_count = X64_PINS,                                                                                         \
        .vpin_count = X64_VPINS,                                                                                       \
        .shift_reg = RCX,                                                                                              \
        .result_reg = RAX,                                                                                             \
        .sum = &x64_rule_sum,                                                                                          \
        .scaled_sum = &x64_rule_scaled_sum,                                                                            \
        .make_stubs = make_stubs,                                                                                      \
        .own_stubs = x64_own_stubs,                                                                                    \
        .mov = mov,                                                                                                    \
        .load = load,                                                                                                  \
        .store = store,                                                                                                \
        .store_imm = store_imm,                                                                                        \
        .load_imm = load_imm,                                                                                          \
        .zext32 = zext32,                                                                                              \
        .add_imm = add_imm,                                                                                            \
        .pcrel = pcrel,                                                                                                \
        .flags_save = x64_flags_save,                                                                                  \
        .flags_cc = x64_flags_cc,                                                                                      \
        .flags_test = x64_flags_test,                                                                                  \
        .compare = x64_compare,                                                                                        \
        .test = x64_test,                                                                                              \
        .flags_select = x64_flags_select,                                                                              \
        .carry_in = x64_carry_in,                                                                                      \
        .carry_load = x64_carry_load,                                                                                  \
        .carry_save = x64_carry_save,                                                                                  \
        .carry_test = x64_carry_test,                                                                                  \
        .csel = x64_csel,                                                                                              \
        .csel_fp = x64_csel_fp,                                                                                        \
        .cset = x64_cset,                                                                                              \
        .check = x64_check,                                                                                            \
        .ld = x64_ld,                                                                                                  \
        .st = x64_st,                                                                                                  \
        .cold = x64_cold,                                                                                              \
        .cold_state = x64_cold_state,                                                                                  \
        .one_page = x64_one_page,                                                                                      \
        .cold_op = x64_cold_op,                                                                                        \
        .align = x64_align,                                                                                            \
        .jump_if = jump_if,                                                                                            \
        .bind = bind,                                                                                                  \
        .poll = x64_poll,                                                                                              \
        .pending_exit = x64_pending_exit,                                                                              \
        .chain_jump = x64_chain_jump,                                                                                  \
        .chain_stub = x64_chain_stub,                                                                                  \
        .indirect = x64_indirect,                                                                                      \
        .far_jump = x64_far_jump,                                                                                      \
        .exit = x64_exit,                                                                                              \
        .patch = x64_patch,                                                                                            \
        .call_op = x64_call_op,                                                                                        \
        .call_helper = x64_call_helper,                                                                                \
        .store_insn_off = x64_store_insn_off,                                                                          \
        .budget = x64_budget,                                                                                          \
        .refund = x64_refund,                                                                                          \
    },
static const Backend backends[X64_LEVELS] = {
    BACKEND(X64_SSE2)
    BACKEND(X64_AVX2)
    BACKEND(X64_AVX512)
};

static bool has_sha(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

X64Level x64_host_level(void) {
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
                __builtin_cpu_supports("fma") && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("f16c");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bitalg") &&
                  __builtin_cpu_supports("gfni") && has_sha();
    return !avx2 ? X64_SSE2 : !avx512 ? X64_AVX2 : X64_AVX512;
}

const Backend *x64_backend(X64Level level) {
    return &backends[level];
}

const Backend *backend_x86_64_best(void) {
    return x64_backend(x64_host_level());
}

const Backend *backend_x86_64_named(const char *name, GError **error) {
    static const char *const names[X64_LEVELS] = {"sse2", "avx2", "avx512"};
    X64Level best = x64_host_level();
    for (unsigned level = 0; level < X64_LEVELS; level++) {
        if (strcmp(name, names[level]) == 0) {
            if (level <= best) {
                return x64_backend((X64Level)level);
            }
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "host level '%s' needs instructions that this machine does not have; its best is '%s'", name,
                        names[best]);
            return NULL;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "no host level '%s': it is one of sse2, avx2, avx512", name);
    return NULL;
}
