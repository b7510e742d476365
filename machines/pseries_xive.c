/* SPDX-License-Identifier: MIT */
/*
 * pseries_xive.c - hypercalls of the machine pseries for guests that use XIVE themselves.
 * Spec: LoPAR 2.9, appendix on XIVE exploitation: H_INT_*.
 */
#include "machines/pseries.h"

enum {
    H_INT_GET_SOURCE_INFO = 0x3a8, H_INT_SET_SOURCE_CONFIG = 0x3ac, H_INT_GET_SOURCE_CONFIG = 0x3b0,
    H_INT_GET_QUEUE_INFO = 0x3b4, H_INT_SET_QUEUE_CONFIG = 0x3b8, H_INT_GET_QUEUE_CONFIG = 0x3bc,
    H_INT_SET_OS_REPORTING_LINE = 0x3c0, H_INT_GET_OS_REPORTING_LINE = 0x3c4, H_INT_ESB = 0x3c8, H_INT_SYNC = 0x3cc,
    H_INT_RESET = 0x3d0,
    PAGE_BYTES = 1 << XIVE_ESB_SHIFT,
    RESERVED_PRIORITY = 7, /* as the device tree says */
};

static Device *xive(const PseriesCall *c) {
    return machine_device(c->machine, "xive");
}

/* Arguments that become indices. */
static unsigned small(const PseriesCall *c, unsigned n) {
    uint64_t v = pseries_arg(c, n);
    return v > UINT32_MAX ? UINT32_MAX : (unsigned)v;
}

/* -- sources: flags, source ... -- */

static int64_t get_source_info(PseriesCall *c) {
    enum { LEVEL = 4, TRIGGER = 2 };
    unsigned irq = small(c, 1);
    if (pseries_arg(c, 0)) {
        return H_PARAMETER;
    }
    if (!xive_source_exists(xive(c), irq)) {
        return H_P2;
    }
    uint64_t page = PSERIES_XIVE_SOURCES + (uint64_t)irq * PAGE_BYTES;
    pseries_result(c, 0, TRIGGER | (spapr_irq_level(irq) ? LEVEL : 0));
    pseries_result(c, 1, page);
    pseries_result(c, 2, page);
    pseries_result(c, 3, XIVE_ESB_SHIFT);
    return H_SUCCESS;
}

static int64_t set_source_config(PseriesCall *c) {
    enum { SET_EVENT = 2, MASK = 1 };
    uint64_t flags = pseries_arg(c, 0);
    uint32_t event = (uint32_t)pseries_arg(c, 4) & INT32_MAX;
    unsigned irq = small(c, 1), priority = small(c, 3);
    if (flags & ~(uint64_t)(SET_EVENT | MASK)) {
        return H_PARAMETER;
    }
    if (!xive_source_exists(xive(c), irq)) {
        return H_P2;
    }
    priority = flags & MASK ? XIVE_MASKED : priority;
    if (priority != XIVE_MASKED && small(c, 2) >= c->machine->cpus) {
        return H_P3;
    }
    if (priority != XIVE_MASKED && priority >= RESERVED_PRIORITY) {
        return H_P4;
    }
    xive_set_source(xive(c), irq, small(c, 2), (uint8_t)priority, flags & SET_EVENT ? &event : NULL);
    return H_SUCCESS;
}

static int64_t get_source_config(PseriesCall *c) {
    XiveSource source;
    if (pseries_arg(c, 0)) {
        return H_PARAMETER;
    }
    if (!xive_get_source(xive(c), small(c, 1), &source)) {
        return H_P2;
    }
    pseries_result(c, 0, source.cpu);
    pseries_result(c, 1, source.priority);
    pseries_result(c, 2, source.event);
    return H_SUCCESS;
}

/* Flags, source, offset, data. */
static int64_t esb(PseriesCall *c) {
    enum { STORE = 1 };
    uint64_t flags = pseries_arg(c, 0), value = UINT64_MAX;
    if (flags & ~(uint64_t)STORE) {
        return H_PARAMETER;
    }
    if (!xive_source_exists(xive(c), small(c, 1))) {
        return H_P2;
    }
    if (!xive_access_source(xive(c), small(c, 1), small(c, 2), flags & STORE, &value)) {
        return H_P3;
    }
    pseries_result(c, 0, value);
    return H_SUCCESS;
}

static int64_t sync_source(PseriesCall *c) {
    return pseries_arg(c, 0) ? H_PARAMETER : xive_source_exists(xive(c), small(c, 1)) ? H_SUCCESS : H_P2;
}

/* -- queues: flags, CPU, priority ... -- */

static int64_t queue_error(PseriesCall *c, uint64_t flags) {
    return pseries_arg(c, 0) & ~flags                ? H_PARAMETER
           : small(c, 1) >= c->machine->cpus         ? H_P2
           : pseries_arg(c, 2) >= RESERVED_PRIORITY ? H_P3
                                                     : H_SUCCESS;
}

static int64_t get_queue_info(PseriesCall *c) {
    int64_t error = queue_error(c, 0);
    if (!error) {
        pseries_result(c, 0, UINT64_MAX); /* it has no page of its own */
        pseries_result(c, 1, 0);
    }
    return error;
}

static int64_t set_queue_config(PseriesCall *c) {
    enum { ALWAYS_NOTIFY = 1 };
    int64_t error = queue_error(c, ALWAYS_NOTIFY);
    uint64_t base = pseries_arg(c, 3);
    unsigned bits = small(c, 4);
    if (error) {
        return error;
    }
    if (bits && (bits < 12 || bits > 24)) {
        return H_P5;
    }
    if (bits && (base & ((UINT64_C(1) << bits) - 1) || base >= c->machine->ram_size)) {
        return H_P4;
    }
    return xive_set_queue(xive(c), small(c, 1), small(c, 2), base, bits) ? H_SUCCESS : H_PARAMETER;
}

static int64_t get_queue_config(PseriesCall *c) {
    enum { DEBUG = 1, ALWAYS_NOTIFY = 1 };
    XiveQueue queue;
    int64_t error = queue_error(c, DEBUG);
    if (error || !xive_get_queue(xive(c), small(c, 1), small(c, 2), &queue)) {
        return error ? error : H_PARAMETER;
    }
    pseries_result(c, 0, queue.bits ? ALWAYS_NOTIFY : 0);
    pseries_result(c, 1, queue.base);
    pseries_result(c, 2, queue.bits);
    if (pseries_arg(c, 0) & DEBUG) {
        pseries_result(c, 3, queue.turn);
        pseries_result(c, 4, queue.index);
    }
    return H_SUCCESS;
}

/* -- the rest -- */

static int64_t reporting_line(PseriesCall *c, bool set) {
    Device *d = xive(c);
    uint64_t *line = xive_line(d, small(c, 1));
    if (pseries_arg(c, 0) || !line) {
        return line ? H_PARAMETER : H_P2;
    }
    device_lock(d);
    if (set) {
        *line = pseries_arg(c, 2);
    } else {
        pseries_result(c, 0, *line);
    }
    device_unlock(d);
    return H_SUCCESS;
}

static int64_t set_reporting_line(PseriesCall *c) {
    return reporting_line(c, true);
}

static int64_t get_reporting_line(PseriesCall *c) {
    return reporting_line(c, false);
}

static int64_t h_reset(PseriesCall *c) {
    if (pseries_arg(c, 0)) {
        return H_PARAMETER;
    }
    xive_reset(xive(c));
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = {
    { H_INT_GET_SOURCE_INFO, get_source_info }, { H_INT_SET_SOURCE_CONFIG, set_source_config },
    { H_INT_GET_SOURCE_CONFIG, get_source_config }, { H_INT_GET_QUEUE_INFO, get_queue_info },
    { H_INT_SET_QUEUE_CONFIG, set_queue_config }, { H_INT_GET_QUEUE_CONFIG, get_queue_config },
    { H_INT_SET_OS_REPORTING_LINE, set_reporting_line }, { H_INT_GET_OS_REPORTING_LINE, get_reporting_line },
    { H_INT_ESB, esb }, { H_INT_SYNC, sync_source }, { H_INT_RESET, h_reset },
};
const PseriesCallTable pseries_calls_xive = { rows, G_N_ELEMENTS(rows) };
