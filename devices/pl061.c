/* SPDX-License-Identifier: MIT */
/*
 * pl061.c - Arm PrimeCell GPIO: eight pins, each an input or an output, with interrupts on edges and levels of inputs.
 * Spec: Arm DDI 0190B, chapter 3.
 * Missing: hardware control (AFSEL only keeps its value).
 */
#include "devices/devices.h"
#include "devices/fdt_node.h"
#include "devices/primecell.h"

enum { PINS = 8 };

typedef struct Pl061 {
    Device d;
    void (*output)(void *opaque, unsigned pin, bool level);
    void *output_opaque;
    uint8_t in;     /* levels at the pins from outside */
    uint8_t out;    /* what was written for output pins */
    uint8_t driven; /* levels last given to `output` */
    uint8_t dir, is, ibe, iev, ie;
    uint8_t latched; /* edges seen and not cleared */
    uint8_t seen;   /* input levels that edges are compared with */
    uint8_t afsel;
    uint8_t reserved[5]; /* keeps the struct free of holes */
} Pl061;

static uint8_t pins(const Pl061 *s) {
    return (s->in & ~s->dir) | (s->out & s->dir);
}

/* Raw interrupts: levels as they are now, edges as remembered. */
static uint8_t raw(const Pl061 *s) {
    uint8_t levels = ~(s->in ^ s->iev) & s->is & ~s->dir;
    return levels | (s->latched & ~s->is);
}

static void update(Pl061 *s) {
    uint8_t changed = (s->in ^ s->seen) & ~s->dir & ~s->is;
    uint8_t wanted = s->ibe | ~(s->in ^ s->iev); /* both edges, or the one that leads to the level in IEV */
    s->latched |= changed & wanted;
    s->seen = s->in;
    uint8_t drive = s->out & s->dir;
    for (unsigned i = 0; i < PINS && s->output; i++) {
        if ((drive ^ s->driven) >> i & 1) {
            s->output(s->output_opaque, i, drive >> i & 1);
        }
    }
    s->driven = drive;
    irq_set(&s->d.irqs[0], raw(s) & s->ie);
}

static void input(Device *d, unsigned n, bool level) {
    Pl061 *s = (Pl061 *)d;
    g_assert(n < PINS); /* the machine's wiring */
    s->in = (s->in & ~(1u << n)) | (uint8_t)(level << n);
    update(s);
}

/* Bits 9:2 of the address choose the pins of an access to DATA. */
static uint64_t data_read(Device *d, const RegAccess *a) {
    return pins((Pl061 *)d) & a->index;
}
static void data_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl061 *s = (Pl061 *)d;
    uint8_t mask = a->index & s->dir;
    s->out = (s->out & ~mask) | (value & mask);
    update(s);
}

static void config_written(Device *d, const RegAccess *a, uint64_t value) {
    update((Pl061 *)d);
}

static uint64_t ris_read(Device *d, const RegAccess *a) {
    return raw((Pl061 *)d);
}
static uint64_t mis_read(Device *d, const RegAccess *a) {
    const Pl061 *s = (const Pl061 *)d;
    return raw(s) & s->ie;
}
static void ic_written(Device *d, const RegAccess *a, uint64_t value) {
    Pl061 *s = (Pl061 *)d;
    s->latched &= ~value;
    update(s);
}

static const Reg regs[] = {
    { 0x000, "GPIODATA", .count = 256, .read = data_read, .written = data_written },
    { 0x400, "GPIODIR", REG_AT(Pl061, dir), .wmask = 0xff, .written = config_written },
    { 0x404, "GPIOIS", REG_AT(Pl061, is), .wmask = 0xff, .written = config_written },
    { 0x408, "GPIOIBE", REG_AT(Pl061, ibe), .wmask = 0xff, .written = config_written },
    { 0x40c, "GPIOIEV", REG_AT(Pl061, iev), .wmask = 0xff, .written = config_written },
    { 0x410, "GPIOIE", REG_AT(Pl061, ie), .wmask = 0xff, .written = config_written },
    { 0x414, "GPIORIS", .read = ris_read },
    { 0x418, "GPIOMIS", .read = mis_read },
    { 0x41c, "GPIOIC", .written = ic_written },
    { 0x420, "GPIOAFSEL", REG_AT(Pl061, afsel), .wmask = 0xff },
    PRIMECELL_ID(0x61, 0x10, 0x04, 0x00),
};

static const DeviceBank banks[] = {
    { NULL, 0x1000, .sizes = 1 | 2 | 4, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

static const StateField state[] = {
    STATE_NOT_KEPT(Pl061, output), STATE_NOT_KEPT(Pl061, output_opaque), STATE(Pl061, in), STATE(Pl061, out),
    STATE(Pl061, driven), STATE(Pl061, latched), STATE(Pl061, seen), STATE_ARRAY(Pl061, reserved, uint8_t),
};

static bool init(Device *d, const void *config, GError **error) {
    Pl061 *s = (Pl061 *)d;
    const Pl061Config *c = config;
    s->output = c ? c->output : NULL;
    s->output_opaque = c ? c->opaque : NULL;
    return true;
}

/* The pins' levels come from outside and stay. */
static void reset(Device *d) {
    Pl061 *s = (Pl061 *)d;
    s->out = s->latched = 0;
    s->seen = s->in;
    update(s);
}

static void restored(Device *d) {
    update((Pl061 *)d);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "pl061", at->base[0]);
    node_primecell(fdt, "arm,pl061", at->clock, NULL);
    node_reg(fdt, at->base[0], banks[0].size);
    node_spi(fdt, at->irq, NODE_LEVEL_HIGH);
    node_flag(fdt, "gpio-controller");
    node_cells(fdt, "#gpio-cells", 1, 2u);
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_pl061 = {
    .name = "pl061",
    .summary = "Arm PrimeCell GPIO",
    .size = sizeof(Pl061),
    .config_size = sizeof(Pl061Config),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 1,
    .init = init,
    .reset = reset,
    .input = input,
    .restored = restored,
    .fdt = fdt_node,
};
