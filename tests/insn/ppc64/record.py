#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records the PowerPC insn vectors anew: record.py BUILD [table.decode ...]; see README.md.

Needs qemu-ppc64le and qemu-ppc64, powerpc64le-linux-gnu-gcc and powerpc64-linux-gnu-gcc, and
`ninja -C BUILD tests/ppc_compare`.
"""

import gzip
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
TABLES = os.path.join(ROOT, "frontend/ppc")
SEED, COUNT = "1", "64"
ORDERS = {"le": ("powerpc64le-linux-gnu-gcc", "qemu-ppc64le"), "be": ("powerpc64-linux-gnu-gcc", "qemu-ppc64")}
FLAGS = ["-O1", "-static", "-fno-stack-protector", "-I" + ROOT]


def build(order, folder):
    subprocess.run([ORDERS[order][0], *FLAGS, "-o", os.path.join(folder, order), os.path.join(HERE, "oracle.c")], check=True)


def record(table, order, compare, folder):
    """The lines of one table and byte order, and whether this project agrees with them."""
    cases, results = (os.path.join(folder, name) for name in ("cases", "results"))
    with open(cases, "wb") as to:
        subprocess.run([compare, "gen", SEED, COUNT, order, table], stdout=to, check=True)
    with open(cases, "rb") as source, open(results, "wb") as to:
        subprocess.run([ORDERS[order][1], "-cpu", "power9", os.path.join(folder, order)], stdin=source, stdout=to, check=True)
    lines = subprocess.run([compare, "record", cases, results], stdout=subprocess.PIPE, check=True).stdout
    return lines, subprocess.run([compare, "check", cases, results], check=False).returncode


def main():
    compare = os.path.join(sys.argv[1], "tests", "ppc_compare")
    tables = sys.argv[2:] or sorted(f for f in os.listdir(TABLES) if f.endswith(".decode"))
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        for order in ORDERS:
            build(order, folder)
        for table in tables:
            made = [record(table, order, compare, folder) for order in ORDERS]
            with open(os.path.join(HERE, table.replace(".decode", ".txt.gz")), "wb") as file:
                with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
                    packed.write(b"".join(lines for lines, _ in made))
            code |= max(result for _, result in made)
    return code


if __name__ == "__main__":
    sys.exit(main())
