/* SPDX-License-Identifier: MIT */
/*
 * entropy.h - unpredictable bytes from the host.
 */
#ifndef HOST_ENTROPY_H
#define HOST_ENTROPY_H

#include <stddef.h>

/* Fills all of it. Waits only while the host has just been started and has no entropy yet. Any thread. */
void entropy_fill(void *to, size_t size);

#endif
