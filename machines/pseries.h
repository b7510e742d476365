/* SPDX-License-Identifier: MIT */
/*
 * pseries.h - what the files of the pseries machine share: hypercalls, their tables, RTAS.
 * Spec: LoPAPR 1.1 (Linux on Power Architecture Platform Reference), 14 (hypercalls).
 */
#ifndef MACHINES_PSERIES_H
#define MACHINES_PSERIES_H

#include "frontend/ppc/ppc.h"
#include "machines/machine.h"

/* What hypercalls return in r3. */
enum {
    H_SUCCESS = 0, H_BUSY = 1, H_NOT_AVAILABLE = 3, H_HARDWARE = -1, H_FUNCTION = -2, H_PRIVILEGE = -3, H_PARAMETER = -4,
    H_PTEG_FULL = -6, H_NOT_FOUND = -7, H_NO_MEM = -9, H_RESOURCE = -16, H_P2 = -55, H_P3 = -56, H_P4 = -57, H_P5 = -58,
    H_UNSUPPORTED_FLAG = -256,
};

/* A hypercall: arguments from r4 on, results too; the status goes to r3. */
typedef struct PseriesCall {
    Machine *machine;
    Env *env;     /* of the CPU that calls, on its thread */
    unsigned cpu;
} PseriesCall;

typedef struct PseriesCallRow {
    uint64_t number;
    int64_t (*call)(PseriesCall *c);
} PseriesCallRow;

/* Rows of one file; a number stands in one of them. */
typedef struct PseriesCallTable {
    const PseriesCallRow *rows;
    unsigned count;
} PseriesCallTable;

extern const PseriesCallTable pseries_calls_base, pseries_calls_cpu, pseries_calls_mmu, pseries_calls_hpt,
    pseries_calls_irq, pseries_calls_xive, pseries_calls_rtas, pseries_calls_client, pseries_calls_pci;

/* Argument n: 0 is r4. */
static inline uint64_t pseries_arg(const PseriesCall *c, unsigned n) {
    return ppc_gpr(c->env, 4 + n);
}
/* Result n: 0 goes to r4. */
static inline void pseries_result(PseriesCall *c, unsigned n, uint64_t value) {
    ppc_set_gpr(c->env, 4 + n, value);
}

/* -- pseries_hcall.c -- */

/* MachineClass.firmware. */
bool pseries_hypercall(Machine *machine, unsigned cpu);

/* -- pseries_rtas.c -- */

/* RTAS calls are in memory, as big-endian words: token, how many arguments, how many results, and these. */
enum {
    RTAS_ARGS = 16,
    RTAS_SUCCESS = 0, RTAS_HARDWARE = -1, RTAS_BUSY = -2, RTAS_PARAMETER = -3,
};

typedef struct PseriesRtas {
    Machine *machine;
    Env *env;     /* of the CPU that calls, on its thread */
    unsigned cpu;
    uint32_t inputs, outputs;               /* how many there are: at least those of the row */
    uint32_t in[RTAS_ARGS], out[RTAS_ARGS]; /* out[0], the status, is what the function returns */
} PseriesRtas;

typedef struct PseriesRtasRow {
    const char *name; /* of the property of /rtas that holds its token */
    uint32_t inputs, outputs; /* with the status */
    int32_t (*call)(PseriesRtas *r);
} PseriesRtasRow;

/* Rows of one file; pseries_rtas.c lists the tables. */
typedef struct PseriesRtasTable {
    const PseriesRtasRow *rows;
    unsigned count;
} PseriesRtasTable;

extern const PseriesRtasTable pseries_rtas_cpu, pseries_rtas_irq, pseries_rtas_services, pseries_rtas_pci;

/* The node /rtas: what calls there are. */
void pseries_describe_rtas(DevTree *tree);

/* -- pseries_cpu.c -- */

/* MachineClass.cluster: threads of a core. */
unsigned pseries_threads(const Machine *machine);
/* MachineClass.cpu_irq: a doorbell for thread `line` of the CPU's core. */
void pseries_doorbell(Machine *machine, unsigned cpu, unsigned line, bool level);

/* What a hypercall has set on the CPU that calls holds for all of them. */
void pseries_share(PseriesCall *c);

/* -- pseries_irq.c -- */

/* Where XIVE answers: contexts by ring, of which there is the operating system's; sources. */
#define PSERIES_XIVE_CONTEXTS UINT64_C(0x6030200000000)
#define PSERIES_XIVE_SOURCES UINT64_C(0x6010000000000)
enum { PSERIES_IC_DUAL, PSERIES_IC_XICS, PSERIES_IC_XIVE }; /* dual: as the guest asks */
/* An IrqHandler whose opaque is the Machine: the interrupt source `irq` (SPAPR_IRQ_*). */
void pseries_irq(void *machine, unsigned irq, bool level);
/* The node of the interrupt controller, in place of another: XIVE or XICS. */
void pseries_describe_irq(const Machine *machine, DevTree *tree, bool xive);
/* The machine has the devices: connects them with CPUs. */
void pseries_connect_irqs(Machine *machine);

/* -- pseries_pci.c -- */

/* The machine has the devices: connects the bridge, and gives functions their addresses. */
void pseries_connect_pci(Machine *machine);
/* The nodes of the bridge and its functions; that of the interrupt controller is there. */
void pseries_describe_pci(const Machine *machine, DevTree *tree);

/* -- pseries_client.c: the client interface of Open Firmware -- */

/* MachineClass.boot. */
void pseries_boot(Machine *machine);
enum { PSERIES_RTAS_SIZE = 2048 }; /* of the code in memory */
enum { PSERIES_BOOT_ROOM = 64 << 10 }; /* MachineClass.boot_room */

/* -- pseries_tree.c: what the machine tells its guests -- */

/* MachineClass.describe. */
void pseries_describe(Machine *machine, DevTree *tree);
/* The guest has said what it can (ibm,client-architecture-support; `vector` is the fifth option vector with its length in
 * front, 64 bytes): what is chosen stands in the tree then. */
void pseries_choose(Machine *machine, DevTree *tree, const uint8_t *vector);

/* The partition's state. */
static inline Spapr *pseries_spapr(const Machine *m) {
    return (Spapr *)machine_device(m, "spapr");
}

/* -- pseries_mmu.c -- */

/* Version 2.07 of the architecture, where there are hash tables alone. */
bool pseries_power8(const Machine *m);
/* The CPUs know of the hash table, the device "hpt". */
void pseries_hpt_config(const Machine *m, unsigned index, DeviceConfig *config);
void pseries_connect_mmu(Machine *m);
/* Properties of a CPU's node. */
void pseries_describe_mmu(const Machine *m, DevTree *tree, const char *node);

enum { PSERIES_VTY_UNIT = 0x71000000, PSERIES_NVRAM_UNIT, PSERIES_TIMEBASE_HZ = 512000000 };

#endif
