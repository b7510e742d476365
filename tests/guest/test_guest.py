#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bare-metal programs by the JIT, the interpreter and both compared. Usage: test_guest.py YADO [unittest args]."""

import os
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
with open("/proc/cpuinfo", encoding="ascii") as info:
    HAS = set(info.read().split())
NEEDS = {"sse2": {"sse2"}, "avx2": {"avx2", "aes", "pclmulqdq", "fma"}, "avx512": {"avx2", "avx512_bitalg", "gfni", "sha_ni"}}
HOSTS = tuple("host=" + level for level, flags in NEEDS.items() if flags <= HAS)
FORCED = ("x-tlb=1", "x-evict=500", "x-poll=on", "x-chain=off", "x-merge=off", "x-runs=on", "x-regions=all", "x-pins=own", *HOSTS, "x-tlb=1,x-evict=500,x-poll=on,x-chain=off")
MODES_OF = MODES | {key + verify: ["-accel", "jit," + key] + ["-verify"] * bool(verify)
                    for key in FORCED for verify in ("", " -verify")}
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
    machine = [] if "-M" in args else ["-M", "virt"]
    return [YADO, *machine, *MODES_OF[mode], "-semihosting", *args, "-kernel", path]


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

    def test_system(self):
        self.passes("system", cpus=("cortex-a57", "max"))

    def test_mmu(self):
        self.passes("mmu", cpus=("cortex-a57", "max"))

    def test_code(self):
        self.passes("code")

    def test_atomic(self):
        self.passes("atomic", cpus=("cortex-a57", "max"))

    def test_stream(self):
        self.passes("stream")

    def test_time(self):
        self.passes("time")

    def test_gicv3(self):
        self.passes("gicv3", cpus=("cortex-a72", "max"), args=("-M", "virt,gic-version=3"))

    def test_disk(self):
        with tempfile.NamedTemporaryFile() as image:
            image.truncate(64 << 10)
            for more in ("", ",snapshot=on", ",cache=none"):
                self.passes("disk", say=("the disk is done",), args=("-drive", f"file={image.name},format=raw{more}"))

    def test_debug(self):
        self.passes("debug")

    def test_hostile(self):
        self.passes("hostile", cpus=("cortex-a57", "max"), say=("done",))


class Forced(Programs):
    """The programs that fault, map and change code, in the forced modes, compared and not."""

    def passes(self, name, cpus=(), defines=(), modes=None, say=None, args=()):
        if name in ("exception", "mmu", "code", "atomic", "stream", "system", "hostile", "debug"):
            super().passes(name, ("max",), defines, [mode for mode in MODES_OF if mode not in MODES], say, args)

    test_failing = test_power_off = None


class Smp(unittest.TestCase):
    """Several CPUs, which all do the same things at once."""

    passes = Programs.passes
    FORCED = ("x-tlb=1", "x-evict=20", "x-poll=on", "x-chain=off", "x-merge=off", "x-runs=on", "x-regions=all", "x-pins=own", "host=sse2", "x-tlb=1,x-evict=20,x-poll=on,x-chain=off")

    def test_smp(self):
        for cpus in ("2", "4"):
            self.passes("smp", cpus=("cortex-a57", "max"), modes=("jit", "interp"), say=(f"{cpus} CPUs", "done"),
                        args=("-smp", cpus))

    def test_in_turn(self):
        """Compared with the interpreter they take turns; with -icount too, and then a run can be repeated."""
        self.passes("smp", cpus=("max",), modes=("verify",), say=("3 CPUs", "done"), args=("-smp", "3"))
        path, ends = build("smp"), set()
        for accel in ("jit", "jit", "interp", "jit,x-evict=20,x-poll=on", "jit,x-chain=off", "jit,x-regions=all"):
            done = subprocess.run([YADO, "-M", "virt", "-cpu", "max", "-smp", "3", "-accel", accel, "-icount", "shift=0",
                                   "-semihosting", "-serial", "stdio", "-kernel", path], stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"done\n(.*\n)*yado: \d+ insns retired, state [0-9a-f]{16}\n$")
            ends.add(done.stdout)
        self.assertEqual(len(ends), 1, ends)

    def test_forced(self):
        for forced in self.FORCED:
            self.passes("smp", cpus=("max",), modes=("jit",), say=("3 CPUs", "done"),
                        args=("-smp", "3", "-accel", f"jit,{forced}"))


class Random(unittest.TestCase):
    """Random insns: --verify finds no difference, and the ways of running end in the same states."""

    SEEDS = (1, 2, 3, 4)
    RUNS = 200

    def states(self, path, mode, cpu):
        done = subprocess.run(command(path, mode, "-cpu", cpu, "-serial", "stdio"), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        lines = [line for line in done.stdout.splitlines() if line.startswith("run ")]
        self.assertEqual(len(lines), self.RUNS)
        return lines

    def test_random(self):
        for seed in self.SEEDS:
            path = build("random", f"SEED={seed}", f"RUNS={self.RUNS}")
            cpu = "max" if seed % 2 else "cortex-a57"
            reference = self.states(path, "interp", cpu)
            ended = sum(not line.endswith("timer") for line in reference)
            self.assertGreater(ended, self.RUNS / 2)
            for mode in ("jit", "verify"):
                with self.subTest(seed=seed, cpu=cpu, mode=mode):
                    pairs = zip(reference, self.states(path, mode, cpu))
                    differences = [pair for pair in pairs if pair[0] != pair[1] and "timer" not in "".join(pair)]
                    self.assertEqual(differences, [])


class Hang(unittest.TestCase):
    """Guests that never end, mostly in their exception vectors: the emulator goes when it is told to."""

    GUESTS = 20
    ALIVE = 0.4   # seconds that a guest is given to get where it hangs
    REACTION = 5  # seconds for the emulator to end, with other guests at full speed beside it
    BATCH = 5

    def start(self, number, mode, quits):
        path = build("hostile", f"HANG={number}")
        args = ["-nographic"] if quits else ["-serial", "null"]
        return subprocess.Popen(command(path, mode, *args), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def end(self, process, quits):
        """Ends it by Ctrl-a x or by SIGTERM; its exit code, None: still alive."""
        if quits:
            process.stdin.write(b"\x01x")
            process.stdin.flush()
        else:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(self.REACTION)
        except subprocess.TimeoutExpired:
            return None

    def batch(self, numbers, mode, quits):
        processes = {}
        try:
            for number in numbers:
                processes[number] = self.start(number, mode, quits)
            time.sleep(self.ALIVE)
            for number, process in processes.items():
                with self.subTest(guest=number, mode=mode, quits=quits):
                    self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
                    self.assertEqual(self.end(process, quits), 0 if quits else 128 + signal.SIGTERM)
        finally:
            for process in processes.values():
                process.kill()
                process.communicate()

    def test_hang(self):
        for mode, quits in (("jit", True), ("jit", False), ("interp", False), ("verify", False)):
            for first in range(0, self.GUESTS, self.BATCH):
                self.batch(range(first, first + self.BATCH), mode, quits)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        YADO = sys.argv.pop(1)
    unittest.main()
