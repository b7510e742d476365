/* SPDX-License-Identifier: MIT */
/* test_virtio_mmio.c - the empty transport: a driver finds it, and nothing in it. */
#include "tests/devices/poke.h"

START_TEST(test_empty) {
    Poke p;
    poke_new(&p, &device_virtio_mmio, NULL);
    ck_assert_uint_eq(peek(&p, 0x000), 0x74726976);
    ck_assert_uint_eq(peek(&p, 0x004), 2);
    ck_assert_uint_eq(peek(&p, 0x008), 0);
    for (uint32_t at = 0x010; at < 0x200; at += 4) {
        poke(&p, at, 0xffffffff);
        uint32_t value = peek(&p, at);
        ck_assert_msg(value == 0 || (at >= 0xb0 && at <= 0xbc), "0x%x: 0x%x", at, value);
    }
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + 0x101, 1, 0), 0);
    uint64_t v;
    ck_assert_int_eq(bus_read(p.bus, (BusAccess){ POKE_BASE + 0x70, 1, 0 }, &v), BUS_REFUSED);
    ck_assert(!poke_irq(&p, 0));
    poke_free(&p);
}
END_TEST

POKE_MAIN("virtio_mmio", test_empty)
