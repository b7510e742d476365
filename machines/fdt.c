/* SPDX-License-Identifier: MIT */
/*
 * fdt.c - writes and patches flattened device trees, on libfdt.
 * Spec: Devicetree Specification 0.4, chapters 2 (properties) and 5 (format).
 */
#include "machines/fdt.h"

#include <string.h>

#include <libfdt.h>

#include "machines/names.h"

enum {
    TREE_START = 16 << 10,
    TREE_ROOM = 16 << 10,          /* added whenever there is no space */
    TREE_MAX = 16 << 20,           /* of a user's tree */
    PHANDLE_BASE = 0x8000,
};

struct DevTree {
    void *blob;
    size_t room;
    bool foreign; /* from a user: failures are his tree's */
    bool broken;
};

/* Looks at libfdt's answer; true: try again, there is more room now. */
static bool again(DevTree *tree, int result) {
    if (result == -FDT_ERR_NOSPACE) {
        size_t room = tree->room + TREE_ROOM;
        tree->blob = g_realloc(tree->blob, room);
        result = fdt_open_into(tree->blob, tree->blob, (int)room);
        tree->room = room;
        if (result == 0) {
            return true;
        }
    }
    if (result < 0) {
        g_assert(tree->foreign);
        tree->broken = true;
    }
    return false;
}

DevTree *devtree_new(void) {
    DevTree *tree = g_new0(DevTree, 1);
    tree->room = TREE_START;
    tree->blob = g_malloc(tree->room);
    int r = fdt_create_empty_tree(tree->blob, (int)tree->room);
    g_assert(r == 0);
    return tree;
}

DevTree *devtree_open(const void *blob, size_t size, const char *name, GError **error) {
    const char *wrong = NULL;
    if (size < sizeof(struct fdt_header) || fdt_magic(blob) != FDT_MAGIC) {
        wrong = "it does not begin with the magic number of a device tree blob (compile a source with dtc)";
    } else if (size > TREE_MAX || fdt_totalsize(blob) > size) {
        wrong = "it is cut off: its header says that it is larger";
    } else if (fdt_check_full(blob, size) != 0) {
        wrong = "its structure is damaged";
    }
    if (wrong) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "'%s' is not a device tree: %s", name, wrong);
        return NULL;
    }
    DevTree *tree = g_new0(DevTree, 1);
    tree->room = size + TREE_ROOM;
    tree->blob = g_malloc0(tree->room);
    tree->foreign = true;
    if (fdt_open_into(blob, tree->blob, (int)tree->room) != 0) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "'%s' is a device tree of a version that cannot be used", name);
        devtree_free(tree);
        return NULL;
    }
    return tree;
}

void devtree_free(DevTree *tree) {
    g_free(tree->blob);
    g_free(tree);
}

bool devtree_broken(const DevTree *tree) {
    return tree->broken;
}

void devtree_remove(DevTree *tree, const char *path) {
    if (devtree_has(tree, path)) {
        fdt_del_node(tree->blob, fdt_path_offset(tree->blob, path));
    }
}

bool devtree_has(const DevTree *tree, const char *path) {
    return fdt_path_offset(tree->blob, path) >= 0;
}

void devtree_node(DevTree *tree, const char *path) {
    if (devtree_has(tree, path)) {
        return;
    }
    const char *slash = strrchr(path, '/');
    g_assert(slash);
    g_autofree char *parent = slash == path ? g_strdup("/") : g_strndup(path, (size_t)(slash - path));
    int at;
    do {
        at = fdt_path_offset(tree->blob, parent);
    } while (again(tree, at < 0 ? at : fdt_add_subnode(tree->blob, at, slash + 1)));
}

void devtree_bytes(DevTree *tree, const char *path, const char *name, const void *data, size_t size) {
    int at;
    do {
        at = fdt_path_offset(tree->blob, path);
    } while (again(tree, at < 0 ? at : fdt_setprop(tree->blob, at, name, data, (int)size)));
}

void devtree_flag(DevTree *tree, const char *path, const char *name) {
    devtree_bytes(tree, path, name, "", 0);
}

void devtree_string(DevTree *tree, const char *path, const char *name, const char *value) {
    devtree_bytes(tree, path, name, value, strlen(value) + 1);
}

void devtree_strings(DevTree *tree, const char *path, const char *name, const char *values) {
    size_t size = 0;
    while (values[size]) {
        size += strlen(values + size) + 1;
    }
    devtree_bytes(tree, path, name, values, size);
}

void devtree_cells(DevTree *tree, const char *path, const char *name, unsigned count, const uint32_t *cells) {
    g_autofree uint32_t *big = g_new(uint32_t, count);
    for (unsigned i = 0; i < count; i++) {
        big[i] = GUINT32_TO_BE(cells[i]);
    }
    devtree_bytes(tree, path, name, big, count * 4);
}

void devtree_u64s(DevTree *tree, const char *path, const char *name, unsigned count, const uint64_t *values) {
    g_autofree uint64_t *big = g_new(uint64_t, count);
    for (unsigned i = 0; i < count; i++) {
        big[i] = GUINT64_TO_BE(values[i]);
    }
    devtree_bytes(tree, path, name, big, count * 8);
}

void devtree_number(DevTree *tree, const char *path, const char *name, unsigned cells, uint64_t value) {
    if (cells == 1) {
        DEVTREE_CELLS(tree, path, name, (uint32_t)value);
    } else {
        DEVTREE_U64S(tree, path, name, value);
    }
}

uint32_t devtree_get_cell(const DevTree *tree, const char *path, const char *name, uint32_t otherwise) {
    int at = fdt_path_offset(tree->blob, path);
    int size = 0;
    const void *data = at < 0 ? NULL : fdt_getprop(tree->blob, at, name, &size);
    return data && size == 4 ? fdt32_ld(data) : otherwise;
}

uint32_t devtree_phandle(DevTree *tree, const char *path) {
    int at = fdt_path_offset(tree->blob, path);
    uint32_t phandle = fdt_get_phandle(tree->blob, at);
    if (phandle == 0) {
        uint32_t highest = 0;
        fdt_find_max_phandle(tree->blob, &highest);
        phandle = MAX(highest + 1, PHANDLE_BASE);
        DEVTREE_CELLS(tree, path, "phandle", phandle);
    }
    return phandle;
}

const void *devtree_blob(DevTree *tree, size_t *size) {
    again(tree, fdt_pack(tree->blob));
    *size = fdt_totalsize(tree->blob);
    if (!tree->broken) {
        tree->room = *size;
    }
    return tree->blob;
}
