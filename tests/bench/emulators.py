# SPDX-License-Identifier: MIT
"""Emulators as the benchmark sees them: a command, a serial port, and the host CPU time of the process."""

import os
import re
import select
import shutil
import subprocess
import time

MACHINE = ["-M", "virt,gic-version=2", "-cpu", "cortex-a57", "-m", "1024", "-nographic", "-no-reboot"]


class Failed(Exception):
    """The guest did not do what was waited for."""


class Emulator:
    """name; command: its first words; root: what it sees as / (QEMU of another distribution, run by chroot)."""

    def __init__(self, name, command, root="/", more=()):
        self.name, self.root, self.more = name, root, list(more)
        self.command = (["chroot", root] if root != "/" else []) + [command]

    def version(self):
        done = subprocess.run([*self.command, "--version"], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.splitlines()[0]

    def path(self, path):
        """How the emulator calls a file."""
        path = os.path.abspath(path)
        if self.root != "/" and not path.startswith(os.path.abspath(self.root) + "/"):
            raise Failed(f"{path} is not below {self.root}: give a --work folder that is")
        return path if self.root == "/" else path[len(os.path.abspath(self.root)):]

    def start(self, kernel, initrd, append, smp=1, disk=None, more=()):
        drive = ["-drive", f"if=none,id=disk,format=raw,file={self.path(disk)}", "-device",
                 "virtio-blk-device,drive=disk"] if disk else []
        return Session([*self.command, *MACHINE, *self.more, "-smp", str(smp), "-kernel", self.path(kernel), "-initrd",
                        self.path(initrd), "-append", append, *drive, *more])


class Session:
    """A running emulator. What it has written and nobody has looked for yet is in self.text."""

    def __init__(self, command):
        self.text = b""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def cpu(self):
        """Seconds of host CPU time that all threads of the process have used."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def _read(self, seconds):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        data = os.read(self.process.stdout.fileno(), 65536)
        self.text += data.replace(b"\r", b"")
        return data

    def expect(self, pattern, seconds=300):
        """The match of pattern, which may be several separated by |; drops what came before its end."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern.encode(), self.text)):
            data = self._read(max(0, end - time.monotonic()))
            if not data:
                raise Failed(f"no {pattern!r} {'within %d s' % seconds if data is None else 'to the end'}; the last words:\n"
                             + self.text[-800:].decode(errors="replace"))
        self.text = self.text[found.end():]
        return found

    def finish(self, seconds=60):
        """Waits for the end; the rest of the text."""
        end = time.monotonic() + seconds
        while self._read(max(0, end - time.monotonic())):
            pass
        return self.text.decode(errors="replace")

    def toggle_monitor(self):
        """Turns yado's -nographic console over to its monitor."""
        self.process.stdin.write(b"\x01c")
        self.process.stdin.flush()
        self.expect(r"\(yado\) ")

    def monitor(self, line):
        """What the monitor says to a line."""
        self.send(line)
        return self.expect(r"(?s)(.*?)\(yado\) ").group(1).decode()

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()


def find_qemu(given):
    """The path of QEMU for arm64, or None."""
    return given or shutil.which("qemu-system-aarch64")
