/* SPDX-License-Identifier: MIT */
/*
 * cover.c - see cover.h.
 */
#include "tests/insn/cover.h"

uint64_t cover_random(uint64_t *seed) {
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t cover_value(uint64_t *seed) {
    static const uint64_t ends[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, INT64_MAX, UINT64_C(1) << 31, INT32_MAX,
                                    UINT32_MAX, UINT64_C(1) << 32, 255, 1 << 15, 1 << 7};
    uint64_t v = cover_random(seed);
    uint64_t end = ends[v % G_N_ELEMENTS(ends)];
    uint64_t choice[6] = {end, end, v >> (v & 63), (uint64_t)((int64_t)v >> (v & 63)), (uint32_t)v, v};
    return choice[cover_random(seed) % 6];
}

bool cover_is_register(const DecodeField *field) {
    return field->name[0] == 'r' && (field->width == 4 || field->width == 5);
}

static bool counts(const DecodeField *field) {
    return field->width <= COVER_BITS && !cover_is_register(field);
}

static uint32_t put(uint32_t insn, const DecodeField *field, uint32_t value) {
    uint32_t mask = ((1u << field->width) - 1) << field->shift;
    return (insn & ~mask) | value << field->shift;
}

static uint32_t get(uint32_t insn, const DecodeField *field) {
    return insn >> field->shift & ((1u << field->width) - 1);
}

static uint32_t any(uint64_t *seed, const DecodeRow *row) {
    return ((uint32_t)cover_random(seed) & ~row->mask) | row->value;
}

static bool exists(const DecodeRow *row, CoverFind *find, const DecodeField *field, uint32_t value) {
    enum { TRIES = 4000 };
    uint64_t seed = row->value ^ value;
    for (unsigned i = 0; i < TRIES; i++) {
        if (find(put(any(&seed, row), field, value)) == row) {
            return true;
        }
    }
    return false;
}

void cover_init(Cover *c, const DecodeRow *row, CoverFind *find) {
    *c = (Cover){.row = row, .find = find};
    g_assert(row->field_count <= COVER_FIELDS);
    for (uint32_t i = 0; i < row->field_count; i++) {
        for (uint32_t v = 0; counts(&row->fields[i]) && v < 1u << row->fields[i].width; v++) {
            c->none[i][v] = !exists(row, find, &row->fields[i], v);
        }
    }
}

void cover_add(Cover *c, uint32_t insn, uint32_t fpcr) {
    c->vectors++;
    for (uint32_t i = 0; i < c->row->field_count; i++) {
        if (counts(&c->row->fields[i])) {
            c->seen[i][get(insn, &c->row->fields[i])]++;
        }
    }
    for (unsigned n = 0; n < 64; n++) {
        c->fpcr[n / 8] |= (uint8_t)((cover_fpcr(n) == fpcr) << n % 8);
    }
}

/* A value of a field that is too wide to take all: every second one is near an end of the signed or unsigned range. */
static uint32_t wide(const DecodeField *field, uint64_t *seed) {
    uint32_t all = (1u << field->width) - 1, top = 1u << (field->width - 1);
    uint64_t r = cover_random(seed);
    const uint32_t choice[16] = {0, 1, all, all - 1, top, top - 1, top + 1, top >> 1};
    return r % 16 < 8 ? choice[r % 16] & all : (uint32_t)(r >> 32) & all;
}

/* The value of a field that has been seen least; of several, one at random. */
static uint32_t least(const Cover *c, uint32_t field, uint64_t *seed) {
    uint32_t values = 1u << c->row->fields[field].width, best = 0, fewest = UINT32_MAX;
    uint32_t start = (uint32_t)cover_random(seed);
    for (uint32_t k = 0; k < values; k++) {
        uint32_t v = (start + k) % values;
        if (!c->none[field][v] && c->seen[field][v] < fewest) {
            fewest = c->seen[field][v];
            best = v;
        }
    }
    return best;
}

uint32_t cover_insn(const Cover *c, uint64_t *seed) {
    enum { ALL_FIELDS = 8 }; /* tries with every field chosen; then with one of them */
    for (unsigned try = 0;; try++) {
        uint32_t insn = any(seed, c->row);
        uint32_t one = c->row->field_count ? (uint32_t)(cover_random(seed) % c->row->field_count) : 0;
        for (uint32_t i = 0; i < c->row->field_count; i++) {
            const DecodeField *field = &c->row->fields[i];
            if (field->width > COVER_BITS) {
                insn = put(insn, field, wide(field, seed));
            } else if (counts(field) && (try < ALL_FIELDS || i == one)) {
                insn = put(insn, field, least(c, i, seed));
            }
        }
        if (c->find(insn) == c->row) {
            return insn;
        }
    }
}

char *cover_missing(const Cover *c, bool modes) {
    if (c->vectors < COVER_LEAST) {
        return g_strdup_printf("%s has %u vectors, fewer than %u", c->row->name, c->vectors, COVER_LEAST);
    }
    for (uint32_t i = 0; i < c->row->field_count; i++) {
        const DecodeField *field = &c->row->fields[i];
        for (uint32_t v = 0; counts(field) && v < 1u << field->width; v++) {
            if (!c->none[i][v] && !c->seen[i][v]) {
                return g_strdup_printf("%s has no vector where %s is %u", c->row->name, field->name, v);
            }
        }
    }
    for (unsigned n = 0; modes && n < 64; n++) {
        if (!(c->fpcr[n / 8] >> n % 8 & 1)) {
            return g_strdup_printf("%s has no vector where FPCR is %x", c->row->name, cover_fpcr(n));
        }
    }
    return NULL;
}

uint32_t cover_fpcr(unsigned number) {
    enum { RMODE = 22, FZ = 24, DN = 25, AHP = 26, FZ16 = 19 };
    return (number & 3) << RMODE | (number >> 2 & 1) << FZ | (number >> 3 & 1) << DN | (number >> 4 & 1) << FZ16 |
           (number >> 5 & 1) << AHP;
}
