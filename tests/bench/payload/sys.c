/* SPDX-License-Identifier: MIT */
/*
 * sys.c - the kernel: system calls, processes, signals, faults, files in memory.
 */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void check(bool ok, const char *what) {
    if (!ok) {
        bench_fail(what);
    }
}

static uint64_t syscalls(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 100000; i++) {
        sum += syscall(SYS_getppid) >= 0;
    }
    return sum;
}

/* Waits for a child and gives its exit code. */
static unsigned wait_for(pid_t child) {
    int status = 0;
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "child");
    return (unsigned)WEXITSTATUS(status);
}

static uint64_t forks(void) {
    static char data[64 * PAGE];
    uint64_t sum = 0;
    for (unsigned i = 0; i < 60; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (unsigned k = 0; k < sizeof data; k += PAGE) {
                data[k]++; /* a copy of the page */
            }
            _exit((int)(i & 63));
        }
        sum = fold(sum, wait_for(child));
    }
    return sum;
}

static uint64_t forkexec(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "payload", "--exit", (char *)NULL);
            _exit(1);
        }
        sum = fold(sum, wait_for(child));
    }
    return sum;
}

/* Two processes that hand bytes to and fro. */
static uint64_t pipes(void) {
    int there[2], back[2];
    check(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    unsigned char c = 0;
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &c, 1) == 1) {
            c = (unsigned char)(c * 5 + 1);
            if (write(back[1], &c, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < 8000; i++) {
        c = (unsigned char)i;
        check(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
        sum = fold(sum, c);
    }
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
    wait_for(child);
    return sum;
}

static volatile sig_atomic_t signals;

static void count_signal(int number) {
    signals = signals + 1;
}

static uint64_t signal_self(void) {
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGUSR1, &action, NULL);
    signals = 0;
    for (unsigned i = 0; i < 20000; i++) {
        raise(SIGUSR1);
    }
    return (uint64_t)signals;
}

static uint64_t pagefault(void) {
    uint64_t sum = 0;
    for (unsigned round = 0; round < 15; round++) {
        char *p = mmap(NULL, 1024 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p != MAP_FAILED, "mmap");
        for (unsigned i = 0; i < 1024; i++) {
            sum += (uint8_t)p[i * PAGE];
            p[i * PAGE] = 1;
        }
        munmap(p, 1024 * PAGE);
    }
    return sum;
}

static char *guarded;

static void open_page(int number, siginfo_t *info, void *context) {
    mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
    signals = signals + 1;
}

/* Stores into pages that a signal handler has to open. */
static uint64_t segv(void) {
    struct sigaction action = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO}, before;
    guarded = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(guarded != MAP_FAILED && sigaction(SIGSEGV, &action, &before) == 0, "segv");
    signals = 0;
    for (unsigned i = 0; i < 6000; i++) {
        volatile char *p = guarded + (i * 7 % 64) * PAGE;
        mprotect((void *)(uintptr_t)p, PAGE, PROT_NONE);
        *p = (char)i;
    }
    sigaction(SIGSEGV, &before, NULL);
    munmap(guarded, 64 * PAGE);
    return (uint64_t)signals;
}

static uint64_t files(void) {
    static char buffer[16 * PAGE];
    uint64_t sum = 0;
    for (unsigned i = 0; i < 250; i++) {
        char name[40];
        snprintf(name, sizeof name, "/tmp/bench-%u-%ld", i & 7, (long)getpid());
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        check(fd >= 0, name);
        memset(buffer, (int)i, sizeof buffer);
        check(write(fd, buffer, sizeof buffer) == (ssize_t)sizeof buffer, "write");
        for (unsigned k = 0; k < 40; k++) {
            check(pread(fd, buffer, 100, k * 997) == 100, "pread");
            sum += (uint8_t)buffer[k];
        }
        sum = fold(sum, (uint64_t)lseek(fd, 0, SEEK_END));
        close(fd);
        unlink(name);
    }
    return sum;
}

const Kernel sys_kernels[] = {
    {"syscall", syscalls, NULL}, {"fork", forks, NULL}, {"forkexec", forkexec, NULL}, {"pipe", pipes, NULL},
    {"signal", signal_self, NULL}, {"pagefault", pagefault, NULL}, {"segv", segv, NULL}, {"files", files, NULL},
    {NULL, NULL, NULL},
};
