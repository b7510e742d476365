/* SPDX-License-Identifier: MIT */
/*
 * bus.c - the sorted list of regions and the accesses through it; see bus.h.
 *
 * The list is complete before the machine runs, so look-ups need no lock. Only `direct` changes at run time.
 */
#include "devices/bus.h"

#include <gio/gio.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "devices/device.h"

struct BusRegion {
    uint64_t base, last; /* inclusive */
    char *name;
    uint8_t *memory;     /* RAM and ROM */
    bool writable;
    unsigned bank;
    Device *device;
    _Atomic(uint8_t *) direct; /* a device's memory that is read without asking it */
};

struct Bus {
    BusRegion **regions; /* sorted by base */
    unsigned count;
    BusRegion *largest;  /* of the memory: most look-ups mean it */
    BusHooks hooks;
};

Bus *bus_new(void) {
    return g_new0(Bus, 1);
}

void bus_free(Bus *bus) {
    if (!bus) {
        return;
    }
    for (unsigned i = 0; i < bus->count; i++) {
        g_free(bus->regions[i]->name);
        g_free(bus->regions[i]);
    }
    g_free(bus->regions);
    g_free(bus);
}

void bus_set_hooks(Bus *bus, const BusHooks *hooks) {
    bus->hooks = *hooks;
}

/* -- set-up -- */

static bool check_place(Bus *bus, const char *name, uint64_t base, uint64_t size, GError **error) {
    if (size == 0 || base + (size - 1) < base) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "'%s' at 0x%" PRIx64 " with 0x%" PRIx64 " bytes is empty or ends beyond the address space", name,
                    base, size);
        return false;
    }
    for (unsigned i = 0; i < bus->count; i++) {
        const BusRegion *r = bus->regions[i];
        if (base <= r->last && base + (size - 1) >= r->base) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        "'%s' at 0x%" PRIx64 "-0x%" PRIx64 " overlaps '%s' at 0x%" PRIx64 "-0x%" PRIx64
                        "; every region of the bus needs addresses of its own",
                        name, base, base + (size - 1), r->name, r->base, r->last);
            return false;
        }
    }
    return true;
}

static BusRegion *add(Bus *bus, const char *name, uint64_t base, uint64_t size, GError **error) {
    if (!check_place(bus, name, base, size, error)) {
        return NULL;
    }
    BusRegion *r = g_new0(BusRegion, 1);
    r->base = base;
    r->last = base + (size - 1);
    r->name = g_strdup(name);
    bus->regions = g_renew(BusRegion *, bus->regions, bus->count + 1);
    unsigned at = bus->count++;
    for (; at > 0 && bus->regions[at - 1]->base > base; at--) {
        bus->regions[at] = bus->regions[at - 1];
    }
    bus->regions[at] = r;
    return r;
}

static bool add_memory(Bus *bus, const char *name, uint64_t base, uint64_t size, uint8_t *host, bool writable,
                       GError **error) {
    if ((base | size) & (BUS_PAGE - 1)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "'%s' at 0x%" PRIx64 " with 0x%" PRIx64 " bytes: memory must begin and end on 4 KiB pages", name,
                    base, size);
        return false;
    }
    BusRegion *r = add(bus, name, base, size, error);
    if (!r) {
        return false;
    }
    r->memory = host;
    r->writable = writable;
    if (!bus->largest || size - 1 > bus->largest->last - bus->largest->base) {
        bus->largest = r;
    }
    return true;
}

bool bus_add_ram(Bus *bus, const char *name, uint64_t base, uint64_t size, uint8_t *host, GError **error) {
    return add_memory(bus, name, base, size, host, true, error);
}

bool bus_add_rom(Bus *bus, const char *name, uint64_t base, uint64_t size, const uint8_t *host, GError **error) {
    return add_memory(bus, name, base, size, (uint8_t *)(uintptr_t)host, false, error);
}

bool bus_add_device(Bus *bus, uint64_t base, Device *device, unsigned bank, GError **error) {
    return bus_add_device_part(bus, base, UINT64_MAX, device, bank, error);
}

bool bus_add_device_part(Bus *bus, uint64_t base, uint64_t most, Device *device, unsigned bank, GError **error) {
    g_assert(bank < device->cls->bank_count);
    BusRegion *r = add(bus, device->name, base, MIN(most, device->cls->banks[bank].size), error);
    if (!r) {
        return false;
    }
    r->device = device;
    r->bank = bank;
    if (device->cls->mapped) {
        device->cls->mapped(device, bank);
    }
    return true;
}

/* -- look-up -- */

static inline BusRegion *find(const Bus *bus, uint64_t gpa) {
    unsigned low = 0, high = bus->count;
    BusRegion *largest = bus->largest;
    if (largest && gpa >= largest->base && gpa <= largest->last) {
        return largest;
    }
    while (low < high) {
        unsigned middle = (low + high) / 2;
        BusRegion *r = bus->regions[middle];
        if (gpa < r->base) {
            high = middle;
        } else if (gpa > r->last) {
            low = middle + 1;
        } else {
            return r;
        }
    }
    return NULL;
}

static uint8_t *direct(BusRegion *r) {
    return atomic_load_explicit(&r->direct, memory_order_acquire);
}

uint8_t *bus_page(Bus *bus, uint64_t gpa, bool *writable) {
    BusRegion *r = find(bus, gpa);
    *writable = false;
    if (!r) {
        return NULL;
    }
    uint8_t *memory = r->memory ? r->memory : direct(r);
    if (!memory) {
        return NULL;
    }
    *writable = r->writable;
    return memory + ((gpa & ~(uint64_t)(BUS_PAGE - 1)) - r->base);
}

uint64_t bus_memory_left(Bus *bus, uint64_t gpa) {
    const BusRegion *r = find(bus, gpa);
    if (!r || !r->memory) {
        return 0;
    }
    uint64_t left = r->last - gpa;
    return left == UINT64_MAX ? left : left + 1;
}

uint8_t *bus_memory(Bus *bus, uint64_t gpa, uint64_t size, bool write) {
    BusRegion *r = find(bus, gpa);
    if (!r || !r->memory || size == 0 || size - 1 > r->last - gpa || (write && !r->writable)) {
        return NULL;
    }
    return r->memory + (gpa - r->base);
}

/* -- accesses -- */

/* Aligned accesses are single ones on the host, as other CPUs must see them. */
static uint64_t load(const uint8_t *p, unsigned size) {
    switch (size) {
    case 1: return __atomic_load_n(p, __ATOMIC_RELAXED);
    case 2: return GUINT16_FROM_LE(__atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED));
    case 4: return GUINT32_FROM_LE(__atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED));
    default: return GUINT64_FROM_LE(__atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED));
    }
}

static void put(uint8_t *p, unsigned size, uint64_t value) {
    switch (size) {
    case 1: __atomic_store_n(p, (uint8_t)value, __ATOMIC_RELAXED); break;
    case 2: __atomic_store_n((uint16_t *)(void *)p, GUINT16_TO_LE((uint16_t)value), __ATOMIC_RELAXED); break;
    case 4: __atomic_store_n((uint32_t *)(void *)p, GUINT32_TO_LE((uint32_t)value), __ATOMIC_RELAXED); break;
    default: __atomic_store_n((uint64_t *)(void *)p, GUINT64_TO_LE(value), __ATOMIC_RELAXED); break;
    }
}

static bool well_formed(BusAccess a) {
    return a.size && a.size <= 8 && !(a.size & (a.size - 1)) && !(a.gpa & (a.size - 1));
}

/* The region of an access, or why there is none. A region may end anywhere, so its size decides, not its pages. */
static BusResult place(Bus *bus, BusAccess a, BusRegion **r) {
    *r = find(bus, a.gpa);
    if (!*r) {
        return BUS_NONE;
    }
    return well_formed(a) && a.size - 1 <= (*r)->last - a.gpa ? BUS_OK : BUS_REFUSED;
}

BusResult bus_read(Bus *bus, BusAccess a, uint64_t *value) {
    BusRegion *r;
    BusResult result = place(bus, a, &r);
    if (result != BUS_OK) {
        return result;
    }
    uint64_t offset = a.gpa - r->base;
    const uint8_t *memory = r->memory ? r->memory : direct(r);
    if (memory) {
        *value = load(memory + offset, a.size);
        return BUS_OK;
    }
    return device_read(r->device, r->bank, offset, a.size, a.cpu, value);
}

BusResult bus_write(Bus *bus, BusAccess a, uint64_t value) {
    BusRegion *r;
    BusResult result = place(bus, a, &r);
    if (result != BUS_OK) {
        return result;
    }
    uint64_t offset = a.gpa - r->base;
    if (r->device) {
        return device_write(r->device, r->bank, offset, a.size, a.cpu, value);
    }
    if (!r->writable) {
        return BUS_REFUSED;
    }
    put(r->memory + offset, a.size, value);
    return BUS_OK;
}

/* -- changes and reports -- */

void bus_set_direct(Bus *bus, Device *device, unsigned bank, const uint8_t *host) {
    bool changed = false;
    for (unsigned i = 0; i < bus->count; i++) {
        BusRegion *r = bus->regions[i];
        if (r->device == device && r->bank == bank) {
            changed |= atomic_exchange(&r->direct, (uint8_t *)(uintptr_t)host) != host;
        }
    }
    if (changed && bus->hooks.map_changed) {
        bus->hooks.map_changed(bus->hooks.opaque);
    }
}

void bus_ram_written(Bus *bus, uint64_t gpa, uint64_t size) {
    if (bus->hooks.ram_written) {
        bus->hooks.ram_written(bus->hooks.opaque, gpa, size);
    }
}

void bus_each(Bus *bus, void (*fn)(void *opaque, const char *name, const char *kind, uint64_t base, uint64_t size),
              void *opaque) {
    for (unsigned i = 0; i < bus->count; i++) {
        const BusRegion *r = bus->regions[i];
        const char *kind = r->device ? r->device->cls->name : r->writable ? "ram" : "rom";
        fn(opaque, r->name, kind, r->base, r->last - r->base + 1);
    }
}
