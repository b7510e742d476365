/* SPDX-License-Identifier: MIT */
/*
 * compare.c - random insns of chosen decode tables against the oracle (oracle.c), and the making of vectors from it.
 *
 *     compare gen SEED COUNT FILE [ROW] > cases    COUNT or more of each row of FILE (or of rows that begin with ROW)
 *     oracle < cases > results
 *     compare check cases results                  runs them here; reports the rows that differ
 *     compare record cases results > vectors       lines for test_insn.c
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/insn/aarch64/rows.h"
#include "tests/insn/aarch64/run.h"

/* -- values -- */

static uint64_t next(uint64_t *seed) {
    return cover_random(seed);
}

/* An exponent field: ends and middle of the range, and where conversions to integers and fused sums turn. */
static int random_exponent(uint64_t *seed, int bias, int fraction_bits) {
    int max = 2 * bias + 1;
    int r = (int)(next(seed) >> 40);
    int choice[16] = {
        0, 0, max, max, bias, bias - 1, 1 + r % 2, max - 1 - r % 2,
        bias / 2 + r % 5 - 2, bias + bias / 2 + r % 5 - 2, bias - fraction_bits + r % 3 - 1, bias + r % 5 - 2,
        r % (2 * fraction_bits), r % (max + 1), r % (max + 1), r % (max + 1),
    };
    int exponent = next(seed) % 5 == 0 ? bias + r % 68 - 2 : choice[next(seed) % 16];
    return CLAMP(exponent, 0, max);
}

static uint64_t random_fraction(uint64_t *seed, int bits) {
    uint64_t all = (UINT64_C(1) << bits) - 1;
    uint64_t half = UINT64_C(1) << (bits - 1);
    uint64_t r = next(seed);
    unsigned n = (unsigned)(next(seed) % (unsigned)bits);
    uint64_t choice[10] = {0, 0, 1, all, half, half | (r & 1), all << n, UINT64_C(1) << n, r & all << n, r};
    return choice[next(seed) % 10] & all;
}

/* A floating-point number of 2^e bytes. */
static uint64_t random_float(uint64_t *seed, unsigned e) {
    static const uint8_t exponent_bits[4] = {0, 5, 8, 11};
    static const uint8_t fraction_bits[4] = {0, 10, 23, 52};
    int f = fraction_bits[e];
    int bias = (1 << (exponent_bits[e] - 1)) - 1;
    uint64_t exponent = (uint64_t)random_exponent(seed, bias, f);
    return (next(seed) & 1) << (f + exponent_bits[e]) | exponent << f | random_fraction(seed, f);
}

static uint64_t random_floats(uint64_t *seed, unsigned e) {
    uint64_t v = 0;
    for (unsigned at = 0; at < 64; at += 8u << e) {
        v |= random_float(seed, e) << at;
    }
    return v;
}

static uint64_t random_int(uint64_t *seed) {
    uint64_t r = next(seed);
    unsigned n = (unsigned)(next(seed) & 63);
    uint64_t choice[6] = {r, r >> n, (uint64_t)((int64_t)r >> n), UINT64_C(1) << n, (UINT64_C(1) << n) - 1 + r % 3,
                          0 - (UINT64_C(1) << n)};
    return choice[next(seed) % 6];
}

/* Lanes of one size, most of them at an end of their range. */
static uint64_t random_lanes(uint64_t *seed) {
    unsigned bits = 8u << next(seed) % 4;
    uint64_t v = 0, all = UINT64_MAX >> (64 - bits), top = UINT64_C(1) << (bits - 1);
    for (unsigned at = 0; at < 64; at += bits) {
        uint64_t r = next(seed);
        uint64_t choice[8] = {0, 1, all, all - 1, top, top - 1, r >> 32, r >> 32};
        v |= (choice[r % 8] & all) << at;
    }
    return v;
}

/* -- cases -- */

/* Is the field printed as a general register? */
static bool is_general(const A64Row *row, const char *field) {
    g_autofree char *pattern = g_strdup_printf("\\{(r|x|w|rsp|xsp|rx|vgpr|vxr)\\b[^}]*\\b%s\\b", field);
    return g_regex_match_simple(pattern, row->text, 0, 0);
}

typedef struct Registers {
    uint32_t x, v; /* a bit for each */
} Registers;

/* What the insn may read or write. */
static Registers registers_of(const A64Row *row, const A64Fields *f) {
    Registers used = {0};
    for (uint32_t k = 0; k < row->field_count; k++) {
        const DecodeField *field = &row->fields[k];
        if (!cover_is_register(field)) {
            continue;
        }
        uint32_t r = G_STRUCT_MEMBER(uint32_t, f, field->offset);
        if (is_general(row, field->name)) {
            used.x |= 1u << r;
            continue;
        }
        bool list = field->name[1] == 'n' && strstr(row->text, "{vlist"); /* a table of up to four registers */
        for (unsigned i = 0; i < (list ? 4 : 1); i++) {
            used.v |= 1u << (r + i) % 32;
        }
        used.v |= field->width == 4 ? 1u << (r + 16) : 0; /* its high bit may stand elsewhere */
    }
    return used;
}

/* The others are zero, as they are when a line of vectors does not name them. */
static void clear_others(const A64Row *row, const A64Fields *f, InsnCase *c) {
    Registers used = registers_of(row, f);
    for (unsigned r = 0; r < 32; r++) {
        if (!(used.v >> r & 1)) {
            memset(c->v[r], 0, sizeof(c->v[r]));
        }
        if (r < CASE_X && !(used.x >> r & 1)) {
            c->x[r] = 0;
        }
    }
}

/* General registers: X16 and up belong to the oracle; 31 is fine as the zero register. */
static uint32_t random_insn(uint64_t *seed, const Cover *cover) {
    const A64Row *row = (const A64Row *)cover->row;
    A64Fields f;
    uint32_t insn;
    bool stack = row->text && strstr(row->text, "sp r");
    do {
        insn = cover_insn(cover, seed);
        for (uint32_t i = 0; i < row->field_count; i++) {
            const DecodeField *field = &row->fields[i];
            if (cover_is_register(field) && field->width == 5 && is_general(row, field->name)) {
                uint32_t r = (uint32_t)(next(seed) % (stack ? 16 : 17));
                insn = (insn & ~(31u << field->shift)) | (r == 16 ? 31 : r) << field->shift;
            }
        }
    } while (insn_row(insn, &f) != row);
    return insn;
}

static void random_case(uint64_t *seed, const A64Row *row, uint32_t insn, uint32_t fpcr, InsnCase *c) {
    enum { FPSR_BITS = 0x0800009f };
    A64Fields f;
    insn_row(insn, &f);
    *c = (InsnCase){.insn = insn, .fpcr = fpcr, .nzcv = (uint32_t)(next(seed) & 15) << 28};
    c->fpsr = next(seed) & 1 ? (uint32_t)next(seed) & FPSR_BITS : 0; /* the bits are sticky */
    unsigned e = row->name[strlen(row->name) - 1] == 'h' ? 1 : 1 + (unsigned)(next(seed) % 3);
    if (e > 1 && next(seed) % 4) {
        e = (row->value >> 22 & 1) || f.sz ? 3 : 2;
    }
    bool ints = !strstr(row->file, "fp") || strstr(row->name, "cvtf") || strncmp(row->name, "ur", 2) == 0;
    for (unsigned i = 0; i < CASE_X; i++) {
        c->x[i] = next(seed) & 1 ? random_int(seed) : random_floats(seed, 1 + (unsigned)(next(seed) % 3));
    }
    for (unsigned i = 0; i < 64; i++) {
        uint64_t *half = &c->v[i / 2][i % 2];
        *half = ints && next(seed) & 3 ? random_int(seed) : random_floats(seed, e);
        if (ints && (next(seed) & 3) == 0) {
            *half = random_lanes(seed);
        }
    }
    for (unsigned i = 0; i < 6; i++) { /* related operands: equal, of opposite signs, neighbours */
        uint64_t r = next(seed);
        uint64_t *to = c->v[r & 31], *from = c->v[r >> 5 & 31];
        to[0] = from[0] ^ (r >> 10 & 1) << 63 ^ (r >> 11 & 1) << 31 ^ (r >> 12 & 1) << 15 ^ ((r >> 13 & 3) == 0);
        to[1] = from[1];
    }
    if (strstr(row->name, "_z") && next(seed) % 3 == 0) { /* compares with zero */
        c->v[f.rn][0] = next(seed) & UINT64_C(0x8000800080008000);
    }
    if (next(seed) % 5 == 0) {
        c->v[f.rm][0] = c->v[f.rn][0] ^ (next(seed) & 1) << 63;
    }
    clear_others(row, &f, c);
}

static bool chosen(const A64Row *row, const char *file, const char *name) {
    return g_str_has_prefix(row->file, file) && (!name || g_str_has_prefix(row->name, name));
}

/* At least count cases of the row, until nothing is missing. */
static void generate_row(uint64_t seed, uint32_t count, const A64Row *row) {
    enum { MOST = 1000 };
    bool modes = strstr(row->file, "fp");
    Cover cover;
    rows_cover(&cover, row);
    for (uint32_t k = 0; k < MOST; k++) {
        g_autofree char *missing = cover_missing(&cover, modes);
        if (k >= count && !missing) {
            return;
        }
        InsnCase c;
        random_case(&seed, row, random_insn(&seed, &cover), modes ? cover_fpcr(k % 64) : 0, &c);
        cover_add(&cover, c.insn, c.fpcr);
        fwrite(&c, sizeof(c), 1, stdout);
    }
}

static void generate(uint64_t seed, uint32_t count, const char *file, const char *name) {
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (chosen(&a64_rows[i], file, name)) {
            generate_row(seed ^ a64_rows[i].value, count, &a64_rows[i]);
        }
    }
}

/* -- comparing -- */

/* Takes out of a result what exceptions.txt says that the oracle has wrong. */
static void forgive(const A64Row *row, const A64Fields *f, InsnCase *result) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents(VECTORS "/exceptions.txt", &text, NULL, NULL)) {
        g_error("cannot read " VECTORS "/exceptions.txt");
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        if (words[0] && words[1] && strcmp(words[0], row->name) == 0) {
            result->v[f->rd][0] &= strtoull(words[1], NULL, 16);
        }
    }
}

static const char *difference(const InsnCase *a, const InsnCase *b) {
    if (memcmp(a->x, b->x, sizeof(a->x)) != 0) {
        return "X registers";
    }
    if (memcmp(a->v, b->v, sizeof(a->v)) != 0) {
        return "V registers";
    }
    return a->nzcv != b->nzcv ? "NZCV" : a->fpsr != b->fpsr ? "FPSR" : NULL;
}

static void report(const A64Row *row, const A64Fields *f, const char *why, const InsnCase *in, const InsnCase *got,
                   const InsnCase *want) {
    const struct {
        const char *name;
        const InsnCase *c;
    } lines[] = {{"before", in}, {"got", got}, {"wanted", want}};
    printf("%s %08x: %s, FPCR %08x\n", row->name, in->insn, why, in->fpcr);
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        const InsnCase *c = lines[i].c;
        printf("  %-6s NZCV %x FPSR %08x", lines[i].name, c->nzcv >> 28, c->fpsr);
        for (uint32_t k = 0; k < row->field_count; k++) {
            if (cover_is_register(&row->fields[k])) {
                uint32_t r = G_STRUCT_MEMBER(uint32_t, f, row->fields[k].offset);
                printf(" %s: v%u=%016" PRIx64 "_%016" PRIx64, row->fields[k].name, r, c->v[r][1], c->v[r][0]);
                printf(" x=%" PRIx64, r < CASE_X ? c->x[r] : 0);
            }
        }
        printf("\n");
    }
}

static int check(const InsnCase *cases, const InsnCase *results, uint32_t n) {
    enum { SHOWN = 2 };
    InsnRunner *runner = insn_runner_new();
    g_autofree uint32_t *wrong = g_new0(uint32_t, A64_ROWS);
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        InsnCase got = cases[i], want = results[i];
        A64Fields f;
        const char *why = NULL;
        const A64Row *row = insn_row(got.insn, &f);
        if (insn_run(runner, &got, i % INSN_WAYS, &why)) {
            forgive(row, &f, &want);
            why = difference(&got, &want);
        }
        if (why) {
            total++;
            if (wrong[row - a64_rows]++ < SHOWN) {
                report(row, &f, why, &cases[i], &got, &want);
            }
        }
    }
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (wrong[i]) {
            printf("%u wrong: %s\n", wrong[i], a64_rows[i].name);
        }
    }
    printf("%u cases, %u wrong\n", n, total);
    insn_runner_free(runner);
    return total != 0;
}

/* -- vectors -- */

static void print_registers(const A64Row *row, const A64Fields *f, const InsnCase *c, const InsnCase *unless) {
    Registers used = registers_of(row, f);
    for (unsigned r = 0; r < CASE_X; r++) {
        if (used.x >> r & 1 && (!unless || c->x[r] != unless->x[r])) {
            printf(" x%u=%" PRIx64, r, c->x[r]);
        }
    }
    for (unsigned r = 0; r < 32; r++) {
        if (used.v >> r & 1 && (!unless || memcmp(c->v[r], unless->v[r], sizeof(c->v[r])) != 0)) {
            printf(" v%u=%" PRIx64 "_%" PRIx64, r, c->v[r][1], c->v[r][0]);
        }
    }
}

static int record(const InsnCase *cases, const InsnCase *results, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        A64Fields f;
        const A64Row *row = insn_row(cases[i].insn, &f);
        InsnCase result = results[i];
        forgive(row, &f, &result);
        printf("%s %08x fpcr=%x fpsr=%x nzcv=%x", row->name, cases[i].insn, cases[i].fpcr, cases[i].fpsr,
               cases[i].nzcv >> 28);
        print_registers(row, &f, &cases[i], NULL);
        printf(" -> nzcv=%x fpsr=%x", result.nzcv >> 28, result.fpsr);
        print_registers(row, &f, &result, &cases[i]);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc >= 5 && strcmp(argv[1], "gen") == 0) {
        generate(strtoull(argv[2], NULL, 0), (uint32_t)strtoul(argv[3], NULL, 0), argv[4], argc > 5 ? argv[5] : NULL);
        return 0;
    }
    char *cases = NULL, *results = NULL;
    gsize cases_size = 0, results_size = 0;
    g_autoptr(GError) error = NULL;
    if (argc != 4 || !g_file_get_contents(argv[2], &cases, &cases_size, &error) ||
        !g_file_get_contents(argv[3], &results, &results_size, &error)) {
        fprintf(stderr, "compare: %s\n",
                error ? error->message : "usage: gen seed count file [row] | check|record cases results");
        return 2;
    }
    uint32_t n = (uint32_t)(results_size / sizeof(InsnCase));
    if (cases_size != results_size) {
        fprintf(stderr, "compare: %s and %s do not hold the same number of cases\n", argv[2], argv[3]);
        return 2;
    }
    g_autofree InsnCase *in = g_memdup2(cases, n * sizeof(*in));
    const InsnCase *out = (const InsnCase *)(const void *)results;
    return strcmp(argv[1], "record") == 0 ? record(in, out, n) : check(in, out, n);
}
