/* SPDX-License-Identifier: MIT */
/*
 * raw.c - an image that is nothing but its bytes: a regular file or a block device of the host.
 *
 * A size that is no multiple of 512 is rounded up: the rest reads as zeros, and a write there makes the file longer.
 * The whole file is locked for as long as it is open, for writing or for reading. That somebody deletes it or cuts it off
 * all the same is seen at the next write, or at a read behind its end.
 * Missing: io_uring; block devices that change their size.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/block/block.h"

typedef struct Raw {
    int fd;
    int direct; /* the same file without the page cache, or -1 */
    gint deleted; /* it has no name, which has been told */
    uint64_t size; /* of a regular file, when it was opened; else 0 */
} Raw;

enum { ZEROS = 64 << 10 };

/* -- who else has it -- */

/* Does a descriptor of the process show the file? */
static bool has_open(const char *pid, const struct stat *file) {
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", pid);
    DIR *fds = opendir(folder);
    bool found = false;
    for (struct dirent *e; fds && !found && (e = readdir(fds));) {
        struct stat st;
        found = fstatat(dirfd(fds), e->d_name, &st, 0) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
    }
    if (fds) {
        closedir(fds);
    }
    return found;
}

/* A process that has the file open, for people. Caller frees. */
static char *find_user(const struct stat *file) {
    g_autofree char *own = g_strdup_printf("%d", (int)getpid());
    DIR *all = opendir("/proc");
    char *user = NULL;
    for (struct dirent *e; all && !user && (e = readdir(all));) {
        if (!g_ascii_isdigit(e->d_name[0]) || strcmp(e->d_name, own) == 0 || !has_open(e->d_name, file)) {
            continue;
        }
        g_autofree char *path = g_strdup_printf("/proc/%s/comm", e->d_name), *name = NULL;
        g_file_get_contents(path, &name, NULL, NULL);
        user = g_strdup_printf("'%s' (process %s)", name ? g_strchomp(name) : "a program", e->d_name);
    }
    if (all) {
        closedir(all);
    }
    return user ? user : g_strdup("this machine already, or by a program that cannot be seen from here");
}

/* Locks of the open file, not of the process: two machines of one process see each other. */
static bool lock_image(int fd, const BlockOptions *o, const struct stat *file, GError **error) {
    struct flock lock = { .l_type = o->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) {
        return true; /* file systems without locks are used without */
    }
    g_autofree char *user = find_user(file);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
                "image '%s' is in use by %s; give each machine its own copy, or readonly=on or snapshot=on for all", o->path,
                user);
    return false;
}

/* -- opening -- */

static void fail_open(const BlockOptions *o, int number, GError **error) {
    bool denied = (number == EACCES || number == EPERM || number == EROFS) && !o->read_only;
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "cannot open image '%s'%s: %s%s", o->path,
                o->read_only ? "" : " for writing", g_strerror(number),
                denied ? "\nreadonly=on or snapshot=on does without writing"
                       : number == ENOENT ? "\n'truncate -s 8G FILE' makes an empty raw image of 8 GiB" : "");
}

/* Names of formats by their first bytes: whoever gave one did not mean raw. */
static bool check_magic(int fd, const BlockOptions *o, GError **error) {
    static const struct { const char *magic; unsigned size; const char *name; } formats[] = {
        { "QFI\xfb", 4, "qcow2" }, { "KDMV", 4, "VMDK" }, { "vhdxfile", 8, "VHDX" }, { "conectix", 8, "VHD" },
        { "<<< ", 4, "VDI" }, { "QED\0", 4, "QED" },
    };
    char head[8] = { 0 };
    ssize_t n = o->any_content ? 0 : pread(fd, head, sizeof head, 0);
    for (size_t i = 0; n == sizeof head && i < G_N_ELEMENTS(formats); i++) {
        if (memcmp(head, formats[i].magic, formats[i].size) == 0) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "image '%s' begins like format %s, which does not exist yet\n"
                        "convert it to a raw image, or give format=raw if it is one after all", o->path, formats[i].name);
            return false;
        }
    }
    return true;
}

static bool check_kind(int fd, const BlockOptions *o, const struct stat *st, uint64_t *size, GError **error) {
    off_t end = S_ISREG(st->st_mode) || S_ISBLK(st->st_mode) ? lseek(fd, 0, SEEK_END) : 0;
    if (S_ISDIR(st->st_mode)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, "image '%s' is a directory", o->path);
    } else if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "image '%s' is neither a file nor a block device", o->path);
    } else if (end <= 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "image '%s' is empty\n'truncate -s 8G FILE' makes it 8 GiB", o->path);
    } else {
        *size = ((uint64_t)end + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);
        return check_magic(fd, o, error);
    }
    return false;
}

static bool open_direct(Raw *raw, const BlockOptions *o, int mode, GError **error) {
    if (o->cache != BLOCK_NONE && o->cache != BLOCK_DIRECTSYNC) {
        return true;
    }
    raw->direct = open(o->path, mode | O_DIRECT | O_CLOEXEC);
    if (raw->direct < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "image '%s': its file system cannot do without the page cache (%s); use cache=%s instead of cache=%s",
                    o->path, g_strerror(errno), o->cache == BLOCK_NONE ? "writeback" : "writethrough",
                    block_cache_names[o->cache]);
        return false;
    }
    return true;
}

static void raw_close(void *opaque) {
    Raw *raw = opaque;
    if (raw->fd >= 0) {
        close(raw->fd);
    }
    if (raw->direct >= 0) {
        close(raw->direct);
    }
    g_free(raw);
}

void *block_raw_open(const BlockOptions *o, uint64_t *size, GError **error) {
    int mode = o->read_only ? O_RDONLY : O_RDWR;
    Raw *raw = g_new0(Raw, 1);
    struct stat st;
    raw->direct = -1;
    raw->fd = open(o->path, mode | O_CLOEXEC | O_NONBLOCK); /* nobody at the other end of a pipe is waited for */
    if (raw->fd < 0 && errno == EISDIR) {
        raw->fd = open(o->path, O_RDONLY | O_CLOEXEC);
    }
    if (raw->fd < 0 || fstat(raw->fd, &st) != 0) {
        fail_open(o, errno, error);
    } else if (check_kind(raw->fd, o, &st, size, error) && lock_image(raw->fd, o, &st, error) &&
               open_direct(raw, o, mode, error)) {
        raw->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
        raw->deleted = st.st_nlink == 0;
        return raw;
    }
    raw_close(raw);
    return NULL;
}

/* -- data -- */

/* Direct transfers are of whole blocks; others go through the page cache, which the kernel keeps in step. */
static int fd_for(const Raw *raw, uint64_t offset, const void *buffer, size_t size) {
    return raw->direct >= 0 && !((offset | (uintptr_t)buffer | size) & (BLOCK_ALIGN - 1)) ? raw->direct : raw->fd;
}

static int raw_read(void *opaque, uint64_t offset, void *buffer, size_t size) {
    const Raw *raw = opaque;
    int fd = fd_for(raw, offset, buffer, size);
    for (uint8_t *to = buffer; size;) {
        ssize_t n = pread(fd, to, size, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EINVAL && fd == raw->direct) { /* after a short transfer */
            fd = raw->fd;
            continue;
        }
        if (n < 0) {
            return errno;
        }
        if (n == 0 && offset < raw->size) {
            return BLOCK_SHORTER;
        }
        if (n == 0) { /* behind the end */
            memset(to, 0, size);
            return 0;
        }
        to += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* 0: the image is as it was. */
static int check_there(Raw *raw) {
    struct stat st;
    if (!raw->size || fstat(raw->fd, &st) != 0) {
        return 0;
    }
    if (st.st_nlink == 0 && g_atomic_int_compare_and_exchange(&raw->deleted, 0, 1)) {
        return BLOCK_DELETED;
    }
    return (uint64_t)st.st_size < raw->size ? BLOCK_SHORTER : 0;
}

static int raw_write(void *opaque, uint64_t offset, const void *buffer, size_t size) {
    Raw *raw = opaque;
    int fd = fd_for(raw, offset, buffer, size), gone = check_there(raw);
    if (gone) {
        return gone;
    }
    for (const uint8_t *from = buffer; size;) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EINVAL && fd == raw->direct) {
            fd = raw->fd;
            continue;
        }
        if (n <= 0) {
            return n ? errno : EIO;
        }
        from += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* The file's size is part of what fdatasync keeps. */
static int raw_flush(void *opaque) {
    return fdatasync(((const Raw *)opaque)->fd) == 0 ? 0 : errno;
}

static int raw_discard(void *opaque, uint64_t offset, uint64_t size) {
    const Raw *raw = opaque;
    if (size && fallocate(raw->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) != 0 &&
        errno != EOPNOTSUPP) {
        return errno;
    }
    return 0;
}

static int write_zeros(void *opaque, uint64_t offset, uint64_t size) {
    g_autofree void *zeros = g_malloc0(ZEROS);
    int error = 0;
    for (; size && !error; offset += ZEROS) {
        uint64_t n = MIN(size, ZEROS);
        error = raw_write(opaque, offset, zeros, n);
        size -= n;
    }
    return error;
}

static int raw_zero(void *opaque, uint64_t offset, uint64_t size, bool unmap) {
    Raw *raw = opaque;
    int mode = unmap ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE, gone = check_there(raw);
    if (gone) {
        return gone;
    }
    if (!size || fallocate(raw->fd, mode, (off_t)offset, (off_t)size) == 0) {
        return 0;
    }
    return errno == EOPNOTSUPP ? write_zeros(opaque, offset, size) : errno;
}

const BlockDriver block_raw = { "raw", raw_read, raw_write, raw_flush, raw_discard, raw_zero, raw_close };
