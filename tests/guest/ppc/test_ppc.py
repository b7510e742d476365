#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bare-metal PowerPC programs in both byte orders. Usage: test_ppc.py YADO [unittest args]."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = "powerpc64le-linux-gnu-gcc"
MISSING = f"{CC} is missing: apt-get install gcc-powerpc64le-linux-gnu"
FLAGS = ["-mabi=elfv2", "-mcpu=power8", "-msoft-float", "-mno-altivec", "-mno-vsx", "-mcmodel=medium", "-O1", "-Wall",
         "-Wextra", "-Werror", "-std=gnu11", "-ffreestanding", "-nostdlib", "-static", "-fno-pie", "-no-pie",
         "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wl,-T,link.ld", "-Wl,--build-id=none",
         "-Wl,-z,noexecstack", "-Wl,--no-warn-rwx-segments"]
ORDERS = ("little", "big")
CPUS = ("power8", "power9", "max")
FORCED = "jit,x-tlb=1,x-evict=20,x-poll=on,x-chain=off"
MODES = (["-accel", "jit"], ["-accel", "interp"], ["-accel", "jit", "-verify"], ["-accel", FORCED],
         ["-accel", FORCED, "-verify"], ["-accel", "jit", "-icount", "shift=0"])
SECONDS = 60
YADO = "yado"


def setUpModule():  # noqa: N802
    if not shutil.which(CC):
        raise AssertionError(MISSING)
    global FOLDER
    FOLDER = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(FOLDER.cleanup)


def build(order, *defines, name="hello"):
    path = os.path.join(FOLDER.name, "-".join((name, order, *defines)) + ".elf")
    if not os.path.exists(path):
        done = subprocess.run([CC, "-m" + order, *FLAGS, *(f"-D{d}" for d in defines), "-o", path, "start.S", "lib.c",
                               name + ".c"], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{name}.c does not build:\n{done.stdout}")
    return path


def run(path, *args, typed=""):
    return subprocess.run([YADO, "-M", "pseries", "-serial", "stdio", *args, "-kernel", path], input=typed, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, errors="replace", check=False)


class Hello(unittest.TestCase):
    def test_hello(self):
        for order in ORDERS:
            for cpu in CPUS:
                for mode in MODES:
                    with self.subTest(order=order, cpu=cpu, mode=mode):
                        done = run(build(order), "-cpu", cpu, *mode)
                        self.assertEqual(done.returncode, 0, done.stdout)
                        self.assertTrue(done.stdout.startswith("hello from the terminal\ndone\n"), done.stdout)
                        self.assertNotIn("still here", done.stdout)

    def test_radix(self):
        for order in ORDERS:
            for mode in MODES:
                with self.subTest(order=order, mode=mode):
                    done = run(build(order, name="radix"), *mode)
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertTrue(done.stdout.startswith("done\n"), done.stdout)

    def both_versions(self, name, first):
        for order in ORDERS:
            for mode in MODES:
                for cpu, defines in (("power8", ["POWER8"]), ("power9", [])):
                    with self.subTest(order=order, mode=mode, cpu=cpu):
                        done = run(build(order, *defines, name=name), "-cpu", cpu, *mode)
                        self.assertEqual(done.returncode, 0, done.stdout)
                        self.assertTrue(done.stdout.startswith(first + "done\n"), done.stdout)

    def test_hash(self):
        self.both_versions("hash", "still here\n")

    def test_facility(self):
        self.both_versions("facility", "")

    def test_partition(self):
        for order in ORDERS:
            for mode in MODES:
                with self.subTest(order=order, mode=mode):
                    done = run(build(order, name="partition"), *mode, "-smp", "2")
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertTrue(done.stdout.startswith("client\n.done\n"), done.stdout)

    def test_panic(self):
        done = run(build("big", "PANIC", name="partition"), "-smp", "2")
        self.assertEqual(done.returncode, 5, done.stdout)
        self.assertIn("the guest has panicked: no.tea", done.stdout)

    def test_vector(self):
        for order in ORDERS:
            for mode in MODES[:3]:
                with self.subTest(order=order, mode=mode):
                    done = run(build(order, name="vector"), *mode)
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertTrue(done.stdout.startswith("done\n"), done.stdout)

    def test_failing(self):
        """A program that fails is seen to."""
        self.assertIn("FAIL hello.c", run(build("little", "FAILING")).stdout)

    def test_typed(self):
        for order in ORDERS:
            done = run(build(order, "ECHO"), typed="what is typed comes back.")
            self.assertEqual(done.stdout, "hello from the terminal\nwhat is typed comes backdone\n")

    def test_repeats(self):
        """In virtual time every run is the same one, however it is run."""
        for order in ORDERS:
            ends = {run(build(order), "-icount", "shift=0", "-accel", accel).stdout
                    for accel in ("jit", "jit", "interp", "jit,x-evict=20,x-poll=on", "jit,x-chain=off")}
            self.assertEqual(len(ends), 1, ends)
            self.assertRegex(ends.pop(), r"done\n(.*\n)*yado: \d+ insns retired, state [0-9a-f]{16}\n$")

    def test_refused(self):
        done = subprocess.run([YADO, "-M", "pseries", "-smp", "65", "-kernel", build("big")], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("machine 'pseries' has 1 to 64 CPUs, not 65", done.stdout)
        kernel = os.path.join(FOLDER.name, "kernel")
        with open(build("big"), "rb") as elf:
            header = elf.read()
        other = header[:5] + b"\1" + header[6:]  # EI_DATA: little-endian, which the rest is not
        narrow = header[:4] + b"\1" + header[5:18] + b"\0\x14" + header[20:]  # EI_CLASS, e_machine
        for data, text in ((other, "is an ELF file for a machine that is not known here; this machine runs 64-bit PowerPC code"),
                           (narrow, "is an ELF file for PowerPC (32-bit); this machine runs 64-bit PowerPC code"),
                           (b"\0" * 4096, "is something unknown, not a 64-bit PowerPC ELF executable")):
            with open(kernel, "wb") as f:
                f.write(data)
            done = run(kernel)
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn(text, done.stdout)

    def test_options(self):
        for options, code, text in (
                (["-M", "pseries,ic-mode=xicks"], 2, "ic-mode is dual, xics or xive, not 'xicks'"),
                (["-M", "pseries,ic-mod=xics"], 2, "machine 'pseries' has no key 'ic-mod'; did you mean 'ic-mode'?"),
                (["-M", "pseries,ic-mode=xive", "-cpu", "power8"], 2, "ic-mode=xive needs a CPU with XIVE: power9, not power8"),
                (["-M", "pseries", "-bios", build("big")], 3, "is an ELF file for PowerPC (64-bit), not a raw image"),
                (["-M", "pseries", "-bios", "/dev/null"], 3, "firmware '/dev/null' is not a regular file")):
            done = subprocess.run([YADO, "-serial", "null", *options, *(() if "-bios" in options else ("-kernel", build("big")))],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertIn(text, done.stdout)
        empty = os.path.join(FOLDER.name, "firmware")
        with open(empty, "wb") as f:
            f.write(b"\0" * 4096)
        done = subprocess.run([YADO, "-M", "pseries", "-serial", "null", "-bios", empty], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("is not for this machine: there is no code at 0x100, where its CPUs start", done.stdout)

    def test_monitor(self):
        """Registers and insns for people, in the program's byte order."""
        for order in ORDERS:
            with self.subTest(order=order):
                done = subprocess.run([YADO, "-M", "pseries", "-S", "-serial", "null", "-monitor", "stdio", "-kernel",
                                       build(order)], input="info registers\nx/2i 0\nquit\n", stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
                self.assertIn("64-bit big-endian supervisor", done.stdout)
                self.assertIn("mfmsr r11\n" if order == "little" else ".long 0x00000000\n", done.stdout)

    def test_gdb(self):
        """gdb knows the registers by their features, and overlays FPRs and AltiVec's with VSX's."""
        path = os.path.join(FOLDER.name, "gdb.sock")
        yado = subprocess.Popen([YADO, "-M", "pseries", "-S", "-serial", "null", "-gdb", "unix:" + path, "-kernel", build("little")],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            limit = time.monotonic() + SECONDS
            while not os.path.exists(path) and time.monotonic() < limit:
                time.sleep(0.02)
            commands = ("set endian little", f"target remote {path}", "p/x $msr", "set $f1 = 1.5", "p $f1", "p $vs1.v2_double",
                        "set $vr2.q.u[0] = 0x1234567890abcdef", "p/x $vs34.uint128", "set $fpscr = 3", "p $fpscr", "p/x $SRR0",
                        "p $xer", "set $ctr = 0x1000", "p/x $ctr")
            done = subprocess.run(["gdb-multiarch", "-nx", "-batch", *(a for c in commands for a in ("-ex", c))], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        finally:
            yado.kill()
            yado.wait()
        for line in ("$1 = 0x8000000000001000", "$2 = 1.5", "$3 = {0, 1.5}", "$4 = 0x1234567890abcdef", "$5 = 3", "$6 = 0x0", "$7 = 0",
                     "$8 = 0x1000"):
            self.assertIn(line + "\n", done.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        YADO = sys.argv.pop(1)
    unittest.main()
