/* SPDX-License-Identifier: MIT */
/*
 * chardevs.c - what -chardev describes.
 * Missing: mux for several devices, udp, ringbuf, logfile.
 */
#include <string.h>

#include "host/chardev.h"
#include "system/backend_types.h"

static void close_chardev(void *object) {
    chardev_close(object);
}

static bool open_chardev(Backends *b, const KeyList *list, const char *spec, Made *made, GError **error) {
    g_autoptr(GError) why = NULL;
    Chardev *c = chardev_open(spec, NULL, &why);
    if (!c) {
        return backend_error(list, why, error);
    }
    made->info.object = c;
    made->close = close_chardev;
    if (b->user->console) {
        chardev_set_user(c, b->user->console);
    }
    return true;
}

static const BackendKey stdio_keys[] = {
    { "mux", "on|off: Ctrl-a leaves the guest: x quits, c is the monitor" }, { "signal", "on|off: Ctrl-C ends yado" }, { NULL },
};

static bool make_stdio(Backends *b, const KeyList *list, Made *made, GError **error) {
    bool mux = false, signals = true;
    if (!backend_flag(list, "mux", &mux, error) || !backend_flag(list, "signal", &signals, error)) {
        return false;
    }
    return open_chardev(b, list, mux || !signals ? "mon:stdio" : "stdio", made, error);
}

static const BackendKey file_keys[] = { { "path", "FILE: takes the output; it is emptied first" }, { NULL } };

static bool make_file(Backends *b, const KeyList *list, Made *made, GError **error) {
    const char *path = keylist_get(list, "path");
    if (!path || !*path) {
        return backend_usage(error, "-chardev file: the path is missing: give path=FILE");
    }
    g_autofree char *spec = g_strconcat("file:", path, NULL);
    return open_chardev(b, list, spec, made, error);
}

static const BackendKey null_keys[] = { { NULL } };

static bool make_null(Backends *b, const KeyList *list, Made *made, GError **error) {
    return open_chardev(b, list, "null", made, error);
}

const BackendType chardev_types[] = {
    { "stdio", "this terminal, or whatever stdin and stdout are", stdio_keys, make_stdio },
    { "file", "a file, output only", file_keys, make_file },
    { "null", "takes everything, gives nothing", null_keys, make_null },
    { NULL },
};

bool chardevs_make(Backends *b, const KeyList *list, Made *made, GError **error) {
    const BackendType *type = backend_type_find(chardev_types, list, "backend", NULL, error);
    return type && type->make(b, list, made, error);
}
