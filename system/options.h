/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line.
 */
#ifndef SYSTEM_OPTIONS_H
#define SYSTEM_OPTIONS_H

#include <stdio.h>

#include "machines/machine.h"

#define YADO_VERSION "0.1.0"

typedef struct Options Options;
typedef struct BackendType BackendType;

/* One option. Its row is everything that parsing, help and suggestions know. */
typedef struct OptionInfo {
    const char *name;  /* without dash */
    const char *arg;   /* what help calls the argument; NULL: it takes none; "[=N]": optional, after "=" */
    const char *help;
    bool (*set)(Options *options, const char *value, GError **error);
} OptionInfo;

struct Options {
    MachineOptions machine;  /* strings borrowed from argv */
    const MachineClass *cls;
    KeyList *machine_keys;   /* owned; machine.machine */
    GPtrArray *devices;      /* of KeyList, owned; machine.devices */
    GPtrArray *backends;     /* of KeyList, owned: -drive and its kind, for backends.c */
    bool snapshot;           /* -snapshot */
    const BackendType *types, *type; /* that help_types lists; whose keys help_type_keys lists */
    const DeviceClass *device; /* whose properties -device NAME,help lists */
    const char *serial;      /* chardev spec, or NULL */
    bool serial_given;       /* by -serial rather than -nographic */
    const char *log_path;    /* -D, or NULL: stderr */
    const char *gdb;         /* where to listen for gdb, or NULL */
    const char *monitor;     /* where the monitor is, besides Ctrl-a c; or NULL */
    bool start_paused;       /* -S */
    void (*help)(FILE *out, const Options *options); /* print this and end, rather than run */
};

/* Items of -d. */
typedef struct LogItem {
    const char *name;
    const char *help;
    unsigned tcg, device;    /* bits of MachineOptions */
} LogItem;

extern const OptionInfo option_table[]; /* ends with a NULL name */
extern const LogItem log_items[];       /* likewise */
extern const char *const accel_names[]; /* NULL-terminated */
extern const char *const host_levels[];
extern const char *const serial_names[];
extern const char *const monitor_names[];

/* Error (usage): a sentence, with a hint after a newline. Returns false. */
bool usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Fills zeroed options. Error (usage): a sentence, with a hint after a newline. */
bool options_parse(Options *options, int argc, char **argv, GError **error);
void options_clear(Options *options);

/* -- help.c: lists for people -- */
void help_options(FILE *out, const Options *options);
void help_version(FILE *out, const Options *options);
void help_machines(FILE *out, const Options *options);
void help_machine_keys(FILE *out, const Options *options); /* of options->cls */
void help_cpus(FILE *out, const Options *options);
void help_accels(FILE *out, const Options *options);
void help_serials(FILE *out, const Options *options);
void help_monitors(FILE *out, const Options *options);
void help_devices(FILE *out, const Options *options);
void help_device(FILE *out, const Options *options); /* of options->device */
void help_types(FILE *out, const Options *options);     /* of options->types */
void help_type_keys(FILE *out, const Options *options); /* of options->type */
void help_log(FILE *out, const Options *options);

#endif
