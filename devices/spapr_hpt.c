/* SPDX-License-Identifier: MIT */
/*
 * spapr_hpt.c - the hash table of a PAPR partition: memory that belongs to its hypervisor, which all CPUs search and the
 * partition changes by hypercalls.
 * Spec: LoPAPR 1.1, 14.5.4 (page frame table); Power ISA 2.07B Book III-S, 5.7.7.
 * What the entries mean is known to front end and machine; here they are kept, reset and saved.
 * Locking: whoever changes entries holds the device's lock; CPUs read without it.
 * Missing: another size at run time (H_RESIZE_HPT_PREPARE, H_RESIZE_HPT_COMMIT).
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/ram.h"

typedef struct SpaprHpt {
    Device d;
    Ram *table;
    uint64_t *notes;
} SpaprHpt;

uint64_t *spapr_hpt_table(Device *d, unsigned *bits) {
    const SpaprHpt *s = (SpaprHpt *)d;
    *bits = (unsigned)__builtin_ctzll(ram_size(s->table));
    return (uint64_t *)(void *)ram_host(s->table);
}

uint64_t *spapr_hpt_notes(Device *d) {
    return ((SpaprHpt *)d)->notes;
}

static bool init(Device *d, const void *config, GError **error) {
    SpaprHpt *s = (SpaprHpt *)d;
    const SpaprHptConfig *c = config;
    s->table = ram_new(UINT64_C(1) << (c ? c->bits : SPAPR_HPT_BITS_MIN), error);
    s->notes = g_new0(uint64_t, c ? MAX(c->notes, 1) : 1);
    return s->table != NULL;
}

static void finish(Device *d) {
    SpaprHpt *s = (SpaprHpt *)d;
    ram_free(s->table);
    g_free(s->notes);
}

static void reset(Device *d) {
    ram_clear(((SpaprHpt *)d)->table);
}

static void state_extra(Device *d, DeviceVisit *visit, void *opaque) {
    const SpaprHpt *s = (SpaprHpt *)d;
    visit(opaque, "table", ram_host(s->table), ram_size(s->table), sizeof(uint64_t));
}

static const StateField state[] = { STATE_NOT_KEPT(SpaprHpt, table), STATE_NOT_KEPT(SpaprHpt, notes) };

const DeviceClass device_spapr_hpt = {
    .name = "spapr-hpt",
    .summary = "hash table of a PAPR partition",
    .size = sizeof(SpaprHpt),
    .config_size = sizeof(SpaprHptConfig),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .init = init,
    .finish = finish,
    .reset = reset,
    .state_extra = state_extra,
};
