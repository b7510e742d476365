/* SPDX-License-Identifier: MIT */
/*
 * place.c - addresses of sockets as users write them.
 */
#include "host/place.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

static bool wrong_place(const char *text, const char *why, GError **error) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "'%s' is no place in the network: %s; right would be ADDRESS:PORT or unix:PATH", text, why);
    return false;
}

static GInetAddress *look_up(const char *host, GError **error) {
    if (!*host || strcmp(host, "localhost") == 0) {
        return g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    }
    GInetAddress *address = g_inet_address_new_from_string(host);
    if (!address) {
        g_autoptr(GResolver) resolver = g_resolver_get_default();
        GList *found = g_resolver_lookup_by_name(resolver, host, NULL, error);
        address = found ? g_object_ref(found->data) : NULL;
        g_resolver_free_addresses(found);
    }
    return address;
}

GSocketAddress *place_parse(const char *text, GError **error) {
    if (g_str_has_prefix(text, "unix:")) {
        if (!text[5] || strlen(text + 5) >= 108) {
            wrong_place(text, "the path is missing or too long", error);
            return NULL;
        }
        return g_unix_socket_address_new(text + 5);
    }
    const char *colon = strrchr(text, ':');
    guint64 port;
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
        wrong_place(text, "the port is missing or no number up to 65535", error);
        return NULL;
    }
    bool brackets = text[0] == '[' && colon > text && colon[-1] == ']';
    g_autofree char *host = g_strndup(text + brackets, (gsize)(colon - text) - 2 * brackets);
    g_autoptr(GInetAddress) address = look_up(host, error);
    return address ? g_inet_socket_address_new(address, (guint16)port) : NULL;
}

GSocket *place_socket(GSocketAddress *address, GSocketType type, GError **error) {
    GSocket *socket = g_socket_new(g_socket_address_get_family(address), type, G_SOCKET_PROTOCOL_DEFAULT, error);
    if (socket) {
        g_socket_set_blocking(socket, FALSE);
    }
    return socket;
}

/* A socket's file that nobody answers at is left over by an earlier run. */
static void remove_stale(GSocketAddress *address, GSocketType type, const char *path) {
    GStatBuf st;
    if (g_lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return;
    }
    g_autoptr(GError) why = NULL;
    g_autoptr(GSocket) probe = place_socket(address, type, NULL);
    if (probe && !g_socket_connect(probe, address, NULL, &why) &&
        g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)) {
        g_unlink(path);
    }
}

bool place_bind(GSocket *socket, GSocketAddress *address, char **path, GError **error) {
    const char *file = G_IS_UNIX_SOCKET_ADDRESS(address) ? g_unix_socket_address_get_path((GUnixSocketAddress *)address)
                                                         : NULL;
    if (file) {
        remove_stale(address, g_socket_get_socket_type(socket), file);
    }
    if (!g_socket_bind(socket, address, TRUE, error)) {
        return false;
    }
    *path = g_strdup(file);
    return true;
}
