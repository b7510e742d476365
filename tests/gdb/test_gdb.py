#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb-multiarch debugs a bare-metal program and Debian's kernel. Usage: test_gdb.py YADO [unittest args]."""

import os
import re
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
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import guests  # noqa: E402

YADO = "yado"
SECONDS = 60
TOOLS = {"gdb-multiarch": "gdb-multiarch", "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu"}


def need_tools():
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            raise guests.Missing(f"{tool} is missing: apt-get install {package}")


class Debugged(unittest.TestCase):
    """A yado that waits for gdb at a socket in a folder of its own."""

    def setUp(self):
        need_tools()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.socket = os.path.join(self.folder, "gdb.sock")
        self.yado = None

    def start(self, *args):
        self.yado = subprocess.Popen([YADO, "-M", "virt", "-serial", "null", "-gdb", "unix:" + self.socket, *args],
                                     stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        limit = time.monotonic() + 20
        while not os.path.exists(self.socket):
            self.assertIsNone(self.yado.poll(), self.yado.poll() is not None and self.yado.stderr.read())
            self.assertLess(time.monotonic(), limit, "yado does not listen")
            time.sleep(0.02)

    def end(self):
        if self.yado.poll() is None:
            self.yado.kill()
        self.yado.wait()
        self.yado.stderr.close()

    def gdb(self, *commands, program=None, interrupt=None):
        """The output of gdb after these commands. interrupt: seconds after which it gets SIGINT."""
        args = ["gdb-multiarch", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set architecture aarch64"]
        for command in ["target remote " + self.socket, *commands]:
            args += ["-ex", command]
        child = subprocess.Popen(args + ([program] if program else []), stdin=subprocess.DEVNULL, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if interrupt:
            time.sleep(interrupt)
            child.send_signal(signal.SIGINT)
        try:
            return child.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            self.fail("gdb does not end: " + child.communicate()[0])
            return ""


class BareMetal(Debugged):
    """The program in guest.c."""

    @classmethod
    def setUpClass(cls):
        need_tools()
        cls.build = tempfile.TemporaryDirectory()
        cls.program = os.path.join(cls.build.name, "guest.elf")
        subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-g", "-O1", "-ffreestanding", "-fno-pic",
                        "-fno-inline", "-mstrict-align", "-Wl,-N,--no-warn-rwx-segments,--build-id=none", "-Wl,-Ttext=0x40200000",
                        "-o", cls.program, os.path.join(HERE, "start.S"), os.path.join(HERE, "guest.c")], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.build.cleanup()

    ACCEL = "jit"

    def debug(self, *commands, **more):
        if not self.yado:
            self.start("-S", "-kernel", self.program, "-accel", self.ACCEL)
        return self.gdb(*commands, program=self.program, **more)

    def values(self, text):
        """What `print` commands printed, in order."""
        return re.findall(r"^\$\d+ = (.*)$", text, re.M)

    def test_break_backtrace_continue(self):
        out = self.debug("break leaf", "continue", "backtrace", "print n", "frame 1", "print n", "continue", "print a",
                         "print counter")
        self.assertRegex(out, r"Breakpoint 1, leaf \(a=(a@entry=)?1, b=(b@entry=)?1\)")
        self.assertRegex(out, r"#1 .*middle \(n=(n@entry=)?1\)")
        self.assertRegex(out, r"#2 .*guest_main \(\)")
        self.assertEqual(self.values(out)[-2:], ["2", "1"])

    def test_software_and_hardware_breakpoints_are_told_apart(self):
        out = self.debug("hbreak leaf", "continue", "tbreak faulted", "delete 1", "continue")
        self.assertRegex(out, r"Breakpoint 1, leaf \(a=(a@entry=)?1")
        self.assertRegex(out, r"Temporary breakpoint 2, faulted")

    def test_step_next_finish(self):
        out = self.debug("break middle", "continue", "step", "step", "finish", "delete", "tbreak guest.c:30", "continue", "next",
                         "next")
        self.assertRegex(out, r"leaf \(a=(a@entry=)?1, b=(b@entry=)?1\)")
        self.assertIn("Value returned is $1 = 11", out)
        self.assertIn("spinning", out)

    def test_stepi_over_a_faulting_insn(self):
        out = self.debug("break *fault_here", "continue", "stepi", "print $pc", "print/x $ESR_EL1 >> 26",
                         "print/x $FAR_EL1", "print $ELR_EL1 == (unsigned long)&fault_here", "break guest.c:30", "continue",
                         "print faults")
        values = self.values(out)
        self.assertIn("<sync_vector>", values[0])
        self.assertEqual(values[1:5], ["0x25", "0x3000000000", "1", "1"])

    def test_watch(self):
        out = self.debug("watch counter", "continue", "continue", "rwatch table[2]", "awatch written", "info breakpoints")
        self.assertEqual(re.findall(r"(?:Old|New) value = (\d+)", out), ["0", "1", "1", "2"])
        self.assertRegex(out, r"leaf \(a=(a@entry=)?2")

    def test_read_watch_stops_at_the_reader(self):
        out = self.debug("rwatch counter", "continue", "print counter", "x/i $pc")
        self.assertRegex(out, r"Hardware read watchpoint 1: counter\s+Value = 0")
        self.assertIn("leaf", out)

    def test_watch_of_what_is_not_written(self):
        """A neighbour in the same page does not stop it."""
        out = self.debug("watch table[2]", "continue", "print table[2]", "print written")
        self.assertEqual(re.findall(r"(?:Old|New) value = (\d+)", out), ["3", "32"])
        self.assertEqual(self.values(out), ["32", "32"])

    def test_registers(self):
        out = self.debug("tbreak guest.c:30", "continue", "stepi", "print/x $v0.b.u", "print $v31.d.u[0]",
                         "print $CurrentEL", "print/x $SCTLR_EL1 & 1", "print $VBAR_EL1 == (unsigned long)&vectors", "print/x $MIDR_EL1 >> 24",
                         "info registers system", "info registers cpsr", "print/x $fpcr")
        values = self.values(out)
        self.assertEqual(values[0], "{0x7 <repeats 16 times>}")
        self.assertEqual(values[2:6], ["4", "0x0", "1", "0x41"])
        self.assertRegex(out, r"TTBR0_EL1 +0x0 ")

    def test_write_registers_and_memory(self):
        out = self.debug("break leaf", "continue", "set var $x0 = 100", "set var table[0] = 0x1122334455667788",
                         "print/x table[0]", "finish", "print table", "set var $v5.d.u[1] = 77", "print $v5.d.u",
                         "set var $TPIDR_EL1 = 55", "print $TPIDR_EL1", "set var $MIDR_EL1 = 1")
        self.assertIn("0x1122334455667788", out)
        self.assertIn("= 1001", out)
        self.assertIn("{0, 77}", out)
        self.assertIn(" = 55", out)
        self.assertIn("Could not write register", out)

    def test_code_can_be_patched(self):
        """A translated insn that is overwritten runs as it is now: leaf adds 5."""
        out = self.debug("break leaf", "continue", "continue", "print counter",
                         "set var *(unsigned *)&faulted = 0xd65f03c0", "tbreak guest.c:30", "delete 1", "continue",
                         "print faults")
        self.assertEqual(self.values(out), ["1", "0"])

    def test_unmapped_memory_is_an_error(self):
        out = self.debug("print *(long *)0x900000000000", "print *(long *)0x9000000", "set var *(int *)0x900000000000 = 1",
                         "print 1 + 1")
        self.assertEqual(out.count("Cannot access memory at address"), 3)
        self.assertEqual(self.values(out), ["2"])

    def test_interrupt(self):
        out = self.debug("continue", "print spin > 1000", "info line", "x/i $pc", interrupt=2)
        self.assertIn("SIGINT", out)
        self.assertEqual(self.values(out), ["1"])

    def test_break_and_watch_in_translated_code(self):
        """Points that come when the loop is hot stop each round; without them it is hot again."""
        out = self.debug("continue", "tbreak guest.c:30", "continue", "break guest.c:30", "print spin", "continue",
                         "print spin - $1", "continue 3", "print spin - $1", "delete", "watch spin", "continue", "continue",
                         "print spin - $1", "delete", "rwatch spin", "continue", "continue", "print spin - $1",
                         interrupt=1)
        self.assertEqual(self.values(out)[1:], ["1", "4", "6", "7"], out)

    def test_detach_leaves_the_guest_running(self):
        self.debug("break leaf", "continue", "detach")
        time.sleep(0.5)
        self.assertIsNone(self.yado.poll())
        out = self.debug("print spin > 10000", "print counter", "print spin")
        self.assertEqual(self.values(out)[:2], ["1", "3"], out)

    def test_quitting_detaches(self):
        self.debug("break leaf", "continue")
        time.sleep(0.5)
        out = self.debug("print spin > 10000", "print counter", "print spin")
        self.assertEqual(self.values(out)[:2], ["1", "3"], out)

    def test_kill_ends_yado(self):
        self.debug("break leaf", "continue", "kill")
        self.assertEqual(self.yado.wait(10), 0)

    def test_monitor(self):
        out = self.debug("monitor info status", "monitor info registers", "monitor info version", "monitor x/2i $pc",
                         "monitor xp/1xw 0x40200000", "monitor cont", "monitor nonsense", "monitor info mtree", "monitor help",
                         "monitor info jit", "monitor info cpus", "monitor info tlb")
        self.assertIn("VM status: paused", out)
        self.assertIn("pc  0000000040200000", out)
        self.assertIn("gdb is connected", out)
        self.assertIn("no command 'nonsense'", out)
        self.assertIn("blocks translated", out)
        self.assertIn("(pl011)", out)
        self.assertRegex(out, r"40200000: +adr")

    def test_reset_from_the_monitor(self):
        out = self.debug("break leaf", "continue", "monitor system_reset", "maintenance flush register-cache", "print $pc",
                         "print counter", "continue", "print a")
        values = self.values(out)
        self.assertIn("<_start>", values[0])
        self.assertEqual(values[1:], ["0", "1"])

    def test_second_client_is_turned_away(self):
        self.start("-S", "-kernel", self.program)
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(self.socket)
            first.sendall(b"$?#3f")
            first.settimeout(10)
            self.assertTrue(first.recv(100).startswith(b"+$T05"))
            second.connect(self.socket)
            second.settimeout(10)
            self.assertEqual(second.recv(1), b"")

    def test_client_that_does_not_read(self):
        """It is dropped in the end, and does not hang yado."""
        self.start("-S", "-kernel", self.program)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            client.setblocking(False)
            limit = time.monotonic() + 20
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                while time.monotonic() < limit:
                    try:
                        client.send(b"$m40200000,1000#8a" * 20)
                    except BlockingIOError:
                        time.sleep(0.01)
        self.assertIsNone(self.yado.poll())
        self.assertIn("2", self.debug("print 1 + 1"))


class BareMetalInterpreted(BareMetal):
    """The same with the interpreter."""

    ACCEL = "interp"


class Kernel(Debugged):
    """Debian's kernel."""

    def test_physical_entry_and_interrupt(self):
        with open(guests.need(guests.KERNEL), "rb") as file:
            head = file.read(64)
        first, offset = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<Q", head, 8)[0]
        self.assertEqual(first >> 26, 5, "the header's second insn is a branch")
        target = 0x40000000 + offset + 4 + 4 * (first & 0x3FFFFFF)
        self.start("-S", "-kernel", guests.KERNEL, "-m", "512", "-append", "console=ttyAMA0")
        out = self.gdb(f"hbreak *{target:#x}", "continue", "print/x $pc", "print/x $SCTLR_EL1 & 1", "delete", "stepi", "stepi", "print $pc")
        self.assertIn(f"$1 = {target:#x}", out)
        self.assertIn("$2 = 0x0", out)
        out = self.gdb("continue", "print $pc > 0xffff000000000000 || $CurrentEL == 0", "print/x $SCTLR_EL1 & 1", "x/2i $pc",
                       "x/2xw $VBAR_EL1", "print *(long *)0", "print $CONTEXTIDR_EL1", interrupt=4)
        self.assertIn("SIGINT", out)
        self.assertIn("$1 = 1", out)
        self.assertIn("$2 = 0x1", out)
        self.assertNotIn("Cannot access memory at address 0xffff", out)
        out = self.gdb("set $vector = $VBAR_EL1 + 0x280", "break *$vector", "continue", "print $pc == $vector",
                       "print $DAIF & 0x80", "stepi", "continue", "print $pc == $vector", "delete")
        self.assertEqual(re.findall(r"^\$\d+ = (.*)$", out, re.M), ["1", "128", "1"], out)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
