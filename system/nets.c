/* SPDX-License-Identifier: MIT */
/*
 * nets.c - what -netdev and -nic describe.
 * Missing: tap, hubs, descriptors that are already open.
 */
#include <string.h>

#include "host/net/net.h"
#include "system/backend_types.h"

static void close_net(void *object) {
    net_free(object);
}

static bool made_net(const KeyList *list, NetBackend *n, const GError *why, Made *made, GError **error) {
    made->info.object = n;
    made->close = close_net;
    return n || backend_error(list, why, error);
}

/* -- user -- */

static const BackendKey user_keys[] = {
    { "net", "ADDRESS/BITS: the network (default: 10.0.2.0/24)" },
    { "host", "ADDRESS: of the host in it (default: the 2nd)" },
    { "dns", "ADDRESS: of the name server (default: the 3rd)" },
    { "dhcpstart", "ADDRESS: the first that DHCP gives (default: the 15th)" },
    { "hostname", "TEXT: the guest's name, told by DHCP" },
    { "domainname", "TEXT: its domain, told by DHCP" },
    { "hostfwd", "tcp|udp:[ADDRESS]:PORT-[ADDRESS]:PORT: a port of the host that leads to the guest; may be repeated" },
    { "restrict", "on|off: no way out but forwarded ports" },
    { "tftp", "DIRECTORY: served to the guest, read-only" },
    { "bootfile", "TEXT: the file that DHCP names" },
    { "ipv4", "on|off" },
    { "ipv6", "on|off (default: off)" },
    { NULL },
};

static bool make_user(Backends *b, const KeyList *list, Made *made, GError **error) {
    NetUserConfig c = {
        .ipv4 = true, .net = keylist_get(list, "net"), .host = keylist_get(list, "host"), .dns = keylist_get(list, "dns"),
        .dhcpstart = keylist_get(list, "dhcpstart"), .hostname = keylist_get(list, "hostname"),
        .domainname = keylist_get(list, "domainname"), .tftp = keylist_get(list, "tftp"),
        .bootfile = keylist_get(list, "bootfile"),
    };
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    const char *rule;
    for (unsigned i = 0; (rule = keylist_get_nth(list, "hostfwd", i)); i++) {
        g_ptr_array_add(rules, (gpointer)rule);
    }
    g_ptr_array_add(rules, NULL);
    c.hostfwd = (const char *const *)rules->pdata;
    if (!backend_flag(list, "ipv4", &c.ipv4, error) || !backend_flag(list, "ipv6", &c.ipv6, error) ||
        !backend_flag(list, "restrict", &c.restricted, error)) {
        return false;
    }
    g_autoptr(GError) why = NULL;
    NetBackend *n = net_user_open(made->info.id, &c, NULL, &why);
    return made_net(list, n, why, made, error);
}

/* -- sockets -- */

static bool open_socket(const KeyList *list, const NetSocketConfig *c, Made *made, GError **error) {
    g_autoptr(GError) why = NULL;
    NetBackend *n = net_socket_open(made->info.id, c, NULL, &why);
    return made_net(list, n, why, made, error);
}

static const BackendKey socket_keys[] = {
    { "listen", "[ADDRESS]:PORT: wait for a peer's TCP connection" },
    { "connect", "[ADDRESS]:PORT: connect to one that waits" },
    { "mcast", "ADDRESS:PORT: a multicast group, as a hub for many" },
    { "udp", "[ADDRESS]:PORT: a peer's UDP port; localaddr is ours" },
    { "localaddr", "[ADDRESS]:PORT: ours, for udp; the interface's ADDRESS, for mcast" },
    { NULL },
};

static bool make_socket(Backends *b, const KeyList *list, Made *made, GError **error) {
    static const char *const ways[] = { "listen", "connect", "mcast", "udp", NULL };
    const char *value = NULL, *way = NULL, *local = keylist_get(list, "localaddr");
    for (unsigned i = 0; ways[i]; i++) {
        const char *given = keylist_get(list, ways[i]);
        if (given && way) {
            return usage(error, "%s: '%s' and '%s' cannot both be given", list->option, way, ways[i]);
        }
        way = given ? ways[i] : way;
        value = given ? given : value;
    }
    if (!way) {
        return usage(error, "%s: type socket takes one of listen, connect, mcast and udp", list->option);
    }
    bool datagram = way == ways[2] || way == ways[3];
    if ((local && !datagram) || (!local && way == ways[3])) {
        return usage(error, local ? "%s: 'localaddr' does not go with '%s'" : "%s: localaddr is missing: '%s' needs it",
                     list->option, way);
    }
    g_autofree char *interface = local && way == ways[2] && !strchr(local, ':') ? g_strconcat(local, ":0", NULL) : NULL;
    NetSocketConfig c = { datagram ? NET_SOCKET_DATAGRAM : way == ways[0] ? NET_SOCKET_LISTEN : NET_SOCKET_CONNECT,
                          way == ways[0] ? value : interface ? interface : local, way == ways[0] ? NULL : value, 0 };
    return open_socket(list, &c, made, error);
}

/* The place that PREFIX.type and its companions describe, as host/net/net.h wants it; NULL without an error: none is given.
 * Caller frees. */
static char *place_of(const KeyList *list, const char *prefix, GError **error) {
    static const char *const types[] = { "inet", "unix", NULL };
    static const char *const parts[] = { "type", "host", "port", "path", NULL };
    const char *part[4];
    char keys[4][32];
    for (unsigned i = 0; parts[i]; i++) {
        g_snprintf(keys[i], sizeof keys[i], "%s.%s", prefix, parts[i]);
        part[i] = keylist_get(list, keys[i]);
    }
    if (!part[0]) {
        if (part[1] || part[2] || part[3]) {
            usage(error, "%s: %s is missing: it is inet or unix", list->option, keys[0]);
        }
        return NULL;
    }
    int type = backend_word(list, keys[0], types, 0, error);
    if (type == 1 && (!part[3] || part[1] || part[2])) {
        usage(error, "%s: a unix place takes %s=PATH alone", list->option, keys[3]);
    } else if (type == 0 && (!part[2] || part[3])) {
        usage(error, "%s: an inet place takes %s=ADDRESS and %s=PORT", list->option, keys[1], keys[2]);
    } else if (type >= 0) {
        return type ? g_strconcat("unix:", part[3], NULL) : g_strdup_printf("%s:%s", part[1] ? part[1] : "", part[2]);
    }
    return NULL;
}

static const BackendKey stream_keys[] = {
    { "server", "on|off: wait for the peer (default: off, connect to it)" },
    { "reconnect", "SECONDS: try again whenever the peer is not there" },
    { "addr.type", "inet|unix" },
    { "addr.host", "ADDRESS" },
    { "addr.port", "PORT" },
    { "addr.path", "PATH" },
    { NULL },
};

static bool make_stream(Backends *b, const KeyList *list, Made *made, GError **error) {
    bool server = false;
    uint64_t reconnect = 0;
    g_autoptr(GError) why = NULL;
    g_autofree char *place = place_of(list, "addr", &why);
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (!place) {
        return usage(error, "%s: addr.type is missing: it is inet or unix", list->option);
    }
    if (!backend_flag(list, "server", &server, error) || !backend_number(list, "reconnect", 0, 86400, &reconnect, error)) {
        return false;
    }
    if (server && reconnect) {
        return usage(error, "%s: reconnect is for the side that connects; a server waits anyway", list->option);
    }
    return open_socket(list, &(NetSocketConfig){ server ? NET_SOCKET_LISTEN : NET_SOCKET_CONNECT, server ? place : NULL,
                                                 server ? NULL : place, (unsigned)reconnect }, made, error);
}

static const BackendKey dgram_keys[] = {
    { "local.type", "inet|unix" }, { "local.host", "ADDRESS" }, { "local.port", "PORT" }, { "local.path", "PATH" },
    { "remote.type", "inet|unix" }, { "remote.host", "ADDRESS: the peer, or a multicast group" }, { "remote.port", "PORT" },
    { "remote.path", "PATH" }, { NULL },
};

static bool make_dgram(Backends *b, const KeyList *list, Made *made, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autofree char *local = place_of(list, "local", &why), *remote = why ? NULL : place_of(list, "remote", &why);
    if (why) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    if (!remote) {
        return usage(error, "%s: remote.type is missing: it is inet or unix", list->option);
    }
    return open_socket(list, &(NetSocketConfig){ NET_SOCKET_DATAGRAM, local, remote, 0 }, made, error);
}

static const BackendKey null_keys[] = { { NULL } };

static bool make_null(Backends *b, const KeyList *list, Made *made, GError **error) {
    return made_net(list, net_null_open(made->info.id, NULL), NULL, made, error);
}

const BackendType netdev_types[] = {
    { "user", "the host's network, through a router in this process; needs no rights", user_keys, make_user },
    { "socket", "a TCP or UDP socket to another machine", socket_keys, make_socket },
    { "stream", "a TCP or Unix stream to another machine", stream_keys, make_stream },
    { "dgram", "datagrams to another machine, or to a group", dgram_keys, make_dgram },
    { "null", "nothing: takes every frame and gives none", null_keys, make_null },
    { NULL },
};

/* -- cards -- */

bool nets_make(Backends *b, const KeyList *list, Made *made, GError **error) {
    static const char *const of_nic[] = { "model", "mac", NULL };
    bool nic = strcmp(list->option, "-nic") == 0;
    const BackendType *type = backend_type_find(netdev_types, list, "type", nic ? of_nic : NULL, error);
    if (!type || !type->make(b, list, made, error) || !nic) {
        return type && made->info.object;
    }
    const char *model = keylist_get(list, "model"), *mac = keylist_get(list, "mac");
    g_autofree char *text = g_strdup_printf("%s,netdev=%s%s%s", model ? model : "virtio-net", made->info.id,
                                            mac ? ",mac=" : "", mac ? mac : "");
    KeyList *device = keylist_parse("-nic", "driver", text, error);
    if (device) {
        g_ptr_array_add(b->devices, device);
    }
    return device != NULL;
}

static bool has_address(const KeyList *device, bool *card) {
    const char *driver = keylist_get(device, "driver");
    const DeviceClass *cls = driver ? plug_class_find(driver, NULL) : NULL;
    *card = false;
    cls = cls && cls->behind ? cls->behind : cls;
    for (const DeviceProp *p = cls ? cls->props : NULL; p && p->name; p++) {
        *card |= p->kind == PROP_MAC;
    }
    return keylist_get(device, "mac") != NULL;
}

static bool address_taken(const Backends *b, const char *mac) {
    for (unsigned i = 0; i < b->devices->len; i++) {
        const char *other = keylist_get(g_ptr_array_index(b->devices, i), "mac");
        if (other && g_ascii_strcasecmp(other, mac) == 0) {
            return true;
        }
    }
    return false;
}

void nets_number_cards(Backends *b) {
    uint32_t next = 0x123456;
    for (unsigned i = 0; i < b->devices->len; i++) {
        KeyList *device = g_ptr_array_index(b->devices, i);
        bool card;
        if (!has_address(device, &card) && card) {
            char mac[18];
            do {
                g_snprintf(mac, sizeof mac, "52:54:00:%02x:%02x:%02x", next >> 16 & 0xff, next >> 8 & 0xff, next & 0xff);
                next++;
            } while (address_taken(b, mac));
            keylist_add(device, "mac", mac);
        }
    }
}
