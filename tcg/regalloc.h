/* SPDX-License-Identifier: MIT */
/*
 * regalloc.h - where values are while a block is compiled.
 *
 * The builder has noted uses and hints as the block grew; ra_prepare takes back the uses of sets in vain; then lower.c
 * walks forward over what is wanted and asks for registers. A pinned guest slot always is in its host register: a `get` borrows that register, a `set` overwrites it, and a value
 * that is going to be set is made there in the first place when nothing in between could see the old content.
 */
#ifndef TCG_REGALLOC_H
#define TCG_REGALLOC_H

#include "tcg/lower.h"

enum { RA_REGS = 32, RA_NO_REG = IR_NO_PIN, RA_NODES = 1 << 14 };

typedef IrLife RaValue; /* of those that the builder has filled in */

typedef struct RaPend {
    uint32_t slot, value;
} RaPend;

/* Values got from an unpinned slot, or set there, that still live in its memory: a wide one and an i32. */
typedef union RaLazy {
    uint16_t of[2];
    uint32_t any;
} RaLazy;

/* What is wanted most stands first: it takes short displacements. */
typedef struct Lower {
    Tcg *tcg;
    const Backend *be;
    IrBlock *ir;
    const IrNode *nodes;       /* of ir */
    HostCode *h;
    RaValue *values;           /* ir's lives */
    const uint8_t *slot_pin;   /* register of each slot, or RA_NO_REG */
    RaLazy *slot_lazy;
    uint32_t now;              /* node being compiled */
    uint32_t occupied;         /* registers with values; head and until of others are not up to date */
    uint32_t locked;           /* registers that the current op uses */
    uint32_t special;          /* registers with a use of their own */
    uint32_t scratch[2];       /* registers that ra_alloc may give: integer ones, vector ones... */
    uint32_t all[2];           /* ...and all there are of either */
    /* host flags */
    uint32_t flags_value;      /* the flags value they hold, or 0 */
    uint32_t flags_of;         /* node whose result (rule.sets) they describe, or 0 */
    HostPolarity flags_polarity;
    unsigned pend_count;
    const uint16_t *work_begin, *work_end; /* the nodes to be compiled, in order; behind them stands 0 */
    uint16_t head[RA_REGS];    /* first value in each register... */
    uint16_t until[RA_REGS];   /* ...and the last use of those in it; of an empty one, no node that is still to come */
    bool spills;               /* the spill area is or has been in use */
    uint64_t spill_used[HOST_SPILL_BYTES / 16 / 64];
    uint64_t lazy_slots[IR_PINS_MAX / 64 + 1]; /* slots of which slot_lazy may say something */
    RaPend pend[HOST_COLD_PENDS]; /* slots whose memory only cold paths need to write, until their next set */
    uint32_t capacity;         /* of work */
    uint16_t *work;            /* with lists_insns: the nodes to be compiled */
    bool lists_insns;          /* `work` is to contain the insn nodes */
    bool failed;
} Lower;

/* An op that is done even if nobody uses its value, or, of a set, sees it: for its other effects. */
enum { RA_NEEDED = 1 };
extern const uint8_t ra_kinds[IR_OPS];
void ra_prepare(Lower *l);
static inline void ra_fail(Lower *l) { /* the block is given up: the walk ends */
    l->failed = true;
    l->work_end = NULL;
}
void ra_drop(Lower *l, uint32_t i); /* such an op is not done */
void ra_extend(Lower *l, uint32_t v, uint32_t last_use); /* v is wanted at least until then */
static inline const IrNode *ra_node(const Lower *l, uint32_t v) {
    return &l->nodes[v];
}
static inline bool ra_dead_after(const Lower *l, uint32_t v) {
    return l->values[v].last_use <= l->now;
}
static inline bool ra_const(const Lower *l, uint32_t v, uint64_t *value) {
    const IrNode *n = ra_node(l, v);
    if (n->op != IR_const) {
        return false;
    }
    *value = n->type == IR_I32 ? n->a : n->a | (uint64_t)n->b << 32;
    return true;
}
/* v, of 32 bits or not, lives in the memory of the slot. */
static inline void ra_lazy(Lower *l, uint32_t slot, bool narrow, uint32_t v) {
    l->slot_lazy[slot].of[narrow] = (uint16_t)v;
    l->lazy_slots[slot / 64] |= UINT64_C(1) << slot % 64;
}
/* A register of the class and mask, free to be written; spills if it must. */
unsigned ra_alloc(Lower *l, bool vec, uint32_t mask);
void ra_take(Lower *l, unsigned reg); /* empties and locks it for the current op */
/* Empties a register by a move, if another one is free, which is not locked. Keeps host flags. */
bool ra_vacate(Lower *l, unsigned reg);
bool ra_is_pended(const Lower *l, uint32_t v); /* may a cold path want to find flags v somewhere? */
/* The value in a register of `mask`. */
unsigned ra_fetch(Lower *l, uint32_t v, uint32_t mask); /* ra_use of a value that is not in such a register */
static inline unsigned ra_use(Lower *l, uint32_t v, uint32_t mask) {
    unsigned reg = l->values[v].reg;
    if (reg == RA_NO_REG || ~mask >> reg & 1) {
        return ra_fetch(l, v, mask);
    }
    l->locked |= 1u << reg;
    return reg;
}
/* A constraint, three letters at most, as a set of them: without a loop, which compilers do not work out beforehand. */
#define RA_LETTER(c) (1u << ((c) & 31))
static inline uint32_t ra_letters(const char *c) {
    return !c[0] ? 0 : !c[1] ? RA_LETTER(c[0]) : RA_LETTER(c[0]) | RA_LETTER(c[1]) | (c[2] ? RA_LETTER(c[2]) : 0);
}
/* The value where the constraint allows it; locks registers. */
HostOperand ra_operand_in(Lower *l, uint32_t v, uint32_t letters);
static inline HostOperand ra_operand(Lower *l, uint32_t v, const char *constraint) {
    return ra_operand_in(l, v, ra_letters(constraint));
}
/* A register for the result of node v, for an op whose operands are locked. */
unsigned ra_define(Lower *l, uint32_t v, bool early);
/* Does everything in reg end with the current node? */
static inline bool ra_is_ending(const Lower *l, unsigned reg) {
    return l->until[reg] <= l->now;
}
void ra_release(Lower *l, unsigned reg);             /* nothing is in it any more */
void ra_attach(Lower *l, uint32_t v, unsigned reg);  /* v is in reg from now on */
void ra_alias(Lower *l, uint32_t v, uint32_t of);    /* v is the same bits as `of` */
void ra_set(Lower *l, uint32_t slot, uint32_t v);    /* a slot without a pin is set */
void ra_set_pin(Lower *l, unsigned pin, uint32_t v); /* the same of one that has a pin */
void ra_pend(Lower *l, uint32_t slot, uint32_t v);  /* a set that only cold paths have to do */
/* The same for flags: cold paths make them again, or store them from where they are by then. False: they have to be set now. */
bool ra_pend_flags(Lower *l, uint32_t slot, uint32_t v);
void ra_forget_pend(Lower *l, uint32_t slot);       /* the slot is about to be set */
void ra_pends(Lower *l, HostCold *c);               /* tells a cold path made here what it has to do */
void ra_get(Lower *l, uint32_t v, uint32_t slot);
/* Empties the scratch registers whose values nobody wants any more, which is done when one is looked for: those of the
 * operands and of the last uses here stay. IrLife.reg of such values is not up to date. */
void ra_bury(Lower *l);
/* The scratch registers of a class that are neither in use nor locked. */
static inline uint32_t ra_empty(Lower *l, bool vec) {
    ra_bury(l);
    return l->scratch[vec] & ~(l->locked | l->occupied);
}
static inline bool ra_is_empty(Lower *l, unsigned reg) {
    if (l->occupied >> reg & 1 && l->until[reg] < l->now) {
        ra_bury(l);
    }
    return !(l->occupied >> reg & 1);
}
void ra_spill_scratch(Lower *l);                     /* before a call: nothing that lives on is in a scratch register */
void ra_forget_lazy(Lower *l);                       /* between blocks */
void ra_spill_all(Lower *l);                         /* before and after a conditional region */
HostOperand ra_spill_slot(Lower *l, uint32_t v);     /* memory for v, allocated if need be */
HostOperand ra_home(Lower *l, uint32_t v);           /* the same for v that has none: the slot that waits for it, if one does */
static inline bool ra_memory(const Lower *l, uint32_t v, HostOperand *mem) { /* a memory home, if it has one */
    const RaValue *x = &l->values[v];
    if (x->env < 0 && x->spill < 0) {
        return false;
    }
    *mem = (HostOperand){.kind = x->env >= 0 ? HOST_ENV : HOST_STACK, .disp = x->env >= 0 ? x->env : x->spill};
    return true;
}
static inline uint32_t ra_class_mask(const Lower *l, bool vec) { /* scratch registers of the class */
    return l->scratch[vec];
}

#endif
