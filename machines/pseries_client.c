/* SPDX-License-Identifier: MIT */
/*
 * pseries_client.c - the client interface of Open Firmware, which the machine plays: the kernel's start asks it for the
 * device tree, for memory and for RTAS, then says goodbye (quiesce). A few insns in memory lead each call to a hypercall.
 * Spec: IEEE 1275-1994, 6.3 (client interface); LoPAPR 1.1, B.6.2.3 (ibm,client-architecture-support), 7.2.2
 * (instantiate-rtas). The tree and what is claimed are state of the partition (devices/spapr.h).
 * Missing: disks and networks, methods of packages, interpret; everything is claimed in physical addresses.
 */
#include <libfdt.h>
#include <string.h>

#include "devices/dma.h"
#include "machines/pseries.h"

enum {
    H_RTAS = 0xf000, H_CAS = 0xf002, H_UPDATE_DT = 0xf003, H_CLIENT = 0xf005,
    ARGS = 12, STRING = 256, VALUE = 64 << 10, TEXT = 4096 /* written at once */,
    NAME = 64, /* room for a property's name: PAPR has longer ones than IEEE 1275 allows */
    INSTANCE = 0x40000000, /* an instance is its package's number with that */
    FIRMWARE_ENTRY = 0x100,
    PHANDLES = 0x10000,    /* of nodes that had none */
};
#define FAILED UINT32_MAX

typedef struct Client {
    Machine *machine;
    Env *env;
    unsigned cpu;
    Spapr *s;
    uint32_t inputs, outputs, in[ARGS], out[ARGS]; /* out[0]: what the function returns */
} Client;

/* -- guest memory -- */

static bool get_string(Client *c, uint32_t at, char text[STRING]) {
    for (unsigned i = 0; i < STRING; i++) {
        if (dma_read(c->machine->bus, at + i, &text[i], 1) != DMA_OK) {
            return false;
        }
        if (!text[i]) {
            return true;
        }
    }
    return false;
}

/* As much as there is room for; the answer is how much there is. */
static uint32_t put_bytes(Client *c, uint32_t at, uint32_t room, const void *bytes, uint32_t size) {
    return dma_write(c->machine->bus, at, bytes, MIN(room, size)) == DMA_OK ? size : FAILED;
}

static uint32_t put_text(Client *c, uint32_t at, uint32_t room, const char *text) {
    uint32_t size = (uint32_t)strlen(text);
    put_bytes(c, at, room, text, size + 1);
    return size;
}

/* -- nodes -- */

static int node_of(Client *c, uint32_t package) {
    return fdt_node_offset_by_phandle(c->s->tree, package);
}

static uint32_t package_of(Client *c, int node) {
    return node < 0 ? 0 : fdt_get_phandle(c->s->tree, node);
}

static uint32_t finddevice(Client *c) {
    char path[STRING];
    if (!get_string(c, c->in[0], path)) {
        return FAILED;
    }
    int node = fdt_path_offset(c->s->tree, path);
    return node < 0 ? FAILED : package_of(c, node);
}

static uint32_t child(Client *c) {
    return package_of(c, fdt_first_subnode(c->s->tree, node_of(c, c->in[0])));
}

static uint32_t peer(Client *c) {
    return package_of(c, c->in[0] ? fdt_next_subnode(c->s->tree, node_of(c, c->in[0])) : 0);
}

static uint32_t parent(Client *c) {
    return package_of(c, fdt_parent_offset(c->s->tree, node_of(c, c->in[0])));
}

static uint32_t path_of(Client *c, uint32_t package) {
    char path[STRING];
    if (fdt_get_path(c->s->tree, node_of(c, package), path, sizeof path) != 0) {
        return FAILED;
    }
    return put_text(c, c->in[1], c->in[2], path);
}

static uint32_t package_to_path(Client *c) {
    return path_of(c, c->in[0]);
}

static uint32_t instance_to_path(Client *c) {
    return path_of(c, c->in[0] & ~(uint32_t)INSTANCE);
}

static uint32_t instance_to_package(Client *c) {
    return c->in[0] & INSTANCE ? c->in[0] & ~(uint32_t)INSTANCE : FAILED;
}

static uint32_t open_device(Client *c) {
    uint32_t package = finddevice(c);
    return package == FAILED ? 0 : package | INSTANCE;
}

static uint32_t close_device(Client *c) {
    return 0;
}

/* -- properties -- */

/* Every node has its name, though it need not stand in the tree. */
static const void *value_of(Client *c, uint32_t package, const char *name, char text[STRING], int *size) {
    int node = node_of(c, package);
    const void *value = fdt_getprop(c->s->tree, node, name, size);
    if (!value && node >= 0 && strcmp(name, "name") == 0) {
        const char *full = fdt_get_name(c->s->tree, node, NULL);
        g_strlcpy(text, full ? full : "", STRING);
        if (strchr(text, '@')) {
            *strchr(text, '@') = 0;
        }
        *size = (int)strlen(text) + 1;
        return text;
    }
    return value;
}

static uint32_t getproplen(Client *c) {
    char name[STRING], text[STRING];
    int size;
    return get_string(c, c->in[1], name) && value_of(c, c->in[0], name, text, &size) ? (uint32_t)size : FAILED;
}

static uint32_t getprop(Client *c) {
    char name[STRING], text[STRING];
    int size;
    const void *value = get_string(c, c->in[1], name) ? value_of(c, c->in[0], name, text, &size) : NULL;
    return value ? put_bytes(c, c->in[2], c->in[3], value, (uint32_t)size) : FAILED;
}

static uint32_t nextprop(Client *c) {
    char before[STRING] = "";
    const void *tree = c->s->tree;
    const char *name = NULL;
    if (c->in[1] && !get_string(c, c->in[1], before)) {
        return FAILED;
    }
    bool found = !before[0];
    int prop;
    fdt_for_each_property_offset(prop, tree, node_of(c, c->in[0])) {
        fdt_getprop_by_offset(tree, prop, &name, NULL);
        if (found) {
            put_bytes(c, c->in[2], NAME, name, (uint32_t)strlen(name) + 1);
            return 1;
        }
        found = name && strcmp(name, before) == 0;
    }
    put_bytes(c, c->in[2], 1, "", 1);
    return found || strcmp(before, "name") == 0 ? 0 : FAILED;
}

static uint32_t setprop(Client *c) {
    char name[STRING];
    if (!get_string(c, c->in[1], name) || c->in[3] > VALUE) {
        return FAILED;
    }
    g_autofree void *value = g_malloc(c->in[3] + 1);
    if (dma_read(c->machine->bus, c->in[2], value, c->in[3]) != DMA_OK ||
        fdt_setprop(c->s->tree, node_of(c, c->in[0]), name, value, (int)c->in[3]) != 0) {
        return FAILED;
    }
    return c->in[3];
}

/* -- memory -- */

static bool is_free(const Client *c, uint64_t base, uint64_t size) {
    if (base + size > c->machine->ram_size) {
        return false;
    }
    for (uint32_t i = 0; i < c->s->claim_count; i++) {
        const SpaprClaim *m = &c->s->claims[i];
        if (base < m->base + m->size && m->base < base + size) {
            return false;
        }
    }
    return true;
}

static bool add_claim(Spapr *s, uint64_t base, uint64_t size) {
    if (s->claim_count == SPAPR_CLAIMS) {
        return false;
    }
    s->claims[s->claim_count++] = (SpaprClaim){ base, size };
    return true;
}

static uint32_t claim(Client *c) {
    enum { PAGE = 4096 };
    uint64_t at = c->in[0], size = c->in[1], align = c->in[2];
    if (size == 0 || (align & (align - 1))) {
        return FAILED;
    }
    align = align && align < PAGE ? PAGE : align;
    for (at = align ? align : at; align && !is_free(c, at, size) && at < c->machine->ram_size; at += align) {
    }
    return is_free(c, at, size) && at + size <= UINT32_MAX && add_claim(c->s, at, size) ? (uint32_t)at : FAILED;
}

/* A part of what was claimed, or all of it. */
static uint32_t release(Client *c) {
    uint64_t at = c->in[0], size = c->in[1];
    for (uint32_t i = 0; i < c->s->claim_count; i++) {
        SpaprClaim *m = &c->s->claims[i];
        if (at == m->base && size < m->size) {
            m->base += size;
            m->size -= size;
            return 0;
        }
        if (at >= m->base && at + size == m->base + m->size) {
            m->size -= size;
            if (!m->size) {
                *m = c->s->claims[--c->s->claim_count];
            }
            return 0;
        }
    }
    return FAILED;
}

/* -- terminal, time, end -- */

static uint32_t write_text(Client *c) {
    Device *vty = machine_device(c->machine, "vty");
    uint8_t bytes[SPAPR_VTY_PIECE];
    uint32_t done = 0, size = MIN(c->in[2], TEXT);
    while (done < size) {
        unsigned n = MIN(size - done, SPAPR_VTY_PIECE);
        if (dma_read(c->machine->bus, c->in[1] + done, bytes, n) != DMA_OK) {
            return FAILED;
        }
        for (unsigned i = 0; !spapr_vty_put(vty, bytes, n); i++) { /* the host takes it soon, or not at all */
            if (i == 1000) {
                return done;
            }
            g_usleep(1000);
        }
        done += n;
    }
    return done;
}

static uint32_t read_text(Client *c) {
    uint8_t bytes[SPAPR_VTY_PIECE];
    unsigned n = c->in[2] >= SPAPR_VTY_PIECE ? spapr_vty_get(machine_device(c->machine, "vty"), bytes) : 0;
    return n && dma_write(c->machine->bus, c->in[1], bytes, n) == DMA_OK ? n : FAILED;
}

static uint32_t milliseconds(Client *c) {
    return (uint32_t)(ppc_timebase(c->env) / (PSERIES_TIMEBASE_HZ / 1000));
}

static uint32_t leave(Client *c) {
    ppc_power(c->env, CPU_POWER_OFF);
    return 0;
}

static uint32_t quiesce(Client *c) {
    return 0;
}

/* -- methods -- */

/* RTAS is a hypercall, too, with the arguments' address behind its number; big-endian, in 32 or 64 bits. */
static void put_entry(Machine *m, uint64_t at, uint32_t number) {
    const uint32_t code[] = {
        GUINT32_TO_BE(0x7c641b78),          /* mr r4,r3 */
        GUINT32_TO_BE(0x38600000),          /* li r3,0 */
        GUINT32_TO_BE(0x60630000 | number), /* ori r3,r3,number */
        GUINT32_TO_BE(0x44000022),          /* sc 1 */
        GUINT32_TO_BE(0x4e800020),          /* blr */
    };
    dma_write(m->bus, at, code, sizeof code);
}

static uint32_t instantiate_rtas(Client *c, uint32_t at) {
    if (dma_check(c->machine->bus, at, PSERIES_RTAS_SIZE, true) != DMA_OK) {
        return FAILED;
    }
    put_entry(c->machine, at, H_RTAS);
    c->out[1] = at;
    return 0;
}

/* Skips the PVRs that the guest can, pairs of mask and value of which the last has a mask that says so. The address of the
 * vectors behind them, or 0. */
static uint64_t skip_pvrs(Client *c, uint64_t at) {
    for (unsigned i = 0; i < 256; i++, at += 8) {
        uint32_t pair[2];
        if (dma_read(c->machine->bus, at, pair, sizeof pair) != DMA_OK) {
            return 0;
        }
        if (~GUINT32_FROM_BE(pair[0]) & GUINT32_FROM_BE(pair[1])) {
            return at + 8;
        }
    }
    return 0;
}

/* Behind the PVRs: the number of vectors - 1; each has its length - 1 in front. */
static bool fifth_vector(Client *c, uint64_t at, uint8_t vector[64]) {
    uint8_t count = 0, length = 0;
    at = skip_pvrs(c, at);
    if (!at || dma_read(c->machine->bus, at++, &count, 1) != DMA_OK) {
        return false;
    }
    memset(vector, 0, 64);
    for (unsigned i = 0; i < 5 && i <= count; i++, at += length + 2u) {
        if (dma_read(c->machine->bus, at, &length, 1) != DMA_OK ||
            (i == 4 && dma_read(c->machine->bus, at, vector, MIN(length + 2u, 64)) != DMA_OK)) {
            return false;
        }
    }
    return true;
}

static void use_tree(Spapr *s, DevTree *tree) {
    size_t size;
    const void *blob = devtree_blob(tree, &size);
    int failed = fdt_open_into(blob, s->tree, SPAPR_TREE);
    s->tree_size = failed ? 0 : SPAPR_TREE;
}

static void give_phandles(Spapr *s) {
    uint32_t next = PHANDLES;
    for (int node = 0; node >= 0; node = fdt_next_node(s->tree, node, NULL)) {
        if (!fdt_get_phandle(s->tree, node)) {
            fdt_setprop_u32(s->tree, node, "phandle", next++);
        }
    }
}

static uint32_t client_support(Client *c, uint32_t at) {
    uint8_t vector[64];
    if (!fifth_vector(c, at, vector)) {
        return FAILED;
    }
    g_autoptr(DevTree) tree = devtree_open(c->s->tree, SPAPR_TREE, "the partition's", NULL);
    if (!tree) {
        return FAILED;
    }
    pseries_choose(c->machine, tree, vector);
    use_tree(c->s, tree);
    c->out[1] = 0;
    return 0;
}

static uint32_t call_method(Client *c) {
    static const struct { const char *name; uint32_t (*call)(Client *c, uint32_t argument); } methods[] = {
        { "instantiate-rtas", instantiate_rtas }, { "ibm,client-architecture-support", client_support },
    };
    char name[STRING];
    if (!get_string(c, c->in[0], name)) {
        return FAILED;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return methods[i].call(c, c->in[2]);
        }
    }
    log_line(&c->machine->log, LOG_UNIMP, "pseries: the client interface has no method %s", name);
    return FAILED;
}

/* -- services -- */

static const struct {
    const char *name;
    unsigned inputs, outputs;
    uint32_t (*call)(Client *c);
} services[] = {
    { "finddevice", 1, 1, finddevice }, { "getprop", 4, 1, getprop }, { "getproplen", 2, 1, getproplen },
    { "nextprop", 3, 1, nextprop }, { "setprop", 4, 1, setprop }, { "child", 1, 1, child }, { "peer", 1, 1, peer },
    { "parent", 1, 1, parent }, { "package-to-path", 3, 1, package_to_path },
    { "instance-to-path", 3, 1, instance_to_path }, { "instance-to-package", 1, 1, instance_to_package },
    { "open", 1, 1, open_device }, { "close", 1, 0, close_device }, { "write", 3, 1, write_text },
    { "read", 3, 1, read_text }, { "claim", 3, 1, claim }, { "release", 2, 0, release },
    { "call-method", 3, 2, call_method }, { "milliseconds", 0, 1, milliseconds }, { "exit", 0, 0, leave },
    { "quiesce", 0, 0, quiesce },
};

static uint32_t serve(Client *c, const char *name) {
    for (unsigned i = 0; i < G_N_ELEMENTS(services); i++) {
        if (strcmp(services[i].name, name) == 0) {
            bool enough = c->inputs >= services[i].inputs && c->outputs >= services[i].outputs;
            return enough && c->s->tree_size ? services[i].call(c) : FAILED;
        }
    }
    log_line(&c->machine->log, LOG_UNIMP, "pseries: the client interface has no service %s", name);
    return FAILED;
}

/* Big-endian words: address of the name, numbers of arguments and of results, these. */
static int64_t h_client(PseriesCall *call) {
    Client c = { call->machine, call->env, call->cpu, pseries_spapr(call->machine) };
    uint64_t at = (uint32_t)pseries_arg(call, 0);
    Bus *bus = call->machine->bus;
    uint32_t head[3];
    char name[STRING];
    if (dma_read(bus, at, head, sizeof head) != DMA_OK || !get_string(&c, GUINT32_FROM_BE(head[0]), name)) {
        return H_PARAMETER;
    }
    c.inputs = GUINT32_FROM_BE(head[1]);
    c.outputs = GUINT32_FROM_BE(head[2]);
    if (c.inputs > ARGS || c.outputs > ARGS || dma_read(bus, at + 12, c.in, 4 * c.inputs) != DMA_OK) {
        return H_PARAMETER;
    }
    for (unsigned i = 0; i < c.inputs; i++) {
        c.in[i] = GUINT32_FROM_BE(c.in[i]);
    }
    c.out[0] = serve(&c, name);
    for (unsigned i = 0; i < c.outputs; i++) {
        c.out[i] = GUINT32_TO_BE(c.out[i]);
    }
    return dma_write(bus, at + 12 + 4 * (uint64_t)c.inputs, c.out, 4 * c.outputs) == DMA_OK ? H_SUCCESS : H_PARAMETER;
}

/* -- for firmware, which plays the client interface itself -- */

/* ibm,client-architecture-support with the address of what the guest said: a buffer and its size, which gets a version
 * and the tree as it is now. */
static int64_t h_support(PseriesCall *call) {
    enum { VERSION = 1 };
    Client c = { call->machine, call->env, call->cpu, pseries_spapr(call->machine) };
    uint64_t at = pseries_arg(call, 1), room = pseries_arg(call, 2);
    const uint32_t head = GUINT32_TO_BE(VERSION);
    uint8_t vector[64];
    size_t size;
    const void *blob = g_bytes_get_data(call->machine->dtb, &size);
    g_autoptr(DevTree) tree = devtree_open(blob, size, "the machine's", NULL);
    if (!tree || !fifth_vector(&c, pseries_arg(call, 0), vector)) {
        return H_PARAMETER;
    }
    pseries_choose(call->machine, tree, vector);
    blob = devtree_blob(tree, &size);
    bool fits = room >= size + sizeof head && dma_write(call->machine->bus, at, &head, sizeof head) == DMA_OK &&
                dma_write(call->machine->bus, at + sizeof head, blob, size) == DMA_OK;
    return fits ? H_SUCCESS : H_PARAMETER;
}

/* The tree that firmware has made of it, which nobody asks for. */
static int64_t h_tree(PseriesCall *call) {
    return H_SUCCESS;
}

static const PseriesCallRow rows[] = { { H_CAS, h_support }, { H_UPDATE_DT, h_tree }, { H_CLIENT, h_client } };
const PseriesCallTable pseries_calls_client = { rows, G_N_ELEMENTS(rows) };

/* -- the start -- */

/* What clients find in /chosen, as instances. */
static void describe_instances(Spapr *s) {
    static const struct { const char *name, *path; } rows_[] = {
        { "stdout", "/vdevice/vty" }, { "stdin", "/vdevice/vty" }, { "cpu", "/cpus" },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows_); i++) {
        int node = fdt_path_offset(s->tree, rows_[i].path);
        node = strcmp(rows_[i].name, "cpu") == 0 ? fdt_first_subnode(s->tree, node) : node;
        uint32_t instance = fdt_get_phandle(s->tree, node) | INSTANCE;
        fdt_setprop_u32(s->tree, fdt_path_offset(s->tree, "/chosen"), rows_[i].name, instance);
    }
}

/* Without the client interface RTAS stands behind the tree, as a part of it that kernels leave alone. A tree that is too
 * large stays as it is. */
static void add_rtas(Machine *m, Spapr *s, uint64_t at) {
    enum { TREE = PSERIES_BOOT_ROOM - PSERIES_RTAS_SIZE };
    int rtas;
    if (fdt_open_into(g_bytes_get_data(m->dtb, NULL), s->tree, TREE) == 0 &&
        (rtas = fdt_path_offset(s->tree, "/rtas")) >= 0 &&
        fdt_setprop_u32(s->tree, rtas, "linux,rtas-base", (uint32_t)at + TREE) == 0 &&
        fdt_setprop_u32(s->tree, rtas, "linux,rtas-entry", (uint32_t)at + TREE) == 0) {
        fdt_set_totalsize(s->tree, PSERIES_BOOT_ROOM);
        dma_write(m->bus, at, s->tree, TREE);
        put_entry(m, at + TREE, H_RTAS);
    }
    memset(s->tree, 0, SPAPR_TREE);
}

void pseries_boot(Machine *m) {
    LoaderEntry entry = loader_entry(m->loader);
    Env *env = vcpu_env(g_ptr_array_index(m->vcpus, 0));
    Spapr *s = pseries_spapr(m);
    for (unsigned i = 0; i < m->cpus; i++) {
        ppc_leave_partition(vcpu_env(g_ptr_array_index(m->vcpus, i)));
    }
    if (m->options.bios) {
        m->cls->frontend->set_entry(env, FIRMWARE_ENTRY, &entry.dtb, 1);
        return;
    }
    if (m->keys.no_client) {
        add_rtas(m, s, entry.dtb);
        return;
    }
    if (fdt_open_into(g_bytes_get_data(m->dtb, NULL), s->tree, SPAPR_TREE) != 0) {
        return; /* a user's that is too large: the kernel finds it as it is */
    }
    s->tree_size = SPAPR_TREE;
    give_phandles(s);
    describe_instances(s);
    add_claim(s, entry.low, entry.high - entry.low);
    add_claim(s, entry.dtb, PSERIES_BOOT_ROOM);
    if (entry.initrd_size) {
        add_claim(s, entry.initrd, entry.initrd_size);
    }
    put_entry(m, entry.dtb, H_CLIENT);
    ppc_set_gpr(env, 1, entry.dtb + PSERIES_BOOT_ROOM - 512); /* a stack */
    ppc_set_gpr(env, 3, entry.initrd);
    ppc_set_gpr(env, 4, entry.initrd_size);
    ppc_set_gpr(env, 5, entry.dtb);
}
