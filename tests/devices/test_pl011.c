/* SPDX-License-Identifier: MIT */
/* test_pl011.c - the UART, with a file or a pipe as the host's end. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/devices/poke.h"

enum { DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c,
       MIS = 0x40, ICR = 0x44 };
enum { RXFE = 1 << 4, TXFF = 1 << 5, RXFF = 1 << 6, TXFE = 1 << 7, BUSY = 1 << 3 };
enum { RX = 1 << 4, TX = 1 << 5, RT = 1 << 6, BE = 1 << 9, OE = 1 << 10 };

START_TEST(test_registers) {
    Poke p;
    poke_new(&p, &device_pl011, NULL);
    ck_assert_uint_eq(peek(&p, 0xfe0), 0x11);
    ck_assert_uint_eq(peek(&p, 0xfe8), 0x34);
    ck_assert_uint_eq(peek(&p, 0xffc), 0xb1);
    ck_assert_uint_eq(peek(&p, CR), 0x300);
    ck_assert_uint_eq(peek(&p, IFLS), 0x12);
    ck_assert_uint_eq(peek(&p, FR) & (RXFE | TXFE | TXFF | RXFF | BUSY), RXFE | TXFE);
    poke(&p, IBRD, 0xfffff);
    ck_assert_uint_eq(peek(&p, IBRD), 0xffff);
    poke_at(&p, POKE_BASE + IBRD, 1, 0, 0x12); /* a byte leaves the other */
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + IBRD, 2, 0), 0xff12);
    ck_assert_uint_eq(peek_at(&p, POKE_BASE + IBRD + 1, 1, 0), 0xff);
    poke(&p, FR, 1);
    ck_assert(poke_logged(&p, "UARTFR"));
    peek(&p, 0x100);
    ck_assert(poke_logged(&p, "no register"));
    peek(&p, ICR);
    ck_assert(poke_logged(&p, "write-only"));
    ck_assert_uint_eq(peek(&p, DR), 0); /* empty */
    poke_free(&p);
}
END_TEST

/* Loopback fills the receive FIFO without a host. */
START_TEST(test_fifo_and_interrupts) {
    Poke p;
    poke_new(&p, &device_pl011, NULL);
    poke(&p, LCR_H, 0x70);
    poke(&p, CR, 0x381);
    poke(&p, IMSC, RX);
    poke(&p, ICR, 0x7ff);
    for (unsigned i = 0; i < 15; i++) {
        poke(&p, DR, 'a' + i);
    }
    ck_assert(!poke_irq(&p, 0));
    ck_assert_uint_eq(peek(&p, RIS) & (RX | RT), RT);
    poke(&p, DR, 'p'); /* the 16th: half */
    ck_assert(poke_irq(&p, 0));
    ck_assert_uint_eq(peek(&p, MIS), RX);
    poke(&p, ICR, RX);
    ck_assert(!poke_irq(&p, 0));
    for (unsigned i = 16; i < 32; i++) {
        poke(&p, DR, 'a' + i);
    }
    ck_assert_uint_eq(peek(&p, FR) & (RXFF | RXFE), RXFF);
    ck_assert_uint_eq(peek(&p, RIS) & OE, 0);
    poke(&p, DR, '!'); /* lost */
    ck_assert_uint_eq(peek(&p, RIS) & OE, OE);
    ck_assert_uint_eq(peek(&p, RSR), 8);
    for (unsigned i = 0; i < 32; i++) {
        ck_assert_uint_eq(peek(&p, DR), ('a' + i) & 0xff);
        ck_assert_int_eq(!(peek(&p, RIS) & RX), i >= 16);
        ck_assert_int_eq(!(peek(&p, RIS) & RT), i == 31);
    }
    ck_assert_uint_eq(peek(&p, FR) & (RXFF | RXFE), RXFE);
    poke(&p, DR, 'x');
    ck_assert_uint_eq(peek(&p, DR), 'x' | 0x800); /* says what was lost before it */
    ck_assert_uint_eq(peek(&p, RSR), 8);
    poke(&p, RSR, 0);
    ck_assert_uint_eq(peek(&p, RSR), 0);
    poke(&p, DR, 'y');
    ck_assert_uint_eq(peek(&p, DR), 'y');
    /* Without the FIFO there is room for one. */
    poke(&p, LCR_H, 0x60);
    poke(&p, DR, '1');
    ck_assert_uint_eq(peek(&p, FR) & RXFF, RXFF);
    ck_assert_uint_eq(peek(&p, RIS) & (RX | RT), RX);
    poke_free(&p);
}
END_TEST

START_TEST(test_transmit) {
    Poke p;
    char path[] = "/tmp/yado-test-XXXXXX";
    close(mkstemp(path));
    g_autofree char *spec = g_strconcat("file:", path, NULL);
    Chardev *c = chardev_open(spec, NULL, NULL);
    poke_new(&p, &device_pl011, &(Pl011Config){ c });
    poke(&p, IMSC, TX);
    ck_assert(!poke_irq(&p, 0));
    poke_at(&p, POKE_BASE + DR, 1, 0, 'h');
    poke_at(&p, POKE_BASE + DR, 2, 0, 'i');
    poke_at(&p, POKE_BASE + DR, 4, 0, '\n');
    ck_assert(poke_irq(&p, 0));
    ck_assert_uint_eq(peek(&p, FR) & (TXFE | BUSY), TXFE);
    poke(&p, ICR, TX);
    ck_assert(!poke_irq(&p, 0));
    poke_free(&p);
    chardev_close(c);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "hi\n");
    unlink(path);
}
END_TEST

/* stdin and stdout become pipes: input comes through the main loop, and a reader that does not read stops the guest's
 * output without stopping the guest. */
START_TEST(test_pipes) {
    int in[2], out[2];
    ck_assert(pipe(in) == 0 && pipe(out) == 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(out[1]);
    GMainContext *context = g_main_context_new();
    Chardev *c = chardev_open("mon:stdio", context, NULL);
    ck_assert(c != NULL);
    Poke p;
    poke_new(&p, &device_pl011, &(Pl011Config){ c });
    poke(&p, LCR_H, 0x70);
    poke(&p, CR, 0x301);
    poke(&p, IMSC, RX | RT | BE);
    ck_assert(write(in[1], "ab\001a\001bc", 7) == 7);
    close(in[1]);
    for (unsigned i = 0; i < 50; i++) {
        g_main_context_iteration(context, FALSE);
    }
    ck_assert(poke_irq(&p, 0));
    ck_assert_uint_eq(peek(&p, DR), 0x400); /* the break is no byte of the stream and came first */
    ck_assert_uint_eq(peek(&p, DR), 'a');
    ck_assert_uint_eq(peek(&p, DR), 'b');
    ck_assert_uint_eq(peek(&p, DR), 1);
    ck_assert_uint_eq(peek(&p, DR), 'c');
    ck_assert_uint_eq(peek(&p, FR) & RXFE, RXFE);
    uint32_t sent = 0;
    while (!(peek(&p, FR) & TXFF) && sent < 1000000) {
        poke(&p, DR, sent++ & 0xff);
    }
    ck_assert_uint_lt(sent, 300000);
    ck_assert_uint_eq(peek(&p, FR) & (TXFE | BUSY), BUSY);
    poke(&p, DR, 0); /* lost, and said so */
    ck_assert(poke_logged(&p, "transmit FIFO is full"));
    uint32_t got = 0;
    uint8_t buffer[4096];
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    for (unsigned i = 0; i < 10000 && got < sent; i++) {
        ssize_t n = read(out[0], buffer, sizeof buffer);
        for (ssize_t k = 0; k < n; k++, got++) {
            ck_assert_uint_eq(buffer[k], got & 0xff);
        }
        g_main_context_iteration(context, FALSE);
    }
    ck_assert_uint_eq(got, sent); /* every byte that was accepted, in order */
    ck_assert_uint_eq(peek(&p, FR) & TXFE, TXFE);
    poke_free(&p);
    chardev_close(c);
    g_main_context_unref(context);
}
END_TEST

POKE_MAIN("pl011", test_registers, test_fifo_and_interrupts, test_transmit, test_pipes)
