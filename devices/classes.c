/* SPDX-License-Identifier: MIT */
/*
 * classes.c - the list of all devices.
 */
#include "devices/devices.h"
#include "devices/spapr.h"

const DeviceClass *const device_classes[] = {
    &device_cfi_flash, &device_fw_cfg, &device_gicv2, &device_gicv3, &device_pl011, &device_pl031, &device_pl061,
    &device_spapr, &device_spapr_hpt, &device_spapr_phb, &device_spapr_vty, &device_xics, &device_xive, &device_virtio_mmio,
    &device_pci_ecam, &device_gicv2m, &device_virtio_blk_pci, &device_virtio_net_pci, &device_virtio_rng_pci,
    &device_virtio_serial_pci,
    &device_virtio_blk, &device_virtio_net, &device_virtio_rng, &device_virtio_serial, &device_virtconsole,
    &device_virtserialport, NULL,
};
