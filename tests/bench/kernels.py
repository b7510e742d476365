# SPDX-License-Identifier: MIT
"""The payload: building it for the guest and for this machine, and what it says."""

import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools"))
from cpio import write_initrd  # noqa: E402

FLAGS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
         "-Wno-infinite-recursion", "-fno-strict-aliasing", "-fwrapv", "-ffp-contract=off", "-static", "-pthread"]
GROUPS = ["int", "call", "fp", "vec", "mem", "sys", "jit", "smp", "fresh"]


def build(compiler, path):
    subprocess.run([compiler, *FLAGS, *sorted(glob.glob(os.path.join(HERE, "payload/*.c"))), "-lm", "-o", path], check=True)
    return path


def make_initrd(program, path):
    with open(program, "rb") as content:
        write_initrd(path, [("dev", 0o040755, b""), ("init", 0o100755, content.read())])
    return path


def kernels_of(program):
    """{group: [kernel]}, as the program lists them."""
    listed = {}
    for line in subprocess.run([program, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        group, kernel = line.split()
        listed.setdefault(group, []).append(kernel)
    return listed


class Sample:
    """One run of a kernel: seconds by the payload's clock, host CPU seconds, checksum."""

    def __init__(self, seconds, cpu, checksum):
        self.seconds, self.cpu, self.checksum = seconds, cpu, checksum


def follow(session, limit=300):
    """Reads what a payload says to its end. ({kernel: [Sample]}, {key: [text]}, CPU seconds at its first word)."""
    samples, info, first = {}, {}, None
    while True:
        found = session.expect(r"(BEGIN|INFO|FAILED|DONE)(.*)\n|not syncing.*\n", limit)
        first = session.cpu() if first is None else first
        word, rest = (g.decode() if g else "" for g in found.groups())
        if word == "INFO":
            key, text = rest.strip().split(" ", 1)
            info.setdefault(key, []).append(text)
        elif word == "BEGIN":
            before = session.cpu()
            session.send("")
            end = session.expect(r"END ([\d.]+) ([0-9a-f]+)\n", limit)
            sample = Sample(float(end.group(1)), session.cpu() - before, end.group(2).decode())
            session.send("")
            samples.setdefault(rest.split()[1], []).append(sample)
        elif word == "DONE":
            return samples, info, first
        else:
            raise RuntimeError(f"the payload failed: {found.group(0).decode()}")


def kpti_of(info):
    """Is the kernel isolated by page tables? From its own log."""
    log = " ".join(info.get("log", []))
    if re.search("detected: Kernel page table isolation", log):
        return "on"
    return "off"
