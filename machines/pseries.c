/* SPDX-License-Identifier: MIT */
/*
 * pseries.c - a logical partition of a Power server: no hardware but CPUs and memory; the rest is hypercalls and RTAS.
 * Spec: LoPAPR 1.1 (Linux on Power Architecture Platform Reference), 7 (RTAS), 14 (hypercalls), 16.1 (vty).
 * A kernel is entered with the device tree in r3 and without the client interface, as after kexec.
 * Missing: hash tables, interrupts of devices (XICS and XIVE), PCI and virtual I/O, the client interface, firmware,
 * RTAS's own code in memory, more than one CPU.
 */
#include <string.h>

#include "devices/dma.h"
#include "frontend/ppc/ppc.h"
#include "machines/machine.h"

enum {
    VTY_UNIT = 0x71000000,
    TIMEBASE_HZ = 512000000,
    H_SUCCESS = 0, H_BUSY = 1, H_FUNCTION = -2, H_PARAMETER = -4, H_UNSUPPORTED_FLAG = -256, H_P2 = -55,
    H_GET_TERM_CHAR = 0x54, H_PUT_TERM_CHAR = 0x58, H_EOI = 0x64, H_CPPR = 0x68, H_IPI = 0x6c, H_XIRR = 0x74,
    H_REGISTER_VPA = 0xdc, H_CEDE = 0xe0, H_CONFER = 0xe4, H_PROD = 0xe8, H_SET_MODE = 0x31c, H_REGISTER_PROC_TBL = 0x37c,
    H_RTAS = 0xf000,
    PROC_TBL_RADIX = 4, PROC_TBL_NEW = 0x18, PROC_TBL_FLAGS = 0x1f, /* flags of H_REGISTER_PROC_TBL */
    MODE_AIL = 3, MODE_LE = 4, /* resources of H_SET_MODE */
    RTAS_ARGS = 16, RTAS_SUCCESS = 0, RTAS_UNKNOWN = -1, RTAS_PARAMETER = -3,
};

/* A hypercall: arguments from r4 on, results too; the status goes to r3. */
typedef struct Call {
    Machine *machine;
    Env *env;
} Call;

static uint64_t arg(const Call *c, unsigned n) {
    return ppc_gpr(c->env, 4 + n);
}

/* -- terminal -- */

static uint64_t word_of(const uint8_t *bytes) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | bytes[i];
    }
    return v;
}

static int64_t put_term_char(Call *c) {
    uint8_t bytes[SPAPR_VTY_PIECE];
    Device *vty = machine_device(c->machine, "vty");
    if (arg(c, 0) != VTY_UNIT || arg(c, 1) > SPAPR_VTY_PIECE) {
        return H_PARAMETER;
    }
    for (unsigned i = 0; i < SPAPR_VTY_PIECE; i++) {
        bytes[i] = (uint8_t)(arg(c, 2 + i / 8) >> (56 - 8 * (i % 8)));
    }
    return spapr_vty_put(vty, bytes, (unsigned)arg(c, 1)) ? H_SUCCESS : H_BUSY;
}

static int64_t get_term_char(Call *c) {
    uint8_t bytes[SPAPR_VTY_PIECE] = {0};
    if (arg(c, 0) != VTY_UNIT) {
        return H_PARAMETER;
    }
    ppc_set_gpr(c->env, 4, spapr_vty_get(machine_device(c->machine, "vty"), bytes));
    ppc_set_gpr(c->env, 5, word_of(bytes));
    ppc_set_gpr(c->env, 6, word_of(bytes + 8));
    return H_SUCCESS;
}

/* -- interrupts: the presentation controller of one CPU without sources -- */

static int64_t nothing(Call *c) {
    return H_SUCCESS;
}

static int64_t xirr(Call *c) {
    ppc_set_gpr(c->env, 4, 0); /* spurious */
    return H_SUCCESS;
}

/* -- CPU -- */

static int64_t cede(Call *c) {
    ppc_cede(c->env);
    return H_SUCCESS;
}

static int64_t set_mode(Call *c) {
    uint64_t flags = arg(c, 0);
    switch (arg(c, 1)) {
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

/* Radix alone: flags, base, page size (of hash tables), log2 of the size - 12. */
static int64_t register_process_table(Call *c) {
    uint64_t flags = arg(c, 0), base = arg(c, 1), size = arg(c, 3);
    if (flags & ~(uint64_t)PROC_TBL_FLAGS || !(flags & PROC_TBL_RADIX) || (flags & PROC_TBL_NEW) != PROC_TBL_NEW ||
        base % 4096 || base >> 60 || size > 24) {
        return H_PARAMETER;
    }
    ppc_set_process_table(c->env, base, (unsigned)size);
    return H_SUCCESS;
}

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

static int64_t h_rtas(Call *c) {
    uint32_t head[3];
    Rtas r = { .machine = c->machine, .env = c->env };
    uint64_t at = arg(c, 0);
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

/* -- hypercalls -- */

static const struct {
    uint64_t number;
    int64_t (*call)(Call *c);
} hypercalls[] = {
    { H_GET_TERM_CHAR, get_term_char }, { H_PUT_TERM_CHAR, put_term_char }, { H_CEDE, cede }, { H_SET_MODE, set_mode },
    { H_CPPR, nothing }, { H_EOI, nothing }, { H_IPI, nothing }, { H_XIRR, xirr }, { H_REGISTER_VPA, nothing },
    { H_CONFER, nothing }, { H_PROD, nothing }, { H_REGISTER_PROC_TBL, register_process_table },
    { H_RTAS, h_rtas },
};

static bool firmware(Machine *m, unsigned cpu) {
    Call c = { m, vcpu_env(g_ptr_array_index(m->vcpus, cpu)) };
    uint64_t number = ppc_gpr(c.env, 3);
    int64_t status = H_FUNCTION;
    bool known = false;
    for (size_t i = 0; i < G_N_ELEMENTS(hypercalls); i++) {
        if (hypercalls[i].number == number) {
            status = hypercalls[i].call(&c);
            known = true;
        }
    }
    if (!known) {
        log_line(&m->log, LOG_UNIMP, "pseries: no hypercall 0x%" G_GINT64_MODIFIER "x", number);
    }
    ppc_set_gpr(c.env, 3, (uint64_t)status);
    return true;
}

/* -- the machine -- */

static void vty_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->spapr_vty.chardev = m->options.serial;
}

static const MapRow map[] = {
    { .device = &device_spapr_vty, .name = "vty", .irq = NO_IRQ, .configure = vty_config },
};

static bool fixup(Machine *m, GError **error) {
    return true;
}

static uint64_t counter_hz(const char *cpu) {
    return TIMEBASE_HZ;
}

/* ibm,pa-features: length, 0, then a bit for each part of the architecture, the highest first. */
static void describe_features(const Machine *m, DevTree *tree, const char *node) {
    uint8_t bytes[2 + 66] = { 66, 0, 0xf6, 0x1f, 0xc7, 0xc0, 0, 0x80 };
    bytes[2 + 40] = strcmp(m->cpu, "power8") == 0 ? 0 : 0x80; /* radix */
    devtree_bytes(tree, node, "ibm,pa-features", bytes, sizeof bytes);
}

static void describe_cpus(const Machine *m, DevTree *tree) {
    static const char node[] = "/cpus/PowerPC,POWER9@0";
    devtree_node(tree, "/cpus");
    DEVTREE_CELLS(tree, "/cpus", "#address-cells", 1);
    DEVTREE_CELLS(tree, "/cpus", "#size-cells", 0);
    devtree_node(tree, node);
    devtree_string(tree, node, "device_type", "cpu");
    devtree_string(tree, node, "status", "okay");
    DEVTREE_CELLS(tree, node, "reg", 0);
    DEVTREE_CELLS(tree, node, "ibm,ppc-interrupt-server#s", 0);
    DEVTREE_CELLS(tree, node, "timebase-frequency", TIMEBASE_HZ);
    DEVTREE_CELLS(tree, node, "clock-frequency", 1000000000);
    DEVTREE_CELLS(tree, node, "d-cache-block-size", 128);
    DEVTREE_CELLS(tree, node, "i-cache-block-size", 128);
    DEVTREE_CELLS(tree, node, "d-cache-line-size", 128);
    DEVTREE_CELLS(tree, node, "i-cache-line-size", 128);
    DEVTREE_CELLS(tree, node, "d-cache-size", 32 << 10);
    DEVTREE_CELLS(tree, node, "i-cache-size", 32 << 10);
    DEVTREE_CELLS(tree, node, "ibm,processor-radix-AP-encodings", 12, 0xa0000000 | 16, 0x20000000 | 21, 0x40000000 | 30);
    DEVTREE_CELLS(tree, node, "ibm,vmx", 2); /* VSX */
    DEVTREE_CELLS(tree, node, "ibm,dec-bits", 56);
    devtree_flag(tree, node, "64-bit");
    describe_features(m, tree, node);
}

static void describe_rtas(DevTree *tree) {
    devtree_node(tree, "/rtas");
    devtree_strings(tree, "/rtas", "ibm,hypertas-functions",
                    "hcall-term\0hcall-interrupt\0hcall-vio\0hcall-set-mode\0");
    for (uint32_t i = 0; i < G_N_ELEMENTS(rtas_calls); i++) {
        DEVTREE_CELLS(tree, "/rtas", rtas_calls[i].name, RTAS_FIRST_TOKEN + i);
    }
}

static void describe_interrupts(DevTree *tree) {
    static const char node[] = "/interrupt-controller";
    devtree_node(tree, node);
    devtree_string(tree, node, "device_type", "PowerPC-External-Interrupt-Presentation");
    devtree_string(tree, node, "compatible", "ibm,ppc-xicp");
    devtree_flag(tree, node, "interrupt-controller");
    DEVTREE_CELLS(tree, node, "#interrupt-cells", 2);
    DEVTREE_CELLS(tree, node, "ibm,interrupt-server-ranges", 0, 1);
}

static void describe(Machine *m, DevTree *tree) {
    enum { MMU_BYTE = 24, MMU_RADIX = 0x40, GTSE_BYTE = 26, GTSE = 0x40 }; /* of option vector 5 */
    static const char vty[] = "/vdevice/vty@71000000";
    uint8_t vector5[32] = { [MMU_BYTE] = MMU_RADIX, [GTSE_BYTE] = GTSE };
    devtree_string(tree, "/", "device_type", "chrp");
    devtree_string(tree, "/", "model", "yado pseries");
    devtree_string(tree, "/", "compatible", "yado,pseries");
    describe_cpus(m, tree);
    describe_interrupts(tree);
    devtree_node(tree, "/vdevice");
    devtree_string(tree, "/vdevice", "device_type", "vdevice");
    devtree_string(tree, "/vdevice", "compatible", "IBM,vdevice");
    DEVTREE_CELLS(tree, "/vdevice", "#address-cells", 1);
    DEVTREE_CELLS(tree, "/vdevice", "#size-cells", 0);
    devtree_node(tree, vty);
    devtree_string(tree, vty, "device_type", "serial");
    devtree_string(tree, vty, "compatible", "hvterm1");
    DEVTREE_CELLS(tree, vty, "reg", VTY_UNIT);
    describe_rtas(tree);
    devtree_node(tree, "/chosen");
    devtree_string(tree, "/chosen", "stdout-path", vty);
    devtree_bytes(tree, "/chosen", "ibm,architecture-vec-5", vector5, sizeof vector5);
}

static bool set_unfinished(Machine *m, const char *value, GError **error) {
    return value_bool("x-unfinished", value, &m->keys.unfinished, error);
}

static const MachineKey keys[] = {
    { "x-unfinished", "start kernels whose programs cannot run yet: on, off (default: off)", set_unfinished },
    { NULL },
};

const MachineClass machine_pseries = {
    .name = "pseries",
    .summary = "partition of a Power server, for bare-metal programs and kernels so far (64-bit PowerPC, vty)",
    .frontend = &frontend_ppc,
    .image = &image_ppc64,
    .default_cpu = "power9",
    .ram_base = 0,
    .ram_default = UINT64_C(512) << 20,
    .ram_min = UINT64_C(16) << 20,
    .ram_max = UINT64_C(255) << 30,
    .cpus_max = 1,
    .map = map,
    .map_count = G_N_ELEMENTS(map),
    .keys = keys,
    .counter_hz = counter_hz,
    .fixup = fixup,
    .firmware = firmware,
    .describe = describe,
};
