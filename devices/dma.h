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

#endif
