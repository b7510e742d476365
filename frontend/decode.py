#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""decode.py - reads .decode tables (32-bit insns) and writes a decoder in C.

    decode.py --isa a64 --header a64_decode.h --source a64_decode.c  table.decode ...

A row is:  name  bits  [? guard]  [= shape(args)]  [; text]
  bits    32 of them: groups of 0, 1 and x (any; `_` is ignored), and fields `name:width`
  guard   C expression over the row's fields (no ?:). Where it is false the row does not match
  shape   a64_shape_<shape>(t, f, args) is called instead of a64_trans_<name>(t, f); args are C, fields by name
  text    disassembly: literal text and {kind arg ...}, which calls a64_fmt_<kind>(p, f, arg, ...); args as above,
          without blanks. Alternatives: `; [condition] text ; [condition] text ; text`, the first whose condition holds
`@feature lse` says what the rows after it need (base: nothing). `#` begins a comment; a line ending in `\\` goes on.
Two rows must never match the same word: order only says which of several is looked for first. A field that a row does not have reads 0.
`@direct` says that the translation of the rows after it takes the insn itself, as a union with their fields, in place
of a struct of fields, which takes as long to fill as many an insn to translate: a64_trans_<name>(t, f) with f by value.
Among such rows a field's name stands for one place, and reads as what is there whether a row has it or not. `@fields`
ends it.
"""
import argparse
import functools
import itertools
import os
import re
import sys

ISAS = {
    'a64': {'type': 'A64', 'include': 'frontend/arm/disasm.h', 'feature': 'ARM_', 'has': 'arm_has'},
    'ppc': {'type': 'Ppc', 'include': 'frontend/ppc/disasm.h', 'feature': 'PPC_', 'has': 'ppc_has'},
}
WORD = re.compile(r'\b[A-Za-z_]\w*')
ROW = re.compile(r'^(?P<head>[^?;=]*?)(?:\s\?\s+(?P<guard>.*?))?(?:\s=\s+(?P<shape>\w+)(?:\((?P<args>[^;]*)\))?)?$')
MAX_GUARD_BITS = 16
PREFIX_BITS = 11
LOW_BITS = 32 - PREFIX_BITS
MAX_WINDOW, MAX_CANDIDATES = 5, 10
MAX_TESTED_BITS = 12
OTHER = 0xffff  # of no row a feature


class TableError(Exception):
    def __init__(self, row_or_place, message):
        place = row_or_place if isinstance(row_or_place, str) else f'{row_or_place.path}:{row_or_place.line}'
        super().__init__(f'{place}: {message}')


class Row:
    def __init__(self, path, line, feature, direct, text):
        self.path, self.line, self.feature, self.direct = path, line, feature, direct
        self.fields = {}  # name -> (shift, width)
        self.mask = self.value = 0
        code, _, template = (part.strip() for part in text.partition(';'))
        match = ROW.match(code)
        if not match:
            raise TableError(self, 'not a row: name bits [? guard] [= shape(args)] [; text]')
        self.name, *tokens = match['head'].split()
        if not re.fullmatch(r'[a-z]\w*', self.name):
            raise TableError(self, f"'{self.name}' is no name for a row")
        self.read_bits(tokens)
        self.guard, self.shape = match['guard'], match['shape']
        self.args = [a.strip() for a in (match['args'] or '').split(',') if a.strip()]
        self.test = self.compile_guard() if self.guard else None
        self.texts = [self.read_text(part.strip()) for part in template.split(' ; ')] if template else []
        self.template = template

    def read_bits(self, tokens):
        at = 32
        for token in tokens:
            name, colon, width = token.partition(':')
            if colon:
                if not WORD.fullmatch(name) or not width.isdigit() or int(width) == 0:
                    raise TableError(self, f"'{token}' is not field:width")
                if name in self.fields:
                    raise TableError(self, f"field '{name}' occurs twice")
                at -= int(width)
                self.fields[name] = (at, int(width))
                continue
            for c in token.replace('_', ''):
                if c not in '01x':
                    raise TableError(self, f"'{token}' is neither bits (0, 1, x) nor field:width")
                at -= 1
                if at >= 0 and c != 'x':
                    self.mask |= 1 << at
                    self.value |= int(c) << at
        if at != 0:
            raise TableError(self, f'{32 - at} bits, not 32')

    def compile_guard(self):
        for name in WORD.findall(self.guard):
            if name not in self.fields:
                raise TableError(self, f"guard names unknown field '{name}'")
        python = self.guard.replace('&&', ' and ').replace('||', ' or ')
        python = re.sub(r'!(?!=)', ' not ', python)
        try:
            return compile(python.strip(), self.path, 'eval')
        except SyntaxError as e:
            raise TableError(self, f"guard '{self.guard}': {e.msg}") from e

    @functools.cached_property
    def guard_bits(self):
        bits = 0
        for name in set(WORD.findall(self.guard or '')):
            shift, width = self.fields[name]
            bits |= ((1 << width) - 1) << shift
        return bits

    def holds(self, word):
        values = {n: word >> s & ((1 << w) - 1) for n, (s, w) in self.fields.items()}
        try:
            return bool(eval(self.test, {'__builtins__': {}}, values)) if self.test else True
        except Exception as e:
            raise TableError(self, f"guard '{self.guard}': {e}") from e

    def tests_below(self, top):
        """(mask, value) of tests each of which says: a word that begins as `top` is of this row. None: nothing so simple."""
        bits = [1 << b for b in range(LOW_BITS) if self.guard_bits >> b & 1]
        if len(bits) > MAX_TESTED_BITS:
            return []
        words = [top | sum(chosen) for chosen in itertools.product(*((0, bit) for bit in bits))]
        refused = [w for w in words if not self.holds(w)]
        if len(refused) in (0, len(words)):
            return [(self.mask, self.value)] if not refused else []
        return [(self.mask | bit, self.value | value) for bit in bits for value in (0, bit)
                if all(w & bit != value for w in refused)]

    def expression(self, text, form, what):
        """C expression `text` with field names replaced by form(name); other words must be macros or numbers."""
        def replace(match):
            name = match[0]
            if name in self.fields:
                return form(name)
            if what and not name[0].isupper() and name not in ('x', 'u'):
                raise TableError(self, f"{what} names unknown field '{name}'")
            return name
        return re.sub(r'(?<![0-9A-Za-z_])[A-Za-z_]\w*', replace, text)

    def bits_of(self, name):
        shift, width = self.fields[name]
        return f'(insn >> {shift} & {hex((1 << width) - 1)})'

    def read_text(self, text):
        """(condition or None, [literal or (kind, [C args])])"""
        condition = None
        if text.startswith('['):
            inner, _, text = text[1:].partition(']')
            condition = self.expression(inner, lambda n: f'f->{n}', None)
        if not re.fullmatch(r'(?:[^{}]|\{\w[^{}]*\})*', text.strip()) or '"' in text:
            raise TableError(self, f"'{text.strip()}': text is literals and {{kind arg ...}}, without double quotes")
        parts = []
        for literal, placeholder in re.findall(r'([^{]*)(?:\{([^}]*)\})?', text.strip()):
            if literal:
                parts.append(literal)
            if placeholder:
                kind, *args = placeholder.split()
                parts.append((kind, [self.expression(a, lambda n: f'f->{n}', 'text') for a in args]))
        return condition, parts


def read_tables(paths):
    rows = []
    for path in paths:
        feature, direct = 'base', False
        with open(path, encoding='utf-8') as file:
            lines = enumerate(file.read().split('\n'), 1)
        for line, text in lines:
            text = text.rstrip()
            while text.endswith('\\'):
                text = text[:-1].rstrip() + ' ' + next(lines, (0, ''))[1].strip()
            text = text.strip()
            if not text or text.startswith('#'):
                continue
            if text.startswith('@'):
                match = re.match(r'@(?:feature\s+(\w+)|(direct|fields))\s*(#.*)?$', text)
                if not match:
                    raise TableError(f'{path}:{line}', "the only directives are '@feature name', '@direct', '@fields'")
                feature = match[1] or feature
                direct = match[2] == 'direct' if match[2] else direct
                continue
            rows.append(Row(path, line, feature, direct, text))
    return rows


def overlap(a, b):
    """A word that both rows match, or None."""
    if (a.value ^ b.value) & a.mask & b.mask:
        return None
    base = a.value | b.value
    if not a.test and not b.test:
        return base
    free = [i for i in range(32) if ((a.guard_bits | b.guard_bits) & ~(a.mask | b.mask)) >> i & 1]
    if len(free) > MAX_GUARD_BITS:
        raise TableError(b, f"cannot decide overlap with '{a.name}': the guards look at {len(free)} free bits")
    for choice in itertools.product((0, 1), repeat=len(free)):
        word = base | sum(bit << i for bit, i in zip(choice, free))
        if a.holds(word) and b.holds(word):
            return word
    return None


def check(rows):
    errors = []
    names = {}
    for row in rows:
        if row.name in names:
            first = names[row.name]
            errors.append(TableError(row, f"'{row.name}' is already at {first.path}:{first.line}"))
        names.setdefault(row.name, row)
        if row.test and overlap(row, row) is None:
            errors.append(TableError(row, f"the guard of '{row.name}' is never true"))
    for i, a in enumerate(rows):
        for b in rows[i + 1:]:
            if not (a.value ^ b.value) & a.mask & b.mask:
                word = overlap(a, b)
                if word is not None:
                    where = f'{a.path}:{a.line}'
                    errors.append(TableError(b, f"'{b.name}' overlaps '{a.name}' ({where}), both match {word:#010x}"))
    return errors


def direct_fields(rows):
    """{name: place} of the fields of direct rows, by place."""
    found, shapes = {}, {}
    for row in rows:
        if row.shape and shapes.setdefault(row.shape, row.direct) != row.direct:
            raise TableError(row, f"shape '{row.shape}' is of direct rows and of others")
        for name, place in row.fields.items() if row.direct else ():
            if found.setdefault(name, place) != place:
                raise TableError(row, f"field '{name}' is at another place than in the direct rows before")
    return dict(sorted(found.items(), key=lambda f: (f[1], f[0])))


def arities(rows, pairs, what):
    """{name: number of arguments}; every use must agree."""
    found = {}
    for row, name, count in pairs:
        if found.setdefault(name, count) != count:
            raise TableError(row, f"{what} '{name}' has {count} arguments here and {found[name]} elsewhere")
    return dict(sorted(found.items()))


class Writer:
    """Writes the tree. Leaves hold the few rows that remain possible."""

    def __init__(self, isa, rows):
        self.isa, self.rows, self.out = isa, rows, []
        self.t = ISAS[isa]

    def tree(self, rows, tested, depth):
        pad = '    ' * depth
        common = ~tested & 0xffffffff
        for row in rows:
            common &= row.mask
        if len(rows) <= 2 or (not common and not self.best_bit(rows, tested)):
            for row in rows:
                self.leaf(row, tested, pad)
            self.out.append(f'{pad}return NULL;')
            return
        if common:
            shift, width = longest_run(common)
        else:
            shift, width = self.best_bit(rows, tested)[1], 1
        bits = ((1 << width) - 1) << shift
        self.out.append(f'{pad}switch (insn >> {shift} & {hex((1 << width) - 1)}) {{')
        for case in range(1 << width):
            left = [r for r in rows if not (r.value ^ case << shift) & r.mask & bits]
            if left:
                self.out.append(f'{pad}case {hex(case)}:')
                self.tree(left, tested | bits, depth + 1)
        self.out.append(f'{pad}}}')
        self.out.append(f'{pad}return NULL;')

    @staticmethod
    def best_bit(rows, tested):
        """(score, bit) of the bit that splits the rows most, or None when none splits."""
        best = None
        for bit in range(32):
            if tested >> bit & 1:
                continue
            ones = sum(1 for r in rows if r.mask >> bit & 1 and r.value >> bit & 1)
            zeros = sum(1 for r in rows if r.mask >> bit & 1) - ones
            score = (ones + zeros, min(ones, zeros))
            if ones + zeros and (best is None or score > best[0]):
                best = score, bit
        return best

    def leaf(self, row, tested, pad):
        tests = []
        if row.mask & ~tested:
            tests.append(f'(insn & {row.mask:#010x}) == {row.value:#010x}')
        if row.guard:
            tests.append(f'({row.expression(row.guard, row.bits_of, None)})')
        inner = pad + '    ' if tests else pad
        if tests:
            self.out.append(f'{pad}if ({" && ".join(tests)}) {{')
        self.out.append(f'{inner}return &{self.isa}_rows[{row.index}]; /* {row.name} */')
        if tests:
            self.out.append(f'{pad}}}')

    def fields_of(self, row):
        """The parameter that a row's translation has its fields by."""
        return f'{self.t["type"]}Insn f' if row.direct else f'const {self.t["type"]}Fields *f'

    def decoder(self):
        """Declarations of the way from an insn to its translation."""
        isa, t = self.isa, self.t['type']
        return ['/* A row that some words can be of, and what tells it; the last of several matches all words. */',
                f'typedef struct {t}Candidate {{', '    _Alignas(32) uint32_t mask;', '    uint32_t value;',
                f'    void (*translate)(Trans *t, {t}Insn insn);',
                f'    uint16_t feature; /* that the row needs; {isa.upper()}_OTHER: this is the last */', '    uint16_t row;',
                f'}} {t}Candidate;', f'extern const {t}Candidate {isa}_candidates[];',
                '/* For words with some prefix: where the bits are that tell which slot has their first candidate. */',
                f'typedef struct {t}Prefix {{', '    uint8_t shift, mask;', '    uint16_t slot;', f'}} {t}Prefix;',
                f'extern const {t}Prefix {isa}_prefixes[{1 << PREFIX_BITS}];', f'extern const uint16_t {isa}_slots[];', '',
                f'static inline const {t}Candidate *{isa}_candidate(uint32_t insn) {{',
                f'    const {t}Prefix *p = &{isa}_prefixes[insn >> {LOW_BITS}];',
                f'    const {t}Candidate *c = &{isa}_candidates[{isa}_slots[p->slot + (insn >> p->shift & p->mask)]];',
                '    while ((insn & c->mask) != c->value) {', '        c++;', '    }', '    return c;', '}',
                f'bool {isa}_decode_other(Trans *t, uint32_t insn, const {t}Candidate *c);',
                '/* Translates insn; false, and nothing emitted, when it is unallocated or needs a missing feature. */',
                f'static inline bool {isa}_decode(Trans *t, uint32_t insn) {{',
                f'    const {t}Candidate *c = {isa}_candidate(insn);',
                '    if (G_UNLIKELY(c->feature)) {', f'        return {isa}_decode_other(t, insn, c);', '    }',
                f'    c->translate(t, ({t}Insn){{insn}});', '    return true;', '}', '']

    def header(self):
        isa, t = self.isa, self.t['type']
        fields = sorted({n for r in self.rows for n in r.fields})
        shapes = arities(self.rows, ((r, r.shape, len(r.args)) for r in self.rows if r.shape), 'shape')
        formats = arities(self.rows, ((r, p[0], len(p[1])) for r in self.rows for _, parts in r.texts
                                      for p in parts if isinstance(p, tuple)), 'format')
        out = [f'/* Made by decode.py. */', f'#ifndef {isa.upper()}_DECODE_H', f'#define {isa.upper()}_DECODE_H', '',
               '#include "frontend/decode.h"', '#include "frontend/frontend.h"', '',
               f'typedef struct {t}Print {t}Print;', f'typedef struct {t}Fields {{']
        out += [f'    uint32_t {name};' for name in fields]
        out += [f'    uint32_t padding[{-len(fields) % 4 + 4}];', f'}} {t}Fields; /* whole quadwords */', '',
                f'/* An insn, and the fields of those that are translated from it. */',
                f'typedef union {t}Insn {{', '    uint32_t word;']
        out += [f'    struct {{ uint32_t {f": {shift}, " if shift else ""}{name} : {width}; }};'
                for name, (shift, width) in direct_fields(self.rows).items()]
        out += [f'}} {t}Insn;', '',
                f'typedef struct {t}Row {{\n    DECODE_ROW;\n'
                f'    void (*translate)(Trans *t, {t}Insn insn);\n'
                f'    void (*print)(struct {t}Print *p, const {t}Fields *f); /* NULL: no template */\n}} {t}Row;', '',
                f'enum {{ {isa.upper()}_ROWS = {len(self.rows)}, {isa.upper()}_OTHER = {OTHER:#x} }};',
                f'extern const {t}Row {isa}_rows[{isa.upper()}_ROWS];',
                '/* The row of insn and its fields (those it has not are 0), or NULL: unallocated. Features: not seen. */',
                f'const {t}Row *{isa}_find(uint32_t insn, {t}Fields *f);', '']
        out += self.decoder()
        out += [f'void {isa}_trans_{r.name}(Trans *t, {self.fields_of(r)});' for r in self.rows if not r.shape]
        user = {r.shape: r for r in self.rows}
        out += [f'void {isa}_shape_{n}(Trans *t, {self.fields_of(user[n])}{", unsigned" * c});' for n, c in shapes.items()]
        out += [f'void {isa}_fmt_{n}({t}Print *p, const {t}Fields *f{", unsigned" * c});' for n, c in formats.items()]
        out += [f'void {isa}_fmt_text({t}Print *p, const char *text);'] if 'text' not in formats else []
        return '\n'.join(out + ['', '#endif', ''])

    def functions(self, row):
        isa, t = self.isa, self.t['type']
        if row.shape and row.direct:
            args = ''.join(', ' + row.expression(a, lambda n: f'f.{n}', None) for a in row.args)
            self.out.append(f'static void do_{row.name}(Trans *t, {t}Insn f) {{\n    {isa}_shape_{row.shape}(t, f{args});\n}}')
        elif not row.direct:
            args = ''.join(', ' + row.expression(a, lambda n: f'f.{n}', None) for a in row.args)
            self.out.append(f'static void do_{row.name}(Trans *t, {t}Insn insn) {{\n    {t}Fields f;\n    clear(&f);')
            self.out += [f'    f.{name} = {row.bits_of(name).replace("insn", "insn.word")};' for name in row.fields]
            callee = f'shape_{row.shape}' if row.shape else f'trans_{row.name}'
            self.out.append(f'    {isa}_{callee}(t, &f{args});\n}}')
        if row.texts:
            self.out.append(f'static void print_{row.name}({t}Print *p, const {t}Fields *f) {{')
            for condition, parts in row.texts:
                self.out.append(f'    if ({condition or 1}) {{')
                for part in parts:
                    if isinstance(part, str):
                        self.out.append(f'        {isa}_fmt_text(p, "{part}");')
                    else:
                        self.out.append(f'        {isa}_fmt_{part[0]}(p, f{"".join(", " + a for a in part[1])});')
                self.out.append('        return;\n    }')
            self.out.append('}')
        if row.fields:
            self.out.append(f'static const DecodeField fields_{row.name}[] = {{')
            self.out += [f'    {{"{n}", {s}, {w}, offsetof({t}Fields, {n})}},' for n, (s, w) in row.fields.items()]
            self.out.append('};')

    def candidates(self):
        """A word's first bits, and others, which the first tell, leave few rows that it can be of, mostly one. Those that a
        test of a mask tells stand one behind the other; behind them what matches every word."""
        isa, t = self.isa, self.t['type']
        windows, first_slot, slots, first_entry, entries, prefixes = {}, {}, [], {}, [], []
        for prefix in range(1 << PREFIX_BITS):
            top = prefix << LOW_BITS
            able = tuple((r, *test) for r in self.rows if not (r.value ^ top) & r.mask >> LOW_BITS << LOW_BITS
                         for test in r.tests_below(top))
            if able not in windows:
                windows[able] = best_window(able)
            shift, width, lists = windows[able]
            if lists not in first_slot:
                first_slot[lists] = len(slots)
                for listed in lists:
                    if listed not in first_entry:
                        first_entry[listed] = len(entries)
                        entries += [*listed, None]
                    slots.append(first_entry[listed])
            prefixes.append((shift, (1 << width) - 1, first_slot[lists]))
        self.array(f'{t}Candidate', 'candidates', 1, [
            f'{{{e[1]:#010x}, {e[2]:#010x}, {self.translator(e[0])}, {self.feature(e[0])}, {e[0].index}}}' if e else
            f'{{0, 0, NULL, {isa.upper()}_OTHER, 0}}' for e in entries])
        self.array('uint16_t', 'slots', 16, map(str, slots))
        self.array(f'{t}Prefix', 'prefixes', 8, [f'{{{shift}, {mask}, {first}}}' for shift, mask, first in prefixes])

    def array(self, kind, name, columns, items):
        items = list(items)
        self.out.append(f'const {kind} {self.isa}_{name}[{len(items)}] = {{')
        self.out += [f'    {", ".join(items[at:at + columns])},' for at in range(0, len(items), columns)]
        self.out += ['};', '']

    def translator(self, row):
        return f'{self.isa}_trans_{row.name}' if row.direct and not row.shape else f'do_{row.name}'

    def feature(self, row):
        return self.t['feature'] + row.feature.upper()

    def source(self):
        isa, t = self.isa, self.t['type']
        self.out = ['/* Made by decode.py. */', f'#include "{self.t["include"]}"', f'#include "{isa}_decode.h"', '',
                    '/* a memset would become a slow string operation */',
                    'typedef uint32_t Quad __attribute__((vector_size(16), aligned(4), may_alias));', '',
                    f'static inline void clear({t}Fields *f) {{', '    Quad *q = (Quad *)(void *)f;',
                    '#pragma GCC unroll 64',
                    f'    for (size_t i = 0; i < sizeof(*f) / sizeof(*q); i++) {{',
                    '        q[i] = (Quad){0};', '    }', '}', '']
        for row in self.rows:
            self.functions(row)
        self.out.append(f'const {t}Row {isa}_rows[{isa.upper()}_ROWS] = {{')
        for r in self.rows:
            text = r.template.replace('\\', '\\\\').replace('"', '\\"')
            fields = f'fields_{r.name}' if r.fields else 'NULL'
            printer = f'print_{r.name}' if r.texts else 'NULL'
            place = f'"{os.path.basename(r.path)}", {r.line}'
            self.out.append(f'    {{"{r.name}", {place}, {r.mask:#010x}, {r.value:#010x}, {self.feature(r)},\n'
                            f'     {fields}, {len(r.fields)}, "{text}", {self.translator(r)}, {printer}}},')
        self.out += ['};', '', f'static const {t}Row *row_of(uint32_t insn) {{']
        self.tree(self.rows, 0, 1)
        self.out += ['}', '', f'const {t}Row *{isa}_find(uint32_t insn, {t}Fields *f) {{',
                     f'    const {t}Row *row = row_of(insn);', '    clear(f);',
                     '    for (uint32_t k = 0; row && k < row->field_count; k++) {',
                     '        const DecodeField *field = &row->fields[k];',
                     '        G_STRUCT_MEMBER(uint32_t, f, field->offset) = insn >> field->shift & (UINT32_MAX >> (32 - field->width));',
                     '    }', '    return row;', '}', '']
        self.candidates()
        self.out += [f'bool {isa}_decode_other(Trans *t, uint32_t insn, const {t}Candidate *c) {{',
                     f'    const {t}Row *row = c->feature == {isa.upper()}_OTHER ? row_of(insn) : &{isa}_rows[c->row];',
                     f'    if (!row || !{self.t["has"]}(t->env, row->feature)) {{', '        return false;', '    }',
                     f'    row->translate(t, ({t}Insn){{insn}});', '    return true;', '}', '']
        return '\n'.join(self.out)


def subsets(bits):
    """All numbers whose ones are among those of `bits`."""
    chosen = bits
    while chosen:
        yield chosen
        chosen = (chosen - 1) & bits
    yield 0


def best_window(able):
    """(shift, width, lists of candidates by the bits there) such that most rows are in a list, and the lists are short."""
    best, all_rows = None, len({e[0] for e in able})
    for width in range(MAX_WINDOW + 1):
        for shift in range(LOW_BITS - width + 1):
            if best and best[0] == (all_rows, -1):
                break
            bits = ((1 << width) - 1) << shift
            lists = [[] for _ in range(1 << width)]
            for e in able:
                for choice in subsets(bits & ~e[1]):
                    lists[(e[2] & bits | choice) >> shift].append(e)
            lists = tuple(tuple(listed[:MAX_CANDIDATES]) for listed in lists)
            found = len({e[0] for listed in lists for e in listed})
            longest = max(len(listed) for listed in lists)
            if not best or (found, -longest) > best[0]:
                best = (found, -longest), (shift, width, lists)
    return best[1]


def longest_run(bits, limit=8):
    """(shift, width) of the longest run of ones."""
    best = (0, 0)
    for shift in range(32):
        width = 0
        while width < limit and bits >> (shift + width) & 1:
            width += 1
        if width >= best[1]:
            best = (shift, width)
    return best


def main(argv=None):
    parser = argparse.ArgumentParser(description='decode tables to C')
    parser.add_argument('--isa', choices=sorted(ISAS), default='a64')
    parser.add_argument('--header')
    parser.add_argument('--source')
    parser.add_argument('tables', nargs='+')
    options = parser.parse_args(argv)
    try:
        rows = read_tables(options.tables)
        for index, row in enumerate(rows):
            row.index = index
        errors = check(rows)
        if errors:
            print('\n'.join(str(e) for e in errors), file=sys.stderr)
            return 1
        writer = Writer(options.isa, rows)
        header, source = writer.header(), writer.source()
    except (TableError, OSError) as e:
        print(e, file=sys.stderr)
        return 1
    for path, text in ((options.header, header), (options.source, source)):
        if path:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
