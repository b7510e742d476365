#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records the insn vectors anew: record.py BUILD [table ...]; see README.md.

Needs qemu-aarch64 and aarch64-linux-gnu-gcc, and `ninja -C BUILD tests/compare tests/base_compare`.
"""

import gzip
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
SEED = "1"
# The base table's registers go in and out by signal frames, where SVE's would hide those of SIMD.
TABLES = {  # oracle, its CPU, comparer, arguments of gen
    "fp": ("oracle", "max", "compare", [SEED, "128", "a64_fp"]),
    "simd": ("oracle", "max", "compare", [SEED, "64", "a64_simd"]),
    "base": ("base_oracle", "max,sve=off,sme=off", "base_compare", [SEED, "64"]),
}


def run(command, source=subprocess.DEVNULL, to=None):
    subprocess.run(command, stdin=source, stdout=to, check=True)


def record(table, build, folder):
    oracle, cpu, compare, arguments = TABLES[table]
    compare = os.path.join(build, "tests", compare)
    program, cases, results, lines = (os.path.join(folder, name) for name in (oracle, "cases", "results", "lines"))
    run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-I" + ROOT, "-o", program, os.path.join(HERE, oracle + ".c")])
    with open(cases, "wb") as to:
        run([compare, "gen", *arguments], to=to)
    with open(cases, "rb") as source, open(results, "wb") as to:
        run(["qemu-aarch64", "-cpu", cpu, program], source, to)
    with open(lines, "wb") as to:
        run([compare, "record", cases, results], to=to)
    with open(lines, "rb") as text, open(os.path.join(HERE, table + ".txt.gz"), "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            packed.write(text.read())
    return subprocess.run([compare, "check", cases, results], check=False).returncode


def main():
    with tempfile.TemporaryDirectory() as folder:
        return max(record(table, sys.argv[1], folder) for table in sys.argv[2:] or TABLES)


if __name__ == "__main__":
    sys.exit(main())
