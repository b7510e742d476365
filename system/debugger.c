/* SPDX-License-Identifier: MIT */
/*
 * debugger.c - connects gdb's protocol and the monitor with a machine on one side, and with sockets and the terminal
 * on the other.
 */
#include "system/debugger.h"

#include <string.h>
#include <unistd.h>

#include "host/link.h"
#include "system/gdbstub.h"
#include "system/monitor.h"

struct Debugger {
    Machine *machine;
    void (*quit)(void *opaque);
    void *opaque;
    GdbStub *stub;
    Link *gdb;              /* NULL: not asked for */
    bool connected;
    Monitor *monitor;
    Chardev *console;       /* borrowed */
    MonitorTerminal *console_terminal; /* behind Ctrl-a c */
    bool console_switched;
    bool console_monitor;   /* Ctrl-a c works there */
    Chardev *monitor_chardev; /* -monitor stdio... */
    Link *monitor_link;       /* ...or a socket */
    MonitorTerminal *monitor_terminal;
};

/* -- the guest, as gdb's protocol sees it -- */

static Vcpu *cpu_of(Debugger *d, unsigned cpu) {
    return g_ptr_array_index(d->machine->vcpus, cpu);
}

static void get_reg(void *opaque, unsigned cpu, unsigned reg, IrVal *value) {
    vcpu_peek_register(cpu_of(opaque, cpu), reg, value);
}

static bool set_reg(void *opaque, unsigned cpu, unsigned reg, const IrVal *value) {
    return vcpu_poke_register(cpu_of(opaque, cpu), reg, value);
}

static bool memory(void *opaque, unsigned cpu, uint64_t addr, void *bytes, uint64_t size, bool write, bool physical) {
    Debugger *d = opaque;
    if (physical) {
        return write ? tcg_poke_physical(d->machine->tcg, addr, bytes, size)
                     : tcg_peek_physical(d->machine->tcg, addr, bytes, size);
    }
    return write ? vcpu_poke_memory(cpu_of(d, cpu), addr, bytes, size)
                 : vcpu_peek_memory(cpu_of(d, cpu), addr, bytes, size);
}

static bool point(void *opaque, bool add, TcgPointKind kind, uint64_t addr, uint64_t size) {
    Tcg *tcg = ((Debugger *)opaque)->machine->tcg;
    return add ? tcg_add_point(tcg, kind, addr, size) : tcg_remove_point(tcg, kind, addr, size);
}

static void clear_points(void *opaque) {
    tcg_clear_points(((Debugger *)opaque)->machine->tcg);
}

static void pause_guest(void *opaque) {
    machine_pause(((Debugger *)opaque)->machine);
}

static void resume(void *opaque) {
    machine_resume(((Debugger *)opaque)->machine);
}

static void step(void *opaque, unsigned cpu) {
    machine_step(((Debugger *)opaque)->machine, cpu);
}

static void step_interrupts(void *opaque, bool on) {
    tcg_step_interrupts(((Debugger *)opaque)->machine->tcg, on);
}

static void quit(void *opaque) {
    Debugger *d = opaque;
    d->quit(d->opaque);
}

static void command(void *opaque, const char *line, GString *out) {
    monitor_run(((Debugger *)opaque)->monitor, line, out);
}

static void send_gdb(void *opaque, const void *data, size_t size) {
    link_send(((Debugger *)opaque)->gdb, data, size);
}

static void gdb_opened(void *opaque) {
    Debugger *d = opaque;
    d->connected = true;
    gdbstub_connect(d->stub);
}

static void gdb_received(void *opaque, const void *data, size_t size) {
    gdbstub_receive(((Debugger *)opaque)->stub, data, size);
}

static void gdb_closed(void *opaque) {
    Debugger *d = opaque;
    d->connected = false;
    gdbstub_disconnect(d->stub);
}

static bool is_debugged(void *opaque) {
    return ((Debugger *)opaque)->connected;
}

void debugger_stopped(Debugger *d, const TcgStop *stop) {
    if (d->connected) {
        gdbstub_stopped(d->stub, stop);
    } else {
        machine_resume(d->machine); /* who wanted it is gone */
    }
}

void debugger_paused(Debugger *d, const char *text) {
    g_autofree char *line = g_strdup_printf("yado: %s\n", text);
    gdbstub_paused(d->stub, line);
}

bool debugger_has_client(const Debugger *d) {
    return d->connected;
}

const char *debugger_way_on(const Debugger *d) {
    return d->connected           ? "'continue' in gdb"
           : d->console_switched  ? "'cont' in the monitor"
           : d->console_monitor   ? "Ctrl-a c and 'cont' on this terminal"
           : d->monitor_terminal  ? "'cont' in the monitor"
                                  : NULL;
}

void debugger_ended(Debugger *d, int code) {
    gdbstub_exited(d->stub, code);
}

/* -- terminals of the monitor -- */

static void write_chardev(Chardev *c, const char *text, size_t size) {
    (void)!chardev_write(c, text, size); /* a terminal that does not read loses the rest */
}

static void write_console(void *opaque, const char *text, size_t size) {
    write_chardev(((Debugger *)opaque)->console, text, size);
}

static void write_monitor(void *opaque, const char *text, size_t size) {
    Debugger *d = opaque;
    if (d->monitor_link) {
        link_send(d->monitor_link, text, size);
    } else {
        write_chardev(d->monitor_chardev, text, size);
    }
}

static void console_typed(void *opaque, const uint8_t *data, size_t size) {
    monitor_terminal_receive(((Debugger *)opaque)->console_terminal, data, size);
}

void debugger_switch_console(Debugger *d) {
    d->console_switched = !d->console_switched;
    chardev_redirect(d->console, d->console_switched ? console_typed : NULL, d);
    if (d->console_switched) {
        monitor_terminal_begin(d->console_terminal);
    } else {
        write_console(d, "\r\n", 2);
    }
}

static size_t monitor_room(void *opaque) {
    return 64;
}

static void monitor_typed(void *opaque, const uint8_t *data, size_t size) {
    monitor_terminal_receive(((Debugger *)opaque)->monitor_terminal, data, size);
}

static void monitor_opened(void *opaque) {
    monitor_terminal_begin(((Debugger *)opaque)->monitor_terminal);
}

static void monitor_received(void *opaque, const void *data, size_t size) {
    monitor_terminal_receive(((Debugger *)opaque)->monitor_terminal, data, size);
}

static void monitor_closed(void *opaque) {
}

/* -- opening -- */

static bool open_gdb(Debugger *d, const char *spec, GError **error) {
    const LinkUser user = { .opaque = d, .opened = gdb_opened, .received = gdb_received, .closed = gdb_closed };
    g_autoptr(GError) why = NULL;
    if (!spec || strcmp(spec, "none") == 0) {
        return true;
    }
    d->gdb = link_listen(spec, &user, NULL, &why);
    if (!d->gdb) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_HOST, "-gdb: %s", why->message);
    }
    return d->gdb != NULL;
}

static bool open_monitor(Debugger *d, const char *spec, GError **error) {
    const LinkUser user = { .opaque = d, .opened = monitor_opened, .received = monitor_received,
                            .closed = monitor_closed };
    g_autoptr(GError) why = NULL;
    if (!spec || strcmp(spec, "none") == 0) {
        return true;
    }
    bool terminal = strcmp(spec, "stdio") == 0;
    d->monitor_terminal = monitor_terminal_new(d->monitor, terminal && isatty(STDIN_FILENO), write_monitor, d);
    if (terminal) {
        d->monitor_chardev = chardev_open(spec, NULL, &why);
    } else {
        d->monitor_link = link_listen(spec, &user, NULL, &why);
    }
    if (why) {
        g_set_error(error, YADO_ERROR, YADO_ERROR_HOST, "-monitor: %s", why->message);
        return false;
    }
    if (d->monitor_chardev) {
        chardev_set_handlers(d->monitor_chardev, monitor_room, monitor_typed, NULL, d);
        monitor_terminal_begin(d->monitor_terminal);
    }
    return true;
}

Debugger *debugger_new(const Options *options, Machine *machine, Chardev *console, void (*on_quit)(void *opaque),
                       void *opaque, GError **error) {
    Debugger *d = g_new0(Debugger, 1);
    d->machine = machine;
    d->console = console;
    d->console_monitor = g_strcmp0(options->serial, "mon:stdio") == 0 && isatty(STDIN_FILENO);
    d->quit = on_quit;
    d->opaque = opaque;
    const Frontend *fe = machine->cls->frontend;
    d->stub = gdbstub_new(&(GdbGuest){
        .opaque = d, .architecture = fe->gdb_architecture, .cpus = machine->vcpus->len, .regs = fe->regs,
        .reg_count = fe->reg_count, .get_reg = get_reg, .set_reg = set_reg, .memory = memory, .point = point,
        .clear_points = clear_points, .pause = pause_guest, .resume = resume, .step = step,
        .step_interrupts = step_interrupts, .kill = quit, .command = command, .send = send_gdb,
    });
    d->monitor = monitor_new(machine, &(MonitorUser){ .opaque = d, .quit = quit, .debugged = is_debugged });
    d->console_terminal = monitor_terminal_new(d->monitor, isatty(STDIN_FILENO), write_console, d);
    if (!open_gdb(d, options->gdb, error) || !open_monitor(d, options->monitor, error)) {
        debugger_free(d);
        return NULL;
    }
    return d;
}

void debugger_free(Debugger *d) {
    if (!d) {
        return;
    }
    if (d->console_switched) {
        chardev_redirect(d->console, NULL, NULL);
    }
    link_close(d->gdb);
    link_close(d->monitor_link);
    chardev_close(d->monitor_chardev);
    gdbstub_free(d->stub);
    monitor_terminal_free(d->console_terminal);
    monitor_terminal_free(d->monitor_terminal);
    monitor_free(d->monitor);
    g_free(d);
}
