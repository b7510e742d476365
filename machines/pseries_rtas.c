/* SPDX-License-Identifier: MIT */
/*
 * pseries_rtas.c - RTAS, the run-time services of the platform, which the guest calls by a hypercall.
 * Spec: LoPAPR 1.1, 7 (RTAS).
 */
#include "devices/dma.h"
#include "machines/pseries.h"

enum { H_RTAS = 0xf000 };

static int32_t power(PseriesRtas *r, CpuPower action) {
    ppc_power(r->env, action);
    return RTAS_SUCCESS;
}

static int32_t power_off(PseriesRtas *r) {
    return power(r, CPU_POWER_OFF);
}

static int32_t reboot(PseriesRtas *r) {
    return power(r, CPU_POWER_RESET);
}

static const PseriesRtasRow power_rows[] = {
    { "power-off", 2, 1, power_off },
    { "system-reboot", 0, 1, reboot },
};
static const PseriesRtasTable power_calls = { power_rows, G_N_ELEMENTS(power_rows) };

/* -- finding them -- */

static const PseriesRtasTable *const tables[] = { &power_calls, &pseries_rtas_cpu, &pseries_rtas_irq,
                                                 &pseries_rtas_services, &pseries_rtas_pci };
enum { FIRST_TOKEN = 0x2000, TABLE_TOKENS = 0x40 }; /* a table has so many tokens to itself */

static const PseriesRtasRow *find(uint32_t token) {
    uint32_t n = token - FIRST_TOKEN, table = n / TABLE_TOKENS, row = n % TABLE_TOKENS;
    return table < G_N_ELEMENTS(tables) && row < tables[table]->count ? &tables[table]->rows[row] : NULL;
}

static int32_t answer(PseriesRtas *r, uint32_t token) {
    const PseriesRtasRow *row = find(token);
    if (!row) {
        log_line(&r->machine->log, LOG_UNIMP, "pseries: no RTAS call has the token 0x%x", token);
        return RTAS_HARDWARE;
    }
    if (r->inputs < row->inputs || r->outputs < row->outputs) {
        log_line(&r->machine->log, LOG_GUEST_ERROR, "pseries: RTAS call %s takes %u arguments and has %u results, not %u and %u",
                 row->name, row->inputs, row->outputs, r->inputs, r->outputs);
        return RTAS_PARAMETER;
    }
    return row->call(r);
}

static int64_t refuse(PseriesCall *c) {
    log_line(&c->machine->log, LOG_GUEST_ERROR,
             "pseries: the arguments of an RTAS call at 0x%" G_GINT64_MODIFIER "x are not in memory, or more than %d",
             pseries_arg(c, 0), RTAS_ARGS);
    return H_PARAMETER;
}

static int64_t h_rtas(PseriesCall *c) {
    uint32_t head[3];
    PseriesRtas r = { .machine = c->machine, .env = c->env, .cpu = c->cpu };
    uint64_t at = pseries_arg(c, 0);
    if (dma_read(c->machine->bus, at, head, sizeof head) != DMA_OK) {
        return refuse(c);
    }
    r.inputs = GUINT32_FROM_BE(head[1]);
    r.outputs = GUINT32_FROM_BE(head[2]);
    uint64_t in = at + sizeof head, out = in + 4 * (uint64_t)r.inputs;
    if (r.inputs > RTAS_ARGS || r.outputs > RTAS_ARGS ||
        dma_read(c->machine->bus, in, r.in, 4 * r.inputs) != DMA_OK) {
        return refuse(c);
    }
    for (uint32_t i = 0; i < r.inputs; i++) {
        r.in[i] = GUINT32_FROM_BE(r.in[i]);
    }
    r.out[0] = (uint32_t)answer(&r, GUINT32_FROM_BE(head[0]));
    for (uint32_t i = 0; i < r.outputs; i++) {
        r.out[i] = GUINT32_TO_BE(r.out[i]);
    }
    return dma_write(c->machine->bus, out, r.out, 4 * r.outputs) == DMA_OK ? H_SUCCESS : refuse(c);
}

static const PseriesCallRow rows[] = { { H_RTAS, h_rtas } };
const PseriesCallTable pseries_calls_rtas = { rows, G_N_ELEMENTS(rows) };

void pseries_describe_rtas(DevTree *tree) {
    devtree_node(tree, "/rtas");
    devtree_strings(tree, "/rtas", "ibm,hypertas-functions",
                    "hcall-pft\0hcall-bulk\0hcall-term\0hcall-interrupt\0hcall-vio\0hcall-pci\0hcall-tce\0hcall-multi-tce\0"
                    "hcall-splpar\0hcall-join\0hcall-set-mode\0");
    DEVTREE_CELLS(tree, "/rtas", "rtas-size", PSERIES_RTAS_SIZE);
    DEVTREE_CELLS(tree, "/rtas", "rtas-error-log-max", 2048);
    DEVTREE_CELLS(tree, "/rtas", "rtas-event-scan-rate", 20);
    DEVTREE_CELLS(tree, "/rtas", "rtas-display-device", 0);
    devtree_flag(tree, "/rtas", "ibm,extended-os-term");
    for (uint32_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        for (uint32_t i = 0; i < tables[t]->count; i++) {
            DEVTREE_CELLS(tree, "/rtas", tables[t]->rows[i].name, FIRST_TOKEN + t * TABLE_TOKENS + i);
        }
    }
}
