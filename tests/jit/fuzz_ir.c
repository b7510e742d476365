/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ir.c - random programs by host code and by the interpreter: `fuzz_ir [FIRST [COUNT]]`.
 *
 * The reference is the program as written; host code is made from the same program folded and rid of dead code, or not,
 * as the seed says, at each level of the backend that this host has. YADO_TEST_CASES is the number of programs for each
 * level in a run without arguments. A difference is shrunk by taking nodes out for as long as it stays, then printed
 * with IR, state and host code. A run that is not shorter than the usual one fails unless each op was executed LEAST
 * times at each level (tally.h). YADO_TEST_COUNTS=1 prints how often.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend-x86_64/x64.h"
#include "tests/jit/program.h"
#include "tests/jit/tally.h"

enum { CASES = 90000, RUNS = 2, LEAST = 1000 };

static const char *const level_names[X64_LEVELS] = {"sse2", "avx2", "avx512"};

typedef struct Fuzz {
    JitSide *host, *want, *start; /* start: the state before a run */
    const char *level;
    IrBlock *plain, *made, *cut;
    GString *diff;
    bool cold;                /* runs begin with an empty TLB */
    char kind[24];            /* how the difference that is being shrunk begins */
    TallyRun run;             /* the run that agreed last */
    unsigned levels;          /* of this host */
    JitSide *hosts[X64_LEVELS];
    Tally tallies[X64_LEVELS];
    uint64_t programs;
    unsigned failed;
} Fuzz;

/* Host code that goes astray is a difference too. */
static sigjmp_buf astray;
static volatile sig_atomic_t in_host;

static void on_signal(int number) {
    if (!in_host) {
        signal(number, SIG_DFL); /* the fault of this program: it happens again */
        return;
    }
    siglongjmp(astray, number);
}

static void copy_nodes(IrBlock *to, const IrBlock *from, uint32_t count) {
    ir_block_reset(to);
    for (uint32_t i = 1; i < count; i++) {
        const IrNode *n = &from->nodes[i];
        ir_append(to, (IrOp)n->op, (IrType)n->type, n->aux, n->a, n->b, n->c);
    }
}

/* The reference for a block that gave an insn back: everything before that insn. */
static bool run_until(Fuzz *f, const IrBlock *b, uint64_t off) {
    for (uint32_t i = 1; i < b->count; i++) {
        if (b->nodes[i].op == IR_insn && b->nodes[i].a == off) {
            copy_nodes(f->cut, b, i);
            ir_append(f->cut, IR_exit, IR_VOID, IR_EXIT_SLOW, (uint32_t)off, 0, 0);
            jit_copy(f->want, f->start);
            jit_run(f->want, f->cut);
            return true;
        }
    }
    return false;
}

/* A way out that shares the jump of another may poll as that does. */
static bool polled_early(const Fuzz *f, const IrBlock *b) {
    bool leaves = false;
    for (uint32_t i = 1; i < b->count; i++) {
        leaves |= b->nodes[i].op == IR_leave_if;
    }
    const Env *got = jit_env(f->host), *want = jit_env(f->want);
    return leaves && got->exit_reason == IR_EXIT_PENDING && want->exit_reason == IR_EXIT_NEXT && got->pending < 0;
}

/* Runs both from f->start; false: they differ, and f->diff tells how. */
static bool agree(Fuzz *f, const IrBlock *host, const IrBlock *reference) {
    Env *got = jit_env(f->host), *want = jit_env(f->want);
    g_string_truncate(f->diff, 0);
    jit_copy(f->host, f->start);
    if (f->cold) {
        jit_forget(f->host);
    }
    f->run = (TallyRun){.written = reference, .made = host, .start = f->start, .want = f->want, .host = f->host};
    if (sigsetjmp(astray, 1)) {
        in_host = false;
        g_string_append(f->diff, "  host code crashes\n");
        return false;
    }
    in_host = true;
    IrExit reason = jit_run(f->host, host);
    in_host = false;
    if (!jit_compiled(f->host)) {
        g_string_append(f->diff, "  given up by the translator\n");
        return false;
    }
    if (reason == IR_EXIT_SLOW) {
        if (!run_until(f, reference, got->pc - got->pcbase)) {
            g_string_append(f->diff, "  given back at no insn\n");
            return false;
        }
        f->run.given_back = true;
        f->run.off = (int32_t)(got->pc - got->pcbase);
        f->run.written = f->cut;
        /* Sticky: the insn that is done again may have set them already. */
        got->fp.flags = (got->fp.flags & want->fp.flags) == want->fp.flags ? want->fp.flags : got->fp.flags;
        got->qc = want->qc ? got->qc : 0;
    } else {
        jit_copy(f->want, f->start);
        jit_run(f->want, reference);
        if (reason == IR_EXIT_FAULT && want->exit_reason == IR_EXIT_FAULT) {
            /* Host code may load, and fault, ahead of other ops of the insn. */
            want->fp.flags = (got->fp.flags & want->fp.flags) == got->fp.flags ? got->fp.flags : want->fp.flags;
            want->qc = got->qc ? want->qc : 0;
        }
        if (polled_early(f, reference)) {
            got->exit_reason = want->exit_reason;
        }
    }
    return jit_compare(f->host, f->want, f->diff);
}

/* -- shrinking -- */

/* A check must stay covered by its accesses: they, and their addresses, are left alone. */
static bool is_kept(const IrBlock *b, uint32_t i) {
    for (uint32_t k = i; k < b->count; k++) {
        const IrNode *n = &b->nodes[k];
        if ((n->op == IR_ld || n->op == IR_st) && (n->b == i || k == i)) {
            return true;
        }
    }
    return false;
}

/* Makes node i smaller in its k-th way; false: there is no such way. */
static bool reduce(IrBlock *b, uint32_t i, unsigned k, bool all) {
    IrNode *n = &b->nodes[i];
    if (n->op == IR_nop || n->op == IR_insn || n->op == IR_const || (ir_ops[n->op].props & IR_TERM) ||
        (!all && is_kept(b, i))) {
        return false;
    }
    if (k == 0) {
        *n = (IrNode){.op = IR_nop};
        return true;
    }
    if (k == 1 && (n->type == IR_I32 || n->type == IR_I64)) {
        *n = (IrNode){.op = IR_const, .type = n->type};
        return true;
    }
    if (k == 2 && n->op != IR_get && (n->type == IR_I64 || n->type == IR_V128 || n->type == IR_FLAGS)) {
        unsigned slot = n->type == IR_I64 ? S_X0 + 1 : n->type == IR_V128 ? S_V0 : S_F0;
        *n = (IrNode){.op = IR_get, .type = n->type, .a = slot};
        return true;
    }
    return false;
}

static bool still_differs(Fuzz *f, IrBlock *b) {
    return ir_verify(b, NULL) && !agree(f, b, b) && strncmp(f->kind, f->diff->str, strlen(f->kind)) == 0;
}

/* A region goes with both of its ends. */
static void drop_regions(Fuzz *f, IrBlock *b) {
    uint32_t start = 0;
    for (uint32_t i = 1; i < b->count; i++) {
        start = b->nodes[i].op == IR_skip_if ? i : start;
        if (b->nodes[i].op == IR_end && start) {
            IrNode a = b->nodes[start], e = b->nodes[i];
            b->nodes[start] = b->nodes[i] = (IrNode){.op = IR_nop};
            if (!still_differs(f, b)) {
                b->nodes[start] = a;
                b->nodes[i] = e;
            }
        }
    }
}

static void shrink(Fuzz *f, IrBlock *b) {
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (uint32_t i = b->count - 1; i > 0; i--) {
            IrNode old = b->nodes[i];
            for (unsigned k = 0; k < 3 && reduce(b, i, k, f->kind[2] == 'g'); k++) {
                if (still_differs(f, b)) {
                    smaller = true;
                    break;
                }
                b->nodes[i] = old;
            }
        }
        drop_regions(f, b);
    }
}

static void report(Fuzz *f, uint64_t seed, uint64_t state) {
    g_autoptr(GString) out = g_string_new(NULL);
    printf("%s, seed %" PRIu64 ", state %" PRIu64 ":\n%s", f->level, seed, state, f->diff->str);
    g_strlcpy(f->kind, f->diff->str, sizeof f->kind);
    g_autoptr(IrBlock) small = guest_block();
    copy_nodes(small, f->made, f->made->count);
    if (!still_differs(f, small)) {
        g_string_append(out, "Host code is right for its IR: the builder or a pass is not.\nIR as written:\n");
        ir_print(f->plain, out);
        g_string_append(out, "IR as made:\n");
        ir_print(f->made, out);
    } else {
        shrink(f, small);
    }
    still_differs(f, small);
    g_string_append(out, "IR:\n");
    ir_print(small, out);
    g_string_append_printf(out, "State:\n%sHost code:\n", f->diff->str);
    jit_text(f->host, out);
    fputs(out->str, stdout);
}

/* -- runs -- */

/* From the state f->start at every level. */
static bool run_levels(Fuzz *f, uint64_t seed, uint64_t state) {
    for (unsigned i = 0; i < f->levels; i++) {
        f->level = level_names[i];
        f->host = f->hosts[i];
        jit_own_pins(f->host, seed & 8);
        if (!agree(f, f->made, f->plain)) {
            report(f, seed, state);
            return false;
        }
        tally_add(&f->tallies[i], &f->run);
    }
    return true;
}

static bool run_seed(Fuzz *f, uint64_t seed) {
    g_autoptr(GError) error = NULL;
    ir_block_reset(f->plain);
    ir_block_reset(f->made);
    f->plain->optimize = false;
    f->made->optimize = seed & 1;
    f->made->merges = (seed & 6) == 4;
    f->made->rounds = seed & 8;
    program_make(f->plain, seed);
    program_make(f->made, seed);
    if (seed & 2) {
        ir_opt_check(f->made);
        ir_opt_dead(f->made);
    }
    if (!ir_verify(f->plain, &error) || !ir_verify(f->made, &error)) {
        printf("seed %" PRIu64 ": %s\n", seed, error->message);
        return false;
    }
    f->programs++;
    for (uint64_t k = 0; k < RUNS; k++) {
        program_state(f->start, seed * RUNS + k);
        f->cold = k == 0;
        if (!run_levels(f, seed, seed * RUNS + k)) {
            return false;
        }
    }
    return true;
}

static bool run_seeds(Fuzz *f, uint64_t first, uint64_t count) {
    for (uint64_t seed = first; seed < first + count && f->failed < 5; seed++) {
        f->failed += !run_seed(f, seed);
    }
    printf("%" PRIu64 " programs at %u levels, %u differ; exits", f->programs, f->levels, f->failed);
    for (unsigned e = 0; e <= IR_EXIT_SYNC; e++) {
        printf(" %" PRIu64, f->tallies[0].exits[e]);
    }
    printf("\n");
    bool ok = !f->failed;
    for (unsigned i = 0; ok && count >= CASES && i < f->levels; i++) {
        ok = tally_complete(&f->tallies[i], level_names[i], LEAST);
    }
    if (g_getenv("YADO_TEST_COUNTS")) {
        tally_print(f->tallies, f->levels);
    }
    return ok;
}

int main(int argc, char **argv) {
    static Fuzz f;
    const char *wish = g_getenv("YADO_TEST_CASES");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGSEGV, on_signal);
    signal(SIGILL, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGFPE, on_signal);
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : argc > 1 ? 1 : wish ? strtoull(wish, NULL, 0) : CASES;
    f = (Fuzz){.want = jit_side_new(&made_up, false), .start = jit_side_new(&made_up, false), .plain = guest_block(),
               .made = guest_block(), .cut = guest_block(), .diff = g_string_new(NULL), .levels = x64_host_level() + 1u};
    for (unsigned i = 0; i < f.levels; i++) {
        f.hosts[i] = jit_side_at_level(&made_up, level_names[i]);
    }
    bool ok = run_seeds(&f, first, count);
    for (unsigned i = 0; i < f.levels; i++) {
        jit_side_free(f.hosts[i]);
    }
    jit_side_free(f.want);
    jit_side_free(f.start);
    ir_block_free(f.plain);
    ir_block_free(f.made);
    ir_block_free(f.cut);
    g_string_free(f.diff, TRUE);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
