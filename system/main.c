/* SPDX-License-Identifier: MIT */
/*
 * main.c - the process: options in, one machine, its end turned into an exit code. The only file that prints errors.
 *
 * Process-wide state (the one exception to "no globals"): signal handlers (with bug.c), the terminal, standard streams.
 */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "system/backends.h"
#include "system/bug.h"
#include "system/counters.h"
#include "system/trouble.h"
#include "system/watchdog.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_"
enum { RUN_ON, RUN_ENDING, RUN_OVER };
/* Exit codes besides those of YadoError. */
enum { EXIT_DONE = 0, EXIT_PANIC = 5, EXIT_DIVERGED = 8, EXIT_SIGNAL = 128 };
enum { HOST_SECONDS = 5 /* that the end waits for the host */ };

typedef struct Run {
    gint state;    /* RUN_*; atomic: a console may fail in a vCPU's thread */
    int code;
    char *message; /* owned; printed at the end, or NULL */
    char *report;  /* owned; printed after it, or NULL */
    Debugger *debugger;
    char **argv;
} Run;

/* -- messages -- */

static void print_message(const char *text) {
    const char *newline = strchr(text, '\n');
    if (newline) {
        fprintf(stderr, "yado: %.*s\nyado: hint: %s\n", (int)(newline - text), text, newline + 1);
    } else {
        fprintf(stderr, "yado: %s\n", text);
    }
}

static int print_error(const GError *error) {
    print_message(error->message);
    return error->domain == YADO_ERROR ? error->code : YADO_ERROR_HOST;
}

static int print_help(const Options *options) {
    options->help(stdout, options);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "yado: cannot write to standard output: %s\n", g_strerror(errno));
        return YADO_ERROR_HOST;
    }
    return EXIT_DONE;
}

/* -- what ends a run -- */

/* The first to call it decides. Any thread. */
static void finish(Run *run, int code, const char *message) {
    if (g_atomic_int_compare_and_exchange(&run->state, RUN_ON, RUN_ENDING)) {
        run->code = code;
        run->message = g_strdup(message);
        g_atomic_int_set(&run->state, RUN_OVER);
        g_main_context_wakeup(NULL);
    }
}

/* The command line, for a shell. */
static char *quoted_command(char **argv) {
    GString *out = g_string_new(NULL);
    for (char **arg = argv; *arg; arg++) {
        g_autofree char *word = strspn(*arg, PLAIN) == strlen(*arg) && **arg ? g_strdup(*arg) : g_shell_quote(*arg);
        g_string_append_printf(out, "%s%s", arg == argv ? "" : " ", word);
    }
    return g_string_free(out, FALSE);
}

static void machine_ended(void *opaque, const MachineEnd *end) {
    g_autofree char *text = NULL;
    switch (end->kind) {
    case MACHINE_END_OFF:
    case MACHINE_END_RESET:
        finish(opaque, EXIT_DONE, NULL);
        break;
    case MACHINE_END_EXIT:
        text = end->code ? g_strdup_printf("the guest ended with exit code %d (semihosting)", end->code) : NULL;
        finish(opaque, end->code, text);
        break;
    case MACHINE_END_PANIC:
        text = g_strdup_printf("the guest has panicked: %s", end->text);
        finish(opaque, EXIT_PANIC, text);
        break;
    case MACHINE_END_DIVERGED:
        text = quoted_command(((Run *)opaque)->argv);
        ((Run *)opaque)->report = g_strconcat(end->text, "\nTo see it again: ", text, NULL);
        finish(opaque, EXIT_DIVERGED, "--verify found a difference between generated code and interpreter:");
        break;
    case MACHINE_END_ERROR:
        finish(opaque, YADO_ERROR_RUNTIME, end->text);
        break;
    }
}

static void console_failed(void *opaque, const char *message) {
    finish(opaque, YADO_ERROR_HOST, message);
}

static void console_quit(void *opaque) {
    finish(opaque, EXIT_DONE, NULL);
}

static void console_monitor(void *opaque) {
    Run *run = opaque;
    if (run->debugger) {
        debugger_switch_console(run->debugger);
    }
}

static void machine_stopped(void *opaque, const TcgStop *stop) {
    debugger_stopped(((Run *)opaque)->debugger, stop);
}

static gboolean interrupted(Run *run, int number) {
    g_autofree char *text = g_strdup_printf("ended by signal %d (%s)", number, g_strsignal(number));
    chardev_restore_terminal();
    finish(run, EXIT_SIGNAL + number, text);
    return G_SOURCE_REMOVE;
}

static gboolean on_hangup(gpointer run) {
    return interrupted(run, SIGHUP);
}

static gboolean on_interrupt(gpointer run) {
    return interrupted(run, SIGINT);
}

static gboolean on_terminate(gpointer run) {
    return interrupted(run, SIGTERM);
}

/* -- one run -- */

static ChardevUser console_user(Run *run) {
    return (ChardevUser){ .opaque = run, .error = console_failed, .quit = console_quit, .monitor = console_monitor };
}

static Chardev *open_console(const Options *options, Run *run, GError **error) {
    Chardev *console = chardev_open(options->serial ? options->serial : "null", NULL, error);
    if (console) {
        ChardevUser user = console_user(run);
        chardev_set_user(console, &user);
    }
    return console;
}

static bool open_log(Options *options, GError **error) {
    options->machine.log = stderr;
    if (options->log_path) {
        options->machine.log = fopen(options->log_path, "w");
    }
    if (!options->machine.log) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_HOST, "cannot write the log to '%s': %s", options->log_path,
                    g_strerror(errno));
        return false;
    }
    return true;
}

static void run_loop(Run *run, Machine *machine) {
    machine_start(machine);
    while (g_atomic_int_get(&run->state) != RUN_OVER) {
        g_main_context_iteration(NULL, TRUE);
    }
    machine_stop(machine);
}

static void print_verified(const Machine *machine) {
    TcgStats s = tcg_stats(machine->tcg);
    fprintf(stderr, "yado: --verify: %" G_GUINT64_FORMAT " runs of blocks agreed, with %" G_GUINT64_FORMAT " faults, %"
            G_GUINT64_FORMAT " calls and %" G_GUINT64_FORMAT " device accesses; not compared: %" G_GUINT64_FORMAT
            " insns that only the interpreter runs, %" G_GUINT64_FORMAT " blocks with too many stores, %" G_GUINT64_FORMAT
            " under a debugger, %" G_GUINT64_FORMAT " while a device wrote to RAM\n", s.verified, s.verify_faults, s.verify_calls, s.verify_devices, s.verify_alone,
            s.verify_lost, s.verify_debugged, s.verify_raced);
}

/* What was asked to be counted. */
static void print_figures(Machine *machine, const MachineOptions *options) {
    if (options->icount) {
        fprintf(stderr, "yado: %" G_GUINT64_FORMAT " insns retired, state %016" G_GINT64_MODIFIER "x\n",
                machine_insns(machine), machine_state_hash(machine));
    }
    if (options->verify) {
        print_verified(machine);
    }
    if (options->stats) {
        TcgStats stats = tcg_stats(machine->tcg);
        g_autoptr(GString) text = g_string_new("yado: counters of the translator:\n");
        counters_print(&stats, text);
        fputs(text->str, stderr);
    }
}

/* What there is to say in the end. */
static void print_end(Run *run, const Options *options) {
    if (run->message) {
        print_message(run->message);
        g_free(run->message);
    }
    if (run->report) {
        fprintf(stderr, "%s\n%s", run->report, options->machine.icount ? "" :
                "Its time comes from the host; with -icount shift=3 added it does the same in every run.\n");
        g_free(run->report);
    }
}

/* Whoever waits for the host may wait for ever: nothing can be freed, for its threads use it. */
static void leave_if_stuck(Run *run, const Options *options, const LateList *late, Chardev *console) {
    LateRequest left;
    if (!late_wait(late, HOST_SECONDS, &left)) {
        fprintf(stderr, "yado: the host has not answered (%s of %s): ended without it, so that what the guest wrote last may "
                "be lost\n", left.what, left.whom);
        chardev_close(console);
        print_end(run, options);
        exit(run->code == EXIT_DONE ? YADO_ERROR_RUNTIME : run->code);
    }
}

static int run_machine(Options *options, char **argv, GError **error) {
    Run run = { .state = RUN_ON, .argv = argv };
    guint signals[] = { /* before the terminal is changed: from then on a signal is an orderly end */
        g_unix_signal_add(SIGHUP, on_hangup, &run),
        g_unix_signal_add(SIGINT, on_interrupt, &run),
        g_unix_signal_add(SIGTERM, on_terminate, &run),
    };
    const ChardevUser lines = console_user(&run);
    LateList late = { 0 };
    Trouble *trouble = trouble_new(print_message);
    const BackendUser user = { trouble, trouble_report, &lines, &late };
    Backends *backends = NULL;
    Chardev *console = NULL;
    Machine *machine = NULL;
    options->machine.ended = machine_ended;
    options->machine.stopped = machine_stopped;
    options->machine.opaque = &run;
    if (open_log(options, error) && (backends = backends_open(options, &user, error)) &&
        (console = open_console(options, &run, error))) {
        options->machine.serial = console;
        machine = machine_new(options->cls, &options->machine, error);
    }
    if (machine) {
        run.debugger = debugger_new(options, machine, console, console_quit, &run, error);
    }
    if (run.debugger) {
        backends_tell(backends, print_message);
        if (chardev_pty(console)) {
            g_autofree char *text = g_strdup_printf("the serial port is at %s", chardev_pty(console));
            print_message(text);
        }
        if (!options->serial) {
            print_message("no console is configured: what the guest writes to its serial port is dropped\n"
                          "use -nographic or -serial");
        }
        if (options->start_paused) {
            machine_pause(machine);
        }
        bug_watch_machine(machine);
        trouble_attach(trouble, machine, run.debugger);
        Watchdog *watchdog = watchdog_new(machine, &late, stderr);
        run_loop(&run, machine);
        watchdog_free(watchdog);
        leave_if_stuck(&run, options, &late, console);
        trouble_attach(trouble, NULL, NULL);
        debugger_ended(run.debugger, run.code);
        debugger_free(run.debugger);
    }
    if (machine) {
        print_figures(machine, &options->machine);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (g_main_context_find_source_by_id(NULL, signals[i])) {
            g_source_remove(signals[i]);
        }
    }
    bug_watch_machine(NULL);
    g_clear_pointer(&machine, machine_free);
    backends_close(backends);
    trouble_free(trouble);
    chardev_close(console);
    if (options->machine.log && options->machine.log != stderr) {
        fclose(options->machine.log);
    }
    print_end(&run, options);
    return run.code;
}

int main(int argc, char **argv) {
    Options options;
    g_autoptr(GError) error = NULL;
    int code = EXIT_DONE;
    memset(&options, 0, sizeof options);
    g_autofree char *command = quoted_command(argv);
    chardev_guard_terminal();
    bug_catch(command);
    if (options_parse(&options, argc, argv, &error)) {
        code = options.help ? print_help(&options) : run_machine(&options, argv, &error);
    }
    if (error) {
        code = print_error(error);
    }
    options_clear(&options);
    return code;
}
