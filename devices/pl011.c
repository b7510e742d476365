/* SPDX-License-Identifier: MIT */
/*
 * pl011.c - Arm PrimeCell UART.
 * Spec: Arm DDI 0183G (r1p5: FIFOs of 32), chapter 3.
 * A character takes no time: the transmit FIFO is empty unless the host takes no output, and the receive timeout
 * comes as soon as the host has nothing more to give. Transmission works even before UARTEN is set, because early
 * consoles count on firmware having done that.
 * Missing: IrDA; DMA requests (DMACR only keeps its value); the baud rate has no effect.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/primecell.h"

enum {
    FIFO = 32,

    DR_FE = 1 << 8, DR_PE = 1 << 9, DR_BE = 1 << 10, DR_OE = 1 << 11,
    RSR_OE = 1 << 3,

    FR_CTS = 1 << 0, FR_DSR = 1 << 1, FR_DCD = 1 << 2, FR_BUSY = 1 << 3, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5,
    FR_RXFF = 1 << 6, FR_TXFE = 1 << 7, FR_RI = 1 << 8,
    FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI,

    LCRH_FEN = 1 << 4,
    CR_LBE = 1 << 7, CR_RXE = 1 << 9, CR_DTR = 1 << 10, CR_RTS = 1 << 11, CR_OUT1 = 1 << 12, CR_OUT2 = 1 << 13,

    INT_RI = 1 << 0, INT_CTS = 1 << 1, INT_DCD = 1 << 2, INT_DSR = 1 << 3, INT_RX = 1 << 4, INT_TX = 1 << 5,
    INT_RT = 1 << 6, INT_FE = 1 << 7, INT_PE = 1 << 8, INT_BE = 1 << 9, INT_OE = 1 << 10,
};

typedef struct Pl011 {
    Device d;
    Chardev *chardev; /* borrowed, may be NULL */
    uint16_t rx[FIFO]; /* as DR shows them: the character and its error bits */
    uint8_t tx[FIFO];
    uint32_t rx_first, rx_count, tx_first, tx_count;
    uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
    uint32_t modem;    /* FR_MODEM bits */
    uint32_t overrun;  /* a character was lost since the last one that was kept */
} Pl011;

static unsigned depth(const Pl011 *s) {
    return s->lcr_h & LCRH_FEN ? FIFO : 1;
}

/* Characters at which IFLS (its 3-bit field) makes an interrupt: 1/8, 1/4, 1/2, 3/4, 7/8. */
static unsigned trigger(const Pl011 *s, unsigned field) {
    static const uint8_t levels[8] = { FIFO / 8, FIFO / 4, FIFO / 2, FIFO * 3 / 4, FIFO * 7 / 8,
                                       FIFO * 7 / 8, FIFO * 7 / 8, FIFO * 7 / 8 };
    return s->lcr_h & LCRH_FEN ? levels[field & 7] : 1;
}

static void update(Pl011 *s) {
    irq_set(&s->d.irqs[0], s->ris & s->imsc);
}

/* -- receiving -- */

/* The interrupts that follow from what is in the FIFO. `idle`: nothing more is coming. */
static void rx_level(Pl011 *s, bool idle) {
    bool full_enough = s->rx_count >= trigger(s, s->ifls >> 3);
    s->ris = full_enough ? s->ris | INT_RX : s->ris & ~INT_RX;
    if (!s->rx_count) {
        s->ris &= ~INT_RT;
    } else if (idle && s->lcr_h & LCRH_FEN) {
        s->ris |= INT_RT;
    }
}

static void rx_push(Pl011 *s, unsigned entry) {
    if (s->rx_count >= depth(s)) {
        s->overrun = DR_OE;
        s->rsr |= RSR_OE;
        s->ris |= INT_OE;
        return;
    }
    s->rx[(s->rx_first + s->rx_count++) % FIFO] = (uint16_t)(entry | s->overrun);
    s->overrun = 0;
    s->ris |= entry & DR_BE ? INT_BE : 0;
    rx_level(s, false);
}

static uint64_t dr_read(Device *d, const RegAccess *a) {
    Pl011 *s = (Pl011 *)d;
    if (!s->rx_count) {
        return 0;
    }
    unsigned entry = s->rx[s->rx_first];
    s->rx_first = (s->rx_first + 1) % FIFO;
    s->rx_count--;
    s->rsr = entry >> 8;
    rx_level(s, true);
    update(s);
    if (s->chardev) {
        chardev_accept_input(s->chardev);
    }
    return entry;
}

static size_t can_receive(void *opaque) {
    Pl011 *s = opaque;
    device_lock(&s->d);
    bool deaf = !(s->cr & CR_RXE) || s->cr & CR_LBE || s->rx_count >= depth(s);
    size_t room = deaf ? 0 : depth(s) - s->rx_count;
    device_unlock(&s->d);
    return room;
}

static void receive(void *opaque, const uint8_t *data, size_t n) {
    Pl011 *s = opaque;
    device_lock(&s->d);
    for (size_t i = 0; i < n; i++) {
        rx_push(s, data[i]);
    }
    rx_level(s, true);
    update(s);
    device_unlock(&s->d);
}

/* -- transmitting -- */

static void transmit(Pl011 *s) {
    while (s->tx_count) {
        uint8_t byte = s->tx[s->tx_first];
        if (s->cr & CR_LBE) {
            rx_push(s, byte);
            rx_level(s, true);
        } else if (s->chardev && chardev_write(s->chardev, &byte, 1) == 0) {
            break; /* CHARDEV_WRITABLE goes on */
        }
        s->tx_first = (s->tx_first + 1) % FIFO;
        s->tx_count--;
        if (s->tx_count <= (s->lcr_h & LCRH_FEN ? trigger(s, s->ifls) : 0)) {
            s->ris |= INT_TX;
        }
    }
    update(s);
}

static void dr_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl011 *s = (Pl011 *)d;
    if (s->tx_count >= depth(s)) {
        device_log(d, LOG_GUEST_ERROR, "%s: write to DR while the transmit FIFO is full: lost", d->name);
        return;
    }
    s->tx[(s->tx_first + s->tx_count++) % FIFO] = (uint8_t)value;
    s->ris &= ~INT_TX;
    transmit(s);
}

static void event(void *opaque, ChardevEvent e) {
    Pl011 *s = opaque;
    device_lock(&s->d);
    if (e == CHARDEV_WRITABLE) {
        transmit(s);
    } else if (e == CHARDEV_BREAK && s->cr & CR_RXE && !(s->cr & CR_LBE)) {
        rx_push(s, DR_BE);
        rx_level(s, true);
        update(s);
    }
    device_unlock(&s->d);
}

/* -- the other registers -- */

static void ecr_written(Device *d, const RegAccess *a, uint64_t value) {
    ((Pl011 *)d)->rsr = 0; /* any value clears */
}

static uint64_t fr_read(Device *d, const RegAccess *a) {
    const Pl011 *s = (const Pl011 *)d;
    return s->modem | (s->tx_count ? FR_BUSY : FR_TXFE) | (s->tx_count >= depth(s) ? FR_TXFF : 0) |
           (s->rx_count ? 0 : FR_RXFE) | (s->rx_count >= depth(s) ? FR_RXFF : 0);
}

/* The modem inputs: a host that is always there, or the outputs in loopback. */
static void modem_update(Pl011 *s) {
    static const struct { unsigned out, in, interrupt; } wires[] = {
        { CR_RTS, FR_CTS, INT_CTS }, { CR_DTR, FR_DSR, INT_DSR },
        { CR_OUT1, FR_DCD, INT_DCD }, { CR_OUT2, FR_RI, INT_RI },
    };
    uint32_t lines = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(wires); i++) {
        lines |= s->cr & wires[i].out ? wires[i].in : 0;
    }
    lines = s->cr & CR_LBE ? lines : FR_CTS | FR_DSR | FR_DCD;
    for (unsigned i = 0; i < G_N_ELEMENTS(wires); i++) {
        s->ris |= (lines ^ s->modem) & wires[i].in ? wires[i].interrupt : 0;
    }
    s->modem = lines;
}

static void lcr_h_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl011 *s = (Pl011 *)d;
    uint32_t old = s->lcr_h;
    s->lcr_h = value & 0xff;
    if ((old ^ s->lcr_h) & LCRH_FEN) {
        s->rx_first = s->rx_count = 0; /* the FIFO begins anew with its new depth */
        s->overrun = 0;
        rx_level(s, true);
        update(s);
        if (s->chardev) {
            chardev_accept_input(s->chardev);
        }
    }
}

static void cr_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl011 *s = (Pl011 *)d;
    modem_update(s);
    update(s);
    if (s->chardev) {
        chardev_accept_input(s->chardev);
    }
}

static void ifls_written(Device *d, const RegAccess *a, uint64_t value) {
    rx_level((Pl011 *)d, false);
    update((Pl011 *)d);
}

static void imsc_written(Device *d, const RegAccess *a, uint64_t value) {
    update((Pl011 *)d);
}

static uint64_t mis_read(Device *d, const RegAccess *a) {
    const Pl011 *s = (const Pl011 *)d;
    return s->ris & s->imsc;
}

static void icr_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl011 *s = (Pl011 *)d;
    s->ris &= ~(uint32_t)value;
    update(s);
}

static const Reg regs[] = {
    { 0x000, "UARTDR", .read = dr_read, .written = dr_written },
    { 0x004, "UARTRSR", REG_AT(Pl011, rsr), .written = ecr_written },
    { 0x018, "UARTFR", .read = fr_read },
    { 0x020, "UARTILPR", REG_AT(Pl011, ilpr), .wmask = 0xff },
    { 0x024, "UARTIBRD", REG_AT(Pl011, ibrd), .wmask = 0xffff },
    { 0x028, "UARTFBRD", REG_AT(Pl011, fbrd), .wmask = 0x3f },
    { 0x02c, "UARTLCR_H", REG_AT(Pl011, lcr_h), .written = lcr_h_written },
    { 0x030, "UARTCR", REG_AT(Pl011, cr), .wmask = 0xff87, .reset = 0x300, .written = cr_written },
    { 0x034, "UARTIFLS", REG_AT(Pl011, ifls), .wmask = 0x3f, .reset = 0x12, .written = ifls_written },
    { 0x038, "UARTIMSC", REG_AT(Pl011, imsc), .wmask = 0x7ff, .written = imsc_written },
    { 0x03c, "UARTRIS", REG_AT(Pl011, ris) },
    { 0x040, "UARTMIS", .read = mis_read },
    { 0x044, "UARTICR", .written = icr_written },
    { 0x048, "UARTDMACR", REG_AT(Pl011, dmacr), .wmask = 0x7 },
    PRIMECELL_ID(0x11, 0x10, 0x34, 0x00),
};

/* Drivers use bytes, halfwords and words. */
static const DeviceBank banks[] = {
    { NULL, 0x1000, .sizes = 1 | 2 | 4, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

static const StateField state[] = {
    STATE_NOT_KEPT(Pl011, chardev), STATE_ARRAY(Pl011, rx, uint16_t), STATE_ARRAY(Pl011, tx, uint8_t),
    STATE(Pl011, rx_first), STATE(Pl011, rx_count), STATE(Pl011, tx_first), STATE(Pl011, tx_count),
    STATE(Pl011, modem), STATE(Pl011, overrun),
};

static bool init(Device *d, const void *config, GError **error) {
    Pl011 *s = (Pl011 *)d;
    s->chardev = config ? ((const Pl011Config *)config)->chardev : NULL;
    if (s->chardev) {
        chardev_set_handlers(s->chardev, can_receive, receive, event, s);
    }
    return true;
}

static void finish(Device *d) {
    Pl011 *s = (Pl011 *)d;
    if (s->chardev) {
        chardev_set_handlers(s->chardev, NULL, NULL, NULL, NULL);
    }
}

static void reset(Device *d) {
    Pl011 *s = (Pl011 *)d;
    s->rx_first = s->rx_count = s->overrun = 0;
    s->tx_first = s->tx_count = 0;
    memset(s->rx, 0, sizeof s->rx);
    memset(s->tx, 0, sizeof s->tx);
    s->modem = FR_CTS | FR_DSR | FR_DCD;
    update(s);
    if (s->chardev) {
        chardev_accept_input(s->chardev);
    }
}

/* Indices that a damaged snapshot could have made wild are brought back into the FIFOs. */
static void restored(Device *d) {
    Pl011 *s = (Pl011 *)d;
    s->rx_first %= FIFO;
    s->tx_first %= FIFO;
    s->rx_count = MIN(s->rx_count, FIFO);
    s->tx_count = MIN(s->tx_count, FIFO);
    transmit(s);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "pl011", at->base[0]);
    node_primecell(fdt, "arm,pl011", at->clock, "uartclk");
    node_reg(fdt, at->base[0], banks[0].size);
    node_spi(fdt, at->irq, NODE_LEVEL_HIGH);
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_pl011 = {
    .name = "pl011",
    .summary = "Arm PrimeCell UART",
    .size = sizeof(Pl011),
    .config_size = sizeof(Pl011Config),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 1,
    .init = init,
    .finish = finish,
    .reset = reset,
    .restored = restored,
    .fdt = fdt_node,
};
