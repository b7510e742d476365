/* SPDX-License-Identifier: MIT */
/*
 * backends.h - what options make for devices: images, networks, serial lines ... Each kind is a row of a table.
 */
#ifndef SYSTEM_BACKENDS_H
#define SYSTEM_BACKENDS_H

#include "system/options.h"

typedef struct Backends Backends;

/* Whom the things on the host's side call. */
typedef struct BackendUser {
    void *opaque;
    /* An error of the host wants the machine to be paused: a sentence, with a hint behind a newline. Any thread. */
    void (*stopped)(void *opaque, const char *message);
    const ChardevUser *console; /* of every -chardev; NULL: none */
    LateList *late;             /* requests to the host that are on their way; NULL: nobody watches */
} BackendUser;

/* Makes everything in options->backends and adds devices that no -device asks for (if=virtio) to options->devices; fills
 * options->machine.backends. NULL: error (usage, image, host). */
Backends *backends_open(Options *options, const BackendUser *user, GError **error);
/* Tells of pseudo-terminals, and of networks that no device is connected to: the machine has been made. */
void backends_tell(const Backends *b, void (*tell)(const char *text));
/* After the machine is gone. NULL is allowed. */
void backends_close(Backends *b);

#endif
