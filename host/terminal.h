/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - the raw mode of the process's terminal, for chardev.c. What other folders call is in chardev.h.
 */
#ifndef HOST_TERMINAL_H
#define HOST_TERMINAL_H

#include <stdbool.h>

/* Makes the terminal at `fd` raw: no echo, no line editing, bytes as they are. keep_signals: Ctrl-C and Ctrl-Z still
 * work on yado. False: fd is no terminal, or another one is raw already. */
bool terminal_make_raw(int fd, bool keep_signals);
/* Puts the terminal back for good, after terminal_make_raw succeeded. */
void terminal_release(void);

#endif
