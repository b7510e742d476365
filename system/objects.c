/* SPDX-License-Identifier: MIT */
/*
 * objects.c - what -object describes: captures of networks and sources of random bytes.
 */
#include <string.h>

#include "host/net/net.h"
#include "system/backend_types.h"

static void close_dump(void *object) {
    net_dump_close(object);
}

static const BackendKey dump_keys[] = {
    { "netdev", "ID: the network whose frames are written" },
    { "file", "FILE: in pcap format, for tcpdump or wireshark" },
    { "maxlen", "BYTES: how much of each frame (default: all)" },
    { NULL },
};

static bool make_dump(Backends *b, const KeyList *list, Made *made, GError **error) {
    const char *id = keylist_get(list, "netdev"), *file = keylist_get(list, "file");
    uint64_t most = 262144;
    if (!id || !file || !*file) {
        return usage(error, "-object filter-dump: %s is missing", id ? "file" : "netdev");
    }
    if (!backend_number(list, "maxlen", NET_HEADER, 262144, &most, error)) {
        return false;
    }
    Made *net = backend_find(b, "netdev", id);
    if (!net) {
        g_autoptr(GPtrArray) ids = g_ptr_array_new();
        for (unsigned i = 0; i < b->made->len; i++) {
            const Made *other = g_ptr_array_index(b->made, i);
            if (strcmp(other->info.option, "netdev") == 0) {
                g_ptr_array_add(ids, (gpointer)other->info.id);
            }
        }
        g_ptr_array_add(ids, NULL);
        g_autofree char *hint = names_hint(id, (const char *const *)ids->pdata);
        return usage(error, "-object filter-dump: no netdev '%s'%s", id, hint);
    }
    g_autoptr(GError) why = NULL;
    NetDump *dump = net_dump_open(file, most, &why);
    if (!dump) {
        return backend_error(list, why, error);
    }
    made->info.option = "filter";
    made->info.object = dump;
    made->close = close_dump;
    net_add_dump(net->info.object, dump);
    return true;
}

static const BackendKey random_keys[] = { { "filename", "/dev/urandom or /dev/random" }, { NULL } };
static const BackendKey builtin_keys[] = { { NULL } };

/* Both are the host's getrandom(). */
static bool make_random(Backends *b, const KeyList *list, Made *made, GError **error) {
    const char *file = keylist_get(list, "filename");
    if (file && strcmp(file, "/dev/urandom") != 0 && strcmp(file, "/dev/random") != 0) {
        return usage(error, "-object rng-random: filename is /dev/urandom or /dev/random, not '%s'", file);
    }
    made->info.option = "rng";
    return true;
}

const BackendType object_types[] = {
    { "filter-dump", "write the frames of a network to a file", dump_keys, make_dump },
    { "rng-random", "random bytes of the host, for virtio-rng-device", random_keys, make_random },
    { "rng-builtin", "the same", builtin_keys, make_random },
    { NULL },
};

bool objects_make(Backends *b, const KeyList *list, Made *made, GError **error) {
    const BackendType *type = backend_type_find(object_types, list, "qom-type", NULL, error);
    return type && type->make(b, list, made, error);
}
