/* SPDX-License-Identifier: MIT */
/*
 * test_arm_semihosting.c - HLT #0xF000: console, files in a temporary directory, errors, exit.
 */
#include "tests/unit/arm_fake.h"

#include <glib/gstdio.h>

enum {
    HLT = 0xd45e0000,
    BLOCK = FAKE_RAM + 0x1000,
    TEXT = FAKE_RAM + 0x2000,
    OTHER = FAKE_RAM + 0x3000,
    BUFFER = FAKE_RAM + 0x4000
};

typedef struct Setup {
    Fake *f;
    char *console;
    size_t console_size;
    char *dir;
} Setup;

static Setup start(void) {
    Setup s = {.f = fake_new("cortex-a57")};
    s.f->ports.semihosting = true;
    s.dir = g_dir_make_tmp("semihosting-XXXXXX", NULL);
    ck_assert_ptr_nonnull(s.dir);
    return s;
}

static void end(Setup *s) {
    if (s->f->ports.semihosting_console) {
        fclose(s->f->ports.semihosting_console);
    }
    free(s->console);
    fake_free(s->f);
    ck_assert_int_eq(g_rmdir(s->dir), 0);
    g_free(s->dir);
}

static int64_t call(Fake *f, unsigned op, uint64_t x1) {
    arm_cpu(f->env)->x[0] = op;
    arm_cpu(f->env)->x[1] = x1;
    ck_assert_int_eq(fake_insn(f, HLT), IR_EXIT_SYNC);
    return (int64_t)arm_cpu(f->env)->x[0];
}

static int64_t block(Fake *f, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const uint64_t words[] = {a, b, c, d};
    memcpy(fake_ram(f, BLOCK, sizeof(words)), words, sizeof(words));
    return call(f, op, BLOCK);
}

static uint64_t text(Fake *f, uint64_t at, const char *s) {
    strcpy((char *)fake_ram(f, at, strlen(s) + 1), s);
    return strlen(s);
}

START_TEST(test_console) {
    Setup s = start();
    s.f->ports.semihosting_console = open_memstream(&s.console, &s.console_size);
    text(s.f, TEXT, "hello");
    call(s.f, 0x04, TEXT);
    call(s.f, 0x03, TEXT + 1);
    uint64_t n = text(s.f, OTHER, ":tt");
    int64_t out = block(s.f, 0x01, OTHER, 4, n, 0), in = block(s.f, 0x01, OTHER, 0, n, 0);
    ck_assert_int_gt(out, 0);
    ck_assert_int_gt(in, 0);
    ck_assert_int_eq(block(s.f, 0x05, (uint64_t)out, TEXT, 5, 0), 0);
    ck_assert_int_eq(block(s.f, 0x09, (uint64_t)out, 0, 0, 0), 1);
    ck_assert_int_eq(block(s.f, 0x06, (uint64_t)in, BUFFER, 7, 0), 7);
    ck_assert_str_eq(s.console, "helloehello");
    ck_assert_int_eq(block(s.f, 0x02, (uint64_t)out, 0, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x02, (uint64_t)out, 0, 0, 0), -1);
    ck_assert_int_eq(call(s.f, 0x13, 0), 9); /* EBADF */
    end(&s);
}
END_TEST

START_TEST(test_files) {
    Setup s = start();
    g_autofree char *a = g_build_filename(s.dir, "a", NULL), *b = g_build_filename(s.dir, "b", NULL);
    uint64_t na = text(s.f, TEXT, a), nb = text(s.f, OTHER, b);
    text(s.f, BUFFER, "0123456789");
    int64_t h = block(s.f, 0x01, TEXT, 4, na, 0);
    ck_assert_int_gt(h, 0);
    ck_assert_int_eq(block(s.f, 0x05, (uint64_t)h, BUFFER, 10, 0), 0);
    ck_assert_int_eq(block(s.f, 0x0c, (uint64_t)h, 0, 0, 0), 10);
    ck_assert_int_eq(block(s.f, 0x02, (uint64_t)h, 0, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x0f, TEXT, na, OTHER, nb), 0);
    ck_assert_int_eq(block(s.f, 0x01, TEXT, 0, na, 0), -1);
    ck_assert_int_eq(call(s.f, 0x13, 0), 2); /* ENOENT */
    h = block(s.f, 0x01, OTHER, 1, nb, 0);
    ck_assert_int_eq(block(s.f, 0x0a, (uint64_t)h, 6, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x06, (uint64_t)h, BUFFER + 0x100, 9, 0), 5);
    ck_assert_int_eq(memcmp(fake_ram(s.f, BUFFER + 0x100, 5), "6789", 5), 0);
    ck_assert_int_eq(block(s.f, 0x02, (uint64_t)h, 0, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x0e, OTHER, nb, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x01, OTHER, 12, nb, 0), -1); /* no such mode */
    end(&s);
}
END_TEST

START_TEST(test_features_file) {
    Setup s = start();
    uint64_t n = text(s.f, TEXT, ":semihosting-features");
    int64_t h = block(s.f, 0x01, TEXT, 0, n, 0);
    ck_assert_int_eq(block(s.f, 0x0c, (uint64_t)h, 0, 0, 0), 5);
    ck_assert_int_eq(block(s.f, 0x06, (uint64_t)h, BUFFER, 8, 0), 3);
    ck_assert_int_eq(memcmp(fake_ram(s.f, BUFFER, 5), "SHFB\3", 5), 0);
    ck_assert_int_eq(block(s.f, 0x0a, (uint64_t)h, 4, 0, 0), 0);
    ck_assert_int_eq(block(s.f, 0x06, (uint64_t)h, BUFFER, 1, 0), 0);
    end(&s);
}
END_TEST

START_TEST(test_exit) {
    Setup s = start();
    block(s.f, 0x18, 0x20026, 42, 0, 0);
    ck_assert_int_eq(s.f->power, CPU_POWER_EXIT);
    ck_assert_int_eq(s.f->power_code, 42);
    block(s.f, 0x20, 0x20023, 0, 0, 0);
    ck_assert_int_eq(s.f->power_code, 1);
    end(&s);
}
END_TEST

START_TEST(test_time_and_bad_pointers) {
    Setup s = start();
    s.f->now = 1000000000;
    ck_assert_int_eq(call(s.f, 0x10, 0), 100);
    ck_assert_int_eq(call(s.f, 0x31, 0), 62500000);
    ck_assert_int_eq(call(s.f, 0x30, BUFFER), 0);
    ck_assert_uint_eq(fake_get(s.f, BUFFER), 62500000);
    ck_assert_int_eq(call(s.f, 0x01, 0x10), -1); /* nothing is mapped there */
    ck_assert_int_eq(call(s.f, 0x13, 0), 14);    /* EFAULT */
    ck_assert_int_eq(call(s.f, 0x12, 0), -1);    /* SYS_SYSTEM */
    ck_assert_int_eq(block(s.f, 0x01, TEXT, 0, UINT64_MAX, 0), -1);
    ck_assert_int_eq(block(s.f, 0x02, 0, 0, 0, 0), -1);
    ck_assert_int_eq(block(s.f, 0x02, 99, 0, 0, 0), -1);
    end(&s);
}
END_TEST

START_TEST(test_not_for_el0) {
    Setup s = start();
    arm_cold(s.f->env)->vbar_el1 = FAKE_RAM + 0x8000;
    fake_set_el(s.f, 0);
    fake_insn(s.f, HLT);
    ck_assert_uint_eq(s.f->env->pc, FAKE_RAM + 0x8400);
    ck_assert_uint_eq(arm_cold(s.f->env)->esr_el1, 0x02000000);
    end(&s);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_console, test_files, test_features_file, test_exit, test_time_and_bad_pointers, test_not_for_el0, NULL,
    };
    return fake_main("arm semihosting", tests);
}
