/* SPDX-License-Identifier: MIT */
/*
 * chardev.c - host ends of serial lines: one kind of object with an input and an output descriptor, either of which
 * may be missing.
 *
 * A descriptor that others share (the terminal) is opened anew where possible, so that O_NONBLOCK is ours alone.
 * Locking: `lock` guards the buffers and the sources; callbacks run in the main loop without it.
 * Missing: sockets that connect again.
 */
#include "host/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <glib-unix.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/place.h"
#include "host/terminal.h"

enum { OUT_BYTES = 64 << 10, IN_BYTES = 4096, ESCAPE = 1 /* Ctrl-a */, CLOSE_MS = 1000, CONNECT_S = 5, PTY_LOOK_MS = 100 };

/* What handlers are called, replaced as a whole. */
typedef struct Handlers {
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *data, size_t n);
    void (*event)(void *opaque, ChardevEvent event);
    void *opaque;
} Handlers;

struct Chardev {
    pthread_mutex_t lock;
    GMainContext *context;   /* referenced */
    Handlers handlers;
    ChardevUser user;
    void (*typed)(void *opaque, const uint8_t *data, size_t n); /* gets the input in place of the device */
    void *typed_opaque;
    int in, out;             /* -1: none */
    bool own_in, own_out;    /* to be closed */
    bool mux;                /* Ctrl-a is ours */
    bool raw;                /* the terminal is in raw mode for this one */
    bool terminal;           /* input is typed: overflowing input is dropped, the escape key always works */
    bool failed;             /* a host error was reported; output goes nowhere */
    bool full;               /* a write was cut short: CHARDEV_WRITABLE is owed */
    bool escape;             /* Ctrl-a was the last input */
    bool ended, end_told;    /* input at its end; the device knows */
    bool socket;             /* peers come and go */
    bool waiting;            /* the device refused input: chardev_accept_input wakes */
    GSource *in_source, *out_source, *pump_source, *accepts;
    GSocket *listener;       /* of a server */
    char *path;              /* of its Unix socket, to be removed */
    int pty;                 /* our end of a pseudo-terminal, or -1 */
    char *pty_name;          /* the other end */
    size_t out_count, in_count;
    uint8_t out_buffer[OUT_BYTES]; /* oldest first */
    uint8_t in_buffer[IN_BYTES];
};

/* -- sources -- */

static GSource *attach(Chardev *c, GSource *source, GSourceFunc fn) {
    g_source_set_callback(source, fn, c, NULL);
    g_source_attach(source, c->context);
    return source;
}

static void detach(GSource **source) {
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static gboolean pump(gpointer opaque);

/* Has pump() run in the main loop soon. Under the lock. */
static void schedule(Chardev *c) {
    if (!c->pump_source) {
        c->pump_source = attach(c, g_idle_source_new(), pump);
        g_source_set_priority(c->pump_source, G_PRIORITY_DEFAULT);
    }
}

/* -- output -- */

/* Reports a host error once; from then on output is dropped. Takes the lock off while telling. */
static void fail(Chardev *c, int error) {
    c->out_count = 0;
    if (c->failed || c->socket) { /* that a peer is gone shows when its socket is read */
        return;
    }
    c->failed = true;
    g_autofree char *text = g_strdup_printf("the guest's console output is lost from here on: %s", g_strerror(error));
    ChardevUser user = c->user;
    pthread_mutex_unlock(&c->lock);
    if (user.error) {
        user.error(user.opaque, text);
    } else {
        fprintf(stderr, "yado: %s\n", text);
    }
    pthread_mutex_lock(&c->lock);
}

/* Hands bytes to the host; how many it took now. -1: error. */
static ssize_t give(Chardev *c, const uint8_t *data, size_t n) {
    for (;;) {
        struct pollfd p = { c->out, POLLOUT, 0 };
        ssize_t done = 0;
        /* The poll is for descriptors that could not be opened anew and may block; small writes then rarely do. */
        if (c->own_out || (poll(&p, 1, 0) == 1 && p.revents)) {
            done = write(c->out, data, c->own_out ? n : MIN(n, 512));
        }
        if (done >= 0) {
            return done;
        }
        if (errno == EAGAIN) {
            return 0;
        }
        if (errno != EINTR) {
            return -1;
        }
    }
}

static gboolean writable(gint fd, GIOCondition condition, gpointer opaque);

/* Under the lock: writes out what is buffered and watches for room for the rest. */
static void drain(Chardev *c) {
    size_t sent = 0;
    while (sent < c->out_count) {
        ssize_t done = give(c, c->out_buffer + sent, c->out_count - sent);
        if (done < 0) {
            fail(c, errno);
            sent = 0;
        }
        if (done <= 0) {
            break;
        }
        sent += (size_t)done;
    }
    c->out_count -= sent;
    memmove(c->out_buffer, c->out_buffer + sent, c->out_count);
    if (c->out_count && !c->out_source) {
        GSource *room = g_unix_fd_source_new(c->out, G_IO_OUT | G_IO_ERR | G_IO_HUP);
        c->out_source = attach(c, room, G_SOURCE_FUNC(writable));
    }
}

static gboolean writable(gint fd, GIOCondition condition, gpointer opaque) {
    (void)fd;
    (void)condition;
    Chardev *c = opaque;
    pthread_mutex_lock(&c->lock);
    drain(c);
    gboolean more = c->out_count > 0;
    if (!more) {
        g_clear_pointer(&c->out_source, g_source_unref);
    }
    bool tell = c->full && c->out_count < OUT_BYTES / 2;
    c->full = c->full && !tell;
    Handlers h = c->handlers;
    pthread_mutex_unlock(&c->lock);
    if (tell && h.event) {
        h.event(h.opaque, CHARDEV_WRITABLE);
    }
    return more;
}

size_t chardev_write(Chardev *c, const void *data, size_t n) {
    pthread_mutex_lock(&c->lock);
    if (c->out < 0 || c->failed) {
        pthread_mutex_unlock(&c->lock);
        return n;
    }
    size_t taken = 0;
    if (!c->out_count && n) {
        ssize_t done = give(c, data, n);
        if (done < 0) {
            fail(c, errno);
            done = (ssize_t)n;
        }
        taken = (size_t)done;
    }
    size_t room = MIN(n - taken, OUT_BYTES - c->out_count);
    if (room) {
        memcpy(c->out_buffer + c->out_count, (const uint8_t *)data + taken, room);
        c->out_count += room;
        taken += room;
        if (!c->out_source) {
            drain(c);
        }
    }
    c->full |= taken < n;
    pthread_mutex_unlock(&c->lock);
    return taken;
}

/* -- input -- */

static void put_in(Chardev *c, uint8_t byte) {
    if (c->in_count < IN_BYTES) { /* else: typed faster than the guest reads */
        c->in_buffer[c->in_count++] = byte;
    }
}

static void say(Chardev *c, const char *text) {
    chardev_write(c, text, strlen(text));
}

/* The key after Ctrl-a. Without the lock. */
static void escape_key(Chardev *c, uint8_t key) {
    static const char help[] = "\r\nCtrl-a h  this help\r\nCtrl-a x  quit\r\nCtrl-a c  monitor\r\n"
                               "Ctrl-a b  send a break\r\nCtrl-a Ctrl-a  send Ctrl-a\r\n";
    switch (key) {
    case 'x':
        if (c->user.quit) {
            c->user.quit(c->user.opaque);
        }
        break;
    case 'c':
        if (c->user.monitor) {
            c->user.monitor(c->user.opaque);
        } else {
            say(c, "\r\nthere is no monitor\r\n");
        }
        break;
    case 'b':
        if (c->handlers.event) {
            c->handlers.event(c->handlers.opaque, CHARDEV_BREAK);
        }
        break;
    case 'h':
    case '?':
        say(c, help);
        break;
    default:
        break;
    }
}

/* Sorts what was read: keys for us, bytes for the guest. */
static void take_in(Chardev *c, const uint8_t *data, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool key = c->escape && data[i] != ESCAPE && data[i] != 'a';
        bool begins = c->mux && !c->escape && data[i] == ESCAPE;
        bool literal = c->escape && !key;
        c->escape = begins;
        if (key) {
            escape_key(c, data[i]);
        } else if (!begins && c->typed) {
            c->typed(c->typed_opaque, &data[i], 1);
        } else if (!begins) {
            pthread_mutex_lock(&c->lock);
            put_in(c, literal ? ESCAPE : data[i]);
            pthread_mutex_unlock(&c->lock);
        }
    }
}

/* Gives the device as much as it takes. Main loop, without the lock. */
static void deliver(Chardev *c) {
    for (;;) {
        pthread_mutex_lock(&c->lock);
        Handlers h = c->handlers;
        c->waiting = true; /* before asking: a device that makes room meanwhile wakes us */
        pthread_mutex_unlock(&c->lock);
        size_t room = h.can_receive && h.receive ? h.can_receive(h.opaque) : 0;
        uint8_t part[64];
        pthread_mutex_lock(&c->lock);
        size_t n = MIN(MIN(room, sizeof part), c->in_count);
        memcpy(part, c->in_buffer, n);
        c->in_count -= n;
        memmove(c->in_buffer, c->in_buffer + n, c->in_count);
        bool tell_end = c->ended && !c->in_count && !c->end_told && h.event;
        c->end_told |= tell_end;
        pthread_mutex_unlock(&c->lock);
        if (n) {
            h.receive(h.opaque, part, n);
        }
        if (tell_end) {
            h.event(h.opaque, CHARDEV_EOF);
        }
        if (!n) {
            return;
        }
    }
}

static gboolean readable(gint fd, GIOCondition condition, gpointer opaque);

/* Reads go on when there is room; a terminal is always read, for the escape key. */
static void watch_input(Chardev *c) {
    pthread_mutex_lock(&c->lock);
    bool want = c->in >= 0 && !c->ended && (c->terminal || c->in_count < IN_BYTES);
    if (want && !c->in_source) {
        c->in_source = attach(c, g_unix_fd_source_new(c->in, G_IO_IN | G_IO_HUP | G_IO_ERR), G_SOURCE_FUNC(readable));
    } else if (!want) {
        detach(&c->in_source);
    }
    pthread_mutex_unlock(&c->lock);
}

static void tell(Chardev *c, ChardevEvent e) {
    if (c->handlers.event) {
        c->handlers.event(c->handlers.opaque, e);
    }
}

/* The peer of a socket is gone. A device that waits for room in it goes on, to nowhere. */
static void lose_peer(Chardev *c) {
    pthread_mutex_lock(&c->lock);
    detach(&c->in_source);
    detach(&c->out_source);
    close(c->in);
    c->in = c->out = -1;
    c->own_out = false;
    c->out_count = 0;
    bool full = c->full;
    c->full = false;
    pthread_mutex_unlock(&c->lock);
    tell(c, CHARDEV_CLOSED);
    if (full) {
        tell(c, CHARDEV_WRITABLE);
    }
}

static gboolean readable(gint fd, GIOCondition condition, gpointer opaque) {
    (void)condition;
    Chardev *c = opaque;
    uint8_t data[256];
    size_t room = c->terminal ? sizeof data : MIN(sizeof data, IN_BYTES - c->in_count);
    ssize_t n = room ? read(fd, data, room) : 0;
    if (n > 0) {
        take_in(c, data, (size_t)n);
    } else if (room && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        if (c->socket) {
            lose_peer(c);
            return G_SOURCE_REMOVE;
        }
        c->ended = true;
    }
    deliver(c);
    watch_input(c);
    return G_SOURCE_CONTINUE;
}

static gboolean pump(gpointer opaque) {
    Chardev *c = opaque;
    pthread_mutex_lock(&c->lock);
    g_clear_pointer(&c->pump_source, g_source_unref);
    pthread_mutex_unlock(&c->lock);
    deliver(c);
    watch_input(c);
    return G_SOURCE_REMOVE;
}

void chardev_accept_input(Chardev *c) {
    pthread_mutex_lock(&c->lock);
    if (c->waiting && (c->in_count || (c->ended && !c->end_told))) {
        c->waiting = false;
        schedule(c);
    }
    pthread_mutex_unlock(&c->lock);
}

void chardev_set_handlers(Chardev *c, size_t (*can_receive)(void *opaque),
                          void (*receive)(void *opaque, const uint8_t *data, size_t n),
                          void (*event)(void *opaque, ChardevEvent event), void *opaque) {
    pthread_mutex_lock(&c->lock);
    c->handlers = (Handlers){ can_receive, receive, event, opaque };
    if (receive && c->in >= 0) {
        schedule(c);
    }
    pthread_mutex_unlock(&c->lock);
}

void chardev_set_user(Chardev *c, const ChardevUser *user) {
    c->user = *user;
}

void chardev_redirect(Chardev *c, void (*typed)(void *opaque, const uint8_t *data, size_t n), void *opaque) {
    c->typed = typed;
    c->typed_opaque = opaque;
}

bool chardev_is_open(const Chardev *c) {
    return c->out >= 0 || !c->socket;
}

bool chardev_is_console(const Chardev *c) {
    return c->out >= 0 || c->pty >= 0;
}

/* -- opening -- */

/* A descriptor of our own for what fd refers to, not blocking; or fd itself where that cannot be had. */
static int reopen(int fd, int flags, bool *own) {
    struct stat st;
    *own = false;
    if (fcntl(fd, F_GETFD) < 0 || fstat(fd, &st) != 0) {
        return -1;
    }
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
        return fd; /* never blocks for long, and a second one would have its own position */
    }
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    int mine = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    *own = mine >= 0;
    return mine >= 0 ? mine : fd;
}

static bool open_stdio(Chardev *c, bool mux, GError **error) {
    c->mux = mux;
    c->in = reopen(STDIN_FILENO, O_RDONLY, &c->own_in);
    c->out = reopen(STDOUT_FILENO, O_WRONLY, &c->own_out);
    c->terminal = c->in >= 0 && isatty(c->in);
    if (c->terminal) {
        c->raw = terminal_make_raw(STDIN_FILENO, !mux);
        if (!c->raw) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
                        "the terminal is already in use by another serial line; use mon:stdio once, or file:PATH");
            return false;
        }
    }
    return true;
}

static bool open_file(Chardev *c, const char *path, GError **error) {
    c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
    c->own_out = true;
    if (c->out < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "the serial output file '%s' cannot be opened: %s",
                    path, g_strerror(errno));
    }
    return c->out >= 0;
}

static bool open_pty(Chardev *c, GError **error);

static bool open_spec(Chardev *c, const char *spec, GError **error) {
    if (!strcmp(spec, "stdio") || !strcmp(spec, "mon:stdio")) {
        return open_stdio(c, spec[0] == 'm', error);
    }
    if (g_str_has_prefix(spec, "file:") && spec[5]) {
        return open_file(c, spec + 5, error);
    }
    if (!strcmp(spec, "null") || !strcmp(spec, "none")) {
        return true;
    }
    if (!strcmp(spec, "pty")) {
        return open_pty(c, error);
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                "'%s' is no serial line that yado knows; valid are stdio, mon:stdio, file:PATH, pty and null", spec);
    return false;
}

static Chardev *chardev_new(GMainContext *context) {
    Chardev *c = g_new0(Chardev, 1);
    pthread_mutex_init(&c->lock, NULL);
    c->context = g_main_context_ref(context ? context : g_main_context_default());
    c->in = c->out = c->pty = -1;
    return c;
}

Chardev *chardev_open(const char *spec, GMainContext *context, GError **error) {
    Chardev *c = chardev_new(context);
    if (!open_spec(c, spec, error)) {
        chardev_close(c);
        return NULL;
    }
    watch_input(c);
    return c;
}

/* -- sockets -- */

/* What comes and goes at fd, which does not block, of which it takes a copy. */
static void take_fd(Chardev *c, int fd) {
    pthread_mutex_lock(&c->lock);
    c->in = c->out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    c->own_out = true;
    pthread_mutex_unlock(&c->lock);
    watch_input(c);
    tell(c, CHARDEV_OPENED);
}

static void take_peer(Chardev *c, GSocket *peer) {
    g_socket_set_blocking(peer, FALSE);
    take_fd(c, g_socket_get_fd(peer));
}

static gboolean acceptable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    Chardev *c = opaque;
    g_autoptr(GSocket) peer = g_socket_accept(socket, NULL, NULL);
    if (peer && c->in < 0) { /* else: it is turned away */
        take_peer(c, peer);
    }
    return G_SOURCE_CONTINUE;
}

static bool open_server(Chardev *c, GSocketAddress *address, GError **error) {
    c->listener = place_socket(address, G_SOCKET_TYPE_STREAM, error);
    if (!c->listener || !place_bind(c->listener, address, &c->path, error) || !g_socket_listen(c->listener, error)) {
        return false;
    }
    c->accepts = g_socket_create_source(c->listener, G_IO_IN, NULL);
    g_source_set_callback(c->accepts, G_SOURCE_FUNC(acceptable), c, NULL);
    g_source_attach(c->accepts, c->context);
    return true;
}

static bool open_client(Chardev *c, GSocketAddress *address, GError **error) {
    g_autoptr(GSocket) peer = place_socket(address, G_SOCKET_TYPE_STREAM, error);
    if (!peer) {
        return false;
    }
    g_socket_set_blocking(peer, TRUE);
    g_socket_set_timeout(peer, CONNECT_S);
    if (!g_socket_connect(peer, address, NULL, error)) {
        return false;
    }
    take_peer(c, peer);
    return true;
}

Chardev *chardev_open_socket(const char *place, bool server, GMainContext *context, GError **error) {
    g_autoptr(GSocketAddress) address = place_parse(place, error);
    if (!address) {
        return NULL;
    }
    g_autoptr(GError) why = NULL;
    Chardev *c = chardev_new(context);
    c->socket = true;
    if (!(server ? open_server : open_client)(c, address, &why)) {
        g_set_error(error, G_IO_ERROR, why->code, "cannot %s '%s': %s", server ? "listen at" : "connect to", place,
                    why->message);
        chardev_close(c);
        return NULL;
    }
    return c;
}

/* -- pseudo-terminals: like a server, whose peer is whoever has the other end open -- */

/* Nothing else tells that somebody opens it. */
static gboolean look_at_pty(gpointer opaque) {
    Chardev *c = opaque;
    struct pollfd p = { c->pty, POLLIN, 0 };
    if (c->in < 0 && poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP)) {
        take_fd(c, c->pty);
    }
    return G_SOURCE_CONTINUE;
}

/* Bytes as they are. Opened once, it says that nobody has it open. */
static bool settle_pty(Chardev *c) {
    char name[64];
    struct termios mode;
    int other = -1;
    if (grantpt(c->pty) == 0 && unlockpt(c->pty) == 0 && ptsname_r(c->pty, name, sizeof name) == 0) {
        c->pty_name = g_strdup(name);
        other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    if (other < 0) {
        return false;
    }
    tcgetattr(other, &mode);
    cfmakeraw(&mode);
    bool done = tcsetattr(other, TCSANOW, &mode) == 0;
    close(other);
    return done;
}

static bool open_pty(Chardev *c, GError **error) {
    c->socket = true;
    c->pty = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (c->pty < 0 || !settle_pty(c)) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "no pseudo-terminal can be had: %s", g_strerror(errno));
        return false;
    }
    c->accepts = g_timeout_source_new(PTY_LOOK_MS);
    g_source_set_callback(c->accepts, look_at_pty, c, NULL);
    g_source_attach(c->accepts, c->context);
    return true;
}

const char *chardev_pty(const Chardev *c) {
    return c->pty_name;
}

unsigned chardev_port(const Chardev *c) {
    g_autoptr(GSocketAddress) address = c->listener ? g_socket_get_local_address(c->listener, NULL) : NULL;
    return address && G_IS_INET_SOCKET_ADDRESS(address) ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address))
                                                        : 0;
}

void chardev_close(Chardev *c) {
    if (!c) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    gint64 until = g_get_monotonic_time() + CLOSE_MS * 1000;
    for (gint64 left = CLOSE_MS; c->out_count && !c->failed && left > 0;
         left = (until - g_get_monotonic_time()) / 1000) {
        struct pollfd p = { c->out, POLLOUT, 0 };
        poll(&p, 1, (int)left);
        drain(c);
    }
    detach(&c->in_source);
    detach(&c->out_source);
    detach(&c->pump_source);
    detach(&c->accepts);
    pthread_mutex_unlock(&c->lock);
    g_clear_object(&c->listener);
    if (c->path) {
        g_unlink(c->path);
        g_free(c->path);
    }
    if (c->pty >= 0) {
        close(c->pty);
    }
    g_free(c->pty_name);
    if (c->raw) {
        terminal_release();
    }
    if (c->own_in) {
        close(c->in);
    }
    if (c->own_out && c->out >= 0) {
        close(c->out);
    }
    g_main_context_unref(c->context);
    pthread_mutex_destroy(&c->lock);
    g_free(c);
}
