/* SPDX-License-Identifier: MIT */
/*
 * counters.c - the translator's counters as text.
 * Missing: hits of the first-level TLB and jumps within generated code, which count nothing as they go by.
 */
#include "system/counters.h"

#include <inttypes.h>

typedef struct Row {
    const char *what;
    uint64_t count;
} Row;

static void print_rows(GString *out, const Row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(out, "%-26s %" PRIu64 "\n", rows[i].what, rows[i].count);
    }
}

static void print_share(GString *out, const char *what, uint64_t part, uint64_t whole) {
    if (part && whole) {
        g_string_append_printf(out, "%-26s %.2f\n", what, (double)part / (double)whole);
    }
}

static void print_blocks(const TcgStats *s, GString *out) {
    const Row made[] = {
        {"blocks translated", s->blocks}, {"guest insns in them", s->block_insns}, {"bytes of host code", s->host_bytes},
        {"regions made", s->regions}, {"guest insns in regions", s->region_insns}, {"ns making regions", s->region_ns},
    };
    print_rows(out, made, G_N_ELEMENTS(made));
    print_share(out, "host bytes per guest insn", s->host_bytes, s->block_insns);
    print_share(out, "host insns per guest insn", s->host_insns, s->counted_insns);
    const Row kept[] = {
        {"blocks invalidated", s->invalidated}, {"blocks revived", s->revived}, {"times all were dropped", s->emptied}, {"bytes of code memory", s->cache_bytes},
        {"bytes of it in use", s->cache_used}, {"page hints given up", s->hint_bans}, {"merged checks undone", s->merge_bans},
    };
    print_rows(out, kept, G_N_ELEMENTS(kept));
}

static void print_times(const TcgStats *s, GString *out) {
    static const char *const stages[TCG_STAGES] = {"ns in the front end", "ns in passes", "ns making host code"};
    const Row all[] = {{"ns spent translating", s->translate_ns}};
    print_rows(out, all, 1);
    print_share(out, "ns per guest insn", s->translate_ns, s->block_insns);
    for (unsigned i = 0; i < TCG_STAGES; i++) {
        if (s->stage_ns[i]) {
            print_rows(out, &(Row){stages[i], s->stage_ns[i]}, 1);
        }
    }
}

static void print_exits(const TcgStats *s, GString *out) {
    static const char *const reasons[G_N_ELEMENTS(s->exits)] = {
        [IR_EXIT_NEXT] = "exits to unknown code", [TCG_EXIT_CHAIN] = "exits to be chained",
        [IR_EXIT_PC_SET] = "exits by exceptions", [IR_EXIT_FAULT] = "exits by faults",
        [IR_EXIT_PENDING] = "exits by requests", [IR_EXIT_SLOW] = "exits by slow insns",
        [IR_EXIT_HALT] = "exits by waiting", [IR_EXIT_SYNC] = "exits by maintenance",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (reasons[i]) {
            print_rows(out, &(Row){reasons[i], s->exits[i]}, 1);
        }
    }
}

void counters_print(const TcgStats *s, GString *out) {
    print_blocks(s, out);
    print_times(s, out);
    print_exits(s, out);
    const Row rows[] = {
        {"block look-ups in C", s->lookups}, {"TLB level 1: left to C", s->tlb_slow}, {"TLB fills", s->tlb_fills},
        {"TLB level 2: hits", s->tlb_hits}, {"TLB walks", s->tlb_walks}, {"TLB flushes", s->tlb_flushes},
        {"guest insns retired", s->insns}, {"host insns run", s->host_insns_run}, {"calls of C", s->helper_calls},
        {"block runs compared", s->verified}, {"device accesses in them", s->verify_devices},
        {"calls of C in them", s->verify_calls}, {"faults in them", s->verify_faults},
        {"runs not compared", s->verify_lost + s->verify_debugged + s->verify_raced}, {"insns interpreted", s->verify_alone},
    };
    print_rows(out, rows, G_N_ELEMENTS(rows));
}
