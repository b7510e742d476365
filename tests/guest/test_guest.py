#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bare-metal programs, each by the JIT, by the interpreter and by both compared. Usage: test_guest.py YADO [unittest args]."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = "aarch64-linux-gnu-gcc"
MISSING = f"{CC} is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
FLAGS = ["-march=armv8-a", "-O1", "-Wall", "-Wextra", "-Werror", "-std=gnu11", "-ffreestanding", "-nostdlib", "-static",
         "-fno-pie", "-no-pie", "-mgeneral-regs-only", "-mstrict-align", "-mno-outline-atomics", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-Wl,-T,link.ld", "-Wl,--build-id=none", "-Wl,-z,noexecstack"]
MODES = {"jit": ["-accel", "jit"], "interp": ["-accel", "interp"], "verify": ["-accel", "jit", "-verify"]}
SECONDS = 60

YADO = "yado"
BUILT = {}


def setUpModule():  # noqa: N802
    if not shutil.which(CC):
        raise AssertionError(MISSING)
    global FOLDER
    FOLDER = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(FOLDER.cleanup)


def build(name, *defines):
    """Path of the program's ELF, built once."""
    key = (name, *defines)
    if key not in BUILT:
        path = os.path.join(FOLDER.name, "-".join(key).replace("=", "_") + ".elf")
        done = subprocess.run([CC, *FLAGS, *(f"-D{d}" for d in defines), "-o", path, "start.S", "lib.c", name + ".c"],
                              cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{name}.c does not build:\n{done.stdout}")
        BUILT[key] = path
    return BUILT[key]


def command(path, mode, *args):
    return [YADO, "-M", "virt", *MODES[mode], "-semihosting", *args, "-kernel", path]


class Programs(unittest.TestCase):
    """Programs that check themselves and end with code 0."""

    def passes(self, name, cpus=("cortex-a57",), defines=(), modes=MODES, say=None, args=()):
        path = build(name, *defines)
        for cpu in cpus:
            for mode in modes:
                with self.subTest(program=name, cpu=cpu, mode=mode):
                    done = subprocess.run(command(path, mode, "-cpu", cpu, "-serial", "stdio", *args), text=True,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          timeout=SECONDS, errors="replace", check=False)
                    self.assertEqual(done.returncode, 0, done.stdout[-6000:])
                    self.assertNotIn("FAIL", done.stdout)
                    for line in say or ():
                        self.assertIn(line, done.stdout)

    HELLO = ("hello from the serial port", "hello from semihosting", "by characters")

    def test_hello(self):
        self.passes("hello", cpus=("cortex-a53", "cortex-a57", "cortex-a72", "max"), say=self.HELLO)

    def test_power_off(self):
        path = build("hello", "POWER_OFF")
        for mode in MODES:
            done = subprocess.run(command(path, mode, "-serial", "stdio"), stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn(self.HELLO[0], done.stdout)
            self.assertNotIn("still here", done.stdout)

    def test_failing(self):
        """A program that fails is seen to."""
        path = build("hello", "FAILING")
        for mode in MODES:
            done = subprocess.run(command(path, mode, "-serial", "stdio"), stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("FAIL hello.c", done.stdout)

    def test_exception(self):
        self.passes("exception", cpus=("cortex-a57", "max"))

    def test_mmu(self):
        self.passes("mmu", cpus=("cortex-a57", "max"))

    def test_code(self):
        self.passes("code")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        YADO = sys.argv.pop(1)
    unittest.main()
