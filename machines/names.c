/* SPDX-License-Identifier: MIT */
/*
 * names.c - lists of names and of key=value pairs, as users type them.
 */
#include "machines/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64 }; /* longer words are not compared */

GQuark yado_error_quark(void) {
    return g_quark_from_static_string("yado-error");
}

/* Edit distance with insertions, deletions, substitutions and swaps of neighbours, each of cost 1. */
static unsigned distance(const char *a, const char *b) {
    size_t la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX || lb > WORD_MAX) {
        return UINT_MAX;
    }
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= la; i++) {
        for (size_t j = 0; j <= lb; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
            unsigned best = MIN(MIN(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = MIN(best, d[i - 2][j - 2] + 1);
            }
            d[i][j] = best;
        }
    }
    return d[la][lb];
}

const char *names_nearest(const char *word, const char *const *names) {
    size_t length = strlen(word);
    unsigned limit = (unsigned)MAX(1, MIN(length, (size_t)WORD_MAX) / 3 + (length >= 5));
    const char *best = NULL;
    for (; *names; names++) {
        unsigned d = distance(word, *names);
        if (d <= limit && d < length && d < strlen(*names)) {
            best = *names;
            limit = d - 1;
            if (d <= 1) {
                break;
            }
        }
    }
    return best;
}

char *names_hint(const char *word, const char *const *names) {
    const char *near = names_nearest(word, names);
    if (near) {
        return g_strdup_printf("; did you mean '%s'?", near);
    }
    if (!names[0]) {
        return g_strdup("; there are none");
    }
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    return g_strdup_printf("; there %s %s", names[1] ? "are" : "is", all);
}

/* Takes one item, up to a single comma, from *text; ",," gives a comma. */
static char *take_item(const char **text) {
    GString *item = g_string_new(NULL);
    const char *p = *text;
    while (*p) {
        if (*p == ',') {
            if (p[1] != ',') {
                break;
            }
            p++;
        }
        g_string_append_c(item, *p++);
    }
    *text = p;
    return g_string_free(item, FALSE);
}

/* Keys that may stand several times. */
static const char *const repeated[] = { "hostfwd", NULL };

static bool add_item(KeyList *list, const char *head, const char *item, GError **error) {
    const char *equals = strchr(item, '=');
    bool first = list->items->len == 0;
    g_autofree char *key = NULL;
    const char *value = "on";
    if (equals) {
        key = g_strndup(item, (size_t)(equals - item));
        value = equals + 1;
    } else if (first && head) {
        key = g_strdup(head);
        value = item;
    } else {
        key = g_strdup(item);
    }
    if (!*key || (!equals && !*item)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: an empty %s in the list", list->option,
                    first && head ? head : "key");
        return false;
    }
    if (keylist_get(list, key) && !g_strv_contains(repeated, key)) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: '%s' is given twice in one list", list->option, key);
        return false;
    }
    KeyVal pair = { g_steal_pointer(&key), g_strdup(value) };
    g_array_append_val(list->items, pair);
    return true;
}

KeyList *keylist_parse(const char *option, const char *head, const char *text, GError **error) {
    g_autoptr(KeyList) list = g_new0(KeyList, 1);
    list->option = g_strdup(option);
    list->items = g_array_new(FALSE, FALSE, sizeof(KeyVal));
    for (;;) {
        g_autofree char *item = take_item(&text);
        if (!add_item(list, head, item, error)) {
            return NULL;
        }
        if (*text != ',') {
            return g_steal_pointer(&list);
        }
        text++;
    }
}

void keylist_free(KeyList *list) {
    for (unsigned i = 0; i < list->items->len; i++) {
        KeyVal *pair = &g_array_index(list->items, KeyVal, i);
        g_free(pair->key);
        g_free(pair->value);
    }
    g_array_unref(list->items);
    g_free(list->option);
    g_free(list);
}

const char *keylist_get_nth(const KeyList *list, const char *key, unsigned n) {
    for (unsigned i = 0; i < list->items->len; i++) {
        const KeyVal *pair = &g_array_index(list->items, KeyVal, i);
        if (strcmp(pair->key, key) == 0 && n-- == 0) {
            return pair->value;
        }
    }
    return NULL;
}

const char *keylist_get(const KeyList *list, const char *key) {
    return keylist_get_nth(list, key, 0);
}

void keylist_add(KeyList *list, const char *key, const char *value) {
    KeyVal pair = { g_strdup(key), g_strdup(value) };
    g_array_append_val(list->items, pair);
}

bool keylist_check(const KeyList *list, const char *const *known, GError **error) {
    for (unsigned i = 0; i < list->items->len; i++) {
        const char *key = g_array_index(list->items, KeyVal, i).key;
        if (!g_strv_contains(known, key)) {
            g_autofree char *hint = names_hint(key, known);
            g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: no key '%s'%s", list->option, key, hint);
            return false;
        }
    }
    return true;
}

bool value_bool(const char *key, const char *value, bool *result, GError **error) {
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    if (g_strv_contains(yes, value)) {
        *result = true;
    } else if (g_strv_contains(no, value)) {
        *result = false;
    } else {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "'%s' is 'on' or 'off', not '%s'", key, value);
        return false;
    }
    return true;
}

/* Digits only: no sign, no blanks, no overflow. */
static bool digits(const char *text, uint64_t *number, const char **end) {
    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    char *stop;
    *number = strtoull(text, &stop, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
    *end = stop;
    return errno == 0;
}

bool value_size(const char *what, const char *text, uint64_t unit, uint64_t *bytes, GError **error) {
    static const char suffixes[] = "bkmgtp";
    uint64_t number;
    const char *rest = text;
    bool ok = digits(text, &number, &rest);
    if (ok && *rest) {
        const char *suffix = strchr(suffixes, g_ascii_tolower(*rest));
        ok = suffix != NULL;
        unit = ok ? UINT64_C(1) << 10 * (suffix - suffixes) : 1;
        rest++;
        ok = ok && (!*rest || (unit > 1 && (g_ascii_strcasecmp(rest, "b") == 0 || g_ascii_strcasecmp(rest, "ib") == 0)));
    }
    if (!ok || number > UINT64_MAX / unit) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE,
                    "%s: '%s' is not a size; a size is a whole number with an optional suffix k, M, G or T", what, text);
        return false;
    }
    *bytes = number * unit;
    return true;
}

bool value_number(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *result, GError **error) {
    const char *rest = text;
    if (!digits(text, result, &rest) || *rest || *result < min || *result > max) {
        g_autofree char *range = max == UINT64_MAX ? g_strdup_printf("of at least %" G_GUINT64_FORMAT, min)
                                                   : g_strdup_printf("from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                                                                     min, max);
        g_set_error(error, YADO_ERROR, YADO_ERROR_USAGE, "%s: '%s' is not a whole number %s", what, text, range);
        return false;
    }
    return true;
}

char *value_size_text(uint64_t bytes) {
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
    unsigned unit = 0;
    while (bytes && bytes % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units)) {
        bytes /= 1024;
        unit++;
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", bytes, units[unit]);
}
