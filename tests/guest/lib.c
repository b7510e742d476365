/* SPDX-License-Identifier: MIT */
/*
 * lib.c - output, checks, page tables for the test programs. No floating point: FP may be off.
 */
#include "guest.h"

#include <stdarg.h>

Trap trap;

static unsigned failures;
static const char *note;
static uint64_t note_value;

void *memset(void *to, int byte, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void guest_unexpected(void);

void *memset(void *to, int byte, size_t size) {
    for (volatile uint8_t *p = to; size; size--) {
        *p++ = (uint8_t)byte;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    const volatile uint8_t *s = from;
    for (volatile uint8_t *p = to; size; size--) {
        *p++ = *s++;
    }
    return to;
}

/* -- output -- */

static void put(char c) {
    write32(UART, (uint8_t)c);
}

static void put_number(uint64_t value, unsigned base) {
    char digits[24];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n) {
        put(digits[--n]);
    }
}

void print(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        format++;
        if (*format == 's') {
            for (const char *s = va_arg(ap, const char *); *s; s++) {
                put(*s);
            }
        } else {
            put_number(va_arg(ap, uint64_t), *format == 'x' ? 16 : 10);
        }
    }
    va_end(ap);
}

uint64_t semihost(uint64_t operation, const void *block) {
    register uint64_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = block;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c) {
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory", "x4", "x5", "x6", "x7");
    return x0;
}

void guest_exit(void) {
    const uint64_t block[2] = {0x20026, failures ? 1 : 0};
    semihost(0x18, block);
    for (;;) {
        ASM("wfi");
    }
}

/* -- checks -- */

void guest_note(const char *text, uint64_t value) {
    note = text;
    note_value = value;
}

static bool fail(const char *file, int line, const char *text) {
    if (++failures > 40) {
        guest_exit();
    }
    print("FAIL %s:%d: ", file, (uint64_t)line);
    if (note) {
        print("[%s %x] ", note, note_value);
    }
    print("%s", text);
    return true;
}

void guest_check(bool ok, const char *file, int line, const char *text) {
    if (!ok) {
        fail(file, line, text);
        print("\n");
    }
}

void guest_equal(uint64_t have, uint64_t want, const char *file, int line, const char *text) {
    if (have != want) {
        fail(file, line, text);
        print(" is %x, not %x\n", have, want);
    }
}

static void print_trap(void) {
    print("vector %d, ESR %x (class %x), FAR %x, ELR %x, SPSR %x\n", trap.vector, trap.esr, trap.esr >> 26, trap.far,
          trap.elr, trap.spsr);
}

void guest_trap(uint64_t vector, uint64_t esr, const char *file, int line) {
    if (trap.vector != vector || (vector != (uint64_t)NO_TRAP && trap.esr != esr)) {
        fail(file, line, "expected ");
        print("vector %d, ESR %x; have ", vector, esr);
        print_trap();
    }
}

void guest_unexpected(void) {
    fail("?", 0, "exception that nothing expects: ");
    print_trap();
    guest_exit();
}

/* -- page tables -- */

static uint64_t next_page = POOL;

uint64_t new_pages(uint64_t count) {
    uint64_t page = next_page;
    next_page += count * 4096;
    return page;
}

uint64_t *new_table(void) {
    uint64_t *table = (uint64_t *)new_pages(1);
    for (unsigned i = 0; i < 512; i++) {
        write64((uint64_t)&table[i], 0);
    }
    return table;
}

uint64_t *pte_of(uint64_t va) {
    uint64_t *table = (uint64_t *)((va >> 55 & 1 ? MRS(ttbr1_el1) : MRS(ttbr0_el1)) & UINT64_C(0xfffffffff000));
    for (unsigned shift = 30; shift > 12; shift -= 9) {
        uint64_t *entry = &table[va >> shift & 511];
        if (!(*entry & 1)) {
            *entry = (uint64_t)new_table() | PTE_TABLE;
        }
        table = (uint64_t *)(*entry & UINT64_C(0xfffffffff000));
    }
    return &table[va >> 12 & 511];
}

void map(uint64_t va, uint64_t desc) {
    *(volatile uint64_t *)pte_of(va) = desc;
    ASM("dsb sy\n isb");
}

void flush_tlb(void) {
    ASM("dsb sy\n tlbi vmalle1\n dsb sy\n isb");
}

void sync_code(uint64_t va, uint64_t bytes) {
    for (uint64_t at = va & ~UINT64_C(3); at < va + bytes; at += 4) {
        __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0" : : "r"(at) : "memory");
    }
    ASM("dsb ish\n isb");
}

void mmu_off(void) {
    MSR(sctlr_el1, MRS(sctlr_el1) & ~UINT64_C(1));
    flush_tlb();
}

void mmu_on(void) {
    uint64_t *l1 = new_table(), *l2 = new_table(), *l3 = new_table();
    const uint64_t text = (uint64_t)text_end, low = RAM;
    l1[0] = PTE_BLOCK | PTE_DEVICE | PTE_AF | PTE_PXN | PTE_UXN;
    l1[1] = (uint64_t)l2 | PTE_TABLE;
    l2[0] = (uint64_t)l3 | PTE_TABLE;
    for (uint64_t i = 1; i < 512; i++) {
        l2[i] = (low + (i << 21)) | PTE_BLOCK | PTE_AF | PTE_SH;
    }
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t pa = low + (i << 12);
        bool code = pa >= 0x40080000 && pa < text;
        bool user = pa < (uint64_t)user_stack_top && pa >= (uint64_t)user_stack_top - 0x4000;
        l3[i] = pa | PTE_RW | (code ? PTE_EL0 | PTE_RO : user ? PTE_EL0 | PTE_PXN : 0);
    }
    MSR(mair_el1, 0x4400ff); /* 0 normal write-back, 1 Device-nGnRnE, 2 normal non-cacheable */
    MSR(tcr_el1, TCR_T0(39) | TCR_T1(39) | TCR_TG1(2) | TCR_IPS40 | 0x3500 | UINT64_C(0x35000000));
    MSR(ttbr0_el1, l1);
    MSR(ttbr1_el1, new_table());
    flush_tlb();
    MSR(sctlr_el1, MRS(sctlr_el1) | 1 | 1 << 2 | 1 << 12);
}
