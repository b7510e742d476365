/* SPDX-License-Identifier: MIT */
/*
 * parse.c - reads the text form of print.c.
 *
 * A line that defines %id becomes node id where that is still free, else the next one; references are looked up. A
 * comment runs from `;` to the end of the line. Immediates may be decimal or hex; the type may be left out of ops that
 * have only one. Errors name the line and what was expected.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "ir/ir.h"

enum { PAD_LIMIT = 1 << 16 }; /* ids above it are names only */

/* One parse: where it is and which node each %id of the text became. */
typedef struct Parser {
    IrBlock *b;
    const char *p;
    unsigned line;
    GHashTable *ids; /* number in the text -> node id */
    GError **error;
} Parser;

static bool fail(Parser *s, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(Parser *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(s->error, ir_error_quark(), 0, "line %u: %s", s->line, what);
    return false;
}

static void skip_blanks(Parser *s) {
    while (*s->p == ' ' || *s->p == '\t') {
        s->p++;
    }
}

static bool at_end(Parser *s) {
    skip_blanks(s);
    return *s->p == '\0' || *s->p == '\n' || *s->p == ';';
}

/* Characters left on the line, for messages. */
static int rest(const Parser *s) {
    return (int)MIN(strcspn(s->p, "\n"), 16);
}

static bool accept_char(Parser *s, char c) {
    skip_blanks(s);
    if (*s->p != c) {
        return false;
    }
    s->p++;
    return true;
}

/* A name of letters, digits, _ into buf; "" when there is none. */
static void word(Parser *s, char *buf, size_t size) {
    size_t n = 0;
    skip_blanks(s);
    while (g_ascii_isalnum(*s->p) || *s->p == '_') {
        if (n + 1 < size) {
            buf[n++] = *s->p;
        }
        s->p++;
    }
    buf[n] = '\0';
}

static bool number(Parser *s, uint64_t *v) {
    char *end;
    skip_blanks(s);
    bool minus = *s->p == '-';
    const char *digits = s->p + minus;
    if (!g_ascii_isdigit(*digits)) {
        return fail(s, "expected a number, found '%.*s'", rest(s), s->p);
    }
    int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
    errno = 0;
    *v = g_ascii_strtoull(digits, &end, base);
    if (errno) {
        return fail(s, "the number does not fit in 64 bits");
    }
    *v = minus ? -*v : *v;
    s->p = end;
    return true;
}

static bool find_op(Parser *s, IrOp *op) {
    char name[32];
    word(s, name, sizeof name);
    for (unsigned i = 0; i < IR_OPS; i++) {
        if (strcmp(ir_ops[i].name, name) == 0) {
            *op = (IrOp)i;
            return true;
        }
    }
    return fail(s, "no op is called '%s'", name);
}

static bool parse_type(Parser *s, IrType *type) {
    *type = IR_VOID;
    if (*s->p != '.') {
        return true;
    }
    s->p++;
    char name[16];
    word(s, name, sizeof name);
    for (unsigned i = IR_VOID + 1; i < IR_TYPES; i++) {
        if (strcmp(ir_type_name((IrType)i), name) == 0) {
            *type = (IrType)i;
            return true;
        }
    }
    return fail(s, "no type is called '%s'", name);
}

static bool parse_value(Parser *s, uint32_t *v) {
    uint64_t id;
    if (accept_char(s, '-')) {
        *v = 0;
        return true;
    }
    if (!accept_char(s, '%')) {
        return fail(s, "expected a value such as %%1, found '%.*s'", rest(s), s->p);
    }
    if (!number(s, &id)) {
        return false;
    }
    gpointer node;
    if (!g_hash_table_lookup_extended(s->ids, GUINT_TO_POINTER((guint)id), NULL, &node)) {
        return fail(s, "%%%u is not defined above this line", (unsigned)id);
    }
    *v = GPOINTER_TO_UINT(node);
    return true;
}

static bool parse_slot(Parser *s, uint32_t *v) {
    char name[32];
    word(s, name, sizeof name);
    for (uint32_t i = 0; i < s->b->slot_count; i++) {
        if (strcmp(s->b->slots[i].name, name) == 0) {
            *v = i;
            return true;
        }
    }
    return fail(s, "no slot is called '%s'", name);
}

static bool parse_helper(Parser *s, uint32_t *v) {
    char name[64];
    word(s, name, sizeof name);
    for (uint32_t i = 0; i < s->b->helper_count; i++) {
        if (strcmp(s->b->helpers[i].name, name) == 0) {
            *v = i;
            return true;
        }
    }
    return fail(s, "no helper is called '%s'", name);
}

static bool parse_operand(Parser *s, char letter, uint32_t *v) {
    uint64_t imm;
    switch (letter) {
    case 's':
        return parse_slot(s, v);
    case 'h':
        return parse_helper(s, v);
    case 'i':
        if (!number(s, &imm)) {
            return false;
        }
        if ((int64_t)imm < INT32_MIN || (int64_t)imm > INT32_MAX) {
            return fail(s, "the immediate does not fit in 32 bits");
        }
        *v = (uint32_t)imm;
        return true;
    default:
        return parse_value(s, v);
    }
}

static bool parse_operands(Parser *s, IrOp op, IrNode *n) {
    if (op == IR_const) {
        uint64_t v;
        if (!number(s, &v)) {
            return false;
        }
        n->a = (uint32_t)v;
        n->b = n->type == IR_I32 ? 0 : (uint32_t)(v >> 32);
        return true;
    }
    for (int k = 0; k < 3 && ir_ops[op].operands[k]; k++) {
        if (k && !accept_char(s, ',')) {
            return fail(s, "%s has %u operands; expected ','", ir_ops[op].name, (unsigned)strlen(ir_ops[op].operands));
        }
        if (!parse_operand(s, ir_ops[op].operands[k], &n->arg[k])) {
            return false;
        }
    }
    return true;
}

static bool parse_aux(Parser *s, IrNode *n) {
    uint64_t aux;
    if (!accept_char(s, '!')) {
        return true;
    }
    if (!number(s, &aux)) {
        return false;
    }
    if (aux > 255) {
        return fail(s, "aux is at most 255");
    }
    n->aux = (uint8_t)aux;
    return true;
}

/* The type of an op that has only one. */
static IrType implied_type(IrOp op) {
    switch (ir_ops[op].result) {
    case 'F':
        return IR_FLAGS;
    case 'V':
        return IR_V128;
    case 'w':
        return IR_I32;
    case 'd':
        return IR_I64;
    default:
        return IR_VOID;
    }
}

/* Nops in the place of removed nodes, so that a printed block keeps its numbers. */
static void pad_to(Parser *s, uint64_t id) {
    while (s->b->count < id && id < PAD_LIMIT) {
        ir_append(s->b, IR_nop, IR_VOID, 0, 0, 0, 0);
    }
}

static bool parse_line(Parser *s) {
    uint64_t id = 0;
    bool named = accept_char(s, '%');
    IrOp op = IR_nop;
    IrType type = IR_VOID;
    IrNode n = {0};
    if (named && (!number(s, &id) || (!accept_char(s, '=') && !fail(s, "expected '=' after %%%u", (unsigned)id)))) {
        return false;
    }
    if (!find_op(s, &op) || !parse_type(s, &type)) {
        return false;
    }
    if (type == IR_VOID) {
        type = implied_type(op);
    }
    n.type = (uint8_t)type;
    if (!parse_operands(s, op, &n) || !parse_aux(s, &n)) {
        return false;
    }
    if (!at_end(s)) {
        return fail(s, "unexpected '%.*s' after the operands of %s", rest(s), s->p, ir_ops[op].name);
    }
    pad_to(s, id);
    uint32_t node = ir_append(s->b, op, type, n.aux, n.a, n.b, n.c);
    if (named && !g_hash_table_insert(s->ids, GUINT_TO_POINTER((guint)id), GUINT_TO_POINTER(node))) {
        return fail(s, "%%%u is defined a second time", (unsigned)id);
    }
    return true;
}

bool ir_parse(IrBlock *b, const char *text, GError **error) {
    g_autoptr(GHashTable) ids = g_hash_table_new(NULL, NULL);
    Parser s = {.b = b, .p = text, .line = 1, .ids = ids, .error = error};
    while (*s.p) {
        if (!at_end(&s) && !parse_line(&s)) {
            return false;
        }
        s.p += strcspn(s.p, "\n");
        if (*s.p == '\n') {
            s.p++;
            s.line++;
        }
    }
    return true;
}
