/* SPDX-License-Identifier: MIT */
/*
 * test_disasm.c - words of A64 have the text that base_text.txt gives, and unallocated words decode to nothing.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/arm/disasm.h"

#ifndef VECTORS
#define VECTORS "tests/decode"
#endif

static void check_line(const char *line, bool *seen) {
    char *rest;
    uint64_t pc = strtoull(line, &rest, 16);
    uint32_t insn = (uint32_t)strtoul(rest, &rest, 16);
    const uint8_t bytes[4] = {insn & 0xff, insn >> 8 & 0xff, insn >> 16 & 0xff, insn >> 24};
    ck_assert_msg(*rest == ' ', "not a line of words: %s", line);
    A64Fields f;
    const A64Row *row = a64_find(insn, &f);
    if (strcmp(rest, " -") == 0) {
        ck_assert_msg(!row, "decoded as %s: %s", row ? row->name : "", line);
        return;
    }
    ck_assert_msg(row != NULL, "unallocated: %s", line);
    seen[row - a64_rows] = true;
    g_autoptr(GString) text = g_string_new("");
    ck_assert_uint_eq(a64_disasm(bytes, sizeof(bytes), pc, 0, text), 4);
    ck_assert_str_eq(text->str, rest + 1);
}

START_TEST(texts) {
    g_autofree bool *seen = g_new0(bool, A64_ROWS);
    char line[256];
    FILE *file = fopen(VECTORS "/base_text.txt", "r");
    ck_assert_msg(file != NULL, "cannot open " VECTORS "/base_text.txt");
    while (fgets(line, sizeof(line), file)) {
        g_strchomp(line);
        if (line[0] && line[0] != '#') {
            check_line(line, seen);
        }
    }
    fclose(file);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        ck_assert_msg(seen[i] || strcmp(a64_rows[i].file, "a64_base.decode") != 0, "no text for %s", a64_rows[i].name);
    }
}
END_TEST

START_TEST(edges) {
    const uint8_t bytes[4] = {0, 0, 0, 0};
    g_autoptr(GString) text = g_string_new("");
    ck_assert_uint_eq(a64_disasm(bytes, 3, 0, 0, text), 0);
    ck_assert_uint_eq(a64_disasm(bytes, 4, 0, 0, text), 4);
    ck_assert_str_eq(text->str, ".inst 0x00000000");
}
END_TEST

/* Every word matches at most one row by its fixed bits and guards: what a64_find gives contains the word. */
START_TEST(rows) {
    uint32_t insn = 1;
    unsigned found = 0;
    for (unsigned i = 0; i < 200000; i++) {
        insn = insn * 1664525 + 1013904223;
        A64Fields f;
        const A64Row *row = a64_find(insn, &f);
        ck_assert(!row || (insn & row->mask) == row->value);
        const A64Candidate *candidate = a64_candidate(insn);
        ck_assert(candidate->feature == A64_OTHER || row == &a64_rows[candidate->row]);
        found += candidate->feature != A64_OTHER;
        for (uint32_t k = 0; row && k < row->field_count; k++) {
            const DecodeField *field = &row->fields[k];
            uint32_t v = G_STRUCT_MEMBER(uint32_t, &f, field->offset);
            ck_assert_uint_eq(v, insn >> field->shift & (uint32_t)((UINT64_C(1) << field->width) - 1));
        }
    }
    ck_assert_uint_gt(found, 20000);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("disasm");
    TCase *tcase = tcase_create("disasm");
    tcase_add_test(tcase, texts);
    tcase_add_test(tcase, edges);
    tcase_add_test(tcase, rows);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
