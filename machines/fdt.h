/* SPDX-License-Identifier: MIT */
/*
 * fdt.h - writes and patches flattened device trees.
 *
 * Nodes are named by path; a parent must exist before its child. Running out of room grows the tree. In a tree that a
 * user gave, a change may turn out to be impossible: it is left out, and devtree_broken tells.
 */
#ifndef MACHINES_FDT_H
#define MACHINES_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct DevTree DevTree;

/* A tree with an empty root. */
DevTree *devtree_new(void);
/* A tree from a copy of `blob`, checked in full. Error (image): what is wrong with `name`. */
DevTree *devtree_open(const void *blob, size_t size, const char *name, GError **error);
void devtree_free(DevTree *tree);
/* A user's tree could not be changed as asked: it is damaged in a way that checks do not find. */
bool devtree_broken(const DevTree *tree);

/* Makes the node unless it exists. */
void devtree_node(DevTree *tree, const char *path);
/* With all that is below it. */
void devtree_remove(DevTree *tree, const char *path);
bool devtree_has(const DevTree *tree, const char *path);
/* A number that other nodes refer to this node by; a new one at the first call. */
uint32_t devtree_phandle(DevTree *tree, const char *path);

/* Properties; each replaces an earlier one of that name. */
void devtree_flag(DevTree *tree, const char *path, const char *name);
void devtree_string(DevTree *tree, const char *path, const char *name, const char *value);
/* `values` is a list separated by NULs that ends with an empty string: "a\0b\0". */
void devtree_strings(DevTree *tree, const char *path, const char *name, const char *values);
void devtree_cells(DevTree *tree, const char *path, const char *name, unsigned count, const uint32_t *cells);
void devtree_bytes(DevTree *tree, const char *path, const char *name, const void *data, size_t size);
/* Addresses, sizes: each value as two cells. */
void devtree_u64s(DevTree *tree, const char *path, const char *name, unsigned count, const uint64_t *values);
/* A number in as many cells as `cells` says (1 or 2). */
void devtree_number(DevTree *tree, const char *path, const char *name, unsigned cells, uint64_t value);
/* The property of one cell, or `otherwise`. */
uint32_t devtree_get_cell(const DevTree *tree, const char *path, const char *name, uint32_t otherwise);

#define DEVTREE_CELLS(tree, path, name, ...)                                                                          \
    devtree_cells(tree, path, name, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4, (const uint32_t[]){ __VA_ARGS__ })
#define DEVTREE_U64S(tree, path, name, ...)                                                                           \
    devtree_u64s(tree, path, name, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8, (const uint64_t[]){ __VA_ARGS__ })

/* The finished blob, packed unless it is broken. Borrowed until the next change. */
const void *devtree_blob(DevTree *tree, size_t *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DevTree, devtree_free)

#endif
