/* SPDX-License-Identifier: MIT */
/*
 * tb.c - blocks: look-up by {physical address, mode}, making, chaining, invalidation.
 *
 * Blocks are found by hash, and from the guest page their bytes came from. An invalidated block leaves both indexes
 * at once and every jump to it is unlinked; its memory goes with the rest of the cache, for it may be running.
 * Locking: all functions want Tcg.lock held, except tb_init, tb_free_all, and tb_find on the thread of a vCPU that is
 * inside: chains of the hash are changed by single stores, and blocks stay in memory.
 */
#include "tcg/vcpu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tcg/lower.h"

enum {
    TB_HUGE = 2 << 20,     /* bytes of the host's large pages */
    TB_MEMORY = 128 << 20, /* more than the blocks of most caches need; only what is used counts */
    TB_FIRST = TB_BUCKETS * sizeof(TbRef) / TB_UNIT, /* behind the hash */
    TB_LAST = (TB_MEMORY - sizeof(Tb)) / TB_UNIT, /* where any block finds room */
};

enum { UNROLL_ROUNDS = 12, UNROLL_COPIES = 4, UNROLL_INSNS = 48 };

/* Neighbours in a page are neighbours here: they are looked for one after the other. */
static unsigned tb_bucket(uint64_t pa, uint64_t mode) {
    uint64_t h = (pa >> IR_PAGE_BITS) * UINT64_C(0x9e3779b97f4a7c15) ^ mode * UINT64_C(0xff51afd7ed558ccd);
    return (unsigned)((h >> 40) + (pa >> 2) % (PAGE_SIZE / 4)) & (TB_BUCKETS - 1);
}

static unsigned page_bucket(uint64_t pa) {
    uint64_t page = pa >> IR_PAGE_BITS;
    return (unsigned)(page ^ page >> 12) & (PAGE_BUCKETS - 1);
}

HostLook tb_hint_look(const Tcg *tcg, uint64_t pa) {
    return page_filter_has(tcg->banned, pa) ? GPOINTER_TO_UINT(g_hash_table_lookup(tcg->hint_bans, &pa)) : HOST_LOOK_PAGE;
}

bool tb_ban(Tcg *tcg, GHashTable *bans, uint64_t pa, unsigned value, const Tb *running) {
    tcg->bans++;
    page_filter_add(tcg->banned, pa);
    g_hash_table_insert(bans, g_memdup2(&pa, sizeof pa), GUINT_TO_POINTER(value));
    return tb_invalidate(tcg, pa, 1, running);
}

bool tb_may_merge(const Tcg *tcg, uint64_t pa, const IrBlock *ir) {
    if (!tcg->backend || tcg->config.forced.no_merge || ir->checks < 2) {
        return false;
    }
    for (uint32_t i = 1; page_filter_has(tcg->banned, pa) && i < ir->count; i++) {
        uint64_t insn = (pa & ~(uint64_t)(PAGE_SIZE - 1)) + ir->nodes[i].a;
        if (ir->nodes[i].op == IR_insn && g_hash_table_contains(tcg->merge_bans, &insn)) {
            return false;
        }
    }
    return true;
}

/* -- their memory -- */

void tb_init(Tcg *tcg) {
    size_t size = TB_MEMORY + TB_HUGE;
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        g_error("the host gives no memory for translated blocks: %s", g_strerror(errno));
    }
    size_t head = -(uintptr_t)p & (TB_HUGE - 1);
    if (head) {
        munmap(p, head);
    }
    munmap(p + head + TB_MEMORY, TB_HUGE - head);
    tcg->tb_memory = p + head;
    madvise(tcg->tb_memory, TB_MEMORY, MADV_HUGEPAGE); /* its parts are then not asked for one by one */
    tcg->tb_hash = (TbRef *)(void *)tcg->tb_memory;
    tcg->tb_end = TB_FIRST;
    tcg->pages = g_new0(CodePage *, PAGE_BUCKETS);
    tcg->dead = g_new0(Tb *, DEAD_BUCKETS);
    tcg->last_dead = g_new0(Tb *, DEAD_BUCKETS);
    tcg->merge_bans = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    tcg->hint_bans = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

/* Where the next block will be, all zero but for its exits. NULL: no room. */
static Tb *tb_new(const Tcg *tcg) {
    Tb *tb = tb_at(tcg, tcg->tb_end);
    if (tcg->tb_end > TB_LAST) {
        return NULL;
    }
    memset(tb, 0, offsetof(Tb, exits));
    tb->ref = tcg->tb_end;
    return tb;
}

/* Where a block that has all its exits ends. */
static TbRef tb_end(const Tb *tb) {
    size_t bytes = offsetof(Tb, exits) + tb->exit_count * sizeof tb->exits[0];
    return tb->ref + (TbRef)((bytes + TB_UNIT - 1) / TB_UNIT);
}

Tb *tb_next(const Tcg *tcg, const Tb *tb) {
    TbRef ref = tb ? tb_end(tb) : TB_FIRST;
    return ref < tcg->tb_end ? tb_at(tcg, ref) : NULL;
}

TbExtra *tb_extra(Tb *tb) {
    tb->extra = tb->extra ? tb->extra : g_new0(TbExtra, 1);
    return tb->extra;
}

void tb_drop_extra(Tb *tb) {
    TbExtra *x = tb->extra;
    if (x) {
        ir_block_free(x->ir);
        ir_block_free(x->plain_ir);
        g_free(x->code);
        g_free(x->marks);
        g_free(x);
        tb->extra = NULL;
    }
}

/* What a huge page holds stays. */
static void free_tbs(Tcg *tcg) {
    size_t used = (size_t)tcg->tb_end * TB_UNIT;
    for (Tb *tb = tb_next(tcg, NULL); tb; tb = tb_next(tcg, tb)) {
        tb_drop_extra(tb);
    }
    if (used > TB_HUGE) {
        madvise(tcg->tb_memory + TB_HUGE, used - TB_HUGE, MADV_DONTNEED);
    }
    tcg->tb_end = TB_FIRST;
}

/* -- looking them up -- */

CodePage *tb_page(Tcg *tcg, uint64_t pa) {
    pa &= ~(uint64_t)(PAGE_SIZE - 1);
    for (CodePage *p = tcg->pages[page_bucket(pa)]; p; p = p->next) {
        if (p->pa == pa) {
            return p;
        }
    }
    return NULL;
}

static CodePage *page_get(Tcg *tcg, uint64_t pa) {
    CodePage *p = tb_page(tcg, pa);
    if (!p) {
        p = g_new0(CodePage, 1);
        p->pa = pa & ~(uint64_t)(PAGE_SIZE - 1);
        p->next = tcg->pages[page_bucket(pa)];
        tcg->pages[page_bucket(pa)] = p;
    }
    return p;
}

Tb *tb_find(Tcg *tcg, uint64_t pa, uint64_t mode) {
    TbRef ref = __atomic_load_n(&tcg->tb_hash[tb_bucket(pa, mode)], __ATOMIC_ACQUIRE);
    while (ref) {
        Tb *tb = tb_at(tcg, ref);
        if (tb->pa == pa && tb->mode == mode) {
            return tb;
        }
        ref = __atomic_load_n(&tb->hash_next, __ATOMIC_ACQUIRE);
    }
    return NULL;
}

/* The lines of a page from that of one byte to that of another. */
static uint64_t lines_between(uint64_t first, uint64_t last) {
    enum { LINE_BITS = IR_PAGE_BITS - 6 };
    return UINT64_MAX << (first >> LINE_BITS & 63) & UINT64_MAX >> (63 - (last >> LINE_BITS & 63));
}

/* The lines of a page that [from, to) touches; of bytes outside, none. */
static uint64_t lines_of(uint64_t page, uint64_t from, uint64_t to) {
    if (from >= page + PAGE_SIZE || to <= page) {
        return 0;
    }
    return lines_between(MAX(from, page), MIN(to, page + PAGE_SIZE) - 1);
}

/* Address of the first byte that tb was made from. */
static uint64_t tb_first(const Tb *tb) {
    return tb->kind == TB_REGION ? tb->extra->first : tb->pa;
}

/* Where, in its page, the bytes of tb are. */
static uint64_t tb_lines(const Tb *tb) {
    return lines_between(tb_first(tb), tb->pa + tb->bytes - 1);
}

static void page_add(Vcpu *v, CodePage *p, Tb *tb) {
    if (!p->guarded && !p->unprotected) {
        p->guarded = true;
        p->slow_stores = 0;
        page_filter_add(v->tcg->guarded, p->pa);
        smp_unmap_writes(v, p->pa);
    }
    p->lines |= tb_lines(tb);
    tb->page_next = p->tbs;
    p->tbs = tb->ref;
}

static void page_remove(const Tcg *tcg, CodePage *p, const Tb *tb) {
    TbRef *at = &p->tbs;
    while (*at && *at != tb->ref) {
        at = &tb_at(tcg, *at)->page_next;
    }
    if (*at) {
        *at = tb->page_next;
    }
}

/* -- chaining -- */

static void unchain(Tcg *tcg, Tb *from, unsigned slot) {
    TbExit *e = &from->exits[slot];
    if (!e->target) {
        return;
    }
    TbExitRef ref = tb_exit_ref(from, slot), *at = &tb_at(tcg, e->target)->incoming;
    while (*at && *at != ref) {
        at = &tb_exit_tb(tcg, *at)->exits[tb_exit_slot(*at)].next;
    }
    if (*at) {
        *at = e->next;
    }
    e->target = 0;
    lower_patch(tcg, from, slot, from->host + e->stub);
}

void tb_chain(Tcg *tcg, Tb *from, unsigned slot, Tb *to) {
    TbExit *e = &from->exits[slot];
    bool inner = from->inner && e->off == (from->pa & (PAGE_SIZE - 1)); /* with the pins as they are within */
    if (!from->valid || !to->valid || e->target || !to->host || (inner && to != from)) {
        return;
    }
    e->target = to->ref;
    e->next = to->incoming;
    to->incoming = tb_exit_ref(from, slot);
    lower_patch(tcg, from, slot, to->host + (inner ? to->inner : 0));
}

/* -- jump caches -- */

enum { JUMPS_OF_PAGE = PAGE_SIZE / 4, SEVERAL = 255 };

void tb_remember(Vcpu *v, Tb *tb) {
    Env *env = v->env;
    unsigned at = ir_jump_index(env->pc);
    uint8_t page = (uint8_t)(at / JUMPS_OF_PAGE + 1), known = __atomic_load_n(&tb->jump_page, __ATOMIC_RELAXED);
    IrJump *jump = &env->jumps[at];
    if (!known) {
        __atomic_compare_exchange_n(&tb->jump_page, &known, page, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    if (known && known != page) {
        __atomic_store_n(&tb->jump_page, SEVERAL, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&jump->host, tb->host, __ATOMIC_RELAXED);
    __atomic_store_n(&jump->key, env->pc ^ env->space, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&tb->valid, __ATOMIC_RELAXED)) { /* killed since it was found, maybe before it stood there */
        __atomic_store_n(&jump->key, ir_jump_empty(at), __ATOMIC_RELAXED);
    }
}

static void forget_jump(const Tcg *tcg, const Tb *tb, unsigned at) {
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        IrJump *jump = &tcg->vcpus[i]->env->jumps[at];
        if (__atomic_load_n(&jump->host, __ATOMIC_RELAXED) == tb->host) {
            __atomic_store_n(&jump->key, ir_jump_empty(at), __ATOMIC_RELAXED);
        }
    }
}

/* Jump caches may hold its entry, where the offset in the page says. Those of other vCPUs too: an entry that is being
 * replaced meanwhile is only lost; one that is being made is taken back by its maker, who looks whether the block is
 * valid afterwards. */
static void forget_entry(Tcg *tcg, const Tb *tb) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    unsigned page = __atomic_load_n(&tb->jump_page, __ATOMIC_RELAXED), at = ir_jump_index(tb->pa & (PAGE_SIZE - 1));
    if (page == SEVERAL) {
        for (; at < 1 << IR_JUMP_BITS; at += JUMPS_OF_PAGE) {
            forget_jump(tcg, tb, at);
        }
    } else if (page) {
        forget_jump(tcg, tb, at + (page - 1) * JUMPS_OF_PAGE);
    }
}

/* -- dead blocks that may be wanted again: code that is patched to and fro -- */

static uint64_t content_hash(uint64_t pa, uint64_t mode, const uint8_t *bytes, unsigned size) {
    uint64_t h = pa ^ mode * UINT64_C(0xff51afd7ed558ccd), word = 0;
    for (unsigned at = 0; at < size; at += sizeof word) {
        memcpy(&word, bytes + at, MIN(size - at, sizeof word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return h;
}

static void bury(Tcg *tcg, Tb *tb) {
    TbExtra *x = tb->extra;
    if (x && x->code && x->bans == tcg->bans) {
        Tb **bucket = &tcg->dead[content_hash(tb->pa, tb->mode, x->code, tb->bytes) & (DEAD_BUCKETS - 1)];
        x->dead_next = *bucket;
        *bucket = tb;
        for (unsigned i = 1; *bucket; i++, bucket = &(*bucket)->extra->dead_next) {
            if (i == DEAD_KEPT) {
                (*bucket)->extra->dead_next = NULL;
                break;
            }
        }
        tcg->last_dead[tb_bucket(tb->pa, tb->mode) & (DEAD_BUCKETS - 1)] = tb;
    }
}

/* A dead block that was made from the very bytes that now stand at pa, as long as the one that died there last; taken
 * from the dead. Or NULL. */
static Tb *dig_up(Tcg *tcg, uint64_t pa, uint64_t mode, const uint8_t *bytes) {
    const Tb *last = tcg->last_dead[tb_bucket(pa, mode) & (DEAD_BUCKETS - 1)];
    if (!last || last->pa != pa || last->mode != mode) {
        return NULL;
    }
    Tb **at = &tcg->dead[content_hash(pa, mode, bytes, last->bytes) & (DEAD_BUCKETS - 1)];
    for (; *at; at = &(*at)->extra->dead_next) {
        Tb *tb = *at;
        const TbExtra *x = tb->extra;
        if (tb->pa == pa && tb->mode == mode && tb->bytes == last->bytes && x->bans == tcg->bans &&
            memcmp(x->code, bytes, tb->bytes) == 0) {
            *at = x->dead_next;
            return tb;
        }
    }
    return NULL;
}

static void tb_kill(Tcg *tcg, Tb *tb) {
    __atomic_store_n(&tb->valid, false, __ATOMIC_SEQ_CST);
    for (TbRef *at = &tcg->tb_hash[tb_bucket(tb->pa, tb->mode)]; *at; at = &tb_at(tcg, *at)->hash_next) {
        if (*at == tb->ref) {
            __atomic_store_n(at, tb->hash_next, __ATOMIC_RELEASE); /* who stands on it still finds the rest */
            break;
        }
    }
    CodePage *p = tb_page(tcg, tb->pa);
    if (p) {
        page_remove(tcg, p, tb);
    }
    for (unsigned k = 0; k < tb->exit_count; k++) {
        unchain(tcg, tb, k);
    }
    while (tb->incoming) {
        unchain(tcg, tb_exit_tb(tcg, tb->incoming), tb_exit_slot(tb->incoming));
    }
    forget_entry(tcg, tb);
    tcg->stats.invalidated++;
    bury(tcg, tb);
}

/* -- invalidation -- */

/* Kills the blocks of a page that [from, to) overlaps. True: `running` was among them. */
static bool page_invalidate(Tcg *tcg, CodePage *p, uint64_t from, uint64_t to, const Tb *running) {
    bool hit = false;
    uint64_t left = 0;
    if (!(p->lines & lines_of(p->pa, from, to))) {
        return false;
    }
    for (TbRef ref = p->tbs, next; ref; ref = next) {
        Tb *tb = tb_at(tcg, ref);
        next = tb->page_next;
        if (tb_first(tb) < to && from < tb->pa + tb->bytes) {
            hit |= tb == running;
            tb_kill(tcg, tb);
            p->changes = true;
            p->slow_stores = 0;
        } else {
            left |= tb_lines(tb);
        }
    }
    p->lines = left;
    return hit;
}

bool tb_invalidate(Tcg *tcg, uint64_t pa, uint64_t size, const Tb *running) {
    bool hit = false;
    uint64_t end = pa + size;
    for (uint64_t page = pa & ~(uint64_t)(PAGE_SIZE - 1); page < end; page += PAGE_SIZE) {
        CodePage *p = tb_page(tcg, page);
        if (p && p->tbs) {
            hit |= page_invalidate(tcg, p, pa, end, running);
        }
    }
    return hit;
}

/* From now on stores to the page are not seen, and the guest's cache maintenance alone decides, if it does. */
static void unprotect(const Tcg *tcg, CodePage *p) {
    if (!tcg->coherent_fetch) {
        p->unprotected = true;
        p->guarded = false;
    }
}

bool tb_store(Tcg *tcg, uint64_t pa, unsigned size, const Tb *running) {
    CodePage *p = tb_page(tcg, pa);
    if (!p || !p->guarded) {
        return false;
    }
    p->stored |= lines_of(p->pa, pa, pa + size);
    p->slow_stores++;
    bool hit = page_invalidate(tcg, p, pa, pa + size, running);
    if (p->tbs && p->slow_stores >= SLOW_STORES) {
        unprotect(tcg, p); /* data shares the page */
    } else if (!p->tbs && p->slow_stores >= SLOW_STORES / 8) {
        p->guarded = false; /* until there is code in it again */
    }
    return hit;
}

void tb_maintain(Tcg *tcg, uint64_t pa, uint64_t size) {
    CodePage *p = tb_page(tcg, pa);
    if (p) {
        uint64_t lines = lines_of(p->pa, pa, pa + size);
        page_invalidate(tcg, p, pa, pa + size, NULL);
        p->maintained += (p->stored & lines) != 0;
        p->stored &= ~lines;
        if (p->maintained >= MAINTENANCE && !p->unprotected) {
            unprotect(tcg, p); /* who writes code here says so each time */
        }
    }
}

void tb_invalidate_unprotected(Tcg *tcg) {
    for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
        for (CodePage *p = tcg->pages[i]; p; p = p->next) {
            if (p->unprotected) {
                page_invalidate(tcg, p, p->pa, p->pa + PAGE_SIZE, NULL);
            }
        }
    }
}

void tb_flush(Tcg *tcg) {
    free_tbs(tcg);
    memset(tcg->tb_hash, 0, sizeof(TbRef) * TB_BUCKETS);
    memset(tcg->dead, 0, sizeof(Tb *) * DEAD_BUCKETS);
    memset(tcg->last_dead, 0, sizeof(Tb *) * DEAD_BUCKETS);
    for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
        for (CodePage *p = tcg->pages[i], *next; p; p = next) {
            next = p->next;
            g_free(p);
        }
        tcg->pages[i] = NULL;
    }
    tcg->flushes++;
    g_hash_table_remove_all(tcg->merge_bans);
    g_hash_table_remove_all(tcg->hint_bans);
    for (unsigned i = 0; i < tcg->vcpu_count; i++) {
        ir_jumps_clear(tcg->vcpus[i]->env);
        tcg->vcpus[i]->running = NULL;
    }
    memset(tcg->guarded, 0, sizeof tcg->guarded);
    memset(tcg->banned, 0, sizeof tcg->banned);
    lower_cache_reset(tcg);
}

void tb_free_all(Tcg *tcg) {
    tb_flush(tcg);
    g_free(tcg->pages);
    g_free(tcg->dead);
    g_free(tcg->last_dead);
    munmap(tcg->tb_memory, TB_MEMORY);
    g_hash_table_destroy(tcg->merge_bans);
    g_hash_table_destroy(tcg->hint_bans);
}

bool tb_unroll(Vcpu *v, Tb *tb) {
    const TcgConfig *c = &v->tcg->config;
    /* Under -icount and --verify blocks are compared with others that hold one round. */
    if (tb->kind != TB_BLOCK || !tb->valid || c->icount || c->verify || tb->insns > UNROLL_INSNS / 2) {
        return false;
    }
    if (++tb->rounds == UNROLL_ROUNDS) {
        v->unroll_pa = tb->pa;
        tb_drop_extra(tb); /* nobody wants it back as it is */
        tb_kill(v->tcg, tb);
    }
    return true;
}

/* -- making -- */

/* --verify: a block that breaks the IR's own rules is a fault of ours; the report shows it. */
static void check_ir(const Vcpu *v, IrBlock *ir) {
    g_autoptr(GError) error = NULL;
    const char *crash = v->tcg->config.forced.crash;
    if (crash && strcmp(crash, "ir") == 0) {
        ir->count--; /* no terminator */
    }
    if (!ir_verify(ir, &error)) {
        g_autofree char *text = g_strconcat("invalid IR: ", error->message, NULL);
        g_assertion_message(NULL, __FILE__, __LINE__, G_STRFUNC, text);
    }
}

/* The block can be found from now on. */
static void publish(Vcpu *v, CodePage *p, Tb *tb) {
    TbRef *bucket = &v->tcg->tb_hash[tb_bucket(tb->pa, tb->mode)];
    tb->hash_next = *bucket;
    page_add(v, p, tb);
    __atomic_store_n(bucket, tb->ref, __ATOMIC_RELEASE);
}

Tb *tb_revive(Vcpu *v, uint64_t pa, uint64_t mode, const uint8_t *page) {
    CodePage *p = tb_page(v->tcg, pa);
    Tb *tb = p && p->changes ? dig_up(v->tcg, pa, mode, page + (pa & (PAGE_SIZE - 1))) : NULL;
    if (tb) {
        __atomic_store_n(&tb->valid, true, __ATOMIC_SEQ_CST);
        publish(v, p, tb);
        v->stats.revived++;
    }
    return tb;
}

/* A page with the bytes that a block from offset on may be made from. */
static const uint8_t *take_insns(Vcpu *v, const uint8_t *page, unsigned offset, unsigned max_insns) {
    memcpy(v->insns + offset, page + offset, MIN(max_insns * v->frontend->insn_max, PAGE_SIZE - offset));
    return v->insns;
}

/* stats=on: the time since *since was spent on that stage. */
static void stage(Vcpu *v, TcgStage stage, uint64_t *since) {
    if (v->tcg->config.stats) {
        uint64_t now = vcpu_now_ns(v);
        v->stats.stage_ns[stage] += now - *since;
        *since = now;
    }
}

IrBlock *tb_plain_block(const TransRequest *request, IrBlock *ir) {
    unsigned begin, end;
    ir_block_reset(ir);
    ir->optimize = ir->merges = false;
    TransResult result = request->path ? frontend_translate_path(request, ir, &begin, &end) : frontend_translate(request, ir, &end);
    IrBlock *plain = result == TRANS_OK ? ir_block_copy(ir) : NULL;
    ir_block_reset(ir);
    return plain;
}

bool tb_merges(const Tcg *tcg, uint64_t pa) {
    return tcg->backend && !tcg->config.forced.no_merge && !page_filter_has(tcg->banned, pa);
}

Tb *tb_make(Vcpu *v, Lowerer *lowerer, IrBlock *ir, IrBlock *plain, const TbPlace *place, LowerPins pins,
            LowerResult *result) {
    Tcg *tcg = v->tcg;
    pins = tcg->config.forced.own_pins ? LOWER_PINS_FORCED : pins;
    Tb *tb = tb_new(tcg);
    unsigned offset = place->pa & (PAGE_SIZE - 1);
    if (G_UNLIKELY(!tb)) {
        ir_block_free(plain);
        *result = LOWER_NO_ROOM;
        return NULL;
    }
    tb->pa = place->pa;
    tb->mode = place->mode;
    tb->bytes = (uint16_t)(place->end - offset);
    tb->insns = (uint16_t)ir->insns;
    tb->valid = true;
    if (G_UNLIKELY(plain)) {
        tb_extra(tb)->plain_ir = plain;
        tb->extra->given_off = verify_first_given(v, plain);
    }
    if (tcg->backend) {
        *result = lower_block(lowerer, tb, ir, pins);
        if (G_UNLIKELY(*result != LOWER_OK)) {
            tb_drop_extra(tb);
            return NULL;
        }
    } else {
        tb_extra(tb)->ir = ir_block_copy(ir);
    }
    tcg->tb_end = tb_end(tb);
    return tb;
}

void tb_replace(Vcpu *v, Tb *old, Tb *tb, uint64_t first) {
    tb->kind = TB_REGION;
    tb_extra(tb)->first = first;
    tb_kill(v->tcg, old);
    publish(v, tb_page(v->tcg, tb->pa), tb);
}

/* Between front end and host code, where somebody looks on or checks were not merged as they came. */
static G_GNUC_NO_INLINE void pass_on(Vcpu *v, IrBlock *ir, uint64_t pa, uint64_t mode, uint64_t va, const uint8_t *page,
                                     uint64_t *since) {
    const Tcg *tcg = v->tcg;
    stage(v, TCG_STAGE_FRONTEND, since);
    lower_log(v, "IN", TCG_LOG_IN_ASM, ir, page, va);
    lower_log(v, "OP", TCG_LOG_OP, ir, page, va);
    if (!ir->merges && !(mode & TB_PLAIN) && tb_may_merge(tcg, pa, ir)) {
        ir_opt_check(ir);
    }
    if (!tcg->backend || tcg->config.verify || tcg->config.log_items & TCG_LOG_OP_OPT) {
        ir_opt_dead(ir); /* to be seen: lower_block does the same */
    }
    stage(v, TCG_STAGE_PASSES, since);
    lower_log(v, "OP after passes", TCG_LOG_OP_OPT, ir, page, va);
    if (tcg->config.verify) {
        check_ir(v, ir);
    }
}

/* What making a block touches and nobody has touched for long: its place in the index, the memory that it and the next one
 * are going to be, the next insns. */
static inline void fetch_ahead(const Tcg *tcg, uint64_t pa, uint64_t mode, const uint8_t *insns) {
    const char *tb = (const char *)tb_at(tcg, tcg->tb_end);
    __builtin_prefetch(&tcg->tb_hash[tb_bucket(pa, mode)], 1);
    __builtin_prefetch(tb + 128, 1);
    __builtin_prefetch(tb + 192, 1);
    __builtin_prefetch(insns + 128);
}

Tb *tb_translate(Vcpu *v, uint64_t pa, uint64_t va, uint64_t mode, const uint8_t *page, unsigned max_insns,
                 LowerResult *result) {
    Tcg *tcg = v->tcg;
    IrBlock *ir = v->ir;
    unsigned end;
    TransRequest request = {.frontend = v->frontend, .env = v->env, .mode = mode & ~TB_PLAIN, .page = page,
                            .offset = pa & (PAGE_SIZE - 1), .max_insns = max_insns, .stop_offset = -1};
    bool watched = tcg->config.verify || tcg->config.stats || tcg->config.log_items;

    bool plain_one = (mode & TB_PLAIN) != 0, unroll = pa == v->unroll_pa && !plain_one;
    if (G_UNLIKELY(unroll)) {
        request.rounds = UNROLL_COPIES;
        request.max_insns = max_insns = MIN(max_insns, UNROLL_INSNS);
    }
    CodePage *p = page_get(tcg, pa);
    bool keep = p->changes; /* it may change again, even now, and back: what is kept is what is translated */
    if (G_UNLIKELY(keep)) {
        request.page = take_insns(v, page, request.offset, max_insns);
    }
    fetch_ahead(tcg, pa, mode, page + request.offset);
    IrBlock *plain = G_UNLIKELY(watched && tcg->config.verify && tcg->backend) ? tb_plain_block(&request, ir) : NULL;
    ir_block_reset(ir);
    ir->optimize = true;
    ir->merges = tb_merges(tcg, pa) && !plain_one;
    uint64_t since = G_UNLIKELY(watched && tcg->config.stats) ? vcpu_now_ns(v) : 0;
    if (frontend_translate(&request, ir, &end) != TRANS_OK) {
        return NULL;
    }
    if (G_UNLIKELY(watched || !ir->merges)) {
        pass_on(v, ir, pa, mode, va, page, &since);
    }
    TbPlace place = {.pa = pa, .mode = mode, .begin = request.offset, .end = end};
    Tb *tb = tb_make(v, v->lowerer, ir, plain, &place, LOWER_PINS_STANDARD, result);
    if (G_UNLIKELY(!tb)) {
        return NULL;
    }
    tb->kind = unroll ? TB_UNROLLED : TB_BLOCK;
    if (G_UNLIKELY(watched && tcg->backend)) {
        stage(v, TCG_STAGE_HOST, &since);
        lower_log_host(v, tb, va);
    }
    v->unroll_pa = unroll ? UINT64_MAX : v->unroll_pa;
    if (G_UNLIKELY(keep)) {
        tb_extra(tb)->code = g_memdup2(request.page + request.offset, tb->bytes);
        tb->extra->bans = tcg->bans;
    }
    publish(v, p, tb);
    v->stats.blocks++;
    v->stats.block_insns += tb->insns;
    v->stats.host_bytes += tb->host_bytes;
    return tb;
}
