/* SPDX-License-Identifier: MIT */
/*
 * tcg.h - turns IR into running code and owns it: what machines and the user's side see of the translator.
 *
 * A Tcg holds what all vCPUs of one machine share (code cache, blocks, physical map); a Vcpu is one CPU and its
 * thread. tcg reaches memory and devices only through PhysMap.
 */
#ifndef TCG_TCG_H
#define TCG_TCG_H

#include <stdio.h>

#include "frontend/frontend.h"

typedef struct Tcg Tcg;
typedef struct Vcpu Vcpu;
struct TcgStop;

typedef enum PhysResult {
    PHYS_OK,
    PHYS_NONE,    /* nothing answers at that address */
    PHYS_REFUSED, /* a device answers, but not to this access (size, alignment, direction) */
} PhysResult;

/* The machine's physical address space. All functions may be called from any vCPU thread, `page` from tier 2's too. */
typedef struct PhysMap {
    void *opaque;
    /* Host address of the 4 KiB page that contains gpa when it is RAM or ROM (*writable tells), else NULL.
     * The pointer is good until the next tcg_map_changed(). */
    uint8_t *(*page)(void *opaque, uint64_t gpa, bool *writable);
    /* Device (or any) access of 1, 2, 4 or 8 bytes, naturally aligned, by that vCPU; the value is little-endian. */
    PhysResult (*read)(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value);
    PhysResult (*write)(void *opaque, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value);
} PhysMap;

/* Bits for TcgConfig.log_items; the names of -d. */
enum {
    TCG_LOG_IN_ASM = 1 << 0,
    TCG_LOG_OP = 1 << 1,
    TCG_LOG_OP_OPT = 1 << 2,
    TCG_LOG_OUT_ASM = 1 << 3,
    TCG_LOG_INT = 1 << 4,
    TCG_LOG_EXEC = 1 << 5,
    TCG_LOG_CPU = 1 << 6,
    TCG_LOG_MMU = 1 << 7,
    TCG_LOG_UNIMP = 1 << 8,
    TCG_LOG_GUEST_ERROR = 1 << 9,
    TCG_LOG_NOCHAIN = 1 << 10,
};

typedef enum TcgPower { TCG_POWER_OFF = CPU_POWER_OFF, TCG_POWER_RESET = CPU_POWER_RESET, TCG_POWER_EXIT = CPU_POWER_EXIT } TcgPower;

/* Forced modes, for testing: keys of -accel jit. */
typedef struct TcgForced {
    const char *host;        /* host=: sse2, avx2 or avx512; NULL: the best that the host has. Borrowed */
    bool one_entry;          /* x-tlb=1: generated code's TLB holds one entry */
    bool poll_storm;         /* x-poll=on: every poll leaves generated code */
    bool no_merge;           /* x-merge=off: every access has a check of its own */
    bool runs;               /* x-runs=on: insns get a page run where they would get a page hint */
    bool own_pins;           /* x-pins=own: each block chooses what guest registers the host's hold in it */
    bool no_chain;           /* x-chain=off: no block jumps to another, directly or by the jump cache */
    const char *crash;       /* x-crash=: segv, assert, hang, stack when the third block is translated; ir: with --verify; NULL: not */
    unsigned broken, broken_by; /* x-break=OP:OTHER: host code for OP is that of OTHER (IrOp); equal: as it should be */
    bool regions;            /* x-regions=all: with tier 2, every block is the beginning of a region as soon as it is met */
    uint64_t evict;          /* x-evict=N: code memory is emptied whenever N blocks have been made; 0: when it is full */
} TcgForced;

enum { TCG_VCPUS = 64 };

typedef struct TcgConfig {
    bool interpret;          /* -accel interp */
    uint64_t verify;         /* --verify[=N]: compare every Nth block with the interpreter; 0 = off */
    unsigned tier;           /* 2: what runs often is translated again, as regions; else blocks are all there is */
    TcgForced forced;
    bool icount;             /* -icount: `now` is tcg_icount_now; timers come due at exact insns */
    unsigned icount_shift;   /* one insn takes 2^shift ns */
    /* -icount: the earliest deadline of the machine's own timers, and: time has come to it (returns when they have run). */
    uint64_t (*next_deadline)(void *opaque);
    void (*advance)(void *opaque);
    unsigned cluster;        /* as in CpuConfig */
    size_t cache_bytes;      /* code cache; 0 = default */
    bool stats;              /* stats=on: count host insns and time the stages of translation, which costs time */
    unsigned vcpus;          /* how many there will be, up to TCG_VCPUS; 0 = 1 */
    unsigned log_items;
    FILE *log;               /* borrowed */
    PhysMap phys;
    void *opaque;            /* for the callbacks below */
    uint64_t (*now)(void *opaque);  /* the machine's clock, ns */
    /* Ask for vcpu_alarm(index) at `deadline` (UINT64_MAX: none); a later call replaces an earlier one. Any vCPU thread. */
    void (*alarm)(void *opaque, unsigned vcpu, uint64_t deadline);
    void (*irq_out)(void *opaque, unsigned vcpu, unsigned line, bool level);
    /* The guest asks to be powered off, reset, or to end with a code. Called on a vCPU thread; must not block. */
    void (*power)(void *opaque, unsigned vcpu, TcgPower action, int code);
    /* The guest calls the firmware that the machine plays (CpuPorts.firmware). On the vCPU's thread. NULL: there is none. */
    bool (*firmware)(void *opaque, unsigned vcpu);
    /* --verify found a difference; `report` is ready to print. Called on the vCPU thread, which then stops. */
    void (*diverged)(void *opaque, const char *report);
    bool semihosting;
    FILE *semihosting_console;
    /* A vCPU has run into what a debugger asked for; it waits for tcg_resume. Called on the vCPU thread; must not
     * block. NULL: nobody debugs. */
    void (*debug_stop)(void *opaque, const struct TcgStop *stop);
} TcgConfig;

/* The configuration is copied. */
Tcg *tcg_new(const TcgConfig *config);
/* All vCPUs must be stopped. */
void tcg_free(Tcg *tcg);

/* Adds a vCPU in its reset state, not running. Error: unknown model. Owned by the Tcg. */
Vcpu *tcg_add_vcpu(Tcg *tcg, const Frontend *frontend, const char *model, uint64_t counter_hz, GError **error);
/* Frontend.add_regs, before the vCPU is started. */
void vcpu_add_regs(Vcpu *vcpu, const CpuDeviceRegs *bank);
Env *vcpu_env(Vcpu *vcpu);
CpuRunState vcpu_run_state(const Vcpu *vcpu); /* all but the first are off after reset. Any thread */
const Frontend *vcpu_frontend(Vcpu *vcpu);

/* Threads: start makes one for each vCPU and runs it; stop returns when all have left guest code and ended. */
void tcg_start(Tcg *tcg);
void tcg_stop(Tcg *tcg);
/* With all vCPUs stopped: forget all translations and TLB contents, and put every CPU into reset. */
void tcg_reset(Tcg *tcg);

/* Saved states, with the vCPU stopped or paused. The walk visits all that is to be kept. For loading: tcg_reset, then
 * the walk, which writes; vcpu_restoring, after which the interrupt inputs are low and are to be driven again; and, with
 * clock and devices in place, vcpu_restored. Error: the state is none that the CPU could be in; it needs a reset. */
typedef void VcpuVisit(void *opaque, const char *name, void *bytes, size_t size);
void vcpu_state_walk(Vcpu *vcpu, VcpuVisit *visit, void *opaque);
void vcpu_restoring(Vcpu *vcpu);
bool vcpu_restored(Vcpu *vcpu, GError **error);

/* From any thread. */
void vcpu_kick(Vcpu *vcpu);                                /* leave generated code soon and look around */
void vcpu_set_line(Vcpu *vcpu, unsigned line, bool level); /* CpuLine; kicks when it matters */
void vcpu_alarm(Vcpu *vcpu);                               /* the deadline given to `alarm` has come */
/* -icount: ns of virtual time. On the vCPU's thread exact, elsewhere as of its last safepoint. */
uint64_t tcg_icount_now(const Tcg *tcg);
/* -icount: next_deadline may have come nearer, by what the guest has just done. On a vCPU's thread. */
void tcg_deadline_moved(Tcg *tcg);
/* RAM was written behind the CPUs' back (DMA, loader): drops translations made from it. */
void tcg_ram_written(Tcg *tcg, uint64_t gpa, uint64_t size);
/* The answers of PhysMap.page have changed (flash mode switch): drops every cached translation at its safepoint. */
void tcg_map_changed(Tcg *tcg);

/* -- watching (watch.c) --
 * From any thread, also in a signal handler: nothing is locked or allocated; what is read may be changing meanwhile. */

typedef struct VcpuWatch {
    bool pending;         /* something wants attention at the next safepoint */
    uint32_t requests;    /* what, as far as it is a request; see vcpu_request_name */
    uint64_t safepoints;  /* how many it has come to */
    uint64_t cpu_ns;      /* CPU time of its thread; 0: it has none */
    uint64_t pc;          /* guest's, as of the last time generated code was left */
} VcpuWatch;
void vcpu_watch(const Vcpu *vcpu, VcpuWatch *watch);
/* The block entered last from outside generated code; no insns: none. Only of a vCPU that hangs or has failed: of others
 * the block may vanish during the look. */
void vcpu_watch_block(const Vcpu *vcpu, uint64_t *pa, unsigned *insns);
/* The most important of the requests, for people. */
const char *vcpu_request_name(uint32_t requests);
/* The IR of what the vCPU has translated last. Allocates, and may meet it half made: the last thing to try. */
void vcpu_print_last_ir(const Vcpu *vcpu, GString *out);

/* -- debugging (debug.c) --
 * While paused every vCPU thread waits between two insns and its state is exact; the thread stays. A paused Tcg may be
 * stopped, reset and started; it stays paused. Everything here is for one thread: the one that starts and stops. */

typedef enum TcgPointKind { TCG_BREAK, TCG_WATCH_WRITE, TCG_WATCH_READ, TCG_WATCH_ACCESS } TcgPointKind;
typedef enum TcgStopKind { TCG_STOP_BREAK, TCG_STOP_WATCH, TCG_STOP_STEP } TcgStopKind;

typedef struct TcgStop {
    TcgStopKind kind;
    unsigned vcpu;
    TcgPointKind point; /* WATCH: which kind; the access has not been done yet */
    uint64_t va;        /* WATCH: first watched byte that was hit */
} TcgStop;

/* Returns when every vCPU waits. Idempotent. */
void tcg_pause(Tcg *tcg);
/* All vCPUs go on; or, with step >= 0, that one alone does one insn (debug_stop follows). */
void tcg_resume(Tcg *tcg, int step);
bool tcg_paused(const Tcg *tcg);
/* Does a single step let interrupts in? Off at first. */
void tcg_step_interrupts(Tcg *tcg, bool on);
/* While paused: places and takes away points by guest virtual address. False: there are too many, or none such. */
bool tcg_add_point(Tcg *tcg, TcgPointKind kind, uint64_t va, uint64_t size);
bool tcg_remove_point(Tcg *tcg, TcgPointKind kind, uint64_t va, uint64_t size);
void tcg_clear_points(Tcg *tcg);

/* While paused: memory as a debugger sees it: through the vCPU's current translation, whatever the permissions. Only
 * RAM and ROM are read, only RAM is written (code made from it is dropped). False: something else is there, and nothing
 * was changed. */
bool vcpu_peek_memory(Vcpu *vcpu, uint64_t va, void *buffer, uint64_t size);
bool vcpu_poke_memory(Vcpu *vcpu, uint64_t va, const void *buffer, uint64_t size);
bool tcg_peek_physical(Tcg *tcg, uint64_t gpa, void *buffer, uint64_t size);
bool tcg_poke_physical(Tcg *tcg, uint64_t gpa, const void *buffer, uint64_t size);
/* Where va is now. False: not mapped. */
bool vcpu_locate(Vcpu *vcpu, uint64_t va, uint64_t *gpa);
/* A register by its place in Frontend.regs. poke is false when the register cannot be written. */
void vcpu_peek_register(Vcpu *vcpu, unsigned reg, IrVal *value);
bool vcpu_poke_register(Vcpu *vcpu, unsigned reg, const IrVal *value);
/* Cached translations, in no order. asid UINT64_MAX: global. */
typedef struct TcgMapping {
    uint64_t va, pa, asid;
    uint32_t regime;
    bool r, w, x, device;
} TcgMapping;
void vcpu_each_mapping(Vcpu *vcpu, void (*fn)(void *opaque, const TcgMapping *mapping), void *opaque);

enum { TCG_EXIT_CHAIN = IR_EXIT_SYNC + 1 }; /* a direct jump that is to be chained, which counts as no IR_EXIT_NEXT */

/* What the time of translation goes to; with TcgConfig.stats only. */
typedef enum TcgStage { TCG_STAGE_FRONTEND, TCG_STAGE_PASSES, TCG_STAGE_HOST, TCG_STAGES } TcgStage;

/* Counters for reports; a snapshot taken without stopping anything. */
typedef struct TcgStats {
    uint64_t insns;            /* guest insns retired, where they are counted (interpreter, -icount) */
    uint64_t blocks;           /* translations made */
    uint64_t block_insns;      /* guest insns in them */
    uint64_t host_bytes;       /* host code made for them */
    uint64_t host_insns;       /* with -d out_asm or stats only */
    uint64_t counted_insns;    /* guest insns whose host insns they are */
    uint64_t translate_ns;
    uint64_t stage_ns[TCG_STAGES];
    uint64_t exits[8];         /* by IrExit, and TCG_EXIT_CHAIN */
    uint64_t lookups;          /* block look-ups in C */
    uint64_t tlb_slow;         /* checks that generated code has left to C: not in the first level, or no plain memory */
    uint64_t tlb_fills, tlb_walks, tlb_flushes;
    uint64_t tlb_hits;         /* translations found in the second level */
    uint64_t emptied;          /* times that every block was dropped */
    size_t cache_bytes, cache_used; /* code memory; 0: there is none */
    uint64_t merge_bans;    /* insns whose checks are not merged any more */
    uint64_t hint_bans;     /* insns whose page hint did not pay */
    uint64_t regions, region_insns, region_ns; /* regions made, insns in them, and what their making took */
    uint64_t invalidated, revived; /* blocks killed, and wanted again as they were */
    uint64_t helper_calls;     /* calls of C from generated code (-icount only) */
    uint64_t host_insns_run;   /* host insns executed in blocks, cold paths and stubs apart (-icount only) */
    /* --verify: runs of blocks that agreed; what was done once for both within them; runs not compared, by reason */
    uint64_t verified, verify_faults, verify_devices, verify_calls;
    uint64_t verify_lost;      /* more stores than the buffer holds */
    uint64_t verify_raced;     /* a device's thread wrote to RAM meanwhile, and the two differ */
    uint64_t verify_debugged;  /* a debugger's watchpoint is placed */
    uint64_t verify_alone;     /* single insns that only the interpreter can run, or in front of an -icount deadline */
} TcgStats;
TcgStats tcg_stats(const Tcg *tcg);

#endif
