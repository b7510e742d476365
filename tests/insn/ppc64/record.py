#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records the PowerPC insn vectors anew: record.py BUILD; see README.md.

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
SEED, COUNT = "1", "64"
ORDERS = {"le": ("powerpc64le-linux-gnu-gcc", "qemu-ppc64le"), "be": ("powerpc64-linux-gnu-gcc", "qemu-ppc64")}
FLAGS = ["-O1", "-static", "-fno-stack-protector", "-I" + ROOT]


def record(order, compare, folder):
    """The lines of one byte order, and whether this project agrees with them."""
    compiler, box = ORDERS[order]
    oracle, cases, results = (os.path.join(folder, name + order) for name in ("oracle", "cases", "results"))
    subprocess.run([compiler, *FLAGS, "-o", oracle, os.path.join(HERE, "oracle.c")], check=True)
    with open(cases, "wb") as to:
        subprocess.run([compare, "gen", SEED, COUNT, order], stdout=to, check=True)
    with open(cases, "rb") as source, open(results, "wb") as to:
        subprocess.run([box, "-cpu", "power9", oracle], stdin=source, stdout=to, check=True)
    lines = subprocess.run([compare, "record", cases, results], stdout=subprocess.PIPE, check=True).stdout
    return lines, subprocess.run([compare, "check", cases, results], check=False).returncode


def main():
    compare = os.path.join(sys.argv[1], "tests", "ppc_compare")
    with tempfile.TemporaryDirectory() as folder:
        made = [record(order, compare, folder) for order in ORDERS]
    with open(os.path.join(HERE, "ppc.txt.gz"), "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            packed.write(b"".join(lines for lines, _ in made))
    return max(code for _, code in made)


if __name__ == "__main__":
    sys.exit(main())
