/* SPDX-License-Identifier: MIT */
/*
 * loader.c - what a machine boots: which file goes where.
 *
 * A kernel stands where it asks to; the initrd follows it and the device tree comes last, each at a multiple of 2 MiB.
 * Firmware, and a program that leaves the start of RAM free, find the device tree at the start of RAM.
 * Spec: Linux Documentation/arm64/booting.rst, sections 2 (device tree) and 4 (image, initrd placement).
 */
#include "machines/loader.h"

#include <string.h>

#include "machines/names.h"

enum {
    PLACE_ALIGN = 2 << 20,
    DTB_MAX = 2 << 20,
    TOP_MAX = 1 << 30,
};

struct Loader {
    Image *kernel, *initrd, *bios; /* NULL: none */
    LoaderRam ram;
    GArray *segments;              /* of ImageSegment, gpa absolute and inside RAM: the kernel */
    uint64_t low, high;            /* gpa: bounds of the segments */
    LoaderEntry entry;
    size_t dtb_size;
};

static char *mib(uint64_t bytes) {
    return g_strdup_printf("%.1f MiB", (double)bytes / (1 << 20));
}

/* Makes the kernel's segments absolute and sees that each lies in RAM. */
static bool add_code(Loader *loader, ImageCode *code, GError **error) {
    uint64_t add = (code->relative ? loader->ram.base : 0) + (loader->bios ? loader->ram.bios_room : 0);
    loader->low = UINT64_MAX;
    for (unsigned i = 0; i < code->segments->len; i++) {
        ImageSegment *s = &g_array_index(code->segments, ImageSegment, i);
        uint64_t from = s->gpa + add - loader->ram.base; /* offset into RAM */
        if (from >= loader->ram.size || s->memory_size > loader->ram.size - from) {
            g_autofree char *room = value_size_text(loader->ram.size), *need = mib(s->memory_size);
            g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE,
                        "kernel '%s' does not fit into memory: it needs %s at 0x%" G_GINT64_MODIFIER
                        "x, but the machine's %s start at 0x%" G_GINT64_MODIFIER "x\ngive it more memory with -m",
                        loader->kernel->path, need, s->gpa + add, room, loader->ram.base);
            return false;
        }
        s->gpa += add;
        loader->low = MIN(loader->low, s->gpa);
        loader->high = MAX(loader->high, s->gpa + s->memory_size);
    }
    loader->entry.pc = code->entry + add;
    loader->entry.big = code->big;
    loader->entry.kernel = true;
    return true;
}

static bool open_kernel(Loader *loader, const ImageFormat *format, const char *path, GError **error) {
    loader->kernel = image_open("kernel", path, error);
    if (!loader->kernel || !image_gunzip(loader->kernel, loader->ram.size, error)) {
        return false;
    }
    ImageCode code = { .segments = loader->segments };
    return image_code(loader->kernel, format, &code, error) && add_code(loader, &code, error);
}

static bool open_bios(Loader *loader, const char *path, uint64_t max, GError **error) {
    loader->bios = image_open("firmware", path, error);
    if (!loader->bios) {
        return false;
    }
    size_t size;
    const uint8_t *data = g_bytes_get_data(loader->bios->bytes, &size);
    const char *what = image_sniff(data, size);
    if (size > max) {
        g_autofree char *have = mib(size), *room = value_size_text(max);
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "firmware '%s' is larger (%s) than the %s (%s)", path, have,
                    loader->ram.bios_room ? "memory for it" : "flash", room);
        return false;
    }
    if (what && (g_str_has_prefix(what, "an ELF") || g_str_has_prefix(what, "a text"))) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "firmware '%s' is %s, not a raw image%s", path, what, loader->ram.bios_room ? "" : " of the flash");
        return false;
    }
    return true;
}

Loader *loader_new(const ImageFormat *format, const char *kernel, const char *initrd, const char *bios, uint64_t bios_max,
                   LoaderRam ram, GError **error) {
    g_autoptr(Loader) loader = g_new0(Loader, 1);
    loader->ram = ram;
    loader->segments = g_array_new(FALSE, FALSE, sizeof(ImageSegment));
    if (bios && !open_bios(loader, bios, bios_max, error)) {
        return NULL;
    }
    if (kernel && !open_kernel(loader, format, kernel, error)) {
        return NULL;
    }
    if (initrd && !(loader->initrd = image_open("initrd", initrd, error))) {
        return NULL;
    }
    return g_steal_pointer(&loader);
}

void loader_free(Loader *loader) {
    g_clear_pointer(&loader->kernel, image_free);
    g_clear_pointer(&loader->initrd, image_free);
    g_clear_pointer(&loader->bios, image_free);
    g_array_unref(loader->segments);
    g_free(loader);
}

static uint64_t align_up(uint64_t n) {
    return (n + PLACE_ALIGN - 1) & ~(uint64_t)(PLACE_ALIGN - 1);
}

static bool refuse_sizes(const Loader *loader, uint64_t end, GError **error) {
    g_autofree char *kernel = mib(loader->high ? loader->high - loader->low : 0);
    g_autofree char *initrd = mib(loader->entry.initrd_size), *dtb = mib(loader->dtb_size);
    g_autofree char *room = value_size_text(loader->ram.size), *need = mib(end - loader->ram.base);
    g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE,
                "kernel (%s), initrd (%s) and device tree (%s) do not fit into memory: they need %s, the machine has %s\n"
                "give it more memory with -m",
                kernel, initrd, dtb, need, room);
    return false;
}

bool loader_place(Loader *loader, size_t dtb_size, GError **error) {
    LoaderRam ram = loader->ram;
    LoaderEntry *entry = &loader->entry;
    uint64_t next = align_up(MAX(loader->high, ram.base));
    loader->dtb_size = dtb_size;
    if (dtb_size > DTB_MAX) {
        g_autofree char *size = mib(dtb_size);
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "the device tree is larger (%s) than the 2 MiB that kernels take",
                    size);
        return false;
    }
    bool in_ram = loader->bios && ram.bios_room;
    next = in_ram ? MAX(next, align_up(ram.base + ram.bios_room)) : next;
    bool dtb_first = !in_ram && (!loader->kernel || loader->low - ram.base >= dtb_size);
    if (dtb_first) {
        entry->dtb = ram.base;
        next = MAX(next, ram.base + PLACE_ALIGN);
    }
    if (loader->initrd) {
        entry->initrd = next;
        entry->initrd_size = g_bytes_get_size(loader->initrd->bytes);
        next = align_up(next + entry->initrd_size);
    }
    uint64_t end = loader->initrd ? entry->initrd + entry->initrd_size : MAX(loader->high, ram.base);
    if (!dtb_first) {
        uint64_t top = MIN(ram.size, TOP_MAX) & ~(uint64_t)(PLACE_ALIGN - 1);
        entry->dtb = in_ram ? MAX(next, ram.base + top - MIN(top, PLACE_ALIGN)) : next; /* firmware wants it out of its way */
        end = next;
    }
    end = MAX(end, entry->dtb + dtb_size);
    return end - ram.base <= ram.size || refuse_sizes(loader, end, error);
}

void loader_copy(const Loader *loader, uint8_t *ram, const void *dtb, size_t dtb_size) {
    g_assert(dtb_size <= loader->dtb_size);
    for (unsigned i = 0; i < loader->segments->len; i++) {
        const ImageSegment *s = &g_array_index(loader->segments, ImageSegment, i);
        uint8_t *to = ram + (s->gpa - loader->ram.base);
        memcpy(to, s->data, s->file_size);
        memset(to + s->file_size, 0, s->memory_size - s->file_size);
    }
    if (loader->initrd) {
        size_t size;
        const void *data = g_bytes_get_data(loader->initrd->bytes, &size);
        memcpy(ram + (loader->entry.initrd - loader->ram.base), data, size);
    }
    memcpy(ram + (loader->entry.dtb - loader->ram.base), dtb, dtb_size);
    if (loader->bios && loader->ram.bios_room) {
        size_t size;
        const void *data = g_bytes_get_data(loader->bios->bytes, &size);
        memcpy(ram, data, MIN(size, loader->ram.bios_room));
    }
    const Image *images[] = { loader->kernel, loader->initrd };
    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++) {
        if (images[i]) {
            image_rest(images[i]);
        }
    }
}

LoaderEntry loader_entry(const Loader *loader) {
    LoaderEntry entry = loader->entry;
    entry.low = loader->kernel ? loader->low : 0;
    entry.high = loader->kernel ? loader->high : 0;
    return entry;
}

const uint8_t *loader_bios(const Loader *loader, size_t *size) {
    if (!loader->bios) {
        *size = 0;
        return NULL;
    }
    return g_bytes_get_data(loader->bios->bytes, size);
}

DevTree *loader_read_dtb(const char *path, GError **error) {
    g_autoptr(Image) image = image_open("device tree", path, error);
    if (!image) {
        return NULL;
    }
    size_t size;
    const uint8_t *data = g_bytes_get_data(image->bytes, &size);
    return devtree_open(data, size, path, error);
}
