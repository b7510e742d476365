#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the benchmark run? test_bench.py YADO. No figure is judged: only that they are there, and the checksums."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
sys.dont_write_bytecode = True
YADO = sys.argv.pop(1)


def run(*args):
    return subprocess.run([sys.executable, RUN, "--yado", YADO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


class Bench(unittest.TestCase):
    def test_two_kernels(self):
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            done = run("--qemu", "none", "--groups", "int,jit", "--kernels", "sieve,shared", "--repeats", "1", "--inner", "2",
                       "--kpti", "default,kpti=0", "--no-boot", "--json", out.name)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            results = json.load(out)
        self.assertEqual(len(results["samples"]), 2 * 2 * 2 * 2)  # kernels, native and yado, kpti, inner
        self.assertEqual(results["info"].keys(), {"default", "kpti=0"})
        for key, state in (("default", "on"), ("kpti=0", "off")):
            self.assertIn(f"isolated page tables {state}", results["info"][key])
        for words in (["yado", "0."], ["sieve", "same"], ["shared", "same"], ["CPU s to /init, kpti=0"]):
            self.assertTrue(any(all(w in line for w in words) for line in done.stdout.splitlines()), done.stdout)
        self.assertNotIn("DIFFER", done.stdout)

    def test_boot(self):
        done = run("--qemu", "none", "--groups", "", "--repeats", "1", "--kpti", "kpti=0")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in (r"translation, in a boot to the shell: \d\d+ ns .*, [1-9]\d*[.]\d\d host insns and [1-9]",
                      r"CPU s to the shell, kpti=0 +[1-9]*\d[.]\d\d +-", r"MB beyond guest RAM, kpti=0 +[1-9]"):
            self.assertRegex(done.stdout, words)

    def test_says_what_is_missing(self):
        for args, text in ((["--groups", "itn"], "no group 'itn'; there are int, call"),
                           (["--kpti", "off"], "no --kpti 'off'; there are default, kpti=0"),
                           (["--yado", "/nowhere/yado"], "there is no /nowhere/yado"),
                           (["--qemu", "none", "--programs", "--disk", "/nowhere"], "there is no /nowhere/disk.img: make it")):
            done = run(*args)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
