/* SPDX-License-Identifier: MIT */
/*
 * virtio_pci.c - a virtio device as a PCI function: the interface of version 1 in BAR 4, MSI-X in BAR 1, and the one from
 * before it in the I/O ports of BAR 0. The first write of the status after a reset tells which one the driver uses.
 * Spec: VIRTIO 1.2, 4.1 (4.1.4 capabilities, 4.1.4.10 the legacy interface, 4.1.5 interrupts).
 * Locking: the function's lock, then that of the device behind; interrupts come under the latter alone.
 * Missing: queue reset, notification data, shared memory; legacy drivers of big-endian guests.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/virtio.h"

enum {
    VENDOR = 0x1af4, DEVICE_MODERN = 0x1040, REVISION = 1,
    BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4, LEGACY_SIZE = 128, MODERN_SIZE = 0x4000, REGION = 0x1000,
    COMMON = 0, ISR = 1, DEVICE = 2, NOTIFY = 3, /* regions of BAR 4, in turn */
    CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_WINDOW, /* cfg_type */
    NOTIFY_STEP = 4, NO_VECTOR = 0xffff,
};

typedef struct VirtioPci {
    PciDevice p;
    VirtioDevice *v;      /* borrowed; NULL: nothing is behind */
    VirtioPciConfig config;
    uint64_t offered;     /* by the device, to a driver of version 1 */
    uint8_t window_cap;   /* the capability that is a window to the BARs */
    uint8_t host_reserved[7];
    /* guest state */
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint32_t driver_features[2];
    uint32_t legacy;      /* the driver uses that interface */
    uint32_t config_vector, reserved;
    uint32_t queue_vector[VIRTIO_QUEUES];
} VirtioPci;

/* -- interrupts; the lock of the device behind is held -- */

static bool interrupt(void *opaque, uint32_t pending, unsigned source) {
    VirtioPci *s = opaque;
    bool messages = pci_msix_on(&s->p);
    if (messages && source <= VIRTIO_SOURCE_CONFIG) {
        pci_send(&s->p, source == VIRTIO_SOURCE_CONFIG ? s->config_vector : s->queue_vector[source]);
    }
    pci_set_intx(&s->p, !messages && pending);
    return messages;
}

/* -- what both interfaces do; the device behind is locked -- */

static VirtQueue *selected(VirtioPci *s) {
    return s->queue_sel < s->v->queue_count ? &s->v->queues[s->queue_sel] : NULL;
}

static void clear_driver(VirtioPci *s) {
    s->device_features_sel = s->driver_features_sel = s->queue_sel = 0;
    memset(s->driver_features, 0, sizeof s->driver_features);
    s->config_vector = NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        s->queue_vector[i] = NO_VECTOR;
    }
}

/* An interface is chosen while the device is in reset. */
static void choose(VirtioPci *s, bool legacy) {
    s->legacy = legacy;
    s->v->legacy = legacy;
    s->v->offered = legacy ? s->offered & UINT32_MAX : s->offered;
}

static void set_status(VirtioPci *s, uint32_t value, bool legacy) {
    value &= 0xff;
    if (!value) {
        clear_driver(s);
    } else if (!s->v->status) {
        choose(s, legacy);
    }
    virtio_set_status(s->v, value);
}

static uint32_t usable_vector(const VirtioPci *s, uint64_t vector) {
    return vector < s->p.vectors ? (uint32_t)vector : NO_VECTOR;
}

/* Reading the reasons forgets them. */
static uint32_t take_isr(VirtioPci *s) {
    uint32_t pending = s->v->pending;
    virtio_acknowledge(s->v, UINT32_MAX);
    return pending;
}

static void set_queue_vector(VirtioPci *s, uint64_t value) {
    if (selected(s)) {
        s->queue_vector[s->queue_sel] = usable_vector(s, value);
    }
}

static uint64_t get_queue_vector(VirtioPci *s) {
    return selected(s) ? s->queue_vector[s->queue_sel] : NO_VECTOR;
}

/* -- the common configuration of version 1 -- */

static uint64_t device_features_get(VirtioPci *s) {
    return s->device_features_sel < 2 ? (uint32_t)(s->offered >> (32 * s->device_features_sel)) : 0;
}
static uint64_t driver_features_get(VirtioPci *s) {
    return s->driver_features_sel < 2 ? s->driver_features[s->driver_features_sel] : 0;
}
static void driver_features_set(VirtioPci *s, uint64_t value) {
    if (s->driver_features_sel < 2) {
        s->driver_features[s->driver_features_sel] = (uint32_t)value;
        virtio_set_features(s->v, s->driver_features[0] | (uint64_t)s->driver_features[1] << 32);
    }
}
static uint64_t device_select_get(VirtioPci *s) {
    return s->device_features_sel;
}
static void device_select_set(VirtioPci *s, uint64_t value) {
    s->device_features_sel = (uint32_t)value;
}
static uint64_t driver_select_get(VirtioPci *s) {
    return s->driver_features_sel;
}
static void driver_select_set(VirtioPci *s, uint64_t value) {
    s->driver_features_sel = (uint32_t)value;
}
static uint64_t config_vector_get(VirtioPci *s) {
    return s->config_vector;
}
static void config_vector_set(VirtioPci *s, uint64_t value) {
    s->config_vector = usable_vector(s, value);
}
static uint64_t queues_get(VirtioPci *s) {
    return s->v->queue_count;
}
static uint64_t status_get(VirtioPci *s) {
    return s->v->status;
}
static void status_set(VirtioPci *s, uint64_t value) {
    set_status(s, (uint32_t)value, false);
}
static uint64_t generation_get(VirtioPci *s) {
    return s->v->generation & 0xff;
}
static uint64_t queue_select_get(VirtioPci *s) {
    return s->queue_sel;
}
static void queue_select_set(VirtioPci *s, uint64_t value) {
    s->queue_sel = (uint32_t)value;
}

/* What describes a queue in use stands still. */
static VirtQueue *changeable(VirtioPci *s) {
    VirtQueue *q = selected(s);
    if (q && q->ready) {
        device_log(&s->p.d, LOG_GUEST_ERROR, "%s: the driver changes queue %u, which is in use", s->p.d.name, s->queue_sel);
        return NULL;
    }
    return q;
}

static uint64_t size_get(VirtioPci *s) {
    VirtQueue *q = selected(s);
    return q ? q->size ? q->size : s->v->queue_size : 0;
}
static void size_set(VirtioPci *s, uint64_t value) {
    VirtQueue *q = changeable(s);
    if (q) {
        q->size = value;
    }
}
static uint64_t enable_get(VirtioPci *s) {
    return selected(s) ? selected(s)->ready : 0;
}
static void enable_set(VirtioPci *s, uint64_t value) {
    VirtQueue *q = selected(s);
    if (q && value == 1) {
        q->size = q->size ? q->size : s->v->queue_size;
        virtio_queue_enable(s->v, s->queue_sel, true);
    }
}
static uint64_t notify_off_get(VirtioPci *s) {
    return selected(s) ? s->queue_sel : 0;
}
static void set_half(uint64_t *at, uint64_t value, bool high) {
    *at = high ? (*at & UINT32_MAX) | value << 32 : (*at & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
}
#define AREA(name)                                                            \
    static uint64_t name##_low_get(VirtioPci *s) {                            \
        return selected(s) ? (uint32_t)selected(s)->name : 0;                 \
    }                                                                         \
    static uint64_t name##_high_get(VirtioPci *s) {                           \
        return selected(s) ? selected(s)->name >> 32 : 0;                     \
    }                                                                         \
    static void name##_low_set(VirtioPci *s, uint64_t value) {                \
        VirtQueue *q = changeable(s);                                         \
        if (q) {                                                              \
            set_half(&q->name, value, false);                                 \
        }                                                                     \
    }                                                                         \
    static void name##_high_set(VirtioPci *s, uint64_t value) {               \
        VirtQueue *q = changeable(s);                                         \
        if (q) {                                                              \
            set_half(&q->name, value, true);                                  \
        }                                                                     \
    }
AREA(desc)
AREA(driver)
AREA(device)

/* -- the legacy interface: one register for the place of a queue's areas, which follow each other -- */

enum { LEGACY_PAGE = 4096, LEGACY_CONFIG = 0x14, LEGACY_CONFIG_MSIX = 0x18 };

static uint64_t legacy_features_get(VirtioPci *s) {
    return (uint32_t)s->offered;
}
static uint64_t legacy_driver_get(VirtioPci *s) {
    return (uint32_t)s->v->features;
}
static void legacy_driver_set(VirtioPci *s, uint64_t value) {
    virtio_set_features(s->v, (uint32_t)value);
}
static uint64_t pfn_get(VirtioPci *s) {
    return selected(s) && selected(s)->ready ? selected(s)->desc / LEGACY_PAGE : 0;
}
static void pfn_set(VirtioPci *s, uint64_t value) {
    VirtQueue *q = selected(s);
    if (!q || !s->legacy) {
        return;
    }
    if (!value || q->ready) {
        virtio_queue_enable(s->v, s->queue_sel, false);
    }
    if (value) {
        q->size = s->v->queue_size;
        q->desc = value * LEGACY_PAGE;
        q->driver = q->desc + VIRTIO_DESC_SIZE * q->size;
        q->device = (q->driver + 2 * q->size + 6 + LEGACY_PAGE - 1) & ~(uint64_t)(LEGACY_PAGE - 1);
        virtio_queue_enable(s->v, s->queue_sel, true);
    }
}
static uint64_t legacy_size_get(VirtioPci *s) {
    return selected(s) ? s->v->queue_size : 0;
}
static void kick_set(VirtioPci *s, uint64_t value) {
    virtio_queue_kick(s->v, (uint32_t)value);
}
static void legacy_status_set(VirtioPci *s, uint64_t value) {
    set_status(s, (uint32_t)value, true);
}
static uint64_t isr_get(VirtioPci *s) {
    return take_isr(s);
}

/* -- tables -- */

typedef struct Field {
    uint8_t at, size;
    uint64_t (*get)(VirtioPci *s);
    void (*set)(VirtioPci *s, uint64_t value); /* NULL: read-only */
} Field;

static const Field common[] = {
    { 0x00, 4, device_select_get, device_select_set }, { 0x04, 4, device_features_get, NULL },
    { 0x08, 4, driver_select_get, driver_select_set }, { 0x0c, 4, driver_features_get, driver_features_set },
    { 0x10, 2, config_vector_get, config_vector_set }, { 0x12, 2, queues_get, NULL },
    { 0x14, 1, status_get, status_set },               { 0x15, 1, generation_get, NULL },
    { 0x16, 2, queue_select_get, queue_select_set },   { 0x18, 2, size_get, size_set },
    { 0x1a, 2, get_queue_vector, set_queue_vector },   { 0x1c, 2, enable_get, enable_set },
    { 0x1e, 2, notify_off_get, NULL },                 { 0x20, 4, desc_low_get, desc_low_set },
    { 0x24, 4, desc_high_get, desc_high_set },         { 0x28, 4, driver_low_get, driver_low_set },
    { 0x2c, 4, driver_high_get, driver_high_set },     { 0x30, 4, device_low_get, device_low_set },
    { 0x34, 4, device_high_get, device_high_set },
};

/* The last two are there only while MSI-X is on. */
static const Field legacy[] = {
    { 0x00, 4, legacy_features_get, NULL }, { 0x04, 4, legacy_driver_get, legacy_driver_set },
    { 0x08, 4, pfn_get, pfn_set },          { 0x0c, 2, legacy_size_get, NULL },
    { 0x0e, 2, queue_select_get, queue_select_set }, { 0x10, 2, NULL, kick_set },
    { 0x12, 1, status_get, legacy_status_set },      { 0x13, 1, isr_get, NULL },
    { 0x14, 2, config_vector_get, config_vector_set }, { 0x16, 2, get_queue_vector, set_queue_vector },
};

static const Field *field_at(const Field *fields, unsigned count, uint64_t at, unsigned size) {
    for (unsigned i = 0; i < count; i++) {
        if (fields[i].at == at && fields[i].size == size) {
            return &fields[i];
        }
    }
    return NULL;
}

static uint64_t field_read(VirtioPci *s, const Field *f) {
    return f && f->get ? f->get(s) : 0;
}

static void field_write(VirtioPci *s, const Field *f, uint64_t at, uint64_t value) {
    if (f && f->set) {
        f->set(s, value);
    } else {
        device_log(&s->p.d, LOG_GUEST_ERROR, "%s: write to 0x%x of the common configuration, where nothing is writable",
                   s->p.d.name, (unsigned)at);
    }
}

/* -- the BARs; an access of 8 bytes is two of 4 -- */

static unsigned legacy_config(const VirtioPci *s) {
    return pci_msix_on(&s->p) ? LEGACY_CONFIG_MSIX : LEGACY_CONFIG;
}

static uint64_t legacy_read(VirtioPci *s, uint64_t at, unsigned size) {
    unsigned config = legacy_config(s);
    return at >= config ? virtio_config_read(s->v, (unsigned)at - config, size)
                        : field_read(s, field_at(legacy, G_N_ELEMENTS(legacy), at, size));
}

static void legacy_write(VirtioPci *s, uint64_t at, unsigned size, uint64_t value) {
    unsigned config = legacy_config(s);
    if (at >= config) {
        virtio_config_write(s->v, (unsigned)at - config, size, value);
    } else {
        field_write(s, field_at(legacy, G_N_ELEMENTS(legacy), at, size), at, value);
    }
}

static uint64_t modern_read(VirtioPci *s, uint64_t at, unsigned size) {
    uint64_t offset = at % REGION;
    switch (at / REGION) {
    case COMMON: return field_read(s, field_at(common, G_N_ELEMENTS(common), offset, size));
    case ISR: return offset == 0 ? take_isr(s) : 0;
    case DEVICE: return virtio_config_read(s->v, (unsigned)offset, size);
    default: return 0;
    }
}

static void modern_write(VirtioPci *s, uint64_t at, unsigned size, uint64_t value) {
    uint64_t offset = at % REGION;
    switch (at / REGION) {
    case COMMON: field_write(s, field_at(common, G_N_ELEMENTS(common), offset, size), offset, value); break;
    case DEVICE: virtio_config_write(s->v, (unsigned)offset, size, value); break;
    case NOTIFY: virtio_queue_kick(s->v, (uint32_t)(offset / NOTIFY_STEP)); break;
    default: break;
    }
}

static uint64_t bar_read(PciDevice *p, unsigned bar, uint64_t offset, unsigned size) {
    VirtioPci *s = (VirtioPci *)p;
    if (size == 8) {
        uint64_t low = bar_read(p, bar, offset, 4);
        return low | bar_read(p, bar, offset + 4, 4) << 32;
    }
    device_lock(&s->v->d);
    uint64_t value = bar == BAR_LEGACY ? legacy_read(s, offset, size) : modern_read(s, offset, size);
    device_unlock(&s->v->d);
    return value & (UINT64_MAX >> (64 - 8 * size));
}

static void bar_write(PciDevice *p, unsigned bar, uint64_t offset, unsigned size, uint64_t value) {
    VirtioPci *s = (VirtioPci *)p;
    if (size == 8) {
        bar_write(p, bar, offset, 4, (uint32_t)value);
        bar_write(p, bar, offset + 4, 4, value >> 32);
        return;
    }
    device_lock(&s->v->d);
    if (bar == BAR_LEGACY) {
        legacy_write(s, offset, size, value);
    } else {
        modern_write(s, offset, size, value);
    }
    device_unlock(&s->v->d);
}

/* -- the window to the BARs in the configuration space (4.1.4.9) -- */

enum { WIN_BAR = 4, WIN_OFFSET = 8, WIN_LENGTH = 12, WIN_DATA = 16, WIN_SIZE = 20 };

/* Does an access to [at, at + size) go through the window, and where to? */
static bool through(VirtioPci *s, unsigned at, unsigned size, uint32_t *offset, uint32_t *length) {
    unsigned data = s->window_cap + WIN_DATA;
    if (!s->window_cap || !s->v || at >= data + 4 || at + size <= data) {
        return false;
    }
    *offset = pci_get(s->p.space, s->window_cap + WIN_OFFSET, 4);
    *length = pci_get(s->p.space, s->window_cap + WIN_LENGTH, 4);
    return s->p.space[s->window_cap + WIN_BAR] == BAR_MODERN && (*length == 1 || *length == 2 || *length == 4) &&
           *offset % *length == 0 && *offset < MODERN_SIZE;
}

static void config_read(PciDevice *p, unsigned at, unsigned size) {
    VirtioPci *s = (VirtioPci *)p;
    uint32_t offset, length;
    if (through(s, at, size, &offset, &length)) {
        pci_put(p->space, s->window_cap + WIN_DATA, length, (uint32_t)bar_read(p, BAR_MODERN, offset, length));
    }
}

static void config_written(PciDevice *p, unsigned at, unsigned size) {
    VirtioPci *s = (VirtioPci *)p;
    uint32_t offset, length;
    if (through(s, at, size, &offset, &length)) {
        bar_write(p, BAR_MODERN, offset, length, pci_get(p->space, s->window_cap + WIN_DATA, length));
    }
}

static const PciOps ops = { bar_read, bar_write, config_read, config_written };
static const PciOps empty = { NULL };

/* -- making -- */

/* By virtio's device ID: the one from before version 1, and the class. */
static const struct { uint16_t id, legacy; uint32_t class_code; } kinds[] = {
    { VIRTIO_ID_NET, 0x1000, 0x020000 }, { VIRTIO_ID_BLOCK, 0x1001, 0x010000 }, { VIRTIO_ID_CONSOLE, 0x1003, 0x078000 },
    { VIRTIO_ID_RNG, 0x1005, 0x00ff00 },
};

static void identify(VirtioPci *s) {
    unsigned i = 0;
    while (i < G_N_ELEMENTS(kinds) - 1 && kinds[i].id != s->v->cls->id) {
        i++;
    }
    bool transitional = !s->config.no_legacy;
    pci_identify(&s->p, &(PciIdentity){ VENDOR, transitional ? kinds[i].legacy : DEVICE_MODERN + s->v->cls->id, VENDOR,
                                        s->v->cls->id, kinds[i].class_code, transitional ? 0 : REVISION });
}

static unsigned add_capability(VirtioPci *s, unsigned type, unsigned region, unsigned size, unsigned more) {
    PciDevice *p = &s->p;
    unsigned at = pci_add_capability(p, PCI_CAP_VENDOR, WIN_DATA + more);
    pci_put(p->standard, at + 2, 1, WIN_DATA + more);
    pci_put(p->standard, at + 3, 1, type);
    pci_put(p->standard, at + WIN_BAR, 1, BAR_MODERN);
    pci_put(p->standard, at + WIN_OFFSET, 4, region * REGION);
    pci_put(p->standard, at + WIN_LENGTH, 4, size);
    return at;
}

static void add_modern(VirtioPci *s) {
    PciDevice *p = &s->p;
    pci_add_bar(p, BAR_MODERN, MODERN_SIZE, PCI_BAR_64 | PCI_BAR_PREFETCH);
    add_capability(s, CAP_COMMON, COMMON, 0x38, 0);
    add_capability(s, CAP_ISR, ISR, REGION, 0);
    add_capability(s, CAP_DEVICE, DEVICE, REGION, 0);
    unsigned notify = add_capability(s, CAP_NOTIFY, NOTIFY, REGION, 4);
    pci_put(p->standard, notify + WIN_DATA, 4, NOTIFY_STEP);
    unsigned at = add_capability(s, CAP_WINDOW, 0, 0, 4);
    pci_put(p->standard, at + WIN_BAR, 1, 0);
    pci_put(p->writable, at + WIN_BAR, 1, 0xff);
    pci_put(p->writable, at + WIN_OFFSET, 4, UINT32_MAX);
    pci_put(p->writable, at + WIN_LENGTH, 4, UINT32_MAX);
    pci_put(p->writable, at + WIN_DATA, 4, UINT32_MAX);
    s->window_cap = (uint8_t)at;
}

static bool init(Device *d, const void *config, GError **error) {
    VirtioPci *s = (VirtioPci *)d;
    s->config = config ? *(const VirtioPciConfig *)config : (VirtioPciConfig){ .vectors = PCI_VECTORS };
    bool ok = pci_init(&s->p, &empty, config ? &s->config.pci : NULL, error);
    if (ok && s->config.no_legacy && s->config.no_modern) {
        g_set_error(error, g_quark_from_static_string("virtio-pci"), 0,
                    "disable-legacy=on and disable-modern=on leave no interface to the device");
        return false;
    }
    return ok;
}

static bool attach(Device *d, Device *behind, GError **error) {
    VirtioPci *s = (VirtioPci *)d;
    VirtioDevice *v = (VirtioDevice *)behind;
    unsigned vectors = (unsigned)MIN(s->config.vectors, v->queue_count + 1);
    s->v = v;
    s->offered = s->config.no_modern ? v->offered & UINT32_MAX : v->offered | (s->config.iommu ? VIRTIO_F_PLATFORM : 0);
    s->p.iommu = s->config.iommu;
    s->p.ops = &ops;
    identify(s);
    if (!s->config.no_legacy) {
        pci_add_bar(&s->p, BAR_LEGACY, LEGACY_SIZE, PCI_BAR_IO);
    }
    if (vectors) {
        pci_add_msix(&s->p, BAR_MSIX, vectors);
    }
    if (!s->config.no_modern) {
        add_modern(s);
    }
    virtio_set_link(v, &(VirtioLink){ interrupt, s, pci_translate });
    device_reset(d);
    return true;
}

static void finish(Device *d) {
    pci_finish((PciDevice *)d);
}

static void reset(Device *d) {
    VirtioPci *s = (VirtioPci *)d;
    pci_reset(&s->p);
    clear_driver(s);
    s->legacy = 0;
    if (s->v) {
        device_lock(&s->v->d);
        choose(s, s->config.no_modern);
        device_unlock(&s->v->d);
        device_reset(&s->v->d);
    }
}

/* A loaded state may hold anything. */
static void restored(Device *d) {
    VirtioPci *s = (VirtioPci *)d;
    pci_restored(&s->p);
    s->config_vector = usable_vector(s, s->config_vector);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        s->queue_vector[i] = usable_vector(s, s->queue_vector[i]);
    }
    if (s->v) {
        choose(s, s->legacy && !s->config.no_legacy);
    }
}

static const StateField state[] = {
    PCI_STATE(VirtioPci), STATE_NOT_KEPT(VirtioPci, v), STATE_NOT_KEPT(VirtioPci, config), STATE_NOT_KEPT(VirtioPci, offered),
    STATE_NOT_KEPT(VirtioPci, window_cap), STATE_NOT_KEPT(VirtioPci, host_reserved), STATE(VirtioPci, device_features_sel),
    STATE(VirtioPci, driver_features_sel), STATE(VirtioPci, queue_sel), STATE_ARRAY(VirtioPci, driver_features, uint32_t),
    STATE(VirtioPci, legacy), STATE(VirtioPci, config_vector), STATE(VirtioPci, reserved),
    STATE_ARRAY(VirtioPci, queue_vector, uint32_t),
};

static const DeviceProp props[] = {
    PCI_PROPS(VirtioPciConfig),
    { "vectors", "interrupt messages, at most; 0: lines alone", PROP_NUMBER, offsetof(VirtioPciConfig, vectors), 0,
      PCI_VECTORS, "65" },
    { "disable-legacy", "no interface from before version 1", PROP_BOOL, offsetof(VirtioPciConfig, no_legacy) },
    { "disable-modern", "no interface of version 1", PROP_BOOL, offsetof(VirtioPciConfig, no_modern) },
    { "iommu_platform", "the bridge translates the device's addresses", PROP_BOOL, offsetof(VirtioPciConfig, iommu) },
    { NULL },
};

#define CLASS(word, text)                                                                                          \
    const DeviceClass device_virtio_##word##_pci = {                                                               \
        .name = "virtio-" #word "-pci", .summary = text, .size = sizeof(VirtioPci),                                \
        .config_size = sizeof(VirtioPciConfig), .state = state, .state_count = G_N_ELEMENTS(state), .bus = "pci",  \
        .props = props, .behind = &device_virtio_##word, .init = init, .attach = attach, .finish = finish,         \
        .reset = reset, .restored = restored,                                                                      \
    }
CLASS(blk, "disk (virtio, PCI)");
CLASS(net, "network card (virtio, PCI)");
CLASS(rng, "entropy source (virtio, PCI)");
CLASS(serial, "console: serial ports, which are devices behind it (virtio, PCI)");
