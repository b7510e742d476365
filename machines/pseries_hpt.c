/* SPDX-License-Identifier: MIT */
/*
 * pseries_hpt.c - hypercalls that change the partition's hash table.
 * Spec: LoPAPR 1.1, 14.5.4.1 (H_ENTER, H_REMOVE, H_READ, H_PROTECT, H_CLEAR_MOD, H_CLEAR_REF, H_BULK_REMOVE).
 * Locking: the table's device lock around each call. V goes first, then what CPUs have cached, then the rest.
 * Missing: other CPUs may set R and C of an entry until the call's end, which H_REMOVE and its kind do not tell.
 */
#include "devices/dma.h"
#include "frontend/ppc/mmu_hash.h"
#include "machines/pseries.h"

enum {
    H_REMOVE = 0x04, H_ENTER = 0x08, H_READ = 0x0c, H_CLEAR_MOD = 0x10, H_CLEAR_REF = 0x14, H_PROTECT = 0x18,
    H_BULK_REMOVE = 0x124,
};

/* Flags, numbered from the left in the specification. */
#define FLAG(bit) (UINT64_C(1) << (63 - (bit)))
#define FLAG_EXACT FLAG(24)
#define FLAG_READ_4 FLAG(26)
#define FLAG_AVPN FLAG(32)
#define FLAG_ANDCOND FLAG(33)
#define FLAG_ICACHE (FLAG(40) | FLAG(41))
#define FLAG_ZERO_PAGE FLAG(48)
#define FLAG_COPY_PAGE FLAG(49)
/* Bits of entries that are the hypervisor's or reserved. */
#define FIRST_RESERVED UINT64_C(0x60)

typedef struct Table {
    Device *device;
    uint64_t *entries, count;
} Table;

/* Locks it. */
static Table open_table(const PseriesCall *c) {
    unsigned bits;
    Table t = { .device = machine_device(c->machine, "hpt") };
    t.entries = spapr_hpt_table(t.device, &bits);
    t.count = UINT64_C(1) << (bits - 4);
    device_lock(t.device);
    return t;
}

static uint64_t get(const Table *t, uint64_t index, unsigned word) {
    return __atomic_load_n(&t->entries[index * 2 + word], __ATOMIC_SEQ_CST);
}

static void set(const Table *t, uint64_t index, unsigned word, uint64_t value) {
    __atomic_store_n(&t->entries[index * 2 + word], value, __ATOMIC_SEQ_CST);
}

static int64_t bad(const PseriesCall *c, const char *call, uint64_t index, const char *why) {
    log_line(&c->machine->log, LOG_GUEST_ERROR, "pseries: %s of entry %" G_GUINT64_FORMAT ": %s", call, index, why);
    return H_PARAMETER;
}

/* V goes, and with it whatever CPUs know of the entry. Returns R and C as they are behind that. */
static uint64_t invalidate(const PseriesCall *c, const Table *t, uint64_t index, uint64_t v, uint64_t r) {
    set(t, index, 0, v & ~(uint64_t)PPC_HPTE_VALID);
    ppc_hash_forget(c->env, index, v, r, true);
    return get(t, index, 1);
}

/* -- H_ENTER -- */

static const char *unfit(const PseriesCall *c, uint64_t v, uint64_t r) {
    unsigned base, bits = ppc_hash_page_bits(v, r, &base), attributes = r & (PPC_HPTE_W | PPC_HPTE_I | PPC_HPTE_M);
    uint64_t size = UINT64_C(1) << bits, pa = r & PPC_HPTE_RPN & ~(size - 1);
    if (!bits) {
        return "there is no such page size";
    }
    bool ram = pa < c->machine->ram_size;
    if (ram && (pa + size > c->machine->ram_size || (attributes & PPC_HPTE_I && attributes != (PPC_HPTE_W | PPC_HPTE_I | PPC_HPTE_M)))) {
        return "memory ends inside the page, or is to be accessed past caches";
    }
    return !ram && !(attributes & PPC_HPTE_I) ? "there is no memory" : NULL;
}

static void prepare_page(const PseriesCall *c, uint64_t flags, uint64_t r, uint64_t size, uint64_t from) {
    uint8_t page[4096] = { 0 };
    uint64_t pa = r & PPC_HPTE_RPN & ~(size - 1);
    for (uint64_t at = 0; at < size && flags & (FLAG_ZERO_PAGE | FLAG_COPY_PAGE); at += sizeof page) {
        if (flags & FLAG_COPY_PAGE && dma_read(c->machine->bus, from + at, page, sizeof page) != DMA_OK) {
            return;
        }
        dma_write(c->machine->bus, pa + at, page, sizeof page);
    }
}

/* Looks for a free entry in the group of *index. */
static bool find_free(const Table *t, uint64_t flags, uint64_t *index) {
    if (flags & FLAG_EXACT) {
        return !(get(t, *index, 0) & PPC_HPTE_VALID);
    }
    for (uint64_t i = *index & ~UINT64_C(7); i <= (*index | 7); i++) {
        if (!(get(t, i, 0) & PPC_HPTE_VALID)) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* flags, index, entry [, page to copy]; gives the index */
static int64_t enter(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0), index = pseries_arg(c, 1), v = pseries_arg(c, 2) & ~FIRST_RESERVED, r = pseries_arg(c, 3);
    Table t = open_table(c);
    unsigned base;
    int64_t status = H_SUCCESS;
    const char *why = index >= t.count ? "there is no such entry" : unfit(c, v, r);
    if (why) {
        status = bad(c, "H_ENTER", index, why);
    } else if (!find_free(&t, flags, &index)) {
        status = H_PTEG_FULL;
    } else {
        prepare_page(c, flags, r, UINT64_C(1) << ppc_hash_page_bits(v, r, &base), pseries_arg(c, 4));
        set(&t, index, 1, r);
        set(&t, index, 0, v | PPC_HPTE_VALID);
        pseries_result(c, 0, index);
    }
    device_unlock(t.device);
    return status;
}

/* -- removing -- */

/* Is the entry valid, and the one that is meant? */
static bool is_meant(const Table *t, uint64_t index, uint64_t flags, uint64_t avpn) {
    uint64_t v = get(t, index, 0);
    return v & PPC_HPTE_VALID && !(flags & FLAG_AVPN && (v & ~UINT64_C(0x7f)) != avpn) && !(flags & FLAG_ANDCOND && v & avpn);
}

static int64_t remove_entry(PseriesCall *c, const Table *t, uint64_t flags, uint64_t index, uint64_t avpn, uint64_t old[2]) {
    if (index >= t->count) {
        return bad(c, "H_REMOVE", index, "there is no such entry");
    }
    if (!is_meant(t, index, flags, avpn)) {
        return H_NOT_FOUND;
    }
    old[0] = get(t, index, 0);
    old[1] = invalidate(c, t, index, old[0], get(t, index, 1));
    set(t, index, 0, 0);
    set(t, index, 1, 0);
    return H_SUCCESS;
}

/* flags, index, AVPN; gives the entry */
static int64_t remove_one(PseriesCall *c) {
    uint64_t old[2];
    Table t = open_table(c);
    int64_t status = remove_entry(c, &t, pseries_arg(c, 0), pseries_arg(c, 1), pseries_arg(c, 2), old);
    device_unlock(t.device);
    if (status == H_SUCCESS) {
        pseries_result(c, 0, old[0]);
        pseries_result(c, 1, old[1]);
    }
    return status;
}

/* Four pairs: what to do and with which entry, AVPN; the first word is answered. */
static int64_t remove_bulk(PseriesCall *c) {
    enum { PAIRS = 4, REQUEST = 1, RESPONSE = 2, END = 3, ANDCOND = 1, AVPN = 2, NOT_FOUND = 1, PARAMETER = 2 };
    const uint64_t index_mask = UINT64_MAX >> 8;
    int64_t status = H_SUCCESS;
    Table t = open_table(c);
    for (unsigned i = 0; i < PAIRS && status == H_SUCCESS; i++) {
        uint64_t what = pseries_arg(c, 2 * i), index = what & index_mask, old[2] = { 0, 0 };
        unsigned type = (unsigned)(what >> 62), how = what >> 56 & 3;
        if (type == END) {
            break;
        }
        if (type != REQUEST || how == (ANDCOND | AVPN)) {
            status = bad(c, "H_BULK_REMOVE", index, "a request is not one");
            break;
        }
        uint64_t flags = how == ANDCOND ? FLAG_ANDCOND : how == AVPN ? FLAG_AVPN : 0;
        status = remove_entry(c, &t, flags, index, pseries_arg(c, 2 * i + 1), old);
        uint64_t code = status == H_PARAMETER ? PARAMETER : status == H_NOT_FOUND ? NOT_FOUND : 0;
        status = status == H_NOT_FOUND ? H_SUCCESS : status;
        pseries_result(c, 2 * i, (uint64_t)RESPONSE << 62 | code << 60 | (old[1] & (PPC_HPTE_R | PPC_HPTE_C)) << 51 |
                                     (uint64_t)how << 56 | index);
    }
    device_unlock(t.device);
    return status;
}

/* -- changing and reading -- */

/* flags with the new protection, index, AVPN */
static int64_t protect(PseriesCall *c) {
    const uint64_t low = PPC_HPTE_PP | PPC_HPTE_N | PPC_HPTE_KEY_LOW, changed = low | PPC_HPTE_PP0 | PPC_HPTE_KEY_HIGH;
    uint64_t flags = pseries_arg(c, 0), index = pseries_arg(c, 1);
    Table t = open_table(c);
    int64_t status = H_SUCCESS;
    if (index >= t.count) {
        status = bad(c, "H_PROTECT", index, "there is no such entry");
    } else if (!is_meant(&t, index, flags, pseries_arg(c, 2))) {
        status = H_NOT_FOUND;
    } else {
        uint64_t v = get(&t, index, 0), r = invalidate(c, &t, index, v, get(&t, index, 1));
        r = (r & ~changed) | (flags << 55 & PPC_HPTE_PP0) | (flags << 48 & PPC_HPTE_KEY_HIGH) | (flags & low);
        set(&t, index, 1, r);
        set(&t, index, 0, v);
    }
    device_unlock(t.device);
    return status;
}

/* Gives the second word as it was. */
static int64_t clear(PseriesCall *c, const char *name, uint64_t bit) {
    uint64_t index = pseries_arg(c, 1);
    Table t = open_table(c);
    int64_t status = H_SUCCESS;
    if (index >= t.count) {
        status = bad(c, name, index, "there is no such entry");
    } else if (!(get(&t, index, 0) & PPC_HPTE_VALID)) {
        status = H_NOT_FOUND;
    } else {
        uint64_t v = get(&t, index, 0), r = invalidate(c, &t, index, v, get(&t, index, 1));
        set(&t, index, 1, r & ~bit);
        set(&t, index, 0, v);
        pseries_result(c, 0, r);
    }
    device_unlock(t.device);
    return status;
}

static int64_t clear_ref(PseriesCall *c) {
    return clear(c, "H_CLEAR_REF", PPC_HPTE_R);
}

static int64_t clear_mod(PseriesCall *c) {
    return clear(c, "H_CLEAR_MOD", PPC_HPTE_C);
}

/* flags, index; gives one entry or a half group */
static int64_t read_entries(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0), index = pseries_arg(c, 1);
    unsigned n = flags & FLAG_READ_4 ? 4 : 1;
    Table t = open_table(c);
    int64_t status = index < t.count ? H_SUCCESS : bad(c, "H_READ", index, "there is no such entry");
    for (unsigned i = 0; i < n && status == H_SUCCESS; i++) {
        uint64_t at = (index & ~(uint64_t)(n - 1)) + i;
        pseries_result(c, 2 * i, get(&t, at, 0));
        pseries_result(c, 2 * i + 1, get(&t, at, 1));
    }
    device_unlock(t.device);
    return status;
}

static const PseriesCallRow rows[] = {
    { H_ENTER, enter }, { H_REMOVE, remove_one }, { H_BULK_REMOVE, remove_bulk }, { H_PROTECT, protect },
    { H_READ, read_entries }, { H_CLEAR_REF, clear_ref }, { H_CLEAR_MOD, clear_mod },
};
const PseriesCallTable pseries_calls_hpt = { rows, G_N_ELEMENTS(rows) };
