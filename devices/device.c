/* SPDX-License-Identifier: MIT */
/*
 * device.c - what all devices share: making and resetting them, dispatch through their register tables, interrupt
 * lines, and the walk over their state. See device.h.
 */
#include "devices/device.h"

#include <inttypes.h>
#include <string.h>

enum { SIZES_DEFAULT = 4, SIZES_ALL = 1 | 2 | 4 | 8 };

static uint32_t reg_width(const Reg *reg) {
    return reg->width ? reg->width : 4;
}
static uint32_t reg_count(const Reg *reg) {
    return reg->count ? reg->count : 1;
}
static uint32_t reg_stride(const Reg *reg) {
    return reg->stride ? reg->stride : reg_width(reg);
}

/* -- making -- */

static uint32_t frame_size(const DeviceBank *bank) {
    return bank->frame ? bank->frame : (uint32_t)bank->size;
}

/* Table errors are ours: they stop every test that makes the device. */
static uint16_t *index_bank(const DeviceBank *bank) {
    if (!bank->reg_count) {
        return NULL;
    }
    uint32_t size = frame_size(bank);
    g_assert(size <= DEVICE_FRAME_MAX && size % 4 == 0 && bank->size % size == 0);
    uint16_t *index = g_new0(uint16_t, size / 4);
    for (unsigned i = 0; i < bank->reg_count; i++) {
        const Reg *reg = &bank->regs[i];
        for (uint32_t k = 0; k < reg_count(reg); k++) {
            uint32_t at = reg->offset + k * reg_stride(reg);
            for (uint32_t b = 0; b < reg_width(reg); b += 4) {
                g_assert(at + b < size && index[(at + b) / 4] == 0);
                index[(at + b) / 4] = (uint16_t)(i + 1);
            }
        }
    }
    return index;
}

Device *device_new(const DeviceClass *cls, const char *name, const DeviceEnv *env, const void *config, GError **error) {
    Device *d = g_malloc0(cls->size);
    d->cls = cls;
    d->name = g_strdup(name);
    d->bus = env->bus;
    d->clock = env->clock;
    d->log = env->log;
    d->irqs = g_new0(IrqLine, cls->irq_count + 1);
    d->reg_index = g_new0(uint16_t *, cls->bank_count + 1);
    pthread_mutex_init(&d->lock, NULL);
    for (unsigned i = 0; i < cls->bank_count; i++) {
        d->reg_index[i] = index_bank(&cls->banks[i]);
    }
    if (cls->init && !cls->init(d, config, error)) {
        device_free(d);
        return NULL;
    }
    device_reset(d);
    return d;
}

void device_free(Device *d) {
    if (!d) {
        return;
    }
    if (d->cls->finish) {
        d->cls->finish(d);
    }
    for (unsigned i = 0; i < d->cls->bank_count; i++) {
        g_free(d->reg_index[i]);
    }
    g_free(d->reg_index);
    g_free(d->irqs);
    g_free(d->name);
    pthread_mutex_destroy(&d->lock);
    g_free(d);
}

/* -- fields -- */

static uint8_t *field_at(Device *d, const Reg *reg, uint32_t index) {
    return (uint8_t *)d + reg->field + (size_t)index * reg->field_bytes;
}

static uint64_t field_get(Device *d, const Reg *reg, uint32_t index) {
    const void *p = field_at(d, reg, index);
    switch (reg->field_bytes) {
    case 1: return *(const uint8_t *)p;
    case 2: return *(const uint16_t *)p;
    case 4: return *(const uint32_t *)p;
    default: return *(const uint64_t *)p;
    }
}

static void field_set(Device *d, const Reg *reg, uint32_t index, uint64_t value) {
    void *p = field_at(d, reg, index);
    switch (reg->field_bytes) {
    case 1: *(uint8_t *)p = (uint8_t)value; break;
    case 2: *(uint16_t *)p = (uint16_t)value; break;
    case 4: *(uint32_t *)p = (uint32_t)value; break;
    default: *(uint64_t *)p = value; break;
    }
}

void device_reset(Device *d) {
    device_lock(d);
    for (unsigned b = 0; b < d->cls->bank_count; b++) {
        const DeviceBank *bank = &d->cls->banks[b];
        for (unsigned i = 0; i < bank->reg_count; i++) {
            const Reg *reg = &bank->regs[i];
            for (uint32_t k = 0; reg->field_bytes && k < reg_count(reg); k++) {
                field_set(d, reg, k, reg->reset);
            }
        }
    }
    if (d->cls->reset) {
        d->cls->reset(d);
    }
    device_unlock(d);
}

/* -- interrupt lines -- */

IrqLine *device_irq(Device *d, unsigned n) {
    g_assert(n < d->cls->irq_count);
    return &d->irqs[n];
}

void device_input(void *device, unsigned n, bool level) {
    Device *d = device;
    if (d->cls->input) {
        device_lock(d);
        d->cls->input(d, n, level);
        device_unlock(d);
    }
}

void device_connect(Device *from, unsigned out, Device *to, unsigned in) {
    irq_connect(device_irq(from, out), device_input, to, in);
}

/* -- accesses -- */

/* Finds the register of an access, if there is one, and describes the access. */
static void find_reg(Device *d, unsigned bank, RegAccess *a) {
    if (!d->reg_index[bank]) {
        return;
    }
    uint32_t frame = frame_size(&d->cls->banks[bank]);
    a->frame = a->offset / frame;
    a->offset %= frame;
    unsigned n = d->reg_index[bank][a->offset / 4];
    if (n) {
        a->reg = &d->cls->banks[bank].regs[n - 1];
        a->index = (a->offset - a->reg->offset) / reg_stride(a->reg);
    }
}

/* Position of the access inside its register, in bits. */
static unsigned shift_of(const RegAccess *a) {
    return 8 * ((a->offset - a->reg->offset) % reg_stride(a->reg));
}

static uint64_t size_mask(unsigned size) {
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

static bool size_allowed(const DeviceBank *bank, const RegAccess *a) {
    unsigned sizes = a->reg && a->reg->sizes ? a->reg->sizes : bank->sizes ? bank->sizes : SIZES_DEFAULT;
    return (sizes & a->size) && (!a->reg || shift_of(a) / 8 + a->size <= reg_width(a->reg));
}

static void describe(Device *d, const RegAccess *a, unsigned item, const char *what, uint64_t value) {
    if (!log_on(d->log, item)) {
        return;
    }
    g_autofree char *index = a->reg && reg_count(a->reg) > 1 ? g_strdup_printf("%u", a->index) : g_strdup("");
    device_log(d, item, "%s: %s %s%s, offset 0x%x, %u bytes, 0x%" PRIx64, d->name, what, a->reg ? a->reg->name : "-",
               index, a->offset, a->size, value);
}

static BusResult reg_read(Device *d, const DeviceBank *bank, RegAccess *a, uint64_t *value) {
    if (!size_allowed(bank, a)) {
        describe(d, a, LOG_GUEST_ERROR, "read of a size that is not allowed:", 0);
        return BUS_REFUSED;
    }
    const Reg *reg = a->reg;
    uint64_t whole = 0;
    if (!reg) {
        describe(d, a, LOG_GUEST_ERROR, "read where no register is:", 0);
    } else if (reg->read) {
        whole = reg->read(d, a);
    } else if (reg->field_bytes) {
        whole = field_get(d, reg, a->index);
    } else if (reg->written) {
        describe(d, a, LOG_GUEST_ERROR, "read of the write-only register", 0);
    } else {
        whole = reg->reset;
    }
    *value = reg ? whole >> shift_of(a) & size_mask(a->size) : 0;
    describe(d, a, LOG_TRACE, "read", *value);
    return BUS_OK;
}

static BusResult reg_write(Device *d, const DeviceBank *bank, RegAccess *a, uint64_t value) {
    if (!size_allowed(bank, a)) {
        describe(d, a, LOG_GUEST_ERROR, "write of a size that is not allowed:", value);
        return BUS_REFUSED;
    }
    const Reg *reg = a->reg;
    describe(d, a, LOG_TRACE, "write", value);
    if (!reg) {
        describe(d, a, LOG_GUEST_ERROR, "write where no register is:", value);
        return BUS_OK;
    }
    a->mask = size_mask(a->size) << shift_of(a);
    value = value << shift_of(a) & a->mask;
    if (!reg->written && !(reg->field_bytes && reg->wmask)) {
        describe(d, a, LOG_GUEST_ERROR, "write to the read-only register", value);
        return BUS_OK;
    }
    if (reg->field_bytes) {
        uint64_t mask = reg->wmask & a->mask;
        field_set(d, reg, a->index, (field_get(d, reg, a->index) & ~mask) | (value & mask));
    }
    if (reg->written) {
        reg->written(d, a, value);
    }
    return BUS_OK;
}

BusResult device_read(Device *d, unsigned bank, uint64_t offset, unsigned size, unsigned cpu, uint64_t *value) {
    const DeviceBank *b = &d->cls->banks[bank];
    RegAccess a = { .offset = (uint32_t)offset, .size = size, .cpu = cpu };
    if (b->unlocked) {
        return size_allowed(b, &a) ? b->read(d, offset, size, value) : BUS_REFUSED;
    }
    device_lock(d);
    BusResult result;
    if (b->read) {
        result = size_allowed(b, &a) ? b->read(d, offset, size, value) : BUS_REFUSED;
    } else {
        find_reg(d, bank, &a);
        result = reg_read(d, b, &a, value);
    }
    device_unlock(d);
    return result;
}

BusResult device_write(Device *d, unsigned bank, uint64_t offset, unsigned size, unsigned cpu, uint64_t value) {
    const DeviceBank *b = &d->cls->banks[bank];
    RegAccess a = { .offset = (uint32_t)offset, .size = size, .cpu = cpu };
    if (b->unlocked) {
        return size_allowed(b, &a) ? b->write(d, offset, size, value & size_mask(size)) : BUS_REFUSED;
    }
    device_lock(d);
    BusResult result;
    if (b->write) {
        result = size_allowed(b, &a) ? b->write(d, offset, size, value & size_mask(size)) : BUS_REFUSED;
    } else {
        find_reg(d, bank, &a);
        result = reg_write(d, b, &a, value & size_mask(size));
    }
    device_unlock(d);
    return result;
}

/* -- state -- */

void device_state_walk(Device *d, DeviceVisit *visit, void *opaque) {
    const DeviceClass *cls = d->cls;
    for (unsigned b = 0; b < cls->bank_count; b++) {
        for (unsigned i = 0; i < cls->banks[b].reg_count; i++) {
            const Reg *reg = &cls->banks[b].regs[i];
            if (reg->field_bytes) {
                visit(opaque, reg->name, field_at(d, reg, 0), (size_t)reg->field_bytes * reg_count(reg),
                      reg->field_bytes);
            }
        }
    }
    for (unsigned i = 0; i < cls->state_count; i++) {
        const StateField *f = &cls->state[i];
        if (f->kind == STATE_GUEST) {
            visit(opaque, f->name, (uint8_t *)d + f->offset, f->size, f->element);
        }
    }
    if (cls->state_extra) {
        cls->state_extra(d, visit, opaque);
    }
}

/* Counts who names each byte of [offset, offset + size). */
static void mark(uint8_t *named, size_t limit, size_t offset, size_t size) {
    g_assert(offset + size <= limit);
    for (size_t i = 0; i < size; i++) {
        named[offset + i]++;
    }
}

long device_state_uncovered(const DeviceClass *cls) {
    g_autofree uint8_t *named = g_malloc0(cls->size);
    mark(named, cls->size, 0, sizeof(Device));
    for (unsigned b = 0; b < cls->bank_count; b++) {
        for (unsigned i = 0; i < cls->banks[b].reg_count; i++) {
            const Reg *reg = &cls->banks[b].regs[i];
            mark(named, cls->size, reg->field, (size_t)reg->field_bytes * (reg->field_bytes ? reg_count(reg) : 0));
        }
    }
    for (unsigned i = 0; i < cls->state_count; i++) {
        mark(named, cls->size, cls->state[i].offset, cls->state[i].size);
    }
    for (size_t i = 0; i < cls->size; i++) {
        if (named[i] != 1) {
            return (long)i;
        }
    }
    return -1;
}

void device_fdt(Device *d, void *fdt, const DeviceFdt *at) {
    if (d->cls->fdt) {
        d->cls->fdt(d, fdt, at);
    }
}
