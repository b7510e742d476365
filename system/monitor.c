/* SPDX-License-Identifier: MIT */
/*
 * monitor.c - the monitor: a table of commands over one machine, and the dialogue on a terminal.
 *
 * Commands that look at CPUs or memory pause a running machine for the moment. Registers are peeked, and memory is read
 * only where that has no effect: RAM and ROM.
 * Missing: completion and history; expressions other than NUMBER or $REGISTER with one + or - NUMBER.
 */
#include "system/monitor.h"

#include <inttypes.h>
#include <string.h>

#include "host/block/block.h"
#include "system/counters.h"
#include "system/options.h"

struct Monitor {
    Machine *machine;
    MonitorUser user;
    unsigned cpu; /* whose translation and registers commands use */
};

typedef struct Command {
    const char *name;
    const char *args;   /* for help, or NULL */
    const char *help;
    void (*run)(Monitor *m, const char *args, GString *out);
    bool still;         /* the machine must not run meanwhile */
} Command;

static Vcpu *cpu_of(const Monitor *m) {
    return g_ptr_array_index(m->machine->vcpus, m->cpu);
}

/* -- info -- */

static void info_registers(Monitor *m, const char *args, GString *out) {
    const GPtrArray *vcpus = m->machine->vcpus;
    for (unsigned i = 0; i < vcpus->len; i++) {
        Vcpu *v = g_ptr_array_index(vcpus, i);
        g_string_append_printf(out, "CPU#%u\n", i);
        vcpu_frontend(v)->dump(vcpu_env(v), out);
    }
}

static void print_region(void *opaque, const char *name, const char *kind, uint64_t base, uint64_t size) {
    g_string_append_printf(opaque, "%016" PRIx64 "-%016" PRIx64 " %s (%s)\n", base, base + size - 1, name, kind);
}

static void info_mtree(Monitor *m, const char *args, GString *out) {
    bus_each(m->machine->bus, print_region, out);
}

static void print_mapping(void *opaque, const TcgMapping *map) {
    GString *out = opaque;
    g_string_append_printf(out, "%016" PRIx64 " -> %016" PRIx64 " %c%c%c%s regime %u ", map->va, map->pa,
                           map->r ? 'r' : '-', map->w ? 'w' : '-', map->x ? 'x' : '-', map->device ? " device" : "",
                           map->regime);
    if (map->asid == UINT64_MAX) {
        g_string_append(out, "global\n");
    } else {
        g_string_append_printf(out, "asid %" PRIu64 "\n", map->asid);
    }
}

static void info_pci(Monitor *m, const char *args, GString *out) {
    for (unsigned i = 0; i < m->machine->devices->len; i++) {
        Device *host = g_ptr_array_index(m->machine->devices, i);
        if (g_strcmp0(host->cls->slots, "pci") == 0) {
            pci_print(host, out);
        }
    }
}

static void info_tlb(Monitor *m, const char *args, GString *out) {
    size_t before = out->len;
    vcpu_each_mapping(cpu_of(m), print_mapping, out);
    if (out->len == before) {
        g_string_append(out, "no translations are cached\n");
    }
}

static void info_jit(Monitor *m, const char *args, GString *out) {
    TcgStats s = tcg_stats(m->machine->tcg);
    counters_print(&s, out);
}

static void info_cpus(Monitor *m, const char *args, GString *out) {
    const GPtrArray *vcpus = m->machine->vcpus;
    for (unsigned i = 0; i < vcpus->len; i++) {
        Vcpu *v = g_ptr_array_index(vcpus, i);
        g_string_append_printf(out, "%c CPU #%u: %s, pc=0x%" PRIx64 "%s\n", i == m->cpu ? '*' : ' ', i, m->machine->cpu,
                               vcpu_env(v)->pc, vcpu_run_state(v) == CPU_STATE_ON ? "" : ", off");
    }
}

static void each_network(const Monitor *m, GString *out, void (*fn)(const MachineBackend *net, GString *out)) {
    const GPtrArray *backends = m->machine->options.backends;
    size_t before = out->len;
    for (unsigned i = 0; backends && i < backends->len; i++) {
        const MachineBackend *b = g_ptr_array_index(backends, i);
        if (strcmp(b->option, "netdev") == 0) {
            fn(b, out);
        }
    }
    if (out->len == before) {
        g_string_append(out, "there is nothing to show\n");
    }
}

static void network(const MachineBackend *b, GString *out) {
    g_autofree char *text = net_text(b->object);
    g_string_append_printf(out, "%s, used by %s\n", text, b->user ? b->user : "nobody");
}

static void info_network(Monitor *m, const char *args, GString *out) {
    each_network(m, out, network);
}

static void connections(const MachineBackend *b, GString *out) {
    g_autofree char *text = net_connections(b->object);
    if (text) {
        g_string_append_printf(out, "%s:\n%s", b->id, text);
    }
}

static void info_usernet(Monitor *m, const char *args, GString *out) {
    each_network(m, out, connections);
}

static void info_status(Monitor *m, const char *args, GString *out) {
    g_string_append_printf(out, "VM status: %s\n", m->machine->paused ? "paused" : "running");
}

static void info_version(Monitor *m, const char *args, GString *out) {
    g_string_append(out, YADO_VERSION "\n");
}

static void info_block(Monitor *m, const char *args, GString *out) {
    const GPtrArray *backends = m->machine->options.backends;
    size_t before = out->len;
    for (unsigned i = 0; backends && i < backends->len; i++) {
        const MachineBackend *b = g_ptr_array_index(backends, i);
        if (strcmp(b->option, "drive") == 0) {
            const BlockOptions *o = block_options(b->object);
            g_autofree char *size = value_size_text(block_size(b->object));
            g_string_append_printf(out, "%s: %s (raw, %s, cache=%s%s%s), used by %s\n", b->id, o->path, size,
                                   block_cache_names[o->cache], o->read_only ? ", read-only" : "",
                                   o->snapshot ? ", snapshot" : "", b->user ? b->user : "nobody");
        }
    }
    if (out->len == before) {
        g_string_append(out, "there is nothing to show\n");
    }
}

static const Command infos[] = {
    {"block", NULL, "images of -drive and -blockdev, and who uses them", info_block, false},
    {"cpus", NULL, "the CPUs", info_cpus, true},
    {"jit", NULL, "counters of the translator", info_jit, true},
    {"mtree", NULL, "the map of physical addresses", info_mtree, false},
    {"network", NULL, "networks of -netdev and -nic, and who uses them", info_network, false},
    {"pci", NULL, "functions on the PCI bus", info_pci, false},
    {"registers", NULL, "registers of each CPU", info_registers, true},
    {"status", NULL, "does the machine run?", info_status, false},
    {"tlb", NULL, "cached translations of addresses", info_tlb, true},
    {"usernet", NULL, "connections of user networks", info_usernet, false},
    {"version", NULL, "of yado", info_version, false},
    {NULL},
};

/* -- memory -- */

/* What stands after the slash of x and xp. */
typedef struct Format {
    uint64_t count;
    char letter;   /* x d u o c i */
    unsigned size; /* of an item */
} Format;

static bool read_format(const char **text, Format *f) {
    static const char sizes[] = "bhwg";
    *f = (Format){1, 'x', 4};
    if (**text != '/') {
        return true;
    }
    const char *at = *text + 1;
    if (g_ascii_isdigit(*at)) {
        f->count = g_ascii_strtoull(at, (char **)(uintptr_t)&at, 10);
    }
    for (; *at && *at != ' '; at++) {
        const char *size = strchr(sizes, *at);
        if (size) {
            f->size = 1u << (size - sizes);
        } else if (strchr("xduoci", *at)) {
            f->letter = *at;
            f->size = *at == 'c' ? 1 : f->size;
        } else {
            return false;
        }
    }
    *text = at;
    return f->count > 0 && f->count <= 65536;
}

static bool read_term(Monitor *m, const char **at, uint64_t *value) {
    if (**at == '$') {
        const Frontend *fe = vcpu_frontend(cpu_of(m));
        size_t n = strspn(*at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
        for (unsigned i = 0; i < fe->reg_count; i++) {
            const char *name = fe->regs[i].name;
            if (strlen(name) == n && g_ascii_strncasecmp(name, *at + 1, n) == 0) {
                IrVal v;
                vcpu_peek_register(cpu_of(m), i, &v);
                *value = v.u64;
                *at += n + 1;
                return true;
            }
        }
        return false;
    }
    char *end;
    *value = g_ascii_strtoull(*at, &end, 0);
    bool good = end != *at && g_ascii_isdigit(**at);
    *at = end;
    return good;
}

static bool read_address(Monitor *m, const char *at, uint64_t *value) {
    uint64_t more;
    at += strspn(at, " ");
    if (!read_term(m, &at, value)) {
        return false;
    }
    if (*at == '+' || *at == '-') {
        bool minus = *at++ == '-';
        if (!read_term(m, &at, &more)) {
            return false;
        }
        *value += minus ? -more : more;
    }
    return !at[strspn(at, " ")];
}

static bool peek(Monitor *m, bool physical, uint64_t addr, void *bytes, unsigned size) {
    return physical ? tcg_peek_physical(m->machine->tcg, addr, bytes, size)
                    : vcpu_peek_memory(cpu_of(m), addr, bytes, size);
}

static void no_memory(GString *out, uint64_t addr) {
    g_string_append_printf(out, "%016" PRIx64 ": cannot be read: not mapped, or no RAM or ROM\n", addr);
}

static void print_insns(Monitor *m, bool physical, uint64_t addr, uint64_t count, GString *out) {
    const Frontend *fe = vcpu_frontend(cpu_of(m));
    for (uint64_t i = 0; i < count; i++) {
        uint8_t bytes[16];
        unsigned avail = fe->insn_max;
        while (avail && !peek(m, physical, addr, bytes, avail)) {
            avail -= fe->insn_min;
        }
        if (!avail) {
            no_memory(out, addr);
            return;
        }
        g_string_append_printf(out, "%016" PRIx64 ": ", addr);
        unsigned used = fe->disasm(bytes, avail, addr, fe->mode(vcpu_env(cpu_of(m))), out);
        g_string_append_c(out, '\n');
        addr += used ? used : fe->insn_min;
    }
}

static void print_item(GString *out, const Format *f, uint64_t value) {
    int64_t number = (int64_t)(value << (64 - 8 * f->size)) >> (64 - 8 * f->size);
    switch (f->letter) {
    case 'd':
        g_string_append_printf(out, " %" PRId64, number);
        break;
    case 'u':
        g_string_append_printf(out, " %" PRIu64, value);
        break;
    case 'o':
        g_string_append_printf(out, " 0%" PRIo64, value);
        break;
    case 'c':
        g_string_append_printf(out, g_ascii_isprint((char)value) ? " '%c'" : " '\\x%02x'", (int)(value & 0xff));
        break;
    default:
        g_string_append_printf(out, " 0x%0*" PRIx64, (int)(2 * f->size), value);
        break;
    }
}

static void examine(Monitor *m, const char *args, GString *out, bool physical) {
    Format f;
    uint64_t addr;
    if (!read_format(&args, &f) || !read_address(m, args, &addr)) {
        g_string_append(out, "this takes [/COUNT FORMAT SIZE] ADDRESS, as in x/4xw 0x40000000 or x/8i $pc; FORMAT is one "
                             "of x d u o c i, SIZE of b h w g\n");
        return;
    }
    if (f.letter == 'i') {
        print_insns(m, physical, addr, f.count, out);
        return;
    }
    unsigned per_line = 16 / f.size;
    for (uint64_t i = 0; i < f.count; i++, addr += f.size) {
        uint64_t value = 0;
        if (!peek(m, physical, addr, &value, f.size)) {
            g_string_append(out, i % per_line ? "\n" : "");
            no_memory(out, addr);
            return;
        }
        if (i % per_line == 0) {
            g_string_append_printf(out, "%016" PRIx64 ":", addr);
        }
        print_item(out, &f, value);
        if (i % per_line == per_line - 1 || i == f.count - 1) {
            g_string_append_c(out, '\n');
        }
    }
}

static void do_x(Monitor *m, const char *args, GString *out) {
    examine(m, args, out, false);
}

static void do_xp(Monitor *m, const char *args, GString *out) {
    examine(m, args, out, true);
}

static void do_gva2gpa(Monitor *m, const char *args, GString *out) {
    uint64_t va, pa;
    if (!read_address(m, args, &va)) {
        g_string_append(out, "gva2gpa takes an address\n");
    } else if (vcpu_locate(cpu_of(m), va, &pa)) {
        g_string_append_printf(out, "gpa: 0x%" PRIx64 "\n", pa);
    } else {
        g_string_append(out, "not mapped\n");
    }
}

static void do_cpu(Monitor *m, const char *args, GString *out) {
    uint64_t cpu;
    if (read_address(m, args, &cpu) && cpu < m->machine->vcpus->len) {
        m->cpu = (unsigned)cpu;
    } else {
        g_string_append_printf(out, "cpu takes a number from 0 to %u\n", m->machine->vcpus->len - 1);
    }
}

/* -- control -- */

static bool refuse_debugged(Monitor *m, GString *out) {
    bool debugged = m->user.debugged && m->user.debugged(m->user.opaque);
    if (debugged) {
        g_string_append(out, "gdb is connected and decides when the guest runs: use its continue and Ctrl-C, or detach\n");
    }
    return debugged;
}

static void do_stop(Monitor *m, const char *args, GString *out) {
    if (!refuse_debugged(m, out)) {
        machine_pause(m->machine);
    }
}

static void do_cont(Monitor *m, const char *args, GString *out) {
    if (!refuse_debugged(m, out)) {
        machine_resume(m->machine);
    }
}

static void do_reset(Monitor *m, const char *args, GString *out) {
    machine_reset(m->machine);
}

static void do_quit(Monitor *m, const char *args, GString *out) {
    m->user.quit(m->user.opaque);
}

/* -- the table -- */

static void do_info(Monitor *m, const char *args, GString *out);
static void do_help(Monitor *m, const char *args, GString *out);

static const Command commands[] = {
    {"help", "[COMMAND]", "this list", do_help, false},
    {"?", NULL, "the same", do_help, false},
    {"info", "WHAT", "print something about the machine; without WHAT: what there is", do_info, false},
    {"x", "/FORMAT ADDRESS", "memory at an address of the guest's current translation", do_x, true},
    {"xp", "/FORMAT ADDRESS", "memory at a physical address", do_xp, true},
    {"cpu", "NUMBER", "the CPU that these commands mean from now on", do_cpu, false},
    {"gva2gpa", "ADDRESS", "the physical address of a virtual one", do_gva2gpa, true},
    {"stop", NULL, "pause the machine", do_stop, false},
    {"cont", NULL, "let it go on", do_cont, false},
    {"c", NULL, "the same", do_cont, false},
    {"system_reset", NULL, "press the reset button", do_reset, false},
    {"quit", NULL, "end yado", do_quit, false},
    {"q", NULL, "the same", do_quit, false},
    {NULL},
};

static void print_commands(const Command *table, GString *out) {
    for (const Command *c = table; c->name; c++) {
        g_autofree char *left = g_strdup_printf("%s%s%s", c->name, c->args && c->args[0] != '/' ? " " : "",
                                                c->args ? c->args : "");
        g_string_append_printf(out, "%-22s %s\n", left, c->help);
    }
}

static void do_help(Monitor *m, const char *args, GString *out) {
    print_commands(commands, out);
}

/* Splits off the first word: up to a blank or slash. */
static void run_from(Monitor *m, const Command *table, const char *what, const char *line, GString *out) {
    line += strspn(line, " \t");
    size_t n = strcspn(line, " \t/");
    const char *names[32] = {NULL};
    for (unsigned i = 0; table[i].name && i < G_N_ELEMENTS(names) - 1; i++) {
        const Command *c = &table[i];
        names[i] = c->name;
        if (strlen(c->name) == n && memcmp(c->name, line, n) == 0) {
            bool pause = c->still && !m->machine->paused;
            if (pause) {
                machine_pause(m->machine);
            }
            c->run(m, line + n, out);
            if (pause) {
                machine_resume(m->machine);
            }
            return;
        }
    }
    g_autofree char *word = g_strndup(line, n);
    g_autofree char *hint = names_hint(word, names);
    g_string_append_printf(out, "no %s '%s'%s\n", what, word, hint);
}

static void do_info(Monitor *m, const char *args, GString *out) {
    if (!args[strspn(args, " \t")]) {
        print_commands(infos, out);
    } else {
        run_from(m, infos, "info", args, out);
    }
}

void monitor_run(Monitor *m, const char *line, GString *out) {
    g_autofree char *clean = g_strstrip(g_strdup(line));
    if (*clean) {
        run_from(m, commands, "command", clean, out);
    }
}

Monitor *monitor_new(Machine *machine, const MonitorUser *user) {
    Monitor *m = g_new0(Monitor, 1);
    m->machine = machine;
    m->user = *user;
    return m;
}

void monitor_free(Monitor *m) {
    g_free(m);
}

/* -- the dialogue -- */

enum { LINE_MAX_BYTES = 1024, CTRL_U = 0x15, BACKSPACE = 8, DELETE = 127 };

struct MonitorTerminal {
    Monitor *monitor;
    bool echo, after_return;
    void (*write)(void *opaque, const char *text, size_t size);
    void *opaque;
    GString *line;
};

static void say(MonitorTerminal *t, const char *text) {
    t->write(t->opaque, text, strlen(text));
}

/* Terminals in raw mode and sockets want both. */
static void say_lines(MonitorTerminal *t, const GString *text) {
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    g_autofree char *joined = g_strjoinv("\r\n", lines);
    say(t, joined);
}

MonitorTerminal *monitor_terminal_new(Monitor *monitor, bool echo,
                                      void (*write)(void *opaque, const char *text, size_t size), void *opaque) {
    MonitorTerminal *t = g_new0(MonitorTerminal, 1);
    *t = (MonitorTerminal){ .monitor = monitor, .echo = echo, .write = write, .opaque = opaque,
                            .line = g_string_new(NULL) };
    return t;
}

void monitor_terminal_free(MonitorTerminal *t) {
    if (t) {
        g_string_free(t->line, TRUE);
        g_free(t);
    }
}

void monitor_terminal_begin(MonitorTerminal *t) {
    g_string_truncate(t->line, 0);
    say(t, "\r\nyado " YADO_VERSION " monitor; 'help' lists the commands\r\n(yado) ");
}

static void run_line(MonitorTerminal *t) {
    g_autoptr(GString) out = g_string_new(NULL);
    if (t->echo) {
        say(t, "\r\n");
    }
    monitor_run(t->monitor, t->line->str, out);
    g_string_truncate(t->line, 0);
    say_lines(t, out);
    say(t, "(yado) ");
}

static void take_key(MonitorTerminal *t, char c) {
    bool erase = c == BACKSPACE || c == DELETE;
    if (erase || c == CTRL_U) {
        do {
            if (t->line->len) {
                g_string_truncate(t->line, t->line->len - 1);
                say(t, t->echo ? "\b \b" : "");
            }
        } while (!erase && t->line->len);
    } else if (c >= ' ' && t->line->len < LINE_MAX_BYTES) {
        g_string_append_c(t->line, c);
        if (t->echo) {
            t->write(t->opaque, &c, 1);
        }
    }
}

void monitor_terminal_receive(MonitorTerminal *t, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = ((const char *)data)[i];
        bool second = c == '\n' && t->after_return; /* of \r\n */
        t->after_return = c == '\r';
        if ((c == '\r' || c == '\n') && !second) {
            run_line(t);
        } else if (!second) {
            take_key(t, c);
        }
    }
}
