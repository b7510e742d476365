/* SPDX-License-Identifier: MIT */
/*
 * net.h - the host end of a network card's cable: a user network, a socket to another machine, nothing.
 *
 * Frames are whole Ethernet frames without FCS. Sending never waits: a bounded queue takes the frames, and the main loop
 * hands them on. What arrives is queued too, and the device takes it when it has room. Backends, callbacks and everything
 * else run in the main loop (the thread of the context).
 */
#ifndef HOST_NET_NET_H
#define HOST_NET_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NetBackend NetBackend;
typedef struct NetDump NetDump;

enum {
    NET_HEADER = 14,                   /* bytes of an Ethernet header */
    NET_FRAME_MAX = NET_HEADER + 65535 /* the largest frame; longer ones are dropped */
};

/* What happens in a backend over its life. */
typedef struct NetStats {
    uint64_t sent, sent_bytes;         /* by the guest */
    uint64_t received, received_bytes; /* by the device */
    uint64_t dropped;                  /* of either direction: nobody there, no room, wrong size */
} NetStats;

/* -- the device's side. All callbacks may be NULL; they run in the main loop with no lock held -- */
typedef struct NetUser {
    void *opaque;
    void (*arrived)(void *opaque);       /* net_peek has a frame, or net_accept was called and it has one */
    void (*writable)(void *opaque);      /* net_send returned false; now it takes frames again */
    void (*link)(void *opaque, bool up); /* net_link_up has changed */
} NetUser;
/* user: copied; NULL: nobody; what arrives is dropped then. */
void net_set_user(NetBackend *n, const NetUser *user);
/* Takes a copy of the frame; one of a wrong size vanishes. false: the queue is full, `writable` follows. Any thread, also
 * within callbacks. */
bool net_send(NetBackend *n, const void *frame, size_t size);
/* Would it take the longest frame, also cut into pieces? false: `writable` follows. Any thread. */
bool net_room(NetBackend *n);
/* The oldest frame that arrived, or NULL. Borrowed until net_next. Main loop. */
const uint8_t *net_peek(NetBackend *n, size_t *size);
/* Drops it. Main loop. */
void net_next(NetBackend *n);
/* Bytes that wait in the queue, somewhat more than the frames have. Main loop. */
size_t net_waiting(const NetBackend *n);
/* Has `arrived` called soon, if there is a frame: the device has room again. Any thread. */
void net_accept(NetBackend *n);
bool net_link_up(const NetBackend *n);
/* Does it take frames longer than the network's MTU (TCP segments of up to 64 KiB)? */
bool net_takes_large(const NetBackend *n);
/* Was every frame made on this host, so that its checksums need no check? */
bool net_checked(const NetBackend *n);

/* -- the user's side -- */
const char *net_id(const NetBackend *n);
NetStats net_stats(const NetBackend *n);
/* One line for people: type, addresses, peer. Caller frees. */
char *net_text(const NetBackend *n);
/* Its connections, many lines, or NULL when the type has none. Caller frees. */
char *net_connections(const NetBackend *n);
/* The device must have left it. NULL is allowed. Main loop. */
void net_free(NetBackend *n);

/* Takes every frame and gives none. */
NetBackend *net_null_open(const char *id, GMainContext *context);

/* The user network: a router, DHCP, DNS and TFTP server behind which the guest reaches what this process reaches. */
typedef struct NetUserConfig {
    bool ipv4, ipv6;                    /* at least one */
    bool restricted;                    /* only the guests and forwarded ports, no way out */
    const char *net;                    /* "10.0.2.0/24" */
    const char *host, *dns, *dhcpstart; /* addresses in it; NULL: .2, .3, .15 */
    const char *hostname, *domainname;  /* told by DHCP; NULL: none */
    const char *tftp, *bootfile;        /* directory that is served; file that DHCP names; NULL: none */
    const char *const *hostfwd;         /* NULL-terminated "tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT", or NULL */
} NetUserConfig;
/* Errors: G_IO_ERROR_INVALID_ARGUMENT for what makes no sense; else what the host refuses (a port that is taken). */
NetBackend *net_user_open(const char *id, const NetUserConfig *config, GMainContext *context, GError **error);

typedef enum NetSocketKind {
    NET_SOCKET_LISTEN,   /* stream server; one peer at a time */
    NET_SOCKET_CONNECT,  /* stream client */
    NET_SOCKET_DATAGRAM, /* each frame is a datagram */
} NetSocketKind;
/* Places are "ADDRESS:PORT" or "unix:PATH"; an empty address is this host. Streams: each frame follows its length in
 * four bytes, most significant first. The link is up while there is a peer. */
typedef struct NetSocketConfig {
    NetSocketKind kind;
    const char *local;  /* LISTEN: where; DATAGRAM: to be bound, may be NULL for multicast (then: the interface) */
    const char *remote; /* CONNECT and DATAGRAM: the peer; a multicast group: everybody in it */
    unsigned reconnect; /* CONNECT: seconds between attempts; 0: a peer that is not there is an error */
} NetSocketConfig;
NetBackend *net_socket_open(const char *id, const NetSocketConfig *config, GMainContext *context, GError **error);
/* Port that a listening or datagram socket got, or 0. */
unsigned net_socket_port(const NetBackend *n);

/* -- packet captures -- */

/* Writes all frames of a backend to a file in pcap format, each cut at max_bytes. The backend borrows it and must be
 * freed first. */
NetDump *net_dump_open(const char *path, size_t max_bytes, GError **error);
void net_dump_close(NetDump *dump); /* NULL is allowed */
void net_add_dump(NetBackend *n, NetDump *dump);
/* One frame, at a time in microseconds since 1970. */
void net_dump_frame(NetDump *dump, const void *frame, size_t size, int64_t time);
void net_dump_flush(NetDump *dump);

/* -- for backends -- */

typedef struct NetClass {
    const char *type;
    bool large, checked; /* net_takes_large, net_checked */
    /* A frame of the guest. false: not now; net_writable follows. */
    bool (*send)(NetBackend *n, const uint8_t *frame, size_t size);
    void (*text)(const NetBackend *n, GString *out); /* appends ", ..."; may be NULL */
    char *(*connections)(const NetBackend *n);       /* may be NULL */
    void (*close)(NetBackend *n);                    /* what is beyond the NetBackend; may be NULL */
} NetClass;

/* Frames in a ring of bytes, oldest first. */
typedef struct NetQueue {
    uint8_t *ring;
    size_t capacity; /* bytes, a multiple of 8 */
    size_t first, used;
    size_t count;
} NetQueue;

struct NetBackend {
    const NetClass *cls;
    char *id;
    GMainContext *context; /* referenced */
    GMutex lock;           /* guards tx and the three flags below it */
    NetQueue tx;
    bool starved;          /* net_send was refused: `writable` is owed */
    bool wanted;           /* net_accept was called */
    bool scheduled;        /* the pump is to run */
    bool blocked;          /* the class took no frame: net_writable goes on */
    NetQueue rx;           /* main loop only */
    GSource *pump;
    NetUser user;
    NetStats stats;
    GPtrArray *dumps;      /* of NetDump, borrowed */
    bool up;
};

/* Fills a zeroed backend. */
void net_init(NetBackend *n, const NetClass *cls, const char *id, GMainContext *context);
/* A frame for the guest. */
void net_deliver(NetBackend *n, const void *frame, size_t size);
/* The class takes frames again after `send` said no. */
void net_writable(NetBackend *n);
void net_set_link(NetBackend *n, bool up);

#endif
