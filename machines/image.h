/* SPDX-License-Identifier: MIT */
/*
 * image.h - files with code in them: reading, unpacking, and telling what they are.
 */
#ifndef MACHINES_IMAGE_H
#define MACHINES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct Image {
    char *path;     /* for messages */
    const char *is; /* for messages: "is", "is a gzip file of" */
    GBytes *bytes;  /* content, unpacked if it was compressed */
    bool mapped;    /* bytes are the file itself */
} Image;

/* A span of an image that goes to memory; beyond file_size it is zero. */
typedef struct ImageSegment {
    uint64_t gpa;
    const uint8_t *data; /* borrowed from the image */
    uint64_t file_size;
    uint64_t memory_size;
} ImageSegment;

/* How an image wants to be loaded. */
typedef struct ImageCode {
    GArray *segments; /* of ImageSegment; gpa is relative to the start of RAM when `relative` */
    uint64_t entry;   /* likewise */
    bool relative;
    bool big;         /* big-endian */
} ImageCode;

/* What code a machine takes. */
typedef struct ImageFormat {
    uint16_t elf_machine;     /* 64-bit ELF executables for this ... */
    bool elf_big;             /* ... in both byte orders, else in the little one */
    bool arm64_image;         /* and arm64 Linux Images */
    const char *runs;         /* for messages: "this machine runs ..." */
    const char *wanted;       /* "... not ..." */
} ImageFormat;
extern const ImageFormat image_aarch64, image_ppc64;

/* Opens a regular file that is not empty. what: "kernel", "initrd" for messages. Error (image). */
Image *image_open(const char *what, const char *path, GError **error);
void image_free(Image *image);
/* It has been read, and need not be in memory before it is read again. */
void image_rest(const Image *image);

/* Replaces gzip content by what is in it, when that is at most `limit` bytes. Error (image): damaged or too large. */
bool image_gunzip(Image *image, uint64_t limit, GError **error);

/* Reads an image of that format. Error (image): says what the file is instead. */
bool image_code(const Image *image, const ImageFormat *format, ImageCode *code, GError **error);

/* "an ELF file for x86-64", "a text file": what the bytes look like, or NULL. Static text. */
const char *image_sniff(const uint8_t *data, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

#endif
