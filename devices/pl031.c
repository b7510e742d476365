/* SPDX-License-Identifier: MIT */
/*
 * pl031.c - Arm PrimeCell real-time clock: seconds, and an interrupt when they match.
 * Spec: Arm DDI 0224B, chapter 3.
 * The time is that of the host at the start of the machine plus the machine's clock, so it stands still with it.
 */
#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/primecell.h"

typedef struct Pl031 {
    Device d;
    ClockTimer *timer; /* NULL without a clock */
    uint32_t offset;   /* DR = offset + seconds of the machine's clock */
    uint32_t mr, lr, imsc, ris;
    uint32_t reserved; /* keeps the struct free of holes */
} Pl031;

enum { SECOND = 1000000000 };

static uint64_t seconds(const Pl031 *s) {
    return s->d.clock ? clock_now(s->d.clock) / SECOND : 0;
}

static uint32_t counter(const Pl031 *s) {
    return s->offset + (uint32_t)seconds(s);
}

static void update(Pl031 *s) {
    irq_set(&s->d.irqs[0], s->ris & s->imsc);
}

/* Waits for the counter to become MR; it may have to wrap around. */
static void set_alarm(Pl031 *s) {
    uint32_t wait = s->mr - counter(s);
    if (wait == 0) {
        s->ris = 1;
    }
    if (s->timer) {
        uint64_t ahead = wait ? wait : UINT64_C(1) << 32;
        clock_timer_set(s->timer, (seconds(s) + ahead) * SECOND);
    }
}

/* On the main loop; the alarm may have been moved a moment ago. */
static void expired(void *opaque) {
    Pl031 *s = opaque;
    device_lock(&s->d);
    set_alarm(s);
    update(s);
    device_unlock(&s->d);
}

static uint64_t dr_read(Device *d, const RegAccess *a) {
    return counter((Pl031 *)d);
}

static void mr_written(Device *d, const RegAccess *a, uint64_t value) {
    set_alarm((Pl031 *)d);
    update((Pl031 *)d);
}

static void lr_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl031 *s = (Pl031 *)d;
    s->offset = s->lr - (uint32_t)seconds(s);
    set_alarm(s);
    update(s);
}

static void cr_written(Device *d, const RegAccess *a, uint64_t value) {
    /* The clock is started and cannot be stopped. */
}

static uint64_t cr_read(Device *d, const RegAccess *a) {
    return 1;
}

static void imsc_written(Device *d, const RegAccess *a, uint64_t value) {
    update((Pl031 *)d);
}

static uint64_t mis_read(Device *d, const RegAccess *a) {
    const Pl031 *s = (const Pl031 *)d;
    return s->ris & s->imsc;
}

static void icr_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl031 *s = (Pl031 *)d;
    s->ris &= ~(uint32_t)value;
    update(s);
}

static const Reg regs[] = {
    { 0x000, "RTCDR", .read = dr_read },
    { 0x004, "RTCMR", REG_AT(Pl031, mr), .wmask = 0xffffffff, .written = mr_written },
    { 0x008, "RTCLR", REG_AT(Pl031, lr), .wmask = 0xffffffff, .written = lr_written },
    { 0x00c, "RTCCR", .read = cr_read, .written = cr_written },
    { 0x010, "RTCIMSC", REG_AT(Pl031, imsc), .wmask = 1, .written = imsc_written },
    { 0x014, "RTCRIS", REG_AT(Pl031, ris) },
    { 0x018, "RTCMIS", .read = mis_read },
    { 0x01c, "RTCICR", .written = icr_written },
    PRIMECELL_ID(0x31, 0x10, 0x04, 0x00),
};

static const DeviceBank banks[] = {
    { NULL, 0x1000, .sizes = 1 | 2 | 4, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

static const StateField state[] = {
    STATE_NOT_KEPT(Pl031, timer), STATE(Pl031, offset), STATE(Pl031, reserved),
};

static bool init(Device *d, const void *config, GError **error) {
    Pl031 *s = (Pl031 *)d;
    int64_t start = config ? ((const Pl031Config *)config)->start : -1;
    if (start < 0) {
        start = d->clock ? clock_wall_ns(d->clock) / SECOND : 0;
    }
    s->offset = (uint32_t)start - (uint32_t)seconds(s);
    s->timer = d->clock ? clock_timer_new(d->clock, expired, s) : NULL;
    return true;
}

static void finish(Device *d) {
    clock_timer_free(((Pl031 *)d)->timer);
}

/* The time of day outlives a reset. */
static void reset(Device *d) {
    Pl031 *s = (Pl031 *)d;
    if (s->timer) {
        clock_timer_cancel(s->timer);
    }
    update(s);
}

static void restored(Device *d) {
    set_alarm((Pl031 *)d);
    update((Pl031 *)d);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "pl031", at->base[0]);
    node_primecell(fdt, "arm,pl031", at->clock, NULL);
    node_reg(fdt, at->base[0], banks[0].size);
    node_spi(fdt, at->irq, NODE_LEVEL_HIGH);
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_pl031 = {
    .name = "pl031",
    .summary = "Arm PrimeCell real-time clock",
    .size = sizeof(Pl031),
    .config_size = sizeof(Pl031Config),
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
