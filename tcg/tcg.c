/* SPDX-License-Identifier: MIT */
/*
 * tcg.c - life of the translator and its vCPUs, and what other threads may ask of them.
 */
#include "tcg/tcg.h"

#include <string.h>

#include "tcg/lower.h"
#include "tcg/region.h"
#include "tcg/vcpu.h"

Tcg *tcg_new(const TcgConfig *config) {
    Tcg *tcg = g_new0(Tcg, 1);
    tcg->config = *config;
    g_mutex_init(&tcg->lock);
    g_mutex_init(&tcg->world);
    g_cond_init(&tcg->world_changed);
    tcg->one_by_one = config->verify || config->forced.no_chain || (config->log_items & (TCG_LOG_NOCHAIN | TCG_LOG_EXEC | TCG_LOG_CPU));
    tb_init(tcg);
    debug_init(tcg);
    return tcg;
}

void tcg_free(Tcg *tcg) {
    if (!tcg) {
        return;
    }
    tb_free_all(tcg);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        v->frontend->finish(v->env);
        tlb_free(v);
        lowerer_free(v->lowerer);
        region_free(v);
        verify_free(v);
        ir_interp_free(v->interp);
        ir_block_free(v->ir);
        ir_block_free(v->slow_ir);
        g_mutex_clear(&v->inbox_lock);
        g_mutex_clear(&v->halt_lock);
        g_cond_clear(&v->halt_cond);
        free(v->env);
        g_free(v);
    }
    lower_finish(tcg);
    debug_finish(tcg);
    g_mutex_clear(&tcg->lock);
    g_mutex_clear(&tcg->world);
    g_cond_clear(&tcg->world_changed);
    g_free(tcg);
}

Vcpu *tcg_add_vcpu(Tcg *tcg, const Frontend *fe, const char *model, uint64_t counter_hz, GError **error) {
    if (!tcg->config.interpret && !tcg->backend && !lower_init(tcg, fe, error)) {
        return NULL;
    }
    Vcpu *v = g_new0(Vcpu, 1);
    v->tcg = tcg;
    v->frontend = fe;
    tcg->coherent_fetch = fe->coherent_fetch;
    v->index = tcg->vcpu_count;
    v->debug.quiet = true;
    v->alarm = UINT64_MAX;
    v->waits_at = v->unroll_pa = UINT64_MAX;
    for (unsigned i = 0; i < FRONTEND_TIMERS; i++) {
        v->deadlines[i] = UINT64_MAX;
    }
    v->env = aligned_alloc(64, (sizeof(Env) + 63) & ~(size_t)63);
    memset(v->env, 0, sizeof *v->env);
    ir_jumps_clear(v->env);
    v->env->runtime = v;
    v->env->op_table = ir_ops;
    v->env->helper_table = fe->helpers;
    v->env->excl_addr = UINT64_MAX;
    ports_init(v);
    tlb_init(v);
    CpuConfig config = {.index = v->index, .model = model, .counter_hz = counter_hz, .ports = &v->ports,
                        .cluster = tcg->config.cluster, .smp = tcg->config.vcpus > 1};
    if (!fe->init(v->env, &config, error)) {
        tlb_free(v);
        free(v->env);
        g_free(v);
        return NULL;
    }
    g_mutex_init(&v->inbox_lock);
    g_mutex_init(&v->halt_lock);
    g_cond_init(&v->halt_cond);
    v->interp = ir_interp_new(&ldst_ops, fe->helpers, fe->helper_count);
    v->ir = ir_block_new(fe->slots, fe->slot_count, fe->helpers, fe->helper_count);
    v->slow_ir = ir_block_new(fe->slots, fe->slot_count, fe->helpers, fe->helper_count);
    v->lowerer = lowerer_new(tcg, fe);
    region_init(v);
    if (tcg->config.verify && tcg->backend) {
        verify_init(v);
    }
    tcg->vcpus[tcg->vcpu_count++] = v;
    smp_reset(v);
    fe->reset(v->env);
    tlb_context_changed(v);
    return v;
}

void vcpu_add_regs(Vcpu *v, const CpuDeviceRegs *bank) {
    v->frontend->add_regs(v->env, bank);
}

Env *vcpu_env(Vcpu *v) {
    return v->env;
}

const Frontend *vcpu_frontend(Vcpu *v) {
    return v->frontend;
}

void tcg_start(Tcg *tcg) {
    tcg->serial = tcg->vcpu_count > 1 && (tcg->config.icount || tcg->config.verify);
    tcg->current = tcg->vcpus[0];
    regions_start(tcg);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        v->stop = false;
        if (tcg->serial) { /* one of them has seen it for all */
            __atomic_fetch_and(&v->requests, ~(uint32_t)REQUEST_STOP, __ATOMIC_SEQ_CST);
        }
        debug_thread(v, true);
        if (!tcg->serial || i == 0) {
            v->thread = g_thread_new("vcpu", vcpu_thread, v);
        }
    }
}

void tcg_stop(Tcg *tcg) {
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        vcpu_request(tcg->vcpus[i], REQUEST_STOP);
    }
    debug_wake(tcg);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i]->thread) {
            g_thread_join(tcg->vcpus[i]->thread);
            tcg->vcpus[i]->thread = NULL;
        }
    }
    regions_stop(tcg);
}

void tcg_reset(Tcg *tcg) {
    g_mutex_lock(&tcg->lock);
    tb_flush(tcg);
    g_mutex_unlock(&tcg->lock);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        v->requests = 0;
        v->waits_at = UINT64_MAX;
        v->env->pending = 0;
        v->env->fault = 0;
        smp_reset(v);
        v->env->excl_addr = UINT64_MAX;
        v->frontend->reset(v->env);
        tlb_flush_all(v);
        tlb_context_changed(v);
    }
}

/* Bits that mean nothing become zero, so that equal states are equal bytes. */
static void tidy(Vcpu *v) {
    Env *env = v->env;
    if (env->excl_addr == UINT64_MAX) {
        env->excl_size = 0;
    }
    for (unsigned i = env->excl_size; i < sizeof env->excl_val.b; i++) {
        env->excl_val.b[i] = 0;
    }
    for (const CpuState *s = v->frontend->state; s->name; s++) {
        for (unsigned i = 0; s->mask && i < s->size; i++) { /* of a little-endian number */
            ((uint8_t *)env)[s->offset + i] &= (uint8_t)(s->mask >> 8 * i);
        }
    }
}

void vcpu_state_walk(Vcpu *v, VcpuVisit *visit, void *opaque) {
    tidy(v);
    visit(opaque, "insns", &v->env->insns, sizeof v->env->insns);
    visit(opaque, "waits_at", &v->waits_at, sizeof v->waits_at);
    visit(opaque, "power", &v->power, sizeof v->power);
    visit(opaque, "entry", &v->entry, sizeof v->entry);
    visit(opaque, "entry_context", &v->entry_context, sizeof v->entry_context);
    visit(opaque, "event", &v->event, sizeof v->event);
    visit(opaque, "next", &v->next, sizeof v->next);
    visit(opaque, "turn_end", &v->turn_end, sizeof v->turn_end);
    visit(opaque, "turn_over", &v->turn_over, sizeof v->turn_over);
    visit(opaque, "wait_event", &v->wait_event, sizeof v->wait_event);
    for (const CpuState *s = v->frontend->state; s->name; s++) {
        visit(opaque, s->name, (char *)v->env + s->offset, s->size);
    }
}

void vcpu_restoring(Vcpu *v) {
    memset((char *)v->env + v->frontend->inputs.offset, 0, v->frontend->inputs.size);
    icount_publish(v);
}

bool vcpu_restored(Vcpu *v, GError **error) {
    v->granted = v->env->budget = 0;
    v->env->insn_rest = 0;
    if (!smp_restored(v, error)) {
        return false;
    }
    if (!v->frontend->restored(v->env, error)) {
        return false;
    }
    tlb_flush_all(v);
    tlb_context_changed(v);
    vcpu_kick(v);
    return true;
}

void vcpu_kick(Vcpu *v) {
    __atomic_store_n(&v->env->pending, -1, __ATOMIC_SEQ_CST);
    if (v->tcg->serial) {
        v = v->tcg->vcpus[0]; /* it is the one that waits, for all */
    }
    if (__atomic_load_n(&v->halted, __ATOMIC_SEQ_CST)) {
        g_mutex_lock(&v->halt_lock);
        g_cond_signal(&v->halt_cond);
        g_mutex_unlock(&v->halt_lock);
    }
}

void vcpu_set_line(Vcpu *v, unsigned line, bool level) {
    v->frontend->set_line(v->env, line, level);
    if (level) {
        vcpu_kick(v);
    }
}

void vcpu_alarm(Vcpu *v) {
    vcpu_request(v, REQUEST_ALARM);
}

void tcg_ram_written(Tcg *tcg, uint64_t gpa, uint64_t size) {
    if (tcg->vcpu_count && tcg->vcpus[0]->self != g_thread_self()) {
        __atomic_fetch_add(&tcg->ram_writes, 1, __ATOMIC_SEQ_CST);
    }
    g_mutex_lock(&tcg->lock);
    if (size) {
        tb_invalidate(tcg, gpa, size, NULL);
    }
    g_mutex_unlock(&tcg->lock);
}

void tcg_map_changed(Tcg *tcg) {
    __atomic_fetch_add(&tcg->map_changes, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        vcpu_request(tcg->vcpus[i], REQUEST_FLUSH_TLB | REQUEST_FLUSH_CODE);
    }
}

TcgStats tcg_stats(const Tcg *tcg) {
    TcgStats sum = tcg->stats;
    sum.emptied = tcg->flushes;
    if (tcg->cache) {
        cache_fill(tcg->cache, &sum.cache_used, &sum.cache_bytes);
    }
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        const TcgStats *s = &tcg->vcpus[i]->stats;
        sum.insns += tcg->vcpus[i]->env->insns;
        sum.blocks += s->blocks;
        sum.block_insns += s->block_insns;
        sum.host_bytes += s->host_bytes;
        sum.host_insns += s->host_insns;
        sum.counted_insns += s->counted_insns;
        sum.translate_ns += s->translate_ns;
        for (unsigned k = 0; k < TCG_STAGES; k++) {
            sum.stage_ns[k] += s->stage_ns[k];
        }
        for (unsigned k = 0; k < G_N_ELEMENTS(sum.exits); k++) {
            sum.exits[k] += s->exits[k];
        }
        sum.lookups += s->lookups;
        sum.tlb_slow += s->tlb_slow;
        sum.tlb_hits += s->tlb_hits;
        sum.revived += s->revived;
        sum.tlb_fills += s->tlb_fills;
        sum.merge_bans += s->merge_bans;
        sum.hint_bans += s->hint_bans;
        sum.tlb_walks += s->tlb_walks;
        sum.tlb_flushes += s->tlb_flushes;
        sum.helper_calls += tcg->vcpus[i]->env->calls;
        sum.host_insns_run += tcg->vcpus[i]->env->host_insns;
        sum.verified += s->verified;
        sum.verify_faults += s->verify_faults;
        sum.verify_devices += s->verify_devices;
        sum.verify_calls += s->verify_calls;
        sum.verify_lost += s->verify_lost;
        sum.verify_debugged += s->verify_debugged;
        sum.verify_alone += s->verify_alone;
        sum.verify_raced += s->verify_raced;
    }
    return sum;
}
