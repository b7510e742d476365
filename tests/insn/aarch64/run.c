/* SPDX-License-Identifier: MIT */
/*
 * run.c - see run.h.
 * Missing: insns that access guest memory; there is none.
 */
#include "tests/insn/aarch64/run.h"

#include <string.h>

#include "frontend/arm/sysreg.h"
#include "tests/jit/harness.h"

struct InsnRunner {
    Env *env;
    IrBlock *block;
    IrInterp *interp;
    IrMemOps mem;
    JitGuest guest;
    JitSide *host;
};

static void no_memory(Env *env, uint64_t va) {
    env->pc = UINT64_MAX;
}

InsnRunner *insn_runner_new(void) {
    InsnRunner *r = g_new0(InsnRunner, 1);
    r->env = g_aligned_alloc0(1, sizeof(Env), 64);
    arm_cpu(r->env)->features = UINT64_MAX;
    const Frontend *arm = &frontend_arm;
    r->block = ir_block_new(arm->slots, arm->slot_count, arm->helpers, arm->helper_count);
    r->interp = ir_interp_new(&r->mem, arm->helpers, arm->helper_count);
    r->guest = (JitGuest){.slots = arm->slots, .slot_count = arm->slot_count, .helpers = arm->helpers,
                          .helper_count = arm->helper_count, .pages = "", .fault = no_memory};
    r->host = jit_side_new(&r->guest, true);
    jit_vary_pins(r->host);
    arm_cpu(jit_env(r->host))->features = UINT64_MAX;
    return r;
}

void insn_runner_free(InsnRunner *r) {
    jit_side_free(r->host);
    ir_interp_free(r->interp);
    ir_block_free(r->block);
    g_aligned_free(r->env);
    g_free(r);
}

static void load(Env *env, const InsnCase *c) {
    ArmCpu *cpu = arm_cpu(env);
    memcpy(cpu->x, c->x, sizeof(c->x));
    memcpy(cpu->v, c->v, sizeof(c->v));
    cpu->nzcv = (uint16_t)((c->nzcv >> 31 & 1) * IR_FLAG_N | (c->nzcv >> 30 & 1) * IR_FLAG_Z |
                           (c->nzcv >> 29 & 1) * IR_FLAG_C | (c->nzcv >> 28 & 1) * IR_FLAG_V);
    arm_set_fpcr(env, c->fpcr);
    arm_set_fpsr(env, c->fpsr);
}

static void store(const Env *env, InsnCase *c) {
    const ArmCpu *cpu = arm_cpu_const(env);
    memcpy(c->x, cpu->x, sizeof(c->x));
    memcpy(c->v, cpu->v, sizeof(c->v));
    c->nzcv = (cpu->nzcv & IR_FLAG_N ? 1u << 31 : 0) | (cpu->nzcv & IR_FLAG_Z ? 1u << 30 : 0) |
              (cpu->nzcv & IR_FLAG_C ? 1u << 29 : 0) | (cpu->nzcv & IR_FLAG_V ? 1u << 28 : 0);
    c->fpsr = (uint32_t)arm_fpsr(env);
}

bool insn_run(InsnRunner *r, InsnCase *c, unsigned how, const char **why) {
    Trans t = {.frontend = &frontend_arm, .env = r->env, .ir = r->block, .insn_len = 4};
    ir_block_reset(r->block);
    r->block->optimize = how & INSN_OPTIMIZE;
    ir_insn(r->block, 0, 4);
    if (!a64_decode(&t, c->insn)) {
        *why = "unallocated";
        return false;
    }
    if (!t.ended) {
        ir_append(r->block, IR_jump, IR_VOID, 0, 4, 0, 0);
    }
    if (!ir_verify(r->block, NULL)) {
        *why = "the verifier refuses its IR";
        return false;
    }
    if (how & INSN_OPTIMIZE) {
        ir_opt_dead(r->block);
    }
    Env *env = how & INSN_HOST ? jit_env(r->host) : r->env;
    load(env, c);
    if (how & INSN_HOST) {
        if (jit_run(r->host, r->block) != IR_EXIT_NEXT) {
            *why = "host code gives it back";
            return false;
        }
    } else {
        ir_interp_run(r->interp, r->block, env);
    }
    store(env, c);
    return true;
}

const A64Row *insn_row(uint32_t insn, A64Fields *f) {
    return a64_find(insn, f);
}
