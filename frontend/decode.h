/* SPDX-License-Identifier: MIT */
/*
 * decode.h - what the rows of all decode tables have in common; the row type of an instruction set begins with it.
 */
#ifndef FRONTEND_DECODE_H
#define FRONTEND_DECODE_H

#include <stdint.h>

typedef struct DecodeField {
    const char *name;
    uint8_t shift, width;
    uint16_t offset; /* in the instruction set's struct of fields */
} DecodeField;

#define DECODE_ROW                                                                                                     \
    const char *name, *file;                                                                                           \
    uint32_t line, mask, value, feature;                                                                               \
    const DecodeField *fields;                                                                                         \
    uint32_t field_count;                                                                                              \
    const char *text /* template */

typedef struct DecodeRow {
    DECODE_ROW;
} DecodeRow;

#endif
