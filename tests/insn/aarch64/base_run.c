/* SPDX-License-Identifier: MIT */
/*
 * base_run.c - see base_run.h.
 */
#include "tests/insn/aarch64/base_run.h"

#include <string.h>

#include "frontend/arm/a64.h"

static BaseRunner *runner_of(Env *env) {
    return env->runtime;
}

static bool mem_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    BaseRunner *r = runner_of(env);
    uint64_t alignment = UINT64_C(1) << ((aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT);
    if (ea < BASE_ADDRESS || ea + size > BASE_ADDRESS + BASE_WINDOW || ea % alignment != 0) {
        r->out_of_reach++;
        return false;
    }
    *addend = r->slow ? IR_ADDEND_SLOW : (uint64_t)(uintptr_t)r->window - BASE_ADDRESS;
    return true;
}

static bool mem_load(Env *env, uint64_t ea, unsigned size, IrVal *v) {
    memcpy(v, (uint8_t *)runner_of(env)->window + (ea - BASE_ADDRESS), size);
    return true;
}

static bool mem_store(Env *env, uint64_t ea, unsigned size, const IrVal *v) {
    memcpy((uint8_t *)runner_of(env)->window + (ea - BASE_ADDRESS), v, size);
    return true;
}

static void mem_misaligned(Env *env, uint64_t value) {
    runner_of(env)->misaligned++;
}

BaseRunner *base_runner_new(void) {
    static const IrMemOps mem = {mem_check, mem_load, mem_store, mem_misaligned};
    const Frontend *arm = &frontend_arm;
    BaseRunner *r = g_new0(BaseRunner, 1);
    r->env = g_aligned_alloc0(1, sizeof(Env), 64);
    r->env->runtime = r;
    arm_cpu(r->env)->features = UINT64_MAX;
    r->block = ir_block_new(arm->slots, arm->slot_count, arm->helpers, arm->helper_count);
    r->interp = ir_interp_new(&mem, arm->helpers, arm->helper_count);
    return r;
}

void base_runner_free(BaseRunner *r) {
    for (unsigned i = 0; i < 2; i++) {
        if (r->host[i]) {
            jit_side_free(r->host[i]);
        }
    }
    ir_interp_free(r->interp);
    ir_block_free(r->block);
    g_aligned_free(r->env);
    g_free(r);
}

static uint16_t flags_of(uint64_t nzcv) {
    return (uint16_t)((nzcv >> 31 & 1) * IR_FLAG_N | (nzcv >> 30 & 1) * IR_FLAG_Z | (nzcv >> 29 & 1) * IR_FLAG_C |
                      (nzcv >> 28 & 1) * IR_FLAG_V);
}

static uint64_t nzcv_of(unsigned flags) {
    return (flags & IR_FLAG_N ? 1u << 31 : 0) | (flags & IR_FLAG_Z ? 1u << 30 : 0) |
           (flags & IR_FLAG_C ? 1u << 29 : 0) | (flags & IR_FLAG_V ? 1u << 28 : 0);
}

static bool translate(BaseRunner *r, const BaseCase *c, bool optimize, const char **why) {
    Trans t = {.frontend = &frontend_arm, .env = r->env, .mode = r->mode, .ir = r->block, .avail = 4};
    ir_block_reset(r->block);
    r->block->optimize = optimize;
    for (unsigned i = 0; i < c->count && !t.ended; i++) {
        A64Fields f;
        if (!a64_find(c->insn[i], &f)) {
            *why = "unallocated";
            return false;
        }
        t.code = (const uint8_t *)&c->insn[i];
        t.off = (int32_t)i * 4;
        a64_translate(&t);
    }
    if (!t.ended) {
        ir_append(r->block, IR_jump, IR_VOID, 0, c->count * 4, 0, 0);
    }
    if (!ir_verify(r->block, NULL)) {
        *why = "the verifier refuses its IR";
        return false;
    }
    if (optimize) {
        ir_opt_dead(r->block);
    }
    return true;
}

/* -- host code -- */

static void host_fault(Env *env, uint64_t va) {
    env->pc = UINT64_MAX;
}

static JitSide *host_side(BaseRunner *r) {
    const Frontend *arm = &frontend_arm;
    JitSide **s = &r->host[r->slow];
    if (!*s) {
        r->guest[r->slow] = (JitGuest){.slots = arm->slots, .slot_count = arm->slot_count, .helpers = arm->helpers,
                                       .helper_count = arm->helper_count, .base = BASE_ADDRESS,
                                       .pages = r->slow ? "d" : "r", .fault = host_fault};
        *s = jit_side_new(&r->guest[r->slow], true);
        jit_vary_pins(*s);
    }
    return *s;
}

/* True when host code has run the block to its end; else nothing has happened. */
static bool run_on_host(BaseRunner *r, uint64_t pcbase) {
    JitSide *s = host_side(r);
    Env *env = jit_env(s);
    memcpy(env->guest, r->env->guest, sizeof env->guest);
    memcpy(jit_memory(s), r->window, sizeof r->window);
    env->excl_addr = UINT64_MAX;
    env->pcbase = pcbase;
    if (jit_run(s, r->block) != IR_EXIT_NEXT) {
        r->given_back++;
        return false;
    }
    memcpy(r->env->guest, env->guest, sizeof env->guest);
    memcpy(r->window, jit_memory(s), sizeof r->window);
    r->env->pc = env->pc;
    return true;
}

bool base_run(BaseRunner *r, BaseCase *c, unsigned how, const char **why) {
    ArmCpu *cpu = arm_cpu(r->env);
    if (!translate(r, c, how & BASE_OPTIMIZE, why)) {
        return false;
    }
    memcpy(cpu->x, c->x, sizeof(cpu->x));
    memcpy(cpu->v, c->v, sizeof(cpu->v));
    cpu->sp = c->sp;
    cpu->nzcv = flags_of(c->nzcv);
    r->slow = how & BASE_SLOW;
    r->env->excl_addr = UINT64_MAX;
    r->env->pcbase = c->pc;
    bool done = (how & BASE_HOST) && run_on_host(r, c->pc);
    if (!done && ir_interp_run(r->interp, r->block, r->env) != IR_EXIT_NEXT) {
        *why = "the block was not left as it should be";
        return false;
    }
    memcpy(c->x, cpu->x, sizeof(cpu->x));
    memcpy(c->v, cpu->v, sizeof(cpu->v));
    c->sp = cpu->sp;
    c->nzcv = nzcv_of(cpu->nzcv);
    c->pc = r->env->pc;
    c->memory = base_hash(r->window);
    return true;
}
