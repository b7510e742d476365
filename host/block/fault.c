/* SPDX-License-Identifier: MIT */
/*
 * fault.c - an image that fails or does not answer when it is told to, for tests (x-fault=FILE): as long as FILE exists, its
 * first word names the requests (read, write, flush, or all) that meet with its second: an error of errno, or "stall".
 */
#include <errno.h>
#include <string.h>

#include "host/block/block.h"

typedef struct Fault {
    const BlockDriver *driver;
    void *base;
    char *path;
} Fault;

enum { LOOK_AGAIN = 10000 /* us */ };

static const struct {
    const char *name;
    int number;
} errors[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EFBIG", EFBIG }, { "ESTALE", ESTALE } };

/* Is the request meant? Then what it meets with. */
static bool look(const Fault *f, const char *kind, char *what, size_t size) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents(f->path, &text, NULL, NULL)) {
        return false;
    }
    g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", 2);
    if (g_strv_length(words) != 2 || (strcmp(words[0], kind) != 0 && strcmp(words[0], "all") != 0)) {
        return false;
    }
    g_strlcpy(what, words[1], size);
    return true;
}

/* Returns when it does not stall: an error, or 0. */
static int meet(const Fault *f, const char *kind) {
    char what[16];
    while (look(f, kind, what, sizeof what)) {
        for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
            if (strcmp(errors[i].name, what) == 0) {
                return errors[i].number;
            }
        }
        g_usleep(LOOK_AGAIN);
    }
    return 0;
}

static int fault_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    const Fault *f = opaque;
    int error = meet(f, "read");
    return error ? error : f->driver->read(f->base, offset, buffer, size);
}

static int fault_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    const Fault *f = opaque;
    int error = meet(f, "write");
    return error ? error : f->driver->write(f->base, offset, buffer, size);
}

static int fault_flush(void *opaque) {
    const Fault *f = opaque;
    int error = meet(f, "flush");
    return error ? error : f->driver->flush(f->base);
}

static int fault_discard(void *opaque, uint64_t offset, uint64_t size) {
    const Fault *f = opaque;
    int error = meet(f, "write");
    return error ? error : f->driver->discard(f->base, offset, size);
}

static int fault_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    const Fault *f = opaque;
    int error = meet(f, "write");
    return error ? error : f->driver->zero(f->base, offset, size, unmap);
}

static void fault_close(void *opaque) {
    Fault *f = opaque;
    f->driver->close(f->base);
    g_free(f->path);
    g_free(f);
}

void *block_fault_open(const BlockDriver *driver, void *base, const char *path) {
    Fault *f = g_new0(Fault, 1);
    f->driver = driver;
    f->base = base;
    f->path = g_strdup(path);
    return f;
}

const BlockDriver block_fault = { "fault", fault_read, fault_write, fault_flush, fault_discard, fault_zero, fault_close };
