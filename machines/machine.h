/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a board: what it is made of (MachineClass) and one that exists (Machine).
 *
 * A class is one designated initialiser whose memory-map table drives the bus, the wiring and the device tree; what a
 * table cannot say goes into `fixup`. A Machine owns everything: clock, bus, RAM, devices, translator, vCPUs. Several
 * can live in one process.
 * Threads: all functions are called in the thread that runs the machine's GMainContext.
 */
#ifndef MACHINES_MACHINE_H
#define MACHINES_MACHINE_H

#include "devices/devices.h"
#include "devices/ram.h"
#include "devices/spapr.h"
#include "frontend/frontend.h"
#include "machines/fdt.h"
#include "machines/loader.h"
#include "machines/names.h"
#include "machines/plug.h"
#include "tcg/tcg.h"

typedef struct MachineClass MachineClass;

/* -- what happens to a machine -- */

typedef enum MachineEndKind {
    MACHINE_END_OFF,      /* the guest powered itself off */
    MACHINE_END_RESET,    /* the guest asked for a reset, and no_reboot is set */
    MACHINE_END_EXIT,     /* the guest ended with a code (semihosting) */
    MACHINE_END_PANIC,    /* the guest has told the machine that it cannot go on; `text` is what it said */
    MACHINE_END_DIVERGED, /* --verify found a difference */
    MACHINE_END_ERROR,    /* the machine cannot go on */
} MachineEndKind;

typedef struct MachineEnd {
    MachineEndKind kind;
    int code;         /* EXIT: the guest's */
    const char *text; /* PANIC; DIVERGED: the report; ERROR: a sentence. Borrowed during the call */
} MachineEnd;

/* -- what users ask for -- */

/* How CPUs are grouped, as the device tree says: threads in cores in clusters in sockets. */
typedef struct MachineTopology {
    unsigned clusters, cores, threads;
} MachineTopology;

typedef struct MachineOptions {
    const KeyList *machine;  /* -M NAME,key=value...; its "type" was used to find the class; NULL: no keys */
    const char *cpu;         /* model; NULL: the class's default */
    uint64_t cpus;           /* 0: 1 */
    MachineTopology topology; /* cores 0: one socket with one cluster */
    uint64_t ram;            /* bytes; 0: the class's default */
    const char *kernel, *initrd, *append, *dtb, *bios; /* NULL: none */
    Chardev *serial;         /* borrowed; NULL: output is dropped */
    const GPtrArray *devices;  /* of KeyList: each -device, with its name as "driver"; NULL: none */
    const GPtrArray *backends; /* of MachineBackend, for them; NULL: none */
    bool no_reboot;
    bool interpret;
    size_t cache_bytes;      /* memory for translated code; 0: the default */
    unsigned tier;           /* TcgConfig.tier; 0: 2, but for icount, whose runs know nothing of host time */
    bool stats;              /* TcgConfig.stats */
    TcgForced forced;
    uint64_t verify;
    bool icount;             /* virtual time: one insn takes 2^icount_shift ns */
    unsigned icount_shift;
    bool semihosting;
    unsigned tcg_log;        /* TCG_LOG_* */
    unsigned device_log;     /* LOG_* */
    FILE *log;               /* borrowed */
    GMainContext *context;   /* borrowed; NULL: the default one */
    /* Called in the main loop, once, with all vCPUs stopped. */
    void (*ended)(void *opaque, const MachineEnd *end);
    /* A debugger's breakpoint, watchpoint or step has stopped the machine, which is paused. In the main loop. May be NULL. */
    void (*stopped)(void *opaque, const TcgStop *stop);
    void *opaque;
} MachineOptions;

/* -- what a class says -- */

/* Everything that may be given to a device of a table row. */
typedef union DeviceConfig {
    Pl011Config pl011;
    Pl031Config pl031;
    Pl061Config pl061;
    FlashConfig flash;
    GicConfig gic;
    SpaprVtyConfig spapr_vty;
    XicsConfig xics;
    PciHostConfig pci;
    Gicv2mConfig gicv2m;
    SpaprHptConfig spapr_hpt;
} DeviceConfig;

enum { MAP_BANKS = DEVICE_FDT_BANKS, NO_IRQ = -1 };

/* One row of a memory map: a device, or several alike at equal distances. */
typedef struct MapRow {
    uint64_t base[MAP_BANKS]; /* by bank of the device */
    uint64_t size[MAP_BANKS]; /* bytes that the map keeps for the bank, as the device tree says; 0: no such bank */
    const DeviceClass *device;
    const char *name;         /* NULL: the class's name */
    int irq;                  /* shared interrupt number of the first, or NO_IRQ */
    unsigned count;           /* 0 = 1; each further one has the next irq ... */
    uint64_t stride;          /* ... and stands that much higher */
    uint32_t phandle;         /* 0: none */
    bool one_node;            /* with count: the first device's node describes all; base and size are theirs, in turn */
    bool clocked;             /* its node names the machine's peripheral clock */
    bool (*present)(const Machine *machine); /* NULL: always */
    /* Fills the device's configuration; NULL: it has none. */
    void (*configure)(const Machine *machine, unsigned index, DeviceConfig *config);
} MapRow;

/* A key of -M. */
typedef struct MachineKey {
    const char *name;
    const char *help;
    bool (*set)(Machine *machine, const char *value, GError **error);
} MachineKey;

struct MachineClass {
    const char *name;
    const char *summary;
    const Frontend *frontend;
    const ImageFormat *image;    /* what -kernel takes */
    const char *default_cpu;
    uint64_t ram_base, ram_default, ram_min, ram_max;
    unsigned cpus_max;
    bool virtio_on_pci;          /* where the virtio devices go that users name without a bus */
    uint64_t flash_size;         /* of the firmware flash; 0: none */
    uint64_t bios_room;          /* firmware is loaded into RAM, as in LoaderRam, and may load a kernel; 0: it is not */
    uint32_t clock_phandle;
    const MapRow *map;
    unsigned map_count;
    const MachineKey *keys;      /* ends with a NULL name */
    uint64_t (*counter_hz)(const char *cpu);
    /* After the keys, before anything is made: do the options go together? NULL: they do. Error: usage. */
    bool (*check)(Machine *machine, GError **error);
    unsigned (*cluster)(const Machine *machine); /* TcgConfig.cluster; NULL: 0 */
    /* Connects interrupt controller and CPUs and what else the table cannot say. All devices exist. */
    bool (*fixup)(Machine *machine, GError **error);
    /* A timer or other output of a CPU. Called on its thread. NULL: its CPUs have none. */
    void (*cpu_irq)(Machine *machine, unsigned cpu, unsigned line, bool level);
    /* A CPU calls the firmware or hypervisor that the machine plays: see CpuPorts.firmware. On its thread. NULL: none. */
    bool (*firmware)(Machine *machine, unsigned cpu);
    /* Images are in memory and the first CPU is at its entry; nothing runs. NULL: that is all. */
    void (*boot)(Machine *machine);
    size_t boot_room;            /* bytes that it needs where the device tree is, if that is smaller */
    /* Adds what is not a row of the map to the device tree: CPUs, memory, timer ... */
    void (*describe)(Machine *machine, DevTree *tree);
};

/* All classes, NULL-terminated. */
extern const MachineClass *const machine_classes[];
/* Error (usage) with a suggestion. */
const MachineClass *machine_class_find(const char *name, GError **error);

/* -- a machine -- */

struct Machine {
    const MachineClass *cls;
    MachineOptions options;      /* strings and lists borrowed: the caller keeps them until machine_free */
    const char *cpu;
    uint64_t ram_size;
    unsigned cpus;
    struct {                     /* values of keys */
        bool fdt_randomness;
        bool no_highmem;         /* nothing but RAM above 4 GiB */
        unsigned gic_version;    /* 0: the class's default */
        unsigned ic_mode;        /* pseries: PSERIES_IC_* */
        bool no_client;          /* pseries: kernels find the device tree, not the client interface */
    } keys;
    Clock *clock;
    Bus *bus;
    Ram *ram;
    Log log;
    GPtrArray *devices;          /* of Device, in the order of the map, then those of -device; owned */
    Device *irq_controller;      /* borrowed */
    Tcg *tcg;
    GPtrArray *vcpus;            /* of Vcpu; owned by tcg */
    GPtrArray *alarms;           /* of ClockTimer, one for each vCPU */
    GArray *alarm_refs;          /* what the timers' callbacks are given */
    Loader *loader;
    GBytes *dtb;                 /* as the guest finds it at start */
    struct MachineRequest *request; /* from vCPU threads to the main loop */
    bool running;
    bool loaded;                 /* machine_start goes on from a loaded state */
    uint64_t resumes;            /* how often it was let go on after a pause */
    bool paused;                 /* as machine_pause and machine_resume say; apart from `running` */
};

/* Everything is checked and loaded; nothing runs yet. Errors (usage, image, host). */
Machine *machine_new(const MachineClass *cls, const MachineOptions *options, GError **error);
void machine_free(Machine *machine);

/* A number made of everything the guest can see: CPUs, RAM, devices. Stopped or paused machines only. */
uint64_t machine_state_hash(Machine *m);
/* Mixes bytes into a hash, which begins as 0. */
void machine_hash_bytes(uint64_t *hash, const void *bytes, size_t size);
/* Guest insns retired so far, where they are counted (-icount, -accel interp). */
uint64_t machine_insns(const Machine *m);
void machine_start(Machine *machine);
/* Returns when no vCPU runs guest code any more; the clock stands still. */
void machine_stop(Machine *machine);
/* Cold start: devices, CPUs and images as at the beginning. A running machine goes on running. */
void machine_reset(Machine *machine);

/* Pause: every vCPU waits between two insns and the clock stands still; a machine may be paused before it is started.
 * The translator's debugging functions (tcg.h) can be used then. Both are idempotent. */
void machine_pause(Machine *machine);
void machine_resume(Machine *machine);
/* A paused machine: vCPU `cpu` does one insn; `stopped` follows. */
void machine_step(Machine *machine, unsigned cpu);

/*
 * The whole state, from the tables of CPUs and devices; the machine is paused, or not started. What belongs to the host
 * (files, terminals, chardevs' buffers, semihosting's open files) is not part of it. Caller unrefs.
 */
GBytes *machine_save_state(Machine *machine);
/* Into a machine of the same class, CPU model and memory that is not running (best a fresh one): machine_start goes on
 * from there. Bytes from anywhere are safe. Error (image): what is wrong with them; the machine can be used as if it had
 * been reset. */
bool machine_load_state(Machine *machine, GBytes *state, GError **error);

/* For machines whose guests can say that they have panicked: the machine ends. On a vCPU's thread. */
void machine_panicked(Machine *machine, const char *text);

/* Connects the outputs of every row that has an irq to inputs first_input + irq ... of the interrupt controller. For
 * fixups. */
void machine_wire(Machine *machine, Device *controller, unsigned first_input);
/* Device of that name in the map, or NULL; borrowed. For fixups. */
Device *machine_device(const Machine *machine, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

#endif
