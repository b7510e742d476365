/* SPDX-License-Identifier: MIT */
/*
 * compare.c - random insns of the PowerPC tables against oracle.c, and the making of vectors from it.
 *
 *     compare gen SEED COUNT le|be [ROW] > cases   COUNT or more of each row (or of rows that begin with ROW, or of table ROW)
 *     oracle < cases > results
 *     compare check cases results                  runs them here, in every way; reports those that differ
 *     compare record cases results                 lines for test_ppc.c
 * Rows of priv.txt are left out: a user cannot show them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/ppc/spr.h"
#include "tests/insn/ppc64/run.h"

static const char *untold; /* priv.txt */

static uint64_t next(uint64_t *seed) {
    return cover_random(seed);
}

static bool is(const PpcRow *row, const char *name) {
    return strcmp(row->name, name) == 0;
}

static const DecodeField *field_of(const PpcRow *row, const char *name) {
    for (uint32_t i = 0; i < row->field_count; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            return &row->fields[i];
        }
    }
    return NULL;
}

static uint32_t set_field(const PpcRow *row, uint32_t insn, const char *name, uint32_t value) {
    const DecodeField *f = field_of(row, name);
    uint32_t mask = f ? ((1u << f->width) - 1) << f->shift : 0;
    return f ? (insn & ~mask) | (value << f->shift & mask) : insn;
}

static bool is_memory(const PpcRow *row) {
    bool vector = g_str_has_prefix(row->file, "ppc_vec") || g_str_has_prefix(row->file, "ppc_fp");
    return strcmp(row->file, "ppc_mem.decode") == 0 || g_str_has_prefix(row->name, "dcb") ||
           (vector && field_of(row, "ra") && (row->name[0] == 'l' || g_str_has_prefix(row->name, "st")));
}

/* Does rb hold a length, and not a part of the address? */
static bool is_counted(const PpcRow *row) {
    return g_str_has_prefix(row->name, "lxvl") || g_str_has_prefix(row->name, "stxvl");
}

static bool is_branch(const PpcRow *row) {
    return is(row, "b") || (g_str_has_prefix(row->name, "bc") && !g_str_has_prefix(row->name, "bcd"));
}

/* Words and strings */
static bool moves_many(const PpcRow *row) {
    return is(row, "lmw") || is(row, "stmw") || strstr(row->name, "swi");
}

static bool is_told(const PpcRow *row) {
    g_autofree char *line = g_strdup_printf("\n%s ", row->name);
    return strstr(untold, line) == NULL;
}

/* Computation has no byte order; words and strings have one. */
static bool is_chosen(const PpcRow *row, bool big, const char *name) {
    bool in_order = big ? is_memory(row) : !moves_many(row);
    return is_told(row) && in_order && (!name || g_str_has_prefix(row->name, name) || strcmp(row->file, name) == 0);
}

/* -- memory -- */

/* Makes the address of the insn fall into the window; aligned for those that demand it, as the oracle does not. */
static uint32_t place(uint64_t *seed, const PpcRow *row, uint32_t insn, PpcCase *c) {
    PpcFields f;
    uint64_t ea = PPC_ADDRESS + BASE_WINDOW / 2 + next(seed) % 32 * 16;
    bool ordered = strstr(row->name, "arx") || strstr(row->name, "cx") || is(row, "lq") || is(row, "stq");
    ea += !ordered && next(seed) % 4 ? next(seed) % 16 : 0;
    ppc_find(insn, &f);
    int64_t d = field_of(row, "d") ? ppc_sext(f.d, 16) : field_of(row, "ds") ? ppc_sext(f.ds, 14) * 4
                : field_of(row, "dq") ? ppc_sext(f.dq, 12) * 16 : 0;
    bool indexed = field_of(row, "rb");
    if (!indexed && f.ra == 0) { /* 0 stands for itself: no address in the window */
        insn = set_field(row, insn, "ra", 1);
        ppc_find(insn, &f);
    }
    if (is_counted(row)) {
        insn = f.ra ? insn : set_field(row, insn, "ra", f.ra = (f.rb + 1) % 31 + 1);
        c->gpr[f.rb] = c->gpr[f.rb] >> 8 | next(seed) % 18 << 56;
        c->gpr[f.ra] = ea;
    } else if (!indexed) {
        c->gpr[f.ra] = ea - (uint64_t)d;
    } else if (f.ra == 0) {
        c->gpr[f.rb] = ea;
    } else if (f.ra == f.rb) {
        c->gpr[f.ra] = ea / 2;
    } else {
        c->gpr[f.rb] = ea - c->gpr[f.ra];
    }
    return insn;
}

/* A conditional store mostly follows the load that reserves. */
static void reserve(uint64_t *seed, const PpcRow *row, PpcCase *c) {
    static const char *const pairs[][2] = {
        {"stbcx", "lbarx"}, {"sthcx", "lharx"}, {"stwcx", "lwarx"}, {"stdcx", "ldarx"}, {"stqcx", "lqarx"}};
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        for (unsigned k = 0; is(row, pairs[i][0]) && k < PPC_ROWS && next(seed) % 8; k++) {
            uint32_t insn = c->insn[0], rt = 30, ra = insn >> 16 & 31, rb = insn >> 11 & 31;
            PpcFields f;
            uint32_t load = ppc_rows[k].value | rt << 21 | ra << 16 | rb << 11;
            if (!is(&ppc_rows[k], pairs[i][1]) || ra == rt || rb == rt || ra == rt + 1 || rb == rt + 1 ||
                ppc_find(load, &f) != &ppc_rows[k]) {
                continue;
            }
            c->insn[1] = insn;
            c->insn[0] = load;
            c->count = 2;
            return;
        }
    }
}

/* -- branches -- */

/* A random insn that sets a CR field. */
static uint32_t comparison(uint64_t *seed) {
    for (;;) {
        const PpcRow *row = &ppc_rows[next(seed) % PPC_ROWS];
        PpcFields f;
        uint32_t insn = ((uint32_t)next(seed) & ~row->mask) | row->value;
        bool compares = g_str_has_prefix(row->name, "cmp") && !is(row, "cmpb");
        bool records = is(row, "and") || is(row, "add") || is(row, "subf") || is(row, "rlwinm");
        insn |= records;
        if ((compares || records) && ppc_find(insn, &f) == row) {
            return insn;
        }
    }
}

/* One of vectors, which sets CR6 */
static uint32_t vector_comparison(uint64_t *seed) {
    enum { RC = 1 << 10 };
    for (;;) {
        const PpcRow *row = &ppc_rows[next(seed) % PPC_ROWS];
        if (strcmp(row->file, "ppc_vec_int.decode") == 0 && g_str_has_prefix(row->name, "vcmp")) {
            return ((uint32_t)next(seed) & ~row->mask) | row->value | RC;
        }
    }
}

static void put_before(PpcCase *c, uint32_t insn) {
    c->insn[c->count] = c->insn[c->count - 1];
    c->insn[c->count - 1] = insn;
    c->count++;
}

static void branches(uint64_t *seed, const PpcRow *row, PpcCase *c) {
    static const uint32_t near[] = {0, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX - 2};
    uint32_t *insn = &c->insn[0];
    PpcFields f;
    ppc_find(*insn, &f);
    for (size_t i = 0; i < G_N_ELEMENTS(near) && !f.aa; i++) { /* no loops */
        if (is(row, "b") && ppc_sext(f.li, 24) == (int32_t)near[i]) {
            *insn = set_field(row, *insn, "li", 7);
        } else if (is(row, "bc") && ppc_sext(f.bd, 14) == (int32_t)near[i]) {
            *insn = set_field(row, *insn, "bd", 7);
        }
    }
    uint64_t far = UINT64_C(0x300000000000) | next(seed) >> 20;
    c->lr = far;
    if (is(row, "bcctr")) {
        c->ctr = far ^ 0x1234560;
    } else if (next(seed) % 4 == 0) {
        c->ctr = next(seed) % 3;
    }
    if (field_of(row, "bi") && next(seed) % 2) {
        put_before(c, f.bi / 4 == 6 ? vector_comparison(seed) : comparison(seed));
    }
    if (is(row, "bctar")) { /* TAR is not the oracle's to set */
        enum { MTSPR_TAR = 0x7c0003a6 | 0x0f << 16 | 25 << 11, R31 = 31u << 21 };
        c->gpr[31] = far ^ 0x65432;
        put_before(c, c->insn[0]);
        c->insn[0] = MTSPR_TAR | R31;
    }
}

/* -- cases -- */

/* Pairs of operands that matter: division, carries, signs */
static void pair_operands(const PpcRow *row, const PpcFields *f, uint32_t k, PpcCase *c) {
    static const uint64_t min64 = UINT64_C(1) << 63, min32 = UINT64_C(1) << 31, max32 = UINT32_MAX, all = UINT64_MAX;
    const uint64_t pairs[][2] = {
        {min64, all}, {min32, max32}, {min32, all}, {1, 0}, {0, 0}, {all, all}, {max32, max32}, {INT64_MAX, 1},
        {INT32_MAX, 1}, {min64, min64}, {min32, min32}, {all, 1}, {max32, 1}, {7, 63}, {7, 64}, {min64, 65},
    };
    bool shifts = field_of(row, "rs");
    if (field_of(row, "ra") && field_of(row, "rb") && k % 2 == 0 && k < 2 * G_N_ELEMENTS(pairs)) {
        c->gpr[shifts ? f->rs : f->ra] = pairs[k / 2][0];
        c->gpr[f->rb] = pairs[k / 2][1];
    } else if (strstr(row->name, "e") && g_str_has_prefix(row->name, "div") && k % 2) { /* quotients that fit */
        c->gpr[f->ra] >>= 33 + k % 20;
    }
}

static uint64_t digits(uint64_t v) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += 4) {
        r |= (v >> i & 15) % 10 << i;
    }
    return r;
}

/* The fields that name vector registers, and those with the high bits of VSX's. */
static const struct { const char *name, *high; unsigned add; } vector_fields[] = {
    {"ft"}, {"fa"}, {"fb"}, {"fc"}, {"vt", NULL, 32}, {"va", NULL, 32}, {"vb", NULL, 32}, {"vc", NULL, 32}, {"t", "tx"}, {"a", "ax"}, {"b", "bx"},
    {"c", "cx"},
};

static uint32_t get_field(const PpcRow *row, uint32_t insn, const char *name) {
    const DecodeField *f = name ? field_of(row, name) : NULL;
    return f ? insn >> f->shift & ((1u << f->width) - 1) : 0;
}

/* Random values for the vector registers that an insn names: half of them of small elements, often equal ones. */
static void fill_vectors(uint64_t *seed, uint32_t insn, PpcCase *c) {
    const PpcRow *row = (const PpcRow *)ppc_rows_find(insn);
    uint64_t first = cover_value(seed), same = next(seed) % 8;
    for (size_t i = 0; row && i < G_N_ELEMENTS(vector_fields); i++) {
        if (field_of(row, vector_fields[i].name)) {
            uint64_t *v = c->vsr[get_field(row, insn, vector_fields[i].name) + vector_fields[i].add +
                                 32 * get_field(row, insn, vector_fields[i].high)];
            v[0] = same < 2 ? first : cover_value(seed);
            v[1] = same < 2 ? first : cover_value(seed);
            v[next(seed) % 2] ^= same == 1 ? cover_value(seed) & 0xff00 : 0;
        }
    }
}

/* A nibble for each of v, as decimals have them: `step` 4, national ones 16, zoned ones 8, the rest of which is `zone` */
static uint64_t spread(uint64_t v, unsigned step, uint64_t zone) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += step) {
        r |= ((v >> i & 15) % 10 | zone) << i;
    }
    return r;
}

/* Makes decimals of most of what the row reads, and small numbers of what it shifts by. */
static void fill_decimals(uint64_t *seed, const PpcRow *row, PpcCase *c) {
    uint32_t insn = c->insn[c->count - 1];
    bool national = is(row, "bcdcfn"), zoned = is(row, "bcdcfz"), ps = get_field(row, insn, "ps"), own = field_of(row, "va");
    unsigned step = national ? 16 : zoned ? 8 : 4, zone = national ? 0x30 : zoned ? (ps ? 0xf0 : 0x30) : 0;
    uint64_t *b = c->vsr[get_field(row, insn, "vb") + 32], *a = c->vsr[get_field(row, insn, "va") + 32];
    bool moves = own && !is(row, "bcdadd") && !is(row, "bcdsub") && !is(row, "bcdcpsgn"), alone = strstr(row->name, "us") || strstr(row->name, "utr");
    for (unsigned i = 0; i < (own && !moves ? 2 : 1); i++) {
        uint64_t *v = i ? a : b, sign = next(seed), to_sign = zoned ? 4 : 0;
        v[0] = spread(v[0], step, zone);
        v[1] = spread(v[1], step, zone);
        if (national) {
            v[1] = (v[1] & ~UINT64_C(0xffff)) | (sign & 1 ? 0x2b : 0x2d);
        } else if (!alone) {
            v[1] = (v[1] & ~(UINT64_C(15) << to_sign)) | (10 + sign % 6) << to_sign;
        }
    }
    if (moves) {
        uint64_t n = next(seed);
        a[0] = g_str_has_prefix(row->name, "bcdt") || g_str_has_prefix(row->name, "bcdut") ? n % 40 : (n % 80) - 40;
    } else if (own && next(seed) % 4 == 0) {
        a[0] = b[0];
        a[1] = (b[1] & ~UINT64_C(15)) | (10 + next(seed) % 6);
    }
}

/* Clears the registers that no field of the insns names: shorter vectors. */
static void forget_others(PpcCase *c) {
    bool used[32] = {false};
    for (unsigned i = 0; i < c->count; i++) {
        const DecodeRow *row = ppc_rows_find(c->insn[i]);
        for (uint32_t k = 0; row && k < row->field_count; k++) {
            if (cover_is_register(&row->fields[k])) {
                unsigned r = c->insn[i] >> row->fields[k].shift & 31;
                used[r] = used[(r + 1) % 32] = true;
                for (unsigned n = 0; moves_many((const PpcRow *)row) && n < 32; n++) {
                    used[n] = true;
                }
            }
        }
    }
    for (unsigned r = 0; r < 32; r++) {
        c->gpr[r] = used[r] ? c->gpr[r] : 0;
    }
}

static void random_case(uint64_t *seed, const Cover *cover, uint32_t k, bool big, PpcCase *c) {
    enum { XER_ALL = (int)0xe00c007f };
    static const uint64_t places[] = {UINT64_C(0x200000000000), UINT64_C(0x155555550000), 0x40000000};
    static const unsigned user_sprs[] = {1, 8, 9};
    const PpcRow *row = (const PpcRow *)cover->row;
    *c = (PpcCase){.seed = next(seed), .big = big, .count = 1, .xer = next(seed) & (uint32_t)XER_ALL};
    c->pc = places[next(seed) % G_N_ELEMENTS(places)];
    c->cr = (uint32_t)next(seed);
    c->vscr = g_str_has_prefix(row->file, "ppc_vec_int") && next(seed) % 4 == 0;
    if (is_branch(row) || field_of(row, "spr")) {
        c->lr = cover_value(seed);
        c->ctr = cover_value(seed);
    }
    for (unsigned i = 0; i < 32; i++) {
        c->gpr[i] = cover_value(seed);
    }
    PpcFields f;
    uint32_t insn = cover_insn(cover, seed);
    if (field_of(row, "spr")) {
        unsigned spr = user_sprs[next(seed) % G_N_ELEMENTS(user_sprs)];
        insn = set_field(row, insn, "spr", spr << 5);
    }
    ppc_find(insn, &f);
    c->insn[0] = insn;
    if (is_memory(row)) {
        c->insn[0] = place(seed, row, insn, c);
        reserve(seed, row, c);
    } else if (is_branch(row)) {
        branches(seed, row, c);
    } else {
        pair_operands(row, &f, k, c);
        if (is(row, "isel") && k % 2) {
            put_before(c, comparison(seed));
        } else if (is(row, "cbcdtd")) {
            c->gpr[f.rs] = digits(next(seed)) & UINT64_C(0x00ffffff00ffffff);
        } else if (is(row, "addg6s")) {
            c->gpr[f.ra] = digits(c->gpr[f.ra]);
            c->gpr[f.rb] = digits(c->gpr[f.rb]);
        }
    }
    forget_others(c);
    for (unsigned i = c->count; i-- > 0;) {
        fill_vectors(seed, c->insn[i], c);
    }
    bool lax = is(row, "bcdadd") || is(row, "bcdsub") || is(row, "bcdctn"); /* the black box, about what is no decimal */
    if (g_str_has_prefix(row->name, "bcd") && !is(row, "bcdcfsq") && (next(seed) % 8 || lax)) {
        fill_decimals(seed, row, c);
    } else if (ppc_is_fp(row)) {
        ppc_fill_fp(seed, c);
    }
}

/* At least count cases of the row, until nothing is missing. */
static void generate_row(uint64_t seed, unsigned count, bool big, const PpcRow *row) {
    enum { MOST = 1000 };
    Cover cover;
    cover_init(&cover, (const DecodeRow *)row, ppc_rows_find);
    for (unsigned k = 0; k < MOST; k++) {
        g_autofree char *missing = cover_missing(&cover, false);
        if (k >= count && !missing) {
            return;
        }
        PpcCase c;
        random_case(&seed, &cover, k, big, &c);
        if (ppc_rows_find(c.insn[c.count - 1]) != (const DecodeRow *)row) {
            continue; /* its registers were changed to what is invalid */
        }
        cover_add(&cover, c.insn[c.count - 1], 0);
        fwrite(&c, sizeof(c), 1, stdout);
    }
}

static int generate(uint64_t seed, unsigned count, bool big, const char *name) {
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        if (is_chosen(&ppc_rows[i], big, name)) {
            generate_row(seed ^ ppc_rows[i].value, count, big, &ppc_rows[i]);
        }
    }
    return 0;
}

/* -- comparing -- */

static const struct { const char *name; size_t at; } items[] = {
    {"pc", offsetof(PpcCase, pc)}, {"seed", offsetof(PpcCase, seed)}, {"xer", offsetof(PpcCase, xer)},
    {"cr", offsetof(PpcCase, cr)}, {"lr", offsetof(PpcCase, lr)}, {"ctr", offsetof(PpcCase, ctr)},
    {"vscr", offsetof(PpcCase, vscr)},
    {"fpscr", offsetof(PpcCase, fpscr)},
};

static void print_changes(const PpcCase *c, const PpcCase *unless) {
    for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
        uint64_t v = *(const uint64_t *)(const void *)((const char *)c + items[i].at);
        if (v != *(const uint64_t *)(const void *)((const char *)unless + items[i].at)) {
            printf(" %s=%" PRIx64, items[i].name, v);
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        if (c->gpr[i] != unless->gpr[i]) {
            printf(" r%u=%" PRIx64, i, c->gpr[i]);
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        if (memcmp(c->vsr[i], unless->vsr[i], sizeof(c->vsr[i])) != 0) {
            printf(" v%u=%" PRIx64 "_%" PRIx64, i, c->vsr[i][0], c->vsr[i][1]);
        }
    }
}

static void print_line(const PpcCase *before, const PpcCase *after) {
    static const PpcCase none;
    printf("%s%s", ppc_rows_find(before->insn[before->count - 1])->name, before->big ? " be" : "");
    for (unsigned i = 0; i < before->count; i++) {
        printf(" %08x", before->insn[i]);
    }
    print_changes(before, &none);
    printf(" -> end=%x", after->end);
    print_changes(after, before);
    printf(" memory=%" PRIx64 "\n", after->memory);
}

static int check(const PpcCase *cases, const PpcCase *results, size_t n) {
    PpcRunner *runner = ppc_runner_new("power9");
    unsigned wrong = 0;
    for (size_t i = 0; i < n; i++) {
        PpcCase want = results[i];
        ppc_settle(&cases[i], &want);
        for (unsigned how = 0; how < PPC_WAYS; how++) {
            PpcCase c = cases[i];
            const char *why = "differs";
            ppc_fill(runner, &c);
            bool ok = ppc_run(runner, &c, how, &why);
            ppc_settle(&cases[i], &c);
            if (!ok || memcmp(&c, &want, sizeof(c)) != 0) {
                printf("way %u %s:\n  ", how, why);
                print_line(&cases[i], &want);
                printf("  here ");
                print_line(&cases[i], &c);
                wrong++;
                break;
            }
        }
    }
    printf("%zu cases, %u differ, %u runs given back\n", n, wrong, runner->given_back);
    ppc_runner_free(runner);
    return wrong != 0;
}

int main(int argc, char **argv) {
    g_autofree char *cases = NULL, *results = NULL, *list = NULL;
    g_autoptr(GError) error = NULL;
    gsize size, results_size;
    if (!g_file_get_contents(VECTORS "/priv.txt", &list, NULL, &error)) {
        fprintf(stderr, "compare: %s\n", error->message);
        return 2;
    }
    untold = list;
    if (argc >= 5 && strcmp(argv[1], "gen") == 0) {
        return generate(strtoull(argv[2], NULL, 0), (unsigned)atoi(argv[3]), strcmp(argv[4], "be") == 0, argv[5]);
    }
    if (argc != 4 || !g_file_get_contents(argv[2], &cases, &size, &error) ||
        !g_file_get_contents(argv[3], &results, &results_size, &error) || size != results_size) {
        const char *usage = "usage: gen seed count le|be [row] | check|record cases results";
        fprintf(stderr, "compare: %s\n", error ? error->message : usage);
        return 2;
    }
    const PpcCase *in = (const PpcCase *)(const void *)cases, *out = (const PpcCase *)(const void *)results;
    size_t n = size / sizeof(PpcCase);
    if (strcmp(argv[1], "check") == 0) {
        return check(in, out, n);
    }
    for (size_t i = 0; i < n; i++) {
        PpcCase after = out[i];
        ppc_settle(&in[i], &after);
        print_line(&in[i], &after);
    }
    return 0;
}
