/* SPDX-License-Identifier: MIT */
/*
 * device.h - what a device is: a struct that begins with a Device, tables of its registers and of its state, and one
 * DeviceClass that names them.
 *
 * The register table gives dispatch, access checks, masks, reset values and names in logs. The state table and the
 * registers' fields together name every byte of the struct; device_state_uncovered finds the ones they forget.
 * Locking: register functions, `input` and `reset` run under the device's lock; they may set interrupt lines.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/irq.h"
#include "host/clock.h"
#include "host/log.h"

typedef struct DeviceClass DeviceClass;
typedef struct Reg Reg;

/* One register access, as register functions see it. */
typedef struct RegAccess {
    const Reg *reg;
    uint32_t index;  /* which register of an array, 0 otherwise */
    uint32_t frame;  /* of a bank that has frames */
    uint32_t offset; /* of the access, from the start of the bank, or of its frame */
    uint32_t size;   /* bytes of the access */
    uint32_t cpu;    /* who accesses */
    uint64_t mask;   /* writes: the bits of the register that are written (an access may be narrower than it) */
} RegAccess;

struct Reg {
    uint32_t offset;
    const char *name;    /* the manual's */
    uint32_t field;      /* REG_AT: where in the struct the value is kept ... */
    uint8_t field_bytes; /* ... and its width; 0: not kept */
    uint8_t width;       /* bytes of the register; 0 = 4 */
    uint8_t sizes;       /* sum of allowed access sizes 1|2|4|8; 0: the bank's */
    uint32_t count;      /* registers in the array; 0 = 1 */
    uint32_t stride;     /* bytes between them; 0: width */
    uint64_t wmask;      /* bits that a write changes in the field */
    uint64_t reset;      /* value of the field after reset, or the constant that is read when there is no field */
    /* Gives the value of the whole register, in place of the field. */
    uint64_t (*read)(Device *d, const RegAccess *a);
    /* Called after the field, if any, took the value. value: in register position, a->mask tells the bits written. */
    void (*written)(Device *d, const RegAccess *a, uint64_t value);
};
/* Reading: .read, else the field, else the constant .reset; a register with only .written is write-only (logged, 0).
 * Writing: the field under .wmask, then .written; a register with neither is read-only (logged, ignored). */

/* An element of an array field when .count is given; see REG_ARRAY. */
#define REG_AT(Type, f) .field = offsetof(Type, f), .field_bytes = sizeof(((Type *)0)->f)
#define REG_ARRAY(Type, f) .field = offsetof(Type, f), .field_bytes = sizeof(((Type *)0)->f[0])

/* One span of a device's struct. */
typedef enum StateKind {
    STATE_GUEST, /* kept in snapshots */
    STATE_HOST,  /* pointers and handles of this process; never kept */
} StateKind;
typedef struct StateField {
    const char *name;
    uint32_t offset;
    uint32_t size;
    uint32_t element; /* bytes of one number, for byte order; size for a single one */
    StateKind kind;
} StateField;
#define STATE(Type, f) \
    { #f, offsetof(Type, f), sizeof(((Type *)0)->f), sizeof(((Type *)0)->f), STATE_GUEST }
#define STATE_ARRAY(Type, f, Element) \
    { #f, offsetof(Type, f), sizeof(((Type *)0)->f), sizeof(Element), STATE_GUEST }
#define STATE_NOT_KEPT(Type, f) \
    { #f, offsetof(Type, f), sizeof(((Type *)0)->f), sizeof(((Type *)0)->f), STATE_HOST }

enum { DEVICE_FRAME_MAX = 128 << 10 };

/* A range of addresses that a device answers at. */
typedef struct DeviceBank {
    const char *name;  /* NULL when the device has one */
    uint64_t size;     /* bytes, a multiple of 4; below 4 GiB with registers */
    uint32_t frame;    /* 0 = size: what regs describe; the bank repeats it. At most DEVICE_FRAME_MAX with registers */
    uint8_t sizes;     /* allowed access sizes, 0 = 4 only */
    const Reg *regs;
    unsigned reg_count;
    /* In place of a table, for what is not registers. Naturally aligned, in the bank. */
    BusResult (*read)(Device *d, uint64_t offset, unsigned size, uint64_t *value);
    BusResult (*write)(Device *d, uint64_t offset, unsigned size, uint64_t value);
    bool unlocked; /* they are called without the device's lock */
} DeviceBank;

enum { DEVICE_FDT_BANKS = 4 };

/* What a machine knows about a device when the device writes its device-tree node. The parent has #address-cells and
 * #size-cells 2, and the interrupt controller three interrupt cells. */
typedef struct DeviceFdt {
    uint64_t base[DEVICE_FDT_BANKS], size[DEVICE_FDT_BANKS]; /* by bank (unused: 0). size 0: the bank's own. A flash's second: the flash after it */
    unsigned irq;               /* SPI number (INTID - 32) of the first interrupt; further ones follow */
    uint32_t phandle;           /* the node's own; 0: none */
    uint32_t clock;             /* phandle of the clock; 0: none */
} DeviceFdt;

/* A property that users give with -device, and the field of the class's configuration that takes it. */
typedef enum PropKind {
    PROP_BOOL,     /* bool */
    PROP_BOOL_NOT, /* bool that is false when the property is on */
    PROP_NUMBER,   /* uint64_t from min to max */
    PROP_SIZE,     /* uint64_t bytes, with suffixes, from min to max */
    PROP_STRING,   /* const char *, copied by init */
    PROP_WORD,     /* unsigned: the place in words */
    PROP_MAC,      /* uint8_t[6] and, behind it, uint8_t: whether it is given */
    PROP_BACKEND,  /* pointer: what the option `backend` has made under the id that is given; for this device alone */
} PropKind;
typedef struct DeviceProp {
    const char *name;
    const char *help;
    PropKind kind;
    uint32_t offset;
    uint64_t min, max;
    const char *standard;     /* the value when it is not given, as text; NULL: the field is left zero */
    const char *backend;      /* "drive", "netdev", "chardev", "object" */
    const char *const *words; /* NULL-terminated */
} DeviceProp;

typedef void DeviceVisit(void *opaque, const char *name, void *bytes, size_t size, size_t element);

struct DeviceClass {
    const char *name;       /* as in -device and device_<name> */
    const char *summary;    /* one line for people */
    size_t size;            /* of the struct */
    size_t config_size;     /* of the struct given to device_new; 0: none */
    const DeviceBank *banks;
    unsigned bank_count;
    const StateField *state;
    unsigned state_count;
    unsigned irq_count;     /* outputs */
    const char *bus;        /* the kind of slot that -device puts it in ("virtio"); NULL: only machines make it */
    const char *slots;      /* the kind of slots that it has for others; NULL: none */
    const DeviceProp *props; /* ends with a NULL name; NULL: none */
    const DeviceClass *behind; /* the device that -device makes behind this one, which is its transport; NULL: none */
    bool (*attach)(Device *d, Device *behind, GError **error); /* puts it there, at set-up; borrowed */
    /* All may be NULL. init: config is copied by whoever wants to keep it; the device is zeroed before. */
    bool (*init)(Device *d, const void *config, GError **error);
    void (*finish)(Device *d);
    void (*reset)(Device *d);                             /* after the fields of regs[] have their values */
    void (*input)(Device *d, unsigned n, bool level);     /* an input line changed */
    void (*state_extra)(Device *d, DeviceVisit *visit, void *opaque); /* guest state outside the struct */
    void (*restored)(Device *d);                          /* state was loaded: recompute what follows from it */
    void (*quiesce)(Device *d);                           /* CPUs stand still: returns when no thread works for it */
    void (*resumed)(Device *d);                           /* CPUs run again */
    void (*mapped)(Device *d, unsigned bank);             /* the bank has got its place on the bus */
    void (*fdt)(Device *d, void *fdt, const DeviceFdt *at); /* appends nodes, sequential-write libfdt */
};

struct Device {
    const DeviceClass *cls;
    char *name;            /* of the instance, for logs */
    Bus *bus;              /* all three borrowed */
    Clock *clock;
    const Log *log;
    IrqLine *irqs;         /* cls->irq_count */
    uint16_t **reg_index;  /* by bank: register number + 1 for every 4 bytes */
    pthread_mutex_t lock;
};

/* What every device of a machine shares. Borrowed; bus and clock may be NULL for devices that need none. */
typedef struct DeviceEnv {
    Bus *bus;
    Clock *clock;
    const Log *log;
} DeviceEnv;

/* Makes a device in its reset state. config: the class's struct from devices.h, or NULL. Error: from the class. */
Device *device_new(const DeviceClass *cls, const char *name, const DeviceEnv *env, const void *config, GError **error);
void device_free(Device *d); /* NULL is allowed */
void device_reset(Device *d);

/* Output line n, to be connected with irq_connect. */
IrqLine *device_irq(Device *d, unsigned n);
/* An IrqHandler whose opaque is a Device: input n of the device. */
void device_input(void *device, unsigned n, bool level);
/* output line `out` of `from` drives input `in` of `to`. */
void device_connect(Device *from, unsigned out, Device *to, unsigned in);

/* For the bus: an access inside bank `bank`; takes the lock, unless the bank does without. */
BusResult device_read(Device *d, unsigned bank, uint64_t offset, unsigned size, unsigned cpu, uint64_t *value);
BusResult device_write(Device *d, unsigned bank, uint64_t offset, unsigned size, unsigned cpu, uint64_t value);

static inline void device_lock(Device *d) {
    pthread_mutex_lock(&d->lock);
}
static inline void device_unlock(Device *d) {
    pthread_mutex_unlock(&d->lock);
}

/* Visits all guest state, each byte once: fields of registers, the state table, state_extra. Machine parked. */
void device_state_walk(Device *d, DeviceVisit *visit, void *opaque);
/* Offset of the first byte of the struct (after the Device) that no table names, or that two name; -1: none. */
long device_state_uncovered(const DeviceClass *cls);
/* Appends the class's nodes to a tree being written with libfdt's sequential-write functions. */
void device_fdt(Device *d, void *fdt, const DeviceFdt *at);

#define device_log(d, item, ...) log_line((d)->log, item, __VA_ARGS__)

#endif
