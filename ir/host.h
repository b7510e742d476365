/* SPDX-License-Identifier: MIT */
/*
 * host.h - what tcg/ asks of a host and what a host promises: see backend-x86_64/README.md for the contract in prose.
 *
 * tcg/ walks the nodes of a block, keeps values in registers (regalloc.c) and hands each op with its operands in place
 * to the rule of the backend. An op without a rule is called in C.
 */
#ifndef IR_HOST_H
#define IR_HOST_H

#include "ir/ir.h"

/* Where an operand is. */
typedef enum HostKind { HOST_NONE, HOST_REG, HOST_IMM, HOST_ENV, HOST_STACK } HostKind;

typedef struct HostOperand {
    uint8_t kind;
    uint8_t reg;   /* HOST_REG: register number of the backend (vector registers from Backend.vec_base on) */
    int32_t disp;  /* HOST_ENV: offset in Env; HOST_STACK: offset in the spill area */
    int64_t imm;   /* HOST_IMM */
} HostOperand;

typedef struct HostCode HostCode;
typedef struct Backend Backend;

/* An op with its operands in place. */
typedef struct HostOp {
    const IrNode *node;
    IrType type;          /* of the result; for ops without one, of the first value operand */
    HostOperand d, s[4];  /* cas: the pair is s[2] and s[3] */
    uint8_t tmp[4];       /* scratch registers the rule asked for: integer ones, then vector ones */
    uint8_t clean;        /* bit per operand: a scalar in a vector register whose other bits are zero */
} HostOp;

/* What the host's flags hold after a rule, in terms of IR flags. */
typedef enum HostPolarity {
    HOST_FLAGS_NONE,
    HOST_FLAGS_SUB, /* of a subtraction: the carry is a borrow */
    HOST_FLAGS_ADD, /* carry as in IR */
} HostPolarity;

/*
 * A rule: how one op is compiled. `d` and `s[k]` are constraint strings:
 *   r  any integer register       x  any vector register       m  env or stack memory, as it is
 *   i  immediate that fits 32 bits, sign-extended               j  any immediate (the rule reads op->s[k].imm)
 *   0  (d) the same register as s[0]
 *   c  (s[1]) the register for shift counts                     "": no such operand
 * Immediate operands of the node itself (letter i in ops.def) are read from op->node.
 */
typedef struct HostRule HostRule;
struct HostRule {
    char d[2];
    char s[4][4];
    uint8_t tmps;         /* integer scratch registers needed besides */
    uint8_t vtmps;        /* vector ones */
    uint8_t flags;        /* HOST_RULE_* */
    uint32_t fixed;       /* registers the rule uses by name: emptied, and given to no operand or result */
    uint8_t rest;         /* scalars: bit per operand that d may have the rest of its vector register from: the first
                           * clean one gives it, if any is; HOST_REST_ZERO: it is zero */
    uint8_t sets;         /* HostPolarity: host flags describe the result as fl_add/fl_sub/fl_logic of it would */
    void (*emit)(HostCode *h, const HostOp *op);
    const HostRule *wide; /* instead of this one when a v128 is accessed (ll, sc) */
    const HostRule *keeps; /* instead of this one when host flags are wanted later: does not touch them; or NULL */
};
enum {
    HOST_RULE_CLOBBERS = 1,    /* host flags are lost (or set, see `sets`) */
    HOST_RULE_EARLY = 2,       /* d is written before all operands are read: never shared with an operand */
    HOST_RULE_COMMUTES = 4,    /* s[0] and s[1] may be exchanged */
    HOST_RULE_TYPE_OF_A = 8,   /* op->type is that of the first operand */
    HOST_RULE_FP_PLAIN = 16,   /* for blocks with fp_plain; in others the op is called in C */
};

enum { HOST_REST_ZERO = 8 };

typedef struct HostMark {
    uint32_t host;      /* offset of the first byte made for... */
    int32_t off;        /* ...the insn at this page offset */
} HostMark;

/* Bits of the cold path's descriptor, above size and aux (see ldst_slow in tcg/). */
enum {
    HOST_SLOW_LOADS = 1 << 16,  /* only loads use the addend: device and split accesses may be done into env.bounce */
    HOST_SLOW_STORES = 1 << 17, /* only stores: their bytes stand in env.bounce, ready to be written */
    HOST_SLOW_MERGED = 1 << 18, /* a merged check: no fault; see IR_CHECK_MERGED */
    HOST_SLOW_PART_SHIFT = 20,  /* log2 of the bytes of each part of a pair */
    HOST_SLOW_HINT_SHIFT = 24,  /* HostCold.hint */
    HOST_SLOW_LOOK_SHIFT = 30,  /* HostCold.look */
};
/* Where a check looks first. */
typedef enum HostLook {
    HOST_LOOK_PAGE,    /* page hint */
    HOST_LOOK_RISING,  /* page run that does not fall */
    HOST_LOOK_EITHER,  /* page run */
    HOST_LOOK_TLB,
} HostLook;
/* What the cold path answers. */
typedef enum HostSlow {
    HOST_SLOW_ADDEND,  /* go on with the addend in env.scratch[3].u64: it may lead into env.bounce */
    HOST_SLOW_LEAVE,   /* leave: env.exit_reason is set */
} HostSlow;

/* Functions of tcg/ that generated code calls. */
typedef unsigned HostSlowFn(Env *env, uint64_t ea, uint32_t desc); /* HostSlow */

/* Entry into generated code, made by the backend at the start of the cache. */
typedef struct HostStubs {
    /* Loads the pinned registers and jumps to `code`; returns when it is left: low 32 bits IrExit, or HOST_LEFT_CHAIN
     * with the exit's id in the high 32 bits. */
    uint64_t (*enter)(Env *env, const void *code);
    const uint8_t *chain, *pending, *pending_va, *pending_sext, *pending_far, *miss, *miss_sext, *miss_far, *leave, *slow, *call_pure, *call_state, *op_call, *resume,
        *resume_pc; /* backend's own */
    const uint8_t *op_call_kept, *pool;
} HostStubs;
enum { HOST_LEFT_CHAIN = 0x100, HOST_SPILL_BYTES = 2048 };

/* A register that holds another slot in one block than everywhere else. */
typedef struct HostPin {
    IrType type;
    uint8_t reg;
    bool changes;             /* the block sets its own slot */
    HostOperand own, other;   /* where the slots are in Env; other.kind may be HOST_NONE */
} HostPin;
enum { HOST_PINS = 32 };
typedef struct HostPins {
    unsigned count;
    HostPin pin[HOST_PINS];
} HostPins;

/* A forward reference: position of a displacement to be filled in by `bind`. */
typedef uint32_t HostFixup;

/* An op that its rule leaves to C for some operands: code waiting to be emitted behind the block. */
typedef struct HostColdOp {
    HostFixup from;  /* the jump to it */
    uint32_t back;   /* offset to continue at, with the result in its place */
    IrNode node;
    HostOp op;       /* its node is not valid any more */
} HostColdOp;

/* Code being made. */
struct HostCode {
    const Backend *backend;
    uint8_t *start, *p, *end; /* writable addresses; an insn may begin up to `end`, HOST_CODE_SPARE behind it are for that one */
    const uint8_t *exec;      /* executable address of start */
    bool overflow;            /* no room: the block is given up */
    const HostStubs *stubs;
    uint32_t insns;           /* host insns so far */
    bool counting;            /* -icount: stubs count calls */
    bool stays;               /* exceptions and maintenance go on by the jump cache: nobody wants to see them in between */
    HostColdOp *cold_ops;     /* room for cold_op_max; without any, rules that need it give the block up */
    unsigned cold_op_count, cold_op_max;
};

enum { HOST_CODE_SPARE = 64 };
enum { HOST_ALWAYS = -1 }; /* in place of a condition code: the jump is always taken */

enum { HOST_COLD_PENDS = 4 };

/* A slow path waiting to be emitted behind the block. */
typedef struct HostCold {
    HostFixup from[3];    /* jumps to it, of which the second says that the access is misaligned; 0 = none. If it `leaves`, the
                           * second is the one on from it to the way out that it shares */
    uint32_t back;        /* offset to continue at */
    int32_t insn_off;
    uint32_t rest;        /* -icount: insns from this one to the block's end; 0 = not counted */
    uint32_t desc;
    uint8_t ea, addend;   /* registers */
    uint8_t tmp;          /* free register */
    uint8_t hint;         /* number (from 1) of the page hint or run that the hot code tried; 0: it looked into the TLB itself */
    uint8_t look;         /* HostLook */
    bool leaves;          /* it leaves the block for good: no register but the pins is wanted when env is up to date */
    bool done;            /* tcg's: its way out has been made */
    uint8_t pends;        /* number of values that belong into env, which the hot code has not stored */
    struct {
        HostOperand value, to;
        IrType type, from; /* of the slot and of the value; `from` is IR_I32 where the slot wants it zero-extended */
    } pend[HOST_COLD_PENDS];
    HostOperand compare[2], flags_to; /* flags_to is not HOST_NONE: there belong the flags of this comparison */
    IrType compare_type;
    HostPolarity flags_polarity; /* compare[0] is HOST_NONE: the host's flags still hold them, like this */
    uint8_t stores;       /* number of values to put into env.bounce */
    struct {
        HostOperand value;
        IrType type;
        uint8_t aux;      /* IrMem of the store */
        uint8_t offset;   /* in the group */
    } store[4];
} HostCold;

struct Backend {
    const char *name;
    unsigned level;              /* what the rules may use of the host, in the backend's own order */
    unsigned vec_base;           /* number of the first vector register */
    uint32_t scratch;            /* bit per register that values may be kept in between ops */
    const uint8_t *pins, *vpins; /* registers that hold the guest slots of rank 1, 2, ... across blocks */
    unsigned pin_count, vpin_count;
    uint8_t shift_reg;
    uint8_t result_reg;          /* of calls */
    const HostRule *const *rules; /* by IrOp; NULL: called in C */
    const HostRule *sum;         /* add that keeps host flags */
    const HostRule *scaled_sum;       /* a + (b << c) for c up to 3, which keeps them too */

    /* Emits the shared stubs for these slots into h; false: no room. */
    bool (*make_stubs)(HostCode *h, HostStubs *stubs, const IrSlot *slots, unsigned slot_count, HostSlowFn *slow);
    /* Stubs for a block with pins of its own: those of `stubs`, with ways into C and out of the block that put what is
     * expected into the pins first. */
    void (*own_stubs)(HostCode *h, HostStubs *own, const HostStubs *stubs, const HostPins *pins);
    void (*mov)(HostCode *h, IrType type, unsigned d, unsigned s);
    void (*load)(HostCode *h, IrType type, unsigned d, HostOperand mem);   /* narrow integers zero-extend */
    void (*store)(HostCode *h, IrType type, HostOperand mem, unsigned s);
    void (*store_imm)(HostCode *h, IrType type, HostOperand mem, int32_t imm);
    void (*load_imm)(HostCode *h, IrType type, unsigned d, uint64_t value); /* keeps host flags */
    void (*zext32)(HostCode *h, unsigned d, unsigned s);
    void (*add_imm)(HostCode *h, IrType type, unsigned d, unsigned s, int32_t imm); /* d = s + imm, keeps host flags */
    void (*pcrel)(HostCode *h, unsigned d, int32_t off);                           /* d = pcbase + off */
    /* Flags. cc is the backend's condition code. */
    void (*flags_save)(HostCode *h, HostPolarity p, HostOperand to, bool result_reg_free); /* to memory or result_reg */
    int (*flags_cc)(unsigned cond, HostPolarity p);        /* -1: not testable as they are */
    int (*flags_test)(HostCode *h, unsigned cond, HostOperand from, unsigned tmp); /* of saved ones; returns cc; tmp = result_reg: lost, unless cond is of one flag */
    void (*compare)(HostCode *h, IrType type, HostOperand a, HostOperand b);      /* fl_sub */
    void (*test)(HostCode *h, IrType type, HostOperand a, HostOperand b);         /* fl_logic(a & b) */
    /* cc ? flags `image` : flags of a - b, both with HOST_FLAGS_SUB; result_reg is free */
    void (*flags_select)(HostCode *h, int cc, IrType type, HostOperand a, HostOperand b, int32_t image);
    void (*carry_in)(HostCode *h, HostPolarity from, HostPolarity wanted);        /* adapt the carry flag */
    void (*carry_load)(HostCode *h, HostOperand from, bool bit, HostPolarity wanted); /* bit: by carry_save, else by flags_save */
    void (*carry_save)(HostCode *h, HostPolarity p, HostOperand to);              /* as bit 0, to a register or memory; keeps flags */
    int (*carry_test)(HostCode *h, unsigned cond, HostOperand from);              /* IR_CS or IR_CC of what carry_save saved; returns cc */
    void (*csel)(HostCode *h, IrType type, int cc, unsigned d, unsigned s);        /* if cc: d = s */
    void (*csel_fp)(HostCode *h, IrType type, int cc, unsigned d, const uint8_t s[2], const uint8_t tmp[2]); /* d = s[!cc] */
    void (*cset)(HostCode *h, int cc, unsigned d);                                 /* d = cc ? 1 : 0, keeps flags */
    /* Memory */
    /* The hot part of a check, told by ea, addend, tmp, hint, look and desc; notes its jumps in `from`, which is all 0 before.
     * spare: another free register, or tmp. */
    void (*check)(HostCode *h, HostCold *c, unsigned spare);
    void (*ld)(HostCode *h, IrType type, unsigned aux, unsigned d, unsigned addend, unsigned ea, int32_t disp);
    void (*st)(HostCode *h, IrType type, unsigned aux, HostOperand v, unsigned addend, unsigned ea, int32_t disp, unsigned tmp);
    void (*cold)(HostCode *h, const HostCold *c);
    void (*cold_state)(HostCode *h, const HostCold *c); /* only brings env up to date */
    void (*cold_op)(HostCode *h, const HostColdOp *c);
    HostFixup (*one_page)(HostCode *h, const HostCold *c); /* on the cold path of a check: jump if its bytes are on one page */
    /* Flow */
    void (*align)(HostCode *h, unsigned bytes);                        /* what follows, by insns that do nothing; a power of two */
    HostFixup (*jump_if)(HostCode *h, int cc);                         /* or HOST_ALWAYS */
    void (*bind)(HostCode *h, HostFixup f);                            /* to here */
    int (*poll)(HostCode *h);                                          /* compares; cc: nobody wants the CPU to leave */
    void (*pending_exit)(HostCode *h, int32_t off);                    /* leave with IR_EXIT_PENDING at pcbase + off */
    uint32_t (*chain_jump)(HostCode *h, int cc);                       /* patchable jump, if cc; its displacement's offset */
    void (*chain_stub)(HostCode *h, uint32_t id);
    void (*indirect)(HostCode *h, unsigned va, bool sext);             /* inline jump cache; polls. sext: as IR_JUMP_SEXT */
    void (*far_jump)(HostCode *h, int32_t off, bool poll);             /* the same to pcbase + off */
    void (*exit)(HostCode *h, unsigned reason, bool set_pc, int32_t off);
    void (*patch)(uint8_t *displacement, const uint8_t *exec_of_it, const uint8_t *to);
    /* Calls. Arguments are in place in env.scratch (ops) or given here (helpers). */
    void (*call_op)(HostCode *h, unsigned op, uint64_t info);
    void (*call_helper)(HostCode *h, unsigned helper, unsigned flags, const HostOperand *args, const IrType *types, unsigned n,
                        int32_t insn_off);
    void (*store_insn_off)(HostCode *h, int32_t off);
    /* -icount: takes guest insns from env.budget; the jump when it is spent. *host: where to write the number of host
     * insns of the block (4 bytes) when it is known. */
    HostFixup (*budget)(HostCode *h, unsigned insns, uint32_t *host);
    void (*refund)(HostCode *h, unsigned insns);       /* gives them back */
};

/* Moves between the slots that the pins of a block hold and those they hold elsewhere. They keep host flags, and touch no
 * other register. */
static inline void host_pins_load_own(HostCode *h, const HostPin *p) {
    h->backend->load(h, p->type, p->reg, p->own);
}
static inline void host_pins_enter(HostCode *h, const HostPins *pins) {
    for (unsigned k = 0; k < pins->count; k++) {
        const HostPin *p = &pins->pin[k];
        if (p->other.kind != HOST_NONE) {
            h->backend->store(h, p->type, p->other, p->reg);
        }
        host_pins_load_own(h, p);
    }
}
static inline void host_pins_leave_one(HostCode *h, const HostPin *p) {
    if (p->changes) {
        h->backend->store(h, p->type, p->own, p->reg);
    }
    if (p->other.kind != HOST_NONE) {
        h->backend->load(h, p->type, p->reg, p->other);
    }
}
static inline void host_pins_leave(HostCode *h, const HostPins *pins) {
    for (unsigned k = 0; k < pins->count; k++) {
        host_pins_leave_one(h, &pins->pin[k]);
    }
}

/* The backend that suits this machine best. */
const Backend *backend_x86_64_best(void);
/* The one that keeps to a level of instructions: sse2, avx2, avx512. NULL: no such level, or not on this machine. */
const Backend *backend_x86_64_named(const char *name, GError **error);

/* A scalar that lives in a vector register. */
static inline bool ir_type_is_float(IrType t) {
    return t >= IR_F16 && t <= IR_F64;
}
static inline bool ir_type_is_vec(IrType t) {
    return t == IR_V128 || t == IR_F16 || t == IR_F32 || t == IR_F64;
}

#endif
