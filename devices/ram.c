/* SPDX-License-Identifier: MIT */
/*
 * ram.c - the one owner of guest RAM: private anonymous memory without reserved swap.
 */
#include "devices/ram.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/mman.h>

struct Ram {
    uint8_t *host;
    uint64_t size;
};

Ram *ram_new(uint64_t size, GError **error) {
    if (size == 0 || size & 4095) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "guest RAM of %" G_GUINT64_FORMAT " bytes: the size must be a multiple of 4 KiB and not 0", size);
        return NULL;
    }
    void *host = size > SIZE_MAX / 2 ? MAP_FAILED
                                     : mmap(NULL, size, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                    "this host cannot give the guest %" G_GUINT64_FORMAT " MiB of RAM (%s); ask for less with -m",
                    size >> 20, g_strerror(size > SIZE_MAX / 2 ? ENOMEM : errno));
        return NULL;
    }
    madvise(host, size, MADV_HUGEPAGE); /* a wish: fewer host TLB misses */
    Ram *ram = g_new0(Ram, 1);
    ram->host = host;
    ram->size = size;
    return ram;
}

void ram_free(Ram *ram) {
    if (ram) {
        munmap(ram->host, ram->size);
        g_free(ram);
    }
}

uint8_t *ram_host(const Ram *ram) {
    return ram->host;
}

uint64_t ram_size(const Ram *ram) {
    return ram->size;
}

void ram_clear(Ram *ram) {
    int failed = madvise(ram->host, ram->size, MADV_DONTNEED);
    g_assert(!failed);
}
