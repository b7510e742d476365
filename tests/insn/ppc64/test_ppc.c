/* SPDX-License-Identifier: MIT */
/*
 * test_ppc.c - every line of *.txt.gz, one for each table, holds in every way of running it, and every row of the tables has enough.
 *
 * A line: row [be] insns name=H ... -> end=H name=H ... memory=H; see case.h. Registers that do not stand after the arrow
 * keep their values; those that stand nowhere begin as zero.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontend/ppc/trans.h"
#include "tests/insn/ppc64/run.h"

static bool read_item(const char *item, PpcCase *c) {
    static const struct { const char *name; size_t at; } items[] = {
        {"pc", offsetof(PpcCase, pc)}, {"seed", offsetof(PpcCase, seed)}, {"xer", offsetof(PpcCase, xer)},
        {"cr", offsetof(PpcCase, cr)}, {"lr", offsetof(PpcCase, lr)}, {"ctr", offsetof(PpcCase, ctr)},
        {"vscr", offsetof(PpcCase, vscr)},
        {"memory", offsetof(PpcCase, memory)}, {"fpscr", offsetof(PpcCase, fpscr)},
    };
    const char *equals = strchr(item, '=');
    if (!equals) {
        if (strcmp(item, "be") == 0) {
            c->big = 1;
        } else if (strlen(item) == 8 && c->count < PPC_INSNS) {
            c->insn[c->count++] = (uint32_t)strtoul(item, NULL, 16);
        } else {
            return false;
        }
        return true;
    }
    uint64_t value = strtoull(equals + 1, NULL, 16);
    unsigned r;
    if (sscanf(item, "r%u=", &r) == 1 && r < 32) {
        c->gpr[r] = value;
        return true;
    }
    unsigned long long first, second;
    if (sscanf(item, "v%u=%llx_%llx", &r, &first, &second) == 3 && r < 64) {
        c->vsr[r][0] = first;
        c->vsr[r][1] = second;
        return true;
    }
    if (g_str_has_prefix(item, "end=")) {
        c->end = (uint32_t)value;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
        if (strncmp(item, items[i].name, (size_t)(equals - item)) == 0 && strlen(items[i].name) == (size_t)(equals - item)) {
            *(uint64_t *)(void *)((char *)c + items[i].at) = value;
            return true;
        }
    }
    return false;
}

static bool read_line(char **words, PpcCase *before, PpcCase *after) {
    memset(before, 0, sizeof(*before));
    PpcCase *c = before;
    for (char **w = words + 1; *w; w++) {
        if (strcmp(*w, "->") == 0) {
            *after = *before;
            c = after;
        } else if (!read_item(*w, c)) {
            return false;
        }
    }
    return c == after && before->count > 0;
}

static void run_line(PpcRunner *runner, const char *line, Cover *covers) {
    g_auto(GStrv) words = g_strsplit(line, " ", 0);
    PpcCase before, after;
    ck_assert_msg(words[0] && read_line(words, &before, &after), "not a vector: %s", line);
    PpcFields f;
    const PpcRow *row = ppc_find(before.insn[before.count - 1], &f);
    ck_assert_msg(row && strcmp(row->name, words[0]) == 0, "decoded as %s: %s", row ? row->name : "nothing", line);
    cover_add(&covers[row - ppc_rows], before.insn[before.count - 1], 0);
    for (unsigned how = 0; how < PPC_WAYS; how++) {
        PpcCase c = before;
        const char *why = "";
        ppc_fill(runner, &c);
        ck_assert_msg(ppc_run(runner, &c, how, &why), "%s: %s", why, line);
        ppc_settle(&before, &c);
        ck_assert_msg(memcmp(&c, &after, sizeof(c)) == 0, "differs (way %u): %s", how, line);
    }
}

/* All lines of a table's file; returns how many there are. */
static unsigned run_table(PpcRunner *runner, const char *table, Cover *covers) {
    g_autofree char *stem = g_strndup(table, strcspn(table, ".")), *path = g_strdup_printf(VECTORS "/%s.txt.gz", stem);
    char line[4096];
    unsigned lines = 0;
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while (gzgets(file, line, sizeof(line))) {
        run_line(runner, g_strchomp(line), covers);
        lines++;
    }
    gzclose(file);
    return lines;
}

/* Is the row one that a user cannot show, with its check elsewhere? */
static bool untold(const char *list, const char *name) {
    g_autofree char *line = g_strdup_printf("\n%s ", name);
    return strstr(list, line) != NULL;
}

START_TEST(vectors) {
    g_autofree Cover *covers = g_new0(Cover, PPC_ROWS);
    g_autofree char *list = NULL;
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        cover_init(&covers[i], (const DecodeRow *)&ppc_rows[i], ppc_rows_find);
    }
    PpcRunner *runner = ppc_runner_new("power9");
    unsigned lines = 0;
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        if (i == 0 || strcmp(ppc_rows[i].file, ppc_rows[i - 1].file) != 0) { /* rows stand table by table */
            lines += run_table(runner, ppc_rows[i].file, covers);
        }
    }
    ck_assert_uint_lt(runner->given_back, lines / 2);
    ppc_runner_free(runner);
    ck_assert(g_file_get_contents(VECTORS "/priv.txt", &list, NULL, NULL));
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        g_autofree char *missing = untold(list, ppc_rows[i].name) ? NULL : cover_missing(&covers[i], false);
        ck_assert_msg(!missing, "%s", missing);
    }
}
END_TEST

/* The interrupt that an insn ends with on r's CPU */
static uint64_t interrupt_of(PpcRunner *r, uint32_t insn) {
    PpcCase c = {.count = 1, .insn = {insn}, .pc = 0x40000000};
    const char *why;
    c.gpr[1] = c.gpr[2] = PPC_ADDRESS / 2 + 0x200;
    ppc_fill(r, &c);
    r->env->pc = 0;
    ppc_run(r, &c, 0, &why);
    return r->env->pc;
}

/* A CPU of ISA 2.07 has none of what came later. */
START_TEST(levels) {
    PpcRunner *runner = ppc_runner_new("power8");
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        Cover cover;
        uint64_t seed = i;
        if (ppc_rows[i].feature == PPC_ISA300) {
            cover_init(&cover, (const DecodeRow *)&ppc_rows[i], ppc_rows_find);
            ck_assert_msg(interrupt_of(runner, cover_insn(&cover, &seed)) == PPC_VEC_PROGRAM, "%s is there", ppc_rows[i].name);
            ck_assert_msg(ppc_cpu(runner->env)->plain[PPC_PLAIN_SRR1] & PPC_PROGRAM_ILLEGAL, "%s is not illegal", ppc_rows[i].name);
        }
    }
    /* mffsl and mffscrni f1, 3 are mffs there: they tell everything, and change nothing. */
    static const uint32_t insns[] = {0xfc38048e, 0xfc371c8e};
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        PpcCase c = {.count = 1, .insn = {insns[i]}, .pc = 0x40000000, .fpscr = 0x82024001};
        const char *why = "";
        ppc_fill(runner, &c);
        ck_assert_msg(ppc_run(runner, &c, 0, &why), "%s", why);
        ck_assert_uint_eq(c.vsr[1][0], 0x82024001);
        ck_assert_uint_eq(c.fpscr, 0x82024001);
    }
    ppc_runner_free(runner);
}
END_TEST

/* VSX insns for which AltiVec, or floating point, is enough */
static bool is_listed(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t facility_of(const PpcRow *row, const PpcFields *f) {
    static const char *const upper[] = {"lxv", "stxv", "lxvx", "stxvx", "lxvl", "stxvl", "lxvll", "stxvll", "lxvb16x", "stxvb16x", "lxvh8x",
        "stxvh8x", "lxvwsx", "mfvsrld", "mtvsrdd", "mtvsrws", "xxspltib", NULL};
    static const char *const moves[] = {"mfvsrd", "mfvsrwz", "mtvsrd", "mtvsrwa", "mtvsrwz", NULL};
    bool vsx = g_str_has_prefix(row->file, "ppc_quad");
    if (ppc_is_dfp(row)) {
        return PPC_VEC_FP;
    }
    for (uint32_t i = 0; i < row->field_count; i++) {
        vsx |= strcmp(row->fields[i].name, "tx") == 0;
    }
    if (!vsx || (f->tx && (is_listed(row->name, upper) || is_listed(row->name, moves)))) {
        return PPC_VEC_VEC;
    }
    return is_listed(row->name, moves) ? PPC_VEC_FP : PPC_VEC_VSX;
}

/* Each insn finds out that its facility is off, before it does anything else. */
START_TEST(facilities) {
    PpcRunner *runner = ppc_runner_new("power9");
    runner->mode = PPC_MSR_SF | PPC_MSR_PR | PPC_MSR_EE | PPC_MSR_IR | PPC_MSR_DR | PPC_MSR_LE;
    for (unsigned i = 0; i < PPC_ROWS; i++) {
        Cover cover;
        uint64_t seed = i;
        const PpcRow *row = &ppc_rows[i];
        bool vector = g_str_has_prefix(row->file, "ppc_vec_") || g_str_has_prefix(row->file, "ppc_quad");
        if ((!vector && !ppc_is_dfp(row)) || strcmp(row->name, "dss") == 0) {
            continue; /* dss does nothing */
        }
        cover_init(&cover, (const DecodeRow *)row, ppc_rows_find);
        for (unsigned k = 0; k < 8; k++) {
            PpcFields f;
            uint32_t insn = cover_insn(&cover, &seed);
            ppc_find(insn, &f);
            cover_add(&cover, insn, 0);
            ck_assert_msg(interrupt_of(runner, insn) == facility_of(row, &f), "%s: %08x", row->name, insn);
        }
    }
    ppc_runner_free(runner);
}
END_TEST

/* Loads and stores by length touch as many bytes as they are told to, if any. */
START_TEST(lengths) {
    enum { LXVL = 0x7c23221b, STXVL = 0x7c23231b }; /* vs33, r3, r4 */
    const uint64_t end = PPC_ADDRESS + BASE_WINDOW;
    static const struct { uint64_t before_end, bytes; bool fits; } cases[] = {
        {16, 16, true}, {15, 16, false}, {3, 3, true}, {3, 4, false}, {1, 1, true}, {0, 1, false}, {0, 0, true}, {16, 255, true},
    };
    PpcRunner *runner = ppc_runner_new("power9");
    for (size_t i = 0; i < 2 * PPC_WAYS * G_N_ELEMENTS(cases); i++) {
        size_t k = i / (2 * PPC_WAYS);
        PpcCase c = {.count = 1, .insn = {i % 2 ? LXVL : STXVL}, .pc = 0x40000000, .vsr = {[33] = {1, 2}}};
        const char *why;
        c.gpr[3] = end - cases[k].before_end;
        c.gpr[4] = cases[k].bytes << 56;
        ppc_fill(runner, &c);
        runner->env->pc = 0;
        bool went_on = ppc_run(runner, &c, i / 2 % PPC_WAYS, &why) && c.end == PPC_WENT_ON && c.pc == 0x40000004;
        ck_assert_msg(went_on == cases[k].fits, "%u bytes, %u in front of the end", (unsigned)cases[k].bytes, (unsigned)cases[k].before_end);
    }
    ppc_runner_free(runner);
}
END_TEST

/* Each line of priv.txt names a row, a program and words of it. */
START_TEST(privileged) {
    g_autofree char *list = NULL;
    ck_assert(g_file_get_contents(VECTORS "/priv.txt", &list, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(list), "\n", 0);
    for (char **l = lines; *l; l++) {
        g_auto(GStrv) words = g_strsplit(*l, " ", 3);
        if (**l == '#') {
            continue;
        }
        ck_assert_msg(words[0] && words[1] && words[2], "not a row, a program and a check: %s", *l);
        g_autofree char *path = g_strdup_printf(VECTORS "/../../guest/ppc/%s", words[1]), *text = NULL;
        bool known = false;
        for (unsigned i = 0; i < PPC_ROWS; i++) {
            known |= strcmp(ppc_rows[i].name, words[0]) == 0;
        }
        ck_assert_msg(known, "no row %s", words[0]);
        ck_assert_msg(g_file_get_contents(path, &text, NULL, NULL), "no program %s", path);
        ck_assert_msg(strstr(text, words[2]) != NULL, "%s does not have the check: %s", path, words[2]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ppc");
    TCase *tcase = tcase_create("ppc");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, vectors);
    tcase_add_test(tcase, privileged);
    tcase_add_test(tcase, levels);
    tcase_add_test(tcase, facilities);
    tcase_add_test(tcase, lengths);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
