/* SPDX-License-Identifier: MIT */
/*
 * pseries_hcall.c - hypercalls: finding them, and those of the terminal and of the CPU itself.
 * Spec: LoPAPR 1.1, 14 (hypercalls), 16.1 (vty).
 * Missing: H_REGISTER_VPA, H_CONFER and H_PROD do nothing; interrupts of devices (XICS and XIVE).
 */
#include "machines/pseries.h"

enum {
    H_GET_TERM_CHAR = 0x54, H_PUT_TERM_CHAR = 0x58, H_EOI = 0x64, H_CPPR = 0x68, H_IPI = 0x6c, H_XIRR = 0x74,
    H_REGISTER_VPA = 0xdc, H_CEDE = 0xe0, H_CONFER = 0xe4, H_PROD = 0xe8, H_SET_MODE = 0x31c,
    MODE_AIL = 3, MODE_LE = 4, /* resources of H_SET_MODE */
};

/* -- terminal -- */

static uint64_t word_of(const uint8_t *bytes) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | bytes[i];
    }
    return v;
}

static int64_t put_term_char(PseriesCall *c) {
    uint8_t bytes[SPAPR_VTY_PIECE];
    Device *vty = machine_device(c->machine, "vty");
    if (pseries_arg(c, 0) != PSERIES_VTY_UNIT || pseries_arg(c, 1) > SPAPR_VTY_PIECE) {
        return H_PARAMETER;
    }
    for (unsigned i = 0; i < SPAPR_VTY_PIECE; i++) {
        bytes[i] = (uint8_t)(pseries_arg(c, 2 + i / 8) >> (56 - 8 * (i % 8)));
    }
    return spapr_vty_put(vty, bytes, (unsigned)pseries_arg(c, 1)) ? H_SUCCESS : H_BUSY;
}

static int64_t get_term_char(PseriesCall *c) {
    uint8_t bytes[SPAPR_VTY_PIECE] = {0};
    if (pseries_arg(c, 0) != PSERIES_VTY_UNIT) {
        return H_PARAMETER;
    }
    pseries_result(c, 0, spapr_vty_get(machine_device(c->machine, "vty"), bytes));
    pseries_result(c, 1, word_of(bytes));
    pseries_result(c, 2, word_of(bytes + 8));
    return H_SUCCESS;
}

/* -- interrupts: the presentation controller of one CPU without sources -- */

static int64_t nothing(PseriesCall *c) {
    return H_SUCCESS;
}

static int64_t xirr(PseriesCall *c) {
    pseries_result(c, 0, 0); /* spurious */
    return H_SUCCESS;
}

/* -- CPU -- */

static int64_t cede(PseriesCall *c) {
    ppc_cede(c->env);
    return H_SUCCESS;
}

static int64_t set_mode(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0);
    switch (pseries_arg(c, 1)) {
    case MODE_LE:
        if (flags > 1) {
            return H_UNSUPPORTED_FLAG;
        }
        ppc_set_interrupt_order(c->env, flags);
        return H_SUCCESS;
    case MODE_AIL:
        if (flags > 3 || flags == 1) {
            return H_UNSUPPORTED_FLAG;
        }
        ppc_set_interrupt_location(c->env, (unsigned)flags);
        return H_SUCCESS;
    default:
        return H_P2;
    }
}

static const PseriesCallRow rows[] = {
    { H_GET_TERM_CHAR, get_term_char }, { H_PUT_TERM_CHAR, put_term_char }, { H_CEDE, cede }, { H_SET_MODE, set_mode },
    { H_CPPR, nothing }, { H_EOI, nothing }, { H_IPI, nothing }, { H_XIRR, xirr }, { H_REGISTER_VPA, nothing },
    { H_CONFER, nothing }, { H_PROD, nothing },
};
const PseriesCallTable pseries_calls_cpu = { rows, G_N_ELEMENTS(rows) };

/* -- finding them -- */

static const PseriesCallRow *find(uint64_t number) {
    static const PseriesCallTable *const tables[] = { &pseries_calls_mmu, &pseries_calls_cpu, &pseries_calls_rtas };
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
    ppc_set_gpr(c.env, 3, (uint64_t)(row ? row->call(&c) : H_FUNCTION));
    return true;
}
