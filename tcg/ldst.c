/* SPDX-License-Identifier: MIT */
/*
 * ldst.c - guest memory: filling of the first-level TLB, and every access that its fast path cannot do: devices,
 * accesses across two pages, pages that hold translated code, watchpoints.
 */
#include "ir/copy.h"
#include "tcg/vcpu.h"

#include <string.h>

bool ldst_guarded(Tcg *tcg, uint64_t pa) {
    if (!page_filter_has(tcg->guarded, pa)) {
        return false;
    }
    g_mutex_lock(&tcg->lock);
    CodePage *code = tb_page(tcg, pa);
    bool guarded = code && code->guarded;
    g_mutex_unlock(&tcg->lock);
    return guarded;
}

/* Makes the page of va reachable for generated code as far as the translation just found allows. False: it is not RAM,
 * or somebody watches it. */
static bool fill(Vcpu *v, uint64_t va, unsigned aux, const MemXlat *x) {
    const PhysMap *phys = &v->tcg->config.phys;
    L2Entry *found = v->found;
    if (x->device || v->frontend->watching(v->env) || (v->tcg->debug.watches && debug_watches_page(v->tcg, va))) {
        return false;
    }
    if (!found->host) {
        bool writable;
        found->host = phys->page(phys->opaque, found->pa, &writable);
        found->flags |= writable ? 0 : L2_ROM;
        if (!found->host) {
            return false;
        }
    }
    if (v->tcg->config.forced.one_entry) {
        tlb_forget_entries(v);
    }
    tlb_fill(v, aux & IR_CHECK_UNPRIV ? v->unpriv : v->bank, va, found->pa, found->host, x->readable,
             x->writable && !(found->flags & L2_ROM) && !ldst_guarded(v->tcg, found->pa));
    return true;
}

static bool raise_fault(Vcpu *v, MemFault *fault, unsigned aux) {
    fault->aux = aux;
    if (v->verify) {
        verify_fault(v, fault);
    }
    v->frontend->mem_fault(v->env, fault);
    return false;
}

/* Translates one page's part of an access for the rights it needs. */
static bool probe(Vcpu *v, uint64_t va, unsigned aux, MemXlat *x, MemFault *fault) {
    bool unprivileged = aux & IR_CHECK_UNPRIV;
    if (aux & IR_CHECK_W) { /* a read-write access that fails in both ways reports the read */
        if ((aux & IR_CHECK_R) && !tlb_translate(v, va, MEM_READ, unprivileged, x, fault)) {
            return false;
        }
        return tlb_translate(v, va, MEM_WRITE, unprivileged, x, fault);
    }
    return tlb_translate(v, va, MEM_READ, unprivileged, x, fault);
}

/* Does the access, with every page translated, go to a device that refuses it or to nowhere? */
static bool watched(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, MemFault *fault) {
    if (v->frontend->watching(v->env)) {
        MemAccess access = aux & IR_CHECK_W ? MEM_WRITE : MEM_READ;
        if (v->frontend->watch_hit(v->env, ea, size, access) ||
            ((aux & IR_CHECK_RW) == IR_CHECK_RW && v->frontend->watch_hit(v->env, ea, size, MEM_READ))) {
            *fault = (MemFault){.kind = MEM_FAULT_WATCH, .access = access, .va = ea};
            return true;
        }
    }
    return false;
}

static bool misaligned(uint64_t ea, unsigned aux, MemFault *fault) {
    *fault = (MemFault){.kind = MEM_FAULT_ALIGN, .va = ea, .access = aux & IR_CHECK_W ? MEM_WRITE : MEM_READ};
    return ea & ((UINT64_C(1) << (aux >> IR_CHECK_ALIGN_SHIFT & 7)) - 1);
}

/* Translates every page of the access and looks what is there. */
static bool probe_all(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, MemXlat *x, MemFault *fault) {
    if (!probe(v, ea, aux, x, fault)) {
        return false;
    }
    unsigned in_page = PAGE_SIZE - (ea & (PAGE_SIZE - 1));
    if (size > in_page) {
        MemXlat second;
        if (!probe(v, ea + in_page, aux, &second, fault)) {
            return false;
        }
        x->device |= second.device;
    }
    /* Natural alignment of each part is what Device memory demands; parts are never larger than 8 bytes. */
    unsigned part = size > 8 ? 8 : size;
    if (x->device && (ea & ((part & -part) - 1) || aux & IR_CHECK_NO_DEVICE)) {
        misaligned(ea, aux, fault);
        return false;
    }
    return true;
}

bool ldst_probe(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, MemXlat *x, MemFault *fault) {
    return !misaligned(ea, aux, fault) && probe_all(v, ea, size, aux, x, fault) && !watched(v, ea, size, aux, fault);
}

/* The access is about to change code, or not: blocks made from there are dead. With Tcg.lock. */
static void code_written(Vcpu *v, uint64_t pa, unsigned size) {
    if (tb_store(v->tcg, pa, size, v->running)) {
        __atomic_store_n(&v->env->pending, -1, __ATOMIC_SEQ_CST); /* the running one too: leave it at the next poll */
    }
}

/* An atomic access to RAM that the fast path must not reach, because of code or watchpoints in its page: a load and a
 * store would not be atomic, so this access alone goes there directly. */
static void direct(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, const MemXlat *x, uint64_t *addend) {
    const PhysMap *phys = &v->tcg->config.phys;
    bool writable;
    uint8_t *page = phys->page(phys->opaque, x->pa, &writable);
    if (!page || ((aux & IR_CHECK_W) && !writable)) {
        return;
    }
    if (aux & IR_CHECK_W) {
        g_mutex_lock(&v->tcg->lock);
        code_written(v, x->pa, size);
        g_mutex_unlock(&v->tcg->lock);
    }
    *addend = (uint64_t)(uintptr_t)page - (ea & ~(uint64_t)(PAGE_SIZE - 1));
}

bool ldst_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    Vcpu *v = vcpu_of(env);
    IrTlbBank *bank = aux & IR_CHECK_UNPRIV ? &env->unpriv : &env->bank;
    MemFault fault;
    MemXlat x;

    if (misaligned(ea, aux, &fault)) { /* has priority over a translation fault */
        return raise_fault(v, &fault, aux);
    }
    const IrTlbEntry *e = tlb_entry(bank, ea);
    if ((!(aux & IR_CHECK_R) || (e->rtag ^ ea) <= PAGE_SIZE - size) &&
        (!(aux & IR_CHECK_W) || (e->wtag ^ ea) <= PAGE_SIZE - size)) {
        *addend = e->addend;
        return true;
    }
    if (!probe_all(v, ea, size, aux, &x, &fault)) {
        return raise_fault(v, &fault, aux);
    }
    if (v->tcg->debug.watches && debug_watch_hit(v, ea, size, aux)) {
        return false;
    }
    if (watched(v, ea, size, aux, &fault)) {
        return raise_fault(v, &fault, aux);
    }
    *addend = IR_ADDEND_SLOW;
    if ((ea & (PAGE_SIZE - 1)) + size <= PAGE_SIZE) {
        if (fill(v, ea, aux, &x) && (!(aux & IR_CHECK_W) || (tlb_entry(bank, ea)->wtag ^ ea) <= PAGE_SIZE - size)) {
            *addend = tlb_entry(bank, ea)->addend; /* the bank may have another table now */
        } else if (aux & IR_CHECK_ORDERED) {
            direct(v, ea, size, aux, &x, addend);
        }
    }
    return true;
}

/* One page's part of a slow access. */
static bool transfer(Vcpu *v, uint64_t va, uint64_t pa, unsigned size, uint8_t *bytes, bool write) {
    const PhysMap *phys = &v->tcg->config.phys;
    bool writable;
    uint8_t *page = phys->page(phys->opaque, pa, &writable);
    if (page && (!write || writable)) {
        uint8_t *at = page + (pa & (PAGE_SIZE - 1));
        if (!write) {
            ir_copy(bytes, at, size);
            return true;
        }
        g_mutex_lock(&v->tcg->lock);
        code_written(v, pa, size);
        ir_copy(at, bytes, size); /* with the lock: nobody translates what was there before */
        g_mutex_unlock(&v->tcg->lock);
        return true;
    }
    /* A device, or nothing: naturally aligned pieces. */
    for (unsigned done = 0; done < size;) {
        unsigned piece = 8;
        while (piece > size - done || ((pa + done) & (piece - 1))) {
            piece >>= 1;
        }
        uint64_t value = 0;
        if (write) {
            memcpy(&value, bytes + done, piece);
        }
        PhysResult r = write ? phys->write(phys->opaque, v->index, pa + done, piece, value)
                             : phys->read(phys->opaque, v->index, pa + done, piece, &value);
        if (v->verify) {
            verify_device(v, pa + done, piece, write, value, r != PHYS_OK);
        }
        if (r != PHYS_OK) {
            return raise_fault(v, &(MemFault){.kind = MEM_FAULT_BUS, .va = va + done,
                                              .access = write ? MEM_WRITE : MEM_READ}, 0);
        }
        if (!write) {
            memcpy(bytes + done, &value, piece);
        }
        done += piece;
    }
    return true;
}

/* A slow access of any size up to 64 bytes whose pages have been checked. */
static bool slow_access(Env *env, uint64_t ea, unsigned size, uint8_t *bytes, bool write) {
    Vcpu *v = vcpu_of(env);
    for (unsigned done = 0; done < size;) {
        MemXlat x;
        MemFault fault;
        uint64_t va = ea + done;
        unsigned piece = PAGE_SIZE - (va & (PAGE_SIZE - 1));
        if (piece > size - done) {
            piece = size - done;
        }
        if (!tlb_translate(v, va, write ? MEM_WRITE : MEM_READ, false, &x, &fault) &&
            !tlb_translate(v, va, write ? MEM_WRITE : MEM_READ, true, &x, &fault)) {
            return raise_fault(v, &fault, 0);
        }
        if (!transfer(v, va, x.pa, piece, bytes + done, write)) {
            return false;
        }
        done += piece;
    }
    return true;
}

static bool ldst_load(Env *env, uint64_t ea, unsigned size, IrVal *value) {
    memset(value, 0, sizeof *value);
    return slow_access(env, ea, size, value->b, false);
}

static bool ldst_store(Env *env, uint64_t ea, unsigned size, const IrVal *value) {
    return slow_access(env, ea, size, (uint8_t *)(uintptr_t)value->b, true);
}

static void ldst_misaligned(Env *env, uint64_t value) {
    Vcpu *v = vcpu_of(env);
    raise_fault(v, &(MemFault){.kind = MEM_FAULT_STACK, .va = value}, 0);
}

const IrMemOps ldst_ops = {.check = ldst_check, .load = ldst_load, .store = ldst_store, .misaligned = ldst_misaligned,
                           .use_bank = true};

/* A merged check that the TLB does not answer: fills it when the whole range is memory on one page. */
static bool check_merged(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend) {
    const IrTlbBank *bank = &v->env->bank;
    MemXlat x;
    MemFault fault;
    bool found = (ea & (PAGE_SIZE - 1)) + size <= PAGE_SIZE && probe(v, ea, aux, &x, &fault) && fill(v, ea, aux, &x) &&
                 (!(aux & IR_CHECK_R) || (tlb_entry(bank, ea)->rtag ^ ea) <= PAGE_SIZE - size) &&
                 (!(aux & IR_CHECK_W) || (tlb_entry(bank, ea)->wtag ^ ea) <= PAGE_SIZE - size);
    *addend = tlb_entry(bank, ea)->addend;
    return found;
}

unsigned ldst_slow(Env *env, uint64_t ea, uint32_t desc) {
    unsigned size = desc & 0xff, aux = desc >> 8 & 0xff;
    unsigned part = 1u << (desc >> HOST_SLOW_PART_SHIFT & 7);
    uint64_t addend;
    const Tcg *tcg = vcpu_of(env)->tcg;
    unsigned hint = desc >> HOST_SLOW_HINT_SHIFT & (2 * IR_PAGE_HINTS - 1);

    vcpu_of(env)->stats.tlb_slow++;
    if (env->second_hits < 0) {
        env->second_hits = SECOND_HITS - 1;
    }
    if (hint) {
        hint_missed(vcpu_of(env), hint - 1, desc >> HOST_SLOW_LOOK_SHIFT, ea, aux & IR_CHECK_W);
    }
    if (tcg->debug.watches && (debug_watches_page(tcg, ea) || debug_watches_page(tcg, ea + size - 1))) {
        env->exit_reason = IR_EXIT_SLOW; /* the interpreter checks each access by itself, not several at once */
        env->pc = env->pcbase + (int64_t)env->insn_off;
        return HOST_SLOW_LEAVE;
    }
    if (desc & HOST_SLOW_MERGED) {
        if (!check_merged(vcpu_of(env), ea, size, aux, &addend)) {
            hint_count_unmerged(vcpu_of(env));
            verify_unmerged(vcpu_of(env));
            env->exit_reason = IR_EXIT_SLOW;
            env->pc = env->pcbase + (int64_t)env->insn_off;
            return HOST_SLOW_LEAVE;
        }
    } else if (!ldst_check(env, ea, size, aux, &addend)) {
        env->exit_reason = IR_EXIT_FAULT;
        return HOST_SLOW_LEAVE;
    }
    if (addend != IR_ADDEND_SLOW) {
        env->scratch[3].u64 = addend;
        if (vcpu_of(env)->verify) {
            verify_slow(vcpu_of(env));
        }
        return HOST_SLOW_ADDEND;
    }
    if (!(desc & (HOST_SLOW_LOADS | HOST_SLOW_STORES)) || size > sizeof env->bounce || (aux & IR_CHECK_UNPRIV)) {
        env->exit_reason = IR_EXIT_SLOW;
        env->pc = env->pcbase + (int64_t)env->insn_off;
        return HOST_SLOW_LEAVE;
    }
    bool store = desc & HOST_SLOW_STORES;
    if (vcpu_of(env)->verify) {
        verify_slow(vcpu_of(env));
    }
    for (unsigned done = 0; done < size; done += part) {
        if (!slow_access(env, ea + done, part, env->bounce + done, store)) {
            env->exit_reason = IR_EXIT_FAULT;
            return HOST_SLOW_LEAVE;
        }
    }
    env->scratch[3].u64 = (uint64_t)(uintptr_t)env->bounce - ea;
    /* Stores too go on behind the check, into the bounce buffer: the code there may load registers that later insns
     * count on. */
    return HOST_SLOW_ADDEND;
}
