/* SPDX-License-Identifier: MIT */
/*
 * base_oracle.c - runs cases of the base table for real: an AArch64 Linux program that reads cases from its input and
 * writes what the registers then hold. All registers belong to the case: the way in is the return from a signal, the
 * way out is another one, by the BRK that stands behind the insns or by a jump to where nothing is.
 * Build: aarch64-linux-gnu-gcc -O1 -static -I<root> base_oracle.c
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/insn/aarch64/base_case.h"

enum { PAGE = 4096, CLREX = 0xd5033f5f, BRK = 0xd4200000 };
#define SIGNAL_STACK UINT64_C(0x123456780000) /* where no case has its stack pointer */

static BaseCase current;
static sigjmp_buf done;

static struct fpsimd_context *vectors_of(ucontext_t *u) {
    struct _aarch64_ctx *head = (void *)u->uc_mcontext.__reserved;
    while (head->magic != FPSIMD_MAGIC) {
        head = (void *)((char *)head + head->size);
    }
    return (void *)head;
}

static void enter(int number, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    memcpy(u->uc_mcontext.regs, current.x, sizeof(current.x));
    memcpy(vectors_of(u)->vregs, current.v, sizeof(current.v));
    u->uc_mcontext.sp = current.sp;
    u->uc_mcontext.pc = current.pc - 4;
    u->uc_mcontext.pstate = current.nzcv;
}

static void leave(int number, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    memcpy(current.x, u->uc_mcontext.regs, sizeof(current.x));
    memcpy(current.v, vectors_of(u)->vregs, sizeof(current.v));
    current.sp = u->uc_mcontext.sp;
    current.pc = u->uc_mcontext.pc;
    current.nzcv = u->uc_mcontext.pstate & 0xf0000000;
    siglongjmp(done, 1);
}

/* The page at pc, filled with BRK but for the insns; CLREX in front of it. */
static int prepare(void) {
    int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    uint32_t *code = mmap((char *)current.pc - PAGE, 2 * PAGE, rwx, how, -1, 0);
    if (code == MAP_FAILED) {
        return 0;
    }
    for (unsigned i = 0; i < 2 * PAGE / 4; i++) {
        code[i] = BRK;
    }
    code[PAGE / 4 - 1] = CLREX;
    memcpy(&code[PAGE / 4], current.insn, current.count * sizeof(current.insn[0]));
    __builtin___clear_cache((char *)code, (char *)code + 2 * PAGE);
    return 1;
}

int main(void) {
    static const int ways_out[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL};
    stack_t other = {.ss_sp = (void *)SIGNAL_STACK, .ss_size = 1 << 17};
    struct sigaction in = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction out = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    uint64_t *window = mmap((void *)BASE_ADDRESS, BASE_WINDOW, PROT_READ | PROT_WRITE, how, -1, 0);
    other.ss_sp = mmap(other.ss_sp, other.ss_size, PROT_READ | PROT_WRITE, how, -1, 0);
    if (window == MAP_FAILED || other.ss_sp == MAP_FAILED || sigaltstack(&other, NULL) || sigaction(SIGUSR1, &in, NULL)) {
        return 1;
    }
    for (unsigned i = 0; i < sizeof(ways_out) / sizeof(ways_out[0]); i++) {
        sigaction(ways_out[i], &out, NULL);
    }
    while (fread(&current, sizeof(current), 1, stdin) == 1) {
        void *code = (char *)current.pc - PAGE;
        if (!prepare()) {
            fprintf(stderr, "base_oracle: no place at %p\n", code);
            return 1;
        }
        base_fill(window, current.seed);
        if (sigsetjmp(done, 1) == 0) {
            raise(SIGUSR1);
        }
        current.memory = base_hash(window);
        munmap(code, 2 * PAGE);
        if (fwrite(&current, sizeof(current), 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
