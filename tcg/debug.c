/* SPDX-License-Identifier: MIT */
/*
 * debug.c - what a debugger asks of vCPUs: pausing, breakpoints, watchpoints, single steps, memory and registers.
 *
 * Insns of a page (of guest virtual addresses) that has a breakpoint are interpreted one by one, and the pc is compared
 * in front of each. Translated code cannot run past one: blocks are chained only within the page that they run in, and
 * the jump cache, the other way in, is emptied when a breakpoint is placed and never learns such a page. Watched pages
 * are kept out of the first-level TLB, and insns that touch them are interpreted too, so that each access is compared.
 * Locking: TcgDebug.lock guards who is paused; points change only while all vCPUs are quiet.
 * Missing: insns of a page with a breakpoint are slow; page-table walks and semihosting do not hit watchpoints.
 */
#include <string.h>

#include "tcg/vcpu.h"

static const uint64_t page_mask = ~(uint64_t)(PAGE_SIZE - 1);

void debug_init(Tcg *tcg) {
    g_mutex_init(&tcg->debug.lock);
    g_cond_init(&tcg->debug.changed);
}

void debug_finish(Tcg *tcg) {
    g_mutex_clear(&tcg->debug.lock);
    g_cond_clear(&tcg->debug.changed);
}

/* -- pausing -- */

static void set_look(Vcpu *v) {
    v->debug.look = v->debug.step || v->debug.skip || v->tcg->debug.breaks;
}

/* Those that share the thread are as quiet as the one that waits. With the lock. */
static void set_quiet(Vcpu *v, bool quiet) {
    Tcg *tcg = v->tcg;
    bool changed = false;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *each = tcg->vcpus[i];
        if ((each == v || tcg->serial) && each->debug.quiet != quiet) {
            each->debug.quiet = quiet;
            changed = true;
        }
    }
    if (changed && quiet) {
        g_cond_broadcast(&tcg->debug.changed);
    }
}

void debug_thread(Vcpu *v, bool running) {
    TcgDebug *d = &v->tcg->debug;
    g_mutex_lock(&d->lock);
    set_quiet(v, !running);
    if (running && (d->paused || v->debug.hold)) {
        vcpu_request(v, REQUEST_PAUSE);
    }
    g_cond_broadcast(&d->changed);
    g_mutex_unlock(&d->lock);
}

void debug_wake(Tcg *tcg) {
    g_mutex_lock(&tcg->debug.lock);
    g_cond_broadcast(&tcg->debug.changed);
    g_mutex_unlock(&tcg->debug.lock);
}

void debug_park(Vcpu *v) {
    TcgDebug *d = &v->tcg->debug;
    bool waited = false;
    g_mutex_lock(&d->lock);
    while ((d->paused || (v->debug.hold && !v->tcg->serial)) && !(__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) & REQUEST_STOP)) {
        if (!waited) {
            waited = true;
            vcpu_leave(v);
        }
        set_quiet(v, true);
        g_cond_wait(&d->changed, &d->lock);
    }
    set_quiet(v, false);
    g_mutex_unlock(&d->lock);
    if (waited) {
        vcpu_enter(v);
    }
}

static void ask_all(Tcg *tcg) {
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        vcpu_request(tcg->vcpus[i], REQUEST_PAUSE);
    }
}

void tcg_pause(Tcg *tcg) {
    TcgDebug *d = &tcg->debug;
    g_mutex_lock(&d->lock);
    d->paused = true;
    g_mutex_unlock(&d->lock);
    ask_all(tcg);
    g_mutex_lock(&d->lock);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        while (!tcg->vcpus[i]->debug.quiet) {
            g_cond_wait(&d->changed, &d->lock);
        }
    }
    g_mutex_unlock(&d->lock);
}

void tcg_resume(Tcg *tcg, int step) {
    TcgDebug *d = &tcg->debug;
    g_mutex_lock(&d->lock);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        v->debug.step = step == (int)i;
        v->debug.hold = step >= 0 && step != (int)i;
        set_look(v);
        if (tcg->serial ? tcg->vcpus[0]->thread && d->paused : v->thread && !v->debug.hold && d->paused) {
            v->debug.quiet = false; /* from now on a pause has to wait for it */
        }
    }
    d->paused = false;
    g_cond_broadcast(&d->changed);
    g_mutex_unlock(&d->lock);
}

bool tcg_paused(const Tcg *tcg) {
    return tcg->debug.paused;
}

void tcg_step_interrupts(Tcg *tcg, bool on) {
    tcg->debug.step_interrupts = on;
}

/* On the vCPU's thread: it waits from the next safepoint on, which is the next thing it comes to. */
static void stop(Vcpu *v, const TcgStop *why) {
    Tcg *tcg = v->tcg;
    g_mutex_lock(&tcg->debug.lock);
    tcg->debug.paused = true;
    v->debug.step = false;
    v->debug.skip = true;
    v->debug.skip_watch = why->kind == TCG_STOP_WATCH;
    v->debug.skip_pc = v->env->pc;
    set_look(v);
    g_mutex_unlock(&tcg->debug.lock);
    ask_all(tcg);
    if (tcg->config.debug_stop) {
        tcg->config.debug_stop(tcg->config.opaque, why);
    }
}

void debug_off(Vcpu *v) {
    if (v->debug.step) {
        stop(v, &(TcgStop){.kind = TCG_STOP_STEP, .vcpu = v->index});
    }
}

/* -- points -- */

static int find_point(const Tcg *tcg, TcgPointKind kind, uint64_t va, uint64_t size) {
    const TcgDebug *d = &tcg->debug;
    for (unsigned i = 0; i < d->count; i++) {
        const DebugPoint *p = &d->points[i];
        if (p->kind == kind && p->va == va && (kind == TCG_BREAK || p->size == size)) {
            return (int)i;
        }
    }
    return -1;
}

/* Everything that was made without knowing of the points. */
static void points_changed(Tcg *tcg) {
    TcgDebug *d = &tcg->debug;
    d->breaks = d->watches = 0;
    for (unsigned i = 0; i < d->count; i++) {
        *(d->points[i].kind == TCG_BREAK ? &d->breaks : &d->watches) += 1;
    }
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        ir_jumps_clear(v->env);
        tlb_flush_all(v);
        set_look(v);
    }
}

bool tcg_add_point(Tcg *tcg, TcgPointKind kind, uint64_t va, uint64_t size) {
    TcgDebug *d = &tcg->debug;
    if (find_point(tcg, kind, va, size) >= 0) {
        return true;
    }
    if (d->count == DEBUG_POINTS || (kind != TCG_BREAK && (size == 0 || size > UINT64_C(1) << 32))) {
        return false;
    }
    d->points[d->count++] = (DebugPoint){kind, va, size};
    points_changed(tcg);
    return true;
}

bool tcg_remove_point(Tcg *tcg, TcgPointKind kind, uint64_t va, uint64_t size) {
    TcgDebug *d = &tcg->debug;
    int at = find_point(tcg, kind, va, size);
    if (at < 0) {
        return false;
    }
    d->points[at] = d->points[--d->count];
    points_changed(tcg);
    return true;
}

void tcg_clear_points(Tcg *tcg) {
    if (tcg->debug.count) {
        tcg->debug.count = 0;
        points_changed(tcg);
    }
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        tcg->vcpus[i]->debug.skip = false;
        set_look(tcg->vcpus[i]);
    }
}

/* Bytes that [a, a + n) and the point share; addresses are compared without their tag byte. */
static bool touches(const DebugPoint *p, uint64_t a, uint64_t n, uint64_t *first) {
    const uint64_t untagged = UINT64_MAX >> 8;
    uint64_t ahead = (p->va - a) & untagged, behind = (a - p->va) & untagged;
    *first = behind < p->size ? a : a + ahead;
    return behind < p->size || ahead < n;
}

bool debug_watches_page(const Tcg *tcg, uint64_t va) {
    uint64_t first;
    for (unsigned i = 0; i < tcg->debug.count; i++) {
        const DebugPoint *p = &tcg->debug.points[i];
        if (p->kind != TCG_BREAK && touches(p, va & page_mask, PAGE_SIZE, &first)) {
            return true;
        }
    }
    return false;
}

bool debug_watch_hit(Vcpu *v, uint64_t va, unsigned size, unsigned aux) {
    static const unsigned accesses[] = {
        [TCG_WATCH_WRITE] = IR_CHECK_W, [TCG_WATCH_READ] = IR_CHECK_R, [TCG_WATCH_ACCESS] = IR_CHECK_RW,
    };
    const TcgDebug *d = &v->tcg->debug;
    uint64_t first;
    for (unsigned i = 0; i < d->count && !v->debug.over; i++) {
        const DebugPoint *p = &d->points[i];
        if (p->kind != TCG_BREAK && (accesses[p->kind] & aux) && touches(p, va, size, &first)) {
            v->env->pc = v->env->pcbase + (int64_t)v->env->insn_off;
            stop(v, &(TcgStop){.kind = TCG_STOP_WATCH, .vcpu = v->index, .point = p->kind, .va = first});
            return true;
        }
    }
    return false;
}

/* 1: a breakpoint at pc; 0: one in its page; -1: none. */
static int break_near(const Tcg *tcg, uint64_t pc) {
    int found = -1;
    for (unsigned i = 0; i < tcg->debug.count && found < 1; i++) {
        const DebugPoint *p = &tcg->debug.points[i];
        if (p->kind == TCG_BREAK && !((p->va ^ pc) & page_mask)) {
            found = p->va == pc ? 1 : MAX(found, 0);
        }
    }
    return found;
}

DebugStep debug_insn(Vcpu *v) {
    Env *env = v->env;
    VcpuDebug *d = &v->debug;
    bool step = d->step;
    bool reported = d->skip && d->skip_pc == env->pc, skip = step || reported;
    const TcgStop stepped = {.kind = TCG_STOP_STEP, .vcpu = v->index};
    int near = break_near(v->tcg, env->pc);

    d->skip = false;
    set_look(v);
    if (!skip && near < 0) {
        return DEBUG_NOTHING;
    }
    if ((!step || v->tcg->debug.step_interrupts) && v->frontend->deliverable(env)) {
        v->frontend->take_interrupt(env);
        if (step) {
            stop(v, &stepped);
        }
        return DEBUG_DONE;
    }
    if (!skip && near == 1) {
        stop(v, &(TcgStop){.kind = TCG_STOP_BREAK, .vcpu = v->index});
        return DEBUG_DONE;
    }
    d->over = reported && d->skip_watch;
    IrExit reason = exec_slow_insn(v);
    d->over = false;
    v->stats.exits[reason]++;
    if (step && d->step) { /* a watchpoint ends a step by itself */
        stop(v, &stepped);
        return DEBUG_DONE;
    }
    return reason == IR_EXIT_HALT ? DEBUG_HALT : DEBUG_DONE;
}

/* -- memory -- */

/* Page tables in a device are not read: that could have effects. */
static bool quiet_read(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t *value) {
    *value = 0;
    return tcg_peek_physical(((Vcpu *)opaque)->tcg, pa, value, size);
}

static bool quiet_write(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t value) {
    return true;
}

static bool quiet_cas(void *opaque, Env *env, uint64_t pa, uint64_t expected, uint64_t value) {
    return true;
}

static void quiet_log(void *opaque, Env *env, int item, const char *format, ...) {
}

bool vcpu_locate(Vcpu *v, uint64_t va, uint64_t *gpa) {
    static const struct {
        MemAccess access;
        bool unprivileged;
    } ways[] = {{MEM_READ, false}, {MEM_FETCH, false}, {MEM_READ, true}, {MEM_FETCH, true}};
    CpuPorts ports = v->ports;
    MemXlat x;
    bool found = false;
    v->ports.phys_read = quiet_read;
    v->ports.phys_write = quiet_write;
    v->ports.phys_cas64 = quiet_cas;
    v->ports.log = quiet_log;
    for (unsigned i = 0; i < G_N_ELEMENTS(ways) && !found; i++) {
        memset(&x, 0, sizeof x);
        found = v->frontend->walk(v->env, va, ways[i].access, ways[i].unprivileged, &x);
    }
    v->ports = ports;
    *gpa = x.pa;
    return found;
}

/* The RAM or ROM behind gpa, or NULL. */
static uint8_t *memory_at(Tcg *tcg, uint64_t gpa, bool write) {
    const PhysMap *phys = &tcg->config.phys;
    bool writable = false;
    uint8_t *page = phys->page(phys->opaque, gpa & page_mask, &writable);
    return page && (writable || !write) ? page + (gpa & ~page_mask) : NULL;
}

/* Calls for each page's part of [addr, addr + size): first to see that all is there (bytes NULL), then to copy. */
static bool each_part(Tcg *tcg, Vcpu *v, uint64_t addr, uint8_t *bytes, uint64_t size, bool write) {
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t done = 0; done < size;) {
            uint64_t gpa = addr + done;
            uint64_t part = MIN(size - done, PAGE_SIZE - (gpa & ~page_mask));
            if (v && !vcpu_locate(v, addr + done, &gpa)) {
                return false;
            }
            uint8_t *at = memory_at(tcg, gpa, write);
            if (!at) {
                return false;
            }
            if (round) {
                memcpy(write ? at : bytes + done, write ? bytes + done : at, part);
                if (write) {
                    tcg_ram_written(tcg, gpa, part);
                }
            }
            done += part;
        }
    }
    return true;
}

bool vcpu_peek_memory(Vcpu *v, uint64_t va, void *buffer, uint64_t size) {
    return each_part(v->tcg, v, va, buffer, size, false);
}

bool vcpu_poke_memory(Vcpu *v, uint64_t va, const void *buffer, uint64_t size) {
    return each_part(v->tcg, v, va, (uint8_t *)(uintptr_t)buffer, size, true);
}

bool tcg_peek_physical(Tcg *tcg, uint64_t gpa, void *buffer, uint64_t size) {
    return each_part(tcg, NULL, gpa, buffer, size, false);
}

bool tcg_poke_physical(Tcg *tcg, uint64_t gpa, const void *buffer, uint64_t size) {
    return each_part(tcg, NULL, gpa, (uint8_t *)(uintptr_t)buffer, size, true);
}

void vcpu_each_mapping(Vcpu *v, void (*fn)(void *opaque, const TcgMapping *mapping), void *opaque) {
    for (unsigned s = 0; s < L2_SETS; s++) {
        for (unsigned w = 0; w < L2_WAYS; w++) {
            const L2Entry *e = &v->l2[s][w];
            if (tlb_entry_valid(v, e)) {
                fn(opaque, &(TcgMapping){.va = e->key & page_mask, .pa = e->pa, .asid = e->asid,
                                         .regime = (uint32_t)(e->key & ~page_mask) >> 1, .r = e->flags & L2_R,
                                         .w = e->flags & L2_W, .x = e->flags & L2_X, .device = e->flags & L2_DEVICE});
            }
        }
    }
}

/* -- registers -- */

void vcpu_peek_register(Vcpu *v, unsigned reg, IrVal *value) {
    const CpuReg *r = &v->frontend->regs[reg];
    memset(value, 0, sizeof *value);
    r->peek(v->env, r->arg, value);
}

bool vcpu_poke_register(Vcpu *v, unsigned reg, const IrVal *value) {
    const CpuReg *r = &v->frontend->regs[reg];
    if (!r->poke) {
        return false;
    }
    r->poke(v->env, r->arg, value);
    v->env->fault = 0;
    tlb_context_changed(v);
    return true;
}
