/* SPDX-License-Identifier: MIT */
/*
 * bus.h - the physical address space of a machine: which device, RAM or ROM answers at which address.
 *
 * Regions are added at set-up and never move afterwards. A device region may have memory behind it that is read
 * directly (flash in read-array mode) until the device switches that off.
 * Locking: look-ups take none. The bus holds a device's lock around an access to its registers.
 */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Bus Bus;
typedef struct Device Device;
typedef struct BusRegion BusRegion;

enum { BUS_PAGE_BITS = 12, BUS_PAGE = 1 << BUS_PAGE_BITS };

typedef enum BusResult {
    BUS_OK,
    BUS_NONE,    /* nothing answers at that address */
    BUS_REFUSED, /* something answers, but not to this access: size, alignment, write to ROM */
} BusResult;

/* One access by a CPU: 1, 2, 4 or 8 bytes, naturally aligned. cpu is the number of the CPU, for banked registers. */
typedef struct BusAccess {
    uint64_t gpa;
    uint32_t size;
    uint32_t cpu;
} BusAccess;

/* What the outside wants to know; any may be NULL. Called by any thread, possibly with a device lock held. */
typedef struct BusHooks {
    void *opaque;
    void (*ram_written)(void *opaque, uint64_t gpa, uint64_t size); /* by DMA: code made from there is stale */
    void (*map_changed)(void *opaque);                              /* answers of bus_page are different now */
} BusHooks;

Bus *bus_new(void);
/* Frees regions, not the devices or memory behind them. NULL is allowed. */
void bus_free(Bus *bus);
void bus_set_hooks(Bus *bus, const BusHooks *hooks);

/* Error: overlap with another region (names both), or not page-aligned memory, or beyond 2^64. All borrowed. */
bool bus_add_ram(Bus *bus, const char *name, uint64_t base, uint64_t size, uint8_t *host, GError **error);
bool bus_add_rom(Bus *bus, const char *name, uint64_t base, uint64_t size, const uint8_t *host, GError **error);
/* Maps bank `bank` of the device (device.h), with the size its class gives. */
bool bus_add_device(Bus *bus, uint64_t base, Device *device, unsigned bank, GError **error);
/* ... no more than `most` bytes of it. */
bool bus_add_device_part(Bus *bus, uint64_t base, uint64_t most, Device *device, unsigned bank, GError **error);

/* *value is little-endian: the byte at gpa is its lowest. Unchanged unless BUS_OK. Any thread. */
BusResult bus_read(Bus *bus, BusAccess access, uint64_t *value);
BusResult bus_write(Bus *bus, BusAccess access, uint64_t value);

/* Host address of the 4 KiB page that contains gpa if it is RAM or ROM, or a device that now allows direct reads;
 * *writable tells RAM. NULL: device or nothing. Good until the next map_changed. Any thread. */
uint8_t *bus_page(Bus *bus, uint64_t gpa, bool *writable);
/* Host memory behind [gpa, gpa + size), which must lie in one RAM or ROM region (for DMA and loaders); else NULL. With
 * `write` ROM does not count. Device regions never do. */
uint8_t *bus_memory(Bus *bus, uint64_t gpa, uint64_t size, bool write);
/* Bytes from gpa to the end of the RAM/ROM region that contains it; 0: none does. */
uint64_t bus_memory_left(Bus *bus, uint64_t gpa);

/* For a device: lets `host` be read directly in place of its bank's registers, or NULL to see the accesses again.
 * Writes always come to the device. Calls map_changed when something changed. */
void bus_set_direct(Bus *bus, Device *device, unsigned bank, const uint8_t *host);
/* For DMA: RAM was written behind the CPUs' back. */
void bus_ram_written(Bus *bus, uint64_t gpa, uint64_t size);

/* Every region in address order, for `info mtree`. kind is "ram", "rom" or the device's class. */
void bus_each(Bus *bus, void (*fn)(void *opaque, const char *name, const char *kind, uint64_t base, uint64_t size),
              void *opaque);

#endif
