/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the run loop of a vCPU thread: safepoint work, look-up, execution, and what to do when a block is left.
 */
#include "tcg/vcpu.h"

#include <string.h>
#include <time.h>

#include "tcg/lower.h"
#include "tcg/region.h"

enum { MAX_INSNS = 64, PATIENCE_NS = 50000 };

/* The page that code at a physical address is read from. */
typedef struct Fetch {
    uint64_t pa;         /* of env->pc */
    const uint8_t *page; /* its 4 KiB; may be `copy` */
    bool transient;      /* device memory: the block must not be kept */
    uint8_t copy[PAGE_SIZE];
} Fetch;

static bool fetch_fault(Vcpu *v, MemFaultKind kind, uint64_t guest) {
    Env *env = v->env;
    v->frontend->mem_fault(env, &(MemFault){.kind = kind, .access = MEM_FETCH, .va = env->pc, .guest = guest});
    return false;
}

/* Reads one insn at pa from a device into f->copy. */
static bool fetch_device(Vcpu *v, Fetch *f) {
    const PhysMap *phys = &v->tcg->config.phys;
    unsigned offset = f->pa & (PAGE_SIZE - 1);
    memset(f->copy, 0, sizeof f->copy);
    for (unsigned i = 0; i < v->frontend->insn_max && offset + i < PAGE_SIZE; i += v->frontend->insn_min) {
        uint64_t value;
        if (phys->read(phys->opaque, v->index, f->pa + i, v->frontend->insn_min, &value) != PHYS_OK) {
            return fetch_fault(v, MEM_FAULT_BUS, 0);
        }
        memcpy(f->copy + offset + i, &value, v->frontend->insn_min);
    }
    f->page = f->copy;
    f->transient = true;
    return true;
}

/* Where env->pc leads to, or the exception that its fetch causes is taken. */
static bool fetch_address(Vcpu *v, uint64_t *pa) {
    Env *env = v->env;
    uint64_t va_page = env->pc & ~(uint64_t)(PAGE_SIZE - 1);

    if (env->pc & (v->frontend->insn_min - 1u)) {
        return fetch_fault(v, MEM_FAULT_ALIGN, 0);
    }
    if (!v->fetch_ok || v->fetch_va != va_page) {
        MemXlat x;
        MemFault fault;
        if (!tlb_translate(v, env->pc, MEM_FETCH, false, &x, &fault)) {
            return fetch_fault(v, fault.kind, fault.guest);
        }
        v->fetch_va = va_page;
        v->fetch_pa = x.pa & ~(uint64_t)(PAGE_SIZE - 1);
        v->fetch_bits = x.page_bits;
        v->fetch_ok = true;
    }
    *pa = v->fetch_pa | (env->pc & (PAGE_SIZE - 1));
    return true;
}

/* Finds the bytes at f->pa, or takes the exception that their fetch causes. */
static bool fetch_bytes(Vcpu *v, Fetch *f) {
    const PhysMap *phys = &v->tcg->config.phys;
    bool writable;
    f->transient = false;
    f->page = phys->page(phys->opaque, v->fetch_pa, &writable);
    return f->page || fetch_device(v, f);
}

/* The slow path of everything: one insn, translated and interpreted afresh. */
static IrExit run_one(Vcpu *v, const Fetch *f) {
    Env *env = v->env;
    unsigned end;
    IrBlock *ir = v->slow_ir;
    TransRequest request = {.frontend = v->frontend, .env = env, .mode = v->frontend->mode(env), .page = f->page,
                            .offset = f->pa & (PAGE_SIZE - 1), .max_insns = 1, .stop_offset = -1};
    ir_block_reset(ir);
    ir->optimize = true;
    if (frontend_translate(&request, ir, &end) != TRANS_OK) {
        return (IrExit)(fetch_fault(v, MEM_FAULT_BUS, 0), IR_EXIT_FAULT);
    }
    env->pcbase = env->pc & ~(uint64_t)(PAGE_SIZE - 1);
    v->stats.verify_alone++;
    return ir_interp_run(v->interp, ir, env);
}

IrExit exec_slow_insn(Vcpu *v) {
    Fetch f;
    return fetch_address(v, &f.pa) && fetch_bytes(v, &f) ? run_one(v, &f) : IR_EXIT_FAULT;
}

/* A new block; or *full: code memory has to be emptied first. */
static Tb *translate(Vcpu *v, const Fetch *f, uint64_t mode, bool *full) {
    Tb *tb = NULL;
    const char *crash = v->tcg->config.forced.crash;
    if (crash && v->stats.blocks >= 2 && strcmp(crash, "ir") != 0) {
        watch_inject(crash);
    }
    if (v->tcg->config.forced.evict && v->evict_count++ == v->tcg->config.forced.evict) {
        v->evict_count = 0;
        *full = true;
        return NULL;
    }
    for (unsigned insns = MAX_INSNS; !tb && insns; insns /= 4) { /* too big for one block */
        LowerResult result = LOWER_OK;
        tb = tb_translate(v, f->pa, v->env->pc, mode, f->page, insns, &result);
        if (result == LOWER_NO_ROOM) {
            *full = true;
            return NULL;
        }
    }
    return tb;
}

/* Drops every block, unless somebody has done it since `flushes` was read. No block is held on to. */
static void empty_cache(Vcpu *v, uint64_t flushes) {
    Tcg *tcg = v->tcg;
    world_stop(v);
    g_mutex_lock(&tcg->lock);
    if (tcg->flushes == flushes) {
        tb_flush(tcg);
    }
    g_mutex_unlock(&tcg->lock);
    world_go(v);
}

/* A block from pa, where env->pc leads to; NULL: an exception was taken, or one insn was run. */
static G_GNUC_NO_INLINE Tb *make_block(Vcpu *v, uint64_t pa, uint64_t mode) {
    Tcg *tcg = v->tcg;
    Tb *tb = NULL;
    Fetch f;
    f.pa = pa;
    if (!fetch_bytes(v, &f)) {
        return NULL;
    }
    for (bool full = !f.transient; full;) {
        full = false;
        g_mutex_lock(&tcg->lock);
        uint64_t flushes = tcg->flushes;
        tb = tb_find(tcg, pa, mode); /* somebody else may have made it */
        tb = tb ? tb : tb_revive(v, pa, mode, f.page);
        if (!tb) {
            uint64_t start = vcpu_now_ns(v);
            tb = translate(v, &f, mode, &full);
            v->stats.translate_ns += vcpu_now_ns(v) - start;
            if (tb && tcg->config.stats) {
                lower_count_host(v, tb);
            }
        }
        g_mutex_unlock(&tcg->lock);
        if (full) {
            empty_cache(v, flushes);
        }
    }
    if (tb && tcg->config.forced.regions) {
        v->met_pc = v->env->pc;
    }
    if (!tb) { /* a device's, or not even one insn could be compiled: interpret it */
        v->stats.exits[run_one(v, &f)]++;
    }
    return tb;
}

/* The block at env->pc, made if need be; NULL: an exception was taken, or one insn was run. plain: TB_PLAIN or 0. */
static Tb *find_block(Vcpu *v, uint64_t plain) {
    uint64_t pa;
    if (!fetch_address(v, &pa)) {
        return NULL;
    }
    uint64_t mode = v->frontend->mode(v->env) | plain;
    v->stats.lookups++;
    Tb *tb = tb_find(v->tcg, pa, mode);
    return tb ? tb : make_block(v, pa, mode);
}

static void remember_jump(Vcpu *v, Tb *tb) {
    if (tb->host && !v->tcg->one_by_one && v->fetch_ok && !(tb->mode & TB_PLAIN)) {
        space_note_code(v, v->env->pc & ~(uint64_t)(PAGE_SIZE - 1), v->fetch_pa, v->fetch_bits);
        tb_remember(v, tb);
    }
}

static bool wants_attention(const Vcpu *v) {
    return __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) || v->frontend->wakes(v->env);
}

/* Does something come before the vCPU's patience ends? Being put to sleep and woken takes the host longer than another
 * CPU often needs to answer. */
static bool comes_soon(const Vcpu *v, uint64_t start) {
    const TcgConfig *c = &v->tcg->config;
    for (uint64_t t = start; t - start < v->patience; t = c->now(c->opaque)) {
        if (wants_attention(v) || v->alarm <= t) {
            return true;
        }
    }
    return false;
}

static void sleep_until_wanted(Vcpu *v) {
    const TcgConfig *c = &v->tcg->config;
    g_mutex_lock(&v->halt_lock);
    __atomic_store_n(&v->halted, 1, __ATOMIC_SEQ_CST);
    while (!wants_attention(v)) {
        uint64_t t = c->now(c->opaque);
        if (v->alarm <= t) {
            break;
        }
        if (v->alarm == UINT64_MAX) {
            g_cond_wait(&v->halt_cond, &v->halt_lock);
        } else {
            gint64 limit = g_get_monotonic_time() + (gint64)((v->alarm - t) / 1000) + 1;
            if (!g_cond_wait_until(&v->halt_cond, &v->halt_lock, limit)) {
                break;
            }
        }
    }
    __atomic_store_n(&v->halted, 0, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->halt_lock);
}

/* Waits until an interrupt input, a timer or a request wants attention. */
static void halt(Vcpu *v) {
    const TcgConfig *c = &v->tcg->config;
    if (c->icount) {
        icount_warp(v);
        return;
    }
    vcpu_leave(v);
    uint64_t start = c->now(c->opaque);
    if (!comes_soon(v, start)) {
        sleep_until_wanted(v);
        bool soon = v->tcg->vcpu_count > 1 && c->now(c->opaque) - start < PATIENCE_NS;
        v->patience = soon ? PATIENCE_NS : v->patience / 2;
    }
    vcpu_enter(v);
    if (v->alarm <= c->now(c->opaque)) {
        vcpu_run_timers(v);
    }
}

/* The physical map has changed: the first vCPU to come here drops the blocks for all. */
static void forget_map(Vcpu *v) {
    Tcg *tcg = v->tcg;
    world_stop(v);
    uint64_t changes = __atomic_load_n(&tcg->map_changes, __ATOMIC_SEQ_CST);
    if (tcg->maps_seen != changes) {
        tcg->maps_seen = changes;
        g_mutex_lock(&tcg->lock);
        tb_flush(tcg);
        g_mutex_unlock(&tcg->lock);
    }
    world_go(v);
}

/* Everything that may only happen between blocks. False: leave the run loop. */
static bool safepoint(Vcpu *v) {
    Env *env = v->env;
    __atomic_store_n(&v->safepoints, v->safepoints + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&env->pending, 0, __ATOMIC_SEQ_CST);
    uint32_t requests = __atomic_exchange_n(&v->requests, 0, __ATOMIC_SEQ_CST);
    icount_publish(v);
    if (v->stop || (requests & REQUEST_STOP)) {
        return false;
    }
    debug_park(v);
    if (requests & REQUEST_ALARM) {
        vcpu_run_timers(v);
    }
    if (requests & REQUEST_FLUSH_TLB) {
        tlb_flush_all(v);
    }
    if (requests & REQUEST_FLUSH_CODE) {
        forget_map(v);
    }
    if (requests & REQUEST_SAMPLE) {
        v->met_pc = env->pc;
    }
    smp_safepoint(v);
    return true;
}

/* Runs from env->pc until generated code or the interpreter comes back; *from, *slot: a direct exit to be chained; *plain_pc:
 * env->pc, if it is to go on there by a plain block. */
static IrExit run_block(Vcpu *v, Tb *tb, Tb **from, unsigned *slot, uint64_t *plain_pc) {
    Env *env = v->env;
    if (!tb->host) {
        return ir_interp_run(v->interp, tb->extra->ir, env);
    }
    uint64_t left = v->tcg->stubs.enter(env, tb->host);
    if ((uint32_t)left != HOST_LEFT_CHAIN) {
        return (IrExit)(uint32_t)left;
    }
    TbExitRef exit = (TbExitRef)(left >> 32);
    Tb *last = tb_exit_tb(v->tcg, exit);
    unsigned off = last->exits[tb_exit_slot(exit)].off;
    env->pc = env->pcbase + (off & (PAGE_SIZE - 1));
    *plain_pc = off & TB_OFF_PLAIN ? env->pc : UINT64_MAX;
    if (!v->tcg->one_by_one) {
        *from = last;
        *slot = tb_exit_slot(exit);
    }
    return IR_EXIT_NEXT;
}

static void log_exec(Vcpu *v, const Tb *tb) {
    const TcgConfig *c = &v->tcg->config;
    if (c->log_items & TCG_LOG_EXEC) {
        fprintf(c->log, "exec: cpu %u: pc 0x%" G_GINT64_MODIFIER "x pa 0x%" G_GINT64_MODIFIER "x insns %u\n", v->index,
                v->env->pc, tb->pa, tb->insns);
    }
    if (c->log_items & TCG_LOG_CPU) {
        g_autoptr(GString) text = g_string_new(NULL);
        v->frontend->dump(v->env, text);
        fputs(text->str, c->log);
    }
}

/* What is to be done in front of a block. */
typedef enum Ahead {
    AHEAD_NOTHING,
    AHEAD_AWAY,  /* nothing, but it is not the insn any more that the last block led to */
    AHEAD_AGAIN, /* look again */
    AHEAD_STOP, AHEAD_TURN, AHEAD_IDLE, /* leave: see RunEnd */
} Ahead;

/* The vCPU has nothing to run. */
static Ahead wait(Vcpu *v, void (*how)(Vcpu *v)) {
    if (v->tcg->serial) {
        return AHEAD_IDLE;
    }
    how(v);
    return AHEAD_AGAIN;
}

static Ahead look_ahead(Vcpu *v) {
    Env *env = v->env;
    Ahead ahead = AHEAD_NOTHING;
    while (__atomic_load_n(&env->pending, __ATOMIC_RELAXED) < 0) {
        ahead = AHEAD_AWAY;
        if (!safepoint(v)) {
            return AHEAD_STOP;
        }
    }
    if (v->tcg->serial && serial_turn_over(v)) {
        return AHEAD_TURN;
    }
    CpuRunState power = vcpu_run_state(v);
    if (power != CPU_STATE_ON) {
        debug_off(v);
        if (power == CPU_STATE_OFF) {
            return wait(v, smp_off);
        }
        smp_off(v);
        return AHEAD_AGAIN;
    }
    if (v->waits_at == env->pc && !v->debug.step && !v->frontend->wakes(env)) {
        return wait(v, halt);
    }
    v->waits_at = UINT64_MAX;
    DebugStep debugged = v->debug.look ? debug_insn(v) : DEBUG_NOTHING;
    if (debugged != DEBUG_NOTHING) {
        v->waits_at = debugged == DEBUG_HALT ? env->pc : UINT64_MAX;
        return AHEAD_AGAIN;
    }
    if (v->tcg->config.icount && !icount_grant(v)) {
        return AHEAD_AGAIN;
    }
    if (v->frontend->deliverable(env)) {
        v->frontend->take_interrupt(env);
        return v->debug.look ? AHEAD_AGAIN : AHEAD_AWAY; /* there may be a breakpoint at the vector */
    }
    return ahead;
}

static bool may_chain(const Tb *from, const Tb *to) {
    return __atomic_load_n(&from->valid, __ATOMIC_RELAXED) && ((from->mode ^ to->mode) & ~TB_PLAIN) == 0 &&
           ((from->pa ^ to->pa) & ~(uint64_t)(PAGE_SIZE - 1)) == 0;
}

RunEnd exec_run(Vcpu *v) {
    Env *env = v->env;
    Tb *from = NULL;
    unsigned slot = 0;
    uint64_t plain_pc = UINT64_MAX; /* kept until a block is run: else it might be asked for again and again */
    for (;;) {
        Ahead ahead = look_ahead(v);
        if (ahead != AHEAD_NOTHING) {
            from = NULL;
            if (ahead == AHEAD_AGAIN) {
                continue;
            }
            if (ahead != AHEAD_AWAY) {
                return ahead == AHEAD_STOP ? RUN_STOPPED : ahead == AHEAD_TURN ? RUN_TURN : RUN_IDLE;
            }
        }
        Tb *tb = find_block(v, env->pc == plain_pc ? TB_PLAIN : 0);
        if (tb && __atomic_load_n(&env->pending, __ATOMIC_SEQ_CST) < 0) {
            tb = NULL; /* it may have waited for others, outside: what they wanted meanwhile comes first */
        }
        if (!tb) {
            from = NULL;
            continue;
        }
        if (region_asked(v) && !v->debug.look && region_met(v, tb)) {
            from = NULL;
            continue;
        }
        if (from && !v->running) {
            from = NULL; /* the cache has been emptied meanwhile, and it with it */
        }
        if (from) {
            if (may_chain(from, tb)) {
                g_mutex_lock(&v->tcg->lock);
                if (from != tb || !tb_unroll(v, tb)) {
                    tb_chain(v->tcg, from, slot, tb);
                }
                g_mutex_unlock(&v->tcg->lock);
            }
            from = NULL;
        } else {
            remember_jump(v, tb);
        }
        if (v->tcg->config.log_items & (TCG_LOG_EXEC | TCG_LOG_CPU)) {
            log_exec(v, tb);
        }
        plain_pc = UINT64_MAX;
        env->pcbase = env->pc & ~(uint64_t)(PAGE_SIZE - 1);
        __atomic_store_n(&v->running, tb, __ATOMIC_RELEASE); /* for watch.c */
        if (v->tcg->config.forced.poll_storm) {
            __atomic_store_n(&env->pending, -1, __ATOMIC_SEQ_CST); /* requests are looked at when the block is left */
        }
        bool compare = v->verify && verify_before(v, tb);
        IrExit reason;
        if (v->tcg->config.icount && tb->insns > env->budget) {
            reason = IR_EXIT_SLOW; /* insn by insn up to the deadline */
            from = NULL;
            compare = false;
        } else {
            reason = run_block(v, tb, &from, &slot, &plain_pc);
            icount_fold(v, reason);
        }
        if (compare) {
            verify_after(v, tb, reason);
        }
        v->stats.exits[reason == IR_EXIT_NEXT && from ? TCG_EXIT_CHAIN : reason]++;
        if (reason == IR_EXIT_SLOW) {
            reason = exec_slow_insn(v);
            v->stats.exits[reason]++;
            hint_excuse_unmerged(v, reason == IR_EXIT_FAULT);
        }
        if (reason == IR_EXIT_HALT) {
            v->waits_at = env->pc;
        }
    }
}

gpointer vcpu_thread(gpointer opaque) {
    Vcpu *v = opaque;
    v->stop = false;
    v->self = g_thread_self();
    watch_thread(v, true);
    if (v->tcg->serial) {
        serial_run(v->tcg);
    } else {
        vcpu_enter(v);
        tlb_context_changed(v);
        exec_run(v);
        vcpu_leave(v);
    }
    debug_thread(v, false);
    watch_thread(v, false);
    return NULL;
}
