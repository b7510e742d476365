/* SPDX-License-Identifier: MIT */
/*
 * run_ir.c - runs the data files of this folder: `run_ir FILE...`.
 *
 * A test starts with `; test: name`, has one or more lines `; run: IN... -> OUT...`, and then IR text up to the next
 * test. IN and OUT are name=value with a slot of fixture.h, mem@ADDR (8 bytes), pending, pc, or in OUT exit, insns. A
 * v128 is high:low. What OUT does not mention must be as it was (slots) or is not looked at (pc, insns, memory);
 * exit is `next` unless given. A test with `; invalid: text` must be refused by the verifier with that text; one with
 * `; only: ENGINE` runs there alone. Host code does not count insns.
 * Each test runs on every engine and in every form: as written, rebuilt by the folding builder, and after passes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "tests/jit/harness.h"

/* Something that runs blocks; more are added to engines[]. */
typedef struct Engine {
    const char *name;
    void *(*create)(void);
    void (*destroy)(void *state);
    IrExit (*run)(void *state, IrBlock *b, Env *env);
    bool counts; /* env.insns */
} Engine;

static void *interp_create(void) {
    return ir_interp_new(&fake_mem, fake_helpers, FAKE_HELPERS);
}
static void interp_destroy(void *state) {
    ir_interp_free(state);
}
static IrExit interp_run(void *state, IrBlock *b, Env *env) {
    return ir_interp_run(state, b, env);
}

/* Host code: on the harness's machine, whose first four pages are the fixture's. */
static const JitGuest jit_guest = {fake_slots, FAKE_SLOTS, fake_helpers, FAKE_HELPERS, 0x1000, "rodx", fake_fault};

static void *host_create(void) {
    return jit_side_new(&jit_guest, true);
}
static void host_destroy(void *state) {
    jit_side_free(state);
}
static IrExit host_run(void *state, IrBlock *b, Env *env) {
    Env *at = jit_env(state);
    jit_forget(state);
    memcpy(jit_memory(state), env->runtime, jit_memory_size(state));
    memcpy(at->guest, env->guest, sizeof at->guest);
    at->pcbase = env->pcbase;
    at->pc = env->pc;
    at->pending = env->pending;
    at->excl_addr = UINT64_MAX;
    at->fp = env->fp;
    at->qc = env->qc;
    IrExit reason = jit_run(state, b);
    if (!jit_compiled(state)) {
        printf("  the translator gives the block up\n");
    } else if (reason == IR_EXIT_SLOW) { /* given back to the interpreter, as a vCPU would */
        IrInterp *it = interp_create();
        reason = ir_interp_run(it, b, env);
        ir_interp_free(it);
        return reason;
    }
    memcpy(env->runtime, jit_memory(state), jit_memory_size(state));
    memcpy(env->guest, at->guest, sizeof at->guest);
    env->pc = at->pc;
    env->exit_reason = reason;
    return reason;
}

static const Engine engines[] = {
    {"interpreter", interp_create, interp_destroy, interp_run, true},
    {"host", host_create, host_destroy, host_run, false},
};

/* -- forms of a block -- */

static uint32_t rebuild_call(IrBlock *to, const IrBlock *from, const IrNode *n, const uint32_t *map) {
    uint32_t args[5], chain = n->b;
    unsigned count = 0;
    for (; chain && count < 5; chain = from->nodes[chain].b) {
        args[count++] = map[from->nodes[chain].a];
    }
    return ir_call(to, n->a, count, args);
}

/* The id of node i of `from` made anew in `to`. */
static uint32_t rebuild_node(IrBlock *to, const IrBlock *from, uint32_t i, const uint32_t *map) {
    const IrNode *n = &from->nodes[i];
    uint32_t arg[3];
    for (unsigned k = 0; k < 3; k++) {
        arg[k] = ir_operand_is_value((IrOp)n->op, k) ? map[n->arg[k]] : n->arg[k];
    }
    switch (n->op) {
    case IR_nop:
    case IR_arg:
        return 0;
    case IR_insn:
        ir_insn(to, (int32_t)n->a, n->aux);
        return 0;
    case IR_get:
        return ir_get(to, n->a, (IrType)n->type);
    case IR_set:
        ir_set(to, n->a, arg[1]);
        return 0;
    case IR_call:
        return rebuild_call(to, from, n, map);
    case IR_skip_if:
        ir_skip_if(to, (IrCond)n->aux, arg[0]);
        return 0;
    case IR_end:
        ir_end_skip(to);
        return 0;
    default:
        return ir_emit(to, (IrOp)n->op, (IrType)n->type, n->aux, arg[0], arg[1], arg[2]);
    }
}

static void rebuild(IrBlock *to, const IrBlock *from) {
    g_autofree uint32_t *map = g_new0(uint32_t, from->count);
    ir_block_reset(to);
    for (uint32_t i = 1; i < from->count; i++) {
        map[i] = rebuild_node(to, from, i, map);
    }
}

enum { FORM_WRITTEN, FORM_BUILT, FORM_DEAD, FORM_BUILT_DEAD, FORMS };
static const char *const form_names[FORMS] = {
    "as written", "rebuilt", "dead code removed", "rebuilt, dead code removed",
};

static bool make_form(IrBlock *b, const IrBlock *written, int form) {
    if (form & FORM_BUILT) {
        rebuild(b, written);
    } else {
        ir_block_reset(b);
        for (uint32_t i = 1; i < written->count; i++) {
            const IrNode *n = &written->nodes[i];
            ir_append(b, (IrOp)n->op, (IrType)n->type, n->aux, n->a, n->b, n->c);
        }
    }
    if (form & FORM_DEAD) {
        ir_opt_check(b);
        ir_opt_dead(b);
    }
    g_autoptr(GError) error = NULL;
    if (!ir_verify(b, &error)) {
        printf("  %s: verifier: %s\n", form_names[form], error->message);
        return false;
    }
    return true;
}

/* -- states: name=value -- */

static const char *const exit_names[] = {"next", "pc_set", "pending", "fault", "slow", "halt", "sync"};

static uint64_t parse_u64(const char *s) {
    return s[0] == '-' ? -g_ascii_strtoull(s + 1, NULL, 0) : g_ascii_strtoull(s, NULL, 0);
}

static const IrSlot *find_slot(const char *name) {
    for (unsigned i = 0; i < FAKE_SLOTS; i++) {
        if (strcmp(fake_slots[i].name, name) == 0) {
            return &fake_slots[i];
        }
    }
    return NULL;
}

static unsigned slot_bytes(const IrSlot *s) {
    static const uint8_t bytes[IR_TYPES] = {[IR_I8] = 1, [IR_I16] = 2, [IR_I32] = 4, [IR_I64] = 8, [IR_V128] = 16,
                                            [IR_FLAGS] = 4};
    return bytes[s->type];
}

/* Puts name=value into env. False: no such name. */
static bool assign(Env *env, const char *name, const char *value) {
    const IrSlot *s = find_slot(name);
    IrVal v = {.d = {parse_u64(value), 0}};
    const char *colon = strchr(value, ':');
    if (colon) {
        v.d[1] = v.d[0];
        v.d[0] = parse_u64(colon + 1);
    }
    if (s) {
        memcpy((char *)env + s->offset, &v, slot_bytes(s));
    } else if (g_str_has_prefix(name, "mem@")) {
        memcpy(fake_ram(env, parse_u64(name + 4)), &v, 8);
    } else if (strcmp(name, "pending") == 0) {
        env->pending = (int32_t)v.u32;
    } else if (strcmp(name, "pc") == 0) {
        env->pc = v.u64;
    } else if (strcmp(name, "insns") == 0) {
        env->insns = v.u64;
    } else if (strcmp(name, "exit") == 0) {
        env->exit_reason = G_MAXUINT32;
        for (unsigned i = 0; i < G_N_ELEMENTS(exit_names); i++) {
            if (strcmp(exit_names[i], value) == 0) {
                env->exit_reason = i;
            }
        }
        return env->exit_reason != G_MAXUINT32;
    } else {
        return false;
    }
    return true;
}

/* Applies a list of assignments; *pc, *insns, and the memory words named in it are compared later. */
static bool assign_all(Env *env, const char *text) {
    g_auto(GStrv) items = g_strsplit_set(text, " \t", -1);
    for (char **item = items; *item; item++) {
        char *eq = strchr(*item, '=');
        if (!**item) {
            continue;
        }
        if (!eq) {
            return false;
        }
        *eq = '\0';
        if (!assign(env, *item, eq + 1)) {
            printf("  cannot assign '%s'\n", *item);
            return false;
        }
    }
    return true;
}

static bool same_slot(const Env *a, const Env *b, const IrSlot *s) {
    if (s->type == IR_FLAGS) {
        uint32_t x, y;
        memcpy(&x, (const char *)a + s->offset, 4);
        memcpy(&y, (const char *)b + s->offset, 4);
        return ((x ^ y) & IR_FLAG_MASK) == 0;
    }
    return memcmp((const char *)a + s->offset, (const char *)b + s->offset, slot_bytes(s)) == 0;
}

static void print_slot(const Env *env, const IrSlot *s) {
    IrVal v = {.d = {0, 0}};
    memcpy(&v, (const char *)env + s->offset, slot_bytes(s));
    printf("0x%" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x", v.d[1], v.d[0]);
}

/* Compares the state after a run with the expected one, as far as `out` speaks of it. */
static bool compare(const Engine *e, Env *got, Env *want, const char *out) {
    bool ok = true;
    for (unsigned i = 0; i < FAKE_SLOTS; i++) {
        if (!same_slot(got, want, &fake_slots[i])) {
            printf("  %s is ", fake_slots[i].name);
            print_slot(got, &fake_slots[i]);
            printf(", expected ");
            print_slot(want, &fake_slots[i]);
            printf("\n");
            ok = false;
        }
    }
    for (unsigned i = 0; i < 0x4000; i++) {
        if (((uint8_t *)got->runtime)[i] != ((uint8_t *)want->runtime)[i]) {
            printf("  memory at 0x%x differs\n", 0x1000 + i);
            ok = false;
            break;
        }
    }
    if (got->exit_reason != want->exit_reason) {
        printf("  exit is %s, expected %s\n", exit_names[got->exit_reason], exit_names[want->exit_reason]);
        ok = false;
    }
    if (strstr(out, "pc=") && got->pc != want->pc) {
        printf("  pc is 0x%" G_GINT64_MODIFIER "x, expected 0x%" G_GINT64_MODIFIER "x\n", got->pc, want->pc);
        ok = false;
    }
    if (e->counts && strstr(out, "insns=") && got->insns != want->insns) {
        printf("  insns is %u, expected %u\n", (unsigned)got->insns, (unsigned)want->insns);
        ok = false;
    }
    return ok;
}

/* -- tests -- */

typedef struct Test {
    const char *file;
    char *name;
    char *invalid;
    char *only;
    GPtrArray *runs;
    GString *text;
} Test;

static bool run_once(const Engine *e, void *state, IrBlock *b, const char *run) {
    g_auto(GStrv) halves = g_strsplit(run, "->", 2);
    if (g_strv_length(halves) != 2) {
        printf("  a run line needs '->'\n");
        return false;
    }
    Env *got = fake_env_new(), *want = fake_env_new();
    bool ok = assign_all(got, halves[0]) && assign_all(want, halves[0]) && assign_all(want, halves[1]);
    if (ok) {
        e->run(state, b, got);
        ok = compare(e, got, want, halves[1]);
    }
    fake_env_free(got);
    fake_env_free(want);
    return ok;
}

static bool expect_invalid(const Test *t, const IrBlock *b) {
    g_autoptr(GError) error = NULL;
    if (ir_verify(b, &error)) {
        printf("%s: %s: the verifier accepts it\n", t->file, t->name);
        return false;
    }
    if (!strstr(error->message, t->invalid)) {
        printf("%s: %s: expected '%s', got: %s\n", t->file, t->name, t->invalid, error->message);
        return false;
    }
    return true;
}

static bool round_trip(const Test *t, const IrBlock *b) {
    g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
    g_autoptr(IrBlock) again = fake_block_new();
    g_autoptr(GError) error = NULL;
    ir_print(b, first);
    if (!ir_parse(again, first->str, &error)) {
        printf("%s: %s: printed text does not parse: %s\n%s", t->file, t->name, error->message, first->str);
        return false;
    }
    ir_print(again, second);
    if (strcmp(first->str, second->str) != 0) {
        printf("%s: %s: text changes in a round trip:\n%s--\n%s", t->file, t->name, first->str, second->str);
        return false;
    }
    return true;
}

static bool run_forms(const Test *t, const IrBlock *written, const Engine *e, void *state) {
    g_autoptr(IrBlock) b = fake_block_new();
    bool ok = true;
    for (int form = 0; form < FORMS; form++) {
        bool good = make_form(b, written, form) && round_trip(t, b);
        for (unsigned i = 0; good && i < t->runs->len; i++) {
            good = run_once(e, state, b, t->runs->pdata[i]);
        }
        if (!good) {
            printf("%s: %s: FAILED on the %s, %s\n", t->file, t->name, e->name, form_names[form]);
            ok = false;
        }
    }
    return ok;
}

static bool run_test(const Test *t) {
    g_autoptr(IrBlock) written = fake_block_new();
    g_autoptr(GError) error = NULL;
    if (!ir_parse(written, t->text->str, &error)) {
        printf("%s: %s: %s\n", t->file, t->name, error->message);
        return false;
    }
    if (t->invalid) {
        return expect_invalid(t, written);
    }
    if (t->runs->len == 0) {
        printf("%s: %s: no run line\n", t->file, t->name);
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(engines); i++) {
        if (t->only && strcmp(t->only, engines[i].name) != 0) {
            continue;
        }
        void *state = engines[i].create();
        ok &= run_forms(t, written, &engines[i], state);
        engines[i].destroy(state);
    }
    return ok;
}

static void test_clear(Test *t) {
    g_clear_pointer(&t->name, g_free);
    g_clear_pointer(&t->invalid, g_free);
    g_clear_pointer(&t->only, g_free);
    g_ptr_array_set_size(t->runs, 0);
    g_string_truncate(t->text, 0);
}

/* Runs the test collected so far, if there is one. */
static void finish(Test *t, unsigned *passed, unsigned *failed) {
    if (t->name) {
        *(run_test(t) ? passed : failed) += 1;
    }
    test_clear(t);
}

static bool run_file(const char *path, unsigned *passed, unsigned *failed) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    Test t = {.file = path, .runs = g_ptr_array_new_with_free_func(g_free), .text = g_string_new(NULL)};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "; test:")) {
            finish(&t, passed, failed);
            t.name = g_strstrip(g_strdup(*line + 7));
        } else if (g_str_has_prefix(*line, "; run:")) {
            g_ptr_array_add(t.runs, g_strdup(*line + 6));
        } else if (g_str_has_prefix(*line, "; invalid:")) {
            t.invalid = g_strstrip(g_strdup(*line + 10));
        } else if (g_str_has_prefix(*line, "; only:")) {
            t.only = g_strstrip(g_strdup(*line + 7));
        } else {
            g_string_append_printf(t.text, "%s\n", *line);
        }
    }
    finish(&t, passed, failed);
    g_ptr_array_free(t.runs, TRUE);
    g_string_free(t.text, TRUE);
    return true;
}

int main(int argc, char **argv) {
    unsigned passed = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        if (!run_file(argv[i], &passed, &failed)) {
            return EXIT_FAILURE;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed ? EXIT_FAILURE : EXIT_SUCCESS;
}
