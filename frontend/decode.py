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
Two rows must never match the same word: order has no meaning. A field that a row does not have reads 0.
"""
import argparse
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
LIKELY_BITS = 11
LOW_BITS = 32 - LIKELY_BITS


class TableError(Exception):
    def __init__(self, row_or_place, message):
        place = row_or_place if isinstance(row_or_place, str) else f'{row_or_place.path}:{row_or_place.line}'
        super().__init__(f'{place}: {message}')


class Row:
    def __init__(self, path, line, feature, text):
        self.path, self.line, self.feature = path, line, feature
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

    def test_below(self, top):
        """(mask, value) of a test that says: a word that begins as `top` is of this row; None: one so simple is not found."""
        bits = [b for b in range(LOW_BITS) if self.guard_bits() >> b & 1]
        if len(bits) > 6:
            return None
        words = [top | sum(1 << b for k, b in enumerate(bits) if n >> k & 1) for n in range(1 << len(bits))]
        refused = [w for w in words if not self.holds(w)]
        for bit in [0] + [1 << b for b in bits]:
            for value in (0, bit):
                if all(bit and w & bit != value for w in refused) and len(refused) < len(words):
                    return self.mask | bit, self.value | value
        return None

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
        feature = 'base'
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
                match = re.match(r'@feature\s+(\w+)\s*(#.*)?$', text)
                if not match:
                    raise TableError(f'{path}:{line}', "the only directive is '@feature name'")
                feature = match[1]
                continue
            rows.append(Row(path, line, feature, text))
    return rows


def overlap(a, b):
    """A word that both rows match, or None."""
    if (a.value ^ b.value) & a.mask & b.mask:
        return None
    base = a.value | b.value
    if not a.test and not b.test:
        return base
    free = [i for i in range(32) if ((a.guard_bits() | b.guard_bits()) & ~(a.mask | b.mask)) >> i & 1]
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
        for name in row.fields:
            self.out.append(f'{inner}f->{name} = {row.bits_of(name)};')
        self.out.append(f'{inner}return &{self.isa}_rows[{row.index}]; /* {row.name} */')
        if tests:
            self.out.append(f'{pad}}}')

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
                f'typedef struct {t}Row {{\n    DECODE_ROW;\n'
                f'    void (*trans)(Trans *t, const {t}Fields *f);\n'
                f'    void (*print)(struct {t}Print *p, const {t}Fields *f); /* NULL: no template */\n}} {t}Row;', '',
                f'enum {{ {isa.upper()}_ROWS = {len(self.rows)} }};',
                f'extern const {t}Row {isa}_rows[{isa.upper()}_ROWS];',
                '/* The row of insn and its fields (those it has not are 0), or NULL: unallocated. Features: not seen. */',
                f'const {t}Row *{isa}_find(uint32_t insn, {t}Fields *f);',
                '/* The same row, by a look at few of the bits; NULL says nothing. */',
                f'const {t}Row *{isa}_likely(uint32_t insn);',
                '/* Translates insn; false, and nothing emitted, when it is unallocated or needs a missing feature. */',
                f'bool {isa}_decode(Trans *t, uint32_t insn);', '']
        out += [f'void {isa}_trans_{r.name}(Trans *t, const {t}Fields *f);' for r in self.rows if not r.shape]
        out += [f'void {isa}_shape_{n}(Trans *t, const {t}Fields *f{", unsigned" * c});' for n, c in shapes.items()]
        out += [f'void {isa}_fmt_{n}({t}Print *p, const {t}Fields *f{", unsigned" * c});' for n, c in formats.items()]
        out += [f'void {isa}_fmt_text({t}Print *p, const char *text);'] if 'text' not in formats else []
        return '\n'.join(out + ['', '#endif', ''])

    def functions(self, row):
        isa, t = self.isa, self.t['type']
        if row.shape:
            args = ''.join(', ' + row.expression(a, lambda n: f'f->{n}', None) for a in row.args)
            self.out.append(f'static void trans_{row.name}(Trans *t, const {t}Fields *f) {{\n'
                            f'    {isa}_shape_{row.shape}(t, f{args});\n}}')
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

    def likely(self):
        """For most words their first bits tell the only row that they can be of: one load and one test find it, and a
        function of its own reads the fields and translates."""
        isa, t = self.isa, self.t['type']
        entries, prefixes = [], []
        for prefix in range(1 << LIKELY_BITS):
            top = prefix << LOW_BITS
            able = [(r, *test) for r in self.rows if not (r.value ^ top) & r.mask >> LOW_BITS << LOW_BITS
                    for test in [r.test_below(top)] if test]
            best = min(able, key=lambda e: bin(e[1] & (1 << LOW_BITS) - 1).count('1'), default=None)
            if best and best not in entries:
                entries.append(best)
            prefixes.append(entries.index(best) + 1 if best else 0)
        rows = sorted({e[0] for e in entries}, key=lambda r: r.index)
        for row in rows:
            self.out.append(f'static bool do_{row.name}(Trans *t, uint32_t insn) {{\n    {t}Fields f;')
            if row.feature != 'base':
                self.out.append(f'    if (!{self.t["has"]}(t->env, {self.t["feature"]}{row.feature.upper()})) {{\n'
                                '        return false;\n    }')
            self.out.append('    clear(&f);')
            self.out += [f'    f.{name} = {row.bits_of(name)};' for name in row.fields]
            self.out.append(f'    {"" if row.shape else isa + "_"}trans_{row.name}(t, &f);\n    return true;\n}}')
        self.out += ['static const struct {', '    uint32_t mask, value;', '    bool (*translate)(Trans *t, uint32_t insn);',
                     f'    const {t}Row *row;', '} likely[] = {', '    {0, 1, NULL, NULL},']
        self.out += [f'    {{{mask:#010x}, {value:#010x}, do_{r.name}, &{isa}_rows[{r.index}]}},'
                     for r, mask, value in entries]
        self.out += ['};', f'static const uint16_t by_prefix[{1 << LIKELY_BITS}] = {{']
        self.out += [f'    {", ".join(map(str, prefixes[at:at + 16]))},' for at in range(0, len(prefixes), 16)]
        self.out += ['};', '', f'const {t}Row *{isa}_likely(uint32_t insn) {{',
                     f'    unsigned k = by_prefix[insn >> {LOW_BITS}];',
                     '    return (insn & likely[k].mask) == likely[k].value ? likely[k].row : NULL;', '}', '']

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
            trans = f'trans_{r.name}' if r.shape else f'{isa}_trans_{r.name}'
            feature = self.t['feature'] + r.feature.upper()
            fields = f'fields_{r.name}' if r.fields else 'NULL'
            printer = f'print_{r.name}' if r.texts else 'NULL'
            place = f'"{os.path.basename(r.path)}", {r.line}'
            self.out.append(f'    {{"{r.name}", {place}, {r.mask:#010x}, {r.value:#010x}, {feature},\n'
                            f'     {fields}, {len(r.fields)}, "{text}", {trans}, {printer}}},')
        self.out += ['};', '', f'const {t}Row *{isa}_find(uint32_t insn, {t}Fields *f) {{', '    clear(f);']
        self.tree(self.rows, 0, 1)
        self.out += ['}', '']
        self.likely()
        self.out += [f'bool {isa}_decode(Trans *t, uint32_t insn) {{', f'    unsigned k = by_prefix[insn >> {LOW_BITS}];',
                     '    if ((insn & likely[k].mask) == likely[k].value) {',
                     '        return likely[k].translate(t, insn);', '    }', f'    {t}Fields f;',
                     f'    const {t}Row *row = {isa}_find(insn, &f);',
                     f'    if (!row || !{self.t["has"]}(t->env, row->feature)) {{\n        return false;\n    }}',
                     '    row->trans(t, &f);', '    return true;', '}', '']
        return '\n'.join(self.out)


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
