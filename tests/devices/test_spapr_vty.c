/* SPDX-License-Identifier: MIT */
/* test_spapr_vty.c - the terminal of a PAPR machine, with a pipe as the host's end. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/devices/poke.h"

START_TEST(test_without_a_host) {
    Poke p;
    uint8_t bytes[SPAPR_VTY_PIECE];
    poke_new(&p, &device_spapr_vty, NULL);
    ck_assert(spapr_vty_put(p.d, (const uint8_t *)"nobody hears", 12));
    ck_assert(spapr_vty_put(p.d, NULL, 0));
    ck_assert_uint_eq(spapr_vty_get(p.d, bytes), 0);
    poke_free(&p);
}
END_TEST

START_TEST(test_output) {
    Poke p;
    g_autofree char *path = g_strdup_printf("/tmp/yado-vty-%d", getpid()), *spec = g_strconcat("file:", path, NULL);
    g_autofree char *text = NULL;
    Chardev *c = chardev_open(spec, NULL, NULL);
    poke_new(&p, &device_spapr_vty, &(SpaprVtyConfig){ c });
    ck_assert(spapr_vty_put(p.d, (const uint8_t *)"sixteen letters.", 16));
    ck_assert(spapr_vty_put(p.d, (const uint8_t *)"more", 4));
    poke_free(&p);
    chardev_close(c);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "sixteen letters.more");
    unlink(path);
}
END_TEST

/* What is typed comes in pieces of at most 16 bytes, in order, however much it is. */
START_TEST(test_input) {
    Poke p;
    int ends[2], saved = dup(0);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[0], 0);
    Chardev *c = chardev_open("stdio", NULL, NULL);
    poke_new(&p, &device_spapr_vty, &(SpaprVtyConfig){ c });
    char typed[201] = "";
    for (unsigned i = 0; i < 200; i++) {
        typed[i] = (char)('a' + i % 26);
    }
    ck_assert_int_eq(write(ends[1], typed, 200), 200);
    g_autoptr(GString) got = g_string_new(NULL);
    for (unsigned i = 0; i < 2000 && got->len < 200; i++) {
        uint8_t bytes[SPAPR_VTY_PIECE];
        g_main_context_iteration(NULL, FALSE);
        unsigned n = spapr_vty_get(p.d, bytes);
        ck_assert_uint_le(n, SPAPR_VTY_PIECE);
        g_string_append_len(got, (const char *)bytes, n);
    }
    ck_assert_str_eq(got->str, typed);
    poke_free(&p);
    chardev_close(c);
    dup2(saved, 0);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

POKE_MAIN("spapr_vty", test_without_a_host, test_output, test_input)
