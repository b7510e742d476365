/* SPDX-License-Identifier: MIT */
/*
 * ports.c - what a CPU asks of the outside (CpuPorts), answered by the translator and the machine.
 */
#include "tcg/vcpu.h"

#include <stdarg.h>
#include <string.h>

/* Naturally aligned ones in one piece: page tables change under walks. */
static uint64_t ram_load(const uint8_t *at, unsigned size) {
    uint64_t value = 0;
    if (size == 8 && !((uintptr_t)at & 7)) {
        value = __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
    } else if (size == 4 && !((uintptr_t)at & 3)) {
        value = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
    } else {
        memcpy(&value, at, size);
    }
    return value;
}

static bool phys_read(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t *value) {
    const PhysMap *phys = &vcpu_of(env)->tcg->config.phys;
    bool writable;
    if ((pa & (PAGE_SIZE - 1)) + size <= PAGE_SIZE) {
        const uint8_t *page = phys->page(phys->opaque, pa, &writable);
        if (page) {
            const uint8_t *at = page + (pa & (PAGE_SIZE - 1));
            *value = ram_load(at, size);
            if (G_UNLIKELY(vcpu_of(env)->verify)) {
                verify_walk(vcpu_of(env), at, size, value);
            }
            return true;
        }
    }
    return phys->read(phys->opaque, vcpu_of(env)->index, pa, size, value) == PHYS_OK;
}

static bool phys_write(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t value) {
    Tcg *tcg = vcpu_of(env)->tcg;
    const PhysMap *phys = &tcg->config.phys;
    bool writable;
    uint8_t *page = phys->page(phys->opaque, pa, &writable);
    if (page && writable && (pa & (PAGE_SIZE - 1)) + size <= PAGE_SIZE) {
        memcpy(page + (pa & (PAGE_SIZE - 1)), &value, size);
        tcg_ram_written(tcg, pa, size);
        return true;
    }
    return phys->write(phys->opaque, vcpu_of(env)->index, pa, size, value) == PHYS_OK;
}

static bool phys_cas64(void *opaque, Env *env, uint64_t pa, uint64_t expected, uint64_t value) {
    const PhysMap *phys = &vcpu_of(env)->tcg->config.phys;
    bool writable;
    uint8_t *page = phys->page(phys->opaque, pa, &writable);
    if (!page || !writable || (pa & 7)) {
        return false;
    }
    uint64_t *at = (uint64_t *)(void *)(page + (pa & (PAGE_SIZE - 1)));
    return __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool known(void *opaque, Env *env, uint64_t va, MemAccess access, uint64_t *pa) {
    const IrTlbEntry *e = &env->bank.table[va >> IR_PAGE_BITS & (vcpu_of(env)->bank->entries - 1)];
    *pa = e->info | (va & (PAGE_SIZE - 1));
    return ((access == MEM_WRITE ? e->wtag : e->rtag) ^ va) < PAGE_SIZE;
}

static bool virt_access(Env *env, uint64_t va, uint8_t *bytes, uint64_t size, bool write) {
    Vcpu *v = vcpu_of(env);
    const PhysMap *phys = &v->tcg->config.phys;
    while (size) {
        MemXlat x;
        MemFault fault;
        bool writable;
        uint64_t piece = PAGE_SIZE - (va & (PAGE_SIZE - 1));
        piece = MIN(piece, size);
        if (!tlb_translate(v, va, write ? MEM_WRITE : MEM_READ, false, &x, &fault)) {
            return false;
        }
        uint8_t *page = phys->page(phys->opaque, x.pa, &writable);
        if (!page || (write && !writable)) {
            return false;
        }
        uint8_t *at = page + (x.pa & (PAGE_SIZE - 1));
        memcpy(write ? at : bytes, write ? bytes : at, piece);
        if (write) {
            tcg_ram_written(v->tcg, x.pa, piece);
        }
        va += piece;
        bytes += piece;
        size -= piece;
    }
    return true;
}

static bool virt_read(void *opaque, Env *env, uint64_t va, void *buffer, uint64_t size) {
    return virt_access(env, va, buffer, size, false);
}

static bool virt_write(void *opaque, Env *env, uint64_t va, const void *buffer, uint64_t size) {
    return virt_access(env, va, (uint8_t *)(uintptr_t)buffer, size, true);
}

/* Whether or not there still is a block: somebody may be running one that a store has killed. */
static void code_written(void *opaque, Env *env, uint64_t pa, uint64_t size) {
    Tcg *tcg = vcpu_of(env)->tcg;
    g_mutex_lock(&tcg->lock);
    tb_maintain(tcg, pa, size);
    g_mutex_unlock(&tcg->lock);
    vcpu_of(env)->unsynced = tcg->vcpu_count > 1;
}

static void code_flush(void *opaque, Env *env) {
    Tcg *tcg = vcpu_of(env)->tcg;
    g_mutex_lock(&tcg->lock);
    tb_invalidate_unprotected(tcg);
    g_mutex_unlock(&tcg->lock);
    vcpu_of(env)->unsynced = tcg->vcpu_count > 1;
}

static void port_flush_all(void *opaque, Env *env, bool everywhere) {
    tlb_flush_all(vcpu_of(env));
    if (everywhere) {
        smp_tell(vcpu_of(env), (Maint){.kind = MAINT_ALL});
    }
}

static void port_flush_asid(void *opaque, Env *env, uint64_t asid, bool everywhere) {
    tlb_flush_asid(vcpu_of(env), asid);
    if (everywhere) {
        smp_tell(vcpu_of(env), (Maint){.kind = MAINT_ASID, .asid = asid});
    }
}

static void port_flush_page(void *opaque, Env *env, uint64_t va, bool any_asid, uint64_t asid, bool last_level,
                            bool everywhere) {
    tlb_flush_page(vcpu_of(env), va, any_asid, asid, last_level);
    if (everywhere) {
        smp_tell(vcpu_of(env), (Maint){.kind = any_asid ? MAINT_PAGE_ANY : MAINT_PAGE, .last_level = last_level, .addr = va,
                                       .asid = asid});
    }
}

static void barrier(void *opaque, Env *env) {
    smp_barrier(vcpu_of(env));
}

static void send_event(void *opaque, Env *env, bool everywhere) {
    smp_send_event(vcpu_of(env), everywhere);
}

static void wait_event(void *opaque, Env *env) {
    smp_wait_event(vcpu_of(env));
}

static void context_changed(void *opaque, Env *env) {
    tlb_context_changed(vcpu_of(env));
}

static uint64_t now(void *opaque) {
    Vcpu *v = opaque;
    return v->tcg->config.now(v->tcg->config.opaque);
}

static void ask_alarm(Vcpu *v) {
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < FRONTEND_TIMERS; i++) {
        first = MIN(first, v->deadlines[i]);
    }
    if (first != v->alarm) {
        v->alarm = first;
        v->tcg->config.alarm(v->tcg->config.opaque, v->index, first);
    }
}

static void timer_set(void *opaque, Env *env, unsigned timer, uint64_t deadline) {
    Vcpu *v = vcpu_of(env);
    if (v->deadlines[timer] != deadline) {
        v->deadlines[timer] = deadline;
        ask_alarm(v);
        tcg_deadline_moved(v->tcg);
    }
}

void vcpu_run_timers(Vcpu *v) {
    uint64_t t = now(v);
    for (unsigned i = 0; i < FRONTEND_TIMERS; i++) {
        if (v->deadlines[i] <= t) {
            v->deadlines[i] = UINT64_MAX;
            v->frontend->timer_expired(v->env, i);
        }
    }
    v->alarm = UINT64_MAX; /* it has rung: ask again even for the same time */
    ask_alarm(v);
}

static void irq_out(void *opaque, Env *env, unsigned line, bool level) {
    Vcpu *v = vcpu_of(env);
    v->tcg->config.irq_out(v->tcg->config.opaque, v->index, line, level);
}

static void power(void *opaque, Env *env, int action, int code) {
    Vcpu *v = vcpu_of(env);
    Tcg *tcg = v->tcg;
    __atomic_store_n(&env->pending, -1, __ATOMIC_SEQ_CST);
    if (action == CPU_POWER_CPU_OFF && smp_turn_off(v)) {
        for (unsigned i = 0; i < FRONTEND_TIMERS; i++) {
            v->deadlines[i] = UINT64_MAX;
        }
        ask_alarm(v);
        return;
    }
    v->stop = true;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        if (tcg->vcpus[i] != v) {
            vcpu_request(tcg->vcpus[i], REQUEST_STOP); /* the machine will come to it, but later */
        }
    }
    tcg->config.power(tcg->config.opaque, v->index, (TcgPower)action, code);
}

static int cpu_on(void *opaque, Env *env, uint64_t id, uint64_t entry, uint64_t context) {
    Vcpu *v = smp_find(vcpu_of(env)->tcg, id);
    return v ? smp_turn_on(v, entry, context) : CPU_ON_BAD_ID;
}

static int cpu_state(void *opaque, Env *env, uint64_t id) {
    const Vcpu *v = smp_find(vcpu_of(env)->tcg, id);
    return v ? (int)vcpu_run_state(v) : -1;
}

static bool firmware(void *opaque, Env *env) {
    const Vcpu *v = vcpu_of(env);
    const TcgConfig *c = &v->tcg->config;
    return c->firmware && c->firmware(c->opaque, v->index);
}

static void port_halt(void *opaque, Env *env, uint64_t pc) {
    vcpu_of(env)->waits_at = pc;
    __atomic_store_n(&env->pending, -1, __ATOMIC_SEQ_CST); /* it waits where generated code is left */
}

void ports_log(void *opaque, Env *env, int item, const char *format, ...) {
    static const struct {
        unsigned bit;
        const char *name;
    } items[] = {
        [CPU_LOG_UNIMP] = {TCG_LOG_UNIMP, "unimp"},
        [CPU_LOG_GUEST_ERROR] = {TCG_LOG_GUEST_ERROR, "guest_errors"},
        [CPU_LOG_INT] = {TCG_LOG_INT, "int"},
        [CPU_LOG_MMU] = {TCG_LOG_MMU, "mmu"},
    };
    Tcg *tcg = vcpu_of(env)->tcg;
    if (!tcg->config.log || !(tcg->config.log_items & items[item].bit)) {
        return;
    }
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    fprintf(tcg->config.log, "%s: cpu %u: %s\n", items[item].name, vcpu_of(env)->index, text);
}

void ports_init(Vcpu *v) {
    v->ports = (CpuPorts){
        .opaque = v,
        .phys_read = phys_read,
        .phys_write = phys_write,
        .phys_cas64 = phys_cas64,
        .known = known,
        .virt_read = virt_read,
        .virt_write = virt_write,
        .code_written = code_written,
        .code_flush = code_flush,
        .tlb_flush_all = port_flush_all,
        .tlb_flush_asid = port_flush_asid,
        .tlb_flush_page = port_flush_page,
        .barrier = barrier,
        .send_event = send_event,
        .wait_event = wait_event,
        .context_changed = context_changed,
        .now = now,
        .timer_set = timer_set,
        .irq_out = irq_out,
        .power = power,
        .cpu_on = cpu_on,
        .cpu_state = cpu_state,
        .firmware = firmware,
        .halt = port_halt,
        .semihosting = v->tcg->config.semihosting,
        .semihosting_console = v->tcg->config.semihosting_console,
        .log = ports_log,
    };
}
