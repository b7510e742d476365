/* SPDX-License-Identifier: MIT */
/*
 * base_compare.c - random insns of the base table against base_oracle.c, and the making of vectors from it.
 *
 *     base_compare gen SEED COUNT [ROW] > cases    COUNT or more of each row (or of rows that begin with ROW)
 *     base_oracle < cases > results
 *     base_compare check cases results             runs them here, in every way; reports those that differ
 *     base_compare record cases results            lines for test_base.c
 * Missing: UNPREDICTABLE register combinations.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/insn/aarch64/base_run.h"
#include "tests/insn/aarch64/rows.h"

/* -- values -- */

static uint64_t next(uint64_t *seed) {
    return cover_random(seed);
}

/* -- insns -- */

static bool is(const A64Row *row, const char *prefix) {
    return g_str_has_prefix(row->name, prefix);
}

static const DecodeField *field_of(const A64Row *row, const char *name) {
    for (uint32_t i = 0; i < row->field_count; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            return &row->fields[i];
        }
    }
    return NULL;
}

static uint32_t get_field(const A64Row *row, uint32_t insn, const char *name, uint32_t otherwise) {
    const DecodeField *f = field_of(row, name);
    return f ? insn >> f->shift & ((1u << f->width) - 1) : otherwise;
}

static uint32_t set_field(const A64Row *row, uint32_t insn, const char *name, uint32_t value) {
    const DecodeField *f = field_of(row, name);
    if (!f) {
        return insn;
    }
    uint32_t mask = ((1u << f->width) - 1) << f->shift;
    return (insn & ~mask) | (value << f->shift & mask);
}

static uint32_t random_insn(uint64_t *seed, const A64Row *row) {
    for (;;) {
        A64Fields f;
        uint32_t insn = ((uint32_t)next(seed) & ~row->mask) | row->value;
        if (a64_find(insn, &f) == row) {
            return insn;
        }
    }
}

/* To a place in the code, or to one that a register holds */
static bool is_branch(const A64Row *row) {
    return (row->value >> 26 & 7) == 5;
}

static bool is_literal(const A64Row *row) {
    return strstr(row->name, "_lit") && !is(row, "prf");
}

static bool is_memory(const A64Row *row) {
    return (row->value >> 25 & 5) == 4 && !is_branch(row) && !is(row, "prf");
}

static bool is_chosen(const A64Row *row, const char *name) {
    return strcmp(row->file, "a64_base.decode") == 0 && (!name || is(row, name));
}

/* Do registers of a load or store coincide in a way that makes it UNPREDICTABLE, or the base unknown? */
static bool is_unpredictable(const A64Row *row, uint32_t insn) {
    enum { NONE = 32 };
    uint32_t rn = get_field(row, insn, "rn", NONE), rt = get_field(row, insn, "rt", NONE);
    uint32_t rt2 = get_field(row, insn, "rt2", NONE + 1), rs = get_field(row, insn, "rs", NONE + 2);
    bool vector = row->name[0] == 'v', write_back = strstr(row->name, "_post") || strstr(row->name, "_pre");
    return (!vector && write_back && rn != 31 && (rt == rn || rt2 == rn)) || (rt == rt2) ||
           (is(row, "stx") && (rs == rt || rs == rt2 || rs == rn)) ||
           (field_of(row, "option") && get_field(row, insn, "rm", NONE) == rn);
}

/* Value of the index register as the insn extends and shifts it. */
static uint64_t index_of(const A64Row *row, uint32_t insn, const BaseCase *c, unsigned scale) {
    uint32_t rm = get_field(row, insn, "rm", 31), option = get_field(row, insn, "option", 0);
    uint64_t v = rm == 31 ? 0 : c->x[rm];
    v = option == 2 ? (uint32_t)v : option == 6 ? (uint64_t)(int32_t)v : v;
    return v << (get_field(row, insn, "s", 0) ? scale : 0);
}

/* Makes the address of insn fall into the window: from 16 bytes that are aligned, and from there by an offset if that
 * is small. */
static uint32_t place(uint64_t *seed, const A64Row *row, uint32_t insn, BaseCase *c) {
    uint32_t rn = get_field(row, insn, "rn", 0);
    uint64_t base = BASE_ADDRESS + BASE_WINDOW / 2 + next(seed) % 32 * 16;
    unsigned scale = get_field(row, insn, "size", 0) | (row->name[0] == 'v' ? (insn >> 23 & 1) << 2 : 0);
    if (is_literal(row)) {
        return set_field(row, insn, "imm19", (uint32_t)((base + next(seed) % 16 * 4 - c->pc) >> 2));
    }
    if (field_of(row, "imm12")) {
        base -= (uint64_t)get_field(row, insn, "imm12", 0) << scale;
    }
    if (field_of(row, "option")) {
        base -= index_of(row, insn, c, scale);
        base += next(seed) % 2 ? 0 : next(seed) % 64;
    }
    *(rn == 31 ? &c->sp : &c->x[rn]) = base;
    return insn;
}

/* Where an indirect branch leads to: somewhere without code. */
static void aim(uint64_t *seed, const A64Row *row, uint32_t insn, BaseCase *c) {
    uint32_t rn = get_field(row, insn, "rn", 31), rt = get_field(row, insn, "rt", 31);
    if (rn != 31) {
        uint64_t far = UINT64_C(0x300000000000) | next(seed) >> 20;
        c->x[rn] = (next(seed) % 2 ? far : c->pc + 64 + next(seed) % 3900) & ~UINT64_C(3);
    }
    if (rt != 31 && next(seed) % 2) {
        c->x[rt] = 0;
    }
}

/* Pairs of operands that matter: division, carries, signs */
static void pair_operands(const A64Row *row, uint32_t insn, uint32_t k, BaseCase *c) {
    static const uint64_t min64 = UINT64_C(1) << 63, min32 = UINT64_C(1) << 31, max32 = UINT32_MAX, all = UINT64_MAX;
    const uint64_t pairs[][2] = {
        {min64, all}, {min32, max32}, {min32, all}, {1, 0}, {0, 0}, {all, all}, {max32, max32}, {INT64_MAX, 1},
        {INT32_MAX, 1}, {min64, min64}, {min32, min32}, {all, 1}, {max32, 1}, {7, 63}, {7, 64}, {min64, 65},
    };
    uint32_t rn = get_field(row, insn, "rn", 31), rm = get_field(row, insn, "rm", 31);
    if (rn < 31 && rm < 31 && k < 2 * G_N_ELEMENTS(pairs) && k % 2 == 0) {
        c->x[rn] = pairs[k / 2][0];
        c->x[rm] = pairs[k / 2][1];
    }
}

/* A store exclusive mostly follows a load exclusive of its kind. */
static void arm_monitor(uint64_t *seed, const A64Row *row, BaseCase *c) {
    uint32_t insn = c->insn[0], rn = insn >> 5 & 31, a = (uint32_t)(next(seed) % 31), b = (a + 7) % 31;
    if (!is(row, "stx") || next(seed) % 8 == 0 || a == rn || b == rn) {
        return;
    }
    c->insn[1] = insn;
    c->insn[0] = (insn & 0xc0200000) | 0x085f0000 | (is(row, "stxp") ? b : 31) << 10 | rn << 5 | a;
    c->count = 2;
}

/* Half of the compare-and-swaps succeed. */
static void expect(uint64_t *seed, const A64Row *row, BaseCase *c) {
    uint32_t insn = c->insn[0], rn = insn >> 5 & 31, rs = insn >> 16 & 31;
    if (!is(row, "cas") || next(seed) % 2 || rs >= 30 || rs == rn || rs + 1 == rn) {
        return;
    }
    uint64_t window[BASE_WINDOW / 8];
    base_fill(window, c->seed);
    const uint64_t *at = &window[((rn == 31 ? c->sp : c->x[rn]) - BASE_ADDRESS) / 8];
    bool words = is(row, "casp") && !(insn >> 30 & 1);
    c->x[rs] = words ? (uint32_t)at[0] : at[0];
    if (is(row, "casp")) {
        c->x[rs + 1] = words ? at[0] >> 32 : at[1];
    }
}

/* Clears the registers that no field of the insns names: shorter vectors. */
static void forget_others(BaseCase *c) {
    bool used[32] = {false}, vectors = false;
    for (unsigned i = 0; i < c->count; i++) {
        A64Fields f;
        const A64Row *row = a64_find(c->insn[i], &f);
        vectors |= row && row->name[0] == 'v';
        for (uint32_t k = 0; row && k < row->field_count; k++) {
            if (row->fields[k].width == 5 && row->fields[k].name[0] == 'r') {
                uint32_t r = c->insn[i] >> row->fields[k].shift & 31;
                for (unsigned j = 0; j < (row->name[0] == 'v' ? 4 : 2); j++) {
                    used[(r + j) % 32] = true;
                }
            }
        }
    }
    for (unsigned r = 0; r < 32; r++) {
        if (!used[r] && r < 31) {
            c->x[r] = 0;
        }
        if (!used[r] || !vectors) {
            memset(c->v[r], 0, sizeof(c->v[r]));
        }
    }
}

static bool is_computation(const A64Row *row) {
    return is_chosen(row, NULL) && !is_branch(row) && !is_memory(row);
}

/* Branches neither to itself nor to the insn in front of it: for the oracle that is no end. */
static uint32_t leave_loop(const A64Row *row, uint32_t insn) {
    static const char *const offsets[] = {"imm14", "imm19", "imm26"};
    for (unsigned i = 0; i < G_N_ELEMENTS(offsets); i++) {
        const DecodeField *f = field_of(row, offsets[i]);
        uint32_t all = f ? (1u << f->width) - 1 : 0;
        if (f && ((get_field(row, insn, offsets[i], 0) + 1) & all) < 2) {
            return set_field(row, insn, offsets[i], 2);
        }
    }
    return insn;
}

/* The row's insn, and sometimes a computation before it */
static void random_insns(uint64_t *seed, const A64Row *row, uint32_t insn, uint32_t k, BaseCase *c) {
    c->count = 1 + (k % 4 == 3 && !is_branch(row));
    if (c->count == 2) {
        const A64Row *other;
        do {
            other = &a64_rows[next(seed) % A64_ROWS];
        } while (!is_computation(other));
        c->insn[0] = random_insn(seed, other);
    }
    c->insn[c->count - 1] = is_branch(row) ? leave_loop(row, insn) : insn;
    if (is_branch(row)) {
        aim(seed, row, insn, c);
    } else {
        pair_operands(row, insn, k, c);
    }
}

static void random_case(uint64_t *seed, const Cover *cover, uint32_t k, BaseCase *c) {
    static const uint64_t places[] = {BASE_ADDRESS - 0x80000, BASE_ADDRESS + 0x80000, BASE_ADDRESS - 0xff000,
                                      BASE_ADDRESS + 0xff000, UINT64_C(0x200000000000), UINT64_C(0x155555556000)};
    const A64Row *row = (const A64Row *)cover->row;
    *c = (BaseCase){.seed = next(seed), .nzcv = (next(seed) & 15) << 28, .sp = cover_value(seed) & ~UINT64_C(15)};
    c->pc = places[next(seed) % (is_literal(row) ? 4 : G_N_ELEMENTS(places))];
    for (unsigned i = 0; i < 31; i++) {
        c->x[i] = cover_value(seed);
    }
    for (unsigned i = 0; i < 32; i++) {
        c->v[i][0] = cover_value(seed);
        c->v[i][1] = cover_value(seed);
    }
    uint32_t insn = cover_insn(cover, seed);
    if (is_memory(row)) {
        while (is_unpredictable(row, insn)) {
            insn = cover_insn(cover, seed);
        }
        c->count = 1;
        c->insn[0] = place(seed, row, insn, c);
        expect(seed, row, c);
        arm_monitor(seed, row, c);
    } else {
        random_insns(seed, row, insn, k, c);
    }
    forget_others(c);
}

/* At least count cases of the row, until nothing is missing. */
static void generate_row(uint64_t seed, unsigned count, const A64Row *row) {
    enum { MOST = 1000 };
    Cover cover;
    rows_cover(&cover, row);
    for (unsigned k = 0; k < MOST; k++) {
        g_autofree char *missing = cover_missing(&cover, false);
        if (k >= count && !missing) {
            return;
        }
        BaseCase c;
        random_case(&seed, &cover, k, &c);
        cover_add(&cover, c.insn[c.count - 1], 0);
        fwrite(&c, sizeof(c), 1, stdout);
    }
}

static int generate(uint64_t seed, unsigned count, const char *name) {
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (is_chosen(&a64_rows[i], name)) {
            generate_row(seed ^ a64_rows[i].value, count, &a64_rows[i]);
        }
    }
    return 0;
}

/* -- comparing -- */

static void print_registers(const BaseCase *c, const BaseCase *unless) {
    for (unsigned i = 0; i < 31; i++) {
        if (c->x[i] != unless->x[i]) {
            printf(" x%u=%" PRIx64, i, c->x[i]);
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        if (memcmp(c->v[i], unless->v[i], sizeof(c->v[i])) != 0) {
            printf(" v%u=%" PRIx64 "_%" PRIx64, i, c->v[i][1], c->v[i][0]);
        }
    }
}

static void print_line(const BaseCase *before, const BaseCase *after) {
    static const BaseCase none;
    A64Fields f;
    printf("%s", a64_find(before->insn[before->count - 1], &f)->name);
    for (unsigned i = 0; i < before->count; i++) {
        printf(" %08x", before->insn[i]);
    }
    printf(" pc=%" PRIx64 " seed=%" PRIx64 " nzcv=%x sp=%" PRIx64, before->pc, before->seed,
           (unsigned)(before->nzcv >> 28), before->sp);
    print_registers(before, &none);
    printf(" -> pc=%" PRIx64 " nzcv=%x sp=%" PRIx64, after->pc, (unsigned)(after->nzcv >> 28), after->sp);
    print_registers(after, before);
    printf(" memory=%" PRIx64 "\n", after->memory);
}

static int check(const BaseCase *cases, const BaseCase *results, size_t n) {
    BaseRunner *runner = base_runner_new();
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        for (unsigned how = 0; how < BASE_WAYS; how++) {
            BaseCase got = cases[i];
            const char *why = "differs";
            base_fill(runner->window, got.seed);
            if (!base_run(runner, &got, how, &why) || memcmp(&got, &results[i], sizeof(got)) != 0) {
                wrong++;
                printf("%s:\n", why);
                print_line(&cases[i], &got);
                print_line(&cases[i], &results[i]);
            }
        }
    }
    printf("%zu cases, %zu wrong\n", n, wrong);
    base_runner_free(runner);
    return wrong != 0;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "gen") == 0) {
        return generate(strtoull(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0), argc > 4 ? argv[4] : NULL);
    }
    g_autofree char *cases = NULL, *results = NULL;
    gsize size = 0, results_size = 0;
    g_autoptr(GError) error = NULL;
    if (argc != 4 || !g_file_get_contents(argv[2], &cases, &size, &error) ||
        !g_file_get_contents(argv[3], &results, &results_size, &error) || size != results_size) {
        const char *usage = "usage: gen seed count [row] | check|record cases results";
        fprintf(stderr, "base_compare: %s\n", error ? error->message : usage);
        return 2;
    }
    const BaseCase *in = (const BaseCase *)(const void *)cases, *out = (const BaseCase *)(const void *)results;
    size_t n = size / sizeof(BaseCase);
    if (strcmp(argv[1], "check") == 0) {
        return check(in, out, n);
    }
    for (size_t i = 0; i < n; i++) {
        print_line(&in[i], &out[i]);
    }
    return 0;
}
