/* SPDX-License-Identifier: MIT */
/*
 * trouble.c - see trouble.h. Requests that could not be served are held by their devices until the machine goes on, by
 * whatever means: the monitor, gdb, or SIGCONT, which is there even when nobody has a monitor.
 * Locking: `lock` for the message from another thread; all else is the main loop's.
 */
#include "system/trouble.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct Trouble {
    void (*print)(const char *text);
    Machine *machine;
    Debugger *debugger;
    uint64_t resumes; /* of the machine, when it was paused here */
    bool told;
    int continued;    /* eventfd: SIGCONT has come */
    guint source;     /* that looks at it */
    GMutex lock;      /* of ... */
    char *message;    /* owned, or NULL */
};

static void tell(const Trouble *t, const char *message) {
    const char *newline = strchr(message, '\n'), *way = debugger_way_on(t->debugger);
    g_autofree char *sentence = g_strndup(message, (gsize)(newline - message));
    bool gdb = debugger_has_client(t->debugger);
    g_autoptr(GString) text = g_string_new(message);
    g_string_append(text, "; then ");
    g_string_append(text, way ? way : "");
    if (!gdb) {
        g_string_append_printf(text, way ? " (or 'kill -CONT %d')" : "'kill -CONT %d'", (int)getpid());
    }
    g_string_append(text, " tries again, and nothing is lost");
    t->print(text->str);
    debugger_paused(t->debugger, sentence);
}

static gboolean serve(gpointer opaque) {
    Trouble *t = opaque;
    g_mutex_lock(&t->lock);
    g_autofree char *message = t->machine ? g_steal_pointer(&t->message) : NULL;
    g_mutex_unlock(&t->lock);
    if (message) {
        machine_pause(t->machine);
        t->resumes = t->machine->resumes;
        t->told = true;
        tell(t, message);
    }
    return G_SOURCE_REMOVE;
}

/* Of several messages at once the first tells enough. */
void trouble_report(void *opaque, const char *message) {
    Trouble *t = opaque;
    g_mutex_lock(&t->lock);
    if (!t->message) {
        t->message = g_strdup(message);
        g_idle_add_full(G_PRIORITY_HIGH, serve, t, NULL);
    }
    g_mutex_unlock(&t->lock);
}

/* Only what was paused here goes on, and only once: a user may have paused the machine since. */
static gboolean on_continue(gint fd, GIOCondition condition, gpointer opaque) {
    Trouble *t = opaque;
    uint64_t count;
    if (read(fd, &count, sizeof count) == sizeof count && t->machine && t->told &&
        t->resumes == t->machine->resumes && !debugger_has_client(t->debugger)) {
        machine_resume(t->machine);
    }
    return G_SOURCE_CONTINUE;
}

Trouble *trouble_new(void (*print)(const char *text)) {
    Trouble *t = g_new0(Trouble, 1);
    t->print = print;
    g_mutex_init(&t->lock);
    t->continued = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (t->continued >= 0) {
        t->source = g_unix_fd_add(t->continued, G_IO_IN, on_continue, t);
        chardev_watch_continue(t->continued);
    }
    return t;
}

void trouble_attach(Trouble *t, Machine *machine, Debugger *debugger) {
    t->machine = machine;
    t->debugger = debugger;
    g_idle_add_full(G_PRIORITY_HIGH, serve, t, NULL);
}

void trouble_free(Trouble *t) {
    if (t->continued >= 0) {
        chardev_watch_continue(-1);
        g_source_remove(t->source);
        close(t->continued);
    }
    while (g_idle_remove_by_data(t)) {
    }
    g_free(t->message);
    g_mutex_clear(&t->lock);
    g_free(t);
}
