#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unmodified ppc64el kernel and initrd of Debian's installer on pseries, to a shell: ppc.py KIND YADO [option ...]."""

import os
import subprocess
import sys
import threading

FOLDER = "/usr/lib/debian-installer/images/12/ppc64el/text/debian-installer/ppc64el/"
KERNEL = FOLDER + "vmlinux"
# Tables and time, the terminal, all built-in drivers, and the shell.
COMMON = ("printk: console [hvc0] enabled", "NET: Registered PF_INET protocol family",
          "self-tests for CTR-KDF (hmac(sha256)) passed", "Loaded X.509 cert", "Enter 'help' for a list of built-in commands.")
SLOF = ["-bios", "/usr/share/qemu/slof.bin"]
ASKS = "Calling ibm,client-architecture-support... done"
RADIX, HASH = "lpar: Using radix MMU under hypervisor", "hash-mmu: Initializing hash mmu with SLB"
POWER8 = ("hash-mmu: base_shift=16: shift=24", HASH, "Hardware name: yado pseries POWER8", "hash-mmu: ppc64_pft_size    = 0x16")
XIVE, FOUR = "xive: Interrupt handling initialized with spapr backend", "smp: Brought up 1 node, 4 CPUs"
# By name: options, more of the kernel's command line (None: there is no kernel), what else is said.
KINDS = {
    "power9": (["-cpu", "power9"], "", (ASKS, "instantiating rtas at", RADIX, "Hardware name: yado pseries POWER9", XIVE,
                                        "time_init: 56 bit decrementer", "smp: Brought up 1 node, 1 CPU")),
    "power9-smp": (["-cpu", "power9", "-smp", "4"], "", (ASKS, RADIX, XIVE, FOUR)),
    "power9-threads": (["-cpu", "power9", "-smp", "4,cores=2,threads=2"], "", (ASKS, RADIX, XIVE, FOUR)),
    "power9-xics": (["-cpu", "power9", "-smp", "4", "-M", "pseries,ic-mode=xics"], "", (ASKS, RADIX, FOUR)),
    "power9-tree": (["-cpu", "power9", "-M", "pseries,x-vof=off"], "", (RADIX,)),
    "power9-hash": (["-cpu", "power9"], "disable_radix", (ASKS, HASH, XIVE)),
    "power9-regions": (["-cpu", "power9", "-accel", "jit,x-regions=all", "--verify=64"], "", (ASKS, RADIX, XIVE)),
    "power8": (["-cpu", "power8", "-smp", "4"], "", (ASKS, *POWER8, FOUR)),
    "slof": (SLOF, None, ("Welcome to Open Firmware", "E3407: Load failed", "Ready!")),
    "slof-power9": (["-cpu", "power9", "-smp", "2", *SLOF], "", ("Detected RAM kernel at 400000", ASKS, RADIX, XIVE)),
    "slof-power8": (["-cpu", "power8", "-smp", "2", *SLOF], "", ("Detected RAM kernel at 400000", ASKS, HASH)),
}
SECONDS = 280  # for all of it


def wait_for(guest, left, lines):
    for line in guest.stdout:
        lines.append(line)
        left[:] = [text for text in left if text not in line]
        if not left:
            return


def main():
    options, more, first = KINDS[sys.argv[1]]
    needs = {KERNEL: "debian-installer-12-netboot-ppc64el", SLOF[1]: "qemu-system-data"}
    for path, package in needs.items():
        if not os.path.exists(path):
            sys.exit(f"{path} is missing: apt-get install {package}")
    options = options if "-M" in options else ["-M", "pseries", *options]
    left, lines = list(first), []
    if more is not None:
        options = [*options, "-kernel", KERNEL, "-initrd", FOLDER + "initrd.gz", "-append", f"console=hvc0 rdinit=/bin/sh {more}"]
        left.extend(COMMON)
    guest = subprocess.Popen([sys.argv[2], "-m", "512", *options, *sys.argv[3:], "-serial", "stdio"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    alarm = threading.Timer(SECONDS, guest.kill)
    alarm.start()
    wait_for(guest, left, lines)
    status = None
    if not left and more is not None:
        guest.stdin.write("poweroff -f\n")
        guest.stdin.flush()
        lines.extend(guest.stdout)
        status = guest.wait()
    alarm.cancel()
    guest.kill()
    guest.wait()
    if left or status:
        sys.exit("".join(lines[-40:]) + (f"\nnever came: {left[0]}" if left else f"\nended with status {status}"))


if __name__ == "__main__":
    main()
