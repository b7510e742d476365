#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs under -icount are the same whatever the host does meanwhile. Usage: test_icount.py YADO [unittest args]."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "guest"), os.path.join(HERE, "..", "boot")]
import guests  # noqa: E402
import test_guest  # noqa: E402

YADO = "yado"
END = re.compile(rb"yado: (\d+) insns retired, state ([0-9a-f]{16})\n")
SECONDS = 120
INIT = """#!/bin/sh
mount -t proc proc /proc
cat /proc/interrupts
seq 1 5000 | md5sum
sleep 1
cat /proc/uptime
dd if=/dev/urandom bs=64 count=1 2>/dev/null | md5sum
poweroff -f
"""


class Load:
    """A busy host: processes that never sleep, and some that sleep and wake all the time."""

    PROGRAMS = ("while True: pass", "while True: pass", "import time\nwhile True: time.sleep(1e-5)")

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", p]) for p in self.PROGRAMS]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


class Idle:
    """Nothing beside."""

    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


def run(*args):
    """Exit code, console bytes, insn count and state of one run."""
    done = subprocess.run([YADO, "-M", "virt", "-serial", "stdio", *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    found = END.search(done.stderr)
    if not found:
        raise AssertionError(f"no count in {done.stderr[-2000:]!r} after {done.stdout[-2000:]!r}")
    return done.returncode, done.stdout, int(found[1]), found[2].decode()


class Programs(unittest.TestCase):
    """Bare-metal programs, with timers and waits for interrupts among them."""

    NAMES = ("hello", "exception", "mmu", "code", "atomic", "time")
    RUNS = (Idle, Load, Load)

    def same(self, name, shift, *more):
        path = test_guest.build(name)
        counts = {}
        for mode in ("jit", "interp"):
            args = ["-semihosting", "-accel", mode, "-icount", f"shift={shift}", "-kernel", path, *more]
            seen = []
            for beside in self.RUNS:
                with beside():
                    seen.append(run(*args))
            self.assertEqual(seen[0][0], 0, seen[0][1][-2000:])
            for other in seen[1:]:
                self.assertEqual(seen[0], other, f"{name} by {mode}, shift={shift}")
            counts[mode] = seen[0][1:]
        self.assertEqual(counts["jit"], counts["interp"], f"{name}, shift={shift}")
        return counts["jit"][1]

    def test_programs(self):
        for name in self.NAMES:
            with self.subTest(program=name):
                self.assertGreater(self.same(name, 0), 100)

    def test_disk(self):
        """Requests of a disk take the same time, however long the host needs for them."""
        with tempfile.NamedTemporaryFile() as image:
            image.truncate(64 << 10)
            self.same("disk", 0, "-snapshot", "-hda", image.name)

    def test_shift(self):
        """Time goes faster with a greater shift, and so a program that waits for it runs fewer insns."""
        counts = [self.same("time", shift) for shift in (0, 3, 6)]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertLess(counts[2], counts[0])

    def test_chaining(self):
        """Blocks that are not chained, and others in size, count the same."""
        args = ["-semihosting", "-icount", "shift=0", "-kernel", test_guest.build("time")]
        self.assertEqual(run(*args), run(*args, "-d", "nochain", "-D", os.devnull))

    def test_regions(self):
        """Regions, whatever way they go and wherever they are left, count the same."""
        for name in (*self.NAMES, "system", "stream"):
            args = ["-semihosting", "-icount", "shift=2", "-kernel", test_guest.build(name)]
            alone = run(*args)
            self.assertEqual(alone[0], 0, alone[1][-2000:])
            for more in ("", ",x-poll=on", ",x-tlb=1,x-evict=500"):
                with self.subTest(program=name, more=more):
                    self.assertEqual(run(*args, "-accel", "jit,x-regions=all" + more), alone)

    def test_verify(self):
        """Comparing blocks, each or some, takes no time and changes nothing."""
        for name in (*self.NAMES, "system"):
            for shift in (0, 5):
                args = ["-semihosting", "-icount", f"shift={shift}", "-kernel", test_guest.build(name)]
                alone = run(*args)
                self.assertEqual(alone[0], 0, alone[1][-2000:])
                for more in (["--verify"], ["--verify=7"], ["--verify", "-accel", "jit,x-tlb=1,x-evict=500,x-poll=on"]):
                    with self.subTest(program=name, shift=shift, more=more):
                        self.assertEqual(run(*args, *more), alone)

    def test_bare_value(self):
        """As elsewhere, a value without a key is the shift."""
        args = ["-semihosting", "-kernel", test_guest.build("time")]
        self.assertEqual(run(*args, "-icount", "5"), run(*args, "-icount", "shift=5"))
        self.assertNotEqual(run(*args, "-icount", "5"), run(*args, "-icount", "4"))


class Boot(unittest.TestCase):
    """A kernel, from its start until it powers the machine off."""

    def test_linux(self):
        with tempfile.TemporaryDirectory() as folder:
            initrd = os.path.join(folder, "init.gz")
            guests.make_small_initrd(initrd, INIT)
            args = ["-m", "128", "-kernel", guests.need(guests.KERNEL), "-initrd", initrd, "-append", "console=ttyAMA0",
                    "-icount", "shift=0"]
            seen = []
            for beside, more in ((Idle, []), (Load, []), (Idle, ["-accel", "jit,x-regions=all"])):
                with beside():
                    seen.append(run(*args, *more))
        self.assertEqual(seen[0][0], 0)
        self.assertIn(b"arch_timer", seen[0][1])
        self.assertIn(b"Power down", seen[0][1])
        self.assertGreater(seen[0][2], 10**8)
        for other in seen[1:]:
            self.assertEqual(seen[0][1].split(b"\n"), other[1].split(b"\n"))
            self.assertEqual(seen[0], other)


class Arguments(unittest.TestCase):
    """What cannot be is refused."""

    WRONG = {
        "": "shift",
        "shift": "shift",
        "shift=": "shift",
        "shift=x": "'x'",
        "shift=-1": "'-1'",
        "shift=11": "10",
        "shift=99999999999999999999": "10",
        "shift=1.5": "'1.5'",
        "shift=1,shift=2": "shift",
        "sleep=on": "shift",
        "11": "10",
        "5,shift=5": "shift",
        "auto": "'auto' is not a whole number from 0 to 10",
        "shift=auto": "'auto' is not a whole number from 0 to 10",
    }

    def test_wrong(self):
        for value, wanted in self.WRONG.items():
            with self.subTest(value=value):
                done = subprocess.run([YADO, "-M", "virt", "-icount", value, "-kernel", os.devnull], text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      timeout=SECONDS, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("-icount", done.stderr)
                self.assertIn(wanted, done.stderr)

    def test_missing(self):
        done = subprocess.run([YADO, "-M", "virt", "-icount"], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)


def setUpModule():  # noqa: N802
    test_guest.setUpModule()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_icount.py YADO [unittest arguments]")
    YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
