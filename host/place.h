/* SPDX-License-Identifier: MIT */
/*
 * place.h - addresses of sockets as users write them: "ADDRESS:PORT" or "unix:PATH".
 */
#ifndef HOST_PLACE_H
#define HOST_PLACE_H

#include <gio/gio.h>
#include <stdbool.h>

/* An empty address is this host; names are looked up, and IPv6 addresses stand in brackets. Caller unrefs. Error:
 * G_IO_ERROR_INVALID_ARGUMENT, or of the look-up. */
GSocketAddress *place_parse(const char *text, GError **error);
/* A socket for the place that does not block. Caller unrefs. */
GSocket *place_socket(GSocketAddress *address, GSocketType type, GError **error);
/* Binds. *path: of the file that is to be removed at the end, or NULL; caller frees. A socket's file that nobody answers
 * at is replaced. */
bool place_bind(GSocket *socket, GSocketAddress *address, char **path, GError **error);

#endif
