/* SPDX-License-Identifier: MIT */
/*
 * test_state.c - what must hold for every device: its tables name every byte of its state once, reset brings it back,
 * and no access of any size, anywhere, with any value harms.
 */
#include <libfdt.h>

#include "devices/spapr.h"
#include "tests/devices/poke.h"

START_TEST(test_every_byte_has_a_name) {
    for (const DeviceClass *const *c = device_classes; *c; c++) {
        ck_assert_msg(device_state_uncovered(*c) < 0, "%s: byte %ld (of %zu, %zu are the Device's) has no name or two",
                      (*c)->name, device_state_uncovered(*c), (*c)->size, sizeof(Device));
    }
}
END_TEST

typedef struct Sum {
    uint64_t hash, bytes;
} Sum;

static void sum_up(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    Sum *s = opaque;
    ck_assert_msg(name && element && size % element == 0, "%s", name);
    for (size_t i = 0; i < MIN(size, 65536); i++) {
        s->hash = (s->hash ^ ((uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    s->bytes += size;
}

static Sum state_of(Device *d) {
    Sum s = { 14695981039346656037u, 0 };
    device_state_walk(d, sum_up, &s);
    return s;
}

START_TEST(test_reset_after_anything) {
    static const unsigned sizes[] = { 1, 2, 4, 8 };
    for (const DeviceClass *const *c = device_classes; *c; c++) {
        Poke p;
        poke_new(&p, *c, NULL);
        p.log.items = 0;
        if (*c == &device_pl031) { /* its time must not move meanwhile */
            clock_stop(p.clk);
        }
        Sum before = state_of(p.d);
        uint32_t random = 1;
        for (unsigned bank = 0; bank < (*c)->bank_count; bank++) {
            uint32_t size = (uint32_t)MIN((*c)->banks[bank].size, 0x2000);
            for (unsigned i = 0; i < 40000; i++) {
                random = random * 1664525 + 1013904223;
                uint64_t value, gpa = POKE_BASE + bank * POKE_BANK + (random >> 8) % size;
                unsigned n = sizes[random >> 6 & 3], cpu = random >> 3 & 7;
                (void)bus_read(p.bus, (BusAccess){ gpa, n, cpu }, &value);
                (void)bus_write(p.bus, (BusAccess){ gpa, n, cpu }, (uint64_t)random * random);
                value = 0;
                BusResult r = bus_read(p.bus, (BusAccess){ gpa & ~(uint64_t)(n - 1), n, cpu }, &value);
                ck_assert_msg(r != BUS_OK || n == 8 || value >> (8 * n) == 0, "%s: too wide a value", (*c)->name);
            }
        }
        device_reset(p.d);
        Sum after = state_of(p.d);
        ck_assert_uint_eq(before.bytes, after.bytes);
        if (*c != &device_pl031 && *c != &device_cfi_flash) { /* the time of day and the content of flash remain */
            ck_assert_msg(before.hash == after.hash, "%s: reset leaves something", (*c)->name);
        }
        poke_free(&p);
    }
}
END_TEST

START_TEST(test_odd_accesses_are_refused) {
    for (const DeviceClass *const *c = device_classes; *c; c++) {
        Poke p;
        poke_new(&p, *c, NULL);
        for (unsigned bank = 0; bank < (*c)->bank_count; bank++) {
            uint64_t base = POKE_BASE + bank * POKE_BANK, v = 77, size = (*c)->banks[bank].size;
            ck_assert_int_eq(bus_read(p.bus, (BusAccess){ base + 1, 2, 0 }, &v), BUS_REFUSED);
            ck_assert_int_eq(bus_read(p.bus, (BusAccess){ base, 3, 0 }, &v), BUS_REFUSED);
            ck_assert_int_eq(bus_read(p.bus, (BusAccess){ base, 0, 0 }, &v), BUS_REFUSED);
            ck_assert_int_eq(bus_write(p.bus, (BusAccess){ base + 2, 4, 0 }, v), BUS_REFUSED);
            ck_assert_int_eq(bus_read(p.bus, (BusAccess){ base + size, 4, 0 }, &v), BUS_NONE);
            ck_assert_uint_eq(v, 77);
            bool wide = *c == &device_fw_cfg || ((*c)->banks[bank].sizes & 8);
            ck_assert_int_eq(bus_read(p.bus, (BusAccess){ base, 8, 0 }, &v), wide ? BUS_OK : BUS_REFUSED);
        }
        poke_free(&p);
    }
}
END_TEST

START_TEST(test_nodes) {
    static uint8_t blob[16384];
    for (const DeviceClass *const *c = device_classes; *c; c++) {
        Poke p;
        /* It stands behind another one, its node inside another, or the machine writes it. */
        if (!(*c)->bank_count || *c == &device_gicv2m || *c == &device_xive || *c == &device_spapr_phb) {
            continue;
        }
        poke_new(&p, *c, NULL);
        fdt_create(blob, sizeof blob);
        fdt_finish_reservemap(blob);
        fdt_begin_node(blob, "");
        device_fdt(p.d, blob, &(DeviceFdt){ .base = { 0x9000000 }, .irq = 3, .clock = 7, .phandle = 9 });
        fdt_end_node(blob);
        ck_assert_int_eq(fdt_finish(blob), 0);
        int node = fdt_first_subnode(blob, 0);
        ck_assert_msg(node > 0, "%s has no node", (*c)->name);
        int length;
        const fdt32_t *reg = fdt_getprop(blob, node, "reg", &length);
        ck_assert(reg && length % 16 == 0 && fdt32_to_cpu(reg[1]) == 0x9000000);
        ck_assert(fdt_getprop(blob, node, "compatible", &length) != NULL);
        ck_assert_uint_eq(fdt_get_phandle(blob, node), 9);
        poke_free(&p);
    }
}
END_TEST

POKE_MAIN("state", test_every_byte_has_a_name, test_reset_after_anything, test_odd_accesses_are_refused, test_nodes)
