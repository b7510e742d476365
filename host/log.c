/* SPDX-License-Identifier: MIT */
/*
 * log.c - log lines. Each line is one stdio call on the stream, whose own lock keeps it whole.
 */
#include "host/log.h"

#include <stdarg.h>

void log_line(const Log *log, unsigned item, const char *format, ...) {
    if (!log_on(log, item)) {
        return;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(log->out, "%s\n", text);
}
