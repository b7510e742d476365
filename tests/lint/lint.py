#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""House rules that a compiler does not check: lint.py SOURCE_ROOT [BUILD_ROOT].

Layers, lengths of files and functions, licence lines, paths named in the docs, and headers that compile alone.
"""

import os
import re
import subprocess
import sys

# Who may include whom (first folder of the path); a folder may always include itself.
LAYERS = {
    "ir": set(),
    "frontend": {"ir"},
    "backend-x86_64": {"ir"},
    "tcg": {"ir", "frontend", "backend-x86_64"},
    "host": set(),
    "devices": {"host"},
    "machines": {"ir", "frontend", "tcg", "host", "devices"},
    "system": {"ir", "frontend", "tcg", "host", "devices", "machines"},
}
FILE_LINES = 1500
FUNCTION_LINES = 100
FUNCTION_LINES_95 = 60
SOURCES = (".c", ".h", ".def", ".decode", ".py", ".sh")
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wno-unused-function", "-x", "c"]


def source_files(root):
    """Paths, relative to root, of every file that is ours."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in (".git", "__pycache__") and not n.startswith("build"))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as text:
        return text.read()


def check_layers(path, text):
    top = path.split(os.sep)[0]
    if top not in LAYERS:
        return
    for include in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
        there = include.split("/")[0]
        if there in LAYERS and there != top and there not in LAYERS[top]:
            yield f"{path}: {top} must not include {include}"


def check_lines(path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield f"{path}: {len(lines)} lines, more than {FILE_LINES}"
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:2]):
        yield f"{path}: no SPDX line at its top"


def functions(text):
    """(name, lines) of each function of a C file in the house's layout: it begins and ends in column 0."""
    start, name = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if name is None:
            opens = re.match(r"[A-Za-z_].*?(\w+)\(", line)
            if opens:
                start, candidate = number, opens.group(1)
            if start and line.endswith(") {") and not line.startswith("#"):
                name = candidate
        elif line == "}":
            yield name, number - start + 1
            start, name = 0, None


def check_functions(root, paths):
    lengths = []
    for path in paths:
        if path.endswith(".c"):
            for name, lines in functions(read(root, path)):
                lengths.append(lines)
                if lines > FUNCTION_LINES:
                    yield f"{path}: function {name} has {lines} lines, more than {FUNCTION_LINES}"
    lengths.sort()
    if lengths and lengths[len(lengths) * 95 // 100] > FUNCTION_LINES_95:
        yield f"more than 5 % of {len(lengths)} functions have over {FUNCTION_LINES_95} lines"


def check_docs(root, paths):
    """A word in backquotes that looks like a path of the tree must be one."""
    for path in paths:
        if not path.endswith(".md"):
            continue
        for word in re.findall(r"`([\w./*<>{},-]+)`", read(root, path)):
            if any(c in word for c in "*<>{},") or "/" not in word.strip("/"):
                continue
            top = word.split("/")[0]
            if (top in LAYERS or top in ("tests", "tools", "docs")) and not os.path.exists(os.path.join(root, word)):
                yield f"{path}: names {word}, which does not exist"


def package_flags():
    found = subprocess.run(["pkg-config", "--cflags", "glib-2.0", "gio-unix-2.0", "capstone", "libffi"], check=True,
                           stdout=subprocess.PIPE, text=True)
    return found.stdout.split()


def check_headers(root, build, paths):
    """Every header compiles alone. Tables that are included many times (.def) are not headers."""
    flags = FLAGS + ["-I", root] + (["-I", build] if build else []) + package_flags()
    if build:
        for folder, _, files in os.walk(build):
            if any(f.endswith((".inc", ".h")) for f in files):
                flags += ["-I", folder]
    headers = [p for p in paths if p.endswith(".h") and p.split(os.sep)[0] in LAYERS]
    for path in headers:
        done = subprocess.run(["gcc", *flags, os.path.join(root, path)], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            yield f"{path}: does not compile alone:\n{done.stderr.strip()}"


def check_version(root):
    number = re.search(r"version: '([\d.]+)'", read(root, "meson.build")).group(1)
    if f'"{number}"' not in read(root, "system/options.h"):
        yield f"system/options.h: the version is not {number}, as meson.build says"


def main():
    root = os.path.abspath(sys.argv[1])
    build = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
    paths = list(source_files(root))
    wrong = []
    for path in paths:
        if path.endswith(SOURCES):
            text = read(root, path)
            wrong += check_lines(path, text)
            wrong += check_layers(path, text)
    wrong += check_functions(root, [p for p in paths if p.split(os.sep)[0] in LAYERS])
    wrong += check_docs(root, paths)
    wrong += check_version(root)
    wrong += check_headers(root, build, paths)
    for line in wrong:
        print(line)
    print(f"{len(paths)} files, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
