/* SPDX-License-Identifier: MIT */
/*
 * offload.c - TCP checksums, cutting of long segments, joining of short ones.
 * Spec: RFC 1071 (checksum), 791, 8200, 9293; IEEE 802.1Q for tags.
 * Missing: UDP segments, IPv4 options when joining.
 */
#include "host/net/offload.h"

#include <glib.h>
#include <string.h>

enum {
    ETHERNET = 14, TYPE_AT = 12, TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8,
    IP4_SIZE = 20, IP6_SIZE = 40, TCP_SIZE = 20, PROTO_TCP = 6, IP_LONGEST = 65535, IP4_FRAGMENT = 0x3fff,
    TCP_SEQ = 4, TCP_ACK = 8, TCP_FLAGS = 13, TCP_WINDOW = 14, TCP_CHECKSUM = 16, IP4_LENGTH = 2, IP4_ID = 4, IP4_CHECKSUM = 10,
    IP6_LENGTH = 4, FIN = 1, PSH = 8, ACK = 0x10, CWR = 0x80,
};

static uint16_t get16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}
static uint32_t get32(const uint8_t *p) {
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}
static void put16(uint8_t *p, unsigned value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}
static void put32(uint8_t *p, uint32_t value) {
    put16(p, value >> 16);
    put16(p + 2, value);
}

/* -- checksums. Sums do not depend on the byte order as long as it is always the same -- */

static uint16_t fold(uint64_t sum) {
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

uint16_t net_sum(uint16_t start, const void *data, size_t size) {
    const uint8_t *p = data;
    uint64_t sum = start;
    for (; size >= 4; p += 4, size -= 4) { /* 2^32 words at most: no carry is lost */
        uint32_t word;
        memcpy(&word, p, 4);
        sum += word;
    }
    uint8_t rest[4] = { 0 };
    memcpy(rest, p, size);
    uint32_t word;
    memcpy(&word, rest, 4);
    return fold(sum + word);
}

static void store_sum(uint8_t *at, uint16_t sum) {
    memcpy(at, &sum, 2);
}

bool net_fill_checksum(uint8_t *frame, size_t size, unsigned start, unsigned offset) {
    if (start > size || offset > size - start || size - start - offset < 2) {
        return false;
    }
    uint16_t sum = (uint16_t)~net_sum(0, frame + start, size - start);
    store_sum(frame + start + offset, sum ? sum : 0xffff); /* 0 would say "none" to UDP */
    return true;
}

/* -- finding -- */

/* The TCP header behind IPv6 extension headers; *l4 is behind the fixed header. */
static bool skip_extensions(const uint8_t *frame, size_t size, uint8_t next, unsigned *l4) {
    enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60 };
    while (next == HOP_BY_HOP || next == ROUTING || next == DESTINATION) {
        if (size < *l4 + 8) {
            return false;
        }
        next = frame[*l4];
        *l4 += 8 + 8u * frame[*l4 + 1];
    }
    return next == PROTO_TCP;
}

bool net_find_tcp(const uint8_t *frame, size_t size, bool long_ok, NetTcp *t) {
    unsigned l3 = TYPE_AT;
    while (size >= l3 + 6 && (get16(frame + l3) == TYPE_VLAN || get16(frame + l3) == TYPE_QINQ)) {
        l3 += 4;
    }
    if (size < l3 + 2) {
        return false;
    }
    unsigned type = get16(frame + l3), length;
    const uint8_t *ip = frame + (l3 += 2);
    size_t left = size - l3;
    *t = (NetTcp){ .v6 = type == TYPE_IPV6, .l3 = l3 };
    if (type == TYPE_IPV4 && left >= IP4_SIZE && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5) {
        t->l4 = l3 + 4u * (ip[0] & 15);
        length = get16(ip + IP4_LENGTH);
        if (ip[9] != PROTO_TCP || (get16(ip + 6) & IP4_FRAGMENT)) {
            return false;
        }
    } else if (type == TYPE_IPV6 && left >= IP6_SIZE && ip[0] >> 4 == 6) {
        t->l4 = l3 + IP6_SIZE;
        length = IP6_SIZE + get16(ip + IP6_LENGTH);
        if (!skip_extensions(frame, size, ip[6], &t->l4)) {
            return false;
        }
    } else {
        return false;
    }
    if ((!long_ok && length > left) || size < t->l4 + TCP_SIZE) {
        return false;
    }
    t->payload = t->l4 + 4u * (frame[t->l4 + 12] >> 4);
    t->end = long_ok ? (unsigned)size : l3 + length;
    return t->payload >= t->l4 + TCP_SIZE && t->payload <= t->end;
}

/* -- headers of a changed packet -- */

/* IP's length and checksum for a packet that ends at `end`. */
static void set_length(uint8_t *frame, const NetTcp *t, unsigned end) {
    uint8_t *ip = frame + t->l3;
    if (t->v6) {
        put16(ip + IP6_LENGTH, end - t->l3 - IP6_SIZE);
        return;
    }
    put16(ip + IP4_LENGTH, end - t->l3);
    put16(ip + IP4_CHECKSUM, 0);
    store_sum(ip + IP4_CHECKSUM, (uint16_t)~net_sum(0, ip, t->l4 - t->l3));
}

static uint16_t pseudo_sum(const uint8_t *frame, const NetTcp *t, unsigned end) {
    uint8_t tail[8] = { [7] = PROTO_TCP };
    put32(tail, end - t->l4);
    return net_sum(net_sum(0, tail, sizeof tail), frame + t->l3 + (t->v6 ? 8 : 12), t->v6 ? 32 : 8);
}

static void set_checksum(uint8_t *frame, const NetTcp *t, unsigned end) {
    store_sum(frame + t->l4 + TCP_CHECKSUM, pseudo_sum(frame, t, end));
    net_fill_checksum(frame, end, t->l4, TCP_CHECKSUM);
}

bool net_make_whole(uint8_t *frame, size_t size) {
    NetTcp t;
    if (!net_find_tcp(frame, size, true, &t) || size - t.l3 > IP_LONGEST) {
        return false;
    }
    set_length(frame, &t, t.end);
    set_checksum(frame, &t, t.end);
    return true;
}

/* -- cutting -- */

bool net_cut(const uint8_t *frame, size_t size, unsigned mss, uint8_t *room,
             bool (*emit)(void *opaque, const uint8_t *frame, size_t size), void *opaque) {
    NetTcp t;
    if (!mss || !net_find_tcp(frame, size, true, &t)) {
        return false;
    }
    uint32_t seq = get32(frame + t.l4 + TCP_SEQ);
    uint16_t id = get16(frame + t.l3 + IP4_ID);
    uint8_t flags = frame[t.l4 + TCP_FLAGS];
    unsigned at = t.payload;
    memcpy(room, frame, t.payload);
    do {
        unsigned n = MIN(mss, t.end - at);
        bool first = at == t.payload, last = at + n == t.end;
        memcpy(room + t.payload, frame + at, n);
        put32(room + t.l4 + TCP_SEQ, seq + (at - t.payload));
        room[t.l4 + TCP_FLAGS] = (uint8_t)(flags & ~((first ? 0 : CWR) | (last ? 0 : FIN | PSH)));
        if (!t.v6) {
            put16(room + t.l3 + IP4_ID, id++);
        }
        set_length(room, &t, t.payload + n);
        set_checksum(room, &t, t.payload + n);
        if (!emit(opaque, room, t.payload + n)) {
            break;
        }
        at += n;
    } while (at < t.end);
    return true;
}

/* -- joining -- */

/* A segment that carries data and says nothing special. */
static bool joinable(const uint8_t *frame, size_t size, NetTcp *t) {
    return net_find_tcp(frame, size, false, t) && t->end > t->payload && (t->v6 ? t->l4 - t->l3 == IP6_SIZE
           : t->l4 - t->l3 == IP4_SIZE) && (frame[t->l4 + TCP_FLAGS] & ~PSH) == ACK;
}

bool net_join_first(NetJoin *j, const uint8_t *frame, size_t size) {
    if (!joinable(frame, size, &j->tcp) || j->tcp.end > j->capacity) {
        return false;
    }
    memcpy(j->frame, frame, j->tcp.end);
    j->size = j->tcp.end;
    j->count = 1;
    j->mss = j->tcp.end - j->tcp.payload;
    j->closed = frame[j->tcp.l4 + TCP_FLAGS] & PSH;
    return true;
}

/* Are the headers alike, but for what counts up? a: the joined one. */
static bool same_stream(const NetJoin *j, const uint8_t *b, const NetTcp *bt) {
    const uint8_t *a = j->frame;
    const NetTcp *t = &j->tcp;
    if (t->l3 != bt->l3 || t->v6 != bt->v6 || t->l4 != bt->l4 || t->payload != bt->payload || memcmp(a, b, t->l3) != 0) {
        return false;
    }
    const uint8_t *ia = a + t->l3, *ib = b + t->l3, *ta = a + t->l4, *tb = b + t->l4;
    bool ip = t->v6 ? memcmp(ia, ib, IP6_LENGTH) == 0 && memcmp(ia + 6, ib + 6, IP6_SIZE - 6) == 0
                    : memcmp(ia, ib, IP4_LENGTH) == 0 && memcmp(ia + 6, ib + 6, 4) == 0 && memcmp(ia + 12, ib + 12, 8) == 0;
    return ip && memcmp(ta, tb, TCP_SEQ) == 0 && memcmp(ta + TCP_ACK, tb + TCP_ACK, 5) == 0 &&
           memcmp(ta + TCP_SIZE, tb + TCP_SIZE, t->payload - t->l4 - TCP_SIZE) == 0;
}

bool net_join_next(NetJoin *j, const uint8_t *frame, size_t size) {
    NetTcp t;
    if (j->closed || !joinable(frame, size, &t) || !same_stream(j, frame, &t)) {
        return false;
    }
    unsigned n = t.end - t.payload;
    uint32_t next = get32(j->frame + j->tcp.l4 + TCP_SEQ) + (uint32_t)(j->size - j->tcp.payload);
    if (n > j->mss || get32(frame + t.l4 + TCP_SEQ) != next || j->size + n > j->capacity ||
        j->size + n - j->tcp.l3 > IP_LONGEST) {
        return false;
    }
    memcpy(j->frame + j->size, frame + t.payload, n);
    j->size += n;
    j->count++;
    memcpy(j->frame + j->tcp.l4 + TCP_WINDOW, frame + t.l4 + TCP_WINDOW, 2);
    j->frame[j->tcp.l4 + TCP_FLAGS] |= frame[t.l4 + TCP_FLAGS];
    j->closed = n < j->mss || frame[t.l4 + TCP_FLAGS] & PSH;
    return true;
}

void net_join_finish(NetJoin *j) {
    j->tcp.end = (unsigned)j->size;
    set_length(j->frame, &j->tcp, j->tcp.end);
    store_sum(j->frame + j->tcp.l4 + TCP_CHECKSUM, pseudo_sum(j->frame, &j->tcp, j->tcp.end));
}
