#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian 12 on a virtio disk: demo.py YADO [ARCHITECTURE] [fresh].

Makes the disk when it is not there (see image.py), lets the first boot under yado install the packages, keeps the result
and starts it. What is made is in $XDG_CACHE_HOME/yado/debian-12-ARCHITECTURE; `fresh` forgets it. A step that was interrupted
begins anew the next time.
"""

import fcntl
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from disk import image  # noqa: E402
from disk.image import Failed  # noqa: E402
from disk.systems import ARM64, SYSTEMS  # noqa: E402

NEEDED = 5 << 30         # bytes: the unpacked packages, the image made of them, and its copy
SILENCE = 600            # seconds without a word of the first boot, on a slow machine
PROMPT = "\x1b[?2004h"   # the guest's shell asks for a line
SSH_PORT = 2222


def default_folder(system=ARM64):
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "yado", "debian-12-" + system.arch)


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def command(yado, folder, disk, *more, system=ARM64, init=""):
    """The command line that starts a disk."""
    append = f"console={system.console} root=/dev/vda" + (f" init={init}" if init else "")
    path = os.path.join(folder, disk).replace(",", ",,")
    return [yado, *system.machine, "-m", "1024", "-nographic", "-kernel",
            os.path.join(folder, system.image), "-initrd", os.path.join(folder, "initrd.gz"), "-append", append, "-drive",
            f"file={path},format=raw,if=virtio", *more]


class Step:
    """Says what is being done, and how long it took."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        say(self.text)
        self.start = time.monotonic()
        return self

    def seconds(self):
        return time.monotonic() - self.start

    def __exit__(self, kind, *_):
        if kind is None:
            say(f"   done in {self.seconds():.0f} s")


def remove(folder, *names):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.remove(path)


def check_space(folder):
    free = shutil.disk_usage(folder).free
    if free < NEEDED:
        raise Failed(f"{folder} has {free / 1e9:.1f} GB free, and the disk needs {NEEDED / 1e9:.1f}: make room, or set "
                     "XDG_CACHE_HOME to a folder that has it")


def make_base(system, folder):
    """base.img, the kernel and initrd.gz, from packages."""
    log = os.path.join(folder, "image.log")
    check_space(folder)
    with Step("fetching and unpacking packages (about 190 MB) and making the disk"), open(log, "wb") as out:
        try:
            image.make("base", system, folder, out)
        except Failed as why:
            raise Failed(f"{why}\nwhat the tools said is in {log}; is the network there? 'tools/demo disk' begins anew") from None


def follow(process, log, total, start):
    """Passes the first boot's output to the log; says how far it is. Returns what it says of its own."""
    said, rest, installed, spoken = [], b"", 0, time.monotonic()
    while select.select([process.stdout], [], [], SILENCE)[0]:
        data = os.read(process.stdout.fileno(), 65536)
        log.write(data)
        log.flush()
        if not data:
            return said
        *lines, rest = (rest + data).split(b"\n")
        for line in (line.decode("utf-8", "replace").strip() for line in lines):
            if line.startswith("first-boot: "):
                said.append(line[len("first-boot: "):])
            if line.startswith("Setting up "):
                installed += 1
                if time.monotonic() - spoken >= 5:
                    spoken = time.monotonic()
                    say(f"   {installed} of {total} packages, {spoken - start:.0f} s: {line.split()[2]}")
    raise Failed(f"nothing for {SILENCE} s")


def first_boot(yado, system, folder):
    """Installs the packages: base.img becomes disk.img."""
    with open(os.path.join(folder, "packages"), encoding="utf-8") as text:
        total = int(text.read())
    log = os.path.join(folder, "first-boot.log")
    check_space(folder)
    remove(folder, "first.img")
    with Step(f"first boot: the guest installs {total} packages"), open(log, "wb") as out:
        start = time.monotonic()
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", os.path.join(folder, "base.img"),
                        os.path.join(folder, "first.img")], check=True)
        with subprocess.Popen(command(yado, folder, "first.img", "-no-reboot", system=system,
                                      init="/sbin/first-boot"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                said = follow(process, out, total, start)
                status = process.wait()
            except Failed as why:
                said, status = [str(why)], -1
            finally:
                process.kill()
        if status != 0 or said[-1:] != ["complete"]:
            raise Failed(f"the first boot failed (exit code {status}): {said[-1] if said else 'the guest said nothing'}\n"
                         f"the console's text is in {log}; 'tools/demo disk' begins the first boot anew, 'tools/demo disk "
                         "fresh' everything")
        os.rename(os.path.join(folder, "first.img"), os.path.join(folder, "disk.img"))
        remove(folder, "base.img")


def prepare(yado, folder, system=ARM64):
    """Leaves disk.img, the kernel and initrd.gz in folder; keeps those that are there."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"another process makes the disk in {folder}: wait for it") from None
        if not os.path.exists(os.path.join(folder, "disk.img")):
            if not os.path.exists(os.path.join(folder, "base.img")):
                make_base(system, folder)
            first_boot(yado, system, folder)


def free_port(port):
    """The port, or another one when somebody has it."""
    for number in (port, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise Failed("no TCP port is free on 127.0.0.1")


def network(port):
    return ["-nic", f"user,hostfwd=tcp:127.0.0.1:{port}-:22"]


def main():
    yado, words = sys.argv[1], sys.argv[2:]
    system = SYSTEMS[words.pop(0)] if words and words[0] in SYSTEMS else ARM64
    folder = default_folder(system)
    if words not in ([], ["fresh"]):
        print(f"usage: tools/demo disk [{'|'.join(SYSTEMS)}] [fresh]", file=sys.stderr)
        sys.exit(2)
    try:
        if words:
            remove(folder, "disk.img", "base.img", "first.img", "work")
        prepare(yado, folder, system)
        port = free_port(SSH_PORT)
    except Failed as why:
        sys.exit(re.sub("^", "tools/demo disk: ", str(why), flags=re.M))
    except KeyboardInterrupt:
        sys.exit(130)
    start = command(yado, folder, "disk.img", *network(port), system=system)
    say(f"booting {folder}/disk.img: log in as root, password root; from here: ssh -p {port} root@127.0.0.1")
    say("'poweroff' or Ctrl-a x ends; what you change stays; 'tools/demo disk fresh' begins anew")
    if not sys.stdin.isatty():  # lines of commands: log in, one at each prompt, then off
        with subprocess.Popen([sys.executable, os.path.join(image.HERE, "../feed.py"), f"login: |Password: |{PROMPT}",
                               "poweroff", *start], stdin=subprocess.PIPE) as feed:
            feed.communicate(b"root\nroot\n" + sys.stdin.buffer.read())
        sys.exit(feed.returncode)
    os.execv(start[0], start)


if __name__ == "__main__":
    main()
