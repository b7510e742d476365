/* SPDX-License-Identifier: MIT */
/*
 * tally.c - see tally.h.
 *
 * What was executed is told by the interpreter's values: a program is walked once more, skipping where the flags say so,
 * up to the insn that left. The program that host code was made from has the same regions, so that it is walked by the
 * same decisions; of an insn that faulted only the first op that could have done so, and what stands before it, count.
 */
#include "tests/jit/tally.h"

#include <inttypes.h>
#include <stdio.h>

enum { REGIONS = 512 };

/* Ops that host code does not execute, each with the reason. */
static const struct {
    IrOp op;
    const char *why;
} not_executed[] = {
    {IR_nop, "is what is left of a removed op"},
};

typedef struct Walk {
    Tally *t;
    const TallyRun *run;
    const IrVal *vals;
    bool faulted;
    int32_t stop;           /* page offset of the insn that left early */
    bool stops;
    bool skips[REGIONS];
    unsigned regions;
    unsigned leave_ifs;     /* that were come to... */
    bool left;              /* ...of which the last one left */
} Walk;

static void see(Walk *w, Scene s, bool when) {
    w->t->scenes[s] += when;
}

static bool may_leave(const IrBlock *b, const IrNode *n) {
    if (n->op == IR_call) {
        return (b->helpers[n->a].flags & IRH_FAULT) != 0;
    }
    return n->op != IR_barrier && n->op != IR_unmon && (ir_ops[n->op].props & (IR_FAULT | IR_MEM)) != 0;
}

static uint32_t end_of(const IrBlock *b, uint32_t i) {
    for (unsigned depth = 1; depth > 0;) {
        i++;
        depth += b->nodes[i].op == IR_skip_if;
        depth -= b->nodes[i].op == IR_end;
    }
    return i;
}

/* -- what the interpreter did -- */

static bool crosses(const Walk *w, const IrNode *n) {
    uint64_t ea = w->vals[n->b].u64, last = ea + (1u << (n->aux & IR_MEM_SIZE)) - 1;
    return (ea ^ last) >> IR_PAGE_BITS != 0;
}

static void see_access(Walk *w, const IrNode *n, uint32_t i) {
    if (ir_ops[n->op].operands[1] != 'd' || !(ir_ops[n->op].props & IR_MEM)) {
        return;
    }
    bool big = n->aux & IR_MEM_BIG, wide = (n->aux & IR_MEM_SIZE) == 4;
    bool device = jit_page(w->run->want, w->vals[n->b].u64) == 'd';
    switch (n->op) {
    case IR_ld:
        see(w, SCENE_LD_CROSSES, crosses(w, n));
        see(w, SCENE_LD_DEVICE, device);
        see(w, SCENE_LD_BIG, big);
        see(w, SCENE_LD_128, wide);
        break;
    case IR_st:
        see(w, SCENE_ST_CROSSES, crosses(w, n));
        see(w, SCENE_ST_DEVICE, device);
        see(w, SCENE_ST_BIG, big);
        see(w, SCENE_ST_128, wide);
        break;
    case IR_ll:
        see(w, SCENE_LL_128, wide);
        break;
    case IR_sc:
        see(w, SCENE_SC_128, wide);
        see(w, w->vals[i].u32 ? SCENE_SC_FAILED : SCENE_SC_DONE, true);
        break;
    case IR_cas: {
        const IrNode *pair = &w->run->written->nodes[n->c];
        unsigned bytes = 1u << (n->aux & IR_MEM_SIZE);
        see(w, memcmp(&w->vals[i], &w->vals[pair->a], bytes) ? SCENE_CAS_FAILED : SCENE_CAS_DONE, true);
        break;
    }
    case IR_rmw:
        w->t->rmw[n->aux >> 3]++;
        break;
    default:
        break;
    }
}

static void see_refused_check(Walk *w, const IrNode *n) {
    uint64_t ea = w->vals[n->a].u64, va = regs_of(jit_env(w->run->want))->fva;
    unsigned mode = n->aux & IR_CHECK_RW, align = (n->aux & IR_CHECK_ALIGN) >> IR_CHECK_ALIGN_SHIFT;
    see(w, SCENE_CHECK_UNPRIVILEGED, n->aux & IR_CHECK_UNPRIV);
    if (ea & ((UINT64_C(1) << align) - 1)) {
        see(w, SCENE_CHECK_MISALIGNED, true);
        return;
    }
    see(w, SCENE_CHECK_SECOND_PAGE, (ea ^ va) >> IR_PAGE_BITS);
    if (jit_page(w->run->want, va) == '-') {
        see(w, mode == IR_CHECK_R ? SCENE_READ_UNMAPPED : mode == IR_CHECK_W ? SCENE_WRITE_UNMAPPED : SCENE_RW_UNMAPPED,
            true);
    } else {
        see(w, mode == IR_CHECK_W ? SCENE_WRITE_READ_ONLY : SCENE_RW_READ_ONLY, true);
    }
}

static void see_fault(Walk *w, uint32_t at) {
    const IrNode *n = &w->run->written->nodes[at];
    see(w, SCENE_PEND_SEEN, n[-1].op == IR_pend);
    switch (n->op) {
    case IR_check: see_refused_check(w, n); break;
    case IR_ld: see(w, SCENE_LD_REFUSED, true); break;
    case IR_st: see(w, SCENE_ST_REFUSED, true); break;
    case IR_call: see(w, n->a == H_TRAP ? SCENE_HELPER_SYNC_RAISES : SCENE_HELPER_RAISES, true); break;
    default: g_assert_not_reached();
    }
}

static void see_end(Walk *w, const IrNode *n) {
    const Env *host = jit_env(w->run->host);
    bool left = host->exit_reason == IR_EXIT_PENDING;
    switch (n->op) {
    case IR_jump:
        see(w, SCENE_POLL_JUMP, left);
        see(w, SCENE_NO_POLL, !left && n->aux && host->pending >= 0);
        break;
    case IR_branch:
        see(w, SCENE_POLL_BRANCH, left);
        see(w, SCENE_NO_POLL, !left && n->aux & 16 && host->pending >= 0);
        break;
    case IR_indirect:
        see(w, SCENE_POLL_INDIRECT, left);
        see(w, SCENE_NO_POLL, !left);
        break;
    default:
        break;
    }
}

/* Does the walk end in front of node n? */
static bool walk_ends(Walk *w, const IrNode *n) {
    return w->stops && !w->faulted && n->op == IR_insn && (int32_t)n->a == w->stop;
}

static void walk_written(Walk *w) {
    const IrBlock *b = w->run->written;
    uint32_t at = w->faulted ? jit_left_at(w->run->want) : b->count;
    for (uint32_t i = 1; i < at && !walk_ends(w, &b->nodes[i]); i++) {
        const IrNode *n = &b->nodes[i];
        if (n->op == IR_skip_if) {
            bool skips = ir_cond_holds(n->aux, w->vals[n->a].u32);
            see(w, skips ? SCENE_SKIP : SCENE_NO_SKIP, true);
            g_assert(w->regions < REGIONS);
            w->skips[w->regions++] = skips;
            i = skips ? end_of(b, i) : i;
        } else if (n->op == IR_insn) {
            w->stop = w->faulted ? (int32_t)n->a : w->stop;
        } else if (n->op == IR_leave_if) {
            w->left = ir_cond_holds(n->aux & 15, w->vals[n->a].u32);
            see(w, w->left ? n->aux & IR_LEAVE_UNDONE ? SCENE_LEAVE_UNDONE : SCENE_LEAVE : SCENE_NO_LEAVE, true);
            w->leave_ifs++;
            if (w->left) {
                break;
            }
        } else if (ir_ops[n->op].props & IR_TERM) {
            see_end(w, n);
        } else {
            see_access(w, n, i);
        }
    }
    if (w->faulted) {
        see_fault(w, at);
    }
}

/* -- what host code was made from -- */

static void walk_made(Walk *w) {
    const IrBlock *b = w->run->made;
    const FpStatus *fp = &jit_env(w->run->start)->fp;
    unsigned mode = fp->round | fp->flush << 2 | fp->flush16 << 3 | fp->default_nan << 4, region = 0, pends = 0, leaves = 0;
    bool last = false, pending[GUEST_SLOTS] = {false};
    uint32_t i;
    for (i = 1; i < b->count && !walk_ends(w, &b->nodes[i]); i++) {
        const IrNode *n = &b->nodes[i];
        if (n->op == IR_nop) {
            continue;
        }
        last |= w->faulted && n->op == IR_insn && (int32_t)n->a == w->stop;
        w->t->ops[n->op]++;
        w->t->modes[mode] += ir_ops[n->op].props & IR_FP ? 1 : 0;
        w->t->helpers[n->op == IR_call ? n->a : 0] += n->op == IR_call;
        if (n->op == IR_set || n->op == IR_pend) {
            pends += (n->op == IR_pend) - pending[n->a];
            pending[n->a] = n->op == IR_pend;
        } else if (n->op == IR_skip_if) {
            g_assert(region < w->regions);
            i = w->skips[region++] ? end_of(b, i) : i;
        } else if (n->op == IR_leave_if && ++leaves == w->leave_ifs && w->left) {
            break;
        } else if (last && may_leave(b, n)) {
            break;
        }
    }
    see(w, SCENE_PEND_SEEN, w->stops && pends);
}

/* The insn that host code gave back. What stands in regions may not have been what it could not do. */
static void walk_given(Walk *w) {
    const IrBlock *b = w->run->made;
    uint32_t i = 1;
    bool aligned = false, access = false;
    while (!walk_ends(w, &b->nodes[i])) {
        i++;
    }
    for (i++; i < b->count && b->nodes[i].op != IR_insn && b->nodes[i].op != IR_skip_if; i++) {
        const IrNode *n = &b->nodes[i];
        aligned |= n->op == IR_aligned;
        access |= n->op == IR_check;
        see(w, SCENE_CAS_128, n->op == IR_cas && (n->aux & IR_MEM_SIZE) == 4);
    }
    see(w, SCENE_SP_GIVEN_BACK, aligned && !access);
    see(w, SCENE_ACCESS_GIVEN_BACK, access && !aligned);
}

static void see_flags(Walk *w) {
    uint32_t raised = jit_env(w->run->host)->fp.flags & ~jit_env(w->run->start)->fp.flags;
    see(w, SCENE_FP_INVALID_RAISED, raised & FP_INVALID);
    see(w, SCENE_FP_DIVZERO_RAISED, raised & FP_DIVZERO);
    see(w, SCENE_FP_OVERFLOW_RAISED, raised & FP_OVERFLOW);
    see(w, SCENE_FP_UNDERFLOW_RAISED, raised & FP_UNDERFLOW);
    see(w, SCENE_FP_INEXACT_RAISED, raised & FP_INEXACT);
    see(w, SCENE_FP_DENORMAL_RAISED, raised & FP_INPUT_DENORMAL);
    see(w, SCENE_QC_RAISED, jit_env(w->run->host)->qc && !jit_env(w->run->start)->qc);
}

void tally_add(Tally *t, const TallyRun *run) {
    bool faulted = jit_left_at(run->want) != 0;
    Walk w = {.t = t, .run = run, .vals = jit_values(run->want), .faulted = faulted,
              .stops = faulted || run->given_back, .stop = run->off};
    walk_written(&w);
    walk_made(&w);
    see_flags(&w);
    if (run->given_back) {
        walk_given(&w);
    }
    t->exits[jit_env(run->host)->exit_reason]++;
    t->runs++;
}

/* -- at the end -- */

static bool enough(uint64_t count, uint64_t least, const char *level, const char *what, const char *name) {
    if (count < least) {
        printf("%s: %s %s: %" PRIu64 " times, fewer than %" PRIu64 "\n", level, what, name, count, least);
    }
    return count >= least;
}

static bool op_complete(const Tally *t, IrOp op, const char *level, uint64_t least) {
    for (unsigned i = 0; i < G_N_ELEMENTS(not_executed); i++) {
        if (not_executed[i].op != op) {
            continue;
        }
        if (t->ops[op]) {
            printf("%s: %s was executed although it %s\n", level, ir_ops[op].name, not_executed[i].why);
            return false;
        }
        return true;
    }
    return enough(t->ops[op], least, level, "op", ir_ops[op].name);
}

bool tally_complete(const Tally *t, const char *level, uint64_t least) {
#define TALLY_TEXT(name, meaning) meaning,
    static const char *const scenes[SCENES] = {TALLY_SCENES(TALLY_TEXT)};
    bool ok = true;
    for (unsigned op = 0; op < IR_OPS; op++) {
        ok &= op_complete(t, (IrOp)op, level, least);
    }
    for (unsigned i = 0; i < SCENES; i++) {
        ok &= enough(t->scenes[i], least, level, "scene:", scenes[i]);
    }
    for (unsigned i = 0; i < GUEST_HELPERS; i++) {
        ok &= enough(t->helpers[i], least, level, "helper", guest_helpers[i].name);
    }
    for (unsigned i = 0; i < TALLY_RMW + TALLY_MODES + IR_EXIT_SYNC + 1; i++) {
        char name[16];
        g_snprintf(name, sizeof name, "%u", i < TALLY_RMW ? i : (i - TALLY_RMW) % TALLY_MODES);
        if (i < TALLY_RMW) {
            ok &= enough(t->rmw[i], least / 4, level, "rmw", name);
        } else if (i < TALLY_RMW + TALLY_MODES) {
            ok &= enough(t->modes[i - TALLY_RMW], least, level, "FP op in mode", name);
        } else {
            ok &= enough(t->exits[i - TALLY_RMW - TALLY_MODES], least, level, "exit", name);
        }
    }
    return ok;
}

void tally_print(const Tally *t, unsigned n) {
    for (unsigned op = 0; op < IR_OPS; op++) {
        printf("%-9s", ir_ops[op].name);
        for (unsigned i = 0; i < n; i++) {
            printf(" %9" PRIu64, t[i].ops[op]);
        }
        printf("\n");
    }
}
