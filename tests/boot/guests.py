# SPDX-License-Identifier: MIT
"""Guests that the boot tests use: files of distribution packages, and a small initrd made from one of them."""

import gzip
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
from cpio import read_newc, write_initrd  # noqa: E402

INSTALLER = "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64"
KERNEL = INSTALLER + "/linux"
INITRD = INSTALLER + "/initrd.gz"
UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

PACKAGES = {
    KERNEL: "debian-installer-12-netboot-arm64",
    INITRD: "debian-installer-12-netboot-arm64",
    UBOOT: "u-boot-qemu",
}

# What a shell needs, by path in the installer's initrd.
SMALL_FILES = {
    "bin/busybox": "bin/busybox",
    "lib/aarch64-linux-gnu/ld-linux-aarch64.so.1": "lib/ld-linux-aarch64.so.1",
    "lib/aarch64-linux-gnu/libc.so.6": "lib/libc.so.6",
    "lib/aarch64-linux-gnu/libresolv.so.2": "lib/libresolv.so.2",
}
APPLETS = ["sh", "mount", "cat", "uname", "poweroff", "reboot", "ls", "echo", "dmesg", "sleep", "md5sum", "seq", "head", "dd"]


class Missing(Exception):
    """A file that a test needs is not there."""


def need(path):
    """The path, or an error that names the command which provides it."""
    if not os.path.exists(path):
        raise Missing(f"{path} is missing: apt-get install {PACKAGES[path]}")
    return path


def make_small_initrd(path, init=None, modules=()):
    """Writes a gzip initrd of about one megabyte with a shell, from the installer; init: a script to begin with; modules:
    names of kernel modules, to be found in /lib."""
    wanted = dict(SMALL_FILES)
    with gzip.open(need(INITRD)) as packed:
        content_of = {name: content for name, _, content in read_newc(packed.read())}
    for module in modules:
        found = [name for name in content_of if name.endswith("/" + module + ".ko")]
        wanted.update({found[0]: f"lib/{module}.ko"} if found else {module + ".ko": ""})
    lost = set(wanted) - set(content_of)
    if lost:
        raise Missing(f"{INITRD} has no {', '.join(sorted(lost))}")
    entries = [(d, 0o040755, b"") for d in ("bin", "lib", "proc", "sys", "dev", "tmp")]
    entries += [(to, 0o100755, content_of[name]) for name, to in wanted.items()]
    entries += [("bin/" + a, 0o120777, b"busybox") for a in APPLETS]
    entries += [("init", 0o100755, init.encode())] if init else []
    write_initrd(path, entries)


# -- programs of a few insns, as arm64 Linux Images --


def movz(rd, value, shift=0):
    return 0xD2800000 | (shift // 16) << 21 | value << 5 | rd


def movk(rd, value, shift=0):
    return movz(rd, value, shift) | 0x20000000


STR_W2_X1 = 0xB9000022
HVC = 0xD4000002
SEMIHOST = 0xD45E0000  # hlt #0xf000
LOOP = 0x14000000      # b .
UART = [movz(1, 0x0900, 16)]


def put(text):
    """Insns that write text to the serial port at x1, regardless of its flags."""
    insns = list(UART)
    for c in text.encode():
        insns += [movz(2, c), STR_W2_X1]
    return insns


def psci(function):
    """Insns that call PSCI function 0x8400xxxx by HVC."""
    return [movz(0, function), movk(0, 0x8400, 16), HVC, LOOP]


POWER_OFF = psci(8)
RESET = psci(9)


def semihosting_exit(code):
    """Insns that end with a code: SYS_EXIT with {ADP_Stopped_ApplicationExit, code}."""
    return [movz(0, 0x18), 0x10000000 | 3 << 5 | 1, SEMIHOST, LOOP, 0x20026, 0, code, 0]


def image(insns, image_size=0x1000, text_offset=0, flags=10, magic=b"ARMd"):
    """The bytes of an Image that runs the insns."""
    header = struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, text_offset, image_size, flags, 0, 0, 0, magic, 0)
    return header + struct.pack(f"<{len(insns)}I", *insns)
