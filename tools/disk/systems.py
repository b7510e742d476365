# SPDX-License-Identifier: MIT
"""The systems that `tools/demo disk` knows: what Debian calls them, and the machine they run on."""

from typing import NamedTuple


class System(NamedTuple):
    """A Debian for one architecture."""
    arch: str       # Debian's name
    kernel: str     # package that depends on the kernel's
    image: str      # what the kernel's file in /boot begins with
    machine: tuple  # options
    console: str    # as the guest's kernel calls it
    uname: str      # what `uname -m` says


SYSTEMS = {s.arch: s for s in (
    System("arm64", "linux-image-arm64", "vmlinuz", ("-M", "virt,gic-version=2", "-cpu", "cortex-a57"), "ttyAMA0", "aarch64"),
    System("ppc64el", "linux-image-powerpc64le", "vmlinux", ("-M", "pseries", "-cpu", "power9"), "hvc0", "ppc64le"),
)}
ARM64 = SYSTEMS["arm64"]
