/* SPDX-License-Identifier: MIT */
/*
 * backend_types.h - between backends.c and the files that make one kind of backend each: what was made, types with their
 * keys, and values of keys.
 */
#ifndef SYSTEM_BACKEND_TYPES_H
#define SYSTEM_BACKEND_TYPES_H

#include "system/backends.h"

/* One thing that was made. */
typedef struct Made {
    MachineBackend info; /* id owned */
    void (*close)(void *object);
} Made;

struct Backends {
    const Options *options;
    GPtrArray *devices; /* of KeyList, borrowed: options->devices */
    GPtrArray *made;    /* of Made */
    const BackendUser *user;
    bool snapshot;
};

typedef struct BackendKey {
    const char *name, *help;
} BackendKey;

/* A type of -netdev, -chardev or -object, with the keys it takes besides id. */
struct BackendType {
    const char *name, *help;
    const BackendKey *keys; /* ends with a NULL name */
    bool (*make)(Backends *b, const KeyList *list, Made *made, GError **error);
};

extern const BackendType netdev_types[], chardev_types[], object_types[]; /* end with a NULL name */

/* The type that the list's `head` key names. Error (usage): none, or a key it does not take. more: further keys, or NULL. */
const BackendType *backend_type_find(const BackendType *types, const KeyList *list, const char *head,
                                     const char *const *more, GError **error);
/* Something made before, by kind ("netdev") and id, or NULL. */
Made *backend_find(Backends *b, const char *kind, const char *id);

/* The place of a key's value in `words`, or `standard` when it is not given; -1: error. */
int backend_word(const KeyList *list, const char *key, const char *const *words, int standard, GError **error);
/* Leaves *value alone when the key is not given. */
bool backend_flag(const KeyList *list, const char *key, bool *value, GError **error);
bool backend_number(const KeyList *list, const char *key, uint64_t min, uint64_t max, uint64_t *value, GError **error);
/* A host's error as one for users, with the option's name in front: usage for what makes no sense, else host. False. */
bool backend_error(const KeyList *list, const GError *why, GError **error);

/* Kinds, by file. */
bool nets_make(Backends *b, const KeyList *list, Made *made, GError **error); /* -netdev and -nic */
bool objects_make(Backends *b, const KeyList *list, Made *made, GError **error);
bool chardevs_make(Backends *b, const KeyList *list, Made *made, GError **error);
/* Gives an address to every network card without one. */
void nets_number_cards(Backends *b);

#endif
