/* SPDX-License-Identifier: MIT */
/*
 * pcap.c - frames written to a capture file, little-endian whatever the host is.
 * Spec: draft-ietf-opsawg-pcap, sections 4 and 5.
 */
#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "host/net/net.h"

enum { PCAP_MAGIC = 0xa1b2c3d4 /* microseconds */, LINKTYPE_ETHERNET = 1 };

struct NetDump {
    FILE *out;
    char *path;
    size_t max_bytes;
    bool failed;
    bool dirty; /* written since the last flush */
};

static uint8_t *put32(uint8_t *p, uint32_t value) {
    value = GUINT32_TO_LE(value);
    memcpy(p, &value, 4);
    return p + 4;
}

/* A full disk is told once; the guest goes on. */
static void check(NetDump *d, bool ok) {
    if (!ok && !d->failed) {
        d->failed = true;
        fprintf(stderr, "yado: the packet capture '%s' ends here: %s\n", d->path, g_strerror(errno));
    }
}

NetDump *net_dump_open(const char *path, size_t max_bytes, GError **error) {
    FILE *out = fopen(path, "wbe");
    if (!out) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "the packet capture '%s' cannot be written: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    NetDump *d = g_new0(NetDump, 1);
    *d = (NetDump){ .out = out, .path = g_strdup(path), .max_bytes = max_bytes };
    uint8_t head[24], *p = head;
    p = put32(p, PCAP_MAGIC);
    p = put32(p, 2 | 4 << 16); /* version 2.4 */
    p = put32(p, 0);
    p = put32(p, 0);
    p = put32(p, (uint32_t)max_bytes);
    put32(p, LINKTYPE_ETHERNET);
    check(d, fwrite(head, sizeof head, 1, out) == 1 && fflush(out) == 0);
    return d;
}

void net_dump_frame(NetDump *d, const void *frame, size_t size, int64_t time) {
    if (d->failed) {
        return;
    }
    uint8_t head[16], *p = head;
    size_t kept = MIN(size, d->max_bytes);
    p = put32(p, (uint32_t)(time / 1000000));
    p = put32(p, (uint32_t)(time % 1000000));
    p = put32(p, (uint32_t)kept);
    put32(p, (uint32_t)size);
    check(d, fwrite(head, sizeof head, 1, d->out) == 1 && fwrite(frame, 1, kept, d->out) == kept);
    d->dirty = true;
}

void net_dump_flush(NetDump *d) {
    if (d->dirty) {
        d->dirty = false;
        check(d, fflush(d->out) == 0);
    }
}

void net_dump_close(NetDump *d) {
    if (d) {
        check(d, fclose(d->out) == 0);
        g_free(d->path);
        g_free(d);
    }
}
