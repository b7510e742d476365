/* SPDX-License-Identifier: MIT */
/*
 * virtio_net.c - the virtio network card: one pair of queues and a control queue, over a NetBackend.
 *
 * The guest's frames leave in the thread that notifies; frames for it come from the main loop, which leaves them with the
 * backend while the guest has no buffers. Checksums and long segments are served here, so that a backend sees plain frames.
 * Spec: VIRTIO 1.2, 5.1. Locking: the device's lock.
 * Missing: several queue pairs, RSS, UDP segments, UFO.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/virtio.h"
#include "host/net/offload.h"

enum { RX, TX, CTRL, QUEUES };
enum { MACS = 64, VLANS = 4096, CHAINS = 64 /* of one frame */, MAC_SIZE = 6, ROUND = 64 /* frames delivered at a time */ };

enum {
    F_CSUM = 0, F_GUEST_CSUM = 1, F_CTRL_GUEST_OFFLOADS = 2, F_MTU = 3, F_MAC = 5, F_GUEST_TSO4 = 7, F_GUEST_TSO6 = 8,
    F_GUEST_ECN = 9, F_HOST_TSO4 = 11, F_HOST_TSO6 = 12, F_HOST_ECN = 13, F_MRG_RXBUF = 15, F_STATUS = 16, F_CTRL_VQ = 17,
    F_CTRL_RX = 18, F_CTRL_VLAN = 19, F_CTRL_RX_EXTRA = 20, F_GUEST_ANNOUNCE = 21, F_CTRL_MAC_ADDR = 23,
};
#define F(name) VIRTIO_F(F_##name)
/* Those that CTRL_GUEST_OFFLOADS can switch off. */
#define GUEST_OFFLOADS (F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN))

/* The header in front of a frame; the last field is not there for old drivers without MRG_RXBUF. */
typedef struct Header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
} Header;
enum { NEEDS_CSUM = 1, DATA_VALID = 2, GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80, TCP_CHECKSUM = 16 };

/* Configuration space. */
enum { CFG_STATUS = 6, CFG_PAIRS = 8, CFG_MTU = 10, CFG_SIZE = 12, LINK_UP = 1, ANNOUNCE = 2 };

/* What the driver wants to hear, by command of class RX. */
enum { PROMISC = 1 << 0, ALLMULTI = 1 << 1, ALLUNI = 1 << 2, NOMULTI = 1 << 3, NOUNI = 1 << 4, NOBCAST = 1 << 5 };

typedef struct MacList {
    uint32_t count;
    uint32_t overflow; /* more than fit: everything is let through */
    uint8_t mac[MACS][MAC_SIZE];
} MacList;

typedef struct VirtioNet {
    VirtioDevice v;
    NetBackend *backend;       /* borrowed; NULL: no cable */
    uint8_t *frame, *room;     /* NET_FRAME_MAX bytes each */
    uint8_t first_mac[MAC_SIZE];
    uint8_t standing;          /* CPUs stand still: guest memory stays as it is */
    uint8_t host_reserved;
    uint32_t host_reserved2;
    uint32_t mode;
    uint64_t offloads;         /* guest's, switched on */
    MacList uni, multi;
    uint8_t config[CFG_SIZE];
    uint8_t vlans[VLANS / 8];
    uint32_t reserved;
} VirtioNet;

static VirtioNet *net_of(void *opaque) {
    return opaque;
}

static unsigned header_size(const VirtioNet *s) {
    return s->v.features & (VIRTIO_F_VERSION_1 | F(MRG_RXBUF)) ? sizeof(Header) : sizeof(Header) - 2;
}

static void put16(uint8_t *p, unsigned value) {
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

/* -- transmitting -- */

static bool emit(void *opaque, const uint8_t *frame, size_t size) {
    return net_send(opaque, frame, size);
}

/* A segment longer than a frame: whole where the backend takes that, else cut. False: the guest's mistake. */
static bool send_long(VirtioNet *s, const Header *h, size_t size) {
    unsigned type = h->gso_type & ~GSO_ECN;
    bool known = (type == GSO_TCPV4 && virtio_has(&s->v, F(HOST_TSO4))) || (type == GSO_TCPV6 && virtio_has(&s->v, F(HOST_TSO6)));
    if (!known || !(h->flags & NEEDS_CSUM)) {
        return false;
    }
    if (net_takes_large(s->backend) && net_make_whole(s->frame, size)) {
        net_send(s->backend, s->frame, size);
        return true;
    }
    return net_cut(s->frame, size, GUINT16_FROM_LE(h->gso_size), s->room, emit, s->backend);
}

static void send_chain(VirtioNet *s, const VirtioChain *chain) {
    Header h = { 0 };
    unsigned head = header_size(s);
    size_t size = chain->read_size - MIN(chain->read_size, head);
    if (size < NET_HEADER || size > NET_FRAME_MAX) {
        device_log(&s->v.d, LOG_GUEST_ERROR, "%s: a frame of %zu bytes to send: lost", s->v.d.name, size);
        return;
    }
    if (!s->backend || virtio_chain_read(&s->v, chain, 0, &h, head) != head ||
        virtio_chain_read(&s->v, chain, head, s->frame, size) != size) {
        return;
    }
    bool ok = true;
    if (h.gso_type != GSO_NONE) {
        ok = send_long(s, &h, size);
    } else {
        ok = !(h.flags & NEEDS_CSUM) || net_fill_checksum(s->frame, size, GUINT16_FROM_LE(h.csum_start),
                                                          GUINT16_FROM_LE(h.csum_offset));
        if (ok) {
            net_send(s->backend, s->frame, size);
        }
    }
    if (!ok) {
        device_log(&s->v.d, LOG_GUEST_ERROR, "%s: a frame of %zu bytes with flags 0x%x and GSO type 0x%x makes no sense: lost",
                   s->v.d.name, size, h.flags, h.gso_type);
    }
}

static void transmit(VirtioNet *s) {
    bool any = false;
    while (!s->standing && (!s->backend || net_room(s->backend))) {
        VirtioChain *chain = virtio_queue_pop(&s->v, TX);
        if (!chain) {
            break;
        }
        send_chain(s, chain);
        virtio_queue_push(&s->v, chain, 0);
        any = true;
    }
    if (any) {
        virtio_queue_notify(&s->v, TX);
    }
}

/* -- what the driver wants to hear -- */

static bool listed(const MacList *list, const uint8_t *mac) {
    for (unsigned i = 0; i < list->count; i++) {
        if (memcmp(list->mac[i], mac, MAC_SIZE) == 0) {
            return true;
        }
    }
    return list->overflow;
}

static bool wanted(const VirtioNet *s, const uint8_t *frame, size_t size) {
    static const uint8_t broadcast[MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    if (virtio_has(&s->v, F(CTRL_VLAN)) && size >= 18 && frame[12] == 0x81 && frame[13] == 0x00) {
        unsigned vlan = (frame[14] << 8 | frame[15]) % VLANS;
        if (!(s->vlans[vlan / 8] >> vlan % 8 & 1)) {
            return false;
        }
    }
    if (s->mode & PROMISC) {
        return true;
    }
    if (memcmp(frame, broadcast, MAC_SIZE) == 0) {
        return !(s->mode & NOBCAST);
    }
    if (frame[0] & 1) {
        return !(s->mode & NOMULTI) && (s->mode & ALLMULTI || listed(&s->multi, frame));
    }
    return !(s->mode & NOUNI) && (s->mode & ALLUNI || memcmp(frame, s->config, MAC_SIZE) == 0 || listed(&s->uni, frame));
}

/* -- receiving -- */

static const uint8_t *next_wanted(VirtioNet *s, size_t *size) {
    const uint8_t *frame;
    while ((frame = net_peek(s->backend, size)) && !wanted(s, frame, *size)) {
        net_next(s->backend);
    }
    return frame;
}

/* Buffers of the guest, for one frame. */
typedef struct Buffers {
    VirtioChain *chains[CHAINS];
    unsigned count;
    uint64_t size;
} Buffers;

static void give_back(VirtioNet *s, Buffers *b, unsigned keep) {
    for (; b->count > keep; b->count--) {
        b->size -= b->chains[b->count - 1]->write_size;
        virtio_queue_unpop(&s->v, b->chains[b->count - 1]);
    }
}

/* Takes buffers for `most` bytes, or as many as there are. Several chains only where the driver agreed to that. */
static void take_buffers(VirtioNet *s, Buffers *b, size_t most) {
    unsigned limit = virtio_has(&s->v, F(MRG_RXBUF)) ? CHAINS : 1;
    b->count = 0;
    b->size = 0;
    while (b->size < most && b->count < limit && (b->chains[b->count] = virtio_queue_pop(&s->v, RX))) {
        b->size += b->chains[b->count++]->write_size;
    }
}

/* Were there all that there can be? Then a frame that does not fit never will. */
static bool took_all(const VirtioNet *s, const Buffers *b) {
    return b->count && (b->count == CHAINS || !virtio_has(&s->v, F(MRG_RXBUF)) || b->count == s->v.queues[RX].size);
}

static void put_frame(VirtioNet *s, Buffers *b, Header *h, const uint8_t *frame, size_t size) {
    uint32_t written[CHAINS];
    size_t done = 0, head = header_size(s);
    h->num_buffers = GUINT16_TO_LE((uint16_t)b->count);
    for (unsigned i = 0; i < b->count; i++) {
        size_t skip = i ? 0 : virtio_chain_write(&s->v, b->chains[i], 0, h, head);
        if (i == 0 && skip < head) {
            virtio_fail(&s->v, "a receive buffer of %zu bytes is too short for the header", skip);
        }
        size_t n = virtio_chain_write(&s->v, b->chains[i], skip, frame + done, size - done);
        written[i] = (uint32_t)(skip + n);
        done += n;
    }
    virtio_queue_push_all(&s->v, b->chains, written, b->count);
}

/* Begins to join, if the first frame allows that. */
static bool may_join(VirtioNet *s, const uint8_t *frame, size_t size, NetJoin *j) {
    *j = (NetJoin){ .frame = s->frame, .capacity = NET_FRAME_MAX };
    return net_checked(s->backend) && s->offloads & (F(GUEST_TSO4) | F(GUEST_TSO6)) && net_join_first(j, frame, size) &&
           s->offloads & (j->tcp.v6 ? F(GUEST_TSO6) : F(GUEST_TSO4));
}

/* Takes the frames that follow the first, up to the joined one's capacity. */
static void join(VirtioNet *s, NetJoin *j, Header *h) {
    size_t size;
    const uint8_t *frame;
    for (net_next(s->backend); (frame = net_peek(s->backend, &size)) && net_join_next(j, frame, size);) {
        net_next(s->backend);
    }
    if (j->count > 1) {
        net_join_finish(j);
        *h = (Header){ .flags = NEEDS_CSUM, .gso_type = j->tcp.v6 ? GSO_TCPV6 : GSO_TCPV4,
                       .hdr_len = GUINT16_TO_LE((uint16_t)j->tcp.payload), .gso_size = GUINT16_TO_LE((uint16_t)j->mss),
                       .csum_start = GUINT16_TO_LE((uint16_t)j->tcp.l4), .csum_offset = GUINT16_TO_LE(TCP_CHECKSUM) };
    }
}

/* The frame at the head of the backend's queue, and others with it. False: the guest has no room. */
static bool deliver(VirtioNet *s, const uint8_t *frame, size_t size) {
    Header h = { .flags = net_checked(s->backend) && s->offloads & F(GUEST_CSUM) ? DATA_VALID : 0 };
    size_t head = header_size(s);
    NetJoin j;
    Buffers b;
    bool joins = may_join(s, frame, size, &j);
    take_buffers(s, &b, head + (joins ? MIN(NET_FRAME_MAX, net_waiting(s->backend)) : size));
    if (b.size < head + size) {
        bool never = took_all(s, &b);
        give_back(s, &b, 0);
        if (never) {
            device_log(&s->v.d, LOG_GUEST_ERROR, "%s: a frame of %zu bytes does not fit into receive buffers: lost",
                       s->v.d.name, size);
            net_next(s->backend);
        }
        return never;
    }
    if (joins) {
        j.capacity = MIN(NET_FRAME_MAX, b.size - head);
        join(s, &j, &h);
        unsigned keep = 0;
        for (uint64_t have = 0; have < head + j.size; keep++) {
            have += b.chains[keep]->write_size;
        }
        give_back(s, &b, keep);
        put_frame(s, &b, &h, j.frame, j.size);
    } else {
        put_frame(s, &b, &h, frame, size);
        net_next(s->backend);
    }
    return true;
}

static void receive(VirtioNet *s) {
    size_t size;
    const uint8_t *frame;
    unsigned round = 0;
    if (s->standing) {
        return;
    }
    if (!virtio_running(&s->v) || !s->v.queues[RX].ready) { /* nobody listens */
        while (net_peek(s->backend, &size)) {
            net_next(s->backend);
        }
        return;
    }
    while (round < ROUND && (frame = next_wanted(s, &size)) && deliver(s, frame, size)) {
        round++;
    }
    if (round) {
        virtio_queue_notify(&s->v, RX);
    }
    if (round == ROUND) {
        net_accept(s->backend);
    }
}

/* -- what the backend says; main loop -- */

static void arrived(void *opaque) {
    device_lock(opaque);
    receive(opaque);
    device_unlock(opaque);
}

static void writable(void *opaque) {
    device_lock(opaque);
    transmit(opaque);
    device_unlock(opaque);
}

static void set_link(VirtioNet *s, bool up) {
    put16(s->config + CFG_STATUS, (s->config[CFG_STATUS] & ~LINK_UP) | (up ? LINK_UP : 0));
}

static void link_changed(void *opaque, bool up) {
    VirtioNet *s = net_of(opaque);
    device_lock(opaque);
    set_link(s, up);
    if (virtio_has(&s->v, F(STATUS))) {
        virtio_config_changed(&s->v);
    }
    device_unlock(opaque);
}

/* -- the control queue. A command is false when it makes no sense -- */

/* The command's data begin behind its two bytes; how many of them there are. */
static size_t control_data(VirtioNet *s, const VirtioChain *chain, size_t at, void *to, size_t size) {
    return virtio_chain_read(&s->v, chain, 2 + at, to, size);
}

static bool set_mode(VirtioNet *s, const VirtioChain *chain, uint8_t command) {
    uint8_t on;
    bool extra = command > 1;
    if (!virtio_has(&s->v, extra ? F(CTRL_RX_EXTRA) : F(CTRL_RX)) || command > 5 || control_data(s, chain, 0, &on, 1) != 1 ||
        on > 1) {
        return false;
    }
    s->mode = (s->mode & ~(1u << command)) | (uint32_t)on << command;
    return true;
}

/* A list of addresses at byte *at of the command's data. */
static bool read_macs(VirtioNet *s, const VirtioChain *chain, size_t *at, MacList *list) {
    uint32_t count;
    if (control_data(s, chain, *at, &count, 4) != 4) {
        return false;
    }
    count = GUINT32_FROM_LE(count);
    *at += 4;
    if (count > chain->read_size / MAC_SIZE) {
        return false;
    }
    *list = (MacList){ .count = MIN(count, MACS), .overflow = count > MACS };
    size_t size = (size_t)list->count * MAC_SIZE;
    if (control_data(s, chain, *at, list->mac, size) != size) {
        return false;
    }
    *at += (size_t)count * MAC_SIZE;
    return *at <= chain->read_size - 2;
}

static bool set_macs(VirtioNet *s, const VirtioChain *chain, uint8_t command) {
    enum { TABLE = 0, ADDRESS = 1 };
    if (command == ADDRESS && virtio_has(&s->v, F(CTRL_MAC_ADDR))) {
        uint8_t mac[MAC_SIZE];
        if (control_data(s, chain, 0, mac, sizeof mac) != sizeof mac) {
            return false;
        }
        memcpy(s->config, mac, sizeof mac);
        return true;
    }
    MacList uni, multi;
    size_t at = 0;
    if (command != TABLE || !virtio_has(&s->v, F(CTRL_RX)) || !read_macs(s, chain, &at, &uni) ||
        !read_macs(s, chain, &at, &multi)) {
        return false;
    }
    s->uni = uni;
    s->multi = multi;
    return true;
}

static bool set_vlan(VirtioNet *s, const VirtioChain *chain, uint8_t command) {
    uint16_t vlan;
    if (!virtio_has(&s->v, F(CTRL_VLAN)) || command > 1 || control_data(s, chain, 0, &vlan, 2) != 2) {
        return false;
    }
    vlan = GUINT16_FROM_LE(vlan);
    if (vlan >= VLANS) {
        return false;
    }
    uint8_t bit = (uint8_t)(1 << vlan % 8);
    s->vlans[vlan / 8] = (uint8_t)(command == 0 ? s->vlans[vlan / 8] | bit : s->vlans[vlan / 8] & ~bit);
    return true;
}

static bool announced(VirtioNet *s, const VirtioChain *chain, uint8_t command) {
    s->config[CFG_STATUS] &= (uint8_t)~ANNOUNCE;
    return command == 0 && virtio_has(&s->v, F(GUEST_ANNOUNCE));
}

static bool set_offloads(VirtioNet *s, const VirtioChain *chain, uint8_t command) {
    uint64_t offloads;
    if (!virtio_has(&s->v, F(CTRL_GUEST_OFFLOADS)) || command != 0 || control_data(s, chain, 0, &offloads, 8) != 8) {
        return false;
    }
    offloads = GUINT64_FROM_LE(offloads);
    if (offloads & ~(s->v.features & GUEST_OFFLOADS)) {
        return false;
    }
    s->offloads = offloads;
    return true;
}

static void control(VirtioNet *s) {
    static bool (*const classes[])(VirtioNet *, const VirtioChain *, uint8_t) = { set_mode, set_macs, set_vlan, announced, NULL,
                                                                                  set_offloads };
    enum { ACK_OK, ACK_ERROR };
    VirtioChain *chain;
    while ((chain = virtio_queue_pop(&s->v, CTRL))) {
        uint8_t command[2] = { 0 }, ack = ACK_ERROR;
        if (virtio_chain_read(&s->v, chain, 0, command, 2) == 2 && command[0] < G_N_ELEMENTS(classes) && classes[command[0]] &&
            classes[command[0]](s, chain, command[1])) {
            ack = ACK_OK;
        } else {
            device_log(&s->v.d, LOG_GUEST_ERROR, "%s: control command %u of class %u is refused", s->v.d.name, command[1],
                       command[0]);
        }
        virtio_queue_push(&s->v, chain, (uint32_t)virtio_chain_write(&s->v, chain, 0, &ack, 1));
    }
    virtio_queue_notify(&s->v, CTRL);
}

/* -- the class -- */

static void queue(VirtioDevice *v, unsigned n) {
    VirtioNet *s = net_of(v);
    if (n == RX && s->backend) {
        net_accept(s->backend);
    } else if (n == TX) {
        transmit(s);
    } else if (n == CTRL) {
        control(s);
    }
}

/* Drivers from before version 1 set the address by writing it. */
static void config_written(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size && !virtio_has(v, VIRTIO_F_VERSION_1) && offset + i < MAC_SIZE; i++) {
        net_of(v)->config[offset + i] = (uint8_t)(value >> 8 * i);
    }
}

static void started(VirtioDevice *v) {
    net_of(v)->offloads = v->features & GUEST_OFFLOADS;
}

static const VirtioClass virtio = {
    .id = VIRTIO_ID_NET, .queue_size = 256, .queue = queue, .config_written = config_written, .started = started,
};

/* Features that can be switched off, by their place in VirtioNetConfig.no. CTRL_VQ is last: it takes others with it. */
static const uint64_t switched[VIRTIO_NET_SWITCHES] = {
    F(CSUM), F(GUEST_CSUM), F(HOST_TSO4), F(HOST_TSO6), F(GUEST_TSO4), F(GUEST_TSO6), F(MRG_RXBUF), F(STATUS), F(CTRL_RX),
    F(CTRL_VLAN), F(CTRL_MAC_ADDR), F(CTRL_GUEST_OFFLOADS), F(GUEST_ANNOUNCE), F(CTRL_VQ),
};

static uint64_t features(const VirtioNetConfig *c) {
    uint64_t f = F(MAC) | F(HOST_ECN) | F(GUEST_ECN) | F(CTRL_RX_EXTRA) | (c->mtu ? F(MTU) : 0);
    for (unsigned i = 0; i < VIRTIO_NET_SWITCHES; i++) {
        f |= c->no[i] ? 0 : switched[i];
    }
    /* What needs another feature (5.1.3.1). */
    static const struct { uint64_t needs, then; } rules[] = {
        { F(CSUM), F(HOST_TSO4) | F(HOST_TSO6) }, { F(GUEST_CSUM), F(GUEST_TSO4) | F(GUEST_TSO6) },
        { F(CTRL_VQ), F(CTRL_RX) | F(CTRL_VLAN) | F(GUEST_ANNOUNCE) | F(CTRL_MAC_ADDR) | F(CTRL_GUEST_OFFLOADS) },
        { F(CTRL_RX), F(CTRL_RX_EXTRA) },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        f &= f & rules[i].needs ? UINT64_MAX : ~rules[i].then;
    }
    f &= f & (F(HOST_TSO4) | F(HOST_TSO6)) ? UINT64_MAX : ~F(HOST_ECN);
    return f & (f & (F(GUEST_TSO4) | F(GUEST_TSO6)) ? UINT64_MAX : ~F(GUEST_ECN));
}

static bool init(Device *d, const void *config, GError **error) {
    static const VirtioNetConfig standard = { .backend = NULL };
    static const uint8_t first[MAC_SIZE] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    VirtioNet *s = (VirtioNet *)d;
    const VirtioNetConfig *c = config ? config : &standard;
    s->backend = c->backend;
    s->frame = g_malloc(NET_FRAME_MAX);
    s->room = g_malloc(NET_FRAME_MAX);
    memcpy(s->first_mac, c->mac_given ? c->mac : first, MAC_SIZE);
    virtio_init(&s->v, &virtio, &c->virtio, QUEUES - c->no[VIRTIO_NET_SWITCHES - 1], s->config, sizeof s->config);
    s->v.offered |= features(c);
    put16(s->config + CFG_PAIRS, 1);
    put16(s->config + CFG_MTU, (unsigned)c->mtu);
    if (s->backend) {
        net_set_user(s->backend, &(NetUser){ s, arrived, writable, link_changed });
    }
    return true;
}

static void finish(Device *d) {
    VirtioNet *s = (VirtioNet *)d;
    if (s->backend) {
        net_set_user(s->backend, NULL);
    }
    g_free(s->frame);
    g_free(s->room);
}

/* Until the driver says otherwise, it hears everything. */
static void reset(Device *d) {
    VirtioNet *s = (VirtioNet *)d;
    virtio_device_reset(d);
    s->mode = PROMISC;
    s->offloads = 0;
    s->uni = s->multi = (MacList){ 0 };
    memset(s->vlans, 0, sizeof s->vlans);
    memcpy(s->config, s->first_mac, MAC_SIZE);
    put16(s->config + CFG_STATUS, 0);
    set_link(s, s->backend && net_link_up(s->backend));
    if (s->backend) {
        net_accept(s->backend); /* what waits is lost */
    }
}

/* The network learns where the guest is now. */
static void restored(Device *d) {
    VirtioNet *s = (VirtioNet *)d;
    virtio_device_restored(d);
    s->uni.count = MIN(s->uni.count, MACS);
    s->multi.count = MIN(s->multi.count, MACS);
    s->offloads &= s->v.features & GUEST_OFFLOADS;
    set_link(s, s->backend && net_link_up(s->backend));
    if (virtio_has(&s->v, F(GUEST_ANNOUNCE))) {
        s->config[CFG_STATUS] |= ANNOUNCE;
    }
    virtio_config_changed(&s->v);
}

static void quiesce(Device *d) {
    device_lock(d);
    ((VirtioNet *)d)->standing = 1;
    device_unlock(d);
}

static void resumed(Device *d) {
    VirtioNet *s = (VirtioNet *)d;
    device_lock(d);
    s->standing = 0;
    transmit(s);
    device_unlock(d);
    if (s->backend) {
        net_accept(s->backend);
    }
}

static const StateField state[] = {
    VIRTIO_STATE(VirtioNet), STATE_NOT_KEPT(VirtioNet, backend), STATE_NOT_KEPT(VirtioNet, frame),
    STATE_NOT_KEPT(VirtioNet, room), STATE_NOT_KEPT(VirtioNet, first_mac), STATE_NOT_KEPT(VirtioNet, standing),
    STATE_NOT_KEPT(VirtioNet, host_reserved), STATE_NOT_KEPT(VirtioNet, host_reserved2), STATE(VirtioNet, mode),
    STATE(VirtioNet, offloads), STATE(VirtioNet, uni.count), STATE(VirtioNet, uni.overflow),
    STATE_ARRAY(VirtioNet, uni.mac, uint8_t), STATE(VirtioNet, multi.count), STATE(VirtioNet, multi.overflow),
    STATE_ARRAY(VirtioNet, multi.mac, uint8_t), STATE_ARRAY(VirtioNet, config, uint8_t),
    STATE_ARRAY(VirtioNet, vlans, uint8_t), STATE(VirtioNet, reserved),
};

#define SWITCH(i, name, help) \
    { name, help, PROP_BOOL_NOT, offsetof(VirtioNetConfig, no) + (i) * sizeof(bool), .standard = "on" }
static const DeviceProp props[] = {
    { "netdev", "the network that it is connected to (-netdev)", PROP_BACKEND, offsetof(VirtioNetConfig, backend),
      .backend = "netdev" },
    { "mac", "its address (default: 52:54:00:12:34:56, and the next ones)", PROP_MAC, offsetof(VirtioNetConfig, mac) },
    { "host_mtu", "tell the guest to use this MTU; 0: none is told", PROP_NUMBER, offsetof(VirtioNetConfig, mtu), 0, 65535,
      .standard = "0" },
    SWITCH(0, "csum", "complete checksums for the guest"),
    SWITCH(1, "guest_csum", "the guest need not check checksums"),
    SWITCH(2, "host_tso4", "cut the guest's long TCP segments, IPv4"),
    SWITCH(3, "host_tso6", "... and IPv6"),
    SWITCH(4, "guest_tso4", "join TCP segments for the guest, IPv4"),
    SWITCH(5, "guest_tso6", "... and IPv6"),
    SWITCH(6, "mrg_rxbuf", "a frame may take several receive buffers"),
    SWITCH(7, "status", "tell whether the link is up"),
    SWITCH(8, "ctrl_rx", "the guest can say what it wants to hear"),
    SWITCH(9, "ctrl_vlan", "the guest can say which VLANs it wants to hear"),
    SWITCH(10, "ctrl_mac_addr", "the guest can change its address"),
    SWITCH(11, "ctrl_guest_offloads", "the guest can switch guest_csum and guest_tso while it runs"),
    SWITCH(12, "guest_announce", "ask the guest to say where it is after a state is loaded"),
    SWITCH(13, "ctrl_vq", "the queue for commands"),
    VIRTIO_PROPS(VirtioNetConfig),
    { NULL },
};

const DeviceClass device_virtio_net = {
    .name = "virtio-net-device",
    .summary = "virtio network card",
    VIRTIO_DEVICE(VirtioNet, VirtioNetConfig, state, props),
    .finish = finish,
    .reset = reset,
    .restored = restored,
    .quiesce = quiesce,
    .resumed = resumed,
};
