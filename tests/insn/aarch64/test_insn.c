/* SPDX-License-Identifier: MIT */
/*
 * test_insn.c - every line of the vector files holds, and every row of the tables they are for has enough.
 *
 * A line: row insn fpcr=H fpsr=H nzcv=H registers -> nzcv=H fpsr=H registers, all numbers hexadecimal; vN=HIGH_LOW.
 * Registers that do not stand after the arrow keep their values; those that stand nowhere begin as zero.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/insn/aarch64/rows.h"
#include "tests/insn/aarch64/run.h"

#ifndef VECTORS
#define VECTORS "tests/insn/aarch64"
#endif

/* Puts one item of a line into the case; false: it is none. */
static bool read_item(const char *item, InsnCase *c) {
    unsigned r;
    unsigned long long high, low;
    if (sscanf(item, "fpcr=%llx", &low) == 1) {
        c->fpcr = (uint32_t)low;
    } else if (sscanf(item, "nzcv=%llx", &low) == 1) {
        c->nzcv = (uint32_t)low << 28;
    } else if (sscanf(item, "fpsr=%llx", &low) == 1) {
        c->fpsr = (uint32_t)low;
    } else if (sscanf(item, "x%u=%llx", &r, &low) == 2 && r < CASE_X) {
        c->x[r] = low;
    } else if (sscanf(item, "v%u=%llx_%llx", &r, &high, &low) == 3 && r < 32) {
        c->v[r][0] = low;
        c->v[r][1] = high;
    } else {
        return false;
    }
    return true;
}

/* Both sides of a line's arrow; false: not a line of vectors. */
static bool read_line(char **words, InsnCase *before, InsnCase *after) {
    memset(before, 0, sizeof(*before));
    before->insn = (uint32_t)strtoul(words[1], NULL, 16);
    InsnCase *c = before;
    for (char **w = words + 2; *w; w++) {
        if (strcmp(*w, "->") == 0) {
            *after = *before;
            c = after;
        } else if (!read_item(*w, c)) {
            return false;
        }
    }
    return c == after;
}

static void run_line(InsnRunner *runner, const char *line, Cover *covers) {
    g_auto(GStrv) words = g_strsplit(line, " ", 0);
    InsnCase before, after;
    A64Fields f;
    ck_assert_msg(g_strv_length(words) > 3 && read_line(words, &before, &after), "not a vector: %s", line);
    const A64Row *row = insn_row(before.insn, &f);
    ck_assert_msg(row && strcmp(row->name, words[0]) == 0, "decoded as %s: %s", row ? row->name : "nothing", line);
    cover_add(&covers[row - a64_rows], before.insn, before.fpcr);
    for (unsigned how = 0; how < INSN_WAYS; how++) {
        InsnCase c = before;
        const char *why = "";
        ck_assert_msg(insn_run(runner, &c, how, &why), "%s (way %u): %s", why, how, line);
        c.fpcr = after.fpcr;
        if (memcmp(&c, &after, sizeof(c)) != 0) {
            unsigned rd = f.rd & 31;
            unsigned long long low = c.v[rd][0], high = c.v[rd][1], x = rd < CASE_X ? c.x[rd] : 0;
            ck_abort_msg("v%u=%llx_%llx x=%llx nzcv=%x fpsr=%x (way %u): %s", rd, high, low, x, c.nzcv >> 28, c.fpsr,
                         how, line);
        }
    }
}

/* File of vectors, and the table whose rows it covers. */
static const char *const files[][2] = {{"fp.txt.gz", "a64_fp.decode"}, {"simd.txt.gz", "a64_simd.decode"}};

START_TEST(vectors) {
    g_autofree char *path = g_build_filename(VECTORS, files[_i][0], NULL);
    g_autofree Cover *covers = g_new0(Cover, A64_ROWS);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        rows_cover(&covers[i], &a64_rows[i]);
    }
    InsnRunner *runner = insn_runner_new();
    char line[1024];
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while (gzgets(file, line, sizeof(line))) {
        g_strchomp(line);
        run_line(runner, line, covers);
    }
    gzclose(file);
    insn_runner_free(runner);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (strcmp(a64_rows[i].file, files[_i][1]) == 0) {
            g_autofree char *missing = cover_missing(&covers[i], strstr(files[_i][1], "fp"));
            ck_assert_msg(!missing, "%s", missing);
        }
    }
}
END_TEST

/* The lines of a list, without comments; the caller frees it. */
static GPtrArray *read_list(const char *name) {
    g_autofree char *path = g_build_filename(VECTORS, name, NULL);
    g_autofree char *text = NULL;
    ck_assert_msg(g_file_get_contents(path, &text, NULL, NULL), "cannot read %s", path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    for (char **line = lines; *line; line++) {
        if (**line && **line != '#') {
            g_ptr_array_add(list, g_strdup(*line));
        }
    }
    return list;
}

static const A64Row *row_named(const char *name) {
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (strcmp(a64_rows[i].name, name) == 0) {
            return &a64_rows[i];
        }
    }
    return NULL;
}

/* Each row that user mode cannot show is on the list of bare-metal checks, and the checks are there. */
START_TEST(privileged) {
    g_autoptr(GPtrArray) list = read_list("priv.txt");
    g_autofree bool *listed = g_new0(bool, A64_ROWS);
    for (unsigned i = 0; i < list->len; i++) {
        const char *line = list->pdata[i];
        g_auto(GStrv) words = g_strsplit(line, " ", 4);
        ck_assert_msg(g_strv_length(words) == 4, "not a row, a program, a check and its text: %s", line);
        const A64Row *row = row_named(words[0]);
        ck_assert_msg(row && strcmp(row->file, "a64_priv.decode") == 0, "no such row: %s", line);
        g_autofree char *path = g_build_filename(VECTORS, "../../guest", words[1], NULL);
        g_autofree char *source = NULL;
        g_autofree char *check = g_strdup_printf("static void %s(", words[2]);
        ck_assert_msg(g_file_get_contents(path, &source, NULL, NULL), "cannot read %s", path);
        ck_assert_msg(strstr(source, check), "%s has no %s)", words[1], check);
        ck_assert_msg(strstr(source, words[3]), "%s does not say: %s", words[1], words[3]);
        listed[row - a64_rows] = true;
    }
    for (unsigned i = 0; i < A64_ROWS; i++) {
        bool wanted = strcmp(a64_rows[i].file, "a64_priv.decode") == 0;
        ck_assert_msg(listed[i] == wanted, "no check of %s is on the list", a64_rows[i].name);
    }
}
END_TEST

START_TEST(exceptions) {
    g_autoptr(GPtrArray) list = read_list("exceptions.txt");
    for (unsigned i = 0; i < list->len; i++) {
        g_auto(GStrv) words = g_strsplit(list->pdata[i], " ", 3);
        ck_assert_msg(g_strv_length(words) == 3 && row_named(words[0]), "not an exception: %s", (char *)list->pdata[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("insn");
    TCase *tcase = tcase_create("vectors");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, vectors, 0, G_N_ELEMENTS(files));
    tcase_add_test(tcase, privileged);
    tcase_add_test(tcase, exceptions);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
