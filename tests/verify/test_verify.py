#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--verify from outside: a wrong rule is found, and the command in the report shows it again.
Usage: test_verify.py YADO [unittest args]."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import guests  # noqa: E402

YADO = "yado"
SECONDS = 60
FOUND = "yado: --verify found a difference between generated code and interpreter:\n"
FIRST = re.compile(r"^verify: (.+) differs in or after the block at 0x([0-9a-f]+) \((\d+) insns, comparison (\d+)\)$", re.M)
AGAIN = re.compile(r"^To see it again: (.+)$", re.M)
RULE = "xor:or"  # wrong only where both operands have a bit set

# x3 counts from 0; x5 = x3 ^ 0x400 is right by `or` until x3 is 0x400.
COUNT = [
    guests.movz(3, 0), guests.movz(4, 0x400), guests.movz(6, 0x4040, 16),
    0xCA040065,               # eor x5, x3, x4
    0xF90000C5,               # str x5, [x6]
    0x91000463,               # add x3, x3, #1
    0xF120007F,               # cmp x3, #0x800
    0x54000001 | (-4 & 0x7FFFF) << 5,  # b.ne eor
]


class Verify(unittest.TestCase):
    """Runs of a small guest."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kernel = os.path.join(folder.name, "it's an Image")  # a name that a shell must not touch
        with open(self.kernel, "wb") as out:
            out.write(guests.image(COUNT + guests.POWER_OFF))

    def run_guest(self, *args, rule=RULE):
        accel = ["-accel", "jit" + (f",x-break={rule}" if rule else "")]
        return subprocess.run([YADO, "-M", "virt", "-serial", "null", *accel, "-kernel", self.kernel, *args], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                              check=False)

    def report(self, done):
        """What the report says first, all of it but for places in the host's memory, and the command in it."""
        self.assertEqual(done.returncode, 8, done.stderr)
        self.assertIn(FOUND, done.stderr)
        text = done.stderr[done.stderr.index(FOUND):]
        first, again = FIRST.search(text), AGAIN.search(text)
        self.assertTrue(first and again, text)
        return first.groups(), text[:text.index("\nHost code:\n")], again[1]

    def test_right(self):
        done = self.run_guest("--verify", rule=None)
        self.assertEqual(done.returncode, 0, done.stderr)
        agreed = int(re.search(r"--verify: (\d+) runs of blocks agreed", done.stderr)[1])
        self.assertGreater(agreed, 0x800)

    def test_unseen(self):
        """Without comparisons nobody notices."""
        self.assertEqual(self.run_guest().returncode, 0)

    def test_report(self):
        done = self.run_guest("--verify", "-icount", "shift=0")
        first, text, _ = self.report(done)
        self.assertEqual(first[0], "guest state")
        self.assertGreater(int(first[3]), 0x400)
        self.assertRegex(text, r"(?m)^\* x5 +before 00000000000007ff expected 0{16} got 0000000000000400$")
        self.assertRegex(text, r"(?m)^  x3 +before 0000000000000400 expected 0000000000000401 got 0000000000000401$")
        self.assertRegex(text, r"(?m)^\* store 0 +expected( 00){8} got 00 04( 00){6}$")
        self.assertIn("xor.i64", text)
        self.assertRegex(done.stderr[done.stderr.index("\nHost code:\n"):], r"\bor\b")

    def test_again(self):
        """The command in the report, given to a shell, shows the same difference."""
        for args in (["--verify"], ["--verify", "-icount", "shift=0"], ["--verify=3", "-icount", "shift=2"]):
            with self.subTest(args=args):
                done = self.run_guest(*args)
                first, text, command = self.report(done)
                self.assertEqual("-icount shift=3 added" in done.stderr, "-icount" not in args)
                again = subprocess.run(["sh", "-c", command], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, timeout=SECONDS, check=False)
                self.assertEqual(self.report(again)[:2], (first, text))

    def test_wrong_rules(self):
        for rule in ("", "xor", "xor:nothing", "nothing:xor", "xor:not", "ld:st", "xor:or:and"):
            with self.subTest(rule=rule):
                done = self.run_guest(rule=rule or ":")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("'x-break' takes two IR operations alike, as in 'xor:or', not", done.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_verify.py YADO [unittest arguments]")
    YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
