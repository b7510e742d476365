/* SPDX-License-Identifier: MIT */
/*
 * hello.c - the machine pseries as a program without an operating system sees it. -DECHO: what is typed comes back.
 */
#include "guest.h"

void guest_main(void);

enum { MSR_EE = 1 << 15, MSR_LE = 1, TRAP_ILLEGAL = 1 << 19, TRAP_PRIVILEGED = 1 << 18, TRAP_TRAP = 1 << 17 };
enum { POWER9 = 0x004e };

static bool is_power9(void) {
    return MFSPR(287) >> 16 == POWER9;
}

/* byte order: of this program, switched while it runs, and that interrupts take */
static void byte_order(void) {
    const uint64_t number = UINT64_C(0x0102030405060708);
    const bool little = *(const uint8_t *)&number == 8;
    EQUAL(mfmsr() & MSR_LE, little);
    EQUAL(load_other(&number), UINT64_C(0x0807060504030201));
    EQUAL(mfmsr() & MSR_LE, little);
    EQUAL(hypercall(H_SET_MODE, 2, 4, 0, 0), -256);
    EQUAL(hypercall(H_SET_MODE, little, 4, 0, 0), 0);
    TRAPS(0x700, ".long 0");
    EQUAL(trap.msr & MSR_LE, little);
    uint64_t cr, at = (uint64_t)(uintptr_t)&number;
    EQUAL(load_narrow(at | UINT64_C(0x7700000000), &cr), little ? 0x05060708 : 0x01020304);
    EQUAL(cr >> 28 & 14, 2); /* equal */
}

static void hypercalls(void) {
    EQUAL(hypercall(0x7774, 0, 0, 0, 0), H_FUNCTION);
    EQUAL(hypercall(H_PUT_TERM_CHAR, 1, 0, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_PUT_TERM_CHAR, VTY, 17, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_GET_TERM_CHAR, 1, 0, 0, 0), H_PARAMETER);
    EQUAL(hypercall(H_SET_MODE, 0, 99, 0, 0), H_P2);
    EQUAL(hypercall(H_RTAS, UINT64_C(0x4000000000), 0, 0, 0), H_PARAMETER);
    EQUAL(rtas(0x1234, 0, 1), -1);
    EQUAL(rtas(RTAS_POWER_OFF, 0, 1), -3);
}

/* -- interrupts of insns -- */

static void program_interrupts(void) {
    TRAPS(0x700, ".long 0x00000200"); /* attn: illegal */
    EQUAL(trap.srr1 & (TRAP_ILLEGAL | TRAP_PRIVILEGED | TRAP_TRAP), TRAP_ILLEGAL);
    TRAPS(0x700, "hrfid"); /* privileged: there is no hypervisor state */
    EQUAL(trap.srr1 & (TRAP_ILLEGAL | TRAP_PRIVILEGED | TRAP_TRAP), TRAP_PRIVILEGED);
    TRAPS(0x700, "li 3, 5; twllei 3, 5");
    EQUAL(trap.srr1 & (TRAP_ILLEGAL | TRAP_PRIVILEGED | TRAP_TRAP), TRAP_TRAP);
    TRAPS(0x700, "mtspr 4, 3");
    EQUAL(trap.srr1 & (TRAP_ILLEGAL | TRAP_PRIVILEGED | TRAP_TRAP), TRAP_ILLEGAL);
    TRAPS(0xc00, "sc");
    uint64_t before = trap.count;
    __asm__ volatile("mtspr 1000, 3; li 3, 6; twllei 3, 5" ::: "r3"); /* nothing happens */
    EQUAL(trap.count, before);
}

static void alignment(void) {
    static uint32_t words[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};
    uint64_t before = trap.count;
#ifdef __LITTLE_ENDIAN__
    EQUAL(multiple(words), 0);
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x600);
#else
    EQUAL(multiple(words), UINT64_C(0x1111111122222222));
    EQUAL(trap.count, before);
#endif
    uint64_t at = (uint64_t)(uintptr_t)words + 2;
    __asm__ volatile("lwarx 3, 0, %0" : : "r"(at) : "r3");
    EQUAL(trap.vector, 0x600);
    EQUAL(trap.dar, at);
    EQUAL(*(volatile uint32_t *)at, big64(1) == 1 ? 0x11112222 : 0x22221111); /* plain ones need not be aligned */
    /* beyond memory */
    at = UINT64_C(0x100000000000);
    before = trap.count;
    __asm__ volatile("ld 3, 0(%0)" : : "r"(at) : "r3");
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x200);
}

static void reservations(void) {
    static uint64_t word __attribute__((aligned(8)));
    uint64_t old = __atomic_fetch_add(&word, 5, __ATOMIC_SEQ_CST);
    EQUAL(old, 0);
    EQUAL(__atomic_fetch_xor(&word, 15, __ATOMIC_SEQ_CST), 5);
    EQUAL(word, 10);
    uint64_t cr;
    __asm__ volatile("ldarx 3, 0, %1; stdcx. 3, 0, %1; stdcx. 3, 0, %1; mfcr %0" : "=r"(cr) : "r"(&word) : "r3", "cr0", "memory");
    EQUAL(cr >> 28 & 14, 0); /* no reservation is left */
}

/* -- time -- */

static uint64_t timebase(void) {
    uint64_t v;
    __asm__ volatile("mftb %0" : "=r"(v));
    return v;
}

/* timebase, decrementer, and waiting for its interrupts */
static void time(void) {
    uint64_t start = timebase(), before = trap.count;
    CHECK(timebase() >= start);
    CHECK(MFSPR(269) == timebase() >> 32);
    MTSPR(22, 1000);
    while (timebase() - start < 10000) {
    }
    CHECK((int32_t)MFSPR(22) < 0);
    EQUAL(trap.count, before); /* interrupts are off */
    __asm__ volatile("mtmsrd %0, 1" : : "r"(MSR_EE));
    EQUAL(trap.count - before, 1);
    EQUAL(trap.vector, 0x900);
    CHECK(mfmsr() & MSR_EE);
    __asm__ volatile("mtmsr %0, 1" : : "r"(0));
    CHECK(!(mfmsr() & MSR_EE));
    start = timebase();
    MTSPR(22, 500000);
    EQUAL(hypercall(H_CEDE, 0, 0, 0, 0), 0);
    EQUAL(trap.count - before, 2);
    CHECK(timebase() - start >= 500000);
    __asm__ volatile("mtmsrd %0, 1" : : "r"(0));
}

/* -- caches -- */

/* changed code, with sync, isync and eieio where they belong */
static void changed_code(void) {
    enum { LI_R3 = 0x38600000 };
    uint64_t (*code)(void) = (uint64_t(*)(void))(uintptr_t)written;
    for (unsigned i = 2; i < 5; i++) {
        *(volatile uint32_t *)written = LI_R3 | i;
        __asm__ volatile("eieio; dcbst 0, %0; sync; icbi 0, %0; sync; isync" : : "r"(written) : "memory");
        EQUAL(code(), i);
    }
}

/* caches: dcbz clears a block of 128 bytes, the hints dcbflp and icbt do nothing */
static void caches(void) {
    static uint8_t blocks[384] __attribute__((aligned(128)));
    for (unsigned i = 0; i < sizeof blocks; i++) {
        blocks[i] = 0xee;
    }
    __asm__ volatile("dcbz 0, %0; .long 0x7c6018ac; .long 0x7c00182c" : : "r"(blocks + 200), "r"(blocks) : "memory", "r3");
    EQUAL(blocks[127], 0xee);
    EQUAL(blocks[128], 0);
    EQUAL(blocks[255], 0);
    EQUAL(blocks[256], 0xee);
}

/* random numbers, and an insn that waits for nothing: Power ISA 3.0 */
static void power9(void) {
    uint64_t a, b, c;
    __asm__ volatile(".long 0x7c6005e6 | 1 << 16; mr %0, 3; .long 0x7c6005e6; mr %1, 3; .long 0x7c6005e6 | 3 << 16; mr %2, 3"
                     : "=r"(a), "=r"(b), "=r"(c) : : "r3");
    CHECK(a != b);
    EQUAL(b >> 32, 0);
    EQUAL(c, UINT64_MAX);
    TRAPS(0xf60, ".long 0x44000001"); /* scv, and its return rfscv: vectored system calls are off */
    EQUAL(MFSPR(153) >> 56, 12);
    __asm__ volatile(".long 0x7c00003c"); /* wait, which waits for nothing */
}

#ifdef ECHO
static void echo(void) {
    for (;;) {
        EQUAL(hypercall(H_GET_TERM_CHAR, VTY, 0, 0, 0), 0);
        uint64_t n = hypercall_results[0], words[2] = {hypercall_results[1], hypercall_results[2]};
        for (uint64_t i = 0; i < n; i++) {
            char s[2] = {(char)(words[i / 8] >> (56 - 8 * (i % 8))), 0};
            if (s[0] == '.') {
                return;
            }
            print(s);
        }
    }
}
#endif

void guest_main(void) {
    print("hello from the terminal\n");
    byte_order();
    hypercalls();
    program_interrupts();
    alignment();
    reservations();
    time();
    changed_code();
    caches();
    if (is_power9()) {
        power9();
    } else {
        TRAPS(0x700, ".long 0x7c6005e6"); /* darn */
    }
#ifdef FAILING
    EQUAL(1, 2);
#endif
#ifdef ECHO
    echo();
#endif
    guest_exit();
}
