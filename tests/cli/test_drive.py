#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disks on the command line, from outside: -drive, -blockdev, -hda, -device. Usage: test_drive.py YADO [unittest args]."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_cli  # noqa: E402
from test_cli import Cli, guests  # noqa: E402

BLK = "virtio-blk-device"


class Drives(Cli):
    """A machine with a kernel that powers off, and disks."""

    def setUp(self):
        super().setUp()
        self.good = self.kernel(guests.POWER_OFF)
        self.disk = self.file("disk.img", b"\0" * 8192)

    def args(self, *args):
        return self.virt("-kernel", self.good, *args)

    def usage(self, text, *args):
        self.fails(2, text, *self.args(*args))

    def runs(self, *args):
        done = self.yado(*self.args(*args))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), args)

    def drive(self, more="", name="d"):
        return ("-drive", f"file={self.disk},if=none,id={name}{more}")


class Good(Drives):
    """Every spelling."""

    def test_drive(self):
        for text in ("", ",format=raw", ",if=virtio", ",if=none", ",id=x,cache=writethrough", ",cache=none,aio=threads",
                     ",cache=directsync", ",cache=unsafe", ",readonly=on", ",read-only=on", ",snapshot=on",
                     ",werror=stop,rerror=stop", ",werror=enospc,rerror=report", ",werror=ignore", ",discard=unmap",
                     ",media=disk,serial=abc"):
            self.runs("-drive", f"file={self.disk}{text}")
        self.runs("-drive", self.disk)
        self.runs("-hda", self.disk)
        self.runs("-snapshot", "-hda", self.disk)
        comma = self.file("a,b.img", b"\0" * 512)
        self.runs("-hda", comma)
        self.runs("-drive", "file=" + comma.replace(",", ",,"))

    def test_blockdev(self):
        for text in (f"driver=raw,node-name=d,file.driver=file,file.filename={self.disk}", f"raw,node-name=d,file.filename={self.disk}",
                     f"driver=file,node-name=d,filename={self.disk},read-only=on",
                     f"driver=raw,node-name=d,file.driver=file,file.filename={self.disk},cache.direct=on,discard=unmap"):
            self.runs("-blockdev", text, "-device", BLK + ",drive=d")

    def test_device(self):
        for text in ("", ",id=disk", ",serial=01234567890123456789", ",num-queues=16", ",packed=on", ",force-legacy=on",
                     ",event_idx=off,indirect_desc=off", ",logical_block_size=4k,physical_block_size=8k", ",queue-size=1024",
                     ",discard=off,write-zeroes=off"):
            self.runs(*self.drive(), "-device", f"{BLK},drive=d{text}")
        many = [x for i in range(32) for x in ("-drive", f"file={self.disk},readonly=on,id=n{i}")]
        self.runs(*many)

    def test_snapshot_leaves_the_image(self):
        other = self.file("odd.img", b"x" * 1000)
        self.runs("-snapshot", "-hda", other)
        self.assertEqual(os.path.getsize(other), 1000)

    def test_info(self):
        args = self.args("-S", "-monitor", "stdio", *self.drive(",cache=none,readonly=on"), "-device", BLK + ",drive=d,id=disk",
                         *self.drive(",readonly=on", "e"))
        with subprocess.Popen([test_cli.YADO, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as monitor:
            shown = monitor.communicate("info block\nquit\n", timeout=test_cli.SECONDS)[0]
        self.assertIn(f"d: {self.disk} (raw, 8 KiB, cache=none, read-only), used by disk\n", shown.replace("\r", ""))
        self.assertIn(f"e: {self.disk} (raw, 8 KiB, cache=writeback, read-only), used by nobody\n", shown.replace("\r", ""))

    def test_help(self):
        for args, words in ((["-device", "help"], [BLK, "disk (virtio)"]),
                            (["-device", BLK + ",help"], ["drive=ID", "num-queues=N", "(default: 1)", "packed=on|off",
                                                          "event_idx=on|off", "serial=TEXT", "id=TEXT"]),
                            (["--help"], ["-drive file=FILE", "-blockdev", "-snapshot", "-hda FILE", "-device NAME"])):
            done = self.yado(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in words:
                self.assertIn(word, done.stdout)


class Wrong(Drives):
    """Exit code 2, 3 and 4, with what would be right."""

    def test_device(self):
        self.usage("no device 'virtio-blk-devcie'; did you mean 'virtio-blk-device'?", "-device", "virtio-blk-devcie")
        pci = "virtio-blk-pci,drive=d"
        self.usage("addr=20 is no slot of a PCI bus; give SLOT or SLOT.FUNCTION", *self.drive(), "-device", pci + ",addr=20")
        self.usage("the pci slot of 'virtio-rng-pci0', addr=3.0, is taken", *self.drive(), "-device", pci + ",addr=3",
                   "-device", "virtio-rng-pci,addr=3")
        self.usage("leave no interface to the device", *self.drive(), "-device",
                   pci + ",disable-legacy=on,disable-modern=on")
        self.usage("virtio-blk-pci.bus: no choice 'pci.1'; did you mean 'pci.0'?", *self.drive(), "-device", pci + ",bus=pci.1")
        self.usage("virtio-blk-pci0.virtio: a drive is missing: give drive=ID", "-device", "virtio-blk-pci")
        self.usage("machine 'virt' has no free pci slot", *["-device", "virtio-rng-pci"] * 32)
        self.usage("there is no channel bus yet; use 'virtio-blk-device'", "-device", "virtio-blk-ccw,drive=d")
        self.usage("-device: the name of the device is missing", "-device", "drive=d")
        self.usage("has no property 'driv'; did you mean 'drive'?", *self.drive(), "-device", BLK + ",driv=d")
        self.usage("no drive 'e'", *self.drive(), "-device", BLK + ",drive=e")
        self.usage("no drive 'd'; there are none", "-device", BLK + ",drive=d")
        self.usage("virtio-blk-device0: a drive is missing: give drive=ID", "-device", BLK)
        self.usage("drive 'd' is used by 'virtio-blk-device0' already", *self.drive(), "-device", BLK + ",drive=d", "-device",
                   BLK + ",drive=d")
        self.usage("there is a device 'pl011' already; give it another id", *self.drive(), "-device", BLK + ",drive=d,id=pl011")
        self.usage("virtio-blk-device.num-queues: '0' is not a whole number from 1 to 16", *self.drive(), "-device",
                   BLK + ",drive=d,num-queues=0")
        self.usage("'virtio-blk-device.packed' is 'on' or 'off', not 'maybe'", *self.drive(), "-device",
                   BLK + ",drive=d,packed=maybe")
        self.usage("logical_block_size: '1' is not from 512 bytes to 32 KiB", *self.drive(), "-device",
                   BLK + ",drive=d,logical_block_size=1")
        self.usage("block sizes are powers of two", *self.drive(), "-device", BLK + ",drive=d,logical_block_size=1536")
        self.usage("no multiple of logical_block_size", *self.drive(), "-device",
                   BLK + ",drive=d,logical_block_size=16k,physical_block_size=16k")
        self.usage("queue-size must be a power of two", *self.drive(), "-device", BLK + ",drive=d,queue-size=100")
        self.usage("serial: at most 20 bytes", *self.drive(), "-device", BLK + ",drive=d,serial=" + 21 * "x")
        many = [x for i in range(33) for x in ("-drive", f"file={self.disk},readonly=on,id=n{i}")]
        self.usage("has no free virtio slot for 'virtio-blk-device32'; there are 32", *many)

    def test_drive(self):
        self.usage("-drive: the file is missing: give file=PATH", "-drive", "if=none")
        self.usage("-drive: the file is missing", "-drive", "file=")
        self.usage("-drive: no key 'cach'; did you mean 'cache'?", "-drive", f"file={self.disk},cach=none")
        self.usage("-drive: no cache 'writebak'; did you mean 'writeback'?", "-drive", f"file={self.disk},cache=writebak")
        self.usage("-drive: no if 'ide'; there are virtio, none", "-drive", f"file={self.disk},if=ide")
        self.usage("-drive: format=qcow2 does not exist yet; convert the image to raw", "-drive", f"file={self.disk},format=qcow2")
        self.usage("-drive: no format 'rwa'; did you mean 'raw'?", "-drive", f"file={self.disk},format=rwa")
        self.usage("-drive: no werror 'halt'", "-drive", f"file={self.disk},werror=halt")
        self.usage("-drive: no aio 'x'", "-drive", f"file={self.disk},aio=x")
        self.usage("-drive: no key 'index'", "-drive", f"file={self.disk},index=1")
        self.usage("-drive: no discard 'x'", "-drive", f"file={self.disk},discard=x")
        self.usage("'-drive readonly' is 'on' or 'off'", "-drive", f"file={self.disk},readonly=x")
        self.usage("there is a drive 'd' already; give it another id", *self.drive(), *self.drive())
        self.usage("-hda: the argument is empty", "-hda", "")
        self.usage("'disk.img' does not begin with a dash", "disk.img")

    def test_blockdev(self):
        self.usage("-blockdev: driver is missing", "-blockdev", "node-name=d")
        self.usage("-blockdev: node-name is missing", "-blockdev", "driver=raw")
        self.usage("driver=raw takes file.filename=PATH", "-blockdev", "driver=raw,node-name=d")
        self.usage("driver=file takes filename=PATH", "-blockdev", "driver=file,node-name=d")
        self.usage("-blockdev: driver=qcow2 does not exist yet", "-blockdev", "driver=qcow2,node-name=d")
        self.usage("no key 'file.filenam'; did you mean 'file.filename'?", "-blockdev", "driver=raw,node-name=d,file.filenam=x")
        self.usage("-blockdev: JSON is not understood yet", "-blockdev", "{}")

    def test_images(self):
        def image(text, path, more=""):
            self.fails(3, text, *self.args("-drive", f"file={path}{more}"))
        image("cannot open image '/nonexistent/x' for writing: No such file", "/nonexistent/x")
        image("cannot open image '/nonexistent/x': No such file", "/nonexistent/x", ",readonly=on")
        image("is a directory", self.folder)
        image("is empty", self.file("empty", b""))
        image("is neither a file nor a block device", "/dev/null")
        image("begins like format qcow2, which does not exist yet", self.file("q", b"QFI\xfb" + b"\0" * 1020))
        self.runs("-drive", "format=raw,file=" + self.file("q", b"QFI\xfb" + b"\0" * 1020))

    def test_in_use(self):
        waiting = self.kernel([0x14000000], "loop")
        with subprocess.Popen([test_cli.YADO, *self.virt("-kernel", waiting, "-hda", self.disk, "-monitor", "stdio")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as other:
            try:
                seen = b""
                while b"(yado)" not in seen:  # it has opened the disk
                    seen += other.stdout.read(1)
                text = f"is in use by 'yado' (process {other.pid}); give each machine its own copy"
                self.fails(4, text, *self.args("-hda", self.disk))
                self.fails(4, text, *self.args("-drive", f"file={self.disk},readonly=on"))
            finally:
                other.stdin.write(b"quit\n")
                other.stdin.close()
        self.runs("-hda", self.disk)
        self.fails(4, "is in use by this machine already", *self.args("-hda", self.disk, *self.drive()))


if __name__ == "__main__":
    test_cli.YADO = os.path.abspath(sys.argv.pop(1))
    unittest.main()
