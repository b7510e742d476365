/* SPDX-License-Identifier: MIT */
/*
 * hint.c - page hints and page runs, which generated code tries in place of the TLB: forgetting what may not be so any
 * more, and looking what does best for an insn whose accesses keep missing them.
 *
 * Nothing here knows more than the first level of the TLB: what is taken out of that is forgotten here too.
 * Locking: everything here belongs to the vCPU's thread; what insns get is under Tcg.lock.
 */
#include "tcg/vcpu.h"

#include <string.h>

enum {
    RUN_PAGES = 256, /* to either side of the page that was missed */
    RUN_STRIKES = 8, /* so often in a row a run may be missed as fast as that, or not be there at all */
    RUN_WAIT = 64,   /* misses before a run that was forgotten is looked for again */
};

static void forget_run(Vcpu *v, unsigned i) {
    IrPageRun *run = &v->env->runs[i];
    memset(run->rising, 0, sizeof run->rising);
    memset(run->either, 0, sizeof run->either);
    run->misses = RUN_WAIT;
    v->runs_known &= ~(1u << i);
}

void hint_init(Vcpu *v) {
    hint_forget_all(v);
    for (unsigned i = 0; i < IR_PAGE_HINTS; i++) {
        v->env->hints[i].misses = HINT_MISSES;
        forget_run(v, i);
    }
}

void hint_forget_all(Vcpu *v) {
    for (unsigned i = 0; i < IR_PAGE_HINTS; i++) {
        v->env->hints[i].rbad = v->env->hints[i].wbad = UINT64_MAX;
    }
    while (v->runs_known) {
        forget_run(v, (unsigned)__builtin_ctz(v->runs_known));
    }
}

/* Tag bytes do not count: which of them the guest's regime ignores is not known here. */
static bool same_page(uint64_t tag, uint64_t va) {
    return ((tag ^ va) << 8) < (uint64_t)PAGE_SIZE << 8;
}

void hint_forget_page(Vcpu *v, uint64_t va) {
    for (unsigned i = 0; i < IR_PAGE_HINTS; i++) {
        IrPageHint *hint = &v->env->hints[i];
        if (same_page(hint->rtag, va) || same_page(hint->wtag, va)) {
            hint->rbad = hint->wbad = UINT64_MAX;
        }
        if (v->runs_known >> i & 1 && (va - v->env->runs[i].low) << 8 < v->run_bytes[i] << 8) {
            forget_run(v, i);
        }
    }
}

/* The first level's entry of a page, if it allows the access. */
static const IrTlbEntry *known(const Vcpu *v, uint64_t page, bool write) {
    const IrTlbEntry *e = tlb_entry(&v->env->bank, page);
    return (write ? e->wtag : e->rtag) == page ? e : NULL;
}

/* How many pages next to this one, in the direction of `step`, have addends that differ by `by` from page to page? */
static unsigned reach(const Vcpu *v, uint64_t page, uint64_t step, uint64_t by, bool write) {
    const IrTlbEntry *e = known(v, page, write);
    uint64_t addend = e->addend;
    unsigned n = 0;
    for (page += step; n < RUN_PAGES && page + PAGE_SIZE > PAGE_SIZE; page += step, n++) {
        e = known(v, page, write);
        if (!e || e->addend != (addend += by)) {
            break;
        }
    }
    return n;
}

/* Looks for a run around ea and shows it to generated code. False: there is none. */
static bool find_run(Vcpu *v, unsigned i, uint64_t ea, bool write, bool *falls) {
    static const uint64_t steps[] = {0, -2 * (uint64_t)PAGE_SIZE};
    uint64_t page = ea & ~(uint64_t)(PAGE_SIZE - 1), low = page;
    unsigned pages = 1;
    const IrTlbEntry *e = known(v, page, write);
    for (unsigned k = 0; e && k < G_N_ELEMENTS(steps); k++) {
        unsigned up = reach(v, page, PAGE_SIZE, steps[k], write);
        unsigned down = reach(v, page, -(uint64_t)PAGE_SIZE, -steps[k], write);
        if (up + down + 1 > pages) {
            pages = up + down + 1;
            low = page - (uint64_t)down * PAGE_SIZE;
            *falls = k;
        }
    }
    if (pages < 2) {
        return false;
    }
    bool both = true; /* ways of access */
    for (unsigned k = 0; k < pages; k++) {
        both &= known(v, low + (uint64_t)k * PAGE_SIZE, !write) != NULL;
    }
    IrPageRun *run = &v->env->runs[i];
    uint64_t bytes = v->run_bytes[i] = (uint64_t)pages * PAGE_SIZE;
    forget_run(v, i);
    for (unsigned w = 0; w < 2; w++) {
        if (both || w == write) {
            static const unsigned sizes[] = {8, 16, IR_RUN_BYTES_MAX};
            run->either[w] = bytes;
            for (unsigned s = 0; s < G_N_ELEMENTS(sizes) && !*falls; s++) {
                run->rising[w][s] = bytes - sizes[s] + 1;
            }
        }
    }
    run->low = low;
    run->addend = e->addend + (*falls ? 2 * page : 0);
    run->fall = *falls ? -2 * (uint64_t)PAGE_SIZE : 0;
    run->misses = HINT_MISSES;
    v->runs_known |= 1u << i;
    return true;
}

/* Physical address of the insn that generated code is at. False: it is not mapped any more. */
static bool running_insn(Vcpu *v, uint64_t *pa) {
    MemXlat x;
    MemFault fault;
    if (!tlb_translate(v, v->env->pcbase + (uint64_t)(int64_t)v->env->insn_off, MEM_FETCH, false, &x, &fault)) {
        return false;
    }
    *pa = x.pa;
    return true;
}

static void ban(Vcpu *v, GHashTable *bans, uint64_t pa, unsigned value) {
    g_mutex_lock(&v->tcg->lock);
    if (tb_ban(v->tcg, bans, pa, value, v->running)) {
        __atomic_store_n(&v->env->pending, -1, __ATOMIC_SEQ_CST);
    }
    g_mutex_unlock(&v->tcg->lock);
}

/* Code for the running insn is made anew, to look there first. */
static void look_at(Vcpu *v, HostLook look) {
    uint64_t pa;
    if (running_insn(v, &pa)) {
        ban(v, v->tcg->hint_bans, pa, look);
        v->stats.hint_bans += look == HOST_LOOK_TLB;
    }
}

/* Have HINT_MISSES of the hint or run come fast enough to cost more than the hits can bring? */
static bool too_fast(gint64 *since) {
    gint64 now = g_get_monotonic_time();
    gint64 ns = (now - *since) * 1000;
    *since = now;
    return ns < HINT_MISSES * HINT_MISS_NS;
}

static void judge_run(Vcpu *v, unsigned i, HostLook look, uint64_t ea, bool write) {
    bool falls, served = v->runs_known >> i & 1; /* other insns, or this one elsewhere */
    bool fast = too_fast(&v->run_since[i]);
    v->env->runs[i].misses = HINT_MISSES;
    bool found = find_run(v, i, ea, write, &falls);
    v->run_strikes[i] = fast && (served || !found) ? v->run_strikes[i] + 1 : 0;
    if (v->run_strikes[i] >= RUN_STRIKES) {
        v->run_strikes[i] = 0;
        look_at(v, HOST_LOOK_TLB);
    } else if (found && falls && look == HOST_LOOK_RISING) {
        look_at(v, HOST_LOOK_EITHER);
    }
}

static void judge_hint(Vcpu *v, unsigned i, uint64_t ea, bool write) {
    bool falls;
    v->env->hints[i].misses = HINT_MISSES;
    if (too_fast(&v->hint_since[i])) {
        look_at(v, !find_run(v, i, ea, write, &falls) ? HOST_LOOK_TLB : falls ? HOST_LOOK_EITHER : HOST_LOOK_RISING);
        v->run_strikes[i] = 0;
    }
}

void hint_missed(Vcpu *v, unsigned i, HostLook look, uint64_t ea, bool write) {
    if (look == HOST_LOOK_PAGE && v->env->hints[i].misses < 0) {
        judge_hint(v, i, ea, write);
    } else if (look != HOST_LOOK_PAGE && v->env->runs[i].misses < 0) {
        judge_run(v, i, look, ea, write);
    }
}

/* Checks that stand for several have to be satisfied as a whole: where that fails time and again each access gets its own. */
void hint_count_unmerged(Vcpu *v) {
    uint64_t pa;
    if (!running_insn(v, &pa)) {
        return;
    }
    MergeFailure *f = &v->unmerged[(pa >> 2) % G_N_ELEMENTS(v->unmerged)];
    if (f->pa != pa) {
        *f = (MergeFailure){.pa = pa};
    }
    v->unmerged_last = f;
    if (++f->count == MERGE_FAILURES) {
        ban(v, v->tcg->merge_bans, pa, 0);
        v->stats.merge_bans++;
    }
}

/* What faults by itself too says nothing against merging: a stream through memory that the guest has yet to map does so on
 * each page, once. */
void hint_excuse_unmerged(Vcpu *v, bool faulted) {
    if (v->unmerged_last) {
        v->unmerged_last->count -= faulted;
        v->unmerged_last = NULL;
    }
}
