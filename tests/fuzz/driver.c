/* SPDX-License-Identifier: MIT */
/*
 * driver.c - runs a fuzz target without libFuzzer: on random bytes from fixed seeds, or on files.
 * Usage: fuzz_NAME [FIRST_SEED COUNT | FILE...]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { SIZE_MAX_INPUT = 1024, SEEDS = 3000 };

static char running[32];
static int running_size;

static void on_signal(int number) {
    ssize_t written = write(STDERR_FILENO, running, (size_t)running_size);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void run_seed(uint64_t seed) {
    uint8_t bytes[SIZE_MAX_INPUT];
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (uint8_t)(state >> 32);
    }
    running_size = snprintf(running, sizeof running, "in seed %llu\n", (unsigned long long)seed);
    LLVMFuzzerTestOneInput(bytes, 16 + seed % (sizeof bytes - 16));
}

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "cannot open '%s'\n", path);
        return 1;
    }
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    return 0;
}

int main(int argc, char **argv) {
    char *end = NULL;
    signal(SIGABRT, on_signal);
    signal(SIGSEGV, on_signal);
    uint64_t first = argc > 1 ? strtoull(argv[1], &end, 0) : 1;
    if (argc > 1 && *end) {
        int failed = 0;
        for (int i = 1; i < argc; i++) {
            failed |= run_file(argv[i]);
        }
        return failed;
    }
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : argc > 1 ? 1 : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_seed(seed);
    }
    printf("%llu inputs\n", (unsigned long long)count);
    return 0;
}
