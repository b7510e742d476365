#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""agreement.py - do the decode tables agree with GNU binutils and LLVM?

    agreement.py DUMP_WORDS [--quick] [--random N] [--fillings N] [--seed N] [--show CLASS]

Words: random ones, random fillings of every row of the tables and of every class, every flip of one bit of one filling
of each row, and all of MSR, MRS, SYS, hints, barriers, PSTATE.
Asked of each word: is it allocated (both), its text (binutils), its mnemonic (LLVM, with the features of the tables).
Every difference must belong to a class of disagreements.txt, whose lines are
    name | side | kind | ours | theirs | word | reason
  side    gnu, llvm; kind: missing (we: unallocated), extra (they: unallocated), text
  ours    regular expression for `row text`, theirs for their text; both match whole; \\1 in theirs: as found in ours
  word    mask=value pairs the insn must have (any one suffices, empty: any insn), in hexadecimal
A difference in no class fails. So does, unless --quick, a class in which nothing falls.
"""
import argparse
import collections
import glob
import os
import random
import re
import shutil
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'frontend'))
import decode  # noqa: E402

TABLES = [os.path.join(ROOT, 'frontend', 'arm', f'a64_{n}.decode') for n in ('base', 'simd', 'fp', 'priv')]
# What the @feature lines of the tables are called there.
LLVM_FEATURES = {'base': '+fp-armv8,+neon,+el3', 'crc32': '+crc', 'lse': '+lse', 'rcpc': '+rcpc', 'asimd': '+neon',
                 'fp16': '+fullfp16', 'pan': '+pan', 'pauth': '+pauth', 'pmull': '+aes', 'rdm': '+rdm',
                 'dotprod': '+dotprod', 'aes': '+aes', 'sha1': '+sha2', 'sha256': '+sha2'}
SYSTEM = [base | n << 5 for base in (0xd5100001, 0xd5300001) for n in range(1 << 15)]
SYSTEM += [0xd5080000 | n << 5 | rt for n in range(1 << 14) for rt in (1, 31)]
SYSTEM += [0xd5000000 | op1 << 16 | n << 5 | 31 for op1 in range(8) for n in range(1 << 11)]  # PSTATE, hints, barriers
OBJDUMP = 'aarch64-linux-gnu-objdump'
LLVM_MC = ('llvm-mc-14', 'llvm-mc')
PACKAGES = 'apt-get install binutils-aarch64-linux-gnu llvm-14'


class Class:
    def __init__(self, line):
        parts = [p.strip() for p in re.split(r'\s\|(?=\s)', line)]
        if len(parts) != 7 or not parts[6] or parts[0] == 'other':
            sys.exit(f'disagreements.txt: not name | side | kind | ours | theirs | word | reason: {line}')
        self.name, self.side, self.kind, ours, theirs, words, self.reason = parts
        self.texts = re.compile(f"(?:{ours or '.*'})\\n(?:{theirs or '.*'})")
        self.words = [tuple(int(n, 16) for n in w.split('=')) for w in words.split()]
        self.found, self.example = 0, None

    def holds(self, side, kind, insn, ours, theirs):
        return (side == self.side and kind == self.kind and
                (not self.words or any(insn & mask == value for mask, value in self.words)) and
                self.texts.fullmatch(f'{ours}\n{theirs}') is not None)


def classes():
    with open(os.path.join(HERE, 'disagreements.txt'), encoding='utf-8') as file:
        return [Class(line.strip()) for line in file if line.strip() and not line.startswith('#')]


# -- words --

def filling(row, rng):
    """A random word of the row. Guards hold for most fillings of most rows."""
    while True:
        word = rng.getrandbits(32) & ~row.mask | row.value
        if row.holds(word):
            return word


def make_words(rows, listed, rng, fillings, count):
    words = [rng.getrandbits(32) for _ in range(count)]
    words += [rng.getrandbits(32) & ~mask | value for c in listed for mask, value in c.words for _ in range(fillings)]
    words += SYSTEM if count > 100000 else rng.sample(SYSTEM, count)
    for row in rows:
        words += [filling(row, rng) for _ in range(fillings)]
        word = filling(row, rng)
        words += [word ^ 1 << bit for bit in range(32)]
    return words


# -- views: of each a list of texts, '' where unallocated --

def run(command, data):
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f'{command[0]} failed: {done.stderr.decode()[-500:]}')
    return done.stdout.decode(), done.stderr.decode()


def ours(program, words):
    lines = run([program], struct.pack(f'<{len(words)}I', *words))[0].split('\n')[:-1]
    return [('', '') if line.startswith('-') else tuple(line.split('\t')) for line in lines]


def tidy(text):
    """Without comment, blanks single."""
    return re.sub(r'\s+', ' ', re.sub(r'\s*(//|;).*', '', text)).strip()


def gnu(words):
    path = f'/tmp/agreement.{os.getpid()}.bin'
    try:
        with open(path, 'wb') as file:
            file.write(struct.pack(f'<{len(words)}I', *words))
        out = run([OBJDUMP, '-D', '-z', '-b', 'binary', '-m', 'aarch64', path], b'')[0]
    finally:
        os.unlink(path)
    texts = []
    for line in out.split('\n'):
        match = re.match(r'\s*[0-9a-f]+:\t[0-9a-f]{8} \t(.*)', line)
        if match:
            undefined = match[1].startswith('.inst') or 'undefined' in match[1]
            texts.append('' if undefined else tidy(match[1]))
    return texts


def llvm(program, words, rows):
    features = ','.join(sorted({LLVM_FEATURES[row.feature] for row in rows}))
    data = '\n'.join('0x%02x 0x%02x 0x%02x 0x%02x' % tuple(struct.pack('<I', w)) for w in words) + '\n'
    out, errors = run([program, '--disassemble', '-triple=aarch64', f'-mattr={features}'], data.encode())
    bad = {int(n) for n in re.findall(r'<stdin>:(\d+):\d+: warning: invalid', errors)}
    good = iter(line.strip() for line in out.split('\n') if line.startswith('\t') and line != '\t.text')
    return ['' if n in bad else tidy(next(good)) for n in range(1, len(words) + 1)]


# -- comparison --

def kind_of(mine, their, same):
    if not mine:
        return 'missing' if their else None
    if not their:
        return 'extra'
    return None if same else 'text'


def differences(words, mine, by_gnu, by_llvm):
    for insn, (row, text), g, l in zip(words, mine, by_gnu, by_llvm):
        for side, their, same in (('gnu', g, text == g), ('llvm', l, text.split(' ')[0] == l.split(' ')[0])):
            kind = kind_of(text, their, same)
            if kind:
                yield side, kind, insn, f'{row} {text}'.strip(), their


def compare(found, listed, show):
    unlisted = collections.defaultdict(list)
    for side, kind, insn, mine, their in found:
        for c in listed:
            if c.holds(side, kind, insn, mine, their):
                c.found += 1
                c.example = c.example or (insn, mine, their)
                if c.name == show:
                    print(f'{insn:08x}  {mine or "-"}  |  {their or "-"}')
                break
        else:
            unlisted[side, kind, mine.split(' ')[0], their.split(' ')[0]].append((insn, mine, their))
    return unlisted


def main():
    parser = argparse.ArgumentParser(description='decode tables against binutils and LLVM')
    parser.add_argument('dump_words')
    parser.add_argument('--quick', action='store_true', help='about ten seconds')
    parser.add_argument('--random', type=int)
    parser.add_argument('--fillings', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--show', help='prints what falls into this class')
    o = parser.parse_args()
    llvm_mc = next((p for p in LLVM_MC if shutil.which(p)), None)
    if not shutil.which(OBJDUMP) or not llvm_mc:
        sys.exit(f'{OBJDUMP} or {LLVM_MC[0]} is not installed: {PACKAGES}')
    count = o.random if o.random is not None else 50000 if o.quick else 200000
    fillings = o.fillings if o.fillings is not None else 100 if o.quick else 500
    rows = decode.read_tables(TABLES)
    listed = classes()
    words = make_words(rows, listed, random.Random(o.seed), fillings, count)
    mine, by_gnu, by_llvm = ours(o.dump_words, words), gnu(words), llvm(llvm_mc, words, rows)
    if not len(words) == len(mine) == len(by_gnu) == len(by_llvm):
        sys.exit(f'{len(words)} words, {len(mine)} lines of ours, {len(by_gnu)} of GNU, {len(by_llvm)} of LLVM')
    unlisted = compare(differences(words, mine, by_gnu, by_llvm), listed, o.show)
    for (side, kind, row, their), examples in sorted(unlisted.items()):
        insn, mine_text, their_text = examples[0]
        print(f'{side} {kind}: {len(examples)} like {insn:08x}: {mine_text or "-"}  |  {their_text or "-"}')
    empty = [c.name for c in listed if not c.found] if not o.quick else []
    for name in empty:
        print(f"disagreements.txt: '{name}' no longer occurs")
    for c in listed:
        print(f'{c.found:7} {c.name}')
    print(f'{len(words)} words of {len(rows)} rows: {sum(map(len, unlisted.values()))} unlisted disagreements')
    return 1 if unlisted or empty else 0


if __name__ == '__main__':
    sys.exit(main())
