/* SPDX-License-Identifier: MIT */
/* test_virtio_rng.c - the entropy source: lengths as told, the host's bytes or a sequence that repeats. */
#include "tests/devices/vring.h"

enum { ENTRIES = 64 };

static uint64_t virtual_now(void *opaque) {
    return 0;
}

static uint32_t ask(Vr *d, uint64_t gpa, uint32_t size) {
    uint32_t written;
    VR_ADD(d, 0, { gpa, size, true });
    vr_kick(d, 0);
    ck_assert(vr_next_used(d, 0, NULL, &written));
    return written;
}

START_TEST(test_lengths) {
    Vr d;
    vr_new(&d, &device_virtio_rng, NULL, ENTRIES);
    vr_start(&d, 0, 1);
    static const uint32_t sizes[] = { 1, 7, 8, 4096, 4097, 65536 };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        memset(vr_host(&d, VR_DATA), 0, 70000);
        ck_assert_uint_eq(ask(&d, VR_DATA, sizes[i]), sizes[i]);
        ck_assert_uint_eq(vr_get(&d, VR_DATA + sizes[i], 8), 0);
        unsigned zeroes = 0;
        for (unsigned k = 0; k < sizes[i]; k++) {
            zeroes += *vr_host(&d, VR_DATA + k) == 0;
        }
        ck_assert_uint_le(zeroes, 2 + sizes[i] / 128);
    }
    ck_assert_uint_eq(ask(&d, VR_DATA, 300000), 65536); /* fewer than there is room for */
    ck_assert(memcmp(vr_host(&d, VR_DATA), vr_host(&d, VR_DATA + 32768), 32768) != 0);
    VR_ADD(&d, 0, { VR_DATA, 16, false });             /* nothing to write to */
    vr_kick(&d, 0);
    uint32_t written = 1;
    ck_assert(vr_next_used(&d, 0, NULL, &written) && written == 0);
    ck_assert_uint_eq(vr_reasons(&d), VIRTIO_INT_QUEUE);
    vr_free(&d);
}
END_TEST

START_TEST(test_repeats) {
    uint8_t first[64];
    for (unsigned run = 0; run < 2; run++) {
        Vr d;
        vr_new(&d, &device_virtio_rng, NULL, ENTRIES);
        clock_use(d.p.clk, virtual_now, NULL);
        vr_start(&d, 0, 1);
        ck_assert_uint_eq(ask(&d, VR_DATA, 40), 40);
        ck_assert_uint_eq(ask(&d, VR_DATA + 40, 24), 24);
        if (run == 0) {
            memcpy(first, vr_host(&d, VR_DATA), 64);
        }
        ck_assert(memcmp(first, vr_host(&d, VR_DATA), 64) == 0);
        ck_assert(memcmp(first, first + 32, 32) != 0);
        vr_free(&d);
    }
}
END_TEST

START_TEST(test_hosts_do_not_repeat) {
    uint8_t first[32] = { 0 };
    for (unsigned run = 0; run < 2; run++) {
        Vr d;
        vr_new(&d, &device_virtio_rng, NULL, ENTRIES);
        vr_start(&d, 0, 1);
        ask(&d, VR_DATA, sizeof first);
        ck_assert(memcmp(first, vr_host(&d, VR_DATA), sizeof first) != 0);
        memcpy(first, vr_host(&d, VR_DATA), sizeof first);
        vr_free(&d);
    }
}
END_TEST

POKE_MAIN("virtio_rng", test_lengths, test_repeats, test_hosts_do_not_repeat)
