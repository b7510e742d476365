/* SPDX-License-Identifier: MIT */
/*
 * cover.h - which values of a row's fields its vectors have: for making vectors and for demanding them.
 */
#ifndef TESTS_INSN_COVER_H
#define TESTS_INSN_COVER_H

#include <glib.h>
#include <stdbool.h>

#include "frontend/decode.h"

/* Vectors that every row has at least. Fields of at most so many bits are to take every value that the row allows. */
enum { COVER_LEAST = 64, COVER_BITS = 6, COVER_FIELDS = 12 };

/* The row of an insn, or NULL. */
typedef const DecodeRow *CoverFind(uint32_t insn);

typedef struct Cover {
    const DecodeRow *row;
    CoverFind *find;
    uint32_t vectors;
    uint32_t seen[COVER_FIELDS][1 << COVER_BITS]; /* vectors by field and value */
    bool none[COVER_FIELDS][1 << COVER_BITS];     /* the row has no insn with this value there */
    uint8_t fpcr[8];                              /* a bit for each setting of RMode, FZ, DN, FZ16 and AHP */
} Cover;

/* Finds out which values there are. */
void cover_init(Cover *c, const DecodeRow *row, CoverFind *find);
void cover_add(Cover *c, uint32_t insn, uint32_t fpcr);
/* An insn of the row whose fields have the values seen least; what is not decided by that is random. */
uint32_t cover_insn(const Cover *c, uint64_t *seed);
/* A sentence (to be freed) that names what is missing, or NULL. modes: every setting of FPCR is demanded. */
char *cover_missing(const Cover *c, bool modes);
/* The setting of that number below 64, as FPCR holds it. */
uint32_t cover_fpcr(unsigned number);

/* Does the field name a register? */
bool cover_is_register(const DecodeField *field);
/* The same numbers from the same seed, everywhere. */
uint64_t cover_random(uint64_t *seed);
/* A register's value: often one at which something changes, or a short one. */
uint64_t cover_value(uint64_t *seed);

#endif
