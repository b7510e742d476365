/* SPDX-License-Identifier: MIT */
/*
 * chardevs.c - what -chardev describes.
 * Missing: mux for several devices, udp, ringbuf, logfile; waiting for a socket's peer before the guest starts.
 */
#include <string.h>

#include "host/chardev.h"
#include "system/backend_types.h"

static void close_chardev(void *object) {
    chardev_close(object);
}

static bool made_chardev(Backends *b, const KeyList *list, Chardev *c, const GError *why, Made *made, GError **error) {
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

static bool open_chardev(Backends *b, const KeyList *list, const char *spec, Made *made, GError **error) {
    g_autoptr(GError) why = NULL;
    Chardev *c = chardev_open(spec, NULL, &why);
    return made_chardev(b, list, c, why, made, error);
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
        return usage(error, "-chardev file: the path is missing: give path=FILE");
    }
    g_autofree char *spec = g_strconcat("file:", path, NULL);
    return open_chardev(b, list, spec, made, error);
}

static const BackendKey socket_keys[] = {
    { "path", "FILE: a Unix socket" },
    { "host", "ADDRESS: of a TCP port (default: this host)" },
    { "port", "PORT" },
    { "server", "on|off: wait for a peer, and for the next (default: off, connect to one)" },
    { "wait", "off: the guest starts at once" },
    { NULL },
};

static bool make_socket(Backends *b, const KeyList *list, Made *made, GError **error) {
    const char *path = keylist_get(list, "path"), *host = keylist_get(list, "host"), *port = keylist_get(list, "port");
    bool server = false, wait = false;
    if (!backend_flag(list, "server", &server, error) || !backend_flag(list, "wait", &wait, error)) {
        return false;
    }
    if (wait) {
        return usage(error, "-chardev socket: the guest cannot wait for the peer yet; use wait=off");
    }
    if (!path == !port || (path && host)) {
        return usage(error, "-chardev socket: it takes either path=FILE, or port=PORT and perhaps host=ADDRESS");
    }
    g_autofree char *place = path ? g_strconcat("unix:", path, NULL) : g_strdup_printf("%s:%s", host ? host : "", port);
    g_autoptr(GError) why = NULL;
    Chardev *c = chardev_open_socket(place, server, NULL, &why);
    return made_chardev(b, list, c, why, made, error);
}

static const BackendKey null_keys[] = { { NULL } };

static bool make_pty(Backends *b, const KeyList *list, Made *made, GError **error) {
    return open_chardev(b, list, "pty", made, error);
}

static bool make_null(Backends *b, const KeyList *list, Made *made, GError **error) {
    return open_chardev(b, list, "null", made, error);
}

const BackendType chardev_types[] = {
    { "stdio", "this terminal, or whatever stdin and stdout are", stdio_keys, make_stdio },
    { "file", "a file, output only", file_keys, make_file },
    { "socket", "a TCP or Unix socket", socket_keys, make_socket },
    { "pty", "a pseudo-terminal for another program; its name is told", null_keys, make_pty },
    { "null", "takes everything, gives nothing", null_keys, make_null },
    { NULL },
};

bool chardevs_make(Backends *b, const KeyList *list, Made *made, GError **error) {
    const BackendType *type = backend_type_find(chardev_types, list, "backend", NULL, error);
    return type && type->make(b, list, made, error);
}
