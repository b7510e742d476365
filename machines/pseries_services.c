/* SPDX-License-Identifier: MIT */
/*
 * pseries_services.c - RTAS calls of the machine pseries about the platform: time of day, NVRAM, parameters, sensors, errors.
 * Spec: LoPAPR 1.1, 7.3.2 (NVRAM), 7.3.3 (time of day), 7.3.4 (errors), 7.3.5 (indicators, sensors), 7.3.9 (os-term),
 * 7.3.16 (ibm,get-system-parameter).
 * Missing: errors and events (there are none); NVRAM that outlives the process.
 */
#include <string.h>

#include "devices/dma.h"
#include "machines/pseries.h"

enum { NS_PER_S = 1000000000, NOT_SUPPORTED = -3, NO_EVENT = 1, NO_SUCH_INDICATOR = -3 };

static int32_t display_character(PseriesRtas *r) {
    uint8_t byte = (uint8_t)r->in[0];
    return spapr_vty_put(machine_device(r->machine, "vty"), &byte, 1) ? RTAS_SUCCESS : RTAS_BUSY;
}

/* -- time of day -- */

static int32_t get_time(PseriesRtas *r) {
    Spapr *s = pseries_spapr(r->machine);
    device_lock(&s->d);
    int64_t ns = s->time_base + (int64_t)clock_now(r->machine->clock);
    device_unlock(&s->d);
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(ns / NS_PER_S);
    if (!t) {
        return RTAS_HARDWARE;
    }
    r->out[1] = (uint32_t)g_date_time_get_year(t);
    r->out[2] = (uint32_t)g_date_time_get_month(t);
    r->out[3] = (uint32_t)g_date_time_get_day_of_month(t);
    r->out[4] = (uint32_t)g_date_time_get_hour(t);
    r->out[5] = (uint32_t)g_date_time_get_minute(t);
    r->out[6] = (uint32_t)g_date_time_get_second(t);
    r->out[7] = (uint32_t)(ns % NS_PER_S);
    return RTAS_SUCCESS;
}

static int32_t set_time(PseriesRtas *r) {
    const uint32_t *in = r->in;
    bool small = in[0] <= 9999 && in[1] <= 12 && in[2] <= 31 && in[3] < 24 && in[4] < 60 && in[5] < 60 && in[6] < NS_PER_S;
    g_autoptr(GDateTime) t = small ? g_date_time_new_utc((int)in[0], (int)in[1], (int)in[2], (int)in[3], (int)in[4], in[5])
                                   : NULL;
    int64_t seconds = t ? g_date_time_to_unix(t) : -1;
    if (seconds < 0 || seconds > INT64_MAX / NS_PER_S - 1) {
        return RTAS_PARAMETER;
    }
    Spapr *s = pseries_spapr(r->machine);
    device_lock(&s->d);
    s->time_base = seconds * NS_PER_S + in[6] - (int64_t)clock_now(r->machine->clock);
    device_unlock(&s->d);
    return RTAS_SUCCESS;
}

/* -- NVRAM: offset, buffer, length -- */

static bool nvram_span(PseriesRtas *r) {
    r->out[1] = 0;
    return r->in[0] < SPAPR_NVRAM && r->in[2] <= SPAPR_NVRAM - r->in[0];
}

static int32_t nvram_fetch(PseriesRtas *r) {
    Spapr *s = pseries_spapr(r->machine);
    if (!nvram_span(r)) {
        return RTAS_PARAMETER;
    }
    device_lock(&s->d);
    g_autofree void *bytes = g_memdup2(s->nvram + r->in[0], r->in[2]);
    device_unlock(&s->d);
    if (dma_write(r->machine->bus, r->in[1], bytes, r->in[2]) != DMA_OK) {
        return RTAS_PARAMETER;
    }
    r->out[1] = r->in[2];
    return RTAS_SUCCESS;
}

static int32_t nvram_store(PseriesRtas *r) {
    Spapr *s = pseries_spapr(r->machine);
    if (!nvram_span(r)) {
        return RTAS_PARAMETER;
    }
    g_autofree void *bytes = g_malloc(r->in[2] + 1);
    if (dma_read(r->machine->bus, r->in[1], bytes, r->in[2]) != DMA_OK) {
        return RTAS_PARAMETER;
    }
    device_lock(&s->d);
    memcpy(s->nvram + r->in[0], bytes, r->in[2]);
    device_unlock(&s->d);
    r->out[1] = r->in[2];
    return RTAS_SUCCESS;
}

/* -- parameters -- */

/* Number, buffer, its size. The buffer gets the length and as much of the value as there is room for. */
static int32_t get_parameter(PseriesRtas *r) {
    enum { SPLPAR_CHARACTERISTICS = 20, DIAGNOSTICS = 42, UUID = 48 };
    g_autofree char *text = NULL;
    const void *value = NULL;
    uint32_t size = 0;
    static const uint8_t zero[16];
    switch (r->in[0]) {
    case SPLPAR_CHARACTERISTICS:
        text = g_strdup_printf("MaxEntCap=%u,DesMem=%u,DesProcs=%u,MaxPlatProcs=%u", r->machine->cpus,
                               (unsigned)(r->machine->ram_size >> 20), r->machine->cpus, r->machine->cpus);
        value = text;
        size = (uint32_t)strlen(text) + 1;
        break;
    case DIAGNOSTICS:
    case UUID:
        value = zero;
        size = r->in[0] == UUID ? sizeof zero : 1;
        break;
    default:
        return NOT_SUPPORTED;
    }
    uint16_t length = GUINT16_TO_BE((uint16_t)size);
    bool ok = r->in[2] >= sizeof length && dma_write(r->machine->bus, r->in[1], &length, sizeof length) == DMA_OK &&
              dma_write(r->machine->bus, (uint64_t)r->in[1] + 2, value, MIN(size, r->in[2] - 2)) == DMA_OK;
    return ok ? RTAS_SUCCESS : RTAS_PARAMETER;
}

/* -- sensors and indicators: kind, index; the CPUs are there and in use -- */

enum { ISOLATION_STATE = 9001, DR_INDICATOR = 9002, ALLOCATION_STATE = 9003 };

static int32_t set_indicator(PseriesRtas *r) {
    return r->in[0] >= ISOLATION_STATE && r->in[0] <= ALLOCATION_STATE && r->in[1] < r->machine->cpus ? RTAS_SUCCESS
                                                                                              : NO_SUCH_INDICATOR;
}

static int32_t get_sensor(PseriesRtas *r) {
    enum { ENTITY_SENSE = 9003, PRESENT = 1 };
    if (r->in[0] != ENTITY_SENSE || r->in[1] >= r->machine->cpus) {
        return NO_SUCH_INDICATOR;
    }
    r->out[1] = PRESENT;
    return RTAS_SUCCESS;
}

/* -- errors -- */

static int32_t no_event(PseriesRtas *r) {
    return NO_EVENT;
}

/* The guest cannot go on, and says why. */
static int32_t os_term(PseriesRtas *r) {
    char text[256];
    unsigned n = 0;
    while (n < sizeof text - 1 && dma_read(r->machine->bus, (uint64_t)r->in[0] + n, &text[n], 1) == DMA_OK && text[n]) {
        text[n] = g_ascii_isprint(text[n]) ? text[n] : '.';
        n++;
    }
    text[n] = 0;
    machine_panicked(r->machine, text);
    ppc_power(r->env, CPU_POWER_OFF); /* here; the first request counts */
    return RTAS_SUCCESS;
}

static const PseriesRtasRow rows[] = {
    { "display-character", 1, 1, display_character }, { "get-time-of-day", 0, 8, get_time },
    { "set-time-of-day", 7, 1, set_time }, { "nvram-fetch", 3, 2, nvram_fetch }, { "nvram-store", 3, 2, nvram_store },
    { "ibm,get-system-parameter", 3, 1, get_parameter }, { "set-indicator", 3, 1, set_indicator },
    { "get-sensor-state", 2, 2, get_sensor }, { "event-scan", 4, 1, no_event }, { "check-exception", 6, 1, no_event },
    { "ibm,os-term", 1, 1, os_term },
};
const PseriesRtasTable pseries_rtas_services = { rows, G_N_ELEMENTS(rows) };
