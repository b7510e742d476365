/* SPDX-License-Identifier: MIT */
/*
 * plug.c - makes devices from -device: a class by its name, its configuration by its table of properties, a slot of its
 * bus. Slots are filled from the lowest address on, so that a guest counts devices as the command line does.
 */
#include "machines/plug.h"

#include <string.h>

#include "machines/machine.h"

/* -- the class -- */

static bool pluggable(const DeviceClass *cls) {
    return cls->bus != NULL;
}

/* Devices that every machine has on a bus of its own: their names without it. */
static const char *const portable[] = { "virtio-blk", "virtio-net", "virtio-rng", "virtio-serial", NULL };

static const DeviceClass *find_class(const char *name, const char *suffix, GError **error) {
    g_autofree char *full = g_strv_contains(portable, name) ? g_strdup_printf("%s-%s", name, suffix) : g_strdup(name);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const DeviceClass *const *cls = device_classes; *cls; cls++) {
        if (!pluggable(*cls)) {
            continue;
        }
        if (strcmp((*cls)->name, full) == 0) {
            return *cls;
        }
        g_ptr_array_add(names, (gpointer)(*cls)->name);
    }
    g_ptr_array_add(names, NULL);
    const char *const *all = (const char *const *)names->pdata;
    const char *dash = strrchr(name, '-');
    g_autofree char *here = dash ? g_strdup_printf("%.*s-device", (int)(dash - name), name) : NULL;
    if (dash && strcmp(dash, "-ccw") == 0 && g_strv_contains(all, here)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "no device '%s': there is no channel bus yet; use '%s'", name, here);
        return NULL;
    }
    g_autofree char *hint = names_hint(name, all);
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "no device '%s'%s", name, hint);
    return NULL;
}

const DeviceClass *plug_class_find(const char *name, GError **error) {
    return find_class(name, "device", error);
}

/* -- the configuration -- */

/* Of the class, or of what stands behind it (*behind). */
static const DeviceProp *find_prop(const DeviceClass *cls, const char *name, bool *behind, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const DeviceClass *both[] = { cls, cls->behind };
    for (unsigned i = 0; i < G_N_ELEMENTS(both) && both[i]; i++) {
        *behind = i;
        for (const DeviceProp *p = both[i]->props; p && p->name; p++) {
            if (strcmp(p->name, name) == 0) {
                return p;
            }
            g_ptr_array_add(names, (gpointer)p->name);
        }
    }
    g_ptr_array_add(names, (gpointer) "id");
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = names_hint(name, (const char *const *)names->pdata);
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "device '%s' has no property '%s'%s", cls->name, name, hint);
    return NULL;
}

static bool set_mac(const char *what, const char *text, uint8_t *mac, GError **error) {
    unsigned byte[6];
    int end = 0;
    int n = sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4], &byte[5], &end);
    if (n != 6 || text[end] || strspn(text, "0123456789abcdefABCDEF:") != strlen(text) || (byte[0] & 1)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "%s: '%s' is not the address of one station; such an address is like 52:54:00:12:34:56", what, text);
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        mac[i] = (uint8_t)byte[i];
    }
    mac[6] = 1;
    return true;
}

static bool set_word(const char *what, const DeviceProp *p, const char *text, unsigned *value, GError **error) {
    for (unsigned i = 0; p->words[i]; i++) {
        if (strcmp(p->words[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    g_autofree char *hint = names_hint(text, p->words);
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: no choice '%s'%s", what, text, hint);
    return false;
}

static bool set_backend(Machine *m, const char *what, const DeviceProp *p, const char *id, const char *user, void **object,
                        GError **error) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (unsigned i = 0; m->options.backends && i < m->options.backends->len; i++) {
        MachineBackend *b = g_ptr_array_index(m->options.backends, i);
        if (strcmp(b->option, p->backend) != 0) {
            continue;
        }
        if (strcmp(b->id, id) == 0) {
            if (b->user) {
                g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: %s '%s' is used by '%s' already", what, p->backend, id,
                            b->user);
                return false;
            }
            b->user = user;
            *object = b->object;
            return true;
        }
        g_ptr_array_add(ids, (gpointer)b->id);
    }
    g_ptr_array_add(ids, NULL);
    g_autofree char *hint = names_hint(id, (const char *const *)ids->pdata);
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: no %s '%s'%s", what, p->backend, id, hint);
    return false;
}

static bool set_prop(Machine *m, const DeviceClass *cls, const DeviceProp *p, const char *text, void *config,
                     const char *user, GError **error) {
    g_autofree char *what = g_strdup_printf("%s.%s", cls->name, p->name);
    void *field = (uint8_t *)config + p->offset;
    switch (p->kind) {
    case PROP_BOOL: return value_bool(what, text, field, error);
    case PROP_BOOL_NOT: {
        bool on;
        bool ok = value_bool(what, text, &on, error);
        *(bool *)field = ok && !on;
        return ok;
    }
    case PROP_NUMBER: return value_number(what, text, p->min, p->max, field, error);
    case PROP_SIZE:
        if (!value_size(what, text, 1, field, error)) {
            return false;
        }
        if (*(uint64_t *)field < p->min || *(uint64_t *)field > p->max) {
            g_autofree char *min = value_size_text(p->min), *max = value_size_text(p->max);
            g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: '%s' is not from %s to %s", what, text, min, max);
            return false;
        }
        return true;
    case PROP_STRING: *(const char **)field = text; return true;
    case PROP_WORD: return set_word(what, p, text, field, error);
    case PROP_MAC: return set_mac(what, text, field, error);
    default: return set_backend(m, what, p, text, user, field, error);
    }
}

static bool set_standard(Machine *m, const DeviceClass *cls, const char *name, void *config, GError **error) {
    for (const DeviceProp *p = cls->props; p && p->name; p++) {
        if (p->standard && !set_prop(m, cls, p, p->standard, config, name, error)) {
            return false;
        }
    }
    return true;
}

/* behind: the configuration of what stands behind the class, if anything does. */
static bool configure(Machine *m, const DeviceClass *cls, const KeyList *list, const char *name, void *config, void *behind,
                      GError **error) {
    if (!set_standard(m, cls, name, config, error) || (cls->behind && !set_standard(m, cls->behind, name, behind, error))) {
        return false;
    }
    for (unsigned i = 0; i < list->items->len; i++) {
        const KeyVal *pair = &g_array_index(list->items, KeyVal, i);
        if (strcmp(pair->key, "driver") == 0 || strcmp(pair->key, "id") == 0) {
            continue;
        }
        bool inner;
        const DeviceProp *p = find_prop(cls, pair->key, &inner, error);
        if (!p || !set_prop(m, cls, p, pair->value, inner ? behind : config, name, error)) {
            return false;
        }
    }
    return true;
}

/* -- the place -- */

/* Kinds of slots, and what puts a device into one. */
static const struct {
    const char *bus;
    bool (*plug)(Device *slot, Device *device);
    const char *hint;
} buses[] = {
    { "virtio", virtio_mmio_plug, "" },
    { "virtio-serial", virtio_serial_plug, "\nput -device virtio-serial in front of it" },
    { "pci", pci_plug, "" },
};

static void no_slot(const Machine *m, const Device *device, unsigned slots, const char *hint, GError **error) {
    const char *bus = device->cls->bus;
    const PciDevice *p = strcmp(bus, "pci") == 0 ? (const PciDevice *)device : NULL;
    if (!slots) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "machine '%s' has no %s slots for '%s'%s", m->cls->name, bus,
                    device->name, hint);
    } else if (p && p->fixed) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "the %s slot of '%s', addr=%x.%x, is taken; give it another one",
                    bus, device->name, p->devfn >> 3, p->devfn & 7u);
    } else {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "machine '%s' has no free %s slot for '%s'; there are %u",
                    m->cls->name, bus, device->name, p ? PCI_FUNCTIONS / 8 - 1 : slots);
    }
}

static bool take_slot(Machine *m, Device *device, GError **error) {
    unsigned slots = 0, bus = 0;
    while (strcmp(buses[bus].bus, device->cls->bus) != 0) {
        bus++;
        g_assert(bus < G_N_ELEMENTS(buses));
    }
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *slot = g_ptr_array_index(m->devices, i);
        if (slot->cls->slots && strcmp(slot->cls->slots, device->cls->bus) == 0) {
            slots++;
            if (buses[bus].plug(slot, device)) {
                return true;
            }
        }
    }
    no_slot(m, device, slots, buses[bus].hint, error);
    return false;
}

/* The name of an instance: its id, or its class with a number. */
static char *name_of(const Machine *m, const DeviceClass *cls, const KeyList *list) {
    const char *id = keylist_get(list, "id");
    unsigned same = 0;
    for (unsigned i = 0; i < m->devices->len; i++) {
        same += ((Device *)g_ptr_array_index(m->devices, i))->cls == cls;
    }
    return id ? g_strdup(id) : g_strdup_printf("%s%u", cls->name, same);
}

/* Makes one, and a sentence that begins with its name of what went wrong. */
static Device *make(Machine *m, const DeviceClass *cls, const char *name, const void *config, GError **error) {
    DeviceEnv env = { .bus = m->bus, .clock = m->clock, .log = &m->log };
    g_autoptr(GError) why = NULL;
    Device *device = device_new(cls, name, &env, config, &why);
    if (!device) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: %s", name, why->message);
    }
    return device;
}

/* What stands behind the device goes into the machine's list in front of it. */
static bool make_behind(Machine *m, Device *device, const void *config, GError **error) {
    if (!device->cls->behind) {
        return true;
    }
    g_autofree char *name = g_strdup_printf("%s.virtio", device->name);
    Device *behind = make(m, device->cls->behind, name, config, error);
    if (!behind) {
        return false;
    }
    if (!device->cls->attach(device, behind, error)) {
        device_free(behind);
        return false;
    }
    g_ptr_array_add(m->devices, behind);
    return true;
}

static bool plug(Machine *m, const KeyList *list, GError **error) {
    const char *driver = keylist_get(list, "driver");
    const DeviceClass *cls = driver ? find_class(driver, m->cls->virtio_on_pci ? "pci" : "device", error) : NULL;
    if (!driver) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "-device: the name of the device is missing\n'yado -device help' lists them");
    }
    if (!cls) {
        return false;
    }
    g_autofree char *name = name_of(m, cls, list);
    if (machine_device(m, name) || strlen(name) > 64) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, strlen(name) > 64 ? "-device: the id '%s' is longer than 64 bytes"
                    : "-device: there is a device '%s' already; give it another id", name);
        return false;
    }
    g_autofree void *config = g_malloc0(MAX(cls->config_size, 1));
    g_autofree void *behind = g_malloc0(cls->behind ? MAX(cls->behind->config_size, 1) : 1);
    const char *user = g_intern_string(name);
    Device *device = configure(m, cls, list, user, config, behind, error) ? make(m, cls, name, config, error) : NULL;
    if (!device) {
        return false;
    }
    if (!take_slot(m, device, error) || !make_behind(m, device, behind, error)) {
        device_free(device);
        return false;
    }
    g_ptr_array_add(m->devices, device);
    return true;
}

bool plug_devices(Machine *m, GError **error) {
    for (unsigned i = 0; m->options.devices && i < m->options.devices->len; i++) {
        if (!plug(m, g_ptr_array_index(m->options.devices, i), error)) {
            return false;
        }
    }
    return true;
}

/* -- for people -- */

static char *kind_text(const DeviceProp *p) {
    switch (p->kind) {
    case PROP_BOOL:
    case PROP_BOOL_NOT: return g_strdup("on|off");
    case PROP_NUMBER: return g_strdup("N");
    case PROP_SIZE: return g_strdup("SIZE");
    case PROP_WORD: return g_strjoinv("|", (char **)(void *)(uintptr_t)p->words);
    case PROP_MAC: return g_strdup("MAC");
    case PROP_BACKEND: return g_strdup("ID");
    default: return g_strdup("TEXT");
    }
}

static void each_property(const DeviceClass *cls, void (*row)(void *opaque, const char *left, const char *help),
                          void *opaque) {
    for (const DeviceProp *p = cls->props; p && p->name; p++) {
        g_autofree char *kind = kind_text(p), *left = g_strdup_printf("%s=%s", p->name, kind);
        g_autofree char *help = p->standard ? g_strdup_printf("%s (default: %s)", p->help, p->standard)
                                : p->kind == PROP_BOOL ? g_strdup_printf("%s (default: off)", p->help) : g_strdup(p->help);
        row(opaque, left, help);
    }
}

void plug_each_property(const DeviceClass *cls, void (*row)(void *opaque, const char *left, const char *help),
                        void *opaque) {
    each_property(cls, row, opaque);
    if (cls->behind) {
        each_property(cls->behind, row, opaque);
    }
}
