/* SPDX-License-Identifier: MIT */
/*
 * block.c - a disk image: its driver, its threads, its cache mode and its policy for errors; see block.h.
 */
#include "host/block/block.h"

#include <errno.h>

enum { THREADS = 8 };

struct Block {
    const BlockDriver *driver;
    void *opaque;
    uint64_t size;
    BlockOptions options;  /* strings owned */
    char *whom;            /* for the watchdog */
    GThreadPool *pool;
    gint flush_failed;     /* errno of a flush that failed: what it lost stays lost */
    void (*stopped)(void *opaque, const char *message);
    void *stopped_opaque;
    LateList *late;        /* borrowed; NULL: nobody watches */
};

const char *const block_cache_names[] = { "writeback", "none", "writethrough", "directsync", "unsafe", NULL };
const char *const block_policy_names[] = { "enospc", "stop", "report", "ignore", NULL };

typedef struct Job {
    void (*fn)(void *job);
    void *job;
} Job;

static void run_job(gpointer data, gpointer block) {
    Job job = *(Job *)data;
    g_free(data);
    job.fn(job.job);
}

Block *block_new(const BlockDriver *driver, void *opaque, uint64_t size, const BlockOptions *options) {
    g_assert(size % BLOCK_SECTOR == 0);
    Block *b = g_new0(Block, 1);
    b->driver = driver;
    b->opaque = opaque;
    b->size = size;
    b->options = *options;
    b->options.id = g_strdup(options->id);
    b->options.path = g_strdup(options->path);
    b->options.fault = NULL; /* not needed any more */
    b->whom = g_strdup_printf("'%s' (drive '%s')", options->path, options->id);
    b->pool = g_thread_pool_new(run_job, b, THREADS, FALSE, NULL);
    return b;
}

Block *block_open(const BlockOptions *options, GError **error) {
    BlockOptions o = *options;
    uint64_t size;
    o.read_only |= o.snapshot;
    void *opaque = block_raw_open(&o, &size, error);
    const BlockDriver *driver = &block_raw;
    if (opaque && o.snapshot) {
        opaque = block_overlay_open(driver, opaque, size, error);
        driver = &block_overlay;
    }
    if (opaque && o.fault) {
        opaque = block_fault_open(driver, opaque, o.fault);
        driver = &block_fault;
    }
    return opaque ? block_new(driver, opaque, size, options) : NULL;
}

void block_free(Block *b) {
    if (!b) {
        return;
    }
    g_thread_pool_free(b->pool, FALSE, TRUE);
    b->driver->close(b->opaque);
    g_free((char *)b->options.id);
    g_free((char *)b->options.path);
    g_free(b->whom);
    g_free(b);
}

uint64_t block_size(const Block *b) {
    return b->size;
}

const BlockOptions *block_options(const Block *b) {
    return &b->options;
}

void block_run(Block *b, void (*fn)(void *job), void *job) {
    Job *copy = g_new(Job, 1);
    *copy = (Job){ fn, job };
    g_thread_pool_push(b->pool, copy, NULL);
}

/* -- data -- */

static bool inside(const Block *b, uint64_t offset, uint64_t size) {
    return offset % BLOCK_SECTOR == 0 && size % BLOCK_SECTOR == 0 && offset <= b->size && size <= b->size - offset;
}

int block_read(Block *b, uint64_t offset, void *buffer, size_t size) {
    if (!inside(b, offset, size)) {
        return EIO;
    }
    int place = late_begin(b->late, "read", b->whom);
    int error = b->driver->read(b->opaque, offset, buffer, size);
    late_end(b->late, place);
    return error;
}

/* After a failed fdatasync the kernel may have dropped what it could not write: no later flush may succeed. */
int block_flush(Block *b) {
    int failed = g_atomic_int_get(&b->flush_failed);
    if (failed || b->options.cache == BLOCK_UNSAFE) {
        return failed;
    }
    int place = late_begin(b->late, "flush", b->whom);
    int error = b->driver->flush(b->opaque);
    late_end(b->late, place);
    if (error) {
        g_atomic_int_set(&b->flush_failed, error);
    }
    return error;
}

/* After a change. */
static int settle(Block *b, int error) {
    bool through = b->options.cache == BLOCK_WRITETHROUGH || b->options.cache == BLOCK_DIRECTSYNC;
    return error || !through ? error : block_flush(b);
}

int block_write(Block *b, uint64_t offset, const void *buffer, size_t size) {
    if (b->options.read_only || !inside(b, offset, size)) {
        return b->options.read_only ? EROFS : EIO;
    }
    int place = late_begin(b->late, "write", b->whom);
    int error = b->driver->write(b->opaque, offset, buffer, size);
    late_end(b->late, place);
    return settle(b, error);
}

int block_discard(Block *b, uint64_t offset, uint64_t size) {
    if (b->options.read_only || !inside(b, offset, size)) {
        return b->options.read_only ? EROFS : EIO;
    }
    if (!b->options.discard) {
        return 0;
    }
    int place = late_begin(b->late, "discard", b->whom);
    int error = b->driver->discard(b->opaque, offset, size);
    late_end(b->late, place);
    return settle(b, error);
}

int block_zero(Block *b, uint64_t offset, uint64_t size, bool unmap) {
    if (b->options.read_only || !inside(b, offset, size)) {
        return b->options.read_only ? EROFS : EIO;
    }
    int place = late_begin(b->late, "zeroing", b->whom);
    int error = b->driver->zero(b->opaque, offset, size, unmap && b->options.discard);
    late_end(b->late, place);
    return settle(b, error);
}

/* -- errors -- */

void block_set_user(Block *b, void (*stopped)(void *opaque, const char *message), void *opaque) {
    b->stopped = stopped;
    b->stopped_opaque = opaque;
}

void block_set_late(Block *b, LateList *late) {
    b->late = late;
}

static const struct Kind {
    int error;
    bool mends;        /* a user can do something about it */
    const char *text;  /* instead of errno's; or NULL */
    const char *advice;
} kinds[] = {
    { ENOSPC, true, NULL, "make room on the host" },
    { EDQUOT, true, NULL, "make room on the host" },
    { EFBIG, true, NULL, "raise what limits the size of files ('ulimit -f', or the file system)" },
    { BLOCK_SHORTER, true, "it has become shorter", "give it its size again" },
    { BLOCK_DELETED, true, "it has been deleted, and its content ends with this process",
      "copy it from /proc/PID/fd, where it is shown as '(deleted)', or do without" },
    { ESTALE, true, NULL, "see that the image can be reached again" },
    { EIO, false, NULL, "see that the image can be reached again" },
    { ENODEV, false, NULL, "see that the image can be reached again" },
    { 0, false, NULL, "remove the cause" },
};

static const struct Kind *kind_of(int error) {
    const struct Kind *kind = kinds;
    while (kind->error && kind->error != error) {
        kind++;
    }
    return kind;
}

BlockPolicy block_failed(Block *b, bool write, int error) {
    BlockPolicy policy = write ? b->options.write_error : b->options.read_error;
    const struct Kind *kind = kind_of(error);
    if (policy == BLOCK_ON_ENOSPC) {
        policy = kind->mends ? BLOCK_STOP : BLOCK_REPORT;
    }
    bool lost = write && g_atomic_int_get(&b->flush_failed); /* waiting does not bring it back */
    if (policy == BLOCK_STOP && (lost || !b->stopped)) {
        policy = BLOCK_REPORT;
    }
    if (policy == BLOCK_STOP) {
        g_autofree char *text = g_strdup_printf("drive '%s': cannot %s '%s': %s; the machine is paused\n%s", b->options.id,
                                                write ? "write to" : "read from", b->options.path,
                                                kind->text ? kind->text : g_strerror(error), kind->advice);
        b->stopped(b->stopped_opaque, text);
    }
    return policy;
}
