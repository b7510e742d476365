/* SPDX-License-Identifier: MIT */
/*
 * ir.h - the language between guests and hosts.
 *
 * A short tutorial. A *block* is the translation of a run of guest insns from one page. It is an array of 16-byte
 * nodes; the index of a node is the id of the value it yields. The guest insn `add x3, x1, x2` becomes
 *
 *     insn 0x10
 *     %2 = get.i64 x1
 *     %3 = get.i64 x2
 *     %4 = add.i64 %2, %3
 *     set x3, %4
 *
 * Values are never reassigned. Guest state is reached by get and set of *slots*, which the front end describes in a
 * table (IrSlot). Memory takes two steps: `check` proves that a range of guest addresses may be accessed (or leaves
 * with a fault) and yields an addend; `ld` and `st` then use it. Condition flags are values too.
 *
 *     %5 = check.i64 %4, 0, 8  !r          ; 8 readable bytes at %4
 *     %6 = ld.i64 %5, %4  !3               ; 2^3 bytes
 *     %7 = fl_sub %6, %2
 *     branch %7, 0x40, 0x18  !1            ; NE: to page offset 0x40, else 0x18
 *
 * Restartability: within one insn, no `set` and no unrepeatable store stands before an op that may fault. What a
 * block leaves through (fall-off, branch, exit) always sees all sets before it; a fault at insn k sees the sets of the
 * insns before k. A set that a later one hides from everything but faults in between becomes a `pend`: code for it may
 * leave the value where it is, and store it only on the way out through one of those faults.
 *
 * A block is a straight line with forward skips (`skip_if` ... `end`), one terminator at its end. Nothing in it is an
 * absolute guest address or a host pointer: the pc is env.pcbase plus a page offset.
 *
 * Text form, one node a line: [%id =] op[.type] operands [!aux]; see print.c and parse.c.
 */
#ifndef IR_IR_H
#define IR_IR_H

#include <glib.h>

#include "ir/env.h"

typedef enum IrType {
    IR_VOID,
    IR_I8, /* i8 and i16: slots and memory only, values of them are i32 */
    IR_I16,
    IR_I32,
    IR_I64,
    IR_F16,
    IR_F32,
    IR_F64,
    IR_V128,
    IR_FLAGS,
    IR_TYPES
} IrType;

/* Conditions over flags, numbered so that cond ^ 1 is the opposite. */
typedef enum IrCond {
    IR_EQ, IR_NE, IR_CS, IR_CC, IR_MI, IR_PL, IR_VS, IR_VC, IR_HI, IR_LS, IR_GE, IR_LT, IR_GT, IR_LE, IR_AL
} IrCond;

/* aux of ld, st, ll, sc, cas: log2 of the bytes in the low three bits, and: */
enum {
    IR_MEM_SIZE = 7,
    IR_MEM_SEXT = 8,       /* ld: sign-extend */
    IR_MEM_BIG = 16,       /* big-endian guest */
    IR_MEM_ACQUIRE = 32,   /* no later access may pass it */
    IR_MEM_RELEASE = 64,   /* no earlier access may pass it */
};

/* aux of check */
enum {
    IR_CHECK_R = 1,
    IR_CHECK_W = 2,
    IR_CHECK_RW = 3,
    IR_CHECK_UNPRIV = 4,       /* as the unprivileged level would (LDTR) */
    IR_CHECK_ALIGN_SHIFT = 3,  /* three bits: log2 of the alignment that is demanded (0: none) */
    IR_CHECK_ALIGN = 7 << 3,
    IR_CHECK_ORDERED = 64,     /* atomic or exclusive: Device memory and syndrome rules may differ */
    /* No IrCheck: the b of a check that stands for several: their lowest address is a plus `low`. It never faults: where not
     * the whole range is memory on one page, it leaves with IR_EXIT_SLOW in front of its insn. */
#define IR_CHECK_MERGED(low) ((uint32_t)((int32_t)(low) * 2 + 1))
#define IR_CHECK_LOW(b) ((int32_t)(b) >> 1)
    IR_CHECK_NO_DEVICE = 128,  /* Device memory refuses the access as it refuses a misaligned one (DC ZVA) */
};

typedef enum IrRmw { IR_RMW_ADD, IR_RMW_CLR, IR_RMW_EOR, IR_RMW_SET, IR_RMW_SMAX, IR_RMW_SMIN, IR_RMW_UMAX, IR_RMW_UMIN, IR_RMW_SWP } IrRmw;
/* aux of ops_vec.def: log2 of the lane's bytes in the low two bits, and: */
enum {
    IR_VEC_LANE = 3,
    IR_VEC_SIGNED = 4,
    IR_VEC_ROUND = 8,
    IR_VEC_HIGH = 16,
    IR_VEC_ALT = 32, /* the op's line says what */
};

/* aux of fsadd and its kind: the operands are singles, as doubles. */
enum { IR_FP_OF_SINGLES = 8 };
/* aux of fl_fcmp: env.fp.flags is to tell why it is invalid. */
enum { IR_FP_WHY = 8 };
/* aux of vfmla: the addend is negated first, unless it is a NaN; so is the result, after rounding. */
enum { IR_VFMLA_NEG_ADDEND = 8, IR_VFMLA_NEG_RESULT = 16 };

typedef enum IrBarrier { IR_BARRIER_LOAD, IR_BARRIER_STORE, IR_BARRIER_FULL } IrBarrier;
typedef enum IrJumpKind { IR_JUMP, IR_CALL, IR_RET } IrJumpKind;
/* With a kind: bits 63 to 56 of the target are ignored, and become copies of bit 55. */
enum { IR_JUMP_SEXT = 1 << 2 };

/* aux of leave_if, besides the condition. UNDONE: in front of its insn, for another block to do it: nothing has been written. */
enum { IR_LEAVE_POLLS = 16, IR_LEAVE_UNDONE = 32 };

/* Why a block was left. Front ends do not add to this list. */
typedef enum IrExit {
    IR_EXIT_NEXT,      /* go on at env.pc; generated code is always left, and so learns of new FP modes when entered */
    IR_EXIT_PC_SET,    /* go on at env.pc, which a helper has set (exception taken or returned from); mode may differ */
    IR_EXIT_PENDING,   /* env.pending was negative at a poll */
    IR_EXIT_FAULT,     /* a check failed or a helper raised: the exception has been taken, env.pc is its vector */
    IR_EXIT_SLOW,      /* the insn at env.pc must be run by the interpreter: its memory access is not simple */
    IR_EXIT_HALT,      /* wait for an interrupt (WFI); env.pc is the insn after it */
    IR_EXIT_SYNC,      /* state that blocks depend on has changed (code, mode, maps): go on at env.pc by look-up */
} IrExit;

/* Width of operand a in aux, written by ir_append; ops.def says for which ops. */
enum {
    IR_AUX_WIDE = 0x80,    /* fl_add and its kind, setc: operand a is an i64 */
    IR_AUX_FP_SHIFT = 6,   /* vzext, fbits: log2 of the bytes of operand a */
};

typedef enum IrOp {
#define OP(name, result, operands, props, meaning) IR_##name,
#include "ir/ops.def"
#include "ir/ops_fp.def"
#include "ir/ops_vec.def"
#undef OP
    IR_OPS
} IrOp;

enum { IR_PURE = 1, IR_FP = 2, IR_STATE = 4, IR_MEM = 8, IR_FAULT = 16, IR_TERM = 32, IR_CTRL = 64 };

/*
 * What every value-producing op without control or memory effects is, in C: d = op(a, b, c). `info` holds the node's
 * type in bits 0..7, aux in bits 8..15, and its `i` operand, if any, in bits 32..63. Operands that are not values are
 * passed as NULL. Both the interpreter and, for ops a backend has no rule for, generated code call it.
 */
typedef void IrFn(Env *env, IrVal *d, const IrVal *a, const IrVal *b, const IrVal *c, uint64_t info);

#define IR_INFO_TYPE(info) ((IrType)((info) & 0xff))
#define IR_INFO_AUX(info) ((unsigned)((info) >> 8 & 0xff))
#define IR_INFO_IMM(info) ((int32_t)((info) >> 32))

typedef struct IrOpInfo {
    const char *name;
    char result;
    char operands[4];
    uint8_t props;
    uint8_t values; /* bit k: operand k is the id of a value... */
    uint8_t noted;  /* ...whose use is noted as soon as it is appended */
    IrFn *interp; /* NULL for ops that the interpreter's loop executes itself */
    const char *meaning;
} IrOpInfo;

extern const IrOpInfo ir_ops[IR_OPS];

/* What ir_append does besides appending, mostly nothing: a field in aux for the width of operand a: WIDE = is it an i64, BYTES = log2 of its bytes, at bit
 * WIDTH_SHIFT; or something to be counted in the block; or that no host code comes of the op itself. */
enum { IR_APPEND_WIDTH_SHIFT = 7, IR_APPEND_WIDE = 0x10, IR_APPEND_BYTES = 0x18, IR_APPEND_COUNT = 0x20, IR_APPEND_NO_CODE = 0x40,
       IR_APPEND_NOTED = 0x80,   /* life.c notes more of it than IrOpInfo.noted */
       IR_APPEND_LOOKS = 0x100 /* ir_emit looks at its operands though none is a constant, nor are two the same */ };
extern const uint16_t ir_append_kinds[IR_OPS];
extern const uint8_t ir_widths[4][IR_TYPES]; /* by the kind's WIDE or BYTES */

/* The bits of aux that tell the width of operand a, when its type is `a`: the part of aux that ir_append writes. */
static inline unsigned ir_width_aux(IrOp op, IrType a) {
    unsigned kind = ir_append_kinds[op];
    return (unsigned)ir_widths[kind >> 3 & 3][a] << (kind & IR_APPEND_WIDTH_SHIFT);
}

typedef struct IrNode {
    uint16_t op;
    uint8_t type; /* of the value; IR_VOID when there is none */
    uint8_t aux;
    union {
        struct {
            uint32_t a, b, c;
        };
        uint32_t arg[3];
    };
} IrNode;

/* How long a node's value is wanted; and, while host code is made of the block, where it is: it may be in several places at
 * once. 16 bytes, for there are many. */
typedef struct IrLife {
    uint16_t last_use;  /* node index; 0 = never used. Not to grow while the value is in a register: ra_extend */
    uint16_t uses;      /* of a set, and of a call that is no mere value: not 0 as long as somebody sees it */
    uint16_t next;      /* another value in the same register; before that: the hint is for this node and those behind it.
                         * Of a set: the last one in front of it that got or set the slot */
    uint8_t reg;        /* or IR_NO_PIN */
    uint8_t hint;       /* register it should be made in, or IR_NO_PIN */
    int32_t env;        /* offset in Env of memory that equals it, or -1 */
    int16_t spill;      /* offset in the spill area, or -1 */
    bool clean : 1;     /* i32, scalars of vector registers: the rest of the register is known to be zero */
    bool bit : 1;       /* flags: register or spill hold the carry alone, as bit 0 */
    bool follows : 1;   /* flags: those of a sum or difference made shortly before, see flags_at */
    bool pended : 1;    /* a set that only ways out see: as `pend` */
    uint8_t flags_at : 3; /* sums and differences: so many nodes on stand the flags of the same; made together */
    uint8_t kin;        /* how many of its uses are as address of a load or store, or flags' for the carry alone;
                         * UINT8_MAX: that or more. Of a node that may leave, none of whose uses are: how many nodes
                         * before it that of its insn stands; 0: not known */
} IrLife;
enum { IR_NO_PIN = 0xff, IR_PINS_MAX = 512 };
static const IrLife ir_life_fresh = {.env = -1, .spill = -1, .reg = IR_NO_PIN, .hint = IR_NO_PIN};

/* A piece of guest state that IR can name. */
typedef struct IrSlot {
    const char *name;
    uint32_t offset; /* from the start of Env */
    uint8_t type;    /* storage type: i8, i16, i32, i64, v128, flags (two bytes) */
    uint8_t rank;    /* 1 = most worth a host register of its class, across blocks; 0 = never */
    uint8_t base;    /* number (from 1) of the page hint for accesses off it; 0: it is no base register */
    bool steady;     /* base of accesses that nearly all go to one page: a stack pointer */
} IrSlot;

/* A C function that IR can call. Arguments: env first, then `args` letters: w i32, d i64, V v128 by pointer. */
typedef struct IrHelper {
    const char *name;
    void (*fn)(void);
    char ret;             /* - w d */
    const char *args;     /* at most 5 */
    uint16_t flags;       /* IRH_* */
} IrHelper;

enum {
    IRH_READS = 1,    /* reads guest slots: they are stored before the call */
    IRH_WRITES = 2,   /* writes guest slots: values got before the call are stale after it */
    IRH_FAULT = 4,    /* may raise a guest exception: sets env.fault, takes the exception; implies PC, READS, WRITES */
    IRH_PC = 8,       /* needs env.insn_off */
    IRH_SYNC = 16,    /* may change mappings, code or mode: kills addends */
    IRH_PURE = 32,    /* result depends on arguments alone */
};

/* Bytes that a check of the builder's has proved accessible. */
typedef struct IrSpan {
    uint32_t check;
    uint32_t base, index; /* distances are those from base + (index << shift); index 0: from base */
    uint32_t address;     /* what the check may compute its lowest address from, and... */
    uint8_t shift;
    int64_t at;           /* ...its distance */
    int64_t own;          /* that of the address the check was made for */
    int64_t low, high;
} IrSpan;
enum { IR_SPANS = 4, IR_SPANS_ROUNDS = 12 }; /* kept in a block, and in one of several rounds */

typedef struct IrBlock {
    IrNode *nodes;
    uint32_t count, capacity;
    uint16_t *code;       /* the nodes that host code may come of, in order (of the first 64 Ki) */
    uint32_t code_count;
    const IrSlot *slots;
    uint32_t slot_count;
    const IrHelper *helpers;
    uint32_t helper_count;
    IrLife *lives;        /* of each node, as far as the block has been built: see life.c; the rest are ir_life_fresh */
    const uint8_t *pins;  /* the register that each slot always is in, or IR_NO_PIN, by who makes host code; borrowed */
    struct IrKnown {
        uint32_t touched; /* the last get or set: ids here are from `age` on, and in front of it if of an earlier block */
        uint32_t value;   /* what was set or got; known if that was in this generation and it is not 0 */
        uint32_t set;     /* the last set, or 0 when there has been a get since: it is not hidden by the next set... */
        uint32_t keep;    /* 0: a set truncates; then what the slot holds has no id */
    } *known;             /* builder: of each slot */
    uint32_t age;         /* nodes of earlier blocks, more or less: less than 0 - what is in `known` of them */
    uint32_t view;        /* life.c: ...nor is it if it stands in front of this node, which has shown slots to somebody */
    uint32_t barrier;     /* the last node that has shown pinned slots to somebody */
    uint32_t last_fault;  /* the last node that may leave by a way out */
    uint16_t last_insn;   /* the last insn node, or 0 */
    bool regions;         /* there is a skip_if */
    uint16_t *sets;       /* the sets and pends, in order */
    uint32_t set_count;
    uint32_t gen_start;   /* builder: this generation; values from here on may be used by what is appended */
    uint32_t held;        /* builder: what has been got and set from here on is known to be so still, see ir_new_round */
    uint32_t insns;       /* guest insns in it */
    uint32_t checks;      /* at most so many checks are in it... */
    uint32_t first_check; /* ...the first of them here, or 0 */
    bool fp_plain;        /* it runs without flush, default_nan and alt_half in env.fp: see docs/decisions */
    bool merges;          /* ir_check lets one check stand for several; no pass need do it */
    bool rounds;          /* a loop several times over, by who makes it: see ir_new_round */
    IrSpan spans[IR_SPANS_ROUNDS + 1]; /* ...checks that it may widen, and room for a new one... */
    unsigned span_count;  /* ...so many... */
    unsigned next_span;   /* ...of which, when there is no room, this is forgotten next */
    bool optimize;        /* builder folds and forwards; off for --verify's reference and for tests */
    uint32_t *uses;       /* opt_dead: per node; `capacity` of them */
} IrBlock;

/* -- build.c: making blocks. A block keeps its arena for reuse; ir_block_reset empties it. -- */
IrBlock *ir_block_new(const IrSlot *slots, uint32_t slot_count, const IrHelper *helpers, uint32_t helper_count);
void ir_block_free(IrBlock *b);
/* A copy to keep: no larger than it must be, without the nops, closed to the builder. */
IrBlock *ir_block_copy(const IrBlock *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IrBlock, ir_block_free)
void ir_block_reset(IrBlock *b);
/* Drops the nodes from `count` on: an insn whose translation has been given up. */
void ir_block_cut(IrBlock *b, uint32_t count);
/* For the builder: nothing is known of what slots hold. */
static inline void ir_new_generation(IrBlock *b) {
    b->gen_start = b->held = b->count;
}
/*
 * The next round of a loop begins. Values of the last one are not used in it, so that registers need not keep them: slots
 * are got anew. A get notes in b and c, which are no operands, what it is known to equal: value b (0: nothing) plus (int32_t)
 * c. ir_check looks through that, for what moves by constants from round to round.
 */
static inline void ir_new_round(IrBlock *b) {
    b->gen_start = b->count;
}

/* Appends a node without folding; returns its id. Its head: op, type and aux, one argument instead of three. */
static inline uint32_t ir_head(IrOp op, IrType type, unsigned aux) {
    return (uint32_t)op | (uint32_t)type << 16 | (uint32_t)aux << 24;
}
uint32_t ir_append_headed(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c);
static inline uint32_t ir_append(IrBlock *b, IrOp op, IrType type, unsigned aux, uint32_t a, uint32_t b_, uint32_t c) {
    return ir_append_headed(b, ir_head(op, type, aux), a, b_, c);
}
/* Makes room for another node. */
void ir_grow(IrBlock *b);
/* ir_put where there is room. */
static inline uint32_t ir_put_here(IrBlock *b, IrOp op, IrType type, unsigned aux, uint32_t a, uint32_t b_, uint32_t c) {
    uint32_t id = b->count;
    if (op != IR_const) {
        b->code[b->code_count++] = (uint16_t)id;
    }
    b->nodes[id] = (IrNode){.op = (uint16_t)op, .type = (uint8_t)type, .aux = (uint8_t)aux, {{a, b_, c}}};
    b->count = id + 1;
    return id;
}
/* ir_append of an op known here that it does no more for than append it: no width, nothing to count, no FP; what is to be
 * noted of it (operands that are values: ir_note_use) the caller does. */
static inline uint32_t ir_put(IrBlock *b, IrOp op, IrType type, unsigned aux, uint32_t a, uint32_t b_, uint32_t c) {
    if (G_UNLIKELY(b->count == b->capacity)) {
        ir_grow(b);
    }
    return ir_put_here(b, op, type, aux, a, b_, c);
}
/* For the builder: the node `at`, which has been appended, uses v. */
static inline void ir_note_use(IrBlock *b, uint32_t v, uint32_t at) {
    IrLife *x = &b->lives[v];
    x->uses++;
    x->last_use = (uint16_t)at;
}
/* ir_append of a load or a store. */
uint32_t ir_load(IrBlock *b, IrType type, unsigned aux, uint32_t addend, uint32_t ea);
void ir_store(IrBlock *b, unsigned aux, uint32_t addend, uint32_t ea, uint32_t value);
/* Appends a value op, folding constants and identities when b->optimize. */
uint32_t ir_emit_headed(IrBlock *b, uint32_t head, uint32_t a, uint32_t b_, uint32_t c);
static inline uint32_t ir_emit(IrBlock *b, IrOp op, IrType type, unsigned aux, uint32_t a, uint32_t b_, uint32_t c) {
    return ir_emit_headed(b, ir_head(op, type, aux), a, b_, c);
}

/* The same for an op of an address (without aux, c): where it has been made a few nodes before, that one. */
uint32_t ir_emit_once(IrBlock *b, IrOp op, IrType type, uint32_t a, uint32_t b_);

static inline uint32_t ir_const(IrBlock *b, IrType type, uint64_t value) {
    return ir_put(b, IR_const, type, 0, (uint32_t)value, type == IR_I32 ? 0 : (uint32_t)(value >> 32), 0);
}
/* a + k, of i64s: as ir_emit would, but makes no constant that is not wanted */
uint32_t ir_add_const(IrBlock *b, uint32_t a, int64_t k);
static inline bool ir_is_const(const IrBlock *b, uint32_t id, uint64_t *value) {
    const IrNode *n = &b->nodes[id];
    if (n->op != IR_const) {
        return false;
    }
    *value = n->a | (uint64_t)n->b << 32;
    return true;
}
/* Lives, anew: the block's nodes or pins have been changed. */
void ir_lives_again(IrBlock *b);
/* The operand of which n is a use for IrLife.kin, or 0. */
uint32_t ir_kin_operand(const IrNode *n);
/* Flags that ways out can make again: of a comparison of what is no constant with what fits an insn. */
bool ir_is_remade(const IrBlock *b, uint32_t flags);
/* Is a pend of the slot left to the ways out? What is pinned is set as usual, and needs no store. */
bool ir_pends_lazily(const IrBlock *b, uint32_t slot);
/* An addend for `bytes` at ea, of a new check with that aux, or of an earlier one that from now on covers them too. */
uint32_t ir_check(IrBlock *b, unsigned aux, uint32_t ea, uint32_t bytes);
uint32_t ir_get(IrBlock *b, uint32_t slot, IrType type); /* forwards an earlier set or get in the block */
void ir_set(IrBlock *b, uint32_t slot, uint32_t value);
static inline void ir_insn(IrBlock *b, int32_t page_offset, unsigned length) {
    uint32_t id = b->count;
    if (G_UNLIKELY(id == b->capacity)) {
        ir_append(b, IR_insn, IR_VOID, length, (uint32_t)page_offset, 0, 0);
        return;
    }
    b->nodes[id] = (IrNode){.op = IR_insn, .type = IR_VOID, .aux = (uint8_t)length, {{(uint32_t)page_offset}}};
    b->count = id + 1;
    b->insns++;
    b->last_insn = (uint16_t)id;
}
/* Calls a helper with n value arguments; returns the id of its result (void when ret is '-'). */
uint32_t ir_call(IrBlock *b, uint32_t helper, unsigned n, const uint32_t *args);
/* skip_if and end; values known of slots are forgotten at both. */
void ir_skip_if(IrBlock *b, IrCond cond, uint32_t flags);
void ir_end_skip(IrBlock *b);

static inline IrType ir_type_of(const IrBlock *b, uint32_t id) {
    return (IrType)b->nodes[id].type;
}

/* Number of value operands in the operand string's sense: true when operand k of op is the id of a value. */
static inline bool ir_operand_is_value(IrOp op, unsigned k) {
    return ir_ops[op].values >> k & 1;
}
static inline int ir_imm_operand(IrOp op) { /* index of the `i` operand, or -1 */
    for (int k = 0; k < 3 && ir_ops[op].operands[k]; k++) {
        if (ir_ops[op].operands[k] == 'i') {
            return k;
        }
    }
    return -1;
}
static inline uint64_t ir_node_info(const IrNode *n) {
    int k = ir_imm_operand((IrOp)n->op);
    return n->type | (uint64_t)n->aux << 8 | (k < 0 ? 0 : (uint64_t)n->arg[k] << 32);
}

/* -- flags -- */
bool ir_cond_holds(unsigned cond, uint32_t flags); /* flags as IrVal.u32 of a flags value */
const char *ir_cond_name(unsigned cond);
const char *ir_type_name(IrType type);

/* -- print.c, parse.c, verify.c -- */
void ir_print(const IrBlock *b, GString *out);
bool ir_parse(IrBlock *b, const char *text, GError **error); /* appends to an empty block; errors name the line */
bool ir_verify(const IrBlock *b, GError **error);            /* types, operand order, restartability, addend life, one terminator at the end */
GQuark ir_error_quark(void);

/* -- opt_*.c: passes over a finished block. Removed nodes become nop; ids stay. -- */
static inline void ir_forget_spans(IrBlock *b) {
    b->span_count = b->next_span = 0;
}
void ir_opt_check(IrBlock *b); /* one forward pass, in front of ir_opt_dead: one check for several */
/* Does n show guest slots to somebody, other than by leaving with a fault that it finds before it has done anything? */
bool ir_shows_slots(const IrBlock *b, const IrNode *n);
void ir_opt_dead(IrBlock *b); /* dead sets, sets that only faults see (pends), dead code */

/* -- interp.c -- */
/*
 * Guest memory as the interpreter sees it. All return false when the insn has faulted (the exception has been taken).
 * check: *addend is a host addend, or IR_ADDEND_SLOW: then load, store, cas and rmw go through the callbacks.
 */
#define IR_ADDEND_SLOW UINT64_C(0x8000000000000001)
typedef struct IrMemOps {
    bool (*check)(Env *env, uint64_t ea, unsigned size, unsigned aux, uint64_t *addend);
    bool (*load)(Env *env, uint64_t ea, unsigned size, IrVal *v);        /* size bytes, guest byte order already host's (little) */
    bool (*store)(Env *env, uint64_t ea, unsigned size, const IrVal *v);
    void (*misaligned)(Env *env, uint64_t value); /* an `aligned` op failed: takes the exception */
    /* NULL: helpers are simply called. Else it is asked to do a call that is not IRH_PURE; args: pointers to the values
     * (for 'V': to a pointer to it). False: the run is left in front of the call. */
    bool (*call)(Env *env, uint32_t helper, void **args, uint64_t *result);
    bool use_bank; /* a check that hits in env.bank (or unpriv) needs no call; off where accesses are to be watched */
} IrMemOps;

typedef struct IrInterp IrInterp;
IrInterp *ir_interp_new(const IrMemOps *mem, const IrHelper *helpers, uint32_t helper_count);
void ir_interp_free(IrInterp *it);
/*
 * Runs a verified block until it is left. The result is env->exit_reason:
 * jump/branch/indirect: IR_EXIT_NEXT with env->pc = the target, or IR_EXIT_PENDING if it polls and env->pending < 0;
 * faults: IR_EXIT_FAULT; exits: their own. env->insns counts the insns that completed.
 */
IrExit ir_interp_run(IrInterp *it, const IrBlock *b, Env *env);
/* Goes on with the run that a callback has just left by returning false: does that node again. */
IrExit ir_interp_resume(IrInterp *it, const IrBlock *b, Env *env);

#endif
