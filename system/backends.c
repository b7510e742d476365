/* SPDX-License-Identifier: MIT */
/*
 * backends.c - makes what options describe: disks here, networks, serial lines and objects in files of their own. A new
 * kind is a row of `kinds` and a function that makes one from its keys.
 * Missing: several nodes of -blockdev on top of each other; formats other than raw.
 */
#include "system/backend_types.h"

#include <gio/gio.h>
#include <string.h>

typedef struct Kind {
    const char *option; /* as KeyList.option */
    const char *backend;
    bool (*make)(Backends *b, const KeyList *list, Made *made, GError **error);
    bool named;          /* an id must be given */
    bool late;           /* it may name others, whatever their order is */
} Kind;

/* -- values -- */

int backend_word(const KeyList *list, const char *key, const char *const *words, int standard, GError **error) {
    const char *value = keylist_get(list, key);
    if (!value) {
        return standard;
    }
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], value) == 0) {
            return i;
        }
    }
    g_autofree char *hint = names_hint(value, words);
    usage(error, "%s: no %s '%s'%s", list->option, key, value, hint);
    return -1;
}

bool backend_flag(const KeyList *list, const char *key, bool *value, GError **error) {
    const char *text = keylist_get(list, key);
    g_autofree char *what = g_strdup_printf("%s %s", list->option, key);
    return !text || value_bool(what, text, value, error);
}

static bool check_format(const KeyList *list, const char *key, const char *format, GError **error) {
    static const char *const known[] = { "raw", NULL };
    static const char *const later[] = { "qcow2", "qcow", "vmdk", "vdi", "vhdx", "vpc", "qed", "luks", NULL };
    if (!format || strcmp(format, "raw") == 0) {
        return true;
    }
    if (g_strv_contains(later, format)) {
        return usage(error, "%s: %s=%s does not exist yet; convert the image to raw", list->option, key, format);
    }
    g_autofree char *hint = names_hint(format, known);
    return usage(error, "%s: no %s '%s'%s", list->option, key, format, hint);
}

bool backend_number(const KeyList *list, const char *key, uint64_t min, uint64_t max, uint64_t *value, GError **error) {
    const char *text = keylist_get(list, key);
    g_autofree char *what = g_strdup_printf("%s %s", list->option, key);
    return !text || value_number(what, text, min, max, value, error);
}

bool backend_error(const KeyList *list, const GError *why, GError **error) {
    bool senseless = g_error_matches(why, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    g_set_error(error, YADO_ERROR, senseless ? YADO_ERROR_USAGE : YADO_ERROR_HOST, "%s: %s", list->option, why->message);
    return false;
}

const BackendType *backend_type_find(const BackendType *types, const KeyList *list, const char *head,
                                     const char *const *more, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *name = keylist_get(list, head);
    const BackendType *type = types;
    for (; type->name && (!name || strcmp(type->name, name) != 0); type++) {
        g_ptr_array_add(names, (gpointer)type->name);
    }
    if (!type->name) {
        g_ptr_array_add(names, NULL);
        g_autofree char *hint = names_hint(name ? name : "", (const char *const *)names->pdata);
        usage(error, "%s: no type '%s'%s", list->option, name ? name : "", hint);
        return NULL;
    }
    g_ptr_array_set_size(names, 0);
    for (const BackendKey *key = type->keys; key->name; key++) {
        g_ptr_array_add(names, (gpointer)key->name);
    }
    for (; more && *more; more++) {
        g_ptr_array_add(names, (gpointer)*more);
    }
    g_ptr_array_add(names, (gpointer) "id");
    g_ptr_array_add(names, (gpointer)head);
    g_ptr_array_add(names, NULL);
    return keylist_check(list, (const char *const *)names->pdata, error) ? type : NULL;
}

Made *backend_find(Backends *b, const char *kind, const char *id) {
    for (unsigned i = 0; i < b->made->len; i++) {
        Made *made = g_ptr_array_index(b->made, i);
        if (strcmp(made->info.option, kind) == 0 && strcmp(made->info.id, id) == 0) {
            return made;
        }
    }
    return NULL;
}

/* -- images -- */

static void close_block(void *object) {
    block_free(object);
}

/* The error of host/block as one for users. */
static bool open_block(Backends *b, const BlockOptions *o, Made *made, GError **error) {
    g_autoptr(GError) why = NULL;
    Block *block = block_open(o, &why);
    if (!block) {
        bool image = g_error_matches(why, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
                     g_error_matches(why, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY) ||
                     g_error_matches(why, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY) ||
                     g_error_matches(why, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
        g_set_error(error, YADO_ERROR, image ? YADO_ERROR_IMAGE : YADO_ERROR_HOST, "%s", why->message);
        return false;
    }
    block_set_user(block, b->user->stopped, b->user->opaque);
    block_set_late(block, b->user->late);
    made->info.object = block;
    made->close = close_block;
    return true;
}

static bool policies(const KeyList *list, BlockOptions *o, GError **error) {
    int on_write = backend_word(list, "werror", block_policy_names, BLOCK_ON_ENOSPC, error);
    int on_read = on_write < 0 ? -1 : backend_word(list, "rerror", block_policy_names, BLOCK_ON_ENOSPC, error);
    o->write_error = (BlockPolicy)on_write;
    o->read_error = (BlockPolicy)on_read;
    return on_read >= 0;
}

static bool discards(const KeyList *list, BlockOptions *o, GError **error) {
    static const char *const words[] = { "ignore", "off", "unmap", "on", NULL };
    int n = backend_word(list, "discard", words, 0, error);
    o->discard = n >= 2;
    return n >= 0;
}

/* A device that nobody has asked for with -device. */
static void add_device(Backends *b, const char *id, const KeyList *list) {
    const char *serial = keylist_get(list, "serial");
    g_auto(GStrv) ids = g_strsplit(id, ",", -1), serials = g_strsplit(serial ? serial : "", ",", -1);
    g_autofree char *plain_id = g_strjoinv(",,", ids), *plain_serial = g_strjoinv(",,", serials);
    g_autofree char *text = g_strdup_printf("virtio-blk,drive=%s%s%s", plain_id, serial ? ",serial=" : "",
                                            plain_serial);
    KeyList *device = keylist_parse(list->option, "driver", text, NULL);
    if (device) {
        g_ptr_array_add(b->devices, device);
    }
}

static bool make_drive(Backends *b, const KeyList *list, Made *made, GError **error) {
    static const char *const keys[] = { "file", "if", "format", "id", "cache", "readonly", "read-only", "snapshot", "werror",
                                        "rerror", "discard", "media", "serial", "aio", "x-fault", NULL };
    static const char *const interfaces[] = { "virtio", "none", NULL };
    static const char *const media[] = { "disk", NULL };
    static const char *const ways[] = { "threads", "native", "io_uring", NULL }; /* all the same here */
    BlockOptions o = { .path = keylist_get(list, "file"), .snapshot = b->snapshot, .fault = keylist_get(list, "x-fault") };
    if (!keylist_check(list, keys, error)) {
        return false;
    }
    int interface = backend_word(list, "if", interfaces, 0, error);
    int cache = interface < 0 ? -1 : backend_word(list, "cache", block_cache_names, BLOCK_WRITEBACK, error);
    if (cache < 0 || backend_word(list, "media", media, 0, error) < 0 || backend_word(list, "aio", ways, 0, error) < 0 ||
        !check_format(list, "format", keylist_get(list, "format"), error) || !policies(list, &o, error) ||
        !discards(list, &o, error) || !backend_flag(list, "readonly", &o.read_only, error) ||
        !backend_flag(list, "read-only", &o.read_only, error) || !backend_flag(list, "snapshot", &o.snapshot, error)) {
        return false;
    }
    if (!o.path || !*o.path) {
        return usage(error, "%s: the file is missing: give file=PATH", list->option);
    }
    o.id = made->info.id;
    o.cache = (BlockCache)cache;
    o.any_content = keylist_get(list, "format") != NULL;
    if (!open_block(b, &o, made, error)) {
        return false;
    }
    if (interface == 0) {
        add_device(b, made->info.id, list);
    }
    return true;
}

/* Flat keys: either driver=file,filename=F, or driver=raw with the same behind "file.". */
static bool make_blockdev(Backends *b, const KeyList *list, Made *made, GError **error) {
    static const char *const keys[] = { "driver", "node-name", "filename", "file.driver", "file.filename", "read-only",
                                        "cache.direct", "cache.no-flush", "discard", "werror", "rerror", "file.aio",
                                        "aio", "auto-read-only", NULL };
    static const char *const drivers[] = { "raw", "file", "host_device", NULL };
    static const char *const files[] = { "file", "host_device", NULL };
    bool direct = false, unsafe = false, automatic;
    BlockOptions o = { .id = made->info.id, .any_content = true, .snapshot = b->snapshot };
    if (!keylist_check(list, keys, error)) {
        return false;
    }
    const char *driver = keylist_get(list, "driver");
    if (!driver || !keylist_get(list, "node-name")) {
        return usage(error, "-blockdev: %s is missing\na raw image is driver=raw,node-name=ID,file.driver=file,"
                    "file.filename=PATH", driver ? "node-name" : "driver");
    }
    bool known = g_strv_contains(drivers, driver);
    if ((!known && !check_format(list, "driver", driver, error)) || backend_word(list, "file.driver", files, 0, error) < 0 ||
        !policies(list, &o, error) || !discards(list, &o, error) || !backend_flag(list, "read-only", &o.read_only, error) ||
        !backend_flag(list, "cache.direct", &direct, error) || !backend_flag(list, "cache.no-flush", &unsafe, error) ||
        !backend_flag(list, "auto-read-only", &automatic, error)) {
        return false;
    }
    const char *key = strcmp(driver, "raw") == 0 ? "file.filename" : "filename";
    o.path = keylist_get(list, key);
    o.cache = unsafe ? BLOCK_UNSAFE : direct ? BLOCK_NONE : BLOCK_WRITEBACK;
    if (!o.path || !*o.path) {
        return usage(error, "-blockdev: the file is missing: driver=%s takes %s=PATH", driver, key);
    }
    return open_block(b, &o, made, error);
}

/* -- all of them -- */

static const Kind kinds[] = {
    { "-drive", "drive", make_drive },
    { "-hda", "drive", make_drive },
    { "-blockdev", "drive", make_blockdev },
    { "-netdev", "netdev", nets_make, .named = true },
    { "-nic", "netdev", nets_make },
    { "-chardev", "chardev", chardevs_make, .named = true },
    { "-object", "object", objects_make, .named = true, .late = true },
};

static void made_free(gpointer data) {
    Made *made = data;
    if (made->close) {
        made->close(made->info.object);
    }
    g_free((char *)made->info.id);
    g_free(made);
}

static const Kind *kind_of(const KeyList *list) {
    const Kind *kind = kinds;
    while (strcmp(kind->option, list->option) != 0) {
        kind++;
        g_assert(kind < kinds + G_N_ELEMENTS(kinds));
    }
    return kind;
}

static bool make(Backends *b, const KeyList *list, const Kind *kind, GError **error) {
    const char *id = keylist_get(list, "id") ? keylist_get(list, "id") : keylist_get(list, "node-name");
    if (kind->named && (!id || !*id)) {
        return usage(error, "%s: the id is missing: give id=NAME", list->option);
    }
    Made *made = g_new0(Made, 1);
    made->info.option = kind->backend;
    made->info.id = id ? g_strdup(id) : g_strdup_printf("%s%u", kind->backend, b->made->len);
    Made *other = backend_find(b, kind->backend, made->info.id);
    g_ptr_array_add(b->made, made);
    if (other) {
        return usage(error, "%s: there is a %s '%s' already; give it another %s", list->option, kind->backend,
                     made->info.id, strcmp(list->option, "-blockdev") == 0 ? "node-name" : "id");
    }
    return kind->make(b, list, made, error);
}

static bool make_all(Backends *b, bool late, GError **error) {
    const GPtrArray *lists = b->options->backends;
    for (unsigned i = 0; i < lists->len; i++) {
        const KeyList *list = g_ptr_array_index(lists, i);
        const Kind *kind = kind_of(list);
        if (kind->late == late && !make(b, list, kind, error)) {
            return false;
        }
    }
    return true;
}

Backends *backends_open(Options *options, const BackendUser *user, GError **error) {
    Backends *b = g_new0(Backends, 1);
    b->options = options;
    b->devices = options->devices;
    b->user = user;
    b->snapshot = options->snapshot;
    b->made = g_ptr_array_new_with_free_func(made_free);
    if (!make_all(b, false, error) || !make_all(b, true, error)) {
        backends_close(b);
        return NULL;
    }
    nets_number_cards(b);
    options->machine.backends = b->made; /* a Made begins with its MachineBackend */
    return b;
}

void backends_tell(const Backends *b, void (*tell)(const char *text)) {
    for (unsigned i = 0; i < b->made->len; i++) {
        const MachineBackend *info = g_ptr_array_index(b->made, i);
        if (strcmp(info->option, "netdev") == 0 && !info->user) {
            g_autofree char *text = g_strdup_printf("no device is connected to the network '%s'\n"
                                                    "give one with -device virtio-net-device,netdev=%s", info->id, info->id);
            tell(text);
        } else if (strcmp(info->option, "chardev") == 0 && chardev_pty(info->object)) {
            g_autofree char *text = g_strdup_printf("serial line '%s' is at %s", info->id, chardev_pty(info->object));
            tell(text);
        }
    }
}

void backends_close(Backends *b) {
    if (b) {
        g_ptr_array_unref(b->made);
        g_free(b);
    }
}
