/* SPDX-License-Identifier: MIT */
/*
 * machine.c - makes a machine from its class and the user's options, and runs it.
 *
 * Locking: vCPU threads reach the machine through the callbacks of TcgConfig only. What they want done by the main loop
 * goes through `request`, which has a lock of its own.
 */
#include "machines/machine.h"

#include <libfdt.h>
#include <string.h>

/* What a vCPU thread wants from the main loop; the first one counts until it is served. */
typedef struct MachineRequest {
    GMutex lock;
    GSource *source; /* queued, or NULL */
    bool reset;      /* start again, rather than end */
    MachineEnd end;
    char *text;      /* owned: end.text */
    GSource *stopped; /* queued, or NULL: tell of... */
    TcgStop stop;
} MachineRequest;

/* Whom a vCPU's alarm belongs to. */
typedef struct AlarmRef {
    Machine *machine;
    unsigned vcpu;
} AlarmRef;

/* -- physical memory, as the translator sees it -- */

static uint8_t *phys_page(void *opaque, uint64_t gpa, bool *writable) {
    return bus_page(((Machine *)opaque)->bus, gpa, writable);
}

static const PhysResult phys_results[] = { [BUS_OK] = PHYS_OK, [BUS_NONE] = PHYS_NONE, [BUS_REFUSED] = PHYS_REFUSED };

static PhysResult phys_read(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    Machine *m = opaque;
    return phys_results[bus_read(m->bus, (BusAccess){ .gpa = gpa, .size = size, .cpu = vcpu }, value)];
}

/* Devices set timers. */
static PhysResult phys_write(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    Machine *m = opaque;
    BusResult result = bus_write(m->bus, (BusAccess){ .gpa = gpa, .size = size, .cpu = vcpu }, value);
    tcg_deadline_moved(m->tcg);
    return phys_results[result];
}

static void ram_written(void *opaque, uint64_t gpa, uint64_t size) {
    Machine *m = opaque;
    if (m->tcg) {
        tcg_ram_written(m->tcg, gpa, size);
    }
}

static void map_changed(void *opaque) {
    Machine *m = opaque;
    if (m->tcg) {
        tcg_map_changed(m->tcg);
    }
}

/* -- from vCPU threads to the main loop -- */

static gboolean serve_request(gpointer opaque) {
    Machine *m = opaque;
    MachineRequest *r = m->request;
    g_mutex_lock(&r->lock);
    g_clear_pointer(&r->source, g_source_unref);
    MachineEnd end = r->end;
    g_autofree char *text = g_steal_pointer(&r->text);
    bool reset = r->reset;
    g_mutex_unlock(&r->lock);
    if (!m->running) {
        return G_SOURCE_REMOVE;
    }
    if (reset && !m->options.no_reboot) {
        machine_reset(m);
        return G_SOURCE_REMOVE;
    }
    machine_stop(m);
    end.text = text;
    if (m->options.ended) {
        m->options.ended(m->options.opaque, &end);
    }
    return G_SOURCE_REMOVE;
}

static void post(Machine *m, bool reset, MachineEndKind kind, int code, const char *text) {
    MachineRequest *r = m->request;
    g_mutex_lock(&r->lock);
    if (!r->source) {
        r->reset = reset;
        r->end = (MachineEnd){ .kind = kind, .code = code };
        r->text = g_strdup(text);
        r->source = g_idle_source_new();
        g_source_set_priority(r->source, G_PRIORITY_HIGH);
        g_source_set_callback(r->source, serve_request, m, NULL);
        g_source_attach(r->source, m->options.context);
    }
    g_mutex_unlock(&r->lock);
}

static gboolean serve_stop(gpointer opaque) {
    Machine *m = opaque;
    MachineRequest *r = m->request;
    g_mutex_lock(&r->lock);
    g_clear_pointer(&r->stopped, g_source_unref);
    TcgStop stop = r->stop;
    g_mutex_unlock(&r->lock);
    machine_pause(m);
    if (m->options.stopped) {
        m->options.stopped(m->options.opaque, &stop);
    }
    return G_SOURCE_REMOVE;
}

static void drop_stop(Machine *m) {
    MachineRequest *r = m->request;
    g_mutex_lock(&r->lock);
    if (r->stopped) {
        g_source_destroy(r->stopped);
        g_clear_pointer(&r->stopped, g_source_unref);
    }
    g_mutex_unlock(&r->lock);
}

static void drop_requests(Machine *m) {
    MachineRequest *r = m->request;
    g_mutex_lock(&r->lock);
    if (r->source) {
        g_source_destroy(r->source);
        g_clear_pointer(&r->source, g_source_unref);
    }
    g_clear_pointer(&r->text, g_free);
    g_mutex_unlock(&r->lock);
}

/* -- callbacks of the translator -- */

static uint64_t cpu_now(void *opaque) {
    return clock_now(((Machine *)opaque)->clock);
}

static void cpu_alarm(void *opaque, unsigned vcpu, uint64_t deadline) {
    Machine *m = opaque;
    if (vcpu < m->alarms->len && !m->options.icount) { /* virtual time looks at the CPUs' deadlines itself */
        clock_timer_set(g_ptr_array_index(m->alarms, vcpu), deadline);
    }
}

/* -- virtual time -- */

static uint64_t icount_source(void *opaque) {
    const Machine *m = opaque;
    return m->tcg ? tcg_icount_now(m->tcg) : 0;
}

static uint64_t icount_next_deadline(void *opaque) {
    return clock_next_deadline(((Machine *)opaque)->clock);
}

typedef struct Advance {
    GMutex lock;
    GCond cond;
    bool done;
} Advance;

static gboolean advanced(gpointer opaque) {
    Advance *a = opaque;
    g_mutex_lock(&a->lock);
    a->done = true;
    g_cond_signal(&a->cond);
    g_mutex_unlock(&a->lock);
    return G_SOURCE_REMOVE;
}

/* The main loop runs the timers that are due; the vCPU waits, for it must not run past them. When the loop is about to
 * stop the vCPUs it never comes to that: the wait ends by itself. */
static void icount_advance(void *opaque) {
    Machine *m = opaque;
    Advance a = { .done = false };
    g_mutex_init(&a.lock);
    g_cond_init(&a.cond);
    clock_advanced(m->clock);
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_LOW);
    g_source_set_callback(source, advanced, &a, NULL);
    g_source_attach(source, m->options.context);
    g_mutex_lock(&a.lock);
    gint64 limit = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
    while (!a.done && g_cond_wait_until(&a.cond, &a.lock, limit)) {
    }
    g_mutex_unlock(&a.lock);
    g_source_destroy(source);
    g_source_unref(source);
    g_mutex_lock(&a.lock); /* `advanced` may be about to leave */
    g_mutex_unlock(&a.lock);
    g_mutex_clear(&a.lock);
    g_cond_clear(&a.cond);
}

static void cpu_irq_out(void *opaque, unsigned vcpu, unsigned line, bool level) {
    Machine *m = opaque;
    m->cls->cpu_irq(m, vcpu, line, level);
}

static bool cpu_firmware(void *opaque, unsigned vcpu) {
    Machine *m = opaque;
    bool known = m->cls->firmware(m, vcpu);
    tcg_deadline_moved(m->tcg); /* it may have set timers */
    return known;
}

static void cpu_power(void *opaque, unsigned vcpu, TcgPower action, int code) {
    Machine *m = opaque;
    switch ((int)action) {
    case TCG_POWER_OFF:
        post(m, false, MACHINE_END_OFF, 0, NULL);
        break;
    case TCG_POWER_RESET:
        post(m, true, MACHINE_END_RESET, 0, NULL);
        break;
    case TCG_POWER_EXIT:
        post(m, false, MACHINE_END_EXIT, code, NULL);
        break;
    default: /* CPU_POWER_CPU_OFF: nobody is left to turn one on again */
        post(m, false, MACHINE_END_ERROR, 0, m->cpus == 1 ? "the guest has turned off its only CPU"
                                                         : "the guest has turned off the last of its CPUs");
        break;
    }
}

void machine_panicked(Machine *m, const char *text) {
    post(m, false, MACHINE_END_PANIC, 0, text);
}

/* The clock stands still at once: the main loop may take its time. */
static void cpu_debug_stop(void *opaque, const TcgStop *stop) {
    Machine *m = opaque;
    MachineRequest *r = m->request;
    clock_stop(m->clock);
    g_mutex_lock(&r->lock);
    if (!r->stopped) {
        r->stop = *stop;
        r->stopped = g_idle_source_new();
        g_source_set_priority(r->stopped, G_PRIORITY_HIGH);
        g_source_set_callback(r->stopped, serve_stop, m, NULL);
        g_source_attach(r->stopped, m->options.context);
    }
    g_mutex_unlock(&r->lock);
}

static void cpu_diverged(void *opaque, const char *report) {
    post(opaque, false, MACHINE_END_DIVERGED, 0, report);
}

static void alarm_rings(void *opaque) {
    AlarmRef *ref = opaque;
    vcpu_alarm(g_ptr_array_index(ref->machine->vcpus, ref->vcpu));
}

/* -- making one -- */

static bool set_keys(Machine *m, GError **error) {
    const KeyList *list = m->options.machine;
    for (unsigned i = 0; list && i < list->items->len; i++) {
        const KeyVal *pair = &g_array_index(list->items, KeyVal, i);
        if (strcmp(pair->key, "type") == 0) {
            continue;
        }
        const MachineKey *key = m->cls->keys;
        while (key->name && strcmp(key->name, pair->key) != 0) {
            key++;
        }
        if (!key->name) {
            g_autoptr(GPtrArray) names = g_ptr_array_new();
            for (key = m->cls->keys; key->name; key++) {
                g_ptr_array_add(names, (gpointer)key->name);
            }
            g_ptr_array_add(names, NULL);
            g_autofree char *hint = names_hint(pair->key, (const char *const *)names->pdata);
            g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "machine '%s' has no key '%s'%s", m->cls->name, pair->key,
                        hint);
            return false;
        }
        if (!key->set(m, pair->value, error)) {
            return false;
        }
    }
    return true;
}

static bool check_options(Machine *m, GError **error) {
    const MachineOptions *o = &m->options;
    const MachineClass *cls = m->cls;
    m->cpu = o->cpu ? o->cpu : cls->default_cpu;
    m->ram_size = o->ram ? o->ram : cls->ram_default;
    m->cpus = o->cpus ? (unsigned)o->cpus : 1;
    if (!g_strv_contains(cls->frontend->models, m->cpu)) {
        g_autofree char *hint = names_hint(m->cpu, cls->frontend->models);
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "machine '%s' has no CPU model '%s'%s", cls->name, m->cpu, hint);
        return false;
    }
    if (m->cpus > cls->cpus_max) {
        g_autofree char *range = cls->cpus_max > 1 ? g_strdup_printf("1 to %u CPUs", cls->cpus_max) : g_strdup("one CPU");
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "machine '%s' has %s, not %u", cls->name, range, m->cpus);
        return false;
    }
    if (m->ram_size < cls->ram_min || m->ram_size > cls->ram_max || m->ram_size % BUS_PAGE) {
        g_autofree char *asked = value_size_text(m->ram_size), *min = value_size_text(cls->ram_min);
        g_autofree char *max = value_size_text(cls->ram_max);
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "machine '%s' takes %s to %s of memory, in steps of 4 KiB, not %s", cls->name, min, max, asked);
        return false;
    }
    if (!o->kernel && (o->initrd || o->append)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s needs a kernel: give one with -kernel",
                    o->initrd ? "-initrd" : "-append");
        return false;
    }
    if (o->kernel && o->bios && !m->cls->bios_room) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "-kernel and -bios cannot be given together yet");
        return false;
    }
    if (!o->kernel && !o->bios) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "there is nothing to boot: neither a kernel (-kernel) nor firmware (-bios) is given");
        return false;
    }
    return set_keys(m, error) && (!cls->check || cls->check(m, error));
}

static bool make_memory(Machine *m, GError **error) {
    const MachineOptions *o = &m->options;
    m->clock = clock_new(o->context);
    if (o->icount) {
        clock_use(m->clock, icount_source, m);
        clock_set(m->clock, 0); /* nothing of the host's time is left in it */
    }
    clock_stop(m->clock);
    m->bus = bus_new();
    bus_set_hooks(m->bus, &(BusHooks){ .opaque = m, .ram_written = ram_written, .map_changed = map_changed });
    g_autoptr(GError) why = NULL;
    m->ram = ram_new(m->ram_size, &why);
    if (!m->ram) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_HOST, "%s", why->message);
        return false;
    }
    return bus_add_ram(m->bus, "ram", m->cls->ram_base, m->ram_size, ram_host(m->ram), error);
}

static unsigned devices_of(const Machine *m, const MapRow *row) {
    return row->present && !row->present(m) ? 0 : MAX(row->count, 1);
}

/* One device of a row; index < devices_of. */
static bool make_device(Machine *m, const MapRow *row, unsigned index, GError **error) {
    DeviceEnv env = { .bus = m->bus, .clock = m->clock, .log = &m->log };
    DeviceConfig config;
    memset(&config, 0, sizeof config);
    if (row->configure) {
        row->configure(m, index, &config);
    }
    const char *name = row->name ? row->name : row->device->name;
    g_autofree char *full = row->count > 1 ? g_strdup_printf("%s%u", name, index) : g_strdup(name);
    Device *device = device_new(row->device, full, &env, row->configure ? &config : NULL, error);
    if (!device) {
        return false;
    }
    g_ptr_array_add(m->devices, device);
    for (unsigned bank = 0; bank < MIN(MAP_BANKS, row->device->bank_count); bank++) {
        if (row->size[bank] && !bus_add_device_part(m->bus, row->base[bank] + index * row->stride, row->size[bank], device, bank, error)) {
            return false;
        }
    }
    return true;
}

static bool make_devices(Machine *m, GError **error) {
    for (const MapRow *row = m->cls->map; row < m->cls->map + m->cls->map_count; row++) {
        for (unsigned i = 0; i < devices_of(m, row); i++) {
            if (!make_device(m, row, i, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool make_cpus(Machine *m, GError **error) {
    const MachineOptions *o = &m->options;
    TcgConfig config = {
        .vcpus = m->cpus, .interpret = o->interpret, .cache_bytes = o->cache_bytes, .stats = o->stats, .forced = o->forced,
        .tier = o->tier ? o->tier : o->icount && !o->forced.regions ? 1 : 2, .verify = o->verify, .log_items = o->tcg_log, .log = o->log,
        .phys = { .opaque = m, .page = phys_page, .read = phys_read, .write = phys_write },
        .opaque = m, .now = cpu_now, .alarm = cpu_alarm, .irq_out = cpu_irq_out, .power = cpu_power,
        .icount = o->icount, .icount_shift = o->icount_shift, .next_deadline = icount_next_deadline,
        .advance = icount_advance, .diverged = cpu_diverged, .debug_stop = cpu_debug_stop, .semihosting = o->semihosting, .semihosting_console = stdout,
    };
    config.cluster = m->cls->cluster ? m->cls->cluster(m) : 0;
    config.firmware = m->cls->firmware ? cpu_firmware : NULL;
    m->tcg = tcg_new(&config);
    for (unsigned i = 0; i < m->cpus; i++) {
        g_array_append_val(m->alarm_refs, ((AlarmRef){ m, i }));
    }
    for (unsigned i = 0; i < m->cpus; i++) {
        g_ptr_array_add(m->alarms, clock_timer_new(m->clock, alarm_rings, &g_array_index(m->alarm_refs, AlarmRef, i)));
        Vcpu *vcpu = tcg_add_vcpu(m->tcg, m->cls->frontend, m->cpu, m->cls->counter_hz(m->cpu), error);
        if (!vcpu) {
            return false;
        }
        g_ptr_array_add(m->vcpus, vcpu);
    }
    return true;
}

/* -- the device tree -- */

enum { FDT_DEVICES_MAX = 64 << 10, SEED_KASLR = 8, SEED_RNG = 32 };

/* The nodes of the map's devices, which write themselves one after the other. */
static DevTree *describe_map(Machine *m) {
    g_autofree void *blob = g_malloc0(FDT_DEVICES_MAX);
    fdt_create(blob, FDT_DEVICES_MAX);
    fdt_finish_reservemap(blob);
    fdt_begin_node(blob, "");
    fdt_property_u32(blob, "#address-cells", 2);
    fdt_property_u32(blob, "#size-cells", 2);
    unsigned next = 0;
    for (const MapRow *row = m->cls->map; row < m->cls->map + m->cls->map_count; row++) {
        for (unsigned i = 0; i < devices_of(m, row); i++) {
            Device *device = g_ptr_array_index(m->devices, next++);
            DeviceFdt at = { .irq = row->irq == NO_IRQ ? 0 : (unsigned)row->irq + i, .phandle = row->phandle,
                             .clock = row->clocked ? m->cls->clock_phandle : 0 };
            for (unsigned bank = 0; bank < MAP_BANKS; bank++) {
                at.base[bank] = row->size[bank] ? row->base[bank] + i * row->stride : 0;
                at.size[bank] = row->size[bank];
            }
            if (i == 0 || !row->one_node) {
                device_fdt(device, blob, &at);
            }
        }
    }
    fdt_end_node(blob);
    int r = fdt_finish(blob);
    g_assert(r == 0);
    return devtree_open(blob, FDT_DEVICES_MAX, "the machine's own", NULL);
}

/* Under -icount the same for every run. */
static void random_property(const Machine *m, DevTree *tree, const char *name, size_t size) {
    uint32_t words[SEED_RNG / 4];
    for (size_t i = 0; i < size / 4; i++) {
        words[i] = m->options.icount ? 0x9e3779b9u * (uint32_t)(i + 1) : g_random_int();
    }
    devtree_bytes(tree, "/chosen", name, words, size);
}

/* What the machine says to the kernel, whoever wrote the tree. */
static void describe_boot(Machine *m, DevTree *tree) {
    uint64_t base = m->cls->ram_base;
    uint32_t address_cells = devtree_get_cell(tree, "/", "#address-cells", 2);
    uint32_t size_cells = devtree_get_cell(tree, "/", "#size-cells", 1);
    uint32_t reg[4];
    unsigned n = 0;
    const struct { uint32_t cells; uint64_t value; } parts[] = { { address_cells, base }, { size_cells, m->ram_size } };
    for (unsigned i = 0; i < 2; i++) {
        if (parts[i].cells != 1) {
            reg[n++] = (uint32_t)(parts[i].value >> 32);
        }
        reg[n++] = (uint32_t)parts[i].value;
    }
    g_autofree char *at = g_strdup_printf("/memory@%" G_GINT64_MODIFIER "x", base);
    const char *memory = devtree_has(tree, "/memory") ? "/memory" : at; /* finds a unit address too */
    devtree_node(tree, memory);
    devtree_string(tree, memory, "device_type", "memory");
    devtree_cells(tree, memory, "reg", n, reg);
    devtree_node(tree, "/chosen");
    if (m->options.append) {
        devtree_string(tree, "/chosen", "bootargs", m->options.append);
    }
    if (m->keys.fdt_randomness) {
        random_property(m, tree, "kaslr-seed", SEED_KASLR);
        random_property(m, tree, "rng-seed", SEED_RNG);
    }
    if (m->options.initrd) {
        DEVTREE_U64S(tree, "/chosen", "linux,initrd-start", 0);
        DEVTREE_U64S(tree, "/chosen", "linux,initrd-end", 0);
    }
}

static bool make_tree(Machine *m, GError **error) {
    g_autoptr(DevTree) tree = m->options.dtb ? loader_read_dtb(m->options.dtb, error) : describe_map(m);
    if (!tree) {
        return false;
    }
    if (!m->options.dtb) {
        m->cls->describe(m, tree);
    }
    describe_boot(m, tree);
    size_t size;
    devtree_blob(tree, &size);
    if (devtree_broken(tree)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "'%s' is not a device tree that can be used: it is damaged",
                    m->options.dtb);
        return false;
    }
    if (!loader_place(m->loader, MAX(size, m->cls->boot_room), error)) {
        return false;
    }
    LoaderEntry entry = loader_entry(m->loader);
    if (entry.initrd_size) { /* of the same size as before, so that the place stays right */
        DEVTREE_U64S(tree, "/chosen", "linux,initrd-start", entry.initrd);
        DEVTREE_U64S(tree, "/chosen", "linux,initrd-end", entry.initrd + entry.initrd_size);
    }
    const void *blob = devtree_blob(tree, &size);
    m->dtb = g_bytes_new(blob, size);
    return true;
}

static bool fill(Machine *m, GError **error) {
    LoaderRam ram = { m->cls->ram_base, m->ram_size, m->cls->bios_room };
    const MachineOptions *o = &m->options;
    m->loader = loader_new(m->cls->image, o->kernel, o->initrd, o->bios, MAX(m->cls->flash_size, m->cls->bios_room), ram, error);
    return m->loader && make_devices(m, error) && plug_devices(m, error) && make_cpus(m, error) && m->cls->fixup(m, error) && make_tree(m, error);
}

Machine *machine_new(const MachineClass *cls, const MachineOptions *options, GError **error) {
    g_autoptr(Machine) m = g_new0(Machine, 1);
    m->cls = cls;
    m->options = *options;
    m->log = (Log){ .items = options->device_log, .out = options->log };
    m->devices = g_ptr_array_new_with_free_func((GDestroyNotify)device_free);
    m->vcpus = g_ptr_array_new();
    m->alarms = g_ptr_array_new_with_free_func((GDestroyNotify)clock_timer_free);
    m->alarm_refs = g_array_new(FALSE, FALSE, sizeof(AlarmRef));
    m->request = g_new0(MachineRequest, 1);
    g_mutex_init(&m->request->lock);
    m->keys.fdt_randomness = true;
    if (!check_options(m, error) || !make_memory(m, error) || !fill(m, error)) {
        return NULL;
    }
    return g_steal_pointer(&m);
}

void machine_free(Machine *m) {
    machine_stop(m);
    drop_requests(m);
    drop_stop(m);
    g_ptr_array_unref(m->alarms);
    g_array_unref(m->alarm_refs);
    g_clear_pointer(&m->tcg, tcg_free);
    g_ptr_array_unref(m->vcpus);
    g_ptr_array_unref(m->devices);
    bus_free(m->bus);
    ram_free(m->ram);
    g_clear_pointer(&m->clock, clock_free);
    g_clear_pointer(&m->loader, loader_free);
    g_clear_pointer(&m->dtb, g_bytes_unref);
    g_mutex_clear(&m->request->lock);
    g_free(m->request);
    g_free(m);
}

/* -- running -- */

/* Images into memory and the first CPU to its entry; the others are off. The CPUs are in reset. */
static void boot(Machine *m) {
    size_t size;
    const void *blob = g_bytes_get_data(m->dtb, &size);
    loader_copy(m->loader, ram_host(m->ram), blob, size);
    LoaderEntry entry = loader_entry(m->loader);
    const uint64_t args[] = { entry.kernel ? entry.dtb : 0, 0, 0, 0 };
    m->cls->frontend->set_entry(vcpu_env(g_ptr_array_index(m->vcpus, 0)), entry.pc, args, G_N_ELEMENTS(args));
    if (m->cls->boot) {
        m->cls->boot(m);
    }
}

static void devices_resumed(Machine *m) {
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *device = g_ptr_array_index(m->devices, i);
        if (device->cls->resumed) {
            device->cls->resumed(device);
        }
    }
}

static void start(Machine *m) {
    m->running = true;
    if (!m->paused) {
        clock_resume(m->clock);
        devices_resumed(m);
    }
    tcg_start(m->tcg);
}

/* The vCPUs stand still. */
static void quiesce(Machine *m) {
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *device = g_ptr_array_index(m->devices, i);
        if (device->cls->quiesce) {
            device->cls->quiesce(device);
        }
    }
}

void machine_pause(Machine *m) {
    m->paused = true;
    tcg_pause(m->tcg);
    clock_stop(m->clock);
    quiesce(m);
}

static void go(Machine *m, int step) {
    drop_stop(m);
    m->paused = false;
    m->resumes++;
    if (m->running) {
        clock_resume(m->clock);
    }
    devices_resumed(m);
    tcg_resume(m->tcg, step);
}

void machine_resume(Machine *m) {
    if (m->paused) {
        go(m, -1);
    }
}

void machine_step(Machine *m, unsigned cpu) {
    if (m->paused) {
        go(m, (int)cpu);
    }
}

void machine_start(Machine *m) {
    if (!m->running) {
        if (!m->loaded) {
            boot(m);
        }
        m->loaded = false;
        start(m);
    }
}

void machine_hash_bytes(uint64_t *hash, const void *bytes, size_t size) {
    const uint8_t *p = bytes;
    uint64_t h = *hash;
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    for (; size; p++, size--) {
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    }
    *hash = h;
}

static void hash_field(void *hash, const char *name, void *bytes, size_t size, size_t element) {
    machine_hash_bytes(hash, bytes, size);
}

static void hash_span(void *hash, const char *name, void *bytes, size_t size) {
    machine_hash_bytes(hash, bytes, size);
}

uint64_t machine_state_hash(Machine *m) {
    uint64_t hash = 0;
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        vcpu_state_walk(g_ptr_array_index(m->vcpus, i), hash_span, &hash);
    }
    for (unsigned i = 0; i < m->devices->len; i++) {
        device_state_walk(g_ptr_array_index(m->devices, i), hash_field, &hash);
    }
    machine_hash_bytes(&hash, ram_host(m->ram), m->ram_size);
    return hash;
}

uint64_t machine_insns(const Machine *m) {
    return tcg_stats(m->tcg).insns;
}

void machine_stop(Machine *m) {
    if (m->running) {
        tcg_stop(m->tcg);
        clock_stop(m->clock);
        quiesce(m);
        m->running = false;
    }
}

void machine_reset(Machine *m) {
    bool running = m->running;
    machine_stop(m);
    drop_requests(m);
    tcg_reset(m->tcg);
    m->loaded = false;
    for (unsigned i = 0; i < m->devices->len; i++) {
        device_reset(g_ptr_array_index(m->devices, i));
    }
    if (running) {
        boot(m);
        start(m);
    }
}

Device *machine_device(const Machine *m, const char *name) {
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *device = g_ptr_array_index(m->devices, i);
        if (strcmp(device->name, name) == 0) {
            return device;
        }
    }
    return NULL;
}

void machine_wire(Machine *m, Device *controller, unsigned first_input) {
    unsigned next = 0;
    m->irq_controller = controller;
    for (const MapRow *row = m->cls->map; row < m->cls->map + m->cls->map_count; row++) {
        for (unsigned i = 0; i < devices_of(m, row); i++) {
            Device *device = g_ptr_array_index(m->devices, next++);
            for (unsigned out = 0; row->irq != NO_IRQ && out < device->cls->irq_count; out++) {
                device_connect(device, out, controller, first_input + (unsigned)row->irq + i + out);
            }
        }
    }
}

const MachineClass *machine_class_find(const char *name, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const MachineClass *const *cls = machine_classes; *cls; cls++) {
        if (strcmp((*cls)->name, name) == 0) {
            return *cls;
        }
        g_ptr_array_add(names, (gpointer)(*cls)->name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = names_hint(name, (const char *const *)names->pdata);
    g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "no machine '%s'%s", name, hint);
    return NULL;
}
