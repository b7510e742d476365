/* SPDX-License-Identifier: MIT */
/*
 * pseries.c - a logical partition of a Power server: no hardware but CPUs and memory; the rest is hypercalls and RTAS.
 * Spec: LoPAPR 1.1 (Linux on Power Architecture Platform Reference), 7 (RTAS), 14 (hypercalls), 16.1 (vty).
 * A kernel finds the client interface of Open Firmware, which the machine plays; or, with x-vof=off, the device tree in
 * r3, as after kexec.
 * Missing: virtual I/O, firmware.
 */
#include <string.h>

#include "machines/pseries.h"

/* -- the machine -- */

static void vty_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->spapr_vty.chardev = m->options.serial;
}

static void xics_config(const Machine *m, unsigned index, DeviceConfig *config) {
    config->xics.cpus = m->cpus;
}

static const MapRow map[] = {
    { .device = &device_spapr, .irq = NO_IRQ },
    { .device = &device_xics, .irq = NO_IRQ, .configure = xics_config },
    { { PSERIES_XIVE_CONTEXTS + 0x20000, PSERIES_XIVE_SOURCES }, { 0x10000, SPAPR_IRQ_END << XIVE_ESB_SHIFT }, &device_xive,
      .irq = NO_IRQ, .configure = xics_config },
    { .device = &device_spapr_vty, .name = "vty", .irq = NO_IRQ, .configure = vty_config },
    { .device = &device_spapr_hpt, .name = "hpt", .irq = NO_IRQ, .configure = pseries_hpt_config },
    { { 0x200000000000, 0x200080000000, SPAPR_PHB_HIGH }, { 0x10000, 0x80000000, 0x10000000000 }, &device_spapr_phb,
      .name = "phb", .irq = NO_IRQ },
};

/* Firmware is code that starts behind the interrupt vector of a reset. */
static bool check_bios(const Machine *m, GError **error) {
    enum { RESET = 0x100 };
    size_t size;
    const uint8_t *bytes = loader_bios(m->loader, &size);
    if (bytes && (size < RESET + 4 || (bytes[RESET] | bytes[RESET + 1] | bytes[RESET + 2] | bytes[RESET + 3]) == 0)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE,
                    "firmware '%s' is not for this machine: there is no code at 0x%x, where its CPUs start", m->options.bios, RESET);
        return false;
    }
    return true;
}

static bool fixup(Machine *m, GError **error) {
    pseries_connect_irqs(m);
    pseries_connect_mmu(m);
    pseries_connect_pci(m);
    return check_bios(m, error);
}

static uint64_t counter_hz(const char *cpu) {
    return PSERIES_TIMEBASE_HZ;
}

static bool set_vof(Machine *m, const char *value, GError **error) {
    bool on;
    if (!value_bool("x-vof", value, &on, error)) {
        return false;
    }
    m->keys.no_client = !on;
    return true;
}

static bool set_ic_mode(Machine *m, const char *value, GError **error) {
    static const char *const modes[] = { [PSERIES_IC_DUAL] = "dual", [PSERIES_IC_XICS] = "xics", [PSERIES_IC_XIVE] = "xive" };
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(value, modes[i]) == 0) {
            m->keys.ic_mode = i;
            return true;
        }
    }
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "ic-mode is dual, xics or xive, not '%s'", value);
    return false;
}

static bool check(Machine *m, GError **error) {
    if (m->keys.ic_mode == PSERIES_IC_XIVE && strcmp(m->cpu, "power8") == 0) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "ic-mode=xive needs a CPU with XIVE: power9, not power8");
        return false;
    }
    return true;
}

static const MachineKey keys[] = {
    { "ic-mode", "interrupt controllers that guests may use: dual, xics, xive (default: dual)", set_ic_mode },
    { "x-vof", "kernels find the client interface of Open Firmware: on, off (default: on)", set_vof },
    { NULL },
};

const MachineClass machine_pseries = {
    .name = "pseries",
    .summary = "partition of a Power server (64-bit PowerPC, XICS or XIVE, vty)",
    .frontend = &frontend_ppc,
    .image = &image_ppc64,
    .default_cpu = "power9",
    .ram_base = 0,
    .ram_default = UINT64_C(512) << 20,
    .ram_min = UINT64_C(16) << 20,
    .ram_max = UINT64_C(255) << 30,
    .cpus_max = SPAPR_CPUS,
    .bios_room = 4 << 20,
    .virtio_on_pci = true,
    .map = map,
    .map_count = G_N_ELEMENTS(map),
    .keys = keys,
    .counter_hz = counter_hz,
    .check = check,
    .fixup = fixup,
    .cluster = pseries_threads,
    .cpu_irq = pseries_doorbell,
    .firmware = pseries_hypercall,
    .boot = pseries_boot,
    .boot_room = PSERIES_BOOT_ROOM,
    .describe = pseries_describe,
};
