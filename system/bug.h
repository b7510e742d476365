/* SPDX-License-Identifier: MIT */
/*
 * bug.h - the end of the process by a fault of its own: a report in a file, then exit code 70.
 */
#ifndef SYSTEM_BUG_H
#define SYSTEM_BUG_H

#include "machines/machine.h"

enum { EXIT_BUG = 70 };

/* Once, at the start: SIGABRT (g_assert), SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP end the process with a report. The
 * command line, for a shell, is copied. */
void bug_catch(const char *command);
/* The machine whose CPUs the report shows, or NULL before it is freed. Borrowed. */
void bug_watch_machine(const Machine *machine);

#endif
