/* SPDX-License-Identifier: MIT */
/*
 * call.c - calls, returns and jumps through pointers: recursion, virtual functions, interpreters, callbacks.
 */
#include "bench.h"

#include <setjmp.h>
#include <stdlib.h>

__attribute__((noinline)) static unsigned fibonacci(unsigned n) {
    __asm__ volatile("" : "+r"(n)); /* stays a call */
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t fib(void) {
    return fibonacci(33);
}

__attribute__((noinline)) static unsigned ackermann(unsigned m, unsigned n) {
    __asm__ volatile("" : "+r"(m), "+r"(n));
    return m == 0 ? n + 1 : ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static uint64_t ack(void) {
    return ackermann(2, 1500) + (uint64_t)ackermann(3, 8);
}

typedef struct Shape Shape;
struct Shape {
    const struct ShapeClass *cls;
    uint64_t a, b;
};
struct ShapeClass {
    uint64_t (*area)(const Shape *s);
    void (*grow)(Shape *s, uint64_t by);
};

#define SHAPE(name, formula, change) \
    static uint64_t name##_area(const Shape *s) { \
        return formula; \
    } \
    static void name##_grow(Shape *s, uint64_t by) { \
        change; \
    } \
    static const struct ShapeClass name##_class = {name##_area, name##_grow};
SHAPE(box, s->a * s->b, s->a += by)
SHAPE(disc, s->a * s->a * 3, s->a ^= by)
SHAPE(line, s->a + s->b, s->b += by)
SHAPE(point, 1, s->a = by)

static uint64_t virtual(void) {
    static const struct ShapeClass *const classes[] = {&box_class, &disc_class, &line_class, &point_class};
    Shape shapes[64];
    uint64_t seed = 17, sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        shapes[i] = (Shape){classes[random_next(&seed) >> 33 & 3], i, i + 1};
    }
    for (unsigned i = 0; i < 12000000; i++) {
        Shape *s = &shapes[i & 63];
        s->cls->grow(s, i);
        sum += s->cls->area(s);
    }
    return sum;
}

/* A small stack machine: a loop over polynomials, by a switch and by jumps from insn to insn. */
enum { PUSH, ADD, MUL, XOR, DUP, SWAP, DEC, LOOP, STOP };
static const uint8_t vm_program[] = {
    DUP, PUSH, 7, ADD, PUSH, 13, MUL, SWAP, DUP, PUSH, 3, MUL, SWAP, PUSH, 1, ADD, SWAP, XOR, PUSH, 9, XOR, ADD, DEC, LOOP, STOP,
};

static uint64_t vmswitch(void) {
    uint64_t stack[16] = {1, 1}, counter = 1500000;
    unsigned top = 1;
    for (const uint8_t *pc = vm_program;;) {
        switch (*pc++) {
        case PUSH: stack[++top] = *pc++; break;
        case ADD: top--; stack[top] += stack[top + 1]; break;
        case MUL: top--; stack[top] *= stack[top + 1]; break;
        case XOR: top--; stack[top] ^= stack[top + 1]; break;
        case DUP: stack[top + 1] = stack[top]; top++; break;
        case SWAP: { uint64_t t = stack[top]; stack[top] = stack[top - 1]; stack[top - 1] = t; break; }
        case DEC: counter--; break;
        case LOOP: if (counter) { stack[1] = stack[top]; top = 1; pc = vm_program; } break;
        default: return stack[top];
        }
    }
}

static uint64_t vmgoto(void) {
    static const void *const labels[] = {&&push, &&add, &&mul, &&xor, &&dup, &&swap, &&dec, &&loop, &&stop};
    uint64_t stack[16] = {1, 1}, counter = 1500000, t;
    unsigned top = 1;
    const uint8_t *pc = vm_program;
#define NEXT goto *labels[*pc++]
    NEXT;
push: stack[++top] = *pc++; NEXT;
add: top--; stack[top] += stack[top + 1]; NEXT;
mul: top--; stack[top] *= stack[top + 1]; NEXT;
xor: top--; stack[top] ^= stack[top + 1]; NEXT;
dup: stack[top + 1] = stack[top]; top++; NEXT;
swap: t = stack[top]; stack[top] = stack[top - 1]; stack[top - 1] = t; NEXT;
dec: counter--; NEXT;
loop:
    if (counter) {
        stack[1] = stack[top];
        top = 1;
        pc = vm_program;
    }
    NEXT;
stop:
    return stack[top];
}

static int by_low_bits(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a * 2654435761u, y = *(const uint32_t *)b * 2654435761u;
    return x < y ? -1 : x > y;
}

static uint64_t callback(void) {
    static uint32_t values[1 << 16];
    uint64_t sum = 0;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 1 << 16; i++) {
            values[i] = i ^ round * 0x5555;
        }
        qsort(values, 1 << 16, sizeof *values, by_low_bits);
        sum = fold(sum, values[12345]);
    }
    return sum;
}

/* Matches patterns of letters, '.', and '*' after either, by recursion. */
static bool match_here(const char *pattern, const char *text) {
    if (!*pattern) {
        return true;
    }
    if (pattern[1] == '*') {
        do {
            if (match_here(pattern + 2, text)) {
                return true;
            }
        } while (*text && (*pattern == *text++ || *pattern == '.'));
        return false;
    }
    return *text && (*pattern == '.' || *pattern == *text) && match_here(pattern + 1, text + 1);
}

static uint64_t match(void) {
    static const char *const patterns[] = {"ab*c", "a.*b.*c*d", "x*y*z*e", "b.d", ".*aa.*bb", "ca*b*d"};
    char text[65];
    uint64_t seed = 23, sum = 0;
    for (unsigned round = 0; round < 15000; round++) {
        for (unsigned i = 0; i < sizeof text - 1; i++) {
            text[i] = (char)('a' + (random_next(&seed) >> 40) % 5);
        }
        text[sizeof text - 1] = '\0';
        for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++) {
            unsigned found = 0;
            for (unsigned at = 0; at < 64; at += 8) {
                found += match_here(patterns[p], text + at);
            }
            sum = fold(sum, found);
        }
    }
    return sum;
}

__attribute__((noinline)) static void deep(jmp_buf there, unsigned depth) {
    __asm__ volatile("" : "+r"(depth));
    if (!depth) {
        longjmp(there, 1);
    }
    deep(there, depth - 1);
    __asm__ volatile("");
}

static uint64_t unwind(void) {
    volatile uint64_t sum = 0;
    jmp_buf here;
    for (volatile unsigned i = 0; i < 900000; i++) {
        if (setjmp(here) == 0) {
            deep(here, i & 15);
        } else {
            sum = fold(sum, i);
        }
    }
    return sum;
}

const Kernel call_kernels[] = {
    {"fib", fib, NULL}, {"ack", ack, NULL}, {"virtual", virtual, NULL}, {"vmswitch", vmswitch, NULL}, {"vmgoto", vmgoto, NULL},
    {"callback", callback, NULL}, {"match", match, NULL}, {"unwind", unwind, NULL}, {NULL, NULL, NULL},
};
