/* SPDX-License-Identifier: MIT */
/* test_bus.c - regions, page look-up, DMA, interrupt lines, RAM, and two machines at once. */
#include <pthread.h>

#include "tests/devices/poke.h"

START_TEST(test_regions) {
    Poke p;
    poke_new(&p, &device_pl031, NULL);
    static uint8_t rom[8192] __attribute__((aligned(4096))) = { 1, 2, 3, 4, 5, 6, 7, 8 };
    GError *error = NULL;
    ck_assert(bus_add_rom(p.bus, "rom", 0, sizeof rom, rom, NULL));
    ck_assert(!bus_add_rom(p.bus, "other", 4096, 4096, rom, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "overlaps 'rom'"));
    g_clear_error(&error);
    ck_assert(!bus_add_device(p.bus, POKE_BASE - 4, p.d, 0, &error));
    g_clear_error(&error);
    ck_assert(!bus_add_ram(p.bus, "odd", 0x100000001, 4096, rom, &error));
    g_clear_error(&error);
    ck_assert(!bus_add_ram(p.bus, "round", UINT64_MAX - 4095, 8192, rom, &error));
    g_clear_error(&error);
    ck_assert(bus_add_ram(p.bus, "top", UINT64_MAX - 4095, 4096, rom, NULL));
    uint64_t v = 0;
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ 0, 8, 0 }, &v), BUS_OK);
    ck_assert_uint_eq(v, 0x0807060504030201);
    ck_assert_uint_eq(peek_at(&p, 2, 2, 0), 0x0403);
    ck_assert_int_eq(bus_write(p.bus, (BusAccess){ 0, 1, 0 }, 9), BUS_REFUSED);
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ 8192, 1, 0 }, &v), BUS_NONE);
    ck_assert_int_eq(bus_write(p.bus, (BusAccess){ 0x20000000, 4, 0 }, 9), BUS_NONE);
    for (unsigned size = 1; size <= 8; size *= 2) {
        poke_at(&p, POKE_RAM + 64, 8, 0, UINT64_MAX);
        poke_at(&p, POKE_RAM + 64 + size, size, 0, 0x1122334455667788);
        uint64_t mask = UINT64_MAX >> (64 - 8 * size);
        ck_assert_uint_eq(peek_at(&p, POKE_RAM + 64 + size, size, 0), 0x1122334455667788 & mask);
        ck_assert_uint_eq(peek_at(&p, POKE_RAM + 64, 1, 0), 0xff);
    }
    bool writable;
    ck_assert_ptr_eq(bus_page(p.bus, 4097, &writable), rom + 4096);
    ck_assert(!writable);
    ck_assert_ptr_eq(bus_page(p.bus, POKE_RAM + POKE_RAM_SIZE - 1, &writable), ram_host(p.ram) + POKE_RAM_SIZE - 4096);
    ck_assert(writable);
    ck_assert_ptr_null(bus_page(p.bus, POKE_RAM + POKE_RAM_SIZE, &writable));
    ck_assert_ptr_null(bus_page(p.bus, POKE_BASE, &writable));
    ck_assert_ptr_null(bus_memory(p.bus, 0, 8, true));
    ck_assert_ptr_eq(bus_memory(p.bus, 8188, 4, false), rom + 8188);
    ck_assert_ptr_null(bus_memory(p.bus, 8188, 5, false));
    ck_assert_uint_eq(bus_memory_left(p.bus, UINT64_MAX - 2), 3);
    poke_free(&p);
}
END_TEST

START_TEST(test_dma) {
    Poke p;
    poke_new(&p, &device_pl031, NULL);
    Ram *more = ram_new(8192, NULL);
    ck_assert(bus_add_ram(p.bus, "more", POKE_RAM + POKE_RAM_SIZE, 8192, ram_host(more), NULL));
    uint64_t seam = POKE_RAM + POKE_RAM_SIZE;
    char back[16];
    ck_assert_int_eq(dma_write(p.bus, seam - 4, "abcdefgh", 8), DMA_OK); /* across regions */
    ck_assert_uint_eq(p.dirty_gpa, seam - 4);
    ck_assert_uint_eq(p.dirty_size, 8);
    ck_assert(!memcmp(ram_host(more), "efgh", 4));
    ck_assert_int_eq(dma_read(p.bus, seam - 4, back, 8), DMA_OK);
    ck_assert(!memcmp(back, "abcdefgh", 8));
    p.dirty_size = 0;
    ck_assert_int_eq(dma_write(p.bus, seam + 8190, "abcd", 4), DMA_FAULT);
    ck_assert_uint_eq(ram_host(more)[8190], 0); /* whole or not at all */
    ck_assert_int_eq(dma_write(p.bus, POKE_BASE, "abcd", 4), DMA_FAULT);
    ck_assert_int_eq(dma_read(p.bus, POKE_BASE, back, 4), DMA_FAULT);
    ck_assert_int_eq(dma_check(p.bus, POKE_RAM, UINT64_MAX, false), DMA_FAULT);
    ck_assert_int_eq(dma_check(p.bus, UINT64_MAX, 2, false), DMA_FAULT);
    ck_assert_int_eq(dma_check(p.bus, 0x777, 0, false), DMA_OK);
    Ram *ends = ram_new(8192, NULL); /* memory at both ends of the address space does not make a ring */
    ck_assert(bus_add_ram(p.bus, "bottom", 0, 4096, ram_host(ends), NULL));
    ck_assert(bus_add_ram(p.bus, "top", UINT64_MAX - 4095, 4096, ram_host(ends) + 4096, NULL));
    ck_assert_int_eq(dma_check(p.bus, UINT64_MAX, 1, false), DMA_OK);
    ck_assert_int_eq(dma_check(p.bus, UINT64_MAX, 2, false), DMA_FAULT);
    ck_assert_uint_eq(p.dirty_size, 0);
    ck_assert_int_eq(dma_fill(p.bus, seam - 2, 0x5a, 4), DMA_OK);
    ck_assert_uint_eq(peek_at(&p, seam - 4, 4, 0), 0x5a5a6261);
    ck_assert_uint_eq(peek_at(&p, seam, 4, 0), 0x68675a5a);
    poke_free(&p);
    ram_free(more);
    ram_free(ends);
}
END_TEST

START_TEST(test_ram) {
    GError *error = NULL;
    ck_assert_ptr_null(ram_new(UINT64_C(1) << 62, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "-m"));
    g_clear_error(&error);
    ck_assert_ptr_null(ram_new(4097, &error));
    g_clear_error(&error);
    Ram *ram = ram_new(UINT64_C(4) << 30, NULL); /* costs nothing until touched */
    ck_assert_ptr_nonnull(ram);
    ram_host(ram)[1] = 9;
    ram_clear(ram);
    ck_assert_uint_eq(ram_host(ram)[1], 0);
    ram_free(ram);
}
END_TEST

static void count(void *opaque, unsigned n, bool level) {
    unsigned *seen = opaque;
    seen[level]++;
    seen[2] = n;
}

START_TEST(test_lines) {
    unsigned seen[3] = { 0 };
    IrqLine line = { 0 };
    irq_set(&line, true);
    irq_connect(&line, count, seen, 7); /* a level that is already high is told */
    irq_set(&line, true);
    irq_set(&line, false);
    irq_set(&line, false);
    irq_set(&line, true);
    ck_assert_uint_eq(seen[0], 1);
    ck_assert_uint_eq(seen[1], 2);
    ck_assert_uint_eq(seen[2], 7);
    ck_assert(irq_level(&line));
}
END_TEST

/* Two machines in one process share nothing. */
START_TEST(test_two_machines) {
    Poke a, b;
    poke_new(&a, &device_pl061, NULL);
    poke_new(&b, &device_pl061, NULL);
    poke(&a, 0x400, 0xff);
    poke(&a, 0x3fc, 0xaa);
    ck_assert_uint_eq(peek(&b, 0x3fc), 0);
    poke_at(&a, POKE_RAM, 4, 0, 1);
    ck_assert_uint_eq(peek_at(&b, POKE_RAM, 4, 0), 0);
    poke_free(&a);
    ck_assert_uint_eq(peek(&b, 0xfe0), 0x61);
    poke_free(&b);
}
END_TEST

static void *hammer(void *opaque) {
    Poke *p = opaque;
    for (unsigned i = 0; i < 20000; i++) {
        device_input(p->d, 32 + i % 64, i % 3 == 0);
        poke_at(p, POKE_BASE + 0x100 + 4 * (i % 8), 4, i % 4, i * 2654435761u);
        uint64_t id = peek_at(p, POKE_BASE + POKE_BANK + 0x0c, 4, i % 4);
        poke_at(p, POKE_BASE + POKE_BANK + 0x10, 4, i % 4, id);
    }
    return NULL;
}

START_TEST(test_threads) {
    Poke p;
    poke_new(&p, &device_gicv2, &(GicConfig){ .cpus = 4 });
    poke(&p, 0, 1);
    for (unsigned i = 0; i < 4; i++) {
        poke_at(&p, POKE_BASE + POKE_BANK, 4, i, 1);
        poke_at(&p, POKE_BASE + POKE_BANK + 4, 4, i, 0xff);
    }
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &p), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < 4; i++) { /* whatever came, every interrupt that was taken was ended */
        poke_at(&p, POKE_BASE + POKE_BANK + 4, 4, i, 0);
        ck_assert(!poke_irq(&p, GIC_OUT_IRQ(i)));
    }
    poke_free(&p);
}
END_TEST

POKE_MAIN("bus", test_regions, test_dma, test_ram, test_lines, test_two_machines, test_threads)
