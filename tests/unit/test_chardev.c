/* SPDX-License-Identifier: MIT */
/* test_chardev.c - host ends of serial lines, with pipes, files and a pseudo-terminal as the host. */
#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host/chardev.h"

/* A device's side that keeps what it is given. */
typedef struct Peer {
    size_t room;
    GString *got;
    GString *events;
    unsigned quits, errors;
} Peer;

static size_t can_receive(void *opaque) {
    return ((Peer *)opaque)->room;
}
static void receive(void *opaque, const uint8_t *data, size_t n) {
    Peer *p = opaque;
    ck_assert_uint_le(n, p->room);
    p->room -= n;
    g_string_append_len(p->got, (const char *)data, (gssize)n);
}
static void event(void *opaque, ChardevEvent e) {
    g_string_append_c(((Peer *)opaque)->events, "wbeoc"[e]);
}
static void quit(void *opaque) {
    ((Peer *)opaque)->quits++;
}
static void lost(void *opaque, const char *message) {
    ck_assert_ptr_nonnull(strstr(message, "lost"));
    ((Peer *)opaque)->errors++;
}

static Chardev *open_with(const char *spec, Peer *p, size_t room) {
    GError *error = NULL;
    Chardev *c = chardev_open(spec, NULL, &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    *p = (Peer){ room, g_string_new(NULL), g_string_new(NULL), 0, 0 };
    chardev_set_handlers(c, can_receive, receive, event, p);
    chardev_set_user(c, &(ChardevUser){ p, lost, quit, NULL });
    return c;
}

static void spin(void) {
    for (unsigned i = 0; i < 200; i++) {
        if (!g_main_context_iteration(NULL, FALSE)) {
            g_usleep(20);
        }
    }
}

/* Gives the process pipes as stdin and stdout; returns the far ends. Every test runs in a process of its own. */
static void stdio_pipes(int *to_stdin, int *from_stdout) {
    int in[2], out[2];
    ck_assert(pipe(in) == 0 && pipe(out) == 0);
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(out[1]);
    *to_stdin = in[1];
    *from_stdout = out[0];
    signal(SIGPIPE, SIG_IGN);
}

START_TEST(test_specs) {
    GError *error = NULL;
    ck_assert_ptr_null(chardev_open("stdoi", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "mon:stdio"));
    g_clear_error(&error);
    ck_assert_ptr_null(chardev_open("file:/nonexistent/x", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/nonexistent/x"));
    g_clear_error(&error);
    Chardev *c = chardev_open("null", NULL, NULL);
    ck_assert_uint_eq(chardev_write(c, "abc", 3), 3);
    ck_assert(!chardev_is_console(c));
    chardev_close(c);
    chardev_close(NULL);
}
END_TEST

START_TEST(test_input_waits_for_room) {
    int in, out;
    Peer p;
    stdio_pipes(&in, &out);
    Chardev *c = open_with("stdio", &p, 2);
    ck_assert(write(in, "a\001xbc", 5) == 5); /* no escape key without mon: */
    close(in);
    spin();
    ck_assert_uint_eq(p.got->len, 2);
    ck_assert_str_eq(p.events->str, "");
    spin();
    ck_assert_uint_eq(p.got->len, 2);
    p.room = 100;
    chardev_accept_input(c);
    spin();
    ck_assert_str_eq(p.got->str, "a\001xbc");
    ck_assert_str_eq(p.events->str, "e");
    ck_assert_uint_eq(p.quits, 0);
    chardev_close(c);
}
END_TEST

START_TEST(test_large_input) {
    int in, out;
    Peer p;
    stdio_pipes(&in, &out);
    Chardev *c = open_with("mon:stdio", &p, 0);
    fcntl(in, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    for (unsigned i = 0; i < 100; i++) {
        char line[1000];
        memset(line, 'a' + (int)(i % 26), sizeof line);
        ssize_t n = write(in, line, sizeof line);
        sent += n > 0 ? (size_t)n : 0;
        spin();
    }
    ck_assert_uint_lt(sent, 100000); /* the sender is held up: nothing is dropped */
    for (unsigned i = 0; i < 4000 && p.got->len < sent; i++) {
        p.room = 100;
        chardev_accept_input(c);
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_eq(p.got->len, sent);
    chardev_close(c);
}
END_TEST

START_TEST(test_escape_key) {
    int in, out;
    Peer p;
    stdio_pipes(&in, &out);
    Chardev *c = open_with("mon:stdio", &p, 100);
    ck_assert(write(in, "1\001\001\001a2\001b3\001h\001c\001z4\001", 17) == 17);
    spin();
    ck_assert(write(in, "x5", 2) == 2); /* in two pieces */
    spin();
    ck_assert_str_eq(p.got->str, "1\001\0012345");
    ck_assert_str_eq(p.events->str, "b");
    ck_assert_uint_eq(p.quits, 1);
    char text[1000] = { 0 };
    ck_assert(read(out, text, sizeof text - 1) > 0);
    ck_assert_ptr_nonnull(strstr(text, "Ctrl-a x"));
    chardev_close(c);
}
END_TEST

START_TEST(test_output_pressure) {
    int in, out;
    Peer p;
    stdio_pipes(&in, &out);
    Chardev *c = open_with("stdio", &p, 0);
    size_t sent = 0, got = 0, n;
    do {
        uint8_t bytes[100];
        for (unsigned i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)((sent + i) * 7);
        }
        n = chardev_write(c, bytes, sizeof bytes);
        sent += n;
        ck_assert_uint_lt(sent, 10 << 20);
    } while (n == 100);
    ck_assert_uint_eq(chardev_write(c, "x", 1), 0);
    fcntl(out, F_SETFL, O_NONBLOCK);
    for (unsigned i = 0; i < 10000 && got < sent; i++) {
        uint8_t bytes[3000];
        ssize_t k = read(out, bytes, sizeof bytes);
        for (ssize_t j = 0; j < k; j++, got++) {
            ck_assert_uint_eq(bytes[j], (uint8_t)(got * 7));
        }
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_eq(got, sent);
    ck_assert_str_eq(p.events->str, "w"); /* told once */
    ck_assert_uint_eq(fcntl(1, F_GETFL) & O_NONBLOCK, 0); /* what others share is as it was */
    ck_assert_uint_eq(chardev_write(c, "end", 3), 3);
    chardev_close(c);
    char end[4] = { 0 };
    ck_assert(read(out, end, 3) == 3);
    ck_assert_str_eq(end, "end");
}
END_TEST

START_TEST(test_reader_gone) {
    int in, out;
    Peer p;
    stdio_pipes(&in, &out);
    Chardev *c = open_with("stdio", &p, 0);
    close(out);
    for (unsigned i = 0; i < 100000; i++) {
        ck_assert_uint_eq(chardev_write(c, "hello", 5), 5);
    }
    spin();
    ck_assert_uint_eq(p.errors, 1);
    chardev_close(c);
}
END_TEST

START_TEST(test_disk_full) {
    Peer p;
    Chardev *c = open_with("file:/dev/full", &p, 0);
    ck_assert_uint_eq(chardev_write(c, "hello", 5), 5);
    ck_assert_uint_eq(chardev_write(c, "hello", 5), 5);
    ck_assert_uint_eq(p.errors, 1);
    chardev_close(c);
}
END_TEST

START_TEST(test_closed_stdio) {
    Peer p;
    spin(); /* the main loop must not get descriptor 0 */
    close(0);
    Chardev *c = open_with("mon:stdio", &p, 10);
    spin();
    ck_assert_uint_eq(p.got->len, 0);
    chardev_close(c);
    int fd = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(fd, 0);
    c = open_with("mon:stdio", &p, 10);
    spin();
    ck_assert_str_eq(p.events->str, "e");
    chardev_close(c);
    close(0);
    fd = open("/proc/self/cmdline", O_RDONLY);
    c = open_with("stdio", &p, 5000);
    spin();
    ck_assert_uint_gt(p.got->len, 0);
    ck_assert_str_eq(p.events->str, "e");
    chardev_close(c);
}
END_TEST

/* -- the terminal -- */

static bool is_raw(int fd) {
    struct termios t;
    ck_assert_int_eq(tcgetattr(fd, &t), 0);
    return !(t.c_lflag & (ECHO | ICANON));
}

/* A pseudo-terminal; returns the user's end and, in *slave, the program's. */
static int new_terminal(int *slave) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*slave, 0);
    return master;
}

/* What yado does with a terminal, and then how it ends: 0 exit, a signal, or -1 not at all. */
static void program(int slave, int how) {
    Peer p;
    for (int i = 1; i < 32; i++) {
        signal(i, SIG_DFL);
    }
    ck_assert(dup2(slave, 0) == 0 && dup2(slave, 1) == 1);
    chardev_guard_terminal();
    Chardev *c = open_with("mon:stdio", &p, 10);
    if (!is_raw(0)) {
        _exit(99);
    }
    chardev_write(c, "ready", 5);
    if (how == 0) {
        exit(3);
    } else if (how > 0) {
        raise(how);
    }
    for (;;) {
        pause();
    }
}

START_TEST(test_signals) {
    static const int hows[] = { 0, SIGTERM, SIGSEGV, SIGABRT, SIGINT, SIGQUIT, SIGHUP };
    for (unsigned i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        int slave, status;
        int master = new_terminal(&slave);
        ck_assert(!is_raw(slave));
        pid_t child = fork();
        if (child == 0) {
            setsid();
            int controlling = open(ptsname(master), O_RDWR); /* becomes the controlling terminal */
            (void)controlling;
            program(slave, hows[i]);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(hows[i] ? WIFSIGNALED(status) && WTERMSIG(status) == hows[i] : WEXITSTATUS(status) == 3);
        ck_assert_msg(!is_raw(slave), "signal %d", hows[i]);
        close(master);
        close(slave);
    }
}
END_TEST

/* A shell in small: runs the program as a job of its own, stops it, and lets it go on. Returns what went wrong. */
static int shell(int slave) {
    int status;
    setsid();
    signal(SIGTTOU, SIG_IGN);
    dup2(slave, 0);
    dup2(slave, 1);
    int tty = open(ttyname(0), O_RDWR);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(tty, getpid());
        program(slave, -1);
    }
    for (unsigned i = 0; i < 1000 && !is_raw(slave); i++) {
        g_usleep(1000);
    }
    if (!is_raw(slave)) {
        return 1;
    }
    for (unsigned round = 0; round < 2; round++) {
        kill(job, SIGTSTP);
        if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status)) {
            return 2;
        }
        if (is_raw(slave)) {
            return 3;
        }
        kill(job, SIGCONT);
        for (unsigned i = 0; i < 1000 && !is_raw(slave); i++) {
            g_usleep(1000);
        }
        if (!is_raw(slave)) {
            return 4;
        }
    }
    kill(job, SIGKILL);
    return 0;
}

START_TEST(test_stop_and_continue) {
    int slave, status;
    int master = new_terminal(&slave);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 1; i < 32; i++) {
            signal(i, SIG_DFL);
        }
        _exit(shell(slave));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    close(master);
}
END_TEST

START_TEST(test_terminal) {
    int slave;
    int master = new_terminal(&slave);
    dup2(slave, 0);
    dup2(slave, 1);
    Peer p;
    Chardev *c = open_with("mon:stdio", &p, 0); /* takes no input: the escape key works all the same */
    ck_assert(is_raw(slave));
    GError *error = NULL;
    ck_assert_ptr_null(chardev_open("stdio", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "in use"));
    g_clear_error(&error);
    for (unsigned i = 0; i < 10; i++) {
        char typed[1000];
        memset(typed, 'y', sizeof typed);
        ck_assert(write(master, typed, sizeof typed) == sizeof typed);
        spin();
    }
    ck_assert(write(master, "\003\001x", 3) == 3); /* Ctrl-C is a byte */
    spin();
    ck_assert_uint_eq(p.quits, 1);
    ck_assert_uint_eq(chardev_write(c, "hi\n", 3), 3);
    char text[10] = { 0 };
    ck_assert(read(master, text, 9) > 0);
    ck_assert_str_eq(text, "hi\r\n");
    chardev_close(c);
    ck_assert(!is_raw(slave));
    c = open_with("stdio", &p, 10); /* and once more, with signals from the keyboard */
    struct termios t;
    ck_assert(is_raw(slave) && tcgetattr(slave, &t) == 0 && t.c_lflag & ISIG);
    chardev_close(c);
}
END_TEST

static int dial(unsigned port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Peers come and go; there is one at a time, and without one output vanishes. */
START_TEST(test_socket_server) {
    Peer p = { 1000, g_string_new(NULL), g_string_new(NULL), 0, 0 };
    Chardev *c = chardev_open_socket("127.0.0.1:0", true, NULL, NULL);
    ck_assert(c && !chardev_is_open(c));
    chardev_set_handlers(c, can_receive, receive, event, &p);
    ck_assert_uint_eq(chardev_write(c, "lost", 4), 4);
    for (unsigned round = 0; round < 3; round++) {
        int fd = dial(chardev_port(c)), second;
        char got[16];
        spin();
        ck_assert(chardev_is_open(c));
        ck_assert_uint_eq(chardev_write(c, "hello", 5), 5);
        ck_assert_int_eq(recv(fd, got, sizeof got, 0), 5);
        second = dial(chardev_port(c));
        spin();
        ck_assert_int_eq(recv(second, got, sizeof got, 0), 0); /* turned away */
        close(second);
        ck_assert_int_eq(send(fd, "typed", 5, 0), 5);
        close(fd);
        spin();
        spin();
        ck_assert(!chardev_is_open(c));
    }
    ck_assert_str_eq(p.got->str, "typedtypedtyped");
    ck_assert_str_eq(p.events->str, "ocococ");
    chardev_close(c);
}
END_TEST

/* The same of a pseudo-terminal, whose peers open it by name. Bytes pass as they are. */
START_TEST(test_pty) {
    Peer p = { 1000, g_string_new(NULL), g_string_new(NULL), 0, 0 };
    Chardev *c = chardev_open("pty", NULL, NULL);
    ck_assert(c && !chardev_is_open(c) && chardev_is_console(c));
    chardev_set_handlers(c, can_receive, receive, event, &p);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_uint_eq(chardev_write(c, "lost", 4), 4);
    }
    for (unsigned round = 1; round <= 3; round++) {
        int fd = open(chardev_pty(c), O_RDWR | O_NOCTTY);
        char got[16];
        ck_assert_int_ge(fd, 0);
        while (!chardev_is_open(c)) {
            g_main_context_iteration(NULL, TRUE);
        }
        ck_assert_uint_eq(chardev_write(c, "a\r\n\x04", 4), 4);
        ck_assert_int_eq(read(fd, got, sizeof got), 4);
        ck_assert(!memcmp(got, "a\r\n\x04", 4));
        ck_assert_int_eq(write(fd, "\x03\rb", 3), 3);
        while (p.got->len < 3 * round) {
            g_main_context_iteration(NULL, TRUE);
        }
        close(fd);
        while (chardev_is_open(c)) {
            g_main_context_iteration(NULL, TRUE);
        }
    }
    ck_assert_str_eq(p.got->str, "\x03\rb\x03\rb\x03\rb");
    ck_assert_str_eq(p.events->str, "ocococ");
    chardev_close(c);
}
END_TEST

/* A peer that does not read fills the buffer; when it goes, the writer goes on. */
START_TEST(test_socket_full) {
    Peer p = { 1000, g_string_new(NULL), g_string_new(NULL), 0, 0 };
    Chardev *c = chardev_open_socket("127.0.0.1:0", true, NULL, NULL);
    chardev_set_handlers(c, can_receive, receive, event, &p);
    int fd = dial(chardev_port(c));
    spin();
    static char data[65536];
    while (chardev_write(c, data, sizeof data) == sizeof data) {
    }
    ck_assert_str_eq(p.events->str, "o");
    close(fd);
    for (unsigned i = 0; i < 100 && p.events->len < 3; i++) {
        spin();
    }
    ck_assert_str_eq(p.events->str, "ocw");
    ck_assert_uint_eq(p.errors, 0);
    chardev_close(c);
}
END_TEST

START_TEST(test_socket_client) {
    g_autofree char *dir = g_dir_make_tmp("yado-chardev-XXXXXX", NULL), *path = g_strdup_printf("%s/s", dir);
    g_autofree char *place = g_strdup_printf("unix:%s", path);
    GError *error = NULL;
    ck_assert_ptr_null(chardev_open_socket(place, false, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "cannot connect to 'unix:"));
    g_clear_error(&error);
    Peer a = { 1000, g_string_new(NULL), g_string_new(NULL), 0, 0 }, b = a;
    b.got = g_string_new(NULL);
    Chardev *server = chardev_open_socket(place, true, NULL, NULL), *client = chardev_open_socket(place, false, NULL, NULL);
    ck_assert(client && chardev_is_open(client));
    chardev_set_handlers(server, can_receive, receive, event, &a);
    chardev_set_handlers(client, can_receive, receive, event, &b);
    spin();
    chardev_write(server, "to client", 9);
    chardev_write(client, "to server", 9);
    spin();
    ck_assert_str_eq(a.got->str, "to server");
    ck_assert_str_eq(b.got->str, "to client");
    ck_assert_ptr_null(chardev_open_socket(place, true, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "cannot listen at"));
    g_clear_error(&error);
    ck_assert_ptr_null(chardev_open_socket("nowhere", true, NULL, &error));
    ck_assert_int_eq(error->code, G_IO_ERROR_INVALID_ARGUMENT);
    g_error_free(error);
    chardev_close(client);
    chardev_close(server);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host/chardev");
    TCase *tc = tcase_create("chardev");
    tcase_set_timeout(tc, 30);
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, test_specs);
    tcase_add_test(tc, test_input_waits_for_room);
    tcase_add_test(tc, test_large_input);
    tcase_add_test(tc, test_escape_key);
    tcase_add_test(tc, test_output_pressure);
    tcase_add_test(tc, test_reader_gone);
    tcase_add_test(tc, test_disk_full);
    tcase_add_test(tc, test_closed_stdio);
    tcase_add_test(tc, test_signals);
    tcase_add_test(tc, test_stop_and_continue);
    tcase_add_test(tc, test_terminal);
    tcase_add_test(tc, test_socket_server);
    tcase_add_test(tc, test_pty);
    tcase_add_test(tc, test_socket_full);
    tcase_add_test(tc, test_socket_client);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
