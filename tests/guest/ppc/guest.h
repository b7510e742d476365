/* SPDX-License-Identifier: MIT */
/*
 * guest.h - what bare-metal programs for the machine pseries share.
 */
#ifndef TESTS_GUEST_PPC_GUEST_H
#define TESTS_GUEST_PPC_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* -- start.S -- */

typedef struct Trap {
    uint64_t vector, srr0, srr1, dar, dsisr, msr /* within */, count;
} Trap;
extern volatile Trap trap;
extern uint64_t hypercall_results[3];
extern uint32_t written[2];
uint64_t hypercall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
uint64_t load_other(const void *at);
uint64_t load_narrow(uint64_t at, uint64_t *cr);
uint64_t multiple(const uint32_t *from);

/* -- lib.c -- */

void print(const char *text);
void print_number(uint64_t v);
void guest_equal(uint64_t have, uint64_t want, const char *file, int line, const char *what);
void guest_exit(void) __attribute__((noreturn));
#define EQUAL(have, want) guest_equal((uint64_t)(have), (uint64_t)(want), __FILE__, __LINE__, #have)
#define CHECK(ok) guest_equal(!!(ok), 1, __FILE__, __LINE__, #ok)
/* Does the insn raise the interrupt, once? */
#define TRAPS(vector_, insn)                                                                                           \
    do {                                                                                                               \
        uint64_t before_ = trap.count;                                                                                 \
        __asm__ volatile(insn ::: "memory");                                                                           \
        EQUAL(trap.count - before_, 1);                                                                                \
        EQUAL(trap.vector, vector_);                                                                                   \
    } while (0)

#define MFSPR(number)                                                                                                  \
    ({                                                                                                                 \
        uint64_t v_;                                                                                                   \
        __asm__ volatile("mfspr %0, " #number : "=r"(v_));                                                             \
        v_;                                                                                                            \
    })
#define MTSPR(number, v) __asm__ volatile("mtspr " #number ", %0" : : "r"((uint64_t)(v)))

enum { H_PARAMETER = -4, H_FUNCTION = -2, H_P2 = -55 };
enum { MSR_PR = 1 << 14, MSR_IR = 1 << 5, MSR_DR = 1 << 4 };
enum { H_GET_TERM_CHAR = 0x54, H_PUT_TERM_CHAR = 0x58, H_CEDE = 0xe0, H_SET_MODE = 0x31c,
       H_REGISTER_PROC_TBL = 0x37c, H_RTAS = 0xf000 };
enum { VTY = 0x71000000 };
/* An RTAS call with arguments and one result. */
int32_t rtas(uint32_t token, uint32_t inputs, uint32_t outputs);
enum { RTAS_POWER_OFF = 0x2000, RTAS_REBOOT = 0x2001 };

static inline uint64_t mfmsr(void) {
    uint64_t v;
    __asm__ volatile("mfmsr %0" : "=r"(v));
    return v;
}
static inline uint64_t big64(uint64_t v) {
#ifdef __LITTLE_ENDIAN__
    return __builtin_bswap64(v);
#else
    return v;
#endif
}
static inline uint32_t big32(uint32_t v) {
    return (uint32_t)(big64(v) >> 32 | (big64(1) == 1 ? v : 0));
}

#endif
