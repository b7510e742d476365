/* SPDX-License-Identifier: MIT */
/*
 * fuzz_gic.c - the interrupt controllers under random accesses and lines. After each step every CPU's outputs are what
 * follows from the registers that can be read, computed here by going through all interrupts one by one; acknowledging
 * gives that interrupt.
 * Missing: which CPU gets an SPI that may go to any of several.
 */
/* Sources: devices/device.c devices/irq.c devices/gic*.c host/log.c */
#include <string.h>

#include "devices/devices.h"
#include "tests/fuzz/fuzz.h"

enum { IDS = 96, WORDS = IDS / 32, CPUS = 20, SPURIOUS = 1023, IDLE = 0x100, STEPS = 200 };

/* -- the controller as its registers show it -- */

typedef struct View {
    Device *d;
    bool v3;
    unsigned cpus;
    unsigned last[CPUS]; /* acknowledged last */
} View;

static uint32_t get(const View *v, unsigned bank, uint32_t offset, unsigned cpu) {
    uint64_t value = 0;
    BusResult r = device_read(v->d, bank, offset, 4, cpu, &value);
    FUZZ_CHECK(r == BUS_OK, "read of bank %u at 0x%x", bank, offset);
    return (uint32_t)value;
}
/* Of INTID id as that CPU sees it: SGIs and PPIs are in the redistributor, or banked. The word that has
 * its bits, `each` for one INTID. */
static uint32_t get_word(const View *v, unsigned cpu, uint32_t reg, unsigned each, unsigned id) {
    uint32_t at = reg + id * each / 32 * 4;
    return v->v3 && id < 32 ? get(v, 1, cpu * 0x20000 + 0x10000 + at, 0) : get(v, 0, at, cpu);
}
static uint32_t get_id(const View *v, unsigned cpu, uint32_t reg, unsigned bits, unsigned id) {
    return get_word(v, cpu, reg, bits, id) >> (id * bits % 32) & ((1u << bits) - 1);
}
static const GicCpuReg *icc(const char *name) {
    const GicCpuReg *r = gicv3_cpu_regs;
    while (strcmp(r->name, name) != 0) {
        r++;
    }
    return r;
}
static uint32_t get_icc(const View *v, unsigned cpu, const char *name) {
    const GicCpuReg *r = icc(name);
    return (uint32_t)r->read(gicv3_cpu(v->d, cpu), r->arg);
}

typedef struct Interface {
    bool group_on[2]; /* as far as offering goes */
    bool signals[2];  /* ...and beyond */
    bool fiq;         /* group 0 is FIQ */
    uint32_t pmr, point[2], active;
} Interface;

static Interface interface_of(const View *v, unsigned cpu) {
    uint32_t dist = get(v, 0, 0, 0);
    if (v->v3) {
        bool asleep = get(v, 1, cpu * 0x20000 + 0x14, 0) & 2;
        uint32_t bpr0 = get_icc(v, cpu, "ICC_BPR0_EL1"), bpr1 = get_icc(v, cpu, "ICC_BPR1_EL1");
        bool common = get_icc(v, cpu, "ICC_CTLR_EL1") & 1;
        return (Interface){
            .group_on = { !asleep && dist & 1 && get_icc(v, cpu, "ICC_IGRPEN0_EL1"),
                          !asleep && dist & 2 && get_icc(v, cpu, "ICC_IGRPEN1_EL1") },
            .signals = { true, true }, .fiq = true, .pmr = get_icc(v, cpu, "ICC_PMR_EL1"),
            .point = { bpr0 + 1, common ? bpr0 + 1 : bpr1 },
            .active = get_icc(v, cpu, "ICC_AP0R0_EL1") | get_icc(v, cpu, "ICC_AP1R0_EL1"),
        };
    }
    uint32_t ctlr = get(v, 1, 0, cpu), bpr = get(v, 1, 8, cpu), abpr = get(v, 1, 0x1c, cpu);
    return (Interface){
        .group_on = { dist & 1, dist & 2 }, .signals = { ctlr & 1, ctlr & 2 }, .fiq = ctlr & 8, .pmr = get(v, 1, 4, cpu),
        .point = { bpr + 1, ctlr & 16 ? bpr + 1 : abpr }, .active = get(v, 1, 0xd0, cpu) | get(v, 1, 0xe0, cpu),
    };
}

/* 0: not to that CPU, 1: to it, 2: perhaps. */
static unsigned routed(const View *v, unsigned cpu, unsigned id) {
    if (id < 32 || (!v->v3 && v->cpus == 1)) {
        return 1;
    }
    if (!v->v3) {
        return get_id(v, cpu, 0x800, 8, id) >> cpu & 1;
    }
    uint32_t low = get(v, 0, 0x6000 + 8 * id, 0), high = get(v, 0, 0x6004 + 8 * id, 0);
    return low >> 31 ? 2 : high == 0 && low == (cpu / GICV3_CLUSTER << 8 | cpu % GICV3_CLUSTER);
}

typedef struct Best {
    unsigned id, priority, group;
    bool perhaps; /* an interrupt for any CPU is pending */
} Best;

static Best best_of(const View *v, unsigned cpu, const Interface *c) {
    Best best = { SPURIOUS, IDLE, 0, false };
    uint32_t ready = 0; /* pending, enabled, inactive */
    for (unsigned id = 0; id < IDS; id++) {
        if (id % 32 == 0) {
            ready = get_word(v, cpu, 0x200, 1, id) & get_word(v, cpu, 0x100, 1, id) & ~get_word(v, cpu, 0x300, 1, id);
        }
        if (!(ready >> id % 32 & 1)) {
            continue;
        }
        unsigned group = get_id(v, cpu, 0x80, 1, id), priority = get_id(v, cpu, 0x400, 8, id);
        unsigned here = routed(v, cpu, id);
        best.perhaps |= here == 2;
        if (here && c->group_on[group] && priority < best.priority) {
            best = (Best){ id, priority, group, best.perhaps };
        }
    }
    return best;
}

static unsigned running(uint32_t active) {
    for (unsigned i = 0; i < 32; i++) {
        if (active >> i & 1) {
            return i * 8;
        }
    }
    return IDLE;
}

static bool taken(const View *v, const Interface *c, const Best *best) {
    unsigned run = running(c->active);
    unsigned mask = 0xff & ~((1u << c->point[best->group]) - 1);
    if (best->id == SPURIOUS || best->priority >= c->pmr || !c->signals[best->group]) {
        return false;
    }
    return run == IDLE || (best->priority & mask) < (v->v3 ? run & mask : run);
}

static void check_cpu(const View *v, unsigned cpu) {
    Interface c = interface_of(v, cpu);
    Best best = best_of(v, cpu, &c);
    bool irq = irq_level(device_irq(v->d, GIC_OUT_IRQ(cpu))), fiq = irq_level(device_irq(v->d, GIC_OUT_FIQ(cpu)));
    bool want = taken(v, &c, &best), want_fiq = want && !best.group && c.fiq;
    FUZZ_CHECK(!irq || !fiq, "CPU %u is given IRQ and FIQ", cpu);
    if (!best.perhaps) {
        FUZZ_CHECK(fiq == want_fiq && irq == (want && !want_fiq),
                   "CPU %u is given IRQ %d and FIQ %d; its best interrupt is %u of priority 0x%x and group %u", cpu, irq, fiq,
                   best.id, best.priority, best.group);
    } else {
        FUZZ_CHECK(!(irq || fiq) || best.id != SPURIOUS, "CPU %u is given IRQ %d and FIQ %d for nothing", cpu, irq, fiq);
    }
    unsigned rpr = v->v3 ? get_icc(v, cpu, "ICC_RPR_EL1") : get(v, 1, 0x14, cpu);
    FUZZ_CHECK(rpr == (c.active ? running(c.active) : 0xff), "CPU %u: RPR is 0x%x with active 0x%x", cpu, rpr, c.active);
}

/* -- steps -- */

/* Acknowledges, and expects what the registers promise. */
static void acknowledge(View *v, unsigned cpu, unsigned group) {
    Interface c = interface_of(v, cpu);
    Best best = best_of(v, cpu, &c);
    bool on = taken(v, &c, &best);
    unsigned id;
    if (v->v3) {
        id = get_icc(v, cpu, group ? "ICC_IAR1_EL1" : "ICC_IAR0_EL1");
        on = on && best.group == group;
    } else {
        uint32_t ctlr = get(v, 1, 0, cpu);
        id = get(v, 1, group ? 0x20 : 0x0c, cpu) & 1023;
        if (!group && on && best.group && !(ctlr & 4)) {
            FUZZ_CHECK(id == 1022, "IAR is %u for an interrupt of group 1", id);
            return;
        }
        on = on && (!group || best.group);
    }
    FUZZ_CHECK(best.perhaps || id == (on ? best.id : SPURIOUS), "CPU %u acknowledges %u; its best is %u, %s", cpu, id, best.id,
               on ? "and is signalled" : "which it cannot take");
    FUZZ_CHECK(id < IDS || id == SPURIOUS, "CPU %u acknowledges %u", cpu, id);
    if (id != SPURIOUS) {
        FUZZ_CHECK(get_id(v, cpu, 0x300, 1, id), "INTID %u is acknowledged and not active", id);
        FUZZ_CHECK(id >= 16 || !v->v3 || !get_id(v, cpu, 0x200, 1, id), "SGI %u is acknowledged and pending", id);
    }
    v->last[cpu] = id;
}

/* Most often the one that was acknowledged. */
static unsigned some_id(const View *v, unsigned cpu, FuzzIn *in) {
    uint8_t a = fuzz_byte(in);
    return a < 200 ? v->last[cpu] : a < 250 ? a % IDS : a * 5u;
}

static const uint16_t offsets[] = {
    0x000, 0x080, 0x100, 0x104, 0x108, 0x180, 0x184, 0x188, 0x200, 0x204, 0x208, 0x280, 0x284, 0x300, 0x304, 0x380, 0x384,
    0x084, 0x088, 0xc04, 0xc08, 0xc0c, 0xc10, 0xf00, 0xf10, 0xf20, 0x014,
};

static void write_distributor(View *v, unsigned cpu, FuzzIn *in) {
    uint8_t which = fuzz_byte(in), sub = fuzz_byte(in);
    uint32_t value = fuzz_word(in), offset;
    bool own = v->v3 && sub & 1;
    switch (which & 3) {
    case 0: offset = 0x400 + 4 * (sub % (IDS / 4)); break;
    case 1: offset = v->v3 ? 0x6000 + 4 * (64 + which % 128) : 0x800 + 4 * (sub % (IDS / 4)); break;
    default: offset = offsets[sub % G_N_ELEMENTS(offsets)]; break;
    }
    if (offset >= 0x6000) { /* mostly to CPUs that are there */
        value = value & 0xff000000 ? value & 0x113 : value;
        value = offset & 4 ? value & (which & 0x80 ? 0xff : 0) : value;
        own = false;
    }
    if (own) {
        offset = (offset == 0x14 || offset == 0 ? 0 : 0x10000) + offset + cpu * 0x20000;
    }
    (void)device_write(v->d, own, offset, 4, cpu, value);
}

static void write_anywhere(View *v, unsigned cpu, FuzzIn *in) {
    unsigned bank = fuzz_byte(in) & 1, size = 1u << (fuzz_byte(in) & 3);
    uint32_t offset = fuzz_word(in) % v->d->cls->banks[bank].size & ~(size - 1);
    uint64_t value = fuzz_word(in);
    (void)device_write(v->d, bank, offset, size, cpu, value | value << 32);
    (void)device_read(v->d, bank, offset, size, cpu, &value);
}

static void use_interface(View *v, unsigned cpu, FuzzIn *in) {
    uint8_t which = fuzz_byte(in);
    if (!v->v3) {
        static const uint16_t regs[] = { 0x00, 0x04, 0x08, 0x10, 0x1c, 0x24, 0x1000, 0xd0, 0xe0 };
        uint16_t offset = regs[which % G_N_ELEMENTS(regs)];
        bool ends = offset == 0x10 || offset == 0x24 || offset == 0x1000;
        (void)device_write(v->d, 1, offset, 4, cpu, ends ? some_id(v, cpu, in) : fuzz_word(in));
        return;
    }
    const GicCpuReg *reg = gicv3_cpu_regs;
    for (unsigned n = which % 20; n && reg[1].name; n--) {
        reg++;
    }
    uint64_t value = fuzz_word(in);
    if (strstr(reg->name, "SGI")) {
        value = (value & 0xf00ffff) | (value >> 16 & 1) << 16 | (value >> 31) << 40;
    } else if (strstr(reg->name, "EOIR") || strstr(reg->name, "DIR")) {
        value = some_id(v, cpu, in);
    }
    if (reg->write) {
        reg->write(gicv3_cpu(v->d, cpu), reg->arg, value);
    }
}

static void step(View *v, FuzzIn *in) {
    uint8_t op = fuzz_byte(in), who = fuzz_byte(in);
    unsigned cpu = who % v->cpus;
    switch (op % 16) {
    case 0: case 1: case 2: case 3:
        write_distributor(v, cpu, in);
        break;
    case 4: case 5:
        device_input(v->d, 32 + fuzz_byte(in) % (IDS - 32), op & 16);
        break;
    case 6:
        device_input(v->d, GIC_PPI(cpu, 16 + fuzz_byte(in) % 16), op & 16);
        break;
    case 7: case 8: case 9: case 10:
        acknowledge(v, cpu, op >> 4 & 1);
        break;
    case 15:
        if (op & 16) {
            write_anywhere(v, cpu, in);
        } else if (op & 32) {
            v->d->cls->restored(v->d);
        } else if (who >= 240) {
            device_reset(v->d);
        }
        break;
    default:
        use_interface(v, cpu, in);
        break;
    }
}

/* As an operating system leaves it, so that not every input has to. */
static void set_up(View *v) {
    (void)device_write(v->d, 0, 0, 4, 0, 3);
    for (unsigned w = 0; w < WORDS; w++) {
        (void)device_write(v->d, 0, 0x100 + 4 * w, 4, 0, UINT32_MAX);
        (void)device_write(v->d, 0, 0x80 + 4 * w, 4, 0, 0xaaaa5555);
    }
    for (unsigned cpu = 0; cpu < v->cpus; cpu++) {
        if (v->v3) {
            (void)device_write(v->d, 1, cpu * 0x20000 + 0x14, 4, cpu, 0);
            (void)device_write(v->d, 1, cpu * 0x20000 + 0x10100, 4, cpu, UINT32_MAX);
            static const char *const on[] = { "ICC_PMR_EL1", "ICC_IGRPEN0_EL1", "ICC_IGRPEN1_EL1" };
            for (unsigned i = 0; i < G_N_ELEMENTS(on); i++) {
                icc(on[i])->write(gicv3_cpu(v->d, cpu), icc(on[i])->arg, 0xff);
            }
        } else {
            (void)device_write(v->d, 1, 4, 4, cpu, 0xff);
            (void)device_write(v->d, 1, 0, 4, cpu, 0xb);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t counts[] = { 1, 2, 3, 8, 18, 20 };
    FuzzIn in = { data, size };
    uint8_t kind = fuzz_byte(&in);
    View v = { .v3 = kind & 1, .last = { 0 } };
    v.cpus = counts[(kind >> 2) % (v.v3 ? 6 : 4)];
    GicConfig config = { .cpus = v.cpus, .irqs = IDS };
    v.d = device_new(v.v3 ? &device_gicv3 : &device_gicv2, "gic", &(DeviceEnv){ 0 }, &config, NULL);
    if (kind & 2) {
        set_up(&v);
    }
    for (unsigned n = 0; in.left && n < STEPS; n++) {
        step(&v, &in);
        for (unsigned cpu = 0; cpu < v.cpus; cpu++) {
            check_cpu(&v, cpu);
        }
    }
    device_free(v.d);
    return 0;
}
