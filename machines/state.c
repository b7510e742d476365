/* SPDX-License-Identifier: MIT */
/*
 * state.c - the state of a machine as bytes, and a machine from them.
 *
 * A state is a header and sections: {lengths, hash, name, content}. Their names and sizes are those of the tables of
 * devices and CPUs and nothing else. Content is runs of pages, of one byte or verbatim; numbers are little-endian.
 * Loading looks at everything before it changes anything.
 * Missing: a file of it, and byte order: spans are as in memory, so that hosts have to be little-endian.
 */
#include <string.h>

#include "machines/machine.h"

_Static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "spans are stored as they lie in memory");

enum { MAGIC_SIZE = 16, NAME_MAX_SIZE = 128, PAGE = 4096, RUN_SIZE = 8, RUN_VERBATIM = 256 };
static const char magic[MAGIC_SIZE] = "yado state 1\r\n\x1a";

/* In front of a section; its name and its packed content follow. */
typedef struct Head {
    uint32_t name_size;
    uint32_t reserved;
    uint64_t size;   /* of the span */
    uint64_t packed; /* bytes of content */
    uint64_t hash;   /* of name and content */
} Head;

/* A span of state in this process. */
typedef struct Span {
    char *name;
    void *bytes;
    uint64_t size;
    bool zero;       /* known to be zero: need not be touched for pages of zeros */
    const uint8_t *content; /* loading: its section's */
    uint64_t packed;
} Span;

static void span_clear(gpointer span) {
    g_free(((Span *)span)->name);
}

/* -- the spans of a machine -- */

typedef struct Walk {
    GArray *spans; /* of Span */
    const char *owner;
} Walk;

static void add_span(GArray *spans, const char *owner, const char *name, void *bytes, uint64_t size) {
    Span span = { .bytes = bytes, .size = size };
    span.name = owner ? g_strdup_printf("%s/%s", owner, name) : g_strdup(name);
    g_assert(strlen(span.name) < NAME_MAX_SIZE);
    g_array_append_val(spans, span);
}

static void visit_device(void *opaque, const char *name, void *bytes, size_t size, size_t element) {
    Walk *walk = opaque;
    add_span(walk->spans, walk->owner, name, bytes, size);
}

static void visit_cpu(void *opaque, const char *name, void *bytes, size_t size) {
    Walk *walk = opaque;
    add_span(walk->spans, walk->owner, name, bytes, size);
}

/* What must be the same in both machines. */
typedef struct Identity {
    char board[32], cpu[32], controller[32];
    uint64_t ram_size, cpus;
} Identity;

static Identity identity_of(const Machine *m) {
    Identity id = { .ram_size = m->ram_size, .cpus = m->cpus };
    g_strlcpy(id.board, m->cls->name, sizeof id.board);
    g_strlcpy(id.cpu, m->cpu, sizeof id.cpu);
    g_strlcpy(id.controller, m->irq_controller ? m->irq_controller->cls->name : "none", sizeof id.controller);
    return id;
}

static GArray *spans_of(Machine *m, Identity *id, uint64_t *clock) {
    GArray *spans = g_array_new(FALSE, TRUE, sizeof(Span));
    Walk walk = { .spans = spans };
    g_array_set_clear_func(spans, span_clear);
    add_span(spans, NULL, "machine", id, sizeof *id);
    add_span(spans, NULL, "clock", clock, sizeof *clock);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        g_autofree char *owner = g_strdup_printf("cpu%u", i);
        walk.owner = owner;
        vcpu_state_walk(g_ptr_array_index(m->vcpus, i), visit_cpu, &walk);
    }
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *device = g_ptr_array_index(m->devices, i);
        walk.owner = device->name;
        device_state_walk(device, visit_device, &walk);
    }
    add_span(spans, NULL, "ram", ram_host(m->ram), m->ram_size);
    g_array_index(spans, Span, spans->len - 1).zero = true;
    return spans;
}

/* A GByteArray ends at 4 GiB. */
typedef struct Out {
    uint8_t *data;
    size_t size, room;
} Out;

static void put(Out *out, const void *bytes, size_t size) {
    if (size > out->room - out->size) {
        out->room = MAX(2 * out->room, out->size + size);
        out->data = g_realloc(out->data, out->room);
    }
    memcpy(out->data + out->size, bytes, size);
    out->size += size;
}

/* -- runs of pages: {number of pages, byte that they are full of or RUN_VERBATIM}, verbatim pages -- */

static uint32_t page_kind(const uint8_t *page, size_t size) {
    return memcmp(page, page + 1, size - 1) == 0 ? page[0] : RUN_VERBATIM;
}

static void pack(Out *out, const uint8_t *bytes, uint64_t size) {
    for (uint64_t at = 0; at < size;) {
        uint64_t start = at;
        uint32_t kind = page_kind(bytes + at, MIN(PAGE, size - at));
        for (at += MIN(PAGE, size - at); at < size && (at - start) / PAGE < G_MAXUINT16; at += MIN(PAGE, size - at)) {
            if (page_kind(bytes + at, MIN(PAGE, size - at)) != kind) {
                break;
            }
        }
        const uint32_t run[] = { (uint32_t)((at - start + PAGE - 1) / PAGE), kind };
        put(out, run, RUN_SIZE);
        if (kind == RUN_VERBATIM) {
            put(out, bytes + start, at - start);
        }
    }
}

/* Writes the span, or with `check` only looks whether that can be done. */
static bool unpack(const Span *span, bool check) {
    const uint8_t *in = span->content;
    uint64_t left = span->packed, at = 0;
    while (left >= RUN_SIZE && at < span->size) {
        uint32_t run[2];
        memcpy(run, in, RUN_SIZE);
        in += RUN_SIZE;
        left -= RUN_SIZE;
        uint64_t n = MIN((uint64_t)run[0] * PAGE, span->size - at), given = run[1] == RUN_VERBATIM ? n : 0;
        if (n == 0 || run[0] > (span->size - at + PAGE - 1) / PAGE || run[1] > RUN_VERBATIM || given > left) {
            return false;
        }
        uint8_t *to = (uint8_t *)span->bytes + at;
        if (!check && given) {
            memcpy(to, in, n);
        } else if (!check && !(span->zero && run[1] == 0)) {
            memset(to, (int)run[1], n);
        }
        in += given;
        left -= given;
        at += n;
    }
    return left == 0 && at == span->size;
}

/* -- saving -- */

static void pack_section(Out *out, const Span *span) {
    size_t at = out->size;
    Head head = { .name_size = (uint32_t)strlen(span->name), .size = span->size };
    put(out, &head, sizeof head);
    put(out, span->name, head.name_size);
    pack(out, span->bytes, span->size);
    head.packed = out->size - at - sizeof head - head.name_size;
    machine_hash_bytes(&head.hash, out->data + at + sizeof head, out->size - at - sizeof head);
    memcpy(out->data + at, &head, sizeof head);
}

GBytes *machine_save_state(Machine *m) {
    g_assert(!m->running || m->paused);
    Identity id = identity_of(m);
    uint64_t now = clock_now(m->clock);
    g_autoptr(GArray) spans = spans_of(m, &id, &now);
    Out out = { .data = NULL };
    put(&out, magic, MAGIC_SIZE);
    for (unsigned i = 0; i < spans->len; i++) {
        pack_section(&out, &g_array_index(spans, Span, i));
    }
    return g_bytes_new_take(out.data, out.size);
}

/* -- loading -- */

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, YADO_ERROR, YADO_ERROR_IMAGE, "the saved state cannot be used: %s", text);
    return false;
}

/* Gives the section that begins at *in to the span of its name. */
static bool take_section(GHashTable *by_name, const uint8_t **in, uint64_t *left, GError **error) {
    Head head;
    if (*left < sizeof head) {
        return refuse(error, "it is cut off in the head of a section");
    }
    memcpy(&head, *in, sizeof head);
    const uint8_t *body = *in + sizeof head;
    *left -= sizeof head;
    if (head.name_size == 0 || head.name_size >= NAME_MAX_SIZE || head.reserved) {
        return refuse(error, "the head of a section is damaged");
    }
    if (*left < head.name_size || *left - head.name_size < head.packed) {
        return refuse(error, "it is cut off in a section");
    }
    uint64_t hash = 0, whole = head.name_size + head.packed;
    machine_hash_bytes(&hash, body, whole);
    if (hash != head.hash) {
        return refuse(error, "a section is damaged: its hash does not match");
    }
    g_autofree char *raw = g_strndup((const char *)body, head.name_size), *name = g_strescape(raw, NULL);
    Span *span = g_hash_table_lookup(by_name, raw);
    if (!span) {
        return refuse(error, "this machine has nothing that is called '%s'", name);
    }
    if (span->content) {
        return refuse(error, "section '%s' is there twice", name);
    }
    if (span->size != head.size) {
        return refuse(error, "section '%s' is of %" G_GUINT64_FORMAT " bytes; the machine has %" G_GUINT64_FORMAT, name,
                      head.size, span->size);
    }
    span->content = body + head.name_size;
    span->packed = head.packed;
    *in = body + whole;
    *left -= whole;
    return unpack(span, true) || refuse(error, "section '%s' is damaged: its pages do not add up", name);
}

static bool same_machine(const Machine *m, Identity *id, GError **error) {
    Identity mine = identity_of(m);
    id->board[sizeof id->board - 1] = id->cpu[sizeof id->cpu - 1] = id->controller[sizeof id->controller - 1] = 0;
    if (memcmp(id, &mine, sizeof mine) == 0) {
        return true;
    }
    g_autofree char *board = g_strescape(id->board, NULL), *cpu = g_strescape(id->cpu, NULL);
    g_autofree char *controller = g_strescape(id->controller, NULL);
    g_autofree char *theirs = value_size_text(id->ram_size), *ours = value_size_text(m->ram_size);
    return refuse(error,
                  "it is of machine '%s' with %" G_GUINT64_FORMAT " CPU(s) '%s', %s of memory and interrupt controller "
                  "'%s', this one '%s' with %u CPU(s) '%s', %s and '%s'", board, id->cpus, cpu, theirs, controller,
                  m->cls->name, m->cpus, m->cpu, ours, mine.controller);
}

/* `id` is what the first span is read into. */
static bool take_sections(Machine *m, GArray *spans, Identity *id, GBytes *state, GError **error) {
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    gsize size;
    const uint8_t *in = g_bytes_get_data(state, &size);
    uint64_t left = size;
    if (left < MAGIC_SIZE || memcmp(in, magic, MAGIC_SIZE) != 0) {
        return refuse(error, "it does not begin like a state of this version");
    }
    in += MAGIC_SIZE;
    left -= MAGIC_SIZE;
    for (unsigned i = 0; i < spans->len; i++) {
        Span *span = &g_array_index(spans, Span, i);
        bool fresh = g_hash_table_insert(by_name, span->name, span);
        g_assert(fresh); /* names in tables are different */
    }
    while (left) {
        if (!take_section(by_name, &in, &left, error)) {
            return false;
        }
        Span *first = &g_array_index(spans, Span, 0);
        if (first->content && !id->cpus) { /* it tells best why the sizes of others differ */
            unpack(first, false);
            if (!same_machine(m, id, error)) {
                return false;
            }
        }
    }
    for (unsigned i = 0; i < spans->len; i++) {
        const Span *span = &g_array_index(spans, Span, i);
        if (!span->content) {
            return refuse(error, "section '%s' is missing", span->name);
        }
    }
    return true;
}

/* With every span in place: what follows from them. Timers look at the clock, inputs of CPUs and of the interrupt
 * controller follow the devices' outputs. */
static bool settle(Machine *m, uint64_t now, GError **error) {
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        vcpu_restoring(g_ptr_array_index(m->vcpus, i));
    }
    clock_set(m->clock, now);
    for (unsigned i = 0; i < m->devices->len; i++) {
        Device *device = g_ptr_array_index(m->devices, i);
        device_lock(device);
        if (device->cls->restored) {
            device->cls->restored(device);
        }
        device_unlock(device);
    }
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        g_autoptr(GError) why = NULL;
        if (!vcpu_restored(g_ptr_array_index(m->vcpus, i), &why)) {
            return refuse(error, "CPU %u: %s", i, why->message);
        }
    }
    return true;
}

bool machine_load_state(Machine *m, GBytes *state, GError **error) {
    g_assert(!m->running);
    Identity id = { .cpus = 0 };
    uint64_t now = 0;
    g_autoptr(GArray) spans = spans_of(m, &id, &now);
    if (!take_sections(m, spans, &id, state, error)) {
        return false;
    }
    machine_reset(m); /* all lines are low, and nothing is left of translations */
    ram_clear(m->ram);
    for (unsigned i = 0; i < spans->len; i++) {
        unpack(&g_array_index(spans, Span, i), false);
    }
    if (now > G_MAXINT64 || !settle(m, now, error)) {
        machine_reset(m);
        return now > G_MAXINT64 ? refuse(error, "its clock is out of range") : false;
    }
    m->loaded = true;
    return true;
}
