/* SPDX-License-Identifier: MIT */
/*
 * frontend.h - the whole contract of a guest CPU.
 *
 * A front end turns guest bits into IR and owns all guest CPU behaviour: exceptions, page-table walks, system
 * registers, timers. It knows neither hosts nor devices. What it needs from outside it asks through CpuPorts, which
 * the machine and the translator fill in. Its state is a struct in Env.guest, cleared and filled by `reset`.
 */
#ifndef FRONTEND_FRONTEND_H
#define FRONTEND_FRONTEND_H

#include <stdio.h>

#include "ir/ir.h"

typedef struct Frontend Frontend;
typedef struct CpuPorts CpuPorts;
typedef struct Trans Trans;

/* What kind of access failed or is asked about. */
typedef enum MemAccess { MEM_READ, MEM_WRITE, MEM_FETCH } MemAccess;

typedef enum MemFaultKind {
    MEM_FAULT_WALK,     /* the walker refused: details in MemFault.guest */
    MEM_FAULT_ALIGN,    /* misaligned where alignment is demanded (strict alignment, device memory, exclusives) */
    MEM_FAULT_BUS,      /* no device or RAM answers at gpa, or the device refuses: synchronous external abort */
    MEM_FAULT_WATCH,    /* a guest's own watchpoint */
    MEM_FAULT_STACK,    /* misaligned stack pointer as a base (IR `aligned`) */
} MemFaultKind;

typedef struct MemFault {
    MemFaultKind kind;
    MemAccess access;
    uint64_t va;       /* first byte that could not be accessed, tag byte included */
    uint64_t guest;    /* front end's own description, from MemXlat */
    bool check_only;   /* a cache-maintenance or atomic access whose syndrome the front end adjusts by `aux` */
    unsigned aux;      /* IrCheck bits of the access; 0 for fetches */
} MemFault;

/* Result of a translation. */
typedef struct MemXlat {
    uint64_t pa;          /* of va, not only of its page */
    bool readable, writable, executable; /* for the privilege asked about */
    bool device;          /* accesses are not speculated, misaligned ones fault, never on the fast path */
    bool global;          /* valid in every address space (ASID) of the regime */
    uint8_t page_bits;    /* log2 of the mapping (block or contiguous run) that va lies in; at least IR_PAGE_BITS */
    uint64_t guest_fault; /* set when the walk fails: goes into MemFault.guest */
} MemXlat;

/* A privilege/regime combination that data accesses can be made under: index of a bank family. */
typedef struct MemContext {
    uint32_t regime;   /* small number chosen by the front end: {regime, privilege, PAN, MMU on}; < 64 */
    uint64_t asid;     /* address-space id: {ASID or VMID, or 0}. Two contexts with equal regime and asid share TLB entries */
} MemContext;

/* -- what the outside offers a CPU -- */
struct CpuPorts {
    void *opaque;
    /* Physical memory, for page-table walks and semihosting. size 1..8, little-endian value. False: nothing answers there. */
    bool (*phys_read)(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t *value);
    bool (*phys_write)(void *opaque, Env *env, uint64_t pa, unsigned size, uint64_t value);
    /* Atomic on RAM: expected -> value; false when it held something else or is not RAM (hardware access-flag updates). */
    bool (*phys_cas64)(void *opaque, Env *env, uint64_t pa, uint64_t expected, uint64_t value);
    /* Where the byte at va is, if the translator happens to know that the CPU's current privilege may access it so; else
     * false, which says nothing. May be NULL. */
    bool (*known)(void *opaque, Env *env, uint64_t va, MemAccess access, uint64_t *pa);
    /* Guest virtual memory, as the CPU's current privilege would access it; for semihosting. False: fault (not taken). */
    bool (*virt_read)(void *opaque, Env *env, uint64_t va, void *buffer, uint64_t size);
    bool (*virt_write)(void *opaque, Env *env, uint64_t va, const void *buffer, uint64_t size);
    /* DC ZVA and its kind go through IR; the rest of cache maintenance: */
    void (*code_written)(void *opaque, Env *env, uint64_t pa, uint64_t size); /* IC IVAU / icbi: blocks made from there are stale */
    void (*code_flush)(void *opaque, Env *env);                               /* IC IALLU */
    /* TLB maintenance; a front end calls these from helpers with IRH_SYNC. asid as in MemContext. flush_page: every
     * mapping that contains va goes; last_level: the tables that lead to it are the same as before. everywhere: on all
     * CPUs, of which the others may take until `barrier`. */
    void (*tlb_flush_all)(void *opaque, Env *env, bool everywhere);
    void (*tlb_flush_asid)(void *opaque, Env *env, uint64_t asid, bool everywhere);
    void (*tlb_flush_page)(void *opaque, Env *env, uint64_t va, bool any_asid, uint64_t asid, bool last_level,
                           bool everywhere);
    /* What this CPU has done with `everywhere` and to code is finished on all CPUs before its next insn: the front end
     * ends the block behind the call. May be NULL where there is one CPU, like the next two. */
    void (*barrier)(void *opaque, Env *env);
    /* Events: send_event sets the event register of every CPU (SEV), or of this one. wait_event clears it when it is set;
     * else the CPU gives up its host for a while before its next insn, or until an event, an interrupt or a change of what
     * the exclusive monitor watches: the front end ends the block. */
    void (*send_event)(void *opaque, Env *env, bool everywhere);
    void (*wait_event)(void *opaque, Env *env);
    /* The current MemContext or mode has changed (exception, return, TTBR or SCTLR write): recompute env.bank and env.space. */
    void (*context_changed)(void *opaque, Env *env);
    /* Time in nanoseconds of the machine's one clock, and one-shot alarms: `timer_expired` of the front end is called
     * on the vCPU's thread at or after `deadline` (UINT64_MAX: never). `timer` < FRONTEND_TIMERS. */
    uint64_t (*now)(void *opaque);
    void (*timer_set)(void *opaque, Env *env, unsigned timer, uint64_t deadline);
    /* An output of the CPU towards the interrupt controller (generic timer, PMU): line < 32 is the front end's number. */
    void (*irq_out)(void *opaque, Env *env, unsigned line, bool level);
    /* Power control; the machine acts at the next safepoint. `code` is the exit status of the process for EXIT. */
    void (*power)(void *opaque, Env *env, int action /* CpuPower */, int code);
    int (*cpu_on)(void *opaque, Env *env, uint64_t id, uint64_t entry, uint64_t context); /* CpuOnResult */
    /* Is CPU `id` running? NULL: only the CPU that asks exists. Negative: no such CPU. */
    int (*cpu_state)(void *opaque, Env *env, uint64_t id); /* CpuRunState */
    /* The guest calls the firmware or hypervisor that the machine plays: it reads and writes the CPU's registers by the
     * front end's own header. From a helper with IRH_FAULT and IRH_SYNC; the front end ends the block behind the call.
     * False: there is none. */
    bool (*firmware)(void *opaque, Env *env);
    /* The CPU waits for what `wakes` it in front of the insn at pc, where the block in hand ends: IR_EXIT_HALT for helpers. */
    void (*halt)(void *opaque, Env *env, uint64_t pc);
    bool semihosting;  /* -semihosting was given */
    FILE *semihosting_console; /* where SYS_WRITEC and :tt go; borrowed */
    /* One line for -d unimp / guest_errors; printf. The runtime drops it when the item is off. */
    void (*log)(void *opaque, Env *env, int item /* CpuLog */, const char *format, ...) G_GNUC_PRINTF(4, 5);
};
enum { FRONTEND_TIMERS = 8 };
typedef enum CpuPower { CPU_POWER_OFF, CPU_POWER_RESET, CPU_POWER_EXIT, CPU_POWER_CPU_OFF } CpuPower;
typedef enum CpuOnResult { CPU_ON_OK, CPU_ON_BAD_ID, CPU_ON_ALREADY_ON, CPU_ON_PENDING } CpuOnResult;
typedef enum CpuRunState { CPU_STATE_ON, CPU_STATE_OFF, CPU_STATE_PENDING } CpuRunState;
typedef enum CpuLog { CPU_LOG_UNIMP, CPU_LOG_GUEST_ERROR, CPU_LOG_INT, CPU_LOG_MMU } CpuLog;

/* -- what a CPU offers -- */

/* Configuration of one CPU, from -cpu and the machine. */
typedef struct CpuConfig {
    unsigned index;            /* 0 ... */
    const char *model;         /* name from `models` */
    uint64_t counter_hz;       /* frequency of the architectural counter; 0: the model's own */
    unsigned cluster;          /* CPUs in each lowest group of the CPUs' identities; 0: the front end's own */
    bool smp;                  /* there are other CPUs: part of the mode, for what one CPU need not do */
    const CpuPorts *ports;     /* borrowed, outlives the CPU */
} CpuConfig;

/* Interrupt inputs of a CPU: levels, set by the machine under no lock (atomics in the front end's struct). */
typedef enum CpuLine { CPU_LINE_IRQ, CPU_LINE_FIQ } CpuLine;

/* One register for gdb, dumps and state: value read by .peek, without side effects. */
typedef struct CpuReg {
    const char *name;
    const char *feature; /* gdb feature this register belongs to, e.g. "org.gnu.gdb.aarch64.core" */
    uint8_t bits;
    void (*peek)(const Env *env, unsigned arg, IrVal *v);
    void (*poke)(Env *env, unsigned arg, const IrVal *v);
    unsigned arg;
} CpuReg;

/* A register of the CPU that a device outside holds (the CPU interface of an interrupt controller). `code` is as insns
 * name it: Arm op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2. Only the system level reaches it. Called on the
 * CPU's thread; `arg` is the row's, `opaque` the bank's. After a write interrupts are looked for. */
typedef struct CpuDeviceReg {
    const char *name; /* as all strings: borrowed for ever */
    uint16_t code;
    unsigned arg;
    uint64_t (*read)(void *opaque, unsigned arg);              /* NULL: write-only */
    void (*write)(void *opaque, unsigned arg, uint64_t value); /* NULL: read-only */
} CpuDeviceReg;
typedef struct CpuDeviceRegs {
    const CpuDeviceReg *regs; /* codes must be new to the CPU */
    unsigned count;
    void *opaque;
    void (*reset)(void *opaque); /* the CPU is reset, perhaps alone */
} CpuDeviceRegs;

/* A span of the CPU's struct that is guest state: everything that reset sets and snapshot keeps. */
typedef struct CpuState {
    const char *name;
    uint32_t offset; /* from the start of Env */
    uint32_t size;
    uint64_t mask;   /* bits of the number in the span that mean something; 0: all */
} CpuState;

struct Frontend {
    const char *name;               /* "arm" */
    const IrSlot *slots;
    unsigned slot_count;
    const IrHelper *helpers;
    unsigned helper_count;
    const char *const *models;      /* NULL-terminated names for -cpu, newest last; "max" among them */
    size_t state_size;              /* of the struct in Env.guest, at most IR_GUEST_STATE_MAX */
    const CpuState *state;          /* ends with a NULL name */
    CpuState inputs;                /* the span of state that other threads write (set_line), inside Env.guest */
    const CpuReg *regs;             /* those of gdb's own features ("org.gnu.gdb.") first, in gdb's order */
    unsigned reg_count;
    const char *gdb_architecture;   /* as gdb calls it */

    /* Makes the CPU what `config` says (fills feature words); then reset makes it cold. Error: unknown model. */
    bool (*init)(Env *env, const CpuConfig *config, GError **error);
    void (*finish)(Env *env);       /* frees what init allocated */
    /* Before the CPU runs, once: it has these registers too. Copied. */
    void (*add_regs)(Env *env, const CpuDeviceRegs *bank);
    void (*reset)(Env *env);
    /* Boot protocol support: start executing at pc with the first integer argument registers set. */
    void (*set_entry)(Env *env, uint64_t pc, const uint64_t *args, unsigned count);

    /* The number that guests call the CPU by, as in CpuPorts.cpu_on. */
    uint64_t (*id)(const Env *env);
    /* Everything that decoding, or the code generated for a block, depends on besides the bytes. The highest bit is tcg's. */
    uint64_t (*mode)(const Env *env);
    /* Contexts of current and of unprivileged data accesses, and of fetches (always the current). */
    MemContext (*context)(const Env *env, bool unprivileged);
    /* Walks the page tables for va in the current state. unprivileged: as the lower level. False: xlat->guest_fault. */
    bool (*walk)(Env *env, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat);
    /* Maintenance: `walk` forgets what it remembers of the page tables above the last level. May be NULL. */
    void (*forget_tables)(Env *env);
    /* Fetches see stores without maintenance of each line they touched: POWER, whose systems maintain one line to be in time
     * for all. Stores to code are then always looked for. */
    bool coherent_fetch;
    /* Does the guest want accesses to [va, va+size) trapped (hardware watchpoints)? Called only when `watching`. */
    bool (*watching)(const Env *env);
    bool (*watch_hit)(Env *env, uint64_t va, unsigned size, MemAccess access);
    /* Takes the exception for a failed access or fetch of the insn at env.pcbase + env.insn_off (fetch: env.pc).
     * On return env.pc is the vector and the mode may differ. */
    void (*mem_fault)(Env *env, const MemFault *fault);

    /* Interrupts. set_line: any thread; afterwards the caller kicks the vCPU. */
    void (*set_line)(Env *env, unsigned line, bool level);
    bool (*deliverable)(const Env *env);   /* an interrupt would be taken now (masks considered) */
    bool (*wakes)(const Env *env);         /* WFI should end (masks not considered) */
    void (*take_interrupt)(Env *env);      /* with deliverable true and env.pc exact: takes the highest */
    void (*timer_expired)(Env *env, unsigned timer);

    /* `state` was filled from a snapshot that may be damaged: checks it, computes what follows from it and asks for
     * its alarms again; it stays as it is. Error: no CPU can be in this state. */
    bool (*restored)(Env *env, GError **error);

    /* Translates the insn at t->code (t->avail bytes are there; at least insn_min) at page offset t->off: emits its IR,
     * sets t->insn_len, and t->ended when it emitted a terminator. */
    void (*translate)(Trans *t);
    uint8_t insn_min, insn_max;            /* bytes */
    /* Text of the insn at bytes; returns its length. pc for branch targets; mode as `mode` gives it. */
    unsigned (*disasm)(const uint8_t *bytes, unsigned avail, uint64_t pc, uint64_t mode, GString *out);
    void (*dump)(const Env *env, GString *out);   /* registers for people: -d cpu, info registers */
};

/* The state of one translation, shared by translate.c and the front end. */
struct Trans {
    const Frontend *frontend;
    Env *env;            /* for what init and add_regs have set alone: features, rows of registers, identification, ports. Its
                          * state may change meanwhile, under another thread: what depends on that goes by `mode` */
    uint64_t mode;
    IrBlock *ir;
    const uint8_t *code; /* bytes of the current insn */
    unsigned avail;
    int32_t off;         /* page offset of the current insn */
    unsigned insn_len;
    bool ended;          /* a terminator has been emitted */
    bool again;          /* go on at `start`, or where the path does: the way out, if there is one, has been emitted */
    bool sync;           /* end the block after this insn (exit NEXT follows): the insn changed what decoding depends on */
    bool follows;        /* the block follows a path */
    bool owes;           /* a branch back was followed that would have polled: every way out does */
    int32_t start;       /* page offset of the first insn */
    const uint16_t *follow; /* the page offset at which the path goes on behind this insn; NULL: there is no path, or it ends here */
    unsigned rounds;     /* see TransRequest; those left, this one included, if there is room for another */
    unsigned leaves;     /* so many more conditional branches may be left by in the middle of the block; see frontend_branch */
    unsigned leaving;    /* ...and only those of the insns before this one, counted from 1 */
    void *scratch;       /* the front end's own, for one insn */
    const void *ahead;   /* the front end's own, for one block: what it has found out about an insn yet to come... */
    uint32_t ahead_of;   /* ...whose bytes are these */
    uint32_t known;      /* the front end's own, for one block; 0 at its start. Arm: value known to be 16-byte aligned */
};

/* -- translate.c -- */

typedef struct TransRequest {
    const Frontend *frontend;
    Env *env;
    uint64_t mode;
    const uint8_t *page;      /* the 4 KiB of the page the block starts in */
    unsigned offset;          /* of the first insn */
    const uint8_t *next_page; /* bytes after the page for an insn that crosses, or NULL: not (yet) fetchable */
    unsigned max_insns;
    int32_t stop_offset;      /* end the block in front of this page offset (breakpoint), or -1 */
    unsigned rounds;          /* a branch back to the first insn may go on there this many times, as far as max_insns allows */
    /* For frontend_translate_path: */
    const uint16_t *path;     /* page offsets of the insns, in the order in which they are executed; the first is `offset` */
    unsigned path_len;
    bool cycle;               /* behind the last of them comes the first */
} TransRequest;

typedef enum TransResult {
    TRANS_OK,
    TRANS_NEEDS_NEXT_PAGE, /* the first insn crosses and next_page is NULL */
} TransResult;

/* For front ends: a direct branch by `displacement` where cond holds of flags, else on to the insn behind, at `next`. It
 * ends the block, or the block goes on, where it is likely to or its path does, with a way out here. */
void frontend_branch(Trans *t, IrCond cond, uint32_t flags, int32_t displacement, int32_t next);

/* For front ends: a direct jump by `displacement`. It ends the block, or its path goes on there. */
bool frontend_follow_jump(Trans *t, int32_t displacement);
static inline void frontend_jump(Trans *t, int32_t displacement) {
    if (G_LIKELY(!t->follows) || !frontend_follow_jump(t, displacement)) {
        ir_put(t->ir, IR_jump, IR_VOID, displacement <= 0, (uint32_t)(t->off + displacement), 0, 0);
        t->ended = true;
    }
}

/* For front ends, before an insn that may jump indirectly has written anything: where cond holds of flags, the block is left in
 * front of it, to have it done by itself. False: nothing is emitted; that would be this very block. */
bool frontend_leave(Trans *t, IrCond cond, uint32_t flags);

/* For front ends, before the insn has written anything: an indirect jump to va. True: the path goes on at its destination; if
 * that is not known to be va, the block is left in front of the insn where it is not. Then the jump itself is done. False: it
 * has to be made as ever. */
bool frontend_follow_to(Trans *t, uint32_t va);
static inline bool frontend_indirect(Trans *t, uint32_t va) {
    return G_UNLIKELY(t->follow) && frontend_follow_to(t, va);
}

/* Fills ir with one verified-able block; *end receives the page offset after its last byte. */
TransResult frontend_translate(const TransRequest *request, IrBlock *ir, unsigned *end);

/*
 * The same of the insns of a path, up to request.max_insns of them: calls, jumps and branches on it are followed, whatever
 * would leave it leaves the block. The block ends earlier where an insn cannot be followed, or does not lead to the next one of
 * the path; ir->insns tells. It was made from the page's bytes from *begin to *end. `rounds` does not count.
 */
TransResult frontend_translate_path(const TransRequest *request, IrBlock *ir, unsigned *begin, unsigned *end);

extern const Frontend frontend_arm, frontend_ppc;

#endif
