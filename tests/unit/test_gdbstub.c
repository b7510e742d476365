/* SPDX-License-Identifier: MIT */
/* test_gdbstub.c - gdb's protocol against a fake guest: each packet, broken packets, and streams of random bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "system/gdbstub.h"

enum { MEMORY_BASE = 0x1000, MEMORY_SIZE = 0x3000 };

/* Two CPUs with four registers each, 12 KiB of memory. */
typedef struct Fake {
    IrVal regs[2][4];
    uint8_t memory[MEMORY_SIZE];
    bool running;
    unsigned pauses, resumes, steps, kills, clears, points, sends;
    unsigned step_cpu;
    bool step_interrupts, last_physical;
    TcgPointKind last_kind;
    GString *out;
    GdbStub *stub;
} Fake;

static void peek(const Env *env, unsigned arg, IrVal *v) {
}
static void poke(Env *env, unsigned arg, const IrVal *v) {
}
static const CpuReg fake_regs[] = {
    {"x0", "org.gnu.gdb.fake.core", 64, peek, poke, 0},
    {"pc", "org.gnu.gdb.fake.core", 64, peek, poke, 0},
    {"v0", "org.gnu.gdb.fake.fpu", 128, peek, poke, 0},
    {"SYS", "org.yado.fake", 32, peek, NULL, 0},
};

static void get_reg(void *opaque, unsigned cpu, unsigned reg, IrVal *value) {
    ck_assert_uint_lt(cpu, 2);
    ck_assert_uint_lt(reg, 4);
    *value = ((Fake *)opaque)->regs[cpu][reg];
}
static bool set_reg(void *opaque, unsigned cpu, unsigned reg, const IrVal *value) {
    ck_assert_uint_lt(cpu, 2);
    ck_assert_uint_lt(reg, 4);
    if (fake_regs[reg].poke) {
        ((Fake *)opaque)->regs[cpu][reg] = *value;
    }
    return fake_regs[reg].poke != NULL;
}
static bool memory(void *opaque, unsigned cpu, uint64_t addr, void *bytes, uint64_t size, bool write, bool physical) {
    Fake *f = opaque;
    f->last_physical = physical;
    if (addr < MEMORY_BASE || addr - MEMORY_BASE > MEMORY_SIZE || size > MEMORY_SIZE - (addr - MEMORY_BASE)) {
        return false;
    }
    uint8_t *at = f->memory + addr - MEMORY_BASE;
    memcpy(write ? at : bytes, write ? bytes : at, size);
    return true;
}
static bool point(void *opaque, bool add, TcgPointKind kind, uint64_t addr, uint64_t size) {
    Fake *f = opaque;
    f->last_kind = kind;
    if (add && addr == 0xbad) {
        return false;
    }
    f->points += add ? 1 : -1;
    return true;
}
static void clear_points(void *opaque) {
    ((Fake *)opaque)->points = 0;
    ((Fake *)opaque)->clears++;
}
static void pause_it(void *opaque) {
    ((Fake *)opaque)->running = false;
    ((Fake *)opaque)->pauses++;
}
static void resume(void *opaque) {
    ((Fake *)opaque)->running = true;
    ((Fake *)opaque)->resumes++;
}
static void step(void *opaque, unsigned cpu) {
    Fake *f = opaque;
    ck_assert_uint_lt(cpu, 2);
    f->running = true;
    f->steps++;
    f->step_cpu = cpu;
}
static void step_interrupts(void *opaque, bool on) {
    ((Fake *)opaque)->step_interrupts = on;
}
static void kill_it(void *opaque) {
    ((Fake *)opaque)->kills++;
}
static void command(void *opaque, const char *line, GString *out) {
    g_string_append_printf(out, "<%s>\n", line);
}
static void send(void *opaque, const void *data, size_t size) {
    Fake *f = opaque;
    f->sends++;
    g_string_append_len(f->out, data, (gssize)size);
}

static Fake fake;

static void setup(void) {
    memset(&fake, 0, sizeof fake);
    fake.out = g_string_new(NULL);
    fake.running = true;
    fake.stub = gdbstub_new(&(GdbGuest){
        .opaque = &fake, .architecture = "fake", .cpus = 2, .regs = fake_regs, .reg_count = 4, .get_reg = get_reg,
        .set_reg = set_reg, .memory = memory, .point = point, .clear_points = clear_points, .pause = pause_it,
        .resume = resume, .step = step, .step_interrupts = step_interrupts, .kill = kill_it, .command = command,
        .send = send,
    });
    gdbstub_connect(fake.stub);
    ck_assert(!fake.running);
}

static void teardown(void) {
    gdbstub_free(fake.stub);
    g_string_free(fake.out, TRUE);
}

static void give(const char *bytes, size_t size) {
    g_string_truncate(fake.out, 0);
    fake.sends = 0;
    gdbstub_receive(fake.stub, bytes, size);
}

/* Sends a packet; what comes back must be "+" and a packet with a right sum, in one send. Its content. */
static const char *ask_bytes(const char *text, size_t size) {
    static char answer[0x10000];
    g_autoptr(GString) packet = g_string_new("$");
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum + (uint8_t)text[i]);
        g_string_append_c(packet, text[i]);
    }
    g_string_append_printf(packet, "#%02x", sum);
    give(packet->str, packet->len);
    ck_assert_uint_eq(fake.sends, 1);
    ck_assert_int_eq(fake.out->str[0], '+');
    if (fake.out->len == 1) {
        return NULL;
    }
    ck_assert_int_eq(fake.out->str[1], '$');
    const char *end = fake.out->str + fake.out->len - 3;
    ck_assert_int_eq(*end, '#');
    sum = 0;
    for (const char *at = fake.out->str + 2; at < end; at++) {
        ck_assert_int_ne(*at, '#');
        sum = (uint8_t)(sum + (uint8_t)*at);
    }
    ck_assert_uint_eq(strtoul(end + 1, NULL, 16), sum);
    size_t n = (size_t)(end - fake.out->str - 2);
    memcpy(answer, fake.out->str + 2, n);
    answer[n] = 0;
    return answer;
}

static const char *ask(const char *text) {
    return ask_bytes(text, strlen(text));
}

START_TEST(test_rows) {
    static const struct { const char *packet, *answer; } rows[] = {
        {"?", "T05thread:1;"}, {"g", "8877665544332211" "0000000000000000" "00000000000000000000000000000000"},
        {"p0", "8877665544332211"}, {"p3", "00000000"}, {"p4", "E22"}, {"p", "E22"}, {"pq", "E22"},
        {"p00000000000000000", "E22"}, {"P0=0100000000000000", "OK"}, {"p0", "0100000000000000"},
        {"P0=01", "E22"}, {"P0=01000000000000000", "E22"}, {"P3=00000000", "E22"}, {"P9=00", "E22"}, {"G00", "E22"},
        {"M1000,4:deadBEEF", "OK"}, {"m1000,4", "deadbeef"}, {"m1001,2", "adbe"}, {"m0,4", "E14"}, {"m3ffe,8", "0000"},
        {"m1000,0", ""}, {"m1000", "E22"}, {"m1000,4x", "E22"}, {"M1000,4:dead", "E22"}, {"M1000,2:deadbe", "E22"},
        {"M0,1:00", "E14"}, {"M1000,1:zz", "E22"}, {"M1000,ffffffffffffffff:00", "E22"}, {"X1000,0:", "OK"},
        {"m1000,10000000000000000", "E22"}, {"X1000,3:ab", "E22"}, {"X0,1:a", "E14"},
        {"Hg2", "OK"}, {"p0", "0000000000000000"}, {"qC", "QC2"}, {"Hg1", "OK"}, {"Hg3", "E22"}, {"Hg-1", "OK"},
        {"Hc-1", "OK"}, {"Hx1", "E22"}, {"Hgp1.2", "OK"}, {"Hgp2.1", "E22"}, {"Hgp-1.-1", "OK"}, {"Hg1", "OK"}, {"Hg", "E22"},
        {"T1", "OK"}, {"T2", "OK"}, {"T3", "E22"}, {"Tx", "E22"}, {"Tp1.2", "OK"}, {"qfThreadInfo", "m1,2"},
        {"qsThreadInfo", "l"}, {"qThreadExtraInfo,2", "4350552331"}, {"qThreadExtraInfo", "E22"}, {"qAttached", "1"},
        {"qAttached:1", "1"}, {"vCont?", "vCont;c;C;s;S"}, {"vCont", "E22"}, {"vCont;x", "E22"}, {"vCont;s:9", "E22"},
        {"vMustReplyEmpty", ""}, {"", ""}, {"!", ""}, {"qXfer:features:read:other.xml:0,10", "E00"},
        {"qXfer:features:read:target.xml:0,5", "m<?xml"}, {"qXfer:features:read:target.xml:99999,5", "E22"},
        {"qXfer:features:read:target.xml:0", "E22"}, {"qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4"},
        {"qqemu.sstep", "0x7"}, {"Qqemu.sstep=0x1", "OK"}, {"qqemu.sstep", "0x1"}, {"Qqemu.sstep=9", "E22"},
        {"qqemu.PhyMemMode", "0"}, {"Qqemu.PhyMemMode:1", "OK"}, {"qqemu.PhyMemMode", "1"}, {"Qqemu.PhyMemMode:", "E22"},
        {"Z9,0,0", ""}, {"Z", ""}, {"Z0,10", "E22"}, {"Z0,bad,4", "E22"}, {"Z2,10,0;x", "E22"}, {"qRcmd,6", "E22"},
        {"c12z", "E22"}, {"C", "E22"}, {"qSymbol::", "OK"}, {"QStartNoAckMod", ""},
    };
    fake.regs[0][0].u64 = 0x1122334455667788;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *answer = ask(rows[i].packet);
        ck_assert_msg(answer && strcmp(answer, rows[i].answer) == 0, "%s: %s, not %s", rows[i].packet, answer,
                      rows[i].answer);
        ck_assert_msg(!fake.running, "%s", rows[i].packet);
    }
    ck_assert(fake.step_interrupts);
    ask("m1000,1");
    ck_assert(fake.last_physical);
}
END_TEST

START_TEST(test_supported) {
    const char *answer = ask("qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386");
    ck_assert_ptr_nonnull(strstr(answer, "PacketSize=4000;qXfer:features:read+"));
    ck_assert_ptr_nonnull(strstr(answer, "QStartNoAckMode+"));
    ck_assert_str_eq(ask("qC"), "QCp1.1");
    ck_assert_str_eq(ask("?"), "T05thread:p1.1;");
    ck_assert_str_eq(ask("qfThreadInfo"), "mp1.1,p1.2");
    ck_assert_str_eq(ask("qXfer:threads:read::0,1000"),
                     "l<?xml version=\"1.0\"?><threads><thread id=\"p1.1\" core=\"0\" name=\"CPU}\x03" "0\"/>"
                     "<thread id=\"p1.2\" core=\"1\" name=\"CPU}\x03" "1\"/></threads>");
}
END_TEST

START_TEST(test_description) {
    const char *answer = ask("qXfer:features:read:target.xml:0,2000");
    ck_assert_int_eq(answer[0], 'l');
    ck_assert_ptr_nonnull(strstr(answer, "<architecture>fake</architecture>"));
    ck_assert_ptr_nonnull(strstr(answer, "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\" regnum=\"1\"/>"));
    ck_assert_ptr_nonnull(strstr(answer, "<reg name=\"v0\" bitsize=\"128\" type=\"vector128\" regnum=\"2\"/>"));
    ck_assert_ptr_nonnull(strstr(answer, "<feature name=\"org.yado.fake\">"));
    ck_assert_ptr_nonnull(strstr(answer, "group=\"system\""));
}
END_TEST

START_TEST(test_break_and_stop) {
    ask("qSupported:swbreak+;hwbreak+");
    ck_assert_str_eq(ask("Z0,4000,4"), "OK");
    ck_assert_str_eq(ask("Z0,4000,4"), "OK");
    ck_assert_str_eq(ask("Z1,4000,4"), "OK");
    ck_assert_uint_eq(fake.points, 2); /* the guest is told once for each kind; it counts one */
    ck_assert_ptr_null(ask("vCont;c"));
    ck_assert(fake.running);
    ck_assert_str_eq(ask("g"), "E01");
    ck_assert_str_eq(ask("m1000,1"), "E01");
    fake.regs[1][1].u64 = 0x4000;
    fake.running = false;
    g_string_truncate(fake.out, 0);
    gdbstub_stopped(fake.stub, &(TcgStop){.kind = TCG_STOP_BREAK, .vcpu = 1});
    ck_assert_str_eq(fake.out->str + 1, "T05thread:2;swbreak:;#3c");
    ck_assert_str_eq(ask("qC"), "QC2");
    g_string_truncate(fake.out, 0);
    gdbstub_stopped(fake.stub, &(TcgStop){.kind = TCG_STOP_BREAK, .vcpu = 1});
    ck_assert_uint_eq(fake.out->len, 0); /* nobody waits for it */
    unsigned before = fake.points;
    ck_assert_str_eq(ask("z0,4000,4"), "OK");
    ck_assert_uint_eq(fake.points, before); /* the other one is still there */
    ck_assert_str_eq(ask("z1,4000,4"), "OK");
    ck_assert_uint_eq(fake.points, before - 1);
    ck_assert_str_eq(ask("z1,4000,4"), "OK");
}
END_TEST

START_TEST(test_watch) {
    static const struct { const char *set; TcgPointKind kind; const char *name; } rows[] = {
        {"Z2,2000,8", TCG_WATCH_WRITE, "watch"}, {"Z3,2000,8", TCG_WATCH_READ, "rwatch"},
        {"Z4,2000,8", TCG_WATCH_ACCESS, "awatch"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ck_assert_str_eq(ask(rows[i].set), "OK");
        ck_assert_int_eq(fake.last_kind, rows[i].kind);
        ck_assert_ptr_null(ask("c"));
        g_string_truncate(fake.out, 0);
        gdbstub_stopped(fake.stub, &(TcgStop){.kind = TCG_STOP_WATCH, .point = rows[i].kind, .va = 0x2004});
        g_autofree char *want = g_strdup_printf("$T05thread:1;%s:2004;#", rows[i].name);
        ck_assert_msg(g_str_has_prefix(fake.out->str, want), "%s", fake.out->str);
    }
}
END_TEST

START_TEST(test_step) {
    ck_assert_ptr_null(ask("vCont;s:2;c"));
    ck_assert_uint_eq(fake.steps, 1);
    ck_assert_uint_eq(fake.step_cpu, 1);
    gdbstub_stopped(fake.stub, &(TcgStop){.kind = TCG_STOP_STEP, .vcpu = 1});
    ck_assert_ptr_null(ask("s1234"));
    ck_assert_uint_eq(fake.regs[1][1].u64, 0x1234);
    gdbstub_stopped(fake.stub, &(TcgStop){.kind = TCG_STOP_STEP, .vcpu = 1});
    ck_assert_ptr_null(ask("C05;5678"));
    ck_assert_uint_eq(fake.regs[1][1].u64, 0x5678);
    ck_assert_uint_eq(fake.resumes, 1);
}
END_TEST

START_TEST(test_interrupt) {
    give("\x03", 1);
    ck_assert_uint_eq(fake.out->len, 0); /* it stands still already */
    ask("c");
    give("\x03", 1);
    ck_assert(!fake.running);
    ck_assert(g_str_has_prefix(fake.out->str, "$T02thread:1;#"));
    ck_assert_str_eq(ask("?"), "T02thread:1;");
}
END_TEST

START_TEST(test_detach) {
    ask("Z0,4000,4");
    ck_assert_str_eq(ask("D"), "OK");
    ck_assert(fake.running);
    ck_assert_uint_eq(fake.clears, 1);
    give("$g#67", 5);
    ck_assert_uint_eq(fake.out->len, 0);
    unsigned pauses = fake.pauses;
    gdbstub_disconnect(fake.stub);
    ck_assert(fake.running);
    ck_assert_uint_eq(fake.pauses, pauses);
    gdbstub_connect(fake.stub);
    ck_assert(!fake.running);
    ck_assert_str_eq(ask("?"), "T05thread:1;");
}
END_TEST

START_TEST(test_lost_client) {
    ask("Z0,4000,4");
    ask("c");
    gdbstub_disconnect(fake.stub);
    ck_assert(fake.running);
    ck_assert_uint_eq(fake.points, 0);
    gdbstub_connect(fake.stub);
    gdbstub_disconnect(fake.stub);
    ck_assert(!fake.running); /* as the client left it */
}
END_TEST

START_TEST(test_kill_and_exit) {
    ck_assert_ptr_null(ask("k"));
    ck_assert_uint_eq(fake.kills, 1);
    ck_assert_str_eq(ask("vKill;1"), "OK");
    ck_assert_uint_eq(fake.kills, 2);
    g_string_truncate(fake.out, 0);
    gdbstub_exited(fake.stub, 3);
    ck_assert_str_eq(fake.out->str, "$W03#ba");
}
END_TEST

START_TEST(test_binary) {
    ck_assert_str_eq(ask_bytes("X1000,4:\x00}\x03}\x5d\xff", 14), "OK");
    static const uint8_t want[] = {0x00, '#', '}', 0xff};
    ck_assert_mem_eq(fake.memory, want, 4);
    const char *answer = ask("x1000,4");
    static const char escaped[] = {'b', 0x00, '}', '#' ^ 0x20, '}', '}' ^ 0x20, (char)0xff};
    ck_assert_mem_eq(answer, escaped, sizeof escaped);
}
END_TEST

START_TEST(test_monitor) {
    give("$qRcmd,68656c70#fc", 18);
    ck_assert_str_eq(fake.out->str, "+$O3c68656c703e0a#e7$OK#9a");
    ck_assert_uint_eq(fake.sends, 1);
}
END_TEST

START_TEST(test_acks) {
    give("$qC#00", 6);
    ck_assert_str_eq(fake.out->str, "-"); /* wrong sum */
    give("$qC#zz", 6);
    ck_assert_str_eq(fake.out->str, "-");
    ask("qC");
    give("-", 1);
    ck_assert_str_eq(fake.out->str, "$QC1#c5"); /* again */
    give("$qC$qC#b4", 9);
    ck_assert_str_eq(fake.out->str, "+$QC1#c5"); /* the first one never ended */
    ck_assert_str_eq(ask("QStartNoAckMode"), "OK");
    give("$qC#b4", 6);
    ck_assert_str_eq(fake.out->str, "$QC1#c5");
    give("-", 1);
    ck_assert_uint_eq(fake.out->len, 0);
}
END_TEST

START_TEST(test_long_packets) {
    g_autofree char *text = g_malloc(0x9000);
    memset(text, 'a', 0x9000);
    text[0] = 'M';
    ck_assert_str_eq(ask_bytes(text, 0x4001), "E22");
    ck_assert_str_eq(ask_bytes(text, 0x9000), "E22");
    const char *answer = ask("m1000,ffffffff");
    ck_assert_uint_gt(strlen(answer), 0x1000);
    ck_assert_uint_lt(strlen(answer), 0x4000);
    ck_assert_str_eq(ask("qC"), "QC1");
}
END_TEST

/* -- any bytes at all -- */

static uint32_t seed;
static uint32_t next(void) {
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* Packets that are nearly right: a known beginning, then pieces of what could follow. */
static void append_random_packet(GString *out) {
    static const char *const starts[] = {
        "g", "G", "p", "P", "m", "M", "x", "X", "Z0,", "z", "Z2,", "c", "s", "C", "S", "vCont;", "H", "T", "q", "Q", "qXfer:",
        "qXfer:features:read:target.xml:", "qXfer:threads:read::", "qRcmd,", "qSupported:", "qThreadExtraInfo,", "D", "v", "?",
        "qqemu.", "Qqemu.sstep=", "k", "vKill;",
    };
    static const char pieces[][8] = {"0", "1000", ",", ":", ";", "=", "-1", "p1.", "ffff", "s", "c", "}", "2", "zz", "*"};
    size_t start = out->len + 1;
    uint8_t sum = 0;
    g_string_append_printf(out, "$%s", starts[next() % G_N_ELEMENTS(starts)]);
    for (unsigned n = next() % 12; n; n--) {
        g_string_append(out, pieces[next() % G_N_ELEMENTS(pieces)]);
    }
    for (unsigned n = next() % 3; n; n--) {
        out->str[start + next() % (out->len - start)] = (char)next();
    }
    for (size_t i = start; i < out->len; i++) {
        sum = (uint8_t)(sum + (uint8_t)out->str[i]);
    }
    g_string_append_printf(out, "#%02x", next() % 16 ? sum : next() & 0xff);
}

START_TEST(test_random_streams) {
    g_autoptr(GString) stream = g_string_new(NULL);
    for (unsigned round = 0; round < 20000; round++) {
        seed = round;
        g_string_truncate(stream, 0);
        for (unsigned i = 0; i < 8; i++) {
            append_random_packet(stream);
            if (next() % 4 == 0) {
                g_string_append_c(stream, (char)next());
            }
        }
        for (size_t at = 0; at < stream->len;) { /* in pieces of any size */
            size_t n = MIN(stream->len - at, 1 + next() % 40);
            give(stream->str + at, n);
            at += n;
            if (next() % 8 == 0) {
                gdbstub_stopped(fake.stub, &(TcgStop){.kind = (TcgStopKind)(next() % 3), .vcpu = next() % 2});
            }
        }
        if (next() % 16 == 0) {
            gdbstub_disconnect(fake.stub);
        }
        gdbstub_disconnect(fake.stub);
        gdbstub_connect(fake.stub);
        ck_assert_str_eq(ask("T2"), "OK"); /* it still works */
        ck_assert_str_eq(ask("m0,4"), "E14");
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gdbstub");
    TCase *tc = tcase_create("gdbstub");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_rows);
    tcase_add_test(tc, test_supported);
    tcase_add_test(tc, test_description);
    tcase_add_test(tc, test_break_and_stop);
    tcase_add_test(tc, test_watch);
    tcase_add_test(tc, test_step);
    tcase_add_test(tc, test_interrupt);
    tcase_add_test(tc, test_detach);
    tcase_add_test(tc, test_lost_client);
    tcase_add_test(tc, test_kill_and_exit);
    tcase_add_test(tc, test_binary);
    tcase_add_test(tc, test_monitor);
    tcase_add_test(tc, test_acks);
    tcase_add_test(tc, test_long_packets);
    tcase_add_test(tc, test_random_streams);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
