#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""agreement_ppc.py - do the decode tables of PowerPC agree with GNU binutils?

    agreement_ppc.py DUMP_PPC [--quick] [--random N] [--fillings N] [--seed N] [--show CLASS]

Words: random ones, random fillings of every row and of every class, every flip of one bit of one filling of each row; seen
as POWER8 and as POWER9. Differences belong to the classes of disagreements_ppc.txt, as in agreement.py; side is power8,
power9 or both.
"""
import argparse
import glob
import os
import random
import re
import shutil
import struct
import sys

import agreement
import decode

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = sorted(glob.glob(os.path.join(HERE, '..', '..', 'frontend', 'ppc', '*.decode')))
OBJDUMP = 'powerpc64le-linux-gnu-objdump'
LISTED = os.path.join(HERE, 'disagreements_ppc.txt')


class Class(agreement.Class):
    def holds(self, side, kind, insn, ours, theirs):
        return super().holds(self.side if self.side == 'both' else side, kind, insn, ours, theirs)


def classes():
    with open(LISTED, encoding='utf-8') as file:
        return [Class(line.strip()) for line in file if line.strip() and not line.startswith('#')]


def make_words(rows, listed, rng, fillings, count):
    words = [rng.choice((4, 19, 31, 59, 60, 63)) << 26 | rng.getrandbits(26) for _ in range(count)]
    words += [rng.getrandbits(32) for _ in range(count // 4)]
    words += [rng.getrandbits(32) & ~mask | value for c in listed for mask, value in c.words for _ in range(fillings)]
    for row in rows:
        words += [agreement.filling(row, rng) for _ in range(fillings)]
        word = agreement.filling(row, rng)
        words += [word ^ 1 << bit for bit in range(32)]
    return words


def tidy(text):
    text = re.sub(r'\s*[<#].*', '', text)
    return re.sub(r'\s+', ' ', re.sub(r'\s*,\s*', ',', text)).strip()


def ours(program, words, model):
    lines = agreement.run([program, model], struct.pack(f'<{len(words)}I', *words))[0].split('\n')[:-1]
    return [('', '') if line.startswith('-') else tuple(map(tidy, line.split('\t'))) for line in lines]


def gnu(words, model):
    path = f'/tmp/agreement.{os.getpid()}.bin'
    try:
        with open(path, 'wb') as file:
            file.write(struct.pack(f'<{len(words)}I', *words))
        out = agreement.run([OBJDUMP, '-D', '-z', '-b', 'binary', '-EL', '-m', 'powerpc:common64', '-M', f'{model},raw', path], b'')[0]
    finally:
        os.unlink(path)
    texts = re.findall(r'^\s*[0-9a-f]+:\t(?:[0-9a-f]{2} ){4}\t(.*)$', out, re.M)
    return ['' if text.startswith('.long') else tidy(text) for text in texts]


def differences(words, mine, theirs, model):
    for insn, (row, text), their in zip(words, mine, theirs):
        kind = agreement.kind_of(text, their, text == their)
        if kind:
            yield model, kind, insn, f'{row} {text}'.strip(), their


def main():
    parser = argparse.ArgumentParser(description='decode tables of PowerPC against binutils')
    parser.add_argument('dump_ppc')
    parser.add_argument('--quick', action='store_true', help='about ten seconds')
    parser.add_argument('--random', type=int)
    parser.add_argument('--fillings', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--show', help='prints what falls into this class')
    o = parser.parse_args()
    if not shutil.which(OBJDUMP):
        sys.exit(f'{OBJDUMP} is not installed: apt-get install binutils-powerpc64le-linux-gnu')
    count = o.random if o.random is not None else 20000 if o.quick else 200000
    fillings = o.fillings if o.fillings is not None else 20 if o.quick else 200
    rows, listed = decode.read_tables(TABLES), classes()
    words = make_words(rows, listed, random.Random(o.seed), fillings, count)
    found = []
    for model in ('power8', 'power9'):
        mine, theirs = ours(o.dump_ppc, words, model), gnu(words, model)
        if not len(words) == len(mine) == len(theirs):
            sys.exit(f'{len(words)} words, {len(mine)} lines of ours, {len(theirs)} of GNU')
        found += differences(words, mine, theirs, model)
    unlisted = agreement.compare(found, listed, o.show)
    for (side, kind, _, _), examples in sorted(unlisted.items()):
        insn, mine, theirs = examples[0]
        print(f'{side} {kind}: {len(examples)} like {insn:08x}: {mine or "-"}  |  {theirs or "-"}')
    empty = [c.name for c in listed if not c.found] if not o.quick else []
    for name in empty:
        print(f"disagreements_ppc.txt: '{name}' no longer occurs")
    for c in listed:
        print(f'{c.found:7} {c.name}')
    print(f'{len(words)} words of {len(rows)} rows: {sum(map(len, unlisted.values()))} unlisted disagreements')
    return 1 if unlisted or empty else 0


if __name__ == '__main__':
    sys.exit(main())
