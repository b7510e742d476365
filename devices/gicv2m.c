/* SPDX-License-Identifier: MIT */
/*
 * gicv2m.c - a frame that turns messages into shared interrupts of an Arm GIC: a write names the interrupt.
 * Spec: Arm DEN 0029 (Server Base System Architecture), appendix E, "GICv2m architecture".
 * Its node stands inside the interrupt controller's, so that the machine writes it.
 * Locking: the device's lock, a leaf but for the interrupt controller's.
 */
#include "devices/devices.h"

enum { SPIS = GICV2M_SPIS, FIRST_SPI_INTID = 32, TYPER_BASE_SHIFT = 16, FRAME = 0x1000, IIDR = 0x79616400 };

typedef struct Gicv2m {
    Device d;
    uint32_t first; /* INTID */
    uint32_t reserved;
} Gicv2m;

static uint64_t typer(Device *d, const RegAccess *a) {
    return ((Gicv2m *)d)->first << TYPER_BASE_SHIFT | SPIS;
}

/* The input is edge-triggered. */
static void set_spi(Device *d, const RegAccess *a, uint64_t value) {
    uint64_t n = value - ((Gicv2m *)d)->first;
    if (n >= SPIS) {
        device_log(d, LOG_GUEST_ERROR, "%s: a message for interrupt %u, which is not the frame's", d->name, (unsigned)value);
        return;
    }
    irq_set(device_irq(d, (unsigned)n), true);
    irq_set(device_irq(d, (unsigned)n), false);
}

static uint64_t zero(Device *d, const RegAccess *a) {
    return 0;
}

static const Reg regs[] = {
    { 0x008, "MSI_TYPER", .read = typer },
    { GICV2M_SETSPI, "MSI_SETSPI_NS", .sizes = 2 | 4, .read = zero, .written = set_spi },
    { 0xfcc, "MSI_IIDR", .reset = IIDR },
};
static const DeviceBank banks[] = { { NULL, FRAME, .regs = regs, .reg_count = G_N_ELEMENTS(regs) } };

static const StateField state[] = { STATE_NOT_KEPT(Gicv2m, first), STATE_NOT_KEPT(Gicv2m, reserved) };

static bool init(Device *d, const void *config, GError **error) {
    const Gicv2mConfig *c = config;
    ((Gicv2m *)d)->first = FIRST_SPI_INTID + (c ? c->first_spi : 0);
    return true;
}

const DeviceClass device_gicv2m = {
    .name = "gicv2m",
    .summary = "frame that turns messages into interrupts of a GIC",
    .size = sizeof(Gicv2m),
    .config_size = sizeof(Gicv2mConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = SPIS,
    .init = init,
};
