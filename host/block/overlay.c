/* SPDX-License-Identifier: MIT */
/*
 * overlay.c - a temporary file in front of an image: what is written goes there, what was not is read from the image.
 * The file has no name from the beginning on, so nothing is left of it whatever happens.
 * Locking: `lock` for the map of clusters that the file holds; writers exclude everybody, for a cluster is made whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/block/block.h"

enum { CLUSTER = 4096 };

typedef struct Overlay {
    const BlockDriver *driver;
    void *base;
    uint64_t size;
    int fd;
    GRWLock lock;
    uint8_t *map; /* a bit for each cluster */
} Overlay;

static bool ours(const Overlay *o, uint64_t offset) {
    uint64_t n = offset / CLUSTER;
    return o->map[n / 8] >> (n % 8) & 1;
}

static int open_temporary(void) {
    const char *folder = g_getenv("TMPDIR") ? g_getenv("TMPDIR") : "/var/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system that cannot do that */
        g_autofree char *path = g_build_filename(folder, "yado-XXXXXX", NULL);
        fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) {
            unlink(path);
        }
    }
    return fd;
}

void *block_overlay_open(const BlockDriver *driver, void *base, uint64_t size, GError **error) {
    Overlay *o = g_new0(Overlay, 1);
    o->driver = driver;
    o->base = base;
    o->size = size;
    g_rw_lock_init(&o->lock);
    o->map = calloc(1, size / CLUSTER / 8 + 1); /* of a sparse terabyte: 32 MiB of untouched pages */
    o->fd = open_temporary();
    if (o->fd < 0 || !o->map) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "snapshot: no temporary file can be made: %s; set TMPDIR to a folder with room", g_strerror(errno));
        block_overlay.close(o);
        return NULL;
    }
    return o;
}

static void overlay_close(void *opaque) {
    Overlay *o = opaque;
    o->driver->close(o->base);
    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o->map);
    g_rw_lock_clear(&o->lock);
    g_free(o);
}

/* -- the file -- */

static int file_read(const Overlay *o, uint64_t offset, void *buffer, size_t size) {
    memset(buffer, 0, size);
    for (uint8_t *to = buffer; size;) {
        ssize_t n = pread(o->fd, to, size, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n == 0) {
            return 0;
        }
        if (n > 0) {
            to += n;
            offset += (uint64_t)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int file_write(const Overlay *o, uint64_t offset, const void *buffer, size_t size) {
    for (const uint8_t *from = buffer; size;) {
        ssize_t n = pwrite(o->fd, from, size, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            from += n;
            offset += (uint64_t)n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* -- data -- */

/* Bytes from offset on, at most `size`, that all lie on one side. */
static size_t run_of(const Overlay *o, uint64_t offset, size_t size) {
    uint64_t end = (offset / CLUSTER + 1) * CLUSTER;
    while (end < offset + size && ours(o, end) == ours(o, offset)) {
        end += CLUSTER;
    }
    return MIN(size, end - offset);
}

static int overlay_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    Overlay *o = opaque;
    int error = 0;
    g_rw_lock_reader_lock(&o->lock);
    for (uint8_t *to = buffer; size && !error;) {
        size_t n = run_of(o, offset, size);
        error = ours(o, offset) ? file_read(o, offset, to, n) : o->driver->read(o->base, offset, to, n);
        to += n;
        offset += n;
        size -= n;
    }
    g_rw_lock_reader_unlock(&o->lock);
    return error;
}

/* A cluster that is written in part gets the rest from the image. */
static int fill_cluster(Overlay *o, uint64_t offset) {
    uint64_t start = offset / CLUSTER * CLUSTER;
    uint8_t buffer[CLUSTER];
    size_t n = MIN(CLUSTER, o->size - start);
    if (start >= o->size || ours(o, start)) {
        return 0;
    }
    int error = o->driver->read(o->base, start, buffer, n);
    return error ? error : file_write(o, start, buffer, n);
}

/* buffer == NULL: zeros. */
static int store(Overlay *o, uint64_t offset, const uint8_t *buffer, uint64_t size) {
    static const uint8_t zeros[CLUSTER];
    uint64_t end = offset + size;
    g_rw_lock_writer_lock(&o->lock);
    int error = offset % CLUSTER ? fill_cluster(o, offset) : 0;
    error = !error && end % CLUSTER && end < o->size ? fill_cluster(o, end) : error;
    for (uint64_t at = offset; at < end && !error;) {
        uint64_t n = buffer ? end - at : MIN(end - at, CLUSTER);
        error = file_write(o, at, buffer ? buffer : zeros, n);
        at += n;
    }
    for (uint64_t n = offset / CLUSTER; !error && n * CLUSTER < end; n++) {
        o->map[n / 8] |= (uint8_t)(1 << (n % 8));
    }
    g_rw_lock_writer_unlock(&o->lock);
    return error;
}

static int overlay_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    return size ? store(opaque, offset, buffer, size) : 0;
}

static int overlay_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    return size ? store(opaque, offset, NULL, size) : 0;
}

/* It vanishes anyway. */
static int overlay_flush(void *opaque) {
    return 0;
}

static int overlay_discard(void *opaque, uint64_t offset, uint64_t size) {
    return 0;
}

const BlockDriver block_overlay = { "overlay",       overlay_read, overlay_write, overlay_flush, overlay_discard,
                                    overlay_zero, overlay_close };
