/* SPDX-License-Identifier: MIT */
/*
 * vcpu.h - what the files of tcg/ share: vCPUs, blocks, the page index, banks.
 *
 * Locking: Tcg.lock guards blocks, pages and code memory. A vCPU's TLBs belong to its thread; other threads reach
 * them through `requests` and the inbox, which the owner drains at a safepoint (between blocks). Blocks and their code
 * are freed only while no vCPU is inside (smp.c), so whoever is inside may hold on to those it has found.
 */
#ifndef TCG_VCPU_H
#define TCG_VCPU_H

#include <time.h>

#include "ir/host.h"
#include "tcg/tcg.h"

typedef struct Walk Lowerer; /* lower.h */

enum {
    PAGE_SIZE = 1 << IR_PAGE_BITS,
    BANKS = 16,
    BANK_ENTRIES = 4096,
    LARGE_ENTRIES = 32768, /* of a bank that has been filled many times over */
    LARGE_FILLS = 4 * BANK_ENTRIES,
    BANK_LOG = 1024,     /* entries that a bank remembers having filled, to clear them alone */
    PAGE_FILTER = 1 << 16,
    CODE_FILTER = 1 << 15,
    L2_SETS = 4096,
    L2_WAYS = 4,
    HINT_MISSES = 4096,  /* after so many the translator looks how long they took: more than one in... */
    HINT_MISS_NS = 100,  /* ...so many ns, and the hint costs more than it brings */
    SECOND_HITS = 256,   /* of second choices in generated code, before one goes to C: see env.second_hits */
    MERGE_FAILURES = 8,  /* of one insn: its block does better without merged checks */
    ASID_GENS = 257,     /* the last for translations of every ASID */
    SPACES = 256,
    CODE_MAPS = 32,
    CODE_RANGES = 768,
    CODE_SLOTS = 1024,
    LARGE_MAPS = 64,
};

/* Bits of Vcpu.requests. */
enum {
    REQUEST_STOP = 1 << 0,      /* leave the run loop */
    REQUEST_ALARM = 1 << 1,     /* look at the timers */
    REQUEST_LINES = 1 << 2,     /* interrupt inputs have changed */
    REQUEST_FLUSH_TLB = 1 << 3, /* drop every cached translation of addresses */
    REQUEST_FLUSH_CODE = 1 << 4, /* drop every block */
    REQUEST_PAUSE = 1 << 5,     /* see whether a debugger wants a pause */
    REQUEST_SAMPLE = 1 << 6,    /* tier 2 wants to know where it is */
};

/* The number of a block, 0 for none; and of an exit: that of its block and which of its exits it is. Generated code names
 * exits by it when it leaves. */
enum { TB_EXITS = 24, TB_EXIT_BITS = 5 };
typedef uint32_t TbRef, TbExitRef;

/* A direct exit of a block: a jump that can be patched to go to another block. */
typedef struct TbExit {
    uint16_t jump;   /* offset in the block's code of the 4-byte displacement */
    uint16_t stub;   /* offset of the code it goes to when not chained */
    uint16_t off;    /* page offset of the guest insn it leads to, or with TB_OFF_PLAIN to the plain block there */
    TbRef target;    /* where it goes now */
    TbExitRef next;  /* another exit that goes there */
} TbExit;

/* In a block's mode: it is a plain one, where each access has a check of its own, of an insn whose merged check, in a block
 * of several rounds of a loop, would go across two pages. */
#define TB_PLAIN (UINT64_C(1) << 63)
enum { TB_OFF_PLAIN = 1 << 15 };

/* What few blocks have. */
typedef struct TbExtra TbExtra;

/* What a block was made as. */
typedef enum TbKind {
    TB_BLOCK,
    TB_UNROLLED, /* a loop that has been tried to hold several times over */
    TB_REGION,   /* of tier 2 */
} TbKind;

/* A translated run of guest insns, all on one page. */
typedef struct Tb {
    uint64_t pa;          /* of its first byte */
    uint64_t mode;
    const uint8_t *host;  /* entry (executable address), or NULL */
    TbExtra *extra;       /* or NULL */
    TbRef ref;            /* its own */
    TbRef hash_next;
    TbRef page_next;      /* another block made from this page */
    TbExitRef incoming;   /* exits that go to this block: list through TbExit.next */
    uint32_t host_bytes;
    uint16_t bytes;       /* guest bytes it was made from */
    uint16_t insns;
    bool valid;
    uint8_t kind;         /* TbKind */
    uint8_t rounds;       /* TB_BLOCK: how often it came back to itself by way of C */
    uint8_t exit_count;
    uint8_t jump_page;    /* where jump caches may hold it: part of them for the page (from 1), 0: nowhere, 255: anywhere */
    uint16_t inner;       /* pins of its own: where, in its code, it goes on that comes back to its head from within; else 0 */
    TbExit exits[TB_EXITS]; /* there is memory for exit_count of them */
} Tb;

struct TbExtra {
    uint64_t first;       /* region: address of the first byte that it was made from */
    IrBlock *ir;          /* interpreter */
    IrBlock *plain_ir;    /* --verify: before passes */
    int32_t given_off;    /* --verify: page offset of the first insn that host code has no rule for, or -1 */
    uint32_t bans;        /* Tcg.bans when `code` was taken */
    uint8_t *code;        /* the block's bytes, where code has changed before: to know it again; or NULL */
    Tb *dead_next;        /* while it is dead: others with that hash of the content */
    HostMark *marks;      /* host offset -> page offset of the insn; only where somebody may print it */
    uint32_t mark_count;
};

G_STATIC_ASSERT(offsetof(Tb, exits) == 64);

/* A guest-physical page that code was made from. */
typedef struct CodePage {
    uint64_t pa;
    struct CodePage *next;
    TbRef tbs;
    uint64_t lines;       /* a bit for each 64 bytes that blocks may have been made from */
    uint64_t stored;      /* the same for stores that were seen, since the guest's last maintenance there */
    uint32_t slow_stores; /* stores that were seen since the last block was killed */
    uint32_t maintained;  /* times that the guest has maintained lines it had stored to */
    bool guarded;         /* stores do not go the fast way */
    bool unprotected;     /* they do for ever; only cache maintenance by the guest invalidates */
    bool changes;         /* a block was killed here */
} CodePage;

typedef struct L2Entry {
    uint64_t key;   /* va page | regime << 1 | 1; 0 = empty (va page bits: 12 and up) */
    uint64_t asid;  /* or ANY_ASID */
    uint64_t pa;    /* of the page */
    uint8_t *host;  /* of the page when it has been asked for and is memory, or NULL */
    uint32_t gen;      /* valid while it is Vcpu.l2_gen... */
    uint32_t asid_gen; /* ...and this is the ASID's */
    uint8_t flags;     /* L2_* */
    uint8_t bits;      /* log2 of the mapping that the page is in */
} L2Entry;
enum { L2_R = 1, L2_W = 2, L2_X = 4, L2_DEVICE = 8, L2_ROM = 16 };

/* A set of pages that may hold more than was put in. */
typedef uint64_t PageFilter[PAGE_FILTER / 64];
static inline unsigned page_filter_bit(uint64_t pa) {
    uint64_t page = pa >> IR_PAGE_BITS;
    return (unsigned)(page ^ page >> 16) & (PAGE_FILTER - 1);
}
static inline void page_filter_add(PageFilter f, uint64_t pa) {
    unsigned bit = page_filter_bit(pa);
    uint64_t bits = __atomic_load_n(&f[bit >> 6], __ATOMIC_RELAXED) | UINT64_C(1) << (bit & 63);
    __atomic_store_n(&f[bit >> 6], bits, __ATOMIC_RELAXED); /* one thread at a time adds; others may look */
}
static inline bool page_filter_has(const PageFilter f, uint64_t pa) {
    unsigned bit = page_filter_bit(pa);
    return __atomic_load_n(&f[bit >> 6], __ATOMIC_RELAXED) >> (bit & 63) & 1;
}

typedef struct Bank {
    uint32_t regime;
    uint64_t asid;
    bool used;
    uint64_t last_use;
    bool pushed;         /* some second choice is filled */
    uint32_t filled;     /* fills since it was cleared */
    uint16_t log[BANK_LOG]; /* entries of the table that the first of them went to */
    unsigned entries;    /* BANK_ENTRIES or, with the large table, LARGE_ENTRIES */
    IrTlbEntry *table;   /* of so many, IR_TLB_VICTIMS in front of it */
    IrTlbEntry *small;   /* the one that it has for itself */
} Bank;

/* Pages that entries of the jump cache were made for, and where they are; see space.c. */
typedef struct CodeRange {
    uint64_t va, pa; /* of the first byte */
    uint8_t bits;    /* log2 of its size */
    bool gone;       /* there are no entries for it any more */
} CodeRange;
typedef struct CodeMap {
    uint64_t mode;
    uint64_t id;       /* xored into keys; 0: unused */
    uint64_t last_use;
    unsigned count;
    bool full;         /* of more pages than can be listed: they are not */
    uint16_t slots[CODE_SLOTS]; /* by hash of an address: where in `ranges` to look first */
    CodeRange ranges[CODE_RANGES];
} CodeMap;

/* The code map of one {mode, ASID}. */
typedef struct Space {
    uint64_t mode, asid;
    CodeMap *map;
    uint64_t id;       /* the map's when it was chosen */
    unsigned seen;     /* how many of the map's pages are known to be the same here... */
    bool stale;        /* ...or were, before some maintenance */
} Space;

/* What one vCPU does to the TLBs of others. */
typedef enum MaintKind { MAINT_ALL, MAINT_ASID, MAINT_PAGE, MAINT_PAGE_ANY, MAINT_UNMAP_WRITES } MaintKind;
typedef struct Maint {
    MaintKind kind;
    bool last_level; /* of a page: no table has changed */
    uint64_t addr, asid;
} Maint;
enum { MAINT_MAX = 64 };
typedef struct MaintList {
    unsigned count;
    Maint items[MAINT_MAX];
} MaintList;

typedef struct LargeMap {
    uint64_t base, size;
} LargeMap;

/* What a debugger wants of a vCPU. Under TcgDebug.lock, or while the vCPU is quiet, unless said otherwise. */
typedef struct VcpuDebug {
    bool quiet;       /* waits for tcg_resume, or has no thread */
    bool hold;        /* another vCPU steps */
    bool step;        /* stop after one insn */
    bool skip;        /* the insn at skip_pc has been reported: no breakpoint stops it again... */
    bool skip_watch;  /* ...nor a watchpoint */
    bool over;        /* it is running now, unwatched (vCPU thread) */
    bool look;        /* debug_insn must be asked in front of each block: any of the above, or breakpoints */
    uint64_t skip_pc;
} VcpuDebug;

enum { DEBUG_POINTS = 256 };
typedef struct DebugPoint {
    TcgPointKind kind;
    uint64_t va, size;
} DebugPoint;

typedef struct TcgDebug {
    GMutex lock;
    GCond changed;
    bool paused;            /* under lock */
    bool step_interrupts;
    unsigned breaks, watches; /* how many of... */
    unsigned count;
    DebugPoint points[DEBUG_POINTS]; /* changed only while all vCPUs are quiet */
} TcgDebug;

/* How often the merged check of an insn could not be satisfied. */
typedef struct MergeFailure {
    uint64_t pa;
    uint32_t count;
} MergeFailure;

struct Vcpu {
    Env *env;
    Tcg *tcg;
    const Frontend *frontend;
    unsigned index;
    CpuPorts ports;
    GThread *thread;
    GThread *self;        /* set by the thread itself */
    uint32_t requests;    /* atomic */
    uint32_t halted;      /* atomic: waits in vcpu_halt */
    GMutex halt_lock;
    GCond halt_cond;
    uint64_t patience;    /* ns that the next wait looks before it sleeps: what was too short last time, else ever less */
    bool stop;
    uint64_t waits_at;    /* pc at which the guest waits for an interrupt, across pauses and stops; or UINT64_MAX */

    uint64_t deadlines[FRONTEND_TIMERS];
    uint64_t alarm;       /* what the machine has been asked for */

    void *tlb_memory;     /* of the tables of banks and of l2 */
    IrTlbEntry *large_table; /* for one bank at a time, whose memory is made when it is first wanted */
    Bank banks[BANKS];
    uint64_t bank_clock;
    L2Entry (*l2)[L2_WAYS];
    uint32_t l2_gen;
    uint32_t asid_gens[ASID_GENS]; /* by asid_slot */
    uint8_t l2_victim;
    L2Entry *found;       /* what tlb_translate has used last */
    Bank *bank, *unpriv;  /* those of env.bank and env.unpriv */
    PageFilter written;   /* pages that fast-path stores may reach */
    LargeMap large[LARGE_MAPS];
    unsigned large_count;
    Space spaces[SPACES], *space; /* by hash; the current one */
    CodeMap maps[CODE_MAPS];
    uint64_t code_filter[CODE_FILTER / 64]; /* bit per hash of va pages that jump-cache entries were made for */
    uint64_t map_clock;
    unsigned next_map;
    MemContext context, unpriv_context;

    /* smp.c */
    uint32_t inside;      /* atomic: may run guest code and hold on to blocks */
    uint32_t power;       /* atomic: CpuRunState */
    uint64_t entry, entry_context; /* while it is CPU_STATE_PENDING */
    uint32_t event;       /* atomic: the event register */
    bool unsynced;        /* has done maintenance that the others need not have seen... */
    bool barrier;         /* ...and waits for them at the next safepoint */
    uint8_t wait_event;   /* bool: waits for an event at the next safepoint */
    MaintList out;        /* what the others get at the next barrier */
    GMutex inbox_lock;
    MaintList inbox;      /* under inbox_lock */
    uint64_t given, done; /* atomic: times something was put into the inbox; and how much of it has been seen */

    /* serial.c */
    uint64_t turn_end;    /* -icount: insns retired at which its turn ends; 0: it is not its turn */
    uint32_t next;        /* bool: it is its turn, or will be */
    uint32_t stays;       /* in blocks in this turn */
    uint8_t turn_over;    /* bool: it ends at the next safepoint */

    int32_t granted;      /* -icount: what env.budget was filled to */
    uint64_t warp;        /* -icount: ns skipped while waiting for interrupts */
    uint64_t published;   /* -icount: virtual time for other threads */
    IrInterp *interp;
    IrBlock *ir;          /* scratch of translation */
    IrBlock *slow_ir;     /* scratch of single insns */
    Lowerer *lowerer;     /* or NULL */
    struct Verify *verify; /* --verify, or NULL */
    uint64_t fetch_va;    /* page last fetched from... */
    uint64_t fetch_pa;    /* ...and where it is, valid while fetch_ok */
    uint8_t fetch_bits;   /* log2 of the mapping it is in */
    bool fetch_ok;
    uint8_t insns[PAGE_SIZE]; /* those that are being translated, when they may change meanwhile */
    uint64_t safepoints;  /* atomic: how many it has come to; written by its thread, read by watch.c */
    int cpu_clock;        /* atomic: of its thread's CPU time, for clock_gettime; 0: none yet */
    void *signal_stack;  /* of the thread, for handlers: its own may be full */
    uint64_t met_pc;      /* tier 2: where it was when it was asked last; or UINT64_MAX */
    struct RegionSamples *samples; /* tier 2: where it has been met how often, or NULL */
    uint64_t unroll_pa;   /* the next block made from here holds several rounds of its loop; UINT64_MAX: none */
    uint64_t evict_count; /* x-evict: blocks made since code memory was emptied */
    Tb *running;          /* block being interpreted or last entered */
    MergeFailure unmerged[256]; /* by hash of the insn's address */
    MergeFailure *unmerged_last; /* the one that was counted for the insn that C is about to run, or NULL */
    gint64 hint_since[IR_PAGE_HINTS]; /* host time (us) at which the misses of each page hint were counted last */
    gint64 run_since[IR_PAGE_HINTS];  /* the same of page runs */
    uint64_t run_bytes[IR_PAGE_HINTS]; /* length of those that are known, by */
    uint32_t runs_known;               /* bit per page run */
    uint8_t run_strikes[IR_PAGE_HINTS]; /* times in a row that a known one was missed too fast */
    VcpuDebug debug;
    TcgStats stats;
};

enum { TB_BUCKETS = 1 << 17, PAGE_BUCKETS = 1 << 12, DEAD_BUCKETS = 1 << 12, DEAD_KEPT = 4 };

enum {
    SLOW_STORES = 256, /* without a block killed: the page holds data that is written */
    MAINTENANCE = 8,   /* of lines stored to: the page holds code of somebody who maintains what he writes */
};

struct Tcg {
    TcgConfig config;
    Vcpu *vcpus[TCG_VCPUS];
    unsigned vcpu_count;
    GMutex lock;
    TbRef *tb_hash;       /* TB_BUCKETS; at the beginning of tb_memory */
    CodePage **pages;     /* PAGE_BUCKETS */
    PageFilter guarded;   /* pages whose stores have to be seen, for a look without the lock */
    PageFilter banned;    /* pages of insns in one of these two */
    GHashTable *merge_bans; /* physical addresses of insns whose checks are not merged with others; under lock */
    GHashTable *hint_bans; /* physical addresses of insns that get no page hint, with the HostLook they get; under lock */
    uint8_t *tb_memory;   /* all blocks, living and dead, one behind the other, up to... */
    TbRef tb_end;         /* ...here: of the next one */
    Tb **dead;            /* DEAD_BUCKETS, by hash of place and content: blocks that may be wanted again */
    Tb **last_dead;       /* DEAD_BUCKETS, by hash of the place: one that died there last */
    uint32_t bans;        /* times that something was put into hint_bans and merge_bans */
    uint64_t flushes;     /* times that all blocks were dropped */
    const Backend *backend; /* NULL: interpreter only */
    const Backend *broken;  /* x-break: a copy that is owned, or NULL */
    struct Cache *cache;
    HostStubs stubs;
    GMutex world;
    GCond world_changed;  /* somebody has gone outside, or seen his inbox, or no longer has the world alone */
    uint32_t waiters;     /* atomic: for world_changed */
    Vcpu *alone;          /* atomic: all others stay outside */
    uint64_t map_changes, maps_seen; /* atomic; times that the map has changed, and for how many blocks were dropped */
    bool coherent_fetch;  /* as the front end says */
    bool serial;          /* the vCPUs take turns on the first one's thread */
    Vcpu *current;        /* whose turn it is; the first where they have threads of their own */
    bool one_by_one;      /* every block comes back here: no chaining, no jump cache */
    uint64_t ram_writes;  /* atomic: how often other threads than vCPUs have written to RAM */
    struct Regions *regions; /* tier 2, while it runs; or NULL */
    TcgDebug debug;
    TcgStats stats;          /* under lock */
};

static inline Vcpu *vcpu_of(Env *env) {
    return (Vcpu *)env->runtime;
}
/* Host time, to measure translation by; with stats=on the thread's own, which costs more to ask for. */
static inline uint64_t vcpu_now_ns(const Vcpu *v) {
    struct timespec t;
    clock_gettime(v->tcg->config.stats ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
static inline void vcpu_request(Vcpu *v, uint32_t bits) {
    __atomic_fetch_or(&v->requests, bits, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
}

/* -- ports.c -- */
void ports_init(Vcpu *v);
void ports_log(void *opaque, Env *env, int item, const char *format, ...) G_GNUC_PRINTF(4, 5);
void vcpu_run_timers(Vcpu *v);   /* calls timer_expired of those that are due, asks for the next alarm */

/* -- tlb.c -- */
static inline const IrTlbEntry *tlb_entry(const IrTlbBank *b, uint64_t va) { /* where generated code looks first */
    return &b->table[va >> IR_PAGE_BITS & b->mask >> 5];
}
void tlb_init(Vcpu *v);
void tlb_free(Vcpu *v);
void tlb_context_changed(Vcpu *v);
void tlb_flush_all(Vcpu *v);
void tlb_flush_asid(Vcpu *v, uint64_t asid);
void tlb_flush_page(Vcpu *v, uint64_t va, bool any_asid, uint64_t asid, bool last_level);
/* Makes the page of va reachable by the fast path, as far as is said. */
void tlb_fill(Vcpu *v, Bank *b, uint64_t va, uint64_t pa, uint8_t *host, bool readable, bool writable);
bool tlb_entry_valid(Vcpu *v, const L2Entry *e);
void tlb_unmap_writes(Vcpu *v, uint64_t pa); /* no fast-path store may reach the page any more */
/* Translates va; false: *fault is filled. Never takes the exception. */
bool tlb_translate(Vcpu *v, uint64_t va, MemAccess access, bool unprivileged, MemXlat *xlat, MemFault *fault);
void tlb_forget_entries(Vcpu *v); /* the first level is empty; what the walker said stays */

/* -- hint.c -- */
void hint_init(Vcpu *v);
void hint_forget_all(Vcpu *v);               /* what the first level says may not be so any more */
void hint_forget_page(Vcpu *v, uint64_t va); /* the same for one page */
/* An access by the insn at env.insn_off has missed page hint or run i: perhaps once too often. */
void hint_missed(Vcpu *v, unsigned i, HostLook look, uint64_t ea, bool write);
void hint_count_unmerged(Vcpu *v);           /* a merged check by the insn at env.insn_off has failed */
void hint_excuse_unmerged(Vcpu *v, bool faulted); /* what has failed like that, if anything has, was run by itself */

/* -- space.c -- */
void space_select(Vcpu *v); /* the mode or the context has changed: env.space is that of the current one */
/* An entry of the jump cache is about to be made for code at va, which is at pa in a mapping of 2^bits bytes. */
void space_note_code(Vcpu *v, uint64_t va, uint64_t pa, unsigned bits);
/* The translation of the page has changed, in some address space. */
void space_forget_page(Vcpu *v, uint64_t va);
/* Translations of the ASID, or of all, may have changed. */
void space_stale(Vcpu *v, bool any_asid, uint64_t asid);

/* -- ldst.c -- */
extern const IrMemOps ldst_ops;
/* The fast path's answer for [ea, ea + size): a host addend, or IR_ADDEND_SLOW; false: exception taken. */
bool ldst_check(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend);
/* What ldst_check would find, without the first level and without taking the exception. Debuggers' points apart. */
bool ldst_probe(Vcpu *v, uint64_t ea, unsigned size, unsigned aux, MemXlat *x, MemFault *fault);
/* Must stores to the page be seen, because code was translated from it? */
bool ldst_guarded(Tcg *tcg, uint64_t pa);
/* Called from generated code's cold stubs. desc: size | aux << 8 | HostSlow bits << 16. See ir/host.h. */
unsigned ldst_slow(Env *env, uint64_t ea, uint32_t desc);

/* -- tb.c -- */
void tb_init(Tcg *tcg);
void tb_free_all(Tcg *tcg);
enum { TB_UNIT = 16 };
static inline Tb *tb_at(const Tcg *tcg, TbRef ref) { /* ref is not 0 */
    return (Tb *)(void *)(tcg->tb_memory + (size_t)ref * TB_UNIT);
}
static inline TbExitRef tb_exit_ref(const Tb *tb, unsigned slot) {
    return tb->ref << TB_EXIT_BITS | slot;
}
static inline unsigned tb_exit_slot(TbExitRef ref) {
    return ref & ((1u << TB_EXIT_BITS) - 1);
}
static inline Tb *tb_exit_tb(const Tcg *tcg, TbExitRef ref) {
    return tb_at(tcg, ref >> TB_EXIT_BITS);
}
TbExtra *tb_extra(Tb *tb); /* made if it has none */
void tb_drop_extra(Tb *tb);
Tb *tb_next(const Tcg *tcg, const Tb *tb); /* in the order of their making; NULL: the first, or no more */
Tb *tb_find(Tcg *tcg, uint64_t pa, uint64_t mode);
typedef enum LowerResult {
    LOWER_OK,
    LOWER_NO_ROOM, /* the cache must be emptied first */
    LOWER_TOO_BIG, /* the block needs too much of something: try fewer insns */
} LowerResult;
/* Which guest slots the host's registers hold in a block. */
typedef enum LowerPins {
    LOWER_PINS_STANDARD, /* those that they hold everywhere */
    LOWER_PINS_OWN,      /* those that it uses most, where that pays: moved on the way in and out, unless it goes back to its head */
    LOWER_PINS_FORCED,   /* the same wherever it can be done; for tests */
} LowerPins;
/* Where a block belongs, and the bytes of its page that it was made from. */
typedef struct TbPlace {
    uint64_t pa, mode;
    unsigned begin, end; /* offsets */
} TbPlace;
/* A block with host code made from ir, or the interpreter's; nobody finds it yet. Takes `plain`, what ir was before passes,
 * for --verify; or NULL. NULL: see *result. */
Tb *tb_make(Vcpu *v, Lowerer *lowerer, IrBlock *ir, IrBlock *plain, const TbPlace *place, LowerPins pins,
            LowerResult *result);
/* tb, which has just been made as a region, from `first` on, is found instead of old, whose key and page it shares. */
void tb_replace(Vcpu *v, Tb *old, Tb *tb, uint64_t first);
/* --verify: the block as the front end says it, before passes; or NULL. `ir` is lost. */
IrBlock *tb_plain_block(const TransRequest *request, IrBlock *ir);
bool tb_merges(const Tcg *tcg, uint64_t pa); /* may checks be merged as they come?... */
bool tb_may_merge(const Tcg *tcg, uint64_t pa, const IrBlock *ir); /* ...or if not, when the block is complete? */
Tb *tb_translate(Vcpu *v, uint64_t pa, uint64_t va, uint64_t mode, const uint8_t *page, unsigned max_insns,
                 LowerResult *result);
void tb_flush(Tcg *tcg);                                   /* every block; at a safepoint of all vCPUs */
/* Blocks made from these bytes are dead. Returns true when `running` is among them. */
bool tb_invalidate(Tcg *tcg, uint64_t pa, uint64_t size, const Tb *running);
void tb_invalidate_unprotected(Tcg *tcg);                  /* where stores are not seen */
/* A store by a guest's CPU, within a page. As tb_invalidate; and the page may be given up to the fast way. */
bool tb_store(Tcg *tcg, uint64_t pa, unsigned size, const Tb *running);
/* The guest says that code there, within a page, may be stale. */
void tb_maintain(Tcg *tcg, uint64_t pa, uint64_t size);
/* A block that was killed and is right again, or NULL. */
Tb *tb_revive(Vcpu *v, uint64_t pa, uint64_t mode, const uint8_t *page);
CodePage *tb_page(Tcg *tcg, uint64_t pa);                  /* or NULL */
/* Where accesses by the insn at pa do well to look first, if a page hint is thought of. */
HostLook tb_hint_look(const Tcg *tcg, uint64_t pa);
/* Code for the insn at pa does better without what `bans` (hint_bans, merge_bans) stands for: blocks made from it are dead.
 * `value` goes into the table. Answers as tb_invalidate does. */
bool tb_ban(Tcg *tcg, GHashTable *bans, uint64_t pa, unsigned value, const Tb *running);
void tb_chain(Tcg *tcg, Tb *from, unsigned slot, Tb *to);
void tb_remember(Vcpu *v, Tb *tb); /* in the vCPU's jump cache, for env->pc, unless it is dead. Any thread inside */
/* The block has gone round to its own beginning: true while it is not to be chained to itself, for when it has done so a few
 * times it is dropped, to be made anew with several rounds in it. */
bool tb_unroll(Vcpu *v, Tb *tb);

/* -- verify.c, verify_mem.c -- */
int32_t verify_first_given(const Vcpu *v, const IrBlock *ir); /* TbExtra.given_off */
void verify_forget(Vcpu *v);               /* translations of addresses are flushed */
/* A page-table walk reads `size` bytes at `at`, which hold *value; it becomes what the reference has written there. */
void verify_walk(const Vcpu *v, const uint8_t *at, unsigned size, uint64_t *value);
void verify_init(Vcpu *v);
void verify_free(Vcpu *v);
bool verify_before(Vcpu *v, const Tb *tb); /* runs the reference; false: this block is not compared this time */
void verify_after(Vcpu *v, const Tb *tb, IrExit reason);
/* From C called by generated code; nothing happens when the block is not compared. */
void verify_unmerged(Vcpu *v);             /* the block is left in front of an insn, for want of a merged check */
void verify_slow(Vcpu *v);                 /* an access is about to go on that the fast path could not do */
void verify_fault(Vcpu *v, const MemFault *fault); /* it is about to be taken */
void verify_device(Vcpu *v, uint64_t pa, unsigned size, bool write, uint64_t value, bool refused); /* has been accessed */

/* -- smp.c: on the vCPU's thread, unless said otherwise -- */
void vcpu_enter(Vcpu *v);  /* from now on it is inside; waits while somebody has the world alone */
void vcpu_leave(Vcpu *v);
void world_stop(Vcpu *v);  /* returns with all others outside, where they stay; this one holds no blocks */
void world_go(Vcpu *v);
void smp_tell(Vcpu *v, Maint m);       /* all others do it before this one's next barrier ends */
void smp_unmap_writes(Vcpu *v, uint64_t pa); /* tlb_unmap_writes on all vCPUs, sooner or later on the others */
void smp_barrier(Vcpu *v);             /* its next safepoint waits for the others, if need be */
void smp_send_event(Vcpu *v, bool everywhere);
void smp_wait_event(Vcpu *v);          /* its next safepoint waits, unless there was an event */
Vcpu *smp_find(Tcg *tcg, uint64_t id); /* or NULL; any thread */
CpuOnResult smp_turn_on(Vcpu *v, uint64_t entry, uint64_t context); /* any thread */
bool smp_turn_off(Vcpu *v);            /* false: no other is on */
void smp_off(Vcpu *v);                 /* it is not on: starts it, or waits until it shall be or there are requests */
void smp_safepoint(Vcpu *v);
void smp_reset(Vcpu *v);               /* no thread runs */
bool smp_restored(const Vcpu *v, GError **error); /* is its state one that it can be in? */

/* -- serial.c: Tcg.serial -- */
enum { TURN_INSNS = 1 << 16 };
void serial_run(Tcg *tcg);                      /* on the thread, until one of them stops */
bool serial_turn_over(Vcpu *v);
uint64_t serial_insns_left(const Vcpu *v);      /* of its turn; UINT64_MAX when there are no turns */
bool serial_asked(const Vcpu *v);               /* some vCPU has a reason to run. From idle waits */

/* -- debug.c -- */
void debug_init(Tcg *tcg);
void debug_finish(Tcg *tcg);
void debug_thread(Vcpu *v, bool running); /* its thread is about to begin, or has ended */
void debug_wake(Tcg *tcg);                /* vCPUs that wait look at their requests */
/* At a safepoint: waits while there is a pause and nobody wants the thread to end. */
void debug_park(Vcpu *v);
void debug_off(Vcpu *v); /* it is off: a step does nothing */
typedef enum DebugStep {
    DEBUG_NOTHING, /* no debugger is interested in the insn at env->pc: go on as usual */
    DEBUG_DONE,    /* it has been run alone, or the vCPU has to stop in front of it */
    DEBUG_HALT,    /* it has been run, and wants to wait for an interrupt */
} DebugStep;
/* To be called when debug.look is set. */
DebugStep debug_insn(Vcpu *v);
/* Is some byte of the page watched? */
bool debug_watches_page(const Tcg *tcg, uint64_t va);
/* An access in front of its doing: true: it is watched, and the vCPU stops at the insn, which has done nothing. */
bool debug_watch_hit(Vcpu *v, uint64_t va, unsigned size, unsigned aux);

/* -- icount.c -- */
void icount_fold(Vcpu *v, IrExit reason);  /* after a stay in generated code: what has retired goes into env.insns */
uint64_t icount_retired(const Vcpu *v);    /* insns up to this moment, from the vCPU's thread */
bool icount_grant(Vcpu *v);                /* runs timers that are due and fills the budget; false: look around first */
void icount_publish(Vcpu *v);              /* other threads see the time of this moment */
void icount_warp(Vcpu *v);                 /* nothing to run: virtual time jumps to the next deadline */

/* -- watch.c -- */
void watch_thread(Vcpu *v, bool running); /* its thread, which is this one, begins or is about to end */
void watch_inject(const char *how) G_GNUC_NORETURN; /* a fault of our own: see TcgForced.crash */

/* -- exec.c -- */
typedef enum RunEnd {
    RUN_STOPPED,
    RUN_TURN, /* serial: its turn is over... */
    RUN_IDLE, /* ...because it has to wait */
} RunEnd;
RunEnd exec_run(Vcpu *v);
gpointer vcpu_thread(gpointer vcpu);
/* Runs the insn at env->pc alone, by the interpreter. */
IrExit exec_slow_insn(Vcpu *v);

#endif
