/* SPDX-License-Identifier: MIT */
/*
 * disasm.c - A64 insns as text: the entry, and the placeholder kinds of general registers, immediates and memory.
 * Spec: Arm DDI 0487, C6.2 (assembler symbols, preferred aliases).
 */
#include "frontend/arm/disasm.h"

#include <inttypes.h>

unsigned a64_disasm(const uint8_t *bytes, unsigned avail, uint64_t pc, uint64_t mode, GString *out) {
    if (avail < 4) {
        return 0;
    }
    A64Fields f;
    A64Print p = {.out = out, .pc = pc};
    p.insn = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    const A64Row *row = a64_find(p.insn, &f);
    if (!row) {
        g_string_append_printf(out, ".inst 0x%08" PRIx32, p.insn);
    } else if (row->print) {
        row->print(&p, &f);
    } else {
        g_string_append(out, row->name);
    }
    return 4;
}

void a64_fmt_text(A64Print *p, const char *text) {
    g_string_append(p->out, text);
}

/* -- registers -- */

static void reg(A64Print *p, char class, unsigned n, bool sp) {
    if (n != 31) {
        g_string_append_printf(p->out, "%c%u", class, n);
    } else if (sp) {
        g_string_append(p->out, class == 'x' ? "sp" : "wsp");
    } else {
        g_string_append_printf(p->out, "%czr", class);
    }
}

void a64_fmt_x(A64Print *p, const A64Fields *f, unsigned n) {
    reg(p, 'x', n, false);
}
void a64_fmt_w(A64Print *p, const A64Fields *f, unsigned n) {
    reg(p, 'w', n, false);
}
void a64_fmt_xsp(A64Print *p, const A64Fields *f, unsigned n) {
    reg(p, 'x', n, true);
}
/* x where f->sf is set, else w */
void a64_fmt_r(A64Print *p, const A64Fields *f, unsigned n) {
    reg(p, f->sf ? 'x' : 'w', n, false);
}
void a64_fmt_rsp(A64Print *p, const A64Fields *f, unsigned n) {
    reg(p, f->sf ? 'x' : 'w', n, true);
}
/* x where `wide` is set */
void a64_fmt_rx(A64Print *p, const A64Fields *f, unsigned wide, unsigned n) {
    reg(p, wide ? 'x' : 'w', n, false);
}
/* x for data of 2^3 bytes */
void a64_fmt_rz(A64Print *p, const A64Fields *f, unsigned size, unsigned n) {
    reg(p, size == 3 ? 'x' : 'w', n, false);
}
/* scalar SIMD&FP register of 2^size bytes */
void a64_fmt_vt(A64Print *p, const A64Fields *f, unsigned size, unsigned n) {
    g_string_append_printf(p->out, "%c%u", "bhsdq"[size], n);
}

/* -- immediates, shifts, conditions, addresses in code -- */

void a64_fmt_imm(A64Print *p, const A64Fields *f, unsigned v) {
    g_string_append_printf(p->out, "#0x%x", v);
}
void a64_fmt_dec(A64Print *p, const A64Fields *f, unsigned v) {
    g_string_append_printf(p->out, "#%u", v);
}
void a64_fmt_simm(A64Print *p, const A64Fields *f, unsigned v, unsigned width) {
    g_string_append_printf(p->out, "#%d", a64_sext(v, width));
}
void a64_fmt_imm12(A64Print *p, const A64Fields *f, unsigned v, unsigned shift) {
    g_string_append_printf(p->out, shift ? "#0x%x, lsl #12" : "#0x%x", v);
}
void a64_fmt_lsl16(A64Print *p, const A64Fields *f, unsigned hw) {
    if (hw) {
        g_string_append_printf(p->out, ", lsl #%u", hw * 16);
    }
}
static void hex(A64Print *p, const A64Fields *f, uint64_t v) {
    g_string_append_printf(p->out, "#0x%" PRIx64, f->sf ? v : (uint32_t)v);
}
void a64_fmt_wide(A64Print *p, const A64Fields *f, unsigned v, unsigned hw, unsigned invert) {
    uint64_t value = (uint64_t)v << (hw * 16);
    hex(p, f, invert ? ~value : value);
}
void a64_fmt_bitmask(A64Print *p, const A64Fields *f, unsigned n, unsigned imms, unsigned immr) {
    hex(p, f, a64_bitmask(n, imms, immr));
}

bool a64_move_wide(const A64Fields *f) {
    uint64_t all = f->sf ? UINT64_MAX : UINT32_MAX;
    uint64_t v = a64_bitmask(f->n, f->imms, f->immr) & all;
    for (unsigned hw = 0; hw < (f->sf ? 4 : 2); hw++) {
        uint64_t rest = all & ~(UINT64_C(0xffff) << (hw * 16));
        if ((v & rest) == 0 || (~v & rest) == 0) {
            return true;
        }
    }
    return false;
}

void a64_fmt_shift(A64Print *p, const A64Fields *f, unsigned kind, unsigned amount) {
    static const char names[4][4] = {"lsl", "lsr", "asr", "ror"};
    if (kind || amount) {
        g_string_append_printf(p->out, ", %s #%u", names[kind], amount);
    }
}

static const char *const extends[8] = {"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};

/* rm of add (extended register). rd: 31 where it is the stack pointer; then, as with rn, the plain extension is lsl */
void a64_fmt_extend(A64Print *p, const A64Fields *f, unsigned rm, unsigned option, unsigned shift, unsigned rd) {
    reg(p, f->sf && (option & 3) == 3 ? 'x' : 'w', rm, false);
    if (option == (f->sf ? 3 : 2) && (rd == 31 || f->rn == 31)) {
        if (shift) {
            g_string_append_printf(p->out, ", lsl #%u", shift);
        }
        return;
    }
    g_string_append_printf(p->out, shift ? ", %s #%u" : ", %s", extends[option], shift);
}

void a64_fmt_cond(A64Print *p, const A64Fields *f, unsigned cond) {
    static const char names[16][3] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
                                      "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
    g_string_append(p->out, names[cond]);
}

/* v: displacement in the top bits of a word; shifted down by `down` with its sign it is in bytes */
void a64_fmt_label(A64Print *p, const A64Fields *f, unsigned v, unsigned down) {
    g_string_append_printf(p->out, "0x%" PRIx64, p->pc + (int64_t)((int32_t)v >> down));
}
void a64_fmt_page(A64Print *p, const A64Fields *f, unsigned v) {
    g_string_append_printf(p->out, "0x%" PRIx64, (p->pc & ~UINT64_C(4095)) + (uint64_t)(int64_t)a64_sext(v, 21) * 4096);
}

/* -- mnemonics -- */

void a64_fmt_crc(A64Print *p, const A64Fields *f, unsigned castagnoli, unsigned size) {
    g_string_append_printf(p->out, "crc32%s%c", castagnoli ? "c" : "", "bhwx"[size]);
}
static const char *const infixes[3] = {"r", "ur", "tr"}; /* LDR, LDUR, LDTR */

void a64_fmt_ldst(A64Print *p, const A64Fields *f, unsigned size, unsigned opc, unsigned infix) {
    static const char suffixes[4][2] = {"b", "h", "w", ""};
    g_string_append_printf(p->out, "%s%s%s%s", opc ? "ld" : "st", infixes[infix], opc >= 2 ? "s" : "",
                           opc >= 2 || size < 2 ? suffixes[size] : "");
}
void a64_fmt_ldst_v(A64Print *p, const A64Fields *f, unsigned opc, unsigned infix) {
    g_string_append_printf(p->out, "%s%s", opc & 1 ? "ld" : "st", infixes[infix]);
}
/* data register of ldst */
void a64_fmt_rt(A64Print *p, const A64Fields *f, unsigned size, unsigned opc, unsigned rt) {
    reg(p, size == 3 || opc == 2 ? 'x' : 'w', rt, false);
}
void a64_fmt_ldstp(A64Print *p, const A64Fields *f, unsigned load, unsigned non_temporal, unsigned word) {
    g_string_append_printf(p->out, "%s%s%s", load ? "ld" : "st", non_temporal ? "np" : "p", word ? "sw" : "");
}
void a64_fmt_bh(A64Print *p, const A64Fields *f, unsigned size) {
    g_string_append(p->out, size == 0 ? "b" : size == 1 ? "h" : "");
}
void a64_fmt_excl(A64Print *p, const A64Fields *f, unsigned load, unsigned ordered, unsigned pair, unsigned size) {
    g_string_append_printf(p->out, "%s%sx%s", load ? "ld" : "st", ordered ? load ? "a" : "l" : "", pair ? "p" : "r");
    a64_fmt_bh(p, f, size);
}
void a64_fmt_al(A64Print *p, const A64Fields *f, unsigned acquire, unsigned release) {
    g_string_append_printf(p->out, "%s%s", acquire ? "a" : "", release ? "l" : "");
}
void a64_fmt_rmw(A64Print *p, const A64Fields *f, unsigned op) {
    static const char names[8][5] = {"add", "clr", "eor", "set", "smax", "smin", "umax", "umin"};
    g_string_append(p->out, names[op]);
}
void a64_fmt_ldst_n(A64Print *p, const A64Fields *f, unsigned load, unsigned n) {
    g_string_append_printf(p->out, "%s%u", load ? "ld" : "st", n);
}
void a64_fmt_prf(A64Print *p, const A64Fields *f, unsigned op) {
    static const char types[3][4] = {"pld", "pli", "pst"};
    if (op >> 3 < 3 && (op >> 1 & 3) < 3) {
        g_string_append_printf(p->out, "%sl%u%s", types[op >> 3], (op >> 1 & 3) + 1, op & 1 ? "strm" : "keep");
    } else {
        g_string_append_printf(p->out, "#0x%02x", op);
    }
}

/* -- memory operands -- */

static void base(A64Print *p, unsigned rn, int64_t offset) {
    g_string_append_c(p->out, '[');
    reg(p, 'x', rn, true);
    if (offset) {
        g_string_append_printf(p->out, ", #%" PRId64, offset);
    }
    g_string_append_c(p->out, ']');
}
static void pre_indexed(A64Print *p, unsigned rn, int offset) {
    g_string_append_c(p->out, '[');
    reg(p, 'x', rn, true);
    g_string_append_printf(p->out, ", #%d]!", offset);
}
void a64_fmt_base_off(A64Print *p, const A64Fields *f, unsigned rn, unsigned imm9) {
    base(p, rn, a64_sext(imm9, 9));
}
void a64_fmt_base_uimm(A64Print *p, const A64Fields *f, unsigned rn, unsigned imm12, unsigned size) {
    base(p, rn, (int64_t)imm12 << size);
}
/* mode: 0 offset, 1 post-indexed, 2 pre-indexed */
void a64_fmt_base_pair(A64Print *p, const A64Fields *f, unsigned rn, unsigned imm7, unsigned size, unsigned mode) {
    int offset = a64_sext(imm7, 7) * (1 << size);
    if (mode == 2) {
        pre_indexed(p, rn, offset);
        return;
    }
    base(p, rn, mode == 1 ? 0 : offset);
    if (mode == 1) {
        g_string_append_printf(p->out, ", #%d", offset);
    }
}
void a64_fmt_base_reg(A64Print *p, const A64Fields *f, unsigned rn, unsigned rm, unsigned option, unsigned s,
                      unsigned size) {
    g_string_append_c(p->out, '[');
    reg(p, 'x', rn, true);
    g_string_append(p->out, ", ");
    reg(p, option & 1 ? 'x' : 'w', rm, false);
    if (option != 3) {
        g_string_append_printf(p->out, ", %s", extends[option]);
    } else if (s) {
        g_string_append(p->out, ", lsl");
    }
    g_string_append_printf(p->out, s ? " #%u]" : "]", size);
}
void a64_fmt_base_struct(A64Print *p, const A64Fields *f, unsigned post, unsigned rn, unsigned rm, unsigned bytes) {
    base(p, rn, 0);
    if (post && rm == 31) {
        g_string_append_printf(p->out, ", #%u", bytes);
    } else if (post) {
        g_string_append_printf(p->out, ", x%u", rm);
    }
}

static void registers(A64Print *p, unsigned rt, unsigned n, const char *lanes) {
    unsigned last = (rt + n - 1) % 32;
    if (n > 2 && last > rt) {
        g_string_append_printf(p->out, "{v%u.%s-v%u.%s}", rt, lanes, last, lanes);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        g_string_append_printf(p->out, "%sv%u.%s", i ? ", " : "{", (rt + i) % 32, lanes);
    }
    g_string_append_c(p->out, '}');
}
void a64_fmt_vlist(A64Print *p, const A64Fields *f, unsigned rt, unsigned n, unsigned size, unsigned q) {
    static const char lanes[8][4] = {"8b", "16b", "4h", "8h", "2s", "4s", "1d", "2d"};
    registers(p, rt, n, lanes[size << 1 | q]);
}
void a64_fmt_vlane(A64Print *p, const A64Fields *f, unsigned rt, unsigned n, unsigned size, unsigned lane) {
    static const char lanes[4][2] = {"b", "h", "s", "d"};
    registers(p, rt, n, lanes[size]);
    g_string_append_printf(p->out, "[%u]", lane);
}
