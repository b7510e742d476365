/* SPDX-License-Identifier: MIT */
/*
 * socket.c - a cable to another machine: frames over a stream, or each in a datagram.
 *
 * A stream carries each frame after its length in four bytes, most significant first. While there is no peer the link is
 * down. A datagram that the host does not take at once is lost, as on a wire.
 * Missing: descriptors that are already open.
 */
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "host/net/net.h"
#include "host/place.h"

enum { PREFIX = 4, BUFFER = 2 * (PREFIX + NET_FRAME_MAX), CONNECT_MS = 5000, MULTICAST_TTL = 1 };

typedef struct SocketNet {
    NetBackend n;
    NetSocketKind kind;
    char *local, *remote;      /* places, for people */
    char *path;                /* of a Unix socket that we bound, to be removed */
    GSocket *listener;         /* streams: waits for peers. Multicast: receives */
    GSocket *peer;             /* sends, and receives unless multicast */
    GSocketAddress *to, *self; /* datagrams: the peer; what our own multicast datagrams come from */
    GSource *accepts, *reads, *writes, *retry;
    unsigned reconnect;
    size_t in_count;           /* received, not yet a whole frame */
    size_t out_at, out_count;  /* of the frame that is partly sent */
    uint8_t in[BUFFER], out[PREFIX + NET_FRAME_MAX];
} SocketNet;

static void detach(GSource **source) {
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(SocketNet *s, GSocket *socket, GIOCondition condition, GSocketSourceFunc fn) {
    GSource *source = g_socket_create_source(socket, condition, NULL);
    g_source_set_callback(source, G_SOURCE_FUNC(fn), s, NULL);
    g_source_attach(source, s->n.context);
    return source;
}

/* -- streams: one peer -- */

static void try_again(SocketNet *s);

static void lose_peer(SocketNet *s) {
    detach(&s->reads);
    detach(&s->writes);
    s->in_count = s->out_at = s->out_count = 0;
    if (s->peer) {
        g_socket_close(s->peer, NULL);
        g_clear_object(&s->peer);
    }
    net_set_link(&s->n, false);
    try_again(s);
}

/* Hands on the whole frames in s->in. False: the peer does not speak this protocol. */
static bool take_frames(SocketNet *s) {
    size_t at = 0;
    while (s->in_count - at >= PREFIX) {
        uint32_t size;
        memcpy(&size, s->in + at, PREFIX);
        size = g_ntohl(size);
        if (size > NET_FRAME_MAX) {
            return false;
        }
        if (s->in_count - at < PREFIX + size) {
            break;
        }
        net_deliver(&s->n, s->in + at + PREFIX, size);
        at += PREFIX + size;
    }
    memmove(s->in, s->in + at, s->in_count - at);
    s->in_count -= at;
    return true;
}

static gboolean stream_readable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    SocketNet *s = opaque;
    ssize_t n = recv(g_socket_get_fd(socket), s->in + s->in_count, sizeof s->in - s->in_count, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    s->in_count += n > 0 ? (size_t)n : 0;
    if (n <= 0 || !take_frames(s)) {
        lose_peer(s);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void have_peer(SocketNet *s) {
    if (!G_IS_UNIX_SOCKET_ADDRESS(s->to)) {
        g_socket_set_option(s->peer, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    }
    s->reads = watch(s, s->peer, G_IO_IN | G_IO_HUP | G_IO_ERR, stream_readable);
    net_set_link(&s->n, true);
}

static gboolean stream_writable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    SocketNet *s = opaque;
    ssize_t n = send(g_socket_get_fd(socket), s->out + s->out_at, s->out_count - s->out_at, MSG_NOSIGNAL);
    if (n >= 0) {
        s->out_at += (size_t)n;
    } else if (errno != EAGAIN && errno != EINTR) {
        s->out_at = s->out_count; /* reading tells that the peer is gone */
    }
    if (s->out_at < s->out_count) {
        return G_SOURCE_CONTINUE;
    }
    s->out_at = s->out_count = 0;
    detach(&s->writes);
    net_writable(&s->n);
    return G_SOURCE_REMOVE;
}

static bool stream_send(SocketNet *s, const uint8_t *frame, size_t size) {
    if (s->out_count) {
        return false;
    }
    uint32_t prefix = g_htonl((uint32_t)size);
    struct iovec parts[] = { { &prefix, PREFIX }, { (void *)(uintptr_t)frame, size } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n = sendmsg(g_socket_get_fd(s->peer), &message, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        return true; /* lost; reading tells that the peer is gone */
    }
    s->out_at = n > 0 ? (size_t)n : 0;
    if (s->out_at < PREFIX + size) {
        s->out_count = PREFIX + size;
        memcpy(s->out, &prefix, PREFIX);
        memcpy(s->out + PREFIX, frame, size);
        s->writes = watch(s, s->peer, G_IO_OUT | G_IO_HUP | G_IO_ERR, stream_writable);
    } else {
        s->out_at = 0;
    }
    return true;
}

static gboolean acceptable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    SocketNet *s = opaque;
    GSocket *peer = g_socket_accept(socket, NULL, NULL);
    if (peer && s->peer) {
        g_socket_close(peer, NULL);
        g_object_unref(peer);
    } else if (peer) {
        g_socket_set_blocking(peer, FALSE);
        s->peer = peer;
        have_peer(s);
    }
    return G_SOURCE_CONTINUE;
}

static bool open_listener(SocketNet *s, GError **error) {
    s->listener = place_socket(s->to, G_SOCKET_TYPE_STREAM, error);
    if (!s->listener || !place_bind(s->listener, s->to, &s->path, error) || !g_socket_listen(s->listener, error)) {
        return false;
    }
    s->accepts = watch(s, s->listener, G_IO_IN, acceptable);
    return true;
}

/* -- streams: connecting -- */

static gboolean connected(GSocket *socket, GIOCondition condition, gpointer opaque) {
    SocketNet *s = opaque;
    detach(&s->writes);
    if (g_socket_check_connect_result(socket, NULL)) {
        have_peer(s);
    } else {
        lose_peer(s);
    }
    return G_SOURCE_REMOVE;
}

/* Begins to connect. False: refused at once. */
static bool begin_connect(SocketNet *s, GError **error) {
    g_autoptr(GError) why = NULL;
    s->peer = place_socket(s->to, G_SOCKET_TYPE_STREAM, error);
    if (!s->peer) {
        return false;
    }
    if (g_socket_connect(s->peer, s->to, NULL, &why)) {
        have_peer(s);
    } else if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_PENDING)) {
        s->writes = watch(s, s->peer, G_IO_OUT | G_IO_ERR | G_IO_HUP, connected);
    } else {
        g_clear_object(&s->peer);
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    return true;
}

static gboolean retry(gpointer opaque) {
    SocketNet *s = opaque;
    detach(&s->retry);
    if (!begin_connect(s, NULL)) {
        try_again(s);
    }
    return G_SOURCE_REMOVE;
}

static void try_again(SocketNet *s) {
    if (s->kind == NET_SOCKET_CONNECT && s->reconnect && !s->retry) {
        s->retry = g_timeout_source_new_seconds(s->reconnect);
        g_source_set_callback(s->retry, retry, s, NULL);
        g_source_attach(s->retry, s->n.context);
    }
}

static bool open_client(SocketNet *s, GError **error) {
    if (s->reconnect) {
        if (!begin_connect(s, NULL)) {
            try_again(s);
        }
        return true;
    }
    if (!begin_connect(s, error)) {
        return false;
    }
    if (!s->writes) {
        return true;
    }
    detach(&s->writes);
    if (!g_socket_condition_timed_wait(s->peer, G_IO_OUT, CONNECT_MS * 1000, NULL, error) ||
        !g_socket_check_connect_result(s->peer, error)) {
        return false;
    }
    have_peer(s);
    return true;
}

/* -- datagrams -- */

/* Our own multicast datagrams come back to us. */
static bool is_own(const SocketNet *s, const struct sockaddr *from, socklen_t size) {
    struct sockaddr_storage self;
    gssize self_size = s->self ? g_socket_address_get_native_size(s->self) : 0;
    return self_size && self_size == (gssize)size && g_socket_address_to_native(s->self, &self, sizeof self, NULL) &&
           memcmp(&self, from, size) == 0;
}

static gboolean datagram_readable(GSocket *socket, GIOCondition condition, gpointer opaque) {
    SocketNet *s = opaque;
    struct sockaddr_storage from = { 0 };
    socklen_t from_size = sizeof from;
    ssize_t n = recvfrom(g_socket_get_fd(socket), s->in, sizeof s->in, 0, (struct sockaddr *)&from, &from_size);
    if (n > 0 && !is_own(s, (const struct sockaddr *)&from, from_size)) {
        net_deliver(&s->n, s->in, (size_t)n);
    }
    return G_SOURCE_CONTINUE;
}

static void datagram_send(SocketNet *s, const uint8_t *frame, size_t size) {
    struct sockaddr_storage to;
    gssize to_size = g_socket_address_get_native_size(s->to);
    if (g_socket_address_to_native(s->to, &to, sizeof to, NULL) &&
        sendto(g_socket_get_fd(s->peer), frame, size, MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)to_size) < 0) {
        s->n.stats.dropped++;
    }
}

static GInetAddress *multicast_group(const SocketNet *s) {
    if (!G_IS_INET_SOCKET_ADDRESS(s->to)) {
        return NULL;
    }
    GInetAddress *group = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(s->to));
    return g_inet_address_get_is_multicast(group) ? group : NULL;
}

/* Joins the group on the interface of the local address, or on the system's choice. */
static bool join_group(SocketNet *s, GInetAddress *group, GSocketAddress *local, GError **error) {
    struct sockaddr_storage own = { 0 };
    if (!local || !g_socket_address_to_native(local, &own, sizeof own, NULL) || own.ss_family != AF_INET) {
        return g_socket_join_multicast_group(s->listener, group, FALSE, NULL, error);
    }
    struct ip_mreq membership = { .imr_interface = ((struct sockaddr_in *)&own)->sin_addr };
    memcpy(&membership.imr_multiaddr, g_inet_address_to_bytes(group), sizeof membership.imr_multiaddr);
    if (setsockopt(g_socket_get_fd(s->listener), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0 ||
        setsockopt(g_socket_get_fd(s->peer), IPPROTO_IP, IP_MULTICAST_IF, &membership.imr_interface,
                   sizeof membership.imr_interface) != 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "no multicast there: %s", g_strerror(errno));
        return false;
    }
    return true;
}

/* One socket receives what goes to the group; another, connected to it, sends, so that its own address is known. */
static bool open_multicast(SocketNet *s, GInetAddress *group, GSocketAddress *local, GError **error) {
    s->listener = place_socket(s->to, G_SOCKET_TYPE_DATAGRAM, error);
    s->peer = s->listener ? place_socket(s->to, G_SOCKET_TYPE_DATAGRAM, error) : NULL;
    if (!s->peer || !place_bind(s->listener, s->to, &s->path, error) || (local && !g_socket_bind(s->peer, local, TRUE, error)) ||
        !join_group(s, group, local, error)) {
        return false;
    }
    g_socket_set_multicast_ttl(s->peer, MULTICAST_TTL);
    g_socket_set_multicast_loopback(s->peer, TRUE);
    if (!g_socket_connect(s->peer, s->to, NULL, error)) {
        return false;
    }
    s->self = g_socket_get_local_address(s->peer, error);
    s->reads = watch(s, s->listener, G_IO_IN, datagram_readable);
    return s->self != NULL;
}

static bool open_datagram(SocketNet *s, GError **error) {
    GInetAddress *group = multicast_group(s);
    g_autoptr(GSocketAddress) local = s->local ? place_parse(s->local, error) : NULL;
    if (s->local && !local) {
        return false;
    }
    net_set_link(&s->n, true);
    if (group) {
        return open_multicast(s, group, local, error);
    }
    if (!local) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "datagrams to one peer need a local place, to be reached at");
        return false;
    }
    if (g_socket_address_get_family(local) != g_socket_address_get_family(s->to)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "'%s' and '%s' are places of different kinds", s->local,
                    s->remote);
        return false;
    }
    s->peer = place_socket(local, G_SOCKET_TYPE_DATAGRAM, error);
    if (!s->peer || !place_bind(s->peer, local, &s->path, error)) {
        return false;
    }
    s->reads = watch(s, s->peer, G_IO_IN, datagram_readable);
    return true;
}

/* -- the backend -- */

static bool socket_send(NetBackend *n, const uint8_t *frame, size_t size) {
    SocketNet *s = (SocketNet *)n;
    if (s->kind == NET_SOCKET_DATAGRAM) {
        datagram_send(s, frame, size);
        return true;
    }
    return stream_send(s, frame, size);
}

static void socket_text(const NetBackend *n, GString *out) {
    const SocketNet *s = (const SocketNet *)n;
    static const char *const kinds[] = { "listen", "connect", "datagram" };
    g_string_append_printf(out, ", %s", kinds[s->kind]);
    if (s->local) {
        g_string_append_printf(out, ", local=%s", s->local);
    }
    if (s->remote) {
        g_string_append_printf(out, ", remote=%s", s->remote);
    }
}

static void socket_close(NetBackend *n) {
    SocketNet *s = (SocketNet *)n;
    s->reconnect = 0;
    detach(&s->accepts);
    detach(&s->retry);
    lose_peer(s);
    g_clear_object(&s->listener);
    g_clear_object(&s->to);
    g_clear_object(&s->self);
    if (s->path) {
        g_unlink(s->path);
    }
    g_free(s->path);
    g_free(s->local);
    g_free(s->remote);
}

static bool open_kind(SocketNet *s, GError **error) {
    const char *place = s->kind == NET_SOCKET_LISTEN ? s->local : s->remote;
    s->to = place_parse(place, error);
    if (!s->to) {
        return false;
    }
    g_autoptr(GError) why = NULL;
    bool ok = s->kind == NET_SOCKET_LISTEN    ? open_listener(s, &why)
              : s->kind == NET_SOCKET_CONNECT ? open_client(s, &why)
                                              : open_datagram(s, &why);
    if (why && why->code == G_IO_ERROR_INVALID_ARGUMENT) {
        g_propagate_error(error, g_steal_pointer(&why));
    } else if (why) {
        static const char *const what[] = { "cannot listen at", "cannot connect to", "cannot exchange datagrams with" };
        g_set_error(error, G_IO_ERROR, why->code, "%s '%s': %s", what[s->kind], place, why->message);
    }
    return ok;
}

NetBackend *net_socket_open(const char *id, const NetSocketConfig *config, GMainContext *context, GError **error) {
    static const NetClass cls = { .type = "socket", .send = socket_send, .text = socket_text, .close = socket_close };
    SocketNet *s = g_new0(SocketNet, 1);
    net_init(&s->n, &cls, id, context);
    s->kind = config->kind;
    s->local = g_strdup(config->local);
    s->remote = g_strdup(config->remote);
    s->reconnect = config->reconnect;
    if (!open_kind(s, error)) {
        net_free(&s->n);
        return NULL;
    }
    return &s->n;
}

unsigned net_socket_port(const NetBackend *n) {
    const SocketNet *s = (const SocketNet *)n;
    GSocket *socket = s->kind == NET_SOCKET_DATAGRAM ? s->peer : s->listener;
    g_autoptr(GSocketAddress) address = socket ? g_socket_get_local_address(socket, NULL) : NULL;
    return address && G_IS_INET_SOCKET_ADDRESS(address) ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address))
                                                        : 0;
}
