/* SPDX-License-Identifier: MIT */
/*
 * spapr.c - what the hypervisor keeps for a PAPR partition: areas that CPUs have registered, non-volatile memory, the time
 * of day, and the device tree and memory map that the client interface shows. The machine's hypercalls work on it.
 * Spec: LoPAPR 1.1, 7.3 (RTAS), 14.11 (registered areas).
 */
#include "devices/spapr.h"

#include <libfdt.h>
#include <string.h>

static void reset(Device *d) {
    Spapr *s = (Spapr *)d;
    s->tree_size = s->claim_count = 0;
    memset(s->claims, 0, sizeof s->claims);
    memset(s->cpus, 0, sizeof s->cpus);
    memset(s->tree, 0, sizeof s->tree);
}

/* One partition (LoPAPR 8.3) of which nothing is used: signature, checksum, length in blocks of 16 bytes, name. */
static void format_nvram(uint8_t *nvram) {
    enum { FREE = 0x7f, LENGTH = SPAPR_NVRAM / 16 };
    const uint8_t head[16] = { FREE, 0, LENGTH >> 8, LENGTH & 255, 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w', 'w' };
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof head; i++) {
        sum += head[i];
        sum = (sum & 255) + (sum >> 8);
    }
    memcpy(nvram, head, sizeof head);
    nvram[1] = (uint8_t)sum;
}

static bool init(Device *d, const void *config, GError **error) {
    Spapr *s = (Spapr *)d;
    s->random = d->clock && !clock_is_virtual(d->clock) ? (uint64_t)clock_wall_ns(d->clock) : 1;
    format_nvram(s->nvram);
    s->time_base = d->clock ? clock_wall_ns(d->clock) - (int64_t)clock_now(d->clock) : 0;
    return true;
}

/* Counts that a damaged snapshot could have made wild. */
static void restored(Device *d) {
    Spapr *s = (Spapr *)d;
    s->tree_size = s->tree_size == SPAPR_TREE && fdt_check_full(s->tree, SPAPR_TREE) == 0 ? SPAPR_TREE : 0;
    s->claim_count = MIN(s->claim_count, SPAPR_CLAIMS);
}

static const StateField state[] = {
    STATE(Spapr, time_base), STATE(Spapr, random), STATE(Spapr, tree_size), STATE(Spapr, claim_count),
    STATE_ARRAY(Spapr, claims, uint64_t), STATE_ARRAY(Spapr, cpus, uint64_t), STATE_ARRAY(Spapr, nvram, uint8_t),
    STATE_ARRAY(Spapr, tree, uint8_t),
};

const DeviceClass device_spapr = {
    .name = "spapr",
    .summary = "what the hypervisor keeps for a PAPR partition",
    .size = sizeof(Spapr),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .init = init,
    .reset = reset,
    .restored = restored,
};
