/* SPDX-License-Identifier: MIT */
/*
 * pseries_cpu.c - CPUs of the machine pseries: waiting, waking each other, areas they register, modes, starting, stopping.
 * Spec: LoPAPR 1.1, 14.11 (H_CEDE, H_CONFER, H_PROD, H_REGISTER_VPA), 14.5.4 (H_SET_MODE), 7.3.8 (RTAS start-cpu ...).
 * CPUs are dedicated: virtual processor areas are kept and not written to. Missing: H_JOIN waits like H_CEDE.
 */
#include "devices/dma.h"
#include "machines/pseries.h"

enum {
    H_SET_DABR = 0x28, H_REGISTER_VPA = 0xdc, H_CEDE = 0xe0, H_CONFER = 0xe4, H_PROD = 0xe8, H_SET_XDABR = 0x134, H_GET_CPU_CHARACTERISTICS = 0x1c8, H_JOIN = 0x298,
    H_RANDOM = 0x300, H_SET_MODE = 0x31c,
    MODE_CIABR = 1, MODE_DAWR = 2, MODE_AIL = 3, MODE_LE = 4, /* resources of H_SET_MODE */
    VPA_FUNCTION_SHIFT = 45,
    VPA_SIZE = 640, SLB_SHADOW_LEAST = 8, DISPATCH_LOG_LEAST = 48,
};

static Vcpu *vcpu_of(const Machine *m, uint64_t cpu) {
    return cpu < m->cpus ? g_ptr_array_index(m->vcpus, (guint)cpu) : NULL;
}

/* -- waiting -- */

static int64_t cede(PseriesCall *c) {
    ppc_cede(c->env);
    return H_SUCCESS;
}

static int64_t prod(PseriesCall *c) {
    Vcpu *to = vcpu_of(c->machine, pseries_arg(c, 0));
    if (!to) {
        return H_PARAMETER;
    }
    ppc_prod(vcpu_env(to));
    vcpu_kick(to);
    return H_SUCCESS;
}

/* To a CPU, itself (as H_CEDE without letting interrupts in) or all. */
static int64_t confer(PseriesCall *c) {
    int64_t to = (int64_t)pseries_arg(c, 0);
    if (to != -1 && !vcpu_of(c->machine, (uint64_t)to)) {
        return H_PARAMETER;
    }
    ppc_yield(c->env);
    return H_SUCCESS;
}

/* -- threads -- */

unsigned pseries_threads(const Machine *m) {
    return m->options.topology.cores ? CLAMP(m->options.topology.threads, 1, 8) : 1;
}

void pseries_doorbell(Machine *m, unsigned cpu, unsigned line, bool level) {
    Vcpu *to = vcpu_of(m, cpu - cpu % pseries_threads(m) + line);
    if (to && level) {
        ppc_ring(vcpu_env(to));
        vcpu_kick(to);
    }
}

/* -- areas -- */

/* Is there an area of at least `least` bytes, which says its own size in `bytes` bytes at offset 4? */
static bool area(PseriesCall *c, uint64_t at, unsigned bytes, uint64_t least, uint64_t *size) {
    uint32_t v = 0;
    if (dma_read(c->machine->bus, at + 4, &v, bytes) != DMA_OK) {
        return false;
    }
    *size = bytes == 2 ? GUINT16_FROM_BE((uint16_t)v) : GUINT32_FROM_BE(v);
    return *size >= least && dma_check(c->machine->bus, at, *size, true) == DMA_OK;
}

static int64_t register_vpa(PseriesCall *c) {
    enum { REG_VPA = 1, REG_DTL, REG_SLB, DEREG_VPA = 5, DEREG_DTL, DEREG_SLB };
    uint64_t cpu = pseries_arg(c, 1), at = pseries_arg(c, 2), size = 0;
    unsigned function = pseries_arg(c, 0) >> VPA_FUNCTION_SHIFT & 7;
    if (!vcpu_of(c->machine, cpu)) {
        return H_PARAMETER;
    }
    SpaprCpu *s = &pseries_spapr(c->machine)->cpus[cpu];
    switch (function) {
    case REG_VPA:
        if (at == 0 || at % 64 || !area(c, at, 2, VPA_SIZE, &size) || (at & 0xfff) + size > 4096) {
            return H_PARAMETER;
        }
        s->vpa = at;
        return H_SUCCESS;
    case REG_DTL:
        if (at == 0 || at % 8 || !s->vpa || !area(c, at, 4, DISPATCH_LOG_LEAST, &size)) {
            return H_PARAMETER;
        }
        s->dispatch_log = at;
        s->dispatch_log_size = size;
        return H_SUCCESS;
    case REG_SLB:
        if (at == 0 || at % 8 || !s->vpa || !area(c, at, 4, SLB_SHADOW_LEAST, &size) || (at & 0xfff) + size > 4096) {
            return H_PARAMETER;
        }
        s->slb_shadow = at;
        return H_SUCCESS;
    case DEREG_VPA:
        if (s->slb_shadow || s->dispatch_log) {
            return H_RESOURCE;
        }
        s->vpa = 0;
        return H_SUCCESS;
    case DEREG_DTL:
        s->dispatch_log = s->dispatch_log_size = 0;
        return H_SUCCESS;
    case DEREG_SLB:
        s->slb_shadow = 0;
        return H_SUCCESS;
    default:
        return H_PARAMETER;
    }
}

/* -- modes -- */

void pseries_share(PseriesCall *c) {
    for (unsigned i = 0; i < c->machine->cpus; i++) {
        Env *to = vcpu_env(vcpu_of(c->machine, i));
        if (to != c->env) {
            ppc_share_partition(c->env, to);
        }
    }
}

static int64_t set_point(PseriesCall *c, uint64_t resource, uint64_t value1, uint64_t value2) {
    if (resource == MODE_DAWR) {
        return ppc_set_watchpoint(c->env, value1, value2) ? H_SUCCESS : H_P4;
    }
    return value2 ? H_P4 : ppc_set_breakpoint(c->env, value1) ? H_SUCCESS : H_P3;
}

static int64_t set_mode(PseriesCall *c) {
    uint64_t flags = pseries_arg(c, 0), resource = pseries_arg(c, 1), value1 = pseries_arg(c, 2), value2 = pseries_arg(c, 3);
    if ((resource == MODE_LE && flags > 1) || (resource == MODE_AIL && (flags > 3 || flags == 1))) {
        return H_UNSUPPORTED_FLAG;
    }
    if (resource == MODE_CIABR || resource == MODE_DAWR) { /* of this CPU alone */
        return flags ? H_UNSUPPORTED_FLAG : set_point(c, resource, value1, value2);
    }
    if (resource != MODE_LE && resource != MODE_AIL) {
        return H_P2;
    }
    if (value1 || value2) {
        return value1 ? H_P3 : H_P4;
    }
    if (resource == MODE_LE) {
        ppc_set_interrupt_order(c->env, flags);
    } else {
        ppc_set_interrupt_location(c->env, (unsigned)flags);
    }
    pseries_share(c);
    return H_SUCCESS;
}

/* Nothing that CPUs are told to guard against happens here. */
static int64_t characteristics(PseriesCall *c) {
    pseries_result(c, 0, 0);
    pseries_result(c, 1, 0);
    return H_SUCCESS;
}

static int64_t h_random(PseriesCall *c) {
    Spapr *s = pseries_spapr(c->machine);
    device_lock(&s->d);
    uint64_t v = s->random += UINT64_C(0x9e3779b97f4a7c15);
    device_unlock(&s->d);
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    pseries_result(c, 0, v ^ v >> 31);
    return H_SUCCESS;
}

/* There is no data breakpoint: none can be set, and any be taken away. */
static int64_t set_dabr(PseriesCall *c) {
    return pseries_arg(c, 0) ? H_RESOURCE : H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_SET_DABR, set_dabr }, { H_SET_XDABR, set_dabr },
    { H_CEDE, cede }, { H_JOIN, cede }, { H_CONFER, confer }, { H_PROD, prod }, { H_REGISTER_VPA, register_vpa },
    { H_SET_MODE, set_mode }, { H_GET_CPU_CHARACTERISTICS, characteristics }, { H_RANDOM, h_random },
};
const PseriesCallTable pseries_calls_cpu = { rows, G_N_ELEMENTS(rows) };

/* -- RTAS -- */

static int32_t start_cpu(PseriesRtas *r) {
    CpuOnResult done = ppc_start_cpu(r->env, r->in[0], r->in[1], r->in[2]);
    return done == CPU_ON_OK ? RTAS_SUCCESS : done == CPU_ON_BAD_ID ? RTAS_PARAMETER : RTAS_HARDWARE;
}

static int32_t stop_self(PseriesRtas *r) {
    ppc_power(r->env, CPU_POWER_CPU_OFF);
    return RTAS_SUCCESS;
}

static int32_t query_stopped(PseriesRtas *r) {
    enum { STOPPED = 0, RUNS = 2 };
    const Vcpu *v = vcpu_of(r->machine, r->in[0]);
    if (!v) {
        return RTAS_PARAMETER;
    }
    r->out[1] = vcpu_run_state(v) == CPU_STATE_OFF ? STOPPED : RUNS;
    return RTAS_SUCCESS;
}

static const PseriesRtasRow rtas_rows[] = {
    { "start-cpu", 3, 1, start_cpu }, { "stop-self", 0, 1, stop_self }, { "query-cpu-stopped-state", 1, 2, query_stopped },
};
const PseriesRtasTable pseries_rtas_cpu = { rtas_rows, G_N_ELEMENTS(rtas_rows) };
