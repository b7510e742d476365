/* SPDX-License-Identifier: MIT */
/*
 * lib.c - printing, checking and ending.
 */
#include "guest.h"

static unsigned failures;

void print(const char *text) {
    while (*text) {
        uint8_t bytes[16] = {0};
        uint64_t words[2], n = 0;
        while (n < 16 && text[n]) {
            bytes[n] = (uint8_t)text[n];
            n++;
        }
        for (unsigned i = 0; i < 2; i++) {
            words[i] = 0;
            for (unsigned k = 0; k < 8; k++) {
                words[i] = words[i] << 8 | bytes[8 * i + k];
            }
        }
        while (hypercall(H_PUT_TERM_CHAR, VTY, n, words[0], words[1]) == 1) {
        }
        text += n;
    }
}

void print_number(uint64_t v) {
    char text[19] = "0x0000000000000000";
    for (unsigned i = 0; i < 16; i++) {
        text[17 - i] = "0123456789abcdef"[v >> 4 * i & 15];
    }
    print(text);
}

void guest_equal(uint64_t have, uint64_t want, const char *file, int line, const char *what) {
    if (have == want) {
        return;
    }
    failures++;
    print("FAIL ");
    print(file);
    print(" line ");
    print_number((uint64_t)line);
    print(": ");
    print(what);
    print(" is ");
    print_number(have);
    print(", not ");
    print_number(want);
    print("\n");
}

int32_t rtas(uint32_t token, uint32_t inputs, uint32_t outputs) {
    static uint32_t args[16];
    args[0] = big32(token);
    args[1] = big32(inputs);
    args[2] = big32(outputs);
    uint64_t status = hypercall(H_RTAS, (uint64_t)(uintptr_t)args, 0, 0, 0);
    return status ? (int32_t)status : (int32_t)big32(args[3 + inputs]);
}

void guest_exit(void) {
    print(failures ? "failed\n" : "done\n");
    rtas(RTAS_POWER_OFF, 2, 1);
    print("still here\n");
    for (;;) {
    }
}
