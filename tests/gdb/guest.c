/* SPDX-License-Identifier: MIT */
/* guest.c - a bare-metal program for test_gdb.py: a loop with calls, a variable to watch, and a fault. */
typedef unsigned long u64;

volatile u64 counter, faults, spin, written;
volatile u64 table[4] = { 1, 2, 3, 4 };

static u64 leaf(u64 a, u64 b) {
    counter = counter + 1; /* leaf body */
    return a * 10 + b;
}

__attribute__((noinline)) u64 middle(u64 n) {
    u64 sum = leaf(n, 1);
    return sum + 1; /* after leaf */
}

void faulted(void) {
    faults = faults + 1;
}

void guest_main(void) {
    for (u64 n = 1; n <= 3; n++) {
        written = middle(n);
    }
    asm volatile("fault_here: ldr x9, [%0]" : : "r"(0x3000000000UL) : "x9", "memory"); /* nothing is there */
    asm volatile("movi v0.16b, #7" : : : "v0");
    table[2] = written; /* after fault */
    for (;;) {
        spin = spin + 1; /* spinning */
    }
}
