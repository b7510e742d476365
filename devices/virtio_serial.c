/* SPDX-License-Identifier: MIT */
/*
 * virtio_serial.c - the virtio console: a device with up to 31 ports, and the ports, which are devices of their own. Port 0
 * is a console (hvc0); others are consoles or named lines.
 * Spec: VIRTIO 1.2, 5.3.
 * Locking: everything, the ports too, is under the serial device's lock.
 * Missing: the console's size, taking ports away while the guest runs.
 */
#include <string.h>

#include "devices/devices.h"
#include "devices/virtio.h"

enum { PORTS = VIRTIO_SERIAL_PORTS, CTRL_RX = 2, CTRL_TX = 3, NAME_MAX_BYTES = 63, PART = 1024, INPUT = 4096 };
enum { F_SIZE = 0, F_MULTIPORT = 1, F_EMERG_WRITE = 2, CFG_PORTS = 4, CFG_EMERG = 8, CFG_SIZE = 12 };

/* Control messages (5.3.6.2). */
typedef struct Control {
    uint32_t id;
    uint16_t event, value;
} Control;
enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, CONSOLE_PORT = 4, PORT_OPEN = 6, PORT_NAME = 7, EVENTS };

typedef struct VirtioSerial VirtioSerial;

typedef struct SerialPort {
    Device d;
    Chardev *chardev;      /* borrowed; NULL: output is dropped */
    VirtioSerial *serial;  /* borrowed; NULL until it is plugged */
    uint32_t number;
    uint32_t wanted;       /* number that the user wants; 0: any */
    uint8_t console, host_open;
    char name[NAME_MAX_BYTES + 1]; /* "": none */
    uint8_t host_reserved[6];
    /* guest state */
    uint32_t guest_open;
    uint32_t untold;       /* bits of events that the driver is to be told */
    uint64_t sent;         /* bytes of the transmit queue's next chain that the host has taken */
} SerialPort;

struct VirtioSerial {
    VirtioDevice v;
    SerialPort *ports[PORTS]; /* borrowed */
    uint32_t standing;     /* CPUs stand still: guest memory stays as it is */
    uint8_t config[CFG_SIZE];
};

static unsigned rx_queue(const SerialPort *p) {
    return p->number ? 2 * p->number + 2 : 0;
}
static unsigned tx_queue(const SerialPort *p) {
    return rx_queue(p) + 1;
}

/* The port that a queue belongs to, or NULL. */
static SerialPort *port_of(const VirtioSerial *s, unsigned queue) {
    unsigned number = queue < 2 ? 0 : queue / 2 - 1;
    return queue != CTRL_RX && queue != CTRL_TX && number < PORTS ? s->ports[number] : NULL;
}

/* -- telling the driver about ports -- */

static bool tell_one(VirtioSerial *s, SerialPort *p, unsigned event) {
    VirtioChain *chain = virtio_queue_pop(&s->v, CTRL_RX);
    if (!chain) {
        return false;
    }
    uint16_t value = event == PORT_OPEN ? p->host_open : 1;
    Control message = { GUINT32_TO_LE(p->number), GUINT16_TO_LE((uint16_t)event), GUINT16_TO_LE(value) };
    size_t n = virtio_chain_write(&s->v, chain, 0, &message, sizeof message);
    if (event == PORT_NAME) {
        n += virtio_chain_write(&s->v, chain, n, p->name, strlen(p->name));
    }
    virtio_queue_push(&s->v, chain, (uint32_t)n);
    p->untold &= ~(1u << event);
    return true;
}

/* What there are no buffers for is told later. */
static void tell(VirtioSerial *s) {
    bool any = false, room = !s->standing && virtio_has(&s->v, VIRTIO_F(F_MULTIPORT));
    for (unsigned i = 0; room && i < PORTS; i++) {
        for (unsigned event = 0; room && s->ports[i] && event < EVENTS; event++) {
            if (s->ports[i]->untold >> event & 1) {
                room = tell_one(s, s->ports[i], event);
                any |= room;
            }
        }
    }
    if (any) {
        virtio_queue_notify(&s->v, CTRL_RX);
    }
}

static void accept_input(const SerialPort *p) {
    if (p->chardev) {
        chardev_accept_input(p->chardev);
    }
}

static void take_message(VirtioSerial *s, const Control *m) {
    uint32_t id = GUINT32_FROM_LE(m->id);
    uint16_t event = GUINT16_FROM_LE(m->event), value = GUINT16_FROM_LE(m->value);
    SerialPort *p = id < PORTS ? s->ports[id] : NULL;
    if (event == DEVICE_READY && value) {
        for (unsigned i = 0; i < PORTS; i++) {
            if (s->ports[i]) {
                s->ports[i]->untold = 1u << PORT_ADD;
            }
        }
    } else if (p && event == PORT_READY && value) {
        p->untold |= (p->console ? 1u << CONSOLE_PORT : 0) | (p->name[0] ? 1u << PORT_NAME : 0) | 1u << PORT_OPEN;
    } else if (p && event == PORT_OPEN) {
        p->guest_open = value != 0;
        accept_input(p);
    } else if (!p || event != PORT_READY) {
        device_log(&s->v.d, LOG_GUEST_ERROR, "%s: control message %u for port %u makes no sense", s->v.d.name, event, id);
    }
}

static void take_messages(VirtioSerial *s) {
    VirtioChain *chain;
    bool any = false;
    while ((chain = virtio_queue_pop(&s->v, CTRL_TX))) {
        Control m;
        if (virtio_chain_read(&s->v, chain, 0, &m, sizeof m) == sizeof m) {
            take_message(s, &m);
        } else {
            device_log(&s->v.d, LOG_GUEST_ERROR, "%s: a control message is too short", s->v.d.name);
        }
        virtio_queue_push(&s->v, chain, 0);
        any = true;
    }
    if (any) {
        virtio_queue_notify(&s->v, CTRL_TX);
    }
    tell(s);
}

/* -- bytes of the guest -- */

/* Hands a chain on, from p->sent on. False: the host takes no more now. */
static bool hand_on(VirtioSerial *s, SerialPort *p, const VirtioChain *chain) {
    uint8_t part[PART];
    size_t n;
    while (p->chardev && p->host_open && (n = virtio_chain_read(&s->v, chain, p->sent, part, sizeof part))) {
        size_t taken = chardev_write(p->chardev, part, n);
        p->sent += taken;
        if (taken < n) {
            return false;
        }
    }
    return true;
}

static void transmit(VirtioSerial *s, SerialPort *p) {
    VirtioChain *chain;
    bool any = false;
    while (!s->standing && (chain = virtio_queue_pop(&s->v, tx_queue(p)))) {
        if (!hand_on(s, p, chain)) {
            virtio_queue_unpop(&s->v, chain);
            break;
        }
        p->sent = 0;
        virtio_queue_push(&s->v, chain, 0);
        any = true;
    }
    if (any) {
        virtio_queue_notify(&s->v, tx_queue(p));
    }
}

/* -- bytes for the guest; main loop -- */

/* The next chain that something can be written to. */
static VirtioChain *pop_input(VirtioSerial *s, const SerialPort *p) {
    VirtioChain *chain;
    while ((chain = virtio_queue_pop(&s->v, rx_queue(p))) && !chain->write_size) {
        virtio_queue_push(&s->v, chain, 0);
    }
    return chain;
}

static size_t can_receive(void *opaque) {
    SerialPort *p = opaque;
    VirtioSerial *s = p->serial;
    size_t room = 0;
    device_lock(&s->v.d);
    VirtioChain *chain = !s->standing && (p->console || p->guest_open) ? pop_input(s, p) : NULL;
    if (chain) {
        room = MIN(chain->write_size, INPUT);
        virtio_queue_unpop(&s->v, chain);
    }
    device_unlock(&s->v.d);
    return room;
}

static void receive(void *opaque, const uint8_t *data, size_t n) {
    SerialPort *p = opaque;
    VirtioSerial *s = p->serial;
    device_lock(&s->v.d);
    VirtioChain *chain = pop_input(s, p);
    if (chain) { /* else: a reset came in between */
        virtio_queue_push(&s->v, chain, (uint32_t)virtio_chain_write(&s->v, chain, 0, data, n));
        virtio_queue_notify(&s->v, rx_queue(p));
    }
    device_unlock(&s->v.d);
}

static void set_open(SerialPort *p, bool open) {
    if (p->host_open != open) {
        p->host_open = open;
        p->untold |= p->serial->v.status & VIRTIO_DRIVER_OK ? 1u << PORT_OPEN : 0;
        tell(p->serial);
        transmit(p->serial, p);
    }
}

static void event(void *opaque, ChardevEvent e) {
    SerialPort *p = opaque;
    device_lock(&p->serial->v.d);
    if (e == CHARDEV_WRITABLE) {
        transmit(p->serial, p);
    } else if (e == CHARDEV_OPENED || e == CHARDEV_CLOSED) {
        set_open(p, e == CHARDEV_OPENED);
    }
    device_unlock(&p->serial->v.d);
}

/* -- the device -- */

static void queue(VirtioDevice *v, unsigned n) {
    VirtioSerial *s = (VirtioSerial *)v;
    SerialPort *p = port_of(s, n);
    if (n == CTRL_RX) {
        tell(s);
    } else if (n == CTRL_TX) {
        take_messages(s);
    } else if (p && n == tx_queue(p)) {
        transmit(s, p);
    } else if (p) {
        accept_input(p);
    }
}

/* A byte written where no queue is needed: the last words of a guest. */
static void config_written(VirtioDevice *v, unsigned offset, unsigned size, uint64_t value) {
    const SerialPort *p = ((VirtioSerial *)v)->ports[0];
    uint8_t byte = (uint8_t)value;
    if (offset == CFG_EMERG && p && p->chardev && p->host_open) {
        chardev_write(p->chardev, &byte, 1);
    }
}

static void forget(VirtioDevice *v) {
    for (unsigned i = 0; i < PORTS; i++) {
        SerialPort *p = ((VirtioSerial *)v)->ports[i];
        if (p) {
            p->sent = p->guest_open = p->untold = 0;
        }
    }
}

static const VirtioClass virtio = { .id = VIRTIO_ID_CONSOLE, .queue_size = 128, .queue = queue, .reset = forget,
                                    .config_written = config_written };

/* As many queues as the highest port needs. */
static void set_ports(VirtioSerial *s, uint32_t ports) {
    s->v.queue_count = 2 * ports + 2;
    s->config[CFG_PORTS] = (uint8_t)ports;
}

static bool init(Device *d, const void *config, GError **error) {
    VirtioSerial *s = (VirtioSerial *)d;
    const VirtioSerialConfig *c = config;
    virtio_init(&s->v, &virtio, c ? &c->virtio : NULL, 2 * PORTS + 2, s->config, sizeof s->config);
    s->v.offered |= VIRTIO_F(F_MULTIPORT) | VIRTIO_F(F_EMERG_WRITE);
    set_ports(s, 1);
    return true;
}

bool virtio_serial_plug(Device *serial, Device *port) {
    VirtioSerial *s = (VirtioSerial *)serial;
    SerialPort *p = (SerialPort *)port;
    uint32_t n = p->wanted ? p->wanted : !p->console;
    while (!p->wanted && n < PORTS && s->ports[n]) {
        n++;
    }
    if (n >= PORTS || s->ports[n]) {
        return false;
    }
    s->ports[n] = p;
    p->serial = s;
    p->number = n;
    set_ports(s, MAX(s->config[CFG_PORTS], n + 1));
    if (p->chardev) {
        p->host_open = chardev_is_open(p->chardev);
        chardev_set_handlers(p->chardev, can_receive, receive, event, p);
    }
    return true;
}

static void quiesce(Device *d) {
    device_lock(d);
    ((VirtioSerial *)d)->standing = 1;
    device_unlock(d);
}

static void resumed(Device *d) {
    VirtioSerial *s = (VirtioSerial *)d;
    device_lock(d);
    s->standing = 0;
    tell(s);
    for (unsigned i = 0; i < PORTS; i++) {
        if (s->ports[i]) {
            transmit(s, s->ports[i]);
            accept_input(s->ports[i]);
        }
    }
    device_unlock(d);
}

static const StateField serial_state[] = {
    VIRTIO_STATE(VirtioSerial), STATE_NOT_KEPT(VirtioSerial, ports), STATE_NOT_KEPT(VirtioSerial, standing),
    STATE_NOT_KEPT(VirtioSerial, config),
};

static const DeviceProp serial_props[] = { VIRTIO_PROPS(VirtioSerialConfig), { NULL } };

const DeviceClass device_virtio_serial = {
    .name = "virtio-serial-device",
    .summary = "virtio console: serial ports, which are devices behind it",
    VIRTIO_DEVICE(VirtioSerial, VirtioSerialConfig, serial_state, serial_props),
    .slots = "virtio-serial",
    .reset = virtio_device_reset,
    .restored = virtio_device_restored,
    .quiesce = quiesce,
    .resumed = resumed,
};

/* -- the ports -- */

static bool port_init(Device *d, const void *config, GError **error) {
    SerialPort *p = (SerialPort *)d;
    const SerialPortConfig *c = config;
    p->console = d->cls == &device_virtconsole;
    p->chardev = c ? c->chardev : NULL;
    p->wanted = c ? (uint32_t)c->number : 0;
    if (c && c->name && strlen(c->name) > NAME_MAX_BYTES) {
        g_set_error(error, g_quark_from_static_string("virtio-serial"), 0, "the name '%s' is longer than %d bytes", c->name,
                    NAME_MAX_BYTES);
        return false;
    }
    g_strlcpy(p->name, c && c->name ? c->name : "", sizeof p->name);
    return true;
}

static void port_finish(Device *d) {
    SerialPort *p = (SerialPort *)d;
    if (p->serial && p->chardev) {
        chardev_set_handlers(p->chardev, NULL, NULL, NULL, NULL);
    }
}

/* What was taken of a chain is less than 4 GiB. */
static void port_restored(Device *d) {
    SerialPort *p = (SerialPort *)d;
    p->sent = MIN(p->sent, UINT32_MAX);
    p->untold &= (1u << EVENTS) - 1;
}

static const StateField port_state[] = {
    STATE_NOT_KEPT(SerialPort, chardev), STATE_NOT_KEPT(SerialPort, serial), STATE_NOT_KEPT(SerialPort, number),
    STATE_NOT_KEPT(SerialPort, wanted), STATE_NOT_KEPT(SerialPort, console), STATE_NOT_KEPT(SerialPort, host_open),
    STATE_NOT_KEPT(SerialPort, name), STATE_NOT_KEPT(SerialPort, host_reserved), STATE(SerialPort, guest_open),
    STATE(SerialPort, untold), STATE(SerialPort, sent),
};

static const DeviceProp port_props[] = {
    { "chardev", "where its bytes go (-chardev)", PROP_BACKEND, offsetof(SerialPortConfig, chardev), .backend = "chardev" },
    { "nr", "its number, from 1 on (default: the next)", PROP_NUMBER, offsetof(SerialPortConfig, number), 1, PORTS - 1 },
    { "name", "by which the guest finds it", PROP_STRING, offsetof(SerialPortConfig, name) },
    { NULL },
};

#define PORT_CLASS                                                                                                  \
    .size = sizeof(SerialPort), .config_size = sizeof(SerialPortConfig), .state = port_state,                       \
    .state_count = G_N_ELEMENTS(port_state), .bus = "virtio-serial", .props = port_props, .init = port_init,        \
    .finish = port_finish, .restored = port_restored

const DeviceClass device_virtconsole = { .name = "virtconsole", .summary = "console port of a virtio-serial-device", PORT_CLASS };
const DeviceClass device_virtserialport = { .name = "virtserialport", .summary = "named port of a virtio-serial-device",
                                            PORT_CLASS };
