#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py - does a test notice each fault of *.patch?

The tree is copied to a temporary folder and built there once; each patch is applied, the programs of one stage after the
other are built and run until a test fails, and the patch is taken back. Prints the table of README.md. A fault that no
stage notices, or a patch that does not apply, fails the run. --keep uses a folder that stays, for the next run. --log
writes each result into a file at once; the next run with that file leaves out what has been found with the same tree
and patch. --minutes starts no further mutant after that time: exit status 2 when some are left.
"""
import argparse
import filecmp
import hashlib
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
UNIT = ['ir_build', 'ir_opt_dead', 'regalloc', 'lower', 'tlb', 'tb', 'region', 'ldst', 'exec', 'verify', 'arm_exception', 'arm_mmu']
# stage, tests of meson, programs to build; cheap ones first
STAGES = [
    ('unit', UNIT, [f'tests/test_unit_{n}' for n in UNIT]),
    ('ir', ['ir'], ['tests/test_ir']),
    ('insn', ['insn_base', 'insn'], ['tests/test_insn_base', 'tests/test_insn']),
    ('fp', ['emit_fp'], ['tests/test_emit_fp']),
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


def digest(tree, name):
    """Of a tree and a patch: the same when a result of before still holds."""
    h = hashlib.sha256()
    for folder, folders, files in os.walk(tree):
        folders.sort()
        for file in sorted(files):
            path = os.path.join(folder, file)
            with open(path, 'rb') as f:
                h.update(os.path.relpath(path, tree).encode() + b'\0' + hashlib.sha256(f.read()).digest())
    with open(os.path.join(HERE, name + '.patch'), 'rb') as f:
        h.update(f.read())
    return h.hexdigest()


def known_results(log):
    """What the log says has been found, by digest."""
    if not log or not os.path.exists(log):
        return {}
    with open(log, encoding='utf-8') as f:
        return {r['digest']: r for r in map(json.loads, f)}


def try_all(names, tree, build, o):
    """Prints the table; names of the survivors, and of those that there was no time for."""
    known, survivors, start = known_results(o.log), [], time.monotonic()
    for i, name in enumerate(names):
        key = digest(tree, name) if o.log else ''
        row = known.get(key)
        if not row:
            if o.minutes and time.monotonic() - start > 60 * o.minutes:
                return survivors, names[i:]
            began = time.monotonic()
            found, text = try_mutant(tree, build, name, o.jobs)
            row = {'digest': key, 'name': name, 'found': found, 'text': text, 'seconds': round(time.monotonic() - began)}
            if o.log:
                with open(o.log, 'a', encoding='utf-8') as f:
                    f.write(json.dumps(row) + '\n')
        files = ', '.join(touched(os.path.join(HERE, name + '.patch')))
        print(f'| {name} | {files} | {row["text"]} | {row["seconds"]} |', flush=True)
        if not row['found']:
            survivors.append(name)
    return survivors, []


def main():
    names = sorted(f[:-6] for f in os.listdir(HERE) if f.endswith('.patch'))
    parser = argparse.ArgumentParser(description='mutants')
    parser.add_argument('--keep', help='folder for tree and build, used again')
    parser.add_argument('--revision', help='a commit, instead of the tree as it is')
    parser.add_argument('--jobs', default='2')
    parser.add_argument('--log', help='file of results, used again')
    parser.add_argument('--minutes', type=float, help='start no mutant after that time')
    parser.add_argument('names', nargs='*', metavar='NAME')
    o = parser.parse_args()
    unknown = set(o.names) - set(names)
    if unknown:
        sys.exit(f'no such mutant: {", ".join(sorted(unknown))}; there are {", ".join(names)}')
    folder = o.keep or tempfile.mkdtemp(prefix='mutants.')
    tree, build = os.path.join(folder, 'tree'), os.path.join(folder, 'build')
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
        chosen = o.names or names
        survivors, left = try_all(chosen, tree, build, o)
    finally:
        if not o.keep:
            shutil.rmtree(folder)
    found = len(chosen) - len(survivors) - len(left)
    print(f'{found} found, {len(survivors)} not: {", ".join(survivors)}'.rstrip(': '))
    if left:
        print(f'no time for {", ".join(left)}: run again with the same --keep and --log')
    return 1 if survivors else 2 if left else 0


if __name__ == '__main__':
    sys.exit(main())
