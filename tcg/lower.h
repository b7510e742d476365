/* SPDX-License-Identifier: MIT */
/*
 * lower.h - from IR to host code, and the memory that holds it (cache.c).
 */
#ifndef TCG_LOWER_H
#define TCG_LOWER_H

#include "tcg/vcpu.h"

/* Code cache and backend of the host, for the guest of `fe`; without them the interpreter runs everything. */
bool lower_init(Tcg *tcg, const Frontend *fe, GError **error);
void lower_finish(Tcg *tcg);
void lower_cache_reset(Tcg *tcg);

/* Who translates has a lowerer of its own. NULL: there is no backend. */
Lowerer *lowerer_new(Tcg *tcg, const Frontend *fe);
void lowerer_free(Lowerer *w);
/* Compiles ir into the cache and fills tb's host part: all but host, host_bytes, exits, exit_count and inner is set. Under
 * Tcg.lock. */
LowerResult lower_standard(Lowerer *w, Tb *tb, IrBlock *ir);
LowerResult lower_own(Lowerer *w, Tb *tb, IrBlock *ir, bool forced);
static inline LowerResult lower_block(Lowerer *w, Tb *tb, IrBlock *ir, LowerPins pins) {
    return pins == LOWER_PINS_STANDARD ? lower_standard(w, tb, ir) : lower_own(w, tb, ir, pins == LOWER_PINS_FORCED);
}

/* Makes exit `slot` of tb jump to host code. */
void lower_patch(Tcg *tcg, const Tb *tb, unsigned slot, const uint8_t *to);

/* -d items; nothing when the item is off. */
static inline bool log_on(const Vcpu *v, unsigned item) {
    return (v->tcg->config.log_items & item) && v->tcg->config.log;
}
void log_ir(Vcpu *v, const char *title, unsigned item, const IrBlock *ir, const uint8_t *page, uint64_t va);
static inline void lower_log(Vcpu *v, const char *title, unsigned item, const IrBlock *ir, const uint8_t *page,
                             uint64_t va) {
    if (log_on(v, item)) {
        log_ir(v, title, item, ir, page, va);
    }
}
void lower_log_host(Vcpu *v, const Tb *tb, uint64_t va);
/* stats=on: adds the block's host insns to the counters. */
void lower_count_host(Vcpu *v, const Tb *tb);
size_t log_host_text(const Tb *tb, uint64_t va, GString *out);

/* -- cache.c -- */
typedef struct Cache Cache;
Cache *cache_new(size_t bytes, GError **error);
void cache_free(Cache *cache);
void cache_keep(Cache *cache);  /* what has been committed so far survives cache_reset */
void cache_reset(Cache *cache);
/* Room for at least `bytes` more: writable address of the next free byte, or NULL. */
uint8_t *cache_reserve(Cache *cache, size_t bytes);
void cache_commit(Cache *cache, size_t bytes);
void cache_fill(const Cache *cache, size_t *used, size_t *size);
const uint8_t *cache_exec(const Cache *cache, const uint8_t *writable);
uint8_t *cache_writable(const Cache *cache, const uint8_t *exec);

#endif
