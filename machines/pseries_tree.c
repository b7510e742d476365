/* SPDX-License-Identifier: MIT */
/*
 * pseries_tree.c - the device tree of the machine pseries, and what of it depends on what the guest says it can.
 * Spec: LoPAPR 1.1, B.6 (properties), B.6.2.3 (ibm,architecture.vec: option vector 5).
 */
#include <string.h>

#include "machines/pseries.h"

/* Bytes of option vector 5 as properties have it, with its length in front. */
enum {
    VEC5_SIZE = 32,
    VEC5_XIVE = 23, XIVE_EXPLOIT = 0x40, XIVE_EITHER = 0x80, XIVE_MASK = 0xc0,
    VEC5_MMU = 24, MMU_RADIX = 0x40, MMU_EITHER = 0x80, MMU_MASK = 0xc0,
    VEC5_HASH = 25, VEC5_RADIX = 26, RADIX_GTSE = 0x40,
};

static bool has_radix(const Machine *m) {
    return !pseries_power8(m);
}

static bool has_xive(const Machine *m) {
    return has_radix(m) && m->keys.ic_mode != PSERIES_IC_XICS;
}

/* ibm,pa-features: length, 0, then a bit for each part of the architecture, the highest first. */
static void describe_features(const Machine *m, DevTree *tree, const char *node) {
    uint8_t bytes[2 + 66] = { 66, 0, 0xf6, 0x3f, 0xc7, 0xc0, 0, 0x80 };
    bytes[2 + 40] = has_radix(m) ? 0x80 : 0;
    devtree_bytes(tree, node, "ibm,pa-features", bytes, sizeof bytes);
}

/* A core, whose first thread is that CPU. */
static void describe_core(const Machine *m, DevTree *tree, unsigned first, unsigned threads) {
    static const struct { const char *name; uint32_t value; } numbers[] = {
        { "timebase-frequency", PSERIES_TIMEBASE_HZ }, { "clock-frequency", 1000000000 }, { "d-cache-block-size", 128 },
        { "i-cache-block-size", 128 }, { "d-cache-line-size", 128 }, { "i-cache-line-size", 128 },
        { "d-cache-size", 32 << 10 }, { "i-cache-size", 32 << 10 }, { "ibm,vmx", 2 /* VSX */ },
    };
    const char *model = has_radix(m) ? "POWER9" : "POWER8";
    g_autofree char *node = g_strdup_printf("/cpus/PowerPC,%s@%x", model, first);
    uint32_t servers[8];
    for (unsigned i = 0; i < threads; i++) {
        servers[i] = first + i;
    }
    devtree_node(tree, node);
    devtree_string(tree, node, "device_type", "cpu");
    devtree_string(tree, node, "status", "okay");
    DEVTREE_CELLS(tree, node, "reg", first);
    devtree_cells(tree, node, "ibm,ppc-interrupt-server#s", threads, servers);
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        DEVTREE_CELLS(tree, node, numbers[i].name, numbers[i].value);
    }
    pseries_describe_mmu(m, tree, node);
    if (has_radix(m)) {
        DEVTREE_CELLS(tree, node, "ibm,dec-bits", 56);
    }
    devtree_flag(tree, node, "64-bit");
    describe_features(m, tree, node);
}

static void describe_cpus(const Machine *m, DevTree *tree) {
    unsigned threads = pseries_threads(m);
    devtree_node(tree, "/cpus");
    DEVTREE_CELLS(tree, "/cpus", "#address-cells", 1);
    DEVTREE_CELLS(tree, "/cpus", "#size-cells", 0);
    for (unsigned i = (m->cpus - 1) / threads * threads;; i -= threads) { /* a new node comes first */
        describe_core(m, tree, i, MIN(threads, m->cpus - i));
        if (i == 0) {
            break;
        }
    }
}

static void describe_terminal(DevTree *tree) {
    static const char vty[] = "/vdevice/vty@71000000", nvram[] = "/vdevice/nvram@71000001";
    devtree_node(tree, "/vdevice");
    devtree_string(tree, "/vdevice", "device_type", "vdevice");
    devtree_string(tree, "/vdevice", "compatible", "IBM,vdevice");
    DEVTREE_CELLS(tree, "/vdevice", "#address-cells", 1);
    DEVTREE_CELLS(tree, "/vdevice", "#size-cells", 0);
    devtree_flag(tree, "/vdevice", "interrupt-controller");
    DEVTREE_CELLS(tree, "/vdevice", "#interrupt-cells", 2);
    devtree_node(tree, vty);
    devtree_string(tree, vty, "device_type", "serial");
    devtree_string(tree, vty, "compatible", "hvterm1");
    DEVTREE_CELLS(tree, vty, "reg", PSERIES_VTY_UNIT);
    DEVTREE_CELLS(tree, vty, "interrupts", SPAPR_IRQ_VIO, 0);
    devtree_node(tree, nvram);
    devtree_string(tree, nvram, "device_type", "nvram");
    devtree_string(tree, nvram, "compatible", "qemu,spapr-nvram"); /* as firmware knows it */
    DEVTREE_CELLS(tree, nvram, "reg", PSERIES_NVRAM_UNIT);
    DEVTREE_CELLS(tree, nvram, "#bytes", SPAPR_NVRAM);
    devtree_node(tree, "/chosen");
    devtree_string(tree, "/chosen", "stdout-path", vty);
    devtree_string(tree, "/chosen", "linux,stdout-path", vty);
}

/* What there is: pairs of a byte's number in option vector 5 and its value. */
static void describe_support(const Machine *m, DevTree *tree) {
    uint8_t pairs[] = {
        VEC5_XIVE, has_xive(m) ? (m->keys.ic_mode == PSERIES_IC_DUAL ? XIVE_EITHER : XIVE_EXPLOIT) : 0,
        VEC5_MMU, has_radix(m) ? MMU_EITHER : 0, VEC5_HASH, 0, VEC5_RADIX, has_radix(m) ? RADIX_GTSE : 0,
    };
    devtree_bytes(tree, "/chosen", "ibm,arch-vec-5-platform-support", pairs, sizeof pairs);
}

static void describe_choice(const Machine *m, DevTree *tree, bool radix, bool xive) {
    uint8_t vector[VEC5_SIZE] = { VEC5_SIZE - 1 };
    vector[VEC5_XIVE] = xive ? XIVE_EXPLOIT : 0;
    vector[VEC5_MMU] = radix ? MMU_RADIX : 0;
    vector[VEC5_RADIX] = radix ? RADIX_GTSE : 0;
    devtree_bytes(tree, "/chosen", "ibm,architecture-vec-5", vector, sizeof vector);
    pseries_describe_irq(m, tree, xive);
}

void pseries_choose(Machine *m, DevTree *tree, const uint8_t *asked) {
    unsigned mmu = asked[VEC5_MMU] & MMU_MASK, irq = asked[VEC5_XIVE] & XIVE_MASK;
    bool xive = has_xive(m) && (irq || m->keys.ic_mode == PSERIES_IC_XIVE);
    describe_choice(m, tree, has_radix(m) && mmu, xive);
}

/* A kernel that firmware is to start. */
static void describe_kernel(const Machine *m, DevTree *tree) {
    LoaderEntry entry = loader_entry(m->loader);
    if (m->options.bios && entry.kernel) {
        DEVTREE_U64S(tree, "/chosen", "qemu,boot-kernel", entry.low, entry.high - entry.low);
        if (!entry.big) {
            devtree_flag(tree, "/chosen", "qemu,boot-kernel-le");
        }
    }
}

void pseries_describe(Machine *m, DevTree *tree) {
    devtree_string(tree, "/", "device_type", "chrp");
    devtree_string(tree, "/", "model", "yado pseries");
    devtree_string(tree, "/", "compatible", "yado,pseries");
    DEVTREE_CELLS(tree, "/", "ibm,max-boot-devices", 30);
    describe_cpus(m, tree);
    describe_terminal(tree);
    pseries_describe_rtas(tree);
    describe_support(m, tree);
    describe_kernel(m, tree);
    describe_choice(m, tree, has_radix(m), has_xive(m) && m->keys.ic_mode == PSERIES_IC_XIVE);
    pseries_describe_pci(m, tree);
}
