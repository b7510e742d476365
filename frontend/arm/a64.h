/* SPDX-License-Identifier: MIT */
/*
 * a64.h - the A64 decoder as frontend_arm uses it.
 */
#ifndef FRONTEND_ARM_A64_H
#define FRONTEND_ARM_A64_H

#include "frontend/frontend.h"

/* Frontend.translate: one insn of four bytes at t->code. */
void a64_translate(Trans *t);

#endif
