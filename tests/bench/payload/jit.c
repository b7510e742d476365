/* SPDX-License-Identifier: MIT */
/*
 * jit.c - programs that make code: functions written anew, and functions changed while they are in use.
 *
 * Spec: Arm ARM C6.2 (MOVZ, MOVK, ADD, EOR, RET); Intel SDM 2 (MOV r32,imm32; LEA; XOR; RET).
 * Missing: other machines than arm64 and x86-64.
 */
#include "bench.h"

#include <string.h>
#include <sys/mman.h>

enum { CODE = 1 << 20 };
typedef uint32_t Function(uint32_t x);

static uint8_t *code;

static void make_code(void) {
    code = code ? code : mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        bench_fail("mmap");
    }
}

/* Writes a function of `steps` times x = (x + constant) ^ constant at `at`; returns its end. */
static uint8_t *emit(uint8_t *at, uint32_t constant, unsigned steps) {
#if defined(__aarch64__)
    uint32_t insn[64], count = 0;
    insn[count++] = 0x52800001 | (constant & 0xffff) << 5; /* movz w1, #low */
    insn[count++] = 0x72a00001 | (constant >> 16) << 5;    /* movk w1, #high, lsl #16 */
    for (unsigned i = 0; i < steps; i++) {
        insn[count++] = 0x0b010000; /* add w0, w0, w1 */
        insn[count++] = 0x4a010000; /* eor w0, w0, w1 */
    }
    insn[count++] = 0xd65f03c0; /* ret */
    memcpy(at, insn, count * sizeof *insn);
    uint8_t *end = at + count * sizeof *insn;
    __builtin___clear_cache((char *)at, (char *)end);
    return end;
#elif defined(__x86_64__)
    uint8_t *start = at;
    *at++ = 0xb9; /* mov ecx, constant */
    memcpy(at, &constant, 4);
    at += 4;
    memcpy(at, "\x89\xf8", 2); /* mov eax, edi */
    at += 2;
    for (unsigned i = 0; i < steps; i++) {
        memcpy(at, "\x01\xc8\x31\xc8", 4); /* add eax, ecx; xor eax, ecx */
        at += 4;
    }
    *at++ = 0xc3;
    return start + ((at - start + 15) & ~15);
#else
#error "no code for this machine"
#endif
}

static Function *function(uint8_t *at) {
    return (Function *)(uintptr_t)at;
}

/* New functions all the time, each called a few times. */
static uint64_t generate(void) {
    uint32_t x = 1;
    for (unsigned round = 0; round < 16; round++) {
        uint8_t *at = code;
        for (unsigned i = 0; i < 1500; i++) {
            uint8_t *next = emit(at, i * 2654435761u + round, 4 + i % 20);
            for (unsigned k = 0; k < 20; k++) {
                x = function(at)(x);
            }
            at = next;
        }
    }
    return x;
}

/* One function, changed between calls. */
static uint64_t patch(void) {
    uint32_t x = 1;
    for (unsigned i = 0; i < 20000; i++) {
        emit(code, i * 40503u, 3);
        for (unsigned k = 0; k < 10; k++) {
            x = function(code)(x);
        }
    }
    return x;
}

/* Code and the data that it changes share a page. */
static uint64_t shared(void) {
    volatile uint32_t *data = (volatile uint32_t *)(code + 2048);
    emit(code, 12345, 8);
    *data = 0;
    for (unsigned i = 0; i < 300000; i++) {
        *data = function(code)(*data + i);
    }
    return *data;
}

const Kernel jit_kernels[] = {
    {"generate", generate, make_code}, {"patch", patch, make_code}, {"shared", shared, make_code}, {NULL, NULL, NULL},
};
