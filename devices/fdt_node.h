/* SPDX-License-Identifier: MIT */
/*
 * fdt_node.h - writing device-tree nodes with libfdt's sequential functions. A failure means that the machine gave
 * too small a buffer, which is our own bug.
 */
#ifndef DEVICES_FDT_NODE_H
#define DEVICES_FDT_NODE_H

#include <glib.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdarg.h>
#include <string.h>

/* Begins the node "name@base"; the caller ends it with node_end. */
static inline void node_begin(void *fdt, const char *name, uint64_t base) {
    g_autofree char *full = g_strdup_printf("%s@%" PRIx64, name, base);
    int failed = fdt_begin_node(fdt, full);
    g_assert(!failed);
}

static inline void node_end(void *fdt) {
    int failed = fdt_end_node(fdt);
    g_assert(!failed);
}

static inline void node_bytes(void *fdt, const char *name, const void *data, size_t n) {
    int failed = fdt_property(fdt, name, data, (int)n);
    g_assert(!failed);
}

static inline void node_flag(void *fdt, const char *name) {
    node_bytes(fdt, name, "", 0);
}

static inline void node_string(void *fdt, const char *name, const char *s) {
    node_bytes(fdt, name, s, strlen(s) + 1);
}

/* n 32-bit cells, given as unsigned int. */
static inline void node_cells(void *fdt, const char *name, unsigned n, ...) {
    uint32_t cells[16];
    g_assert(n <= G_N_ELEMENTS(cells));
    va_list args;
    va_start(args, n);
    for (unsigned i = 0; i < n; i++) {
        cells[i] = cpu_to_fdt32(va_arg(args, unsigned));
    }
    va_end(args);
    node_bytes(fdt, name, cells, n * sizeof cells[0]);
}

/* {base, size} with two cells each. */
static inline void node_reg(void *fdt, uint64_t base, uint64_t size) {
    node_cells(fdt, "reg", 4, (unsigned)(base >> 32), (unsigned)base, (unsigned)(size >> 32), (unsigned)size);
}

enum { NODE_EDGE_RISING = 1, NODE_LEVEL_HIGH = 4 };

/* A shared interrupt of the Arm GIC binding: {0, SPI number, trigger}. */
static inline void node_spi(void *fdt, unsigned spi, unsigned trigger) {
    node_cells(fdt, "interrupts", 3, 0u, spi, trigger);
}

static inline void node_phandle(void *fdt, uint32_t phandle) {
    if (phandle) {
        node_cells(fdt, "phandle", 1, phandle);
    }
}

/* What every PrimeCell node has: compatible, the bus clock (and, when `own` is set, the device's clock before it). */
static inline void node_primecell(void *fdt, const char *model, uint32_t clock, const char *own) {
    g_autofree char *both = g_strdup_printf("%s|arm,primecell", model);
    *strchr(both, '|') = 0;
    node_bytes(fdt, "compatible", both, strlen(model) + 1 + sizeof "arm,primecell");
    if (clock && own) {
        g_autofree char *names = g_strdup_printf("%s|apb_pclk", own);
        *strchr(names, '|') = 0;
        node_cells(fdt, "clocks", 2, clock, clock);
        node_bytes(fdt, "clock-names", names, strlen(own) + 1 + sizeof "apb_pclk");
    } else if (clock) {
        node_cells(fdt, "clocks", 1, clock);
        node_string(fdt, "clock-names", "apb_pclk");
    }
}

#endif
