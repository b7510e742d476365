/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line: one table of options, each with the function that takes it in.
 *
 * A later option replaces an earlier one of the same name; within one key=value list a key may stand once.
 */
#include "system/backend_types.h"

#include <string.h>

bool usage(GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, YADO_ERROR, YADO_ERROR_USAGE, text);
    return false;
}

static bool is_help(const char *value) {
    return strcmp(value, "help") == 0 || strcmp(value, "?") == 0;
}

/* -- options with a list -- */

static bool set_machine(Options *o, const char *value, GError **error) {
    g_autoptr(KeyList) list = keylist_parse("-M", "type", value, error);
    if (!list) {
        return false;
    }
    const char *type = keylist_get(list, "type");
    if (!type) {
        return usage(error, "-M: the name of the machine is missing\n'yado -M help' lists the machines");
    }
    if (is_help(type)) {
        o->help = help_machines;
        return true;
    }
    o->cls = machine_class_find(type, error);
    if (!o->cls) {
        return false;
    }
    if (keylist_get(list, "help")) {
        o->help = help_machine_keys;
    }
    g_clear_pointer(&o->machine_keys, keylist_free);
    o->machine.machine = o->machine_keys = g_steal_pointer(&list);
    return true;
}

static bool set_device(Options *o, const char *value, GError **error) {
    g_autoptr(KeyList) list = keylist_parse("-device", "driver", value, error);
    const char *driver = list ? keylist_get(list, "driver") : NULL;
    if (!list) {
        return false;
    }
    if (driver && is_help(driver)) {
        o->help = help_devices;
        return true;
    }
    if (driver && (keylist_get(list, "help") || keylist_get(list, "?"))) {
        o->help = help_device;
        o->device = plug_class_find(driver, error);
        return o->device != NULL;
    }
    g_ptr_array_add(o->devices, g_steal_pointer(&list));
    return true;
}

/* Options of backends.c, which looks at the keys. */
static bool add_backend(Options *o, const char *option, const char *head, const char *value, GError **error) {
    KeyList *list = keylist_parse(option, head, value, error);
    if (list) {
        g_ptr_array_add(o->backends, list);
    }
    return list != NULL;
}

/* The same for options whose first word is a type, with help for the types and their keys. */
static bool add_typed(Options *o, const char *option, const char *head, const BackendType *types, const char *value,
                      GError **error) {
    if (is_help(value)) {
        o->help = help_types;
        o->types = types;
        return true;
    }
    if (!add_backend(o, option, head, value, error)) {
        return false;
    }
    const KeyList *list = g_ptr_array_index(o->backends, o->backends->len - 1);
    const char *type = keylist_get(list, head);
    for (o->type = types; o->type->name && (!type || strcmp(o->type->name, type) != 0); o->type++) {
    }
    if (o->type->name && (keylist_get(list, "help") || keylist_get(list, "?"))) {
        o->help = help_type_keys;
    }
    return true;
}

static bool set_netdev(Options *o, const char *value, GError **error) {
    return add_typed(o, "-netdev", "type", netdev_types, value, error);
}

static bool set_nic(Options *o, const char *value, GError **error) {
    return strcmp(value, "none") == 0 || add_typed(o, "-nic", "type", netdev_types, value, error);
}

static bool set_chardev(Options *o, const char *value, GError **error) {
    return add_typed(o, "-chardev", "backend", chardev_types, value, error);
}

static bool set_object(Options *o, const char *value, GError **error) {
    return add_typed(o, "-object", "qom-type", object_types, value, error);
}

static bool set_drive(Options *o, const char *value, GError **error) {
    return add_backend(o, "-drive", "file", value, error);
}

static bool set_blockdev(Options *o, const char *value, GError **error) {
    if (value[0] == '{') {
        return usage(error, "-blockdev: JSON is not understood yet; use driver=raw,node-name=ID,file.driver=file,"
                            "file.filename=PATH");
    }
    return add_backend(o, "-blockdev", "driver", value, error);
}

/* A path may hold commas here. */
static bool set_hda(Options *o, const char *value, GError **error) {
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts), *text = g_strconcat("file=", escaped, NULL);
    return *value ? add_backend(o, "-hda", NULL, text, error) : usage(error, "-hda: the argument is empty");
}

/* Parses a list that has the single key `head`, and copies its value. NULL: error. */
static char *single(const char *option, const char *head, const char *value, GError **error) {
    g_autoptr(KeyList) list = keylist_parse(option, head, value, error);
    const char *const known[] = { head, NULL };
    if (!list || !keylist_check(list, known, error)) {
        return NULL;
    }
    return g_strdup(keylist_get(list, head));
}

static bool set_cpu(Options *o, const char *value, GError **error) {
    const char *comma = strchr(value, ',');
    if (is_help(value)) {
        o->help = help_cpus;
    } else if (!*value) {
        return usage(error, "-cpu: the name of the model is empty\n'yado -cpu help' lists the models");
    } else if (comma) {
        return usage(error, "-cpu: CPU models have no keys yet; '%s' cannot be given", comma + 1);
    }
    o->machine.cpu = value;
    return true;
}

/* What is not given follows from the rest: missing parts of the topology are 1, but for the cores. */
static bool set_smp(Options *o, const char *value, GError **error) {
    static const char *const keys[] = { "cpus", "maxcpus", "sockets", "dies", "clusters", "cores", "threads", NULL };
    enum { CPUS, MAXCPUS, SOCKETS, DIES, CLUSTERS, CORES, THREADS, KEYS };
    g_autoptr(KeyList) list = keylist_parse("-smp", "cpus", value, error);
    uint64_t n[KEYS] = { 0 }, others = 1;
    if (!list || !keylist_check(list, keys, error)) {
        return false;
    }
    for (unsigned i = 0; i < KEYS; i++) {
        const char *text = keylist_get(list, keys[i]);
        g_autofree char *name = g_strdup_printf(i ? "-smp %s" : "-smp", keys[i]);
        if (text && !value_number(name, text, 1, 512, &n[i], error)) {
            return false;
        }
        others *= i >= SOCKETS && i != CORES && n[i] ? n[i] : 1;
    }
    uint64_t cpus = n[CPUS] ? n[CPUS] : n[MAXCPUS] ? n[MAXCPUS] : others * (n[CORES] ? n[CORES] : 1);
    uint64_t cores = n[CORES] ? n[CORES] : cpus / others;
    if (n[MAXCPUS] && n[MAXCPUS] != cpus) {
        return usage(error, "-smp: CPUs cannot be added to a running machine: maxcpus is %" G_GUINT64_FORMAT
                     ", but must be cpus, %" G_GUINT64_FORMAT, n[MAXCPUS], cpus);
    }
    if (others * cores != cpus) {
        return usage(error, "-smp: '%s' does not come out: sockets, dies, clusters, cores and threads give %"
                     G_GUINT64_FORMAT " CPUs, not %" G_GUINT64_FORMAT, value, others * MAX(cores, 1), cpus);
    }
    o->machine.cpus = cpus;
    o->machine.topology = (MachineTopology){ .clusters = (unsigned)MAX(n[CLUSTERS], 1),
                                             .cores = (unsigned)cores, .threads = (unsigned)MAX(n[THREADS], 1) };
    return true;
}

static bool set_memory(Options *o, const char *value, GError **error) {
    g_autofree char *size = single("-m", "size", value, error);
    if (!size || !value_size("-m", size, 1 << 20, &o->machine.ram, error)) {
        return false;
    }
    if (o->machine.ram == 0) {
        return usage(error, "-m: a machine needs memory; '%s' is none", value);
    }
    return true;
}

/* MiB of code memory: jumps reach 2 GiB. */
enum { TB_SIZE_MIN = 1, TB_SIZE_MAX = 2047 };

const char *const accel_names[] = { "jit", "interp", "tcg", NULL };

const char *const host_levels[] = { "sse2", "avx2", "avx512", NULL };

/* The place of a key's value in a list of words, or -1 with the error; -2 when the key is not given. */
static int word_of(const KeyList *list, const char *key, const char *const *words, GError **error) {
    const char *value = keylist_get(list, key);
    if (!value) {
        return -2;
    }
    for (int i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
    }
    g_autofree char *all = g_strjoinv(", ", (char **)(void *)(uintptr_t)words);
    usage(error, "-accel: '%s' takes %s%s, not '%s'", key, words[1] ? "one of " : "", all, value);
    return -1;
}

static unsigned find_op(const char *name) {
    unsigned op = 0;
    while (op < IR_OPS && strcmp(ir_ops[op].name, name) != 0) {
        op++;
    }
    return op;
}

/* OP:OTHER, two ops that differ only in what they compute. */
static bool set_broken(TcgForced *f, const char *value, GError **error) {
    g_auto(GStrv) names = g_strsplit(value, ":", 2);
    bool two = names[0] && names[1];
    f->broken = two ? find_op(names[0]) : IR_OPS;
    f->broken_by = two ? find_op(names[1]) : IR_OPS;
    if (f->broken == IR_OPS || f->broken_by == IR_OPS ||
        strcmp(ir_ops[f->broken].operands, ir_ops[f->broken_by].operands) != 0 ||
        !(ir_ops[f->broken].props & ir_ops[f->broken_by].props & (IR_PURE | IR_FP))) {
        return usage(error, "-accel: 'x-break' takes two IR operations alike, as in 'xor:or', not '%s'", value);
    }
    return true;
}

/* Forced modes, for testing. */
static bool set_forced(TcgForced *f, const KeyList *list, GError **error) {
    static const char *const switches[] = { "off", "on", NULL };
    static const char *const sizes[] = { "1", NULL }, *const regions_words[] = { "all", NULL };
    static const char *const pinnings[] = { "standard", "own", NULL };
    static const char *const crashes[] = { "segv", "assert", "hang", "stack", "ir", NULL };
    const char *evict = keylist_get(list, "x-evict");
    int level = word_of(list, "host", host_levels, error);
    int tlb = level == -1 ? -1 : word_of(list, "x-tlb", sizes, error);
    int poll = tlb == -1 ? -1 : word_of(list, "x-poll", switches, error);
    int chain = poll == -1 ? -1 : word_of(list, "x-chain", switches, error);
    int merge = chain == -1 ? -1 : word_of(list, "x-merge", switches, error);
    int runs = merge == -1 ? -1 : word_of(list, "x-runs", switches, error);
    int regions = runs == -1 ? -1 : word_of(list, "x-regions", regions_words, error);
    int pins = regions == -1 ? -1 : word_of(list, "x-pins", pinnings, error);
    int crash = pins == -1 ? -1 : word_of(list, "x-crash", crashes, error);
    *f = (TcgForced){ .host = level >= 0 ? host_levels[level] : NULL, .one_entry = tlb == 0, .poll_storm = poll == 1,
                      .no_chain = chain == 0, .no_merge = merge == 0, .runs = runs == 1, .regions = regions == 0,
                      .own_pins = pins == 1,
                      .crash = crash >= 0 ? crashes[crash] : NULL };
    const char *broken = keylist_get(list, "x-break");
    return crash != -1 && (!evict || value_number("-accel x-evict", evict, 1, UINT64_MAX, &f->evict, error)) &&
           (!broken || set_broken(f, broken, error));
}

/* Keys of -accel jit that are not for testing. */
static bool set_jit(MachineOptions *m, const KeyList *list, GError **error) {
    static const char *const switches[] = { "off", "on", NULL };
    const char *size = keylist_get(list, "tb-size"), *tier = keylist_get(list, "tier");
    uint64_t mib = 0;
    if (size && !value_number("-accel tb-size", size, TB_SIZE_MIN, TB_SIZE_MAX, &mib, error)) {
        return false;
    }
    if (tier && strcmp(tier, "1") != 0 && strcmp(tier, "2") != 0) {
        return usage(error, "-accel: 'tier' takes 1 or 2, not '%s'", tier);
    }
    m->tier = tier ? (unsigned)(tier[0] - '0') : 0;
    int stats = word_of(list, "stats", switches, error);
    m->cache_bytes = (size_t)mib << 20;
    m->stats = stats == 1;
    return stats != -1;
}

/* accel: known not to have keys of its own. */
static bool refuse_keys(const KeyList *list, const char *const *keys, const char *accel, GError **error) {
    for (unsigned i = 0; keys[i]; i++) {
        if (keylist_get(list, keys[i])) {
            return usage(error, "-accel: '%s' is for jit; '%s' makes no host code", keys[i], accel);
        }
    }
    return true;
}

static bool set_accel(Options *o, const char *value, GError **error) {
    if (is_help(value)) {
        o->help = help_accels;
        return true;
    }
    static const char *const known[] = { "accel", "tb-size", "tier", "stats", "host", "x-tlb", "x-evict", "x-poll", "x-chain",
                                         "x-merge", "x-runs", "x-regions", "x-pins", "x-crash", "x-break", NULL };
    g_autoptr(KeyList) list = keylist_parse("-accel", "accel", value, error);
    if (!list || !keylist_check(list, known, error)) {
        return false;
    }
    const char *accel = keylist_get(list, "accel");
    if (!accel) {
        return usage(error, "-accel: the name of the accelerator is missing\n'yado -accel help' lists them");
    }
    if (!g_strv_contains(accel_names, accel)) {
        g_autofree char *hint = names_hint(accel, accel_names);
        return usage(error, "no accelerator '%s'%s", accel, hint);
    }
    o->machine.interpret = strcmp(accel, "interp") == 0;
    return (!o->machine.interpret || refuse_keys(list, known + 1, accel, error)) && set_jit(&o->machine, list, error) &&
           set_forced(&o->machine.forced, list, error);
}

const char *const serial_names[] = { "stdio", "mon:stdio", "file:PATH", "pty", "null", NULL };

static bool set_serial(Options *o, const char *value, GError **error) {
    if (is_help(value)) {
        o->help = help_serials;
        return true;
    }
    bool file = g_str_has_prefix(value, "file:");
    if (!file && !g_strv_contains(serial_names, value)) {
        g_autofree char *hint = names_hint(value, serial_names);
        return usage(error, "no serial device '%s'%s", value, hint);
    }
    if (file && (!value[5] || strchr(value, ','))) {
        return usage(error, "-serial: file: takes the path of a file, not '%s'", value + 5);
    }
    if (o->serial_given) {
        return usage(error, "-serial is given twice, but the machine has one serial port");
    }
    o->serial = value;
    o->serial_given = true;
    return true;
}

const char *const monitor_names[] = { "stdio", "none", "tcp::PORT", "unix:PATH", NULL };

/* A place to listen at, in the form that host/link.h wants. */
static bool is_place(const char *value) {
    return g_str_has_prefix(value, "tcp:") || (g_str_has_prefix(value, "unix:") && value[5]);
}

static bool set_monitor(Options *o, const char *value, GError **error) {
    if (is_help(value)) {
        o->help = help_monitors;
        return true;
    }
    if (!is_place(value) && strcmp(value, "stdio") != 0 && strcmp(value, "none") != 0) {
        g_autofree char *hint = names_hint(value, monitor_names);
        return usage(error, "no monitor device '%s'%s", value, hint);
    }
    o->monitor = value;
    return true;
}

static bool set_gdb(Options *o, const char *value, GError **error) {
    if (!is_place(value) && strcmp(value, "none") != 0) {
        return usage(error, "-gdb: '%s' is no place to wait for gdb at: use tcp::PORT, tcp:ADDRESS:PORT or unix:PATH", value);
    }
    o->gdb = value;
    return true;
}

static bool set_s(Options *o, const char *value, GError **error) {
    o->gdb = "tcp::1234";
    return true;
}

static bool set_nographic(Options *o, const char *value, GError **error) {
    if (!o->serial_given) {
        o->serial = "mon:stdio";
    }
    return true;
}

const LogItem log_items[] = {
    { "in_asm", "guest code of each block, when it is translated", TCG_LOG_IN_ASM, 0 },
    { "op", "IR of each block as the front end made it", TCG_LOG_OP, 0 },
    { "op_opt", "IR of each block after the passes", TCG_LOG_OP_OPT, 0 },
    { "out_asm", "host code of each block", TCG_LOG_OUT_ASM, 0 },
    { "int", "exceptions and interrupts", TCG_LOG_INT, 0 },
    { "exec", "each block that is entered", TCG_LOG_EXEC, 0 },
    { "cpu", "registers in front of each block", TCG_LOG_CPU, 0 },
    { "mmu", "page-table walks", TCG_LOG_MMU, 0 },
    { "unimp", "what the guest uses and is not written yet", TCG_LOG_UNIMP, LOG_UNIMP },
    { "guest_errors", "what the guest does against the specification", TCG_LOG_GUEST_ERROR, LOG_GUEST_ERROR },
    { "trace", "each access to a device register", 0, LOG_TRACE },
    { "nochain", "no log: blocks are not chained, so that exec and cpu see each", TCG_LOG_NOCHAIN, 0 },
    { NULL },
};

static bool add_log_item(Options *o, const char *name, GError **error) {
    const char *names[G_N_ELEMENTS(log_items)] = { NULL };
    for (unsigned i = 0; log_items[i].name; i++) {
        if (strcmp(name, log_items[i].name) == 0) {
            o->machine.tcg_log |= log_items[i].tcg;
            o->machine.device_log |= log_items[i].device;
            return true;
        }
        names[i] = log_items[i].name;
    }
    g_autofree char *hint = names_hint(name, names);
    return usage(error, "-d: no log item '%s'%s", name, hint);
}

static bool set_log(Options *o, const char *value, GError **error) {
    o->machine.tcg_log = o->machine.device_log = 0;
    if (is_help(value)) {
        o->help = help_log;
        return true;
    }
    g_auto(GStrv) names = g_strsplit(value, ",", -1);
    for (char **name = names; *name; name++) {
        if (!add_log_item(o, *name, error)) {
            return false;
        }
    }
    return true;
}

/* -- options with a plain value -- */

#define SET_STRING(option, field)                                                                                     \
    static bool set_##option(Options *o, const char *value, GError **error) {                                         \
        o->field = value;                                                                                             \
        return *value || usage(error, "-" #option ": the argument is empty");                                         \
    }
SET_STRING(kernel, machine.kernel)
SET_STRING(initrd, machine.initrd)
SET_STRING(dtb, machine.dtb)
SET_STRING(bios, machine.bios)
SET_STRING(D, log_path)

static bool set_append(Options *o, const char *value, GError **error) {
    o->machine.append = value;
    return true;
}

#define SET_FLAG(option, field)                                                                                       \
    static bool set_##option(Options *o, const char *value, GError **error) {                                         \
        o->field = true;                                                                                              \
        return true;                                                                                                  \
    }
SET_FLAG(no_reboot, machine.no_reboot)
SET_FLAG(semihosting, machine.semihosting)
SET_FLAG(S, start_paused)
SET_FLAG(snapshot, snapshot)

static bool set_verify(Options *o, const char *value, GError **error) {
    o->machine.verify = 1;
    return !value || value_number("--verify", value, 1, UINT64_MAX, &o->machine.verify, error);
}

static bool set_icount(Options *o, const char *value, GError **error) {
    uint64_t shift;
    g_autofree char *text = single("-icount", "shift", value, error);
    if (!text || !value_number("-icount shift", text, 0, 10, &shift, error)) {
        return false;
    }
    o->machine.icount = true;
    o->machine.icount_shift = (unsigned)shift;
    return true;
}

static bool set_version(Options *o, const char *value, GError **error) {
    o->help = help_version;
    return true;
}

static bool set_help(Options *o, const char *value, GError **error) {
    o->help = help_options;
    return true;
}

const OptionInfo option_table[] = {
    { "M", "NAME[,KEY=VALUE...]", "the machine; 'help' lists them, 'NAME,help' lists its keys", set_machine },
    { "machine", "NAME[,KEY=VALUE...]", "the same", set_machine },
    { "cpu", "MODEL", "the CPU; 'help' lists the models", set_cpu },
    { "smp", "[cpus=]N[,sockets=N][,clusters=N][,cores=N][,threads=N][,maxcpus=N]", "number of CPUs (default: 1)", set_smp },
    { "m", "[size=]SIZE", "memory in MiB, or with a suffix k, M, G, T", set_memory },
    { "accel", "NAME[,KEY=VALUE...]", "how guest code runs; 'help' lists the ways", set_accel },
    { "kernel", "FILE", "the kernel: an arm64 Linux Image, also in gzip, or an AArch64 ELF executable", set_kernel },
    { "initrd", "FILE", "the kernel's initial RAM disk", set_initrd },
    { "append", "TEXT", "the kernel's command line", set_append },
    { "dtb", "FILE", "a device tree in place of the machine's own", set_dtb },
    { "bios", "FILE", "firmware: a raw image that starts at the first byte of the flash", set_bios },
    { "drive", "file=FILE[,KEY=VALUE...]", "a disk with a raw image; if=none: only its image, for -device", set_drive },
    { "hda", "FILE", "the same as -drive file=FILE", set_hda },
    { "blockdev", "driver=raw,node-name=ID,file.driver=file,file.filename=FILE[,KEY=VALUE...]",
      "an image for -device NAME,drive=ID", set_blockdev },
    { "snapshot", NULL, "leave the images of all disks as they are: what is written is lost at the end", set_snapshot },
    { "device", "NAME[,KEY=VALUE...]", "add a device; 'help' lists them, 'NAME,help' lists its properties", set_device },
    { "nic", "TYPE[,KEY=VALUE...]", "add a network card and its network; 'help' lists the types; none: no card", set_nic },
    { "netdev", "TYPE,id=ID[,KEY=VALUE...]", "a network for -device NAME,netdev=ID; 'help' lists the types", set_netdev },
    { "chardev", "TYPE,id=ID[,KEY=VALUE...]", "a serial line for -device NAME,chardev=ID; 'help' lists the types",
      set_chardev },
    { "object", "TYPE,id=ID[,KEY=VALUE...]", "something that others use; 'help' lists the types", set_object },
    { "nographic", NULL, "the guest's serial port is this terminal; Ctrl-a x quits", set_nographic },
    { "serial", "TO", "where the serial port goes; 'help' lists what there is", set_serial },
    { "monitor", "TO", "where the monitor is, besides Ctrl-a c; 'help' lists what there is", set_monitor },
    { "S", NULL, "do not start the CPUs until gdb or the monitor says so", set_S },
    { "s", NULL, "the same as -gdb tcp::1234", set_s },
    { "gdb", "PLACE", "wait for gdb at tcp::PORT, tcp:ADDRESS:PORT or unix:PATH", set_gdb },
    { "no-reboot", NULL, "end when the guest resets", set_no_reboot },
    { "semihosting", NULL, "let the guest use files and the console of the host, and end with a code", set_semihosting },
    { "d", "ITEM[,ITEM...]", "write a log; 'help' lists the items", set_log },
    { "D", "FILE", "where the log goes (default: standard error)", set_D },
    { "icount", "shift=N", "virtual time: every insn takes 2^N ns; runs repeat exactly", set_icount },
    { "verify", "[=N]", "compare every Nth block (default: each) with the interpreter", set_verify },
    { "version", NULL, "print the version and end", set_version },
    { "help", NULL, "print this list and end", set_help },
    { "h", NULL, "the same", set_help },
    { NULL },
};

/* -- parsing -- */

static const OptionInfo *find(const char *name, size_t length) {
    for (const OptionInfo *row = option_table; row->name; row++) {
        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool unknown_option(const char *text, const char *name, GError **error) {
    const char *names[G_N_ELEMENTS(option_table)] = { NULL };
    for (unsigned i = 0; option_table[i].name; i++) {
        names[i] = option_table[i].name;
    }
    const char *near = names_nearest(name, names);
    return near ? usage(error, "no option '%s'; did you mean '-%s'?", text, near)
                : usage(error, "no option '%s'\n'yado --help' lists the options", text);
}

/* Takes one option, and its argument if it has one. */
static bool take(Options *o, int argc, char **argv, int *at, GError **error) {
    const char *text = argv[(*at)++];
    if (text[0] != '-' || !text[1]) {
        return usage(error, "'%s' does not begin with a dash: images are given by options\n'yado --help' lists them", text);
    }
    const char *name = text + (text[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    const OptionInfo *row = find(name, equals ? (size_t)(equals - name) : strlen(name));
    if (!row) {
        return unknown_option(text, name, error);
    }
    bool optional = row->arg && g_str_has_prefix(row->arg, "[=");
    if (equals && !optional) {
        return usage(error, row->arg ? "'%s': the argument follows after a blank, not after '='" : "'%s': -%s takes no "
                     "argument", text, row->name);
    }
    const char *value = equals ? equals + 1 : NULL;
    if (row->arg && !optional) {
        if (*at == argc) {
            return usage(error, "-%s: the argument is missing: -%s %s", row->name, row->name, row->arg);
        }
        value = argv[(*at)++];
    }
    return row->set(o, value, error);
}

bool options_parse(Options *o, int argc, char **argv, GError **error) {
    o->backends = g_ptr_array_new_with_free_func((GDestroyNotify)keylist_free);
    o->machine.devices = o->devices = g_ptr_array_new_with_free_func((GDestroyNotify)keylist_free);
    for (int at = 1; at < argc && !o->help;) {
        if (!take(o, argc, argv, &at, error)) {
            return false;
        }
    }
    if (!o->help && argc < 2) {
        return usage(error, "there is nothing to run: give a machine with -M and a kernel or firmware\n"
                            "'yado --help' lists the options");
    }
    if (!o->help && o->monitor && o->serial && strcmp(o->monitor, "stdio") == 0 && g_str_has_suffix(o->serial, "stdio")) {
        return usage(error, "the terminal cannot be both the serial port and the monitor: leave out -monitor stdio (with "
                            "-nographic Ctrl-a c is the monitor) or give another -serial");
    }
    if (!o->help && o->machine.icount && o->machine.tier == 2 && !o->machine.forced.regions) {
        return usage(error, "-accel jit,tier=2 does not go with -icount: regions are found by host time, which runs that repeat "
                            "know nothing of; leave out tier=2");
    }
    if (!o->help && o->machine.forced.regions && o->machine.tier == 1) {
        return usage(error, "-accel: 'x-regions' is for tier 2; leave out tier=1");
    }
    if (!o->help && !o->cls) {
        return usage(error, "no machine is given: use -M NAME\n'yado -M help' lists the machines");
    }
    return true;
}

void options_clear(Options *o) {
    g_clear_pointer(&o->machine_keys, keylist_free);
    g_clear_pointer(&o->devices, g_ptr_array_unref);
    g_clear_pointer(&o->backends, g_ptr_array_unref);
}
