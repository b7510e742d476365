/* SPDX-License-Identifier: MIT */
/*
 * region_make.c - the thread of tier 2: samples the vCPUs, and makes regions of what they have noted.
 *
 * Front end and passes work without a lock, on a copy of the page; under Tcg.lock it is seen whether the bytes are still
 * the same, host code is made, and the region takes the place of the head's block.
 * Locking: Regions.lock guards the queue and `stop`, and the maker where vCPUs use it; Tcg.lock comes after it.
 */
#include "tcg/region.h"

#include <string.h>

#include "tcg/lower.h"

enum {
    SAMPLE_US = 2000, SAMPLE_SLOW_US = 8000, SAMPLE_IDLE_US = 64000, /* between looks: up to the second while there is
                         * nothing new, to the third while no vCPU runs */
    SAMPLES_PATIENT = 64, /* looks without anything new that make them rarer */
    ROUND_INSNS = 64, ROUNDS = 8, /* a cycle is repeated up to so many */
    QUEUE = 16,
};

/* What is needed to make one. */
typedef struct Maker {
    IrBlock *ir;
    Lowerer *lowerer;
    uint8_t page[PAGE_SIZE];
} Maker;

struct Regions {
    GThread *thread;
    GMutex lock;
    GCond asked;
    bool stop;
    RegionPlan *queue[QUEUE];
    unsigned queued;
    unsigned in_vain;   /* looks since there was anything new */
    Maker maker;
};

static void maker_init(Maker *m, const Vcpu *v) {
    const Frontend *fe = v->frontend;
    m->ir = ir_block_new(fe->slots, fe->slot_count, fe->helpers, fe->helper_count);
    m->lowerer = lowerer_new(v->tcg, fe);
}

static void maker_free(Maker *m) {
    ir_block_free(m->ir);
    lowerer_free(m->lowerer);
}

/* The page's bytes, as long as stores to them are seen or the guest says when it has done some. NULL: not so any more. */
static const uint8_t *page_bytes(Tcg *tcg, const RegionPlan *plan) {
    const PhysMap *phys = &tcg->config.phys;
    const CodePage *p = tcg->flushes == plan->flushes ? tb_page(tcg, plan->pa) : NULL;
    bool writable;
    return p && (p->guarded || p->unprotected) ? phys->page(phys->opaque, p->pa, &writable) : NULL;
}

static bool take_page(Maker *m, Tcg *tcg, const RegionPlan *plan) {
    g_mutex_lock(&tcg->lock);
    const uint8_t *page = page_bytes(tcg, plan);
    if (page) {
        memcpy(m->page, page, PAGE_SIZE);
    }
    g_mutex_unlock(&tcg->lock);
    return page != NULL;
}

/* Under Tcg.lock: the region takes the place of the head's block, unless the guest has changed anything meanwhile. */
static void publish(Maker *m, const RegionPlan *plan, IrBlock *plain, unsigned begin, unsigned end, LowerResult *result) {
    Vcpu *v = plan->vcpu;
    Tcg *tcg = v->tcg;
    const uint8_t *page = page_bytes(tcg, plan);
    Tb *old = page ? tb_find(tcg, plan->pa, plan->mode) : NULL;
    if (!old || old->kind == TB_REGION || memcmp(page + begin, m->page + begin, end - begin) != 0) {
        ir_block_free(plain);
        return;
    }
    if (!m->ir->merges && tb_may_merge(tcg, plan->pa, m->ir)) {
        ir_opt_check(m->ir);
    }
    TbPlace place = {.pa = plan->pa, .mode = plan->mode, .begin = begin, .end = end};
    LowerPins pins = plan->end.steady ? LOWER_PINS_OWN : LOWER_PINS_STANDARD; /* else it is left too often */
    Tb *tb = tb_make(v, m->lowerer, m->ir, plain, &place, pins, result);
    if (!tb) {
        return;
    }
    tb_replace(v, old, tb, (plan->pa & ~(uint64_t)(PAGE_SIZE - 1)) | begin);
    tcg->stats.regions++;
    tcg->stats.region_insns += tb->insns;
    if (tcg->config.log_items) {
        lower_log(v, "IN (region)", TCG_LOG_IN_ASM, m->ir, m->page, plan->va);
        lower_log(v, "OP (region)", TCG_LOG_OP_OPT, m->ir, m->page, plan->va);
        lower_log_host(v, tb, plan->va);
    }
}

/* One attempt, with the path cut to `length`. LOWER_TOO_BIG: a shorter one may do. */
static LowerResult try_make(Maker *m, const RegionPlan *plan, unsigned length, bool cycle) {
    Vcpu *v = plan->vcpu;
    Tcg *tcg = v->tcg;
    LowerResult result = LOWER_OK;
    unsigned begin, end;
    TransRequest request = {.frontend = v->frontend, .env = v->env, .mode = plan->mode, .page = m->page,
                            .offset = plan->pa & (PAGE_SIZE - 1), .max_insns = length, .stop_offset = -1,
                            .path = plan->path, .path_len = length, .cycle = cycle};
    IrBlock *plain = tcg->config.verify ? tb_plain_block(&request, m->ir) : NULL;
    ir_block_reset(m->ir);
    m->ir->optimize = true;
    m->ir->merges = tb_merges(tcg, plan->pa);
    if (frontend_translate_path(&request, m->ir, &begin, &end) != TRANS_OK) {
        ir_block_free(plain);
        return LOWER_NO_ROOM;
    }
    g_mutex_lock(&tcg->lock);
    publish(m, plan, plain, begin, end, &result);
    g_mutex_unlock(&tcg->lock);
    return result;
}

static void make(Maker *m, RegionPlan *plan) {
    Tcg *tcg = plan->vcpu->tcg;
    unsigned once = plan->length, length = once;
    if (plan->end.steady) {
        length = path_repeat(plan->path, once, ROUND_INSNS, ROUNDS);
    }
    uint64_t start = vcpu_now_ns(plan->vcpu);
    if (!take_page(m, tcg, plan)) {
        return;
    }
    while (length && try_make(m, plan, length, plan->end.cycle && length % once == 0) == LOWER_TOO_BIG) {
        length = length > once ? once : length / 2;
    }
    __atomic_fetch_add(&tcg->stats.region_ns, vcpu_now_ns(plan->vcpu) - start, __ATOMIC_RELAXED);
}

void region_make_here(Vcpu *v, RegionPlan *plan) {
    struct Regions *r = v->tcg->regions;
    g_mutex_lock(&r->lock);
    make(&r->maker, plan);
    g_mutex_unlock(&r->lock);
}

/* -- the thread -- */

/* Asks those that run where they are. */
static bool sample(const Tcg *tcg) {
    bool any = false;
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        Vcpu *v = tcg->vcpus[i];
        if (__atomic_load_n(&v->inside, __ATOMIC_RELAXED)) {
            vcpu_request(v, REQUEST_SAMPLE);
            any = true;
        }
    }
    return any;
}

static gpointer regions_thread(gpointer opaque) {
    Tcg *tcg = opaque;
    struct Regions *r = tcg->regions;
    gint64 pause = SAMPLE_US;
    g_mutex_lock(&r->lock);
    while (!r->stop) {
        if (r->queued) {
            g_autofree RegionPlan *plan = r->queue[--r->queued];
            g_mutex_unlock(&r->lock);
            make(&r->maker, plan);
            g_mutex_lock(&r->lock);
        } else if (!g_cond_wait_until(&r->asked, &r->lock, g_get_monotonic_time() + pause)) {
            gint64 busy = MIN(SAMPLE_US << MIN(r->in_vain++ / SAMPLES_PATIENT, 2), SAMPLE_SLOW_US);
            pause = sample(tcg) ? busy : MIN(pause * 2, SAMPLE_IDLE_US);
        }
    }
    g_mutex_unlock(&r->lock);
    return NULL;
}

void regions_add(Tcg *tcg, RegionPlan *plan) {
    struct Regions *r = tcg->regions;
    g_mutex_lock(&r->lock);
    if (r->queued < QUEUE) {
        r->queue[r->queued++] = plan;
        r->in_vain = 0;
        plan = NULL;
        g_cond_signal(&r->asked);
    }
    g_mutex_unlock(&r->lock);
    g_free(plan); /* it will be met again */
}

void regions_start(Tcg *tcg) {
    if (tcg->config.tier < 2 || !tcg->backend || !tcg->vcpu_count) {
        return;
    }
    struct Regions *r = tcg->regions = g_new0(struct Regions, 1);
    maker_init(&r->maker, tcg->vcpus[0]);
    g_mutex_init(&r->lock);
    g_cond_init(&r->asked);
    if (!tcg->config.forced.regions) { /* else each block becomes one, at once */
        r->thread = g_thread_new("regions", regions_thread, tcg);
    }
}

void regions_stop(Tcg *tcg) {
    struct Regions *r = tcg->regions;
    if (!r) {
        return;
    }
    g_mutex_lock(&r->lock);
    r->stop = true;
    g_cond_signal(&r->asked);
    g_mutex_unlock(&r->lock);
    if (r->thread) {
        g_thread_join(r->thread);
    }
    while (r->queued) {
        g_free(r->queue[--r->queued]);
    }
    maker_free(&r->maker);
    g_mutex_clear(&r->lock);
    g_cond_clear(&r->asked);
    g_free(r);
    tcg->regions = NULL;
}
