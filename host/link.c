/* SPDX-License-Identifier: MIT */
/*
 * link.c - a listening socket with one client at a time.
 * Missing: IPv6 addresses, connecting outwards.
 */
#include "host/link.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>

enum { PENDING_MAX = 4 << 20, CLOSE_MS = 500 };

struct Link {
    LinkUser user;
    GMainContext *context; /* referenced */
    GSocket *listener, *client;
    GSource *accepts, *reads, *writes;
    GByteArray *pending;
    char *path;            /* of a Unix socket, to be removed */
};

static void detach(GSource **source) {
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(Link *l, GSocket *socket, GIOCondition condition, GSocketSourceFunc fn) {
    GSource *source = g_socket_create_source(socket, condition, NULL);
    g_source_set_callback(source, G_SOURCE_FUNC(fn), l, NULL);
    g_source_attach(source, l->context);
    return source;
}

void link_drop(Link *l) {
    detach(&l->reads);
    detach(&l->writes);
    g_byte_array_set_size(l->pending, 0);
    if (l->client) {
        g_socket_close(l->client, NULL);
        g_clear_object(&l->client);
    }
}

static void lost(Link *l) {
    link_drop(l);
    l->user.closed(l->user.opaque);
}

/* Sends what it can. False: the connection is broken. */
static bool push(Link *l) {
    while (l->pending->len) {
        g_autoptr(GError) error = NULL;
        gssize n = g_socket_send(l->client, (const char *)l->pending->data, l->pending->len, NULL, &error);
        if (n < 0) {
            return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
        }
        g_byte_array_remove_range(l->pending, 0, (guint)n);
    }
    return true;
}

static gboolean writable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    Link *l = opaque;
    if (!push(l)) {
        lost(l);
    } else if (l->pending->len) {
        return G_SOURCE_CONTINUE;
    } else {
        detach(&l->writes);
    }
    return G_SOURCE_REMOVE;
}

/* A broken connection shows when it is read, which is later: the caller may be in the middle of something. */
void link_send(Link *l, const void *data, size_t size) {
    if (!l->client) {
        return;
    }
    if (l->pending->len + size > PENDING_MAX) {
        g_socket_shutdown(l->client, TRUE, TRUE, NULL);
        return;
    }
    g_byte_array_append(l->pending, data, (guint)size);
    if (!l->writes && push(l) && l->pending->len) {
        l->writes = watch(l, l->client, G_IO_OUT, writable);
    }
}

static gboolean readable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    Link *l = opaque;
    char data[4096];
    g_autoptr(GError) error = NULL;
    gssize n = g_socket_receive(socket, data, sizeof data, NULL, &error);
    if (n > 0) {
        l->user.received(l->user.opaque, data, (size_t)n);
    } else if (n == 0 || !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        lost(l);
        return G_SOURCE_REMOVE;
    }
    return l->client == socket ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean acceptable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    Link *l = opaque;
    GSocket *client = g_socket_accept(socket, NULL, NULL);
    if (!client) {
        return G_SOURCE_CONTINUE;
    }
    if (l->client) {
        g_socket_close(client, NULL);
        g_object_unref(client);
        return G_SOURCE_CONTINUE;
    }
    l->client = client;
    g_socket_set_blocking(client, FALSE);
    if (!l->path) {
        g_socket_set_option(client, 6 /* IPPROTO_TCP */, 1 /* TCP_NODELAY */, 1, NULL);
    }
    l->reads = watch(l, client, G_IO_IN | G_IO_HUP | G_IO_ERR, readable);
    l->user.opened(l->user.opaque);
    return G_SOURCE_CONTINUE;
}

/* -- opening -- */

static bool bad_spec(const char *spec, const char *why, GError **error) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "'%s' is no place to listen at: %s; valid are tcp::PORT, tcp:ADDRESS:PORT and unix:PATH", spec, why);
    return false;
}

static GSocketAddress *tcp_address(const char *spec, const char *rest, GError **error) {
    const char *colon = strrchr(rest, ':');
    guint64 port;
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
        bad_spec(spec, "the port is missing or no number up to 65535", error);
        return NULL;
    }
    g_autofree char *host = g_strndup(rest, (gsize)(colon - rest));
    bool local = !*host || strcmp(host, "localhost") == 0;
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(local ? "127.0.0.1" : host);
    if (!address) {
        bad_spec(spec, "the address is not numeric", error);
        return NULL;
    }
    return g_inet_socket_address_new(address, (guint16)port);
}

static GSocketAddress *parse(Link *l, const char *spec, GError **error) {
    static const char *const known[] = { "server", "server=on", "wait=off", "nowait", NULL };
    g_auto(GStrv) parts = g_strsplit(spec, ",", -1);
    for (char **part = parts + (parts[0] != NULL); *part; part++) {
        if (!g_strv_contains(known, *part)) {
            bad_spec(spec, "only server=on and wait=off may follow", error);
            return NULL;
        }
    }
    if (parts[0] && g_str_has_prefix(parts[0], "tcp:")) {
        return tcp_address(spec, parts[0] + 4, error);
    }
    if (parts[0] && g_str_has_prefix(parts[0], "unix:") && parts[0][5]) {
        l->path = g_strdup(parts[0] + 5);
        return g_unix_socket_address_new(l->path);
    }
    bad_spec(spec, "it begins neither with tcp: nor with unix:", error);
    return NULL;
}

static bool open_at(Link *l, GSocketAddress *address, GError **error) {
    GStatBuf st;
    l->listener = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                               error);
    if (!l->listener) {
        return false;
    }
    if (l->path && g_lstat(l->path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        g_unlink(l->path); /* left over by an earlier run */
    }
    g_socket_set_blocking(l->listener, FALSE);
    return g_socket_bind(l->listener, address, TRUE, error) && g_socket_listen(l->listener, error);
}

Link *link_listen(const char *spec, const LinkUser *user, GMainContext *context, GError **error) {
    Link *l = g_new0(Link, 1);
    l->user = *user;
    l->context = g_main_context_ref(context ? context : g_main_context_default());
    l->pending = g_byte_array_new();
    g_autoptr(GError) why = NULL;
    g_autoptr(GSocketAddress) address = parse(l, spec, error);
    if (address && open_at(l, address, &why)) {
        l->accepts = watch(l, l->listener, G_IO_IN, acceptable);
        return l;
    }
    if (why) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot listen at '%s': %s", spec, why->message);
        g_clear_pointer(&l->path, g_free); /* it is somebody else's */
    }
    link_close(l);
    return NULL;
}

void link_close(Link *l) {
    if (!l) {
        return;
    }
    if (l->client && l->pending->len) {
        g_socket_set_blocking(l->client, TRUE);
        g_socket_condition_timed_wait(l->client, G_IO_OUT, CLOSE_MS * 1000, NULL, NULL);
        g_socket_set_blocking(l->client, FALSE);
        push(l);
    }
    link_drop(l);
    detach(&l->accepts);
    g_clear_object(&l->listener);
    if (l->path) {
        g_unlink(l->path);
        g_free(l->path);
    }
    g_byte_array_unref(l->pending);
    g_main_context_unref(l->context);
    g_free(l);
}

unsigned link_port(const Link *l) {
    g_autoptr(GSocketAddress) address = g_socket_get_local_address(l->listener, NULL);
    return address && G_IS_INET_SOCKET_ADDRESS(address) ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address))
                                                        : 0;
}
