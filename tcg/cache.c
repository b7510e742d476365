/* SPDX-License-Identifier: MIT */
/*
 * cache.c - the memory that holds generated code, and nobody else's business where it is.
 *
 * The memory is mapped twice: one mapping can be written, the other executed, never both (W^X). Code is appended; when
 * there is no room the whole cache is emptied at a safepoint.
 */
#include "tcg/lower.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { CACHE_DEFAULT = 96 << 20, CACHE_STEP = 256 << 10 };
/* What is written next is fetched while one block is made: nobody has touched it for long, if ever. In bytes from where the
 * block starts, and lines. */
enum { AHEAD = 256, AHEAD_LINES = 8 };

struct Cache {
    uint8_t *rw;
    uint8_t *rx;
    size_t size, used;
    size_t touched; /* bytes at the start whose pages have been asked for: many at once cost half of one after the other */
    size_t base; /* bytes at the start that stay: the stubs */
};

Cache *cache_new(size_t bytes, GError **error) {
    size_t size = bytes ? bytes : CACHE_DEFAULT;
    int fd = memfd_create("yado-code", MFD_CLOEXEC);
    Cache *c = g_new0(Cache, 1);
    c->size = size;
    c->rw = c->rx = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        c->rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        c->rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (c->rw == MAP_FAILED || c->rx == MAP_FAILED) {
        g_set_error(error, ir_error_quark(), 0, "the host gives no memory for translated code (%zu MiB): %s",
                    size >> 20, g_strerror(saved));
        cache_free(c);
        return NULL;
    }
    return c;
}

void cache_free(Cache *c) {
    if (!c) {
        return;
    }
    if (c->rw != MAP_FAILED) {
        munmap(c->rw, c->size);
    }
    if (c->rx != MAP_FAILED) {
        munmap(c->rx, c->size);
    }
    g_free(c);
}

uint8_t *cache_reserve(Cache *c, size_t bytes) {
    if (c->size - c->used < bytes) {
        return NULL;
    }
    if (c->touched < c->used + bytes) {
        size_t step = MIN(CACHE_STEP, c->size - c->touched) & ~(size_t)4095;
        madvise(c->rw + c->touched, step, MADV_POPULATE_WRITE); /* where the host cannot, they come as they are used */
        madvise(c->rx + c->touched, step, MADV_POPULATE_READ);
        c->touched += step ? step : c->size;
    }
    for (size_t k = 0; k < AHEAD_LINES; k++) {
        __builtin_prefetch(c->rw + c->used + AHEAD + k * 64, 1);
    }
    return c->rw + c->used;
}

void cache_commit(Cache *c, size_t bytes) {
    c->used = (c->used + bytes + 15) & ~(size_t)15;
}

void cache_keep(Cache *c) {
    c->base = c->used;
}

void cache_reset(Cache *c) {
    c->used = c->base;
}

void cache_fill(const Cache *c, size_t *used, size_t *size) {
    *used = c->used;
    *size = c->size;
}

const uint8_t *cache_exec(const Cache *c, const uint8_t *writable) {
    return c->rx + (writable - c->rw);
}

uint8_t *cache_writable(const Cache *c, const uint8_t *exec) {
    return c->rw + (exec - c->rx);
}
