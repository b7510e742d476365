#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The monitor behind Ctrl-a c on a terminal, on standard input and on a socket. Usage: test_monitor.py YADO [args]."""

import os
import pty
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import guests  # noqa: E402

YADO = "yado"
SECONDS = 20
PROMPT = "(yado) "
# Prints "a" again and again, with pauses, to the serial port.
UART = [0xD2A12001, 0x52800C22, 0x39000022, 0xD2A00103, 0xF1000463, 0x54FFFFE1, 0x17FFFFFC]


class Dialogue(unittest.TestCase):
    """A yado on a pseudo-terminal, and what it says."""

    def start(self, insns, *args, terminal=True):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        image = os.path.join(self.folder, "guest")
        with open(image, "wb") as out:
            out.write(guests.image(insns))
        command = [YADO, "-M", "virt", "-kernel", image, *args]
        if terminal:
            self.fd, inner = pty.openpty()
        else:
            self.fd, inner = None, subprocess.DEVNULL
        self.yado = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=subprocess.STDOUT)
        if terminal:
            os.close(inner)
            self.addCleanup(os.close, self.fd)
        self.addCleanup(self.end)
        self.seen = ""

    def end(self):
        self.yado.kill()
        self.yado.wait()

    def until(self, text):
        """What comes up to and including text."""
        limit = time.monotonic() + SECONDS
        while text not in self.seen:
            left = limit - time.monotonic()
            self.assertGreater(left, 0, f"no {text!r} in {self.seen[-2000:]!r}")
            if select.select([self.fd], [], [], left)[0]:
                self.seen += os.read(self.fd, 4096).decode("latin-1")
        at = self.seen.index(text) + len(text)
        said, self.seen = self.seen[:at], self.seen[at:]
        return said

    def type(self, text):
        os.write(self.fd, text.encode("latin-1"))

    def command(self, line):
        """The answer, without what the guest writes and the echo."""
        self.type(line + "\r")
        self.until("\r\n")
        return self.until(PROMPT)[: -len(PROMPT)].replace("\r", "")

    def enter(self):
        self.type("\x01c")
        self.until(PROMPT)


class Console(Dialogue):
    """Ctrl-a c with -nographic."""

    def setUp(self):
        self.start([guests.LOOP], "-nographic")
        time.sleep(0.3)
        self.enter()

    def test_info(self):
        self.assertEqual(self.command("info status"), "VM status: running\n")
        self.assertRegex(self.command("info version"), r"^\d+\.\d+\.\d+\n$")
        self.assertRegex(self.command("info registers"), r"CPU#0\npc  0000000040[0-9a-f]{6} ")
        self.assertRegex(self.command("info mtree"), r"0000000040000000-0000000047ffffff ram \(ram\)\n")
        self.assertRegex(self.command("info jit"), r"blocks translated +[1-9]")
        self.assertEqual(self.command("info network"), "there is nothing to show\n")
        self.assertRegex(self.command("info cpus"), r"^\* CPU #0: .*pc=0x40")
        self.assertRegex(self.command("info tlb"), r"[rwx-]{3} regime \d+ |no translations")
        self.assertIn("registers", self.command("info"))

    def test_stop_and_cont(self):
        self.command("stop")
        self.assertEqual(self.command("info status"), "VM status: paused\n")
        self.command("stop")
        self.command("cont")
        self.assertEqual(self.command("info status"), "VM status: running\n")
        self.command("c")

    def test_memory(self):
        loop = self.command("x/1xw $pc").split()
        self.assertEqual(loop[1], "0x14000000")
        address = int(loop[0][:-1], 16)
        self.assertIn(" b ", self.command(f"x/1i {address:#x}").replace("\t", " "))
        self.assertEqual(self.command(f"xp/4xb {address:#x}").split()[1:], ["0x00", "0x00", "0x00", "0x14"])
        self.assertEqual(self.command(f"xp/2ub {address:#x}+2").split()[1:], ["0", "20"])
        self.assertIn("cannot be read", self.command("xp 0x9000000"))
        self.assertIn("cannot be read", self.command("x 0x900000000000"))
        self.assertIn("x/4xw", self.command("x/4xq 0"))
        self.assertEqual(self.command("gva2gpa 0x40001234"), "gpa: 0x40001234\n")

    def test_unknown_commands_get_suggestions(self):
        self.assertEqual(self.command("quitt"), "no command 'quitt'; did you mean 'quit'?\n")
        self.assertIn("did you mean 'registers'", self.command("info registrs"))
        self.assertEqual(self.command(""), "")

    def test_help_lists_the_commands(self):
        said = self.command("help")
        for word in ("info", "xp", "system_reset", "quit"):
            self.assertRegex(said, rf"(?m)^{word}\b")

    def test_editing(self):
        self.type("nonsense\x15infoo\x7f status\r")
        self.assertIn("VM status", self.until(PROMPT))

    def test_quit(self):
        self.type("quit\r")
        self.assertEqual(self.yado.wait(SECONDS), 0)

    def test_reset(self):
        self.command("stop")
        before = self.command("info registers")
        self.command("system_reset")
        self.assertEqual(self.command("info status"), "VM status: paused\n")
        self.assertNotEqual(before, "")
        self.command("cont")
        self.assertEqual(self.command("info status"), "VM status: running\n")


class Cpus(Dialogue):
    """Several CPUs, of which one is on."""

    def test_cpu(self):
        self.start([guests.LOOP], "-nographic", "-smp", "3")
        time.sleep(0.3)
        self.enter()
        lines = self.command("info cpus").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], r"^\* CPU #0: cortex-a57, pc=0x40[0-9a-f]+$")
        self.assertRegex(lines[2], r"^  CPU #2: cortex-a57, pc=0x0, off$")
        self.assertRegex(self.command("x/1i $pc"), r"0*40[0-9a-f]+:")
        self.assertEqual(self.command("cpu 2"), "")
        self.assertRegex(self.command("info cpus").splitlines()[2], r"^\* CPU #2")
        self.assertRegex(self.command("x/1xw $pc"), r"not mapped|cannot|^0+:")
        for wrong in ("cpu 3", "cpu x", "cpu", "cpu -1"):
            self.assertEqual(self.command(wrong), "cpu takes a number from 0 to 2\n")
        self.assertRegex(self.command("info registers"), r"(?s)CPU#0.*CPU#1.*CPU#2")


class Focus(Dialogue):
    """Who gets what is typed, and that a paused guest stands still."""

    def test_guest_writes_only_while_it_runs(self):
        self.start(UART, "-nographic")
        self.until("aaa")
        self.enter()
        self.type("stop\r")
        self.until(PROMPT)
        time.sleep(0.5)
        while select.select([self.fd], [], [], 0)[0]:
            self.seen += os.read(self.fd, 65536).decode()
        self.seen = ""
        time.sleep(0.5)
        self.assertEqual(select.select([self.fd], [], [], 0)[0], [])
        self.type("cont\r")
        self.until("aaa")
        self.type("\x01c")
        time.sleep(0.2)
        self.type("\x01x")
        self.assertEqual(self.yado.wait(SECONDS), 0)

    def test_start_paused(self):
        self.start(UART, "-nographic", "-S")
        time.sleep(0.5)
        self.enter()
        self.assertEqual(self.command("info status"), "VM status: paused\n")
        self.assertRegex(self.command("info cpus"), "pc=0x40")
        self.type("cont\r")
        self.until("aaa")


class Elsewhere(Dialogue):
    """-monitor."""

    def test_stdio(self):
        self.start([guests.LOOP], "-serial", "null", "-monitor", "stdio")
        self.until(PROMPT)
        self.assertEqual(self.command("info status"), "VM status: running\n")
        self.type("q\r")
        self.assertEqual(self.yado.wait(SECONDS), 0)

    def test_socket(self):
        path = os.path.join(tempfile.mkdtemp(), "monitor")
        self.start([guests.LOOP], "-serial", "null", "-monitor", f"unix:{path},server=on,wait=off", terminal=False)
        limit = time.monotonic() + SECONDS
        while not os.path.exists(path) and time.monotonic() < limit:
            time.sleep(0.02)
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(SECONDS)
                client.connect(path)
                client.sendall(b"info status\n")
                said = b""
                while not re.search(rb"VM status: running\r\n\(yado\) ", said):
                    said += client.recv(4096)
            time.sleep(0.2)

    def test_refusals(self):
        with tempfile.NamedTemporaryFile() as image:
            image.write(guests.image([guests.LOOP]))
            image.flush()
            for args, status, text in (
                (["-serial", "stdio", "-monitor", "stdio"], 2, "cannot be both"),
                (["-monitor", "stdoi"], 2, "did you mean 'stdio'"),
                (["-gdb", "1234"], 2, "tcp::PORT"),
                (["-gdb", "tcp::99999"], 4, "the port"),
                (["-gdb", "tcp::1,wiat"], 4, "wait=off"),
                (["-monitor", "unix:/nowhere/at/all"], 4, "-monitor: cannot listen at 'unix:/nowhere/at/all'"),
            ):
                done = subprocess.run([YADO, "-M", "virt", "-kernel", image.name, *args],
                                      capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS,
                                      check=False)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(text, done.stderr)


if __name__ == "__main__":
    YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
