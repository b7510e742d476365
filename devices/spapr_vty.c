/* SPDX-License-Identifier: MIT */
/*
 * spapr_vty.c - the terminal of a PAPR machine, which the guest reaches by hypercalls.
 * Spec: LoPAPR 1.1, 16.1 (vty, H_PUT_TERM_CHAR, H_GET_TERM_CHAR).
 * Locking: the device's lock. Missing: H_FREE_VTERM.
 */
#include <string.h>

#include "devices/devices.h"

enum { FIFO = 64, PIECE = SPAPR_VTY_PIECE };

typedef struct SpaprVty {
    Device d;
    Chardev *chardev;    /* borrowed, may be NULL */
    uint8_t rx[FIFO], tx[PIECE]; /* tx: what the host has not taken yet */
    uint32_t rx_first, rx_count, tx_count, pad;
} SpaprVty;

unsigned spapr_vty_get(Device *d, uint8_t bytes[PIECE]) {
    SpaprVty *s = (SpaprVty *)d;
    device_lock(d);
    unsigned n = MIN(s->rx_count, PIECE);
    for (unsigned i = 0; i < n; i++) {
        bytes[i] = s->rx[(s->rx_first + i) % FIFO];
    }
    s->rx_first = (s->rx_first + n) % FIFO;
    s->rx_count -= n;
    device_unlock(d);
    if (n && s->chardev) {
        chardev_accept_input(s->chardev);
    }
    return n;
}

static void transmit(SpaprVty *s) {
    size_t done = s->chardev ? chardev_write(s->chardev, s->tx, s->tx_count) : s->tx_count;
    memmove(s->tx, s->tx + done, s->tx_count - done);
    s->tx_count -= (uint32_t)done;
}

bool spapr_vty_put(Device *d, const uint8_t *bytes, unsigned n) {
    SpaprVty *s = (SpaprVty *)d;
    g_assert(n <= PIECE);
    device_lock(d);
    bool room = s->tx_count == 0;
    if (room) {
        memcpy(s->tx, bytes, n);
        s->tx_count = n;
        transmit(s);
    }
    device_unlock(d);
    return room;
}

/* -- the host's end -- */

static size_t can_receive(void *opaque) {
    SpaprVty *s = opaque;
    device_lock(&s->d);
    size_t room = FIFO - s->rx_count;
    device_unlock(&s->d);
    return room;
}

static void receive(void *opaque, const uint8_t *data, size_t n) {
    SpaprVty *s = opaque;
    device_lock(&s->d);
    for (size_t i = 0; i < n && s->rx_count < FIFO; i++) {
        s->rx[(s->rx_first + s->rx_count++) % FIFO] = data[i];
    }
    irq_set(&s->d.irqs[0], true); /* a message */
    irq_set(&s->d.irqs[0], false);
    device_unlock(&s->d);
}

static void event(void *opaque, ChardevEvent e) {
    SpaprVty *s = opaque;
    if (e == CHARDEV_WRITABLE) {
        device_lock(&s->d);
        transmit(s);
        device_unlock(&s->d);
    }
}

/* -- the device -- */

static bool init(Device *d, const void *config, GError **error) {
    SpaprVty *s = (SpaprVty *)d;
    s->chardev = config ? ((const SpaprVtyConfig *)config)->chardev : NULL;
    if (s->chardev) {
        chardev_set_handlers(s->chardev, can_receive, receive, event, s);
    }
    return true;
}

static void finish(Device *d) {
    SpaprVty *s = (SpaprVty *)d;
    if (s->chardev) {
        chardev_set_handlers(s->chardev, NULL, NULL, NULL, NULL);
    }
}

static void reset(Device *d) {
    SpaprVty *s = (SpaprVty *)d;
    s->rx_first = s->rx_count = s->tx_count = 0;
    memset(s->rx, 0, sizeof s->rx);
    memset(s->tx, 0, sizeof s->tx);
    if (s->chardev) {
        chardev_accept_input(s->chardev);
    }
}

/* Counts that a damaged snapshot could have made wild are brought back into the buffers. */
static void restored(Device *d) {
    SpaprVty *s = (SpaprVty *)d;
    s->rx_first %= FIFO;
    s->rx_count = MIN(s->rx_count, FIFO);
    s->tx_count = MIN(s->tx_count, PIECE);
    transmit(s);
}

static const StateField state[] = {
    STATE_NOT_KEPT(SpaprVty, chardev), STATE_ARRAY(SpaprVty, rx, uint8_t), STATE_ARRAY(SpaprVty, tx, uint8_t),
    STATE(SpaprVty, rx_first), STATE(SpaprVty, rx_count), STATE(SpaprVty, tx_count),
    STATE(SpaprVty, pad),
};

const DeviceClass device_spapr_vty = {
    .name = "spapr-vty",
    .summary = "terminal of a PAPR machine",
    .size = sizeof(SpaprVty),
    .config_size = sizeof(SpaprVtyConfig),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 1,
    .init = init,
    .finish = finish,
    .reset = reset,
    .restored = restored,
};
