#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_decode.py - decode.py accepts these tables, refuses those, and its C decodes what the table says."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'frontend'))
import decode  # noqa: E402

BITS16 = '0000_0000_0000_0000'

PASS = {
    'plain': f'nop {BITS16} {BITS16}',
    'fields': 'add sf:1 0001011 rm:8 imm:8 rn:4 rd:4 ; add {r rd}, {r rn}, {imm imm 4}',
    'x bits': f'a {BITS16} xxxx_xxxx_xxxx_xxxx',
    'comment and continuation': f'# hello\na {BITS16} \\\n  {BITS16}',
    'feature': f'@feature lse  # note\na {BITS16} {BITS16}',
    'guards that exclude each other': f'a {BITS16} x:16 ? x == 3\nb {BITS16} x:16 ? x != 3',
    'fixed bits that differ': f'a {BITS16} 1 x:15\nb {BITS16} 0 x:15',
    'guard against fixed bits': f'a {BITS16} x:16 ? x != 0\nb {BITS16} {BITS16}',
    'fields of other widths': f'a {BITS16} x:8 y:8 ? !(x & 128) && y == 1\nb {BITS16} z:1 000000000000000 ? z',
    'shape': f'a {BITS16} x:16 = foo(IR_add, x)\nb 1000000000000000 y:16 = foo(IR_sub, 3)',
    'shape with guard': f'a {BITS16} x:16 ? x == 1 || x <= 7 = foo(x)',
    'direct': f'@direct\na {BITS16} x:8 y:8\n@fields\nb 1{BITS16} 000 x:12',
    'alternatives': f'a {BITS16} x:16 ; [x == 1] one ; [x] some {{imm x}} ; none',
}
FAIL = {
    'too narrow': (f'a {BITS16} x:15', '31 bits'),
    'too wide': (f'a {BITS16} {BITS16} x:1', '33 bits'),
    'bad bit': (f'a {BITS16} 0000000000000002', 'neither bits'),
    'field twice': (f'a {BITS16} x:8 x:8', 'occurs twice'),
    'empty field': (f'a {BITS16} {BITS16} x:0', 'not field:width'),
    'unknown field in guard': (f'a {BITS16} x:16 ? y', 'unknown field'),
    'broken guard': (f'a {BITS16} x:16 ? x ==', 'guard'),
    'dead guard': (f'a {BITS16} x:16 ? x == 65536', 'never true'),
    'name twice': (f'a {BITS16} {BITS16}\na 1000000000000000 {BITS16}', 'already at'),
    'overlap': (f'a {BITS16} x:16\nb xxxxxxxxxxxxxxx0 0000 y:12', 'overlaps'),
    'overlap by guards': (f'a {BITS16} x:16 ? x < 5\nb {BITS16} y:16 ? y > 3', 'both match 0x00000004'),
    'overlap of equal guards': (f'a {BITS16} x:16 ? x == 1\nb {BITS16} x:8 y:8 ? y == 1', 'overlaps'),
    'undecidable': ('a x:32 ? x\nb y:32 ? y', 'cannot decide'),
    'directive': (f'@fature lse\na {BITS16} {BITS16}', 'only directives'),
    'arity': (f'a {BITS16} x:16 = foo(1)\nb 1000000000000000 x:16 = foo()', 'arguments'),
    'direct field of two places': (f'@direct\na {BITS16} x:16\nb 1000000000000000 00000000 x:8', 'at another place'),
    'shape of both kinds': (f'a {BITS16} x:16 = foo\n@direct\nb 1000000000000000 y:16 = foo', 'direct rows and of others'),
    'unknown field in text': (f'a {BITS16} x:16 ; a {{r y}}', 'unknown field'),
    'open brace': (f'a {BITS16} x:16 ; a {{r x', 'literals'),
}


def contents(path):
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as file:
        return file.read()


def run(text):
    """(exit status, errors, header, source)"""
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: os.path.join(folder, n) for n in ('t.decode', 't.h', 't.c')}
        with open(paths['t.decode'], 'w', encoding='utf-8') as file:
            file.write(text)
        saved, sys.stderr = sys.stderr, open(os.path.join(folder, 'err'), 'w+', encoding='utf-8')
        try:
            status = decode.main(['--header', paths['t.h'], '--source', paths['t.c'], paths['t.decode']])
            sys.stderr.seek(0)
            errors = sys.stderr.read()
        finally:
            sys.stderr.close()
            sys.stderr = saved
        return status, errors, contents(paths['t.h']), contents(paths['t.c'])


class Tables(unittest.TestCase):
    def test_pass(self):
        for name, text in PASS.items():
            with self.subTest(name):
                status, errors, header, source = run(text)
                self.assertEqual((status, errors), (0, ''))
                self.assertIn('a64_find', source)
                self.assertIn('A64Fields', header)

    def test_fail(self):
        for name, (text, message) in FAIL.items():
            with self.subTest(name):
                status, errors, header, _ = run(text)
                self.assertEqual(status, 1)
                self.assertRegex(errors, r't\.decode:\d+: ')
                self.assertIn(message, errors)
                self.assertEqual(header, '')

    def test_line_number(self):
        self.assertIn("t.decode:5: 1 bits", run(f"# one\n\na {BITS16} \\\n {BITS16}\nb 0")[1])

    def test_prototypes(self):
        _, _, header, source = run(f'a {BITS16} x:16 = foo(IR_add, x)\nb 1000000000000000 y:16 ; b {{imm y}}')
        self.assertIn('void a64_trans_b(Trans *t, const A64Fields *f);', header)
        self.assertNotIn('a64_trans_a(', header)
        self.assertIn('f.x = (insn.word >> 0 & 0xffff);\n    a64_shape_foo(t, &f, IR_add, f.x);', source)
        self.assertIn('a64_fmt_imm(p, f, f->y);', source)

    def test_direct(self):
        _, _, header, source = run(f'@direct\na {BITS16} 0000 x:8 0000 = foo(x)\nb 10000000 y:8 0000 x:8 0000\n'
                                   f'@fields\nc 11000000 0000 x:20')
        self.assertIn('void a64_trans_b(Trans *t, A64Insn f);', header)
        self.assertIn('void a64_shape_foo(Trans *t, A64Insn f, unsigned);', header)
        self.assertIn('void a64_trans_c(Trans *t, const A64Fields *f);', header)
        self.assertIn('uint32_t : 4, x : 8;', header)
        self.assertIn('uint32_t : 16, y : 8;', header)
        self.assertNotIn('x : 20', header)
        self.assertIn('do_a(Trans *t, A64Insn f) {\n    a64_shape_foo(t, f, f.x);', source)


if __name__ == '__main__':
    unittest.main()
