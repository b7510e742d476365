/* SPDX-License-Identifier: MIT */
/*
 * guest.h - what the test programs share: output, checks, traps, page tables, the board.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- the board -- */

enum {
    GICD = 0x08000000, GICC = 0x08010000, UART = 0x09000000, RTC = 0x09010000, FW_CFG = 0x09020000, GPIO = 0x09030000,
    VIRTIO = 0x0a000000, HOLE = 0x0c000000, PPI_PMU = 23, PPI_VIRT = 27, PPI_PHYS = 30, SPI_UART = 33,
};
#define RAM UINT64_C(0x40000000)
#define POOL UINT64_C(0x41000000)   /* free memory, identity-mapped for EL1 */

static inline uint32_t read32(uint64_t pa) {
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(pa) : "memory");
    return value;
}
static inline void write32(uint64_t pa, uint32_t value) {
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(pa) : "memory");
}
static inline uint64_t read64(uint64_t va) {
    uint64_t value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(va) : "memory");
    return value;
}
static inline void write64(uint64_t va, uint64_t value) {
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(va) : "memory");
}

#define MRS(name) ({ uint64_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory"); value_; })
#define MSR(name, value) __asm__ volatile("msr " #name ", %0\n isb" : : "r"((uint64_t)(value)) : "memory")
#define SYS(text, value) __asm__ volatile(text ", %0\n dsb sy\n isb" : : "r"((uint64_t)(value)) : "memory")
#define ASM(text) __asm__ volatile(text : : : "memory")

/* Code that run_el0() and run_el1() take, readable and executable at both levels. */
#define CODE(name, text)                                                                                               \
    __asm__(".pushsection .text\n.balign 4\n.globl " #name "\n" #name ":\n" text "\n.popsection");                     \
    extern const uint32_t name[]
#define RET "\n ret"
#define DONE "\n svc #0x7ff" /* the end of code for EL0 */

/* -- output and checks -- */

void print(const char *format, ...); /* %x %d (64 bits), %s */
void guest_check(bool ok, const char *file, int line, const char *text);
void guest_equal(uint64_t have, uint64_t want, const char *file, int line, const char *text);
void guest_exit(void) __attribute__((noreturn)); /* 0 when every check held, else 1 */
void guest_note(const char *text, uint64_t value); /* printed in front of the next failure */
#define CHECK(ok) guest_check(ok, __FILE__, __LINE__, #ok)
#define EQUAL(have, want) guest_equal((uint64_t)(have), (uint64_t)(want), __FILE__, __LINE__, #have)

uint64_t semihost(uint64_t operation, const void *block);
uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* -- traps -- */

typedef struct Trap {
    uint64_t x[31], sp, sp_el0, elr, spsr, esr, far;
    uint64_t vector;      /* number of the vector: 4 and 5 are synchronous and IRQ at EL1h; -1: no exception */
    uint64_t armed, context[13];
} Trap;
enum { SYNC_SP0 = 0, IRQ_SP0 = 1, SYNC_SPX = 4, IRQ_SPX = 5, FIQ_SPX = 6, SYNC_EL0 = 8, IRQ_EL0 = 9, NO_TRAP = -1 };
extern Trap trap;
extern const uint32_t vectors[];
extern char text_end[], stack_top[], user_stack_top[];
void run_el1(const void *code, uint64_t a, uint64_t b, uint64_t c);
void run_el0(const void *code, uint64_t a, uint64_t b, uint64_t c);
void run_again(void); /* back to where the last trap from EL0 came from, with every register as it is in `trap` */
void run_with(uint64_t spsr, const void *code, uint64_t a, uint64_t b);

#define ESR(ec, iss) ((uint64_t)(ec) << 26 | 1u << 25 | (iss))
enum { EC_UNKNOWN = 0, EC_WFX = 1, EC_FP = 7, EC_ILLEGAL = 0x0e, EC_SVC = 0x15, EC_SYSREG = 0x18, EC_IABT = 0x20,
       EC_PC = 0x22, EC_DABT = 0x24, EC_SP = 0x26, EC_BREAK = 0x30, EC_STEP = 0x32, EC_WATCH = 0x34, EC_BRK = 0x3c };
enum { WNR = 1 << 6, CM = 1 << 8 };
/* Does the last trap have this vector and syndrome? Checks print what it was. */
void guest_trap(uint64_t vector, uint64_t esr, const char *file, int line);
#define TRAPPED(vector, ec, iss) guest_trap(vector, ESR(ec, iss), __FILE__, __LINE__)
#define FINISHED() guest_trap(NO_TRAP, 0, __FILE__, __LINE__)             /* run_el1() came back */
#define FINISHED_EL0() guest_trap(SYNC_EL0, ESR(EC_SVC, 0x7ff), __FILE__, __LINE__)

/* -- page tables -- */

enum {
    PTE_PAGE = 3, PTE_BLOCK = 1, PTE_TABLE = 3, PTE_NORMAL = 0 << 2, PTE_DEVICE = 1 << 2, PTE_NC = 2 << 2,
    PTE_EL0 = 1 << 6, PTE_RO = 1 << 7, PTE_SH = 3 << 8, PTE_AF = 1 << 10, PTE_NG = 1 << 11,
};
#define PTE_CONTIGUOUS (UINT64_C(1) << 52)
#define PTE_PXN (UINT64_C(1) << 53)
#define PTE_UXN (UINT64_C(1) << 54)
#define PTE_RW (PTE_PAGE | PTE_AF | PTE_SH)
#define TCR_T0(bits) (UINT64_C(64) - (bits))
#define TCR_T1(bits) ((UINT64_C(64) - (bits)) << 16)
#define TCR_TG1(granule) ((uint64_t)(granule) << 30) /* 1: 16 KiB, 2: 4 KiB, 3: 64 KiB */
#define TCR_IPS40 (UINT64_C(2) << 32)

/*
 * Identity map of devices and RAM by TTBR0 with 39 bits and 4 KiB pages, code for both levels, the page behind
 * user_stack for both; then the MMU goes on. T1SZ is 25 bits with 4 KiB, and TTBR1 an empty table.
 */
void mmu_on(void);
void mmu_off(void);
/* Maps the page at va (4 KiB, either half of 39 bits) by these descriptor bits; makes tables. No TLB maintenance. */
void map(uint64_t va, uint64_t desc);
uint64_t *pte_of(uint64_t va);
uint64_t *new_table(void); /* a zeroed page */
uint64_t new_pages(uint64_t count);
void flush_tlb(void);
void sync_code(uint64_t va, uint64_t bytes); /* DC CVAU, IC IVAU, DSB, ISB */

#endif
