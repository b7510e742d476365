/* SPDX-License-Identifier: MIT */
/*
 * gic.c - what the versions of the Arm generic interrupt controller have in common; see gic.h.
 */
#include "devices/gic.h"

#include "devices/fdt_node.h"

uint32_t gic_icfgr(uint32_t edge) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++) {
        value |= (edge >> i & 1) << (2 * i + 1);
    }
    return value;
}

uint32_t gic_icfgr_edge(uint32_t icfgr) {
    uint32_t edge = 0;
    for (unsigned i = 0; i < 16; i++) {
        edge |= (icfgr >> (2 * i + 1) & 1) << i;
    }
    return edge;
}

uint32_t gic_priorities(const uint8_t *four) {
    return four[0] | (uint32_t)four[1] << 8 | (uint32_t)four[2] << 16 | (uint32_t)four[3] << 24;
}

void gic_set_priorities(uint8_t *four, uint32_t value, uint64_t mask) {
    for (unsigned i = 0; i < 4; i++) {
        if (mask >> (8 * i) & 0xff) {
            four[i] = value >> (8 * i) & GIC_PRIORITY_MASK;
        }
    }
}

uint64_t gic_zero(Device *d, const RegAccess *a) {
    return 0;
}
void gic_ignored(Device *d, const RegAccess *a, uint64_t value) {
}

void gic_fdt_begin(Device *d, void *fdt, const DeviceFdt *at, const char *compatible) {
    uint64_t sizes[2];
    for (unsigned i = 0; i < 2; i++) {
        sizes[i] = at->size[i] ? at->size[i] : d->cls->banks[i].size;
    }
    node_begin(fdt, "intc", at->base[0]);
    node_string(fdt, "compatible", compatible);
    node_flag(fdt, "interrupt-controller");
    node_cells(fdt, "#interrupt-cells", 1, 3u);
    node_cells(fdt, "#address-cells", 1, 2u);
    node_cells(fdt, "#size-cells", 1, 2u);
    node_flag(fdt, "ranges");
    node_cells(fdt, "reg", 8, (unsigned)(at->base[0] >> 32), (unsigned)at->base[0], (unsigned)(sizes[0] >> 32),
               (unsigned)sizes[0], (unsigned)(at->base[1] >> 32), (unsigned)at->base[1], (unsigned)(sizes[1] >> 32),
               (unsigned)sizes[1]);
    node_phandle(fdt, at->phandle);
}
