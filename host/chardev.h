/* SPDX-License-Identifier: MIT */
/*
 * chardev.h - the host end of a serial line: the terminal, a file, a socket, nothing; and the escape key of the
 * console.
 *
 * Input arrives in the main loop. Output may be written by any thread and never blocks: what the host does not take
 * at once is kept in a bounded buffer, and when that is full chardev_write takes fewer bytes.
 */
#ifndef HOST_CHARDEV_H
#define HOST_CHARDEV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Chardev Chardev;

typedef enum ChardevEvent {
    CHARDEV_WRITABLE, /* chardev_write took fewer bytes than given; now there is room again */
    CHARDEV_BREAK,    /* the user sent a break (Ctrl-a b) */
    CHARDEV_EOF,      /* the input has ended; nothing more will be received */
    CHARDEV_OPENED,   /* somebody has connected; sockets only */
    CHARDEV_CLOSED,   /* ... and gone */
} ChardevEvent;

/* spec: "stdio"           terminal or whatever stdin and stdout are; Ctrl-C ends yado
 *       "mon:stdio"       the same with the escape key Ctrl-a; Ctrl-C goes to the guest
 *       "file:PATH"       output only, truncates
 *       "pty"             a pseudo-terminal for other programs; without one output is dropped
 *       "null"            takes everything, gives nothing
 * Callbacks run in `context` (NULL: the default one). Error: unknown spec (lists the valid ones), file not writable,
 * the terminal is opened twice. A closed or exhausted stdin is not an error. */
Chardev *chardev_open(const char *spec, GMainContext *context, GError **error);
/* A socket at a place of host/place.h. server: waits for peers, one at a time, while the guest runs; else connects now, once.
 * Without a peer output is dropped. Error: G_IO_ERROR_INVALID_ARGUMENT for the place, else what the host refuses. */
Chardev *chardev_open_socket(const char *place, bool server, GMainContext *context, GError **error);
/* Where the other end of a pseudo-terminal is ("/dev/pts/3"), or NULL. Borrowed. */
const char *chardev_pty(const Chardev *c);
/* Port that a server got, or 0. */
unsigned chardev_port(const Chardev *c);
/* Writes out what is buffered, waiting at most a second, and restores the terminal. NULL is allowed. Main-loop
 * thread, when no other thread uses it any more. */
void chardev_close(Chardev *c);
/* Is there somebody at the other end? Sockets without a connection: no; all others: yes. */
bool chardev_is_open(const Chardev *c);
/* Whether somebody could read what is written: false for null. */
bool chardev_is_console(const Chardev *c);

/* The device's side. can_receive: how many bytes the device takes now. receive: gets at most that many. event: may be
 * NULL. All run in the main loop with no lock held. */
void chardev_set_handlers(Chardev *c, size_t (*can_receive)(void *opaque),
                          void (*receive)(void *opaque, const uint8_t *data, size_t n),
                          void (*event)(void *opaque, ChardevEvent event), void *opaque);
/* The device can take input again after can_receive said 0. Any thread. */
void chardev_accept_input(Chardev *c);
/* Returns how many of the n bytes were taken; when fewer, CHARDEV_WRITABLE follows. Any thread. After a host error
 * (reader gone, disk full) everything is taken and dropped, and the error callback has been called once. */
size_t chardev_write(Chardev *c, const void *data, size_t n);

/* The user's side. */
typedef struct ChardevUser {
    void *opaque;
    void (*error)(void *opaque, const char *message);  /* once, host I/O error; NULL: a line on stderr */
    void (*quit)(void *opaque);                        /* Ctrl-a x */
    void (*monitor)(void *opaque);                     /* Ctrl-a c */
} ChardevUser;
void chardev_set_user(Chardev *c, const ChardevUser *user);
/* What is typed goes to `typed`, and no longer to the device; the escape key still works. NULL: to the device again.
 * Main loop only. */
void chardev_redirect(Chardev *c, void (*typed)(void *opaque, const uint8_t *data, size_t n), void *opaque);

/* -- the terminal of the process -- */

/* Puts the terminal back as it was when yado started. Safe in a signal handler; does nothing when nothing changed. */
void chardev_restore_terminal(void);
/* Makes it raw again, after SIGCONT. Safe in a signal handler. */
void chardev_resume_terminal(void);
/* After SIGCONT an eventfd is written to; -1: none. */
void chardev_watch_continue(int fd);
/* For main(), before any thread: opens /dev/null on closed descriptors 0-2, ignores SIGPIPE and SIGXFSZ, and makes every
 * signal that ends or stops the process restore the terminal first. Handlers that are already set are left alone, so a
 * program that catches a signal itself must call chardev_restore_terminal there. */
void chardev_guard_terminal(void);

#endif
