/* SPDX-License-Identifier: MIT */
/*
 * user.c - the user network, on libslirp: the guest's packets become sockets of this process.
 *
 * Everything runs in the main loop: a source that asks libslirp before each sleep which descriptors it waits for.
 * libslirp takes a TCP segment of any length in one packet, so the guest's large sends need no cutting.
 * Missing: forwarding of IPv6 addresses, guestfwd, SMB.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <slirp/libslirp.h>
#include <string.h>

#include "host/net/net.h"

enum { HOST_PART = 2, DNS_PART = 3, DHCP_PART = 15, POLL_FOREVER_MS = 60000, GUEST_MTU = 1500 };

/* A descriptor that libslirp waits for. */
typedef struct Watch {
    int fd;
    int events;   /* SLIRP_POLL_* */
    gpointer tag; /* of the source's descriptor */
} Watch;

typedef struct UserNet {
    NetBackend n;
    Slirp *slirp;
    GSource *source;
    GArray *watches;    /* of Watch, as libslirp counted them in the last round; `count` are in use */
    unsigned count;
    gint64 deadline;    /* of libslirp's own timeouts, in microseconds of the monotonic clock */
    struct in_addr net, mask, host, dns, dhcp;
    bool restricted, ipv6;
} UserNet;

typedef struct NetSource {
    GSource source;
    UserNet *u;
} NetSource;

typedef struct TimerSource {
    GSource source;
    SlirpTimerCb fn;
    void *opaque;
} TimerSource;

/* -- waiting -- */

static GIOCondition condition_of(int events) {
    return (events & SLIRP_POLL_IN ? G_IO_IN : 0) | (events & SLIRP_POLL_OUT ? G_IO_OUT : 0) |
           (events & SLIRP_POLL_PRI ? G_IO_PRI : 0) | G_IO_ERR | G_IO_HUP;
}

/* The same descriptors are asked for again and again, mostly: only what differs is told to the loop. */
static int add_poll(int fd, int events, void *opaque) {
    UserNet *u = opaque;
    if (u->count == u->watches->len) {
        g_array_append_val(u->watches, ((Watch){ .fd = -1 }));
    }
    Watch *w = &g_array_index(u->watches, Watch, u->count);
    if (w->tag && w->fd != fd) {
        g_source_remove_unix_fd(u->source, w->tag);
        w->tag = NULL;
    }
    if (!w->tag) {
        w->tag = g_source_add_unix_fd(u->source, fd, condition_of(events));
    } else if (w->events != events) {
        g_source_modify_unix_fd(u->source, w->tag, condition_of(events));
    }
    w->fd = fd;
    w->events = events;
    return (int)u->count++;
}

static int get_revents(int i, void *opaque) {
    UserNet *u = opaque;
    if (i < 0 || (unsigned)i >= u->count) {
        return 0;
    }
    GIOCondition c = g_source_query_unix_fd(u->source, g_array_index(u->watches, Watch, i).tag);
    return (c & G_IO_IN ? SLIRP_POLL_IN : 0) | (c & G_IO_OUT ? SLIRP_POLL_OUT : 0) | (c & G_IO_PRI ? SLIRP_POLL_PRI : 0) |
           (c & G_IO_ERR ? SLIRP_POLL_ERR : 0) | (c & G_IO_HUP ? SLIRP_POLL_HUP : 0);
}

static gboolean prepare(GSource *source, gint *timeout) {
    UserNet *u = ((NetSource *)source)->u;
    uint32_t ms = POLL_FOREVER_MS;
    u->count = 0;
    slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
    for (unsigned i = u->count; i < u->watches->len; i++) {
        Watch *w = &g_array_index(u->watches, Watch, i);
        if (w->tag) {
            g_source_remove_unix_fd(source, w->tag);
        }
    }
    g_array_set_size(u->watches, u->count);
    u->deadline = g_source_get_time(source) + (gint64)ms * 1000;
    *timeout = (gint)ms;
    return ms == 0;
}

static gboolean check(GSource *source) {
    UserNet *u = ((NetSource *)source)->u;
    for (unsigned i = 0; i < u->count; i++) {
        if (g_source_query_unix_fd(source, g_array_index(u->watches, Watch, i).tag)) {
            return TRUE;
        }
    }
    return g_source_get_time(source) >= u->deadline;
}

static gboolean dispatch(GSource *source, GSourceFunc fn, gpointer opaque) {
    UserNet *u = ((NetSource *)source)->u;
    slirp_pollfds_poll(u->slirp, 0, get_revents, u);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };

/* -- what libslirp calls -- */

static ssize_t send_packet(const void *frame, size_t size, void *opaque) {
    net_deliver(opaque, frame, size);
    return (ssize_t)size;
}

static void guest_error(const char *message, void *opaque) {
}

static int64_t clock_get_ns(void *opaque) {
    return g_get_monotonic_time() * 1000;
}

static gboolean timer_dispatch(GSource *source, GSourceFunc fn, gpointer opaque) {
    TimerSource *t = (TimerSource *)source;
    g_source_set_ready_time(source, -1);
    t->fn(t->opaque);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = { .dispatch = timer_dispatch };

static void *timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque) {
    GSource *source = g_source_new(&timer_funcs, sizeof(TimerSource));
    ((TimerSource *)source)->fn = fn;
    ((TimerSource *)source)->opaque = fn_opaque;
    g_source_attach(source, ((UserNet *)opaque)->n.context);
    return source;
}

static void timer_free(void *timer, void *opaque) {
    g_source_destroy(timer);
    g_source_unref(timer);
}

static void timer_mod(void *timer, int64_t ms, void *opaque) {
    g_source_set_ready_time(timer, ms * 1000);
}

static void poll_fd(int fd, void *opaque) {
}

static void notify(void *opaque) {
    g_main_context_wakeup(((UserNet *)opaque)->n.context);
}

static const SlirpCb callbacks = {
    .send_packet = send_packet, .guest_error = guest_error, .clock_get_ns = clock_get_ns, .timer_new = timer_new,
    .timer_free = timer_free, .timer_mod = timer_mod, .register_poll_fd = poll_fd, .unregister_poll_fd = poll_fd,
    .notify = notify,
};

/* -- addresses -- */

static bool wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool wrong(GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, text);
    return false;
}

static bool parse_net(UserNet *u, const char *text, GError **error) {
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    struct in_addr address;
    guint64 bits = 24;
    if (!parts[0] || inet_pton(AF_INET, parts[0], &address) != 1 ||
        (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, 1, 30, &bits, NULL))) {
        return wrong(error, "net: '%s' is no network; right would be ADDRESS/BITS such as 10.0.2.0/24, with 1 to 30 bits",
                     text);
    }
    u->mask.s_addr = htonl(~UINT32_C(0) << (32 - bits));
    u->net.s_addr = address.s_addr & u->mask.s_addr;
    return true;
}

/* An address of the network: what the user gave, or the network's `part`th. */
static bool parse_host(const UserNet *u, const char *key, const char *text, uint32_t part, struct in_addr *address,
                       GError **error) {
    char net[INET_ADDRSTRLEN];
    uint32_t room = ~ntohl(u->mask.s_addr);
    inet_ntop(AF_INET, &u->net, net, sizeof net);
    if (!text && part >= room) {
        return wrong(error, "net: '%s' has no room for its %s at number %u: give %s=", net, key, part, key);
    }
    address->s_addr = htonl(ntohl(u->net.s_addr) | part);
    if (text && inet_pton(AF_INET, text, address) != 1) {
        return wrong(error, "%s: '%s' is no IPv4 address", key, text);
    }
    uint32_t own = ntohl(address->s_addr) & room;
    if ((address->s_addr & u->mask.s_addr) != u->net.s_addr || own == 0 || own == room) {
        return wrong(error, "%s: '%s' is no address of a host in the network %s", key, text, net);
    }
    return true;
}

static bool set_addresses(UserNet *u, const NetUserConfig *c, GError **error) {
    if (!c->ipv4 && !c->ipv6) {
        return wrong(error, "ipv4 and ipv6 cannot both be off");
    }
    if (!parse_net(u, c->net ? c->net : "10.0.2.0/24", error) || !parse_host(u, "host", c->host, HOST_PART, &u->host, error) ||
        !parse_host(u, "dns", c->dns, DNS_PART, &u->dns, error) ||
        !parse_host(u, "dhcpstart", c->dhcpstart, DHCP_PART, &u->dhcp, error)) {
        return false;
    }
    if (u->host.s_addr == u->dns.s_addr) {
        return wrong(error, "dns: the name server needs an address other than the host's");
    }
    if (c->hostname && strlen(c->hostname) > 255) {
        return wrong(error, "hostname: the name is longer than 255 bytes");
    }
    if (c->tftp && !g_file_test(c->tftp, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "tftp: there is no directory '%s'", c->tftp);
        return false;
    }
    return true;
}

/* -- forwarded ports -- */

/* "[ADDRESS]:PORT"; an empty address leaves *address alone. */
static bool parse_end(const char *text, uint64_t min, struct in_addr *address, guint64 *port) {
    const char *colon = strrchr(text, ':');
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, min, 65535, port, NULL)) {
        return false;
    }
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    return !*host || inet_pton(AF_INET, host, address) == 1;
}

static bool forward(UserNet *u, const char *text, GError **error) {
    bool udp = g_str_has_prefix(text, "udp:");
    const char *ends = udp || g_str_has_prefix(text, "tcp:") ? text + 4 : *text == ':' ? text + 1 : NULL;
    g_auto(GStrv) parts = g_strsplit(ends ? ends : "", "-", 2);
    struct in_addr from = { htonl(INADDR_ANY) }, to = u->dhcp;
    guint64 from_port, to_port;
    if (!parts[0] || !parts[1] || !parse_end(parts[0], 0, &from, &from_port) || !parse_end(parts[1], 1, &to, &to_port)) {
        return wrong(error, "hostfwd: '%s' is no rule; right would be tcp:ADDRESS:PORT-ADDRESS:PORT or udp:..., of the host "
                            "and of the guest, where addresses may be left out: tcp::2222-:22", text);
    }
    if (slirp_add_hostfwd(u->slirp, udp, from, (int)from_port, to, (int)to_port) == 0) {
        return true;
    }
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &from, address, sizeof address);
    g_set_error(error, G_IO_ERROR, errno == EADDRINUSE ? G_IO_ERROR_ADDRESS_IN_USE : G_IO_ERROR_FAILED,
                "hostfwd: the host's %s port %u at %s cannot be forwarded to the guest: %s", udp ? "UDP" : "TCP",
                (unsigned)from_port, address, g_strerror(errno));
    return false;
}

/* -- the backend -- */

static bool user_send(NetBackend *n, const uint8_t *frame, size_t size) {
    slirp_input(((UserNet *)n)->slirp, frame, (int)size);
    return true;
}

static void user_text(const NetBackend *n, GString *out) {
    const UserNet *u = (const UserNet *)n;
    char net[INET_ADDRSTRLEN], host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &u->net, net, sizeof net);
    inet_ntop(AF_INET, &u->host, host, sizeof host);
    g_string_append_printf(out, ", net=%s/%d, host=%s, restrict=%s, ipv6=%s", net, __builtin_popcount(u->mask.s_addr), host,
                           u->restricted ? "on" : "off", u->ipv6 ? "on" : "off");
}

static char *user_connections(const NetBackend *n) {
    return slirp_connection_info(((const UserNet *)n)->slirp);
}

static void user_close(NetBackend *n) {
    UserNet *u = (UserNet *)n;
    if (u->source) {
        g_source_destroy(u->source);
        g_source_unref(u->source);
    }
    g_clear_pointer(&u->slirp, slirp_cleanup);
    g_array_unref(u->watches);
}

static void start(UserNet *u, const NetUserConfig *c) {
    SlirpConfig config = {
        .version = 4, .restricted = c->restricted, .in_enabled = c->ipv4, .vnetwork = u->net, .vnetmask = u->mask,
        .vhost = u->host, .in6_enabled = c->ipv6, .vprefix_len = 64, .vhostname = c->hostname, .tftp_path = c->tftp,
        .bootfile = c->bootfile, .vdhcp_start = u->dhcp, .vnameserver = u->dns, .vdomainname = c->domainname,
        .if_mtu = GUEST_MTU, .if_mru = GUEST_MTU,
    };
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    u->slirp = slirp_new(&config, &callbacks, u);
    u->source = g_source_new(&source_funcs, sizeof(NetSource));
    ((NetSource *)u->source)->u = u;
    g_source_attach(u->source, u->n.context);
    u->n.up = true;
}

NetBackend *net_user_open(const char *id, const NetUserConfig *config, GMainContext *context, GError **error) {
    static const NetClass cls = { .type = "user", .large = true, .checked = true, .send = user_send, .text = user_text,
                                  .connections = user_connections, .close = user_close };
    UserNet *u = g_new0(UserNet, 1);
    net_init(&u->n, &cls, id, context);
    u->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
    u->restricted = config->restricted;
    u->ipv6 = config->ipv6;
    bool ok = set_addresses(u, config, error);
    if (ok) {
        start(u, config);
    }
    for (const char *const *rule = config->hostfwd; ok && rule && *rule; rule++) {
        ok = forward(u, *rule, error);
    }
    if (!ok) {
        net_free(&u->n);
        return NULL;
    }
    return &u->n;
}
