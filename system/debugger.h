/* SPDX-License-Identifier: MIT */
/*
 * debugger.h - how people look into a running machine: gdb's socket, and the monitor wherever it is reached.
 */
#ifndef SYSTEM_DEBUGGER_H
#define SYSTEM_DEBUGGER_H

#include "system/options.h"

typedef struct Debugger Debugger;

/* Opens what `options` ask for. machine and console are borrowed. quit: the user wants to end the run. Error (host). */
Debugger *debugger_new(const Options *options, Machine *machine, Chardev *console, void (*quit)(void *opaque),
                       void *opaque, GError **error);
/* NULL is allowed. */
void debugger_free(Debugger *debugger);
/* For MachineOptions.stopped. */
void debugger_stopped(Debugger *debugger, const TcgStop *stop);
/* The machine has been paused because of what `text` tells (a sentence, without a newline). */
void debugger_paused(Debugger *debugger, const char *text);
/* How the user lets the machine go on, for messages: "'cont' in the monitor". */
const char *debugger_way_on(const Debugger *debugger);
bool debugger_has_client(const Debugger *debugger);
/* The run ends with this exit code: tells gdb. */
void debugger_ended(Debugger *debugger, int code);
/* Ctrl-a c: what is typed goes to the monitor, or to the guest again. */
void debugger_switch_console(Debugger *debugger);

#endif
