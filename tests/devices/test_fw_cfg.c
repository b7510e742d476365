/* SPDX-License-Identifier: MIT */
/* test_fw_cfg.c - items by register and by DMA, and descriptors that mean harm. */
#include "tests/devices/poke.h"

enum { DATA = 0x00, SELECTOR = 0x08, DMA = 0x10, DESCRIPTOR = POKE_RAM + 0x1000, TO = POKE_RAM + 0x2000 };
enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

static void select_key(Poke *p, uint16_t key) {
    poke_at(p, POKE_BASE + SELECTOR, 2, 0, GUINT16_SWAP_LE_BE(key));
}

static uint8_t next(Poke *p) {
    return (uint8_t)peek_at(p, POKE_BASE + DATA, 1, 0);
}

static void add_items(Poke *p) {
    poke_new(p, &device_fw_cfg, NULL);
    fw_cfg_add_i16(p->d, FW_CFG_NB_CPUS, 0x0102);
    fw_cfg_add_i32(p->d, FW_CFG_KERNEL_SIZE, 0x01020304);
    fw_cfg_add_i64(p->d, FW_CFG_RAM_SIZE, 0x0102030405060708);
    fw_cfg_add_string(p->d, FW_CFG_CMDLINE_DATA, "console=ttyAMA0");
    ck_assert(fw_cfg_add_file(p->d, "etc/one", "first", 5, NULL));
    ck_assert(fw_cfg_add_file(p->d, "etc/two", "second!", 7, NULL));
}

START_TEST(test_registers) {
    Poke p;
    add_items(&p);
    char text[5] = { 0 };
    for (unsigned i = 0; i < 4; i++) {
        text[i] = (char)next(&p);
    }
    ck_assert_str_eq(text, "QEMU"); /* selected after reset */
    ck_assert_uint_eq(next(&p), 0);
    select_key(&p, FW_CFG_ID);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 4, 0), 3);
    select_key(&p, FW_CFG_RAM_SIZE);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 8, 0), 0x0102030405060708);
    select_key(&p, FW_CFG_NB_CPUS);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 2, 0), 0x0102);
    select_key(&p, FW_CFG_CMDLINE_DATA);
    ck_assert_int_eq(next(&p), 'c');
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 8, 0), 0x743d656c6f736e6f); /* "onsole=t", in address order */
    select_key(&p, 0x1234);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 8, 0), 0);
    poke_at(&p, POKE_BASE + DATA, 1, 0, 1);
    ck_assert(poke_logged(&p, "cannot be written"));
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DMA, 8, 0), GUINT64_SWAP_LE_BE(0x51454d5520434647));
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DMA, 4, 0), GUINT32_SWAP_LE_BE(0x51454d55));
    poke_free(&p);
}
END_TEST

START_TEST(test_directory) {
    Poke p;
    add_items(&p);
    select_key(&p, FW_CFG_FILE_DIR);
    uint8_t bytes[4 + 3 * 64];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = next(&p);
    }
    ck_assert(!memcmp(bytes, "\0\0\0\2", 4));
    ck_assert(!memcmp(bytes + 4, "\0\0\0\5\0\x20\0\0etc/one", 16));
    ck_assert(!memcmp(bytes + 68, "\0\0\0\7\0\x21\0\0etc/two", 16));
    GError *error = NULL;
    ck_assert(!fw_cfg_add_file(p.d, "etc/one", "", 0, &error));
    g_clear_error(&error);
    ck_assert(!fw_cfg_add_file(p.d, "0123456789012345678901234567890123456789012345678901234x", "", 0, &error));
    g_clear_error(&error);
    ck_assert(fw_cfg_add_file(p.d, "012345678901234567890123456789012345678901234567890123x", "", 0, NULL));
    poke_free(&p);
}
END_TEST

/* Runs a descriptor; returns the control word that comes back. */
static uint32_t run(Poke *p, uint64_t at, uint32_t control, uint32_t length, uint64_t address) {
    struct { uint32_t control, length; uint64_t address; } d = { GUINT32_TO_BE(control), GUINT32_TO_BE(length),
                                                                 GUINT64_TO_BE(address) };
    if (dma_check(p->bus, at, sizeof d, true) == DMA_OK) {
        dma_write(p->bus, at, &d, sizeof d);
    }
    poke_at(p, POKE_BASE + DMA, 4, 0, GUINT32_SWAP_LE_BE((uint32_t)(at >> 32)));
    poke_at(p, POKE_BASE + DMA + 4, 4, 0, GUINT32_SWAP_LE_BE((uint32_t)at));
    uint32_t back = GUINT32_TO_BE(0xffff);
    dma_read(p->bus, at, &back, sizeof back);
    return GUINT32_FROM_BE(back);
}

START_TEST(test_dma) {
    Poke p;
    add_items(&p);
    uint8_t *to = ram_host(p.ram) + (TO - POKE_RAM);
    memset(to, 0xaa, 32);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, FW_CFG_CMDLINE_DATA << 16 | SELECT | READ, 7, TO), 0);
    ck_assert(!memcmp(to, "console\xaa", 8));
    ck_assert_uint_eq(run(&p, DESCRIPTOR, SKIP, 4, 0), 0);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, READ, 16, TO), 0);
    ck_assert(!memcmp(to, "AMA0\0\0\0\0\0\0\0\0\0\0\0\0\xaa", 17)); /* zeros after the end */
    ck_assert_uint_eq(run(&p, DESCRIPTOR, 0x21 << 16 | SELECT, 0, 0), 0);
    ck_assert_int_eq(next(&p), 's'); /* both ways share the position */
    ck_assert_uint_eq(run(&p, DESCRIPTOR, READ, 2, TO), 0);
    ck_assert(!memcmp(to, "ec", 2));
    /* One 64-bit write starts too. */
    uint32_t control = GUINT32_TO_BE(FW_CFG_SIGNATURE << 16 | SELECT | READ), length = GUINT32_TO_BE(4);
    dma_write(p.bus, DESCRIPTOR, &control, 4);
    dma_write(p.bus, DESCRIPTOR + 4, &length, 4);
    poke_at(&p, POKE_BASE + DMA, 8, 0, GUINT64_SWAP_LE_BE((uint64_t)DESCRIPTOR));
    ck_assert(!memcmp(to, "QEMU", 4));
    ck_assert_uint_eq(p.dirty_gpa, DESCRIPTOR); /* the last thing written is the descriptor */
    poke_free(&p);
}
END_TEST

START_TEST(test_hostile_dma) {
    Poke p;
    add_items(&p);
    uint8_t *ram = ram_host(p.ram);
    uint32_t read_one = 0x20u << 16 | SELECT | READ;
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 5, POKE_BASE), ERROR);      /* to the device itself */
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 5, 0x123456), ERROR);       /* to nothing */
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 5, UINT64_MAX - 2), ERROR); /* around the end */
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, UINT32_MAX, TO), ERROR);    /* beyond RAM: nothing is written */
    ck_assert_uint_eq(ram[TO - POKE_RAM], 0);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 6, POKE_RAM + POKE_RAM_SIZE - 5), ERROR);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 5, POKE_RAM + POKE_RAM_SIZE - 5), 0);
    ck_assert(!memcmp(ram + POKE_RAM_SIZE - 5, "first", 5));
    ck_assert_uint_eq(run(&p, DESCRIPTOR, 0x20u << 16 | SELECT | WRITE, 5, TO), ERROR);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, SKIP, UINT32_MAX, 0), 0);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, READ, 4, TO), 0);
    ck_assert_uint_eq(run(&p, DESCRIPTOR, read_one, 16, DESCRIPTOR), 0); /* over itself: the result wins */
    /* Descriptors where none can be: nothing happens but a line. */
    poke_logged(&p, "");
    run(&p, POKE_BASE, READ, 4, TO);
    ck_assert(poke_logged(&p, "descriptor"));
    run(&p, 0, READ, 4, TO);
    run(&p, UINT64_MAX - 3, READ, 4, TO);
    run(&p, POKE_RAM + POKE_RAM_SIZE - 8, READ, 4, TO);
    ck_assert(poke_logged(&p, "descriptor"));
    poke_free(&p);
}
END_TEST

POKE_MAIN("fw_cfg", test_registers, test_directory, test_dma, test_hostile_dma)
