/* SPDX-License-Identifier: MIT */
/*
 * pseries_rtas.c - RTAS, the run-time services of the platform, which the guest calls by a hypercall.
 * Spec: LoPAPR 1.1, 7 (RTAS).
 * Missing: RTAS's own code in memory; all calls but power-off and system-reboot.
 */
#include "devices/dma.h"
#include "machines/pseries.h"

enum {
    H_RTAS = 0xf000, RTAS_ARGS = 16, RTAS_SUCCESS = 0, RTAS_UNKNOWN = -1, RTAS_PARAMETER = -3,
};

/* -- RTAS: numbers in memory, big-endian words: token, arguments, results -- */

typedef struct Rtas {
    Machine *machine;
    Env *env;
    uint32_t inputs, outputs, in[RTAS_ARGS], out[RTAS_ARGS];
} Rtas;

static int32_t power(Rtas *r, CpuPower action) {
    ppc_power(r->env, action);
    return RTAS_SUCCESS;
}

static int32_t power_off(Rtas *r) {
    return power(r, CPU_POWER_OFF);
}

static int32_t reboot(Rtas *r) {
    return power(r, CPU_POWER_RESET);
}

static const struct {
    const char *name;
    uint32_t inputs, outputs;
    int32_t (*call)(Rtas *r);
} rtas_calls[] = {
    { "power-off", 2, 1, power_off },
    { "system-reboot", 0, 1, reboot },
};
enum { RTAS_FIRST_TOKEN = 0x2000 };

static int32_t rtas(Rtas *r, uint32_t token) {
    uint32_t n = token - RTAS_FIRST_TOKEN;
    if (n >= G_N_ELEMENTS(rtas_calls)) {
        log_line(&r->machine->log, LOG_UNIMP, "pseries: no RTAS call has the token 0x%x", token);
        return RTAS_UNKNOWN;
    }
    if (r->inputs != rtas_calls[n].inputs || r->outputs != rtas_calls[n].outputs) {
        return RTAS_PARAMETER;
    }
    return rtas_calls[n].call(r);
}

static int64_t h_rtas(PseriesCall *c) {
    uint32_t head[3];
    Rtas r = { .machine = c->machine, .env = c->env };
    uint64_t at = pseries_arg(c, 0);
    if (dma_read(c->machine->bus, at, head, sizeof head) != DMA_OK) {
        return H_PARAMETER;
    }
    r.inputs = GUINT32_FROM_BE(head[1]);
    r.outputs = GUINT32_FROM_BE(head[2]);
    uint64_t in = at + sizeof head, out = in + 4 * (uint64_t)r.inputs;
    if (r.inputs > RTAS_ARGS || r.outputs > RTAS_ARGS || r.outputs == 0 ||
        dma_read(c->machine->bus, in, r.in, 4 * r.inputs) != DMA_OK) {
        return H_PARAMETER;
    }
    for (uint32_t i = 0; i < r.inputs; i++) {
        r.in[i] = GUINT32_FROM_BE(r.in[i]);
    }
    r.out[0] = (uint32_t)rtas(&r, GUINT32_FROM_BE(head[0]));
    for (uint32_t i = 0; i < r.outputs; i++) {
        r.out[i] = GUINT32_TO_BE(r.out[i]);
    }
    return dma_write(c->machine->bus, out, r.out, 4 * r.outputs) == DMA_OK ? H_SUCCESS : H_PARAMETER;
}

static const PseriesCallRow rows[] = { { H_RTAS, h_rtas } };
const PseriesCallTable pseries_calls_rtas = { rows, G_N_ELEMENTS(rows) };

void pseries_describe_rtas(DevTree *tree) {
    devtree_node(tree, "/rtas");
    devtree_strings(tree, "/rtas", "ibm,hypertas-functions",
                    "hcall-term\0hcall-interrupt\0hcall-vio\0hcall-set-mode\0");
    for (uint32_t i = 0; i < G_N_ELEMENTS(rtas_calls); i++) {
        DEVTREE_CELLS(tree, "/rtas", rtas_calls[i].name, RTAS_FIRST_TOKEN + i);
    }
}
