/* SPDX-License-Identifier: MIT */
/*
 * pseries.c - a logical partition of a Power server: no hardware but CPUs and memory; the rest is hypercalls and RTAS.
 * Spec: LoPAPR 1.1 (Linux on Power Architecture Platform Reference), 7 (RTAS), 14 (hypercalls), 16.1 (vty).
 * A kernel is entered with the device tree in r3 and without the client interface, as after kexec.
 * Missing: hash tables, interrupts of devices (XICS and XIVE), PCI and virtual I/O, the client interface, firmware,
 * more than one CPU.
 */
#include <string.h>

#include "machines/pseries.h"

enum { TIMEBASE_HZ = 512000000 };

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
    DEVTREE_CELLS(tree, vty, "reg", PSERIES_VTY_UNIT);
    pseries_describe_rtas(tree);
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
    .firmware = pseries_hypercall,
    .describe = describe,
};
