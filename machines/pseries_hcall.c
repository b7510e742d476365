/* SPDX-License-Identifier: MIT */
/*
 * pseries_hcall.c - hypercalls: finding them, those of the terminal, and those that reach physical addresses.
 * Spec: LoPAPR 1.1, 14 (hypercalls), 16.1 (vty).
 * Missing: H_LOGICAL_* reach memory and devices, but caches are not there to be maintained.
 */
#include "devices/dma.h"
#include "machines/pseries.h"

enum {
    H_LOGICAL_CI_LOAD = 0x3c, H_LOGICAL_CI_STORE = 0x40, H_LOGICAL_CACHE_LOAD = 0x44, H_LOGICAL_CACHE_STORE = 0x48,
    H_LOGICAL_ICBI = 0x4c, H_LOGICAL_DCBF = 0x50, H_GET_TERM_CHAR = 0x54, H_PUT_TERM_CHAR = 0x58,
    H_LOGICAL_MEMOP = 0xf001,
};

/* -- terminal -- */

static uint64_t word_of(const uint8_t *bytes) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | bytes[i];
    }
    return v;
}

/* 0 is whatever terminal is the console. */
static bool is_vty(uint64_t unit) {
    return unit == 0 || unit == PSERIES_VTY_UNIT;
}

static int64_t put_term_char(PseriesCall *c) {
    uint8_t bytes[SPAPR_VTY_PIECE];
    Device *vty = machine_device(c->machine, "vty");
    if (!is_vty(pseries_arg(c, 0)) || pseries_arg(c, 1) > SPAPR_VTY_PIECE) {
        return H_PARAMETER;
    }
    for (unsigned i = 0; i < SPAPR_VTY_PIECE; i++) {
        bytes[i] = (uint8_t)(pseries_arg(c, 2 + i / 8) >> (56 - 8 * (i % 8)));
    }
    return spapr_vty_put(vty, bytes, (unsigned)pseries_arg(c, 1)) ? H_SUCCESS : H_BUSY;
}

static int64_t get_term_char(PseriesCall *c) {
    uint8_t bytes[SPAPR_VTY_PIECE] = {0};
    if (!is_vty(pseries_arg(c, 0))) {
        return H_PARAMETER;
    }
    pseries_result(c, 0, spapr_vty_get(machine_device(c->machine, "vty"), bytes));
    pseries_result(c, 1, word_of(bytes));
    pseries_result(c, 2, word_of(bytes + 8));
    return H_SUCCESS;
}

/* -- physical addresses -- */

static bool is_size(uint64_t size) {
    return size == 1 || size == 2 || size == 4 || size == 8;
}

static uint64_t big_endian(uint64_t v, unsigned size) {
    return __builtin_bswap64(v) >> (64 - 8 * size);
}

/* Memory or devices, in the byte order of this machine's devices, which is the big one. */
static bool load(PseriesCall *c, uint64_t at, unsigned size, uint64_t *v) {
    BusAccess access = { .gpa = at, .size = size, .cpu = c->cpu };
    bool ok = at % size == 0 && bus_read(c->machine->bus, access, v) == BUS_OK;
    *v = big_endian(*v, size);
    return ok;
}

static bool store(PseriesCall *c, uint64_t at, unsigned size, uint64_t v) {
    uint64_t bytes = big_endian(v, size);
    BusAccess access = { .gpa = at, .size = size, .cpu = c->cpu };
    return at % size == 0 && (dma_write(c->machine->bus, at, &bytes, size) == DMA_OK ||
                              bus_write(c->machine->bus, access, bytes) == BUS_OK);
}

static int64_t logical_load(PseriesCall *c) {
    uint64_t size = pseries_arg(c, 0), v = 0;
    if (!is_size(size) || !load(c, pseries_arg(c, 1), (unsigned)size, &v)) {
        return H_PARAMETER;
    }
    pseries_result(c, 0, v);
    return H_SUCCESS;
}

static int64_t logical_store(PseriesCall *c) {
    uint64_t size = pseries_arg(c, 0);
    return is_size(size) && store(c, pseries_arg(c, 1), (unsigned)size, pseries_arg(c, 2)) ? H_SUCCESS : H_PARAMETER;
}

static int64_t cache_line(PseriesCall *c) {
    return H_SUCCESS;
}

/* From, to, log2 of the element, how many; 1 in the last: the bits are inverted. */
static int64_t logical_memop(PseriesCall *c) {
    enum { INVERT = 1, MOST = 1 << 20 };
    uint64_t to = pseries_arg(c, 0), from = pseries_arg(c, 1), shift = pseries_arg(c, 2), count = pseries_arg(c, 3);
    uint64_t op = pseries_arg(c, 4);
    if (shift > 3 || op > INVERT || count > MOST || (to | from) & ((1u << shift) - 1)) {
        return H_PARAMETER;
    }
    unsigned size = 1u << shift;
    bool down = from < to && to < from + count * size;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = (down ? count - 1 - i : i) * size, v = 0;
        if (!load(c, from + at, size, &v) || !store(c, to + at, size, op == INVERT ? ~v : v)) {
            return H_PARAMETER;
        }
    }
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_GET_TERM_CHAR, get_term_char }, { H_PUT_TERM_CHAR, put_term_char },
    { H_LOGICAL_CI_LOAD, logical_load }, { H_LOGICAL_CI_STORE, logical_store },
    { H_LOGICAL_CACHE_LOAD, logical_load }, { H_LOGICAL_CACHE_STORE, logical_store },
    { H_LOGICAL_ICBI, cache_line }, { H_LOGICAL_DCBF, cache_line }, { H_LOGICAL_MEMOP, logical_memop },
};
const PseriesCallTable pseries_calls_base = { rows, G_N_ELEMENTS(rows) };

/* -- finding them -- */

static const PseriesCallRow *find(uint64_t number) {
    static const PseriesCallTable *const tables[] = { &pseries_calls_mmu, &pseries_calls_hpt, &pseries_calls_cpu,
                                                      &pseries_calls_irq,
                                                      &pseries_calls_xive, &pseries_calls_base, &pseries_calls_rtas,
                                                      &pseries_calls_client, &pseries_calls_pci };
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        for (unsigned i = 0; i < tables[t]->count; i++) {
            if (tables[t]->rows[i].number == number) {
                return &tables[t]->rows[i];
            }
        }
    }
    return NULL;
}

bool pseries_hypercall(Machine *m, unsigned cpu) {
    PseriesCall c = { m, vcpu_env(g_ptr_array_index(m->vcpus, cpu)), cpu };
    uint64_t number = ppc_gpr(c.env, 3);
    const PseriesCallRow *row = find(number);
    if (!row) {
        log_line(&m->log, LOG_UNIMP, "pseries: no hypercall 0x%" G_GINT64_MODIFIER "x", number);
    }
    int64_t status = row ? row->call(&c) : H_FUNCTION;
    if (status == H_PARAMETER) {
        log_line(&m->log, LOG_GUEST_ERROR,
                 "pseries: hypercall 0x%" G_GINT64_MODIFIER "x refuses its arguments", number);
    }
    ppc_set_gpr(c.env, 3, (uint64_t)status);
    return true;
}
