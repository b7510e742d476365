/* SPDX-License-Identifier: MIT */
/*
 * gdbstub.c - gdb's remote protocol: packets in, guest asked, replies out.
 * Spec: Debugging with GDB, appendix E (remote serial protocol) and G (descriptions of registers).
 * Missing: non-stop mode, range steps, reverse execution, extended-remote, file i/o; no memory map is given, because gdb
 * takes one for all that there is, and guest addresses are virtual.
 */
#include "system/gdbstub.h"

#include <inttypes.h>
#include <string.h>

enum { PACKET_MAX = 0x4000, SIGNAL_INT = 2, SIGNAL_TRAP = 5, INTERRUPT = 3 };
enum { STEP_ENABLE = 1, STEP_NO_IRQ = 2, STEP_NO_TIMER = 4 };
/* Errors are numbers without meaning in the protocol; these are the usual ones. */
#define E_INVALID "E22"
#define E_ADDRESS "E14"
#define E_RUNNING "E01"

/* A Z packet in force. */
typedef struct Point {
    unsigned type; /* the digit after Z */
    uint64_t addr, size;
} Point;

typedef enum Phase { PHASE_IDLE, PHASE_BODY, PHASE_ESCAPE, PHASE_SUM_HIGH, PHASE_SUM_LOW } Phase;

struct GdbStub {
    GdbGuest guest;
    bool connected;
    bool running;        /* the client waits for the guest to stop */
    bool no_ack;
    bool multiprocess, swbreak, hwbreak; /* what the client understands */
    bool physical;       /* memory packets mean physical addresses */
    unsigned step_mode;  /* STEP_* */
    unsigned cpu;        /* of register and memory packets */
    unsigned g_regs;     /* how many registers g packets have */
    GArray *points;
    GString *stop;       /* the last stop reply */
    GString *description; /* target.xml */
    /* receiving */
    Phase phase;
    GString *body;
    bool too_long;
    uint8_t sum, sum_sent;
    bool sum_bad;        /* its digits are none */
    /* sending */
    GString *last;       /* packet, for retransmission */
    GString *out;        /* goes out in one piece */
};

/* What is left of a packet. */
typedef struct Reader {
    const char *at, *end;
} Reader;

/* -- reading packets -- */

static bool accept(Reader *r, char c) {
    bool yes = r->at < r->end && *r->at == c;
    r->at += yes;
    return yes;
}

static bool read_number(Reader *r, uint64_t *value) {
    const char *start = r->at;
    *value = 0;
    while (r->at < r->end && g_ascii_isxdigit(*r->at) && r->at - start < 16) {
        *value = *value << 4 | (uint64_t)g_ascii_xdigit_value(*r->at++);
    }
    return r->at > start && (r->at == r->end || !g_ascii_isxdigit(*r->at));
}

/* Exactly `size` bytes in hex. */
static bool read_bytes(Reader *r, uint8_t *bytes, size_t size) {
    if ((size_t)(r->end - r->at) < size * 2) {
        return false;
    }
    for (size_t i = 0; i < size; i++, r->at += 2) {
        int high = g_ascii_xdigit_value(r->at[0]), low = g_ascii_xdigit_value(r->at[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_word(Reader *r, const char *word) {
    size_t n = strlen(word);
    bool yes = (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
    r->at += yes ? n : 0;
    return yes;
}

static bool at_end(const Reader *r) {
    return r->at == r->end;
}

enum { ANY_CPU = -1, NO_CPU = -2 };

/* "pPROCESS.THREAD" or "THREAD"; a number, 0 (any) or -1 (all). False: malformed. NO_CPU: there is no such thread. */
static bool read_thread(Reader *r, int *cpu) {
    uint64_t process = 1, thread = 0;
    bool all = false;
    if (accept(r, 'p')) {
        if (accept(r, '-')) {
            if (!accept(r, '1')) {
                return false;
            }
        } else if (!read_number(r, &process)) {
            return false;
        }
        all = !accept(r, '.'); /* the whole process */
    }
    if (!all) {
        if (accept(r, '-')) {
            if (!accept(r, '1')) {
                return false;
            }
        } else if (!read_number(r, &thread)) {
            return false;
        }
    }
    *cpu = process > 1 || thread > INT32_MAX ? NO_CPU : thread == 0 ? ANY_CPU : (int)thread - 1;
    return true;
}

/* -- writing packets -- */

static void put_framed(GdbStub *s, const char *text, size_t size) {
    static const char special[] = "#$}*";
    uint8_t sum = 0;
    g_string_truncate(s->last, 0);
    g_string_append_c(s->last, '$');
    for (size_t i = 0; i < size; i++) {
        if (text[i] && strchr(special, text[i])) {
            g_string_append_c(s->last, '}');
            g_string_append_c(s->last, (char)(text[i] ^ 0x20));
        } else {
            g_string_append_c(s->last, text[i]);
        }
    }
    for (size_t i = 1; i < s->last->len; i++) {
        sum = (uint8_t)(sum + (uint8_t)s->last->str[i]);
    }
    g_string_append_printf(s->last, "#%02x", sum);
    g_string_append_len(s->out, s->last->str, (gssize)s->last->len);
}

static void put(GdbStub *s, const char *text) {
    put_framed(s, text, strlen(text));
}

static void put_result(GdbStub *s, bool good, const char *error) {
    put(s, good ? "OK" : error);
}

static void append_hex(GString *out, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        g_string_append_printf(out, "%02x", ((const uint8_t *)bytes)[i]);
    }
}

static void append_thread(const GdbStub *s, GString *out, unsigned cpu) {
    g_string_append_printf(out, s->multiprocess ? "p1.%x" : "%x", cpu + 1);
}

static void flush(GdbStub *s) {
    if (s->out->len) {
        s->guest.send(s->guest.opaque, s->out->str, s->out->len);
        g_string_truncate(s->out, 0);
    }
}

/* -- the description of registers -- */

/* One lane width of a vector register. */
typedef struct Lane {
    unsigned bits;
    char letter;
    const char *real;
} Lane;

/* A union of vectors, for 128-bit registers: by lane, then as reals, unsigned and signed numbers. */
static void describe_vectors(GString *x) {
    static const Lane lanes[] = {
        {64, 'd', "ieee_double"}, {32, 's', "ieee_single"}, {16, 'h', "ieee_half"}, {8, 'b', NULL}, {128, 'q', NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lanes); i++) {
        const Lane *l = &lanes[i];
        const struct { char name; const char *type; } kinds[] = {{'f', l->real}, {'u', "uint"}, {'s', "int"}};
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
            if (kinds[k].type) {
                g_string_append_printf(x, "<vector id=\"lanes_%c%c\" type=\"%s", l->letter, kinds[k].name,
                                       kinds[k].type);
                if (k) {
                    g_string_append_printf(x, "%u", l->bits);
                }
                g_string_append_printf(x, "\" count=\"%u\"/>", 128 / l->bits);
            }
        }
        g_string_append_printf(x, "<union id=\"lanes_%c\">", l->letter);
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
            if (kinds[k].type) {
                g_string_append_printf(x, "<field name=\"%c\" type=\"lanes_%c%c\"/>", kinds[k].name, l->letter,
                                       kinds[k].name);
            }
        }
        g_string_append(x, "</union>");
    }
    g_string_append(x, "<union id=\"vector128\">");
    for (size_t i = 0; i < G_N_ELEMENTS(lanes); i++) {
        g_string_append_printf(x, "<field name=\"%c\" type=\"lanes_%c\"/>", lanes[i].letter, lanes[i].letter);
    }
    g_string_append(x, "</union>\n");
}

static bool is_standard(const CpuReg *reg) {
    return g_str_has_prefix(reg->feature, "org.gnu.gdb.");
}

static GString *describe(const GdbGuest *g) {
    GString *x = g_string_new("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">");
    const char *feature = NULL;
    bool vectors = false;
    g_string_append_printf(x, "<architecture>%s</architecture>\n", g->architecture);
    for (unsigned i = 0; i < g->reg_count; i++) {
        const CpuReg *reg = &g->regs[i];
        if (!feature || strcmp(feature, reg->feature) != 0) {
            g_string_append_printf(x, "%s<feature name=\"%s\">\n", feature ? "</feature>\n" : "", reg->feature);
            feature = reg->feature;
            vectors = false;
        }
        if (reg->bits == 128 && !vectors) {
            describe_vectors(x);
            vectors = true;
        }
        bool scalar = reg->bits == 64 && reg->name[0] == 'f' && g_ascii_isdigit(reg->name[1]);
        const char *type = scalar ? "ieee_double" : strcmp(reg->name, "pc") == 0 ? "code_ptr" : strcmp(reg->name, "sp") == 0 ? "data_ptr" :
                           reg->bits == 128 ? "vector128" : "int";
        g_string_append_printf(x, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n", reg->name,
                               reg->bits, type, i, is_standard(reg) ? "" : " group=\"system\" save-restore=\"no\"");
    }
    g_string_append(x, feature ? "</feature></target>" : "</target>");
    return x;
}

/* -- stopping and going -- */

static void set_stop(GdbStub *s, int signal, unsigned cpu) {
    g_string_printf(s->stop, "T%02xthread:", signal);
    append_thread(s, s->stop, cpu);
    g_string_append_c(s->stop, ';');
}

static void pause_now(GdbStub *s) {
    s->guest.pause(s->guest.opaque);
    s->running = false;
}

static const char *point_name(const GdbStub *s, const TcgStop *stop) {
    static const char *const watches[] = {
        [TCG_WATCH_WRITE] = "watch", [TCG_WATCH_READ] = "rwatch", [TCG_WATCH_ACCESS] = "awatch",
    };
    if (stop->kind == TCG_STOP_WATCH) {
        return watches[stop->point];
    }
    IrVal pc = {.u64 = 0};
    unsigned reg = 0;
    while (reg < s->guest.reg_count && strcmp(s->guest.regs[reg].name, "pc") != 0) {
        reg++;
    }
    if (reg == s->guest.reg_count) {
        return NULL;
    }
    s->guest.get_reg(s->guest.opaque, stop->vcpu, reg, &pc);
    for (unsigned i = 0; i < s->points->len; i++) {
        const Point *p = &g_array_index(s->points, Point, i);
        if (p->type < 2 && p->addr == pc.u64) {
            return p->type ? (s->hwbreak ? "hwbreak" : NULL) : (s->swbreak ? "swbreak" : NULL);
        }
    }
    return NULL;
}

void gdbstub_stopped(GdbStub *s, const TcgStop *stop) {
    if (!s->connected || !s->running) {
        return;
    }
    s->running = false;
    s->cpu = stop->vcpu;
    set_stop(s, SIGNAL_TRAP, stop->vcpu);
    const char *name = stop->kind == TCG_STOP_STEP ? NULL : point_name(s, stop);
    if (stop->kind == TCG_STOP_WATCH) {
        g_string_append_printf(s->stop, "%s:%" PRIx64 ";", name, stop->va);
    } else if (name) {
        g_string_append_printf(s->stop, "%s:;", name);
    }
    put(s, s->stop->str);
    flush(s);
}

void gdbstub_paused(GdbStub *s, const char *text) {
    if (!s->connected || !s->running) {
        return;
    }
    g_autoptr(GString) line = g_string_new("O");
    append_hex(line, text, strlen(text));
    put(s, line->str);
    s->running = false;
    set_stop(s, SIGNAL_INT, s->cpu);
    put(s, s->stop->str);
    flush(s);
}

void gdbstub_exited(GdbStub *s, int code) {
    if (s->connected) {
        g_string_printf(s->stop, "W%02x%s", code & 0xff, s->multiprocess ? ";process:1" : "");
        put(s, s->stop->str);
        flush(s);
        s->running = false;
    }
}

static void interrupt(GdbStub *s) {
    if (s->running) {
        pause_now(s);
        set_stop(s, SIGNAL_INT, s->cpu);
        put(s, s->stop->str);
    }
}

/* The protocol state is settled first: the guest may stop within the call. */
static void go(GdbStub *s, bool step, unsigned cpu) {
    s->running = true;
    if (step) {
        s->guest.step(s->guest.opaque, cpu);
    } else {
        s->guest.resume(s->guest.opaque);
    }
}

static bool set_pc(GdbStub *s, uint64_t pc) {
    for (unsigned i = 0; i < s->guest.reg_count; i++) {
        if (strcmp(s->guest.regs[i].name, "pc") == 0) {
            return s->guest.set_reg(s->guest.opaque, s->cpu, i, &(IrVal){.u64 = pc});
        }
    }
    return false;
}

/* c [addr], s [addr]; C and S have a signal, which means nothing to a machine. */
static void resume(GdbStub *s, Reader *r, bool step, bool signal) {
    uint64_t number, pc;
    bool good = true;
    if (signal) {
        good = read_number(r, &number) && (at_end(r) || accept(r, ';'));
    }
    if (good && !at_end(r)) {
        good = read_number(r, &pc) && at_end(r) && set_pc(s, pc);
    }
    if (good) {
        go(s, step, s->cpu);
    } else {
        put(s, E_INVALID);
    }
}

static void on_c(GdbStub *s, Reader *r) {
    resume(s, r, false, false);
}
static void on_C(GdbStub *s, Reader *r) {
    resume(s, r, false, true);
}
static void on_s(GdbStub *s, Reader *r) {
    resume(s, r, true, false);
}
static void on_S(GdbStub *s, Reader *r) {
    resume(s, r, true, true);
}

static void on_vcont_query(GdbStub *s, Reader *r) {
    put(s, "vCont;c;C;s;S");
}

/* ;action[:thread]...: the first action that fits decides for a CPU. A CPU steps alone. */
static void on_vcont(GdbStub *s, Reader *r) {
    int step_cpu = NO_CPU;
    bool any = false, rest_decided = false;
    while (accept(r, ';')) {
        uint64_t signal;
        int cpu = ANY_CPU;
        bool step = r->at < r->end && (*r->at == 's' || *r->at == 'S');
        bool good = step || (r->at < r->end && (*r->at == 'c' || *r->at == 'C'));
        if (good) {
            bool with_signal = g_ascii_isupper(*r->at++);
            good = (!with_signal || read_number(r, &signal)) && (!accept(r, ':') || read_thread(r, &cpu));
        }
        if (!good || cpu == NO_CPU || cpu >= (int)s->guest.cpus) {
            put(s, E_INVALID);
            return;
        }
        if (step && step_cpu == NO_CPU && !rest_decided) {
            step_cpu = cpu == ANY_CPU ? (int)s->cpu : cpu;
        }
        rest_decided |= cpu == ANY_CPU;
        any = true;
    }
    if (!any || !at_end(r)) {
        put(s, E_INVALID);
    } else {
        go(s, step_cpu >= 0, step_cpu >= 0 ? (unsigned)step_cpu : 0);
    }
}

static void on_why(GdbStub *s, Reader *r) {
    put(s, s->stop->str);
}

static void forget_points(GdbStub *s) {
    g_array_set_size(s->points, 0);
    s->guest.clear_points(s->guest.opaque);
}

static void on_detach(GdbStub *s, Reader *r) {
    put(s, "OK");
    flush(s);
    if (s->running) {
        pause_now(s);
    }
    forget_points(s);
    s->connected = false; /* whatever it still says */
    s->guest.resume(s->guest.opaque);
}

static void on_kill(GdbStub *s, Reader *r) {
    s->guest.kill(s->guest.opaque);
}

static void on_vkill(GdbStub *s, Reader *r) {
    put(s, "OK");
    flush(s);
    s->guest.kill(s->guest.opaque);
}

/* -- registers -- */

static unsigned reg_bytes(const GdbStub *s, unsigned reg) {
    return s->guest.regs[reg].bits / 8;
}

static void append_reg(GdbStub *s, GString *out, unsigned reg) {
    IrVal value;
    memset(&value, 0, sizeof value);
    s->guest.get_reg(s->guest.opaque, s->cpu, reg, &value);
    append_hex(out, value.b, reg_bytes(s, reg));
}

static void on_g(GdbStub *s, Reader *r) {
    g_autoptr(GString) out = g_string_new(NULL);
    for (unsigned i = 0; i < s->g_regs; i++) {
        append_reg(s, out, i);
    }
    put(s, out->str);
}

static void on_G(GdbStub *s, Reader *r) {
    size_t size = 0;
    for (unsigned i = 0; i < s->g_regs; i++) {
        size += 2 * reg_bytes(s, i);
    }
    if ((size_t)(r->end - r->at) != size) {
        put(s, E_INVALID);
        return;
    }
    for (Reader check = *r; check.at < check.end; check.at++) { /* all or nothing */
        if (!g_ascii_isxdigit(*check.at)) {
            put(s, E_INVALID);
            return;
        }
    }
    for (unsigned i = 0; i < s->g_regs; i++) {
        IrVal value;
        memset(&value, 0, sizeof value);
        read_bytes(r, value.b, reg_bytes(s, i));
        s->guest.set_reg(s->guest.opaque, s->cpu, i, &value);
    }
    put(s, "OK");
}

static void on_p(GdbStub *s, Reader *r) {
    g_autoptr(GString) out = g_string_new(NULL);
    uint64_t reg;
    if (!read_number(r, &reg) || !at_end(r) || reg >= s->guest.reg_count) {
        put(s, E_INVALID);
        return;
    }
    append_reg(s, out, (unsigned)reg);
    put(s, out->str);
}

static void on_P(GdbStub *s, Reader *r) {
    uint64_t reg;
    IrVal value;
    memset(&value, 0, sizeof value);
    bool good = read_number(r, &reg) && reg < s->guest.reg_count && accept(r, '=') &&
                read_bytes(r, value.b, reg_bytes(s, (unsigned)reg)) && at_end(r);
    put_result(s, good && s->guest.set_reg(s->guest.opaque, s->cpu, (unsigned)reg, &value), E_INVALID);
}

/* -- memory -- */

static bool memory(GdbStub *s, uint64_t addr, void *bytes, uint64_t size, bool write) {
    return s->guest.memory(s->guest.opaque, s->cpu, addr, bytes, size, write, s->physical);
}

/* Reads as much of the range as there is, up to `max` bytes. NULL: malformed, or nothing (the error has been sent). */
static GByteArray *read_range(GdbStub *s, Reader *r, size_t max) {
    uint64_t addr, size;
    if (!read_number(r, &addr) || !accept(r, ',') || !read_number(r, &size) || !at_end(r)) {
        put(s, E_INVALID);
        return NULL;
    }
    size = MIN(size, max);
    GByteArray *bytes = g_byte_array_sized_new((guint)size);
    g_byte_array_set_size(bytes, (guint)size);
    uint64_t done = 0;
    while (done < size) {
        uint64_t part = MIN(size - done, 4096 - ((addr + done) & 4095));
        if (!memory(s, addr + done, bytes->data + done, part, false)) {
            break;
        }
        done += part;
    }
    g_byte_array_set_size(bytes, (guint)done);
    if (done == 0 && size) {
        g_byte_array_unref(bytes);
        put(s, E_ADDRESS);
        return NULL;
    }
    return bytes;
}

static void on_m(GdbStub *s, Reader *r) {
    g_autoptr(GByteArray) bytes = read_range(s, r, PACKET_MAX / 2 - 8);
    if (bytes) {
        g_autoptr(GString) out = g_string_new(NULL);
        append_hex(out, bytes->data, bytes->len);
        put(s, out->str);
    }
}

static void on_x(GdbStub *s, Reader *r) {
    g_autoptr(GByteArray) bytes = read_range(s, r, PACKET_MAX / 2 - 8);
    if (bytes) {
        g_byte_array_prepend(bytes, (const guint8 *)"b", 1);
        put_framed(s, (const char *)bytes->data, bytes->len);
    }
}

static bool read_place(Reader *r, uint64_t *addr, uint64_t *size) {
    return read_number(r, addr) && accept(r, ',') && read_number(r, size) && accept(r, ':') && *size <= PACKET_MAX;
}

static void on_M(GdbStub *s, Reader *r) {
    uint64_t addr, size;
    uint8_t bytes[PACKET_MAX];
    if (!read_place(r, &addr, &size) || !read_bytes(r, bytes, size) || !at_end(r)) {
        put(s, E_INVALID);
    } else {
        put_result(s, memory(s, addr, bytes, size, true), E_ADDRESS);
    }
}

static void on_X(GdbStub *s, Reader *r) {
    uint64_t addr, size;
    uint8_t bytes[PACKET_MAX];
    if (!read_place(r, &addr, &size) || (uint64_t)(r->end - r->at) != size) {
        put(s, E_INVALID);
        return;
    }
    memcpy(bytes, r->at, size);
    put_result(s, memory(s, addr, bytes, size, true), E_ADDRESS);
}

/* -- points -- */

/* Digits after Z. Software and hardware breakpoints are the same thing here. */
static const TcgPointKind point_kinds[] = { TCG_BREAK, TCG_BREAK, TCG_WATCH_WRITE, TCG_WATCH_READ, TCG_WATCH_ACCESS };

static int find_point(const GdbStub *s, const Point *like, bool same_type) {
    for (unsigned i = 0; i < s->points->len; i++) {
        const Point *p = &g_array_index(s->points, Point, i);
        if (p->addr == like->addr && (same_type ? p->type == like->type : p->type < 2 && like->type < 2) &&
            (like->type < 2 || p->size == like->size)) {
            return (int)i;
        }
    }
    return -1;
}

static void on_point(GdbStub *s, Reader *r, bool add) {
    Point p = {0};
    if (at_end(r) || *r->at < '0' || *r->at > '4') {
        put(s, ""); /* a kind of point that does not exist here */
        return;
    }
    p.type = (unsigned)(*r->at++ - '0');
    /* What may follow (conditions, commands) was not offered. */
    if (!accept(r, ',') || !read_number(r, &p.addr) || !accept(r, ',') || !read_number(r, &p.size) || !at_end(r)) {
        put(s, E_INVALID);
        return;
    }
    int at = find_point(s, &p, true);
    if (add == (at >= 0)) {
        put(s, "OK"); /* repeated after a lost reply */
    } else if (add) {
        bool good = s->guest.point(s->guest.opaque, true, point_kinds[p.type], p.addr, p.size);
        if (good) {
            g_array_append_val(s->points, p);
        }
        put_result(s, good, E_INVALID);
    } else {
        g_array_remove_index_fast(s->points, (guint)at);
        if (p.type >= 2 || find_point(s, &p, false) < 0) {
            s->guest.point(s->guest.opaque, false, point_kinds[p.type], p.addr, p.size);
        }
        put(s, "OK");
    }
}

static void on_Z(GdbStub *s, Reader *r) {
    on_point(s, r, true);
}
static void on_z(GdbStub *s, Reader *r) {
    on_point(s, r, false);
}

/* -- threads -- */

static bool cpu_exists(const GdbStub *s, int cpu) {
    return cpu == ANY_CPU || (cpu >= 0 && (unsigned)cpu < s->guest.cpus);
}

static void on_H(GdbStub *s, Reader *r) {
    int cpu;
    bool for_registers = accept(r, 'g');
    if ((!for_registers && !accept(r, 'c')) || !read_thread(r, &cpu) || !at_end(r) || !cpu_exists(s, cpu)) {
        put(s, E_INVALID);
        return;
    }
    if (for_registers && cpu >= 0) {
        s->cpu = (unsigned)cpu;
    }
    put(s, "OK");
}

static void on_T(GdbStub *s, Reader *r) {
    int cpu;
    put_result(s, read_thread(r, &cpu) && at_end(r) && cpu_exists(s, cpu), E_INVALID);
}

static void on_current(GdbStub *s, Reader *r) {
    g_autoptr(GString) out = g_string_new("QC");
    append_thread(s, out, s->cpu);
    put(s, out->str);
}

static void on_threads(GdbStub *s, Reader *r) {
    g_autoptr(GString) out = g_string_new(NULL);
    for (unsigned i = 0; i < s->guest.cpus; i++) {
        g_string_append_c(out, i ? ',' : 'm');
        append_thread(s, out, i);
    }
    put(s, out->str);
}

static void on_no_more_threads(GdbStub *s, Reader *r) {
    put(s, "l");
}

static void on_thread_info(GdbStub *s, Reader *r) {
    int cpu;
    if (!accept(r, ',') || !read_thread(r, &cpu) || !at_end(r) || !cpu_exists(s, cpu)) {
        put(s, E_INVALID);
        return;
    }
    g_autofree char *text = g_strdup_printf("CPU#%d", MAX(cpu, 0));
    g_autoptr(GString) out = g_string_new(NULL);
    append_hex(out, text, strlen(text));
    put(s, out->str);
}

/* -- queries -- */

static void on_supported(GdbStub *s, Reader *r) {
    g_autofree char *list = g_strndup(r->at, (gsize)(r->end - r->at));
    g_auto(GStrv) items = g_strsplit_set(list, ":;", -1);
    const char *const *has = (const char *const *)items;
    s->multiprocess = g_strv_contains(has, "multiprocess+");
    s->swbreak = g_strv_contains(has, "swbreak+");
    s->hwbreak = g_strv_contains(has, "hwbreak+");
    if (g_str_has_prefix(s->stop->str, "T05")) {
        set_stop(s, SIGNAL_TRAP, s->cpu); /* in the way that the client understands */
    }
    g_autofree char *text = g_strdup_printf("PacketSize=%x;qXfer:features:read+;qXfer:threads:read+;vContSupported+;"
                                            "multiprocess+;swbreak+;hwbreak+;QStartNoAckMode+;binary-upload+", PACKET_MAX);
    put(s, text);
}

/* offset,length of a document. */
static void put_part(GdbStub *s, Reader *r, const GString *document) {
    uint64_t offset, size;
    if (!read_number(r, &offset) || !accept(r, ',') || !read_number(r, &size) || !at_end(r) || offset > document->len) {
        put(s, E_INVALID);
        return;
    }
    size = MIN(size, PACKET_MAX / 2 - 8);
    bool last = document->len - offset <= size;
    g_autoptr(GString) out = g_string_new(last ? "l" : "m");
    g_string_append_len(out, document->str + offset, (gssize)(last ? document->len - offset : size));
    put_framed(s, out->str, out->len);
}

static void on_features(GdbStub *s, Reader *r) {
    if (read_word(r, "target.xml:")) {
        put_part(s, r, s->description);
    } else {
        put(s, "E00"); /* no such document */
    }
}

static void on_thread_list(GdbStub *s, Reader *r) {
    g_autoptr(GString) out = g_string_new("<?xml version=\"1.0\"?><threads>");
    for (unsigned i = 0; i < s->guest.cpus; i++) {
        g_string_append(out, "<thread id=\"");
        append_thread(s, out, i);
        g_string_append_printf(out, "\" core=\"%u\" name=\"CPU#%u\"/>", i, i);
    }
    g_string_append(out, "</threads>");
    put_part(s, r, out);
}

static void on_attached(GdbStub *s, Reader *r) {
    put(s, "1"); /* so that gdb lets go of the guest when it quits */
}

static void on_no_ack(GdbStub *s, Reader *r) {
    s->no_ack = true;
    put(s, "OK");
}

static void on_ok(GdbStub *s, Reader *r) {
    put(s, "OK");
}

/* "monitor LINE": the line in hex; what it prints goes out in O packets. */
static void on_monitor(GdbStub *s, Reader *r) {
    enum { PART = 1024 };
    size_t size = (size_t)(r->end - r->at) / 2;
    g_autofree char *line = g_malloc0(size + 1);
    if (!read_bytes(r, (uint8_t *)line, size) || !at_end(r)) {
        put(s, E_INVALID);
        return;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    s->guest.command(s->guest.opaque, line, out);
    for (size_t at = 0; at < out->len; at += PART) {
        g_autoptr(GString) part = g_string_new("O");
        append_hex(part, out->str + at, MIN(PART, out->len - at));
        put(s, part->str);
    }
    put(s, "OK");
}

static void on_step_bits(GdbStub *s, Reader *r) {
    put(s, "ENABLE=1,NOIRQ=2,NOTIMER=4");
}

static void on_step_mode(GdbStub *s, Reader *r) {
    g_autofree char *text = g_strdup_printf("0x%x", s->step_mode);
    put(s, text);
}

static void on_set_step_mode(GdbStub *s, Reader *r) {
    uint64_t mode;
    bool good = (read_word(r, "0x") || true) && read_number(r, &mode) && at_end(r) && mode < 8;
    if (good) {
        s->step_mode = (unsigned)mode;
        s->guest.step_interrupts(s->guest.opaque, !(mode & STEP_NO_IRQ));
    }
    put_result(s, good, E_INVALID);
}

static void on_physical(GdbStub *s, Reader *r) {
    put(s, s->physical ? "1" : "0");
}

static void on_set_physical(GdbStub *s, Reader *r) {
    uint64_t on;
    bool good = read_number(r, &on) && at_end(r);
    s->physical = good ? on != 0 : s->physical;
    put_result(s, good, E_INVALID);
}

/* -- the table -- */

typedef struct Packet {
    const char *name;  /* how it begins; earlier rows first */
    void (*serve)(GdbStub *s, Reader *r);
    bool any_time;     /* also while the guest runs */
} Packet;

static const Packet packets[] = {
    {"?", on_why}, {"g", on_g}, {"G", on_G}, {"p", on_p}, {"P", on_P}, {"m", on_m}, {"M", on_M}, {"x", on_x},
    {"X", on_X}, {"Z", on_Z}, {"z", on_z}, {"c", on_c}, {"C", on_C}, {"s", on_s}, {"S", on_S}, {"H", on_H}, {"T", on_T},
    {"D", on_detach, true}, {"k", on_kill, true}, {"vKill", on_vkill, true},
    {"vCont?", on_vcont_query, true}, {"vCont", on_vcont},
    {"qSupported", on_supported, true}, {"QStartNoAckMode", on_no_ack, true}, {"qAttached", on_attached, true},
    {"qSymbol::", on_ok, true}, {"qXfer:features:read:", on_features, true},
    {"qXfer:threads:read::", on_thread_list, true}, {"qfThreadInfo", on_threads, true},
    {"qsThreadInfo", on_no_more_threads, true}, {"qThreadExtraInfo", on_thread_info, true}, {"qRcmd,", on_monitor},
    {"qqemu.sstepbits", on_step_bits, true}, {"qqemu.sstep", on_step_mode, true},
    {"Qqemu.sstep=", on_set_step_mode}, {"Qqemu.sstep:", on_set_step_mode},
    {"qqemu.PhyMemMode", on_physical, true}, {"Qqemu.PhyMemMode:", on_set_physical, true}, {"qC", on_current, true},
};

static void serve(GdbStub *s) {
    Reader r = {s->body->str, s->body->str + s->body->len};
    if (s->too_long) {
        put(s, E_INVALID);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
        if (read_word(&r, packets[i].name)) {
            if (s->running && !packets[i].any_time) {
                put(s, E_RUNNING);
            } else {
                packets[i].serve(s, &r);
            }
            return;
        }
    }
    put(s, ""); /* unknown */
}

/* -- bytes -- */

static void end_packet(GdbStub *s) {
    s->phase = PHASE_IDLE;
    if (!s->no_ack) {
        bool good = s->sum == s->sum_sent && !s->sum_bad;
        g_string_append_c(s->out, good ? '+' : '-');
        if (!good) {
            return;
        }
    }
    serve(s);
}

static void take_idle(GdbStub *s, uint8_t c) {
    if (c == '$') {
        s->phase = PHASE_BODY;
        g_string_truncate(s->body, 0);
        s->sum = 0;
        s->too_long = false;
    } else if (c == INTERRUPT) {
        interrupt(s);
    } else if (c == '-' && !s->no_ack) {
        g_string_append_len(s->out, s->last->str, (gssize)s->last->len);
    }
}

static void take_body(GdbStub *s, uint8_t c) {
    if (s->phase == PHASE_BODY && (c == '#' || c == '$')) {
        s->phase = PHASE_SUM_HIGH;
        if (c == '$') { /* the end of the last packet was lost */
            take_idle(s, c);
        }
        return;
    }
    s->sum = (uint8_t)(s->sum + c);
    if (s->phase == PHASE_BODY && c == '}') {
        s->phase = PHASE_ESCAPE;
        return;
    }
    if (s->phase == PHASE_ESCAPE) {
        c ^= 0x20;
        s->phase = PHASE_BODY;
    }
    s->too_long |= s->body->len >= PACKET_MAX;
    if (!s->too_long) {
        g_string_append_c(s->body, (char)c);
    }
}

static void take(GdbStub *s, uint8_t c) {
    int digit = g_ascii_xdigit_value((char)c);
    switch (s->phase) {
    case PHASE_IDLE:
        take_idle(s, c);
        break;
    case PHASE_BODY:
    case PHASE_ESCAPE:
        take_body(s, c);
        break;
    case PHASE_SUM_HIGH:
        s->sum_sent = (uint8_t)(MAX(digit, 0) << 4);
        s->sum_bad = digit < 0;
        s->phase = PHASE_SUM_LOW;
        break;
    case PHASE_SUM_LOW:
        s->sum_sent |= (uint8_t)MAX(digit, 0);
        s->sum_bad |= digit < 0;
        end_packet(s);
        break;
    }
}

void gdbstub_receive(GdbStub *s, const void *data, size_t size) {
    for (size_t i = 0; i < size && s->connected; i++) {
        take(s, ((const uint8_t *)data)[i]);
    }
    flush(s);
}

/* -- life -- */

GdbStub *gdbstub_new(const GdbGuest *guest) {
    GdbStub *s = g_new0(GdbStub, 1);
    s->guest = *guest;
    s->points = g_array_new(FALSE, FALSE, sizeof(Point));
    s->stop = g_string_new(NULL);
    s->body = g_string_new(NULL);
    s->last = g_string_new(NULL);
    s->out = g_string_new(NULL);
    s->description = describe(guest);
    while (s->g_regs < guest->reg_count && is_standard(&guest->regs[s->g_regs])) {
        s->g_regs++;
    }
    return s;
}

void gdbstub_free(GdbStub *s) {
    if (!s) {
        return;
    }
    g_array_unref(s->points);
    GString *strings[] = { s->stop, s->body, s->last, s->out, s->description };
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        g_string_free(strings[i], TRUE);
    }
    g_free(s);
}

void gdbstub_connect(GdbStub *s) {
    s->connected = true;
    s->no_ack = s->multiprocess = s->swbreak = s->hwbreak = s->physical = false;
    s->step_mode = STEP_ENABLE | STEP_NO_IRQ | STEP_NO_TIMER;
    s->cpu = 0;
    s->phase = PHASE_IDLE;
    g_string_truncate(s->last, 0);
    g_string_truncate(s->out, 0);
    s->guest.step_interrupts(s->guest.opaque, false);
    pause_now(s);
    set_stop(s, SIGNAL_TRAP, 0);
}

void gdbstub_disconnect(GdbStub *s) {
    if (!s->connected) {
        return;
    }
    s->connected = false;
    bool running = s->running;
    pause_now(s);
    forget_points(s);
    if (running) {
        s->guest.resume(s->guest.opaque);
    }
}
