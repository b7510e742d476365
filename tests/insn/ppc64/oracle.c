/* SPDX-License-Identifier: MIT */
/*
 * oracle.c - runs cases of the PowerPC tables for real: a Linux program of either byte order that reads cases from its
 * input and writes what the registers then hold. All registers belong to the case: the way in is the return from a
 * signal, the way out is another one, by the illegal words that stand behind the insns.
 * Build: powerpc64le-linux-gnu-gcc -O1 -static -I<root> oracle.c
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/insn/ppc64/case.h"

enum { PAGE = 65536 }; /* the kernel's may be as large */
enum { FPSCR = 32 };
enum { NIP = 32, CTR = 35, LNK = 36, XER = 37, CCR = 38 };
#define SIGNAL_STACK UINT64_C(0x123456780000)

static PpcCase current;
static sigjmp_buf done;
static uint64_t thread; /* r13: where the C library's own data is */

/* The file is little-endian. */
static void swap(PpcCase *c) {
    uint64_t one = 1, *words = &c->seed;
    if (*(char *)&one) {
        return;
    }
    for (unsigned i = 0; i < PPC_WORDS; i++) {
        (&c->count)[i] = __builtin_bswap32((&c->count)[i]);
    }
    for (unsigned i = 0; i < (sizeof(*c) - 4 * PPC_WORDS) / 8; i++) {
        words[i] = __builtin_bswap64(words[i]);
    }
}

/* Vector registers in a signal's frame: FPRs, AltiVec registers as quadwords of the byte order, the other halves of 0 to 31. */
static uint64_t *half_of(ucontext_t *u, unsigned r, unsigned half) {
    uint64_t one = 1, *quads = (void *)u->uc_mcontext.v_regs;
    unsigned little = *(char *)&one;
    if (r >= 32) {
        return quads + 2 * (r - 32) + (half ^ little);
    }
    return half ? quads + 2 * 34 + r : (uint64_t *)(void *)u->uc_mcontext.fp_regs + r;
}

static void copy_vectors(ucontext_t *u, int out) {
    for (unsigned i = 0; i < 128; i++) {
        uint64_t *at = half_of(u, i / 2, i % 2), *here = &current.vsr[i / 2][i % 2];
        *(out ? here : at) = *(out ? at : here);
    }
}

/* VSCR is the last word of a register; a signal's frame may lack it. */
static void set_vscr(uint64_t v) {
    uint32_t words[4] __attribute__((aligned(16))) = {(uint32_t)v, 0, 0, (uint32_t)v};
    __asm__ volatile(".machine push; .machine power8; lvx 0, 0, %0; mtvscr 0; .machine pop" : : "r"(words) : "memory");
}

static uint64_t get_vscr(void) {
    uint32_t words[4] __attribute__((aligned(16)));
    __asm__ volatile(".machine push; .machine power8; mfvscr 0; stvx 0, 0, %0; .machine pop" : : "r"(words) : "memory");
    return (words[0] | words[3]) & 1;
}

static void enter(int number, siginfo_t *info, void *context) {
    unsigned long *r = ((ucontext_t *)context)->uc_mcontext.gp_regs;
    memcpy(r, current.gpr, sizeof(current.gpr));
    copy_vectors(context, 0);
    ((uint64_t *)(void *)((ucontext_t *)context)->uc_mcontext.fp_regs)[FPSCR] = current.fpscr;
    r[NIP] = current.pc;
    r[CTR] = current.ctr;
    r[LNK] = current.lr;
    r[XER] = current.xer;
    r[CCR] = current.cr;
    set_vscr(current.vscr);
}

static void leave(int number, siginfo_t *info, void *context) {
    __asm__ volatile("mr 13, %0" : : "r"(thread));
    unsigned long *r = ((ucontext_t *)context)->uc_mcontext.gp_regs;
    memcpy(current.gpr, r, sizeof(current.gpr));
    copy_vectors(context, 1);
    current.fpscr = ((uint64_t *)(void *)((ucontext_t *)context)->uc_mcontext.fp_regs)[FPSCR];
    current.pc = r[NIP];
    current.ctr = r[CTR];
    current.lr = r[LNK];
    current.xer = r[XER];
    current.cr = r[CCR];
    current.vscr = get_vscr();
    current.end = number == SIGTRAP ? PPC_TRAPPED : number == SIGBUS ? PPC_MISALIGNED
                  : number == SIGFPE ? PPC_FP_RAISED : PPC_WENT_ON;
    siglongjmp(done, 1);
}

/* The page at pc, zeros but for the insns, and another one before it. */
static int prepare(void) {
    int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    char *code = mmap((char *)current.pc - PAGE, 2 * PAGE, rwx, how, -1, 0);
    if (code == MAP_FAILED) {
        return 0;
    }
    memcpy(code + PAGE, current.insn, current.count * sizeof(current.insn[0]));
    __builtin___clear_cache(code, code + 2 * PAGE);
    return 1;
}

int main(void) {
    static const int ways_out[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    stack_t other = {.ss_sp = (void *)SIGNAL_STACK, .ss_size = 1 << 17};
    struct sigaction in = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction out = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    uint64_t *window = mmap((void *)PPC_ADDRESS, PAGE, PROT_READ | PROT_WRITE, how, -1, 0);
    other.ss_sp = mmap(other.ss_sp, other.ss_size, PROT_READ | PROT_WRITE, how, -1, 0);
    if (window == MAP_FAILED || other.ss_sp == MAP_FAILED || sigaltstack(&other, NULL) || sigaction(SIGUSR1, &in, NULL)) {
        return 1;
    }
    for (unsigned i = 0; i < sizeof(ways_out) / sizeof(ways_out[0]); i++) {
        sigaction(ways_out[i], &out, NULL);
    }
    __asm__ volatile("mr %0, 13" : "=r"(thread));
    while (fread(&current, sizeof(current), 1, stdin) == 1) {
        swap(&current);
        void *code = (char *)current.pc - PAGE;
        if (!prepare()) {
            fprintf(stderr, "oracle: no place at %p\n", code);
            return 1;
        }
        base_fill(window, current.seed);
        if (sigsetjmp(done, 1) == 0) {
            raise(SIGUSR1);
        }
        current.memory = base_hash(window);
        munmap(code, 2 * PAGE);
        swap(&current);
        if (fwrite(&current, sizeof(current), 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
