/* SPDX-License-Identifier: MIT */
/* test_cfi_flash.c - the flash as a driver sees it: query, program, erase, locks; and its image on the host. */
#include <unistd.h>

#include "tests/devices/poke.h"

#define BOTH(x) ((uint32_t)(x) << 16 | (x))
enum { BLOCK = 256 << 10, READY = 0x80 };

START_TEST(test_query_and_id) {
    Poke p;
    poke_new(&p, &device_cfi_flash, NULL);
    ck_assert_uint_eq(peek(&p, 0x55 * 4), 0xffffffff);
    poke(&p, 0x55 * 4, BOTH(0x98));
    ck_assert_uint_eq(peek(&p, 0x10 * 4), BOTH('Q'));
    ck_assert_uint_eq(peek(&p, 0x11 * 4), BOTH('R'));
    ck_assert_uint_eq(peek(&p, 0x12 * 4), BOTH('Y'));
    ck_assert_uint_eq(peek(&p, 0x13 * 4), BOTH(1));
    ck_assert_uint_eq(peek(&p, 0x27 * 4), BOTH(25)); /* each chip 32 MiB */
    ck_assert_uint_eq(peek(&p, 0x2c * 4), BOTH(1));
    uint32_t blocks = (peek(&p, 0x2d * 4) & 0xff) + ((peek(&p, 0x2e * 4) & 0xff) << 8) + 1;
    uint32_t bytes = ((peek(&p, 0x2f * 4) & 0xff) + ((peek(&p, 0x30 * 4) & 0xff) << 8)) * 256;
    ck_assert_uint_eq(bytes * 2, BLOCK);
    ck_assert_uint_eq((uint64_t)blocks * bytes * 2, CFI_FLASH_SIZE);
    uint32_t primary = peek(&p, 0x15 * 4) & 0xff;
    ck_assert_uint_eq(peek(&p, primary * 4), BOTH('P'));
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + 0x10 * 4, 2, 0), 'Q');
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + 0x10 * 4 + 2, 1, 0), 'Q');
    poke(&p, 0, BOTH(0x90));
    ck_assert_uint_eq(peek(&p, 0), BOTH(0x89));
    ck_assert_uint_eq(peek(&p, 8), 0);
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, 0), 0xffffffff);
    poke_at(&p, POKE_BASE + 2, 2, 0, 0x98); /* one chip only */
    ck_assert_uint_eq(peek(&p, 0x10 * 4), (uint32_t)'Q' << 16 | 0xffff);
    poke_free(&p);
}
END_TEST

START_TEST(test_program_and_erase) {
    Poke p;
    poke_new(&p, &device_cfi_flash, NULL);
    uint32_t at = 3 * BLOCK + 0x100;
    poke(&p, at, BOTH(0x40));
    poke(&p, at, 0x12345678);
    ck_assert_uint_eq(peek(&p, at), BOTH(READY));
    poke(&p, at, BOTH(0x40));
    poke(&p, at, 0xff0fffff); /* bits only go to 0 */
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, at), 0x12045678);
    poke(&p, at, BOTH(0xe8));
    ck_assert_uint_eq(peek(&p, at) & BOTH(READY), BOTH(READY));
    poke(&p, at, BOTH(3));
    for (unsigned i = 0; i < 4; i++) {
        poke(&p, at + 16 + 4 * i, 0x1000 + i);
    }
    poke(&p, at, BOTH(0xd0));
    ck_assert_uint_eq(peek(&p, at), BOTH(READY));
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, at + 28), 0x1003);
    poke(&p, at, BOTH(0x20));
    poke(&p, at, BOTH(0xd0));
    ck_assert_uint_eq(peek(&p, 0), BOTH(READY));
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, at), 0xffffffff);
    ck_assert_uint_eq(peek(&p, at + 28), 0xffffffff);
    poke_free(&p);
}
END_TEST

START_TEST(test_errors_and_locks) {
    Poke p;
    poke_new(&p, &device_cfi_flash, NULL);
    poke(&p, 0, BOTH(0x20));
    poke(&p, 0, BOTH(0x12)); /* no confirmation */
    ck_assert_uint_eq(peek(&p, 0), BOTH(0xb0));
    poke(&p, 0, BOTH(0x50));
    ck_assert_uint_eq(peek(&p, 0), BOTH(READY));
    poke(&p, 0, BOTH(0xe8));
    poke(&p, 0, BOTH(0x7fff)); /* more than the buffer */
    ck_assert_uint_eq(peek(&p, 0), BOTH(0xb0));
    poke(&p, 0, BOTH(0x50));
    poke(&p, 0, BOTH(0xe8));
    poke(&p, 0, BOTH(1));
    poke(&p, 0, 0);
    poke(&p, BLOCK, 0); /* into another block */
    ck_assert_uint_eq(peek(&p, 0), BOTH(0xb0));
    poke(&p, 0, BOTH(0x50));
    poke(&p, BLOCK, BOTH(0x60));
    poke(&p, BLOCK, BOTH(0x01));
    poke(&p, BLOCK, BOTH(0x90));
    ck_assert_uint_eq(peek(&p, BLOCK + 8), BOTH(1));
    ck_assert_uint_eq(peek(&p, 8), 0);
    poke(&p, BLOCK, BOTH(0x40));
    poke(&p, BLOCK, 0);
    ck_assert_uint_eq(peek(&p, 0), BOTH(READY | 0x12));
    poke(&p, 0, BOTH(0x50));
    poke(&p, BLOCK, BOTH(0x20));
    poke(&p, BLOCK, BOTH(0xd0));
    ck_assert_uint_eq(peek(&p, 0), BOTH(READY | 0x22));
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, BLOCK), 0xffffffff);
    poke(&p, BLOCK, BOTH(0x60));
    poke(&p, BLOCK, BOTH(0xd0));
    poke(&p, BLOCK, BOTH(0x40));
    poke(&p, BLOCK, 0x5a5aa5a5);
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, BLOCK), 0x5a5aa5a5);
    poke(&p, CFI_FLASH_SIZE - 4, BOTH(0x40)); /* the last word */
    poke(&p, CFI_FLASH_SIZE - 4, 0);
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&p, CFI_FLASH_SIZE - 4), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_direct_reads) {
    Poke p;
    bool writable = true;
    poke_new(&p, &device_cfi_flash, &(FlashConfig){ .data = "firmware", .data_size = 8 });
    uint8_t *page = bus_page(p.bus, POKE_BASE, &writable);
    ck_assert(page && !writable && !memcmp(page, "firmware\xff", 9));
    ck_assert_ptr_eq(bus_page(p.bus, POKE_BASE + 0x5123, &writable), page + 0x5000);
    ck_assert_ptr_null(bus_memory(p.bus, POKE_BASE, 4, false)); /* for DMA it is a device */
    unsigned changes = p.map_changes;
    poke(&p, 0, BOTH(0x70));
    ck_assert_ptr_null(bus_page(p.bus, POKE_BASE, &writable));
    ck_assert_uint_eq(p.map_changes, changes + 1);
    poke(&p, 0, BOTH(0xff));
    ck_assert_uint_eq(peek_at(&p, POKE_BASE, 8, 0), 0x657261776d726966);
    for (unsigned i = 0; i < 100; i++) {
        peek(&p, 0);
    }
    ck_assert_ptr_eq(bus_page(p.bus, POKE_BASE, &writable), page);
    ck_assert_uint_eq(p.map_changes, changes + 2);
    poke_free(&p);
}
END_TEST

START_TEST(test_image) {
    char path[] = "/tmp/yado-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(write(fd, "variables", 9) == 9 && ftruncate(fd, 300000) == 0);
    close(fd);
    Poke p, q;
    poke_new(&p, &device_cfi_flash, &(FlashConfig){ .path = path });
    ck_assert_uint_eq(peek(&p, 0), 0x69726176);
    ck_assert_uint_eq(peek(&p, 200000), 0);
    ck_assert_uint_eq(peek(&p, 300000), 0xffffffff);
    GError *error = NULL; /* nobody else may write it */
    ck_assert_ptr_null(device_new(&device_cfi_flash, "two", &(DeviceEnv){ 0 }, &(FlashConfig){ .path = path }, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "in use"));
    g_clear_error(&error);
    poke(&p, 4, BOTH(0x40));
    poke(&p, 4, 0);
    poke_free(&p);
    poke_new(&q, &device_cfi_flash, &(FlashConfig){ .path = path, .read_only = true });
    ck_assert_uint_eq(peek(&q, 4), 0); /* it is in the file */
    poke(&q, 0, BOTH(0x20));
    poke(&q, 0, BOTH(0xd0));
    poke(&q, 0, BOTH(0xff));
    ck_assert_uint_eq(peek(&q, 0), 0xffffffff); /* in memory, not in the file */
    poke_free(&q);
    poke_new(&q, &device_cfi_flash, &(FlashConfig){ .path = path, .read_only = true });
    ck_assert_uint_eq(peek(&q, 0), 0x69726176);
    poke_free(&q);
    ck_assert(truncate(path, CFI_FLASH_SIZE + 1) == 0);
    ck_assert_ptr_null(device_new(&device_cfi_flash, "big", &(DeviceEnv){ 0 }, &(FlashConfig){ .path = path }, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "larger"));
    g_clear_error(&error);
    unlink(path);
    ck_assert_ptr_null(device_new(&device_cfi_flash, "no", &(DeviceEnv){ 0 }, &(FlashConfig){ .path = path }, &error));
    g_clear_error(&error);
}
END_TEST

POKE_MAIN("cfi_flash", test_query_and_id, test_program_and_erase, test_errors_and_locks, test_direct_reads, test_image)
