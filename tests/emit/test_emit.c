/* SPDX-License-Identifier: MIT */
/*
 * test_emit.c - golden translations: `test_emit FILE...` compares, with YADO_BLESS set it rewrites the files.
 *
 * A file's name begins with its guest's. A section is `== name`, `code:` (or `loop:`, for two rounds of a loop; or `path:`,
 * with the numbers of insns in the order in which they are executed after a colon, `0` at its end for a loop; or `pins:`,
 * for pins of the block's own) with insns in hex, and what is made of them: their text, IR as built, IR after passes (when it differs), host code. Addresses of
 * host code are written as +offset in the block or as @stub, ops and helpers that are called by name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/arm/cpu.h"
#include "frontend/ppc/ppc.h"
#include "frontend/ppc/spr.h"
#include "tcg/vcpu.h"
#include "tests/jit/harness.h"

#define LEVEL "avx2" /* of the backend's rules */
enum { PC = 0x1000, ROUNDS = 2 };

static void no_memory(Env *env, uint64_t va) {
    env->pc = UINT64_MAX;
}

static uint64_t time_stands(void *opaque) {
    return 0;
}

/* -- guests -- */

/* A user of 64 bits, little-endian, with all facilities */
static void set_ppc(Env *env) {
    ppc_set_msr(env, PPC_MSR_SF | PPC_MSR_PR | PPC_MSR_LE | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_FP | PPC_MSR_VEC | PPC_MSR_VSX);
}

/* The guest of a file whose name begins so. */
typedef struct Guest {
    const char *prefix, *model;
    const Frontend *frontend;
    void (*prepare)(Env *env);
} Guest;
static const Guest guests[] = {
    {"a64", "max", &frontend_arm, NULL},
    {"ppc", "power9", &frontend_ppc, set_ppc},
};

static void context_stays(void *opaque, Env *env) {
}

/* -- host code with names -- */

static const char *stub_name(const HostStubs *s, const uint8_t *at) {
    const struct {
        const char *name;
        const uint8_t *at;
    } stubs[] = {
        {"chain", s->chain}, {"pending", s->pending}, {"pending_va", s->pending_va}, {"miss", s->miss},
        {"leave", s->leave}, {"slow", s->slow}, {"call_pure", s->call_pure}, {"call_state", s->call_state},
        {"op_call", s->op_call}, {"pending_sext", s->pending_sext}, {"pending_far", s->pending_far},
        {"miss_sext", s->miss_sext}, {"miss_far", s->miss_far}, {"op_call_kept", s->op_call_kept},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(stubs); i++) {
        if (stubs[i].at == at) {
            return stubs[i].name;
        }
    }
    return NULL;
}

/* "jmp 0x7f..." -> "jmp +0x40" or "jmp @chain". */
static char *name_target(JitSide *s, const char *line) {
    size_t bytes;
    const uint8_t *start = jit_host(s, &bytes);
    const char *hex = strrchr(line, ' ');
    const char *op = strstr(line, ":  ");
    bool flow = op && (op[3] == 'j' || g_str_has_prefix(op + 3, "call")) && hex && g_str_has_prefix(hex, " 0x") &&
                !strchr(line, '[');
    if (!flow) {
        return g_strdup(line);
    }
    const uint8_t *at = (const uint8_t *)(uintptr_t)strtoull(hex + 1, NULL, 16);
    const char *name = stub_name(&jit_vcpu(s)->tcg->stubs, at);
    g_autofree char *head = g_strndup(line, (gsize)(hex - line));
    return name ? g_strdup_printf("%s @%s", head, name)
                : g_strdup_printf("%s %c0x%x", head, at < start ? '-' : '+', (unsigned)ABS(at - start));
}

/* In front of a call of an op or a helper: "mov eax, 0x450" -> "mov eax, op vmul". */
static void name_callee(char **line, const char *target, const Frontend *frontend) {
    char *hex = strstr(*line, ":  mov eax, 0x");
    bool op = g_str_has_suffix(target, "@op_call");
    if (!hex || !(op || strstr(target, "call @call_"))) {
        return;
    }
    size_t n = strtoull(strstr(hex, "0x"), NULL, 16) / (op ? sizeof(IrOpInfo) : sizeof(IrHelper));
    const char *name = op ? (n < IR_OPS ? ir_ops[n].name : "?")
                          : n < frontend->helper_count ? frontend->helpers[n].name : "?";
    g_autofree char *head = g_strndup(*line, (gsize)(hex - *line));
    g_free(*line);
    *line = g_strdup_printf("%s:  mov eax, %s %s", head, op ? "op" : "helper", name);
}

static void host_text(JitSide *s, const Frontend *frontend, GString *out) {
    g_autoptr(GString) raw = g_string_new(NULL);
    jit_text(s, raw);
    g_auto(GStrv) lines = g_strsplit(raw->str, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        char *named = name_target(s, lines[i]);
        g_free(lines[i]);
        lines[i] = g_strchomp(named);
        for (unsigned back = 1; back <= 2 && back <= i && strstr(named, "call @"); back++) {
            name_callee(&lines[i - back], named, frontend);
        }
    }
    g_autofree char *text = g_strjoinv("\n", lines);
    g_string_append(out, text);
}

/* -- sections -- */

enum { MAX_PATH = 64 };

/* Page offsets of the insns whose numbers the text has. */
static unsigned read_path(const char *text, uint16_t *path) {
    unsigned count = 0;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **w = words; *w && count < MAX_PATH; w++) {
        path[count++] = (uint16_t)(64 + 4 * strtoul(*w, NULL, 10));
    }
    return count;
}

static IrBlock *translate(JitSide *s, const Frontend *frontend, const uint32_t *code, unsigned count,
                          unsigned rounds, const char *order) {
    IrBlock *b = ir_block_new(frontend->slots, frontend->slot_count, frontend->helpers, frontend->helper_count);
    uint8_t page[PAGE_SIZE] = {0};
    uint16_t path[MAX_PATH];
    unsigned begin, end;
    memcpy(page + 64, code, count * sizeof *code);
    TransRequest request = {.frontend = frontend, .env = jit_env(s), .mode = frontend->mode(jit_env(s)), .page = page,
                            .offset = 64, .max_insns = rounds ? rounds * count : count, .stop_offset = -1, .rounds = rounds};
    b->optimize = b->merges = true;
    if (order) {
        request.path = path;
        request.path_len = read_path(order, path);
        request.cycle = path[request.path_len - 1] == path[0];
        request.path_len -= request.cycle;
        request.max_insns = MAX_PATH;
        frontend_translate_path(&request, b, &begin, &end);
    } else {
        frontend_translate(&request, b, &end);
    }
    return b;
}

/* What stands in front of a section's insns, and the rounds that it means. */
static const struct {
    const char *word;
    unsigned rounds;
    bool has_path, own_pins;
} kinds[] = {{"code: ", 0, false, false}, {"loop: ", ROUNDS, false, false}, {"path: ", 0, true, false}, {"pins: ", 0, false, true}};

static void make_section(JitSide *s, const Frontend *frontend, const char *name, const char *line, unsigned kind, GString *out) {
    uint32_t insns[32];
    unsigned count = 0;
    g_auto(GStrv) parts = g_strsplit(line + strlen(kinds[kind].word), kinds[kind].has_path ? ": " : "\n", 2);
    g_auto(GStrv) words = g_strsplit(g_strchomp(parts[0]), " ", -1);
    g_string_append_printf(out, "\n== %s\n%s\n", name, line);
    for (char **w = words; *w && count < G_N_ELEMENTS(insns); w++) {
        insns[count++] = (uint32_t)strtoul(*w, NULL, 16);
        g_string_append(out, "  ");
        frontend->disasm((const uint8_t *)&insns[count - 1], 4, PC + 64 + 4 * (count - 1), frontend->mode(jit_env(s)), out);
        g_string_append_c(out, '\n');
    }
    g_autoptr(IrBlock) b = translate(s, frontend, insns, count, kinds[kind].rounds, parts[1]);
    g_autoptr(GString) built = g_string_new(NULL);
    g_autoptr(GString) passed = g_string_new(NULL);
    ir_print(b, built);
    ir_opt_dead(b);
    ir_print(b, passed);
    g_string_append_printf(out, "-- IR\n%s", built->str);
    if (!g_string_equal(built, passed)) {
        g_string_append_printf(out, "-- IR after passes\n%s", passed->str);
    }
    g_string_append(out, "-- host\n");
    jit_own_pins(s, kinds[kind].own_pins);
    if (jit_compile(s, b)) {
        jit_env(s)->pcbase = PC;
        host_text(s, frontend, out);
    } else {
        g_string_append(out, "given up\n");
    }
}

/* The file as it should be: its comments and names and codes, and all else made anew. */
static char *remake(JitSide *s, const Frontend *frontend, const char *text, unsigned *sections) {
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *name = NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if ((*line)[0] == '#') {
            g_string_append_printf(out, "%s%s\n", out->len ? "\n" : "", *line);
        } else if (g_str_has_prefix(*line, "== ")) {
            g_free(name);
            name = g_strdup(*line + 3);
        }
        for (unsigned kind = 0; kind < G_N_ELEMENTS(kinds) && name; kind++) {
            if (g_str_has_prefix(*line, kinds[kind].word)) {
                make_section(s, frontend, name, *line, kind, out);
                ++*sections;
            }
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void first_difference(const char *path, const char *is, const char *should) {
    g_auto(GStrv) a = g_strsplit(is, "\n", -1);
    g_auto(GStrv) b = g_strsplit(should, "\n", -1);
    const char *name = "";
    for (unsigned i = 0; a[i] && b[i]; i++) {
        name = g_str_has_prefix(a[i], "== ") ? a[i] : name;
        if (strcmp(a[i], b[i]) != 0) {
            printf("%s:%u: %s\n  expected: %s\n  made now: %s\n", path, i + 1, name, a[i], b[i]);
            return;
        }
    }
    printf("%s: one is longer than the other\n", path);
}

/* Remakes or compares one file; false: it is not as it should be. */
static bool run_file(const Guest *g, const char *path) {
    const Frontend *f = g->frontend;
    JitGuest guest = {f->slots, f->slot_count, f->helpers, f->helper_count, PC, "r", no_memory};
    const CpuPorts ports = {.now = time_stands, .context_changed = context_stays};
    JitSide *s = jit_side_at_level(&guest, LEVEL);
    g_autofree char *text = NULL, *made = NULL;
    g_autoptr(GError) error = NULL;
    unsigned sections = 0;
    bool ok = f->init(jit_env(s), &(CpuConfig){.model = g->model, .ports = &ports}, &error) &&
              g_file_get_contents(path, &text, NULL, &error);
    if (ok) {
        if (g->prepare) {
            g->prepare(jit_env(s));
        }
        made = remake(s, f, text, &sections);
        f->finish(jit_env(s));
        if (g_getenv("YADO_BLESS")) {
            ok = g_file_set_contents(path, made, -1, &error);
        } else if (strcmp(text, made) != 0 || sections == 0) {
            first_difference(path, text, made);
            ok = false;
        }
        printf("%s: %u sections\n", path, sections);
    }
    if (error) {
        printf("%s\n", error->message);
    }
    jit_side_free(s);
    return ok;
}

int main(int argc, char **argv) {
    if (!backend_x86_64_named(LEVEL, NULL)) {
        printf("skipped: the files show code for %s, which this machine cannot run\n", LEVEL);
        return 77;
    }
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        g_autofree char *name = g_path_get_basename(argv[i]);
        const Guest *guest = NULL;
        for (size_t k = 0; k < G_N_ELEMENTS(guests); k++) {
            guest = g_str_has_prefix(name, guests[k].prefix) ? &guests[k] : guest;
        }
        if (!guest) {
            printf("%s: no guest's name begins so\n", argv[i]);
        }
        failed += !guest || !run_file(guest, argv[i]);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
