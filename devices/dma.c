/* SPDX-License-Identifier: MIT */
/*
 * dma.c - a device's way to guest memory, region by region; see dma.h.
 */
#include "devices/dma.h"

#include <string.h>

/* Bytes of [gpa, gpa + size) that one region holds; 0: none may be accessed at gpa. */
static uint64_t span(Bus *bus, uint64_t gpa, uint64_t size, bool write, uint8_t **host) {
    uint64_t n = bus_memory_left(bus, gpa);
    n = n < size ? n : size;
    *host = n ? bus_memory(bus, gpa, n, write) : NULL;
    return *host ? n : 0;
}

DmaResult dma_check(Bus *bus, uint64_t gpa, uint64_t size, bool write) {
    if (!bus || (size && gpa + (size - 1) < gpa)) {
        return DMA_FAULT;
    }
    while (size) {
        uint8_t *host;
        uint64_t n = span(bus, gpa, size, write, &host);
        if (!n) {
            return DMA_FAULT;
        }
        gpa += n;
        size -= n;
    }
    return DMA_OK;
}

DmaResult dma_read(Bus *bus, uint64_t gpa, void *buffer, uint64_t size) {
    if (dma_check(bus, gpa, size, false) != DMA_OK) {
        return DMA_FAULT;
    }
    for (uint8_t *to = buffer; size;) {
        uint8_t *host;
        uint64_t n = span(bus, gpa, size, false, &host);
        memcpy(to, host, n);
        to += n;
        gpa += n;
        size -= n;
    }
    return DMA_OK;
}

/* from == NULL: `byte` everywhere. */
static DmaResult store(Bus *bus, uint64_t gpa, const uint8_t *from, uint8_t byte, uint64_t size) {
    if (dma_check(bus, gpa, size, true) != DMA_OK) {
        return DMA_FAULT;
    }
    uint64_t start = gpa, total = size;
    while (size) {
        uint8_t *host;
        uint64_t n = span(bus, gpa, size, true, &host);
        if (from) {
            memcpy(host, from, n);
            from += n;
        } else {
            memset(host, byte, n);
        }
        gpa += n;
        size -= n;
    }
    if (total) {
        bus_ram_written(bus, start, total);
    }
    return DMA_OK;
}

DmaResult dma_write(Bus *bus, uint64_t gpa, const void *buffer, uint64_t size) {
    return store(bus, gpa, buffer, 0, size);
}

DmaResult dma_fill(Bus *bus, uint64_t gpa, uint8_t byte, uint64_t size) {
    return store(bus, gpa, NULL, byte, size);
}

/* -- through a bridge -- */

/* The first piece of [address, address + size): where it is, and its size; 0: it cannot be reached. */
static uint64_t piece(const DmaView *view, uint64_t address, uint64_t size, bool write, uint64_t *gpa) {
    uint64_t left = 0;
    if (!view->translate(view->opaque, address, write, gpa, &left)) {
        return 0;
    }
    return left < size ? left : size;
}

DmaResult dma_view_check(const DmaView *view, uint64_t address, uint64_t size, bool write) {
    if (!view->translate) {
        return dma_check(view->bus, address, size, write);
    }
    if (size && address + (size - 1) < address) {
        return DMA_FAULT;
    }
    while (size) {
        uint64_t gpa, n = piece(view, address, size, write, &gpa);
        if (!n || dma_check(view->bus, gpa, n, write) != DMA_OK) {
            return DMA_FAULT;
        }
        address += n;
        size -= n;
    }
    return DMA_OK;
}

/* The guest may change the translation after the check: then a part is done. */
static DmaResult transfer(const DmaView *view, uint64_t address, uint8_t *to, const uint8_t *from, uint64_t size) {
    if (dma_view_check(view, address, size, from != NULL) != DMA_OK) {
        return DMA_FAULT;
    }
    while (size) {
        uint64_t gpa, n = piece(view, address, size, from != NULL, &gpa);
        if (!n || (from ? dma_write(view->bus, gpa, from, n) : dma_read(view->bus, gpa, to, n)) != DMA_OK) {
            return DMA_FAULT;
        }
        from = from ? from + n : NULL;
        to = to ? to + n : NULL;
        address += n;
        size -= n;
    }
    return DMA_OK;
}

DmaResult dma_view_read(const DmaView *view, uint64_t address, void *buffer, uint64_t size) {
    return view->translate ? transfer(view, address, buffer, NULL, size) : dma_read(view->bus, address, buffer, size);
}

DmaResult dma_view_write(const DmaView *view, uint64_t address, const void *buffer, uint64_t size) {
    return view->translate ? transfer(view, address, NULL, buffer, size) : dma_write(view->bus, address, buffer, size);
}

uint8_t *dma_view_memory(const DmaView *view, uint64_t address, uint64_t size, bool write, uint64_t *gpa) {
    *gpa = address;
    if (view->translate && piece(view, address, size, write, gpa) < size) {
        return NULL;
    }
    return bus_memory(view->bus, *gpa, size, write);
}
