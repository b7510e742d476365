/* SPDX-License-Identifier: MIT */
/*
 * trouble.h - a disk that cannot go on: pauses the machine, says so to the people and to gdb, and lets it go on after SIGCONT.
 */
#ifndef SYSTEM_TROUBLE_H
#define SYSTEM_TROUBLE_H

#include "system/debugger.h"

typedef struct Trouble Trouble;

/* print: a sentence, with a hint behind a newline. */
Trouble *trouble_new(void (*print)(const char *text));
/* Whom it concerns; both borrowed, NULL: nobody any more. Messages from before are told then. */
void trouble_attach(Trouble *t, Machine *machine, Debugger *debugger);
/* For BackendUser.stopped: opaque is the Trouble. Any thread. */
void trouble_report(void *opaque, const char *message);
/* No thread reports any more. */
void trouble_free(Trouble *t);

#endif
