/* SPDX-License-Identifier: MIT */
/*
 * pseries_irq.c - interrupts of the machine pseries: hypercalls and RTAS calls of XICS, and who is connected with whom.
 * Spec: LoPAPR 1.1, 14.5.2 (interrupt hypercalls), 7.3.10 (RTAS calls), 6 (properties).
 */
#include "machines/pseries.h"

enum { H_EOI = 0x64, H_CPPR = 0x68, H_IPI = 0x6c, H_IPOLL = 0x70, H_XIRR = 0x74, H_XIRR_X = 0x2fc };
enum { PHANDLE_INTERRUPTS = 0x1111 };

static Device *xics(const Machine *m) {
    return machine_device(m, "xics");
}

/* -- hypercalls -- */

static int64_t h_cppr(PseriesCall *c) {
    xics_set_cppr(xics(c->machine), c->cpu, (uint8_t)pseries_arg(c, 0));
    return H_SUCCESS;
}

static int64_t h_eoi(PseriesCall *c) {
    xics_eoi(xics(c->machine), c->cpu, (uint32_t)pseries_arg(c, 0));
    return H_SUCCESS;
}

static int64_t h_ipi(PseriesCall *c) {
    uint64_t cpu = pseries_arg(c, 0);
    return cpu < SPAPR_CPUS && xics_set_mfrr(xics(c->machine), (unsigned)cpu, (uint8_t)pseries_arg(c, 1)) ? H_SUCCESS
                                                                                                           : H_PARAMETER;
}

static int64_t h_ipoll(PseriesCall *c) {
    uint64_t cpu = pseries_arg(c, 0);
    uint32_t xirr;
    uint8_t mfrr;
    if (cpu >= SPAPR_CPUS || !xics_poll(xics(c->machine), (unsigned)cpu, &xirr, &mfrr)) {
        return H_PARAMETER;
    }
    pseries_result(c, 0, xirr);
    pseries_result(c, 1, mfrr);
    return H_SUCCESS;
}

static int64_t h_xirr(PseriesCall *c) {
    pseries_result(c, 0, xics_accept(xics(c->machine), c->cpu));
    return H_SUCCESS;
}

static int64_t h_xirr_x(PseriesCall *c) {
    pseries_result(c, 1, ppc_timebase(c->env));
    return h_xirr(c);
}

static const PseriesCallRow rows[] = {
    { H_CPPR, h_cppr }, { H_EOI, h_eoi }, { H_IPI, h_ipi }, { H_IPOLL, h_ipoll }, { H_XIRR, h_xirr }, { H_XIRR_X, h_xirr_x },
};
const PseriesCallTable pseries_calls_irq = { rows, G_N_ELEMENTS(rows) };

/* -- RTAS -- */

static int32_t set_xive(PseriesRtas *r) {
    return r->in[2] <= XICS_LEAST && xics_set_source(xics(r->machine), r->in[0], r->in[1], (uint8_t)r->in[2]) ? RTAS_SUCCESS
                                                                                                       : RTAS_PARAMETER;
}

static int32_t get_xive(PseriesRtas *r) {
    unsigned cpu;
    uint8_t priority;
    if (!xics_get_source(xics(r->machine), r->in[0], &cpu, &priority)) {
        return RTAS_PARAMETER;
    }
    r->out[1] = cpu;
    r->out[2] = priority;
    return RTAS_SUCCESS;
}

static int32_t int_off(PseriesRtas *r) {
    return xics_mask_source(xics(r->machine), r->in[0], true) ? RTAS_SUCCESS : RTAS_PARAMETER;
}

static int32_t int_on(PseriesRtas *r) {
    return xics_mask_source(xics(r->machine), r->in[0], false) ? RTAS_SUCCESS : RTAS_PARAMETER;
}

static const PseriesRtasRow rtas_rows[] = {
    { "ibm,set-xive", 3, 1, set_xive }, { "ibm,get-xive", 1, 3, get_xive }, { "ibm,int-off", 1, 1, int_off },
    { "ibm,int-on", 1, 1, int_on },
};
const PseriesRtasTable pseries_rtas_irq = { rtas_rows, G_N_ELEMENTS(rtas_rows) };

/* -- wiring -- */

void pseries_irq(void *machine, unsigned irq, bool level) {
    if (irq >= SPAPR_IRQ_FIRST && irq < SPAPR_IRQ_END) {
        device_input(xics(machine), irq - SPAPR_IRQ_FIRST, level); /* whichever the guest uses has been told of it */
        device_input(machine_device(machine, "xive"), irq, level);
    }
}

static void cpu_line(void *opaque, unsigned line, bool level) {
    vcpu_set_line(opaque, line, level);
}

void pseries_connect_irqs(Machine *m) {
    m->irq_controller = xics(m);
    irq_connect(device_irq(machine_device(m, "vty"), 0), pseries_irq, m, SPAPR_IRQ_VIO);
    for (unsigned i = 0; i < m->cpus; i++) {
        irq_connect(device_irq(xics(m), i), cpu_line, g_ptr_array_index(m->vcpus, i), CPU_LINE_IRQ);
        irq_connect(device_irq(machine_device(m, "xive"), i), cpu_line, g_ptr_array_index(m->vcpus, i), CPU_LINE_FIQ);
    }
}

static void describe_xics(const Machine *m, DevTree *tree, const char *node) {
    devtree_string(tree, node, "device_type", "PowerPC-External-Interrupt-Presentation");
    devtree_string(tree, node, "compatible", "ibm,ppc-xicp");
    DEVTREE_CELLS(tree, node, "ibm,interrupt-server-ranges", 0, m->cpus);
}

static void describe_xive(const Machine *m, DevTree *tree, const char *node) {
    enum { RING = 1 << XIVE_ESB_SHIFT, OS = 2, USER = 3, FIRST_RESERVED = 7, ALL = 256 };
    devtree_string(tree, node, "device_type", "power-ivpe");
    devtree_string(tree, node, "compatible", "ibm,power-ivpe");
    DEVTREE_U64S(tree, node, "reg", PSERIES_XIVE_CONTEXTS + USER * RING, RING, PSERIES_XIVE_CONTEXTS + OS * RING, RING);
    DEVTREE_CELLS(tree, node, "ibm,xive-eq-sizes", 12, 16, 21, 24);
    DEVTREE_CELLS(tree, node, "ibm,xive-lisn-ranges", 0, SPAPR_CPUS);
    DEVTREE_CELLS(tree, "/", "ibm,plat-res-int-priorities", FIRST_RESERVED, ALL - FIRST_RESERVED);
}

void pseries_describe_irq(const Machine *m, DevTree *tree, bool xive) {
    static const char xics_node[] = "/interrupt-controller", xive_node[] = "/interrupt-controller@6030200030000";
    const char *node = xive ? xive_node : xics_node;
    devtree_remove(tree, xive ? xics_node : xive_node);
    devtree_node(tree, node);
    (xive ? describe_xive : describe_xics)(m, tree, node);
    devtree_flag(tree, node, "interrupt-controller");
    DEVTREE_CELLS(tree, node, "#interrupt-cells", 2);
    DEVTREE_CELLS(tree, node, "phandle", PHANDLE_INTERRUPTS);
    DEVTREE_CELLS(tree, "/", "interrupt-parent", PHANDLE_INTERRUPTS);
    DEVTREE_CELLS(tree, "/vdevice", "interrupt-parent", PHANDLE_INTERRUPTS);
}
