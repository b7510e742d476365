/* SPDX-License-Identifier: MIT */
/*
 * terminal.c - the terminal's mode, saved and put back whatever ends or stops the process.
 *
 * The state is the process's own, as the terminal is: this is one of the few places with a variable that is not part
 * of a machine. Everything a signal handler calls here is async-signal-safe.
 */
#include "host/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "host/chardev.h"

typedef struct Terminal {
    struct termios original, raw;
    int fd;
    volatile sig_atomic_t in_use; /* raw mode has been asked for */
    bool at_exit;                 /* atexit has been told */
    volatile sig_atomic_t continued; /* an eventfd for SIGCONT, and one more: 0 is none */
} Terminal;

static Terminal terminal; /* the process has one */

bool terminal_make_raw(int fd, bool keep_signals) {
    if (terminal.in_use || tcgetattr(fd, &terminal.original) != 0) {
        return false;
    }
    terminal.fd = fd;
    terminal.raw = terminal.original;
    terminal.raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    terminal.raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | (keep_signals ? 0 : ISIG));
    terminal.raw.c_cflag = (terminal.raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    terminal.raw.c_oflag |= OPOST; /* lines that yado itself prints */
    terminal.raw.c_cc[VMIN] = 1;
    terminal.raw.c_cc[VTIME] = 0;
    terminal.in_use = 1;
    if (!terminal.at_exit) {
        terminal.at_exit = atexit(chardev_restore_terminal) == 0;
    }
    chardev_resume_terminal();
    return true;
}

void terminal_release(void) {
    chardev_restore_terminal();
    terminal.in_use = 0;
}

/* A background process that changes the mode is stopped by SIGTTOU; it is blocked here so that the call just works. */
static void apply(const struct termios *mode) {
    sigset_t block, before;
    int saved = errno;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    while (tcsetattr(terminal.fd, TCSANOW, mode) != 0 && errno == EINTR) {
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = saved;
}

void chardev_restore_terminal(void) {
    if (terminal.in_use) {
        apply(&terminal.original);
    }
}

void chardev_resume_terminal(void) {
    if (terminal.in_use) {
        pid_t owner = tcgetpgrp(terminal.fd); /* -1: not the terminal that decides about jobs */
        if (owner < 0 || owner == getpgrp()) { /* in the background another program has it */
            apply(&terminal.raw);
        }
    }
}

/* -- signals -- */

/* The default action follows, after the terminal is as it was. SA_RESETHAND has put it back. */
static void ended(int signal) {
    chardev_restore_terminal();
    raise(signal);
}

static void stopped(int signal) {
    int saved = errno;
    sigset_t allow;
    chardev_restore_terminal();
    struct sigaction once = { .sa_handler = SIG_DFL }, mine;
    sigaction(signal, &once, &mine);
    sigemptyset(&allow);
    sigaddset(&allow, signal);
    raise(signal);
    sigprocmask(SIG_UNBLOCK, &allow, NULL); /* stops here until SIGCONT */
    sigprocmask(SIG_BLOCK, &allow, NULL);
    sigaction(signal, &mine, NULL);
    errno = saved;
}

static void continued(int signal) {
    const uint64_t one = 1;
    int saved = errno;
    (void)signal;
    chardev_resume_terminal();
    if (terminal.continued) {
        (void)!write(terminal.continued - 1, &one, sizeof one);
    }
    errno = saved;
}

void chardev_watch_continue(int fd) {
    terminal.continued = fd + 1;
}

static void guard(int signal, void (*handler)(int), int flags) {
    struct sigaction now;
    if (sigaction(signal, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL) {
        struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
        sigemptyset(&action.sa_mask);
        sigaction(signal, &action, NULL);
    }
}

void chardev_guard_terminal(void) {
    static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGTERM,
                                 SIGALRM, SIGVTALRM, SIGPROF, SIGSYS, SIGXCPU, SIGXFSZ };
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)!open("/dev/null", O_RDWR);
        }
    }
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        guard(fatal[i], ended, (int)SA_RESETHAND);
    }
    guard(SIGTSTP, stopped, SA_RESTART);
    guard(SIGCONT, continued, SA_RESTART);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
}
