/* SPDX-License-Identifier: MIT */
/*
 * test_insn.c - every line of the vector files holds, and every row of the tables they are for has a line.
 *
 * A line: row insn fpcr=H nzcv=H registers -> nzcv=H fpsr=H registers, all numbers hexadecimal; vN=HIGH_LOW.
 * Registers that do not stand after the arrow keep their values; those that stand nowhere begin as zero.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void run_line(InsnRunner *runner, const char *line, bool *seen) {
    g_auto(GStrv) words = g_strsplit(line, " ", 0);
    InsnCase before, after;
    A64Fields f;
    ck_assert_msg(g_strv_length(words) > 3 && read_line(words, &before, &after), "not a vector: %s", line);
    const A64Row *row = insn_row(before.insn, &f);
    ck_assert_msg(row && strcmp(row->name, words[0]) == 0, "decoded as %s: %s", row ? row->name : "nothing", line);
    seen[row - a64_rows] = true;
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
static const char *const files[][2] = {{"fp.txt", "a64_fp.decode"}, {"simd.txt", "a64_simd.decode"}};

START_TEST(vectors) {
    g_autofree char *path = g_build_filename(VECTORS, files[_i][0], NULL);
    g_autofree bool *seen = g_new0(bool, A64_ROWS);
    InsnRunner *runner = insn_runner_new();
    char line[1024];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while (fgets(line, sizeof(line), file)) {
        g_strchomp(line);
        if (line[0] && line[0] != '#') {
            run_line(runner, line, seen);
        }
    }
    fclose(file);
    insn_runner_free(runner);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        ck_assert_msg(seen[i] || strcmp(a64_rows[i].file, files[_i][1]) != 0, "no vector for %s", a64_rows[i].name);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("insn");
    TCase *tcase = tcase_create("vectors");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, vectors, 0, G_N_ELEMENTS(files));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
