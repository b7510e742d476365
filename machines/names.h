/* SPDX-License-Identifier: MIT */
/*
 * names.h - lists of names and of key=value pairs, as users type them.
 *
 * Every place that looks a name up for a user uses names_hint, so that a misspelt one always gets a suggestion.
 */
#ifndef MACHINES_NAMES_H
#define MACHINES_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/*
 * Errors for users. The code is the exit status of the process. A message is one sentence, optionally followed by a
 * newline and a hint.
 */
#define YADO_ERROR (yado_error_quark())
typedef enum YadoError {
    YADO_ERROR_RUNTIME = 1, /* something went wrong while the guest ran */
    YADO_ERROR_USAGE = 2,   /* the command line asks for what does not exist */
    YADO_ERROR_IMAGE = 3,   /* an image or firmware file is not what it should be */
    YADO_ERROR_HOST = 4,    /* the host lacks something: a file, memory, a device */
} YadoError;
GQuark yado_error_quark(void);

/* The name in the NULL-terminated `names` that `word` is probably meant to be, or NULL. Borrowed from `names`. */
const char *names_nearest(const char *word, const char *const *names);

/* What follows "no thing 'word'": "; did you mean 'x'?" or the list of what there is. Caller frees. */
char *names_hint(const char *word, const char *const *names);

/* One pair of a list. */
typedef struct KeyVal {
    char *key;
    char *value;
} KeyVal;

/* A parsed "head,key=value,flag" list. */
typedef struct KeyList {
    char *option;  /* the option it came from, with dash, for messages */
    GArray *items; /* of KeyVal */
} KeyList;

/*
 * Parses `text`, the argument of `option`. ",," stands for a comma in a value; a key without "=" is "on"; the first
 * item, when it has no "=", is the value of `head`. Error (usage): empty or duplicate key.
 */
KeyList *keylist_parse(const char *option, const char *head, const char *text, GError **error);
void keylist_free(KeyList *list);
/* The value of `key`, or NULL. Borrowed. */
const char *keylist_get(const KeyList *list, const char *key);
/* The same for the nth pair with that key, from 0 on: a few keys may be repeated. */
const char *keylist_get_nth(const KeyList *list, const char *key, unsigned n);
void keylist_add(KeyList *list, const char *key, const char *value);
/* Error (usage) when the list has a key that is not in the NULL-terminated `known`. */
bool keylist_check(const KeyList *list, const char *const *known, GError **error);

/* "on"/"off" and their kind. Error (usage) naming `key`. */
bool value_bool(const char *key, const char *value, bool *result, GError **error);
/* A whole number with an optional suffix k, M, G, T, P (powers of 1024; "B" and "iB" may follow); a number without
 * suffix counts `unit` bytes. Error (usage). */
bool value_size(const char *what, const char *text, uint64_t unit, uint64_t *bytes, GError **error);
/* A whole number from min to max. Error (usage). */
bool value_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *result, GError **error);
/* Bytes for people: "64 MiB", "1023 KiB". Caller frees. */
char *value_size_text(uint64_t bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyList, keylist_free)

#endif
