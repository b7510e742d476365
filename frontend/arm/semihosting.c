/* SPDX-License-Identifier: MIT */
/*
 * semihosting.c - HLT #0xF000: the guest asks the host for files, console, time and an end.
 * Spec: Semihosting for AArch32 and AArch64 (Arm), with the extensions EXIT_EXTENDED and STDOUT_STDERR.
 * Files are the host's, relative to the working directory, as the specification has it: the option allows it.
 * Missing: console input (reads find its end), SYS_SYSTEM, command line (empty); open files are not state.
 */
#include "frontend/arm/sysreg.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 32, CHUNK = 4096, PATH_LIMIT = 4096, FEATURES_LENGTH = 5 };

typedef enum FileKind { FILE_FREE, FILE_HOST, FILE_OUTPUT, FILE_INPUT, FILE_FEATURES } FileKind;

struct ArmFiles {
    struct {
        FileKind kind;
        FILE *file;      /* FILE_HOST: owned */
        unsigned at;     /* FILE_FEATURES: position */
    } handle[FILES];     /* handle n + 1 of the guest */
};

typedef struct Call {
    Env *env;
    const CpuPorts *ports;
    uint64_t arg[4];     /* the parameter block, as far as the operation has one */
    uint64_t x1;
    int error;           /* errno for SYS_ERRNO, 0: keep */
} Call;

static uint64_t failed(Call *c, int error) {
    c->error = error;
    return UINT64_MAX;
}

static bool read_guest(Call *c, uint64_t va, void *buffer, uint64_t size) {
    return c->ports->virt_read(c->ports->opaque, c->env, va, buffer, size);
}

static bool write_guest(Call *c, uint64_t va, const void *buffer, uint64_t size) {
    return c->ports->virt_write(c->ports->opaque, c->env, va, buffer, size);
}

static void console_write(Call *c, const void *bytes, size_t size) {
    if (c->ports->semihosting_console) {
        fwrite(bytes, 1, size, c->ports->semihosting_console);
        fflush(c->ports->semihosting_console);
    }
}

/* A string of the guest with a known length; NULL with c->error set. */
static char *read_string(Call *c, uint64_t va, uint64_t length) {
    if (length >= PATH_LIMIT) {
        failed(c, ENAMETOOLONG);
        return NULL;
    }
    char *s = g_malloc0(length + 1);
    if (!read_guest(c, va, s, length)) {
        failed(c, EFAULT);
        g_free(s);
        return NULL;
    }
    return s;
}

/* -- files -------------------------------------------------------------------------------- */

static ArmFiles *files_of(Call *c) {
    ArmCold *cold = arm_cold(c->env);
    if (!cold->files) {
        cold->files = g_new0(ArmFiles, 1);
    }
    return cold->files;
}

/* Index of an open handle, or -1 with c->error set. */
static int handle_of(Call *c, uint64_t handle) {
    if (handle == 0 || handle > FILES || files_of(c)->handle[handle - 1].kind == FILE_FREE) {
        failed(c, EBADF);
        return -1;
    }
    return (int)handle - 1;
}

void arm_semihosting_finish(Env *env) {
    ArmCold *cold = arm_cold(env);
    for (int i = 0; cold->files && i < FILES; i++) {
        if (cold->files->handle[i].kind == FILE_HOST) {
            fclose(cold->files->handle[i].file);
        }
    }
    g_clear_pointer(&cold->files, g_free);
}

static uint64_t sys_open(Call *c) {
    static const char *const modes[] = {"r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b"};
    ArmFiles *files = files_of(c);
    int i = 0;
    while (i < FILES && files->handle[i].kind != FILE_FREE) {
        i++;
    }
    if (i == FILES) {
        return failed(c, EMFILE);
    }
    if (c->arg[1] >= G_N_ELEMENTS(modes)) {
        return failed(c, EINVAL);
    }
    g_autofree char *name = read_string(c, c->arg[0], c->arg[2]);
    if (!name) {
        return UINT64_MAX;
    }
    FileKind kind = FILE_HOST;
    FILE *file = NULL;
    if (strcmp(name, ":tt") == 0) {
        kind = c->arg[1] < 4 ? FILE_INPUT : FILE_OUTPUT;
    } else if (strcmp(name, ":semihosting-features") == 0) {
        kind = FILE_FEATURES;
    } else if (!(file = fopen(name, modes[c->arg[1]]))) {
        return failed(c, errno);
    }
    files->handle[i].kind = kind;
    files->handle[i].file = file;
    files->handle[i].at = 0;
    return (uint64_t)i + 1;
}

static uint64_t sys_close(Call *c) {
    int i = handle_of(c, c->arg[0]);
    if (i < 0) {
        return UINT64_MAX;
    }
    FileKind kind = files_of(c)->handle[i].kind;
    files_of(c)->handle[i].kind = FILE_FREE;
    return kind == FILE_HOST && fclose(files_of(c)->handle[i].file) != 0 ? failed(c, errno) : 0;
}

/* The answer is the number of bytes NOT written. */
static uint64_t sys_write(Call *c) {
    uint8_t buffer[CHUNK];
    uint64_t va = c->arg[1], left = c->arg[2];
    int i = handle_of(c, c->arg[0]);
    while (i >= 0 && left) {
        size_t piece = MIN(left, CHUNK), done = piece;
        if (!read_guest(c, va, buffer, piece)) {
            failed(c, EFAULT);
            break;
        }
        if (files_of(c)->handle[i].kind == FILE_HOST) {
            done = fwrite(buffer, 1, piece, files_of(c)->handle[i].file);
        } else if (files_of(c)->handle[i].kind == FILE_OUTPUT) {
            console_write(c, buffer, piece);
        } else {
            done = 0;
        }
        left -= done;
        va += done;
        if (done < piece) {
            failed(c, EIO);
            break;
        }
    }
    return left;
}

static size_t read_features(Call *c, int i, uint8_t *buffer, size_t size) {
    static const uint8_t magic[FEATURES_LENGTH] = {'S', 'H', 'F', 'B', 3}; /* EXIT_EXTENDED, STDOUT_STDERR */
    size_t n = 0;
    for (unsigned *at = &files_of(c)->handle[i].at; n < size && *at < FEATURES_LENGTH; n++, ++*at) {
        buffer[n] = magic[*at];
    }
    return n;
}

/* The answer is the number of bytes NOT read. */
static uint64_t sys_read(Call *c) {
    uint8_t buffer[CHUNK];
    uint64_t va = c->arg[1], left = c->arg[2];
    int i = handle_of(c, c->arg[0]);
    while (i >= 0 && left) {
        size_t piece = MIN(left, CHUNK), done = 0;
        if (files_of(c)->handle[i].kind == FILE_HOST) {
            done = fread(buffer, 1, piece, files_of(c)->handle[i].file);
        } else if (files_of(c)->handle[i].kind == FILE_FEATURES) {
            done = read_features(c, i, buffer, piece);
        }
        if (!write_guest(c, va, buffer, done)) {
            failed(c, EFAULT);
            break;
        }
        left -= done;
        va += done;
        if (done < piece) {
            break;
        }
    }
    return left;
}

static uint64_t sys_istty(Call *c) {
    int i = handle_of(c, c->arg[0]);
    if (i < 0) {
        return UINT64_MAX;
    }
    FileKind kind = files_of(c)->handle[i].kind;
    return kind == FILE_INPUT || kind == FILE_OUTPUT;
}

static uint64_t sys_seek(Call *c) {
    int i = handle_of(c, c->arg[0]);
    if (i < 0) {
        return UINT64_MAX;
    }
    if (files_of(c)->handle[i].kind == FILE_FEATURES) {
        files_of(c)->handle[i].at = (unsigned)MIN(c->arg[1], FEATURES_LENGTH);
        return 0;
    }
    if (files_of(c)->handle[i].kind != FILE_HOST || c->arg[1] > INT64_MAX) {
        return failed(c, ESPIPE);
    }
    return fseeko(files_of(c)->handle[i].file, (off_t)c->arg[1], SEEK_SET) == 0 ? 0 : failed(c, errno);
}

static uint64_t sys_flen(Call *c) {
    struct stat st;
    int i = handle_of(c, c->arg[0]);
    if (i < 0) {
        return UINT64_MAX;
    }
    if (files_of(c)->handle[i].kind == FILE_FEATURES) {
        return FEATURES_LENGTH;
    }
    if (files_of(c)->handle[i].kind != FILE_HOST) {
        return 0;
    }
    FILE *file = files_of(c)->handle[i].file;
    return fflush(file) == 0 && fstat(fileno(file), &st) == 0 ? (uint64_t)st.st_size : failed(c, errno);
}

static uint64_t sys_remove(Call *c) {
    g_autofree char *name = read_string(c, c->arg[0], c->arg[1]);
    return name && remove(name) == 0 ? 0 : name ? failed(c, errno) : UINT64_MAX;
}

static uint64_t sys_rename(Call *c) {
    g_autofree char *from = read_string(c, c->arg[0], c->arg[1]);
    g_autofree char *to = read_string(c, c->arg[2], c->arg[3]);
    if (!from || !to) {
        return UINT64_MAX;
    }
    return rename(from, to) == 0 ? 0 : failed(c, errno);
}

static uint64_t sys_tmpnam(Call *c) {
    g_autofree char *name =
        g_strdup_printf("%s/semihosting-%u-%u", g_get_tmp_dir(), (unsigned)getpid(), (unsigned)c->arg[1] & 255);
    size_t size = strlen(name) + 1;
    return size <= c->arg[2] && write_guest(c, c->arg[0], name, size) ? 0 : failed(c, ENAMETOOLONG);
}

/* -- console, time, the rest -------------------------------------------------------------------------------- */

static uint64_t sys_writec(Call *c) {
    char byte;
    if (read_guest(c, c->x1, &byte, 1)) {
        console_write(c, &byte, 1);
    }
    return 0;
}

static uint64_t sys_write0(Call *c) {
    char byte;
    for (uint64_t va = c->x1; read_guest(c, va, &byte, 1) && byte; va++) {
        console_write(c, &byte, 1);
    }
    return 0;
}

static uint64_t sys_readc(Call *c) {
    return UINT64_MAX;
}

static uint64_t sys_iserror(Call *c) {
    return (int64_t)c->arg[0] < 0;
}

static uint64_t sys_clock(Call *c) {
    enum { NS_PER_CS = 10000000 };
    return c->ports->now(c->ports->opaque) / NS_PER_CS;
}

static uint64_t sys_time(Call *c) {
    return (uint64_t)(g_get_real_time() / G_USEC_PER_SEC);
}

static uint64_t sys_elapsed(Call *c) {
    uint64_t ticks = arm_counter(c->env);
    return write_guest(c, c->x1, &ticks, sizeof(ticks)) ? 0 : failed(c, EFAULT);
}

static uint64_t sys_tickfreq(Call *c) {
    return arm_cold(c->env)->counter_hz;
}

static uint64_t sys_errno(Call *c) {
    return arm_cold(c->env)->semihost_errno;
}

static uint64_t sys_get_cmdline(Call *c) {
    const uint64_t length = 0;
    if (c->arg[1] < 1 || !write_guest(c, c->arg[0], "", 1) || !write_guest(c, c->x1 + 8, &length, sizeof(length))) {
        return failed(c, EFAULT);
    }
    return 0;
}

/* Zeros: the guest is to use what it knows of its memory. */
static uint64_t sys_heapinfo(Call *c) {
    static const uint64_t zeros[4];
    return write_guest(c, c->arg[0], zeros, sizeof(zeros)) ? 0 : failed(c, EFAULT);
}

static uint64_t sys_exit(Call *c) {
    enum { APPLICATION_EXIT = 0x20026 };
    c->ports->power(c->ports->opaque, c->env, CPU_POWER_EXIT, c->arg[0] == APPLICATION_EXIT ? (int)c->arg[1] : 1);
    return 0;
}

/* -- dispatch -------------------------------------------------------------------------------- */

typedef struct Operation {
    uint64_t (*call)(Call *c);
    uint8_t args; /* 64-bit words in the parameter block */
} Operation;

static const Operation operations[] = {
    [0x01] = {sys_open, 3}, [0x02] = {sys_close, 1}, [0x03] = {sys_writec, 0}, [0x04] = {sys_write0, 0},
    [0x05] = {sys_write, 3}, [0x06] = {sys_read, 3}, [0x07] = {sys_readc, 0}, [0x08] = {sys_iserror, 1},
    [0x09] = {sys_istty, 1}, [0x0a] = {sys_seek, 2}, [0x0c] = {sys_flen, 1}, [0x0d] = {sys_tmpnam, 3},
    [0x0e] = {sys_remove, 2}, [0x0f] = {sys_rename, 4}, [0x10] = {sys_clock, 0}, [0x11] = {sys_time, 0},
    [0x13] = {sys_errno, 0}, [0x15] = {sys_get_cmdline, 2}, [0x16] = {sys_heapinfo, 1}, [0x18] = {sys_exit, 2},
    [0x20] = {sys_exit, 2}, [0x30] = {sys_elapsed, 0}, [0x31] = {sys_tickfreq, 0},
};

void arm_helper_semihosting(Env *env) {
    ArmCpu *cpu = arm_cpu(env);
    uint32_t number = (uint32_t)cpu->x[0];
    Call c = {.env = env, .ports = arm_ports(env), .x1 = cpu->x[1]};
    if (number >= G_N_ELEMENTS(operations) || !operations[number].call) {
        c.ports->log(c.ports->opaque, env, CPU_LOG_UNIMP, "semihosting operation %#x is not supported", number);
        cpu->x[0] = UINT64_MAX;
        return;
    }
    if (!read_guest(&c, c.x1, c.arg, 8u * operations[number].args)) {
        cpu->x[0] = failed(&c, EFAULT);
    } else {
        cpu->x[0] = operations[number].call(&c);
    }
    if (c.error) {
        cpu->cold->semihost_errno = (uint8_t)c.error;
    }
}
