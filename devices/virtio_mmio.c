/* SPDX-License-Identifier: MIT */
/*
 * virtio_mmio.c - a virtio device seen through registers.
 * Spec: VIRTIO 1.2, 4.2.2.
 * Missing: everything behind the transport: a slot is always empty (DeviceID 0), and a driver looks no further then.
 */
#include "devices/devices.h"
#include "devices/fdt_node.h"

typedef struct VirtioMmio {
    Device d;
} VirtioMmio;

enum { MAGIC = 0x74726976 /* "virt" */, VERSION = 2, NO_DEVICE = 0, VENDOR = 0x6f646179 /* "yado" */ };

static uint64_t zero(Device *d, const RegAccess *a) {
    return 0;
}
static void ignored(Device *d, const RegAccess *a, uint64_t value) {
}

#define EMPTY .read = zero, .written = ignored
static const Reg regs[] = {
    { 0x000, "MagicValue", .reset = MAGIC },
    { 0x004, "Version", .reset = VERSION },
    { 0x008, "DeviceID", .reset = NO_DEVICE },
    { 0x00c, "VendorID", .reset = VENDOR },
    { 0x010, "DeviceFeatures" },
    { 0x014, "DeviceFeaturesSel", EMPTY },
    { 0x020, "DriverFeatures", EMPTY },
    { 0x024, "DriverFeaturesSel", EMPTY },
    { 0x030, "QueueSel", EMPTY },
    { 0x034, "QueueNumMax" },
    { 0x038, "QueueNum", EMPTY },
    { 0x044, "QueueReady", EMPTY },
    { 0x050, "QueueNotify", EMPTY },
    { 0x060, "InterruptStatus" },
    { 0x064, "InterruptACK", EMPTY },
    { 0x070, "Status", EMPTY },
    { 0x080, "QueueDescLow", EMPTY },
    { 0x084, "QueueDescHigh", EMPTY },
    { 0x090, "QueueDriverLow", EMPTY },
    { 0x094, "QueueDriverHigh", EMPTY },
    { 0x0a0, "QueueDeviceLow", EMPTY },
    { 0x0a4, "QueueDeviceHigh", EMPTY },
    { 0x0ac, "SHMSel", EMPTY },
    { 0x0b0, "SHMLenLow", .reset = 0xffffffff }, /* no shared memory region */
    { 0x0b4, "SHMLenHigh", .reset = 0xffffffff },
    { 0x0b8, "SHMBaseLow", .reset = 0xffffffff },
    { 0x0bc, "SHMBaseHigh", .reset = 0xffffffff },
    { 0x0c0, "QueueReset", EMPTY },
    { 0x0fc, "ConfigGeneration" },
    { 0x100, "Config", .sizes = 1 | 2 | 4, .count = 64, EMPTY },
};

static const DeviceBank banks[] = {
    { NULL, 0x200, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "virtio_mmio", at->base[0]);
    node_string(fdt, "compatible", "virtio,mmio");
    node_reg(fdt, at->base[0], banks[0].size);
    node_spi(fdt, at->irq, NODE_EDGE_RISING);
    node_flag(fdt, "dma-coherent");
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_virtio_mmio = {
    .name = "virtio_mmio",
    .summary = "slot for a virtio device",
    .size = sizeof(VirtioMmio),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .irq_count = 1,
    .fdt = fdt_node,
};
