/* SPDX-License-Identifier: MIT */
/*
 * block.h - disk images: opening them, reading and writing them from any thread, and threads to do that in.
 *
 * A Block is a driver (a format or a layer, BlockDriver) and what the user wants of it: cache mode, what an error does.
 * The calls that move data wait for the host; who must not wait gives a job to block_run and calls them there.
 * Errors of calls that move data are numbers of errno or BLOCK_*, 0 for none.
 */
#ifndef HOST_BLOCK_BLOCK_H
#define HOST_BLOCK_BLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/late.h"

typedef struct Block Block;

enum { BLOCK_SECTOR = 512, BLOCK_ALIGN = 4096 /* of buffers that host/block reads into without copying */ };

typedef enum BlockCache {
    BLOCK_WRITEBACK,    /* a write is durable after the next flush */
    BLOCK_NONE,         /* the same, without the host's page cache */
    BLOCK_WRITETHROUGH, /* every write is durable when it returns */
    BLOCK_DIRECTSYNC,   /* the same, without the host's page cache */
    BLOCK_UNSAFE,       /* flushes do nothing: a crash of the host loses what it likes */
} BlockCache;
extern const char *const block_cache_names[]; /* by BlockCache, NULL-terminated */

/* Errors besides those of errno. */
enum {
    BLOCK_SHORTER = 0x10000, /* somebody has cut the image off */
    BLOCK_DELETED,           /* nobody but this process has the image any more; told once, and nothing was done */
};

/* What an error of the host does. */
typedef enum BlockPolicy {
    BLOCK_ON_ENOSPC, /* what a user can mend (no space left, the image is gone): stop; else: report */
    BLOCK_STOP,      /* the machine is paused; the request is tried again when it goes on */
    BLOCK_REPORT,    /* the guest sees an I/O error */
    BLOCK_IGNORE,    /* the guest sees success */
} BlockPolicy;
extern const char *const block_policy_names[];

typedef struct BlockOptions {
    const char *id;     /* for messages */
    const char *path;
    BlockCache cache;
    bool read_only;
    bool any_content;   /* the user has said that it is raw, whatever it begins like */
    bool snapshot;      /* writes go to a temporary file that vanishes; the image is opened for reading */
    bool discard;       /* discards give space back to the host; otherwise they do nothing */
    BlockPolicy write_error, read_error;
    const char *fault;  /* for tests: see fault.c; NULL: none */
} BlockOptions;

/* A format or a layer. Calls come from several threads at once. Ranges lie inside the size; offsets and sizes are
 * multiples of 512. flush: every write that has returned is durable afterwards. */
typedef struct BlockDriver {
    const char *name;
    int (*read)(void *opaque, uint64_t offset, void *buffer, size_t size);
    int (*write)(void *opaque, uint64_t offset, const void *buffer, size_t size);
    int (*flush)(void *opaque);
    int (*discard)(void *opaque, uint64_t offset, uint64_t size);         /* the content may be anything then */
    int (*zero)(void *opaque, uint64_t offset, uint64_t size, bool unmap); /* unmap: space may be given back */
    void (*close)(void *opaque);
} BlockDriver;

/* Opens a raw image; strings of options are copied. Error (G_IO_ERROR): a sentence. Codes: NOT_FOUND, IS_DIRECTORY,
 * INVALID_DATA: wrong with the image; BUSY: in use; others: the host refuses. */
Block *block_open(const BlockOptions *options, GError **error);
/* For layers and tests: `size` bytes, a multiple of 512. Owns `opaque`: the driver's close frees it. */
Block *block_new(const BlockDriver *driver, void *opaque, uint64_t size, const BlockOptions *options);
/* Waits for jobs. Does not flush: a guest that wanted that has said so. NULL is allowed. */
void block_free(Block *b);

uint64_t block_size(const Block *b); /* bytes, a multiple of 512 */
const BlockOptions *block_options(const Block *b);

int block_read(Block *b, uint64_t offset, void *buffer, size_t size);
int block_write(Block *b, uint64_t offset, const void *buffer, size_t size);
int block_flush(Block *b);
int block_discard(Block *b, uint64_t offset, uint64_t size);
int block_zero(Block *b, uint64_t offset, uint64_t size, bool unmap);

/* Runs fn(job) in a thread of the image. Several jobs run at once, in any order. */
void block_run(Block *b, void (*fn)(void *job), void *job);

/* What to do about an error: never BLOCK_ON_ENOSPC. For BLOCK_STOP the user has been told. After a failed flush writes are
 * never stopped for: the guest has to know. Any thread. */
BlockPolicy block_failed(Block *b, bool write, int error);
/* stopped: an error wants the machine to be paused. message: a sentence, and behind a newline what has to be done before
 * the machine goes on; borrowed. Any thread. */
void block_set_user(Block *b, void (*stopped)(void *opaque, const char *message), void *opaque);

/* Requests are noted there while the host works on them. Borrowed until block_free; before the first request. */
void block_set_late(Block *b, LateList *late);

/* -- between the files of this folder -- */

/* A raw file. *size: bytes, rounded up to 512. `options` gives path, cache, read_only, discard. */
void *block_raw_open(const BlockOptions *options, uint64_t *size, GError **error);
extern const BlockDriver block_raw;
/* A temporary file in front of `base`, which it owns and never writes. */
void *block_overlay_open(const BlockDriver *driver, void *base, uint64_t size, GError **error);
extern const BlockDriver block_overlay;
/* In front of `base`, which it owns. */
void *block_fault_open(const BlockDriver *driver, void *base, const char *path);
extern const BlockDriver block_fault;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Block, block_free)

#endif
