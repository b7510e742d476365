#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py - does a test notice each fault of *.patch? Usage: run.py [--keep FOLDER] [--revision R] [--jobs N] [NAME...]

The tree is copied to a temporary folder and built there once; each patch is applied, the programs of one stage after the
other are built and run until a test fails, and the patch is taken back. Prints the table of README.md. A fault that no
stage notices, or a patch that does not apply, fails the run. --keep uses a folder that stays, for the next run.
"""
import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
UNIT = ['ir_build', 'ir_opt_dead', 'regalloc', 'lower', 'tlb', 'tb', 'ldst', 'exec', 'arm_exception', 'arm_mmu']
# stage, tests of meson, programs to build; cheap ones first
STAGES = [
    ('unit', UNIT, [f'tests/test_unit_{n}' for n in UNIT]),
    ('ir', ['ir'], ['tests/test_ir']),
    ('insn', ['insn_base', 'insn'], ['tests/test_insn_base', 'tests/test_insn']),
    ('jit', ['fuzz_ir'], ['tests/fuzz_ir']),
    ('emit', ['emit'], ['tests/test_emit']),
    ('guest', ['guest'], ['yado']),
]


def run(command, cwd, check=False):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if check and done.returncode:
        sys.exit(f'{" ".join(command)} failed:\n{done.stdout[-2000:]}')
    return done


def copy_tree(to):
    """What git knows, as it is now. What is the same stays, so that a kept folder builds only what changed."""
    files = run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], ROOT, True).stdout.split('\0')
    for name in filter(None, files):
        source, target = os.path.join(ROOT, name), os.path.join(to, name)
        if os.path.isfile(source) and not (os.path.isfile(target) and filecmp.cmp(source, target, shallow=False)):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)


def copy_revision(revision, to):
    """What was committed."""
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, 'tree.tar')
        run(['git', 'archive', '-o', archive, revision], ROOT, True)
        os.makedirs(to, exist_ok=True)
        run(['tar', '-xmf', archive], to, True)


def failed_tests(build, names):
    """Names of those that fail."""
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    run(['meson', 'test', '-C', build, '--no-rebuild', *names], build)
    with open(log, encoding='utf-8') as file:
        results = [json.loads(line) for line in file]
    return [re.sub(r'.* / ', '', r['name']) for r in results if r['result'] not in ('OK', 'SKIP', 'INTERRUPT')]


def find(build, jobs):
    """'suite/test' that notices the fault, or None."""
    for stage, names, programs in STAGES:
        done = run(['ninja', '-j', jobs, *programs], build)
        if done.returncode:
            sys.exit(f'the mutant does not build, which finds nothing:\n{done.stdout[-2000:]}')
        failed = failed_tests(build, names)
        if failed:
            return f'{stage} ({failed[0]})'
    return None


def touched(patch):
    with open(patch, encoding='utf-8') as file:
        return re.findall(r'^\+\+\+ b/(\S+)', file.read(), re.M)


def try_mutant(tree, build, name, jobs):
    patch = os.path.join(HERE, name + '.patch')
    if run(['patch', '-p1', '--dry-run', '-i', patch], tree).returncode:
        return None, 'the patch does not apply: seed it anew'
    run(['patch', '-p1', '-i', patch], tree, True)
    try:
        found = find(build, jobs)
    finally:
        run(['patch', '-p1', '-R', '-i', patch], tree, True)
        for path in touched(patch):
            os.utime(os.path.join(tree, path))
    return found, 'SURVIVES' if not found else found


def main():
    names = sorted(f[:-6] for f in os.listdir(HERE) if f.endswith('.patch'))
    parser = argparse.ArgumentParser(description='mutants')
    parser.add_argument('--keep', help='folder for tree and build, used again')
    parser.add_argument('--revision', help='a commit, instead of the tree as it is')
    parser.add_argument('--jobs', default='2')
    parser.add_argument('names', nargs='*', metavar='NAME')
    o = parser.parse_args()
    unknown = set(o.names) - set(names)
    if unknown:
        sys.exit(f'no such mutant: {", ".join(sorted(unknown))}; there are {", ".join(names)}')
    folder = o.keep or tempfile.mkdtemp(prefix='mutants.')
    tree, build = os.path.join(folder, 'tree'), os.path.join(folder, 'build')
    survivors = []
    try:
        if o.revision:
            copy_revision(o.revision, tree)
        else:
            copy_tree(tree)
        if not os.path.exists(os.path.join(build, 'build.ninja')):
            run(['meson', 'setup', build, tree, '-Doptimization=1', '-Ddebug=false', '-Db_lto=false'], folder, True)
        run(['ninja', '-j', o.jobs, *(p for stage in STAGES for p in stage[2])], build, True)
        failed = find(build, o.jobs)
        if failed:
            sys.exit(f'the tree as it is fails {failed}')
        print('| mutant | file | found by | seconds |\n|---|---|---|---|', flush=True)
        for name in o.names or names:
            start = time.monotonic()
            found, text = try_mutant(tree, build, name, o.jobs)
            files = ', '.join(touched(os.path.join(HERE, name + '.patch')))
            print(f'| {name} | {files} | {text} | {time.monotonic() - start:.0f} |', flush=True)
            if not found:
                survivors.append(name)
    finally:
        if not o.keep:
            shutil.rmtree(folder)
    print(f'{len(o.names or names) - len(survivors)} found, {len(survivors)} not: {", ".join(survivors)}'.rstrip(': '))
    return 1 if survivors else 0


if __name__ == '__main__':
    sys.exit(main())
