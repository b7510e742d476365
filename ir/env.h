/* SPDX-License-Identifier: MIT */
/*
 * env.h - the state of one vCPU that generated code, the IR interpreter and the runtime share.
 *
 * Env is one allocation per vCPU. Its first 256 bytes are reached by host code with 8-bit displacements, so the
 * hottest words and the first guest registers stand there. Guest registers live in `guest`, laid out by the front
 * end and described to everybody else by its slot table (IrSlot). Everything that only C code touches hangs off
 * pointers owned elsewhere.
 */
#ifndef IR_ENV_H
#define IR_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/softfloat.h"

typedef struct Env Env;

/* A value of any IR type. Scalars occupy the low bytes; the rest is unspecified unless the type is v128. */
typedef union IrVal {
    uint64_t u64;
    int64_t i64;
    uint32_t u32;
    int32_t i32;
    uint16_t u16;
    uint64_t d[2];
    int64_t sd[2];
    uint32_t s[4];
    int32_t ss[4];
    uint16_t h[8];
    int16_t sh[8];
    uint8_t b[16];
    int8_t sb[16];
} __attribute__((aligned(16))) IrVal;

/*
 * Condition flags, as a value of type `flags` and as a slot of that type. This is what `lahf; seto al` leaves in ax
 * on an x86-64 host, with the carry in Arm's sense (set when a subtraction did not borrow). All other bits are
 * unspecified: compare only IR_FLAG_MASK.
 */
enum {
    IR_FLAG_N = 1 << 15,
    IR_FLAG_Z = 1 << 14,
    IR_FLAG_C = 1 << 8,
    IR_FLAG_V = 1 << 0,
    IR_FLAG_MASK = IR_FLAG_N | IR_FLAG_Z | IR_FLAG_C | IR_FLAG_V,
};

/*
 * One entry of a first-level TLB bank, as generated code reads it: an access of n bytes at va hits when
 * (tag ^ va) <= 0x1000 - n, and then the host address is va + addend. A tag that can never match is ir_tlb_no_tag().
 */
typedef struct IrTlbEntry {
    uint64_t rtag;
    uint64_t wtag;
    uint64_t addend;
    uint64_t info; /* the runtime's own */
} IrTlbEntry;

/* In tests: matches no page but the first. */
#define IR_TLB_NO_TAG UINT64_C(0xfff)

/* The tag that makes entry `index` of a bank match nothing: a page whose entry is another one. No constant could do:
 * every page number is some guest's. */
static inline uint64_t ir_tlb_no_tag(uint64_t index) {
    return (index ^ 1) << 12;
}

/* A bank as generated code sees it: entry of va = table + (va >> (12 - 5) & mask), mask = (entries - 1) << 5. */
typedef struct IrTlbBank {
    uint64_t mask;
    IrTlbEntry *table;
} IrTlbBank;

/* In front of a bank's table stand its second choices: a page that another one has pushed out of its entry is found
 * there, by a hash that tells apart what the table's index does not. The cold path of a check looks, and goes to C now and
 * then all the same, which fills the page's entry again: who pushed it out may be long done, and the page a hot one. */
enum { IR_TLB_VICTIM_BITS = 9, IR_TLB_VICTIMS = 1 << IR_TLB_VICTIM_BITS };
static inline unsigned ir_tlb_victim(uint64_t va) {
    uint64_t page = va >> 12;
    return (unsigned)(page ^ page >> IR_TLB_VICTIM_BITS) & (IR_TLB_VICTIMS - 1);
}

/* The TLB entry that accesses off one base register reached last. Such accesses stay on one page for long (the stack, an
 * array, a table), and finding the entry here, in place of by the address, keeps the table out of their way. `bad` is 0
 * when the tag holds, all ones when it does not: any tag could be some guest's page. */
typedef struct IrPageHint {
    uint64_t rtag, wtag;
    uint64_t rbad, wbad;
    uint64_t addend;
    int32_t misses;  /* how many more before the translator looks whether the hint pays */
    uint32_t unused;
} IrPageHint;
enum { IR_PAGE_HINTS = 32 };

/* Neighbouring pages whose host addresses rise with the guest's, or fall page by page as those do that Linux hands out
 * from what was freed last: for insns that a page hint does not serve, because they go to and fro between pages. Within,
 * host address = va + addend - (2 * va & fall): nothing has to be looked up by the address. */
typedef struct IrPageRun {
    uint64_t low;        /* va of the first */
    uint64_t rising[2][3]; /* [for writing][size: see ir_run_size]: so many bytes from `low` an access may begin; 0: nowhere */
    uint64_t either[2];  /* the same, also in a run that falls, for naturally aligned accesses */
    uint64_t addend;
    uint64_t fall;       /* 0, or 2 * the bits of a page's number */
    int32_t misses;      /* as in IrPageHint */
    uint32_t unused;
} IrPageRun;
static inline unsigned ir_run_size(unsigned bytes) {
    return bytes <= 8 ? 0 : bytes <= 16 ? 1 : 2;
}
enum { IR_RUN_BYTES_MAX = 256 }; /* accessed at once */

/* Jump cache: where the code for a guest virtual address is, valid for one value of env.space. */
typedef struct IrJump {
    uint64_t key; /* guest va ^ env.space */
    const void *host;
} IrJump;

enum {
    IR_JUMP_BITS = 15,
    IR_GUEST_STATE_MAX = 8192,
    IR_PAGE_BITS = 12, /* the unit of blocks, TLB entries and pcbase, whatever the guest's own page size */
};

struct Env {
    /* -- the first 256 bytes: 8-bit displacements on hosts -- */
    int32_t pending;      /* < 0: leave generated code at the next poll. Written by any thread */
    uint32_t exit_reason; /* IrExit, set when generated code or the interpreter leaves */
    uint64_t pcbase;      /* guest va of the page that is executing (low IR_PAGE_BITS clear) */
    uint64_t space;       /* id of {regime, address space, code epoch, mode}; xored into jump-cache keys */
    IrTlbBank bank;       /* the current privilege's bank */
    IrTlbBank unpriv;     /* the bank of unprivileged accesses (LDTR and its kind) */
    int32_t insn_off;     /* page-relative offset of the running insn; valid in helpers with IRH_PC or IRH_FAULT */
    uint32_t fault;       /* set by a helper with IRH_FAULT that raised an exception: its caller leaves the block */
    uint64_t pc;          /* guest pc; valid outside generated code only */
    uint64_t excl_addr;   /* exclusive monitor: guest va, all ones = not armed */
    uint64_t insns;       /* guest insns retired: by the interpreter; under -icount by all, up to the last safepoint */
    int32_t budget;       /* -icount: insns that generated code may still start before it has to leave */
    uint32_t insn_rest;   /* -icount: in C called from generated code: insns of the block not retired yet */
    /* -- guest registers: the front end's struct -- */
    uint8_t guest[IR_GUEST_STATE_MAX] __attribute__((aligned(16)));
    /* -- */
    IrVal excl_val;     /* exclusive monitor: the value loaded */
    uint32_t excl_size; /* exclusive monitor: bytes */
    FpStatus fp;        /* rounding, flush, NaN rules and sticky exception flags of scalar/vector FP ops */
    uint32_t qc;        /* sticky: a saturating op has saturated (Arm FPSR.QC); right after fp */
    int32_t second_hits; /* how many more second choices are found before C brings one back into its entry */
    IrVal scratch[4];   /* operands and result of ops that generated code calls in C */
    uint8_t bounce[64] __attribute__((aligned(16))); /* data of an access that the fast path cannot reach */
    uint64_t calls;                                  /* -icount: calls of C from generated code */
    uint64_t host_insns;                             /* -icount: host insns run, cold paths and stubs apart */
    uint64_t host_tmp;                               /* a register's content across a few host insns, or a way back from C */
    uint32_t host_fp;                                /* generated code: the host's FP control and status, while C runs */
    uint32_t host_fp_c;                              /* what C wants there */
    const struct IrOpInfo *op_table;                 /* for calls of ops from generated code */
    const struct IrHelper *helper_table;             /* the front end's helpers, for calls from generated code */
    void *runtime;                                   /* tcg's Vcpu */
    IrPageHint hints[IR_PAGE_HINTS];
    IrPageRun runs[IR_PAGE_HINTS];
    IrJump jumps[1 << IR_JUMP_BITS];
};

static inline unsigned ir_jump_index(uint64_t va) {
    return (unsigned)(va >> 2) & ((1u << IR_JUMP_BITS) - 1);
}

/* env.space number n, from 1 to below IR_SPACES. It stands in those bits of a key that an entry's place tells already:
 * whatever address the guest jumps to, tagged or impossible, no other space's key is its. */
enum { IR_SPACES = (1 << IR_JUMP_BITS) - 1 };
static inline uint64_t ir_space(unsigned n) {
    return (uint64_t)n << 2;
}

/* Key of an empty entry: that of a space that does not exist. */
static inline uint64_t ir_jump_empty(unsigned index) {
    return ir_space(index ^ IR_SPACES);
}
static inline void ir_jumps_clear(Env *env) {
    for (unsigned i = 0; i < 1u << IR_JUMP_BITS; i++) {
        env->jumps[i].key = ir_jump_empty(i);
    }
}

#endif
