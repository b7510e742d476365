/* SPDX-License-Identifier: MIT */
/*
 * poke.h - for device tests: a bus with some RAM, a clock and a log, and register accesses that must succeed.
 */
#ifndef TESTS_DEVICES_POKE_H
#define TESTS_DEVICES_POKE_H

#include <check.h>
#include <inttypes.h>
#include <string.h>

#include "devices/devices.h"
#include "devices/dma.h"
#include "devices/ram.h"
#include "tests/run.h"

enum { POKE_RAM = 0x40000000, POKE_RAM_SIZE = 1 << 20, POKE_BASE = 0x10000000 };
#define POKE_BANK UINT64_C(0x10000000000)

/* What a test pokes. */
typedef struct Poke {
    GMainContext *context;
    Clock *clk;
    Log log;
    char *text; /* what was logged */
    size_t text_size;
    Bus *bus;
    Ram *ram;
    Device *d;  /* banks at POKE_BASE, POKE_BASE + POKE_BANK, ... */
    uint64_t dirty_gpa, dirty_size;
    unsigned map_changes;
} Poke;

static inline void poke_dirty(void *opaque, uint64_t gpa, uint64_t size) {
    Poke *p = opaque;
    p->dirty_gpa = gpa;
    p->dirty_size = size;
}

static inline void poke_map_changed(void *opaque) {
    ((Poke *)opaque)->map_changes++;
}

static inline void poke_new(Poke *p, const DeviceClass *cls, const void *config) {
    memset(p, 0, sizeof *p);
    p->context = g_main_context_new();
    p->clk = clock_new(p->context);
    p->log = (Log){ LOG_UNIMP | LOG_GUEST_ERROR, open_memstream(&p->text, &p->text_size) };
    p->bus = bus_new();
    bus_set_hooks(p->bus, &(BusHooks){ p, poke_dirty, poke_map_changed });
    p->ram = ram_new(POKE_RAM_SIZE, NULL);
    ck_assert(bus_add_ram(p->bus, "ram", POKE_RAM, POKE_RAM_SIZE, ram_host(p->ram), NULL));
    if (cls) {
        GError *error = NULL;
        p->d = device_new(cls, cls->name, &(DeviceEnv){ p->bus, p->clk, &p->log }, config, &error);
        ck_assert_msg(p->d != NULL, "%s", error ? error->message : "");
        for (unsigned i = 0; i < cls->bank_count; i++) {
            ck_assert(bus_add_device(p->bus, POKE_BASE + i * POKE_BANK, p->d, i, NULL));
        }
    }
}

static inline void poke_free(Poke *p) {
    device_free(p->d);
    bus_free(p->bus);
    ram_free(p->ram);
    clock_free(p->clk);
    fclose(p->log.out);
    free(p->text);
    g_main_context_unref(p->context);
}

static inline uint64_t peek_at(Poke *p, uint64_t gpa, unsigned size, unsigned cpu) {
    uint64_t value = 0xdeaddeaddeaddeadu;
    ck_assert_msg(bus_read(p->bus, (BusAccess){ gpa, size, cpu }, &value) == BUS_OK, "read of 0x%" PRIx64, gpa);
    return value;
}
static inline void poke_at(Poke *p, uint64_t gpa, unsigned size, unsigned cpu, uint64_t value) {
    ck_assert_msg(bus_write(p->bus, (BusAccess){ gpa, size, cpu }, value) == BUS_OK, "write of 0x%" PRIx64, gpa);
}
static inline uint32_t peek(Poke *p, uint32_t offset) {
    return (uint32_t)peek_at(p, POKE_BASE + offset, 4, 0);
}
static inline void poke(Poke *p, uint32_t offset, uint32_t value) {
    poke_at(p, POKE_BASE + offset, 4, 0, value);
}
static inline bool poke_irq(Poke *p, unsigned n) {
    return irq_level(device_irq(p->d, n));
}

/* Did the guest's mistake get a line? Forgets the lines so far. */
static inline bool poke_logged(Poke *p, const char *part) {
    fflush(p->log.out);
    bool found = p->text && strstr(p->text, part);
    rewind(p->log.out);
    fputc(0, p->log.out);
    fflush(p->log.out);
    rewind(p->log.out);
    return found;
}

#define POKE_MAIN(name, ...) TEST_MAIN(name, 30, __VA_ARGS__)

#endif
