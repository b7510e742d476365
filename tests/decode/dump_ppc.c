/* SPDX-License-Identifier: MIT */
/*
 * dump_ppc.c - reads little-endian words of PowerPC from standard input, the first at address 0, and writes one line for
 * each: the row that decodes it (`-` where none does), a tab, its text. Its argument is the model. For agreement_ppc.py.
 */
#include <stdio.h>
#include <string.h>

#include "frontend/ppc/disasm.h"
#include "frontend/ppc/ppc.h"

int main(int argc, char **argv) {
    uint8_t bytes[4];
    bool isa300 = argc > 1 && strcmp(argv[1], "power9") == 0;
    g_autoptr(GString) text = g_string_new("");
    for (uint64_t pc = 0; fread(bytes, sizeof(bytes), 1, stdin) == 1; pc += 4) {
        PpcFields f;
        const PpcRow *row = ppc_find(ppc_insn(bytes, PPC_MODE_LE), &f);
        row = row && (row->feature == PPC_BASE || isa300) ? row : NULL;
        g_string_truncate(text, 0);
        if (row) {
            ppc_disasm(bytes, sizeof(bytes), pc, PPC_MODE_SF | PPC_MODE_LE, text);
        }
        printf("%s\t%s\n", row ? row->name : "-", text->str);
    }
    return ferror(stdin) || fflush(stdout) != 0;
}
