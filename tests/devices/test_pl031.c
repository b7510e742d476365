/* SPDX-License-Identifier: MIT */
/* test_pl031.c - the real-time clock on a clock whose time the test moves. */
#include "tests/devices/poke.h"

enum { DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14, MIS = 0x18, ICR = 0x1c };
#define SECOND UINT64_C(1000000000)

static uint64_t time_of(void *opaque) {
    return *(uint64_t *)opaque;
}

static void move(Poke *p, uint64_t *now, uint64_t ns) {
    *now += ns;
    clock_advanced(p->clk);
    for (unsigned i = 0; i < 20; i++) {
        g_usleep(100);
        g_main_context_iteration(p->context, FALSE);
    }
}

START_TEST(test_time) {
    Poke p;
    uint64_t now = 0;
    poke_new(&p, &device_pl031, &(Pl031Config){ 1000000 });
    clock_stop(p.clk); /* until the test's own source drives it */
    clock_use(p.clk, time_of, &now);
    clock_resume(p.clk);
    ck_assert_uint_eq(peek(&p, DR), 1000000);
    ck_assert_uint_eq(peek(&p, CR), 1);
    ck_assert_uint_eq(peek(&p, 0xfe0), 0x31);
    now += 5 * SECOND;
    ck_assert_uint_eq(peek(&p, DR), 1000005);
    poke(&p, LR, 77);
    ck_assert_uint_eq(peek(&p, LR), 77);
    ck_assert_uint_eq(peek(&p, DR), 77);
    poke(&p, IMSC, 1);
    poke(&p, MR, 80);
    ck_assert(!poke_irq(&p, 0));
    move(&p, &now, SECOND);
    ck_assert(!poke_irq(&p, 0));
    move(&p, &now, 2 * SECOND);
    ck_assert(poke_irq(&p, 0));
    ck_assert_uint_eq(peek(&p, MIS), 1);
    poke(&p, ICR, 1);
    ck_assert(!poke_irq(&p, 0));
    move(&p, &now, 2 * SECOND);
    ck_assert(!poke_irq(&p, 0));
    poke(&p, MR, 81); /* just missed: a wrap of the counter away */
    move(&p, &now, 100 * SECOND);
    ck_assert_uint_eq(peek(&p, RIS), 0);
    poke(&p, MR, peek(&p, DR)); /* now */
    ck_assert_uint_eq(peek(&p, RIS), 1);
    uint32_t before = peek(&p, DR);
    device_reset(p.d);
    ck_assert_uint_eq(peek(&p, DR), before);
    ck_assert_uint_eq(peek(&p, RIS), 0);
    poke_free(&p);
}
END_TEST

POKE_MAIN("pl031", test_time)
