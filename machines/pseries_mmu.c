/* SPDX-License-Identifier: MIT */
/*
 * pseries_mmu.c - translation of a partition: which kind it has, its device-tree properties, the process table.
 * Spec: LoPAPR 1.1, 14.5 (hypercalls about page frame tables), C.6 (CPU properties); Power ISA 3.0B Book III, 5.7.6.
 * There is always a hash table; a partition of a CPU with radix uses it until it registers tables of processes.
 * Missing: H_RESIZE_HPT_PREPARE and _COMMIT.
 */
#include <string.h>

#include "frontend/ppc/mmu_hash.h"
#include "machines/pseries.h"

enum {
    H_REGISTER_PROC_TBL = 0x37c,
    PROC_TBL_RADIX = 4, PROC_TBL_NEW = 0x18, PROC_TBL_DEREGISTER = 0x10, PROC_TBL_FLAGS = 0x1f,
};

bool pseries_power8(const Machine *m) {
    return strcmp(m->cpu, "power8") == 0;
}

/* flags, base, page size (of hash tables), log2 of the size - 12. Without the new flags the table goes; only radix has
 * tables of processes. */
static int64_t register_process_table(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0), base = pseries_arg(c, 1), size = pseries_arg(c, 3);
    bool deregister = (flags & PROC_TBL_NEW) == PROC_TBL_DEREGISTER;
    if (flags & ~(uint64_t)PROC_TBL_FLAGS || pseries_power8(c->machine)) {
        return H_PARAMETER;
    }
    if (deregister || ((flags & PROC_TBL_NEW) == 0 && !(flags & PROC_TBL_RADIX))) {
        ppc_set_process_table(c->env, 0, 0);
        pseries_share(c);
        return H_SUCCESS;
    }
    if (!(flags & PROC_TBL_RADIX) || (flags & PROC_TBL_NEW) != PROC_TBL_NEW || base % 4096 || base >> 60 || size > 24) {
        log_line(&c->machine->log, LOG_GUEST_ERROR, "pseries: a process table at 0x%" G_GINT64_MODIFIER "x, flags 0x%"
                 G_GINT64_MODIFIER "x, size 2^(12 + %" G_GUINT64_FORMAT ") cannot be used", base, flags, size);
        return H_PARAMETER;
    }
    ppc_set_process_table(c->env, base, (unsigned)size);
    pseries_share(c);
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_REGISTER_PROC_TBL, register_process_table },
};
const PseriesCallTable pseries_calls_mmu = { rows, G_N_ELEMENTS(rows) };

/* -- the table -- */

/* One byte for 128 of memory. */
void pseries_hpt_config(const Machine *m, unsigned index, DeviceConfig *config) {
    unsigned bits = SPAPR_HPT_BITS_MIN;
    while (bits < SPAPR_HPT_BITS_MAX && UINT64_C(1) << bits < m->ram_size / 128) {
        bits++;
    }
    config->spapr_hpt = (SpaprHptConfig){ .bits = bits, .notes = PPC_SEEN_WORDS };
}

void pseries_connect_mmu(Machine *m) {
    Device *hpt = machine_device(m, "hpt");
    unsigned bits;
    uint64_t *table = spapr_hpt_table(hpt, &bits);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        ppc_set_hash_table(vcpu_env(g_ptr_array_index(m->vcpus, i)), table, bits, spapr_hpt_notes(hpt));
    }
}

/* -- the device tree -- */

static void append(GArray *cells, uint32_t value) {
    uint32_t big = GUINT32_TO_BE(value);
    g_array_append_val(cells, big);
}

/* For each base page size: log2, how SLB entries name it, how many actual sizes; log2 and code of each. */
static void describe_page_sizes(DevTree *tree, const char *node) {
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    PpcPageSize sizes[PPC_PAGE_SIZES_MAX];
    unsigned count;
    for (unsigned row = 0; (count = ppc_hash_sizes(row, sizes)) != 0; row++) {
        append(cells, sizes[0].base);
        append(cells, sizes[0].slb);
        append(cells, count);
        for (unsigned i = 0; i < count; i++) {
            append(cells, sizes[i].bits);
            append(cells, sizes[i].code);
        }
    }
    devtree_bytes(tree, node, "ibm,segment-page-sizes", cells->data, cells->len * sizeof(uint32_t));
}

void pseries_describe_mmu(const Machine *m, DevTree *tree, const char *node) {
    unsigned bits;
    spapr_hpt_table(machine_device(m, "hpt"), &bits);
    DEVTREE_CELLS(tree, node, "ibm,pft-size", 0, bits);
    DEVTREE_CELLS(tree, node, "ibm,slb-size", 32);
    DEVTREE_CELLS(tree, node, "slb-size", 32);
    DEVTREE_CELLS(tree, node, "ibm,processor-segment-sizes", 28, 40, UINT32_MAX, UINT32_MAX);
    describe_page_sizes(tree, node);
    if (!pseries_power8(m)) {
        DEVTREE_CELLS(tree, node, "ibm,processor-radix-AP-encodings", 12, 0xa0000000 | 16, 0x20000000 | 21, 0x40000000 | 30);
    }
}
