/* SPDX-License-Identifier: MIT */
/*
 * log.c - what the translator shows of its work: guest insns, IR, host code (-d in_asm, op, op_opt, out_asm).
 */
#include <capstone/capstone.h>
#include <inttypes.h>

#include "tcg/lower.h"

static void print_guest(Vcpu *v, const IrBlock *ir, const uint8_t *page, uint64_t va, GString *out) {
    uint64_t base = va & ~(uint64_t)(PAGE_SIZE - 1), mode = v->frontend->mode(v->env);
    for (uint32_t i = 1; i < ir->count; i++) {
        const IrNode *n = &ir->nodes[i];
        if (n->op == IR_insn) {
            g_string_append_printf(out, "  0x%016" PRIx64 ":  ", base + n->a);
            v->frontend->disasm(page + n->a, PAGE_SIZE - n->a, base + n->a, mode, out);
            g_string_append_c(out, '\n');
        }
    }
}

void log_ir(Vcpu *v, const char *title, unsigned item, const IrBlock *ir, const uint8_t *page, uint64_t va) {
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(out, "%s: 0x%016" PRIx64 "\n", title, va);
    if (item == TCG_LOG_IN_ASM) {
        print_guest(v, ir, page, va, out);
    } else {
        ir_print(ir, out);
    }
    g_string_append_c(out, '\n');
    fputs(out->str, v->tcg->config.log);
}

/* Disassembles a block's host code, guest addresses in between. Returns the number of host insns. */
size_t log_host_text(const Tb *tb, uint64_t va, GString *out) {
    csh cs;
    cs_insn *insns;
    uint64_t page = va & ~(uint64_t)(PAGE_SIZE - 1);
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK) {
        return 0;
    }
    size_t count = cs_disasm(cs, tb->host, tb->host_bytes, (uint64_t)(uintptr_t)tb->host, 0, &insns);
    const HostMark *mark = tb->extra ? tb->extra->marks : NULL;
    const HostMark *end = mark ? mark + tb->extra->mark_count : NULL;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)(insns[i].address - (uint64_t)(uintptr_t)tb->host);
        for (; mark < end && mark->host <= at; mark++) {
            g_string_append_printf(out, " -- 0x%016" PRIx64 "\n", page + (uint64_t)(int64_t)mark->off);
        }
        g_string_append_printf(out, "  0x%08" PRIx32 ":  %s %s\n", at, insns[i].mnemonic, insns[i].op_str);
    }
    cs_free(insns, count);
    cs_close(&cs);
    return count;
}

void lower_count_host(Vcpu *v, const Tb *tb) {
    csh cs;
    if (!tb->host || cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK) {
        return;
    }
    cs_insn *insn = cs_malloc(cs);
    const uint8_t *code = tb->host;
    size_t size = tb->host_bytes;
    uint64_t at = 0;
    while (cs_disasm_iter(cs, &code, &size, &at, insn)) {
        v->stats.host_insns++;
    }
    v->stats.counted_insns += tb->insns;
    cs_free(insn, 1);
    cs_close(&cs);
}

void lower_log_host(Vcpu *v, const Tb *tb, uint64_t va) {
    if (!log_on(v, TCG_LOG_OUT_ASM)) {
        return;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    g_string_append_printf(out, "OUT: 0x%016" PRIx64 " (%u bytes for %u insns)\n", va, tb->host_bytes, tb->insns);
    log_host_text(tb, va, out);
    fprintf(v->tcg->config.log, "%s\n", out->str);
}
