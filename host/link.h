/* SPDX-License-Identifier: MIT */
/*
 * link.h - a listening socket with one client at a time, for debuggers and monitors.
 *
 * Everything runs in the thread of the context. Sending never waits: what the client does not take is kept, and a
 * client that lets too much pile up is dropped.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <glib.h>
#include <stddef.h>

typedef struct Link Link;

typedef struct LinkUser {
    void *opaque;
    void (*opened)(void *opaque);
    void (*received)(void *opaque, const void *data, size_t size);
    void (*closed)(void *opaque); /* not when link_close or link_drop did it */
} LinkUser;

/* spec: "tcp::PORT" (this host only), "tcp:ADDRESS:PORT" or "unix:PATH"; "server=on", "wait=off" and their old forms may
 * follow after commas. Port 0: any. A client that comes while there is one is turned away. Error: a sentence. */
Link *link_listen(const char *spec, const LinkUser *user, GMainContext *context, GError **error);
/* Gives what is still to be sent a moment to go out. NULL is allowed. */
void link_close(Link *link);
/* TCP port, or 0. */
unsigned link_port(const Link *link);
void link_send(Link *link, const void *data, size_t size);
/* Ends the connection with the client, if there is one. */
void link_drop(Link *link);

#endif
