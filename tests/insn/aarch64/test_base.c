/* SPDX-License-Identifier: MIT */
/*
 * test_base.c - the base table: every line of base.txt.gz holds in every way of running it, and every row has enough;
 * then what an oracle in user mode cannot tell: big-endian data, alignment, tagged targets.
 *
 * A line: row insns pc=H seed=H nzcv=H sp=H registers -> pc=H nzcv=H sp=H registers memory=H; see base_case.h.
 * Registers that do not stand after the arrow keep their values; those that stand nowhere begin as zero.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/insn/aarch64/base_run.h"
#include "tests/insn/aarch64/rows.h"

#ifndef VECTORS
#define VECTORS "tests/insn/aarch64"
#endif

/* -- vectors -- */

static bool read_item(const char *item, BaseCase *c) {
    unsigned r;
    unsigned long long high, low;
    if (sscanf(item, "seed=%llx", &low) == 1) {
        c->seed = low;
    } else if (sscanf(item, "nzcv=%llx", &low) == 1) {
        c->nzcv = (uint64_t)low << 28;
    } else if (sscanf(item, "sp=%llx", &low) == 1) {
        c->sp = low;
    } else if (sscanf(item, "pc=%llx", &low) == 1) {
        c->pc = low;
    } else if (sscanf(item, "memory=%llx", &low) == 1) {
        c->memory = low;
    } else if (sscanf(item, "x%u=%llx", &r, &low) == 2 && r < 31) {
        c->x[r] = low;
    } else if (sscanf(item, "v%u=%llx_%llx", &r, &high, &low) == 3 && r < 32) {
        c->v[r][0] = low;
        c->v[r][1] = high;
    } else if (strlen(item) == 8 && c->count < BASE_INSNS) {
        c->insn[c->count++] = (uint32_t)strtoul(item, NULL, 16);
    } else {
        return false;
    }
    return true;
}

static bool read_line(char **words, BaseCase *before, BaseCase *after) {
    memset(before, 0, sizeof(*before));
    BaseCase *c = before;
    for (char **w = words + 1; *w; w++) {
        if (strcmp(*w, "->") == 0) {
            *after = *before;
            c = after;
        } else if (!read_item(*w, c)) {
            return false;
        }
    }
    return c == after && before->count > 0;
}

static void run_line(BaseRunner *runner, const char *line, Cover *covers) {
    g_auto(GStrv) words = g_strsplit(line, " ", 0);
    BaseCase before, after;
    A64Fields f;
    ck_assert_msg(words[0] && read_line(words, &before, &after), "not a vector: %s", line);
    const A64Row *row = a64_find(before.insn[before.count - 1], &f);
    ck_assert_msg(row && strcmp(row->name, words[0]) == 0, "decoded as %s: %s", row ? row->name : "nothing", line);
    cover_add(&covers[row - a64_rows], before.insn[before.count - 1], 0);
    for (unsigned how = 0; how < BASE_WAYS; how++) {
        BaseCase c = before;
        const char *why = "";
        base_fill(runner->window, c.seed);
        ck_assert_msg(base_run(runner, &c, how, &why), "%s: %s", why, line);
        ck_assert_msg(memcmp(&c, &after, sizeof(c)) == 0, "differs (way %u): %s", how, line);
    }
}

START_TEST(vectors) {
    g_autofree Cover *covers = g_new0(Cover, A64_ROWS);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        rows_cover(&covers[i], &a64_rows[i]);
    }
    BaseRunner *runner = base_runner_new();
    char line[2048];
    unsigned lines = 0;
    gzFile file = gzopen(VECTORS "/base.txt.gz", "rb");
    ck_assert_msg(file != NULL, "cannot open " VECTORS "/base.txt.gz");
    while (gzgets(file, line, sizeof(line))) {
        g_strchomp(line);
        run_line(runner, line, covers);
        lines++;
    }
    gzclose(file);
    ck_assert_uint_lt(runner->given_back, lines / 2); /* atomics of devices, and what this host has no code for */
    base_runner_free(runner);
    for (unsigned i = 0; i < A64_ROWS; i++) {
        if (strcmp(a64_rows[i].file, "a64_base.decode") == 0) {
            g_autofree char *missing = cover_missing(&covers[i], false);
            ck_assert_msg(!missing, "%s", missing);
        }
    }
}
END_TEST

/* -- one insn with X0, X1, X2, V0 and memory; X1 = address of the window unless given, its bytes count up from 0 -- */

typedef struct Single {
    const char *text;
    uint32_t insn;
    uint64_t mode;
    uint64_t x0_in, x1_in, x2_in;
    uint64_t x0, x2, v0[2];
    uint64_t pc;     /* from the page's start; of indirect branches: the target */
    uint64_t memory; /* first 8 bytes after, as a little-endian number; 0: unchanged */
} Single;

#define BIG .mode = ARM_MODE_BIG
#define ALL UINT64_MAX

static const Single singles[] = {
    {"adr x0, .+0x1234", 0x100091a0, .x0 = BASE_ADDRESS + 0x1234},
    {"adr x0, .-1", 0x70ffffe0, .x0 = BASE_ADDRESS - 1},
    {"adrp x0, .+0x3000", 0xf0000000, .x0 = BASE_ADDRESS + 0x3000},
    {"adrp x0, .-4 GiB", 0x90800000, .x0 = BASE_ADDRESS - 0x100000000},
    {"ldr x0, .+16", 0x58000080, .x0 = 0x1716151413121110},
    {"ldr w0, .+16", 0x18000080, .x0 = 0x13121110},
    {"ldrsw x0, .+252", 0x980007e0, .x0 = 0xfffffffffffefdfc},
    {"ldr q0, .+16", 0x9c000080, .v0 = {0x1716151413121110, 0x1f1e1d1c1b1a1918}},
    {"ldr s0, .+16", 0x1c000080, .v0 = {0x13121110, 0}},
    {"b .+0x100", 0x14000040, .pc = 0x100},
    {"b .-0x100", 0x17ffffc0, .pc = (uint64_t)-0x100},
    {"bl .+0x2000", 0x94000800, .pc = 0x2000},
    {"br x1", 0xd61f0020, .x1_in = 0xff0123456789abcc, .pc = 0xff0123456789abcc},
    {"blr x1", 0xd63f0020, .x1_in = 0x123456789abc, .pc = 0x123456789abc},
    {"ret x1", 0xd65f0020, .x1_in = 0x123456789abc, .pc = 0x123456789abc},
    {"br, TBI0, lower", 0xd61f0020, ARM_MODE_TBI0, .x1_in = 0xff0123456789abcc, .pc = 0x000123456789abcc},
    {"br, TBI0, upper", 0xd61f0020, ARM_MODE_TBI0, .x1_in = 0x12f123456789abcc, .pc = 0x12f123456789abcc},
    {"br, TBI1, lower", 0xd61f0020, ARM_MODE_TBI1, .x1_in = 0x120123456789abcc, .pc = 0x120123456789abcc},
    {"br, TBI1, upper", 0xd61f0020, ARM_MODE_TBI1, .x1_in = 0x12f123456789abcc, .pc = 0xfff123456789abcc},
    {"br, TBI at EL2", 0xd61f0020, ARM_MODE_TBI0 | 2, .x1_in = 0x12f123456789abcc, .pc = 0x00f123456789abcc},
    {"br, TBI0 and TBI1, lower", 0xd61f0020, ARM_MODE_TBI0 | ARM_MODE_TBI1, .x1_in = 0xa50123456789abcc, .pc = 0x000123456789abcc},
    {"br, TBI0 and TBI1, upper", 0xd61f0020, ARM_MODE_TBI0 | ARM_MODE_TBI1, .x1_in = 0x5af123456789abcc, .pc = 0xfff123456789abcc},
    {"ldr x0, [x1]", 0xf9400020, BIG, .x0 = 0x0001020304050607},
    {"ldrsw x0, [x1]", 0xb9800020, BIG, .x0 = 0x00010203},
    {"ldrh w0, [x1]", 0x79400020, BIG, .x0 = 0x0001},
    {"ldp w0, w2, [x1]", 0x29400820, BIG, .x0 = 0x00010203, .x2 = 0x04050607},
    {"ldxp x0, x2, [x1]", 0xc87f0820, BIG, .x0 = 0x0001020304050607, .x2 = 0x08090a0b0c0d0e0f},
    {"ldaxp w0, w2, [x1]", 0x887f8820, BIG, .x0 = 0x00010203, .x2 = 0x04050607},
    {"ldr q0, [x1]", 0x3dc00020, BIG, .v0 = {0x08090a0b0c0d0e0f, 0x0001020304050607}},
    {"ldr d0, [x1]", 0xfd400020, BIG, .v0 = {0x0001020304050607, 0}},
    {"ld1 {v0.8h}, [x1]", 0x4c407420, BIG, .v0 = {0x0607040502030001, 0x0e0f0c0d0a0b0809}},
    {"ld2 {v0.4h, v1.4h}, [x1]", 0x0c408420, BIG, .v0 = {0x0c0d080904050001, 0}},
    {"ld4r {v0.4s-v3.4s}, [x1]", 0x4d60e820, BIG, .v0 = {0x0001020300010203, 0x0001020300010203}},
    {"ld1 {v0.s}[1], [x1]", 0x0d409020, BIG, .v0 = {0x0001020300000000, 0}},
    {"ldadd w0, w2, [x1]", 0xb8200022, BIG, .x0_in = 0xff, .x0 = 0xff, .x2 = 0x00010203,
     .memory = 0x0706050402030100},
    {"ldsmaxh w0, w2, [x1]", 0x78204022, BIG, .x0_in = 0xfffe, .x2_in = ALL, .x0 = 0xfffe, .x2 = 1},
    {"ldumax w0, w2, [x1]", 0xb8206022, BIG, .x0_in = 0x80000000, .x0 = 0x80000000, .x2 = 0x00010203,
     .memory = 0x0706050400000080},
    {"ldumin w0, w2, [x1]", 0xb8207022, BIG, .x0_in = 0x1, .x0 = 0x1, .x2 = 0x00010203,
     .memory = 0x0706050401000000},
    {"ldumin of a larger", 0xb8207022, BIG, .x0_in = 0x80000000, .x0 = 0x80000000, .x2 = 0x00010203},
    {"ldsmin w0, w2, [x1]", 0xb8205022, BIG, .x0_in = 0x80000000, .x0 = 0x80000000, .x2 = 0x00010203,
     .memory = 0x0706050400000080},
    {"ldsmax of a smaller", 0xb8204022, BIG, .x0_in = 0x80000000, .x0 = 0x80000000, .x2 = 0x00010203},
    {"ldeor w0, w2, [x1]", 0xb8202022, BIG, .x0_in = 0xff, .x0 = 0xff, .x2 = 0x00010203,
     .memory = 0x07060504fc020100},
    {"ldset w0, w2, [x1]", 0xb8203022, BIG, .x0_in = 0xff000000, .x0 = 0xff000000, .x2 = 0x00010203,
     .memory = 0x07060504030201ff},
    {"ldclr w0, w2, [x1]", 0xb8201022, BIG, .x0_in = 0xffff, .x0 = 0xffff, .x2 = 0x00010203,
     .memory = 0x0706050400000100},
    {"ldsmaxh w0, w2, [x1]", 0x78204022, BIG, .x0_in = 0x7fff, .x0 = 0x7fff, .x2 = 1, .memory = 0x070605040302ff7f},
    {"swp x0, x2, [x1]", 0xf8208022, BIG, .x0_in = 1, .x0 = 1, .x2 = 0x0001020304050607, .memory = 0x0100000000000000},
    {"ldclrb w0, w2, [x1]", 0x38201022, BIG, .x0_in = 1, .x0 = 1, .x2 = 0},
    {"casp x2, x3, x4, x5, [x1]", 0x48227c24, BIG, .x2 = 0x0001020304050607},
    {"casp w2, w3, w4, w5, [x1]", 0x08227c24, BIG, .x2 = 0x00010203},
    {"str x0, [x1]", 0xf9000020, BIG, .x0_in = 0x11223344, .x0 = 0x11223344, .memory = 0x4433221100000000},
    {"stp w0, w2, [x1]", 0x29000820, BIG, .x0_in = 1, .x2_in = 2, .x0 = 1, .x2 = 2, .memory = 0x0200000001000000},
};

static uint64_t counted_byte_word(unsigned i) {
    uint64_t v = 0;
    for (unsigned k = 0; k < 8; k++) {
        v |= (uint64_t)(uint8_t)(i * 8 + k) << (k * 8);
    }
    return v;
}

START_TEST(single) {
    const Single *s = &singles[_i];
    BaseRunner *r = base_runner_new();
    r->mode = s->mode;
    for (unsigned how = 0; how < BASE_WAYS; how++) {
        BaseCase c = {.count = 1, .insn = {s->insn}, .pc = BASE_ADDRESS,
                      .x = {s->x0_in, s->x1_in ? s->x1_in : BASE_ADDRESS, s->x2_in}};
        const char *why = "";
        for (unsigned i = 0; i < BASE_WINDOW / 8; i++) {
            r->window[i] = counted_byte_word(i);
        }
        ck_assert_msg(base_run(r, &c, how, &why), "%s: %s", s->text, why);
        uint64_t pc = s->x1_in ? s->pc : BASE_ADDRESS + (s->pc ? s->pc : 4);
        ck_assert_msg(r->env->pc == pc, "%s: pc %llx", s->text, (unsigned long long)r->env->pc);
        ck_assert_msg(c.x[0] == s->x0 && c.x[2] == s->x2, "%s: x0 %llx x2 %llx", s->text, (unsigned long long)c.x[0],
                      (unsigned long long)c.x[2]);
        ck_assert_msg(memcmp(c.v[0], s->v0, 16) == 0, "%s: v0 %llx_%llx", s->text, (unsigned long long)c.v[0][1],
                      (unsigned long long)c.v[0][0]);
        uint64_t memory = s->memory ? s->memory : counted_byte_word(0);
        ck_assert_msg(r->window[0] == memory, "%s: memory %llx", s->text, (unsigned long long)r->window[0]);
        bool links = s->insn >> 26 == 0x25 || s->insn == 0xd63f0020;
        ck_assert_uint_eq(c.x[30], links ? BASE_ADDRESS + 4 : 0);
    }
    base_runner_free(r);
}
END_TEST

/* -- alignment -- */

typedef struct Stack {
    const char *text;
    uint32_t insn[3];
    unsigned checks; /* of the stack pointer's alignment */
} Stack;

static const Stack stacks[] = {
    {"ldr x0, [sp] twice", {0xf94003e0, 0xf94003e0}, 1},
    {"ldp x2, x3, [sp], #16; ldr q0, [sp]", {0xa8c10fe2, 0x3dc003e0}, 1},
    {"str x0, [sp, #-16]!; ldr x0, [sp]", {0xf81f0fe0, 0xf94003e0}, 1},
    {"ldr x0, [sp]; add sp, sp, #8; ldr x0, [sp]", {0xf94003e0, 0x910023ff, 0xf94003e0}, 2},
    {"prfm pldl1keep, [sp]", {0xf98003e0}, 0},
    {"ldr x0, [x1]", {0xf9400020}, 0},
};

START_TEST(stack) {
    const Stack *s = &stacks[_i];
    BaseRunner *r = base_runner_new();
    for (int on = 0; on < 2; on++) {
        r->mode = on ? ARM_MODE_SP_ALIGN : 0;
        BaseCase c = {.sp = BASE_ADDRESS + 256, .x[1] = BASE_ADDRESS};
        while (c.count < 3 && s->insn[c.count]) {
            c.insn[c.count] = s->insn[c.count];
            c.count++;
        }
        const char *why = "";
        BaseCase aligned = c;
        if (s->checks < 2 || !on) {
            ck_assert_msg(base_run(r, &aligned, BASE_OPTIMIZE, &why), "%s: %s", s->text, why);
            ck_assert_uint_eq(r->misaligned, 0);
        } else {
            ck_assert(!base_run(r, &aligned, BASE_OPTIMIZE, &why)); /* its second check fails */
            ck_assert_uint_eq(r->misaligned, 1);
        }
        unsigned checks = 0;
        for (uint32_t i = 0; i < r->block->count; i++) {
            checks += r->block->nodes[i].op == IR_aligned;
        }
        ck_assert_msg(checks == (on ? s->checks : 0), "%s: %u checks", s->text, checks);
        r->misaligned = 0;
        c.sp += 8;
        ck_assert(base_run(r, &c, BASE_OPTIMIZE, &why) == (!on || !s->checks));
        ck_assert_uint_eq(r->misaligned, on && s->checks);
        r->misaligned = 0;
    }
    base_runner_free(r);
}
END_TEST

/* Accesses at an address of odd 1, 2, ... : which demand alignment always, and which only with SCTLR.A? */
static const struct {
    const char *text;
    uint32_t insn;
    unsigned step; /* the smallest power of two whose multiples do in the strict mode */
    bool always;
} alignments[] = {
    {"ldr x0, [x1]", 0xf9400020, 8, false},   {"ldp w0, w2, [x1]", 0x29400820, 4, false},
    {"str q0, [x1]", 0x3d800020, 16, false},  {"ld1 {v0.8h}, [x1]", 0x4c407420, 2, false},
    {"ldxp x0, x2, [x1]", 0xc87f0820, 16, true}, {"ldaxp w0, w2, [x1]", 0x887f8820, 8, true},
    {"ldar x0, [x1]", 0xc8dffc20, 8, true},   {"ldadd w0, w2, [x1]", 0xb8200022, 4, true},
    {"casp x2, x3, x4, x5, [x1]", 0x48227c24, 16, true},
};

START_TEST(alignment) {
    BaseRunner *r = base_runner_new();
    for (int strict = 0; strict < 2; strict++) {
        r->mode = strict ? ARM_MODE_ALIGN : 0;
        for (unsigned at = 1; at <= 16; at *= 2) {
            BaseCase c = {.count = 1, .insn = {alignments[_i].insn}, .x[1] = BASE_ADDRESS + at};
            const char *why = "";
            bool demanded = strict || alignments[_i].always;
            bool ok = base_run(r, &c, BASE_OPTIMIZE, &why);
            ck_assert_msg(ok == (!demanded || at >= alignments[_i].step), "%s at %u", alignments[_i].text, at);
        }
    }
    base_runner_free(r);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base");
    TCase *tcase = tcase_create("base");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, vectors);
    tcase_add_loop_test(tcase, single, 0, G_N_ELEMENTS(singles));
    tcase_add_loop_test(tcase, stack, 0, G_N_ELEMENTS(stacks));
    tcase_add_loop_test(tcase, alignment, 0, G_N_ELEMENTS(alignments));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
