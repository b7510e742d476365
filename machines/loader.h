/* SPDX-License-Identifier: MIT */
/*
 * loader.h - what a machine boots: reads and checks image files, decides where each goes, and copies them there.
 */
#ifndef MACHINES_LOADER_H
#define MACHINES_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "machines/fdt.h"
#include "machines/image.h"

/* The span of guest memory that images may be placed in. */
typedef struct LoaderRam {
    uint64_t base;
    uint64_t size;
    uint64_t bios_room; /* firmware is loaded at the start of RAM and has so much for itself; 0: it is in a flash */
} LoaderRam;

typedef struct Loader Loader;

/*
 * Reads and checks the files, of which the kernel is of that format; either `kernel` (with an optional `initrd`) or `bios` may be NULL, or both.
 * bios_max: bytes of the largest firmware. Error (image): a sentence that names the file and what it is instead.
 */
Loader *loader_new(const ImageFormat *format, const char *kernel, const char *initrd, const char *bios, uint64_t bios_max,
                   LoaderRam ram, GError **error);
void loader_free(Loader *loader);

/* Decides where initrd and device tree go. dtb_size: room to keep for the tree. Error (image): they do not all fit. */
bool loader_place(Loader *loader, size_t dtb_size, GError **error);
/* Copies everything into RAM, whose host memory is at `ram`; dtb_size is at most what loader_place was told. */
void loader_copy(const Loader *loader, uint8_t *ram, const void *dtb, size_t dtb_size);

/* Of the kernel at once, else valid after loader_place. */
typedef struct LoaderEntry {
    uint64_t pc;           /* where the kernel starts; without a kernel 0 */
    uint64_t low, high;    /* gpa: bounds of the kernel; equal without one */
    uint64_t dtb;          /* gpa of the device tree */
    uint64_t initrd;       /* gpa; size 0: there is none */
    uint64_t initrd_size;
    bool big;              /* the kernel is big-endian */
    bool kernel;           /* a kernel is loaded, rather than firmware */
} LoaderEntry;
LoaderEntry loader_entry(const Loader *loader);
/* The firmware's bytes, or NULL. Borrowed. */
const uint8_t *loader_bios(const Loader *loader, size_t *size);

/* Reads a device tree that the user provides. Error (image). */
DevTree *loader_read_dtb(const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loader, loader_free)

#endif
