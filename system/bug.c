/* SPDX-License-Identifier: MIT */
/*
 * bug.c - what is done when yado itself fails: the terminal is put back, a report is written, the exit code is 70.
 *
 * The report goes to $XDG_STATE_HOME/yado (~/.local/state/yado), or, when that cannot be written, to $TMPDIR. What is
 * needed is prepared at the start: the handler calls only what is async-signal-safe, until the last part, the IR, which
 * allocates; a second fault or five seconds end the process with what is written by then.
 * Process-wide state, like system/main.c: a signal handler has nothing else.
 * Missing: threads of disks and GLib have no stack of their own for the handler, as the main thread and vCPUs have: one that
 * overflows its stack leaves no report.
 */
#include "system/bug.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "system/options.h"

extern char *__glib_assert_msg; /* GLib keeps the text of a failed assertion here, for whoever looks into the ashes */

enum { FRAMES = 64, LAST_SECONDS = 5, STACK_BYTES = 64 << 10 };

static const struct {
    int number;
    const char *name;
} bugs[] = {
    {SIGABRT, "SIGABRT"}, {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},
    {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"}, {SIGTRAP, "SIGTRAP"},
};

static struct {
    char *command;
    char *paths[2];          /* of the report: the first choice, and the second */
    const Machine *machine;  /* atomic */
    int thread;              /* atomic: of the handler, or 0 */
    const char *written;     /* the report's path once it is open, or NULL */
    void *stack;             /* of the handler: the one of the thread may be full */
} bug;

/* -- text, without memory -- */

static void put(int fd, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno != EINTR) {
            return;
        }
        text += MAX(done, 0);
        left -= (size_t)MAX(done, 0);
    }
}

static void put_number(int fd, uint64_t value, unsigned base) {
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put(fd, base == 16 ? "0x" : "");
    put(fd, digits + at);
}

static void put_field(int fd, const char *name, uint64_t value, unsigned base) {
    put(fd, name);
    put_number(fd, value, base);
}

/* -- the report -- */

static const char *signal_name(int number) {
    for (size_t i = 0; i < G_N_ELEMENTS(bugs); i++) {
        if (bugs[i].number == number) {
            return bugs[i].name;
        }
    }
    return "a signal";
}

static void put_reason(int fd, const siginfo_t *info) {
    put(fd, signal_name(info->si_signo));
    if (info->si_code == SI_USER) {
        put_field(fd, ", sent by process ", (uint64_t)info->si_pid, 10);
    } else if (info->si_signo != SIGABRT) {
        put_field(fd, " at ", (uintptr_t)info->si_addr, 16);
    } else if (__glib_assert_msg) {
        put(fd, ": ");
        put(fd, __glib_assert_msg);
    }
}

static void put_host(int fd, const ucontext_t *context) {
    void *frames[FRAMES];
#ifdef __x86_64__
    static const char *const names[] = {"  r8 ", "  r9 ", "  r10 ", "  r11 ", "  r12 ", "  r13 ", "  r14 ", "  r15 ",
                                        "  rdi ", "  rsi ", "  rbp ", "  rbx ", "  rdx ", "  rax ", "  rcx ", "  rsp ",
                                        "  rip "};
    put(fd, "\nhost registers:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        put_field(fd, names[i], (uint64_t)context->uc_mcontext.gregs[i], 16);
        put(fd, i % 4 == 3 ? "\n" : "");
    }
    put(fd, "\n");
#endif
    put(fd, "\nhost stack:\n");
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), fd);
}

/* Registers that generated code holds in host registers are as of the last time it was left. */
static void put_vcpu(int fd, unsigned index, Vcpu *v) {
    VcpuWatch w;
    uint64_t block;
    unsigned insns;
    vcpu_watch(v, &w);
    vcpu_watch_block(v, &block, &insns);
    put_field(fd, "\ncpu ", index, 10);
    put_field(fd, ": pc ", w.pc, 16);
    put_field(fd, ", entered the block at ", block, 16);
    put_field(fd, " (physical) of ", insns, 10);
    put_field(fd, " insns, safepoints ", w.safepoints, 10);
    put(fd, w.pending ? ", a request is pending:\n" : ":\n");
    const Frontend *fe = vcpu_frontend(v);
    for (unsigned r = 0; r < fe->reg_count; r++) {
        IrVal value;
        vcpu_peek_register(v, r, &value);
        put(fd, "  ");
        put(fd, fe->regs[r].name);
        put_field(fd, " ", value.u64, 16);
        if (fe->regs[r].bits > 64) {
            put_field(fd, ":", value.d[1], 16);
        }
        put(fd, r % 4 == 3 ? "\n" : "");
    }
    put(fd, "\n");
}

static void put_ir(int fd, Vcpu *v) {
    g_autoptr(GString) text = g_string_new(NULL);
    vcpu_print_last_ir(v, text);
    put(fd, "\nIR of the block that was translated last, maybe half made:\n");
    put(fd, text->str);
}

/* Creates the path's folders and the file, which must be new. */
static int create(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700); /* it may be there; if this fails, so does the next one */
        *slash = '/';
    }
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void write_report(const siginfo_t *info, const ucontext_t *context) {
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < G_N_ELEMENTS(bug.paths); i++) {
        fd = create(bug.paths[i]);
        bug.written = fd >= 0 ? bug.paths[i] : NULL;
    }
    if (fd < 0) {
        return;
    }
    put(fd, "yado " YADO_VERSION ": report of an internal error\n\ncommand: ");
    put(fd, bug.command);
    put(fd, "\nfailed: ");
    put_reason(fd, info);
    put(fd, "\n");
    put_host(fd, context);
    const Machine *machine = __atomic_load_n(&bug.machine, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; machine && i < machine->vcpus->len; i++) {
        put_vcpu(fd, i, machine->vcpus->pdata[i]);
    }
    for (unsigned i = 0; machine && i < machine->vcpus->len; i++) {
        put_ir(fd, machine->vcpus->pdata[i]);
    }
}

static void end(void) {
    if (bug.written) {
        put(STDERR_FILENO, "yado: hint: a report for its authors is in ");
        put(STDERR_FILENO, bug.written);
        put(STDERR_FILENO, "\n");
    } else {
        put(STDERR_FILENO, "yado: hint: no report could be written to ");
        put(STDERR_FILENO, bug.paths[0]);
        put(STDERR_FILENO, " or ");
        put(STDERR_FILENO, bug.paths[1]);
        put(STDERR_FILENO, "\n");
    }
    _exit(EXIT_BUG);
}

static void on_bug(int number, siginfo_t *info, void *context) {
    int self = (int)gettid(), nobody = 0;
    if (!__atomic_compare_exchange_n(&bug.thread, &nobody, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        while (nobody != self && number != SIGALRM) {
            pause(); /* another thread has failed before, and writes */
        }
        end(); /* the report has failed, or takes too long */
    }
    chardev_restore_terminal();
    put(STDERR_FILENO, "\nyado: internal error: this is a bug in yado, not in the guest: ");
    put_reason(STDERR_FILENO, info);
    put(STDERR_FILENO, "\n");
    sigaction(SIGALRM, &(struct sigaction){.sa_sigaction = on_bug, .sa_flags = SA_SIGINFO}, NULL);
    alarm(LAST_SECONDS);
    write_report(info, context);
    end();
}

/* -- at the start -- */

static char *state_folder(void) {
    const char *state = g_getenv("XDG_STATE_HOME");
    return state && g_path_is_absolute(state) ? g_build_filename(state, "yado", NULL)
                                              : g_build_filename(g_get_home_dir(), ".local", "state", "yado", NULL);
}

void bug_catch(const char *command) {
    void *frame[1];
    g_autofree char *state = state_folder();
    g_autofree char *name = g_strdup_printf("yado-bug-%d-%" G_GINT64_FORMAT ".txt", (int)getpid(), g_get_real_time());
    bug.command = g_strdup(command);
    bug.paths[0] = g_build_filename(state, name, NULL);
    bug.paths[1] = g_build_filename(g_get_tmp_dir(), name, NULL);
    backtrace(frame, 1); /* loads what it needs */
    bug.stack = g_malloc(STACK_BYTES);
    stack_t stack = {.ss_sp = bug.stack, .ss_size = STACK_BYTES};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_bug, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    for (size_t i = 0; i < G_N_ELEMENTS(bugs); i++) {
        sigaction(bugs[i].number, &action, NULL);
    }
}

void bug_watch_machine(const Machine *machine) {
    __atomic_store_n(&bug.machine, machine, __ATOMIC_SEQ_CST);
}
