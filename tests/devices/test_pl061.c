/* SPDX-License-Identifier: MIT */
/* test_pl061.c - GPIO pins: masked data, outputs, and interrupts on edges and levels. */
#include "tests/devices/poke.h"

enum { DATA = 0x3fc, DIRECTION = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410, RIS = 0x414, MIS = 0x418,
       IC = 0x41c };

static void output(void *opaque, unsigned pin, bool level) {
    uint8_t *pins = opaque;
    *pins = (*pins & ~(1u << pin)) | (uint8_t)(level << pin);
}

START_TEST(test_data) {
    Poke p;
    uint8_t outside = 0;
    poke_new(&p, &device_pl061, &(Pl061Config){ output, &outside });
    poke(&p, DIRECTION, 0xf0);
    poke(&p, DATA, 0xff);
    ck_assert_uint_eq(outside, 0xf0);
    ck_assert_uint_eq(peek(&p, DATA), 0xf0);
    poke(&p, 0x30 << 2, 0x10); /* only pins 4 and 5 */
    ck_assert_uint_eq(outside, 0xd0);
    device_input(p.d, 1, true);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + DATA, 1, 0), 0xd2);
    ck_assert_uint_eq(peek(&p, 0x0f << 2), 0x02);
    ck_assert_uint_eq(peek(&p, 0), 0);
    device_reset(p.d);
    ck_assert_uint_eq(outside, 0);
    ck_assert_uint_eq(peek(&p, DATA), 0x02); /* the pin outside has not moved */
    poke_free(&p);
}
END_TEST

START_TEST(test_interrupts) {
    Poke p;
    poke_new(&p, &device_pl061, NULL);
    poke(&p, IEV, 0x08); /* pin 3: rising edge */
    poke(&p, IE, 0x08);
    device_input(p.d, 3, true);
    ck_assert(poke_irq(&p, 0));
    device_input(p.d, 3, false);
    ck_assert_uint_eq(peek(&p, MIS), 0x08); /* remembered */
    poke(&p, IC, 0x08);
    ck_assert(!poke_irq(&p, 0));
    poke(&p, IBE, 0x08);
    device_input(p.d, 3, true);
    poke(&p, IC, 0x08);
    device_input(p.d, 3, false);
    ck_assert(poke_irq(&p, 0));
    poke(&p, IC, 0x08);
    poke(&p, IS, 0x08); /* high level */
    ck_assert(!poke_irq(&p, 0));
    device_input(p.d, 3, true);
    poke(&p, IC, 0x08);
    ck_assert(poke_irq(&p, 0)); /* cannot be cleared while it lasts */
    device_input(p.d, 3, false);
    ck_assert(!poke_irq(&p, 0));
    device_input(p.d, 3, true);
    poke(&p, IS, 0);
    device_input(p.d, 3, false); /* an edge is remembered ... */
    ck_assert(poke_irq(&p, 0));
    poke(&p, IS, 0x08); /* ... and is no level */
    ck_assert(!poke_irq(&p, 0));
    poke(&p, IS, 0);
    poke(&p, IC, 0x08);
    device_input(p.d, 0, true); /* falling edge of pin 0, not enabled: only raw */
    device_input(p.d, 0, false);
    ck_assert_uint_eq(peek(&p, RIS), 0x01);
    ck_assert_uint_eq(peek(&p, MIS), 0);
    poke_free(&p);
}
END_TEST

POKE_MAIN("pl061", test_data, test_interrupts)
