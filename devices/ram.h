/* SPDX-License-Identifier: MIT */
/*
 * ram.h - guest RAM. ram.c owns the backing, which may be replaced while the machine is parked; nobody else keeps a
 * host pointer across a safepoint.
 */
#ifndef DEVICES_RAM_H
#define DEVICES_RAM_H

#include <glib.h>
#include <stdint.h>

typedef struct Ram Ram;

/* Zeroed memory, taken from the host page by page as the guest touches it. size: bytes, a multiple of 4 KiB. Error:
 * the host cannot give that much address space. */
Ram *ram_new(uint64_t size, GError **error);
void ram_free(Ram *ram); /* NULL is allowed */
uint8_t *ram_host(const Ram *ram);
uint64_t ram_size(const Ram *ram);
/* Zeroes everything and gives the pages back to the host. Machine parked. */
void ram_clear(Ram *ram);

#endif
