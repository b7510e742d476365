/* SPDX-License-Identifier: MIT */
/*
 * virt.c - the generic Arm board without a counterpart in hardware, "linux,dummy-virt".
 * Spec: Linux Documentation/devicetree/bindings (arm/cpus, arm/psci, arm/pmu, timer/arm,arch_timer, input/gpio-keys);
 *       Arm DEN 0022 (PSCI); the memory map is the one that kernels and firmware for this board are built against.
 * Missing: the ITS of a GICv3, EL2 and EL3.
 */
#include <string.h>

#include "machines/machine.h"

enum {
    PHANDLE_CLOCK = 0x8000,
    PHANDLE_GIC,
    PHANDLE_GPIO,
    PCI_SPI = 3, V2M_SPI = 48, V2M_FRAME = 0x08020000, PCI_MEMORY = 0x10000000, PCI_IO = 0x3eff0000,
    PCI_ECAM_LOW = 0x3f000000, PCI_ECAM_LOW_SIZE = 0x01000000,
    POWER_PIN = 3,
    VIRTIO_SLOTS = 32,
    GIC_FIRST_SPI = 32,
    GIC_FIRST_PPI = 16,
    GIC_IRQS = 288,
    /* PPI numbers (INTID - 16) of what is inside a CPU. */
    PPI_PMU = 7, PPI_TIMER_EL2 = 10, PPI_TIMER_VIRT = 11, PPI_TIMER_PHYS = 14, PPI_TIMER_SECURE = 13,
    /* third cell of an interrupt specifier */
    FDT_PPI = 1, FDT_PPI_HIGH = 4, FDT_PPI_CPUS_SHIFT = 8, /* which CPUs: GICv2 only */
    KEY_POWER = 116, /* Linux input event code */
    PSCI_CPU_SUSPEND = 0xc4000001, PSCI_CPU_OFF = 0x84000002, PSCI_CPU_ON = 0xc4000003, PSCI_MIGRATE = 0xc4000005,
};

#define PCI_ECAM_HIGH UINT64_C(0x4010000000)
#define PCI_HIGH UINT64_C(0x8000000000)

/* Outputs of a CPU (Frontend irq_out lines) and the PPI each drives. */
static const struct { uint8_t line, ppi; } cpu_outputs[] = {
    { 0, PPI_TIMER_PHYS },
    { 1, PPI_TIMER_VIRT },
    { 4, PPI_PMU },
};

/* -- what devices are given -- */

static void serial_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->pl011.chardev = m->options.serial;
}

static void rtc_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->pl031.start = -1;
}

static bool has_gicv3(const Machine *m) {
    return m->keys.gic_version == 3;
}
static bool has_gicv2(const Machine *m) {
    return !has_gicv3(m);
}

/* As many as an SGI reaches with one list of targets. */
static unsigned cluster(const Machine *m) {
    return has_gicv3(m) ? GICV3_CLUSTER : GIC_MAX_CPUS;
}

static void gic_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->gic = (GicConfig){ .cpus = m->cpus, .irqs = GIC_IRQS, .cluster = cluster(m) };
}

static void flash_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->flash.read_only = true;
    if (index == 0) {
        config->flash.data = loader_bios(m->loader, &config->flash.data_size);
    }
}

static bool has_highmem(const Machine *m) {
    return !m->keys.no_highmem;
}
static bool has_no_highmem(const Machine *m) {
    return m->keys.no_highmem;
}

static void pci_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->pci = (PciHostConfig){ .memory = PCI_MEMORY, .high = has_highmem(m) ? PCI_HIGH : 0 };
}

static void v2m_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->gicv2m.first_spi = V2M_SPI;
}

/* -- the map -- */

static const MapRow map[] = {
    { { 0x00000000, 0x04000000 }, { CFI_FLASH_SIZE, CFI_FLASH_SIZE }, &device_cfi_flash, .name = "flash", .irq = NO_IRQ,
      .configure = flash_config, .count = 2, .stride = CFI_FLASH_SIZE, .one_node = true },
    { { 0x08000000, 0x08010000 }, { 0x10000, 0x10000 }, &device_gicv2, .name = "gic", .irq = NO_IRQ,
      .configure = gic_config, .phandle = PHANDLE_GIC, .present = has_gicv2 },
    { { 0x08000000, 0x080a0000 }, { 0x10000, 0xf60000 }, &device_gicv3, .name = "gic", .irq = NO_IRQ,
      .configure = gic_config, .phandle = PHANDLE_GIC, .present = has_gicv3 },
    { { V2M_FRAME }, { 0x1000 }, &device_gicv2m, .irq = V2M_SPI, .configure = v2m_config },
    { { 0x09000000 }, { 0x1000 }, &device_pl011, .irq = 1, .configure = serial_config, .clocked = true },
    { { 0x09010000 }, { 0x1000 }, &device_pl031, .irq = 2, .configure = rtc_config, .clocked = true },
    { { 0x09020000 }, { 0x18 }, &device_fw_cfg, .irq = NO_IRQ },
    { { 0x09030000 }, { 0x1000 }, &device_pl061, .irq = 7, .phandle = PHANDLE_GPIO, .clocked = true },
    { { 0x0a000000 }, { 0x200 }, &device_virtio_mmio, .irq = 16, .count = VIRTIO_SLOTS, .stride = 0x200 },
    { { PCI_ECAM_HIGH, PCI_MEMORY, PCI_IO, PCI_HIGH }, { 0x10000000, 0x2eff0000, 0x10000, 0x8000000000 }, &device_pci_ecam,
      .name = "pcie", .irq = PCI_SPI, .configure = pci_config, .present = has_highmem },
    { { PCI_ECAM_LOW, PCI_MEMORY, PCI_IO }, { PCI_ECAM_LOW_SIZE, 0x2eff0000, 0x10000 }, &device_pci_ecam, .name = "pcie",
      .irq = PCI_SPI, .configure = pci_config, .present = has_no_highmem },
};

/* -- what the map cannot say -- */

static void cpu_line(void *opaque, unsigned line, bool level) {
    vcpu_set_line(opaque, line, level);
}

/* The CPU interface of a GICv3 consists of system registers. */
static void add_gic_regs(Device *gic, Vcpu *vcpu, unsigned cpu) {
    CpuDeviceReg regs[32];
    unsigned n = 0;
    for (const GicCpuReg *r = gicv3_cpu_regs; r->name; r++) {
        g_assert(n < G_N_ELEMENTS(regs));
        regs[n++] = (CpuDeviceReg){ .name = r->name, .code = r->code, .arg = r->arg, .read = r->read, .write = r->write };
    }
    CpuDeviceRegs bank = { .regs = regs, .count = n, .opaque = gicv3_cpu(gic, cpu), .reset = gicv3_reset_cpu };
    vcpu_add_regs(vcpu, &bank);
}

static bool message(void *opaque, const PciDevice *p, uint64_t address, uint32_t data) {
    return address == V2M_FRAME + GICV2M_SETSPI && device_write(opaque, 0, GICV2M_SETSPI, 4, 0, data) == BUS_OK;
}

static bool fixup(Machine *m, GError **error) {
    PciHost *pcie = (PciHost *)machine_device(m, "pcie");
    pcie->message_opaque = machine_device(m, "gicv2m");
    pcie->message = message;
    Device *gic = machine_device(m, "gic"), *fw_cfg = machine_device(m, "fw_cfg");
    machine_wire(m, gic, GIC_FIRST_SPI);
    for (unsigned i = 0; i < m->cpus; i++) {
        Vcpu *vcpu = g_ptr_array_index(m->vcpus, i);
        irq_connect(device_irq(gic, GIC_OUT_IRQ(i)), cpu_line, vcpu, CPU_LINE_IRQ);
        irq_connect(device_irq(gic, GIC_OUT_FIQ(i)), cpu_line, vcpu, CPU_LINE_FIQ);
        if (has_gicv3(m)) {
            add_gic_regs(gic, vcpu, i);
        }
    }
    fw_cfg_add_i64(fw_cfg, FW_CFG_RAM_SIZE, m->ram_size);
    fw_cfg_add_i16(fw_cfg, FW_CFG_NB_CPUS, (uint16_t)m->cpus);
    fw_cfg_add_i16(fw_cfg, FW_CFG_MAX_CPUS, (uint16_t)m->cpus);
    return true;
}

static void cpu_irq(Machine *m, unsigned cpu, unsigned line, bool level) {
    for (size_t i = 0; i < G_N_ELEMENTS(cpu_outputs); i++) {
        if (cpu_outputs[i].line != line || !m->irq_controller) {
            continue;
        }
        unsigned intid = GIC_FIRST_PPI + cpu_outputs[i].ppi;
        if (has_gicv3(m)) {
            gicv3_ppi(m->irq_controller, cpu, intid, level);
        } else {
            device_input(m->irq_controller, GIC_PPI(cpu, intid), level);
        }
    }
}

static uint64_t counter_hz(const char *cpu) {
    return strcmp(cpu, "max") == 0 ? 1000000000 : 62500000;
}

/* -- the device tree -- */

/* "cortex-a57" is described as "arm,cortex-a57"; a CPU that no one makes as an architecture. */
static char *cpu_compatible(const char *cpu) {
    bool real = g_str_has_prefix(cpu, "cortex-") || g_str_has_prefix(cpu, "neoverse-");
    return real ? g_strdup_printf("arm,%s", cpu) : g_strdup("arm,armv8");
}

/* Makes the node of a CPU in the map, and those above it. */
static char *place_in_map(const Machine *m, DevTree *tree, unsigned cpu) {
    MachineTopology t = m->options.topology;
    if (!t.cores) {
        t = (MachineTopology){ .clusters = 1, .cores = m->cpus, .threads = 1 };
    }
    const struct { const char *name; unsigned number; } levels[] = {
        { "socket", cpu / (t.threads * t.cores * t.clusters) }, { "cluster", cpu / (t.threads * t.cores) % t.clusters },
        { "core", cpu / t.threads % t.cores }, { "thread", cpu % t.threads },
    };
    char *path = g_strdup("/cpus/cpu-map");
    for (unsigned i = 0; i < G_N_ELEMENTS(levels) - (t.threads == 1); i++) {
        char *below = g_strdup_printf("%s/%s%u", path, levels[i].name, levels[i].number);
        g_free(path);
        path = below;
        devtree_node(tree, path);
    }
    return path;
}

static void describe_cpus(const Machine *m, DevTree *tree) {
    devtree_node(tree, "/cpus");
    DEVTREE_CELLS(tree, "/cpus", "#address-cells", 1);
    DEVTREE_CELLS(tree, "/cpus", "#size-cells", 0);
    devtree_node(tree, "/cpus/cpu-map");
    for (unsigned i = m->cpus; i-- > 0;) { /* a new node comes first */
        Vcpu *vcpu = g_ptr_array_index(m->vcpus, i);
        uint32_t id = (uint32_t)vcpu_frontend(vcpu)->id(vcpu_env(vcpu));
        g_autofree char *node = g_strdup_printf("/cpus/cpu@%x", id);
        g_autofree char *core = place_in_map(m, tree, i);
        g_autofree char *compatible = cpu_compatible(m->cpu);
        devtree_node(tree, node);
        devtree_string(tree, node, "device_type", "cpu");
        devtree_string(tree, node, "compatible", compatible);
        devtree_string(tree, node, "enable-method", "psci");
        DEVTREE_CELLS(tree, node, "reg", id);
        DEVTREE_CELLS(tree, core, "cpu", devtree_phandle(tree, node));
    }
    devtree_node(tree, "/psci");
    devtree_strings(tree, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci\0");
    devtree_string(tree, "/psci", "method", "hvc");
    DEVTREE_CELLS(tree, "/psci", "cpu_suspend", PSCI_CPU_SUSPEND);
    DEVTREE_CELLS(tree, "/psci", "cpu_off", PSCI_CPU_OFF);
    DEVTREE_CELLS(tree, "/psci", "cpu_on", PSCI_CPU_ON);
    DEVTREE_CELLS(tree, "/psci", "migrate", PSCI_MIGRATE);
}

static void describe_cpu_devices(const Machine *m, DevTree *tree) {
    uint32_t high = FDT_PPI_HIGH | (has_gicv3(m) ? 0 : ((1u << m->cpus) - 1) << FDT_PPI_CPUS_SHIFT);
    devtree_node(tree, "/timer");
    devtree_strings(tree, "/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer\0");
    devtree_flag(tree, "/timer", "always-on");
    DEVTREE_CELLS(tree, "/timer", "interrupts", FDT_PPI, PPI_TIMER_SECURE, high, FDT_PPI, PPI_TIMER_PHYS,
                  high, FDT_PPI, PPI_TIMER_VIRT, high, FDT_PPI, PPI_TIMER_EL2, high);
    devtree_node(tree, "/pmu");
    devtree_string(tree, "/pmu", "compatible", "arm,armv8-pmuv3");
    DEVTREE_CELLS(tree, "/pmu", "interrupts", FDT_PPI, PPI_PMU, high);
}

/* The lines of all slots, and where messages go. */
static void describe_pci(const Machine *m, DevTree *tree) {
    enum { SLOTS = PCI_PINS, ENTRY = 10, SLOT_SHIFT = 11, MASK_PIN = 7 };
    static const char v2m[] = "/intc@8000000/v2m@8020000";
    g_autofree char *node = g_strdup_printf("/pcie@%" G_GINT64_MODIFIER "x", has_highmem(m) ? PCI_ECAM_HIGH : PCI_ECAM_LOW);
    uint32_t cells[SLOTS * PCI_PINS * ENTRY], *at = cells;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        for (unsigned pin = 0; pin < PCI_PINS; pin++, at += ENTRY) {
            uint32_t spi = PCI_SPI + pci_line_of(PCI_DEVFN(slot, 0), pin);
            const uint32_t entry[ENTRY] = { slot << SLOT_SHIFT, 0, 0, pin + 1, PHANDLE_GIC, 0, 0, 0, spi, FDT_PPI_HIGH };
            memcpy(at, entry, sizeof entry);
        }
    }
    devtree_cells(tree, node, "interrupt-map", G_N_ELEMENTS(cells), cells);
    DEVTREE_CELLS(tree, node, "interrupt-map-mask", (SLOTS - 1) << SLOT_SHIFT, 0, 0, MASK_PIN);
    devtree_node(tree, v2m);
    devtree_string(tree, v2m, "compatible", "arm,gic-v2m-frame");
    devtree_flag(tree, v2m, "msi-controller");
    DEVTREE_U64S(tree, v2m, "reg", V2M_FRAME, 0x1000);
    DEVTREE_CELLS(tree, node, "msi-map", 0, devtree_phandle(tree, v2m), 0, 0x10000);
}

static void describe(Machine *m, DevTree *tree) {
    devtree_string(tree, "/", "compatible", "linux,dummy-virt");
    devtree_string(tree, "/", "model", "linux,dummy-virt");
    DEVTREE_CELLS(tree, "/", "interrupt-parent", PHANDLE_GIC);
    describe_cpus(m, tree);
    describe_cpu_devices(m, tree);
    describe_pci(m, tree);
    devtree_node(tree, "/apb-pclk");
    devtree_string(tree, "/apb-pclk", "compatible", "fixed-clock");
    devtree_string(tree, "/apb-pclk", "clock-output-names", "clk24mhz");
    DEVTREE_CELLS(tree, "/apb-pclk", "clock-frequency", 24000000);
    DEVTREE_CELLS(tree, "/apb-pclk", "#clock-cells", 0);
    DEVTREE_CELLS(tree, "/apb-pclk", "phandle", PHANDLE_CLOCK);
    devtree_node(tree, "/gpio-keys");
    devtree_string(tree, "/gpio-keys", "compatible", "gpio-keys");
    devtree_node(tree, "/gpio-keys/poweroff");
    devtree_string(tree, "/gpio-keys/poweroff", "label", "GPIO Key Poweroff");
    DEVTREE_CELLS(tree, "/gpio-keys/poweroff", "linux,code", KEY_POWER);
    DEVTREE_CELLS(tree, "/gpio-keys/poweroff", "gpios", PHANDLE_GPIO, POWER_PIN, 0);
    devtree_node(tree, "/chosen");
    devtree_string(tree, "/chosen", "stdout-path", "/pl011@9000000");
}

/* -- keys of -M virt -- */

static bool set_gic_version(Machine *m, const char *value, GError **error) {
    static const struct { const char *value; unsigned version; } versions[] = { { "2", 2 }, { "3", 3 }, { "max", 3 } };
    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        if (strcmp(value, versions[i].value) == 0) {
            m->keys.gic_version = versions[i].version;
            return true;
        }
    }
    bool later = strcmp(value, "4") == 0 || strcmp(value, "host") == 0;
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                later ? "gic-version=%s does not exist; machine 'virt' has gic-version=2, 3 and max, which is 3"
                      : "gic-version is 2, 3 or max, not '%s'",
                value);
    return false;
}

static bool check(Machine *m, GError **error) {
    if (has_gicv2(m) && m->cpus > GIC_MAX_CPUS) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "a GICv2 serves 1 to %d CPUs, not %u; more need -M virt,gic-version=3", GIC_MAX_CPUS, m->cpus);
        return false;
    }
    return true;
}

static bool set_highmem(Machine *m, const char *value, GError **error) {
    bool on = true;
    bool ok = value_bool("highmem", value, &on, error);
    m->keys.no_highmem = !on;
    return ok;
}

static bool set_dtb_randomness(Machine *m, const char *value, GError **error) {
    return value_bool("dtb-randomness", value, &m->keys.fdt_randomness, error);
}

static const MachineKey keys[] = {
    { "gic-version", "version of the interrupt controller: 2, 3, max (default: 2)", set_gic_version },
    { "highmem", "PCI above 4 GiB: on, off (default: on)", set_highmem },
    { "dtb-randomness", "random seeds for the kernel in the device tree: on, off (default: on)", set_dtb_randomness },
    { NULL },
};

const MachineClass machine_virt = {
    .name = "virt",
    .summary = "generic Arm board (64-bit CPUs, GICv2 or GICv3, PL011)",
    .frontend = &frontend_arm,
    .image = &image_aarch64,
    .default_cpu = "cortex-a57",
    .ram_base = 0x40000000,
    .ram_default = UINT64_C(128) << 20,
    .ram_min = UINT64_C(4) << 20,
    .ram_max = UINT64_C(255) << 30,
    .cpus_max = TCG_VCPUS,
    .flash_size = CFI_FLASH_SIZE,
    .clock_phandle = PHANDLE_CLOCK,
    .map = map,
    .map_count = G_N_ELEMENTS(map),
    .keys = keys,
    .counter_hz = counter_hz,
    .check = check,
    .cluster = cluster,
    .fixup = fixup,
    .cpu_irq = cpu_irq,
    .describe = describe,
};
