/* SPDX-License-Identifier: MIT */
/*
 * offload.h - what network cards do for a guest's TCP: checksums, cutting long segments, joining short ones.
 *
 * Everything here takes Ethernet frames that may hold anything, and looks before it reads.
 */
#ifndef HOST_NET_OFFLOAD_H
#define HOST_NET_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the parts of a TCP segment in a frame begin. */
typedef struct NetTcp {
    bool v6;
    unsigned l3, l4, payload; /* offsets: IP header, TCP header, data */
    unsigned end;             /* of the data; the frame may have padding behind it */
} NetTcp;

/* Ones' complement sum of 16-bit words as they lie in memory, added to `sum`; 16 bits. An odd last byte has a 0 behind it. */
uint16_t net_sum(uint16_t sum, const void *data, size_t size);

/* Puts the checksum of [start, end of the frame) at start + offset, whose former content counts: the pseudo header's sum.
 * False: not in the frame. */
bool net_fill_checksum(uint8_t *frame, size_t size, unsigned start, unsigned offset);

/* Finds an unfragmented TCP segment, behind VLAN tags and the usual IPv6 extension headers. long_ok: the IP header's
 * length may be anything, and the data ends with the frame. False: the frame is something else or damaged. */
bool net_find_tcp(const uint8_t *frame, size_t size, bool long_ok, NetTcp *tcp);

/* Gives a long segment the lengths and checksums of one packet. False: it is no TCP, or longer than IP can say. */
bool net_make_whole(uint8_t *frame, size_t size);

/* Cuts a long segment into frames that carry at most `mss` bytes each, in `room`, which holds a frame of size bytes. `emit`
 * returns false to stop. False: it is no TCP segment, or mss is 0. */
bool net_cut(const uint8_t *frame, size_t size, unsigned mss, uint8_t *room,
             bool (*emit)(void *opaque, const uint8_t *frame, size_t size), void *opaque);

/* Segments that follow each other on one connection, joined. Begin with count = 0. */
typedef struct NetJoin {
    uint8_t *frame;    /* room for `capacity` bytes */
    size_t capacity;
    size_t size;
    unsigned count;    /* segments in it */
    unsigned mss;      /* data of the first */
    bool closed;       /* nothing can follow */
    NetTcp tcp;
} NetJoin;
/* The first frame: copied. False: nothing can be joined to it. */
bool net_join_first(NetJoin *j, const uint8_t *frame, size_t size);
/* False: it does not belong behind the others; nothing changed. */
bool net_join_next(NetJoin *j, const uint8_t *frame, size_t size);
/* Sets lengths, and the checksum of the pseudo header alone where TCP's checksum stands. */
void net_join_finish(NetJoin *j);

#endif
