/* SPDX-License-Identifier: MIT */
/*
 * main.c - runs kernels and says how long each took. The first program of a guest's initial RAM disk, or a program like
 * any other: payload [REPEATS [GROUP|KERNEL[,...] [wait]]]; `payload list` lists groups and kernels.
 *
 * As the first program it takes bench.reps= and bench.run= from the kernel's command line, and switches off at the end.
 * With `wait`, and then, it waits for a line after each BEGIN and END: whoever measures from outside does so meanwhile.
 * Lines: `BEGIN GROUP KERNEL`, then `END SECONDS CHECKSUM`; `INFO KEY TEXT` tells of the machine; `DONE` is the last.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name;
    const Kernel *kernels;
} groups[] = {
    {"int", int_kernels}, {"call", call_kernels}, {"fp", fp_kernels},   {"vec", vec_kernels},
    {"sys", sys_kernels}, {"jit", jit_kernels},   {"smp", smp_kernels}, {"fresh", fresh_kernels},
    {"mem", mem_kernels}, /* keeps its memory */
};

static void end(int status) __attribute__((noreturn));
static void end(int status) {
    fflush(stdout);
    if (getpid() == 1) {
        tcdrain(1);
        sync();
        reboot(RB_POWER_OFF);
    }
    exit(status);
}

void bench_fail(const char *what) {
    printf("FAILED %s: %s\n", what, strerror(errno));
    end(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Is name among the words of a list that commas separate? An empty list has all. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length])) {
            return true;
        }
    }
    return !*list;
}

static void await(bool wait) {
    char c = 0;
    tcdrain(1);
    while (wait && c != '\n' && read(0, &c, 1) == 1) {
    }
}

static void run(const char *group, const Kernel *k, int repeats, bool wait) {
    if (k->prepare) {
        k->prepare();
    }
    for (int i = 0; i < repeats; i++) {
        printf("BEGIN %s %s\n", group, k->name);
        await(wait);
        double start = now();
        uint64_t sum = k->run();
        double seconds = now() - start;
        printf("END %.6f %016llx\n", seconds, (unsigned long long)sum);
        await(wait);
    }
}

/* Lines of the kernel's log that tell what the measurement depends on. */
static void tell(void) {
    static char text[1 << 19];
    struct utsname name;
    uname(&name);
    printf("INFO kernel %s %s\n", name.release, name.machine);
    printf("INFO cpus %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    int length = klogctl(3 /* read all */, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, "page table isolation")) {
            printf("INFO log %s\n", line);
        }
    }
}

/* The value of a word of the kernel's command line, or what is given for it. Not freed. */
static const char *word_of(const char *key, const char *otherwise) {
    static char line[4096];
    int fd = open("/proc/cmdline", O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    close(fd);
    line[length > 0 ? length : 0] = '\0';
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        if (strncmp(word, key, strlen(key)) == 0) {
            return strdup(word + strlen(key));
        }
    }
    return otherwise;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--exit") == 0) { /* started by a kernel of its own */
        return 7;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool list = argc == 2 && strcmp(argv[1], "list") == 0;
    int repeats = argc > 1 ? atoi(argv[1]) : 1;
    const char *wanted = argc > 2 ? argv[2] : "";
    bool wait = argc > 3 || getpid() == 1;
    if (getpid() == 1) {
        mkdir("/proc", 0755);
        mkdir("/tmp", 0755);
        if (mount("proc", "/proc", "proc", 0, NULL) || mount("tmpfs", "/tmp", "tmpfs", 0, NULL)) {
            bench_fail("mount");
        }
        repeats = atoi(word_of("bench.reps=", "1"));
        wanted = word_of("bench.run=", "");
        tell();
    }
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (const Kernel *k = groups[g].kernels; k->name; k++) {
            if (list) {
                printf("%s %s\n", groups[g].name, k->name);
            } else if (listed(wanted, groups[g].name) || listed(wanted, k->name)) {
                run(groups[g].name, k, repeats, wait);
            }
        }
    }
    if (!list) {
        printf("DONE\n");
    }
    end(0);
}
