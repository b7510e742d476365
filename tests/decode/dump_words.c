/* SPDX-License-Identifier: MIT */
/*
 * dump_words.c - reads little-endian words of A64 from standard input, the first at address 0, and writes one line for
 * each: the row that decodes it (`-` where none does), a tab, its text. For agreement.py.
 */
#include <stdio.h>

#include "frontend/arm/disasm.h"

int main(void) {
    uint8_t bytes[4];
    g_autoptr(GString) text = g_string_new("");
    for (uint64_t pc = 0; fread(bytes, sizeof(bytes), 1, stdin) == 1; pc += 4) {
        uint32_t insn = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        A64Fields f;
        const A64Row *row = a64_find(insn, &f);
        g_string_truncate(text, 0);
        if (row) {
            a64_disasm(bytes, sizeof(bytes), pc, 0, text);
        }
        printf("%s\t%s\n", row ? row->name : "-", text->str);
    }
    return ferror(stdin) || fflush(stdout) != 0;
}
