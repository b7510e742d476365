/* SPDX-License-Identifier: MIT */
/*
 * print.c - the text form of a block, one node a line: [%id =] op[.type] operands [!aux].
 *
 * Operands: %id for values, slots and helpers by name, constants in hex, other immediates as signed decimal. `nop` is
 * not printed, nor the type of flags, nor the part of aux that the builder derives from operand a.
 */
#include "ir/ir.h"

static void print_operand(const IrBlock *b, char letter, uint32_t v, GString *out) {
    switch (letter) {
    case 's':
        g_string_append(out, v < b->slot_count ? b->slots[v].name : "?");
        break;
    case 'h':
        g_string_append(out, v < b->helper_count ? b->helpers[v].name : "?");
        break;
    case 'i':
        g_string_append_printf(out, "%d", (int32_t)v);
        break;
    default:
        if (v) {
            g_string_append_printf(out, "%%%u", v);
        } else {
            g_string_append_c(out, '-'); /* the end of an argument chain */
        }
        break;
    }
}

static bool is_named(const IrNode *n) { /* has an id that others refer to */
    return n->type != IR_VOID || n->op == IR_arg || n->op == IR_pair;
}

static void print_node(const IrBlock *b, uint32_t id, GString *out) {
    const IrNode *n = &b->nodes[id];
    const IrOpInfo *info = &ir_ops[n->op];
    if (is_named(n)) {
        g_string_append_printf(out, "%%%u = ", id);
    }
    g_string_append(out, info->name);
    if (n->type != IR_VOID && info->result != 'F') {
        g_string_append_printf(out, ".%s", ir_type_name((IrType)n->type));
    }
    if (n->op == IR_const) {
        g_string_append_printf(out, " 0x%" G_GINT64_MODIFIER "x", n->a | (uint64_t)n->b << 32);
    } else {
        for (int k = 0; k < 3 && info->operands[k]; k++) {
            g_string_append(out, k ? ", " : " ");
            print_operand(b, info->operands[k], n->arg[k], out);
        }
    }
    bool value_first = info->operands[0] && ir_operand_is_value((IrOp)n->op, 0);
    unsigned aux = n->aux & ~(value_first ? ir_width_aux((IrOp)n->op, ir_type_of(b, n->a)) : 0);
    if (aux) {
        g_string_append_printf(out, " !%u", aux);
    }
    g_string_append_c(out, '\n');
}

void ir_print(const IrBlock *b, GString *out) {
    for (uint32_t id = 1; id < b->count; id++) {
        if (b->nodes[id].op != IR_nop) {
            print_node(b, id, out);
        }
    }
}
