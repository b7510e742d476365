/* SPDX-License-Identifier: MIT */
/*
 * dma.h - a device's only way to guest memory. Addresses and sizes may come straight from the guest: everything is
 * checked. Only RAM (for reads, ROM too) can be reached; device memory is refused. A transfer is whole or not at all.
 */
#ifndef DEVICES_DMA_H
#define DEVICES_DMA_H

#include "devices/bus.h"

typedef enum DmaResult {
    DMA_OK,
    DMA_FAULT, /* part of the range is not memory that may be accessed so, or wraps around */
} DmaResult;

DmaResult dma_read(Bus *bus, uint64_t gpa, void *buffer, uint64_t size);
/* Tells the bus's ram_written hook. */
DmaResult dma_write(Bus *bus, uint64_t gpa, const void *buffer, uint64_t size);
/* Writes `size` times `byte`. */
DmaResult dma_fill(Bus *bus, uint64_t gpa, uint8_t byte, uint64_t size);
/* Can the whole range be read (or written)? */
DmaResult dma_check(Bus *bus, uint64_t gpa, uint64_t size, bool write);

/* Where a device's address is in memory, and for how many bytes that holds (*left, not 0). False: it may not go there. */
typedef bool DmaTranslate(void *opaque, uint64_t address, bool write, uint64_t *gpa, uint64_t *left);

/* Memory as a device sees it from behind a bridge, which may translate its addresses or let nothing through. */
typedef struct DmaView {
    Bus *bus;
    DmaTranslate *translate; /* NULL: its addresses are those of memory. Called under the device's lock, by any thread */
    void *opaque;
} DmaView;

/* As above, with the device's addresses. */
DmaResult dma_view_read(const DmaView *view, uint64_t address, void *buffer, uint64_t size);
DmaResult dma_view_write(const DmaView *view, uint64_t address, const void *buffer, uint64_t size);
DmaResult dma_view_check(const DmaView *view, uint64_t address, uint64_t size, bool write);
/* Host memory behind [address, address + size), which must be in one piece, and where it is; else NULL. */
uint8_t *dma_view_memory(const DmaView *view, uint64_t address, uint64_t size, bool write, uint64_t *gpa);

#endif
