/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg.c - items of configuration that firmware and kernels read, by a data register or by DMA.
 * Spec: the fw_cfg device interface text, memory-mapped variant: data at 0, selector at 8, DMA address at 16, registers
 * big-endian.
 * Locking: items do not change after set-up, so a transfer runs without the device lock.
 * Missing: items that the guest may write.
 */
#include <gio/gio.h>
#include <string.h>

#include "devices/devices.h"
#include "devices/dma.h"
#include "devices/fdt_node.h"

enum {
    NAME_BYTES = 56,        /* of a file's name, final 0 included */
    ENTRY_BYTES = 64,       /* of the directory */
    KEY_MASK = 0x3fff,      /* bit 14 asks for writing, bit 15 for an architecture's own item */
    KEY_LOCAL = 0x8000,
    ID_TRADITIONAL = 1, ID_DMA = 2,
    DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16,
};
#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) /* "QEMU CFG" */

typedef struct Item {
    uint16_t key;
    uint32_t size;
    uint8_t *data;
} Item;

typedef struct FwCfg {
    Device d;
    GArray *items;      /* of Item */
    uint64_t dma;       /* the address register, as far as it was written */
    uint32_t selected;  /* key */
    uint32_t offset;    /* into the selected item */
    uint32_t files;
    uint32_t reserved;  /* keeps the struct free of holes */
} FwCfg;

/* As a descriptor lies in guest memory, all big-endian. */
typedef struct Descriptor {
    uint32_t control, length;
    uint64_t address;
} Descriptor;

/* NULL: no such item, it reads as zeros. */
static Item *item_of(FwCfg *s, uint32_t key) {
    for (guint i = 0; i < s->items->len; i++) {
        Item *item = &g_array_index(s->items, Item, i);
        if (item->key == (key & (KEY_MASK | KEY_LOCAL))) {
            return item;
        }
    }
    return NULL;
}

/* -- registers -- */

/* The next bytes, in address order; zeros after the end. */
static uint64_t data_read(Device *d, const RegAccess *a) {
    FwCfg *s = (FwCfg *)d;
    const Item *item = item_of(s, s->selected);
    uint64_t value = 0;
    for (unsigned i = 0; i < a->size && item && s->offset < item->size; i++) {
        value |= (uint64_t)item->data[s->offset++] << (8 * i);
    }
    return value << (8 * a->offset);
}

static void data_written(Device *d, const RegAccess *a, uint64_t value) {
    device_log(d, LOG_GUEST_ERROR, "%s: items cannot be written through the data register", d->name);
}

static void select_item(FwCfg *s, uint32_t key) {
    s->selected = key & 0xffff;
    s->offset = 0;
}

static void selector_written(Device *d, const RegAccess *a, uint64_t value) {
    select_item((FwCfg *)d, GUINT16_SWAP_LE_BE((uint16_t)value));
}

/* What a descriptor asks for, on a copy of the position in the item: false when it cannot be done. */
static bool transfer(Device *d, uint32_t control, uint32_t length, uint64_t address, const Item *item,
                     uint32_t *offset) {
    uint32_t left = item && *offset < item->size ? item->size - *offset : 0;
    uint32_t n = length < left ? length : left;
    if (control & DMA_READ) {
        if (dma_check(d->bus, address, length, true) != DMA_OK ||
            (n && dma_write(d->bus, address, item->data + *offset, n) != DMA_OK) ||
            (length > n && dma_fill(d->bus, address + n, 0, length - n) != DMA_OK)) {
            device_log(d, LOG_GUEST_ERROR, "%s: DMA of %u bytes to 0x%" PRIx64 ", which is not all RAM", d->name,
                       length, address);
            return false;
        }
    } else if (control & DMA_WRITE) {
        device_log(d, LOG_GUEST_ERROR, "%s: no item can be written", d->name);
        return false;
    } else if (!(control & DMA_SKIP)) {
        return true;
    }
    *offset += n;
    return true;
}

/* Called with the lock held; gives it up during the transfer. */
static void run_dma(Device *d, uint64_t at) {
    FwCfg *s = (FwCfg *)d;
    uint32_t key = s->selected, offset = s->offset;
    device_unlock(d);
    Descriptor request;
    uint32_t done;
    bool readable = dma_read(d->bus, at, &request, sizeof request) == DMA_OK;
    bool fine = readable;
    if (readable) {
        uint32_t control = GUINT32_FROM_BE(request.control);
        if (control & DMA_SELECT) {
            key = control >> 16;
            offset = 0;
        }
        fine = transfer(d, control, GUINT32_FROM_BE(request.length), GUINT64_FROM_BE(request.address), item_of(s, key),
                        &offset);
    } else {
        device_log(d, LOG_GUEST_ERROR, "%s: DMA descriptor at 0x%" PRIx64 ", which is not RAM", d->name, at);
    }
    done = GUINT32_TO_BE(fine ? 0 : DMA_ERROR);
    dma_write(d->bus, at, &done, sizeof done); /* if even that fails, the guest has nowhere to see it */
    device_lock(d);
    s->selected = key;
    s->offset = offset;
}

static uint64_t dma_address_read(Device *d, const RegAccess *a) {
    return GUINT64_SWAP_LE_BE(DMA_SIGNATURE);
}

/* Big-endian: the upper half at 16; writing the lower half, at 20, starts. */
static void dma_address_written(Device *d, const RegAccess *a, uint64_t value) {
    FwCfg *s = (FwCfg *)d;
    uint64_t mask = GUINT64_SWAP_LE_BE(a->mask);
    s->dma = (s->dma & ~mask) | GUINT64_SWAP_LE_BE(value);
    if (mask & 0xffffffff) {
        uint64_t at = s->dma;
        s->dma = 0;
        run_dma(d, at);
    }
}

static const Reg regs[] = {
    { 0x00, "Data", .width = 8, .sizes = 1 | 2 | 4 | 8, .read = data_read, .written = data_written },
    { 0x08, "Selector", .sizes = 2, .written = selector_written },
    { 0x10, "DMAAddress", .width = 8, .sizes = 4 | 8, .read = dma_address_read, .written = dma_address_written },
};

static const DeviceBank banks[] = {
    { NULL, 24, .regs = regs, .reg_count = G_N_ELEMENTS(regs) },
};

/* Items are set-up, not state. */
static const StateField state[] = {
    STATE_NOT_KEPT(FwCfg, items), STATE(FwCfg, dma), STATE(FwCfg, selected), STATE(FwCfg, offset),
    STATE_NOT_KEPT(FwCfg, files), STATE(FwCfg, reserved),
};

/* -- items -- */

void fw_cfg_add_bytes(Device *d, uint16_t key, const void *data, size_t n) {
    FwCfg *s = (FwCfg *)d;
    g_assert(n <= UINT32_MAX);
    Item *item = item_of(s, key);
    if (!item) {
        Item fresh = { .key = key };
        g_array_append_val(s->items, fresh);
        item = &g_array_index(s->items, Item, s->items->len - 1);
    }
    g_free(item->data);
    item->data = g_memdup2(data, n);
    item->size = (uint32_t)n;
}

void fw_cfg_add_i16(Device *d, uint16_t key, uint16_t value) {
    value = GUINT16_TO_LE(value);
    fw_cfg_add_bytes(d, key, &value, sizeof value);
}
void fw_cfg_add_i32(Device *d, uint16_t key, uint32_t value) {
    value = GUINT32_TO_LE(value);
    fw_cfg_add_bytes(d, key, &value, sizeof value);
}
void fw_cfg_add_i64(Device *d, uint16_t key, uint64_t value) {
    value = GUINT64_TO_LE(value);
    fw_cfg_add_bytes(d, key, &value, sizeof value);
}
void fw_cfg_add_string(Device *d, uint16_t key, const char *string) {
    fw_cfg_add_bytes(d, key, string, strlen(string) + 1);
}

/* The directory, an item itself: count, then entries of {size, key, 0, name}. */
static void add_entry(FwCfg *s, const char *name, uint16_t key, uint32_t size) {
    const Item *old = item_of(s, FW_CFG_FILE_DIR);
    uint32_t bytes = old->size;
    g_autofree uint8_t *directory = g_malloc0(bytes + ENTRY_BYTES);
    memcpy(directory, old->data, bytes);
    uint32_t count = GUINT32_TO_BE(++s->files);
    memcpy(directory, &count, 4);
    size = GUINT32_TO_BE(size);
    key = GUINT16_TO_BE(key);
    memcpy(directory + bytes, &size, 4);
    memcpy(directory + bytes + 4, &key, 2);
    memcpy(directory + bytes + 8, name, strlen(name));
    fw_cfg_add_bytes(&s->d, FW_CFG_FILE_DIR, directory, bytes + ENTRY_BYTES);
}

static bool has_file(FwCfg *s, const char *name) {
    const Item *directory = item_of(s, FW_CFG_FILE_DIR);
    for (uint32_t i = 0; i < s->files; i++) {
        if (!strcmp((const char *)directory->data + 4 + i * ENTRY_BYTES + 8, name)) {
            return true;
        }
    }
    return false;
}

bool fw_cfg_add_file(Device *d, const char *name, const void *data, size_t n, GError **error) {
    FwCfg *s = (FwCfg *)d;
    if (strlen(name) >= NAME_BYTES || !*name) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "fw_cfg file name '%s': a name has 1 to %d bytes", name, NAME_BYTES - 1);
        return false;
    }
    if (has_file(s, name)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "fw_cfg file '%s' is given twice; names must differ", name);
        return false;
    }
    if (n > UINT32_MAX || FW_CFG_FILE_FIRST + s->files > KEY_MASK) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                    "fw_cfg file '%s' has no room: at most 4 GiB each and %d files", name,
                    KEY_MASK - FW_CFG_FILE_FIRST + 1);
        return false;
    }
    uint16_t key = (uint16_t)(FW_CFG_FILE_FIRST + s->files);
    fw_cfg_add_bytes(d, key, data, n);
    add_entry(s, name, key, (uint32_t)n);
    return true;
}

/* -- the device -- */

static void item_clear(gpointer item) {
    g_free(((Item *)item)->data);
}

static bool init(Device *d, const void *config, GError **error) {
    FwCfg *s = (FwCfg *)d;
    s->items = g_array_new(FALSE, TRUE, sizeof(Item));
    g_array_set_clear_func(s->items, item_clear);
    fw_cfg_add_bytes(d, FW_CFG_SIGNATURE, "QEMU", 4); /* the interface's signature */
    fw_cfg_add_i32(d, FW_CFG_ID, ID_TRADITIONAL | (d->bus ? ID_DMA : 0));
    fw_cfg_add_bytes(d, FW_CFG_FILE_DIR, "\0\0\0", 4);
    return true;
}

static void finish(Device *d) {
    g_array_unref(((FwCfg *)d)->items);
}

static void reset(Device *d) {
    FwCfg *s = (FwCfg *)d;
    s->dma = 0;
    select_item(s, FW_CFG_SIGNATURE);
}

static void fdt_node(Device *d, void *fdt, const DeviceFdt *at) {
    node_begin(fdt, "fw-cfg", at->base[0]);
    node_string(fdt, "compatible", "qemu,fw-cfg-mmio");
    node_reg(fdt, at->base[0], banks[0].size);
    node_flag(fdt, "dma-coherent");
    node_phandle(fdt, at->phandle);
    node_end(fdt);
}

const DeviceClass device_fw_cfg = {
    .name = "fw_cfg",
    .summary = "firmware configuration interface",
    .size = sizeof(FwCfg),
    .banks = banks,
    .bank_count = G_N_ELEMENTS(banks),
    .state = state,
    .state_count = G_N_ELEMENTS(state),
    .init = init,
    .finish = finish,
    .reset = reset,
    .fdt = fdt_node,
};
