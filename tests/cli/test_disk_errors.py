#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks that fail, vanish or do not answer while a guest works with them. Usage: test_disk_errors.py YADO [unittest args].

The guest is tests/guest/disk.c, which reads everything back; here its image is looked at in the end.
"""

import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "guest"))
import test_guest  # noqa: E402

YADO = "yado"
SECONDS = 50
SIZE = 64 << 10
ROUNDS, STEP, SECTOR, SPAN = 20, 5, 512, 16
PAUSED = r"the machine is paused"


def setUpModule():  # noqa: N802
    test_guest.setUpModule()


def expected(sector):
    """What the guest has written to a sector last."""
    last = min(ROUNDS - 1, sector // STEP)
    start = (sector - STEP * last) * SECTOR
    return b"".join(struct.pack("<Q", last << 32 | i) for i in range(start, start + SECTOR, 8))


class Disk(unittest.TestCase):
    """A guest that writes to an image, and what is said meanwhile."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.image, self.fault, self.at = (os.path.join(self.folder, name) for name in ("disk.img", "fault", "monitor"))
        with open(self.image, "wb") as image:
            image.truncate(SIZE)
        self.kept = open(self.image, "rb")
        self.addCleanup(self.kept.close)
        self.said = ""

    def start(self, *args, drive=""):
        self.yado = subprocess.Popen([YADO, "-M", "virt", "-semihosting", "-serial", "stdio", "-drive",
                                      f"file={self.image},format=raw,id=d0,x-fault={self.fault}{drive}", "-monitor",
                                      f"unix:{self.at},server=on,wait=off", *args, "-kernel", test_guest.build("disk")],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end)
        limit = time.monotonic() + SECONDS
        while not os.path.exists(self.at) and self.yado.poll() is None:  # a short run may have ended already
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.01)

    def end(self):
        self.yado.kill()
        self.yado.wait()
        self.yado.stdout.close()
        self.yado.stderr.close()

    def until(self, pattern):
        """What standard error brings up to and including the pattern."""
        limit = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.said)):
            left = limit - time.monotonic()
            self.assertGreater(left, 0, f"no {pattern!r} in {self.said!r}")
            if select.select([self.yado.stderr], [], [], left)[0]:
                more = os.read(self.yado.stderr.fileno(), 4096).decode()
                self.assertNotEqual(more, "", f"no {pattern!r} in {self.said!r}")
                self.said += more
        text, self.said = self.said[:found.end()], self.said[found.end():]
        return text

    def monitor(self, *lines):
        """The answers to lines, which come at once."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            client.connect(self.at)
            said = b""
            for n, line in enumerate(lines):
                while said.count(b"(yado) ") < n + 1:
                    said += client.recv(4096)
                client.sendall(line.encode() + b"\n")
            while lines[-1] != "quit" and said.count(b"(yado) ") < len(lines) + 1:
                said += client.recv(4096)
        time.sleep(0.1)  # until the next one is let in
        return said.decode().replace("\r", "")

    def set_fault(self, text):
        with open(self.fault + ".new", "w", encoding="ascii") as out:
            out.write(text)
        os.rename(self.fault + ".new", self.fault)

    def goes_well(self):
        """The guest ends in order, and everything it wrote is in the image."""
        out, err = self.yado.communicate(timeout=SECONDS)
        self.assertEqual((self.yado.returncode, out), (0, b"the disk is done\n"), err)
        self.kept.seek(0)
        image = self.kept.read()
        for sector in range(1, STEP * (ROUNDS - 1) + SPAN):
            self.assertEqual(image[SECTOR * sector:SECTOR * (sector + 1)], expected(sector), sector)

    def go_on(self, way):
        if way == "monitor":
            self.assertIn("VM status: paused", self.monitor("info status", "cont"))
        else:
            self.yado.send_signal(signal.SIGCONT)

    def paused(self, text):
        """The message and its hint."""
        said = self.until(r"nothing is lost\n")
        self.assertIn(text + "; the machine is paused\nyado: hint: ", said)
        self.assertIn(f"; then 'cont' in the monitor (or 'kill -CONT {self.yado.pid}') tries again", said)
        return said


class Mended(Disk):
    """The machine is paused, somebody does something, and the machine goes on."""

    def test_no_room(self):
        for way in ("monitor", "signal"):
            with self.subTest(way):
                self.start("-S")
                resource.prlimit(self.yado.pid, resource.RLIMIT_FSIZE, (SIZE // 2, resource.RLIM_INFINITY))
                self.monitor("cont")
                text = f"drive 'd0': cannot write to '{self.image}': File too large"
                self.assertIn("raise what limits the size of files", self.paused(text))
                self.go_on(way)
                self.paused(text)  # nothing has changed
                resource.prlimit(self.yado.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                self.go_on(way)
                self.goes_well()
                with open(self.image, "wb") as image:
                    image.truncate(SIZE)

    def test_disk_full(self):
        self.set_fault("write ENOSPC")
        self.start()
        said = self.paused(f"drive 'd0': cannot write to '{self.image}': No space left on device")
        self.assertIn("make room on the host; then", said)
        os.remove(self.fault)
        self.go_on("signal")
        self.goes_well()

    def test_shorter(self):
        self.start("-S")
        os.truncate(self.image, SIZE // 4)
        self.monitor("cont")
        self.assertIn("give it its size again", self.paused(f"cannot write to '{self.image}': it has become shorter"))
        self.go_on("signal")
        self.paused("it has become shorter")
        os.truncate(self.image, SIZE)
        self.go_on("signal")
        self.goes_well()

    def test_shorter_at_a_read(self):
        self.set_fault("read stall")
        self.start()
        time.sleep(0.3)
        os.truncate(self.image, SECTOR)
        os.remove(self.fault)
        self.paused(f"cannot read from '{self.image}': it has become shorter")

    def test_deleted(self):
        self.start("-S")
        os.remove(self.image)
        self.monitor("cont")
        said = self.paused(f"cannot write to '{self.image}': it has been deleted, and its content ends with this process")
        self.assertIn("copy it from /proc/PID/fd", said)
        self.go_on("monitor")
        self.goes_well()

    def test_report(self):
        self.set_fault("write ENOSPC")
        self.start(drive=",werror=report")
        self.assertEqual(self.yado.wait(SECONDS), 1)  # the guest has seen it

    def test_signal_of_no_concern(self):
        self.start("-S")
        self.yado.send_signal(signal.SIGCONT)
        self.assertIn("VM status: paused", self.monitor("info status"))
        self.set_fault("write ENOSPC")
        self.monitor("cont")
        self.paused("No space left on device")
        os.remove(self.fault)
        self.set_fault("flush stall")
        self.monitor("cont", "stop")
        self.yado.send_signal(signal.SIGCONT)  # it was paused again, by a user
        self.assertIn("VM status: paused", self.monitor("info status"))
        os.remove(self.fault)
        self.monitor("cont")
        self.goes_well()

    def test_gdb(self):
        if not shutil.which("gdb-multiarch"):
            self.fail("gdb-multiarch is missing: apt-get install gdb-multiarch")
        at = os.path.join(self.folder, "gdb.sock")
        self.set_fault("write ENOSPC")
        self.start("-S", "-gdb", "unix:" + at)
        commands = ["set pagination off", "set architecture aarch64", "target remote " + at, "continue", "continue",
                    f"shell rm {self.fault}", "continue"]
        done = subprocess.run(["gdb-multiarch", "-nx", "-batch", *(w for c in commands for w in ("-ex", c))], timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        text = f"yado: drive 'd0': cannot write to '{self.image}': No space left on device; the machine is paused\n"
        self.assertEqual(done.stdout.count(text), 2, done.stdout)
        self.assertEqual(done.stdout.count("received signal SIGINT"), 2, done.stdout)
        self.assertIn("exited normally", done.stdout)
        self.assertIn("; then 'continue' in gdb tries again, and nothing is lost\n", self.until("lost\n"))
        self.goes_well()


class Stuck(Disk):
    """The host does not answer at all."""

    def start_stuck(self, kind):
        self.set_fault(kind + " stall")
        self.start()
        time.sleep(0.5)

    def test_told_and_goes_on(self):
        self.start_stuck("read")
        self.yado.send_signal(signal.SIGSTOP)  # while it is stopped nobody waits
        time.sleep(3)
        self.yado.send_signal(signal.SIGCONT)
        self.assertIn("VM status: running", self.monitor("info status"))
        self.assertRegex(self.monitor("stop", "info registers", "info status", "cont"), "(?s)CPU#0.*VM status: paused")
        said = self.until(r"hint: .*\n")
        self.assertEqual(said.splitlines()[0], "yado: watchdog: the host has not answered for 30 s: read of "
                         f"'{self.image}' (drive 'd0')")
        self.monitor("info block", "stop")
        os.remove(self.fault)
        self.assertEqual(self.until(r"late request\n"), "yado: watchdog: the host has answered the late request\n")
        self.monitor("cont")
        self.goes_well()

    def test_reset(self):
        self.start_stuck("write")
        self.monitor("system_reset", "info registers", "stop", "system_reset", "cont")
        os.remove(self.fault)
        self.goes_well()

    def test_quit(self):
        for kind in ("read", "flush"):
            self.start_stuck(kind)
            self.monitor("quit")
            self.until(rf"the host has not answered \({kind} of '{self.image}' \(drive 'd0'\)\): ended without it")
            self.assertEqual(self.yado.wait(SECONDS), 1)
            shutil.rmtree(self.at, ignore_errors=True)

    def test_signal(self):
        self.start_stuck("write")
        self.yado.terminate()
        self.until(r"ended without it(?s:.*)ended by signal 15 \(Terminated\)\n")
        self.assertEqual(self.yado.wait(SECONDS), 143)


if __name__ == "__main__":
    YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
