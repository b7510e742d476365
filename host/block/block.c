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
    int place = late_begin(b->late, "read", b->options.path);
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
    int place = late_begin(b->late, "flush", b->options.path);
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
    int place = late_begin(b->late, "write", b->options.path);
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
    int place = late_begin(b->late, "discard", b->options.path);
    int error = b->driver->discard(b->opaque, offset, size);
    late_end(b->late, place);
    return settle(b, error);
}

int block_zero(Block *b, uint64_t offset, uint64_t size, bool unmap) {
    if (b->options.read_only || !inside(b, offset, size)) {
        return b->options.read_only ? EROFS : EIO;
    }
    int place = late_begin(b->late, "zeroing", b->options.path);
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

static const char *advice(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT: return "make room on the host, then";
    case EIO:
    case ENODEV:
    case ESTALE: return "see that the image can be reached again, then";
    default: return "remove the cause, then";
    }
}

BlockPolicy block_failed(Block *b, bool write, int error) {
    BlockPolicy policy = write ? b->options.write_error : b->options.read_error;
    bool full = error == ENOSPC || error == EDQUOT;
    if (policy == BLOCK_ON_ENOSPC) {
        policy = full ? BLOCK_STOP : BLOCK_REPORT;
    }
    bool lost = write && g_atomic_int_get(&b->flush_failed); /* waiting does not bring it back */
    if (policy == BLOCK_STOP && (lost || !b->stopped)) {
        policy = BLOCK_REPORT;
    }
    if (policy == BLOCK_STOP) {
        g_autofree char *text = g_strdup_printf("drive '%s': cannot %s '%s': %s; the machine is paused\n"
                                                "%s 'cont' in the monitor tries again and nothing is lost; 'quit' gives up",
                                                b->options.id, write ? "write to" : "read from", b->options.path,
                                                g_strerror(error), advice(error));
        b->stopped(b->stopped_opaque, text);
    }
    return policy;
}
