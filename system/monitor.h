/* SPDX-License-Identifier: MIT */
/*
 * monitor.h - commands that people type to look at a machine and to control it.
 */
#ifndef SYSTEM_MONITOR_H
#define SYSTEM_MONITOR_H

#include "machines/machine.h"

typedef struct Monitor Monitor;

typedef struct MonitorUser {
    void *opaque;
    void (*quit)(void *opaque);
    bool (*debugged)(void *opaque); /* a debugger decides when the machine runs */
} MonitorUser;

/* machine is borrowed. */
Monitor *monitor_new(Machine *machine, const MonitorUser *user);
void monitor_free(Monitor *monitor);
/* Runs one line; what it prints, errors too, is appended in whole lines. */
void monitor_run(Monitor *monitor, const char *line, GString *out);

/* A dialogue on some terminal: typed bytes in, echo (if `echo`), prompt and answers out. */
typedef struct MonitorTerminal MonitorTerminal;
MonitorTerminal *monitor_terminal_new(Monitor *monitor, bool echo,
                                      void (*write)(void *opaque, const char *text, size_t size), void *opaque);
void monitor_terminal_free(MonitorTerminal *terminal);
void monitor_terminal_begin(MonitorTerminal *terminal); /* greeting and prompt */
void monitor_terminal_receive(MonitorTerminal *terminal, const void *data, size_t size);

#endif
