/* SPDX-License-Identifier: MIT */
/*
 * gicv3.c - Arm generic interrupt controller, version 3: the distributor, and the device as a whole.
 * Spec: Arm IHI 0069, chapter 4 and 12.8: affinity routing only (ARE is 1), one Security state (DS is 1), both groups.
 * Locking: gicv3.h.
 * Missing: LPIs and the ITS, message-based SPIs (MBIS), extended ranges, GICD_STATUSR. An SPI that may go to any CPU is
 * offered to one at a time, the first that can take it.
 */
#include <gio/gio.h>
#include <string.h>

#include "devices/fdt_node.h"
#include "devices/gicv3.h"
#include "devices/primecell.h"

enum {
    CTLR_GRP0 = 1 << 0,
    CTLR_GRP1 = 1 << 1,
    CTLR_FIXED = 1 << 4 | 1 << 6, /* ARE, DS */
    TYPER_FIXED = 1 << 24 | 9 << 19, /* A3V; 10 bits of INTID */
    REDISTRIBUTORS_SIZE = 0xf60000, /* 123 frames: what the memory map of machines keeps */
    REDISTRIBUTOR_SIZE = 0x20000,
};
#define ROUTER_IRM (UINT64_C(1) << 31)
#define ROUTER_MASK (UINT64_C(0xff00ffffff) | ROUTER_IRM)

/* -- a word of interrupts -- */

static uint32_t *stored_bits(GicWord *w, uint32_t offset) {
    uint32_t *const kinds[] = { &w->group, &w->enabled, &w->latched, &w->active };
    return kinds[offset >> 8 & 3];
}

uint32_t gic_word_read(const GicWord *w, uint32_t offset) {
    return offset >> 8 == 2 ? gic_word_pending(w) : *stored_bits((GicWord *)(uintptr_t)w, offset);
}

/* IGROUPR takes the value; of the others the upper half of a pair clears bits and the lower sets them. */
void gic_word_write(GicWord *w, uint32_t offset, uint32_t value) {
    uint32_t *bits = stored_bits(w, offset);
    *bits = offset < 0x100 ? value : offset & 0x80 ? *bits & ~value : *bits | value;
}

void gic_word_best(const GicWord *w, const uint8_t *priority, unsigned first_id, unsigned groups, GicCandidate *best) {
    uint32_t left = gic_word_pending(w) & w->enabled & ~w->active;
    left &= (groups & 1 ? ~w->group : 0) | (groups & 2 ? w->group : 0);
    for (; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        if (priority[i] < best->priority) {
            *best = (GicCandidate){ (uint16_t)(first_id + i), priority[i], w->group >> i & 1 };
        }
    }
}

/* -- offering SPIs to CPUs -- */

int gicv3_cpu_at(const Gicv3 *gic, uint32_t affinity) {
    uint64_t index = (uint64_t)(affinity >> 8) * gic->cluster + (affinity & 0xff);
    return (affinity & 0xff) < gic->cluster && index < gic->cpus ? (int)index : GICV3_NO_CPU;
}

/* For an SPI that may go to any CPU: the first that can take it now, else the first that may. best: of each CPU so far */
static int choose(Gicv3 *gic, const GicCandidate *c, const GicCandidate *best) {
    int first = GICV3_NO_CPU;
    for (unsigned i = 0; i < gic->cpus; i++) {
        Gicv3Port *p = &gic->port[i];
        bool excluded = p->cpu->rd_ctlr >> (24 + c->group) & 1;
        if (excluded || !(gicv3_groups(p) >> c->group & 1)) {
            continue;
        }
        gicv3_lock(p);
        bool now = gicv3_takes(p, c) && c->priority < best[i].priority;
        gicv3_unlock(p);
        if (now) {
            return (int)i;
        }
        first = first == GICV3_NO_CPU ? (int)i : first;
    }
    return first;
}

static void offer_one(Gicv3 *gic, const GicCandidate *c, GicCandidate *best, bool *choosing) {
    uint64_t route = gic->router[c->id];
    int cpu;
    if (route & ROUTER_IRM) {
        *choosing = true;
        cpu = choose(gic, c, best);
    } else {
        cpu = gicv3_cpu_at(gic, (uint32_t)(route & 0xffffff) | (uint32_t)(route >> 32) << 24);
    }
    if (cpu != GICV3_NO_CPU && gicv3_groups(&gic->port[cpu]) >> c->group & 1 && c->priority < best[cpu].priority) {
        best[cpu] = *c;
    }
}

void gicv3_offer(Gicv3 *gic) {
    GicCandidate best[GICV3_MAX_CPUS];
    bool choosing = false;
    for (unsigned i = 0; i < gic->cpus; i++) {
        best[i] = (GicCandidate){ GIC_ID_SPURIOUS, GIC_PRIORITY_IDLE, 0 };
    }
    for (unsigned w = 1; w < gic->words; w++) {
        const GicWord *word = &gic->spi[w];
        for (uint32_t left = gic_word_pending(word) & word->enabled & ~word->active; left; left &= left - 1) {
            unsigned id = w * 32 + (unsigned)__builtin_ctz(left);
            GicCandidate c = { (uint16_t)id, gic->priority[id], word->group >> (id % 32) & 1 };
            offer_one(gic, &c, best, &choosing);
        }
    }
    __atomic_store_n(&gic->choosing, choosing, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < gic->cpus; i++) {
        Gicv3Port *p = &gic->port[i];
        if (p->spi.id != best[i].id || p->spi.priority != best[i].priority || p->spi.group != best[i].group) {
            gicv3_lock(p);
            p->spi = best[i];
            gicv3_signal(p);
            gicv3_unlock(p);
        }
    }
}

void gicv3_set_spi_active(Gicv3 *gic, unsigned id, bool active) {
    GicWord *w = &gic->spi[id / 32];
    uint32_t bit = 1u << (id % 32);
    w->latched &= ~(active ? bit : 0);
    w->active = active ? w->active | bit : w->active & ~bit;
}

static void update_all(Gicv3 *gic) {
    gicv3_offer(gic);
    for (unsigned i = 0; i < gic->cpus; i++) {
        gicv3_lock(&gic->port[i]);
        gicv3_signal(&gic->port[i]);
        gicv3_unlock(&gic->port[i]);
    }
}

/* -- inputs -- */

void gicv3_ppi(Device *d, unsigned cpu, unsigned id, bool high) {
    Gicv3 *gic = (Gicv3 *)d;
    g_assert(cpu < gic->cpus && id >= GIC_SGIS && id < 32); /* the machine's wiring */
    Gicv3Port *p = &gic->port[cpu];
    gicv3_lock(p);
    if (gic_word_input(&p->cpu->own, id, high)) {
        gicv3_signal(p);
    }
    gicv3_unlock(p);
}

static void input(Device *d, unsigned n, bool high) {
    Gicv3 *gic = (Gicv3 *)d;
    if (n >> 16) {
        gicv3_ppi(d, (n >> 16) - 1, n & 0xffff, high);
        return;
    }
    g_assert(n >= 32 && n < gic->words * 32);
    if (gic_word_input(&gic->spi[n / 32], n % 32, high)) {
        gicv3_offer(gic);
    }
}

/* -- registers -- */

static uint64_t ctlr_read(Device *d, const RegAccess *a) {
    return ((Gicv3 *)d)->ctlr | CTLR_FIXED;
}
static void ctlr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3 *gic = (Gicv3 *)d;
    __atomic_store_n(&gic->ctlr, (uint32_t)value & (CTLR_GRP0 | CTLR_GRP1), __ATOMIC_RELAXED);
    update_all(gic);
}

static uint64_t typer_read(Device *d, const RegAccess *a) {
    return TYPER_FIXED | (((Gicv3 *)d)->words - 1);
}

/* NULL: the distributor has no such word; word 0 is the redistributors'. */
static GicWord *word_of(Gicv3 *gic, unsigned w) {
    return w > 0 && w < gic->words ? &gic->spi[w] : NULL;
}

static uint64_t word_read(Device *d, const RegAccess *a) {
    const GicWord *w = word_of((Gicv3 *)d, a->index);
    return w ? gic_word_read(w, a->reg->offset) : 0;
}
static void word_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3 *gic = (Gicv3 *)d;
    GicWord *w = word_of(gic, a->index);
    if (w) {
        gic_word_write(w, a->reg->offset, (uint32_t)value);
        gicv3_offer(gic);
    }
}

static uint64_t ipriorityr_read(Device *d, const RegAccess *a) {
    Gicv3 *gic = (Gicv3 *)d;
    return word_of(gic, a->index / 8) ? gic_priorities(&gic->priority[4 * a->index]) : 0;
}
static void ipriorityr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3 *gic = (Gicv3 *)d;
    if (word_of(gic, a->index / 8)) {
        gic_set_priorities(&gic->priority[4 * a->index], (uint32_t)value, a->mask);
        gicv3_offer(gic);
    }
}

static uint64_t icfgr_read(Device *d, const RegAccess *a) {
    const GicWord *w = word_of((Gicv3 *)d, a->index / 2);
    return w ? gic_icfgr(w->edge >> (a->index % 2 * 16)) : 0;
}
static void icfgr_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3 *gic = (Gicv3 *)d;
    GicWord *w = word_of(gic, a->index / 2);
    if (w) {
        unsigned shift = a->index % 2 * 16;
        w->edge = (w->edge & ~(0xffffu << shift)) | gic_icfgr_edge((uint32_t)value) << shift;
        gicv3_offer(gic);
    }
}

static uint64_t irouter_read(Device *d, const RegAccess *a) {
    Gicv3 *gic = (Gicv3 *)d;
    return word_of(gic, a->index / 32 + 1) ? gic->router[a->index + 32] : 0;
}
static void irouter_written(Device *d, const RegAccess *a, uint64_t value) {
    Gicv3 *gic = (Gicv3 *)d;
    if (word_of(gic, a->index / 32 + 1)) {
        uint64_t *router = &gic->router[a->index + 32];
        *router = ((*router & ~a->mask) | value) & ROUTER_MASK;
        gicv3_offer(gic);
    }
}

/* -- tables -- */

#define WORDS(at, name) { at, name, .count = 32, .read = word_read, .written = word_written }
#define NOTHING(at, name, n) { at, name, .count = n, .read = gic_zero, .written = gic_ignored }

static const Reg distributor[] = {
    { 0x0000, "GICD_CTLR", .read = ctlr_read, .written = ctlr_written },
    { 0x0004, "GICD_TYPER", .read = typer_read },
    { 0x0008, "GICD_IIDR", .reset = 0x0000043b },
    { 0x000c, "GICD_TYPER2" },
    WORDS(0x0080, "GICD_IGROUPR"), WORDS(0x0100, "GICD_ISENABLER"), WORDS(0x0180, "GICD_ICENABLER"),
    WORDS(0x0200, "GICD_ISPENDR"), WORDS(0x0280, "GICD_ICPENDR"), WORDS(0x0300, "GICD_ISACTIVER"),
    WORDS(0x0380, "GICD_ICACTIVER"),
    { 0x0400, "GICD_IPRIORITYR", .count = 255, .sizes = 1 | 4, .read = ipriorityr_read, .written = ipriorityr_written },
    { 0x0800, "GICD_ITARGETSR", .count = 255, .sizes = 1 | 4, .read = gic_zero, .written = gic_ignored },
    { 0x0c00, "GICD_ICFGR", .count = 64, .read = icfgr_read, .written = icfgr_written },
    NOTHING(0x0d00, "GICD_IGRPMODR", 32), NOTHING(0x0e00, "GICD_NSACR", 64),
    { 0x6100, "GICD_IROUTER", .count = 988, .width = 8, .sizes = 4 | 8, .read = irouter_read, .written = irouter_written },
    { 0xffd0, "GICD_PIDR4", .reset = 0x44 },
    { 0xffd4, "GICD_PIDR5", .count = 3 },
    PRIMECELL_ID_AT(0xf000, 0x92, 0xb4, 0x3b, 0x00),
};

static const DeviceBank banks[] = {
    { "distributor", 0x10000, .regs = distributor, .reg_count = G_N_ELEMENTS(distributor) },
    { "redistributors", REDISTRIBUTORS_SIZE, .frame = REDISTRIBUTOR_SIZE, .regs = gicv3_redistributor,
      .reg_count = GICV3_REDISTRIBUTOR_REGS },
};

static const StateField state[] = {
    STATE_NOT_KEPT(Gicv3, cpus), STATE_NOT_KEPT(Gicv3, words), STATE_NOT_KEPT(Gicv3, cluster), /* configuration */
    STATE(Gicv3, ctlr), STATE_NOT_KEPT(Gicv3, choosing), STATE(Gicv3, reserved),
    STATE_ARRAY(Gicv3, spi, uint32_t), STATE_ARRAY(Gicv3, router, uint64_t), STATE_ARRAY(Gicv3, priority, uint8_t),
    STATE_ARRAY(Gicv3, cpu, uint32_t), STATE_ARRAY(Gicv3, own_priority, uint8_t), STATE_NOT_KEPT(Gicv3, port),
};

static bool init(Device *d, const void *config, GError **error) {
    Gicv3 *gic = (Gicv3 *)d;
    const GicConfig *c = config;
    unsigned irqs = c && c->irqs ? c->irqs : 288;
    gic->cpus = c ? c->cpus : 1;
    gic->cluster = c && c->cluster ? c->cluster : GICV3_CLUSTER;
    gic->words = irqs / 32;
    for (unsigned i = 0; i < GICV3_MAX_CPUS; i++) {
        gic->port[i] = (Gicv3Port){ .gic = gic, .cpu = &gic->cpu[i], .priority = gic->own_priority[i], .index = i,
                                    .affinity = i / gic->cluster << 8 | i % gic->cluster };
        pthread_mutex_init(&gic->port[i].lock, NULL);
    }
    if (gic->cpus < 1 || gic->cpus > GICV3_MAX_CPUS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "a GICv3 serves 1 to %d CPUs here, not %u",
                    GICV3_MAX_CPUS, gic->cpus);
        return false;
    }
    if (gic->cluster > GICV3_CLUSTER) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "a GICv3 reaches 1 to %d CPUs in each cluster with SGIs, not %u", GICV3_CLUSTER, gic->cluster);
        return false;
    }
    if (irqs % 32 || irqs < 32 || irqs > GIC_MAX_IRQS) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "a GICv3 has a multiple of 32 interrupts, at most 992, not %u", irqs);
        return false;
    }
    return true;
}

static void finish(Device *d) {
    Gicv3 *gic = (Gicv3 *)d;
    for (unsigned i = 0; i < GICV3_MAX_CPUS; i++) {
        pthread_mutex_destroy(&gic->port[i].lock);
    }
}

/* The levels of the inputs stay: the devices that drive them have a reset of their own. */
static void reset(Device *d) {
    Gicv3 *gic = (Gicv3 *)d;
    for (unsigned w = 0; w < GICV3_WORDS; w++) {
        gic->spi[w] = (GicWord){ .level = gic->spi[w].level };
    }
    gic->ctlr = 0;
    memset(gic->router, 0, sizeof gic->router);
    memset(gic->priority, 0, sizeof gic->priority);
    memset(gic->own_priority, 0, sizeof gic->own_priority);
    for (unsigned i = 0; i < GICV3_MAX_CPUS; i++) {
        gicv3_lock(&gic->port[i]);
        gicv3_cpu_reset(&gic->cpu[i]);
        gicv3_unlock(&gic->port[i]);
    }
    update_all(gic);
}

static void restored(Device *d) {
    Gicv3 *gic = (Gicv3 *)d;
    gic->ctlr &= CTLR_GRP0 | CTLR_GRP1;
    for (unsigned i = 0; i < G_N_ELEMENTS(gic->router); i++) {
        gic->router[i] &= ROUTER_MASK;
        gic->priority[i] &= GIC_PRIORITY_MASK;
    }
    for (unsigned i = 0; i < GICV3_MAX_CPUS; i++) {
        gicv3_cpu_restored(&gic->cpu[i]);
        for (unsigned k = 0; k < 32; k++) {
            gic->own_priority[i][k] &= GIC_PRIORITY_MASK;
        }
    }
    update_all(gic);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    gic_fdt_begin(d, fdt, at, "arm,gic-v3");
    node_cells(fdt, "#redistributor-regions", 1, 1u);
    node_end(fdt);
}

const DeviceClass device_gicv3 = {
    .name = "gicv3",
    .summary = "Arm generic interrupt controller v3",
    .size = sizeof(Gicv3),
    .config_size = sizeof(GicConfig),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .irq_count = 2 * GICV3_MAX_CPUS,
    .init = init,
    .finish = finish,
    .reset = reset,
    .input = input,
    .restored = restored,
    .fdt = fdt_node,
};
