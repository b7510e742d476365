/* SPDX-License-Identifier: MIT */
/*
 * help.c - lists for people: what there is to choose from. Each is made from the table that the choice is made from.
 */
#include <string.h>

#include "system/backend_types.h"

enum { COLUMN = 30 };

static void row(FILE *out, const char *left, const char *right) {
    if (strlen(left) + 2 > COLUMN) {
        fprintf(out, "  %s\n  %-*s%s\n", left, COLUMN, "", right);
    } else {
        fprintf(out, "  %-*s%s\n", COLUMN, left, right);
    }
}

void help_options(FILE *out, const Options *options) {
    fprintf(out, "usage: yado -M MACHINE [OPTION...]\n\nOptions begin with one dash or two:\n");
    for (const OptionInfo *o = option_table; o->name; o++) {
        bool joined = o->arg && o->arg[0] == '[' && o->arg[1] == '=';
        g_autofree char *left = g_strdup_printf("-%s%s%s", o->name, o->arg && !joined ? " " : "", o->arg ? o->arg : "");
        row(out, left, o->help);
    }
    fprintf(out, "\nExit codes: 0 the guest powered off, or quit; 1 run-time error; 2 usage; 3 image invalid;\n"
                 "4 host resource missing; 8 --verify found a difference; 70 internal error; 128+n signal n;\n"
                 "with -semihosting the guest's own.\n");
}

void help_version(FILE *out, const Options *options) {
    fprintf(out, "yado %s\n", YADO_VERSION);
}

void help_machines(FILE *out, const Options *options) {
    fprintf(out, "Machines:\n");
    for (const MachineClass *const *cls = machine_classes; *cls; cls++) {
        row(out, (*cls)->name, (*cls)->summary);
    }
}

void help_machine_keys(FILE *out, const Options *options) {
    fprintf(out, "Keys of machine '%s':\n", options->cls->name);
    for (const MachineKey *key = options->cls->keys; key->name; key++) {
        row(out, key->name, key->help);
    }
}

void help_cpus(FILE *out, const Options *options) {
    for (const MachineClass *const *cls = machine_classes; *cls; cls++) {
        fprintf(out, "CPU models of machine '%s':\n", (*cls)->name);
        for (const char *const *model = (*cls)->frontend->models; *model; model++) {
            fprintf(out, "  %s%s\n", *model, strcmp(*model, (*cls)->default_cpu) == 0 ? " (default)" : "");
        }
    }
}

void help_accels(FILE *out, const Options *options) {
    fprintf(out, "Accelerators:\n");
    row(out, "jit", "translate guest code into host code (default)");
    row(out, "interp", "interpret guest code: slow, and the reference");
    row(out, "tcg", "the same as jit");
    fprintf(out, "Keys of jit:\n");
    row(out, "tb-size=MIB", "memory for translated code; emptied when it is full (default: 96)");
    row(out, "tier=1", "code that runs often is not translated again (2, without -icount: as regions of up to 256 insns)");
    row(out, "stats=on", "count host insns and time translation; print the counters of 'info jit' in the end");
    fprintf(out, "For testing (docs/how-to/jit-options.md):\n");
    row(out, "host=LEVEL", "use no more of this host than sse2, avx2 or avx512");
    row(out, "x-tlb=1", "generated code knows one page at a time");
    row(out, "x-evict=N", "forget all generated code whenever N blocks have been made");
    row(out, "x-poll=on", "leave generated code at every poll for interrupts");
    row(out, "x-chain=off", "no block jumps to another one");
    row(out, "x-merge=off", "each access to memory is checked by itself");
    row(out, "x-pins=own", "each block chooses the guest registers that the host's hold in it");
    row(out, "x-runs=on", "a run of neighbouring pages is tried where it would be one page");
    row(out, "x-regions=all", "every block is made a region as soon as it is met");
}

void help_serials(FILE *out, const Options *options) {
    fprintf(out, "Serial port:\n");
    row(out, "stdio", "this terminal; Ctrl-C ends yado");
    row(out, "mon:stdio", "this terminal; Ctrl-C goes to the guest, Ctrl-a x quits");
    row(out, "file:PATH", "output to a file");
    row(out, "pty", "a pseudo-terminal for another program; its name is told");
    row(out, "null", "nowhere");
}

void help_monitors(FILE *out, const Options *options) {
    fprintf(out, "Monitor:\n");
    row(out, "stdio", "this terminal");
    row(out, "tcp::PORT", "a TCP port of this host; tcp:ADDRESS:PORT for another address");
    row(out, "unix:PATH", "a Unix socket");
    row(out, "none", "only behind Ctrl-a c of -nographic and -serial mon:stdio");
}

void help_devices(FILE *out, const Options *options) {
    fprintf(out, "Devices:\n");
    for (const DeviceClass *const *cls = device_classes; *cls; cls++) {
        if ((*cls)->bus) {
            row(out, (*cls)->name, (*cls)->summary);
        }
    }
}

static void property_row(void *out, const char *left, const char *help) {
    row(out, left, help);
}

void help_device(FILE *out, const Options *options) {
    fprintf(out, "Properties of device '%s':\n", options->device->name);
    row(out, "id=TEXT", "its name, for messages and the monitor");
    plug_each_property(options->device, property_row, out);
}

void help_types(FILE *out, const Options *options) {
    fprintf(out, "Types:\n");
    for (const BackendType *type = options->types; type->name; type++) {
        row(out, type->name, type->help);
    }
}

void help_type_keys(FILE *out, const Options *options) {
    fprintf(out, "Keys of type '%s':\n", options->type->name);
    for (const BackendKey *key = options->type->keys; key->name; key++) {
        row(out, key->name, key->help);
    }
    row(out, "id", "TEXT: its name, for devices and others that use it");
}

void help_log(FILE *out, const Options *options) {
    fprintf(out, "Log items:\n");
    for (const LogItem *item = log_items; item->name; item++) {
        row(out, item->name, item->help);
    }
}
