/* SPDX-License-Identifier: MIT */
/*
 * verify_mem.c - guest memory as the reference of --verify sees it: RAM under its own stores, which are kept in a
 * buffer until host code has done them too; everything that can be done only once is waited for.
 *
 * Pages that an access has been allowed to are remembered apart from the vCPU's TLBs, so that these are compared too.
 * Missing: a store of host code to a place that the reference does not write is seen only when it is read again.
 */
#include <string.h>

#include "ir/copy.h"
#include "tcg/verify.h"

static bool fault_at(struct Verify *f, MemFaultKind kind, MemAccess access, uint64_t va) {
    f->fault = (MemFault){.kind = kind, .access = access, .va = va};
    return verify_wait(f, POINT_FAULT);
}

/* -- pages -- */

void verify_mem_begin(Vcpu *v) {
    v->verify->page = NULL;
    v->verify->watching = v->frontend->watching(v->env);
}

void verify_forget(Vcpu *v) {
    if (v->verify) {
        v->verify->page_gen++;
    }
}

static bool in_page(uint64_t ea, unsigned size) {
    return (ea & (PAGE_SIZE - 1)) + size <= PAGE_SIZE;
}

static VerifyPage *page_at(struct Verify *f, uint64_t ea) {
    return &f->pages[ea >> IR_PAGE_BITS & (VERIFY_PAGES - 1)];
}

static uint64_t page_key(MemContext c, uint64_t ea) {
    return (ea & ~(uint64_t)(PAGE_SIZE - 1)) | c.regime << 1 | 1;
}

/* The page, if an access like this has been allowed and will be answered by the fast path, or NULL. */
static const VerifyPage *page_known(Vcpu *v, uint64_t ea, unsigned size, unsigned aux) {
    struct Verify *f = v->verify;
    MemContext c = aux & IR_CHECK_UNPRIV ? v->unpriv_context : v->context;
    const VerifyPage *p = page_at(f, ea);
    uint64_t align = (UINT64_C(1) << (aux >> IR_CHECK_ALIGN_SHIFT & 7)) - 1;
    bool known = p->key == page_key(c, ea) && p->asid == c.asid && p->gen == f->page_gen && in_page(ea, size) &&
                 !(ea & align) && !f->watching && (p->readable || !(aux & IR_CHECK_R));
    if (!known || ((aux & IR_CHECK_W) && (!p->writable || ldst_guarded(v->tcg, p->pa)))) {
        return NULL;
    }
    return p;
}

/* Will the fast path, or the filling of its table, answer the access that x allows? Then the page is remembered. */
static bool remember(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, const MemXlat *x) {
    struct Verify *f = v->verify;
    const PhysMap *phys = &v->tcg->config.phys;
    MemContext c = aux & IR_CHECK_UNPRIV ? v->unpriv_context : v->context;
    uint64_t pa = x->pa & ~(uint64_t)(PAGE_SIZE - 1);
    bool writable;
    uint8_t *host;
    if (!in_page(ea, size) || x->device || f->watching || !(host = phys->page(phys->opaque, pa, &writable)) ||
        ((aux & IR_CHECK_W) && (!writable || ldst_guarded(v->tcg, pa)))) {
        return false;
    }
    VerifyPage *p = page_at(f, ea);
    *p = (VerifyPage){.key = page_key(c, ea), .asid = c.asid, .pa = pa, .host = host, .gen = f->page_gen,
                      .readable = x->readable, .writable = x->writable && writable};
    f->page = p;
    return true;
}

static bool read_ram(const struct Verify *f, const uint8_t *at, unsigned size, uint8_t *bytes);

void verify_walk(const Vcpu *v, const uint8_t *at, unsigned size, uint64_t *value) {
    if (v->verify->walks) {
        read_ram(v->verify, at, size, (uint8_t *)value);
    }
}

/* ldst_probe and tlb_translate by page tables that the block itself may have written. */
static bool probe(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, MemXlat *x) {
    struct Verify *f = v->verify;
    f->walks = f->store_count != 0;
    bool ok = ldst_probe(v, ea, size, aux, x, &f->fault);
    f->walks = false;
    return ok;
}
static bool translate(Vcpu *v, uint64_t va, MemAccess access, MemXlat *x) {
    struct Verify *f = v->verify;
    f->walks = f->store_count != 0;
    bool ok = tlb_translate(v, va, access, false, x, &f->fault) || tlb_translate(v, va, access, true, x, &f->fault);
    f->walks = false;
    return ok;
}

static bool verify_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    Vcpu *v = vcpu_of(env);
    struct Verify *f = v->verify;
    MemXlat x;
    *addend = IR_ADDEND_SLOW;
    f->have = 0;
    if (f->go) {
        f->go = false;
        f->page = NULL;
    } else if (!(f->page = page_known(v, ea, size, aux))) {
        if (!probe(v, ea, size, aux, &x)) {
            f->fault.aux = aux;
            return verify_wait(f, POINT_FAULT);
        }
        if (!remember(v, ea, size, aux, &x)) {
            return verify_wait(f, POINT_CHECK);
        }
    }
    return env->insn_off != f->tb->extra->given_off || verify_wait(f, POINT_GIVEN);
}

/* -- RAM -- */

/* The words that [at, at + size) touches. */
static uint64_t filter_bits(const uint8_t *at, unsigned size) {
    uintptr_t first = (uintptr_t)at >> 3, last = ((uintptr_t)at + size - 1) >> 3;
    uint64_t bits = 0;
    for (uintptr_t word = first; word <= last; word++) {
        bits |= UINT64_C(1) << ((word ^ word >> 9) & 63);
    }
    return bits;
}

/* With the reference's own stores. */
static bool read_ram(const struct Verify *f, const uint8_t *at, unsigned size, uint8_t *bytes) {
    ir_copy(bytes, at, size);
    if (!(f->store_filter & filter_bits(at, size))) {
        return true;
    }
    for (unsigned i = 0; i < f->store_count; i++) {
        const Store *s = &f->stores[i];
        for (unsigned k = 0; k < s->size; k++) {
            if (s->host + k >= at && s->host + k < at + size) {
                bytes[s->host + k - at] = s->bytes[k];
            }
        }
    }
    return true;
}

static bool write_ram(struct Verify *f, uint8_t *at, unsigned size, const uint8_t *bytes) {
    if (f->store_count == VERIFY_STORES) {
        return verify_wait(f, POINT_LOST);
    }
    Store *s = &f->stores[f->store_count++];
    s->host = at;
    s->size = (uint8_t)size;
    ir_copy(s->bytes, bytes, size);
    f->store_filter |= filter_bits(at, size);
    return true;
}

/* Is byte k of store i overwritten by a later one? */
static bool overwritten(const struct Verify *f, unsigned i, unsigned k) {
    for (unsigned j = i + 1; j < f->store_count; j++) {
        const Store *s = &f->stores[j];
        if (f->stores[i].host + k >= s->host && f->stores[i].host + k < s->host + s->size) {
            return true;
        }
    }
    return false;
}

bool verify_stores_agree(const struct Verify *f) {
    for (unsigned i = 0; i < f->store_count; i++) {
        const Store *s = &f->stores[i];
        for (unsigned k = 0; k < s->size; k++) {
            if (s->host[k] != s->bytes[k] && !overwritten(f, i, k)) {
                return false;
            }
        }
    }
    return true;
}

/* -- accesses -- */

/* A device, or nothing, in naturally aligned pieces as ldst.c makes them. */
static bool use_device(struct Verify *f, uint64_t va, uint64_t pa, unsigned size, uint8_t *bytes, bool write) {
    for (unsigned done = 0, piece; done < size; done += piece) {
        for (piece = 8; piece > size - done || ((pa + done) & (piece - 1));) {
            piece >>= 1;
        }
        if (f->piece < f->have) {
            if (!write) {
                memcpy(bytes + done, &f->data[f->piece], piece);
            }
            f->piece++;
            continue;
        }
        if (f->refused) {
            f->refused = false;
            return fault_at(f, MEM_FAULT_BUS, write ? MEM_WRITE : MEM_READ, va + done);
        }
        f->want_pa = pa + done;
        f->want_size = piece;
        f->want_value = 0;
        if (write) {
            memcpy(&f->want_value, bytes + done, piece);
        }
        return verify_wait(f, write ? POINT_WRITE : POINT_READ);
    }
    return true;
}

/* The whole access is done again when a piece has been waited for; RAM gives the same again. */
static bool use_pieces(Vcpu *v, uint64_t ea, unsigned size, uint8_t *bytes, bool write) {
    struct Verify *f = v->verify;
    const PhysMap *phys = &v->tcg->config.phys;
    MemAccess access = write ? MEM_WRITE : MEM_READ;
    f->piece = 0;
    for (unsigned done = 0, piece; done < size; done += piece) {
        MemXlat x;
        uint64_t va = ea + done;
        bool writable;
        piece = MIN(size - done, 8 - done % 8); /* as host code does */
        piece = MIN(piece, (unsigned)(PAGE_SIZE - (va & (PAGE_SIZE - 1))));
        if (!translate(v, va, access, &x)) {
            return verify_wait(f, POINT_FAULT);
        }
        uint8_t *page = phys->page(phys->opaque, x.pa & ~(uint64_t)(PAGE_SIZE - 1), &writable);
        uint8_t *at = page + (page ? x.pa & (PAGE_SIZE - 1) : 0);
        bool done_piece = !page || (write && !writable) ? use_device(f, va, x.pa, piece, bytes + done, write)
                          : write                       ? write_ram(f, at, piece, bytes + done)
                                                        : read_ram(f, at, piece, bytes + done);
        if (!done_piece) {
            return false;
        }
    }
    f->have = 0;
    return true;
}

static bool use_memory(Vcpu *v, uint64_t ea, unsigned size, uint8_t *bytes, bool write) {
    struct Verify *f = v->verify;
    const VerifyPage *p = f->page;
    if (p && ((p->key ^ ea) & ~(uint64_t)(PAGE_SIZE - 1)) == 0 && in_page(ea, size) && (p->writable || !write)) {
        uint8_t *at = p->host + (ea & (PAGE_SIZE - 1));
        return write ? write_ram(f, at, size, bytes) : read_ram(f, at, size, bytes);
    }
    return use_pieces(v, ea, size, bytes, write);
}

static bool verify_load(Env *env, uint64_t ea, unsigned size, IrVal *value) {
    value->d[0] = value->d[1] = 0;
    return use_memory(vcpu_of(env), ea, size, value->b, false);
}

static bool verify_store(Env *env, uint64_t ea, unsigned size, const IrVal *value) {
    return use_memory(vcpu_of(env), ea, size, (uint8_t *)(uintptr_t)value->b, true);
}

static void verify_misaligned(Env *env, uint64_t value) {
    fault_at(vcpu_of(env)->verify, MEM_FAULT_STACK, MEM_READ, value);
}

const IrMemOps verify_ops = {.check = verify_check, .load = verify_load, .store = verify_store,
                             .misaligned = verify_misaligned, .call = verify_call};
