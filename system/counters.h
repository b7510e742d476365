/* SPDX-License-Identifier: MIT */
/*
 * counters.h - the translator's counters as people read them: `info jit` of the monitor, -accel jit,stats=on.
 */
#ifndef SYSTEM_COUNTERS_H
#define SYSTEM_COUNTERS_H

#include "tcg/tcg.h"

/* Lines of a name and a number. Shares and times per insn are left out where there is nothing to divide. */
void counters_print(const TcgStats *stats, GString *out);

#endif
