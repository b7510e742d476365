/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzz target is: a function of bytes that ends the process when something is wrong. libFuzzer calls it,
 * or driver.c with bytes of its own.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes to make choices from; zeros behind their end. */
typedef struct FuzzIn {
    const uint8_t *at;
    size_t left;
} FuzzIn;

static inline uint8_t fuzz_byte(FuzzIn *in) {
    if (!in->left) {
        return 0;
    }
    in->left--;
    return *in->at++;
}
static inline uint32_t fuzz_word(FuzzIn *in) {
    uint32_t value = fuzz_byte(in);
    value |= (uint32_t)fuzz_byte(in) << 8;
    value |= (uint32_t)fuzz_byte(in) << 16;
    return value | (uint32_t)fuzz_byte(in) << 24;
}

/* Prints a line and ends the process. */
static inline void __attribute__((noreturn, format(printf, 1, 2))) fuzz_fail(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
#define FUZZ_CHECK(ok, ...) ((ok) ? (void)0 : fuzz_fail(__VA_ARGS__))

#endif
